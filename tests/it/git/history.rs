//! Which heads come into force, over real fetches: full and shallow, forward and rewritten.

use super::*;

/// A head that is pushed over another.
fn rewrite(repo: &Repo) -> String {
    repo.git(&["commit", "--quiet", "--amend", "-m", "rewritten"]);
    repo.git(&["rev-parse", "HEAD"])
}

pub(super) async fn forward_and_rewritten(repo: &Repo, address: &str) {
    let sources = sources(&[address]);
    look(&sources).await.unwrap();
    for name in ["b", "c"] {
        repo.write(&format!("prod/{name}.yaml"), &cluster(name));
        repo.commit("between");
        let id = repo.commit("forward");
        let read = look(&sources).await.unwrap();
        assert_eq!((commit_of(&read), trouble(&read)), (id.as_str(), None));
    }
    let good = repo.git(&["rev-parse", "HEAD"]);
    repo.git(&["rm", "--quiet", "prod/b.yaml"]);
    let new = rewrite(repo);
    for _ in 0..2 {
        let read = look(&sources).await.unwrap();
        assert_eq!((commit_of(&read), held(&read).len()), (good.as_str(), 3));
        let (reason, message) = trouble(&read).unwrap();
        assert_eq!(reason, "HistoryRewritten", "{message}");
        assert!(
            message.contains(&new[..12]) && message.contains(&good[..12]),
            "{message}"
        );
        assert_eq!(read.sources[0].held.as_ref().unwrap().id, new);
    }
    // A rewind is no way forward either.
    repo.git(&["reset", "--quiet", "--hard", "HEAD~3"]);
    let read = look(&sources).await.unwrap();
    assert_eq!(commit_of(&read), good);
    assert_eq!(trouble(&read).unwrap().0, "HistoryRewritten");
    // Put right again, all is well; forced, the new head is what counts.
    repo.git(&["reset", "--quiet", "--hard", &good]);
    let read = look(&sources).await.unwrap();
    assert_eq!((trouble(&read), read.sources[0].held.clone()), (None, None));
    repo.git(&["reset", "--quiet", "--hard", &new]);
    let read = sources.read(Eagerness::Forced).await.unwrap();
    assert_eq!((commit_of(&read), trouble(&read)), (new.as_str(), None));
    assert_eq!(held(&read).len(), 2);
    // Without the branch, what it was last stays.
    repo.git(&["branch", "-m", "main", "other"]);
    let read = look(&sources).await.unwrap();
    assert_eq!((commit_of(&read), held(&read).len()), (new.as_str(), 2));
    assert_eq!(trouble(&read).unwrap().0, "NoRevision");
}

#[tokio::test]
async fn a_repository_of_this_machine() {
    let repo = Repo::new();
    forward_and_rewritten(&repo, &repo.address("branch=main&path=prod")).await;
}

#[tokio::test]
async fn a_shallow_fetch() {
    let repo = Repo::new();
    let server = Server::http(&repo, &[]);
    forward_and_rewritten(&repo, &server.address(&repo, "", "branch=main&path=prod")).await;
}

#[tokio::test]
async fn a_full_fetch() {
    let repo = Repo::new();
    let server = Server::http(&repo, &[]);
    forward_and_rewritten(
        &repo,
        &server.address(&repo, "", "ref=main&path=prod&depth=0"),
    )
    .await;
}

#[tokio::test]
async fn the_first_fetch_is_as_deep_as_it_is_told() {
    let repo = Repo::new();
    for number in 2..=5 {
        repo.commit(&format!("commit {number}"));
    }
    let server = Server::http(&repo, &[]);
    for (option, commits) in [("", "1"), ("&depth=3", "3"), ("&depth=0", "5")] {
        let store = tempfile::tempdir().unwrap();
        let options = format!("branch=main&path=prod{option}");
        let address = server.address(&repo, "", &options);
        let read = look(&lasting(&[&address], Some(store.path())))
            .await
            .unwrap();
        let objects = objects(store.path());
        let of = format!("--git-dir={}", objects.display());
        let counted = repo.git(&[&of, "rev-list", "--count", commit_of(&read)]);
        assert_eq!(counted, commits, "{option}");
        let boundary = std::fs::read_to_string(objects.join("shallow")).unwrap_or_default();
        let lines = usize::from(commits != "5");
        assert_eq!(boundary.lines().count(), lines, "{option}: {boundary}");
    }
}

#[tokio::test]
async fn old_history_is_told_from_a_rewrite_too() {
    // The head's time is long before the cut-off of what is in force.
    let repo = Repo::new();
    let old = repo.git(&["rev-parse", "HEAD"]);
    repo.git(&[
        "commit",
        "--quiet",
        "--amend",
        "--no-edit",
        "--date=@1000000000",
    ]);
    let server = Server::http(&repo, &[]);
    let sources = sources(&[&server.address(&repo, "", "branch=main&path=prod")]);
    let first = look(&sources).await.unwrap();
    let good = commit_of(&first).to_owned();
    assert_ne!(good, old);
    let tree = repo.git(&["rev-parse", "HEAD^{tree}"]);
    let ancient = Command::new("git")
        .args(["commit-tree", &tree, "-m", "ancient"])
        .current_dir(repo.path())
        .envs([
            ("GIT_AUTHOR_NAME", "Ann"),
            ("GIT_AUTHOR_EMAIL", "a@x"),
            ("GIT_COMMITTER_NAME", "Ann"),
            ("GIT_COMMITTER_EMAIL", "a@x"),
            ("GIT_COMMITTER_DATE", "@1000000000 +0000"),
        ])
        .output()
        .unwrap();
    let ancient = String::from_utf8_lossy(&ancient.stdout).trim().to_owned();
    repo.git(&["update-ref", "refs/heads/main", &ancient]);
    let read = look(&sources).await.unwrap();
    assert_eq!(commit_of(&read), good);
    assert_eq!(trouble(&read).unwrap().0, "HistoryRewritten");
}

#[tokio::test]
async fn a_rewrite_that_is_allowed_is_taken() {
    let repo = Repo::new();
    let server = Server::http(&repo, &[]);
    let options = "branch=main&path=prod&allowHistoryRewrite=true";
    let sources = sources(&[&server.address(&repo, "", options)]);
    look(&sources).await.unwrap();
    let new = rewrite(&repo);
    let read = look(&sources).await.unwrap();
    assert_eq!((commit_of(&read), trouble(&read)), (new.as_str(), None));
}

#[tokio::test]
async fn tags_and_versions() {
    let repo = Repo::new();
    repo.git(&["tag", "-a", "v1.2.0", "-m", "tag"]);
    let server = Server::http(&repo, &[]);
    let of = |options: &str| sources(&[&server.address(&repo, "", options)]);
    let (tag, range) = (of("tag=v1.2.0&path=prod"), of("semver=%5E1&path=prod"));
    let first = repo.git(&["rev-parse", "HEAD"]);
    for sources in [&tag, &range] {
        assert_eq!(commit_of(&look(sources).await.unwrap()), first);
        // An annotated tag is compared by its commit, so nothing is fetched again.
        assert_eq!(
            look(sources).await.unwrap().sources[0].look.unwrap().result,
            "not_modified"
        );
    }
    rewrite(&repo);
    repo.git(&["tag", "-f", "v1.2.0"]);
    for sources in [&tag, &range] {
        let read = look(sources).await.unwrap();
        assert_eq!(commit_of(&read), first);
        assert_eq!(
            trouble(&read).unwrap().0,
            "HistoryRewritten",
            "the tag moved"
        );
    }
    repo.git(&["tag", "v1.10.0"]);
    let new = repo.git(&["rev-parse", "HEAD"]);
    let read = look(&range).await.unwrap();
    assert_eq!((commit_of(&read), trouble(&read)), (new.as_str(), None));
    assert_eq!(
        read.sources[0].commit.as_ref().unwrap().reference,
        "refs/tags/v1.10.0"
    );
    repo.git(&["tag", "-d", "v1.10.0"]);
    let read = look(&range).await.unwrap();
    assert_eq!(commit_of(&read), new, "a version does not go back");
}

#[tokio::test]
async fn a_commit_by_its_id_needs_the_server_once() {
    let repo = Repo::new();
    let id = repo.git(&["rev-parse", "HEAD"]);
    repo.write("prod/b.yaml", &cluster("b"));
    repo.commit("later");
    let server = Server::http(&repo, &[]);
    let sources = sources(&[&server.address(&repo, "", &format!("commit={id}&path=prod"))]);
    let read = look(&sources).await.unwrap();
    assert_eq!((commit_of(&read), held(&read).len()), (id.as_str(), 1));
    let before = server.requests().len();
    look(&sources).await.unwrap();
    assert_eq!(server.requests().len(), before);
}

#[tokio::test]
async fn what_was_in_force_outlives_a_restart_where_a_store_is_named() {
    let (repo, store) = (Repo::new(), tempfile::tempdir().unwrap());
    let server = Server::http(&repo, &[]);
    let address = server.address(&repo, "", "branch=main&path=prod");
    let start = || lasting(&[&address], Some(store.path()));
    let id = commit_of(&look(&start()).await.unwrap()).to_owned();
    // Rewritten while nobody looked.
    let new = rewrite(&repo);
    let read = look(&start()).await.unwrap();
    assert_eq!(commit_of(&read), id);
    assert_eq!(trouble(&read).unwrap().0, "HistoryRewritten");
    // And unreachable.
    drop(server);
    let read = look(&start()).await.unwrap();
    assert_eq!((commit_of(&read), held(&read).len()), (id.as_str(), 1));
    assert_eq!(trouble(&read).unwrap().0, "Unreachable");
    // A store that is broken is none.
    let server = Server::http(&repo, &[]);
    let address = server.address(&repo, "", "branch=main&path=prod");
    let start = || lasting(&[&address], Some(store.path()));
    look(&start()).await.unwrap();
    for entry in std::fs::read_dir(store.path()).unwrap() {
        let objects = entry.unwrap().path().join("objects.git/objects");
        std::fs::remove_dir_all(&objects).ok();
    }
    assert_eq!(commit_of(&look(&start()).await.unwrap()), new);
}

/// The folder of a lasting store's objects.
fn objects(store: &Path) -> PathBuf {
    let mut entries = std::fs::read_dir(store).unwrap();
    entries.next().unwrap().unwrap().path().join("objects.git")
}

/// Where Git keeps an object by itself.
fn loose(objects: &Path, id: &str) -> PathBuf {
    objects.join(&id[..2]).join(&id[2..])
}

#[tokio::test]
async fn a_store_that_was_tampered_with_is_not_believed() {
    let (repo, other) = (Repo::new(), Repo::new());
    other.write("prod/a.yaml", &cluster("forged"));
    other.commit("forged");
    let server = Server::http(&repo, &[]);
    let address = server.address(&repo, "", "branch=main&path=prod");
    for what in ["HEAD:prod/a.yaml", "HEAD:prod", "HEAD^{tree}", "HEAD"] {
        let store = tempfile::tempdir().unwrap();
        let start = || lasting(&[&address], Some(store.path()));
        let before = look(&start()).await.unwrap();
        // All objects of both, and one under the other one's name.
        let objects = objects(store.path()).join("objects");
        std::fs::remove_dir_all(objects.join("pack")).unwrap();
        for from in [&repo, &other] {
            let all = from.path().join(".git/objects/.");
            let copied = Command::new("cp").arg("-r").args([&all, &objects]).status();
            assert!(copied.unwrap().success());
        }
        let [real, forged] =
            [&repo, &other].map(|one| loose(&objects, &one.git(&["rev-parse", what])));
        let whole = look(&start()).await.unwrap();
        assert_eq!(whole.files, before.files);
        let asked = server.requests().len();
        std::fs::remove_file(&real).unwrap();
        std::fs::rename(forged, &real).unwrap();
        let read = look(&start()).await.unwrap();
        assert_eq!(read.files, before.files, "{what}");
        assert_eq!(trouble(&read), None, "{what}");
        assert_eq!(commit_of(&read), commit_of(&before), "{what}");
        // It was fetched again, into a store without the forgery.
        assert!(server.requests().len() > asked + 2, "{what}");
        assert!(!real.exists(), "{what}");
    }
}

#[tokio::test]
async fn what_a_killed_worker_left_is_not_in_the_way() {
    let (repo, store) = (Repo::new(), tempfile::tempdir().unwrap());
    let server = Server::http(&repo, &[]);
    let address = server.address(&repo, "", "branch=main&path=prod");
    let sources = lasting(&[&address], Some(store.path()));
    look(&sources).await.unwrap();
    let objects = objects(store.path());
    let left = [
        objects.join("shallow.lock"),
        objects.join("packed-refs.lock"),
        objects.join("objects/pack/.tmpAb12Cd"),
    ];
    for path in &left {
        std::fs::write(path, "x").unwrap();
    }
    repo.write("prod/b.yaml", &cluster("b"));
    let id = repo.commit("more");
    let read = look(&sources).await.unwrap();
    assert_eq!((commit_of(&read), trouble(&read)), (id.as_str(), None));
    for path in left {
        assert!(!path.exists(), "{}", path.display());
    }
}

#[tokio::test]
async fn a_version_does_not_go_back_over_a_restart() {
    let (repo, store) = (Repo::new(), tempfile::tempdir().unwrap());
    repo.git(&["tag", "v1.0.0"]);
    repo.write("prod/b.yaml", &cluster("b"));
    let id = repo.commit("two");
    repo.git(&["tag", "v1.1.0"]);
    let server = Server::http(&repo, &[]);
    let address = server.address(&repo, "", "semver=%5E1&path=prod");
    let start = || lasting(&[&address], Some(store.path()));
    look(&start()).await.unwrap();
    // Nothing new: the name of what is in force is known all the same.
    let read = look(&start()).await.unwrap();
    let commit = read.sources[0].commit.clone().unwrap();
    assert_eq!(
        (commit.reference.as_str(), commit.id),
        ("refs/tags/v1.1.0", id.clone())
    );
    repo.git(&["tag", "-d", "v1.1.0"]);
    let back = look(&start()).await.unwrap();
    repo.git(&["tag", "v1.1.0", "v1.0.0"]);
    let moved = look(&start()).await.unwrap();
    for read in [back, moved] {
        assert_eq!(commit_of(&read), id);
        assert_eq!(trouble(&read).unwrap().0, "HistoryRewritten");
    }
}

#[tokio::test]
async fn a_start_that_cannot_recall_takes_no_other_head() {
    use std::os::unix::fs::PermissionsExt as _;
    let (repo, store) = (Repo::new(), tempfile::tempdir().unwrap());
    let server = Server::http(&repo, &[]);
    let address = server.address(&repo, "", "branch=main&path=prod");
    let first = lasting(&[&address], Some(store.path()));
    let id = commit_of(&look(&first).await.unwrap()).to_owned();
    drop(first);
    rewrite(&repo);
    // A worker that ends at once the first time.
    let script = store.path().join("worker");
    let text = format!(
        "#!/bin/sh\n[ -e {0} ] || {{ : > {0}; exit 1; }}\nexec {1} \"$@\"\n",
        store.path().join("called").display(),
        env!("CARGO_BIN_EXE_evenkeel")
    );
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    let parsed = vec![Address::parse(&address).unwrap()];
    let access = Access {
        worker: Worker::of(script),
        store: Some(store.path().to_owned()),
        ..Access::default()
    };
    let again = Sources::new(parsed, &access);
    let error = look(&again).await.unwrap_err();
    assert!(
        error.to_string().contains("ended without an answer"),
        "{error}"
    );
    let read = look(&again).await.unwrap();
    assert_eq!(commit_of(&read), id);
    assert_eq!(trouble(&read).unwrap().0, "HistoryRewritten");
}

#[tokio::test]
async fn what_was_in_force_outlives_a_restart_for_a_repository_of_this_machine_too() {
    let (repo, store) = (Repo::new(), tempfile::tempdir().unwrap());
    let address = repo.address("branch=main&path=prod");
    let start = || lasting(&[&address], Some(store.path()));
    let id = commit_of(&look(&start()).await.unwrap()).to_owned();
    rewrite(&repo);
    let read = look(&start()).await.unwrap();
    assert_eq!(commit_of(&read), id);
    assert_eq!(trouble(&read).unwrap().0, "HistoryRewritten");
}

fn packs(store: &Path) -> usize {
    let entries = std::fs::read_dir(objects(store).join("objects/pack")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|ending| ending == "pack"))
        .count()
}

#[tokio::test]
async fn a_store_stays_small_and_never_without_what_is_in_force() {
    let (repo, store) = (Repo::new(), tempfile::tempdir().unwrap());
    repo.git(&["branch", "quiet"]);
    let server = Server::http(&repo, &[]);
    let of = |branch: &str| server.address(&repo, "", &format!("branch={branch}&path=prod"));
    let addresses = [of("main"), of("quiet")];
    let addresses = [addresses[0].as_str(), addresses[1].as_str()];
    let sources = lasting(&addresses, Some(store.path()));
    look(&sources).await.unwrap();
    let mut most = 0;
    let mut id = String::new();
    // As many as there are until a store is made anew, and some.
    for number in 1..=50 {
        id = repo.commit(&format!("commit {number}"));
        let read = look(&sources).await.unwrap();
        assert_eq!((commit_of(&read), trouble(&read)), (id.as_str(), None));
        most = most.max(packs(store.path()));
    }
    assert!(packs(store.path()) < most, "{most}");
    drop(server);
    drop(sources);
    let read = look(&lasting(&addresses, Some(store.path())))
        .await
        .unwrap();
    assert_eq!(commit_of(&read), id);
    assert_eq!(read.sources[1].commit.as_ref().unwrap().message, "first");
}

//! What of a commit is read, and what is refused: every refusal leaves in force what was.

use super::*;

/// What becomes of a source that was good and then holds this.
async fn after(change: impl FnOnce(&Repo)) -> (Vec<String>, Option<(&'static str, String)>) {
    let repo = Repo::new();
    let sources = sources(&[&repo.address("branch=main&path=prod")]);
    assert_eq!(held(&look(&sources).await.unwrap()), ["a.yaml"]);
    change(&repo);
    let read = look(&sources).await.unwrap();
    let (held, trouble) = (held(&read), trouble(&read));
    if let Some((_, message)) = &trouble {
        assert!(read.complaint().unwrap().contains(message));
        assert_eq!(read.sources[0].look.unwrap().result, "error");
    }
    (held, trouble)
}

#[track_caller]
fn refused(after: (Vec<String>, Option<(&'static str, String)>), reason: &str, text: &str) {
    assert_eq!(after.0, ["a.yaml"], "the last good state");
    let (label, message) = after.1.expect("trouble");
    assert_eq!(label, reason, "{message}");
    assert!(message.contains(text), "{message}");
}

#[tokio::test]
async fn manifests_below_the_path_alone() {
    let repo = Repo::new();
    for path in [
        "prod/sub/b.yml",
        "prod/c.json",
        "prod/readme.md",
        "prod/.hidden.yaml",
        "prod/.dir/d.yaml",
        "production/e.yaml",
        "f.yaml",
        "prod/skip/g.yaml",
    ] {
        repo.write(path, "x");
    }
    repo.commit("more");
    let of = |options: &str| sources(&[&repo.address(options)]);
    let all = look(&of("path=prod")).await.unwrap();
    assert_eq!(held(&all), ["a.yaml", "c.json", "skip/g.yaml", "sub/b.yml"]);
    let some = of("path=/prod/&include=*.yaml&include=**/*.y*ml&exclude=skip/**");
    assert_eq!(held(&look(&some).await.unwrap()), ["a.yaml", "sub/b.yml"]);
    let one = look(&of("path=prod/sub/b.yml")).await.unwrap();
    assert_eq!(held(&one), ["sub/b.yml"]);
    assert_eq!(one.files[0].bytes, b"x");
    assert_eq!(look(&of("branch=main")).await.unwrap().files.len(), 6);
}

#[tokio::test]
async fn a_commit_is_told_and_an_unchanged_one_is_not_read_again() {
    let repo = Repo::new();
    let sources = sources(&[&repo.address("path=prod")]);
    let first = look(&sources).await.unwrap();
    assert_eq!(first.sources[0].look.unwrap().result, "success");
    assert_eq!(
        look(&sources).await.unwrap().sources[0]
            .look
            .unwrap()
            .result,
        "not_modified"
    );
    repo.write("other/x.yaml", "x");
    let id = repo.commit("line one\n\nline two");
    let second = look(&sources).await.unwrap();
    assert_eq!(
        second.revision, first.revision,
        "nothing of the path changed"
    );
    let commit = second.sources[0].commit.clone().unwrap();
    assert_eq!(commit.id, id);
    assert_eq!(
        (commit.author.as_str(), commit.message.as_str()),
        ("Ann", "line one")
    );
    assert_eq!(
        commit.time.to_string(),
        repo.git(&["log", "-1", "--format=%ct"])
    );
    // It is not due yet.
    repo.commit("later");
    let third = sources.read(Eagerness::Due).await.unwrap();
    assert_eq!(commit_of(&third), id);
    assert_eq!(third.sources[0].look, second.sources[0].look);
    assert!(sources.next_due().await.unwrap() > std::time::Duration::from_secs(30));
}

#[tokio::test]
async fn a_path_that_vanished_is_not_an_empty_desired_state() {
    let gone = after(|repo| {
        repo.git(&["rm", "--quiet", "-r", "prod"]);
        repo.commit("gone");
    });
    refused(gone.await, "NoPath", "no path `prod`");
    let empty = after(|repo| {
        repo.git(&["rm", "--quiet", "-r", "prod"]);
        repo.write("prod/readme.md", "x");
        repo.commit("empty");
    });
    refused(empty.await, "Empty", "holds no manifest at `prod`");
    let branch = after(|repo| {
        repo.git(&["branch", "-m", "main", "other"]);
    });
    refused(branch.await, "NoRevision", "no branch `main`");
    let away =
        after(|repo| std::fs::rename(repo.path().join(".git"), repo.path().join("x")).unwrap());
    refused(
        away.await,
        "Unreachable",
        "cannot be opened as a repository",
    );
}

#[tokio::test]
async fn links_and_submodules_are_not_followed() {
    for target in ["/etc/passwd", "../../secret.yaml", "a.yaml"] {
        let link = after(|repo| {
            let blob = repo.blob(target);
            repo.commit_tree("120000", "blob", &blob, "b.yaml");
        });
        refused(link.await, "Refused", "`prod/b.yaml` is a symbolic link");
    }
    let folder = after(|repo| {
        std::os::unix::fs::symlink("/etc", repo.path().join("prod/etc")).unwrap();
        repo.commit("a link of another name is nobody's manifest");
    });
    assert_eq!(folder.await, (vec!["a.yaml".to_owned()], None));
    let submodule = after(|repo| {
        let head = repo.git(&["rev-parse", "HEAD"]);
        repo.commit_tree("160000", "commit", &head, "x.yaml");
    });
    refused(submodule.await, "Refused", "submodule");
    let whole = after(|repo| {
        let blob = repo.blob("elsewhere");
        let root = repo.path().join("prod");
        std::fs::remove_dir_all(&root).unwrap();
        std::os::unix::fs::symlink("elsewhere", root).unwrap();
        drop(blob);
        repo.commit("the path itself");
    });
    refused(whole.await, "Refused", "`prod` is a symbolic link");
}

#[tokio::test]
async fn names_with_tricks_are_refused() {
    for (name, shown) in [
        ("a\u{1b}[2J.yaml", "a [2J.yaml"),
        ("a\\b.yaml", "a\\b.yaml"),
        ("a\n.yaml", "a .yaml"),
    ] {
        let odd = after(|repo| {
            let blob = repo.blob("x");
            repo.commit_tree("100644", "blob", &blob, name);
        });
        refused(odd.await, "Refused", shown);
    }
    for name in ["..", ".git", ".GIT"] {
        let (held, trouble) = after(|repo| {
            let prod = repo.git(&["rev-parse", "HEAD:prod"]);
            repo.commit_tree("040000", "tree", &prod, name);
        })
        .await;
        assert_eq!(held, ["a.yaml"]);
        let (reason, _) = trouble.unwrap();
        assert!(
            ["Refused", "Empty", "Corrupt"].contains(&reason),
            "{name}: {reason}"
        );
    }
    // Spellings that one file system takes for one name are two files here.
    let folded = after(|repo| {
        repo.write("prod/A.yaml", &cluster("b"));
        repo.commit("folded");
    });
    assert_eq!(
        folded.await,
        (vec!["A.yaml".to_owned(), "a.yaml".to_owned()], None)
    );
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_what_is_binary_is_the_loaders() {
    let large = after(|repo| {
        repo.write("prod/b.yaml", &"x".repeat(5 * 1024 * 1024));
        repo.commit("large");
    });
    refused(large.await, "TooLarge", "`prod/b.yaml` has 5242880 bytes");
    let deep = after(|repo| {
        repo.write(&format!("prod/{}b.yaml", "d/".repeat(40)), "x");
        repo.commit("deep");
    });
    refused(deep.await, "TooLarge", "folders deep");
    let many = after(|repo| {
        for index in 0..10_001 {
            std::fs::write(repo.path().join(format!("prod/{index}.yaml")), "x").unwrap();
        }
        repo.commit("many");
    });
    refused(many.await, "TooLarge", "more than 10000 manifests");
    let (held, trouble) = after(|repo| {
        std::fs::write(repo.path().join("prod/b.yaml"), [0, 255, 1]).unwrap();
        repo.commit("binary");
    })
    .await;
    assert_eq!((held.len(), trouble), (2, None));
}

/// Of a hundred thousand other files the manifests are read, and of as many manifests none.
#[tokio::test]
async fn a_hundred_thousand_files() {
    let entries = |repo: &Repo, ending: &str| {
        let id = repo.blob("x");
        let one = |index| format!("100644 blob {id}\t{index}.{ending}\0");
        (0..100_000).map(one).collect::<String>()
    };
    let (held, trouble) = after(|repo| {
        let manifest = repo.git(&["rev-parse", "HEAD:prod/a.yaml"]);
        let others = entries(repo, "txt");
        repo.commit_entries(&format!("{others}100644 blob {manifest}\ta.yaml\0"));
    })
    .await;
    assert_eq!((held, trouble), (vec!["a.yaml".to_owned()], None));
    let many = after(|repo| repo.commit_entries(&entries(repo, "yaml")));
    refused(many.await, "TooLarge", "more than 10000 manifests");
}

#[tokio::test]
async fn of_two_claims_the_second_source_has_the_error() {
    let (one, two) = (Repo::new(), Repo::new());
    two.write("prod/b.yaml", &cluster("b"));
    two.commit("both");
    // The order of the sources counts, not that of their paths.
    let (first, second) = if one.path() < two.path() {
        (&two, &one)
    } else {
        (&one, &two)
    };
    let sources = sources(&[&first.address("path=prod"), &second.address("path=prod")]);
    let read = look(&sources).await.unwrap();
    let scope = evenkeel::manifest::Scope {
        roots: sources.roots(),
        ..evenkeel::manifest::Scope::default()
    };
    let loaded = evenkeel::manifest::load_in(
        &read.files,
        &evenkeel::manifest::LoadOptions::default(),
        &scope,
        &evenkeel::jsonnet::Answers::new(),
    );
    assert_eq!(loaded.diagnostics.len(), 1, "{:?}", loaded.diagnostics);
    let place = second.path().to_str().unwrap();
    assert!(
        loaded.diagnostics[0].file.contains(place),
        "{:?}",
        loaded.diagnostics
    );
    let left: Vec<String> = loaded
        .set
        .resources
        .keys()
        .map(ToString::to_string)
        .collect();
    assert_eq!(left, ["Cluster/b"]);
}

#[tokio::test]
async fn a_source_that_fails_holds_up_no_other_and_one_that_was_never_read_does() {
    let (one, two) = (Repo::new(), Repo::new());
    let both = [one.address("path=prod"), two.address("path=prod")];
    let both = sources(&[&both[0], &both[1]]);
    assert_eq!(look(&both).await.unwrap().files.len(), 2);
    one.git(&["rm", "--quiet", "-r", "prod"]);
    one.commit("gone");
    two.write("prod/b.yaml", &cluster("b"));
    two.commit("more");
    let read = look(&both).await.unwrap();
    assert_eq!(read.files.len(), 3);
    assert_eq!(trouble(&read).unwrap().0, "NoPath");
    assert_eq!(read.sources[1].trouble, None);

    let fresh = sources(&[&one.address("path=prod"), &two.address("path=prod")]);
    let error = look(&fresh).await.unwrap_err();
    assert!(error.to_string().contains("no path `prod`"), "{error}");
}

#[tokio::test]
async fn what_two_places_hold_under_one_name_is_told_apart() {
    let repo = Repo::new();
    repo.git(&["tag", "x"]);
    repo.git(&["checkout", "--quiet", "-b", "x"]);
    repo.write("prod/a.yaml", &cluster("b"));
    repo.commit("of the branch");
    let (one, two) = (Server::http(&repo, &[]), Server::http(&repo, &[]));
    let options = |pick: &str| format!("{pick}&path=prod");
    for pair in [
        [
            repo.address(&options("branch=x")),
            repo.address(&options("tag=x")),
        ],
        [
            one.address(&repo, "", &options("branch=x")),
            two.address(&repo, "", &options("branch=main")),
        ],
        [
            one.address(&repo, "", &options("branch=x")),
            two.address(&repo, "", &options("branch=x")),
        ],
        // The same files twice are two claims of one resource.
        [repo.address(&options("branch=x")), repo.address("branch=x")],
    ] {
        let both = sources(&[&pair[0], &pair[1]]);
        let read = look(&both).await.unwrap();
        assert_eq!(read.files.len(), 2, "{pair:?}");
    }
}

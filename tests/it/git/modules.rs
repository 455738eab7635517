//! Submodules by choice: read at the commit that is pinned, from the server that `.gitmodules` names, which is
//! a stranger's word.

use super::*;

/// Puts a submodule into the next commit.
fn link(repo: &Repo, path: &str, id: &str) {
    let entry = format!("160000,{id},{path}");
    repo.git(&["update-index", "--add", "--cacheinfo", &entry]);
}

/// Commits what is in the index; gives the commit's id.
fn commit(repo: &Repo, message: &str) -> String {
    repo.git(&["commit", "--quiet", "--allow-empty", "-m", message]);
    repo.git(&["rev-parse", "HEAD"])
}

/// Writes `.gitmodules`, with a section for each path and address.
fn names(repo: &Repo, modules: &[(&str, &str)]) {
    let sections = modules.iter().map(|(path, url)| {
        format!("[submodule \"{path}\"]\n\tpath = {path}\n\turl = {url}\n\tupdate = !touch /tmp/evenkeel-pwned\n")
    });
    repo.write(".gitmodules", &sections.collect::<String>());
    repo.git(&["add", ".gitmodules"]);
}

/// Where a repository is, relative to another beside it.
fn beside(repo: &Repo) -> String {
    let name = repo.path().file_name().unwrap().to_str().unwrap();
    format!("../../{name}/.git")
}

/// A repository with `conf/b.yaml`; its id.
fn library() -> (Repo, String) {
    let repo = Repo::new();
    repo.git(&["rm", "--quiet", "-r", "prod"]);
    repo.write("conf/b.yaml", &cluster("b"));
    repo.write("code.rs", "fn main() {}");
    let id = repo.commit("library");
    (repo, id)
}

/// A repository with that one at `prod/lib`, pinned before its head.
fn with_library() -> (Repo, Repo, String) {
    let (lib, id) = library();
    lib.write("conf/b.yaml", &cluster("newer"));
    lib.commit("newer");
    let repo = Repo::new();
    names(&repo, &[("prod/lib", &beside(&lib))]);
    link(&repo, "prod/lib", &id);
    commit(&repo, "library");
    (repo, lib, id)
}

/// The one manifest of the submodule.
fn text(read: &Together) -> String {
    let mut files = read.files.iter();
    let file = files.find(|file| file.path.ends_with("prod/lib/conf/b.yaml"));
    String::from_utf8(file.expect("the submodule's file").bytes.clone()).unwrap()
}

#[tokio::test]
async fn a_submodule_is_read_at_its_pinned_commit_if_that_is_asked() {
    let (repo, lib, _) = with_library();
    let store = tempfile::tempdir().unwrap();
    let server = Server::http(&repo, &["--auth", "user:canary"]);
    let plain = server.address(&repo, "user:canary@", "path=prod");
    let without = look(&sources(&[&plain])).await.unwrap();
    assert_eq!(held(&without), ["a.yaml"]);
    let options = "branch=main&path=prod&submodules=true";
    let address = server.address(&repo, "user:canary@", options);
    let start = || lasting(&[&address], Some(store.path()));
    let source = start();
    let read = look(&source).await.unwrap();
    assert_eq!(held(&read), ["a.yaml", "lib/conf/b.yaml"]);
    assert_eq!(text(&read), cluster("b"));
    // Nothing new is two requests, however many submodules there are.
    let before = server.requests().len();
    look(&source).await.unwrap();
    assert_eq!(server.requests().len(), before + 2);
    let id = lib.git(&["rev-parse", "HEAD"]);
    link(&repo, "prod/lib", &id);
    commit(&repo, "newer library");
    let read = look(&source).await.unwrap();
    assert_eq!(text(&read), cluster("newer"));
    drop(source);
    drop(server);
    let read = look(&start()).await.unwrap();
    assert_eq!(text(&read), cluster("newer"), "out of the store");
}

#[tokio::test]
async fn a_path_may_lead_into_a_submodule_and_a_pattern_leaves_it_out() {
    let (repo, _lib, _) = with_library();
    let server = Server::http(&repo, &[]);
    let of = |options: &str| sources(&[&server.address(&repo, "", options)]);
    let inside = look(&of("path=prod/lib/conf&submodules=true"))
        .await
        .unwrap();
    assert_eq!(text(&inside), cluster("b"));
    let without = look(&of("path=prod&submodules=true&exclude=lib")).await;
    assert_eq!(held(&without.unwrap()), ["a.yaml"]);
    // Repositories of this machine are opened.
    let (repo, lib, _) = with_library();
    let name = lib.path().file_name().unwrap().to_str().unwrap();
    names(&repo, &[("prod/lib", &format!("../{name}"))]);
    commit(&repo, "beside");
    let read = look(&sources(&[&repo.address("path=prod&submodules=true")])).await;
    assert_eq!(text(&read.unwrap()), cluster("b"));
}

#[tokio::test]
async fn a_server_that_gives_what_its_refs_lead_to_is_looked_through() {
    let (repo, lib, _) = with_library();
    let server = Server::http(&repo, &["--way=old"]);
    let options = "branch=main&path=prod&submodules=true";
    let source = sources(&[&server.address(&repo, "", options)]);
    assert_eq!(text(&look(&source).await.unwrap()), cluster("b"));
    // A commit that is nowhere: what was in force stays so.
    link(&repo, "prod/lib", &"1".repeat(40));
    commit(&repo, "nowhere");
    let read = look(&source).await.unwrap();
    assert_eq!(text(&read), cluster("b"));
    let (reason, message) = trouble(&read).unwrap();
    assert_eq!(reason, "NoRevision", "{message}");
    assert!(
        message.contains("the submodule `prod/lib`") && message.contains("leads to it"),
        "{message}"
    );
    drop(lib);
}

#[tokio::test]
async fn a_credential_goes_to_its_own_server_alone() {
    let (repo, lib, _) = with_library();
    let server = Server::http(&repo, &["--auth", "user:canary"]);
    let other = Server::http(&lib, &[]);
    let name = lib.path().file_name().unwrap().to_str().unwrap();
    let url = format!("http://{}/{name}/.git", other.address);
    names(&repo, &[("prod/lib", &url)]);
    commit(&repo, "elsewhere");
    let options = "path=prod&submodules=true";
    let source = sources(&[&server.address(&repo, "user:canary@", options)]);
    assert_eq!(text(&look(&source).await.unwrap()), cluster("b"));
    let asked = other.requests();
    assert!(!asked.is_empty());
    assert!(
        asked.iter().all(|line| line.contains(" none ")),
        "{asked:?}"
    );
    // Its own server gets it, and sends it nowhere.
    let asked = server.requests();
    assert!(
        asked.iter().all(|line| line.contains(" credential ")),
        "{asked:?}"
    );
}

#[tokio::test]
async fn what_a_stranger_names_as_an_address_is_refused() {
    let (repo, lib, _) = with_library();
    let server = Server::http(&repo, &[]);
    let options = "branch=main&path=prod&submodules=true";
    let source = sources(&[&server.address(&repo, "", options)]);
    look(&source).await.unwrap();
    let marker = repo.path().join("pwned");
    let disk = lib.path().display().to_string();
    for url in [
        format!("file://{disk}/.git"),
        format!("{disk}/.git"),
        format!("ext::sh -c touch% {}", marker.display()),
        format!("--upload-pack=touch {}", marker.display()),
        format!("ssh://-oProxyCommand=touch {}/x", marker.display()),
        "ssh://git@127.0.0.1/x".to_owned(),
        "git@127.0.0.1:x".to_owned(),
        "http://ann:secret@127.0.0.1:1/x".to_owned(),
        "http://127.0.0.1:1/x?passwordFile=/etc/passwd".to_owned(),
        "http://10.0.0.1/x".to_owned(),
        "\"http://127.0.0.1:1/x\\n-x\"".to_owned(),
        "../../../x".to_owned(),
        "../../x/../../y".to_owned(),
    ] {
        names(&repo, &[("prod/lib", &url)]);
        commit(&repo, "odd");
        let read = look(&source).await.unwrap();
        assert_eq!(text(&read), cluster("b"), "{url}");
        let (reason, message) = trouble(&read).unwrap();
        assert_eq!(reason, "Refused", "{url}: {message}");
        assert!(message.contains("`prod/lib`"), "{url}: {message}");
    }
    assert!(!marker.exists() && !Path::new("/tmp/evenkeel-pwned").exists());
}

/// What is said of a change to a repository with a submodule that was good before.
async fn after(change: impl FnOnce(&Repo, &Repo)) -> (&'static str, String) {
    let (repo, lib, _) = with_library();
    let server = Server::http(&repo, &[]);
    let options = "branch=main&path=prod&submodules=true";
    let source = sources(&[&server.address(&repo, "", options)]);
    look(&source).await.unwrap();
    change(&repo, &lib);
    commit(&repo, "change");
    let read = look(&source).await.unwrap();
    assert_eq!(text(&read), cluster("b"), "the last good state");
    trouble(&read).expect("trouble")
}

#[tokio::test]
async fn gitmodules_is_a_small_file_that_names_each_path_once() {
    let missing = after(|repo, _| {
        repo.git(&["rm", "--quiet", "--cached", ".gitmodules"]);
    });
    let (reason, message) = missing.await;
    assert_eq!(reason, "Refused", "{message}");
    assert!(message.contains("no file `.gitmodules`"), "{message}");
    let twice = after(|repo, lib| {
        names(repo, &[("prod/lib", &beside(lib)), ("prod/lib", "../x")]);
    });
    assert!(twice.await.1.contains("more than once"));
    let other = after(|repo, lib| names(repo, &[("../../prod/lib", &beside(lib))]));
    assert!(other.await.1.contains("names no address"));
    let large = after(|repo, _| {
        repo.write(".gitmodules", &"# x\n".repeat(100_000));
        repo.git(&["add", ".gitmodules"]);
    });
    assert!(large.await.1.contains("too large"));
}

#[tokio::test]
async fn gitmodules_is_no_link() {
    let (repo, _lib, _) = with_library();
    let server = Server::http(&repo, &[]);
    // No index takes it, so the tree is made by hand.
    let blob = repo.blob("/etc/passwd");
    let tree = format!(
        "git ls-tree HEAD | sed 's/^100644 blob [0-9a-f]*\t.gitmodules/120000 blob {blob}\t.gitmodules/' | git mktree"
    );
    let made = Command::new("sh")
        .args(["-c", &tree])
        .current_dir(repo.path())
        .output()
        .unwrap();
    let tree = String::from_utf8(made.stdout).unwrap();
    let id = repo.git(&["commit-tree", tree.trim(), "-p", "main", "-m", "link"]);
    repo.git(&["update-ref", "refs/heads/main", &id]);
    let source = sources(&[&server.address(&repo, "", "path=prod&submodules=true")]);
    let error = look(&source).await.unwrap_err();
    assert!(
        error.to_string().contains("no file `.gitmodules`"),
        "{error}"
    );
}

#[tokio::test]
async fn submodules_of_submodules_are_bounded() {
    // Each commit has the one before as its submodule, in the same repository.
    let chain = |length: usize| {
        let repo = Repo::new();
        let own = repo
            .path()
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        names(&repo, &[("prod/x", &format!("../../{own}/.git"))]);
        let mut id = commit(&repo, "start");
        for _ in 0..length {
            link(&repo, "prod/x", &id);
            id = commit(&repo, "deeper");
        }
        repo
    };
    let read = |repo: Repo| async move {
        let server = Server::http(&repo, &[]);
        let source = sources(&[&server.address(&repo, "", "path=prod&submodules=true")]);
        look(&source).await.map(|read| read.files.len())
    };
    assert_eq!(read(chain(3)).await.unwrap(), 4);
    let error = read(chain(4)).await.unwrap_err();
    assert!(error.to_string().contains("more than 3 deep"), "{error}");
    let wide = after(|repo, lib| {
        let id = lib.git(&["rev-parse", "HEAD"]);
        let paths: Vec<String> = (0..33).map(|index| format!("prod/m{index}")).collect();
        let url = beside(lib);
        let all: Vec<(&str, &str)> = paths
            .iter()
            .map(|path| (path.as_str(), url.as_str()))
            .collect();
        names(repo, &all);
        repo.git(&["rm", "--quiet", "--cached", "prod/lib"]);
        for path in &paths {
            link(repo, path, &id);
        }
    });
    let (reason, message) = wide.await;
    assert_eq!(reason, "TooLarge", "{message}");
    assert!(message.contains("more than 32 submodules"), "{message}");
}

#[tokio::test]
async fn a_submodule_with_a_trick_for_a_name_is_refused() {
    for (name, refused) in [("lib\r", true), ("a\\b", true), (".git", false)] {
        let (repo, _lib, id) = with_library();
        let server = Server::http(&repo, &[]);
        repo.commit_tree("160000", "commit", &id, name);
        let source = sources(&[&server.address(&repo, "", "path=prod&submodules=true")]);
        let error = look(&source).await.unwrap_err();
        let reason = error.sources[0].trouble.clone().unwrap().reason.label();
        let expected = if refused { "Refused" } else { "Empty" };
        assert_eq!(reason, expected, "{name:?}: {error}");
    }
}

//! Commits and tags that `ssh-keygen` and `gpg` sign: which come into force, and what is told of the others.
//! Needs both programs.

use super::*;
use crate::e2e::program::run;

/// A repository and a folder of keys, and the keyring that its source is read with.
struct Stage {
    repo: Repo,
    keys: TempDir,
}

impl Stage {
    fn new() -> Self {
        Self {
            repo: Repo::new(),
            keys: tempfile::Builder::new().prefix("k").tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.keys.path().join(name)
    }

    fn keyring(&self) -> PathBuf {
        self.path("keyring")
    }

    fn options(&self, more: &str) -> String {
        format!("path=prod&signedBy={}&{more}", self.keyring().display())
    }

    fn address(&self, more: &str) -> String {
        self.repo.address(&self.options(more))
    }

    fn trust(&self, text: &str) {
        std::fs::write(self.keyring(), text).unwrap();
    }

    /// A new SSH key; gives its public half.
    fn ssh_key(&self, name: &str, kind: &[&str]) -> String {
        let path = self.path(name);
        let done = Command::new("ssh-keygen")
            .args(["-q", "-N", "", "-C", "", "-f", path.to_str().unwrap(), "-t"])
            .args(kind)
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
        let public = std::fs::read_to_string(path.with_extension("pub")).unwrap();
        public.trim().to_owned()
    }

    /// Runs git with this SSH key to sign.
    fn with_ssh(&self, key: &str, arguments: &[&str]) {
        let key = format!("user.signingkey={}", self.path(key).display());
        let first = ["-c", "gpg.format=ssh", "-c", &key];
        self.repo.git(&[&first[..], arguments].concat());
    }

    fn ssh_commit(&self, key: &str, message: &str) -> String {
        let commit = ["commit", "--quiet", "--allow-empty", "-S", "-m", message];
        self.with_ssh(key, &commit);
        self.repo.git(&["rev-parse", "HEAD"])
    }

    /// Runs gpg, as if it were this day (`20200101`); gives what it says.
    fn gpg(&self, day: Option<&str>, arguments: &[&str]) -> String {
        let done = Command::new(self.program(day))
            .args([
                "--batch",
                "--yes",
                "--quiet",
                "--passphrase",
                "",
                "--pinentry-mode",
                "loopback",
            ])
            .args(arguments)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "gpg {arguments:?}: {said}");
        String::from_utf8_lossy(&done.stdout).into_owned()
    }

    /// A program that is gpg with keys of its own.
    fn program(&self, day: Option<&str>) -> PathBuf {
        let path = self.path(&format!("gpg{}", day.unwrap_or_default()));
        let time = day.map(|day| format!("--faked-system-time {day}T000000!"));
        let text = format!(
            "#!/bin/sh\nexec gpg --homedir '{}' {} \"$@\"\n",
            self.keys.path().display(),
            time.unwrap_or_default()
        );
        if !path.exists() {
            std::fs::write(&path, text).unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
            std::fs::set_permissions(&path, mode).unwrap();
        }
        path
    }

    /// A new `OpenPGP` key; gives its fingerprint.
    fn gpg_key(&self, day: Option<&str>, user: &str, rest: &[&str]) -> String {
        let make = [&["--quick-generate-key", user][..], rest].concat();
        self.gpg(day, &make);
        let list = self.gpg(day, &["--with-colons", "--list-keys", user]);
        let line = list.lines().find(|line| line.starts_with("fpr")).unwrap();
        line.split(':').nth(9).unwrap().to_owned()
    }

    fn export(&self, keys: &[&str]) -> String {
        self.gpg(None, &[&["--armor", "--export"][..], keys].concat())
    }

    fn with_gpg(&self, day: Option<&str>, key: &str, arguments: &[&str]) {
        let program = format!("gpg.program={}", self.program(day).display());
        let key = format!("user.signingkey={key}");
        let first = ["-c", &program, "-c", &key];
        self.repo.git(&[&first[..], arguments].concat());
    }

    fn gpg_commit(&self, day: Option<&str>, key: &str, message: &str) -> String {
        let commit = ["commit", "--quiet", "--allow-empty", "-S", "-m", message];
        self.with_gpg(day, key, &commit);
        self.repo.git(&["rev-parse", "HEAD"])
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Its agent would outlive the test.
        let home = self.keys.path();
        let kill = ["--homedir", home.to_str().unwrap(), "--kill", "all"];
        Command::new("gpgconf").args(kill).output().ok();
    }
}

/// Looks, and expects this commit in force and this said of the head.
async fn expect(sources: &Sources, commit: &str, said: Option<&str>) {
    let read = look(sources).await.unwrap();
    let found = trouble(&read);
    assert_eq!(commit_of(&read), commit, "{found:?}");
    match (said, found) {
        (None, None) => {}
        (Some(said), Some((reason, message))) => {
            assert_eq!(reason, "Unverified", "{message}");
            assert!(message.contains(said), "{message}");
            assert!(read.complaint().unwrap().contains(said));
        }
        (said, found) => panic!("{said:?} {found:?}"),
    }
}

#[tokio::test]
async fn what_is_not_signed_does_not_come_into_force() {
    let stage = Stage::new();
    let key = stage.ssh_key("ann", &["ed25519"]);
    stage.trust(&format!("# who may\nann@example.com {key}\n"));
    let sources = sources(&[&stage.address("branch=main")]);
    let error = look(&sources).await.unwrap_err();
    assert!(error.to_string().contains("is not signed"), "{error}");
    let good = stage.ssh_commit("ann", "good");
    expect(&sources, &good, None).await;
    stage.repo.write("prod/b.yaml", &cluster("b"));
    let bad = stage.repo.commit("unsigned");
    for _ in 0..2 {
        expect(
            &sources,
            &good,
            Some(&format!("commit {} is not signed", &bad[..12])),
        )
        .await;
    }
    let read = sources.read(Eagerness::Forced).await.unwrap();
    assert_eq!(commit_of(&read), good, "nobody can wave it through");
    assert_eq!(held(&read), ["a.yaml"]);
    let next = stage.ssh_commit("ann", "signed, with it");
    expect(&sources, &next, None).await;
}

#[tokio::test]
async fn what_was_signed_last_outlives_a_restart() {
    let (stage, store) = (Stage::new(), tempfile::tempdir().unwrap());
    let key = stage.ssh_key("ann", &["ed25519"]);
    stage.trust(&format!("ann@example.com {key}\n"));
    let good = stage.ssh_commit("ann", "good");
    let server = Server::http(&stage.repo, &[]);
    let address = server.address(&stage.repo, "", &stage.options("branch=main"));
    let start = || lasting(&[&address], Some(store.path()));
    expect(&start(), &good, None).await;
    stage.repo.commit("unsigned");
    expect(&start(), &good, Some("is not signed")).await;
    drop(server);
    let read = look(&start()).await.unwrap();
    assert_eq!(commit_of(&read), good);
    assert_eq!(trouble(&read).unwrap().0, "Unreachable");
}

#[tokio::test]
async fn every_kind_of_ssh_key() {
    for kind in [
        &["ecdsa", "-b", "256"][..],
        &["ecdsa", "-b", "384"],
        &["ecdsa", "-b", "521"],
        &["rsa", "-b", "2048"],
    ] {
        let stage = Stage::new();
        let key = stage.ssh_key("ann", kind);
        stage.trust(&format!("ann@example.com namespaces=\"git\" {key}\n"));
        let good = stage.ssh_commit("ann", "good");
        let sources = sources(&[&stage.address("")]);
        expect(&sources, &good, None).await;
    }
}

#[tokio::test]
async fn ssh_keys_that_may_not() {
    let stage = Stage::new();
    let ann = stage.ssh_key("ann", &["ed25519"]);
    let eve = stage.ssh_key("eve", &["ed25519"]);
    stage.trust(&format!("ann@example.com {ann}\n"));
    let good = stage.ssh_commit("ann", "good");
    let sources = sources(&[&stage.address("")]);
    expect(&sources, &good, None).await;
    let other = stage.ssh_commit("eve", "somebody else");
    expect(&sources, &good, Some("which the keyring does not have")).await;
    for (line, said) in [
        (
            format!("eve namespaces=\"file\" {eve}\n"),
            "may not sign for git",
        ),
        (
            format!("eve valid-before=\"20200101\" {eve}\n"),
            "not valid any more then",
        ),
        (
            format!("eve valid-after=\"20990101Z\" {eve}\n"),
            "not valid yet then",
        ),
        (format!("eve {eve} \nrubbish\n"), "line 2"),
        ("# none\n".to_owned(), "holds no key"),
    ] {
        stage.trust(&line);
        expect(&sources, &good, Some(said)).await;
    }
    std::fs::remove_file(stage.keyring()).unwrap();
    expect(&sources, &good, Some("cannot be read")).await;
    // A keyring is read at every look.
    stage.trust(&format!("eve {eve}\n"));
    expect(&sources, &other, None).await;
}

/// A commit whose text was changed under its signature.
#[tokio::test]
async fn a_signature_of_something_else() {
    let stage = Stage::new();
    let ann = stage.ssh_key("ann", &["ed25519"]);
    let fingerprint = stage.gpg_key(None, "Ann <ann@example.com>", &["ed25519", "sign", "never"]);
    let both = format!("ann@example.com {ann}\n{}", stage.export(&[]));
    stage.trust(&both);
    let good = stage.ssh_commit("ann", "good");
    let sources = sources(&[&stage.address("")]);
    expect(&sources, &good, None).await;
    let commits = [
        stage.ssh_commit("ann", "pay 1"),
        stage.gpg_commit(None, &fingerprint, "pay 1"),
    ];
    for id in commits {
        let text = stage.repo.git(&["cat-file", "commit", &id]);
        let path = stage.path("forged");
        std::fs::write(&path, text.replace("pay 1", "pay 2") + "\n").unwrap();
        let write = ["hash-object", "-t", "commit", "-w", path.to_str().unwrap()];
        let forged = stage.repo.git(&write);
        stage.repo.git(&["update-ref", "refs/heads/main", &forged]);
        expect(&sources, &good, Some("does not fit what is signed")).await;
    }
}

#[tokio::test]
async fn openpgp_keys() {
    let stage = Stage::new();
    for (user, kind) in [("Ed", "ed25519"), ("Rsa", "rsa2048"), ("Nist", "nistp256")] {
        let key = stage.gpg_key(None, user, &[kind, "sign", "never"]);
        stage.trust(&stage.export(&[&key]));
        let good = stage.gpg_commit(None, &key, user);
        let sources = sources(&[&stage.address("")]);
        expect(&sources, &good, None).await;
    }
    // As people have them: the primary certifies, a subkey signs.
    let key = stage.gpg_key(None, "Sub", &["ed25519", "cert", "never"]);
    stage.gpg(None, &["--quick-add-key", &key, "ed25519", "sign", "never"]);
    stage.trust(&stage.export(&[&key]));
    let good = stage.gpg_commit(None, &key, "by the subkey");
    let sources = sources(&[&stage.address("")]);
    expect(&sources, &good, None).await;
    // Somebody who is not in the keyring.
    stage.gpg_commit(None, "Ed", "by another");
    expect(&sources, &good, Some("which the keyring does not have")).await;
    // Revoked since: gpg writes the certificate of that along with the key, with a colon before it.
    let later = stage.gpg_commit(None, &key, "by the subkey again");
    expect(&sources, &later, None).await;
    let path = stage.path(&format!("openpgp-revocs.d/{key}.rev"));
    let certificate = std::fs::read_to_string(&path)
        .unwrap()
        .replace(":-----", "-----");
    std::fs::write(&path, certificate).unwrap();
    stage.gpg_commit(None, &key, "the last one");
    stage.gpg(None, &["--import", path.to_str().unwrap()]);
    stage.trust(&stage.export(&[&key]));
    expect(&sources, &later, Some("which is revoked")).await;
}

#[tokio::test]
async fn openpgp_keys_that_have_expired() {
    let day = Some("20200101");
    for (primary, subkey) in [("1y", None), ("never", Some("1y"))] {
        let stage = Stage::new();
        let now = stage.gpg_key(None, "Now", &["ed25519", "sign", "never"]);
        let use_of = if subkey.is_some() { "cert" } else { "sign" };
        let old = stage.gpg_key(day, "Old", &["ed25519", use_of, primary]);
        if let Some(expiry) = subkey {
            stage.gpg(day, &["--quick-add-key", &old, "ed25519", "sign", expiry]);
        }
        stage.trust(&stage.export(&[]));
        let good = stage.gpg_commit(None, &now, "good");
        let sources = sources(&[&stage.address("")]);
        expect(&sources, &good, None).await;
        stage.gpg_commit(day, &old, "old");
        expect(&sources, &good, Some("expired at 2020-12-31")).await;
    }
}

#[tokio::test]
async fn tags() {
    let stage = Stage::new();
    let ann = stage.ssh_key("ann", &["ed25519"]);
    stage.ssh_key("eve", &["ed25519"]);
    let pgp = stage.gpg_key(None, "Ann", &["ed25519", "sign", "never"]);
    stage.trust(&format!("ann@example.com {ann}\n{}", stage.export(&[&pgp])));
    let unsigned = stage.repo.commit("unsigned");
    let server = Server::http(&stage.repo, &[]);
    let read = |tag: &str| {
        let options = stage.options(&format!("tag={tag}"));
        sources(&[&server.address(&stage.repo, "", &options)])
    };
    stage.with_ssh("ann", &["tag", "-s", "-m", "tag", "v1"]);
    stage.with_gpg(None, &pgp, &["tag", "-s", "-m", "tag", "v2"]);
    for tag in ["v1", "v2"] {
        expect(&read(tag), &unsigned, None).await;
    }
    let refused = async |tag: &str, said: &str| {
        let error = look(&read(tag)).await.unwrap_err().to_string();
        assert!(error.contains(said), "{tag}: {error}");
    };
    stage.repo.git(&["tag", "v3"]);
    stage.repo.git(&["tag", "-a", "-m", "tag", "v4"]);
    for tag in ["v3", "v4"] {
        refused(tag, "is not signed").await;
    }
    // A tag's name is signed, and one under another name is somebody's trick.
    stage
        .repo
        .git(&["update-ref", "refs/tags/v9", "refs/tags/v1"]);
    refused("v9", "is signed as `v1`").await;
    let signed = stage.ssh_commit("ann", "signed");
    stage.repo.git(&["tag", "v5"]);
    stage.repo.git(&["tag", "-a", "-m", "tag", "v6"]);
    for tag in ["v5", "v6"] {
        expect(&read(tag), &signed, None).await;
    }
    stage.with_ssh("eve", &["tag", "-s", "-m", "tag", "v7"]);
    refused("v7", "tag `v7` is signed by the SSH key SHA256:").await;
    let range = stage.options("semver=*");
    stage.with_ssh("ann", &["tag", "-s", "-m", "tag", "v8.0.0"]);
    let range = sources(&[&server.address(&stage.repo, "", &range)]);
    expect(&range, &signed, None).await;
    // The commit is there already; the tag's own object is not.
    stage.with_ssh("ann", &["tag", "-s", "-m", "tag", "v8.1.0"]);
    stage.repo.git(&["tag", "-d", "v8.0.0"]);
    expect(&range, &signed, None).await;
}

#[test]
fn commands_say_the_cause() {
    let stage = Stage::new();
    let ann = stage.ssh_key("ann", &["ed25519"]);
    stage.trust(&format!("ann@example.com {ann}\n"));
    let address = stage.address("branch=main");
    for command in [
        &["validate", &address][..],
        &["plan", "--sandbox", "--source", &address],
        &["sync", "--sandbox", "--source", &address],
    ] {
        let done = run(command);
        assert_eq!(done.code, Some(1), "{command:?}");
        assert!(done.stderr.contains("is not signed"), "{}", done.stderr);
    }
    stage.ssh_commit("ann", "signed");
    assert_eq!(run(&["validate", &address]).code, Some(0));
}

//! SSH and Git's own protocol, against `sshd` and `git daemon`.

use super::*;

/// An `sshd` of this test's own, with a host key, and a key that it lets in.
struct Sshd {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Sshd {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        for name in ["host", "user", "stranger"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f", &path(name)])
                .status();
            assert!(made.unwrap().success());
        }
        std::fs::copy(path("user.pub"), path("authorized")).unwrap();
        let port = free_port();
        let sshd = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"];
        let sshd = sshd.into_iter().find(|path| Path::new(path).exists());
        // sshd changes to this folder when it is started by root.
        std::fs::create_dir_all("/run/sshd").ok();
        let child = Command::new(sshd.expect("sshd is installed"))
            .args([
                "-D",
                "-e",
                "-f",
                "/dev/null",
                "-h",
                &path("host"),
                "-p",
                &port.to_string(),
            ])
            .args([
                "-o",
                "ListenAddress=127.0.0.1",
                "-o",
                "StrictModes=no",
                "-o",
                "UsePAM=no",
            ])
            .args(["-o", &format!("AuthorizedKeysFile={}", path("authorized"))])
            .args([
                "-o",
                "PasswordAuthentication=no",
                "-o",
                "AcceptEnv=GIT_PROTOCOL",
            ])
            .args(["-o", &format!("PidFile={}", path("pid"))])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        listening(port).await;
        let sshd = Self {
            child,
            port,
            folder,
        };
        sshd.know("known", "host.pub");
        sshd.know("other", "stranger.pub");
        std::fs::write(sshd.path("empty"), "").unwrap();
        sshd
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Writes a `known_hosts` file with this key.
    fn know(&self, file: &str, key: &str) {
        let key = std::fs::read_to_string(self.path(key)).unwrap();
        std::fs::write(self.path(file), format!("[127.0.0.1]:{} {key}", self.port)).unwrap();
    }

    fn sources(&self, repo: &Repo, key: &str, hosts: &str) -> Sources {
        let user = Command::new("id").arg("-un").output().unwrap().stdout;
        sources(&[&format!(
            "git+ssh://{}@127.0.0.1:{}{}?path=prod&sshKey={}&knownHosts={}",
            String::from_utf8_lossy(&user).trim(),
            self.port,
            repo.path().display(),
            self.path(key),
            self.path(hosts)
        )])
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        // An error means that it has ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[tokio::test]
async fn a_key_and_a_pinned_host() {
    let (repo, sshd) = (Repo::new(), Sshd::start().await);
    let good = sshd.sources(&repo, "user", "known");
    assert_eq!(held(&look(&good).await.unwrap()), ["a.yaml"]);
    repo.write("prod/b.yaml", &cluster("b"));
    let id = repo.commit("more");
    assert_eq!(commit_of(&look(&good).await.unwrap()), id);
    for (key, hosts, why) in [
        ("user", "other", "Host key verification failed"),
        ("user", "nobody", "Host key verification failed"),
        ("user", "empty", "Host key verification failed"),
        ("stranger", "known", "Permission denied"),
    ] {
        let error = look(&sshd.sources(&repo, key, hosts)).await.unwrap_err();
        assert!(error.to_string().contains(why), "{key} {hosts}: {error}");
        let trouble = error.sources[0].trouble.clone().unwrap();
        assert_eq!(trouble.reason.label(), "Denied", "{error}");
    }
}

#[tokio::test]
async fn git_daemon_and_a_monorepo_of_ten_thousand_files() {
    let repo = Repo::monorepo();
    let port = free_port();
    let base = repo.path().parent().unwrap();
    let place = PathBuf::from(repo.git(&["--exec-path"]));
    let mut daemon = Command::new(place.join("git-daemon"))
        .args(["--export-all", "--listen=127.0.0.1"])
        .args([
            format!("--base-path={}", base.display()),
            format!("--port={port}"),
        ])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    listening(port).await;
    let name = repo.path().file_name().unwrap().to_str().unwrap();
    let of = |path: &str| {
        let address = format!("git+git://127.0.0.1:{port}/{name}/.git?branch=main&path={path}");
        sources(&[&address])
    };
    assert_eq!(held(&look(&of("prod")).await.unwrap()), ["a.yaml"]);
    let all = look(&of("services")).await.unwrap();
    assert_eq!(all.files.len(), 10_000);
    assert!(daemon.kill().is_ok());
    drop(daemon.wait());
}

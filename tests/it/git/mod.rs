//! Git sources against real repositories and real servers on this machine: `git http-backend` behind a web
//! server, `git daemon`, `sshd`. Needs `git`, `sshd`, `ssh-keygen`, `openssl`, `python3`
//! and `strace`.

mod deployed;
mod files;
mod history;
mod hostile;
mod http;
mod modules;
mod program;
mod prune;
mod signed;
mod sparse;
mod ssh;
mod tls;

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use evenkeel::source::{Access, Address, Eagerness, NoSet, Sources, Together, Trouble, Worker};
use tempfile::TempDir;

/// A manifest of a cluster.
fn cluster(name: &str) -> String {
    format!(
        "apiVersion: evenkeel.dev/v1alpha1\nkind: Cluster\nmetadata: {{name: {name}}}\nspec: {{}}\n"
    )
}

/// A repository with a work tree, in a temporary folder.
struct Repo {
    folder: TempDir,
}

impl Repo {
    /// One with `prod/a.yaml` on `main`.
    fn new() -> Self {
        let repo = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        repo.git(&["init", "--quiet", "--initial-branch=main", "."]);
        repo.git(&["config", "uploadpack.allowFilter", "true"]);
        repo.write("prod/a.yaml", &cluster("a"));
        repo.commit("first");
        repo
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs git; gives what it says.
    fn git(&self, arguments: &[&str]) -> String {
        let done = Command::new("git")
            .args(arguments)
            .current_dir(self.path())
            .envs([
                ("GIT_AUTHOR_NAME", "Ann"),
                ("GIT_AUTHOR_EMAIL", "ann@example.com"),
                ("GIT_COMMITTER_NAME", "Ann"),
                ("GIT_COMMITTER_EMAIL", "ann@example.com"),
                ("GIT_CONFIG_GLOBAL", "/dev/null"),
                ("GIT_CONFIG_SYSTEM", "/dev/null"),
            ])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "git {arguments:?}: {said}");
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Commits everything; gives the commit's id.
    fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// A tree with one entry as it is given, put into `prod` of a new commit on `main`: names and modes
    /// that no work tree takes.
    fn commit_tree(&self, mode: &str, kind: &str, id: &str, name: &str) {
        self.commit_entries(&format!("{mode} {kind} {id}\t{name}\0"));
    }

    /// The same of many entries, each with a zero behind it.
    fn commit_entries(&self, entries: &str) {
        let prod = self.tree(entries);
        let root = self.tree(&format!("040000 tree {prod}\tprod\0"));
        let commit = self.git(&["commit-tree", &root, "-p", "main", "-m", "odd"]);
        self.git(&["update-ref", "refs/heads/main", &commit]);
    }

    fn tree(&self, entries: &str) -> String {
        let mut child = Command::new("git")
            .args(["mktree", "--missing", "-z"])
            .current_dir(self.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), entries.as_bytes()).unwrap();
        let done = child.wait_with_output().unwrap();
        assert!(done.status.success());
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }

    /// Ten thousand manifests in a hundred folders.
    fn monorepo() -> Self {
        let repo = Self::new();
        for index in 0..10_000 {
            let folder = repo.path().join(format!("services/{}", index % 100));
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(
                folder.join(format!("{index}.yaml")),
                cluster(&format!("c{index}")),
            )
            .unwrap();
        }
        repo.commit("many");
        repo
    }

    /// The id of a blob with this text.
    fn blob(&self, text: &str) -> String {
        let path = self.path().join(".git/text");
        std::fs::write(&path, text).unwrap();
        self.git(&["hash-object", "-w", path.to_str().unwrap()])
    }

    /// Its address as a folder of this machine.
    fn address(&self, options: &str) -> String {
        format!("git+file://{}?{options}", self.path().display())
    }
}

fn sources(addresses: &[&str]) -> Sources {
    lasting(addresses, None)
}

fn lasting(addresses: &[&str], store: Option<&Path>) -> Sources {
    let addresses = addresses.iter().map(|text| Address::parse(text).unwrap());
    let access = Access {
        worker: Worker::of(env!("CARGO_BIN_EXE_evenkeel")),
        store: store.map(Path::to_owned),
        ..Access::default()
    };
    Sources::new(addresses.collect(), &access)
}

async fn look(sources: &Sources) -> Result<Together, NoSet> {
    sources.read(Eagerness::Now).await
}

/// What is held, by file and first line of the text; and what is wrong.
fn held(read: &Together) -> Vec<String> {
    read.files
        .iter()
        .map(|file| file.path.rsplit_once("prod/").unwrap().1.to_owned())
        .collect()
}

fn trouble(read: &Together) -> Option<(&'static str, String)> {
    let trouble: &Trouble = read.sources[0].trouble.as_ref()?;
    Some((trouble.reason.label(), trouble.message.clone()))
}

fn commit_of(read: &Together) -> &str {
    &read.sources[0].commit.as_ref().unwrap().id
}

/// A server that ends with the value.
struct Server {
    child: Child,
    address: SocketAddr,
    log: PathBuf,
    _folder: TempDir,
}

impl Server {
    /// `server.py` before the repositories beside this one.
    fn http(repo: &Repo, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/git/server.py");
        let mut child = Command::new("python3")
            .arg(script)
            .args([repo.path().parent().unwrap(), &log])
            .args(arguments)
            .env("GIT_CONFIG_COUNT", "1")
            .env("GIT_CONFIG_KEY_0", "safe.directory")
            .env("GIT_CONFIG_VALUE_0", "*")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Self {
            child,
            address: ([127, 0, 0, 1], line.trim().parse().unwrap()).into(),
            log,
            _folder: folder,
        }
    }

    /// The repository's address at this server.
    fn address(&self, repo: &Repo, user: &str, options: &str) -> String {
        let name = repo.path().file_name().unwrap().to_str().unwrap();
        format!("git+http://{user}{}/{name}/.git?{options}", self.address)
    }

    /// The requests so far: method, path, status, credential, bytes in, bytes out.
    fn requests(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

/// The bytes of the bodies of these requests, both ways.
fn bytes(requests: &[String]) -> u64 {
    let both = requests.iter().map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        words[4].parse::<u64>().unwrap() + words[5].parse::<u64>().unwrap()
    });
    both.sum()
}

impl Drop for Server {
    fn drop(&mut self) {
        // An error means that it has ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A port that nobody uses just now.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Waits until somebody listens there.
async fn listening(port: u16) {
    for _ in 0..600 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("nobody listens at {port}");
}

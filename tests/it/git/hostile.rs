//! Servers and repositories that mean harm. What each of these tests is about is listed in `docs/sources.md`, which
//! the last one here holds to the tests.

use std::collections::BTreeSet;

use super::*;

/// A source that has read its repository once, from a server that takes this port.
async fn read_once(repo: &Repo, options: &str) -> (Sources, u16) {
    let good = Server::http(repo, &[]);
    let sources = sources(&[&good.address(repo, "", options)]);
    assert_eq!(held(&look(&sources).await.unwrap()), ["a.yaml"]);
    (sources, good.address.port())
}

#[tokio::test]
async fn no_kind_of_redirect_is_followed_or_gets_a_credential() {
    let repo = Repo::new();
    let thief = Server::http(&repo, &[]);
    let honest = free_port();
    let port = thief.address.port();
    for place in [
        format!("http://127.0.0.1:{port}"),
        format!("http://localhost:{port}"),
        format!("http://127.0.0.1:{honest}?@127.0.0.1:{port}"),
        format!("http://127.0.0.1:{honest}@127.0.0.1:{port}"),
        format!("http://127.0.0.1:{honest}\\@127.0.0.1:{port}"),
        format!("//127.0.0.1:{port}"),
        format!("git://127.0.0.1:{port}"),
        format!("file://{}", repo.path().parent().unwrap().display()),
        // Its own server, under another name.
        "/elsewhere".to_owned(),
    ] {
        for (way, asked) in [("redirect", 1), ("redirect-post", 2)] {
            let status = if place.starts_with('/') { "307" } else { "302" };
            let way = format!("--way={way}={place}");
            let server = Server::http(&repo, &[&way, "--status", status]);
            let source = sources(&[&server.address(&repo, "user:canary@", "path=prod")]);
            let error = look(&source).await.unwrap_err();
            assert!(!error.to_string().contains("canary"), "{way}: {error}");
            let requests = server.requests();
            assert_eq!(requests.len(), asked, "{way}: {requests:?}");
        }
    }
    assert_eq!(thief.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn refs_with_tricks_are_nobody_s_and_are_written_nowhere() {
    let (repo, store) = (Repo::new(), tempfile::tempdir().unwrap());
    let server = Server::http(&repo, &["--way=refs"]);
    let address = server.address(&repo, "", "branch=main&path=prod");
    let read = look(&lasting(&[&address], Some(store.path())))
        .await
        .unwrap();
    assert_eq!(
        (held(&read), trouble(&read)),
        (vec!["a.yaml".to_owned()], None)
    );
    let listed = Command::new("find").arg(store.path()).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains(".pack"), "{listed}");
    for odd in ["pwned", "bundle", "main", "refs/heads/"] {
        assert!(!listed.contains(odd), "{odd}: {listed}");
    }
    assert!(!Path::new("/tmp/pwned").exists());
    assert!(!server.requests().iter().any(|line| line.contains("bundle")));
}

#[tokio::test]
async fn a_million_refs_are_not_listed_or_are_cut_off() {
    let repo = Repo::new();
    let id = repo.git(&["rev-parse", "HEAD"]);
    let mut packed = "# pack-refs with: peeled fully-peeled sorted \n".to_owned();
    for index in 0..1_000_000 {
        packed.push_str(&format!("{id} refs/heads/x/{index:07}\n"));
    }
    repo.write(".git/packed-refs", &packed);
    let options = "branch=main&path=prod";
    // Opened, and listed by what is asked for: none of them is looked at.
    let source = sources(&[&repo.address(options)]);
    assert_eq!(held(&look(&source).await.unwrap()), ["a.yaml"]);
    let server = Server::http(&repo, &[]);
    let source = sources(&[&server.address(&repo, "", options)]);
    assert_eq!(held(&look(&source).await.unwrap()), ["a.yaml"]);
    let all = bytes(&server.requests());
    assert!(all < 10_000, "{all}");
    // The old protocol knows no such question.
    let old = Server::http(&repo, &["--way=old"]);
    let source = sources(&[&old.address(&repo, "", options)]);
    let error = look(&source).await.unwrap_err();
    let trouble = error.sources[0].trouble.clone().unwrap();
    assert_eq!(trouble.reason.label(), "TooLarge", "{error}");
    let told = "list of refs is larger than 32 MiB";
    assert!(trouble.message.contains(told), "{error}");
}

#[tokio::test]
async fn a_hostile_pack_ends_its_worker_alone() {
    let repo = Repo::new();
    let options = "branch=main&path=prod&maxPackMiB=8";
    let (source, port) = read_once(&repo, options).await;
    repo.write("prod/b.yaml", &cluster("b"));
    let id = repo.commit("more");
    let port = port.to_string();
    for kind in [
        "size", "base", "beyond", "grown", "before", "chain", "count", "cut", "sum", "nothing",
    ] {
        let way = format!("--way=pack={kind}");
        let bad = Server::http(&repo, &[&way, "--port", &port]);
        let read = look(&source).await.unwrap();
        assert_eq!(held(&read), ["a.yaml"], "{kind}");
        let (reason, message) = trouble(&read).expect(kind);
        let expected = ["Corrupt", "TooLarge", "NoRevision", "Unreachable"];
        assert!(expected.contains(&reason), "{kind}: {reason}: {message}");
        drop(bad);
    }
    let good = Server::http(&repo, &["--port", &port]);
    let read = look(&source).await.unwrap();
    assert_eq!((commit_of(&read), trouble(&read)), (id.as_str(), None));
    drop(good);
}

fn put(path: &Path, text: &str) {
    // In place of the old one at once, as secret stores do.
    let new = path.with_extension("new");
    std::fs::write(&new, text).unwrap();
    std::fs::rename(new, path).unwrap();
}

#[tokio::test]
async fn a_password_that_is_replaced_between_and_during_polls_needs_no_restart() {
    let repo = Repo::new();
    let folder = tempfile::tempdir().unwrap();
    let (theirs, ours) = (folder.path().join("theirs"), folder.path().join("ours"));
    put(&theirs, "user:canary-0");
    put(&ours, "canary-0");
    let server = Server::http(&repo, &["--auth-file", theirs.to_str().unwrap()]);
    let options = format!(
        "branch=main&path=prod&username=user&passwordFile={}",
        ours.display()
    );
    let address = server.address(&repo, "", &options);
    let source = sources(&[&address]);
    look(&source).await.unwrap();
    for number in 1..=4_u64 {
        let id = repo.commit(&format!("commit {number}"));
        // While a poll is under way the server takes the new password, and then the file has it. The poll may
        // have had either.
        let rotate = async {
            tokio::time::sleep(std::time::Duration::from_millis(15 * number)).await;
            put(&theirs, &format!("user:canary-{number}"));
            tokio::time::sleep(std::time::Duration::from_millis(15)).await;
            put(&ours, &format!("canary-{number}"));
        };
        let (read, ()) = tokio::join!(look(&source), rotate);
        let read = read.unwrap();
        assert_eq!(held(&read), ["a.yaml"]);
        if let Some((reason, message)) = trouble(&read) {
            assert_eq!(reason, "Denied", "{message}");
            assert!(!message.contains("canary"), "{message}");
        }
        // The next one has the new one.
        let read = look(&source).await.unwrap();
        assert_eq!((commit_of(&read), trouble(&read)), (id.as_str(), None));
    }
    // A file that is being written is no password, and does no harm.
    std::fs::write(&ours, "").unwrap();
    assert_eq!(trouble(&look(&source).await.unwrap()).unwrap().0, "Denied");
    put(&ours, "canary-4");
    assert_eq!(trouble(&look(&source).await.unwrap()), None);
}

/// What a worker did that strace saw: programs that were started, files that were opened to be read, things that
/// were written or made, addresses that were connected to.
#[derive(Debug, Default)]
struct Deeds {
    started: Vec<String>,
    read: BTreeSet<String>,
    written: BTreeSet<String>,
    connected: BTreeSet<String>,
}

/// The path in a line of strace: relative ones are taken to be in the folder of their descriptor, which `-y` shows.
fn paths(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut before = "";
    for (index, part) in line.split('"').enumerate() {
        if index % 2 == 1 {
            let folder = before.rsplit_once('<').map(|(_, rest)| rest);
            let folder = folder
                .and_then(|rest| rest.split_once('>'))
                .map(|(path, _)| path);
            found.push(match folder {
                Some(folder) if !part.starts_with('/') => format!("{folder}/{part}"),
                _ => part.to_owned(),
            });
        }
        before = part;
    }
    found
}

impl Deeds {
    fn of(log: &Path) -> Self {
        let mut deeds = Self::default();
        for line in std::fs::read_to_string(log).unwrap().lines() {
            // "123  call(arguments) = result": what failed did nothing.
            let Some((call, rest)) = line.split_once('(') else {
                continue;
            };
            if rest.contains(") = -1 ") && !call.ends_with("connect") {
                continue;
            }
            let call = call.rsplit(' ').next().unwrap();
            match call {
                "execve" => deeds.started.extend(paths(rest).into_iter().take(1)),
                "connect" => {
                    deeds.connected.insert(rest.to_owned());
                }
                "open" | "openat" => {
                    let writes = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC"];
                    let writes = writes.iter().any(|flag| rest.contains(flag));
                    let to = if writes {
                        &mut deeds.written
                    } else {
                        &mut deeds.read
                    };
                    to.extend(paths(rest));
                }
                // What a link says is only a text.
                "symlink" | "symlinkat" => deeds.written.extend(paths(rest).into_iter().skip(1)),
                _ => deeds.written.extend(paths(rest)),
            }
        }
        deeds
    }
}

/// A worker that these lines of a shell start.
fn by_script(folder: &Path, lines: &str) -> Worker {
    use std::os::unix::fs::PermissionsExt as _;
    let script = folder.join("worker");
    std::fs::write(&script, format!("#!/bin/sh\n{lines}\n")).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    Worker::of(script)
}

/// Reads this address with a worker that strace looks at.
async fn traced(address: &str, store: &Path) -> Deeds {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let calls = "execve,execveat,open,openat,creat,connect,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,\
                 symlink,symlinkat,unlink,unlinkat,rmdir,chmod,fchmodat,truncate,mknod,mknodat";
    let text = format!(
        "exec strace -f -y -s 4096 -e trace={calls} -o {} {} \"$@\"",
        log.display(),
        env!("CARGO_BIN_EXE_evenkeel")
    );
    let access = Access {
        worker: by_script(folder.path(), &text),
        store: Some(store.to_owned()),
        ..Access::default()
    };
    let sources = Sources::new(vec![Address::parse(address).unwrap()], &access);
    let read = look(&sources).await.unwrap();
    assert_eq!(
        (held(&read), trouble(&read)),
        (vec!["a.yaml".to_owned()], None)
    );
    Deeds::of(&log)
}

#[tokio::test]
async fn a_fetch_starts_no_program_and_writes_to_its_store_alone() {
    let (repo, store) = (Repo::new(), tempfile::tempdir().unwrap());
    let marker = tempfile::tempdir().unwrap();
    let secret = marker.path().join("secret.yaml");
    std::fs::write(&secret, cluster("secret")).unwrap();
    let touch = format!("touch {}", marker.path().join("pwned").display());
    // All that Git itself would follow, or run.
    std::os::unix::fs::symlink(&secret, repo.path().join("prod/link")).unwrap();
    repo.write(
        ".gitattributes",
        "* filter=evil diff=evil merge=evil ident\n",
    );
    let module = format!("[submodule \"x\"]\n\tpath = x\n\turl = ../x\n\tupdate = !{touch}\n");
    repo.write(".gitmodules", &module);
    repo.write(
        ".lfsconfig",
        &format!("[lfs]\n\turl = file://{}\n", secret.display()),
    );
    repo.commit("odd");
    for name in [
        "filter.evil.smudge",
        "filter.evil.process",
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
    ] {
        repo.git(&["config", name, &touch]);
    }
    let hook = repo.path().join(".git/hooks/post-checkout");
    repo.write(".git/hooks/post-checkout", &format!("#!/bin/sh\n{touch}\n"));
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(hook, executable).unwrap();

    let server = Server::http(&repo, &[]);
    let options = "branch=main&path=prod&submodules=true";
    let port = format!("sin_port=htons({})", server.address.port());
    for (address, fetched) in [
        (server.address(&repo, "", options), true),
        (repo.address(options), false),
    ] {
        let deeds = traced(&address, store.path()).await;
        let program = [env!("CARGO_BIN_EXE_evenkeel").to_owned()];
        assert_eq!(deeds.started, program, "{address}");
        let inside = |path: &&String| Path::new(path).starts_with(store.path());
        let outside: Vec<_> = deeds.written.iter().filter(|path| !inside(path)).collect();
        assert_eq!(outside, Vec::<&String>::new(), "{address}");
        assert_eq!(
            deeds.written.iter().any(|path| inside(&path)),
            fetched,
            "{address}"
        );
        assert!(
            deeds
                .read
                .iter()
                .any(|path| path.contains(".pack") || path.contains("/objects/"))
        );
        let odd = |path: &&String| path.contains("secret.yaml") || path.ends_with("/etc/passwd");
        assert_eq!(deeds.read.iter().find(odd), None, "{address}");
        let elsewhere = |to: &&String| !to.contains(&port);
        assert_eq!(deeds.connected.iter().find(elsewhere), None, "{address}");
        assert_eq!(deeds.connected.is_empty(), !fetched, "{address}");
    }
    assert!(!marker.path().join("pwned").exists());
}

#[tokio::test]
async fn a_proxy_gets_no_credential_of_a_plain_server() {
    let (repo, folder) = (Repo::new(), tempfile::tempdir().unwrap());
    let proxy = Server::http(&repo, &[]);
    let server = Server::http(&repo, &["--auth", "user:canary"]);
    let address = server.address(&repo, "user:canary@", "branch=main&path=prod");
    let at = format!("http://{}", proxy.address);
    let names = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
    // Neither one that the worker is told of, whoever tells it,
    let set = names.map(|name| format!("export {name}={at}\n")).concat();
    let program = env!("CARGO_BIN_EXE_evenkeel");
    let access = Access {
        worker: by_script(folder.path(), &format!("{set}exec {program} \"$@\"")),
        ..Access::default()
    };
    let source = Sources::new(vec![Address::parse(&address).unwrap()], &access);
    assert_eq!(held(&look(&source).await.unwrap()), ["a.yaml"]);
    let asked = server.requests().len();
    assert!(asked > 0);
    // nor the daemon's own.
    let mut validate = crate::e2e::program::command(&["validate", &address]);
    validate.envs(names.map(|name| (name, &at)));
    let done = crate::e2e::program::Program::start(&mut validate).finished();
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert_eq!(server.requests().len(), 2 * asked);
    assert_eq!(proxy.requests(), Vec::<String>::new());
}

/// What both files of the `SHAttered` collision (<https://shattered.io>, 2017) begin with, and how each goes on, up
/// to where they have the same SHA-1.
const COMMON: &str = "\
    255044462d312e330a25e2e3cfd30a0a0a312030206f626a0a3c3c2f57696474682032203020522f4865696768742033\
    203020522f547970652034203020522f537562747970652035203020522f46696c7465722036203020522f436f6c6f72\
    53706163652037203020522f4c656e6774682038203020522f42697473506572436f6d706f6e656e7420383e3e0a7374\
    7265616d0affd8fffe00245348412d3120697320646561642121212121852fec092339759c39b1a1c63c4c97e1fffe01";
const FIRST: &str = "\
    7346dc9166b67e118f029ab621b2560ff9ca67cca8c7f85ba84c79030c2b3de218f86db3a90901d5df45c14f26fedfb3\
    dc38e96ac22fe7bd728f0e45bce046d23c570feb141398bb552ef5a0a82be331fea48037b8b5d71f0e332edf93ac3500\
    eb4ddc0decc1a864790c782c76215660dd309791d06bd0af3f98cda4bc4629b1";
const SECOND: &str = "\
    7f46dc93a6b67e013b029aaa1db2560b45ca67d688c7f84b8c4c791fe02b3df614f86db1690901c56b45c1530afedfb7\
    6038e972722fe7ad728f0e4904e046c230570fe9d41398abe12ef5bc942be33542a4802d98b5d70f2a332ec37fac3514\
    e74ddc0f2cc1a874cd0c78305a21566461309789606bd0bf3f98cda8044629a1";

/// Git names an object by the SHA-1 of its type and size and then its bytes, for which no collision is known; so
/// what computes those names is given the known one, as it is.
#[test]
fn bytes_made_to_have_the_same_sha_1_are_refused() {
    let bytes = |hex: &str| -> Vec<u8> {
        let digits = hex.as_bytes().chunks(2);
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16);
        digits.map(|pair| byte(pair).unwrap()).collect()
    };
    let mut digests = BTreeSet::new();
    for rest in [FIRST, SECOND] {
        let mut hasher = gix::hash::hasher(gix::hash::Kind::Sha1);
        hasher.update(&bytes(COMMON));
        hasher.update(&bytes(rest));
        let error = hasher.try_finalize().unwrap_err().to_string();
        assert!(error.contains("collision attack"), "{error}");
        digests.insert(error);
    }
    assert_ne!(FIRST, SECOND);
    assert_eq!(digests.len(), 1, "the same SHA-1: {digests:?}");
    let mut hasher = gix::hash::hasher(gix::hash::Kind::Sha1);
    hasher.update(&bytes(COMMON));
    hasher.try_finalize().unwrap();
}

/// Each test that `docs/sources.md` names is there.
#[test]
fn the_table_of_dangers_names_tests_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = std::fs::read_to_string(root.join("docs/sources.md")).unwrap();
    let mut named = 0;
    let is_test = |name: &&str| name.contains("::") && !name.contains(' ');
    for name in table.split('`').filter(is_test) {
        let (file, test) = name.rsplit_once("::").unwrap();
        let file = file.replace("::", "/");
        let place = |folder: &str| root.join(folder).join(&file);
        let texts = ["tests/it", "src", "tests/python"]
            .into_iter()
            .flat_map(|folder| {
                let place = place(folder);
                [
                    place.with_extension("rs"),
                    place.join("mod.rs"),
                    place.with_extension("py"),
                ]
            });
        let mut found = texts.filter_map(|path| std::fs::read_to_string(path).ok());
        let declared = [format!("fn {test}("), format!("def {test}(")];
        let holds = |text: String| declared.iter().any(|words| text.contains(words));
        assert!(found.any(holds), "{name}");
        named += 1;
    }
    assert!(named >= 60, "{named}");
}

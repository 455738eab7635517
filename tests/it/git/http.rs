//! HTTP: `git http-backend` behind a web server, with authentication, and servers that go wrong.

use serde_json::json;

use super::*;
use crate::parameters::store::Store;

#[tokio::test]
async fn basic_authentication() {
    let repo = Repo::new();
    let server = Server::http(&repo, &["--auth", "user:canary"]);
    let of = |user: &str, options: &str| sources(&[&server.address(&repo, user, options)]);
    let read = look(&of("user:canary@", "path=prod")).await.unwrap();
    assert_eq!(held(&read), ["a.yaml"]);
    assert!(!read.sources[0].address.contains("canary"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "canary\n").unwrap();
    let options = format!("path=prod&username=user&passwordFile={}", file.display());
    look(&of("", &options)).await.unwrap();
    let helper = folder.path().join("helper");
    std::fs::write(
        &helper,
        "#!/bin/sh\necho username=user; echo password=canary\n",
    )
    .unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(&helper, executable).unwrap();
    let options = format!("path=prod&credentialHelper={}", helper.display());
    assert_eq!(held(&look(&of("", &options)).await.unwrap()), ["a.yaml"]);
    for user in ["", "user:wrong@", "user@"] {
        let error = look(&of(user, "path=prod")).await.unwrap_err();
        let trouble = error.sources[0].trouble.clone().unwrap();
        assert_eq!(trouble.reason.label(), "Denied", "{error}");
        assert!(!error.to_string().contains("wrong"), "{error}");
    }
}

/// A source whose password is in this store.
fn behind(store: &Store, address: &str) -> Sources {
    let access = Access {
        worker: Worker::of(env!("CARGO_BIN_EXE_evenkeel")),
        aws: store.connector(),
        ..Access::default()
    };
    Sources::new(vec![Address::parse(address).unwrap()], &access)
}

#[tokio::test]
async fn a_password_in_aws_is_fetched_once_and_again_when_it_is_refused() {
    let repo = Repo::new();
    let (first, second) = (["--auth", "git:canary-1"], ["--auth", "git:canary-2"]);
    let server = Server::http(&repo, &first);
    let port = server.address.port().to_string();
    let store = Store::new(&[]);
    store.put_as("/git/token", "canary-1", "SecureString");
    let options = "branch=main&path=prod&passwordSsm=/git/token";
    let source = behind(&store, &server.address(&repo, "", options));
    for _ in 0..2 {
        assert_eq!(held(&look(&source).await.unwrap()), ["a.yaml"]);
    }
    assert_eq!(store.asked(), ["GetParameter"]);
    // Rotated at the server, and not yet in AWS: the old state stays, and nothing is told of either.
    drop(server);
    let server = Server::http(&repo, &[&second[..], &["--port", &port]].concat());
    repo.commit("more");
    let read = look(&source).await.unwrap();
    let (reason, message) = trouble(&read).unwrap();
    assert_eq!((reason, held(&read).len()), ("Denied", 1));
    assert!(!message.contains("canary"), "{message}");
    assert_eq!(store.asked(), ["GetParameter"]);
    store.put_as("/git/token", "canary-2", "SecureString");
    let read = look(&source).await.unwrap();
    assert_eq!(trouble(&read), None);
    assert_eq!(read.sources[0].commit.as_ref().unwrap().message, "more");
    assert!(!format!("{source:?} {source}").contains("canary"));
    drop(server);
}

#[tokio::test]
async fn a_password_in_aws_is_found_or_its_place_is_named() {
    let repo = Repo::new();
    let server = Server::http(&repo, &["--auth", "user:canary"]);
    let store = Store::new(&[("/git/lines", "canary\ncanary")]);
    let secret = json!({"username": "user", "password": "canary"});
    store.secret("git/prod", &secret.to_string());
    let of = |option: &str| {
        let options = format!("path=prod&username=user&{option}");
        behind(&store, &server.address(&repo, "", &options))
    };
    look(&of("passwordSecret=git/prod%23password"))
        .await
        .unwrap();
    for (option, reason, told) in [
        ("passwordSecret=git/prod", "Denied", "let it in"),
        (
            "passwordSecret=git/prod%23token",
            "Denied",
            "no JSON with a text `token`",
        ),
        (
            "passwordSecret=git/none",
            "Denied",
            "the secret git/none of its password",
        ),
        (
            "passwordSsm=/git/none",
            "Denied",
            "the SSM parameter /git/none of its password",
        ),
        ("passwordSsm=/git/lines", "Denied", "more than one line"),
    ] {
        let error = look(&of(option)).await.unwrap_err();
        let trouble = error.sources[0].trouble.clone().unwrap();
        assert_eq!(trouble.reason.label(), reason, "{option}: {error}");
        assert!(trouble.message.contains(told), "{option}: {error}");
        assert!(!error.to_string().contains("canary"), "{option}: {error}");
    }
}

#[tokio::test]
async fn a_poll_that_finds_nothing_new_is_two_small_requests() {
    let repo = Repo::new();
    for index in 0..50 {
        repo.write(
            &format!("prod/{index}.yaml"),
            &cluster(&format!("c{index}")),
        );
        repo.git(&["branch", &format!("b{index}")]);
    }
    repo.commit("more");
    let server = Server::http(&repo, &[]);
    let sources = sources(&[&server.address(&repo, "", "branch=main&path=prod")]);
    look(&sources).await.unwrap();
    let before = server.requests();
    look(&sources).await.unwrap();
    let poll = server.requests()[before.len()..].to_vec();
    assert_eq!(poll.len(), 2, "{poll:?}");
    let all = bytes(&poll);
    println!("first read: {before:#?}\npoll: {poll:#?}: {all} bytes");
    assert!(all < 1000, "{all}");
}

#[tokio::test]
async fn one_fetch_for_all_places_of_a_repository() {
    let repo = Repo::new();
    repo.write("prod/x/b.yaml", "x");
    repo.write("prod/y/c.yaml", "x");
    repo.commit("more");
    let server = Server::http(&repo, &[]);
    let address = |path: &str| server.address(&repo, "", &format!("branch=main&path=prod/{path}"));
    let both = sources(&[&address("x"), &address("y")]);
    let read = look(&both).await.unwrap();
    assert_eq!(held(&read), ["x/b.yaml", "y/c.yaml"]);
    let count = server.requests().len();
    look(&sources(&[&address("x")])).await.unwrap();
    assert_eq!(
        server.requests().len(),
        2 * count,
        "{:#?}",
        server.requests()
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_carries_no_credential() {
    let repo = Repo::new();
    let thief = Server::http(&repo, &[]);
    let way = format!("--way=redirect=http://{}", thief.address);
    let server = Server::http(&repo, &[&way]);
    let sources = sources(&[&server.address(&repo, "user:canary@", "path=prod")]);
    look(&sources).await.unwrap_err();
    assert_eq!(server.requests().len(), 1, "{:?}", server.requests());
    assert_eq!(thief.requests(), Vec::<String>::new());
}

/// What is said of a server that goes wrong this way. What was in force before stays so.
async fn wrong(way: &str, timeout: &str) -> (&'static str, String) {
    let repo = Repo::new();
    let good = Server::http(&repo, &[]);
    let port = good.address.port();
    let options = format!("branch=main&path=prod&timeout={timeout}");
    let sources = sources(&[&good.address(&repo, "", &options)]);
    look(&sources).await.unwrap();
    drop(good);
    let bad = Server::http(&repo, &[&format!("--way={way}")]);
    // The bad server is met at its own address by a source of its own; the good one is gone.
    let read = look(&sources).await.unwrap();
    assert_eq!(held(&read), ["a.yaml"]);
    assert_eq!(trouble(&read).unwrap().0, "Unreachable", "{port}");
    let other = super::sources(&[&bad.address(&repo, "", &options)]);
    let error = look(&other).await.unwrap_err();
    let trouble = error.sources[0].trouble.clone().unwrap();
    (trouble.reason.label(), trouble.message)
}

#[tokio::test]
async fn a_server_that_hangs_is_left() {
    let (reason, message) = wrong("hang", "2s").await;
    assert_eq!(reason, "TimedOut", "{message}");
    assert!(
        message.contains("more than 2s: listing the refs"),
        "{message}"
    );
}

#[tokio::test]
async fn a_server_that_cuts_the_connection() {
    let (reason, message) = wrong("cut", "60s").await;
    assert!(
        ["Unreachable", "Corrupt"].contains(&reason),
        "{reason}: {message}"
    );
}

#[tokio::test]
async fn a_server_that_hangs_in_the_fetch_is_left() {
    let (reason, message) = wrong("hang-fetch", "1s").await;
    assert_eq!(reason, "TimedOut", "{message}");
    assert!(message.contains("more than 1s: fetching"), "{message}");
}

#[tokio::test]
async fn a_pack_that_is_cut_off_is_fetched_again() {
    let repo = Repo::new();
    let server = Server::http(&repo, &[]);
    let port = server.address.port().to_string();
    let source = sources(&[&server.address(&repo, "", "branch=main&path=prod")]);
    look(&source).await.unwrap();
    drop(server);
    repo.write("prod/b.yaml", &cluster("b"));
    let id = repo.commit("more");
    let server = Server::http(&repo, &["--way=cut-fetch", "--port", &port]);
    let read = look(&source).await.unwrap();
    assert_eq!(held(&read), ["a.yaml"]);
    let (reason, message) = trouble(&read).unwrap();
    assert!(
        ["Unreachable", "Corrupt"].contains(&reason),
        "{reason}: {message}"
    );
    // It was cut in the pack, and not before.
    let requests = server.requests();
    assert!(requests.len() > 2, "{requests:?}");
    drop(server);
    let server = Server::http(&repo, &["--port", &port]);
    let read = look(&source).await.unwrap();
    assert_eq!((commit_of(&read), trouble(&read)), (id.as_str(), None));
    drop(server);
}

#[tokio::test]
async fn a_server_that_talks_rubbish() {
    let (reason, message) = wrong("garbage", "60s").await;
    assert!(
        ["Unreachable", "Corrupt"].contains(&reason),
        "{reason}: {message}"
    );
}

#[tokio::test]
async fn a_server_that_never_ends_its_list_takes_a_worker_and_not_the_daemon() {
    let (reason, message) = wrong("endless", "60s").await;
    assert_eq!(reason, "TooLarge", "{message}");
    assert!(message.contains("list of refs is larger"), "{message}");
}

#[tokio::test]
async fn a_slow_server_is_waited_for() {
    let repo = Repo::new();
    let server = Server::http(&repo, &["--way=slow"]);
    let sources = sources(&[&server.address(&repo, "", "path=prod")]);
    assert_eq!(held(&look(&sources).await.unwrap()), ["a.yaml"]);
}

#[tokio::test]
async fn a_pack_that_is_too_large_is_not_taken() {
    let repo = Repo::new();
    // Does not compress.
    let mut seed = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        seed.to_be_bytes()[0]
    })
    .take(3 * 1024 * 1024)
    .collect();
    std::fs::write(repo.path().join("noise"), noise).unwrap();
    repo.commit("noise");
    let server = Server::http(&repo, &[]);
    let of = |options: &str| sources(&[&server.address(&repo, "", options)]);
    // Without a path the whole is fetched.
    let small = of("maxPackMiB=1");
    // As often as it is asked: what the end of one worker leaves is not in the way of the next.
    for _ in 0..2 {
        let error = look(&small).await.unwrap_err();
        let trouble = error.sources[0].trouble.clone().unwrap();
        assert_eq!(trouble.reason.label(), "TooLarge", "{error}");
    }
    look(&of("maxPackMiB=8")).await.unwrap();
}

#[tokio::test]
async fn a_file_that_grows_out_of_its_pack_is_not_unpacked() {
    let repo = Repo::new();
    // 256 MiB of zeros are 256 KiB in the pack.
    let bomb = std::fs::File::create(repo.path().join("prod/b.yaml")).unwrap();
    bomb.set_len(256 * 1024 * 1024).unwrap();
    repo.commit("bomb");
    let server = Server::http(&repo, &[]);
    for options in ["path=prod&maxPackMiB=1", "maxPackMiB=1"] {
        let source = sources(&[&server.address(&repo, "", options)]);
        let error = look(&source).await.unwrap_err();
        let reason = error.sources[0].trouble.clone().unwrap().reason.label();
        assert!(
            ["TooLarge", "Corrupt", "Unreachable"].contains(&reason),
            "{options}: {error}"
        );
    }
}

#[tokio::test]
async fn nothing_is_written_but_objects_that_nobody_else_may_look_at() {
    use std::os::unix::fs::PermissionsExt as _;
    let (repo, store) = (Repo::new(), tempfile::tempdir().unwrap());
    repo.git(&["tag", "-a", "v1", "-m", "tag"]);
    let server = Server::http(&repo, &[]);
    for options in ["branch=main&path=prod", "tag=v1", "branch=main"] {
        let source = lasting(&[&server.address(&repo, "", options)], Some(store.path()));
        look(&source).await.unwrap();
    }
    let mut folders = vec![store.path().to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                files.push(entry.path().display().to_string());
            }
        }
    }
    // No file of the repository, and no ref that the server named.
    assert!(files.iter().any(|path| path.contains(".pack")), "{files:?}");
    let odd = |path: &&String| path.contains(".yaml") || path.contains("/refs/");
    assert_eq!(files.iter().find(odd), None, "{files:?}");
    for entry in std::fs::read_dir(store.path()).unwrap() {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{mode:o}");
    }
}

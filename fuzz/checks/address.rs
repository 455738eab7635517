//! What must hold for every address of a source, whatever it is. Used by its fuzz target, and by the test that gives it the
//! committed corpus (`tests/it/fuzz.rs`).
//!
//! Invariant: beside what is asserted here, no input may panic, overflow, or take longer or more memory than
//! the fuzzer allows.

use evenkeel::source::{Address, Repository, Scheme};

/// A password that no input holds by chance.
const CANARY: &str = "c4n4ry-7f3d";

/// A source's address: the text as it is, and as what stands behind a password.
pub(crate) fn address(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if text.contains(CANARY) {
        return;
    }
    one_address(text);
    for prefix in ["git+https://ann:", "git+http://", "git+ssh://ann:", "ann:"] {
        let text = format!("{prefix}{CANARY}@{text}");
        let shown = match Address::parse(&text) {
            Ok(Address::Folder(_)) => continue,
            Ok(address) => format!("{address} {address:?}"),
            Err(error) => format!("{error} {error:?}"),
        };
        // As a user's name, which is no secret, it may be shown.
        let secret = prefix.ends_with("ann:");
        assert!(!secret || !shown.contains(CANARY), "{text:?}: {shown}");
    }
}

fn one_address(text: &str) {
    let address = match Address::parse(text) {
        Ok(address) => address,
        Err(error) => {
            let shown = error.to_string();
            assert!(!shown.chars().any(char::is_control), "{shown:?}");
            return;
        }
    };
    let Address::Git(git) = &address else {
        return;
    };
    argument(&git.repository);
    let path = &git.path;
    assert!(path.split('/').all(|part| part != ".."), "{path}");
    assert!(!path.starts_with('/'), "{path}");
    let shown = address.to_string();
    assert!(!shown.chars().any(char::is_control), "{shown:?}");
    assert!(git.interval.as_secs() >= 5 && git.timeout.as_secs() >= 1);
    assert_eq!(Address::parse(text).unwrap(), address);
}

/// What reaches another program or a server, or is opened.
fn argument(repository: &Repository) {
    let Repository {
        scheme,
        user,
        host,
        port: _,
        path,
    } = repository;
    for part in [user.as_deref().unwrap_or_default(), host, path] {
        assert!(!part.starts_with('-'), "{repository:?}");
        let odd = |one: char| one.is_control() || "'\"`$;|&<>\\".contains(one);
        assert!(!part.contains(odd), "{repository:?}");
    }
    assert!(path.split('/').all(|part| part != ".."), "{repository:?}");
    let loopback = || {
        let bare = host.trim_matches(['[', ']']);
        host == "localhost"
            || bare
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    };
    match scheme {
        Scheme::Http | Scheme::Daemon => assert!(loopback(), "{repository:?}"),
        Scheme::File => assert!(host.is_empty() && path.starts_with('/')),
        Scheme::Https | Scheme::Ssh => assert!(!host.is_empty()),
    }
}

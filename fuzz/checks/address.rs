//! What must hold for every address of a source, whatever it is. Used by its fuzz target, and by the test that gives it the
//! committed corpus (`tests/it/fuzz.rs`).
//!
//! Invariant: beside what is asserted here, no input may panic, overflow, or take longer or more memory than
//! the fuzzer allows.

use evenkeel::source::{Address, Repository, Scheme};

/// Two passwords of one shape. What is shown is the same for both, so it tells nothing of them; to look for one in what is shown
/// would not do, as an input may bring its parts along.
const PASSWORDS: [&str; 2] = ["c4n4ry-7f3d", "z9w8v7-6u5t"];

/// A source's address: the text as it is, and as what stands behind a password.
pub(crate) fn address(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    one_address(text);
    for prefix in ["git+https://ann:", "git+http://", "git+ssh://ann:", "ann:"] {
        // As a user's name, which is no secret, it may be shown.
        if !prefix.ends_with("ann:") {
            drop(Address::parse(&format!("{prefix}{}@{text}", PASSWORDS[0])));
            continue;
        }
        let [one, other] = PASSWORDS.map(|password| shown(&format!("{prefix}{password}@{text}")));
        assert_eq!(one, other, "{prefix} {text:?}");
    }
}

/// What a person may see of an address, or of what is wrong with it. Nothing of a folder, which has no password.
fn shown(text: &str) -> String {
    match Address::parse(text) {
        Ok(Address::Folder(_)) => String::new(),
        Ok(address) => format!("{address} {address:?}"),
        Err(error) => format!("{error} {error:?}"),
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

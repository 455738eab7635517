//! Addresses: what is taken, what is refused, and that no password is ever shown.

use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn git(text: &str) -> GitAddress {
    match Address::parse(text) {
        Ok(Address::Git(address)) => *address,
        other => panic!("{text}: {other:?}"),
    }
}

fn refused(text: &str) -> String {
    Address::parse(text).unwrap_err().to_string()
}

#[test]
fn what_has_no_scheme_is_a_folder() {
    for text in [
        "manifests",
        "/srv/a:b",
        "./user@host:x",
        "a@b",
        "",
        "-x",
        "C:x",
        "a b",
    ] {
        assert_eq!(
            Address::parse(text),
            Ok(Address::Folder(PathBuf::from(text))),
            "{text}"
        );
    }
}

#[test]
fn the_places() {
    let https = git("git+https://Git.Example.com:8443/org/repo.git/");
    assert_eq!(https.repository.host, "git.example.com");
    assert_eq!(https.repository.port, Some(8443));
    assert_eq!(https.repository.path, "/org/repo.git");
    assert_eq!(https.pick, Pick::Head);
    assert_eq!((https.depth, https.interval), (1, Duration::from_mins(1)));
    for (text, shown) in [
        ("git+https://h/o/r", "git+https://h/o/r"),
        ("git+ssh://git@h:22/o/r", "git+ssh://git@h:22/o/r"),
        ("git@h:o/r.git?tag=v1", "git+ssh://git@h/~/o/r.git?tag=v1"),
        ("git@h:/o/r", "git+ssh://git@h/o/r"),
        ("git+file:///srv/r", "git+file:///srv/r"),
        ("git+http://127.0.0.1:80/r", "git+http://127.0.0.1:80/r"),
        ("git+http://[::1]:80/r", "git+http://[::1]:80/r"),
        ("git+git://localhost/r", "git+git://localhost/r"),
        (
            "git+https://h/r?branch=a/b&path=/x//y/",
            "git+https://h/r?branch=a/b&path=x/y",
        ),
        (
            "https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/r?ref=main",
            "git+https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/r?ref=main",
        ),
    ] {
        assert_eq!(git(text).to_string(), shown);
    }
}

#[test]
fn the_options() {
    let id = "0123456789abcdef0123456789abcdef01234567";
    for (option, pick) in [
        ("ref=main", Pick::Either("main".to_owned())),
        ("ref=HEAD", Pick::Head),
        (
            "ref=refs/pull/1/head",
            Pick::Ref("refs/pull/1/head".to_owned()),
        ),
        (&format!("ref={id}"), Pick::Commit(id.to_owned())),
        (
            &format!("commit={}", id.to_ascii_uppercase()),
            Pick::Commit(id.to_owned()),
        ),
        ("branch=release/1", Pick::Branch("release/1".to_owned())),
        ("tag=v1.0", Pick::Tag("v1.0".to_owned())),
        (
            "semver=%3E%3D1.4,%20%3C2",
            Pick::Semver(">=1.4, <2".parse().unwrap()),
        ),
    ] {
        assert_eq!(git(&format!("git+https://h/r?{option}")).pick, pick);
    }
    let all = git(
        "git+https://h/r?path=a&depth=0&include=**/*.yaml&include=b&exclude=c&interval=5m&timeout=90s\
         &allowHistoryRewrite=true&submodules=false&username=u&passwordEnv=TOKEN",
    );
    assert_eq!((all.path.as_str(), all.depth), ("a", 0));
    assert_eq!((all.include.len(), all.exclude.len()), (2, 1));
    assert_eq!(all.interval, Duration::from_mins(5));
    assert_eq!(all.timeout, Duration::from_secs(90));
    assert!(all.allow_history_rewrite);
    assert_eq!(all.credential.user.as_deref(), Some("u"));
    assert_eq!(all.credential.password_env.as_deref(), Some("TOKEN"));
    let ssh = git("git@h:r?sshKey=/k&knownHosts=/h").credential;
    assert_eq!(ssh.ssh_key, Some(PathBuf::from("/k")));
    assert_eq!(ssh.known_hosts, Some(PathBuf::from("/h")));
    let helper = git("git+https://h/r?credentialHelper=aws%20codecommit%20credential-helper");
    assert_eq!(helper.credential.helper.unwrap().len(), 3);
}

#[test]
fn what_is_refused_and_why() {
    for (text, why) in [
        ("https://github.com/o/r", "`git+https://`"),
        ("git+http://example.com/r", "this machine alone"),
        ("git+git://10.0.0.1/r", "this machine alone"),
        ("git+http://127.0.0.1.example.com/r", "this machine alone"),
        ("ext::sh://x", "no such kind of source"),
        ("s3://bucket/x", "no such kind of source"),
        ("git+file://host/r", "three slashes"),
        ("git+https://h", "names no repository"),
        ("git+https:///r", "names no host"),
        ("git+ssh://-oProxyCommand=x/r", "names no host"),
        ("git+ssh://-oX@h/r", "no user's name"),
        ("-oX@h:r", "no user's name"),
        ("git@h:-r", "begin with `-`"),
        ("git+ssh://h/--upload-pack=x", "begins with `-`"),
        ("git+ssh://h/r'%0a", "control character"),
        ("git+https://h/a/../b", "`..`"),
        ("git+https://h/r#main", "`#`"),
        ("git+https://h:0/r", "its port"),
        ("git+ssh://u:p@h/r", "takes no password"),
        ("git+https://h/r?brunch=x", "did you mean `branch`?"),
        ("git+https://h/r?branch=a&tag=b", "cannot stand together"),
        ("git+https://h/r?branch=a&branch=b", "twice"),
        ("git+https://h/r?branch=a..b", "no name of a branch"),
        ("git+https://h/r?branch=-a", "no name of a branch"),
        ("git+https://h/r?commit=abc", "whole commit id"),
        ("git+https://h/r?semver=one", "no range"),
        ("git+https://h/r?path=../x", "out of the repository"),
        ("git+https://h/r?path=a/.GIT/x", "out of the repository"),
        ("git+https://h/r?path=", "is empty"),
        ("git+https://h/r?interval=1s", "from 5s to 24h"),
        ("git+https://h/r?interval=-1m", "from 5s to 24h"),
        ("git+https://h/r?submodules=yes", "`true` or `false`"),
        ("git+https://h/r?sshKey=/k", "for SSH alone"),
        ("git@h:r?passwordEnv=X", "for HTTP alone"),
        ("git@h:r?passwordSsm=/x", "for HTTP alone"),
        (
            "git+https://h/r?passwordSsm=/x&passwordSecret=x",
            "more than one place",
        ),
        ("git@h:r?sshKey=/a%20b", "without spaces"),
        ("git+https://u:p@h/r?username=v", "two users"),
        ("git+https://u:p@h/r?passwordEnv=X", "more than one place"),
    ] {
        let error = refused(text);
        assert!(error.contains(why), "{text}: {error}");
    }
}

#[test]
fn a_password_is_taken_and_not_shown() {
    let address = git("git+https://us%40er:c%61nary%2F@h/r?branch=main");
    let password = address.credential.password.clone().unwrap();
    assert_eq!(password.reveal(), "canary/");
    assert_eq!(address.credential.user.as_deref(), Some("us@er"));
    let shown = format!(
        "{address} {address:?} {:?}",
        Address::Git(Box::new(address.clone()))
    );
    assert!(!shown.contains("canary"), "{shown}");
    for wrong in [
        "https://user:canary@h/r",
        "git+https://user:canary@h",
        "git+https://user:canary@/r",
        "git+https://user:canary@h:x/r",
        "git+https://user:canary@h/r?brunch=x",
        "git+https://user:12/canary@h/r",
        "git+https://user:12?canary@h/r",
        "git+https://user:12?canary=x@h/r",
        "git+https://user:can%00canary@h/r",
        "git+https://user:a@canary@h/r?x=y",
        "git+ssh://user:canary@h/r",
        "user:canary@git+https://h/r",
        "s3://user:canary@h/r",
        "git+http://user:canary@example.com/r",
    ] {
        let error = Address::parse(wrong).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("canary"), "{shown}");
    }
}

proptest! {
    /// Any text is either an address or an error; what becomes an argument is never an option.
    #[test]
    fn nothing_panics_and_no_argument_is_an_option(text in "(git\\+(https|ssh|file|http|git)://|)[ -~]{0,40}(\\?[ -~]{0,40})?") {
        if let Ok(Address::Git(address)) = Address::parse(&text) {
            let repository = &address.repository;
            let parts = [Some(&repository.host), repository.user.as_ref(), Some(&repository.path)];
            for part in parts.into_iter().flatten() {
                prop_assert!(!part.starts_with('-'));
                prop_assert!(!part.contains(['\'', '"', '\n', '\0']));
            }
            prop_assert!(!address.path.split('/').any(|part| part == ".."));
        }
    }

    /// What an address is shown as is an address of the same place.
    #[test]
    fn what_is_shown_is_read_again(
        host in "[a-z][a-z0-9.]{0,9}[a-z]",
        port in proptest::option::of(1_u16..),
        path in "(/[a-z][a-z0-9._-]{0,8}){1,4}",
        branch in "[a-z]{1,9}",
        folder in "[a-z]{1,5}(/[a-z]{1,5}){0,3}",
    ) {
        prop_assume!(!path.contains(".."));
        let port = port.map_or(String::new(), |port| format!(":{port}"));
        let text = format!("git+https://{host}{port}{path}?branch={branch}&path={folder}");
        let address = Address::parse(&text).unwrap();
        prop_assert_eq!(address.to_string(), text);
    }

    /// No password is shown, wherever the rest of the address goes wrong.
    #[test]
    fn no_password_is_shown(
        password in "[A-Z0-9/?#:@%&=]{0,6}CANARY[A-Z0-9/?#:@%&=]{0,6}",
        rest in "(/[a-z]{1,6}){0,2}(\\?[a-z]{1,8}=[a-z]{0,4})?",
    ) {
        let text = format!("git+https://user:{password}@git.example.com{rest}");
        let shown = match Address::parse(&text) {
            Ok(address) => format!("{address} {address:?}"),
            Err(error) => format!("{error} {error:?}"),
        };
        prop_assert!(!shown.contains("CANARY"), "{}", shown);
    }
}

#[test]
fn a_keyring_is_named_and_tells_one_source_from_another() {
    let signed = git("git+https://x/r?path=a&signedBy=/etc/keys");
    assert_eq!(signed.signed_by, Some(PathBuf::from("/etc/keys")));
    assert_eq!(
        signed.to_string(),
        "git+https://x/r?path=a&signedBy=/etc/keys"
    );
    assert_eq!(git("git+https://x/r").signed_by, None);
}

#[test]
fn an_error_shows_no_control_character() {
    for text in [
        "git+\u{7}https://h",
        "git+https://h\u{1b}[2J",
        "\u{1b}[2J://x",
        "ssm:/a\u{7}b",
    ] {
        let error = Address::parse(text).unwrap_err().to_string();
        assert!(!error.contains(char::is_control), "{error:?}");
    }
}

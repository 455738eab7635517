//! The address of a submodule, as `.gitmodules` of a repository writes it. What stands there is a stranger's
//! text; this says which repository may be read for it. Pure.
//!
//! Invariants:
//! - Nothing is reached for a submodule that is nearer to this machine than its repository: a file only
//!   beside a file, plain text only from plain text.
//! - A submodule never says how it is asked for: it names no user but the one its repository is asked
//!   for by, no password, and no option.

use super::{Repository, Scheme, scp_like, url};

/// Longer addresses are refused.
const LONGEST: usize = 1024;

/// The repository of a submodule.
///
/// # Errors
/// If the address is none of a repository that may be read, in a sentence that goes on after it.
pub(in crate::source) fn submodule(parent: &Repository, text: &str) -> Result<Repository, String> {
    if text.is_empty() || text.len() > LONGEST || text.contains(char::is_control) {
        return Err("is empty, too long, or holds a control character".to_owned());
    }
    if text.starts_with('-') || text.contains("::") {
        return Err("is an option or a helper of git's".to_owned());
    }
    if text.contains(['?', '#']) {
        return Err("holds `?` or `#`".to_owned());
    }
    if text.starts_with("./") || text.starts_with("../") {
        return relative(parent, text);
    }
    let child = match text.split_once("://") {
        Some((scheme, rest)) => {
            let scheme = match scheme {
                "https" => Scheme::Https,
                "http" => Scheme::Http,
                "ssh" | "git+ssh" => Scheme::Ssh,
                "git" => Scheme::Daemon,
                "file" => return Err(file()),
                _ => return Err("is of a kind that is not read".to_owned()),
            };
            let (child, typed) = url(scheme, rest).map_err(|why| format!("is wrong: {why}"))?;
            if typed.is_some() {
                return Err("names a user or password".to_owned());
            }
            child
        }
        None if text
            .split('/')
            .next()
            .is_some_and(|start| start.contains('@')) =>
        {
            scp_like(text).map_err(|why| format!("is wrong: {why}"))?.0
        }
        None => return Err(file()),
    };
    let plain = |scheme| matches!(scheme, Scheme::Http | Scheme::Daemon);
    match child.scheme {
        Scheme::Https => {}
        Scheme::Http | Scheme::Daemon if plain(parent.scheme) => {}
        Scheme::Ssh if same_server(parent, &child) => {}
        Scheme::Ssh => {
            return Err(
                "is at an SSH server that its repository is not at by the same user, so there is no key for it; \
                 write it relative to the repository (../NAME), or as https://"
                    .to_owned(),
            );
        }
        _ => return Err("is reached less safely than its repository".to_owned()),
    }
    Ok(child)
}

/// Whether a credential for one is for the other too.
pub(in crate::source) fn same_server(one: &Repository, other: &Repository) -> bool {
    let of = |one: &Repository| (one.scheme, one.user.clone(), one.host.clone(), one.port);
    of(one) == of(other)
}

fn file() -> String {
    "is a path on a disk; only one relative to the repository (../NAME) is taken".to_owned()
}

/// As git takes it: relative to the repository's own address, as if that were a folder.
fn relative(parent: &Repository, text: &str) -> Result<Repository, String> {
    let rooted = parent.path.starts_with('/');
    let mut parts: Vec<&str> = parent
        .path
        .split('/')
        .filter(|part| !part.is_empty())
        .collect();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if parts.pop().is_none() {
                    return Err("leads out of the server".to_owned());
                }
            }
            name => parts.push(name),
        }
    }
    let path = format!("/{}", parts.join("/"));
    let path = super::check_path(&path).map_err(|why| format!("is wrong: {why}"))?;
    let path = if rooted { path } else { path[1..].to_owned() };
    Ok(Repository {
        path,
        ..parent.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Address;

    fn of(parent: &str, text: &str) -> Result<String, String> {
        let Address::Git(parent) = Address::parse(parent).unwrap() else {
            panic!("{parent}");
        };
        submodule(&parent.repository, text).map(|child| child.to_string())
    }

    #[test]
    fn a_relative_address_is_beside_its_repository() {
        for (parent, text, expected) in [
            (
                "git+https://h:8443/o/r.git",
                "../lib.git",
                "git+https://h:8443/o/lib.git",
            ),
            ("git+https://h/o/r", "../../p/lib", "git+https://h/p/lib"),
            ("git+https://h/o/r", "./lib", "git+https://h/o/r/lib"),
            ("git@h:o/r", "../lib", "git+ssh://git@h/~/o/lib"),
            ("git+file:///srv/r", "../lib", "git+file:///srv/lib"),
        ] {
            assert_eq!(of(parent, text).as_deref(), Ok(expected), "{text}");
        }
        for text in ["../../../x", "../..", "../-x", "../x'y", "../a\\b"] {
            assert!(of("git+https://h/o/r", text).is_err(), "{text}");
        }
    }

    #[test]
    fn another_server_is_asked_over_https_alone() {
        let https = "git+https://h/o/r";
        assert_eq!(
            of(https, "https://other/x").as_deref(),
            Ok("git+https://other/x")
        );
        assert_eq!(
            of("git@h:o/r", "git@h:o/x").as_deref(),
            Ok("git+ssh://git@h/~/o/x")
        );
        assert_eq!(
            of("git@h:o/r", "https://other/x").as_deref(),
            Ok("git+https://other/x")
        );
        let plain = "git+http://127.0.0.1:80/r";
        assert!(of(plain, "http://127.0.0.1:81/x").is_ok());
        for (parent, text, why) in [
            (https, "http://127.0.0.1/x", "less safely"),
            (https, "git://localhost/x", "less safely"),
            (plain, "http://example.com/x", "this machine alone"),
            (https, "git@h:o/x", "no key for it"),
            ("git@h:o/r", "root@h:o/x", "no key for it"),
            ("git@h:o/r", "ssh://git@other/o/x", "no key for it"),
            ("git@h:o/r", "ssh://git@h:2222/o/x", "no key for it"),
        ] {
            let error = of(parent, text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn what_a_stranger_may_write_is_refused() {
        for text in [
            "",
            "-uorigin",
            "--upload-pack=touch /tmp/x",
            "ext::sh -c touch",
            "fd::3",
            "file:///etc",
            "/srv/other",
            "C:\\x",
            "lib",
            "https://h/r?passwordFile=/etc/passwd",
            "https://h/r#x",
            "https://ann:secret@h/r",
            "https://ann@h/r",
            "https://-oProxyCommand=x/r",
            "ssh://-oProxyCommand=x/r",
            "-oProxyCommand=x@h:r",
            "https://h/r\r",
            "https://h/a\nb",
            "https://h/%0ax",
            "https://h/a/../../b",
            "https://h/--upload-pack=x",
            "ssh://git@h/r;x",
            "git+file:///srv/r",
            "gopher://h/r",
        ] {
            for parent in [
                "git+https://h/o/r",
                "git+ssh://git@h/r",
                "git+file:///srv/r",
            ] {
                assert!(of(parent, text).is_err(), "{parent} {text:?}");
            }
        }
        let long = format!("https://h/{}", "x".repeat(LONGEST));
        assert!(of("git+https://h/r", &long).is_err());
    }
}

//! The addresses of sources, as they are typed: a folder, a place in a Git repository, or a path of the
//! Parameter Store (`crate::source::ssm`). Pure: nothing is looked at, no name is resolved.
//!
//! ```text
//! manifests                                        a folder
//! git+https://git.example.com/org/repo?branch=main&path=clusters/prod
//! git+ssh://git@git.example.com:2222/org/repo      git@git.example.com:org/repo is the same at port 22
//! git+file:///srv/git/repo.git                     a repository on this machine, bare or not
//! https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/repo     as CodeCommit shows it
//! git+http://127.0.0.1:8080/repo                   plain text for this machine alone; git+git:// too
//! ssm:/evenkeel/prod/?label=live                   the parameters below a path
//! ```
//!
//! Invariants:
//! - A user and password in an address are taken out of it at once: neither `Display` nor `Debug` nor an
//!   error shows them.
//! - Whatever becomes an argument of another program does not begin with `-` and holds no control
//!   character, quote or space.
//! - A parsed address says all that the options mean; nothing of the text is looked at again.

mod options;
mod submodule;

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use self::options::Options;
use super::{Secret, SsmAddress};
pub(super) use options::duration;
pub use options::{Credential, Pick, Vault};
pub(super) use submodule::{same_server, submodule};

/// Where a source is.
#[derive(Clone, Debug, PartialEq)]
pub enum Address {
    /// A folder, or one file.
    Folder(PathBuf),
    /// A place in a Git repository.
    Git(Box<GitAddress>),
    /// A path of the Parameter Store.
    Ssm(SsmAddress),
}

/// How a repository is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Scheme {
    /// HTTP over TLS.
    Https,
    /// Plain HTTP, for loopback.
    Http,
    /// The system's ssh client.
    Ssh,
    /// Git's own protocol, for loopback.
    Daemon,
    /// The repository's folder is opened.
    File,
}

/// A repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Repository {
    /// How it is reached.
    pub scheme: Scheme,
    /// The user at an SSH server.
    pub user: Option<String>,
    /// The host as typed, an IPv6 address in brackets; empty for a file.
    pub host: String,
    /// The port, if it is not the scheme's.
    pub port: Option<u16>,
    /// The path on the host. Begins with `/`, but for what an scp-like address leaves relative.
    pub path: String,
}

/// A place in a Git repository, and how to read it.
#[derive(Clone, Debug, PartialEq)]
pub struct GitAddress {
    /// The repository.
    pub repository: Repository,
    /// Which revision.
    pub pick: Pick,
    /// The folder, or file, in it; empty for all of it. Relative, with `/`, no `.` and no `..`.
    pub path: String,
    /// How many commits the first fetch brings; 0 for all of them.
    pub depth: u32,
    /// Patterns of paths below `path`, of which a file must match one; none: every file.
    pub include: Vec<String>,
    /// Patterns of paths below `path`, of which a file must match none.
    pub exclude: Vec<String>,
    /// How often to ask, before jitter.
    pub interval: std::time::Duration,
    /// How long one read may take.
    pub timeout: std::time::Duration,
    /// How many bytes one fetch may bring.
    pub max_pack: u64,
    /// Whether submodules below the path are read.
    pub submodules: bool,
    /// Whether a head that does not descend from the last commit in force is taken.
    pub allow_history_rewrite: bool,
    /// The file with the keys of which one must have signed what comes into force; `None`: nobody need
    /// sign.
    pub signed_by: Option<PathBuf>,
    /// What proves who asks.
    pub credential: Credential,
}

/// Why an address is none. The text never holds a user or a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the source `{address}` is wrong: {why}")]
pub struct AddressError {
    address: String,
    why: String,
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// If it is of Git or SSM and wrong; every text without a scheme is a folder's name.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        // Some reasons quote a part of the text.
        let error = |why: String| AddressError {
            address: masked(text),
            why: why.chars().filter(|one| !one.is_control()).collect(),
        };
        if let Some(parsed) = SsmAddress::parse(text) {
            return parsed.map(Self::Ssm).map_err(error);
        }
        let Some((scheme, rest)) = split_scheme(text).map_err(error)? else {
            return Ok(Self::Folder(PathBuf::from(text)));
        };
        let (place, query) = match rest.split_once('?') {
            Some((place, query)) => (place, query),
            None => (rest, ""),
        };
        let (repository, typed) = match scheme {
            Some(scheme) => url(scheme, place),
            None => scp_like(place),
        }
        .map_err(error)?;
        let Options {
            pick,
            path,
            depth,
            include,
            exclude,
            interval,
            timeout,
            max_pack,
            submodules,
            allow_history_rewrite,
            signed_by,
            credential,
        } = Options::read(query, repository.scheme, typed).map_err(error)?;
        Ok(Self::Git(Box::new(GitAddress {
            repository,
            pick,
            path,
            depth,
            include,
            exclude,
            interval,
            timeout,
            max_pack,
            submodules,
            allow_history_rewrite,
            signed_by,
            credential,
        })))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => path.display().fmt(formatter),
            Self::Git(address) => address.fmt(formatter),
            Self::Ssm(address) => address.fmt(formatter),
        }
    }
}

impl Repository {
    /// Where it is for an HTTP client.
    pub(super) fn http_url(&self) -> String {
        let scheme = if self.scheme == Scheme::Https {
            "https"
        } else {
            "http"
        };
        let port = self.port.map_or(String::new(), |port| format!(":{port}"));
        format!("{scheme}://{}{port}{}", self.host, self.path)
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Https => "git+https",
            Scheme::Http => "git+http",
            Scheme::Ssh => "git+ssh",
            Scheme::Daemon => "git+git",
            Scheme::File => "git+file",
        };
        write!(formatter, "{scheme}://")?;
        if let Some(user) = &self.user {
            write!(formatter, "{user}@")?;
        }
        formatter.write_str(&self.host)?;
        if let Some(port) = self.port {
            write!(formatter, ":{port}")?;
        }
        if !self.path.starts_with('/') {
            formatter.write_str("/~/")?;
        }
        formatter.write_str(&self.path)
    }
}

/// The repository with what of it is read: what tells one source from another.
impl fmt::Display for GitAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.repository.fmt(formatter)?;
        let pick = match &self.pick {
            Pick::Head => None,
            Pick::Ref(name) | Pick::Either(name) => Some(format!("ref={name}")),
            Pick::Branch(name) => Some(format!("branch={name}")),
            Pick::Tag(name) => Some(format!("tag={name}")),
            Pick::Semver(range) => Some(format!("semver={range}")),
            Pick::Commit(id) => Some(format!("commit={id}")),
        };
        let path = (!self.path.is_empty()).then(|| format!("path={}", self.path));
        // What came into force without a signature is not what may come into force with one.
        let signed = self.signed_by.as_ref();
        let signed = signed.map(|file| format!("signedBy={}", file.display()));
        let submodules = self.submodules.then(|| "submodules=true".to_owned());
        let options = pick.into_iter().chain(path).chain(submodules).chain(signed);
        for (index, option) in options.enumerate() {
            write!(formatter, "{}{option}", if index == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

/// The address without its user and password, for an error about it.
fn masked(text: &str) -> String {
    let (start, rest) = match text.split_once("://") {
        // Before it a person may have written what belongs behind it.
        Some((scheme, rest)) if scheme.contains([':', '@']) => ("***://".to_owned(), rest),
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), text),
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    // A password may hold what ends an authority: whatever stands before the last `@` is hidden.
    let path_at = rest[end..].find('@').is_some() && rest[..end].contains(':');
    let at = if path_at || rest[..end].contains('@') {
        rest.rfind('@')
    } else {
        None
    };
    let shown = at.map_or(rest.to_owned(), |at| format!("***{}", &rest[at..]));
    // Options may hold anything that somebody took for one; their names are told where they matter.
    let shown = shown.split(['?', '#']).next().unwrap_or_default();
    let shown = format!("{start}{shown}");
    shown.chars().filter(|one| !one.is_control()).collect()
}

/// What an address begins with: nothing (a folder), a scheme, or nothing but an scp-like place.
type Split<'a> = Option<(Option<Scheme>, &'a str)>;

fn split_scheme(text: &str) -> Result<Split<'_>, String> {
    if let Some((scheme, rest)) = text.split_once("://") {
        let known = match scheme {
            "git+https" => Scheme::Https,
            "git+http" => Scheme::Http,
            "git+ssh" | "ssh" => Scheme::Ssh,
            "git+git" => Scheme::Daemon,
            "git+file" => Scheme::File,
            "https" if rest.rsplit('@').next().is_some_and(is_codecommit) => Scheme::Https,
            "https" | "http" | "git" | "file" => {
                return Err(format!(
                    "a Git repository is written with `git+{scheme}://`"
                ));
            }
            // A folder may be named so, but nobody would.
            _ => {
                return Err(
                    "there is no such kind of source; write a folder, git+https://, git+ssh://, git+file:// or ssm:/"
                        .to_owned(),
                );
            }
        };
        return Ok(Some((Some(known), rest)));
    }
    let scp = text
        .split_once(':')
        .is_some_and(|(host, path)| host.contains('@') && !host.contains('/') && !path.is_empty());
    Ok(scp.then_some((None, text)))
}

/// Whether what stands after the scheme is a repository of `CodeCommit`.
fn is_codecommit(rest: &str) -> bool {
    let host = rest.split(['/', '?', ':']).next().unwrap_or_default();
    (host.starts_with("git-codecommit.") || host.starts_with("git-codecommit-fips."))
        && (host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn"))
}

/// The user and password that stood in an address.
type Typed = Option<(String, Option<Secret>)>;

fn url(scheme: Scheme, place: &str) -> Result<(Repository, Typed), String> {
    if place.contains('#') {
        return Err("`#` has no meaning in it; revision and path are options after `?`".to_owned());
    }
    let (authority, path) = place.split_at(place.find('/').unwrap_or(place.len()));
    if authority.contains(':') && !authority.contains('@') && path.contains('@') {
        return Err("a `/` in a password is written %2F".to_owned());
    }
    let (userinfo, host) = match authority.rsplit_once('@') {
        Some((userinfo, host)) => (Some(userinfo), host),
        None => (None, authority),
    };
    let path = check_path(&decoded(path)?)?;
    if scheme == Scheme::File {
        if !authority.is_empty() {
            return Err(
                "a file has no host; write git+file:///PATH, with three slashes".to_owned(),
            );
        }
        return Ok((repository(scheme, None, "", None, path), None));
    }
    let (host, port) = split_port(host)?;
    check_host(host)?;
    if matches!(scheme, Scheme::Http | Scheme::Daemon) && !is_loopback(host) {
        return Err(format!(
            "plain text is for this machine alone (127.0.0.1, [::1], localhost), and `{host}` is another; \
             use git+https:// or git+ssh://"
        ));
    }
    let typed = userinfo.map(user_and_password).transpose()?;
    if scheme == Scheme::Ssh {
        let user = match typed {
            Some((_, Some(_))) => {
                return Err("ssh takes no password; use a key: sshKey=FILE".to_owned());
            }
            Some((user, None)) => Some(check_user(user)?),
            None => None,
        };
        return Ok((repository(scheme, user, host, port, path), None));
    }
    if scheme == Scheme::Daemon && typed.is_some() {
        return Err("git+git:// knows no user".to_owned());
    }
    Ok((repository(scheme, None, host, port, path), typed))
}

/// `USER@HOST:PATH`.
fn scp_like(place: &str) -> Result<(Repository, Typed), String> {
    let (authority, path) = place.split_once(':').unwrap_or((place, ""));
    let (user, host) = authority.split_once('@').unwrap_or(("", authority));
    check_host(host)?;
    let user = check_user(user.to_owned())?;
    if path.starts_with('-') {
        return Err("a path may not begin with `-`".to_owned());
    }
    let path = if path.starts_with('/') {
        check_path(path)?
    } else {
        // Relative to the user's home, as scp and git take it.
        check_path(&format!("/{path}"))?[1..].to_owned()
    };
    Ok((repository(Scheme::Ssh, Some(user), host, None, path), None))
}

fn repository(
    scheme: Scheme,
    user: Option<String>,
    host: &str,
    port: Option<u16>,
    path: String,
) -> Repository {
    Repository {
        scheme,
        user,
        host: host.to_ascii_lowercase(),
        port,
        path,
    }
}

/// Undoes percent-encoding.
fn decoded(text: &str) -> Result<String, String> {
    percent_encoding::percent_decode_str(text)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| "what follows a `%` is not UTF-8".to_owned())
}

fn user_and_password(userinfo: &str) -> Result<(String, Option<Secret>), String> {
    let (user, password) = match userinfo.split_once(':') {
        Some((user, password)) => (user, Some(decoded(password)?)),
        None => (userinfo, None),
    };
    let user = decoded(user)?;
    let rubbish = |text: &str| text.chars().any(char::is_control);
    if rubbish(&user) || password.as_deref().is_some_and(rubbish) {
        return Err("its user or password holds a control character".to_owned());
    }
    Ok((user, password.map(Secret::new)))
}

fn check_user(user: String) -> Result<String, String> {
    let fits = |one: char| one.is_ascii_alphanumeric() || "._-+".contains(one);
    if user.is_empty() || user.starts_with('-') || !user.chars().all(fits) {
        return Err("its user is no user's name".to_owned());
    }
    Ok(user)
}

fn split_port(host: &str) -> Result<(&str, Option<u16>), String> {
    let after_bracket = host.rfind(']').map_or(0, |at| at + 1);
    match host[after_bracket..].find(':') {
        Some(colon) => {
            let (name, port) = host.split_at(after_bracket + colon);
            match port[1..].parse() {
                Ok(port @ 1..) => Ok((name, Some(port))),
                _ => Err("its port is no number from 1 to 65535".to_owned()),
            }
        }
        None => Ok((host, None)),
    }
}

fn check_host(host: &str) -> Result<(), String> {
    let name = |text: &str| {
        let fits = |one: char| one.is_ascii_alphanumeric() || "._-".contains(one);
        !text.is_empty() && !text.starts_with(['-', '.']) && text.chars().all(fits)
    };
    let bracketed = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let fits = match bracketed {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => name(host),
    };
    if fits {
        Ok(())
    } else {
        Err("it names no host".to_owned())
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// A repository's path on its host.
fn check_path(path: &str) -> Result<String, String> {
    let trimmed = path.trim_end_matches('/');
    let bad = |one: char| one.is_control() || "'\"\\`$;|&<>".contains(one);
    if trimmed.len() <= 1 {
        return Err("it names no repository".to_owned());
    }
    if trimmed.contains(bad) || trimmed.split('/').any(|part| part.starts_with('-')) {
        return Err(
            "its path holds a control character, a quote, or a part that begins with `-`"
                .to_owned(),
        );
    }
    if trimmed.split('/').any(|part| part == "..") {
        return Err("its path holds `..`".to_owned());
    }
    Ok(trimmed.to_owned())
}

#[cfg(test)]
mod tests;

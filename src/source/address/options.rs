//! What stands after the `?` of an address. Not the place before it.

use std::path::PathBuf;
use std::time::Duration;

use super::{Scheme, Secret, decoded};

/// Which revision of a repository.
#[derive(Clone, Debug, PartialEq)]
pub enum Pick {
    /// What the repository's HEAD names.
    Head,
    /// A ref by its full name.
    Ref(String),
    /// The branch, or else the tag, of this name.
    Either(String),
    /// A branch.
    Branch(String),
    /// A tag.
    Tag(String),
    /// The tag with the greatest version in this range; a `v` before the version is left out.
    Semver(semver::VersionReq),
    /// A commit by its whole id, in lower case.
    Commit(String),
}

/// A password that stands in AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Vault {
    /// A parameter of SSM, by name or ARN.
    Parameter(String),
    /// A secret of Secrets Manager.
    Secret {
        /// Its name or ARN.
        id: String,
        /// The member of its JSON that is the password; without it the whole text is.
        key: Option<String>,
    },
}

/// What proves who asks. It is used for the scheme, host and port of its own address alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Credential {
    /// The user's name.
    pub user: Option<String>,
    /// The password that stood in the address.
    pub password: Option<Secret>,
    /// The environment variable that holds the password.
    pub password_env: Option<String>,
    /// The file that holds the password.
    pub password_file: Option<PathBuf>,
    /// Where in AWS the password is.
    pub vault: Option<Vault>,
    /// A program with arguments that speaks Git's credential protocol.
    pub helper: Option<Vec<String>>,
    /// The private key for SSH.
    pub ssh_key: Option<PathBuf>,
    /// The file with the SSH server's key.
    pub known_hosts: Option<PathBuf>,
}

/// The options of an address.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) pick: Pick,
    pub(super) path: String,
    pub(super) depth: u32,
    pub(super) include: Vec<String>,
    pub(super) exclude: Vec<String>,
    pub(super) interval: Duration,
    pub(super) timeout: Duration,
    pub(super) max_pack: u64,
    pub(super) submodules: bool,
    pub(super) allow_history_rewrite: bool,
    pub(super) signed_by: Option<PathBuf>,
    pub(super) credential: Credential,
}

const MIB: u64 = 1024 * 1024;

/// Every option's name, for the one who mistypes it.
const NAMES: [&str; 23] = [
    "ref",
    "branch",
    "tag",
    "semver",
    "commit",
    "path",
    "depth",
    "include",
    "exclude",
    "interval",
    "timeout",
    "maxPackMiB",
    "allowHistoryRewrite",
    "signedBy",
    "username",
    "passwordEnv",
    "passwordFile",
    "passwordSsm",
    "passwordSecret",
    "credentialHelper",
    "sshKey",
    "knownHosts",
    "submodules",
];

impl Options {
    /// Reads `NAME=VALUE&...`. `typed` are the user and password that stood in the address.
    pub(super) fn read(
        query: &str,
        scheme: Scheme,
        typed: Option<(String, Option<Secret>)>,
    ) -> Result<Self, String> {
        let (user, password) = typed.unzip();
        let mut options = Self {
            pick: Pick::Head,
            path: String::new(),
            depth: 1,
            include: Vec::new(),
            exclude: Vec::new(),
            interval: Duration::from_mins(1),
            timeout: Duration::from_mins(1),
            max_pack: 256 * MIB,
            submodules: false,
            allow_history_rewrite: false,
            signed_by: None,
            credential: Credential {
                user: user.filter(|user| !user.is_empty()),
                password: password.flatten(),
                ..Credential::default()
            },
        };
        let mut seen: Vec<&str> = Vec::new();
        for option in query.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            let value = decoded(value)?;
            let Some(name) = NAMES.into_iter().find(|known| *known == name) else {
                return Err(unknown(name, query.contains('@')));
            };
            if value.is_empty() || value.chars().any(char::is_control) {
                return Err(format!("`{name}` is empty or holds a control character"));
            }
            let many = ["include", "exclude"].contains(&name);
            if !many && seen.contains(&name) {
                return Err(format!("`{name}` stands in it twice"));
            }
            seen.push(name);
            options.take(name, value)?;
        }
        options.check(&seen, scheme)?;
        Ok(options)
    }

    fn take(&mut self, name: &str, value: String) -> Result<(), String> {
        let credential = &mut self.credential;
        match name {
            "ref" => self.pick = reference(value)?,
            "branch" => self.pick = Pick::Branch(ref_name("refs/heads/", value)?),
            "tag" => self.pick = Pick::Tag(ref_name("refs/tags/", value)?),
            "semver" => {
                self.pick = Pick::Semver(value.parse().map_err(|error| {
                    format!("`semver={value}` is no range ({error}); such as `^1.4` or `>=1.4, <2`")
                })?);
            }
            "commit" => {
                if !is_id(&value) {
                    return Err(
                        "`commit` is no whole commit id of 40 hexadecimal digits".to_owned()
                    );
                }
                self.pick = Pick::Commit(value.to_ascii_lowercase());
            }
            "path" => self.path = inside(&value)?,
            "depth" => {
                self.depth = value.parse().map_err(|_| {
                    "`depth` is a number of commits; 0 brings the whole history".to_owned()
                })?;
            }
            "include" => self.include.push(pattern(name, value)?),
            "exclude" => self.exclude.push(pattern(name, value)?),
            "interval" => self.interval = duration(name, &value, Duration::from_secs(5))?,
            "timeout" => self.timeout = duration(name, &value, Duration::from_secs(1))?,
            "maxPackMiB" => {
                let wrong = || "`maxPackMiB` is a number from 1 to 4096".to_owned();
                let count: u64 = value.parse().map_err(|_| wrong())?;
                if !(1..=4096).contains(&count) {
                    return Err(wrong());
                }
                self.max_pack = count * MIB;
            }
            "allowHistoryRewrite" => self.allow_history_rewrite = boolean(name, &value)?,
            "signedBy" => self.signed_by = Some(PathBuf::from(value)),
            "username" if credential.user.is_some() => {
                return Err("it names two users".to_owned());
            }
            "username" => credential.user = Some(value),
            "passwordEnv" => credential.password_env = Some(value),
            "passwordFile" => credential.password_file = Some(PathBuf::from(value)),
            "passwordSsm" => credential.vault = Some(Vault::Parameter(value)),
            "passwordSecret" => {
                // No name and no ARN of a secret holds a `#`.
                let (id, key) = match value.split_once('#') {
                    Some((id, key)) => (id.to_owned(), Some(key.to_owned())),
                    None => (value, None),
                };
                credential.vault = Some(Vault::Secret { id, key });
            }
            "credentialHelper" => {
                let words: Vec<String> = value.split_whitespace().map(str::to_owned).collect();
                credential.helper = Some(words).filter(|words| !words.is_empty());
            }
            "sshKey" => credential.ssh_key = Some(file(name, value)?),
            "knownHosts" => credential.known_hosts = Some(file(name, value)?),
            // The one left.
            _ => self.submodules = boolean(name, &value)?,
        }
        Ok(())
    }

    fn check(&self, seen: &[&str], scheme: Scheme) -> Result<(), String> {
        let of = |names: &[&str]| -> Vec<String> {
            let found = seen.iter().filter(|name| names.contains(name));
            found.map(|name| format!("`{name}`")).collect()
        };
        let picks = of(&["ref", "branch", "tag", "semver", "commit"]);
        if picks.len() > 1 {
            return Err(format!("{} cannot stand together", picks.join(" and ")));
        }
        let credential = &self.credential;
        let passwords = [
            credential.password.is_some(),
            credential.password_env.is_some(),
            credential.password_file.is_some(),
            seen.contains(&"passwordSsm"),
            seen.contains(&"passwordSecret"),
            credential.helper.is_some(),
        ];
        if passwords.iter().filter(|given| **given).count() > 1 {
            return Err("it names more than one place of the password".to_owned());
        }
        let http = of(&[
            "username",
            "passwordEnv",
            "passwordFile",
            "passwordSsm",
            "passwordSecret",
            "credentialHelper",
        ]);
        if !matches!(scheme, Scheme::Https | Scheme::Http) && !http.is_empty() {
            return Err(format!("{} is for HTTP alone", http.join(" and ")));
        }
        let ssh = of(&["sshKey", "knownHosts"]);
        if scheme != Scheme::Ssh && !ssh.is_empty() {
            return Err(format!("{} is for SSH alone", ssh.join(" and ")));
        }
        Ok(())
    }
}

/// `doubtful`: it may be the rest of a password that a `?` cut.
fn unknown(name: &str, doubtful: bool) -> String {
    if doubtful {
        return "it has an unknown option; a `?` in a password is written %3F".to_owned();
    }
    let shown: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(40)
        .collect();
    let near = NAMES
        .into_iter()
        .map(|one| (strsim::damerau_levenshtein(one, name), one))
        .min()
        .filter(|(distance, _)| *distance <= 3);
    let cure = near.map_or_else(
        || format!("the options are {}", NAMES.join(", ")),
        |(_, near)| format!("did you mean `{near}`?"),
    );
    format!("there is no option `{shown}`; {cure}")
}

fn is_id(text: &str) -> bool {
    text.len() == 40 && text.chars().all(|one| one.is_ascii_hexdigit())
}

fn reference(value: String) -> Result<Pick, String> {
    if is_id(&value) {
        return Ok(Pick::Commit(value.to_ascii_lowercase()));
    }
    if value == "HEAD" {
        return Ok(Pick::Head);
    }
    if value.starts_with("refs/") {
        return Ok(Pick::Ref(ref_name("", value)?));
    }
    Ok(Pick::Either(ref_name("refs/heads/", value)?))
}

/// A ref's name after `prefix`, if Git would take it.
fn ref_name(prefix: &str, name: String) -> Result<String, String> {
    let full = format!("{prefix}{name}");
    let taken = gix::validate::reference::name(full.as_str().into()).is_ok();
    if taken && !name.starts_with('-') {
        Ok(name)
    } else {
        Err(format!("`{name}` is no name of a branch or tag"))
    }
}

/// A path inside a repository.
fn inside(value: &str) -> Result<String, String> {
    let parts: Vec<&str> = value
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    let wrong =
        |part: &&str| *part == ".." || part.contains('\\') || part.eq_ignore_ascii_case(".git");
    if parts.iter().any(wrong) {
        return Err("`path` leads out of the repository".to_owned());
    }
    Ok(parts.join("/"))
}

fn pattern(name: &str, value: String) -> Result<String, String> {
    if value.starts_with('/') || value.len() > 256 {
        return Err(format!(
            "`{name}` is a pattern below `path`, such as `services/**/*.yaml`"
        ));
    }
    Ok(value)
}

fn file(name: &str, value: String) -> Result<PathBuf, String> {
    // Both become arguments of ssh, which splits its options at spaces and expands `%`.
    if value.contains([' ', '"', '%', '$', '~', ',']) || value.starts_with('-') {
        return Err(format!(
            "`{name}` is a file's path without spaces, quotes, `%`, `$`, `~` and commas"
        ));
    }
    Ok(PathBuf::from(value))
}

fn boolean(name: &str, value: &str) -> Result<bool, String> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("`{name}` is `true` or `false`")),
    }
}

/// A duration from `least` to a day.
pub(in crate::source) fn duration(
    name: &str,
    value: &str,
    least: Duration,
) -> Result<Duration, String> {
    let most = Duration::from_hours(24);
    value
        .parse::<jiff::SignedDuration>()
        .ok()
        .and_then(|duration| Duration::try_from(duration).ok())
        .filter(|duration| (least..=most).contains(duration))
        .ok_or_else(|| {
            format!(
                "`{name}` is a duration such as 90s or 10m, from {}s to 24h",
                least.as_secs()
            )
        })
}

//! From what an address says of a credential to what a server is shown. Reads environment variables and
//! files, and asks credential helpers; at every fetch, so that a rotated password needs no restart. What
//! stands in AWS is fetched by `vault` and given to this.
//!
//! Invariant: a credential is used for the scheme, host and port of its own address. Redirects are off,
//! so no server can send it elsewhere.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::wire::{Place, Reason, Trouble};
use crate::source::{Credential, Repository, Scheme, Secret};

/// How long a credential helper may take: it may ask a server itself.
const HELPER: Duration = Duration::from_secs(30);

/// A password or token is not longer.
const MAX_SECRET: u64 = 64 * 1024;

/// The user's name beside a token that comes without one. GitHub, GitLab, Bitbucket and Gitea look at
/// the token alone.
const NOBODY: &str = "git";

/// How a repository is reached, with the credential of now. `fetched`: the password that stands in AWS.
///
/// # Errors
/// If the credential is not to be had. The text names the place that it should be in.
pub(super) async fn place(
    repository: &Repository,
    credential: &Credential,
    fetched: Option<&Secret>,
) -> Result<Place, Trouble> {
    Ok(match repository.scheme {
        Scheme::Https | Scheme::Http => Place::Http {
            url: repository.http_url(),
            authorization: authorization(repository, credential, fetched).await?,
        },
        Scheme::Ssh => Place::Ssh {
            arguments: ssh(repository, credential, home().as_deref())?,
            path: repository.path.clone(),
        },
        Scheme::Daemon => Place::Daemon {
            host: repository.host.clone(),
            port: repository.port.unwrap_or(9418),
            path: repository.path.clone(),
        },
        Scheme::File => Place::File {
            path: PathBuf::from(&repository.path),
        },
    })
}

fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").map(PathBuf::from)
}

fn none(what: String) -> Trouble {
    Trouble::new(Reason::Denied, what)
}

async fn authorization(
    repository: &Repository,
    credential: &Credential,
    fetched: Option<&Secret>,
) -> Result<Option<String>, Trouble> {
    let mut user = credential.user.clone();
    let password = if let Some(password) = fetched.or(credential.password.as_ref()) {
        Some(password.clone())
    } else if let Some(name) = &credential.password_env {
        let value = std::env::var(name).ok().filter(|value| !value.is_empty());
        let what = || {
            none(format!(
                "the environment variable {name} of its password is not set"
            ))
        };
        Some(Secret::new(value.ok_or_else(what)?))
    } else if let Some(path) = &credential.password_file {
        Some(from_file(path).await?)
    } else if let Some(words) = &credential.helper {
        let (named, password) = ask(words, repository, user.as_deref()).await?;
        user = named.or(user);
        Some(password)
    } else {
        None
    };
    if user.is_none() && password.is_none() {
        return Ok(None);
    }
    let pair = format!(
        "{}:{}",
        user.as_deref().unwrap_or(NOBODY),
        password.as_ref().map_or("", Secret::reveal)
    );
    let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
    Ok(Some(format!("Basic {encoded}")))
}

async fn from_file(path: &Path) -> Result<Secret, Trouble> {
    let unreadable = |error: std::io::Error| {
        none(format!(
            "the file {} of its password cannot be read: {error}",
            path.display()
        ))
    };
    let file = tokio::fs::File::open(path).await.map_err(unreadable)?;
    let mut text = String::new();
    file.take(MAX_SECRET)
        .read_to_string(&mut text)
        .await
        .map_err(unreadable)?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() || secret.contains(char::is_control) {
        let what = "the file {} of its password is empty or has more than one line";
        return Err(none(what.replace("{}", &path.display().to_string())));
    }
    Ok(Secret::new(secret))
}

/// Asks a program that speaks Git's credential protocol (gitcredentials(7)).
async fn ask(
    words: &[String],
    repository: &Repository,
    user: Option<&str>,
) -> Result<(Option<String>, Secret), Trouble> {
    let [program, arguments @ ..] = words else {
        return Err(none("no credential helper is named".to_owned()));
    };
    let failed = |why: String| none(format!("the credential helper `{program}` {why}"));
    let mut child = tokio::process::Command::new(program)
        .args(arguments)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(format!("does not start: {error}")))?;
    let question = question(repository, user);
    let work = async {
        if let Some(mut pipe) = child.stdin.take() {
            pipe.write_all(question.as_bytes()).await.ok();
        }
        let mut answer = String::new();
        if let Some(pipe) = child.stdout.take() {
            pipe.take(MAX_SECRET).read_to_string(&mut answer).await.ok();
        }
        answer
    };
    let answer = tokio::time::timeout(HELPER, work)
        .await
        .map_err(|_| failed(format!("did not answer within {}s", HELPER.as_secs())))?;
    let member = |name: &str| {
        let line = answer.lines().find_map(|line| line.strip_prefix(name))?;
        line.strip_prefix('=').map(str::to_owned)
    };
    match member("password") {
        Some(password) if !password.is_empty() => Ok((member("username"), Secret::new(password))),
        _ => Err(failed("gave no password".to_owned())),
    }
}

fn question(repository: &Repository, user: Option<&str>) -> String {
    let port = repository
        .port
        .map_or(String::new(), |port| format!(":{port}"));
    let protocol = if repository.scheme == Scheme::Https {
        "https"
    } else {
        "http"
    };
    let user = user.map_or(String::new(), |user| format!("username={user}\n"));
    format!(
        "protocol={protocol}\nhost={}{port}\npath={}\n{user}\n",
        repository.host,
        repository.path.trim_start_matches('/')
    )
}

/// The arguments of ssh, up to and with the host: nobody is asked, an unknown or other host key ends it
/// before anything is offered, and no configuration, agent or forwarding is used.
fn ssh(
    repository: &Repository,
    credential: &Credential,
    home: Option<&Path>,
) -> Result<Vec<String>, Trouble> {
    let hosts = match (&credential.known_hosts, home) {
        (Some(path), _) => path.clone(),
        (None, Some(home)) => home.join(".ssh/known_hosts"),
        (None, None) => {
            let what = "nothing says which key the SSH server has; name a file with `knownHosts`";
            return Err(none(what.to_owned()));
        }
    };
    let hosts = format!("UserKnownHostsFile={}", hosts.display());
    let mut arguments: Vec<String> = ["-F", "none", "-T"].map(str::to_owned).to_vec();
    for option in [
        "BatchMode=yes",
        "StrictHostKeyChecking=yes",
        hosts.as_str(),
        "GlobalKnownHostsFile=/dev/null",
        "UpdateHostKeys=no",
        "IdentitiesOnly=yes",
        "IdentityAgent=none",
        "PasswordAuthentication=no",
        "KbdInteractiveAuthentication=no",
        "ForwardAgent=no",
        "ForwardX11=no",
        "ClearAllForwardings=yes",
        "PermitLocalCommand=no",
        "ControlMaster=no",
        "ControlPath=none",
        "ConnectTimeout=20",
        "ServerAliveInterval=10",
        "ServerAliveCountMax=3",
        "SendEnv=GIT_PROTOCOL",
    ] {
        arguments.extend(["-o".to_owned(), option.to_owned()]);
    }
    if let Some(key) = &credential.ssh_key {
        arguments.extend(["-i".to_owned(), key.display().to_string()]);
    }
    if let Some(port) = repository.port {
        arguments.extend(["-p".to_owned(), port.to_string()]);
    }
    if let Some(user) = &repository.user {
        arguments.extend(["-l".to_owned(), user.clone()]);
    }
    let host = repository
        .host
        .trim_start_matches('[')
        .trim_end_matches(']');
    arguments.extend(["--".to_owned(), host.to_owned()]);
    Ok(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Address, GitAddress};

    fn git(text: &str) -> GitAddress {
        match Address::parse(text).unwrap() {
            Address::Git(address) => *address,
            other => panic!("{other:?}"),
        }
    }

    async fn header(text: &str) -> Result<Option<String>, String> {
        let address = git(text);
        match place(&address.repository, &address.credential, None).await {
            Ok(Place::Http { authorization, .. }) => Ok(authorization),
            Ok(other) => panic!("{other:?}"),
            Err(trouble) => Err(trouble.message),
        }
    }

    #[tokio::test]
    async fn a_password_from_each_place() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "secret\n").unwrap();
        let file = file.display();
        // printf 'user:secret' | base64
        let basic = Ok(Some("Basic dXNlcjpzZWNyZXQ=".to_owned()));
        assert_eq!(header("git+https://user:secret@h/r").await, basic);
        let text = format!("git+https://user@h/r?passwordFile={file}");
        assert_eq!(header(&text).await, basic);
        // printf 'git:secret' | base64
        let text = format!("git+https://h/r?passwordFile={file}");
        assert_eq!(
            header(&text).await,
            Ok(Some("Basic Z2l0OnNlY3JldA==".to_owned()))
        );
        assert_eq!(header("git+https://h/r").await, Ok(None));

        std::fs::write(folder.path().join("token"), "one\ntwo\n").unwrap();
        assert!(
            header(&text)
                .await
                .unwrap_err()
                .contains("more than one line")
        );
        let gone = header("git+https://h/r?passwordFile=/nonexistent/x").await;
        assert!(gone.unwrap_err().contains("/nonexistent/x"));
        let unset = header("git+https://h/r?passwordEnv=EVENKEEL_NO_SUCH_NAME").await;
        assert!(unset.unwrap_err().contains("EVENKEEL_NO_SUCH_NAME"));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_helper_is_asked_and_answers() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("helper");
        let asked = folder.path().join("asked");
        let text = format!(
            "#!/bin/sh\necho \"$@\" > {0}\ncat >> {0}\necho username=user; echo password=secret\n",
            asked.display()
        );
        std::fs::write(&script, text).unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
        let address = format!(
            "git+https://h:8443/o/r?credentialHelper={}%20-x",
            script.display()
        );
        let basic = Ok(Some("Basic dXNlcjpzZWNyZXQ=".to_owned()));
        assert_eq!(header(&address).await, basic);
        assert_eq!(
            std::fs::read_to_string(&asked).unwrap(),
            "-x get\nprotocol=https\nhost=h:8443\npath=o/r\n\n"
        );
        let none = header("git+https://h/r?credentialHelper=/bin/true").await;
        assert!(none.unwrap_err().contains("gave no password"));
    }

    #[test]
    fn ssh_is_strict() {
        let address = git("git+ssh://git@[::1]:2222/r?sshKey=/k&knownHosts=/h");
        let line = ssh(&address.repository, &address.credential, None)
            .unwrap()
            .join(" ");
        // Nothing of the machine's configuration,
        let none_of_it = "-F none -T -o BatchMode=yes -o StrictHostKeyChecking=yes \
            -o UserKnownHostsFile=/h -o GlobalKnownHostsFile=/dev/null -o UpdateHostKeys=no";
        // no key but the one that is named, and no password,
        let no_other_key = " -o IdentitiesOnly=yes -o IdentityAgent=none -o PasswordAuthentication=no \
            -o KbdInteractiveAuthentication=no";
        // nothing that leads to this machine, that runs something, or that outlives it,
        let nothing_back = " -o ForwardAgent=no -o ForwardX11=no -o ClearAllForwardings=yes \
            -o PermitLocalCommand=no -o ControlMaster=no -o ControlPath=none";
        // and an end when nobody answers.
        let an_end = " -o ConnectTimeout=20 -o ServerAliveInterval=10 -o ServerAliveCountMax=3 \
            -o SendEnv=GIT_PROTOCOL -i /k -p 2222 -l git -- ::1";
        assert_eq!(
            line,
            [none_of_it, no_other_key, nothing_back, an_end].concat()
        );
        let address = git("git@h:r");
        let line = ssh(
            &address.repository,
            &address.credential,
            Some(Path::new("/home/x")),
        );
        assert!(
            line.unwrap()
                .join(" ")
                .contains("=/home/x/.ssh/known_hosts")
        );
        let none = ssh(&address.repository, &address.credential, None).unwrap_err();
        assert!(none.message.contains("knownHosts"));
    }
}

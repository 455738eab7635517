//! Talking to the repository's server: the listing of refs, and fetches into the store. Decides nothing
//! about which.
//!
//! Invariants:
//! - No redirect is followed, so a credential goes to the scheme, host and port of its address alone.
//! - No configuration of the machine, the user or the repository is read, and no hook, filter, helper or
//!   other program of Git runs; ssh is the one program that does.

use std::net::{TcpStream, ToSocketAddrs as _};
use std::num::NonZeroU32;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gix::progress::Discard;
use gix::protocol::transport::client::blocking_io::{Transport, http};
use gix::protocol::transport::client::git::ConnectMode;
use gix::protocol::transport::{Protocol, client::git::blocking_io::Connection as Pipe};
use gix::remote::fetch::{Shallow, Tags};
use gix::remote::ref_map;

use super::super::wire::{Place, Reason, Trouble};
use super::choose::Ref;
use super::{broken, explain};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(20);

/// How much history a fetch brings.
#[derive(Clone, Copy, Debug)]
pub(super) enum History {
    /// This many commits.
    Depth(NonZeroU32),
    /// What was committed since this time, in seconds since the epoch.
    Since(i64),
    /// All of it.
    Whole,
}

/// The refs of these names (with `*` for the rest of a name) that the server has.
pub(super) fn list(
    repo: &gix::Repository,
    place: &Place,
    names: &[String],
) -> Result<Vec<Ref>, Trouble> {
    let specs: Vec<String> = names.iter().map(|name| spec(name)).collect();
    let remote = remote(repo, &specs)?;
    let connection = connect(&remote, place)?;
    let (map, _) = connection
        .ref_map(Discard, ref_map::Options::default())
        .map_err(|error| explain(&error))?;
    let refs = map.remote_refs.iter().filter_map(|one| {
        let (name, id, peeled) = one.unpack();
        Some(Ref {
            name: name.to_string(),
            id: peeled.or(id)?.to_owned(),
            object: id.or(peeled)?.to_owned(),
        })
    });
    Ok(refs.collect())
}

/// Fetches a ref, or a commit by its id, into the store.
pub(super) fn fetch(
    repo: &gix::Repository,
    place: &Place,
    name: &str,
    history: History,
) -> Result<(), Trouble> {
    let remote = remote(repo, &[spec(name)])?;
    let shallow = match history {
        History::Depth(depth) => Shallow::DepthAtRemote(depth),
        History::Since(time) => Shallow::Since {
            cutoff: gix::date::Time::new(time, 0),
        },
        // Without a boundary there is none to take away.
        History::Whole if !repo.is_shallow().unwrap_or(true) => Shallow::NoChange,
        History::Whole => Shallow::undo(),
    };
    connect(&remote, place)?
        .prepare_fetch(Discard, ref_map::Options::default())
        .map_err(|error| explain(&error))?
        .with_shallow(shallow)
        .receive(Discard, &AtomicBool::new(false))
        .map_err(|error| explain(&error))?;
    Ok(())
}

/// What is fetched under this name goes to a ref of our own, whose name no server chooses.
fn spec(name: &str) -> String {
    let star = if name.ends_with('*') { "/*" } else { "" };
    let own = hex::encode(name.trim_end_matches('*'));
    // A ref's part may have 255 bytes on the disk.
    let own: String = own.chars().take(200).collect();
    format!("+{name}:refs/evenkeel/{own}{star}")
}

fn remote<'repo>(
    repo: &'repo gix::Repository,
    specs: &[String],
) -> Result<gix::Remote<'repo>, Trouble> {
    // The transport is made by hand; this address is used by nothing.
    repo.remote_at_without_url_rewrite("https://localhost/store")
        .and_then(|remote| {
            remote.with_fetch_tags(Tags::None).with_refspecs(
                specs.iter().map(String::as_str),
                gix::remote::Direction::Fetch,
            )
        })
        .map_err(|error| broken(&error))
}

type Connection<'a, 'repo> = gix::remote::Connection<'a, 'static, 'repo, Box<dyn Transport + Send>>;

fn connect<'a, 'repo>(
    remote: &'a gix::Remote<'repo>,
    place: &Place,
) -> Result<Connection<'a, 'repo>, Trouble> {
    let unreachable = |what: String| Trouble::new(Reason::Unreachable, what);
    let mut options: Option<http::Options> = None;
    let transport: Box<dyn Transport + Send> = match place {
        Place::Http { url, authorization } => {
            options = Some(http_options(authorization.as_deref()));
            let url = gix::url::parse(url.as_str()).map_err(|error| broken(&error))?;
            let transport = http::connect::<http::reqwest::Remote>(url, Protocol::V2, false);
            Box::new(transport)
        }
        Place::Ssh { arguments, path } => {
            let mut child = Command::new("ssh")
                .args(arguments)
                // Single quotes are refused where the address is read.
                .arg(format!("git-upload-pack '{path}'"))
                .env("GIT_PROTOCOL", "version=2")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .map_err(|error| {
                    Trouble::new(Reason::Internal, format!("cannot start `ssh`: {error}"))
                })?;
            let (Some(read), Some(write)) = (child.stdout.take(), child.stdin.take()) else {
                return Err(unreachable("ssh has no pipes".to_owned()));
            };
            let none: Option<(String, Option<u16>)> = None;
            let mode = ConnectMode::Process;
            Box::new(Pipe::new(
                read,
                write,
                Protocol::V2,
                path.as_str(),
                none,
                mode,
                false,
            ))
        }
        Place::Daemon { host, port, path } => {
            let stream = tcp(host, *port)
                .map_err(|error| unreachable(format!("cannot connect to {host}: {error}")))?;
            let read = stream
                .try_clone()
                .map_err(|error| unreachable(error.to_string()))?;
            Box::new(Pipe::new(
                read,
                stream,
                Protocol::V2,
                path.as_str(),
                Some((host.clone(), Some(*port))),
                ConnectMode::Daemon,
                false,
            ))
        }
        Place::File { .. } => {
            let what = "a repository's folder is opened, not fetched from";
            return Err(Trouble::new(Reason::Internal, what));
        }
    };
    let mut connection = remote
        .to_connection_with_transport(transport)
        // Nobody is asked: a credential that was given is sent at once, and there is no other.
        .with_credentials(|_| Ok(None));
    if let Some(options) = options {
        connection.set_transport_options(Box::new(options));
    } else {
        connection.set_transport_options(Box::new(()));
    }
    Ok(connection)
}

fn http_options(authorization: Option<&str>) -> http::Options {
    let client = http::reqwest::Options {
        // The one who started this process ends it when it takes too long; the client's own limit on a
        // whole answer would cut large packs.
        configure_client: Some(Box::new(|client| {
            Ok(client.connect_timeout(CONNECT).timeout(None))
        })),
        configure_request: None,
    };
    http::Options {
        extra_headers: authorization
            .map(|value| format!("Authorization: {value}"))
            .into_iter()
            .collect(),
        follow_redirects: http::options::FollowRedirects::None,
        user_agent: Some(concat!("evenkeel/", env!("CARGO_PKG_VERSION")).to_owned()),
        backend: Some(Arc::new(Mutex::new(client))),
        ..http::Options::default()
    }
}

fn tcp(host: &str, port: u16) -> std::io::Result<TcpStream> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let mut last = None;
    for address in (bare, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| std::io::ErrorKind::NotFound.into()))
}

//! Talking to the repository's server: the listing of refs, and fetches into the store. Decides nothing
//! about which.
//!
//! Invariants:
//! - No redirect is followed, so a credential goes to the scheme, host and port of its address alone. Nor has
//!   what is not encrypted a proxy.
//! - No configuration of the machine, the user or the repository is read, and no hook, filter, helper or
//!   other program of Git runs; ssh is the one program that does.
//! - What is fetched is asked for by its id, and no name that a server chooses is written anywhere.
//! - A list of refs ends, or is cut off (`allowance`).

use std::net::{TcpStream, ToSocketAddrs as _};
use std::num::NonZeroU32;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gix::odb::pack::bundle::write::Options as PackOptions;
use gix::progress::Discard;
use gix::protocol::fetch::negotiate::one_round::State;
use gix::protocol::fetch::negotiate::{Action, Round};
use gix::protocol::fetch::{Arguments, Context, Negotiate, Options, Response, Shallow, Tags};
use gix::protocol::ls_refs::RefPrefixes;
use gix::protocol::transport::client::blocking_io::{Transport, http};
use gix::protocol::transport::client::git::ConnectMode;
use gix::protocol::transport::{Protocol, Service, client::git::blocking_io::Connection as Pipe};
use gix::protocol::{Handshake, LsRefsCommand};

use super::super::wire::{Place, Reason, Trouble};
use super::allowance::{Allowance, Client};
use super::choose::Ref;
use super::{broken, explain};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(20);

/// What this program calls itself.
const AGENT: &str = concat!("evenkeel/", env!("CARGO_PKG_VERSION"));

/// How much history a fetch brings.
#[derive(Clone, Copy, Debug)]
pub(super) enum History {
    /// What the store has of it, and nothing more.
    AsItIs,
    /// This many commits.
    Depth(NonZeroU32),
    /// What was committed since this time, in seconds since the epoch.
    Since(i64),
    /// All of it.
    Whole,
}

/// What of the objects that belong to the wanted ones a fetch leaves out, as Git writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    /// Nothing.
    None,
    /// All files that are not wanted by their id.
    Files,
    /// All folders and files that are not wanted by their id.
    All,
    /// The same, but for the folder of a commit itself.
    AllBelow,
}

/// A fetch.
#[derive(Debug)]
pub(super) struct Ask<'a> {
    pub(super) wants: &'a [gix::ObjectId],
    /// Commits that the store has with all that belongs to them, as far as the filter lets it.
    pub(super) haves: &'a [gix::ObjectId],
    pub(super) history: History,
    pub(super) filter: Filter,
}

/// A server, and the connection to it while there is one.
pub(super) struct Session {
    place: Place,
    /// Larger objects are not unpacked.
    most_bytes: u64,
    allowance: Allowance,
    live: Option<Live>,
}

struct Live {
    transport: Box<dyn Transport + Send>,
    handshake: Handshake,
    /// A server of the old protocol has given its pack, and hears nothing more.
    spent: bool,
}

impl Session {
    /// Nothing is asked yet.
    pub(super) fn new(place: Place, most_bytes: u64) -> Self {
        Self {
            place,
            most_bytes,
            allowance: Allowance::new(),
            live: None,
        }
    }

    fn live(&mut self) -> Result<&mut Live, Trouble> {
        if self.live.as_ref().is_some_and(|live| live.spent) {
            self.live = None;
        }
        match &mut self.live {
            Some(live) => Ok(live),
            none => {
                // A server of the old protocol lists its refs unasked.
                let greeted = self.allowance.list(|| greet(&self.place, &self.allowance));
                Ok(none.insert(greeted?))
            }
        }
    }

    /// Whether the server leaves out what it is told to.
    pub(super) fn filters(&mut self) -> Result<bool, Trouble> {
        let handshake = &self.live()?.handshake;
        let fetch = handshake.capabilities.capability("fetch");
        let offered = fetch.and_then(|fetch| fetch.supports("filter"));
        Ok(handshake.server_protocol_version == Protocol::V2 && offered == Some(true))
    }

    /// The refs of these names (with `*` for the rest of a name) that the server has.
    pub(super) fn list(&mut self, names: &[String]) -> Result<Vec<Ref>, Trouble> {
        let allowance = self.allowance.clone();
        let Live {
            transport,
            handshake,
            ..
        } = self.live()?;
        let listed;
        let refs = if let Some(refs) = &handshake.refs {
            refs
        } else {
            let mut prefixes = RefPrefixes::new();
            prefixes.extend(names.iter().map(|name| name.trim_end_matches('*').into()));
            let agent = ("agent", Some(gix::protocol::agent(AGENT)));
            let command = LsRefsCommand::new(Some(prefixes), &handshake.capabilities, agent);
            let answer = allowance.list(|| {
                let refs = command.invoke_blocking(transport, &mut Discard, false);
                refs.map_err(|error| explain(&error))
            });
            listed = answer.inspect_err(|_| self.live = None)?;
            &listed
        };
        let refs = refs.iter().filter_map(|one| {
            let (name, id, peeled) = one.unpack();
            let name = name.to_string();
            let asked = |asked: &String| match asked.strip_suffix('*') {
                Some(start) => name.starts_with(start),
                None => name == *asked,
            };
            Some(Ref {
                id: peeled.or(id)?.to_owned(),
                object: id.or(peeled)?.to_owned(),
                name: names.iter().any(asked).then_some(name)?,
            })
        });
        Ok(refs.collect())
    }

    /// Fetches into the store.
    pub(super) fn fetch(&mut self, repo: &gix::Repository, ask: &Ask<'_>) -> Result<(), Trouble> {
        let most = usize::try_from(self.most_bytes).ok();
        let done = self.live()?.fetch(repo, ask, most);
        if done.is_err() {
            // What is still to come on it belongs to what failed.
            self.live = None;
        }
        done.map_err(|error| explain(&error))
    }
}

impl Live {
    fn fetch(
        &mut self,
        repo: &gix::Repository,
        ask: &Ask<'_>,
        most: Option<usize>,
    ) -> gix::Result<()> {
        let shallow = match ask.history {
            History::Depth(depth) => Shallow::DepthAtRemote(depth),
            History::Since(time) => Shallow::Since {
                cutoff: gix::date::Time::new(time, 0),
            },
            // Without a boundary there is none to take away.
            History::Whole if repo.is_shallow().unwrap_or(true) => Shallow::undo(),
            History::Whole | History::AsItIs => Shallow::NoChange,
        };
        let never = AtomicBool::new(false);
        let options = PackOptions {
            thread_limit: Some(1),
            alloc_limit_bytes: most,
            ..PackOptions::default()
        };
        let folder = repo.objects.store_ref().path().join("pack");
        let known = repo.objects.clone();
        gix::protocol::fetch(
            &mut Fixed(ask),
            |pack, progress, interrupt| {
                let written = gix::odb::pack::Bundle::write_to_directory(
                    pack,
                    Some(&folder),
                    progress,
                    interrupt,
                    Some(known),
                    repo.object_hash(),
                    options,
                )?;
                // It keeps a pack from being swept away, which nobody does here.
                if let Some(keep) = written.keep_path {
                    std::fs::remove_file(keep).ok();
                }
                Ok(true)
            },
            Discard,
            &never,
            Context {
                handshake: &mut self.handshake,
                transport: &mut self.transport,
                user_agent: ("agent", Some(gix::protocol::agent(AGENT))),
                trace_packetlines: false,
            },
            Options {
                shallow_file: repo.shallow_file()?,
                shallow: &shallow,
                tags: Tags::None,
                reject_shallow_remote: false,
            },
        )?;
        self.spent = self.handshake.server_protocol_version != Protocol::V2;
        Ok(())
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if !self.spent {
            // Whoever serves it need not wait for more.
            gix::protocol::indicate_end_of_interaction(&mut self.transport, false).ok();
        }
    }
}

/// Says at once all that is wanted and there; there is nothing to negotiate.
struct Fixed<'a>(&'a Ask<'a>);

impl Negotiate for Fixed<'_> {
    fn mark_complete_and_common_ref(&mut self) -> gix::Result<Action> {
        Ok(Action::MustNegotiate {
            remote_ref_target_known: Vec::new(),
        })
    }

    fn add_wants(&mut self, arguments: &mut Arguments, _: &[bool]) -> bool {
        for id in self.0.wants {
            arguments.want(id);
        }
        let filter = match self.0.filter {
            Filter::None => None,
            Filter::Files => Some("blob:none"),
            Filter::All => Some("tree:0"),
            Filter::AllBelow => Some("tree:1"),
        };
        if let Some(filter) = filter {
            arguments.filter(filter);
        }
        !self.0.wants.is_empty()
    }

    fn one_round(
        &mut self,
        _: &mut State,
        arguments: &mut Arguments,
        _: Option<&Response>,
    ) -> gix::Result<(Round, bool)> {
        for id in self.0.haves {
            arguments.have(id);
        }
        let round = Round {
            haves_sent: self.0.haves.len(),
            in_vain: 0,
            haves_to_send: self.0.haves.len(),
            previous_response_had_at_least_one_in_common: false,
        };
        Ok((round, true))
    }
}

/// Connects, and hears what the server can.
fn greet(place: &Place, allowance: &Allowance) -> Result<Live, Trouble> {
    let mut transport = connect(place, allowance)?;
    // Nobody is asked: a credential that was given is sent at once, and there is no other.
    let nobody = |_| Ok(None);
    let handshake = gix::protocol::handshake(
        &mut transport,
        Service::UploadPack,
        nobody,
        Vec::new(),
        &mut Discard,
    );
    let handshake = handshake.map_err(|error| explain(&error))?;
    if handshake
        .capabilities
        .capability("object-format")
        .is_some_and(|format| format.value().is_some_and(|value| value != "sha1"))
    {
        let what = "its objects are not named by SHA-1, and others are not understood";
        return Err(Trouble::new(Reason::Refused, what));
    }
    Ok(Live {
        transport,
        handshake,
        spent: false,
    })
}

fn connect(place: &Place, allowance: &Allowance) -> Result<Box<dyn Transport + Send>, Trouble> {
    let unreachable = |what: String| Trouble::new(Reason::Unreachable, what);
    Ok(match place {
        Place::Http { url, authorization } => {
            use gix::protocol::transport::client::TransportWithoutIO as _;
            let plain = url.starts_with("http://");
            let url = gix::url::parse(url.as_str()).map_err(|error| broken(&error))?;
            let client = Client::new(allowance);
            let mut transport = http::Transport::new_http(client, url, Protocol::V2, false);
            let options = http_options(authorization.as_deref(), plain);
            transport.configure(&options).map_err(|error| {
                Trouble::new(Reason::Internal, format!("cannot prepare HTTP: {error}"))
            })?;
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
                allowance.over(read),
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
                allowance.over(read),
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
    })
}

fn http_options(authorization: Option<&str>, plain: bool) -> http::Options {
    let client = http::reqwest::Options {
        // The one who started this process ends it when it takes too long; the client's own limit on a
        // whole answer would cut large packs.
        configure_client: Some(Box::new(move |client| {
            let client = client.connect_timeout(CONNECT).timeout(None);
            Ok(if plain { client.no_proxy() } else { client })
        })),
        configure_request: None,
    };
    http::Options {
        extra_headers: authorization
            .map(|value| format!("Authorization: {value}"))
            .into_iter()
            .collect(),
        follow_redirects: http::options::FollowRedirects::None,
        user_agent: Some(AGENT.to_owned()),
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

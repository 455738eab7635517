//! All sources of one desired set: folders, places in Git repositories and paths of the Parameter Store,
//! read together.
//!
//! Invariants:
//! - They are one desired set: it is given as a whole, or not at all. A source that was read once and
//!   cannot be now goes on with what it held then, and says so; one that was never read holds up all.
//! - Files stand in the order of the sources, and within one by path, so that of two manifests that claim
//!   one resource the second is the later source's.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::address::{Address, AddressError};
use super::dir::{self, Dir, Snapshot};
use super::git::{Commit, Followed, Git, Look, Reason, Trouble, Worker};
use super::ssm::Parameters;
use crate::aws::Connector;
use crate::manifest::SourceFile;

/// How eagerly to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eagerness {
    /// Folders now, what is asked over a network when its interval is over.
    Due,
    /// Everything now: somebody told that it may have changed.
    Now,
    /// Everything now, and a head that is held back comes into force: a person asked.
    Forced,
}

/// What sources are read with.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// Reads repositories.
    pub worker: Worker,
    /// A folder in which what was fetched from repositories, and which commit is in force, outlives the
    /// process.
    pub store: Option<PathBuf>,
    /// Where parameters are.
    pub aws: Connector,
}

/// The sources.
#[derive(Clone, Debug)]
pub struct Sources(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    parts: Vec<Part>,
    repositories: Vec<Arc<Mutex<Git>>>,
}

#[derive(Debug)]
struct Part {
    address: String,
    /// What the paths of its files begin with.
    root: PathBuf,
    /// What it goes by, whichever revision of it is read.
    mark: String,
    from: Kind,
}

/// What a folder held when it could last be read, and the last look at it.
#[derive(Debug, Default)]
struct Seen {
    good: Option<Snapshot>,
    look: Option<Look>,
}

#[derive(Debug)]
enum Kind {
    Folder { dir: Dir, seen: Mutex<Seen> },
    Git { repository: usize, place: usize },
    Parameters(Arc<Mutex<Parameters>>),
}

/// What all sources hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Together {
    /// The manifests, in the order of the sources.
    pub files: Vec<SourceFile>,
    /// The Terraform states of sources that are no folders. No manifest can name one but an Environment.
    pub states: Vec<SourceFile>,
    /// Digest of paths and contents.
    pub revision: String,
    /// How each source stands, in their order.
    pub sources: Vec<SourceState>,
}

/// How one source stands.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceState {
    /// Its address, without secrets.
    pub address: String,
    /// What the paths of its files begin with.
    pub root: PathBuf,
    /// What it goes by whichever revision of it is read: without scheme, options and secrets.
    pub mark: String,
    /// `dir`, `git` or `ssm`.
    pub kind: &'static str,
    /// The commit in force.
    pub commit: Option<Commit>,
    /// The generation of parameters in force, where their address names one.
    pub generation: Option<i64>,
    /// The head that is held back.
    pub held: Option<Commit>,
    /// What is wrong now; what was last in force stays so.
    pub trouble: Option<Trouble>,
    /// The last look at it; the one before if it was not due.
    pub look: Option<Look>,
}

/// Why there is no desired set: sources that cannot be read, or not as they are now.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct NoSet {
    message: String,
    /// How each source stands.
    pub sources: Vec<SourceState>,
}

impl From<Dir> for Sources {
    fn from(dir: Dir) -> Self {
        let addresses = vec![Address::Folder(dir.root().to_owned())];
        Self::new(addresses, &Access::default())
    }
}

impl Sources {
    /// The sources at these addresses, as they were typed.
    ///
    /// # Errors
    /// If an address is wrong.
    pub fn parse(addresses: &[String], access: &Access) -> Result<Self, AddressError> {
        let parsed: Result<Vec<Address>, AddressError> =
            addresses.iter().map(|text| Address::parse(text)).collect();
        Ok(Self::new(parsed?, access))
    }

    /// The sources at these addresses. Nothing is read yet.
    pub fn new(addresses: Vec<Address>, access: &Access) -> Self {
        let mut repositories: Vec<Git> = Vec::new();
        let mut parts = Vec::new();
        for address in addresses {
            let shown = address.to_string();
            let (root, mark, from) = match address {
                Address::Folder(path) => {
                    let dir = Dir::new(&path);
                    let seen = Mutex::default();
                    let mark = folder_mark(&path);
                    (path, mark, Kind::Folder { dir, seen })
                }
                Address::Git(address) => {
                    let known = repositories.iter().position(|one| one.holds(&address));
                    let repository = known.unwrap_or_else(|| {
                        repositories.push(Git::new(&address, access));
                        repositories.len() - 1
                    });
                    let mark = super::git::mark(&address);
                    let place = repositories[repository].add(*address);
                    let root = repositories[repository].place(place);
                    let root = root.map_or(PathBuf::new(), super::git::Place::root);
                    (root, mark, Kind::Git { repository, place })
                }
                Address::Ssm(address) => {
                    let mark = address.prefix();
                    let root = PathBuf::from(&mark);
                    let parameters = Parameters::new(address, access.aws.clone());
                    let parameters = Arc::new(Mutex::new(parameters));
                    (root, mark, Kind::Parameters(parameters))
                }
            };
            parts.push(Part {
                address: shown,
                root,
                mark,
                from,
            });
        }
        let repositories = repositories
            .into_iter()
            .map(|one| Arc::new(Mutex::new(one)));
        Self(Arc::new(Inner {
            parts,
            repositories: repositories.collect(),
        }))
    }

    /// The folders among them, for a watch.
    pub fn folders(&self) -> impl Iterator<Item = &Path> {
        self.0.parts.iter().filter_map(|part| match &part.from {
            Kind::Folder { dir, .. } => Some(dir.root()),
            Kind::Git { .. } | Kind::Parameters(_) => None,
        })
    }

    /// Those of the roots below which nothing is on a disk, as the source is no folder.
    pub fn remote_roots(&self) -> Vec<PathBuf> {
        let remote = |part: &&Part| !matches!(part.from, Kind::Folder { .. });
        let parts = self.0.parts.iter().filter(remote);
        parts.map(|part| part.root.clone()).collect()
    }

    /// What the paths of the files begin with, in the order of the sources.
    pub fn roots(&self) -> Vec<PathBuf> {
        self.0.parts.iter().map(|part| part.root.clone()).collect()
    }

    /// How long until the first of those that are asked over a network is due; `None` if there is none.
    pub async fn next_due(&self) -> Option<Duration> {
        let mut waits = Vec::new();
        for repository in &self.0.repositories {
            waits.push(repository.lock().await.schedule().wait());
        }
        for part in &self.0.parts {
            if let Kind::Parameters(parameters) = &part.from {
                waits.push(parameters.lock().await.schedule().wait());
            }
        }
        waits.into_iter().min()
    }

    /// Whether the commit in force of the source whose files begin with `root` is `commit` or comes after it.
    pub async fn follows(&self, root: &Path, commit: &str) -> Followed {
        let Some(part) = self.0.parts.iter().find(|part| part.root == root) else {
            return Followed::NotKnown("it is not read".to_owned());
        };
        let Kind::Git { repository, place } = &part.from else {
            return Followed::NoHistory;
        };
        match self.0.repositories.get(*repository) {
            Some(repository) => repository.lock().await.follows(*place, commit).await,
            None => Followed::NotKnown("it is not read".to_owned()),
        }
    }

    /// Reads all of them.
    ///
    /// # Errors
    /// If one cannot be read and never was.
    pub async fn read(&self, eagerness: Eagerness) -> Result<Together, NoSet> {
        self.read_some(eagerness, |_| true).await
    }

    /// Reads all but those in AWS: what a simulated AWS is filled from before it is asked.
    ///
    /// # Errors
    /// If one of them cannot be read and never was.
    pub async fn read_outside_aws(&self, eagerness: Eagerness) -> Result<Together, NoSet> {
        let outside = |part: &Part| !matches!(part.from, Kind::Parameters(_));
        self.read_some(eagerness, outside).await
    }

    async fn read_some(
        &self,
        eagerness: Eagerness,
        chosen: impl Fn(&Part) -> bool,
    ) -> Result<Together, NoSet> {
        let (now, forced) = (eagerness == Eagerness::Now, eagerness == Eagerness::Forced);
        let parts = || self.0.parts.iter().filter(|part| chosen(part));
        let mut looks = JoinSet::new();
        for repository in &self.0.repositories {
            let repository = Arc::clone(repository);
            looks.spawn(async move { repository.lock().await.look(now, forced).await });
        }
        for part in parts() {
            if let Kind::Parameters(parameters) = &part.from {
                let parameters = Arc::clone(parameters);
                looks.spawn(async move { parameters.lock().await.look(now || forced).await });
            }
        }
        // A look that broke has left its place as it was.
        while looks.join_next().await.is_some() {}
        let mut files = Vec::new();
        let mut sources = Vec::new();
        let mut missing = Vec::new();
        let mut seen = BTreeSet::new();
        for part in parts() {
            let (state, held) = part.look(&self.0.repositories).await;
            match (held, &state.trouble) {
                (Some(held), _) => {
                    // A folder inside another is the same files twice. Two places of a repository may be at
                    // two commits: what both hold is claimed twice, and told.
                    let folder = matches!(part.from, Kind::Folder { .. });
                    let new = |file: &&SourceFile| !folder || seen.insert(file.path.clone());
                    files.extend(held.iter().filter(new).cloned());
                }
                (None, Some(trouble)) => missing.push(told(&state, trouble)),
                (None, None) => missing.push(format!("{}: not read yet", state.address)),
            }
            sources.push(state);
        }
        if !missing.is_empty() {
            return Err(NoSet {
                message: missing.join("; "),
                sources,
            });
        }
        let revision = dir::revision(&files);
        let (states, files) = files
            .into_iter()
            .partition(|file: &SourceFile| dir::is_state(&file.path));
        Ok(Together {
            files,
            states,
            revision,
            sources,
        })
    }
}

impl Together {
    /// What the sources hold now; for who must not take what one held before for it.
    ///
    /// # Errors
    /// If anything is wrong with a source.
    pub fn current(self) -> Result<Self, NoSet> {
        match self.complaint() {
            Some(message) => Err(NoSet {
                message,
                sources: self.sources,
            }),
            None => Ok(self),
        }
    }

    /// What is wrong with the sources now, in one line.
    pub fn complaint(&self) -> Option<String> {
        let told: Vec<String> = self
            .sources
            .iter()
            .filter_map(|state| Some(told(state, state.trouble.as_ref()?)))
            .collect();
        (!told.is_empty()).then(|| told.join("; "))
    }
}

/// A trouble as a person is told it. A folder's names its path itself.
fn told(state: &SourceState, trouble: &Trouble) -> String {
    if state.kind == "dir" {
        trouble.message.clone()
    } else {
        format!("{}: {}", state.address, trouble.message)
    }
}

impl Part {
    async fn look(
        &self,
        repositories: &[Arc<Mutex<Git>>],
    ) -> (SourceState, Option<Arc<Vec<SourceFile>>>) {
        let mut state = SourceState {
            address: self.address.clone(),
            root: self.root.clone(),
            mark: self.mark.clone(),
            kind: "git",
            commit: None,
            generation: None,
            held: None,
            trouble: None,
            look: None,
        };
        match &self.from {
            Kind::Folder { dir, seen } => {
                state.kind = "dir";
                let files = folder(dir, &mut *seen.lock().await, &mut state).await;
                (state, files)
            }
            Kind::Parameters(parameters) => {
                state.kind = "ssm";
                let parameters = parameters.lock().await;
                state.generation = parameters.generation();
                state.trouble.clone_from(&parameters.trouble);
                state.look = parameters.look;
                let good = parameters.good.as_ref();
                let files = good.map(|good| Arc::new(good.files.clone()));
                (state, files)
            }
            Kind::Git { repository, place } => {
                let Some(repository) = repositories.get(*repository) else {
                    return (state, None);
                };
                let repository = repository.lock().await;
                let Some(place) = repository.place(*place) else {
                    return (state, None);
                };
                state.held.clone_from(&place.held);
                state.trouble.clone_from(&place.trouble);
                state.look = place.look;
                let files = place.good.as_ref().map(|(commit, files)| {
                    state.commit = Some(commit.clone());
                    Arc::clone(files)
                });
                (state, files)
            }
        }
    }
}

/// What a folder goes by: its path as typed, less what says nothing.
fn folder_mark(path: &Path) -> String {
    let named = path.components().filter(|one| *one != Component::CurDir);
    let named = named.collect::<PathBuf>().display().to_string();
    if named.is_empty() {
        ".".to_owned()
    } else {
        named
    }
}

/// Reads a folder, on a thread of its own: a file system may hang.
async fn folder(
    dir: &Dir,
    seen: &mut Seen,
    state: &mut SourceState,
) -> Option<Arc<Vec<SourceFile>>> {
    let began = Instant::now();
    let reader = dir.clone();
    let read = tokio::task::spawn_blocking(move || reader.read()).await;
    let result = match read {
        Ok(Ok(snapshot)) => {
            let same = seen
                .good
                .as_ref()
                .is_some_and(|old| old.revision == snapshot.revision);
            seen.good = Some(snapshot);
            if same { "not_modified" } else { "success" }
        }
        Ok(Err(error)) => {
            let message = error.to_string();
            let reason = if matches!(error, dir::SourceError::Empty(_)) {
                Reason::Empty
            } else {
                Reason::Unreadable
            };
            state.trouble = Some(Trouble { reason, message });
            "error"
        }
        Err(error) => {
            state.trouble = Some(Trouble {
                reason: Reason::Internal,
                message: format!("reading the source broke: {error}"),
            });
            "error"
        }
    };
    seen.look = Some(Look::next(seen.look, result, began.elapsed()));
    state.look = seen.look;
    seen.good.as_ref().map(|good| Arc::new(good.files.clone()))
}

impl fmt::Display for Sources {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses: Vec<&str> = self
            .0
            .parts
            .iter()
            .map(|part| part.address.as_str())
            .collect();
        formatter.write_str(&addresses.join(", "))
    }
}

//! Git repositories as sources: one repository, the places of it that are read, and when to ask again.
//!
//! Each read is done by a process of its own (`worker`, started by `process`); this side keeps what came
//! of it. The `store` of fetched objects saves traffic, and losing it costs a fetch.
//!
//! Invariants:
//! - What is in force at a place changes by a whole, readable revision alone. Trouble of any kind leaves
//!   it, and is told.
//! - One fetch for a repository, however many places of it are read.
//! - The list of refs is asked for first; nothing is fetched while it names what is known.

mod credentials;
mod decide;
mod keys;
mod process;
mod signature;
mod store;
mod wire;
pub mod worker;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use self::decide::{Verdict, asks_descent, decide};
use self::store::Store;
use self::wire::{Answer, Base, Job, Limits, Revision, Wanted};
use super::address::{Credential, GitAddress, Pick, Repository, Scheme};
use super::dir::{MAX_BYTES, MAX_FILES};
use crate::manifest::SourceFile;
pub use process::Worker;
pub use wire::{Commit, Reason, Trouble};

/// The longest time between two tries of a repository that fails.
const BACKOFF: Duration = Duration::from_mins(10);

/// Bytes of all manifests of one place.
const TOTAL_BYTES: u64 = 64 * 1024 * 1024;

/// Objects of one fetched pack.
const PACK_OBJECTS: u32 = 2_000_000;

/// Entries of folders that are looked at.
const ENTRIES: usize = 500_000;

/// Fetches into one store before it is thrown away: each leaves a pack.
const FETCHES: u32 = 50;

/// A repository with the places of it that are read.
#[derive(Debug)]
pub(super) struct Git {
    repository: Repository,
    credential: Credential,
    worker: Worker,
    /// Where stores are to last.
    root: Option<PathBuf>,
    store: Option<Store>,
    fetches: u32,
    due: Option<Instant>,
    failures: u32,
    places: Vec<Place>,
}

/// One look at a source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// Which one since the start of the process, from 1.
    pub number: u64,
    /// `success`, `not_modified` or `error`.
    pub result: &'static str,
    /// How long it took.
    pub took: Duration,
}

impl Look {
    /// The look after this one.
    pub(super) fn next(before: Option<Self>, result: &'static str, took: Duration) -> Self {
        let number = before.map_or(0, |before| before.number) + 1;
        Self {
            number,
            result,
            took,
        }
    }
}

/// A place in a repository, and what is known of it.
#[derive(Debug)]
pub(super) struct Place {
    address: GitAddress,
    /// What stands before the paths that the repository gives its files.
    prefix: String,
    /// The commit in force, with its files.
    pub(super) good: Option<(Commit, Arc<Vec<SourceFile>>)>,
    /// The head that is held back.
    pub(super) held: Option<Commit>,
    /// What is wrong now.
    pub(super) trouble: Option<Trouble>,
    /// What the last look came to.
    pub(super) look: Option<Look>,
}

impl Git {
    /// `root`: a folder in which its objects outlive this process.
    pub(super) fn new(address: &GitAddress, worker: Worker, root: Option<PathBuf>) -> Self {
        Self {
            repository: address.repository.clone(),
            credential: address.credential.clone(),
            worker,
            root,
            store: None,
            fetches: 0,
            due: None,
            failures: 0,
            places: Vec::new(),
        }
    }

    /// Whether this place is in this repository, asked for by the same credential.
    pub(super) fn holds(&self, address: &GitAddress) -> bool {
        self.repository == address.repository && self.credential == address.credential
    }

    /// Adds a place; gives its index.
    pub(super) fn add(&mut self, address: GitAddress) -> usize {
        self.places.push(Place {
            prefix: prefix(&address),
            address,
            good: None,
            held: None,
            trouble: None,
            look: None,
        });
        self.places.len() - 1
    }

    pub(super) fn place(&self, index: usize) -> Option<&Place> {
        self.places.get(index)
    }

    /// When it is to be asked again; `None`: now.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Asks the repository if it is time, or `now`. `forced`: whatever the head is, it comes into force.
    pub(super) async fn look(&mut self, now: bool, forced: bool) {
        if !now && !forced && self.due.is_some_and(|due| Instant::now() < due) {
            return;
        }
        let began = Instant::now();
        let answers = match self.open_store() {
            Ok(()) => {
                self.recall().await;
                self.ask_twice(forced).await
            }
            Err(trouble) => Err(trouble),
        };
        let took = began.elapsed();
        let (answers, failed) = match answers {
            Ok(answers) => (answers.into_iter().map(Ok).collect(), false),
            Err(trouble) => (vec![Err(trouble); self.places.len()], true),
        };
        for (place, answer) in self.places.iter_mut().zip(answers) {
            let before = place.commit_id().map(str::to_owned);
            place.take(answer, forced, took);
            if let (Some(store), Some(id)) = (&self.store, place.commit_id())
                && before.as_deref() != Some(id)
            {
                store.remember(&place.address.to_string(), id);
            }
        }
        if self.fetches >= FETCHES {
            self.store.iter().for_each(Store::clear);
            self.fetches = 0;
        }
        self.failures = if failed {
            self.failures.saturating_add(1)
        } else {
            0
        };
        self.due = Some(Instant::now() + self.wait());
    }

    /// The time to the next look: the interval with jitter, longer from failure to failure.
    fn wait(&self) -> Duration {
        let intervals = self.places.iter().map(|place| place.address.interval);
        let interval = intervals.min().unwrap_or(BACKOFF);
        let doubled = interval.saturating_mul(1 << self.failures.min(8));
        doubled
            .min(BACKOFF.max(interval))
            .mul_f64(0.9 + 0.2 * fastrand::f64())
    }

    fn open_store(&mut self) -> Result<(), Trouble> {
        if self.store.is_none() {
            let store = Store::open(self.root.as_deref(), &self.repository.to_string());
            let store = store.map_err(|error| {
                let what = format!("no folder for what is fetched: {error}");
                Trouble::new(Reason::Internal, what)
            })?;
            self.store = Some(store);
        }
        Ok(())
    }

    /// Brings back what was in force before this process started, where the store remembers it and still
    /// has it. Asks no server.
    async fn recall(&mut self) {
        let Some(store) = &self.store else { return };
        let places = self.places.iter().enumerate();
        let remembered: Vec<(usize, Wanted)> = places
            .filter(|(_, place)| place.good.is_none())
            .filter_map(|(index, place)| {
                let id = store.remembered(&place.address.to_string())?;
                let wanted = Wanted {
                    revision: Revision::Commit(id),
                    known: Vec::new(),
                    base: None,
                    ..place.wanted(true)
                };
                Some((index, wanted))
            })
            .collect();
        if remembered.is_empty() {
            return;
        }
        let (indices, wanted): (Vec<_>, Vec<_>) = remembered.into_iter().unzip();
        // The store is opened as a repository of this machine, which nothing is fetched into.
        let objects = wire::Place::File {
            path: store.objects(),
        };
        let Ok(answers) = self.work(objects, wanted).await else {
            return;
        };
        for (index, (answer, files)) in indices.into_iter().zip(answers) {
            if let (Answer::Read { commit, .. }, Some(place)) = (answer, self.places.get_mut(index))
            {
                place.put(commit, files);
            }
        }
    }

    /// Asks, and once more without the store if that is broken: whatever is in it can be had again.
    async fn ask_twice(&mut self, forced: bool) -> Result<Vec<process::Answered>, Trouble> {
        let broken = |trouble: &Trouble| trouble.reason == Reason::Corrupt;
        let answers = self.ask(forced).await;
        let any = match &answers {
            Err(trouble) => broken(trouble),
            Ok(answers) => answers
                .iter()
                .any(|(answer, _)| matches!(answer, Answer::Trouble(trouble) if broken(trouble))),
        };
        if !any {
            return answers;
        }
        self.store.iter().for_each(Store::clear);
        self.ask(forced).await
    }

    async fn ask(&mut self, forced: bool) -> Result<Vec<process::Answered>, Trouble> {
        let place = credentials::place(&self.repository, &self.credential).await?;
        let mut wanted = Vec::new();
        for place in &self.places {
            wanted.push(Wanted {
                signed_by: keys::keyring(place.address.signed_by.as_deref()).await,
                ..place.wanted(forced)
            });
        }
        let answers = self.work(place, wanted).await?;
        let read = |answer: &process::Answered| matches!(answer.0, Answer::Read { .. });
        self.fetches += u32::from(answers.iter().any(read));
        Ok(answers)
    }

    async fn work(
        &self,
        place: wire::Place,
        wanted: Vec<Wanted>,
    ) -> Result<Vec<process::Answered>, Trouble> {
        let store = self.store.as_ref().map(Store::objects);
        let addresses = || self.places.iter().map(|place| &place.address);
        let job = Job {
            place,
            store: store.unwrap_or_default(),
            limits: Limits {
                pack_bytes: addresses()
                    .map(|one| one.max_pack)
                    .max()
                    .unwrap_or_default(),
                pack_objects: PACK_OBJECTS,
                files: MAX_FILES,
                file_bytes: MAX_BYTES,
                total_bytes: TOTAL_BYTES,
                entries: ENTRIES,
            },
            wanted,
        };
        let limit = addresses().map(|one| one.timeout).max().unwrap_or(BACKOFF);
        self.worker.work(&job, limit).await
    }
}

impl Place {
    /// What the paths of its files begin with.
    pub(super) fn root(&self) -> PathBuf {
        Path::new(&self.prefix).join(&self.address.path)
    }

    fn wanted(&self, forced: bool) -> Wanted {
        let address = &self.address;
        let may_rewrite = forced || address.allow_history_rewrite;
        let in_force = self.good.as_ref().map(|(commit, _)| commit);
        // A version is judged by its tag's name, which another commit's tag may take.
        let judged = !may_rewrite && !matches!(address.pick, Pick::Semver(_));
        let held = self.held.as_ref().filter(|_| judged);
        Wanted {
            revision: match &address.pick {
                Pick::Head => Revision::Head,
                Pick::Ref(name) => Revision::Ref(name.clone()),
                Pick::Either(name) => Revision::Either(name.clone()),
                Pick::Branch(name) => Revision::Ref(format!("refs/heads/{name}")),
                Pick::Tag(name) => Revision::Ref(format!("refs/tags/{name}")),
                Pick::Semver(range) => Revision::Semver(range.clone()),
                Pick::Commit(id) => Revision::Commit(id.clone()),
            },
            path: address.path.clone(),
            include: address.include.clone(),
            exclude: address.exclude.clone(),
            depth: address.depth,
            known: in_force
                .into_iter()
                .chain(held)
                .map(|one| one.id.clone())
                .collect(),
            base: in_force
                .filter(|_| asks_descent(&address.pick, may_rewrite))
                .map(|one| Base {
                    commit: one.id.clone(),
                    time: one.time,
                }),
            signed_by: None,
        }
    }

    /// Takes what a look came to.
    fn take(&mut self, answer: Result<process::Answered, Trouble>, forced: bool, took: Duration) {
        let mut result = "not_modified";
        match answer {
            Err(trouble) | Ok((Answer::Trouble(trouble), _)) => self.trouble = Some(trouble),
            Ok((Answer::Known(id), _)) => {
                let is_held = self.held.as_ref().is_some_and(|held| held.id == id);
                if !is_held {
                    self.held = None;
                    self.trouble = None;
                } else if let Some(held) = self.held.clone() {
                    self.hold(held);
                }
            }
            Ok((
                Answer::Read {
                    commit, descends, ..
                },
                files,
            )) => {
                let may_rewrite = forced || self.address.allow_history_rewrite;
                let in_force = self.good.as_ref().map(|(commit, _)| commit);
                match decide(&self.address.pick, in_force, &commit, descends, may_rewrite) {
                    Verdict::Hold => self.hold(commit),
                    Verdict::Take => {
                        result = "success";
                        self.put(commit, files);
                        self.held = None;
                        self.trouble = None;
                    }
                }
            }
        }
        if self.trouble.is_some() {
            result = "error";
        }
        self.look = Some(Look::next(self.look, result, took));
    }

    /// Puts a commit in force.
    fn put(&mut self, commit: Commit, files: Vec<(String, Vec<u8>)>) {
        let files = files.into_iter().map(|(path, bytes)| SourceFile {
            path: format!("{}/{path}", self.prefix),
            bytes,
        });
        self.good = Some((commit, Arc::new(files.collect())));
    }

    fn commit_id(&self) -> Option<&str> {
        self.good.as_ref().map(|(commit, _)| commit.id.as_str())
    }

    fn hold(&mut self, head: Commit) {
        let old = self
            .good
            .as_ref()
            .map_or("", |(commit, _)| commit.id.as_str());
        let what = format!(
            "its head {} does not follow {}, which is in force: history was rewritten, a tag moved, or a \
             version went back. {} stays in force; SIGHUP takes the new head, allowHistoryRewrite=true \
             takes every one",
            short(&head.id),
            short(old),
            short(old)
        );
        self.trouble = Some(Trouble::new(Reason::HistoryRewritten, what));
        self.held = Some(head);
    }
}

/// The first characters of a commit's id.
fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

/// What the paths of a place's files begin with: repository and revision, as a path that no folder has.
fn prefix(address: &GitAddress) -> String {
    let repository = &address.repository;
    let place = if repository.scheme == Scheme::File {
        format!("file:{}", repository.path)
    } else {
        let path = repository.path.trim_start_matches('/');
        format!("{}/{path}", repository.host)
    };
    match &address.pick {
        Pick::Head => place,
        Pick::Ref(name) | Pick::Either(name) | Pick::Branch(name) | Pick::Tag(name) => {
            format!("{place}@{name}")
        }
        Pick::Semver(range) => format!("{place}@{range}"),
        Pick::Commit(id) => format!("{place}@{}", short(id)),
    }
}

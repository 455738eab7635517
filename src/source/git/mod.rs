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

mod ancestry;
mod credentials;
mod decide;
mod keys;
mod process;
mod signature;
mod store;
mod vault;
mod wire;
pub mod worker;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use self::decide::{Verdict, asks_descent, decide};
use self::store::Store;
use self::wire::{Answer, Base, Job, Limits, Revision, Wanted};
use super::address::{Credential, GitAddress, Pick, Repository, Scheme};
use super::dir::{MAX_BYTES, MAX_FILES};
use super::schedule::Schedule;
use super::{Access, Secret};
use crate::aws::Connector;
use crate::manifest::SourceFile;
pub use ancestry::Followed;
pub use process::Worker;
pub use wire::{Commit, Reason, Trouble};

/// The interval, and the time for a step, of a repository of which no place is read.
const INTERVAL: Duration = Duration::from_mins(1);

/// Bytes of all manifests of one place.
const TOTAL_BYTES: u64 = 64 * 1024 * 1024;

/// Entries of folders that are looked at.
const ENTRIES: usize = 500_000;

/// Fetches into one store before it is made anew: each leaves a pack.
const FETCHES: u32 = 50;

/// A repository with the places of it that are read.
#[derive(Debug)]
pub(super) struct Git {
    repository: Repository,
    credential: Credential,
    /// The password that was fetched from AWS, until the server refuses it.
    password: Option<Secret>,
    worker: Worker,
    aws: Connector,
    /// Where stores are to last.
    root: Option<PathBuf>,
    store: Option<Store>,
    fetches: u32,
    schedule: Schedule,
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
    /// Whether a head (the first) was found to come after a commit.
    follows: BTreeMap<(String, String), bool>,
}

impl Git {
    /// One that was never asked.
    pub(super) fn new(address: &GitAddress, access: &Access) -> Self {
        Self {
            repository: address.repository.clone(),
            credential: address.credential.clone(),
            password: None,
            worker: access.worker.clone(),
            aws: access.aws.clone(),
            root: access.store.clone(),
            store: None,
            fetches: 0,
            schedule: Schedule::default(),
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
            follows: BTreeMap::new(),
        });
        self.places.len() - 1
    }

    pub(super) fn place(&self, index: usize) -> Option<&Place> {
        self.places.get(index)
    }

    /// When it is to be asked again.
    pub(super) fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Asks the repository if it is time, or `now`. `forced`: whatever the head is, it comes into force.
    pub(super) async fn look(&mut self, now: bool, forced: bool) {
        if !now && !forced && !self.schedule.wait().is_zero() {
            return;
        }
        let began = Instant::now();
        let answers = match self.open_store().await {
            Ok(()) => match self.recall().await {
                Ok(()) => self.ask_rightly(forced).await,
                Err(trouble) => Err(trouble),
            },
            Err(trouble) => Err(trouble),
        };
        let took = began.elapsed();
        let (answers, failed) = match answers {
            Ok(answers) => (answers.into_iter().map(Ok).collect(), false),
            Err(trouble) => (vec![Err(trouble); self.places.len()], true),
        };
        for (place, answer) in self.places.iter_mut().zip(answers) {
            let before = place.good.as_ref().map(|(commit, _)| commit.clone());
            place.take(answer, forced, took);
            if let (Some(store), Some((commit, _))) = (&self.store, &place.good)
                && before.as_ref() != Some(commit)
            {
                store.remember(&place.address.to_string(), commit);
            }
        }
        if self.fetches >= FETCHES && self.places.iter().all(Place::is_settled) {
            self.fetches = 0;
            if let Err(why) = self.renew().await {
                tracing::debug!(repository = %self.repository, "the store grows on: {}", why.message);
            }
        }
        self.schedule.asked(failed, self.interval());
    }

    /// The shortest interval of its places.
    fn interval(&self) -> Duration {
        let intervals = self.places.iter().map(|place| place.address.interval);
        intervals.min().unwrap_or(INTERVAL)
    }

    async fn open_store(&mut self) -> Result<(), Trouble> {
        if self.store.is_none() {
            let name = self.repository.to_string();
            let store = Store::open(self.root.as_deref(), &name);
            let store = store.await.map_err(|error| {
                let what = format!("no folder for what is fetched: {error}");
                Trouble::new(Reason::Internal, what)
            })?;
            self.store = Some(store);
        }
        Ok(())
    }

    /// Brings back what was in force before this process started, where the store remembers it and still
    /// has it. Asks no server.
    ///
    /// # Errors
    /// If that cannot be told now; whatever the server has, it would be taken for the first head.
    async fn recall(&mut self) -> Result<(), Trouble> {
        let Some(store) = &self.store else {
            return Ok(());
        };
        let places = self.places.iter().enumerate();
        let remembered: Vec<((usize, String), Wanted)> = places
            .filter(|(_, place)| place.good.is_none())
            .filter_map(|(index, place)| {
                let (id, reference) = store.remembered(&place.address.to_string())?;
                let wanted = Wanted {
                    revision: Revision::Commit(id),
                    known: Vec::new(),
                    base: None,
                    ..place.wanted(true)
                };
                Some(((index, reference), wanted))
            })
            .collect();
        if remembered.is_empty() {
            return Ok(());
        }
        let (places, wanted): (Vec<_>, Vec<_>) = remembered.into_iter().unzip();
        // The store is opened as a repository of this machine, which nothing is fetched into. One of this
        // machine is its own store.
        let path = if self.repository.scheme == Scheme::File {
            PathBuf::from(&self.repository.path)
        } else {
            store.objects()
        };
        let objects = wire::Place::File { path };
        let offline = self.repository.scheme != Scheme::File;
        let answers = match self.work(objects, offline, self.objects(), wanted).await {
            Ok(answers) => answers,
            // The objects are not there, or broken: what stood there is lost.
            Err(trouble) if matches!(trouble.reason, Reason::Unreachable | Reason::Corrupt) => {
                return Ok(());
            }
            Err(trouble) => return Err(trouble),
        };
        for ((index, reference), (answer, files)) in places.into_iter().zip(answers) {
            if let (Answer::Read { mut commit, .. }, Some(place)) =
                (answer, self.places.get_mut(index))
            {
                // It was read by its id; versions are compared by the ref that named it.
                commit.reference = reference;
                place.put(commit, files);
            }
        }
        Ok(())
    }

    /// Asks, and once more with the password of now if the one that was fetched before is refused.
    async fn ask_rightly(&mut self, forced: bool) -> Result<Vec<process::Answered>, Trouble> {
        let before = self.password.clone();
        let answers = self.ask_twice(forced).await;
        if before.is_none() || !any(&answers, Reason::Denied) {
            return answers;
        }
        self.password = None;
        self.fetch_password().await?;
        if self.password == before {
            return answers;
        }
        self.ask_twice(forced).await
    }

    /// Fetches the password from AWS, if it stands there and is not known.
    async fn fetch_password(&mut self) -> Result<(), Trouble> {
        if let (Some(vault), None) = (&self.credential.vault, &self.password) {
            self.password = Some(vault::fetch(vault, &self.aws).await?);
        }
        Ok(())
    }

    /// How the repository is reached now.
    async fn place_now(&mut self) -> Result<wire::Place, Trouble> {
        self.fetch_password().await?;
        credentials::place(&self.repository, &self.credential, self.password.as_ref()).await
    }

    /// Asks, and once more without the store if that is broken: whatever is in it can be had again.
    async fn ask_twice(&mut self, forced: bool) -> Result<Vec<process::Answered>, Trouble> {
        let answers = self.ask(forced).await;
        if !any(&answers, Reason::Corrupt) {
            return answers;
        }
        self.store.iter().for_each(Store::clear);
        self.ask(forced).await
    }

    /// Fetches what is in force into a second store, which takes the first one's place if it holds all of
    /// that. So a restart finds it at every moment, whatever the server does meanwhile.
    async fn renew(&mut self) -> Result<(), Trouble> {
        let Some(store) = &self.store else {
            return Ok(());
        };
        store.clear_spare();
        let place =
            credentials::place(&self.repository, &self.credential, self.password.as_ref()).await?;
        let whole = |place: &Place| Wanted {
            known: Vec::new(),
            base: None,
            ..place.wanted(true)
        };
        let wanted = self.places.iter().map(whole).collect();
        let answers = self.work(place, false, store.spare(), wanted).await?;
        let same = |(place, (answer, _)): (&Place, &process::Answered)| {
            let in_force = place.good.as_ref().map(|(commit, _)| &commit.id);
            matches!(answer, Answer::Read { commit, .. } if Some(&commit.id) == in_force)
        };
        if !self.places.iter().zip(&answers).all(same) {
            let what = "it holds something else by now";
            return Err(Trouble::new(Reason::NoRevision, what));
        }
        store.take_spare().map_err(|error| {
            let what = format!("the new store cannot take its place: {error}");
            Trouble::new(Reason::Internal, what)
        })
    }

    async fn ask(&mut self, forced: bool) -> Result<Vec<process::Answered>, Trouble> {
        let place = self.place_now().await?;
        self.store.iter().for_each(Store::sweep);
        let mut wanted = Vec::new();
        for place in &self.places {
            wanted.push(Wanted {
                signed_by: keys::keyring(place.address.signed_by.as_deref()).await,
                ..place.wanted(forced)
            });
        }
        let answers = self.work(place, false, self.objects(), wanted).await?;
        let read = |answer: &process::Answered| matches!(answer.0, Answer::Read { .. });
        // A repository of this machine is read where it is.
        let fetched = self.repository.scheme != Scheme::File && answers.iter().any(read);
        self.fetches += u32::from(fetched);
        Ok(answers)
    }

    fn objects(&self) -> PathBuf {
        let store = self.store.as_ref().map(Store::objects);
        store.unwrap_or_default()
    }

    /// Has a worker read. `store` is where it fetches to; `offline`: what it reads from is that store.
    async fn work(
        &self,
        place: wire::Place,
        offline: bool,
        store: PathBuf,
        wanted: Vec<Wanted>,
    ) -> Result<Vec<process::Answered>, Trouble> {
        let addresses = || self.places.iter().map(|place| &place.address);
        let job = Job {
            place,
            address: self.repository.clone(),
            offline,
            store,
            limits: Limits {
                pack_bytes: addresses()
                    .map(|one| one.max_pack)
                    .max()
                    .unwrap_or_default(),
                files: MAX_FILES,
                file_bytes: MAX_BYTES,
                total_bytes: TOTAL_BYTES,
                entries: ENTRIES,
            },
            wanted,
        };
        let limit = addresses().map(|one| one.timeout).max().unwrap_or(INTERVAL);
        self.worker.work(&job, limit).await
    }
}

impl Place {
    /// What the paths of its files begin with.
    pub(super) fn root(&self) -> PathBuf {
        Path::new(&self.prefix).join(&self.address.path)
    }

    /// Whether what it holds is in force, and nothing is wrong.
    fn is_settled(&self) -> bool {
        self.good.is_some() && self.held.is_none() && self.trouble.is_none()
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
            submodules: address.submodules,
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

/// Whether there is trouble of this kind with any of the places.
fn any(answers: &Result<Vec<process::Answered>, Trouble>, reason: Reason) -> bool {
    let is = |trouble: &Trouble| trouble.reason == reason;
    match answers {
        Err(trouble) => is(trouble),
        Ok(answers) => answers
            .iter()
            .any(|(answer, _)| matches!(answer, Answer::Trouble(trouble) if is(trouble))),
    }
}

/// The first characters of a commit's id.
fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

/// What the paths of a place's files begin with: repository and revision, as a path that no folder has. Two
/// repositories, or two revisions of one, never have the same.
fn prefix(address: &GitAddress) -> String {
    let place = whereabouts(address);
    match &address.pick {
        Pick::Head => place,
        Pick::Ref(name) | Pick::Either(name) => format!("{place}@{name}"),
        Pick::Branch(name) => format!("{place}@refs/heads/{name}"),
        Pick::Tag(name) => format!("{place}@refs/tags/{name}"),
        // No ref's name holds a colon.
        Pick::Semver(range) => format!("{place}@semver:{range}"),
        Pick::Commit(id) => format!("{place}@{id}"),
    }
}

/// The repository, without a scheme that people mean anyway.
fn whereabouts(address: &GitAddress) -> String {
    let place = address.repository.to_string();
    let place = place.strip_prefix("git+").unwrap_or(&place);
    // A path has no `//`; HTTPS is what people mean.
    match place.strip_prefix("https://") {
        Some(place) => place.to_owned(),
        None => place.replacen("://", ":", 1),
    }
}

/// What a place goes by whatever revision of it is read.
pub(super) fn mark(address: &GitAddress) -> String {
    let whole = Path::new(&whereabouts(address)).join(&address.path);
    whole.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Address;

    #[test]
    fn a_prefix_tells_repositories_and_revisions_apart() {
        let id = "0123456789abcdef0123456789abcdef01234567";
        for (text, expected) in [
            ("git+https://h/o/r", "h/o/r"),
            ("git+https://h:8443/o/r?ref=x", "h:8443/o/r@x"),
            ("git+https://h/o/r?branch=x", "h/o/r@refs/heads/x"),
            ("git+https://h/o/r?tag=x", "h/o/r@refs/tags/x"),
            ("git+https://h/o/r?semver=%3D1.2.0", "h/o/r@semver:=1.2.0"),
            (
                &format!("git+https://h/o/r?commit={id}"),
                &format!("h/o/r@{id}"),
            ),
            ("git+http://127.0.0.1:80/r", "http:127.0.0.1:80/r"),
            ("git+git://127.0.0.1/r", "git:127.0.0.1/r"),
            ("git+ssh://git@h:2222/o/r", "ssh:git@h:2222/o/r"),
            ("git@h:o/r", "ssh:git@h/~/o/r"),
            ("git+file:///o/r?branch=x", "file:/o/r@refs/heads/x"),
        ] {
            let Address::Git(address) = Address::parse(text).unwrap() else {
                panic!("{text}");
            };
            assert_eq!(prefix(&address), expected, "{text}");
        }
    }
}

//! What the outside may see: one value, written by the controller, read by `/status`, the API,
//! `/metrics`, the probes and the progress display; and the ring of late [`Events`]. Not an input of any
//! decision.

mod events;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

pub use events::{Event, EventKind, Events, KEPT, Page};

use crate::model::{Drift, Hold, Key, Moment, Outcome, Rollout, Tasks};

/// How many of a resource's last writes are kept.
pub const WRITES: usize = 5;

/// A write that AWS accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// When the pass that made it ended.
    pub at: Moment,
    /// The operation's name in the service model.
    pub operation: &'static str,
    /// What it did and why, for a person.
    pub why: String,
}

/// How one resource stands.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceStatus {
    /// The outcome of its last pass.
    pub outcome: Outcome,
    /// Since when the outcome has had this word and reason.
    pub since: Moment,
    /// When it was last observed.
    pub observed_at: Moment,
    /// Differences found by the last pass.
    pub drift: Vec<Drift>,
    /// The rollout in flight.
    pub rollout: Option<Rollout>,
    /// A service's task counts.
    pub tasks: Option<Tasks>,
    /// Its ARN, once known.
    pub arn: Option<String>,
    /// A service's cluster name and service name at AWS, for metrics.
    pub service: Option<(String, String)>,
    /// Passes that failed in a row.
    pub failures: u32,
    /// The file that declares it.
    pub file: String,
    /// What runs: a task definition's family and revision (`auth:5`), of those kinds that have one.
    pub revision: Option<String>,
    /// A service: the digest of the content that its manifest declares.
    pub digest: Option<String>,
    /// The commit that declares it, if a repository does.
    pub commit: Option<String>,
    /// The last writes for it since the start, newest first, at most [`WRITES`].
    pub writes: Vec<Write>,
    /// The hold that concerns it.
    pub hold: Option<Hold>,
    /// Whether what waits to be written is drift, and no change of the manifest.
    pub waits_to_heal: bool,
}

impl ResourceStatus {
    /// A resource with this outcome, of which nothing else is known.
    pub fn new(outcome: Outcome, now: Moment) -> Self {
        Self {
            outcome,
            since: now,
            observed_at: now,
            drift: Vec::new(),
            rollout: None,
            tasks: None,
            arn: None,
            service: None,
            failures: 0,
            file: String::new(),
            revision: None,
            digest: None,
            commit: None,
            writes: Vec::new(),
            hold: None,
            waits_to_heal: false,
        }
    }
}

/// How one of the sources stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartStatus {
    /// Its address as given, without secrets.
    pub address: String,
    /// `dir`, `git` or `ssm`.
    pub kind: &'static str,
    /// The number of the last look at it.
    pub looks: u64,
    /// When it was last looked at and had nothing wrong.
    pub last_success: Option<Moment>,
    /// Why what it held last is in force, and not what it holds: a word and a sentence.
    pub trouble: Option<(&'static str, String)>,
    /// The commit in force.
    pub commit: Option<CommitStatus>,
    /// The generation of parameters in force.
    pub generation: Option<i64>,
    /// The head that is held back.
    pub held: Option<CommitStatus>,
}

/// A commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommitStatus {
    /// Its id.
    pub id: String,
    /// The ref that named it.
    pub reference: String,
    /// Its author's name.
    pub author: String,
    /// The first line of its message.
    pub message: String,
    /// When it was committed.
    pub time: Moment,
}

/// How the source stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SourceStatus {
    /// The addresses of all sources, without secrets.
    pub address: String,
    /// Each source, in the order of their files.
    pub parts: Vec<PartStatus>,
    /// When it was last read whole.
    pub last_success: Option<Moment>,
    /// Why the last read failed, if it did.
    pub error: Option<String>,
    /// Valid manifests.
    pub valid: usize,
    /// Invalid manifests, and files that are none.
    pub invalid: usize,
    /// Digest of what was read.
    pub revision: String,
    /// Diagnostics of the last read, one line each.
    pub diagnostics: Vec<String>,
}

/// Requests to resync, and whether they were served (gitops-controllers d.10).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resyncs {
    /// How many were asked for; several before one is served count as one.
    pub requested: u64,
    /// How many were served: source read again and every key passed over.
    pub completed: u64,
    /// When the last was asked for.
    pub requested_at: Option<Moment>,
    /// When the last was served.
    pub completed_at: Option<Moment>,
}

/// How the queue of wake-ups stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WakeStatus {
    /// Its URL.
    pub queue: String,
    /// Whether it has answered or failed once.
    pub reached: bool,
    /// Why it cannot be read, if it cannot: the class of the failure and a sentence.
    pub trouble: Option<(&'static str, String)>,
    /// Since when it has stood so.
    pub since: Moment,
    /// When a message was last read.
    pub last_message: Option<Moment>,
}

impl WakeStatus {
    /// Whether wake-ups come.
    pub fn is_up(&self) -> bool {
        self.reached && self.trouble.is_none()
    }
}

/// A resource of this installation that no manifest declares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrphanStatus {
    /// Its kind, as manifests name it; `Application` too.
    pub kind: &'static str,
    /// What it goes by among its kind.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// `goes`, `waits` or `stays`.
    pub state: &'static str,
    /// Why, in a word.
    pub reason: &'static str,
    /// Why, or what is done, in a sentence.
    pub message: String,
}

/// How pruning stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PruneStatus {
    /// When it was last looked what there is.
    pub looked_at: Option<Moment>,
    /// What keeps up everything: a word and a sentence.
    pub held: Option<(&'static str, String)>,
    /// What no manifest declares, as it stood then, in the order in which it goes.
    pub orphans: Vec<OrphanStatus>,
}

/// A limit on how many rollouts are in flight at once, and how far it is used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RolloutLimit {
    /// The label of the services that it is for; empty for all services.
    pub label: String,
    /// The value of that label.
    pub value: String,
    /// The limit.
    pub most: usize,
    /// Services with a rollout in flight, those of which that is not known counted in.
    pub taken: usize,
    /// Services that wait for a place.
    pub waiting: usize,
}

/// Everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    /// The AWS account, once STS has told.
    pub account: Option<String>,
    /// The AWS region.
    pub region: String,
    /// The source.
    pub source: SourceStatus,
    /// Every resource of the desired set, and the invalid ones.
    pub resources: BTreeMap<Key, ResourceStatus>,
    /// Resyncs.
    pub resyncs: Resyncs,
    /// The queue of wake-ups, if there is one.
    pub wake: Option<WakeStatus>,
    /// Pruning, if it is on.
    pub prune: Option<PruneStatus>,
    /// The limits on rollouts in flight at once.
    pub rollout_limits: Vec<RolloutLimit>,
    /// When the loop last turned.
    pub heartbeat: Moment,
    /// Whether every key has been passed over once since the start.
    pub first_cycle_done: bool,
    /// Whether the program is stopping.
    pub stopping: bool,
}

impl Status {
    /// Ready: the source was read, the credentials are proven, and every key was passed over once.
    pub fn ready(&self) -> bool {
        self.account.is_some()
            && self.source.last_success.is_some()
            && self.first_cycle_done
            && !self.stopping
    }
}

/// The shared place of the status.
#[derive(Clone, Debug, Default)]
pub struct Board {
    status: Arc<RwLock<Status>>,
    events: Arc<Events>,
}

impl Board {
    /// What happened lately.
    pub fn events(&self) -> &Events {
        &self.events
    }

    /// A copy of the status.
    pub fn read(&self) -> Status {
        self.status
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Looks at the status without copying it whole.
    pub fn look<T>(&self, look: impl FnOnce(&Status) -> T) -> T {
        look(&self.status.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the status.
    pub fn write<T>(&self, change: impl FnOnce(&mut Status) -> T) -> T {
        change(&mut self.status.write().unwrap_or_else(PoisonError::into_inner))
    }
}

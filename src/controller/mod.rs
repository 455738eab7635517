//! The loop: triggers wake keys, workers pass over them, outcomes say when to look again.
//!
//! What it is: one task that owns the queue and the state, and a bounded set of workers. What it is
//! not: it knows no kind of resource and makes no AWS call itself.
//!
//! Invariants:
//! - A trigger (file change, poll, signal, message) carries no data, at most what to look at: it only makes
//!   the loop look.
//! - One pass per key at a time; one failing key holds up no other.
//! - A source that cannot be read, or an environment whose values cannot, leaves the last desired set in
//!   force. With credentials of the wrong account no pass starts and no write begins.
//! - Stopping starts nothing new, waits for the calls in flight (at most [`STOP_GRACE`]), and leaves
//!   AWS's own deployments running.

mod asked;
mod command;
mod event;
mod fight;
mod holds;
mod identity;
mod pass;
mod preview;
mod prune;
mod reading;
mod report;
mod requeue;
mod self_heal;
mod state;
mod wake;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::{Id, JoinHandle, JoinSet};

pub use event::{Ended, Event, Until};
pub use pass::Mode;
pub use preview::{Foresight, Preview, foresee, preview};
pub use prune::{Prune, source_marks};

use self::command::{Carrying, Ordered};
use self::identity::identify;
use self::pass::{Context, Done};
use self::prune::{Pruner, Turn};
use self::reading::{Read, Reading, finished, read};
use self::state::State;
use crate::ask::Ask;
use crate::aws::Aws;
use crate::clock::Clock;
use crate::environment::Chosen;
use crate::kinds::Policy;
use crate::manifest::{LoadOptions, Loaded, Scope, Severity};
use crate::metrics::Metrics;
use crate::model::{Fail, Key, Kind, Moment, Outcome, Plan};
use crate::source::{Eagerness, Sources};
use crate::status::{Board, EventKind};

/// Settings of the loop.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Settings of the planners.
    pub policy: Policy,
    /// How many passes over resources of one kind run at once. By kind, so that an API that hangs
    /// holds up the kinds that it reads for and no other. Passes wait for AWS, not for the
    /// processor; the pacer bounds the calls.
    pub workers: usize,
    /// How often (real time) the source is read although nothing told that it changed.
    pub poll: Duration,
    /// Settings of the loader.
    pub load: LoadOptions,
    /// The environment that is reconciled for.
    pub chosen: Chosen,
    /// Whether what no manifest declares any more goes, and how.
    pub prune: Option<Prune>,
    /// Seed of the jitter. Tests fix it.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            workers: 8,
            poll: Duration::from_mins(1),
            load: LoadOptions::default(),
            chosen: Chosen::default(),
            prune: None,
            seed: fastrand::u64(..),
        }
    }
}

/// How long (real time) stopping waits for calls in flight.
pub const STOP_GRACE: Duration = Duration::from_secs(20);

/// The longest time between two turns of the loop: what `/healthz` judges by.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// The controller of one source against one account and region.
#[derive(Debug)]
pub struct Controller {
    context: Arc<Context>,
    clock: Clock,
    metrics: Arc<Metrics>,
    board: Board,
    source: Sources,
    settings: Settings,
    luck: fastrand::Rng,
    state: State,
    running: JoinSet<Work>,
    passes: BTreeMap<Id, (Key, Moment)>,
    /// What is in force: the files' revision, and the environment with its values.
    revision: Option<(String, Scope)>,
    /// The read of the source under way.
    reading: Option<JoinHandle<Read>>,
    /// Whether every key is to be passed over once the source has been read.
    resync: bool,
    /// The resources that are to be passed over once the source has been read.
    resyncing: BTreeSet<Key>,
    /// Those of them whose drift is to be healed by that pass.
    healing: BTreeSet<Key>,
    /// Whether repositories are to be asked before their interval is over.
    pushed: bool,
    /// Where persons ask.
    asks: Option<mpsc::Receiver<Ask>>,
    /// Commands that wait for their turn: at most one for a resource.
    orders: BTreeMap<Key, Ordered>,
    /// The place of the one answer that is read from AWS.
    histories: Arc<Semaphore>,
    changing: holds::Changing,
    /// The last complaint about the source, so that it is logged once.
    complaint: Option<String>,
    /// What pruning is at.
    pruner: Pruner,
}

/// What a task over a key gave.
enum Work {
    /// A pass; nothing if its manifest went away.
    Pass(Box<Option<Done>>),
    /// A command in the place of one.
    Command(Box<Carrying>),
}

/// What woke the loop.
enum Woken {
    Event(Option<Event>),
    Ask(Ask),
    Read(Read),
    Changed(holds::Changed),
    Work(Box<Result<(Id, Work), tokio::task::JoinError>>),
    Identified,
    Pruned(Result<Turn, tokio::task::JoinError>),
    Time,
}

impl Controller {
    /// A controller that has read nothing yet.
    pub fn new(
        aws: Aws,
        clock: Clock,
        metrics: Arc<Metrics>,
        board: Board,
        source: impl Into<Sources>,
        settings: Settings,
    ) -> Self {
        let source = source.into();
        board.write(|status| {
            aws.region().clone_into(&mut status.region);
            status.source.address = source.to_string();
        });
        metrics.max_workers(settings.workers * Kind::ALL.len());
        let context = Context::new(aws, &clock, settings.policy.clone(), Mode::Apply);
        let luck = fastrand::Rng::with_seed(settings.seed);
        Self {
            context: Arc::new(context),
            clock,
            metrics,
            board,
            source,
            settings,
            luck,
            state: State::default(),
            running: JoinSet::new(),
            passes: BTreeMap::new(),
            revision: None,
            reading: None,
            resync: false,
            resyncing: BTreeSet::new(),
            healing: BTreeSet::new(),
            pushed: false,
            asks: None,
            orders: BTreeMap::new(),
            histories: Arc::new(Semaphore::new(1)),
            changing: holds::Changing::default(),
            complaint: None,
            pruner: Pruner::default(),
        }
    }

    /// Runs until `until`, or an [`Event::Stop`], or `events` is closed.
    pub async fn run(mut self, mut events: mpsc::Receiver<Event>, until: Until) -> Ended {
        let mut poll_at = self.clock.now();
        // Beside the loop, because a call that nobody answers takes as long as its timeout.
        let (told, mut identified) = oneshot::channel();
        let identity = tokio::spawn(identify(
            self.context.aws.clone(),
            self.board.clone(),
            self.clock.clone(),
            told,
        ));
        // Passes begin when the account has been asked for once: ARNs hold it.
        let mut asked = false;
        let ended = loop {
            let now = self.clock.now();
            if now >= poll_at && self.reading.is_none() {
                self.start_reading();
                poll_at = now.plus(self.settings.poll * self.clock.speed());
            }
            if asked {
                self.start_due();
                self.prune_if_due(until);
            }
            self.beat();
            if let Until::Settled(deadline) = until {
                if self.running.is_empty()
                    && self.revision.is_some()
                    && self.state.settled()
                    && self.prune_settled(until)
                {
                    break Ended::Settled;
                }
                if self.clock.now() >= deadline {
                    self.stop().await;
                    break Ended::TimedOut;
                }
            }
            let wake = self.wake_at(poll_at, until);
            let woken = tokio::select! {
                biased;
                event = events.recv() => Woken::Event(event),
                Some(ask) = asked::next(&mut self.asks) => Woken::Ask(ask),
                reading = finished(&mut self.reading), if self.reading.is_some() => Woken::Read(reading),
                changed = self.changing.next() => Woken::Changed(changed),
                Some(joined) = self.running.join_next_with_id(), if !self.running.is_empty() => Woken::Work(Box::new(joined)),
                _ = &mut identified, if !asked => Woken::Identified,
                turn = self.pruner.next() => Woken::Pruned(turn),
                () = self.clock.sleep_until(wake) => Woken::Time,
            };
            match woken {
                Woken::Event(Some(Event::SourceChanged)) => poll_at = self.clock.now(),
                Woken::Event(Some(Event::Pushed)) => {
                    self.pushed = true;
                    poll_at = self.clock.now();
                }
                Woken::Event(Some(Event::Woken(hints))) => {
                    if self.look_at(&hints) {
                        poll_at = self.clock.now();
                    }
                }
                Woken::Event(Some(Event::Resync(trigger))) => {
                    self.ask_resync(trigger);
                    poll_at = self.clock.now();
                }
                Woken::Ask(ask) => {
                    if self.asked(ask) {
                        poll_at = self.clock.now();
                    }
                }
                Woken::Event(Some(Event::Stop) | None) => {
                    self.stop().await;
                    break Ended::Stopped;
                }
                Woken::Read(reading) => {
                    // A repository may want to be asked sooner, or later, than folders.
                    if let Some(due) = self.source.next_due().await {
                        let due = self.clock.now().plus(due * self.clock.speed());
                        poll_at = poll_at.min(due);
                    }
                    if !self.take_reading(reading)
                        && self.revision.is_none()
                        && until != Until::Stopped
                    {
                        break Ended::SourceUnreadable;
                    }
                }
                Woken::Changed(changed) => self.hold_changed(changed),
                Woken::Work(joined) => self.ended(*joined),
                Woken::Identified => asked = true,
                Woken::Pruned(turn) => self.pruned(turn, until),
                Woken::Time => {}
            }
        };
        identity.abort();
        ended
    }

    /// Starts passes over due keys, as many of each kind as there are workers.
    fn start_due(&mut self) {
        self.refuse_orders();
        while !self.context.is_refused() {
            let now = self.clock.now();
            let mut busy: BTreeMap<Kind, usize> = BTreeMap::new();
            for (key, _) in self.passes.values() {
                *busy.entry(key.kind).or_default() += 1;
            }
            let workers = self.settings.workers;
            let may = |key: &Key| busy.get(&key.kind).is_none_or(|busy| *busy < workers);
            let Some(due) = self.state.queue.pop(now, may) else {
                return;
            };
            self.metrics.queue_waited(now.since(due.since));
            let request = self.state.request(&due.key, now);
            let context = Arc::clone(&self.context);
            let order = self.orders.remove(&due.key).filter(Ordered::is_wanted);
            let handle = if let Some(ordered) = order {
                self.running.spawn(async move {
                    let carried = command::carry_out(&context, &request, ordered).await;
                    Work::Command(Box::new(carried))
                })
            } else {
                self.metrics.pass_started(due.key.kind);
                self.running.spawn(async move {
                    let done = pass::pass(&context, &request).await;
                    Work::Pass(Box::new(done))
                })
            };
            self.passes.insert(handle.id(), (due.key, now));
        }
    }

    /// A pass ended, or broke.
    fn ended(&mut self, joined: Result<(Id, Work), tokio::task::JoinError>) {
        let (id, done) = match joined {
            Ok((id, Work::Pass(done))) => (id, *done),
            Ok((id, Work::Command(carried))) => {
                if let Some((key, _)) = self.passes.remove(&id) {
                    self.carried(&key, *carried);
                }
                return;
            }
            Err(error) => {
                let why = "the pass broke; this is a defect of this program".to_owned();
                if let Some((key, _)) = self.passes.get(&error.id()) {
                    self.metrics.pass_panicked(key.kind);
                    tracing::error!(%key, "a pass broke: {error}");
                }
                let plan = Plan::only(Outcome::Failed(Fail::Internal, why));
                (error.id(), Some(Done::without_writes(plan)))
            }
        };
        let Some((key, started)) = self.passes.remove(&id) else {
            return;
        };
        let now = self.clock.now();
        let Some(done) = done else {
            self.state.abandon(&key);
            return;
        };
        let luck = self.luck.f64();
        self.state.finish(&key, &done, started, now, luck);
        self.report(&key, &done, started, now);
    }

    /// Starts reading the source, beside the loop.
    fn start_reading(&mut self) {
        let pushed = std::mem::take(&mut self.pushed);
        let eagerness = match (self.resync, pushed) {
            (true, _) => Eagerness::Forced,
            (false, true) => Eagerness::Now,
            (false, false) => Eagerness::Due,
        };
        self.reading = Some(tokio::spawn(read(
            self.source.clone(),
            eagerness,
            self.settings.load,
            self.settings.chosen.clone(),
            self.context.aws.clone(),
            self.revision.clone(),
        )));
    }

    /// Takes what was read into force; gives whether it could be read.
    fn take_reading(&mut self, read: Read) -> bool {
        let now = self.clock.now();
        self.reading = None;
        self.sources(&read, now);
        let Read {
            reading,
            complaint,
            sources,
        } = read;
        let commits = report::revisions(&sources);
        let reading_trouble = match &reading {
            Reading::WrongAccount(why) | Reading::Failed(why) => Some(why.clone()),
            Reading::Same | Reading::New { .. } => None,
        };
        match &reading {
            Reading::WrongAccount(_) => self.context.refuse(true),
            // The account was proven on the way to either.
            Reading::Same | Reading::New { .. } => self.context.refuse(false),
            // Says nothing about the account: what was wrong is so until it is proven right.
            Reading::Failed(_) => {}
        }
        let read = match reading {
            Reading::WrongAccount(why) => {
                // Every time: nothing is done at all until somebody mends it.
                tracing::error!("{why}");
                self.board
                    .write(|status| status.source.error = Some(why.clone()));
                self.complaint = Some(why);
                false
            }
            Reading::Failed(why) => {
                self.complain(why);
                false
            }
            Reading::Same => {
                self.board.write(|status| {
                    status.source.error = None;
                    if complaint.is_none() {
                        status.source.last_success = Some(now);
                    }
                });
                true
            }
            Reading::New {
                loaded,
                revision,
                scope,
            } => {
                self.revision = Some((reading::remembered(&loaded, &revision), scope));
                self.take(*loaded, &revision, now);
                true
            }
        };
        let trouble = match &reading_trouble {
            Some(why) => Some(why.clone()),
            None => complaint.clone(),
        };
        self.pruner.sources(trouble, now);
        if read {
            // A commit that changes no manifest is told with what is done from now on, and causes nothing.
            let environment = self.settings.chosen.name();
            let marks = prune::source_marks(&sources, environment);
            self.state.set_origins(commits, marks);
        }
        match complaint {
            Some(why) if read => self.complain(why),
            _ if read => self.complaint = None,
            _ => {}
        }
        if std::mem::take(&mut self.resync) {
            // What is in force is passed over even if the source cannot be read just now.
            self.state.resync(now);
        }
        for key in std::mem::take(&mut self.resyncing) {
            self.state.resync_of(&key, now);
        }
        for key in std::mem::take(&mut self.healing) {
            self.state.heal(&key, now);
        }
        read
    }

    /// Says what is wrong with the sources, once.
    fn complain(&mut self, why: String) {
        if self.complaint.as_ref() != Some(&why) {
            tracing::error!("{why}; the last desired state stays in force");
        }
        self.board
            .write(|status| status.source.error = Some(why.clone()));
        self.complaint = Some(why);
    }

    /// Takes a loaded set into force.
    fn take(&mut self, loaded: Loaded, revision: &str, now: Moment) {
        report::diagnostics(&loaded.diagnostics);
        let broken = loaded
            .diagnostics
            .iter()
            .any(|found| found.severity == Severity::Error);
        self.pruner.manifests(reading::doubt(&loaded), now);
        // A file that cannot be parsed has no key to be counted by.
        let invalid = loaded.set.invalid.len().max(usize::from(broken));
        let lines: Vec<String> = loaded.diagnostics.iter().map(report::line).collect();
        let valid = loaded.set.resources.len();
        let changed = self.state.replace(loaded.set, now);
        let set = Arc::clone(&self.state.set);
        self.board.write(|status| {
            status.source.error = None;
            status.source.last_success = Some(now);
            status.source.valid = valid;
            status.source.invalid = invalid;
            revision.clone_into(&mut status.source.revision);
            status.source.diagnostics = lines;
            report::replace(status, &set, now);
        });
        for _ in 0..changed {
            self.metrics.queue_added(false);
        }
        tracing::info!(manifests = valid, invalid, changed, "desired state read");
        let text =
            format!("desired state read: {valid} manifests, {invalid} invalid, {changed} changed");
        self.board
            .events()
            .record(now, EventKind::Source, None, text);
    }

    /// Takes a request to look at everything again. Several before it is served count as one.
    /// Gives the request's number.
    fn ask_resync(&mut self, trigger: &'static str) -> u64 {
        tracing::info!(trigger, "resync of everything");
        self.metrics.resync_requested(trigger, "all");
        self.resync = true;
        self.note_resync(None)
    }

    fn beat(&mut self) {
        let now = self.clock.now();
        self.metrics.queue_depth(self.state.queue.depth(now));
        let ages = || self.passes.values().map(|(_, started)| now.since(*started));
        self.metrics
            .queue_unfinished(ages().sum(), ages().max().unwrap_or_default());
        let resyncing = self.resync || !self.resyncing.is_empty() || self.state.resyncing();
        let seen_all = self.state.seen_all() && self.revision.is_some();
        self.board.write(|status| {
            status.heartbeat = now;
            status.first_cycle_done |= seen_all;
            if !resyncing && status.resyncs.completed < status.resyncs.requested {
                status.resyncs.completed = status.resyncs.requested;
                status.resyncs.completed_at = Some(now);
            }
        });
    }

    fn wake_at(&self, poll_at: Moment, until: Until) -> Moment {
        let now = self.clock.now();
        let mut wake = now.plus(HEARTBEAT * self.clock.speed());
        // One that is due and not started waits for something that turns the loop anyway.
        let prune_at = self.prune_at().filter(|at| *at > now);
        wake = prune_at.map_or(wake, |at| at.min(wake));
        if self.reading.is_none() {
            wake = wake.min(poll_at);
        }
        if let Until::Settled(deadline) = until {
            wake = wake.min(deadline);
        }
        // A key that is due and not started waits for a worker, whose end wakes the loop.
        self.state
            .queue
            .next_deadline()
            .filter(|due| *due > now)
            .map_or(wake, |due| due.min(wake))
    }

    /// Starts nothing new, lets the writes in flight end, and leaves the rest behind.
    async fn stop(&mut self) {
        self.board.write(|status| status.stopping = true);
        tracing::info!("stopping; deployments at AWS go on");
        if tokio::time::timeout(STOP_GRACE, self.context.close())
            .await
            .is_err()
        {
            tracing::warn!("a write was left in flight; the next start sees what came of it");
        }
        self.running.abort_all();
        self.pruner = Pruner::default();
    }
}

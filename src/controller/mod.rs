//! The loop: triggers wake keys, workers pass over them, outcomes say when to look again.
//!
//! What it is: one task that owns the queue and the state, and a bounded set of workers. What it is
//! not: it knows no kind of resource and makes no AWS call itself.
//!
//! Invariants:
//! - A trigger (file change, poll, signal) carries no data: it only makes the loop look.
//! - One pass per key at a time; one failing key holds up no other.
//! - A source that cannot be read leaves the last desired set in force.
//! - Stopping starts nothing new, waits for the calls in flight (at most [`STOP_GRACE`]), and leaves
//!   AWS's own deployments running.

mod pass;
mod preview;
mod report;
mod requeue;
mod state;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{Id, JoinSet};

pub use pass::Mode;
pub use preview::{Preview, preview};

use self::pass::{Context, Done};
use self::state::State;
use crate::aws::{Aws, Observer};
use crate::clock::Clock;
use crate::kinds::Policy;
use crate::manifest::{LoadOptions, Loaded, Severity, load};
use crate::metrics::Metrics;
use crate::model::{Fail, Key, Moment, Outcome, Plan};
use crate::source::Dir;
use crate::status::{Board, Status};

/// What makes the loop look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The source may have changed.
    SourceChanged,
    /// A person wants everything read and passed over again now. The word is the trigger's
    /// (`signal`, `api`).
    Resync(&'static str),
    /// Stop.
    Stop,
}

/// When a run ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Never: the daemon.
    Stopped,
    /// When nothing moves any more, or at this moment.
    Settled(Moment),
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was told to stop.
    Stopped,
    /// Nothing moves any more.
    Settled,
    /// The time was up.
    TimedOut,
    /// The source could not be read at all.
    SourceUnreadable,
}

/// Settings of the loop.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Settings of the planners.
    pub policy: Policy,
    /// How many passes run at once. Passes wait for AWS, not for the processor; the pacer bounds
    /// the calls.
    pub workers: usize,
    /// How often the source is read although nothing told that it changed.
    pub poll: Duration,
    /// Settings of the loader.
    pub load: LoadOptions,
    /// Seed of the jitter. Tests fix it.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            workers: 16,
            poll: Duration::from_mins(1),
            load: LoadOptions::default(),
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
    source: Dir,
    settings: Settings,
    luck: fastrand::Rng,
    state: State,
    running: JoinSet<Option<Done>>,
    passes: BTreeMap<Id, (Key, Moment)>,
    revision: Option<String>,
}

impl Controller {
    /// A controller that has read nothing yet.
    pub fn new(
        aws: Aws,
        clock: Clock,
        metrics: Arc<Metrics>,
        board: Board,
        source: Dir,
        settings: Settings,
    ) -> Self {
        let observer = Observer::new(aws.clone(), clock.clone());
        board.write(|status| {
            aws.region().clone_into(&mut status.region);
            status.source.address = source.root().display().to_string();
        });
        metrics.max_workers(settings.workers);
        let context = Context {
            aws,
            observer,
            policy: settings.policy.clone(),
            mode: Mode::Apply,
        };
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
        }
    }

    /// Runs until `until`, or an [`Event::Stop`], or `events` is closed.
    pub async fn run(mut self, mut events: mpsc::Receiver<Event>, until: Until) -> Ended {
        let mut poll_at = self.clock.now();
        // Beside the loop, because a call that nobody answers takes as long as its timeout.
        let identity = tokio::spawn(identify(
            self.context.aws.clone(),
            self.board.clone(),
            self.clock.clone(),
            self.settings.poll,
        ));
        let ended = loop {
            let now = self.clock.now();
            if now >= poll_at {
                if !self.read_source(now)
                    && matches!(until, Until::Settled(_))
                    && self.revision.is_none()
                {
                    break Ended::SourceUnreadable;
                }
                poll_at = now.plus(self.settings.poll);
            }
            self.start_due();
            self.beat();
            if let Until::Settled(deadline) = until {
                if self.running.is_empty() && self.state.settled() {
                    break Ended::Settled;
                }
                if self.clock.now() >= deadline {
                    self.stop().await;
                    break Ended::TimedOut;
                }
            }
            let wake = self.wake_at(poll_at, until);
            tokio::select! {
                biased;
                event = events.recv() => match event {
                    Some(Event::SourceChanged) => poll_at = self.clock.now(),
                    Some(Event::Resync(trigger)) => {
                        self.resync(trigger);
                        poll_at = self.clock.now().plus(self.settings.poll);
                    }
                    Some(Event::Stop) | None => {
                        self.stop().await;
                        break Ended::Stopped;
                    }
                },
                Some(joined) = self.running.join_next_with_id(), if !self.running.is_empty() => self.ended(joined),
                () = self.clock.sleep_until(wake) => {}
            }
        };
        identity.abort();
        ended
    }

    /// Starts passes over due keys, as many as there are workers.
    fn start_due(&mut self) {
        while self.running.len() < self.settings.workers {
            let now = self.clock.now();
            let Some(due) = self.state.queue.pop(now) else {
                return;
            };
            self.metrics.queue_waited(now.since(due.since));
            self.metrics.pass_started(due.key.kind);
            let request = self.state.request(&due.key, now);
            let context = Arc::clone(&self.context);
            let handle = self
                .running
                .spawn(async move { pass::pass(&context, &request).await });
            self.passes.insert(handle.id(), (due.key, now));
        }
    }

    /// A pass ended, or broke.
    fn ended(&mut self, joined: Result<(Id, Option<Done>), tokio::task::JoinError>) {
        let (id, done) = match joined {
            Ok((id, done)) => (id, done),
            Err(error) => {
                let done = Done {
                    plan: Plan::only(Outcome::Failed(
                        Fail::Internal,
                        "the pass broke; this is a defect".to_owned(),
                    )),
                    written: 0,
                    fault: None,
                };
                if let Some((key, _)) = self.passes.get(&error.id()) {
                    self.metrics.pass_panicked(key.kind);
                    tracing::error!(%key, "a pass broke: {error}");
                }
                (error.id(), Some(done))
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

    /// Reads the source; gives whether it could be read.
    fn read_source(&mut self, now: Moment) -> bool {
        let snapshot = self.source.read();
        let took = self.clock.now().since(now);
        let address = self.source.root().display().to_string();
        let snapshot = match snapshot {
            Ok(snapshot) => snapshot,
            Err(error) => {
                self.metrics.source_fetched(&address, "dir", "error", took);
                tracing::error!("{error}; the last desired state stays in force");
                self.board
                    .write(|status| status.source.error = Some(error.to_string()));
                return false;
            }
        };
        let unchanged = self.revision.as_ref() == Some(&snapshot.revision);
        self.metrics.source_fetched(
            &address,
            "dir",
            if unchanged { "not_modified" } else { "success" },
            took,
        );
        if unchanged {
            self.board.write(|status| {
                status.source.error = None;
                status.source.last_success = Some(now);
            });
            return true;
        }
        let loaded = load(&snapshot.files, &self.settings.load);
        self.revision = Some(snapshot.revision.clone());
        self.take(loaded, &snapshot.revision, now);
        true
    }

    /// Takes a loaded set into force.
    fn take(&mut self, loaded: Loaded, revision: &str, now: Moment) {
        report::diagnostics(&loaded.diagnostics);
        let broken = loaded
            .diagnostics
            .iter()
            .any(|found| found.severity == Severity::Error);
        // A file that cannot be parsed has no key to be counted by.
        let invalid = loaded.set.invalid.len().max(usize::from(broken));
        let lines: Vec<String> = loaded.diagnostics.iter().map(report::line).collect();
        let valid = loaded.set.resources.len();
        let changed = self.board.write(|status| {
            status.source.error = None;
            status.source.last_success = Some(now);
            status.source.valid = valid;
            status.source.invalid = invalid;
            revision.clone_into(&mut status.source.revision);
            status.source.diagnostics = lines;
            self.state.replace(loaded.set, now, status)
        });
        for _ in &changed {
            self.metrics.queue_added(false);
        }
        tracing::info!(
            manifests = valid,
            invalid,
            changed = changed.len(),
            "desired state read"
        );
    }

    /// Serves a request to look at everything again. Several before it is served count as one.
    fn resync(&mut self, trigger: &'static str) {
        let now = self.clock.now();
        tracing::info!(trigger, "resync of everything");
        self.metrics.resync_requested(trigger);
        self.board.write(|status| {
            status.resyncs.requested += 1;
            status.resyncs.requested_at = Some(now);
        });
        self.read_source(now);
        self.state.resync(now);
    }

    fn beat(&mut self) {
        let now = self.clock.now();
        self.metrics.queue_depth(self.state.queue.depth(now));
        let ages = || self.passes.values().map(|(_, started)| now.since(*started));
        self.metrics
            .queue_unfinished(ages().sum(), ages().max().unwrap_or_default());
        let (resyncing, seen_all) = (self.state.resyncing(), self.state.seen_all());
        self.board.write(|status: &mut Status| {
            status.heartbeat = now;
            status.first_cycle_done |= seen_all && self.revision.is_some();
            if !resyncing && status.resyncs.completed < status.resyncs.requested {
                status.resyncs.completed = status.resyncs.requested;
                status.resyncs.completed_at = Some(now);
            }
        });
    }

    fn wake_at(&self, poll_at: Moment, until: Until) -> Moment {
        let mut wake = self
            .clock
            .now()
            .plus(HEARTBEAT * self.clock.speed())
            .min(poll_at);
        if self.running.len() < self.settings.workers {
            wake = self
                .state
                .queue
                .next_deadline()
                .map_or(wake, |due| due.min(wake));
        }
        match until {
            Until::Settled(deadline) => wake.min(deadline),
            Until::Stopped => wake,
        }
    }

    /// Lets the passes in flight end.
    async fn stop(&mut self) {
        self.board.write(|status| status.stopping = true);
        tracing::info!(
            passes = self.running.len(),
            "stopping; deployments at AWS go on"
        );
        let all = async { while self.running.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_GRACE, all).await.is_err() {
            tracing::warn!("calls still in flight were left behind");
        }
    }
}

/// Learns whose credentials these are, trying until it is known. `/readyz` waits for it.
async fn identify(aws: Aws, board: Board, clock: Clock, every: Duration) {
    loop {
        match aws.account().await {
            Ok(account) => {
                tracing::info!(%account, region = aws.region(), "credentials proven");
                board.write(|status| status.account = Some(account));
                return;
            }
            Err(fault) => tracing::error!("cannot tell whose credentials these are: {fault}"),
        }
        clock.sleep(every).await;
    }
}

//! Pruning as the loop does it: look at AWS, decide over the manifests that are in force at that moment, take
//! one step, look again. What goes is decided in [`crate::prune`].
//!
//! Invariants:
//! - A look that began under other manifests than those in force decides nothing.
//! - Nothing goes under a hold (`kinds::hold`), which is asked for before each step.
//! - One step at a time, and none while the sources are not to be believed.
//! - Losing what is kept here costs a look, and the grace time anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::task::{JoinError, JoinSet};

use super::pass::{Context, send};
use super::requeue::{AFTER_WRITE, IN_FLIGHT, backoff};
use super::{Controller, Until};
use crate::aws::{Class, Fault};
use crate::kinds::hold;
use crate::manifest::DesiredSet;
use crate::model::{FactBoard, Moment, Step};
use crate::prune::{
    Histories, History, Hold, Inventory, Judged, Pruning, Terms, Verdict, Why, histories_of, plan,
};
use crate::prune::{ground, observe, source_mark};
use crate::source::{Followed, SourceState, Sources};
use crate::status::{EventKind, OrphanStatus, PruneStatus};

/// How often it is looked whether something is to go, while nothing says that something may have: an
/// inventory is a call for a hundred resources.
const EVERY: Duration = Duration::from_mins(10);

/// How long an orphan that is held is left before it is asked for again.
const HELD_FOR: Duration = Duration::from_secs(15);

/// How pruning goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prune {
    /// The share of each kind that may go, in percent.
    pub percent: u8,
    /// How long a manifest must have been gone.
    pub grace: Duration,
}

/// What the loop keeps of it.
#[derive(Debug, Default)]
pub(super) struct Pruner {
    /// When to look next.
    at: Moment,
    /// The look, or the write, under way.
    task: JoinSet<Turn>,
    /// What is wrong with files and manifests in force.
    errors: Option<String>,
    /// What is wrong with the sources.
    trouble: Option<String>,
    /// Since when each orphan has been missed.
    since: BTreeMap<String, Moment>,
    /// Steps that AWS refused: how often in a row, until when they are left, and why.
    refused: BTreeMap<String, (u32, Moment, String)>,
    /// Looks that failed in a row.
    failures: u32,
    /// The manifests under which the last look found nothing to move.
    rested: Option<Arc<DesiredSet>>,
}

/// What came of a task.
#[derive(Debug)]
pub(super) enum Turn {
    /// What was seen, and under which manifests.
    Looked(Arc<DesiredSet>, Result<(Inventory, Histories), String>),
    /// What became of a step; nothing if none may be taken any more.
    Wrote(Box<Judged>, Step, Option<Result<Value, Fault>>),
    /// A step that a person's hold keeps from being taken, or of which that is not known.
    Held(Box<Judged>, String),
}

impl Pruner {
    /// Takes how the sources stand. `errors`: of the manifests that came into force, if some did.
    pub(super) fn sources(&mut self, trouble: Option<String>, now: Moment) {
        if self.trouble != trouble {
            self.trouble = trouble;
            self.at = now;
        }
    }

    /// Takes what is wrong with the manifests that came into force.
    pub(super) fn manifests(&mut self, errors: Option<String>, now: Moment) {
        self.errors = errors;
        self.at = now;
    }

    /// Waits for the task under way; for ever without one.
    pub(super) async fn next(&mut self) -> Result<Turn, JoinError> {
        match self.task.join_next().await {
            Some(turn) => turn,
            None => std::future::pending().await,
        }
    }
}

impl Controller {
    /// Starts a look, if one is due and may be taken.
    pub(super) fn prune_if_due(&mut self, until: Until) {
        let now = self.clock.now();
        if self.settings.prune.is_none() || !self.pruner.task.is_empty() || now < self.pruner.at {
            return;
        }
        if let Err(hold) = self.prunable(until) {
            self.pruner.at = now.plus(IN_FLIGHT);
            self.told_hold(Some(hold), now);
            return;
        }
        let (context, sources) = (Arc::clone(&self.context), self.source.clone());
        let (set, facts) = (Arc::clone(&self.state.set), Arc::clone(&self.state.facts));
        self.pruner.task.spawn(async move {
            let seen = look(&context, &sources, &set, &facts, now).await;
            Turn::Looked(set, seen)
        });
    }

    /// When the next look is due; `None` while pruning is off.
    pub(super) fn prune_at(&self) -> Option<Moment> {
        let idle = self.pruner.task.is_empty();
        (self.settings.prune.is_some() && idle).then_some(self.pruner.at)
    }

    /// Whether pruning moves nothing any more.
    pub(super) fn prune_settled(&self, until: Until) -> bool {
        let Some(rested) = &self.pruner.rested else {
            let held = self.prunable(until).err();
            return self.settings.prune.is_none()
                || held.is_some_and(|(hold, _)| !hold.is_passing());
        };
        self.settings.prune.is_none()
            || (self.pruner.task.is_empty() && Arc::ptr_eq(rested, &self.state.set))
    }

    /// Whether anything may be pruned now.
    fn prunable(&self, until: Until) -> Result<(), (Hold, String)> {
        let (trouble, errors) = (&self.pruner.trouble, &self.pruner.errors);
        if self.revision.is_some() || trouble.is_some() {
            ground(&self.state.set, trouble.as_deref(), errors.as_deref())?;
        }
        // Somebody who waits for the end of it wants what is new to stand before what is old goes.
        let ready = match until {
            Until::Stopped => self.state.seen_all(),
            Until::Settled(_) => self.state.settled(),
        };
        if self.revision.is_none() || !ready {
            let text = "not every resource has been looked at yet".to_owned();
            return Err((Hold::NotSeen, text));
        }
        Ok(())
    }

    /// A look or a write has ended.
    pub(super) fn pruned(&mut self, turn: Result<Turn, JoinError>, until: Until) {
        let now = self.clock.now();
        match turn {
            Ok(Turn::Looked(set, seen)) => self.looked(&set, seen, until, now),
            Ok(Turn::Wrote(judged, step, result)) => self.wrote(&judged, &step, result, now),
            Ok(Turn::Held(judged, why)) => {
                let why = self.state.set.secrets.hide(&why);
                let until = now.plus(HELD_FOR);
                self.pruner.refused.insert(judged.arn, (0, until, why));
                self.pruner.at = now;
            }
            Err(error) => {
                let why = format!("a look broke; this is a defect of this program: {error}");
                self.looked(&Arc::clone(&self.state.set), Err(why), until, now);
            }
        }
    }

    fn looked(
        &mut self,
        set: &Arc<DesiredSet>,
        seen: Result<(Inventory, Histories), String>,
        until: Until,
        now: Moment,
    ) {
        let Some(settings) = self.settings.prune else {
            return;
        };
        if !Arc::ptr_eq(set, &self.state.set) {
            self.pruner.at = now;
            return;
        }
        if let Err(hold) = self.prunable(until) {
            self.pruner.at = now.plus(IN_FLIGHT);
            return self.told_hold(Some(hold), now);
        }
        let (inventory, histories) = match seen {
            Ok(seen) => seen,
            Err(why) => {
                self.pruner.failures = self.pruner.failures.saturating_add(1);
                let luck = self.luck.f64();
                self.pruner.at = now.plus(backoff(self.pruner.failures, luck));
                let hold = (Hold::Unreadable, set.secrets.hide(&why));
                return self.told_hold(Some(hold), now);
            }
        };
        self.pruner.failures = 0;
        let missed_lately = self.pruner.missed(&inventory, settings.grace, now);
        let mut pruning = plan(
            &inventory.orphans,
            &Terms {
                set,
                facts: &self.state.facts,
                declared: &inventory.declared,
                histories: &histories,
                missed_lately: &missed_lately,
                percent: settings.percent,
            },
        );
        self.pruner.leave_refused(&mut pruning, now);
        self.told(&pruning, now);
        self.pruner.rested = None;
        if let Some((judged, step)) = pruning.step() {
            let (judged, step) = (Box::new(judged.clone()), step.clone());
            let context = Arc::clone(&self.context);
            let set = Arc::clone(set);
            self.pruner.task.spawn(async move {
                if let Some(why) = held(&context, &set, &judged, now).await {
                    return Turn::Held(judged, why);
                }
                let result = send(&context, &step.call, Some(now)).await;
                Turn::Wrote(judged, step, result)
            });
            return;
        }
        if !pruning.waits() {
            self.pruner.rested = Some(Arc::clone(set));
        }
        self.pruner.at = self.pruner.next_look(&pruning, settings.grace, now);
    }

    fn wrote(
        &mut self,
        judged: &Judged,
        step: &Step,
        result: Option<Result<Value, Fault>>,
        now: Moment,
    ) {
        self.pruner.at = now.plus(AFTER_WRITE);
        let operation = step.call.operation;
        match result {
            None => {}
            Some(Ok(_)) => {
                tracing::info!(orphan = %judged.subject, operation, "{}", step.why);
                let text = format!("{} ({operation})", step.why);
                self.board
                    .events()
                    .record(now, EventKind::Prune, None, text);
                self.pruner.refused.remove(&judged.arn);
                if operation != "UpdateService" {
                    self.metrics.pruned(judged.subject.label());
                }
            }
            // It is gone.
            Some(Err(fault)) if fault.class == Class::NotFound => {}
            Some(Err(fault)) => {
                let why = self.state.set.secrets.hide(&fault.to_string());
                let before = self.pruner.refused.get(&judged.arn);
                let failures = before
                    .map_or(0, |(failures, ..)| *failures)
                    .saturating_add(1);
                let until = now.plus(backoff(failures, self.luck.f64()));
                let refused = (failures, until, why);
                self.pruner.refused.insert(judged.arn.clone(), refused);
            }
        }
    }

    /// Tells what becomes of the orphans; what changed goes to the log too.
    fn told(&mut self, pruning: &Pruning, now: Moment) {
        let orphans: Vec<OrphanStatus> = pruning.orphans.iter().map(orphan_status).collect();
        let before = self.board.look(|status| status.prune.clone());
        let known = before.as_ref().map_or(&[][..], |status| &status.orphans);
        for orphan in &orphans {
            let same = |one: &&OrphanStatus| {
                (&one.arn, one.state, one.reason) == (&orphan.arn, orphan.state, orphan.reason)
            };
            if known.iter().any(|one| same(&one)) {
                continue;
            }
            let (kind, name) = (orphan.kind, &orphan.name);
            let text = format!(
                "{kind}/{name}, which no manifest declares, {}: {}",
                orphan.state, orphan.message
            );
            tracing::info!(reason = orphan.reason, "{text}");
            self.board
                .events()
                .record(now, EventKind::Prune, None, text);
        }
        self.board.write(|status| {
            let prune = status.prune.get_or_insert_default();
            prune.looked_at = Some(now);
            prune.orphans = orphans;
        });
        self.told_hold(pruning.held.clone(), now);
    }

    /// Tells what keeps all of them up, or that nothing does.
    fn told_hold(&mut self, hold: Option<(Hold, String)>, now: Moment) {
        let held = hold
            .filter(|(hold, _)| !hold.is_passing())
            .map(|(hold, text)| (hold.label(), text));
        let before = self.board.write(|status| {
            let prune = status.prune.get_or_insert_default();
            std::mem::replace(&mut prune.held, held.clone())
        });
        if let Some((reason, text)) = &held
            && before.as_ref() != held.as_ref()
        {
            tracing::warn!(reason, "nothing is pruned: {text}");
            let text = format!("nothing is pruned ({reason}): {text}");
            self.board
                .events()
                .record(now, EventKind::Prune, None, text);
        }
    }
}

impl Pruner {
    /// Takes in which orphans there are; gives those that are not missed for long enough.
    fn missed(&mut self, inventory: &Inventory, grace: Duration, now: Moment) -> BTreeSet<String> {
        let arns: BTreeSet<&String> = inventory.orphans.iter().map(|one| &one.arn).collect();
        self.since.retain(|arn, _| arns.contains(arn));
        self.refused.retain(|arn, _| arns.contains(arn));
        for arn in arns {
            self.since.entry(arn.clone()).or_insert(now);
        }
        let lately = self
            .since
            .iter()
            .filter(|(_, since)| now.since(**since) < grace);
        lately.map(|(arn, _)| arn.clone()).collect()
    }

    /// Leaves out the steps that were refused a short while ago.
    fn leave_refused(&self, pruning: &mut Pruning, now: Moment) {
        for judged in &mut pruning.orphans {
            if let Some((_, until, why)) = self.refused.get(&judged.arn)
                && let Verdict::Goes(step) = &judged.verdict
                && now < *until
            {
                let text = format!("{}: {why}", step.why);
                judged.verdict = Verdict::Stays(Why::Refused, text);
            }
        }
    }

    /// When to look again where there is no step to take.
    fn next_look(&self, pruning: &Pruning, grace: Duration, now: Moment) -> Moment {
        let mut next = now.plus(EVERY);
        for judged in &pruning.orphans {
            let at = match &judged.verdict {
                Verdict::Waits(Why::Grace, _) => {
                    self.since.get(&judged.arn).map(|since| since.plus(grace))
                }
                Verdict::Waits(Why::InUse, _) => None,
                Verdict::Waits(..) => Some(now.plus(IN_FLIGHT)),
                Verdict::Stays(Why::Refused, _) => {
                    self.refused.get(&judged.arn).map(|(_, until, _)| *until)
                }
                Verdict::Goes(_) | Verdict::Stays(..) => None,
            };
            next = next.min(at.unwrap_or(next));
        }
        next
    }
}

/// Why an orphan is not to be touched: a hold of a person, or tags that cannot be read.
async fn held(context: &Context, set: &DesiredSet, judged: &Judged, now: Moment) -> Option<String> {
    let places = hold::places_of_orphan(set, &judged.arn, &judged.services);
    let read = hold::observe(&context.observer, places, now).await; // I/O
    hold::keeps(&read, now)
}

/// Reads what there is, and what is to be known of its history.
pub(super) async fn look(
    context: &Context,
    sources: &Sources,
    set: &DesiredSet,
    facts: &FactBoard,
    fresh: Moment,
) -> Result<(Inventory, Histories), String> {
    let instance = &context.policy.instance;
    let inventory = observe(&context.observer, set, facts, instance, fresh).await?;
    let mut histories = Histories::new();
    for (mark, commit) in histories_of(&inventory.orphans, set) {
        let history = history(sources, set, &mark, &commit).await;
        histories.insert((mark, commit), history);
    }
    Ok((inventory, histories))
}

/// Whether the commit in force of one of the sources of this mark comes after `commit`.
async fn history(sources: &Sources, set: &DesiredSet, mark: &str, commit: &str) -> History {
    let mut unknown = Vec::new();
    for (root, _) in set.sources.iter().filter(|(_, own)| *own == mark) {
        match sources.follows(root, commit).await {
            Followed::NoHistory => return History::None,
            Followed::Yes => return History::Follows,
            Followed::NotKnown(why) => unknown.push(why),
        }
    }
    History::NotKnown(unknown.join("; "))
}

/// What the sources go by in marks, by the roots of their files.
pub fn source_marks(
    states: &[SourceState],
    environment: Option<&str>,
) -> BTreeMap<std::path::PathBuf, String> {
    let marks = states
        .iter()
        .map(|state| (state.root.clone(), source_mark(&state.mark, environment)));
    marks.collect()
}

/// An orphan as status and plan show it.
fn orphan_status(judged: &Judged) -> OrphanStatus {
    let (state, reason, message) = match &judged.verdict {
        Verdict::Goes(step) => ("goes", "Progressing", &step.why),
        Verdict::Waits(why, text) => ("waits", why.label(), text),
        Verdict::Stays(why, text) => ("stays", why.label(), text),
    };
    OrphanStatus {
        kind: judged.subject.kind(),
        name: judged.subject.name(),
        arn: judged.arn.clone(),
        state,
        reason,
        message: message.clone(),
    }
}

/// The orphans of a plan, and what keeps all of them up.
pub(super) fn shown(pruning: &Pruning) -> PruneStatus {
    PruneStatus {
        looked_at: None,
        held: pruning
            .held
            .as_ref()
            .map(|(hold, text)| (hold.label(), text.clone())),
        orphans: pruning.orphans.iter().map(orphan_status).collect(),
    }
}

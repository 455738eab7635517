//! What the loop keeps between passes: the desired set, facts, freshness, failures. Bookkeeping over
//! values; no I/O.
//!
//! Everything here is a cache or a timer: losing it costs a cycle of observation, nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::fight::Writes;
use super::limits::Limits;
use super::pass::{Done, Request};
use super::requeue::{requeue, tolerance};
use super::slots::Slots;
use crate::manifest::{DesiredSet, Resource, Revision};
use crate::model::{Block, FactBoard, Facts, Key, Kind, Moment, Outcome, Plan, Wait};
use crate::queue::Queue;

/// What is known of one key besides its manifest.
#[derive(Clone, Debug, Default)]
struct Known {
    outcome: Option<Outcome>,
    /// Observations from before this are out of date: something was written, or a person asked.
    floor: Moment,
    /// When the manifest took this form.
    declared: Moment,
    failures: u32,
    drifting_since: Option<Moment>,
    /// The digest of the content that waits for an approval, and since when.
    asked: Option<(String, Moment)>,
    /// What was written lately.
    writes: Writes,
    /// When a person asked to have drift healed now.
    heal: Option<Moment>,
    /// Something outside said that it has moved while a pass over it was running.
    hinted: bool,
}

/// The loop's memory.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) set: Arc<DesiredSet>,
    pub(super) facts: Arc<FactBoard>,
    pub(super) queue: Queue,
    /// Whose turn it is to start a rollout.
    pub(super) slots: Slots,
    known: BTreeMap<Key, Known>,
    /// Who waits for whom: the needs of the set, turned round.
    dependents: BTreeMap<Key, Vec<Key>>,
    /// Keys that a resync still has to pass over.
    resyncing: BTreeMap<Key, Moment>,
    /// Keys not passed over since the start.
    unseen: BTreeSet<Key>,
}

impl State {
    /// Knows nothing yet but the limits on rollouts.
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            slots: Slots::new(limits),
            ..Self::default()
        }
    }

    /// Takes a new desired set: schedules what changed, forgets what is gone. Gives how many keys
    /// changed.
    pub(super) fn replace(&mut self, set: DesiredSet, now: Moment) -> usize {
        let old = std::mem::replace(&mut self.set, Arc::new(set));
        let set = Arc::clone(&self.set);
        self.dependents = dependents(&set);
        let changed: Vec<Key> = set
            .resources
            .values()
            .filter(|new| {
                old.get(&new.key)
                    .is_none_or(|before| !before.same_desire(new))
            })
            .map(|new| new.key.clone())
            .collect();
        for key in &changed {
            if !self.known.contains_key(key) {
                self.unseen.insert(key.clone());
            }
            let known = self.known.entry(key.clone()).or_default();
            *known = Known {
                floor: now,
                declared: now,
                ..Known::default()
            };
            self.queue.add(key.clone(), now);
            // What was told of the old manifest is not true of the new one: whoever needs this key
            // waits for its next pass, or one commit would be carried out in halves.
            if let Some(facts) = Arc::make_mut(&mut self.facts).get_mut(key) {
                facts.ready = false;
            }
        }
        self.unsettle(&changed, now);
        let gone: Vec<Key> = self
            .known
            .keys()
            .filter(|key| set.get(key).is_none())
            .cloned()
            .collect();
        for key in gone {
            self.known.remove(&key);
            self.queue.remove(&key);
            self.unseen.remove(&key);
            self.resyncing.remove(&key);
            Arc::make_mut(&mut self.facts).remove(&key);
        }
        let turns = self.slots.declare(&set);
        self.wake(&turns, now);
        changed.len()
    }

    /// Takes the commits that the set is of, and what its sources go by in marks.
    pub(super) fn set_origins(
        &mut self,
        commits: BTreeMap<PathBuf, Revision>,
        sources: BTreeMap<PathBuf, String>,
    ) {
        if self.set.commits != commits {
            Arc::make_mut(&mut self.set).commits = commits;
        }
        if self.set.sources != sources {
            Arc::make_mut(&mut self.set).sources = sources;
        }
    }

    /// Schedules every key for now, with nothing older than now.
    pub(super) fn resync(&mut self, now: Moment) {
        for (key, known) in &mut self.known {
            known.floor = now;
            known.writes = Writes::default();
            self.queue.add(key.clone(), now);
            self.resyncing.insert(key.clone(), now);
        }
    }

    /// Schedules one key for now, with nothing older than now.
    pub(super) fn resync_of(&mut self, key: &Key, now: Moment) {
        if let Some(known) = self.known.get_mut(key) {
            known.floor = now;
            known.writes = Writes::default();
            self.queue.add(key.clone(), now);
            self.resyncing.insert(key.clone(), now);
        }
    }

    /// Has the drift of a key healed by its next pass, whatever its manifest says of that.
    pub(super) fn heal(&mut self, key: &Key, now: Moment) {
        if let Some(known) = self.known.get_mut(key) {
            known.heal = Some(now);
        }
    }

    /// Schedules a key for now, with nothing older than now, because something outside says that it has
    /// moved.
    ///
    /// Not sooner after a write than otherwise: AWS's reads lag behind it, and what a message tells of then is
    /// the write itself. With `patient`, a key that backs off keeps its time: what comes in storms must not
    /// undo a backoff.
    pub(super) fn hint(&mut self, key: &Key, patient: bool, now: Moment) {
        let Some(known) = self.known.get_mut(key) else {
            return;
        };
        known.floor = known.floor.max(now);
        if patient && known.failures > 0 {
            return;
        }
        if self.queue.is_running(key) {
            known.hinted = true;
        } else if !matches!(known.outcome, Some(Outcome::Acting(_))) {
            self.queue.add(key.clone(), now);
        }
    }

    /// Since when the manifest of a key is as it is; `None` for what is not declared.
    pub(super) fn declared(&self, key: &Key) -> Option<Moment> {
        self.known.get(key).map(|known| known.declared)
    }

    /// The keys whose manifests name this one.
    pub(super) fn dependents_of(&self, key: &Key) -> &[Key] {
        self.dependents.get(key).map_or(&[], Vec::as_slice)
    }

    /// What a pass over this key is about.
    pub(super) fn request(&self, key: &Key, now: Moment) -> Request {
        let known = self.known.get(key).cloned().unwrap_or_default();
        let fresh = now.minus(tolerance(known.outcome.as_ref()));
        Request {
            key: key.clone(),
            set: Arc::clone(&self.set),
            facts: Arc::clone(&self.facts),
            now,
            drifting_since: known.drifting_since,
            asked: known.asked,
            fresh: known.floor.max(fresh),
            floor: known.floor,
            failures: known.failures,
            heal: known.heal.is_some(),
            writes: known.writes,
            turn: None,
        }
    }

    /// Takes in how a pass ended; schedules the key again and wakes whoever waits for it.
    ///
    /// `started` is when the pass began, `luck` a random number in 0..1.
    pub(super) fn finish(
        &mut self,
        key: &Key,
        done: &Done,
        started: Moment,
        now: Moment,
        luck: f64,
    ) {
        let Some(known) = self.known.get_mut(key) else {
            self.queue.finish(key, None);
            return;
        };
        // A pass that began before the manifest took this form says nothing of it, and one that
        // began before a resync was asked for does not serve it.
        let current = started >= known.declared;
        if current {
            self.unseen.remove(key);
        }
        if self
            .resyncing
            .get(key)
            .is_some_and(|asked| started >= *asked)
        {
            self.resyncing.remove(key);
        }
        let outcome = &done.plan.outcome;
        known.failures = match outcome {
            outcome if failing(outcome) => known.failures.saturating_add(1),
            // What failed has not been tried again yet.
            Outcome::Waiting(Wait::RolloutLimit, _) => known.failures,
            _ => 0,
        };
        known.drifting_since = match outcome {
            Outcome::Waiting(Wait::DriftGrace, _) => known.drifting_since.or(Some(started)),
            // Another field was healed, a read or write failed, or the grace time is over and something else keeps
            // it: none says that the drift is gone.
            Outcome::Acting(_)
            | Outcome::Waiting(
                Wait::ObservationUnknown
                | Wait::TransientError
                | Wait::WindowClosed
                | Wait::RolloutLimit,
                _,
            ) => known.drifting_since,
            _ => None,
        };
        known.asked = asked(known.asked.take(), &done.plan, started);
        if let Some(written) = &done.written {
            known.writes.made(written, now);
        } else if done.plan.steps.is_empty() && done.plan.drift.is_empty() && !failing(outcome) {
            known.writes.agreed(now);
        }
        let wanted = known.heal;
        known.heal = wanted.filter(|wanted| started < *wanted || !healed(outcome));
        if done.touched {
            // One more millisecond: what was read in this very one may be from before the write.
            known.floor = Moment(now.0 + 1);
        }
        known.outcome = Some(outcome.clone());
        let hinted = std::mem::take(&mut known.hinted) && !done.touched;
        let next = if hinted {
            now
        } else {
            let usual = now.plus(requeue(outcome, known.failures, luck));
            let again = done.plan.again.filter(|again| *again > now);
            again.map_or(usual, |again| again.min(usual))
        };
        self.queue.finish(key, Some(next));
        if let Some(facts) = done.plan.facts.as_ref().filter(|_| current)
            && self.facts.get(key) != Some(facts)
        {
            let before = Arc::make_mut(&mut self.facts).insert(key.clone(), facts.clone());
            let only_settled = before.is_some_and(|before| {
                let settled = facts.settled;
                Facts { settled, ..before } == *facts
            });
            if !only_settled {
                let dependents = self.dependents.get(key).cloned().unwrap_or_default();
                self.unsettle(&dependents, now);
            }
            let dependents = self.dependents.get(key).cloned().unwrap_or_default();
            self.wake(&dependents, now);
        }
        let turns = self.slots.end(key, done, now);
        self.wake(&turns, now);
    }

    /// Takes back a key that a command had in the place of a pass, and schedules it. `touched`: whether anything
    /// was written.
    pub(super) fn commanded(&mut self, key: &Key, touched: bool, now: Moment) {
        self.slots.ordered(key, touched);
        let Some(known) = self.known.get_mut(key) else {
            self.queue.finish(key, None);
            return;
        };
        let next = if touched {
            known.floor = Moment(now.0 + 1);
            now.plus(requeue(&Outcome::Acting(String::new()), 0, 0.5))
        } else {
            now
        };
        self.queue.finish(key, Some(next));
    }

    /// Takes back that the services among these keys, and among those that need them, are settled: what they
    /// are made of has changed. A service that follows them must not start before they have been looked at.
    fn unsettle(&mut self, changed: &[Key], now: Moment) {
        let mut front = changed.to_vec();
        let mut met = BTreeSet::new();
        while let Some(key) = front.pop() {
            if !met.insert(key.clone()) {
                continue;
            }
            let settled = |facts: &Facts| facts.settled;
            if self.facts.get(&key).is_some_and(settled) {
                if let Some(facts) = Arc::make_mut(&mut self.facts).get_mut(&key) {
                    facts.settled = false;
                }
                self.queue.add(key.clone(), now);
            }
            let dependents = self.dependents.get(&key).into_iter().flatten();
            let needs = |one: &&Key| {
                self.set
                    .get(one)
                    .is_some_and(|one| one.needs.contains(&key))
            };
            front.extend(dependents.filter(needs).cloned());
        }
    }

    /// Takes back a key whose pass gave nothing (its manifest went away meanwhile).
    pub(super) fn abandon(&mut self, key: &Key, now: Moment) {
        self.resyncing.remove(key);
        self.unseen.remove(key);
        self.queue.finish(key, None);
        let turns = self.slots.abandon(key);
        self.wake(&turns, now);
    }

    /// Schedules keys for now, with nothing older than now.
    fn wake(&mut self, keys: &[Key], now: Moment) {
        for key in keys {
            if let Some(known) = self.known.get_mut(key) {
                known.floor = known.floor.max(now);
                self.queue.add(key.clone(), now);
            }
        }
    }

    /// Failures in a row of a key.
    pub(super) fn failures(&self, key: &Key) -> u32 {
        self.known.get(key).map_or(0, |known| known.failures)
    }

    /// Whether a resync is still under way.
    pub(super) fn resyncing(&self) -> bool {
        !self.resyncing.is_empty()
    }

    /// Whether every key has been passed over once.
    pub(super) fn seen_all(&self) -> bool {
        self.unseen.is_empty()
    }

    /// Whether nothing will move without an outside event, a new manifest or a person.
    pub(super) fn settled(&self) -> bool {
        self.seen_all()
            && self
                .set
                .resources
                .keys()
                .all(|key| self.at_rest(key, &mut BTreeSet::new()))
    }

    fn at_rest(&self, key: &Key, asked: &mut BTreeSet<Key>) -> bool {
        if !asked.insert(key.clone()) {
            return true;
        }
        match self.known.get(key).and_then(|known| known.outcome.as_ref()) {
            None => self.set.invalid.contains_key(key),
            Some(Outcome::Converged | Outcome::Blocked(..) | Outcome::Failed(..)) => true,
            Some(Outcome::Waiting(wait, _)) if wait.is_external() => true,
            Some(Outcome::Waiting(Wait::DependencyNotReady, _)) => {
                let mut needs: Vec<Key> = self
                    .set
                    .get(key)
                    .into_iter()
                    .flat_map(|resource| resource.needs.iter().cloned())
                    .collect();
                needs.extend(
                    self.set
                        .deployment_group_of(key)
                        .map(|group| group.key.clone()),
                );
                needs.extend(self.set.get(key).into_iter().flat_map(Resource::depends_on));
                let converged = |need: &Key| {
                    self.known
                        .get(need)
                        .and_then(|known| known.outcome.as_ref())
                        == Some(&Outcome::Converged)
                };
                needs.iter().any(|need| !converged(need))
                    && needs.iter().all(|need| self.at_rest(need, asked))
            }
            Some(Outcome::Acting(_) | Outcome::Waiting(..)) => false,
        }
    }
}

/// What waits for an approval after a pass with this plan, and since when: as before, where it is the same content.
fn asked(
    before: Option<(String, Moment)>,
    plan: &Plan,
    started: Moment,
) -> Option<(String, Moment)> {
    let Some(digest) = &plan.digest else {
        return before;
    };
    let same = before.filter(|(known, _)| known == digest);
    let waits = matches!(
        plan.outcome,
        Outcome::Waiting(Wait::ApprovalPending, _) | Outcome::Blocked(Block::ApprovalTimedOut, _)
    );
    // A deployment in flight that waits has a timeout of AWS's.
    let asks = waits && plan.rollout.is_none();
    same.or_else(|| asks.then(|| (digest.clone(), started)))
}

/// The needs of a set, turned round. A service waits for its deployment group without naming it, and its
/// rollouts for the services that it names.
fn dependents(set: &DesiredSet) -> BTreeMap<Key, Vec<Key>> {
    let mut index: BTreeMap<Key, Vec<Key>> = BTreeMap::new();
    for resource in set.resources.values() {
        let group = (resource.key.kind == Kind::Service)
            .then(|| set.deployment_group_of(&resource.key))
            .flatten()
            .map(|group| group.key.clone());
        let first = group.into_iter().chain(resource.depends_on());
        for need in resource.needs.iter().cloned().chain(first) {
            index.entry(need).or_default().push(resource.key.clone());
        }
    }
    index
}

/// Whether a pass that was to heal drift now has done so, or cannot for a reason that it tells.
fn healed(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Acting(_) => false,
        Outcome::Waiting(wait, _) => !matches!(
            wait,
            Wait::ObservationUnknown
                | Wait::TransientError
                | Wait::DependencyNotReady
                | Wait::RolloutLimit
        ),
        Outcome::Converged | Outcome::Blocked(..) | Outcome::Failed(..) => true,
    }
}

/// Whether an outcome counts towards backoff.
fn failing(outcome: &Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Failed(..) | Outcome::Waiting(Wait::ObservationUnknown | Wait::TransientError, _)
    )
}

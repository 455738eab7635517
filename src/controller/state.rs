//! What the loop keeps between passes: the desired set, facts, freshness, failures. Bookkeeping over
//! values; no I/O.
//!
//! Everything here is a cache or a timer: losing it costs a cycle of observation, nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::pass::{Done, Request};
use super::requeue::{requeue, tolerance};
use crate::manifest::DesiredSet;
use crate::model::{Block, FactBoard, Key, Kind, Moment, Outcome, Wait};
use crate::queue::Queue;
use crate::status::{ResourceStatus, Status};

/// What is known of one key besides its manifest.
#[derive(Clone, Debug, Default)]
struct Known {
    outcome: Option<Outcome>,
    /// Observations from before this are out of date: something was written, or a person asked.
    floor: Moment,
    failures: u32,
    drifting_since: Option<Moment>,
}

/// The loop's memory.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) set: Arc<DesiredSet>,
    pub(super) facts: Arc<FactBoard>,
    pub(super) queue: Queue,
    known: BTreeMap<Key, Known>,
    /// Who waits for whom: the needs of the set, turned round.
    dependents: BTreeMap<Key, Vec<Key>>,
    /// Keys that a resync still has to pass over.
    resyncing: BTreeSet<Key>,
    /// Keys not passed over since the start.
    unseen: BTreeSet<Key>,
}

impl State {
    /// Takes a new desired set: schedules what changed, forgets what is gone. Gives the keys that
    /// changed.
    pub(super) fn replace(
        &mut self,
        set: DesiredSet,
        now: Moment,
        status: &mut Status,
    ) -> Vec<Key> {
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
            known.failures = 0;
            known.floor = now;
            known.drifting_since = None;
            self.queue.add(key.clone(), now);
        }
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
        status.resources.retain(|key, _| set.get(key).is_some());
        for (key, why) in &set.invalid {
            let outcome = Outcome::Blocked(Block::ManifestInvalid, why.clone());
            status.resources.insert(key.clone(), invalid(outcome, now));
        }
        changed
    }

    /// Schedules every key for now, with nothing older than now.
    pub(super) fn resync(&mut self, now: Moment) {
        for (key, known) in &mut self.known {
            known.floor = now;
            self.queue.add(key.clone(), now);
            self.resyncing.insert(key.clone());
        }
    }

    /// What a pass over this key is about.
    pub(super) fn request(&self, key: &Key, now: Moment) -> Request {
        let known = self.known.get(key).cloned().unwrap_or_default();
        let stale = i64::try_from(tolerance(known.outcome.as_ref()).as_millis()).unwrap_or(0);
        Request {
            key: key.clone(),
            set: Arc::clone(&self.set),
            facts: Arc::clone(&self.facts),
            now,
            drifting_since: known.drifting_since,
            fresh: known.floor.max(Moment(now.0 - stale)),
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
        self.resyncing.remove(key);
        self.unseen.remove(key);
        let Some(known) = self.known.get_mut(key) else {
            self.queue.finish(key, None);
            return;
        };
        let outcome = &done.plan.outcome;
        known.failures = if failing(outcome) {
            known.failures.saturating_add(1)
        } else {
            0
        };
        known.drifting_since = match outcome {
            Outcome::Waiting(Wait::DriftGrace, _) => known.drifting_since.or(Some(started)),
            // A read that failed, or a refused write, says nothing about the drift.
            Outcome::Waiting(Wait::ObservationUnknown | Wait::TransientError, _) => {
                known.drifting_since
            }
            _ => None,
        };
        if done.written > 0 || done.fault.is_some() {
            // One more millisecond: what was read in this very one may be from before the write.
            known.floor = Moment(now.0 + 1);
        }
        known.outcome = Some(outcome.clone());
        let next = now.plus(requeue(outcome, known.failures, luck));
        self.queue.finish(key, Some(next));
        if let Some(facts) = &done.plan.facts
            && self.facts.get(key) != Some(facts)
        {
            Arc::make_mut(&mut self.facts).insert(key.clone(), facts.clone());
            self.wake_dependents(key, now);
        }
    }

    /// Takes back a key whose pass gave nothing (its manifest went away meanwhile).
    pub(super) fn abandon(&mut self, key: &Key) {
        self.resyncing.remove(key);
        self.unseen.remove(key);
        self.queue.finish(key, None);
    }

    fn wake_dependents(&mut self, key: &Key, now: Moment) {
        for dependent in self.dependents.get(key).into_iter().flatten() {
            if let Some(known) = self.known.get_mut(dependent) {
                known.floor = known.floor.max(now);
                self.queue.add(dependent.clone(), now);
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

/// The needs of a set, turned round. A service waits for its deployment group without naming it.
fn dependents(set: &DesiredSet) -> BTreeMap<Key, Vec<Key>> {
    let mut index: BTreeMap<Key, Vec<Key>> = BTreeMap::new();
    for resource in set.resources.values() {
        let group = (resource.key.kind == Kind::Service)
            .then(|| set.deployment_group_of(&resource.key))
            .flatten()
            .map(|group| &group.key);
        for need in resource.needs.iter().chain(group) {
            index
                .entry(need.clone())
                .or_default()
                .push(resource.key.clone());
        }
    }
    index
}

/// Whether an outcome counts towards backoff.
fn failing(outcome: &Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Failed(..) | Outcome::Waiting(Wait::ObservationUnknown | Wait::TransientError, _)
    )
}

/// The status of a manifest that cannot be acted on.
fn invalid(outcome: Outcome, now: Moment) -> ResourceStatus {
    ResourceStatus {
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
    }
}

//! Whose turn it is to start a rollout, where there are limits on how many are in flight at once. Pure, over
//! what the passes saw.
//!
//! A pass may start a rollout if a place is free when it begins; else it says that its service wants one
//! (`RolloutLimit`), and the next one that is free is given to whoever has wanted it longest and may have it.
//! Its pass is started then, looks anew, and starts the rollout. Whoever waits is woken by the pass that frees a
//! place, and by no timer.
//!
//! | a service | has a place |
//! |---|---|
//! | not seen since the start of the program, or since its manifest came | yes: a rollout may be in flight |
//! | a rollout of it is in flight, whoever started it | yes |
//! | a pass or a person's order may have started one, and nobody has looked since | yes |
//! | its pass runs and may start one, or is about to | yes |
//! | last looked at, none was in flight | no |
//! | it could not be looked at | as before |
//!
//! Of services whose manifest is gone, or has an error, nothing is known, and they do not count.
//!
//! Invariants:
//! - No place is given while more could then be in flight than the limits allow. What persons order and what others
//!   start asks for none, and counts.
//! - Losing this memory gives no place too many: everything is then unseen.
//! - Who has waited longer comes first, except for those that a label's limit keeps. A service whose rollout
//!   has ended comes after those that waited meanwhile.
//! - A place that its service does not use goes to the next.

use std::collections::BTreeMap;

use super::limits::Limits;
use super::pass::Done;
use super::preview::Preview;
use crate::kinds::service::{not_yet, starts_rollout};
use crate::manifest::DesiredSet;
use crate::model::{Fail, Key, Kind, Moment, Outcome, Wait};
use crate::status::RolloutLimit;

/// How many names a sentence has.
const NAMED: usize = 5;

/// What was seen of a service last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sight {
    /// Nothing yet.
    Unseen,
    /// No rollout is in flight.
    Resting,
    /// One is, or may be.
    Flying,
}

/// Whether a service may start a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// No.
    None,
    /// Its next pass may.
    Given,
    /// The pass that runs may.
    Taken,
}

#[derive(Clone, Debug)]
struct Service {
    sight: Sight,
    turn: Turn,
    /// The limits of labels that are for it, each with the value of the label.
    groups: Vec<(usize, String)>,
    wants: Option<Wants>,
}

/// That a service wants a place.
#[derive(Clone, Copy, Debug)]
struct Wants {
    since: Moment,
    /// Whether the last look said so.
    surely: bool,
}

impl Service {
    fn has_place(&self) -> bool {
        self.sight != Sight::Resting || self.turn != Turn::None
    }

    /// Since when it has waited for a place that it could use.
    fn waits(&self) -> Option<Moment> {
        let wants = self.wants.filter(|wants| wants.surely)?;
        (!self.has_place()).then_some(wants.since)
    }
}

/// The places.
#[derive(Debug, Default)]
pub(super) struct Slots {
    limits: Limits,
    services: BTreeMap<Key, Service>,
}

/// How many places are taken.
#[derive(Debug, Default)]
struct Counts {
    all: usize,
    groups: BTreeMap<(usize, String), usize>,
}

impl Counts {
    fn add(&mut self, service: &Service) {
        self.all += 1;
        for group in &service.groups {
            *self.groups.entry(group.clone()).or_default() += 1;
        }
    }
}

impl Slots {
    /// With these limits.
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            services: BTreeMap::new(),
        }
    }

    /// Takes a desired set: the services that it has. Gives whose turn it is now.
    pub(super) fn declare(&mut self, set: &DesiredSet) -> Vec<Key> {
        if self.limits.is_empty() {
            return Vec::new();
        }
        let mut old = std::mem::take(&mut self.services);
        for resource in set.of_kind(Kind::Service) {
            let limits = self.limits.by_label.iter().enumerate();
            let groups = limits.filter_map(|(at, limit)| {
                let value = limit.counts(&resource.labels)?;
                Some((at, value.to_owned()))
            });
            let groups = groups.collect();
            let service = match old.remove(&resource.key) {
                Some(before) => Service { groups, ..before },
                None => Service {
                    sight: Sight::Unseen,
                    turn: Turn::None,
                    groups,
                    wants: None,
                },
            };
            self.services.insert(resource.key.clone(), service);
        }
        self.give()
    }

    /// Takes in that a pass over this key begins. Gives why it may start no rollout; `None` if it may.
    pub(super) fn begin(&mut self, key: &Key) -> Option<String> {
        let service = self.services.get(key)?;
        let free = match (service.turn, service.sight) {
            (Turn::Given | Turn::Taken, _) => true,
            (Turn::None, Sight::Resting) => self.full(key).is_none(),
            // What it has is not its own once its rollout has ended: others may wait for that place.
            (Turn::None, Sight::Unseen | Sight::Flying) => {
                self.full(key).is_none() && self.first_in_line().is_none()
            }
        };
        if !free {
            return Some(self.why(key));
        }
        if let Some(service) = self.services.get_mut(key) {
            service.turn = Turn::Taken;
        }
        None
    }

    /// Takes in how the pass over this key ended. Gives whose turn it is now.
    pub(super) fn end(&mut self, key: &Key, done: &Done, now: Moment) -> Vec<Key> {
        let Some(service) = self.services.get_mut(key) else {
            return Vec::new();
        };
        let plan = &done.plan;
        let broke = matches!(plan.outcome, Outcome::Failed(Fail::Internal, _))
            && plan.steps.is_empty()
            && service.turn == Turn::Taken;
        let started = may_have_started(done) || broke;
        service.sight = match (started, plan.flying) {
            (true, _) | (_, Some(true)) => Sight::Flying,
            (false, Some(false)) => Sight::Resting,
            (false, None) => service.sight,
        };
        // Given while this pass was running, it is for the next one.
        if service.turn == Turn::Taken {
            service.turn = Turn::None;
        }
        service.wants = match (&plan.outcome, service.wants) {
            (Outcome::Waiting(Wait::RolloutLimit, _), before) => Some(Wants {
                since: before.map_or(now, |before| before.since),
                surely: true,
            }),
            (_, Some(before)) if plan.flying.is_none() && !started => Some(Wants {
                surely: false,
                ..before
            }),
            _ => None,
        };
        self.give()
    }

    /// Takes in that the pass over this key came to nothing: its manifest went away. Gives whose turn it is now.
    pub(super) fn abandon(&mut self, key: &Key) -> Vec<Key> {
        if let Some(service) = self.services.get_mut(key) {
            service.turn = Turn::None;
        }
        self.give()
    }

    /// Takes in that an order of a person was carried out in the place of a pass. `touched`: whether anything was
    /// written.
    pub(super) fn ordered(&mut self, key: &Key, touched: bool) {
        if let Some(service) = self.services.get_mut(key)
            && touched
        {
            service.sight = Sight::Flying;
        }
    }

    /// The limits, and how far they are used.
    pub(super) fn shown(&self) -> Vec<RolloutLimit> {
        let of = |label: &str, value: &str, most: usize, group: Option<&(usize, String)>| {
            let among = self
                .services
                .values()
                .filter(|one| group.is_none_or(|group| one.groups.contains(group)));
            let (mut taken, mut waiting) = (0, 0);
            for service in among {
                // Not those whose pass runs and in the end starts nothing.
                let looks = service.sight == Sight::Resting && service.turn == Turn::Taken;
                taken += usize::from(service.has_place() && !looks);
                waiting += usize::from(service.waits().is_some());
            }
            RolloutLimit {
                label: label.to_owned(),
                value: value.to_owned(),
                most,
                taken,
                waiting,
            }
        };
        let all = self.limits.all.map(|most| of("", "", most, None));
        let groups: std::collections::BTreeSet<&(usize, String)> = self
            .services
            .values()
            .flat_map(|service| &service.groups)
            .collect();
        let groups = groups.into_iter().filter_map(|group| {
            let limit = self.limits.by_label.get(group.0)?;
            Some(of(&limit.label, &group.1, limit.most, Some(group)))
        });
        all.into_iter().chain(groups).collect()
    }

    /// Gives the free places to those who have waited longest.
    fn give(&mut self) -> Vec<Key> {
        let line = self.services.iter();
        let mut line: Vec<(Moment, Key)> = line
            .filter_map(|(key, service)| Some((service.waits()?, key.clone())))
            .collect();
        if line.is_empty() {
            return Vec::new();
        }
        line.sort();
        let mut counts = Counts::default();
        for service in self.services.values().filter(|one| one.has_place()) {
            counts.add(service);
        }
        let mut given = Vec::new();
        for (_, key) in line {
            if self.limits.all.is_some_and(|most| counts.all >= most) {
                break;
            }
            let Some(service) = self.services.get_mut(&key) else {
                continue;
            };
            let full = service.groups.iter().any(|group| {
                let taken = counts.groups.get(group).copied().unwrap_or_default();
                let limit = self.limits.by_label.get(group.0);
                limit.is_some_and(|limit| taken >= limit.most)
            });
            if full {
                continue;
            }
            service.turn = Turn::Given;
            counts.add(service);
            given.push(key);
        }
        given
    }

    /// The limit that keeps a service from having a place: of what, its number, and who has the places.
    fn full(&self, key: &Key) -> Option<(String, usize, Vec<&Key>)> {
        let service = self.services.get(key)?;
        let taken = |group: Option<&(usize, String)>| -> Vec<&Key> {
            let others = self.services.iter().filter(|(other, one)| {
                let among = group.is_none_or(|group| one.groups.contains(group));
                *other != key && one.has_place() && among
            });
            others.map(|(other, _)| other).collect()
        };
        if let Some(most) = self.limits.all {
            let taken = taken(None);
            if taken.len() >= most {
                return Some((String::new(), most, taken));
            }
        }
        service.groups.iter().find_map(|group| {
            let limit = self.limits.by_label.get(group.0)?;
            let taken = taken(Some(group));
            let of = format!(" with {}={}", limit.label, group.1);
            (taken.len() >= limit.most).then_some((of, limit.most, taken))
        })
    }

    /// Who has waited longest.
    fn first_in_line(&self) -> Option<&Key> {
        let line = self.services.iter();
        let line = line.filter_map(|(key, service)| Some((service.waits()?, key)));
        line.min().map(|(_, key)| key)
    }

    /// Why a service has no place.
    fn why(&self, key: &Key) -> String {
        let waits = "its rollout waits for its turn";
        let Some((of, most, taken)) = self.full(key) else {
            return match self.first_in_line() {
                Some(first) => format!("{waits}: {} waits longer", first.name),
                None => waits.to_owned(),
            };
        };
        let mut names: Vec<String> = taken.iter().take(NAMED).map(|key| self.name(key)).collect();
        if taken.len() > NAMED {
            names.push(format!("{} more", taken.len() - NAMED));
        }
        format!(
            "{waits}: {} of {most} rollouts{of} in flight: {}",
            taken.len(),
            names.join(", ")
        )
    }

    fn name(&self, key: &Key) -> String {
        let name = &key.name;
        match self.services.get(key).map(|one| (one.sight, one.turn)) {
            Some((Sight::Unseen, _)) => format!("{name} (not known yet)"),
            Some((Sight::Resting, _)) => format!("{name} (about to start, or being looked at)"),
            _ => name.clone(),
        }
    }
}

/// Whether a pass has started a rollout, or may have: its write was sent, and AWS has not refused it for sure.
fn may_have_started(done: &Done) -> bool {
    let (steps, outcome) = (&done.plan.steps, &done.plan.outcome);
    let accepted = &steps[..done.accepted.min(steps.len())];
    if accepted.iter().any(starts_rollout) {
        return true;
    }
    let refused = matches!(
        outcome,
        Outcome::Failed(Fail::Rejected | Fail::AccessDenied | Fail::QuotaExceeded, _)
    );
    done.touched && !refused && steps.get(accepted.len()).is_some_and(starts_rollout)
}

/// Says in a preview which rollouts would wait for others: in the order of their names, as a daemon that finds all of
/// this at once would start them.
pub(super) fn foretell(limits: &Limits, set: &DesiredSet, plans: &mut Preview) {
    let mut slots = Slots::new(limits.clone());
    slots.declare(set);
    for (key, service) in &mut slots.services {
        service.sight = match plans.get(key).map(|plan| plan.flying) {
            Some(Some(false)) => Sight::Resting,
            Some(Some(true)) => Sight::Flying,
            Some(None) | None => Sight::Unseen,
        };
    }
    for (key, plan) in plans {
        let starts = plan.steps.iter().any(starts_rollout);
        if !starts || plan.flying == Some(true) {
            continue;
        }
        if let Some(why) = slots.begin(key) {
            not_yet(plan, &why);
        }
    }
}

#[cfg(test)]
#[path = "slots_tests.rs"]
mod tests;

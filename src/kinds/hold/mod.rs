//! Holds: what a person wants left alone for now ([`crate::model::Hold`]). Where they are kept, whom they
//! concern, and what is left of a plan under one. Pure, but for the read (`observe`).
//!
//! | scope | tag | on |
//! |---|---|---|
//! | service | [`HOLD_TAG`] | the service |
//! | cluster | [`HOLD_TAG`] | the cluster |
//! | everything | [`HOLD_ALL_TAG`] | each cluster that has a manifest; one that has it is enough |
//!
//! | kind | held by the hold of |
//! |---|---|
//! | any | everything |
//! | cluster; service, its deployment group, its scaling | its cluster |
//! | service, its deployment group, its scaling | the service |
//!
//! What a hold lets through, because it belongs to a deployment that runs: our own record of it, and the end of
//! the suspension of scaling that it began with; and the record of how a one-off task ended, which AWS forgets.
//!
//! Invariants:
//! - It is around the whole plan of every kind, so that no write of any planner passes it by.
//! - A plan with writes is carried out only if all tags that may hold it were read: one that was not is
//!   unknown and stops the writes.
//! - Where nothing would be written, the outcome is the true one, hold or not.
//! - What has no manifest is not deleted under one either: its own, its cluster's, or that of everything.
//! - Only the resource's own pass takes an expired hold off it.

mod observe;
mod place;

use serde_json::Value;

pub(crate) use observe::observe;
pub(crate) use place::{Place, concerned, places, places_of_orphan};

use super::tags::{self, Spelling};
use super::{service, tagging};
use crate::model::{Call, Hold, HoldScope, Key, Kind, Moment, Outcome, Plan, Seen, Step, Wait};

/// The tag that holds what has it: a service, or a cluster with all services in it.
pub const HOLD_TAG: &str = "evenkeel.dev/hold";

/// The tag of a cluster that holds everything.
pub const HOLD_ALL_TAG: &str = "evenkeel.dev/hold-all";

/// What the tags say of one key.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Holding {
    /// The widest hold that is in force.
    pub(crate) in_force: Option<Hold>,
    /// Why it is not known whether another is.
    unknown: Option<String>,
    /// Takes what is over off this very resource.
    removals: Vec<Step>,
}

/// What the tags of these places say of a key.
pub(crate) fn holding(key: &Key, read: &[(Place, Seen<Value>)], now: Moment) -> Holding {
    let mut found = Holding::default();
    for (place, seen) in read {
        let document = match seen {
            Seen::Present(document) => document,
            // What is not there holds nothing.
            Seen::Absent => continue,
            Seen::Unknown(why) => {
                let why = format!("cannot read whether {} is held: {why}", place.name());
                found.unknown.get_or_insert(why);
                continue;
            }
        };
        for (tag, scope) in place.tags() {
            let text = tags::value_of(document.get("tags"), tag, Spelling::Lower);
            let Some(text) = text else { continue };
            let hold = Hold::read(*scope, place.name(), &text);
            if hold.is_over(now) {
                found
                    .removals
                    .extend(removal(key, place, document, tag, &hold));
            } else if place.reaches(*scope)
                && found
                    .in_force
                    .as_ref()
                    .is_none_or(|known| known.scope < hold.scope)
            {
                found.in_force = Some(hold);
            }
        }
    }
    found
}

/// Why a resource without manifest is not to be touched; `None` if no hold that may concern it is in force and
/// all of them were read.
pub(crate) fn keeps(read: &[(Place, Seen<Value>)], now: Moment) -> Option<String> {
    // Not a cluster's or service's own pass, which takes away what is over.
    let nobody = Key::new(Kind::TargetGroup, "");
    let found = holding(&nobody, read, now);
    found
        .in_force
        .map(|hold| hold.to_string())
        .or(found.unknown)
}

/// The step that takes an expired hold off the resource of this key.
fn removal(key: &Key, place: &Place, document: &Value, tag: &str, hold: &Hold) -> Option<Step> {
    let (kind, member) = match place {
        Place::Service { .. } => (Kind::Service, "serviceArn"),
        Place::Cluster { .. } => (Kind::Cluster, "clusterArn"),
    };
    if key.kind != kind || !place.is_own() {
        return None;
    }
    let arn = document.get(member)?.as_str()?;
    Some(Step {
        call: tagging::remove(kind, arn, &[tag]),
        why: format!("end the hold that is over: {hold}"),
    })
}

/// The call that sets a hold on a service or cluster, or ends it if there is no text.
pub(crate) fn change(arn: &str, tag: &str, text: Option<&str>) -> Call {
    match text {
        Some(text) => {
            let tags = Value::from(vec![Spelling::Lower.tag(tag, text)]);
            tagging::write(Kind::Service, arn, &tags)
        }
        None => tagging::remove(Kind::Service, arn, &[tag]),
    }
}

/// Whether there is room for a tag beside those of a resource.
pub(crate) fn has_room(document: &Value, tag: &str) -> bool {
    let all = tags::pairs(document.get("tags"), Spelling::Lower);
    all.len() < tags::MOST_TAGS || all.iter().any(|(key, _)| key == tag)
}

/// The text of a hold's tag on a resource.
pub(crate) fn text_on(document: &Value, tag: &str) -> Option<String> {
    tags::value_of(document.get("tags"), tag, Spelling::Lower)
}

/// Whether the plan needs all tags as they are now, and not as they were lately.
pub(crate) fn matters(plan: &Plan) -> bool {
    !plan.steps.is_empty() || writes_later(&plan.outcome)
}

/// Whether it will be written by itself. Where it waits for its turn, the hold is told: it keeps it in any case.
fn writes_later(outcome: &Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Waiting(Wait::DriftGrace | Wait::RolloutLimit, _)
    )
}

/// The plan as far as the holds let it.
pub(crate) fn around(key: &Key, plan: Plan, holding: Holding) -> Plan {
    let Holding {
        in_force,
        unknown,
        removals,
    } = holding;
    let mut plan = match (in_force, unknown) {
        (Some(hold), _) => held(key, plan, hold),
        (None, Some(why)) if !plan.steps.is_empty() => {
            return stopped(plan, Outcome::Waiting(Wait::ObservationUnknown, why));
        }
        (None, _) => plan,
    };
    if let (Outcome::Converged, Some(first)) = (&plan.outcome, removals.first()) {
        plan.outcome = Outcome::Acting(first.why.clone());
    }
    plan.steps.extend(removals);
    plan
}

fn held(key: &Key, mut plan: Plan, hold: Hold) -> Plan {
    let steps = std::mem::take(&mut plan.steps);
    let flying = plan
        .rollout
        .as_ref()
        .is_some_and(|rollout| !rollout.id.is_empty());
    let of_service = key.kind == Kind::Service;
    let ends: Vec<bool> = steps
        .iter()
        .map(|step| of_service && (service::resumes_scaling(step) || service::records_tasks(step)))
        .collect();
    // A record is of what was written with it; alone, and with a deployment in flight, it is of that.
    let only_records = steps.iter().zip(&ends).all(|(step, ends)| {
        *ends || step.only_records() || (of_service && service::suspends_scaling(step))
    });
    let (passing, kept): (Vec<_>, Vec<_>) =
        steps.into_iter().zip(ends).partition(|(step, ends)| {
            let record = step.only_records() && !service::suspends_scaling(step);
            *ends || (of_service && flying && only_records && record)
        });
    let [passing, kept] = [passing, kept].map(|steps| {
        let steps = steps.into_iter().map(|(step, _)| step);
        steps.collect::<Vec<Step>>()
    });
    let would =
        |text: &str| Outcome::Waiting(Wait::Held, format!("{hold}; without the hold: {text}"));
    let silent = kept.iter().all(Step::only_records);
    plan.outcome = match plan.outcome {
        Outcome::Waiting(Wait::DriftGrace | Wait::RolloutLimit, text) => would(&text),
        outcome if kept.is_empty() => outcome,
        Outcome::Acting(_) if !passing.is_empty() => Outcome::Acting(whys(&passing)),
        Outcome::Acting(_) if silent => {
            if let Some(facts) = plan.facts.as_mut().filter(|_| of_service) {
                facts.settled = true;
            }
            Outcome::Converged
        }
        Outcome::Acting(_) => would(&whys(&kept)),
        outcome if silent => outcome,
        outcome => {
            outcome.with_message(|text| format!("{text}; {hold}, so not done: {}", whys(&kept)))
        }
    };
    if !kept.is_empty() {
        plan.rollout = plan.rollout.filter(|_| flying);
    }
    Plan {
        steps: passing,
        hold: Some(hold),
        ..plan
    }
}

/// The plan without its writes.
fn stopped(plan: Plan, why: Outcome) -> Plan {
    let rollout = plan.rollout.filter(|rollout| !rollout.id.is_empty());
    Plan {
        steps: Vec::new(),
        outcome: why,
        rollout,
        ..plan
    }
}

fn whys(steps: &[Step]) -> String {
    let told = steps.iter().filter(|step| !step.only_records());
    let told: Vec<&str> = told.map(|step| step.why.as_str()).collect();
    if told.is_empty() {
        let all: Vec<&str> = steps.iter().map(|step| step.why.as_str()).collect();
        return all.join("; ");
    }
    told.join("; ")
}

impl Place {
    /// The tags that are looked for here, and what they reach.
    fn tags(&self) -> &'static [(&'static str, HoldScope)] {
        match self {
            Self::Service { .. } => &[(HOLD_TAG, HoldScope::Service)],
            Self::Cluster { .. } => &[
                (HOLD_TAG, HoldScope::Cluster),
                (HOLD_ALL_TAG, HoldScope::Everything),
            ],
        }
    }

    /// Whether a hold of this scope on this place reaches the key that the places are of.
    fn reaches(&self, scope: HoldScope) -> bool {
        scope == HoldScope::Everything || self.is_own()
    }
}

#[cfg(test)]
mod tests;

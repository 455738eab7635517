//! Whether production traffic is served: what the engines' checks before a start share, and what is asked of every
//! engine before a service is called converged. Pure; nothing here changes a weight.
//!
//! | service, at rest and as declared | outcome |
//! |---|---|
//! | no task runs | as it was: nothing is there to be healthy |
//! | each target group with production traffic has a healthy target | as it was |
//! | one has none, and a target in its first health checks | `Provisioning`: Elastic Load Balancing ends that |
//! | one has none, a moment after the last change of the service | `Provisioning` |
//! | one has none otherwise, or is not there | `TrafficMismatch` |
//! | the targets could not be read | `ObservationUnknown` |

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::payload::{primary_deployment, primary_task_set};
use super::{Observed, items, text};
use crate::model::{Block, Moment, Outcome, Seen, Wait};

/// How old a look at the targets of a service at rest may be.
pub(super) const HEALTH_AGE: Duration = Duration::from_mins(10);

/// How long after a change of the service its targets may be missing: until they are registered.
const SETTLING: Duration = Duration::from_mins(2);

/// Why traffic cannot be shifted, or is not where the tasks are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Something could not be read.
    Unknown(String),
    /// The rules are in no state that a deployment leaves them in.
    Rules(String),
    /// The rules are as a deployment leaves them, and no healthy target serves.
    Health(String),
}

impl Trouble {
    pub(super) fn outcome(self) -> Outcome {
        match self {
            Self::Unknown(why) => Outcome::Waiting(Wait::ObservationUnknown, why),
            Self::Rules(why) | Self::Health(why) => Outcome::Blocked(Block::TrafficMismatch, why),
        }
    }
}

/// A service that has tasks must have a healthy one where production traffic goes; one without has
/// nothing that a deployment could harm.
pub(super) fn healthy(observed: &Observed, service: &Value, serving: &str) -> Result<(), Trouble> {
    if !has_tasks(service) {
        return Ok(());
    }
    let targets = targets(&observed.health, serving)?;
    if any(targets, "healthy") {
        return Ok(());
    }
    Err(Trouble::Health(format!(
        "no target of {serving}, where production traffic goes, is healthy, although tasks run{}",
        states(targets)
    )))
}

/// The outcome of a service at rest that is as declared, once the targets of these groups, which get its production
/// traffic, are looked at.
pub(super) fn served<'a>(
    outcome: Outcome,
    observed: &Observed,
    service: &Value,
    groups: impl Iterator<Item = &'a str>,
    now: Moment,
) -> Outcome {
    if outcome != Outcome::Converged {
        return outcome;
    }
    for serving in groups.filter(|arn| !arn.is_empty()) {
        let Err(trouble) = healthy(observed, service, serving) else {
            continue;
        };
        let begins = || {
            let targets = targets(&observed.health, serving);
            targets.is_ok_and(|targets| any(targets, "initial"))
        };
        let settles = || now.since(changed(observed, service)) < SETTLING;
        return match trouble {
            Trouble::Health(why) if begins() || settles() => {
                Outcome::Waiting(Wait::Provisioning, why)
            }
            trouble => trouble.outcome(),
        };
    }
    outcome
}

/// When the service last changed, as far as what was read of it tells; long ago if nothing does.
pub(super) fn changed(observed: &Observed, service: &Value) -> Moment {
    let deployment = observed.deployment.as_ref().and_then(Seen::present);
    let ended = deployment.and_then(|last| last.get("completeTime"));
    let sets = [primary_deployment(service), primary_task_set(service)];
    let updated = sets.into_iter().flatten();
    let times = updated.filter_map(|set| set.get("updatedAt")).chain(ended);
    let seconds = times
        .filter_map(Value::as_f64)
        .reduce(f64::max)
        .unwrap_or(0.0);
    Moment::of_seconds(seconds)
}

/// Whether a look at targets saw a healthy one.
pub(super) fn sees_healthy(seen: &Seen<Value>) -> bool {
    seen.present()
        .is_some_and(|targets| any(targets, "healthy"))
}

fn has_tasks(service: &Value) -> bool {
    service.get("runningCount").and_then(Value::as_u64) != Some(0)
}

fn targets<'a>(
    health: &'a BTreeMap<String, Seen<Value>>,
    group: &str,
) -> Result<&'a Value, Trouble> {
    match health.get(group) {
        Some(Seen::Present(targets)) => Ok(targets),
        Some(Seen::Unknown(why)) => Err(Trouble::Unknown(why.clone())),
        Some(Seen::Absent) => Err(Trouble::Rules(format!("target group {group} is not there"))),
        None => Err(Trouble::Unknown(format!(
            "the targets of {group} were not read"
        ))),
    }
}

fn state(target: &Value) -> &str {
    target
        .get("TargetHealth")
        .map_or("", |health| text(health, "State"))
}

fn any(targets: &Value, wanted: &str) -> bool {
    let mut all = targets.as_array().into_iter().flatten();
    all.any(|target| state(target) == wanted)
}

/// How many targets are in which state, with the reason of one, to be put behind a sentence.
fn states(targets: &Value) -> String {
    let mut counts: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for target in targets.as_array().into_iter().flatten() {
        let reason = target
            .get("TargetHealth")
            .map_or("", |health| text(health, "Reason"));
        counts.entry(state(target)).or_insert((0, reason)).0 += 1;
    }
    if counts.is_empty() {
        return "; it has no targets".to_owned();
    }
    let told = counts.iter().map(|(state, (count, reason))| {
        if reason.is_empty() {
            format!("{count} {state}")
        } else {
            format!("{count} {state} ({reason})")
        }
    });
    format!("; its targets: {}", told.collect::<Vec<_>>().join(", "))
}

/// Target groups and weights of a rule's forward actions.
pub(super) fn forwarded(rule: &Value) -> Vec<(&str, u64)> {
    let mut found = Vec::new();
    for action in items(rule, "Actions") {
        let config = action.get("ForwardConfig");
        let listed = config.into_iter().flat_map(|it| items(it, "TargetGroups"));
        let before = found.len();
        found.extend(listed.map(|group| (text(group, "TargetGroupArn"), weight(group))));
        let lone = text(action, "TargetGroupArn");
        if found.len() == before && !lone.is_empty() {
            found.push((lone, 1));
        }
    }
    found
}

/// The weight of a target group in a forward action; 1 where none is given. The query protocol
/// gives numbers as texts.
fn weight(group: &Value) -> u64 {
    match group.get("Weight") {
        Some(Value::String(weight)) => weight.parse().unwrap_or(0),
        Some(weight) => weight.as_u64().unwrap_or(0),
        None => 1,
    }
}

//! A service's count beside Application Auto Scaling, and the suspension of scaling while `CodeDeploy`
//! deploys. Pure.
//!
//! **The count.** While a scalable target exists, declared or found, `desiredCount` is its own: the
//! live count stands, whatever the manifest says. AWS brings a count outside of the range back only
//! when a policy scales towards it, or with the next registration of the target; so a count above
//! the maximum is left alone (scaling in brings it back, and nobody's tasks are stopped by us), and
//! one below the minimum is raised to it (nothing else would: an empty service has no metric).
//! Whether a target exists is read only where the count differs from the declared one; where it
//! cannot be read the count is left alone.
//!
//! **Suspension** is on where the scalable target's manifest says `sync.suspendDuringDeployments`, since
//! scaling in the middle of a deployment can fail it (aws-facts 2.4). What was suspended by us must be
//! known after a crash: the tag [`SUSPENDED_TAG`] on the *service* says what was suspended before. It is
//! written first and removed last, and it comes with every read of the service; a tag on the
//! target would cost a call for each target and cycle.
//!
//! | deployment | mark | live state | writes |
//! |---|---|---|---|
//! | starts or in flight, option on | none | something is on | mark, suspend all |
//! | starts or in flight, option on | there | as it was before | suspend all |
//! | starts or in flight | there | in part resumed | none: a person resumed it |
//! | none, known | there | any | resume what was on before, take the mark away |
//! | none, known | there | the target is gone | take the mark away |
//! | not known, or the target cannot be read | any | any | none |
//!
//! Invariants:
//! - Resuming asks for no option: it is done for every mark, whatever has become of the manifest.
//! - Nothing that was suspended before is resumed; nothing that a person resumed is suspended at the end.
//! - Resuming is done under a hold too ([`resumes`]), suspending is not.
//! - Resuming comes before every other write of the pass, so that none can keep it up.

use serde_json::{Value, json};

use super::history::in_flight;
use super::{Observed, items, text};
use crate::kinds::View;
use crate::kinds::common::step;
use crate::model::{Outcome, Plan, Seen, Service, Step, Wait};

/// The service's tag that says that its scaling is suspended by us, and what was suspended before
/// (`none`, or the words of [`WORDS`] joined by `+`).
pub(crate) const SUSPENDED_TAG: &str = "evenkeel.dev/scaling-suspended";

/// The members of `SuspendedState`, and their words in the mark.
const WORDS: [(&str, &str); 3] = [
    ("DynamicScalingInSuspended", "in"),
    ("DynamicScalingOutSuspended", "out"),
    ("ScheduledScalingSuspended", "scheduled"),
];

/// What is suspended, in the order of [`WORDS`].
type State = [bool; 3];

const ALL: State = [true; 3];

/// The mark on a service (`DescribeServices.services`).
pub(crate) fn suspension_mark(service: &Value) -> Option<&str> {
    let tags = service.get("tags").and_then(Value::as_array)?;
    let tag = tags.iter().find(|tag| text(tag, "key") == SUSPENDED_TAG)?;
    Some(text(tag, "value"))
}

/// Whether this step of a service's plan is of the end of a suspension. Under a hold it is done all the same:
/// the suspension is ours, and a service that is held must not stay without scaling unseen.
pub(crate) fn resumes(step: &Step) -> bool {
    if step.call.operation == "UntagResource" {
        return step.call.input["tagKeys"] == json!([SUSPENDED_TAG]);
    }
    registers(step) && !is_all_suspended(step)
}

/// Whether this step of a service's plan is of the beginning of a suspension.
pub(crate) fn suspends(step: &Step) -> bool {
    if step.call.operation == "TagResource" {
        let tags: Vec<&Value> = items(&step.call.input, "tags").collect();
        return tags.len() == 1 && text(tags[0], "key") == SUSPENDED_TAG;
    }
    registers(step) && is_all_suspended(step)
}

fn registers(step: &Step) -> bool {
    step.call.operation == "RegisterScalableTarget"
}

fn is_all_suspended(step: &Step) -> bool {
    WORDS
        .iter()
        .all(|(member, _)| step.call.input["SuspendedState"][*member] == json!(true))
}

/// Whether the scalable target has to be read.
pub(super) fn concerns(view: &View<'_>, service: &Value) -> bool {
    suspension_mark(service).is_some()
        || is_chosen(view)
        || declared_count(view).is_some_and(|count| Some(count) != live_count(service))
}

/// `service/CLUSTER/SERVICE`.
pub(super) fn resource_id(cluster: &str, service: &Value) -> String {
    format!("service/{cluster}/{}", text(service, "serviceName"))
}

fn declared_count(view: &View<'_>) -> Option<i64> {
    view.spec.get("desiredCount")?.as_i64()
}

fn live_count(service: &Value) -> Option<i64> {
    service.get("desiredCount")?.as_i64()
}

/// Whether suspension is chosen for this service.
fn is_chosen(view: &View<'_>) -> bool {
    let target = view.set.scalable_target_of(&view.resource.key);
    target.is_some_and(crate::manifest::Resource::suspends_during_deployments)
}

/// The view with the count that the service should have: the declared one, or the live one if it is
/// not ours.
pub(super) fn with_count<'a>(view: &View<'a>, observed: &Observed, service: &Value) -> View<'a> {
    let mut view = view.clone();
    let (Some(declared), Some(live)) = (declared_count(&view), live_count(service)) else {
        return view;
    };
    if declared == live {
        return view;
    }
    let count = match &observed.scalable_target {
        Some(Seen::Present(target)) => {
            let least = target.get("MinCapacity").and_then(Value::as_i64);
            live.max(least.unwrap_or(live))
        }
        Some(Seen::Absent) if view.set.scalable_target_of(&view.resource.key).is_none() => declared,
        Some(Seen::Absent | Seen::Unknown(_)) | None => live,
    };
    view.spec["desiredCount"] = Value::from(count);
    view
}

/// The plan with what suspension adds to it, and what is not known said.
pub(super) fn around(
    view: &View<'_>,
    observed: &Observed,
    service: &Value,
    code_deploy: bool,
    mut plan: Plan,
) -> Plan {
    let mark = suspension_mark(service);
    let flying = code_deploy && (plan.rollout.is_some() || has_deployment(observed));
    match &observed.scalable_target {
        Some(Seen::Unknown(why)) => return in_doubt(view, service, mark, why, plan),
        Some(Seen::Present(target)) if code_deploy && flying => {
            if is_chosen(view) {
                let steps = suspension(target, service, mark);
                plan.steps.extend(steps);
            }
        }
        Some(target) if !flying && ended(observed, service, code_deploy) => {
            if let Some(mark) = mark {
                let mut steps = resumption(target.present(), service, mark);
                if let (Some(first), Outcome::Converged) = (steps.first(), &plan.outcome) {
                    plan.outcome = Outcome::Acting(first.why.clone());
                }
                steps.append(&mut plan.steps);
                plan.steps = steps;
            }
        }
        Some(_) | None => {}
    }
    plan
}

/// The target cannot be read: what is written does not depend on it, and what would is left.
fn in_doubt(view: &View<'_>, service: &Value, mark: Option<&str>, why: &str, plan: Plan) -> Plan {
    let counts = declared_count(view).is_some_and(|count| Some(count) != live_count(service));
    let doubt = match (mark, counts) {
        (Some(_), _) => "its scaling is still suspended, and the scalable target cannot be read",
        (None, true) => {
            "its count is not the declared one, and whether anything scales it cannot be read"
        }
        (None, false) => return plan,
    };
    if plan.outcome != Outcome::Converged {
        return plan;
    }
    let text = format!("{doubt}: {why}");
    Plan {
        outcome: Outcome::Waiting(Wait::ObservationUnknown, text),
        ..plan
    }
}

/// Whether a deployment of the group is in flight.
fn has_deployment(observed: &Observed) -> bool {
    let last = observed.deployment.as_ref().and_then(Seen::present);
    last.is_some_and(in_flight)
}

/// Whether it is known that no deployment is in flight. Without the group's manifest the task sets
/// tell: `CodeDeploy` has one beside the `PRIMARY` from its first minute to its end.
fn ended(observed: &Observed, service: &Value, code_deploy: bool) -> bool {
    if !code_deploy {
        return true;
    }
    match (&observed.group, &observed.deployment) {
        (Some(Seen::Unknown(_)), _) | (_, Some(Seen::Unknown(_))) => false,
        (None, _) => items(service, "taskSets").count() <= 1,
        _ => true,
    }
}

/// Suspends everything, and marks it first.
fn suspension(target: &Value, service: &Value, mark: Option<&str>) -> Vec<Step> {
    let live = state_of(target);
    let name = text(service, "serviceName");
    if live == ALL || mark.is_some_and(|mark| state_in(mark) != live) {
        return Vec::new();
    }
    let mut steps = Vec::new();
    if mark.is_none() {
        let input = json!({"resourceArn": text(service, "serviceArn"),
            "tags": [{"key": SUSPENDED_TAG, "value": words(live)}]});
        let why = format!("tag service {name}: {SUSPENDED_TAG}");
        steps.push(step(Service::Ecs, "TagResource", input, why));
    }
    let why = format!("suspend the scaling of service {name} while it is deployed");
    steps.push(register(target, ALL, why));
    steps
}

/// Resumes what was on before, and takes the mark away.
fn resumption(target: Option<&Value>, service: &Value, mark: &str) -> Vec<Step> {
    let name = text(service, "serviceName");
    let mut steps = Vec::new();
    if let Some(target) = target {
        let (live, before) = (state_of(target), state_in(mark));
        let after: State = std::array::from_fn(|at| live[at] && before[at]);
        if after != live {
            let why = format!("resume the scaling of service {name}: it is deployed");
            steps.push(register(target, after, why));
        }
    }
    let input = json!({"resourceArn": text(service, "serviceArn"), "tagKeys": [SUSPENDED_TAG]});
    let why = format!("untag service {name}: {SUSPENDED_TAG}");
    steps.push(step(Service::Ecs, "UntagResource", input, why));
    steps
}

fn register(target: &Value, state: State, why: String) -> Step {
    let mut input = json!({});
    for member in ["ServiceNamespace", "ResourceId", "ScalableDimension"] {
        input[member] = target.get(member).cloned().unwrap_or_default();
    }
    for (at, (member, _)) in WORDS.iter().enumerate() {
        input["SuspendedState"][*member] = state[at].into();
    }
    step(Service::Scaling, "RegisterScalableTarget", input, why)
}

fn state_of(target: &Value) -> State {
    let flag = |member: &str| {
        let state = target.get("SuspendedState");
        state.and_then(|state| state.get(member)?.as_bool()) == Some(true)
    };
    WORDS.map(|(member, _)| flag(member))
}

fn words(state: State) -> String {
    let on = WORDS.iter().zip(state).filter(|(_, on)| *on);
    let words: Vec<&str> = on.map(|((_, word), _)| *word).collect();
    if words.is_empty() {
        "none".to_owned()
    } else {
        words.join("+")
    }
}

fn state_in(mark: &str) -> State {
    WORDS.map(|(_, word)| mark.split('+').any(|one| one == word))
}

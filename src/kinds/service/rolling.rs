//! Services under ECS's own rolling update: one `UpdateService` per declared payload. Pure.
//!
//! AWS supersedes a deployment in flight by a newer one; so does a changed manifest here, because
//! a deployment without circuit breaker that cannot start its tasks would otherwise never end. Not one that
//! somebody else started, and none where `rollout.inFlight` is `finish`. Whose it is says the tag of `intent`.
//!
//! | live vs declared | recorded digest | newest deployment of the declared content | decision |
//! |---|---|---|---|
//! | equal | any | in flight | wait |
//! | equal | any | completed | quiet fields, tags, tasks, and a healthy target in each target group (`traffic`) |
//! | equal | any | failed | `RolloutFailed`; another retry annotation starts it again |
//! | differs | = declared | rolled back, or stopped by the circuit breaker or an alarm | `RolloutFailed`, not tried again |
//! | differs | any | in flight is somebody else's | wait, `ForeignDeployment` |
//! | differs | any | ours is in flight, and `finish` is declared | wait |
//! | differs | = declared | other | somebody changed it: heal after the grace time |
//! | differs | other | the same | quarantined, unless the retry annotation is given |
//! | differs | other | other | `UpdateService` |
//! | differs | any | not known | nothing |
//!
//! Before a start no target is asked for: a rolling update moves no weight, and ECS stops an old task only when enough
//! are healthy.
//!
//! Content is compared with the service revision that a deployment was of: ECS keeps no description
//! in which a digest could stand.

use serde_json::Value;

use super::native::{explained, in_flight};
use super::payload::{attempt_digest, deploying_drift, primary_deployment};
use super::plan::{
    because, declared_tag, in_grace, quiet, settled, tag_step, tag_with, unresolved, update,
    waiting_for,
};
use super::rules::ON_THE_DEPLOYMENT;
use super::traffic::served;
use super::{Observed, RETRY_ANNOTATION, intent, items, last_segment, native, text};
use crate::kinds::{View, heal};
use crate::manifest::InFlight;
use crate::model::{Block, Drift, Fail, Outcome, Plan, Rollout, RolloutStage, Seen, Step, Wait};

/// Decides about a service that exists.
pub(super) fn plan(view: &View<'_>, observed: &Observed, service: &Value) -> Plan {
    let live = overlaid(service);
    let mut deploying = deploying_drift(&view.spec, &live);
    let waits = unresolved(view);
    if !waits.is_empty() {
        return resting(view, service, &live, None, waiting_for(&waits).outcome)
            .with_drift(deploying);
    }
    let Some(attempt) = attempt_digest(view) else {
        let outcome = state(view, observed, service);
        return resting(view, service, &live, None, outcome).with_drift(deploying);
    };
    // What the circuit breaker stopped where it is differs in nothing, and is started again by a person's word alone.
    let failed = primary_deployment(service)
        .is_some_and(|primary| text(primary, "rolloutState") == "FAILED");
    let asked = view.resource.annotations.contains_key(RETRY_ANNOTATION);
    let again = failed && asked && declared_tag(service) != Some(attempt.as_str());
    if deploying.is_empty() && !again {
        let outcome = state(view, observed, service);
        let mut plan = resting(view, service, &live, Some(&attempt), outcome);
        plan.rollout = rollout(service);
        return plan;
    }
    let unknown = |why: String| Plan::only(Outcome::Waiting(Wait::ObservationUnknown, why));
    let none = Vec::new();
    let history = match &observed.service_deployments {
        Some(Seen::Unknown(why)) => return unknown(why.clone()).with_drift(deploying),
        None => {
            let why = "the service's deployments were not read".to_owned();
            return unknown(why).with_drift(deploying);
        }
        Some(Seen::Present(list)) => list.as_array().unwrap_or(&none),
        Some(Seen::Absent) => &none,
    };
    // The record on the service comes a pass after the start, and what fails at once goes back before that.
    let started =
        |intent: intent::Intent<'_>| intent.attempt == attempt && intent.led_to_something(history);
    let tried =
        declared_tag(service) == Some(attempt.as_str()) || intent::of(service).is_some_and(started);
    if deploying.is_empty() && tried {
        let outcome = state(view, observed, service);
        return resting(view, service, &live, Some(&attempt), outcome);
    }
    if let Some(why) = bad_end(history, &view.spec).filter(|_| tried || !asked) {
        let cure = format!(
            "it is not tried again until the manifest changes or the annotation {RETRY_ANNOTATION} gets a new text"
        );
        let outcome = if tried {
            let because = because(observed, service);
            Outcome::Failed(Fail::RolloutFailed, format!("{why}{because}; {cure}"))
        } else {
            Outcome::Blocked(
                Block::Quarantined,
                format!("this content was tried before: {why}; {cure}"),
            )
        };
        return resting(view, service, &live, None, outcome).with_drift(deploying);
    }
    let flying = history.first().filter(|newest| native::in_flight(newest));
    if let Some((outcome, ours)) =
        flying.and_then(|newest| respected(view, observed, service, history, newest))
    {
        let rollout = rollout(service).map(|rollout| Rollout { ours, ..rollout });
        return Plan {
            rollout,
            ..resting(view, service, &live, None, outcome).with_drift(deploying)
        };
    }
    if let Some(outcome) = in_grace(view, observed, service, &attempt, &mut deploying) {
        return resting(view, service, &live, None, outcome).with_drift(deploying);
    }
    let force = deploying.is_empty();
    let mut drift = deploying;
    drift.extend(quiet(view, &live, false));
    let mut step = update(view, service, &drift);
    if force {
        step.call.input["forceNewDeployment"] = Value::Bool(true);
        step.why = format!("deploy service {} once more", text(service, "serviceName"));
    }
    let outcome = Outcome::Acting(step.why.clone());
    let mark = intent::value(&attempt, history, service);
    let mark = tag_with(view, service, &[(intent::TAG, &mark)]);
    let older = flying.and_then(|_| rollout(service));
    // The record comes with the next pass, when the new payload is live: a crash between the two
    // leaves a deployment that the next process finds live and records.
    Plan {
        steps: mark.into_iter().chain([step]).collect(),
        drift,
        rollout: older.map(|older| Rollout {
            superseded: true,
            ..older
        }),
        ..Plan::only(outcome)
    }
}

/// Why a deployment in flight is waited for, and whether it is ours; `None` if a newer one may supersede
/// it.
fn respected(
    view: &View<'_>,
    observed: &Observed,
    service: &Value,
    history: &[Value],
    newest: &Value,
) -> Option<(Outcome, bool)> {
    let ours = intent::of(service).is_some_and(|intent| intent.led_to_newest(history));
    let policy = view.resource.in_flight();
    if ours && policy == InFlight::Supersede {
        return None;
    }
    let arn = text(newest, "serviceDeploymentArn");
    let id = last_segment(arn);
    let mut why = if ours {
        format!(
            "service deployment {id} is in flight; the manifest has changed since, and follows when it ends{}",
            policy.hint()
        )
    } else {
        format!(
            "service deployment {id} is in flight, started by somebody else; it is respected until it ends, or is stopped with `aws ecs stop-service-deployment --service-deployment-arn {arn}`"
        )
    };
    let breaker = service.pointer("/deploymentConfiguration/deploymentCircuitBreaker/enable");
    if breaker != Some(&Value::Bool(true)) {
        why.push_str(
            "; without a circuit breaker it does not end as long as its tasks do not start",
        );
    }
    if let Some(reason) = observed.stop_reasons.first() {
        why.push_str(&format!("; the last task to stop: {reason}"));
    }
    let wait = if ours {
        Wait::RolloutInProgress
    } else {
        Wait::ForeignDeployment
    };
    Some((Outcome::Waiting(wait, why), ours))
}

/// The service with what only its `PRIMARY` deployment reads back.
pub(super) fn overlaid(service: &Value) -> Value {
    let mut live = service.clone();
    if let Some(primary) = primary_deployment(service) {
        for member in ON_THE_DEPLOYMENT {
            if let Some(value) = primary.get(member) {
                live[member] = value.clone();
            }
        }
    }
    live
}

/// Heals quiet fields and tags, else rests with `outcome`.
pub(super) fn resting(
    view: &View<'_>,
    service: &Value,
    live: &Value,
    attempt: Option<&str>,
    outcome: Outcome,
) -> Plan {
    let drift: Vec<Drift> = quiet(view, live, false);
    let kept = heal::kept(view, service.get("tags"), &drift);
    let mut steps: Vec<Step> = Vec::new();
    if !drift.is_empty() && kept.is_none() {
        steps.push(update(view, service, &drift));
    }
    steps.extend(tag_step(view, service, attempt));
    let outcome = or_kept(outcome, kept);
    let outcome = steps
        .first()
        .map_or(outcome, |step| Outcome::Acting(step.why.clone()));
    Plan {
        steps,
        drift,
        ..Plan::only(outcome)
    }
}

/// The outcome of something at rest, or why its differences stay. What else is in the way is told first.
pub(super) fn or_kept(outcome: Outcome, kept: Option<Outcome>) -> Outcome {
    match (outcome, kept) {
        (Outcome::Converged | Outcome::Waiting(Wait::Provisioning, _), Some(kept)) => kept,
        (outcome, _) => outcome,
    }
}

/// How a service that is as declared stands.
fn state(view: &View<'_>, observed: &Observed, service: &Value) -> Outcome {
    let Some(primary) = primary_deployment(service) else {
        return settled(service, observed, false);
    };
    match text(primary, "rolloutState") {
        "FAILED" => {
            let mut why = text(primary, "rolloutStateReason").to_owned();
            let newest = observed
                .service_deployments
                .as_ref()
                .and_then(Seen::present);
            if let Some(newest) = newest.and_then(|list| list.as_array()?.first())
                && !in_flight(newest)
                && text(newest, "status") != "SUCCESSFUL"
            {
                why.push_str(&format!("; {}", explained(newest)));
            }
            why.push_str(&because(observed, service));
            Outcome::Failed(Fail::RolloutFailed, why)
        }
        "IN_PROGRESS" => {
            let message = format!(
                "{}: {}{}",
                text(primary, "id"),
                text(primary, "rolloutStateReason"),
                because(observed, service)
            );
            Outcome::Waiting(Wait::RolloutInProgress, message)
        }
        _ => {
            let alone = items(service, "deployments").count() == 1;
            let outcome = settled(service, observed, alone);
            let unread = observed.rules.values().find_map(|rule| match rule {
                Seen::Unknown(why) => Some(why.clone()),
                _ => None,
            });
            match unread {
                Some(why) if outcome == Outcome::Converged => {
                    Outcome::Waiting(Wait::ObservationUnknown, why)
                }
                _ => {
                    let groups = target_groups(view, observed, service).into_iter();
                    served(outcome, observed, service, groups, view.now)
                }
            }
        }
    }
}

/// The target groups that serve: those of the service, but of a pair that ECS shifted traffic between once the one
/// that the production rule sends it to, for the tasks have stayed there.
pub(super) fn target_groups<'a>(
    view: &View<'_>,
    observed: &'a Observed,
    service: &'a Value,
) -> Vec<&'a str> {
    let alone = items(service, "loadBalancers")
        .filter(|balancer| balancer.get("advancedConfiguration").is_none())
        .map(|balancer| text(balancer, "targetGroupArn"))
        .filter(|arn| !arn.is_empty());
    let of_pairs = native::with_traffic(&view.spec, observed);
    alone.chain(of_pairs).collect()
}

fn rollout(service: &Value) -> Option<Rollout> {
    let primary = primary_deployment(service)?;
    (text(primary, "rolloutState") == "IN_PROGRESS").then(|| Rollout {
        id: text(primary, "id").to_owned(),
        ours: true,
        stage: RolloutStage::ScalingUp,
        events: Vec::new(),
        weights: None,
        superseded: false,
    })
}

/// How the newest deployment of this content that says something of it ended, if it ended badly.
fn bad_end(deployments: &[Value], spec: &Value) -> Option<String> {
    let mut same = deployments.iter().filter(|one| native::is_of(one, spec));
    let bad = |one: &Value| {
        // One that a newer one superseded while it went back had failed, or was stopped, before.
        let back = text(one, "status").starts_with("ROLLBACK") || one.get("rollback").is_some();
        back || native::is_condemned(one)
    };
    // STOPPED is also a deployment that a newer one superseded, which says nothing of its content.
    let says = |one: &&Value| {
        let stopped = matches!(text(one, "status"), "STOPPED" | "STOP_REQUESTED");
        !stopped || bad(one)
    };
    let newest = same.find(says)?;
    bad(newest).then(|| explained(newest))
}

//! A content that a person took back (aborted, rejected, rolled back): what is planned for a service while the manifest still
//! asks for it. Pure.
//!
//! The mark is a tag on the service (`mark`), so it outlives the process, and AWS's memory of the deployment. It
//! holds for one digest: another manifest, or another text of the retry annotation, lifts it.
//!
//! | mark | live | decision |
//! |---|---|---|
//! | none | any | the engine's |
//! | of another content | as declared, at rest | take the mark away |
//! | of the declared content | as declared, at rest for [`STALE`] | somebody brought it back: take the mark away |
//! | of the declared content | as declared | the engine's: the way back has not begun, or not ended |
//! | of the declared content | any, in flight | wait; say whose word it is, and if it waits for a person |
//! | of the declared content | other, the way back failed, or `deadline` took it back | `RolloutFailed` |
//! | of the declared content | other | `Quarantined`: no start, no healing; quiet fields are healed |
//!
//! Invariant: while the mark holds, nothing is started.

use std::time::Duration;

use serde_json::Value;

use super::mark::{Mark, TAKEN_BACK_TAG};
use super::payload::{attempt_digest, carried_drift, deploying_drift, primary_task_set};
use super::plan::controller;
use super::rolling::overlaid;
use super::{Observed, RETRY_ANNOTATION, deadline, gates, migration, native, progress, text};
use crate::kinds::{View, tagging};
use crate::model::{Block, Fail, Kind, Outcome, Plan, Rollout, RolloutStage, Seen, Step, Wait};

/// How old a mark is when live content that it is about is no longer taken for a way back that is only
/// about to begin.
const STALE: Duration = Duration::from_mins(10);

/// What a person took back last.
pub(super) fn marked(service: &Value) -> Option<Mark> {
    Mark::of(service, TAKEN_BACK_TAG)
}

/// Whether the declared content is what the service is said to run. What is to move over to ECS is not, whatever its
/// tasks run.
pub(super) fn is_live(view: &View<'_>, service: &Value) -> bool {
    if migration::is_asked(view, service) {
        return false;
    }
    if controller(service) == "CODE_DEPLOY" {
        return primary_task_set(service)
            .is_some_and(|live| carried_drift(&view.spec, live).is_empty());
    }
    deploying_drift(&view.spec, &overlaid(service)).is_empty()
}

/// The plan as far as the mark lets it.
pub(super) fn kept(view: &View<'_>, observed: &Observed, service: &Value, plan: Plan) -> Plan {
    let Some(mark) = marked(service) else {
        return plan;
    };
    let Some(attempt) = attempt_digest(view) else {
        return plan;
    };
    let live = is_live(view, service) && !native::is_retried(view, observed, service);
    if mark.digest == attempt && is_moving(&plan) {
        return told(service, &mark, plan, view);
    }
    if mark.digest != attempt || live {
        let over = mark.digest != attempt || view.now.since(mark.at) >= STALE;
        let rests = plan.outcome == Outcome::Converged && plan.steps.is_empty();
        return if live && over && rests {
            forgetting(service, plan)
        } else {
            plan
        };
    }
    held(view, observed, service, &mark, plan)
}

/// Whether the plan follows a deployment of ours, and starts none.
fn is_moving(plan: &Plan) -> bool {
    let waits = matches!(
        plan.outcome,
        Outcome::Waiting(Wait::RolloutInProgress | Wait::ApprovalPending, _)
    );
    waits && plan.rollout.is_some() && !plan.steps.iter().any(gates::starts)
}

/// The plan that says by whose word a deployment goes on.
fn told(service: &Value, mark: &Mark, mut plan: Plan, view: &View<'_>) -> Plan {
    let Some(rollout) = &plan.rollout else {
        return plan;
    };
    let course = sentence(service, rollout);
    let mut message = format!("{course}; content {} was {}", mark.digest, mark.sentence());
    let mut wait = Wait::RolloutInProgress;
    if rollout.stage == RolloutStage::AwaitingApproval {
        let key = &view.resource.key;
        message.push_str(&format!("; let it go on with `evenkeel promote {key}`"));
        wait = Wait::ApprovalPending;
    }
    plan.outcome = Outcome::Waiting(wait, message);
    plan
}

/// The plan that takes the mark away.
fn forgetting(service: &Value, mut plan: Plan) -> Plan {
    let arn = text(service, "serviceArn");
    let step = Step {
        call: tagging::remove(Kind::Service, arn, &[TAKEN_BACK_TAG]),
        why: format!(
            "take away the record of what was taken back of service {}: it is over",
            text(service, "serviceName")
        ),
    };
    plan.outcome = Outcome::Acting(step.why.clone());
    plan.steps.push(step);
    plan
}

fn held(
    view: &View<'_>,
    observed: &Observed,
    service: &Value,
    mark: &Mark,
    mut plan: Plan,
) -> Plan {
    let starting = plan.steps.iter().any(gates::starts);
    if starting {
        plan.steps = Vec::new();
        plan.rollout = None;
    }
    if plan.rollout.is_none() {
        plan.rollout = flying(observed);
    }
    let about_it = matches!(
        plan.outcome,
        Outcome::Converged
            | Outcome::Waiting(
                Wait::DriftGrace | Wait::Provisioning | Wait::RolloutInProgress,
                _
            )
            | Outcome::Blocked(
                Block::Quarantined | Block::TrafficMismatch | Block::DriftKept | Block::DriftFound,
                _
            )
            | Outcome::Failed(Fail::RolloutFailed, _)
    );
    // What is quiet is healed first.
    if !starting && (!about_it || !plan.steps.is_empty()) {
        return plan;
    }
    let why = format!("content {} was {}", mark.digest, mark.sentence());
    if plan.rollout.is_some() {
        return told(service, mark, plan, view);
    }
    // The way back failed, or nobody ordered it: a failure either way.
    plan.outcome = if way_back_failed(observed) || mark.by == deadline::BY {
        let message = plan.outcome.message();
        Outcome::Failed(Fail::RolloutFailed, format!("{why}; {message}"))
    } else {
        Outcome::Blocked(
            Block::Quarantined,
            format!(
                "{why}; what ran before it is left running until the manifest changes or the annotation \
                 {RETRY_ANNOTATION} gets a new text"
            ),
        )
    };
    plan
}

fn sentence(service: &Value, rollout: &Rollout) -> String {
    if controller(service) == "CODE_DEPLOY" {
        progress::sentence(rollout)
    } else {
        native::sentence(rollout)
    }
}

/// ECS's newest service deployment, if it is in flight.
fn flying(observed: &Observed) -> Option<Rollout> {
    let list = observed.service_deployments.as_ref()?.present()?;
    let newest = list.as_array()?.first()?;
    native::in_flight(newest).then(|| native::rollout(newest, true))
}

/// Whether the newest deployment is not one that brought something else back.
fn way_back_failed(observed: &Observed) -> bool {
    let status = |seen: &Option<Seen<Value>>, at: &str| {
        let document = seen.as_ref().and_then(Seen::present)?;
        Some(document.pointer(at)?.as_str()?.to_owned())
    };
    let ecs = status(&observed.service_deployments, "/0/status");
    let code_deploy = status(&observed.deployment, "/status");
    matches!(ecs.as_deref(), Some("ROLLBACK_FAILED" | "STOPPED"))
        || matches!(code_deploy.as_deref(), Some("Failed"))
}

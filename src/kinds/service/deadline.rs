//! `rollout.deadline`: a rollout whose new tasks do not come up in time is stopped and goes back. Pure.
//!
//! Of AWS's own engines only `CodeDeploy` ends such a deployment after a time (an hour); ECS goes on for ever where no circuit
//! breaker counts what fails, or where tasks cannot be placed at all.
//!
//! | rollout in flight | decision |
//! |---|---|
//! | ours, its tasks are coming up, older than the deadline | stop and go back, then record why |
//! | the same, but nothing was ever completed | it goes on: there is nothing to go back to |
//! | ours, a person let it go on from a pause | it goes on: how long the person took is not known |
//! | ours, its traffic moves, or has moved | it goes on: how long that takes is declared |
//! | goes back, is somebody else's, or was ordered by a person | it goes on |
//!
//! Its content has failed like one that a circuit breaker took back: the record is that of what a person took back
//! (`taken_back`), by [`BY`]. It is written after AWS has taken the stop, so a crash between leaves a stop without a reason,
//! which counts as a person's.

use std::time::Duration;

use serde_json::{Value, json};

use super::history::{attempt_of, in_flight, is_rollback};
use super::mark::{Mark, TAKEN_BACK_TAG};
use super::payload::attempt_digest;
use super::plan::{because, compared, controller};
use super::{Observed, items, last_segment, native, progress, supersede, taken_back, text};
use crate::kinds::View;
use crate::kinds::common::step;
use crate::model::{Moment, Outcome, Plan, Rollout, RolloutStage, Seen, Service, Step, Wait};

/// Who stopped it, in the record.
pub(super) const BY: &str = "rollout.deadline";

/// A deployment that is late.
struct Late {
    stop: Step,
    /// The digest of what it is of.
    content: String,
}

/// The plan, or the one that stops what is late.
pub(super) fn around(view: &View<'_>, observed: &Observed, service: &Value, plan: Plan) -> Plan {
    let follows = matches!(plan.outcome, Outcome::Waiting(Wait::RolloutInProgress, _));
    let (Some(deadline), true) = (view.resource.deadline(), follows) else {
        return plan;
    };
    let (_, over) = compared(view, service);
    let late = match controller(service) {
        "CODE_DEPLOY" => by_code_deploy(observed, view.now, deadline),
        "ECS" => by_ecs(&over, observed, service, deadline),
        _ => None,
    };
    let Some(mut late) = late else {
        return plan;
    };
    let mark = taken_back::marked(service);
    // The way back that a person ordered is of other content than what was taken back.
    if mark
        .as_ref()
        .is_some_and(|mark| mark.by != BY && mark.digest != late.content)
    {
        return plan;
    }
    late.stop.why = format!(
        "{}: its tasks did not come up in time ({BY}){}",
        late.stop.why,
        because(observed, service)
    );
    let outcome = Outcome::Acting(late.stop.why.clone());
    let known = mark.is_some_and(|mark| mark.digest == late.content);
    let record = Mark {
        digest: late.content,
        what: "stopped".to_owned(),
        by: BY.to_owned(),
        at: view.now,
    };
    let record = (!known).then(|| record.write(service, TAKEN_BACK_TAG));
    Plan {
        steps: std::iter::once(late.stop).chain(record).collect(),
        outcome,
        ..plan
    }
}

/// Whether new tasks are coming up.
fn comes_up(rollout: &Rollout) -> bool {
    matches!(
        rollout.stage,
        RolloutStage::Pending | RolloutStage::ScalingUp
    )
}

/// Whether this time, in seconds since 1970, is longer ago than the deadline.
fn is_past(since: Option<&Value>, now: Moment, deadline: Duration) -> bool {
    let since = since.and_then(Value::as_f64);
    since.is_some_and(|since| now.seconds() - since >= deadline.as_secs_f64())
}

fn by_code_deploy(observed: &Observed, now: Moment, deadline: Duration) -> Option<Late> {
    let deployment = observed.deployment.as_ref()?.present()?;
    let ours = attempt_of(deployment).filter(|_| in_flight(deployment))?;
    let rollout = progress::rollout(deployment, &observed.target);
    let before = supersede::has_moved(deployment, &observed.target) == Some(false);
    let late = is_past(deployment.get("createTime"), now, deadline);
    if is_rollback(deployment) || !before || !comes_up(&rollout) || !late {
        return None;
    }
    let id = text(deployment, "deploymentId");
    Some(Late {
        stop: supersede::stop(id, format!("stop deployment {id}")),
        content: ours.to_owned(),
    })
}

fn by_ecs(
    view: &View<'_>,
    observed: &Observed,
    service: &Value,
    deadline: Duration,
) -> Option<Late> {
    let Some(Seen::Present(Value::Array(history))) = &observed.service_deployments else {
        return None;
    };
    let (newest, before) = history.split_first()?;
    // AWS goes back only to a deployment that was completed.
    let completed = |one: &Value| text(one, "status") == "SUCCESSFUL";
    let paused = |hook: &Value| text(hook, "targetType") == "PAUSE";
    let late = is_past(newest.get("createdAt"), view.now, deadline);
    if !native::in_flight(newest)
        || !native::before_traffic(newest)
        || !comes_up(&native::rollout(newest, true))
        || !before.iter().any(completed)
        || items(newest, "lifecycleHookDetails").any(paused)
        || !late
    {
        return None;
    }
    let started = native::started(service, history)?;
    let declared = attempt_digest(view).filter(|_| native::is_of(newest, &view.spec));
    let arn = text(newest, "serviceDeploymentArn");
    let input = json!({"serviceDeploymentArn": arn, "stopType": "ROLLBACK"});
    let why = format!("stop service deployment {}", last_segment(arn));
    Some(Late {
        stop: step(Service::Ecs, "StopServiceDeployment", input, why),
        content: declared.unwrap_or_else(|| started.to_owned()),
    })
}

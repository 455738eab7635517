//! A rollout in flight when its window closes (`overrun` of `sync.windows`). Pure.
//!
//! | window | rollout in flight | decision |
//! |---|---|---|
//! | closed, `finish` | any | it goes on |
//! | closed, `hold` | ours, waits for a person | told; orders that would let it go on are refused (`command`) |
//! | closed, `hold` | any other | it goes on: AWS has no word that makes it wait |
//! | closed, `abort` | ours, shifts traffic, and no production traffic has moved | mark, then stop and go back |
//! | closed, `abort` | ours, and production traffic has moved, or may have | it goes on |
//! | closed, `abort` | rolling: its new tasks get traffic as they come | it goes on |
//! | closed, `abort` | goes back, or is somebody else's, or was ordered by a person | it goes on |
//! | closed, `abort` | the first one of the service: there is nothing to go back to | it goes on |
//!
//! The mark is that of `supersede`: what carries it and was stopped says nothing of its content, which is deployed
//! again when a window opens.

use serde_json::{Value, json};

use super::history::{attempt_of, in_flight, is_rollback};
use super::payload::attempt_digest;
use super::plan::{compared, controller};
use super::supersede::{self, Cause};
use super::{Observed, gates, last_segment, native, taken_back, text};
use crate::kinds::View;
use crate::kinds::common::step;
use crate::manifest::Overrun;
use crate::model::{Outcome, Plan, Rollout, RolloutStage, Seen, Service, Step, Wait};

/// The plan, or the one that stops what a window does not let go on.
pub(super) fn around(view: &View<'_>, observed: &Observed, service: &Value, plan: Plan) -> Plan {
    let follows = matches!(
        plan.outcome,
        Outcome::Waiting(
            Wait::RolloutInProgress | Wait::ApprovalPending | Wait::WindowClosed,
            _
        )
    );
    let Some(rollout) = plan.rollout.as_ref().filter(|_| follows) else {
        return plan;
    };
    if !rollout.ours || rollout.id.is_empty() || rollout.stage == RolloutStage::RollingBack {
        return plan;
    }
    let why = match gates::overrun(view) {
        Some((Overrun::Abort, why)) => why,
        Some((Overrun::Hold, _)) => return told(view, plan),
        Some((Overrun::Finish, _)) | None => return plan,
    };
    let (_, over) = compared(view, service);
    let attempt = attempt_digest(&over);
    let stop = match controller(service) {
        "CODE_DEPLOY" => by_code_deploy(observed),
        _ if native::is_native(service) => by_ecs(&over, observed, service, attempt.as_deref()),
        _ => None,
    };
    let Some((mut stop, content)) = stop else {
        return plan;
    };
    // The way back that a person ordered is of other content than the manifest's.
    let ordered = taken_back::marked(service).is_some() && Some(content) != attempt;
    if ordered {
        return plan;
    }
    stop.why = format!(
        "{}, which goes back until its window opens: {why}, and no production traffic has moved",
        stop.why
    );
    let outcome = Outcome::Acting(stop.why.clone());
    let mark = supersede::mark(view, service, &rollout.id, Cause::Window);
    Plan {
        steps: mark.into_iter().chain([stop]).collect(),
        outcome,
        rollout: Some(Rollout {
            superseded: true,
            ..rollout.clone()
        }),
        ..plan
    }
}

/// The plan that says that nobody lets it go on now.
fn told(view: &View<'_>, plan: Plan) -> Plan {
    let waits = matches!(plan.outcome, Outcome::Waiting(Wait::ApprovalPending, _));
    let Some(held) = gates::held(view).filter(|_| waits) else {
        return plan;
    };
    let outcome = plan
        .outcome
        .with_message(|message| format!("{message}; {held}"));
    Plan { outcome, ..plan }
}

/// The stop of `CodeDeploy`'s deployment, and the digest of what it is of.
fn by_code_deploy(observed: &Observed) -> Option<(Step, String)> {
    let deployment = observed.deployment.as_ref()?.present()?;
    let ours = attempt_of(deployment).filter(|_| in_flight(deployment))?;
    let before = supersede::has_moved(deployment, &observed.target) == Some(false);
    if is_rollback(deployment) || !before {
        return None;
    }
    let id = text(deployment, "deploymentId");
    let stop = supersede::stop(id, format!("stop deployment {id}"));
    Some((stop, ours.to_owned()))
}

/// The same of a service deployment of ECS's that shifts traffic.
fn by_ecs(
    view: &View<'_>,
    observed: &Observed,
    service: &Value,
    attempt: Option<&str>,
) -> Option<(Step, String)> {
    let Some(Seen::Present(Value::Array(history))) = &observed.service_deployments else {
        return None;
    };
    let (newest, before) = history.split_first()?;
    // AWS goes back only to a deployment that was completed.
    let completed = |one: &Value| text(one, "status") == "SUCCESSFUL";
    let moving = !native::in_flight(newest) || !native::before_traffic(newest);
    if moving || !before.iter().any(completed) {
        return None;
    }
    // One of the declared content that somebody else forced is theirs.
    let started = native::started(service, history)?;
    let declared = attempt.filter(|_| native::is_of(newest, &view.spec));
    let ours = declared.unwrap_or(started);
    let arn = text(newest, "serviceDeploymentArn");
    let input = json!({"serviceDeploymentArn": arn, "stopType": "ROLLBACK"});
    let why = format!("stop service deployment {}", last_segment(arn));
    let stop = step(Service::Ecs, "StopServiceDeployment", input, why);
    Some((stop, ours.to_owned()))
}

//! Whether a rollout of a service is in flight, whoever started it. Pure. For the limits on how many are in flight at
//! once, which count what others start too.
//!
//! | service | in flight while |
//! |---|---|
//! | `ECS` | its newest service deployment is; without one that was read, its `PRIMARY` deployment is in progress |
//! | `CODE_DEPLOY` | the last deployment of its group is; without a manifest of the group, it has two task sets |
//! | `EXTERNAL` | not known: it is left alone, and counts as none |
//!
//! Besides, while the plan follows one: the way back of a deployment may not show yet. What could not be read
//! is not known, nor is a service whose cluster is not known yet.

use serde_json::Value;

use super::payload::primary_deployment;
use super::plan::controller;
use super::{Observed, history, items, native, text};
use crate::model::{Outcome, Plan, Seen, Wait};

/// Whether one is; `None` if that is not known.
pub(super) fn of(observed: &Observed, service: &Value, plan: &Plan) -> Option<bool> {
    if followed(plan) {
        return Some(true);
    }
    match controller(service) {
        "CODE_DEPLOY" => code_deploy(observed, service),
        "ECS" => ecs(observed, service),
        _ => Some(false),
    }
}

fn followed(plan: &Plan) -> bool {
    let waits = matches!(
        plan.outcome,
        Outcome::Waiting(Wait::RolloutInProgress | Wait::ForeignDeployment, _)
    );
    let rollout = plan.rollout.as_ref();
    waits || rollout.is_some_and(|rollout| !rollout.id.is_empty())
}

fn code_deploy(observed: &Observed, service: &Value) -> Option<bool> {
    match (&observed.group, &observed.deployment) {
        (Some(Seen::Unknown(_)), _) | (_, Some(Seen::Unknown(_))) => None,
        (None, _) => Some(items(service, "taskSets").count() > 1),
        (Some(_), last) => {
            let last = last.as_ref().and_then(Seen::present);
            let all = observed.history.as_ref().and_then(Seen::present);
            let mut known = last.into_iter().chain(all.into_iter().flatten());
            Some(known.any(history::in_flight))
        }
    }
}

fn ecs(observed: &Observed, service: &Value) -> Option<bool> {
    let deployments = match &observed.service_deployments {
        Some(Seen::Unknown(_)) => return None,
        other => other.as_ref().and_then(Seen::present),
    };
    if let Some(newest) = deployments.and_then(|list| list.as_array()?.first()) {
        return Some(native::in_flight(newest));
    }
    let primary = primary_deployment(service);
    let progresses = primary.is_some_and(|one| text(one, "rolloutState") == "IN_PROGRESS");
    Some(progresses || !text(service, "currentServiceDeployment").is_empty())
}

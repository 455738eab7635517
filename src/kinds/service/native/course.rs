//! Where a service deployment stands, as a controller-neutral rollout, and how it ended. Pure.
//!
//! The statuses and stages are the service model's (aws-facts 1.2, 1.3). A stage that is not known
//! here counts as one in which production traffic may have moved.

use serde_json::Value;

use super::super::payload::deploying_drift;
use super::super::supersede::Marks;
use super::super::{Observed, items, last_segment, text};
use crate::model::{Rollout, RolloutStage, Seen};

/// Whether a service deployment goes on. One that is asked to stop makes room.
pub(in super::super) fn in_flight(deployment: &Value) -> bool {
    matches!(
        text(deployment, "status"),
        "PENDING" | "IN_PROGRESS" | "ROLLBACK_REQUESTED" | "ROLLBACK_IN_PROGRESS"
    )
}

/// Whether it deploys the declared content.
pub(in super::super) fn is_of(deployment: &Value, spec: &Value) -> bool {
    deployment
        .get("revision")
        .is_some_and(|revision| deploying_drift(spec, revision).is_empty())
}

/// Percent of the production traffic on the new revision.
fn moved(deployment: &Value) -> Option<f64> {
    deployment
        .pointer("/targetServiceRevision/requestedProductionTrafficWeight")?
        .as_f64()
}

/// Whether no production traffic has moved yet.
pub(in super::super) fn before_traffic(deployment: &Value) -> bool {
    let stage = text(deployment, "lifecycleStage");
    // A rolling deployment has no stage, and shifts no traffic.
    let early = [
        "",
        "RECONCILE_SERVICE",
        "PRE_SCALE_UP",
        "SCALE_UP",
        "POST_SCALE_UP",
        "TEST_TRAFFIC_SHIFT",
        "POST_TEST_TRAFFIC_SHIFT",
        "PRE_PRODUCTION_TRAFFIC_SHIFT",
    ];
    early.contains(&stage) && moved(deployment).is_none_or(|share| share <= 0.0)
}

/// The id of the pause hook that waits for a person.
pub(super) fn paused(deployment: &Value) -> Option<&str> {
    items(deployment, "lifecycleHookDetails")
        .find(|hook| text(hook, "status") == "AWAITING_ACTION")
        .map(|hook| text(hook, "hookId"))
}

/// The rollout that a deployment in flight is.
pub(in super::super) fn rollout(deployment: &Value, ours: bool) -> Rollout {
    let stage = text(deployment, "lifecycleStage");
    let hooks = items(deployment, "lifecycleHookDetails").map(|hook| {
        let name = match text(hook, "targetArn") {
            "" => text(hook, "hookId"),
            // arn:aws:lambda:REGION:ACCOUNT:function:NAME
            arn => arn.rsplit(':').next().unwrap_or(arn),
        };
        (name.to_owned(), text(hook, "status").to_owned())
    });
    let mut events: Vec<(String, String)> = hooks.collect();
    if !stage.is_empty() {
        events.push((stage.to_owned(), text(deployment, "status").to_owned()));
    }
    let old = items(deployment, "sourceServiceRevisions")
        .filter_map(|source| source.get("requestedProductionTrafficWeight")?.as_f64())
        .reduce(f64::max);
    Rollout {
        id: last_segment(text(deployment, "serviceDeploymentArn")).to_owned(),
        ours,
        stage: stage_of(deployment, stage),
        events,
        weights: old.zip(moved(deployment)),
        superseded: false,
    }
}

fn stage_of(deployment: &Value, stage: &str) -> RolloutStage {
    match text(deployment, "status") {
        "ROLLBACK_REQUESTED" | "ROLLBACK_IN_PROGRESS" => return RolloutStage::RollingBack,
        "PENDING" => return RolloutStage::Pending,
        _ => {}
    }
    if paused(deployment).is_some() {
        return RolloutStage::AwaitingApproval;
    }
    match stage {
        "TEST_TRAFFIC_SHIFT" | "POST_TEST_TRAFFIC_SHIFT" => RolloutStage::TestTraffic,
        "PRE_PRODUCTION_TRAFFIC_SHIFT"
        | "PRODUCTION_TRAFFIC_SHIFT"
        | "POST_PRODUCTION_TRAFFIC_SHIFT" => RolloutStage::Shifting,
        "BAKE_TIME" => RolloutStage::Baking,
        "CLEAN_UP" => RolloutStage::CleaningUp,
        _ => RolloutStage::ScalingUp,
    }
}

/// A rollout in one line: `service deployment 1f2e Shifting: PRODUCTION_TRAFFIC_SHIFT, traffic 90% old
/// 10% new`.
pub(in super::super) fn sentence(rollout: &Rollout) -> String {
    let mut line = format!(
        "service deployment {} {}",
        rollout.id,
        rollout.stage.label()
    );
    if let Some((name, _)) = rollout.events.last() {
        line.push_str(&format!(": {name}"));
    }
    if let Some((old, new)) = rollout.weights {
        line.push_str(&format!(", traffic {old:.0}% old {new:.0}% new"));
    }
    line
}

/// How the newest deployment of a content ended badly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BadEnd {
    /// What a person needs to know.
    pub(super) why: String,
    /// Whether no other deployment came after it.
    pub(super) newest: bool,
}

/// The bad end of the newest deployment of the declared content that came to an end of its own, if it
/// ended badly; what we stopped ourselves (`marks`) did not. `history` is newest first.
///
/// The marks forget the oldest: before one that we stopped, only what failed of itself counts. And where we stopped the
/// very newest deployment, its content had been let start after all that came before.
pub(super) fn bad_end(history: &[Value], spec: &Value, marks: &Marks<'_>) -> Option<BadEnd> {
    let mut ours = history
        .iter()
        .enumerate()
        .filter(|(_, deployment)| is_of(deployment, spec));
    let mut stopped_by_us = false;
    let (index, found) = ours.find(|(index, deployment)| {
        if marks.went_back(deployment) {
            stopped_by_us = true;
            return *index == 0;
        }
        // One that a newer deployment superseded says nothing of its content.
        let stopped = matches!(text(deployment, "status"), "STOPPED" | "STOP_REQUESTED");
        let itself =
            *index == 0 || is_condemned(deployment) || deployment.get("rollback").is_some();
        let good = text(deployment, "status") == "SUCCESSFUL";
        (itself || !stopped) && (!stopped_by_us || good || is_condemned(deployment))
    })?;
    if marks.went_back(found) {
        return None;
    }
    let status = text(found, "status");
    let bad = matches!(status, "STOPPED" | "STOP_REQUESTED") || status.starts_with("ROLLBACK");
    bad.then(|| BadEnd {
        why: explain(found),
        newest: index == 0,
    })
}

fn triggered<'a>(deployment: &'a Value, member: &str) -> Option<&'a Value> {
    let one = deployment.get(member)?;
    (text(one, "status") == "TRIGGERED").then_some(one)
}

/// Whether a deployment failed of itself, whoever stopped it besides: by the circuit breaker, an alarm or a hook. A hook
/// that a stop cut short says nothing.
pub(in super::super) fn is_condemned(deployment: &Value) -> bool {
    let stopped = text(deployment, "statusReason").contains("StopServiceDeployment");
    ["deploymentCircuitBreaker", "alarms"]
        .iter()
        .any(|member| triggered(deployment, member).is_some())
        || !stopped && failed_hooks(deployment).next().is_some()
}

fn failed_hooks(deployment: &Value) -> impl Iterator<Item = &Value> {
    let failed = |hook: &&Value| matches!(text(hook, "status"), "FAILED" | "TIMED_OUT");
    items(deployment, "lifecycleHookDetails").filter(failed)
}

/// One deployment that ended badly in a sentence: AWS's reason, and what stands behind it.
pub(in super::super) fn explain(deployment: &Value) -> String {
    let id = last_segment(text(deployment, "serviceDeploymentArn"));
    let mut sentence = format!("service deployment {id} {}", text(deployment, "status"));
    let reason = text(deployment, "statusReason");
    if !reason.is_empty() {
        sentence.push_str(&format!(": {reason}"));
    }
    if let Some(breaker) = triggered(deployment, "deploymentCircuitBreaker") {
        sentence.push_str(&format!(
            "; circuit breaker: {} tasks failed, {} are too many",
            breaker["failureCount"], breaker["threshold"]
        ));
    }
    if let Some(alarms) = triggered(deployment, "alarms") {
        let names: Vec<&str> = items(alarms, "triggeredAlarmNames")
            .filter_map(Value::as_str)
            .collect();
        sentence.push_str(&format!("; alarms: {}", names.join(", ")));
    }
    for hook in failed_hooks(deployment) {
        let target = match text(hook, "targetArn") {
            "" => text(hook, "hookId"),
            arn => arn,
        };
        sentence.push_str(&format!("; hook {target} {}", text(hook, "status")));
    }
    sentence
}

/// The service revision whose tasks serve: that of the newest deployment that succeeded; where the
/// deployments were not read, the only one that has tasks. `None` if none ever succeeded.
pub(super) fn live_revision<'a>(history: &'a [Value], observed: &'a Observed) -> Option<&'a Value> {
    if history.is_empty() {
        return observed.serving.as_ref().and_then(Seen::present);
    }
    let succeeded = history
        .iter()
        .find(|deployment| text(deployment, "status") == "SUCCESSFUL");
    succeeded.and_then(|deployment| deployment.get("revision"))
}

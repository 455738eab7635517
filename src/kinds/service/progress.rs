//! Where a `CodeDeploy` deployment stands, as a controller-neutral rollout. Pure.

use serde_json::Value;

use super::history::{attempt_of, is_rollback};
use super::{items, text};
use crate::model::{Rollout, RolloutStage, Seen};

/// The rollout that a deployment in flight is. `target` is its `ecsTarget`, if it was read.
pub(super) fn rollout(deployment: &Value, target: &Seen<Value>) -> Rollout {
    let nothing = Value::Null;
    let target = target.present().unwrap_or(&nothing);
    let events: Vec<(String, String)> = items(target, "lifecycleEvents")
        .map(|event| {
            (
                text(event, "lifecycleEventName").to_owned(),
                text(event, "status").to_owned(),
            )
        })
        .collect();
    Rollout {
        id: text(deployment, "deploymentId").to_owned(),
        ours: attempt_of(deployment).is_some(),
        stage: stage(deployment, &events),
        weights: weights(target),
        events,
    }
}

fn stage(deployment: &Value, events: &[(String, String)]) -> RolloutStage {
    if is_rollback(deployment) {
        return RolloutStage::RollingBack;
    }
    match text(deployment, "status") {
        "Created" | "Queued" => return RolloutStage::Pending,
        "Ready" => return RolloutStage::AwaitingApproval,
        "Baking" => return RolloutStage::Baking,
        _ => {}
    }
    // The deployment is still InProgress while it waits to stop the old tasks (aws-facts 2.4).
    if deployment
        .get("instanceTerminationWaitTimeStarted")
        .and_then(Value::as_bool)
        == Some(true)
    {
        return RolloutStage::Baking;
    }
    let current = events
        .iter()
        .find(|(_, status)| !matches!(status.as_str(), "Succeeded" | "Skipped"));
    match current.map(|(name, _)| name.as_str()) {
        Some("AllowTestTraffic" | "AfterAllowTestTraffic") => RolloutStage::TestTraffic,
        Some("BeforeAllowTraffic" | "AllowTraffic" | "AfterAllowTraffic") => RolloutStage::Shifting,
        None if !events.is_empty() => RolloutStage::CleaningUp,
        _ => RolloutStage::ScalingUp,
    }
}

/// Production weight in percent of the old (`Blue`) and the new (`Green`) task set.
fn weights(target: &Value) -> Option<(f64, f64)> {
    let weight = |label: &str| {
        let set = items(target, "taskSetsInfo").find(|set| text(set, "taskSetLabel") == label)?;
        set.get("trafficWeight")?.as_f64()
    };
    Some((weight("Blue")?, weight("Green")?))
}

/// A rollout in one line: `d-1 Shifting: AllowTraffic InProgress, old 90 % new 10 %`.
pub(super) fn sentence(rollout: &Rollout) -> String {
    let mut line = format!("deployment {} {}", rollout.id, rollout.stage.label());
    if let Some((name, status)) = rollout
        .events
        .iter()
        .find(|(_, status)| !matches!(status.as_str(), "Succeeded" | "Skipped" | "Pending"))
    {
        line.push_str(&format!(": {name} {status}"));
    }
    if let Some((old, new)) = rollout.weights {
        line.push_str(&format!(", traffic {old:.0}% old {new:.0}% new"));
    }
    line
}

/// The lifecycle event that failed, with the function that it called, to be put behind a sentence; empty if
/// none did. `target` is the deployment's `ecsTarget`.
pub(super) fn failed_event(target: &Value, sentence: &str) -> String {
    let failed = items(target, "lifecycleEvents").find(|event| text(event, "status") == "Failed");
    let Some(event) = failed else {
        return String::new();
    };
    let mut told = format!(
        "; lifecycle event {} failed",
        text(event, "lifecycleEventName")
    );
    let nothing = Value::Null;
    let diagnostics = event.get("diagnostics").unwrap_or(&nothing);
    let function = text(diagnostics, "scriptName");
    if !function.is_empty() {
        told.push_str(&format!(" in function {function}"));
    }
    let message = text(diagnostics, "message");
    if !message.is_empty() && !sentence.contains(message) {
        told.push_str(&format!(": {message}"));
    }
    told
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn staged(status: &str, waiting: bool, current: &str) -> RolloutStage {
        let names = [
            "BeforeInstall",
            "Install",
            "AfterInstall",
            "AllowTestTraffic",
            "AfterAllowTestTraffic",
            "BeforeAllowTraffic",
            "AllowTraffic",
            "AfterAllowTraffic",
        ];
        let at = names
            .iter()
            .position(|name| *name == current)
            .unwrap_or(names.len());
        let events: Vec<Value> = names
            .iter()
            .enumerate()
            .map(|(i, name)| json!({"lifecycleEventName": name,
                "status": match i.cmp(&at) { std::cmp::Ordering::Less => "Succeeded",
                    std::cmp::Ordering::Equal => "InProgress", std::cmp::Ordering::Greater => "Pending" }}))
            .collect();
        let deployment = json!({"deploymentId": "d-1", "status": status, "creator": "user",
            "instanceTerminationWaitTimeStarted": waiting});
        rollout(
            &deployment,
            &Seen::Present(json!({"lifecycleEvents": events})),
        )
        .stage
    }

    #[test]
    fn every_event_has_its_stage() {
        for (status, waiting, current, stage) in [
            ("Created", false, "BeforeInstall", RolloutStage::Pending),
            (
                "InProgress",
                false,
                "BeforeInstall",
                RolloutStage::ScalingUp,
            ),
            ("InProgress", false, "Install", RolloutStage::ScalingUp),
            (
                "InProgress",
                false,
                "AllowTestTraffic",
                RolloutStage::TestTraffic,
            ),
            (
                "Ready",
                false,
                "BeforeAllowTraffic",
                RolloutStage::AwaitingApproval,
            ),
            ("InProgress", false, "AllowTraffic", RolloutStage::Shifting),
            ("InProgress", true, "", RolloutStage::Baking),
            ("InProgress", false, "", RolloutStage::CleaningUp),
        ] {
            assert_eq!(
                staged(status, waiting, current),
                stage,
                "{status} {current}"
            );
        }
    }

    #[test]
    fn the_event_that_failed_is_told_with_its_function_and_what_was_not_said_yet() {
        let target = json!({"lifecycleEvents": [
            {"lifecycleEventName": "Install", "status": "Succeeded"},
            {"lifecycleEventName": "AfterInstall", "status": "Failed",
                "diagnostics": {"scriptName": "smoke", "message": "it said no"}}]});
        let told = "; lifecycle event AfterInstall failed in function smoke";
        assert_eq!(failed_event(&target, ""), format!("{told}: it said no"));
        assert_eq!(failed_event(&target, "because it said no"), told);
        assert_eq!(failed_event(&Value::Null, ""), "");
    }

    #[test]
    fn a_rollout_is_told_in_one_line() {
        let deployment = json!({"deploymentId": "d-1", "status": "InProgress", "creator": "user"});
        let target = Seen::Present(json!({
            "lifecycleEvents": [{"lifecycleEventName": "AllowTraffic", "status": "InProgress"}],
            "taskSetsInfo": [{"taskSetLabel": "Blue", "trafficWeight": 90.0},
                {"taskSetLabel": "Green", "trafficWeight": 10.0}]}));
        assert_eq!(
            sentence(&rollout(&deployment, &target)),
            "deployment d-1 Shifting: AllowTraffic InProgress, traffic 90% old 10% new"
        );
    }
}

//! `StopDeployment` and `ContinueDeployment`: they leave a wish; the next tick acts on it.

use serde_json::{Value, json};

use super::super::super::{AwsError, World};
use super::super::input::{deployment_id, text};
use super::{Stage, StopRequest, find};

fn check_running(world: &World, id: &str) -> Result<(), AwsError> {
    let deployment = find(world, id)?;
    if !deployment.status.ended() {
        return Ok(());
    }
    let status = deployment.status.name();
    let text = format!("The deployment {id} is already completed with status {status}");
    Err(AwsError::new("DeploymentAlreadyCompletedException", text))
}

/// `StopDeployment`. Without `autoRollbackEnabled` the group's configuration decides about a
/// rollback.
pub(in super::super) fn stop(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let id = deployment_id(input)?;
    check_running(world, id)?;
    let rollback = input.get("autoRollbackEnabled").and_then(Value::as_bool);
    if let Some(deployment) = world.codedeploy.deployments.get_mut(id) {
        deployment.stop = Some(StopRequest { rollback });
    }
    Ok(json!({"status": "Pending", "statusMessage": "No more events will be scheduled."}))
}

/// `ContinueDeployment`: ends the wait before traffic moves, or before the original task set is
/// terminated.
pub(in super::super) fn resume(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let id = deployment_id(input)?;
    check_running(world, id)?;
    let wanted = text(input, "deploymentWaitType").unwrap_or("READY_WAIT");
    let now = world.now;
    let Some(deployment) = world.codedeploy.deployments.get_mut(id) else {
        return Ok(json!({}));
    };
    match (wanted, deployment.stage) {
        ("READY_WAIT", Stage::ReadyWait { next, .. }) => deployment.stage = Stage::Event(next),
        ("TERMINATION_WAIT", Stage::TerminationWait { .. }) => {
            deployment.stage = Stage::TerminationWait { until: now };
        }
        ("READY_WAIT" | "TERMINATION_WAIT", _) => {
            let text = format!("The deployment {id} is not in {wanted}: it cannot be continued.");
            return Err(AwsError::new("DeploymentIsNotInReadyStateException", text));
        }
        (other, _) => {
            let text = format!(
                "The deployment wait type {other:?} is not one of READY_WAIT, TERMINATION_WAIT."
            );
            return Err(AwsError::new("InvalidDeploymentWaitTypeException", text));
        }
    }
    Ok(json!({}))
}

//! Lambda hooks of lifecycle events. There is no Lambda: a knob says what each function reports,
//! and `PutLifecycleEventHookExecutionStatus` reports in its place.

use serde_json::{Value, json};

use super::super::levers::HookOutcome;
use super::super::{AwsError, Time, World};
use super::deployments::{self, Deployment};
use super::events::{Event, EventStatus};
use super::input::{deployment_id, text};

/// How long a function takes.
const DURATION: Time = 2_000;

/// How long a lifecycle event waits for its function (`CodeDeploy` user guide, limits).
const TIMEOUT: Time = 3_600_000;

/// How a hook stands: `None` while it runs, then whether it succeeded, with the reason if not.
pub(super) fn poll(world: &World, event: &Event) -> Option<Result<(), String>> {
    let (Some(function), Some(started)) = (&event.hook, event.started) else {
        return Some(Ok(()));
    };
    let failed = || {
        Err(format!(
            "The lifecycle event hook function {function} reported Failed."
        ))
    };
    if let Some(succeeded) = event.reported {
        return Some(if succeeded { Ok(()) } else { failed() });
    }
    let elapsed = world.now - started;
    match world.levers.hook(function) {
        HookOutcome::Succeeded if elapsed >= DURATION => Some(Ok(())),
        HookOutcome::Failed if elapsed >= DURATION => Some(failed()),
        HookOutcome::Hang if elapsed >= TIMEOUT => Some(Err(format!(
            "The lifecycle event hook function {function} reported no status within {} seconds.",
            TIMEOUT / 1000
        ))),
        _ => None,
    }
}

/// The running hook of a deployment.
fn running(deployment: &Deployment) -> Option<&Event> {
    let active = |event: &&Event| event.status == EventStatus::InProgress && event.hook.is_some();
    deployment.events.iter().find(active)
}

impl super::State {
    /// The function that a deployment is waiting for, and the `lifecycleEventHookExecutionId` that
    /// it would have been called with. On AWS only the function itself sees that id.
    pub fn waiting_hook(&self, deployment: &str) -> Option<(&str, &str)> {
        let event = running(self.deployments.get(deployment)?)?;
        Some((event.hook.as_deref()?, event.execution.as_deref()?))
    }
}

/// `PutLifecycleEventHookExecutionStatus`.
pub(super) fn put_status(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let id = deployment_id(input)?;
    deployments::find(world, id)?;
    let succeeded = match text(input, "status") {
        Some("Succeeded") => true,
        Some("Failed") => false,
        other => {
            let text = format!("status {other:?} is not valid: use Succeeded or Failed.");
            return Err(AwsError::new(
                "InvalidLifecycleEventHookExecutionStatusException",
                text,
            ));
        }
    };
    let execution = text(input, "lifecycleEventHookExecutionId").unwrap_or_default();
    let deployment = world.codedeploy.deployments.get_mut(id);
    let mut events = deployment
        .into_iter()
        .flat_map(|deployment| deployment.events.iter_mut());
    let Some(event) = events.find(|event| event.execution.as_deref() == Some(execution)) else {
        let text = format!("No lifecycle event hook of {id} runs under the id {execution:?}.");
        return Err(AwsError::new(
            "InvalidLifecycleEventHookExecutionIdException",
            text,
        ));
    };
    if event.status != EventStatus::InProgress || event.reported.is_some() {
        let text = format!(
            "The lifecycle event {} is completed already.",
            event.kind.name()
        );
        return Err(AwsError::new(
            "LifecycleEventAlreadyCompletedException",
            text,
        ));
    }
    event.reported = Some(succeeded);
    Ok(json!({"lifecycleEventHookExecutionId": execution}))
}

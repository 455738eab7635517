//! What a person does to a deployment: `StopServiceDeployment` and `ContinueServiceDeployment`.

use super::super::super::refuse::{invalid, missing};
use super::super::super::services::Service;
use super::super::super::{AwsError, World, input};
use super::stages::Stage;
use serde_json::{Value, json};

/// Asks the newest deployment to go back.
pub(crate) fn request_rollback(service: &mut Service) -> Result<(), AwsError> {
    let arn = service.arn.clone();
    let Some(record) = service.history.first_mut() else {
        return Ok(());
    };
    let run = record.run.as_ref();
    if run.is_some_and(|run| run.stage == Stage::CleanUp) && !record.is_rollback() {
        return Err(AwsError::new(
            "ConflictException",
            format!("The service deployment of {arn} is cleaning up and cannot be rolled back."),
        ));
    }
    if run.is_some_and(|run| run.blue.is_none()) {
        return Err(invalid(
            "There is no completed service deployment to roll back to.",
        ));
    }
    if !record.is_rollback() {
        record.status = "ROLLBACK_REQUESTED";
    }
    service.settled = false;
    Ok(())
}

/// `ContinueServiceDeployment`.
pub(crate) fn resume(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let wanted = input::filled(request, "serviceDeploymentArn")
        .ok_or_else(|| missing("serviceDeploymentArn"))?;
    let id = input::filled(request, "hookId").ok_or_else(|| missing("hookId"))?;
    let status = match input::filled(request, "action") {
        None | Some("CONTINUE") => "SUCCEEDED",
        Some("ROLLBACK") => "FAILED",
        Some(other) => {
            return Err(invalid(format!(
                "Invalid action: {other}. Valid values are: CONTINUE, ROLLBACK"
            )));
        }
    };
    let mut records = world
        .ecs
        .services
        .values_mut()
        .flat_map(|service| service.history.iter_mut());
    let record = records.find(|it| it.arn == wanted).ok_or_else(|| {
        AwsError::new(
            "ServiceDeploymentNotFoundException",
            "The service deployment does not exist.",
        )
    })?;
    let mut parts = id.splitn(3, '-');
    if parts.next() != Some("ecs") || parts.filter(|part| !part.is_empty()).count() != 2 {
        return Err(invalid(
            "Invalid hookId: hookId must follow the format: ecs-{hookType}-{id}",
        ));
    }
    if record.is_over() {
        return Err(invalid(
            "Continuing a service deployment is not allowed for service deployment in terminal \
             states.",
        ));
    }
    let hooks = record.run.iter_mut().flat_map(|run| run.hooks.iter_mut());
    let hook = hooks
        .into_iter()
        .find(|hook| hook.id == id && hook.status == "AWAITING_ACTION")
        .ok_or_else(|| {
            invalid(
                "Provided hookId is either completed, unavailable, or not associated with the given \
                 Resource ARN",
            )
        })?;
    hook.status = status;
    Ok(json!({"serviceDeploymentArn": wanted}))
}

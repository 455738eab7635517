//! Changing the deployment controller of a service (update-service-parameters page).

use super::super::AwsError;
use super::super::refuse::invalid;
use super::{Controller, Service, SetStatus};
use serde_json::Value;

/// The controller that a request asks for, if it is another one and AWS lets the service have it.
pub(crate) fn change(service: &Service, request: &Value) -> Result<Option<Controller>, AwsError> {
    let Some(wanted) = request
        .get("deploymentController")
        .and_then(|it| it["type"].as_str())
    else {
        return Ok(None);
    };
    let (from, to) = match (service.controller, wanted) {
        (from, to) if from.name() == to => return Ok(None),
        (from @ (Controller::CodeDeploy | Controller::External), "ECS") => (from, Controller::Ecs),
        (from @ (Controller::CodeDeploy | Controller::Ecs), "EXTERNAL") => {
            (from, Controller::External)
        }
        (from, to) => {
            return Err(invalid(format!(
                "Updating the deployment controller from {} to {to} is not supported.",
                from.name()
            )));
        }
    };
    if service.sets.len() > 1 {
        return Err(invalid(if from == Controller::Ecs {
            "Updating the deployment controller is not supported while a deployment is in progress."
        } else {
            "Updating the deployment controller is not supported when there are multiple tasksets in \
             the service. Please ensure your service has only one taskset and try again."
        }));
    }
    let primary = service
        .sets
        .first()
        .filter(|set| set.status == SetStatus::Primary);
    let Some(primary) = primary else {
        return Err(invalid(
            "Updating the deployment controller requires a primary taskset in the service. Please \
             ensure your service has a primary taskset and try again.",
        ));
    };
    if from == Controller::Ecs && primary.rollout == super::Rollout::InProgress {
        return Err(invalid(
            "Updating the deployment controller is not supported while a deployment is in progress.",
        ));
    }
    Ok(Some(to))
}

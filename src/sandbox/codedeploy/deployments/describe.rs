//! `GetDeployment` and `BatchGetDeployments`. The text of an `AppSpec` is never in the answer, only its
//! SHA-256.

use serde_json::{Map, Value, json};

use super::super::super::{AwsError, World};
use super::super::applications::check_batch;
use super::super::input::{check_deployment_id, deployment_id, set, texts, timestamp};
use super::{Deployment, Status, find, targets};

/// Ids to one `BatchGetDeployments` (API reference).
const BATCH: usize = 25;

/// The `DeploymentInfo` document.
fn read_back(deployment: &Deployment) -> Value {
    let mut info = Map::new();
    let time = |time: Option<i64>| time.map(timestamp);
    set(
        &mut info,
        "applicationName",
        Some(json!(deployment.application)),
    );
    set(
        &mut info,
        "deploymentGroupName",
        Some(json!(deployment.group)),
    );
    set(
        &mut info,
        "deploymentConfigName",
        Some(json!(deployment.config)),
    );
    set(&mut info, "deploymentId", Some(json!(deployment.id)));
    let previous = deployment
        .previous
        .as_ref()
        .map(|location| location.read_back(false));
    set(&mut info, "previousRevision", previous);
    set(
        &mut info,
        "revision",
        Some(deployment.revision.read_back(false)),
    );
    set(&mut info, "status", Some(json!(deployment.status.name())));
    let error = deployment.error.as_ref();
    let error = error.map(|error| json!({"code": error.code, "message": error.message}));
    set(&mut info, "errorInformation", error);
    set(&mut info, "createTime", time(Some(deployment.created)));
    set(&mut info, "startTime", time(deployment.started));
    set(&mut info, "completeTime", time(deployment.completed));
    if deployment.started.is_some() {
        set(&mut info, "deploymentOverview", Some(overview(deployment)));
    }
    set(
        &mut info,
        "description",
        deployment.description.as_ref().map(|text| json!(text)),
    );
    set(&mut info, "creator", Some(json!(deployment.creator)));
    set(
        &mut info,
        "ignoreApplicationStopFailures",
        Some(json!(false)),
    );
    set(&mut info, "updateOutdatedInstancesOnly", Some(json!(false)));
    set(&mut info, "rollbackInfo", rollback(deployment));
    info.extend(deployment.echo.clone());
    let waits = json!(deployment.termination_wait_started);
    set(&mut info, "instanceTerminationWaitTimeStarted", Some(waits));
    set(&mut info, "fileExistsBehavior", Some(json!("DISALLOW")));
    set(&mut info, "deploymentStatusMessages", Some(json!([])));
    set(&mut info, "computePlatform", Some(json!("ECS")));
    Value::Object(info)
}

fn rollback(deployment: &Deployment) -> Option<Value> {
    let mut info = Map::new();
    let rollback = &deployment.rollback;
    set(
        &mut info,
        "rollbackDeploymentId",
        rollback.by.as_ref().map(|id| json!(id)),
    );
    set(
        &mut info,
        "rollbackTriggeringDeploymentId",
        rollback.of.as_ref().map(|id| json!(id)),
    );
    set(
        &mut info,
        "rollbackMessage",
        rollback.message.as_ref().map(|text| json!(text)),
    );
    (!info.is_empty()).then_some(Value::Object(info))
}

/// How many targets are in which state: an ECS deployment has one.
fn overview(deployment: &Deployment) -> Value {
    let state = match deployment.status {
        Status::Ready => "Ready",
        _ => targets::status(deployment),
    };
    let states = [
        "Pending",
        "InProgress",
        "Succeeded",
        "Failed",
        "Skipped",
        "Ready",
    ];
    let counts = states.map(|name| (name.to_owned(), json!(u8::from(name == state))));
    Value::Object(counts.into_iter().collect())
}

/// `GetDeployment`.
pub(in super::super) fn get(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    Ok(json!({"deploymentInfo": read_back(find(world, deployment_id(input)?)?)}))
}

/// `BatchGetDeployments`: unknown ids are left out.
pub(in super::super) fn batch_get(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let ids = texts(input, "deploymentIds");
    if ids.is_empty() {
        let text = "The deployment IDs are required: deploymentIds is missing or empty.";
        return Err(AwsError::new("DeploymentIdRequiredException", text));
    }
    check_batch(ids.len(), BATCH)?;
    ids.iter().try_for_each(|id| check_deployment_id(id))?;
    let found = ids
        .iter()
        .filter_map(|id| world.codedeploy.deployments.get(*id));
    Ok(json!({"deploymentsInfo": found.map(read_back).collect::<Vec<_>>()}))
}

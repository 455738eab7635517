//! The one target of an ECS deployment: lifecycle events, task sets, traffic.

use serde_json::{Map, Value, json};

use super::super::super::{ACCOUNT, AwsError, World};
use super::super::events;
use super::super::input::{deployment_id, set, text, texts, timestamp};
use super::{Deployment, Status, TaskSet, find};

/// The status of the target.
pub(super) fn status(deployment: &Deployment) -> &'static str {
    match deployment.status {
        Status::Created | Status::Queued => "Pending",
        Status::InProgress => "InProgress",
        Status::Ready => "Ready",
        Status::Succeeded => "Succeeded",
        Status::Failed => "Failed",
        // A stop is no failure of the target's.
        Status::Stopped => "Skipped",
    }
}

/// The `ECSTaskSet` document, with AWS's misspelling of `identifier`.
fn task_set(set: &TaskSet, label: &str) -> Value {
    json!({
        "identifer": set.id,
        "desiredCount": set.desired,
        "pendingCount": set.pending,
        "runningCount": set.running,
        "status": set.status,
        "trafficWeight": set.traffic,
        "targetGroup": {"name": set.target_group},
        "taskSetLabel": label,
    })
}

/// The `DeploymentTarget` document.
fn read_back(world: &World, deployment: &Deployment) -> Value {
    let settings = &deployment.settings;
    let times = deployment
        .events
        .iter()
        .flat_map(|event| [event.started, event.ended]);
    let updated = times.flatten().chain(deployment.completed).max();
    let sets = [(&deployment.blue, "Blue"), (&deployment.green, "Green")];
    let sets = sets
        .iter()
        .filter_map(|(record, label)| Some(task_set(record.as_ref()?, label)));
    let mut target = Map::new();
    set(&mut target, "deploymentId", Some(json!(deployment.id)));
    set(&mut target, "targetId", Some(json!(deployment.target_id())));
    let arn = format!(
        "arn:aws:ecs:{}:{ACCOUNT}:service/{}/{}",
        world.region, settings.cluster, settings.service
    );
    set(&mut target, "targetArn", Some(json!(arn)));
    set(
        &mut target,
        "lastUpdatedAt",
        updated.or(deployment.started).map(timestamp),
    );
    let lifecycle: Vec<Value> = deployment.events.iter().map(events::read_back).collect();
    set(
        &mut target,
        "lifecycleEvents",
        Some(Value::Array(lifecycle)),
    );
    set(&mut target, "status", Some(json!(status(deployment))));
    set(&mut target, "taskSetsInfo", Some(sets.collect()));
    json!({"deploymentTargetType": "ECSTarget", "ecsTarget": target})
}

/// A deployment that has started, so that it has a target.
fn started<'a>(world: &'a World, input: &Value) -> Result<&'a Deployment, AwsError> {
    let deployment = find(world, deployment_id(input)?)?;
    if deployment.started.is_some() {
        return Ok(deployment);
    }
    let text = format!("The deployment {} has not started.", deployment.id);
    Err(AwsError::new("DeploymentNotStartedException", text))
}

fn check_target(deployment: &Deployment, target: &str) -> Result<(), AwsError> {
    if target == deployment.target_id() {
        return Ok(());
    }
    let text = format!(
        "The target {target} does not belong to the deployment {}: its target is {}.",
        deployment.id,
        deployment.target_id()
    );
    Err(AwsError::new("DeploymentTargetDoesNotExistException", text))
}

/// `GetDeploymentTarget`.
pub(in super::super) fn get_target(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let deployment = started(world, input)?;
    let target = text(input, "targetId").unwrap_or_default();
    if target.is_empty() {
        let text = "The target ID is required: targetId is missing or empty.";
        return Err(AwsError::new("DeploymentTargetIdRequiredException", text));
    }
    check_target(deployment, target)?;
    Ok(json!({"deploymentTarget": read_back(world, deployment)}))
}

/// `BatchGetDeploymentTargets`: an ECS deployment has exactly one.
pub(in super::super) fn batch_get_targets(
    world: &mut World,
    input: &Value,
) -> Result<Value, AwsError> {
    let deployment = started(world, input)?;
    let targets = texts(input, "targetIds");
    match targets[..] {
        [] => {
            let text = "The target IDs are required: targetIds is missing or empty.";
            Err(AwsError::new("DeploymentTargetIdRequiredException", text))
        }
        [target] => {
            check_target(deployment, target)?;
            Ok(json!({"deploymentTargets": [read_back(world, deployment)]}))
        }
        _ => {
            let text = format!(
                "{} targets were given: the target list of an ECS deployment must have exactly \
                 one item.",
                targets.len()
            );
            Err(AwsError::new(
                "DeploymentTargetListSizeExceededException",
                text,
            ))
        }
    }
}

/// `ListDeploymentTargets`, with its filter by status.
pub(in super::super) fn list_targets(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let deployment = started(world, input)?;
    let filters = input.get("targetFilters").and_then(Value::as_object);
    let mut kept = true;
    for (name, values) in filters.into_iter().flatten() {
        let values = values.as_array().map_or(&[][..], Vec::as_slice);
        kept &= match name.as_str() {
            "TargetStatus" => values.iter().any(|value| value == status(deployment)),
            // An ECS target has no label; this filter selects EC2 instances.
            "ServerInstanceLabel" => false,
            _ => {
                let text = format!("The target filter {name} is not known.");
                return Err(AwsError::new("InvalidTargetFilterNameException", text));
            }
        };
    }
    let ids: Vec<String> = kept.then(|| deployment.target_id()).into_iter().collect();
    Ok(json!({"targetIds": ids}))
}

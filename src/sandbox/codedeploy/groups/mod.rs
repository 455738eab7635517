//! Deployment groups: which ECS service is deployed, through which load balancer, how. Not the
//! deployments themselves.
//!
//! Invariant: a group that is stored has passed `validate` and `balancer`, so its settings can be
//! read without a refusal.

mod balancer;
mod operations;
mod settings;
#[cfg(test)]
mod tests;
mod validate;

use serde_json::{Map, Value, json};

use super::super::{AwsError, World};
use super::applications;
use super::deployments::Deployment;
use super::input::{set, timestamp};

pub(super) use operations::{batch_get, create, delete, get, list, update};
pub(super) use settings::Settings;
pub(super) use settings::{alarm_names, rollback_events};
pub(super) use validate::{
    alarms as check_alarms, auto_rollback as check_rollback, config as check_config,
};

/// A deployment group.
#[derive(Clone, Debug)]
pub(super) struct Group {
    id: String,
    /// The members that a caller gave, with the defaults that AWS fills in, as they are read back.
    pub(super) given: Map<String, Value>,
    pub(super) last_attempted: Option<String>,
    pub(super) last_successful: Option<String>,
}

impl Group {
    /// The group's deployment configuration.
    pub(super) fn config_name(&self) -> &str {
        self.given
            .get("deploymentConfigName")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// A member as it is read back.
    pub(super) fn member(&self, name: &str) -> Option<&Value> {
        self.given.get(name)
    }
}

/// The group of this name, or the refusal that says that it or its application is not there.
pub(super) fn find<'a>(
    world: &'a World,
    application: &str,
    name: &str,
) -> Result<&'a Group, AwsError> {
    applications::find(world, application)?
        .groups
        .get(name)
        .ok_or_else(|| {
            let text = format!("No Deployment Group found for name: {name}");
            AwsError::new("DeploymentGroupDoesNotExistException", text)
        })
}

/// The `DeploymentGroupInfo` document.
fn read_back(world: &World, application: &str, name: &str, group: &Group) -> Value {
    let mut info = Map::new();
    info.insert("applicationName".to_owned(), json!(application));
    info.insert("deploymentGroupId".to_owned(), json!(group.id));
    info.insert("deploymentGroupName".to_owned(), json!(name));
    for empty in [
        "ec2TagFilters",
        "onPremisesInstanceTagFilters",
        "autoScalingGroups",
    ] {
        info.insert(empty.to_owned(), json!([]));
    }
    info.extend(group.given.clone());
    let deployment = |id: &Option<String>| {
        id.as_ref()
            .and_then(|id| world.codedeploy.deployments.get(id))
            .map(summary)
    };
    set(
        &mut info,
        "lastSuccessfulDeployment",
        deployment(&group.last_successful),
    );
    set(
        &mut info,
        "lastAttemptedDeployment",
        deployment(&group.last_attempted),
    );
    set(
        &mut info,
        "targetRevision",
        group
            .last_successful
            .as_ref()
            .and_then(|id| world.codedeploy.deployments.get(id))
            .map(|deployment| deployment.revision.read_back(false)),
    );
    info.insert("computePlatform".to_owned(), json!("ECS"));
    Value::Object(info)
}

/// The `LastDeploymentInfo` document.
fn summary(deployment: &Deployment) -> Value {
    let mut info = json!({
        "deploymentId": deployment.id,
        "status": deployment.status.name(),
        "createTime": timestamp(deployment.created),
    });
    if let Some(time) = deployment.completed {
        info["endTime"] = timestamp(time);
    }
    info
}

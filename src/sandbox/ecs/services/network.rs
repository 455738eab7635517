//! The network configuration of a service or task: its checks and its read-back.

use super::super::refuse::invalid;
use super::super::task_definitions::Definition;
use super::super::{AwsError, World, input, order};
use serde_json::{Value, json};

/// Subnets and security groups per configuration (service quotas).
const MOST: [(&str, usize); 2] = [("subnets", 16), ("securityGroups", 5)];

/// Checks a configuration against the task definition and returns what AWS reads back.
pub(crate) fn shape(
    world: &World,
    definition: &Definition,
    network: Option<&Value>,
    on_fargate: bool,
) -> Result<Option<Value>, AwsError> {
    let awsvpc = definition.network_mode() == "awsvpc";
    let Some(network) = network.filter(|it| it.get("awsvpcConfiguration").is_some()) else {
        return if awsvpc {
            Err(invalid(
                "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
            ))
        } else {
            Ok(None)
        };
    };
    if !awsvpc {
        return Err(invalid(
            "Network Configuration is not valid for the given networkMode of this task definition.",
        ));
    }
    let mut network = network.clone();
    let inner = &mut network["awsvpcConfiguration"];
    for (member, most) in MOST {
        if input::list(inner, member).len() > most {
            return Err(invalid(format!("{member} can have at most {most} items.")));
        }
    }
    if input::list(inner, "subnets").is_empty() {
        return Err(invalid("subnets can not be empty."));
    }
    for subnet in input::texts(inner, "subnets") {
        if !world.surroundings.has_subnet(&subnet) {
            return Err(invalid(format!(
                "Error retrieving subnet information for [{subnet}]: The subnet ID '{subnet}' does \
                 not exist (ErrorCode: InvalidSubnetID.NotFound)"
            )));
        }
    }
    for group in input::texts(inner, "securityGroups") {
        if !world.surroundings.has_security_group(&group) {
            return Err(invalid(format!(
                "Error retrieving security group information for [{group}]: The security group \
                 '{group}' does not exist (ErrorCode: InvalidGroup.NotFound)"
            )));
        }
    }
    if inner
        .get("assignPublicIp")
        .is_some_and(|it| it == "ENABLED")
        && !on_fargate
    {
        return Err(invalid(
            "Assign public IP is not supported for this launch type.",
        ));
    }
    if let Some(inner) = inner.as_object_mut() {
        inner
            .entry("assignPublicIp")
            .or_insert_with(|| "DISABLED".into());
        inner.entry("securityGroups").or_insert_with(|| json!([]));
        for list in ["subnets", "securityGroups"] {
            if let Some(list) = inner.get_mut(list) {
                order::shuffle(list);
            }
        }
    }
    Ok(Some(network))
}

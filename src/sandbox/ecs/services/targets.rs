//! The load balancers of a service or task set: what AWS checks about their target groups.

use super::super::refuse::invalid;
use super::super::task_definitions::Definition;
use super::super::{AwsError, World, input};
use super::Controller;
use serde_json::Value;

/// Target groups per service (service quotas).
const MOST: usize = 5;

/// Refuses entries that cannot work. `attached` demands that each target group has a load balancer,
/// which AWS asks of a service and `CodeDeploy`'s replacement task set need not fulfil.
pub(crate) fn check(
    world: &World,
    definition: &Definition,
    balancers: &[Value],
    controller: Controller,
    attached: bool,
) -> Result<(), AwsError> {
    if controller == Controller::CodeDeploy && balancers.len() != 1 {
        return Err(invalid(if balancers.is_empty() {
            "A load balancer is required for services with a CODE_DEPLOY deployment controller."
        } else {
            "Services with a CODE_DEPLOY deployment controller can have only one load balancer."
        }));
    }
    if balancers.len() > MOST {
        return Err(invalid(format!(
            "load balancers can have at most {MOST} items."
        )));
    }
    for balancer in balancers {
        let arn = input::text(balancer, "targetGroupArn").unwrap_or_default();
        if arn.is_empty() {
            return Err(invalid(
                "Classic Load Balancers are not simulated: targetGroupArn cannot be empty.",
            ));
        }
        check_container(definition, balancer)?;
        check_group(world, definition, arn, attached)?;
    }
    Ok(())
}

/// The container and its port must be in the task definition.
fn check_container(definition: &Definition, balancer: &Value) -> Result<(), AwsError> {
    let name = input::text(balancer, "containerName").unwrap_or_default();
    if name.is_empty() {
        return Err(invalid("Container name can not be null or empty."));
    }
    let container = definition.container(name).ok_or_else(|| {
        invalid(format!(
            "The container {name} does not exist in the task definition."
        ))
    })?;
    let port = input::int(balancer, "containerPort")?
        .ok_or_else(|| invalid("Container port can not be null."))?;
    let ports = input::list(container, "portMappings");
    if !ports
        .iter()
        .any(|it| input::int(it, "containerPort") == Ok(Some(port)))
    {
        return Err(invalid(format!(
            "The container {name} did not have a container port {port} defined."
        )));
    }
    Ok(())
}

/// The target group must exist, fit the network mode and, if `attached`, have a load balancer.
fn check_group(
    world: &World,
    definition: &Definition,
    arn: &str,
    attached: bool,
) -> Result<(), AwsError> {
    let group = world.elb.target_group(arn).ok_or_else(|| {
        invalid(format!(
            "The target group with targetGroupArn {arn} does not exist."
        ))
    })?;
    let mode = definition.network_mode();
    let wanted = if mode == "awsvpc" { "ip" } else { "instance" };
    if group.target_type != wanted {
        return Err(invalid(format!(
            "The provided target group {arn} has target type {}, which is incompatible with the \
             {mode} network mode specified in the task definition.",
            group.target_type
        )));
    }
    if attached && world.elb.load_balancers_of(arn).is_empty() {
        return Err(invalid(format!(
            "The target group with targetGroupArn {arn} does not have an associated load balancer."
        )));
    }
    Ok(())
}

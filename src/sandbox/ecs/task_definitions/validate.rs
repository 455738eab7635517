//! What `RegisterTaskDefinition` refuses. Not what it fills in (see `shape`).
//!
//! The wordings are AWS's where they were recorded; the rules without a recorded wording are those
//! of the API's text.

use super::super::refuse::{client, invalid};
use super::super::{AwsError, World, arn, input};
use super::attributes::is_ecr;
use super::fargate;
use serde_json::Value;
use std::collections::BTreeSet;

/// Containers per task definition (service quotas).
const MOST_CONTAINERS: usize = 10;

/// Bytes per task definition (service quotas), in AWS's own serialization.
const MOST_BYTES: usize = 65_536;

/// Refuses what AWS would refuse.
pub(crate) fn check(world: &World, request: &Value) -> Result<(), AwsError> {
    let family = input::text(request, "family").unwrap_or_default();
    if family.is_empty() {
        return Err(client("Family should not be null or empty."));
    }
    if !arn::is_name(family) {
        return Err(client("Family contains invalid characters."));
    }
    let mode = input::text(request, "networkMode").unwrap_or("bridge");
    if !matches!(mode, "awsvpc" | "bridge" | "host" | "none") {
        return Err(client(format!("Network mode '{mode}' is not valid.")));
    }
    let cpu = input::text(request, "cpu").map(fargate::cpu).transpose()?;
    let memory = input::text(request, "memory")
        .map(fargate::memory)
        .transpose()?;
    let on_fargate = input::list(request, "requiresCompatibilities")
        .iter()
        .any(|it| it == "FARGATE");
    if on_fargate {
        if mode != "awsvpc" {
            return Err(client("Fargate only supports network mode 'awsvpc'."));
        }
        fargate::check(cpu, memory)?;
    }
    let containers = input::list(request, "containerDefinitions");
    if containers.is_empty() {
        return Err(client("Container list cannot be empty."));
    }
    if containers.len() > MOST_CONTAINERS {
        return Err(client(format!(
            "Task definitions can have at most {MOST_CONTAINERS} containers."
        )));
    }
    let volumes: BTreeSet<&str> = input::list(request, "volumes")
        .iter()
        .filter_map(|it| input::text(it, "name"))
        .collect();
    let mut names = BTreeSet::new();
    for container in containers {
        check_container(container, mode, memory, &volumes)?;
        let name = input::text(container, "name").unwrap_or_default();
        if !names.insert(name) {
            return Err(client(format!("Duplicate container name '{name}'.")));
        }
    }
    for container in containers {
        for on in input::list(container, "dependsOn") {
            let on = input::text(on, "containerName").unwrap_or_default();
            if !names.contains(on) {
                return Err(client(format!(
                    "Container dependency '{on}' does not exist."
                )));
            }
        }
    }
    if containers
        .iter()
        .all(|it| input::flag(it, "essential") == Some(false))
    {
        return Err(client(
            "Task definition must have at least one essential container.",
        ));
    }
    check_role(world, request, containers, on_fargate)
}

/// One container by itself.
fn check_container(
    container: &Value,
    mode: &str,
    task_memory: Option<u64>,
    volumes: &BTreeSet<&str>,
) -> Result<(), AwsError> {
    let name = input::text(container, "name").unwrap_or_default();
    if name.is_empty() {
        return Err(client("Container.name should not be null or empty."));
    }
    if !arn::is_name(name) {
        return Err(client("Container.name contains invalid characters."));
    }
    if input::filled(container, "image").is_none() {
        return Err(client("Container.image should not be null or empty."));
    }
    let hard = input::int(container, "memory")?;
    let soft = input::int(container, "memoryReservation")?;
    match task_memory {
        None if hard.is_none() && soft.is_none() => {
            return Err(client(format!(
                "Invalid setting for container '{name}'. At least one of 'memory' or \
                 'memoryReservation' must be specified."
            )));
        }
        Some(most) => {
            for (member, value) in [("memory", hard), ("memoryReservation", soft)] {
                if value
                    .and_then(|it| u64::try_from(it).ok())
                    .is_some_and(|it| it > most)
                {
                    return Err(client(format!(
                        "The '{member}' setting for container '{name}' is greater than for the task."
                    )));
                }
            }
        }
        None => {}
    }
    for port in input::list(container, "portMappings") {
        let own = input::int(port, "containerPort")?;
        let host = input::int(port, "hostPort")?;
        if own.is_some_and(|port| !(1..=65_535).contains(&port)) {
            return Err(client("Container port should be between 1 and 65535."));
        }
        if mode == "awsvpc" && host.is_some() && host != own {
            return Err(client(
                "When networkMode=awsvpc, the host ports and container ports in port mappings must \
                 match.",
            ));
        }
    }
    let environment = input::list(container, "environment");
    for secret in input::list(container, "secrets") {
        let secret = input::text(secret, "name").unwrap_or_default();
        if environment
            .iter()
            .any(|it| input::text(it, "name") == Some(secret))
        {
            return Err(client(format!(
                "The secret name must be unique and not shared with any new or existing environment \
                 variables set on the container, such as '{secret}'."
            )));
        }
    }
    for mount in input::list(container, "mountPoints") {
        let volume = input::text(mount, "sourceVolume").unwrap_or_default();
        if !volumes.contains(volume) {
            return Err(client(format!("Unknown volume '{volume}'.")));
        }
    }
    Ok(())
}

/// What needs an execution role.
fn check_role(
    world: &World,
    request: &Value,
    containers: &[Value],
    on_fargate: bool,
) -> Result<(), AwsError> {
    if input::filled(request, "executionRoleArn").is_some() {
        return Ok(());
    }
    for container in containers {
        if !input::list(container, "secrets").is_empty() {
            return Err(client(
                "When you are specifying container secrets, you must also specify a value for \
                 'executionRoleArn'.",
            ));
        }
        if !on_fargate {
            continue;
        }
        if is_ecr(world, container) {
            return Err(client(
                "Fargate requires task definition to have execution role ARN to support ECR images.",
            ));
        }
        let log = container
            .get("logConfiguration")
            .and_then(|it| input::text(it, "logDriver"));
        if log == Some("awslogs") {
            return Err(client(
                "Fargate requires task definition to have execution role ARN to support log driver \
                 awslogs.",
            ));
        }
    }
    Ok(())
}

/// Refuses a document that is too long once it is filled in.
pub(crate) fn check_length(doc: &impl serde::Serialize) -> Result<(), AwsError> {
    let length = serde_json::to_string(doc).map_or(0, |text| text.len());
    if length > MOST_BYTES {
        return Err(client(format!(
            "Actual length: '{length}'. Max allowed length is '{MOST_BYTES}' bytes."
        )));
    }
    Ok(())
}

/// Refuses an unknown `include`, which AWS's model closes.
pub(crate) fn check_include(request: &Value) -> Result<(), AwsError> {
    match input::list(request, "include")
        .iter()
        .find(|it| *it != "TAGS")
    {
        Some(other) => Err(invalid(format!("Invalid include: {other}. Must be TAGS."))),
        None => Ok(()),
    }
}

#[cfg(test)]
#[path = "validate_tests.rs"]
mod tests;

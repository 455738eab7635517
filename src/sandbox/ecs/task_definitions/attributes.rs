//! What a task definition asks of where it runs: `compatibilities` and `requiresAttributes`. The
//! latter covers the attributes that public dumps show for the members that are common; it is not
//! AWS's whole table.

use super::super::{World, ecr::Lookup, input};
use super::fargate;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The launch types that the shaped document fits.
pub(crate) fn compatibilities(doc: &Map<String, Value>) -> Value {
    let number = |member: &str| {
        doc.get(member)
            .and_then(Value::as_str)
            .and_then(|it| it.parse().ok())
    };
    let awsvpc = doc.get("networkMode").is_some_and(|mode| mode == "awsvpc");
    let sized = match (number("cpu"), number("memory")) {
        (Some(cpu), Some(memory)) => fargate::has(cpu, memory),
        _ => false,
    };
    let mut list = vec!["EC2"];
    if awsvpc && sized {
        list.push("FARGATE");
    }
    if !awsvpc {
        list.insert(0, "EXTERNAL");
    }
    json!(list)
}

/// The attributes that the shaped document requires, each once, sorted.
pub(crate) fn required(world: &World, doc: &Map<String, Value>) -> Value {
    let mut names = BTreeSet::new();
    let role = doc.contains_key("executionRoleArn");
    if doc.get("networkMode").is_some_and(|mode| mode == "awsvpc") {
        names.insert("ecs.capability.task-eni".to_owned());
    }
    if doc.contains_key("taskRoleArn") {
        names.insert("com.amazonaws.ecs.capability.task-iam-role".to_owned());
    }
    let containers = doc.get("containerDefinitions").and_then(Value::as_array);
    for container in containers.into_iter().flatten() {
        if is_ecr(world, container) {
            names.insert("com.amazonaws.ecs.capability.ecr-auth".to_owned());
            if role {
                names.insert("ecs.capability.execution-role-ecr-pull".to_owned());
            }
        }
        if let Some(driver) = container
            .get("logConfiguration")
            .and_then(|it| input::text(it, "logDriver"))
        {
            names.insert(format!(
                "com.amazonaws.ecs.capability.logging-driver.{driver}"
            ));
            if role && driver == "awslogs" {
                names.insert("ecs.capability.execution-role-awslogs".to_owned());
            }
        }
        if container.get("healthCheck").is_some() {
            names.insert("ecs.capability.container-health-check".to_owned());
        }
        for secret in input::list(container, "secrets") {
            let store = input::text(secret, "valueFrom").unwrap_or_default();
            let store = if store.contains(":secretsmanager:") {
                "asm"
            } else {
                "ssm"
            };
            names.insert(format!(
                "ecs.capability.secrets.{store}.environment-variables"
            ));
        }
    }
    names.insert("com.amazonaws.ecs.capability.docker-remote-api.1.18".to_owned());
    names
        .into_iter()
        .map(|name| json!({"name": name}))
        .collect()
}

/// Whether a container's image stands in the account's ECR.
pub(crate) fn is_ecr(world: &World, container: &Value) -> bool {
    let image = input::text(container, "image").unwrap_or_default();
    !matches!(world.ecr.lookup(&world.region, image), Lookup::External)
}

//! What AWS fills in when it stores a service, as recorded from a minimal Fargate service. Not the
//! parts that a task set takes with it (see `create`).

use super::super::ACCOUNT;
use super::Controller;
use serde_json::{Map, Value, json};

/// Fills in what a new service was not given.
pub(crate) fn fill(doc: &mut Map<String, Value>, controller: Controller, daemon: bool) {
    let config = doc.remove("deploymentConfiguration").unwrap_or(Value::Null);
    let config = configuration(config, controller, daemon);
    // On by default wherever it may be on (see `check`).
    let eligible = !daemon
        && controller != Controller::External
        && config["maximumPercent"]
            .as_i64()
            .is_some_and(|most| most > 100);
    let rebalancing = if eligible { "ENABLED" } else { "DISABLED" };
    doc.insert("deploymentConfiguration".to_owned(), config);
    let role = format!(
        "arn:aws:iam::{ACCOUNT}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
    );
    for (member, default) in [
        ("availabilityZoneRebalancing", rebalancing.into()),
        ("deploymentController", json!({"type": controller.name()})),
        ("enableECSManagedTags", false.into()),
        ("enableExecuteCommand", false.into()),
        ("healthCheckGracePeriodSeconds", 0.into()),
        ("loadBalancers", json!([])),
        ("placementConstraints", json!([])),
        ("placementStrategy", json!([])),
        ("propagateTags", "NONE".into()),
        ("roleArn", role.into()),
        (
            "schedulingStrategy",
            if daemon { "DAEMON" } else { "REPLICA" }.into(),
        ),
        ("serviceRegistries", json!([])),
    ] {
        doc.entry(member).or_insert(default);
    }
}

/// A deployment configuration with its defaults.
pub(crate) fn configuration(sent: Value, controller: Controller, daemon: bool) -> Value {
    let mut config = match sent {
        Value::Object(config) => config,
        _ => Map::new(),
    };
    let (most, least) = if daemon { (100, 0) } else { (200, 100) };
    config
        .entry("maximumPercent")
        .or_insert_with(|| most.into());
    config
        .entry("minimumHealthyPercent")
        .or_insert_with(|| least.into());
    // The rest belongs to the ECS controller.
    if controller == Controller::Ecs {
        config.entry("strategy").or_insert_with(|| "ROLLING".into());
        config
            .entry("bakeTimeInMinutes")
            .or_insert_with(|| 0.into());
        let steps = match config.get("strategy").and_then(Value::as_str) {
            Some("LINEAR") => Some((
                "linearConfiguration",
                json!({"stepPercent": 10.0, "stepBakeTimeInMinutes": 6}),
            )),
            Some("CANARY") => Some((
                "canaryConfiguration",
                json!({"canaryPercent": 5.0, "canaryBakeTimeInMinutes": 10}),
            )),
            _ => None,
        };
        for (member, defaults) in steps.into_iter().chain([
            (
                "alarms",
                json!({"alarmNames": [], "enable": false, "rollback": false}),
            ),
            (
                "deploymentCircuitBreaker",
                json!({"enable": false, "rollback": false, "resetOnHealthyTask": true,
                    "thresholdConfiguration": {"type": "BOUNDED_PERCENT", "value": 50}}),
            ),
        ]) {
            let inner = config.entry(member).or_insert_with(|| json!({}));
            if let (Some(inner), Value::Object(defaults)) = (inner.as_object_mut(), defaults) {
                for (member, default) in defaults {
                    inner.entry(member).or_insert(default);
                }
            }
        }
    }
    Value::Object(config)
}

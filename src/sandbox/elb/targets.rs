//! Operations on the targets of a target group. How their health changes stands in `health`.

use super::super::{AwsError, World, input};
use super::TargetGroup;
use super::health::Health;
use serde_json::{Value, json};

/// At most this many targets in a target group (ALB quotas page).
const MAX_TARGETS: usize = 1000;

/// Id, port and Availability Zone of the targets a request names.
fn read(group: &TargetGroup, input: &Value) -> Result<Vec<(String, u16, String)>, AwsError> {
    let mut targets = Vec::new();
    for target in input::list(input, "Targets") {
        let id = input::filled(target, "Id")
            .ok_or_else(|| AwsError::new("ValidationError", "A target ID must be specified"))?;
        let port = match input::int(target, "Port")? {
            Some(port) => u16::try_from(port)
                .ok()
                .filter(|port| *port > 0)
                .ok_or_else(|| {
                    AwsError::new(
                        "ValidationError",
                        format!("The target port '{port}' is not valid"),
                    )
                })?,
            None => group.port.unwrap_or(0),
        };
        let valid = match group.target_type.as_str() {
            "ip" => id.parse::<std::net::IpAddr>().is_ok(),
            "instance" => id.starts_with("i-"),
            "lambda" => id.starts_with("arn:aws:lambda:"),
            _ => id.starts_with("arn:aws:elasticloadbalancing:"),
        };
        if !valid {
            return Err(AwsError::new(
                "InvalidTarget",
                format!(
                    "The target '{id}' is not valid for target type '{}'",
                    group.target_type
                ),
            ));
        }
        let zone = input::filled(target, "AvailabilityZone").unwrap_or_default();
        targets.push((id.to_owned(), port, zone.to_owned()));
    }
    Ok(targets)
}

/// A target that no simulated task stands behind fails its health checks.
pub(super) fn register(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let group = world.elb.named_group(input)?;
    let arn = group.arn.clone();
    let targets = read(group, input)?;
    if targets.is_empty() {
        return Err(AwsError::new(
            "ValidationError",
            "At least one target must be specified",
        ));
    }
    if group.targets.len() + targets.len() > MAX_TARGETS {
        return Err(AwsError::new(
            "TooManyTargets",
            format!("A target group can have at most '{MAX_TARGETS}' targets"),
        ));
    }
    for (id, port, zone) in targets {
        let zone = if zone.is_empty() {
            format!("{}a", world.region)
        } else {
            zone
        };
        let answers = world.elb.answers(&id, port);
        world
            .elb
            .register_target(&arn, &id, port, &zone, answers, world.now);
    }
    Ok(json!({}))
}

/// Unknown targets are passed over.
pub(super) fn deregister(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let group = world.elb.named_group(input)?;
    let arn = group.arn.clone();
    for (id, port, _) in read(group, input)? {
        world.elb.deregister_target(&arn, &id, port, world.now);
    }
    Ok(json!({}))
}

/// All targets, or those that the request names; one that is not registered is `unused`.
pub(super) fn health(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let group = world.elb.named_group(input)?;
    let wanted = read(group, input)?;
    let mut described = Vec::new();
    let describe = |id: &str, port: u16, zone: &str, health: Value| {
        let check = &group.health_check.port;
        let check = if check == "traffic-port" {
            port.to_string()
        } else {
            check.clone()
        };
        let mut target = json!({ "Id": id, "Port": port });
        if !zone.is_empty()
            && let Some(target) = target.as_object_mut()
        {
            target.insert("AvailabilityZone".to_owned(), json!(zone));
        }
        json!({ "Target": target, "HealthCheckPort": check, "TargetHealth": health })
    };
    if wanted.is_empty() {
        for ((id, port), target) in &group.targets {
            described.push(describe(id, *port, &target.zone, target.health.describe()));
        }
    }
    for (id, port, zone) in wanted {
        match group.targets.get(&(id.clone(), port)) {
            Some(target) => {
                described.push(describe(&id, port, &target.zone, target.health.describe()));
            }
            None => described.push(describe(&id, port, &zone, Health::not_registered())),
        }
    }
    Ok(json!({ "TargetHealthDescriptions": described }))
}

//! What a service may be as a whole: which features go with which deployment controller and
//! scheduling strategy. For creation and update alike, on the document that would result.

use super::super::AwsError;
use super::super::deployments::native;
use super::super::refuse::invalid;
use super::Controller;
use serde_json::{Map, Value};

/// Refuses features that do not go together.
pub(crate) fn features(
    doc: &Map<String, Value>,
    controller: Controller,
    daemon: bool,
) -> Result<(), AwsError> {
    let filled = |member: &str| match doc.get(member) {
        None | Some(Value::Null) => false,
        Some(Value::Array(items)) => !items.is_empty(),
        Some(_) => true,
    };
    let empty = Value::Null;
    let config = doc.get("deploymentConfiguration").unwrap_or(&empty);
    native::check::configuration(config, controller, daemon)?;
    let on = |member: &str, flag: &str| config[member][flag] == true;
    if controller != Controller::Ecs {
        if daemon {
            return Err(invalid(format!(
                "The {} deployment controller type is not supported for services using the DAEMON \
                 scheduling strategy.",
                controller.name()
            )));
        }
        if on("deploymentCircuitBreaker", "enable") || on("deploymentCircuitBreaker", "rollback") {
            return Err(invalid(
                "Deployment circuit breaker feature is only supported with ECS deployment \
                 controller. Update to ECS deployment controller and try again.",
            ));
        }
        if on("alarms", "enable") || on("alarms", "rollback") {
            return Err(invalid(
                "Alarm based rollback feature is only supported with ECS deployment controller. \
                 Update to ECS deployment controller and try again.",
            ));
        }
        if doc
            .get("serviceConnectConfiguration")
            .is_some_and(|it| it["enabled"] == true)
        {
            return Err(invalid(
                "Service Connect feature is only supported with ECS (rolling update) deployment \
                 controller. Update to ECS deployment controller and try again.",
            ));
        }
        for (member, feature) in [
            ("volumeConfigurations", "Volume configuration"),
            ("vpcLatticeConfigurations", "VPC Lattice"),
        ] {
            if filled(member) {
                return Err(invalid(format!(
                    "{feature} feature is only supported with ECS deployment controller. Update to \
                     ECS deployment controller and try again."
                )));
            }
        }
    }
    let grace = doc
        .get("healthCheckGracePeriodSeconds")
        .and_then(Value::as_i64)
        .unwrap_or(0);
    if grace != 0 && !filled("loadBalancers") && controller != Controller::External {
        return Err(invalid(
            "Health check grace period is only valid for services configured to use load balancers",
        ));
    }
    if doc
        .get("availabilityZoneRebalancing")
        .is_some_and(|it| it == "ENABLED")
    {
        let why = if daemon {
            Some("the DAEMON scheduling strategy")
        } else if controller == Controller::External {
            Some("the EXTERNAL deployment controller")
        } else if config["maximumPercent"]
            .as_i64()
            .is_some_and(|most| most <= 100)
        {
            Some("a maximumPercent of 100")
        } else {
            None
        };
        if let Some(why) = why {
            return Err(invalid(format!(
                "Availability Zone rebalancing is not supported for services with {why}."
            )));
        }
    }
    for (member, known) in [
        ("propagateTags", &["NONE", "SERVICE", "TASK_DEFINITION"][..]),
        ("availabilityZoneRebalancing", &["ENABLED", "DISABLED"][..]),
    ] {
        let value = doc.get(member).and_then(Value::as_str);
        if value.is_some_and(|it| !known.contains(&it)) {
            return Err(invalid(format!(
                "{member} must be one of: {}.",
                known.join(", ")
            )));
        }
    }
    percents(config, daemon)
}

/// `maximumPercent` and `minimumHealthyPercent`.
fn percents(config: &Value, daemon: bool) -> Result<(), AwsError> {
    let (default_most, default_least) = if daemon { (100, 0) } else { (200, 100) };
    let most = config["maximumPercent"].as_i64().unwrap_or(default_most);
    let least = config["minimumHealthyPercent"]
        .as_i64()
        .unwrap_or(default_least);
    if most < 0 || least < 0 {
        return Err(invalid(
            "maximumPercent and minimumHealthyPercent cannot be negative.",
        ));
    }
    if most == 100 && least == 100 {
        return Err(invalid(
            "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block \
             deployments.",
        ));
    }
    if most < least {
        return Err(invalid(
            "maximumPercent cannot be less than minimumHealthyPercent.",
        ));
    }
    if most < 100 {
        return Err(invalid("maximumPercent must be at least 100."));
    }
    Ok(())
}

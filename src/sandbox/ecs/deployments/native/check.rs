//! What AWS refuses at once of a service that shifts its own traffic (troubleshooting-blue-green
//! page). What it finds out only later stands in `traffic`.

use super::super::super::refuse::invalid;
use super::super::super::services::Controller;
use super::super::super::{AwsError, World, input};
use super::super::early;
use super::strategy;
use serde_json::{Map, Value};

/// The stages of hooks.
const STAGES: [&str; 8] = [
    "RECONCILE_SERVICE",
    "PRE_SCALE_UP",
    "POST_SCALE_UP",
    "TEST_TRAFFIC_SHIFT",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
];

/// The stages at which a deployment cannot be paused.
const NO_PAUSE: [&str; 2] = ["TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"];

/// Refuses a strategy, hooks and steps that cannot be.
pub(crate) fn configuration(
    config: &Value,
    controller: Controller,
    daemon: bool,
) -> Result<(), AwsError> {
    let strategy = strategy(config);
    if !["ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"].contains(&strategy) {
        return Err(invalid(format!(
            "Invalid deployment strategy: {strategy}. Valid values are: ROLLING, BLUE_GREEN, LINEAR, \
             CANARY"
        )));
    }
    if strategy != "ROLLING" && controller != Controller::Ecs {
        return Err(invalid(format!(
            "The {strategy} deployment strategy is only supported with ECS deployment controller. \
             Update to ECS deployment controller and try again."
        )));
    }
    if strategy != "ROLLING" && daemon {
        return Err(invalid(format!(
            "The {strategy} deployment strategy is not supported for services using the DAEMON \
             scheduling strategy."
        )));
    }
    early::check(config, strategy)?;
    if !(0..=1440).contains(&config["bakeTimeInMinutes"].as_i64().unwrap_or(0)) {
        return Err(invalid("bakeTimeInMinutes must be between 0 and 1440."));
    }
    for (section, owner, percent, least, bake) in [
        (
            "linearConfiguration",
            "LINEAR",
            "stepPercent",
            3.0,
            "stepBakeTimeInMinutes",
        ),
        (
            "canaryConfiguration",
            "CANARY",
            "canaryPercent",
            0.1,
            "canaryBakeTimeInMinutes",
        ),
    ] {
        let Some(part) = config.get(section).filter(|it| !it.is_null()) else {
            continue;
        };
        if strategy != owner {
            return Err(invalid(format!(
                "{section} is only supported with the {owner} deployment strategy."
            )));
        }
        let share = part[percent].as_f64().unwrap_or(least);
        let tenths = share * 10.0;
        if !(least..=100.0).contains(&share) || (tenths - tenths.round()).abs() > 1e-6 {
            return Err(invalid(format!(
                "{percent} must be a multiple of 0.1 between {least:.1} and 100.0."
            )));
        }
        if !(0..=1440).contains(&part[bake].as_i64().unwrap_or(0)) {
            return Err(invalid(format!("{bake} must be between 0 and 1440.")));
        }
    }
    input::list(config, "lifecycleHooks")
        .iter()
        .try_for_each(hook)
}

fn hook(hook: &Value) -> Result<(), AwsError> {
    let pause = match input::text(hook, "targetType").unwrap_or("AWS_LAMBDA") {
        "AWS_LAMBDA" => false,
        "PAUSE" => true,
        _ => {
            return Err(invalid(
                "Invalid targetType. Valid values are: AWS_LAMBDA, PAUSE",
            ));
        }
    };
    for stage in input::texts(hook, "lifecycleStages") {
        if pause && NO_PAUSE.contains(&stage.as_str()) {
            return Err(invalid("Invalid lifecycle stage provided for Pause Hook"));
        }
        if !STAGES.contains(&stage.as_str()) {
            return Err(invalid(format!("Invalid lifecycle stage: {stage}.")));
        }
    }
    if !pause {
        for member in ["hookTargetArn", "roleArn"] {
            if input::filled(hook, member).is_none() {
                return Err(invalid(format!(
                    "{member} cannot be null or empty for a lifecycle hook."
                )));
            }
        }
    }
    let minutes = hook["timeoutConfiguration"]["timeoutInMinutes"].as_i64();
    if !(1..=20160).contains(&minutes.unwrap_or(1)) {
        return Err(invalid("timeoutInMinutes must be between 1 and 20160."));
    }
    Ok(())
}

/// Refuses load balancers that traffic cannot be shifted with.
pub(crate) fn balancers(world: &World, doc: &Map<String, Value>) -> Result<(), AwsError> {
    let empty = Value::Null;
    let shifting = strategy(doc.get("deploymentConfiguration").unwrap_or(&empty)) != "ROLLING";
    let balancers = doc.get("loadBalancers").and_then(Value::as_array);
    let balancers = balancers.map_or(&[][..], Vec::as_slice);
    let advanced = |it: &&Value| {
        it.get("advancedConfiguration")
            .is_some_and(|it| !it.is_null())
    };
    let count = balancers.iter().filter(advanced).count();
    if shifting && count < balancers.len() {
        return Err(invalid(
            "advancedConfiguration field is required for all loadBalancers when using a non-ROLLING \
             deployment strategy",
        ));
    }
    if count != 0 && count != balancers.len() {
        return Err(invalid(
            "Either all or none of the provided loadBalancers must have advancedConfiguration defined",
        ));
    }
    let mut seen: Vec<(&str, &Value)> = Vec::new();
    for balancer in balancers.iter().filter(advanced) {
        let config = &balancer["advancedConfiguration"];
        let own = input::text(balancer, "targetGroupArn").unwrap_or_default();
        let other = input::filled(config, "alternateTargetGroupArn")
            .ok_or_else(|| missing_in_advanced("alternateTargetGroupArn"))?;
        let port = &balancer["containerPort"];
        for arn in [own, other] {
            // The same pair may stand behind another port of the container.
            if own == other || seen.contains(&(arn, port)) {
                return Err(invalid(format!("Duplicate targetGroupArn found: {arn}")));
            }
        }
        seen.extend([(own, port), (other, port)]);
        if world.elb.target_group(other).is_none() {
            return Err(invalid(format!(
                "The target group with targetGroupArn {other} does not exist."
            )));
        }
        if input::filled(config, "roleArn").is_none() {
            return Err(missing_in_advanced("roleArn"));
        }
        rules(world, config, [own, other])?;
    }
    Ok(())
}

fn missing_in_advanced(member: &str) -> AwsError {
    invalid(format!(
        "{member} cannot be null or empty in advancedConfiguration."
    ))
}

fn rules(world: &World, config: &Value, pair: [&str; 2]) -> Result<(), AwsError> {
    let production = input::filled(config, "productionListenerRule")
        .ok_or_else(|| missing_in_advanced("productionListenerRule"))?;
    let test = input::filled(config, "testListenerRule");
    let rules = [
        ("productionListenerRule", Some(production)),
        ("testListenerRule", test),
    ];
    for (member, rule) in rules {
        let well =
            |rule: &str| rule.contains(":listener-rule/app/") || rule.contains(":listener/net/");
        if let Some(rule) = rule.filter(|rule| !well(rule)) {
            return Err(invalid(format!(
                "{member} has an invalid ARN format. Must be RuleArn for ALB or ListenerArn for NLB. \
                 Got: {rule}"
            )));
        }
    }
    if test == Some(production) {
        return Err(invalid(format!(
            "The following rules cannot be used as both production and test listener rules: \
             {production}"
        )));
    }
    let groups = world.elb.rule_groups(production);
    let both = groups.is_none_or(|groups| {
        pair.iter()
            .all(|arn| groups.iter().any(|(known, _)| known == arn))
    });
    if test.is_none() && !both && production.contains(":listener-rule/app/") {
        return Err(invalid(
            "For Application LoadBalancer, testListenerRule is required when productionListenerRule is \
             not associated with both targetGroup and alternateTargetGroup",
        ));
    }
    Ok(())
}

//! What the configuration of each type of policy must be. The steps of step scaling are in `step`.

use super::{AwsError, Map, Value, World, elb, input, invalid, step};
use serde_json::json;

/// The members that hold the configurations.
pub(super) const TARGET_TRACKING: &str = "TargetTrackingScalingPolicyConfiguration";
const STEP: &str = "StepScalingPolicyConfiguration";
const PREDICTIVE: &str = "PredictiveScalingPolicyConfiguration";

/// The metric that needs a resource label.
const REQUESTS: &str = "ALBRequestCountPerTarget";

/// The predefined metrics of ECS services.
const METRICS: [&str; 5] = [
    REQUESTS,
    "ECSServiceAverageCPUUtilization",
    "ECSServiceAverageMemoryUtilization",
    "ECSServiceAverageCPUUtilizationHighResolution",
    "ECSServiceAverageMemoryUtilizationHighResolution",
];

/// The configuration that a request carries for this type, with AWS's defaults in it; `None` if it
/// carries none.
pub(super) fn read(
    world: &mut World,
    request: &Value,
    kind: &str,
) -> Result<Option<(&'static str, Value)>, AwsError> {
    let own = match kind {
        "StepScaling" => STEP,
        "TargetTrackingScaling" => TARGET_TRACKING,
        "PredictiveScaling" => PREDICTIVE,
        other => {
            return Err(invalid(format!(
                "1 validation error detected: Value '{other}' at 'policyType' failed to satisfy \
                 constraint: Member must satisfy enum value set: [StepScaling, \
                 TargetTrackingScaling, PredictiveScaling]"
            )));
        }
    };
    for other in [STEP, TARGET_TRACKING, PREDICTIVE] {
        if other != own && input::sent(request, other) {
            return Err(invalid(format!(
                "{other} cannot be used with the policy type {kind}"
            )));
        }
    }
    let Some(given) = request.get(own).filter(|given| !given.is_null()) else {
        return Ok(None);
    };
    let mut configuration = given
        .as_object()
        .cloned()
        .ok_or_else(|| invalid(format!("{own} is no structure")))?;
    match own {
        STEP => step::check(given)?,
        TARGET_TRACKING => target_tracking(world, given)?,
        _ => predictive(given)?,
    }
    fill(own, &mut configuration);
    Ok(Some((own, Value::Object(configuration))))
}

/// Defaults that are read back.
fn fill(member: &str, configuration: &mut Map<String, Value>) {
    let defaults: &[(&str, Value)] = match member {
        STEP => &[
            ("Cooldown", json!(300)),
            ("MetricAggregationType", json!("Average")),
        ],
        TARGET_TRACKING => &[("DisableScaleIn", json!(false))],
        _ => &[
            ("MaxCapacityBreachBehavior", json!("HonorMaxCapacity")),
            ("Mode", json!("ForecastOnly")),
            ("SchedulingBufferTime", json!(300)),
        ],
    };
    for (name, value) in defaults {
        configuration.entry(*name).or_insert_with(|| value.clone());
    }
}

fn target_tracking(world: &mut World, given: &Value) -> Result<(), AwsError> {
    if given.get("TargetValue").and_then(Value::as_f64).is_none() {
        return Err(invalid("TargetValue is required"));
    }
    let predefined = given.get("PredefinedMetricSpecification");
    let customized = given.get("CustomizedMetricSpecification");
    match (predefined, customized) {
        (Some(metric), None) => predefined_metric(world, metric),
        (None, Some(metric)) => customized_metric(metric),
        _ => Err(invalid(
            "Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification must be \
             specified",
        )),
    }
}

fn predefined_metric(world: &mut World, metric: &Value) -> Result<(), AwsError> {
    let name = input::text(metric, "PredefinedMetricType").unwrap_or_default();
    if !METRICS.contains(&name) {
        return Err(invalid(format!(
            "The predefined metric type {name} is not for the service namespace ecs"
        )));
    }
    match (name == REQUESTS, input::filled(metric, "ResourceLabel")) {
        (true, Some(label)) => resource_label(world, label),
        (true, None) => Err(invalid(format!(
            "Resource label should be specified for predefined metric type {REQUESTS}"
        ))),
        (false, Some(_)) => Err(invalid(format!(
            "Resource label should not be specified for predefined metric type {name}"
        ))),
        (false, None) => Ok(()),
    }
}

/// `app/BALANCER/ID/targetgroup/GROUP/ID`, of a target group behind that load balancer.
fn resource_label(world: &mut World, label: &str) -> Result<(), AwsError> {
    let parts: Vec<&str> = label.split('/').collect();
    let ["app", balancer, balancer_id, "targetgroup", group, group_id] = parts.as_slice() else {
        return Err(invalid(format!(
            "The resource label {label} is not of the form \
             app/<load-balancer-name>/<id>/targetgroup/<target-group-name>/<id>"
        )));
    };
    let described = elb::operation("DescribeTargetGroups")
        .and_then(|(describe, _)| describe(world, &json!({ "Names": [group] })).ok());
    let found = described
        .as_ref()
        .and_then(|answer| answer.pointer("/TargetGroups/0"));
    let ends = |arn: Option<&Value>, end: &str| {
        arn.and_then(Value::as_str)
            .is_some_and(|arn| arn.ends_with(end))
    };
    let same_group = ends(
        found.and_then(|it| it.get("TargetGroupArn")),
        &format!(":targetgroup/{group}/{group_id}"),
    );
    let behind = ends(
        found.and_then(|it| it.pointer("/LoadBalancerArns/0")),
        &format!(":loadbalancer/app/{balancer}/{balancer_id}"),
    );
    if same_group && behind {
        return Ok(());
    }
    Err(invalid(format!(
        "The target group of the resource label {label} does not exist or is not behind that load \
         balancer"
    )))
}

/// One metric, or metric math.
fn customized_metric(metric: &Value) -> Result<(), AwsError> {
    let single = ["MetricName", "Namespace", "Statistic"];
    let given = single
        .iter()
        .filter(|name| input::filled(metric, name).is_some())
        .count();
    let math = !input::list(metric, "Metrics").is_empty();
    if math == (given > 0) || (!math && given < single.len()) {
        return Err(invalid(
            "A customized metric has either Metrics, or MetricName, Namespace and Statistic",
        ));
    }
    Ok(())
}

fn predictive(given: &Value) -> Result<(), AwsError> {
    let specifications = input::list(given, "MetricSpecifications");
    let [one] = specifications else {
        return Err(invalid(
            "Exactly one metric specification is supported for predictive scaling",
        ));
    };
    let has = |name: &str| input::sent(one, name);
    let pair = has("PredefinedMetricPairSpecification");
    let scaling =
        has("PredefinedScalingMetricSpecification") || has("CustomizedScalingMetricSpecification");
    let load = has("PredefinedLoadMetricSpecification") || has("CustomizedLoadMetricSpecification");
    if pair == (scaling || load) || scaling != load {
        return Err(invalid(
            "Specify either a metric pair, or a scaling metric and a load metric",
        ));
    }
    let raises = given["MaxCapacityBreachBehavior"] == "IncreaseMaxCapacity";
    if raises != input::sent(given, "MaxCapacityBuffer") {
        return Err(invalid(
            "MaxCapacityBuffer is required with, and only allowed with, the breach behavior \
             IncreaseMaxCapacity",
        ));
    }
    Ok(())
}

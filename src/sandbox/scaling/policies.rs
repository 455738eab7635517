//! Scaling policies: put, described, deleted. What a configuration must be is in `configuration`.

use super::{
    ACCOUNT, AwsError, DIMENSION, Identity, NAMESPACE, Policy, World, check, configuration, input,
    invalid, seconds, targets,
};
use serde_json::{Value, json};

/// Policies of one target (Application Auto Scaling quotas).
const MOST: usize = 50;

/// The largest page.
const PAGE: usize = 10;

/// `PutScalingPolicy`: makes one, or replaces its configuration.
pub(super) fn put(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let identity = check::identity(request)?;
    let name = check::demanded(request, "PolicyName")?;
    if !world.scaling.targets.contains_key(&identity.id) {
        return Err(targets::none_registered(&identity.id));
    }
    let key = (identity.id.clone(), name.to_owned());
    let known = world.scaling.policies.get(&key).cloned();
    let kind = input::filled(request, "PolicyType")
        .map(str::to_owned)
        .or_else(|| known.as_ref().map(|policy| policy.kind.clone()))
        .ok_or_else(|| invalid("A policy type is required to create a scaling policy"))?;
    let mut configured = configuration::read(world, request, &kind)?;
    if let (None, Some(known)) = (
        &configured,
        known.as_ref().filter(|known| known.kind == kind),
    ) {
        configured = Some(known.configuration.clone());
    }
    let configured = configured
        .ok_or_else(|| invalid(format!("The configuration of a {kind} policy is missing")))?;
    let of_target = world
        .scaling
        .policies
        .keys()
        .filter(|(id, _)| *id == identity.id);
    if known.is_none() && of_target.count() >= MOST {
        return Err(AwsError::new(
            "LimitExceededException",
            format!("A scalable target has at most {MOST} scaling policies"),
        ));
    }
    let (arn, created) = match known {
        Some(known) => (known.arn, known.created),
        None => (arn(world, &identity, name), world.now),
    };
    let alarms = alarms(world, &identity, &arn, &configured);
    let policy = Policy {
        arn: arn.clone(),
        kind,
        configuration: configured,
        alarms: alarms.clone(),
        created,
    };
    world.scaling.policies.insert(key, policy);
    Ok(json!({ "PolicyARN": arn, "Alarms": alarms }))
}

fn uuid(world: &mut World) -> String {
    let hex = world.next_hex();
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    parts.join("-")
}

fn arn(world: &mut World, identity: &Identity, name: &str) -> String {
    let uuid = uuid(world);
    format!(
        "arn:aws:autoscaling:{}:{ACCOUNT}:scalingPolicy:{uuid}:resource/{NAMESPACE}/{}:policyName/{name}",
        world.region, identity.id
    )
}

/// The alarms that target tracking keeps: one to scale out, and one to scale in unless it may not.
fn alarms(
    world: &World,
    identity: &Identity,
    arn: &str,
    (member, configuration): &(&str, Value),
) -> Vec<Value> {
    if *member != configuration::TARGET_TRACKING {
        return Vec::new();
    }
    let id = arn.split(':').nth(6).unwrap_or_default();
    let sides: &[&str] = if configuration["DisableScaleIn"] == true {
        &["AlarmHigh"]
    } else {
        &["AlarmHigh", "AlarmLow"]
    };
    sides
        .iter()
        .map(|side| {
            let name = format!("TargetTracking-{}-{side}-{id}", identity.id);
            let arn = format!("arn:aws:cloudwatch:{}:{ACCOUNT}:alarm:{name}", world.region);
            json!({ "AlarmName": name, "AlarmARN": arn })
        })
        .collect()
}

/// `DeleteScalingPolicy`.
pub(super) fn delete(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let identity = check::identity(request)?;
    let name = check::demanded(request, "PolicyName")?;
    let key = (identity.id.clone(), name.to_owned());
    if world.scaling.policies.remove(&key).is_some() {
        return Ok(json!({}));
    }
    Err(AwsError::new(
        "ObjectNotFoundException",
        format!(
            "No scaling policy found for service namespace: {NAMESPACE}, resource ID: {}, scalable \
             dimension: {DIMENSION}, policy name: {name}",
            identity.id
        ),
    ))
}

/// `DescribeScalingPolicies`: ten to a page.
pub(super) fn describe(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    check::namespace(request)?;
    check::dimension_needs(request, "ResourceId")?;
    let names = input::texts(request, "PolicyNames");
    let id = input::filled(request, "ResourceId");
    let found = world.scaling.policies.iter().filter(|((of, name), _)| {
        id.is_none_or(|id| id == of) && (names.is_empty() || names.contains(name))
    });
    let all = found
        .map(|((id, name), policy)| view(id, name, policy))
        .collect();
    check::page(request, "ScalingPolicies", PAGE, all)
}

fn view(id: &str, name: &str, policy: &Policy) -> Value {
    let (member, configuration) = &policy.configuration;
    json!({
        "PolicyARN": policy.arn,
        "PolicyName": name,
        "ServiceNamespace": NAMESPACE,
        "ResourceId": id,
        "ScalableDimension": DIMENSION,
        "PolicyType": policy.kind,
        (*member): configuration,
        "Alarms": policy.alarms,
        "CreationTime": seconds(policy.created),
    })
}

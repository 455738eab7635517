//! Scaling activities: what was scaled and why, and the lever by which a test scales.

use super::{AwsError, DIMENSION, Identity, NAMESPACE, World, check, input, invalid};
use super::{seconds, service, set_count, targets};
use serde_json::{Value, json};

/// How many activities a region keeps, and the largest page.
const KEEP: usize = 1000;
const MOST: usize = 50;

/// Sets the service's count and records it.
pub(super) fn apply(
    world: &mut World,
    identity: &Identity,
    count: i64,
    cause: &str,
) -> Result<(), AwsError> {
    set_count(world, identity, count)?;
    let text = format!("Setting desired count to {count}.");
    let activity = json!({
        "ActivityId": world.next_hex(),
        "ServiceNamespace": NAMESPACE,
        "ResourceId": identity.id,
        "ScalableDimension": DIMENSION,
        "Description": text,
        "Cause": cause,
        "StartTime": seconds(world.now),
        "EndTime": seconds(world.now),
        "StatusCode": "Successful",
        "StatusMessage": format!(
            "Successfully set desired count to {count}. Change successfully fulfilled by ecs."
        ),
    });
    world.scaling.activities.insert(0, activity);
    world.scaling.activities.truncate(KEEP);
    Ok(())
}

/// Does what a scaling policy would that wants `to` tasks: no further than the target's range, not at
/// all in a direction that is suspended, never down from below the range nor up from above it (AWS
/// documentation of service auto scaling). Gives the count before and after, and why they are what
/// they are.
pub(in super::super) fn scale(
    world: &mut World,
    cluster: &str,
    name: &str,
    to: i64,
) -> Result<Value, AwsError> {
    let identity = check::of(&format!("service/{cluster}/{name}"))?;
    let target = world.scaling.targets.get(&identity.id).cloned();
    let target = target.ok_or_else(|| targets::none_registered(&identity.id))?;
    let from = service(world, &identity)
        .filter(|it| it.active)
        .ok_or_else(|| invalid(format!("ECS service doesn't exist: {}", identity.id)))?
        .count;
    let out = to > from;
    let held = if out {
        target.suspended.scale_out
    } else {
        target.suspended.scale_in
    };
    let bounded = to.clamp(target.min, target.max);
    let reason = if held {
        "suspended"
    } else if (out && from >= target.max) || (!out && from <= target.min) {
        "at the limit"
    } else if bounded == from {
        "nothing to do"
    } else {
        apply(
            world,
            &identity,
            bounded,
            "a policy was triggered by its alarm",
        )?;
        return Ok(json!({ "from": from, "to": bounded, "reason": "scaled" }));
    };
    Ok(json!({ "from": from, "to": from, "reason": reason }))
}

/// `DescribeScalingActivities`: the newest first.
pub(super) fn describe(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    check::namespace(request)?;
    check::dimension_needs(request, "ResourceId")?;
    let id = input::filled(request, "ResourceId");
    let of = |activity: &&Value| id.is_none_or(|id| activity["ResourceId"] == id);
    let all = world.scaling.activities.iter().filter(of).cloned();
    let all = all.collect();
    check::page(request, "ScalingActivities", MOST, all)
}

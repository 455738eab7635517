//! Scalable targets: registered, updated, described, deregistered.

use super::{
    ACCOUNT, AwsError, DIMENSION, Identity, NAMESPACE, Suspended, Target, World, activities, check,
    input, invalid, seconds, service, tags,
};
use serde_json::{Value, json};

/// Resource ids that one request may name, and the largest page.
const MOST: usize = 50;

/// The refusal of what needs a target that is not there.
pub(super) fn none_registered(id: &str) -> AwsError {
    AwsError::new(
        "ObjectNotFoundException",
        format!(
            "No scalable target registered for service namespace: {NAMESPACE}, resource ID: {id}, \
             scalable dimension: {DIMENSION}"
        ),
    )
}

/// `RegisterScalableTarget`: makes or changes one, and brings the service's count into its range.
pub(super) fn register(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let identity = check::identity(request)?;
    let (min, max) = (
        input::int(request, "MinCapacity")?,
        input::int(request, "MaxCapacity")?,
    );
    let scaled = service(world, &identity)
        .filter(|it| it.active)
        .ok_or_else(|| invalid(format!("ECS service doesn't exist: {}", identity.id)))?;
    if scaled.daemon {
        return Err(invalid(
            "ECS services with the scheduling strategy DAEMON cannot be scaled",
        ));
    }
    let new_tags = tags::read(request)?;
    let known = world.scaling.targets.get(&identity.id).cloned();
    if known.is_some() && !new_tags.is_empty() {
        return Err(invalid(
            "The scalable target that you tried to tag already exists. To update tags on an \
             existing scalable target, use the TagResource API.",
        ));
    }
    let (Some(min), Some(max)) = (
        min.or(known.as_ref().map(|it| it.min)),
        max.or(known.as_ref().map(|it| it.max)),
    ) else {
        return Err(invalid(
            "MinCapacity and MaxCapacity must be specified to register a new scalable target",
        ));
    };
    if min < 0 {
        return Err(invalid("Minimum capacity cannot be less than 0"));
    }
    if max < min {
        return Err(invalid(
            "Maximum capacity cannot be less than minimum capacity",
        ));
    }
    let target = match known {
        Some(known) => Target {
            min,
            max,
            suspended: suspended(request, known.suspended),
            ..known
        },
        None => Target {
            arn: new_arn(world),
            min,
            max,
            suspended: suspended(request, Suspended::default()),
            created: world.now,
            tags: new_tags,
        },
    };
    let arn = target.arn.clone();
    world.scaling.targets.insert(identity.id.clone(), target);
    bring_into_range(world, &identity, scaled.count, min, max)?;
    Ok(json!({ "ScalableTargetARN": arn }))
}

fn new_arn(world: &mut World) -> String {
    let id = world.next_hex();
    format!(
        "arn:aws:application-autoscaling:{}:{ACCOUNT}:scalable-target/0ec5{id}",
        world.region
    )
}

/// Every registration does this, whatever it was made for (`RegisterScalableTarget`).
fn bring_into_range(
    world: &mut World,
    identity: &Identity,
    count: i64,
    min: i64,
    max: i64,
) -> Result<(), AwsError> {
    if count < min {
        let cause = format!("minimum capacity was set to {min}");
        activities::apply(world, identity, min, &cause)?;
    } else if count > max {
        let cause = format!("maximum capacity was set to {max}");
        activities::apply(world, identity, max, &cause)?;
    }
    Ok(())
}

fn suspended(request: &Value, before: Suspended) -> Suspended {
    let sent = request.get("SuspendedState").unwrap_or(&Value::Null);
    let flag = |member: &str, before: bool| input::flag(sent, member).unwrap_or(before);
    Suspended {
        scale_in: flag("DynamicScalingInSuspended", before.scale_in),
        scale_out: flag("DynamicScalingOutSuspended", before.scale_out),
        scheduled: flag("ScheduledScalingSuspended", before.scheduled),
    }
}

/// `DeregisterScalableTarget`: its policies go with it.
pub(super) fn deregister(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let identity = check::identity(request)?;
    if world.scaling.targets.remove(&identity.id).is_none() {
        return Err(AwsError::new(
            "ObjectNotFoundException",
            format!(
                "No scalable target found for service namespace: {NAMESPACE}, resource ID: {}, \
                 scalable dimension: {DIMENSION}",
                identity.id
            ),
        ));
    }
    world
        .scaling
        .policies
        .retain(|(id, _), _| *id != identity.id);
    Ok(json!({}))
}

/// `DescribeScalableTargets`: ids without a target are passed over.
pub(super) fn describe(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    check::namespace(request)?;
    check::dimension_needs(request, "ResourceIds")?;
    let wanted = input::texts(request, "ResourceIds");
    if wanted.len() > MOST {
        return Err(invalid(format!(
            "1 validation error detected: Value at 'resourceIds' failed to satisfy constraint: \
             Member must have length less than or equal to {MOST}"
        )));
    }
    let found = world
        .scaling
        .targets
        .iter()
        .filter(|(id, _)| wanted.is_empty() || wanted.contains(id));
    let all = found.map(|(id, target)| view(id, target)).collect();
    check::page(request, "ScalableTargets", MOST, all)
}

fn view(id: &str, target: &Target) -> Value {
    // ECS's service-linked role, whatever role was given.
    let role = format!(
        "arn:aws:iam::{ACCOUNT}:role/aws-service-role/ecs.application-autoscaling.amazonaws.com/\
         AWSServiceRoleForApplicationAutoScaling_ECSService"
    );
    json!({
        "ServiceNamespace": NAMESPACE,
        "ResourceId": id,
        "ScalableDimension": DIMENSION,
        "MinCapacity": target.min,
        "MaxCapacity": target.max,
        "RoleARN": role,
        "CreationTime": seconds(target.created),
        "SuspendedState": {
            "DynamicScalingInSuspended": target.suspended.scale_in,
            "DynamicScalingOutSuspended": target.suspended.scale_out,
            "ScheduledScalingSuspended": target.suspended.scheduled,
        },
        "ScalableTargetARN": target.arn,
    })
}

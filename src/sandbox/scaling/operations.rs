//! The table of Application Auto Scaling operations.

use super::{Operation, activities, policies, tags, targets};

/// The operation of this name, and whether it changes anything.
pub fn operation(name: &str) -> Option<(Operation, bool)> {
    let (operation, mutating): (Operation, bool) = match name {
        "DeleteScalingPolicy" => (policies::delete, true),
        "DeregisterScalableTarget" => (targets::deregister, true),
        "DescribeScalableTargets" => (targets::describe, false),
        "DescribeScalingActivities" => (activities::describe, false),
        "DescribeScalingPolicies" => (policies::describe, false),
        "ListTagsForResource" => (tags::list, false),
        "PutScalingPolicy" => (policies::put, true),
        "RegisterScalableTarget" => (targets::register, true),
        "TagResource" => (tags::tag, true),
        "UntagResource" => (tags::untag, true),
        _ => return None,
    };
    Some((operation, mutating))
}

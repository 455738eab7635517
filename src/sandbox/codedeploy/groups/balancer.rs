//! The rules for a group's load balancer: one pair of target groups, one production listener, at
//! most one test listener of the same load balancer. Texts are worded here unless a comment gives
//! their source.

use serde_json::Value;

use super::super::super::{AwsError, World};
use super::super::input::{items, text, texts};

fn refuse<T>(text: impl Into<String>) -> Result<T, AwsError> {
    Err(AwsError::new("InvalidLoadBalancerInfoException", text))
}

fn refuse_pair<T>(text: impl Into<String>) -> Result<T, AwsError> {
    Err(AwsError::new("InvalidTargetGroupPairException", text))
}

/// Checks a `loadBalancerInfo`.
pub(super) fn check(world: &World, info: Option<&Value>) -> Result<(), AwsError> {
    let Some(info) = info else {
        // hashicorp/terraform-provider-aws#9124
        return refuse("For ECS deployment group, loadBalancerInfo must be specified");
    };
    for (member, name) in [
        ("elbInfoList", "elbInfo"),
        ("targetGroupInfoList", "targetGroupInfo"),
    ] {
        if !items(info, member).is_empty() {
            // cloudposse/terraform-aws-code-deploy#5
            return refuse(format!(
                "For ECS deployment group, loadBalancerInfo must not contain {name} list"
            ));
        }
    }
    let [pair] = items(info, "targetGroupPairInfoList") else {
        return refuse_pair(
            "For ECS deployment group, targetGroupPairInfoList must contain exactly one pair",
        );
    };
    let Some(production) = listener(world, pair, "prodTrafficRoute")? else {
        return refuse("For ECS deployment group, prodTrafficRoute must be specified");
    };
    let test = listener(world, pair, "testTrafficRoute")?;
    if let Some(test) = test {
        if test == production {
            return refuse_pair("The production and the test listener must be two listeners.");
        }
        if load_balancer_of(test) != load_balancer_of(production) {
            return refuse_pair(
                "The production and the test listener must be of the same load balancer.",
            );
        }
    }
    target_groups(world, pair, production)
}

/// The one listener of a route, checked for existence; None if the route is absent.
fn listener<'a>(world: &World, pair: &'a Value, route: &str) -> Result<Option<&'a str>, AwsError> {
    let Some(given) = pair.get(route).filter(|given| !given.is_null()) else {
        return Ok(None);
    };
    let [arn] = texts(given, "listenerArns")[..] else {
        return refuse(format!(
            "{route}.listenerArns must contain exactly one listener ARN"
        ));
    };
    if world.elb.listener_load_balancer_type(arn).is_none() {
        return refuse(format!(
            "{route}.listenerArns: the listener {arn} does not exist"
        ));
    }
    Ok(Some(arn))
}

/// The part of a listener's ARN that names its load balancer:
/// `...:listener/app/<name>/<id>/<listener id>`.
fn load_balancer_of(listener: &str) -> &str {
    listener
        .rsplit_once('/')
        .map_or(listener, |(balancer, _)| balancer)
}

fn target_groups(world: &World, pair: &Value, production: &str) -> Result<(), AwsError> {
    let groups = items(pair, "targetGroups");
    let names: Vec<&str> = groups
        .iter()
        .filter_map(|group| text(group, "name"))
        .collect();
    let [one, two] = names[..] else {
        return refuse_pair("A target group pair must name exactly two target groups.");
    };
    if one == two {
        return refuse_pair(format!(
            "The target groups of a pair must differ: both are {one}."
        ));
    }
    let balancer = load_balancer_of(production).replacen(":listener/", ":loadbalancer/", 1);
    for name in [one, two] {
        let Some(group) = world.elb.target_group_by_name(name) else {
            return refuse_pair(format!(
                "The target group {name} does not exist (names are wanted here, not ARNs)."
            ));
        };
        let others = world.elb.load_balancers_of(&group.arn);
        if others.iter().any(|other| *other != balancer) {
            return refuse_pair(format!(
                "The target group {name} is associated with another load balancer than that of \
                 the production listener."
            ));
        }
    }
    Ok(())
}

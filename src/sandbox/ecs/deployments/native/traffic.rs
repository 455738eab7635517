//! Which target group a revision uses, and the weights of the rules between the two. The load
//! balancers of a *placed* specification name the revision's own target group, and the pair's other
//! one as the alternate, whatever was declared.

use super::super::super::services::{Service, TaskSet};
use super::super::super::{World, input};
use serde_json::{Map, Value};

/// Why a rollback began, for what is wrong with load balancing (troubleshooting-blue-green page).
const NETWORKING: &str =
    "Service deployment rolled back because of invalid networking configuration: ";

/// One entry of a placed specification's load balancers.
struct Entry<'a> {
    own: &'a str,
    other: &'a str,
    production: &'a str,
    test: Option<&'a str>,
    role: &'a str,
}

fn entry(balancer: &Value) -> Option<Entry<'_>> {
    let advanced = balancer.get("advancedConfiguration")?;
    let text = |member: &str| input::text(advanced, member).unwrap_or_default();
    Some(Entry {
        own: input::text(balancer, "targetGroupArn")?,
        other: text("alternateTargetGroupArn"),
        production: text("productionListenerRule"),
        test: input::filled(advanced, "testListenerRule"),
        role: text("roleArn"),
    })
}

fn entries(set: &TaskSet) -> impl Iterator<Item = Entry<'_>> {
    set.list("loadBalancers").iter().filter_map(entry)
}

/// The service's specification with the target groups that a new revision of it uses: the other one
/// of the pair if it shifts traffic, else the one that is live.
pub(crate) fn placed(
    world: &World,
    service: &Service,
    live: Option<&TaskSet>,
    shifting: bool,
) -> Map<String, Value> {
    let mut spec = service.spec();
    let balancers = spec.get_mut("loadBalancers").and_then(Value::as_array_mut);
    for balancer in balancers.into_iter().flatten() {
        let Some(Entry {
            own,
            other,
            production,
            ..
        }) = entry(balancer)
        else {
            continue;
        };
        let uses = |arn: &str| {
            live.is_some_and(|set| {
                let mut used = set.list("loadBalancers").iter();
                used.any(|it| input::text(it, "targetGroupArn") == Some(arn))
            })
        };
        let swap = if uses(own) {
            shifting
        } else if uses(other) {
            !shifting
        } else {
            // Nothing is live in the pair: the rule says which one must not be taken.
            let served = serving(world, production).unwrap_or_default();
            shifting && served.iter().any(|arn| arn == own)
        };
        if swap {
            let (own, other) = (own.to_owned(), other.to_owned());
            balancer["targetGroupArn"] = other.into();
            balancer["advancedConfiguration"]["alternateTargetGroupArn"] = own.into();
        }
    }
    spec
}

/// The target groups that a rule sends traffic to; none if there is no such rule.
fn serving(world: &World, rule: &str) -> Option<Vec<String>> {
    let groups = world.elb.rule_groups(rule)?;
    let serving = groups.into_iter().filter(|(_, weight)| *weight > 0);
    Some(serving.map(|(arn, _)| arn).collect())
}

/// What ECS checks before a deployment; the error is the reason of the rollback. Whether the target
/// group that serves is the one of the live tasks is not checked (containers-roadmap#2853).
pub(super) fn check(world: &World, green: &TaskSet) -> Result<(), String> {
    for it in entries(green) {
        manageable(world, &it)?;
        let named = |rule: &str| -> Vec<String> {
            let groups = world.elb.rule_groups(rule).unwrap_or_default();
            groups.into_iter().map(|(arn, _)| arn).collect()
        };
        let mut associated = named(it.production);
        associated.extend(it.test.map(named).unwrap_or_default());
        for arn in [it.own, it.other] {
            if !associated.iter().any(|known| known == arn) {
                return Err(format!(
                    "{NETWORKING}Target group {arn} is not associated with either \
                     productionListenerRule or testListenerRule."
                ));
            }
        }
        let serving = serving(world, it.production).unwrap_or_default();
        if serving.len() != 1 {
            return Err(format!(
                "{NETWORKING}productionListenerRule {} should have exactly one target group serving \
                 traffic but found {} target groups which are serving traffic",
                it.production,
                serving.len()
            ));
        }
        if let Some(stranger) = serving
            .iter()
            .find(|arn| *arn != it.own && *arn != it.other)
        {
            return Err(format!(
                "{NETWORKING}Production listener rule is forwarding traffic to unexpected target \
                 group {stranger}. Expected traffic to be forwarded to either targetGroupArn: {} or \
                 alternateTargetGroupArn: {}",
                it.other, it.own
            ));
        }
    }
    Ok(())
}

/// Whether the role lets ECS change the load balancer: here, whether it exists.
fn manageable(world: &World, it: &Entry<'_>) -> Result<(), String> {
    if world.surroundings.has_role(it.role) {
        return Ok(());
    }
    Err(format!(
        "{NETWORKING}ECS was unable to manage the ELB resources due to missing permissions on ECS \
         Infrastructure Role '{}'.",
        it.role
    ))
}

/// Sends these percentages of the production and of the test traffic to the set's own target groups
/// and the rest to the others; what is not given stays.
pub(super) fn route(
    world: &mut World,
    green: &TaskSet,
    production: Option<f64>,
    test: Option<f64>,
) -> Result<(), String> {
    for it in entries(green) {
        manageable(world, &it)?;
        let rules = [(Some(it.production), production), (it.test, test)];
        for (rule, share) in rules {
            let (Some(rule), Some(share)) = (rule, share) else {
                continue;
            };
            let [own, other] = weights(share);
            let mut groups = vec![(it.own.to_owned(), own), (it.other.to_owned(), other)];
            if own == 0 {
                groups.reverse();
            }
            world
                .elb
                .route_rule(rule, &groups)
                .map_err(|why| format!("{NETWORKING}{why}"))?;
        }
    }
    Ok(())
}

/// A percentage and its rest as weights: of a hundred, or of a thousand where tenths matter. A weight
/// is at most 999.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a percentage from 0 to 100"
)]
fn weights(share: f64) -> [u32; 2] {
    let tenths = (share * 10.0).round() as u32;
    if tenths.is_multiple_of(10) {
        [tenths / 10, 100 - tenths / 10]
    } else {
        [tenths, 1000 - tenths]
    }
}

/// Whether a network load balancer is among those of the set.
pub(super) fn behind_network(set: &TaskSet) -> bool {
    entries(set).any(|it| it.production.contains(":listener/net/"))
}

/// `resolvedConfiguration.loadBalancers`: the target groups that a placed specification uses.
pub(crate) fn resolved(spec: &Map<String, Value>) -> Value {
    let balancers = spec.get("loadBalancers").and_then(Value::as_array);
    let one = |balancer: &Value| {
        let mut view = serde_json::json!({"targetGroupArn": balancer["targetGroupArn"]});
        if let Some(it) = entry(balancer) {
            view["productionListenerRule"] = it.production.into();
        }
        view
    };
    balancers.into_iter().flatten().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_whole_numbers_below_a_thousand() {
        for (share, expected) in [
            (0.0, [0, 100]),
            (100.0, [100, 0]),
            (10.0, [10, 90]),
            (0.1, [1, 999]),
            (33.3, [333, 667]),
            (99.9, [999, 1]),
        ] {
            assert_eq!(weights(share), expected, "{share}");
        }
    }
}

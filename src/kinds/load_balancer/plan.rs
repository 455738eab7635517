//! What to do about a load balancer.

use serde_json::{Value, json};

use super::shape::as_declared;
use super::{
    MODIFY_IP_POOLS, Observed, RESETS, RULES, SET_IP_ADDRESS_TYPE, SET_SECURITY_GROUPS, SET_SUBNETS,
};
use crate::document::compare;
use crate::kinds::common::{
    Changes, creating, facts, input, known, members_by, recreate_required, step, text, unknown,
    unresolved, why,
};
use crate::kinds::{View, elb, members, tagging};
use crate::model::{Block, Outcome, Plan, Seen, Service, Wait};

pub(super) fn plan(view: &View<'_>, observed: &Observed) -> Plan {
    if let Some(plan) = unresolved(view, &observed.load_balancer, "LoadBalancerArn") {
        return plan;
    }
    let what = format!("load balancer {}", view.resource.aws_name());
    match &observed.load_balancer {
        Seen::Unknown(reason) => unknown(&what, reason),
        Seen::Absent => {
            let why = format!("create {what}");
            creating(
                view,
                vec![elb::create("CreateLoadBalancer", view, &view.spec, why)],
            )
        }
        Seen::Present(live) => existing(view, observed, live, &what).unwrap_or_else(|plan| *plan),
    }
}

fn existing(
    view: &View<'_>,
    observed: &Observed,
    live: &Value,
    what: &str,
) -> Result<Plan, Box<Plan>> {
    let arn = text(live, "LoadBalancerArn", what)?;
    let facts = facts(view, Some(arn), true);
    match live.pointer("/State/Code").and_then(Value::as_str) {
        // Changes are refused or lost meanwhile, so they are left for later.
        Some("provisioning") => {
            let outcome = Outcome::Waiting(Wait::Provisioning, format!("{what} is provisioning"));
            return Ok(Plan::only(outcome).with_facts(facts));
        }
        Some("failed") => {
            let reason = live
                .pointer("/State/Reason")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let text =
                format!("{what} has failed at AWS ({reason}): delete it, and it is made again");
            return Ok(Plan::only(Outcome::Blocked(Block::Unsupported, text)).with_facts(facts));
        }
        _ => {}
    }
    let bag = known("attributes of", what, observed.attributes.as_ref(), &facts)?;
    let live_tags = known("tags of", what, observed.tags.as_ref(), &facts)?;

    let live = &as_declared(live);
    let view = &view.over(live, &RULES);
    let all = elb::with_attributes(live, bag);
    let recalled = members::recall(view, RESETS, &all, live_tags, &RULES, false);
    let view = &recalled.over(view);
    let mut drift = compare(&view.spec, live, &RULES);
    members::mark(view, &mut drift);
    if let Some(outcome) = recreate_required(what, &drift, &RULES) {
        return Ok(Plan::only(outcome).with_facts(facts).with_drift(drift));
    }
    let identity = ("LoadBalancerArn", arn);
    let mut changes = Changes::new(what, drift);
    for operation in [SET_IP_ADDRESS_TYPE, SET_SECURITY_GROUPS, MODIFY_IP_POOLS] {
        changes.modify(Service::Elb, operation, &RULES, &[identity], &view.spec);
    }
    if view.resetting.contains(&"/IpamPools")
        && let Some(step) = changes.steps.last_mut()
    {
        step.call.input = json!({"LoadBalancerArn": arn, "RemoveIpamPools": ["ipv4"]});
    }
    subnets(view, identity, what, &mut changes);
    elb::attribute(
        view,
        "ModifyLoadBalancerAttributes",
        identity,
        bag,
        &recalled,
        &mut changes,
    );
    tagging::settle(view, arn, live_tags, &recalled, &mut changes);
    Ok(changes.into_plan(facts))
}

/// `SetSubnets` always needs the subnets, also when only the source NAT prefix changes.
fn subnets(view: &View<'_>, identity: (&str, &str), what: &str, changes: &mut Changes<'_>) {
    let differing = members_by(&changes.drift, &RULES, SET_SUBNETS);
    if differing.is_empty() {
        return;
    }
    let why = why(what, &changes.drift, &differing);
    let mut members = vec!["Subnets", "SubnetMappings"];
    members.extend(
        differing
            .into_iter()
            .filter(|member| !member.starts_with("Subnet")),
    );
    let input = input(&[identity], &view.spec, &members);
    changes
        .steps
        .push(step(Service::Elb, SET_SUBNETS, input, why));
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;

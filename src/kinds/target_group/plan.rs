//! What to do about a target group.

use serde_json::Value;

use super::{MODIFY, Observed, RESETS, RULES};
use crate::document::compare;
use crate::kinds::common::{
    Changes, creating, facts, known, recreate_required, text, unknown, unresolved,
};
use crate::kinds::{View, elb, members, tagging};
use crate::model::{Plan, Seen, Service};

pub(super) fn plan(view: &View<'_>, observed: &Observed) -> Plan {
    if let Some(plan) = unresolved(view, &observed.target_group, "TargetGroupArn") {
        return plan;
    }
    let what = format!("target group {}", view.resource.aws_name());
    match &observed.target_group {
        Seen::Unknown(reason) => unknown(&what, reason),
        Seen::Absent => {
            let why = format!("create {what}");
            creating(
                view,
                vec![elb::create("CreateTargetGroup", view, &view.spec, why)],
            )
        }
        Seen::Present(live) => update(view, observed, live, &what).unwrap_or_else(|plan| *plan),
    }
}

fn update(
    view: &View<'_>,
    observed: &Observed,
    live: &Value,
    what: &str,
) -> Result<Plan, Box<Plan>> {
    let arn = text(live, "TargetGroupArn", what)?;
    let mut facts = facts(view, Some(arn), true);
    // It comes with the load balancer, later than the rest, and would wake those who do not ask for it.
    if view.set.is_label_asked_of(&view.resource.key) {
        facts.label = label(live, arn);
    }
    let bag = known("attributes of", what, observed.attributes.as_ref(), &facts)?;
    let live_tags = known("tags of", what, observed.tags.as_ref(), &facts)?;

    let view = &view.over(live, &RULES);
    let all = elb::with_attributes(live, bag);
    let recalled = members::recall(view, RESETS, &all, live_tags, &RULES, false);
    let view = &recalled.over(view);
    let mut drift = compare(&view.spec, live, &RULES);
    members::mark(view, &mut drift);
    if let Some(outcome) = recreate_required(what, &drift, &RULES) {
        return Ok(Plan::only(outcome).with_facts(facts).with_drift(drift));
    }
    let identity = ("TargetGroupArn", arn);
    let mut changes = Changes::new(what, drift);
    changes.modify(Service::Elb, MODIFY, &RULES, &[identity], &view.spec);
    elb::attribute(
        view,
        "ModifyTargetGroupAttributes",
        identity,
        bag,
        &recalled,
        &mut changes,
    );
    tagging::settle(view, arn, live_tags, &recalled, &mut changes);
    Ok(changes.into_plan(facts))
}

/// What `CloudWatch` knows the target group and its application load balancer by, if it has one
/// (`PredefinedMetricSpecification` of Application Auto Scaling).
pub(crate) fn label(live: &Value, arn: &str) -> Option<String> {
    let (_, group) = arn.rsplit_once(':')?;
    let balancers = live.get("LoadBalancerArns")?.as_array()?;
    let balancer = balancers
        .iter()
        .filter_map(Value::as_str)
        .find_map(|balancer| balancer.split_once(":loadbalancer/"))
        .map(|(_, name)| name)
        .filter(|name| name.starts_with("app/"))?;
    Some(format!("{balancer}/{group}"))
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;

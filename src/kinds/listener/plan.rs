//! What to do about a listener.

use serde_json::Value;

use super::{ACTIONS, MODIFY, Observed, RESETS, RULES};
use crate::document::compare;
use crate::kinds::common::{
    Changes, creating, facts, input, known, members_by, step, text, unknown, unresolved, waits_for,
    why, with_member,
};
use crate::kinds::forward::{self, Pairs};
use crate::kinds::{View, elb, members, tagging};
use crate::model::{Plan, Seen, Service};

pub(super) fn plan(view: &View<'_>, observed: &Observed) -> Plan {
    if let Some(plan) = unresolved(view, &observed.listener, "ListenerArn") {
        return plan;
    }
    let what = format!("listener {}", view.resource.key.name);
    match &observed.listener {
        Seen::Unknown(reason) => unknown(&what, reason),
        Seen::Absent => {
            let why = format!("create {what}");
            creating(
                view,
                vec![elb::create("CreateListener", view, &view.spec, why)],
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
    let arn = text(live, "ListenerArn", what)?;
    let mut facts = facts(view, Some(arn), true);
    let rules = known("rules of", what, observed.rules.as_ref(), &facts)?;
    facts.label = label(arn, rules.map_or(&[], Vec::as_slice));
    let bag = known("attributes of", what, observed.attributes.as_ref(), &facts)?;
    let live_tags = known("tags of", what, observed.tags.as_ref(), &facts)?;

    let view = &view.over(live, &RULES);
    let all = elb::with_attributes(live, bag);
    let recalled = members::recall(view, RESETS, &all, live_tags, &RULES, false);
    let view = &recalled.over(view);
    let pairs = Pairs::of(view);
    let live_actions = live.get(ACTIONS).unwrap_or(&Value::Null);
    let actions = view.spec.get(ACTIONS).unwrap_or(&Value::Null);
    let rerouted = forward::drift(ACTIONS, actions, live_actions, &pairs);
    let mut drift = compare(&view.spec, live, &RULES);
    members::mark(view, &mut drift);
    if !rerouted.is_empty() && !pairs.doubtful.is_empty() {
        drift.extend(rerouted);
        return Ok(waits_for(&pairs.doubtful)
            .with_facts(facts)
            .with_drift(drift));
    }
    drift.extend(rerouted);

    let identity = ("ListenerArn", arn);
    let mut changes = Changes::new(what, drift);
    let members = members_by(&changes.drift, &RULES, MODIFY);
    if !members.is_empty() {
        let why = why(what, &changes.drift, &members);
        let mut input = input(&[identity], &view.spec, &members);
        if members.contains(&ACTIONS) {
            let live = live_actions.as_array().map_or(&[][..], Vec::as_slice);
            input = with_member(input, ACTIONS, forward::to_send(actions, live, &pairs));
        }
        changes.steps.push(step(Service::Elb, MODIFY, input, why));
    }
    elb::attribute(
        view,
        "ModifyListenerAttributes",
        identity,
        bag,
        &recalled,
        &mut changes,
    );
    tagging::settle(view, arn, live_tags, &recalled, &mut changes);
    Ok(changes.into_plan(facts))
}

/// Whether a listener's ARN is one of a network load balancer (`…:listener/net/…`), which has no rules.
pub(super) fn is_of_network_balancer(arn: &str) -> bool {
    arn.contains(":listener/net/")
}

/// The ARN by which ECS shifts the traffic of a listener: of its default rule, or its own where it has no
/// rules.
fn label(arn: &str, rules: &[Value]) -> Option<String> {
    if is_of_network_balancer(arn) {
        return Some(arn.to_owned());
    }
    let default = rules.iter().find(|rule| rule["Priority"] == "default")?;
    default["RuleArn"].as_str().map(str::to_owned)
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;

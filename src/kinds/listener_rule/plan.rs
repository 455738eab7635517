//! What to do about a listener rule.

use serde_json::{Value, json};

use super::{ACTIONS, MODIFY, Observed, RESETS, RULES, TRANSFORMS, conditions};
use crate::document::compare;
use crate::kinds::common::{
    Changes, creating, facts, input, known, members_by, step, text, unknown, unresolved, waits_for,
    why, with_member,
};
use crate::kinds::forward::{self, Pairs};
use crate::kinds::{View, elb, members, tagging};
use crate::model::{Plan, Seen, Service};

pub(super) fn plan(view: &View<'_>, observed: &Observed) -> Plan {
    let rule = observed.rule(&view.spec);
    if let Some(plan) = unresolved(view, &rule.clone().map(Value::clone), "RuleArn") {
        return plan;
    }
    let what = format!("listener rule {}", view.resource.key.name);
    match rule {
        Seen::Unknown(reason) => unknown(&what, &reason),
        Seen::Absent => create(view, observed, &what),
        Seen::Present(live) => update(view, observed, live, &what).unwrap_or_else(|plan| *plan),
    }
}

/// A new rule forwards into a pair as the listener's other rules do: the group that the manifest
/// names may be the one without tasks.
fn create(view: &View<'_>, observed: &Observed, what: &str) -> Plan {
    let rules = observed.rules.present().into_iter().flatten();
    let elsewhere: Vec<Value> = rules
        .filter_map(|rule| rule.get(ACTIONS)?.as_array())
        .flatten()
        .cloned()
        .collect();
    let actions = view.spec.get(ACTIONS).unwrap_or(&Value::Null);
    let actions = forward::to_send(actions, &elsewhere, &Pairs::of(view));
    let spec = with_member(view.spec.clone(), ACTIONS, actions);
    creating(
        view,
        vec![elb::create(
            "CreateRule",
            view,
            &spec,
            format!("create {what}"),
        )],
    )
}

fn update(
    view: &View<'_>,
    observed: &Observed,
    live: &Value,
    what: &str,
) -> Result<Plan, Box<Plan>> {
    let arn = text(live, "RuleArn", what)?;
    let facts = facts(view, Some(arn), true);
    let live_tags = known("tags of", what, observed.tags.as_ref(), &facts)?;

    let view = &view.over(live, &RULES);
    let recalled = members::recall(view, RESETS, live, live_tags, &RULES, false);
    let view = &recalled.over(view);
    let pairs = Pairs::of(view);
    let live_actions = live.get(ACTIONS).unwrap_or(&Value::Null);
    let actions = view.spec.get(ACTIONS).unwrap_or(&Value::Null);
    let rerouted = forward::drift(ACTIONS, actions, live_actions, &pairs);
    let doubtful = !rerouted.is_empty() && !pairs.doubtful.is_empty();
    let mut drift = compare(
        &conditions::normal(&view.spec),
        &conditions::normal(live),
        &RULES,
    );
    members::mark(view, &mut drift);
    drift.extend(rerouted);
    if doubtful {
        return Ok(waits_for(&pairs.doubtful)
            .with_facts(facts)
            .with_drift(drift));
    }

    let mut changes = Changes::new(what, drift);
    let members = members_by(&changes.drift, &RULES, MODIFY);
    if !members.is_empty() {
        let why = why(what, &changes.drift, &members);
        let mut input = input(&[("RuleArn", arn)], &view.spec, &members);
        if members.contains(&ACTIONS) {
            let live = live_actions.as_array().map_or(&[][..], Vec::as_slice);
            input = with_member(input, ACTIONS, forward::to_send(actions, live, &pairs));
        }
        if members.contains(&TRANSFORMS) && view.spec.get(TRANSFORMS) == Some(&json!([])) {
            // An empty list changes nothing; this member takes the transforms away.
            if let Value::Object(input) = &mut input {
                input.remove(TRANSFORMS);
                input.insert("ResetTransforms".to_owned(), json!(true));
            }
        }
        changes.steps.push(step(Service::Elb, MODIFY, input, why));
    }
    tagging::settle(view, arn, live_tags, &recalled, &mut changes);
    Ok(changes.into_plan(facts))
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;

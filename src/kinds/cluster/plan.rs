//! What to do about a cluster.

use serde_json::{Value, json};

use super::{Observed, PUT_PROVIDERS, RESETS, RULES, UPDATE};
use crate::document::compare;
use crate::kinds::common::{
    Changes, creating, facts, members_by, step, text, unknown, unresolved, why, with_member,
};
use crate::kinds::{View, members, tagging, tags};
use crate::model::{Block, Facts, Outcome, Plan, Seen, Service, Wait};

pub(super) fn plan(view: &View<'_>, observed: &Observed) -> Plan {
    if let Some(plan) = unresolved(view, &observed.cluster, "clusterArn") {
        return plan;
    }
    let what = format!("cluster {}", view.resource.aws_name());
    match &observed.cluster {
        Seen::Unknown(reason) => unknown(&what, reason),
        Seen::Absent => {
            let input = with_member(view.spec.clone(), "tags", tags::for_new(view));
            creating(
                view,
                vec![step(
                    Service::Ecs,
                    "CreateCluster",
                    input,
                    format!("create {what}"),
                )],
            )
        }
        Seen::Present(live) => existing(view, live, &what).unwrap_or_else(|plan| *plan),
    }
}

fn existing(view: &View<'_>, live: &Value, what: &str) -> Result<Plan, Box<Plan>> {
    let arn = text(live, "clusterArn", what)?;
    let status = live
        .get("status")
        .and_then(Value::as_str)
        .unwrap_or("ACTIVE");
    let facts = facts(view, Some(arn), status == "ACTIVE");
    if status == "FAILED" {
        let text = format!("{what} is FAILED at AWS: delete it, and it is made again");
        return Ok(Plan::only(Outcome::Blocked(Block::Unsupported, text)).with_facts(facts));
    }
    if status != "ACTIVE" {
        return Ok(provisioning(format!("{what} is {status}"), facts));
    }
    Ok(update(view, live, arn, what, facts))
}

fn update(view: &View<'_>, live: &Value, arn: &str, what: &str, facts: Facts) -> Plan {
    let view = &view.over(live, &RULES);
    let none = json!([]);
    let live_tags = Some(live.get("tags").unwrap_or(&none));
    let recalled = members::recall(view, RESETS, live, live_tags, &RULES, false);
    let view = &recalled.over(view);
    let name = view.resource.aws_name();
    let mut drift = compare(&view.spec, live, &RULES);
    members::mark(view, &mut drift);
    let mut changes = Changes::new(what, drift);
    changes.modify(
        Service::Ecs,
        UPDATE,
        &RULES,
        &[("cluster", name)],
        &view.spec,
    );
    let members = members_by(&changes.drift, &RULES, PUT_PROVIDERS);
    if !members.is_empty() {
        if attaching(live) {
            // PutClusterCapacityProviders answers UpdateInProgressException meanwhile.
            let text = format!("{what} is attaching capacity providers");
            return provisioning(text, facts).with_drift(changes.drift);
        }
        let why = why(what, &changes.drift, &members);
        let input = providers(name, &view.spec, live);
        changes
            .steps
            .push(step(Service::Ecs, PUT_PROVIDERS, input, why));
    }
    tagging::settle(view, arn, live_tags, &recalled, &mut changes);
    changes.into_plan(facts)
}

fn provisioning(text: String, facts: Facts) -> Plan {
    Plan::only(Outcome::Waiting(Wait::Provisioning, text)).with_facts(facts)
}

fn attaching(live: &Value) -> bool {
    let status = live.get("attachmentsStatus").and_then(Value::as_str);
    status == Some("UPDATE_IN_PROGRESS")
}

/// Both lists, since the operation takes both and replaces both; the undeclared one is sent as it is live.
fn providers(name: &str, spec: &Value, live: &Value) -> Value {
    let list = |member: &str| {
        let declared = spec.get(member).filter(|value| !value.is_null());
        declared
            .or_else(|| live.get(member))
            .cloned()
            .unwrap_or_else(|| json!([]))
    };
    json!({
        "cluster": name,
        "capacityProviders": list("capacityProviders"),
        "defaultCapacityProviderStrategy": list("defaultCapacityProviderStrategy"),
    })
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;

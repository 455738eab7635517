//! What to do about an application and its deployment group.

use serde_json::{Map, Value, json};

use super::{Observed, RESETS, RULES, UPDATE};
use crate::document::compare;
use crate::kinds::common::{
    Changes, creating, facts, known, refusal, step, unknown, unresolved, waits_for, with_member,
};
use crate::kinds::tags::Spelling;
use crate::kinds::{View, members, tagging, tags};
use crate::model::{Call, Drift, Key, Kind, Plan, Seen, Service, Step};

/// Members of the spec that `UpdateDeploymentGroup` does not take, or takes by another name.
const NOT_UPDATED: [&str; 3] = ["applicationName", "deploymentGroupName", "tags"];

pub(super) fn plan(view: &View<'_>, observed: &Observed) -> Plan {
    if let Some(plan) = unresolved(view, &observed.group, "deploymentGroupArn") {
        return plan;
    }
    let what = format!("deployment group {}", view.resource.aws_name());
    match (&observed.group, &observed.application) {
        (Seen::Unknown(reason), _) => unknown(&what, reason),
        (_, Seen::Unknown(reason)) => unknown(&format!("application of {what}"), reason),
        (Seen::Absent, application) => create(view, application.present(), &what),
        (Seen::Present(live), _) => {
            update(view, observed, live, &what).unwrap_or_else(|plan| *plan)
        }
    }
}

fn create(view: &View<'_>, application: Option<&Value>, what: &str) -> Plan {
    let missing = services_missing(view);
    if !missing.is_empty() {
        return waits_for(&missing);
    }
    let name = view
        .spec
        .get("applicationName")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let mut steps = Vec::new();
    match application {
        None => steps.push(create_application(view, name)),
        Some(live) => {
            let platform = live.get("computePlatform").cloned().unwrap_or(Value::Null);
            if platform != "ECS" {
                let path = "/computePlatform".to_owned();
                let drift = Drift {
                    path,
                    live: platform,
                    desired: json!("ECS"),
                    reset: false,
                };
                let outcome = refusal(&format!("application {name}"), &[&drift]);
                return Plan::only(outcome).with_drift(vec![drift]);
            }
        }
    }
    let input = with_member(view.spec.clone(), "tags", tags::for_new(view));
    steps.push(step(
        Service::CodeDeploy,
        "CreateDeploymentGroup",
        input,
        format!("create {what}"),
    ));
    creating(view, steps)
}

fn create_application(view: &View<'_>, name: &str) -> Step {
    let input = json!({
        "applicationName": name,
        "computePlatform": "ECS",
        "tags": tags::ownership(view, Spelling::Upper),
    });
    let why = format!("create application {name}");
    step(Service::CodeDeploy, "CreateApplication", input, why)
}

/// The services of the set that the group needs and that do not exist yet: `CodeDeploy` refuses a
/// group for a service that is not there.
fn services_missing(view: &View<'_>) -> Vec<Key> {
    let exists = |key: &&Key| {
        view.facts
            .get(*key)
            .is_some_and(|facts| facts.arn.is_some())
    };
    let services = view
        .resource
        .needs
        .iter()
        .filter(|key| key.kind == Kind::Service);
    services.filter(|key| !exists(key)).cloned().collect()
}

fn update(
    view: &View<'_>,
    observed: &Observed,
    live: &Value,
    what: &str,
) -> Result<Plan, Box<Plan>> {
    let facts = facts(view, Some(&observed.arn), true);
    let live_tags = known("tags of", what, observed.tags.as_ref(), &facts)?;

    let view = &view.over(live, &RULES);
    let recalled = members::recall(view, RESETS, live, live_tags, &RULES, false);
    let view = &recalled.over(view);
    let mut drift = compare(&view.spec, live, &RULES);
    members::mark(view, &mut drift);
    drift.extend(recalled.removed(live));
    let mut changes = Changes::new(what, Vec::new());
    let call = Call {
        service: Service::CodeDeploy,
        operation: UPDATE,
        input: whole_update(view),
    };
    changes.mend(call, drift);
    tagging::settle(view, &observed.arn, live_tags, &recalled, &mut changes);
    Ok(changes.into_plan(facts))
}

/// The whole spec as an update: members of a structure that are left out of one are not documented
/// to stay as they are.
fn whole_update(view: &View<'_>) -> Value {
    let spec = view.spec.as_object().cloned().unwrap_or_default();
    let application = spec.get("applicationName").cloned().unwrap_or(Value::Null);
    let mut input = Map::from_iter([
        ("applicationName".to_owned(), application),
        (
            "currentDeploymentGroupName".to_owned(),
            json!(view.resource.aws_name()),
        ),
    ]);
    input.extend(
        spec.into_iter()
            .filter(|(name, _)| !NOT_UPDATED.contains(&name.as_str())),
    );
    Value::Object(input)
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;

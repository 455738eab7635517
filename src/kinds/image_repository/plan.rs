//! What to do about an image repository.

use serde_json::{Value, json};

use super::{LIFECYCLE, Observed, POLICY, PUT_MUTABILITY, PUT_SCANNING, RULES};
use crate::document::{compare, same_json_text};
use crate::kinds::View;
use crate::kinds::common::{
    Changes, creating, facts, input, known, members_by, recreate_required, step, text, unknown,
    unresolved, why, with_member,
};
use crate::kinds::tags::{self, Spelling};
use crate::model::{Drift, Facts, Plan, Seen, Service};

pub(super) fn plan(view: &View<'_>, observed: &Observed) -> Plan {
    if let Some(plan) = unresolved(view, &observed.repository, "repositoryArn") {
        return plan;
    }
    let what = format!("image repository {}", view.resource.aws_name());
    match &observed.repository {
        Seen::Unknown(reason) => unknown(&what, reason),
        Seen::Absent => {
            let tags = tags::for_new(view.spec.get("tags"), Spelling::Upper, view.policy);
            let input = with_member(view.spec.clone(), "tags", tags);
            let why = format!("create {what}");
            creating(
                view,
                vec![step(Service::Ecr, "CreateRepository", input, why)],
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
    let arn = text(live, "repositoryArn", what)?;
    let uri = text(live, "repositoryUri", what)?;
    let facts = Facts {
        uri: Some(uri.to_owned()),
        ..facts(view, Some(arn), true)
    };
    let live_tags = known("tags of", what, observed.tags.as_ref(), &facts)?;
    let lifecycle = policy(
        view,
        LIFECYCLE,
        observed.lifecycle_policy.as_ref(),
        what,
        &facts,
    )?;
    let access = policy(view, POLICY, observed.policy.as_ref(), what, &facts)?;

    let view = &view.over(live, &RULES);
    let drift = compare(&view.spec, live, &RULES);
    if let Some(outcome) = recreate_required(what, &drift, &RULES) {
        return Ok(Plan::only(outcome).with_facts(facts).with_drift(drift));
    }
    let mut changes = Changes::new(what, drift);
    let members = members_by(&changes.drift, &RULES, PUT_MUTABILITY);
    if !members.is_empty() {
        let why = why(what, &changes.drift, &members);
        let step = step(Service::Ecr, PUT_MUTABILITY, mutability(view, live), why);
        changes.steps.push(step);
    }
    let identity = identity(view);
    changes.modify(Service::Ecr, PUT_SCANNING, &RULES, &identity, &view.spec);
    for (operation, member, wanted) in [
        ("PutLifecyclePolicy", LIFECYCLE, lifecycle),
        ("SetRepositoryPolicy", POLICY, access),
    ] {
        if let Some((text, difference)) = wanted {
            let base = input(&identity, &Value::Null, &[]);
            let input = with_member(base, member, Value::String(text));
            changes.mend(Service::Ecr, operation, input, vec![difference]);
        }
    }
    if live_tags.is_some() {
        let declared = view.spec.get("tags");
        let (differences, wanted) = tags::missing(declared, live_tags, Spelling::Upper);
        let input = json!({"resourceArn": arn, "tags": wanted});
        changes.mend(Service::Ecr, "TagResource", input, differences);
    }
    Ok(changes.into_plan(facts))
}

/// The members that name the repository in every operation.
fn identity<'a>(view: &'a View<'_>) -> Vec<(&'a str, &'a str)> {
    let registry = view.spec.get("registryId").and_then(Value::as_str);
    let name = ("repositoryName", view.resource.aws_name());
    registry
        .map(|id| ("registryId", id))
        .into_iter()
        .chain([name])
        .collect()
}

/// Mutability and its exclusion filters, which go together in one operation; what is undeclared is
/// sent as it is live.
fn mutability(view: &View<'_>, live: &Value) -> Value {
    let mut input = input(&identity(view), &Value::Null, &[]);
    for member in ["imageTagMutability", "imageTagMutabilityExclusionFilters"] {
        let declared = view.spec.get(member).filter(|value| !value.is_null());
        if let Some(value) = declared.or_else(|| live.get(member)) {
            input = with_member(input, member, value.clone());
        }
    }
    input
}

/// The policy text to write and the difference that it mends, if the live one says something else.
fn policy(
    view: &View<'_>,
    member: &str,
    seen: Option<&Seen<String>>,
    what: &str,
    facts: &Facts,
) -> Result<Option<(String, Drift)>, Box<Plan>> {
    let wanted = match view.resource.beside.get(member) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.clone(),
        // Written as a map: the operation takes it as a JSON text.
        Some(document) => document.to_string(),
    };
    let live = match seen {
        None => return Ok(None),
        Some(Seen::Unknown(reason)) => {
            let plan = unknown(&format!("{member} of {what}"), reason);
            return Err(Box::new(plan.with_facts(facts.clone())));
        }
        Some(Seen::Absent) => None,
        Some(Seen::Present(live)) => Some(live),
    };
    if live.is_some_and(|live| same_json_text(&wanted, live)) {
        return Ok(None);
    }
    let drift = Drift {
        path: format!("/{member}"),
        live: live.map_or(Value::Null, |live| json!(live)),
        desired: json!(wanted),
    };
    Ok(Some((wanted, drift)))
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;

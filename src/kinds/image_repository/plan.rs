//! What to do about an image repository.

use serde_json::{Value, json};

use super::{
    LIFECYCLE, LIFECYCLE_PATH, Observed, POLICY, POLICY_PATH, PUT_MUTABILITY, PUT_SCANNING, RESETS,
    RULES,
};
use crate::document::{compare, same_json_text};
use crate::kinds::common::{
    Changes, creating, facts, input, known, members_by, recreate_required, step, text, unknown,
    unresolved, why, with_member,
};
use crate::kinds::members::Recalled;
use crate::kinds::{View, members, tagging, tags};
use crate::model::{Call, Drift, Facts, Plan, Seen, Service};

pub(super) fn plan(view: &View<'_>, observed: &Observed) -> Plan {
    if let Some(plan) = unresolved(view, &observed.repository, "repositoryArn") {
        return plan;
    }
    let what = format!("image repository {}", view.resource.aws_name());
    match &observed.repository {
        Seen::Unknown(reason) => unknown(&what, reason),
        Seen::Absent => {
            let input = with_member(view.spec.clone(), "tags", tags::for_new(view));
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
    let all = with_policies(live, observed);
    let recalled = members::recall(view, RESETS, &all, live_tags, &RULES, false);
    let view = &recalled.over(view);
    let mut drift = compare(&view.spec, live, &RULES);
    members::mark(view, &mut drift);
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
            changes.mend(ecr(operation, input), vec![difference]);
        }
    }
    delete_policies(&all, &identity, &recalled, &mut changes);
    tagging::settle(view, arn, live_tags, &recalled, &mut changes);
    Ok(changes.into_plan(facts))
}

/// What is live with its policies beside it, as [`members`] compares it.
fn with_policies(live: &Value, observed: &Observed) -> Value {
    let text = |seen: &Option<Seen<String>>| json!(seen.as_ref().and_then(Seen::present));
    let all = with_member(live.clone(), LIFECYCLE, text(&observed.lifecycle_policy));
    with_member(all, POLICY, text(&observed.policy))
}

/// Adds the steps that take away the policies that are no longer declared.
fn delete_policies(
    live: &Value,
    identity: &[(&str, &str)],
    recalled: &Recalled,
    changes: &mut Changes<'_>,
) {
    for (operation, path) in [
        ("DeleteLifecyclePolicy", LIFECYCLE_PATH),
        ("DeleteRepositoryPolicy", POLICY_PATH),
    ] {
        let mut gone = recalled.removed(live);
        gone.retain(|difference| difference.path == path);
        let input = input(identity, &Value::Null, &[]);
        changes.mend(ecr(operation, input), gone);
    }
}

fn ecr(operation: &'static str, input: Value) -> Call {
    Call {
        service: Service::Ecr,
        operation,
        input,
    }
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
        // AWS takes one filter or more, or none at all.
        let value = declared.or_else(|| live.get(member));
        if let Some(value) = value.filter(|value| **value != json!([])) {
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
    let live = match seen {
        None => return Ok(None),
        Some(Seen::Unknown(reason)) => {
            let plan = unknown(&format!("{member} of {what}"), reason);
            return Err(Box::new(plan.with_facts(facts.clone())));
        }
        Some(Seen::Absent) => None,
        Some(Seen::Present(live)) => Some(live),
    };
    // What is left to others is made as declared, and then theirs.
    let left = |pointer: &str| pointer.strip_prefix('/') == Some(member);
    if live.is_some() && view.resource.ignored().any(left) {
        return Ok(None);
    }
    let wanted = match view.resource.beside.get(member) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.clone(),
        // Written as a map: the operation takes it as a JSON text.
        Some(document) => document.to_string(),
    };
    if live.is_some_and(|live| same_json_text(&wanted, live)) {
        return Ok(None);
    }
    let drift = Drift {
        path: format!("/{member}"),
        live: live.map_or(Value::Null, |live| json!(live)),
        desired: json!(wanted),
        reset: false,
    };
    Ok(Some((wanted, drift)))
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;

//! What to do about a scalable target.

use serde_json::{Map, Value, json};

use super::{Observed, REGISTER, RULES};
use crate::document::compare;
use crate::kinds::common::{
    Changes, creating, facts, input, known, members_by, step, text, unknown, unresolved, why,
    with_member,
};
use crate::kinds::service::suspension_mark;
use crate::kinds::tags::{self, Spelling};
use crate::kinds::{INSTANCE_TAG, View, marks};
use crate::model::{Call, Outcome, Plan, Seen, Service, Wait};

/// What names a target in every request.
const IDENTITY: [&str; 3] = ["ServiceNamespace", "ResourceId", "ScalableDimension"];

/// Both are sent where one differs, so that no update asks for a range that is none.
const RANGE: [&str; 2] = ["MinCapacity", "MaxCapacity"];

pub(super) fn plan(view: &View<'_>, observed: &Observed) -> Plan {
    if let Some(plan) = unresolved(view, &observed.target, "ScalableTargetARN") {
        return plan;
    }
    let what = format!("scalable target {}", view.resource.key.name);
    match &observed.target {
        Seen::Unknown(reason) => unknown(&what, reason),
        Seen::Absent => create(view, &what),
        Seen::Present(live) => update(view, observed, live, &what).unwrap_or_else(|plan| *plan),
    }
}

fn create(view: &View<'_>, what: &str) -> Plan {
    let marks = marks::of(view);
    let mut ours = vec![(INSTANCE_TAG, view.policy.instance.as_str())];
    ours.extend(marks.iter().map(|(key, text)| (*key, text.as_str())));
    let tags = tags::with(Some(&declared_tags(&view.spec)), Spelling::Upper, &ours);
    let input = with_member(view.spec.clone(), "Tags", as_map(&tags));
    let why = format!("create {what}");
    creating(view, vec![step(Service::Scaling, REGISTER, input, why)])
}

fn update(
    view: &View<'_>,
    observed: &Observed,
    live: &Value,
    what: &str,
) -> Result<Plan, Box<Plan>> {
    let arn = text(live, "ScalableTargetARN", what)?;
    let facts = facts(view, Some(arn), true);
    let live_tags = known("tags of", what, observed.tags.as_ref(), &facts)?;

    let view = &view.over(live, &RULES);
    let drift = compare(&view.spec, live, &RULES);
    if !drift.is_empty() {
        let service = known("service of", what, observed.service.as_ref(), &facts)?;
        if service.is_some_and(|service| suspension_mark(service).is_some()) {
            let text = format!(
                "the scaling of {what} is suspended while its service is deployed; changes follow when it ends"
            );
            let outcome = Outcome::Waiting(Wait::RolloutInProgress, text);
            return Ok(Plan::only(outcome).with_facts(facts).with_drift(drift));
        }
    }
    let mut changes = Changes::new(what, drift);
    let mut members = members_by(&changes.drift, &RULES, REGISTER);
    if !members.is_empty() {
        let why = why(what, &changes.drift, &members);
        if members.iter().any(|member| RANGE.contains(member)) {
            members.retain(|member| !RANGE.contains(member));
            members.extend(RANGE);
        }
        let mut input = input(&[], &view.spec, &[&IDENTITY[..], &members[..]].concat());
        if let Some(state) = input.get_mut("SuspendedState") {
            *state = whole_state(state, live);
        }
        changes
            .steps
            .push(step(Service::Scaling, REGISTER, input, why));
    }
    if live_tags.is_some() {
        let declared = declared_tags(&view.spec);
        let (differences, wanted) = tags::missing(Some(&declared), live_tags, Spelling::Upper);
        let call = Call {
            service: Service::Scaling,
            operation: "TagResource",
            input: json!({"ResourceARN": arn, "Tags": as_map(&wanted)}),
        };
        changes.mend(call, differences);
    }
    if let Some(live_tags) = live_tags {
        mark(view, arn, live_tags, &mut changes);
    }
    Ok(changes.into_plan(facts))
}

/// Adds the steps for the marks of a target that exists.
fn mark(view: &View<'_>, arn: &str, live_tags: &Value, changes: &mut Changes<'_>) {
    let (marks, lifted) = marks::wrong(view, live_tags, Spelling::Upper);
    let mut record = |operation, input| {
        changes.record(Call {
            service: Service::Scaling,
            operation,
            input,
        });
    };
    if !lifted.is_empty() {
        let input = json!({"ResourceARN": arn, "TagKeys": lifted});
        record("UntagResource", input);
    }
    if !marks.is_empty() {
        let input = json!({"ResourceARN": arn, "Tags": as_map(&Value::from(marks))});
        record("TagResource", input);
    }
}

/// The declared state with the undeclared members as they are live: what AWS makes of a part of it is
/// not documented.
fn whole_state(declared: &Value, live: &Value) -> Value {
    let mut whole = live.get("SuspendedState").cloned().unwrap_or_default();
    if let (Value::Object(whole), Value::Object(declared)) = (&mut whole, declared) {
        whole.extend(
            declared
                .iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
    }
    whole
}

/// The declared tags, a map at AWS, as the list that every other kind has.
pub(super) fn declared_tags(spec: &Value) -> Value {
    let tags = spec.get("Tags").and_then(Value::as_object);
    let tags = tags.into_iter().flatten();
    tags.map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect()
}

fn as_map(tags: &Value) -> Value {
    let list = tags.as_array().into_iter().flatten();
    let pairs = list.filter_map(|tag| Some((tag.get("Key")?.as_str()?, tag.get("Value")?)));
    let map: Map<String, Value> = pairs
        .map(|(key, value)| (key.to_owned(), value.clone()))
        .collect();
    Value::Object(map)
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;

//! What a deployment carries, its digest, and how what is live differs from it. Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::rules::{CARRIED, DEPLOYING, RULES};
use super::{RETRY_ANNOTATION, items, last_segment, text};
use crate::document::{compare, digest};
use crate::kinds::{View, members};
use crate::model::{Drift, Kind};

/// The digest of one attempt: `v1:` and 32 hexadecimal digits.
///
/// Over the content digest of the task definition (so a new revision of equal content is the same
/// payload), the other carried members in canonical order, and the text of the retry annotation.
/// `None` while the task definition is not resolved.
pub(super) fn attempt_digest(view: &View<'_>) -> Option<String> {
    let retry = view.resource.annotations.get(RETRY_ANNOTATION);
    digest_with(view, retry.map(String::as_str))
}

/// The same of the content alone, whatever the retry annotation says.
pub(super) fn content_digest(view: &View<'_>) -> Option<String> {
    digest_with(view, None)
}

fn digest_with(view: &View<'_>, retry: Option<&str>) -> Option<String> {
    let arn = text(&view.spec, "taskDefinition");
    if arn.is_empty() {
        return None;
    }
    let mut carried = Map::new();
    // What goes back to a default is no part of what is declared, before and after.
    let mut declared = view.spec.clone();
    for path in &view.resetting {
        members::take(&mut declared, path);
    }
    for member in CARRIED.iter().chain(&DEPLOYING) {
        if let Some(value) = declared.get(*member) {
            carried.insert((*member).to_owned(), sorted_sets(value));
        }
    }
    let content = view
        .facts
        .iter()
        .find(|(key, facts)| key.kind == Kind::TaskDefinition && facts.arn.as_deref() == Some(arn))
        .and_then(|(_, facts)| facts.digest.clone());
    carried.insert(
        "taskDefinition".to_owned(),
        Value::from(content.unwrap_or_else(|| arn.to_owned())),
    );
    // Which of the pair's target groups a manifest names is not what the deployment carries; what ECS
    // shifts traffic with is.
    if !super::native::is_native(&view.spec)
        && let Some(Value::Array(balancers)) = carried.get_mut("loadBalancers")
    {
        for balancer in balancers {
            *balancer = json!({"containerName": balancer["containerName"], "containerPort": balancer["containerPort"]});
        }
    }
    if let Some(retry) = retry {
        carried.insert("retry".to_owned(), Value::from(retry));
    }
    Some(digest(&Value::Object(carried)))
}

/// Sorts every list in a value by its elements' texts, in which members are sorted: what a
/// deployment carries (subnets, security groups, capacity providers) are sets.
fn sorted_sets(value: &Value) -> Value {
    match value {
        Value::Array(list) => {
            let mut list: Vec<Value> = list.iter().map(sorted_sets).collect();
            list.sort_by_key(ToString::to_string);
            Value::Array(list)
        }
        Value::Object(members) => {
            let sorted: BTreeMap<&String, Value> = members
                .iter()
                .map(|(name, member)| (name, sorted_sets(member)))
                .collect();
            sorted
                .into_iter()
                .map(|(name, member)| (name.clone(), member))
                .collect()
        }
        other => other.clone(),
    }
}

/// The spec with only these members.
fn only(spec: &Value, members: &[&str]) -> Value {
    let picked = members
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), spec.get(*name)?.clone())));
    Value::Object(picked.collect())
}

/// How the `PRIMARY` task set of a `CODE_DEPLOY` service differs from what a deployment would carry.
/// The target group is left out: it alternates within the pair.
pub(super) fn carried_drift(spec: &Value, live: &Value) -> Vec<Drift> {
    let mut desired = only(spec, &CARRIED);
    let mut live = live.clone();
    for document in [&mut desired, &mut live] {
        if let Some(Value::Array(balancers)) = document.get_mut("loadBalancers") {
            for balancer in balancers {
                if let Some(members) = balancer.as_object_mut() {
                    members.remove("targetGroupArn");
                }
            }
        }
    }
    compare(&desired, &live, &RULES)
}

/// How a rolling service differs in members that start a deployment.
pub(super) fn deploying_drift(spec: &Value, live: &Value) -> Vec<Drift> {
    compare(&only(spec, &DEPLOYING), live, &RULES)
}

/// How a service differs in the members that start no deployment.
pub(super) fn quiet_drift(spec: &Value, live: &Value, deploying: &[&str]) -> Vec<Drift> {
    let mut desired = spec.clone();
    if let Some(members) = desired.as_object_mut() {
        members.retain(|name, _| !deploying.contains(&name.as_str()));
    }
    compare(&desired, live, &RULES)
}

/// The `PRIMARY` task set of a `CODE_DEPLOY` service.
pub(super) fn primary_task_set(service: &Value) -> Option<&Value> {
    items(service, "taskSets").find(|set| text(set, "status") == "PRIMARY")
}

/// What a service is said to run, as `family:revision`.
pub(super) fn live_revision(service: &Value) -> Option<String> {
    let task_definition = text(
        primary_task_set(service).unwrap_or(service),
        "taskDefinition",
    );
    let revision = last_segment(task_definition);
    (!revision.is_empty()).then(|| revision.to_owned())
}

/// The `PRIMARY` deployment of a rolling service.
pub(super) fn primary_deployment(service: &Value) -> Option<&Value> {
    items(service, "deployments").find(|deployment| text(deployment, "status") == "PRIMARY")
}

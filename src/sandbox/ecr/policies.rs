//! Lifecycle and repository policies: kept and read back, not carried out.
//!
//! Invariant: a policy comes back compact and with its members in another order than it was sent in,
//! as AWS returns it: only the parsed documents compare equal.

use super::super::{ACCOUNT, AwsError, World, input, time::seconds};
use super::names;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The document with the members of every object sorted.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let members: BTreeMap<_, _> = object.iter().collect();
            members
                .into_iter()
                .map(|(key, value)| (key.clone(), sorted(value)))
                .collect()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        scalar => scalar.clone(),
    }
}

/// Checks length and JSON, and gives the text to keep.
fn read(input: &Value, member: &str, least: usize, most: usize) -> Result<String, AwsError> {
    let text = input::text(input, member).unwrap_or_default();
    if text.len() < least || text.len() > most {
        return Err(names::invalid(
            member,
            &format!("Member must have length between {least} and {most}"),
        ));
    }
    match serde_json::from_str::<Value>(text) {
        Ok(document @ Value::Object(_)) => Ok(sorted(&document).to_string()),
        _ => Err(names::invalid(member, "The text is not a JSON object")),
    }
}

/// Lifecycle policy: 100 to 30,720 characters and at most 50 rules (service model, quotas page).
pub(super) fn put_lifecycle(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let text = read(input, "lifecyclePolicyText", 100, 30_720)?;
    let parsed: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
    let rules = input::list(&parsed, "rules");
    let mut priorities: Vec<i64> = rules
        .iter()
        .filter_map(|rule| rule["rulePriority"].as_i64())
        .collect();
    priorities.sort_unstable();
    priorities.dedup();
    if rules.is_empty() || rules.len() > 50 || priorities.len() != rules.len() {
        return Err(names::invalid(
            "LifecyclePolicyText",
            "Lifecycle policy validation failure: 1 to 50 rules, each with a rulePriority of its own",
        ));
    }
    let repository = world.ecr.named(input)?;
    repository.lifecycle_policy = Some(text.clone());
    Ok(json!({
        "registryId": ACCOUNT,
        "repositoryName": repository.name,
        "lifecyclePolicyText": text
    }))
}

fn no_lifecycle(name: &str) -> AwsError {
    AwsError::new(
        "LifecyclePolicyNotFoundException",
        format!(
            "Lifecycle policy does not exist for the repository with name '{name}' in the registry \
             with id '{ACCOUNT}'"
        ),
    )
}

/// Reads the lifecycle policy.
pub(super) fn get_lifecycle(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let now = seconds(world.now);
    let repository = world.ecr.named(input)?;
    let Some(text) = &repository.lifecycle_policy else {
        return Err(no_lifecycle(&repository.name));
    };
    Ok(json!({
        "registryId": ACCOUNT,
        "repositoryName": repository.name,
        "lifecyclePolicyText": text,
        "lastEvaluatedAt": now
    }))
}

/// Removes the lifecycle policy.
pub(super) fn delete_lifecycle(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let response = get_lifecycle(world, input)?;
    world.ecr.named(input)?.lifecycle_policy = None;
    Ok(response)
}

/// Repository policy: at most 10,240 characters (service model).
pub(super) fn set_policy(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let text = read(input, "policyText", 1, 10_240)?;
    let parsed: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
    if parsed.get("Statement").is_none() {
        return Err(names::invalid(
            "PolicyText",
            "Invalid repository policy provided",
        ));
    }
    let repository = world.ecr.named(input)?;
    repository.policy = Some(text.clone());
    Ok(json!({
        "registryId": ACCOUNT,
        "repositoryName": repository.name,
        "policyText": text
    }))
}

/// Reads the repository policy.
pub(super) fn get_policy(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let repository = world.ecr.named(input)?;
    let name = &repository.name;
    let Some(text) = &repository.policy else {
        return Err(AwsError::new(
            "RepositoryPolicyNotFoundException",
            format!(
                "Repository policy does not exist for the repository with name '{name}' in the \
                 registry with id '{ACCOUNT}'"
            ),
        ));
    };
    Ok(json!({ "registryId": ACCOUNT, "repositoryName": name, "policyText": text }))
}

/// Removes the repository policy.
pub(super) fn delete_policy(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let response = get_policy(world, input)?;
    world.ecr.named(input)?.policy = None;
    Ok(response)
}

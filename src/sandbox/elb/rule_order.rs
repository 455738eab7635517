//! `SetRulePriorities`: the only way to change a rule's priority. Rules may swap places.

use super::super::{AwsError, World, input};
use super::rules;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Sets all priorities of the request, or none.
pub(super) fn set(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let state = &mut world.elb;
    let mut wanted: BTreeMap<String, u32> = BTreeMap::new();
    let mut listeners = Vec::new();
    for pair in input::list(input, "RulePriorities") {
        let rule = state.named_rule(pair, "re-prioritized")?;
        listeners.push(rule.listener.clone());
        wanted.insert(rule.arn.clone(), rules::read_priority(pair)?);
    }
    if wanted.is_empty() {
        return Err(AwsError::new(
            "ValidationError",
            "At least one rule must be specified",
        ));
    }
    if listeners.windows(2).any(|pair| pair[0] != pair[1]) {
        return Err(AwsError::new(
            "ValidationError",
            "All rules must be of one listener",
        ));
    }
    let mut taken = BTreeMap::new();
    for rule in state
        .rules
        .values()
        .filter(|rule| listeners.contains(&rule.listener))
    {
        let Some(current) = rule.priority else {
            continue;
        };
        let priority = wanted.get(&rule.arn).copied().unwrap_or(current);
        if taken.insert(priority, &rule.arn).is_some() {
            return Err(rules::in_use(priority));
        }
    }
    let mut described = Vec::new();
    for (arn, priority) in wanted {
        if let Some(rule) = state.rules.get_mut(&arn) {
            rule.priority = Some(priority);
            described.push(rules::describe_one(rule));
        }
    }
    Ok(json!({ "Rules": described }))
}

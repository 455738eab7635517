//! Comparing a declared document with a live one. Lists are in [`super::list`].

use serde_json::{Map, Value};

use super::mask::masked;
use super::rules::{Rules, Treat};
use super::{list, rules};
use crate::model::Drift;

/// Where a member stands: its pattern for the rules, and its path for a person.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    pub(super) pattern: String,
    pub(super) path: String,
}

impl Place {
    /// A member of this object.
    fn member(&self, name: &str) -> Self {
        Self {
            pattern: format!("{}/{name}", self.pattern),
            path: format!("{}/{}", self.path, escaped(name)),
        }
    }

    /// An element of this list, labelled by its key or its index.
    pub(super) fn element(&self, label: &str) -> Self {
        Self {
            pattern: format!("{}/*", self.pattern),
            path: format!("{}/{}", self.path, escaped(label)),
        }
    }
}

/// A segment of a JSON pointer (RFC 6901).
fn escaped(segment: &str) -> String {
    segment.replace('~', "~0").replace('/', "~1")
}

/// Every difference between what is declared and what is live, in the order of the declaration.
///
/// Only declared members are compared; a declared null, empty list or empty object equals an
/// absent member. Elements of keyed lists are named by their key in the paths. Values that may be
/// secrets are masked.
pub fn compare(desired: &Value, live: &Value, rules: &Rules) -> Vec<Drift> {
    let mut found = Vec::new();
    walk(desired, live, &Place::default(), rules, &mut found);
    found
}

/// Compares one member. `Null` is an absent one.
pub(super) fn walk(
    desired: &Value,
    live: &Value,
    at: &Place,
    rules: &Rules,
    found: &mut Vec<Drift>,
) {
    let treat = rules.treat(&at.pattern);
    if treat == Some(Treat::Ignored) || desired.is_null() || (is_empty(desired) && is_empty(live)) {
        return;
    }
    match (desired, live) {
        (Value::Object(wanted), Value::Object(present)) => {
            members(wanted, present, at, rules, found);
            if treat == Some(Treat::Map) {
                undeclared_keys(wanted, present, at, found);
            }
        }
        (Value::Array(wanted), Value::Array(present)) => {
            list::walk(wanted, present, treat, at, rules, found);
        }
        (Value::Array(wanted), Value::Null) => list::walk(wanted, &[], treat, at, rules, found),
        _ if equal(desired, live, treat, rules) => {}
        _ => note(at, live, desired, found),
    }
}

fn members(
    wanted: &Map<String, Value>,
    present: &Map<String, Value>,
    at: &Place,
    rules: &Rules,
    found: &mut Vec<Drift>,
) {
    for (name, value) in wanted {
        let live = present.get(name).unwrap_or(&Value::Null);
        walk(value, live, &at.member(name), rules, found);
    }
}

fn undeclared_keys(
    wanted: &Map<String, Value>,
    present: &Map<String, Value>,
    at: &Place,
    found: &mut Vec<Drift>,
) {
    for (name, value) in present
        .iter()
        .filter(|(name, _)| !wanted.contains_key(*name))
    {
        note(&at.member(name), value, &Value::Null, found);
    }
}

/// Records a difference, masked.
pub(super) fn note(at: &Place, live: &Value, desired: &Value, found: &mut Vec<Drift>) {
    let (live, desired) = (masked(&at.path, live), masked(&at.path, desired));
    found.push(Drift {
        path: at.path.clone(),
        live,
        desired,
        reset: false,
    });
}

fn equal(desired: &Value, live: &Value, treat: Option<Treat>, rules: &Rules) -> bool {
    let (wanted, present) = (desired.as_str(), live.as_str());
    match (treat, wanted, present) {
        (Some(Treat::JsonText), Some(wanted), Some(present)) => same_json_text(wanted, present),
        (Some(Treat::NameOrArn), Some(wanted), Some(present)) => {
            wanted.is_empty() || same_name(wanted, present)
        }
        (Some(Treat::NameOrOpaqueArn), Some(wanted), Some(present)) => {
            let name = !wanted.is_empty() && !wanted.starts_with("arn:");
            wanted == present || (name && present.starts_with("arn:"))
        }
        (Some(Treat::AnyIf(word)), Some(wanted), _) if wanted == word => true,
        _ => same_scalar(desired, live, rules.scalars_by_text),
    }
}

fn same_scalar(one: &Value, other: &Value, by_text: bool) -> bool {
    if one == other {
        return true;
    }
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        _ if by_text => scalar_text(one).is_some_and(|text| Some(text) == scalar_text(other)),
        _ => false,
    }
}

/// Whether two texts hold the same JSON; texts that are no JSON are compared as they stand.
pub fn same_json_text(one: &str, other: &str) -> bool {
    let parsed = |text: &str| serde_json::from_str::<Value>(text).ok();
    one == other || parsed(one).is_some_and(|value| Some(value) == parsed(other))
}

/// The text of a string, number or boolean.
pub fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// Whether both name the same thing, where either may be an ARN that ends in the name.
fn same_name(one: &str, other: &str) -> bool {
    let both_arns = one.starts_with("arn:") && other.starts_with("arn:");
    let name = |text| rules::last_segment(text);
    one == other || (!both_arns && name(one) == name(other))
}

/// Whether a value says nothing: null, or a list or object with nothing in it.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.values().all(is_empty),
        _ => false,
    }
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;

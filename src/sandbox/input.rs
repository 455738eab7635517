//! Reading the members of an operation's input. Not validation: what a value may be is each
//! operation's own business.
//!
//! Invariant: lenient about scalars, because the Query protocol has no types: an integer or boolean
//! may stand as a string, and an empty list arrives as the empty string.

use super::AwsError;
use serde_json::Value;

/// A string member, absent when it is missing, `null` or not a string.
pub(crate) fn text<'a>(input: &'a Value, member: &str) -> Option<&'a str> {
    input.get(member).and_then(Value::as_str)
}

/// A string member that is neither missing nor empty.
pub(crate) fn filled<'a>(input: &'a Value, member: &str) -> Option<&'a str> {
    text(input, member).filter(|text| !text.is_empty())
}

/// An integer member.
pub(crate) fn int(input: &Value, member: &str) -> Result<Option<i64>, AwsError> {
    let number = match input.get(member) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(text)) => text.parse().ok(),
        Some(_) => None,
    };
    number.map(Some).ok_or_else(|| {
        AwsError::new(
            "SerializationException",
            format!("The value of '{member}' is no integer."),
        )
    })
}

/// A boolean member.
pub(crate) fn flag(input: &Value, member: &str) -> Option<bool> {
    match input.get(member)? {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// The items of a list member; none when it is missing.
pub(crate) fn list<'a>(input: &'a Value, member: &str) -> &'a [Value] {
    input
        .get(member)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The strings of a list member.
pub(crate) fn texts(input: &Value, member: &str) -> Vec<String> {
    list(input, member)
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// Whether the member was sent at all, be it empty.
pub(crate) fn sent(input: &Value, member: &str) -> bool {
    input.get(member).is_some_and(|value| !value.is_null())
}

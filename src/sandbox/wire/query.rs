//! Reading AWS Query requests: a form whose keys are paths, `Tags.member.1.Key=a`.
//!
//! Invariant: scalars stay strings, since the protocol has no types; an empty list, written
//! `Tags=`, is an empty string.

use super::super::AwsError;
use http::Request;
use serde_json::{Map, Value};

/// Deeper paths than any operation has are refused, so that nesting cannot exhaust the stack.
const MAX_DEPTH: usize = 24;

/// The input of a request: the form in the body, or in the URL when there is no body.
pub(super) fn read(request: &Request<Vec<u8>>) -> Result<Value, AwsError> {
    let form = if request.body().is_empty() {
        request.uri().query().unwrap_or_default().as_bytes()
    } else {
        request.body()
    };
    let mut root = Map::new();
    for (key, value) in form_urlencoded::parse(form) {
        let path: Vec<&str> = key.split('.').collect();
        if path.len() > MAX_DEPTH {
            return Err(AwsError::new(
                "MalformedQueryString",
                format!("The parameter has more than {MAX_DEPTH} segments: {key}"),
            ));
        }
        insert(&mut root, &path, value.into_owned());
    }
    Ok(fold(root))
}

fn insert(into: &mut Map<String, Value>, path: &[&str], value: String) {
    match path {
        [] => {}
        [last] => {
            into.insert((*last).to_owned(), Value::String(value));
        }
        [first, rest @ ..] => {
            let child = into
                .entry(*first)
                .or_insert_with(|| Value::Object(Map::new()));
            if !child.is_object() {
                *child = Value::Object(Map::new());
            }
            if let Some(child) = child.as_object_mut() {
                insert(child, rest, value);
            }
        }
    }
}

/// Turns `{member: {1: a, 2: b}}` into a list and `{entry: {1: {key, value}}}` into an object.
fn fold(mut object: Map<String, Value>) -> Value {
    if object.len() == 1 {
        if let Some(Value::Object(items)) = object.get_mut("member") {
            return Value::Array(in_order(std::mem::take(items)));
        }
        if let Some(Value::Object(items)) = object.get_mut("entry") {
            let entries = in_order(std::mem::take(items));
            return entries
                .into_iter()
                .filter_map(|entry| {
                    Some((
                        entry.get("key")?.as_str()?.to_owned(),
                        entry.get("value")?.clone(),
                    ))
                })
                .collect();
        }
    }
    object
        .into_iter()
        .map(|(key, value)| (key, fold_value(value)))
        .collect()
}

fn fold_value(value: Value) -> Value {
    match value {
        Value::Object(object) => fold(object),
        scalar => scalar,
    }
}

/// Turns `{1: a, 2: b}` into a list, at any depth: EC2 writes lists without `member`.
pub(super) fn numbered_lists(value: Value) -> Value {
    let Value::Object(object) = value else {
        return value;
    };
    let numbered = |key: &String| key.bytes().all(|b| b.is_ascii_digit());
    if !object.is_empty() && object.keys().all(numbered) {
        return in_order(object).into_iter().map(numbered_lists).collect();
    }
    object
        .into_iter()
        .map(|(key, value)| (key, numbered_lists(value)))
        .collect()
}

/// The items by their numbers: `10` comes after `9`.
fn in_order(items: Map<String, Value>) -> Vec<Value> {
    let mut items: Vec<(u32, Value)> = items
        .into_iter()
        .map(|(number, item)| (number.parse().unwrap_or(u32::MAX), fold_value(item)))
        .collect();
    items.sort_by_key(|(number, _)| *number);
    items.into_iter().map(|(_, item)| item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(form: &str) -> Value {
        read(&Request::new(form.as_bytes().to_vec())).unwrap()
    }

    #[test]
    fn paths_become_lists_and_objects() {
        let parsed = parse(
            "Action=X&Tags.member.2.Key=b&Tags.member.10.Key=c&Tags.member.1.Key=a%26+&Tags.member.1.Value=\
             &Empty=&P.entry.1.key=k&P.entry.1.value=v&Matcher.HttpCode=200",
        );
        assert_eq!(
            parsed,
            json!({
                "Action": "X",
                "Tags": [{ "Key": "a& ", "Value": "" }, { "Key": "b" }, { "Key": "c" }],
                "Empty": "",
                "P": { "k": "v" },
                "Matcher": { "HttpCode": "200" }
            })
        );
    }

    #[test]
    fn ec2_numbers_its_lists_without_a_word() {
        let form = "Filter.1.Name=subnet-id&Filter.1.Value.2=b&Filter.1.Value.1=a";
        assert_eq!(
            numbered_lists(parse(form)),
            json!({ "Filter": [{ "Name": "subnet-id", "Value": ["a", "b"] }] })
        );
    }

    #[test]
    fn hostile_forms_are_refused_or_harmless() {
        let deep = format!("{}=1", "a.".repeat(1000));
        let refused = read(&Request::new(deep.into_bytes())).unwrap_err();
        assert_eq!(refused.code, "MalformedQueryString");
        assert_eq!(parse("A=1&A.B=2"), json!({ "A": { "B": "2" } }));
        assert_eq!(parse(""), json!({}));
    }
}

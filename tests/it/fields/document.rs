//! Paths of the catalogue in documents: values at them, values for them, documents laid over others.

use evenkeel::catalogue::{Field, Type};
use serde_json::{Map, Value, json};

use super::values;

/// The steps of a path such as `loadBalancers[].targetGroupArn`; `None` steps into a list.
pub(super) fn steps(path: &str) -> Vec<Option<&str>> {
    let mut out = Vec::new();
    for part in path.split('.').filter(|part| !part.is_empty()) {
        let name = part.trim_end_matches("[]");
        out.push(Some(name));
        out.extend(std::iter::repeat_n(None, (part.len() - name.len()) / 2));
    }
    out
}

/// Every value at a path, through all elements of the lists on the way.
pub(super) fn at<'a>(document: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut found = vec![document];
    for step in steps(path) {
        found = match step {
            Some(name) => found.into_iter().filter_map(|one| one.get(name)).collect(),
            None => found
                .into_iter()
                .filter_map(Value::as_array)
                .flatten()
                .collect(),
        };
    }
    found
}

/// Lays one document over another: objects member by member, lists element by element; a null
/// takes the member away.
pub(super) fn lay(over: &Value, document: &mut Value) {
    match (over, document) {
        (Value::Object(over), document) => {
            if !document.is_object() {
                *document = json!({});
            }
            let Some(members) = document.as_object_mut() else {
                return;
            };
            for (name, value) in over {
                if value.is_null() {
                    members.shift_remove(name);
                } else {
                    lay(value, members.entry(name.clone()).or_insert(Value::Null));
                }
            }
        }
        (Value::Array(over), document) => {
            if !document.is_array() {
                *document = json!([]);
            }
            let Some(items) = document.as_array_mut() else {
                return;
            };
            for (index, value) in over.iter().enumerate() {
                if items.len() <= index {
                    items.push(Value::Null);
                }
                lay(value, &mut items[index]);
            }
        }
        (scalar, document) => *document = scalar.clone(),
    }
}

/// Puts a value for the last step of a path into a document, with all that the model requires on
/// the way there.
pub(super) fn put(kind: &str, document: &mut Value, root: &Field, path: &str, variant: usize) {
    let mut node = document;
    let mut field = root;
    let mut here = String::new();
    let steps = steps(path);
    for (index, step) in steps.iter().enumerate() {
        let last = index + 1 == steps.len();
        if let Some(name) = step {
            if !node.is_object() {
                *node = json!({});
            }
            field = field.member(name).unwrap();
            here = if here.is_empty() {
                (*name).to_owned()
            } else {
                format!("{here}.{name}")
            };
            let members = node.as_object_mut().unwrap();
            node = members.entry(*name).or_insert(Value::Null);
        } else {
            if node.as_array().is_none_or(Vec::is_empty) {
                *node = json!([null]);
            }
            field = field.item().unwrap();
            here.push_str("[]");
            node = &mut node[0];
        }
        if last {
            if field.ty == Type::Structure || field.ty == Type::List || node.is_null() {
                let whole = value(kind, field, &here, variant);
                lay(&whole, node);
            } else {
                *node = value(kind, field, &here, variant);
            }
        } else if field.ty == Type::Structure {
            fill(kind, node, field, &here, 0);
        }
    }
}

/// Gives a structure the members that the model requires and that it lacks.
fn fill(kind: &str, node: &mut Value, field: &Field, path: &str, variant: usize) {
    if !node.is_object() {
        *node = json!({});
    }
    let members = node.as_object_mut().unwrap();
    for member in field.members().iter().filter(|member| member.required) {
        if !members.contains_key(member.name) {
            let value = value(kind, member, &format!("{path}.{}", member.name), variant);
            members.insert(member.name.to_owned(), value);
        }
    }
}

/// A valid value for a field; the two variants differ where the model allows two.
pub(super) fn value(kind: &str, field: &Field, path: &str, variant: usize) -> Value {
    if let Some(special) = values::special(kind, path, variant) {
        return special;
    }
    let number = i64::try_from(variant).unwrap();
    let word = ["first", "second"][variant];
    match field.ty {
        Type::String if !field.values.is_empty() => {
            json!(field.values[variant % field.values.len()])
        }
        Type::String => json!(word),
        Type::Integer => {
            let least = field.min.unwrap_or(1).max(1) + number;
            json!(field.max.map_or(least, |most| least.min(most)))
        }
        Type::Double => json!([5.0, 7.5][variant]),
        Type::Boolean => json!(variant == 0),
        Type::Map => json!({ "some-key": word }),
        Type::Document => json!({"any": {"deep": [1, word]}}),
        Type::List => {
            let item = field.item().unwrap();
            json!([value(kind, item, &format!("{path}[]"), variant)])
        }
        Type::Structure => {
            let mut out = Value::Object(Map::new());
            fill(kind, &mut out, field, path, variant);
            if out == json!({})
                && let Some(first) = field.members().first()
            {
                out[first.name] = value(kind, first, &format!("{path}.{}", first.name), variant);
            }
            out
        }
    }
}

/// Whether two scalars say the same, as AWS writes them: as a text, or as an ARN for a name.
pub(super) fn same(one: &Value, other: &Value) -> bool {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let (one, other) = (text(one), text(other));
    let last = |text: &str| text.rsplit('/').next().unwrap_or_default().to_owned();
    one == other
        || one.parse::<f64>().is_ok_and(|one| other.parse() == Ok(one))
        || ((one.starts_with("arn:") || other.starts_with("arn:")) && last(&one) == last(&other))
}

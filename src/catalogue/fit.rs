//! A foreign document made to fit the catalogue: what AWS answers, or what another tool's file
//! holds, as the request that a manifest's `spec` is. It checks no values and fills in nothing.
//!
//! Invariants:
//! - What comes out has only members of the catalogue, each of its type where the text allows it.
//! - What is left out is named.

use serde_json::{Map, Number, Value};

use super::{Field, Type};
use crate::document::scalar_text;

/// A document that fits, and what was left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Fitted {
    /// The document.
    pub(crate) document: Map<String, Value>,
    /// Paths of members that the catalogue does not have, such as `/deployments`.
    pub(crate) unknown: Vec<String>,
}

/// Fits a document to a request. Members that say nothing (null, an empty list or map) and those
/// for which `drop` says so, by their place (`/containerDefinitions/*/cpu`) and value, are left out; what AWS demands stays.
pub(crate) fn fit(document: &Value, root: &Field, drop: &dyn Fn(&str, &Value) -> bool) -> Fitted {
    let mut walk = Walk {
        drop,
        unknown: Vec::new(),
    };
    let document = match walk.value(document, root, "") {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    };
    Fitted {
        document,
        unknown: walk.unknown,
    }
}

struct Walk<'a> {
    drop: &'a dyn Fn(&str, &Value) -> bool,
    unknown: Vec<String>,
}

impl Walk<'_> {
    fn value(&mut self, value: &Value, field: &Field, at: &str) -> Option<Value> {
        let fitted = match (field.ty, value) {
            (_, Value::Null) => return None,
            (Type::Structure, Value::Object(members)) => self.structure(members, field, at)?,
            (Type::List, Value::Array(items)) => self.list(items, field, at)?,
            (Type::Map | Type::Document, Value::Object(members)) if members.is_empty() => {
                return None;
            }
            (Type::Map, Value::Object(members)) => Value::Object(
                members
                    .iter()
                    .map(|(key, value)| (key.clone(), scalar(value, Type::String)))
                    .collect(),
            ),
            (ty, value) => scalar(value, ty),
        };
        (field.required || !(self.drop)(at, &fitted)).then_some(fitted)
    }

    fn structure(
        &mut self,
        members: &Map<String, Value>,
        field: &Field,
        at: &str,
    ) -> Option<Value> {
        let mut out = Map::new();
        for (name, value) in members {
            let place = format!("{at}/{name}");
            let Some(member) = field
                .member(name)
                .or_else(|| field.member(&other_case(name)))
            else {
                if !value.is_null() {
                    self.unknown.push(place);
                }
                continue;
            };
            if let Some(value) = self.value(value, member, &format!("{at}/{}", member.name)) {
                out.insert(member.name.to_owned(), value);
            }
        }
        // A structure without members says something by being there.
        (!out.is_empty() || field.members().is_empty()).then_some(Value::Object(out))
    }

    fn list(&mut self, items: &[Value], field: &Field, at: &str) -> Option<Value> {
        let item = field.item()?;
        let place = format!("{at}/*");
        let items: Vec<Value> = items
            .iter()
            .filter_map(|value| self.value(value, item, &place))
            .collect();
        (!items.is_empty()).then_some(Value::Array(items))
    }
}

/// The name with its first letter in the other case: files for other tools spell members as the
/// SDKs of their languages do.
fn other_case(name: &str) -> String {
    let mut chars = name.chars();
    let Some(first) = chars.next() else {
        return String::new();
    };
    let flipped = if first.is_ascii_uppercase() {
        first.to_ascii_lowercase()
    } else {
        first.to_ascii_uppercase()
    };
    std::iter::once(flipped).chain(chars).collect()
}

/// A scalar of the wanted type, if it can be read as one; otherwise as it is.
fn scalar(value: &Value, ty: Type) -> Value {
    let text = scalar_text(value);
    let fitted = match (ty, text) {
        (Type::String, Some(text)) => Some(Value::String(text)),
        (Type::Integer, Some(text)) => text
            .parse::<i64>()
            .ok()
            .or_else(|| whole(value))
            .map(Value::from),
        (Type::Double, Some(text)) => text
            .parse()
            .ok()
            .and_then(Number::from_f64)
            .map(Value::Number),
        (Type::Boolean, Some(text)) => text.parse::<bool>().ok().map(Value::from),
        _ => None,
    };
    fitted.unwrap_or_else(|| value.clone())
}

/// A number without a fraction: Jsonnet has only one kind of number.
#[expect(
    clippy::cast_possible_truncation,
    reason = "compared with what it was before"
)]
fn whole(value: &Value) -> Option<i64> {
    let number = value.as_f64()?;
    let whole = number as i64;
    #[expect(clippy::cast_precision_loss, reason = "that is the comparison")]
    let same = (whole as f64 - number).abs() < f64::EPSILON;
    same.then_some(whole)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalogue::root;
    use crate::model::Kind;

    #[test]
    fn types_and_spelling_are_mended_and_the_rest_is_named() {
        let document = json!({"Family": "a", "cpu": 256, "revision": 3, "volumes": [], "containerDefinitions": [
            {"name": "app", "essential": "true", "memory": 512.0, "dockerLabels": {"Key": 1}, "colour": "red", "links": null}]});
        let fitted = fit(&document, root(Kind::TaskDefinition), &|_, _| false);
        assert_eq!(
            Value::Object(fitted.document),
            json!({"family": "a", "cpu": "256", "containerDefinitions": [
                {"name": "app", "essential": true, "memory": 512, "dockerLabels": {"Key": "1"}}]})
        );
        assert_eq!(
            fitted.unknown,
            ["/revision", "/containerDefinitions/*/colour"]
        );
    }

    #[test]
    fn what_the_caller_drops_is_gone_and_its_empty_parents_with_it() {
        let document = json!({"Port": "80", "Matcher": {"HttpCode": "200"}, "Name": "a"});
        let drop = |at: &str, value: &Value| at == "/Matcher/HttpCode" && value == "200";
        let fitted = fit(&document, root(Kind::TargetGroup), &drop);
        assert_eq!(
            Value::Object(fitted.document),
            json!({"Port": 80, "Name": "a"})
        );
    }
}

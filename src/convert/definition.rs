//! Task definitions and service definitions as they lie on disk, made to fit the catalogue.

use serde_json::{Map, Value};

use super::output::Output;
use crate::catalogue::{fit, root};
use crate::import::read_only;
use crate::manifest::nearest_name;
use crate::model::Kind;

/// A task definition; describe-form files are unwrapped.
pub(super) fn task_definition(
    document: &Value,
    file: &str,
    out: &mut Output,
) -> Map<String, Value> {
    let mut inner = document.clone();
    for wrapper in ["taskDefinition", "TaskDefinition"] {
        if let Some(wrapped @ Value::Object(_)) = document.get(wrapper) {
            inner = wrapped.clone();
            for tags in ["tags", "Tags"] {
                if let Some(tags) = document.get(tags) {
                    inner["tags"] = tags.clone();
                }
            }
        }
    }
    fitted(Kind::TaskDefinition, &inner, file, out)
}

/// A service definition; the first service of a describe-form file.
pub(super) fn service(document: &Value, file: &str, out: &mut Output) -> Map<String, Value> {
    let listed = document.get("services").and_then(|all| all.get(0));
    let wrapped = document.get("service").filter(|inner| inner.is_object());
    let inner = listed.or(wrapped).unwrap_or(document);
    fitted(Kind::Service, inner, file, out)
}

/// Only what a request takes, typed as it takes it.
pub(super) fn fitted(
    kind: Kind,
    document: &Value,
    file: &str,
    out: &mut Output,
) -> Map<String, Value> {
    // An empty text is how other tools write a member that is not given; as a value, as an element
    // of a list, it is meant.
    let empty =
        |at: &str, value: &Value| value == "" && !at.ends_with("/value") && !at.ends_with("/*");
    let fitted = fit(document, root(kind), &empty);
    let (answered, unknown): (Vec<String>, Vec<String>) = fitted
        .unknown
        .into_iter()
        .partition(|place| read_only(kind).contains(&place.as_str()));
    if !answered.is_empty() {
        let names: Vec<&str> = answered
            .iter()
            .map(|place| place.trim_start_matches('/'))
            .collect();
        out.note(
            file,
            format!(
                "left out, because AWS only answers it: {}",
                names.join(", ")
            ),
        );
    }
    for place in unknown {
        let (parent, name) = place.rsplit_once('/').unwrap_or(("", &place));
        let path = parent
            .trim_start_matches('/')
            .replace("/*", "[]")
            .replace('/', ".");
        let known = root(kind)
            .at(&path)
            .map(crate::catalogue::Field::members)
            .unwrap_or_default();
        let hint = nearest_name(name, known.iter().map(|field| field.name));
        let hint = hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
        out.note(
            file,
            format!("left out: {place} is no field of {kind}{hint}"),
        );
    }
    fitted.document
}

/// The members in the order in which a person looks for them: these first.
pub(super) fn led_by(first: Vec<(&str, Value)>, rest: Map<String, Value>) -> Value {
    let mut all = Map::new();
    for (name, value) in first {
        all.insert(name.to_owned(), value);
    }
    for (name, value) in rest {
        all.entry(name).or_insert(value);
    }
    Value::Object(all)
}

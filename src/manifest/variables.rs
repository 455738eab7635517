//! Puts the values of variables into parsed manifests. Not the reading of an Environment
//! (`environment`), and not text templates: a value goes into a scalar that is already parsed, so it
//! cannot add a member, an element or a document.
//!
//! Invariants:
//! - Only names that an Environment declares are replaced; any other `${...}` stays as it is, and so does
//!   any other `$${...}`.
//! - Places stay: a finding about a value that was put in names the scalar that asked for it.
//! - A secret is put only where differences and excerpts hide what stands ([`crate::document::hides`]).
//! - Member names are never touched, nor `apiVersion`, `kind` and `metadata`'s name.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::diagnostic::Findings;
use super::environment::Known;
use super::schema::listed;
use super::tree::{Data, Node, Place};
use crate::catalogue::{self, Field, Type};
use crate::document::hides;
use crate::model::Kind;

/// What is declared, and what it stands for in the environment that was chosen.
#[derive(Clone, Debug, Default)]
pub(super) struct Variables<'a> {
    /// The environment's name.
    pub(super) environment: &'a str,
    /// Names that any Environment declares.
    pub(super) declared: BTreeSet<&'a str>,
    /// Those that have a value here.
    pub(super) known: BTreeMap<&'a str, Known>,
    /// Those whose value nobody may fetch now (`validate` asks no AWS): left as they stand.
    pub(super) unfetched: BTreeSet<&'a str>,
}

/// Whether this may name a variable.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first == '_' || first.is_ascii_alphabetic())
        && name
            .chars()
            .all(|one| one == '_' || one.is_ascii_alphanumeric())
}

/// One part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part<'a> {
    /// As it stands.
    Literal(&'a str),
    /// `$${NAME}`, which means `${NAME}` if the name is declared. `whole`: without the first `$`.
    Escaped { name: &'a str, whole: &'a str },
    /// `${NAME}` or `${NAME:-default}`.
    Variable {
        name: &'a str,
        default: Option<&'a str>,
        whole: &'a str,
    },
}

/// The parts of a text. What looks like a variable and has no right name or end is literal.
fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        let variable = from.find('}').and_then(|end| {
            let inside = &from[2..end];
            let (name, default) = match inside.split_once(":-") {
                Some((name, default)) => (name, Some(default)),
                None => (inside, None),
            };
            is_name(name).then_some((name, default, &from[..=end]))
        });
        let (before, part, length) = match (variable, before.strip_suffix('$')) {
            (None, _) => (before, Part::Literal("${"), 2),
            (Some((name, _, whole)), Some(before)) => {
                (before, Part::Escaped { name, whole }, whole.len())
            }
            (Some((name, default, whole)), None) => {
                let variable = Part::Variable {
                    name,
                    default,
                    whole,
                };
                (before, variable, whole.len())
            }
        };
        parts.extend([Part::Literal(before), part]);
        rest = &from[length..];
    }
    parts.push(Part::Literal(rest));
    parts.retain(|part| *part != Part::Literal(""));
    parts
}

impl Variables<'_> {
    /// Replaces the variables of one document. Scalars that stay as they are because a value is
    /// missing are marked in their place.
    pub(super) fn put_in(&self, root: &mut Node, findings: &mut Findings<'_>) {
        let kind = root
            .text("kind")
            .and_then(|word| Kind::ALL.into_iter().find(|kind| kind.as_str() == word));
        let Data::Map(entries) = &mut root.data else {
            return;
        };
        for entry in entries {
            let mut walk = Walk {
                variables: self,
                findings: &mut *findings,
                path: entry.key.clone(),
                pointer: format!("/{}", entry.key),
            };
            match (entry.key.as_str(), kind) {
                ("apiVersion" | "kind", _) => {}
                ("spec", Some(kind)) => self.put_in_spec(&mut entry.value, kind, findings),
                ("metadata", _) => walk.metadata(&mut entry.value),
                _ => walk.node(&mut entry.value, None),
            }
        }
    }

    /// Replaces the variables of a spec.
    pub(super) fn put_in_spec(&self, spec: &mut Node, kind: Kind, findings: &mut Findings<'_>) {
        let mut walk = Walk {
            variables: self,
            findings,
            path: "spec".to_owned(),
            pointer: String::new(),
        };
        walk.node(spec, Some(catalogue::root(kind)));
    }
}

struct Walk<'a, 'f> {
    variables: &'a Variables<'a>,
    findings: &'a mut Findings<'f>,
    path: String,
    pointer: String,
}

impl Walk<'_, '_> {
    fn metadata(&mut self, node: &mut Node) {
        if let Data::Map(entries) = &mut node.data {
            for entry in entries.iter_mut().filter(|entry| entry.key != "name") {
                let key = entry.key.clone();
                self.step(&format!(".{key}"), &key, |walk| {
                    walk.node(&mut entry.value, None);
                });
            }
        }
    }

    fn node(&mut self, node: &mut Node, field: Option<&Field>) {
        let place = node.place;
        match &mut node.data {
            Data::List(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.step(&format!("[{index}]"), &index.to_string(), |walk| {
                        walk.node(item, field.and_then(Field::item));
                    });
                }
            }
            Data::Map(entries) => {
                for entry in entries {
                    let inner = field.and_then(|field| field.member(&entry.key));
                    let key = entry.key.clone();
                    self.step(&format!(".{key}"), &key, |walk| {
                        walk.node(&mut entry.value, inner);
                    });
                }
            }
            Data::Text(text) if text.contains("${") => {
                match self.scalar(text, place, field.map(|field| field.ty)) {
                    Some(data) => node.data = data,
                    None => node.place.unjudged = true,
                }
            }
            _ => {}
        }
    }

    fn step(&mut self, shown: &str, name: &str, inside: impl FnOnce(&mut Self)) {
        let (path, pointer) = (self.path.len(), self.pointer.len());
        self.path.push_str(shown);
        self.pointer.push('/');
        self.pointer.push_str(name);
        inside(self);
        self.path.truncate(path);
        self.pointer.truncate(pointer);
    }

    /// The scalar that a text becomes; `None` if it stays.
    fn scalar(&mut self, text: &str, place: Place, ty: Option<Type>) -> Option<Data> {
        let parts = parts(text);
        if let [Part::Variable { name, default, .. }] = parts[..]
            && let Some(value) = self.value(name, default, place)?
        {
            return Some(typed(value, ty));
        }
        let mut out = String::new();
        for part in parts {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::Escaped { name, whole } => {
                    if !self.variables.declared.contains(name) {
                        out.push('$');
                    }
                    out.push_str(whole);
                }
                Part::Variable {
                    name,
                    default,
                    whole,
                } => match self.value(name, default, place)? {
                    Some(Value::String(text)) => out.push_str(&text),
                    Some(value) => out.push_str(&value.to_string()),
                    None => out.push_str(whole),
                },
            }
        }
        Some(Data::Text(out))
    }

    /// A variable's value; `Some(None)` if the name is none of ours, `None` if the scalar stays as
    /// it is, because of an error or because the value is not fetched.
    #[expect(clippy::option_option, reason = "three answers, used in one place")]
    fn value(&mut self, name: &str, default: Option<&str>, place: Place) -> Option<Option<Value>> {
        let variables = self.variables;
        if !variables.declared.contains(name) {
            return Some(None);
        }
        if variables.unfetched.contains(name) {
            return None;
        }
        if let Some(known) = variables.known.get(name) {
            if known.secret && !hides(&self.pointer) {
                let message = format!("`{name}` is a secret, and what stands here is shown");
                self.findings
                    .error("secret-shown", place, &self.path, message)
                    .hint(
                        "Put it under `environment`, or better, name the secret in the container's \
                         `secrets`. If it is none, say `secret: false` in the Environment.",
                    );
                return None;
            }
            return Some(Some(known.value.clone()));
        }
        if let Some(default) = default {
            return Some(Some(Value::String(default.to_owned())));
        }
        let message = format!(
            "`{name}` has no value in the environment {}",
            listed(&[variables.environment])
        );
        self.findings
            .error("undefined-variable", place, &self.path, message)
            .hint(format!(
                "Give it one in the Environment, or a default here: ${{{name}:-text}}. To send \
                 ${{{name}}} to AWS as it stands, write $${{{name}}}."
            ));
        None
    }
}

/// A value as the member wants it: what a text means is for the member to say, as the value may
/// come from a place that knows only texts.
fn typed(value: Value, ty: Option<Type>) -> Data {
    let text = match &value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match (ty, value) {
        (Some(Type::Integer | Type::Double), Value::String(_)) => {
            serde_json::from_str(&text).map_or(Data::Text(text), Data::Number)
        }
        (Some(Type::Boolean), Value::String(_)) => match text.as_str() {
            "true" => Data::Bool(true),
            "false" => Data::Bool(false),
            _ => Data::Text(text),
        },
        (Some(Type::String | Type::Map), _) | (_, Value::String(_)) => Data::Text(text),
        (_, Value::Number(number)) => Data::Number(number),
        (_, Value::Bool(flag)) => Data::Bool(flag),
        _ => Data::Text(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_text() {
        let variable = |name, default, whole| Part::Variable {
            name,
            default,
            whole,
        };
        let escaped = |name, whole| Part::Escaped { name, whole };
        for (text, expected) in [
            ("plain", vec![Part::Literal("plain")]),
            ("${A}", vec![variable("A", None, "${A}")]),
            (
                "a${A_1:-x:-y}b",
                vec![
                    Part::Literal("a"),
                    variable("A_1", Some("x:-y"), "${A_1:-x:-y}"),
                    Part::Literal("b"),
                ],
            ),
            ("$${A:-x}", vec![escaped("A", "${A:-x}")]),
            ("$$${A}", vec![Part::Literal("$"), escaped("A", "${A}")]),
            (
                "$${A#x}",
                vec![
                    Part::Literal("$"),
                    Part::Literal("${"),
                    Part::Literal("A#x}"),
                ],
            ),
            ("$$", vec![Part::Literal("$$")]),
            ("${", vec![Part::Literal("${")]),
            (
                "${1A} ${A",
                vec![
                    Part::Literal("${"),
                    Part::Literal("1A} "),
                    Part::Literal("${"),
                    Part::Literal("A"),
                ],
            ),
            (
                "${A#x} ${B}",
                vec![
                    Part::Literal("${"),
                    Part::Literal("A#x} "),
                    variable("B", None, "${B}"),
                ],
            ),
            ("${A:-}", vec![variable("A", Some(""), "${A:-}")]),
        ] {
            assert_eq!(parts(text), expected, "{text}");
        }
    }

    #[test]
    fn the_member_says_what_a_value_is() {
        use serde_json::json;
        for (value, ty, expected) in [
            (json!("2"), Some(Type::Integer), json!(2)),
            (json!("x"), Some(Type::Integer), json!("x")),
            (json!("true"), Some(Type::Boolean), json!(true)),
            (json!(8080), Some(Type::String), json!("8080")),
            (json!(true), Some(Type::String), json!("true")),
            (json!(2), None, json!(2)),
            (json!("2"), None, json!("2")),
        ] {
            let node = Node {
                place: Place::default(),
                data: typed(value, ty),
            };
            assert_eq!(node.to_value(), expected);
        }
    }
}

//! Checks a spec against the catalogue, member by member, and collects its references. Not the rules
//! that join several members (`rules`).
//!
//! Invariants:
//! - Every finding of a spec is reported, not the first alone.
//! - Keys of free-form maps are never judged.

use serde_json::Number;

use super::diagnostic::{Diagnostic, Findings};
use super::mask;
use super::nearest::suggestion;
use super::path::Path;
use super::reference::{self, Row};
use super::tree::{Data, Entry, Node, Place};
use crate::catalogue::{self, Field, Type};
use crate::model::{Key, Kind};

/// A reference as it was found.
#[derive(Clone, Debug)]
pub(super) struct Link {
    /// What it stands for.
    pub(super) row: &'static Row,
    /// JSON pointer in the spec.
    pub(super) pointer: String,
    /// Path for people.
    pub(super) path: String,
    /// Where it stands.
    pub(super) place: Place,
    /// What it names.
    pub(super) target: Key,
}

/// Checks the spec of a manifest of this kind.
pub(super) fn check(
    kind: Kind,
    spec: &Node,
    allow_unknown: bool,
    findings: &mut Findings<'_>,
) -> Vec<Link> {
    let mut walk = Walk {
        kind,
        allow_unknown,
        findings,
        path: Path::default(),
        links: Vec::new(),
    };
    walk.structure(spec, catalogue::root(kind), spec.place);
    walk.links
}

struct Walk<'a, 'f> {
    kind: Kind,
    allow_unknown: bool,
    findings: &'a mut Findings<'f>,
    path: Path,
    links: Vec<Link>,
}

impl Walk<'_, '_> {
    fn error(&mut self, code: &'static str, place: Place, message: String) -> &mut Diagnostic {
        self.findings.error(code, place, self.path.shown(), message)
    }

    /// A mistake that a newer AWS may have made right.
    fn unknown(&mut self, code: &'static str, place: Place, message: String) -> &mut Diagnostic {
        if self.allow_unknown {
            self.findings
                .warning(code, place, self.path.shown(), message)
        } else {
            self.findings.error(code, place, self.path.shown(), message)
        }
    }

    fn value(&mut self, node: &Node, field: &Field, key_place: Place) {
        match (field.ty, &node.data) {
            (Type::Structure, Data::Map(_)) => self.structure(node, field, key_place),
            (Type::List, Data::List(items)) => self.list(items, field, node.place),
            (Type::Map, Data::Map(entries)) => self.free_map(entries),
            (Type::String, Data::Text(text)) => self.text(text, field, node.place),
            (Type::Integer, Data::Number(number)) if number.is_i64() => {
                self.bounds(number, field, node.place);
            }
            (Type::Document, _)
            | (Type::Boolean, Data::Bool(_))
            | (Type::Double, Data::Number(_)) => {}
            _ => self.wrong_type(node, field.ty, key_place),
        }
    }

    fn structure(&mut self, node: &Node, field: &Field, key_place: Place) {
        let at = self.path.in_catalogue();
        for entry in node.entries() {
            self.path.push_member(&entry.key);
            if let Some(member) = field.member(&entry.key) {
                self.value(&entry.value, member, entry.key_place);
            } else if let Some(row) =
                reference::allowed(self.kind, &at).find(|row| row.member == entry.key)
            {
                self.reference(row, entry, node);
            } else {
                self.unknown_field(entry, field, &at);
            }
            self.path.pop();
        }
        for member in field.members().iter().filter(|member| member.required) {
            let referred = reference::allowed(self.kind, &at)
                .any(|row| row.aws == member.name && node.entry(row.member).is_some());
            if node.entry(member.name).is_none() && !referred {
                let place = if self.path.is_root() {
                    node.place
                } else {
                    key_place
                };
                let message = format!("`{}` is missing", member.name);
                let alternative =
                    reference::allowed(self.kind, &at).find(|row| row.aws == member.name);
                let found = self.error("missing-field", place, message);
                if let Some(row) = alternative {
                    found.hint(format!(
                        "Give `{}`, or `{}` to name a manifest.",
                        row.aws, row.member
                    ));
                }
            }
        }
    }

    fn list(&mut self, items: &[Node], field: &Field, place: Place) {
        self.length(items.len(), "items", field, place);
        if let Some(item) = field.item() {
            for (index, node) in items.iter().enumerate() {
                self.path.push_index(index);
                self.value(node, item, node.place);
                self.path.pop();
            }
        }
    }

    fn free_map(&mut self, entries: &[Entry]) {
        for entry in entries {
            if entry.value.as_text().is_none() {
                self.path.push_member(&entry.key);
                self.wrong_type(&entry.value, Type::String, entry.key_place);
                self.path.pop();
            }
        }
    }

    fn text(&mut self, text: &str, field: &Field, place: Place) {
        if !field.values.is_empty() && !field.values.contains(&text) {
            let message = format!("`{text}` is not one of {}", listed(&field.values));
            let hint = suggestion(text, field.values.iter().copied());
            let found = self.unknown("bad-value", place, message);
            if let Some(hint) = hint {
                found.hint(hint);
            }
        }
        self.length(text.chars().count(), "characters", field, place);
    }

    fn length(&mut self, length: usize, of: &str, field: &Field, place: Place) {
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        if let Some(bounds) = broken_bounds(length, field) {
            self.error(
                "out-of-range",
                place,
                format!("has {length} {of}; AWS takes {bounds}"),
            );
        }
    }

    fn bounds(&mut self, number: &Number, field: &Field, place: Place) {
        if let Some(bounds) = broken_bounds(number.as_i64().unwrap_or_default(), field) {
            self.error(
                "out-of-range",
                place,
                format!("{number} is out of range; AWS takes {bounds}"),
            );
        }
    }

    fn wrong_type(&mut self, node: &Node, expected: Type, key_place: Place) {
        if node.data == Data::Null {
            let message = "has no value".to_owned();
            self.error("empty-value", key_place, message)
                .hint("Give it a value, or remove the member.");
            return;
        }
        let message = format!("expected {}, found {}", noun(expected), node.what());
        let hint = match (expected, &node.data) {
            (Type::String, Data::Number(_) | Data::Bool(_)) if self.path.any(mask::is_secret) => {
                Some("Put the value in quotes.".to_owned())
            }
            (Type::String, Data::Number(number)) => {
                Some(format!("Put it in quotes: \"{number}\"."))
            }
            (Type::String, Data::Bool(flag)) => Some(format!("Put it in quotes: \"{flag}\".")),
            (Type::Integer | Type::Double | Type::Boolean, Data::Text(_)) => {
                Some(format!("Write {} without quotes.", noun(expected)))
            }
            (Type::List, _) => Some("Put `- ` before each element.".to_owned()),
            _ => None,
        };
        let found = self.error("wrong-type", node.place, message);
        found.hint = hint;
    }

    fn unknown_field(&mut self, entry: &Entry, field: &Field, at: &str) {
        let references = reference::allowed(self.kind, at).map(|row| row.member);
        let known: Vec<&str> = field
            .members()
            .iter()
            .map(|member| member.name)
            .chain(references)
            .collect();
        let hint = suggestion(&entry.key, known.iter().copied()).or_else(|| {
            let elsewhere = self.path_elsewhere(&entry.key);
            elsewhere
                .or_else(|| (known.len() <= 12).then(|| format!("Known here: {}.", listed(&known))))
        });
        let message = format!("unknown field `{}`", entry.key);
        let found = self.unknown("unknown-field", entry.key_place, message);
        found.hint = hint;
    }

    /// For a member that stands in the wrong manifest.
    fn path_elsewhere(&self, name: &str) -> Option<String> {
        let owner = Kind::ALL
            .into_iter()
            .find(|kind| *kind != self.kind && catalogue::root(*kind).member(name).is_some())?;
        Some(format!("`{name}` is a field of {owner}."))
    }

    fn reference(&mut self, row: &'static Row, entry: &Entry, structure: &Node) {
        let same = reference::allowed(self.kind, row.at)
            .filter(|other| other.aws == row.aws && other.member < row.member)
            .map(|other| other.member);
        let rival = std::iter::once(row.aws)
            .chain(same)
            .find_map(|member| Some((member, structure.entry(member)?)));
        if let Some((rival, other)) = rival {
            let place = if entry.key_place.start > other.key_place.start {
                entry
            } else {
                other
            }
            .key_place;
            let message = format!("`{rival}` and `{}` stand side by side", row.member);
            self.error("two-ways", place, message)
                .hint("Keep one of the two.");
        }
        match &entry.value.data {
            Data::Text(name) if !row.is_list() => self.link(row, name, entry.value.place),
            Data::List(names) if row.is_list() => {
                if names.is_empty() {
                    let message = "names no manifest".to_owned();
                    self.error("empty-value", entry.key_place, message);
                }
                for (index, name) in names.iter().enumerate() {
                    self.path.push_index(index);
                    match name.as_text() {
                        Some(text) => self.link(row, text, name.place),
                        None => self.wrong_type(name, Type::String, name.place),
                    }
                    self.path.pop();
                }
            }
            _ => {
                let expected = if row.is_list() {
                    Type::List
                } else {
                    Type::String
                };
                self.wrong_type(&entry.value, expected, entry.key_place);
            }
        }
    }

    /// Both `nova` and `Cluster/nova` name the manifest.
    fn link(&mut self, row: &'static Row, name: &str, place: Place) {
        let prefix = format!("{}/", row.target);
        self.links.push(Link {
            row,
            pointer: self.path.pointer(),
            path: self.path.shown(),
            place,
            target: Key::new(row.target, name.strip_prefix(&prefix).unwrap_or(name)),
        });
    }
}

/// The allowed range as words, if the value is out of it.
fn broken_bounds(value: i64, field: &Field) -> Option<String> {
    let broken =
        field.min.is_some_and(|min| value < min) || field.max.is_some_and(|max| value > max);
    broken.then(|| match (field.min, field.max) {
        (Some(min), Some(max)) => format!("{min} to {max}"),
        (Some(min), None) => format!("{min} or more"),
        (None, max) => format!("at most {}", max.unwrap_or_default()),
    })
}

fn noun(ty: Type) -> &'static str {
    match ty {
        Type::String => "a text",
        Type::Integer => "a whole number",
        Type::Double => "a number",
        Type::Boolean => "true or false",
        Type::Structure | Type::Map | Type::Document => "a map",
        Type::List => "a list",
    }
}

/// Names for a message: `a`, `b`, `c`.
pub(super) fn listed(names: &[&str]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Reports a key that is none of the known ones.
pub(super) fn unknown_key(entry: &Entry, known: &[&str], path: &str, findings: &mut Findings<'_>) {
    let path = if path.is_empty() {
        entry.key.clone()
    } else {
        format!("{path}.{}", entry.key)
    };
    let hint = suggestion(&entry.key, known.iter().copied())
        .unwrap_or_else(|| format!("Known here: {}.", listed(known)));
    let message = format!("unknown field `{}`", entry.key);
    findings
        .error("unknown-field", entry.key_place, path, message)
        .hint(hint);
}

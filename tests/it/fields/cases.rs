//! One case a path of the catalogue: a manifest that declares the member, and the same with another
//! value.

use evenkeel::catalogue::{self, Field};
use evenkeel::model::Kind;
use serde_json::{Value, json};

use super::document::{lay, put};
use super::{values, world};

/// One path.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) kind: Kind,
    /// As the catalogue spells it.
    pub(super) path: String,
    /// `metadata.name`.
    pub(super) name: String,
    /// The spec that declares the member.
    pub(super) before: Value,
    /// The spec with another value; `None` where there is only one, or the change is not tried.
    pub(super) after: Option<Value>,
}

impl Case {
    /// The manifest, as YAML takes it.
    pub(super) fn manifest(&self, spec: &Value) -> String {
        manifest(self.kind, &self.name, spec)
    }

    /// For a message.
    pub(super) fn label(&self) -> String {
        format!("{} {}", self.kind, self.path)
    }
}

/// A manifest as one YAML document.
pub(super) fn manifest(kind: Kind, name: &str, spec: &Value) -> String {
    let document = json!({"apiVersion": "evenkeel.dev/v1alpha1", "kind": kind.to_string(),
        "metadata": {"name": name}, "spec": spec});
    format!("---\n{document}\n")
}

/// Every path of a kind's document, in the catalogue's order.
pub(super) fn paths(kind: Kind) -> Vec<String> {
    let mut found = Vec::new();
    for member in catalogue::root(kind).members() {
        collect(member, member.name, &mut found);
    }
    found
}

fn collect(field: &Field, path: &str, found: &mut Vec<String>) {
    found.push(path.to_owned());
    let (mut field, mut path) = (field, path.to_owned());
    while let Some(item) = field.item() {
        path.push_str("[]");
        if item.item().is_some() {
            found.push(path.clone());
        }
        field = item;
    }
    for member in field.members() {
        collect(member, &format!("{path}.{}", member.name), found);
    }
}

/// The cases of a kind: all its paths but those that are listed as not applicable.
pub(super) fn of(kind: Kind) -> Vec<Case> {
    let all = paths(kind).into_iter().enumerate();
    all.filter(|(_, path)| values::is_tried(kind, path))
        .map(|(index, path)| {
            let name = format!("case-{index}");
            let before = spec(kind, &path, index, 0);
            let after = Some(spec(kind, &path, index, 1))
                .filter(|after| *after != before && values::is_changed(kind, &path));
            Case {
                kind,
                path,
                name,
                before,
                after,
            }
        })
        .collect()
}

pub(super) fn spec(kind: Kind, path: &str, index: usize, variant: usize) -> Value {
    let name = kind.to_string();
    let mut spec = world::base(kind, index);
    for patch in values::couplings(&name, path) {
        lay(&patch, &mut spec);
    }
    match values::documents(&name, path) {
        Some(documents) => lay(&documents[variant], &mut spec),
        None => put(&name, &mut spec, catalogue::root(kind), path, variant),
    }
    spec
}

//! Task definitions: families of numbered revisions, and the references that lead to them.
//!
//! Invariants: a revision never changes but for its status; a number is given out once per family,
//! whatever happens to the revision later.

mod attributes;
pub(crate) mod deregister;
pub(crate) mod describe;
mod fargate;
pub(crate) mod register;
mod shape;
mod validate;

use super::refuse::client;
use super::{AwsError, State, arn, input};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A family.
#[derive(Clone, Debug, Default)]
pub(crate) struct Family {
    /// The revisions by number.
    pub(crate) revisions: BTreeMap<u32, Definition>,
}

/// One revision, as `DescribeTaskDefinition` shows it.
#[derive(Clone, Debug)]
pub(crate) struct Definition {
    /// The document, status included.
    pub(crate) doc: Map<String, Value>,
}

impl Definition {
    /// The string member of this name, empty if absent.
    fn text(&self, member: &str) -> &str {
        self.doc
            .get(member)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// The ARN.
    pub(crate) fn arn(&self) -> &str {
        self.text("taskDefinitionArn")
    }

    /// The family.
    pub(crate) fn family(&self) -> &str {
        self.text("family")
    }

    /// `ACTIVE`, `INACTIVE` or `DELETE_IN_PROGRESS`.
    pub(crate) fn status(&self) -> &str {
        self.text("status")
    }

    /// The network mode, `bridge` where none was given.
    pub(crate) fn network_mode(&self) -> &str {
        Some(self.text("networkMode"))
            .filter(|mode| !mode.is_empty())
            .unwrap_or("bridge")
    }

    /// The containers.
    pub(crate) fn containers(&self) -> &[Value] {
        self.doc
            .get("containerDefinitions")
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    /// The container of this name.
    pub(crate) fn container(&self, name: &str) -> Option<&Value> {
        self.containers()
            .iter()
            .find(|it| input::text(it, "name") == Some(name))
    }

    /// Whether tasks may run on this launch type.
    pub(crate) fn fits(&self, launch_type: &str) -> bool {
        let fits = self.doc.get("compatibilities").and_then(Value::as_array);
        fits.is_some_and(|list| list.iter().any(|it| it == launch_type))
    }
}

impl State {
    /// The revision that a reference leads to: an ARN, `family:revision`, or a family for its latest
    /// ACTIVE revision.
    pub(crate) fn definition(&self, reference: &str) -> Option<&Definition> {
        let (family, revision) = split(reference);
        let revisions = &self.families.get(family)?.revisions;
        match revision {
            Some(revision) => revisions.get(&revision.parse().ok()?),
            None => revisions.values().rev().find(|it| it.status() == "ACTIVE"),
        }
    }

    /// The revision for a new use: it must exist and be ACTIVE. (AWS lets an INACTIVE revision
    /// through for up to ten minutes; the simulation does not, the earliest that AWS may refuse.)
    pub(crate) fn usable_definition(&self, reference: &str) -> Result<&Definition, AwsError> {
        let definition = self
            .definition(reference)
            .ok_or_else(|| client("TaskDefinition not found."))?;
        if definition.status() != "ACTIVE" {
            return Err(client("TaskDefinition is inactive"));
        }
        Ok(definition)
    }
}

/// Family and revision of a reference.
fn split(reference: &str) -> (&str, Option<&str>) {
    let name = if reference.starts_with("arn:") {
        arn::last(reference)
    } else {
        reference
    };
    match name.split_once(':') {
        Some((family, revision)) => (family, Some(revision)),
        None => (name, None),
    }
}

//! What was read of an account: resources by kind, each once, with the file that it goes to. Not
//! the reading (`read`).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::manifest::{is_manifest_name, name_member};
use crate::model::Kind;

/// One resource.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) kind: Kind,
    /// Its manifest's name.
    pub(super) name: String,
    /// Path of the file that it goes to.
    pub(super) file: String,
    /// The answer, shaped as a request.
    pub(super) request: Value,
    /// What goes beside the spec.
    pub(super) beside: Map<String, Value>,
    pub(super) annotations: Map<String, Value>,
    /// What the reader of the file should know.
    pub(super) comments: Vec<String>,
}

/// Everything that was read.
#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    found: Vec<Found>,
    /// Names taken, and names by what others refer to, by kind.
    names: BTreeMap<(Kind, String), String>,
}

impl Account {
    /// Whether a resource is there already.
    pub(super) fn has(&self, kind: Kind, known_as: &str) -> bool {
        self.name_of(kind, known_as).is_some()
    }

    /// The manifest's name of a resource that others know so.
    pub(super) fn name_of(&self, kind: Kind, known_as: &str) -> Option<&str> {
        let key = (kind, format!("={known_as}"));
        self.names.get(&key).map(String::as_str)
    }

    /// Adds a resource that others refer to by any of `known_as` (its ARN, its name); its manifest is
    /// named like `wanted`, as far as names allow.
    pub(super) fn add(
        &mut self,
        kind: Kind,
        known_as: &[&str],
        wanted: &str,
        file: &str,
        request: Value,
    ) -> &mut Found {
        let name = self.free_name(kind, wanted);
        self.names.insert((kind, name.clone()), name.clone());
        for known in known_as {
            self.names.insert((kind, format!("={known}")), name.clone());
        }
        self.found.push(Found {
            kind,
            name,
            file: file.to_owned(),
            request,
            beside: Map::new(),
            annotations: Map::new(),
            comments: Vec::new(),
        });
        let last = self.found.len() - 1;
        &mut self.found[last]
    }

    /// The resources, in the order in which they were found.
    pub(super) fn all(&self) -> &[Found] {
        &self.found
    }

    fn free_name(&self, kind: Kind, wanted: &str) -> String {
        let name: String = wanted
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || "-_.".contains(c) {
                    c
                } else {
                    '-'
                }
            })
            .collect();
        let name = name.trim_start_matches(['-', '_', '.']);
        let name = if is_manifest_name(name) {
            name
        } else {
            kind.as_str()
        };
        let taken = |name: &str| self.names.contains_key(&(kind, name.to_owned()));
        if !taken(name) {
            return name.to_owned();
        }
        let mut count = 2;
        while taken(&format!("{name}-{count}")) {
            count += 1;
        }
        format!("{name}-{count}")
    }
}

impl Found {
    /// The name that AWS knows it by, if its manifest has another one.
    pub(super) fn needs_name(&self) -> bool {
        let member = name_member(self.kind);
        !member.is_empty() && self.request[member].as_str() != Some(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_made_to_fit_and_unique() {
        let mut account = Account::default();
        let request = json!({"repositoryName": "nova/auth"});
        let one = account.add(
            Kind::ImageRepository,
            &["arn:1"],
            "nova/auth",
            "f",
            request.clone(),
        );
        assert_eq!(one.name, "nova-auth");
        assert!(one.needs_name());
        let other = account.add(Kind::ImageRepository, &["arn:2"], "nova-auth", "f", request);
        assert_eq!(other.name, "nova-auth-2");
        assert_eq!(
            account.name_of(Kind::ImageRepository, "arn:1"),
            Some("nova-auth")
        );
        assert!(!account.has(Kind::ImageRepository, "nova-auth"));
        assert!(!account.has(Kind::Cluster, "arn:1"));
    }
}

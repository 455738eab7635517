//! Systems Manager Parameter Store: parameters with versions, labels, paths and tags. Not the rest
//! of Systems Manager, no KMS (a `SecureString` is shown undecipherable unless decryption is asked
//! for), no parameter policies, and `AllowedPattern` is kept but not enforced.
//!
//! Invariant: a parameter has 1 to 100 versions, in order; a label stands on one version at most.

mod find;
mod labels;
mod list;
mod names;
mod operations;
mod put;
mod tags;

#[cfg(test)]
mod tests;

use super::{AwsError, Time, World, time::seconds};
pub use operations::operation;
pub(super) use put::put;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// What one operation does.
pub type Operation = fn(&mut World, &Value) -> Result<Value, AwsError>;

/// This service's state in one region.
#[derive(Debug, Default)]
pub struct State {
    parameters: BTreeMap<String, Parameter>,
}

/// A parameter.
#[derive(Clone, Debug)]
struct Parameter {
    name: String,
    /// `String`, `StringList` or `SecureString`.
    kind: String,
    /// Oldest first.
    versions: Vec<Version>,
    tags: BTreeMap<String, String>,
}

/// One version of a parameter.
#[derive(Clone, Debug)]
struct Version {
    number: u64,
    value: String,
    modified: Time,
    labels: BTreeSet<String>,
    /// `Standard` or `Advanced`.
    tier: String,
    description: Option<String>,
    allowed_pattern: Option<String>,
    key_id: Option<String>,
    data_type: String,
}

impl Parameter {
    fn newest(&self) -> Option<&Version> {
        self.versions.last()
    }

    fn arn(&self, region: &str) -> String {
        let slash = if self.name.starts_with('/') { "" } else { "/" };
        format!(
            "arn:aws:ssm:{region}:{}:parameter{slash}{}",
            super::ACCOUNT,
            self.name
        )
    }

    /// The value, or something that stands for its ciphertext.
    fn shown(&self, version: &Version, decrypt: bool) -> String {
        if self.kind != "SecureString" || decrypt {
            return version.value.clone();
        }
        let hash = Sha256::digest(format!("{}:{}", version.number, version.value).as_bytes());
        format!("AQICAH{}", hex::encode(hash))
    }

    /// A version as `GetParameter` and its kin return it.
    fn describe(&self, version: &Version, region: &str, decrypt: bool) -> Map<String, Value> {
        let mut out = Map::new();
        out.insert("Name".to_owned(), json!(self.name));
        out.insert("Type".to_owned(), json!(self.kind));
        out.insert("Value".to_owned(), json!(self.shown(version, decrypt)));
        out.insert("Version".to_owned(), json!(version.number));
        out.insert(
            "LastModifiedDate".to_owned(),
            json!(seconds(version.modified)),
        );
        out.insert("ARN".to_owned(), json!(self.arn(region)));
        out.insert("DataType".to_owned(), json!(version.data_type));
        out
    }

    /// A version's metadata, as `DescribeParameters` and `GetParameterHistory` return it.
    fn metadata(&self, version: &Version) -> Map<String, Value> {
        let mut out = Map::new();
        let mut put = |member: &str, value: Option<Value>| {
            if let Some(value) = value {
                out.insert(member.to_owned(), value);
            }
        };
        put("Name", Some(json!(self.name)));
        put("Type", Some(json!(self.kind)));
        put("KeyId", version.key_id.as_ref().map(|key| json!(key)));
        put("LastModifiedDate", Some(json!(seconds(version.modified))));
        let user = format!("arn:aws:iam::{}:root", super::ACCOUNT);
        put("LastModifiedUser", Some(json!(user)));
        put(
            "Description",
            version.description.as_ref().map(|text| json!(text)),
        );
        put(
            "AllowedPattern",
            version.allowed_pattern.as_ref().map(|text| json!(text)),
        );
        put("Version", Some(json!(version.number)));
        put("Tier", Some(json!(version.tier)));
        put("Policies", Some(json!([])));
        put("DataType", Some(json!(version.data_type)));
        out
    }
}

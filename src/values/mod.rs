//! Fetches what an Environment names: SSM parameters, Secrets Manager, `CloudFormation` outputs and
//! exports, Terraform state, the process's environment. I/O; it decides nothing but what is missing.
//!
//! What it is not: the reading of an Environment manifest and the putting in of its values
//! (`crate::manifest`), and no cache: it is asked at every read of the source, so that a rotated value is a
//! change like any other.
//!
//! Invariants:
//! - All values or none: one that is missing, without a default, fails the whole.
//! - A `SecureString`, a value of Secrets Manager and what Terraform calls sensitive are secrets,
//!   unless the Environment says otherwise. No error quotes a value.

mod secrets;
mod ssm;
mod stacks;
mod terraform;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::aws::{Aws, Fault};
use crate::manifest::{Environment, Fetched, Known, SourceFile, ValueFrom};

/// What was found at each place: nothing there, or a value.
type Found<'a> = BTreeMap<&'a ValueFrom, Option<Known>>;

/// Why a value is not to be had: where it should come from, what is wrong, and the cure.
type Why<'a> = (&'a ValueFrom, String);

/// How long (real time) all of it may take: the loop waits, and looks at nothing else meanwhile.
const DEADLINE: Duration = Duration::from_secs(20);

/// Why an environment's values are not to be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the value of `{variable}` ({}:{line}): {why}", .file)]
pub struct NoValue {
    /// The variable.
    pub variable: String,
    /// The Environment's file.
    pub file: String,
    /// The Environment's line.
    pub line: usize,
    /// What is wrong, and the cure.
    pub why: String,
}

/// Where a file that an Environment names beside itself is.
#[derive(Clone, Copy, Debug)]
pub enum Beside<'a> {
    /// In this folder, on the disk.
    Folder(&'a Path),
    /// Nowhere on a disk: its source gave it with the manifests.
    Read {
        /// What the paths of the source's files begin with.
        root: &'a Path,
        /// The Terraform states of all such sources.
        states: &'a [SourceFile],
    },
}

/// Fetches every value of an environment that does not stand in its manifest. `beside` is of its source.
///
/// # Errors
/// The first value, by its variable's name, that is not to be had.
pub async fn fetch(
    environment: &Environment,
    beside: Beside<'_>,
    aws: &Aws,
) -> Result<Fetched, NoValue> {
    let variables: Vec<_> = environment
        .variables
        .iter()
        .filter_map(|(name, variable)| Some((name, variable.as_ref()?)))
        .filter(|(_, variable)| !matches!(variable.from, ValueFrom::Literal(_)))
        .collect();
    let wanted: BTreeSet<&ValueFrom> = variables.iter().map(|(_, one)| &one.from).collect();
    let no_value = |variable: &str, why: String| NoValue {
        variable: variable.to_owned(),
        file: environment.origin.file.clone(),
        line: environment.origin.line,
        why,
    };
    let all = read_all(&wanted, Path::new(&environment.origin.file), beside, aws);
    let found = match tokio::time::timeout(DEADLINE, all).await {
        Ok(Ok(found)) => found,
        Ok(Err((from, why))) => {
            let name = variables.iter().find(|(_, one)| one.from == *from);
            return Err(no_value(name.map_or("", |(name, _)| name), why));
        }
        Err(_) => {
            let name = variables.first().map_or("", |(name, _)| name.as_str());
            let why = format!("fetching took longer than {} s", DEADLINE.as_secs());
            return Err(no_value(name, why));
        }
    };
    let mut fetched = Fetched::new();
    for (name, variable) in variables {
        let there = found.get(&variable.from).cloned().flatten();
        let default = || {
            Some(Known {
                value: variable.default.clone()?,
                secret: false,
            })
        };
        let Some(mut known) = there.or_else(default) else {
            let why = format!(
                "{} is not there, and it has no `default`",
                place(&variable.from)
            );
            return Err(no_value(name, why));
        };
        known.secret = variable.secret.unwrap_or(known.secret);
        fetched.insert(name.clone(), known);
    }
    Ok(fetched)
}

async fn read_all<'a>(
    wanted: &BTreeSet<&'a ValueFrom>,
    file: &Path,
    beside: Beside<'_>,
    aws: &Aws,
) -> Result<Found<'a>, Why<'a>> {
    let mut found = Found::new();
    for from in wanted.iter().copied() {
        if let ValueFrom::Process(name) = from {
            let value = std::env::var(name).ok().map(|text| plain(text.into()));
            found.insert(from, value);
        }
    }
    ssm::read(wanted, aws, &mut found).await?;
    secrets::read(wanted, aws, &mut found).await?;
    stacks::read(wanted, aws, &mut found).await?;
    terraform::read(wanted, file, beside, aws, &mut found).await?;
    Ok(found)
}

/// A value that is no secret.
fn plain(value: Value) -> Known {
    Known {
        value,
        secret: false,
    }
}

/// A refusal of AWS as a reason.
fn refused<'a>(from: &'a ValueFrom, fault: &Fault) -> Why<'a> {
    (from, format!("{} cannot be read: {fault}", place(from)))
}

/// Where a value comes from, for a person.
fn place(from: &ValueFrom) -> String {
    match from {
        ValueFrom::Literal(_) => "the Environment".to_owned(),
        ValueFrom::Process(name) => format!("the process's variable {name}"),
        ValueFrom::Parameter(name) => format!("SSM parameter {name}"),
        ValueFrom::Secret { id, key: None } | ValueFrom::SecretArn(id) => format!("secret {id}"),
        ValueFrom::Secret { id, key: Some(key) } => format!("member {key} of secret {id}"),
        ValueFrom::StackOutput { stack, output } => format!("output {output} of stack {stack}"),
        ValueFrom::Export(name) => format!("CloudFormation export {name}"),
        ValueFrom::Terraform { state, what } => format!("{what} of Terraform state {state}"),
    }
}

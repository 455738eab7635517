//! The sweep: all pages under the path, between two looks at the generation. I/O.

use std::time::Duration;

use serde_json::{Value, json};

use super::SsmAddress;
use super::files::{Parameter, PartsError, files};
use crate::aws::{Aws, Class, Fault};
use crate::model::{Call, Service};
use crate::source::dir::{MAX_FILES, Snapshot, revision};

/// The most parameters in a page (service model, `GetParametersByPathMaxResults`).
const PAGE: usize = 10;

/// The most pages: what [`MAX_FILES`] takes, and as many that are empty.
const MOST_PAGES: usize = 2 * MAX_FILES / PAGE;

/// How long (real time) a sweep may take. 10,000 parameters at the 40 calls a second that an account
/// has are 25 s (reliability-and-scale, the table of sweeps).
const DEADLINE: Duration = Duration::from_mins(1);

/// Manifests in the Parameter Store.
#[derive(Debug)]
pub(super) struct Sweeper {
    address: SsmAddress,
    /// The generation of the last whole sweep, and what it gave.
    last: Option<(i64, Snapshot)>,
}

/// Why the parameters could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum SsmError {
    /// There is no AWS to ask.
    #[error("{0}")]
    NoAws(String),
    /// AWS said no.
    #[error("{0}")]
    Fault(Fault),
    /// Nothing is there.
    #[error(
        "there is no manifest under {0}{1}; an empty source is not taken for an empty desired state"
    )]
    Empty(String, String),
    /// A `SecureString` where none was declared.
    #[error(
        "{0} is a SecureString, which a manifest is not: name secrets in a container's `secrets`, or \
         declare with `decrypt=true` that manifests here are encrypted"
    )]
    Secure(String),
    /// The generation parameter is not there.
    #[error("the generation parameter {0} is not there; the one who writes manifests sets it last")]
    NoGeneration(String),
    /// Somebody wrote while it was read.
    #[error("{0} changed while the manifests were read; they are read again at the next poll")]
    Moving(String),
    /// The parts do not fit.
    #[error("under {0}: {1}")]
    Parts(String, PartsError),
    /// More than can be meant.
    #[error("under {0} there are more than {MAX_FILES} parameters")]
    TooMany(String),
    /// The answer is not one of SSM's.
    #[error("SSM's answer has no `{0}`")]
    Answer(&'static str),
    /// It took too long.
    #[error("reading the parameters under {0} took longer than {s} s", s = DEADLINE.as_secs())]
    Slow(String),
}

impl Sweeper {
    /// A source that has not been read yet.
    pub(super) fn new(address: SsmAddress) -> Self {
        Self {
            address,
            last: None,
        }
    }

    /// The generation of what was read last, if the address names its parameter.
    pub(super) fn generation(&self) -> Option<i64> {
        self.last.as_ref().map(|(generation, _)| *generation)
    }

    /// Its address.
    pub(super) fn address(&self) -> &SsmAddress {
        &self.address
    }

    /// Reads everything; with a generation parameter that has not moved, that alone.
    ///
    /// # Errors
    /// If what is there could not be read whole.
    pub(super) async fn read(&mut self, aws: &Aws) -> Result<Snapshot, SsmError> {
        match tokio::time::timeout(DEADLINE, self.read_in_time(aws)).await {
            Ok(read) => read,
            Err(_) => Err(SsmError::Slow(self.address.path.clone())),
        }
    }

    async fn read_in_time(&mut self, aws: &Aws) -> Result<Snapshot, SsmError> {
        let before = self.ask_generation(aws).await?;
        if let (Some(before), Some((last, snapshot))) = (before, &self.last)
            && before == *last
        {
            return Ok(snapshot.clone());
        }
        let parameters = self.sweep(aws).await?;
        if !parameters.iter().any(Parameter::is_of_a_manifest) {
            return Err(self.empty());
        }
        if self.ask_generation(aws).await? != before {
            let name = self.address.generation.clone().unwrap_or_default();
            return Err(SsmError::Moving(name));
        }
        let files = files(&parameters, &self.address.prefix())
            .map_err(|error| SsmError::Parts(self.address.path.clone(), error))?;
        let snapshot = Snapshot {
            revision: revision(&files),
            files,
        };
        self.last = before.map(|generation| (generation, snapshot.clone()));
        Ok(snapshot)
    }

    /// The version of the generation parameter; `None` if the address names none.
    async fn ask_generation(&self, aws: &Aws) -> Result<Option<i64>, SsmError> {
        let Some(name) = self.address.generation() else {
            return Ok(None);
        };
        // The value is not used, so it need not be decrypted.
        match ask(aws, "GetParameter", json!({ "Name": name })).await {
            Ok(answer) => match answer.pointer("/Parameter/Version").and_then(Value::as_i64) {
                Some(version) => Ok(Some(version)),
                None => Err(SsmError::Answer("Parameter.Version")),
            },
            Err(fault) if fault.class == Class::NotFound => Err(SsmError::NoGeneration(name)),
            Err(fault) => Err(SsmError::Fault(fault)),
        }
    }

    /// Every parameter under the path. A page may be empty and not the last (aws-facts 6).
    async fn sweep(&self, aws: &Aws) -> Result<Vec<Parameter>, SsmError> {
        let mut input = json!({
            "Path": self.address.path,
            "Recursive": true,
            "WithDecryption": self.address.decrypt,
            "MaxResults": PAGE,
        });
        if let Some(label) = &self.address.label {
            input["ParameterFilters"] =
                json!([{"Key": "Label", "Option": "Equals", "Values": [label]}]);
        }
        let mut found = Vec::new();
        for _ in 0..MOST_PAGES {
            let answer = ask(aws, "GetParametersByPath", input.clone())
                .await
                .map_err(SsmError::Fault)?;
            let page = answer.get("Parameters").and_then(Value::as_array);
            for one in page.ok_or(SsmError::Answer("Parameters"))? {
                found.extend(self.parameter(one)?);
            }
            match answer.get("NextToken").and_then(Value::as_str) {
                Some(token) if !token.is_empty() => input["NextToken"] = json!(token),
                _ => return Ok(found),
            }
            if found.len() > MAX_FILES {
                break;
            }
        }
        Err(SsmError::TooMany(self.address.path.clone()))
    }

    fn empty(&self) -> SsmError {
        let label = self.address.label.as_ref();
        let label = label.map(|label| format!(" with the label {label}"));
        SsmError::Empty(self.address.path.clone(), label.unwrap_or_default())
    }

    /// One parameter of a page; `None` for the generation parameter, which is no manifest.
    fn parameter(&self, one: &Value) -> Result<Option<Parameter>, SsmError> {
        let text = |member| one.get(member).and_then(Value::as_str);
        let full = text("Name").ok_or(SsmError::Answer("Name"))?;
        if self.address.generation.as_deref() == Some(full) {
            return Ok(None);
        }
        let name = self
            .address
            .below(full)
            .ok_or(SsmError::Answer("Name under the path"))?;
        if text("Type") == Some("SecureString") && !self.address.decrypt {
            return Err(SsmError::Secure(full.to_owned()));
        }
        Ok(Some(Parameter {
            name: name.to_owned(),
            value: text("Value").ok_or(SsmError::Answer("Value"))?.to_owned(),
        }))
    }
}

async fn ask(aws: &Aws, operation: &'static str, input: Value) -> Result<Value, Fault> {
    aws.call(&Call {
        service: Service::Ssm,
        operation,
        input,
    })
    .await
}

//! The chosen environment at the edge: which one, that the credentials are of its account, what
//! its values are now, and what the Jsonnet files evaluate to with them.
//!
//! What it is: the I/O between reading the files ([`crate::source`]) and loading them
//! ([`crate::manifest::load_in`]), which is pure and is given the values. What it is not: the reading
//! of an Environment manifest, the merging of overlays and the putting in of values
//! (`crate::manifest`).
//!
//! # The design
//!
//! One folder of manifests serves every environment:
//!
//! ```text
//! manifests/
//!   environments.yaml            kind: Environment, one document for each
//!   auth.yaml, billing.yaml      the base: what all of them share, with ${NAME} in it
//!   overlays/staging/auth.yaml   merged over the base's manifest of that kind and name
//! ```
//!
//! - **Kustomize without its files.** Base, overlay and strategic merge are kustomize's; the list of
//!   resources, the list of patches and the generators are not here: a file is in by being there, and a
//!   patch finds its target by kind and name. The one thing to write down is the Environment, and it
//!   says what kustomize cannot: account, region and role.
//! - **Overlays by folder, not by a list of patches in the Environment**: a patch is a manifest, so it
//!   is read, checked and named in findings as one, in its own file with its own line.
//! - **Values go into parsed scalars**, never into text: they cannot break or add structure, the member
//!   says whether a number or a text is meant, and every place stays right.
//! - **Only declared names are replaced**, and a name is declared if any Environment declares it: a
//!   shell's `${HOME}` reaches the container, and a name that one environment forgot is an error.
//!   `${NAME:-text}` gives a default, `$${NAME}` of a declared name stands for `${NAME}`.
//! - **Secrets** (see [`crate::values`]) go only where differences hide what stands, whatever it is; so
//!   the value that was live before a rotation is hidden as well as the new one.
//!
//! # The wrong account
//!
//! is an error of the source, not a blocked resource: it is about the whole set, it is known before
//! any resource is looked at, and what a look into another account finds ("nothing is there, create
//! everything") would be a lie. Nothing is read or written; the daemon says so at every poll until it
//! is right, `sync` and `plan` end with exit code 1. It is asked at every read of the source, so that
//! credentials that change under a running daemon stop it too.
//!
//! Invariants:
//! - A failed fetch is an error of the source: what was last in force stays in force.
//! - Region and role are fixed at the start; a manifest that changes them asks for a restart.

use std::path::{Path, PathBuf};

use crate::aws::{Aws, Connection, Fault};
use crate::jsonnet::{Answers, evaluate_all};
use crate::manifest::{
    Environment, Fetched, LoadOptions, Loaded, Scope, SourceFile, environments, jsonnet, load_in,
};
use crate::source::{Eagerness, Sources};
use crate::values::{Beside, NoValue, fetch};

/// Why nothing can be loaded for the environment.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// It is not there, has a mistake, or none was chosen.
    #[error("{0}")]
    NotChosen(String),
    /// STS did not say whose credentials these are.
    #[error(
        "Environment `{environment}` is for account {account}, and whose credentials these are cannot \
         be told: {fault}"
    )]
    Unproven {
        /// The environment's name.
        environment: String,
        /// Its account.
        account: String,
        /// What STS said.
        fault: Fault,
    },
    /// The credentials are of another account.
    #[error(
        "Environment `{environment}` is for account {account}, and the credentials are of account \
         {actual}; nothing is written. Use credentials of {account}, give the Environment a \
         `roleArn` there, or choose another with --environment"
    )]
    WrongAccount {
        /// The environment's name.
        environment: String,
        /// Its account.
        account: String,
        /// The account of the credentials.
        actual: String,
    },
    /// The manifest now says another region or role than the one that is in use.
    #[error(
        "Environment `{0}` has another region or role than at the start; restart evenkeel to use them"
    )]
    Moved(String),
    /// A value is not to be had.
    #[error("Environment `{0}`: {1}")]
    NoValue(String, NoValue),
}

/// Which environment was chosen, and what it fixed at the start.
#[derive(Clone, Debug, Default)]
pub struct Chosen {
    name: Option<String>,
    roots: Vec<PathBuf>,
    /// The roots of sources that are no folders.
    remote: Vec<PathBuf>,
    region: Option<String>,
    role: Option<String>,
    /// The source could not be read at the start, so that nothing was fixed.
    unread: bool,
}

impl Chosen {
    /// The environment of this name in the sources. Without a name, sources that cannot be read are
    /// nobody's fault yet: the loop says so and tries again.
    ///
    /// # Errors
    /// If it is not there, if there are some and none is named, or if one is named and the source
    /// cannot be read.
    pub async fn new(name: Option<String>, sources: &Sources) -> Result<Self, String> {
        let roots = sources.roots();
        let remote = sources.remote_roots();
        let snapshot = match sources.read(Eagerness::Due).await {
            Ok(snapshot) => snapshot,
            Err(error) if name.is_some() => return Err(error.to_string()),
            Err(_) => {
                return Ok(Self {
                    roots,
                    remote,
                    unread: true,
                    ..Self::default()
                });
            }
        };
        let found = environments(&snapshot.files);
        let chosen = found.select(name.as_deref())?;
        Ok(Self {
            region: chosen.and_then(|one| one.region.clone()),
            role: chosen.and_then(|one| one.role_arn.clone()),
            name,
            roots,
            remote,
            unread: false,
        })
    }

    /// The environment's name, if one was chosen.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The region that the environment fixes.
    pub fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    /// How to connect to its AWS.
    pub fn connection(&self, instance: &str) -> Connection {
        if self.region.is_none() && self.role.is_none() {
            return Connection::Environment;
        }
        Connection::Fixed {
            region: self.region.clone(),
            role: self.role.clone(),
            session: session_name(instance),
        }
    }

    /// What to load for, as far as it is known without AWS.
    pub fn offline(&self) -> Scope {
        Scope {
            environment: self.name.clone(),
            roots: self.roots.clone(),
            fetched: None,
        }
    }

    /// What to load for: the environment with its values, after the account was proven. `states` are the
    /// Terraform states of sources that are no folders.
    ///
    /// # Errors
    /// An [`EnvironmentError`]; nothing may be written then that was not in force before.
    pub async fn scope(
        &self,
        files: &[SourceFile],
        states: &[SourceFile],
        aws: &Aws,
    ) -> Result<Scope, EnvironmentError> {
        let found = environments(files);
        let chosen = found
            .select(self.name.as_deref())
            .map_err(EnvironmentError::NotChosen)?;
        let Some(environment) = chosen else {
            return Ok(Scope {
                fetched: Some(Fetched::new()),
                ..self.offline()
            });
        };
        let moved = environment.region != self.region || environment.role_arn != self.role;
        if moved && !self.unread {
            return Err(EnvironmentError::Moved(environment.name.clone()));
        }
        prove_account(environment, aws).await?;
        // A file that the manifest names beside itself is of its own source.
        let file = Path::new(&environment.origin.file);
        let root = self.roots.iter().find(|root| file.starts_with(root));
        let root = root.map_or(Path::new(""), PathBuf::as_path);
        let beside = if self.remote.iter().any(|remote| remote == root) {
            Beside::Read { root, states }
        } else {
            Beside::Folder(root)
        };
        Ok(Scope {
            fetched: Some(
                fetch(environment, beside, aws)
                    .await
                    .map_err(|error| EnvironmentError::NoValue(environment.name.clone(), error))?,
            ),
            ..self.offline()
        })
    }
}

/// Loads the files for a scope, those in Jsonnet included: they are evaluated first, in a process of their
/// own. Blocks until that is done ([`crate::jsonnet::TOTAL_TIME`] at most).
pub fn load(files: &[SourceFile], options: &LoadOptions, scope: &Scope) -> Loaded {
    load_in(files, options, scope, &evaluated(files, scope))
}

/// What came of the files in Jsonnet. Blocks as [`load`] does.
pub fn evaluated(files: &[SourceFile], scope: &Scope) -> Answers {
    jsonnet(files, scope).map(evaluate_all).unwrap_or_default()
}

/// What STS takes as a session's name: 2 to 64 of `[\w+=,.@-]` (service model, `roleSessionNameType`).
fn session_name(instance: &str) -> String {
    let name = format!("evenkeel-{instance}");
    name.chars()
        .map(|one| {
            let fits = one.is_ascii_alphanumeric() || "_+=,.@-".contains(one);
            if fits { one } else { '-' }
        })
        .take(64)
        .collect()
}

async fn prove_account(environment: &Environment, aws: &Aws) -> Result<(), EnvironmentError> {
    let Some(account) = &environment.account else {
        return Ok(());
    };
    let name = || environment.name.clone();
    let actual = aws
        .caller()
        .await
        .map_err(|fault| EnvironmentError::Unproven {
            environment: name(),
            account: account.clone(),
            fault,
        })?;
    if actual == *account {
        return Ok(());
    }
    Err(EnvironmentError::WrongAccount {
        environment: name(),
        account: account.clone(),
        actual,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_has_a_name_that_sts_takes() {
        assert_eq!(session_name("prod eu/1"), "evenkeel-prod-eu-1");
        assert_eq!(session_name(&"x".repeat(100)).len(), 64);
    }
}

//! Manifests from live services: each service with everything that it uses.
//!
//! What it is: [`import`], which reads and gives files. What it is not: it writes neither AWS nor the
//! disk.
//!
//! The flow: `read` (I/O) fills a `found::Account`; `shape` turns each answer into the request that
//! would make the resource; `write` keeps what a request takes, leaves out the defaults of
//! `defaults`, and puts references in the place of ARNs.
//!
//! Invariants:
//! - A plan over the written folder has no steps (`tests/it/import`).
//! - Nothing that is left out is left out silently.

mod defaults;
mod elb;
mod found;
mod images;
mod read;
mod scaling;
pub(crate) mod secrets;
mod shape;
mod write;

pub(crate) use defaults::read_only;

use crate::aws::{Aws, Observer};
use crate::clock::Clock;
use crate::manifest::text_of_documents;

/// What to import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The cluster's name.
    pub cluster: String,
    /// Names of services; empty for all of the cluster.
    pub services: Vec<String>,
    /// `CodeDeploy` application and deployment group of the one service, where they are not named as
    /// ECS's console names them.
    pub group: Option<(String, String)>,
}

/// The files of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Path below the folder, and text.
    pub files: Vec<(String, String)>,
    /// What could not be carried over, or needs a look.
    pub notes: Vec<String>,
}

/// Reads services and everything that they use, and gives them as manifests.
///
/// # Errors
/// If something cannot be read, or a service is not there.
pub async fn import(aws: &Aws, clock: &Clock, wanted: &Wanted) -> Result<Imported, String> {
    let account = aws
        .account()
        .await
        .map_err(|fault| format!("no AWS to import from: {fault}"))?;
    let observer = Observer::new(aws.clone(), clock.clone());
    let mut reader = read::Reader::new(&observer, clock.now(), account);
    reader.all(wanted).await?;
    let (files, mut notes) = write::manifests(&reader.account);
    notes.splice(0..0, std::mem::take(&mut reader.notes));
    let balancers = files
        .keys()
        .filter(|path| path.starts_with(elb::FOLDER))
        .count();
    let mut imported = Imported {
        files: Vec::new(),
        notes,
    };
    for (path, documents) in files {
        let path = if balancers == 1 && path.starts_with(elb::FOLDER) {
            "load-balancer.yaml".to_owned()
        } else {
            path
        };
        imported.files.push((path, text_of_documents(&documents)?));
    }
    Ok(imported)
}

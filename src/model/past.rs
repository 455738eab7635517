//! A rollout as AWS remembers it.

use super::Moment;

/// One deployment of a service, ended or not.
#[derive(Clone, Debug, PartialEq)]
pub struct PastRollout {
    /// The deployment's id at AWS.
    pub id: String,
    /// AWS's word for where it stands or how it ended: `Succeeded`, `ROLLBACK_SUCCESSFUL`, ...
    pub status: String,
    /// When it was asked for.
    pub created: Option<Moment>,
    /// When it ended.
    pub ended: Option<Moment>,
    /// Who started it, where AWS keeps that: `evenkeel`, or AWS's word (`user`, `codeDeployRollback`).
    pub by: Option<String>,
    /// The task definition's family and revision, where AWS keeps that.
    pub revision: Option<String>,
    /// The commit that caused it, where AWS keeps that.
    pub commit: Option<String>,
    /// Why it ended badly; empty if it did not.
    pub why: String,
}

//! AWS `CodeDeploy` for the compute platform ECS: applications, deployment groups and configurations,
//! and the engine that carries a service from one task set to the next.
//!
//! What it is not: `CodeDeploy` for EC2 or Lambda. Applications of those platforms can be made and
//! read, groups and deployments of them are refused by name. It moves no traffic itself: it writes
//! listener weights through `elb` and task sets through `ecs`.
//!
//! Invariants:
//! - A deployment group has at most one deployment that has not ended; the wait before the original
//!   task set is terminated counts.
//! - A deployment keeps the settings its group had when it was created.
//! - Every deployment id is in `order`; those that have not ended are also in `active`, so a tick
//!   with nothing to do costs one comparison.
//! - The text of an `AppSpec` leaves only through `GetApplicationRevision`.
//!
//! Error texts marked "worded here" in the code are ours; AWS's wording of them is not published.

mod applications;
mod appspec;
#[cfg(test)]
mod bench;
mod configs;
mod deployments;
mod engine;
mod events;
mod groups;
mod hooks;
mod input;
mod paging;
mod revisions;
mod routing;
mod tags;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{AwsError, World};

pub use engine::tick;

/// `CodeDeploy` in one region.
#[derive(Debug)]
pub struct State {
    applications: BTreeMap<String, applications::Application>,
    /// Custom deployment configurations by name; the predefined ones are a table.
    configs: BTreeMap<String, configs::Custom>,
    deployments: BTreeMap<String, deployments::Deployment>,
    /// Deployment ids in the order of creation.
    order: Vec<String>,
    /// The deployments that have not ended.
    active: BTreeSet<String>,
    /// Tags by resource ARN.
    tags: BTreeMap<String, BTreeMap<String, String>>,
    /// How long the replacement task set may take to become steady before the deployment fails.
    /// AWS's is 60 minutes and cannot be changed; a shorter one saves simulated time.
    pub install_timeout_seconds: u32,
}

impl State {
    /// ARN and tags of every application and group that has any.
    pub(super) fn tagged(&self) -> impl Iterator<Item = (String, &BTreeMap<String, String>)> {
        self.tags.iter().map(|(arn, tags)| (arn.clone(), tags))
    }
}

impl Default for State {
    fn default() -> Self {
        Self {
            applications: BTreeMap::new(),
            configs: BTreeMap::new(),
            deployments: BTreeMap::new(),
            order: Vec::new(),
            active: BTreeSet::new(),
            tags: BTreeMap::new(),
            install_timeout_seconds: 3600,
        }
    }
}

/// What one operation does.
pub type Operation = fn(&mut World, &Value) -> Result<Value, AwsError>;

/// The operation of this name, and whether it changes anything.
pub fn operation(name: &str) -> Option<(Operation, bool)> {
    Some(match name {
        "CreateApplication" => (applications::create, true),
        "GetApplication" => (applications::get, false),
        "ListApplications" => (applications::list, false),
        "BatchGetApplications" => (applications::batch_get, false),
        "UpdateApplication" => (applications::update, true),
        "DeleteApplication" => (applications::delete, true),
        "RegisterApplicationRevision" => (revisions::register, true),
        "GetApplicationRevision" => (revisions::get, false),
        "ListApplicationRevisions" => (revisions::list, false),
        "CreateDeploymentConfig" => (configs::create, true),
        "GetDeploymentConfig" => (configs::get, false),
        "ListDeploymentConfigs" => (configs::list, false),
        "DeleteDeploymentConfig" => (configs::delete, true),
        "CreateDeploymentGroup" => (groups::create, true),
        "UpdateDeploymentGroup" => (groups::update, true),
        "GetDeploymentGroup" => (groups::get, false),
        "BatchGetDeploymentGroups" => (groups::batch_get, false),
        "ListDeploymentGroups" => (groups::list, false),
        "DeleteDeploymentGroup" => (groups::delete, true),
        "CreateDeployment" => (deployments::create, true),
        "GetDeployment" => (deployments::get, false),
        "BatchGetDeployments" => (deployments::batch_get, false),
        "ListDeployments" => (deployments::list, false),
        "StopDeployment" => (deployments::stop, true),
        "ContinueDeployment" => (deployments::resume, true),
        "GetDeploymentTarget" => (deployments::get_target, false),
        "BatchGetDeploymentTargets" => (deployments::batch_get_targets, false),
        "ListDeploymentTargets" => (deployments::list_targets, false),
        "PutLifecycleEventHookExecutionStatus" => (hooks::put_status, true),
        "TagResource" => (tags::tag, true),
        "UntagResource" => (tags::untag, true),
        "ListTagsForResource" => (tags::list, false),
        _ => return None,
    })
}

//! Deployments: the record of one, and the operations on them. Not their course (see `engine`).
//!
//! Invariant: `status` ends exactly when `stage` does, and `completed` is set from then on.

mod control;
mod create;
mod describe;
mod list;
mod targets;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use super::super::{AwsError, Time, World};
use super::appspec::AppSpec;
use super::events::Event;
use super::groups::Settings;
use super::revisions::Location;
use super::routing::Routing;

pub(super) use control::{resume, stop};
pub(super) use create::{Opening, create, open};
pub(super) use describe::{batch_get, get};
pub(super) use list::list;
pub(super) use targets::{batch_get_targets, get_target, list_targets};

/// The status of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Created,
    Queued,
    InProgress,
    /// Waits for somebody to continue it.
    Ready,
    Succeeded,
    Failed,
    Stopped,
}

impl Status {
    /// Every status that `ListDeployments` takes as a filter; `Baking` never occurs here.
    pub(super) const NAMES: [&'static str; 8] = [
        "Created",
        "Queued",
        "InProgress",
        "Baking",
        "Succeeded",
        "Failed",
        "Stopped",
        "Ready",
    ];

    /// The name on the wire.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Created => "Created",
            Self::Queued => "Queued",
            Self::InProgress => "InProgress",
            Self::Ready => "Ready",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Stopped => "Stopped",
        }
    }

    /// Whether the deployment has ended.
    pub(super) fn ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Stopped)
    }
}

/// Where the engine is in a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Not started.
    Waiting,
    /// In the lifecycle event of this index.
    Event(usize),
    /// Before the event of this index, until somebody continues or this time comes.
    ReadyWait { next: usize, until: Time },
    /// Traffic has moved; the original task set lives until this time.
    TerminationWait { until: Time },
    /// A task set is being deleted; the deployment succeeds when it is gone.
    Terminating,
    /// Ended.
    Over,
}

/// Why a deployment ended: `errorInformation`.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    /// One of the model's `ErrorCode`s.
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Failure {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

/// How a deployment stands to the one that it rolls back, or that rolls it back.
#[derive(Clone, Debug, Default)]
pub(super) struct Rollback {
    /// The deployment that rolls this one back.
    pub(super) by: Option<String>,
    /// The deployment that this one rolls back.
    pub(super) of: Option<String>,
    pub(super) message: Option<String>,
}

/// What `StopDeployment` asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct StopRequest {
    /// `autoRollbackEnabled`; None leaves it to the group.
    pub(super) rollback: Option<bool>,
}

/// A task set as last seen.
#[derive(Clone, Debug)]
pub(super) struct TaskSet {
    pub(super) id: String,
    pub(super) target_group: String,
    pub(super) status: String,
    pub(super) desired: u32,
    pub(super) pending: u32,
    pub(super) running: u32,
    /// Percent of the production traffic.
    pub(super) traffic: f64,
}

/// A deployment.
#[derive(Clone, Debug)]
pub(super) struct Deployment {
    pub(super) id: String,
    pub(super) application: String,
    pub(super) group: String,
    pub(super) config: String,
    pub(super) routing: Routing,
    pub(super) status: Status,
    pub(super) stage: Stage,
    pub(super) created: Time,
    pub(super) started: Option<Time>,
    pub(super) completed: Option<Time>,
    pub(super) description: Option<String>,
    /// `user` or `codeDeployRollback`.
    pub(super) creator: &'static str,
    pub(super) error: Option<Failure>,
    pub(super) revision: Location,
    pub(super) spec: AppSpec,
    pub(super) previous: Option<Location>,
    pub(super) rollback: Rollback,
    pub(super) settings: Settings,
    /// Members that are read back as the group or the request had them.
    pub(super) echo: Map<String, Value>,
    /// A stop was asked for.
    pub(super) stop: Option<StopRequest>,
    pub(super) events: Vec<Event>,
    /// The target groups' ARNs: the original task set's, then the replacement's.
    pub(super) pair: Option<[String; 2]>,
    pub(super) blue: Option<TaskSet>,
    pub(super) green: Option<TaskSet>,
    /// Production traffic was routed by this deployment.
    pub(super) traffic_moved: bool,
    /// The percentage that was routed to the replacement last.
    pub(super) share: u32,
    /// Test traffic was routed by this deployment.
    pub(super) test_moved: bool,
    pub(super) termination_wait_started: bool,
}

impl Deployment {
    /// The id of its one target, `<cluster>:<service>`.
    pub(super) fn target_id(&self) -> String {
        format!("{}:{}", self.settings.cluster, self.settings.service)
    }
}

/// The deployment of this id, or the refusal that says it is not there.
pub(super) fn find<'a>(world: &'a World, id: &str) -> Result<&'a Deployment, AwsError> {
    world.codedeploy.deployments.get(id).ok_or_else(|| {
        let text = format!("The deployment {id} could not be found");
        AwsError::new("DeploymentDoesNotExistException", text)
    })
}

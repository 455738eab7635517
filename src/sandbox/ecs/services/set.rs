//! One task set: some tasks of one specification. A deployment of the ECS controller is a task set
//! with a rollout; a task set of the API is one with a scale.

use super::super::Time;
use serde_json::{Map, Value};

/// The role of a set in its service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SetStatus {
    /// It serves, or is to serve.
    Primary,
    /// It runs beside PRIMARY.
    Active,
    /// It is deleted and its tasks are stopping.
    Draining,
}

impl SetStatus {
    /// The wire form.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Primary => "PRIMARY",
            Self::Active => "ACTIVE",
            Self::Draining => "DRAINING",
        }
    }
}

/// How a rolling deployment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rollout {
    /// Tasks are being replaced.
    InProgress,
    /// All tasks run this specification.
    Completed,
    /// The circuit breaker gave up.
    Failed,
}

impl Rollout {
    /// The wire form.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
        }
    }
}

/// One task set.
#[derive(Clone, Debug)]
pub(crate) struct TaskSet {
    /// `ecs-svc/` and digits.
    pub(crate) id: String,
    /// Its ARN.
    pub(crate) arn: String,
    /// Its role.
    pub(crate) status: SetStatus,
    /// The members of `super::SPEC` that it runs.
    pub(crate) spec: Map<String, Value>,
    /// The ARN of the service revision that it deploys; empty for a task set of the API.
    pub(crate) revision: String,
    /// How many tasks it should run now.
    pub(crate) desired: u32,
    /// When it was created.
    pub(crate) created_at: Time,
    /// When it last changed.
    pub(crate) updated_at: Time,
    /// Since when `stable` has been as it is.
    pub(crate) stable_at: Time,
    /// Whether it runs what it should, all of it ready.
    pub(crate) stable: bool,
    /// Tasks that failed since one was last ready.
    pub(crate) failed_in_a_row: u32,
    /// Tasks that failed, ever.
    pub(crate) failed: u32,
    /// Why the last failed task stopped.
    pub(crate) last_stop_reason: Option<String>,
    /// No task is launched before this time: the throttle after repeated failures.
    pub(crate) launch_after: Time,
    /// How a rolling deployment stands.
    pub(crate) rollout: Rollout,
    /// `rolloutStateReason`.
    pub(crate) rollout_reason: String,
    /// Percent of the service's desired count; of no meaning to a rolling deployment.
    pub(crate) scale: f64,
    /// `startedBy`, if something other than the service started it.
    pub(crate) started_by: Option<String>,
    /// `externalId`.
    pub(crate) external_id: Option<String>,
}

impl TaskSet {
    /// A string of the specification, empty if absent.
    pub(crate) fn text(&self, member: &str) -> &str {
        self.spec
            .get(member)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// A list of the specification.
    pub(crate) fn list(&self, member: &str) -> &[Value] {
        self.spec
            .get(member)
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    /// The ARN of the first target group, empty if there is none.
    pub(crate) fn target_group(&self) -> &str {
        let first = self.list("loadBalancers").first();
        first
            .and_then(|it| it.get("targetGroupArn"))
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

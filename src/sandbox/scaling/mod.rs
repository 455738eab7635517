//! Application Auto Scaling of the simulated AWS, for ECS services: scalable targets, scaling
//! policies, activities and tags. Not a scaler: no metric is watched and no alarm rings, so nothing
//! scales by itself. `scale` does what a policy would, when somebody says so. No scheduled actions
//! and no forecasts; other namespaces than `ecs` are refused.
//!
//! Sources: the service model and its documentation; messages as users have quoted them, and where
//! none is known, in words of our own under AWS's code.
//!
//! Invariants:
//! - A policy belongs to a target that is registered, and goes with it.
//! - `MinCapacity` is never above `MaxCapacity`; whoever registers brings the service between them.

mod activities;
mod check;
mod configuration;
mod operations;
mod policies;
mod step;
mod tags;
mod targets;

#[cfg(test)]
mod tests;

use super::{ACCOUNT, AwsError, Time, World, ecs, elb, input, time::seconds};
pub(super) use activities::scale;
pub use operations::operation;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What one operation does.
pub type Operation = fn(&mut World, &Value) -> Result<Value, AwsError>;

/// The one namespace.
const NAMESPACE: &str = "ecs";

/// Its one dimension.
const DIMENSION: &str = "ecs:service:DesiredCount";

/// This service's state in one region.
#[derive(Debug, Default)]
pub struct State {
    /// Targets by resource id.
    targets: BTreeMap<String, Target>,
    /// Policies by resource id and name.
    policies: BTreeMap<(String, String), Policy>,
    /// What was scaled, newest first.
    activities: Vec<Value>,
}

impl State {
    /// ARN and tags of every target.
    pub(super) fn tagged(&self) -> impl Iterator<Item = (String, &BTreeMap<String, String>)> {
        let all = self.targets.values();
        all.map(|target| (target.arn.clone(), &target.tags))
    }
}

/// A scalable target.
#[derive(Clone, Debug)]
struct Target {
    arn: String,
    min: i64,
    max: i64,
    suspended: Suspended,
    created: Time,
    tags: BTreeMap<String, String>,
}

/// What is suspended of a target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Suspended {
    scale_in: bool,
    scale_out: bool,
    scheduled: bool,
}

/// A scaling policy.
#[derive(Clone, Debug)]
struct Policy {
    arn: String,
    kind: String,
    /// The member that holds the configuration of this type, and what it holds.
    configuration: (&'static str, Value),
    alarms: Vec<Value>,
    created: Time,
}

/// The identity of a target as every operation is given it.
#[derive(Clone, Debug)]
struct Identity {
    id: String,
    cluster: String,
    service: String,
}

/// A service as far as scaling looks at it.
#[derive(Clone, Debug)]
struct Scaled {
    active: bool,
    daemon: bool,
    count: i64,
}

/// The refusal of a request that AWS calls wrong.
fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new("ValidationException", message)
}

/// What ECS says of the service, by its own API.
fn service(world: &mut World, identity: &Identity) -> Option<Scaled> {
    let (describe, _) = ecs::operation("DescribeServices")?;
    let request = json!({"cluster": identity.cluster, "services": [identity.service]});
    let answer = describe(world, &request).ok()?;
    let found = answer.pointer("/services/0")?;
    Some(Scaled {
        active: found["status"] == "ACTIVE",
        daemon: found["schedulingStrategy"] == "DAEMON",
        count: found["desiredCount"].as_i64()?,
    })
}

/// Sets the service's count as Application Auto Scaling does: by `UpdateService`.
fn set_count(world: &mut World, identity: &Identity, count: i64) -> Result<(), AwsError> {
    let Some((update, _)) = ecs::operation("UpdateService") else {
        return Ok(());
    };
    let request = json!({"cluster": identity.cluster, "service": identity.service,
        "desiredCount": count});
    update(world, &request).map(|_| ())
}

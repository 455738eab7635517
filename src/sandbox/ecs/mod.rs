//! Amazon ECS of the simulated AWS: clusters, task definitions, services, tasks and the scheduler.
//!
//! What it is not: it starts no container; what a task's containers do is told by
//! `super::behaviour`. Container instances and Service Connect's proxies are not simulated: tasks
//! that need an instance stay unplaced, as they do in a cluster without instances.
//!
//! Invariants:
//! - A service runs the task sets in its list and nothing else. A *deployment* of the ECS controller
//!   is such a set with a rollout; a *task set* of `CODE_DEPLOY` and `EXTERNAL` is one with a scale.
//! - Every target registered with a load balancer belongs to a task that is `RUNNING`.
//! - A settled service costs nothing per second, so days can be skipped.

mod arn;
mod clusters;
mod deployments;
mod events;
mod order;
mod page;
mod refuse;
mod scheduler;
mod services;
mod tags;
mod task_definitions;
pub mod task_sets;
mod tasks;
#[cfg(test)]
mod testing;

use super::{ACCOUNT, AwsError, Time, World, behaviour, commands, ecr, elb, input};
use serde_json::Value;
use std::collections::BTreeMap;

/// This service's state in one region.
#[derive(Debug, Default)]
pub struct State {
    /// Clusters by name, the deleted ones included.
    clusters: BTreeMap<String, clusters::Cluster>,
    /// Task definitions by family.
    families: BTreeMap<String, task_definitions::Family>,
    /// Services by cluster name and service name, the deleted ones included.
    services: BTreeMap<(String, String), services::Service>,
    /// The tasks of `RunTask`, by id. The tasks of a service are in the service.
    tasks: BTreeMap<String, tasks::Task>,
    /// The client tokens of `RunTask`, by cluster name and token.
    run_tokens: BTreeMap<(String, String), tasks::tokens::Token>,
    /// The tags of every resource, by ARN.
    tags: tags::Tags,
    /// How many network interfaces were given an address.
    addresses: u32,
}

impl State {
    /// ARN and tags of every resource that has any, the deleted ones included while they are remembered.
    pub(super) fn tagged(&self) -> impl Iterator<Item = (String, &BTreeMap<String, String>)> {
        self.tags.iter().map(|(arn, tags)| (arn.clone(), tags))
    }
}

/// What one operation does.
pub type Operation = fn(&mut World, &Value) -> Result<Value, AwsError>;

/// The operation of this name, and whether it changes anything.
pub fn operation(name: &str) -> Option<(Operation, bool)> {
    let reading: Option<Operation> = match name {
        "DescribeCapacityProviders" => Some(clusters::capacity_providers::describe),
        "DescribeClusters" => Some(clusters::describe::describe),
        "DescribeServiceDeployments" => Some(deployments::history::describe),
        "DescribeServiceRevisions" => Some(deployments::revisions::describe),
        "DescribeServices" => Some(services::describe::describe),
        "DescribeTaskDefinition" => Some(task_definitions::describe::describe),
        "DescribeTaskSets" => Some(task_sets::operations::describe),
        "DescribeTasks" => Some(tasks::describe::describe),
        "ListAccountSettings" => Some(clusters::account_settings),
        "ListClusters" => Some(clusters::describe::list),
        "ListServiceDeployments" => Some(deployments::history::list),
        "ListServices" => Some(services::describe::list),
        "ListTagsForResource" => Some(tags::list),
        "ListTaskDefinitionFamilies" => Some(task_definitions::describe::families),
        "ListTaskDefinitions" => Some(task_definitions::describe::list),
        "ListTasks" => Some(tasks::describe::list),
        _ => None,
    };
    if let Some(operation) = reading {
        return Some((operation, false));
    }
    let writing: Operation = match name {
        "ContinueServiceDeployment" => deployments::native::control::resume,
        "CreateCluster" => clusters::create,
        "CreateService" => services::create::create,
        "CreateTaskSet" => task_sets::operations::create,
        "DeleteCluster" => clusters::delete,
        "DeleteService" => services::delete::delete,
        "DeleteTaskDefinitions" => task_definitions::deregister::delete,
        "DeleteTaskSet" => task_sets::operations::delete,
        "DeregisterTaskDefinition" => task_definitions::deregister::deregister,
        "PutClusterCapacityProviders" => clusters::capacity_providers::put,
        "RegisterTaskDefinition" => task_definitions::register::register,
        "RunTask" => tasks::run::run,
        "StopServiceDeployment" => deployments::history::stop,
        "StopTask" => tasks::run::stop,
        "TagResource" => tags::tag,
        "UntagResource" => tags::untag,
        "UpdateCluster" => clusters::update,
        "UpdateClusterSettings" => clusters::update_settings,
        "UpdateService" => services::update::update,
        "UpdateServicePrimaryTaskSet" => task_sets::operations::update_primary,
        "UpdateTaskSet" => task_sets::operations::update,
        _ => return None,
    };
    Some((writing, true))
}

/// Advances the scheduler to `world.now`.
pub fn tick(world: &mut World) {
    scheduler::tick(world);
}

/// A point in time as awsJson writes it: seconds since the epoch.
#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds since 1970 fit in 53 bits"
)]
fn stamp(time: Time) -> Value {
    Value::from(time as f64 / 1000.0)
}

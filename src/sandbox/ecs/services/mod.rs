//! Services: the stored service and its task sets. Not what moves them (see `scheduler`).
//!
//! Invariants: an ACTIVE service has exactly one PRIMARY set (an `EXTERNAL` one may have none); what
//! the service shows as its task definition, network and load balancers is what PRIMARY runs.

mod check;
mod controller;
pub(crate) mod create;
mod defaults;
pub(crate) mod delete;
pub(crate) mod describe;
mod network;
pub(crate) mod set;
mod targets;
pub(crate) mod update;
pub(crate) mod view;

pub(crate) use set::{Rollout, SetStatus, TaskSet};
pub(crate) use targets::check as targets_check;

use super::deployments::history::ServiceDeployment;
use super::deployments::revisions::Revision;
use super::events::Events;
use super::refuse::{missing, service_not_active, service_not_found};
use super::tasks::{Phase, Task};
use super::{AwsError, State, Time, arn, input};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The members of a service that a task set takes with it: a change of one of them is a change of
/// what runs.
pub(crate) const SPEC: [&str; 13] = [
    "taskDefinition",
    "launchType",
    "capacityProviderStrategy",
    "platformVersion",
    "platformFamily",
    "networkConfiguration",
    "loadBalancers",
    "serviceRegistries",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
    "gatewayConnectors",
    "monitoring",
];

/// What deploys a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Controller {
    /// Rolling deployments by ECS.
    Ecs,
    /// Blue/green by `CodeDeploy`.
    CodeDeploy,
    /// Task sets by whoever calls the API.
    External,
}

impl Controller {
    /// The wire form.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ecs => "ECS",
            Self::CodeDeploy => "CODE_DEPLOY",
            Self::External => "EXTERNAL",
        }
    }
}

/// Where a service is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServiceStatus {
    /// In use.
    Active,
    /// Deleted, its tasks stopping.
    Draining,
    /// Deleted; describable, its name free.
    Inactive,
}

/// One service.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    /// The name of its cluster.
    pub(crate) cluster: String,
    /// Its name.
    pub(crate) name: String,
    /// Its ARN.
    pub(crate) arn: String,
    /// Where it is in its life.
    pub(crate) status: ServiceStatus,
    /// What deploys it.
    pub(crate) controller: Controller,
    /// How many tasks it should run.
    pub(crate) desired: u32,
    /// The stored members with their defaults, `SPEC` included.
    pub(crate) doc: Map<String, Value>,
    /// Its deployments or task sets, newest first.
    pub(crate) sets: Vec<TaskSet>,
    /// Its tasks in the order of their creation; stopped ones for an hour.
    pub(crate) tasks: Vec<Task>,
    /// Its events.
    pub(crate) events: Events,
    /// When it was created.
    pub(crate) created_at: Time,
    /// The request that made it, without `clientToken`: a repeat is answered, not refused.
    pub(crate) request: Value,
    /// The token of the request that made it.
    pub(crate) client_token: Option<String>,
    /// Its service deployments, newest first. Rolling deployments only.
    pub(crate) history: Vec<ServiceDeployment>,
    /// Its revisions, newest first.
    pub(crate) revisions: Vec<Revision>,
    /// The rollouts that were told of as events, by set.
    pub(crate) told: BTreeMap<String, Rollout>,
    /// Whether nothing is in transition.
    pub(crate) settled: bool,
    /// When the scheduler last looked at it.
    pub(crate) looked_at: Time,
}

/// How many tasks of a set are in which state. Tasks that are stopping do not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// `PROVISIONING` and `PENDING`.
    pub(crate) pending: u32,
    /// `RUNNING`.
    pub(crate) running: u32,
    /// `RUNNING` and healthy wherever health is known.
    pub(crate) ready: u32,
}

impl Counts {
    /// Pending and running together.
    pub(crate) fn alive(self) -> u32 {
        self.pending + self.running
    }
}

impl Service {
    /// The set of this id.
    pub(crate) fn set(&self, id: &str) -> Option<&TaskSet> {
        self.sets.iter().find(|it| it.id == id)
    }

    /// The set of this id, to change it.
    pub(crate) fn set_mut(&mut self, id: &str) -> Option<&mut TaskSet> {
        self.sets.iter_mut().find(|it| it.id == id)
    }

    /// The PRIMARY set.
    pub(crate) fn primary(&self) -> Option<&TaskSet> {
        self.sets.iter().find(|it| it.status == SetStatus::Primary)
    }

    /// The tasks of a set that are wanted to run.
    pub(crate) fn live(&self, set: &str) -> impl Iterator<Item = &Task> {
        self.tasks
            .iter()
            .filter(move |it| it.set == set && !it.is_stopping())
    }

    /// The counts of a set.
    pub(crate) fn counts(&self, set: &str) -> Counts {
        let mut counts = Counts::default();
        for task in self.live(set) {
            if task.phase == Phase::Running {
                counts.running += 1;
                counts.ready += u32::from(task.ready);
            } else {
                counts.pending += 1;
            }
        }
        counts
    }

    /// The counts of all sets together.
    pub(crate) fn total(&self) -> Counts {
        self.sets.iter().fold(Counts::default(), |sum, set| {
            let counts = self.counts(&set.id);
            Counts {
                pending: sum.pending + counts.pending,
                running: sum.running + counts.running,
                ready: sum.ready + counts.ready,
            }
        })
    }

    /// The parts of the service that a set takes with it.
    pub(crate) fn spec(&self) -> Map<String, Value> {
        let parts = self
            .doc
            .iter()
            .filter(|(member, _)| SPEC.contains(&member.as_str()));
        parts
            .map(|(member, value)| (member.clone(), value.clone()))
            .collect()
    }

    /// The service takes over what a set runs.
    pub(crate) fn follow(&mut self, spec: &Map<String, Value>) {
        self.doc
            .retain(|member, _| !SPEC.contains(&member.as_str()));
        self.doc.extend(
            spec.iter()
                .map(|(member, value)| (member.clone(), value.clone())),
        );
    }

    /// Records an event of the whole service.
    pub(crate) fn event(&mut self, now: Time, message: &str) {
        self.events
            .record(now, format!("(service {}) {message}", self.name));
    }

    /// Records an event of one set, which AWS names unless the controller is ECS.
    pub(crate) fn set_event(&mut self, now: Time, set: &str, message: &str) {
        let text = match self.controller {
            Controller::Ecs => format!("(service {}) {message}", self.name),
            _ => format!("(service {}, taskSet {set}) {message}", self.name),
        };
        self.events.record(now, text);
    }
}

impl State {
    /// The service of these names, whatever its status.
    pub(crate) fn service(&self, cluster: &str, name: &str) -> Option<&Service> {
        self.services.get(&(cluster.to_owned(), name.to_owned()))
    }

    /// The service of these names, to change it.
    pub(crate) fn service_mut(&mut self, cluster: &str, name: &str) -> Option<&mut Service> {
        self.services
            .get_mut(&(cluster.to_owned(), name.to_owned()))
    }

    /// The key of the ACTIVE service that a request's `cluster` and `service` lead to.
    pub(crate) fn active_service(&self, request: &Value) -> Result<(String, String), AwsError> {
        let cluster = self.active_cluster(request)?;
        let reference = input::filled(request, "service").ok_or_else(|| missing("service"))?;
        let name = arn::inside("service", reference, cluster)?;
        let service = self.service(cluster, name).ok_or_else(service_not_found)?;
        if service.status != ServiceStatus::Active {
            return Err(service_not_active());
        }
        Ok((cluster.to_owned(), name.to_owned()))
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;

//! A service as the API shows it.
//!
//! Service Connect, volumes and VPC Lattice are shown on the deployment, gateway connectors and monitoring
//! on the service revision; none of them on the service.

use super::super::tasks::launch::concrete;
use super::super::{World, arn, order, stamp, tags, task_sets};
use super::{Controller, Service, ServiceStatus, TaskSet};
use serde_json::{Map, Value, json};

/// Members that stand on a deployment only.
const DEPLOYMENT_ONLY: [&str; 3] = [
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
];

/// Members that stand on a service revision only (service model: `Service` and `Deployment` lack them).
const REVISION_ONLY: [&str; 2] = ["gatewayConnectors", "monitoring"];

/// The service, with its tags if they are wanted.
pub(crate) fn view(world: &World, service: &Service, with_tags: bool) -> Value {
    let mut view = Map::new();
    let mut put = |member: &str, value: Value| view.insert(member.to_owned(), value);
    let total = service.total();
    put("serviceArn", service.arn.clone().into());
    put("serviceName", service.name.clone().into());
    put(
        "clusterArn",
        arn::of(&world.region, &format!("cluster/{}", service.cluster)).into(),
    );
    put("status", status(service.status).into());
    put("desiredCount", service.desired.into());
    put("runningCount", total.running.into());
    put("pendingCount", total.pending.into());
    for (member, value) in &service.doc {
        let elsewhere = DEPLOYMENT_ONLY.iter().chain(&REVISION_ONLY);
        if !elsewhere.clone().any(|other| other == member) {
            put(member, value.clone());
        }
    }
    let sets = service.sets.iter();
    if service.controller == Controller::Ecs {
        put(
            "deployments",
            sets.map(|set| deployment(service, set)).collect(),
        );
        if let Some(current) = service.history.first() {
            if !current.is_over() {
                put("currentServiceDeployment", current.arn.clone().into());
            }
            put("currentServiceRevisions", revisions(service));
        }
    } else {
        // A service with task sets has no deployments, so the waiter ServicesStable never ends.
        put("deployments", json!([]));
        put(
            "taskSets",
            sets.map(|set| task_sets::operations::view(world, service, set))
                .collect(),
        );
    }
    put("events", service.events.view(order::hash(&service.arn)));
    put("createdAt", stamp(service.created_at));
    put(
        "createdBy",
        format!("arn:aws:iam::{}:root", super::super::ACCOUNT).into(),
    );
    if with_tags {
        put("tags", tags::view(&world.ecs, &service.arn));
    }
    Value::Object(view)
}

/// The wire form of a status.
fn status(status: ServiceStatus) -> &'static str {
    match status {
        ServiceStatus::Active => "ACTIVE",
        ServiceStatus::Draining => "DRAINING",
        ServiceStatus::Inactive => "INACTIVE",
    }
}

/// A set as a member of `deployments`.
fn deployment(service: &Service, set: &TaskSet) -> Value {
    let counts = service.counts(&set.id);
    let mut view = Map::new();
    let mut put = |member: &str, value: Value| view.insert(member.to_owned(), value);
    put("id", set.id.clone().into());
    put("status", set.status.name().into());
    put("taskDefinition", set.text("taskDefinition").into());
    put("desiredCount", set.desired.into());
    put("pendingCount", counts.pending.into());
    put("runningCount", counts.running.into());
    put("failedTasks", set.failed.into());
    put("createdAt", stamp(set.created_at));
    put("updatedAt", stamp(set.updated_at));
    put("rolloutState", set.rollout.name().into());
    put("rolloutStateReason", set.rollout_reason.clone().into());
    for member in [
        "launchType",
        "capacityProviderStrategy",
        "platformFamily",
        "networkConfiguration",
    ]
    .iter()
    .chain(&DEPLOYMENT_ONLY)
    {
        if let Some(value) = set.spec.get(*member) {
            put(member, value.clone());
        }
    }
    if let Some(version) = set.spec.get("platformVersion").and_then(Value::as_str) {
        // The service says LATEST where its deployment says what that was.
        put("platformVersion", concrete(Some(version)).into());
    }
    Value::Object(view)
}

/// `currentServiceRevisions`: what the sets run, the newest last. AWS promises no order, and whoever takes the
/// first for the newest shall be noticed here.
fn revisions(service: &Service) -> Value {
    let of = |set: &TaskSet| {
        let counts = service.counts(&set.id);
        json!({
            "arn": set.revision,
            "requestedTaskCount": set.desired,
            "runningTaskCount": counts.running,
            "pendingTaskCount": counts.pending,
        })
    };
    let mut sets: Vec<&TaskSet> = service.sets.iter().collect();
    sets.sort_by_key(|set| set.created_at);
    sets.into_iter()
        .filter(|set| !set.revision.is_empty())
        .map(of)
        .collect()
}

//! Task sets: what `CodeDeploy` does to a service, and the API for `EXTERNAL` services in
//! `operations`. Not the deployment that decides on it.
//!
//! Invariants: a service has at most one PRIMARY set, and shows as its own what PRIMARY runs. All
//! `cluster` arguments take a name or an ARN.

pub(crate) mod operations;

use super::deployments::new_set;
use super::services::{Controller, Service, ServiceStatus, SetStatus, targets_check};
use super::{AwsError, World, arn};
use serde_json::{Map, Value, json};

/// Task sets beside each other before AWS refuses another.
const MOST: usize = 5;

/// The replacement task set that `CodeDeploy` wants.
#[derive(Clone, Debug)]
pub struct GreenSpec {
    /// ARN, `family:revision` or family of the task definition.
    pub task_definition: String,
    /// The ARN of the target group that the tasks register with.
    pub target_group_arn: String,
    /// The container behind the target group.
    pub container_name: String,
    /// Its port.
    pub container_port: u16,
    /// `networkConfiguration` as the ECS API spells it; none for that of the service.
    pub network_configuration: Option<Value>,
    /// The platform version; none for that of the service.
    pub platform_version: Option<String>,
    /// `capacityProviderStrategy` as the ECS API spells it; none for what the service has.
    pub capacity_provider_strategy: Option<Value>,
    /// The id of the `CodeDeploy` deployment.
    pub external_id: String,
}

/// What `CodeDeploy` sees of a task set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskSetView {
    /// `ecs-svc/` and digits.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// `PRIMARY`, `ACTIVE` or `DRAINING`.
    pub status: String,
    /// The ARN of its task definition.
    pub task_definition: String,
    /// The ARN of its target group, empty if it has none.
    pub target_group_arn: String,
    /// How many tasks it should run.
    pub desired: u32,
    /// Tasks that are not yet `RUNNING`.
    pub pending: u32,
    /// Tasks that are `RUNNING`.
    pub running: u32,
    /// Whether it runs what it should, all of it healthy (or not behind a listener).
    pub steady: bool,
    /// How many of its tasks failed so far.
    pub stopped_tasks: u32,
    /// Why the last of them stopped.
    pub last_stop_reason: Option<String>,
}

/// The first task set of a new `CODE_DEPLOY` service.
pub(crate) fn first(world: &mut World, service: &mut Service) {
    let mut set = new_set(world, service, service.spec(), SetStatus::Primary);
    set.desired = service.desired;
    service.sets.push(set);
}

/// The ACTIVE service of these names.
fn active<'a>(world: &'a World, cluster: &str, service: &str) -> Option<&'a Service> {
    let service = world
        .ecs
        .service(arn::cluster(Some(cluster)), arn::last(service))?;
    (service.status == ServiceStatus::Active).then_some(service)
}

/// The ACTIVE service of these names, to change it.
fn active_mut<'a>(
    world: &'a mut World,
    cluster: &str,
    service: &str,
) -> Result<&'a mut Service, String> {
    let found = world
        .ecs
        .service_mut(arn::cluster(Some(cluster)), arn::last(service));
    let found = found.filter(|it| it.status == ServiceStatus::Active);
    let found = found.ok_or_else(|| format!("The ECS service {service} does not exist."))?;
    found.settled = false;
    Ok(found)
}

/// `ECS`, `CODE_DEPLOY` or `EXTERNAL`; none if there is no ACTIVE service of these names.
pub fn service_controller(world: &World, cluster: &str, service: &str) -> Option<String> {
    active(world, cluster, service).map(|it| it.controller.name().to_owned())
}

/// Makes the replacement task set: ACTIVE, as many tasks as the service wants, started by
/// `CodeDeploy`. Returns its id, or why ECS refuses it.
pub fn create(
    world: &mut World,
    cluster: &str,
    service: &str,
    spec: GreenSpec,
) -> Result<String, String> {
    let found = active(world, cluster, service)
        .ok_or_else(|| format!("The ECS service {service} does not exist."))?;
    if found.controller != Controller::CodeDeploy {
        return Err(format!(
            "The deployment controller of the ECS service {service} is {}, not CODE_DEPLOY.",
            found.controller.name()
        ));
    }
    let found = found.clone();
    let parts = green(world, &found, &spec).map_err(|error| error.message)?;
    let mut set = new_set(world, &found, parts, SetStatus::Active);
    set.desired = found.desired;
    set.started_by = Some("CODE_DEPLOY".to_owned());
    set.external_id = Some(spec.external_id);
    let id = set.id.clone();
    let service = active_mut(world, cluster, service)?;
    service.sets.push(set);
    Ok(id)
}

/// The specification of the replacement: the service's own, with what `CodeDeploy` changes, checked.
fn green(
    world: &World,
    service: &Service,
    spec: &GreenSpec,
) -> Result<Map<String, Value>, AwsError> {
    if service.sets.len() >= MOST {
        return Err(super::refuse::invalid(
            "5 active task sets exist, unable to create new task set.",
        ));
    }
    let mut wanted = service.spec();
    wanted.insert(
        "taskDefinition".to_owned(),
        spec.task_definition.clone().into(),
    );
    if let Some(network) = &spec.network_configuration {
        wanted.insert("networkConfiguration".to_owned(), network.clone());
    }
    if let Some(version) = &spec.platform_version {
        wanted.insert("platformVersion".to_owned(), version.clone().into());
    }
    if let Some(strategy) = &spec.capacity_provider_strategy {
        wanted.shift_remove("launchType");
        wanted.insert("capacityProviderStrategy".to_owned(), strategy.clone());
    }
    let balancers = json!([{
        "targetGroupArn": spec.target_group_arn,
        "containerName": spec.container_name,
        "containerPort": spec.container_port,
    }]);
    wanted.insert("loadBalancers".to_owned(), balancers.clone());
    let request = Value::Object(wanted.clone());
    let placed = super::services::create::placement(
        world,
        &service.cluster,
        &request,
        &spec.task_definition,
    )?;
    wanted.extend(placed);
    let definition = world.ecs.usable_definition(&spec.task_definition)?;
    let balancers = balancers.as_array().map_or(&[][..], Vec::as_slice);
    targets_check(world, definition, balancers, Controller::CodeDeploy, false)?;
    Ok(wanted)
}

/// The PRIMARY task set of an ACTIVE service.
pub fn primary(world: &World, cluster: &str, service: &str) -> Option<TaskSetView> {
    let service = active(world, cluster, service)?;
    let id = service.primary()?.id.clone();
    view_of(service, &id)
}

/// The task set of this id.
pub fn view(world: &World, cluster: &str, service: &str, id: &str) -> Option<TaskSetView> {
    view_of(active(world, cluster, service)?, id)
}

/// What `CodeDeploy` sees of the set of this id.
fn view_of(service: &Service, id: &str) -> Option<TaskSetView> {
    let set = service.set(id)?;
    let counts = service.counts(id);
    Some(TaskSetView {
        id: set.id.clone(),
        arn: set.arn.clone(),
        status: set.status.name().to_owned(),
        task_definition: set.text("taskDefinition").to_owned(),
        target_group_arn: set.target_group().to_owned(),
        desired: set.desired,
        pending: counts.pending,
        running: counts.running,
        steady: set.stable && counts.ready == set.desired,
        stopped_tasks: set.failed,
        last_stop_reason: set.last_stop_reason.clone(),
    })
}

/// Makes a task set PRIMARY and the old PRIMARY ACTIVE; the service follows the new one.
pub fn promote(world: &mut World, cluster: &str, service: &str, id: &str) -> Result<(), String> {
    let now = world.now;
    let service = active_mut(world, cluster, service)?;
    let set = service
        .set(id)
        .ok_or_else(|| format!("The task set {id} does not exist."))?;
    if set.status == SetStatus::Draining {
        return Err(format!("The task set {id} is draining."));
    }
    let spec = set.spec.clone();
    for set in &mut service.sets {
        let status = match set.status {
            _ if set.id == id => SetStatus::Primary,
            SetStatus::Primary => SetStatus::Active,
            other => other,
        };
        if status != set.status {
            set.status = status;
            set.updated_at = now;
        }
    }
    service.follow(&spec);
    // Newest role first, as DescribeServices shows them.
    service
        .sets
        .sort_by_key(|set| set.status != SetStatus::Primary);
    Ok(())
}

/// Deletes a task set: DRAINING while its tasks stop and their targets deregister, then gone.
pub fn delete(world: &mut World, cluster: &str, service: &str, id: &str) -> Result<(), String> {
    let now = world.now;
    let service = active_mut(world, cluster, service)?;
    let set = service
        .set_mut(id)
        .ok_or_else(|| format!("The task set {id} does not exist."))?;
    if set.status == SetStatus::Primary {
        return Err(format!("The task set {id} is the primary task set."));
    }
    set.status = SetStatus::Draining;
    set.desired = 0;
    set.updated_at = now;
    Ok(())
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;

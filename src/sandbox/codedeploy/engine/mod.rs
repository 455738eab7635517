//! The engine: carries every deployment that has not ended one second further. Not the operations,
//! which only leave wishes in a deployment's record.
//!
//! Course: `Created` (1 s) → `Queued` (1 s) → `InProgress` through the lifecycle events, each taking
//! one second at least → wait before termination → the original task set is deleted →
//! `Succeeded`. A stop, an alarm or a failure ends it at any point (see `ending`), except while the
//! last task set is being deleted: by then there is nothing to go back to.
//!
//! Invariants:
//! - Production traffic moves only after the replacement task set was steady.
//! - The original task set is deleted only after all traffic has left it.
//! - An automatic rollback is a deployment of its own, made in the second in which the failed one
//!   ends, so no other deployment of the group can come in between.

mod ending;
mod install;
mod lifecycle;
mod traffic;

#[cfg(test)]
mod tests;

use super::super::World;
use super::super::ecs::task_sets;
use super::super::events::{Event, emit};
use super::deployments::{Deployment, Failure, Stage, Status, TaskSet};

/// Advances the deployments to `world.now`.
pub fn tick(world: &mut World) {
    if world.codedeploy.active.is_empty() {
        return;
    }
    let ids: Vec<String> = world.codedeploy.active.iter().cloned().collect();
    for id in ids {
        // Out of the map while it is worked on, so that the rest of the world can be changed.
        let Some(mut deployment) = world.codedeploy.deployments.remove(&id) else {
            continue;
        };
        let before = deployment.status;
        advance(world, &mut deployment);
        tell(world, &deployment, before);
        refresh(world, &mut deployment);
        if deployment.status.ended() {
            world.codedeploy.active.remove(&id);
        }
        world.codedeploy.deployments.insert(id, deployment);
    }
}

/// Tells of a change of state, as an event.
fn tell(world: &mut World, deployment: &Deployment, before: Status) {
    let state = match deployment.status {
        status if status == before => return,
        Status::InProgress if before == Status::Ready => return,
        Status::InProgress => "START",
        Status::Ready => "READY",
        Status::Succeeded => "SUCCESS",
        Status::Failed => "FAILURE",
        Status::Stopped => "STOP",
        Status::Created | Status::Queued => return,
    };
    let event = Event::CodeDeploy {
        application: &deployment.application,
        group: &deployment.group,
        id: &deployment.id,
        state,
    };
    emit(world, &event);
}

fn advance(world: &mut World, deployment: &mut Deployment) {
    if deployment.stage != Stage::Terminating
        && let Some(interruption) = ending::interruption(world, deployment)
    {
        ending::cut_short(world, deployment, interruption);
        return;
    }
    match deployment.stage {
        Stage::Waiting if deployment.status == Status::Created => {
            deployment.status = Status::Queued;
        }
        Stage::Waiting => start(world, deployment),
        Stage::Event(index) => step(world, deployment, index),
        Stage::ReadyWait { until, .. } => {
            if world.now >= until {
                ending::not_continued(world, deployment);
            }
        }
        Stage::TerminationWait { until } => {
            if world.now >= until {
                terminate(world, deployment);
            }
        }
        Stage::Terminating => {
            if leaving(deployment).is_none_or(|set| find(world, deployment, &set.id).is_none()) {
                ending::succeed(world, deployment);
            }
        }
        Stage::Over => {}
    }
}

fn start(world: &mut World, deployment: &mut Deployment) {
    deployment.status = Status::InProgress;
    deployment.started = Some(world.now);
    if deployment.blue.is_none() {
        let settings = &deployment.settings;
        deployment.blue = task_sets::primary(world, &settings.cluster, &settings.service)
            .map(|view| record(world, &view, 100.0));
    }
    begin(world, deployment, 0);
}

fn step(world: &mut World, deployment: &mut Deployment, index: usize) {
    let Some(event) = deployment.events.get(index) else {
        return;
    };
    if event.started.is_none() {
        begin(world, deployment, index);
        return;
    }
    match lifecycle::poll(world, deployment, index) {
        Ok(false) => {}
        Ok(true) => {
            lifecycle::end(world, deployment, index);
            next(world, deployment, index + 1);
        }
        Err(failure) => ending::fail(world, deployment, failure),
    }
}

/// Goes on after an event: the next one, the wait for traffic, or the wait for termination.
fn next(world: &mut World, deployment: &mut Deployment, index: usize) {
    if index == deployment.events.len() {
        match deployment.settings.termination_wait {
            // A rollback removes what failed without waiting.
            _ if deployment.rollback.of.is_some() => terminate(world, deployment),
            Some(wait) => {
                deployment.termination_wait_started = true;
                deployment.stage = Stage::TerminationWait {
                    until: world.now + wait,
                };
            }
            None => ending::succeed(world, deployment),
        }
        return;
    }
    let waits = lifecycle::before_traffic(deployment, index) && deployment.rollback.of.is_none();
    match deployment.settings.ready_wait {
        Some(wait) if waits => {
            deployment.status = Status::Ready;
            deployment.stage = Stage::ReadyWait {
                next: index,
                until: world.now + wait,
            };
        }
        _ => begin(world, deployment, index),
    }
}

fn begin(world: &mut World, deployment: &mut Deployment, index: usize) {
    deployment.status = Status::InProgress;
    deployment.stage = Stage::Event(index);
    if let Err(failure) = lifecycle::begin(world, deployment, index) {
        ending::fail(world, deployment, failure);
    }
}

/// The task set that a deployment deletes in the end: the original one, and in a rollback the
/// replacement that failed.
fn leaving(deployment: &Deployment) -> Option<&TaskSet> {
    match deployment.rollback.of {
        None => deployment.blue.as_ref(),
        Some(_) => deployment.green.as_ref(),
    }
}

fn terminate(world: &mut World, deployment: &mut Deployment) {
    deployment.stage = Stage::Terminating;
    if let Some(id) = leaving(deployment).map(|set| set.id.clone())
        && let Err(reason) = delete(world, deployment, &id)
    {
        ending::fail(world, deployment, ecs_failure(&reason));
    }
}

/// Deletes a task set of the deployment's service, if it is there.
fn delete(world: &mut World, deployment: &Deployment, id: &str) -> Result<(), String> {
    let (cluster, service) = (&deployment.settings.cluster, &deployment.settings.service);
    match task_sets::view(world, cluster, service, id) {
        Some(view) if view.status != "DRAINING" => task_sets::delete(world, cluster, service, id),
        _ => Ok(()),
    }
}

fn find(world: &World, deployment: &Deployment, id: &str) -> Option<task_sets::TaskSetView> {
    task_sets::view(
        world,
        &deployment.settings.cluster,
        &deployment.settings.service,
        id,
    )
}

/// The record of a task set as it is now.
fn record(world: &World, view: &task_sets::TaskSetView, traffic: f64) -> TaskSet {
    let group = world.elb.target_group(&view.target_group_arn);
    TaskSet {
        id: view.id.clone(),
        target_group: group.map(|group| group.name.clone()).unwrap_or_default(),
        status: view.status.clone(),
        desired: view.desired,
        pending: view.pending,
        running: view.running,
        traffic,
    }
}

/// Renews what the deployment's target shows of its task sets. One that is gone keeps its identity
/// and counts nothing.
fn refresh(world: &World, deployment: &mut Deployment) {
    let [blue_share, green_share] = traffic::shares(world, deployment);
    let renewed = |set: &Option<TaskSet>, share: f64| {
        let set = set.as_ref()?;
        Some(match find(world, deployment, &set.id) {
            Some(view) => record(world, &view, share),
            None => TaskSet {
                status: "DRAINING".to_owned(),
                desired: 0,
                pending: 0,
                running: 0,
                traffic: share,
                ..set.clone()
            },
        })
    };
    let blue = renewed(&deployment.blue, blue_share);
    let green = renewed(&deployment.green, green_share);
    (deployment.blue, deployment.green) = (blue, green);
}

/// A refusal by ECS, as `CodeDeploy` reports it (from memory of AWS's wording).
fn ecs_failure(reason: &str) -> Failure {
    let text = format!("The ECS service cannot be updated due to an unexpected error: {reason}");
    Failure::new("ECS_UPDATE_ERROR", text)
}

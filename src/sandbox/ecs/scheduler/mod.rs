//! The scheduler: second by second it moves the tasks on and makes each service run what it should.
//! How many that is, a rolling service's `deployments::plan` says, and a task set's scale.
//!
//! Invariants: a service that is settled is looked at every half minute if its target groups may turn
//! on it and hardly ever if not; everything else every second.

mod changes;
mod failures;
mod tasks;

use super::deployments::{self, Step};
use super::services::{Controller, Rollout, Service, ServiceStatus, SetStatus};
use super::tasks::{REMEMBERED, Task};
use super::{State, Time, World};

/// How often a settled service behind a load balancer is looked at.
const BALANCED: Time = 30_000;

/// How often any other settled service is: only to forget its stopped tasks.
const IDLE: Time = 600_000;

/// Advances every service and task to `world.now`.
pub(crate) fn tick(world: &mut World) {
    let now = world.now;
    let due: Vec<(String, String)> = world
        .ecs
        .services
        .iter()
        .filter(|(_, service)| is_due(service, now))
        .map(|(key, _)| key.clone())
        .collect();
    for key in due {
        // The service is out of the state while it is worked on; nothing else can see that.
        if let Some(mut service) = world.ecs.services.remove(&key) {
            look_at(world, &mut service);
            changes::tell(world, &mut service);
            world.ecs.services.insert(key, service);
        }
    }
    let State {
        tasks,
        tags,
        run_tokens,
        ..
    } = &mut world.ecs;
    tasks
        .values_mut()
        .filter(|it| !it.is_stopped())
        .for_each(|it| it.advance(now));
    tasks.retain(|_, task| {
        let keep = task.stopped_at.is_none_or(|at| now < at + REMEMBERED);
        if !keep {
            tags.remove(&task.arn);
        }
        keep
    });
    run_tokens.retain(|_, token| token.is_remembered(tasks));
}

/// Whether the service is to be looked at now.
fn is_due(service: &Service, now: Time) -> bool {
    let over = service.status == ServiceStatus::Inactive;
    if over && service.tasks.is_empty() {
        return false;
    }
    let balanced = service.tasks.iter().any(|it| it.registered);
    let pause = if balanced { BALANCED } else { IDLE };
    (!over && !service.settled) || now >= service.looked_at + pause
}

/// One look at a service.
fn look_at(world: &mut World, service: &mut Service) {
    service.looked_at = world.now;
    tasks::advance(world, service);
    tasks::forget(world, service);
    for step in plan(service) {
        tasks::stop(service, &step.set, step.stop, world.now);
        tasks::launch(world, service, &step.set, step.launch);
    }
    stabilize(service, world.now);
    match service.controller {
        Controller::Ecs => deployments::settle(world, service),
        _ => drop_drained(service),
    }
    if service.status == ServiceStatus::Draining && service.tasks.iter().all(Task::is_stopped) {
        service.status = ServiceStatus::Inactive;
        service.sets.clear();
    }
    service.settled = is_settled(service);
}

/// What is to be started and stopped.
fn plan(service: &mut Service) -> Vec<Step> {
    if service.status == ServiceStatus::Draining {
        for set in &mut service.sets {
            set.desired = 0;
        }
    } else if service.controller == Controller::Ecs {
        deployments::size(service);
        return deployments::plan(service);
    } else {
        for set in &mut service.sets {
            let draining = set.status == SetStatus::Draining;
            set.desired = if draining {
                0
            } else {
                scaled(service.desired, set.scale)
            };
        }
    }
    let step = |set: &super::services::TaskSet| {
        let alive = service.counts(&set.id).alive();
        Step {
            set: set.id.clone(),
            launch: set.desired.saturating_sub(alive),
            stop: alive.saturating_sub(set.desired),
        }
    };
    service.sets.iter().map(step).collect()
}

/// `computedDesiredCount`: the share of the service's count, rounded up.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count of at most 5,000 times a scale of at most 100 percent"
)]
pub(crate) fn scaled(desired: u32, scale: f64) -> u32 {
    (f64::from(desired) * scale / 100.0).ceil() as u32
}

/// Works out which sets run what they should, and says so when the service reaches its steady state.
fn stabilize(service: &mut Service, now: Time) {
    let mut steady = Vec::new();
    for index in 0..service.sets.len() {
        let counts = service.counts(&service.sets[index].id);
        let set = &mut service.sets[index];
        let stable = counts.ready == set.desired && counts.alive() == set.desired;
        if stable != set.stable {
            set.stable = stable;
            set.stable_at = now;
            set.updated_at = now;
            if stable && set.status != SetStatus::Draining {
                steady.push(set.id.clone());
            }
        }
    }
    for id in steady {
        service.set_event(now, &id, "has reached a steady state.");
    }
}

/// Removes the task sets that were deleted and have no task left.
fn drop_drained(service: &mut Service) {
    let Service { sets, tasks, .. } = service;
    sets.retain(|set| {
        set.status != SetStatus::Draining
            || tasks.iter().any(|it| it.set == set.id && !it.is_stopped())
    });
}

/// Whether nothing is in transition. Two sets side by side are a deployment, and whoever runs it wants
/// to know within the second how they are.
fn is_settled(service: &Service) -> bool {
    service.status != ServiceStatus::Draining
        && service.sets.len() <= 1
        && service.tasks.iter().all(|it| it.is_stopped() || it.ready)
        && service.sets.iter().all(|set| {
            set.stable
                && set.status != SetStatus::Draining
                && (service.controller != Controller::Ecs
                    || (set.status == SetStatus::Primary && set.rollout != Rollout::InProgress))
        })
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;

//! One lifecycle event: its beginning, its waiting, its end. What `Install` and the traffic events do
//! stands in `install` and `traffic`.

use super::super::super::World;
use super::super::deployments::{Deployment, Failure};
use super::super::events::{EventStatus, Lifecycle};
use super::super::hooks;
use super::{install, traffic};

/// Whether the event of this index is the first of those that move production traffic.
pub(super) fn before_traffic(deployment: &Deployment, index: usize) -> bool {
    deployment
        .events
        .get(index)
        .is_some_and(|e| e.kind == Lifecycle::BeforeAllowTraffic)
}

/// Begins the event of this index.
pub(super) fn begin(
    world: &mut World,
    deployment: &mut Deployment,
    index: usize,
) -> Result<(), Failure> {
    let now = world.now;
    let Some(event) = deployment.events.get_mut(index) else {
        return Ok(());
    };
    event.status = EventStatus::InProgress;
    event.started = Some(now);
    if event.hook.is_some() {
        event.execution = Some(world.next_hex());
    }
    let rollback = deployment.rollback.of.is_some();
    match event.kind {
        Lifecycle::Install if !rollback => install::begin(world, deployment),
        Lifecycle::AllowTestTraffic => traffic::begin_test(world, deployment),
        Lifecycle::AllowTraffic if rollback => traffic::restore(world, deployment),
        Lifecycle::AllowTraffic => traffic::begin(world, deployment),
        _ => Ok(()),
    }
}

/// Whether the event of this index is done.
pub(super) fn poll(
    world: &mut World,
    deployment: &mut Deployment,
    index: usize,
) -> Result<bool, Failure> {
    let Some(event) = deployment.events.get(index) else {
        return Ok(true);
    };
    let rollback = deployment.rollback.of.is_some();
    match event.kind {
        Lifecycle::Install if !rollback => {
            install::poll(world, deployment, event.started.unwrap_or(world.now))
        }
        Lifecycle::AllowTraffic if !rollback => {
            let since = event.started.unwrap_or(world.now);
            traffic::poll(world, deployment, since)
        }
        _ => match hooks::poll(world, event) {
            None => Ok(false),
            Some(Ok(())) => Ok(true),
            // From memory of AWS's wording; the event's diagnostics have the function's name.
            Some(Err(reason)) => {
                if let Some(event) = deployment.events.get_mut(index) {
                    event.message = Some(reason);
                }
                Err(Failure::new(
                    "HOOK_EXECUTION_FAILURE",
                    "One or more of the lifecycle event validation functions failed and the \
                     deployment has stopped.",
                ))
            }
        },
    }
}

/// Ends the event of this index well.
pub(super) fn end(world: &World, deployment: &mut Deployment, index: usize) {
    if let Some(event) = deployment.events.get_mut(index) {
        event.status = EventStatus::Succeeded;
        event.ended = Some(world.now);
    }
}

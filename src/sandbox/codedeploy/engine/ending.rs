//! How a deployment ends: well, by a failure, by a stop, by an alarm; and the rollback that follows.
//!
//! What is modelled where AWS's documentation is silent:
//! - Without a rollback, a deployment that ends before production traffic moved leaves the primary
//!   task set as it was and deletes the replacement, since nothing would ever use it.
//! - Without a rollback, a deployment that ends later leaves traffic and both task sets where they
//!   are; the next deployment of the group removes the one that is not primary.
//! - With a rollback, the new deployment runs no hooks, moves everything back at once, makes the
//!   original task set primary again and deletes the replacement.
//! - The lifecycle events that are not reached, and the one that a stop cuts short, are `Skipped`.

use super::super::super::World;
use super::super::appspec;
use super::super::deployments::{Deployment, Failure, Opening, Stage, Status, open};
use super::super::events::EventStatus;
use super::super::revisions::Location;
use super::{delete, install};

/// What ends a deployment from outside.
pub(super) enum Interruption {
    /// `StopDeployment`, with its wish about a rollback.
    Stop(Option<bool>),
    /// Alarms of the group that are firing.
    Alarm(Vec<String>),
    /// Its group or application was deleted.
    Orphaned(Failure),
}

/// Why a rollback may follow.
enum Cause {
    Event(&'static str),
    Wish(bool),
}

/// What now stands against a deployment going on.
pub(super) fn interruption(world: &World, deployment: &Deployment) -> Option<Interruption> {
    if let Some(request) = deployment.stop {
        return Some(Interruption::Stop(request.rollback));
    }
    let state = &world.codedeploy;
    let Some(application) = state.applications.get(&deployment.application) else {
        let text = format!("The application {} was deleted.", deployment.application);
        return Some(Interruption::Orphaned(Failure::new(
            "APPLICATION_MISSING",
            text,
        )));
    };
    if !application.groups.contains_key(&deployment.group) {
        let text = format!("The deployment group {} was deleted.", deployment.group);
        return Some(Interruption::Orphaned(Failure::new(
            "DEPLOYMENT_GROUP_MISSING",
            text,
        )));
    }
    let alarms = deployment.settings.alarms.iter();
    let firing: Vec<String> = alarms
        .filter(|alarm| world.levers.alarms_firing.contains(*alarm))
        .cloned()
        .collect();
    let watched = deployment.rollback.of.is_none() && !firing.is_empty();
    watched.then_some(Interruption::Alarm(firing))
}

/// Ends a deployment from outside.
pub(super) fn cut_short(world: &mut World, deployment: &mut Deployment, why: Interruption) {
    match why {
        Interruption::Stop(wish) => {
            let cause = wish.map_or(Cause::Event("DEPLOYMENT_STOP_ON_REQUEST"), Cause::Wish);
            // Worded here.
            let failure = Failure::new("MANUAL_STOP", "The deployment was stopped on request.");
            end(world, deployment, Status::Stopped, failure, &cause);
        }
        Interruption::Alarm(names) => {
            // From memory of AWS's wording.
            let text = format!(
                "One or more alarms have been activated according to the Amazon CloudWatch \
                 metrics you selected, and the affected deployments have been stopped. Activated \
                 alarms: <{}>",
                names.join(", ")
            );
            let failure = Failure::new("ALARM_ACTIVE", text);
            let cause = Cause::Event("DEPLOYMENT_STOP_ON_ALARM");
            end(world, deployment, Status::Stopped, failure, &cause);
        }
        // There is no group any more in which a rollback could be made.
        Interruption::Orphaned(failure) => {
            end(
                world,
                deployment,
                Status::Failed,
                failure,
                &Cause::Wish(false),
            );
        }
    }
}

/// Ends a deployment that nobody continued in time.
pub(super) fn not_continued(world: &mut World, deployment: &mut Deployment) {
    // Worded here. A wait that runs out stops the deployment; it is neither a failure nor a
    // request, so no rollback event covers it, and the replacement serves nobody.
    let text = "The deployment was not continued before its wait time ended.";
    let failure = Failure::new("TIMEOUT", text);
    end(
        world,
        deployment,
        Status::Stopped,
        failure,
        &Cause::Wish(false),
    );
}

/// Ends a deployment by a failure of its own.
pub(super) fn fail(world: &mut World, deployment: &mut Deployment, failure: Failure) {
    end(
        world,
        deployment,
        Status::Failed,
        failure,
        &Cause::Event("DEPLOYMENT_FAILURE"),
    );
}

/// Ends a deployment well.
pub(super) fn succeed(world: &mut World, deployment: &mut Deployment) {
    deployment.status = Status::Succeeded;
    deployment.stage = Stage::Over;
    deployment.completed = Some(world.now);
    if let Some(application) = world
        .codedeploy
        .applications
        .get_mut(&deployment.application)
        && let Some(group) = application.groups.get_mut(&deployment.group)
    {
        group.last_successful = Some(deployment.id.clone());
    }
}

fn end(
    world: &mut World,
    deployment: &mut Deployment,
    status: Status,
    failure: Failure,
    cause: &Cause,
) {
    let installing = deployment
        .events
        .get(1)
        .is_some_and(|event| event.started.is_some());
    for event in &mut deployment.events {
        match event.status {
            EventStatus::InProgress => {
                event.ended = Some(world.now);
                event.status = if status == Status::Failed {
                    event.message.get_or_insert_with(|| failure.message.clone());
                    EventStatus::Failed
                } else {
                    EventStatus::Skipped
                };
            }
            EventStatus::Pending => event.status = EventStatus::Skipped,
            _ => {}
        }
    }
    deployment.status = status;
    deployment.stage = Stage::Over;
    deployment.completed = Some(world.now);
    deployment.error = Some(failure);
    let wanted = match cause {
        Cause::Event(event) => deployment.settings.rollback_events.contains(*event),
        Cause::Wish(wish) => *wish,
    };
    if wanted && deployment.rollback.of.is_none() {
        if installing && deployment.blue.is_some() {
            roll_back(world, deployment);
        } else {
            // Before Install there is nothing to bring back.
            let text = "No rollback: nothing was changed before the deployment ended.";
            deployment.rollback.message = Some(text.to_owned());
        }
    } else if !deployment.traffic_moved
        && deployment.rollback.of.is_none()
        && let Some(id) = deployment.green.as_ref().map(|set| set.id.clone())
        && let Err(reason) = delete(world, deployment, &id)
    {
        deployment.rollback.message = Some(reason);
    }
}

/// Makes the deployment that brings the original task set back.
fn roll_back(world: &mut World, deployment: &mut Deployment) {
    let Some((revision, spec)) = original(world, deployment) else {
        let text = "No rollback: the original task set is gone.";
        deployment.rollback.message = Some(text.to_owned());
        return;
    };
    let opening = Opening {
        application: deployment.application.clone(),
        group: deployment.group.clone(),
        config: deployment.config.clone(),
        routing: deployment.routing,
        description: None,
        creator: "codeDeployRollback",
        revision,
        spec,
        previous: Some(deployment.revision.clone()),
        settings: deployment.settings.clone(),
        echo: deployment.echo.clone(),
    };
    let id = open(world, opening);
    deployment.rollback.by = Some(id.clone());
    if let Some(rollback) = world.codedeploy.deployments.get_mut(&id) {
        rollback.rollback.of = Some(deployment.id.clone());
        rollback.pair.clone_from(&deployment.pair);
        rollback.blue.clone_from(&deployment.blue);
        rollback.green.clone_from(&deployment.green);
        rollback.traffic_moved = deployment.traffic_moved;
        rollback.test_moved = deployment.test_moved;
    }
}

/// The revision that the original task set runs: the last one deployed, or, if that is none or
/// another, one written from the task set itself.
fn original(world: &mut World, deployment: &Deployment) -> Option<(Location, appspec::AppSpec)> {
    let blue = super::find(world, deployment, &deployment.blue.as_ref()?.id)?;
    if blue.status == "DRAINING" {
        return None;
    }
    if let Some(previous) = &deployment.previous
        && let Ok(spec) = appspec::parse(&previous.content)
        && blue.task_definition.ends_with(&spec.task_definition)
    {
        return Some((previous.clone(), spec));
    }
    let (container, port) = install::serving(world, deployment)?;
    let text = appspec::of_task_set(&blue.task_definition, &container, port);
    let spec = appspec::parse(&text).ok()?;
    Some((Location::of(text), spec))
}

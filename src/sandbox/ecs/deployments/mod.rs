//! Rolling deployments of the ECS controller: how many tasks of which set may start and stop, when
//! a rollout is over, and the circuit breaker. Not the tasks themselves (see `scheduler`), and not
//! the strategies that shift traffic (see `native`).
//!
//! Invariants: never more tasks than `maximumPercent` of the desired count because of a rollout,
//! never a ready task stopped below `minimumHealthyPercent`; a newer deployment supersedes a running
//! one.

mod alarms;
pub(crate) mod breaker;
mod early;
pub(crate) mod history;
pub(crate) mod native;
pub(crate) mod revisions;

use super::services::{Rollout, Service, SetStatus, TaskSet};
use super::{Time, World, arn};
use serde_json::{Map, Value};

/// A new set, of which the caller sets the rest.
pub(crate) fn new_set(
    world: &mut World,
    service: &Service,
    spec: Map<String, Value>,
    status: SetStatus,
) -> TaskSet {
    // An odd factor permutes the numbers below 2^62, so ids are unique, long and unalike.
    let number = (world.next_id().wrapping_mul(0x9e37_79b9_7f4a_7c15) & ((1 << 62) - 1))
        + 1_000_000_000_000_000_000;
    let id = format!("ecs-svc/{number}");
    let arn = arn::of(
        &world.region,
        &format!("task-set/{}/{}/{id}", service.cluster, service.name),
    );
    TaskSet {
        id,
        arn,
        status,
        spec,
        revision: String::new(),
        desired: 0,
        created_at: world.now,
        updated_at: world.now,
        stable_at: world.now,
        stable: false,
        failed_in_a_row: 0,
        failed: 0,
        last_stop_reason: None,
        launch_after: world.now,
        rollout: Rollout::InProgress,
        rollout_reason: String::new(),
        scale: 100.0,
        started_by: None,
        external_id: None,
    }
}

/// Starts a deployment of what the service's document says.
pub(crate) fn begin(world: &mut World, service: &mut Service) {
    if native::wanted(service) {
        native::start(world, service);
        return;
    }
    native::leave(world, service);
    let spec = native::placed(world, service, native::live(service), false);
    let target = revisions::record(world, service, &spec);
    start(world, service, target, None);
}

/// Starts a deployment of a recorded revision because the deployment `failed` did not come up.
pub(crate) fn roll_back(world: &mut World, service: &mut Service, to: &str, failed: &str) {
    start(world, service, to.to_owned(), Some(failed));
}

/// Makes a new PRIMARY set; the old one goes on beside it until it is replaced.
fn start(world: &mut World, service: &mut Service, target: String, failed: Option<&str>) {
    let now = world.now;
    let spec = native::placed(world, service, native::live(service), false);
    let mut set = new_set(world, service, spec, SetStatus::Primary);
    set.desired = service.desired;
    set.rollout_reason = if failed.is_some() {
        let completed = service.history.iter().find(|it| it.target == target);
        let completed = completed.map_or(&*set.id, |it| it.set.as_str());
        format!("ECS deployment circuit breaker: rolling back to deploymentId {completed}.")
    } else {
        format!("ECS deployment {} in progress.", set.id)
    };
    set.revision.clone_from(&target);
    for old in &mut service.sets {
        old.status = SetStatus::Active;
        old.updated_at = now;
    }
    history::begin(world, service, &set, target, failed);
    native::end_superseded(service, now);
    service.sets.insert(0, set);
    service.settled = false;
}

/// What the scheduler is to do for one set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Step {
    /// The set.
    pub(crate) set: String,
    /// Tasks to launch.
    pub(crate) launch: u32,
    /// Tasks to stop.
    pub(crate) stop: u32,
}

/// Sets how many tasks each set is to have, as far as that is the service's own count.
pub(crate) fn size(service: &mut Service) {
    if native::drives(service) {
        native::size(service);
    } else if let Some(set) = service.sets.first_mut() {
        set.desired = service.desired;
    }
}

/// The next steps of a service under the ECS controller.
pub(crate) fn plan(service: &Service) -> Vec<Step> {
    if native::drives(service) {
        return native::plan(service);
    }
    let Some(primary) = service.primary() else {
        return Vec::new();
    };
    let desired = service.desired;
    let config = service.doc.get("deploymentConfiguration");
    let percent = |member: &str, default: u64| {
        config
            .and_then(|it| it.get(member))
            .and_then(Value::as_u64)
            .unwrap_or(default)
    };
    let share = |percent: u64| u64::from(desired) * percent;
    let most = u32::try_from(share(percent("maximumPercent", 200)) / 100).unwrap_or(u32::MAX);
    let least =
        u32::try_from(share(percent("minimumHealthyPercent", 100)).div_ceil(100)).unwrap_or(0);
    let stalled = primary.rollout == Rollout::Failed;
    let (counts, total) = (service.counts(&primary.id), service.total());
    let alone = service.sets.len() == 1;
    let room = if alone {
        u32::MAX
    } else {
        most.saturating_sub(total.alive())
    };
    let mut steps = vec![Step {
        set: primary.id.clone(),
        launch: if stalled {
            0
        } else {
            desired.saturating_sub(counts.alive()).min(room)
        },
        stop: counts.alive().saturating_sub(desired),
    }];
    let mut removable = total.ready.saturating_sub(least);
    for old in service.sets.iter().filter(|it| it.id != primary.id) {
        let counts = service.counts(&old.id);
        let ready = counts.ready.min(removable);
        removable -= ready;
        // Tasks that are not ready serve nobody; only a stalled deployment leaves them a chance.
        let unready = counts.alive() - counts.ready;
        let stop = if stalled { 0 } else { unready + ready };
        steps.push(Step {
            set: old.id.clone(),
            launch: 0,
            stop,
        });
    }
    steps
}

/// Ends rollouts that are done, drops sets that are empty, lets the circuit breaker judge.
pub(crate) fn settle(world: &mut World, service: &mut Service) {
    let now = world.now;
    if native::drives(service) {
        native::advance(world, service);
        return;
    }
    let gone: Vec<String> = service
        .sets
        .iter()
        .filter(|set| set.status != SetStatus::Primary)
        .filter(|set| {
            !service
                .tasks
                .iter()
                .any(|it| it.set == set.id && !it.is_stopped())
        })
        .map(|set| set.id.clone())
        .collect();
    service.sets.retain(|set| !gone.contains(&set.id));
    let old: Vec<(String, u32)> = service
        .sets
        .iter()
        .filter(|set| set.status != SetStatus::Primary)
        .map(|set| (set.id.clone(), service.counts(&set.id).alive()))
        .collect();
    for (id, alive) in old {
        if let Some(set) = service.set_mut(&id) {
            set.desired = alive;
        }
    }
    let alone = service.sets.len() == 1;
    let Some(primary) = service.primary() else {
        return;
    };
    let done = early::is_met(service).unwrap_or(alone && primary.stable);
    if primary.rollout == Rollout::InProgress && done {
        complete(service, now);
    }
    breaker::judge(world, service);
    alarms::judge(world, service);
}

/// The PRIMARY deployment has replaced everything.
fn complete(service: &mut Service, now: Time) {
    let Some(primary) = service.sets.first_mut() else {
        return;
    };
    primary.rollout = Rollout::Completed;
    primary.rollout_reason = format!("ECS deployment {} completed.", primary.id);
    primary.updated_at = now;
    let id = primary.id.clone();
    history::complete(service, &id, now);
    service.event(now, &format!("(deployment {id}) deployment completed."));
}

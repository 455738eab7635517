//! The strategies with which ECS itself shifts traffic: `BLUE_GREEN`, `LINEAR` and `CANARY` (aws-facts
//! 1.1 to 1.4; blue-green-deployment-how-it-works page). Not the tasks (see `scheduler`), and no proxy
//! of Service Connect: a service without a load balancer goes through the same stages.
//!
//! A deployment's course is a [`Run`] in its record: the stage, what its hooks said, how far the
//! traffic is. The tasks of the new revision (*green*) are the PRIMARY set, those of the revision
//! that it replaces (*blue*) stay at full number until `CLEAN_UP`, or for good after a rollback.
//!
//! What AWS does not document is decided here: a stage takes a second unless something in it waits; a
//! new deployment reconciles by sending all traffic back to blue before the superseded tasks go; the
//! first deployment of a service goes to the target group that its production rule does not serve
//! (one live observation, aws-facts 1.4); hooks are not called during a rollback; a deployment that
//! fails with nothing to go back to is `ROLLBACK_FAILED` and launches nothing more.
//!
//! Invariants: blue keeps its tasks while it may have to serve; the weights of a rule change only in
//! the traffic stages, in a rollback and in `RECONCILE_SERVICE`; at most one deployment advances.

pub(crate) mod check;
pub(crate) mod control;
mod ending;
mod hooks;
mod stages;
mod traffic;

#[cfg(test)]
mod tests;

pub(crate) use control::request_rollback;
pub(super) use ending::alarms;
pub(crate) use traffic::{placed, resolved as traffic_of};

use super::super::services::{Rollout, Service, SetStatus, TaskSet};
use super::super::{Time, World, stamp};
use super::history::{self, ServiceDeployment};
use super::{Step, new_set, revisions};
use serde_json::{Value, json};
use stages::Stage;

/// The course of one deployment.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// The stage.
    stage: Stage,
    /// When the stage began; for a traffic shift, when its step did.
    began: Time,
    /// When the stage did what it does; not before its hooks are done.
    acted: Option<Time>,
    /// The hooks that were called, oldest first.
    hooks: Vec<hooks::Hook>,
    /// Whether the hooks of this stage were called.
    called: bool,
    /// Which step of the production traffic it is at.
    step: u32,
    /// Percent of the production traffic on green.
    production: f64,
    /// Percent of the test traffic on green.
    test: f64,
    /// The set of the revision that is replaced; none at a service's first deployment.
    blue: Option<String>,
    /// That revision's ARN, empty if there is none.
    blue_revision: String,
    /// In a rollback: whether the traffic is back and green may go.
    draining: bool,
    /// The alarms that are watched.
    watched: Vec<String>,
    /// The alarms that ended it.
    triggered: Vec<String>,
}

/// The strategy of a deployment configuration.
pub(crate) fn strategy(config: &Value) -> &str {
    config["strategy"].as_str().unwrap_or("ROLLING")
}

/// Whether the next deployment of the service shifts traffic.
pub(crate) fn wanted(service: &Service) -> bool {
    let config = service.doc.get("deploymentConfiguration");
    config.is_some_and(|config| strategy(config) != "ROLLING")
}

/// Whether the newest deployment shifts or shifted traffic.
pub(crate) fn drives(service: &Service) -> bool {
    service.history.first().is_some_and(|it| it.run.is_some())
}

/// The set that serves: the newest whose deployment completed.
pub(crate) fn live(service: &Service) -> Option<&TaskSet> {
    service
        .sets
        .iter()
        .find(|set| set.rollout == Rollout::Completed)
}

/// Starts a deployment of what the service's document says.
pub(super) fn start(world: &mut World, service: &mut Service) {
    ending::finish_clean_up(world, service);
    let now = world.now;
    let blue = live(service).cloned();
    let spec = placed(world, service, blue.as_ref(), true);
    let target = revisions::record(world, service, &spec);
    let mut green = new_set(world, service, spec, SetStatus::Primary);
    green.revision.clone_from(&target);
    green.rollout_reason = format!("ECS deployment {} in progress.", green.id);
    let crowded = service.sets.len() > usize::from(blue.is_some());
    for old in &mut service.sets {
        old.status = SetStatus::Active;
        old.updated_at = now;
    }
    history::begin(world, service, &green, target, None);
    service.sets.insert(0, green);
    let firing = &world.levers.alarms_firing;
    if let Some(record) = service.history.first_mut() {
        let watched = ending::alarms(&record.config);
        record.status = "PENDING";
        record.run = Some(Run {
            stage: if crowded {
                Stage::ReconcileService
            } else {
                Stage::PreScaleUp
            },
            began: now,
            acted: None,
            hooks: Vec::new(),
            called: false,
            step: 0,
            production: 0.0,
            test: 0.0,
            blue_revision: blue
                .as_ref()
                .map(|it| it.revision.clone())
                .unwrap_or_default(),
            blue: blue.map(|it| it.id),
            draining: false,
            // An alarm that fires already is not heeded (deployment-alarm-failure page).
            watched: if watched.iter().any(|name| firing.contains(name)) {
                Vec::new()
            } else {
                watched
            },
            triggered: Vec::new(),
        });
    }
    service.settled = false;
}

/// A rolling deployment takes the place of one that shifts traffic: the traffic goes back to blue,
/// and the record ends.
pub(super) fn leave(world: &mut World, service: &mut Service) {
    ending::finish_clean_up(world, service);
    let newest = service.history.first();
    let Some(run) = newest
        .filter(|it| !it.is_over())
        .and_then(|it| it.run.as_ref())
    else {
        return;
    };
    if run.blue.is_some()
        && let Some(green) = service.primary().cloned()
    {
        // A rule that is gone needs nothing brought back.
        traffic::route(world, &green, Some(0.0), Some(0.0)).unwrap_or_default();
    }
}

/// Ends the records of superseded deployments.
pub(super) fn end_superseded(service: &mut Service, now: Time) {
    for record in &mut service.history {
        if record.status == "STOP_REQUESTED" {
            record.status = "STOPPED";
            record.finished_at = Some(now);
        }
    }
}

impl Run {
    /// Whether the set should have its tasks.
    fn wants(&self, record: &ServiceDeployment, set: &str) -> bool {
        let back = record.is_rollback();
        if set == record.set {
            return if back {
                !self.draining
            } else {
                self.stage >= Stage::ScaleUp
            };
        }
        let cleaned = self.stage == Stage::CleanUp && !back;
        self.blue.as_deref() == Some(set) && !cleaned
    }
}

/// Sets how many tasks each set is to have.
pub(crate) fn size(service: &mut Service) {
    let Service {
        history,
        sets,
        desired,
        ..
    } = service;
    let Some((record, run)) = history.first().and_then(|it| Some((it, it.run.as_ref()?))) else {
        return;
    };
    for set in sets {
        let wanted = run.wants(record, &set.id) || alone_after(record, set);
        set.desired = if wanted { *desired } else { 0 };
    }
}

/// The set that a rollback left.
fn alone_after(record: &ServiceDeployment, set: &TaskSet) -> bool {
    record.is_over() && set.status == SetStatus::Primary
}

/// The next steps of the scheduler. A set whose deployment failed launches nothing.
pub(super) fn plan(service: &Service) -> Vec<Step> {
    let step = |set: &TaskSet| {
        let alive = service.counts(&set.id).alive();
        let launch = set.desired.saturating_sub(alive);
        Step {
            set: set.id.clone(),
            launch: if set.rollout == Rollout::Failed {
                0
            } else {
                launch
            },
            stop: alive.saturating_sub(set.desired),
        }
    };
    service.sets.iter().map(step).collect()
}

/// Carries the newest deployment one second further.
pub(super) fn advance(world: &mut World, service: &mut Service) {
    if service.history.is_empty() {
        return;
    }
    // Out of the history while it is worked on.
    let mut record = service.history.remove(0);
    if let Some(mut run) = record.run.take() {
        drop_gone(service, &record, &run);
        if !record.is_over() {
            step(world, service, &mut record, &mut run);
        }
        record.run = Some(run);
    }
    service.history.insert(0, record);
}

/// Drops the sets that have no task left and are to have none.
fn drop_gone(service: &mut Service, record: &ServiceDeployment, run: &Run) {
    let Service { sets, tasks, .. } = service;
    sets.retain(|set| {
        set.status == SetStatus::Primary
            || run.wants(record, &set.id)
            || tasks.iter().any(|it| it.set == set.id && !it.is_stopped())
    });
}

fn step(world: &mut World, service: &mut Service, record: &mut ServiceDeployment, run: &mut Run) {
    let now = world.now;
    if record.is_rollback() {
        ending::go_back(service, record, run, now);
        return;
    }
    if let Some(failure) = ending::interruption(world, service, record, run) {
        ending::give_up(world, service, record, run, &failure);
        return;
    }
    if record.status == "PENDING" {
        record.status = "IN_PROGRESS";
        run.began = now;
        return;
    }
    let done = hooks::attend(world, run, &record.config).and_then(|done| {
        if done {
            stages::act(world, service, record, run)
        } else {
            Ok(false)
        }
    });
    match done {
        Ok(false) => {}
        Ok(true) => match stages::next(run) {
            Some(stage) => run.enter(stage, now),
            None => ending::succeed(service, record, now),
        },
        Err(reason) => {
            let failure = ending::Failure {
                reason,
                rollback: true,
            };
            ending::give_up(world, service, record, run, &failure);
        }
    }
}

impl Run {
    fn enter(&mut self, stage: Stage, now: Time) {
        self.stage = stage;
        self.began = now;
        self.acted = None;
        self.called = false;
    }
}

/// Adds what `DescribeServiceDeployments` shows of a run.
pub(super) fn show(run: &Run, view: &mut Value) {
    view["lifecycleStage"] = run.stage.name().into();
    view["lifecycleHookDetails"] = run.hooks.iter().map(hooks::Hook::view).collect();
    view["alarms"] = if run.watched.is_empty() {
        json!({"status": "DISABLED"})
    } else {
        let status = match view["status"].as_str() {
            _ if !run.triggered.is_empty() => "TRIGGERED",
            Some("PENDING" | "IN_PROGRESS") => "MONITORING",
            _ => "MONITORING_COMPLETE",
        };
        json!({"status": status, "alarmNames": run.watched, "triggeredAlarmNames": run.triggered})
    };
    let weigh = |revision: &mut Value, production: f64, test: f64| {
        revision["requestedProductionTrafficWeight"] = production.into();
        revision["requestedTestTrafficWeight"] = test.into();
    };
    weigh(&mut view["targetServiceRevision"], run.production, run.test);
    for source in view["sourceServiceRevisions"]
        .as_array_mut()
        .into_iter()
        .flatten()
    {
        let blue = source["arn"] == run.blue_revision.as_str();
        let left = |share: f64| if blue { 100.0 - share } else { 0.0 };
        weigh(source, left(run.production), left(run.test));
    }
}

/// `rollback` of a record.
fn rollback(reason: &str, to: &str, now: Time) -> Value {
    json!({"reason": reason, "startedAt": stamp(now), "serviceRevisionArn": to})
}

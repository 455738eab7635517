//! How a deployment ends: well, or by giving up: at once all traffic goes back to blue, then green's
//! tasks stop. What gives up: a request, an alarm, the circuit breaker, a hook, the load balancer, a
//! stage that takes too long.

use super::super::super::services::{Rollout, Service, SetStatus};
use super::super::super::{Time, World, input};
use super::super::breaker;
use super::super::history::ServiceDeployment;
use super::stages::{self, Stage};
use super::{Run, rollback, traffic};
use serde_json::Value;

/// How long one stage may take (blue-green-deployment-how-it-works page).
const LONGEST_STAGE: Time = 24 * 3_600_000;

/// Why a deployment gives up.
pub(super) struct Failure {
    /// `statusReason`.
    pub(super) reason: String,
    /// Whether to go back.
    pub(super) rollback: bool,
}

/// The alarms that a configuration has watched.
pub(in super::super) fn alarms(config: &Value) -> Vec<String> {
    let alarms = &config["alarms"];
    if alarms["enable"] == true {
        input::texts(alarms, "alarmNames")
    } else {
        Vec::new()
    }
}

/// What ends the deployment from outside, if anything does.
pub(super) fn interruption(
    world: &World,
    service: &Service,
    record: &mut ServiceDeployment,
    run: &mut Run,
) -> Option<Failure> {
    if record.status == "ROLLBACK_REQUESTED" {
        return Some(Failure {
            reason: "Service deployment rolled back because of a StopServiceDeployment request."
                .to_owned(),
            rollback: true,
        });
    }
    // By then there is nothing to go back to.
    if run.stage == Stage::CleanUp {
        return None;
    }
    let firing = run.watched.iter();
    run.triggered = firing
        .filter(|name| world.levers.alarms_firing.contains(*name))
        .cloned()
        .collect();
    if !run.triggered.is_empty() {
        return Some(Failure {
            // From memory of AWS's wording.
            reason: format!(
                "Service deployment rolled back because the following alarms were in ALARM state: {}.",
                run.triggered.join(", ")
            ),
            rollback: record.config["alarms"]["rollback"] == true,
        });
    }
    let failures = breaker::failures(service);
    if breaker::enabled(service) {
        record.breaker["failureCount"] = failures.into();
        if run.stage >= Stage::ScaleUp && failures >= breaker::threshold(service) {
            record.breaker["status"] = "TRIGGERED".into();
            return Some(Failure {
                reason: "Service deployment rolled back because the circuit breaker threshold was \
                         exceeded."
                    .to_owned(),
                rollback: breaker::config(service).is_some_and(|it| it["rollback"] == true),
            });
        }
    }
    let paused = run
        .hooks
        .iter()
        .any(|hook| hook.is_open() && hook.is_pause());
    (!paused && world.now - run.began > LONGEST_STAGE).then(|| Failure {
        // Worded here.
        reason: format!(
            "Service deployment rolled back because the {} stage timed out.",
            run.stage.name()
        ),
        rollback: true,
    })
}

/// Gives up.
pub(super) fn give_up(
    world: &mut World,
    service: &mut Service,
    record: &mut ServiceDeployment,
    run: &mut Run,
    failure: &Failure,
) {
    let now = world.now;
    let Some(green) = service.set(&record.set).cloned() else {
        return;
    };
    record.reason = Some(failure.reason.clone());
    if let Some(set) = service.set_mut(&record.set) {
        set.rollout = Rollout::Failed;
        set.rollout_reason.clone_from(&failure.reason);
        set.updated_at = now;
    }
    service.event(
        now,
        &format!("(deployment {}) deployment failed.", green.id),
    );
    // What it superseded is over in any case.
    super::end_superseded(service, now);
    let Some(blue) = run.blue.clone().filter(|_| failure.rollback) else {
        let status = if failure.rollback {
            "ROLLBACK_FAILED"
        } else {
            "STOPPED"
        };
        end(service, record, status, now);
        return;
    };
    let moved = run.production > 0.0 || run.test > 0.0;
    if moved && let Err(why) = traffic::route(world, &green, Some(0.0), Some(0.0)) {
        record.reason = Some(why);
        end(service, record, "ROLLBACK_FAILED", now);
        return;
    }
    (run.production, run.test) = (0.0, 0.0);
    // Without traffic on green there is nothing to wait for.
    run.draining = !moved;
    run.began = now;
    record.rollback = Some(rollback(&failure.reason, &run.blue_revision, now));
    record.status = "ROLLBACK_IN_PROGRESS";
    for hook in run.hooks.iter_mut().filter(|hook| hook.is_open()) {
        hook.status = "FAILED";
    }
    let spec = service
        .revisions
        .iter()
        .find(|it| it.arn == run.blue_revision)
        .map(|it| it.spec.clone());
    if let Some(spec) = spec {
        service.follow(&spec);
    }
    for set in &mut service.sets {
        set.status = if set.id == blue {
            SetStatus::Primary
        } else {
            SetStatus::Active
        };
    }
    service
        .sets
        .sort_by_key(|set| set.status != SetStatus::Primary);
    service.event(now, &format!("rolling back to deployment {blue}."));
}

/// A rollback that is on its way.
pub(super) fn go_back(
    service: &mut Service,
    record: &mut ServiceDeployment,
    run: &mut Run,
    now: Time,
) {
    let network = service
        .set(&record.set)
        .is_some_and(traffic::behind_network);
    if now - run.began >= stages::back(network) {
        run.draining = true;
    }
    if service.set(&record.set).is_none() {
        end(service, record, "ROLLBACK_SUCCESSFUL", now);
    }
}

/// The new revision has replaced the old one.
pub(super) fn succeed(service: &mut Service, record: &mut ServiceDeployment, now: Time) {
    if let Some(set) = service.set_mut(&record.set) {
        set.rollout = Rollout::Completed;
        set.rollout_reason = format!("ECS deployment {} completed.", set.id);
        set.updated_at = now;
    }
    if record.breaker["status"] == "MONITORING" {
        record.breaker["status"] = "MONITORING_COMPLETE".into();
    }
    service.event(
        now,
        &format!("(deployment {}) deployment completed.", record.set),
    );
    end(service, record, "SUCCESSFUL", now);
}

fn end(service: &Service, record: &mut ServiceDeployment, status: &'static str, now: Time) {
    record.status = status;
    record.finished_at = Some(now);
    record.last = Some((service.desired, service.counts(&record.set)));
}

/// Ends a deployment that is only cleaning up: what comes next starts from its revision.
pub(super) fn finish_clean_up(world: &World, service: &mut Service) {
    let cleaning = |record: &ServiceDeployment| {
        let at_end = |run: &Run| run.stage == Stage::CleanUp && run.acted.is_some();
        !record.is_over() && !record.is_rollback() && record.run.as_ref().is_some_and(at_end)
    };
    if service.history.first().is_some_and(cleaning) {
        let mut record = service.history.remove(0);
        succeed(service, &mut record, world.now);
        service.history.insert(0, record);
    }
}

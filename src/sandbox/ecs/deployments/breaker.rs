//! The deployment circuit breaker (deployment-circuit-breaker page), and giving up on a rolling deployment.

use super::super::World;
use super::super::services::{Rollout, Service};
use super::history::{self, ServiceDeployment};
use super::roll_back;
use serde_json::Value;

/// The member of the deployment configuration.
pub(crate) fn config(service: &Service) -> Option<&Value> {
    service
        .doc
        .get("deploymentConfiguration")?
        .get("deploymentCircuitBreaker")
}

/// Whether it is on.
pub(crate) fn enabled(service: &Service) -> bool {
    config(service).is_some_and(|it| it["enable"] == true)
}

/// How many failed tasks end a deployment: a share of the desired count, 3 to 200 unless the
/// configuration says otherwise.
pub(crate) fn threshold(service: &Service) -> u32 {
    let config = config(service).and_then(|it| it.get("thresholdConfiguration"));
    let value = config.and_then(|it| it["value"].as_u64()).unwrap_or(50);
    let share = (u64::from(service.desired) * value).div_ceil(100);
    let threshold = match config.and_then(|it| it["type"].as_str()) {
        Some("COUNT") => value.max(1),
        Some("UNBOUNDED_PERCENT") => share.max(1),
        _ => share.clamp(3, 200),
    };
    u32::try_from(threshold).unwrap_or(u32::MAX)
}

/// How many failures count against a deployment: those since a task was last healthy, or all.
pub(crate) fn failures(service: &Service) -> u32 {
    let reset = config(service).is_none_or(|it| it["resetOnHealthyTask"] != false);
    let primary = service.primary();
    primary.map_or(0, |set| {
        if reset {
            set.failed_in_a_row
        } else {
            set.failed
        }
    })
}

/// Gives up on a deployment with too many failures, and rolls back if that was asked for and there
/// is a completed deployment to go back to.
pub(crate) fn judge(world: &mut World, service: &mut Service) {
    let running = service
        .primary()
        .is_some_and(|it| it.rollout == Rollout::InProgress);
    if !running || !enabled(service) || failures(service) < threshold(service) {
        return;
    }
    let count = failures(service);
    if let Some(record) = service.history.first_mut() {
        record.breaker["status"] = "TRIGGERED".into();
        record.breaker["failureCount"] = count.into();
    }
    let wanted = config(service).is_some_and(|it| it["rollback"] == true);
    let why = "the circuit breaker threshold was exceeded.";
    give_up(world, service, "tasks failed to start.", why, wanted);
}

/// Gives up on the rolling deployment in flight, and goes back to the last one that succeeded where that is
/// `wanted` and there is one.
pub(super) fn give_up(
    world: &mut World,
    service: &mut Service,
    what: &str,
    why: &str,
    wanted: bool,
) {
    let now = world.now;
    let Some(primary) = service.sets.first_mut() else {
        return;
    };
    let id = primary.id.clone();
    primary.rollout = Rollout::Failed;
    primary.rollout_reason = if what.starts_with("tasks") {
        format!("ECS deployment circuit breaker: {what}")
    } else {
        format!("ECS deployment failed: {what}")
    };
    primary.updated_at = now;
    service.event(now, &format!("(deployment {id}) deployment failed: {what}"));
    // A rollback that fails too is not rolled back again.
    let again = service
        .history
        .first()
        .is_some_and(ServiceDeployment::is_rollback);
    let target = if wanted && !again {
        history::last_successful(service, &id)
    } else {
        None
    };
    history::fail(service, &id, why, target.clone(), now);
    let Some((target, set)) = target else { return };
    let spec = service
        .revisions
        .iter()
        .find(|it| it.arn == target)
        .map(|it| it.spec.clone());
    if let Some(spec) = spec {
        service.follow(&spec);
        service.event(now, &format!("rolling back to deployment {set}."));
        roll_back(world, service, &target, &id);
    }
}

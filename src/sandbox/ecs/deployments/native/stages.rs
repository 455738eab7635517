//! The lifecycle stages: their order, what each does, and when it is done. Not their hooks.

use super::super::super::services::Service;
use super::super::super::{Time, World};
use super::super::history::ServiceDeployment;
use super::{Run, end_superseded, strategy, traffic};
use serde_json::Value;

/// How much longer a shift of traffic takes behind a network load balancer
/// (nlb-resources-for-blue-green page).
const NETWORK: Time = 600_000;

/// A lifecycle stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// Only when another deployment was superseded or left its tasks behind.
    ReconcileService,
    /// Before the new tasks.
    PreScaleUp,
    /// The new tasks start.
    ScaleUp,
    /// All of them are healthy.
    PostScaleUp,
    /// Test traffic moves.
    TestTrafficShift,
    /// All test traffic has moved.
    PostTestTrafficShift,
    /// Before each step of the production traffic.
    PreProductionTrafficShift,
    /// A step of the production traffic moves and bakes.
    ProductionTrafficShift,
    /// All production traffic has moved.
    PostProductionTrafficShift,
    /// Both revisions run.
    BakeTime,
    /// The old tasks stop.
    CleanUp,
}

impl Stage {
    /// The wire form.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ReconcileService => "RECONCILE_SERVICE",
            Self::PreScaleUp => "PRE_SCALE_UP",
            Self::ScaleUp => "SCALE_UP",
            Self::PostScaleUp => "POST_SCALE_UP",
            Self::TestTrafficShift => "TEST_TRAFFIC_SHIFT",
            Self::PostTestTrafficShift => "POST_TEST_TRAFFIC_SHIFT",
            Self::PreProductionTrafficShift => "PRE_PRODUCTION_TRAFFIC_SHIFT",
            Self::ProductionTrafficShift => "PRODUCTION_TRAFFIC_SHIFT",
            Self::PostProductionTrafficShift => "POST_PRODUCTION_TRAFFIC_SHIFT",
            Self::BakeTime => "BAKE_TIME",
            Self::CleanUp => "CLEAN_UP",
        }
    }
}

/// The stage after this one; none after the last.
pub(super) fn next(run: &mut Run) -> Option<Stage> {
    Some(match run.stage {
        Stage::ReconcileService => Stage::PreScaleUp,
        Stage::PreScaleUp => Stage::ScaleUp,
        Stage::ScaleUp => Stage::PostScaleUp,
        Stage::PostScaleUp => Stage::TestTrafficShift,
        Stage::TestTrafficShift => Stage::PostTestTrafficShift,
        Stage::PostTestTrafficShift => Stage::PreProductionTrafficShift,
        Stage::PreProductionTrafficShift => Stage::ProductionTrafficShift,
        Stage::ProductionTrafficShift if run.production < 100.0 => {
            run.step += 1;
            Stage::PreProductionTrafficShift
        }
        Stage::ProductionTrafficShift => Stage::PostProductionTrafficShift,
        Stage::PostProductionTrafficShift => Stage::BakeTime,
        Stage::BakeTime => Stage::CleanUp,
        Stage::CleanUp => return None,
    })
}

/// Does what the stage does, once, and tells whether it is done. An error is the reason of the
/// rollback.
pub(super) fn act(
    world: &mut World,
    service: &mut Service,
    record: &ServiceDeployment,
    run: &mut Run,
) -> Result<bool, String> {
    let now = world.now;
    let Some(green) = service.set(&record.set).cloned() else {
        return Ok(false);
    };
    if run.acted.is_none() {
        run.acted = Some(now);
        match run.stage {
            // There is somewhere to go back to only if something was live.
            Stage::ReconcileService if run.blue.is_some() => {
                traffic::route(world, &green, Some(0.0), Some(0.0))?;
            }
            Stage::PreScaleUp => traffic::check(world, &green)?,
            Stage::TestTrafficShift => {
                run.test = 100.0;
                traffic::route(world, &green, None, Some(run.test))?;
            }
            Stage::ProductionTrafficShift => {
                run.production = share(&record.config, run.step);
                traffic::route(world, &green, Some(run.production), None)?;
            }
            _ => {}
        }
    }
    let since = now - run.acted.unwrap_or(now);
    let network = if traffic::behind_network(&green) {
        NETWORK
    } else {
        0
    };
    Ok(match run.stage {
        Stage::ReconcileService => {
            let kept = |id: &str| id == record.set || run.blue.as_deref() == Some(id);
            let alone = service.sets.iter().all(|set| kept(&set.id));
            if alone {
                end_superseded(service, now);
            }
            alone
        }
        Stage::ScaleUp => {
            let counts = service.counts(&green.id);
            counts.ready >= service.desired && counts.alive() == service.desired
        }
        Stage::ProductionTrafficShift if run.production < 100.0 => {
            since >= network + step_bake(&record.config)
        }
        Stage::TestTrafficShift | Stage::ProductionTrafficShift => since >= network,
        Stage::BakeTime => since >= minutes(&record.config["bakeTimeInMinutes"], 0),
        Stage::CleanUp => service.sets.iter().all(|set| set.id == record.set),
        _ => true,
    })
}

/// How long going back takes after traffic had moved.
pub(super) fn back(network: bool) -> Time {
    if network { NETWORK } else { 0 }
}

fn minutes(value: &Value, default: i64) -> Time {
    value.as_i64().unwrap_or(default) * 60_000
}

/// Percent of the production traffic on the new revision after this step, counted from 0.
pub(super) fn share(config: &Value, step: u32) -> f64 {
    let percent = |section: &str, member: &str, default: f64| {
        let sent = config[section][member].as_f64();
        sent.unwrap_or(default)
    };
    let share = match strategy(config) {
        "LINEAR" => percent("linearConfiguration", "stepPercent", 10.0) * (f64::from(step) + 1.0),
        "CANARY" if step == 0 => percent("canaryConfiguration", "canaryPercent", 5.0),
        _ => 100.0,
    };
    // A percentage is counted in tenths.
    ((share * 10.0).round() / 10.0).min(100.0)
}

/// How long a step below 100 percent bakes.
fn step_bake(config: &Value) -> Time {
    match strategy(config) {
        "LINEAR" => minutes(&config["linearConfiguration"]["stepBakeTimeInMinutes"], 6),
        _ => minutes(
            &config["canaryConfiguration"]["canaryBakeTimeInMinutes"],
            10,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_steps_end_at_a_hundred_percent() {
        let linear = json!({"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 33.3}});
        let shares = |config: &Value, steps| -> Value {
            (0..steps).map(|step| share(config, step)).collect()
        };
        assert_eq!(shares(&linear, 4), json!([33.3, 66.6, 99.9, 100.0]));
        assert_eq!(
            shares(&json!({"strategy": "CANARY"}), 2),
            json!([5.0, 100.0])
        );
        assert_eq!(
            shares(&json!({"strategy": "BLUE_GREEN"}), 1),
            json!([100.0])
        );
    }
}

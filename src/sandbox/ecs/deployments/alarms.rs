//! The alarms of a rolling deployment (deployment-alarm-failure page). Those of the other strategies: `native`.
//! The bake time in which AWS goes on watching after the last task is not simulated.

use super::super::World;
use super::super::services::{Rollout, Service};
use super::history::ServiceDeployment;
use super::{breaker, native};
use serde_json::{Value, json};

/// What a deployment watches.
#[derive(Clone, Debug, Default)]
pub(super) struct Alarms {
    watched: Vec<String>,
    /// Those that ended it.
    pub(super) triggered: Vec<String>,
}

impl Alarms {
    /// What a deployment with this configuration watches. An alarm that fires already is not heeded.
    pub(super) fn of(world: &World, config: &Value) -> Self {
        let watched = native::alarms(config);
        let firing = &world.levers.alarms_firing;
        let heeded = !watched.iter().any(|name| firing.contains(name));
        Self {
            watched: if heeded { watched } else { Vec::new() },
            triggered: Vec::new(),
        }
    }

    /// `alarms` of a deployment.
    pub(super) fn show(&self, over: bool) -> Value {
        if self.watched.is_empty() {
            return json!({"status": "DISABLED"});
        }
        let status = if !self.triggered.is_empty() {
            "TRIGGERED"
        } else if over {
            "MONITORING_COMPLETE"
        } else {
            "MONITORING"
        };
        json!({"status": status, "alarmNames": self.watched, "triggeredAlarmNames": self.triggered})
    }
}

/// Gives up on a deployment while an alarm fires.
pub(super) fn judge(world: &mut World, service: &mut Service) {
    let running = service.primary().map(|it| it.rollout) == Some(Rollout::InProgress);
    let newest = service.history.first_mut();
    let watching = |it: &&mut ServiceDeployment| running && !it.is_over() && !it.is_rollback();
    let Some(record) = newest.filter(watching) else {
        return;
    };
    let firing = &world.levers.alarms_firing;
    let fires = |name: &&String| firing.contains(*name);
    let names: Vec<String> = record
        .alarms
        .watched
        .iter()
        .filter(fires)
        .cloned()
        .collect();
    if names.is_empty() {
        return;
    }
    record.alarms.triggered.clone_from(&names);
    let rollback = record.config["alarms"]["rollback"] == true;
    // From memory of AWS's wording.
    let why = format!(
        "the following alarms were in ALARM state: {}.",
        names.join(", ")
    );
    breaker::give_up(world, service, "alarm detected.", &why, rollback);
}

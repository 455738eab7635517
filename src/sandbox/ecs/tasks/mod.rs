//! Tasks: what is known of one, and its passage through the states. Not who decides that it should
//! run or stop (see `scheduler` and `run`).
//!
//! Invariant: phases only move forward, and a stopped task stays as it was for an hour.

pub(crate) mod describe;
pub(crate) mod launch;
pub(crate) mod lifecycle;
pub(crate) mod run;
pub(crate) mod tokens;
mod view;

use super::{State, Time, behaviour::Behaviour, commands::Ending};
use serde_json::{Map, Value};

/// For how long a stopped task can be described (`DescribeTasks`: at least one hour).
pub(crate) const REMEMBERED: Time = 3_600_000;

/// Where a task is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// The network interface is being attached.
    Provisioning,
    /// Images are pulled and containers started.
    Pending,
    /// All containers run.
    Running,
    /// The containers got SIGTERM.
    Stopping,
    /// It is over.
    Stopped,
}

impl Phase {
    /// The wire form of `lastStatus`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Provisioning => "PROVISIONING",
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Stopping => "DEPROVISIONING",
            Self::Stopped => "STOPPED",
        }
    }
}

/// One container of a task.
#[derive(Clone, Debug)]
pub(crate) struct Container {
    /// Its name in the task definition.
    pub(crate) name: String,
    /// Its image as the task definition names it.
    pub(crate) image: String,
    /// The digest that the image was resolved to; unknown for registries that are not simulated.
    pub(crate) digest: Option<String>,
    /// What its image does.
    pub(crate) behaviour: Behaviour,
    /// How the command ends that it runs in the place of its image's own, if it does.
    pub(crate) command: Option<Ending>,
    /// Whether the task ends with it.
    pub(crate) essential: bool,
    /// Milliseconds until its first health check counts, and until it is found unhealthy; none
    /// without a health check.
    pub(crate) health: Option<(Time, Time)>,
    /// Its exit code, once it stopped.
    pub(crate) exit_code: Option<i64>,
    /// Why it stopped or could not start.
    pub(crate) reason: Option<String>,
}

/// Why a task stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stop {
    /// `stopCode`.
    pub(crate) code: &'static str,
    /// `stoppedReason`.
    pub(crate) reason: String,
}

/// One task.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    /// Thirty-two hexadecimal digits.
    pub(crate) id: String,
    /// Its ARN.
    pub(crate) arn: String,
    /// The name of its cluster.
    pub(crate) cluster: String,
    /// The id of its task set; empty for a task of `RunTask`.
    pub(crate) set: String,
    /// `startedBy`.
    pub(crate) started_by: Option<String>,
    /// `service:NAME` or `family:NAME`.
    pub(crate) group: String,
    /// The ARN of its task definition.
    pub(crate) definition: String,
    /// Members that are shown as they were decided at launch: launch type, platform, CPU, overrides.
    pub(crate) doc: Map<String, Value>,
    /// Where it is in its life.
    pub(crate) phase: Phase,
    /// Its containers.
    pub(crate) containers: Vec<Container>,
    /// The number of its network interface; its address, id and MAC follow from it.
    pub(crate) interface: u32,
    /// Its subnet, empty unless the network mode is `awsvpc`.
    pub(crate) subnet: String,
    /// Its availability zone.
    pub(crate) zone: String,
    /// Target group ARNs and ports that it is to be registered under.
    pub(crate) targets: Vec<(String, u16)>,
    /// Whether it is registered under them now.
    pub(crate) registered: bool,
    /// Whether it is `RUNNING` and healthy wherever health is known.
    pub(crate) ready: bool,
    /// When it was created.
    pub(crate) created_at: Time,
    /// When it became `PENDING`.
    pub(crate) pending_at: Option<Time>,
    /// When it became `RUNNING`.
    pub(crate) started_at: Option<Time>,
    /// When it began to stop.
    pub(crate) stopping_at: Option<Time>,
    /// When it was over.
    pub(crate) stopped_at: Option<Time>,
    /// Why it stops.
    pub(crate) stop: Option<Stop>,
}

impl Task {
    /// Whether its desired status is `STOPPED`.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stop.is_some()
    }

    /// Whether it is over.
    pub(crate) fn is_stopped(&self) -> bool {
        self.phase == Phase::Stopped
    }

    /// The address of its network interface, in `10.0.0.0/16`.
    pub(crate) fn address(&self) -> String {
        // The first addresses of a subnet are AWS's own.
        format!(
            "10.0.{}.{}",
            (self.interface / 250) % 256,
            self.interface % 250 + 4
        )
    }
}

impl State {
    /// Every task of a cluster.
    pub(crate) fn tasks_of(&self, cluster: &str) -> impl Iterator<Item = &Task> {
        let services = self
            .services
            .iter()
            .filter(move |((of, _), _)| of == cluster);
        let of_services = services.flat_map(|(_, service)| service.tasks.iter());
        of_services.chain(self.tasks.values().filter(move |it| it.cluster == cluster))
    }

    /// The task of this id.
    pub(crate) fn task(&self, cluster: &str, id: &str) -> Option<&Task> {
        self.tasks_of(cluster).find(|it| it.id == id)
    }

    /// The task of this id, to change it, with its service made unsettled.
    pub(crate) fn task_mut(&mut self, cluster: &str, id: &str) -> Option<&mut Task> {
        for service in self
            .services
            .values_mut()
            .filter(|it| it.cluster == cluster)
        {
            if let Some(index) = service.tasks.iter().position(|it| it.id == id) {
                service.settled = false;
                return service.tasks.get_mut(index);
            }
        }
        self.tasks.get_mut(id).filter(|it| it.cluster == cluster)
    }
}

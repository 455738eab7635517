//! A small pure `CodeDeploy` and the people beside it: what they hold, how they move, and what a pass is shown of them.
//! It knows who started and who ended what; that is what the search judges the planner by.
//!
//! Which of the two target groups is whose is left out: the `PRIMARY` task set is shown in the same one always, and traffic
//! as far as it goes there.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::super::bench::{NOW, attempt};
use super::super::{Bench, Payload, deployment};
use crate::kinds::service::history::description;
use crate::model::{Kind, Moment, Seen};

/// A payload and the number of the retry annotation's text; 0 for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Attempt {
    pub(super) payload: Payload,
    pub(super) retry: u8,
}

impl Attempt {
    fn text(self) -> Option<String> {
        (self.retry > 0).then(|| format!("text {}", self.retry))
    }

    pub(super) fn digest(self) -> &'static str {
        static ALL: LazyLock<Vec<(Attempt, String)>> = LazyLock::new(|| {
            let mut all = Vec::new();
            for payload in Payload::ALL {
                for retry in 0..=2 {
                    let one = Attempt { payload, retry };
                    let digest = attempt(payload, "CODE_DEPLOY", one.text().as_deref());
                    all.push((one, digest));
                }
            }
            all
        });
        let mut all = ALL.iter();
        &all.find(|(one, _)| *one == self).unwrap().1
    }
}

/// Where a deployment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Phase {
    /// No production traffic has moved.
    Before,
    /// It waits for a person (`READY_WAIT`).
    Ready,
    /// Some traffic has moved.
    Shifting,
    /// All has, and the old tasks still run.
    Waiting,
    Succeeded,
    /// Ended by this; nothing follows any more.
    Ended(Cause),
    /// Stopped by us; its rollback does not show yet.
    Leaving,
}

impl Phase {
    pub(super) fn flies(self) -> bool {
        matches!(
            self,
            Self::Before | Self::Ready | Self::Shifting | Self::Waiting
        )
    }

    pub(super) fn before_traffic(self) -> bool {
        matches!(self, Self::Before | Self::Ready)
    }
}

/// What ended a deployment badly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Cause {
    /// Its tasks, before traffic moved or after.
    Tasks {
        early: bool,
    },
    Hook,
    Alarm,
    Person,
    /// Our own stop.
    Us,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Deployment {
    pub(super) payload: Payload,
    /// The retry text of the attempt of ours that it is; nothing if a person or `CodeDeploy` started it.
    pub(super) ours: Option<u8>,
    /// The number of the deployment that it takes back.
    pub(super) undoes: Option<usize>,
    pub(super) phase: Phase,
    /// Whether we asked for its stop.
    pub(super) stopping: bool,
    /// The number of the deployment that takes it back.
    pub(super) undone_by: Option<usize>,
}

impl Deployment {
    /// That of a person or of ours, just begun.
    pub(super) fn new(payload: Payload, ours: Option<u8>) -> Self {
        Self {
            payload,
            ours,
            undoes: None,
            phase: Phase::Before,
            stopping: false,
            undone_by: None,
        }
    }

    pub(super) fn attempt(&self) -> Option<Attempt> {
        self.ours.map(|retry| Attempt {
            payload: self.payload,
            retry,
        })
    }
}

/// The service at AWS.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and all of them together are what is searched"
)]
pub(super) struct Aws {
    /// Oldest first; the number of each is its place.
    pub(super) deployments: Vec<Deployment>,
    /// What the `PRIMARY` task set runs, and whether that is ours.
    pub(super) live: (Payload, bool),
    /// What ran before the deployment in flight took over.
    pub(super) before: (Payload, bool),
    /// A task set that a deployment left beside it.
    pub(super) left: Option<(usize, Payload)>,
    /// Whether production traffic goes to both.
    pub(super) split: bool,
    /// Whether the tasks that serve are healthy.
    pub(super) healthy: bool,
    /// Whether the group rolls back what fails.
    pub(super) rolls_back: bool,
    /// Whether its deployments wait for a person before traffic moves.
    pub(super) waits: bool,
    /// Our tags on the service.
    pub(super) tags: BTreeMap<String, String>,
}

impl Aws {
    /// A service that runs A, and was never deployed.
    pub(super) fn new(ours: bool) -> Self {
        Self {
            deployments: Vec::new(),
            live: (Payload::A, ours),
            before: (Payload::A, ours),
            left: None,
            split: false,
            healthy: true,
            rolls_back: true,
            waits: false,
            tags: BTreeMap::new(),
        }
    }

    pub(super) fn newest(&self) -> Option<&Deployment> {
        self.deployments.last()
    }

    /// The number of the deployment in flight.
    pub(super) fn flying(&self) -> Option<usize> {
        let newest = self.newest()?;
        newest.phase.flies().then(|| self.deployments.len() - 1)
    }

    /// The newest deployment that is no rollback.
    pub(super) fn rollout(&self) -> Option<(usize, &Deployment)> {
        let mut all = self.deployments.iter().enumerate().rev();
        all.find(|(_, one)| one.undoes.is_none())
    }

    /// Starts a deployment. It takes away what an earlier one left.
    pub(super) fn start(&mut self, payload: Payload, ours: Option<u8>) {
        self.left = None;
        self.before = self.live;
        self.deployments.push(Deployment::new(payload, ours));
    }

    /// What AWS, a hook, an alarm or a person may make of the deployment in flight.
    pub(super) fn moves(&self) -> Vec<Self> {
        let Some(last) = self.deployments.len().checked_sub(1) else {
            return Vec::new();
        };
        let one = self.deployments[last];
        if one.phase == Phase::Leaving {
            let mut next = self.clone();
            next.go_back(last, Cause::Us);
            return vec![next];
        }
        if !one.phase.flies() {
            return Vec::new();
        }
        let mut all = vec![self.forward(last)];
        if one.undoes.is_some() {
            return all;
        }
        let own: &[Cause] = match one.phase {
            Phase::Before => &[Cause::Tasks { early: true }],
            Phase::Shifting => &[Cause::Tasks { early: false }, Cause::Alarm],
            Phase::Waiting => &[Cause::Hook],
            _ => &[],
        };
        for cause in own {
            let (mut next, cause) = (self.clone(), *cause);
            if next.rolls_back {
                next.go_back(last, cause);
            } else {
                next.leave(last, cause);
            }
            all.push(next);
        }
        let mut back = self.clone();
        back.go_back(last, Cause::Person);
        let mut left = self.clone();
        left.leave(last, Cause::Person);
        all.extend([back, left]);
        if one.stopping {
            let mut next = self.clone();
            next.deployments[last].phase = Phase::Leaving;
            all.push(next);
        }
        all
    }

    fn forward(&self, at: usize) -> Self {
        let mut next = self.clone();
        let one = next.deployments[at];
        let phase = match one.phase {
            _ if one.undoes.is_some() => Phase::Succeeded,
            Phase::Before if next.waits => Phase::Ready,
            Phase::Before | Phase::Ready => Phase::Shifting,
            Phase::Shifting => Phase::Waiting,
            _ => Phase::Succeeded,
        };
        next.deployments[at].phase = phase;
        if phase == Phase::Waiting {
            next.live = (one.payload, one.ours.is_some());
        }
        if one.undoes.is_some() {
            next.live = next.before;
        }
        next
    }

    /// It ends, and `CodeDeploy` takes it back by a deployment of its own.
    fn go_back(&mut self, at: usize, cause: Cause) {
        let back = self.deployments.len();
        self.deployments[at].phase = Phase::Ended(cause);
        self.deployments[at].undone_by = Some(back);
        let mut rollback = Deployment::new(self.before.0, None);
        rollback.undoes = Some(at);
        self.deployments.push(rollback);
    }

    /// It ends, and what it did stays: nothing before traffic moved, both task sets later.
    fn leave(&mut self, at: usize, cause: Cause) {
        let phase = self.deployments[at].phase;
        self.deployments[at].phase = Phase::Ended(cause);
        let payload = match phase {
            Phase::Shifting => {
                self.split = true;
                self.deployments[at].payload
            }
            Phase::Waiting => self.before.0,
            _ => return,
        };
        self.left = Some((at, payload));
    }

    fn document(&self, at: usize) -> Value {
        let one = &self.deployments[at];
        let status = match one.phase {
            Phase::Before | Phase::Shifting | Phase::Waiting => "InProgress",
            Phase::Ready => "Ready",
            Phase::Succeeded => "Succeeded",
            Phase::Ended(Cause::Tasks { .. } | Cause::Hook) => "Failed",
            Phase::Ended(_) | Phase::Leaving => "Stopped",
        };
        let id = format!("d-{at}");
        let mut document = match one.attempt() {
            Some(attempt) => deployment(&id, attempt.digest(), status),
            None => json!({"deploymentId": id, "status": status, "creator": "user"}),
        };
        if let Some(attempt) = one.attempt() {
            assert_eq!(document["description"], description(attempt.digest(), None));
        }
        document["instanceTerminationWaitTimeStarted"] = json!(one.phase == Phase::Waiting);
        if !one.phase.flies() {
            let ago = if one.phase == Phase::Leaving {
                0.0
            } else {
                3600.0
            };
            document["completeTime"] = json!(NOW.seconds() - ago);
        }
        let code = match one.phase {
            Phase::Ended(Cause::Tasks { .. }) => "TIMEOUT",
            Phase::Ended(Cause::Hook) => "HOOK_EXECUTION_FAILURE",
            Phase::Ended(Cause::Alarm) => "ALARM_ACTIVE",
            Phase::Ended(_) | Phase::Leaving => "MANUAL_STOP",
            _ => "",
        };
        if !code.is_empty() {
            document["errorInformation"] = json!({"code": code, "message": "because"});
        }
        if let Some(of) = one.undoes {
            document["creator"] = json!("codeDeployRollback");
            document["rollbackInfo"] = json!({"rollbackTriggeringDeploymentId": format!("d-{of}")});
        }
        if let Some(by) = one.undone_by {
            document["rollbackInfo"] = json!({"rollbackDeploymentId": format!("d-{by}")});
        }
        document
    }

    /// The target of a deployment.
    fn target(&self, at: usize) -> Value {
        let phase = self.deployments[at].phase;
        let (install, shift, weight) = match phase {
            Phase::Before | Phase::Ready => ("InProgress", "Pending", 0.0),
            Phase::Shifting => ("Succeeded", "InProgress", 10.0),
            Phase::Ended(Cause::Tasks { early: true }) => ("Failed", "Skipped", 0.0),
            Phase::Ended(Cause::Tasks { early: false }) => ("Succeeded", "Failed", 0.0),
            _ => ("Succeeded", "Succeeded", 100.0),
        };
        let event =
            |name: &str, status: &str| json!({"lifecycleEventName": name, "status": status});
        json!({"deploymentId": format!("d-{at}"),
            "lifecycleEvents": [event("Install", install), event("AllowTraffic", shift)],
            "taskSetsInfo": [{"taskSetLabel": "Green", "trafficWeight": weight}]})
    }

    /// What a pass reads, by the rules of `observe`.
    pub(super) fn bench(&self, desired: Attempt, waited: bool, rollout: &Value) -> Bench {
        let mut bench = Bench::blue_green(desired.payload, self.live.0);
        if let Some(text) = desired.text() {
            bench.retry(&text);
        }
        bench.scene = bench
            .scene
            .beside(Kind::Service, "web", "rollout", rollout.clone());
        let tags = bench.live()["tags"].as_array_mut().unwrap();
        for (key, value) in &self.tags {
            tags.push(json!({"key": key, "value": value}));
        }
        if let Some((at, payload)) = self.beside() {
            let sets = bench.live()["taskSets"].as_array_mut().unwrap();
            let mut other = sets[0].clone();
            other["id"] = json!("ecs-svc/2");
            other["status"] = json!("ACTIVE");
            other["taskDefinition"] = json!(payload.task_definition());
            other["externalId"] = json!(format!("d-{at}"));
            sets.push(other);
        }
        let newest_first = (0..self.deployments.len()).rev();
        bench.deployments(newest_first.map(|at| self.document(at)).collect());
        bench.weigh("production", if self.split { [90, 10] } else { [100, 0] });
        if !self.healthy {
            bench.health(&["unhealthy"]);
        }
        bench.drifting_since = waited.then_some(Moment(NOW.0 - 3_600_000));
        self.read(desired, &mut bench);
        bench
    }

    /// The task set beside the `PRIMARY` one, with the deployment that it is of.
    fn beside(&self) -> Option<(usize, Payload)> {
        let last = self.deployments.len().checked_sub(1)?;
        let one = &self.deployments[last];
        match one.phase {
            Phase::Waiting => Some((last, self.before.0)),
            Phase::Before | Phase::Ready | Phase::Shifting | Phase::Leaving => {
                let of = one.undoes.unwrap_or(last);
                Some((of, self.deployments[of].payload))
            }
            _ => self.left,
        }
    }

    /// Leaves out what `observe` would not have read.
    fn read(&self, desired: Attempt, bench: &mut Bench) {
        let differs = self.live.0 != desired.payload;
        let newest = self.newest();
        let badly = newest.is_some_and(|one| matches!(one.phase, Phase::Ended(_) | Phase::Leaving));
        if !differs && !badly {
            bench.observed.history = None;
        }
        let Some(one) = newest else {
            return;
        };
        let last = self.deployments.len() - 1;
        let of = if one.phase.flies() {
            Some(last)
        } else {
            let failed = badly || differs && one.undoes.is_some();
            failed.then(|| one.undoes.unwrap_or(last))
        };
        if let Some(of) = of {
            bench.observed.target = Seen::Present(self.target(of));
        }
        if one.phase.flies() {
            bench.observed.listeners.clear();
            bench.observed.pair.clear();
            bench.observed.health.clear();
        }
    }
}

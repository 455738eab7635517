//! A manifest that changes while `CodeDeploy` deploys: every order of passes, crashes, changes and
//! `CodeDeploy`'s own moves of a small pure AWS, and from each of them a fair way to its end.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::bench::{NOW, attempt};
use super::{Bench, Payload, deployment};
use crate::kinds::service::supersede::TAG;
use crate::kinds::testing::assert_inert;
use crate::model::{Kind, Outcome, Plan, Seen};

use Payload::{A, B};

/// Steps within which a fair environment must bring every state to rest.
const STEPS: usize = 60;

/// Where a deployment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// No production traffic has moved.
    Before,
    /// Some has.
    Shifting,
    Succeeded,
    /// Stopped; its rollback is not there yet.
    Leaving,
    Stopped,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Deployment {
    payload: Payload,
    /// `None`: somebody else's.
    attempt: Option<String>,
    rolls_back: Option<usize>,
    phase: Phase,
    stopping: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Aws {
    desired: Payload,
    live: Payload,
    declared: Option<String>,
    marks: String,
    /// Oldest first.
    deployments: Vec<Deployment>,
    /// How often the manifest may still change.
    changes: u8,
    finish: bool,
}

impl Aws {
    fn new(desired: Payload, finish: bool) -> Self {
        Self {
            desired,
            live: A,
            declared: Some(attempt(A, "CODE_DEPLOY", None)),
            marks: String::new(),
            deployments: Vec::new(),
            changes: 4,
            finish,
        }
    }

    fn flying(&self) -> Option<usize> {
        let phase = self.deployments.last()?.phase;
        let flies = matches!(phase, Phase::Before | Phase::Shifting);
        flies.then(|| self.deployments.len() - 1)
    }

    fn document(&self, index: usize) -> Value {
        let one = &self.deployments[index];
        let status = match one.phase {
            Phase::Before | Phase::Shifting => "InProgress",
            Phase::Succeeded => "Succeeded",
            Phase::Leaving | Phase::Stopped => "Stopped",
        };
        let id = format!("d-{index}");
        let mut document = match &one.attempt {
            Some(attempt) => deployment(&id, attempt, status),
            None => json!({"deploymentId": id, "status": status, "creator": "user"}),
        };
        if let Some(of) = one.rolls_back {
            document["creator"] = json!("codeDeployRollback");
            document["rollbackInfo"] = json!({"rollbackTriggeringDeploymentId": format!("d-{of}")});
        }
        if status != "InProgress" {
            document["completeTime"] = json!(NOW.seconds());
        }
        if one.phase == Phase::Stopped {
            document["rollbackInfo"] = json!({"rollbackDeploymentId": format!("d-{}", index + 1)});
        }
        document
    }

    fn bench(&self) -> Bench {
        let mut bench = Bench::blue_green(self.desired, self.live);
        if let Some(declared) = &self.declared {
            bench.tag(declared);
        }
        if !self.marks.is_empty() {
            let tags = bench.live()["tags"].as_array_mut().unwrap();
            tags.push(json!({"key": TAG, "value": self.marks}));
        }
        if self.finish {
            let finish = json!({"inFlight": "finish"});
            bench.scene = bench.scene.beside(Kind::Service, "web", "rollout", finish);
        }
        let all = (0..self.deployments.len())
            .rev()
            .map(|index| self.document(index));
        bench.deployments(all.collect());
        let last = self.deployments.last();
        let replaced = last.is_some_and(|last| {
            matches!(last.phase, Phase::Before | Phase::Shifting | Phase::Leaving)
        });
        if replaced {
            let sets = bench.live()["taskSets"].as_array_mut().unwrap();
            sets.push(json!({"id": "ecs-svc/2", "status": "ACTIVE"}));
        }
        if let Some(at) = self.flying() {
            let (event, weight) = match self.deployments[at].phase {
                Phase::Before => ("Pending", 0.0),
                _ => ("InProgress", 10.0),
            };
            bench.observed.target = Seen::Present(json!({
                "lifecycleEvents": [{"lifecycleEventName": "AllowTraffic", "status": event}],
                "taskSetsInfo": [{"taskSetLabel": "Green", "trafficWeight": weight}]}));
        }
        // As `observe` reads it.
        let stopped =
            last.is_some_and(|last| matches!(last.phase, Phase::Leaving | Phase::Stopped));
        if self.live == self.desired && !stopped {
            bench.observed.history = None;
        }
        bench
    }

    /// Carries out the first `steps` of a plan.
    fn apply(&mut self, plan: &Plan, steps: usize) {
        for step in &plan.steps[..steps] {
            let input = &step.call.input;
            match step.call.operation {
                "TagResource" => {
                    for tag in input["tags"].as_array().unwrap() {
                        let value = tag["value"].as_str().unwrap().to_owned();
                        match tag["key"].as_str().unwrap() {
                            TAG => self.marks = value,
                            "evenkeel.dev/declared" => self.declared = Some(value),
                            other => panic!("{other}"),
                        }
                    }
                }
                "StopDeployment" => {
                    assert!(
                        !self.finish,
                        "stopped although `finish` is declared: {self:?}"
                    );
                    assert_eq!(input["autoRollbackEnabled"], true);
                    let at = self.flying().expect("something to stop");
                    assert_eq!(input["deploymentId"], format!("d-{at}"));
                    let one = &mut self.deployments[at];
                    assert!(one.attempt.is_some() && one.rolls_back.is_none(), "{one:?}");
                    assert_eq!(
                        one.phase,
                        Phase::Before,
                        "stopped after its traffic had moved"
                    );
                    one.stopping = true;
                }
                "CreateDeployment" => {
                    assert_eq!(self.flying(), None, "a second deployment: {self:?}");
                    let leaving = self
                        .deployments
                        .last()
                        .is_some_and(|last| last.phase == Phase::Leaving);
                    assert!(!leaving, "started before the rollback showed: {self:?}");
                    let attempt = input["description"].as_str().unwrap().rsplit('=').next();
                    self.deployments.push(Deployment {
                        payload: self.desired,
                        attempt: attempt.map(str::to_owned),
                        rolls_back: None,
                        phase: Phase::Before,
                        stopping: false,
                    });
                }
                other => panic!("{other}"),
            }
        }
    }

    /// What `CodeDeploy` may do next, its ordinary move last.
    fn moves(&self) -> Vec<Self> {
        let Some(last) = self.deployments.len().checked_sub(1) else {
            return Vec::new();
        };
        let mut all = Vec::new();
        let mut goes = |change: &dyn Fn(&mut Self)| {
            let mut next = self.clone();
            change(&mut next);
            all.push(next);
        };
        let one = &self.deployments[last];
        match one.phase {
            Phase::Before if one.rolls_back.is_some() => {
                goes(&|next| next.deployments[last].phase = Phase::Succeeded);
            }
            Phase::Before => {
                goes(&|next| next.deployments[last].phase = Phase::Shifting);
                if one.stopping {
                    goes(&|next| next.deployments[last].phase = Phase::Leaving);
                }
            }
            Phase::Shifting => {
                // A stop that came too late is without effect, or takes it back.
                goes(&|next| {
                    next.deployments[last].phase = Phase::Succeeded;
                    next.live = next.deployments[last].payload;
                });
                if one.stopping {
                    goes(&|next| next.deployments[last].phase = Phase::Leaving);
                }
            }
            Phase::Leaving => goes(&|next| {
                next.deployments[last].phase = Phase::Stopped;
                next.deployments.push(Deployment {
                    payload: next.live,
                    attempt: None,
                    rolls_back: Some(last),
                    phase: Phase::Before,
                    stopping: false,
                });
            }),
            Phase::Succeeded | Phase::Stopped => {}
        }
        all
    }
}

/// Everything that may follow a state.
fn successors(aws: &Aws) -> Vec<Aws> {
    let plan = aws.bench().plan();
    let mut all = aws.moves();
    // A crash after any of the writes is a pass that carried out fewer of them.
    for steps in 1..=plan.steps.len() {
        let mut next = aws.clone();
        next.apply(&plan, steps);
        all.push(next);
    }
    if aws.changes > 0 {
        let mut next = aws.clone();
        next.desired = if aws.desired == A { B } else { A };
        next.changes -= 1;
        all.push(next);
    }
    all
}

/// Passes and moves in turn, without further changes of the manifest.
fn fair(from: &Aws) {
    let mut aws = from.clone();
    for _ in 0..STEPS {
        let plan = aws.bench().plan();
        aws.apply(&plan, plan.steps.len());
        let next = aws.moves().pop();
        if plan.steps.is_empty() && next.is_none() {
            assert_eq!(plan.outcome, Outcome::Converged, "{from:?}\n{aws:?}");
            assert_eq!(aws.live, aws.desired);
            return;
        }
        aws = next.unwrap_or(aws);
    }
    panic!("no rest from {from:?}: {aws:?}");
}

fn explore(start: Aws) -> BTreeSet<Aws> {
    let mut seen = BTreeSet::new();
    let mut open = vec![start];
    while let Some(aws) = open.pop() {
        if seen.insert(aws.clone()) {
            open.extend(successors(&aws));
        }
    }
    seen
}

/// What a person started, whose end is of no digest: the manifest is healed over it after a grace
/// time, which is not what is looked at here.
fn foreign() -> Deployment {
    Deployment {
        payload: A,
        attempt: None,
        rolls_back: None,
        phase: Phase::Before,
        stopping: false,
    }
}

#[test]
fn whenever_the_manifest_changes_the_newest_one_wins_and_nothing_is_deployed_on_top() {
    let (mut states, mut stopped) = (0, 0);
    for finish in [false, true] {
        for others in [false, true] {
            let mut start = Aws::new(B, finish);
            if others {
                start.deployments.push(foreign());
            }
            let all = explore(start);
            // How a state ends asks not for the changes that may still come.
            let ends: BTreeSet<Aws> = all
                .iter()
                .map(|aws| Aws {
                    changes: 0,
                    ..aws.clone()
                })
                .collect();
            ends.iter().for_each(fair);
            let stops = |aws: &&Aws| aws.deployments.iter().any(|one| one.stopping);
            stopped += all.iter().filter(stops).count();
            states += all.len();
        }
    }
    assert!(states > 500 && stopped > 200, "{states} {stopped}");
}

/// A bench that declares B while a deployment of A's older content is in flight, before its traffic.
fn older_in_flight() -> Bench {
    let mut aws = Aws::new(B, false);
    aws.deployments.push(Deployment {
        attempt: Some("v1:older".to_owned()),
        ..foreign()
    });
    aws.bench()
}

#[test]
fn what_is_superseded_is_marked_and_then_stopped() {
    let plan = older_in_flight().plan();
    let calls: Vec<&str> = plan.steps.iter().map(|step| step.call.operation).collect();
    assert_eq!(calls, ["TagResource", "StopDeployment"]);
    assert_eq!(
        plan.steps[0].call.input["tags"],
        json!([{"key": TAG, "value": "d-0"}])
    );
    assert!(
        plan.outcome.message().contains("superseded"),
        "{}",
        plan.outcome
    );
    assert!(plan.rollout.is_some_and(|rollout| rollout.superseded));
}

#[test]
fn nothing_is_stopped_for_what_would_not_start() {
    let quarantined = |bench: &mut Bench| {
        let failed = deployment("d-9", &bench.attempt(), "Failed");
        let Some(Seen::Present(history)) = &mut bench.observed.history else {
            panic!("no history");
        };
        history.push(failed);
    };
    let unknown = |bench: &mut Bench| {
        bench.observed.history = Some(Seen::Unknown("timeout".to_owned()));
    };
    let blind = |bench: &mut Bench| {
        bench.observed.target = Seen::Unknown("timeout".to_owned());
    };
    let changes: [&dyn Fn(&mut Bench); 3] = [&quarantined, &unknown, &blind];
    for change in changes {
        let mut bench = older_in_flight();
        change(&mut bench);
        let plan = bench.plan();
        assert_inert(&plan, "RolloutInProgress");
        let message = plan.outcome.message();
        assert!(message.contains("follows when it ends"), "{message}");
    }
}

/// A person's stop has no mark: what it stopped is not tried again.
#[test]
fn what_a_person_stopped_is_told_from_what_was_superseded() {
    let mut aws = Aws::new(B, false);
    aws.deployments.push(Deployment {
        payload: B,
        attempt: Some(attempt(B, "CODE_DEPLOY", None)),
        phase: Phase::Stopped,
        ..foreign()
    });
    aws.deployments.push(Deployment {
        rolls_back: Some(0),
        phase: Phase::Succeeded,
        ..foreign()
    });
    assert_inert(&aws.bench().plan(), "RolloutFailed");
    aws.marks = "d-0".to_owned();
    let plan = aws.bench().plan();
    assert_eq!(plan.steps[0].call.operation, "CreateDeployment", "{plan:?}");
}

/// Another text of the retry annotation while its content is being deployed changes nothing.
#[test]
fn the_same_content_is_not_superseded_by_itself() {
    let mut bench = older_in_flight();
    let set = &mut bench.live()["taskSets"];
    let mut green = set[0].clone();
    green["status"] = json!("ACTIVE");
    green["externalId"] = json!("d-0");
    green["taskDefinition"] = json!(B.task_definition());
    set[1] = green;
    assert_inert(&bench.plan(), "RolloutInProgress");
}

#[test]
fn finish_says_so() {
    let mut bench = older_in_flight();
    let finish = json!({"inFlight": "finish"});
    bench.scene = bench.scene.beside(Kind::Service, "web", "rollout", finish);
    let plan = bench.plan();
    assert_inert(&plan, "RolloutInProgress");
    let message = plan.outcome.message();
    assert!(message.contains("rollout.inFlight is finish"), "{message}");
}

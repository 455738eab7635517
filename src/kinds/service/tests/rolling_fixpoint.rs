//! The same as `fixpoint`, for rolling services: a small pure ECS with a circuit breaker that goes
//! back, stops, or is off.

use serde_json::{Value, json};

use super::bench::{NOW, attempt, network};
use super::{Bench, Payload};
use crate::model::{Moment, Outcome, Plan, Seen, Wait};

const PASSES: usize = 16;

/// How a deployment may end, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Completes,
    RollsBack,
    /// The circuit breaker stops it where it is.
    Stops,
}

const ENDS: [End; 3] = [End::Completes, End::RollsBack, End::Stops];

#[derive(Clone, Debug)]
struct Ecs {
    live: Payload,
    state: &'static str,
    tag: Option<String>,
    /// What was about to be started by us, and after what.
    starting: Option<String>,
    /// Payload, status and whether the circuit breaker struck, oldest first.
    deployments: Vec<(Payload, &'static str, bool)>,
}

impl Ecs {
    fn bench(&self, desired: Payload, drifting_since: Option<Moment>) -> Bench {
        let mut bench = Bench::rolling(desired, self.live, self.state);
        if let Some(tag) = &self.tag {
            bench.tag(tag);
        }
        if let Some(starting) = &self.starting {
            let tags = bench.live()["tags"].as_array_mut().unwrap();
            tags.push(json!({"key": "evenkeel.dev/starting", "value": starting}));
        }
        let one = |(index, (payload, status, struck)): (usize, &(Payload, &str, bool))| {
            let breaker = if *struck {
                "TRIGGERED"
            } else {
                "MONITORING_COMPLETE"
            };
            json!({"serviceDeploymentArn": format!("arn/{index}"), "status": status, "revision": {"taskDefinition": payload.task_definition(), "platformVersion": "1.4.0",
                    "networkConfiguration": network()},
                "deploymentCircuitBreaker": {"status": breaker}})
        };
        let newest_first: Vec<Value> = self.deployments.iter().enumerate().rev().map(one).collect();
        bench.observed.service_deployments = Some(Seen::Present(Value::from(newest_first)));
        bench.drifting_since = drifting_since;
        bench
    }

    /// Gives whether a deployment was started.
    fn apply(&mut self, desired: Payload, plan: &Plan) -> bool {
        let (mut started, foreign) = (false, self.is_foreign());
        for step in &plan.steps {
            let input = &step.call.input;
            match step.call.operation {
                "TagResource" => {
                    let value = input["tags"][0]["value"].as_str().map(str::to_owned);
                    if input["tags"][0]["key"] == "evenkeel.dev/starting" {
                        self.starting = value;
                    } else {
                        self.tag = value;
                    }
                }
                "UpdateService" => {
                    assert_eq!(input["taskDefinition"], desired.task_definition());
                    assert!(!foreign, "superseded what is not ours: {self:?}");
                    if let Some(running) = self
                        .deployments
                        .last_mut()
                        .filter(|last| last.1 == "IN_PROGRESS")
                    {
                        running.1 = "STOPPED";
                    }
                    self.deployments.push((desired, "IN_PROGRESS", false));
                    (self.live, self.state) = (desired, "IN_PROGRESS");
                    started = true;
                }
                other => panic!("{other}"),
            }
        }
        started
    }

    /// Whether what is in flight was started by somebody else.
    fn is_foreign(&self) -> bool {
        let flying = self
            .deployments
            .last()
            .is_some_and(|last| last.1 == "IN_PROGRESS");
        let before = self.deployments.len().checked_sub(2);
        let before = before.map_or("none".to_owned(), |index| index.to_string());
        let led = format!(" after {before}");
        flying
            && !self
                .starting
                .as_ref()
                .is_some_and(|mark| mark.ends_with(&led))
    }

    fn end(&mut self, end: End, back_to: Payload) {
        let last = self.deployments.last_mut().unwrap();
        match end {
            End::Completes => (last.1, self.state) = ("SUCCESSFUL", "COMPLETED"),
            End::RollsBack => {
                (last.1, last.2) = ("ROLLBACK_SUCCESSFUL", true);
                (self.live, self.state) = (back_to, "COMPLETED");
            }
            End::Stops => {
                (last.1, last.2) = ("STOPPED", true);
                self.state = "FAILED";
            }
        }
    }
}

/// Follows every choice of the environment to its rest; gives how many there are.
fn follow(mut ecs: Ecs, desired: Payload, mut starts: usize, path: &[End]) -> usize {
    let mut drifting_since = None;
    let back_to = ecs
        .deployments
        .iter()
        .rev()
        .find(|one| one.1 == "SUCCESSFUL")
        .map_or(ecs.live, |one| one.0);
    for _ in 0..PASSES {
        let plan = ecs.bench(desired, drifting_since).plan();
        if !plan.steps.is_empty() {
            starts += usize::from(ecs.apply(desired, &plan));
            assert!(starts <= 1, "started twice: {ecs:?} {path:?}");
            continue;
        }
        if matches!(plan.outcome, Outcome::Waiting(Wait::DriftGrace, _)) {
            assert_eq!(drifting_since, None, "the grace time never ends: {ecs:?}");
            drifting_since = Some(Moment(NOW.0 - 3_600_000));
            continue;
        }
        if ecs.state == "IN_PROGRESS" {
            let waits = matches!(
                plan.outcome.reason(),
                "RolloutInProgress" | "Quarantined" | "RolloutFailed" | "ForeignDeployment"
            );
            assert!(
                waits && (ecs.live != desired || plan.outcome.reason() == "RolloutInProgress"),
                "{ecs:?}"
            );
            return ENDS
                .iter()
                .map(|end| {
                    let mut next = ecs.clone();
                    next.end(*end, back_to);
                    let path: Vec<End> = path.iter().copied().chain([*end]).collect();
                    follow(next, desired, starts, &path)
                })
                .sum();
        }
        let good = ecs.live == desired && ecs.state == "COMPLETED";
        assert_eq!(
            plan.outcome == Outcome::Converged,
            good,
            "{ecs:?}\n{plan:?}"
        );
        assert!(
            good || matches!(plan.outcome.reason(), "RolloutFailed" | "Quarantined"),
            "{ecs:?}\n{plan:?}"
        );
        let again = ecs.bench(desired, Some(Moment(0))).plan();
        assert_eq!(
            (again.steps, again.outcome),
            (Vec::new(), plan.outcome),
            "{ecs:?}"
        );
        return 1;
    }
    panic!("no rest: {ecs:?} {path:?}");
}

#[test]
fn from_every_state_and_whatever_becomes_of_the_deployments_it_comes_to_rest_and_stays() {
    let statuses = [
        ("SUCCESSFUL", false),
        ("STOPPED", false),
        ("STOPPED", true),
        ("ROLLBACK_SUCCESSFUL", true),
        ("ROLLBACK_FAILED", true),
    ];
    let mut pasts = vec![Vec::new()];
    for payload in Payload::ALL {
        for (status, struck) in statuses {
            pasts.push(vec![(payload, status, struck)]);
            for other in Payload::ALL {
                pasts.push(vec![
                    (payload, status, struck),
                    (other, "SUCCESSFUL", false),
                ]);
            }
        }
    }
    let tags = [
        None,
        Some(attempt(Payload::A, "ECS", None)),
        Some(attempt(Payload::B, "ECS", None)),
    ];
    let mut rests = 0;
    for live in Payload::ALL {
        for state in ["COMPLETED", "FAILED", "IN_PROGRESS"] {
            for tag in &tags {
                for past in &pasts {
                    let mut deployments = past.clone();
                    if state == "IN_PROGRESS" {
                        deployments.push((live, "IN_PROGRESS", false));
                    }
                    let before = deployments.len().checked_sub(2);
                    let before = before.map_or("none".to_owned(), |index| index.to_string());
                    for starting in [None, Some(format!("v1:x after {before}"))] {
                        let ecs = Ecs {
                            live,
                            state,
                            tag: tag.clone(),
                            starting,
                            deployments: deployments.clone(),
                        };
                        rests += follow(ecs, Payload::B, 0, &[]);
                    }
                }
            }
        }
    }
    assert!(rests > 500, "{rests}");
}

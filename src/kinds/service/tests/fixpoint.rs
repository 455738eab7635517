//! Plans applied to a small pure AWS until nothing moves: from every state, with a fixed manifest,
//! whatever `CodeDeploy` makes of the deployments, a state without steps is reached and kept
//! (eventually stable reconciliation), and no failed attempt is made twice.

use serde_json::{Value, json};

use super::bench::{NOW, attempt};
use super::{Bench, Payload, deployment};
use crate::model::{Moment, Outcome, Plan, Seen, Wait};

/// Passes within which every run must be at rest.
const PASSES: usize = 24;

/// A deployment as `CodeDeploy` knows it: what it brings, by which attempt (`None`: not ours).
#[derive(Clone, Debug, PartialEq, Eq)]
struct Deployment {
    payload: Payload,
    attempt: Option<String>,
    rollback: bool,
    status: &'static str,
}

impl Deployment {
    fn document(&self, index: usize) -> Value {
        let id = format!("d-{index}");
        let mut document = match &self.attempt {
            Some(attempt) => deployment(&id, attempt, self.status),
            None => json!({"deploymentId": id, "status": self.status, "creator": "user"}),
        };
        if self.rollback {
            document["creator"] = json!("codeDeployRollback");
        }
        document
    }
}

/// How a deployment may end. The last two are the environment's own moves, not AWS's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Succeeds,
    /// Before traffic moved.
    Fails,
    /// After traffic moved; `CodeDeploy` goes back.
    RollsBack,
    /// After traffic moved, without going back.
    StoppedLate,
}

const ENDS: [End; 4] = [End::Succeeds, End::Fails, End::RollsBack, End::StoppedLate];

#[derive(Clone, Debug, PartialEq, Eq)]
struct Aws {
    live: Payload,
    tag: Option<String>,
    desired_count: u64,
    /// Oldest first.
    deployments: Vec<Deployment>,
}

impl Aws {
    fn in_flight(&self) -> bool {
        self.deployments
            .last()
            .is_some_and(|last| !matches!(last.status, "Succeeded" | "Failed" | "Stopped"))
    }

    fn bench(&self, desired: Payload, drifting_since: Option<Moment>) -> Bench {
        let mut bench = Bench::blue_green(desired, self.live);
        if let Some(tag) = &self.tag {
            bench.tag(tag);
        }
        bench.live()["desiredCount"] = json!(self.desired_count);
        bench.live()["runningCount"] = json!(self.desired_count);
        let all: Vec<Value> = self
            .deployments
            .iter()
            .enumerate()
            .map(|(i, d)| d.document(i))
            .collect();
        bench.observed.deployment = all.last().cloned().map(Seen::Present);
        bench.observed.history = Some(Seen::Present(all.into_iter().rev().collect()));
        bench.drifting_since = drifting_since;
        bench
    }

    fn apply(&mut self, desired: Payload, plan: &Plan) {
        for step in &plan.steps {
            let input = &step.call.input;
            match step.call.operation {
                "TagResource" => {
                    self.tag = input["tags"][0]["value"].as_str().map(str::to_owned);
                }
                "UpdateService" => self.desired_count = input["desiredCount"].as_u64().unwrap(),
                "CreateDeployment" => {
                    assert!(
                        !self.in_flight(),
                        "a second deployment beside one in flight: {self:?}"
                    );
                    let attempt = input["description"].as_str().unwrap().rsplit('=').next();
                    self.deployments.push(Deployment {
                        payload: desired,
                        attempt: attempt.map(str::to_owned),
                        rollback: false,
                        status: "InProgress",
                    });
                }
                other => panic!("{other}"),
            }
        }
    }

    fn end(&mut self, end: End) {
        let before = self.live;
        let last = self.deployments.last_mut().unwrap();
        let payload = last.payload;
        last.status = match end {
            End::Succeeds => "Succeeded",
            End::Fails | End::RollsBack => "Failed",
            End::StoppedLate => "Stopped",
        };
        match end {
            End::Succeeds | End::StoppedLate => self.live = payload,
            End::Fails => {}
            End::RollsBack => self.deployments.push(Deployment {
                payload: before,
                attempt: None,
                rollback: true,
                status: "Succeeded",
            }),
        }
    }
}

/// One way that things go.
struct Run {
    desired: Payload,
    aws: Aws,
    drifting_since: Option<Moment>,
    /// Attempts that this run has started.
    started: Vec<String>,
    path: Vec<End>,
    passes: usize,
}

impl Run {
    /// Passes until a deployment is in flight with nothing to write, or nothing moves at all. Gives
    /// whether it waits for a deployment's end.
    fn settle(&mut self) -> (bool, Plan) {
        loop {
            self.passes += 1;
            assert!(
                self.passes <= PASSES,
                "no rest: {:?} {:?} {:?}",
                self.desired,
                self.aws,
                self.path
            );
            let plan = self.aws.bench(self.desired, self.drifting_since).plan();
            if plan.steps.is_empty() {
                if self.aws.in_flight() {
                    return (true, plan);
                }
                if matches!(plan.outcome, Outcome::Waiting(Wait::DriftGrace, _)) {
                    assert!(
                        self.drifting_since.is_none(),
                        "the grace time never ends: {plan:?}"
                    );
                    self.drifting_since = Some(Moment(NOW.0 - 3_600_000));
                    continue;
                }
                return (false, plan);
            }
            self.drifting_since = None;
            self.aws.apply(self.desired, &plan);
            if plan
                .steps
                .iter()
                .any(|step| step.call.operation == "CreateDeployment")
            {
                let attempt = self
                    .aws
                    .deployments
                    .last()
                    .unwrap()
                    .attempt
                    .clone()
                    .unwrap();
                assert!(
                    !self.started.contains(&attempt),
                    "started twice: {:?} {:?}",
                    self.aws,
                    self.path
                );
                self.started.push(attempt);
            }
        }
    }
}

/// Follows every choice of the environment; gives the number of runs that came to rest.
fn follow(mut run: Run) -> usize {
    let (waits, plan) = run.settle();
    if waits {
        let mut rests = 0;
        for end in ENDS {
            let mut aws = run.aws.clone();
            aws.end(end);
            let mut path = run.path.clone();
            path.push(end);
            let next = Run {
                aws,
                path,
                started: run.started.clone(),
                ..run
            };
            rests += follow(next);
        }
        return rests;
    }
    let told = matches!(plan.outcome, Outcome::Converged)
        || matches!(plan.outcome.reason(), "RolloutFailed" | "Quarantined");
    assert!(
        told,
        "rests without saying how: {:?} {:?}\n{plan:?}",
        run.aws, run.path
    );
    assert_eq!(
        plan.outcome == Outcome::Converged,
        run.aws.live == run.desired && !newest_failed(&run),
        "{:?}\n{plan:?}",
        run.aws
    );
    assert_eq!(
        run.aws.desired_count, 2,
        "quiet members are healed whatever the rollout came to"
    );
    // Absorbing: looking again, much later and after a restart, writes nothing.
    for drifting_since in [None, Some(Moment(0))] {
        let again = run.aws.bench(run.desired, drifting_since).plan();
        assert_eq!(
            (again.steps, again.outcome),
            (Vec::new(), plan.outcome.clone()),
            "{:?}",
            run.aws
        );
    }
    1
}

/// Whether the newest rollout is the declared one and ended badly.
fn newest_failed(run: &Run) -> bool {
    let mine = run.aws.bench(run.desired, None).attempt();
    let newest = run.aws.deployments.iter().rev().find(|one| !one.rollback);
    newest.is_some_and(|one| one.attempt.as_ref() == Some(&mine) && one.status != "Succeeded")
}

/// Pasts of the group: up to two deployments that are over, and perhaps one in flight.
fn pasts() -> Vec<Vec<Deployment>> {
    let ours = |payload, status| Deployment {
        payload,
        attempt: Some(attempt(payload, "CODE_DEPLOY", None)),
        rollback: false,
        status,
    };
    let theirs = |rollback, status| Deployment {
        payload: Payload::B,
        attempt: None,
        rollback,
        status,
    };
    let mut over = vec![
        theirs(false, "Succeeded"),
        theirs(true, "Succeeded"),
        theirs(false, "Failed"),
    ];
    let mut flying = vec![theirs(false, "InProgress"), theirs(true, "InProgress")];
    for payload in Payload::ALL {
        over.extend(["Succeeded", "Failed", "Stopped"].map(|status| ours(payload, status)));
        flying.push(ours(payload, "InProgress"));
    }
    let mut ended = vec![Vec::new()];
    ended.extend(over.iter().map(|one| vec![one.clone()]));
    // What others did stands for one past; of ours every succession is followed.
    for first in over.iter().filter(|one| one.attempt.is_some()) {
        ended.extend(
            over.iter()
                .map(|second| vec![first.clone(), second.clone()]),
        );
    }
    let mut pasts = ended.clone();
    for past in ended.iter().filter(|past| past.len() < 2) {
        for last in &flying {
            pasts.push(past.iter().cloned().chain([last.clone()]).collect());
        }
    }
    pasts
}

#[test]
fn from_every_state_and_whatever_becomes_of_the_deployments_it_comes_to_rest_and_stays() {
    let tags: Vec<Option<String>> = std::iter::once(None)
        .chain(Payload::ALL.map(|payload| Some(attempt(payload, "CODE_DEPLOY", None))))
        .collect();
    let pasts = pasts();
    let mut rests = 0;
    for live in Payload::ALL {
        for tag in &tags {
            for desired_count in [2, 5] {
                for deployments in &pasts {
                    // The count has nothing to do with the past: the short ones do for it.
                    if desired_count != 2 && deployments.len() > 1 {
                        continue;
                    }
                    let aws = Aws {
                        live,
                        tag: tag.clone(),
                        desired_count,
                        deployments: deployments.clone(),
                    };
                    let run = Run {
                        desired: Payload::B,
                        aws,
                        drifting_since: None,
                        started: Vec::new(),
                        path: Vec::new(),
                        passes: 0,
                    };
                    rests += follow(run);
                }
            }
        }
    }
    assert!(rests > 2_000, "{rests}");
}

/// A fair environment, and nothing tried badly before: what is declared is what runs in the end.
#[test]
fn if_deployments_succeed_every_state_without_a_bad_past_converges() {
    for live in Payload::ALL {
        for desired in Payload::ALL {
            for last in [None, Some("InProgress"), Some("Succeeded")] {
                let deployments = last
                    .map(|status| Deployment {
                        payload: Payload::A,
                        attempt: Some(attempt(Payload::A, "CODE_DEPLOY", None)),
                        rollback: false,
                        status,
                    })
                    .into_iter()
                    .collect();
                let aws = Aws {
                    live,
                    tag: None,
                    desired_count: 2,
                    deployments,
                };
                let mut run = Run {
                    desired,
                    aws,
                    drifting_since: None,
                    started: Vec::new(),
                    path: Vec::new(),
                    passes: 0,
                };
                let mut lives = vec![run.aws.live];
                let plan = loop {
                    let (waits, plan) = run.settle();
                    if !waits {
                        break plan;
                    }
                    run.aws.end(End::Succeeds);
                    lives.push(run.aws.live);
                };
                assert_eq!(plan.outcome, Outcome::Converged, "{:?}", run.aws);
                assert_eq!(run.aws.live, desired);
                assert!(run.started.len() <= 1, "{lives:?}");
            }
        }
    }
}

/// The manifest changes at any moment of a rollout: the newest one wins, and each payload is
/// deployed at most once for each time it was asked for.
#[test]
fn a_manifest_that_changes_at_any_time_is_followed_without_going_back_and_forth() {
    for changes_at in 0..6 {
        for end in ENDS {
            let aws = Aws {
                live: Payload::A,
                tag: None,
                desired_count: 2,
                deployments: Vec::new(),
            };
            let mut run = Run {
                desired: Payload::B,
                aws,
                drifting_since: None,
                started: Vec::new(),
                path: Vec::new(),
                passes: 0,
            };
            for _ in 0..changes_at {
                let plan = run.aws.bench(run.desired, None).plan();
                run.aws.apply(run.desired, &plan);
                if plan.steps.is_empty() && run.aws.in_flight() {
                    run.aws.end(end);
                }
            }
            run.desired = Payload::A;
            let plan = loop {
                let (waits, plan) = run.settle();
                if !waits {
                    break plan;
                }
                run.aws.end(End::Succeeds);
            };
            assert_eq!(
                (plan.outcome, run.aws.live),
                (Outcome::Converged, Payload::A),
                "{changes_at} {end:?}"
            );
            let started = run
                .aws
                .deployments
                .iter()
                .filter(|one| one.attempt.is_some())
                .count();
            assert!(started <= 2, "{:?}", run.aws.deployments);
        }
    }
}

//! The search of `CodeDeploy`: a service at AWS (its group's deployments with their ends, task sets, traffic, health, tags),
//! the manifest with its policies, and whether the grace time is over. What disturbs: the manifest, its retry annotation or
//! its policy changes, a person deploys, sets weights, makes tasks sick; the daemon dies between two writes. That a hook, an
//! alarm or a person ends a deployment, with a rollback or without, is one of the ways on.

mod aws;

use serde_json::json;

use super::search::{self, Judgement, Search};
use super::{Bench, Payload};
use crate::kinds::service::{DECLARED_TAG, Observed, supersede};
use crate::model::{Block, Fail, Outcome, Plan, Seen, Step, Wait};
use aws::{Attempt, Aws, Cause, Deployment, Phase};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place {
    aws: Aws,
    desired: Attempt,
    /// Whether the grace time of a difference is over. Forgotten by a crash.
    waited: bool,
    /// Whether `rollout.inFlight` is `finish`.
    finish: bool,
    /// `rollout.retries`.
    retries: u8,
}

impl Place {
    fn bench(&self) -> Bench {
        let policy = if self.finish { "finish" } else { "supersede" };
        let rollout = json!({"inFlight": policy, "retries": self.retries});
        self.aws.bench(self.desired, self.waited, &rollout)
    }

    /// The place after these writes.
    fn applied(&self, steps: &[Step]) -> Self {
        let mut next = self.clone();
        for step in steps {
            let input = &step.call.input;
            match step.call.operation {
                "TagResource" => {
                    for tag in input["tags"].as_array().unwrap() {
                        let text = |member: &str| tag[member].as_str().unwrap().to_owned();
                        next.aws.tags.insert(text("key"), text("value"));
                    }
                }
                "UntagResource" => {
                    for key in input["tagKeys"].as_array().unwrap() {
                        next.aws.tags.remove(key.as_str().unwrap());
                    }
                }
                "StopDeployment" => {
                    let newest = next.aws.deployments.last_mut().unwrap();
                    newest.stopping = true;
                }
                "CreateDeployment" => {
                    let wanted = next.desired;
                    next.aws.start(wanted.payload, Some(wanted.retry));
                    next.waited = false;
                }
                other => panic!("{other}"),
            }
        }
        next
    }

    /// Whether a deployment was marked as one that is to make room.
    fn is_marked(&self, at: usize) -> bool {
        let marks = self.aws.tags.get(supersede::TAG);
        marks.is_some_and(|marks| marks.split(' ').any(|id| id == format!("d-{at}")))
    }

    /// Whether it made room: stopped by us, or, once it was marked, by a person, which cannot be told from it.
    fn made_room(&self, at: usize, one: &Deployment) -> bool {
        let stopped = matches!(
            one.phase,
            Phase::Ended(Cause::Us | Cause::Person) | Phase::Leaving
        );
        stopped && self.is_marked(at)
    }

    /// The declared attempt's deployments, newest first, without those that made room.
    fn tries(&self) -> impl Iterator<Item = (usize, &Deployment)> {
        let all = self.aws.deployments.iter().enumerate().rev();
        all.filter(|(_, one)| one.attempt() == Some(self.desired))
            .filter(|(at, one)| !self.made_room(*at, one))
    }

    /// How the declared attempt ended badly the last time, if it did. Where the newest rollout made room, its content had been
    /// let start after all that came before.
    fn bad(&self) -> Option<(usize, Cause)> {
        let (newest, one) = self.aws.rollout()?;
        if one.attempt() == Some(self.desired) && self.made_room(newest, one) {
            return None;
        }
        let (at, one) = self.tries().next()?;
        match one.phase {
            Phase::Ended(cause) => Some((at, cause)),
            _ => None,
        }
    }

    /// Whether one more attempt may be made of itself.
    fn may_try_again(&self, at: usize, cause: Cause) -> bool {
        let newest = self.aws.rollout().is_some_and(|(newest, _)| newest == at);
        let failed = self.tries().take_while(|(_, one)| {
            matches!(one.phase, Phase::Ended(Cause::Tasks { .. } | Cause::Hook))
        });
        cause == Cause::Tasks { early: true }
            && newest
            && failed.count() <= usize::from(self.retries)
    }

    fn judge_start(&self, judged: &mut Judgement) {
        let aws = &self.aws;
        judged.check(aws.flying().is_none(), "a second deployment");
        let leaving = aws.newest().is_some_and(|one| one.phase == Phase::Leaving);
        judged.check(!leaving, "started before the rollback showed");
        if let Some((at, cause)) = self.bad() {
            let what = format!("quarantined: {cause:?}");
            judged.check(self.may_try_again(at, cause), &what);
        }
        judged.check(!aws.split, "traffic is not legal");
        judged.check(
            aws.healthy || self.desired.retry > 0,
            "nothing that serves is healthy",
        );
        let declared = aws.tags.get(DECLARED_TAG).map(String::as_str);
        let changed =
            declared == Some(self.desired.digest()) && !aws.live.1 && self.bad().is_none();
        judged.check(
            !changed || self.waited,
            "somebody's change without the grace time",
        );
    }

    fn judge_stop(&self, step: &Step, judged: &mut Judgement) {
        let Some(at) = self.aws.flying() else {
            judged.check(false, "stopped what does not go on");
            return;
        };
        let one = &self.aws.deployments[at];
        judged.check(one.ours.is_some(), "stopped what is somebody else's");
        judged.check(one.undoes.is_none(), "stopped a rollback");
        judged.check(
            one.phase.before_traffic(),
            "stopped after its traffic had moved",
        );
        judged.check(!self.finish, "stopped although it is to finish");
        judged.check(
            one.payload != self.desired.payload,
            "stopped for the same content",
        );
        let input = &step.call.input;
        judged.check(
            input["deploymentId"] == format!("d-{at}") && input["autoRollbackEnabled"] == true,
            "stopped another one, or without a way back",
        );
        // What would not start is no reason.
        let follows = self.desired.payload == self.aws.live.0
            || self
                .bad()
                .is_none_or(|(at, cause)| self.may_try_again(at, cause));
        judged.check(follows, "stopped for what does not follow");
    }

    /// Whether what is declared serves, and its last deployment ended well.
    fn is_good(&self) -> bool {
        let aws = &self.aws;
        let newest_bad = self
            .bad()
            .is_some_and(|(at, _)| aws.rollout().is_some_and(|(newest, _)| newest == at));
        aws.live.0 == self.desired.payload
            && aws.flying().is_none()
            && aws.left.is_none()
            && !aws.split
            && aws.healthy
            && !newest_bad
    }
}

/// The same observations with one read that failed, and which it is.
fn blinded(bench: &Bench) -> Vec<(&'static str, Observed)> {
    let unknown = || Seen::Unknown("ThrottlingException".to_owned());
    let seen = &bench.observed;
    let mut all = Vec::new();
    let mut with = |what, is_read: bool, change: &dyn Fn(&mut Observed)| {
        if is_read {
            let mut observed = seen.clone();
            change(&mut observed);
            all.push((what, observed));
        }
    };
    with("the service", true, &|seen| {
        seen.service = Seen::Unknown("no".to_owned());
    });
    with("the group", true, &|seen| seen.group = Some(unknown()));
    with("the deployment", seen.deployment.is_some(), &|seen| {
        seen.deployment = Some(unknown());
    });
    with("the target", seen.target != Seen::Absent, &|seen| {
        seen.target = unknown();
    });
    with("the history", seen.history.is_some(), &|seen| {
        seen.history = Some(Seen::Unknown("no".to_owned()));
    });
    with("the listeners", !seen.listeners.is_empty(), &|seen| {
        for rules in seen.listeners.values_mut() {
            *rules = Seen::Unknown("no".to_owned());
        }
    });
    with("the pair", !seen.pair.is_empty(), &|seen| {
        for group in seen.pair.values_mut() {
            *group = unknown();
        }
    });
    with("the health", !seen.health.is_empty(), &|seen| {
        for health in seen.health.values_mut() {
            *health = unknown();
        }
    });
    all
}

fn stops(step: &Step) -> bool {
    step.call.operation == "StopDeployment"
}

impl search::Place for Place {
    fn plan(&self) -> Plan {
        self.bench().plan()
    }

    fn starts(step: &Step) -> bool {
        step.call.operation == "CreateDeployment"
    }

    fn ways(&self, plan: &Plan) -> Vec<Self> {
        let mut ways = Vec::new();
        let moves = self.aws.moves();
        if !plan.steps.is_empty() {
            let next = self.applied(&plan.steps);
            // A stop that was asked for already changes nothing: `CodeDeploy` moves next.
            if next != *self {
                ways.push(next);
            }
        }
        for aws in moves {
            ways.push(Self {
                aws,
                ..self.clone()
            });
        }
        if matches!(plan.outcome, Outcome::Waiting(Wait::DriftGrace, _)) && plan.steps.is_empty() {
            ways.push(Self {
                waited: true,
                ..self.clone()
            });
        }
        ways
    }

    fn disturbances(&self, plan: &Plan) -> Vec<Self> {
        let mut ways = Vec::new();
        let mut with = |change: &dyn Fn(&mut Self)| {
            let mut next = self.clone();
            change(&mut next);
            if next != *self {
                ways.push(next);
            }
        };
        for payload in Payload::ALL {
            with(&|next| next.desired.payload = payload);
            // CodeDeploy has one deployment a group.
            let over = self.aws.newest();
            if over.is_none_or(|one| !one.phase.flies() && one.phase != Phase::Leaving) {
                with(&|next| {
                    next.aws.start(payload, None);
                    next.waited = false;
                });
            }
        }
        with(&|next| next.desired.retry = (next.desired.retry + 1).min(2));
        with(&|next| next.desired.retry = 0);
        with(&|next| next.finish = !next.finish);
        if self.aws.flying().is_none() {
            with(&|next| next.aws.split = !next.aws.split);
            with(&|next| next.aws.healthy = !next.aws.healthy);
        }
        with(&|next| next.waited = false);
        for written in 1..plan.steps.len() {
            let mut next = self.applied(&plan.steps[..written]);
            next.waited = false;
            ways.push(next);
        }
        ways
    }

    fn judge(&self, plan: &Plan) -> Vec<String> {
        let mut judged = Judgement::default();
        if plan.steps.iter().any(Self::starts) {
            self.judge_start(&mut judged);
        }
        for step in plan.steps.iter().filter(|step| stops(step)) {
            self.judge_stop(step, &mut judged);
        }
        let flying = self.aws.flying().map(|at| &self.aws.deployments[at]);
        let theirs = flying.is_some_and(|one| one.ours.is_none() && one.undoes.is_none());
        judged.check(!theirs || plan.steps.is_empty(), "wrote beside somebody's");
        let foreign = matches!(plan.outcome, Outcome::Waiting(Wait::ForeignDeployment, _));
        judged.check(foreign == theirs, "called somebody's, or not");
        let converged = plan.outcome == Outcome::Converged;
        judged.check(
            !converged || (self.is_good() && plan.steps.is_empty()),
            "called converged",
        );
        judged.0
    }

    /// A read that fails causes no write, and no start or stop at all where they depend on it.
    fn judge_blind(&self, plan: &Plan) -> Vec<String> {
        let mut judged = Judgement::default();
        let bench = self.bench();
        for (what, observed) in blinded(&bench) {
            let blind = bench.plan_of(&observed);
            let caused = blind.steps.iter().any(|step| !plan.steps.contains(step));
            judged.check(!caused, &format!("a write with {what} unknown"));
            // Of one that is over the target alone says whether it may be tried again.
            let needed = what != "the target" || self.aws.flying().is_some();
            let acts = blind
                .steps
                .iter()
                .any(|step| Self::starts(step) || stops(step));
            judged.check(
                !(acts && needed),
                &format!("a start or stop with {what} unknown"),
            );
        }
        judged.0
    }

    fn is_told(&self, plan: &Plan) -> bool {
        let bad = self.bad().is_some();
        match &plan.outcome {
            Outcome::Converged => self.is_good(),
            Outcome::Failed(Fail::RolloutFailed, _) => bad || self.aws.left.is_some(),
            Outcome::Blocked(Block::Quarantined, _) => bad,
            Outcome::Blocked(Block::TrafficMismatch, _) => self.aws.split || !self.aws.healthy,
            _ => false,
        }
    }

    fn later(&self) -> Vec<(Self, bool)> {
        let at = |waited| Self {
            waited,
            ..self.clone()
        };
        [false, true].map(|waited| (at(waited), self.waited)).into()
    }
}

/// The places to start from: a service that runs A, made and recorded by us, or by somebody, with the manifest changed to B; by
/// each policy, with a retry, in a group that does not roll back, or whose deployments wait for a person; and with B tried before,
/// ended in each way, by a new text of the retry annotation or not.
fn beginnings() -> Vec<Place> {
    let attempt = |payload, retry| Attempt { payload, retry };
    let of = |aws: Aws, payload, retry| Place {
        aws,
        desired: attempt(payload, retry),
        waited: false,
        finish: false,
        retries: 0,
    };
    let mut aws = Aws::new(true);
    let declared = attempt(Payload::A, 0).digest().to_owned();
    aws.tags.insert(DECLARED_TAG.to_owned(), declared);
    let plain = of(aws.clone(), Payload::B, 0);
    let changed = |change: &dyn Fn(&mut Place)| {
        let mut place = plain.clone();
        change(&mut place);
        place
    };
    let mut places = vec![
        plain.clone(),
        changed(&|place| place.finish = true),
        changed(&|place| place.retries = 1),
        changed(&|place| place.aws.rolls_back = false),
        changed(&|place| place.aws.waits = true),
        of(Aws::new(false), Payload::B, 0),
    ];
    for (phase, payload, retry) in [
        (Phase::Ended(Cause::Tasks { early: true }), Payload::B, 0),
        (Phase::Ended(Cause::Tasks { early: true }), Payload::B, 1),
        (Phase::Ended(Cause::Person), Payload::A, 0),
        (Phase::Ended(Cause::Us), Payload::B, 0),
    ] {
        let mut tried = Deployment::new(Payload::B, Some(0));
        tried.phase = phase;
        let mut place = of(aws.clone(), payload, retry);
        place.aws.deployments.push(tried);
        if phase == Phase::Ended(Cause::Us) {
            place
                .aws
                .tags
                .insert(supersede::TAG.to_owned(), "d-0".to_owned());
        }
        places.push(place);
    }
    places
}

#[test]
fn every_reachable_state_keeps_the_invariants_and_comes_to_rest_in_the_truth() {
    let rests = Search::rests_of(beginnings(), 1);
    let ends: Vec<&str> = rests.into_keys().collect();
    assert_eq!(
        ends,
        [
            "Quarantined",
            "RolloutFailed",
            "Succeeded",
            "TrafficMismatch"
        ]
    );
}

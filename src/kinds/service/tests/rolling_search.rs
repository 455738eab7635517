//! The search of ECS's rolling update: a service at AWS (its deployments with their ends, tags), the manifest with its
//! policy, and whether the grace time is over. What disturbs: the manifest, its retry annotation or its policy changes, a
//! person deploys; the daemon dies between two writes. That a person stops a deployment, which then goes back, is one of the
//! ways on.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::bench::{NOW, attempt, network};
use super::search::{self, Judgement, Search};
use super::{Bench, Payload};
use crate::kinds::service::{DECLARED_TAG, intent};
use crate::model::{Block, Fail, Kind, Moment, Outcome, Plan, Seen, Step, Wait};

use Payload::{A, B, C};

const ALL: [Payload; 3] = [A, B, C];

/// A payload and the number of the retry annotation's text; 0 for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Attempt {
    payload: Payload,
    retry: u8,
}

impl Attempt {
    fn text(self) -> Option<String> {
        (self.retry > 0).then(|| format!("text {}", self.retry))
    }

    fn digest(self) -> &'static str {
        static ALL_OF_THEM: LazyLock<Vec<(Attempt, String)>> = LazyLock::new(|| {
            let mut all = Vec::new();
            for payload in ALL {
                for retry in 0..=2 {
                    let one = Attempt { payload, retry };
                    all.push((one, attempt(payload, "ECS", one.text().as_deref())));
                }
            }
            all
        });
        let mut all = ALL_OF_THEM.iter();
        &all.find(|(one, _)| *one == self).unwrap().1
    }
}

/// Where a deployment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum State {
    Deploying,
    /// By the circuit breaker, or as a person asked for.
    GoingBack,
    Successful,
    RolledBack,
    RollbackFailed,
    /// Stopped by the circuit breaker, without going back.
    Struck,
    /// Stopped because another one was started.
    Superseded,
}

/// A service deployment, and who started it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Deployment {
    id: u8,
    payload: Payload,
    state: State,
    /// The retry text of the attempt of ours that it is; nothing if a person started it.
    ours: Option<u8>,
    /// Whether it began to go back.
    back: bool,
    /// Whether a person stopped it.
    person: bool,
}

impl Deployment {
    fn in_flight(self) -> bool {
        matches!(self.state, State::Deploying | State::GoingBack)
    }

    /// Whether it says that its content is bad.
    fn bad(self) -> bool {
        matches!(
            self.state,
            State::GoingBack | State::RolledBack | State::RollbackFailed | State::Struck
        ) || self.state == State::Superseded && self.back
    }

    fn document(self) -> Value {
        let status = match self.state {
            State::Deploying => "IN_PROGRESS",
            State::GoingBack => "ROLLBACK_IN_PROGRESS",
            State::Successful => "SUCCESSFUL",
            State::RolledBack => "ROLLBACK_SUCCESSFUL",
            State::RollbackFailed => "ROLLBACK_FAILED",
            State::Struck | State::Superseded => "STOPPED",
        };
        let struck = self.bad() && !self.person;
        let breaker = if struck { "TRIGGERED" } else { "MONITORING" };
        let mut document = json!({"serviceDeploymentArn": format!("arn/{}", self.id), "status": status,
            "statusReason": "because",
            "revision": {"taskDefinition": self.payload.task_definition(), "platformVersion": "1.4.0", "networkConfiguration": network()},
            "deploymentCircuitBreaker": {"status": breaker, "failureCount": 3, "threshold": 3}});
        if self.back {
            document["rollback"] = json!({"reason": "because"});
        }
        document
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place {
    /// Oldest first.
    history: Vec<Deployment>,
    tags: BTreeMap<String, String>,
    desired: Attempt,
    waited: bool,
    finish: bool,
}

impl Place {
    fn newest(&self) -> &Deployment {
        self.history.last().unwrap()
    }

    /// The newest that ended well, if any did.
    fn serving(&self) -> Option<&Deployment> {
        let good = |one: &&Deployment| one.state == State::Successful;
        self.history.iter().rev().find(good)
    }

    /// The one whose content the service shows as its own, and its `rolloutState`.
    fn primary(&self) -> (&Deployment, &'static str) {
        let newest = self.newest();
        let back = self.serving().unwrap_or(newest);
        match newest.state {
            State::Deploying => (newest, "IN_PROGRESS"),
            State::GoingBack => (back, "IN_PROGRESS"),
            State::RolledBack => (back, "COMPLETED"),
            State::RollbackFailed => (back, "FAILED"),
            State::Struck => (newest, "FAILED"),
            State::Successful | State::Superseded => (newest, "COMPLETED"),
        }
    }

    /// The newest verdict on a payload. One that was superseded as it went forward says nothing.
    fn verdict(&self, payload: Payload) -> Option<&Deployment> {
        let says = |one: &&Deployment| {
            one.payload == payload && (one.state != State::Superseded || one.back)
        };
        self.history.iter().rev().find(says)
    }

    /// Starts a deployment; what is in flight makes room.
    fn start(&mut self, payload: Payload, ours: Option<u8>) {
        let newest = self.history.last_mut().unwrap();
        let id = newest.id + 1;
        if newest.in_flight() {
            newest.state = State::Superseded;
        }
        self.history.push(Deployment {
            id,
            payload,
            state: State::Deploying,
            ours,
            back: false,
            person: false,
        });
        self.waited = false;
    }

    /// What AWS, or a person who stops it, may make of the deployment in flight.
    fn moves(&self) -> Vec<Self> {
        let mut all = Vec::new();
        let mut goes = |change: &dyn Fn(&mut Deployment)| {
            let mut next = self.clone();
            change(next.history.last_mut().unwrap());
            all.push(next);
        };
        match self.newest().state {
            State::Deploying => {
                goes(&|one| one.state = State::Successful);
                goes(&|one| one.state = State::Struck);
                if self.serving().is_some() {
                    for person in [false, true] {
                        goes(&|one| {
                            (one.state, one.back, one.person) = (State::GoingBack, true, person);
                        });
                    }
                }
            }
            State::GoingBack => {
                goes(&|one| one.state = State::RolledBack);
                goes(&|one| one.state = State::RollbackFailed);
            }
            _ => {}
        }
        all
    }

    fn bench(&self) -> Bench {
        let (primary, rollout) = self.primary();
        let mut bench = Bench::rolling(self.desired.payload, primary.payload, rollout);
        if let Some(text) = self.desired.text() {
            bench.retry(&text);
        }
        if self.finish {
            let finish = json!({"inFlight": "finish"});
            bench.scene = bench.scene.beside(Kind::Service, "web", "rollout", finish);
        }
        let service = bench.live();
        let tags = service["tags"].as_array_mut().unwrap();
        for (key, value) in &self.tags {
            tags.push(json!({"key": key, "value": value}));
        }
        if self.newest().in_flight() {
            let other = json!({"id": "ecs-svc/2", "status": "ACTIVE"});
            service["deployments"].as_array_mut().unwrap().push(other);
        }
        // As `observe` reads it.
        if rollout != "COMPLETED" || primary.payload != self.desired.payload {
            let newest_first: Value = self
                .history
                .iter()
                .rev()
                .map(|one| one.document())
                .collect();
            bench.observed.service_deployments = Some(Seen::Present(newest_first));
        }
        bench.drifting_since = self.waited.then_some(Moment(NOW.0 - 3_600_000));
        bench
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
                        next.tags.insert(text("key"), text("value"));
                    }
                }
                "UpdateService" => {
                    let wanted = next.desired;
                    let forced = input["forceNewDeployment"] == true;
                    assert!(forced || input["taskDefinition"] == wanted.payload.task_definition());
                    next.start(wanted.payload, Some(wanted.retry));
                }
                other => panic!("{other}"),
            }
        }
        next
    }

    /// Whether the newest deployment is the one that was to be started last, or would be taken for it.
    fn is_marked(&self) -> bool {
        let before = self.history.iter().rev().nth(1);
        let before = before.map_or("none".to_owned(), |one| one.id.to_string());
        let newest = self.newest().id.to_string();
        let mark = self.tags.get(intent::TAG).map(|mark| mark.split(' '));
        let words: Vec<&str> = mark.into_iter().flatten().collect();
        match words.as_slice() {
            [_, _, after, rest @ ..] => {
                let older = rest.get(2).is_some_and(|first| *first == before);
                *after == before || *after == newest && older
            }
            _ => false,
        }
    }

    fn judge_start(&self, judged: &mut Judgement) {
        let (newest, wanted) = (self.newest(), self.desired);
        if newest.in_flight() {
            judged.check(!self.finish, "superseded although it is to finish");
            judged.check(
                newest.ours.is_some() || self.is_marked(),
                "superseded what is somebody else's",
            );
            let other = newest.payload != wanted.payload || newest.ours != Some(wanted.retry);
            judged.check(other, "a second rollout of the same");
        }
        if self.verdict(wanted.payload).is_some_and(|one| one.bad()) {
            let again = |one: &Deployment| {
                one.payload == wanted.payload
                    && one.ours == Some(wanted.retry)
                    && (one.state != State::Superseded || one.back)
            };
            let fresh = wanted.retry > 0 && !self.history.iter().any(again);
            judged.check(fresh, "quarantined");
        }
        let declared = self.tags.get(DECLARED_TAG).map(String::as_str);
        let live = self.primary().0;
        let changed = declared == Some(wanted.digest())
            && live.ours.is_none()
            && !self.verdict(wanted.payload).is_some_and(|one| one.bad());
        judged.check(
            !changed || self.waited,
            "somebody's change without the grace time",
        );
    }

    fn is_good(&self) -> bool {
        let (live, rollout) = self.primary();
        live.payload == self.desired.payload && rollout == "COMPLETED"
    }
}

impl search::Place for Place {
    fn plan(&self) -> Plan {
        self.bench().plan()
    }

    fn starts(step: &Step) -> bool {
        let input = &step.call.input;
        step.call.operation == "UpdateService"
            && (input.get("taskDefinition").is_some() || input["forceNewDeployment"] == true)
    }

    fn ways(&self, plan: &Plan) -> Vec<Self> {
        let mut ways = self.moves();
        if !plan.steps.is_empty() {
            ways.push(self.applied(&plan.steps));
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
        for payload in ALL {
            with(&|next| next.desired.payload = payload);
            with(&|next| next.start(payload, None));
        }
        with(&|next| next.desired.retry = (next.desired.retry + 1).min(2));
        with(&|next| next.desired.retry = 0);
        with(&|next| next.finish = !next.finish);
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
        let newest = self.newest();
        let foreign = matches!(plan.outcome, Outcome::Waiting(Wait::ForeignDeployment, _));
        let theirs = newest.in_flight() && newest.ours.is_none();
        judged.check(!foreign || theirs, "called somebody's");
        let converged = plan.outcome == Outcome::Converged;
        judged.check(
            !converged || (self.is_good() && plan.steps.is_empty()),
            "called converged",
        );
        judged.0
    }

    /// A read that fails causes no write.
    fn judge_blind(&self, plan: &Plan) -> Vec<String> {
        let mut judged = Judgement::default();
        let bench = self.bench();
        let mut blind = |what: &str, service: bool| {
            let mut observed = bench.observed.clone();
            if service {
                observed.service = Seen::Unknown("no".to_owned());
            } else if observed.service_deployments.is_some() {
                observed.service_deployments = Some(Seen::Unknown("no".to_owned()));
            } else {
                return;
            }
            let blind = bench.plan_of(&observed);
            let caused = blind.steps.iter().any(|step| !plan.steps.contains(step));
            let started = blind.steps.iter().any(Self::starts);
            judged.check(!caused && !started, &format!("with {what} unknown"));
        };
        blind("the service", true);
        blind("the deployments", false);
        judged.0
    }

    fn is_told(&self, plan: &Plan) -> bool {
        let failed = self.primary().1 == "FAILED";
        let verdict = self.verdict(self.desired.payload);
        match &plan.outcome {
            Outcome::Converged => self.is_good(),
            Outcome::Failed(Fail::RolloutFailed, _) => {
                failed || verdict.is_some_and(|one| one.bad())
            }
            Outcome::Blocked(Block::Quarantined, _) => verdict.is_some_and(|one| one.bad()),
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

/// The places to start from: a service that runs A, made and recorded by us, or by somebody, or whose first deployment is
/// still in flight, with the manifest changed to B; with B in flight or going back, and the manifest at C; and with B tried
/// badly or superseded before, by a new text of the retry annotation or not. By each policy where one is in flight.
fn beginnings() -> Vec<Place> {
    let one = |id, payload, state| Deployment {
        id,
        payload,
        state,
        ours: Some(0),
        back: matches!(state, State::GoingBack | State::RolledBack),
        person: false,
    };
    let at = |payload, retry| Attempt { payload, retry };
    let first = one(0, A, State::Successful);
    let theirs = Deployment {
        ours: None,
        ..first
    };
    let stopped = Deployment {
        person: true,
        ..one(1, B, State::GoingBack)
    };
    let flying = one(1, B, State::Deploying);
    let (back, struck) = (one(1, B, State::RolledBack), one(1, B, State::Struck));
    let again = one(2, A, State::Successful);
    let mut places = Vec::new();
    for (history, starting, desired) in [
        (vec![first], None, at(B, 0)),
        (vec![theirs], None, at(B, 0)),
        (
            vec![one(0, A, State::Deploying)],
            Some((A, "none")),
            at(B, 0),
        ),
        (vec![first, flying], Some((B, "0")), at(C, 0)),
        (vec![first, stopped], Some((B, "0")), at(C, 0)),
        (vec![first, back], Some((B, "0")), at(B, 1)),
        (vec![first, struck], Some((B, "0")), at(B, 1)),
        (vec![first, struck, again], Some((A, "1")), at(B, 0)),
        (
            vec![first, one(1, B, State::Superseded), again],
            Some((A, "1")),
            at(B, 0),
        ),
    ] {
        let mut tags = BTreeMap::new();
        if history[0].ours.is_some() {
            tags.insert(DECLARED_TAG.to_owned(), at(A, 0).digest().to_owned());
        }
        if let Some((payload, after)) = starting {
            let value = format!("{} after {after}", at(payload, 0).digest());
            tags.insert(intent::TAG.to_owned(), value);
        }
        for finish in [false, true] {
            let place = Place {
                history: history.clone(),
                tags: tags.clone(),
                desired,
                waited: false,
                finish,
            };
            if !finish || place.newest().in_flight() {
                places.push(place);
            }
        }
    }
    places
}

#[test]
fn every_reachable_state_keeps_the_invariants_and_comes_to_rest_in_the_truth() {
    let rests = Search::rests_of(beginnings(), 1);
    let ends: Vec<&str> = rests.into_keys().collect();
    assert_eq!(ends, ["Quarantined", "RolloutFailed", "Succeeded"]);
}

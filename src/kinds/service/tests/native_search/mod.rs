//! The search of the engine `native`: a service at AWS (its deployments with their ends, traffic, health, tags), the
//! manifest with its policy, and whether the grace time is over. What disturbs: the manifest, its retry annotation or its
//! policy changes, a person deploys, sets weights, makes tasks sick; the daemon dies between two writes; AWS forgets.

mod ecs;

use serde_json::Value;

use super::super::{DECLARED_TAG, intent};
use super::search::{self, Judgement, Search};
use super::{Bench, Payload};
use crate::model::{Block, Fail, Kind, Outcome, Plan, Step, Wait};
use ecs::{Attempt, Deployment, Ecs, NAMES, Side, State, Traffic, blinded};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place {
    ecs: Ecs,
    desired: Attempt,
    /// Whether the grace time of a difference is over. Forgotten by a crash.
    waited: bool,
    /// Whether `rollout.inFlight` is `finish`.
    finish: bool,
}

impl Place {
    /// What a pass reads.
    fn bench(&self) -> Bench {
        let mut bench = self.ecs.bench(self.desired, self.waited, &NAMES);
        if self.finish {
            let finish = serde_json::json!({"inFlight": "finish"});
            bench.scene = bench.scene.beside(Kind::Service, "web", "rollout", finish);
        }
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
                        next.tag(tag);
                    }
                }
                "UpdateService" => {
                    let wanted = next.desired.payload;
                    assert_eq!(input["taskDefinition"], wanted.task_definition());
                    next.ecs.start(wanted, Some(next.desired.retry));
                    next.waited = false;
                }
                other => panic!("{other}"),
            }
        }
        next
    }

    fn tag(&mut self, tag: &Value) {
        let text = tag["value"].as_str().unwrap();
        match tag["key"].as_str().unwrap() {
            DECLARED_TAG => self.ecs.declared = Some(NAMES.attempt(text)),
            intent::TAG => {
                let mut words = text.split(' ');
                let mut one = || {
                    let digest = words.next()?;
                    assert_eq!(words.next(), Some("after"), "{text}");
                    Some((NAMES.attempt(digest), words.next()?.parse().ok()))
                };
                self.ecs.starting = one();
                self.ecs.older = one();
            }
            other => panic!("{other}"),
        }
    }

    fn judge_start(&self, judged: &mut Judgement) {
        let (ecs, wanted) = (&self.ecs, self.desired);
        let newest = ecs.newest();
        let before = ecs.shown().iter().rev().nth(1);
        // The mark of a start that was not made: whoever deploys next is taken for us (see `intent`).
        let before = before.map(|one| one.id);
        let marked = ecs.starting.is_some_and(|(_, after)| {
            let older = ecs.older.is_some_and(|(_, first)| first == before);
            after == before || after == Some(newest.id) && older
        });
        let makes_room = newest.state.before_traffic()
            && newest.payload != wanted.payload
            && (newest.ours.is_some() || marked)
            && !self.finish;
        judged.check(!newest.state.in_flight() || makes_room, "a second rollout");
        if let Some(bad) = ecs.verdict(wanted.payload).filter(|one| one.state.bad()) {
            let again = |one: &Deployment| {
                one.payload == wanted.payload
                    && one.ours == Some(wanted.retry)
                    && one.state != State::Superseded
            };
            let fresh = wanted.retry > 0 && !ecs.shown().iter().any(again);
            judged.check(fresh, &format!("quarantined: {:?}", bad.state));
        }
        judged.check(ecs.is_legal(), "traffic is not legal");
        judged.check(
            ecs.healthy || wanted.retry > 0,
            "nothing that serves is healthy",
        );
        let changed = ecs.declared == Some(wanted)
            && ecs.primary().ours.is_none()
            && ecs
                .verdict(wanted.payload)
                .is_none_or(|one| !one.state.bad());
        judged.check(
            !changed || self.waited,
            "somebody's change without the grace time",
        );
    }

    /// Whether what is declared serves, and gets the traffic.
    fn is_good(&self) -> bool {
        let live = self.ecs.primary();
        live.payload == self.desired.payload
            && live.state == State::Successful
            && !self.ecs.newest().state.in_flight()
            && self.ecs.is_legal()
            && self.ecs.healthy
    }
}

impl search::Place for Place {
    fn plan(&self) -> Plan {
        self.bench().plan()
    }

    fn starts(step: &Step) -> bool {
        step.call.operation == "UpdateService" && step.call.input.get("taskDefinition").is_some()
    }

    fn ways(&self, plan: &Plan) -> Vec<Self> {
        let mut ways = Vec::new();
        if !plan.steps.is_empty() {
            ways.push(self.applied(&plan.steps));
        }
        for ecs in self.ecs.moves() {
            ways.push(Self {
                ecs,
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
            with(&|next| {
                next.ecs.start(payload, None);
                next.waited = false;
            });
        }
        with(&|next| next.desired.retry = (next.desired.retry + 1).min(2));
        with(&|next| next.desired.retry = 0);
        with(&|next| next.finish = !next.finish);
        let other = Traffic::To(self.ecs.serving().side.other());
        for traffic in [other, Traffic::Split, Traffic::Nowhere] {
            with(&|next| next.ecs.traffic = traffic);
        }
        with(&|next| next.ecs.healthy = !next.ecs.healthy);
        with(&|next| next.waited = false);
        // ECS forgets what ended well ninety days ago and still runs.
        let rests = self.ecs.history.len() == 1;
        with(&|next| next.ecs.forgotten |= rests);
        for written in 1..plan.steps.len() {
            let mut next = self.applied(&plan.steps[..written]);
            next.waited = false;
            ways.push(next);
        }
        ways
    }

    fn judge(&self, plan: &Plan) -> Vec<String> {
        let mut judged = Judgement::default();
        let ecs = &self.ecs;
        if plan.steps.iter().any(Self::starts) {
            self.judge_start(&mut judged);
        }
        // Of what is in flight and of what is live it is told truly whose it is.
        let newest = ecs.newest();
        let foreign = matches!(plan.outcome, Outcome::Waiting(Wait::ForeignDeployment, _));
        let theirs = newest.state.in_flight() && newest.ours.is_none();
        judged.check(!foreign || theirs, "called somebody's");
        let grace = matches!(plan.outcome, Outcome::Waiting(Wait::DriftGrace, _));
        judged.check(
            !grace || ecs.primary().ours.is_none() || newest.ours.is_none(),
            "called a change by somebody",
        );
        let converged = plan.outcome == Outcome::Converged;
        judged.check(
            !converged || (self.is_good() && plan.steps.is_empty()),
            "called converged",
        );
        judged.0
    }

    /// A read that fails causes no write, and no start where the start depends on it.
    fn judge_blind(&self, plan: &Plan) -> Vec<String> {
        let mut judged = Judgement::default();
        let bench = self.bench();
        for (what, observed) in blinded(&bench) {
            let blind = bench.plan_of(&observed);
            let caused = blind.steps.iter().any(|step| !plan.steps.contains(step));
            // With a history that revision is not needed.
            let needed = what != "revision" || self.ecs.shown().is_empty();
            let started = blind.steps.iter().any(Self::starts);
            judged.check(
                !(caused || started && needed),
                &format!("with {what} unknown"),
            );
        }
        judged.0
    }

    fn is_told(&self, plan: &Plan) -> bool {
        let verdict = self.ecs.verdict(self.desired.payload);
        match &plan.outcome {
            Outcome::Converged => self.is_good(),
            Outcome::Failed(Fail::RolloutFailed, _) | Outcome::Blocked(Block::Quarantined, _) => {
                verdict.is_some_and(|one| one.state.bad())
            }
            Outcome::Blocked(Block::TrafficMismatch, _) => {
                !self.ecs.is_legal() || !self.ecs.healthy
            }
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

/// The places to start from: a service that runs A, made and recorded by us, or by somebody; with the other
/// payload never tried, or tried badly or superseded before; and with the manifest changed, or not.
fn beginnings() -> Vec<Place> {
    let attempt = |payload, retry| Attempt { payload, retry };
    let mut places = Vec::new();
    let tried = [
        (true, None),
        (false, None),
        (true, Some((State::RolledBack, false))),
        (true, Some((State::RolledBack, true))),
        (true, Some((State::Superseded, true))),
    ];
    for (ours, tried) in tried {
        let mut ecs = Ecs::new(ours);
        ecs.declared = ours.then_some(attempt(Payload::A, 0));
        if let Some((state, followed)) = tried {
            ecs.starting = Some((attempt(Payload::B, 0), Some(0)));
            ecs.start(Payload::B, Some(0));
            ecs.history.last_mut().unwrap().state = state;
            if followed {
                ecs.start(Payload::A, Some(0));
                ecs.history.last_mut().unwrap().state = State::Successful;
                ecs.traffic = Traffic::To(Side::Green);
                ecs.starting = Some((attempt(Payload::A, 0), Some(1)));
            }
        }
        for (payload, retry) in [(Payload::A, 0), (Payload::B, 0), (Payload::B, 1)] {
            places.push(Place {
                ecs: ecs.clone(),
                desired: attempt(payload, retry),
                waited: false,
                finish: false,
            });
        }
    }
    // And B in flight while the manifest is at A again, by each policy.
    let mut flying = places[0].clone();
    flying.ecs.starting = Some((attempt(Payload::B, 0), Some(0)));
    flying.ecs.start(Payload::B, Some(0));
    for finish in [false, true] {
        places.push(Place {
            finish,
            ..flying.clone()
        });
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

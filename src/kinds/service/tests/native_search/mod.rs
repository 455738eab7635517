//! Every state that a service of the engine `native` can get into, and every way on from there.
//!
//! A state is the service at AWS (its deployments with their ends, traffic, health, tags), the manifest, and
//! whether the grace time is over. From each of them the search follows the daemon's pass, what AWS may
//! make of a deployment, and, as often as it is told to, what disturbs: the manifest or its retry annotation
//! changes, a person deploys, sets weights, makes tasks sick; the daemon dies between two writes; AWS
//! forgets. Every pass is judged, also with each read failing. Without disturbances no way may go on for ever, and
//! where it ends the outcome must be the truth and stay.
//!
//! What one pass sees and what it writes are one moment here: what somebody does between them is a race that AWS
//! gives no means against.

mod ecs;

use std::collections::{BTreeMap, HashMap, VecDeque};

use serde_json::{Value, json};

use super::super::{DECLARED_TAG, intent};
use super::{Bench, Payload};
use crate::model::{Block, Fail, Kind, Outcome, Plan, Step, Wait};
use ecs::{Attempt, Ecs, Names, Side, State, Traffic, blinded};

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
    fn bench(&self, names: &Names) -> Bench {
        let mut bench = self.ecs.bench(self.desired, self.waited, names);
        if self.finish {
            let finish = json!({"inFlight": "finish"});
            bench.scene = bench.scene.beside(Kind::Service, "web", "rollout", finish);
        }
        bench
    }
}

/// A place that was searched.
struct Node {
    place: Place,
    /// The place before it on the way that was found first.
    from: Option<usize>,
    /// What follows without a disturbance.
    ways: Vec<usize>,
}

struct Search {
    names: Names,
    nodes: Vec<Node>,
    index: HashMap<Place, usize>,
    /// How many places each end has.
    rests: BTreeMap<&'static str, usize>,
    /// What is wrong, and where first.
    wrong: BTreeMap<String, String>,
}

impl Search {
    fn plan(&self, place: &Place) -> Plan {
        place.bench(&self.names).plan()
    }

    /// Notes the first place at which something is wrong, and the way there.
    fn check(&mut self, holds: bool, what: &str, place: &Place, plan: &Plan) {
        if holds || self.wrong.contains_key(what) {
            return;
        }
        let mut at = self.index.get(place).copied();
        let mut text = format!("{place:?}\n{}\n{:#?}", plan.outcome, plan.steps);
        while let Some(before) = at.and_then(|at| self.nodes[at].from) {
            text.push_str(&format!("\nafter {:?}", self.nodes[before].place));
            at = Some(before);
        }
        self.wrong.insert(what.to_owned(), text);
    }

    /// The number of a place; a new one is put into the queue.
    fn number(&mut self, place: Place, from: Option<usize>, queue: &mut VecDeque<usize>) -> usize {
        if let Some(known) = self.index.get(&place) {
            return *known;
        }
        let at = self.nodes.len();
        self.index.insert(place.clone(), at);
        self.nodes.push(Node {
            place,
            from,
            ways: Vec::new(),
        });
        queue.push_back(at);
        at
    }

    /// Searches all that can follow these places with at most so many disturbances.
    fn of(beginnings: Vec<Place>, disturbances: usize) -> Self {
        let mut search = Self {
            names: Names::new(),
            nodes: Vec::new(),
            index: HashMap::new(),
            rests: BTreeMap::new(),
            wrong: BTreeMap::new(),
        };
        let mut queue = VecDeque::new();
        for place in beginnings {
            search.number(place, None, &mut queue);
        }
        for level in 0..=disturbances {
            let mut next = VecDeque::new();
            let mut disturbed = Vec::new();
            while let Some(at) = queue.pop_front() {
                let place = search.nodes[at].place.clone();
                let plan = search.plan(&place);
                search.judge(&place, &plan);
                if level < disturbances || plan.steps.iter().any(starts) {
                    search.judge_blind(&place, &plan);
                }
                let ways = search.ways(&place, &plan);
                if ways.is_empty() {
                    search.rest(&place, &plan);
                }
                for way in ways {
                    let way = search.number(way, Some(at), &mut queue);
                    search.nodes[at].ways.push(way);
                }
                if level < disturbances {
                    let ways = search.disturbances(&place, &plan);
                    disturbed.extend(ways.into_iter().map(|way| (way, at)));
                }
            }
            // Only now: what can be reached without it counts as such.
            for (way, at) in disturbed {
                search.number(way, Some(at), &mut next);
            }
            queue = next;
        }
        search.find_circles();
        search
    }

    /// Without disturbances no way goes on for ever: places are taken away from which all ways lead to such as
    /// were taken away, until none is left.
    fn find_circles(&mut self) {
        let mut open: Vec<usize> = self.nodes.iter().map(|node| node.ways.len()).collect();
        let mut before: Vec<Vec<usize>> = vec![Vec::new(); self.nodes.len()];
        for (at, node) in self.nodes.iter().enumerate() {
            for way in &node.ways {
                before[*way].push(at);
            }
        }
        let mut ended: Vec<usize> = (0..open.len()).filter(|at| open[*at] == 0).collect();
        let mut left = open.len();
        while let Some(at) = ended.pop() {
            left -= 1;
            for other in &before[at] {
                open[*other] -= 1;
                if open[*other] == 0 {
                    ended.push(*other);
                }
            }
        }
        if left > 0 {
            let at = (0..open.len()).find(|at| open[*at] > 0).unwrap_or_default();
            let place = self.nodes[at].place.clone();
            let plan = self.plan(&place);
            self.check(false, "it goes round in circles", &place, &plan);
        }
    }

    /// What follows without a disturbance.
    fn ways(&self, place: &Place, plan: &Plan) -> Vec<Place> {
        let mut ways = Vec::new();
        if !plan.steps.is_empty() {
            ways.push(self.applied(place, &plan.steps));
        }
        for ecs in place.ecs.moves() {
            ways.push(Place {
                ecs,
                ..place.clone()
            });
        }
        if matches!(plan.outcome, Outcome::Waiting(Wait::DriftGrace, _)) && plan.steps.is_empty() {
            ways.push(Place {
                waited: true,
                ..place.clone()
            });
        }
        ways
    }

    fn disturbances(&self, place: &Place, plan: &Plan) -> Vec<Place> {
        let mut ways = Vec::new();
        let mut with = |change: &dyn Fn(&mut Place)| {
            let mut next = place.clone();
            change(&mut next);
            if next != *place {
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
        let other = Traffic::To(place.ecs.serving().side.other());
        for traffic in [other, Traffic::Split, Traffic::Nowhere] {
            with(&|next| next.ecs.traffic = traffic);
        }
        with(&|next| next.ecs.healthy = !next.ecs.healthy);
        with(&|next| next.waited = false);
        // ECS forgets what ended well ninety days ago and still runs.
        let rests = place.ecs.history.len() == 1;
        with(&|next| next.ecs.forgotten |= rests);
        for written in 1..plan.steps.len() {
            let mut next = self.applied(place, &plan.steps[..written]);
            next.waited = false;
            ways.push(next);
        }
        ways
    }

    /// The place after these writes.
    fn applied(&self, place: &Place, steps: &[Step]) -> Place {
        let mut next = place.clone();
        for step in steps {
            let input = &step.call.input;
            match step.call.operation {
                "TagResource" => {
                    for tag in input["tags"].as_array().unwrap() {
                        self.tag(&mut next.ecs, tag);
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

    fn tag(&self, ecs: &mut Ecs, tag: &Value) {
        let text = tag["value"].as_str().unwrap();
        match tag["key"].as_str().unwrap() {
            DECLARED_TAG => ecs.declared = Some(self.names.attempt(text)),
            intent::TAG => {
                let (digest, after) = text.split_once(" after ").unwrap();
                ecs.starting = Some((self.names.attempt(digest), after.parse().ok()));
            }
            other => panic!("{other}"),
        }
    }

    /// Judges one pass.
    fn judge(&mut self, place: &Place, plan: &Plan) {
        let ecs = &place.ecs;
        if plan.steps.iter().any(starts) {
            self.judge_start(place, plan);
        }
        // Of what is in flight and of what is live it is told truly whose it is.
        let newest = ecs.newest();
        let foreign = matches!(plan.outcome, Outcome::Waiting(Wait::ForeignDeployment, _));
        let theirs = newest.state.in_flight() && newest.ours.is_none();
        self.check(!foreign || theirs, "called somebody's", place, plan);
        let grace = matches!(plan.outcome, Outcome::Waiting(Wait::DriftGrace, _));
        self.check(
            !grace || ecs.primary().ours.is_none() || newest.ours.is_none(),
            "called a change by somebody",
            place,
            plan,
        );
        let converged = plan.outcome == Outcome::Converged;
        self.check(
            !converged || (Self::is_good(place) && plan.steps.is_empty()),
            "called converged",
            place,
            plan,
        );
    }

    /// A read that fails causes no write, and no start where the start depends on it.
    fn judge_blind(&mut self, place: &Place, plan: &Plan) {
        let ecs = &place.ecs;
        let bench = place.bench(&self.names);
        for (what, observed) in blinded(&bench) {
            let blind = bench.plan_of(&observed);
            let caused = blind.steps.iter().any(|step| !plan.steps.contains(step));
            // With a history that revision is not needed.
            let needed = what != "revision" || ecs.shown().is_empty();
            let started = blind.steps.iter().any(starts);
            self.check(
                !(caused || started && needed),
                &format!("with {what} unknown"),
                place,
                &blind,
            );
        }
    }

    fn judge_start(&mut self, place: &Place, plan: &Plan) {
        let (ecs, wanted) = (&place.ecs, place.desired);
        let newest = ecs.newest();
        let before = ecs.shown().iter().rev().nth(1);
        // The mark of a start that was not made: whoever deploys next is taken for us (see `intent`).
        let marked = ecs
            .starting
            .is_some_and(|(_, after)| after == before.map(|one| one.id));
        let makes_room = newest.state.before_traffic()
            && newest.payload != wanted.payload
            && (newest.ours.is_some() || marked)
            && !place.finish;
        self.check(
            !newest.state.in_flight() || makes_room,
            "a second rollout",
            place,
            plan,
        );
        if let Some(bad) = ecs.verdict(wanted.payload).filter(|one| one.state.bad()) {
            let again = |one: &&ecs::Deployment| {
                one.payload == wanted.payload
                    && one.ours == Some(wanted.retry)
                    && one.state != State::Superseded
            };
            let fresh = wanted.retry > 0 && !ecs.shown().iter().any(|one| again(&one));
            self.check(fresh, &format!("quarantined: {:?}", bad.state), place, plan);
        }
        self.check(ecs.is_legal(), "traffic is not legal", place, plan);
        self.check(
            ecs.healthy || wanted.retry > 0,
            "nothing that serves is healthy",
            place,
            plan,
        );
        let changed = ecs.declared == Some(wanted)
            && ecs.primary().ours.is_none()
            && ecs
                .verdict(wanted.payload)
                .is_none_or(|one| !one.state.bad());
        self.check(
            !changed || place.waited,
            "somebody's change without the grace time",
            place,
            plan,
        );
    }

    /// Whether what is declared serves, and gets the traffic.
    fn is_good(place: &Place) -> bool {
        let live = place.ecs.primary();
        live.payload == place.desired.payload
            && live.state == State::Successful
            && !place.ecs.newest().state.in_flight()
            && place.ecs.is_legal()
            && place.ecs.healthy
    }

    /// Nothing moves any more: the outcome says why, truly, and stays.
    fn rest(&mut self, place: &Place, plan: &Plan) {
        let ecs = &place.ecs;
        let bad = ecs
            .verdict(place.desired.payload)
            .is_some_and(|one| one.state.bad());
        let fits = match &plan.outcome {
            Outcome::Converged => Self::is_good(place),
            Outcome::Failed(Fail::RolloutFailed, _) | Outcome::Blocked(Block::Quarantined, _) => {
                bad
            }
            Outcome::Blocked(Block::TrafficMismatch, _) => !ecs.is_legal() || !ecs.healthy,
            _ => false,
        };
        self.check(fits, "it rests without the truth", place, plan);
        *self.rests.entry(plan.outcome.reason()).or_default() += 1;
        // Much later, and after a restart, which begins the grace time anew.
        for waited in [false, true] {
            let later = Place {
                waited,
                ..place.clone()
            };
            let again = self.plan(&later);
            let anew =
                place.waited && matches!(again.outcome, Outcome::Waiting(Wait::DriftGrace, _));
            let same = again.steps.is_empty() && (again.outcome == plan.outcome || anew);
            self.check(same, "it does not stay", &later, &again);
        }
    }
}

fn starts(step: &Step) -> bool {
    step.call.operation == "UpdateService" && step.call.input.get("taskDefinition").is_some()
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
            let ecs = ecs.clone();
            places.push(Place {
                ecs,
                desired: attempt(payload, retry),
                waited: false,
                finish: false,
            });
        }
    }
    // And the second of them with the other policy for what is in flight.
    let finish = Place {
        finish: true,
        ..places[1].clone()
    };
    places.push(finish);
    places
}

/// Searches with so many disturbances after each beginning, and gives how many places each end has.
fn search(disturbances: usize) -> BTreeMap<&'static str, usize> {
    let search = Search::of(beginnings(), disturbances);
    println!("{} places, rests {:?}", search.nodes.len(), search.rests);
    for (what, first) in &search.wrong {
        println!("{what}: {first}\n");
    }
    let wrong: Vec<&String> = search.wrong.keys().collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    search.rests
}

#[test]
fn every_reachable_state_keeps_the_invariants_and_comes_to_rest_in_the_truth() {
    let rests = search(1);
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

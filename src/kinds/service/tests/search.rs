//! Every state that a small pure AWS and a person beside it can get into, and every way on from there: what the
//! searches of the three engines share. Not the engines' AWS (`native_search`, `rolling_search`, `code_deploy_search`).
//!
//! From each state the search follows the daemon's pass, what AWS may make of a deployment, and, as often as it is told to,
//! what disturbs. Every pass is judged, also with each read failing. Without disturbances no way may go on for ever,
//! and where it ends the outcome must be the truth and stay.
//!
//! What one pass sees and what it writes are one moment here: what somebody does between them is a race that AWS
//! gives no means against.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt::Debug;
use std::hash::Hash;

use crate::model::{Plan, Step};

/// A state: the service at AWS, the manifest, and what the daemon remembers.
pub(super) trait Place: Clone + Eq + Hash + Debug {
    /// What a pass decides here.
    fn plan(&self) -> Plan;

    /// What may follow without a disturbance: the pass's writes, AWS's moves, time.
    fn ways(&self, plan: &Plan) -> Vec<Self>;

    /// What may follow because something disturbs.
    fn disturbances(&self, plan: &Plan) -> Vec<Self>;

    /// What is wrong with a pass.
    fn judge(&self, plan: &Plan) -> Vec<String>;

    /// What is wrong with passes of which one read failed.
    fn judge_blind(&self, plan: &Plan) -> Vec<String>;

    /// Whether the outcome is the truth of a place that nothing leads away from.
    fn is_told(&self, plan: &Plan) -> bool;

    /// The same place later: before the grace time of a difference is over (as after a restart), and after it. Each
    /// with whether the outcome may be that the grace time begins anew.
    fn later(&self) -> Vec<(Self, bool)>;

    /// Whether a step starts a deployment.
    fn starts(step: &Step) -> bool;
}

/// Places that no search needs: one that finds more finds ever longer histories.
const MOST: usize = 100_000;

/// A place that was searched.
struct Node<P> {
    place: P,
    /// The place before it on the way that was found first.
    from: Option<usize>,
    /// What follows without a disturbance.
    ways: Vec<usize>,
}

/// All places that were found, and what was found of them.
pub(super) struct Search<P> {
    nodes: Vec<Node<P>>,
    index: HashMap<P, usize>,
    /// How many places each end has.
    rests: BTreeMap<&'static str, usize>,
    /// What is wrong, and where first.
    wrong: BTreeMap<String, String>,
}

impl<P: Place> Search<P> {
    /// Searches all that can follow these places with at most so many disturbances, and gives how many places each
    /// end has.
    ///
    /// # Panics
    /// If anything is wrong anywhere.
    #[track_caller]
    pub(super) fn rests_of(
        beginnings: Vec<P>,
        disturbances: usize,
    ) -> BTreeMap<&'static str, usize> {
        let search = Self::of(beginnings, disturbances);
        println!("{} places, rests {:?}", search.nodes.len(), search.rests);
        for (what, first) in &search.wrong {
            println!("{what}: {first}\n");
        }
        let wrong: Vec<&String> = search.wrong.keys().collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
        search.rests
    }

    fn of(beginnings: Vec<P>, disturbances: usize) -> Self {
        let mut search = Self {
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
                assert!(at < MOST, "no end: {:?}", search.nodes[at].place);
                let place = search.nodes[at].place.clone();
                let plan = place.plan();
                search.note(place.judge(&plan), at, &plan);
                if level < disturbances || plan.steps.iter().any(P::starts) {
                    search.note(place.judge_blind(&plan), at, &plan);
                }
                let ways = place.ways(&plan);
                if ways.is_empty() {
                    search.rest(&place, at, &plan);
                }
                for way in ways {
                    let way = search.number(way, Some(at), &mut queue);
                    search.nodes[at].ways.push(way);
                }
                if level < disturbances {
                    let ways = place.disturbances(&plan);
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

    /// The number of a place; a new one is put into the queue.
    fn number(&mut self, place: P, from: Option<usize>, queue: &mut VecDeque<usize>) -> usize {
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

    /// Notes the first place at which each of these is wrong, and the way there.
    fn note(&mut self, wrong: Vec<String>, at: usize, plan: &Plan) {
        for what in wrong {
            if self.wrong.contains_key(&what) {
                continue;
            }
            let mut text = format!(
                "{:?}\n{}\n{:#?}",
                self.nodes[at].place, plan.outcome, plan.steps
            );
            let mut at = at;
            while let Some(before) = self.nodes[at].from {
                text.push_str(&format!("\nafter {:?}", self.nodes[before].place));
                at = before;
            }
            self.wrong.insert(what, text);
        }
    }

    /// Nothing moves any more: the outcome says why, truly, and stays.
    fn rest(&mut self, place: &P, at: usize, plan: &Plan) {
        if !place.is_told(plan) {
            let what = format!("it rests without the truth: {}", plan.outcome.reason());
            self.note(vec![what], at, plan);
        }
        *self.rests.entry(plan.outcome.reason()).or_default() += 1;
        for (later, may_wait) in place.later() {
            let again = later.plan();
            let anew = may_wait && again.outcome.reason() == "DriftGrace";
            let same = again.steps.is_empty() && (again.outcome == plan.outcome || anew);
            if !same {
                self.note(vec!["it does not stay".to_owned()], at, &again);
            }
        }
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
            let plan = self.nodes[at].place.plan();
            self.note(vec!["it goes round in circles".to_owned()], at, &plan);
        }
    }
}

/// Collects what does not hold.
#[derive(Default)]
pub(super) struct Judgement(pub(super) Vec<String>);

impl Judgement {
    pub(super) fn check(&mut self, holds: bool, what: &str) {
        if !holds {
            self.0.push(what.to_owned());
        }
    }
}

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::kinds::testing::Scene;
use crate::model::{Call, Plan, Service as Api, Step};

fn key(name: &str) -> Key {
    Key::new(Kind::Service, name)
}

/// Services `a1`, `a2`, `b1`, ... whose label `team` is their first letter.
fn set(names: &[&str]) -> DesiredSet {
    let mut scene = Scene::default();
    for name in names {
        scene = scene.with(Kind::Service, name, json!({"serviceName": name}));
        let resource = scene.set.resources.get_mut(&key(name)).unwrap();
        resource
            .labels
            .extend([("team".to_owned(), name[..1].to_owned())]);
    }
    scene.set
}

fn limits(all: Option<usize>, teams: &[&str]) -> Limits {
    Limits {
        all,
        by_label: teams.iter().map(|limit| limit.parse().unwrap()).collect(),
    }
}

fn slots(all: Option<usize>, teams: &[&str], names: &[&str]) -> Slots {
    let mut slots = Slots::new(limits(all, teams));
    assert_eq!(slots.declare(&set(names)), []);
    slots
}

/// How a pass ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Pass {
    /// It would start a rollout, and may not.
    Wants,
    Starts,
    /// Its start was sent, and no answer came.
    Doubts,
    /// AWS refused its start.
    Refused,
    /// One is in flight.
    Flies,
    /// A newer one takes the place of the one in flight.
    Supersedes,
    Rests,
    /// Nothing could be read.
    Blind,
}

fn start() -> Step {
    Step {
        call: Call {
            service: Api::CodeDeploy,
            operation: "CreateDeployment",
            input: json!({}),
        },
        why: "deploy".to_owned(),
    }
}

fn done(pass: Pass) -> Done {
    let text = String::new();
    let (outcome, flying) = match pass {
        Pass::Wants => (Outcome::Waiting(Wait::RolloutLimit, text), Some(false)),
        Pass::Starts => (Outcome::Acting(text), Some(false)),
        Pass::Doubts => (Outcome::Waiting(Wait::TransientError, text), Some(false)),
        Pass::Refused => (Outcome::Failed(Fail::Rejected, text), Some(false)),
        Pass::Flies => (Outcome::Waiting(Wait::RolloutInProgress, text), Some(true)),
        Pass::Supersedes => (Outcome::Acting(text), Some(true)),
        Pass::Rests => (Outcome::Converged, Some(false)),
        Pass::Blind => (Outcome::Waiting(Wait::ObservationUnknown, text), None),
    };
    let accepted = matches!(pass, Pass::Starts | Pass::Supersedes);
    let writes = accepted || matches!(pass, Pass::Doubts | Pass::Refused);
    let mut plan = Plan::only(outcome);
    plan.flying = flying;
    plan.steps = if writes { vec![start()] } else { Vec::new() };
    Done {
        accepted: usize::from(accepted),
        touched: writes,
        ..Done::without_writes(plan)
    }
}

impl Slots {
    /// A whole pass; gives whose turn it is then.
    fn pass(&mut self, name: &str, pass: Pass, at: i64) -> Vec<String> {
        let kept = self.begin(&key(name));
        match pass {
            Pass::Wants => assert!(kept.is_some(), "{name} could start"),
            Pass::Starts | Pass::Doubts | Pass::Refused => assert_eq!(kept, None, "{name}"),
            _ => {}
        }
        let given = self.end(&key(name), &done(pass), Moment(at));
        given.into_iter().map(|key| key.name).collect()
    }

    fn why_not(&self, name: &str) -> String {
        self.clone_for_test().begin(&key(name)).unwrap()
    }

    fn clone_for_test(&self) -> Self {
        Self {
            limits: self.limits.clone(),
            services: self.services.clone(),
        }
    }
}

const NOBODY: [&str; 0] = [];

#[test]
fn a_free_place_is_taken_at_once() {
    let mut slots = slots(Some(2), &[], &["a1", "b1"]);
    assert_eq!(slots.pass("a1", Pass::Starts, 0), NOBODY);
    assert_eq!(slots.pass("b1", Pass::Starts, 0), NOBODY);
}

#[test]
fn no_place_is_given_before_what_may_be_in_flight_was_looked_at() {
    let mut slots = slots(Some(2), &[], &["a1", "a2", "b1", "b2"]);
    // Three were not looked at, then two, then one could not be.
    assert_eq!(slots.pass("a1", Pass::Wants, 1), NOBODY);
    assert_eq!(slots.pass("a2", Pass::Rests, 2), NOBODY);
    assert_eq!(slots.pass("b1", Pass::Blind, 3), NOBODY);
    let why = slots.why_not("a1");
    assert!(
        why.contains("2 of 2 rollouts in flight: b1 (not known yet), b2"),
        "{why}"
    );
    assert_eq!(
        slots.pass("b2", Pass::Flies, 4),
        NOBODY,
        "one flies, one is not known"
    );
    assert_eq!(slots.pass("b1", Pass::Rests, 5), ["a1"]);
    assert_eq!(slots.pass("a1", Pass::Starts, 6), NOBODY);
    assert_eq!(slots.pass("a2", Pass::Wants, 7), NOBODY);
}

#[test]
fn who_waits_longest_is_next_and_one_that_never_ends_keeps_its_place() {
    let mut slots = slots(Some(2), &[], &["a1", "a2", "b1", "b2"]);
    for name in ["a1", "a2"] {
        slots.pass(name, Pass::Flies, 0);
    }
    for name in ["b1", "b2"] {
        slots.pass(name, Pass::Rests, 0);
    }
    slots.pass("b2", Pass::Wants, 1);
    slots.pass("b1", Pass::Wants, 2);
    slots.pass("b2", Pass::Wants, 3);
    assert_eq!(slots.pass("a1", Pass::Rests, 4), ["b2"]);
    assert_eq!(slots.pass("a1", Pass::Rests, 5), NOBODY, "it is taken");
    slots.pass("b2", Pass::Starts, 6);
    slots.pass("b2", Pass::Flies, 7);
    let why = slots.why_not("b1");
    assert!(why.contains("2 of 2 rollouts in flight: a2, b2"), "{why}");
    assert_eq!(slots.pass("b2", Pass::Rests, 8), ["b1"]);
}

#[test]
fn a_service_whose_rollout_has_ended_goes_behind_those_that_waited_meanwhile() {
    let mut slots = slots(Some(1), &[], &["a1", "b1"]);
    slots.pass("b1", Pass::Rests, 0);
    slots.pass("a1", Pass::Starts, 1);
    slots.pass("b1", Pass::Wants, 2);
    // A newer manifest of a1 takes the place of its own, and after its end comes last.
    slots.pass("a1", Pass::Supersedes, 3);
    let why = slots.why_not("a1");
    assert!(why.contains("b1 waits longer"), "{why}");
    assert_eq!(slots.pass("a1", Pass::Wants, 4), ["b1"]);
    slots.pass("b1", Pass::Starts, 5);
    assert_eq!(slots.pass("b1", Pass::Rests, 6), ["a1"]);
    // With nobody waiting there is no detour.
    slots.pass("a1", Pass::Starts, 7);
    assert_eq!(slots.pass("a1", Pass::Starts, 8), NOBODY);
}

#[test]
fn a_label_keeps_only_its_own_back() {
    for team in ["team:1", "team=a:1"] {
        let mut slots = slots(Some(3), &[team], &["a1", "a2", "a3", "b1"]);
        slots.pass("a1", Pass::Flies, 0);
        for name in ["a2", "a3", "b1"] {
            slots.pass(name, Pass::Rests, 0);
        }
        assert_eq!(slots.pass("a2", Pass::Wants, 1), NOBODY);
        let why = slots.why_not("a2");
        let told = "1 of 1 rollouts with team=a in flight: a1";
        assert!(why.contains(told), "{why}");
        slots.pass("b1", Pass::Starts, 2);
        slots.pass("a3", Pass::Wants, 3);
        assert_eq!(slots.pass("a1", Pass::Rests, 4), ["a2"], "one of the two");
    }
}

#[test]
fn each_value_of_a_label_counts_by_itself() {
    let mut slots = slots(None, &["team:1"], &["a1", "a2", "b1"]);
    for name in ["a1", "a2", "b1"] {
        slots.pass(name, Pass::Rests, 0);
    }
    slots.pass("a1", Pass::Starts, 1);
    slots.pass("b1", Pass::Starts, 1);
    slots.pass("a2", Pass::Wants, 2);
    let shown: Vec<_> = slots
        .shown()
        .into_iter()
        .map(|one| (one.value, one.most, one.taken, one.waiting))
        .collect();
    assert_eq!(
        shown,
        [("a".to_owned(), 1, 1, 1), ("b".to_owned(), 1, 1, 0)]
    );
}

#[test]
fn a_place_that_is_not_used_goes_on_and_a_start_in_doubt_keeps_it() {
    let mut slots = slots(Some(1), &[], &["a1", "b1"]);
    slots.pass("b1", Pass::Flies, 0);
    slots.pass("a1", Pass::Wants, 1);
    assert_eq!(slots.pass("b1", Pass::Wants, 2), ["a1"]);
    assert_eq!(slots.pass("a1", Pass::Rests, 3), ["b1"], "none was needed");
    slots.pass("b1", Pass::Doubts, 4);
    assert_eq!(
        slots.pass("a1", Pass::Wants, 5),
        NOBODY,
        "it may be in flight"
    );
    assert_eq!(slots.pass("b1", Pass::Blind, 6), NOBODY);
    assert_eq!(slots.pass("b1", Pass::Rests, 7), ["a1"]);
    assert_eq!(slots.pass("a1", Pass::Refused, 8), NOBODY);
    assert_eq!(
        slots.pass("b1", Pass::Starts, 9),
        NOBODY,
        "none is in flight"
    );
}

#[test]
fn whoever_cannot_be_looked_at_keeps_its_turn_in_line_and_holds_up_nobody() {
    let mut slots = slots(Some(1), &[], &["a1", "b1", "b2"]);
    slots.pass("b2", Pass::Flies, 0);
    slots.pass("a1", Pass::Rests, 0);
    slots.pass("b1", Pass::Rests, 0);
    slots.pass("a1", Pass::Wants, 1);
    slots.pass("b1", Pass::Wants, 2);
    assert_eq!(slots.pass("b2", Pass::Rests, 3), ["a1"]);
    assert_eq!(slots.pass("a1", Pass::Blind, 4), ["b1"]);
    slots.pass("b1", Pass::Starts, 5);
    slots.pass("b2", Pass::Wants, 6);
    slots.pass("a1", Pass::Wants, 7);
    assert_eq!(
        slots.pass("b1", Pass::Rests, 8),
        ["a1"],
        "it has waited since 1"
    );
}

#[test]
fn what_persons_order_and_others_start_asks_for_no_place_and_counts() {
    let mut slots = slots(Some(1), &[], &["a1", "b1"]);
    slots.pass("a1", Pass::Rests, 0);
    slots.pass("b1", Pass::Rests, 0);
    slots.ordered(&key("a1"), false);
    slots.pass("b1", Pass::Rests, 1);
    slots.ordered(&key("a1"), true);
    assert_eq!(slots.pass("b1", Pass::Wants, 2), NOBODY);
    assert_eq!(slots.pass("a1", Pass::Rests, 3), ["b1"]);
    slots.pass("a1", Pass::Flies, 4);
    slots.pass("b1", Pass::Starts, 5);
    let why = slots.why_not("a1");
    assert!(why.contains("1 of 1 rollouts in flight: b1"), "{why}");
}

#[test]
fn a_service_that_goes_leaves_its_place() {
    let mut slots = slots(Some(1), &[], &["a1", "b1"]);
    slots.pass("b1", Pass::Flies, 0);
    slots.pass("a1", Pass::Wants, 1);
    assert_eq!(slots.declare(&set(&["a1"])), [key("a1")]);
    // Its pass came to nothing, and whoever comes again is unseen.
    assert_eq!(slots.begin(&key("a1")), None);
    slots.declare(&set(&["a1", "b1"]));
    assert_eq!(slots.abandon(&key("a1")), []);
    let why = slots.why_not("a1");
    assert!(why.contains("b1 (not known yet)"), "{why}");
}

#[test]
fn without_limits_nothing_is_asked() {
    let mut slots = slots(None, &[], &["a1", "b1"]);
    for name in ["a1", "b1"] {
        assert_eq!(slots.begin(&key(name)), None);
        assert_eq!(slots.end(&key(name), &done(Pass::Starts), Moment(0)), []);
    }
    assert_eq!(slots.shown(), []);
}

#[test]
fn a_preview_says_which_rollouts_would_wait() {
    let names = ["a1", "a2", "b1", "b2", "b3"];
    let mut plans = Preview::new();
    for name in names {
        let pass = if name == "a1" {
            Pass::Flies
        } else {
            Pass::Starts
        };
        plans.insert(key(name), done(pass).plan);
    }
    plans.insert(key("b3"), done(Pass::Rests).plan);
    foretell(&limits(Some(3), &["team=a:1"]), &set(&names), &mut plans);
    let why = |name: &str| plans[&key(name)].steps[0].why.clone();
    assert_eq!(
        (why("b1"), why("b2")),
        ("deploy".to_owned(), "deploy".to_owned())
    );
    let waits = why("a2");
    let told = "not yet: its rollout waits for its turn: 1 of 1 rollouts with team=a in flight: a1";
    assert!(waits.contains(told), "{waits}");
    foretell(&limits(Some(2), &[]), &set(&names), &mut plans);
    let waits = plans[&key("b2")].steps[0].why.clone();
    assert!(waits.contains("2 of 2 rollouts in flight"), "{waits}");
}

/// What may happen to one of the services.
#[derive(Clone, Copy, Debug)]
enum Move {
    /// Its manifest changes.
    Change,
    /// A pass over it begins.
    Begin,
    /// The pass over it ends; its observation may have failed, and so may its start.
    End { blind: bool, lost: bool },
    /// Its rollout ends at AWS.
    Land,
    /// The program is started anew.
    Restart,
}

fn moves() -> impl Strategy<Value = Vec<(usize, Move)>> {
    let one = prop_oneof![
        2 => Just(Move::Change),
        6 => Just(Move::Begin),
        6 => (proptest::bool::weighted(0.1), proptest::bool::weighted(0.1))
            .prop_map(|(blind, lost)| Move::End { blind, lost }),
        3 => Just(Move::Land),
        1 => Just(Move::Restart),
    ];
    proptest::collection::vec((0..NAMES.len(), one), 0..120)
}

const NAMES: [&str; 5] = ["a1", "a2", "a3", "b1", "b2"];

/// AWS, and the loop around the places.
struct World {
    slots: Slots,
    flying: [bool; NAMES.len()],
    differs: [bool; NAMES.len()],
    /// Passes that run: whether each may start, and whether a rollout was in flight when it looked.
    running: [Option<(bool, bool)>; NAMES.len()],
    due: Vec<usize>,
    now: i64,
}

impl World {
    fn new() -> Self {
        Self {
            slots: slots(Some(2), &["team=a:1"], &NAMES),
            flying: [false; NAMES.len()],
            differs: [false; NAMES.len()],
            running: [None; NAMES.len()],
            due: Vec::new(),
            now: 0,
        }
    }

    fn step(&mut self, at: usize, step: Move) {
        self.now += 1;
        match step {
            Move::Change => self.differs[at] = true,
            Move::Land => self.flying[at] = false,
            Move::Restart => {
                self.slots = slots(Some(2), &["team=a:1"], &NAMES);
                self.running = [None; NAMES.len()];
                self.due.clear();
            }
            Move::Begin if self.running[at].is_none() => {
                let may = self.slots.begin(&key(NAMES[at])).is_none();
                self.running[at] = Some((may, self.flying[at]));
            }
            Move::Begin => {}
            Move::End { blind, lost } => self.end(at, blind, lost),
        }
        let by_team = self.flying[..3].iter().filter(|flying| **flying).count();
        let all = self.flying.iter().filter(|flying| **flying).count();
        assert!(all <= 2 && by_team <= 1, "{:?}", self.flying);
    }

    fn end(&mut self, at: usize, blind: bool, lost: bool) {
        let Some((may, flew)) = self.running[at].take() else {
            return;
        };
        let pass = match (blind, flew, self.differs[at]) {
            (true, _, _) => Pass::Blind,
            // What has landed since it was looked at is taken for in flight, and its place is.
            (_, true, true) => Pass::Supersedes,
            (_, true, false) => Pass::Flies,
            (_, false, true) if may && lost => Pass::Doubts,
            (_, false, true) if may => Pass::Starts,
            (_, false, true) => Pass::Wants,
            (_, false, false) => Pass::Rests,
        };
        if matches!(pass, Pass::Starts | Pass::Doubts | Pass::Supersedes) {
            self.flying[at] = true;
            self.differs[at] = false;
        }
        let given = self
            .slots
            .end(&key(NAMES[at]), &done(pass), Moment(self.now));
        for key in given {
            let at = NAMES.iter().position(|name| *name == key.name);
            self.due.extend(at);
        }
    }

    /// A look that ends well, and what follows from it at once.
    fn look(&mut self, at: usize) {
        let mut due = vec![at];
        while let Some(at) = due.pop() {
            self.step(at, Move::Begin);
            let (blind, lost) = (false, false);
            self.step(at, Move::End { blind, lost });
            due.append(&mut self.due);
        }
    }
}

proptest! {
    /// Whatever happens in whatever order, no more are in flight than may be; and from there a fair world starts
    /// all that waits.
    #[test]
    fn there_are_never_too_many_and_everybody_has_a_turn(moves in moves()) {
        let mut world = World::new();
        for (at, step) in moves {
            world.step(at, step);
        }
        for _ in 0..=NAMES.len() {
            for at in 0..NAMES.len() {
                world.step(at, Move::Land);
            }
            for at in 0..NAMES.len() {
                world.look(at);
            }
        }
        prop_assert_eq!(world.differs, [false; NAMES.len()]);
    }
}

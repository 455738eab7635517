//! What keeps a rollout from starting, for every engine alike.

use serde_json::json;

use super::{Bench, Payload};
use crate::kinds::testing::{assert_inert, calls};
use crate::model::{Facts, Key, Kind, Outcome, Seen};

/// The bench with a service `db` that has to come first, settled or not.
pub(super) fn behind_db(mut bench: Bench, settled: bool) -> Bench {
    let section = json!({"dependsOn": ["db"]});
    bench.scene = bench.scene.beside(Kind::Service, "web", "rollout", section);
    let facts = Facts {
        ready: true,
        settled,
        ..Facts::default()
    };
    let db = Key::new(Kind::Service, "db");
    bench.scene.facts.insert(db, facts);
    bench
}

/// A bench for each engine, in which a rollout is due, with the call that starts it.
pub(super) fn due() -> Vec<(Bench, &'static str)> {
    let mut deploying = Bench::blue_green(Payload::B, Payload::A);
    deploying.observed.history = Some(Seen::Present(Vec::new()));
    let mut updating = Bench::rolling(Payload::B, Payload::A, "COMPLETED");
    updating.observed.service_deployments = Some(Seen::Present(json!([])));
    let mut creating = Bench::rolling(Payload::A, Payload::A, "COMPLETED");
    creating.observed.service = Seen::Absent;
    vec![
        (deploying, "CreateDeployment"),
        (updating, "UpdateService"),
        (creating, "CreateService"),
    ]
}

#[test]
fn a_rollout_starts_only_after_the_services_that_come_first() {
    for (bench, operation) in due() {
        let plan = behind_db(bench, false).plan();
        assert_inert(&plan, "DependencyNotReady");
        assert!(plan.outcome.message().contains("Service/db"), "{plan:?}");
        assert!(plan.rollout.is_none(), "none is in flight: {plan:?}");
        assert!(operation == "CreateService" || !plan.drift.is_empty());
    }
    for (bench, operation) in due() {
        let plan = behind_db(bench, true).plan();
        // After the mark of what is started, where there is one.
        assert_eq!(calls(&plan).pop().unwrap().0, operation);
    }
}

#[test]
fn a_service_that_was_not_seen_yet_is_waited_for() {
    for (bench, _) in due() {
        let mut bench = behind_db(bench, true);
        bench.scene.facts.remove(&Key::new(Kind::Service, "db"));
        assert_inert(&bench.plan(), "DependencyNotReady");
    }
}

#[test]
fn the_error_of_a_manifest_that_comes_first_is_told() {
    let (bench, _) = due().remove(0);
    let mut bench = behind_db(bench, false);
    let db = Key::new(Kind::Service, "db");
    bench.scene.set.invalid.insert(db, "no image".to_owned());
    assert!(bench.plan().outcome.message().contains("no image"));
}

#[test]
fn quiet_changes_are_made_whatever_comes_first() {
    let mut bench = Bench::rolling(Payload::A, Payload::A, "COMPLETED");
    bench.spec()["healthCheckGracePeriodSeconds"] = json!(61);
    let plan = behind_db(bench, false).plan();
    let (operation, input) = plan
        .steps
        .iter()
        .map(|step| (step.call.operation, &step.call.input))
        .find(|(operation, _)| *operation == "UpdateService")
        .unwrap();
    assert_eq!(
        (operation, &input["healthCheckGracePeriodSeconds"]),
        ("UpdateService", &json!(61))
    );
    assert!(matches!(plan.outcome, Outcome::Acting(_)));
}

#[test]
fn a_preview_tells_the_start_and_what_keeps_it() {
    for (bench, operation) in due() {
        let mut bench = behind_db(bench, false);
        bench.scene.policy.in_the_end = true;
        let plan = bench.plan();
        assert_eq!(calls(&plan).pop().unwrap().0, operation);
        let why = &plan.steps.last().unwrap().why;
        assert!(why.contains("; not yet: "), "{why}");
        assert!(why.contains("Service/db"), "{why}");
    }
}

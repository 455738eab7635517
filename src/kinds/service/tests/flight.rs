//! What counts as in flight, and the gate of the limit.

use serde_json::{Value, json};

use super::bench::{attempt, network};
use super::{Bench, Payload, deployment};
use crate::kinds::testing::{assert_inert, calls};
use crate::model::{Facts, Key, Kind, Outcome, Seen};

use Payload::{A, B};

/// A service deployment of a payload, in this state.
fn deployed(payload: Payload, status: &str) -> Value {
    json!({"serviceDeploymentArn": "arn:aws:ecs:us-east-1:123456789012:service-deployment/main/web/7", "status": status,
        "revision": {"taskDefinition": payload.task_definition(), "platformVersion": "1.4.0",
            "networkConfiguration": network()}})
}

fn rolling(desired: Payload, state: &str, newest: Option<&str>) -> Bench {
    let mut bench = Bench::rolling(desired, A, state);
    let list = newest.map(|status| json!([deployed(A, status)]));
    bench.observed.service_deployments = list.map(Seen::Present);
    bench
}

fn code_deploy(status: &str, ours: bool) -> Bench {
    let mut bench = Bench::blue_green(B, A);
    let mut one = deployment("d-1", &attempt(B, "CODE_DEPLOY", None), status);
    if !ours {
        one["description"] = json!("by hand");
    }
    bench.deployments(vec![one]);
    bench
}

#[test]
fn a_rollout_is_in_flight_whoever_started_it() {
    let mut without_group = Bench::blue_green(A, A);
    without_group.without_group_manifest();
    let mut with_two_sets = Bench::blue_green(A, A);
    with_two_sets.without_group_manifest();
    let sets = with_two_sets.live()["taskSets"].as_array_mut().unwrap();
    sets.push(json!({"id": "ecs-svc/2", "status": "ACTIVE"}));
    let mut current = rolling(A, "COMPLETED", None);
    current.live()["currentServiceDeployment"] = json!("arn:1");
    let mut creating = rolling(A, "COMPLETED", None);
    creating.observed.service = Seen::Absent;
    let mut external = rolling(A, "IN_PROGRESS", None);
    external.live()["deploymentController"] = json!({"type": "EXTERNAL"});
    for (what, bench, flying) in [
        ("at rest", rolling(A, "COMPLETED", None), false),
        ("progressing", rolling(A, "IN_PROGRESS", None), true),
        ("as the service says", current, true),
        (
            "foreign",
            rolling(B, "IN_PROGRESS", Some("IN_PROGRESS")),
            true,
        ),
        (
            "going back",
            rolling(B, "COMPLETED", Some("ROLLBACK_IN_PROGRESS")),
            true,
        ),
        ("failed", rolling(B, "FAILED", Some("STOPPED")), false),
        ("to be made", creating, false),
        ("external", external, false),
        ("no deployment yet", Bench::blue_green(B, A), false),
        ("CodeDeploy", code_deploy("InProgress", true), true),
        ("CodeDeploy, foreign", code_deploy("Ready", false), true),
        ("CodeDeploy, over", code_deploy("Succeeded", true), false),
        ("no group, one set", without_group, false),
        ("no group, two sets", with_two_sets, true),
    ] {
        assert_eq!(bench.plan().flying, Some(flying), "{what}");
    }
}

#[test]
fn what_could_not_be_read_is_not_known() {
    let unknown = || Seen::Unknown("timeout".to_owned());
    let mut service = Bench::rolling(B, A, "COMPLETED");
    service.observed.service = unknown();
    let mut deployments = Bench::rolling(B, A, "COMPLETED");
    deployments.observed.service_deployments = Some(unknown());
    let mut group = Bench::blue_green(A, A);
    group.observed.group = Some(unknown());
    let mut last = Bench::blue_green(A, A);
    last.observed.deployment = Some(unknown());
    // Looked for in another cluster than its own.
    let mut elsewhere = Bench::rolling(A, A, "COMPLETED");
    elsewhere.observed.service = Seen::Absent;
    elsewhere.unresolved = vec![Key::new(Kind::Cluster, "main")];
    // There is none in a cluster that is not there, and cannot be made, say.
    let mut nowhere = Bench::rolling(A, A, "COMPLETED");
    nowhere.observed.service = Seen::Absent;
    nowhere.unresolved.clone_from(&elsewhere.unresolved);
    let cluster = (Key::new(Kind::Cluster, "main"), Facts::default());
    nowhere.scene.facts.extend([cluster]);
    assert_eq!(nowhere.plan().flying, Some(false));
    for bench in [service, deployments, group, last, elsewhere] {
        assert_eq!(bench.plan().flying, None);
    }
}

#[test]
fn a_rollout_waits_for_its_turn_and_what_supersedes_has_it() {
    let mut creating = rolling(A, "COMPLETED", None);
    creating.observed.service = Seen::Absent;
    let mut deploying = Bench::blue_green(B, A);
    deploying.observed.history = Some(Seen::Present(Vec::new()));
    for mut bench in [
        rolling(B, "COMPLETED", Some("SUCCESSFUL")),
        deploying,
        creating,
    ] {
        assert!(matches!(bench.plan().outcome, Outcome::Acting(_)));
        bench.turn = Some("its rollout waits for its turn: 2 of 2");
        let plan = bench.plan();
        assert_inert(&plan, "RolloutLimit");
        assert!(plan.outcome.message().ends_with("2 of 2"));
        assert!(plan.rollout.is_none() && plan.flying == Some(false));
    }
    // Ours in flight, of an older manifest, before its traffic.
    let mut bench = Bench::blue_green(B, A);
    bench.deployments(vec![deployment("d-1", "v1:older", "Created")]);
    bench.turn = Some("its rollout waits for its turn: 2 of 2");
    let operations: Vec<&str> = calls(&bench.plan()).iter().map(|call| call.0).collect();
    assert_eq!(operations, ["TagResource", "StopDeployment"]);
}

#[test]
fn the_turn_is_asked_for_last() {
    let mut bench = rolling(B, "COMPLETED", Some("SUCCESSFUL"));
    bench.turn = Some("its rollout waits for its turn");
    let section = json!({"approval": {"timeout": "24h"}});
    let scene = std::mem::take(&mut bench.scene);
    bench.scene = scene.beside(Kind::Service, "web", "rollout", section);
    assert_inert(&bench.plan(), "ApprovalPending");
    // Quiet changes are made meanwhile.
    let mut quiet = rolling(A, "COMPLETED", None);
    quiet.turn = bench.turn;
    quiet.spec()["healthCheckGracePeriodSeconds"] = json!(61);
    assert!(matches!(quiet.plan().outcome, Outcome::Acting(_)));
}

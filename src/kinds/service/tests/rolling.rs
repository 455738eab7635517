//! The table of `rolling`, row by row.

use serde_json::{Value, json};

use super::bench::{CLUSTER, NOW, network};
use super::{Bench, Payload};
use crate::kinds::testing::{assert_converged, assert_inert, calls, only_call};
use crate::model::{Key, Kind, Moment, Outcome, Plan, Seen};

use Payload::{A, B};

fn ended(payload: Payload, status: &str) -> Value {
    json!({"serviceDeploymentArn": "arn:aws:ecs:us-east-1:123456789012:service-deployment/main/web/7", "status": status, "statusReason": "the circuit breaker threshold was exceeded",
        "revision": {"taskDefinition": payload.task_definition(), "platformVersion": "1.4.0",
            "networkConfiguration": network()}})
}

/// A bench that declares B, runs A, and whose service deployments are these, newest first.
fn differing(newest_first: Vec<Value>) -> Bench {
    let mut bench = Bench::rolling(B, A, "COMPLETED");
    bench.observed.service_deployments = Some(Seen::Present(Value::from(newest_first)));
    bench
}

fn tagged(mut bench: Bench) -> Bench {
    let attempt = bench.attempt();
    bench.tag(&attempt);
    bench
}

fn updates(plan: &Plan) -> bool {
    plan.steps
        .iter()
        .any(|step| step.call.input.get("taskDefinition").is_some())
}

#[test]
fn equal_and_completed_is_converged_and_recorded() {
    let bench = Bench::rolling(A, A, "COMPLETED");
    assert_eq!(only_call(&bench.plan()).0, "TagResource");
    assert_converged(&tagged(bench).plan());
}

#[test]
fn equal_and_in_flight_is_waited_for_with_the_reason_why_tasks_stop() {
    let mut bench = tagged(Bench::rolling(A, A, "IN_PROGRESS"));
    bench.observed.stop_reasons = vec!["CannotPullContainerError".to_owned()];
    let plan = bench.plan();
    assert_inert(&plan, "RolloutInProgress");
    assert!(
        plan.outcome.message().contains("CannotPullContainerError"),
        "{}",
        plan.outcome
    );
    assert!(
        plan.rollout
            .is_some_and(|rollout| rollout.id == "ecs-svc/1")
    );
}

#[test]
fn equal_and_failed_is_failed() {
    let mut bench = tagged(Bench::rolling(A, A, "FAILED"));
    bench.observed.stop_reasons = vec!["OutOfMemoryError".to_owned()];
    let plan = bench.plan();
    assert_inert(&plan, "RolloutFailed");
    assert!(
        plan.outcome.message().contains("OutOfMemoryError"),
        "{}",
        plan.outcome
    );
}

#[test]
fn a_changed_manifest_is_one_update_with_everything_that_differs() {
    for newest in [
        vec![],
        vec![ended(A, "SUCCESSFUL")],
        vec![ended(B, "STOPPED")],
        vec![ended(A, "ROLLBACK_FAILED")],
    ] {
        let mut bench = differing(newest);
        bench.live()["desiredCount"] = json!(1);
        let plan = bench.plan();
        let calls = calls(&plan);
        // What is started, and after what, is written down first.
        let (mark, tags) = &calls[0];
        assert_eq!((*mark, calls.len()), ("TagResource", 2), "{plan:?}");
        assert_eq!(tags["tags"][0]["key"], "evenkeel.dev/starting");
        assert_eq!(
            calls[1],
            (
                "UpdateService",
                json!({"cluster": CLUSTER, "service": "web", "taskDefinition": B.task_definition(), "desiredCount": 2})
            )
        );
    }
}

/// AWS lets a newer deployment supersede one in flight: a fixed manifest need not wait for a
/// deployment that can never end.
#[test]
fn a_changed_manifest_supersedes_a_deployment_in_flight() {
    let mut bench = Bench::rolling(B, A, "IN_PROGRESS");
    bench.observed.service_deployments = Some(Seen::Present(json!([ended(A, "IN_PROGRESS")])));
    bench.live()["tags"] = json!([{"key": "evenkeel.dev/starting", "value": "v1:of-a after none"}]);
    let plan = bench.plan();
    assert!(updates(&plan));
    assert!(plan.rollout.is_some_and(|rollout| rollout.superseded));
    // By choice it waits.
    let finish = json!({"inFlight": "finish"});
    bench.scene = bench.scene.beside(Kind::Service, "web", "rollout", finish);
    let plan = bench.plan();
    assert_inert(&plan, "RolloutInProgress");
    let message = plan.outcome.message();
    assert!(message.contains("rollout.inFlight is finish"), "{message}");
    assert!(message.contains("without a circuit breaker"), "{message}");
    // One that is asked to stop makes room.
    bench.observed.service_deployments = Some(Seen::Present(json!([ended(A, "STOP_REQUESTED")])));
    assert!(updates(&bench.plan()));
}

#[test]
fn what_somebody_else_deploys_is_respected_whatever_the_manifest_says_since() {
    // No tag of ours led to it, or one of ours led to another.
    for mark in [None, Some("v1:of-a after none")] {
        let mut bench = Bench::rolling(B, A, "IN_PROGRESS");
        let mut older = ended(A, "SUCCESSFUL");
        older["serviceDeploymentArn"] =
            json!("arn:aws:ecs:us-east-1:123456789012:service-deployment/main/web/6");
        let history = json!([ended(A, "IN_PROGRESS"), older]);
        bench.observed.service_deployments = Some(Seen::Present(history));
        if let Some(mark) = mark {
            bench.live()["tags"] = json!([{"key": "evenkeel.dev/starting", "value": mark}]);
        }
        let plan = bench.plan();
        assert_inert(&plan, "ForeignDeployment");
        assert!(plan.rollout.is_some_and(|rollout| !rollout.ours));
    }
}

#[test]
fn a_change_by_somebody_else_is_healed_after_the_grace_time() {
    for (minutes, healed) in [(None, false), (Some(9), false), (Some(10), true)] {
        let mut bench = tagged(differing(vec![
            ended(A, "SUCCESSFUL"),
            ended(B, "SUCCESSFUL"),
        ]));
        bench.drifting_since = minutes.map(|minutes: i64| Moment(NOW.0 - minutes * 60_000));
        let plan = bench.plan();
        assert_eq!(updates(&plan), healed, "{minutes:?}");
        if !healed {
            assert_inert(&plan, "DriftGrace");
        }
    }
}

#[test]
fn what_was_rolled_back_is_not_started_again() {
    for status in [
        "ROLLBACK_SUCCESSFUL",
        "ROLLBACK_FAILED",
        "ROLLBACK_IN_PROGRESS",
        "ROLLBACK_REQUESTED",
    ] {
        let mut bench = tagged(differing(vec![ended(B, status)]));
        bench.drifting_since = Some(Moment(0));
        let plan = bench.plan();
        assert_inert(&plan, "RolloutFailed");
        assert!(
            plan.outcome.message().contains("threshold"),
            "{}",
            plan.outcome
        );
        assert!(
            plan.outcome.message().contains("evenkeel.dev/retry"),
            "{}",
            plan.outcome
        );
        // Another payload was declared in between.
        let mut bench = differing(vec![ended(A, "SUCCESSFUL"), ended(B, status)]);
        bench.tag("v1:of-a");
        assert_inert(&bench.plan(), "Quarantined");
        // Each new text of the annotation is one attempt.
        bench.retry("once more");
        assert!(updates(&bench.plan()));
        assert_inert(&tagged(bench).plan(), "RolloutFailed");
    }
}

#[test]
fn only_the_newest_deployment_of_a_task_definition_counts() {
    let bench = differing(vec![
        ended(B, "SUCCESSFUL"),
        ended(B, "ROLLBACK_SUCCESSFUL"),
    ]);
    assert!(updates(&bench.plan()));
}

/// The same task definition in another network was never tried: what was rolled back before it is
/// not the same content.
#[test]
fn a_change_beside_the_task_definition_is_not_taken_for_what_was_rolled_back() {
    let mut bench = Bench::rolling(A, A, "COMPLETED");
    bench.tag("v1:of-another-network");
    bench.spec()["networkConfiguration"]["awsvpcConfiguration"]["subnets"] = json!(["subnet-7"]);
    let mut rolled_back = ended(A, "ROLLBACK_SUCCESSFUL");
    rolled_back["revision"]["networkConfiguration"]["awsvpcConfiguration"]["subnets"] =
        json!(["subnet-6"]);
    bench.observed.service_deployments = Some(Seen::Present(json!([rolled_back])));
    let plan = bench.plan();
    assert!(
        plan.steps
            .last()
            .is_some_and(|step| step.call.operation == "UpdateService"),
        "{plan:?}"
    );
    // The very network that was rolled back is not tried again.
    bench.spec()["networkConfiguration"]["awsvpcConfiguration"]["subnets"] = json!(["subnet-6"]);
    assert_inert(&bench.plan(), "Quarantined");
}

/// Without `rollback` the circuit breaker stops the deployment where it is.
#[test]
fn what_the_circuit_breaker_stopped_without_a_rollback_is_not_started_again() {
    let mut stopped = ended(B, "STOPPED");
    stopped["deploymentCircuitBreaker"] =
        json!({"status": "TRIGGERED", "failureCount": 3, "threshold": 3});
    let mut bench = differing(vec![ended(A, "SUCCESSFUL"), stopped]);
    bench.tag("v1:of-a");
    assert_inert(&bench.plan(), "Quarantined");
}

#[test]
fn unknown_history_is_inert() {
    let mut bench = differing(vec![]);
    bench.observed.service_deployments = Some(Seen::Unknown("timeout".to_owned()));
    bench.live()["desiredCount"] = json!(1);
    assert_inert(&bench.plan(), "ObservationUnknown");
    // Not read at all is not known either.
    bench.observed.service_deployments = None;
    assert_inert(&bench.plan(), "ObservationUnknown");
}

#[test]
fn a_missing_dependency_holds_up_the_rollout_but_not_quiet_members() {
    let mut bench = differing(vec![]);
    bench.unresolved = vec![Key::new(Kind::TaskDefinition, "web")];
    assert_inert(&bench.plan(), "DependencyNotReady");
    bench.live()["desiredCount"] = json!(1);
    let (operation, input) = only_call(&bench.plan());
    assert_eq!(
        (operation, input.get("taskDefinition")),
        ("UpdateService", None)
    );
}

#[test]
fn what_only_the_primary_deployment_reads_back_is_compared_there() {
    let connect = json!({"enabled": true, "namespace": "internal"});
    let mut bench = Bench::rolling(A, A, "COMPLETED");
    bench.spec()["serviceConnectConfiguration"] = connect.clone();
    bench.live()["deployments"][0]["serviceConnectConfiguration"] = connect;
    assert_converged(&tagged(bench).plan());
}

#[test]
fn old_tasks_that_still_drain_are_waited_for() {
    let mut bench = tagged(Bench::rolling(A, A, "COMPLETED"));
    let old = json!({"id": "ecs-svc/0", "status": "ACTIVE", "taskDefinition": B.task_definition()});
    bench.live()["deployments"]
        .as_array_mut()
        .unwrap()
        .push(old);
    let plan = bench.plan();
    assert_inert(&plan, "Provisioning");
    assert!(matches!(plan.outcome, Outcome::Waiting(..)));
}

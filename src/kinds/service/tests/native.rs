//! The table of `native`, row by row, and what it says to a person.

use serde_json::{Value, json};

use super::bench::{CLUSTER, NOW, network, target_group};
use super::{Bench, Payload};
use crate::kinds::testing::{assert_converged, assert_inert};
use crate::model::{Moment, Plan, RolloutStage, Seen, Step};

use Payload::{A, B};

pub(super) const RULE: &str =
    "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener-rule/app/web/1/2/3";

fn balancers() -> Value {
    json!([{"targetGroupArn": target_group("blue"), "containerName": "web", "containerPort": 8080,
        "advancedConfiguration": {"alternateTargetGroupArn": target_group("green"), "productionListenerRule": RULE,
            "roleArn": "arn:aws:iam::123456789012:role/ecs"}}])
}

/// A service deployment of a payload, as the observer gives it.
pub(super) fn deployment(id: &str, payload: Payload, status: &str, group: &str) -> Value {
    json!({"serviceDeploymentArn": format!("arn:aws:ecs:us-east-1:123456789012:service-deployment/main/web/{id}"),
        "status": status, "statusReason": "because",
        "sourceServiceRevisions": [{"arn": "old", "requestedProductionTrafficWeight": 100.0}],
        "targetServiceRevision": {"arn": id, "requestedProductionTrafficWeight": 0.0},
        "revision": {"taskDefinition": payload.task_definition(), "platformVersion": "1.4.0",
            "networkConfiguration": network(), "loadBalancers": balancers(),
            "resolvedConfiguration": {"loadBalancers": [{"targetGroupArn": target_group(group)}]}}})
}

/// A service that declares one payload and runs the other, with production traffic on blue, where a
/// healthy target is.
pub(super) fn bench(desired: Payload, live: Payload, history: Vec<Value>) -> Bench {
    let mut bench = Bench::rolling(desired, live, "COMPLETED");
    let config = json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5});
    for document in [true, false] {
        let document = if document { bench.live() } else { bench.spec() };
        document["deploymentConfiguration"] = config.clone();
        document["loadBalancers"] = balancers();
    }
    bench.observed.service_deployments = Some(Seen::Present(Value::from(history)));
    weigh(&mut bench, [100, 0]);
    let healthy = json!([{"TargetHealth": {"State": "healthy"}}]);
    let health = &mut bench.observed.health;
    health.insert(target_group("blue"), Seen::Present(healthy));
    health.insert(target_group("green"), Seen::Present(json!([])));
    bench
}

pub(super) fn weigh(bench: &mut Bench, weights: [u64; 2]) {
    let groups = [target_group("blue"), target_group("green")];
    let groups: Value = groups
        .iter()
        .zip(weights)
        .map(|(arn, weight)| json!({"TargetGroupArn": arn, "Weight": weight.to_string()}))
        .collect();
    let rule = json!({"Actions": [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]});
    let rules = &mut bench.observed.rules;
    rules.insert(RULE.to_owned(), Seen::Present(rule));
}

fn good(payload: Payload) -> Value {
    deployment("1", payload, "SUCCESSFUL", "blue")
}

/// The only `UpdateService` of a plan, after the tag that says what is started.
fn start(plan: &Plan) -> &Value {
    let operations: Vec<&str> = plan.steps.iter().map(|step| step.call.operation).collect();
    assert_eq!(operations, ["TagResource", "UpdateService"], "{plan:?}");
    let tag = &plan.steps[0].call.input["tags"];
    assert_eq!(tag[0]["key"], "evenkeel.dev/starting");
    assert_eq!(tag.as_array().map(Vec::len), Some(1));
    &plan.steps[1].call.input
}

#[test]
fn a_changed_manifest_is_one_update_with_the_whole_payload() {
    let plan = bench(B, A, vec![good(A)]).plan();
    assert_eq!(
        *start(&plan),
        json!({"cluster": CLUSTER, "service": "web", "taskDefinition": B.task_definition(),
            "networkConfiguration": network(), "platformVersion": "1.4.0", "loadBalancers": balancers(),
            "deploymentConfiguration": {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5}})
    );
    let tag = &plan.steps[0].call.input["tags"][0]["value"];
    assert!(tag.as_str().unwrap().ends_with(" after 1"), "{tag}");
}

#[test]
fn equal_and_ended_well_is_converged_whatever_side_is_declared() {
    for (group, weights) in [("blue", [100, 0]), ("green", [0, 100])] {
        let mut bench = bench(A, A, vec![deployment("1", A, "SUCCESSFUL", group)]);
        let attempt = bench.attempt();
        bench.tag(&attempt);
        weigh(&mut bench, weights);
        let healthy = Seen::Present(json!([{"TargetHealth": {"State": "healthy"}}]));
        bench.observed.health = [(target_group(group), healthy)].into();
        assert_converged(&bench.plan());
        weigh(&mut bench, [weights[1], weights[0]]);
        assert_inert(&bench.plan(), "TrafficMismatch");
    }
}

#[test]
fn a_serving_revision_that_cannot_be_read_is_not_taken_for_none() {
    let blind = |desired: Payload, deployments: Option<Seen<Value>>| {
        let mut bench = bench(desired, A, Vec::new());
        bench.observed.service_deployments = deployments;
        bench.observed.serving = Some(Seen::Unknown("ThrottlingException".to_owned()));
        let attempt = bench.attempt();
        if desired == A {
            bench.tag(&attempt);
        }
        bench.plan()
    };
    // At the fixpoint, where the deployments are not read, and at a start.
    assert_inert(&blind(A, None), "ObservationUnknown");
    let start = blind(B, Some(Seen::Present(json!([]))));
    assert_inert(&start, "ObservationUnknown");
}

#[test]
fn nothing_starts_from_a_state_that_ecs_does_not_leave() {
    type Change = fn(&mut Bench);
    let states: [(&str, Change); 6] = [
        ("TrafficMismatch", |bench| weigh(bench, [50, 50])),
        ("TrafficMismatch", |bench| weigh(bench, [0, 0])),
        ("TrafficMismatch", |bench| weigh(bench, [0, 100])),
        ("TrafficMismatch", |bench| {
            let health = &mut bench.observed.health;
            health.insert(target_group("blue"), Seen::Present(json!([])));
        }),
        ("ObservationUnknown", |bench| {
            let unknown = Seen::Unknown("timeout".to_owned());
            bench.observed.rules.insert(RULE.to_owned(), unknown);
        }),
        ("ObservationUnknown", |bench| bench.observed.health.clear()),
    ];
    for (reason, change) in states {
        let mut bench = bench(B, A, vec![good(A)]);
        change(&mut bench);
        assert_inert(&bench.plan(), reason);
    }
    // A service without tasks has nothing that a deployment could harm.
    let mut idle = bench(B, A, vec![good(A)]);
    idle.live()["runningCount"] = json!(0);
    idle.observed.health.clear();
    start(&idle.plan());
}

#[test]
fn what_is_in_flight_is_adopted_respected_or_superseded() {
    let flying = |payload, stage: &str| {
        let mut one = deployment("2", payload, "IN_PROGRESS", "green");
        one["lifecycleStage"] = json!(stage);
        vec![one, good(A)]
    };
    // Of the declared content, whoever started it.
    let plan = bench(B, B, flying(B, "BAKE_TIME")).plan();
    assert_eq!(plan.outcome.reason(), "RolloutInProgress");
    assert!(plan.steps.iter().all(Step::only_records));
    let rollout = plan.rollout.unwrap();
    assert_eq!(
        (rollout.id.as_str(), rollout.ours, rollout.stage),
        ("2", true, RolloutStage::Baking)
    );
    // Of other content: somebody's, unless a tag says that we started it.
    let mut other = bench(B, A, flying(A, "SCALE_UP"));
    assert_inert(&other.plan(), "ForeignDeployment");
    let tags = json!([{"key": "evenkeel.dev/starting", "value": "v1:of-a after 1"}]);
    other.live()["tags"] = tags.clone();
    start(&other.plan());
    for stage in [
        "PRODUCTION_TRAFFIC_SHIFT",
        "BAKE_TIME",
        "CLEAN_UP",
        "NEW_STAGE",
    ] {
        let mut late = bench(B, A, flying(A, stage));
        late.live()["tags"] = tags.clone();
        assert_inert(&late.plan(), "RolloutInProgress");
    }
    let mut back = flying(B, "BAKE_TIME");
    back[0]["status"] = json!("ROLLBACK_IN_PROGRESS");
    let plan = bench(B, A, back).plan();
    assert_eq!(plan.outcome.reason(), "RolloutInProgress");
    assert!(
        plan.outcome.message().contains("because"),
        "{}",
        plan.outcome
    );
}

#[test]
fn a_bad_end_is_told_and_not_tried_again() {
    for (status, bad) in [
        ("ROLLBACK_SUCCESSFUL", true),
        ("ROLLBACK_FAILED", true),
        ("STOPPED", true),
        ("SUCCESSFUL", false),
    ] {
        let mut newest = deployment("2", B, status, "blue");
        newest["deploymentCircuitBreaker"] =
            json!({"status": "TRIGGERED", "failureCount": 3, "threshold": 3});
        newest["alarms"] = json!({"status": "TRIGGERED", "triggeredAlarmNames": ["5xx"]});
        newest["lifecycleHookDetails"] = json!([{"targetArn": "smoke", "status": "FAILED"}]);
        let mut bench = bench(B, A, vec![newest, good(A)]);
        bench.observed.stop_reasons = vec!["exit 1".to_owned()];
        bench.drifting_since = Some(Moment(NOW.0 - 3_600_000));
        if !bad {
            start(&bench.plan());
            continue;
        }
        let plan = bench.plan();
        assert_inert(&plan, "RolloutFailed");
        for part in ["because", "3 tasks failed", "5xx", "smoke FAILED", "exit 1"] {
            assert!(plan.outcome.message().contains(part), "{}", plan.outcome);
        }
        bench.retry("once more");
        start(&bench.plan());
        let attempt = bench.attempt();
        bench.live()["tags"] =
            json!([{"key": "evenkeel.dev/starting", "value": format!("{attempt} after 1")}]);
        assert_inert(&bench.plan(), "RolloutFailed");
    }
}

#[test]
fn an_older_bad_end_is_quarantined_and_one_that_was_superseded_is_not() {
    for (status, reason) in [
        ("ROLLBACK_SUCCESSFUL", Some("Quarantined")),
        ("STOPPED", None),
    ] {
        let history = vec![
            deployment("3", A, "SUCCESSFUL", "blue"),
            deployment("2", B, status, "green"),
        ];
        let plan = bench(B, A, history).plan();
        match reason {
            Some(reason) => assert_inert(&plan, reason),
            None => {
                start(&plan);
            }
        }
    }
}

/// A retry that made room for another manifest says nothing: what failed before it stays quarantined.
#[test]
fn an_attempt_that_was_superseded_does_not_lift_the_quarantine() {
    let history = vec![
        deployment("4", A, "SUCCESSFUL", "blue"),
        deployment("3", B, "STOPPED", "green"),
        deployment("2", B, "ROLLBACK_SUCCESSFUL", "green"),
    ];
    assert_inert(&bench(B, A, history).plan(), "Quarantined");
}

/// The record on the service comes a pass after the start: a manifest that goes back before that finds its own
/// digest there, and what is live is still nobody's change.
#[test]
fn a_manifest_that_goes_back_before_the_record_of_the_start_is_followed_at_once() {
    let mut flying = deployment("2", B, "IN_PROGRESS", "green");
    flying["lifecycleStage"] = json!("SCALE_UP");
    let mut bench = bench(A, B, vec![flying, good(A)]);
    let declared = bench.attempt();
    bench.live()["tags"] = json!([{"key": "evenkeel.dev/declared", "value": declared},
        {"key": "evenkeel.dev/starting", "value": "v1:of-b after 1"}]);
    start(&bench.plan());
}

#[test]
fn a_failed_deployment_of_what_is_declared_and_live_is_forced_once_by_the_annotation() {
    let mut bench = bench(A, A, vec![deployment("1", A, "ROLLBACK_FAILED", "green")]);
    assert_inert(&bench.plan(), "RolloutFailed");
    bench.retry("once more");
    assert_eq!(start(&bench.plan())["forceNewDeployment"], true);
}

#[test]
fn an_unknown_history_is_inert() {
    let mut bench = bench(B, A, vec![]);
    for history in [Some(Seen::Unknown("timeout".to_owned())), None] {
        bench.observed.service_deployments = history;
        assert_inert(&bench.plan(), "ObservationUnknown");
    }
}

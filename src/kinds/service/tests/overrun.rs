//! A rollout in flight when its window closes.

use serde_json::{Value, json};

use super::bench::{NOW, attempt, network};
use super::native::{bench, deployment as service_deployment};
use super::{Bench, Payload, deployment};
use crate::kinds::service::mark::{Mark, TAKEN_BACK_TAG};
use crate::kinds::testing::{assert_inert, calls};
use crate::model::{Kind, Outcome, Plan, Seen};

use Payload::{A, B};

/// A deny window that is always open.
fn closed(mut bench: Bench, overrun: &str) -> Bench {
    let window = json!({"kind": "deny", "schedule": "* * * * *", "duration": "1h", "timeZone": "UTC", "overrun": overrun});
    let sync = json!({"windows": [window]});
    bench.scene = bench.scene.beside(Kind::Service, "web", "sync", sync);
    bench
}

/// A deployment of the declared content in this state, whose traffic is at `event`.
fn code_deploy(status: &str, event: &str) -> Bench {
    let mut bench = Bench::blue_green(B, A);
    let attempt = attempt(B, "CODE_DEPLOY", None);
    bench.tag(&attempt);
    bench.deployments(vec![deployment("d-1", &attempt, status)]);
    bench.observed.target = Seen::Present(json!({
        "lifecycleEvents": [{"lifecycleEventName": "AllowTraffic", "status": event}]}));
    bench
}

/// A service deployment in this state and stage, after one that was completed.
fn native(status: &str, stage: &str) -> Bench {
    let mut bench = Bench::rolling(B, B, "IN_PROGRESS");
    let configuration = json!({"strategy": "BLUE_GREEN"});
    bench.spec()["deploymentConfiguration"] = configuration.clone();
    bench.live()["deploymentConfiguration"] = configuration;
    let one = |id: &str, payload: Payload, status: &str, stage: &str| {
        json!({"serviceDeploymentArn": format!("arn:aws:ecs:us-east-1:123456789012:service-deployment/main/web/{id}"),
            "status": status, "lifecycleStage": stage,
            "revision": {"taskDefinition": payload.task_definition(), "platformVersion": "1.4.0",
                "networkConfiguration": network()}})
    };
    let history = json!([one("2", B, status, stage), one("1", A, "SUCCESSFUL", "")]);
    bench.observed.service_deployments = Some(Seen::Present(history));
    let attempt = bench.attempt();
    bench.tag(&attempt);
    let tags = bench.live()["tags"].as_array_mut().unwrap();
    tags.push(json!({"key": "evenkeel.dev/starting", "value": format!("{attempt} after 1")}));
    bench
}

fn operations(plan: &Plan) -> Vec<&'static str> {
    calls(plan).iter().map(|call| call.0).collect()
}

fn mark(bench: &mut Bench, value: &str) {
    let tags = bench.live()["tags"].as_array_mut().unwrap();
    tags.push(json!({"key": "evenkeel.dev/superseded", "value": value}));
}

#[test]
fn what_has_moved_no_traffic_is_marked_and_stopped_where_the_window_says_so() {
    let stops = |bench: Bench, operation: &str, id: &str| {
        let plan = bench.plan();
        assert_eq!(operations(&plan), ["TagResource", operation], "{plan:?}");
        let tag: &Value = &plan.steps[0].call.input["tags"][0];
        assert_eq!(tag["value"], format!("{id}/window"));
        assert!(matches!(&plan.outcome, Outcome::Acting(why) if why.contains("the deny window")));
        assert!(plan.rollout.is_some() && plan.flying == Some(true));
    };
    for status in ["Created", "InProgress", "Ready"] {
        let bench = closed(code_deploy(status, "Pending"), "abort");
        stops(bench, "StopDeployment", "d-1");
    }
    let bench = closed(native("IN_PROGRESS", "SCALE_UP"), "abort");
    stops(bench, "StopServiceDeployment", "2");
}

#[test]
fn everything_else_goes_on() {
    let mut foreign = code_deploy("InProgress", "Pending");
    foreign.deployments(vec![
        json!({"deploymentId": "d-1", "status": "InProgress", "creator": "user"}),
    ]);
    let mut first = native("IN_PROGRESS", "SCALE_UP");
    if let Some(Seen::Present(Value::Array(list))) = &mut first.observed.service_deployments {
        list.pop();
    }
    // Of the declared content, too.
    let mut forced = native("IN_PROGRESS", "SCALE_UP");
    let tags = forced.live()["tags"].as_array_mut().unwrap();
    tags.retain(|tag| tag["key"] != "evenkeel.dev/starting");
    let mut blind = code_deploy("InProgress", "Pending");
    blind.observed.target = Seen::Unknown("timeout".to_owned());
    let goes_on = [
        ("finish", code_deploy("InProgress", "Pending")),
        ("finish", native("IN_PROGRESS", "SCALE_UP")),
        ("abort", code_deploy("InProgress", "InProgress")),
        ("abort", native("IN_PROGRESS", "PRODUCTION_TRAFFIC_SHIFT")),
        ("abort", native("ROLLBACK_IN_PROGRESS", "SCALE_UP")),
        ("abort", Bench::rolling(B, B, "IN_PROGRESS")),
        ("abort", foreign),
        ("abort", forced),
        ("abort", first),
        ("abort", blind),
    ];
    for (overrun, bench) in goes_on {
        let plan = closed(bench, overrun).plan();
        let stops = operations(&plan).iter().any(|one| one.starts_with("Stop"));
        assert!(!stops, "{plan:?}");
        assert!(plan.rollout.is_some(), "{plan:?}");
    }
}

#[test]
fn the_way_back_that_a_person_ordered_is_not_stopped() {
    let mut bench = code_deploy("InProgress", "Pending");
    let declared = bench.attempt();
    bench.deployments(vec![deployment("d-1", "v1:good", "InProgress")]);
    let mark = Mark {
        digest: declared,
        what: "rolled back".to_owned(),
        by: "ann".to_owned(),
        at: NOW,
    };
    let tag = mark.write(&json!({}), TAKEN_BACK_TAG).call.input["tags"][0].clone();
    bench.live()["tags"].as_array_mut().unwrap().push(tag);
    let plan = closed(bench, "abort").plan();
    assert_eq!(operations(&plan), [""; 0], "{plan:?}");
}

#[test]
fn what_was_stopped_is_no_failure_and_starts_when_a_window_is_open() {
    let stopped = |marked: bool| {
        let mut bench = code_deploy("Stopped", "Skipped");
        bench.observed.target = Seen::Absent;
        if marked {
            mark(&mut bench, "d-1/window");
        }
        bench
    };
    assert_eq!(operations(&stopped(true).plan()), ["CreateDeployment"]);
    assert_inert(&closed(stopped(true), "abort").plan(), "WindowClosed");
    assert_inert(&stopped(false).plan(), "RolloutFailed");
    let went_back = |marked: bool| {
        let history = vec![
            service_deployment("2", B, "ROLLBACK_SUCCESSFUL", "green"),
            service_deployment("1", A, "SUCCESSFUL", "blue"),
        ];
        let mut bench = bench(B, A, history);
        let attempt = bench.attempt();
        bench.tag(&attempt);
        if marked {
            mark(&mut bench, "2/window");
        }
        bench
    };
    let plan = went_back(true).plan();
    assert_eq!(
        operations(&plan),
        ["TagResource", "UpdateService"],
        "{plan:?}"
    );
    assert_inert(&closed(went_back(true), "abort").plan(), "WindowClosed");
    assert_inert(&went_back(false).plan(), "RolloutFailed");
    // A stop that AWS did not take leaves the mark, and what ended the deployment then is a word on it.
    for (member, said) in [
        (
            "alarms",
            json!({"status": "TRIGGERED", "triggeredAlarmNames": ["5xx"]}),
        ),
        (
            "deploymentCircuitBreaker",
            json!({"status": "TRIGGERED", "failureCount": 3, "threshold": 3}),
        ),
        (
            "lifecycleHookDetails",
            json!([{"hookId": "1", "status": "FAILED"}]),
        ),
    ] {
        let mut bench = went_back(true);
        let Some(Seen::Present(history)) = &mut bench.observed.service_deployments else {
            panic!("no history");
        };
        history[0][member] = said;
        assert_inert(&bench.plan(), "RolloutFailed");
    }
    // Of so many stops, the first marks are forgotten.
    let mut nights = went_back(true);
    let Some(Seen::Present(history)) = &mut nights.observed.service_deployments else {
        panic!("no history");
    };
    let first = service_deployment("0", B, "ROLLBACK_SUCCESSFUL", "green");
    history.as_array_mut().unwrap().insert(1, first);
    assert_eq!(operations(&nights.plan()), ["TagResource", "UpdateService"]);
}

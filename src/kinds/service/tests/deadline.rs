//! `rollout.deadline`: which rollouts are late, and what becomes of them.

use serde_json::{Value, json};

use super::bench::{NOW, attempt, network};
use super::native::{bench as shifting, deployment as service_deployment};
use super::{Bench, Payload, deployment};
use crate::kinds::service::mark::{Mark, TAKEN_BACK_TAG};
use crate::kinds::service::{deadline, intent};
use crate::kinds::testing::{assert_inert, calls};
use crate::model::{Kind, Outcome, Plan, Seen};

use Payload::{A, B};

/// A deadline of half an hour.
fn half_an_hour(mut bench: Bench) -> Bench {
    let rollout = json!({"deadline": "30m", "inFlight": "finish"});
    bench.scene = bench.scene.beside(Kind::Service, "web", "rollout", rollout);
    bench
}

/// So many minutes ago, in seconds since 1970.
fn ago(minutes: u32) -> f64 {
    NOW.seconds() - f64::from(minutes) * 60.0
}

/// A deployment of the declared content that started so many minutes ago and is at this lifecycle event.
fn code_deploy(minutes: u32, event: &str) -> Bench {
    let mut bench = Bench::blue_green(B, A);
    let attempt = attempt(B, "CODE_DEPLOY", None);
    bench.tag(&attempt);
    let mut one = deployment("d-1", &attempt, "InProgress");
    one["createTime"] = json!(ago(minutes));
    bench.deployments(vec![one]);
    bench.observed.target = Seen::Present(json!({"lifecycleEvents": [
        {"lifecycleEventName": event, "status": "InProgress"},
        {"lifecycleEventName": "AllowTraffic", "status": "Pending"}]}));
    half_an_hour(bench)
}

/// Gives a bench service deployments, the newest of which we started.
fn started(mut bench: Bench, content: Payload, minutes: u32, mut newest: Value) -> Bench {
    newest["createdAt"] = json!(ago(minutes));
    let older = service_deployment("1", A, "SUCCESSFUL", "blue");
    let digest = attempt(content, "ECS", None);
    let value = intent::value(&digest, std::slice::from_ref(&older));
    let declared = bench.attempt();
    bench.tag(&declared);
    let tags = bench.live()["tags"].as_array_mut().unwrap();
    tags.push(json!({"key": intent::TAG, "value": value}));
    bench.observed.service_deployments = Some(Seen::Present(json!([newest, older])));
    half_an_hour(bench)
}

fn native(minutes: u32, stage: &str) -> Bench {
    let mut newest = service_deployment("2", B, "IN_PROGRESS", "green");
    newest["lifecycleStage"] = json!(stage);
    started(shifting(B, B, Vec::new()), B, minutes, newest)
}

fn rolling(minutes: u32) -> Bench {
    let newest = json!({"serviceDeploymentArn": "arn:aws:ecs:us-east-1:123456789012:service-deployment/main/web/2",
        "status": "IN_PROGRESS", "revision": {"taskDefinition": B.task_definition(), "platformVersion": "1.4.0",
            "networkConfiguration": network()}});
    started(Bench::rolling(B, B, "IN_PROGRESS"), B, minutes, newest)
}

fn operations(plan: &Plan) -> Vec<&'static str> {
    calls(plan).iter().map(|call| call.0).collect()
}

fn newest(bench: &mut Bench) -> &mut Value {
    match &mut bench.observed.service_deployments {
        Some(Seen::Present(list)) => &mut list[0],
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_does_not_come_up_in_time_is_stopped_and_recorded() {
    let stops = |mut bench: Bench, operation: &str| {
        bench.observed.stop_reasons = vec!["CannotPullContainerError".to_owned()];
        let plan = bench.plan();
        assert_eq!(operations(&plan), [operation, "TagResource"], "{plan:?}");
        let tag = &plan.steps[1].call.input["tags"][0];
        assert_eq!(tag["key"], TAKEN_BACK_TAG);
        let value = tag["value"].as_str().unwrap();
        assert!(
            value.contains(" stopped by rollout.deadline at "),
            "{value}"
        );
        assert!(matches!(&plan.outcome, Outcome::Acting(why)
            if why.contains("did not come up in time") && why.contains("CannotPullContainerError")));
        assert_eq!(plan.flying, Some(true));
    };
    stops(code_deploy(30, "Install"), "StopDeployment");
    stops(native(30, "SCALE_UP"), "StopServiceDeployment");
    stops(rolling(30), "StopServiceDeployment");
}

#[test]
fn what_is_in_time_is_followed() {
    for bench in [
        code_deploy(29, "Install"),
        native(29, "SCALE_UP"),
        rolling(29),
    ] {
        assert!(
            !operations(&bench.plan())
                .iter()
                .any(|one| one.starts_with("Stop"))
        );
    }
    // Without a deadline nothing is late.
    let mut bench = rolling(600);
    bench.scene = bench
        .scene
        .beside(Kind::Service, "web", "rollout", json!({}));
    assert!(
        !operations(&bench.plan())
            .iter()
            .any(|one| one.starts_with("Stop"))
    );
}

#[test]
fn what_is_no_longer_coming_up_or_is_not_ours_goes_on() {
    let goes_on = |what: &str, bench: &Bench| {
        let plan = bench.plan();
        let stopped = operations(&plan).iter().any(|one| one.starts_with("Stop"));
        assert!(!stopped, "{what}: {plan:?}");
    };
    for event in ["AllowTestTraffic", "BeforeAllowTraffic"] {
        goes_on(event, &code_deploy(90, event));
    }
    for stage in [
        "TEST_TRAFFIC_SHIFT",
        "PRODUCTION_TRAFFIC_SHIFT",
        "BAKE_TIME",
        "NEW",
    ] {
        goes_on(stage, &native(90, stage));
    }
    let mut paused = native(90, "SCALE_UP");
    newest(&mut paused)["lifecycleHookDetails"] =
        json!([{"targetType": "PAUSE", "status": "SUCCEEDED"}]);
    goes_on("a person let it go on", &paused);
    let mut back = native(90, "SCALE_UP");
    newest(&mut back)["status"] = json!("ROLLBACK_IN_PROGRESS");
    goes_on("it goes back", &back);
    let mut first = rolling(90);
    let Some(Seen::Present(list)) = &mut first.observed.service_deployments else {
        panic!("no deployments");
    };
    list[1]["status"] = json!("STOPPED");
    goes_on("nothing to go back to", &first);
    let mut theirs = rolling(90);
    let tags = theirs.live()["tags"].as_array_mut().unwrap();
    tags.retain(|tag| tag["key"] != intent::TAG);
    goes_on("somebody else's", &theirs);
    let mut theirs = code_deploy(90, "Install");
    if let Some(Seen::Present(one)) = &mut theirs.observed.deployment {
        one["description"] = json!("by hand");
    }
    goes_on("somebody else's", &theirs);
    let mut unknown = code_deploy(90, "Install");
    unknown.observed.target = Seen::Unknown("timeout".to_owned());
    goes_on("where its traffic is is not known", &unknown);
}

fn marked(bench: &mut Bench, digest: &str, by: &str) {
    let mark = Mark {
        digest: digest.to_owned(),
        what: "stopped".to_owned(),
        by: by.to_owned(),
        at: NOW,
    };
    let tag = mark.write(&json!({}), TAKEN_BACK_TAG).call.input["tags"][0].clone();
    bench.live()["tags"].as_array_mut().unwrap().push(tag);
}

/// A stop that did not arrive is sent again, with one record.
#[test]
fn a_record_is_written_once() {
    let mut bench = code_deploy(31, "Install");
    let digest = attempt(B, "CODE_DEPLOY", None);
    marked(&mut bench, &digest, deadline::BY);
    assert_eq!(operations(&bench.plan()), ["StopDeployment"]);
    // The way back that a person ordered is not stopped.
    let mut bench = code_deploy(31, "Install");
    marked(&mut bench, "v1:other", "ann");
    assert_eq!(operations(&bench.plan()), Vec::<&str>::new());
}

#[test]
fn what_was_stopped_so_has_failed() {
    let mut bench = Bench::blue_green(B, A);
    let digest = attempt(B, "CODE_DEPLOY", None);
    bench.tag(&digest);
    let mut stopped = deployment("d-1", &digest, "Stopped");
    stopped["errorInformation"] = json!({"code": "MANUAL_STOP", "message": "stopped on request"});
    bench.deployments(vec![stopped]);
    marked(&mut bench, &digest, deadline::BY);
    let plan = half_an_hour(bench).plan();
    assert_inert(&plan, "RolloutFailed");
    let message = plan.outcome.message();
    for part in ["stopped by rollout.deadline", "d-1", "evenkeel.dev/retry"] {
        assert!(message.contains(part), "{message}");
    }
}

//! Deployments that fail, are stopped, and are rolled back.

use serde_json::{Value, json};

use super::super::super::super::behaviour::Behaviour;
use super::super::super::super::levers::HookOutcome;
use super::super::super::bench::Bench;

fn rollback_on(events: &[&str]) -> impl FnOnce(&mut Value) {
    let configuration = json!({"enabled": true, "events": events});
    move |group| group["autoRollbackConfiguration"] = configuration
}

fn crashing(bench: &mut Bench) {
    bench.behave(
        "web:2",
        Behaviour {
            crash: Some(1),
            ..Behaviour::default()
        },
    );
}

fn assert_untouched(bench: &mut Bench) {
    bench.run(120);
    assert_eq!(bench.weights(), [1, 0]);
    assert_eq!(bench.sets(), ["PRIMARY web:1 2"]);
}

fn rollback_of(bench: &mut Bench, id: &str) -> String {
    let info = bench.info(id);
    let by = info["rollbackInfo"]["rollbackDeploymentId"].as_str();
    let by = by.unwrap_or_else(|| panic!("{info:#}")).to_owned();
    let other = bench.info(&by);
    assert_eq!(other["creator"], "codeDeployRollback");
    assert_eq!(other["rollbackInfo"]["rollbackTriggeringDeploymentId"], id);
    by
}

#[test]
fn crashing_tasks_end_by_the_timeout_of_an_hour_and_not_before() {
    let mut bench = Bench::with_group(|_| {});
    crashing(&mut bench);
    let id = bench.deploy("web:2", &json!([]));
    bench.run(3000);
    assert_eq!(bench.info(&id)["status"], "InProgress");
    bench.until(&id, "Failed", 700);
    let info = bench.info(&id);
    assert_eq!(info["errorInformation"]["code"], "TIMEOUT");
    assert!(
        info["errorInformation"]["message"]
            .as_str()
            .unwrap()
            .contains("60 minutes")
    );
    assert!(info.get("rollbackInfo").is_none());
    assert_eq!(bench.event(&id, "Install"), "Failed");
    assert_eq!(bench.event(&id, "AllowTraffic"), "Skipped");
    assert_untouched(&mut bench);
}

#[test]
fn a_failure_is_rolled_back_by_a_deployment_of_its_own() {
    let mut bench = Bench::with_group(rollback_on(&["DEPLOYMENT_FAILURE"]));
    crashing(&mut bench);
    bench.world.codedeploy.install_timeout_seconds = 120;
    let id = bench.deploy("web:2", &json!([]));
    bench.until(&id, "Failed", 300);
    let by = rollback_of(&mut bench, &id);
    bench.until(&by, "Succeeded", 120);
    assert_untouched(&mut bench);
    // The revision that it brings back is that of the original task set.
    let revision = bench.info(&by)["revision"].clone();
    let found = bench.must(
        "GetApplicationRevision",
        &json!({"applicationName": "app", "revision": revision}),
    );
    let content = found["revision"]["appSpecContent"]["content"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(content.contains("task-definition/web:1"), "{content}");
}

#[test]
fn a_failing_hook_after_traffic_moved_is_rolled_back_with_the_traffic() {
    let mut bench = Bench::with_group(rollback_on(&["DEPLOYMENT_FAILURE"]));
    bench
        .world
        .levers
        .hooks
        .insert("smoke".to_owned(), HookOutcome::Failed);
    let id = bench.deploy("web:2", &json!([{"AfterAllowTraffic": "smoke"}]));
    bench.until(&id, "Failed", 600);
    let info = bench.info(&id);
    assert_eq!(info["errorInformation"]["code"], "HOOK_EXECUTION_FAILURE");
    assert_eq!(bench.event(&id, "AfterAllowTraffic"), "Failed");
    assert_eq!(bench.weights(), [0, 100]);
    let by = rollback_of(&mut bench, &id);
    bench.until(&by, "Succeeded", 120);
    assert_eq!(bench.weights(), [100, 0]);
    assert_eq!(bench.test_weights(), [100, 0]);
    bench.run(60);
    assert_eq!(bench.sets(), ["PRIMARY web:1 2"]);
    // A later deployment finds its way.
    let id = bench.deploy("web:2", &json!([]));
    bench.until(&id, "Succeeded", 600);
    assert_eq!(bench.weights(), [0, 100]);
}

#[test]
fn a_failing_hook_before_install_leaves_nothing_to_roll_back() {
    let mut bench = Bench::with_group(rollback_on(&["DEPLOYMENT_FAILURE"]));
    bench
        .world
        .levers
        .hooks
        .insert("check".to_owned(), HookOutcome::Failed);
    let id = bench.deploy("web:2", &json!([{"BeforeInstall": "check"}]));
    bench.until(&id, "Failed", 60);
    let info = bench.info(&id)["rollbackInfo"].clone();
    assert!(info.get("rollbackDeploymentId").is_none());
    assert!(info["rollbackMessage"].is_string());
    assert_untouched(&mut bench);
}

#[test]
fn a_hook_that_hangs_ends_by_its_timeout() {
    let mut bench = Bench::with_group(|_| {});
    bench
        .world
        .levers
        .hooks
        .insert("check".to_owned(), HookOutcome::Hang);
    let id = bench.deploy("web:2", &json!([{"AfterInstall": "check"}]));
    bench.until_event(&id, "AfterInstall");
    bench.run(3590);
    assert_eq!(bench.info(&id)["status"], "InProgress");
    bench.until(&id, "Failed", 20);
    assert_eq!(
        bench.info(&id)["errorInformation"]["code"],
        "HOOK_EXECUTION_FAILURE"
    );
    assert_untouched(&mut bench);
}

#[test]
fn a_stop_without_rollback_before_traffic_moved() {
    let mut bench = Bench::with_group(|_| {});
    let id = bench.deploy("web:2", &json!([]));
    bench.until_event(&id, "Install");
    let answer = bench.must("StopDeployment", &json!({"deploymentId": id}));
    assert_eq!(answer["status"], "Pending");
    bench.until(&id, "Stopped", 5);
    assert_eq!(bench.info(&id)["errorInformation"]["code"], "MANUAL_STOP");
    let again = bench
        .call("StopDeployment", &json!({"deploymentId": id}))
        .unwrap_err();
    assert_eq!(again.code, "DeploymentAlreadyCompletedException");
    assert_untouched(&mut bench);
}

#[test]
fn a_stop_in_mid_canary_leaves_the_weights_and_the_next_deployment_tidies_up() {
    let mut bench = Bench::with_group(|group| {
        group["deploymentConfigName"] = json!("CodeDeployDefault.ECSCanary10Percent5Minutes");
    });
    let id = bench.deploy("web:2", &json!([]));
    bench.until_event(&id, "AllowTraffic");
    bench.must(
        "StopDeployment",
        &json!({"deploymentId": id, "autoRollbackEnabled": false}),
    );
    bench.until(&id, "Stopped", 5);
    bench.run(400);
    assert_eq!(bench.weights(), [90, 10]);
    assert_eq!(bench.sets(), ["PRIMARY web:1 2", "ACTIVE web:2 2"]);
    let id = bench.deploy("web:2", &json!([]));
    bench.until_event(&id, "Install");
    assert_eq!(bench.weights(), [100, 0]);
    bench.until(&id, "Succeeded", 900);
    assert_eq!(bench.sets(), ["PRIMARY web:2 2"]);
}

#[test]
fn a_stop_with_rollback_in_the_termination_wait() {
    let mut bench = Bench::with_group(|group| {
        group["blueGreenDeploymentConfiguration"]["terminateBlueInstancesOnDeploymentSuccess"] =
            json!({"action": "TERMINATE", "terminationWaitTimeInMinutes": 60});
    });
    let id = bench.deploy("web:2", &json!([]));
    bench.run(600);
    assert_eq!(bench.weights(), [0, 100]);
    bench.must(
        "StopDeployment",
        &json!({"deploymentId": id, "autoRollbackEnabled": true}),
    );
    bench.until(&id, "Stopped", 5);
    let by = rollback_of(&mut bench, &id);
    bench.until(&by, "Succeeded", 120);
    assert_eq!(bench.weights(), [100, 0]);
    bench.run(60);
    assert_eq!(bench.sets(), ["PRIMARY web:1 2"]);
}

#[test]
fn a_stop_is_rolled_back_if_the_group_says_so() {
    let mut bench = Bench::with_group(rollback_on(&["DEPLOYMENT_STOP_ON_REQUEST"]));
    let id = bench.deploy("web:2", &json!([]));
    bench.until_event(&id, "Install");
    bench.must("StopDeployment", &json!({"deploymentId": id}));
    bench.until(&id, "Stopped", 5);
    let by = rollback_of(&mut bench, &id);
    bench.until(&by, "Succeeded", 120);
    assert_untouched(&mut bench);
}

#[test]
fn an_alarm_stops_and_rolls_back() {
    let mut bench = Bench::with_group(|group| {
        rollback_on(&["DEPLOYMENT_STOP_ON_ALARM"])(group);
        group["deploymentConfigName"] = json!("CodeDeployDefault.ECSCanary10Percent5Minutes");
        group["alarmConfiguration"] = json!({"enabled": true, "alarms": [{"name": "5xx"}]});
    });
    bench
        .world
        .levers
        .alarms_firing
        .insert("another".to_owned());
    let id = bench.deploy("web:2", &json!([]));
    bench.until_event(&id, "AllowTraffic");
    bench.world.levers.alarms_firing.insert("5xx".to_owned());
    bench.until(&id, "Stopped", 5);
    let info = bench.info(&id);
    assert_eq!(info["errorInformation"]["code"], "ALARM_ACTIVE");
    assert!(
        info["errorInformation"]["message"]
            .as_str()
            .unwrap()
            .contains("5xx")
    );
    // The alarm still fires; the rollback goes on all the same.
    let by = rollback_of(&mut bench, &id);
    bench.until(&by, "Succeeded", 120);
    assert_eq!(bench.weights(), [100, 0]);
}

#[test]
fn what_ecs_would_refuse_fails_the_deployment() {
    let mut bench = Bench::with_group(|_| {});
    let id = bench.deploy("web:9", &json!([]));
    bench.until(&id, "Failed", 60);
    let error = bench.info(&id)["errorInformation"].clone();
    assert_eq!(error["code"], "ECS_UPDATE_ERROR");
    let spec = Bench::spec("web:2", &json!([]))["appSpecContent"]["content"].clone();
    for (from, to, text) in [
        (
            "\"app\"",
            "\"nginx\"",
            "The container nginx does not exist in the task definition.",
        ),
        (
            "8080",
            "9090",
            "The container app did not have a container port 9090 defined.",
        ),
    ] {
        let content = spec.as_str().unwrap().replace(from, to);
        let input = json!({"applicationName": "app", "deploymentGroupName": "g", "revision":
            {"revisionType": "AppSpecContent", "appSpecContent": {"content": content}}});
        let made = bench.must("CreateDeployment", &input);
        let id = made["deploymentId"].as_str().unwrap();
        bench.until(id, "Failed", 60);
        let error = bench.info(id)["errorInformation"]["message"].clone();
        assert!(error.as_str().unwrap().ends_with(text), "{error}");
    }
    assert_untouched(&mut bench);
}

#[test]
fn a_listener_that_names_none_of_the_pair_fails_the_deployment() {
    let mut bench = Bench::with_group(|_| {});
    let listener = bench.production.clone();
    bench.must(
        "ModifyListener",
        &json!({"ListenerArn": listener, "DefaultActions":
            [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}]}),
    );
    let id = bench.deploy("web:2", &json!([]));
    bench.until(&id, "Failed", 60);
    let error = bench.info(&id)["errorInformation"].clone();
    assert_eq!(error["code"], "ELASTIC_LOAD_BALANCING_INVALID");
    assert_eq!(bench.sets(), ["PRIMARY web:1 2"]);
}

#[test]
fn deleting_the_group_ends_its_deployment() {
    let mut bench = Bench::with_group(|_| {});
    let id = bench.deploy("web:2", &json!([]));
    bench.until_event(&id, "Install");
    bench.must(
        "DeleteDeploymentGroup",
        &json!({"applicationName": "app", "deploymentGroupName": "g"}),
    );
    bench.until(&id, "Failed", 5);
    assert_eq!(
        bench.info(&id)["errorInformation"]["code"],
        "DEPLOYMENT_GROUP_MISSING"
    );
    assert_untouched(&mut bench);
}

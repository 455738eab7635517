//! Deployments that go well.

use serde_json::{Value, json};

use super::super::super::bench::Bench;

fn no_test_listener(group: &mut Value) {
    let pair = &mut group["loadBalancerInfo"]["targetGroupPairInfoList"][0];
    pair.as_object_mut().unwrap().remove("testTrafficRoute");
}

fn names(bench: &mut Bench, id: &str) -> Vec<String> {
    let target = bench.target(id);
    let events = target["lifecycleEvents"].as_array().unwrap().clone();
    events
        .iter()
        .map(|e| e["lifecycleEventName"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn all_at_once_with_a_test_listener() {
    let mut bench = Bench::with_group(|_| {});
    assert_eq!(bench.sets(), ["PRIMARY web:1 2"]);
    let id = bench.deploy("web:2", &json!([]));
    assert_eq!(bench.info(&id)["status"], "Created");
    let early = bench.call(
        "GetDeploymentTarget",
        &json!({"deploymentId": id, "targetId": "c:s"}),
    );
    assert_eq!(early.unwrap_err().code, "DeploymentNotStartedException");
    bench.until(&id, "Queued", 5);
    bench.until(&id, "InProgress", 5);
    bench.until_event(&id, "AfterAllowTestTraffic");
    assert_eq!(bench.test_weights(), [0, 100]);
    assert_eq!(bench.weights(), [1, 0]);
    bench.until(&id, "Succeeded", 600);
    assert_eq!(bench.weights(), [0, 100]);
    assert_eq!(bench.sets(), ["PRIMARY web:2 2"]);
    assert_eq!(names(&mut bench, &id).len(), 8);
    let info = bench.info(&id);
    assert_eq!(info["deploymentOverview"]["Succeeded"], 1);
    assert_eq!(info["creator"], "user");
    assert!(info["revision"]["appSpecContent"].get("content").is_none());
    assert!(info.get("errorInformation").is_none());
    let target = bench.target(&id);
    assert_eq!(target["status"], "Succeeded");
    let green = &target["taskSetsInfo"][1];
    assert_eq!(green["taskSetLabel"], "Green");
    assert_eq!(green["trafficWeight"], 100.0);
    assert_eq!(green["targetGroup"]["name"], "tg-2");
    assert!(green["identifer"].as_str().unwrap().starts_with("ecs-svc/"));
    let group = json!({"applicationName": "app", "deploymentGroupName": "g"});
    let group = bench.must("GetDeploymentGroup", &group);
    assert_eq!(
        group["deploymentGroupInfo"]["lastSuccessfulDeployment"]["deploymentId"],
        id
    );

    // The next one goes the other way round.
    let id = bench.deploy("web:1", &json!([]));
    bench.until(&id, "Succeeded", 600);
    assert_eq!(bench.weights(), [100, 0]);
    assert_eq!(bench.sets(), ["PRIMARY web:1 2"]);
    assert!(bench.info(&id)["previousRevision"].is_object());
}

#[test]
fn without_a_test_listener_six_events() {
    let mut bench = Bench::with_group(no_test_listener);
    let id = bench.deploy("web:2", &json!([]));
    bench.until(&id, "Succeeded", 600);
    assert_eq!(names(&mut bench, &id).len(), 6);
    assert_eq!(bench.test_weights(), [1, 0]);
}

#[test]
fn a_service_of_no_tasks_is_deployed_all_the_same() {
    let mut bench = Bench::with_group(|_| {});
    bench.must(
        "UpdateService",
        &json!({"cluster": "c", "service": "s", "desiredCount": 0}),
    );
    bench.run(60);
    let id = bench.deploy("web:2", &json!([]));
    bench.until(&id, "Succeeded", 120);
    assert_eq!(bench.sets(), ["PRIMARY web:2 0"]);
    assert_eq!(bench.weights(), [0, 100]);
}

#[test]
fn a_canary_moves_in_two_steps() {
    let mut bench = Bench::with_group(|group| {
        group["deploymentConfigName"] = json!("CodeDeployDefault.ECSCanary10Percent5Minutes");
    });
    let id = bench.deploy("web:2", &json!([]));
    bench.until_event(&id, "AllowTraffic");
    assert_eq!(bench.weights(), [90, 10]);
    assert_eq!(bench.target(&id)["taskSetsInfo"][1]["trafficWeight"], 10.0);
    bench.run(299);
    assert_eq!(bench.weights(), [90, 10]);
    assert_eq!(bench.sets()[0], "PRIMARY web:1 2");
    bench.run(1);
    assert_eq!(bench.weights(), [0, 100]);
    assert_eq!(bench.sets()[0], "PRIMARY web:2 2");
    bench.until(&id, "Succeeded", 600);
}

#[test]
fn linear_steps_of_a_request_override_the_group() {
    let mut bench = Bench::with_group(|_| {});
    let input = json!({"applicationName": "app", "deploymentGroupName": "g",
        "deploymentConfigName": "CodeDeployDefault.ECSLinear10PercentEvery1Minutes",
        "revision": Bench::spec("web:2", &json!([]))});
    let made = bench.must("CreateDeployment", &input);
    let id = made["deploymentId"].as_str().unwrap();
    bench.until_event(id, "AllowTraffic");
    assert_eq!(bench.weights(), [90, 10]);
    bench.run(180);
    assert_eq!(bench.weights(), [60, 40]);
    bench.run(360);
    assert_eq!(bench.weights(), [0, 100]);
    bench.until(id, "Succeeded", 600);
}

#[test]
fn the_termination_wait_is_active_and_can_be_cut_short() {
    let mut bench = Bench::with_group(|group| {
        group["blueGreenDeploymentConfiguration"]["terminateBlueInstancesOnDeploymentSuccess"] =
            json!({"action": "TERMINATE", "terminationWaitTimeInMinutes": 60});
    });
    let id = bench.deploy("web:2", &json!([]));
    bench.run(600);
    let info = bench.info(&id);
    assert_eq!(info["status"], "InProgress");
    assert_eq!(info["instanceTerminationWaitTimeStarted"], true);
    assert_eq!(bench.sets(), ["PRIMARY web:2 2", "ACTIVE web:1 2"]);
    let again = json!({"applicationName": "app", "deploymentGroupName": "g",
        "revision": Bench::spec("web:1", &json!([]))});
    let refusal = bench.call("CreateDeployment", &again).unwrap_err();
    assert_eq!(refusal.code, "DeploymentLimitExceededException");
    assert_eq!(
        refusal.message,
        format!("The Deployment Group 'g' already has an active Deployment '{id}'")
    );
    let wait = |kind: &str| json!({"deploymentId": id, "deploymentWaitType": kind});
    let refusal = bench
        .call("ContinueDeployment", &wait("READY_WAIT"))
        .unwrap_err();
    assert_eq!(refusal.code, "DeploymentIsNotInReadyStateException");
    let refusal = bench
        .call("ContinueDeployment", &wait("LUNCH"))
        .unwrap_err();
    assert_eq!(refusal.code, "InvalidDeploymentWaitTypeException");
    bench.must("ContinueDeployment", &wait("TERMINATION_WAIT"));
    bench.until(&id, "Succeeded", 60);
    assert_eq!(bench.sets(), ["PRIMARY web:2 2"]);
    let refusal = bench
        .call("ContinueDeployment", &wait("TERMINATION_WAIT"))
        .unwrap_err();
    assert_eq!(refusal.code, "DeploymentAlreadyCompletedException");
}

#[test]
fn the_original_can_be_kept_alive_and_makes_room_for_the_next() {
    let mut bench = Bench::with_group(|group| {
        group["blueGreenDeploymentConfiguration"]["terminateBlueInstancesOnDeploymentSuccess"] =
            json!({"action": "KEEP_ALIVE"});
    });
    let id = bench.deploy("web:2", &json!([]));
    bench.until(&id, "Succeeded", 600);
    assert_eq!(bench.sets(), ["PRIMARY web:2 2", "ACTIVE web:1 2"]);
    bench.register("web:3");
    let id = bench.deploy("web:3", &json!([]));
    bench.until(&id, "Succeeded", 600);
    bench.run(60);
    assert_eq!(bench.sets(), ["PRIMARY web:3 2", "ACTIVE web:2 2"]);
    assert_eq!(bench.weights(), [100, 0]);
}

#[test]
fn ready_waits_for_a_person() {
    let wait = |group: &mut Value| {
        group["blueGreenDeploymentConfiguration"]["deploymentReadyOption"] =
            json!({"actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": 30});
    };
    let mut bench = Bench::with_group(wait);
    let id = bench.deploy("web:2", &json!([]));
    bench.until(&id, "Ready", 600);
    assert_eq!(bench.info(&id)["deploymentOverview"]["Ready"], 1);
    assert_eq!(bench.event(&id, "BeforeAllowTraffic"), "Pending");
    bench.must("ContinueDeployment", &json!({"deploymentId": id}));
    bench.until(&id, "Succeeded", 600);

    let mut bench = Bench::with_group(wait);
    let id = bench.deploy("web:2", &json!([]));
    bench.until(&id, "Stopped", 3000);
    assert_eq!(bench.weights(), [1, 0]);
    bench.run(60);
    assert_eq!(bench.sets(), ["PRIMARY web:1 2"]);
}

#[test]
fn hooks_report_success() {
    let mut bench = Bench::with_group(|_| {});
    let hooks = json!([{"BeforeInstall": "check"}, {"AfterAllowTraffic": "smoke"}]);
    bench.world.levers.hooks.insert(
        "smoke".to_owned(),
        super::super::super::super::levers::HookOutcome::Hang,
    );
    let id = bench.deploy("web:2", &hooks);
    bench.until_event(&id, "AfterAllowTraffic");
    bench.run(120);
    let (function, execution) = bench.world.codedeploy.waiting_hook(&id).unwrap();
    assert_eq!(function, "smoke");
    let report = json!({"deploymentId": id, "lifecycleEventHookExecutionId": execution,
        "status": "Succeeded"});
    bench.must("PutLifecycleEventHookExecutionStatus", &report);
    let again = bench
        .call("PutLifecycleEventHookExecutionStatus", &report)
        .unwrap_err();
    assert_eq!(again.code, "LifecycleEventAlreadyCompletedException");
    bench.until(&id, "Succeeded", 60);
}

#[test]
fn a_listener_with_rules_is_rewritten_where_it_names_the_pair_and_nowhere_else() {
    let mut bench = Bench::with_group(no_test_listener);
    let fixed = json!([{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]);
    let forward = json!([{"Type": "forward", "TargetGroupArn": bench.pair[0]}]);
    let listener = bench.production.clone();
    for (priority, path, actions) in [(1, "/a/*", forward), (2, "/b/*", fixed.clone())] {
        bench.must(
            "CreateRule",
            &json!({"ListenerArn": listener, "Priority": priority, "Actions": actions,
                "Conditions": [{"Field": "path-pattern", "Values": [path]}]}),
        );
    }
    let id = bench.deploy("web:2", &json!([]));
    bench.until(&id, "Succeeded", 600);
    let rules = bench.must("DescribeRules", &json!({"ListenerArn": listener}));
    let rules = rules["Rules"].as_array().unwrap();
    let of = |priority: &str| {
        let rule = rules
            .iter()
            .find(|rule| rule["Priority"] == priority)
            .unwrap();
        rule["Actions"][0].clone()
    };
    for priority in ["1", "default"] {
        let groups = &of(priority)["ForwardConfig"]["TargetGroups"];
        assert_eq!(groups.as_array().unwrap().len(), 2, "{groups}");
    }
    assert_eq!(of("2")["Type"], "fixed-response");
}

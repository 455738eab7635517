//! Deployments that go back, are stopped or superseded.

use super::*;

#[test]
fn the_circuit_breaker_goes_back_before_traffic_has_moved() {
    let mut stand = Stand::up(&breaker(true));
    crash(&mut stand.world, "bad:1");
    let good = stand.service()["taskDefinition"].clone();
    stand.deploy("bad:1");
    assert_ne!(stand.service()["taskDefinition"], good);
    let ended = stand.ends("ROLLBACK_SUCCESSFUL");
    assert_eq!(
        ended["statusReason"],
        "Service deployment rolled back because the circuit breaker threshold was exceeded."
    );
    assert_eq!(ended["deploymentCircuitBreaker"]["status"], "TRIGGERED");
    let failures = ended["deploymentCircuitBreaker"]["failureCount"].as_u64();
    assert!(failures >= Some(3), "{ended}");
    assert_eq!(
        ended["rollback"]["serviceRevisionArn"],
        ended["sourceServiceRevisions"][0]["arn"]
    );
    assert_eq!(stand.weights(&stand.production), [0, 100]);
    assert_eq!(stand.healthy(), [0, 2]);
    let service = stand.service();
    assert_eq!(service["taskDefinition"], good);
    assert_eq!(service["deployments"].as_array().unwrap().len(), 1);
    // The next one goes to the same side.
    stand.deploy("nginx:2");
    stand.ends("SUCCESSFUL");
    assert_eq!(stand.weights(&stand.production), [100, 0]);
}

#[test]
fn without_rollback_the_deployment_stops_where_it_is_and_the_next_one_reconciles() {
    let mut stand = Stand::up(&breaker(false));
    crash(&mut stand.world, "bad:1");
    stand.deploy("bad:1");
    stand.ends("STOPPED");
    seconds(&mut stand.world, 600);
    assert_eq!(stand.weights(&stand.production), [0, 100]);
    assert_eq!(stand.healthy(), [0, 2]);
    assert_eq!(stand.service()["deployments"].as_array().unwrap().len(), 2);
    stand.deploy("nginx:2");
    assert_eq!(stand.newest()["lifecycleStage"], "RECONCILE_SERVICE");
    stand.ends("SUCCESSFUL");
    assert_eq!(stand.weights(&stand.production), [100, 0]);
    assert_eq!(stand.service()["deployments"].as_array().unwrap().len(), 1);
}

#[test]
fn a_failing_first_deployment_has_nothing_to_go_back_to() {
    let mut stand = Stand::new();
    crash(&mut stand.world, "bad:1");
    define(&mut stand.world, "web", "bad:1");
    let request = stand.request(&breaker(true));
    call(&mut stand.world, "CreateService", &request);
    let newest = stand.newest()["serviceDeploymentArn"].clone();
    let stop = json!({"serviceDeploymentArn": newest});
    let refused = refusal(&mut stand.world, "StopServiceDeployment", &stop);
    assert!(refused.1.contains("no completed"), "{refused:?}");
    let ended = stand.ends("ROLLBACK_FAILED");
    assert!(ended.get("rollback").is_none(), "{ended}");
    seconds(&mut stand.world, 600);
    assert_eq!(
        stand.weights(&stand.production),
        [1, 0],
        "the rule was never touched"
    );
    stand.deploy("nginx:2");
    stand.ends("SUCCESSFUL");
    assert_eq!(stand.weights(&stand.production), [0, 100]);
}

#[test]
fn an_alarm_in_the_bake_time_goes_back_and_one_that_fires_already_is_not_heeded() {
    let alarms = json!({"alarms": {"alarmNames": ["5xx"], "enable": true, "rollback": true}});
    let mut stand = Stand::up(&with(blue_green(5), &alarms));
    stand.deploy("nginx:2");
    let baking = stand.at("BAKE_TIME");
    assert_eq!(baking["alarms"]["status"], "MONITORING");
    assert_eq!(stand.weights(&stand.production), [100, 0]);
    stand.world.levers.alarms_firing.insert("5xx".to_owned());
    let ended = stand.ends("ROLLBACK_SUCCESSFUL");
    assert_eq!(
        ended["alarms"],
        json!({"status": "TRIGGERED", "alarmNames": ["5xx"], "triggeredAlarmNames": ["5xx"]})
    );
    assert_eq!(stand.weights(&stand.production), [0, 100]);
    assert_eq!(stand.healthy(), [0, 2]);
    stand.deploy("nginx:3");
    assert_eq!(stand.ends("SUCCESSFUL")["alarms"]["status"], "DISABLED");
}

#[test]
fn a_person_stops_a_deployment_until_it_cleans_up() {
    let mut stand = Stand::up(&blue_green(5));
    stand.deploy("nginx:2");
    let arn = stand.at("BAKE_TIME")["serviceDeploymentArn"].clone();
    let abort = json!({"serviceDeploymentArn": arn, "stopType": "ABORT"});
    refusal(&mut stand.world, "StopServiceDeployment", &abort);
    let stop = json!({"serviceDeploymentArn": arn, "stopType": "ROLLBACK"});
    call(&mut stand.world, "StopServiceDeployment", &stop);
    assert_eq!(stand.newest()["status"], "ROLLBACK_REQUESTED");
    seconds(&mut stand.world, 1);
    assert_eq!(stand.newest()["status"], "ROLLBACK_IN_PROGRESS");
    assert_eq!(stand.weights(&stand.production), [0, 100], "at once");
    let ended = stand.ends("ROLLBACK_SUCCESSFUL");
    assert!(
        ended["statusReason"]
            .as_str()
            .unwrap()
            .contains("StopServiceDeployment")
    );
    let refused = refusal(&mut stand.world, "StopServiceDeployment", &stop);
    assert!(refused.1.contains("terminal states"), "{refused:?}");
    stand.deploy("nginx:3");
    let arn = stand.at("CLEAN_UP")["serviceDeploymentArn"].clone();
    let stop = json!({"serviceDeploymentArn": arn});
    let refused = refusal(&mut stand.world, "StopServiceDeployment", &stop);
    assert_eq!(refused.0, "ConflictException");
}

#[test]
fn a_newer_deployment_supersedes_and_brings_the_traffic_back_first() {
    for stage in ["SCALE_UP", "POST_TEST_TRAFFIC_SHIFT", "BAKE_TIME"] {
        let mut stand = Stand::up(&blue_green(5));
        stand.deploy("nginx:2");
        stand.at(stage);
        stand.deploy("nginx:3");
        let history = stand.history();
        assert_eq!(
            (&history[0]["status"], &history[1]["status"]),
            (&json!("PENDING"), &json!("STOP_REQUESTED")),
            "{stage}"
        );
        assert_eq!(history[0]["lifecycleStage"], "RECONCILE_SERVICE");
        seconds(&mut stand.world, 3);
        assert_eq!(stand.weights(&stand.production), [0, 100], "{stage}");
        stand.at("SCALE_UP");
        assert_eq!(stand.history()[1]["status"], "STOPPED");
        stand.ends("SUCCESSFUL");
        assert_eq!(stand.weights(&stand.production), [100, 0]);
        assert_eq!(stand.healthy()[0], 2);
    }
    // What is only cleaning up has succeeded.
    let mut stand = Stand::up(&blue_green(0));
    stand.deploy("nginx:2");
    stand.at("CLEAN_UP");
    seconds(&mut stand.world, 1);
    stand.deploy("nginx:3");
    assert_eq!(stand.history()[1]["status"], "SUCCESSFUL");
    stand.ends("SUCCESSFUL");
    assert_eq!(stand.weights(&stand.production), [0, 100]);
}

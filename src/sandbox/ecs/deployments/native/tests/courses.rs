//! Deployments that go well: stages, sides and steps.

use super::*;

#[test]
fn the_first_deployment_goes_to_the_group_that_is_not_served_and_the_sides_alternate() {
    let mut stand = Stand::up(&blue_green(0));
    assert_eq!(stand.weights(&stand.production), [0, 100]);
    assert_eq!(stand.healthy(), [0, 2]);
    stand.deploy("nginx:2");
    stand.ends("SUCCESSFUL");
    assert_eq!(stand.weights(&stand.production), [100, 0]);
    assert_eq!(stand.weights(&stand.test), [100, 0]);
    assert_eq!(stand.healthy(), [2, 0]);
    let service = stand.service();
    assert_eq!(
        service["loadBalancers"][0]["targetGroupArn"], stand.blue,
        "what was declared stays"
    );
    let revision = service["currentServiceRevisions"][0]["arn"].clone();
    let revisions = call(
        &mut stand.world,
        "DescribeServiceRevisions",
        &json!({"serviceRevisionArns": [revision]}),
    );
    let resolved = &revisions["serviceRevisions"][0]["resolvedConfiguration"]["loadBalancers"];
    assert_eq!(
        *resolved,
        json!([{"targetGroupArn": stand.blue, "productionListenerRule": stand.production}])
    );
    stand.deploy("nginx:3");
    stand.ends("SUCCESSFUL");
    assert_eq!(stand.weights(&stand.production), [0, 100]);
    // The rule as ECS leaves it.
    let rules = call(
        &mut stand.world,
        "DescribeRules",
        &json!({"RuleArns": [stand.production]}),
    );
    assert_eq!(
        rules["Rules"][0]["Actions"],
        json!([{"Type": "forward", "ForwardConfig": {
            "TargetGroups": [{"TargetGroupArn": stand.green, "Weight": 100}, {"TargetGroupArn": stand.blue, "Weight": 0}],
            "TargetGroupStickinessConfig": {"Enabled": false}}}])
    );
}

#[test]
fn the_stages_come_in_order_and_blue_stays_until_the_end() {
    let mut stand = Stand::up(&blue_green(2));
    stand.deploy("nginx:2");
    let mut seen: Vec<String> = Vec::new();
    loop {
        let newest = stand.newest();
        let stage = newest["lifecycleStage"].as_str().unwrap().to_owned();
        if seen.last() != Some(&stage) {
            seen.push(stage.clone());
        }
        if newest["status"] == "SUCCESSFUL" {
            break;
        }
        if stage != "CLEAN_UP" {
            assert_eq!(stand.healthy()[1], 2, "{stage}");
            assert_eq!(stand.service()["desiredCount"], 2);
        }
        let served = stand.weights(&stand.production);
        let healthy = stand.healthy();
        assert!(
            (0..2).all(|side| served[side] == 0 || healthy[side] > 0),
            "{stage}"
        );
        seconds(&mut stand.world, 1);
    }
    assert_eq!(
        seen,
        [
            "PRE_SCALE_UP",
            "SCALE_UP",
            "POST_SCALE_UP",
            "TEST_TRAFFIC_SHIFT",
            "POST_TEST_TRAFFIC_SHIFT",
            "PRE_PRODUCTION_TRAFFIC_SHIFT",
            "PRODUCTION_TRAFFIC_SHIFT",
            "POST_PRODUCTION_TRAFFIC_SHIFT",
            "BAKE_TIME",
            "CLEAN_UP"
        ]
    );
    let newest = stand.newest();
    let target = &newest["targetServiceRevision"];
    assert_eq!(target["requestedProductionTrafficWeight"], 100.0);
    assert_eq!(newest["alarms"]["status"], "DISABLED");
    assert_eq!(stand.service()["deployments"].as_array().unwrap().len(), 1);
}

#[test]
fn steps_move_the_weights_and_bake() {
    let linear = json!({"strategy": "LINEAR",
        "linearConfiguration": {"stepPercent": 40.0, "stepBakeTimeInMinutes": 1}});
    let canary = json!({"strategy": "CANARY",
        "canaryConfiguration": {"canaryPercent": 0.5, "canaryBakeTimeInMinutes": 2}});
    for (config, expected, minutes) in [
        (linear, vec![[100, 0], [60, 40], [20, 80], [0, 100]], 2),
        (canary, vec![[100, 0], [995, 5], [0, 100]], 2),
    ] {
        let mut stand = Stand::up(&blue_green(0));
        stand.deploy("nginx:2");
        stand.ends("SUCCESSFUL");
        stand.update(&json!({"deploymentConfiguration": config}));
        stand.deploy("nginx:3");
        let mut seen = vec![stand.weights(&stand.production)];
        let begin = stand.at("PRODUCTION_TRAFFIC_SHIFT");
        let started = stand.world.now;
        while stand.newest()["status"] != "SUCCESSFUL" {
            let now = stand.weights(&stand.production);
            if seen.last() != Some(&now) {
                seen.push(now);
            }
            seconds(&mut stand.world, 1);
        }
        assert_eq!(seen, expected, "{begin}");
        assert!(stand.world.now - started >= minutes * 60_000);
    }
}

//! Target health over time, and CodeDeploy's rewrite of actions.

use super::*;

impl Fixture {
    fn state(&self, group: &str) -> Option<String> {
        self.world.elb.target_state(group, "10.0.0.1", 8080)
    }

    fn register(&mut self, group: &str, answers: bool) {
        let now = self.world.now;
        self.world
            .elb
            .register_target(group, "10.0.0.1", 8080, "eu-west-1a", answers, now);
    }
}

#[test]
fn a_target_becomes_healthy_after_interval_times_threshold() {
    let mut aws = Fixture::new();
    let group = aws.group("g");
    aws.rule(1, &json!([forward(&group)]));
    aws.register(&group, true);
    aws.pass(149);
    assert_eq!(aws.state(&group).as_deref(), Some("initial"));
    aws.pass(1);
    assert_eq!(
        aws.state(&group).as_deref(),
        Some("healthy"),
        "30 s times 5"
    );
    let now = aws.world.now;
    aws.world
        .elb
        .deregister_target(&group, "10.0.0.1", 8080, now);
    assert_eq!(aws.state(&group).as_deref(), Some("draining"));
    aws.pass(299);
    assert_eq!(aws.state(&group).as_deref(), Some("draining"));
    aws.pass(1);
    assert_eq!(aws.state(&group), None);
}

#[test]
fn a_target_that_does_not_answer_becomes_unhealthy() {
    let mut aws = Fixture::new();
    let group = aws.group("g");
    aws.rule(1, &json!([forward(&group)]));
    aws.register(&group, false);
    aws.pass(60);
    assert_eq!(
        aws.state(&group).as_deref(),
        Some("unhealthy"),
        "30 s times 2"
    );
    let health = aws.ok("DescribeTargetHealth", &json!({ "TargetGroupArn": group }));
    assert_eq!(
        health["TargetHealthDescriptions"][0],
        json!({
            "Target": { "Id": "10.0.0.1", "Port": 8080, "AvailabilityZone": "eu-west-1a" },
            "HealthCheckPort": "8080",
            "TargetHealth": {
                "State": "unhealthy", "Reason": "Target.FailedHealthChecks",
                "Description": "Health checks failed"
            }
        })
    );
}

#[test]
fn a_group_that_no_listener_names_is_not_checked_until_one_does() {
    let mut aws = Fixture::new();
    let group = aws.group("g");
    aws.register(&group, true);
    aws.pass(1000);
    assert_eq!(aws.state(&group).as_deref(), Some("unused"));
    let rule = aws.rule(1, &json!([forward(&group)]));
    assert_eq!(aws.state(&group).as_deref(), Some("initial"));
    aws.pass(150);
    assert_eq!(aws.state(&group).as_deref(), Some("healthy"));
    aws.ok("DeleteRule", &json!({ "RuleArn": rule }));
    assert_eq!(aws.state(&group).as_deref(), Some("unused"));
    let now = aws.world.now;
    aws.world
        .elb
        .deregister_target(&group, "10.0.0.1", 8080, now);
    assert_eq!(aws.state(&group), None, "nothing to drain");
}

#[test]
fn targets_registered_by_hand_fail_unless_a_task_answers_there() {
    let mut aws = Fixture::new();
    let (group, other) = (aws.group("g"), aws.group("h"));
    aws.rule(1, &json!([forward(&group)]));
    aws.rule(2, &json!([forward(&other)]));
    aws.register(&group, true);
    let ids = json!([{ "Id": "10.0.0.1" }, { "Id": "10.0.0.9" }]);
    let wanted = json!({ "TargetGroupArn": other, "Targets": ids });
    aws.ok("RegisterTargets", &wanted);
    aws.pass(150);
    let health = aws.ok("DescribeTargetHealth", &wanted);
    let state = |at: usize| health["TargetHealthDescriptions"][at]["TargetHealth"]["State"].clone();
    assert_eq!((state(0), state(1)), (json!("healthy"), json!("unhealthy")));
    aws.ok("DeregisterTargets", &wanted);
    aws.pass(300);
    let health = aws.ok("DescribeTargetHealth", &wanted);
    let reason = &health["TargetHealthDescriptions"][0]["TargetHealth"]["Reason"];
    assert_eq!(reason, "Target.NotRegistered");
}

#[test]
fn the_rewrite_touches_every_action_of_the_pair_and_no_other() {
    let mut aws = Fixture::new();
    let (blue, green, other) = (aws.group("blue"), aws.group("green"), aws.group("other"));
    let listener = aws.listener.clone();
    let default = json!({ "ListenerArn": listener, "DefaultActions": [forward(&blue)] });
    aws.ok("ModifyListener", &default);
    aws.rule(1, &json!([forward(&blue)]));
    aws.rule(2, &json!([forward(&other)]));
    aws.rule(3, &json!([not_found()]));
    let pair = [blue.as_str(), green.as_str()];
    assert_eq!(aws.world.elb.pair_weights(&listener, pair), Some([1, 0]));
    aws.register(&green, true);
    let elb = &mut aws.world.elb;
    assert_eq!(elb.route_pair(&listener, pair, [100, 0]), Ok(2));
    assert_eq!(
        elb.load_balancers_of(&green),
        [aws.balancer.clone()],
        "weight 0 counts"
    );
    assert_eq!(aws.state(&green).as_deref(), Some("initial"));
    assert_eq!(aws.world.elb.route_pair(&listener, pair, [0, 100]), Ok(2));
    assert_eq!(aws.world.elb.pair_weights(&listener, pair), Some([0, 100]));
    let rules = aws.ok("DescribeRules", &json!({ "ListenerArn": listener }));
    let expected = json!([{ "Type": "forward", "ForwardConfig": {
        "TargetGroups": [
            { "TargetGroupArn": blue, "Weight": 0 },
            { "TargetGroupArn": green, "Weight": 100 }
        ],
        "TargetGroupStickinessConfig": { "Enabled": false }
    } }]);
    assert_eq!(rules["Rules"][0]["Actions"], expected);
    assert_eq!(
        rules["Rules"][3]["Actions"], expected,
        "the default action too"
    );
    assert_eq!(rules["Rules"][1]["Actions"][0]["TargetGroupArn"], other);
    assert_eq!(rules["Rules"][2]["Actions"], json!([not_found()]));
    let listeners = aws.ok("DescribeListeners", &json!({ "ListenerArns": [listener] }));
    assert_eq!(listeners["Listeners"][0]["DefaultActions"], expected);
}

#[test]
fn the_rewrite_refuses_an_action_with_further_groups_and_changes_nothing() {
    let mut aws = Fixture::new();
    let (blue, green, other) = (aws.group("blue"), aws.group("green"), aws.group("other"));
    let listener = aws.listener.clone();
    aws.rule(1, &json!([forward(&blue)]));
    aws.rule(
        2,
        &json!([{ "Type": "forward", "ForwardConfig": { "TargetGroups": [
        { "TargetGroupArn": blue }, { "TargetGroupArn": other }
    ] } }]),
    );
    let pair = [blue.as_str(), green.as_str()];
    let error = aws
        .world
        .elb
        .route_pair(&listener, pair, [0, 100])
        .unwrap_err();
    assert!(error.contains("outside the pair"), "{error}");
    assert_eq!(aws.world.elb.pair_weights(&listener, pair), Some([1, 0]));
    assert!(aws.world.elb.route_pair("gone", pair, [0, 100]).is_err());
    let unknown = [other.as_str(), "x"];
    assert_eq!(aws.world.elb.pair_weights(&listener, ["y", "x"]), None);
    assert_eq!(aws.world.elb.pair_weights(&listener, unknown), Some([1, 0]));
}

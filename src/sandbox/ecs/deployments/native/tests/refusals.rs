//! What is refused, at once and later.

use super::*;

#[test]
fn what_is_wrong_with_the_rules_comes_out_later() {
    let prefix = "Service deployment rolled back because of invalid networking configuration: ";
    let mut stand = Stand::up(&blue_green(0));
    let third = target_group(&mut stand.world, "third", "ip");
    let (blue, green) = (stand.blue.clone(), stand.green.clone());
    for (production, test, text) in [
        (
            vec![(&blue, 50), (&green, 50)],
            vec![(&blue, 1)],
            format!(
                "productionListenerRule {} should have exactly one target group serving traffic but found 2 target groups which are serving traffic",
                stand.production
            ),
        ),
        (
            vec![(&third, 1)],
            vec![(&blue, 1), (&green, 0)],
            format!(
                "Production listener rule is forwarding traffic to unexpected target group {third}. Expected traffic to be forwarded to either targetGroupArn: {green} or alternateTargetGroupArn: {blue}"
            ),
        ),
        (
            vec![(&blue, 1)],
            vec![(&blue, 1)],
            format!(
                "Target group {green} is not associated with either productionListenerRule or testListenerRule."
            ),
        ),
    ] {
        let own = |groups: Vec<(&String, u32)>| -> Vec<(String, u32)> {
            groups
                .into_iter()
                .map(|(arn, weight)| (arn.clone(), weight))
                .collect()
        };
        stand
            .world
            .elb
            .route_rule(&stand.production, &own(production))
            .unwrap();
        stand.world.elb.route_rule(&stand.test, &own(test)).unwrap();
        stand.deploy("nginx:2");
        let ended = stand.ends("ROLLBACK_SUCCESSFUL");
        assert_eq!(ended["statusReason"], format!("{prefix}{text}"));
        assert_eq!(stand.healthy()[0], 0, "nothing was started");
    }
    let served = [(green.clone(), 100), (blue.clone(), 0)];
    stand
        .world
        .elb
        .route_rule(&stand.production, &served)
        .unwrap();
    stand.world.surroundings.roles.closed = true;
    stand.deploy("nginx:2");
    let ended = stand.ends("ROLLBACK_SUCCESSFUL");
    assert!(
        ended["statusReason"]
            .as_str()
            .unwrap()
            .contains(&format!("Infrastructure Role '{ROLE}'")),
        "{ended}"
    );
}

#[test]
fn what_aws_refuses_at_once() {
    let mut stand = Stand::new();
    let (blue, green, production) = (
        stand.blue.clone(),
        stand.green.clone(),
        stand.production.clone(),
    );
    let advanced = stand.balancers()[0]["advancedConfiguration"].clone();
    let change = |member: &str, value: Value| {
        let mut request = stand.request(&blue_green(0));
        request["loadBalancers"][0]["advancedConfiguration"][member] = value;
        request
    };
    let config = |members: Value| stand.request(&with(blue_green(0), &members));
    let mut plain = stand.request(&blue_green(0));
    plain["loadBalancers"][0]["advancedConfiguration"] = Value::Null;
    let mut mixed = stand.request(&json!({"strategy": "ROLLING"}));
    mixed["loadBalancers"] = json!([
        {"targetGroupArn": blue, "containerName": "app", "containerPort": 80},
        {"targetGroupArn": green, "containerName": "app", "containerPort": 80, "advancedConfiguration": advanced}]);
    let rows = [
        (change("alternateTargetGroupArn", json!(blue)), format!("Duplicate targetGroupArn found: {blue}")),
        (change("productionListenerRule", json!("arn:x")), "productionListenerRule has an invalid ARN format. Must be RuleArn for ALB or ListenerArn for NLB. Got: arn:x".to_owned()),
        (change("testListenerRule", json!(production)), format!("The following rules cannot be used as both production and test listener rules: {production}")),
        (change("testListenerRule", Value::Null), "For Application LoadBalancer, testListenerRule is required when productionListenerRule is not associated with both targetGroup and alternateTargetGroup".to_owned()),
        (plain, "advancedConfiguration field is required for all loadBalancers when using a non-ROLLING deployment strategy".to_owned()),
        (mixed, "Either all or none of the provided loadBalancers must have advancedConfiguration defined".to_owned()),
        (config(json!({"lifecycleHooks": [{"targetType": "SNS"}]})), "Invalid targetType. Valid values are: AWS_LAMBDA, PAUSE".to_owned()),
        (config(json!({"lifecycleHooks": [{"targetType": "PAUSE", "lifecycleStages": ["TEST_TRAFFIC_SHIFT"]}]})), "Invalid lifecycle stage provided for Pause Hook".to_owned()),
        (config(json!({"canaryConfiguration": {"canaryPercent": 10.0}})), "canaryConfiguration is only supported with the CANARY deployment strategy.".to_owned()),
        (config(json!({"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 2.0}})), "stepPercent must be a multiple of 0.1 between 3.0 and 100.0.".to_owned()),
        (config(json!({"strategy": "PURPLE"})), "Invalid deployment strategy: PURPLE. Valid values are: ROLLING, BLUE_GREEN, LINEAR, CANARY".to_owned()),
    ];
    for (request, message) in rows {
        let refused = refusal(&mut stand.world, "CreateService", &request);
        assert_eq!(refused, ("InvalidParameterException".to_owned(), message));
    }
}

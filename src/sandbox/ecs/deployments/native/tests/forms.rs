//! Services without or with another load balancer, and changes of strategy and controller.

use super::*;

#[test]
fn a_service_without_a_load_balancer_goes_through_the_same_stages() {
    let mut stand = Stand::new();
    let mut request = stand.request(&blue_green(1));
    request["loadBalancers"] = json!([]);
    call(&mut stand.world, "CreateService", &request);
    stand.ends("SUCCESSFUL");
    stand.deploy("nginx:2");
    stand.at("BAKE_TIME");
    assert_eq!(stand.service()["runningCount"], 4);
    stand.ends("SUCCESSFUL");
    assert_eq!(stand.service()["runningCount"], 2);
}

#[test]
fn a_network_load_balancer_takes_ten_minutes_more_for_each_shift() {
    let mut stand = Stand::new();
    let group = |world: &mut World, name: &str| {
        let made = call(
            world,
            "CreateTargetGroup",
            &json!({"Name": name, "Protocol": "TCP", "Port": 80, "VpcId": "vpc-0123456789abcdef0", "TargetType": "ip"}),
        );
        made["TargetGroups"][0]["TargetGroupArn"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let one = group(&mut stand.world, "one");
    let other = group(&mut stand.world, "other");
    let made = call(
        &mut stand.world,
        "CreateLoadBalancer",
        &json!({"Name": "nlb", "Type": "network", "Subnets": ["subnet-0123456789abcdef0"]}),
    );
    let balancer = made["LoadBalancers"][0]["LoadBalancerArn"].clone();
    let made = call(
        &mut stand.world,
        "CreateListener",
        &json!({"LoadBalancerArn": balancer, "Protocol": "TCP", "Port": 80, "DefaultActions": [{"Type": "forward",
            "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": one, "Weight": 1}, {"TargetGroupArn": other, "Weight": 0}]}}]}),
    );
    let listener = made["Listeners"][0]["ListenerArn"].clone();
    let mut request = stand.request(&blue_green(0));
    request["loadBalancers"] = json!([{"targetGroupArn": one, "containerName": "app", "containerPort": 80,
        "advancedConfiguration": {"alternateTargetGroupArn": other, "roleArn": ROLE, "productionListenerRule": listener}}]);
    call(&mut stand.world, "CreateService", &request);
    stand.ends("SUCCESSFUL");
    let begin = stand.world.now;
    stand.deploy("nginx:2");
    stand.ends("SUCCESSFUL");
    assert!(stand.world.now - begin >= 1_200_000);
    let groups = stand.world.elb.rule_groups(listener.as_str().unwrap());
    assert_eq!(groups, Some(vec![(one, 100), (other, 0)]));
}

#[test]
fn strategies_can_be_changed_and_the_live_side_stays() {
    let mut stand = Stand::up(&blue_green(0));
    stand.update(&json!({"deploymentConfiguration": {"strategy": "ROLLING"}}));
    stand.deploy("nginx:2");
    stand.ends("SUCCESSFUL");
    assert_eq!(stand.weights(&stand.production), [0, 100]);
    assert_eq!(stand.healthy(), [0, 2]);
    stand.update(&json!({"deploymentConfiguration": blue_green(5), "desiredCount": 3}));
    stand.deploy("nginx:3");
    stand.at("BAKE_TIME");
    assert_eq!(stand.healthy(), [3, 3]);
    // A rolling deployment that supersedes brings the traffic back to what completed.
    stand.update(&json!({"deploymentConfiguration": {"strategy": "ROLLING"}}));
    stand.deploy("nginx:4");
    assert_eq!(stand.history()[1]["status"], "STOPPED");
    assert_eq!(stand.weights(&stand.production), [0, 100]);
    stand.ends("SUCCESSFUL");
    assert_eq!(stand.healthy(), [0, 3]);
}

/// AWS's recipe (migrate-codedeploy-to-ecs-bluegreen page): both target groups in the rule, then one
/// `UpdateService`.
#[test]
fn a_code_deploy_service_moves_over_in_place() {
    let mut stand = Stand::new();
    let mut request = stand.request(&Value::Null);
    request["deploymentController"] = json!({"type": "CODE_DEPLOY"});
    request["loadBalancers"] =
        json!([{"targetGroupArn": stand.blue, "containerName": "app", "containerPort": 80}]);
    call(&mut stand.world, "CreateService", &request);
    seconds(&mut stand.world, 120);
    assert_eq!(stand.healthy(), [2, 0]);
    let update = json!({"deploymentController": {"type": "ECS"}, "deploymentConfiguration": blue_green(0),
        "loadBalancers": stand.balancers()});
    stand.update(&update);
    while stand.newest()["status"] != "SUCCESSFUL" {
        let (served, healthy) = (stand.weights(&stand.production), stand.healthy());
        assert!((0..2).all(|side| served[side] == 0 || healthy[side] > 0));
        seconds(&mut stand.world, 1);
    }
    assert_eq!(stand.weights(&stand.production), [0, 100]);
    assert_eq!(stand.healthy(), [0, 2]);
    assert_eq!(stand.service()["runningCount"], 2);
}

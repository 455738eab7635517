//! The traffic of a live blue/green service before its next rollout, and a group that does not match.

use evenkeel::model::{Outcome, Service, Wait};
use serde_json::{Value, json};

use super::stage::{Stage, only};
use crate::sim::world::World;

const PLACE: &str = "DeploymentGroup/auth-service \
                     /loadBalancerInfo/targetGroupPairInfoList/0/prodTrafficRoute/listenerArns/0";

/// The auth service, brought up by the daemon, and its production rule with the pair's ARNs.
struct Live {
    world: World,
    rule: Value,
    blue: Value,
    green: Value,
}

impl Live {
    async fn new() -> Self {
        let world = World::auth(1).await;
        let daemon = world.daemon().await;
        daemon.converged().await;
        daemon.stop().await;
        let ask = |operation, input| world.person.call(Service::Elb, operation, input);
        let groups = ask("DescribeTargetGroups", json!({})).await;
        let group = |name: &str| {
            let all = groups["TargetGroups"].as_array().unwrap();
            let found = all.iter().find(|one| one["TargetGroupName"] == name);
            found.unwrap()["TargetGroupArn"].clone()
        };
        let (blue, green) = (group("nova-auth-blue"), group("nova-auth-green"));
        let balancers = ask("DescribeLoadBalancers", json!({})).await;
        let arn = &balancers["LoadBalancers"][0]["LoadBalancerArn"];
        let listeners = ask("DescribeListeners", json!({"LoadBalancerArn": arn})).await;
        let all = listeners["Listeners"].as_array().unwrap();
        let production = all.iter().find(|one| one["Port"] == "80").unwrap();
        let input = json!({"ListenerArn": production["ListenerArn"]});
        let rules = ask("DescribeRules", input).await;
        let all = rules["Rules"].as_array().unwrap();
        let rule = all.iter().find(|one| one["Priority"] == "10").unwrap();
        let rule = rule["RuleArn"].clone();
        Self {
            world,
            rule,
            blue,
            green,
        }
    }

    async fn weights(&self, blue: u32, green: u32) {
        let groups = json!([
            {"TargetGroupArn": self.blue, "Weight": blue},
            {"TargetGroupArn": self.green, "Weight": green},
        ]);
        self.route(json!({"TargetGroups": groups})).await;
    }

    async fn route(&self, forward: Value) {
        let actions = json!([{"Type": "forward", "ForwardConfig": forward}]);
        let input = json!({"RuleArn": self.rule, "Actions": actions});
        self.world
            .person
            .call(Service::Elb, "ModifyRule", input)
            .await;
    }

    fn stage(&self) -> Stage {
        Stage::over(
            &self.world.mounted,
            &self.world.person.aws(),
            self.world.folder.path(),
        )
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_daemon_made_is_right() {
    let live = Live::new().await;
    let judged = live.stage().verified().await;
    assert_eq!(judged.findings, []);
    assert_eq!(judged.unknown, []);
    assert_eq!(judged.unchecked, []);
}

#[tokio::test(start_paused = true)]
async fn traffic_on_both_sides_or_on_the_wrong_one() {
    let live = Live::new().await;
    live.weights(60, 40).await;
    let judged = live.stage().verified().await;
    let words = [
        "`nova-auth-blue` 60, `nova-auth-green` 40",
        "no deployment is under way",
    ];
    only(&judged, "error rule-weights", PLACE, &words);

    live.weights(0, 1).await;
    let judged = live.stage().verified().await;
    let words = [
        "goes to the target group `nova-auth-green`",
        "tasks are in `nova-auth-blue`",
    ];
    only(&judged, "error traffic-without-tasks", PLACE, &words);

    live.weights(1, 0).await;
    assert_eq!(live.stage().verified().await.findings, []);
}

#[tokio::test(start_paused = true)]
async fn traffic_of_a_stranger_in_the_rule() {
    let live = Live::new().await;
    let vpc = "vpc-0a1b2c3d4e5f60001";
    let input = json!({"Name": "stranger", "TargetType": "ip", "Protocol": "HTTP", "Port": 80, "VpcId": vpc});
    let made = live
        .world
        .person
        .call(Service::Elb, "CreateTargetGroup", input)
        .await;
    let stranger = &made["TargetGroups"][0]["TargetGroupArn"];
    live.route(json!({"TargetGroups": [
        {"TargetGroupArn": live.blue, "Weight": 1},
        {"TargetGroupArn": stranger, "Weight": 0},
    ]}))
    .await;
    let judged = live.stage().verified().await;
    let words = ["stranger", "not documented"];
    only(&judged, "error foreign-target-group", PLACE, &words);
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_the_set_will_set_right() {
    let live = Live::new().await;
    let actions = json!([{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}]);
    let input = json!({"RuleArn": live.rule, "Actions": actions});
    live.world
        .person
        .call(Service::Elb, "ModifyRule", input)
        .await;
    let judged = live.stage().verified().await;
    assert_eq!(judged.findings, []);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_under_way_is_left_alone() {
    let world = World::auth(1).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.release(&daemon).await;
    let under_way =
        |outcome: &Outcome| matches!(outcome, Outcome::Waiting(Wait::RolloutInProgress, _));
    daemon.outcome("Service/auth-service", under_way).await;
    let stage = Stage::over(&world.mounted, &world.person.aws(), world.folder.path());
    let judged = stage.verified().await;
    assert_eq!(judged.findings, []);
    let told: Vec<_> = judged.unchecked.iter().map(|one| &one.why.why).collect();
    assert_eq!(told, ["a deployment is under way"]);
    daemon.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_live_service_of_another_controller() {
    let world = World::auth(1).await;
    let call = |operation, input| world.person.call(Service::Ecs, operation, input);
    call("CreateCluster", json!({"clusterName": "nova"})).await;
    let container = json!({"name": "auth", "image": "x", "memory": 64});
    let input = json!({"family": "x", "containerDefinitions": [container]});
    call("RegisterTaskDefinition", input).await;
    let input = json!({"cluster": "nova", "serviceName": "auth-service", "taskDefinition": "x", "desiredCount": 0});
    call("CreateService", input).await;
    let stage = Stage::over(&world.mounted, &world.person.aws(), world.folder.path());
    let judged = stage.verified().await;
    let place = "DeploymentGroup/auth-service /ecsServices/0/serviceName";
    let words = ["controller `ECS`", "cannot change a service to CODE_DEPLOY"];
    only(&judged, "error deployment-controller", place, &words);
}

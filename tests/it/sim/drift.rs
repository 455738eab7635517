//! People change things in the console.

use std::time::Duration;

use evenkeel::controller::Event;
use evenkeel::model::{Block, Outcome, Service};
use serde_json::json;

use super::world::{Daemon, World, pass};

/// What was healed of the service, by kind of resource, as the metric has it.
pub(super) fn heals(daemon: &Daemon) -> Vec<(String, u32)> {
    let lines = daemon.metric("evenkeel_self_heals_total{");
    let one = |line: &String| {
        let (labels, count) = line.rsplit_once(' ').unwrap();
        assert!(labels.contains(r#"service="auth-service""#), "{line}");
        let kind = labels.split_once("kind=\"").unwrap().1;
        let count: u32 = count.parse().unwrap();
        (count > 0).then(|| (kind.split('"').next().unwrap().to_owned(), count))
    };
    lines.iter().filter_map(one).collect()
}

#[tokio::test(start_paused = true)]
async fn a_field_that_starts_no_deployment_is_healed_at_once() {
    let world = World::auth(20).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let input = json!({"cluster": "nova", "service": "auth-service", "desiredCount": 1});
    world
        .person
        .call(Service::Ecs, "UpdateService", input)
        .await;
    pass(Duration::from_secs(70)).await;
    daemon.converged().await;
    assert_eq!(
        world.person.service("nova", "auth-service").await["desiredCount"],
        2
    );
    assert_eq!(world.count("UpdateService"), 2);
    assert_eq!(world.count("CreateDeployment"), 0);
    assert_eq!(heals(&daemon), [("service".to_owned(), 1)]);
    // A change of the manifest is none.
    world.release(&daemon).await;
    daemon
        .until("the deployment", |_| world.count("CreateDeployment") > 0)
        .await;
    daemon.converged().await;
    assert_eq!(heals(&daemon), [("service".to_owned(), 1)]);
}

#[tokio::test(start_paused = true)]
async fn listener_weights_within_the_pair_are_left_alone() {
    let world = World::auth(21).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let rule = world.rule().await;
    let pair = world.pair().await;
    let actions = json!([{"Type": "forward", "ForwardConfig": {"TargetGroups": [
        {"TargetGroupArn": pair[0], "Weight": 70}, {"TargetGroupArn": pair[1], "Weight": 30}]}}]);
    world
        .person
        .call(
            Service::Elb,
            "ModifyRule",
            json!({"RuleArn": rule, "Actions": actions}),
        )
        .await;
    let writes = world.writes();
    pass(Duration::from_mins(10)).await;
    // Told, and a person's to mend.
    let told = |outcome: &Outcome| outcome.reason() == "TrafficMismatch";
    daemon.outcome("Service/auth-service", told).await;
    assert_eq!(world.writes(), writes);
    world.weigh_production([100, 0]).await;
    daemon.converged().await;
    assert_eq!(world.writes(), writes);
}

#[tokio::test(start_paused = true)]
async fn a_target_group_setting_is_healed() {
    let world = World::auth(22).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let pair = world.pair().await;
    let input = json!({"TargetGroupArn": pair[0], "HealthCheckPath": "/wrong"});
    world
        .person
        .call(Service::Elb, "ModifyTargetGroup", input)
        .await;
    pass(Duration::from_secs(140)).await;
    let input = json!({"TargetGroupArns": [pair[0]]});
    let answer = world
        .person
        .call(Service::Elb, "DescribeTargetGroups", input)
        .await;
    assert_eq!(answer["TargetGroups"][0]["HealthCheckPath"], "/health");
    assert_eq!(heals(&daemon), [("target_group".to_owned(), 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_foreign_tag_is_not_removed_and_a_declared_one_comes_back() {
    let world = World::auth(23).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let arn = world.person.service("nova", "auth-service").await["serviceArn"].clone();
    let input = json!({"resourceArn": arn, "tags": [{"key": "team", "value": "theirs"}]});
    world.person.call(Service::Ecs, "TagResource", input).await;
    let input = json!({"resourceArn": arn, "tagKeys": ["evenkeel.dev/declared"]});
    world
        .person
        .call(Service::Ecs, "UntagResource", input)
        .await;
    pass(Duration::from_secs(140)).await;
    let service = world.person.service("nova", "auth-service").await;
    let keys: Vec<&str> = service["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| tag["key"].as_str().unwrap())
        .collect();
    assert!(
        keys.contains(&"team") && keys.contains(&"evenkeel.dev/declared"),
        "{keys:?}"
    );
}

/// Another controller that wants something else is not fought for ever.
#[tokio::test(start_paused = true)]
async fn writes_that_do_not_take_are_given_up() {
    let world = World::auth(24).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let fight = async {
        loop {
            let input = json!({"cluster": "nova", "service": "auth-service", "desiredCount": 1});
            world
                .person
                .call(Service::Ecs, "UpdateService", input)
                .await;
            pass(Duration::from_millis(500)).await;
        }
    };
    let blocked = |outcome: &Outcome| matches!(outcome, Outcome::Blocked(Block::Contested, _));
    let outcome = tokio::select! {
        () = fight => unreachable!("it never ends"),
        outcome = daemon.outcome("Service/auth-service", blocked) => outcome,
    };
    assert!(outcome.message().contains("again and again"), "{outcome}");
    let input = json!({"cluster": "nova", "service": "auth-service", "desiredCount": 1});
    world
        .person
        .call(Service::Ecs, "UpdateService", input)
        .await;
    let writes = world.count("UpdateService");
    pass(Duration::from_mins(30)).await;
    assert_eq!(world.count("UpdateService"), writes, "still fighting");
    daemon.events.send(Event::Resync("signal")).await.unwrap();
    daemon.converged().await;
    let service = world.person.service("nova", "auth-service").await;
    assert_eq!(service["desiredCount"], 2);
}

impl World {
    /// The ARN of the production rule of auth.
    pub(super) async fn rule(&self) -> String {
        let answer = self
            .person
            .call(
                Service::Elb,
                "DescribeLoadBalancers",
                json!({"Names": ["nova"]}),
            )
            .await;
        let arn = &answer["LoadBalancers"][0]["LoadBalancerArn"];
        let answer = self
            .person
            .call(
                Service::Elb,
                "DescribeListeners",
                json!({"LoadBalancerArn": arn}),
            )
            .await;
        let listeners = answer["Listeners"].as_array().unwrap();
        let production = listeners
            .iter()
            .find(|listener| listener["Port"] == "80")
            .unwrap();
        let input = json!({"ListenerArn": production["ListenerArn"]});
        let answer = self.person.call(Service::Elb, "DescribeRules", input).await;
        let rules = answer["Rules"].as_array().unwrap();
        let rule = rules
            .iter()
            .find(|rule| rule["IsDefault"] == "false")
            .unwrap();
        rule["RuleArn"].as_str().unwrap().to_owned()
    }

    /// The ARNs of the blue and the green target group of auth.
    pub(super) async fn pair(&self) -> Vec<String> {
        let input = json!({"Names": ["nova-auth-blue", "nova-auth-green"]});
        let answer = self
            .person
            .call(Service::Elb, "DescribeTargetGroups", input)
            .await;
        let groups = answer["TargetGroups"].as_array().unwrap();
        let arn = |name: &str| {
            let group = groups
                .iter()
                .find(|group| group["TargetGroupName"] == name)
                .unwrap();
            group["TargetGroupArn"].as_str().unwrap().to_owned()
        };
        vec![arn("nova-auth-blue"), arn("nova-auth-green")]
    }
}

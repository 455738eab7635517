//! A small world for the tests of this service.

use super::World;
use super::services::{Service, create};
use super::task_definitions::register::register;
use serde_json::{Value, json};

/// A cluster `main` and an ACTIVE Fargate task definition `web:1`, at time zero.
pub(crate) fn world() -> World {
    let mut world = World::new("us-east-1", 0);
    super::clusters::create(&mut world, &json!({"clusterName": "main"})).unwrap();
    define(&mut world, "web", "nginx:1");
    world
}

/// Registers a Fargate task definition of one container `app` with port 80. Returns its ARN.
pub(crate) fn define(world: &mut World, family: &str, image: &str) -> String {
    let request = json!({"family": family, "networkMode": "awsvpc", "cpu": "256", "memory": "512",
        "requiresCompatibilities": ["FARGATE"],
        "containerDefinitions": [{"name": "app", "image": image, "portMappings": [{"containerPort": 80}]}]});
    let answer = register(world, &request).unwrap();
    answer["taskDefinition"]["taskDefinitionArn"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// A network configuration of one subnet.
pub(crate) fn network() -> Value {
    json!({"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"]}})
}

/// A rolling Fargate service of `web` in `main`, without a load balancer.
pub(crate) fn fargate_service(world: &mut World, name: &str, count: u32) -> Value {
    let request = json!({"cluster": "main", "serviceName": name, "taskDefinition": "web",
        "launchType": "FARGATE", "desiredCount": count, "networkConfiguration": network()});
    create::create(world, &request).unwrap()["service"].clone()
}

/// The service of this name in `main`.
pub(crate) fn service<'a>(world: &'a World, name: &str) -> &'a Service {
    world.ecs.service("main", name).unwrap()
}

/// Calls an operation of ECS or `ELBv2`.
pub(crate) fn call(world: &mut World, name: &str, request: &Value) -> Value {
    let operation = super::operation(name)
        .or_else(|| super::elb::operation(name))
        .unwrap_or_else(|| panic!("{name}"));
    (operation.0)(world, request).unwrap_or_else(|error| panic!("{name} {request}: {error:?}"))
}

/// The code and message that an operation of ECS refuses a request with.
pub(crate) fn refusal(world: &mut World, name: &str, request: &Value) -> (String, String) {
    let (operation, _) = super::operation(name).unwrap_or_else(|| panic!("{name}"));
    match operation(world, request) {
        Err(error) => (error.code, error.message),
        Ok(answer) => panic!("{name} {request} answered {answer}"),
    }
}

/// A target group of this name and type. Returns its ARN.
pub(crate) fn target_group(world: &mut World, name: &str, kind: &str) -> String {
    let made = call(
        world,
        "CreateTargetGroup",
        &json!({"Name": name, "Protocol": "HTTP", "Port": 80,
        "VpcId": "vpc-0123456789abcdef0", "TargetType": kind, "HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 2,
        "HealthyThresholdCount": 2, "UnhealthyThresholdCount": 2}),
    );
    made["TargetGroups"][0]["TargetGroupArn"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// An application load balancer whose port 80 forwards to the first and 8080 to the second.
pub(crate) fn balance(world: &mut World, groups: [&str; 2]) {
    let made = call(
        world,
        "CreateLoadBalancer",
        &json!({"Name": "lb", "Type": "application",
        "Subnets": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]}),
    );
    let balancer = &made["LoadBalancers"][0]["LoadBalancerArn"];
    for (port, group) in [80, 8080].into_iter().zip(groups) {
        call(
            world,
            "CreateListener",
            &json!({"LoadBalancerArn": balancer, "Protocol": "HTTP",
            "Port": port, "DefaultActions": [{"Type": "forward", "TargetGroupArn": group}]}),
        );
    }
}

/// A `loadBalancers` list of container `app`, port 80.
pub(crate) fn behind(group: &str) -> Value {
    json!([{"targetGroupArn": group, "containerName": "app", "containerPort": 80}])
}

/// Advances the world by this many seconds.
pub(crate) fn seconds(world: &mut World, count: i64) {
    let now = world.now;
    world.tick(now + count * 1000);
}

/// `DescribeServices` of one service in `main`.
pub(crate) fn described(world: &mut World, name: &str) -> Value {
    let answer = call(
        world,
        "DescribeServices",
        &json!({"cluster": "main", "services": [name], "include": ["TAGS"]}),
    );
    answer["services"][0].clone()
}

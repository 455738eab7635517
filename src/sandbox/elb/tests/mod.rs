//! The load balancing service by its operations.

mod health;
mod readback;
mod refusals;
mod refusals_routing;

use super::super::{AwsError, World};
use super::operation;
use serde_json::{Value, json};

/// A region with an active ALB, a listener on port 80 with a fixed response, and a way to call
/// operations.
struct Fixture {
    world: World,
    balancer: String,
    listener: String,
}

impl Fixture {
    fn new() -> Self {
        let mut new = Self {
            world: World::new("eu-west-1", 1_000_000),
            balancer: String::new(),
            listener: String::new(),
        };
        new.balancer = new.made("CreateLoadBalancer", &alb("main"));
        new.listener = new.made(
            "CreateListener",
            &json!({
                "LoadBalancerArn": new.balancer, "Protocol": "HTTP", "Port": 80,
                "DefaultActions": [not_found()]
            }),
        );
        new
    }

    fn call(&mut self, name: &str, input: &Value) -> Result<Value, AwsError> {
        operation(name).unwrap().0(&mut self.world, input)
    }

    fn ok(&mut self, name: &str, input: &Value) -> Value {
        self.call(name, input)
            .unwrap_or_else(|error| panic!("{name} {input}: {error:?}"))
    }

    fn code(&mut self, name: &str, input: &Value) -> String {
        match self.call(name, input) {
            Ok(output) => panic!("{name} {input} succeeded: {output}"),
            Err(error) => error.code,
        }
    }

    /// The ARN of what a create operation made.
    fn made(&mut self, name: &str, input: &Value) -> String {
        let output = self.ok(name, input);
        let first = &output.as_object().unwrap().values().next().unwrap()[0];
        let arn = first.as_object().unwrap().iter().find(|(key, _)| {
            matches!(
                key.as_str(),
                "LoadBalancerArn" | "TargetGroupArn" | "ListenerArn" | "RuleArn"
            )
        });
        arn.unwrap().1.as_str().unwrap().to_owned()
    }

    fn group(&mut self, name: &str) -> String {
        self.made("CreateTargetGroup", &group(name))
    }

    fn rule(&mut self, priority: u32, actions: &Value) -> String {
        let input = rule(&self.listener, priority, actions);
        self.made("CreateRule", &input)
    }

    fn pass(&mut self, seconds: i64) {
        let later = self.world.now + seconds * 1000;
        self.world.tick(later);
    }
}

fn alb(name: &str) -> Value {
    json!({ "Name": name, "Subnets": ["subnet-0000000a", "subnet-0000000b"] })
}

fn group(name: &str) -> Value {
    json!({
        "Name": name, "Protocol": "HTTP", "Port": 8080, "VpcId": "vpc-0123abcd", "TargetType": "ip"
    })
}

fn rule(listener: &str, priority: u32, actions: &Value) -> Value {
    json!({
        "ListenerArn": listener, "Priority": priority, "Actions": actions,
        "Conditions": [{ "Field": "path-pattern", "Values": ["/a/*", "/b/*"] }]
    })
}

fn not_found() -> Value {
    json!({ "Type": "fixed-response", "FixedResponseConfig": { "StatusCode": "404" } })
}

fn forward(arn: &str) -> Value {
    json!({ "Type": "forward", "TargetGroupArn": arn })
}

/// The input with some members replaced.
fn with(mut base: Value, changes: &Value) -> Value {
    for (member, value) in changes.as_object().unwrap() {
        base[member] = value.clone();
    }
    base
}

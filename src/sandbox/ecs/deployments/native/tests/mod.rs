//! Courses of deployments that shift traffic, second by second, and what is refused.
//!
//! Here: the stand that they share, a service with a pair of target groups behind one load balancer.

mod courses;
mod endings;
mod forms;
mod hooks;
mod refusals;

use super::super::super::super::behaviour::Behaviour;
use super::super::super::World;
use super::super::super::testing::{
    balance, call, define, described, network, refusal, seconds, target_group, world,
};
use serde_json::{Value, json};

const ROLE: &str = "arn:aws:iam::123456789012:role/ecs-infrastructure";

/// A world with a pair of target groups behind one load balancer.
struct Stand {
    world: World,
    blue: String,
    green: String,
    production: String,
    test: String,
}

/// The default rule of the listener of this port.
fn rule(world: &mut World, port: u64) -> String {
    let balancers = call(world, "DescribeLoadBalancers", &json!({}));
    let balancer = &balancers["LoadBalancers"][0]["LoadBalancerArn"];
    let listeners = call(
        world,
        "DescribeListeners",
        &json!({"LoadBalancerArn": balancer}),
    );
    let found = listeners["Listeners"].as_array().unwrap();
    let listener = found.iter().find(|it| it["Port"] == port).unwrap();
    let rules = call(
        world,
        "DescribeRules",
        &json!({"ListenerArn": listener["ListenerArn"]}),
    );
    rules["Rules"][0]["RuleArn"].as_str().unwrap().to_owned()
}

impl Stand {
    fn new() -> Self {
        let mut world = world();
        let blue = target_group(&mut world, "blue", "ip");
        let green = target_group(&mut world, "green", "ip");
        balance(&mut world, [&blue, &green]);
        let production = rule(&mut world, 80);
        let test = rule(&mut world, 8080);
        Self {
            world,
            blue,
            green,
            production,
            test,
        }
    }

    fn balancers(&self) -> Value {
        json!([{"targetGroupArn": self.blue, "containerName": "app", "containerPort": 80,
            "advancedConfiguration": {"alternateTargetGroupArn": self.green, "roleArn": ROLE,
                "productionListenerRule": self.production, "testListenerRule": self.test}}])
    }

    fn request(&self, config: &Value) -> Value {
        json!({"cluster": "main", "serviceName": "web", "taskDefinition": "web", "launchType": "FARGATE",
            "desiredCount": 2, "networkConfiguration": network(), "loadBalancers": self.balancers(),
            "deploymentConfiguration": config})
    }

    /// A stand whose service `web` has come up with this configuration.
    fn up(config: &Value) -> Self {
        let mut stand = Self::new();
        let request = stand.request(config);
        call(&mut stand.world, "CreateService", &request);
        stand.ends("SUCCESSFUL");
        stand
    }

    /// Deploys another image.
    fn deploy(&mut self, image: &str) {
        let arn = define(&mut self.world, "web", image);
        self.update(&json!({"taskDefinition": arn}));
    }

    fn update(&mut self, members: &Value) {
        let mut request = json!({"cluster": "main", "service": "web"});
        for (member, value) in members.as_object().unwrap() {
            request[member] = value.clone();
        }
        call(&mut self.world, "UpdateService", &request);
    }

    /// The service deployments, newest first.
    fn history(&mut self) -> Vec<Value> {
        let brief = call(
            &mut self.world,
            "ListServiceDeployments",
            &json!({"cluster": "main", "service": "web"}),
        );
        let arns: Value = brief["serviceDeployments"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["serviceDeploymentArn"].clone())
            .collect();
        let whole = call(
            &mut self.world,
            "DescribeServiceDeployments",
            &json!({"serviceDeploymentArns": arns}),
        );
        whole["serviceDeployments"].as_array().unwrap().clone()
    }

    fn newest(&mut self) -> Value {
        self.history().remove(0)
    }

    /// Lets time pass until the newest deployment satisfies a condition.
    fn until(&mut self, what: &str, reached: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..5_000 {
            let newest = self.newest();
            if reached(&newest) {
                return newest;
            }
            seconds(&mut self.world, 1);
        }
        panic!("not {what}: {}", self.newest());
    }

    fn ends(&mut self, status: &str) -> Value {
        self.until(status, |it| it["status"] == status)
    }

    fn at(&mut self, stage: &str) -> Value {
        self.until(stage, |it| it["lifecycleStage"] == stage)
    }

    /// The weights of blue and green in a rule.
    fn weights(&self, rule: &str) -> [u32; 2] {
        let groups = self.world.elb.rule_groups(rule).unwrap();
        [&self.blue, &self.green].map(|arn| {
            let found = groups.iter().find(|(known, _)| known == arn);
            found.map_or(0, |(_, weight)| *weight)
        })
    }

    /// How many healthy targets blue and green have.
    fn healthy(&mut self) -> [usize; 2] {
        [self.blue.clone(), self.green.clone()].map(|arn| {
            let health = call(
                &mut self.world,
                "DescribeTargetHealth",
                &json!({"TargetGroupArn": arn}),
            );
            let targets = health["TargetHealthDescriptions"].as_array().unwrap();
            let healthy = |it: &&Value| it["TargetHealth"]["State"] == "healthy";
            targets.iter().filter(healthy).count()
        })
    }

    fn service(&mut self) -> Value {
        described(&mut self.world, "web")
    }
}

fn blue_green(minutes: u32) -> Value {
    json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": minutes})
}

fn with(mut config: Value, members: &Value) -> Value {
    for (member, value) in members.as_object().unwrap() {
        config[member] = value.clone();
    }
    config
}

fn breaker(rollback: bool) -> Value {
    with(
        blue_green(1),
        &json!({"deploymentCircuitBreaker": {"enable": true, "rollback": rollback}}),
    )
}

fn crash(world: &mut World, image: &str) {
    let behaviour = Behaviour {
        crash: Some(1),
        ..Behaviour::default()
    };
    world.behaviours.set(image, behaviour);
}

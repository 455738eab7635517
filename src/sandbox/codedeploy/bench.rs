//! A region with one blue/green service, made through the operations that anybody would use, for
//! the tests of this folder.

use serde_json::{Value, json};

use super::super::behaviour::Behaviour;
use super::super::{AwsError, Time, World, codedeploy, ecs, elb};

pub(super) const ROLE: &str = "arn:aws:iam::123456789012:role/codedeploy";
pub(super) const SUBNET: &str = "subnet-0123456789abcdef0";
pub(super) const GROUP_OF_SECURITY: &str = "sg-0123456789abcdef0";

pub(super) struct Bench {
    pub(super) world: World,
    pub(super) production: String,
    pub(super) test: String,
    /// ARNs of `tg-1` and `tg-2`.
    pub(super) pair: [String; 2],
}

impl Bench {
    /// Calls an operation of whichever service has it.
    pub(super) fn call(&mut self, name: &str, input: &Value) -> Result<Value, AwsError> {
        let operation = codedeploy::operation(name)
            .or_else(|| ecs::operation(name))
            .map(|found| found.0)
            .or_else(|| elb::operation(name).map(|found| found.0))
            .unwrap_or_else(|| panic!("{name}"));
        operation(&mut self.world, input)
    }

    pub(super) fn must(&mut self, name: &str, input: &Value) -> Value {
        self.call(name, input)
            .unwrap_or_else(|error| panic!("{name} {input}: {error:?}"))
    }

    /// A cluster `c`, a load balancer of this kind with two listeners, target groups `tg-1` and
    /// `tg-2`, the first on both listeners, and a service `s` of two steady tasks of `web:1` on it.
    pub(super) fn new(kind: &str, controller: &str) -> Self {
        let mut bench = Self {
            world: World::new("eu-west-1", 1_000_000),
            production: String::new(),
            test: String::new(),
            pair: [String::new(), String::new()],
        };
        let vpc = "vpc-0123456789abcdef0";
        let protocol = if kind == "network" { "TCP" } else { "HTTP" };
        for (index, name) in ["tg-1", "tg-2"].iter().enumerate() {
            let made = bench.must(
                "CreateTargetGroup",
                &json!({"Name": name, "Protocol": protocol, "Port": 80, "VpcId": vpc,
                    "TargetType": "ip", "HealthCheckIntervalSeconds": 15,
                    "HealthyThresholdCount": 2}),
            );
            bench.pair[index] = made["TargetGroups"][0]["TargetGroupArn"]
                .as_str()
                .unwrap()
                .to_owned();
        }
        let made = bench.must(
            "CreateLoadBalancer",
            &json!({"Name": "lb", "Type": kind,
                "Subnets": [SUBNET, "subnet-0123456789abcdef1"]}),
        );
        let balancer = made["LoadBalancers"][0]["LoadBalancerArn"].clone();
        for port in [80, 8080] {
            let forward = json!([{"Type": "forward", "TargetGroupArn": bench.pair[0]}]);
            let made = bench.must(
                "CreateListener",
                &json!({"LoadBalancerArn": balancer, "Protocol": protocol, "Port": port,
                    "DefaultActions": forward}),
            );
            let arn = made["Listeners"][0]["ListenerArn"]
                .as_str()
                .unwrap()
                .to_owned();
            *(if port == 80 {
                &mut bench.production
            } else {
                &mut bench.test
            }) = arn;
        }
        bench.must("CreateCluster", &json!({"clusterName": "c"}));
        for image in ["web:1", "web:2"] {
            bench.register(image);
        }
        bench.must(
            "CreateService",
            &json!({"cluster": "c", "serviceName": "s", "taskDefinition": "web:1",
                "desiredCount": 2, "launchType": "FARGATE",
                "deploymentController": {"type": controller},
                "loadBalancers": [{"targetGroupArn": bench.pair[0], "containerName": "app",
                    "containerPort": 8080}],
                "networkConfiguration": {"awsvpcConfiguration": {
                    "subnets": [SUBNET], "securityGroups": [GROUP_OF_SECURITY]}}}),
        );
        bench.run(180);
        bench.must(
            "CreateApplication",
            &json!({"applicationName": "app", "computePlatform": "ECS"}),
        );
        bench
    }

    /// Registers the next revision of the family `web` with this image.
    pub(super) fn register(&mut self, image: &str) {
        self.must(
            "RegisterTaskDefinition",
            &json!({"family": "web", "networkMode": "awsvpc", "cpu": "256", "memory": "512",
                "requiresCompatibilities": ["FARGATE"],
                "containerDefinitions": [{"name": "app", "image": image, "essential": true,
                    "portMappings": [{"containerPort": 8080}]}]}),
        );
    }

    pub(super) fn behave(&mut self, image: &str, behaviour: Behaviour) {
        self.world.behaviours.set(image, behaviour);
    }

    /// The request for a group `g` of the service, both listeners, no waits.
    pub(super) fn group(&self) -> Value {
        json!({
            "applicationName": "app", "deploymentGroupName": "g", "serviceRoleArn": ROLE,
            "deploymentConfigName": "CodeDeployDefault.ECSAllAtOnce",
            "deploymentStyle": {"deploymentType": "BLUE_GREEN",
                "deploymentOption": "WITH_TRAFFIC_CONTROL"},
            "blueGreenDeploymentConfiguration": {
                "terminateBlueInstancesOnDeploymentSuccess": {"action": "TERMINATE",
                    "terminationWaitTimeInMinutes": 0},
                "deploymentReadyOption": {"actionOnTimeout": "CONTINUE_DEPLOYMENT"}},
            "ecsServices": [{"clusterName": "c", "serviceName": "s"}],
            "loadBalancerInfo": {"targetGroupPairInfoList": [{
                "targetGroups": [{"name": "tg-1"}, {"name": "tg-2"}],
                "prodTrafficRoute": {"listenerArns": [self.production]},
                "testTrafficRoute": {"listenerArns": [self.test]}}]},
        })
    }

    /// A load balancer, a service, an application `app` and its group `g`, after `change`.
    pub(super) fn with_group(change: impl FnOnce(&mut Value)) -> Self {
        let mut bench = Self::new("application", "CODE_DEPLOY");
        let mut group = bench.group();
        change(&mut group);
        bench.must("CreateDeploymentGroup", &group);
        bench
    }

    /// The `AppSpec` that deploys this revision of `web`, with these hooks.
    pub(super) fn spec(revision: &str, hooks: &Value) -> Value {
        let content = json!({"version": "0.0", "Resources": [{"TargetService": {
            "Type": "AWS::ECS::Service", "Properties": {"TaskDefinition": revision,
                "LoadBalancerInfo": {"ContainerName": "app", "ContainerPort": 8080}}}}],
            "Hooks": hooks});
        json!({"revisionType": "AppSpecContent",
            "appSpecContent": {"content": content.to_string()}})
    }

    /// Starts a deployment of this revision of `web` and returns its id.
    pub(super) fn deploy(&mut self, revision: &str, hooks: &Value) -> String {
        let input = json!({"applicationName": "app", "deploymentGroupName": "g",
            "revision": Self::spec(revision, hooks)});
        self.must("CreateDeployment", &input)["deploymentId"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Lets this many seconds pass.
    pub(super) fn run(&mut self, seconds: Time) {
        let until = self.world.now + seconds * 1000;
        self.world.tick(until);
    }

    /// Lets time pass, at most this many seconds, until the deployment has this status.
    pub(super) fn until(&mut self, id: &str, status: &str, seconds: Time) {
        for _ in 0..seconds {
            if self.info(id)["status"] == status {
                return;
            }
            self.run(1);
        }
        panic!("not {status} within {seconds} s: {:#}", self.info(id));
    }

    /// Lets time pass until this lifecycle event of the deployment is in progress.
    pub(super) fn until_event(&mut self, id: &str, event: &str) {
        for _ in 0..600 {
            if self.event(id, event) == "InProgress" {
                return;
            }
            self.run(1);
        }
        panic!("{event} did not begin: {:#}", self.info(id));
    }

    pub(super) fn info(&mut self, id: &str) -> Value {
        self.must("GetDeployment", &json!({"deploymentId": id}))["deploymentInfo"].clone()
    }

    pub(super) fn target(&mut self, id: &str) -> Value {
        let input = json!({"deploymentId": id, "targetId": "c:s"});
        self.call("GetDeploymentTarget", &input)
            .map(|found| found["deploymentTarget"]["ecsTarget"].clone())
            .unwrap_or_default()
    }

    /// The status of one lifecycle event.
    pub(super) fn event(&mut self, id: &str, name: &str) -> String {
        let target = self.target(id);
        let events = target["lifecycleEvents"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let found = events
            .iter()
            .find(|event| event["lifecycleEventName"] == name);
        found
            .map(|event| event["status"].as_str().unwrap().to_owned())
            .unwrap_or_default()
    }

    /// The production listener's weights on `tg-1` and `tg-2`.
    pub(super) fn weights(&self) -> [u32; 2] {
        let [one, two] = &self.pair;
        self.world
            .elb
            .pair_weights(&self.production, [one, two])
            .unwrap()
    }

    /// The test listener's weights on `tg-1` and `tg-2`.
    pub(super) fn test_weights(&self) -> [u32; 2] {
        let [one, two] = &self.pair;
        self.world.elb.pair_weights(&self.test, [one, two]).unwrap()
    }

    /// The service's task sets as `revision status running`, PRIMARY first.
    pub(super) fn sets(&mut self) -> Vec<String> {
        let input = json!({"cluster": "c", "services": ["s"]});
        let found = self.must("DescribeServices", &input);
        let sets = found["services"][0]["taskSets"].as_array().unwrap().clone();
        let mut sets: Vec<String> = sets
            .iter()
            .map(|set| {
                let revision = set["taskDefinition"]
                    .as_str()
                    .unwrap()
                    .rsplit('/')
                    .next()
                    .unwrap();
                format!(
                    "{} {revision} {}",
                    set["status"].as_str().unwrap(),
                    set["runningCount"]
                )
            })
            .collect();
        sets.sort();
        sets.reverse();
        sets
    }
}

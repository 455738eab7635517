//! One service in two payloads, and observations of it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::history::description;
use super::super::{DECLARED_TAG, Observed, RETRY_ANNOTATION, payload, plan, resets};
use crate::kinds::testing::Scene;
use crate::kinds::{INSTANCE_TAG, MEMBERS_TAG, View, members};
use crate::model::{Facts, Key, Kind, Moment, Plan, Seen};

/// The time of every pass.
pub(super) const NOW: Moment = Moment(10_000_000);

pub(super) const CLUSTER: &str = "arn:aws:ecs:us-east-1:123456789012:cluster/main";
pub(super) const SERVICE: &str = "arn:aws:ecs:us-east-1:123456789012:service/main/web";

/// What a deployment carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Payload {
    A,
    B,
}

impl Payload {
    pub(super) const ALL: [Self; 2] = [Self::A, Self::B];

    pub(super) fn task_definition(self) -> &'static str {
        match self {
            Self::A => "arn:aws:ecs:us-east-1:123456789012:task-definition/web:1",
            Self::B => "arn:aws:ecs:us-east-1:123456789012:task-definition/web:2",
        }
    }

    fn digest(self) -> &'static str {
        match self {
            Self::A => "v1:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            Self::B => "v1:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
        }
    }
}

pub(super) fn target_group(name: &str) -> String {
    format!(
        "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/{name}/0123456789abcdef"
    )
}

/// The load balancer of both listeners.
pub(super) const BALANCER: &str =
    "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/web/1";

pub(super) fn listener(which: &str) -> String {
    format!("arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/web/1/{which}")
}

/// A manifest, and what is observed of it.
pub(super) struct Bench {
    pub(super) scene: Scene,
    pub(super) observed: Observed,
    pub(super) unresolved: Vec<Key>,
    pub(super) drifting_since: Option<Moment>,
    /// Why it is not its turn.
    pub(super) turn: Option<&'static str>,
}

impl Bench {
    /// A `CODE_DEPLOY` service that declares `desired` and runs `live`, with two tasks of two and a
    /// deployment group that never deployed.
    pub(super) fn blue_green(desired: Payload, live: Payload) -> Self {
        let mut spec = spec(desired, "CODE_DEPLOY");
        spec["loadBalancers"] = json!([
            {"targetGroupArn": target_group("web-blue"), "containerName": "web", "containerPort": 8080}]);
        let mut service = service(live, "CODE_DEPLOY");
        service["deployments"] = json!([]);
        service["taskSets"] = json!([{
            "id": "ecs-svc/1", "status": "PRIMARY", "stabilityStatus": "STEADY_STATE",
            "taskDefinition": live.task_definition(), "platformVersion": "1.4.0",
            "networkConfiguration": network(),
            "loadBalancers": [
                {"targetGroupArn": target_group("web-blue"), "containerName": "web", "containerPort": 8080}],
        }]);
        service["loadBalancers"] = service["taskSets"][0]["loadBalancers"].clone();
        let mut group = json!({"applicationName": "AppECS-web", "deploymentGroupName": "DgpECS-web",
            "ecsServices": [{"clusterName": "main", "serviceName": "web"}]});
        group["loadBalancerInfo"] = json!({"targetGroupPairInfoList": [
            {"targetGroups": [{"name": "web-blue"}, {"name": "web-green"}],
                "prodTrafficRoute": {"listenerArns": [listener("production")]},
                "testTrafficRoute": {"listenerArns": [listener("test")]}}]});
        let mut bench = Self::new(spec, service, desired);
        bench.scene = bench
            .scene
            .with(Kind::DeploymentGroup, "web", group.clone());
        bench.observed.group = Some(Seen::Present(group));
        bench.weigh("production", [100, 0]);
        bench.weigh("test", [0, 100]);
        for name in ["web-blue", "web-green"] {
            let group = json!({"TargetGroupName": name, "LoadBalancerArns": [BALANCER]});
            let pair = &mut bench.observed.pair;
            pair.insert(name.to_owned(), Seen::Present(group));
        }
        bench.health(&["healthy"]);
        bench
    }

    /// Sets the weights of the pair in the only rule of a listener that forwards to it.
    pub(super) fn weigh(&mut self, which: &str, weights: [u64; 2]) {
        let groups = ["web-blue", "web-green"].map(target_group);
        let groups: Value = groups
            .iter()
            .zip(weights)
            .map(|(arn, weight)| json!({"TargetGroupArn": arn, "Weight": weight.to_string()}))
            .collect();
        let rules = vec![
            json!({"RuleArn": "arn:rule/10", "Actions": [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]}),
            json!({"RuleArn": "arn:rule/default", "Actions": [{"Type": "fixed-response"}]}),
        ];
        let listeners = &mut self.observed.listeners;
        listeners.insert(listener(which), Seen::Present(rules));
    }

    /// Gives the target group whose tasks serve targets in these states.
    pub(super) fn health(&mut self, states: &[&str]) {
        let target = |state: &&str| json!({"TargetHealth": {"State": state}});
        let targets: Value = states.iter().map(target).collect();
        let health = &mut self.observed.health;
        health.insert(target_group("web-blue"), Seen::Present(targets));
    }

    /// A rolling service that declares `desired` and whose `PRIMARY` deployment, of `live`, is in
    /// this rollout state.
    pub(super) fn rolling(desired: Payload, live: Payload, state: &str) -> Self {
        let mut service = service(live, "ECS");
        service["deployments"] = json!([{
            "id": "ecs-svc/1", "status": "PRIMARY", "rolloutState": state,
            "rolloutStateReason": format!("ECS deployment ecs-svc/1 {state}."),
            "taskDefinition": live.task_definition()}]);
        Self::new(spec(desired, "ECS"), service, desired)
    }

    fn new(spec: Value, service: Value, desired: Payload) -> Self {
        let definition = Key::new(Kind::TaskDefinition, "web");
        let mut scene = Scene::default().with(Kind::Service, "web", spec).with(
            Kind::TaskDefinition,
            "web",
            json!({"family": "web"}),
        );
        let facts = Facts {
            arn: Some(desired.task_definition().to_owned()),
            digest: Some(desired.digest().to_owned()),
            ready: true,
            ..Facts::default()
        };
        scene.facts.insert(definition, facts);
        Self {
            scene,
            observed: Observed {
                service: Seen::Present(service),
                revision: None,
                front: None,
                group: None,
                deployment: None,
                target: Seen::Absent,
                history: None,
                service_deployments: None,
                scalable_target: Some(Seen::Absent),
                serving: None,
                rules: BTreeMap::new(),
                listeners: BTreeMap::new(),
                pair: BTreeMap::new(),
                health: BTreeMap::new(),
                family: None,
                tasks: None,
                stop_reasons: Vec::new(),
            },
            unresolved: Vec::new(),
            drifting_since: None,
            turn: None,
        }
    }

    /// The service as it is observed.
    pub(super) fn live(&mut self) -> &mut Value {
        match &mut self.observed.service {
            Seen::Present(service) => service,
            other => panic!("no service: {other:?}"),
        }
    }

    /// The manifest's spec.
    pub(super) fn spec(&mut self) -> &mut Value {
        let key = Key::new(Kind::Service, "web");
        &mut self.scene.set.resources.get_mut(&key).unwrap().spec
    }

    /// Gives the manifest the retry annotation.
    pub(super) fn retry(&mut self, text: &str) {
        let key = Key::new(Kind::Service, "web");
        let resource = self.scene.set.resources.get_mut(&key).unwrap();
        let annotation = (RETRY_ANNOTATION.to_owned(), text.to_owned());
        resource.annotations.extend([annotation]);
    }

    /// Takes the deployment group's manifest away.
    pub(super) fn without_group_manifest(&mut self) {
        let key = Key::new(Kind::DeploymentGroup, "web");
        self.scene.set.resources.remove(&key);
        self.observed.group = None;
    }

    /// Records an attempt on the service.
    pub(super) fn tag(&mut self, attempt: &str) {
        let tags = json!([{"key": DECLARED_TAG, "value": attempt}]);
        self.live()["tags"] = tags;
    }

    /// The group's deployments, newest first; the first is also the last attempted one.
    pub(super) fn deployments(&mut self, newest_first: Vec<Value>) {
        self.observed.deployment = newest_first.first().cloned().map(Seen::Present);
        self.observed.history = Some(Seen::Present(newest_first));
    }

    pub(super) fn view(&self) -> View<'_> {
        let mut view = self.scene.view(Kind::Service, "web");
        view.now = NOW;
        view.drifting_since = self.drifting_since;
        view.turn = self.turn;
        view.unresolved.clone_from(&self.unresolved);
        view
    }

    /// The digest of the declared attempt.
    pub(super) fn attempt(&self) -> String {
        payload::attempt_digest(&self.view()).unwrap()
    }

    pub(super) fn plan(&self) -> Plan {
        self.plan_of(&self.observed)
    }

    /// The plan at another time.
    pub(super) fn plan_at(&self, now: Moment) -> Plan {
        let mut observed = self.observed.clone();
        let mut view = self.view();
        view.now = now;
        if let Seen::Present(service) = &mut observed.service {
            record(&view, service);
        }
        plan::plan(&view, &observed)
    }

    /// The plan of other observations than its own.
    pub(super) fn plan_of(&self, observed: &Observed) -> Plan {
        let view = self.view();
        let mut observed = observed.clone();
        if let Seen::Present(service) = &mut observed.service {
            record(&view, service);
        }
        plan::plan(&view, &observed)
    }
}

/// Puts the record of what is declared into the service's tags, as the pass before left it, unless
/// there is one.
fn record(view: &View<'_>, service: &mut Value) {
    let rows = resets::rows(plan::controller(service));
    let Some(text) = members::to_remember(view, &rows) else {
        return;
    };
    let tags = service["tags"].as_array_mut().unwrap();
    if tags.iter().all(|tag| tag["key"] != MEMBERS_TAG) {
        tags.push(json!({"key": MEMBERS_TAG, "value": text}));
    }
}

/// The attempt's digest of a payload, by this retry text.
pub(super) fn attempt(payload: Payload, controller: &str, retry: Option<&str>) -> String {
    let mut bench = match controller {
        "CODE_DEPLOY" => Bench::blue_green(payload, payload),
        _ => Bench::rolling(payload, payload, "COMPLETED"),
    };
    if let Some(text) = retry {
        bench.retry(text);
    }
    bench.attempt()
}

/// A deployment of ours, as `BatchGetDeployments` gives it.
pub(super) fn deployment(id: &str, attempt: &str, status: &str) -> Value {
    json!({"deploymentId": id, "status": status, "creator": "user", "description": description(attempt, None)})
}

pub(super) fn network() -> Value {
    json!({"awsvpcConfiguration": {"subnets": ["subnet-1", "subnet-2"], "securityGroups": ["sg-1", "sg-2"],
        "assignPublicIp": "DISABLED"}})
}

fn spec(desired: Payload, controller: &str) -> Value {
    json!({
        "cluster": CLUSTER, "serviceName": "web", "taskDefinition": desired.task_definition(),
        "launchType": "FARGATE", "platformVersion": "1.4.0", "desiredCount": 2,
        "deploymentController": {"type": controller}, "networkConfiguration": network(),
    })
}

fn service(live: Payload, controller: &str) -> Value {
    let mut service = json!({
        "serviceArn": SERVICE, "serviceName": "web", "clusterArn": CLUSTER, "status": "ACTIVE",
        "taskDefinition": live.task_definition(), "launchType": "FARGATE", "platformVersion": "1.4.0",
        "desiredCount": 2, "runningCount": 2, "pendingCount": 0, "networkConfiguration": network(),
        "tags": [{"key": INSTANCE_TAG, "value": "default"}],
    });
    if controller != "ECS" {
        service["deploymentController"] = json!({"type": controller});
    }
    service
}

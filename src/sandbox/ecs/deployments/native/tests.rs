//! Courses of deployments that shift traffic, second by second, and what is refused.

use super::super::super::super::behaviour::Behaviour;
use super::super::super::super::levers::HookOutcome;
use super::super::super::World;
use super::super::super::testing::{
    balance, call, define, described, network, refusal, seconds, target_group, world,
};
use serde_json::{Value, json};

const ROLE: &str = "arn:aws:iam::123456789012:role/ecs-infrastructure";
const HOOK: &str = "arn:aws:lambda:us-east-1:123456789012:function:smoke";

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

#[test]
fn the_first_deployment_goes_to_the_group_that_is_not_served_and_the_sides_alternate() {
    let mut stand = Stand::up(&blue_green(0));
    assert_eq!(stand.weights(&stand.production), [0, 100]);
    assert_eq!(stand.healthy(), [0, 2]);
    stand.deploy("nginx:2");
    stand.ends("SUCCESSFUL");
    assert_eq!(stand.weights(&stand.production), [100, 0]);
    assert_eq!(stand.weights(&stand.test), [100, 0]);
    assert_eq!(stand.healthy(), [2, 0]);
    let service = stand.service();
    assert_eq!(
        service["loadBalancers"][0]["targetGroupArn"], stand.blue,
        "what was declared stays"
    );
    let revision = service["currentServiceRevisions"][0]["arn"].clone();
    let revisions = call(
        &mut stand.world,
        "DescribeServiceRevisions",
        &json!({"serviceRevisionArns": [revision]}),
    );
    let resolved = &revisions["serviceRevisions"][0]["resolvedConfiguration"]["loadBalancers"];
    assert_eq!(
        *resolved,
        json!([{"targetGroupArn": stand.blue, "productionListenerRule": stand.production}])
    );
    stand.deploy("nginx:3");
    stand.ends("SUCCESSFUL");
    assert_eq!(stand.weights(&stand.production), [0, 100]);
    // The rule as ECS leaves it.
    let rules = call(
        &mut stand.world,
        "DescribeRules",
        &json!({"RuleArns": [stand.production]}),
    );
    assert_eq!(
        rules["Rules"][0]["Actions"],
        json!([{"Type": "forward", "ForwardConfig": {
            "TargetGroups": [{"TargetGroupArn": stand.green, "Weight": 100}, {"TargetGroupArn": stand.blue, "Weight": 0}],
            "TargetGroupStickinessConfig": {"Enabled": false}}}])
    );
}

#[test]
fn the_stages_come_in_order_and_blue_stays_until_the_end() {
    let mut stand = Stand::up(&blue_green(2));
    stand.deploy("nginx:2");
    let mut seen: Vec<String> = Vec::new();
    loop {
        let newest = stand.newest();
        let stage = newest["lifecycleStage"].as_str().unwrap().to_owned();
        if seen.last() != Some(&stage) {
            seen.push(stage.clone());
        }
        if newest["status"] == "SUCCESSFUL" {
            break;
        }
        if stage != "CLEAN_UP" {
            assert_eq!(stand.healthy()[1], 2, "{stage}");
            assert_eq!(stand.service()["desiredCount"], 2);
        }
        let served = stand.weights(&stand.production);
        let healthy = stand.healthy();
        assert!(
            (0..2).all(|side| served[side] == 0 || healthy[side] > 0),
            "{stage}"
        );
        seconds(&mut stand.world, 1);
    }
    assert_eq!(
        seen,
        [
            "PRE_SCALE_UP",
            "SCALE_UP",
            "POST_SCALE_UP",
            "TEST_TRAFFIC_SHIFT",
            "POST_TEST_TRAFFIC_SHIFT",
            "PRE_PRODUCTION_TRAFFIC_SHIFT",
            "PRODUCTION_TRAFFIC_SHIFT",
            "POST_PRODUCTION_TRAFFIC_SHIFT",
            "BAKE_TIME",
            "CLEAN_UP"
        ]
    );
    let newest = stand.newest();
    let target = &newest["targetServiceRevision"];
    assert_eq!(target["requestedProductionTrafficWeight"], 100.0);
    assert_eq!(newest["alarms"]["status"], "DISABLED");
    assert_eq!(stand.service()["deployments"].as_array().unwrap().len(), 1);
}

#[test]
fn steps_move_the_weights_and_bake() {
    let linear = json!({"strategy": "LINEAR",
        "linearConfiguration": {"stepPercent": 40.0, "stepBakeTimeInMinutes": 1}});
    let canary = json!({"strategy": "CANARY",
        "canaryConfiguration": {"canaryPercent": 0.5, "canaryBakeTimeInMinutes": 2}});
    for (config, expected, minutes) in [
        (linear, vec![[100, 0], [60, 40], [20, 80], [0, 100]], 2),
        (canary, vec![[100, 0], [995, 5], [0, 100]], 2),
    ] {
        let mut stand = Stand::up(&blue_green(0));
        stand.deploy("nginx:2");
        stand.ends("SUCCESSFUL");
        stand.update(&json!({"deploymentConfiguration": config}));
        stand.deploy("nginx:3");
        let mut seen = vec![stand.weights(&stand.production)];
        let begin = stand.at("PRODUCTION_TRAFFIC_SHIFT");
        let started = stand.world.now;
        while stand.newest()["status"] != "SUCCESSFUL" {
            let now = stand.weights(&stand.production);
            if seen.last() != Some(&now) {
                seen.push(now);
            }
            seconds(&mut stand.world, 1);
        }
        assert_eq!(seen, expected, "{begin}");
        assert!(stand.world.now - started >= minutes * 60_000);
    }
}

#[test]
fn the_circuit_breaker_goes_back_before_traffic_has_moved() {
    let mut stand = Stand::up(&breaker(true));
    crash(&mut stand.world, "bad:1");
    let good = stand.service()["taskDefinition"].clone();
    stand.deploy("bad:1");
    assert_ne!(stand.service()["taskDefinition"], good);
    let ended = stand.ends("ROLLBACK_SUCCESSFUL");
    assert_eq!(
        ended["statusReason"],
        "Service deployment rolled back because the circuit breaker threshold was exceeded."
    );
    assert_eq!(ended["deploymentCircuitBreaker"]["status"], "TRIGGERED");
    let failures = ended["deploymentCircuitBreaker"]["failureCount"].as_u64();
    assert!(failures >= Some(3), "{ended}");
    assert_eq!(
        ended["rollback"]["serviceRevisionArn"],
        ended["sourceServiceRevisions"][0]["arn"]
    );
    assert_eq!(stand.weights(&stand.production), [0, 100]);
    assert_eq!(stand.healthy(), [0, 2]);
    let service = stand.service();
    assert_eq!(service["taskDefinition"], good);
    assert_eq!(service["deployments"].as_array().unwrap().len(), 1);
    // The next one goes to the same side.
    stand.deploy("nginx:2");
    stand.ends("SUCCESSFUL");
    assert_eq!(stand.weights(&stand.production), [100, 0]);
}

#[test]
fn without_rollback_the_deployment_stops_where_it_is_and_the_next_one_reconciles() {
    let mut stand = Stand::up(&breaker(false));
    crash(&mut stand.world, "bad:1");
    stand.deploy("bad:1");
    stand.ends("STOPPED");
    seconds(&mut stand.world, 600);
    assert_eq!(stand.weights(&stand.production), [0, 100]);
    assert_eq!(stand.healthy(), [0, 2]);
    assert_eq!(stand.service()["deployments"].as_array().unwrap().len(), 2);
    stand.deploy("nginx:2");
    assert_eq!(stand.newest()["lifecycleStage"], "RECONCILE_SERVICE");
    stand.ends("SUCCESSFUL");
    assert_eq!(stand.weights(&stand.production), [100, 0]);
    assert_eq!(stand.service()["deployments"].as_array().unwrap().len(), 1);
}

#[test]
fn a_failing_first_deployment_has_nothing_to_go_back_to() {
    let mut stand = Stand::new();
    crash(&mut stand.world, "bad:1");
    define(&mut stand.world, "web", "bad:1");
    let request = stand.request(&breaker(true));
    call(&mut stand.world, "CreateService", &request);
    let newest = stand.newest()["serviceDeploymentArn"].clone();
    let stop = json!({"serviceDeploymentArn": newest});
    let refused = refusal(&mut stand.world, "StopServiceDeployment", &stop);
    assert!(refused.1.contains("no completed"), "{refused:?}");
    let ended = stand.ends("ROLLBACK_FAILED");
    assert!(ended.get("rollback").is_none(), "{ended}");
    seconds(&mut stand.world, 600);
    assert_eq!(
        stand.weights(&stand.production),
        [1, 0],
        "the rule was never touched"
    );
    stand.deploy("nginx:2");
    stand.ends("SUCCESSFUL");
    assert_eq!(stand.weights(&stand.production), [0, 100]);
}

#[test]
fn functions_are_asked_at_their_stages() {
    for stage in [
        "PRE_SCALE_UP",
        "POST_TEST_TRAFFIC_SHIFT",
        "PRODUCTION_TRAFFIC_SHIFT",
        "POST_PRODUCTION_TRAFFIC_SHIFT",
    ] {
        let config = with(
            blue_green(0),
            &json!({"lifecycleHooks": [{"hookTargetArn": HOOK, "roleArn": ROLE, "lifecycleStages": [stage]}]}),
        );
        let mut stand = Stand::up(&config);
        let hooks = &mut stand.world.levers.hooks;
        hooks.insert("smoke".to_owned(), HookOutcome::Hang);
        stand.deploy("nginx:2");
        let waiting = stand.until("called", |it| it["lifecycleHookDetails"] != json!([]));
        let hook = &waiting["lifecycleHookDetails"][0];
        assert_eq!(
            (&hook["status"], &hook["targetArn"], &hook["timeoutAction"]),
            (&json!("IN_PROGRESS"), &json!(HOOK), &json!("ROLLBACK"))
        );
        seconds(&mut stand.world, 600);
        assert_eq!(stand.newest()["lifecycleStage"], stage);
        let hooks = &mut stand.world.levers.hooks;
        hooks.insert("smoke".to_owned(), HookOutcome::Failed);
        let ended = stand.ends("ROLLBACK_SUCCESSFUL");
        assert_eq!(
            ended["statusReason"],
            format!(
                "Service deployment rolled back because {stage} lifecycle hook(s) failed. Lifecycle hook target {HOOK} returned FAILED status."
            )
        );
        assert_eq!(stand.weights(&stand.production), [0, 100], "{stage}");
        stand.world.levers.hooks.clear();
        stand.deploy("nginx:3");
        stand.ends("SUCCESSFUL");
    }
}

fn paused(timeout: &Value) -> Value {
    with(
        blue_green(0),
        &json!({"lifecycleHooks": [{"targetType": "PAUSE",
            "lifecycleStages": ["POST_SCALE_UP", "PRE_PRODUCTION_TRAFFIC_SHIFT"], "timeoutConfiguration": timeout}]}),
    )
}

#[test]
fn a_pause_waits_for_a_person() {
    let mut stand = Stand::up(&blue_green(0));
    stand.update(&json!({"deploymentConfiguration": paused(&Value::Null)}));
    stand.deploy("nginx:2");
    let awaiting = |it: &Value| {
        let hooks = it["lifecycleHookDetails"].as_array().unwrap();
        hooks.iter().any(|hook| hook["status"] == "AWAITING_ACTION")
    };
    for stage in ["POST_SCALE_UP", "PRE_PRODUCTION_TRAFFIC_SHIFT"] {
        let waiting = stand.until(stage, awaiting);
        assert_eq!(waiting["lifecycleStage"], stage);
        seconds(&mut stand.world, 7_200);
        assert_eq!(stand.newest()["lifecycleStage"], stage);
        let hooks = waiting["lifecycleHookDetails"].as_array().unwrap();
        let id = hooks.last().unwrap()["hookId"].clone();
        let arn = waiting["serviceDeploymentArn"].clone();
        for (id, text) in [
            (json!("pause"), "must follow the format"),
            (json!("ecs-pause-0"), "either completed, unavailable"),
        ] {
            let request = json!({"serviceDeploymentArn": arn, "hookId": id});
            let refused = refusal(&mut stand.world, "ContinueServiceDeployment", &request);
            assert!(refused.1.contains(text), "{refused:?}");
        }
        let request = json!({"serviceDeploymentArn": arn, "hookId": id});
        call(&mut stand.world, "ContinueServiceDeployment", &request);
    }
    let ended = stand.ends("SUCCESSFUL");
    let request = json!({"serviceDeploymentArn": ended["serviceDeploymentArn"],
        "hookId": ended["lifecycleHookDetails"][0]["hookId"]});
    let refused = refusal(&mut stand.world, "ContinueServiceDeployment", &request);
    assert!(refused.1.contains("terminal states"), "{refused:?}");
}

#[test]
fn a_pause_can_go_back_and_can_time_out() {
    for (timeout, action, status) in [
        (json!({"timeoutInMinutes": 5}), None, "ROLLBACK_SUCCESSFUL"),
        (
            json!({"timeoutInMinutes": 5, "action": "CONTINUE"}),
            None,
            "SUCCESSFUL",
        ),
        (json!({}), Some("ROLLBACK"), "ROLLBACK_SUCCESSFUL"),
    ] {
        let mut stand = Stand::up(&blue_green(0));
        stand.update(&json!({"deploymentConfiguration": paused(&timeout)}));
        stand.deploy("nginx:2");
        let waiting = stand.at("POST_SCALE_UP");
        seconds(&mut stand.world, 2);
        let hook = stand.newest()["lifecycleHookDetails"][0]["hookId"].clone();
        if let Some(action) = action {
            let request = json!({"serviceDeploymentArn": waiting["serviceDeploymentArn"], "hookId": hook, "action": action});
            call(&mut stand.world, "ContinueServiceDeployment", &request);
        }
        let ended = stand.ends(status);
        if action.is_none() && status != "SUCCESSFUL" {
            assert_eq!(
                ended["statusReason"],
                "Service deployment rolled back because POST_SCALE_UP pause hook timed out."
            );
        }
    }
}

#[test]
fn an_alarm_in_the_bake_time_goes_back_and_one_that_fires_already_is_not_heeded() {
    let alarms = json!({"alarms": {"alarmNames": ["5xx"], "enable": true, "rollback": true}});
    let mut stand = Stand::up(&with(blue_green(5), &alarms));
    stand.deploy("nginx:2");
    let baking = stand.at("BAKE_TIME");
    assert_eq!(baking["alarms"]["status"], "MONITORING");
    assert_eq!(stand.weights(&stand.production), [100, 0]);
    stand.world.levers.alarms_firing.insert("5xx".to_owned());
    let ended = stand.ends("ROLLBACK_SUCCESSFUL");
    assert_eq!(
        ended["alarms"],
        json!({"status": "TRIGGERED", "alarmNames": ["5xx"], "triggeredAlarmNames": ["5xx"]})
    );
    assert_eq!(stand.weights(&stand.production), [0, 100]);
    assert_eq!(stand.healthy(), [0, 2]);
    stand.deploy("nginx:3");
    assert_eq!(stand.ends("SUCCESSFUL")["alarms"]["status"], "DISABLED");
}

#[test]
fn a_person_stops_a_deployment_until_it_cleans_up() {
    let mut stand = Stand::up(&blue_green(5));
    stand.deploy("nginx:2");
    let arn = stand.at("BAKE_TIME")["serviceDeploymentArn"].clone();
    let abort = json!({"serviceDeploymentArn": arn, "stopType": "ABORT"});
    refusal(&mut stand.world, "StopServiceDeployment", &abort);
    let stop = json!({"serviceDeploymentArn": arn, "stopType": "ROLLBACK"});
    call(&mut stand.world, "StopServiceDeployment", &stop);
    assert_eq!(stand.newest()["status"], "ROLLBACK_REQUESTED");
    seconds(&mut stand.world, 1);
    assert_eq!(stand.newest()["status"], "ROLLBACK_IN_PROGRESS");
    assert_eq!(stand.weights(&stand.production), [0, 100], "at once");
    let ended = stand.ends("ROLLBACK_SUCCESSFUL");
    assert!(
        ended["statusReason"]
            .as_str()
            .unwrap()
            .contains("StopServiceDeployment")
    );
    let refused = refusal(&mut stand.world, "StopServiceDeployment", &stop);
    assert!(refused.1.contains("terminal states"), "{refused:?}");
    stand.deploy("nginx:3");
    let arn = stand.at("CLEAN_UP")["serviceDeploymentArn"].clone();
    let stop = json!({"serviceDeploymentArn": arn});
    let refused = refusal(&mut stand.world, "StopServiceDeployment", &stop);
    assert_eq!(refused.0, "ConflictException");
}

#[test]
fn a_newer_deployment_supersedes_and_brings_the_traffic_back_first() {
    for stage in ["SCALE_UP", "POST_TEST_TRAFFIC_SHIFT", "BAKE_TIME"] {
        let mut stand = Stand::up(&blue_green(5));
        stand.deploy("nginx:2");
        stand.at(stage);
        stand.deploy("nginx:3");
        let history = stand.history();
        assert_eq!(
            (&history[0]["status"], &history[1]["status"]),
            (&json!("PENDING"), &json!("STOP_REQUESTED")),
            "{stage}"
        );
        assert_eq!(history[0]["lifecycleStage"], "RECONCILE_SERVICE");
        seconds(&mut stand.world, 3);
        assert_eq!(stand.weights(&stand.production), [0, 100], "{stage}");
        stand.at("SCALE_UP");
        assert_eq!(stand.history()[1]["status"], "STOPPED");
        stand.ends("SUCCESSFUL");
        assert_eq!(stand.weights(&stand.production), [100, 0]);
        assert_eq!(stand.healthy()[0], 2);
    }
    // What is only cleaning up has succeeded.
    let mut stand = Stand::up(&blue_green(0));
    stand.deploy("nginx:2");
    stand.at("CLEAN_UP");
    seconds(&mut stand.world, 1);
    stand.deploy("nginx:3");
    assert_eq!(stand.history()[1]["status"], "SUCCESSFUL");
    stand.ends("SUCCESSFUL");
    assert_eq!(stand.weights(&stand.production), [0, 100]);
}

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

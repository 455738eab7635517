//! Deployments with ECS's own blue/green, linear and canary: how each may go, and that the daemon tells
//! the truth of it.

use std::time::Duration;

use evenkeel::controller::Event;
use evenkeel::model::{Block, Outcome, RolloutStage, Service, Wait};
use evenkeel::sandbox::levers::HookOutcome;
use serde_json::json;

use super::console::ECS;
use super::native_world::{
    BLUE_GREEN, BREAKER, CANARY, FILE, FUNCTION, LINEAR, SERVICE, STRATEGIES, history, hook,
    in_progress, rolled_out_badly, web,
};
use super::world::pass;

#[tokio::test(start_paused = true)]
async fn a_new_image_is_one_registration_and_one_update() {
    for (seed, strategy) in (900..).zip(STRATEGIES) {
        let world = web(strategy, seed).await;
        let daemon = world.daemon().await;
        daemon.converged().await;
        assert_eq!(
            (world.count("CreateService"), world.count("UpdateService")),
            (1, 0)
        );
        world.at_rest(&daemon).await;
        let watch = world.watch();
        for (from, to) in [("v1", "v2"), ("v2", "v3")] {
            world.ship(&daemon, from, to).await;
            let key = SERVICE.parse().unwrap();
            let status = daemon
                .until("all traffic on the new tasks", |status| {
                    let rollout = status.resources[&key].rollout.as_ref();
                    rollout.is_some_and(|one| {
                        one.weights == Some((0.0, 100.0)) && one.stage == RolloutStage::Baking
                    })
                })
                .await;
            let rollout = status.resources[&key].rollout.clone().unwrap();
            let newest = history(&world).remove(0);
            let arn = newest["serviceDeploymentArn"].as_str().unwrap();
            assert!(rollout.ours && arn.ends_with(&rollout.id), "{rollout:?}");
            daemon.converged().await;
            assert_eq!(world.serves().await, to, "{strategy}");
        }
        assert_eq!(
            (
                world.count("RegisterTaskDefinition"),
                world.count("UpdateService"),
                world.count("ModifyRule"),
            ),
            (3, 2, 0)
        );
        watch.saw_nothing_wrong();
        world.at_rest(&daemon).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_crashing_and_a_sick_image_are_rolled_back_told_and_not_tried_again() {
    for (seed, strategy) in (915..).zip(STRATEGIES) {
        let bad = if strategy == LINEAR {
            "crashing"
        } else {
            "sick"
        };
        let world = web(&format!("{strategy}{BREAKER}"), seed).await;
        let daemon = world.daemon().await;
        daemon.converged().await;
        let watch = world.watch();
        world.ship(&daemon, "v1", bad).await;
        daemon.outcome(SERVICE, rolled_out_badly).await;
        watch.saw_nothing_wrong();
        assert_eq!(world.serves().await, "v1");
    }
    for (seed, strategy) in (910..).zip(STRATEGIES) {
        let bad = if strategy == LINEAR {
            "sick"
        } else {
            "crashing"
        };
        let world = web(&format!("{strategy}{BREAKER}"), seed).await;
        let daemon = world.daemon().await;
        daemon.converged().await;
        let watch = world.watch();
        world.ship(&daemon, "v1", bad).await;
        let outcome = daemon.outcome(SERVICE, rolled_out_badly).await;
        let message = outcome.message();
        for part in [
            "ROLLBACK_SUCCESSFUL",
            "circuit breaker",
            "are too many",
            "last task to stop",
            "evenkeel.dev/retry",
        ] {
            assert!(message.contains(part), "{part}: {message}");
        }
        watch.saw_nothing_wrong();
        assert_eq!(world.serves().await, "v1");
        world.left_alone(&daemon, rolled_out_badly).await;
        daemon.events.send(Event::Resync("signal")).await.unwrap();
        pass(Duration::from_mins(10)).await;
        assert_eq!(world.count("UpdateService"), 1);
        // The cure is another manifest; going back to what failed is quarantined at once.
        world.ship(&daemon, bad, "v2").await;
        daemon.converged().await;
        assert_eq!(world.serves().await, "v2");
        world.ship(&daemon, "v2", bad).await;
        world
            .left_alone(&daemon, |outcome| {
                matches!(outcome, Outcome::Blocked(Block::Quarantined, _))
            })
            .await;
        assert_eq!(world.count("UpdateService"), 2);
        // A person says so.
        world.edit(
            FILE,
            "kind: Service\nmetadata:\n  name: web",
            "kind: Service\nmetadata:\n  name: web\n  annotations: {evenkeel.dev/retry: mended}",
        );
        daemon.look().await;
        daemon.outcome(SERVICE, in_progress).await;
        daemon.outcome(SERVICE, rolled_out_badly).await;
        assert_eq!(world.count("UpdateService"), 3);
        world.left_alone(&daemon, rolled_out_badly).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_failing_hook_is_named() {
    for (seed, strategy, stage) in [
        (930, BLUE_GREEN, "PRE_SCALE_UP"),
        (931, LINEAR, "POST_TEST_TRAFFIC_SHIFT"),
        (932, CANARY, "PRODUCTION_TRAFFIC_SHIFT"),
        (933, BLUE_GREEN, "POST_PRODUCTION_TRAFFIC_SHIFT"),
    ] {
        let world = web(&format!("{strategy}{}", hook(stage)), seed).await;
        let daemon = world.daemon().await;
        daemon.converged().await;
        let watch = world.watch();
        world.function_reports(HookOutcome::Failed);
        world.ship(&daemon, "v1", "v2").await;
        let outcome = daemon.outcome(SERVICE, rolled_out_badly).await;
        let message = outcome.message();
        assert!(
            message.contains(FUNCTION) && message.contains(stage),
            "{message}"
        );
        watch.saw_nothing_wrong();
        assert_eq!(world.serves().await, "v1");
        world.left_alone(&daemon, rolled_out_badly).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_alarm_is_named() {
    let alarms = ", alarms: {alarmNames: [web-5xx], enable: true, rollback: true}";
    for (seed, strategy) in (940..).zip(STRATEGIES) {
        let world = web(&format!("{strategy}{alarms}"), seed).await;
        let daemon = world.daemon().await;
        daemon.converged().await;
        let watch = world.watch();
        world.ship(&daemon, "v1", "v2").await;
        world.stage("BAKE_TIME").await;
        world.alarm(true);
        let outcome = daemon.outcome(SERVICE, rolled_out_badly).await;
        assert!(outcome.message().contains("web-5xx"), "{outcome}");
        world.alarm(false);
        watch.saw_nothing_wrong();
        assert_eq!(world.serves().await, "v1");
        world.left_alone(&daemon, rolled_out_badly).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_person_stops_is_not_started_again() {
    for (seed, stage, strategy) in [
        (950, "SCALE_UP", BLUE_GREEN),
        (951, "BAKE_TIME", CANARY),
        (952, "PRODUCTION_TRAFFIC_SHIFT", LINEAR),
    ] {
        let world = web(strategy, seed).await;
        let daemon = world.daemon().await;
        daemon.converged().await;
        let watch = world.watch();
        world.ship(&daemon, "v1", "v2").await;
        let arn = world.stage(stage).await["serviceDeploymentArn"].clone();
        let stop = json!({"serviceDeploymentArn": arn, "stopType": "ROLLBACK"});
        world.console(ECS, "StopServiceDeployment", &stop);
        daemon
            .until("going back", |status| {
                let rollout = status.resources[&SERVICE.parse().unwrap()].rollout.as_ref();
                rollout.is_some_and(|one| one.stage == RolloutStage::RollingBack)
            })
            .await;
        let outcome = daemon.outcome(SERVICE, rolled_out_badly).await;
        let stopped = outcome.message().contains("StopServiceDeployment request");
        assert!(stopped, "{outcome}");
        watch.saw_nothing_wrong();
        world.left_alone(&daemon, rolled_out_badly).await;
        assert_eq!(world.serves().await, "v1");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_waits_for_a_person_and_goes_on() {
    let pause =
        ", lifecycleHooks: [{targetType: PAUSE, lifecycleStages: [POST_TEST_TRAFFIC_SHIFT]}]";
    let world = web(&format!("{CANARY}{pause}"), 960).await;
    let daemon = world.daemon().await;
    let go_on = async || {
        let outcome = daemon
            .outcome(SERVICE, |outcome| {
                matches!(outcome, Outcome::Waiting(Wait::ApprovalPending, _))
            })
            .await;
        pass(Duration::from_hours(2)).await;
        let newest = history(&world).remove(0);
        let hooks = newest["lifecycleHookDetails"].as_array().unwrap();
        let id = hooks.last().unwrap()["hookId"].as_str().unwrap();
        let command = format!(
            "aws ecs continue-service-deployment --service-deployment-arn {} --hook-id {id}",
            newest["serviceDeploymentArn"].as_str().unwrap()
        );
        assert!(outcome.message().contains(&command), "{outcome}");
        let input = json!({"serviceDeploymentArn": newest["serviceDeploymentArn"], "hookId": id});
        world.console(ECS, "ContinueServiceDeployment", &input);
    };
    go_on().await;
    daemon.converged().await;
    let watch = world.watch();
    world.ship(&daemon, "v1", "v2").await;
    go_on().await;
    daemon.converged().await;
    assert_eq!(world.serves().await, "v2");
    watch.saw_nothing_wrong();
    world.at_rest(&daemon).await;
}

#[tokio::test(start_paused = true)]
async fn a_newer_manifest_supersedes_before_traffic_moves_and_waits_after() {
    for (seed, stage, strategy, supersedes) in [
        (966, "PRE_SCALE_UP", LINEAR, true),
        (970, "SCALE_UP", CANARY, true),
        (969, "TEST_TRAFFIC_SHIFT", BLUE_GREEN, true),
        (968, "POST_TEST_TRAFFIC_SHIFT", LINEAR, true),
        (971, "PRODUCTION_TRAFFIC_SHIFT", CANARY, false),
        (967, "PRODUCTION_TRAFFIC_SHIFT", LINEAR, false),
        (972, "BAKE_TIME", BLUE_GREEN, false),
    ] {
        // A stage of no length is held up by a hook.
        let held = matches!(stage, "PRE_SCALE_UP" | "POST_TEST_TRAFFIC_SHIFT");
        let hook = if held { hook(stage) } else { String::new() };
        let world = web(&format!("{strategy}{hook}"), seed).await;
        let daemon = world.daemon().await;
        daemon.converged().await;
        let watch = world.watch();
        if held {
            world.function_reports(HookOutcome::Hang);
        }
        world.ship(&daemon, "v1", "v2").await;
        let first = world.stage(stage).await["serviceDeploymentArn"].clone();
        world.ship(&daemon, "v2", "v3").await;
        if held {
            let newest = |one: &serde_json::Value| one["serviceDeploymentArn"] != first;
            world.deployment("in the place of the first", newest).await;
            world.function_reports(HookOutcome::Succeeded);
        }
        daemon.converged().await;
        assert_eq!(world.serves().await, "v3", "{stage}");
        let first = history(&world)
            .into_iter()
            .find(|one| one["serviceDeploymentArn"] == first)
            .unwrap();
        let expected = if supersedes { "STOPPED" } else { "SUCCESSFUL" };
        assert_eq!(first["status"], expected, "{stage}");
        assert_eq!(world.count("UpdateService"), 2);
        watch.saw_nothing_wrong();
        world.at_rest(&daemon).await;
    }
}

/// A deployment that hangs is superseded by the manifest that mends it.
#[tokio::test(start_paused = true)]
async fn what_was_superseded_is_not_quarantined() {
    let world = web(BLUE_GREEN, 975).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.ship(&daemon, "v1", "v2").await;
    world.stage("SCALE_UP").await;
    world.ship(&daemon, "v2", "v3").await;
    daemon.converged().await;
    world.ship(&daemon, "v3", "v2").await;
    daemon.outcome(SERVICE, in_progress).await;
    daemon.converged().await;
    assert_eq!(world.serves().await, "v2");
}

#[tokio::test(start_paused = true)]
async fn a_daemon_that_dies_during_a_rollout_is_followed_by_one_that_goes_on() {
    for (seconds, strategy) in [
        (1, BLUE_GREEN),
        (3, CANARY),
        (10, LINEAR),
        (60, CANARY),
        (100, BLUE_GREEN),
        (150, LINEAR),
    ] {
        let world = web(strategy, 980 + seconds).await;
        let daemon = world.daemon().await;
        daemon.converged().await;
        let watch = world.watch();
        world.ship(&daemon, "v1", "v2").await;
        pass(Duration::from_secs(seconds)).await;
        daemon.kill();
        let daemon = world.daemon().await;
        daemon.converged().await;
        assert_eq!(
            (
                world.count("UpdateService"),
                world.count("RegisterTaskDefinition")
            ),
            (1, 2),
            "after {seconds} s"
        );
        assert_eq!(world.serves().await, "v2");
        watch.saw_nothing_wrong();
    }
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_deploys_is_respected_and_then_healed_after_the_grace_time() {
    for (seed, strategy) in (990..).zip(STRATEGIES) {
        respected_and_then_healed(strategy, seed).await;
    }
}

async fn respected_and_then_healed(strategy: &str, seed: u64) {
    let world = web(strategy, seed).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let watch = world.watch();
    let revision = world.revision_by_hand().await;
    world.by_hand(json!({"taskDefinition": revision})).await;
    daemon
        .outcome(SERVICE, |outcome| {
            matches!(outcome, Outcome::Waiting(Wait::ForeignDeployment, _))
        })
        .await;
    // Not even a newer manifest stops it.
    world.ship(&daemon, "v1", "v2").await;
    world.stage("BAKE_TIME").await;
    assert_eq!(world.count("UpdateService"), 1);
    daemon.converged().await;
    assert_eq!(world.serves().await, "v2");
    assert_eq!(world.count("UpdateService"), 2);
    // Without a newer manifest the grace time is kept.
    world.by_hand(json!({"taskDefinition": revision})).await;
    daemon
        .outcome(SERVICE, |outcome| {
            matches!(outcome, Outcome::Waiting(Wait::DriftGrace, _))
        })
        .await;
    assert_eq!(world.count("UpdateService"), 3);
    daemon.converged().await;
    assert_eq!(world.serves().await, "v2");
    watch.saw_nothing_wrong();
    world.at_rest(&daemon).await;
}

impl super::world::World {
    /// Somebody registers a revision of another image; gives its ARN.
    pub(super) async fn revision_by_hand(&self) -> String {
        let input = json!({"family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
            "cpu": "256", "memory": "512",
            "executionRoleArn": "arn:aws:iam::123456789012:role/nova-task-execution",
            "containerDefinitions": [{"name": "web", "image": "public.ecr.aws/docker/library/busybox:1.36",
                "portMappings": [{"containerPort": 8080}]}]});
        let answer = self
            .person
            .call(Service::Ecs, "RegisterTaskDefinition", input)
            .await;
        let arn = &answer["taskDefinition"]["taskDefinitionArn"];
        arn.as_str().unwrap().to_owned()
    }
}

/// The service's manifest with another form of its load balancers.
fn form(world: &super::world::World, changes: &[(&str, &str)], without_balancer: bool) {
    let mut text = std::fs::read_to_string(world.folder.path().join(FILE)).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    if without_balancer {
        let (service, _) = text.split_once("  loadBalancers:\n").unwrap();
        text = service.to_owned();
    }
    world.write(FILE, &text);
}

#[tokio::test(start_paused = true)]
async fn a_service_without_a_load_balancer_is_deployed_all_the_same() {
    let world = web(&format!("{BLUE_GREEN}{BREAKER}"), 904).await;
    form(&world, &[], true);
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.ship(&daemon, "v1", "v2").await;
    daemon.outcome(SERVICE, in_progress).await;
    daemon.converged().await;
    assert_eq!(world.serves().await, "v2");
    world.ship(&daemon, "v2", "crashing").await;
    daemon.outcome(SERVICE, rolled_out_badly).await;
    assert_eq!(world.serves().await, "v2");
    assert_eq!(world.count("UpdateService"), 2);
    world.left_alone(&daemon, rolled_out_badly).await;
}

/// Behind a network load balancer traffic goes through listeners, which have no rules.
#[tokio::test(start_paused = true)]
async fn behind_a_network_load_balancer_listeners_shift() {
    let world = web(&format!("{BLUE_GREEN}{BREAKER}"), 905).await;
    let group = "{TargetType: ip, Protocol: HTTP, ";
    let network = "{TargetType: ip, Protocol: TCP, HealthCheckProtocol: HTTP, ";
    let fixed =
        "DefaultActions: [{Type: fixed-response, FixedResponseConfig: {StatusCode: \"404\"}}]";
    let forward = "DefaultActions: [{Type: forward, ForwardConfig: {TargetGroups: [{TargetGroupRef: blue, Weight: 1}, {TargetGroupRef: green, Weight: 0}]}}]";
    let changes = [
        (group, network),
        (fixed, forward),
        (
            "{LoadBalancerRef: web, Protocol: HTTP",
            "{LoadBalancerRef: web, Protocol: TCP",
        ),
        (
            "productionListenerRuleRef: production",
            "productionListenerRef: production",
        ),
        ("testListenerRuleRef: test", "testListenerRef: test"),
        (
            "  Subnets: [subnet-0a1b2c3d4e5f60001, subnet-0a1b2c3d4e5f60002]\n  SecurityGroups: [sg-0a1b2c3d4e5f60001]\n",
            "  {Type: network, Subnets: [subnet-0a1b2c3d4e5f60001, subnet-0a1b2c3d4e5f60002]}\n",
        ),
    ];
    form(&world, &changes, false);
    let text = std::fs::read_to_string(world.folder.path().join(FILE)).unwrap();
    let documents = text
        .split("---\n")
        .filter(|one| !one.contains("kind: ListenerRule"));
    let documents: Vec<&str> = documents.collect();
    world.write(FILE, &documents.join("---\n"));
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.ship(&daemon, "v1", "v2").await;
    daemon.outcome(SERVICE, in_progress).await;
    daemon.converged().await;
    assert_eq!(world.serves().await, "v2");
    world.at_rest(&daemon).await;
    world.ship(&daemon, "v2", "crashing").await;
    daemon.outcome(SERVICE, rolled_out_badly).await;
    assert_eq!(world.serves().await, "v2");
    assert_eq!(world.count("UpdateService"), 2);
}

//! ECS's own blue/green of a service that is reached over Service Connect alone: no load balancer, no rule, no target
//! group. AWS's proxies shift the traffic; what the daemon sees of it are the weights of the service deployment.

use std::time::Duration;

use evenkeel::model::{Outcome, RolloutStage, Wait};
use serde_json::json;

use super::console::ECS;
use super::native_world::{
    BLUE_GREEN, BREAKER, CANARY, FILE, SERVICE, history, in_progress, rolled_out_badly, web,
};
use super::world::{World, pass};

/// The service with Service Connect in the place of its load balancer, and a pause before its production traffic.
async fn connected(strategy: &str, seed: u64) -> World {
    let world = web(&format!("{strategy}{BREAKER}"), seed).await;
    world.edit(
        FILE,
        "portMappings: [{containerPort: 8080}]",
        "portMappings: [{name: http, containerPort: 8080, appProtocol: http}]",
    );
    let text = std::fs::read_to_string(world.folder.path().join(FILE)).unwrap();
    let (before, _) = text.split_once("  loadBalancers:\n").unwrap();
    let connect = "  serviceConnectConfiguration:
    enabled: true
    namespace: nova.local
    services:
      - portName: http
        discoveryName: web
        clientAliases:
          - {port: 80, dnsName: web, testTrafficRules: {header: {name: x-test, value: {exact: \"yes\"}}}}\n";
    world.write(FILE, &format!("{before}{connect}"));
    world
}

#[tokio::test(start_paused = true)]
async fn it_is_deployed_shown_and_at_rest() {
    for (seed, strategy) in [(1470, BLUE_GREEN), (1471, CANARY)] {
        let world = connected(strategy, seed).await;
        let daemon = world.daemon().await;
        daemon.converged().await;
        assert_eq!(
            world.count("CreateTargetGroup"),
            2,
            "of their own manifests"
        );
        world.at_rest(&daemon).await;
        world.ship(&daemon, "v1", "v2").await;
        let key = SERVICE.parse().unwrap();
        let baking = daemon
            .until("all traffic on the new tasks", |status| {
                let rollout = status.resources[&key].rollout.as_ref();
                rollout.is_some_and(|one| {
                    one.weights == Some((0.0, 100.0)) && one.stage == RolloutStage::Baking
                })
            })
            .await;
        assert!(baking.resources[&key].rollout.as_ref().unwrap().ours);
        daemon.converged().await;
        assert_eq!(world.serves().await, "v2");
        let service = world.person.service("nova", "web").await;
        assert_eq!(service["loadBalancers"], json!([]));
        assert_eq!(
            (world.count("UpdateService"), world.count("ModifyRule")),
            (1, 0)
        );
        world.at_rest(&daemon).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_rolled_back_told_and_not_tried_again() {
    let world = connected(CANARY, 1475).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.ship(&daemon, "v1", "crashing").await;
    let outcome = daemon.outcome(SERVICE, rolled_out_badly).await;
    for part in [
        "ROLLBACK_SUCCESSFUL",
        "circuit breaker",
        "exited with code 1",
    ] {
        assert!(outcome.message().contains(part), "{part}: {outcome}");
    }
    world.left_alone(&daemon, rolled_out_badly).await;
    assert_eq!(world.serves().await, "v1");
    assert_eq!(world.count("UpdateService"), 1);
}

/// A person looks at the new tasks with the header of the test traffic, and lets it go on; a newer manifest takes the place
/// of what still waits for that.
#[tokio::test(start_paused = true)]
async fn test_traffic_is_waited_for_and_a_newer_manifest_supersedes() {
    let pause =
        ", lifecycleHooks: [{targetType: PAUSE, lifecycleStages: [POST_TEST_TRAFFIC_SHIFT]}]";
    let world = connected(BLUE_GREEN, 1480).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.edit(FILE, BLUE_GREEN, &format!("{BLUE_GREEN}{pause}"));
    world.ship(&daemon, "v1", "v2").await;
    let pending = |outcome: &Outcome| matches!(outcome, Outcome::Waiting(Wait::ApprovalPending, _));
    daemon.outcome(SERVICE, pending).await;
    let paused = history(&world).remove(0);
    let weights = &paused["targetServiceRevision"];
    assert_eq!(
        (
            &weights["requestedTestTrafficWeight"],
            &weights["requestedProductionTrafficWeight"]
        ),
        (&json!(100.0), &json!(0.0))
    );
    world.ship(&daemon, "v2", "v3").await;
    let next = |one: &serde_json::Value| {
        let waits = one["lifecycleHookDetails"].as_array();
        let waits = waits.and_then(|all| all.last());
        one["serviceDeploymentArn"] != paused["serviceDeploymentArn"]
            && waits.is_some_and(|hook| hook["status"] == "AWAITING_ACTION")
    };
    let newest = world.deployment("of v3, paused", next).await;
    daemon.outcome(SERVICE, pending).await;
    pass(Duration::from_hours(1)).await;
    let hook = newest["lifecycleHookDetails"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()["hookId"]
        .clone();
    let go = json!({"serviceDeploymentArn": newest["serviceDeploymentArn"], "hookId": hook});
    world.console(ECS, "ContinueServiceDeployment", &go);
    daemon.outcome(SERVICE, in_progress).await;
    daemon.converged().await;
    assert_eq!(world.serves().await, "v3");
    let ends: Vec<_> = history(&world)
        .iter()
        .map(|one| one["status"].clone())
        .collect();
    assert_eq!(ends, ["SUCCESSFUL", "STOPPED", "SUCCESSFUL"]);
    world.at_rest(&daemon).await;
}

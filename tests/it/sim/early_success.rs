//! Rolling deployments that are complete by `earlySuccessCriteria`: ECS calls them `SUCCESSFUL` while tasks still start and
//! stop. The daemon calls the service converged when that is over.

use std::time::Duration;

use evenkeel::model::{Outcome, Wait};

use super::native_world::{BREAKER, FILE, SERVICE, history, rolled_out_badly, web};
use super::world::{World, pass};

/// A service of four tasks whose deployments succeed with half of them.
async fn half(cleanup: &str, more: &str, seed: u64) -> World {
    let criteria = format!(
        "strategy: ROLLING, minimumHealthyPercent: 50, maximumPercent: 150, earlySuccessCriteria: {{enable: true, healthyPercent: 50, sourceServiceRevisionCleanup: {cleanup}}}{more}"
    );
    let world = web(&criteria, seed).await;
    world.edit(FILE, "desiredCount: 2", "desiredCount: 4");
    world
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_succeeds_early_is_converged_when_the_last_old_task_is_gone() {
    for (seed, cleanup) in [(1490, "DEFERRED"), (1491, "BLOCKING")] {
        let world = half(cleanup, "", seed).await;
        let daemon = world.daemon().await;
        daemon.converged().await;
        let watch = world.watch();
        world.ship(&daemon, "v1", "v2").await;
        let succeeded = |one: &serde_json::Value| {
            one["status"] == "SUCCESSFUL" && world.count("UpdateService") == 1
        };
        world.deployment("successful", succeeded).await;
        let service = world.person.service("nova", "web").await;
        let sets = service["deployments"].as_array().unwrap().len();
        assert_eq!(sets, if cleanup == "DEFERRED" { 2 } else { 1 });
        if sets > 1 {
            daemon.look().await;
            let key = SERVICE.parse().unwrap();
            let outcome = daemon.board.read().resources[&key].outcome.clone();
            assert_ne!(outcome, Outcome::Converged, "tasks of both run");
        }
        daemon.converged().await;
        assert_eq!(world.serves().await, "v2");
        watch.saw_nothing_wrong();
        world.at_rest(&daemon).await;
        assert_eq!(world.count("UpdateService"), 1);
    }
}

/// The criteria do not keep the circuit breaker from its word.
#[tokio::test(start_paused = true)]
async fn what_does_not_reach_its_share_is_rolled_back_and_told() {
    let world = half("DEFERRED", BREAKER, 1495).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.ship(&daemon, "v1", "crashing").await;
    let outcome = daemon.outcome(SERVICE, rolled_out_badly).await;
    for part in ["circuit breaker", "exited with code 1"] {
        assert!(outcome.message().contains(part), "{part}: {outcome}");
    }
    pass(Duration::from_mins(20)).await;
    daemon.outcome(SERVICE, rolled_out_badly).await;
    assert_eq!(world.serves().await, "v1");
    assert_eq!(world.count("UpdateService"), 1);
    assert_eq!(history(&world)[0]["status"], "ROLLBACK_SUCCESSFUL");
}

/// A newer manifest in the moment between the success and the end of the old tasks: three revisions side by side, one
/// deployment in flight.
#[tokio::test(start_paused = true)]
async fn a_newer_manifest_while_old_tasks_still_stop_is_deployed_at_once() {
    let world = half("DEFERRED", "", 1496).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let watch = world.watch();
    world.ship(&daemon, "v1", "v2").await;
    let succeeded = |one: &serde_json::Value| {
        one["status"] == "SUCCESSFUL" && world.count("UpdateService") == 1
    };
    world.deployment("successful", succeeded).await;
    world.ship(&daemon, "v2", "v3").await;
    let moves = |outcome: &Outcome| matches!(outcome, Outcome::Waiting(Wait::RolloutInProgress, _));
    daemon.outcome(SERVICE, moves).await;
    daemon.converged().await;
    assert_eq!(world.serves().await, "v3");
    let ends: Vec<_> = history(&world)
        .iter()
        .map(|one| one["status"].clone())
        .collect();
    assert_eq!(ends, ["SUCCESSFUL", "SUCCESSFUL", "SUCCESSFUL"]);
    watch.saw_nothing_wrong();
}

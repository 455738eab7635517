//! `rollback`: warm while the old tasks are there, and cold afterwards; what is held by it, and for how long.

use std::time::Duration;

use evenkeel::model::{Command, Outcome, RolloutStage, Wait};
use serde_json::json;

use super::super::console::{AUTH, SERVICE as CODE_DEPLOY};
use super::super::native_world::{BLUE_GREEN, CANARY, SERVICE as NATIVE, web};
use super::super::rolling::{BREAKER, FILE, SERVICE as ROLLING, worker};
use super::super::world::{Daemon, World, pass};
use super::{PROMOTE, taken_back};

const ROLLBACK: Command = Command::Rollback { foreign: false };

fn rolled_back(outcome: &Outcome) -> bool {
    taken_back(outcome, "rolled back")
}

fn told(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Waiting(Wait::RolloutInProgress, _))
        && outcome.message().contains("was rolled back by ann")
}

/// It stays so past the grace time and over a restart, and nothing is written.
async fn holds(world: &World, daemon: &Daemon, key: &str) {
    daemon.outcome(key, rolled_back).await;
    pass(Duration::from_mins(2)).await;
    let writes = world.writes();
    pass(Duration::from_mins(45)).await;
    daemon.outcome(key, rolled_back).await;
    let other = world.daemon().await;
    other.outcome(key, rolled_back).await;
    pass(Duration::from_mins(15)).await;
    other.outcome(key, rolled_back).await;
    other.kill();
    assert_eq!(world.writes(), writes);
    let why = daemon.refuses(key, ROLLBACK).await;
    assert!(
        why.contains("rolled back by ann") && why.contains("already"),
        "{why}"
    );
    assert_eq!(world.writes(), writes);
}

/// The auth service with 1.5.0 and then 1.5.1 brought out.
async fn released_twice(seed: u64) -> (World, Daemon) {
    let world = World::auth(seed).await;
    for tag in ["1.5.1", "1.5.2"] {
        world.image(&json!({"repository": "nova/auth-service", "tags": [tag]}));
    }
    let daemon = world.daemon().await;
    daemon.converged().await;
    for (from, to) in [("1.4.0", "1.5.0"), ("1.5.0", "1.5.1")] {
        let (from, to) = (format!("auth-service:{from}"), format!("auth-service:{to}"));
        world.edit(AUTH, &from, &to);
        daemon.look().await;
        daemon.converged().await;
    }
    (world, daemon)
}

#[tokio::test(start_paused = true)]
async fn codedeploy_deploys_what_succeeded_before_and_the_manifest_is_held() {
    let (world, daemon) = released_twice(1700).await;
    let daemon = world.restarted(daemon).await;
    let carried = daemon.order(CODE_DEPLOY, ROLLBACK).await.unwrap();
    assert_eq!(carried.deployment, None);
    assert_eq!(world.count("CreateDeployment"), 3);
    daemon.outcome(CODE_DEPLOY, told).await;
    holds(&world, &daemon, CODE_DEPLOY).await;
    let good = world.revision_of("1.5.0").await;
    assert_eq!(world.person.primary("nova", "auth-service").await, good);
    assert_eq!((world.count("CreateDeployment"), world.succeeded()), (3, 3));
    world.edit(AUTH, "auth-service:1.5.1", "auth-service:1.5.2");
    daemon.look().await;
    daemon.converged().await;
    world.rests(&daemon).await;
    assert_eq!(
        world.tag("auth-service", "evenkeel.dev/rolled-back").await,
        None
    );
    let newest = world.revision_of("1.5.2").await;
    assert_eq!(world.person.primary("nova", "auth-service").await, newest);
}

#[tokio::test(start_paused = true)]
async fn codedeploy_goes_back_at_once_while_the_old_tasks_are_there() {
    let world = World::auth(1701).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let why = daemon.refuses(CODE_DEPLOY, ROLLBACK).await;
    assert!(why.contains("remembers no deployment"), "{why}");
    let before = world.person.primary("nova", "auth-service").await;
    world.deploy(&daemon, "1.5.0", RolloutStage::Baking).await;
    daemon.order(CODE_DEPLOY, ROLLBACK).await.unwrap();
    assert_eq!(world.count("StopDeployment"), 1);
    daemon.outcome(CODE_DEPLOY, rolled_back).await;
    assert_eq!(world.person.primary("nova", "auth-service").await, before);
    assert_eq!(world.count("CreateDeployment"), 1);
    holds(&world, &daemon, CODE_DEPLOY).await;
}

/// It dies when the mark is written and the deployment is not begun: nothing is started, nothing held for ever.
#[tokio::test(start_paused = true)]
async fn a_crash_in_the_middle_of_a_rollback_leaves_what_runs() {
    let (world, daemon) = released_twice(1702).await;
    let before = world.person.primary("nova", "auth-service").await;
    pass(Duration::from_mins(5)).await;
    let so_far = world.mounted.with(|sandbox| sandbox.mutations().count());
    world.wire.crash_after(so_far as u64 + 1);
    tokio::select! {
        biased;
        () = world.wire.crashed() => {}
        answer = daemon.order(CODE_DEPLOY, ROLLBACK) => panic!("{answer:?}"),
    }
    daemon.kill();
    assert_eq!(world.count("CreateDeployment"), 2);
    assert!(
        world
            .tag("auth-service", "evenkeel.dev/rolled-back")
            .await
            .is_some()
    );
    let daemon = world.daemon().await;
    pass(Duration::from_mins(5)).await;
    daemon.converged().await;
    pass(Duration::from_mins(15)).await;
    world.rests(&daemon).await;
    assert_eq!(
        world.tag("auth-service", "evenkeel.dev/rolled-back").await,
        None
    );
    assert_eq!(world.person.primary("nova", "auth-service").await, before);
    daemon.order(CODE_DEPLOY, ROLLBACK).await.unwrap();
    daemon.outcome(CODE_DEPLOY, rolled_back).await;
}

#[tokio::test(start_paused = true)]
async fn ecs_goes_back_from_its_bake_time_at_once() {
    let world = web(CANARY, 1710).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let watch = world.watch();
    world.ship(&daemon, "v1", "v2").await;
    world.stage("BAKE_TIME").await;
    daemon.order(NATIVE, ROLLBACK).await.unwrap();
    daemon.outcome(NATIVE, rolled_back).await;
    assert_eq!(world.serves().await, "v1");
    assert_eq!(
        (
            world.count("StopServiceDeployment"),
            world.count("UpdateService")
        ),
        (1, 1)
    );
    watch.saw_nothing_wrong();
    holds(&world, &daemon, NATIVE).await;
}

#[tokio::test(start_paused = true)]
async fn ecs_deploys_what_succeeded_before_and_waits_at_its_pauses() {
    let pause =
        ", lifecycleHooks: [{targetType: PAUSE, lifecycleStages: [POST_TEST_TRAFFIC_SHIFT]}]";
    let world = web(&format!("{BLUE_GREEN}{pause}"), 1711).await;
    let daemon = world.daemon().await;
    let waits = |outcome: &Outcome| matches!(outcome, Outcome::Waiting(Wait::ApprovalPending, _));
    for (from, to) in [("v1", "v1"), ("v1", "v2")] {
        world.ship(&daemon, from, to).await;
        daemon.outcome(NATIVE, waits).await;
        daemon.order(NATIVE, PROMOTE).await.unwrap();
        daemon.converged().await;
    }
    let watch = world.watch();
    daemon.order(NATIVE, ROLLBACK).await.unwrap();
    let outcome = daemon.outcome(NATIVE, waits).await;
    for part in ["was rolled back by ann", "evenkeel promote Service/web"] {
        assert!(outcome.message().contains(part), "{outcome}");
    }
    let daemon = world.restarted(daemon).await;
    daemon.outcome(NATIVE, waits).await;
    daemon.order(NATIVE, PROMOTE).await.unwrap();
    holds(&world, &daemon, NATIVE).await;
    assert_eq!(world.serves().await, "v1");
    watch.saw_nothing_wrong();
    world.ship(&daemon, "v2", "v3").await;
    daemon.outcome(NATIVE, waits).await;
    daemon.order(NATIVE, PROMOTE).await.unwrap();
    world.at_rest(&daemon).await;
    assert_eq!(world.serves().await, "v3");
}

#[tokio::test(start_paused = true)]
async fn a_rolling_service_deploys_what_succeeded_before_and_is_not_healed() {
    let world = worker(BREAKER, 1720).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let why = daemon.refuses(ROLLING, ROLLBACK).await;
    assert!(why.contains("remembers no deployment"), "{why}");
    world.edit(FILE, "worker:v1", "worker:v2");
    daemon.look().await;
    daemon.converged().await;
    daemon.order(ROLLING, ROLLBACK).await.unwrap();
    daemon.outcome(ROLLING, told).await;
    holds(&world, &daemon, ROLLING).await;
    assert!(world.runs("v1").await);
    assert_eq!(world.count("UpdateService"), 2);
    // The manifest goes back: it is as declared, and nothing is held any more.
    world.edit(FILE, "worker:v2", "worker:v1");
    daemon.look().await;
    world.still(&daemon).await;
    assert_eq!(world.tag("worker", "evenkeel.dev/rolled-back").await, None);
    assert_eq!(world.count("UpdateService"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_rolling_service_goes_back_from_a_deployment_in_flight() {
    let world = worker(BREAKER, 1721).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.edit(FILE, "worker:v1", "worker:v2");
    daemon.look().await;
    let flying =
        |outcome: &Outcome| matches!(outcome, Outcome::Waiting(Wait::RolloutInProgress, _));
    daemon.outcome(ROLLING, flying).await;
    daemon.order(ROLLING, ROLLBACK).await.unwrap();
    assert_eq!(world.count("StopServiceDeployment"), 1);
    daemon.outcome(ROLLING, rolled_back).await;
    assert!(world.runs("v1").await);
    holds(&world, &daemon, ROLLING).await;
}

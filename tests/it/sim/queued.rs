//! `rollout.inFlight: queue`: what is declared while a deployment is in flight is rolled out too, in order, in every
//! engine; over restarts, failures and a person's word.

use std::time::Duration;

use evenkeel::model::{Block, Command, Outcome, RolloutStage};
use serde_json::{Value, json};

use super::console::{AUTH, SERVICE, in_flight, rolled_out_badly};
use super::native_world::{self, history};
use super::rolling;
use super::supersede::{auth, choose};
use super::world::{Daemon, World, pass};

impl World {
    /// Waits until so many revisions are registered.
    async fn registered(&self, count: usize) {
        for _ in 0..600 {
            if self.count("RegisterTaskDefinition") >= count {
                return;
            }
            pass(Duration::from_secs(1)).await;
        }
        panic!("{:?}", self.writes());
    }

    /// The numbers of the revisions that this operation was called with, in order.
    fn started(&self, operation: &str) -> Vec<u64> {
        self.mounted.with(|sandbox| {
            let calls = sandbox.mutations();
            let calls = calls.filter(|call| call.operation == operation && call.error.is_none());
            let number = |input: &Value| {
                let text = input.to_string();
                let (_, rest) = text.split_once(":task-definition/")?;
                let (_, rest) = rest.split_once(':')?;
                let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
                digits.parse().ok()
            };
            calls.filter_map(|call| number(&call.input)).collect()
        })
    }
}

fn waits_in_line(outcome: &Outcome) -> bool {
    outcome.message().contains("rollout.inFlight is queue")
}

async fn another(world: &World, daemon: Daemon) -> Daemon {
    daemon.kill();
    world.daemon().await
}

/// All that came meanwhile is rolled out, in its order, over a restart at each stage.
#[tokio::test(start_paused = true)]
async fn codedeploy_rolls_out_all_that_came_meanwhile() {
    let world = auth(1180, false).await;
    choose(&world, AUTH, "queue");
    let mut daemon = world.daemon().await;
    daemon.converged().await;
    let registered = world.count("RegisterTaskDefinition");
    world
        .deploy(&daemon, "1.5.0", RolloutStage::ScalingUp)
        .await;
    for (further, tag) in ["1.8.0", "1.9.0", "1.7.0"].into_iter().enumerate() {
        world.image(&json!({"repository": "nova/auth-service", "tags": [tag]}));
        world.ship_auth(&daemon, tag).await;
        world.registered(registered + 2 + further).await;
    }
    daemon.outcome(SERVICE, waits_in_line).await;
    for _ in 0..12 {
        daemon = another(&world, daemon).await;
        pass(Duration::from_mins(3)).await;
    }
    daemon.converged().await;
    assert_eq!(world.started("CreateDeployment"), [2, 3, 4, 5]);
    assert_eq!(world.auth_history(), ["Succeeded"; 4]);
    assert_eq!(world.count("StopDeployment"), 0);
    assert!(world.auth_serves("1.7.0").await);
    super::supersede::at_rest(&world, &daemon).await;
}

/// What fails among them is told, and the next one follows; it is not tried again.
#[tokio::test(start_paused = true)]
async fn ecs_goes_on_with_the_next_after_one_that_failed() {
    let configuration = format!("{}{}", native_world::BLUE_GREEN, native_world::BREAKER);
    let world = native_world::web(&configuration, 1181).await;
    choose(&world, native_world::FILE, "queue");
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.ship(&daemon, "v1", "v2").await;
    world.stage("SCALE_UP").await;
    world.ship(&daemon, "v2", "crashing").await;
    world.registered(3).await;
    world.ship(&daemon, "crashing", "v3").await;
    world.registered(4).await;
    let told = |outcome: &Outcome| {
        native_world::rolled_out_badly(outcome)
            && outcome.message().contains("web:3 comes first")
            && outcome.message().contains("the next revision follows at")
    };
    daemon.outcome(native_world::SERVICE, told).await;
    daemon.converged().await;
    assert_eq!(world.serves().await, "v3");
    let ends: Vec<Value> = history(&world)
        .iter()
        .map(|one| one["status"].clone())
        .collect();
    assert_eq!(
        ends[..3],
        ["SUCCESSFUL", "ROLLBACK_SUCCESSFUL", "SUCCESSFUL"]
    );
    assert_eq!(world.started("UpdateService"), [2, 3, 4]);
    super::supersede::at_rest(&world, &daemon).await;
}

/// And with rolling updates, where the crash of the daemon comes between any two writes.
#[tokio::test(start_paused = true)]
async fn rolling_updates_follow_each_other_over_a_crash_after_any_write() {
    for crash in 1..=8_u64 {
        let world = rolling::worker(rolling::BREAKER, 1182 + crash).await;
        choose(&world, rolling::FILE, "queue");
        let daemon = world.daemon().await;
        daemon.converged().await;
        world.edit(rolling::FILE, "worker:v1", "worker:v2");
        daemon.look().await;
        world.registered(2).await;
        world.edit(rolling::FILE, "worker:v2", "worker:v3");
        daemon.look().await;
        world.registered(3).await;
        world.crash_after(crash);
        let daemon = world.converged_in_spite_of_a_crash(daemon).await;
        assert!(world.runs("v3").await);
        assert_eq!(world.started("UpdateService"), [2, 3], "{crash}");
        super::supersede::at_rest(&world, &daemon).await;
    }
}

/// A person's word holds for all that was declared then; what is declared afterwards is rolled out.
#[tokio::test(start_paused = true)]
async fn what_a_person_aborts_takes_the_queue_with_it() {
    let world = auth(1195, false).await;
    choose(&world, AUTH, "queue");
    let daemon = world.daemon().await;
    daemon.converged().await;
    let registered = world.count("RegisterTaskDefinition");
    world
        .deploy(&daemon, "1.5.0", RolloutStage::ScalingUp)
        .await;
    world.ship_auth(&daemon, "1.7.0").await;
    world.registered(registered + 2).await;
    daemon.outcome(SERVICE, waits_in_line).await;
    let abort = Command::Abort { foreign: false };
    daemon.order(SERVICE, abort).await.unwrap();
    let held = |outcome: &Outcome| {
        matches!(outcome, Outcome::Blocked(Block::Quarantined, _))
            && outcome.message().contains("was aborted by ann")
    };
    daemon.outcome(SERVICE, held).await;
    pass(Duration::from_hours(2)).await;
    daemon.outcome(SERVICE, held).await;
    assert_eq!(world.started("CreateDeployment"), [2]);
    assert!(world.auth_serves("1.4.0").await);
    world.image(&json!({"repository": "nova/auth-service", "tags": ["1.8.0"]}));
    world.ship_auth(&daemon, "1.8.0").await;
    daemon.converged().await;
    assert_eq!(world.started("CreateDeployment"), [2, 4]);
    assert!(world.auth_serves("1.8.0").await);
}

/// Somebody's rollback in the console is healed to what is declared, not gone through again.
#[tokio::test(start_paused = true)]
async fn a_change_by_hand_is_healed_at_once_to_what_is_declared() {
    let world = rolling::worker(rolling::BREAKER, 1196).await;
    choose(&world, rolling::FILE, "queue");
    let daemon = world.daemon().await;
    daemon.converged().await;
    for (from, to) in [("v1", "v2"), ("v2", "v3")] {
        let (from, to) = (format!("worker:{from}"), format!("worker:{to}"));
        world.edit(rolling::FILE, &from, &to);
        daemon.look().await;
        daemon.outcome(rolling::SERVICE, in_flight).await;
        daemon.converged().await;
    }
    let by_hand = json!({"cluster": "nova", "service": "worker", "taskDefinition": "worker:1"});
    world
        .person
        .call(evenkeel::model::Service::Ecs, "UpdateService", by_hand)
        .await;
    pass(Duration::from_mins(30)).await;
    daemon.converged().await;
    assert!(world.runs("v3").await);
    assert_eq!(world.started("UpdateService"), [2, 3, 3]);
}

/// What fails is told of an older one too, and the outcome is of the newest in the end.
#[tokio::test(start_paused = true)]
async fn a_newest_that_fails_is_where_it_rests() {
    let world = rolling::worker(rolling::BREAKER, 1197).await;
    choose(&world, rolling::FILE, "queue");
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.edit(rolling::FILE, "worker:v1", "worker:v2");
    daemon.look().await;
    world.registered(2).await;
    world.edit(rolling::FILE, "worker:v2", "worker:crashing");
    daemon.look().await;
    daemon.outcome(rolling::SERVICE, rolled_out_badly).await;
    pass(Duration::from_mins(10)).await;
    assert!(world.runs("v2").await);
    let updates = world.started("UpdateService");
    pass(Duration::from_hours(3)).await;
    daemon.outcome(rolling::SERVICE, rolled_out_badly).await;
    assert_eq!(world.started("UpdateService"), updates);
    assert_eq!(updates, [2, 3]);
}

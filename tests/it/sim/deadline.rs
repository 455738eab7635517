//! `rollout.deadline` and `rollout.retryFor`: rollouts whose tasks do not come up, in every engine; and approvals that nobody
//! gives in time.

use std::time::Duration;

use evenkeel::model::{Block, Outcome};
use serde_json::{Value, json};

use super::console::{AUTH, SERVICE, rolled_out_badly};
use super::native_world::{self, history, web};
use super::rolling::{self, worker};
use super::supersede::auth;
use super::world::{Daemon, World, pass};

/// Puts a `rollout` section before the spec of the service in a file.
fn with(world: &World, file: &str, rollout: &str) {
    let text = std::fs::read_to_string(world.folder.path().join(file)).unwrap();
    let with = format!("rollout: {{{rollout}}}\nspec:\n  clusterRef");
    world.write(file, &text.replace("spec:\n  clusterRef", &with));
}

fn late(outcome: &Outcome) -> bool {
    rolled_out_badly(outcome) && outcome.message().contains("stopped by rollout.deadline at")
}

/// What was stopped once stays stopped, over a restart.
async fn stays(world: &World, daemon: Daemon, key: &str) -> Daemon {
    pass(Duration::from_mins(10)).await;
    let writes = world.writes();
    pass(Duration::from_hours(1)).await;
    daemon.kill();
    let daemon = world.daemon().await;
    pass(Duration::from_hours(1)).await;
    daemon.outcome(key, late).await;
    assert_eq!(world.writes(), writes);
    daemon
}

/// A rolling update without a circuit breaker, which would go on for ever.
#[tokio::test(start_paused = true)]
async fn a_rolling_update_whose_tasks_do_not_start_goes_back_in_time() {
    let world = worker("minimumHealthyPercent: 100, maximumPercent: 200", 1200).await;
    with(&world, rolling::FILE, "deadline: 20m");
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.edit(rolling::FILE, "worker:v1", "worker:crashing");
    daemon.look().await;
    pass(Duration::from_mins(18)).await;
    assert_eq!(world.count("StopServiceDeployment"), 0);
    let outcome = daemon.outcome(rolling::SERVICE, late).await;
    assert!(
        outcome.message().contains("evenkeel.dev/retry"),
        "{outcome}"
    );
    assert!(world.runs("v1").await);
    let daemon = stays(&world, daemon, rolling::SERVICE).await;
    assert_eq!(world.count("StopServiceDeployment"), 1);
    world.edit(rolling::FILE, "worker:crashing", "worker:v2");
    daemon.look().await;
    daemon.converged().await;
    assert!(world.runs("v2").await);
}

/// The same where ECS shifts traffic.
#[tokio::test(start_paused = true)]
async fn a_deployment_of_ecs_whose_tasks_are_not_healthy_goes_back_in_time() {
    let world = web(native_world::CANARY, 1201).await;
    with(&world, native_world::FILE, "deadline: 15m");
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.ship(&daemon, "v1", "sick").await;
    daemon.outcome(native_world::SERVICE, late).await;
    assert_eq!(world.serves().await, "v1");
    assert_eq!(history(&world)[0]["status"], "ROLLBACK_SUCCESSFUL");
    stays(&world, daemon, native_world::SERVICE).await;
    assert_eq!(world.count("StopServiceDeployment"), 1);
}

/// And CodeDeploy, sooner than its own hour.
#[tokio::test(start_paused = true)]
async fn a_deployment_of_codedeploy_whose_tasks_do_not_start_goes_back_in_time() {
    let world = auth(1202, false).await;
    let mut crashing = json!({"repository": "nova/auth-service", "tags": ["1.6.0"]});
    crashing["crash"] = json!(1);
    world.image(&crashing);
    with(&world, AUTH, "deadline: 15m");
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.ship_auth(&daemon, "1.6.0").await;
    let outcome = daemon.outcome(SERVICE, late).await;
    assert!(outcome.message().contains("MANUAL_STOP"), "{outcome}");
    assert!(world.auth_serves("1.4.0").await);
    stays(&world, daemon, SERVICE).await;
    assert_eq!(world.auth_history(), ["Stopped", "back Succeeded"]);
    assert_eq!(world.count("StopDeployment"), 1);
}

/// A death between the stop and its record leaves a stop without a reason, and nothing is started again.
#[tokio::test(start_paused = true)]
async fn a_death_after_the_stop_starts_nothing_again() {
    for crash in [1, 2] {
        let world = worker("minimumHealthyPercent: 100, maximumPercent: 200", 1203).await;
        with(&world, rolling::FILE, "deadline: 20m");
        let daemon = world.daemon().await;
        daemon.converged().await;
        world.edit(rolling::FILE, "worker:v1", "worker:crashing");
        daemon.look().await;
        pass(Duration::from_mins(10)).await;
        world.crash_after(crash);
        world.wire.crashed().await;
        daemon.kill();
        let daemon = world.daemon().await;
        daemon.outcome(rolling::SERVICE, rolled_out_badly).await;
        pass(Duration::from_hours(1)).await;
        daemon.outcome(rolling::SERVICE, rolled_out_badly).await;
        assert!(world.runs("v1").await);
        assert_eq!(world.count("UpdateService"), 1, "{crash}");
    }
}

/// The quick tries, then one every quarter of an hour, then none.
#[tokio::test(start_paused = true)]
async fn what_fails_before_traffic_moves_is_tried_slowly_for_as_long_as_is_declared() {
    let world = auth(1204, false).await;
    let mut crashing = json!({"repository": "nova/auth-service", "tags": ["1.6.0"]});
    crashing["crash"] = json!(1);
    world.image(&crashing);
    with(&world, AUTH, "retries: 1, retryFor: 90m");
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.ship_auth(&daemon, "1.6.0").await;
    pass(Duration::from_mins(100)).await;
    let slowly = |outcome: &Outcome| outcome.message().contains("(rollout.retryFor)");
    daemon.outcome(SERVICE, slowly).await;
    pass(Duration::from_hours(1)).await;
    let over = |outcome: &Outcome| {
        rolled_out_badly(outcome) && outcome.message().contains("it is not tried again")
    };
    daemon.outcome(SERVICE, over).await;
    let tried = |world: &World| {
        let all = world.auth_history();
        all.iter().filter(|one| *one == "Failed").count()
    };
    // Each takes CodeDeploy's hour: the first, its retry, and the one a quarter of an hour after that.
    assert_eq!(tried(&world), 3);
    pass(Duration::from_mins(30)).await;
    assert_eq!(tried(&world), 3);
    daemon.outcome(SERVICE, over).await;
}

/// A wait that nobody ends is `Blocked` after its time, and what is approved then goes on.
#[tokio::test(start_paused = true)]
async fn an_approval_that_nobody_gives_in_time_is_told_and_may_still_be_given() {
    let world = worker(rolling::BREAKER, 1205).await;
    with(&world, rolling::FILE, "approval: {timeout: 2h}");
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.edit(rolling::FILE, "worker:v1", "worker:v2");
    daemon.look().await;
    pass(Duration::from_mins(110)).await;
    let timed_out =
        |outcome: &Outcome| matches!(outcome, Outcome::Blocked(Block::ApprovalTimedOut, _));
    let is = |daemon: &Daemon| {
        let key = rolling::SERVICE.parse().unwrap();
        timed_out(&daemon.board.read().resources[&key].outcome)
    };
    assert!(!is(&daemon));
    pass(Duration::from_mins(15)).await;
    assert!(is(&daemon));
    assert_eq!(world.count("UpdateService"), 0);
    // Another content has its own time.
    world.edit(rolling::FILE, "worker:v2", "worker:v3");
    daemon.look().await;
    pass(Duration::from_mins(100)).await;
    assert!(!is(&daemon));
    pass(Duration::from_mins(25)).await;
    assert!(is(&daemon));
    let digest: Value = {
        let key = rolling::SERVICE.parse().unwrap();
        json!(daemon.board.read().resources[&key].digest)
    };
    let digest = digest.as_str().unwrap().to_owned();
    let approve = evenkeel::model::Command::Approve { digest };
    daemon.order(rolling::SERVICE, approve).await.unwrap();
    daemon.converged().await;
    assert!(world.runs("v3").await);
}

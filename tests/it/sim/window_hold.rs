//! `overrun: hold` of a window: what waits for a person when it closes is let on by nobody until it opens.

use std::time::Duration;

use evenkeel::model::{Command, Outcome, Wait};

use super::console::{AUTH, SERVICE};
use super::native_world::{self, CANARY, web};
use super::supersede::auth;
use super::world::{Daemon, World, pass};

const PROMOTE: Command = Command::Promote {
    foreign: false,
    terminate: false,
};

/// A window that closes twenty minutes after the beginning of time, and opens two hours later.
fn holding(world: &World, file: &str) {
    let text = std::fs::read_to_string(world.folder.path().join(file)).unwrap();
    let window = "{kind: deny, schedule: '20 0 1 1 *', duration: 2h, timeZone: UTC, overrun: hold}";
    let with = format!("sync: {{windows: [{window}]}}\nspec:\n  clusterRef");
    world.write(file, &text.replace("spec:\n  clusterRef", &with));
}

fn waits(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Waiting(Wait::ApprovalPending, _))
}

fn is_held(outcome: &Outcome) -> bool {
    waits(outcome) && outcome.message().contains("(overrun: hold)")
}

fn digest(daemon: &Daemon, key: &str) -> String {
    let status = daemon.board.read();
    let one = &status.resources[&key.parse().unwrap()];
    one.digest.clone().unwrap()
}

/// Waits until it is held, has its orders refused, and lets it on when the window is open again.
async fn held_and_let_on(daemon: &Daemon, key: &str) {
    daemon.outcome(key, waits).await;
    pass(Duration::from_mins(25)).await;
    daemon.outcome(key, is_held).await;
    let digest = digest(daemon, key);
    for command in [
        PROMOTE,
        Command::Approve {
            digest: digest.clone(),
        },
    ] {
        let why = daemon.refuses(key, command).await;
        assert!(why.contains("opens at 2026-01-01 02:20 (UTC)"), "{why}");
    }
    pass(Duration::from_mins(150)).await;
    daemon
        .outcome(key, |outcome| waits(outcome) && !is_held(outcome))
        .await;
    let approve = Command::Approve { digest };
    daemon.order(key, approve).await.unwrap();
    daemon.converged().await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_of_ecs_is_held() {
    let pause =
        ", lifecycleHooks: [{targetType: PAUSE, lifecycleStages: [POST_TEST_TRAFFIC_SHIFT]}]";
    let world = web(&format!("{CANARY}{pause}"), 1210).await;
    holding(&world, native_world::FILE);
    let daemon = world.daemon().await;
    daemon.outcome(native_world::SERVICE, waits).await;
    let first = digest(&daemon, native_world::SERVICE);
    let approve = Command::Approve { digest: first };
    daemon.order(native_world::SERVICE, approve).await.unwrap();
    daemon.converged().await;
    world.ship(&daemon, "v1", "v2").await;
    held_and_let_on(&daemon, native_world::SERVICE).await;
    assert_eq!(world.serves().await, "v2");
}

#[tokio::test(start_paused = true)]
async fn a_ready_wait_of_codedeploy_is_held() {
    let world = auth(1211, true).await;
    world.edit(AUTH, "waitTimeInMinutes: 120", "waitTimeInMinutes: 600");
    holding(&world, AUTH);
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.ship_auth(&daemon, "1.7.0").await;
    held_and_let_on(&daemon, SERVICE).await;
    assert!(world.auth_serves("1.7.0").await);
}

/// The way back is not held.
#[tokio::test(start_paused = true)]
async fn what_is_held_can_be_sent_back() {
    let world = auth(1212, true).await;
    world.edit(AUTH, "waitTimeInMinutes: 120", "waitTimeInMinutes: 600");
    holding(&world, AUTH);
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.ship_auth(&daemon, "1.7.0").await;
    pass(Duration::from_mins(25)).await;
    daemon.outcome(SERVICE, is_held).await;
    let reject = Command::Reject { digest: None };
    daemon.order(SERVICE, reject).await.unwrap();
    let rejected = |outcome: &Outcome| outcome.message().contains("was rejected by ann");
    daemon.outcome(SERVICE, rejected).await;
    pass(Duration::from_mins(10)).await;
    assert!(world.auth_serves("1.4.0").await);
}

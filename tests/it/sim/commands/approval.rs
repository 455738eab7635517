//! The approval before a rollout starts: bound to a content, kept over restarts, for a while.

use std::time::Duration;

use evenkeel::model::{Command, Outcome, Wait};
use serde_json::{Value, json};

use super::super::native_world::{BLUE_GREEN, FILE as NATIVE_FILE, SERVICE as NATIVE, web};
use super::super::rolling::{BREAKER, FILE, SERVICE, worker};
use super::super::world::{World, pass};
use super::{PROMOTE, REJECT, approve, digest, rejected};

fn waits(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Waiting(Wait::ApprovalPending, _))
        && outcome.message().contains("waits for an approval")
}

/// Has the service's manifest ask for an approval.
fn asking(world: &World, file: &str, name: &str, approval: &str) {
    let from = format!("kind: Service\nmetadata:\n  name: {name}\n");
    let to = format!("{from}rollout: {{approval: {approval}}}\n");
    world.edit(file, &from, &to);
}

#[tokio::test(start_paused = true)]
async fn a_rolling_rollout_starts_when_its_content_is_approved() {
    let world = worker(BREAKER, 1740).await;
    asking(&world, FILE, "worker", "{timeout: 2h}");
    let daemon = world.daemon().await;
    // Making the service asks nobody.
    daemon.converged().await;
    let first = digest(&daemon, SERVICE);
    world.edit(FILE, "worker:v1", "worker:v2");
    daemon.look().await;
    let outcome = daemon.outcome(SERVICE, waits).await;
    let content = digest(&daemon, SERVICE);
    for command in [
        format!("`evenkeel approve {SERVICE} --digest {content}`"),
        format!("`evenkeel reject {SERVICE}`"),
    ] {
        assert!(outcome.message().contains(&command), "{outcome}");
    }
    let daemon = world.restarted(daemon).await;
    pass(Duration::from_hours(1)).await;
    daemon.outcome(SERVICE, waits).await;
    assert_eq!(world.count("UpdateService"), 0);
    let why = daemon.refuses(SERVICE, approve(&first)).await;
    assert!(why.contains(&content), "{why}");
    let why = daemon.refuses(SERVICE, PROMOTE).await;
    assert!(why.contains("evenkeel approve"), "{why}");
    daemon.order(SERVICE, approve(&content)).await.unwrap();
    daemon.converged().await;
    assert!(world.runs("v2").await);
    assert_eq!(world.count("UpdateService"), 1);
    world.still(&daemon).await;
    // Going back is another content, and the approval of before is not of it.
    world.edit(FILE, "worker:v2", "worker:v1");
    daemon.look().await;
    daemon.outcome(SERVICE, waits).await;
    daemon.order(SERVICE, REJECT).await.unwrap();
    daemon.outcome(SERVICE, rejected).await;
    pass(Duration::from_hours(1)).await;
    daemon.outcome(SERVICE, rejected).await;
    assert!(world.runs("v2").await);
    assert_eq!(world.count("UpdateService"), 1);
}

/// Approved, and only looked at again when that is too old.
#[tokio::test(start_paused = true)]
async fn an_approval_that_is_too_old_does_not_count() {
    let world = web(BLUE_GREEN, 1741).await;
    asking(&world, NATIVE_FILE, "web", "{timeout: 30m}");
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.ship(&daemon, "v1", "v2").await;
    daemon.outcome(NATIVE, waits).await;
    let content = digest(&daemon, NATIVE);
    daemon.order(NATIVE, approve(&content)).await.unwrap();
    // It dies before it has looked again.
    daemon.kill();
    assert_eq!(world.count("UpdateService"), 0);
    pass(Duration::from_hours(1)).await;
    let daemon = world.daemon().await;
    let outcome = daemon.outcome(NATIVE, waits).await;
    assert!(outcome.message().contains("approved by ann"), "{outcome}");
    assert!(outcome.message().contains("no longer counts"), "{outcome}");
    pass(Duration::from_hours(1)).await;
    assert_eq!(world.count("UpdateService"), 0);
    daemon.order(NATIVE, approve(&content)).await.unwrap();
    world.at_rest(&daemon).await;
    assert_eq!(world.serves().await, "v2");
}

/// What runs is what is declared, and its newest deployment went back: a new text of the retry annotation has it started
/// once more, and that is a rollout like any other.
#[tokio::test(start_paused = true)]
async fn a_retry_of_what_is_live_waits_for_its_approval_and_can_be_rejected() {
    for approved in [true, false] {
        let world = web(BLUE_GREEN, 1742).await;
        asking(&world, NATIVE_FILE, "web", "{timeout: 2h}");
        let daemon = world.daemon().await;
        daemon.converged().await;
        world.by_hand(json!({"forceNewDeployment": true})).await;
        world.stage("SCALE_UP").await;
        let rollback = Command::Rollback { foreign: true };
        daemon.order(NATIVE, rollback).await.unwrap();
        let over = |one: &Value| one["status"] == "ROLLBACK_SUCCESSFUL";
        world.deployment("went back", over).await;
        let updates = world.count("UpdateService");
        let name = "kind: Service\nmetadata:\n  name: web\n";
        let annotated = format!("{name}  annotations: {{evenkeel.dev/retry: one}}\n");
        world.edit(NATIVE_FILE, name, &annotated);
        daemon.look().await;
        daemon.outcome(NATIVE, waits).await;
        if approved {
            let content = digest(&daemon, NATIVE);
            daemon.order(NATIVE, approve(&content)).await.unwrap();
            let started = |_: &_| world.count("UpdateService") > updates;
            daemon.until("the start", started).await;
            daemon.converged().await;
        } else {
            daemon.order(NATIVE, REJECT).await.unwrap();
            daemon.outcome(NATIVE, rejected).await;
            pass(Duration::from_hours(1)).await;
            daemon.outcome(NATIVE, rejected).await;
            assert_eq!(world.count("UpdateService"), updates);
        }
    }
}

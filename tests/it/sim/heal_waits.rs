//! Drift that something keeps from being healed for a while is counted when its write goes out, and once.

use std::time::Duration;

use evenkeel::model::{Outcome, Service, Wait};
use serde_json::json;

use super::console::SERVICE;
use super::drift::heals;
use super::world::{World, pass};

/// Nothing starts before three o'clock from now on; the world starts at midnight.
fn close(world: &World) {
    let text = std::fs::read_to_string(world.folder.path().join("cluster.yaml")).unwrap();
    let window =
        "{kind: deny, schedule: '0 0 1 1 *', duration: 3h, timeZone: UTC, names: [auth-service]}";
    let text = format!("{}\nsync:\n  windows: [{window}]\n", text.trim_end());
    world.write("cluster.yaml", &text);
}

fn closed(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Waiting(Wait::WindowClosed, _))
}

#[tokio::test(start_paused = true)]
async fn a_hotfix_that_waits_for_a_window_is_counted_when_it_is_changed_back() {
    let world = World::auth(340).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    close(&world);
    daemon.look().await;
    pass(Duration::from_mins(3)).await;
    daemon.converged().await;
    world.foreign_deployment().await;
    // First the grace time, then the window.
    daemon.outcome(SERVICE, closed).await;
    let starts = world.count("CreateDeployment");
    pass(Duration::from_mins(10)).await;
    assert_eq!(
        (heals(&daemon), world.count("CreateDeployment")),
        (Vec::new(), starts)
    );
    daemon
        .until("the way back", |_| world.count("CreateDeployment") > starts)
        .await;
    daemon.converged().await;
    assert_eq!(heals(&daemon), [("service".to_owned(), 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_manifest_that_waits_for_a_window_is_no_healing() {
    let world = World::auth(342).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    close(&world);
    world.release(&daemon).await;
    daemon.outcome(SERVICE, closed).await;
    pass(Duration::from_mins(10)).await;
    daemon
        .until("the deployment", |_| world.count("CreateDeployment") > 0)
        .await;
    daemon.converged().await;
    assert_eq!(heals(&daemon), []);
}

#[tokio::test(start_paused = true)]
async fn what_a_hold_kept_is_counted_when_it_ends() {
    let world = World::auth(344).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let arn = world.person.service("nova", "auth-service").await["serviceArn"].clone();
    let hold = json!({"resourceArn": arn, "tags": [{"key": "evenkeel.dev/hold", "value": "reason=incident"}]});
    world.person.call(Service::Ecs, "TagResource", hold).await;
    let input = json!({"cluster": "nova", "service": "auth-service", "desiredCount": 1});
    world
        .person
        .call(Service::Ecs, "UpdateService", input)
        .await;
    let held = |outcome: &Outcome| matches!(outcome, Outcome::Waiting(Wait::Held, _));
    daemon.outcome(SERVICE, held).await;
    pass(Duration::from_mins(10)).await;
    assert_eq!(heals(&daemon), []);
    let lift = json!({"resourceArn": arn, "tagKeys": ["evenkeel.dev/hold"]});
    world.person.call(Service::Ecs, "UntagResource", lift).await;
    daemon.look().await;
    daemon
        .outcome(SERVICE, |outcome| *outcome == Outcome::Converged)
        .await;
    assert_eq!(heals(&daemon), [("service".to_owned(), 1)]);
}

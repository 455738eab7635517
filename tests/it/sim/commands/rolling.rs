//! Orders about a service under ECS's rolling update, and about what has no rollout to act on.

use std::time::Duration;

use evenkeel::ask::Refusal;
use evenkeel::model::{Fail, Outcome, Wait};
use serde_json::json;

use super::super::rolling::{BREAKER, FILE, SERVICE, worker};
use super::super::world::{World, pass};
use super::{ABORT, ABORT_FOREIGN, PROMOTE, REJECT, TERMINATE, aborted, approve, digest};

fn in_progress(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Waiting(Wait::RolloutInProgress, _))
}

#[tokio::test(start_paused = true)]
async fn an_abort_goes_back_and_holds_over_a_restart() {
    for (seed, seconds) in [(1660, 0), (1661, 3)] {
        let world = worker(BREAKER, seed).await;
        let daemon = world.daemon().await;
        daemon.converged().await;
        world.edit(FILE, "worker:v1", "worker:v2");
        daemon.look().await;
        daemon.outcome(SERVICE, in_progress).await;
        pass(Duration::from_secs(seconds)).await;
        let daemon = world.restarted(daemon).await;
        for command in [PROMOTE, REJECT] {
            let why = daemon.refuses(SERVICE, command).await;
            assert!(why.contains("waits for nobody"), "{why}");
        }
        let why = daemon.refuses(SERVICE, TERMINATE).await;
        assert!(why.contains("leave out --terminate"), "{why}");
        daemon.order(SERVICE, ABORT).await.unwrap();
        let back = |outcome: &Outcome| {
            in_progress(outcome) && outcome.message().contains("aborted by ann")
        };
        daemon.outcome(SERVICE, back).await;
        let why = daemon.refuses(SERVICE, ABORT).await;
        // It may be over by now.
        let over = why.contains("goes back already") || why.contains("is in flight");
        assert!(over, "{why}");
        daemon.outcome(SERVICE, aborted).await;
        assert!(world.runs("v1").await);
        let writes = world.writes();
        pass(Duration::from_hours(1)).await;
        daemon.outcome(SERVICE, aborted).await;
        daemon.kill();
        let daemon = world.daemon().await;
        daemon.outcome(SERVICE, aborted).await;
        pass(Duration::from_mins(30)).await;
        assert_eq!(world.writes(), writes);
        assert_eq!(world.count("StopServiceDeployment"), 1);
        // The manifest goes back: what runs is as declared, and the record goes.
        world.edit(FILE, "worker:v2", "worker:v1");
        daemon.look().await;
        world.still(&daemon).await;
        assert_eq!(world.tag("worker", "evenkeel.dev/rolled-back").await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn with_nothing_in_flight_nothing_is_done() {
    let world = worker(BREAKER, 1662).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let writes = world.writes();
    for command in [
        ABORT,
        ABORT_FOREIGN,
        PROMOTE,
        REJECT,
        approve(&digest(&daemon, SERVICE)),
    ] {
        let why = daemon.refuses(SERVICE, command).await;
        assert!(why.contains("in flight"), "{why}");
    }
    let why = daemon.refuses("Cluster/nova", ABORT).await;
    assert!(why.contains("has no rollouts"), "{why}");
    let none = daemon.order("Service/none", ABORT).await.unwrap_err();
    assert!(matches!(none, Refusal::NotFound(_)), "{none:?}");
    assert_eq!(world.writes(), writes);
    world.still(&daemon).await;
}

/// There is nothing to go back to: AWS says so.
#[tokio::test(start_paused = true)]
async fn a_first_deployment_cannot_be_aborted() {
    let world = worker(BREAKER, 1663).await;
    let daemon = world.daemon().await;
    daemon.outcome(SERVICE, in_progress).await;
    let refusal = daemon.order(SERVICE, ABORT).await.unwrap_err();
    assert!(matches!(refusal, Refusal::RefusedByAws(_)), "{refusal:?}");
    assert!(refusal.message().contains("roll back to"), "{refusal:?}");
    daemon.converged().await;
    assert_eq!(world.tag("worker", "evenkeel.dev/rolled-back").await, None);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_not_acted_on() {
    let world = worker(BREAKER, 1664).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.edit(FILE, "worker:v1", "worker:v2");
    daemon.look().await;
    daemon.outcome(SERVICE, in_progress).await;
    world
        .wire
        .pass_over(Some(("DescribeServiceDeployments", "serviceDeployments")));
    let refusal = daemon.order(SERVICE, ABORT).await.unwrap_err();
    assert!(matches!(refusal, Refusal::Unavailable(_)), "{refusal:?}");
    world.wire.pass_over(None);
    assert_eq!(world.count("StopServiceDeployment"), 0);
    daemon.converged().await;
    assert!(world.runs("v2").await);
}

/// The deployment that goes back fails too: not passed off as gone back.
#[tokio::test(start_paused = true)]
async fn a_way_back_that_fails_is_told() {
    let world = worker(BREAKER, 1665).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.edit(FILE, "worker:v1", "worker:v2");
    daemon.look().await;
    daemon.outcome(SERVICE, in_progress).await;
    world.crashes("v1");
    daemon.order(SERVICE, ABORT).await.unwrap();
    let failed = |outcome: &Outcome| {
        matches!(outcome, Outcome::Failed(Fail::RolloutFailed, _))
            && outcome.message().contains("aborted by ann")
    };
    let outcome = daemon.outcome(SERVICE, failed).await;
    assert!(outcome.message().contains("ROLLBACK_FAILED"), "{outcome}");
}

impl World {
    /// From now on tasks of this tag crash.
    fn crashes(&self, tag: &str) {
        self.image(&json!({"repository": "nova/worker", "tags": [tag], "crash": 1}));
    }
}

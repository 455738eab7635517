//! From nothing to everything, and then silence.

use std::time::Duration;

use evenkeel::controller::{Ended, Event};

use super::world::{World, pass};

#[tokio::test(start_paused = true)]
async fn eight_services_come_up_from_nothing_and_then_nothing_is_written() {
    let world = World::new("nova", &[], 1).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    for name in [
        "auth",
        "user",
        "content",
        "feed",
        "media",
        "messaging",
        "search",
        "streaming",
    ] {
        let service = world
            .person
            .service("nova", &format!("{name}-service"))
            .await;
        assert_eq!(service["runningCount"], service["desiredCount"], "{name}");
        assert_eq!(
            service["taskSets"][0]["stabilityStatus"], "STEADY_STATE",
            "{name}"
        );
    }
    let writes = world.writes();
    // Ten further cycles: an idle key is looked at every minute, give or take a tenth.
    pass(Duration::from_mins(11)).await;
    assert_eq!(world.writes(), writes, "written at the fixpoint");
    assert_eq!(daemon.stop().await, Ended::Stopped);
}

#[tokio::test(start_paused = true)]
async fn every_resource_is_created_exactly_once() {
    let world = World::new("nova", &[], 2).await;
    world.daemon().await.converged().await;
    for (operation, count) in [
        ("CreateCluster", 1),
        ("CreateRepository", 8),
        ("RegisterTaskDefinition", 8),
        ("CreateTargetGroup", 16),
        ("CreateLoadBalancer", 1),
        ("CreateListener", 2),
        ("CreateRule", 16),
        ("CreateService", 8),
        ("CreateApplication", 8),
        ("CreateDeploymentGroup", 8),
        ("CreateDeployment", 0),
        ("UpdateService", 0),
    ] {
        assert_eq!(world.count(operation), count, "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_daemon_adopts_what_is_there_and_writes_nothing() {
    let world = World::new("nova", &[], 3).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    daemon.kill();
    let writes = world.writes();
    let daemon = world.daemon().await;
    daemon.converged().await;
    pass(Duration::from_mins(3)).await;
    assert_eq!(world.writes(), writes);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_begun_once_it_is_told_to_stop() {
    for after in [200, 400, 800, 1600] {
        let world = World::new("nova", &[], 5).await;
        let daemon = world.daemon().await;
        pass(Duration::from_millis(after)).await;
        daemon.events.send(Event::Stop).await.unwrap();
        // A write in flight may still arrive: the wire takes at most a tenth of a second.
        pass(Duration::from_millis(200)).await;
        let writes = world.writes();
        pass(Duration::from_mins(1)).await;
        assert_eq!(world.writes(), writes, "stopped after {after} ms");
    }
}

/// The same seed twice gives the same calls at the same times: without it no failing seed could be
/// replayed.
#[tokio::test(start_paused = true)]
async fn a_run_is_determined_by_its_seed() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let world = World::auth(4).await;
        let start = world.clock.now();
        let daemon = world.daemon().await;
        daemon.converged().await;
        let calls: Vec<(i64, String, String)> = world.mounted.with(|sandbox| {
            let journal = sandbox.journal().iter();
            journal
                .map(|call| {
                    (
                        call.time - start.0,
                        call.operation.clone(),
                        call.input.to_string(),
                    )
                })
                .collect()
        });
        daemon.kill();
        runs.push(calls);
    }
    assert!(!runs[0].is_empty());
    assert_eq!(runs[0], runs[1]);
}

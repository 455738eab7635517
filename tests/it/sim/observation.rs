//! What a full cycle of observation costs when nothing is wrong.

use std::collections::BTreeMap;
use std::time::Duration;

use evenkeel::controller::Event;

use super::native_world::{BLUE_GREEN, web};
use super::world::{World, pass};

/// The calls of one full cycle over the eight services, by operation.
async fn cycle(world: &World) -> BTreeMap<String, usize> {
    let daemon = world.daemon().await;
    daemon.converged().await;
    // What is under way ends.
    pass(Duration::from_secs(5)).await;
    let before = world.mounted.with(|sandbox| sandbox.journal().len());
    daemon.events.send(Event::Resync("signal")).await.unwrap();
    daemon
        .until("the resync served", |status| status.resyncs.completed == 1)
        .await;
    let mut calls = BTreeMap::new();
    world.mounted.with(|sandbox| {
        for call in &sandbox.journal()[before..] {
            *calls.entry(call.operation.clone()).or_insert(0) += 1;
        }
    });
    calls
}

/// `docs/measurements.md` states these numbers beside the minimum that the batch sizes allow; where
/// they are equal nothing can be saved.
#[tokio::test(start_paused = true)]
async fn a_full_cycle_over_eight_services_makes_the_stated_number_of_calls() {
    let world = World::new("nova", &[], 60).await;
    let calls = cycle(&world).await;
    let stated: BTreeMap<String, usize> = [
        ("BatchGetApplications", 1),
        ("BatchGetDeploymentGroups", 8),
        ("BatchGetImage", 8),
        ("DescribeClusters", 1),
        ("DescribeListeners", 1),
        ("DescribeLoadBalancers", 1),
        ("DescribeRepositories", 1),
        ("DescribeRules", 2),
        ("DescribeServices", 1),
        ("DescribeTargetGroupAttributes", 16),
        ("DescribeTargetGroups", 1),
    ]
    .map(|(operation, count)| (operation.to_owned(), count))
    .into();
    assert_eq!(calls, stated);
}

/// At rest the targets of what serves are looked at once in ten minutes, whatever deploys the service.
#[tokio::test(start_paused = true)]
async fn at_rest_targets_are_looked_at_six_times_an_hour() {
    let worlds = [
        World::auth(61).await,
        web("strategy: ROLLING", 62).await,
        web(BLUE_GREEN, 63).await,
    ];
    for world in worlds {
        let daemon = world.daemon().await;
        daemon.converged().await;
        pass(Duration::from_mins(15)).await;
        let before = world.calls("DescribeTargetHealth");
        pass(Duration::from_hours(1)).await;
        let looks = world.calls("DescribeTargetHealth") - before;
        assert!((5..=6).contains(&looks), "{looks}");
    }
}

//! Throttling, broken answers, lost answers, broken manifests.

use std::time::Duration;

use evenkeel::model::{Block, Outcome};

use super::faults::Odds;
use super::world::{World, pass};

/// Faults on every kind of call for a while, then none: the end is the same, and nothing was
/// created or deployed twice.
async fn through(odds: Odds, seed: u64) {
    let world = World::auth(seed).await;
    world.wire.set(odds);
    let daemon = world.daemon().await;
    pass(Duration::from_mins(10)).await;
    world.release(&daemon).await;
    pass(Duration::from_mins(10)).await;
    world.wire.set(Odds::default());
    daemon.converged().await;
    // The other creations are idempotent at AWS: a repeat after a lost answer is carried out, and
    // creates nothing.
    for operation in [
        "CreateRepository",
        "CreateApplication",
        "CreateDeploymentGroup",
    ] {
        assert_eq!(world.count(operation), 1, "seed {seed}: {operation}");
    }
    assert!(
        world.count("CreateDeployment") <= 1,
        "seed {seed}: {:?}",
        world.writes()
    );
    let primary = world.person.primary("nova", "auth-service").await;
    assert!(
        world.person.image(&primary).await.contains("@sha256:"),
        "seed {seed}"
    );
    let writes = world.writes();
    pass(Duration::from_mins(10)).await;
    assert_eq!(
        world.writes(),
        writes,
        "seed {seed}: written at the fixpoint"
    );
}

#[tokio::test(start_paused = true)]
async fn throttled_all_the_time() {
    for seed in 100..106 {
        through(
            Odds {
                throttled: 400,
                ..Odds::default()
            },
            seed,
        )
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn answers_with_5xx() {
    for seed in 200..206 {
        through(
            Odds {
                broken: 300,
                ..Odds::default()
            },
            seed,
        )
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn answers_lost_after_the_call_was_carried_out() {
    for seed in 300..306 {
        through(
            Odds {
                lost: 200,
                ..Odds::default()
            },
            seed,
        )
        .await;
    }
}

/// An answer that lacks what it is about says nothing of the world: least of all that it is empty.
#[tokio::test(start_paused = true)]
async fn hollow_answers_are_no_empty_world() {
    let world = World::auth(350).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let calls = |world: &World| world.mounted.with(|sandbox| sandbox.mutations().count());
    let before = calls(&world);
    world.wire.set(Odds {
        hollow: 1000,
        ..Odds::default()
    });
    pass(Duration::from_mins(30)).await;
    world.wire.set(Odds::default());
    assert_eq!(calls(&world), before, "written on hollow answers");
    daemon.converged().await;
}

/// Nor is what is read once and kept for ever: a revision that was answered hollow is read again, and none is registered
/// in its place.
#[tokio::test(start_paused = true)]
async fn a_hollow_revision_is_not_kept() {
    let world = World::auth(351).await;
    let mut daemon = world.daemon().await;
    daemon.converged().await;
    let before = world.writes();
    for _ in 0..6 {
        daemon.kill();
        world.wire.set(Odds {
            hollow: 500,
            ..Odds::default()
        });
        daemon = world.daemon().await;
        pass(Duration::from_mins(5)).await;
        world.wire.set(Odds::default());
        daemon.converged().await;
    }
    assert_eq!(world.writes(), before);
}

#[tokio::test(start_paused = true)]
async fn everything_at_once() {
    for seed in 400..410 {
        through(
            Odds {
                throttled: 150,
                broken: 150,
                hollow: 50,
                lost: 100,
            },
            seed,
        )
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn one_broken_manifest_does_not_hold_up_the_others() {
    let world = World::auth(40).await;
    world.write(
        "broken.yaml",
        "apiVersion: evenkeel.dev/v1alpha1\nkind: Cluster\nmetadata:\n  name: broken\nspec:\n  clustrName: x\n",
    );
    let daemon = world.daemon().await;
    let status = daemon
        .until("all but the broken one converged", |status| {
            status.first_cycle_done
                && status.resources.iter().all(|(key, resource)| {
                    resource.outcome == Outcome::Converged || key.name == "broken"
                })
        })
        .await;
    let broken = &status.resources[&"Cluster/broken".parse().unwrap()];
    assert!(
        matches!(broken.outcome, Outcome::Blocked(Block::ManifestInvalid, _)),
        "{}",
        broken.outcome
    );
    assert_eq!(world.count("CreateCluster"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_manifest_that_aws_refuses_does_not_hold_up_the_others() {
    let world = World::auth(41).await;
    // The priority of the auth rule, taken by a second one.
    let rule = "apiVersion: evenkeel.dev/v1alpha1\nkind: TargetGroup\nmetadata:\n  name: refused\nspec:\n  \
                Name: refused\n  Protocol: HTTP\n  Port: 80\n  TargetType: ip\n  VpcId: vpc-0\n  \
                HealthCheckIntervalSeconds: 10\n  HealthCheckTimeoutSeconds: 20\n";
    world.write("refused.yaml", rule);
    let daemon = world.daemon().await;
    let status = daemon
        .until("all but the refused one converged", |status| {
            status.first_cycle_done
                && status.resources.iter().all(|(key, resource)| {
                    resource.outcome == Outcome::Converged || key.name == "refused"
                })
        })
        .await;
    let refused = &status.resources[&"TargetGroup/refused".parse().unwrap()];
    assert_ne!(refused.outcome, Outcome::Converged);
    pass(Duration::from_hours(1)).await;
    // Backoff: an hour of refusals is a dozen or so attempts, not thousands.
    let attempts = world.mounted.with(|sandbox| {
        sandbox
            .mutations()
            .filter(|call| call.operation == "CreateTargetGroup" && call.error.is_some())
            .count()
    });
    assert!(attempts < 30, "{attempts} attempts");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_vanishes_leaves_the_last_desired_set_in_force() {
    let world = World::auth(42).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    std::fs::remove_dir_all(world.folder.path()).unwrap();
    let writes = world.writes();
    daemon.look().await;
    pass(Duration::from_mins(5)).await;
    let status = daemon.board.read();
    assert!(status.source.error.is_some());
    assert_eq!(
        status.resources.len(),
        daemon.converged().await.resources.len()
    );
    assert_eq!(world.writes(), writes);
}

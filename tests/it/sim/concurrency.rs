//! Several things at once: resyncs during passes, a second daemon, throttling, somebody who keeps
//! changing what is healed.

use std::time::Duration;

use evenkeel::controller::Event;
use evenkeel::model::{Outcome, RolloutStage, Service, Wait};
use serde_json::json;

use super::console::{AUTH, SERVICE, in_flight};
use super::faults::Odds;
use super::world::{World, pass};

#[tokio::test(start_paused = true)]
async fn resyncs_during_passes_and_deployments_change_nothing() {
    let calm = World::auth(590).await;
    let daemon = calm.daemon().await;
    daemon.converged().await;
    calm.deploy(&daemon, "1.5.0", RolloutStage::ScalingUp).await;
    daemon.converged().await;
    let mut expected = calm.writes();
    expected.sort();
    let world = World::auth(590).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    // So often that passes are under way whenever one comes.
    for round in 0..150 {
        if round == 10 {
            world.edit(AUTH, "auth-service:1.4.0", "auth-service:1.5.0");
        }
        daemon.events.send(Event::Resync("signal")).await.unwrap();
        pass(Duration::from_millis(733)).await;
    }
    daemon
        .until("the deployment is started", |_| {
            world.count("CreateDeployment") == 1
        })
        .await;
    daemon.converged().await;
    let mut writes = world.writes();
    writes.sort();
    assert_eq!(writes, expected);
    let status = daemon
        .until("the last resync served", |status| {
            status.resyncs.completed == status.resyncs.requested
        })
        .await;
    assert_eq!(status.resyncs.requested, 150);
}

#[tokio::test(start_paused = true)]
async fn two_daemons_at_once_start_no_second_deployment() {
    for seed in [600, 610, 624, 629] {
        let world = World::auth(seed).await;
        let (first, second) = (world.daemon().await, world.daemon().await);
        first.converged().await;
        second.converged().await;
        // Two who create the same service at once both succeed: AWS answers a repeat with the same
        // parameters with the service that is there. A revision may be registered by each.
        for (operation, most) in [
            ("CreateService", 2),
            ("CreateDeploymentGroup", 1),
            ("RegisterTaskDefinition", 2),
        ] {
            let count = world.count(operation);
            assert!(count <= most, "seed {seed}: {operation} {count}");
        }
        world.release(&first).await;
        second.look().await;
        first.outcome(SERVICE, in_flight).await;
        first.converged().await;
        second.converged().await;
        assert_eq!(
            world.count("CreateDeployment"),
            1,
            "seed {seed}: {:?}",
            world.writes()
        );
        world.rests(&first).await;
    }
}

#[tokio::test(start_paused = true)]
async fn rollouts_under_throttling_end_as_they_would_without() {
    for seed in 610..612 {
        let world = World::auth(seed).await;
        let daemon = world.daemon().await;
        daemon.converged().await;
        world.wire.set(Odds {
            throttled: 500,
            ..Odds::default()
        });
        for (from, to) in [("1.4.0", "1.5.0"), ("1.5.0", "1.4.0")] {
            world.edit(
                AUTH,
                &format!("auth-service:{from}"),
                &format!("auth-service:{to}"),
            );
            daemon.look().await;
            daemon.outcome(SERVICE, in_flight).await;
            daemon.converged().await;
        }
        assert_eq!(
            (world.count("CreateDeployment"), world.succeeded()),
            (2, 2),
            "seed {seed}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_quiet_member_that_somebody_keeps_changing_does_not_put_off_the_healing_of_the_others() {
    let world = World::auth(620).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let ours = world.person.primary("nova", "auth-service").await;
    let id = world
        .deploy(&daemon, "1.5.0", RolloutStage::ScalingUp)
        .await;
    daemon.converged().await;
    // By hand back to the old revision.
    let content = json!({"version": "0.0", "Resources": [{"TargetService": {"Type": "AWS::ECS::Service", "Properties": {
        "TaskDefinition": ours, "LoadBalancerInfo": {"ContainerName": "auth", "ContainerPort": 8080}}}}]});
    let input = json!({"applicationName": "AppECS-nova-auth-service", "deploymentGroupName": "DgpECS-nova-auth-service",
        "revision": {"revisionType": "AppSpecContent", "appSpecContent": {"content": content.to_string()}}});
    world
        .person
        .call(Service::CodeDeploy, "CreateDeployment", input)
        .await;
    daemon
        .outcome(SERVICE, |outcome| {
            matches!(outcome, Outcome::Waiting(Wait::DriftGrace, _))
        })
        .await;
    for _ in 0..20 {
        let input = json!({"cluster": "nova", "service": "auth-service", "desiredCount": 3});
        world
            .person
            .call(Service::Ecs, "UpdateService", input)
            .await;
        pass(Duration::from_mins(2)).await;
        if world.count("CreateDeployment") == 3 {
            break;
        }
    }
    assert_eq!(
        world.count("CreateDeployment"),
        3,
        "the grace time began anew with every healed member; {id}"
    );
}

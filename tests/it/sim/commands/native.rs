//! Orders about a service whose traffic ECS shifts.

use std::time::Duration;

use evenkeel::ask::Refusal;
use evenkeel::model::{Outcome, RolloutStage, Wait};

use super::super::native_world::{BLUE_GREEN, CANARY, SERVICE, STRATEGIES, history, web};
use super::super::world::pass;
use super::{ABORT, ABORT_FOREIGN, PROMOTE, REJECT, TERMINATE, aborted, approve, digest, rejected};

const PAUSE: &str =
    ", lifecycleHooks: [{targetType: PAUSE, lifecycleStages: [POST_TEST_TRAFFIC_SHIFT]}]";

fn approval(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Waiting(Wait::ApprovalPending, _))
}

#[tokio::test(start_paused = true)]
async fn an_abort_goes_back_at_each_stage_and_holds_over_a_restart() {
    let stages = ["SCALE_UP", "PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME"];
    let mut seed = 1620;
    for strategy in STRATEGIES {
        for stage in stages {
            if stage == "PRODUCTION_TRAFFIC_SHIFT" && strategy == BLUE_GREEN {
                continue;
            }
            seed += 1;
            let world = web(strategy, seed).await;
            let daemon = world.daemon().await;
            daemon.converged().await;
            let watch = world.watch();
            world.ship(&daemon, "v1", "v2").await;
            let arn = world.stage(stage).await["serviceDeploymentArn"].clone();
            let daemon = world.restarted(daemon).await;
            let carried = daemon.order(SERVICE, ABORT).await.unwrap();
            let id = carried.deployment.unwrap();
            assert!(arn.as_str().unwrap().ends_with(&id), "{arn} {id}");
            daemon
                .until("going back", |status| {
                    let key = SERVICE.parse().unwrap();
                    let rollout = status
                        .resources
                        .get(&key)
                        .and_then(|one| one.rollout.as_ref());
                    rollout.is_some_and(|one| one.stage == RolloutStage::RollingBack)
                })
                .await;
            let why = daemon.refuses(SERVICE, ABORT).await;
            // It may be over by now.
            let over = why.contains("goes back already") || why.contains("is in flight");
            assert!(over, "{why}");
            daemon.outcome(SERVICE, aborted).await;
            watch.saw_nothing_wrong();
            world.left_alone(&daemon, aborted).await;
            assert_eq!(world.serves().await, "v1", "{strategy} {stage}");
            assert_eq!(world.count("StopServiceDeployment"), 1);
            world.ship(&daemon, "v2", "v3").await;
            world.at_rest(&daemon).await;
            assert_eq!(world.serves().await, "v3");
            assert_eq!(world.tag("web", "evenkeel.dev/rolled-back").await, None);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_approved_by_its_digest_alone() {
    let world = web(&format!("{CANARY}{PAUSE}"), 1640).await;
    let daemon = world.daemon().await;
    daemon.outcome(SERVICE, approval).await;
    let first = digest(&daemon, SERVICE);
    daemon.order(SERVICE, approve(&first)).await.unwrap();
    daemon.converged().await;
    world.ship(&daemon, "v1", "v2").await;
    let outcome = daemon.outcome(SERVICE, approval).await;
    let waits = digest(&daemon, SERVICE);
    let command = format!("`evenkeel approve {SERVICE} --digest {waits}`");
    assert!(outcome.message().contains(&command), "{outcome}");
    let why = daemon.refuses(SERVICE, approve(&first)).await;
    assert!(why.contains(&waits) && why.contains(&first), "{why}");
    let why = daemon.refuses(SERVICE, TERMINATE).await;
    assert!(why.contains("bake time"), "{why}");
    assert_eq!(world.count("ContinueServiceDeployment"), 1);
    let daemon = world.restarted(daemon).await;
    daemon.order(SERVICE, approve(&waits)).await.unwrap();
    daemon.converged().await;
    assert_eq!(world.serves().await, "v2");
    assert_eq!(world.count("ContinueServiceDeployment"), 2);
    let record = world.tag("web", "evenkeel.dev/approved").await.unwrap();
    assert!(
        record.starts_with(&format!("{waits} approved by ann at ")),
        "{record}"
    );
    world.at_rest(&daemon).await;
}

/// The person saw v2; by now v3 is declared, and v2 is what waits.
#[tokio::test(start_paused = true)]
async fn the_content_that_waits_is_approved_and_not_the_one_that_is_declared() {
    let pause = PAUSE.replace("POST_TEST_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT");
    let world = web(&format!("{CANARY}{pause}"), 1641).await;
    let daemon = world.daemon().await;
    daemon.outcome(SERVICE, approval).await;
    daemon.order(SERVICE, PROMOTE).await.unwrap();
    daemon.converged().await;
    world.ship(&daemon, "v1", "v2").await;
    daemon.outcome(SERVICE, approval).await;
    let waits = digest(&daemon, SERVICE);
    world.ship(&daemon, "v2", "v3").await;
    let behind = |outcome: &Outcome| outcome.message().contains("has changed since");
    daemon.outcome(SERVICE, behind).await;
    let newer = digest(&daemon, SERVICE);
    assert_ne!(newer, waits);
    let why = daemon.refuses(SERVICE, approve(&newer)).await;
    assert!(why.contains(&waits), "{why}");
    daemon.order(SERVICE, approve(&waits)).await.unwrap();
    let own = |outcome: &Outcome| approval(outcome) && !behind(outcome);
    daemon.outcome(SERVICE, own).await;
    daemon.order(SERVICE, approve(&newer)).await.unwrap();
    daemon.converged().await;
    assert_eq!(world.serves().await, "v3");
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_rejected_and_what_does_not_wait_is_not() {
    let world = web(&format!("{BLUE_GREEN}{PAUSE}"), 1642).await;
    let daemon = world.daemon().await;
    daemon.outcome(SERVICE, approval).await;
    daemon.order(SERVICE, PROMOTE).await.unwrap();
    daemon.converged().await;
    world.ship(&daemon, "v1", "v2").await;
    world.stage("SCALE_UP").await;
    for command in [PROMOTE, REJECT] {
        let why = daemon.refuses(SERVICE, command).await;
        assert!(why.contains("waits for nobody"), "{why}");
    }
    daemon.outcome(SERVICE, approval).await;
    daemon.order(SERVICE, REJECT).await.unwrap();
    daemon.outcome(SERVICE, rejected).await;
    assert_eq!(history(&world)[0]["status"], "ROLLBACK_SUCCESSFUL");
    assert_eq!(world.count("StopServiceDeployment"), 0);
    world.left_alone(&daemon, rejected).await;
    assert_eq!(world.serves().await, "v1");
}

#[tokio::test(start_paused = true)]
async fn a_deployment_of_somebody_else_is_stopped_only_by_name() {
    let world = web(BLUE_GREEN, 1643).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let revision = world.revision_by_hand().await;
    world
        .by_hand(serde_json::json!({"taskDefinition": revision}))
        .await;
    let foreign =
        |outcome: &Outcome| matches!(outcome, Outcome::Waiting(Wait::ForeignDeployment, _));
    daemon.outcome(SERVICE, foreign).await;
    let why = daemon.refuses(SERVICE, ABORT).await;
    assert!(why.contains("--foreign"), "{why}");
    assert_eq!(world.count("StopServiceDeployment"), 0);
    daemon.order(SERVICE, ABORT_FOREIGN).await.unwrap();
    daemon.converged().await;
    assert_eq!(world.serves().await, "v1");
    assert_eq!(world.tag("web", "evenkeel.dev/rolled-back").await, None);
    world.at_rest(&daemon).await;
}

/// When the old tasks are being stopped, AWS goes back no more.
#[tokio::test(start_paused = true)]
async fn an_abort_that_comes_too_late_is_refused_by_aws_and_holds_nothing() {
    let world = web(BLUE_GREEN, 1644).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.ship(&daemon, "v1", "v2").await;
    world.stage("CLEAN_UP").await;
    let refusal = daemon.order(SERVICE, ABORT).await.unwrap_err();
    assert!(matches!(refusal, Refusal::RefusedByAws(_)), "{refusal:?}");
    assert!(refusal.message().contains("cleaning up"), "{refusal:?}");
    daemon.converged().await;
    pass(Duration::from_mins(15)).await;
    assert_eq!(world.serves().await, "v2");
    assert_eq!(world.tag("web", "evenkeel.dev/rolled-back").await, None);
}

//! Orders about a service that CodeDeploy deploys.

use std::time::Duration;

use evenkeel::ask::Refusal;
use evenkeel::model::{Outcome, RolloutStage, Wait};
use serde_json::json;

use super::super::console::{AUTH, SERVICE, rolled_out_badly};
use super::super::world::{Daemon, World, pass};
use super::{
    ABORT, ABORT_FOREIGN, PROMOTE, PROMOTE_FOREIGN, REJECT, TERMINATE, aborted, approve, digest,
    rejected,
};

/// A world in which deployments wait for a person before production traffic moves.
async fn waiting(seed: u64) -> World {
    let world = World::auth(seed).await;
    world.edit(
        AUTH,
        "deploymentReadyOption: {actionOnTimeout: CONTINUE_DEPLOYMENT, waitTimeInMinutes: 0}",
        "deploymentReadyOption: {actionOnTimeout: STOP_DEPLOYMENT, waitTimeInMinutes: 120}",
    );
    world
}

fn approval(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Waiting(Wait::ApprovalPending, _))
}

async fn goes_back(world: &World, daemon: &Daemon, before: &str, end: fn(&Outcome) -> bool) {
    daemon.outcome(SERVICE, end).await;
    world.stays(daemon, end, Duration::from_hours(1)).await;
    assert_eq!(world.person.primary("nova", "auth-service").await, before);
    assert_eq!(world.count("CreateDeployment"), 1);
}

#[tokio::test(start_paused = true)]
async fn an_abort_goes_back_at_each_stage_and_holds_over_a_restart() {
    for (seed, stage) in [
        (1600, RolloutStage::ScalingUp),
        (1601, RolloutStage::Shifting),
        (1602, RolloutStage::Baking),
    ] {
        let world = World::auth(seed).await;
        let daemon = world.daemon().await;
        daemon.converged().await;
        let before = world.person.primary("nova", "auth-service").await;
        let id = world.deploy(&daemon, "1.5.0", stage).await;
        let daemon = world.restarted(daemon).await;
        let carried = daemon.order(SERVICE, ABORT).await.unwrap();
        assert_eq!(carried.deployment.as_deref(), Some(&*id), "{stage:?}");
        assert_eq!(world.count("StopDeployment"), 1);
        goes_back(&world, &daemon, &before, aborted).await;
        let why = daemon.refuses(SERVICE, ABORT).await;
        assert!(
            why.contains("no deployment of service auth-service"),
            "{why}"
        );
        assert_eq!(world.count("StopDeployment"), 1);
        // The cure is another manifest; the record goes with it.
        world.image(&json!({"repository": "nova/auth-service", "tags": ["1.5.1"]}));
        world.edit(AUTH, "auth-service:1.5.0", "auth-service:1.5.1");
        daemon.look().await;
        daemon.converged().await;
        world.rests(&daemon).await;
        assert_eq!(
            world.tag("auth-service", "evenkeel.dev/rolled-back").await,
            None
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_text_of_the_retry_annotation_lifts_an_abort() {
    let world = World::auth(1603).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let before = world.person.primary("nova", "auth-service").await;
    world.deploy(&daemon, "1.5.0", RolloutStage::Shifting).await;
    daemon.order(SERVICE, ABORT).await.unwrap();
    daemon.outcome(SERVICE, aborted).await;
    world.retry("once more");
    daemon.look().await;
    daemon.converged().await;
    assert_ne!(world.person.primary("nova", "auth-service").await, before);
    assert_eq!(world.count("CreateDeployment"), 2);
    world.rests(&daemon).await;
    assert_eq!(
        world.tag("auth-service", "evenkeel.dev/rolled-back").await,
        None
    );
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_approved_by_its_digest_alone() {
    let world = waiting(1610).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let before = world.person.primary("nova", "auth-service").await;
    let live = digest(&daemon, SERVICE);
    let id = world
        .deploy(&daemon, "1.5.0", RolloutStage::AwaitingApproval)
        .await;
    let outcome = daemon.outcome(SERVICE, approval).await;
    let waits = digest(&daemon, SERVICE);
    for command in [
        format!("`evenkeel approve {SERVICE} --digest {waits}`"),
        format!("`evenkeel reject {SERVICE}`"),
    ] {
        assert!(outcome.message().contains(&command), "{outcome}");
    }
    for other in [live.as_str(), &waits[..10], "v1:"] {
        let why = daemon.refuses(SERVICE, approve(other)).await;
        assert!(why.contains(&waits) && why.contains(other), "{why}");
    }
    let why = daemon.refuses(SERVICE, TERMINATE).await;
    assert!(why.contains("leave out --terminate"), "{why}");
    assert_eq!(world.count("ContinueDeployment"), 0);
    let carried = daemon.order(SERVICE, approve(&waits[..11])).await.unwrap();
    assert_eq!(carried.deployment, Some(id));
    daemon.converged().await;
    assert_ne!(world.person.primary("nova", "auth-service").await, before);
    assert_eq!(world.count("ContinueDeployment"), 1);
    let record = world
        .tag("auth-service", "evenkeel.dev/approved")
        .await
        .unwrap();
    let expected = format!("{waits} approved by ann at 2026-01-01T");
    assert!(record.starts_with(&expected), "{record}");
    world.rests(&daemon).await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_promoted_or_rejected() {
    let world = waiting(1611).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let before = world.person.primary("nova", "auth-service").await;
    world
        .deploy(&daemon, "1.5.0", RolloutStage::AwaitingApproval)
        .await;
    let daemon = world.restarted(daemon).await;
    daemon.order(SERVICE, REJECT).await.unwrap();
    assert_eq!(world.count("StopDeployment"), 1);
    goes_back(&world, &daemon, &before, rejected).await;

    let world = waiting(1612).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world
        .deploy(&daemon, "1.5.0", RolloutStage::AwaitingApproval)
        .await;
    daemon.order(SERVICE, PROMOTE).await.unwrap();
    let shifts = |outcome: &Outcome| outcome.message().contains("Shifting");
    daemon.outcome(SERVICE, shifts).await;
    let why = daemon.refuses(SERVICE, PROMOTE).await;
    assert!(why.contains("waits for nobody"), "{why}");
    let why = daemon.refuses(SERVICE, REJECT).await;
    assert!(why.contains("evenkeel abort"), "{why}");
    daemon.converged().await;
    assert_eq!(world.count("ContinueDeployment"), 1);
}

#[tokio::test(start_paused = true)]
async fn the_old_tasks_are_stopped_at_a_word() {
    let world = World::auth(1613).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.deploy(&daemon, "1.5.0", RolloutStage::Baking).await;
    let since = world.clock.now();
    let why = daemon.refuses(SERVICE, PROMOTE).await;
    assert!(why.contains("--terminate"), "{why}");
    daemon.order(SERVICE, TERMINATE).await.unwrap();
    daemon.converged().await;
    let took = world.clock.now().since(since);
    assert!(took < Duration::from_mins(4), "{took:?} of five minutes");
    world.rests(&daemon).await;
}

#[tokio::test(start_paused = true)]
async fn a_deployment_of_somebody_else_is_touched_only_by_name() {
    let world = waiting(1614).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let before = world.person.primary("nova", "auth-service").await;
    world.foreign_deployment().await;
    let foreign =
        |outcome: &Outcome| matches!(outcome, Outcome::Waiting(Wait::ForeignDeployment, _));
    daemon.outcome(SERVICE, foreign).await;
    pass(Duration::from_mins(5)).await;
    for (command, cure) in [
        (ABORT, "add --foreign"),
        (PROMOTE, "add --foreign"),
        (REJECT, "evenkeel abort Service/auth-service --foreign"),
        (
            approve(&digest(&daemon, SERVICE)),
            "promote Service/auth-service --foreign",
        ),
    ] {
        let why = daemon.refuses(SERVICE, command).await;
        assert!(why.contains("somebody else") && why.contains(cure), "{why}");
    }
    assert_eq!(
        (
            world.count("StopDeployment"),
            world.count("ContinueDeployment")
        ),
        (0, 0)
    );
    daemon.order(SERVICE, PROMOTE_FOREIGN).await.unwrap();
    pass(Duration::from_mins(1)).await;
    daemon.order(SERVICE, ABORT_FOREIGN).await.unwrap();
    daemon.converged().await;
    assert_eq!(world.person.primary("nova", "auth-service").await, before);
    // It was no content of ours, so nothing is held.
    assert_eq!(
        world.tag("auth-service", "evenkeel.dev/rolled-back").await,
        None
    );
    world.rests(&daemon).await;
}

/// AWS has the last word: what has moved on meanwhile is not acted on in another way.
#[tokio::test(start_paused = true)]
async fn a_refusal_of_aws_is_told_and_nothing_else_is_done() {
    let world = waiting(1615).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let id = world
        .deploy(&daemon, "1.5.0", RolloutStage::AwaitingApproval)
        .await;
    let text = "The deployment is already completed with status Stopped";
    world.refusing(
        "codedeploy:StopDeployment",
        "DeploymentAlreadyCompletedException",
        text,
    );
    let refusal = daemon.order(SERVICE, ABORT).await.unwrap_err();
    assert!(matches!(refusal, Refusal::RefusedByAws(_)), "{refusal:?}");
    for part in [id.as_str(), text, "evenkeel describe"] {
        assert!(refusal.message().contains(part), "{refusal:?}");
    }
    assert_eq!(world.count("StopDeployment"), 0);
    assert_eq!(
        world.tag("auth-service", "evenkeel.dev/rolled-back").await,
        None
    );
    let events = daemon.board.events().after(0).events;
    let told = events.iter().any(|event| {
        event.kind.label() == "Command" && event.text.contains("abort by ann: RefusedByAws")
    });
    assert!(told, "{events:#?}");
    // The service is looked after as before.
    daemon.outcome(SERVICE, approval).await;
    daemon.order(SERVICE, PROMOTE).await.unwrap();
    daemon.converged().await;
}

/// Content that failed by itself is told so, and not as somebody's doing.
#[tokio::test(start_paused = true)]
async fn what_failed_is_nobodys_word() {
    let world = World::auth(1616).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.image(&json!({"repository": "nova/auth-service", "tags": ["1.6.0"], "crash": 1}));
    world.edit(AUTH, "auth-service:1.4.0", "auth-service:1.6.0");
    daemon.look().await;
    let outcome = daemon.outcome(SERVICE, rolled_out_badly).await;
    assert!(!outcome.message().contains("by ann"), "{outcome}");
    let why = daemon.refuses(SERVICE, PROMOTE).await;
    assert!(why.contains("no deployment is in flight"), "{why}");
}

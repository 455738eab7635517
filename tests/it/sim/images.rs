//! Images that are not there yet, and tags that move.

use std::time::Duration;

use evenkeel::model::{Outcome, Wait};
use serde_json::json;

use super::world::{World, pass};

#[tokio::test(start_paused = true)]
async fn an_image_that_is_not_there_is_waited_for_and_picked_up() {
    let world = World::auth(50).await;
    world.edit(
        "services/auth.yaml",
        "auth-service:1.4.0",
        "auth-service:2.0.0",
    );
    let daemon = world.daemon().await;
    let waits = |outcome: &Outcome| matches!(outcome, Outcome::Waiting(Wait::ImageNotFound, _));
    let outcome = daemon
        .outcome("TaskDefinition/nova-auth-service", waits)
        .await;
    assert!(outcome.message().contains("2.0.0"), "{outcome}");
    pass(Duration::from_mins(10)).await;
    for operation in [
        "RegisterTaskDefinition",
        "CreateService",
        "CreateDeploymentGroup",
    ] {
        assert_eq!(world.count(operation), 0, "{operation}");
    }
    world.push(
        "2.0.0",
        "sha256:2222222222222222222222222222222222222222222222222222222222222222",
    );
    daemon.converged().await;
    let primary = world.person.primary("nova", "auth-service").await;
    assert!(
        world
            .person
            .image(&primary)
            .await
            .ends_with(&"2".repeat(64))
    );
}

#[tokio::test(start_paused = true)]
async fn a_tag_that_moves_is_a_new_revision_and_a_deployment() {
    let world = World::auth(51).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.push(
        "1.4.0",
        "sha256:3333333333333333333333333333333333333333333333333333333333333333",
    );
    daemon
        .outcome("Service/auth-service", |outcome| {
            *outcome != Outcome::Converged
        })
        .await;
    daemon.converged().await;
    assert_eq!(world.count("CreateDeployment"), 1);
    let primary = world.person.primary("nova", "auth-service").await;
    assert!(
        world
            .person
            .image(&primary)
            .await
            .ends_with(&"3".repeat(64))
    );
}

#[tokio::test(start_paused = true)]
async fn an_image_that_goes_away_touches_nothing_that_runs() {
    let world = World::auth(52).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let writes = world.writes();
    world.edit(
        "services/auth.yaml",
        "auth-service:1.4.0",
        "auth-service:9.9.9",
    );
    daemon.look().await;
    pass(Duration::from_mins(30)).await;
    assert_eq!(world.writes(), writes);
    let service = world.person.service("nova", "auth-service").await;
    assert_eq!(service["runningCount"], 2);
}

impl World {
    /// Pushes an image of [`World::auth`]'s service.
    pub(crate) fn push(&self, tag: &str, digest: &str) {
        self.mounted.with(|sandbox| {
            let seed = json!({
                "kind": "SandboxSeed", "apiVersion": "evenkeel.dev/v1alpha1", "metadata": {"name": "pushed"},
                "spec": {"images": [{"repository": "nova/auth-service", "tags": [tag], "digest": digest}]}
            });
            sandbox.seed("us-east-1", &seed).unwrap();
        });
    }
}

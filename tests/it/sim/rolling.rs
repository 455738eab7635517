//! A service under ECS's own rolling update: bootstrap, rollouts, the circuit breaker, people.

use std::time::Duration;

use evenkeel::controller::Event;
use evenkeel::model::{Block, Fail, Outcome, Service, Wait};
use serde_json::{Value, json};

use super::world::{Daemon, World, pass};

pub(super) const SERVICE: &str = "Service/worker";
pub(super) const FILE: &str = "worker.yaml";

/// One cluster, one repository, one task definition and one rolling service without load balancer.
pub(crate) fn manifests(configuration: &str) -> String {
    format!(
        "apiVersion: evenkeel.dev/v1alpha1
kind: ImageRepository
metadata:
  name: worker
spec:
  repositoryName: nova/worker
---
apiVersion: evenkeel.dev/v1alpha1
kind: TaskDefinition
metadata:
  name: worker
spec:
  networkMode: awsvpc
  requiresCompatibilities: [FARGATE]
  cpu: \"256\"
  memory: \"512\"
  executionRoleArn: arn:aws:iam::123456789012:role/nova-task-execution
  containerDefinitions:
    - {{name: worker, image: nova/worker:v1}}
---
apiVersion: evenkeel.dev/v1alpha1
kind: Service
metadata:
  name: worker
spec:
  clusterRef: nova
  taskDefinitionRef: worker
  launchType: FARGATE
  desiredCount: 2
  deploymentController: {{type: ECS}}
  deploymentConfiguration: {{{configuration}}}
  networkConfiguration:
    awsvpcConfiguration:
      subnets: [subnet-0a1b2c3d4e5f60003, subnet-0a1b2c3d4e5f60004]
      securityGroups: [sg-0a1b2c3d4e5f60002]
      assignPublicIp: DISABLED
"
    )
}

pub(crate) const BREAKER: &str = "deploymentCircuitBreaker: {enable: true, rollback: true}, minimumHealthyPercent: 100, maximumPercent: 200";
const BREAKER_WITHOUT_ROLLBACK: &str = "deploymentCircuitBreaker: {enable: true, rollback: false}";
const NO_BREAKER: &str = "minimumHealthyPercent: 100, maximumPercent: 200";

pub(super) fn rolled_out_badly(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failed(Fail::RolloutFailed, _))
}

fn in_progress(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Waiting(Wait::RolloutInProgress, _))
}

#[tokio::test(start_paused = true)]
async fn it_comes_up_from_nothing_and_then_nothing_is_written() {
    let world = worker(BREAKER, 700).await;
    let daemon = world.daemon().await;
    let seen = daemon.outcome(SERVICE, in_progress).await;
    assert!(seen.message().contains("ecs-svc/"), "{seen}");
    daemon.converged().await;
    assert_eq!(
        (world.count("CreateService"), world.count("UpdateService")),
        (1, 0)
    );
    let service = world.person.service("nova", "worker").await;
    assert_eq!(service["runningCount"], 2);
    world.still(&daemon).await;
    daemon.kill();
    let other = world.daemon().await;
    world.still(&other).await;
}

#[tokio::test(start_paused = true)]
async fn a_new_image_is_one_registration_and_one_update() {
    let world = worker(BREAKER, 701).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.edit(FILE, "worker:v1", "worker:v2");
    daemon.look().await;
    daemon.outcome(SERVICE, in_progress).await;
    daemon.converged().await;
    assert_eq!(
        (
            world.count("RegisterTaskDefinition"),
            world.count("UpdateService")
        ),
        (2, 1)
    );
    assert!(world.runs("v2").await);
    world.still(&daemon).await;
}

#[tokio::test(start_paused = true)]
async fn what_the_circuit_breaker_rolls_back_is_told_and_not_tried_again() {
    let world = worker(BREAKER, 702).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.edit(FILE, "worker:v1", "worker:crashing");
    daemon.look().await;
    let outcome = daemon.outcome(SERVICE, rolled_out_badly).await;
    assert!(outcome.message().contains("circuit breaker"), "{outcome}");
    assert!(
        outcome.message().contains("evenkeel.dev/retry"),
        "{outcome}"
    );
    pass(Duration::from_mins(10)).await;
    assert!(world.runs("v1").await);
    let mut writes = world.writes();
    pass(Duration::from_hours(3)).await;
    daemon.outcome(SERVICE, rolled_out_badly).await;
    assert_eq!(world.writes(), writes);
    daemon.kill();
    pass(Duration::from_hours(21)).await;
    let daemon = world.daemon().await;
    daemon.events.send(Event::Resync("signal")).await.unwrap();
    daemon.outcome(SERVICE, rolled_out_badly).await;
    pass(Duration::from_hours(1)).await;
    daemon.outcome(SERVICE, rolled_out_badly).await;
    // After a day it is noted, for when ECS tells nothing more of it.
    writes.push("TagResource".to_owned());
    assert_eq!(world.writes(), writes);
    // The cure is another manifest; going back to what failed is quarantined at once.
    world.edit(FILE, "worker:crashing", "worker:v2");
    daemon.look().await;
    daemon.converged().await;
    let updates = world.count("UpdateService");
    world.edit(FILE, "worker:v2", "worker:crashing");
    daemon.look().await;
    daemon
        .outcome(SERVICE, |outcome| {
            matches!(outcome, Outcome::Blocked(Block::Quarantined, _))
        })
        .await;
    pass(Duration::from_hours(1)).await;
    assert_eq!(world.count("UpdateService"), updates);
    assert!(world.runs("v2").await);
}

#[tokio::test(start_paused = true)]
async fn another_network_for_what_failed_in_this_one_is_tried() {
    let world = worker(BREAKER, 703).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.edit(FILE, "worker:v1", "worker:crashing");
    daemon.look().await;
    daemon.outcome(SERVICE, rolled_out_badly).await;
    pass(Duration::from_mins(10)).await;
    let updates = world.count("UpdateService");
    world.edit(FILE, "subnet-0a1b2c3d4e5f60004", "subnet-0a1b2c3d4e5f60005");
    daemon.look().await;
    daemon.outcome(SERVICE, in_progress).await;
    assert_eq!(world.count("UpdateService"), updates + 1);
}

/// AWS leaves the deployment where it is; a quarantine there must hold all the same.
#[tokio::test(start_paused = true)]
async fn what_the_circuit_breaker_stops_without_a_rollback_is_told_and_a_fixed_manifest_follows() {
    let world = worker(BREAKER_WITHOUT_ROLLBACK, 704).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.edit(FILE, "worker:v1", "worker:crashing");
    daemon.look().await;
    daemon.outcome(SERVICE, rolled_out_badly).await;
    let writes = world.writes();
    pass(Duration::from_hours(6)).await;
    daemon.outcome(SERVICE, rolled_out_badly).await;
    assert_eq!(world.writes(), writes);
    world.edit(FILE, "worker:crashing", "worker:v2");
    daemon.look().await;
    daemon.converged().await;
    assert!(world.runs("v2").await);
    let updates = world.count("UpdateService");
    world.edit(FILE, "worker:v2", "worker:crashing");
    daemon.look().await;
    daemon
        .outcome(SERVICE, |outcome| {
            matches!(outcome, Outcome::Blocked(Block::Quarantined, _))
        })
        .await;
    assert_eq!(world.count("UpdateService"), updates);
}

#[tokio::test(start_paused = true)]
async fn without_a_circuit_breaker_a_deployment_goes_on_and_a_fixed_manifest_supersedes_it() {
    let world = worker(NO_BREAKER, 705).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.edit(FILE, "worker:v1", "worker:crashing");
    daemon.look().await;
    daemon
        .outcome(SERVICE, |outcome| {
            in_progress(outcome) && outcome.message().contains("last task to stop")
        })
        .await;
    let writes = world.writes();
    pass(Duration::from_mins(30)).await;
    let outcome = daemon.outcome(SERVICE, in_progress).await;
    assert!(outcome.message().contains("last task to stop"), "{outcome}");
    assert_eq!(world.writes(), writes);
    let service = world.person.service("nova", "worker").await;
    let old = service["deployments"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["status"] == "ACTIVE")
        .unwrap();
    assert_eq!(old["runningCount"], 2, "the old tasks serve meanwhile");
    world.edit(FILE, "worker:crashing", "worker:v2");
    daemon.look().await;
    daemon.converged().await;
    assert!(world.runs("v2").await);
    world.still(&daemon).await;
}

#[tokio::test(start_paused = true)]
async fn a_first_deployment_that_cannot_start_is_superseded_by_a_fixed_manifest() {
    let world = worker(BREAKER, 706).await;
    world.edit(FILE, "worker:v1", "worker:crashing");
    let daemon = world.daemon().await;
    let outcome = daemon.outcome(SERVICE, rolled_out_badly).await;
    assert!(outcome.message().contains("last task to stop"), "{outcome}");
    world.edit(FILE, "worker:crashing", "worker:v2");
    daemon.look().await;
    daemon.converged().await;
    assert_eq!(
        (world.count("CreateService"), world.count("UpdateService")),
        (1, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_changed_count_is_healed_at_once() {
    let world = worker(BREAKER, 707).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.update(json!({"desiredCount": 7})).await;
    pass(Duration::from_secs(70)).await;
    daemon.converged().await;
    let service = world.person.service("nova", "worker").await;
    assert_eq!(
        (&service["desiredCount"], &service["runningCount"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(world.count("UpdateService"), 2, "theirs and ours");
}

#[tokio::test(start_paused = true)]
async fn another_revision_by_hand_is_left_for_the_grace_time_and_then_healed() {
    let world = worker(BREAKER, 708).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let theirs = world.register_by_hand().await;
    world.update(json!({"taskDefinition": theirs})).await;
    let since = world.clock.now();
    let grace = |outcome: &Outcome| matches!(outcome, Outcome::Waiting(Wait::DriftGrace, _));
    let outcome = daemon.outcome(SERVICE, grace).await;
    assert!(outcome.message().contains("/taskDefinition"), "{outcome}");
    let updates = world.count("UpdateService");
    daemon
        .until("healed", |_| world.count("UpdateService") > updates)
        .await;
    let after = world.clock.now().since(since);
    assert!(
        after >= Duration::from_mins(10) && after < Duration::from_mins(14),
        "{after:?}"
    );
    daemon.converged().await;
    assert!(world.runs("v1").await);
    assert_eq!(world.count("UpdateService"), updates + 1);
    world.still(&daemon).await;
}

#[tokio::test(start_paused = true)]
async fn a_forced_new_deployment_by_hand_is_left_alone() {
    let world = worker(BREAKER, 709).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.update(json!({"forceNewDeployment": true})).await;
    pass(Duration::from_mins(5)).await;
    daemon.converged().await;
    assert_eq!(world.count("UpdateService"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_daemon_that_dies_during_a_rollout_is_followed_by_one_that_goes_on() {
    for seconds in [1, 3, 10, 40] {
        let world = worker(BREAKER, 710 + seconds).await;
        let daemon = world.daemon().await;
        daemon.converged().await;
        world.edit(FILE, "worker:v1", "worker:v2");
        daemon.look().await;
        pass(Duration::from_secs(seconds)).await;
        daemon.kill();
        let daemon = world.daemon().await;
        daemon.converged().await;
        assert_eq!(
            (
                world.count("UpdateService"),
                world.count("RegisterTaskDefinition")
            ),
            (1, 2),
            "after {seconds} s"
        );
        assert!(world.runs("v2").await);
    }
}

/// A world with the worker and its images, `crashing` among them.
pub(super) async fn worker(configuration: &str, seed: u64) -> World {
    let world = World::new("nova", &["cluster.yaml"], seed).await;
    world.write(FILE, &manifests(configuration));
    let image = |tag: &str| json!({"repository": "nova/worker", "tags": [tag]});
    let mut crashing = image("crashing");
    crashing["crash"] = json!(1);
    let seed = json!({"kind": "SandboxSeed", "apiVersion": "evenkeel.dev/v1alpha1", "metadata": {"name": "worker"},
        "spec": {"images": [image("v1"), image("v2"), image("v3"), crashing]}});
    world.mounted.seed("us-east-1", &[seed]).unwrap();
    world
}

impl World {
    /// Whether the worker's `PRIMARY` deployment, and no other, runs this tag's image.
    pub(super) async fn runs(&self, tag: &str) -> bool {
        let service = self.person.service("nova", "worker").await;
        let deployments = service["deployments"].as_array().unwrap();
        assert_eq!(deployments.len(), 1, "{service}");
        let input = json!({"repositoryName": "nova/worker", "imageIds": [{"imageTag": tag}]});
        let answer = self.person.call(Service::Ecr, "BatchGetImage", input).await;
        let digest = answer["images"][0]["imageId"]["imageDigest"]
            .as_str()
            .unwrap();
        let image = self
            .person
            .image(deployments[0]["taskDefinition"].as_str().unwrap())
            .await;
        image.ends_with(digest)
    }

    /// Somebody updates the worker in the console.
    pub(super) async fn update(&self, members: Value) {
        let mut input = json!({"cluster": "nova", "service": "worker"});
        for (name, value) in members.as_object().unwrap() {
            input[name] = value.clone();
        }
        self.person.call(Service::Ecs, "UpdateService", input).await;
    }

    /// Somebody registers a revision of other content; gives its ARN.
    pub(super) async fn register_by_hand(&self) -> String {
        let input = json!({"family": "worker", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
            "cpu": "256", "memory": "512",
            "executionRoleArn": "arn:aws:iam::123456789012:role/nova-task-execution",
            "containerDefinitions": [{"name": "worker", "image": "public.ecr.aws/docker/library/busybox:1.36"}]});
        let answer = self
            .person
            .call(Service::Ecs, "RegisterTaskDefinition", input)
            .await;
        answer["taskDefinition"]["taskDefinitionArn"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Everything is converged and nothing is written in half an hour.
    pub(super) async fn still(&self, daemon: &Daemon) {
        daemon.converged().await;
        let writes = self.writes();
        pass(Duration::from_mins(30)).await;
        daemon.converged().await;
        assert_eq!(self.writes(), writes, "written at the fixpoint");
    }
}

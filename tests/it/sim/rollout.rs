//! Blue/green through CodeDeploy on a changed manifest: good, bad, and interrupted.

use std::time::Duration;

use evenkeel::model::{Block, Fail, Outcome, Service, Wait};
use serde_json::json;

use super::world::{World, pass};

const SERVICE: &str = "Service/auth-service";

fn rolled_out_badly(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failed(Fail::RolloutFailed, _))
}

#[tokio::test(start_paused = true)]
async fn a_new_image_is_one_registration_and_one_deployment() {
    let world = World::auth(10).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let before = world.person.primary("nova", "auth-service").await;
    let registered = world.count("RegisterTaskDefinition");
    world.release(&daemon).await;
    let seen = daemon
        .until("traffic on both sides", |status| {
            let service = &status.resources[&SERVICE.parse().unwrap()];
            service
                .rollout
                .as_ref()
                .and_then(|rollout| rollout.weights)
                .is_some_and(|(old, new)| old + new > 99.0)
        })
        .await;
    assert!(
        seen.resources[&SERVICE.parse().unwrap()]
            .rollout
            .as_ref()
            .unwrap()
            .ours
    );
    daemon.converged().await;
    let after = world.person.primary("nova", "auth-service").await;
    assert_ne!(before, after);
    assert_ne!(
        world.person.image(&before).await,
        world.person.image(&after).await
    );
    assert_eq!(world.count("CreateDeployment"), 1);
    assert_eq!(world.count("RegisterTaskDefinition"), registered + 1);
    let writes = world.writes();
    pass(Duration::from_mins(20)).await;
    assert_eq!(world.writes(), writes, "written after the rollout");
}

#[tokio::test(start_paused = true)]
async fn a_crashing_image_is_rolled_back_told_and_not_tried_again() {
    let world = World::auth(11).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let good = world.person.primary("nova", "auth-service").await;
    world.person_breaks("1.6.0-broken");
    world.edit(
        "services/auth.yaml",
        "auth-service:1.4.0",
        "auth-service:1.6.0-broken",
    );
    daemon.look().await;
    let outcome = daemon.outcome(SERVICE, rolled_out_badly).await;
    assert!(outcome.message().contains("not tried again"), "{outcome}");
    assert_eq!(world.person.primary("nova", "auth-service").await, good);
    let deployments = world.count("CreateDeployment");
    // A day, most of it without a daemon, and a forced resync later it is still not tried again.
    pass(Duration::from_hours(3)).await;
    daemon.kill();
    pass(Duration::from_hours(21)).await;
    let daemon = world.daemon().await;
    daemon
        .events
        .send(evenkeel::controller::Event::Resync("signal"))
        .await
        .unwrap();
    pass(Duration::from_hours(1)).await;
    daemon.outcome(SERVICE, rolled_out_badly).await;
    assert_eq!(world.count("CreateDeployment"), deployments);
    // Nor when CodeDeploy tells nothing more of it.
    daemon.kill();
    pass(Duration::from_hours(31 * 24)).await;
    let daemon = world.daemon().await;
    let quarantined =
        |outcome: &Outcome| matches!(outcome, Outcome::Blocked(Block::Quarantined, _));
    let outcome = daemon.outcome(SERVICE, quarantined).await;
    assert!(
        outcome.message().contains("evenkeel.dev/failed"),
        "{outcome}"
    );
    pass(Duration::from_hours(1)).await;
    daemon.outcome(SERVICE, quarantined).await;
    assert_eq!(world.count("CreateDeployment"), deployments);
    // The cure is a new manifest.
    world.edit(
        "services/auth.yaml",
        "auth-service:1.6.0-broken",
        "auth-service:1.5.0",
    );
    daemon.look().await;
    daemon.converged().await;
    // Going back to what failed is quarantined at once.
    world.edit(
        "services/auth.yaml",
        "auth-service:1.5.0",
        "auth-service:1.6.0-broken",
    );
    daemon.look().await;
    daemon.outcome(SERVICE, quarantined).await;
    assert_eq!(world.count("CreateDeployment"), deployments + 1);
}

/// The daemon dies after each write on the way to a content that fails, and another one goes on.
#[tokio::test(start_paused = true)]
async fn a_crash_on_the_way_to_what_fails_starts_it_once() {
    for k in 1..=3 {
        let world = World::auth(18).await;
        let daemon = world.daemon().await;
        daemon.converged().await;
        world.person_breaks("1.6.0-broken");
        world.wire.crash_after(world.writes().len() as u64 + k);
        world.edit(
            "services/auth.yaml",
            "auth-service:1.4.0",
            "auth-service:1.6.0-broken",
        );
        daemon.look().await;
        world.wire.crashed().await;
        daemon.kill();
        let daemon = world.daemon().await;
        let outcome = daemon.outcome(SERVICE, rolled_out_badly).await;
        assert!(outcome.message().contains("not tried again"), "{outcome}");
        pass(Duration::from_mins(15)).await;
        daemon.outcome(SERVICE, rolled_out_badly).await;
        assert_eq!(world.count("CreateDeployment"), 1, "crash after write {k}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_retry_annotation_is_one_more_attempt_for_each_text() {
    let world = World::auth(12).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.person_breaks("1.6.0-broken");
    world.edit(
        "services/auth.yaml",
        "auth-service:1.4.0",
        "auth-service:1.6.0-broken",
    );
    daemon.look().await;
    daemon.outcome(SERVICE, rolled_out_badly).await;
    assert_eq!(world.count("CreateDeployment"), 1);
    for (attempt, text) in ["first", "second"].into_iter().enumerate() {
        world.retry(text);
        daemon.look().await;
        daemon
            .outcome(SERVICE, |outcome| {
                matches!(outcome, Outcome::Waiting(Wait::RolloutInProgress, _))
            })
            .await;
        daemon.outcome(SERVICE, rolled_out_badly).await;
        pass(Duration::from_hours(1)).await;
        assert_eq!(world.count("CreateDeployment"), attempt + 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_running_deployment_is_adopted_after_a_restart_and_no_second_is_started() {
    let world = World::auth(13).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.release(&daemon).await;
    for _ in 0..8 {
        let in_flight = |outcome: &Outcome| {
            matches!(
                outcome,
                Outcome::Waiting(Wait::RolloutInProgress, _) | Outcome::Converged
            )
        };
        daemon.outcome(SERVICE, in_flight).await;
        pass(Duration::from_secs(10)).await;
    }
    daemon.kill();
    let daemon = world.daemon().await;
    daemon.converged().await;
    assert_eq!(world.count("CreateDeployment"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_of_somebody_else_is_respected_and_then_healed_as_drift() {
    let world = World::auth(14).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let ours = world.person.primary("nova", "auth-service").await;
    let theirs = world.foreign_deployment().await;
    let outcome = daemon
        .outcome(SERVICE, |outcome| {
            matches!(outcome, Outcome::Waiting(Wait::ForeignDeployment, _))
        })
        .await;
    assert!(outcome.message().contains("somebody else"), "{outcome}");
    daemon
        .outcome(SERVICE, |outcome| {
            matches!(outcome, Outcome::Waiting(Wait::DriftGrace, _))
        })
        .await;
    assert_eq!(world.person.primary("nova", "auth-service").await, theirs);
    let drifted = world.clock.now();
    daemon
        .outcome(SERVICE, |outcome| {
            matches!(outcome, Outcome::Waiting(Wait::RolloutInProgress, _))
        })
        .await;
    assert!(
        world.clock.now().since(drifted) >= Duration::from_mins(9),
        "healed before the grace time"
    );
    daemon.converged().await;
    assert_eq!(world.person.primary("nova", "auth-service").await, ours);
}

/// What changes in one commit is carried out as one: no deployment of the new container name on the
/// old revision.
#[tokio::test(start_paused = true)]
async fn one_commit_is_one_deployment() {
    let world = World::auth(16).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.edit(
        "services/auth.yaml",
        "auth-service:1.4.0",
        "auth-service:1.5.0",
    );
    world.edit(
        "services/auth.yaml",
        "    - name: auth\n",
        "    - name: renamed\n",
    );
    world.edit(
        "services/auth.yaml",
        "containerName: auth,",
        "containerName: renamed,",
    );
    world.edit(
        "services/auth.yaml",
        "assignPublicIp: DISABLED",
        "assignPublicIp: ENABLED",
    );
    daemon.look().await;
    daemon.converged().await;
    assert_eq!(world.count("CreateDeployment"), 1, "{:?}", world.writes());
    let primary = world.person.primary("nova", "auth-service").await;
    assert!(primary.ends_with(":2"), "{primary}");
}

/// A deployment takes its traffic configuration from the group: one commit that changes both must
/// update the group first.
#[tokio::test(start_paused = true)]
async fn the_group_is_up_to_date_before_its_deployment_starts() {
    let world = World::auth(17).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.edit(
        "services/auth.yaml",
        "auth-service:1.4.0",
        "auth-service:1.5.0",
    );
    world.edit(
        "services/auth.yaml",
        "CodeDeployDefault.ECSCanary10Percent5Minutes",
        "CodeDeployDefault.ECSAllAtOnce",
    );
    daemon.look().await;
    daemon.converged().await;
    let writes = world.writes();
    let at = |operation: &str| writes.iter().position(|write| write == operation);
    assert!(
        at("UpdateDeploymentGroup") < at("CreateDeployment"),
        "{writes:?}"
    );
    assert_eq!(world.count("CreateDeployment"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_changed_network_is_a_deployment_and_a_changed_count_is_not() {
    let world = World::auth(15).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.edit("services/auth.yaml", "desiredCount: 2", "desiredCount: 3");
    daemon.look().await;
    daemon.converged().await;
    assert_eq!(
        (
            world.count("UpdateService"),
            world.count("CreateDeployment")
        ),
        (1, 0)
    );
    assert_eq!(
        world.person.service("nova", "auth-service").await["runningCount"],
        3
    );
    world.edit(
        "services/auth.yaml",
        "assignPublicIp: DISABLED",
        "assignPublicIp: ENABLED",
    );
    daemon.look().await;
    daemon.converged().await;
    assert_eq!(
        (
            world.count("UpdateService"),
            world.count("CreateDeployment")
        ),
        (1, 1)
    );
    let service = world.person.service("nova", "auth-service").await;
    let network = &service["taskSets"][0]["networkConfiguration"]["awsvpcConfiguration"];
    assert_eq!(network["assignPublicIp"], "ENABLED");
}

impl World {
    /// Makes CodeDeploy give up on tasks that do not come up after ten minutes instead of an hour.
    pub(super) fn person_breaks(&self, tag: &str) {
        self.mounted.with(|sandbox| {
            let image = json!({
                "kind": "SandboxSeed", "apiVersion": "evenkeel.dev/v1alpha1", "metadata": {"name": "broken"},
                "spec": {"images": [{"repository": "nova/auth-service", "tags": [tag], "crash": 1}]}
            });
            sandbox.seed("us-east-1", &image).unwrap();
        });
    }

    /// Gives the service the retry annotation with this text.
    pub(super) fn retry(&self, text: &str) {
        let path = self.folder.path().join("services/auth.yaml");
        let manifest = std::fs::read_to_string(&path).unwrap();
        let mut documents: Vec<String> = manifest.split("\n---\n").map(str::to_owned).collect();
        let service = documents
            .iter_mut()
            .find(|document| document.contains("kind: Service\n"))
            .unwrap();
        let lines: Vec<&str> = service
            .lines()
            .filter(|line| !line.contains("annotations"))
            .collect();
        let annotated = lines.join("\n").replacen(
            "metadata:\n",
            &format!("metadata:\n  annotations: {{evenkeel.dev/retry: {text}}}\n"),
            1,
        );
        *service = annotated;
        std::fs::write(path, documents.join("\n---\n")).unwrap();
    }

    /// Somebody registers another revision and deploys it with CodeDeploy; gives its ARN.
    pub(super) async fn foreign_deployment(&self) -> String {
        let ours = self.person.primary("nova", "auth-service").await;
        let input = json!({"taskDefinition": ours});
        let described = self
            .person
            .call(Service::Ecs, "DescribeTaskDefinition", input)
            .await;
        let mut definition = described["taskDefinition"].clone();
        for member in [
            "taskDefinitionArn",
            "revision",
            "status",
            "requiresAttributes",
            "compatibilities",
            "registeredAt",
            "registeredBy",
        ] {
            definition.as_object_mut().unwrap().remove(member);
        }
        definition["containerDefinitions"][0]["environment"] =
            json!([{"name": "HOTFIX", "value": "1"}]);
        let registered = self
            .person
            .call(Service::Ecs, "RegisterTaskDefinition", definition.clone())
            .await;
        let arn = registered["taskDefinition"]["taskDefinitionArn"]
            .as_str()
            .unwrap()
            .to_owned();
        let container = &definition["containerDefinitions"][0];
        let content = json!({"version": "0.0", "Resources": [{"TargetService": {"Type": "AWS::ECS::Service",
            "Properties": {"TaskDefinition": arn, "LoadBalancerInfo": {"ContainerName": container["name"],
                "ContainerPort": container["portMappings"][0]["containerPort"]}}}}]});
        let input = json!({"applicationName": "AppECS-nova-auth-service",
            "deploymentGroupName": "DgpECS-nova-auth-service", "description": "hotfix by hand",
            "revision": {"revisionType": "AppSpecContent", "appSpecContent": {"content": content.to_string()}}});
        self.person
            .call(Service::CodeDeploy, "CreateDeployment", input)
            .await;
        arn
    }
}

/// Counted at `CodeDeploy`, so that another daemon goes on where the one before it ended.
#[tokio::test(start_paused = true)]
async fn what_fails_before_traffic_moves_is_tried_again_so_often_as_the_manifest_says() {
    let world = World::auth(18).await;
    world.edit(
        "services/auth.yaml",
        "kind: Service\nmetadata:\n  name: auth-service\n",
        "kind: Service\nmetadata:\n  name: auth-service\nrollout: {retries: 1}\n",
    );
    let daemon = world.daemon().await;
    daemon.converged().await;
    let good = world.person.primary("nova", "auth-service").await;
    world.person_breaks("1.6.0-broken");
    world.edit(
        "services/auth.yaml",
        "auth-service:1.4.0",
        "auth-service:1.6.0-broken",
    );
    daemon.look().await;
    for _ in 0..360 {
        if world.count("CreateDeployment") == 2 {
            break;
        }
        pass(Duration::from_secs(30)).await;
    }
    assert_eq!(world.count("CreateDeployment"), 2);
    daemon.kill();
    let daemon = world.daemon().await;
    let never = |outcome: &Outcome| {
        rolled_out_badly(outcome) && outcome.message().contains("not tried again")
    };
    daemon.outcome(SERVICE, never).await;
    assert_eq!(world.count("CreateDeployment"), 2);
    pass(Duration::from_hours(1)).await;
    daemon.outcome(SERVICE, never).await;
    assert_eq!(world.count("CreateDeployment"), 2);
    assert_eq!(world.person.primary("nova", "auth-service").await, good);
}

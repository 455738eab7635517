//! What a blue/green service needs is not there, or is taken away: the service itself, its deployment
//! group, its image.

use std::time::Duration;

use evenkeel::model::{Block, Outcome, RolloutStage, Service, Wait};
use serde_json::json;

use super::console::{AUTH, CODE_DEPLOY, ECS, SERVICE, rolled_out_badly};
use super::world::{World, pass};

#[tokio::test(start_paused = true)]
async fn a_service_that_a_person_deletes_is_made_again() {
    let world = World::auth(560).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let input = json!({"cluster": "nova", "service": "auth-service", "force": true});
    world.console(ECS, "DeleteService", &input);
    daemon
        .outcome(SERVICE, |outcome| {
            matches!(outcome, Outcome::Waiting(Wait::Provisioning, _))
        })
        .await;
    daemon.converged().await;
    assert_eq!(world.count("CreateService"), 2);
    assert_eq!(world.count("CreateDeployment"), 0);
    let service = world.person.service("nova", "auth-service").await;
    assert_eq!(
        (&service["status"], &service["runningCount"]),
        (&json!("ACTIVE"), &json!(2))
    );
    // And it is deployed as before.
    world
        .deploy(&daemon, "1.5.0", RolloutStage::ScalingUp)
        .await;
    daemon.converged().await;
    assert_eq!(world.count("CreateDeployment"), 1);
    world.rests(&daemon).await;
}

/// After an odd number of deployments the second target group of the pair serves, and the manifest
/// names the first.
#[tokio::test(start_paused = true)]
async fn a_service_that_is_made_again_stands_where_the_traffic_goes() {
    let world = World::auth(561).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world
        .deploy(&daemon, "1.5.0", RolloutStage::ScalingUp)
        .await;
    daemon.converged().await;
    let input = json!({"cluster": "nova", "service": "auth-service", "force": true});
    world.console(ECS, "DeleteService", &input);
    daemon
        .outcome(SERVICE, |outcome| {
            matches!(outcome, Outcome::Waiting(Wait::Provisioning, _))
        })
        .await;
    daemon.converged().await;
    let service = world.person.service("nova", "auth-service").await;
    let group = service["taskSets"][0]["loadBalancers"][0]["targetGroupArn"]
        .as_str()
        .unwrap();
    assert_eq!(
        world.production_weight(group).await,
        100,
        "no traffic reaches {group}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_deployment_group_that_a_person_deletes_is_made_again_and_what_failed_is_remembered() {
    let world = World::auth(570).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let group = json!({"applicationName": "AppECS-nova-auth-service", "deploymentGroupName": "DgpECS-nova-auth-service"});
    world.console(CODE_DEPLOY, "DeleteDeploymentGroup", &group);
    pass(Duration::from_mins(3)).await;
    daemon.converged().await;
    assert_eq!(
        (
            world.count("CreateDeploymentGroup"),
            world.count("CreateApplication")
        ),
        (2, 1)
    );
    assert_eq!(world.count("CreateDeployment"), 0);
    // In the middle of a deployment: that one ends with its group.
    world.deploy(&daemon, "1.5.0", RolloutStage::Shifting).await;
    world.console(CODE_DEPLOY, "DeleteDeploymentGroup", &group);
    daemon
        .until("the group is back", |_| {
            world.count("CreateDeploymentGroup") == 3
        })
        .await;
    let outcome = daemon.outcome(SERVICE, rolled_out_badly).await;
    assert!(
        outcome.message().contains("DEPLOYMENT_GROUP_MISSING"),
        "{outcome}"
    );
    assert_eq!(world.count("CreateDeployment"), 1);
}

/// P2: the service is born before its image.
#[tokio::test(start_paused = true)]
async fn a_service_of_no_tasks_is_made_without_image_if_a_revision_exists_and_only_then() {
    let waits = |outcome: &Outcome| matches!(outcome, Outcome::Waiting(Wait::ImageNotFound, _));
    for (seed, exists) in [(580, false), (581, true)] {
        let world = World::auth(seed).await;
        world.edit(AUTH, "desiredCount: 2", "desiredCount: 0");
        world.edit(AUTH, "auth-service:1.4.0", "auth-service:2.0.0");
        if exists {
            let container = json!({"name": "auth", "image": "public.ecr.aws/nginx/nginx:1.27",
                "portMappings": [{"containerPort": 8080, "protocol": "tcp"}]});
            let input = json!({"family": "nova-auth-service", "networkMode": "awsvpc",
                "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
                "executionRoleArn": "arn:aws:iam::123456789012:role/nova-task-execution",
                "containerDefinitions": [container]});
            world
                .person
                .call(Service::Ecs, "RegisterTaskDefinition", input)
                .await;
        }
        let daemon = world.daemon().await;
        daemon
            .outcome("TaskDefinition/nova-auth-service", waits)
            .await;
        pass(Duration::from_mins(10)).await;
        let made = usize::from(exists);
        assert_eq!(
            (
                world.count("CreateService"),
                world.count("CreateDeploymentGroup")
            ),
            (made, made),
            "{exists}"
        );
        assert_eq!(
            world.count("RegisterTaskDefinition"),
            made,
            "ours is not registered: {exists}"
        );
        if exists {
            let primary = world.person.primary("nova", "auth-service").await;
            assert!(world.person.image(&primary).await.contains("nginx"));
            let writes = world.writes();
            pass(Duration::from_mins(10)).await;
            assert_eq!(world.writes(), writes, "written while it waits");
        }
        world.image(&json!({"repository": "nova/auth-service", "tags": ["2.0.0"]}));
        daemon.converged().await;
        let primary = world.person.primary("nova", "auth-service").await;
        assert!(
            world
                .person
                .image(&primary)
                .await
                .contains("nova/auth-service@sha256:")
        );
        // What stood there before is replaced by one deployment of no tasks.
        assert_eq!(world.count("CreateDeployment"), made);
        world.rests(&daemon).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_no_deployment_group_names_says_so_when_it_has_to_be_deployed() {
    let world = World::auth(630).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.edit(
        AUTH,
        "    - serviceRef: auth-service\n",
        "    - {clusterName: nova, serviceName: other}\n",
    );
    daemon.look().await;
    world.release(&daemon).await;
    let blocked =
        |outcome: &Outcome| matches!(outcome, Outcome::Blocked(Block::NoDeploymentGroup, _));
    let outcome = daemon.outcome(SERVICE, blocked).await;
    assert!(outcome.message().contains("ecsServices"), "{outcome}");
    assert_eq!(world.count("CreateDeployment"), 0);
}

/// The group may be kept elsewhere: what is as declared is at rest all the same.
#[tokio::test(start_paused = true)]
async fn a_service_whose_deployment_group_no_manifest_names_is_converged_while_it_is_as_declared() {
    let world = World::auth(575).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let text = std::fs::read_to_string(world.folder.path().join(AUTH)).unwrap();
    let documents = text
        .split("---\n")
        .filter(|one| !one.contains("kind: DeploymentGroup"));
    let without: Vec<&str> = documents.collect();
    world.write(AUTH, &without.join("---\n"));
    daemon.kill();
    let daemon = world.daemon().await;
    world.rests(&daemon).await;
    world.edit(AUTH, "auth-service:1.4.0", "auth-service:1.5.0");
    daemon.look().await;
    let blocked =
        |outcome: &Outcome| matches!(outcome, Outcome::Blocked(Block::NoDeploymentGroup, _));
    daemon.outcome(SERVICE, blocked).await;
    assert_eq!(world.count("CreateDeployment"), 0);
}

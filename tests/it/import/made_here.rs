//! Services that this program has made.

use evenkeel::model::{Key, Service};
use serde_json::{Value, json};

use super::{by_path, imported, loaded, nothing_to_do};
use crate::sim::world::World;

#[tokio::test(start_paused = true)]
async fn every_service_of_nova_comes_back_and_nothing_is_to_be_done() {
    let world = World::new("nova", &[], 11).await;
    world.daemon().await.converged().await;
    let imported = imported(&world, "nova", &[]).await;
    let files = by_path(&imported);
    assert_eq!(files.len(), 10, "{:?}", files.keys());
    assert!(files.contains_key("cluster.yaml") && files.contains_key("load-balancer.yaml"));
    assert!(files["services/auth-service.yaml"].contains("image: nova/auth-service:1.4.0\n"));
    assert_eq!(loaded(&imported).set.resources.len(), 68);
    assert!(imported.notes.is_empty(), "{:?}", imported.notes);
    nothing_to_do(&world, &imported).await;
}

#[tokio::test(start_paused = true)]
async fn the_service_of_the_recipe_comes_back() {
    let world = World::new("p2", &[], 12).await;
    world.daemon().await.converged().await;
    let imported = imported(&world, "test-cluster", &["test-api-service"]).await;
    nothing_to_do(&world, &imported).await;
}

/// The live target group and the weights are the green side's then.
#[tokio::test(start_paused = true)]
async fn a_service_that_was_deployed_comes_back_as_it_runs_now() {
    let world = World::auth(13).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.release(&daemon).await;
    daemon
        .outcome("Service/auth-service", |outcome| {
            outcome.label() != "Converged"
        })
        .await;
    daemon.converged().await;
    let imported = imported(&world, "nova", &["auth-service"]).await;
    let text = by_path(&imported)["services/auth-service.yaml"];
    assert!(text.contains("image: nova/auth-service:1.5.0\n"), "{text}");
    nothing_to_do(&world, &imported).await;
}

/// Revisions that nobody deployed do not hide the one that runs.
#[tokio::test(start_paused = true)]
async fn a_service_that_runs_an_old_revision_is_not_deployed() {
    let world = World::auth(14).await;
    world.daemon().await.converged().await;
    let running = world.person.primary("nova", "auth-service").await;
    let input = json!({"taskDefinition": running});
    let answer = world
        .person
        .call(Service::Ecs, "DescribeTaskDefinition", input)
        .await;
    for cpu in ["512", "1024", "2048", "256", "512"] {
        let mut document: Value = answer["taskDefinition"].clone();
        let members = document.as_object_mut().unwrap();
        for member in [
            "taskDefinitionArn",
            "revision",
            "status",
            "requiresAttributes",
            "compatibilities",
            "registeredAt",
            "registeredBy",
        ] {
            members.remove(member);
        }
        document["cpu"] = json!(cpu);
        document["memory"] = json!("4096");
        if cpu == "256" {
            document["memory"] = json!("1024");
        }
        world
            .person
            .call(Service::Ecs, "RegisterTaskDefinition", document)
            .await;
    }
    let imported = imported(&world, "nova", &["auth-service"]).await;
    nothing_to_do(&world, &imported).await;
}

#[tokio::test(start_paused = true)]
async fn references_stand_where_arns_stood() {
    let world = World::auth(15).await;
    world.daemon().await.converged().await;
    let imported = imported(&world, "nova", &["auth-service"]).await;
    let set = loaded(&imported).set;
    let of = |key: &str| {
        let key: Key = key.parse().unwrap();
        set.get(&key)
            .unwrap_or_else(|| panic!("no {key}"))
            .spec
            .to_string()
    };
    for key in [
        "Service/auth-service",
        "DeploymentGroup/auth-service",
        "ListenerRule/nova-80-10",
        "Listener/nova-80",
    ] {
        let spec = of(key);
        let arns = [
            "elasticloadbalancing",
            ":cluster/",
            ":task-definition/",
            ":repository/",
        ];
        assert!(
            arns.iter().all(|part| !spec.contains(part)),
            "{key}: {spec}"
        );
    }
}

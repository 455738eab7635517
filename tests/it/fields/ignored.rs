//! `sync.ignore`: what a manifest leaves to others is neither a difference nor written.

use std::time::Duration;

use evenkeel::model::{Kind, Service};
use serde_json::json;

use super::{Live, planned, settled};
use crate::sim::world::{World, pass};

const MANIFESTS: &str = r#"
apiVersion: evenkeel.dev/v1alpha1
kind: Cluster
metadata: {name: main}
spec: {}
---
apiVersion: evenkeel.dev/v1alpha1
kind: TaskDefinition
metadata: {name: web}
spec:
  networkMode: awsvpc
  requiresCompatibilities: [FARGATE]
  cpu: "256"
  memory: "512"
  containerDefinitions:
    - name: app
      image: nginx:1
      environment: [{name: MODE, value: slow}]
sync: {ignore: [/containerDefinitions/app/image, /containerDefinitions/app/environment/FLAG]}
---
apiVersion: evenkeel.dev/v1alpha1
kind: Service
metadata: {name: web}
spec:
  clusterRef: main
  taskDefinitionRef: web
  desiredCount: 1
  launchType: FARGATE
  enableECSManagedTags: false
  networkConfiguration: {awsvpcConfiguration: {subnets: [subnet-0a1b2c3d4e5f60001]}}
  tags: [{key: team, value: nova}, {key: cost, value: a}]
sync: {ignore: [/desiredCount, /tags/cost]}
"#;

#[tokio::test(start_paused = true)]
async fn what_is_left_to_others_stays_as_they_leave_it() {
    let world = World::of(&[]).await;
    world.write("all.yaml", MANIFESTS);
    let daemon = world.daemon().await;
    settled(&daemon, false).await;
    // Made as declared, for there was nobody's value yet.
    let service = world.person.service("main", "web").await;
    assert_eq!(service["desiredCount"], 1);

    // Somebody else's pipeline: another image and a variable in a revision of its own, three tasks,
    // another tag.
    let input = json!({"family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
        "cpu": "256", "memory": "512", "containerDefinitions": [{"name": "app", "image": "nginx:2",
        "environment": [{"name": "FLAG", "value": "on"}, {"name": "MODE", "value": "slow"}]}]});
    let ecs = Service::Ecs;
    world
        .person
        .call(ecs, "RegisterTaskDefinition", input)
        .await;
    let input =
        json!({"cluster": "main", "service": "web", "taskDefinition": "web:2", "desiredCount": 3});
    world.person.call(ecs, "UpdateService", input).await;
    let input =
        json!({"resourceArn": service["serviceArn"], "tags": [{"key": "cost", "value": "b"}]});
    world.person.call(ecs, "TagResource", input).await;
    let writes = world.writes().len();
    pass(Duration::from_hours(1)).await;
    // Which payload runs is recorded once; nothing else is written.
    assert_eq!(&world.writes()[writes..], ["TagResource"]);
    for (key, plan) in planned(&world).await {
        assert!(plan.steps.is_empty(), "{key}: {}", plan.outcome);
    }

    // A change of the manifest goes out with what is live in the ignored places.
    world.edit("all.yaml", "value: slow", "value: fast");
    world.edit(
        "all.yaml",
        "enableECSManagedTags: false",
        "enableECSManagedTags: true",
    );
    daemon.look().await;
    pass(Duration::from_mins(1)).await;
    settled(&daemon, false).await;
    let spec = json!({"family": "web"});
    let live = Live::read(&world, Kind::TaskDefinition, &[&spec]).await;
    let container = &live.of(&spec).unwrap()["containerDefinitions"][0];
    assert_eq!(container["image"], "nginx:2");
    let mut environment = container["environment"].as_array().unwrap().clone();
    environment.sort_by_key(|one| one["name"].to_string());
    assert_eq!(
        json!(environment),
        json!([{"name": "FLAG", "value": "on"}, {"name": "MODE", "value": "fast"}])
    );
    let service = world.person.service("main", "web").await;
    assert!(
        service["taskDefinition"]
            .as_str()
            .unwrap()
            .ends_with("web:3")
    );
    assert_eq!(service["desiredCount"], 3);
    assert_eq!(service["enableECSManagedTags"], true);
    assert!(
        service["tags"]
            .as_array()
            .unwrap()
            .contains(&json!({"key": "cost", "value": "b"}))
    );
    daemon.kill();
}

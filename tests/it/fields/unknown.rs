//! Members newer than the catalogue: allowed by an annotation, they reach AWS, and are neither lost
//! nor noisy.

use std::time::Duration;

use evenkeel::manifest::{LoadOptions, Severity, load};
use evenkeel::model::{Kind, Outcome};
use evenkeel::source::Dir;
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
metadata: {name: web, annotations: {evenkeel.dev/allow-unknown-fields: "true"}}
spec:
  brandNew: {deep: [1, {flag: true}]}
  containerDefinitions:
    - {name: app, image: "nginx:1", memory: 128, newerStill: [a, b]}
---
apiVersion: evenkeel.dev/v1alpha1
kind: Service
metadata: {name: web, annotations: {evenkeel.dev/allow-unknown-fields: "true"}}
spec:
  clusterRef: main
  taskDefinitionRef: web
  desiredCount: 0
  brandNewSetting: {level: 7}
"#;

#[tokio::test(start_paused = true)]
async fn members_newer_than_the_catalogue_are_neither_lost_nor_noisy() {
    let world = World::of(&[]).await;
    world.write("all.yaml", MANIFESTS);
    let daemon = world.daemon().await;
    settled(&daemon, false).await;
    let spec = json!({"family": "web"});
    let live = Live::read(&world, Kind::TaskDefinition, &[&spec]).await;
    let document = live.of(&spec).unwrap();
    assert_eq!(document["brandNew"], json!({"deep": [1, {"flag": true}]}));
    assert_eq!(
        document["containerDefinitions"][0]["newerStill"],
        json!(["a", "b"])
    );
    let service = world.person.service("main", "web").await;
    assert_eq!(service["brandNewSetting"], json!({"level": 7}));

    let writes = world.writes().len();
    pass(Duration::from_mins(5)).await;
    assert_eq!(&world.writes()[writes..], [""; 0]);
    for (key, plan) in planned(&world).await {
        assert_eq!(plan.outcome, Outcome::Converged, "{key}");
    }

    world.edit("all.yaml", "level: 7", "level: 8");
    world.edit("all.yaml", "flag: true", "flag: false");
    daemon.look().await;
    pass(Duration::from_mins(1)).await;
    settled(&daemon, false).await;
    let service = world.person.service("main", "web").await;
    assert_eq!(service["brandNewSetting"], json!({"level": 8}));
    assert!(
        service["taskDefinition"]
            .as_str()
            .unwrap()
            .ends_with("web:2")
    );
    daemon.kill();
}

#[tokio::test(start_paused = true)]
async fn without_the_annotation_they_are_errors() {
    let world = World::of(&[]).await;
    world.write("all.yaml", &MANIFESTS.replace("\"true\"", "\"no\""));
    let files = Dir::new(world.folder.path()).read().unwrap().files;
    let found = load(&files, &LoadOptions::default()).diagnostics;
    let errors = found.iter().filter(|one| one.severity == Severity::Error);
    assert_eq!(errors.count(), 3);
}

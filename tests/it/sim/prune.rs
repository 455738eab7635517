//! What no manifest declares any more goes: drained, in order, no more than may, over crashes.

use std::time::Duration;

use evenkeel::controller::{Foresight, Limits, Prune, Settings, foresee};
use evenkeel::kinds::Policy;
use evenkeel::manifest::{LoadOptions, load};
use evenkeel::metrics::Metrics;
use evenkeel::model::Service;
use evenkeel::source::{Dir, Eagerness, Sources};
use evenkeel::status::{OrphanStatus, Status};
use serde_json::{Value, json};

use super::world::{Daemon, World, pass};

pub(super) const AUTH: &str = "services/auth.yaml";

/// A scalable target and a policy of the auth service.
pub(super) const SCALING: &str = "apiVersion: evenkeel.dev/v1alpha1
kind: ScalableTarget
metadata: {name: auth}
spec: {ServiceRef: auth-service, MinCapacity: 2, MaxCapacity: 6}
---
apiVersion: evenkeel.dev/v1alpha1
kind: ScalingPolicy
metadata: {name: auth-cpu}
spec:
  ServiceRef: auth-service
  PolicyType: TargetTrackingScaling
  TargetTrackingScalingPolicyConfiguration:
    TargetValue: 60
    PredefinedMetricSpecification: {PredefinedMetricType: ECSServiceAverageCPUUtilization}
";

/// Everything that is taken away for one service without scaling, in order.
pub(super) const SERVICE_GOES: [&str; 9] = [
    "TagResource",
    "UpdateService",
    "DeleteService",
    "DeleteDeploymentGroup",
    "DeleteApplication",
    "DeleteRule",
    "DeleteRule",
    "DeleteTargetGroup",
    "DeleteTargetGroup",
];

pub(super) fn on(grace: Duration) -> Settings {
    Settings {
        prune: Some(Prune { percent: 20, grace }),
        ..Settings::default()
    }
}

impl World {
    /// Starts a daemon that prunes.
    pub(super) async fn pruner(&self, grace: Duration) -> Daemon {
        let source = Dir::new(self.folder.path());
        self.daemon_of(source, on(grace)).await
    }

    /// Takes a manifest away; gives its text.
    pub(super) fn remove(&self, file: &str) -> String {
        let path = self.folder.path().join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        text
    }

    /// The writes since there were so many.
    pub(super) fn since(&self, count: usize) -> Vec<String> {
        self.writes()[count..].to_vec()
    }
}

/// State and reason of the orphan of this kind and name.
pub(super) fn orphan(status: &Status, what: &str) -> Option<(&'static str, &'static str)> {
    let all = status.prune.iter().flat_map(|prune| &prune.orphans);
    let found = |one: &&OrphanStatus| format!("{}/{}", one.kind, one.name) == what;
    all.filter(found).map(|one| (one.state, one.reason)).next()
}

/// What keeps up everything.
pub(super) fn held(status: &Status) -> Option<&'static str> {
    let held = status.prune.as_ref()?.held.as_ref()?;
    Some(held.0)
}

/// Waits until pruning has looked and moves nothing.
pub(super) async fn rests(daemon: &Daemon) -> Status {
    daemon
        .until("pruning rests", |status| {
            let Some(prune) = &status.prune else {
                return false;
            };
            prune.looked_at.is_some() && prune.orphans.iter().all(|one| one.state == "stays")
        })
        .await
}

#[tokio::test(start_paused = true)]
async fn a_removed_service_is_drained_and_goes_with_all_that_it_used() {
    let world = World::auth(1200).await;
    world.write("scaling.yaml", SCALING);
    let grace = Duration::from_mins(5);
    let daemon = world.pruner(grace).await;
    daemon.converged().await;
    let made = world.writes().len();
    world.remove(AUTH);
    world.remove("scaling.yaml");
    daemon.look().await;
    pass(Duration::from_mins(4)).await;
    assert_eq!(world.since(made), Vec::<String>::new(), "the grace time");
    let status = daemon.board.read();
    assert_eq!(
        orphan(&status, "Service/nova/auth-service"),
        Some(("waits", "Grace"))
    );

    pass(Duration::from_mins(20)).await;
    let status = rests(&daemon).await;
    let expected = [&["DeregisterScalableTarget"][..], &SERVICE_GOES[..]].concat();
    assert_eq!(world.since(made), expected);
    world.mounted.with(|sandbox| {
        let drained = sandbox
            .mutations()
            .find(|call| call.operation == "UpdateService");
        assert_eq!(drained.unwrap().input["desiredCount"], 0);
        let forced = |call: &Value| call.get("force").is_some_and(|force| *force != false);
        assert!(
            !sandbox.mutations().any(|call| forced(&call.input)),
            "nothing is forced"
        );
    });
    let service = world.person.service("nova", "auth-service").await;
    assert_eq!(service["status"], "INACTIVE");
    // What is declared still, what has images and what is history stays.
    let repository = orphan(&status, "ImageRepository/nova/auth-service");
    assert_eq!(repository, Some(("stays", "HasImages")));
    assert_eq!(status.prune.unwrap().orphans.len(), 1);
    let clusters = json!({"clusters": ["nova"]});
    let clusters = world
        .person
        .call(Service::Ecs, "DescribeClusters", clusters)
        .await;
    assert_eq!(clusters["clusters"][0]["status"], "ACTIVE");
    let family = json!({"familyPrefix": "nova-auth-service"});
    let revisions = world
        .person
        .call(Service::Ecs, "ListTaskDefinitions", family)
        .await;
    assert_eq!(revisions["taskDefinitionArns"].as_array().unwrap().len(), 1);

    // At rest it is looked every ten minutes.
    let looks = world.calls("GetResources");
    pass(Duration::from_hours(1)).await;
    assert_eq!(world.since(made), expected);
    assert!((5..=7).contains(&(world.calls("GetResources") - looks)));
}

#[tokio::test(start_paused = true)]
async fn without_pruning_nothing_goes_and_nothing_is_asked_but_a_plan_tells() {
    let world = World::auth(1201).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let made = world.writes().len();
    world.remove(AUTH);
    daemon.look().await;
    pass(Duration::from_mins(30)).await;
    assert_eq!(world.since(made), Vec::<String>::new());
    assert_eq!(world.calls("GetResources"), 0);
    assert_eq!(daemon.board.read().prune, None);

    let sources = Sources::from(Dir::new(world.folder.path()));
    let read = sources.read(Eagerness::Due).await.unwrap();
    let mut set = load(&read.files, &LoadOptions::default()).set;
    set.sources = evenkeel::controller::source_marks(&read.sources, None);
    let aws = world.wired(std::sync::Arc::new(Metrics::new())).await;
    aws.account().await.unwrap();
    let limits = Limits::default();
    let by = Foresight {
        limits: &limits,
        sources: &sources,
        errors: None,
        percent: 20,
    };
    let foreseeing = foresee(aws, world.clock.clone(), Policy::default(), set, by);
    let (_, pruning) = Box::pin(foreseeing).await;
    let told: Vec<String> = pruning
        .orphans
        .iter()
        .map(|one| format!("{} {} {}", one.state, one.kind, one.message))
        .collect();
    assert!(
        told[0].starts_with("goes Service drain service nova/auth-service"),
        "{told:#?}"
    );
    assert_eq!(
        told.iter().filter(|one| one.starts_with("waits")).count(),
        6,
        "{told:#?}"
    );
    assert_eq!(world.since(made), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn more_than_a_fifth_of_the_services_stay_until_a_person_means_it() {
    let world = World::new("nova", &[], 1202).await;
    let daemon = world.pruner(Duration::ZERO).await;
    daemon.converged().await;
    let made = world.writes().len();
    let gone = ["auth", "feed"].map(|name| {
        let file = format!("services/{name}.yaml");
        let text = world.remove(&file);
        (file, text)
    });
    daemon.look().await;
    pass(Duration::from_mins(30)).await;
    let status = rests(&daemon).await;
    assert_eq!(world.since(made), Vec::<String>::new());
    assert_eq!(held(&status), Some("Limit"));
    let why = status.prune.unwrap().held.unwrap().1;
    assert!(why.contains("2 of 8 Service (at most 1)"), "{why}");

    // One of eight may go.
    world.write(&gone[1].0, &gone[1].1);
    daemon.look().await;
    pass(Duration::from_mins(30)).await;
    let status = rests(&daemon).await;
    assert_eq!(
        (world.since(made), held(&status)),
        (SERVICE_GOES.map(str::to_owned).to_vec(), None)
    );
    daemon.kill();

    // And as many as a person says.
    for name in ["feed", "media", "search"] {
        world.remove(&format!("services/{name}.yaml"));
    }
    let settings = Settings {
        prune: Some(Prune {
            percent: 50,
            grace: Duration::ZERO,
        }),
        ..Settings::default()
    };
    let daemon = world
        .daemon_of(Dir::new(world.folder.path()), settings)
        .await;
    pass(Duration::from_mins(30)).await;
    rests(&daemon).await;
    assert_eq!(world.count("DeleteService"), 4);
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_any_write_changes_nothing_of_the_end() {
    for k in 1..=SERVICE_GOES.len() as u64 {
        let world = World::auth(1203).await;
        let daemon = world.pruner(Duration::ZERO).await;
        daemon.converged().await;
        let made = world.writes().len();
        world.wire.crash_after(made as u64 + k);
        world.remove(AUTH);
        daemon.look().await;
        world.wire.crashed().await;
        daemon.kill();
        let daemon = world.pruner(Duration::ZERO).await;
        pass(Duration::from_mins(20)).await;
        rests(&daemon).await;
        assert_eq!(world.since(made), SERVICE_GOES, "crash after write {k}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_manifest_that_comes_back_in_the_middle_is_kept() {
    // Where the manifest leaves the count to others, a person had made it three.
    for (seed, declares, count) in [(1204, true, 2), (1205, false, 3)] {
        let world = World::auth(seed).await;
        if !declares {
            world.edit(AUTH, "  desiredCount: 2\n", "");
        }
        let daemon = world.pruner(Duration::ZERO).await;
        daemon.converged().await;
        let input = json!({"cluster": "nova", "service": "auth-service", "desiredCount": count});
        let ecs = Service::Ecs;
        world.person.call(ecs, "UpdateService", input).await;
        daemon.converged().await;
        let made = world.writes().len();
        world.wire.crash_after(made as u64 + 2);
        let text = world.remove(AUTH);
        daemon.look().await;
        world.wire.crashed().await;
        daemon.kill();
        assert_eq!(world.since(made), SERVICE_GOES[..2]);
        world.write(AUTH, &text);
        let daemon = world.pruner(Duration::ZERO).await;
        daemon.converged().await;
        pass(Duration::from_mins(20)).await;
        daemon.converged().await;
        let service = world.person.service("nova", "auth-service").await;
        assert_eq!(
            (&service["status"], &service["desiredCount"]),
            (&json!("ACTIVE"), &json!(count))
        );
        assert!(!service["tags"].to_string().contains("drained-from"));
        assert_eq!(world.count("DeleteService"), 0);
    }
}

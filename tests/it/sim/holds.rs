//! A person lets nothing be written for now.

use std::time::Duration;

use evenkeel::ask::{Answer, HoldChange, HoldChanged, Question, Refusal};
use evenkeel::controller::{Event, preview};
use evenkeel::kinds::Policy;
use evenkeel::manifest::{LoadOptions, load};
use evenkeel::model::{HoldScope, Moment, NewHold, Outcome, RolloutStage, Service, Wait};
use evenkeel::source::Dir;
use evenkeel::status::EventKind;
use serde_json::{Value, json};

use super::console::{AUTH, SERVICE};
use super::rolling::{self, BREAKER};
use super::world::{Daemon, World, pass};

const HOLD: &str = "evenkeel.dev/hold";
const HOLD_ALL: &str = "evenkeel.dev/hold-all";

fn held(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Waiting(Wait::Held, _))
}

fn text(until: Option<Moment>, now: Moment) -> String {
    let hold = NewHold {
        reason: "incident #4711".to_owned(),
        by: "ana".to_owned(),
        until,
    };
    hold.text(now).unwrap()
}

impl World {
    async fn change(
        &self,
        daemon: &Daemon,
        key: Option<&str>,
        hold: bool,
    ) -> Result<HoldChanged, Refusal> {
        let change = HoldChange {
            key: key.map(|key| key.parse().unwrap()),
            by: "ana".to_owned(),
            text: hold.then(|| text(None, self.clock.now())),
        };
        match daemon.asker.ask(Question::Hold(change)).await? {
            Answer::Hold(changed) => Ok(changed),
            other => panic!("{other:?}"),
        }
    }

    /// Holds, and waits until all that it concerns was looked at.
    pub(super) async fn hold(&self, daemon: &Daemon, key: Option<&str>) {
        let changed = self.change(daemon, key, true).await.unwrap();
        assert!(changed.confirmed && !changed.on.is_empty(), "{changed:?}");
        daemon
            .until("the hold is heeded", |status| {
                status.resyncs.completed >= changed.resync
            })
            .await;
    }

    pub(super) async fn resume(&self, daemon: &Daemon, key: Option<&str>) {
        let changed = self.change(daemon, key, false).await.unwrap();
        assert!(changed.confirmed && !changed.on.is_empty(), "{changed:?}");
    }

    async fn held_cluster(&self) -> Value {
        let input = json!({"clusters": ["nova"], "include": ["TAGS"]});
        let call = self.person.call(Service::Ecs, "DescribeClusters", input);
        call.await["clusters"][0].take()
    }

    /// Sets a tag as the AWS CLI does.
    pub(super) async fn set_tag(&self, arn: &Value, tag: &str, value: &str) {
        let input = json!({"resourceArn": arn, "tags": [{"key": tag, "value": value}]});
        self.person.call(Service::Ecs, "TagResource", input).await;
    }

    pub(super) async fn auth_arn(&self) -> Value {
        self.person.service("nova", "auth-service").await["serviceArn"].take()
    }

    /// Changes a field that is healed at once.
    async fn scale_by_hand(&self, count: u64) {
        let input = json!({"cluster": "nova", "service": "auth-service", "desiredCount": count});
        self.person.call(Service::Ecs, "UpdateService", input).await;
    }
}

/// The value of a tag.
fn tagged<'a>(document: &'a Value, tag: &str) -> Option<&'a str> {
    let tags = document["tags"].as_array()?;
    tags.iter().find(|one| one["key"] == tag)?["value"].as_str()
}

fn shown(daemon: &Daemon, key: &str) -> Option<HoldScope> {
    let status = daemon.board.read();
    let hold = status.resources[&key.parse().unwrap()].hold.clone();
    hold.map(|hold| hold.scope)
}

#[tokio::test(start_paused = true)]
async fn drift_and_a_new_manifest_wait_until_it_is_resumed_over_resyncs_and_a_restart() {
    let world = World::auth(800).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.hold(&daemon, Some(SERVICE)).await;
    assert_eq!(shown(&daemon, SERVICE), Some(HoldScope::Service));
    daemon.converged().await;
    let service = world.person.service("nova", "auth-service").await;
    assert!(tagged(&service, HOLD).is_some_and(|text| text.contains("incident =234711")));

    let drifted = |daemon: &Daemon, field: &str| {
        let status = daemon.board.read();
        let resource = &status.resources[&SERVICE.parse().unwrap()];
        resource.drift.iter().any(|one| one.path == field)
    };
    world.scale_by_hand(1).await;
    daemon.outcome(SERVICE, held).await;
    assert!(drifted(&daemon, "/desiredCount"));
    world.release(&daemon).await;
    let start = |outcome: &Outcome| held(outcome) && outcome.message().contains("blue/green");
    let outcome = daemon.outcome(SERVICE, start).await;
    for part in ["by ana", "incident #4711", "without the hold: "] {
        assert!(outcome.message().contains(part), "{outcome}");
    }
    let is_still_held = async |daemon: &Daemon| {
        pass(Duration::from_mins(15)).await;
        daemon.events.send(Event::Resync("signal")).await.unwrap();
        pass(Duration::from_mins(5)).await;
        daemon.outcome(SERVICE, start).await;
        assert!(drifted(daemon, "/taskDefinition"));
        assert_eq!(world.count("UpdateService"), 1, "the person's");
        assert_eq!(world.count("CreateDeployment"), 0);
    };
    is_still_held(&daemon).await;
    daemon.kill();
    let other = world.daemon().await;
    is_still_held(&other).await;

    world.resume(&other, Some(SERVICE)).await;
    other.converged().await;
    assert_eq!(world.count("CreateDeployment"), 1);
    let service = world.person.service("nova", "auth-service").await;
    assert_eq!(service["desiredCount"], 2);
    assert_eq!(shown(&other, SERVICE), None);
    let events = other.board.events().after(0).events;
    let told = events
        .iter()
        .filter(|event| event.kind == EventKind::Command);
    let told: Vec<&str> = told.map(|event| event.text.as_str()).collect();
    assert_eq!(told, [format!("ana ends the hold of {SERVICE}")]);
    world.rests(&other).await;
}

#[tokio::test(start_paused = true)]
async fn a_deployment_in_flight_goes_on_and_ends() {
    let world = World::auth(801).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world
        .deploy(&daemon, "1.5.0", RolloutStage::ScalingUp)
        .await;
    world.hold(&daemon, Some(SERVICE)).await;
    let outcome = daemon.outcome(SERVICE, |_| true).await;
    assert_eq!(outcome.reason(), "RolloutInProgress", "{outcome}");
    // Another daemon adopts it under the hold.
    daemon.kill();
    let daemon = world.daemon().await;
    daemon.converged().await;
    assert_eq!(world.succeeded(), 1);
    let live = world.person.primary("nova", "auth-service").await;
    assert_eq!(live, world.revision_of("1.5.0").await);
    assert_eq!(shown(&daemon, SERVICE), Some(HoldScope::Service));
    // The next one has to wait.
    world.edit(AUTH, "auth-service:1.5.0", "auth-service:1.4.0");
    daemon.look().await;
    daemon.outcome(SERVICE, held).await;
    pass(Duration::from_mins(15)).await;
    assert_eq!(world.count("CreateDeployment"), 1);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_over_holds_nothing_and_its_tag_goes() {
    let world = World::auth(802).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let until = world.clock.now().plus(Duration::from_mins(10));
    let arn = world.auth_arn().await;
    let value = text(Some(until), world.clock.now());
    world.set_tag(&arn, HOLD, &value).await;
    world.release(&daemon).await;
    daemon.outcome(SERVICE, held).await;
    pass(Duration::from_mins(9)).await;
    assert_eq!(world.count("CreateDeployment"), 0);
    assert!(world.clock.now() < until);
    daemon
        .until("the deployment", |_| world.count("CreateDeployment") == 1)
        .await;
    let late = world.clock.now().since(until);
    assert!(late < Duration::from_secs(30), "{late:?}");
    daemon.converged().await;
    let service = world.person.service("nova", "auth-service").await;
    assert_eq!(tagged(&service, HOLD), None, "{service}");
    let events = daemon.board.events().after(0).events;
    let told =
        |text: &str| text.contains("end the hold that is over") && text.contains("incident #4711");
    assert!(
        events
            .iter()
            .any(|event| event.kind == EventKind::Write && told(&event.text))
    );
    // One that was over before it was ever seen goes as well, and by itself.
    world
        .set_tag(&world.held_cluster().await["clusterArn"], HOLD_ALL, &value)
        .await;
    daemon
        .until("the tag is gone", |_| world.count("UntagResource") == 2)
        .await;
    assert_eq!(tagged(&world.held_cluster().await, HOLD_ALL), None);
    world.rests(&daemon).await;
}

#[tokio::test(start_paused = true)]
async fn a_cluster_holds_its_services_and_everything_the_rest_too() {
    let world = World::auth(803).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let path = async |path: Option<&str>| {
        let input = json!({"Names": ["nova-auth-blue"]});
        let answer = world
            .person
            .call(Service::Elb, "DescribeTargetGroups", input)
            .await;
        let group = &answer["TargetGroups"][0];
        if let Some(path) = path {
            let input = json!({"TargetGroupArn": group["TargetGroupArn"], "HealthCheckPath": path});
            world
                .person
                .call(Service::Elb, "ModifyTargetGroup", input)
                .await;
        }
        group["HealthCheckPath"].as_str().unwrap().to_owned()
    };
    world.hold(&daemon, Some("Cluster/nova")).await;
    assert_eq!(
        shown(&daemon, "DeploymentGroup/auth-service"),
        Some(HoldScope::Cluster)
    );
    assert_eq!(shown(&daemon, "TargetGroup/nova-auth-blue"), None);
    path(Some("/wrong")).await;
    world.scale_by_hand(1).await;
    daemon.outcome(SERVICE, held).await;
    pass(Duration::from_mins(5)).await;
    assert_eq!(path(None).await, "/health", "of no cluster");
    assert_eq!(world.count("UpdateService"), 1);

    // A second hold, wider; the narrower one stays when it ends.
    world.hold(&daemon, None).await;
    assert_eq!(
        shown(&daemon, "TargetGroup/nova-auth-blue"),
        Some(HoldScope::Everything)
    );
    path(Some("/wrong")).await;
    let writes = world.writes();
    world.release(&daemon).await;
    daemon
        .outcome("TaskDefinition/nova-auth-service", held)
        .await;
    daemon.outcome("TargetGroup/nova-auth-blue", held).await;
    pass(Duration::from_mins(30)).await;
    assert_eq!(world.writes(), writes);
    world.resume(&daemon, None).await;
    daemon
        .until("the registration", |_| {
            world.count("RegisterTaskDefinition") == 2
        })
        .await;
    pass(Duration::from_mins(5)).await;
    assert_eq!(path(None).await, "/health");
    assert_eq!(
        (
            world.count("UpdateService"),
            world.count("CreateDeployment")
        ),
        (1, 0)
    );
    daemon.outcome(SERVICE, held).await;
    world.resume(&daemon, Some("Cluster/nova")).await;
    daemon.converged().await;
    assert_eq!(world.count("CreateDeployment"), 1);
}

#[tokio::test(start_paused = true)]
async fn tags_of_clusters_that_cannot_be_read_let_nothing_be_written() {
    let world = World::auth(804).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    daemon.kill();
    world.wire.pass_over(Some(("DescribeClusters", "clusters")));
    let daemon = world.daemon().await;
    world.scale_by_hand(1).await;
    world.edit(AUTH, "auth-service:1.4.0", "auth-service:1.5.0");
    daemon.look().await;
    let writes = world.writes();
    pass(Duration::from_mins(30)).await;
    assert_eq!(world.writes(), writes);
    let outcome = daemon.board.read().resources
        [&"TaskDefinition/nova-auth-service".parse().unwrap()]
        .outcome
        .clone();
    assert_eq!(outcome.reason(), "ObservationUnknown", "{outcome}");
    assert!(
        outcome.message().contains("whether cluster nova is held"),
        "{outcome}"
    );
    world.wire.pass_over(None);
    daemon.converged().await;
    assert_eq!(world.count("CreateDeployment"), 1);
}

#[tokio::test(start_paused = true)]
async fn the_grace_of_a_hotfix_begins_when_the_hold_ends() {
    let world = rolling::worker(BREAKER, 805).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let theirs = world.register_by_hand().await;
    world.update(json!({"taskDefinition": theirs})).await;
    let grace = |outcome: &Outcome| matches!(outcome, Outcome::Waiting(Wait::DriftGrace, _));
    daemon.outcome(rolling::SERVICE, grace).await;
    pass(Duration::from_mins(8)).await;
    world.hold(&daemon, Some(rolling::SERVICE)).await;
    let updates = world.count("UpdateService");
    let outcome = daemon.outcome(rolling::SERVICE, held).await;
    assert!(outcome.message().contains("/taskDefinition"), "{outcome}");
    for _ in 0..5 {
        pass(Duration::from_mins(7)).await;
        let outcome = daemon.outcome(rolling::SERVICE, |_| true).await;
        assert!(held(&outcome), "{outcome}");
    }
    world.resume(&daemon, Some(rolling::SERVICE)).await;
    let since = world.clock.now();
    daemon.outcome(rolling::SERVICE, grace).await;
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
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_held_is_refused_with_the_way_that_can() {
    let world = World::auth(806).await;
    let refused = async |daemon: &Daemon, key: Option<&str>| {
        let refusal = world.change(daemon, key, true).await.unwrap_err();
        format!("{}: {}", refusal.label(), refusal.message())
    };
    let daemon = world.daemon().await;
    daemon.converged().await;
    for (key, label, part) in [
        (
            "TargetGroup/nova-auth-blue",
            "NotApplicable",
            "everything holds it too",
        ),
        ("Service/none", "NotFound", "evenkeel get"),
        ("Cluster/none", "NotFound", "evenkeel get"),
    ] {
        let why = refused(&daemon, Some(key)).await;
        assert!(why.starts_with(label) && why.contains(part), "{why}");
    }
    let arn = world.auth_arn().await;
    for n in 0..50 {
        let tag = format!("theirs-{n}");
        let input = json!({"resourceArn": arn, "tags": [{"key": tag, "value": ""}]});
        world
            .person
            .try_call(Service::Ecs, "TagResource", input)
            .await
            .ok();
    }
    let why = refused(&daemon, Some(SERVICE)).await;
    assert!(why.contains("as many tags as AWS takes"), "{why}");
    // To end what does not hold is no mistake.
    let none = world.change(&daemon, Some(SERVICE), false).await.unwrap();
    assert_eq!((none.on.len(), none.confirmed), (0, true));

    // Where nothing was ever read, a cluster goes by its name at AWS.
    daemon.kill();
    let folder = world.folder.path().to_owned();
    let away = folder.with_extension("away");
    std::fs::rename(&folder, &away).unwrap();
    let daemon = world.daemon().await;
    pass(Duration::from_secs(10)).await;
    for key in [None, Some(SERVICE)] {
        let why = refused(&daemon, key).await;
        assert!(why.contains("aws ecs tag-resource"), "{why}");
    }
    let changed = world
        .change(&daemon, Some("Cluster/nova"), true)
        .await
        .unwrap();
    assert_eq!(changed.on, ["cluster nova"]);
    assert!(tagged(&world.held_cluster().await, HOLD).is_some());
    std::fs::rename(&away, &folder).unwrap();
    world.release(&daemon).await;
    daemon.outcome(SERVICE, held).await;
    assert_eq!(world.count("CreateDeployment"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_preview_tells_what_is_held_and_what_would_be_done() {
    let world = World::auth(807).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.hold(&daemon, Some(SERVICE)).await;
    daemon.kill();
    world.scale_by_hand(1).await;
    let files = Dir::new(world.folder.path()).read().unwrap().files;
    let set = load(&files, &LoadOptions::default()).set;
    let writes = world.writes();
    let policy = Policy::default();
    let plans = preview(world.person.aws(), world.clock.clone(), policy, set).await;
    assert_eq!(world.writes(), writes);
    let plan = &plans[&SERVICE.parse().unwrap()];
    assert_eq!(plan.steps.len(), 1, "{plan:?}");
    assert!(
        plan.hold
            .as_ref()
            .is_some_and(|hold| hold.by.as_deref() == Some("ana"))
    );
    let other = &plans[&"ListenerRule/auth-production".parse().unwrap()];
    assert_eq!((other.steps.len(), &other.hold), (0, &None));
}

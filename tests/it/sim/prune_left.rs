//! What is not pruned: what others made, what a manifest protects, what is in use, and anything while the
//! manifests are not to be believed.

use std::time::Duration;

use evenkeel::controller::Settings;
use evenkeel::model::Service;
use evenkeel::sandbox::{AwsError, Fault};
use evenkeel::source::{Access, Dir, Sources};
use serde_json::{Value, json};

use super::prune::{AUTH, SERVICE_GOES, held, on, orphan, rests};
use super::world::{World, pass};

const NOW: Duration = Duration::ZERO;

fn cluster(name: &str, sync: &str) -> String {
    format!(
        "apiVersion: evenkeel.dev/v1alpha1\nkind: Cluster\nmetadata: {{name: {name}}}\nspec: {{}}\n{sync}---\n"
    )
}

impl World {
    /// The cluster's status at AWS, and its tags.
    async fn cluster(&self, name: &str) -> (String, String) {
        let input = json!({"clusters": [name], "include": ["TAGS"]});
        let answer = self
            .person
            .call(Service::Ecs, "DescribeClusters", input)
            .await;
        let one = &answer["clusters"][0];
        let status = one["status"].as_str().unwrap_or("MISSING").to_owned();
        (status, one["tags"].to_string())
    }

    async fn is_there(&self, name: &str) -> bool {
        self.cluster(name).await.0 == "ACTIVE"
    }

    /// What is written to, and deleted of, anything in half an hour: nothing.
    async fn nothing_goes(&self, made: usize) {
        pass(Duration::from_mins(30)).await;
        assert_eq!(self.since(made), Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn a_manifest_may_say_never_or_that_a_person_is_to_confirm() {
    let world = World::auth(1210).await;
    let never = "sync: {prune: never}\n";
    let files = [
        ("never.yaml", cluster("never", never)),
        ("asked.yaml", cluster("asked", "sync: {prune: confirm}\n")),
        ("plain.yaml", cluster("plain", never)),
    ];
    for (file, text) in &files {
        world.write(file, text);
    }
    let daemon = world.pruner(NOW).await;
    daemon.converged().await;
    assert!(
        world
            .cluster("plain")
            .await
            .1
            .contains("evenkeel.dev/prune")
    );
    // What it no longer says is forgotten.
    world.write("plain.yaml", &cluster("plain", ""));
    daemon.look().await;
    daemon.converged().await;
    pass(Duration::from_mins(2)).await;
    assert!(
        !world
            .cluster("plain")
            .await
            .1
            .contains("evenkeel.dev/prune")
    );

    for (file, _) in &files {
        world.remove(file);
    }
    daemon.look().await;
    pass(Duration::from_mins(2)).await;
    let status = rests(&daemon).await;
    assert_eq!(orphan(&status, "Cluster/never"), Some(("stays", "Never")));
    assert_eq!(
        orphan(&status, "Cluster/asked"),
        Some(("stays", "Unconfirmed"))
    );
    assert!(!world.is_there("plain").await);

    let input = json!({"resourceArn": "arn:aws:ecs:us-east-1:123456789012:cluster/asked",
        "tags": [{"key": "evenkeel.dev/prune", "value": "confirmed"}]});
    world.person.call(Service::Ecs, "TagResource", input).await;
    pass(Duration::from_mins(12)).await;
    rests(&daemon).await;
    assert!(!world.is_there("asked").await);
    assert!(world.is_there("never").await);
}

#[tokio::test(start_paused = true)]
async fn what_others_made_stays() {
    let world = World::auth(1211).await;
    let create = async |name: &str, tags: Value| {
        let input = json!({"clusterName": name, "tags": tags});
        world
            .person
            .call(Service::Ecs, "CreateCluster", input)
            .await;
    };
    create("theirs", json!([])).await;
    let other = json!([{"key": "evenkeel.dev/instance", "value": "other"}]);
    create("other", other).await;
    // Made by a person, and declared for a while.
    create("adopted", json!([])).await;
    world.write("adopted.yaml", &cluster("adopted", ""));
    // Marked as ours by somebody, or by a version that kept no marks.
    let ours = json!([{"key": "evenkeel.dev/instance", "value": "default"}]);
    create("unmarked", ours).await;
    let daemon = world.pruner(NOW).await;
    daemon.converged().await;
    world.remove("adopted.yaml");
    daemon.look().await;
    pass(Duration::from_mins(20)).await;
    let status = rests(&daemon).await;
    assert_eq!(
        orphan(&status, "Cluster/unmarked"),
        Some(("stays", "Unmarked"))
    );
    assert_eq!(status.prune.unwrap().orphans.len(), 1);
    for name in ["theirs", "other", "adopted", "unmarked"] {
        assert!(world.is_there(name).await, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_file_and_an_empty_source_prune_nothing() {
    let world = World::auth(1212).await;
    let daemon = world.pruner(NOW).await;
    daemon.converged().await;
    let made = world.writes().len();
    let text = world.remove(AUTH);
    for broken in [
        "kind: [\n",
        "apiVersion: evenkeel.dev/v1alpha1\nkind: Cluster\nmetadata: {name: x}\nspec: {clusterNam: x}\n",
    ] {
        world.write("broken.yaml", broken);
        daemon.look().await;
        world.nothing_goes(made).await;
        assert_eq!(held(&daemon.board.read()), Some("ManifestErrors"));
    }
    // A restart believes no more of it.
    daemon.kill();
    let daemon = world.pruner(NOW).await;
    world.nothing_goes(made).await;

    world.remove("broken.yaml");
    let others = ["cluster.yaml", "load-balancer.yaml", "sandbox.yaml"]
        .map(|file| (file, world.remove(file)));
    daemon.look().await;
    world.nothing_goes(made).await;
    assert_eq!(held(&daemon.board.read()), Some("SourceTrouble"));
    daemon.kill();
    let daemon = world.pruner(NOW).await;
    world.nothing_goes(made).await;
    // A seed alone is no manifest.
    world.write("sandbox.yaml", &others[2].1);
    daemon.look().await;
    world.nothing_goes(made).await;
    assert_eq!(held(&daemon.board.read()), Some("NoManifests"));

    for (file, text) in &others {
        world.write(file, text);
    }
    world.write(AUTH, &text);
    daemon.look().await;
    daemon.converged().await;
    world.nothing_goes(made).await;
    assert_eq!(held(&daemon.board.read()), None);
}

#[tokio::test(start_paused = true)]
async fn a_failed_read_deletes_nothing() {
    let world = World::auth(1213).await;
    let daemon = world.pruner(NOW).await;
    daemon.converged().await;
    let made = world.writes().len();
    let fails = |service: &str, operation: &str| {
        world.mounted.with(|sandbox| {
            sandbox.clear_faults();
            sandbox.inject(Fault {
                operation: format!("{service}:{operation}"),
                error: AwsError::new("AccessDeniedException", "no"),
                times: None,
                takes_effect: false,
            });
        });
    };
    fails("tag", "GetResources");
    world.remove(AUTH);
    daemon.look().await;
    world.nothing_goes(made).await;
    assert_eq!(held(&daemon.board.read()), Some("Unreadable"));
    for (service, operation) in [
        ("elasticloadbalancing", "DescribeTargetHealth"),
        ("codedeploy", "ListDeploymentGroups"),
        ("ecr", "DescribeImages"),
    ] {
        fails(service, operation);
        world.nothing_goes(made).await;
        assert_eq!(
            held(&daemon.board.read()),
            Some("Unreadable"),
            "{operation}"
        );
    }
    world.mounted.with(evenkeel::sandbox::Sandbox::clear_faults);
    // An inventory that passes over everything names no orphan.
    world
        .wire
        .pass_over(Some(("GetResources", "ResourceTagMappingList")));
    world.nothing_goes(made).await;
    world.wire.pass_over(None);
    pass(Duration::from_mins(30)).await;
    rests(&daemon).await;
    assert_eq!(world.since(made), SERVICE_GOES);
}

#[tokio::test(start_paused = true)]
async fn what_a_rule_of_somebody_else_uses_stays() {
    let world = World::auth(1214).await;
    let daemon = world.pruner(NOW).await;
    daemon.converged().await;
    let elb = Service::Elb;
    let of = async |operation: &'static str, list: &str, name: &str, input: Value| {
        let answer = world.person.call(elb, operation, input).await;
        answer[list][0][name].as_str().unwrap().to_owned()
    };
    let group = of(
        "DescribeTargetGroups",
        "TargetGroups",
        "TargetGroupArn",
        json!({"Names": ["nova-auth-green"]}),
    )
    .await;
    let balancer = of(
        "DescribeLoadBalancers",
        "LoadBalancers",
        "LoadBalancerArn",
        json!({"Names": ["nova"]}),
    )
    .await;
    let listener = of(
        "DescribeListeners",
        "Listeners",
        "ListenerArn",
        json!({"LoadBalancerArn": balancer}),
    )
    .await;
    let rule = json!({"ListenerArn": listener, "Priority": 77,
        "Conditions": [{"Field": "path-pattern", "Values": ["/theirs"]}],
        "Actions": [{"Type": "forward", "TargetGroupArn": group}]});
    let rule = of("CreateRule", "Rules", "RuleArn", rule).await;
    world.remove(AUTH);
    daemon.look().await;
    pass(Duration::from_mins(20)).await;
    let status = rests(&daemon).await;
    assert_eq!(
        orphan(&status, "TargetGroup/nova-auth-green"),
        Some(("stays", "InUse"))
    );
    assert_eq!(world.count("DeleteTargetGroup"), 1);
    world
        .person
        .call(elb, "DeleteRule", json!({"RuleArn": rule}))
        .await;
    pass(Duration::from_mins(12)).await;
    assert_eq!(world.count("DeleteTargetGroup"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_service_in_the_middle_of_a_deployment_is_waited_for() {
    let world = World::auth(1215).await;
    let daemon = world.pruner(NOW).await;
    daemon.converged().await;
    world.release(&daemon).await;
    daemon
        .until("a deployment in flight", |status| {
            status.resources.values().any(|one| one.rollout.is_some())
        })
        .await;
    let made = world.writes().len();
    world.remove(AUTH);
    daemon.look().await;
    let status = daemon
        .until("it is an orphan", |status| {
            orphan(status, "Service/nova/auth-service").is_some()
        })
        .await;
    let waits = orphan(&status, "Service/nova/auth-service");
    assert_eq!(waits, Some(("waits", "DeploymentInFlight")));
    pass(Duration::from_mins(2)).await;
    assert_eq!(world.since(made), Vec::<String>::new());
    pass(Duration::from_hours(1)).await;
    rests(&daemon).await;
    assert_eq!(world.since(made), SERVICE_GOES);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_off_the_command_line_is_not_taken_for_removed() {
    let world = World::auth(1216).await;
    let second = tempfile::tempdir().unwrap();
    std::fs::write(second.path().join("a.yaml"), cluster("second", "")).unwrap();
    let first = world.folder.path().display().to_string();
    let both = [first.clone(), second.path().display().to_string()];
    let sources = |addresses: &[String]| Sources::parse(addresses, &Access::default()).unwrap();
    let daemon = world.daemon_of(sources(&both), on(NOW)).await;
    daemon.converged().await;
    daemon.kill();
    let made = world.writes().len();
    let daemon = world.daemon_of(sources(&both[..1]), on(NOW)).await;
    world.nothing_goes(made).await;
    let status = daemon.board.read();
    assert_eq!(
        orphan(&status, "Cluster/second"),
        Some(("stays", "OtherSource"))
    );
    daemon.kill();

    // Read again, and declaring something else, it means what it says.
    std::fs::remove_file(second.path().join("a.yaml")).unwrap();
    std::fs::write(second.path().join("b.yaml"), cluster("third", "")).unwrap();
    let daemon = world.daemon_of(sources(&both), on(NOW)).await;
    pass(Duration::from_mins(20)).await;
    rests(&daemon).await;
    assert!(!world.is_there("second").await);
    assert!(world.is_there("third").await);
}

/// Two daemons that read the same manifests in two folders, and one that is given another folder.
#[tokio::test(start_paused = true)]
async fn another_folder_writes_nothing_but_marks_and_those_only_to_prune() {
    let world = World::new("nova", &["cluster.yaml"], 1218).await;
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (folder, names) in [(&here, &["a", "b"][..]), (&there, &["a", "b", "c"])] {
        for name in names {
            std::fs::write(
                folder.path().join(name).with_extension("yaml"),
                cluster(name, ""),
            )
            .unwrap();
        }
    }
    let of = |folder: &tempfile::TempDir| Dir::new(folder.path());
    let daemon = world.daemon_of(of(&here), Settings::default()).await;
    daemon.converged().await;
    daemon.kill();
    let source = |folder: &tempfile::TempDir| folder.path().display().to_string();
    assert!(
        world.cluster("a").await.1.contains(&source(&here)),
        "born with it"
    );

    let made = world.writes().len();
    let daemon = world.daemon_of(of(&there), Settings::default()).await;
    daemon.converged().await;
    pass(Duration::from_mins(2)).await;
    daemon.kill();
    assert_eq!(world.since(made), ["CreateCluster"], "what is new alone");
    assert!(world.cluster("a").await.1.contains(&source(&here)));

    // Pruning goes by the marks, and so puts right those that are wrong, once.
    let made = world.writes().len();
    let daemon = world.daemon_of(of(&there), on(NOW)).await;
    daemon.converged().await;
    pass(Duration::from_mins(2)).await;
    assert_eq!(world.since(made), ["TagResource", "TagResource"]);
    assert!(world.cluster("a").await.1.contains(&source(&there)));
    let made = world.writes().len();
    std::fs::remove_file(there.path().join("b.yaml")).unwrap();
    daemon.look().await;
    pass(Duration::from_mins(5)).await;
    rests(&daemon).await;
    assert_eq!(world.since(made), ["DeleteCluster"]);
    assert!(world.is_there("a").await && !world.is_there("b").await);
}

#[tokio::test(start_paused = true)]
async fn an_empty_repository_goes_and_a_listener_with_its_balancer() {
    let world = World::new("nova", &["cluster.yaml", "load-balancer.yaml"], 1217).await;
    let repository = "apiVersion: evenkeel.dev/v1alpha1\nkind: ImageRepository\nmetadata: {name: empty}\nspec: {}\n";
    world.write("empty.yaml", repository);
    let daemon = world.pruner(NOW).await;
    daemon.converged().await;
    let made = world.writes().len();
    world.remove("empty.yaml");
    daemon.look().await;
    pass(Duration::from_mins(5)).await;
    rests(&daemon).await;
    assert_eq!(world.since(made), ["DeleteRepository"]);

    // Two of two listeners are more than one.
    let made = world.writes().len();
    world.remove("load-balancer.yaml");
    daemon.look().await;
    world.nothing_goes(made).await;
    assert_eq!(held(&daemon.board.read()), Some("Limit"));
    daemon.kill();
    let mut settings = on(NOW);
    settings.prune.as_mut().unwrap().percent = 100;
    let daemon = world
        .daemon_of(Dir::new(world.folder.path()), settings)
        .await;
    pass(Duration::from_mins(5)).await;
    rests(&daemon).await;
    assert_eq!(
        world.since(made),
        ["DeleteListener", "DeleteListener", "DeleteLoadBalancer"]
    );
}

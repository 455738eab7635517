//! What becomes of orphans, case by case. Whole runs are in `tests/it/sim`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::*;
use crate::kinds::testing::Scene;
use crate::model::{FactBoard, Kind};

const SOURCE: &str = "manifests";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const GROUP: &str = "arn:aws:elasticloadbalancing:r:1:targetgroup/blue/1";

fn orphan(subject: Subject, live: Live) -> Orphan {
    let arn = match &subject {
        Subject::TargetGroup(_) => GROUP.to_owned(),
        Subject::Listener(arn) | Subject::ListenerRule(arn) => arn.clone(),
        other => format!("arn:{other}"),
    };
    let tags = [
        ("evenkeel.dev/source", SOURCE),
        ("evenkeel.dev/commit", COMMIT),
    ];
    Orphan {
        subject,
        arn,
        tags: tags
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        live,
    }
}

fn service(change: impl FnOnce(&mut Value)) -> Orphan {
    let mut live = json!({"status": "ACTIVE", "desiredCount": 2, "runningCount": 2, "pendingCount": 0,
        "deployments": [{"status": "PRIMARY", "rolloutState": "COMPLETED"}],
        "loadBalancers": [{"targetGroupArn": GROUP}]});
    change(&mut live);
    let subject = Subject::Service("c".to_owned(), "s".to_owned());
    orphan(subject, Live::Service(live))
}

fn target_group(group: Value, targets: usize, draining: usize) -> Orphan {
    let live = Live::TargetGroup {
        group,
        targets,
        draining,
    };
    orphan(Subject::TargetGroup("blue".to_owned()), live)
}

fn rule() -> Orphan {
    let arn = "arn:aws:elasticloadbalancing:r:1:listener-rule/app/b/1/2/3".to_owned();
    let live = json!({"RuleArn": arn, "Priority": "1",
        "Actions": [{"Type": "forward", "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": GROUP}]}}]});
    orphan(Subject::ListenerRule(arn), Live::ListenerRule(live))
}

fn scaler() -> Orphan {
    let id = "service/c/s".to_owned();
    orphan(Subject::ScalableTarget(id), Live::ScalableTarget)
}

fn cluster(live: Value) -> Orphan {
    orphan(Subject::Cluster("c".to_owned()), Live::Cluster(live))
}

/// A set that declares one cluster, `kept`, in the source.
fn scene() -> Scene {
    let mut scene = Scene::default().with(Kind::Cluster, "kept", json!({"clusterName": "kept"}));
    scene.set.sources = BTreeMap::from([("".into(), SOURCE.to_owned())]);
    scene
}

fn planned_in(scene: &Scene, orphans: &[Orphan], history: &History) -> Pruning {
    let key = (SOURCE.to_owned(), COMMIT.to_owned());
    plan(
        orphans,
        &Terms {
            set: &scene.set,
            facts: &FactBoard::new(),
            declared: &BTreeMap::new(),
            histories: &BTreeMap::from([(key, history.clone())]),
            missed_lately: &BTreeSet::new(),
            percent: 20,
        },
    )
}

/// Each orphan's kind with its operation, or state and reason.
fn verdicts(orphans: &[Orphan]) -> Vec<String> {
    told(&planned_in(&scene(), orphans, &History::Follows))
}

fn told(pruning: &Pruning) -> Vec<String> {
    let one = |judged: &Judged| {
        let kind = judged.subject.kind();
        match &judged.verdict {
            Verdict::Goes(step) => format!("{kind} {}", step.call.operation),
            Verdict::Waits(why, _) => format!("{kind} waits {}", why.label()),
            Verdict::Stays(why, _) => format!("{kind} stays {}", why.label()),
        }
    };
    pruning.orphans.iter().map(one).collect()
}

#[test]
fn arns_are_read() {
    let elb = "arn:aws:elasticloadbalancing:r:1:";
    let targets = BTreeMap::from([(
        "arn:aws:application-autoscaling:r:1:scalable-target/x".to_owned(),
        "service/c/s".to_owned(),
    )]);
    for (arn, expected) in [
        ("arn:aws:ecs:r:1:cluster/c", "Cluster/c"),
        ("arn:aws:ecs:r:1:service/c/s", "Service/c/s"),
        ("arn:aws:ecr:r:1:repository/a/b/c", "ImageRepository/a/b/c"),
        ("arn:aws:codedeploy:r:1:application:a", "Application/a"),
        (
            "arn:aws:codedeploy:r:1:deploymentgroup:a/g",
            "DeploymentGroup/a/g",
        ),
        (&format!("{elb}loadbalancer/app/web/1"), "LoadBalancer/web"),
        (&format!("{elb}targetgroup/blue/1"), "TargetGroup/blue"),
        (
            &format!("{elb}listener/app/web/1/2"),
            "Listener/app/web/1/2",
        ),
        (
            &format!("{elb}listener-rule/app/web/1/2/3"),
            "ListenerRule/app/web/1/2/3",
        ),
        (
            "arn:aws:application-autoscaling:r:1:scalable-target/x",
            "ScalableTarget/c/s",
        ),
    ] {
        assert_eq!(Subject::of(arn, &targets).unwrap().to_string(), expected);
    }
    for other in [
        "",
        "arn:aws:ecs:r:1:task-definition/a:1",
        // The old form does not tell the cluster.
        "arn:aws:ecs:r:1:service/s",
        "arn:aws:application-autoscaling:r:1:scalable-target/gone",
        "arn:aws:s3:::bucket",
    ] {
        assert_eq!(Subject::of(other, &targets), None, "{other}");
    }
}

#[test]
fn a_service_is_drained_then_waited_for_then_deleted() {
    for (expected, change) in [
        ("Service TagResource", (|_| {}) as fn(&mut Value)),
        ("Service waits Draining", |one| {
            one["desiredCount"] = json!(0);
        }),
        ("Service DeleteService", |one| {
            one["desiredCount"] = json!(0);
            one["runningCount"] = json!(0);
        }),
        ("Service waits Draining", |one| {
            one["status"] = json!("DRAINING");
        }),
        ("Service waits DeploymentInFlight", |one| {
            one["deployments"][0]["rolloutState"] = json!("IN_PROGRESS");
        }),
        ("Service waits DeploymentInFlight", |one| {
            one["currentServiceDeployment"] = json!("arn");
        }),
        ("Service waits DeploymentInFlight", |one| {
            one["deployments"] = json!([]);
            one["taskSets"] = json!([{}, {}]);
        }),
        ("Service DeleteService", |one| {
            one["schedulingStrategy"] = json!("DAEMON");
        }),
    ] {
        assert_eq!(verdicts(&[service(change)]), [expected]);
    }
    // The count is noted before it is taken, and noted anew if it has changed since.
    for (noted, room, expected) in [
        (Some("2"), true, "Service UpdateService"),
        (Some("3"), true, "Service TagResource"),
        (Some("3"), false, "Service TagResource"),
        (None, false, "Service UpdateService"),
    ] {
        let mut service = service(|_| {});
        let note = noted.map(|count| ("evenkeel.dev/drained-from".to_owned(), count.to_owned()));
        service.tags.extend(note);
        let more = (service.tags.len()..50).map(|n| (format!("tag-{n}"), String::new()));
        let more: Vec<_> = more.filter(|_| !room).collect();
        service.tags.extend(more);
        assert_eq!(verdicts(&[service]), [expected]);
    }
}

#[test]
fn what_uses_goes_before_what_is_used() {
    let all = [
        cluster(json!({"activeServicesCount": 1})),
        target_group(json!({"LoadBalancerArns": ["b"]}), 2, 0),
        rule(),
        service(|_| {}),
        scaler(),
    ];
    let waiting = [
        "ScalableTarget DeregisterScalableTarget",
        "Service waits InUse",
        "ListenerRule waits InUse",
        "TargetGroup waits InUse",
        "Cluster waits InUse",
    ];
    assert_eq!(verdicts(&all), waiting);
    assert_eq!(verdicts(&all[..4])[0], "Service TagResource");
    assert_eq!(
        verdicts(&all[..3]),
        [
            "ListenerRule DeleteRule",
            "TargetGroup waits InUse",
            "Cluster stays InUse"
        ]
    );
    assert_eq!(
        verdicts(&all[..2]),
        ["TargetGroup stays InUse", "Cluster stays InUse"]
    );
    let free = [target_group(json!({}), 0, 0), cluster(json!({}))];
    assert_eq!(
        verdicts(&free),
        ["TargetGroup DeleteTargetGroup", "Cluster DeleteCluster"]
    );
    assert_eq!(
        verdicts(&[target_group(json!({}), 1, 0)]),
        ["TargetGroup stays InUse"]
    );
    assert_eq!(
        verdicts(&[target_group(json!({}), 0, 1)]),
        ["TargetGroup waits Draining"]
    );
}

#[test]
fn what_a_service_that_stays_uses_stays_too() {
    let mut kept = service(|_| {});
    kept.tags
        .insert("evenkeel.dev/prune".to_owned(), "never".to_owned());
    let all = [
        kept,
        rule(),
        scaler(),
        target_group(json!({"LoadBalancerArns": ["b"]}), 2, 0),
    ];
    assert_eq!(
        verdicts(&all),
        [
            "ScalableTarget stays InUse",
            "Service stays Never",
            "ListenerRule stays InUse",
            "TargetGroup stays InUse",
        ]
    );
    // One that waits for its deployment is scaled meanwhile.
    let busy = service(|one| one["currentServiceDeployment"] = json!("arn"));
    assert_eq!(
        verdicts(&[busy, scaler()]),
        [
            "ScalableTarget waits InUse",
            "Service waits DeploymentInFlight"
        ]
    );
}

#[test]
fn a_deployment_group_goes_when_nothing_is_deployed_through_it() {
    let group = |status: &str, services: Value| {
        let group = json!({"ecsServices": [{"clusterName": "c", "serviceName": "s"}],
            "lastAttemptedDeployment": {"status": status}});
        let services = services.as_object().unwrap().values();
        let services = services.map(|one| (("c".to_owned(), "s".to_owned()), one.clone()));
        let live = Live::DeploymentGroup {
            group,
            services: services.collect(),
        };
        orphan(
            Subject::DeploymentGroup("a".to_owned(), "g".to_owned()),
            live,
        )
    };
    let by = |controller: &str| json!({"x": {"deploymentController": {"type": controller}}});
    for (status, services, expected) in [
        (
            "Succeeded",
            json!({}),
            "DeploymentGroup DeleteDeploymentGroup",
        ),
        (
            "Succeeded",
            by("ECS"),
            "DeploymentGroup DeleteDeploymentGroup",
        ),
        (
            "Succeeded",
            by("CODE_DEPLOY"),
            "DeploymentGroup stays InUse",
        ),
        (
            "Ready",
            json!({}),
            "DeploymentGroup waits DeploymentInFlight",
        ),
    ] {
        assert_eq!(verdicts(&[group(status, services)]), [expected], "{status}");
    }
    // What leads to either of its target groups stays as long as it does.
    let mut pair = group("Succeeded", by("CODE_DEPLOY"));
    if let Live::DeploymentGroup { group, .. } = &mut pair.live {
        group["loadBalancerInfo"] = json!({"targetGroupPairInfoList": [{"targetGroups": [{"name": "blue"}, {"name": "green"}]}]});
    }
    let told = verdicts(&[pair, rule()]);
    assert_eq!(
        told,
        ["DeploymentGroup stays InUse", "ListenerRule waits InUse"]
    );
    // And a service is not touched while its group shifts traffic.
    let shifting = [service(|_| {}), group("InProgress", json!({}))];
    assert_eq!(verdicts(&shifting)[0], "Service waits DeploymentInFlight");
    let application = |groups: &[&str]| {
        let groups = groups.iter().map(|name| (*name).to_owned()).collect();
        orphan(
            Subject::Application("a".to_owned()),
            Live::Application(groups),
        )
    };
    assert_eq!(
        verdicts(&[application(&[])]),
        ["Application DeleteApplication"]
    );
    assert_eq!(
        verdicts(&[application(&["other"])]),
        ["Application stays InUse"]
    );
    let both = [application(&["g"]), group("Succeeded", json!({}))];
    assert_eq!(verdicts(&both)[1], "Application waits InUse");
}

#[test]
fn balancers_go_when_they_lead_nowhere() {
    let balancer = |protected, listeners: &[&str]| {
        let listeners = listeners.iter().map(|arn| (*arn).to_owned()).collect();
        let live = Live::LoadBalancer {
            protected,
            listeners,
        };
        orphan(Subject::LoadBalancer("b".to_owned()), live)
    };
    let listener = |rules: Value| {
        let live = Live::Listener {
            listener: json!({"DefaultActions": [{"Type": "fixed-response"}]}),
            rules: rules.as_array().unwrap().clone(),
        };
        orphan(Subject::Listener("arn:l".to_owned()), live)
    };
    let default = json!({"Priority": "default", "RuleArn": "d"});
    for (orphans, expected) in [
        (
            vec![balancer(false, &[])],
            &["LoadBalancer DeleteLoadBalancer"][..],
        ),
        (vec![balancer(true, &[])], &["LoadBalancer stays Protected"]),
        (
            vec![balancer(false, &["theirs"])],
            &["LoadBalancer stays InUse"],
        ),
        (
            vec![balancer(false, &["arn:l"]), listener(json!([default]))],
            &["Listener DeleteListener", "LoadBalancer waits InUse"],
        ),
        (
            vec![listener(
                json!([default, {"Priority": "5", "RuleArn": "theirs"}]),
            )],
            &["Listener stays InUse"],
        ),
        (
            vec![
                listener(json!([default, {"Priority": "1", "RuleArn": rule().arn}])),
                rule(),
            ],
            &["ListenerRule DeleteRule", "Listener waits InUse"],
        ),
    ] {
        assert_eq!(verdicts(&orphans), expected);
    }
}

#[test]
fn only_marks_of_a_source_that_is_read_let_something_go() {
    let marked = |key: &str, value: Option<&str>| {
        let mut one = cluster(json!({}));
        match value {
            Some(value) => one.tags.insert(key.to_owned(), value.to_owned()),
            None => one.tags.remove(key),
        };
        one
    };
    let (prune, source) = ("evenkeel.dev/prune", "evenkeel.dev/source");
    for (one, expected) in [
        (marked(prune, Some("never")), "Cluster stays Never"),
        (marked(prune, Some("a later word")), "Cluster stays Never"),
        (marked(prune, Some("confirm")), "Cluster stays Unconfirmed"),
        (marked(prune, Some("confirmed")), "Cluster DeleteCluster"),
        (marked(source, None), "Cluster stays Unmarked"),
        (
            marked(source, Some("elsewhere")),
            "Cluster stays OtherSource",
        ),
        (marked("x", Some("y")), "Cluster DeleteCluster"),
    ] {
        assert_eq!(verdicts(&[one]), [expected]);
    }
    let repository = orphan(
        Subject::ImageRepository("r".to_owned()),
        Live::ImageRepository(true),
    );
    let mut confirmed = repository.clone();
    confirmed
        .tags
        .insert(prune.to_owned(), "confirmed".to_owned());
    for one in [repository, confirmed] {
        assert_eq!(verdicts(&[one]), ["ImageRepository stays HasImages"]);
    }
}

#[test]
fn what_was_declared_outside_of_the_history_in_force_stays() {
    let unknown = History::NotKnown("it is not in the history of b".to_owned());
    for (history, expected) in [
        (History::Follows, "Cluster DeleteCluster"),
        (History::None, "Cluster DeleteCluster"),
        (unknown, "Cluster stays HistoryUnknown"),
    ] {
        let pruning = planned_in(&scene(), &[cluster(json!({}))], &history);
        assert_eq!(told(&pruning), [expected]);
    }
}

#[test]
fn what_a_manifest_names_stays() {
    let named = |kind, spec: Value| scene().with(kind, "x", spec);
    let in_cluster = json!({"serviceName": "x", "cluster": "c"});
    let literal = json!({"Actions": [{"TargetGroupArn": GROUP}]});
    let pair = json!({"loadBalancerInfo": {"targetGroupPairInfoList": [{"targetGroups": [{"name": "blue"}]}]}});
    let scaled = json!({"ResourceId": "service/c/s"});
    for (scene, one) in [
        (named(Kind::Service, in_cluster), cluster(json!({}))),
        (
            named(Kind::ListenerRule, literal),
            target_group(json!({}), 0, 0),
        ),
        (
            named(Kind::DeploymentGroup, pair),
            target_group(json!({}), 0, 0),
        ),
        (named(Kind::ScalingPolicy, scaled), service(|_| {})),
    ] {
        let kind = one.subject.kind();
        let pruning = planned_in(&scene, &[one], &History::None);
        assert_eq!(told(&pruning), [format!("{kind} stays InUse")]);
    }
}

#[test]
fn over_the_limit_only_what_is_confirmed_goes() {
    let mut all: Vec<Orphan> = ["a", "b", "d"]
        .map(|name| orphan(Subject::Cluster(name.to_owned()), Live::Cluster(json!({}))))
        .into();
    all[2]
        .tags
        .insert("evenkeel.dev/prune".to_owned(), "confirmed".to_owned());
    let pruning = planned_in(&scene(), &all, &History::None);
    assert_eq!(
        pruning.held.as_ref().map(|(hold, _)| *hold),
        Some(Hold::Limit)
    );
    assert_eq!(
        told(&pruning),
        [
            "Cluster stays Limit",
            "Cluster stays Limit",
            "Cluster DeleteCluster"
        ]
    );
}

#[test]
fn doubt_in_the_manifests_is_told_by_its_reason() {
    let set = scene().set;
    let reason =
        |trouble, errors, set: &_| ground(set, trouble, errors).map_err(|(hold, _)| hold.label());
    assert_eq!(reason(None, None, &set), Ok(()));
    assert_eq!(reason(Some("held"), None, &set), Err("SourceTrouble"));
    assert_eq!(reason(None, Some("line 3"), &set), Err("ManifestErrors"));
    assert_eq!(
        reason(None, None, &Scene::default().set),
        Err("NoManifests")
    );
    let mut broken = scene().set;
    let key = crate::model::Key::new(Kind::Service, "x");
    broken.invalid.insert(key, "wrong".to_owned());
    assert_eq!(reason(None, None, &broken), Err("ManifestErrors"));
}

//! References: what they imply, what dangles, what is held back, what replaces them.

use std::collections::BTreeSet;

use serde_json::json;

use super::super::{Ask, ImageReference, LoadOptions, Severity, load, resolve};
use super::{BASE, changed, file, key, load_text};
use crate::model::{FactBoard, Facts, Key};

fn keys(texts: &[&str]) -> BTreeSet<Key> {
    texts.iter().map(|text| key(text)).collect()
}

fn facts(arn: Option<&str>, ready: bool) -> Facts {
    Facts {
        arn: arn.map(str::to_owned),
        name: "its-name".to_owned(),
        ready,
        ..Facts::default()
    }
}

#[test]
fn needs_are_references_and_what_names_imply() {
    let set = load_text(BASE).set;
    let needs = |text: &str| set.get(&key(text)).unwrap().needs.clone();
    assert_eq!(
        needs("Service/auth-service"),
        keys(&[
            "Cluster/nova",
            "TaskDefinition/auth-task",
            "TargetGroup/blue",
            // They put the pair's groups behind a load balancer.
            "ListenerRule/auth",
            "Listener/test",
        ])
    );
    assert_eq!(
        needs("TaskDefinition/auth-task"),
        keys(&["ImageRepository/auth"])
    );
    assert_eq!(
        needs("ListenerRule/auth"),
        keys(&["Listener/production", "TargetGroup/blue"])
    );
    assert_eq!(
        needs("DeploymentGroup/auth-group"),
        keys(&[
            "Service/auth-service",
            "TargetGroup/blue",
            "TargetGroup/green",
            "Listener/production",
            "Listener/test",
        ])
    );
    assert_eq!(
        needs("ScalableTarget/auth-scaling"),
        keys(&["Service/auth-service"])
    );
    assert_eq!(
        needs("ScalingPolicy/auth-cpu"),
        keys(&["Service/auth-service", "ScalableTarget/auth-scaling"])
    );
    assert_eq!(needs("Cluster/nova"), keys(&[]));
}

#[test]
fn literal_names_imply_needs_too() {
    for cluster in ["nova", "arn:aws:ecs:eu-west-1:123456789012:cluster/nova"] {
        let text = changed("  clusterRef: nova", &format!("  cluster: {cluster}")).replace(
            "    - serviceRef: auth-service",
            &format!("    - {{serviceName: auth-service, clusterName: {cluster}}}"),
        );
        let loaded = load_text(&text);
        assert_eq!(loaded.diagnostics, []);
        let service = key("Service/auth-service");
        assert!(
            loaded
                .set
                .get(&service)
                .unwrap()
                .needs
                .contains(&key("Cluster/nova"))
        );
        let group = loaded.set.deployment_group_of(&service).unwrap();
        assert!(group.needs.contains(&service));
    }
}

#[test]
fn a_service_reference_becomes_two_names() {
    let set = load_text(BASE).set;
    let group = set
        .deployment_group_of(&key("Service/auth-service"))
        .unwrap();
    let expected = json!([{"serviceName": "auth-service", "clusterName": "nova"}]);
    assert_eq!(group.spec["ecsServices"], expected);
    assert!(
        group
            .references
            .iter()
            .all(|one| one.target != key("Service/auth-service"))
    );
    assert_eq!(set.deployment_group_of(&key("Service/other")), None);
    assert_eq!(
        set.pairs(),
        [[key("TargetGroup/blue"), key("TargetGroup/green")]]
    );
}

#[test]
fn images_lie_in_repositories_of_the_set() {
    let set = load_text(BASE).set;
    let uri = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/nova/auth-service";
    let tag = |tag: &str| ImageReference::Tag(tag.to_owned());
    let digest = format!("sha256:{}", "0".repeat(64));
    for (image, reference) in [
        ("nova/auth-service:1.4.0".to_owned(), tag("1.4.0")),
        ("nova/auth-service".to_owned(), tag("latest")),
        (format!("{uri}:x"), tag("x")),
        (
            format!("{uri}@{digest}"),
            ImageReference::Digest(digest.clone()),
        ),
    ] {
        let found = set.repository_of(&image).unwrap();
        assert_eq!(
            (found.repository, found.reference),
            (key("ImageRepository/auth"), reference)
        );
        assert_eq!(found.repository_name, "nova/auth-service");
    }
    for other in [
        "nova/other:1",
        "ghcr.io/nova/auth-service:1",
        "nginx",
        "auth:1",
    ] {
        assert_eq!(set.repository_of(other), None, "{other}");
    }
}

#[test]
fn references_are_replaced_when_their_targets_are_ready() {
    let set = load_text(BASE).set;
    let service = set.get(&key("Service/auth-service")).unwrap();
    let mut board = FactBoard::new();
    board.insert(key("Cluster/nova"), facts(Some("arn:cluster"), true));
    board.insert(
        key("TaskDefinition/auth-task"),
        facts(Some("arn:task:1"), false),
    );
    board.insert(key("TargetGroup/blue"), facts(None, true));
    let (spec, unresolved) = resolve(service, &board);
    assert_eq!(
        unresolved,
        [key("TaskDefinition/auth-task"), key("TargetGroup/blue")]
    );
    assert_eq!(spec["cluster"], "its-name");
    assert_eq!(
        spec["loadBalancers"],
        json!([{"containerName": "auth", "containerPort": 8080}])
    );
    for gone in ["clusterRef", "taskDefinition", "taskDefinitionRef"] {
        assert!(spec.get(gone).is_none(), "{gone}");
    }
    board.insert(
        key("TaskDefinition/auth-task"),
        facts(Some("arn:task:1"), true),
    );
    board.insert(key("TargetGroup/blue"), facts(Some("arn:blue"), true));
    let (spec, unresolved) = resolve(service, &board);
    assert_eq!(unresolved, []);
    assert_eq!(spec["taskDefinition"], "arn:task:1");
    assert_eq!(spec["loadBalancers"][0]["targetGroupArn"], "arn:blue");
}

#[test]
fn names_and_lists_are_replaced_in_their_order() {
    let set = load_text(BASE).set;
    let group = set.get(&key("DeploymentGroup/auth-group")).unwrap();
    let mut board = FactBoard::new();
    for (index, reference) in group.references.iter().enumerate() {
        let name = format!("name-{}", reference.target.name);
        let arn = Some(format!("arn:{index}:{}", reference.target.name));
        assert_eq!(
            reference.ask == Ask::Name,
            reference.target.kind == crate::model::Kind::TargetGroup
        );
        board.insert(
            reference.target.clone(),
            Facts {
                arn,
                name,
                ready: true,
                ..Facts::default()
            },
        );
    }
    let (spec, unresolved) = resolve(group, &board);
    assert_eq!(unresolved, []);
    let pair = &spec["loadBalancerInfo"]["targetGroupPairInfoList"][0];
    assert_eq!(
        pair["targetGroups"],
        json!([{"name": "name-blue"}, {"name": "name-green"}])
    );
    assert_eq!(
        pair["prodTrafficRoute"],
        json!({"listenerArns": ["arn:2:production"]})
    );
    assert_eq!(
        pair["testTrafficRoute"],
        json!({"listenerArns": ["arn:3:test"]})
    );
    let (spec, unresolved) = resolve(group, &FactBoard::new());
    assert_eq!(unresolved.len(), 4);
    let pair = &spec["loadBalancerInfo"]["targetGroupPairInfoList"][0];
    assert_eq!(
        pair,
        &json!({"targetGroups": [{}, {}], "prodTrafficRoute": {}, "testTrafficRoute": {}})
    );
}

#[test]
fn a_dangling_reference_is_an_error_where_it_stands() {
    let loaded = load_text(&changed("  clusterRef: nova", "  clusterRef: nowa"));
    let found = &loaded.diagnostics[0];
    let line = BASE
        .lines()
        .position(|line| line.contains("clusterRef"))
        .unwrap()
        + 1;
    assert_eq!(
        (found.code, found.line, found.column),
        ("dangling-reference", line, 15)
    );
    assert_eq!(found.hint.as_deref(), Some("Did you mean `nova`?"));
    assert!(
        loaded
            .set
            .invalid
            .contains_key(&key("Service/auth-service"))
    );
    for (to, cure) in [
        ("green", "TargetGroup/green exists"),
        ("zzzzz", "There are: `nova`"),
    ] {
        let loaded = load_text(&changed(
            "  clusterRef: nova",
            &format!("  clusterRef: {to}"),
        ));
        let hint = loaded.diagnostics[0].hint.clone().unwrap();
        assert!(hint.contains(cure), "{hint}");
    }
}

#[test]
fn a_reference_into_a_file_that_cannot_be_read_says_so() {
    let text = BASE
        .split("---\n")
        .skip(1)
        .collect::<Vec<_>>()
        .join("---\n");
    let files = [file("a.yaml", &text), file("cluster.yaml", "kind: [\n")];
    let loaded = load(&files, &LoadOptions::default());
    let hints: Vec<_> = loaded
        .diagnostics
        .iter()
        .filter_map(|found| found.hint.as_deref())
        .collect();
    assert!(
        hints.contains(&"It may be in cluster.yaml, which cannot be read."),
        "{hints:?}"
    );
}

#[test]
fn reference_and_literal_side_by_side_are_an_error() {
    let loaded = load_text(&changed(
        "  clusterRef: nova",
        "  clusterRef: nova\n  cluster: nova",
    ));
    let codes: Vec<_> = loaded.diagnostics.iter().map(|found| found.code).collect();
    assert!(codes.contains(&"two-ways"), "{codes:?}");
}

#[test]
fn references_stand_only_where_aws_has_the_member() {
    for (from, to) in [
        (
            "  desiredCount: 2",
            "  vpcLatticeConfigurations: [{roleArn: r, portName: p, targetGroupRef: blue}]",
        ),
        (
            "  networkMode: awsvpc",
            "  networkMode: awsvpc\n  clusterRef: nova",
        ),
        ("  Port: 8081", "  Port: 8081\n  LoadBalancerRef: nova"),
    ] {
        let codes: Vec<_> = load_text(&changed(from, to))
            .diagnostics
            .iter()
            .map(|found| found.code)
            .collect();
        assert!(codes.contains(&"unknown-field"), "{to}: {codes:?}");
    }
}

#[test]
fn who_needs_a_broken_manifest_is_held_back_and_told_once() {
    let loaded = load_text(&changed("spec: {}", "spec: {setings: []}"));
    let held = keys(&[
        "Cluster/nova",
        "Service/auth-service",
        "DeploymentGroup/auth-group",
        "ScalableTarget/auth-scaling",
        "ScalingPolicy/auth-cpu",
    ]);
    assert_eq!(
        loaded.set.invalid.keys().cloned().collect::<BTreeSet<_>>(),
        held
    );
    let why = &loaded.set.invalid[&key("DeploymentGroup/auth-group")];
    assert_eq!(why, "needs Cluster/nova, which has an error");
    let found: Vec<_> = loaded
        .diagnostics
        .iter()
        .map(|one| (one.severity, one.code))
        .collect();
    assert_eq!(
        found,
        [
            (Severity::Error, "unknown-field"),
            (Severity::Warning, "held-back")
        ]
    );
    let message = &loaded.diagnostics[1].message;
    assert!(
        message.ends_with("holds back Service/auth-service, DeploymentGroup/auth-group, ScalableTarget/auth-scaling, ScalingPolicy/auth-cpu"),
        "{message}"
    );
}

#[test]
fn a_service_is_held_back_with_its_deployment_group() {
    let loaded = load_text(&changed("  applicationName", "  aplicationName"));
    let held = keys(&[
        "Service/auth-service",
        "DeploymentGroup/auth-group",
        "ScalableTarget/auth-scaling",
        "ScalingPolicy/auth-cpu",
    ]);
    assert_eq!(
        loaded.set.invalid.keys().cloned().collect::<BTreeSet<_>>(),
        held
    );
}

#[test]
fn two_claims_on_one_thing_freeze_both() {
    let again =
        "---\napiVersion: evenkeel.dev/v1alpha1\nkind: Cluster\nmetadata: {name: nova}\nspec: {}\n";
    for (text, code, frozen) in [
        (
            format!("{BASE}{again}"),
            "duplicate-manifest",
            vec!["Cluster/nova"],
        ),
        (
            format!(
                "{BASE}{}",
                again.replace(
                    "{name: nova}\nspec: {}",
                    "{name: n2}\nspec: {clusterName: nova}"
                )
            ),
            "duplicate-identity",
            vec!["Cluster/nova", "Cluster/n2"],
        ),
        (
            changed("  Port: 9080", "  Port: 80"),
            "duplicate-identity",
            vec!["Listener/production", "Listener/test"],
        ),
    ] {
        let loaded = load_text(&text);
        let second = loaded
            .diagnostics
            .iter()
            .find(|found| found.code == code)
            .unwrap();
        assert!(
            second.message.contains("a.yaml:"),
            "names the first: {second:?}"
        );
        for one in frozen {
            assert!(loaded.set.invalid.contains_key(&key(one)), "{one}");
            assert!(loaded.set.get(&key(one)).is_none(), "{one}");
        }
    }
}

//! Tests of the whole way from files to the desired set.

mod approval;
mod attributes;
mod environments;
mod findings;
mod hook_tasks;
mod jsonnet;
mod order;
mod references;
mod retries;
mod robustness;
mod rules;
mod scaling;
mod spec_files;

use super::{LoadOptions, Loaded, SourceFile, load};
use crate::model::{Key, Kind};

/// One of every kind, without a finding.
const BASE: &str = include_str!("base.yaml");

fn file(path: &str, text: &str) -> SourceFile {
    SourceFile {
        path: path.to_owned(),
        bytes: text.as_bytes().to_vec(),
    }
}

fn load_text(text: &str) -> Loaded {
    load(&[file("a.yaml", text)], &LoadOptions::default())
}

/// The base with one place changed. The place must be there exactly once.
fn changed(from: &str, to: &str) -> String {
    assert_eq!(
        BASE.matches(from).count(),
        1,
        "`{from}` must be in the base once"
    );
    BASE.replace(from, to)
}

/// A key written as `Kind/name`.
fn key(text: &str) -> Key {
    text.parse().unwrap()
}

#[test]
fn the_base_has_no_finding_and_every_kind() {
    let loaded = load_text(BASE);
    assert_eq!(loaded.diagnostics, []);
    assert_eq!(loaded.manifests, 13);
    for kind in Kind::ALL {
        assert!(
            loaded.set.resources.keys().any(|key| key.kind == kind),
            "{kind}"
        );
    }
}

#[test]
fn a_resource_has_its_name_its_sections_and_its_place() {
    let set = load_text(BASE).set;
    let service = set.get(&key("Service/auth-service")).unwrap();
    assert_eq!(
        service.aws_name(),
        "auth-service",
        "filled in from the manifest's name"
    );
    assert_eq!(service.annotations["evenkeel.dev/retry"], "1");
    assert_eq!(
        service.beside["rollout"]["hooks"]["AfterAllowTestTraffic"],
        "smoke-test"
    );
    assert_eq!(
        service.drift_grace(),
        Some(std::time::Duration::from_mins(10))
    );
    let line = BASE
        .lines()
        .position(|line| line.contains("kind: Service"))
        .unwrap();
    assert_eq!(
        (service.origin.file.as_str(), service.origin.line),
        ("a.yaml", line)
    );
    let repository = set.get(&key("ImageRepository/auth")).unwrap();
    assert_eq!(repository.aws_name(), "nova/auth-service");
    assert_eq!(repository.labels["team"], "identity");
    assert_eq!(repository.beside["lifecyclePolicyText"], "{\"rules\": []}");
}

#[test]
fn seeds_are_handed_on_whole_and_are_no_manifests() {
    let text = "apiVersion: evenkeel.dev/v1alpha1\nkind: SandboxSeed\nmetadata: {name: x}\nspec: {images: []}\n";
    let loaded = load_text(text);
    assert_eq!((loaded.seeds.len(), loaded.manifests), (1, 0));
    assert_eq!(loaded.seeds[0]["spec"]["images"], serde_json::json!([]));
    assert_eq!(loaded.diagnostics, []);
}

#[test]
fn json_is_a_manifest_too() {
    let text = "{\n\t\"apiVersion\": \"evenkeel.dev/v1alpha1\",\n\t\"kind\": \"Cluster\",\n\t\"metadata\": \
                {\"name\": \"nova\"},\n\t\"spec\": {\"setings\": []}\n}\n";
    let loaded = load_text(text);
    assert_eq!(loaded.diagnostics.len(), 1);
    assert_eq!(
        (loaded.diagnostics[0].line, loaded.diagnostics[0].column),
        (5, 11)
    );
}

#[test]
fn one_broken_manifest_leaves_the_others_alone() {
    let loaded = load_text(&changed(
        "    - Field: path-pattern\n",
        "    - Feld: path-pattern\n",
    ));
    let broken = key("ListenerRule/auth");
    assert!(loaded.set.invalid[&broken].contains("unknown field `Feld`"));
    assert!(loaded.set.get(&broken).is_none());
    for good in [
        "Cluster/nova",
        "Listener/production",
        "TargetGroup/blue",
        "TaskDefinition/auth-task",
    ] {
        assert!(loaded.set.get(&key(good)).is_some(), "{good}");
    }
}

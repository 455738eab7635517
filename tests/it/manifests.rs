//! The manifests that the repository ships: they load as one set, without a finding.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use evenkeel::manifest::{LoadOptions, Loaded, SourceFile, load, render_text};
use evenkeel::model::{Key, Kind};

/// Every file under `manifests/`, in one or both folders.
fn shipped(folders: &[&str]) -> Loaded {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests");
    let mut files = Vec::new();
    for folder in folders {
        collect(&root, &root.join(folder), &mut files);
    }
    load(&files, &LoadOptions::default())
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<SourceFile>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let name = path
                .strip_prefix(root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            files.push(SourceFile {
                path: name,
                bytes: std::fs::read(&path).unwrap(),
            });
        }
    }
}

fn keys(kind: Kind, names: &[&str]) -> Vec<Key> {
    names.iter().map(|name| Key::new(kind, *name)).collect()
}

#[test]
fn both_folders_load_as_one_set_without_a_finding() {
    let loaded = shipped(&["nova", "p2"]);
    assert!(
        loaded.diagnostics.is_empty(),
        "{}",
        render_text(&loaded.diagnostics, false)
    );
    assert!(loaded.set.invalid.is_empty());
    // Nova: a cluster, a load balancer, two listeners and eight documents a service. P2: ten documents.
    assert_eq!(loaded.manifests, 4 + 8 * 8 + 10);
    assert_eq!(loaded.set.resources.len(), loaded.manifests);
    assert_eq!(loaded.seeds.len(), 2);
}

#[test]
fn each_folder_stands_alone() {
    for (folder, services) in [("nova", 8), ("p2", 1)] {
        let loaded = shipped(&[folder]);
        assert!(
            loaded.diagnostics.is_empty(),
            "{}",
            render_text(&loaded.diagnostics, false)
        );
        let found = loaded
            .set
            .resources
            .keys()
            .filter(|key| key.kind == Kind::Service)
            .count();
        assert_eq!(found, services, "{folder}");
        assert_eq!(loaded.set.pairs().len(), services, "{folder}");
    }
}

#[test]
fn a_nova_service_needs_what_must_be_there_first() {
    let set = shipped(&["nova"]).set;
    let service = Key::new(Kind::Service, "auth-service");
    let mut expected = keys(Kind::Cluster, &["nova"]);
    expected.extend(keys(Kind::TaskDefinition, &["nova-auth-service"]));
    expected.extend(keys(Kind::TargetGroup, &["nova-auth-blue"]));
    expected.extend(keys(Kind::ListenerRule, &["auth-production", "auth-test"]));
    assert_eq!(
        set.get(&service)
            .unwrap()
            .needs
            .iter()
            .cloned()
            .collect::<Vec<_>>(),
        expected
    );
    let group = set.deployment_group_of(&service).unwrap();
    assert_eq!(group.key, Key::new(Kind::DeploymentGroup, "auth-service"));
    assert!(
        group.needs.contains(&service),
        "service first, group second"
    );
    let image = set.repository_of("nova/auth-service:1.4.0").unwrap();
    assert_eq!(
        image.repository,
        Key::new(Kind::ImageRepository, "auth-service")
    );
}

#[test]
fn every_image_that_the_manifests_name_is_in_the_seeds() {
    let loaded = shipped(&["nova", "p2"]);
    let seeded: Vec<String> = loaded
        .seeds
        .iter()
        .flat_map(|seed| seed["spec"]["images"].as_array().unwrap())
        .flat_map(|image| {
            let repository = image["repository"].as_str().unwrap();
            let tags = image["tags"].as_array().unwrap().iter();
            tags.map(move |tag| format!("{repository}:{}", tag.as_str().unwrap()))
        })
        .collect();
    let tasks = loaded
        .set
        .resources
        .values()
        .filter(|one| one.key.kind == Kind::TaskDefinition);
    for task in tasks {
        let image = task.spec["containerDefinitions"][0]["image"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(seeded.contains(&image), "{image}");
        let next = image.replace("1.4.0", "1.5.0");
        assert!(seeded.contains(&next), "the version to change to: {next}");
    }
}

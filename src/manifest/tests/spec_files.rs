//! Specs in files of their own, and specs as AWS describes resources.

use serde_json::json;

use super::super::{LoadOptions, Loaded, Severity, load};
use super::{file, key};

const TASK: &str =
    "apiVersion: evenkeel.dev/v1alpha1\nkind: TaskDefinition\nmetadata: {name: auth}\n";
const SERVICE: &str = "apiVersion: evenkeel.dev/v1alpha1\nkind: Service\nmetadata: {name: auth}\n";
const CONTAINERS: &str =
    "\"containerDefinitions\": [{\"name\": \"a\", \"image\": \"nginx\", \"memory\": 64}]";

fn with_taskdef(manifest: &str, taskdef: &str) -> Loaded {
    let manifest = format!("{TASK}{manifest}");
    let files = [file("m/a.yaml", &manifest), file("m/taskdef.json", taskdef)];
    load(&files, &LoadOptions::default())
}

/// File, line, code and severity of the only finding.
fn only(loaded: &Loaded) -> (&str, usize, &str, Severity) {
    let [found] = &loaded.diagnostics[..] else {
        panic!("{:#?}", loaded.diagnostics)
    };
    (&found.file, found.line, found.code, found.severity)
}

#[test]
fn a_manifest_may_name_a_taskdef_beside_it() {
    let loaded = with_taskdef("specFile: taskdef.json", &format!("{{{CONTAINERS}}}"));
    assert_eq!(loaded.diagnostics, []);
    assert_eq!(loaded.manifests, 1, "the file is no manifest");
    let task = loaded.set.get(&key("TaskDefinition/auth")).unwrap();
    assert_eq!(task.spec["containerDefinitions"][0]["image"], "nginx");
    assert_eq!(task.spec["family"], "auth", "filled in");
    assert_eq!(
        (task.origin.file.as_str(), task.origin.line),
        ("m/a.yaml", 1)
    );
}

#[test]
fn two_manifests_may_name_one_file() {
    let other = TASK.replace("auth", "other");
    let text = format!("{TASK}specFile: taskdef.json\n---\n{other}specFile: ./taskdef.json\n");
    let taskdef = format!("{{{CONTAINERS}}}");
    let files = [file("a.yaml", &text), file("taskdef.json", &taskdef)];
    let loaded = load(&files, &LoadOptions::default());
    assert_eq!(loaded.diagnostics, []);
    assert_eq!(loaded.set.resources.len(), 2);
}

#[test]
fn what_is_wrong_in_the_file_is_told_with_its_own_line() {
    let secret = "{\n  \"memry\": \"512\",\n  \"containerDefinitions\": [{\"name\": \"a\", \"image\": \"nginx\", \"memory\": 64,\n   \"environment\": [{\"name\": \"K\", \"value\": \"hunter2\"}]}]\n}";
    let loaded = with_taskdef("specFile: taskdef.json", secret);
    assert_eq!(
        only(&loaded),
        ("m/taskdef.json", 2, "unknown-field", Severity::Error)
    );
    let excerpt = loaded.diagnostics[0].excerpt.as_ref().unwrap();
    assert!(excerpt.text.contains("memry") && !excerpt.text.contains("hunter2"));
    // A rule that joins members, and a name that stands in the manifest.
    let loaded = with_taskdef(
        "specFile: taskdef.json",
        "{\n\"containerDefinitions\":\n[]}",
    );
    assert_eq!(
        only(&loaded),
        ("m/taskdef.json", 3, "missing-field", Severity::Error)
    );
    let manifest = TASK.replace("auth", "auth.v2") + "specFile: taskdef.json";
    let taskdef = format!("{{{CONTAINERS}}}");
    let files = [
        file("m/a.yaml", &manifest),
        file("m/taskdef.json", &taskdef),
    ];
    let loaded = load(&files, &LoadOptions::default());
    assert_eq!(only(&loaded), ("m/a.yaml", 3, "bad-name", Severity::Error));
}

#[test]
fn a_file_that_cannot_be_had_is_one_error() {
    let whole = &format!("{{{CONTAINERS}}}");
    for (manifest, taskdef, at) in [
        ("specFile: taskdf.json", "{\"kind\": 1}", ("m/a.yaml", 4)),
        ("specFile: ../../taskdef.json", whole, ("m/a.yaml", 4)),
        ("specFile: /m/taskdef.json", whole, ("m/a.yaml", 4)),
        ("specFile: 5", whole, ("m/a.yaml", 4)),
        ("specFile: taskdef.json", "[]", ("m/a.yaml", 4)),
        ("specFile: taskdef.json", "", ("m/a.yaml", 4)),
        ("specFile: a.yaml", whole, ("m/a.yaml", 4)),
        ("specFile: taskdef.json\nspec: {}", whole, ("m/a.yaml", 5)),
        (
            "specFile: taskdef.json",
            "{\"cpu\":\n[}",
            ("m/taskdef.json", 2),
        ),
    ] {
        let loaded = with_taskdef(manifest, taskdef);
        let of_manifest: Vec<_> = loaded
            .diagnostics
            .iter()
            .filter(|found| found.code != "not-a-manifest")
            .map(|found| (found.file.as_str(), found.line))
            .collect();
        assert_eq!(of_manifest, [at], "{manifest}: {:#?}", loaded.diagnostics);
        assert!(
            loaded.set.invalid.contains_key(&key("TaskDefinition/auth")),
            "{manifest}"
        );
    }
}

#[test]
fn what_a_broken_file_lacks_is_told_with_a_line_of_its_own() {
    let manifest = format!("# x\n# x\n{SERVICE}specFile: service.json\n");
    let files = [
        file("m/a.yaml", &manifest),
        file("m/service.json", "{\"cluster: a"),
    ];
    let loaded = load(&files, &LoadOptions::default());
    let places: Vec<_> = loaded
        .diagnostics
        .iter()
        .map(|found| (found.file.as_str(), found.line))
        .collect();
    assert!(places.len() > 1, "{:#?}", loaded.diagnostics);
    for place in places {
        assert_eq!(place, ("m/service.json", 1));
    }
}

#[test]
fn a_described_task_definition_is_unwrapped_and_told_once() {
    let described = format!(
        "{{\"taskDefinition\": {{\n{CONTAINERS},\n\"revision\": 3, \"status\": \"ACTIVE\", \"ipcMode\": null, \"pidMode\": \"\",\n\
         \"taskDefinitionArn\": \"a\", \"compatibilities\": [\"EC2\"]}},\n\"tags\": [{{\"key\": \"a\", \"value\": \"b\"}}]}}"
    );
    for (manifest, at) in [
        ("specFile: taskdef.json".to_owned(), ("m/taskdef.json", 3)),
        (
            format!("spec: {}", described.replace('\n', " ")),
            ("m/a.yaml", 4),
        ),
    ] {
        let loaded = with_taskdef(&manifest, &described);
        let notes: Vec<_> = loaded
            .diagnostics
            .iter()
            .filter(|found| found.code != "not-a-manifest")
            .collect();
        assert_eq!(notes.len(), 1, "{notes:#?}");
        assert_eq!((notes[0].file.as_str(), notes[0].line), at);
        assert_eq!(notes[0].severity, Severity::Warning);
        assert!(
            notes[0].message.contains("and 2 more"),
            "{}",
            notes[0].message
        );
        let task = loaded.set.get(&key("TaskDefinition/auth")).unwrap();
        let members: Vec<&String> = task.spec.as_object().unwrap().keys().collect();
        assert_eq!(members, ["containerDefinitions", "tags", "family"]);
    }
}

#[test]
fn what_is_no_part_of_a_description_is_still_an_error() {
    let described = format!("{{\"taskDefinition\": {{{CONTAINERS}}}, \"tag\": []}}");
    let loaded = with_taskdef("specFile: taskdef.json", &described);
    assert_eq!(only(&loaded).2, "unknown-field");
}

#[test]
fn a_described_service_keeps_its_cluster_its_role_and_its_mesh() {
    let described = json!({"failures": [], "services": [
        {"serviceName": "other"},
        {
            "serviceName": "auth",
            "serviceArn": "arn:aws:ecs:us-east-1:123456789012:service/nova/auth",
            "clusterArn": "arn:aws:ecs:us-east-1:123456789012:cluster/nova",
            "roleArn": "arn:aws:iam::123456789012:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
            "taskDefinition": "auth:3",
            "schedulingStrategy": "DAEMON",
            "desiredCount": 2, "runningCount": 2, "pendingCount": 0,
            "healthCheckGracePeriodSeconds": 0,
            "loadBalancers": [],
            "events": [{"message": "x"}],
            "deployments": [
                {"status": "ACTIVE", "serviceConnectConfiguration": {"enabled": false}},
                {"status": "PRIMARY", "serviceConnectConfiguration": {"enabled": true}},
            ],
        },
    ]});
    let text = format!("{SERVICE}spec: {described}");
    let loaded = load(&[file("a.yaml", &text)], &LoadOptions::default());
    assert_eq!(only(&loaded).2, "left-out");
    let service = loaded.set.get(&key("Service/auth")).unwrap();
    let expected = json!({
        "serviceName": "auth",
        "taskDefinition": "auth:3",
        "schedulingStrategy": "DAEMON",
        "healthCheckGracePeriodSeconds": 0,
        "loadBalancers": [],
        "cluster": "arn:aws:ecs:us-east-1:123456789012:cluster/nova",
        "serviceConnectConfiguration": {"enabled": true},
    });
    assert_eq!(service.spec, expected);
    let none = format!("{SERVICE}spec: {{services: [{{serviceName: a}}, {{serviceName: b}}]}}");
    let loaded = load(&[file("a.yaml", &none)], &LoadOptions::default());
    assert_eq!(loaded.diagnostics[0].code, "describe-form");
}

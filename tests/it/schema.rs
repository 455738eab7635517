//! The JSON Schema: the committed one is current, what the repository ships is valid by it, and what an
//! editor should underline is not.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use evenkeel::manifest::{LoadOptions, SourceFile, load};
use evenkeel::schema;
use jsonschema::Validator;
use serde_json::{Value, json};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What the schema says of a document.
fn faults(document: &Value) -> Vec<String> {
    static VALIDATOR: LazyLock<Validator> =
        LazyLock::new(|| jsonschema::draft7::new(&schema::document()).unwrap());
    VALIDATOR
        .iter_errors(document)
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect()
}

fn documents(text: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(text).unwrap()
}

fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, out);
        } else {
            out.push(path);
        }
    }
}

#[test]
fn the_committed_schema_is_what_the_program_prints() {
    let committed = std::fs::read_to_string(root().join("docs/evenkeel.schema.json")).unwrap();
    assert!(
        committed == schema::text(),
        "docs/evenkeel.schema.json is out of date: cargo run -- schema > docs/evenkeel.schema.json"
    );
}

#[test]
fn it_is_a_schema_of_draft_7() {
    assert!(jsonschema::meta::is_valid(&schema::document()));
}

#[test]
fn every_shipped_manifest_is_valid() {
    let mut all = Vec::new();
    files(&root().join("manifests"), &mut all);
    all.push(root().join("src/manifest/tests/base.yaml"));
    let mut count = 0;
    for file in all {
        for document in documents(&std::fs::read_to_string(&file).unwrap()) {
            assert_eq!(
                faults(&document),
                Vec::<String>::new(),
                "{}",
                file.display()
            );
            count += 1;
        }
    }
    assert!(count > 70, "{count}");
}

const ENVIRONMENT: &str = "apiVersion: evenkeel.dev/v1alpha1
kind: Environment
metadata: {name: a}
spec:
  account: \"123456789012\"
  region: eu-west-1
  roleArn: arn:aws:iam::123456789012:role/evenkeel
  variables:
    TAG: 1.5.0
    COUNT: 2
    ON: true
    HERE:
    GIVEN: {value: 1, secret: true}
    LEVEL: {fromEnv: LEVEL, default: info}
    ONLY_DEFAULT: {default: 3}
    SUBNET: {fromSsm: /net/subnet}
    WHOLE: {fromSecret: prod/db}
    PART: {fromSecret: {id: prod/db, key: password}}
    ARN: {fromSecretArn: prod/db, secret: false}
    SHORT: {fromStackOutput: net/VpcId}
    LONG: {fromStackOutput: {stack: net, output: VpcId}}
    EXPORT: {fromExport: net-vpc}
    LB: {fromTerraform: {state: s3://states/net.tfstate, address: aws_lb.main.arn}}
    OUT: {fromTerraform: {state: net.tfstate, output: vpc}}
";

/// The findings of the loader.
fn found(text: &str) -> usize {
    let file = SourceFile {
        path: "a.yaml".to_owned(),
        bytes: text.as_bytes().to_vec(),
    };
    load(&[file], &LoadOptions::default()).diagnostics.len()
}

#[test]
fn an_environment_is_valid_and_one_with_a_mistake_is_not() {
    let faults_of = |text: &str| faults(&documents(text)[0]);
    assert_eq!(faults_of(ENVIRONMENT), Vec::<String>::new());
    assert_eq!(found(ENVIRONMENT), 0, "the loader takes it too");
    for (from, to) in [
        ("account: \"123456789012\"", "account: 123456789012"),
        ("\"123456789012\"", "\"12345\""),
        ("region:", "regoin:"),
        (":role/evenkeel", ":user/evenkeel"),
        ("variables:", "variabels:"),
        ("TAG: 1.5.0", "TAG: [1]"),
        ("TAG:", "TAG-1:"),
        ("{fromEnv: LEVEL,", "{formEnv: LEVEL,"),
        ("{fromEnv: LEVEL,", "{fromEnv: LEVEL, fromSsm: /a,"),
        ("{fromSsm: /net/subnet}", "{fromSsm: 1}"),
        ("{fromSsm: /net/subnet}", "{secret: true}"),
        ("id: prod/db, ", ""),
        ("key: password", "kee: password"),
        ("net/VpcId", "VpcId"),
        (", output: VpcId", ""),
        ("address: aws_lb.main.arn", "adress: aws_lb.main.arn"),
        (", output: vpc", ", output: vpc, address: a.b.c"),
        ("secret: false", "secret: maybe"),
        ("default: info", "default: [info]"),
        ("spec:\n", "sepc:\n"),
        ("metadata: {name: a}\n", ""),
    ] {
        assert_eq!(ENVIRONMENT.matches(from).count(), 1, "{from}");
        let text = ENVIRONMENT.replace(from, to);
        assert!(!faults_of(&text).is_empty(), "{text}");
        assert!(found(&text) > 0, "the loader refuses it too: {text}");
    }
}

/// The Environments that README shows.
#[test]
fn the_environment_of_the_readme_is_valid() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let blocks = readme.split("```yaml\n").skip(1);
    let blocks = blocks.filter_map(|block| block.split("```").next());
    let mut count = 0;
    for block in blocks.filter(|block| block.contains("kind: Environment")) {
        for document in documents(block) {
            assert_eq!(faults(&document), Vec::<String>::new(), "{block}");
            assert_eq!(found(block), 0);
            count += 1;
        }
    }
    assert_eq!(count, 1);
}

/// A manifest with one thing wrong, and where.
fn wrong(text: &str, pointer: &str) {
    let [document] = &documents(text)[..] else {
        panic!("one document: {text}")
    };
    let found = faults(document);
    assert!(
        found
            .iter()
            .any(|fault| fault.starts_with(&format!("{pointer}: "))),
        "{text}\n{found:#?}"
    );
}

#[test]
fn what_an_editor_should_underline_is_not_valid() {
    let task = |spec: &str| {
        format!(
            "apiVersion: evenkeel.dev/v1alpha1\nkind: TaskDefinition\nmetadata: {{name: a}}\nspec: {spec}"
        )
    };
    let container = |members: &str| task(&format!("{{containerDefinitions: [{{{members}}}]}}"));
    let of = |kind: &str, rest: &str| {
        format!("apiVersion: evenkeel.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: a}}\n{rest}")
    };
    for (text, pointer) in [
        (task("{containerDefinitions: [], famly: a}"), "/spec"),
        (task("{containerDefinitions: [], cpu: 256}"), "/spec/cpu"),
        (
            task("{containerDefinitions: [], networkMode: vpc}"),
            "/spec/networkMode",
        ),
        (task("{}"), "/spec"),
        (
            container("portMappings: [{containerPort: \"80\"}]"),
            "/spec/containerDefinitions/0/portMappings/0/containerPort",
        ),
        (
            container("dockerLabels: {a: 1}"),
            "/spec/containerDefinitions/0/dockerLabels/a",
        ),
        (of("Taskdefinition", "spec: {}"), "/kind"),
        (
            of(
                "TaskDefinition",
                "rollout: {}\nspec: {containerDefinitions: []}",
            ),
            "",
        ),
        (
            of(
                "TaskDefinition",
                "specFile: a.json\nspec: {containerDefinitions: []}",
            ),
            "",
        ),
        (of("TaskDefinition", ""), ""),
        (
            of("Listener", "spec: {DefaultActions: [{Type: forward}]}"),
            "/spec",
        ),
        (
            of(
                "Listener",
                "spec: {LoadBalancerRef: a, LoadBalancerArn: b, DefaultActions: [{Type: forward}]}",
            ),
            "/spec",
        ),
        (
            of(
                "Listener",
                "spec: {LoadBalancerRef: a, Port: 70000, DefaultActions: []}",
            ),
            "/spec/Port",
        ),
        (
            of("Service", "sync: {driftGrace: soon}\nspec: {}"),
            "/sync/driftGrace",
        ),
        (
            of("Service", "rollout: {hooks: {beforeInstall: f}}\nspec: {}"),
            "/rollout/hooks",
        ),
        (
            of(
                "Service",
                "rollout: {tasks: {preDeploy: [{name: a}]}}\nspec: {}",
            ),
            "/rollout/tasks/preDeploy/0",
        ),
        (
            of(
                "Service",
                "rollout: {tasks: {preDeploy: [{name: a, command: [b], overrides: {containerOverrides: []}}]}}\nspec: {}",
            ),
            "/rollout/tasks/preDeploy/0",
        ),
        (
            of("Service", "rollout: {tasks: {beforeDeploy: []}}\nspec: {}"),
            "/rollout/tasks",
        ),
        (
            of(
                "Service",
                "rollout: {tasks: {postDeploy: [{name: a b, command: [c]}]}}\nspec: {}",
            ),
            "/rollout/tasks/postDeploy/0/name",
        ),
        (
            "apiVersion: v1\nkind: Cluster\nmetadata: {name: a}".to_owned(),
            "/apiVersion",
        ),
        (
            "apiVersion: evenkeel.dev/v1alpha1\nkind: Cluster\nmetadata: {name: -a}".to_owned(),
            "/metadata/name",
        ),
        (
            "apiVersion: evenkeel.dev/v1alpha1\nkind: Cluster".to_owned(),
            "",
        ),
    ] {
        wrong(&text, pointer);
        let file = SourceFile {
            path: "a.yaml".to_owned(),
            bytes: text.clone().into_bytes(),
        };
        let loaded = load(&[file], &LoadOptions::default());
        assert!(
            !loaded.diagnostics.is_empty(),
            "the loader refuses it too: {text}"
        );
    }
}

#[test]
fn a_member_has_its_description_its_values_and_its_reference() {
    let schema = schema::document();
    let service = &schema["definitions"]["ServiceSpec"]["properties"];
    assert_eq!(
        service["launchType"]["enum"],
        json!(["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"])
    );
    let balancer = &service["loadBalancers"]["items"]["properties"];
    let text = balancer["targetGroupRef"]["description"].as_str().unwrap();
    assert!(text.contains("TargetGroup"), "{text}");
    let described = |value: &Value| {
        value["description"]
            .as_str()
            .is_some_and(|text| text.len() > 10)
    };
    assert!(service.as_object().unwrap().values().all(described));
}

//! One set of manifests for several environments.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::{Fetched, Known, Scope, environments, load_in, render_text};
use super::{LoadOptions, Loaded, file, key, load};
use crate::jsonnet::Answers;
use crate::manifest::SourceFile;

const ENVIRONMENTS: &str = r#"
apiVersion: evenkeel.dev/v1alpha1
kind: Environment
metadata: {name: staging}
spec:
  account: "111122223333"
  region: eu-west-1
  roleArn: arn:aws:iam::111122223333:role/evenkeel
  variables:
    TAG: 1.5.0
    COUNT: 2
    CPU: "256"
    DEBUG: true
    LEVEL:
    DB_PASSWORD: {fromSecret: {id: db, key: password}}
---
apiVersion: evenkeel.dev/v1alpha1
kind: Environment
metadata: {name: production}
spec:
  account: "444455556666"
  variables: {TAG: 1.4.0, COUNT: 8, ONLY_HERE: x}
"#;

const TASK: &str = r#"
apiVersion: evenkeel.dev/v1alpha1
kind: TaskDefinition
metadata: {name: web, labels: {tag: "${TAG}"}}
spec:
  family: web
  cpu: ${CPU:-512}
  memory: "1024"
  networkMode: awsvpc
  requiresCompatibilities: [FARGATE]
  containerDefinitions:
    - name: web
      image: public.ecr.aws/x/web:${TAG}
      readonlyRootFilesystem: ${DEBUG:-false}
      stopTimeout: ${COUNT}
      command: [sh, -c, 'echo ${HOME} ${UNDECLARED:-x} $${HOME} $${TAG} ${TAG}']
      environment:
        - {name: LEVEL, value: "${LEVEL:-info}"}
        - {name: COUNT, value: "${COUNT}"}
"#;

fn scope(name: &str, fetched: Option<Fetched>) -> Scope {
    Scope {
        environment: Some(name.to_owned()),
        fetched,
        ..Scope::default()
    }
}

fn load_for(name: &str, files: &[SourceFile]) -> Loaded {
    load_in(
        files,
        &LoadOptions::default(),
        &scope(name, Some(Fetched::new())),
        &Answers::new(),
    )
}

fn base(task: &str) -> Vec<SourceFile> {
    vec![file("env.yaml", ENVIRONMENTS), file("task.yaml", task)]
}

fn spec(loaded: &Loaded, key_text: &str) -> Value {
    assert_eq!(loaded.diagnostics, []);
    loaded.set.get(&key(key_text)).unwrap().spec.clone()
}

#[test]
fn values_are_put_in_and_the_member_says_their_type() {
    let spec = spec(&load_for("staging", &base(TASK)), "TaskDefinition/web");
    let container = &spec["containerDefinitions"][0];
    assert_eq!(spec["cpu"], "256");
    assert_eq!(container["image"], "public.ecr.aws/x/web:1.5.0");
    assert_eq!(container["readonlyRootFilesystem"], true);
    assert_eq!(container["stopTimeout"], 2);
    assert_eq!(
        container["command"][2],
        "echo ${HOME} ${UNDECLARED:-x} $${HOME} ${TAG} 1.5.0"
    );
    assert_eq!(
        container["environment"],
        json!([{"name": "LEVEL", "value": "info"}, {"name": "COUNT", "value": "2"}])
    );
}

#[test]
fn another_environment_has_other_values_and_defaults() {
    let loaded = load_for("production", &base(TASK));
    let spec = spec(&loaded, "TaskDefinition/web");
    assert_eq!(spec["cpu"], "512");
    assert_eq!(
        spec["containerDefinitions"][0]["readonlyRootFilesystem"],
        false
    );
    assert_eq!(spec["containerDefinitions"][0]["stopTimeout"], 8);
    let resource = loaded.set.get(&key("TaskDefinition/web")).unwrap();
    assert_eq!(resource.labels["tag"], "1.4.0");
}

#[test]
fn a_value_cannot_add_structure() {
    let environments = ENVIRONMENTS.replace("TAG: 1.5.0", "TAG: \"1'\\n  cpu: x, [{}]\"");
    let files = [file("env.yaml", &environments), file("task.yaml", TASK)];
    let files = files.map(|file| {
        let text = String::from_utf8(file.bytes).unwrap();
        super::file(&file.path, &text.replace("web:${TAG}", "web:1"))
    });
    let spec = spec(&load_for("staging", &files), "TaskDefinition/web");
    assert_eq!(
        spec["containerDefinitions"][0]["command"][2],
        "echo ${HOME} ${UNDECLARED:-x} $${HOME} ${TAG} 1'\n  cpu: x, [{}]"
    );
}

#[test]
fn a_name_that_this_environment_forgot_is_an_error_at_its_place() {
    let task = TASK.replace("memory: \"1024\"", "memory: \"${ONLY_HERE}\"");
    let loaded = load_for("staging", &base(&task));
    let [found] = &loaded.diagnostics[..] else {
        panic!("{:#?}", loaded.diagnostics);
    };
    assert_eq!(
        (found.code, found.file.as_str()),
        ("undefined-variable", "task.yaml")
    );
    assert_eq!((found.line, found.path.as_str()), (8, "spec.memory"));
    assert!(found.message.contains("`ONLY_HERE`") && found.message.contains("staging"));
    assert!(loaded.set.invalid.contains_key(&key("TaskDefinition/web")));
}

/// The diagnostics' codes and the literal that would reach AWS, if one would.
fn codes_for_staging(environments: &str) -> Vec<&'static str> {
    let task = TASK.replace("memory: \"1024\"", "memory: \"${ONLY_HERE}\"");
    let files = [file("env.yaml", environments), file("task.yaml", &task)];
    let loaded = load_for("staging", &files);
    assert!(loaded.set.get(&key("TaskDefinition/web")).is_none());
    let of_task = |found: &&super::super::Diagnostic| found.file == "task.yaml";
    loaded
        .diagnostics
        .iter()
        .filter(of_task)
        .map(|found| found.code)
        .collect()
}

#[test]
fn a_mistake_in_another_environment_leaves_its_names_declared() {
    let production = "  account: \"444455556666\"\n";
    for (from, to) in [
        (production, "  regoin: x\n"),
        (production, "  account: 444455556666\n"),
        ("  variables: {TAG: 1.4.0", "  varibles: {TAG: 1.4.0"),
        ("  variables: {TAG: 1.4.0", "variables: {TAG: 1.4.0"),
    ] {
        let text = ENVIRONMENTS.replacen(from, to, 1);
        assert_ne!(text, ENVIRONMENTS);
        assert_eq!(codes_for_staging(&text), ["undefined-variable"], "{to}");
    }
    // Every name of both that share a name is declared, too.
    let twice = ENVIRONMENTS.replace("name: production", "name: prod");
    let second = twice
        .rsplit("---")
        .next()
        .unwrap()
        .replace("ONLY_HERE", "OTHER");
    let text = format!("{twice}---{second}");
    assert_eq!(codes_for_staging(&text), ["undefined-variable"]);
}

#[test]
fn an_environment_that_cannot_be_read_lets_none_be_chosen() {
    let unclosed = ENVIRONMENTS.replace("TAG: 1.4.0, COUNT", "TAG: [1.4.0, COUNT");
    let nameless = ENVIRONMENTS.replace("{name: production}", "{nam: production}");
    let large = format!("{ENVIRONMENTS}# {}", "x".repeat(1024 * 1024));
    let mut files = [unclosed, nameless, large].map(|text| vec![file("env.yaml", &text)]);
    files[2].push(SourceFile {
        path: "env.yaml".to_owned(),
        bytes: [ENVIRONMENTS.as_bytes(), b"# \xff"].concat(),
    });
    for files in files {
        let found = environments(&files);
        for chosen in [None, Some("staging"), Some("production")] {
            let error = found.select(chosen).unwrap_err();
            assert!(error.contains("env.yaml:"), "{error}");
        }
    }
    // What is broken beside them is no Environment, and they were read.
    let text = format!("{ENVIRONMENTS}---\nkind: Cluster\nspec: [\n# kind: Environment\n");
    let found = environments(&[file("env.yaml", &text)]);
    assert!(found.select(Some("staging")).is_ok());
    let json = ENVIRONMENTS.split("---").next().unwrap();
    let broken =
        "{\"apiVersion\": \"evenkeel.dev/v1alpha1\", \"kind\": \"Environment\", \"spec\": {";
    let found = environments(&[file("a.yaml", json), file("b.json", broken)]);
    let error = found.select(Some("staging")).unwrap_err();
    assert!(error.contains("b.json:1: "), "{error}");
}

#[test]
fn without_an_environment_nothing_is_touched() {
    let loaded = load(
        &[file(
            "task.yaml",
            &TASK
                .replace("${DEBUG:-false}", "true")
                .replace("${COUNT}\n", "2\n")
                .replace("${CPU:-512}", "\"512\""),
        )],
        &LoadOptions::default(),
    );
    let spec = spec(&loaded, "TaskDefinition/web");
    assert_eq!(
        spec["containerDefinitions"][0]["command"][2],
        "echo ${HOME} ${UNDECLARED:-x} $${HOME} $${TAG} ${TAG}"
    );
}

fn secret() -> Fetched {
    let known = Known {
        value: json!("hunter2!"),
        secret: true,
    };
    BTreeMap::from([("DB_PASSWORD".to_owned(), known)])
}

#[test]
fn a_secret_goes_only_where_values_are_hidden() {
    let good = TASK.replace("\"${COUNT}\"", "\"pw=${DB_PASSWORD}\"");
    let loaded = load_in(
        &base(&good),
        &LoadOptions::default(),
        &scope("staging", Some(secret())),
        &Answers::new(),
    );
    let spec = spec(&loaded, "TaskDefinition/web");
    assert_eq!(
        spec["containerDefinitions"][0]["environment"][1]["value"],
        "pw=hunter2!"
    );
    assert_eq!(loaded.set.secrets.hide("a hunter2! b"), "a **** b");
    for bad in [
        TASK.replace("echo ${HOME}", "echo ${DB_PASSWORD}"),
        TASK.replace("{tag: \"${TAG}\"}", "{tag: \"${DB_PASSWORD}\"}"),
        TASK.replace("name: LEVEL, value", "name: \"${DB_PASSWORD}\", value")
            .replace(
                "environment:",
                "dockerLabels: {a: \"${DB_PASSWORD}\"}\n      environment:",
            ),
    ] {
        let loaded = load_in(
            &base(&bad),
            &LoadOptions::default(),
            &scope("staging", Some(secret())),
            &Answers::new(),
        );
        assert_eq!(loaded.diagnostics[0].code, "secret-shown", "{bad}");
        assert!(loaded.set.get(&key("TaskDefinition/web")).is_none());
        assert!(!render_text(&loaded.diagnostics, false).contains("hunter2"));
    }
}

#[test]
fn what_is_not_fetched_is_not_judged() {
    let environments = ENVIRONMENTS.replace("COUNT: 2", "COUNT: {fromSsm: /count}");
    let files = [file("env.yaml", &environments), file("task.yaml", TASK)];
    let loaded = load_in(
        &files,
        &LoadOptions::default(),
        &scope("staging", None),
        &Answers::new(),
    );
    assert_eq!(loaded.diagnostics, []);
    assert_eq!(loaded.set.resources.len(), 1);
    let loaded = load_for("staging", &files);
    assert_eq!(loaded.diagnostics.len(), 2, "the fetch must have given it");
}

#[test]
fn an_overlay_is_merged_over_the_base_of_its_environment_alone() {
    let patch = r#"
apiVersion: evenkeel.dev/v1alpha1
kind: TaskDefinition
metadata: {name: web}
spec:
  memory: "2048"
  containerDefinitions:
    - name: web
      environment:
        - {name: LEVEL, value: "${TAG}"}
        - {name: EXTRA, value: "1"}
---
apiVersion: evenkeel.dev/v1alpha1
kind: Cluster
metadata: {name: only-staging}
"#;
    let mut files = base(TASK);
    files.push(file("nova/overlays/staging/web.yaml", patch));
    let staging = load_for("staging", &files);
    let web = spec(&staging, "TaskDefinition/web");
    assert_eq!(web["memory"], "2048");
    assert_eq!(
        web["containerDefinitions"][0]["image"],
        "public.ecr.aws/x/web:1.5.0"
    );
    assert_eq!(
        web["containerDefinitions"][0]["environment"],
        json!([{"name": "LEVEL", "value": "1.5.0"}, {"name": "COUNT", "value": "2"}, {"name": "EXTRA", "value": "1"}])
    );
    assert!(staging.set.get(&key("Cluster/only-staging")).is_some());
    let production = load_for("production", &files);
    assert_eq!(spec(&production, "TaskDefinition/web")["memory"], "1024");
    assert!(production.set.get(&key("Cluster/only-staging")).is_none());
}

#[test]
fn a_mistake_in_an_overlay_is_told_in_the_overlays_file_with_its_line() {
    let patch = "apiVersion: evenkeel.dev/v1alpha1\nkind: TaskDefinition\nmetadata: {name: web}\nspec:\n  memori: x\n";
    let mut files = base(TASK);
    files.push(file("overlays/staging/web.yaml", patch));
    let loaded = load_for("staging", &files);
    let [found] = &loaded.diagnostics[..] else {
        panic!("{:#?}", loaded.diagnostics);
    };
    assert_eq!(
        (found.code, found.file.as_str(), found.line, found.column),
        ("unknown-field", "overlays/staging/web.yaml", 5, 3)
    );
    assert!(found.excerpt.as_ref().unwrap().text.contains("memori: x"));
    assert_eq!(load_for("production", &files).diagnostics, []);
}

#[test]
fn an_overlay_can_take_a_manifest_out() {
    let patch = "apiVersion: evenkeel.dev/v1alpha1\nkind: TaskDefinition\nmetadata: {name: web}\n$patch: delete\n";
    let mut files = base(TASK);
    files.push(file("overlays/staging/web.yaml", patch));
    let loaded = load_for("staging", &files);
    assert_eq!(
        (loaded.diagnostics.len(), loaded.set.resources.len()),
        (0, 0)
    );
}

#[test]
fn an_overlay_of_no_environment_is_an_error_and_never_base() {
    let patch = "apiVersion: evenkeel.dev/v1alpha1\nkind: Cluster\nmetadata: {name: x}\n";
    let mut files = base(TASK);
    files.push(file("overlays/stagin/x.yaml", patch));
    let loaded = load_for("staging", &files);
    assert_eq!(loaded.diagnostics[0].code, "unknown-environment");
    assert_eq!(
        loaded.diagnostics[0].hint.as_deref(),
        Some("Did you mean `staging`?")
    );
    assert!(loaded.set.get(&key("Cluster/x")).is_none());
}

#[test]
fn one_must_be_chosen_and_be_there_and_be_sound() {
    let found = environments(&base(TASK));
    let chosen = found.select(Some("staging")).unwrap().unwrap();
    assert_eq!(chosen.account.as_deref(), Some("111122223333"));
    assert_eq!(chosen.region.as_deref(), Some("eu-west-1"));
    assert_eq!(chosen.origin.line, 2);
    let error = found.select(None).unwrap_err();
    assert!(error.contains("`production`, `staging`"), "{error}");
    let error = found.select(Some("prod")).unwrap_err();
    assert!(error.contains("`production`, `staging`"), "{error}");
    let none = environments(&[file("task.yaml", TASK)]);
    assert_eq!(none.select(None), Ok(None));
    assert!(none.select(Some("staging")).is_err());
    let broken = environments(&[file("e.yaml", &ENVIRONMENTS.replace("region:", "regoin:"))]);
    let error = broken.select(Some("staging")).unwrap_err();
    assert!(
        error.contains("e.yaml:7: unknown field `regoin`"),
        "{error}"
    );
    assert!(broken.select(Some("production")).is_ok());
}

#[test]
fn mistakes_in_an_environment_are_told_with_their_place() {
    for (from, to, code, line) in [
        ("\"111122223333\"", "111122223333", "wrong-type", 6),
        ("\"111122223333\"", "\"1111\"", "bad-value", 6),
        ("    TAG: 1.5.0", "    TA-G: 1.5.0", "bad-name", 10),
        ("    TAG: 1.5.0", "    TAG: [1.5.0]", "wrong-type", 10),
        (
            "    TAG: 1.5.0",
            "    TAG: {fromSmm: /x}",
            "unknown-field",
            10,
        ),
        (
            "    TAG: 1.5.0",
            "    TAG: {fromSsm: /x, fromEnv: Y}",
            "two-ways",
            10,
        ),
        (
            "    TAG: 1.5.0",
            "    TAG: {fromStackOutput: stack}",
            "bad-value",
            10,
        ),
        (
            "    TAG: 1.5.0",
            "    TAG: {fromTerraform: {state: x}}",
            "missing-field",
            10,
        ),
        ("role/evenkeel", "user/evenkeel", "bad-value", 8),
    ] {
        let text = ENVIRONMENTS.replacen(from, to, 1);
        let loaded = load(&[file("env.yaml", &text)], &LoadOptions::default());
        let found = loaded.diagnostics.first();
        let found = found.map(|found| (found.code, found.line));
        assert_eq!(found, Some((code, line)), "{to}");
    }
    for (spec, path) in [
        ("spec:\n- account: \"111122223333\"\n", "spec"),
        ("spec: foo\n", "spec"),
        ("spec: {account: 1}\n", "spec.account"),
        ("spec: {region: 1}\n", "spec.region"),
        ("spec: {roleArn: []}\n", "spec.roleArn"),
        (
            "spec: {variables: {A: {fromSecret: {id: 1}}}}\n",
            "spec.variables.A.fromSecret.id",
        ),
    ] {
        let (head, _) = ENVIRONMENTS.split_once("spec:").unwrap();
        let files = [file("env.yaml", &format!("{head}{spec}"))];
        let loaded = load(&files, &LoadOptions::default());
        let mut found = loaded.diagnostics.iter();
        assert!(
            found.any(|found| (found.code, found.path.as_str()) == ("wrong-type", path)),
            "{spec}: {:#?}",
            loaded.diagnostics
        );
        assert!(environments(&files).select(Some("staging")).is_err());
    }
    let twice = format!("{ENVIRONMENTS}---\n{ENVIRONMENTS}");
    let loaded = load(&[file("env.yaml", &twice)], &LoadOptions::default());
    assert_eq!(loaded.diagnostics.len(), 2, "{:#?}", loaded.diagnostics);
}

#[test]
fn a_spec_in_a_file_of_its_own_has_variables_and_an_overlay_too() {
    let manifest = "apiVersion: evenkeel.dev/v1alpha1\nkind: TaskDefinition\nmetadata: {name: web}\nspecFile: t.json\n";
    let task = "{\"memory\": \"256\", \"containerDefinitions\": [\n  {\"name\": \"web\", \"image\": \"public.ecr.aws/x/web:${TAG}\",\n   \"stopTimeout\": \"${COUNT}\"}]}";
    let patch = "apiVersion: evenkeel.dev/v1alpha1\nkind: TaskDefinition\nmetadata: {name: web}\nspec: {memory: \"512\"}\n";
    let mut files = vec![
        file("env.yaml", ENVIRONMENTS),
        file("web.yaml", manifest),
        file("t.json", task),
        file("overlays/production/web.yaml", patch),
    ];
    let staging = spec(&load_for("staging", &files), "TaskDefinition/web");
    assert_eq!(staging["containerDefinitions"][0]["stopTimeout"], 2);
    assert_eq!(staging["memory"], "256");
    let production = spec(&load_for("production", &files), "TaskDefinition/web");
    assert_eq!(production["containerDefinitions"][0]["stopTimeout"], 8);
    assert_eq!(production["memory"], "512");
    files[2] = file("t.json", &task.replace("stopTimeout", "stopTimeot"));
    for environment in ["staging", "production"] {
        let loaded = load_for(environment, &files);
        let found = &loaded.diagnostics[0];
        assert_eq!(
            (found.code, found.file.as_str(), found.line),
            ("unknown-field", "t.json", 3),
            "{environment}"
        );
    }
}

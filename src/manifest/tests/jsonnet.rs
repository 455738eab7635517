//! Manifests that Jsonnet files evaluate to.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::json;

use super::super::{Fetched, Known, Scope, SourceFile, jsonnet, load_in, render_json, render_text};
use super::{LoadOptions, Loaded, file, key};
use crate::jsonnet::{Answer, Answers, Fault, Mistake, evaluate};

const LIBRARY: &str = "{
  task(name, image):: {
    apiVersion: 'evenkeel.dev/v1alpha1', kind: 'TaskDefinition', metadata: {name: name},
    spec: {containerDefinitions: [{name: name, image: image, memory: 64}]},
  },
}";

const TWO: &str = "local lib = import '../lib/ecs.libsonnet';
[lib.task('web', 'nginx'), null, lib.task('api', 'nginx')]
";

const ENVIRONMENT: &str = "apiVersion: evenkeel.dev/v1alpha1
kind: Environment
metadata: {name: staging}
spec:
  variables:
    TAG: 1.5.0
    MEMORY: 128
    SHELL: '${HOME} ${TAG}'
    UNSET:
    PASSWORD: {fromSecret: db}
    COUNT: {fromSsm: /count}
";

/// Loads, with the evaluation in this process.
fn load_for(files: &[SourceFile], scope: &Scope) -> Loaded {
    let request = Rc::new(jsonnet(files, scope).unwrap_or_default());
    let answers: Answers = request
        .entries
        .iter()
        .map(|path| (path.clone(), evaluate(&request, path)))
        .collect();
    load_in(files, &LoadOptions::default(), scope, &answers)
}

fn load(files: &[SourceFile]) -> Loaded {
    load_for(files, &Scope::default())
}

fn two(main: &str) -> [SourceFile; 2] {
    [
        file("m/two.jsonnet", main),
        file("lib/ecs.libsonnet", LIBRARY),
    ]
}

fn staging(fetched: Option<Fetched>) -> Scope {
    Scope {
        environment: Some("staging".to_owned()),
        fetched,
        ..Scope::default()
    }
}

fn fetched() -> Fetched {
    let known = |value, secret| Known { value, secret };
    BTreeMap::from([
        ("PASSWORD".to_owned(), known(json!("hunter2"), true)),
        ("COUNT".to_owned(), known(json!("3"), false)),
    ])
}

/// A task definition whose one container has these members besides.
fn task(members: &str) -> String {
    format!(
        "(import 'ecs.libsonnet').task('web', 'nginx') {{spec+: {{containerDefinitions: [\
             super.containerDefinitions[0] {{{members}}}]}}}}"
    )
}

fn in_staging(members: &str, fetched: Option<Fetched>) -> Loaded {
    let files = [
        file("ecs.libsonnet", LIBRARY),
        file("env.yaml", ENVIRONMENT),
        file("web.jsonnet", &task(members)),
    ];
    load_for(&files, &staging(fetched))
}

#[test]
fn a_file_is_one_manifest_or_an_array_of_them() {
    let loaded = load(&two(TWO));
    assert_eq!(loaded.diagnostics, []);
    assert_eq!(loaded.manifests, 2);
    let api = loaded.set.get(&key("TaskDefinition/api")).unwrap();
    assert_eq!(api.spec["containerDefinitions"][0]["memory"], 64);
    assert_eq!(
        (api.origin.file.as_str(), api.origin.line),
        ("m/two.jsonnet", 0)
    );
    let one = "(import '../lib/ecs.libsonnet').task('web', 'nginx')";
    assert_eq!(load(&two(one)).set.resources.len(), 1);
    assert_eq!(load(&two("[]")).manifests, 0);
    assert_eq!(load(&two("[]")).diagnostics, []);
}

#[test]
fn another_library_is_another_manifest() {
    let [main, library] = two(TWO);
    let other = file(&library.path, &LIBRARY.replace("memory: 64", "memory: 65"));
    let spec = |files: &[SourceFile]| {
        let loaded = load(files);
        loaded
            .set
            .get(&key("TaskDefinition/web"))
            .unwrap()
            .spec
            .clone()
    };
    let (before, after) = (spec(&[main.clone(), library]), spec(&[main, other]));
    assert_eq!(before["containerDefinitions"][0]["memory"], 64);
    assert_eq!(after["containerDefinitions"][0]["memory"], 65);
}

#[test]
fn a_finding_names_the_file_and_the_path_and_no_line() {
    let loaded = load(&two(&TWO.replace(
        "lib.task('api', 'nginx')",
        "lib.task('api', 'nginx') {spec+: {memroy: '512'}}",
    )));
    let [found] = &loaded.diagnostics[..] else {
        panic!("{:#?}", loaded.diagnostics);
    };
    assert_eq!(found.code, "unknown-field");
    assert_eq!(
        (found.file.as_str(), found.line, found.path.as_str()),
        ("m/two.jsonnet", 0, "[2].spec.memroy")
    );
    let drawn = render_text(&loaded.diagnostics, false);
    assert!(
        drawn.contains("m/two.jsonnet: error: [2].spec.memroy: "),
        "{drawn}"
    );
    assert!(drawn.contains("memory"), "{drawn}");
    let json = render_json(&loaded.diagnostics);
    assert_eq!(json[0]["line"], json!(null));
    // The other manifest of the file is not held up.
    assert!(loaded.set.get(&key("TaskDefinition/web")).is_some());
}

#[test]
fn a_file_that_cannot_be_evaluated_is_told_with_its_line_and_holds_up_nothing_else() {
    let good = file(
        "good.jsonnet",
        "(import 'lib/ecs.libsonnet').task('good', 'nginx')",
    );
    let broken = "{\n  kind: 'Cluster',\n  environment: [{name: 'A', value: 'hunter2'}],\n  metadata: {nmae: self.nome},\n}";
    let files = [
        good,
        file("bad.jsonnet", broken),
        file("lib/ecs.libsonnet", LIBRARY),
    ];
    let loaded = load(&files);
    let [found] = &loaded.diagnostics[..] else {
        panic!("{:#?}", loaded.diagnostics);
    };
    assert_eq!(
        (found.code, found.file.as_str()),
        ("jsonnet", "bad.jsonnet")
    );
    assert_eq!((found.line, found.column), (4, 24));
    let drawn = render_text(&loaded.diagnostics, false);
    assert!(
        drawn.contains("nome") && drawn.contains("bad.jsonnet:4"),
        "{drawn}"
    );
    assert!(!drawn.contains("hunter2"), "{drawn}");
    assert!(loaded.set.get(&key("TaskDefinition/good")).is_some());
}

#[test]
fn what_may_come_out_otherwise_the_next_time_is_told() {
    for (fault, unfinished) in [(Fault::Unfinished, true), (Fault::Bound, false)] {
        let mistake = Mistake {
            fault,
            message: "takes too long".to_owned(),
            at: None,
        };
        let answer = Answer {
            value: Err(mistake),
            imports: BTreeSet::new(),
        };
        let answers = BTreeMap::from([("a.jsonnet".to_owned(), answer)]);
        let files = [file("a.jsonnet", "1")];
        let loaded = load_in(&files, &LoadOptions::default(), &Scope::default(), &answers);
        assert_eq!(loaded.unfinished, unfinished);
        assert_eq!(
            (loaded.diagnostics[0].code, loaded.diagnostics[0].line),
            ("jsonnet", 0)
        );
    }
}

#[test]
fn a_fault_in_a_library_is_told_there() {
    let [main, library] = two(TWO);
    let bad = file(
        &library.path,
        &LIBRARY.replace("memory: 64", "memory: 64 +"),
    );
    let loaded = load(&[main, bad]);
    let found = &loaded.diagnostics[0];
    assert_eq!((found.file.as_str(), found.line), ("lib/ecs.libsonnet", 4));
    assert!(found.message.contains("m/two.jsonnet"), "{}", found.message);
}

/// The files of several sources come in the order of the sources, which is not that of their paths.
#[test]
fn a_file_of_a_later_source_is_found_wherever_its_path_sorts() {
    let scope = |name: Option<&str>| Scope {
        environment: name.map(str::to_owned),
        roots: ["zeta", "alpha", "beta"].map(Into::into).to_vec(),
        fetched: None,
    };
    let task = task("memory: std.parseInt(std.extVar('COUNT'))");
    let broken = "{kind: 'Cluster',\n  metadata: self.nome}";
    let files = [
        file("alpha/a.jsonnet", &broken.replace("nome", "noma")),
        file("beta/ecs.libsonnet", LIBRARY),
        file("beta/task.jsonnet", &task),
        file("zeta/env.yaml", ENVIRONMENT),
        file("zeta/z.jsonnet", broken),
    ];
    let loaded = load_for(&files, &scope(Some("staging")));
    let found: Vec<_> = loaded
        .diagnostics
        .iter()
        .map(|found| (found.file.as_str(), found.line, found.code))
        .collect();
    let expected = [
        ("alpha/a.jsonnet", 2, "jsonnet"),
        ("beta/task.jsonnet", 1, "jsonnet-unjudged"),
        ("zeta/z.jsonnet", 2, "jsonnet"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn imports_stay_in_the_source_and_libraries_are_no_manifests() {
    for import in ["/etc/passwd", "../../etc/passwd", "../../lib/ecs.libsonnet"] {
        let loaded = load(&two(&format!("import '{import}'")));
        let message = &loaded.diagnostics[0].message;
        assert!(message.contains("not in the source"), "{message}");
    }
    // JSON that is imported, and Jsonnet that is a function or a part.
    let files = [
        file(
            "a.jsonnet",
            "{apiVersion: 'evenkeel.dev/v1alpha1', kind: 'TaskDefinition', metadata: {name: 'a'}, \
              spec: (import 'taskdef.json') + (import 'part.jsonnet') + (import 'f.jsonnet')(64)}",
        ),
        file(
            "taskdef.json",
            "{\"containerDefinitions\": [{\"name\": \"a\", \"image\": \"nginx\", \"memory\": 64}]}",
        ),
        file("part.jsonnet", "{memory: '128'}"),
        file("f.jsonnet", "function(cpu) {cpu: '' + cpu}"),
        file("unused.libsonnet", "this is no Jsonnet"),
    ];
    let loaded = load(&files);
    assert_eq!(loaded.diagnostics, []);
    assert_eq!(loaded.manifests, 1);
    let lonely = load(&[file("f.jsonnet", "function(cpu) {cpu: cpu}")]);
    assert_eq!(lonely.diagnostics[0].code, "jsonnet");
}

#[test]
fn a_manifest_may_name_a_jsonnet_file_as_its_spec() {
    let manifest = "apiVersion: evenkeel.dev/v1alpha1\nkind: TaskDefinition\nmetadata: {name: web}\nspecFile: ";
    let spec = "{containerDefinitions: [{name: 'web', image: 'nginx', memory: 60 + 4}]}";
    let files = |spec: &str, name: &str| {
        [
            file("web.yaml", &format!("{manifest}{name}\n")),
            file("spec.jsonnet", spec),
            file("spec.libsonnet", spec),
        ]
    };
    let loaded = load(&files(spec, "spec.jsonnet"));
    assert_eq!(loaded.diagnostics, []);
    assert_eq!(loaded.manifests, 1);
    let task = loaded.set.get(&key("TaskDefinition/web")).unwrap();
    assert_eq!(task.spec["containerDefinitions"][0]["memory"], 64);
    let loaded = load(&files(
        &spec.replace("image", "cpuu: 1, image"),
        "spec.jsonnet",
    ));
    let found = &loaded.diagnostics[0];
    assert_eq!(
        (found.file.as_str(), found.line, found.path.as_str()),
        ("spec.jsonnet", 0, "spec.containerDefinitions[0].cpuu")
    );
    let loaded = load(&files("{a: error 'bad day'}", "spec.jsonnet"));
    assert_eq!(loaded.diagnostics.len(), 1, "{:#?}", loaded.diagnostics);
    assert!(loaded.set.get(&key("TaskDefinition/web")).is_none());
    let loaded = load(&files(spec, "spec.libsonnet"));
    assert!(loaded.set.get(&key("TaskDefinition/web")).is_none());
}

#[test]
fn external_variables_are_the_environments() {
    let members = "image: 'web:' + std.extVar('TAG'), memory: std.extVar('MEMORY') * 2, \
                   command: [std.extVar('SHELL'), '${TAG} ${HOME} $${TAG}'], \
                   environment: [{name: 'P', value: 'pw=' + std.extVar('PASSWORD')}]";
    let loaded = in_staging(members, Some(fetched()));
    assert_eq!(loaded.diagnostics, []);
    let task = loaded.set.get(&key("TaskDefinition/web")).unwrap();
    let container = &task.spec["containerDefinitions"][0];
    assert_eq!(container["image"], "web:1.5.0");
    assert_eq!(container["memory"], 256);
    // As in YAML, what is put in is not read again.
    assert_eq!(
        container["command"],
        json!(["${HOME} ${TAG}", "1.5.0 ${HOME} ${TAG}"])
    );
    assert_eq!(container["environment"][0]["value"], "pw=hunter2");
}

#[test]
fn a_secret_is_not_in_the_evaluation() {
    let told = in_staging(
        "image: error 'is ' + std.extVar('PASSWORD')",
        Some(fetched()),
    );
    assert!(told.diagnostics[0].message.contains("is ${PASSWORD}"));
    let shown = in_staging("image: std.extVar('PASSWORD')", Some(fetched()));
    assert_eq!(shown.diagnostics[0].code, "secret-shown");
    for loaded in [told, shown] {
        assert!(!render_text(&loaded.diagnostics, false).contains("hunter2"));
        assert!(loaded.set.get(&key("TaskDefinition/web")).is_none());
    }
}

#[test]
fn what_is_not_declared_is_an_error_and_what_is_not_fetched_is_not_judged() {
    for name in ["NOBODY", "UNSET"] {
        let loaded = in_staging(&format!("image: std.extVar('{name}')"), Some(fetched()));
        let found = &loaded.diagnostics[0];
        assert_eq!(found.code, "jsonnet");
        assert!(found.message.contains(name), "{}", found.message);
        assert!(found.hint.as_ref().unwrap().contains("Environment"));
    }
    let loaded = in_staging("cpu: std.extVar('COUNT')", None);
    assert_eq!(loaded.diagnostics, [], "its value is not known");
    let computed = "cpu: std.parseInt(std.extVar('COUNT'))";
    let loaded = in_staging(computed, None);
    assert_eq!(loaded.diagnostics[0].code, "jsonnet-unjudged");
    assert_eq!(loaded.diagnostics[0].severity.label(), "warning");
    let loaded = in_staging(computed, Some(fetched()));
    assert_eq!(loaded.diagnostics, []);
    let unrelated = in_staging("cpu: error 'bad day'", None);
    assert_eq!(unrelated.diagnostics[0].code, "jsonnet");
}

#[test]
fn an_overlay_may_be_jsonnet_and_an_environment_may_not() {
    let overlay = "{apiVersion: 'evenkeel.dev/v1alpha1', kind: 'TaskDefinition', metadata: {name: 'web'}, \
                   spec: {cpu: '256', tags: [{kye: 'a', value: std.extVar('TAG')}]}}";
    let mut files = vec![
        file("env.yaml", ENVIRONMENT),
        file("ecs.libsonnet", LIBRARY),
        file("web.jsonnet", &task("")),
        file("overlays/staging/web.jsonnet", overlay),
        file(
            "overlays/production/web.jsonnet",
            "error 'of another environment'",
        ),
        file(
            "overlays/production/env.yaml",
            &ENVIRONMENT.replace("staging", "production"),
        ),
    ];
    let loaded = load_for(&files, &staging(Some(fetched())));
    let places: Vec<(&str, usize, &str)> = loaded
        .diagnostics
        .iter()
        .map(|found| (found.file.as_str(), found.line, found.path.as_str()))
        .collect();
    assert_eq!(
        places,
        [("overlays/staging/web.jsonnet", 0, "spec.tags[0].kye")]
    );
    files[3] = file(&files[3].path, &overlay.replace("kye", "key"));
    let loaded = load_for(&files, &staging(Some(fetched())));
    assert_eq!(loaded.diagnostics, []);
    let task = loaded.set.get(&key("TaskDefinition/web")).unwrap();
    assert_eq!(task.spec["tags"][0]["value"], "1.5.0");
    let environment = "{apiVersion: 'evenkeel.dev/v1alpha1', kind: 'Environment', metadata: {name: 'x'}, spec: {}}";
    let loaded = load(&[file("x.jsonnet", environment)]);
    assert_eq!(loaded.diagnostics[0].code, "environment-computed");
}

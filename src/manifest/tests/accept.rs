//! Changes of live state put into files: where each goes, and what is left to a person.

use serde_json::{Value, json};

use super::*;
use crate::jsonnet::Answers;
use crate::manifest::{LoadOptions, load_in};

const TASK: &str = "\
apiVersion: evenkeel.dev/v1alpha1
kind: ImageRepository
metadata: {name: shop}
spec: {repositoryName: shop/web}
---
apiVersion: evenkeel.dev/v1alpha1
kind: TaskDefinition
metadata:
  name: web   # the shop
spec:
  requiresCompatibilities: [FARGATE]
  networkMode: awsvpc
  cpu: \"256\"
  memory: \"512\"
  executionRoleArn: arn:aws:iam::123456789012:role/web
  containerDefinitions:
    # What customers see.
    - name: web
      image: shop/web:1.0
      environment:
        - {name: PASSWORD, value: geheim}
---
apiVersion: evenkeel.dev/v1alpha1
kind: Service
metadata: {name: web}
spec:
  taskDefinitionRef: web
  desiredCount: 2
  networkConfiguration:
    awsvpcConfiguration:
      subnets:
        - subnet-0123abcd
      assignPublicIp: DISABLED
";

const IMAGE: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com/shop/web:1.1";

fn file(path: &str, text: &str) -> SourceFile {
    SourceFile {
        path: path.to_owned(),
        bytes: text.as_bytes().to_vec(),
    }
}

fn drift(path: &str, live: Value) -> Drift {
    Drift {
        path: path.to_owned(),
        live,
        desired: json!("declared"),
        reset: false,
    }
}

fn of(kind: Kind, drift: Vec<Drift>) -> (Key, Vec<Drift>) {
    (Key::new(kind, "web"), drift)
}

fn accepted(
    files: &[SourceFile],
    environment: Option<&str>,
    changes: &[(Key, Vec<Drift>)],
) -> Accepted {
    let scope = Scope {
        environment: environment.map(str::to_owned),
        ..Scope::default()
    };
    let load = |files: &[SourceFile], scope: &Scope| {
        load_in(files, &LoadOptions::default(), scope, &Answers::new())
    };
    let loaded = load(files, &scope);
    assert_eq!(loaded.set.invalid.len(), 0, "{:?}", loaded.diagnostics);
    accept(files, &scope, &load, changes)
}

/// The one file that changes, and the notes.
fn only(accepted: Accepted) -> (Edited, Vec<String>) {
    let [edited] = <[Edited; 1]>::try_from(accepted.files).unwrap();
    (edited, accepted.notes)
}

fn hotfix(image: &str) -> [(Key, Vec<Drift>); 1] {
    [of(
        Kind::Service,
        vec![
            drift("/taskDefinition", json!("arn:web:2")),
            drift(
                "/taskDefinition/containerDefinitions/web/image",
                json!(image),
            ),
        ],
    )]
}

#[test]
fn an_image_goes_into_the_task_definition_of_the_service_and_stays_as_it_was_registered() {
    let (edited, notes) = only(accepted(&[file("a.yaml", TASK)], None, &hotfix(IMAGE)));
    let expected = TASK.replace("shop/web:1.0", IMAGE).replace(
        "  name: web   # the shop\n",
        "  name: web   # the shop\n  annotations: {\"evenkeel.dev/images\":\"as-written=web\"}\n",
    );
    assert_eq!(edited.after, expected);
    assert_eq!(
        (edited.path.as_str(), edited.before.as_str()),
        ("a.yaml", TASK)
    );
    assert!(notes[0].contains("as-written=web"), "{notes:?}");
    let secret = edited
        .secrets
        .iter()
        .any(|(from, to)| &TASK[*from..*to] == "geheim");
    assert!(secret);
    // By its digest it needs no more.
    let digest = IMAGE.replace(":1.1", &format!("@sha256:{}", "a".repeat(64)));
    let (edited, notes) = only(accepted(&[file("a.yaml", TASK)], None, &hotfix(&digest)));
    assert_eq!(edited.after, TASK.replace("shop/web:1.0", &digest));
    assert_eq!(notes, Vec::<String>::new());
    // Nor does what lies in no repository of the set.
    let (edited, _) = only(accepted(&[file("a.yaml", TASK)], None, &hotfix("nginx:1")));
    assert_eq!(edited.after, TASK.replace("shop/web:1.0", "nginx:1"));
}

#[test]
fn members_of_a_service_are_changed_where_they_stand() {
    let at = "/networkConfiguration/awsvpcConfiguration";
    let changes = [of(
        Kind::Service,
        vec![
            drift("/desiredCount", json!(3)),
            drift(
                &format!("{at}/subnets/subnet-0123abce"),
                json!("subnet-0123abce"),
            ),
            drift(&format!("{at}/subnets/subnet-0123abcd"), Value::Null),
            drift(&format!("{at}/assignPublicIp"), json!("ENABLED")),
        ],
    )];
    let (edited, notes) = only(accepted(&[file("a.yaml", TASK)], None, &changes));
    let expected = TASK
        .replace("desiredCount: 2", "desiredCount: 3")
        .replace("- subnet-0123abcd", "- subnet-0123abce")
        .replace("DISABLED", "ENABLED");
    assert_eq!(edited.after, expected);
    assert_eq!(notes, Vec::<String>::new());
}

#[test]
fn a_spec_in_a_file_of_its_own_is_edited_there() {
    let taskdef = json!({"family": "web", "networkMode": "awsvpc", "containerDefinitions": [
        {"name": "web", "image": "nginx:1", "memory": 128}]});
    let taskdef = serde_json::to_string_pretty(&taskdef).unwrap();
    for spec in [
        taskdef.clone(),
        format!("{{\"taskDefinition\": {taskdef}}}"),
    ] {
        let start = TASK.find("spec:\n  requires").unwrap();
        let end = start + TASK[start..].find("---").unwrap();
        let text = format!("{}specFile: taskdef.json\n{}", &TASK[..start], &TASK[end..]);
        let files = [file("s/a.yaml", &text), file("s/taskdef.json", &spec)];
        let (edited, notes) = only(accepted(&files, None, &hotfix("nginx:2")));
        assert_eq!(edited.path, "s/taskdef.json", "{notes:?}");
        assert_eq!(edited.after, spec.replace("nginx:1", "nginx:2"));
    }
}

#[test]
fn an_environments_overlay_comes_first_and_what_is_shared_is_told() {
    let environment = |name: &str| {
        format!(
            "apiVersion: evenkeel.dev/v1alpha1\nkind: Environment\nmetadata: {{name: {name}}}\nspec: {{account: \"123456789012\"}}\n---\n"
        )
    };
    let base = format!("{}{}{TASK}", environment("prod"), environment("stage"));
    let overlay = "\
apiVersion: evenkeel.dev/v1alpha1
kind: TaskDefinition
metadata: {name: web}
spec:
  containerDefinitions:
    - {name: web, image: \"nginx:1\"}
";
    let files = [
        file("a.yaml", &base),
        file("overlays/prod/web.yaml", overlay),
    ];
    let (edited, notes) = only(accepted(&files, Some("prod"), &hotfix("nginx:2")));
    assert_eq!(edited.path, "overlays/prod/web.yaml");
    assert_eq!(edited.after, overlay.replace("nginx:1", "nginx:2"));
    assert_eq!(notes, Vec::<String>::new());
    // Of the other environment it stands in the base, which both have.
    let count = [of(Kind::Service, vec![drift("/desiredCount", json!(5))])];
    let (edited, notes) = only(accepted(&files, Some("stage"), &count));
    assert_eq!(
        edited.after,
        base.replace("desiredCount: 2", "desiredCount: 5")
    );
    assert!(notes[0].contains("environments prod too"), "{notes:?}");
}

#[test]
fn what_cannot_be_placed_is_told_with_what_to_do() {
    let mut variable = TASK.replace("shop/web:1.0", "\"nginx:${TAG}\"");
    variable.push_str(
        "---\napiVersion: evenkeel.dev/v1alpha1\nkind: Environment\nmetadata: {name: prod}\nspec: {account: \"123456789012\", variables: {TAG: \"1\"}}\n",
    );
    let secret = "/taskDefinition/containerDefinitions/web/environment/PASSWORD/value";
    let masked = [of(Kind::Service, vec![drift(secret, json!("****"))])];
    let bare = [of(
        Kind::Service,
        vec![drift("/taskDefinition", json!("arn:web:2"))],
    )];
    let family = [of(
        Kind::Service,
        vec![drift("/taskDefinition/family", json!("b"))],
    )];
    let none = [(
        Key::new(Kind::Service, "none"),
        vec![drift("/desiredCount", json!(1))],
    )];
    for (text, environment, changes, part) in [
        (
            variable.as_str(),
            Some("prod"),
            hotfix("nginx:2"),
            "a variable of the Environment",
        ),
        (TASK, None, masked, "it may be a secret"),
        (TASK, None, bare, "is not known yet"),
        (TASK, None, family, "another family"),
        (TASK, None, none, "not among the valid manifests"),
    ] {
        let accepted = accepted(&[file("a.yaml", text)], environment, &changes);
        assert_eq!(accepted.files, [], "{part}");
        assert_eq!(accepted.notes.len(), 1, "{:?}", accepted.notes);
        assert!(accepted.notes[0].contains(part), "{:?}", accepted.notes);
    }
    // A manifest that names its revision itself takes the other one.
    let literal = TASK.replace("taskDefinitionRef: web", "taskDefinition: web:1");
    let (edited, _) = only(accepted(
        &[file("a.yaml", &literal)],
        None,
        &hotfix("nginx:2"),
    ));
    assert_eq!(edited.after, literal.replace("web:1\n", "arn:web:2\n"));
}

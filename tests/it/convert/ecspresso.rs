//! ecspresso projects.

use evenkeel::convert::{Input, convert};
use evenkeel::model::Key;
use serde_json::json;

use crate::e2e::program::run;

use super::{converted, errors, files, loaded, noted, text};

const CONFIG: &str = "\
region: eu-west-1
cluster: sea
service: harbour
service_definition: ecs-service-def.json
task_definition: ecs-task-def.json
timeout: 10m0s
plugins:
  - name: tfstate
    config:
      url: s3://state/sea.tfstate
";

const TASK: &str = r#"{"taskDefinition": {
  "family": "harbour", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
  "executionRoleArn": "{{ tfstate `aws_iam_role.exec.arn` }}", "pidMode": "", "status": "ACTIVE", "revision": 7,
  "containerDefinitions": [{"name": "app", "image": "example.com/harbour:{{ must_env `TAG` }}", "essential": true,
    "portMappings": [{"containerPort": 8080}], "dockerLabels": {"Team": "sea"}, "mountPoints": [],
    "environment": [{"name": "EMPTY", "value": ""}, {"name": "HOME_OF", "value": "${HOME}/x"},
      {"name": "TIER", "value": "{{ env `TIER` `blue` }}"}],
    "secrets": [{"name": "KEY", "valueFrom": "{{ secretsmanager_arn `sea/key` }}"}]}]},
  "tags": [{"key": "team", "value": "sea"}]}"#;

const SERVICE: &str = r#"{"launchType": "FARGATE", "desiredCount": {{ must_env `COUNT` }}, "platformFamily": "Linux", "colour": 1,
  "deploymentConfiguration": {"maximumPercent": 200, "minimumHealthyPercent": 100},
  "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["{{ tfstatef `aws_subnet.a['%s'].id` `x` }}"], "securityGroups": ["sg-0a1b2c3d4e5f60002"]}}}"#;

#[test]
fn a_project_comes_over_with_its_lookups_as_variables() {
    let done = converted(&[
        ("ecspresso.yml", CONFIG),
        ("ecs-task-def.json", TASK),
        (
            "ecs-service-def.json",
            &SERVICE.replace("{{ must_env `COUNT` }}", "2"),
        ),
    ]);
    let loaded = loaded(&done);
    assert!(errors(&loaded).is_empty(), "{:#?}", loaded.diagnostics);
    let service: Key = "Service/harbour".parse().unwrap();
    let service = &loaded.set.get(&service).unwrap().spec;
    assert_eq!(service["taskDefinitionRef"], "harbour");
    assert_eq!(service["cluster"], "sea");
    assert_eq!(
        service["networkConfiguration"]["awsvpcConfiguration"]["subnets"],
        json!(["${TF_AWS_SUBNET_A_X_ID}"])
    );
    let task: Key = "TaskDefinition/harbour".parse().unwrap();
    let task = &loaded.set.get(&task).unwrap().spec;
    let container = &task["containerDefinitions"][0];
    assert_eq!(container["image"], "example.com/harbour:${TAG}");
    assert_eq!(
        container["environment"][0],
        json!({"name": "EMPTY", "value": ""})
    );
    assert_eq!(container["environment"][1]["value"], "${HOME}/x");
    assert_eq!(container["environment"][2]["value"], "${TIER}");
    assert_eq!(container["dockerLabels"], json!({"Team": "sea"}));
    assert_eq!(task["tags"], json!([{"key": "team", "value": "sea"}]));
    let environment = text(&done, "environment.yaml");
    for part in [
        "region: eu-west-1",
        "fromEnv: TAG",
        "fromSecretArn: sea/key",
        "address: aws_subnet.a['x'].id",
        "state: s3://state/sea.tfstate",
        "default: blue",
    ] {
        assert!(environment.contains(part), "{part}: {environment}");
    }
    assert!(
        noted(
            &done,
            "ecs-task-def.json",
            "AWS only answers it: status, revision"
        ),
        "{:?}",
        done.notes
    );
    assert!(
        noted(
            &done,
            "ecs-service-def.json",
            "/colour is no field of Service"
        ),
        "{:?}",
        done.notes
    );
}

#[test]
fn what_is_written_is_valid_with_its_environment() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let config = CONFIG.replace(
        "cluster: sea",
        "cluster: arn:aws:ecs:eu-west-1:123456789012:cluster/sea",
    );
    let task = TASK
        .replace("{{ env `TIER` `blue` }}", "{{ ssm `/tier` }}{{ .nobody }}")
        .replace("\"512\"", "\"{{ cfn_export `Memory` }}\"");
    std::fs::create_dir(path("project")).unwrap();
    for (name, text) in [
        ("project/ecspresso.yml", config.as_str()),
        ("project/ecs-task-def.json", &task),
        ("project/ecs-service-def.json", SERVICE),
    ] {
        std::fs::write(path(name), text).unwrap();
    }
    let (project, out) = (path("project"), path("out"));
    let done = run(&["convert", &project, "--out", &out, "--environment", "prod"]);
    assert_eq!(done.code, Some(2), "{}", done.stderr);
    assert!(done.stderr.contains("NOBODY"), "{}", done.stderr);
    let environment = std::fs::read_to_string(path("out/environment.yaml")).unwrap();
    for part in [
        "name: prod",
        "account: '123456789012'",
        "region: eu-west-1",
        "fromSsm: /tier",
        "fromExport: Memory",
        "fromEnv: NOBODY",
        "fromEnv: COUNT",
    ] {
        assert!(environment.contains(part), "{part}: {environment}");
    }
    let checked = run(&["validate", &out, "--environment", "prod"]);
    assert_eq!(checked.code, Some(0), "{}", checked.stdout);
    assert!(
        checked.stdout.contains("2 valid manifests, 0 errors"),
        "{}",
        checked.stdout
    );
    let wrong = run(&["convert", &project, "--environment", "-x"]);
    assert_ne!(wrong.code, Some(0));
}

#[test]
fn a_state_that_cannot_be_read_is_told_and_its_values_are_to_be_given() {
    for (state, said, from) in [
        (
            "url: gs://state/sea.tfstate",
            "neither a file nor in S3",
            "fromEnv: TF_",
        ),
        (
            "url: 's3://{{ must_env `B` }}/x'",
            "is looked up",
            "fromEnv: TF_",
        ),
        (
            "path: ../net/sea.tfstate",
            "beside environment.yaml",
            "state: sea.tfstate",
        ),
    ] {
        let config = CONFIG.replace("url: s3://state/sea.tfstate", state);
        let done = converted(&[
            ("ecspresso.yml", &config),
            ("ecs-task-def.json", TASK),
            ("ecs-service-def.json", SERVICE),
        ]);
        assert!(noted(&done, "ecspresso.yml", said), "{:?}", done.notes);
        let environment = text(&done, "environment.yaml");
        assert!(environment.contains(from), "{environment}");
        assert_eq!(errors(&loaded(&done)), []);
    }
}

#[test]
fn a_lookup_in_the_place_of_a_number_is_a_variable_too() {
    let done = converted(&[
        ("ecspresso.yml", CONFIG),
        ("ecs-task-def.json", TASK),
        ("ecs-service-def.json", SERVICE),
    ]);
    assert!(text(&done, "services/harbour.yaml").contains("desiredCount: ${COUNT}"));
}

#[test]
fn jsonnet_is_evaluated_with_its_imports_variables_and_natives() {
    let config = "{ cluster: 'sea', service: 'pier', service_definition: 'sv.jsonnet', task_definition: 'td.jsonnet', \
        codedeploy: {application_name: 'App', deployment_group_name: 'Dgp'}, appspec: {Hooks: [{BeforeInstall: 'check'}]} }";
    let task = "local lib = import 'lib.libsonnet'; local env = std.native('must_env'); lib + { family: 'pier', \
        containerDefinitions: [{ name: 'app', image: 'example.com/pier:' + env('TAG'), memory: 64 * 2, portMappings: [{containerPort: 80}] }] }";
    let service = "{ launchType: 'EC2', deploymentController: { type: std.extVar('CONTROLLER') }, \
        loadBalancers: [{ targetGroupArn: '{{ tfstate `aws_lb_target_group.a.arn` }}', containerName: 'app', containerPort: 80 }] }";
    let input = Input {
        files: files(&[
            ("app/ecspresso.jsonnet", config),
            ("app/td.jsonnet", task),
            ("app/sv.jsonnet", service),
            ("app/lib.libsonnet", "{ networkMode: 'bridge' }"),
        ]),
        ext: [("CONTROLLER".to_owned(), "CODE_DEPLOY".to_owned())].into(),
        ..Input::default()
    };
    let done = convert(&input).unwrap();
    assert_eq!(done.projects, 1);
    let text = text(&done, "services/pier.yaml");
    for part in [
        "networkMode: bridge",
        "image: example.com/pier:${TAG}",
        "memory: 128",
        "type: CODE_DEPLOY",
        "BeforeInstall: check",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(
        noted(
            &done,
            "app/ecspresso.jsonnet",
            "--application App --deployment-group Dgp"
        ),
        "{:?}",
        done.notes
    );
}

#[test]
fn a_branch_in_the_configuration_is_told() {
    let config =
        CONFIG.replace("plugins:\n", "plugins:\n{{ if (env `BUCKET` ``) }}\n") + "{{ end }}\n";
    let done = converted(&[
        ("ecspresso.yml", &config),
        ("ecs-task-def.json", TASK),
        ("ecs-service-def.json", "{}"),
    ]);
    assert!(
        noted(&done, "ecspresso.yml", "is not evaluated"),
        "{:?}",
        done.notes
    );
}

#[test]
fn nothing_found_and_a_missing_file_are_errors() {
    let none = convert(&Input {
        files: files(&[("a.yaml", "x: 1")]),
        ..Input::default()
    });
    assert!(
        none.unwrap_err()
            .contains("found no ecspresso configuration")
    );
    let gone = convert(&Input {
        files: files(&[("ecspresso.yml", CONFIG)]),
        ..Input::default()
    });
    let error = gone.unwrap_err();
    assert!(
        error.contains("ecspresso.yml: ecs-task-def.json is not there"),
        "{error}"
    );
}

#[test]
fn what_stands_beside_a_spec_and_in_notes_has_its_variables_too() {
    let config = format!(
        "{CONFIG}appspec:\n  Hooks:\n    - BeforeInstall: 'check-{{{{ must_env `HOOK` }}}}'\n\
         codedeploy:\n  application_name: 'app-{{{{ must_env `STAGE` }}}}'\n  deployment_group_name: group\n"
    );
    let done = converted(&[
        ("ecspresso.yml", &config),
        ("ecs-task-def.json", TASK),
        (
            "ecs-service-def.json",
            &SERVICE.replace("{{ must_env `COUNT` }}", "2"),
        ),
    ]);
    let service = text(&done, "services/harbour.yaml");
    assert!(
        service.contains("BeforeInstall: check-${HOOK}"),
        "{service}"
    );
    assert!(
        noted(&done, "ecspresso.yml", "--application app-${STAGE} "),
        "{:?}",
        done.notes
    );
}

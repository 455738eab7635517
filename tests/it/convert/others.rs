//! `PipeCD` applications and the files of pipelines.

use evenkeel::convert::{Input, convert};
use evenkeel::model::Key;
use serde_json::json;

use super::{converted, errors, files, loaded, noted, text};

const TASK: &str = "\
family: quay
executionRoleArn: arn:aws:iam::123456789012:role/exec
containerDefinitions:
  - {name: web, image: example.com/quay:1, command: null, cpu: 100, memory: 100, mountPoints: [], portMappings: [{containerPort: 80}]}
requiresCompatibilities: [FARGATE]
networkMode: awsvpc
memory: 512
cpu: 256
pidMode: \"\"
";

#[test]
fn a_pipecd_application_becomes_a_rolling_service_and_its_pipeline_is_told() {
    let app = "\
apiVersion: pipecd.dev/v1beta1
kind: ECSApp
spec:
  name: quay
  input:
    serviceDefinitionFile: servicedef.yaml
    taskDefinitionFile: taskdef.yaml
    targetGroups:
      primary: {targetGroupArn: arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/a/0123456789abcdef, containerName: web, containerPort: 80}
      canary: {targetGroupArn: arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/b/0123456789abcdef, containerName: web, containerPort: 80}
  pipeline:
    stages:
      - name: ECS_CANARY_ROLLOUT
      - name: WAIT_APPROVAL
  encryption: {encryptedSecrets: {foo: abc}}
";
    let service = "\
cluster: arn:aws:ecs:eu-west-1:123456789012:cluster/sea
serviceName: quay-service
desiredCount: 2
deploymentController: {type: EXTERNAL}
launchType: FARGATE
networkConfiguration:
  awsvpcConfiguration: {subnets: [subnet-0a1b2c3d4e5f60003], securityGroups: [sg-0a1b2c3d4e5f60002]}
tags:
  - {key: FOO, value: \"{{ .encryptedSecrets.foo }}\"}
";
    let done = converted(&[
        ("quay/app.pipecd.yaml", app),
        ("quay/servicedef.yaml", service),
        ("quay/taskdef.yaml", TASK),
    ]);
    let loaded = loaded(&done);
    assert!(errors(&loaded).is_empty(), "{:#?}", loaded.diagnostics);
    let service: Key = "Service/quay-service".parse().unwrap();
    let service = &loaded.set.get(&service).unwrap().spec;
    assert_eq!(service["loadBalancers"][0]["containerPort"], json!(80));
    assert!(service.get("deploymentController").is_none());
    assert_eq!(service["tags"][0]["value"], "${ENCRYPTEDSECRETS_FOO}");
    for (file, part) in [
        ("quay/servicedef.yaml", "EXTERNAL"),
        (
            "quay/app.pipecd.yaml",
            "pipeline (ECS_CANARY_ROLLOUT, WAIT_APPROVAL)",
        ),
        ("quay/app.pipecd.yaml", "canary"),
        ("quay/app.pipecd.yaml", "encryption"),
    ] {
        assert!(noted(&done, file, part), "{file}: {part}: {:?}", done.notes);
    }
}

const APPSPEC: &str = "\
version: 0.0
Resources:
  - TargetService:
      Type: AWS::ECS::Service
      Properties:
        TaskDefinition: <TASK_DEFINITION>
        LoadBalancerInfo: {ContainerName: web, ContainerPort: \"80\"}
        PlatformVersion: 1.4.0
        NetworkConfiguration:
          AwsvpcConfiguration: {Subnets: [subnet-0a1b2c3d4e5f60003], SecurityGroups: [sg-0a1b2c3d4e5f60002], AssignPublicIp: ENABLED}
Hooks:
  - BeforeAllowTraffic: check
";

#[test]
fn a_pipelines_files_become_a_task_definition_and_a_blue_green_service() {
    let input = Input {
        files: files(&[
            (
                "taskdef.yaml",
                &TASK.replace("example.com/quay:1", "<IMAGE1_NAME>"),
            ),
            ("appspec.yaml", APPSPEC),
            ("imageDetail.json", r#"{"ImageURI": "example.com/quay:2"}"#),
        ]),
        cluster: Some("sea".to_owned()),
        service: Some("quay".to_owned()),
        ..Input::default()
    };
    let done = convert(&input).unwrap();
    let loaded = loaded(&done);
    let key: Key = "TaskDefinition/quay".parse().unwrap();
    assert_eq!(
        loaded.set.get(&key).unwrap().spec["containerDefinitions"][0]["image"],
        "example.com/quay:2"
    );
    let environment = text(&done, "environment.yaml");
    assert!(
        environment.contains("fromEnv: TARGET_GROUP_ARN"),
        "{environment}"
    );
    assert_eq!(errors(&loaded), []);
    let text = text(&done, "services/quay.yaml");
    for part in [
        "BeforeAllowTraffic: check",
        "type: CODE_DEPLOY",
        "platformVersion: 1.4.0",
        "assignPublicIp: ENABLED",
        "containerPort: 80",
        "targetGroupArn: ${TARGET_GROUP_ARN}",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(
        noted(&done, "appspec.yaml", "TARGET_GROUP_ARN"),
        "{:?}",
        done.notes
    );
}

#[test]
fn image_definitions_are_put_in_by_container() {
    let done = converted(&[
        (
            "taskdef.json",
            r#"{"family": "quay", "memory": "512", "containerDefinitions": [{"name": "web", "image": "old"}]}"#,
        ),
        (
            "imagedefinitions.json",
            r#"[{"name": "web", "imageUri": "example.com/quay:3"}, {"name": "gone", "imageUri": "x"}]"#,
        ),
    ]);
    assert!(text(&done, "task-definitions/quay.yaml").contains("image: example.com/quay:3"));
    assert!(
        noted(&done, "imagedefinitions.json", "gone"),
        "{:?}",
        done.notes
    );
    assert!(errors(&loaded(&done)).is_empty());
}

//! Events as AWS's documentation shows them, and texts that are none.

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// An event around its own part.
fn event(
    account: &str,
    region: &str,
    source: &str,
    kind: &str,
    resources: &Value,
    detail: &Value,
) -> String {
    json!({
        "version": "0",
        "id": "13cde686-328b-6117-af20-0e5566167482",
        "detail-type": kind,
        "source": source,
        "account": account,
        "time": "2019-11-16T01:54:34Z",
        "region": region,
        "resources": resources,
        "detail": detail
    })
    .to_string()
}

fn ours(source: &str, kind: &str, resources: &Value, detail: &Value) -> Heard {
    let text = event("111122223333", "us-west-2", source, kind, resources, detail);
    heard(&text, Some("111122223333"), "us-west-2")
}

/// The example of "Amazon ECR events", whole.
const PUSH: &str = r#"{
    "version": "0",
    "id": "13cde686-328b-6117-af20-0e5566167482",
    "detail-type": "ECR Image Action",
    "source": "aws.ecr",
    "account": "123456789012",
    "time": "2019-11-16T01:54:34Z",
    "region": "us-west-2",
    "resources": [],
    "detail": {
        "result": "SUCCESS",
        "repository-name": "my-repository-name",
        "image-digest": "sha256:7f5b2640fe6fb4f46592dfd3410c4a79dac4f89e4782432e0378abcd1234",
        "action-type": "PUSH",
        "image-tag": "latest"
    }
}"#;

const SERVICE: &str = "arn:aws:ecs:us-west-2:111122223333:service/default/servicetest";

fn service_hint() -> Heard {
    Heard::Look(Hint::Service {
        cluster: "default".to_owned(),
        name: "servicetest".to_owned(),
    })
}

#[test]
fn a_push_is_of_a_repository_here() {
    let look = Heard::Look(Hint::Images("my-repository-name".to_owned()));
    assert_eq!(heard(PUSH, Some("123456789012"), "us-west-2"), look);
    assert_eq!(
        heard(PUSH, None, "us-west-2"),
        look,
        "whose is not known yet"
    );
    assert_eq!(
        heard(PUSH, Some("111122223333"), "us-west-2"),
        Heard::Foreign
    );
    assert_eq!(
        heard(PUSH, Some("123456789012"), "us-east-1"),
        Heard::Foreign
    );
    let replicated = json!({
        "result": "SUCCESS", "repository-name": "docker-hub/alpine",
        "image-digest": "sha256:7f5b2640fe6fb4f46592dfd3410c4a79dac4f89e4782432e0378abcd1234",
        "source-account": "123456789012", "action-type": "REPLICATE", "source-region": "us-west-2",
        "image-tag": "3.17.2"
    });
    assert_eq!(
        ours(
            "aws.ecr",
            "ECR Replication Action",
            &json!(["arn:aws:ecr:us-east-1:123456789012:repository/docker-hub/alpine"]),
            &replicated
        ),
        Heard::Look(Hint::Images("docker-hub/alpine".to_owned()))
    );
}

#[test]
fn what_is_said_of_a_deployment_is_of_its_service() {
    let detail = json!({
        "eventType": "INFO", "eventName": "SERVICE_DEPLOYMENT_COMPLETED", "deploymentId": "ecs-svc/123",
        "updatedAt": "2020-05-23T11:11:11Z", "reason": "ECS deployment deploymentID completed."
    });
    let heard = ours(
        "aws.ecs",
        "ECS Deployment State Change",
        &json!([SERVICE]),
        &detail,
    );
    assert_eq!(heard, service_hint());
    let detail = json!({
        "eventType": "INFO", "eventName": "SERVICE_STEADY_STATE",
        "clusterArn": "arn:aws:ecs:us-west-2:111122223333:cluster/default",
        "createdAt": "2019-11-19T19:27:22.695Z"
    });
    for service in [
        SERVICE,
        "arn:aws:ecs:us-west-2:111122223333:service/servicetest",
    ] {
        let heard = ours("aws.ecs", "ECS Service Action", &json!([service]), &detail);
        assert_eq!(heard, service_hint(), "{service}");
    }
    let detail = json!({
        "instanceGroupId": "9fd2fbef-2157-40d8-91e7-6845af69e2d2", "region": "us-west-2",
        "application": "myApplication", "deploymentId": "d-123456789", "state": "SUCCESS",
        "deploymentGroup": "myDeploymentGroup"
    });
    let resources = json!([
        "arn:aws:codedeploy:us-west-2:111122223333:application:myApplication",
        "arn:aws:codedeploy:us-west-2:111122223333:deploymentgroup:myApplication/myDeploymentGroup"
    ]);
    let kind = "CodeDeploy Deployment State-change Notification";
    assert_eq!(
        ours("aws.codedeploy", kind, &resources, &detail),
        Heard::Look(Hint::DeploymentGroup {
            application: "myApplication".to_owned(),
            group: "myDeploymentGroup".to_owned()
        })
    );
}

#[test]
fn a_task_is_of_its_service_or_of_none() {
    let task = |group: &str| {
        json!({
            "clusterArn": "arn:aws:ecs:us-west-2:111122223333:cluster/FargateCluster",
            "containers": [{"name": "FargateApp", "lastStatus": "RUNNING"}],
            "desiredStatus": "RUNNING", "group": group, "lastStatus": "RUNNING", "version": 4
        })
    };
    let resources = json!([
        "arn:aws:ecs:us-west-2:111122223333:task/FargateCluster/c13b4cb40f1f4fe4a2971f76ae5a47ad"
    ]);
    let told = |group: &str| ours("aws.ecs", "ECS Task State Change", &resources, &task(group));
    assert_eq!(
        told("service:sample-service"),
        Heard::Look(Hint::Tasks {
            cluster: "FargateCluster".to_owned(),
            name: "sample-service".to_owned()
        })
    );
    assert_eq!(told("family:sample-fargate"), Heard::Ignored);
    assert_eq!(
        ours(
            "aws.ecs",
            "ECS Task State Change",
            &resources,
            &json!({"lastStatus": "RUNNING"})
        ),
        Heard::Ignored
    );
}

#[test]
fn a_parameter_is_of_the_source() {
    let detail = json!({"operation": "Create", "name": "foo", "type": "String", "description": "Sample Parameter"});
    let resources = json!(["arn:aws:ssm:us-west-2:111122223333:parameter/foo"]);
    let told = ours("aws.ssm", "Parameter Store Change", &resources, &detail);
    assert_eq!(told, Heard::Look(Hint::Source));
}

#[test]
fn what_nothing_follows_from_is_ignored() {
    for (source, kind) in [
        ("aws.ecr", "ECR Image Scan"),
        ("aws.ecs", "ECS Container Instance State Change"),
        ("aws.ecs", "AWS API Call via CloudTrail"),
        ("aws.ssm", "Parameter Store Policy Action"),
        // The source counts: anybody may put events under a name of their own.
        ("com.example", "ECR Image Action"),
        ("aws.ec2", "ECS Deployment State Change"),
    ] {
        let told = ours(
            source,
            kind,
            &json!([SERVICE]),
            &json!({"repository-name": "a"}),
        );
        assert_eq!(told, Heard::Ignored, "{source} {kind}");
    }
}

#[test]
fn what_is_no_event_is_broken() {
    let long = "x".repeat(LONGEST_NAME + 1);
    let deployment = |resources: Value| {
        ours(
            "aws.ecs",
            "ECS Deployment State Change",
            &resources,
            &json!({"eventName": "X"}),
        )
    };
    for resources in [
        json!([]),
        json!(null),
        json!([7]),
        json!(["arn:aws:ecs:us-west-2:111122223333:task/a/b"]),
        // The old form without the cluster beside it.
        json!(["arn:aws:ecs:us-west-2:111122223333:service/a"]),
        json!(["arn:aws:ecs:us-west-2:111122223333:service//b"]),
        json!([format!(
            "arn:aws:ecs:us-west-2:111122223333:service/a/{long}"
        )]),
    ] {
        assert_eq!(deployment(resources.clone()), Heard::Broken, "{resources}");
    }
    for name in [json!(long), json!(""), json!(7), json!(null)] {
        let told = ours(
            "aws.ecr",
            "ECR Image Action",
            &json!([]),
            &json!({"repository-name": name}),
        );
        assert_eq!(told, Heard::Broken, "{name}");
    }
    let kind = "CodeDeploy Deployment State-change Notification";
    assert_eq!(
        ours(
            "aws.codedeploy",
            kind,
            &json!([]),
            &json!({"application": "a"})
        ),
        Heard::Broken
    );
    let mut large = PUSH.to_owned();
    large.push_str(&" ".repeat(LARGEST));
    for text in [
        "",
        "x",
        "{}",
        "[]",
        "null",
        "\"\u{0}\"",
        &PUSH[..100],
        &large,
        &"[".repeat(10_000),
    ] {
        let told = heard(text, None, "us-west-2");
        assert_eq!(told, Heard::Broken, "{text:.40}");
    }
}

proptest! {
    #[test]
    fn no_text_breaks_it(text in "\\PC{0,200}") {
        let _: Heard = heard(&text, None, "us-west-2");
    }

    #[test]
    fn an_event_cut_anywhere_is_broken(at in 1..PUSH.len() - 1) {
        prop_assume!(PUSH.is_char_boundary(at));
        prop_assert_eq!(heard(&PUSH[..at], None, "us-west-2"), Heard::Broken);
    }
}

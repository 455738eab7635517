//! The table of refusals of `RegisterTaskDefinition`.

use super::super::super::testing::world;
use super::super::register::register;
use super::*;
use serde_json::json;

/// A valid Fargate request with some members set or, when null, removed.
fn with(changes: &Value) -> Value {
    let mut request = json!({"family": "web", "networkMode": "awsvpc", "cpu": "256", "memory": "512",
        "requiresCompatibilities": ["FARGATE"],
        "containerDefinitions": [{"name": "app", "image": "nginx:1"}]});
    for (member, value) in changes.as_object().unwrap() {
        request[member] = value.clone();
    }
    request
}

#[test]
fn a_plain_request_is_taken() {
    register(&mut world(), &with(&json!({}))).unwrap();
}

#[test]
fn what_aws_refuses_is_refused_with_its_words() {
    let app = |member: &str, value: Value| {
        let mut container = json!({"name": "app", "image": "nginx:1"});
        container[member] = value;
        json!({"containerDefinitions": [container]})
    };
    let ec2 = |container: Value| {
        json!({"requiresCompatibilities": null, "cpu": null, "memory": null, "networkMode": null,
            "containerDefinitions": [container]})
    };
    let rows = [
        (
            json!({"cpu": "512", "memory": "512"}),
            "No Fargate configuration exists for given values: 512 CPU, 512 memory. See the Amazon ECS documentation for the valid values.",
        ),
        (
            json!({"cpu": null}),
            "Fargate requires that 'cpu' be defined at the task level.",
        ),
        (
            json!({"memory": null}),
            "Fargate requires that 'memory' be defined at the task level.",
        ),
        (json!({"cpu": "lots"}), "Invalid 'cpu' setting for task."),
        (
            json!({"networkMode": "bridge"}),
            "Fargate only supports network mode 'awsvpc'.",
        ),
        (
            json!({"networkMode": "mesh"}),
            "Network mode 'mesh' is not valid.",
        ),
        (json!({"family": ""}), "Family should not be null or empty."),
        (
            json!({"family": "a b"}),
            "Family contains invalid characters.",
        ),
        (
            json!({"containerDefinitions": []}),
            "Container list cannot be empty.",
        ),
        (
            app(
                "portMappings",
                json!([{"containerPort": 80, "hostPort": 81}]),
            ),
            "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
        ),
        (
            app("memory", json!(513)),
            "The 'memory' setting for container 'app' is greater than for the task.",
        ),
        (
            ec2(json!({"name": "x", "image": "i"})),
            "Invalid setting for container 'x'. At least one of 'memory' or 'memoryReservation' must be specified.",
        ),
        (
            app("name", json!("")),
            "Container.name should not be null or empty.",
        ),
        (
            app("image", json!("")),
            "Container.image should not be null or empty.",
        ),
        (
            app("essential", json!(false)),
            "Task definition must have at least one essential container.",
        ),
        (
            app(
                "mountPoints",
                json!([{"sourceVolume": "v", "containerPath": "/"}]),
            ),
            "Unknown volume 'v'.",
        ),
        (
            app(
                "dependsOn",
                json!([{"containerName": "db", "condition": "START"}]),
            ),
            "Container dependency 'db' does not exist.",
        ),
        (
            app("secrets", json!([{"name": "A", "valueFrom": "a"}])),
            "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.",
        ),
        (
            app("logConfiguration", json!({"logDriver": "awslogs"})),
            "Fargate requires task definition to have execution role ARN to support log driver awslogs.",
        ),
        (
            app(
                "image",
                json!("123456789012.dkr.ecr.us-east-1.amazonaws.com/a:1"),
            ),
            "Fargate requires task definition to have execution role ARN to support ECR images.",
        ),
        (
            json!({"containerDefinitions": [{"name": "a", "image": "i"}, {"name": "a", "image": "i"}]}),
            "Duplicate container name 'a'.",
        ),
    ];
    for (change, message) in rows {
        let refused = register(&mut world(), &with(&change)).unwrap_err();
        assert_eq!(refused.message, message);
    }
}

#[test]
fn limits_are_kept() {
    let containers: Vec<Value> = (0..11)
        .map(|n| json!({"name": format!("c{n}"), "image": "i"}))
        .collect();
    let refused = register(
        &mut world(),
        &with(&json!({"containerDefinitions": containers})),
    );
    assert_eq!(
        refused.unwrap_err().message,
        "Task definitions can have at most 10 containers."
    );
    let long = json!({"containerDefinitions": [{"name": "a", "image": "i", "command": ["x".repeat(70_000)]}]});
    let refused = register(&mut world(), &with(&long)).unwrap_err();
    assert!(
        refused
            .message
            .ends_with("Max allowed length is '65536' bytes."),
        "{}",
        refused.message
    );
    assert_eq!(refused.code, "ClientException");
}

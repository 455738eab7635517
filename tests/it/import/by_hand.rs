//! Services that somebody made at the console, with members that few use.

use evenkeel::model::Service;
use serde_json::{Value, json};

use super::{by_path, imported, nothing_to_do};
use crate::sim::world::{World, pass};

const SETTLED: std::time::Duration = std::time::Duration::from_mins(5);

async fn ecs(world: &World, operation: &'static str, input: Value) -> Value {
    world.person.call(Service::Ecs, operation, input).await
}

/// A cluster, an image in ECR, and a task definition with most of what one can hold.
async fn surroundings(world: &World, image: &str) -> String {
    ecs(world, "CreateCluster", json!({"clusterName": "hand", "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
        "defaultCapacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1, "base": 1}],
        "settings": [{"name": "containerInsights", "value": "enabled"}],
        "tags": [{"key": "team", "value": "sea"}]})).await;
    let definition = json!({
        "family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "1 vCPU", "memory": "2 GB",
        "executionRoleArn": "arn:aws:iam::123456789012:role/execution",
        "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
        "ephemeralStorage": {"sizeInGiB": 40},
        "volumes": [{"name": "data", "configuredAtLaunch": true},
            {"name": "shared", "efsVolumeConfiguration": {"fileSystemId": "fs-0123456789abcdef0", "rootDirectory": "/",
                "transitEncryption": "ENABLED", "authorizationConfig": {"iam": "ENABLED"}}}],
        "tags": [{"key": "team", "value": "sea"}],
        "containerDefinitions": [
            {"name": "web", "image": image, "cpu": 0, "essential": true,
             "portMappings": [{"containerPort": 8080, "hostPort": 8080, "protocol": "tcp", "name": "http", "appProtocol": "http"}],
             "environment": [{"name": "B", "value": ""}, {"name": "A", "value": "007"}, {"name": "DB_PASSWORD", "value": "hunter2"}],
             "secrets": [{"name": "KEY", "valueFrom": "arn:aws:ssm:us-east-1:123456789012:parameter/key"}],
             "command": ["sh", "-c", "echo ${HOME} && exec web"], "dependsOn": [{"containerName": "init", "condition": "SUCCESS"}],
             "mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}],
             "ulimits": [{"name": "nofile", "softLimit": 1024, "hardLimit": 4096}],
             "linuxParameters": {"initProcessEnabled": true, "capabilities": {"drop": ["ALL"]}},
             "dockerLabels": {"Team": "sea", "yes": "no"}, "stopTimeout": 30,
             "restartPolicy": {"enabled": true, "ignoredExitCodes": [0], "restartAttemptPeriod": 60},
             "healthCheck": {"command": ["CMD-SHELL", "curl -f http://localhost:8080/ || exit 1"], "interval": 10},
             "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/hand", "awslogs-region": "us-east-1"}}},
            {"name": "init", "image": "public.ecr.aws/docker/library/busybox:1.36", "essential": false, "command": ["true"]}]});
    let answer = ecs(world, "RegisterTaskDefinition", definition).await;
    answer["taskDefinition"]["taskDefinitionArn"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn empty(seed: u64) -> World {
    World::new("p2", &["cluster.yaml", "sandbox.yaml"], seed).await
}

const NETWORK: &str = r#"{"awsvpcConfiguration": {"subnets": ["subnet-0b1b2c3d4e5f60003", "subnet-0b1b2c3d4e5f60004"],
    "securityGroups": ["sg-0b1b2c3d4e5f60002"], "assignPublicIp": "ENABLED"}}"#;

#[tokio::test(start_paused = true)]
async fn a_rolling_service_with_most_members_comes_back() {
    let world = empty(21).await;
    let image = "public.ecr.aws/docker/library/nginx:1.27";
    let definition = surroundings(&world, image).await;
    let network: Value = serde_json::from_str(NETWORK).unwrap();
    ecs(&world, "CreateService", json!({
        "cluster": "hand", "serviceName": "web", "taskDefinition": definition, "desiredCount": 2,
        "capacityProviderStrategy": [{"capacityProvider": "FARGATE", "base": 1, "weight": 1}, {"capacityProvider": "FARGATE_SPOT", "weight": 3}],
        "deploymentConfiguration": {"maximumPercent": 150, "minimumHealthyPercent": 50,
            "deploymentCircuitBreaker": {"enable": true, "rollback": true},
            "alarms": {"alarmNames": ["errors", "latency"], "enable": true, "rollback": false}},
        "networkConfiguration": network, "propagateTags": "SERVICE", "enableExecuteCommand": true,
        "enableECSManagedTags": true, "availabilityZoneRebalancing": "DISABLED",
        "serviceConnectConfiguration": {"enabled": true, "namespace": "hand", "services": [
            {"portName": "http", "discoveryName": "web", "clientAliases": [{"port": 80, "dnsName": "web"}]}]},
        "volumeConfigurations": [{"name": "data", "managedEBSVolume": {"sizeInGiB": 20, "volumeType": "gp3", "encrypted": true,
            "roleArn": "arn:aws:iam::123456789012:role/ecsInfrastructureRole", "filesystemType": "xfs"}}],
        "tags": [{"key": "team", "value": "sea"}]})).await;
    pass(SETTLED).await;
    let imported = imported(&world, "hand", &["web"]).await;
    assert!(imported.notes.is_empty(), "{:?}", imported.notes);
    let text = by_path(&imported)["services/web.yaml"];
    for part in [
        "serviceConnectConfiguration",
        "managedEBSVolume",
        "FARGATE_SPOT",
        "resetOnHealthyTask",
    ] {
        assert_eq!(
            text.contains(part),
            part != "resetOnHealthyTask",
            "{part}: {text}"
        );
    }
    assert!(
        text.contains("# Warning: the variable DB_PASSWORD"),
        "{text}"
    );
    nothing_to_do(&world, &imported).await;
}

#[tokio::test(start_paused = true)]
async fn an_ec2_service_with_placement_and_a_daemon_come_back() {
    let world = empty(22).await;
    surroundings(&world, "public.ecr.aws/docker/library/nginx:1.27").await;
    let definition = ecs(&world, "RegisterTaskDefinition", json!({"family": "agent", "networkMode": "bridge",
        "requiresCompatibilities": ["EC2"], "containerDefinitions": [{"name": "agent", "image": "example.com/agent:1",
            "memoryReservation": 64, "portMappings": [{"containerPort": 9000, "hostPort": 0}], "links": [],
            "privileged": true}],
        "placementConstraints": [{"type": "memberOf", "expression": "attribute:ecs.os-type == linux"}]})).await;
    let arn = &definition["taskDefinition"]["taskDefinitionArn"];
    ecs(&world, "CreateService", json!({"cluster": "hand", "serviceName": "agent", "taskDefinition": arn, "launchType": "EC2",
        "schedulingStrategy": "DAEMON"})).await;
    ecs(&world, "CreateService", json!({"cluster": "hand", "serviceName": "batch", "taskDefinition": arn, "launchType": "EC2",
        "desiredCount": 0, "placementStrategy": [{"type": "spread", "field": "attribute:ecs.availability-zone"}, {"type": "binpack", "field": "memory"}],
        "placementConstraints": [{"type": "distinctInstance"}]})).await;
    pass(SETTLED).await;
    let imported = imported(&world, "hand", &["agent", "batch"]).await;
    let plans = super::plans(&world, &imported).await;
    for (key, plan) in plans {
        assert!(
            plan.steps.is_empty() && plan.drift.is_empty(),
            "{key}: {plan:#?}"
        );
    }
}

/// AWS registers what it is given; a manifest that wanted the digest would deploy.
#[tokio::test(start_paused = true)]
async fn an_image_by_tag_stays_one() {
    let world = empty(23).await;
    let input = json!({"repositoryName": "test-api-server", "imageTagMutability": "IMMUTABLE"});
    world
        .person
        .call(Service::Ecr, "CreateRepository", input)
        .await;
    let image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/test-api-server:latest";
    let definition = surroundings(&world, image).await;
    let network: Value = serde_json::from_str(NETWORK).unwrap();
    ecs(
        &world,
        "CreateService",
        json!({"cluster": "hand", "serviceName": "web", "taskDefinition": definition,
        "desiredCount": 1, "launchType": "FARGATE", "networkConfiguration": network,
        "volumeConfigurations": [{"name": "data", "managedEBSVolume": {"sizeInGiB": 20,
            "roleArn": "arn:aws:iam::123456789012:role/ecsInfrastructureRole"}}]}),
    )
    .await;
    pass(SETTLED).await;
    let imported = imported(&world, "hand", &["web"]).await;
    let text = by_path(&imported)["services/web.yaml"];
    assert!(text.contains("evenkeel.dev/images: as-written"), "{text}");
    assert!(text.contains("kind: ImageRepository"), "{text}");
    nothing_to_do(&world, &imported).await;
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_not_there_is_named_with_account_and_region() {
    let world = empty(24).await;
    surroundings(&world, "public.ecr.aws/docker/library/nginx:1.27").await;
    let wanted = evenkeel::import::Wanted {
        cluster: "hand".to_owned(),
        services: vec!["gone".to_owned()],
        group: None,
    };
    let aws = super::client(&world).await;
    let error = evenkeel::import::import(&aws, &world.clock, &wanted)
        .await
        .unwrap_err();
    assert!(error.contains("service gone of cluster hand"), "{error}");
    assert!(
        error.contains("123456789012") && error.contains("us-east-1"),
        "{error}"
    );
}

/// While a deployment is under way both revisions run, in no order that is promised.
#[tokio::test(start_paused = true)]
async fn of_two_running_revisions_the_newest_is_taken() {
    let world = empty(24).await;
    let definition = surroundings(&world, "public.ecr.aws/docker/library/nginx:1.27").await;
    let network: Value = serde_json::from_str(NETWORK).unwrap();
    let monitoring = |name: &str| json!({"metricConfigurations": [{"metricNames": [name], "resolutionSeconds": 20}]});
    ecs(&world, "CreateService", json!({"cluster": "hand", "serviceName": "web", "taskDefinition": definition,
        "desiredCount": 1, "launchType": "FARGATE", "networkConfiguration": network, "monitoring": monitoring("CPUUtilization"),
        "volumeConfigurations": [{"name": "data", "managedEBSVolume": {"sizeInGiB": 20,
            "roleArn": "arn:aws:iam::123456789012:role/ecsInfrastructureRole"}}]})).await;
    pass(SETTLED).await;
    ecs(
        &world,
        "UpdateService",
        json!({"cluster": "hand", "service": "web", "monitoring": monitoring("MemoryUtilization")}),
    )
    .await;
    let answer = ecs(
        &world,
        "DescribeServices",
        json!({"cluster": "hand", "services": ["web"]}),
    )
    .await;
    let running = answer.pointer("/services/0/currentServiceRevisions");
    assert_eq!(running.and_then(Value::as_array).map(Vec::len), Some(2));
    let imported = imported(&world, "hand", &["web"]).await;
    let text = by_path(&imported)["services/web.yaml"];
    assert!(text.contains("MemoryUtilization"), "{text}");
    assert!(!text.contains("CPUUtilization"), "{text}");
}

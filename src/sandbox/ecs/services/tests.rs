//! The tables of refusals and defaults of the service operations.

use super::super::testing::{
    balance, behind, call, define, described, fargate_service, network, refusal, seconds,
    target_group, world,
};
use super::super::{World, input};
use serde_json::{Value, json};

/// The world of these tests: target groups behind a load balancer (`on`), without one (`off`) and of
/// the wrong type (`wrong`, with a load balancer).
fn groups() -> (World, [String; 3]) {
    let mut world = world();
    let on = target_group(&mut world, "on", "ip");
    let off = target_group(&mut world, "off", "ip");
    let wrong = target_group(&mut world, "wrong", "instance");
    balance(&mut world, [&on, &wrong]);
    (world, [on, off, wrong])
}

/// A request to create `web`, with some members set or, when null, removed.
fn with(changes: &Value) -> Value {
    let mut request = json!({"cluster": "main", "serviceName": "web", "taskDefinition": "web",
        "launchType": "FARGATE", "desiredCount": 1, "networkConfiguration": network()});
    for (member, value) in changes.as_object().unwrap() {
        request[member] = value.clone();
    }
    request
}

#[test]
fn a_minimal_service_reads_back_filled_in() {
    let mut world = world();
    let made = fargate_service(&mut world, "web", 1);
    for (member, value) in [
        ("status", json!("ACTIVE")),
        ("schedulingStrategy", json!("REPLICA")),
        ("deploymentController", json!({"type": "ECS"})),
        ("healthCheckGracePeriodSeconds", json!(0)),
        ("enableECSManagedTags", json!(false)),
        ("enableExecuteCommand", json!(false)),
        ("propagateTags", json!("NONE")),
        ("platformVersion", json!("LATEST")),
        ("platformFamily", json!("Linux")),
        ("availabilityZoneRebalancing", json!("ENABLED")),
        ("loadBalancers", json!([])),
        ("serviceRegistries", json!([])),
        ("placementConstraints", json!([])),
        ("placementStrategy", json!([])),
        (
            "networkConfiguration",
            json!({"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"],
            "assignPublicIp": "DISABLED", "securityGroups": []}}),
        ),
        (
            "deploymentConfiguration",
            json!({"maximumPercent": 200, "minimumHealthyPercent": 100,
            "strategy": "ROLLING", "bakeTimeInMinutes": 0,
            "alarms": {"alarmNames": [], "enable": false, "rollback": false},
            "deploymentCircuitBreaker": {"enable": false, "rollback": false, "resetOnHealthyTask": true,
                "thresholdConfiguration": {"type": "BOUNDED_PERCENT", "value": 50}}}),
        ),
    ] {
        assert_eq!(made[member], value, "{member}");
    }
    assert!(made.get("taskSets").is_none() && made.get("capacityProviderStrategy").is_none());
    assert!(
        made["roleArn"]
            .as_str()
            .unwrap()
            .ends_with("/AWSServiceRoleForECS")
    );
    assert_eq!(made["deployments"][0]["platformVersion"], "1.4.0");
}

#[test]
fn members_that_nobody_knows_are_kept() {
    let mut world = world();
    let strategy = json!([{"capacityProvider": "FARGATE_SPOT", "weight": 1}]);
    let made = call(
        &mut world,
        "CreateService",
        &with(&json!({"launchType": null, "brandNew": {"a": [1]},
        "capacityProviderStrategy": strategy, "tags": [{"key": "k", "value": "v"}],
        "volumeConfigurations": [{"name": "v"}]})),
    );
    let made = &made["service"];
    assert_eq!(made["brandNew"], json!({"a": [1]}));
    assert_eq!(made["capacityProviderStrategy"][0]["base"], 0);
    assert!(made.get("launchType").is_none());
    assert_eq!(made["tags"], json!([{"key": "k", "value": "v"}]));
    assert!(
        made.get("volumeConfigurations").is_none(),
        "shown on the deployment only"
    );
    assert_eq!(
        made["deployments"][0]["volumeConfigurations"],
        json!([{"name": "v"}])
    );
}

#[test]
fn creations_that_aws_refuses() {
    let (mut world, [on, off, wrong]) = groups();
    define(&mut world, "old", "nginx:1");
    call(
        &mut world,
        "DeregisterTaskDefinition",
        &json!({"taskDefinition": "old:1"}),
    );
    call(
        &mut world,
        "RegisterTaskDefinition",
        &json!({"family": "bridge", "networkMode": "bridge",
        "containerDefinitions": [{"name": "app", "image": "i", "memory": 64, "portMappings": [{"containerPort": 80}]}]}),
    );
    let code_deploy = json!({"type": "CODE_DEPLOY"});
    let bridge = json!({"taskDefinition": "bridge", "launchType": "EC2", "networkConfiguration": null, "loadBalancers": behind(&on)});
    let rows = [
        (json!({"cluster": "gone"}), "ClusterNotFoundException", "Cluster not found.".to_owned()),
        (json!({"taskDefinition": "gone"}), "ClientException", "TaskDefinition not found.".to_owned()),
        (json!({"taskDefinition": "old:1"}), "ClientException", "TaskDefinition is inactive".to_owned()),
        (json!({"taskDefinition": "bridge"}), "InvalidParameterException", "Task definition does not support launch_type FARGATE.".to_owned()),
        (json!({"networkConfiguration": null}), "InvalidParameterException", "Network Configuration must be provided when networkMode 'awsvpc' is specified.".to_owned()),
        (json!({"loadBalancers": behind(&off)}), "InvalidParameterException", format!("The target group with targetGroupArn {off} does not have an associated load balancer.")),
        (json!({"loadBalancers": behind(&wrong)}), "InvalidParameterException", format!("The provided target group {wrong} has target type instance, which is incompatible with the awsvpc network mode specified in the task definition.")),
        (bridge, "InvalidParameterException", format!("The provided target group {on} has target type ip, which is incompatible with the bridge network mode specified in the task definition.")),
        (json!({"loadBalancers": [{"targetGroupArn": on, "containerName": "x", "containerPort": 80}]}), "InvalidParameterException", "The container x does not exist in the task definition.".to_owned()),
        (json!({"loadBalancers": [{"targetGroupArn": on, "containerName": "app", "containerPort": 81}]}), "InvalidParameterException", "The container app did not have a container port 81 defined.".to_owned()),
        (json!({"healthCheckGracePeriodSeconds": 5}), "InvalidParameterException", "Health check grace period is only valid for services configured to use load balancers".to_owned()),
        (json!({"capacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1}]}), "InvalidParameterException", "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.".to_owned()),
        (json!({"deploymentController": code_deploy}), "InvalidParameterException", "A load balancer is required for services with a CODE_DEPLOY deployment controller.".to_owned()),
        (json!({"deploymentController": code_deploy, "schedulingStrategy": "DAEMON", "desiredCount": null}), "InvalidParameterException", "The CODE_DEPLOY deployment controller type is not supported for services using the DAEMON scheduling strategy.".to_owned()),
        (json!({"deploymentController": code_deploy, "deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": true, "rollback": false}}}), "InvalidParameterException", "Deployment circuit breaker feature is only supported with ECS deployment controller. Update to ECS deployment controller and try again.".to_owned()),
        (json!({"deploymentController": code_deploy, "serviceConnectConfiguration": {"enabled": true}}), "InvalidParameterException", "Service Connect feature is only supported with ECS (rolling update) deployment controller. Update to ECS deployment controller and try again.".to_owned()),
        (json!({"deploymentConfiguration": {"maximumPercent": 100, "minimumHealthyPercent": 100}}), "InvalidParameterException", "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.".to_owned()),
        (json!({"availabilityZoneRebalancing": "ENABLED", "deploymentConfiguration": {"maximumPercent": 100, "minimumHealthyPercent": 0}}), "InvalidParameterException", "Availability Zone rebalancing is not supported for services with a maximumPercent of 100.".to_owned()),
    ];
    for (change, code, message) in rows {
        let refused = refusal(&mut world, "CreateService", &with(&change));
        assert_eq!(refused, (code.to_owned(), message), "{change}");
    }
    assert!(
        described_all(&mut world).is_empty(),
        "a refusal leaves nothing behind"
    );
}

fn described_all(world: &mut World) -> Vec<String> {
    input::texts(
        &call(world, "ListServices", &json!({"cluster": "main"})),
        "serviceArns",
    )
}

#[test]
fn creation_is_idempotent_by_parameters_and_by_token() {
    let mut world = world();
    let made = call(
        &mut world,
        "CreateService",
        &with(&json!({"clientToken": "t"})),
    );
    let arn = &made["service"]["serviceArn"];
    let again = call(&mut world, "CreateService", &with(&json!({})));
    assert_eq!(again["service"]["serviceArn"], *arn);
    let by_token = with(&json!({"clientToken": "t", "desiredCount": 9}));
    assert_eq!(
        call(&mut world, "CreateService", &by_token)["service"]["desiredCount"],
        1
    );
    let (_, message) = refusal(
        &mut world,
        "CreateService",
        &with(&json!({"desiredCount": 9})),
    );
    assert_eq!(message, "Creation of service was not idempotent.");
    seconds(&mut world, 30);
    call(
        &mut world,
        "DeleteService",
        &json!({"cluster": "main", "service": "web", "force": true}),
    );
    let (_, message) = refusal(&mut world, "CreateService", &with(&json!({})));
    assert_eq!(message, "Unable to Start a service that is still Draining.");
}

#[test]
fn code_deploy_services_refuse_what_codedeploy_decides() {
    let (mut world, [on, ..]) = groups();
    let request = with(
        &json!({"loadBalancers": behind(&on), "deploymentController": {"type": "CODE_DEPLOY"}}),
    );
    let made = call(&mut world, "CreateService", &request)["service"].clone();
    let told = |words: &str| {
        format!(
            "Unable to update {words} on services with a CODE_DEPLOY \
        deployment controller. Use AWS CodeDeploy to trigger a new deployment."
        )
    };
    let rows = [
        ("taskDefinition", made["taskDefinition"].clone(), told("task definition")),
        ("networkConfiguration", network(), told("network parameters")),
        ("platformVersion", json!("LATEST"), told("platform version")),
        ("loadBalancers", behind(&on), told("load balancers")),
        ("capacityProviderStrategy", json!([]), told("capacity provider strategy")),
        ("forceNewDeployment", json!(true), "Cannot force a new deployment on services with a \
            CODE_DEPLOY deployment controller. Use AWS CodeDeploy to trigger a new deployment.".to_owned()),
        ("deploymentConfiguration", json!({"alarms": {"enable": true, "rollback": true, "alarmNames": ["a"]}}),
            "Alarm based rollback feature is only supported with ECS deployment controller. Update to \
             ECS deployment controller and try again.".to_owned()),
    ];
    for (member, value, message) in rows {
        let request = json!({"cluster": "main", "service": "web", member: value});
        let refused = refusal(&mut world, "UpdateService", &request);
        assert_eq!(
            refused,
            ("InvalidParameterException".to_owned(), message),
            "{member}"
        );
    }
    let allowed = json!({"cluster": "main", "service": "web", "desiredCount": 2, "propagateTags": "SERVICE",
        "healthCheckGracePeriodSeconds": 30, "enableExecuteCommand": true, "forceNewDeployment": false});
    let updated = call(&mut world, "UpdateService", &allowed)["service"].clone();
    assert_eq!(
        (&updated["desiredCount"], &updated["propagateTags"]),
        (&json!(2), &json!("SERVICE"))
    );
    assert_eq!(updated["taskSets"].as_array().unwrap().len(), 1);
}

#[test]
fn what_starts_a_deployment_and_what_does_not() {
    let mut world = world();
    fargate_service(&mut world, "web", 1);
    define(&mut world, "web", "nginx:2");
    let other = json!({"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef1"]}});
    let rows = [
        (json!({"taskDefinition": "web:1"}), false),
        (json!({"networkConfiguration": network()}), false),
        (
            json!({"propagateTags": "SERVICE", "enableExecuteCommand": true}),
            false,
        ),
        (
            json!({"deploymentConfiguration": {"maximumPercent": 150}}),
            false,
        ),
        (
            json!({"capacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1}]}),
            false,
        ),
        (json!({"taskDefinition": "web"}), true),
        (json!({"networkConfiguration": other}), true),
        (json!({"platformVersion": "1.4.0"}), true),
        (json!({"forceNewDeployment": true}), true),
    ];
    for (change, starts) in rows {
        seconds(&mut world, 90);
        let before = described(&mut world, "web")["deployments"][0]["id"].clone();
        let mut request = json!({"cluster": "main", "service": "web"});
        request
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        let after = call(&mut world, "UpdateService", &request);
        assert_eq!(
            after["service"]["deployments"][0]["id"] != before,
            starts,
            "{change}"
        );
    }
    let last = described(&mut world, "web");
    assert_eq!(last["deploymentConfiguration"]["maximumPercent"], 150);
    assert_eq!(
        last["deploymentConfiguration"]["minimumHealthyPercent"], 100,
        "omitted parts stay"
    );
}

#[test]
fn the_controller_changes_only_where_aws_lets_it() {
    let (mut world, [on, ..]) = groups();
    let request = with(
        &json!({"loadBalancers": behind(&on), "deploymentController": {"type": "CODE_DEPLOY"}}),
    );
    call(&mut world, "CreateService", &request);
    seconds(&mut world, 60);
    let change = |to: &str| json!({"cluster": "main", "service": "web", "deploymentController": {"type": to}});
    let native = call(&mut world, "UpdateService", &change("ECS"))["service"].clone();
    assert_eq!(native["deploymentController"], json!({"type": "ECS"}));
    assert_eq!(native["deployments"][0]["status"], "PRIMARY");
    seconds(&mut world, 120);
    let (_, message) = refusal(&mut world, "UpdateService", &change("CODE_DEPLOY"));
    assert_eq!(
        message,
        "Updating the deployment controller from ECS to CODE_DEPLOY is not supported."
    );
}

#[test]
fn services_are_described_ten_at_a_time_and_listed_in_pages() {
    let mut world = world();
    for n in 0..12 {
        fargate_service(&mut world, &format!("s{n:02}"), 0);
    }
    let names: Vec<String> = (0..11).map(|n| format!("s{n:02}")).collect();
    let request = json!({"cluster": "main", "services": names});
    let refused = refusal(&mut world, "DescribeServices", &request);
    assert_eq!(
        refused,
        (
            "InvalidParameterException".to_owned(),
            "service names can have at most 10 items.".to_owned()
        )
    );
    let answer = call(
        &mut world,
        "DescribeServices",
        &json!({"cluster": "main", "services": ["s00", "no"]}),
    );
    assert_eq!(
        answer["failures"],
        json!([{"reason": "MISSING",
        "arn": "arn:aws:ecs:us-east-1:123456789012:service/main/no"}])
    );
    assert!(answer["services"][0].get("tags").is_none(), "not asked for");
    let page = call(&mut world, "ListServices", &json!({"cluster": "main"}));
    assert_eq!(page["serviceArns"].as_array().unwrap().len(), 10);
    let rest = json!({"cluster": "main", "nextToken": page["nextToken"]});
    assert_eq!(
        call(&mut world, "ListServices", &rest)["serviceArns"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn only_active_services_are_updated_and_only_idle_ones_deleted() {
    let mut world = world();
    fargate_service(&mut world, "web", 1);
    let delete = json!({"cluster": "main", "service": "web"});
    let (_, message) = refusal(&mut world, "DeleteService", &delete);
    assert_eq!(
        message,
        "The service cannot be stopped while it is scaled above 0."
    );
    call(
        &mut world,
        "DeleteService",
        &json!({"cluster": "main", "service": "web", "force": true}),
    );
    for _ in 0..2 {
        let update = json!({"cluster": "main", "service": "web", "desiredCount": 2});
        let refused = refusal(&mut world, "UpdateService", &update);
        assert_eq!(
            refused,
            (
                "ServiceNotActiveException".to_owned(),
                "Service was not ACTIVE.".to_owned()
            )
        );
        seconds(&mut world, 60);
    }
    let update = json!({"cluster": "main", "service": "gone", "desiredCount": 2});
    let refused = refusal(&mut world, "UpdateService", &update);
    assert_eq!(
        refused,
        (
            "ServiceNotFoundException".to_owned(),
            "Service not found.".to_owned()
        )
    );
}

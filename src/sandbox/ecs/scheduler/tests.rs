//! Services stepped through time.

use super::super::behaviour::Behaviour;
use super::super::testing::{
    balance, behind, call, define, described, fargate_service, network, seconds, service,
    target_group, world,
};
use super::*;
use serde_json::{Value, json};

fn update(world: &mut World, changes: &Value) -> Value {
    let mut request = json!({"cluster": "main", "service": "web"});
    for (member, value) in changes.as_object().unwrap() {
        request[member] = value.clone();
    }
    call(world, "UpdateService", &request)["service"].clone()
}

fn crash() -> Behaviour {
    Behaviour {
        crash: Some(137),
        start_seconds: 2,
        ..Behaviour::default()
    }
}

#[test]
fn a_service_comes_up_reaches_its_steady_state_and_costs_nothing_then() {
    let mut world = world();
    let made = fargate_service(&mut world, "web", 2);
    assert_eq!(
        (&made["runningCount"], &made["pendingCount"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(made["deployments"][0]["rolloutState"], "IN_PROGRESS");
    seconds(&mut world, 5);
    assert_eq!(described(&mut world, "web")["pendingCount"], 2);
    seconds(&mut world, 20);
    let up = described(&mut world, "web");
    assert_eq!(
        (&up["runningCount"], &up["pendingCount"]),
        (&json!(2), &json!(0))
    );
    assert_eq!(up["deployments"].as_array().unwrap().len(), 1);
    assert_eq!(up["deployments"][0]["rolloutState"], "COMPLETED");
    let id = up["deployments"][0]["id"].as_str().unwrap();
    let reason = format!("ECS deployment {id} completed.");
    assert_eq!(up["deployments"][0]["rolloutStateReason"], reason);
    let messages: Vec<&str> = service(&world, "web").events.messages().collect();
    assert!(messages.contains(&"(service web) has reached a steady state."));
    assert!(
        messages
            .last()
            .unwrap()
            .starts_with("(service web) has started 2 tasks: (task ")
    );
    assert!(service(&world, "web").settled);
    let before = described(&mut world, "web");
    seconds(&mut world, 3 * 86_400);
    assert_eq!(described(&mut world, "web"), before);
}

#[test]
fn scaling_starts_no_deployment_and_a_stopped_task_is_replaced() {
    let mut world = world();
    fargate_service(&mut world, "web", 1);
    seconds(&mut world, 30);
    let id = described(&mut world, "web")["deployments"][0]["id"].clone();
    let scaled = update(&mut world, &json!({"desiredCount": 3}));
    assert_eq!(scaled["deployments"][0]["desiredCount"], 3);
    seconds(&mut world, 30);
    let up = described(&mut world, "web");
    assert_eq!(
        (&up["runningCount"], &up["deployments"][0]["id"]),
        (&json!(3), &id)
    );
    let tasks = call(
        &mut world,
        "ListTasks",
        &json!({"cluster": "main", "serviceName": "web"}),
    );
    call(
        &mut world,
        "StopTask",
        &json!({"cluster": "main", "task": tasks["taskArns"][0]}),
    );
    seconds(&mut world, 30);
    assert_eq!(described(&mut world, "web")["runningCount"], 3);
    assert_eq!(
        service(&world, "web").sets[0].failed,
        0,
        "a user's stop is no failure"
    );
    update(&mut world, &json!({"desiredCount": 0}));
    seconds(&mut world, 10);
    assert_eq!(described(&mut world, "web")["runningCount"], 0);
}

#[test]
fn a_rolling_update_keeps_to_its_percentages() {
    for (most, least) in [(200, 100), (150, 100), (100, 50), (125, 75)] {
        let mut world = world();
        fargate_service(&mut world, "web", 4);
        seconds(&mut world, 30);
        let next = define(&mut world, "web", "nginx:2");
        let updated = update(
            &mut world,
            &json!({"taskDefinition": next, "deploymentConfiguration":
            {"maximumPercent": most, "minimumHealthyPercent": least},
            "availabilityZoneRebalancing": "DISABLED"}),
        );
        let deployments = updated["deployments"].as_array().unwrap();
        assert_eq!(
            (&deployments[0]["status"], &deployments[1]["status"]),
            (&json!("PRIMARY"), &json!("ACTIVE"))
        );
        assert_eq!(updated["taskDefinition"], next);
        for _ in 0..180 {
            seconds(&mut world, 1);
            let total = service(&world, "web").total();
            assert!(total.alive() <= 4 * most / 100, "{most}/{least}: {total:?}");
            assert!(total.ready >= 4 * least / 100, "{most}/{least}: {total:?}");
        }
        let done = described(&mut world, "web");
        assert_eq!(
            done["deployments"].as_array().unwrap().len(),
            1,
            "{most}/{least}"
        );
        assert_eq!(done["deployments"][0]["rolloutState"], "COMPLETED");
        assert_eq!(done["runningCount"], 4);
    }
}

#[test]
fn the_breaker_rolls_back_to_what_worked() {
    let mut world = world();
    world.behaviours.set("bad:*", crash());
    fargate_service(&mut world, "web", 2);
    seconds(&mut world, 30);
    let good = described(&mut world, "web");
    let bad = define(&mut world, "web", "bad:1");
    let breaker = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}});
    update(
        &mut world,
        &json!({"taskDefinition": bad, "deploymentConfiguration": breaker}),
    );
    seconds(&mut world, 300);
    let back = described(&mut world, "web");
    assert_eq!(back["taskDefinition"], good["taskDefinition"]);
    assert_eq!(back["deployments"].as_array().unwrap().len(), 1);
    assert_eq!(back["deployments"][0]["rolloutState"], "COMPLETED");
    assert_ne!(back["deployments"][0]["id"], good["deployments"][0]["id"]);
    assert_eq!(back["runningCount"], 2);
    let list = call(
        &mut world,
        "ListServiceDeployments",
        &json!({"cluster": "main", "service": "web"}),
    );
    let statuses: Vec<&str> = list["serviceDeployments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["ROLLBACK_SUCCESSFUL", "SUCCESSFUL"]);
    let arn = &list["serviceDeployments"][0]["serviceDeploymentArn"];
    let full = call(
        &mut world,
        "DescribeServiceDeployments",
        &json!({"serviceDeploymentArns": [arn, "x"]}),
    );
    let full_one = &full["serviceDeployments"][0];
    assert_eq!(full_one["deploymentCircuitBreaker"]["status"], "TRIGGERED");
    assert_eq!(full_one["deploymentCircuitBreaker"]["threshold"], 3);
    assert_eq!(full["failures"][0]["reason"], "MISSING");
    let target = &full_one["rollback"]["serviceRevisionArn"];
    let revision = call(
        &mut world,
        "DescribeServiceRevisions",
        &json!({"serviceRevisionArns": [target]}),
    );
    assert_eq!(
        revision["serviceRevisions"][0]["taskDefinition"],
        good["taskDefinition"]
    );
}

#[test]
fn without_something_to_go_back_to_the_deployment_stalls() {
    let mut world = world();
    world.behaviours.set(
        "nginx:*",
        Behaviour {
            missing: true,
            ..Behaviour::default()
        },
    );
    let request = json!({"cluster": "main", "serviceName": "web", "taskDefinition": "web",
        "launchType": "FARGATE", "desiredCount": 1, "networkConfiguration": network(),
        "deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": true, "rollback": true}}});
    call(&mut world, "CreateService", &request);
    seconds(&mut world, 600);
    let stalled = described(&mut world, "web");
    assert_eq!(stalled["deployments"][0]["rolloutState"], "FAILED");
    assert_eq!(stalled["deployments"][0]["failedTasks"], 3);
    let stopped = json!({"cluster": "main", "serviceName": "web", "desiredStatus": "STOPPED"});
    let tasks = call(&mut world, "ListTasks", &stopped)["taskArns"].clone();
    let task = &call(
        &mut world,
        "DescribeTasks",
        &json!({"cluster": "main", "tasks": tasks}),
    )["tasks"][0];
    assert_eq!(task["stopCode"], "TaskFailedToStart");
    let reason = task["stoppedReason"].as_str().unwrap();
    assert!(
        reason.starts_with("CannotPullContainerError: ") && reason.contains("nginx:1"),
        "{reason}"
    );
}

#[test]
fn without_the_breaker_failing_tasks_are_throttled() {
    let mut world = world();
    world.behaviours.set("nginx:*", crash());
    fargate_service(&mut world, "web", 1);
    seconds(&mut world, 600);
    let early = service(&world, "web").sets[0].failed;
    seconds(&mut world, 600);
    let late = service(&world, "web").sets[0].failed - early;
    assert!(
        early >= 4 && late <= 3,
        "{early} failures in ten minutes, then {late}"
    );
    let stopped = json!({"cluster": "main", "desiredStatus": "STOPPED"});
    let tasks = call(&mut world, "ListTasks", &stopped)["taskArns"].clone();
    let task = &call(
        &mut world,
        "DescribeTasks",
        &json!({"cluster": "main", "tasks": tasks}),
    )["tasks"][0];
    assert_eq!(task["stoppedReason"], "Essential container in task exited");
    assert_eq!(task["containers"][0]["exitCode"], 137);
    let impaired = "(service web) is unable to consistently start tasks successfully.";
    assert!(
        service(&world, "web")
            .events
            .messages()
            .any(|it| it.starts_with(impaired))
    );
}

#[test]
fn the_load_balancer_judges_after_the_grace_period() {
    let mut world = world();
    world.behaviours.set(
        "nginx:*",
        Behaviour {
            unhealthy: true,
            ..Behaviour::default()
        },
    );
    let group = target_group(&mut world, "tg-1", "ip");
    balance(&mut world, [&group, &group]);
    seconds(&mut world, 120);
    let request = json!({"cluster": "main", "serviceName": "web", "taskDefinition": "web",
        "launchType": "FARGATE", "desiredCount": 1, "networkConfiguration": network(),
        "loadBalancers": behind(&group), "healthCheckGracePeriodSeconds": 60});
    call(&mut world, "CreateService", &request);
    seconds(&mut world, 60);
    let task = &service(&world, "web").tasks[0];
    let address = task.address();
    assert_eq!(
        (task.phase, task.ready),
        (super::super::tasks::Phase::Running, false)
    );
    assert_eq!(
        world.elb.target_state(&group, &address, 80).as_deref(),
        Some("unhealthy")
    );
    seconds(&mut world, 40);
    let task = &service(&world, "web").tasks[0];
    let stop = task.stop.clone().unwrap();
    assert_eq!(
        stop.reason,
        format!("Task failed ELB health checks in (target-group {group})")
    );
    assert!(task.is_stopped());
    let state = world.elb.target_state(&group, &address, 80);
    assert!(
        matches!(
            state.as_deref(),
            Some("draining" | "unhealthy.draining") | None
        ),
        "{state:?}"
    );
}

#[test]
fn healthy_targets_make_a_rollout_complete() {
    let mut world = world();
    let group = target_group(&mut world, "tg-1", "ip");
    balance(&mut world, [&group, &group]);
    seconds(&mut world, 120);
    let request = json!({"cluster": "main", "serviceName": "web", "taskDefinition": "web",
        "launchType": "FARGATE", "desiredCount": 2, "networkConfiguration": network(),
        "loadBalancers": behind(&group)});
    call(&mut world, "CreateService", &request);
    seconds(&mut world, 14);
    assert_eq!(
        described(&mut world, "web")["deployments"][0]["rolloutState"],
        "IN_PROGRESS"
    );
    seconds(&mut world, 60);
    assert_eq!(
        described(&mut world, "web")["deployments"][0]["rolloutState"],
        "COMPLETED"
    );
    let messages: Vec<&str> = service(&world, "web").events.messages().collect();
    let registered = format!("(service web) registered 2 targets in (target-group {group})");
    assert!(messages.contains(&registered.as_str()), "{messages:?}");
}

#[test]
fn a_newer_deployment_supersedes_a_hanging_one() {
    let mut world = world();
    world.behaviours.set(
        "slow:*",
        Behaviour {
            hang: true,
            ..Behaviour::default()
        },
    );
    fargate_service(&mut world, "web", 1);
    seconds(&mut world, 30);
    let slow = define(&mut world, "web", "slow:1");
    update(&mut world, &json!({"taskDefinition": slow}));
    seconds(&mut world, 120);
    let hanging = described(&mut world, "web");
    assert_eq!(
        (&hanging["runningCount"], &hanging["pendingCount"]),
        (&json!(1), &json!(1))
    );
    assert!(hanging["currentServiceDeployment"].is_string());
    update(&mut world, &json!({"taskDefinition": "web:1"}));
    seconds(&mut world, 60);
    let done = described(&mut world, "web");
    assert_eq!(done["deployments"].as_array().unwrap().len(), 1);
    assert!(done.get("currentServiceDeployment").is_none());
    let list = call(
        &mut world,
        "ListServiceDeployments",
        &json!({"cluster": "main", "service": "web", "status": ["STOPPED"]}),
    );
    assert_eq!(list["serviceDeployments"].as_array().unwrap().len(), 1);
}

#[test]
fn a_container_health_check_is_waited_for_and_believed() {
    for (unhealthy, ready) in [(false, 1), (true, 0)] {
        let mut world = world();
        world.behaviours.set(
            "checked:*",
            Behaviour {
                unhealthy,
                ..Behaviour::default()
            },
        );
        call(
            &mut world,
            "RegisterTaskDefinition",
            &json!({"family": "checked", "networkMode": "awsvpc",
            "cpu": "256", "memory": "512", "requiresCompatibilities": ["FARGATE"],
            "containerDefinitions": [{"name": "app", "image": "checked:1",
                "healthCheck": {"command": ["CMD", "x"], "interval": 10, "retries": 2}}]}),
        );
        call(
            &mut world,
            "CreateService",
            &json!({"cluster": "main", "serviceName": "web",
            "taskDefinition": "checked", "launchType": "FARGATE", "desiredCount": 1,
            "networkConfiguration": network()}),
        );
        seconds(&mut world, 16);
        assert_eq!(service(&world, "web").total().ready, 0, "not yet checked");
        seconds(&mut world, 13);
        assert_eq!(service(&world, "web").total().ready, ready);
        seconds(&mut world, 10);
        let stop = service(&world, "web").tasks[0]
            .stop
            .as_ref()
            .map(|it| it.reason.as_str());
        assert_eq!(
            stop,
            unhealthy.then_some("Task failed container health checks")
        );
    }
}

#[test]
fn a_deleted_service_drains_and_frees_its_name() {
    let mut world = world();
    fargate_service(&mut world, "web", 1);
    seconds(&mut world, 30);
    let request = json!({"cluster": "main", "service": "web", "force": true});
    let gone = call(&mut world, "DeleteService", &request);
    assert_eq!(gone["service"]["status"], "DRAINING");
    assert_eq!(
        call(&mut world, "ListServices", &json!({"cluster": "main"}))["serviceArns"],
        json!([])
    );
    seconds(&mut world, 10);
    let inactive = described(&mut world, "web");
    assert_eq!(
        (&inactive["status"], &inactive["runningCount"]),
        (&json!("INACTIVE"), &json!(0))
    );
    let made = fargate_service(&mut world, "web", 1);
    assert_eq!(made["status"], "ACTIVE");
    assert_eq!(made["events"], json!([]));
}

#[test]
fn tasks_that_need_an_instance_stay_unplaced() {
    let mut world = world();
    call(
        &mut world,
        "CreateService",
        &json!({"cluster": "main", "serviceName": "web",
        "taskDefinition": "web", "desiredCount": 1, "networkConfiguration": network()}),
    );
    seconds(&mut world, 90);
    let messages: Vec<&str> = service(&world, "web").events.messages().collect();
    assert_eq!(messages.len(), 2);
    assert!(messages[0].contains("No Container Instances were found in your cluster."));
}

#[test]
fn scales_are_rounded_up() {
    let rows = [(3, 50.0, 2), (3, 0.0, 0), (3, 100.0, 3), (10, 1.0, 1)];
    for (desired, scale, wanted) in rows {
        assert_eq!(scaled(desired, scale), wanted, "{desired} {scale}");
    }
}

#[test]
fn a_rollback_that_fails_is_not_rolled_back_again() {
    let mut world = world();
    fargate_service(&mut world, "web", 1);
    seconds(&mut world, 30);
    world.behaviours.set("*", crash());
    let bad = define(&mut world, "web", "bad:1");
    let breaker = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}});
    update(
        &mut world,
        &json!({"taskDefinition": bad, "deploymentConfiguration": breaker}),
    );
    let tasks = call(&mut world, "ListTasks", &json!({"cluster": "main"}))["taskArns"].clone();
    for task in tasks.as_array().unwrap() {
        call(
            &mut world,
            "StopTask",
            &json!({"cluster": "main", "task": task}),
        );
    }
    seconds(&mut world, 900);
    let list = call(
        &mut world,
        "ListServiceDeployments",
        &json!({"cluster": "main", "service": "web"}),
    );
    assert_eq!(list["serviceDeployments"][0]["status"], "ROLLBACK_FAILED");
    let stuck = described(&mut world, "web");
    assert_eq!(stuck["deployments"].as_array().unwrap().len(), 1);
    assert_eq!(stuck["deployments"][0]["rolloutState"], "FAILED");
}

#[test]
fn a_role_that_does_not_exist_keeps_tasks_from_starting() {
    let mut world = world();
    world.surroundings.roles.closed = true;
    let role = "arn:aws:iam::123456789012:role/gone";
    call(
        &mut world,
        "RegisterTaskDefinition",
        &json!({"family": "web", "networkMode": "awsvpc",
        "cpu": "256", "memory": "512", "requiresCompatibilities": ["FARGATE"], "executionRoleArn": role,
        "containerDefinitions": [{"name": "app", "image": "nginx:1"}]}),
    );
    fargate_service(&mut world, "web", 1);
    seconds(&mut world, 30);
    let set = &service(&world, "web").sets[0];
    assert!(set.last_stop_reason.as_ref().unwrap().contains(role));
    assert!(service(&world, "web").tasks.is_empty());
}

#[test]
fn tags_are_propagated_to_tasks() {
    let mut world = world();
    call(
        &mut world,
        "CreateService",
        &json!({"cluster": "main", "serviceName": "web",
        "taskDefinition": "web", "launchType": "FARGATE", "desiredCount": 1,
        "networkConfiguration": network(), "propagateTags": "SERVICE", "enableECSManagedTags": true,
        "tags": [{"key": "team", "value": "nova"}]}),
    );
    seconds(&mut world, 20);
    let tasks = call(&mut world, "ListTasks", &json!({"cluster": "main"}))["taskArns"].clone();
    let request = json!({"cluster": "main", "tasks": tasks, "include": ["TAGS"]});
    let task = &call(&mut world, "DescribeTasks", &request)["tasks"][0];
    let keys: std::collections::BTreeSet<&str> = task["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["key"].as_str().unwrap())
        .collect();
    assert_eq!(
        keys,
        ["aws:ecs:clusterName", "aws:ecs:serviceName", "team"].into()
    );
    assert_eq!(task["attachments"][0]["details"][3]["value"], "10.0.0.5");
    assert_eq!(
        task["startedBy"],
        described(&mut world, "web")["deployments"][0]["id"]
    );
}

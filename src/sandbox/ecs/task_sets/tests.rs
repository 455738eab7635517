//! Task sets as `CodeDeploy` and the API move them.

use super::super::behaviour::Behaviour;
use super::super::testing::{
    balance, behind, call, define, described, network, refusal, seconds, target_group, world,
};
use super::*;

/// A steady `CODE_DEPLOY` service `web` of two tasks, and its two target groups.
fn blue() -> (World, [String; 2]) {
    let mut world = world();
    let groups = ["tg-1", "tg-2"].map(|name| target_group(&mut world, name, "ip"));
    balance(&mut world, [&groups[0], &groups[0]]);
    seconds(&mut world, 120);
    call(
        &mut world,
        "CreateService",
        &json!({"cluster": "main", "serviceName": "web",
        "taskDefinition": "web", "launchType": "FARGATE", "desiredCount": 2,
        "networkConfiguration": network(), "loadBalancers": behind(&groups[0]),
        "deploymentController": {"type": "CODE_DEPLOY"}}),
    );
    seconds(&mut world, 60);
    (world, groups)
}

fn green_spec(task_definition: &str, group: &str) -> GreenSpec {
    GreenSpec {
        task_definition: task_definition.to_owned(),
        target_group_arn: group.to_owned(),
        container_name: "app".to_owned(),
        container_port: 80,
        network_configuration: None,
        platform_version: None,
        capacity_provider_strategy: None,
        external_id: "d-1".to_owned(),
    }
}

#[test]
fn a_new_service_has_one_primary_set_and_no_deployments() {
    let (mut world, groups) = blue();
    let service = described(&mut world, "web");
    assert_eq!(service["deployments"], json!([]));
    let [set] = service["taskSets"].as_array().unwrap().as_slice() else {
        panic!("{service}")
    };
    for (member, value) in [
        ("status", json!("PRIMARY")),
        ("computedDesiredCount", json!(2)),
        ("runningCount", json!(2)),
        ("pendingCount", json!(0)),
        ("stabilityStatus", json!("STEADY_STATE")),
        ("scale", json!({"value": 100.0, "unit": "PERCENT"})),
        ("taskDefinition", service["taskDefinition"].clone()),
        ("launchType", json!("FARGATE")),
        ("loadBalancers", behind(&groups[0])),
    ] {
        assert_eq!(set[member], value, "{member}");
    }
    assert_eq!(
        service_controller(&world, "main", "web").as_deref(),
        Some("CODE_DEPLOY")
    );
    assert_eq!(service_controller(&world, "main", "nope"), None);
    assert!(
        primary(
            &world,
            "arn:aws:ecs:us-east-1:123456789012:cluster/main",
            "web"
        )
        .unwrap()
        .steady
    );
}

#[test]
fn green_comes_up_is_promoted_and_blue_is_deleted() {
    let (mut world, groups) = blue();
    let old = primary(&world, "main", "web").unwrap();
    let next = define(&mut world, "web", "nginx:2");
    let id = create(&mut world, "main", "web", green_spec(&next, &groups[1])).unwrap();
    let green = |world: &World| view(world, "main", "web", &id).unwrap();
    assert_eq!(
        (green(&world).status.as_str(), green(&world).steady),
        ("ACTIVE", false)
    );
    seconds(&mut world, 30);
    assert!(
        green(&world).steady,
        "targets of an unused group do not hold it up"
    );
    assert_eq!((green(&world).desired, green(&world).running), (2, 2));
    assert_eq!(described(&mut world, "web")["runningCount"], 4);
    let shown = &call(
        &mut world,
        "DescribeTaskSets",
        &json!({"cluster": "main", "service": "web",
        "taskSets": [id]}),
    )["taskSets"][0];
    assert_eq!(
        (&shown["startedBy"], &shown["externalId"]),
        (&json!("CODE_DEPLOY"), &json!("d-1"))
    );
    promote(&mut world, "main", "web", &id).unwrap();
    let service = described(&mut world, "web");
    assert_eq!(
        (&service["taskDefinition"], &service["loadBalancers"]),
        (&json!(next), &behind(&groups[1]))
    );
    assert_eq!(
        view(&world, "main", "web", &old.id).unwrap().status,
        "ACTIVE"
    );
    assert!(
        delete(&mut world, "main", "web", &id).is_err(),
        "PRIMARY cannot be deleted"
    );
    delete(&mut world, "main", "web", &old.id).unwrap();
    assert_eq!(
        view(&world, "main", "web", &old.id).unwrap().status,
        "DRAINING"
    );
    seconds(&mut world, 10);
    assert_eq!(view(&world, "main", "web", &old.id), None);
    assert_eq!(described(&mut world, "web")["runningCount"], 2);
}

#[test]
fn a_crashing_green_is_never_steady_and_says_why() {
    let (mut world, groups) = blue();
    world.behaviours.set(
        "bad:*",
        Behaviour {
            crash: Some(1),
            start_seconds: 1,
            ..Behaviour::default()
        },
    );
    let bad = define(&mut world, "web", "bad:1");
    let id = create(&mut world, "main", "web", green_spec(&bad, &groups[1])).unwrap();
    for _ in 0..120 {
        seconds(&mut world, 1);
        assert!(!view(&world, "main", "web", &id).unwrap().steady);
    }
    let green = view(&world, "main", "web", &id).unwrap();
    assert!(green.stopped_tasks >= 3, "{green:?}");
    assert_eq!(
        green.last_stop_reason.as_deref(),
        Some("Essential container in task exited")
    );
    assert!(
        primary(&world, "main", "web").unwrap().steady,
        "blue is left alone"
    );
}

#[test]
fn what_ecs_refuses_is_told_in_words() {
    let (mut world, groups) = blue();
    let rows = [
        (
            GreenSpec {
                container_name: "x".to_owned(),
                ..green_spec("web", &groups[1])
            },
            "The container x does not exist in the task definition.",
        ),
        (
            GreenSpec {
                container_port: 81,
                ..green_spec("web", &groups[1])
            },
            "The container app did not have a container port 81 defined.",
        ),
        (green_spec("gone", &groups[1]), "TaskDefinition not found."),
    ];
    for (spec, reason) in rows {
        assert_eq!(
            create(&mut world, "main", "web", spec),
            Err(reason.to_owned())
        );
    }
    assert_eq!(
        create(&mut world, "main", "no", green_spec("web", "x")),
        Err("The ECS service no does not exist.".to_owned())
    );
}

#[test]
fn sets_follow_the_desired_count_of_the_service() {
    let (mut world, groups) = blue();
    let id = create(&mut world, "main", "web", green_spec("web", &groups[1])).unwrap();
    call(
        &mut world,
        "UpdateService",
        &json!({"cluster": "main", "service": "web", "desiredCount": 3}),
    );
    seconds(&mut world, 40);
    assert_eq!(view(&world, "main", "web", &id).unwrap().running, 3);
    assert_eq!(primary(&world, "main", "web").unwrap().running, 3);
}

#[test]
fn an_external_service_is_run_by_the_api() {
    let mut world = world();
    call(
        &mut world,
        "CreateService",
        &json!({"cluster": "main", "serviceName": "ext", "desiredCount": 4,
        "deploymentController": {"type": "EXTERNAL"}}),
    );
    let set = call(
        &mut world,
        "CreateTaskSet",
        &json!({"cluster": "main", "service": "ext",
        "taskDefinition": "web", "launchType": "FARGATE", "networkConfiguration": network(),
        "scale": {"value": 50.0, "unit": "PERCENT"}, "externalId": "mine"}),
    )["taskSet"]
        .clone();
    let name = |more: Value| {
        let mut request = json!({"cluster": "main", "service": "ext"});
        request
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        request
    };
    seconds(&mut world, 30);
    let primary_request = name(json!({"primaryTaskSet": set["id"]}));
    let promoted = call(&mut world, "UpdateServicePrimaryTaskSet", &primary_request);
    assert_eq!(
        (
            &promoted["taskSet"]["status"],
            &promoted["taskSet"]["runningCount"]
        ),
        (&json!("PRIMARY"), &json!(2))
    );
    let scaled =
        name(json!({"taskSet": set["taskSetArn"], "scale": {"value": 100.0, "unit": "PERCENT"}}));
    call(&mut world, "UpdateTaskSet", &scaled);
    seconds(&mut world, 30);
    assert_eq!(described(&mut world, "ext")["runningCount"], 4);
    let gone = name(json!({"taskSet": set["id"]}));
    assert_eq!(
        refusal(&mut world, "DeleteTaskSet", &gone).0,
        "InvalidParameterException"
    );
    call(
        &mut world,
        "DeleteTaskSet",
        &name(json!({"taskSet": set["id"], "force": true})),
    );
    seconds(&mut world, 20);
    assert_eq!(described(&mut world, "ext")["taskSets"], json!([]));
    let unknown = name(json!({"taskSet": "ecs-svc/1", "force": true}));
    assert_eq!(
        refusal(&mut world, "DeleteTaskSet", &unknown).0,
        "TaskSetNotFoundException"
    );
}

#[test]
fn task_sets_of_other_services_are_not_for_this_api() {
    let (mut world, _) = blue();
    let request = json!({"cluster": "main", "service": "web", "taskDefinition": "web"});
    let (code, _) = refusal(&mut world, "CreateTaskSet", &request);
    assert_eq!(code, "InvalidParameterException");
}

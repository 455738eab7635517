use serde_json::json;

use super::*;
use crate::kinds::testing::{Scene, assert_converged, assert_inert, calls, only_call, recorded};

const ARN: &str = "arn:aws:codedeploy:eu-west-1:123456789012:deploymentgroup:App/Dgp";
const KIND: Kind = Kind::DeploymentGroup;

fn scene(change: impl FnOnce(&mut Value)) -> Scene {
    let mut spec = json!({
        "applicationName": "App", "deploymentGroupName": "Dgp", "serviceRoleArn": "arn:role",
        "deploymentConfigName": "CodeDeployDefault.ECSAllAtOnce",
        "ecsServices": [{"clusterName": "nova", "serviceName": "auth"}],
        "autoRollbackConfiguration": {"enabled": true, "events": ["DEPLOYMENT_FAILURE"]},
        "loadBalancerInfo": {"targetGroupPairInfoList": [{
            "targetGroups": [{"name": "blue"}, {"name": "green"}],
            "prodTrafficRoute": {"listenerArns": ["arn:prod"]}}]},
    });
    change(&mut spec);
    let service = Key::new(Kind::Service, "auth");
    Scene::default()
        .with(KIND, "dgp", spec)
        .needing(KIND, "dgp", service)
}

fn with_service(scene: Scene) -> Scene {
    scene.known(Kind::Service, "auth", "arn:service")
}

fn live() -> Observed {
    Observed {
        arn: ARN.to_owned(),
        application: Seen::Present(json!({"applicationName": "App", "computePlatform": "ECS"})),
        group: Seen::Present(json!({
            "applicationName": "App", "deploymentGroupName": "Dgp", "serviceRoleArn": "arn:role",
            "deploymentConfigName": "CodeDeployDefault.ECSAllAtOnce",
            "outdatedInstancesStrategy": "UPDATE", "terminationHookEnabled": false,
            "ecsServices": [{"serviceName": "auth", "clusterName": "nova"}],
            "autoRollbackConfiguration": {"enabled": true, "events": ["DEPLOYMENT_FAILURE"]},
            "loadBalancerInfo": {"targetGroupPairInfoList": [{
                "targetGroups": [{"name": "green"}, {"name": "blue"}],
                "prodTrafficRoute": {"listenerArns": ["arn:prod"]}}]},
        })),
        tags: None,
    }
}

fn absent() -> Observed {
    Observed {
        application: Seen::Absent,
        group: Seen::Absent,
        ..live()
    }
}

fn planned(scene: &Scene, observed: &Observed) -> Plan {
    let view = scene.view(KIND, "dgp");
    let observed = Observed {
        tags: recorded(&view, observed.tags.as_ref()),
        ..observed.clone()
    };
    plan(&view, &observed)
}

#[test]
fn application_and_group_are_created_once_the_service_exists() {
    let plan = planned(&scene(|_| {}), &absent());
    assert_inert(&plan, "DependencyNotReady");
    assert!(plan.outcome.message().contains("Service/auth"));

    let scene = with_service(scene(|_| {}));
    let made = calls(&planned(&scene, &absent()));
    let ours = json!([{"Key": "evenkeel.dev/instance", "Value": "default"}]);
    let application = json!({"applicationName": "App", "computePlatform": "ECS", "tags": ours});
    assert_eq!(made[0], ("CreateApplication", application));
    assert_eq!(made[1].0, "CreateDeploymentGroup");
    assert_eq!(
        made[1].1["ecsServices"],
        scene.view(KIND, "dgp").spec["ecsServices"]
    );
    assert_eq!(made.len(), 2);

    let observed = Observed {
        group: Seen::Absent,
        ..live()
    };
    assert_eq!(
        only_call(&planned(&scene, &observed)).0,
        "CreateDeploymentGroup"
    );
}

#[test]
fn an_application_of_another_platform_cannot_be_used() {
    let application = Seen::Present(json!({"applicationName": "App", "computePlatform": "Server"}));
    let observed = Observed {
        application,
        group: Seen::Absent,
        ..live()
    };
    let plan = planned(&with_service(scene(|_| {})), &observed);
    assert_inert(&plan, "RecreateRequired");
    assert!(
        plan.outcome
            .message()
            .contains("\"Server\" live, \"ECS\" desired"),
        "{plan:?}"
    );
}

#[test]
fn an_equal_group_is_converged_without_its_service_too() {
    let plan = planned(&scene(|_| {}), &live());
    assert_converged(&plan);
    assert_eq!(plan.facts.unwrap().arn.as_deref(), Some(ARN));
}

#[test]
fn any_change_is_an_update_with_the_whole_spec() {
    for (member, value) in [
        (
            "deploymentConfigName",
            json!("CodeDeployDefault.ECSCanary10Percent5Minutes"),
        ),
        ("serviceRoleArn", json!("arn:other")),
        (
            "alarmConfiguration",
            json!({"enabled": true, "alarms": [{"name": "a"}]}),
        ),
        (
            "loadBalancerInfo",
            json!({"targetGroupPairInfoList": [{
            "targetGroups": [{"name": "blue"}, {"name": "teal"}]}]}),
        ),
    ] {
        let scene = scene(|spec| spec[member] = value.clone());
        let (operation, input) = only_call(&planned(&scene, &live()));
        assert_eq!(operation, "UpdateDeploymentGroup");
        assert_eq!(input["currentDeploymentGroupName"], "Dgp");
        assert_eq!(input[member], value);
        assert_eq!(
            input["ecsServices"],
            json!([{"clusterName": "nova", "serviceName": "auth"}])
        );
        assert_eq!(
            (input.get("deploymentGroupName"), input.get("tags")),
            (None, None)
        );
    }
}

#[test]
fn tags_have_their_own_call() {
    let scene = scene(|spec| spec["tags"] = json!([{"Key": "team", "Value": "nova"}]));
    let observed = Observed {
        tags: Some(Seen::Present(json!([]))),
        ..live()
    };
    let tags = json!([{"Key": "team", "Value": "nova"}]);
    let expected = ("TagResource", json!({"ResourceArn": ARN, "Tags": tags}));
    assert_eq!(only_call(&planned(&scene, &observed)), expected);
}

#[test]
fn a_failed_read_writes_nothing() {
    let wrong = with_service(scene(|spec| spec["serviceRoleArn"] = json!("arn:other")));
    let unknown = || Seen::Unknown("throttled".to_owned());
    for observed in [
        Observed {
            group: unknown(),
            ..live()
        },
        Observed {
            application: unknown(),
            ..live()
        },
        Observed {
            application: unknown(),
            ..absent()
        },
        Observed {
            tags: Some(unknown()),
            ..live()
        },
    ] {
        assert_inert(&planned(&wrong, &observed), "ObservationUnknown");
    }
}

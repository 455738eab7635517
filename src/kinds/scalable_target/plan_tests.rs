use super::*;
use crate::kinds::testing::{Scene, assert_converged, assert_inert, only_call};
use crate::model::Kind;

const ARN: &str = "arn:aws:application-autoscaling:eu-west-1:123456789012:scalable-target/0ec5";
const KIND: Kind = Kind::ScalableTarget;

fn scene(change: impl FnOnce(&mut Value)) -> Scene {
    let mut spec = json!({"ServiceNamespace": "ecs", "ResourceId": "service/nova/auth",
        "ScalableDimension": "ecs:service:DesiredCount", "MinCapacity": 2, "MaxCapacity": 6});
    change(&mut spec);
    Scene::default().with(KIND, "auth", spec)
}

fn live() -> Observed {
    Observed {
        target: Seen::Present(
            json!({"ServiceNamespace": "ecs", "ResourceId": "service/nova/auth",
            "ScalableDimension": "ecs:service:DesiredCount", "MinCapacity": 2, "MaxCapacity": 6,
            "RoleARN": "arn:aws:iam::123456789012:role/aws-service-role/x", "ScalableTargetARN": ARN,
            "SuspendedState": {"DynamicScalingInSuspended": false, "DynamicScalingOutSuspended": true,
                "ScheduledScalingSuspended": false}}),
        ),
        tags: None,
        service: Some(Seen::Present(json!({"tags": []}))),
    }
}

fn planned(scene: &Scene, observed: &Observed) -> Plan {
    plan(&scene.view(KIND, "auth"), observed)
}

#[test]
fn it_is_registered_whole_and_marked_as_ours() {
    let absent = Observed {
        target: Seen::Absent,
        tags: None,
        service: None,
    };
    let scene = scene(|spec| spec["Tags"] = json!({"team": "nova"}));
    let (operation, input) = only_call(&planned(&scene, &absent));
    assert_eq!(operation, "RegisterScalableTarget");
    assert_eq!(
        input["Tags"],
        json!({"team": "nova", "evenkeel.dev/instance": "default"})
    );
    assert_eq!(
        (&input["MinCapacity"], &input["ResourceId"]),
        (&json!(2), &json!("service/nova/auth"))
    );
}

#[test]
fn an_equal_one_is_converged_whatever_its_role() {
    assert_converged(&planned(&scene(|_| {}), &live()));
    let role = scene(|spec| spec["RoleARN"] = json!("arn:aws:iam::123456789012:role/mine"));
    assert_converged(&planned(&role, &live()));
}

#[test]
fn a_changed_bound_takes_the_other_along_and_nothing_else() {
    let (operation, input) = only_call(&planned(
        &scene(|spec| spec["MinCapacity"] = json!(4)),
        &live(),
    ));
    assert_eq!(operation, "RegisterScalableTarget");
    let expected = json!({"ServiceNamespace": "ecs", "ResourceId": "service/nova/auth",
        "ScalableDimension": "ecs:service:DesiredCount", "MinCapacity": 4, "MaxCapacity": 6});
    assert_eq!(input, expected);
}

#[test]
fn a_declared_part_of_the_state_is_sent_with_the_live_rest() {
    let scene = scene(|spec| spec["SuspendedState"] = json!({"DynamicScalingInSuspended": true}));
    let (_, input) = only_call(&planned(&scene, &live()));
    let state = json!({"DynamicScalingInSuspended": true, "DynamicScalingOutSuspended": true,
        "ScheduledScalingSuspended": false});
    assert_eq!(input["SuspendedState"], state);
    assert_eq!(input.get("MinCapacity"), None);
}

#[test]
fn tags_are_a_map_with_a_call_of_their_own() {
    let scene = scene(|spec| spec["Tags"] = json!({"team": "nova", "cost": "a"}));
    let observed = Observed {
        tags: Some(Seen::Present(json!([{"Key": "cost", "Value": "a"}]))),
        ..live()
    };
    let expected = json!({"ResourceARN": ARN, "Tags": {"team": "nova"}});
    assert_eq!(
        only_call(&planned(&scene, &observed)),
        ("TagResource", expected)
    );
}

#[test]
fn nothing_is_written_while_the_service_is_deployed_under_suspension() {
    let changed = scene(|spec| {
        spec["MinCapacity"] = json!(4);
        spec["SuspendedState"] = json!({"DynamicScalingOutSuspended": false});
    });
    let marked = json!({"tags": [{"key": "evenkeel.dev/scaling-suspended", "value": "none"}]});
    let observed = Observed {
        service: Some(Seen::Present(marked)),
        ..live()
    };
    let plan = planned(&changed, &observed);
    assert_inert(&plan, "RolloutInProgress");
    assert_eq!(plan.drift.len(), 2);
}

#[test]
fn a_failed_read_writes_nothing() {
    let wrong = scene(|spec| {
        spec["MaxCapacity"] = json!(9);
        spec["Tags"] = json!({"team": "nova"});
    });
    let failed = || Seen::Unknown("throttled".to_owned());
    let tagged = || Observed {
        tags: Some(Seen::Present(json!([]))),
        ..live()
    };
    for unknown in [
        Observed {
            target: failed(),
            ..tagged()
        },
        Observed {
            tags: Some(failed()),
            ..tagged()
        },
        Observed {
            service: Some(failed()),
            ..tagged()
        },
    ] {
        assert_inert(&planned(&wrong, &unknown), "ObservationUnknown");
    }
}

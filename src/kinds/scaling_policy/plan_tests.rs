use serde_json::json;

use super::*;
use crate::kinds::testing::{Scene, assert_converged, assert_inert, only_call};
use crate::model::{Key, Kind};

const KIND: Kind = Kind::ScalingPolicy;

fn scene(change: impl FnOnce(&mut Value)) -> Scene {
    let mut spec = json!({"PolicyName": "cpu", "ServiceNamespace": "ecs", "ResourceId": "service/nova/auth",
        "ScalableDimension": "ecs:service:DesiredCount", "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 50, "ScaleInCooldown": 60,
            "CustomizedMetricSpecification": {"MetricName": "Depth", "Namespace": "App", "Statistic": "Average",
                "Dimensions": [{"Name": "queue", "Value": "a"}, {"Name": "stage", "Value": "b"}]}}});
    change(&mut spec);
    Scene::default().with(KIND, "cpu", spec)
}

fn live() -> Observed {
    Observed {
        policy: Seen::Present(
            json!({"PolicyARN": "arn:policy", "PolicyName": "cpu", "ServiceNamespace": "ecs",
            "ResourceId": "service/nova/auth", "ScalableDimension": "ecs:service:DesiredCount",
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 50.0, "ScaleInCooldown": 60, "DisableScaleIn": false,
                "CustomizedMetricSpecification": {"MetricName": "Depth", "Namespace": "App", "Statistic": "Average",
                    "Dimensions": [{"Name": "stage", "Value": "b"}, {"Name": "queue", "Value": "a"}]}},
            "Alarms": [], "CreationTime": 1.0}),
        ),
        target: None,
    }
}

fn planned(scene: &Scene, observed: &Observed) -> Plan {
    plan(&scene.view(KIND, "cpu"), observed)
}

#[test]
fn an_equal_one_is_converged_in_any_order_and_number() {
    assert_converged(&planned(&scene(|_| {}), &live()));
}

#[test]
fn it_is_put_whole_when_it_is_new_and_when_it_differs() {
    let wanted = scene(|spec| {
        spec["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] = json!(70);
    });
    let expected = wanted.view(KIND, "cpu").spec;
    let changed = planned(&wanted, &live());
    assert_eq!(only_call(&changed), ("PutScalingPolicy", expected.clone()));
    assert_eq!(
        changed.drift[0].path,
        "/TargetTrackingScalingPolicyConfiguration/TargetValue"
    );
    let new = Observed {
        policy: Seen::Absent,
        target: Some(Seen::Present(json!({}))),
    };
    assert_eq!(
        only_call(&planned(&wanted, &new)),
        ("PutScalingPolicy", expected)
    );
}

#[test]
fn a_new_one_waits_for_a_target_that_no_manifest_promises() {
    let without = Observed {
        policy: Seen::Absent,
        target: Some(Seen::Absent),
    };
    assert_inert(&planned(&scene(|_| {}), &without), "DependencyNotReady");
    let promised = scene(|_| {}).needing(KIND, "cpu", Key::new(Kind::ScalableTarget, "auth"));
    assert_eq!(planned(&promised, &without).steps.len(), 1);
}

#[test]
fn a_failed_read_writes_nothing() {
    let failed = || Seen::Unknown("throttled".to_owned());
    for (policy, target) in [(failed(), None), (Seen::Absent, Some(failed()))] {
        let plan = planned(&scene(|_| {}), &Observed { policy, target });
        assert_inert(&plan, "ObservationUnknown");
    }
}

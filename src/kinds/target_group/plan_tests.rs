use serde_json::json;

use super::*;
use crate::kinds::testing::{Scene, assert_converged, assert_inert, calls, only_call, recorded};
use crate::model::Kind;

const ARN: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/blue/1";

fn scene(change: impl FnOnce(&mut Value)) -> Scene {
    let mut spec = json!({
        "Name": "blue", "Port": 8080, "Protocol": "HTTP", "VpcId": "vpc-1", "TargetType": "ip",
        "HealthCheckPath": "/health", "Matcher": {"HttpCode": "200"},
        "Tags": [{"Key": "team", "Value": "nova"}],
    });
    change(&mut spec);
    Scene::default()
        .with(Kind::TargetGroup, "blue", spec)
        .beside(
            Kind::TargetGroup,
            "blue",
            "attributes",
            json!([{"Key": "deregistration_delay.timeout_seconds","Value": "5"}]),
        )
}

fn live() -> Observed {
    Observed {
        target_group: Seen::Present(json!({
            "TargetGroupArn": ARN, "TargetGroupName": "blue", "Port": "8080", "Protocol": "HTTP",
            "VpcId": "vpc-1", "TargetType": "ip", "HealthCheckPath": "/health",
            "HealthCheckEnabled": "true", "Matcher": {"HttpCode": "200"},
            "HealthCheckIntervalSeconds": "30", "ProtocolVersion": "HTTP1",
        })),
        attributes: Some(Seen::Present(json!([
            {"Key": "deregistration_delay.timeout_seconds", "Value": "5"},
            {"Key": "slow_start.duration_seconds", "Value": "0"},
        ]))),
        tags: Some(Seen::Present(json!([
            {"Key": "team", "Value": "nova"}, {"Key": "theirs", "Value": "x"}]))),
    }
}

fn planned(scene: &Scene, observed: &Observed) -> Plan {
    let view = scene.view(Kind::TargetGroup, "blue");
    let observed = Observed {
        tags: recorded(&view, observed.tags.as_ref()),
        ..observed.clone()
    };
    plan(&view, &observed)
}

#[test]
fn an_absent_group_is_created_whole_and_marked() {
    let absent = Observed {
        target_group: Seen::Absent,
        attributes: None,
        tags: None,
    };
    let scene = scene(|_| {});
    let plan = planned(&scene, &absent);
    let mut expected = scene.view(Kind::TargetGroup, "blue").spec;
    expected["Tags"] = json!([
        {"Key": "team", "Value": "nova"}, {"Key": "evenkeel.dev/instance", "Value": "default"},
        {"Key": "evenkeel.dev/members", "Value": "1:a0.ma.pa:nSWNg"}]);
    assert_eq!(only_call(&plan), ("CreateTargetGroup", expected));
    assert_eq!(plan.outcome.message(), "create target group blue");
    assert!(
        plan.facts
            .is_some_and(|facts| !facts.ready && facts.arn.is_none())
    );
}

#[test]
fn an_equal_one_is_converged() {
    assert_converged(&planned(&scene(|_| {}), &live()));
}

#[test]
fn health_checks_change_in_place_with_only_what_differs() {
    for (member, value) in [
        ("HealthCheckEnabled", json!(false)),
        ("HealthCheckIntervalSeconds", json!(10)),
        ("HealthCheckPath", json!("/")),
        ("HealthCheckPort", json!("9000")),
        ("HealthCheckProtocol", json!("HTTPS")),
        ("HealthCheckTimeoutSeconds", json!(4)),
        ("HealthyThresholdCount", json!(3)),
        ("Matcher", json!({"HttpCode": "200-299"})),
        ("UnhealthyThresholdCount", json!(4)),
    ] {
        let plan = planned(&scene(|spec| spec[member] = value.clone()), &live());
        let input = json!({"TargetGroupArn": ARN, member: value});
        assert_eq!(only_call(&plan), ("ModifyTargetGroup", input));
    }
}

#[test]
fn what_is_fixed_blocks_and_is_named() {
    for (member, value) in [
        ("Port", json!(81)),
        ("Protocol", json!("HTTPS")),
        ("ProtocolVersion", json!("GRPC")),
        ("VpcId", json!("vpc-2")),
        ("TargetType", json!("instance")),
        ("IpAddressType", json!("ipv6")),
    ] {
        let plan = planned(&scene(|spec| spec[member] = value.clone()), &live());
        assert_inert(&plan, "RecreateRequired");
        let text = plan.outcome.message();
        assert!(
            text.contains(member) && text.contains(&format!("{value} desired")),
            "{text}"
        );
        assert!(
            plan.facts.is_some_and(|facts| facts.ready),
            "dependents keep what is live"
        );
    }
}

#[test]
fn attributes_and_tags_are_written_by_their_own_calls() {
    let scene = scene(|spec| spec["Tags"][0]["Value"] = json!("orion")).beside(
        Kind::TargetGroup,
        "blue",
        "attributes",
        json!([{"Key": "slow_start.duration_seconds","Value": "30"}, {"Key": "deregistration_delay.timeout_seconds","Value": "5"}]),
    );
    let plan = planned(&scene, &live());
    assert_eq!(
        calls(&plan),
        [
            (
                "ModifyTargetGroupAttributes",
                json!({"TargetGroupArn": ARN,
            "Attributes": [{"Key": "slow_start.duration_seconds", "Value": "30"}]})
            ),
            (
                "AddTags",
                json!({"ResourceArns": [ARN], "Tags": [{"Key": "team", "Value": "orion"}]})
            ),
        ]
    );
}

#[test]
fn a_failed_read_writes_nothing() {
    let unknown = || Seen::Unknown("throttled".to_owned());
    let wrong = scene(|spec| spec["HealthCheckPath"] = json!("/other"));
    for observed in [
        Observed {
            target_group: unknown(),
            ..live()
        },
        Observed {
            attributes: Some(unknown()),
            ..live()
        },
        Observed {
            tags: Some(unknown()),
            ..live()
        },
        Observed {
            tags: Some(Seen::Absent),
            ..live()
        },
    ] {
        assert_inert(&planned(&wrong, &observed), "ObservationUnknown");
    }
}

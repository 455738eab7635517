use serde_json::json;

use super::*;
use crate::kinds::testing::{Scene, assert_converged, assert_inert, calls, only_call, recorded};
use crate::model::Kind;

const ARN: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/nova/1";
const KIND: Kind = Kind::LoadBalancer;

fn scene(change: impl FnOnce(&mut Value)) -> Scene {
    let mut spec = json!({
        "Name": "nova", "Type": "application", "Scheme": "internal", "IpAddressType": "ipv4",
        "Subnets": ["subnet-1", "subnet-2"], "SecurityGroups": ["sg-1"],
    });
    change(&mut spec);
    Scene::default().with(KIND, "nova", spec)
}

fn live(state: &str) -> Observed {
    Observed {
        load_balancer: Seen::Present(json!({
            "LoadBalancerArn": ARN, "LoadBalancerName": "nova", "Type": "application",
            "Scheme": "internal", "IpAddressType": "ipv4", "SecurityGroups": ["sg-1"],
            "State": {"Code": state},
            "AvailabilityZones": [{"ZoneName": "b", "SubnetId": "subnet-2"},
                {"ZoneName": "a", "SubnetId": "subnet-1", "LoadBalancerAddresses": []}],
        })),
        attributes: None,
        tags: None,
    }
}

fn planned(scene: &Scene, observed: &Observed) -> Plan {
    let view = scene.view(KIND, "nova");
    let observed = Observed {
        tags: recorded(&view, observed.tags.as_ref()),
        ..observed.clone()
    };
    plan(&view, &observed)
}

#[test]
fn an_absent_one_is_created_whole_and_marked() {
    let absent = Observed {
        load_balancer: Seen::Absent,
        attributes: None,
        tags: None,
    };
    let (operation, input) = only_call(&planned(&scene(|_| {}), &absent));
    assert_eq!(operation, "CreateLoadBalancer");
    assert_eq!(input["Subnets"], json!(["subnet-1", "subnet-2"]));
    assert_eq!(
        input["Tags"],
        json!([{"Key": "evenkeel.dev/instance", "Value": "default"},
            {"Key": "evenkeel.dev/members", "Value": "1:ip"}])
    );
}

#[test]
fn an_equal_one_is_converged() {
    assert_converged(&planned(&scene(|_| {}), &live("active")));
    assert_converged(&planned(&scene(|_| {}), &live("active_impaired")));
    let mappings = scene(|spec| {
        spec.as_object_mut().unwrap().remove("Subnets");
        spec["SubnetMappings"] = json!([{"SubnetId": "subnet-1"}, {"SubnetId": "subnet-2"}]);
    });
    assert_converged(&planned(&mappings, &live("active")));
}

#[test]
fn each_member_has_its_operation() {
    for (member, value, operation) in [
        (
            "SecurityGroups",
            json!(["sg-1", "sg-2"]),
            "SetSecurityGroups",
        ),
        ("Subnets", json!(["subnet-1", "subnet-3"]), "SetSubnets"),
        ("IpAddressType", json!("dualstack"), "SetIpAddressType"),
        ("IpamPools", json!({"Ipv4IpamPoolId": "p"}), "ModifyIpPools"),
    ] {
        let plan = planned(&scene(|spec| spec[member] = value.clone()), &live("active"));
        assert_eq!(
            only_call(&plan),
            (operation, json!({"LoadBalancerArn": ARN, member: value}))
        );
    }
    let prefix = scene(|spec| spec["EnablePrefixForIpv6SourceNat"] = json!("on"));
    let (operation, input) = only_call(&planned(&prefix, &live("active")));
    assert_eq!(operation, "SetSubnets");
    assert_eq!(
        input,
        json!({"LoadBalancerArn": ARN, "Subnets": ["subnet-1", "subnet-2"],
        "EnablePrefixForIpv6SourceNat": "on"})
    );
}

#[test]
fn attributes_and_tags_are_written_by_their_own_calls() {
    let scene = scene(|spec| spec["Tags"] = json!([{"Key": "team", "Value": "nova"}])).beside(
        KIND,
        "nova",
        "attributes",
        json!([{"Key": "idle_timeout.timeout_seconds","Value": "30"}]),
    );
    let observed = Observed {
        attributes: Some(Seen::Present(
            json!([{"Key": "idle_timeout.timeout_seconds", "Value": "60"}]),
        )),
        tags: Some(Seen::Present(json!([]))),
        ..live("active")
    };
    let operations: Vec<_> = calls(&planned(&scene, &observed))
        .into_iter()
        .map(|c| c.0)
        .collect();
    assert_eq!(operations, ["ModifyLoadBalancerAttributes", "AddTags"]);
}

#[test]
fn scheme_and_type_are_fixed() {
    for (member, value) in [
        ("Scheme", json!("internet-facing")),
        ("Type", json!("network")),
    ] {
        let plan = planned(&scene(|spec| spec[member] = value), &live("active"));
        assert_inert(&plan, "RecreateRequired");
        assert!(plan.outcome.message().contains(member));
    }
}

#[test]
fn while_provisioning_it_waits_and_may_be_used() {
    let wrong = scene(|spec| spec["SecurityGroups"] = json!(["sg-9"]));
    let plan = planned(&wrong, &live("provisioning"));
    assert_inert(&plan, "Provisioning");
    let facts = plan.facts.unwrap();
    assert!(facts.ready);
    assert_eq!(facts.arn.as_deref(), Some(ARN));
    assert_inert(&planned(&wrong, &live("failed")), "Unsupported");
}

#[test]
fn a_failed_read_writes_nothing() {
    let wrong = scene(|spec| spec["SecurityGroups"] = json!(["sg-9"]));
    let unknown = || Seen::Unknown("throttled".to_owned());
    for observed in [
        Observed {
            load_balancer: unknown(),
            ..live("active")
        },
        Observed {
            attributes: Some(unknown()),
            ..live("active")
        },
        Observed {
            tags: Some(unknown()),
            ..live("active")
        },
    ] {
        assert_inert(&planned(&wrong, &observed), "ObservationUnknown");
    }
}

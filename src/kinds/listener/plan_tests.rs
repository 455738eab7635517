use serde_json::json;

use super::*;
use crate::kinds::testing::{Scene, assert_converged, assert_inert, calls, only_call, recorded};
use crate::model::{Key, Kind};

const ARN: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/nova/1/2";
const BLUE: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/blue/1";
const GREEN: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/green/2";
const KIND: Kind = Kind::Listener;

fn scene(change: impl FnOnce(&mut Value)) -> Scene {
    let mut spec = json!({
        "LoadBalancerArn": "arn:lb", "Port": 443, "Protocol": "HTTPS", "SslPolicy": "tls13",
        "Certificates": [{"CertificateArn": "arn:cert-1"}],
        "DefaultActions": [{"Type": "forward", "TargetGroupArn": BLUE}],
    });
    change(&mut spec);
    Scene::default()
        .with(KIND, "prod", spec)
        .with(Kind::TargetGroup, "blue", json!({"Name": "blue"}))
        .with(Kind::TargetGroup, "green", json!({"Name": "green"}))
        .with(
            Kind::DeploymentGroup,
            "dgp",
            json!({"loadBalancerInfo": {"targetGroupPairInfoList": [
            {"targetGroups": [{"name": "blue"}, {"name": "green"}]}]}}),
        )
}

fn live() -> Observed {
    Observed {
        listener: Seen::Present(json!({
            "ListenerArn": ARN, "LoadBalancerArn": "arn:lb", "Port": "443", "Protocol": "HTTPS",
            "SslPolicy": "tls13",
            "Certificates": [{"CertificateArn": "arn:cert-1", "IsDefault": "true"}],
            "DefaultActions": [{"Type": "forward", "ForwardConfig": {"TargetGroups": [
                {"TargetGroupArn": GREEN, "Weight": "100"}, {"TargetGroupArn": BLUE, "Weight": "0"}],
                "TargetGroupStickinessConfig": {"Enabled": "false"}}}],
        })),
        attributes: None,
        tags: None,
        rules: None,
    }
}

#[test]
fn a_listener_goes_by_its_default_rule_and_that_of_a_network_load_balancer_by_itself() {
    let scene = scene(|_| {});
    let mut observed = live();
    let rules = vec![
        json!({"RuleArn": "arn:first", "Priority": "1"}),
        json!({"RuleArn": "arn:default", "Priority": "default"}),
    ];
    let facts = |observed: &Observed| planned(&scene, observed).facts;
    assert_eq!(facts(&observed).unwrap().label, None, "nobody asks");
    observed.rules = Some(Seen::Present(rules));
    assert_eq!(
        facts(&observed).unwrap().label.as_deref(),
        Some("arn:default")
    );
    observed.rules = Some(Seen::Unknown("throttled".to_owned()));
    let plan = planned(&scene, &observed);
    assert!(plan.steps.is_empty() && plan.outcome.reason() == "ObservationUnknown");
    let network = "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/net/web/1/2";
    if let Seen::Present(listener) = &mut observed.listener {
        listener["ListenerArn"] = json!(network);
    }
    observed.rules = None;
    assert_eq!(facts(&observed).unwrap().label.as_deref(), Some(network));
}

fn planned(scene: &Scene, observed: &Observed) -> Plan {
    let view = scene.view(KIND, "prod");
    let observed = Observed {
        tags: recorded(&view, observed.tags.as_ref()),
        ..observed.clone()
    };
    plan(&view, &observed)
}

#[test]
fn an_absent_listener_is_created_whole_and_marked() {
    let absent = Observed {
        listener: Seen::Absent,
        ..live()
    };
    let scene = scene(|_| {});
    let mut expected = scene.view(KIND, "prod").spec;
    expected["Tags"] = json!([{"Key": "evenkeel.dev/instance", "Value": "default"},
        {"Key": "evenkeel.dev/members", "Value": "1:sl"}]);
    assert_eq!(
        only_call(&planned(&scene, &absent)),
        ("CreateListener", expected)
    );
}

#[test]
fn the_other_side_of_a_pair_is_converged() {
    assert_converged(&planned(&scene(|_| {}), &live()));
}

#[test]
fn members_change_in_place_with_only_what_differs() {
    for (member, value) in [
        ("SslPolicy", json!("tls12")),
        ("Certificates", json!([{"CertificateArn": "arn:cert-2"}])),
        ("Protocol", json!("HTTP")),
        ("AlpnPolicy", json!(["HTTP2Only"])),
        ("MutualAuthentication", json!({"Mode": "passthrough"})),
        (
            "DefaultActions",
            json!([{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]),
        ),
    ] {
        let plan = planned(&scene(|spec| spec[member] = value.clone()), &live());
        let expected = json!({"ListenerArn": ARN, member: value});
        assert_eq!(only_call(&plan), ("ModifyListener", expected));
    }
}

#[test]
fn a_changed_action_beside_a_pair_leaves_the_pair_as_it_is_live() {
    let scene = scene(|spec| {
        spec["DefaultActions"] = json!([
            {"Type": "authenticate-cognito", "Order": 1, "AuthenticateCognitoConfig": {"UserPoolArn": "p"}},
            {"Type": "forward", "Order": 2, "TargetGroupArn": BLUE}]);
    });
    let (_, input) = only_call(&planned(&scene, &live()));
    let groups = &input["DefaultActions"][1]["ForwardConfig"]["TargetGroups"];
    assert_eq!(
        *groups,
        json!([
        {"TargetGroupArn": GREEN, "Weight": 100}, {"TargetGroupArn": BLUE, "Weight": 0}])
    );
}

#[test]
fn traffic_is_not_moved_while_a_broken_manifest_may_hold_the_pair() {
    let mut scene = scene(|_| {});
    let group = Key::new(Kind::DeploymentGroup, "dgp");
    scene.set.resources.remove(&group);
    assert_eq!(only_call(&planned(&scene, &live())).0, "ModifyListener");
    scene.set.invalid.insert(group, "typing error".to_owned());
    let plan = planned(&scene, &live());
    assert_inert(&plan, "DependencyNotReady");
    assert!(
        plan.outcome.message().contains("DeploymentGroup/dgp"),
        "{plan:?}"
    );
    assert!(!plan.drift.is_empty());
}

#[test]
fn attributes_and_tags_are_written_by_their_own_calls() {
    let scene = scene(|spec| spec["Tags"] = json!([{"Key": "team", "Value": "nova"}])).beside(
        KIND,
        "prod",
        "attributes",
        json!([{"Key": "routing.http.response.server.enabled","Value": "false"}]),
    );
    let observed = Observed {
        attributes: Some(Seen::Present(json!([]))),
        tags: Some(Seen::Present(json!([]))),
        ..live()
    };
    let operations: Vec<_> = calls(&planned(&scene, &observed))
        .into_iter()
        .map(|c| c.0)
        .collect();
    assert_eq!(operations, ["ModifyListenerAttributes", "AddTags"]);
}

#[test]
fn an_unresolved_reference_waits_with_what_is_known() {
    let scene = scene(|_| {});
    let mut view = scene.view(KIND, "prod");
    view.unresolved.push(Key::new(Kind::TargetGroup, "blue"));
    let waiting = plan(&view, &live());
    assert_inert(&waiting, "DependencyNotReady");
    assert!(waiting.outcome.message().contains("TargetGroup/blue"));
    assert_eq!(waiting.facts.unwrap().arn.as_deref(), Some(ARN));
    let unread = Observed {
        listener: Seen::Unknown("its load balancer".to_owned()),
        ..live()
    };
    assert_inert(&plan(&view, &unread), "DependencyNotReady");
}

#[test]
fn a_failed_read_writes_nothing() {
    let wrong = scene(|spec| spec["SslPolicy"] = json!("tls12"));
    let unknown = || Seen::Unknown("throttled".to_owned());
    for observed in [
        Observed {
            listener: unknown(),
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
    ] {
        assert_inert(&planned(&wrong, &observed), "ObservationUnknown");
    }
}

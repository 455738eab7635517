use super::*;
use crate::kinds::testing::{Scene, assert_converged, assert_inert, only_call, recorded};
use crate::model::{Key, Kind};

const ARN: &str =
    "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/nova/1/2/3";
const BLUE: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/blue/1";
const GREEN: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/green/2";
const KIND: Kind = Kind::ListenerRule;

fn scene(change: impl FnOnce(&mut Value)) -> Scene {
    let mut spec = json!({
        "ListenerArn": "arn:listener", "Priority": 10,
        "Conditions": [{"Field": "path-pattern", "Values": ["/auth/*", "/auth"]}],
        "Actions": [{"Type": "forward", "TargetGroupArn": BLUE}],
    });
    change(&mut spec);
    Scene::default()
        .with(KIND, "auth", spec)
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
        rules: Seen::Present(vec![
            json!({"RuleArn": "arn:default", "Priority": "default", "IsDefault": "true",
                "Conditions": [], "Actions": [{"Type": "fixed-response"}]}),
            json!({"RuleArn": ARN, "Priority": "10", "IsDefault": "false",
                "Conditions": [{"Field": "path-pattern", "Values": ["/auth", "/auth/*"],
                    "PathPatternConfig": {"Values": ["/auth", "/auth/*"]}}],
                "Actions": [{"Type": "forward", "TargetGroupArn": GREEN, "ForwardConfig": {
                    "TargetGroups": [{"TargetGroupArn": GREEN, "Weight": "1"}],
                    "TargetGroupStickinessConfig": {"Enabled": "false"}}}]}),
        ]),
        tags: None,
    }
}

fn planned(scene: &Scene, observed: &Observed) -> Plan {
    let view = scene.view(KIND, "auth");
    let observed = Observed {
        tags: recorded(&view, observed.tags.as_ref()),
        ..observed.clone()
    };
    plan(&view, &observed)
}

#[test]
fn the_first_rule_is_created_as_declared_and_marked() {
    let empty = Observed {
        rules: Seen::Present(Vec::new()),
        tags: None,
    };
    let scene = scene(|_| {});
    let mut expected = scene.view(KIND, "auth").spec;
    expected["Tags"] = json!([{"Key": "evenkeel.dev/instance", "Value": "default"}]);
    assert_eq!(
        only_call(&planned(&scene, &empty)),
        ("CreateRule", expected)
    );
}

#[test]
fn another_priority_is_a_new_rule_that_goes_where_the_pair_is_live() {
    let (operation, input) = only_call(&planned(
        &scene(|spec| spec["Priority"] = json!(5)),
        &live(),
    ));
    assert_eq!(operation, "CreateRule");
    let groups = &input["Actions"][0]["ForwardConfig"]["TargetGroups"];
    assert_eq!(*groups, json!([{"TargetGroupArn": GREEN, "Weight": 1}]));
}

#[test]
fn an_equal_rule_is_converged() {
    assert_converged(&planned(&scene(|_| {}), &live()));
    let long = scene(|spec| {
        spec["Conditions"] = json!([{"Field": "path-pattern",
            "PathPatternConfig": {"Values": ["/auth", "/auth/*"]}}]);
    });
    assert_converged(&planned(&long, &live()));
    let mut short = live();
    if let Seen::Present(rules) = &mut short.rules {
        rules[1]["Conditions"] = json!([{"Field": "path-pattern", "Values": ["/auth", "/auth/*"]}]);
    }
    assert_converged(&planned(&scene(|_| {}), &short));
    assert_converged(&planned(&long, &short));
}

#[test]
fn changed_conditions_are_sent_alone() {
    let conditions = json!([{"Field": "path-pattern", "Values": ["/auth/*"]}]);
    let plan = planned(
        &scene(|spec| spec["Conditions"] = conditions.clone()),
        &live(),
    );
    let expected = json!({"RuleArn": ARN, "Conditions": conditions});
    assert_eq!(only_call(&plan), ("ModifyRule", expected));
    assert_eq!(
        plan.drift[0].path,
        "/Conditions/0/PathPatternConfig/Values/~1auth"
    );
}

#[test]
fn changed_actions_are_sent_with_the_pair_as_it_is_live() {
    let scene = scene(|spec| {
        spec["Actions"] = json!([
            {"Type": "authenticate-cognito", "Order": 1, "AuthenticateCognitoConfig": {"UserPoolArn": "p"}},
            {"Type": "forward", "Order": 2, "TargetGroupArn": BLUE}]);
    });
    let (_, input) = only_call(&planned(&scene, &live()));
    let groups = &input["Actions"][1]["ForwardConfig"]["TargetGroups"];
    assert_eq!(*groups, json!([{"TargetGroupArn": GREEN, "Weight": 1}]));
    assert_eq!(input.get("Conditions"), None);
}

#[test]
fn transforms_can_be_set_and_taken_away() {
    let rewrite = json!([{"Type": "url-rewrite", "UrlRewriteConfig": {"Rewrites": [{"Regex": "a", "Replace": "b"}]}}]);
    let plan = planned(&scene(|spec| spec["Transforms"] = rewrite.clone()), &live());
    assert_eq!(
        only_call(&plan),
        ("ModifyRule", json!({"RuleArn": ARN, "Transforms": rewrite}))
    );

    let mut observed = live();
    if let Seen::Present(rules) = &mut observed.rules {
        rules[1]["Transforms"] = rewrite;
    }
    let plan = planned(&scene(|spec| spec["Transforms"] = json!([])), &observed);
    assert_eq!(
        only_call(&plan),
        (
            "ModifyRule",
            json!({"RuleArn": ARN, "ResetTransforms": true})
        )
    );
    assert_converged(&planned(&scene(|_| {}), &observed));
}

#[test]
fn tags_have_their_own_call() {
    let scene = scene(|spec| spec["Tags"] = json!([{"Key": "team", "Value": "nova"}]));
    let observed = Observed {
        tags: Some(Seen::Present(json!([]))),
        ..live()
    };
    let tags = json!([{"Key": "team", "Value": "nova"}]);
    let expected = ("AddTags", json!({"ResourceArns": [ARN], "Tags": tags}));
    assert_eq!(only_call(&planned(&scene, &observed)), expected);
}

#[test]
fn traffic_is_not_moved_while_a_broken_manifest_may_hold_the_pair() {
    let mut scene = scene(|_| {});
    let group = Key::new(Kind::DeploymentGroup, "dgp");
    scene.set.resources.remove(&group);
    scene.set.invalid.insert(group, "typing error".to_owned());
    assert_inert(&planned(&scene, &live()), "DependencyNotReady");
}

#[test]
fn a_failed_read_writes_nothing() {
    let wrong = scene(|spec| spec["Conditions"][0]["Values"] = json!(["/x"]));
    let unknown = Observed {
        rules: Seen::Unknown("throttled".to_owned()),
        tags: None,
    };
    assert_inert(&planned(&wrong, &unknown), "ObservationUnknown");
    let unknown = Observed {
        tags: Some(Seen::Unknown("throttled".to_owned())),
        ..live()
    };
    assert_inert(&planned(&wrong, &unknown), "ObservationUnknown");
}

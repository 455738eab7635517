use super::*;
use crate::kinds::testing::Scene;

const BLUE: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/blue/1";
const GREEN: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/green/2";
const OTHER: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/other/3";

fn pairs() -> Pairs {
    let scene = Scene::default()
        .with(Kind::TargetGroup, "a", json!({"Name": "blue"}))
        .with(Kind::TargetGroup, "b", json!({"Name": "green"}))
        .with(
            Kind::DeploymentGroup,
            "dgp",
            json!({"loadBalancerInfo": {"targetGroupPairInfoList": [
            {"targetGroups": [{"name": "blue"}, {"name": "green"}]}]}}),
        )
        .known(Kind::TargetGroup, "a", BLUE);
    Pairs::of(&scene.view(Kind::DeploymentGroup, "dgp"))
}

fn to(groups: &[(&str, i64)]) -> Value {
    let listed = groups
        .iter()
        .map(|(arn, weight)| json!({"TargetGroupArn": arn, "Weight": weight}));
    json!({"Type": "forward", "ForwardConfig": {"TargetGroups": listed.collect::<Value>()}})
}

/// A forward as ELB answers it: everything a text, stickiness filled in.
fn live(groups: &[(&str, &str)]) -> Value {
    let listed = groups
        .iter()
        .map(|(arn, weight)| json!({"TargetGroupArn": arn, "Weight": weight}));
    let mut action = json!({"Type": "forward", "ForwardConfig": {
        "TargetGroups": listed.collect::<Value>(), "TargetGroupStickinessConfig": {"Enabled": "false"}}});
    if let [(arn, _)] = groups {
        action["TargetGroupArn"] = json!(arn);
    }
    action
}

fn paths(desired: &Value, live: &Value) -> Vec<String> {
    let found = drift("Actions", &json!([desired]), &json!([live]), &pairs());
    found.into_iter().map(|d| d.path).collect()
}

#[test]
fn within_a_pair_nothing_is_a_difference() {
    for desired in [
        json!({"Type": "forward", "TargetGroupArn": BLUE}),
        to(&[(BLUE, 1), (GREEN, 0)]),
    ] {
        for live in [
            live(&[(BLUE, "1")]),
            live(&[(GREEN, "100")]),
            live(&[(GREEN, "90"), (BLUE, "10")]),
            json!({"Type": "forward", "TargetGroupArn": GREEN}),
        ] {
            assert_eq!(
                paths(&desired, &live),
                Vec::<String>::new(),
                "{desired} {live}"
            );
        }
    }
}

#[test]
fn leaving_the_pair_is_a_difference() {
    let desired = json!({"Type": "forward", "TargetGroupArn": BLUE});
    assert!(!paths(&desired, &live(&[(OTHER, "1")])).is_empty());
    assert!(!paths(&desired, &live(&[(BLUE, "1"), (OTHER, "1")])).is_empty());
    assert!(!paths(&desired, &json!({"Type": "fixed-response"})).is_empty());
}

#[test]
fn beside_a_pair_only_the_other_group_counts() {
    let desired = to(&[(BLUE, 1), (OTHER, 2)]);
    assert!(paths(&desired, &live(&[(GREEN, "7"), (BLUE, "0"), (OTHER, "2")])).is_empty());
    let weight = format!("/Actions/0/ForwardConfig/TargetGroups/{}/Weight", "3");
    assert_eq!(
        paths(&desired, &live(&[(GREEN, "7"), (OTHER, "3")])),
        [weight]
    );
}

#[test]
fn outside_of_pairs_weights_and_stickiness_count() {
    let third = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/third/4";
    let desired = to(&[(OTHER, 1), (third, 2)]);
    assert!(paths(&desired, &live(&[(third, "2"), (OTHER, "1")])).is_empty());
    assert_eq!(
        paths(&desired, &live(&[(third, "3"), (OTHER, "1")])).len(),
        1
    );
    assert!(
        paths(&to(&[(OTHER, 7)]), &live(&[(OTHER, "1")])).is_empty(),
        "one group gets all"
    );
    let mut sticky = desired.clone();
    sticky["ForwardConfig"]["TargetGroupStickinessConfig"] = json!({"Enabled": false});
    assert!(paths(&sticky, &to(&[(OTHER, 1), (third, 2)])).is_empty());
    sticky["ForwardConfig"]["TargetGroupStickinessConfig"] = json!({"Enabled": true});
    assert_eq!(
        paths(&sticky, &live(&[(third, "2"), (OTHER, "1")])).len(),
        1
    );
}

#[test]
fn actions_are_compared_in_their_order_and_secrets_are_not() {
    let oidc = json!({"Issuer": "i", "ClientId": "c", "ClientSecret": "s"});
    let desired = json!([
        {"Type": "forward", "Order": 2, "TargetGroupArn": BLUE},
        {"Type": "authenticate-oidc", "Order": 1, "AuthenticateOidcConfig": oidc}]);
    let mut answered = live(&[(GREEN, "1")]);
    answered["Order"] = json!("2");
    let live = json!([
        {"Type": "authenticate-oidc", "Order": "1",
            "AuthenticateOidcConfig": {"Issuer": "i", "ClientId": "c", "SessionTimeout": "604800"}},
        answered]);
    assert_eq!(drift("Actions", &desired, &live, &pairs()), []);
}

#[test]
fn a_pair_is_sent_back_as_it_is_live_with_types() {
    let desired = json!([
        {"Type": "authenticate-cognito", "Order": 1},
        {"Type": "forward", "Order": 2, "TargetGroupArn": BLUE}]);
    let live = [
        json!({"Type": "authenticate-cognito"}),
        live(&[(GREEN, "90"), (BLUE, "10")]),
    ];
    assert_eq!(
        to_send(&desired, &live, &pairs()),
        json!([
        {"Type": "authenticate-cognito", "Order": 1},
        {"Type": "forward", "Order": 2, "ForwardConfig": {
            "TargetGroups": [{"TargetGroupArn": GREEN, "Weight": 90}, {"TargetGroupArn": BLUE, "Weight": 10}],
            "TargetGroupStickinessConfig": {"Enabled": false}}}])
    );
}

#[test]
fn what_is_in_no_pair_is_sent_as_declared() {
    let desired = json!([{"Type": "forward", "TargetGroupArn": OTHER}]);
    assert_eq!(
        to_send(&desired, &[live(&[(OTHER, "1")])], &pairs()),
        desired
    );
    let desired = json!([{"Type": "forward", "TargetGroupArn": BLUE}]);
    assert_eq!(
        to_send(&desired, &[live(&[(OTHER, "1")])], &pairs()),
        desired
    );
}

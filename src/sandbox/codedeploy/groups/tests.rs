//! What a group reads back as, and each refusal.

use serde_json::{Value, json};

use super::super::bench::Bench;

fn read(bench: &mut Bench) -> Value {
    let input = json!({"applicationName": "app", "deploymentGroupName": "g"});
    bench.must("GetDeploymentGroup", &input)["deploymentGroupInfo"].clone()
}

#[test]
fn defaults_are_filled_in_and_an_update_changes_only_what_it_names() {
    let mut bench = Bench::with_group(|group| {
        group
            .as_object_mut()
            .unwrap()
            .remove("deploymentConfigName");
    });
    let info = read(&mut bench);
    assert_eq!(info["deploymentConfigName"], "CodeDeployDefault.OneAtATime");
    assert_eq!(info["outdatedInstancesStrategy"], "UPDATE");
    assert_eq!(info["terminationHookEnabled"], false);
    assert_eq!(info["computePlatform"], "ECS");
    let deployment = json!({"applicationName": "app", "deploymentGroupName": "g",
        "revision": Bench::spec("web:2", &json!([]))});
    let refusal = bench.call("CreateDeployment", &deployment).unwrap_err();
    assert_eq!(refusal.code, "InvalidDeploymentConfigNameException");
    bench.must(
        "UpdateDeploymentGroup",
        &json!({"applicationName": "app", "currentDeploymentGroupName": "g",
            "newDeploymentGroupName": "h",
            "deploymentConfigName": "CodeDeployDefault.ECSAllAtOnce"}),
    );
    let names = bench.must("ListDeploymentGroups", &json!({"applicationName": "app"}));
    assert_eq!(names["deploymentGroups"], json!(["h"]));
    let both = json!({"applicationName": "app", "deploymentGroupNames": ["h", "g"]});
    let both = bench.must("BatchGetDeploymentGroups", &both);
    let after = &both["deploymentGroupsInfo"][0];
    assert_eq!(
        after["deploymentConfigName"],
        "CodeDeployDefault.ECSAllAtOnce"
    );
    assert_eq!(after["loadBalancerInfo"], info["loadBalancerInfo"]);
    assert!(both["errorMessage"].as_str().unwrap().ends_with('g'));
}

#[test]
fn every_rule_has_its_code() {
    let mut bench = Bench::new("application", "CODE_DEPLOY");
    let good = bench.group();
    let test = bench.test.clone();
    let alarms: Vec<Value> = (0..11).map(|n| json!({"name": format!("a{n}")})).collect();
    let topic = "arn:aws:sns:eu-west-1:123456789012:t";
    let trigger = |n: usize| {
        json!({"triggerName": format!("t{n}"), "triggerTargetArn": topic,
        "triggerEvents": ["DeploymentStart"]})
    };
    let triggers: Vec<Value> = (0..11).map(trigger).collect();
    let pair = "/loadBalancerInfo/targetGroupPairInfoList/0";
    let blue_green = "/blueGreenDeploymentConfiguration";
    let cases: Vec<(String, Value, &str)> = vec![
        (
            "/applicationName".into(),
            json!("nope"),
            "ApplicationDoesNotExistException",
        ),
        (
            "/deploymentGroupName".into(),
            json!("a b"),
            "InvalidDeploymentGroupNameException",
        ),
        (
            "/serviceRoleArn".into(),
            json!(null),
            "RoleRequiredException",
        ),
        (
            "/serviceRoleArn".into(),
            json!("role"),
            "InvalidRoleException",
        ),
        (
            "/deploymentConfigName".into(),
            json!("CodeDeployDefault.None"),
            "DeploymentConfigDoesNotExistException",
        ),
        (
            "/deploymentConfigName".into(),
            json!("CodeDeployDefault.OneAtATime"),
            "InvalidDeploymentConfigNameException",
        ),
        (
            "/deploymentStyle/deploymentType".into(),
            json!("IN_PLACE"),
            "InvalidDeploymentStyleException",
        ),
        (
            blue_green.into(),
            json!(null),
            "InvalidBlueGreenDeploymentConfigurationException",
        ),
        (
            format!(
                "{blue_green}/terminateBlueInstancesOnDeploymentSuccess/terminationWaitTimeInMinutes"
            ),
            json!(2881),
            "InvalidBlueGreenDeploymentConfigurationException",
        ),
        (
            format!("{blue_green}/deploymentReadyOption/actionOnTimeout"),
            json!("WAIT"),
            "InvalidBlueGreenDeploymentConfigurationException",
        ),
        (
            "/loadBalancerInfo".into(),
            json!(null),
            "InvalidLoadBalancerInfoException",
        ),
        (
            "/loadBalancerInfo".into(),
            json!({"elbInfoList": [{"name": "lb"}]}),
            "InvalidLoadBalancerInfoException",
        ),
        (
            format!("{pair}/prodTrafficRoute"),
            json!(null),
            "InvalidLoadBalancerInfoException",
        ),
        (
            format!("{pair}/prodTrafficRoute/listenerArns/0"),
            json!("arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/x/1/2"),
            "InvalidLoadBalancerInfoException",
        ),
        (
            format!("{pair}/prodTrafficRoute/listenerArns/0"),
            json!(test),
            "InvalidTargetGroupPairException",
        ),
        (
            format!("{pair}/targetGroups/1/name"),
            json!("tg-1"),
            "InvalidTargetGroupPairException",
        ),
        (
            format!("{pair}/targetGroups/1/name"),
            json!("tg-9"),
            "InvalidTargetGroupPairException",
        ),
        (
            "/ecsServices".into(),
            json!([]),
            "InvalidECSServiceException",
        ),
        (
            "/ecsServices/0/serviceName".into(),
            json!("other"),
            "InvalidECSServiceException",
        ),
        (
            "/autoRollbackConfiguration".into(),
            json!({"enabled": true, "events": ["RAIN"]}),
            "InvalidAutoRollbackConfigException",
        ),
        (
            "/autoRollbackConfiguration".into(),
            json!({"enabled": true}),
            "InvalidAutoRollbackConfigException",
        ),
        (
            "/alarmConfiguration".into(),
            json!({"enabled": true, "alarms": alarms}),
            "AlarmsLimitExceededException",
        ),
        (
            "/alarmConfiguration".into(),
            json!({"enabled": true}),
            "InvalidAlarmConfigException",
        ),
        (
            "/triggerConfigurations".into(),
            json!(triggers),
            "TriggerTargetsLimitExceededException",
        ),
        (
            "/triggerConfigurations".into(),
            json!([{"triggerName": "t"}]),
            "InvalidTriggerConfigException",
        ),
    ];
    for (pointer, value, code) in cases {
        let mut input = good.clone();
        if let Some(place) = input.pointer_mut(&pointer) {
            *place = value;
        } else {
            input[&pointer[1..]] = value;
        }
        let input = without_nulls(input);
        let refusal = bench.call("CreateDeploymentGroup", &input).unwrap_err();
        assert_eq!(refusal.code, code, "{pointer}: {}", refusal.message);
    }
    bench.must("CreateDeploymentGroup", &good);
    let refusal = bench.call("CreateDeploymentGroup", &good).unwrap_err();
    assert_eq!(refusal.code, "DeploymentGroupAlreadyExistsException");
    let mut second = good;
    second["deploymentGroupName"] = json!("h");
    let refusal = bench.call("CreateDeploymentGroup", &second).unwrap_err();
    assert_eq!(refusal.code, "ECSServiceMappingLimitExceededException");
}

/// Members that are null are absent on the wire.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, without_nulls(value)))
            .collect(),
        other => other,
    }
}

#[test]
fn a_network_load_balancer_moves_all_at_once_only() {
    let mut bench = Bench::new("network", "CODE_DEPLOY");
    let mut group = bench.group();
    group["deploymentConfigName"] = json!("CodeDeployDefault.ECSCanary10Percent5Minutes");
    let refusal = bench.call("CreateDeploymentGroup", &group).unwrap_err();
    assert_eq!(refusal.code, "InvalidTrafficRoutingConfigurationException");
    group["deploymentConfigName"] = json!("CodeDeployDefault.ECSAllAtOnce");
    bench.must("CreateDeploymentGroup", &group);
}

#[test]
fn the_service_must_be_of_codedeploy() {
    let mut bench = Bench::new("application", "ECS");
    let group = bench.group();
    let refusal = bench.call("CreateDeploymentGroup", &group).unwrap_err();
    assert_eq!(refusal.code, "InvalidECSServiceException");
}

#[test]
fn an_application_without_a_platform_is_of_platform_server() {
    let mut bench = Bench::new("application", "CODE_DEPLOY");
    bench.must("CreateApplication", &json!({"applicationName": "forgot"}));
    let mut group = bench.group();
    group["applicationName"] = json!("forgot");
    let refusal = bench.call("CreateDeploymentGroup", &group).unwrap_err();
    assert_eq!(refusal.code, "InvalidLoadBalancerInfoException");
    assert!(refusal.message.contains("WITH_TRAFFIC_CONTROL"));
}

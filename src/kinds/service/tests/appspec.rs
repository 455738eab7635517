//! The `AppSpec` as `CodeDeploy` wants it (aws-facts 2.3).

use serde_json::{Value, json};

use super::bench::network;
use super::{Bench, Payload};
use crate::kinds::testing::only_call;
use crate::model::Kind;

/// The `AppSpec` that the bench deploys.
fn app_spec(bench: &mut Bench) -> Value {
    bench.deployments(Vec::new());
    let (operation, input) = only_call(&bench.plan());
    assert_eq!(operation, "CreateDeployment");
    assert_eq!(input["revision"]["revisionType"], "AppSpecContent");
    serde_json::from_str(
        input["revision"]["appSpecContent"]["content"]
            .as_str()
            .unwrap(),
    )
    .unwrap()
}

fn properties(bench: &mut Bench) -> Value {
    app_spec(bench)["Resources"][0]["TargetService"]["Properties"].take()
}

fn bench() -> Bench {
    Bench::blue_green(Payload::B, Payload::A)
}

#[test]
fn it_carries_the_whole_payload() {
    assert_eq!(
        app_spec(&mut bench()),
        json!({"version": "0.0", "Resources": [{"TargetService": {"Type": "AWS::ECS::Service", "Properties": {
            "TaskDefinition": Payload::B.task_definition(),
            "LoadBalancerInfo": {"ContainerName": "web", "ContainerPort": 8080},
            "PlatformVersion": "1.4.0",
            "NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": ["subnet-1", "subnet-2"],
                "SecurityGroups": ["sg-1", "sg-2"], "AssignPublicIp": "DISABLED"}},
        }}}]})
    );
}

#[test]
fn what_is_not_declared_is_left_to_the_service() {
    let mut bench = bench();
    for member in ["platformVersion", "networkConfiguration"] {
        bench.spec().as_object_mut().unwrap().remove(member);
    }
    let properties = properties(&mut bench);
    let names: Vec<&String> = properties.as_object().unwrap().keys().collect();
    assert_eq!(names, ["TaskDefinition", "LoadBalancerInfo"]);
}

/// AWS takes subnets, groups and the public address together or not at all.
#[test]
fn a_network_that_is_declared_in_part_keeps_the_rest_as_it_is_live() {
    let declared = json!({"subnets": ["subnet-9"]});
    for (live, groups, address) in [
        (network(), json!(["sg-1", "sg-2"]), "DISABLED"),
        (
            json!({"awsvpcConfiguration": {"assignPublicIp": "ENABLED", "securityGroups": null}}),
            json!([]),
            "ENABLED",
        ),
        (Value::Null, json!([]), "DISABLED"),
    ] {
        let mut bench = bench();
        bench.spec()["networkConfiguration"] = json!({"awsvpcConfiguration": declared});
        bench.live()["taskSets"][0]["networkConfiguration"] = live;
        assert_eq!(
            properties(&mut bench)["NetworkConfiguration"]["AwsvpcConfiguration"],
            json!({"Subnets": ["subnet-9"], "SecurityGroups": groups, "AssignPublicIp": address})
        );
    }
}

/// AWS refuses an empty list of security groups.
#[test]
fn a_network_without_groups_is_left_out_while_it_is_as_declared() {
    let mut bench = bench();
    let network = json!({"awsvpcConfiguration": {"subnets": ["subnet-9"]}});
    bench.spec()["networkConfiguration"] = network;
    let live = json!({"subnets": ["subnet-9"], "securityGroups": [], "assignPublicIp": "DISABLED"});
    bench.live()["taskSets"][0]["networkConfiguration"] = json!({"awsvpcConfiguration": live});
    assert_eq!(properties(&mut bench).get("NetworkConfiguration"), None);
}

#[test]
fn capacity_providers_are_written_with_their_defaults() {
    let mut bench = bench();
    bench.spec().as_object_mut().unwrap().remove("launchType");
    bench.spec()["capacityProviderStrategy"] = json!([{"capacityProvider": "FARGATE", "base": 1, "weight": 2}, {"capacityProvider": "FARGATE_SPOT"}]);
    assert_eq!(
        properties(&mut bench)["CapacityProviderStrategy"],
        json!([{"Base": 1, "CapacityProvider": "FARGATE", "Weight": 2},
            {"Base": 0, "CapacityProvider": "FARGATE_SPOT", "Weight": 0}])
    );
}

#[test]
fn hooks_stand_in_the_order_of_the_lifecycle_each_in_an_object_of_its_own() {
    let mut bench = bench();
    let hooks = json!({"AfterAllowTraffic": "check", "BeforeInstall": "migrate"});
    bench.scene = std::mem::take(&mut bench.scene).beside(
        Kind::Service,
        "web",
        "rollout",
        json!({"hooks": hooks}),
    );
    assert_eq!(
        app_spec(&mut bench)["Hooks"],
        json!([{"BeforeInstall": "migrate"}, {"AfterAllowTraffic": "check"}])
    );
    let mut none = super::appspec::bench();
    none.scene = std::mem::take(&mut none.scene).beside(
        Kind::Service,
        "web",
        "rollout",
        json!({"hooks": {}}),
    );
    assert_eq!(app_spec(&mut none).get("Hooks"), None);
}

//! Reading deployments, and refusals of the operations on them.

use serde_json::{Value, json};

use super::super::bench::Bench;

#[test]
fn lists_are_filtered_and_newest_first() {
    let mut bench = Bench::with_group(|_| {});
    let first = bench.deploy("web:2", &json!([]));
    bench.until(&first, "Succeeded", 600);
    bench.run(10);
    let second = bench.deploy("web:1", &json!([]));
    let created = bench.info(&second)["createTime"].as_f64().unwrap();
    let list = |bench: &mut Bench, input: Value| bench.must("ListDeployments", &input);
    assert_eq!(
        list(&mut bench, json!({}))["deployments"],
        json!([second, first])
    );
    for (filter, wanted) in [
        (
            json!({"includeOnlyStatuses": ["Succeeded"]}),
            json!([first]),
        ),
        (
            json!({"includeOnlyStatuses": ["Created", "Queued"]}),
            json!([second]),
        ),
        (
            json!({"createTimeRange": {"start": created}}),
            json!([second]),
        ),
        (
            json!({"createTimeRange": {"end": created - 1.0}}),
            json!([first]),
        ),
        (
            json!({"applicationName": "app", "deploymentGroupName": "g"}),
            json!([second, first]),
        ),
    ] {
        assert_eq!(
            list(&mut bench, filter.clone())["deployments"],
            wanted,
            "{filter}"
        );
    }
    for (filter, code) in [
        (
            json!({"applicationName": "app"}),
            "DeploymentGroupNameRequiredException",
        ),
        (
            json!({"deploymentGroupName": "g"}),
            "ApplicationNameRequiredException",
        ),
        (
            json!({"applicationName": "app", "deploymentGroupName": "h"}),
            "DeploymentGroupDoesNotExistException",
        ),
        (
            json!({"includeOnlyStatuses": ["Done"]}),
            "InvalidDeploymentStatusException",
        ),
        (
            json!({"createTimeRange": {"start": 2, "end": 1}}),
            "InvalidTimeRangeException",
        ),
    ] {
        assert_eq!(
            bench.call("ListDeployments", &filter).unwrap_err().code,
            code,
            "{filter}"
        );
    }
}

#[test]
fn ids_targets_and_batches_are_checked() {
    let mut bench = Bench::with_group(|_| {});
    let id = bench.deploy("web:2", &json!([]));
    bench.until(&id, "Succeeded", 600);
    let many: Vec<&str> = (0..26).map(|_| "d-ABCDEFGHI").collect();
    for (operation, input, code) in [
        ("GetDeployment", json!({}), "DeploymentIdRequiredException"),
        (
            "GetDeployment",
            json!({"deploymentId": "x"}),
            "InvalidDeploymentIdException",
        ),
        (
            "GetDeployment",
            json!({"deploymentId": "d-AAAAAAAAA"}),
            "DeploymentDoesNotExistException",
        ),
        (
            "BatchGetDeployments",
            json!({"deploymentIds": many}),
            "BatchLimitExceededException",
        ),
        (
            "GetDeploymentTarget",
            json!({"deploymentId": id}),
            "DeploymentTargetIdRequiredException",
        ),
        (
            "GetDeploymentTarget",
            json!({"deploymentId": id, "targetId": "c:other"}),
            "DeploymentTargetDoesNotExistException",
        ),
        (
            "BatchGetDeploymentTargets",
            json!({"deploymentId": id, "targetIds": ["c:s", "c:t"]}),
            "DeploymentTargetListSizeExceededException",
        ),
        (
            "ListDeploymentTargets",
            json!({"deploymentId": id, "targetFilters": {"Colour": ["x"]}}),
            "InvalidTargetFilterNameException",
        ),
    ] {
        assert_eq!(
            bench.call(operation, &input).unwrap_err().code,
            code,
            "{operation} {input}"
        );
    }
    let batch = json!({"deploymentIds": [id, "d-AAAAAAAAA"]});
    let found = bench.must("BatchGetDeployments", &batch)["deploymentsInfo"].clone();
    assert_eq!(found.as_array().unwrap().len(), 1);
    let targets = bench.must("ListDeploymentTargets", &json!({"deploymentId": id}));
    assert_eq!(targets["targetIds"], json!(["c:s"]));
    let none = json!({"deploymentId": id, "targetFilters": {"TargetStatus": ["Failed"]}});
    assert_eq!(
        bench.must("ListDeploymentTargets", &none)["targetIds"],
        json!([])
    );
}

#[test]
fn a_request_is_checked_before_anything_is_made() {
    let mut bench = Bench::with_group(|_| {});
    let good = json!({"applicationName": "app", "deploymentGroupName": "g",
        "revision": Bench::spec("web:2", &json!([]))});
    for (member, value, code) in [
        (
            "deploymentGroupName",
            json!("h"),
            "DeploymentGroupDoesNotExistException",
        ),
        (
            "revision",
            json!({"revisionType": "AppSpecContent"}),
            "InvalidRevisionException",
        ),
        (
            "description",
            json!("x".repeat(257)),
            "DescriptionTooLongException",
        ),
        (
            "deploymentConfigName",
            json!("CodeDeployDefault.None"),
            "DeploymentConfigDoesNotExistException",
        ),
        (
            "targetInstances",
            json!({}),
            "InvalidTargetInstancesException",
        ),
        (
            "autoRollbackConfiguration",
            json!({"enabled": true}),
            "InvalidAutoRollbackConfigException",
        ),
        (
            "overrideAlarmConfiguration",
            json!({"enabled": true}),
            "InvalidAlarmConfigException",
        ),
    ] {
        let mut input = good.clone();
        input[member] = value;
        assert_eq!(
            bench.call("CreateDeployment", &input).unwrap_err().code,
            code,
            "{member}"
        );
    }
    assert_eq!(
        bench.must("ListDeployments", &json!({}))["deployments"],
        json!([])
    );
    let mut described = good;
    described["description"] = json!("x".repeat(256));
    let made = bench.must("CreateDeployment", &described);
    let info = bench.info(made["deploymentId"].as_str().unwrap());
    assert_eq!(info["description"], described["description"]);
}

use serde_json::json;

use super::*;
use crate::kinds::testing::{Scene, assert_converged, assert_inert, only_call, recorded};
use crate::model::Kind;

const ARN: &str = "arn:aws:ecs:eu-west-1:123456789012:cluster/nova";

fn planned(change: impl FnOnce(&mut Value), cluster: Seen<Value>) -> Plan {
    let mut spec = json!({
        "clusterName": "nova",
        "settings": [{"name": "containerInsights", "value": "enabled"}],
        "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
        "defaultCapacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1}],
        "serviceConnectDefaults": {"namespace": "shop"},
    });
    change(&mut spec);
    let scene = Scene::default().with(Kind::Cluster, "nova", spec);
    let view = scene.view(Kind::Cluster, "nova");
    let cluster = cluster.map(|mut live: Value| {
        let tags = live.get("tags").cloned().map(Seen::Present);
        if let Some(Seen::Present(tags)) = recorded(&view, tags.as_ref()) {
            live["tags"] = tags;
        }
        live
    });
    plan(&view, &Observed { cluster })
}

fn live(change: impl FnOnce(&mut Value)) -> Seen<Value> {
    let mut live = json!({
        "clusterArn": ARN, "clusterName": "nova", "status": "ACTIVE", "runningTasksCount": 3,
        "settings": [{"name": "containerInsights", "value": "enabled"}],
        "capacityProviders": ["FARGATE_SPOT", "FARGATE"],
        "defaultCapacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1, "base": 0}],
        "serviceConnectDefaults": {"namespace": "arn:aws:servicediscovery:x:y:namespace/ns-1"},
        "tags": [{"key": "theirs", "value": "x"}],
    });
    change(&mut live);
    Seen::Present(live)
}

#[test]
fn an_absent_cluster_is_created_whole_and_marked() {
    let (operation, input) = only_call(&planned(|_| {}, Seen::Absent));
    assert_eq!(operation, "CreateCluster");
    assert_eq!(
        input["capacityProviders"],
        json!(["FARGATE", "FARGATE_SPOT"])
    );
    assert_eq!(
        input["tags"],
        json!([{"key": "evenkeel.dev/instance", "value": "default"},
            {"key": "evenkeel.dev/members", "value": "1:cp.ds.sc.se"}])
    );
}

#[test]
fn an_equal_one_is_converged() {
    assert_converged(&planned(|_| {}, live(|_| {})));
}

#[test]
fn each_member_has_its_operation() {
    let put = |providers: &[&str], strategy: Value| {
        json!({"cluster": "nova", "capacityProviders": providers,
            "defaultCapacityProviderStrategy": strategy})
    };
    let strategy = json!([{"capacityProvider": "FARGATE", "weight": 1}]);
    for (member, value, operation, input) in [
        (
            "settings",
            json!([{"name": "containerInsights", "value": "enhanced"}]),
            "UpdateCluster",
            json!({"cluster": "nova", "settings": [{"name": "containerInsights", "value": "enhanced"}]}),
        ),
        (
            "configuration",
            json!({"executeCommandConfiguration": {"logging": "NONE"}}),
            "UpdateCluster",
            json!({"cluster": "nova", "configuration": {"executeCommandConfiguration": {"logging": "NONE"}}}),
        ),
        (
            "capacityProviders",
            json!(["FARGATE"]),
            "PutClusterCapacityProviders",
            put(&["FARGATE"], strategy),
        ),
        (
            "defaultCapacityProviderStrategy",
            json!([]),
            "PutClusterCapacityProviders",
            put(&["FARGATE", "FARGATE_SPOT"], json!([])),
        ),
        (
            "tags",
            json!([{"key": "team", "value": "nova"}]),
            "TagResource",
            json!({"resourceArn": ARN, "tags": [{"key": "team", "value": "nova"}]}),
        ),
    ] {
        let plan = planned(|spec| spec[member] = value, live(|_| {}));
        assert_eq!(only_call(&plan), (operation, input));
    }
}

#[test]
fn the_undeclared_list_of_providers_is_sent_as_it_is_live() {
    let plan = planned(
        |spec| {
            spec["capacityProviders"] = json!(["FARGATE"]);
            spec.as_object_mut()
                .unwrap()
                .remove("defaultCapacityProviderStrategy");
        },
        live(|_| {}),
    );
    let (_, input) = only_call(&plan);
    let expected = json!([{"capacityProvider": "FARGATE", "weight": 1, "base": 0}]);
    assert_eq!(input["defaultCapacityProviderStrategy"], expected);
}

#[test]
fn a_cluster_that_is_not_active_is_left_alone() {
    let wrong = |spec: &mut Value| spec["capacityProviders"] = json!(["FARGATE"]);
    for (status, reason) in [
        ("PROVISIONING", "Provisioning"),
        ("DEPROVISIONING", "Provisioning"),
        ("FAILED", "Unsupported"),
    ] {
        let plan = planned(wrong, live(|live| live["status"] = json!(status)));
        assert_inert(&plan, reason);
        assert!(plan.facts.is_some_and(|facts| !facts.ready));
    }
    let busy = live(|live| live["attachmentsStatus"] = json!("UPDATE_IN_PROGRESS"));
    assert_inert(&planned(wrong, busy), "Provisioning");
}

#[test]
fn a_failed_read_writes_nothing() {
    assert_inert(
        &planned(|_| {}, Seen::Unknown("timeout".to_owned())),
        "ObservationUnknown",
    );
    let nameless = Seen::Present(json!({"status": "ACTIVE"}));
    assert_inert(&planned(|_| {}, nameless), "ObservationUnknown");
}

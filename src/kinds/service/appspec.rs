//! The `CreateDeployment` request of a blue/green rollout, its `AppSpec` included. Pure.
//!
//! Source of the `AppSpec`'s shape: aws-facts 2.3 (`reference-appspec-file-structure-resources`).

use serde_json::{Map, Value, json};

use super::history::description;
use super::{items, text};
use crate::document::{Change, Rules, Treat, compare};
use crate::kinds::View;
use crate::model::{Call, Service};

/// The five hooks of an ECS deployment, in the order of the lifecycle.
pub(super) const HOOKS: [&str; 5] = [
    "BeforeInstall",
    "AfterInstall",
    "AfterAllowTestTraffic",
    "BeforeAllowTraffic",
    "AfterAllowTraffic",
];

/// The request that starts a rollout of this attempt. `live` is the `PRIMARY` task set, for what
/// AWS wants whole and the manifest declares in part.
pub(super) fn create_deployment(
    view: &View<'_>,
    live: &Value,
    group: &Value,
    attempt: &str,
) -> Call {
    let content = app_spec(view, live).to_string();
    let input = json!({
        "applicationName": text(group, "applicationName"),
        "deploymentGroupName": text(group, "deploymentGroupName"),
        "revision": {"revisionType": "AppSpecContent", "appSpecContent": {"content": content}},
        "description": description(attempt, view.set.revision_of(view.resource)),
    });
    Call {
        service: Service::CodeDeploy,
        operation: "CreateDeployment",
        input,
    }
}

fn app_spec(view: &View<'_>, live: &Value) -> Value {
    let spec = &view.spec;
    let balancer = items(spec, "loadBalancers").next().unwrap_or(&Value::Null);
    let mut properties = Map::new();
    properties.insert("TaskDefinition".to_owned(), spec["taskDefinition"].clone());
    properties.insert(
        "LoadBalancerInfo".to_owned(),
        json!({"ContainerName": balancer["containerName"], "ContainerPort": balancer["containerPort"]}),
    );
    if let Some(platform) = spec.get("platformVersion") {
        properties.insert("PlatformVersion".to_owned(), platform.clone());
    }
    if let Some(network) = network(spec, live) {
        properties.insert(
            "NetworkConfiguration".to_owned(),
            json!({"AwsvpcConfiguration": network}),
        );
    }
    let providers: Vec<Value> = items(spec, "capacityProviderStrategy")
        .map(provider)
        .collect();
    if !providers.is_empty() {
        properties.insert(
            "CapacityProviderStrategy".to_owned(),
            Value::from(providers),
        );
    }
    let mut document = json!({
        "version": "0.0",
        "Resources": [{"TargetService": {"Type": "AWS::ECS::Service", "Properties": properties}}],
    });
    let declared = view
        .resource
        .beside
        .get("rollout")
        .and_then(|rollout| rollout.get("hooks"));
    let hooks: Vec<Value> = HOOKS
        .iter()
        .filter_map(|event| Some(json!({*event: declared?.get(*event)?})))
        .collect();
    if !hooks.is_empty() {
        document["Hooks"] = Value::from(hooks);
    }
    document
}

/// The network of the deployment, whole or not at all: AWS takes subnets, security groups and the
/// public address together (aws-facts 2.3). What the manifest leaves out stays as it is live.
fn network(spec: &Value, live: &Value) -> Option<Value> {
    let declared = spec.pointer("/networkConfiguration/awsvpcConfiguration")?;
    let live = live
        .pointer("/networkConfiguration/awsvpcConfiguration")
        .unwrap_or(&Value::Null);
    let member = |name: &str, otherwise: Value| {
        declared
            .get(name)
            .or_else(|| live.get(name))
            .filter(|v| !v.is_null())
            .cloned()
            .unwrap_or(otherwise)
    };
    let groups = member("securityGroups", json!([]));
    if groups == json!([]) && compare(declared, live, &NETWORK).is_empty() {
        // AWS refuses an empty list; without this part the deployment keeps the service's network,
        // which is as declared. Where it is not, AWS's refusal tells what to declare.
        return None;
    }
    Some(json!({
        "Subnets": member("subnets", json!([])),
        "SecurityGroups": groups,
        "AssignPublicIp": member("assignPublicIp", json!("DISABLED")),
    }))
}

/// How a network is compared with the live one.
const NETWORK: Rules = Rules {
    members: &[("/subnets", Treat::Set), ("/securityGroups", Treat::Set)],
    scalars_by_text: false,
    changes: &[],
    other_changes: Change::Recreate,
};

fn provider(item: &Value) -> Value {
    json!({
        "Base": item.get("base").cloned().unwrap_or(json!(0)),
        "CapacityProvider": item["capacityProvider"],
        "Weight": item.get("weight").cloned().unwrap_or(json!(0)),
    })
}

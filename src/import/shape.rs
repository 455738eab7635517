//! What AWS answers about a resource, in the shape of the request that would make it. Pure. Members
//! that need no more than leaving out are in `defaults`.

use serde_json::{Map, Value, json};

use crate::document::scalar_text;
use crate::kinds::load_balancer::as_declared;
use crate::manifest::constant_members;
use crate::model::Kind;

/// Shapes an answer of this kind.
pub(super) fn request(kind: Kind, live: &Value) -> Value {
    let mut shaped = live.clone();
    match kind {
        Kind::TaskDefinition => host_ports(&mut shaped),
        Kind::Service => shaped = service(live),
        Kind::TargetGroup => rename(&mut shaped, "TargetGroupName", "Name"),
        Kind::LoadBalancer => shaped = load_balancer(live),
        Kind::Listener => {
            actions(&mut shaped, "DefaultActions");
            certificates(&mut shaped);
            // The status of an association that others make.
            if let Some(mutual) = shaped.get_mut("MutualAuthentication") {
                remove(mutual, "TrustStoreAssociationStatus");
            }
        }
        Kind::ListenerRule => {
            actions(&mut shaped, "Actions");
            conditions(&mut shaped);
        }
        Kind::ImageRepository => {
            remove(&mut shaped, "registryId");
        }
        Kind::ScalableTarget | Kind::ScalingPolicy => {
            for (member, _) in constant_members(kind) {
                remove(&mut shaped, member);
            }
            // The service-linked role is AWS's own choice.
            remove(&mut shaped, "RoleARN");
            tag_map(&mut shaped);
        }
        Kind::Cluster | Kind::DeploymentGroup => {}
    }
    for member in ["tags", "Tags"] {
        own_tags(&mut shaped, member);
    }
    shaped
}

/// Without the tags that AWS or Even Keel keeps.
fn own_tags(document: &mut Value, member: &str) {
    if let Some(Value::Array(tags)) = document.get_mut(member) {
        tags.retain(|tag| {
            let key = tag.get("key").or_else(|| tag.get("Key"));
            let key = key.and_then(Value::as_str).unwrap_or_default();
            !key.starts_with("aws:") && !key.starts_with("evenkeel.dev/")
        });
    }
}

/// The tags of a scalable target as the map that its request takes.
fn tag_map(document: &mut Value) {
    own_tags(document, "Tags");
    if let Some(Value::Array(tags)) = document.get("Tags") {
        let pairs = tags.iter().filter_map(|tag| {
            let key = tag.get("Key")?.as_str()?.to_owned();
            Some((key, tag.get("Value")?.clone()))
        });
        document["Tags"] = Value::Object(pairs.collect());
    }
}

/// A host port of 0, or one that must be the container's own anyway, says nothing (aws-facts 3.1).
fn host_ports(document: &mut Value) {
    let fixed = matches!(document["networkMode"].as_str(), Some("awsvpc" | "host"));
    let containers = document
        .get_mut("containerDefinitions")
        .and_then(Value::as_array_mut);
    for container in containers.into_iter().flatten() {
        let ports = container
            .get_mut("portMappings")
            .and_then(Value::as_array_mut);
        for port in ports.into_iter().flatten() {
            if port["hostPort"] == 0 || (fixed && port["hostPort"] == port["containerPort"]) {
                remove(port, "hostPort");
            }
        }
    }
}

/// A service with what only its task set or its deployment reads back (aws-facts 1.7, 3.4).
fn service(live: &Value) -> Value {
    let mut shaped = live.clone();
    let primary = |list: &str| {
        let all = live
            .get(list)
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        all.into_iter()
            .find(|one| one["status"] == "PRIMARY")
            .cloned()
    };
    if let Some(set) = primary("taskSets") {
        for member in [
            "taskDefinition",
            "networkConfiguration",
            "capacityProviderStrategy",
            "loadBalancers",
        ] {
            if let Some(value) = set.get(member) {
                shaped[member] = value.clone();
            }
        }
        if shaped["platformVersion"] != "LATEST" && !set["platformVersion"].is_null() {
            shaped["platformVersion"] = set["platformVersion"].clone();
        }
    } else if let Some(deployment) = primary("deployments") {
        for member in [
            "serviceConnectConfiguration",
            "volumeConfigurations",
            "vpcLatticeConfigurations",
        ] {
            if let Some(value) = deployment.get(member) {
                shaped[member] = value.clone();
            }
        }
    }
    if let Some(cluster) = live["clusterArn"].as_str() {
        shaped["cluster"] = cluster.rsplit('/').next().unwrap_or(cluster).into();
    }
    // The service-linked role is AWS's own choice.
    if let Some(role) = live["roleArn"].as_str()
        && !role.contains(":role/aws-service-role/")
    {
        shaped["role"] = role.into();
    }
    breaker(&mut shaped);
    if live["schedulingStrategy"] == "DAEMON" {
        remove(&mut shaped, "desiredCount");
    }
    shaped
}

/// A circuit breaker that is off as a whole says nothing; one that is on needs both its members.
fn breaker(service: &mut Value) {
    let at = "/deploymentConfiguration/deploymentCircuitBreaker";
    let off = |breaker: &Value| breaker["enable"] == false && breaker["rollback"] == false;
    if service.pointer(at).is_some_and(off)
        && let Some(configuration) = service.get_mut("deploymentConfiguration")
    {
        remove(configuration, "deploymentCircuitBreaker");
    }
    // So do alarms; but those of a list that is off are somebody's.
    let alarms = "/deploymentConfiguration/alarms";
    let named = service.pointer(&format!("{alarms}/alarmNames"));
    if named.and_then(Value::as_array).is_none_or(Vec::is_empty)
        && let Some(configuration) = service.get_mut("deploymentConfiguration")
    {
        remove(configuration, "alarms");
    }
}

/// Zones as subnets, or as mappings where these say more.
fn load_balancer(live: &Value) -> Value {
    let mut shaped = as_declared(live);
    rename(&mut shaped, "LoadBalancerName", "Name");
    let mappings = shaped["SubnetMappings"].as_array();
    let plain = mappings
        .into_iter()
        .flatten()
        .all(|mapping| mapping.as_object().is_none_or(|members| members.len() == 1));
    remove(
        &mut shaped,
        if plain { "SubnetMappings" } else { "Subnets" },
    );
    shaped
}

/// The default certificate is in the answer without a mark.
fn certificates(listener: &mut Value) {
    let all = listener
        .get_mut("Certificates")
        .and_then(Value::as_array_mut);
    for certificate in all.into_iter().flatten() {
        remove(certificate, "IsDefault");
    }
}

/// Actions in the short form where it says the same: a forward to one group alone. A second group without
/// weight stays: it stands by, and only in a pair that some service deploys is its weight the deployment's.
fn actions(document: &mut Value, member: &str) {
    let Some(Value::Array(actions)) = document.get_mut(member) else {
        return;
    };
    let alone = actions.len() == 1;
    for action in actions {
        if alone {
            remove(action, "Order");
        }
        let groups = action.pointer("/ForwardConfig/TargetGroups");
        let groups: Vec<Value> = groups
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let sticky = action
            .pointer("/ForwardConfig/TargetGroupStickinessConfig/Enabled")
            .and_then(scalar_text)
            .is_some_and(|text| text == "true");
        match (groups.as_slice(), sticky) {
            ([only], false) => {
                action["TargetGroupArn"] = only["TargetGroupArn"].clone();
                remove(action, "ForwardConfig");
            }
            ([], _) => {}
            _ => {
                remove(action, "TargetGroupArn");
                if !sticky && let Some(config) = action.get_mut("ForwardConfig") {
                    remove(config, "TargetGroupStickinessConfig");
                }
            }
        }
    }
}

/// Conditions once: answers hold both ways of writing them (aws-facts 4).
fn conditions(rule: &mut Value) {
    let all = rule.get_mut("Conditions").and_then(Value::as_array_mut);
    for condition in all.into_iter().flatten() {
        let short = |member: &str| {
            condition[member]
                .as_array()
                .is_some_and(|all| !all.is_empty())
        };
        if !short("Values") || short("RegexValues") {
            remove(condition, "Values");
            continue;
        }
        if let Some(members) = condition.as_object_mut() {
            members.retain(|name, _| name == "Field" || name == "Values");
        }
    }
}

fn rename(document: &mut Value, from: &str, to: &str) {
    if let Some(members) = document.as_object_mut()
        && let Some(value) = members.get(from).cloned()
    {
        let renamed = |(name, value): (String, Value)| {
            if name == from {
                (to.to_owned(), value)
            } else {
                (name, value)
            }
        };
        *members = std::mem::take(members)
            .into_iter()
            .map(renamed)
            .collect::<Map<_, _>>();
        members.entry(to).or_insert(value);
    }
}

fn remove(document: &mut Value, member: &str) {
    if let Some(members) = document.as_object_mut() {
        members.shift_remove(member);
    }
}

/// A policy's text as the map that a person would write.
pub(super) fn policy(text: &str) -> Value {
    serde_json::from_str(text)
        .ok()
        .filter(Value::is_object)
        .unwrap_or_else(|| json!(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forward_to_one_group_is_written_short() {
        let live = json!({"Actions": [{"Type": "forward", "Order": "1", "TargetGroupArn": "b", "ForwardConfig": {
            "TargetGroups": [{"TargetGroupArn": "b", "Weight": "100"}],
            "TargetGroupStickinessConfig": {"Enabled": "false"}}}]});
        let shaped = request(Kind::ListenerRule, &live);
        assert_eq!(
            shaped["Actions"],
            json!([{"Type": "forward", "TargetGroupArn": "b"}])
        );
    }

    #[test]
    fn a_group_that_stands_by_without_weight_stays() {
        let groups = json!([{"TargetGroupArn": "a", "Weight": "0"}, {"TargetGroupArn": "b", "Weight": "100"}]);
        let live = json!({"Actions": [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups,
            "TargetGroupStickinessConfig": {"Enabled": "false"}}}]});
        let shaped = request(Kind::ListenerRule, &live);
        let action = json!({"Type": "forward", "ForwardConfig": {"TargetGroups": groups}});
        assert_eq!(shaped["Actions"], json!([action]));
    }

    #[test]
    fn weights_that_split_stay_and_so_does_stickiness() {
        let mut live = json!({"Actions": [{"Type": "forward", "ForwardConfig": {
            "TargetGroups": [{"TargetGroupArn": "a", "Weight": "1"}, {"TargetGroupArn": "b", "Weight": "9"}],
            "TargetGroupStickinessConfig": {"Enabled": "false"}}}]});
        let shaped = request(Kind::ListenerRule, &live);
        assert!(
            shaped
                .pointer("/Actions/0/ForwardConfig/TargetGroups/1")
                .is_some()
        );
        assert!(
            shaped
                .pointer("/Actions/0/ForwardConfig/TargetGroupStickinessConfig")
                .is_none()
        );
        live["Actions"][0]["ForwardConfig"]["TargetGroupStickinessConfig"]["Enabled"] =
            json!("true");
        let shaped = request(Kind::ListenerRule, &live);
        assert!(
            shaped
                .pointer("/Actions/0/ForwardConfig/TargetGroupStickinessConfig")
                .is_some()
        );
    }

    #[test]
    fn tags_of_others_and_ours_are_left_out() {
        let live = json!({"tags": [{"key": "aws:x", "value": ""}, {"key": "evenkeel.dev/declared", "value": ""},
            {"key": "team", "value": "a"}]});
        assert_eq!(
            request(Kind::Cluster, &live)["tags"],
            json!([{"key": "team", "value": "a"}])
        );
    }

    #[test]
    fn a_condition_is_written_once() {
        let live = json!({"Conditions": [
            {"Field": "path-pattern", "Values": ["/a"], "PathPatternConfig": {"Values": ["/a"]}},
            {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "a", "Value": "b"}]}, "Values": []}]});
        assert_eq!(
            request(Kind::ListenerRule, &live)["Conditions"],
            json!([{"Field": "path-pattern", "Values": ["/a"]},
                {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "a", "Value": "b"}]}}])
        );
    }
}

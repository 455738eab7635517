//! A pure model of one resource at AWS: what each operation leaves behind, and how it is answered
//! (aws-facts 1.4, 3.1, 4, 5). It knows nothing of the planners.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::kinds::MEMBERS_TAG;
use crate::model::{Call, Service};

/// What lives at AWS.
#[derive(Clone, Debug, Default)]
pub(super) struct Live {
    /// The members that creations and updates left.
    pub(super) document: Option<Map<String, Value>>,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) lifecycle_policy: Option<String>,
    pub(super) policy: Option<String>,
    pub(super) application: bool,
    /// Registered task definitions, oldest first.
    pub(super) revisions: Vec<Value>,
}

impl Live {
    pub(super) fn apply(&mut self, call: &Call) {
        let input = call.input.as_object().unwrap().clone();
        match call.operation {
            "RegisterTaskDefinition" => self.revisions.push(call.input.clone()),
            "CreateApplication" => self.application = true,
            "TagResource" | "AddTags" => self.tag(&input),
            "UntagResource" | "RemoveTags" => {
                let keys = input
                    .get("tagKeys")
                    .or_else(|| input.get("TagKeys"))
                    .unwrap();
                for key in keys.as_array().unwrap() {
                    assert!(self.tags.remove(key.as_str().unwrap()).is_some());
                }
            }
            "DeleteLifecyclePolicy" => assert!(self.lifecycle_policy.take().is_some()),
            "DeleteRepositoryPolicy" => assert!(self.policy.take().is_some()),
            "ModifyTargetGroupAttributes"
            | "ModifyLoadBalancerAttributes"
            | "ModifyListenerAttributes" => {
                assert!(self.document.is_some());
                for item in input["Attributes"].as_array().unwrap() {
                    let text = |member: &str| item[member].as_str().unwrap().to_owned();
                    self.attributes.insert(text("Key"), text("Value"));
                }
            }
            "PutLifecyclePolicy" => {
                self.lifecycle_policy = Some(compact(&input["lifecyclePolicyText"]));
            }
            "RegisterScalableTarget" => self.register(input),
            "PutScalingPolicy" => self.document = Some(input),
            "SetRepositoryPolicy" => self.policy = Some(compact(&input["policyText"])),
            operation if operation.starts_with("Create") => {
                assert!(self.document.is_none(), "{operation} of what exists");
                assert!(operation != "CreateDeploymentGroup" || self.application);
                self.tag(&input);
                self.document = Some(input);
                self.set_up(call.service);
            }
            "PutImageTagMutability" => {
                // The filters go with it.
                let document = self.document.as_mut().unwrap();
                document.remove("imageTagMutabilityExclusionFilters");
                self.update(input, call.service);
            }
            _ => self.update(input, call.service),
        }
    }

    /// Registration of a new target takes tags, of a known one it must not; parts are merged.
    fn register(&mut self, mut input: Map<String, Value>) {
        let tags = input.remove("Tags");
        match &mut self.document {
            None => {
                assert!(input.contains_key("MinCapacity") && input.contains_key("MaxCapacity"));
                self.tag(&Map::from_iter([(
                    "Tags".to_owned(),
                    tags.unwrap_or_default(),
                )]));
                self.document = Some(input);
            }
            Some(known) => {
                assert_eq!(tags, None, "tags of a target that is known");
                known.extend(input);
                assert!(known["MinCapacity"].as_i64() <= known["MaxCapacity"].as_i64());
            }
        }
    }

    fn update(&mut self, mut input: Map<String, Value>, service: Service) {
        let identity = [
            "cluster",
            "currentDeploymentGroupName",
            "TargetGroupArn",
            "LoadBalancerArn",
            "ListenerArn",
            "RuleArn",
        ];
        for member in identity {
            if service != Service::Elb || member.ends_with("Arn") {
                input.remove(member);
            }
        }
        assert!(!input.is_empty(), "an update without a change");
        let document = self.document.as_mut().expect("an update of nothing");
        if input.remove("ResetTransforms").is_some() {
            document.remove("Transforms");
        }
        document.extend(input);
        self.set_up(service);
    }

    /// Tags given at creation or by a call of their own, in either spelling.
    fn tag(&mut self, input: &Map<String, Value>) {
        let given = input
            .get("tags")
            .or_else(|| input.get("Tags"))
            .and_then(Value::as_array);
        if let Some(Value::Object(map)) = input.get("Tags") {
            for (key, value) in map {
                self.tags
                    .insert(key.clone(), value.as_str().unwrap().to_owned());
            }
        }
        for tag in given.into_iter().flatten() {
            let text = |one: &str, other: &str| {
                tag.get(one)
                    .or_else(|| tag.get(other))
                    .unwrap()
                    .as_str()
                    .unwrap()
                    .to_owned()
            };
            self.tags.insert(text("key", "Key"), text("value", "Value"));
        }
        assert!(self.tags.len() <= 50);
    }

    /// What the service makes of what it was given.
    fn set_up(&mut self, service: Service) {
        let document = self.document.as_mut().unwrap();
        for member in ["tags", "Tags"] {
            document.remove(member);
        }
        if service == Service::Elb {
            for member in ["DefaultActions", "Actions"] {
                if let Some(actions) = document.get_mut(member) {
                    actions
                        .as_array_mut()
                        .unwrap()
                        .iter_mut()
                        .for_each(answered_action);
                }
            }
            if let Some(conditions) = document.get_mut("Conditions") {
                conditions
                    .as_array_mut()
                    .unwrap()
                    .iter_mut()
                    .for_each(answered_condition);
            }
            for value in document.values_mut() {
                *value = texts(value);
            }
        }
    }

    /// The answer's document with these members added.
    pub(super) fn answer(&self, extra: &Value) -> Option<Value> {
        let mut answer = self.document.clone()?;
        for (name, value) in extra.as_object().unwrap() {
            answer.entry(name.clone()).or_insert_with(|| value.clone());
        }
        Some(Value::Object(answer))
    }

    /// The record of what is declared.
    pub(super) fn record(&self) -> Option<String> {
        self.tags.get(MEMBERS_TAG).cloned()
    }

    pub(super) fn tag_list(&self, key: &str, value: &str) -> Value {
        self.tags
            .iter()
            .rev()
            .map(|(k, v)| json!({key: k, value: v}))
            .collect()
    }

    pub(super) fn attribute_list(&self) -> Value {
        let others = [json!({"Key": "stickiness.type", "Value": "lb_cookie"})];
        let set = self
            .attributes
            .iter()
            .map(|(k, v)| json!({"Key": k, "Value": v}));
        others.into_iter().chain(set).collect()
    }
}

fn compact(text: &Value) -> String {
    let mut parsed: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
    parsed.sort_all_objects();
    parsed.to_string()
}

/// Everything that ELB answers is a text.
fn texts(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(texts).collect(),
        Value::Object(members) => members.iter().map(|(k, v)| (k.clone(), texts(v))).collect(),
        Value::Number(_) | Value::Bool(_) => json!(value.to_string()),
        _ => value.clone(),
    }
}

fn answered_action(action: &mut Value) {
    if let Some(config) = action.get_mut("AuthenticateOidcConfig") {
        config.as_object_mut().unwrap().remove("ClientSecret");
        config["SessionTimeout"] = json!(604_800);
    }
    if action["Type"] != "forward" {
        return;
    }
    if let Some(arn) = action.get("TargetGroupArn").cloned() {
        action["ForwardConfig"] = json!({"TargetGroups": [{"TargetGroupArn": arn, "Weight": 1}]});
    }
    let config = action["ForwardConfig"].as_object_mut().unwrap();
    config
        .entry("TargetGroupStickinessConfig")
        .or_insert(json!({"Enabled": false}));
    config["TargetGroups"].as_array_mut().unwrap().reverse();
}

fn answered_condition(condition: &mut Value) {
    let field = condition["Field"].as_str().unwrap();
    let config = match field {
        "path-pattern" => "PathPatternConfig",
        "host-header" => "HostHeaderConfig",
        _ => return,
    };
    let given = condition
        .get("Values")
        .or_else(|| condition[config].get("Values"))
        .cloned();
    let mut values = given.unwrap();
    values.as_array_mut().unwrap().reverse();
    condition["Values"] = values.clone();
    condition[config] = json!({"Values": values});
}

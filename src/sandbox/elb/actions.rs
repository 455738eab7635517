//! Actions of listeners and rules: checking what is sent, and the form they are kept and read back
//! in. Not who refers to which target group (see `routing`).
//!
//! Invariant: a kept `forward` action always has `ForwardConfig`, and `TargetGroupArn` too when
//! there is one target group, as AWS reads it back.

use super::super::{AwsError, input};
use super::State;
use serde_json::{Map, Value, json};

/// At most this many target groups in one action (ALB quotas page).
const MAX_GROUPS: usize = 5;

/// The target groups of an action with their weights, in its order.
pub(super) fn groups(action: &Value) -> Vec<(String, u32)> {
    input::list(&action["ForwardConfig"], "TargetGroups")
        .iter()
        .filter_map(|group| {
            let weight = input::int(group, "Weight").ok().flatten().unwrap_or(1);
            let arn = input::filled(group, "TargetGroupArn")?;
            Some((arn.to_owned(), u32::try_from(weight).ok()?))
        })
        .collect()
}

/// A `forward` action over these target groups, in read-back form.
pub(super) fn forward(groups: &[(String, u32)], stickiness: &Value, order: Option<i64>) -> Value {
    let mut action = Map::new();
    action.insert("Type".to_owned(), json!("forward"));
    if let [(only, _)] = groups {
        action.insert("TargetGroupArn".to_owned(), json!(only));
    }
    if let Some(order) = order {
        action.insert("Order".to_owned(), json!(order));
    }
    let groups: Vec<Value> = groups
        .iter()
        .map(|(arn, weight)| json!({ "TargetGroupArn": arn, "Weight": weight }))
        .collect();
    action.insert(
        "ForwardConfig".to_owned(),
        json!({ "TargetGroups": groups, "TargetGroupStickinessConfig": stickiness }),
    );
    Value::Object(action)
}

impl State {
    /// Checks the actions of `input[member]` for a listener of this load balancer, and gives their
    /// read-back form.
    pub(super) fn read_actions(
        &self,
        input: &Value,
        member: &str,
        load_balancer: &str,
    ) -> Result<Vec<Value>, AwsError> {
        let sent = input::list(input, member);
        if sent.is_empty() {
            return Err(invalid(format!("{member} must hold at least one action")));
        }
        let mut actions = sent
            .iter()
            .map(|action| self.read_action(action, load_balancer))
            .collect::<Result<Vec<_>, _>>()?;
        if actions.len() > 1 {
            for action in &actions {
                if action.get("Order").is_none() {
                    return Err(invalid(
                        "You must specify an order for each of several actions",
                    ));
                }
            }
            actions.sort_by_key(|action| action["Order"].as_i64());
        }
        let last = actions
            .last()
            .map(|action| action["Type"].as_str().unwrap_or_default());
        if !matches!(last, Some("forward" | "redirect" | "fixed-response")) {
            return Err(AwsError::new(
                "InvalidLoadBalancerAction",
                "The last action must be of type forward, redirect or fixed-response",
            ));
        }
        Ok(actions)
    }

    fn read_action(&self, action: &Value, load_balancer: &str) -> Result<Value, AwsError> {
        let kind = input::filled(action, "Type")
            .ok_or_else(|| invalid("An action must specify a type"))?;
        let network = self
            .load_balancers
            .get(load_balancer)
            .is_some_and(|b| b.kind == "network");
        if network && kind != "forward" {
            return Err(AwsError::new(
                "InvalidLoadBalancerAction",
                format!("Action type '{kind}' is not supported by network load balancers"),
            ));
        }
        match kind {
            "forward" => self.read_forward(action, load_balancer),
            "redirect" => with_defaults(
                action,
                "RedirectConfig",
                "StatusCode",
                &[
                    ("Protocol", "#{protocol}"),
                    ("Port", "#{port}"),
                    ("Host", "#{host}"),
                    ("Path", "/#{path}"),
                    ("Query", "#{query}"),
                ],
            ),
            "fixed-response" => with_defaults(action, "FixedResponseConfig", "StatusCode", &[]),
            "authenticate-oidc" => {
                let mut kept = with_defaults(action, "AuthenticateOidcConfig", "Issuer", &[])?;
                if let Some(config) = kept["AuthenticateOidcConfig"].as_object_mut() {
                    // Never read back by AWS, hence never kept.
                    config.shift_remove("ClientSecret");
                }
                Ok(kept)
            }
            "authenticate-cognito" => {
                with_defaults(action, "AuthenticateCognitoConfig", "UserPoolArn", &[])
            }
            "jwt-validation" => with_defaults(action, "JwtValidationConfig", "JwksEndpoint", &[]),
            _ => Err(invalid(format!("Action type '{kind}' is not valid"))),
        }
    }

    fn read_forward(&self, action: &Value, load_balancer: &str) -> Result<Value, AwsError> {
        let config = &action["ForwardConfig"];
        let mut groups = groups(action);
        let single = input::filled(action, "TargetGroupArn");
        if groups.is_empty() {
            groups.extend(single.map(|arn| (arn.to_owned(), 1)));
        } else if single.is_some_and(|arn| groups.iter().all(|(known, _)| known != arn)) {
            return Err(invalid(
                "The target group of TargetGroupArn must be the one of ForwardConfig",
            ));
        }
        if groups.is_empty() {
            return Err(invalid(
                "A forward action must specify at least one target group",
            ));
        }
        if groups.len() > MAX_GROUPS {
            return Err(AwsError::new(
                "TooManyTargetGroups",
                format!("A forward action can have at most {MAX_GROUPS} target groups"),
            ));
        }
        for (at, (arn, weight)) in groups.iter().enumerate() {
            if *weight > 999 {
                return Err(invalid(format!(
                    "Target group weight '{weight}' must be between 0 and 999"
                )));
            }
            if groups.iter().take(at).any(|(earlier, _)| earlier == arn) {
                return Err(invalid(format!(
                    "Target group '{arn}' stands twice in one action"
                )));
            }
            self.check_group(arn, load_balancer)?;
        }
        let stickiness = &config["TargetGroupStickinessConfig"];
        let enabled = input::flag(stickiness, "Enabled").unwrap_or(false);
        let seconds = input::int(stickiness, "DurationSeconds")?;
        if enabled && !seconds.is_some_and(|seconds| (1..=604_800).contains(&seconds)) {
            return Err(invalid(
                "Target group stickiness needs DurationSeconds between 1 and 604800",
            ));
        }
        let mut kept = json!({ "Enabled": enabled });
        if let (Some(seconds), Some(kept)) = (seconds, kept.as_object_mut()) {
            kept.insert("DurationSeconds".to_owned(), json!(seconds));
        }
        Ok(forward(&groups, &kept, input::int(action, "Order")?))
    }

    /// The target group exists, suits the load balancer and belongs to no other.
    fn check_group(&self, arn: &str, load_balancer: &str) -> Result<(), AwsError> {
        let group = self.target_groups.get(arn).ok_or_else(|| {
            AwsError::new(
                "TargetGroupNotFound",
                format!("Target group '{arn}' not found"),
            )
        })?;
        let web = matches!(group.protocol.as_deref(), None | Some("HTTP" | "HTTPS"));
        let network = self
            .load_balancers
            .get(load_balancer)
            .is_some_and(|b| b.kind == "network");
        if web == network {
            return Err(AwsError::new(
                "InvalidConfigurationRequest",
                format!(
                    "The target group '{arn}' has the protocol {}, which a{} load balancer cannot \
                     forward to",
                    group.protocol.as_deref().unwrap_or("of a Lambda function"),
                    if network { " network" } else { "n application" },
                ),
            ));
        }
        if self
            .load_balancers_of(arn)
            .iter()
            .any(|other| other != load_balancer)
        {
            return Err(AwsError::new(
                "TargetGroupAssociationLimit",
                format!(
                    "The following target groups cannot be associated with more than one load \
                     balancer: {arn}"
                ),
            ));
        }
        Ok(())
    }
}

/// Keeps an action as it is, after checking that its configuration has the required member and
/// filling in what AWS fills in.
fn with_defaults(
    action: &Value,
    member: &str,
    required: &str,
    defaults: &[(&str, &str)],
) -> Result<Value, AwsError> {
    if input::filled(&action[member], required).is_none() {
        return Err(invalid(format!(
            "An action with {member} must specify {member}.{required}"
        )));
    }
    let mut kept = json!({ "Type": action["Type"] });
    let mut config = action[member].clone();
    if let Some(config) = config.as_object_mut() {
        for (key, value) in defaults {
            config.entry(*key).or_insert_with(|| json!(value));
        }
    }
    if let Some(kept) = kept.as_object_mut() {
        if let Some(order) = input::int(action, "Order")? {
            kept.insert("Order".to_owned(), json!(order));
        }
        kept.insert(member.to_owned(), config);
    }
    Ok(kept)
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new("ValidationError", message)
}

//! Operations on rules. Not their priorities after creation (see `rule_order`).

use super::super::{AwsError, World, input};
use super::arns::{self, Kind};
use super::{Rule, State, conditions, paging, tags};
use serde_json::{Value, json};

/// At most this many rules on a load balancer, default rules not counted (ALB quotas page).
const MAX_RULES: usize = 100;

/// Makes a rule; its priority must be free.
pub(super) fn create(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let listener = world.elb.named_listener(input)?.clone();
    let transforms = read_transforms(input)?;
    let priority = read_priority(input)?;
    let conditions = conditions::read(input)?;
    let actions = world
        .elb
        .read_actions(input, "Actions", &listener.load_balancer)?;
    let tags = tags::read(input)?;
    if listener.protocol != "HTTP" && listener.protocol != "HTTPS" {
        return Err(AwsError::new(
            "OperationNotPermitted",
            "Rules are not supported by listeners of network load balancers",
        ));
    }
    let state = &world.elb;
    let of_listener = state.rules_of(&listener.arn);
    if of_listener
        .iter()
        .any(|rule| rule.priority == Some(priority))
    {
        return Err(in_use(priority));
    }
    let count: usize = state
        .listeners_of(&listener.load_balancer)
        .iter()
        .map(|listener| state.rules_of(&listener.arn).len().saturating_sub(1))
        .sum();
    if count >= MAX_RULES {
        return Err(AwsError::new(
            "TooManyRules",
            format!("A load balancer can have at most '{MAX_RULES}' rules"),
        ));
    }
    let id = arns::new_id(world);
    let rule = Rule {
        arn: format!(
            "{}/{id}",
            listener.arn.replace(":listener/", ":listener-rule/")
        ),
        listener: listener.arn,
        priority: Some(priority),
        conditions,
        actions,
        transforms,
        tags,
    };
    let described = describe_one(&rule);
    world.elb.rules.insert(rule.arn.clone(), rule);
    world.elb.refresh_use(world.now);
    Ok(json!({ "Rules": [described] }))
}

/// Rewrites are kept and read back; no request is routed here, so none is rewritten.
fn read_transforms(input: &Value) -> Result<Vec<Value>, AwsError> {
    let sent = input::list(input, "Transforms");
    for transform in sent {
        let config = match input::text(transform, "Type") {
            Some("host-header-rewrite") => "HostHeaderRewriteConfig",
            Some("url-rewrite") => "UrlRewriteConfig",
            other => {
                let other = other.unwrap_or_default();
                return Err(invalid(format!("Transform type '{other}' is not valid")));
            }
        };
        if input::list(&transform[config], "Rewrites").is_empty() {
            return Err(invalid(format!(
                "A transform must specify {config}.Rewrites"
            )));
        }
    }
    Ok(sent.to_vec())
}

/// The refusal for a priority that another rule of the listener has.
pub(super) fn in_use(priority: u32) -> AwsError {
    AwsError::new(
        "PriorityInUse",
        format!("Priority '{priority}' is currently in use"),
    )
}

/// The member `Priority`, 1 to 50000.
pub(super) fn read_priority(input: &Value) -> Result<u32, AwsError> {
    let sent = input::int(input, "Priority")?
        .ok_or_else(|| invalid("A rule priority must be specified"))?;
    u32::try_from(sent)
        .ok()
        .filter(|priority| (1..=50_000).contains(priority))
        .ok_or_else(|| {
            invalid(format!(
                "1 validation error detected: Value '{sent}' at 'priority' failed to satisfy \
             constraint: Member must be between 1 and 50000"
            ))
        })
}

/// A rule as it is read back: the priority is a string.
pub(super) fn describe_one(rule: &Rule) -> Value {
    let priority = rule
        .priority
        .map_or_else(|| "default".to_owned(), |p| p.to_string());
    let mut described = json!({
        "RuleArn": rule.arn,
        "Priority": priority,
        "Conditions": rule.conditions,
        "Actions": rule.actions,
        "IsDefault": rule.priority.is_none()
    });
    if !rule.transforms.is_empty() {
        described["Transforms"] = json!(rule.transforms);
    }
    described
}

/// By ARNs or by listener; one of them is required.
pub(super) fn describe(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let state = &world.elb;
    let arns = input::texts(input, "RuleArns");
    let found: Vec<&Rule> = if input::filled(input, "ListenerArn").is_some() {
        if !arns.is_empty() {
            return Err(invalid(
                "Specify either rule ARNs or a listener ARN, not both",
            ));
        }
        state.rules_of(&state.named_listener(input)?.arn)
    } else if arns.is_empty() {
        return Err(invalid(
            "You must specify either rule ARNs or a listener ARN",
        ));
    } else {
        let mut found = Vec::new();
        for arn in &arns {
            Kind::Rule.check(arn)?;
            found.push(state.rules.get(arn).ok_or_else(|| Kind::Rule.not_found())?);
        }
        found
    };
    paging::page(
        input,
        "Rules",
        found.into_iter().map(describe_one).collect(),
    )
}

impl State {
    /// The rule a request names in `RuleArn`; the default rule cannot be changed as a rule.
    pub(super) fn named_rule(&mut self, input: &Value, verb: &str) -> Result<&mut Rule, AwsError> {
        let arn = input::text(input, "RuleArn").unwrap_or_default();
        Kind::Rule.check(arn)?;
        let rule = self
            .rules
            .get_mut(arn)
            .ok_or_else(|| Kind::Rule.not_found())?;
        if rule.priority.is_none() {
            return Err(AwsError::new(
                "OperationNotPermitted",
                format!("Default rule '{arn}' cannot be {verb}"),
            ));
        }
        Ok(rule)
    }
}

/// Replaces conditions, actions or transforms. An empty list of transforms changes nothing.
pub(super) fn modify(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let state = &mut world.elb;
    let mut rule = state.named_rule(input, "modified")?.clone();
    let transforms = read_transforms(input)?;
    if !transforms.is_empty() {
        rule.transforms = transforms;
    } else if input::flag(input, "ResetTransforms") == Some(true) {
        rule.transforms.clear();
    }
    if !input::list(input, "Conditions").is_empty() {
        rule.conditions = conditions::read(input)?;
    }
    if !input::list(input, "Actions").is_empty() {
        let balancer = state
            .listeners
            .get(&rule.listener)
            .map(|l| l.load_balancer.clone());
        rule.actions = state.read_actions(input, "Actions", &balancer.unwrap_or_default())?;
    }
    let described = describe_one(&rule);
    state.rules.insert(rule.arn.clone(), rule);
    state.refresh_use(world.now);
    Ok(json!({ "Rules": [described] }))
}

/// Deletes a rule.
pub(super) fn delete(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let arn = world.elb.named_rule(input, "deleted")?.arn.clone();
    world.elb.rules.remove(&arn);
    world.elb.refresh_use(world.now);
    Ok(json!({}))
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new("ValidationError", message)
}

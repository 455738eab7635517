//! Operations on listeners. How they are read and read back stands in `listener_io`.

use super::super::{AwsError, World, input};
use super::arns::{self, Kind};
use super::{Listener, Rule, State, listener_io, paging, tags};
use serde_json::{Value, json};

/// At most this many listeners on a load balancer (ALB quotas page).
const MAX_LISTENERS: usize = 50;

/// Idempotent for identical settings.
pub(super) fn create(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let balancer = world.elb.named_balancer(input)?.clone();
    let mut listener = listener_io::read(&balancer, None, input)?;
    let actions = world
        .elb
        .read_actions(input, "DefaultActions", &balancer.arn)?;
    listener.tags = tags::read(input)?;
    let listeners = world.elb.listeners_of(&balancer.arn);
    if let Some(known) = listeners.iter().find(|known| known.port == listener.port) {
        let default = world.elb.default_rule(&known.arn).map(|rule| &rule.actions);
        if !listener_io::same_settings(known, &listener) || default != Some(&actions) {
            return Err(duplicate(&balancer.arn));
        }
        return Ok(json!({ "Listeners": [world.elb.describe_listener(known)] }));
    }
    if listeners.len() >= MAX_LISTENERS {
        return Err(AwsError::new(
            "TooManyListeners",
            format!("A load balancer can have at most '{MAX_LISTENERS}' listeners"),
        ));
    }
    let (id, rule_id) = (arns::new_id(world), arns::new_id(world));
    let path = balancer
        .arn
        .rsplit_once("loadbalancer/")
        .map_or("", |(_, path)| path);
    listener.arn = arns::arn(world, &format!("listener/{path}/{id}"));
    let rule = Rule {
        arn: arns::arn(world, &format!("listener-rule/{path}/{id}/{rule_id}")),
        listener: listener.arn.clone(),
        priority: None,
        conditions: Vec::new(),
        actions,
        transforms: Vec::new(),
        tags: tags::read(&Value::Null)?,
    };
    let state = &mut world.elb;
    state.rules.insert(rule.arn.clone(), rule);
    let described = state.describe_listener(&listener);
    state.listeners.insert(listener.arn.clone(), listener);
    state.refresh_use(world.now);
    Ok(json!({ "Listeners": [described] }))
}

fn duplicate(balancer: &str) -> AwsError {
    AwsError::new(
        "DuplicateListener",
        format!("A listener already exists on this port for this load balancer '{balancer}'"),
    )
}

impl State {
    /// The listener a request names in `ListenerArn`.
    pub(super) fn named_listener(&self, input: &Value) -> Result<&Listener, AwsError> {
        let arn = input::text(input, "ListenerArn").unwrap_or_default();
        Kind::Listener.check(arn)?;
        self.listeners
            .get(arn)
            .ok_or_else(|| Kind::Listener.not_found())
    }
}

/// By ARNs or by load balancer; one of them is required.
pub(super) fn describe(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let arns = input::texts(input, "ListenerArns");
    let state = &world.elb;
    let found: Vec<&Listener> = if input::filled(input, "LoadBalancerArn").is_some() {
        if !arns.is_empty() {
            return Err(invalid(
                "Specify either listener ARNs or a load balancer ARN, not both",
            ));
        }
        let balancer = input::text(input, "LoadBalancerArn").unwrap_or_default();
        Kind::LoadBalancer.check(balancer)?;
        if !state.load_balancers.contains_key(balancer) {
            return Err(Kind::LoadBalancer.not_found());
        }
        state.listeners_of(balancer)
    } else if arns.is_empty() {
        return Err(invalid(
            "You must specify either listener ARNs or a load balancer ARN",
        ));
    } else {
        let mut found = Vec::new();
        for arn in &arns {
            Kind::Listener.check(arn)?;
            found.push(
                state
                    .listeners
                    .get(arn)
                    .ok_or_else(|| Kind::Listener.not_found())?,
            );
        }
        found
    };
    let found = found
        .into_iter()
        .map(|listener| state.describe_listener(listener))
        .collect();
    paging::page(input, "Listeners", found)
}

/// Changes what the request names and keeps the rest.
pub(super) fn modify(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let state = &mut world.elb;
    let base = state.named_listener(input)?.clone();
    let Some(balancer) = state.load_balancers.get(&base.load_balancer) else {
        return Err(Kind::LoadBalancer.not_found());
    };
    let listener = listener_io::read(balancer, Some(&base), input)?;
    let taken = state.listeners_of(&base.load_balancer);
    if taken
        .iter()
        .any(|other| other.port == listener.port && other.arn != listener.arn)
    {
        return Err(duplicate(&base.load_balancer));
    }
    if !input::list(input, "DefaultActions").is_empty() {
        let actions = state.read_actions(input, "DefaultActions", &base.load_balancer)?;
        let default = state
            .rules
            .values_mut()
            .find(|rule| rule.listener == base.arn && rule.priority.is_none());
        if let Some(default) = default {
            default.actions = actions;
        }
    }
    let described = state.describe_listener(&listener);
    state.listeners.insert(listener.arn.clone(), listener);
    state.refresh_use(world.now);
    Ok(json!({ "Listeners": [described] }))
}

/// Deletes its rules too.
pub(super) fn delete(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let state = &mut world.elb;
    let arn = state.named_listener(input)?.arn.clone();
    state.listeners.remove(&arn);
    state.rules.retain(|_, rule| rule.listener != arn);
    state.refresh_use(world.now);
    Ok(json!({}))
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new("ValidationError", message)
}

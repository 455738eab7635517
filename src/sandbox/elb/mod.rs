//! Elastic Load Balancing v2: load balancers, listeners, rules, target groups and target health.
//! Application and network load balancers; not gateway load balancers, trust stores, or traffic.
//!
//! Invariants:
//! - A target group belongs to one load balancer at most, the one whose listeners and rules name it.
//! - A listener's default action is its default rule's: there is one copy of it.
//! - Target health changes at deadlines only, so a tick without a due deadline is free.

mod account;
mod actions;
mod arns;
mod attributes;
mod conditions;
mod health;
mod health_check;
mod listener_io;
mod listeners;
mod load_balancers;
mod operations;
mod paging;
mod routing;
mod rule_order;
mod rules;
mod tags;
mod target_groups;
mod targets;

#[cfg(test)]
mod tests;

use super::{AwsError, Time, World};
use health::Target;
pub use health_check::HealthCheck;
pub use operations::operation;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What one operation does.
pub type Operation = fn(&mut World, &Value) -> Result<Value, AwsError>;

/// Attribute or tag: key to value.
type Pairs = BTreeMap<String, String>;

/// This service's state in one region, by ARN.
#[derive(Debug, Default)]
pub struct State {
    load_balancers: BTreeMap<String, LoadBalancer>,
    listeners: BTreeMap<String, Listener>,
    rules: BTreeMap<String, Rule>,
    target_groups: BTreeMap<String, TargetGroup>,
    /// The earliest deadline of any target.
    next_deadline: Option<Time>,
    /// The latest time this state has heard of.
    clock: Time,
}

/// A load balancer.
#[derive(Clone, Debug)]
struct LoadBalancer {
    arn: String,
    name: String,
    /// `application` or `network`.
    kind: String,
    scheme: String,
    dns_name: String,
    subnets: Vec<String>,
    security_groups: Vec<String>,
    ip_address_type: String,
    /// Addresses and source NAT prefixes by subnet, as `SubnetMappings` gave them.
    mappings: Vec<Value>,
    /// Members that are kept and read back as they were sent.
    echoed: Map<String, Value>,
    created: Time,
    attributes: Pairs,
    tags: Pairs,
}

/// A listener. Its default action stands in the rule without a priority.
#[derive(Clone, Debug)]
struct Listener {
    arn: String,
    load_balancer: String,
    port: u16,
    protocol: String,
    ssl_policy: Option<String>,
    certificates: Vec<String>,
    alpn_policy: Vec<String>,
    /// `MutualAuthentication` as it was sent; null when none was.
    mutual: Value,
    attributes: Pairs,
    tags: Pairs,
}

/// A rule of a listener, the default rule included.
#[derive(Clone, Debug)]
struct Rule {
    arn: String,
    listener: String,
    /// 1 to 50000; `None` for the default rule.
    priority: Option<u32>,
    conditions: Vec<Value>,
    actions: Vec<Value>,
    /// Rewrites, as they were sent.
    transforms: Vec<Value>,
    tags: Pairs,
}

/// A target group.
#[derive(Clone, Debug)]
pub struct TargetGroup {
    /// Its ARN.
    pub arn: String,
    /// Its name, unique in the region.
    pub name: String,
    /// `HTTP`, `TCP`, ...; none for Lambda functions.
    pub protocol: Option<String>,
    /// The default port of its targets; none for Lambda functions.
    pub port: Option<u16>,
    /// `instance`, `ip`, `lambda` or `alb`.
    pub target_type: String,
    /// `HTTP1`, `HTTP2` or `GRPC`; HTTP and HTTPS only.
    pub protocol_version: Option<String>,
    /// Its VPC; none for Lambda functions.
    pub vpc_id: Option<String>,
    /// `ipv4` or `ipv6`.
    pub ip_address_type: String,
    /// The port of the target optimizer's agent, if one was given.
    pub target_control_port: Option<i64>,
    /// How its targets are checked.
    pub health_check: HealthCheck,
    attributes: Pairs,
    tags: Pairs,
    targets: BTreeMap<(String, u16), Target>,
}

impl State {
    /// The target group of this ARN.
    pub fn target_group(&self, arn: &str) -> Option<&TargetGroup> {
        self.target_groups.get(arn)
    }

    /// The target group of this name.
    pub fn target_group_by_name(&self, name: &str) -> Option<&TargetGroup> {
        self.target_groups.values().find(|group| group.name == name)
    }

    /// The load balancer's type, `application` or `network`; `None` if there is no such listener.
    pub fn listener_load_balancer_type(&self, listener_arn: &str) -> Option<String> {
        let listener = self.listeners.get(listener_arn)?;
        self.load_balancers
            .get(&listener.load_balancer)
            .map(|balancer| balancer.kind.clone())
    }

    /// The rules of a listener in the order they are tried: by priority, the default rule last.
    fn rules_of(&self, listener: &str) -> Vec<&Rule> {
        let mut rules: Vec<&Rule> = self
            .rules
            .values()
            .filter(|rule| rule.listener == listener)
            .collect();
        rules.sort_by_key(|rule| rule.priority.unwrap_or(u32::MAX));
        rules
    }

    /// The listeners of a load balancer, by port.
    fn listeners_of(&self, load_balancer: &str) -> Vec<&Listener> {
        let mut listeners: Vec<&Listener> = self
            .listeners
            .values()
            .filter(|listener| listener.load_balancer == load_balancer)
            .collect();
        listeners.sort_by_key(|listener| listener.port);
        listeners
    }
}

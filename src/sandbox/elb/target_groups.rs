//! Operations on target groups. Not their attributes (see `attributes`) or targets (see `targets`).

use super::super::{AwsError, World, input};
use super::arns::{self, Kind};
use super::{HealthCheck, State, TargetGroup, attributes, paging, tags};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Idempotent for identical settings.
pub(super) fn create(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let mut group = read(input)?;
    group.tags = tags::read(input)?;
    if let Some(vpc) = &group.vpc_id
        && !world.surroundings.has_vpc(vpc)
    {
        return Err(invalid(format!("The VPC ID '{vpc}' is not found")));
    }
    if let Some(known) = world.elb.target_group_by_name(&group.name) {
        if !same_settings(known, &group) {
            return Err(AwsError::new(
                "DuplicateTargetGroupName",
                format!(
                    "A target group with the same name '{}' exists, but with different settings",
                    group.name
                ),
            ));
        }
        return Ok(json!({ "TargetGroups": [world.elb.describe_group(known)] }));
    }
    let id = arns::new_id(world);
    group.arn = arns::arn(world, &format!("targetgroup/{}/{id}", group.name));
    let described = world.elb.describe_group(&group);
    world.elb.target_groups.insert(group.arn.clone(), group);
    Ok(json!({ "TargetGroups": [described] }))
}

/// Of the model's protocols, those whose load balancers are simulated.
const PROTOCOLS: [&str; 6] = ["HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP"];

/// A target group as `CreateTargetGroup` describes it, without ARN and tags.
fn read(input: &Value) -> Result<TargetGroup, AwsError> {
    let name = input::text(input, "Name").unwrap_or_default();
    arns::check_name(Kind::TargetGroup, name)?;
    let target_type = input::filled(input, "TargetType").unwrap_or("instance");
    if !matches!(target_type, "instance" | "ip" | "lambda" | "alb") {
        return Err(enumeration(
            target_type,
            "targetType",
            "[instance, ip, lambda, alb]",
        ));
    }
    let protocol = input::filled(input, "Protocol");
    let port = input::int(input, "Port")?;
    let vpc = input::filled(input, "VpcId");
    let version = input::filled(input, "ProtocolVersion");
    if target_type == "lambda" {
        let excess = [
            ("Protocol", protocol.is_some()),
            ("Port", port.is_some()),
            ("VpcId", vpc.is_some()),
        ];
        if let Some((member, _)) = excess.iter().find(|(_, sent)| *sent) {
            return Err(invalid(format!(
                "{member} cannot be specified for target groups with target type 'lambda'"
            )));
        }
    } else {
        let protocol = protocol.ok_or_else(|| invalid("A protocol must be specified"))?;
        if !PROTOCOLS.contains(&protocol) {
            return Err(enumeration(
                protocol,
                "protocol",
                "[HTTP, HTTPS, TCP, TLS, UDP, TCP_UDP]",
            ));
        }
        let port = port.ok_or_else(|| invalid("A port must be specified"))?;
        if !(1..=65_535).contains(&port) {
            return Err(invalid(format!(
                "1 validation error detected: Value '{port}' at 'port' failed to satisfy \
                 constraint: Member must be between 1 and 65535"
            )));
        }
        if vpc.is_none() {
            return Err(invalid("A VPC ID must be specified"));
        }
        if target_type == "alb" && protocol != "TCP" {
            return Err(invalid(
                "Target groups with target type 'alb' must use the TCP protocol",
            ));
        }
    }
    let web = matches!(protocol, Some("HTTP" | "HTTPS"));
    if let Some(version) = version {
        if !web {
            return Err(invalid(
                "Protocol version can only be set for HTTP and HTTPS",
            ));
        }
        if !matches!(version, "HTTP1" | "HTTP2" | "GRPC") {
            return Err(enumeration(
                version,
                "protocolVersion",
                "[HTTP1, HTTP2, GRPC]",
            ));
        }
    }
    let version = web.then(|| version.unwrap_or("HTTP1"));
    let mut health_check = HealthCheck::defaults(protocol, version, target_type);
    health_check.apply(input)?;
    Ok(TargetGroup {
        arn: String::new(),
        name: name.to_owned(),
        protocol: protocol.map(str::to_owned),
        port: port.and_then(|port| u16::try_from(port).ok()),
        target_type: target_type.to_owned(),
        protocol_version: version.map(str::to_owned),
        vpc_id: vpc.map(str::to_owned),
        target_control_port: input::int(input, "TargetControlPort")?,
        ip_address_type: input::filled(input, "IpAddressType")
            .unwrap_or("ipv4")
            .to_owned(),
        health_check,
        attributes: attributes::target_group_defaults(protocol, target_type),
        tags: BTreeMap::new(),
        targets: BTreeMap::new(),
    })
}

fn same_settings(known: &TargetGroup, new: &TargetGroup) -> bool {
    known.protocol == new.protocol
        && known.port == new.port
        && known.target_type == new.target_type
        && known.protocol_version == new.protocol_version
        && known.vpc_id == new.vpc_id
        && known.ip_address_type == new.ip_address_type
        && known.target_control_port == new.target_control_port
        && known.health_check == new.health_check
}

impl State {
    fn describe_group(&self, group: &TargetGroup) -> Value {
        let mut out = Map::new();
        let mut put = |member: &str, value: Option<Value>| {
            if let Some(value) = value {
                out.insert(member.to_owned(), value);
            }
        };
        put("TargetGroupArn", Some(json!(group.arn)));
        put("TargetGroupName", Some(json!(group.name)));
        put(
            "Protocol",
            group.protocol.as_ref().map(|protocol| json!(protocol)),
        );
        put("Port", group.port.map(|port| json!(port)));
        put("VpcId", group.vpc_id.as_ref().map(|vpc| json!(vpc)));
        put(
            "LoadBalancerArns",
            Some(json!(self.load_balancers_of(&group.arn))),
        );
        put("TargetType", Some(json!(group.target_type)));
        put(
            "ProtocolVersion",
            group
                .protocol_version
                .as_ref()
                .map(|version| json!(version)),
        );
        put("IpAddressType", Some(json!(group.ip_address_type)));
        put(
            "TargetControlPort",
            group.target_control_port.map(|port| json!(port)),
        );
        group.health_check.describe(&mut out);
        Value::Object(out)
    }

    /// The target group a request names in `TargetGroupArn`.
    pub(super) fn named_group(&mut self, input: &Value) -> Result<&mut TargetGroup, AwsError> {
        let arn = input::text(input, "TargetGroupArn").unwrap_or_default();
        Kind::TargetGroup.check(arn)?;
        self.target_groups
            .get_mut(arn)
            .ok_or_else(|| Kind::TargetGroup.not_found())
    }
}

/// By ARNs, by names, by load balancer, or all.
pub(super) fn describe(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let state = &world.elb;
    let arns = input::texts(input, "TargetGroupArns");
    let names = input::texts(input, "Names");
    let balancer = input::filled(input, "LoadBalancerArn");
    let filters = [!arns.is_empty(), !names.is_empty(), balancer.is_some()];
    if filters.iter().filter(|used| **used).count() > 1 {
        return Err(invalid(
            "Target group names, target group ARNs and a load balancer ARN cannot be specified at \
             the same time",
        ));
    }
    for arn in &arns {
        Kind::TargetGroup.check(arn)?;
        state
            .target_groups
            .get(arn)
            .ok_or_else(|| Kind::TargetGroup.not_found())?;
    }
    for name in &names {
        state
            .target_group_by_name(name)
            .ok_or_else(|| Kind::TargetGroup.not_found())?;
    }
    if let Some(arn) = balancer {
        Kind::LoadBalancer.check(arn)?;
        state
            .load_balancers
            .get(arn)
            .ok_or_else(|| Kind::LoadBalancer.not_found())?;
    }
    let mut groups: Vec<&TargetGroup> = state
        .target_groups
        .values()
        .filter(|group| arns.is_empty() || arns.contains(&group.arn))
        .filter(|group| names.is_empty() || names.contains(&group.name))
        .filter(|group| {
            balancer.is_none_or(|arn| state.load_balancers_of(&group.arn).iter().any(|b| b == arn))
        })
        .collect();
    groups.sort_by_key(|group| &group.name);
    let groups = groups
        .into_iter()
        .map(|group| state.describe_group(group))
        .collect();
    paging::page(input, "TargetGroups", groups)
}

/// Changes the health check; everything else of a target group is fixed.
pub(super) fn modify(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let group = world.elb.named_group(input)?;
    let mut check = group.health_check.clone();
    check.apply(input)?;
    group.health_check = check;
    let group = group.clone();
    Ok(json!({ "TargetGroups": [world.elb.describe_group(&group)] }))
}

/// A target group that does not exist is deleted with success.
pub(super) fn delete(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let arn = input::text(input, "TargetGroupArn").unwrap_or_default();
    Kind::TargetGroup.check(arn)?;
    if !world.elb.load_balancers_of(arn).is_empty() {
        return Err(AwsError::new(
            "ResourceInUse",
            format!("Target group '{arn}' is currently in use by a listener or a rule"),
        ));
    }
    world.elb.target_groups.remove(arn);
    Ok(json!({}))
}

fn enumeration(value: &str, member: &str, set: &str) -> AwsError {
    invalid(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: \
         Member must satisfy enum value set: {set}"
    ))
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new("ValidationError", message)
}

//! Attribute bags of load balancers, listeners and target groups: keys, defaults, what a value may
//! be. Every value is a string.
//!
//! Sources: live read-back of an HTTP target group of IP addresses; the elbv2 2015-12-01 model's
//! documentation of `LoadBalancerAttribute`, `ListenerAttribute` and `TargetGroupAttribute` for the
//! rest.

use super::super::{AwsError, World, input};
use super::Pairs;
use super::arns::Kind;
use serde_json::{Value, json};

const HEALTH: &[(&str, &str)] = &[
    (
        "target_group_health.dns_failover.minimum_healthy_targets.count",
        "1",
    ),
    (
        "target_group_health.dns_failover.minimum_healthy_targets.percentage",
        "off",
    ),
    (
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count",
        "1",
    ),
    (
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage",
        "off",
    ),
    (
        "load_balancing.cross_zone.enabled",
        "use_load_balancer_configuration",
    ),
    ("deregistration_delay.timeout_seconds", "300"),
    ("stickiness.enabled", "false"),
];

const WEB_GROUP: &[(&str, &str)] = &[
    ("stickiness.type", "lb_cookie"),
    ("stickiness.lb_cookie.duration_seconds", "86400"),
    ("stickiness.app_cookie.duration_seconds", "86400"),
    ("stickiness.app_cookie.cookie_name", ""),
    ("load_balancing.algorithm.type", "round_robin"),
    ("load_balancing.algorithm.anomaly_mitigation", "off"),
    ("slow_start.duration_seconds", "0"),
];

const NETWORK_GROUP: &[(&str, &str)] = &[
    ("stickiness.type", "source_ip"),
    (
        "deregistration_delay.connection_termination.enabled",
        "false",
    ),
    ("proxy_protocol_v2.enabled", "false"),
    ("preserve_client_ip.enabled", "true"),
    (
        "target_health_state.unhealthy.connection_termination.enabled",
        "true",
    ),
    (
        "target_health_state.unhealthy.draining_interval_seconds",
        "0",
    ),
];

const BALANCER: &[(&str, &str)] = &[
    ("access_logs.s3.enabled", "false"),
    ("access_logs.s3.bucket", ""),
    ("access_logs.s3.prefix", ""),
    ("deletion_protection.enabled", "false"),
    ("ipv6.deny_all_igw_traffic", "false"),
    ("zonal_shift.config.enabled", "false"),
];

const APPLICATION: &[(&str, &str)] = &[
    ("client_keep_alive.seconds", "3600"),
    ("connection_logs.s3.enabled", "false"),
    ("connection_logs.s3.bucket", ""),
    ("connection_logs.s3.prefix", ""),
    ("idle_timeout.timeout_seconds", "60"),
    ("load_balancing.cross_zone.enabled", "true"),
    ("routing.http.desync_mitigation_mode", "defensive"),
    ("routing.http.drop_invalid_header_fields.enabled", "false"),
    ("routing.http.preserve_host_header.enabled", "false"),
    (
        "routing.http.x_amzn_tls_version_and_cipher_suite.enabled",
        "false",
    ),
    ("routing.http.xff_client_port.enabled", "false"),
    ("routing.http.xff_header_processing.mode", "append"),
    ("routing.http2.enabled", "true"),
    ("waf.fail_open.enabled", "false"),
];

const NETWORK: &[(&str, &str)] = &[
    ("dns_record.client_routing_policy", "any_availability_zone"),
    ("load_balancing.cross_zone.enabled", "false"),
];

const WEB_LISTENER: &[(&str, &str)] = &[
    (
        "routing.http.response.access_control_allow_credentials.header_value",
        "",
    ),
    (
        "routing.http.response.access_control_allow_headers.header_value",
        "",
    ),
    (
        "routing.http.response.access_control_allow_methods.header_value",
        "",
    ),
    (
        "routing.http.response.access_control_allow_origin.header_value",
        "",
    ),
    (
        "routing.http.response.access_control_expose_headers.header_value",
        "",
    ),
    (
        "routing.http.response.access_control_max_age.header_value",
        "",
    ),
    (
        "routing.http.response.content_security_policy.header_value",
        "",
    ),
    ("routing.http.response.server.enabled", "true"),
    (
        "routing.http.response.strict_transport_security.header_value",
        "",
    ),
    (
        "routing.http.response.x_content_type_options.header_value",
        "",
    ),
    ("routing.http.response.x_frame_options.header_value", ""),
];

const TCP_LISTENER: &[(&str, &str)] = &[("tcp.idle_timeout.seconds", "350")];

/// Of a target group it may also say that its load balancer decides (`TargetGroupAttribute`).
const CROSS_ZONE: &str = "load_balancing.cross_zone.enabled";
const AS_THE_BALANCER: &str = "use_load_balancer_configuration";

/// What a numeric attribute may be, in seconds.
const RANGES: &[(&str, i64, i64)] = &[
    ("deregistration_delay.timeout_seconds", 0, 3600),
    ("stickiness.lb_cookie.duration_seconds", 1, 604_800),
    ("stickiness.app_cookie.duration_seconds", 1, 604_800),
    ("idle_timeout.timeout_seconds", 1, 4000),
    ("client_keep_alive.seconds", 60, 604_800),
    ("tcp.idle_timeout.seconds", 60, 6000),
];

fn collect(tables: &[&[(&str, &str)]]) -> Pairs {
    let all = tables.iter().flat_map(|table| table.iter());
    all.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

/// The attributes of a new target group.
pub(super) fn target_group_defaults(protocol: Option<&str>, target_type: &str) -> Pairs {
    match protocol {
        None => collect(&[&[("lambda.multi_value_headers.enabled", "false")]]),
        Some("HTTP" | "HTTPS") => collect(&[HEALTH, WEB_GROUP]),
        Some(protocol) => {
            let mut bag = collect(&[HEALTH, NETWORK_GROUP]);
            // The model: on by default except for IP addresses behind TCP or TLS.
            if target_type == "ip" && matches!(protocol, "TCP" | "TLS") {
                bag.insert("preserve_client_ip.enabled".to_owned(), "false".to_owned());
            }
            if matches!(protocol, "UDP" | "TCP_UDP") {
                let ends = "deregistration_delay.connection_termination.enabled";
                bag.insert(ends.to_owned(), "true".to_owned());
            }
            bag
        }
    }
}

/// The attributes of a new load balancer.
pub(super) fn load_balancer_defaults(kind: &str, scheme: &str) -> Pairs {
    let mut bag = collect(&[
        BALANCER,
        if kind == "network" {
            NETWORK
        } else {
            APPLICATION
        },
    ]);
    if scheme == "internal" {
        bag.insert("ipv6.deny_all_igw_traffic".to_owned(), "true".to_owned());
    }
    bag
}

/// The attributes of a new listener.
pub(super) fn listener_defaults(protocol: &str) -> Pairs {
    match protocol {
        "HTTP" | "HTTPS" => collect(&[WEB_LISTENER]),
        "TCP" => collect(&[TCP_LISTENER]),
        _ => Pairs::new(),
    }
}

/// The bag of the resource that the request names.
fn bag<'a>(world: &'a mut World, kind: Kind, input: &Value) -> Result<&'a mut Pairs, AwsError> {
    let member = match kind {
        Kind::LoadBalancer => "LoadBalancerArn",
        Kind::TargetGroup => "TargetGroupArn",
        Kind::Listener | Kind::Rule => "ListenerArn",
    };
    let arn = input::text(input, member).unwrap_or_default();
    kind.check(arn)?;
    let state = &mut world.elb;
    let bag = match kind {
        Kind::LoadBalancer => state
            .load_balancers
            .get_mut(arn)
            .map(|found| &mut found.attributes),
        Kind::TargetGroup => state
            .target_groups
            .get_mut(arn)
            .map(|found| &mut found.attributes),
        Kind::Listener | Kind::Rule => state.listeners.get_mut(arn).map(|f| &mut f.attributes),
    };
    bag.ok_or_else(|| kind.not_found())
}

fn check(bag: &Pairs, key: &str, value: &str) -> Result<(), AwsError> {
    let Some(current) = bag.get(key) else {
        return Err(AwsError::new(
            "ValidationError",
            format!("The attribute key '{key}' is not recognized"),
        ));
    };
    let range = RANGES.iter().find(|(known, ..)| *known == key);
    let valid = match range {
        Some((_, least, most)) => value.parse().is_ok_and(|n: i64| n >= *least && n <= *most),
        None if key == CROSS_ZONE && value == AS_THE_BALANCER => {
            bag.contains_key("stickiness.type")
        }
        None if matches!(current.as_str(), "true" | "false") => matches!(value, "true" | "false"),
        None => true,
    };
    if valid {
        return Ok(());
    }
    Err(AwsError::new(
        "ValidationError",
        format!("The value '{value}' of the attribute '{key}' is not valid"),
    ))
}

fn describe(bag: &Pairs) -> Value {
    let attributes: Vec<Value> = bag
        .iter()
        .map(|(key, value)| json!({ "Key": key, "Value": value }))
        .collect();
    json!({ "Attributes": attributes })
}

fn modify(bag: &mut Pairs, input: &Value) -> Result<Value, AwsError> {
    let mut changed = bag.clone();
    for attribute in input::list(input, "Attributes") {
        let key = input::text(attribute, "Key").unwrap_or_default();
        let value = input::text(attribute, "Value").unwrap_or_default();
        check(bag, key, value)?;
        changed.insert(key.to_owned(), value.to_owned());
    }
    *bag = changed;
    Ok(describe(bag))
}

pub(super) fn describe_load_balancer(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    bag(world, Kind::LoadBalancer, input).map(|bag| describe(bag))
}

pub(super) fn modify_load_balancer(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    modify(bag(world, Kind::LoadBalancer, input)?, input)
}

pub(super) fn describe_listener(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    bag(world, Kind::Listener, input).map(|bag| describe(bag))
}

pub(super) fn modify_listener(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    modify(bag(world, Kind::Listener, input)?, input)
}

pub(super) fn describe_target_group(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    bag(world, Kind::TargetGroup, input).map(|bag| describe(bag))
}

pub(super) fn modify_target_group(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    modify(bag(world, Kind::TargetGroup, input)?, input)
}

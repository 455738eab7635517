//! The members of a target group that go back to a default when no longer declared. Data.
//!
//! Sources: aws-facts 4 (live read-backs of HTTP groups) and the service model of elbv2 2015-12-01
//! (`CreateTargetGroup`, `TargetGroupAttribute`) for the rest. Without a documented default, and so
//! without a row: the cookie's name. Groups of Lambda functions have no rows: ECS has no use for them.

use serde_json::{Value, json};

use crate::kinds::members::Reset;

pub(crate) const RESETS: &[Reset] = &[
    // Before the members whose default follows from it.
    Reset::by("pr", "/HealthCheckProtocol", |_, live| {
        not_lambda(live).then(|| json!(if is_network(live) { "TCP" } else { "HTTP" }))
    }),
    Reset::by("en", "/HealthCheckEnabled", |_, live| {
        not_lambda(live).then(|| json!(true))
    }),
    Reset::by("in", "/HealthCheckIntervalSeconds", |_, live| {
        not_lambda(live).then(|| json!(30))
    }),
    Reset::by("pa", "/HealthCheckPath", |spec, live| {
        let path = if is_grpc(live) {
            "/AWS.ALB/healthcheck"
        } else {
            "/"
        };
        is_checked_by_http(spec, live).then(|| json!(path))
    }),
    Reset::by("po", "/HealthCheckPort", |_, live| {
        not_lambda(live).then(|| json!("traffic-port"))
    }),
    Reset::by("ti", "/HealthCheckTimeoutSeconds", |spec, live| {
        let seconds = match (is_network(live), protocol(spec, live)) {
            (false, _) => 5,
            (true, "HTTP") => 6,
            (true, _) => 10,
        };
        not_lambda(live).then(|| json!(seconds))
    }),
    Reset::by("he", "/HealthyThresholdCount", |_, live| {
        not_lambda(live).then(|| json!(5))
    }),
    Reset::by("un", "/UnhealthyThresholdCount", |_, live| {
        not_lambda(live).then(|| json!(2))
    }),
    Reset::by("ma", "/Matcher", |spec, live| {
        let codes = match (is_grpc(live), is_web(live)) {
            (true, _) => json!({"GrpcCode": "12"}),
            (_, true) => json!({"HttpCode": "200"}),
            _ => json!({"HttpCode": "200-399"}),
        };
        is_checked_by_http(spec, live).then_some(codes)
    }),
    attribute(
        "a0",
        "/attributes/deregistration_delay.timeout_seconds",
        r#""300""#,
    ),
    attribute("a1", "/attributes/stickiness.enabled", FALSE),
    Reset::by("a2", "/attributes/stickiness.type", |_, live| {
        Some(json!(if is_network(live) {
            "source_ip"
        } else {
            "lb_cookie"
        }))
    }),
    attribute(
        "a3",
        "/attributes/stickiness.lb_cookie.duration_seconds",
        r#""86400""#,
    ),
    attribute(
        "a4",
        "/attributes/stickiness.app_cookie.duration_seconds",
        r#""86400""#,
    ),
    attribute(
        "a5",
        "/attributes/load_balancing.algorithm.type",
        r#""round_robin""#,
    ),
    attribute(
        "a6",
        "/attributes/load_balancing.algorithm.anomaly_mitigation",
        r#""off""#,
    ),
    attribute(
        "a7",
        "/attributes/load_balancing.cross_zone.enabled",
        r#""use_load_balancer_configuration""#,
    ),
    attribute("a8", "/attributes/slow_start.duration_seconds", r#""0""#),
    attribute(
        "a9",
        "/attributes/target_group_health.dns_failover.minimum_healthy_targets.count",
        r#""1""#,
    ),
    attribute(
        "b0",
        "/attributes/target_group_health.dns_failover.minimum_healthy_targets.percentage",
        r#""off""#,
    ),
    attribute(
        "b1",
        "/attributes/target_group_health.unhealthy_state_routing.minimum_healthy_targets.count",
        r#""1""#,
    ),
    attribute(
        "b2",
        "/attributes/target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage",
        r#""off""#,
    ),
    Reset::by(
        "b3",
        "/attributes/deregistration_delay.connection_termination.enabled",
        |_, live| Some(json!(if is_udp(live) { "true" } else { "false" })),
    ),
    Reset::by("b4", "/attributes/preserve_client_ip.enabled", |_, live| {
        let off = live["TargetType"] == "ip" && !is_udp(live);
        Some(json!(if off { "false" } else { "true" }))
    }),
    attribute("b5", "/attributes/proxy_protocol_v2.enabled", FALSE),
    attribute(
        "b6",
        "/attributes/target_health_state.unhealthy.connection_termination.enabled",
        r#""true""#,
    ),
    attribute(
        "b7",
        "/attributes/target_health_state.unhealthy.draining_interval_seconds",
        r#""0""#,
    ),
];

const FALSE: &str = r#""false""#;

const fn attribute(code: &'static str, path: &'static str, value: &'static str) -> Reset {
    Reset::to(code, path, value)
}

fn not_lambda(live: &Value) -> bool {
    live["TargetType"] != "lambda"
}

fn is_web(live: &Value) -> bool {
    live["Protocol"] == "HTTP" || live["Protocol"] == "HTTPS"
}

fn is_udp(live: &Value) -> bool {
    live["Protocol"] == "UDP" || live["Protocol"] == "TCP_UDP"
}

fn is_grpc(live: &Value) -> bool {
    live["ProtocolVersion"] == "GRPC"
}

/// Behind a network load balancer, and not an application load balancer itself, which is checked
/// as a web server is.
fn is_network(live: &Value) -> bool {
    !is_web(live) && live["TargetType"] != "alb"
}

/// The protocol of the checks as it is to be.
fn protocol<'a>(spec: &'a Value, live: &'a Value) -> &'a str {
    let of = |document: &'a Value| document["HealthCheckProtocol"].as_str();
    of(spec).or_else(|| of(live)).unwrap_or_default()
}

fn is_checked_by_http(spec: &Value, live: &Value) -> bool {
    not_lambda(live) && matches!(protocol(spec, live), "HTTP" | "HTTPS")
}

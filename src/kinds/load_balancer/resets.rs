//! The members of a load balancer that go back to a default when no longer declared. Data.
//!
//! Sources: the service model of elbv2 2015-12-01 (`CreateLoadBalancer`, `SetSubnets`,
//! `LoadBalancerAttribute`). Without a row: security groups (the VPC's default group, which has another
//! id in each), buckets and prefixes of logs (nothing says how one is taken away; the switch beside them
//! goes back), secondary addresses (AWS does not let them become fewer).

use serde_json::{Value, json};

use super::IPAM_POOL;
use crate::kinds::members::Reset;

pub(crate) const RESETS: &[Reset] = &[
    Reset::to("ip", "/IpAddressType", r#""ipv4""#),
    Reset::to("nt", "/EnablePrefixForIpv6SourceNat", r#""off""#),
    // Taken away by a member of its own of `ModifyIpPools`.
    Reset::by("pl", "/IpamPools", |_, _| Some(json!({ IPAM_POOL: "" }))),
    Reset::to("a0", "/attributes/deletion_protection.enabled", FALSE),
    Reset::by(
        "a1",
        "/attributes/load_balancing.cross_zone.enabled",
        |_, live| is_network(live).then(|| json!("false")),
    ),
    Reset::to("a2", "/attributes/access_logs.s3.enabled", FALSE),
    Reset::by("a3", "/attributes/ipv6.deny_all_igw_traffic", |_, live| {
        let internal = live["Scheme"] == "internal";
        Some(json!(if internal { "true" } else { "false" }))
    }),
    Reset::to("a4", "/attributes/zonal_shift.config.enabled", FALSE),
    Reset::to("a5", "/attributes/idle_timeout.timeout_seconds", r#""60""#),
    Reset::to("a6", "/attributes/client_keep_alive.seconds", r#""3600""#),
    Reset::to("a7", "/attributes/connection_logs.s3.enabled", FALSE),
    Reset::to("a8", "/attributes/health_check_logs.s3.enabled", FALSE),
    Reset::to(
        "a9",
        "/attributes/routing.http.desync_mitigation_mode",
        r#""defensive""#,
    ),
    Reset::to(
        "b0",
        "/attributes/routing.http.drop_invalid_header_fields.enabled",
        FALSE,
    ),
    Reset::to(
        "b1",
        "/attributes/routing.http.preserve_host_header.enabled",
        FALSE,
    ),
    Reset::to(
        "b2",
        "/attributes/routing.http.x_amzn_tls_version_and_cipher_suite.enabled",
        FALSE,
    ),
    Reset::to(
        "b3",
        "/attributes/routing.http.xff_client_port.enabled",
        FALSE,
    ),
    Reset::to(
        "b4",
        "/attributes/routing.http.xff_header_processing.mode",
        r#""append""#,
    ),
    Reset::to("b5", "/attributes/routing.http2.enabled", r#""true""#),
    Reset::to("b6", "/attributes/waf.fail_open.enabled", FALSE),
    Reset::to(
        "b7",
        "/attributes/dns_record.client_routing_policy",
        r#""any_availability_zone""#,
    ),
];

const FALSE: &str = r#""false""#;

fn is_network(live: &Value) -> bool {
    live["Type"] == "network"
}

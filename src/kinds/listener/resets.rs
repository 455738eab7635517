//! The members of a listener that go back to a default when no longer declared. Data.
//!
//! Sources: aws-facts 4 (the security policy) and the service model of elbv2 2015-12-01
//! (`ModifyListener`, `ListenerAttribute`). Without a row: names and values of headers, for which the
//! model tells no default; certificates and actions, which a listener cannot be without.

use serde_json::json;

use crate::kinds::members::Reset;

pub(crate) const RESETS: &[Reset] = &[
    Reset::by("sl", "/SslPolicy", |spec, _| {
        let secure = spec["Protocol"] == "HTTPS" || spec["Protocol"] == "TLS";
        secure.then(|| json!("ELBSecurityPolicy-2016-08"))
    }),
    Reset::by("al", "/AlpnPolicy", |spec, _| {
        (spec["Protocol"] == "TLS").then(|| json!(["None"]))
    }),
    Reset::by("mu", "/MutualAuthentication", |spec, _| {
        (spec["Protocol"] == "HTTPS").then(|| json!({"Mode": "off"}))
    }),
    Reset::to("a0", "/attributes/tcp.idle_timeout.seconds", r#""350""#),
    Reset::to(
        "a1",
        "/attributes/routing.http.response.server.enabled",
        r#""true""#,
    ),
];

//! The health check settings of a target group: defaults, ranges, read-back.
//!
//! Numbers: the service model of elbv2 2015-12-01 for the ranges; live read-backs for the timeout of
//! an HTTP check, which is 5 s although the model's text says 6 or 10.

use super::super::{AwsError, Time, input};
use serde_json::{Map, Value, json};

/// How the targets of a group are checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// Off only for Lambda functions unless asked for.
    pub enabled: bool,
    /// `HTTP`, `HTTPS` or `TCP`.
    pub protocol: String,
    /// `traffic-port` or a number.
    pub port: String,
    /// Whether the group's protocol lets its checks be TCP.
    pub network: bool,
    /// HTTP and HTTPS only.
    pub path: Option<String>,
    /// Seconds between checks.
    pub interval: i64,
    /// Seconds until a check counts as failed.
    pub timeout: i64,
    /// Passes in a row until a target is healthy.
    pub healthy: i64,
    /// Failures in a row until a target is unhealthy.
    pub unhealthy: i64,
    /// `HttpCode` or `GrpcCode`, and the codes that pass.
    pub matcher: Option<(&'static str, String)>,
}

impl HealthCheck {
    /// The defaults for a target group of this protocol, version and target type.
    pub(super) fn defaults(protocol: Option<&str>, version: Option<&str>, target: &str) -> Self {
        let web = matches!(protocol, None | Some("HTTP" | "HTTPS"));
        let lambda = target == "lambda";
        let http_check = web || target == "alb";
        let matcher = match version {
            Some("GRPC") => ("GrpcCode", "12".to_owned()),
            _ if web => ("HttpCode", "200".to_owned()),
            _ => ("HttpCode", "200-399".to_owned()),
        };
        let path = if version == Some("GRPC") {
            "/AWS.ALB/healthcheck"
        } else {
            "/"
        };
        Self {
            enabled: !lambda,
            protocol: if http_check { "HTTP" } else { "TCP" }.to_owned(),
            port: "traffic-port".to_owned(),
            network: !web,
            path: http_check.then(|| path.to_owned()),
            interval: if lambda { 35 } else { 30 },
            timeout: if lambda {
                30
            } else if web {
                5
            } else if http_check {
                6
            } else {
                10
            },
            healthy: 5,
            unhealthy: 2,
            matcher: http_check.then_some(matcher),
        }
    }

    /// Applies what `CreateTargetGroup` or `ModifyTargetGroup` sent, and checks the result.
    pub(super) fn apply(&mut self, input: &Value) -> Result<(), AwsError> {
        if let Some(enabled) = input::flag(input, "HealthCheckEnabled") {
            self.enabled = enabled;
        }
        if let Some(protocol) = input::filled(input, "HealthCheckProtocol") {
            self.set_protocol(protocol)?;
        }
        if let Some(port) = input::filled(input, "HealthCheckPort") {
            if port != "traffic-port" && !port.parse::<u16>().is_ok_and(|port| port > 0) {
                return Err(invalid(format!(
                    "Health check port '{port}' must be 'traffic-port' or a number from 1 to 65535"
                )));
            }
            port.clone_into(&mut self.port);
        }
        if let Some(path) = input::filled(input, "HealthCheckPath") {
            if self.protocol == "TCP" {
                return Err(invalid(
                    "Health check path cannot be set for TCP health checks",
                ));
            }
            if !path.starts_with('/') || path.len() > 1024 {
                return Err(invalid(format!(
                    "Health check path '{path}' must begin with '/'"
                )));
            }
            self.path = Some(path.to_owned());
        }
        let fields = [
            ("HealthCheckIntervalSeconds", 5, 300, &mut self.interval),
            ("HealthCheckTimeoutSeconds", 2, 120, &mut self.timeout),
            ("HealthyThresholdCount", 2, 10, &mut self.healthy),
            ("UnhealthyThresholdCount", 2, 10, &mut self.unhealthy),
        ];
        for (member, least, most, field) in fields {
            let Some(number) = input::int(input, member)? else {
                continue;
            };
            if number < least || number > most {
                return Err(invalid(format!(
                    "1 validation error detected: Value '{number}' at '{member}' failed to satisfy \
                     constraint: Member must be between {least} and {most}"
                )));
            }
            *field = number;
        }
        if self.timeout > self.interval || (self.timeout == self.interval && self.path.is_some()) {
            return Err(invalid(
                "Health check interval must be greater than the timeout.",
            ));
        }
        self.set_matcher(&input["Matcher"])
    }

    fn set_protocol(&mut self, protocol: &str) -> Result<(), AwsError> {
        if !matches!(protocol, "HTTP" | "HTTPS" | "TCP") {
            return Err(invalid(format!(
                "Health check protocol '{protocol}' must be one of HTTP, HTTPS, TCP"
            )));
        }
        if protocol == "TCP" && !self.network {
            return Err(invalid(
                "TCP health checks are not supported by this target group",
            ));
        }
        if protocol == "TCP" {
            self.path = None;
            self.matcher = None;
        } else if self.protocol == "TCP" {
            self.path = Some("/".to_owned());
            self.matcher = Some(("HttpCode", "200-399".to_owned()));
            self.timeout = 6;
        }
        protocol.clone_into(&mut self.protocol);
        Ok(())
    }

    fn set_matcher(&mut self, sent: &Value) -> Result<(), AwsError> {
        let (kind, codes, least, most) = match self.matcher {
            Some(("GrpcCode", _)) => ("GrpcCode", input::filled(sent, "GrpcCode"), 0, 99),
            Some(_) => ("HttpCode", input::filled(sent, "HttpCode"), 200, 599),
            None if input::filled(sent, "HttpCode").is_some() => {
                return Err(invalid("Matcher cannot be set for TCP health checks"));
            }
            None => return Ok(()),
        };
        let Some(codes) = codes else { return Ok(()) };
        let valid = codes.split([',', '-']).all(|code| {
            code.trim()
                .parse()
                .is_ok_and(|code| (least..=most).contains(&code))
        });
        if !valid {
            return Err(invalid(format!(
                "Health check matcher {kind} '{codes}' must be codes from {least} to {most}, such \
                 as '200,202' or '200-299'"
            )));
        }
        self.matcher = Some((kind, codes.to_owned()));
        Ok(())
    }

    /// Milliseconds until the checks of a new target have come to a verdict.
    pub(super) fn verdict_after(&self, answers: bool) -> Time {
        let checks = if answers {
            self.healthy
        } else {
            self.unhealthy
        };
        self.interval * checks * 1000
    }

    /// Adds the settings to the read-back of a target group.
    pub(super) fn describe(&self, into: &mut Map<String, Value>) {
        let mut put = |member: &str, value: Value| into.insert(member.to_owned(), value);
        put("HealthCheckProtocol", json!(self.protocol));
        put("HealthCheckPort", json!(self.port));
        put("HealthCheckEnabled", json!(self.enabled));
        put("HealthCheckIntervalSeconds", json!(self.interval));
        put("HealthCheckTimeoutSeconds", json!(self.timeout));
        put("HealthyThresholdCount", json!(self.healthy));
        put("UnhealthyThresholdCount", json!(self.unhealthy));
        if let Some(path) = &self.path {
            put("HealthCheckPath", json!(path));
        }
        if let Some((kind, codes)) = &self.matcher {
            put("Matcher", json!({ *kind: codes }));
        }
    }
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new("ValidationError", message)
}

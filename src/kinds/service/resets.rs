//! The members of a service that go back to a default when no longer declared. Data, and which of
//! it applies to which services.
//!
//! Sources: the service model of ecs 2014-11-13 (`CreateService`, `UpdateService`), aws-facts 1.1, 1.5 and
//! 3.4. `UpdateService` keeps what a request leaves out, so each goes back by its explicit value; those
//! in [`super::rules::DEPLOYING`] start a deployment. Without a row:
//! - the desired count, which belongs to nobody once undeclared;
//! - the platform version, of which AWS answers the number also where `LATEST` is set;
//! - security groups (the VPC's default group has another id in each), subnets and task definition;
//! - strategy, bake time, hooks and steps, which belong to the ECS-native strategies.

use serde_json::{Value, json};

use super::rules::{ALLOWED_UNDER_CODE_DEPLOY, CARRIED};
use crate::document::top_member;
use crate::kinds::members::Reset;

pub(crate) const RESETS: &[Reset] = &[
    Reset::to("ex", "/enableExecuteCommand", "false"),
    Reset::to("mt", "/enableECSManagedTags", "false"),
    Reset::to("pt", "/propagateTags", r#""NONE""#),
    Reset::to("hg", "/healthCheckGracePeriodSeconds", "0"),
    Reset::to("pc", "/placementConstraints", "[]"),
    Reset::to("ps", "/placementStrategy", "[]"),
    Reset::to("cp", "/capacityProviderStrategy", "[]"),
    Reset::by(
        "mx",
        "/deploymentConfiguration/maximumPercent",
        |_, live| Some(json!(if is_daemon(live) { 100 } else { 200 })),
    ),
    Reset::by(
        "mn",
        "/deploymentConfiguration/minimumHealthyPercent",
        |_, live| Some(json!(if is_daemon(live) { 0 } else { 100 })),
    ),
    Reset::to(
        "al",
        "/deploymentConfiguration/alarms",
        r#"{"alarmNames": [], "enable": false, "rollback": false}"#,
    ),
    Reset::to(
        "cb",
        "/deploymentConfiguration/deploymentCircuitBreaker",
        r#"{"enable": false, "rollback": false, "resetOnHealthyTask": true,
            "thresholdConfiguration": {"type": "BOUNDED_PERCENT", "value": 50}}"#,
    ),
    Reset::to(
        "ch",
        "/deploymentConfiguration/deploymentCircuitBreaker/resetOnHealthyTask",
        "true",
    )
    .inner(),
    Reset::to(
        "ct",
        "/deploymentConfiguration/deploymentCircuitBreaker/thresholdConfiguration",
        r#"{"type": "BOUNDED_PERCENT", "value": 50}"#,
    )
    .inner(),
    // After the percentage that it follows from.
    Reset::by("az", "/availabilityZoneRebalancing", |spec, live| {
        let at = "/deploymentConfiguration/maximumPercent";
        let most = spec.pointer(at).or_else(|| live.pointer(at));
        let spreads = most.and_then(Value::as_i64).is_none_or(|most| most > 100);
        let on = spreads && !is_daemon(live);
        Some(json!(if on { "ENABLED" } else { "DISABLED" }))
    }),
    Reset::to("lb", "/loadBalancers", "[]"),
    Reset::to("sr", "/serviceRegistries", "[]"),
    Reset::to(
        "sc",
        "/serviceConnectConfiguration",
        r#"{"enabled": false}"#,
    ),
    Reset::to("vo", "/volumeConfigurations", "[]"),
    Reset::to("la", "/vpcLatticeConfigurations", "[]"),
    Reset::to(
        "ap",
        "/networkConfiguration/awsvpcConfiguration/assignPublicIp",
        r#""DISABLED""#,
    )
    .inner(),
];

/// The rows that AWS lets change for a service of this controller: under `CodeDeploy`, what
/// `UpdateService` allows, and the network, which a deployment carries. (A deployment takes no service
/// back to its launch type, nor off its load balancer.)
pub(super) fn rows(controller: &str) -> Vec<Reset> {
    let allowed = |row: &&Reset| {
        let member = top_member(row.path);
        let carried = CARRIED.contains(&member) && member == "networkConfiguration";
        controller != "CODE_DEPLOY" || carried || ALLOWED_UNDER_CODE_DEPLOY.contains(&member)
    };
    let own = RESETS.iter().filter(allowed);
    own.filter(|row| !ecs_only(row.path) || controller == "ECS")
        .copied()
        .collect()
}

/// Circuit breaker and alarms are of the ECS controller alone.
fn ecs_only(path: &str) -> bool {
    ["alarms", "deploymentCircuitBreaker"]
        .iter()
        .any(|part| path.starts_with(&format!("/deploymentConfiguration/{part}")))
}

fn is_daemon(live: &Value) -> bool {
    live["schedulingStrategy"] == "DAEMON"
}

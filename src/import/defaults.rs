//! What an import leaves out: members that AWS only answers, and values that an absent member has
//! too. Data, and its lookup. What plans compare is not decided here, and where a plan takes a member
//! back to AWS's default ([`crate::kinds::resets`]), that default is asked for and not written down again.
//!
//! Sources: the service models' documentation; aws-facts 2.1, 3.1, 3.4, 4; ecs-deploy-tools (e).

use serde_json::{Value, json};

use crate::document::{is_task_definition_default, scalar_text};
use crate::kinds::default_of;
use crate::model::Kind;

/// Members of answers that no request takes, by kind. A member that is neither here nor in the
/// catalogue is reported.
pub(crate) fn read_only(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Cluster => &[
            "/activeServicesCount",
            "/attachments",
            "/attachmentsStatus",
            "/clusterArn",
            "/pendingTasksCount",
            "/registeredContainerInstancesCount",
            "/runningTasksCount",
            "/statistics",
            "/status",
        ],
        Kind::ImageRepository => &["/createdAt", "/repositoryArn", "/repositoryUri"],
        Kind::TaskDefinition => &[
            "/compatibilities",
            "/deleteRequestedAt",
            "/deregisteredAt",
            "/registeredAt",
            "/registeredBy",
            "/requiresAttributes",
            "/revision",
            "/status",
            "/taskDefinitionArn",
        ],
        Kind::TargetGroup => &["/LoadBalancerArns", "/TargetGroupArn", "/TargetGroupName"],
        Kind::LoadBalancer => &[
            "/AvailabilityZones",
            "/CanonicalHostedZoneId",
            "/CreatedTime",
            "/DNSName",
            "/EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic",
            "/LoadBalancerArn",
            "/LoadBalancerName",
            "/State",
            "/VpcId",
        ],
        Kind::Listener => &["/ListenerArn"],
        Kind::ListenerRule => &["/IsDefault", "/RuleArn"],
        Kind::Service => &[
            "/clusterArn",
            "/createdAt",
            "/createdBy",
            "/currentServiceDeployment",
            "/currentServiceRevisions",
            "/deployments",
            "/events",
            "/pendingCount",
            "/platformFamily",
            "/resourceManagementType",
            "/roleArn",
            "/runningCount",
            "/serviceArn",
            "/status",
            "/taskSets",
        ],
        Kind::DeploymentGroup => &[
            "/computePlatform",
            "/deploymentGroupId",
            "/lastAttemptedDeployment",
            "/lastSuccessfulDeployment",
            "/targetRevision",
        ],
        Kind::ScalableTarget => &["/CreationTime", "/PredictedCapacity", "/ScalableTargetARN"],
        Kind::ScalingPolicy => &["/Alarms", "/CreationTime", "/PolicyARN"],
    }
}

/// Whether an absent member would have this value too: by what plans take a member back to, and by what
/// has no row there because it cannot change or is never taken back.
pub(super) fn is_default(kind: Kind, document: &Value, at: &str, value: &Value) -> bool {
    if kind == Kind::TaskDefinition {
        return is_task_definition_default(at, value);
    }
    let Some(text) = scalar_text(value) else {
        return false;
    };
    let default = default_of(kind, at, document, document);
    let rows: &[(&str, &str)] = match kind {
        Kind::ImageRepository => REPOSITORY,
        Kind::TargetGroup if is_web(document) => WEB_GROUP,
        Kind::Service => SERVICE,
        Kind::ScalableTarget => SCALABLE_TARGET,
        Kind::ScalingPolicy => SCALING_POLICY,
        _ => &[],
    };
    default.as_ref().and_then(scalar_text).as_ref() == Some(&text)
        || rows.contains(&(at, text.as_str()))
}

fn is_web(group: &Value) -> bool {
    matches!(group["Protocol"].as_str(), Some("HTTP" | "HTTPS"))
}

const SERVICE: &[(&str, &str)] = &[
    ("/deploymentConfiguration/bakeTimeInMinutes", "0"),
    ("/deploymentConfiguration/strategy", "ROLLING"),
    ("/deploymentController/type", "ECS"),
    ("/platformVersion", "LATEST"),
    ("/schedulingStrategy", "REPLICA"),
];
const SCALABLE_TARGET: &[(&str, &str)] = &[
    ("/SuspendedState/DynamicScalingInSuspended", "false"),
    ("/SuspendedState/DynamicScalingOutSuspended", "false"),
    ("/SuspendedState/ScheduledScalingSuspended", "false"),
];
const SCALING_POLICY: &[(&str, &str)] = &[
    (
        "/PredictiveScalingPolicyConfiguration/MaxCapacityBreachBehavior",
        "HonorMaxCapacity",
    ),
    ("/PredictiveScalingPolicyConfiguration/Mode", "ForecastOnly"),
    (
        "/PredictiveScalingPolicyConfiguration/SchedulingBufferTime",
        "300",
    ),
    ("/StepScalingPolicyConfiguration/Cooldown", "300"),
    (
        "/StepScalingPolicyConfiguration/MetricAggregationType",
        "Average",
    ),
    (
        "/TargetTrackingScalingPolicyConfiguration/DisableScaleIn",
        "false",
    ),
];
const REPOSITORY: &[(&str, &str)] = &[("/encryptionConfiguration/encryptionType", "AES256")];
const WEB_GROUP: &[(&str, &str)] = &[("/IpAddressType", "ipv4"), ("/ProtocolVersion", "HTTP1")];

/// The attributes of a resource that somebody has set: neither empty nor as they read by default. An
/// application load balancer always spreads over zones and cannot be told.
pub(super) fn attributes(kind: Kind, resource: &Value, live: &Value) -> Vec<Value> {
    let chosen = |attribute: &&Value| {
        let text = |member: &str| attribute[member].as_str().unwrap_or_default();
        let (key, value) = (text("Key"), text("Value"));
        let default = default_of(kind, &format!("/attributes/{key}"), resource, resource);
        let fixed = kind == Kind::LoadBalancer
            && resource["Type"] == "application"
            && key == "load_balancing.cross_zone.enabled";
        !(value.is_empty() || fixed || default.is_some_and(|default| default == value))
    };
    let all = live.as_array().into_iter().flatten();
    all.filter(chosen)
        .map(|attribute| json!({"Key": attribute["Key"], "Value": attribute["Value"]}))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::root;

    /// A misspelt row would leave nothing out, silently.
    #[test]
    fn every_row_is_a_member_of_its_request() {
        for (kind, rows) in [
            (Kind::Service, SERVICE),
            (Kind::ImageRepository, REPOSITORY),
            (Kind::TargetGroup, WEB_GROUP),
            (Kind::ScalableTarget, SCALABLE_TARGET),
            (Kind::ScalingPolicy, SCALING_POLICY),
        ] {
            for (place, _) in rows {
                let path = place
                    .trim_start_matches('/')
                    .replace("/*", "[]")
                    .replace('/', ".");
                assert!(root(kind).at(&path).is_some(), "{kind}: {place}");
            }
        }
    }

    #[test]
    fn what_no_request_takes_is_in_no_request() {
        for kind in Kind::ALL {
            for place in read_only(kind) {
                let path = place.trim_start_matches('/').replace('/', ".");
                assert!(root(kind).at(&path).is_none(), "{kind}: {place}");
            }
        }
    }

    #[test]
    fn attributes_that_somebody_set_stay() {
        let slow = ("slow_start.duration_seconds", "0");
        let delay = ("deregistration_delay.timeout_seconds", "15");
        let ends = "deregistration_delay.connection_termination.enabled";
        let zones = "load_balancing.cross_zone.enabled";
        let gateway = "ipv6.deny_all_igw_traffic";
        let web = json!({"Protocol": "HTTP", "TargetType": "ip"});
        let udp = json!({"Protocol": "UDP", "TargetType": "ip"});
        let front = |scheme: &str, kind: &str| json!({"Scheme": scheme, "Type": kind});
        for (kind, resource, (key, value), stays) in [
            (Kind::TargetGroup, &web, slow, false),
            (Kind::TargetGroup, &web, delay, true),
            (Kind::TargetGroup, &web, (zones, "false"), true),
            (Kind::TargetGroup, &web, (zones, "true"), true),
            (Kind::TargetGroup, &udp, (ends, "false"), true),
            (Kind::TargetGroup, &udp, (ends, "true"), false),
            (
                Kind::LoadBalancer,
                &front("internal", "application"),
                (gateway, "false"),
                true,
            ),
            (
                Kind::LoadBalancer,
                &front("internal", "application"),
                (gateway, "true"),
                false,
            ),
            (
                Kind::LoadBalancer,
                &front("internet-facing", "application"),
                (gateway, "false"),
                false,
            ),
            (
                Kind::LoadBalancer,
                &front("internal", "application"),
                (zones, "true"),
                false,
            ),
            (
                Kind::LoadBalancer,
                &front("internal", "network"),
                (zones, "true"),
                true,
            ),
            (
                Kind::LoadBalancer,
                &front("internal", "network"),
                (zones, "false"),
                false,
            ),
            (
                Kind::LoadBalancer,
                &front("internal", "network"),
                ("access_logs.s3.bucket", ""),
                false,
            ),
        ] {
            let live = json!([{"Key": key, "Value": value}]);
            let kept = attributes(kind, resource, &live);
            assert_eq!(
                kept.len(),
                usize::from(stays),
                "{kind} {resource} {key}={value}"
            );
        }
    }

    #[test]
    fn a_value_is_left_out_only_where_the_resource_would_have_it_anyway() {
        let group = |version: &str| json!({"Protocol": "HTTP", "ProtocolVersion": version, "HealthCheckProtocol": "HTTP"});
        let udp = json!({"Protocol": "UDP", "HealthCheckProtocol": "TCP"});
        let daemon = json!({"schedulingStrategy": "DAEMON"});
        let most = "/deploymentConfiguration/maximumPercent";
        for (kind, document, at, value, left_out) in [
            (
                Kind::TargetGroup,
                &group("HTTP1"),
                "/HealthCheckPath",
                json!("/"),
                true,
            ),
            (
                Kind::TargetGroup,
                &group("GRPC"),
                "/HealthCheckPath",
                json!("/"),
                false,
            ),
            (
                Kind::TargetGroup,
                &group("GRPC"),
                "/Matcher/GrpcCode",
                json!("12"),
                true,
            ),
            (
                Kind::TargetGroup,
                &group("HTTP1"),
                "/HealthCheckTimeoutSeconds",
                json!("5"),
                true,
            ),
            (
                Kind::TargetGroup,
                &udp,
                "/HealthCheckTimeoutSeconds",
                json!(5),
                false,
            ),
            (
                Kind::TargetGroup,
                &udp,
                "/HealthCheckTimeoutSeconds",
                json!(10),
                true,
            ),
            (Kind::Service, &daemon, most, json!(100), true),
            (Kind::Service, &json!({}), most, json!(100), false),
            (
                Kind::ImageRepository,
                &json!({}),
                "/imageScanningConfiguration/scanOnPush",
                json!(false),
                true,
            ),
            (
                Kind::Cluster,
                &json!({}),
                "/settings",
                json!([{"name": "containerInsights", "value": "disabled"}]),
                false,
            ),
        ] {
            let found = is_default(kind, document, at, &value);
            assert_eq!(found, left_out, "{kind} {document} {at} {value}");
        }
    }
}

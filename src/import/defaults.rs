//! What an import leaves out: members that AWS only answers, and values that an absent member has
//! too. Data, and its lookup. What plans compare is not decided here.
//!
//! Sources: the service models' documentation; aws-facts 2.1, 3.1, 3.4, 4; ecs-deploy-tools (e).

use serde_json::{Value, json};

use crate::document::{is_task_definition_default, scalar_text};
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

/// Whether an absent member would have this value too.
pub(super) fn is_default(kind: Kind, document: &Value, at: &str, value: &Value) -> bool {
    let rows: &[(&str, &str)] = match kind {
        Kind::TaskDefinition => return is_task_definition_default(at, value),
        Kind::ImageRepository => REPOSITORY,
        Kind::TargetGroup if is_web(document) => WEB_GROUP,
        Kind::LoadBalancer => BALANCER,
        Kind::Listener => LISTENER,
        Kind::Service if document["schedulingStrategy"] == "DAEMON" => DAEMON,
        Kind::Service => REPLICA,
        Kind::DeploymentGroup => GROUP,
        Kind::ScalableTarget => SCALABLE_TARGET,
        Kind::ScalingPolicy => SCALING_POLICY,
        Kind::Cluster | Kind::TargetGroup | Kind::ListenerRule => &[],
    };
    let always: &[(&str, &str)] = if kind == Kind::Service { SERVICE } else { &[] };
    rows.iter()
        .chain(always)
        .any(|(place, default)| *place == at && scalar_text(value).as_deref() == Some(default))
}

fn is_web(group: &Value) -> bool {
    matches!(group["Protocol"].as_str(), Some("HTTP" | "HTTPS"))
}

const SERVICE: &[(&str, &str)] = &[
    ("/deploymentConfiguration/alarms/enable", "false"),
    ("/deploymentConfiguration/alarms/rollback", "false"),
    ("/deploymentConfiguration/bakeTimeInMinutes", "0"),
    (
        "/deploymentConfiguration/deploymentCircuitBreaker/resetOnHealthyTask",
        "true",
    ),
    (
        "/deploymentConfiguration/deploymentCircuitBreaker/thresholdConfiguration/type",
        "BOUNDED_PERCENT",
    ),
    (
        "/deploymentConfiguration/deploymentCircuitBreaker/thresholdConfiguration/value",
        "50",
    ),
    ("/deploymentConfiguration/strategy", "ROLLING"),
    ("/deploymentController/type", "ECS"),
    ("/enableECSManagedTags", "false"),
    ("/enableExecuteCommand", "false"),
    ("/healthCheckGracePeriodSeconds", "0"),
    ("/platformVersion", "LATEST"),
    ("/propagateTags", "NONE"),
    ("/schedulingStrategy", "REPLICA"),
    ("/serviceConnectConfiguration/enabled", "false"),
];
const REPLICA: &[(&str, &str)] = &[
    ("/deploymentConfiguration/maximumPercent", "200"),
    ("/deploymentConfiguration/minimumHealthyPercent", "100"),
];
const DAEMON: &[(&str, &str)] = &[
    ("/deploymentConfiguration/maximumPercent", "100"),
    ("/deploymentConfiguration/minimumHealthyPercent", "0"),
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
const REPOSITORY: &[(&str, &str)] = &[
    ("/encryptionConfiguration/encryptionType", "AES256"),
    ("/imageScanningConfiguration/scanOnPush", "false"),
    ("/imageTagMutability", "MUTABLE"),
];
/// Of groups whose protocol is HTTP or HTTPS; the others have defaults of their own, and are
/// written whole.
const WEB_GROUP: &[(&str, &str)] = &[
    ("/HealthCheckEnabled", "true"),
    ("/HealthCheckIntervalSeconds", "30"),
    ("/HealthCheckPath", "/"),
    ("/HealthCheckPort", "traffic-port"),
    ("/HealthCheckProtocol", "HTTP"),
    ("/HealthCheckTimeoutSeconds", "5"),
    ("/HealthyThresholdCount", "5"),
    ("/IpAddressType", "ipv4"),
    ("/Matcher/HttpCode", "200"),
    ("/ProtocolVersion", "HTTP1"),
    ("/UnhealthyThresholdCount", "2"),
];
const BALANCER: &[(&str, &str)] = &[("/IpAddressType", "ipv4")];
const LISTENER: &[(&str, &str)] = &[("/MutualAuthentication/Mode", "off")];
const GROUP: &[(&str, &str)] = &[
    ("/alarmConfiguration/enabled", "false"),
    ("/alarmConfiguration/ignorePollAlarmFailure", "false"),
    ("/autoRollbackConfiguration/enabled", "false"),
    ("/outdatedInstancesStrategy", "UPDATE"),
    ("/terminationHookEnabled", "false"),
];

/// Attributes of load balancing resources that read so when nobody has set them (service model:
/// `TargetGroupAttribute`, `LoadBalancerAttribute`, `ListenerAttribute`). Where the default depends
/// on the kind of load balancer, the attribute is not here and is written.
const ATTRIBUTES: &[(&str, &str)] = &[
    ("access_logs.s3.enabled", "false"),
    ("client_keep_alive.seconds", "3600"),
    ("connection_logs.s3.enabled", "false"),
    ("deletion_protection.enabled", "false"),
    (
        "deregistration_delay.connection_termination.enabled",
        "false",
    ),
    ("deregistration_delay.timeout_seconds", "300"),
    ("dns_record.client_routing_policy", "any_availability_zone"),
    ("health_check_logs.s3.enabled", "false"),
    ("idle_timeout.timeout_seconds", "60"),
    ("ipv6.deny_all_igw_traffic", "false"),
    ("load_balancing.algorithm.anomaly_mitigation", "off"),
    ("load_balancing.algorithm.type", "round_robin"),
    (
        "load_balancing.cross_zone.enabled",
        "use_load_balancer_configuration",
    ),
    ("proxy_protocol_v2.enabled", "false"),
    ("routing.http.desync_mitigation_mode", "defensive"),
    ("routing.http.drop_invalid_header_fields.enabled", "false"),
    ("routing.http.preserve_host_header.enabled", "false"),
    ("routing.http.response.server.enabled", "true"),
    (
        "routing.http.x_amzn_tls_version_and_cipher_suite.enabled",
        "false",
    ),
    ("routing.http.xff_client_port.enabled", "false"),
    ("routing.http.xff_header_processing.mode", "append"),
    ("routing.http2.enabled", "true"),
    ("slow_start.duration_seconds", "0"),
    ("stickiness.app_cookie.duration_seconds", "86400"),
    ("stickiness.enabled", "false"),
    ("stickiness.lb_cookie.duration_seconds", "86400"),
    ("stickiness.type", "lb_cookie"),
    ("stickiness.type", "source_ip"),
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
        "target_health_state.unhealthy.connection_termination.enabled",
        "true",
    ),
    (
        "target_health_state.unhealthy.draining_interval_seconds",
        "0",
    ),
    ("waf.fail_open.enabled", "false"),
    ("zonal_shift.config.enabled", "false"),
];

/// The attributes that somebody has set: neither empty nor as they read by default. An application
/// load balancer always spreads over zones and cannot be told.
pub(super) fn attributes(live: &Value, application: bool) -> Vec<Value> {
    let chosen = |attribute: &&Value| {
        let text = |member: &str| attribute[member].as_str().unwrap_or_default();
        let pair = (text("Key"), text("Value"));
        let zones = ("load_balancing.cross_zone.enabled", "true");
        let network = ("load_balancing.cross_zone.enabled", "false");
        !(pair.1.is_empty()
            || ATTRIBUTES.contains(&pair)
            || (application && pair == zones)
            || (!application && pair == network))
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
            (Kind::Service, REPLICA),
            (Kind::Service, DAEMON),
            (Kind::ImageRepository, REPOSITORY),
            (Kind::TargetGroup, WEB_GROUP),
            (Kind::LoadBalancer, BALANCER),
            (Kind::Listener, LISTENER),
            (Kind::DeploymentGroup, GROUP),
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
        let live = json!([{"Key": "slow_start.duration_seconds", "Value": "0"},
            {"Key": "deregistration_delay.timeout_seconds", "Value": "15"},
            {"Key": "access_logs.s3.bucket", "Value": ""},
            {"Key": "load_balancing.cross_zone.enabled", "Value": "true"}]);
        let keys = |application| -> Vec<String> {
            let kept = attributes(&live, application);
            kept.iter()
                .map(|one| one["Key"].as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(keys(true), ["deregistration_delay.timeout_seconds"]);
        assert_eq!(keys(false).len(), 2);
    }
}

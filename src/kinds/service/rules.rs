//! How a service's document is compared with `DescribeServices`, and what a change of each member
//! takes. Data only.
//!
//! Sources: aws-facts 1.5 (per-field effect of `UpdateService`, from the service model's own docs),
//! 3.1 (which lists AWS reorders), 3.4 (read-back).

use crate::document::{Change, Rules, Treat};

/// The `UpdateService` change.
const UPDATE: Change = Change::By("UpdateService");

/// Comparison of a service.
pub(super) const RULES: Rules = Rules {
    members: &[
        ("/cluster", Treat::Ignored),
        ("/serviceName", Treat::Ignored),
        ("/clientToken", Treat::Ignored),
        ("/tags", Treat::Ignored),
        ("/role", Treat::NameOrArn),
        // Left out of an answer where it is ECS (aws-facts 1.7); `plan` compares it first of all.
        ("/deploymentController", Treat::Ignored),
        ("/taskDefinition", Treat::NameOrArn),
        // The target group of a CODE_DEPLOY service alternates within the group's pair; it is
        // compared by `blue_green`, the container and port by `payload`.
        ("/loadBalancers", Treat::Keyed(&["targetGroupArn"])),
        (
            "/networkConfiguration/awsvpcConfiguration/subnets",
            Treat::Set,
        ),
        (
            "/networkConfiguration/awsvpcConfiguration/securityGroups",
            Treat::Set,
        ),
        (
            "/capacityProviderStrategy",
            Treat::Keyed(&["capacityProvider"]),
        ),
        ("/placementConstraints", Treat::Set),
        ("/platformVersion", Treat::AnyIf("LATEST")),
        ("/deploymentConfiguration/alarms/alarmNames", Treat::Set),
        (
            "/serviceConnectConfiguration/namespace",
            Treat::NameOrOpaqueArn,
        ),
        (
            "/serviceConnectConfiguration/services",
            Treat::Keyed(&["portName"]),
        ),
        ("/volumeConfigurations", Treat::Keyed(&["name"])),
        ("/serviceRegistries", Treat::Keyed(&["registryArn"])),
        (
            "/vpcLatticeConfigurations",
            Treat::Keyed(&["targetGroupArn"]),
        ),
    ],
    scalars_by_text: false,
    changes: &[
        ("serviceName", Change::Recreate),
        ("cluster", Change::Recreate),
        ("role", Change::Recreate),
        ("schedulingStrategy", Change::Recreate),
        ("launchType", Change::Recreate),
    ],
    other_changes: UPDATE,
};

/// Members whose change starts a deployment of a rolling service. Of the last two AWS documents nothing;
/// they are members of a service revision, which only a deployment makes.
pub(super) const DEPLOYING: [&str; 10] = [
    "taskDefinition",
    "networkConfiguration",
    "platformVersion",
    "loadBalancers",
    "serviceRegistries",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
    "gatewayConnectors",
    "monitoring",
];

/// Members that a `CodeDeploy` deployment carries; `UpdateService` refuses them for a `CODE_DEPLOY`
/// service, even unchanged.
pub(super) const CARRIED: [&str; 5] = [
    "taskDefinition",
    "networkConfiguration",
    "platformVersion",
    "capacityProviderStrategy",
    "loadBalancers",
];

/// Members that `UpdateService` allows for a `CODE_DEPLOY` service; `enableExecuteCommand` is not in the
/// documented list, but accepted (aws-facts 1.5, by ecspresso).
pub(super) const ALLOWED_UNDER_CODE_DEPLOY: [&str; 8] = [
    "desiredCount",
    "deploymentConfiguration",
    "healthCheckGracePeriodSeconds",
    "placementConstraints",
    "placementStrategy",
    "enableECSManagedTags",
    "propagateTags",
    "enableExecuteCommand",
];

/// Members of a rolling service that only its `PRIMARY` deployment reads back (aws-facts 3.4).
pub(super) const ON_THE_DEPLOYMENT: [&str; 3] = [
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
];

/// Members of a rolling service that only its service revision reads back (service model: `Service` and
/// `Deployment` lack them).
pub(crate) const ON_THE_REVISION: [&str; 2] = ["gatewayConnectors", "monitoring"];

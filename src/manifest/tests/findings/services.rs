//! Mistakes of services and of the `CodeDeploy` groups that deploy them.

use super::{Row, verify};

const SERVICES: &[Row] = &[
    (
        "      containerName: auth\n",
        "      containerName: auht\n",
        "unknown-container",
        "auht",
        "Did you mean `auth`?",
    ),
    (
        "      containerPort: 8080\nrollout",
        "      containerPort: 80\nrollout",
        "unknown-port",
        "containerPort: 80\n",
        "It has 8080",
    ),
    (
        "  TargetType: ip\n  Protocol: HTTP\n  Port: 8080",
        "  TargetType: instance\n  Protocol: HTTP\n  Port: 8080",
        "target-type",
        "- targetGroupRef: blue\n      containerName",
        "needs `ip`",
    ),
    (
        "  networkConfiguration:\n    awsvpcConfiguration:\n      subnets: [subnet-3]\n",
        "",
        "missing-field",
        "taskDefinitionRef",
        "`networkConfiguration` is missing",
    ),
    (
        "schedulingStrategy: REPLICA",
        "schedulingStrategy: DAEMON",
        "not-allowed",
        "DAEMON",
        "Use `REPLICA`",
    ),
    (
        "  desiredCount: 2",
        "  serviceConnectConfiguration: {enabled: true}",
        "not-allowed",
        "serviceConnect",
        "Service Connect",
    ),
    (
        "  desiredCount: 2",
        "  deploymentConfiguration: {deploymentCircuitBreaker: {enable: true, rollback: true}}",
        "not-allowed",
        "CircuitBreaker",
        "autoRollbackConfiguration",
    ),
    (
        "  desiredCount: 2",
        "  capacityProviderStrategy: [{capacityProvider: FARGATE}]",
        "not-allowed",
        "capacityProviderStrategy",
        "exclude each other",
    ),
    (
        "  taskDefinitionRef: auth-task\n",
        "",
        "missing-field",
        "clusterRef",
        "`taskDefinitionRef` to name a manifest",
    ),
    (
        "    type: CODE_DEPLOY",
        "    type: ECS",
        "controller",
        "- serviceRef",
        "does not have the deployment controller",
    ),
    (
        "    type: CODE_DEPLOY",
        "    type: ECS",
        "not-allowed",
        "rollout:",
        "`rollout.hooks` are for",
    ),
    (
        "    - targetGroupRef: blue\n      containerName: auth",
        "    - targetGroupRef: blue\n      advancedConfiguration: {roleArn: r, productionListenerRuleRef: auth, alternateTargetGroupRef: green}\n      containerName: auth",
        "not-allowed",
        "advancedConfiguration",
        "ECS's own blue/green",
    ),
];

const GROUPS: &[Row] = &[
    (
        "          - targetGroupRef: green",
        "          - targetGroupRef: blue",
        "target-group-pair",
        "- targetGroupRef: blue\n        prod",
        "one and the same",
    ),
    (
        "ECSCanary10Percent5Minutes",
        "OneAtATime",
        "deployment-config",
        "OneAtATime",
        "no configuration for ECS",
    ),
    (
        "  deploymentConfigName: CodeDeployDefault.ECSCanary10Percent5Minutes\n",
        "",
        "deployment-config",
        "applicationName",
        "its default is for EC2",
    ),
    (
        "  TargetType: ip\n  Protocol: HTTP\n  Port: 8081",
        "  TargetType: ip\n  Protocol: TCP\n  Port: 8081",
        "deployment-config",
        "ECSCanary",
        "network load balancer",
    ),
    (
        "    deploymentType: BLUE_GREEN",
        "    deploymentType: IN_PLACE",
        "deployment-style",
        "IN_PLACE",
        "not for ECS",
    ),
    (
        "listenerRefs: [test]",
        "listenerRefs: [production]",
        "traffic-route",
        "listenerRefs: [production]\n  blue",
        "the same listener",
    ),
    (
        "terminationWaitTimeInMinutes: 5",
        "terminationWaitTimeInMinutes: 3000",
        "out-of-range",
        "3000",
        "0 to 2880",
    ),
    (
        "  ecsServices:",
        "  ec2TagFilters: []\n  ecsServices:",
        "not-allowed",
        "ec2TagFilters",
        "EC2",
    ),
    (
        "    - serviceRef: auth-service",
        "    - serviceName: auth-service",
        "missing-field",
        "- serviceName",
        "`clusterName` is missing",
    ),
    (
        "          - targetGroupRef: blue\n",
        "          - targetGroupRef: green2\n",
        "dangling-reference",
        "green2",
        "Did you mean `green`?",
    ),
    (
        "AppECS-nova-auth",
        "App ECS",
        "bad-name",
        "App ECS",
        "cannot name an application",
    ),
];

#[test]
fn mistakes_of_services() {
    verify(SERVICES);
}

#[test]
fn mistakes_of_deployment_groups() {
    verify(GROUPS);
}

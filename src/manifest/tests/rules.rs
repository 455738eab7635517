//! Rules that join members, one small manifest each: its code, its path, and what it says. The whole
//! drawing of the more common ones is in `tests/it/mistakes`.

use super::load_text;

const TASK: &str = "TaskDefinition";
const SERVICE: &str = "Service";

/// Kind, spec in one line, code, path.
type Row = (&'static str, &'static str, &'static str, &'static str);

const ROWS: &[Row] = &[
    (
        TASK,
        "{cpu: lots, containerDefinitions: [{name: a, image: b, memory: 4}]}",
        "bad-value",
        "cpu",
    ),
    (
        TASK,
        "{containerDefinitions: [{name: a, image: b, memory: 4}], volumes: [{name: v}, {name: v}]}",
        "duplicate",
        "volumes[1].name",
    ),
    (
        TASK,
        "{networkMode: none, containerDefinitions: [{name: a, image: b, memory: 4, portMappings: [{containerPort: 1}]}]}",
        "port-mapping",
        "containerDefinitions[0].portMappings",
    ),
    (
        TASK,
        "{networkMode: awsvpc, containerDefinitions: [{name: a, image: b, memory: 4, hostname: h}]}",
        "not-allowed",
        "containerDefinitions[0].hostname",
    ),
    (
        TASK,
        "{containerDefinitions: [{name: a, image: b, memory: 4, portMappings: [{containerPort: 1, containerPortRange: 1-2}]}]}",
        "two-ways",
        "containerDefinitions[0].portMappings[0].containerPortRange",
    ),
    (
        TASK,
        "{containerDefinitions: [{name: a, image: b, memory: 4, dependsOn: [{containerName: a, condition: START}]}]}",
        "dependency-cycle",
        "containerDefinitions[0].dependsOn",
    ),
    (
        TASK,
        "{containerDefinitions: [{name: a, image: b, memory: 4}, {name: c, image: b, memory: 4, dependsOn: [{containerName: a, condition: HEALTHY}]}]}",
        "dependency",
        "containerDefinitions[1].dependsOn[0].condition",
    ),
    (
        TASK,
        FARGATE_VOLUME,
        "not-allowed",
        "volumes[0].host.sourcePath",
    ),
    (
        TASK,
        FARGATE_LINUX,
        "not-allowed",
        "containerDefinitions[0].linuxParameters.devices",
    ),
    (
        TASK,
        FARGATE_LOG,
        "not-allowed",
        "containerDefinitions[0].logConfiguration.logDriver",
    ),
    (TASK, FARGATE_IPC, "not-allowed", "ipcMode"),
    (
        SERVICE,
        "{taskDefinition: a, launchType: EC2, deploymentController: {type: EXTERNAL}, deploymentConfiguration: {maximumPercent: 150}}",
        "not-allowed",
        "deploymentConfiguration.maximumPercent",
    ),
    (
        SERVICE,
        "{taskDefinition: a, deploymentController: {type: EXTERNAL}, deploymentConfiguration: {strategy: CANARY}}",
        "not-allowed",
        "deploymentConfiguration.strategy",
    ),
    (
        SERVICE,
        "{taskDefinition: a, deploymentConfiguration: {earlySuccessCriteria: {enable: true, healthyPercent: 50}}}",
        "out-of-range",
        "deploymentConfiguration.earlySuccessCriteria.healthyPercent",
    ),
    (
        SERVICE,
        "{taskDefinition: a, deploymentConfiguration: {strategy: LINEAR, linearConfiguration: {stepPercent: 10.05}}}",
        "out-of-range",
        "deploymentConfiguration.linearConfiguration.stepPercent",
    ),
    (
        SERVICE,
        "{taskDefinition: a, deploymentConfiguration: {strategy: LINEAR, linearConfiguration: {stepBakeTimeInMinutes: 1441}}}",
        "out-of-range",
        "deploymentConfiguration.linearConfiguration.stepBakeTimeInMinutes",
    ),
    (
        SERVICE,
        "{taskDefinition: a, deploymentConfiguration: {deploymentCircuitBreaker: {enable: true, rollback: true, thresholdConfiguration: {type: BOUNDED_PERCENT, value: 101}}}}",
        "out-of-range",
        "deploymentConfiguration.deploymentCircuitBreaker.thresholdConfiguration.value",
    ),
    (
        SERVICE,
        "{taskDefinition: a, deploymentConfiguration: {strategy: CANARY}, loadBalancers: [{targetGroupArn: t, containerName: a, containerPort: 1}]}",
        "missing-field",
        "loadBalancers[0]",
    ),
    (
        SERVICE,
        "{taskDefinition: a, deploymentConfiguration: {strategy: CANARY}, loadBalancers: [{targetGroupArn: t, containerName: a, containerPort: 1, advancedConfiguration: {alternateTargetGroupArn: t, productionListenerRule: r, roleArn: x}}]}",
        "target-group-pair",
        "loadBalancers[0].advancedConfiguration",
    ),
    (
        SERVICE,
        "{taskDefinition: a, deploymentConfiguration: {strategy: CANARY}, loadBalancers: [{targetGroupArn: t, containerName: a, containerPort: 1, advancedConfiguration: {alternateTargetGroupArn: u, productionListenerRule: r, testListenerRule: r, roleArn: x}}]}",
        "traffic-route",
        "loadBalancers[0].advancedConfiguration",
    ),
    (
        SERVICE,
        "{taskDefinition: a, deploymentConfiguration: {strategy: CANARY}, loadBalancers: [{targetGroupArn: t, containerName: a, containerPort: 1, advancedConfiguration: {alternateTargetGroupArn: u, productionListenerRule: 'arn:aws:elasticloadbalancing:us-east-1:1:listener/app/x', roleArn: x}}]}",
        "bad-value",
        "loadBalancers[0].advancedConfiguration.productionListenerRule",
    ),
    (
        SERVICE,
        "{taskDefinition: a, loadBalancers: [{targetGroupArn: t, containerName: a, containerPort: 1}, {targetGroupArn: t, containerName: a, containerPort: 1}]}",
        "duplicate",
        "loadBalancers[1].targetGroupArn",
    ),
    (
        SERVICE,
        "{taskDefinition: a, loadBalancers: [{targetGroupArn: t, containerName: a, containerPort: 1}, {loadBalancerName: t, containerName: a, containerPort: 1}]}",
        "not-allowed",
        "loadBalancers",
    ),
    (
        SERVICE,
        "{taskDefinition: a, serviceRegistries: [{registryArn: a}, {registryArn: b}]}",
        "too-many",
        "serviceRegistries",
    ),
    (
        SERVICE,
        "{taskDefinition: a, healthCheckGracePeriodSeconds: 5}",
        "no-effect",
        "healthCheckGracePeriodSeconds",
    ),
    (
        SERVICE,
        "{taskDefinition: a, capacityProviderStrategy: [{capacityProvider: FARGATE, weight: 1}, {capacityProvider: mine, weight: 1}]}",
        "capacity",
        "capacityProviderStrategy",
    ),
    (
        SERVICE,
        "{taskDefinition: a, launchType: FARGATE, placementStrategy: [{type: random}]}",
        "not-allowed",
        "placementStrategy",
    ),
    (
        SERVICE,
        "{taskDefinition: a, availabilityZoneRebalancing: ENABLED, placementStrategy: [{type: random}]}",
        "not-allowed",
        "availabilityZoneRebalancing",
    ),
    (
        SERVICE,
        "{taskDefinition: a, availabilityZoneRebalancing: ENABLED, deploymentConfiguration: {maximumPercent: 100}}",
        "not-allowed",
        "availabilityZoneRebalancing",
    ),
    (
        "Cluster",
        "{tags: [{key: 'aws:x', value: b}]}",
        "bad-name",
        "tags[0].key",
    ),
    (
        "TargetGroup",
        "{Protocol: HTTP, Port: 80, VpcId: v, HealthCheckEnabled: false}",
        "health-check",
        "HealthCheckEnabled",
    ),
    (
        "TargetGroup",
        "{Protocol: HTTP, Port: 80, VpcId: v, HealthCheckPort: http}",
        "bad-value",
        "HealthCheckPort",
    ),
    (
        "TargetGroup",
        "{Protocol: HTTP, Port: 80, VpcId: v, ProtocolVersion: GRPC, Matcher: {HttpCode: '200'}}",
        "not-allowed",
        "Matcher.HttpCode",
    ),
    (
        "TargetGroup",
        "{Protocol: HTTP, Port: 80, VpcId: v, Matcher: {HttpCode: '299-200'}}",
        "bad-value",
        "Matcher.HttpCode",
    ),
    (
        "ListenerRule",
        "{ListenerArn: l, Priority: 1, Conditions: [{Field: host-header}], Actions: [{Type: forward, TargetGroupArn: t}]}",
        "missing-field",
        "Conditions[0]",
    ),
    (
        "ListenerRule",
        "{ListenerArn: l, Priority: 1, Conditions: [{Field: host-header, Values: [a], PathPatternConfig: {Values: [/]}}], Actions: [{Type: forward, TargetGroupArn: t}]}",
        "not-allowed",
        "Conditions[0].PathPatternConfig",
    ),
    (
        "ListenerRule",
        "{ListenerArn: l, Priority: 1, Conditions: [{Field: host-header, Values: [a]}], Actions: [{Type: forward, TargetGroupArn: t}, {Type: forward, TargetGroupArn: t}]}",
        "action-count",
        "Actions",
    ),
];

const FARGATE_VOLUME: &str = "{requiresCompatibilities: [FARGATE], networkMode: awsvpc, cpu: '256', memory: '512', containerDefinitions: [{name: a, image: b}], volumes: [{name: v, host: {sourcePath: /x}}]}";
const FARGATE_LINUX: &str = "{requiresCompatibilities: [FARGATE], networkMode: awsvpc, cpu: '256', memory: '512', containerDefinitions: [{name: a, image: b, linuxParameters: {devices: [{hostPath: /dev/x}]}}]}";
const FARGATE_LOG: &str = "{requiresCompatibilities: [FARGATE], networkMode: awsvpc, cpu: '256', memory: '512', containerDefinitions: [{name: a, image: b, logConfiguration: {logDriver: syslog}}]}";
const FARGATE_IPC: &str = "{requiresCompatibilities: [FARGATE], networkMode: awsvpc, cpu: '256', memory: '512', ipcMode: task, containerDefinitions: [{name: a, image: b}]}";

fn findings(kind: &str, spec: &str) -> Vec<(&'static str, String)> {
    let text = format!(
        "apiVersion: evenkeel.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: a}}\nspec: {spec}\n"
    );
    let found = load_text(&text).diagnostics.into_iter();
    found.map(|one| (one.code, one.path)).collect()
}

#[test]
fn each_rule_gives_one_finding_with_its_path() {
    for (kind, spec, code, path) in ROWS {
        assert_eq!(
            findings(kind, spec),
            [(*code, format!("spec.{path}"))],
            "{kind} {spec}"
        );
    }
}

#[test]
fn what_aws_takes_has_no_finding() {
    for (kind, spec) in [
        (
            TASK,
            "{cpu: 1 vCPU, networkMode: host, containerDefinitions: [{name: a, image: b, memory: 4, portMappings: [{containerPort: 1, hostPort: 1}]}]}",
        ),
        (
            TASK,
            "{requiresCompatibilities: [FARGATE], networkMode: awsvpc, cpu: '256', memory: '512', pidMode: task, containerDefinitions: [{name: a, image: b, privileged: false, linuxParameters: {devices: [], capabilities: {add: [SYS_PTRACE]}}}], volumes: [{name: v, host: {}}]}",
        ),
        (
            TASK,
            "{containerDefinitions: [{name: a, image: b, memory: 4, essential: false, healthCheck: {command: [CMD, x]}}, {name: c, image: b, memory: 4, dependsOn: [{containerName: a, condition: HEALTHY}, {containerName: a, condition: SUCCESS}]}]}",
        ),
        (
            SERVICE,
            "{taskDefinition: a, healthCheckGracePeriodSeconds: 0, availabilityZoneRebalancing: ENABLED, placementStrategy: [{type: spread, field: 'attribute:ecs.availability-zone'}]}",
        ),
        (
            SERVICE,
            "{taskDefinition: a, deploymentConfiguration: {strategy: LINEAR, linearConfiguration: {stepPercent: 33.3, stepBakeTimeInMinutes: 0}}}",
        ),
        (
            SERVICE,
            "{taskDefinition: a, launchType: FARGATE, placementStrategy: [], placementConstraints: []}",
        ),
        (
            SERVICE,
            "{taskDefinition: a, loadBalancers: [{targetGroupArn: t, containerName: a, containerPort: 1}, {targetGroupArn: t, containerName: a, containerPort: 2}]}",
        ),
        (
            "TargetGroup",
            "{Protocol: HTTP, Port: 80, VpcId: v, HealthCheckPort: '8080', ProtocolVersion: GRPC, Matcher: {GrpcCode: '0-99'}}",
        ),
        (
            "ListenerRule",
            "{ListenerArn: l, Priority: 1, Conditions: [{Field: http-header, HttpHeaderConfig: {HttpHeaderName: x, Values: [a]}}], Actions: [{Type: authenticate-oidc, Order: 1, AuthenticateOidcConfig: {Issuer: a, AuthorizationEndpoint: a, TokenEndpoint: a, UserInfoEndpoint: a, ClientId: a}}, {Type: forward, Order: 2, TargetGroupArn: t}]}",
        ),
    ] {
        assert_eq!(findings(kind, spec), [], "{kind} {spec}");
    }
}

//! Every sort of finding: what is typed wrong, and the code, line, text and cure that come of it.

use super::super::{LoadOptions, Severity, load, render_json, render_text};
use super::{BASE, changed, file, load_text};

/// Change, the change, the code, a text of the line, a part of message or cure.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

const ENVELOPE: &[Row] = &[
    (
        "spec: {}",
        "spec: []",
        "wrong-type",
        "spec: []",
        "expected a map",
    ),
    (
        "sync:\n",
        "snyc:\n",
        "unknown-field",
        "snyc",
        "Did you mean `sync`?",
    ),
    (
        "driftGrace: 10m",
        "driftGrace: 10",
        "bad-value",
        "driftGrace",
        "`10m`",
    ),
    (
        "AfterAllowTestTraffic",
        "afterAllowTestTraffic",
        "unknown-field",
        "afterAllow",
        "case matters",
    ),
    (
        "{team: identity}",
        "{team: 5}",
        "wrong-type",
        "team",
        "Put the value in quotes",
    ),
    (
        "'{\"rules\": []}'",
        "'{\"rules\": ['",
        "wrong-type",
        "lifecycle",
        "not valid JSON",
    ),
    (
        "    Value: \"15\"",
        "    Value: 15",
        "wrong-type",
        "Value: 15",
        "put the value in quotes",
    ),
    (
        "  - Key: dereg",
        "  - key: dereg",
        "unknown-field",
        "- key",
        "spelled `Key`",
    ),
];

const FIELDS: &[Row] = &[
    (
        "      containerName: auth\n",
        "      containrName: auth\n",
        "unknown-field",
        "containrName",
        "Did you mean `containerName`?",
    ),
    (
        "  HealthCheckPath",
        "  healthCheckPath",
        "unknown-field",
        "healthCheckPath",
        "spelled `HealthCheckPath`; case matters",
    ),
    (
        "  networkMode: awsvpc",
        "  networkMode: awsvpc\n  desiredCount: 1",
        "unknown-field",
        "desiredCount: 1",
        "is a field of Service",
    ),
    (
        "  cpu: \"256\"",
        "  cpu: 256",
        "wrong-type",
        "cpu: 256",
        "Put it in quotes: \"256\"",
    ),
    (
        "  desiredCount: 2",
        "  desiredCount: \"2\"",
        "wrong-type",
        "desiredCount",
        "without quotes",
    ),
    (
        "      essential: false",
        "      essential: no",
        "wrong-type",
        "essential",
        "expected true or false",
    ),
    (
        "subnets: [subnet-3]",
        "subnets: subnet-3",
        "wrong-type",
        "subnets: subnet-3",
        "expected a list",
    ),
    (
        "  launchType: FARGATE",
        "  launchType: FARGTE",
        "bad-value",
        "FARGTE",
        "Did you mean `FARGATE`?",
    ),
    (
        "  Port: 9080",
        "  Port: 90800",
        "out-of-range",
        "90800",
        "1 to 65535",
    ),
    (
        "  launchType: FARGATE",
        "  launchType:",
        "empty-value",
        "launchType:",
        "Give it a value",
    ),
    (
        "  serviceRoleArn: arn:aws:iam::123456789012:role/codedeploy\n",
        "",
        "missing-field",
        "applicationName",
        "`serviceRoleArn` is missing",
    ),
    (
        "          condition: START\n",
        "",
        "missing-field",
        "- containerName: auth",
        "`condition` is missing",
    ),
    (
        "  ListenerRef: production\n",
        "",
        "missing-field",
        "Priority",
        "`ListenerRef` to name a manifest",
    ),
    (
        "AnyKey_here: \"1\"",
        "AnyKey_here: 1",
        "wrong-type",
        "AnyKey_here",
        "expected a text",
    ),
    (
        "  desiredCount: 2",
        "  desiredCount: 2\n  desiredCount: 3",
        "duplicate-key",
        "desiredCount: 3",
        "a second time",
    ),
];

const TASKS: &[Row] = &[
    (
        "  memory: \"512\"",
        "  memory: \"700\"",
        "fargate-size",
        "cpu: \"256\"",
        "512, 1024 or 2048 MiB",
    ),
    (
        "  memory: \"512\"\n",
        "",
        "missing-field",
        "networkMode",
        "`memory` is missing",
    ),
    (
        "  networkMode: awsvpc",
        "  networkMode: bridge",
        "network-mode",
        "bridge",
        "only supports",
    ),
    (
        "          hostPort: 8080",
        "          hostPort: 80",
        "port-mapping",
        "hostPort: 80",
        "must match",
    ),
    (
        "      essential: false",
        "      essential: false\n    - name: auth\n      image: x",
        "duplicate",
        "- name: auth\n      image: x",
        "second container",
    ),
    (
        "      image: nova/auth-service:1.4.0\n",
        "",
        "missing-field",
        "- name: auth\n      port",
        "`image` is missing",
    ),
    (
        "nova/auth-service:1.4.0",
        "<IMAGE1_NAME>",
        "bad-image",
        "IMAGE1",
        "placeholder",
    ),
    (
        "sourceVolume: scratch",
        "sourceVolume: scrtch",
        "unknown-name",
        "scrtch",
        "Did you mean `scratch`?",
    ),
    (
        "        - containerName: auth",
        "        - containerName: autth",
        "unknown-name",
        "autth",
        "no container `autth`",
    ),
    (
        "  executionRoleArn: arn:aws:iam::123456789012:role/execution\n",
        "",
        "missing-field",
        "requiresCompat",
        "pull images from ECR",
    ),
    (
        "    - name: sidecar",
        "    - name: side car",
        "bad-name",
        "side car",
        "cannot name a container",
    ),
    (
        "      essential: false",
        "      essential: false\n      cpu: 512",
        "container-size",
        "cpu: \"256\"",
        "ask for 512 cpu units",
    ),
    (
        "      essential: false",
        "      essential: false\n      memory: 9999",
        "container-size",
        "9999",
        "more than the task's 512",
    ),
    (
        "  name: auth-task",
        "  name: auth.task",
        "bad-name",
        "auth.task",
        "cannot name a TaskDefinition",
    ),
];

const BALANCING: &[Row] = &[
    (
        "  name: green\n",
        "  name: a-name-that-is-longer-than-thirty-two\n",
        "bad-name",
        "thirty-two",
        "at most 32",
    ),
    (
        "repositoryName: nova/auth-service",
        "repositoryName: Nova/Auth",
        "bad-name",
        "Nova/Auth",
        "Lower-case",
    ),
    (
        "  HealthCheckPath: /health",
        "  HealthCheckPath: health",
        "bad-value",
        "HealthCheckPath",
        "Write `/health`",
    ),
    (
        "  HealthCheckPath: /health",
        "  HealthCheckTimeoutSeconds: 40",
        "health-check",
        "Timeout",
        "less than the interval",
    ),
    (
        "  VpcId: vpc-1\n",
        "",
        "missing-field",
        "TargetType: ip\n  Protocol: HTTP\n  Port: 8080",
        "`VpcId` is missing",
    ),
    (
        "[subnet-1, subnet-2]",
        "[subnet-1]",
        "subnets",
        "Subnets",
        "two availability zones",
    ),
    (
        "  Protocol: HTTP\n  Port: 80\n",
        "  Protocol: TCP\n  Port: 80\n",
        "protocol",
        "Protocol: TCP",
        "not for a load balancer of the type `application`",
    ),
    (
        "  Protocol: HTTP\n  Port: 80\n",
        "  Protocol: HTTPS\n  Port: 80\n",
        "missing-field",
        "LoadBalancerRef: nova\n  Protocol: HTTPS",
        "certificate",
    ),
    (
        "[/auth/*]",
        "[/1, /2, /3, /4, /5, /6]",
        "too-many",
        "- Field",
        "6 condition values",
    ),
    (
        "            Weight: 1",
        "            Weight: 1000",
        "out-of-range",
        "1000",
        "0 to 999",
    ),
    (
        "      FixedResponseConfig: {StatusCode: \"404\"}\n",
        "",
        "missing-field",
        "- Type: fixed",
        "`FixedResponseConfig`",
    ),
];

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

fn verify(rows: &[Row]) {
    for (from, to, code, needle, text) in rows {
        let yaml = changed(from, to);
        let at = yaml
            .find(needle)
            .unwrap_or_else(|| panic!("`{needle}` is not in the changed text"));
        let line = yaml[..at].matches('\n').count() + 1;
        let loaded = load_text(&yaml);
        let said = |found: &super::super::Diagnostic| {
            found.message.contains(text)
                || found.hint.as_ref().is_some_and(|hint| hint.contains(text))
        };
        let good = loaded
            .diagnostics
            .iter()
            .any(|found| found.code == *code && found.line == line && said(found));
        let all = render_text(&loaded.diagnostics, false);
        assert!(
            good,
            "`{from}` -> `{to}`: expected {code} at line {line}: {text}\n{all}"
        );
        assert!(
            !loaded.set.invalid.is_empty(),
            "an error makes a manifest invalid: {to}"
        );
    }
}

#[test]
fn mistakes_of_the_envelope() {
    verify(ENVELOPE);
}

#[test]
fn documents_without_an_identity_are_reported_alone() {
    for (text, code, said) in [
        ("kind: Cluster\n", "api-version", "`apiVersion` is missing"),
        (
            "apiVersion: v1\nkind: Cluster\n",
            "api-version",
            "evenkeel.dev/v1alpha1",
        ),
        (
            "containerDefinitions: []\n",
            "not-a-manifest",
            "goes under `spec:`",
        ),
        ("- 1\n", "not-a-manifest", "a list"),
        ("just words\n", "not-a-manifest", "a text"),
        (
            "apiVersion: evenkeel.dev/v1alpha1\nmetadata: {name: x}\n",
            "missing-field",
            "`kind` is missing",
        ),
        (
            "apiVersion: evenkeel.dev/v1alpha1\nkind: Clutser\n",
            "unknown-kind",
            "`Cluster`",
        ),
        (
            "apiVersion: evenkeel.dev/v1alpha1\nkind: Cluster\n",
            "missing-field",
            "`metadata` is missing",
        ),
        (
            "apiVersion: evenkeel.dev/v1alpha1\nkind: Cluster\nmetadata: {name: -x}\n",
            "bad-name",
            "cannot name a manifest",
        ),
        (
            "apiVersion: evenkeel.dev/v1alpha1\nkind: Cluster\nmetadata: {}\n",
            "missing-field",
            "`metadata.name`",
        ),
        ("a: 'unclosed\n", "syntax", "not valid YAML"),
    ] {
        let loaded = load_text(text);
        assert_eq!(
            loaded.diagnostics.len(),
            1,
            "{text}: {:?}",
            loaded.diagnostics
        );
        let found = &loaded.diagnostics[0];
        let all = format!("{} {:?}", found.message, found.hint);
        assert!(
            found.code == code && all.contains(said),
            "{text}: {found:?}"
        );
        assert_eq!((loaded.manifests, loaded.set.invalid.len()), (0, 0));
    }
}

#[test]
fn mistakes_of_single_fields() {
    verify(FIELDS);
}

#[test]
fn mistakes_of_task_definitions() {
    verify(TASKS);
}

#[test]
fn mistakes_of_load_balancing() {
    verify(BALANCING);
}

#[test]
fn mistakes_of_services() {
    verify(SERVICES);
}

#[test]
fn mistakes_of_deployment_groups() {
    verify(GROUPS);
}

#[test]
fn warnings_leave_the_manifest_valid() {
    let swapped =
        changed("role/auth\n", "role/execution-role\n").replace("role/execution\n", "role/auth\n");
    let alone = BASE
        .split("---\n")
        .filter(|one| !one.contains("kind: DeploymentGroup"));
    let alone = alone.collect::<Vec<_>>().join("---\n");
    let twice = changed(
        "        - name: DB_URL",
        "        - {name: DB_URL, value: a}\n        - name: DB_URL",
    );
    for (text, code) in [
        (swapped, "roles-swapped"),
        (alone, "no-deployment-group"),
        (twice, "duplicate"),
    ] {
        let loaded = load_text(&text);
        let found = loaded
            .diagnostics
            .iter()
            .map(|one| (one.severity, one.code))
            .collect::<Vec<_>>();
        assert_eq!(found, [(Severity::Warning, code)]);
        assert!(loaded.set.invalid.is_empty());
    }
}

#[test]
fn unknown_fields_reach_aws_when_they_are_allowed() {
    let text = changed(
        "  desiredCount: 2",
        "  brandNewField: {x: [1]}\n  launchTyp: X",
    );
    let options = LoadOptions {
        allow_unknown_fields: true,
    };
    let loaded = load(&[file("a.yaml", &text)], &options);
    let found = loaded
        .diagnostics
        .iter()
        .map(|one| (one.severity, one.code))
        .collect::<Vec<_>>();
    assert_eq!(found, [(Severity::Warning, "unknown-field"); 2]);
    let service = &loaded.set.resources[&super::key("Service/auth-service")];
    assert_eq!(service.spec["brandNewField"], serde_json::json!({"x": [1]}));
}

#[test]
fn everything_is_reported_at_once_in_the_order_of_files_and_lines() {
    let bad = changed("  desiredCount: 2", "  desiredCuont: 2")
        .replace("  memory: \"512\"", "  memory: 512")
        .replace("  Port: 9080", "  Port: 0");
    let loaded = load(
        &[
            file("z.yaml", "a: [\n"),
            file("b.yaml", &bad),
            file("a.yaml", "- 1\n"),
        ],
        &LoadOptions::default(),
    );
    let errors: Vec<_> = loaded
        .diagnostics
        .iter()
        .filter(|found| found.severity == Severity::Error)
        .map(|found| (found.file.as_str(), found.code))
        .collect();
    assert_eq!(
        errors,
        [
            ("a.yaml", "not-a-manifest"),
            ("b.yaml", "out-of-range"),
            ("b.yaml", "wrong-type"),
            ("b.yaml", "unknown-field"),
            ("z.yaml", "syntax"),
        ]
    );
}

#[test]
fn a_finding_is_drawn_with_its_line_and_without_secrets() {
    let text = changed(
        "          value: postgres://hunter2\n",
        "          vaule: postgres://hunter2\n",
    );
    let drawn = render_text(&load_text(&text).diagnostics, false);
    let line = text
        .lines()
        .position(|line| line.contains("vaule"))
        .unwrap()
        + 1;
    assert!(drawn.contains(&format!("[a.yaml:{line}:11]")), "{drawn}");
    assert!(
        drawn.contains("vaule: \"****\"") && !drawn.contains("hunter2"),
        "{drawn}"
    );
    assert!(
        drawn.contains("spec.containerDefinitions[0].environment[0].vaule"),
        "{drawn}"
    );
    assert!(!drawn.contains('\u{1b}'));
    assert!(render_text(&load_text(&text).diagnostics, true).contains('\u{1b}'));
    let unquoted = changed("value: postgres://hunter2", "value: 987654321");
    let loaded = load_text(&unquoted);
    let said = format!(
        "{}{}",
        render_text(&loaded.diagnostics, false),
        render_json(&loaded.diagnostics)
    );
    assert!(
        said.contains("Put the value in quotes.") && !said.contains("987654321"),
        "{said}"
    );
}

#[test]
fn findings_as_json() {
    let loaded = load_text("kind: Cluster\n");
    let expected = serde_json::json!([{
        "severity": "error",
        "code": "api-version",
        "file": "a.yaml",
        "line": 1,
        "column": 1,
        "path": "apiVersion",
        "message": "`apiVersion` is missing",
        "hint": "Write `apiVersion: evenkeel.dev/v1alpha1`."
    }]);
    assert_eq!(render_json(&loaded.diagnostics), expected);
}

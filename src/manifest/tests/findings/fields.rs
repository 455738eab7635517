//! Mistakes of single fields: names, types, values, ranges.

use super::{Row, verify};

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

#[test]
fn mistakes_of_single_fields() {
    verify(FIELDS);
}

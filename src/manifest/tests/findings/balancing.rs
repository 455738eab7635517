//! Mistakes of target groups, load balancers, listeners and rules.

use super::{Row, verify};

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

#[test]
fn mistakes_of_load_balancing() {
    verify(BALANCING);
}

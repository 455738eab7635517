//! Random manifests of each kind: pairs of a spec and what stands beside it. Members that cannot be
//! changed in place have one value, so that any manifest may follow any other.

use proptest::prelude::*;
use serde_json::{Map, Value};

/// A member and the JSON texts of its values; a member that starts with `!` is always there.
type Member = (&'static str, &'static [&'static str]);

fn object(members: &'static [Member]) -> impl Strategy<Value = Value> {
    let choice = |(name, values): &Member| {
        let values: Vec<Value> = values
            .iter()
            .map(|v| serde_json::from_str(v).unwrap())
            .collect();
        let always = name.starts_with('!');
        let chosen = prop::sample::select(values);
        if always {
            chosen.prop_map(Some).boxed()
        } else {
            prop::option::of(chosen).boxed()
        }
    };
    let choices: Vec<_> = members.iter().map(choice).collect();
    choices.prop_map(move |values| {
        let named = members.iter().zip(values);
        let given = named.filter_map(|((name, _), value)| {
            Some((name.trim_start_matches('!').to_owned(), value?))
        });
        Value::Object(given.collect::<Map<_, _>>())
    })
}

fn alone(members: &'static [Member]) -> impl Strategy<Value = (Value, Value)> {
    (object(members), object(&[]))
}

pub(super) fn cluster() -> impl Strategy<Value = (Value, Value)> {
    alone(&[
        ("!clusterName", &[r#""nova""#]),
        (
            "settings",
            &[
                r#"[{"name":"containerInsights","value":"enabled"}]"#,
                r#"[{"name":"containerInsights","value":"disabled"}]"#,
            ],
        ),
        (
            "configuration",
            &[
                r#"{"executeCommandConfiguration":{"logging":"NONE"}}"#,
                "{}",
            ],
        ),
        (
            "capacityProviders",
            &["[]", r#"["FARGATE"]"#, r#"["FARGATE","FARGATE_SPOT"]"#],
        ),
        (
            "defaultCapacityProviderStrategy",
            &["[]", r#"[{"capacityProvider":"FARGATE","weight":1}]"#],
        ),
        ("serviceConnectDefaults", &[r#"{"namespace":"shop"}"#]),
        (
            "tags",
            &[
                "[]",
                r#"[{"key":"a","value":"1"}]"#,
                r#"[{"key":"a","value":"2"},{"key":"b","value":""}]"#,
            ],
        ),
    ])
}

pub(super) fn image_repository() -> impl Strategy<Value = (Value, Value)> {
    let spec = object(&[
        ("!repositoryName", &[r#""nova/auth""#]),
        (
            "imageTagMutability",
            &[r#""MUTABLE""#, r#""IMMUTABLE_WITH_EXCLUSION""#],
        ),
        (
            "imageTagMutabilityExclusionFilters",
            &[r#"[{"filterType":"WILDCARD","filter":"a*"}]"#, "[]"],
        ),
        (
            "imageScanningConfiguration",
            &[r#"{"scanOnPush":true}"#, r#"{"scanOnPush":false}"#],
        ),
        (
            "encryptionConfiguration",
            &[r#"{"encryptionType":"AES256"}"#],
        ),
        (
            "tags",
            &[
                r#"[{"Key":"a","Value":"1"}]"#,
                r#"[{"Key":"a","Value":"2"}]"#,
            ],
        ),
    ]);
    let beside = object(&[
        (
            "lifecyclePolicyText",
            &[r#""{\"rules\": [1, 2]}""#, r#""{\"rules\":[]}""#],
        ),
        (
            "policyText",
            &[r#""{\"b\": 1, \"a\": 2}""#, r#"{"Version":"2012-10-17"}"#],
        ),
    ]);
    (spec, beside)
}

pub(super) fn target_group() -> impl Strategy<Value = (Value, Value)> {
    let spec = object(&[
        ("!Name", &[r#""teal""#]),
        ("!Port", &["8080"]),
        ("Protocol", &[r#""HTTP""#]),
        ("HealthCheckEnabled", &["true", "false"]),
        ("HealthCheckPath", &[r#""/a""#, r#""/b""#]),
        ("HealthCheckPort", &[r#""8080""#, r#""traffic-port""#]),
        ("HealthCheckIntervalSeconds", &["10", "30"]),
        (
            "Matcher",
            &[r#"{"HttpCode":"200"}"#, r#"{"HttpCode":"204"}"#],
        ),
        (
            "Tags",
            &[
                r#"[{"Key":"a","Value":"1"}]"#,
                r#"[{"Key":"a","Value":"2"}]"#,
            ],
        ),
    ]);
    let beside = object(&[(
        "attributes",
        &[
            r#"[{"Key":"slow_start.duration_seconds","Value":"30"}]"#,
            r#"[{"Key":"slow_start.duration_seconds","Value":"0"},{"Key":"stickiness.enabled","Value":"true"}]"#,
        ],
    )]);
    (spec, beside)
}

pub(super) fn load_balancer() -> impl Strategy<Value = (Value, Value)> {
    let spec = object(&[
        ("!Name", &[r#""nova""#]),
        ("Scheme", &[r#""internal""#]),
        (
            "!Subnets",
            &[r#"["subnet-1","subnet-2"]"#, r#"["subnet-2","subnet-3"]"#],
        ),
        ("SecurityGroups", &[r#"["sg-1"]"#, r#"["sg-2","sg-1"]"#]),
        ("IpAddressType", &[r#""ipv4""#, r#""dualstack""#]),
        ("EnablePrefixForIpv6SourceNat", &[r#""on""#, r#""off""#]),
        ("Tags", &[r#"[{"Key":"a","Value":"1"}]"#]),
    ]);
    (
        spec,
        object(&[(
            "attributes",
            &[
                r#"[{"Key":"idle_timeout.timeout_seconds","Value":"30"}]"#,
                r#"[{"Key":"a","Value":"true"}]"#,
            ],
        )]),
    )
}

/// Forwards: one group of the pair both ways, the pair with weights, another group, none at all.
const ACTIONS: &[&str] = &[
    r#"[{"Type":"forward","TargetGroupArn":"arn:aws:elasticloadbalancing:r:1:targetgroup/blue/1"}]"#,
    r#"[{"Type":"forward","ForwardConfig":{"TargetGroups":[
        {"TargetGroupArn":"arn:aws:elasticloadbalancing:r:1:targetgroup/blue/1","Weight":1},
        {"TargetGroupArn":"arn:aws:elasticloadbalancing:r:1:targetgroup/green/2","Weight":0}]}}]"#,
    r#"[{"Type":"forward","TargetGroupArn":"arn:aws:elasticloadbalancing:r:1:targetgroup/other/3"}]"#,
    r#"[{"Type":"forward","ForwardConfig":{"TargetGroups":[
        {"TargetGroupArn":"arn:aws:elasticloadbalancing:r:1:targetgroup/other/3","Weight":3},
        {"TargetGroupArn":"arn:aws:elasticloadbalancing:r:1:targetgroup/last/4","Weight":5}],
        "TargetGroupStickinessConfig":{"Enabled":true,"DurationSeconds":60}}}]"#,
    r#"[{"Type":"authenticate-oidc","Order":1,"AuthenticateOidcConfig":{"Issuer":"i","ClientSecret":"s"}},
        {"Type":"forward","Order":2,"TargetGroupArn":"arn:aws:elasticloadbalancing:r:1:targetgroup/blue/1"}]"#,
    r#"[{"Type":"fixed-response","FixedResponseConfig":{"StatusCode":"404"}}]"#,
];

pub(super) fn listener() -> impl Strategy<Value = (Value, Value)> {
    let spec = object(&[
        ("!LoadBalancerArn", &[r#""arn:lb""#]),
        ("!Port", &["443"]),
        ("!Protocol", &[r#""HTTP""#, r#""HTTPS""#]),
        (
            "Certificates",
            &[
                r#"[{"CertificateArn":"arn:1"}]"#,
                r#"[{"CertificateArn":"arn:2"}]"#,
            ],
        ),
        ("SslPolicy", &[r#""a""#, r#""b""#]),
        ("!DefaultActions", ACTIONS),
        ("Tags", &[r#"[{"Key":"a","Value":"1"}]"#]),
    ]);
    (
        spec,
        object(&[(
            "attributes",
            &[
                r#"[{"Key":"a","Value":"1"}]"#,
                r#"[{"Key":"a","Value":"2"}]"#,
            ],
        )]),
    )
}

pub(super) fn listener_rule() -> impl Strategy<Value = (Value, Value)> {
    alone(&[
        ("!ListenerArn", &[r#""arn:listener""#]),
        ("!Priority", &["10"]),
        (
            "!Conditions",
            &[
                r#"[{"Field":"path-pattern","Values":["/a","/b"]}]"#,
                r#"[{"Field":"path-pattern","PathPatternConfig":{"Values":["/a"]}},{"Field":"host-header","Values":["h"]}]"#,
                r#"[{"Field":"http-header","HttpHeaderConfig":{"HttpHeaderName":"X","Values":["1","2"]}}]"#,
                r#"[{"Field":"query-string","QueryStringConfig":{"Values":[{"Key":"k","Value":"v"},{"Value":"w"}]}}]"#,
            ],
        ),
        ("!Actions", ACTIONS),
        (
            "Transforms",
            &[
                "[]",
                r#"[{"Type":"url-rewrite","UrlRewriteConfig":{"Rewrites":[{"Regex":"a","Replace":"b"}]}}]"#,
            ],
        ),
        ("Tags", &[r#"[{"Key":"a","Value":"1"}]"#]),
    ])
}

pub(super) fn deployment_group() -> impl Strategy<Value = (Value, Value)> {
    alone(&[
        ("!applicationName", &[r#""App""#]),
        ("!deploymentGroupName", &[r#""Dgp""#]),
        ("!serviceRoleArn", &[r#""arn:1""#, r#""arn:2""#]),
        (
            "!ecsServices",
            &[r#"[{"clusterName":"nova","serviceName":"auth"}]"#],
        ),
        ("deploymentConfigName", &[r#""a""#, r#""b""#]),
        (
            "autoRollbackConfiguration",
            &[
                r#"{"enabled":true,"events":["A","B"]}"#,
                r#"{"enabled":false}"#,
            ],
        ),
        (
            "alarmConfiguration",
            &[r#"{"enabled":true,"alarms":[{"name":"y"},{"name":"x"}]}"#],
        ),
        (
            "triggerConfigurations",
            &["[]", r#"[{"triggerName":"t","triggerEvents":["B","A"]}]"#],
        ),
        ("tags", &[r#"[{"Key":"a","Value":"1"}]"#]),
    ])
}

pub(super) fn task_definition() -> impl Strategy<Value = (Value, Value)> {
    alone(&[
        ("!family", &[r#""auth""#]),
        ("networkMode", &[r#""awsvpc""#, r#""bridge""#]),
        ("cpu", &[r#""1 vCPU""#, r#""256""#]),
        (
            "!containerDefinitions",
            &[
                r#"[{"name":"b","image":"nova/auth:1"},{"name":"a","image":"nginx"}]"#,
                r#"[{"name":"a","image":"nova/auth:1","portMappings":[{"containerPort":80}],
                "environment":[{"name":"Z","value":"1"},{"name":"A","value":"2"}]}]"#,
                r#"[{"name":"a","image":"nginx@sha256:1","essential":true,"healthCheck":{"command":["x"],"retries":3}}]"#,
            ],
        ),
        ("volumes", &["[]", r#"[{"name":"v"},{"name":"u"}]"#]),
        ("requiresCompatibilities", &[r#"["FARGATE","EC2"]"#]),
        ("tags", &[r#"[{"key":"a","value":"1"}]"#]),
    ])
}

pub(super) fn scalable_target() -> impl Strategy<Value = (Value, Value)> {
    alone(&[
        ("!ServiceNamespace", &[r#""ecs""#]),
        ("!ResourceId", &[r#""service/nova/auth""#]),
        ("!ScalableDimension", &[r#""ecs:service:DesiredCount""#]),
        ("!MinCapacity", &["0", "1", "4"]),
        ("!MaxCapacity", &["4", "9"]),
        ("RoleARN", &[r#""arn:aws:iam::1:role/mine""#]),
        (
            "SuspendedState",
            &[
                r#"{"DynamicScalingInSuspended":true}"#,
                r#"{"DynamicScalingOutSuspended":true,"DynamicScalingInSuspended":false}"#,
                "{}",
            ],
        ),
        ("Tags", &["{}", r#"{"a":"1"}"#, r#"{"a":"2","b":""}"#]),
    ])
}

pub(super) fn scaling_policy() -> impl Strategy<Value = (Value, Value)> {
    alone(&[
        ("!PolicyName", &[r#""cpu""#]),
        ("!ServiceNamespace", &[r#""ecs""#]),
        ("!ResourceId", &[r#""service/nova/auth""#]),
        ("!ScalableDimension", &[r#""ecs:service:DesiredCount""#]),
        ("!PolicyType", &[r#""TargetTrackingScaling""#]),
        (
            "!TargetTrackingScalingPolicyConfiguration",
            &[
                r#"{"TargetValue":50,"PredefinedMetricSpecification":{"PredefinedMetricType":"ECSServiceAverageCPUUtilization"}}"#,
                r#"{"TargetValue":50.5,"DisableScaleIn":true,"CustomizedMetricSpecification":{"MetricName":"m",
                "Dimensions":[{"Name":"b","Value":"1"},{"Name":"a","Value":"2"}]}}"#,
            ],
        ),
    ])
}

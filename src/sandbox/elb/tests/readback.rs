//! Defaults, idempotent creates, and the form things are read back in.

use super::*;

#[test]
fn a_target_group_reads_back_with_aws_defaults() {
    let mut aws = Fixture::new();
    let created = aws.ok("CreateTargetGroup", &group("web"));
    let arn = created["TargetGroups"][0]["TargetGroupArn"]
        .as_str()
        .unwrap()
        .to_owned();
    let prefix = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/";
    assert_eq!(arn.strip_prefix(prefix).map(str::len), Some(16), "{arn}");
    assert_eq!(
        created["TargetGroups"][0],
        json!({
            "TargetGroupArn": arn, "TargetGroupName": "web", "Protocol": "HTTP", "Port": 8080,
            "VpcId": "vpc-0123abcd", "LoadBalancerArns": [], "TargetType": "ip",
            "ProtocolVersion": "HTTP1", "IpAddressType": "ipv4", "HealthCheckProtocol": "HTTP",
            "HealthCheckPort": "traffic-port", "HealthCheckEnabled": true,
            "HealthCheckIntervalSeconds": 30, "HealthCheckTimeoutSeconds": 5,
            "HealthyThresholdCount": 5, "UnhealthyThresholdCount": 2, "HealthCheckPath": "/",
            "Matcher": { "HttpCode": "200" }
        })
    );
    let again = aws.ok("CreateTargetGroup", &group("web"));
    assert_eq!(again, created, "idempotent");
    aws.rule(1, &json!([forward(&arn)]));
    let balancer = aws.balancer.clone();
    let found = aws.ok(
        "DescribeTargetGroups",
        &json!({ "LoadBalancerArn": balancer }),
    );
    assert_eq!(
        found["TargetGroups"][0]["LoadBalancerArns"],
        json!([balancer])
    );
    let bag = aws.ok(
        "DescribeTargetGroupAttributes",
        &json!({ "TargetGroupArn": arn }),
    );
    let bag = bag["Attributes"].as_array().unwrap();
    assert_eq!(bag.len(), 14);
    let delay = json!({ "Key": "deregistration_delay.timeout_seconds", "Value": "300" });
    assert!(bag.contains(&delay));
}

#[test]
fn attributes_whose_default_hangs_on_the_resource() {
    let mut aws = Fixture::new();
    let mut value = |made: &Value, create: &str, describe: &str, member: &str, key: &str| {
        let arn = aws.made(create, made);
        let bag = aws.ok(describe, &json!({ member: arn }));
        let all = bag["Attributes"].as_array().unwrap().clone();
        let found = all.into_iter().find(|one| one["Key"] == key);
        found.unwrap()["Value"].clone()
    };
    for (scheme, expected) in [("internal", "true"), ("internet-facing", "false")] {
        let input = json!({"Name": scheme.replace("internal", "inside"), "Scheme": scheme,
            "Subnets": ["subnet-0a1b2c3d4e5f60003", "subnet-0a1b2c3d4e5f60004"]});
        let of = ("CreateLoadBalancer", "DescribeLoadBalancerAttributes");
        let key = "ipv6.deny_all_igw_traffic";
        let found = value(&input, of.0, of.1, "LoadBalancerArn", key);
        assert_eq!(found, expected, "{scheme}");
    }
    for (protocol, expected) in [("UDP", "true"), ("TCP", "false")] {
        let mut input = group(protocol);
        input["Protocol"] = json!(protocol);
        let of = ("CreateTargetGroup", "DescribeTargetGroupAttributes");
        let key = "deregistration_delay.connection_termination.enabled";
        let found = value(&input, of.0, of.1, "TargetGroupArn", key);
        assert_eq!(found, expected, "{protocol}");
    }
}

#[test]
fn other_protocols_have_other_health_checks() {
    let mut aws = Fixture::new();
    let mut describe = |name: &str, changes: Value| {
        let mut input = group(name);
        input
            .as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        let made = aws.ok("CreateTargetGroup", &input)["TargetGroups"][0].clone();
        (
            made["HealthCheckProtocol"].clone(),
            made["HealthCheckTimeoutSeconds"].clone(),
            made["HealthCheckPath"].clone(),
            made["Matcher"].clone(),
        )
    };
    assert_eq!(
        describe("tcp", json!({ "Protocol": "TCP" })),
        (json!("TCP"), json!(10), Value::Null, Value::Null)
    );
    assert_eq!(
        describe(
            "tcp-http",
            json!({ "Protocol": "TCP", "HealthCheckProtocol": "HTTP" })
        ),
        (
            json!("HTTP"),
            json!(6),
            json!("/"),
            json!({ "HttpCode": "200-399" })
        )
    );
    assert_eq!(
        describe("grpc", json!({ "ProtocolVersion": "GRPC" })),
        (
            json!("HTTP"),
            json!(5),
            json!("/AWS.ALB/healthcheck"),
            json!({ "GrpcCode": "12" })
        )
    );
    let strings = json!({ "Port": "80", "HealthCheckIntervalSeconds": "10", "Protocol": "HTTPS" });
    assert_eq!(describe("strings", strings).0, json!("HTTP"));
}

#[test]
fn a_load_balancer_is_active_after_a_minute() {
    let mut aws = Fixture::new();
    let describe = |aws: &mut Fixture| {
        aws.ok("DescribeLoadBalancers", &json!({ "Names": ["main"] }))["LoadBalancers"][0].clone()
    };
    assert_eq!(describe(&mut aws)["State"]["Code"], "provisioning");
    aws.pass(60);
    let found = describe(&mut aws);
    assert_eq!(found["State"]["Code"], "active");
    assert_eq!(found["CreatedTime"], "1970-01-01T00:16:40.000Z");
    assert_eq!(found["AvailabilityZones"][1]["ZoneName"], "eu-west-1c");
    let mut reversed = alb("main");
    reversed["Subnets"].as_array_mut().unwrap().reverse();
    let again = aws.ok("CreateLoadBalancer", &reversed);
    assert_eq!(
        again["LoadBalancers"][0]["LoadBalancerArn"],
        aws.balancer.as_str()
    );
    let balancer = json!({ "LoadBalancerArn": aws.balancer });
    aws.ok("DeleteLoadBalancer", &balancer);
    aws.ok("DeleteLoadBalancer", &balancer);
    let gone = json!({ "ListenerArns": [aws.listener] });
    assert_eq!(aws.code("DescribeListeners", &gone), "ListenerNotFound");
}

#[test]
fn one_group_reads_back_twice_and_rules_reorder_their_paths() {
    let mut aws = Fixture::new();
    let group = aws.group("g");
    let arn = aws.rule(7, &json!([forward(&group)]));
    let rules = aws.ok("DescribeRules", &json!({ "RuleArns": [arn] }));
    assert_eq!(
        rules["Rules"][0],
        json!({
            "RuleArn": arn, "Priority": "7", "IsDefault": false,
            "Conditions": [{
                "Field": "path-pattern", "Values": ["/b/*", "/a/*"],
                "PathPatternConfig": { "Values": ["/b/*", "/a/*"] }
            }],
            "Actions": [{
                "Type": "forward", "TargetGroupArn": group,
                "ForwardConfig": {
                    "TargetGroups": [{ "TargetGroupArn": group, "Weight": 1 }],
                    "TargetGroupStickinessConfig": { "Enabled": false }
                }
            }]
        })
    );
    let prefix = aws.listener.replace(":listener/", ":listener-rule/");
    assert!(arn.starts_with(&prefix), "{arn}");
}

#[test]
fn rules_swap_their_priorities() {
    let mut aws = Fixture::new();
    let (first, second) = (
        aws.rule(1, &json!([not_found()])),
        aws.rule(2, &json!([not_found()])),
    );
    aws.ok(
        "SetRulePriorities",
        &json!({ "RulePriorities": [
        { "RuleArn": first, "Priority": 2 }, { "RuleArn": second, "Priority": 1 }
    ] }),
    );
    let rules = aws.ok("DescribeRules", &json!({ "ListenerArn": aws.listener }));
    assert_eq!(rules["Rules"][0]["RuleArn"], second);
    assert_eq!(rules["Rules"][1]["RuleArn"], first);
}

#[test]
fn https_listeners_get_a_policy_and_creates_are_idempotent() {
    let mut aws = Fixture::new();
    let input = json!({
        "LoadBalancerArn": aws.balancer, "Protocol": "HTTPS", "Port": 443,
        "Certificates": [{ "CertificateArn": "arn:aws:acm:c" }], "DefaultActions": [not_found()]
    });
    let made = aws.ok("CreateListener", &input);
    assert_eq!(
        made["Listeners"][0]["SslPolicy"],
        "ELBSecurityPolicy-2016-08"
    );
    assert_eq!(aws.ok("CreateListener", &input), made);
    let arn = made["Listeners"][0]["ListenerArn"].clone();
    let plain = json!({ "ListenerArn": arn, "Protocol": "HTTP" });
    let modified = aws.ok("ModifyListener", &plain);
    assert_eq!(modified["Listeners"][0].get("SslPolicy"), None);
    assert_eq!(
        modified["Listeners"][0]["DefaultActions"],
        json!([not_found()])
    );
}

#[test]
fn pages_hold_what_was_asked_for() {
    let mut aws = Fixture::new();
    for n in 0..5 {
        aws.group(&format!("g{n}"));
    }
    let mut seen = Vec::new();
    let mut input = json!({ "PageSize": "2" });
    loop {
        let page = aws.ok("DescribeTargetGroups", &input);
        let groups = page["TargetGroups"].as_array().unwrap();
        assert!(groups.len() <= 2);
        seen.extend(groups.iter().map(|group| group["TargetGroupName"].clone()));
        let Some(marker) = page.get("NextMarker") else {
            break;
        };
        input["Marker"] = marker.clone();
    }
    assert_eq!(seen, ["g0", "g1", "g2", "g3", "g4"]);
}

#[test]
fn tags_are_added_replaced_and_removed() {
    let mut aws = Fixture::new();
    let group = aws.group("g");
    let both = json!([group, aws.listener]);
    aws.ok(
        "AddTags",
        &json!({ "ResourceArns": both, "Tags": [{ "Key": "a", "Value": "1" }] }),
    );
    aws.ok(
        "AddTags",
        &json!({ "ResourceArns": both, "Tags": [
        { "Key": "a", "Value": "2" }, { "Key": "b", "Value": "3" }
    ] }),
    );
    aws.ok(
        "RemoveTags",
        &json!({ "ResourceArns": [group], "TagKeys": ["b", "c"] }),
    );
    let found = aws.ok("DescribeTags", &json!({ "ResourceArns": both }));
    assert_eq!(
        found["TagDescriptions"],
        json!([
            { "ResourceArn": group, "Tags": [{ "Key": "a", "Value": "2" }] },
            { "ResourceArn": aws.listener, "Tags": [
                { "Key": "a", "Value": "2" }, { "Key": "b", "Value": "3" }
            ] }
        ])
    );
}

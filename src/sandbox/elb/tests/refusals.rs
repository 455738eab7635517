//! Refusals of target groups, load balancers and tags, by their codes.

use super::*;

#[test]
fn target_groups() {
    let mut aws = Fixture::new();
    let arn = aws.group("used");
    aws.rule(1, &json!([forward(&arn)]));
    let long = "a".repeat(33);
    let cases = [
        (json!({ "Name": "" }), "ValidationError"),
        (json!({ "Name": long }), "ValidationError"),
        (json!({ "Name": "a_b" }), "ValidationError"),
        (json!({ "Name": "-a" }), "ValidationError"),
        (json!({ "Name": "a-" }), "ValidationError"),
        (
            json!({ "Name": "used", "Port": 81 }),
            "DuplicateTargetGroupName",
        ),
        (
            json!({ "Name": "used", "HealthCheckPath": "/x" }),
            "DuplicateTargetGroupName",
        ),
        (json!({ "Protocol": null }), "ValidationError"),
        (json!({ "Protocol": "SMTP" }), "ValidationError"),
        (json!({ "Port": null }), "ValidationError"),
        (json!({ "Port": 0 }), "ValidationError"),
        (json!({ "Port": "x" }), "SerializationException"),
        (json!({ "VpcId": null }), "ValidationError"),
        (json!({ "VpcId": "main" }), "ValidationError"),
        (json!({ "TargetType": "pod" }), "ValidationError"),
        (json!({ "TargetType": "lambda" }), "ValidationError"),
        (json!({ "TargetType": "alb" }), "ValidationError"),
        (json!({ "ProtocolVersion": "HTTP3" }), "ValidationError"),
        (
            json!({ "Protocol": "TCP", "ProtocolVersion": "HTTP1" }),
            "ValidationError",
        ),
        (json!({ "HealthCheckProtocol": "TCP" }), "ValidationError"),
        (json!({ "HealthCheckProtocol": "UDP" }), "ValidationError"),
        (json!({ "HealthCheckPort": "x" }), "ValidationError"),
        (json!({ "HealthCheckPath": "x" }), "ValidationError"),
        (
            json!({ "Protocol": "TCP", "HealthCheckPath": "/" }),
            "ValidationError",
        ),
        (
            json!({ "Protocol": "TCP", "Matcher": { "HttpCode": "200" } }),
            "ValidationError",
        ),
        (
            json!({ "HealthCheckIntervalSeconds": 4 }),
            "ValidationError",
        ),
        (
            json!({ "HealthCheckIntervalSeconds": 301 }),
            "ValidationError",
        ),
        (json!({ "HealthCheckTimeoutSeconds": 1 }), "ValidationError"),
        (
            json!({ "HealthCheckTimeoutSeconds": 30 }),
            "ValidationError",
        ),
        (json!({ "HealthyThresholdCount": 1 }), "ValidationError"),
        (json!({ "UnhealthyThresholdCount": 11 }), "ValidationError"),
        (
            json!({ "Matcher": { "HttpCode": "ok" } }),
            "ValidationError",
        ),
        (
            json!({ "Matcher": { "HttpCode": "600" } }),
            "ValidationError",
        ),
        (json!({ "Tags": [{ "Key": "" }] }), "ValidationError"),
        (json!({ "Tags": [{ "Key": "aws:x" }] }), "ValidationError"),
        (
            json!({ "Tags": [{ "Key": "a" }, { "Key": "a" }] }),
            "DuplicateTagKeys",
        ),
    ];
    for (changes, code) in cases {
        let input = with(group("new"), &changes);
        assert_eq!(aws.code("CreateTargetGroup", &input), code, "{changes}");
    }
    let gone = arn.replace("used", "gone");
    for (name, input, code) in [
        (
            "DeleteTargetGroup",
            json!({ "TargetGroupArn": arn }),
            "ResourceInUse",
        ),
        (
            "DeleteTargetGroup",
            json!({ "TargetGroupArn": "used" }),
            "ValidationError",
        ),
        (
            "ModifyTargetGroup",
            json!({ "TargetGroupArn": gone }),
            "TargetGroupNotFound",
        ),
        (
            "DescribeTargetGroups",
            json!({ "TargetGroupArns": [gone] }),
            "TargetGroupNotFound",
        ),
        (
            "DescribeTargetGroups",
            json!({ "Names": ["gone"] }),
            "TargetGroupNotFound",
        ),
        (
            "DescribeTargetGroups",
            json!({ "Names": ["used"], "TargetGroupArns": [arn] }),
            "ValidationError",
        ),
        (
            "DescribeTargetGroups",
            json!({ "PageSize": 401 }),
            "ValidationError",
        ),
        (
            "DescribeTargetGroups",
            json!({ "PageSize": 0 }),
            "ValidationError",
        ),
        (
            "DescribeTargetGroups",
            json!({ "Marker": "x" }),
            "ValidationError",
        ),
        (
            "DescribeTargetHealth",
            json!({ "TargetGroupArn": gone }),
            "TargetGroupNotFound",
        ),
        (
            "RegisterTargets",
            json!({ "TargetGroupArn": arn, "Targets": [{ "Id": "i-1" }] }),
            "InvalidTarget",
        ),
        (
            "RegisterTargets",
            json!({ "TargetGroupArn": arn }),
            "ValidationError",
        ),
        (
            "RegisterTargets",
            json!({ "TargetGroupArn": arn, "Targets": [{ "Id": "10.0.0.1", "Port": 0 }] }),
            "ValidationError",
        ),
        (
            "ModifyTargetGroupAttributes",
            json!({ "TargetGroupArn": arn, "Attributes": [{ "Key": "x", "Value": "1" }] }),
            "ValidationError",
        ),
        (
            "ModifyTargetGroupAttributes",
            json!({ "TargetGroupArn": arn, "Attributes": [
                { "Key": "deregistration_delay.timeout_seconds", "Value": "3601" }
            ] }),
            "ValidationError",
        ),
    ] {
        assert_eq!(aws.code(name, &input), code, "{name} {input}");
    }
}

#[test]
fn load_balancers() {
    let mut aws = Fixture::new();
    let balancer = aws.balancer.clone();
    let protect = json!({ "LoadBalancerArn": balancer, "Attributes": [
        { "Key": "deletion_protection.enabled", "Value": "true" }
    ] });
    aws.ok("ModifyLoadBalancerAttributes", &protect);
    let gone = balancer.replace("main", "gone");
    let two = json!(["subnet-0000000a", "subnet-0000000a"]);
    for (name, input, code) in [
        (
            "CreateLoadBalancer",
            with(alb("new"), &json!({ "Type": "gateway" })),
            "OperationNotPermitted",
        ),
        (
            "CreateLoadBalancer",
            with(alb("new"), &json!({ "Type": "classic" })),
            "ValidationError",
        ),
        (
            "CreateLoadBalancer",
            with(alb("new"), &json!({ "Scheme": "x" })),
            "ValidationError",
        ),
        (
            "CreateLoadBalancer",
            with(alb("new"), &json!({ "IpAddressType": "x" })),
            "ValidationError",
        ),
        (
            "CreateLoadBalancer",
            with(alb("new"), &json!({ "Subnets": ["subnet-0000000a"] })),
            "ValidationError",
        ),
        (
            "CreateLoadBalancer",
            with(alb("new"), &json!({ "Subnets": two })),
            "InvalidSubnet",
        ),
        (
            "CreateLoadBalancer",
            with(alb("new"), &json!({ "Subnets": ["a", "b"] })),
            "SubnetNotFound",
        ),
        (
            "CreateLoadBalancer",
            with(
                alb("new"),
                &json!({ "SubnetMappings": [{ "SubnetId": "subnet-0000000a" }] }),
            ),
            "ValidationError",
        ),
        (
            "CreateLoadBalancer",
            with(alb("new"), &json!({ "SecurityGroups": ["web"] })),
            "InvalidSecurityGroup",
        ),
        (
            "CreateLoadBalancer",
            json!({ "Name": "n", "Type": "network" }),
            "ValidationError",
        ),
        ("CreateLoadBalancer", alb("internal-new"), "ValidationError"),
        (
            "CreateLoadBalancer",
            with(alb("main"), &json!({ "Scheme": "internal" })),
            "DuplicateLoadBalancerName",
        ),
        (
            "DeleteLoadBalancer",
            json!({ "LoadBalancerArn": balancer }),
            "OperationNotPermitted",
        ),
        (
            "DescribeLoadBalancers",
            json!({ "LoadBalancerArns": [gone] }),
            "LoadBalancerNotFound",
        ),
        (
            "DescribeLoadBalancers",
            json!({ "Names": ["gone"] }),
            "LoadBalancerNotFound",
        ),
        (
            "DescribeLoadBalancers",
            json!({ "Names": ["main"], "LoadBalancerArns": [balancer] }),
            "ValidationError",
        ),
        (
            "SetSecurityGroups",
            json!({ "LoadBalancerArn": balancer }),
            "ValidationError",
        ),
        (
            "SetSecurityGroups",
            json!({ "LoadBalancerArn": gone, "SecurityGroups": ["sg-0123abcd"] }),
            "LoadBalancerNotFound",
        ),
        (
            "SetSubnets",
            json!({ "LoadBalancerArn": balancer, "Subnets": ["subnet-0000000a"] }),
            "ValidationError",
        ),
        (
            "SetIpAddressType",
            json!({ "LoadBalancerArn": balancer, "IpAddressType": "ipv5" }),
            "ValidationError",
        ),
        (
            "ModifyLoadBalancerAttributes",
            json!({ "LoadBalancerArn": balancer, "Attributes": [{ "Key": "routing.http2.enabled", "Value": "yes" }] }),
            "ValidationError",
        ),
        (
            "ModifyLoadBalancerAttributes",
            json!({ "LoadBalancerArn": balancer, "Attributes": [{ "Key": "nope", "Value": "yes" }] }),
            "ValidationError",
        ),
        (
            "DescribeTags",
            json!({ "ResourceArns": vec![balancer.clone(); 21] }),
            "ValidationError",
        ),
        ("DescribeTags", json!({}), "ValidationError"),
        (
            "DescribeTags",
            json!({ "ResourceArns": ["x"] }),
            "ValidationError",
        ),
        (
            "DescribeTags",
            json!({ "ResourceArns": [gone] }),
            "LoadBalancerNotFound",
        ),
        (
            "AddTags",
            json!({ "ResourceArns": [balancer], "Tags": (0..51).map(|n| json!({ "Key": n.to_string() })).collect::<Vec<_>>() }),
            "TooManyTags",
        ),
    ] {
        assert_eq!(aws.code(name, &input), code, "{name} {input}");
    }
    let network = aws.made(
        "CreateLoadBalancer",
        &json!({ "Name": "n", "Type": "network", "Subnets": ["subnet-0000000a"] }),
    );
    let set = json!({ "LoadBalancerArn": network, "SecurityGroups": ["sg-0123abcd"] });
    assert_eq!(
        aws.code("SetSecurityGroups", &set),
        "InvalidConfigurationRequest"
    );
}

//! Refusals of listeners and rules, by their codes.

use super::*;

#[test]
fn listeners() {
    let mut aws = Fixture::new();
    let (group, tcp) = (
        aws.group("web"),
        json!({ "Name": "tcp", "Protocol": "TCP" }),
    );
    let tcp = aws.made("CreateTargetGroup", &with(super::group("tcp"), &tcp));
    let (balancer, listener) = (aws.balancer.clone(), aws.listener.clone());
    let base = json!({
        "LoadBalancerArn": balancer, "Protocol": "HTTP", "Port": 81,
        "DefaultActions": [forward(&group)]
    });
    let two_certificates = json!([{ "CertificateArn": "a" }, { "CertificateArn": "b" }]);
    let login = json!({
        "Type": "authenticate-cognito", "Order": 1,
        "AuthenticateCognitoConfig": { "UserPoolArn": "arn" }
    });
    for (changes, code) in [
        (json!({ "Protocol": null }), "ValidationError"),
        (json!({ "Protocol": "TCP" }), "ValidationError"),
        (json!({ "Port": null }), "ValidationError"),
        (json!({ "Port": 65_536 }), "ValidationError"),
        (json!({ "Port": 80 }), "DuplicateListener"),
        (
            json!({ "MutualAuthentication": { "Mode": "verify" } }),
            "ValidationError",
        ),
        (json!({ "Protocol": "HTTPS" }), "ValidationError"),
        (
            json!({ "Protocol": "HTTPS", "Certificates": two_certificates }),
            "TooManyCertificates",
        ),
        (
            json!({ "Certificates": [{ "CertificateArn": "a" }] }),
            "ValidationError",
        ),
        (
            json!({ "SslPolicy": "ELBSecurityPolicy-2016-08" }),
            "ValidationError",
        ),
        (json!({ "AlpnPolicy": ["HTTP2Only"] }), "ValidationError"),
        (
            json!({ "LoadBalancerArn": balancer.replace("main", "gone") }),
            "LoadBalancerNotFound",
        ),
        (json!({ "DefaultActions": [] }), "ValidationError"),
        (json!({ "DefaultActions": [{}] }), "ValidationError"),
        (
            json!({ "DefaultActions": [{ "Type": "drop" }] }),
            "ValidationError",
        ),
        (
            json!({ "DefaultActions": [{ "Type": "forward" }] }),
            "ValidationError",
        ),
        (
            json!({ "DefaultActions": [{ "Type": "redirect" }] }),
            "ValidationError",
        ),
        (
            json!({ "DefaultActions": [login] }),
            "InvalidLoadBalancerAction",
        ),
        (
            json!({ "DefaultActions": [login, forward(&group)] }),
            "ValidationError",
        ),
        (
            json!({ "DefaultActions": [forward(&group.replace("web", "gone"))] }),
            "TargetGroupNotFound",
        ),
        (
            json!({ "DefaultActions": [forward(&tcp)] }),
            "InvalidConfigurationRequest",
        ),
    ] {
        let input = with(base.clone(), &changes);
        assert_eq!(aws.code("CreateListener", &input), code, "{changes}");
    }
    aws.ok("CreateListener", &base);
    for (name, input, code) in [
        (
            "ModifyListener",
            json!({ "ListenerArn": listener, "Port": 81 }),
            "DuplicateListener",
        ),
        (
            "ModifyListener",
            json!({ "ListenerArn": "x" }),
            "ValidationError",
        ),
        (
            "DeleteListener",
            json!({ "ListenerArn": format!("{listener}0") }),
            "ListenerNotFound",
        ),
        ("DescribeListeners", json!({}), "ValidationError"),
        (
            "DescribeListeners",
            json!({ "LoadBalancerArn": balancer, "ListenerArns": [listener] }),
            "ValidationError",
        ),
        (
            "DescribeListeners",
            json!({ "ListenerArns": [format!("{listener}0")] }),
            "ListenerNotFound",
        ),
        (
            "DescribeListeners",
            json!({ "LoadBalancerArn": format!("{balancer}0") }),
            "LoadBalancerNotFound",
        ),
    ] {
        assert_eq!(aws.code(name, &input), code, "{name} {input}");
    }
    let second = aws.made("CreateLoadBalancer", &alb("second"));
    let elsewhere = with(base, &json!({ "LoadBalancerArn": second }));
    assert_eq!(
        aws.code("CreateListener", &elsewhere),
        "TargetGroupAssociationLimit"
    );
    for port in 1..49 {
        let more = json!({
            "LoadBalancerArn": balancer, "Protocol": "HTTP", "Port": 1000 + port,
            "DefaultActions": [not_found()]
        });
        aws.ok("CreateListener", &more);
    }
    let more = json!({
        "LoadBalancerArn": balancer, "Protocol": "HTTP", "Port": 5000,
        "DefaultActions": [not_found()]
    });
    assert_eq!(aws.code("CreateListener", &more), "TooManyListeners");
}

#[test]
fn rules() {
    let mut aws = Fixture::new();
    let groups: Vec<Value> = (0..6)
        .map(|n| json!({ "TargetGroupArn": aws.group(&format!("g{n}")), "Weight": 1 }))
        .collect();
    let first = groups[0]["TargetGroupArn"].as_str().unwrap().to_owned();
    let arn = aws.rule(10, &json!([forward(&first)]));
    aws.rule(20, &json!([not_found()]));
    let forward_over =
        |groups: Value| json!([{ "Type": "forward", "ForwardConfig": { "TargetGroups": groups } }]);
    let conditions = |field: &str, values: Value| json!({ "Conditions": [{ "Field": field, "Values": values }] });
    let listener = aws.listener.clone();
    for (changes, code) in [
        (json!({ "Priority": 10 }), "PriorityInUse"),
        (json!({ "Priority": 0 }), "ValidationError"),
        (json!({ "Priority": 50_001 }), "ValidationError"),
        (json!({ "Priority": null }), "ValidationError"),
        (
            json!({ "ListenerArn": format!("{listener}0") }),
            "ListenerNotFound",
        ),
        (json!({ "Conditions": [] }), "ValidationError"),
        (
            json!({ "Transforms": [{ "Type": "url-rewrite" }] }),
            "ValidationError",
        ),
        (
            json!({ "Conditions": [{ "Field": "source-ip", "RegexValues": ["a"] }] }),
            "ValidationError",
        ),
        (conditions("path", json!(["/a"])), "ValidationError"),
        (conditions("path-pattern", json!([])), "ValidationError"),
        (
            conditions("path-pattern", json!(["a".repeat(129)])),
            "ValidationError",
        ),
        (
            conditions("path-pattern", json!(["/1", "/2", "/3", "/4", "/5", "/6"])),
            "ValidationError",
        ),
        (
            conditions("source-ip", json!(["10.0.0.0/8"])),
            "ValidationError",
        ),
        (
            json!({ "Conditions": [{ "Field": "source-ip", "SourceIpConfig": { "Values": ["10.0.0.0/33"] } }] }),
            "ValidationError",
        ),
        (
            json!({ "Conditions": [{ "Field": "http-header", "HttpHeaderConfig": { "Values": ["x"] } }] }),
            "ValidationError",
        ),
        (
            json!({ "Conditions": [{ "Field": "host-header", "Values": ["a"], "HostHeaderConfig": { "Values": ["b"] } }] }),
            "ValidationError",
        ),
        (
            json!({ "Actions": forward_over(json!(groups)) }),
            "TooManyTargetGroups",
        ),
        (
            json!({ "Actions": forward_over(json!([groups[0], groups[0]])) }),
            "ValidationError",
        ),
        (
            json!({ "Actions": forward_over(json!([{ "TargetGroupArn": first, "Weight": 1000 }])) }),
            "ValidationError",
        ),
        (
            json!({ "Actions": [{ "Type": "forward", "TargetGroupArn": first, "ForwardConfig": { "TargetGroups": [groups[1]] } }] }),
            "ValidationError",
        ),
        (
            json!({ "Actions": [{ "Type": "forward", "ForwardConfig": { "TargetGroups": [groups[0]], "TargetGroupStickinessConfig": { "Enabled": true } } }] }),
            "ValidationError",
        ),
    ] {
        let input = with(rule(&listener, 30, &json!([forward(&first)])), &changes);
        assert_eq!(aws.code("CreateRule", &input), code, "{changes}");
    }
    let all = aws.ok("DescribeRules", &json!({ "ListenerArn": listener }));
    let default = all["Rules"][2]["RuleArn"].as_str().unwrap().to_owned();
    assert_eq!(all["Rules"][2]["Priority"], "default");
    for (name, input, code) in [
        (
            "DeleteRule",
            json!({ "RuleArn": default }),
            "OperationNotPermitted",
        ),
        (
            "ModifyRule",
            json!({ "RuleArn": default }),
            "OperationNotPermitted",
        ),
        (
            "ModifyRule",
            json!({ "RuleArn": format!("{arn}0") }),
            "RuleNotFound",
        ),
        ("DescribeRules", json!({}), "ValidationError"),
        (
            "DescribeRules",
            json!({ "RuleArns": [format!("{arn}0")] }),
            "RuleNotFound",
        ),
        (
            "DescribeRules",
            json!({ "RuleArns": [arn], "ListenerArn": listener }),
            "ValidationError",
        ),
        ("SetRulePriorities", json!({}), "ValidationError"),
        (
            "SetRulePriorities",
            json!({ "RulePriorities": [{ "RuleArn": arn, "Priority": 20 }] }),
            "PriorityInUse",
        ),
        (
            "SetRulePriorities",
            json!({ "RulePriorities": [{ "RuleArn": default, "Priority": 1 }] }),
            "OperationNotPermitted",
        ),
    ] {
        assert_eq!(aws.code(name, &input), code, "{name} {input}");
    }
    for priority in 100..198 {
        aws.rule(priority, &json!([not_found()]));
    }
    let more = rule(&listener, 300, &json!([not_found()]));
    assert_eq!(aws.code("CreateRule", &more), "TooManyRules");
}

#[test]
fn network_load_balancers_have_no_rules_and_only_forward() {
    let mut aws = Fixture::new();
    let web = aws.group("web");
    let group = with(super::group("tcp"), &json!({ "Protocol": "TCP" }));
    let group = aws.made("CreateTargetGroup", &group);
    let balancer = json!({ "Name": "n", "Type": "network", "Subnets": ["subnet-0000000a"] });
    let balancer = aws.made("CreateLoadBalancer", &balancer);
    let listener = |actions: Value| {
        json!({
            "LoadBalancerArn": balancer, "Protocol": "TCP", "Port": 80, "DefaultActions": actions
        })
    };
    let fixed = listener(json!([not_found()]));
    assert_eq!(
        aws.code("CreateListener", &fixed),
        "InvalidLoadBalancerAction"
    );
    let wrong = listener(json!([forward(&web)]));
    assert_eq!(
        aws.code("CreateListener", &wrong),
        "InvalidConfigurationRequest"
    );
    let arn = aws.made("CreateListener", &listener(json!([forward(&group)])));
    assert_eq!(
        aws.world.elb.listener_load_balancer_type(&arn).as_deref(),
        Some("network")
    );
    let refused = rule(&arn, 1, &json!([forward(&group)]));
    assert_eq!(aws.code("CreateRule", &refused), "OperationNotPermitted");
}

"""Elastic Load Balancing v2 as boto3 sees it, and its XML."""

import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ElementTree

import pytest

from conftest import SUBNETS, VPC
from helpers import (
    FAST,
    listener,
    load_balancer,
    refused,
    service,
    target_group,
    task_definition,
    until,
)

NAMESPACE = "{http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/}"


def forward(*weighted):
    groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in weighted]
    return [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]


def test_a_target_group_has_the_documented_defaults(client):
    elb = client("elbv2")
    arn = target_group(elb, "one")
    (found,) = elb.describe_target_groups(Names=["one"])["TargetGroups"]
    assert found == {
        "TargetGroupArn": arn,
        "TargetGroupName": "one",
        "Protocol": "HTTP",
        "Port": 80,
        "VpcId": VPC,
        "HealthCheckProtocol": "HTTP",
        "HealthCheckPort": "traffic-port",
        "HealthCheckEnabled": True,
        "HealthCheckIntervalSeconds": 30,
        "HealthCheckTimeoutSeconds": 5,
        "HealthyThresholdCount": 5,
        "UnhealthyThresholdCount": 2,
        "HealthCheckPath": "/",
        "Matcher": {"HttpCode": "200"},
        "LoadBalancerArns": [],
        "TargetType": "ip",
        "ProtocolVersion": "HTTP1",
        "IpAddressType": "ipv4",
    }
    attributes = elb.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"]
    # The documented values of an ip target group; a newer attribute beside them is no harm.
    wanted = {
        "deregistration_delay.timeout_seconds": "300",
        "stickiness.enabled": "false",
        "stickiness.type": "lb_cookie",
        "stickiness.lb_cookie.duration_seconds": "86400",
        "stickiness.app_cookie.duration_seconds": "86400",
        "stickiness.app_cookie.cookie_name": "",
        "load_balancing.algorithm.type": "round_robin",
        "load_balancing.algorithm.anomaly_mitigation": "off",
        "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
        "slow_start.duration_seconds": "0",
        "target_group_health.dns_failover.minimum_healthy_targets.count": "1",
        "target_group_health.dns_failover.minimum_healthy_targets.percentage": "off",
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": "1",
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": "off",
    }
    found = {a["Key"]: a.get("Value", "") for a in attributes}
    assert wanted.items() <= found.items()


def test_creation_is_idempotent_for_identical_settings_only(client):
    elb = client("elbv2")
    arn = target_group(elb, "one")
    assert target_group(elb, "one") == arn
    with refused("DuplicateTargetGroupName"):
        target_group(elb, "one", port=81)
    balancer = load_balancer(elb)
    assert load_balancer(elb) == balancer
    with refused("DuplicateLoadBalancerName"):
        elb.create_load_balancer(Name="alb", Subnets=SUBNETS, Scheme="internal")
    made = listener(elb, balancer, 80, arn)
    assert listener(elb, balancer, 80, arn) == made
    other = target_group(elb, "two")
    with refused("DuplicateListener"):
        listener(elb, balancer, 80, other)


@pytest.mark.parametrize("name", ["x" * 33, "-a", "a-", "a_b"])
def test_names_are_checked(client, name):
    with refused("ValidationError"):
        target_group(client("elbv2"), name)


def test_the_load_balancer_becomes_active(client):
    elb = client("elbv2")
    made = elb.create_load_balancer(Name="alb", Subnets=SUBNETS)["LoadBalancers"][0]
    assert made["State"]["Code"] == "provisioning"
    elb.get_waiter("load_balancer_available").wait(
        LoadBalancerArns=[made["LoadBalancerArn"]], WaiterConfig=FAST
    )
    (found,) = elb.describe_load_balancers(Names=["alb"])["LoadBalancers"]
    assert found["State"]["Code"] == "active"
    assert found["Scheme"] == "internet-facing"
    assert found["Type"] == "application"
    assert sorted(z["SubnetId"] for z in found["AvailabilityZones"]) == SUBNETS
    with refused("LoadBalancerNotFound"):
        elb.describe_load_balancers(Names=["none"])


def test_forward_actions_read_back_in_both_forms_or_in_one(client):
    elb = client("elbv2")
    one, two = target_group(elb, "one"), target_group(elb, "two")
    arn = listener(elb, load_balancer(elb), 80, one)
    (found,) = elb.describe_listeners(ListenerArns=[arn])["Listeners"]
    (action,) = found["DefaultActions"]
    assert action["TargetGroupArn"] == one
    assert action["ForwardConfig"]["TargetGroups"] == [{"TargetGroupArn": one, "Weight": 1}]
    assert action["ForwardConfig"]["TargetGroupStickinessConfig"]["Enabled"] is False
    elb.modify_listener(ListenerArn=arn, DefaultActions=forward((one, 90), (two, 10)))
    (found,) = elb.describe_listeners(ListenerArns=[arn])["Listeners"]
    (action,) = found["DefaultActions"]
    assert "TargetGroupArn" not in action
    groups = {g["TargetGroupArn"]: g["Weight"] for g in action["ForwardConfig"]["TargetGroups"]}
    assert groups == {one: 90, two: 10}
    (group,) = elb.describe_target_groups(TargetGroupArns=[two])["TargetGroups"]
    assert len(group["LoadBalancerArns"]) == 1


def test_rules(client):
    elb = client("elbv2")
    one = target_group(elb, "one")
    arn = listener(elb, load_balancer(elb), 80, one)

    def rule(priority, path):
        return elb.create_rule(
            ListenerArn=arn,
            Priority=priority,
            Conditions=[{"Field": "path-pattern", "Values": [path]}],
            Actions=forward((one, 1)),
        )["Rules"][0]

    made = rule(10, "/a/*")
    assert made["Priority"] == "10"
    assert made["Conditions"][0]["Values"] == ["/a/*"]
    assert made["Conditions"][0]["PathPatternConfig"] == {"Values": ["/a/*"]}
    with refused("PriorityInUse"):
        rule(10, "/b/*")
    rule(5, "/b/*")
    rules = elb.describe_rules(ListenerArn=arn)["Rules"]
    assert [r["Priority"] for r in rules] == ["5", "10", "default"]
    assert [r["IsDefault"] for r in rules] == [False, False, True]
    elb.set_rule_priorities(RulePriorities=[{"RuleArn": made["RuleArn"], "Priority": 1}])
    (found,) = elb.describe_rules(RuleArns=[made["RuleArn"]])["Rules"]
    assert found["Priority"] == "1"
    elb.delete_rule(RuleArn=made["RuleArn"])
    with refused("RuleNotFound"):
        elb.describe_rules(RuleArns=[made["RuleArn"]])
    pages = elb.get_paginator("describe_rules").paginate(
        ListenerArn=arn, PaginationConfig={"PageSize": 1}
    )
    assert [len(page["Rules"]) for page in pages] == [1, 1]


def test_associations(client):
    elb = client("elbv2")
    one = target_group(elb, "one")
    first = listener(elb, load_balancer(elb), 80, one)
    with refused("ResourceInUse"):
        elb.delete_target_group(TargetGroupArn=one)
    with refused("TargetGroupAssociationLimit"):
        listener(elb, load_balancer(elb, "other"), 80, one)
    elb.delete_listener(ListenerArn=first)
    elb.delete_target_group(TargetGroupArn=one)
    with refused("TargetGroupNotFound"):
        elb.describe_target_groups(TargetGroupArns=[one])
    with refused("ListenerNotFound"):
        elb.describe_listeners(ListenerArns=[first])


def test_targets_of_a_group_that_no_listener_names_are_unused(client):
    elb = client("elbv2")
    one = target_group(elb, "one")
    target = {"Id": "10.0.0.10", "Port": 80}
    elb.register_targets(TargetGroupArn=one, Targets=[target])
    (found,) = elb.describe_target_health(TargetGroupArn=one)["TargetHealthDescriptions"]
    assert found["Target"]["Id"] == "10.0.0.10"
    assert found["TargetHealth"]["State"] == "unused"
    assert found["TargetHealth"]["Reason"] == "Target.NotInUse"
    listener(elb, load_balancer(elb), 80, one)
    (found,) = elb.describe_target_health(TargetGroupArn=one)["TargetHealthDescriptions"]
    assert found["TargetHealth"]["State"] == "initial"
    elb.deregister_targets(TargetGroupArn=one, Targets=[target])
    elb.get_waiter("target_deregistered").wait(
        TargetGroupArn=one, Targets=[target], WaiterConfig=FAST
    )


def test_the_targets_of_a_service_become_healthy_and_drain(client):
    ecs, elb = client("ecs"), client("elbv2")
    one = target_group(elb, "one")
    listener(elb, load_balancer(elb), 80, one)
    ecs.create_cluster(clusterName="c")
    task_definition(ecs)
    service(ecs, group=one, count=2)
    elb.get_waiter("target_in_service").wait(TargetGroupArn=one, WaiterConfig=FAST)
    until(lambda: health(elb, one) == ["healthy", "healthy"], "not healthy")
    ecs.update_service(cluster="c", service="web", desiredCount=1)
    states = until(lambda: "draining" in (found := health(elb, one)) and found, "not draining")
    assert sorted(states) == ["draining", "healthy"]
    until(lambda: health(elb, one) == ["healthy"], "still draining")


def health(elb, group):
    found = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return [target["TargetHealth"]["State"] for target in found]


def test_pages_of_target_groups(client):
    elb = client("elbv2")
    for number in range(7):
        target_group(elb, f"tg-{number}")
    pages = elb.get_paginator("describe_target_groups").paginate(PaginationConfig={"PageSize": 3})
    names = [[g["TargetGroupName"] for g in page["TargetGroups"]] for page in pages]
    assert [len(page) for page in names] == [3, 3, 1]
    assert len(set(sum(names, []))) == 7


def test_tags(client):
    elb = client("elbv2")
    one = target_group(elb, "one", Tags=[{"Key": "a", "Value": "1"}])
    elb.add_tags(ResourceArns=[one], Tags=[{"Key": "b", "Value": "2"}])
    elb.remove_tags(ResourceArns=[one], TagKeys=["a"])
    (found,) = elb.describe_tags(ResourceArns=[one])["TagDescriptions"]
    assert found == {"ResourceArn": one, "Tags": [{"Key": "b", "Value": "2"}]}


def query(sandbox, region, **parameters):
    """A Query request as it stands on the wire; returns status, headers and XML."""
    request = urllib.request.Request(
        sandbox.url,
        data=urllib.parse.urlencode({"Version": "2015-12-01", **parameters}).encode(),
        headers={
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
            "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/"
            f"{region}/elasticloadbalancing/aws4_request, SignedHeaders=host, Signature=0",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers, ElementTree.fromstring(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, error.headers, ElementTree.fromstring(error.read())


def test_the_xml(client, sandbox, region):
    arn = target_group(client("elbv2"), "one")
    status, headers, root = query(sandbox, region, Action="DescribeTargetGroups")
    assert status == 200
    assert headers["Content-Type"].startswith("text/xml")
    assert root.tag == f"{NAMESPACE}DescribeTargetGroupsResponse"
    result = root.find(f"{NAMESPACE}DescribeTargetGroupsResult")
    member = result.find(f"{NAMESPACE}TargetGroups/{NAMESPACE}member")
    assert member.find(f"{NAMESPACE}TargetGroupArn").text == arn
    assert root.find(f"{NAMESPACE}ResponseMetadata/{NAMESPACE}RequestId").text
    status, _, root = query(
        sandbox, region, Action="DescribeTargetGroups", **{"Names.member.1": "none"}
    )
    assert status == 400
    assert root.tag == f"{NAMESPACE}ErrorResponse"
    error = root.find(f"{NAMESPACE}Error")
    assert error.find(f"{NAMESPACE}Type").text == "Sender"
    assert error.find(f"{NAMESPACE}Code").text == "TargetGroupNotFound"

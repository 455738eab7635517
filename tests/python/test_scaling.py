"""Application Auto Scaling as boto3 sees it."""

import pytest

from helpers import (
    blue_green,
    describe,
    listener,
    load_balancer,
    refused,
    service,
    target_group,
    task_definition,
)

WEB = {
    "ServiceNamespace": "ecs",
    "ResourceId": "service/c/web",
    "ScalableDimension": "ecs:service:DesiredCount",
}


def running(client, **more):
    """A service `web` of the cluster `c`, of one task."""
    ecs = client("ecs")
    ecs.create_cluster(clusterName="c")
    task_definition(ecs)
    service(ecs, **more)
    return ecs, client("application-autoscaling")


def tracking(metric="ECSServiceAverageCPUUtilization", **more):
    return {
        "PolicyName": "track",
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": {
            "TargetValue": 60.5,
            "PredefinedMetricSpecification": {"PredefinedMetricType": metric, **more},
        },
    }


def test_a_target_is_registered_changed_tagged_and_deregistered(client):
    ecs, scaling = running(client)
    made = scaling.register_scalable_target(
        **WEB, MinCapacity=2, MaxCapacity=4, Tags={"team": "nova"}
    )
    arn = made["ScalableTargetARN"]
    assert describe(ecs)["desiredCount"] == 2
    scaling.register_scalable_target(
        **WEB, MaxCapacity=6, SuspendedState={"DynamicScalingOutSuspended": True}
    )
    found = scaling.describe_scalable_targets(
        ServiceNamespace="ecs", ResourceIds=["service/c/web", "service/c/none"]
    )["ScalableTargets"]
    assert len(found) == 1
    live = found[0]
    assert (live["MinCapacity"], live["MaxCapacity"]) == (2, 6)
    assert live["ScalableTargetARN"] == arn
    assert live["SuspendedState"] == {
        "DynamicScalingInSuspended": False,
        "DynamicScalingOutSuspended": True,
        "ScheduledScalingSuspended": False,
    }
    assert live["RoleARN"].endswith("AWSServiceRoleForApplicationAutoScaling_ECSService")
    assert live["CreationTime"].year >= 2020
    scaling.tag_resource(ResourceARN=arn, Tags={"cost": "a"})
    scaling.untag_resource(ResourceARN=arn, TagKeys=["team"])
    assert scaling.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"cost": "a"}
    causes = scaling.describe_scaling_activities(ServiceNamespace="ecs")["ScalingActivities"]
    assert [one["Cause"] for one in causes] == ["minimum capacity was set to 2"]
    with refused("ValidationException", "already exists"):
        scaling.register_scalable_target(**WEB, Tags={"x": "y"})
    scaling.deregister_scalable_target(**WEB)
    with refused("ObjectNotFoundException"):
        scaling.deregister_scalable_target(**WEB)
    with refused("ResourceNotFoundException"):
        scaling.list_tags_for_resource(ResourceARN=arn)


def test_targets_are_checked(client):
    _, scaling = running(client)
    with refused("ValidationException", "ECS service doesn't exist: service/c/none"):
        scaling.register_scalable_target(
            **{**WEB, "ResourceId": "service/c/none"}, MinCapacity=1, MaxCapacity=2
        )
    with refused("ValidationException"):
        scaling.register_scalable_target(**WEB, MinCapacity=1)
    with refused("ValidationException", "Maximum capacity cannot be less than minimum capacity"):
        scaling.register_scalable_target(**WEB, MinCapacity=3, MaxCapacity=2)
    with refused("ValidationException", "Unsupported service namespace"):
        scaling.register_scalable_target(
            **{**WEB, "ResourceId": "web"}, MinCapacity=1, MaxCapacity=2
        )


def test_policies_of_every_type(client):
    _, scaling = running(client)
    with refused("ObjectNotFoundException", "No scalable target registered for service namespace"):
        scaling.put_scaling_policy(**WEB, **tracking())
    scaling.register_scalable_target(**WEB, MinCapacity=1, MaxCapacity=4)
    made = scaling.put_scaling_policy(**WEB, **tracking())
    assert [alarm["AlarmName"].split("-")[2] for alarm in made["Alarms"]] == [
        "AlarmHigh",
        "AlarmLow",
    ]
    scaling.put_scaling_policy(
        **WEB,
        PolicyName="steps",
        PolicyType="StepScaling",
        StepScalingPolicyConfiguration={
            "AdjustmentType": "ChangeInCapacity",
            "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
        },
    )
    pair = {"PredefinedMetricType": "ECSServiceCPUUtilization"}
    scaling.put_scaling_policy(
        **WEB,
        PolicyName="forecast",
        PolicyType="PredictiveScaling",
        PredictiveScalingPolicyConfiguration={
            "MetricSpecifications": [
                {"TargetValue": 40, "PredefinedMetricPairSpecification": pair}
            ]
        },
    )
    pages = scaling.get_paginator("describe_scaling_policies").paginate(ServiceNamespace="ecs")
    found = {one["PolicyName"]: one for page in pages for one in page["ScalingPolicies"]}
    assert sorted(found) == ["forecast", "steps", "track"]
    track = found["track"]
    assert track["PolicyARN"] == made["PolicyARN"]
    assert track["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 60.5
    assert found["steps"]["StepScalingPolicyConfiguration"]["MetricAggregationType"] == "Average"
    assert found["forecast"]["PredictiveScalingPolicyConfiguration"]["Mode"] == "ForecastOnly"
    scaling.delete_scaling_policy(**WEB, PolicyName="steps")
    with refused("ObjectNotFoundException"):
        scaling.delete_scaling_policy(**WEB, PolicyName="steps")


@pytest.mark.parametrize(
    "change",
    [
        {"PolicyType": "StepScaling"},
        {"TargetTrackingScalingPolicyConfiguration": {"TargetValue": 1}},
        tracking("DynamoDBReadCapacityUtilization"),
        tracking("ALBRequestCountPerTarget"),
        tracking("ECSServiceAverageCPUUtilization", ResourceLabel="app/a/1/targetgroup/b/2"),
    ],
)
def test_policies_are_checked(client, change):
    _, scaling = running(client)
    scaling.register_scalable_target(**WEB, MinCapacity=1, MaxCapacity=4)
    with refused("ValidationException"):
        scaling.put_scaling_policy(**WEB, **{**tracking(), **change})


def test_requests_per_target_are_labelled_by_balancer_and_group(client):
    elb = client("elbv2")
    group = target_group(elb, "web")
    balancer = load_balancer(elb)
    listener(elb, balancer, 80, group)
    _, scaling = running(client, group=group)
    scaling.register_scalable_target(**WEB, MinCapacity=1, MaxCapacity=4)
    label = balancer.split(":loadbalancer/")[1] + "/" + group.split(":")[-1]
    scaling.put_scaling_policy(
        **WEB, **tracking("ALBRequestCountPerTarget", ResourceLabel=label)
    )
    with refused("ValidationException"):
        scaling.put_scaling_policy(
            **WEB, **tracking("ALBRequestCountPerTarget", ResourceLabel=label + "0")
        )


def test_the_lever_scales_as_a_policy_would(sandbox, client, region):
    blue_green(client)
    ecs, scaling = client("ecs"), client("application-autoscaling")
    scaling.register_scalable_target(**WEB, MinCapacity=1, MaxCapacity=3)

    def scale(to):
        body = {"cluster": "c", "service": "web", "to": to, "region": region}
        return sandbox.post("scale", body)

    assert scale(9) == {"from": 1, "to": 3, "reason": "scaled"}
    assert describe(ecs)["desiredCount"] == 3
    scaling.register_scalable_target(**WEB, SuspendedState={"DynamicScalingInSuspended": True})
    assert scale(1)["reason"] == "suspended"
    assert describe(ecs)["desiredCount"] == 3

"""What several tests make: load balancer, target groups, services, deployments."""

import contextlib
import json
import time

import pytest
from botocore.exceptions import ClientError

from conftest import CODEDEPLOY_ROLE, EXECUTION_ROLE, SECURITY_GROUP, SUBNETS, VPC

# The simulated minute is half a real second, so the clients' own intervals would only waste time.
FAST = {"Delay": 1, "MaxAttempts": 60}


@contextlib.contextmanager
def refused(code, text=None):
    """What is called inside must be refused with this code and, if given, this message."""
    with pytest.raises(ClientError) as caught:
        yield caught
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    if text is not None:
        assert text in error["Message"], error


def until(check, what, seconds=30):
    """Waits until `check()` is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = check()
        if found:
            return found
        time.sleep(0.1)
    pytest.fail(f"{what} within {seconds} s")
    return None


def target_group(elb, name, port=80, **more):
    made = elb.create_target_group(
        Name=name, Protocol="HTTP", Port=port, VpcId=VPC, TargetType="ip", **more
    )
    return made["TargetGroups"][0]["TargetGroupArn"]


def load_balancer(elb, name="alb"):
    made = elb.create_load_balancer(Name=name, Subnets=SUBNETS, SecurityGroups=[SECURITY_GROUP])
    return made["LoadBalancers"][0]["LoadBalancerArn"]


def listener(elb, balancer, port, group):
    made = elb.create_listener(
        LoadBalancerArn=balancer,
        Protocol="HTTP",
        Port=port,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
    )
    return made["Listeners"][0]["ListenerArn"]


def task_definition(ecs, family="web", image="public.ecr.aws/nginx/nginx:1.27"):
    made = ecs.register_task_definition(
        family=family,
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        executionRoleArn=EXECUTION_ROLE,
        containerDefinitions=[
            {"name": "app", "image": image, "portMappings": [{"containerPort": 80}]}
        ],
    )
    return made["taskDefinition"]["taskDefinitionArn"]


def network():
    return {"awsvpcConfiguration": {"subnets": SUBNETS, "securityGroups": [SECURITY_GROUP]}}


def service(ecs, name="web", definition="web", group=None, controller="ECS", count=1, **more):
    if group:
        more["loadBalancers"] = [
            {"targetGroupArn": group, "containerName": "app", "containerPort": 80}
        ]
    if controller != "ECS":
        more["deploymentController"] = {"type": controller}
    return ecs.create_service(
        cluster="c",
        serviceName=name,
        taskDefinition=definition,
        desiredCount=count,
        launchType="FARGATE",
        networkConfiguration=network(),
        **more,
    )["service"]


def describe(ecs, name="web"):
    return ecs.describe_services(cluster="c", services=[name])["services"][0]


def blue_green(client, test_listener=True, **group):
    """A CODE_DEPLOY service with everything around it; returns the ARNs."""
    ecs, elb, deploy = client("ecs"), client("elbv2"), client("codedeploy")
    blue, green = target_group(elb, "blue"), target_group(elb, "green")
    balancer = load_balancer(elb)
    production, test = listener(elb, balancer, 80, blue), listener(elb, balancer, 8080, blue)
    ecs.create_cluster(clusterName="c")
    task_definition(ecs)
    service(ecs, group=blue, controller="CODE_DEPLOY")
    until(lambda: primary(ecs)["stabilityStatus"] == "STEADY_STATE", "no steady service")
    deploy.create_application(applicationName="AppECS-c-web", computePlatform="ECS")
    deploy.create_deployment_group(
        **{**deployment_group(production, test if test_listener else None), **group}
    )
    return {"blue": blue, "green": green, "production": production, "test": test}


def deployment_group(production, test=None):
    """The request for a group of the service `web` of the cluster `c`."""
    pair = {
        "targetGroups": [{"name": "blue"}, {"name": "green"}],
        "prodTrafficRoute": {"listenerArns": [production]},
    }
    if test:
        pair["testTrafficRoute"] = {"listenerArns": [test]}
    return {
        "applicationName": "AppECS-c-web",
        "deploymentGroupName": "DgpECS-c-web",
        "serviceRoleArn": CODEDEPLOY_ROLE,
        "deploymentConfigName": "CodeDeployDefault.ECSAllAtOnce",
        "deploymentStyle": {
            "deploymentType": "BLUE_GREEN",
            "deploymentOption": "WITH_TRAFFIC_CONTROL",
        },
        "blueGreenDeploymentConfiguration": {
            "terminateBlueInstancesOnDeploymentSuccess": {
                "action": "TERMINATE",
                "terminationWaitTimeInMinutes": 1,
            },
            "deploymentReadyOption": {"actionOnTimeout": "CONTINUE_DEPLOYMENT"},
        },
        "loadBalancerInfo": {"targetGroupPairInfoList": [pair]},
        "ecsServices": [{"clusterName": "c", "serviceName": "web"}],
    }


def appspec(definition, **more):
    document = {
        "version": "0.0",
        "Resources": [
            {
                "TargetService": {
                    "Type": "AWS::ECS::Service",
                    "Properties": {
                        "TaskDefinition": definition,
                        "LoadBalancerInfo": {"ContainerName": "app", "ContainerPort": 80},
                    },
                }
            }
        ],
        **more,
    }
    return {"revisionType": "AppSpecContent", "appSpecContent": {"content": json.dumps(document)}}


def start(deploy, definition, **more):
    """Starts a deployment of the service that `blue_green` made; returns its id."""
    return deploy.create_deployment(
        applicationName="AppECS-c-web",
        deploymentGroupName="DgpECS-c-web",
        revision=appspec(definition),
        **more,
    )["deploymentId"]


def primary(ecs, name="web"):
    sets = describe(ecs, name)["taskSets"]
    return next(found for found in sets if found["status"] == "PRIMARY")


def weights(elb, listener_arn):
    """Weights by target group name of a listener's default action."""
    found = elb.describe_listeners(ListenerArns=[listener_arn])["Listeners"][0]
    groups = found["DefaultActions"][0]["ForwardConfig"]["TargetGroups"]
    return {g["TargetGroupArn"].split("/")[1]: g["Weight"] for g in groups}

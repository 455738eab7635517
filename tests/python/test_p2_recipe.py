"""The whole recipe of a team with ECS Fargate and blue/green, typed with the aws CLI.

The steps are those of AWS's tutorial "Creating a service using a blue/green deployment", with the
values of the recipe: two target groups on ports 8080 and 8081, a production and a test listener, a
service that is made with no tasks because its image does not exist yet, an application and a group
named as the console names them.
"""

import json
import time

from conftest import (
    ACCOUNT,
    CODEDEPLOY_ROLE,
    EXECUTION_ROLE,
    SECURITY_GROUP,
    SUBNETS,
    TASK_ROLE,
    VPC,
)

APPLICATION = "AppECS-test-cluster-test-api"
GROUP = "DgpECS-test-cluster-test-api"


def task_definition(image):
    """The recipe's taskdef.json."""
    return {
        "family": "test-api-td-prod",
        "taskRoleArn": TASK_ROLE,
        "executionRoleArn": EXECUTION_ROLE,
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "256",
        "memory": "512",
        "ephemeralStorage": {"sizeInGiB": 21},
        "runtimePlatform": {"operatingSystemFamily": "LINUX"},
        "volumes": [{"name": "test-shared-volume", "host": {}}],
        "containerDefinitions": [
            {
                "name": "test-api-server",
                "image": image,
                "cpu": 256,
                "memory": 512,
                "memoryReservation": 512,
                "portMappings": [{"containerPort": 8080, "hostPort": 8080, "protocol": "tcp"}],
                "essential": True,
                "environment": [
                    {"name": "TZ", "value": "Asia/Seoul"},
                    {"name": "SPRING_PROFILES_ACTIVE", "value": "prod"},
                ],
                "mountPoints": [{"sourceVolume": "test-shared-volume", "containerPath": "/data/"}],
                "dockerLabels": {"team": "test"},
                "healthCheck": {
                    "command": [
                        "CMD-SHELL",
                        "curl -f http://localhost:8080/health-check || exit 1",
                    ],
                    "interval": 10,
                    "timeout": 10,
                    "retries": 10,
                },
            }
        ],
    }


def poll(cli, deployment):
    """Polls as a person would until the deployment has ended; returns what was seen on the way."""
    seen, weights = [], []
    for _ in range(120):
        info = cli("deploy", "get-deployment", "--deployment-id", deployment)["deploymentInfo"]
        if not seen or seen[-1] != info["status"]:
            seen.append(info["status"])
        if info["status"] in ("InProgress", "Ready", "Succeeded", "Failed", "Stopped"):
            target = cli(
                "deploy",
                "get-deployment-target",
                "--deployment-id",
                deployment,
                "--target-id",
                "test-cluster:test-api",
            )["deploymentTarget"]["ecsTarget"]
            weights.append({s["taskSetLabel"]: s["trafficWeight"] for s in target["taskSetsInfo"]})
        if info["status"] in ("Succeeded", "Failed", "Stopped"):
            return info, target, seen, weights
        time.sleep(0.1)
    raise AssertionError(f"still {info['status']}: {info}")


def test_recipe(cli, sandbox, region):
    registry = f"{ACCOUNT}.dkr.ecr.{region}.amazonaws.com"

    # 1. Image repository, cluster and task definition.
    made = cli("ecr", "create-repository", "--repository-name", "test-api")
    assert made["repository"]["repositoryUri"] == f"{registry}/test-api"
    cli("ecs", "create-cluster", "--cluster-name", "test-cluster")
    taskdef = cli.file("taskdef.json", task_definition(f"{registry}/test-api:1.0.0"))
    made = cli("ecs", "register-task-definition", "--cli-input-json", taskdef)["taskDefinition"]
    assert made["revision"] == 1
    assert made["containerDefinitions"][0]["healthCheck"]["retries"] == 10

    # 2. Two target groups, the load balancer, two listeners.
    groups = {}
    for name, port in (("test-tg-01", "8080"), ("test-tg-02", "8081")):
        made = cli(
            "elbv2", "create-target-group", "--name", name, "--protocol", "HTTP", "--port", port,
            "--target-type", "ip", "--vpc-id", VPC, "--health-check-path", "/health-check",
        )  # fmt: skip
        groups[name] = made["TargetGroups"][0]["TargetGroupArn"]
        assert made["TargetGroups"][0]["HealthCheckPath"] == "/health-check"
    made = cli(
        "elbv2", "create-load-balancer", "--name", "test-alb", "--scheme", "internet-facing",
        "--subnets", *SUBNETS, "--security-groups", SECURITY_GROUP,
    )  # fmt: skip
    balancer = made["LoadBalancers"][0]["LoadBalancerArn"]
    assert made["LoadBalancers"][0]["State"]["Code"] == "provisioning"
    cli("elbv2", "wait", "load-balancer-available", "--load-balancer-arns", balancer)
    listeners = {}
    for port, name in (("8080", "test-tg-01"), ("8081", "test-tg-02")):
        made = cli(
            "elbv2", "create-listener", "--load-balancer-arn", balancer, "--protocol", "HTTP",
            "--port", port, "--default-actions", f"Type=forward,TargetGroupArn={groups[name]}",
        )  # fmt: skip
        listeners[port] = made["Listeners"][0]["ListenerArn"]

    # 3. The service, with no tasks because there is no image yet.
    service = cli.file(
        "service.json",
        {
            "cluster": "test-cluster",
            "serviceName": "test-api",
            "taskDefinition": "test-api-td-prod",
            "desiredCount": 0,
            "launchType": "FARGATE",
            "platformVersion": "1.4.0",
            "schedulingStrategy": "REPLICA",
            "deploymentController": {"type": "CODE_DEPLOY"},
            "healthCheckGracePeriodSeconds": 200,
            "loadBalancers": [
                {
                    "targetGroupArn": groups["test-tg-01"],
                    "containerName": "test-api-server",
                    "containerPort": 8080,
                }
            ],
            "networkConfiguration": {
                "awsvpcConfiguration": {
                    "subnets": SUBNETS,
                    "securityGroups": [SECURITY_GROUP],
                    "assignPublicIp": "DISABLED",
                }
            },
        },
    )
    made = cli("ecs", "create-service", "--cli-input-json", service)["service"]
    assert made["deployments"] == []
    assert [s["status"] for s in made["taskSets"]] == ["PRIMARY"]
    assert made["healthCheckGracePeriodSeconds"] == 200

    # 4. Application and deployment group.
    cli(
        "deploy", "create-application",
        "--application-name", APPLICATION, "--compute-platform", "ECS",
    )  # fmt: skip
    group = cli.file(
        "deployment-group.json",
        {
            "applicationName": APPLICATION,
            "deploymentGroupName": GROUP,
            "deploymentConfigName": "CodeDeployDefault.ECSAllAtOnce",
            "serviceRoleArn": CODEDEPLOY_ROLE,
            "autoRollbackConfiguration": {"enabled": True, "events": ["DEPLOYMENT_FAILURE"]},
            "blueGreenDeploymentConfiguration": {
                "deploymentReadyOption": {
                    "actionOnTimeout": "CONTINUE_DEPLOYMENT",
                    "waitTimeInMinutes": 0,
                },
                "terminateBlueInstancesOnDeploymentSuccess": {
                    "action": "TERMINATE",
                    "terminationWaitTimeInMinutes": 5,
                },
            },
            "deploymentStyle": {
                "deploymentOption": "WITH_TRAFFIC_CONTROL",
                "deploymentType": "BLUE_GREEN",
            },
            "ecsServices": [{"serviceName": "test-api", "clusterName": "test-cluster"}],
            "loadBalancerInfo": {
                "targetGroupPairInfoList": [
                    {
                        "targetGroups": [{"name": "test-tg-01"}, {"name": "test-tg-02"}],
                        "prodTrafficRoute": {"listenerArns": [listeners["8080"]]},
                        "testTrafficRoute": {"listenerArns": [listeners["8081"]]},
                    }
                ]
            },
        },
    )
    cli("deploy", "create-deployment-group", "--cli-input-json", group)

    # 5. The image appears; the service gets its tasks.
    sandbox.post("images", {"repository": "test-api", "tags": ["1.0.0", "1.1.0"], "region": region})
    cli(
        "ecs", "update-service",
        "--cluster", "test-cluster", "--service", "test-api", "--desired-count", "2",
    )  # fmt: skip
    for _ in range(60):
        service = cli(
            "ecs", "describe-services", "--cluster", "test-cluster", "--services", "test-api"
        )["services"][0]
        if service["taskSets"][0]["stabilityStatus"] == "STEADY_STATE":
            break
        time.sleep(0.2)
    assert service["runningCount"] == 2
    original = service["taskSets"][0]["id"]

    # 6. A new revision, deployed.
    taskdef = cli.file("taskdef.json", task_definition(f"{registry}/test-api:1.1.0"))
    made = cli("ecs", "register-task-definition", "--cli-input-json", taskdef)["taskDefinition"]
    definition = made["taskDefinitionArn"]
    appspec = {
        "version": 0.0,
        "Resources": [
            {
                "TargetService": {
                    "Type": "AWS::ECS::Service",
                    "Properties": {
                        "TaskDefinition": definition,
                        "LoadBalancerInfo": {
                            "ContainerName": "test-api-server",
                            "ContainerPort": 8080,
                        },
                        "PlatformVersion": "1.4.0",
                    },
                }
            }
        ],
    }
    revision = cli.file(
        "revision.json",
        {"revisionType": "AppSpecContent", "appSpecContent": {"content": json.dumps(appspec)}},
    )
    create = (
        "deploy", "create-deployment", "--application-name", APPLICATION,
        "--deployment-group-name", GROUP, "--revision", revision, "--description", "by hand",
    )  # fmt: skip
    deployment = cli(*create)["deploymentId"]
    assert "DeploymentLimitExceededException" in (error := cli.refused(*create))
    assert f"'{GROUP}' already has an active Deployment '{deployment}'" in error

    info, target, seen, weights = poll(cli, deployment)
    assert info["status"] == "Succeeded", info
    assert "InProgress" in seen
    assert info["description"] == "by hand"
    assert info["creator"] == "user"
    assert info["instanceTerminationWaitTimeStarted"] is True
    assert [e["lifecycleEventName"] for e in target["lifecycleEvents"]] == [
        "BeforeInstall",
        "Install",
        "AfterInstall",
        "AllowTestTraffic",
        "AfterAllowTestTraffic",
        "BeforeAllowTraffic",
        "AllowTraffic",
        "AfterAllowTraffic",
    ]
    assert {e["status"] for e in target["lifecycleEvents"]} == {"Succeeded"}
    assert weights[-1] == {"Blue": 0.0, "Green": 100.0}

    # 7. Traffic and the primary task set have moved; the other target group stays with weight 0.
    found = cli("elbv2", "describe-listeners", "--listener-arns", *listeners.values())
    for listener in found["Listeners"]:
        forward = listener["DefaultActions"][0]["ForwardConfig"]["TargetGroups"]
        assert {g["TargetGroupArn"]: g["Weight"] for g in forward} == {
            groups["test-tg-01"]: 0,
            groups["test-tg-02"]: 100,
        }
    service = cli(
        "ecs", "describe-services", "--cluster", "test-cluster", "--services", "test-api"
    )["services"][0]
    (primary,) = service["taskSets"]
    assert primary["status"] == "PRIMARY"
    assert primary["id"] != original
    assert primary["taskDefinition"] == service["taskDefinition"] == definition
    assert primary["loadBalancers"][0]["targetGroupArn"] == groups["test-tg-02"]
    assert primary["externalId"] == deployment
    assert primary["startedBy"] == "CODE_DEPLOY"
    health = cli("elbv2", "describe-target-health", "--target-group-arn", groups["test-tg-02"])[
        "TargetHealthDescriptions"
    ]
    assert [t["TargetHealth"]["State"] for t in health] == ["healthy", "healthy"]

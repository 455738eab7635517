"""Amazon ECS as boto3 sees it."""

import pytest

from conftest import EXECUTION_ROLE
from helpers import (
    FAST,
    blue_green,
    describe,
    listener,
    load_balancer,
    network,
    primary,
    refused,
    service,
    target_group,
    task_definition,
    until,
)


def register(ecs, **change):
    return ecs.register_task_definition(
        **{
            "family": "web",
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "cpu": "256",
            "memory": "512",
            "executionRoleArn": EXECUTION_ROLE,
            "containerDefinitions": [{"name": "app", "image": "nginx"}],
            **change,
        }
    )["taskDefinition"]


def create_idle(ecs, **members):
    """The service "web" on Fargate with no tasks, and these members."""
    ecs.create_service(
        cluster="c",
        serviceName="web",
        taskDefinition="web",
        desiredCount=0,
        launchType="FARGATE",
        networkConfiguration=network(),
        **members,
    )


def test_a_task_definition_reads_back_with_what_the_server_fills_in(client):
    ecs = client("ecs")
    made = register(
        ecs,
        requiresCompatibilities=["FARGATE", "EC2"],
        cpu="1 vCPU",
        memory="2 GB",
        volumes=[{"name": "data"}],
        containerDefinitions=[
            {
                "name": "app",
                "image": "nginx",
                "portMappings": [{"containerPort": 80}],
                "healthCheck": {"command": ["CMD-SHELL", "true"]},
            }
        ],
        tags=[{"key": "team", "value": "x"}],
    )
    (container,) = made["containerDefinitions"]
    assert container["cpu"] == 0
    assert container["essential"] is True
    for member in ("environment", "mountPoints", "volumesFrom"):
        assert container[member] == []
    (port,) = container["portMappings"]
    assert port == {"containerPort": 80, "hostPort": 80, "protocol": "tcp"}
    check = container["healthCheck"]
    assert (check["interval"], check["timeout"], check["retries"]) == (30, 5, 3)
    assert "startPeriod" not in check
    assert (made["cpu"], made["memory"]) == ("1024", "2048")
    assert made["requiresCompatibilities"] == ["EC2", "FARGATE"]
    assert made["volumes"] == [{"name": "data", "host": {}}]
    assert made["placementConstraints"] == []
    assert made["status"] == "ACTIVE"
    assert made["revision"] == 1
    assert "FARGATE" in made["compatibilities"]
    assert "registeredAt" in made
    for member in ("runtimePlatform", "tags"):
        assert member not in made
    found = ecs.describe_task_definition(taskDefinition="web", include=["TAGS"])
    assert found["tags"] == [{"key": "team", "value": "x"}]
    assert "tags" not in ecs.describe_task_definition(taskDefinition="web:1")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            {"cpu": "512", "memory": "512"},
            "No Fargate configuration exists for given values: 512 CPU, 512 memory.",
        ),
        (
            {
                "containerDefinitions": [
                    {
                        "name": "app",
                        "image": "nginx",
                        "portMappings": [{"containerPort": 80, "hostPort": 81}],
                    }
                ]
            },
            "When networkMode=awsvpc, the host ports and container ports in port mappings "
            "must match.",
        ),
        (
            {
                "requiresCompatibilities": ["EC2"],
                "networkMode": "bridge",
                "memory": "",
                "cpu": "",
            },
            "At least one of 'memory' or 'memoryReservation' must be specified.",
        ),
    ],
)
def test_task_definitions_are_checked(client, change, text):
    # An empty string stands for a member that is not sent.
    given = {
        "family": "web",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "256",
        "memory": "512",
        "containerDefinitions": [{"name": "app", "image": "nginx"}],
        **change,
    }
    given = {member: value for member, value in given.items() if value != ""}
    with refused("ClientException", text):
        client("ecs").register_task_definition(**given)


def test_revisions(client):
    ecs = client("ecs")
    assert [register(ecs)["revision"] for _ in range(3)] == [1, 2, 3]
    assert ecs.describe_task_definition(taskDefinition="web")["taskDefinition"]["revision"] == 3
    gone = ecs.deregister_task_definition(taskDefinition="web:3")["taskDefinition"]
    assert gone["status"] == "INACTIVE"
    assert ecs.describe_task_definition(taskDefinition="web")["taskDefinition"]["revision"] == 2
    pages = ecs.get_paginator("list_task_definitions").paginate(
        familyPrefix="web", PaginationConfig={"PageSize": 1}
    )
    arns = [arn for page in pages for arn in page["taskDefinitionArns"]]
    assert [arn.rsplit("/")[-1] for arn in arns] == ["web:1", "web:2"]
    with refused("ClientException", "Unable to describe task definition."):
        ecs.describe_task_definition(taskDefinition="none")


def test_missing_things_are_told_as_aws_tells_them(client):
    ecs = client("ecs")
    with refused("ClusterNotFoundException", "Cluster not found."):
        ecs.describe_services(cluster="c", services=["web"])
    ecs.create_cluster(clusterName="c")
    found = ecs.describe_services(cluster="c", services=["web"])
    assert found["services"] == []
    (failure,) = found["failures"]
    assert failure["reason"] == "MISSING"
    assert failure["arn"].endswith("service/c/web")
    with refused("InvalidParameterException"):
        ecs.describe_services(cluster="c", services=[f"s{n}" for n in range(11)])
    with refused("ServiceNotFoundException"):
        ecs.update_service(cluster="c", service="web", desiredCount=1)


def test_a_rolling_service_becomes_stable_and_rolls(client):
    ecs = client("ecs")
    ecs.create_cluster(clusterName="c")
    task_definition(ecs)
    made = service(ecs, count=2)
    assert made["status"] == "ACTIVE"
    assert made["schedulingStrategy"] == "REPLICA"
    assert made["healthCheckGracePeriodSeconds"] == 0
    assert made["propagateTags"] == "NONE"
    assert made["availabilityZoneRebalancing"] == "ENABLED"
    assert made["networkConfiguration"]["awsvpcConfiguration"]["assignPublicIp"] == "DISABLED"
    configuration = made["deploymentConfiguration"]
    assert configuration["maximumPercent"] == 200
    assert configuration["minimumHealthyPercent"] == 100
    waiter = ecs.get_waiter("services_stable")
    waiter.wait(cluster="c", services=["web"], WaiterConfig=FAST)
    found = describe(ecs)
    assert found["runningCount"] == 2
    (deployment,) = found["deployments"]
    assert deployment["status"] == "PRIMARY"
    assert deployment["id"].startswith("ecs-svc/")
    until(lambda: describe(ecs)["deployments"][0]["rolloutState"] == "COMPLETED", "no rollout")
    second = task_definition(ecs)
    ecs.update_service(cluster="c", service="web", taskDefinition=second)
    waiter.wait(cluster="c", services=["web"], WaiterConfig=FAST)
    assert describe(ecs)["taskDefinition"] == second
    tasks = ecs.list_tasks(cluster="c", serviceName="web")["taskArns"]
    tasks = ecs.describe_tasks(cluster="c", tasks=tasks)["tasks"]
    assert {t["taskDefinitionArn"] for t in tasks} == {second}
    assert {t["lastStatus"] for t in tasks} == {"RUNNING"}
    events = [event["message"] for event in describe(ecs)["events"]]
    assert "(service web) has reached a steady state." in events


def test_one_off_tasks(client, sandbox, region):
    ecs = client("ecs")
    ecs.create_cluster(clusterName="c")
    definition = task_definition(ecs)
    ending = {"command": "./migrate --all", "exitCode": 3, "seconds": 20}
    sandbox.post("commands", {**ending, "region": region})
    request = {
        "cluster": "c",
        "taskDefinition": definition,
        "launchType": "FARGATE",
        "networkConfiguration": network(),
        "startedBy": "me",
        "clientToken": "once",
        "tags": [{"key": "team", "value": "a"}],
        "overrides": {"containerOverrides": [{"name": "app", "command": ["./migrate", "--all"]}]},
    }
    started = ecs.run_task(**request)
    assert started["failures"] == []
    (task,) = started["tasks"]
    assert task["startedBy"] == "me"
    (again,) = ecs.run_task(**request)["tasks"]
    assert again["taskArn"] == task["taskArn"]
    with refused("ConflictException"):
        ecs.run_task(**{**request, "count": 2})
    stopped = ecs.get_waiter("tasks_stopped")
    stopped.wait(cluster="c", tasks=[task["taskArn"]], WaiterConfig=FAST)
    assert ecs.list_tasks(cluster="c", startedBy="me")["taskArns"] == []
    with refused("InvalidParameterException", "cannot specify startedBy with other arguments"):
        ecs.list_tasks(cluster="c", startedBy="me", desiredStatus="STOPPED")
    family = definition.rsplit("/", 1)[-1].split(":")[0]
    listed = ecs.list_tasks(cluster="c", family=family, desiredStatus="STOPPED")["taskArns"]
    assert listed == [task["taskArn"]]
    (ended,) = ecs.describe_tasks(cluster="c", tasks=listed, include=["TAGS"])["tasks"]
    assert ended["stopCode"] == "EssentialContainerExited"
    assert [one["exitCode"] for one in ended["containers"]] == [3]
    assert ended["tags"] == [{"key": "team", "value": "a"}]
    second = {**request, "clientToken": "twice"}
    (other,) = ecs.run_task(**second)["tasks"]
    assert ecs.list_tasks(cluster="c", startedBy="me")["taskArns"] == [other["taskArn"]]
    ecs.stop_task(cluster="c", task=other["taskArn"], reason="enough")
    stopped.wait(cluster="c", tasks=[other["taskArn"]], WaiterConfig=FAST)
    stopped_tasks = ecs.describe_tasks(cluster="c", tasks=[other["taskArn"]], include=["TAGS"])
    (ended,) = stopped_tasks["tasks"]
    assert (ended["stopCode"], ended["stoppedReason"]) == ("UserInitiated", "enough")
    assert (ended["startedBy"], ended["group"]) == ("me", f"family:{family}")
    assert ended["tags"] == [], "StopTask deletes them"


def test_deleting_a_service(client):
    ecs = client("ecs")
    ecs.create_cluster(clusterName="c")
    task_definition(ecs)
    service(ecs)
    with refused("InvalidParameterException"):
        ecs.delete_service(cluster="c", service="web")
    deleted = ecs.delete_service(cluster="c", service="web", force=True)["service"]
    assert deleted["status"] in ("DRAINING", "INACTIVE")
    ecs.get_waiter("services_inactive").wait(cluster="c", services=["web"], WaiterConfig=FAST)
    assert ecs.list_services(cluster="c")["serviceArns"] == []
    with refused("ServiceNotActiveException", "Service was not ACTIVE."):
        ecs.update_service(cluster="c", service="web", desiredCount=1)
    service(ecs)


def test_services_are_listed_ten_to_a_page(client):
    ecs = client("ecs")
    ecs.create_cluster(clusterName="c")
    task_definition(ecs)
    for number in range(12):
        service(ecs, name=f"s{number}", count=0)
    pages = list(ecs.get_paginator("list_services").paginate(cluster="c"))
    assert [len(page["serviceArns"]) for page in pages] == [10, 2]
    assert len({arn for page in pages for arn in page["serviceArns"]}) == 12


def test_services_are_checked(client):
    ecs, elb = client("ecs"), client("elbv2")
    ecs.create_cluster(clusterName="c")
    task_definition(ecs)
    group = target_group(elb, "one")
    with refused(
        "InvalidParameterException",
        f"The target group with targetGroupArn {group} does not have an associated load balancer.",
    ):
        service(ecs, group=group)
    listener(elb, load_balancer(elb), 80, group)
    for container, port, text in (
        ("nginx", 80, "The container nginx does not exist in the task definition."),
        ("app", 81, "The container app did not have a container port 81 defined."),
    ):
        with refused("InvalidParameterException", text):
            ecs.create_service(
                cluster="c",
                serviceName="web",
                taskDefinition="web",
                desiredCount=1,
                launchType="FARGATE",
                networkConfiguration=network(),
                loadBalancers=[
                    {"targetGroupArn": group, "containerName": container, "containerPort": port}
                ],
            )
    service(ecs, group=group, count=1)
    with refused("InvalidParameterException", "Creation of service was not idempotent."):
        service(ecs, group=group, count=2)


def test_a_code_deploy_service(client):
    blue_green(client)
    ecs = client("ecs")
    found = describe(ecs)
    assert found["deploymentController"] == {"type": "CODE_DEPLOY"}
    assert found["deployments"] == []
    (only,) = found["taskSets"]
    assert only["id"].startswith("ecs-svc/")
    assert only["status"] == "PRIMARY"
    assert only["stabilityStatus"] == "STEADY_STATE"
    assert only["scale"] == {"value": 100.0, "unit": "PERCENT"}
    assert only["computedDesiredCount"] == only["runningCount"] == 1
    assert only["launchType"] == "FARGATE"
    text = (
        "Unable to update task definition on services with a CODE_DEPLOY deployment controller. "
        "Use AWS CodeDeploy to trigger a new deployment."
    )
    # Refused even for the value that is there.
    with refused("InvalidParameterException", text):
        ecs.update_service(cluster="c", service="web", taskDefinition=found["taskDefinition"])
    text = (
        "Cannot force a new deployment on services with a CODE_DEPLOY deployment controller. "
        "Use AWS CodeDeploy to trigger a new deployment."
    )
    with refused("InvalidParameterException", text):
        ecs.update_service(cluster="c", service="web", forceNewDeployment=True)
    for change in (
        {"networkConfiguration": network()},
        {"platformVersion": "1.4.0"},
        {"loadBalancers": []},
    ):
        with refused("InvalidParameterException"):
            ecs.update_service(cluster="c", service="web", **change)
    ecs.update_service(cluster="c", service="web", desiredCount=2, healthCheckGracePeriodSeconds=30)
    until(lambda: primary(ecs)["runningCount"] == 2, "not two tasks")
    assert describe(ecs)["healthCheckGracePeriodSeconds"] == 30


def test_tags(client):
    ecs = client("ecs")
    arn = ecs.create_cluster(clusterName="c")["cluster"]["clusterArn"]
    ecs.tag_resource(resourceArn=arn, tags=[{"key": "a", "value": "1"}])
    assert ecs.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "a", "value": "1"}]
    ecs.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert ecs.list_tags_for_resource(resourceArn=arn)["tags"] == []


def test_what_a_deployment_runs_is_read_on_the_deployment_and_its_revision(client):
    ecs = client("ecs")
    ecs.create_cluster(clusterName="c")
    register(
        ecs,
        volumes=[{"name": "data", "configuredAtLaunch": True}],
        containerDefinitions=[
            {"name": "app", "image": "nginx", "portMappings": [{"name": "web", "containerPort": 80}]}
        ],
    )
    connect = {"enabled": True, "namespace": "shop", "services": [{"portName": "web"}]}
    volume = {
        "name": "data",
        "managedEBSVolume": {"roleArn": EXECUTION_ROLE, "sizeInGiB": 10},
    }
    create_idle(ecs, serviceConnectConfiguration=connect, volumeConfigurations=[volume])
    live = describe(ecs)
    for member in ("serviceConnectConfiguration", "volumeConfigurations"):
        assert member not in live
    (deployment,) = live["deployments"]
    (current,) = live["currentServiceRevisions"]
    found = ecs.describe_service_revisions(serviceRevisionArns=[current["arn"]])
    (revision,) = found["serviceRevisions"]
    for holder in (deployment, revision):
        assert holder["serviceConnectConfiguration"]["services"] == [{"portName": "web"}]
        assert holder["volumeConfigurations"] == [volume]


def test_gateways_and_monitoring_are_read_on_the_revision_alone(client):
    """As raw documents: an older botocore knows neither member."""
    ecs = client("ecs")
    shape = ecs.meta.service_model.operation_model("CreateService").input_shape
    if "monitoring" not in shape.members:
        pytest.skip("this botocore does not know the member")
    ecs.create_cluster(clusterName="c")
    register(ecs)
    monitoring = {
        "metricConfigurations": [
            {"metricNames": ["CPUUtilization"], "resolutionSeconds": 20}
        ]
    }
    create_idle(ecs, monitoring=monitoring)
    live = describe(ecs)
    assert "monitoring" not in live
    (current,) = live["currentServiceRevisions"]
    found = ecs.describe_service_revisions(serviceRevisionArns=[current["arn"]])
    assert found["serviceRevisions"][0]["monitoring"] == monitoring

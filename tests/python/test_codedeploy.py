"""CodeDeploy as boto3 sees it."""

import hashlib

import pytest

from conftest import connect
from helpers import (
    FAST,
    appspec,
    blue_green,
    deployment_group,
    describe,
    primary,
    refused,
    service,
    start,
    task_definition,
    until,
    weights,
)

GROUP = {"applicationName": "AppECS-c-web", "deploymentGroupName": "DgpECS-c-web"}


def status(deploy, deployment):
    return deploy.get_deployment(deploymentId=deployment)["deploymentInfo"]["status"]


def test_applications(client):
    deploy = client("codedeploy")
    made = deploy.create_application(
        applicationName="a", computePlatform="ECS", tags=[{"Key": "team", "Value": "x"}]
    )
    found = deploy.get_application(applicationName="a")["application"]
    assert found["applicationId"] == made["applicationId"]
    assert found["computePlatform"] == "ECS"
    assert found["createTime"].year > 2000
    with refused("ApplicationAlreadyExistsException"):
        deploy.create_application(applicationName="a", computePlatform="ECS")
    with refused("ApplicationDoesNotExistException"):
        deploy.get_application(applicationName="b")
    with refused("InvalidApplicationNameException"):
        deploy.create_application(applicationName="a b", computePlatform="ECS")
    with refused("InvalidComputePlatformException"):
        deploy.create_application(applicationName="b", computePlatform="EKS")
    for number in range(120):
        deploy.create_application(applicationName=f"x{number:03}", computePlatform="ECS")
    pages = list(deploy.get_paginator("list_applications").paginate())
    assert len(pages) > 1
    assert len({name for page in pages for name in page["applications"]}) == 121
    with refused("BatchLimitExceededException"):
        deploy.batch_get_applications(applicationNames=[f"x{n:03}" for n in range(101)])
    deploy.delete_application(applicationName="a")
    with refused("ApplicationDoesNotExistException"):
        deploy.get_application(applicationName="a")


def test_predefined_configurations(client):
    deploy = client("codedeploy")
    names = deploy.list_deployment_configs()["deploymentConfigsList"]
    wanted = {
        "ECSAllAtOnce": {"type": "AllAtOnce"},
        "ECSLinear10PercentEvery1Minutes": {
            "type": "TimeBasedLinear",
            "timeBasedLinear": {"linearPercentage": 10, "linearInterval": 1},
        },
        "ECSLinear10PercentEvery3Minutes": {
            "type": "TimeBasedLinear",
            "timeBasedLinear": {"linearPercentage": 10, "linearInterval": 3},
        },
        "ECSCanary10Percent5Minutes": {
            "type": "TimeBasedCanary",
            "timeBasedCanary": {"canaryPercentage": 10, "canaryInterval": 5},
        },
        "ECSCanary10Percent15Minutes": {
            "type": "TimeBasedCanary",
            "timeBasedCanary": {"canaryPercentage": 10, "canaryInterval": 15},
        },
    }
    for name, routing in wanted.items():
        name = f"CodeDeployDefault.{name}"
        assert name in names
        found = deploy.get_deployment_config(deploymentConfigName=name)["deploymentConfigInfo"]
        assert found["computePlatform"] == "ECS"
        assert found["trafficRoutingConfig"] == routing
    with refused("DeploymentConfigDoesNotExistException"):
        deploy.get_deployment_config(deploymentConfigName="none")


def test_group_reads_back_with_its_defaults(client):
    arns = blue_green(client)
    deploy = client("codedeploy")
    info = deploy.get_deployment_group(**GROUP)["deploymentGroupInfo"]
    given = deployment_group(arns["production"], arns["test"])
    for member in ("deploymentStyle", "loadBalancerInfo", "ecsServices", "serviceRoleArn"):
        assert info[member] == given[member]
    assert info["computePlatform"] == "ECS"
    assert info["outdatedInstancesStrategy"] == "UPDATE"
    assert info["terminationHookEnabled"] is False
    assert "lastAttemptedDeployment" not in info
    with refused("DeploymentGroupAlreadyExistsException"):
        deploy.create_deployment_group(**given)
    with refused("ECSServiceMappingLimitExceededException"):
        deploy.create_deployment_group(**{**given, "deploymentGroupName": "second"})
    with refused("DeploymentGroupDoesNotExistException"):
        deploy.get_deployment_group(applicationName="AppECS-c-web", deploymentGroupName="second")
    alarms = {"enabled": True, "alarms": [{"name": f"a{n}"} for n in range(11)]}
    with refused("AlarmsLimitExceededException"):
        deploy.update_deployment_group(
            applicationName="AppECS-c-web",
            currentDeploymentGroupName="DgpECS-c-web",
            alarmConfiguration=alarms,
        )
    deploy.update_deployment_group(
        applicationName="AppECS-c-web",
        currentDeploymentGroupName="DgpECS-c-web",
        alarmConfiguration={"enabled": True, "alarms": [{"name": "5xx"}]},
    )
    alarms = deploy.get_deployment_group(**GROUP)["deploymentGroupInfo"]["alarmConfiguration"]
    assert alarms["alarms"] == [{"name": "5xx"}]
    assert alarms["ignorePollAlarmFailure"] is False
    batch = deploy.batch_get_deployment_groups(
        applicationName="AppECS-c-web", deploymentGroupNames=["DgpECS-c-web", "nope"]
    )
    assert len(batch["deploymentGroupsInfo"]) == 1


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        ({"serviceRoleArn": "x"}, "InvalidRoleException", None),
        (
            {"loadBalancerInfo": {"elbInfoList": [{"name": "alb"}]}},
            "InvalidLoadBalancerInfoException",
            "For ECS deployment group, loadBalancerInfo must not contain elbInfo list",
        ),
        (
            {"deploymentStyle": {"deploymentType": "IN_PLACE"}},
            "InvalidDeploymentStyleException",
            None,
        ),
        (
            {"ecsServices": [{"clusterName": "c", "serviceName": "none"}]},
            "InvalidECSServiceException",
            None,
        ),
        (
            {"deploymentConfigName": "CodeDeployDefault.Nothing"},
            "DeploymentConfigDoesNotExistException",
            None,
        ),
        (
            {"autoRollbackConfiguration": {"enabled": True}},
            "InvalidAutoRollbackConfigException",
            None,
        ),
        (
            {
                "blueGreenDeploymentConfiguration": {
                    "terminateBlueInstancesOnDeploymentSuccess": {
                        "action": "TERMINATE",
                        "terminationWaitTimeInMinutes": 2881,
                    },
                    "deploymentReadyOption": {"actionOnTimeout": "CONTINUE_DEPLOYMENT"},
                }
            },
            "InvalidBlueGreenDeploymentConfigurationException",
            None,
        ),
    ],
)
def test_groups_are_refused(client, change, code, text):
    arns = blue_green(client)
    deploy = client("codedeploy")
    deploy.delete_deployment_group(**GROUP)
    with refused(code, text):
        deploy.create_deployment_group(**{**deployment_group(arns["production"]), **change})


def test_a_service_of_another_controller_is_refused(client):
    arns = blue_green(client)
    ecs, deploy = client("ecs"), client("codedeploy")
    service(ecs, name="rolling", count=0)
    group = deployment_group(arns["production"])
    group["deploymentGroupName"] = "rolling"
    group["ecsServices"] = [{"clusterName": "c", "serviceName": "rolling"}]
    with refused("InvalidECSServiceException"):
        deploy.create_deployment_group(**group)


def test_a_canary_succeeds_and_the_waiter_sees_it(client):
    arns = blue_green(client, deploymentConfigName="CodeDeployDefault.ECSCanary10Percent5Minutes")
    ecs, elb, deploy = client("ecs"), client("elbv2"), client("codedeploy")
    second = task_definition(ecs)
    deployment = start(deploy, second)
    assert deployment.startswith("d-")
    assert len(deployment) == 11
    assert status(deploy, deployment) in ("Created", "Queued", "InProgress")
    until(lambda: weights(elb, arns["production"]) == {"blue": 90, "green": 10}, "no canary")
    target = deploy.get_deployment_target(deploymentId=deployment, targetId="c:web")
    assert target["deploymentTarget"]["deploymentTargetType"] == "ECSTarget"
    sets = target["deploymentTarget"]["ecsTarget"]["taskSetsInfo"]
    assert {s["taskSetLabel"]: s["trafficWeight"] for s in sets} == {"Blue": 90.0, "Green": 10.0}
    assert {s["taskSetLabel"]: s["targetGroup"]["name"] for s in sets} == {
        "Blue": "blue",
        "Green": "green",
    }
    # boto3 shows the model's misspelling.
    assert all(s["identifer"].startswith("ecs-svc/") for s in sets)
    deploy.get_waiter("deployment_successful").wait(deploymentId=deployment, WaiterConfig=FAST)
    assert weights(elb, arns["production"]) == {"blue": 0, "green": 100}
    assert primary(ecs)["taskDefinition"] == second
    info = deploy.get_deployment(deploymentId=deployment)["deploymentInfo"]
    assert info["deploymentOverview"]["Succeeded"] == 1
    assert info["createTime"] <= info["startTime"] <= info["completeTime"]
    assert info["deploymentConfigName"] == "CodeDeployDefault.ECSCanary10Percent5Minutes"
    group = deploy.get_deployment_group(**GROUP)["deploymentGroupInfo"]
    for member in ("lastAttemptedDeployment", "lastSuccessfulDeployment"):
        assert group[member]["deploymentId"] == deployment
        assert group[member]["status"] == "Succeeded"


def test_the_appspec_is_only_in_the_revision(client):
    blue_green(client)
    ecs, deploy = client("ecs"), client("codedeploy")
    second = task_definition(ecs)
    content = appspec(second)["appSpecContent"]["content"]
    deployment = start(deploy, second)
    location = deploy.get_deployment(deploymentId=deployment)["deploymentInfo"]["revision"]
    assert location == {
        "revisionType": "AppSpecContent",
        "appSpecContent": {"sha256": hashlib.sha256(content.encode()).hexdigest()},
    }
    found = deploy.get_application_revision(applicationName="AppECS-c-web", revision=location)
    assert found["revision"]["appSpecContent"]["content"] == content


def test_one_deployment_at_a_time_and_the_termination_wait_counts(client):
    blue_green(
        client,
        blueGreenDeploymentConfiguration={
            "terminateBlueInstancesOnDeploymentSuccess": {
                "action": "TERMINATE",
                "terminationWaitTimeInMinutes": 2880,
            },
            "deploymentReadyOption": {"actionOnTimeout": "CONTINUE_DEPLOYMENT"},
        },
    )
    ecs, deploy = client("ecs"), client("codedeploy")
    second = task_definition(ecs)
    deployment = start(deploy, second)

    def waits():
        info = deploy.get_deployment(deploymentId=deployment)["deploymentInfo"]
        return info["instanceTerminationWaitTimeStarted"] and info["status"] == "InProgress"

    until(waits, "no termination wait")
    with refused(
        "DeploymentLimitExceededException",
        f"The Deployment Group 'DgpECS-c-web' already has an active Deployment '{deployment}'",
    ):
        start(deploy, second)
    with refused("DeploymentIsNotInReadyStateException"):
        deploy.continue_deployment(deploymentId=deployment, deploymentWaitType="READY_WAIT")
    assert len(describe(ecs)["taskSets"]) == 2
    deploy.continue_deployment(deploymentId=deployment, deploymentWaitType="TERMINATION_WAIT")
    deploy.get_waiter("deployment_successful").wait(deploymentId=deployment, WaiterConfig=FAST)
    assert len(describe(ecs)["taskSets"]) == 1
    with refused("DeploymentAlreadyCompletedException"):
        deploy.continue_deployment(deploymentId=deployment, deploymentWaitType="TERMINATION_WAIT")


def test_ready_waits_for_a_person(client):
    blue_green(
        client,
        blueGreenDeploymentConfiguration={
            "terminateBlueInstancesOnDeploymentSuccess": {"action": "TERMINATE"},
            "deploymentReadyOption": {
                "actionOnTimeout": "STOP_DEPLOYMENT",
                "waitTimeInMinutes": 600,
            },
        },
    )
    ecs, deploy = client("ecs"), client("codedeploy")
    deployment = start(deploy, task_definition(ecs))
    until(lambda: status(deploy, deployment) == "Ready", "not Ready")
    deploy.continue_deployment(deploymentId=deployment, deploymentWaitType="READY_WAIT")
    deploy.get_waiter("deployment_successful").wait(deploymentId=deployment, WaiterConfig=FAST)


def test_a_stop_with_rollback_makes_a_second_deployment(client):
    arns = blue_green(client, deploymentConfigName="CodeDeployDefault.ECSCanary10Percent15Minutes")
    ecs, elb, deploy = client("ecs"), client("elbv2"), client("codedeploy")
    first = primary(ecs)
    deployment = start(deploy, task_definition(ecs))
    until(lambda: weights(elb, arns["production"]) == {"blue": 90, "green": 10}, "no canary")
    answer = deploy.stop_deployment(deploymentId=deployment, autoRollbackEnabled=True)
    assert answer["status"] in ("Pending", "Succeeded")
    until(lambda: status(deploy, deployment) == "Stopped", "not Stopped")
    info = deploy.get_deployment(deploymentId=deployment)["deploymentInfo"]
    assert info["errorInformation"]["code"] == "MANUAL_STOP"
    rollback = info["rollbackInfo"]["rollbackDeploymentId"]
    deploy.get_waiter("deployment_successful").wait(deploymentId=rollback, WaiterConfig=FAST)
    info = deploy.get_deployment(deploymentId=rollback)["deploymentInfo"]
    assert info["creator"] == "codeDeployRollback"
    assert info["rollbackInfo"]["rollbackTriggeringDeploymentId"] == deployment
    assert weights(elb, arns["production"]) == {"blue": 100, "green": 0}
    until(lambda: len(describe(ecs)["taskSets"]) == 1, "the replacement is not gone")
    assert primary(ecs)["id"] == first["id"]
    with refused("DeploymentAlreadyCompletedException"):
        deploy.stop_deployment(deploymentId=deployment)


def test_a_crashing_image_fails_after_an_hour_and_leaves_the_service_alone(hasty_sandbox, region):
    client = connect(hasty_sandbox, region)
    arns = blue_green(client, test_listener=False)
    ecs, elb, deploy = client("ecs"), client("elbv2"), client("codedeploy")
    first = primary(ecs)
    crash = {"image": "public.ecr.aws/x/bad:1", "crash": 1, "region": region}
    hasty_sandbox.post("behaviours", crash)
    deployment = start(deploy, task_definition(ecs, image="public.ecr.aws/x/bad:1"))
    until(lambda: status(deploy, deployment) == "Failed", "not Failed")
    info = deploy.get_deployment(deploymentId=deployment)["deploymentInfo"]
    assert info["errorInformation"]["code"] == "TIMEOUT"
    assert (info["completeTime"] - info["startTime"]).total_seconds() >= 3600
    target = deploy.get_deployment_target(deploymentId=deployment, targetId="c:web")
    events = target["deploymentTarget"]["ecsTarget"]["lifecycleEvents"]
    assert {e["lifecycleEventName"]: e["status"] for e in events}["Install"] == "Failed"
    assert len(events) == 6
    until(lambda: len(describe(ecs)["taskSets"]) == 1, "the replacement is not gone")
    assert primary(ecs)["id"] == first["id"]
    assert weights(elb, arns["production"]) == {"blue": 1}


@pytest.mark.parametrize(
    ("revision", "code"),
    [
        (
            {"revisionType": "AppSpecContent", "appSpecContent": {"content": "{ no: [spec"}},
            "InvalidRevisionException",
        ),
        (
            {"revisionType": "AppSpecContent", "appSpecContent": {"content": '{"version": 0.0}'}},
            "InvalidRevisionException",
        ),
        (None, "RevisionRequiredException"),
    ],
)
def test_a_wrong_revision_is_refused(client, revision, code):
    blue_green(client)
    more = {"revision": revision} if revision else {}
    with refused(code):
        client("codedeploy").create_deployment(**GROUP, **more)


def test_deployments_are_listed_by_pages_and_filters(client):
    blue_green(client)
    ecs, deploy = client("ecs"), client("codedeploy")
    definition = task_definition(ecs)
    ids = []
    for _ in range(3):
        ids.append(start(deploy, definition))
        until(lambda: status(deploy, ids[-1]) == "InProgress", "not InProgress")
        deploy.stop_deployment(deploymentId=ids[-1], autoRollbackEnabled=False)
        until(lambda: status(deploy, ids[-1]) == "Stopped", "not Stopped")
    pages = deploy.get_paginator("list_deployments").paginate(**GROUP)
    assert sorted(i for page in pages for i in page["deployments"]) == sorted(ids)
    found = deploy.list_deployments(**GROUP, includeOnlyStatuses=["Succeeded"])
    assert found["deployments"] == []
    found = deploy.batch_get_deployments(deploymentIds=ids)["deploymentsInfo"]
    assert {d["status"] for d in found} == {"Stopped"}
    with refused("BatchLimitExceededException"):
        deploy.batch_get_deployments(deploymentIds=["d-ABCDEFGHI"] * 26)
    with refused("DeploymentDoesNotExistException"):
        deploy.get_deployment(deploymentId="d-ABCDEFGHI")
    with refused("InvalidDeploymentIdException"):
        deploy.get_deployment(deploymentId="1")
    with refused("DeploymentTargetDoesNotExistException"):
        deploy.get_deployment_target(deploymentId=ids[0], targetId="c:none")


def test_tags(client):
    deploy = client("codedeploy")
    deploy.create_application(applicationName="a", computePlatform="ECS")
    arn = f"arn:aws:codedeploy:{deploy.meta.region_name}:123456789012:application:a"
    deploy.tag_resource(ResourceArn=arn, Tags=[{"Key": "k", "Value": "v"}])
    assert deploy.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "k", "Value": "v"}]
    deploy.untag_resource(ResourceArn=arn, TagKeys=["k"])
    assert deploy.list_tags_for_resource(ResourceArn=arn)["Tags"] == []
    with refused("InvalidArnException"):
        deploy.list_tags_for_resource(ResourceArn="nonsense")

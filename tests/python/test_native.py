"""The deployments with which ECS itself shifts traffic, as boto3 sees them."""

import datetime

import pytest

from conftest import ACCOUNT
from helpers import (
    listener,
    load_balancer,
    network,
    refused,
    target_group,
    task_definition,
    until,
)

ROLE = f"arn:aws:iam::{ACCOUNT}:role/ecs-infrastructure"
HOOK = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:smoke"


class Service:
    """A service of two target groups behind one load balancer, with a production and a test rule."""

    def __init__(self, client, sandbox, region, **configuration):
        self.ecs, self.elb = client("ecs"), client("elbv2")
        self.sandbox, self.region = sandbox, region
        self.blue = target_group(self.elb, "blue")
        self.green = target_group(self.elb, "green")
        balancer = load_balancer(self.elb)
        self.production = self.rule(listener(self.elb, balancer, 80, self.blue))
        self.test = self.rule(listener(self.elb, balancer, 8080, self.green))
        self.ecs.create_cluster(clusterName="main")
        task_definition(self.ecs)
        self.create(**configuration)
        self.ends("SUCCESSFUL")

    def rule(self, listener_arn):
        return self.elb.describe_rules(ListenerArn=listener_arn)["Rules"][0]["RuleArn"]

    def create(self, **configuration):
        self.arn = self.ecs.create_service(
            cluster="main",
            serviceName="web",
            taskDefinition="web",
            launchType="FARGATE",
            desiredCount=2,
            networkConfiguration=network(),
            deploymentConfiguration={
                "strategy": "BLUE_GREEN",
                "bakeTimeInMinutes": 0,
                **configuration,
            },
            loadBalancers=[
                {
                    "targetGroupArn": self.blue,
                    "containerName": "app",
                    "containerPort": 80,
                    "advancedConfiguration": {
                        "alternateTargetGroupArn": self.green,
                        "productionListenerRule": self.production,
                        "testListenerRule": self.test,
                        "roleArn": ROLE,
                    },
                }
            ],
        )["service"]["serviceArn"]

    def deploy(self, image="public.ecr.aws/nginx/nginx:1.28", **change):
        task_definition(self.ecs, image=image)
        self.ecs.update_service(cluster="main", service="web", taskDefinition="web", **change)

    def newest(self):
        brief = self.ecs.list_service_deployments(cluster="main", service="web")
        arn = brief["serviceDeployments"][0]["serviceDeploymentArn"]
        found = self.ecs.describe_service_deployments(serviceDeploymentArns=[arn])
        return found["serviceDeployments"][0]

    def ends(self, status):
        return until(lambda: (it := self.newest())["status"] == status and it, status, 60)

    def at(self, stage):
        return until(lambda: (it := self.newest())["lifecycleStage"] == stage and it, stage, 60)

    def weights(self):
        (found,) = self.elb.describe_rules(RuleArns=[self.production])["Rules"]
        groups = found["Actions"][0]["ForwardConfig"]["TargetGroups"]
        weights = {group["TargetGroupArn"]: group["Weight"] for group in groups}
        return weights.get(self.blue), weights.get(self.green)


@pytest.fixture
def service(client, sandbox, region):
    return lambda **configuration: Service(client, sandbox, region, **configuration)


def test_a_blue_green_deployment(service):
    web = service()
    assert web.weights() == (0, 100)
    web.deploy()
    done = web.ends("SUCCESSFUL")
    assert web.weights() == (100, 0)
    assert done["lifecycleStage"] == "CLEAN_UP"
    assert done["deploymentConfiguration"]["strategy"] == "BLUE_GREEN"
    target = done["targetServiceRevision"]
    assert target["requestedProductionTrafficWeight"] == 100.0
    assert target["requestedTestTrafficWeight"] == 100.0
    assert done["sourceServiceRevisions"][0]["requestedProductionTrafficWeight"] == 0.0
    assert isinstance(done["finishedAt"], datetime.datetime)
    (revision,) = web.ecs.describe_service_revisions(serviceRevisionArns=[target["arn"]])[
        "serviceRevisions"
    ]
    (resolved,) = revision["resolvedConfiguration"]["loadBalancers"]
    assert resolved == {"targetGroupArn": web.blue, "productionListenerRule": web.production}
    (found,) = web.ecs.describe_services(cluster="main", services=["web"])["services"]
    assert found["loadBalancers"][0]["targetGroupArn"] == web.blue
    assert [it["arn"] for it in found["currentServiceRevisions"]] == [target["arn"]]
    assert "currentServiceDeployment" not in found


def test_a_canary_is_paused_and_continued(service):
    web = service()
    web.deploy(
        deploymentConfiguration={
            "strategy": "CANARY",
            "canaryConfiguration": {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 1},
            "lifecycleHooks": [
                {"targetType": "PAUSE", "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"]}
            ],
        }
    )
    paused = until(lambda: (it := web.newest())["lifecycleHookDetails"] and it, "paused")
    (hook,) = paused["lifecycleHookDetails"]
    assert (hook["targetType"], hook["status"]) == ("PAUSE", "AWAITING_ACTION")
    assert hook["expiresAt"] - paused["startedAt"] >= datetime.timedelta(days=1)
    assert web.weights() == (0, 100)
    arn = paused["serviceDeploymentArn"]
    with refused("InvalidParameterException", "must follow the format: ecs-{hookType}-{id}"):
        web.ecs.continue_service_deployment(serviceDeploymentArn=arn, hookId="x")
    answer = web.ecs.continue_service_deployment(
        serviceDeploymentArn=arn, hookId=hook["hookId"], action="CONTINUE"
    )
    assert answer["serviceDeploymentArn"] == arn
    until(lambda: web.weights() == (10, 90), "the canary's share")
    web.ends("SUCCESSFUL")
    assert web.weights() == (100, 0)


def test_a_hook_that_fails_and_an_alarm_roll_back(service, sandbox, region):
    web = service(
        alarms={"alarmNames": ["5xx"], "enable": True, "rollback": True},
        lifecycleHooks=[
            {
                "hookTargetArn": HOOK,
                "roleArn": ROLE,
                "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"],
            }
        ],
        bakeTimeInMinutes=30,
    )
    sandbox.post("hooks", {"function": "smoke", "result": "FAILED", "region": region})
    web.deploy()
    ended = web.ends("ROLLBACK_SUCCESSFUL")
    assert f"Lifecycle hook target {HOOK} returned FAILED status." in ended["statusReason"]
    assert ended["rollback"]["serviceRevisionArn"] == ended["sourceServiceRevisions"][0]["arn"]
    sandbox.post("hooks", {"function": "smoke", "result": "SUCCEEDED", "region": region})
    web.deploy(image="public.ecr.aws/nginx/nginx:1.29")
    web.at("BAKE_TIME")
    sandbox.post("alarms", {"name": "5xx", "state": "ALARM", "region": region})
    ended = web.ends("ROLLBACK_SUCCESSFUL")
    assert ended["alarms"]["triggeredAlarmNames"] == ["5xx"]
    assert web.weights() == (0, 100)


def test_stopping_and_superseding(service):
    web = service(bakeTimeInMinutes=60)
    web.deploy()
    first = web.at("BAKE_TIME")["serviceDeploymentArn"]
    with refused("InvalidParameterException"):
        web.ecs.stop_service_deployment(serviceDeploymentArn=first, stopType="ABORT")
    web.ecs.stop_service_deployment(serviceDeploymentArn=first, stopType="ROLLBACK")
    web.ends("ROLLBACK_SUCCESSFUL")
    with refused("InvalidParameterException", "terminal states"):
        web.ecs.stop_service_deployment(serviceDeploymentArn=first)
    web.deploy(image="public.ecr.aws/nginx/nginx:1.29")
    second = web.at("BAKE_TIME")["serviceDeploymentArn"]
    web.deploy(image="public.ecr.aws/nginx/nginx:1.30")
    web.at("BAKE_TIME")
    found = web.ecs.describe_service_deployments(serviceDeploymentArns=[second])
    assert found["serviceDeployments"][0]["status"] == "STOPPED"
    stopped = web.ecs.list_service_deployments(
        cluster="main", service="web", status=["STOPPED", "ROLLBACK_SUCCESSFUL"]
    )
    assert {it["serviceDeploymentArn"] for it in stopped["serviceDeployments"]} == {first, second}


def test_what_is_refused_at_once(service):
    web = service()
    for change, text in [
        ({"lifecycleHooks": [{"targetType": "X"}]}, "Invalid targetType."),
        (
            {
                "lifecycleHooks": [
                    {"targetType": "PAUSE", "lifecycleStages": ["PRODUCTION_TRAFFIC_SHIFT"]}
                ]
            },
            "Invalid lifecycle stage provided for Pause Hook",
        ),
    ]:
        with refused("InvalidParameterException", text):
            web.ecs.update_service(
                cluster="main", service="web", deploymentConfiguration=change
            )
    with refused("InvalidParameterException", "advancedConfiguration field is required"):
        web.ecs.update_service(
            cluster="main",
            service="web",
            loadBalancers=[
                {"targetGroupArn": web.blue, "containerName": "app", "containerPort": 80}
            ],
        )

"""What the binary writes from manifests is what boto3 reads back, and is then left alone.

The documents hold as many members as one resource can sensibly have; boto3's models are AWS's own,
so a member that boto3 shows has gone through the real shapes in both directions.
"""

import json
import os
import subprocess

from conftest import BINARY, EXECUTION_ROLE, SECURITY_GROUP, SUBNETS, TASK_ROLE, VPC, connect

CONTAINER = {
    "name": "app",
    "image": "nginx:1",
    "cpu": 64,
    "memory": 256,
    "memoryReservation": 128,
    "portMappings": [
        {"containerPort": 80, "protocol": "tcp", "name": "web", "appProtocol": "http"},
        {"containerPort": 9000, "protocol": "tcp"},
    ],
    "essential": True,
    "restartPolicy": {"enabled": True, "ignoredExitCodes": [0, 2], "restartAttemptPeriod": 90},
    "entryPoint": ["/run"],
    "command": ["-v", "--all"],
    "environment": [{"name": name, "value": name.lower()} for name in ("Z", "A", "M", "B")],
    "secrets": [{"name": "TOKEN", "valueFrom": "arn:aws:ssm:us-east-1:123456789012:parameter/x"}],
    "mountPoints": [{"sourceVolume": "data", "containerPath": "/data", "readOnly": True}],
    "linuxParameters": {"initProcessEnabled": True, "capabilities": {"drop": ["MKNOD", "CHOWN"]}},
    "dependsOn": [{"containerName": "side", "condition": "START"}],
    "startTimeout": 20,
    "stopTimeout": 30,
    "user": "1000:1000",
    "workingDirectory": "/srv",
    "readonlyRootFilesystem": True,
    "dockerLabels": {"Some-Label": "Some Value"},
    "ulimits": [{"name": "nofile", "softLimit": 1024, "hardLimit": 4096}],
    "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/x", "awslogs-region": "us-east-1", "mode": "non-blocking"}},
    "healthCheck": {"command": ["CMD-SHELL", "true"], "interval": 10, "startPeriod": 5},
    "systemControls": [{"namespace": "net.core.somaxconn", "value": "1024"}],
}
TASK_DEFINITION = {
    "family": "web",
    "taskRoleArn": TASK_ROLE,
    "executionRoleArn": EXECUTION_ROLE,
    "networkMode": "awsvpc",
    "requiresCompatibilities": ["FARGATE"],
    "cpu": "512",
    "memory": "1024",
    "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
    "ephemeralStorage": {"sizeInGiB": 30},
    "volumes": [
        {
            "name": "data",
            "efsVolumeConfiguration": {
                "fileSystemId": "fs-1",
                "transitEncryption": "ENABLED",
                "authorizationConfig": {"accessPointId": "fsap-1", "iam": "ENABLED"},
            },
        }
    ],
    "containerDefinitions": [CONTAINER, {"name": "side", "image": "busybox:1", "essential": False}],
}
SERVICE = {
    "serviceName": "web",
    "desiredCount": 0,
    "launchType": "FARGATE",
    "platformVersion": "1.4.0",
    "availabilityZoneRebalancing": "DISABLED",
    "deploymentConfiguration": {
        "maximumPercent": 150,
        "minimumHealthyPercent": 50,
        "deploymentCircuitBreaker": {"enable": True, "rollback": True},
        "alarms": {"alarmNames": ["one", "two"], "rollback": True, "enable": True},
    },
    "networkConfiguration": {
        "awsvpcConfiguration": {"subnets": SUBNETS, "securityGroups": [SECURITY_GROUP], "assignPublicIp": "ENABLED"}
    },
    "healthCheckGracePeriodSeconds": 40,
    "enableECSManagedTags": True,
    "propagateTags": "SERVICE",
    "enableExecuteCommand": True,
    "tags": [{"key": "team", "value": "nova"}],
}
TARGET_GROUP = {
    "Protocol": "HTTP",
    "ProtocolVersion": "HTTP2",
    "Port": 80,
    "VpcId": VPC,
    "TargetType": "ip",
    "HealthCheckPath": "/health",
    "HealthCheckPort": "8080",
    "HealthCheckIntervalSeconds": 15,
    "HealthCheckTimeoutSeconds": 4,
    "HealthyThresholdCount": 3,
    "UnhealthyThresholdCount": 4,
    "Matcher": {"HttpCode": "200-299"},
}
CONDITIONS = [
    {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a/*", "/b"]}},
    {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Who", "Values": ["me"]}},
    {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "k", "Value": "v"}]}},
]
TRANSFORMS = [{"Type": "url-rewrite", "UrlRewriteConfig": {"Rewrites": [{"Regex": "^/a", "Replace": "/"}]}}]
LIFECYCLE = {
    "rules": [
        {
            "rulePriority": 1,
            "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 5},
            "action": {"type": "expire"},
        }
    ]
}
ATTRIBUTES = [{"Key": "deregistration_delay.timeout_seconds", "Value": "15"}]


def manifest(kind, name, spec, **beside):
    document = {"apiVersion": "evenkeel.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}
    return json.dumps({**document, **beside})


def manifests():
    balancers = [{"targetGroupRef": "web", "containerName": "app", "containerPort": 80}]
    actions = [{"Type": "forward", "TargetGroupRef": "web"}]
    return [
        manifest("Cluster", "main", {"settings": [{"name": "containerInsights", "value": "enhanced"}]}),
        manifest("TaskDefinition", "web", TASK_DEFINITION),
        manifest(
            "Service",
            "web",
            {**SERVICE, "clusterRef": "main", "taskDefinitionRef": "web", "loadBalancers": balancers},
        ),
        manifest("LoadBalancer", "front", {"Subnets": SUBNETS, "SecurityGroups": [SECURITY_GROUP]}),
        manifest("TargetGroup", "web", TARGET_GROUP, attributes=ATTRIBUTES),
        manifest("Listener", "http", {"LoadBalancerRef": "front", "Protocol": "HTTP", "Port": 80, "DefaultActions": actions}),
        manifest(
            "ListenerRule",
            "rule",
            {"ListenerRef": "http", "Priority": 7, "Conditions": CONDITIONS, "Actions": actions, "Transforms": TRANSFORMS},
        ),
        manifest(
            "ImageRepository",
            "web",
            {
                "repositoryName": "nova/web",
                "imageTagMutability": "IMMUTABLE",
                "imageScanningConfiguration": {"scanOnPush": True},
            },
            lifecyclePolicyText=LIFECYCLE,
        ),
    ]


def evenkeel(sandbox, region, folder, *arguments):
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_ENDPOINT_URL": sandbox.url,
        "AWS_REGION": region,
    }
    command = [str(BINARY), *arguments, "--source", str(folder)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def holds(live, declared, path=""):
    """Every declared member is live, whatever AWS adds and however it orders its lists."""
    if isinstance(declared, dict):
        for name, value in declared.items():
            assert name in live, f"{path}.{name} is absent of {live}"
            holds(live[name], value, f"{path}.{name}")
    elif isinstance(declared, list) and declared and isinstance(declared[0], dict):
        for index, value in enumerate(declared):
            assert any(fits(one, value) for one in live), f"{path}[{index}]: {value} is not in {live}"
    elif isinstance(declared, list) and path.rsplit(".", 1)[-1] in {"subnets", "Values"}:
        assert sorted(live) == sorted(declared), path
    else:
        assert live == declared, path


def fits(live, declared):
    try:
        holds(live, declared)
    except AssertionError:
        return False
    return True


def test_boto3_reads_back_what_the_manifests_say(hasty_sandbox, region, tmp_path):
    folder = tmp_path / "manifests"
    folder.mkdir()
    (folder / "all.yaml").write_text("\n---\n".join(manifests()))
    done = evenkeel(hasty_sandbox, region, folder, "sync")
    assert done.returncode == 0, done.stdout + done.stderr

    client = connect(hasty_sandbox, region)
    ecs, elb, ecr = client("ecs"), client("elbv2"), client("ecr")
    holds(ecs.describe_task_definition(taskDefinition="web")["taskDefinition"], TASK_DEFINITION)
    [service] = ecs.describe_services(cluster="main", services=["web"], include=["TAGS"])["services"]
    holds(service, SERVICE)
    [group] = elb.describe_target_groups(Names=["web"])["TargetGroups"]
    holds(group, TARGET_GROUP)
    attributes = elb.describe_target_group_attributes(TargetGroupArn=group["TargetGroupArn"])["Attributes"]
    holds({"Attributes": attributes}, {"Attributes": ATTRIBUTES})
    [balancer] = elb.describe_load_balancers(Names=["front"])["LoadBalancers"]
    [listener] = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    assert listener["DefaultActions"][0]["TargetGroupArn"] == group["TargetGroupArn"]
    rules = elb.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]
    [rule] = [rule for rule in rules if rule["Priority"] == "7"]
    holds(rule, {"Conditions": CONDITIONS})
    if "Transforms" in rule:  # boto3 older than the member leaves it out
        holds(rule, {"Transforms": TRANSFORMS})
    [repository] = ecr.describe_repositories(repositoryNames=["nova/web"])["repositories"]
    holds(repository, {"imageTagMutability": "IMMUTABLE", "imageScanningConfiguration": {"scanOnPush": True}})
    policy = ecr.get_lifecycle_policy(repositoryName="nova/web")["lifecyclePolicyText"]
    assert json.loads(policy) == LIFECYCLE

    again = evenkeel(hasty_sandbox, region, folder, "plan")
    assert again.returncode == 0, again.stdout + again.stderr

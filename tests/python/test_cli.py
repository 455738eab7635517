"""The aws CLI's own commands for a blue/green deployment, its pages, and its errors."""

import json

from helpers import blue_green, primary, weights

APPSPEC = """version: 0.0
Resources:
  - TargetService:
      Type: AWS::ECS::Service
      Properties:
        # The CLI puts the new task definition here.
        TaskDefinition: <TASK_DEFINITION>
        LoadBalancerInfo:
          ContainerName: "app"
          ContainerPort: 80
"""


def test_ecs_deploy(cli, client):
    """`aws ecs deploy` registers, deploys and waits."""
    arns = blue_green(client)
    ecs = client("ecs")
    definition = ecs.describe_task_definition(taskDefinition="web")["taskDefinition"]
    members = ("family", "networkMode", "requiresCompatibilities", "cpu", "memory")
    taskdef = {member: definition[member] for member in members}
    taskdef["executionRoleArn"] = definition["executionRoleArn"]
    taskdef["containerDefinitions"] = definition["containerDefinitions"]
    (cli.folder / "taskdef.json").write_text(json.dumps(taskdef))
    (cli.folder / "appspec.yaml").write_text(APPSPEC)
    printed = cli(
        "ecs", "deploy", "--cluster", "c", "--service", "web", "--task-definition", "taskdef.json",
        "--codedeploy-appspec", "appspec.yaml",
    )  # fmt: skip
    assert "Successfully deployed" in printed
    assert primary(ecs)["taskDefinition"].endswith("task-definition/web:2")
    assert weights(client("elbv2"), arns["production"]) == {"blue": 0, "green": 100}


def test_errors_name_code_operation_and_message(cli):
    error = cli.refused("deploy", "get-application", "--application-name", "none")
    assert "(ApplicationDoesNotExistException) when calling the GetApplication operation" in error
    error = cli.refused("elbv2", "describe-target-groups", "--names", "none")
    assert "(TargetGroupNotFound) when calling the DescribeTargetGroups operation" in error
    error = cli.refused("ecs", "describe-services", "--cluster", "none", "--services", "web")
    assert "ClusterNotFoundException" in error
    assert "Cluster not found." in error
    error = cli.refused("ecr", "describe-images", "--repository-name", "none")
    assert "RepositoryNotFoundException" in error
    error = cli.refused("ssm", "get-parameter", "--name", "none")
    assert "ParameterNotFound" in error


def test_the_cli_pages_by_itself(cli, client):
    ecr = client("ecr")
    for number in range(5):
        ecr.create_repository(repositoryName=f"app{number}")
    found = cli("ecr", "describe-repositories", "--page-size", "2")
    assert len(found["repositories"]) == 5

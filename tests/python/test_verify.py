"""What `evenkeel verify` reads of EC2, IAM, CloudWatch Logs and Secrets Manager, as boto3 reads it."""

import pytest

from conftest import ACCOUNT, SECURITY_GROUP, SUBNETS, VPC, connect, running
from helpers import load_balancer, refused

ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/app"
OTHER_VPC = "vpc-0123456789abcdef1"

SEED = {
    "apiVersion": "evenkeel.dev/v1alpha1",
    "kind": "SandboxSeed",
    "metadata": {"name": "verify"},
    "spec": {
        "vpcs": [VPC, OTHER_VPC],
        "subnets": [
            {"id": SUBNETS[0], "vpc": VPC, "zone": "a", "cidr": "10.0.1.0/24"},
            {"id": SUBNETS[1], "vpc": OTHER_VPC, "zone": "b", "cidr": "10.1.1.0/24"},
        ],
        "securityGroups": [
            {
                "id": SECURITY_GROUP,
                "vpc": VPC,
                "ingress": [
                    {"port": 80, "source": "10.0.0.0/8"},
                    {"port": 443, "source": "sg-0123abcd"},
                ],
            }
        ],
        "roles": [
            {
                "arn": ROLE,
                "trusts": ["ecs-tasks.amazonaws.com"],
                "denies": ["logs:CreateLogGroup"],
            },
            f"arn:aws:iam::{ACCOUNT}:role/plain",
        ],
        "logGroups": ["/ecs/a", {"name": "/ecs/far", "region": "eu-central-1"}],
        "secrets": ["prod/db"],
    },
}


@pytest.fixture(scope="module")
def seeded(tmp_path_factory):
    """A sandbox of its own: roles are closed in all regions."""
    with running(tmp_path_factory.mktemp("verify"), 1) as sandbox:
        sandbox.post("seed?region=us-east-1", SEED)
        yield sandbox


@pytest.fixture
def make(seeded):
    return connect(seeded, "us-east-1")


def test_subnets(make):
    ec2 = make("ec2")
    by_id = ec2.describe_subnets(SubnetIds=[SUBNETS[0]])["Subnets"][0]
    assert by_id["VpcId"] == VPC
    assert by_id["AvailabilityZone"] == "us-east-1a"
    assert by_id["CidrBlock"] == "10.0.1.0/24"
    assert by_id["State"] == "available"
    assert by_id["AvailableIpAddressCount"] == 251
    assert by_id["MapPublicIpOnLaunch"] is False
    with refused("InvalidSubnetID.NotFound", "subnet-gone"):
        ec2.describe_subnets(SubnetIds=["subnet-gone"])
    some = [{"Name": "subnet-id", "Values": [SUBNETS[1], "subnet-gone"]}]
    assert [s["SubnetId"] for s in ec2.describe_subnets(Filters=some)["Subnets"]] == [SUBNETS[1]]
    of_vpc = [{"Name": "vpc-id", "Values": [VPC]}]
    assert [s["SubnetId"] for s in ec2.describe_subnets(Filters=of_vpc)["Subnets"]] == [SUBNETS[0]]
    none = [{"Name": "subnet-id", "Values": ["subnet-gone"]}]
    assert ec2.describe_subnets(Filters=none)["Subnets"] == []


def test_security_groups_and_vpcs(make):
    ec2 = make("ec2")
    group = ec2.describe_security_groups(GroupIds=[SECURITY_GROUP])["SecurityGroups"][0]
    assert group["VpcId"] == VPC
    by_range, by_group = group["IpPermissions"]
    assert (by_range["IpProtocol"], by_range["FromPort"], by_range["ToPort"]) == ("tcp", 80, 80)
    assert by_range["IpRanges"] == [{"CidrIp": "10.0.0.0/8"}]
    assert by_group["UserIdGroupPairs"] == [{"GroupId": "sg-0123abcd", "UserId": ACCOUNT}]
    assert group["IpPermissionsEgress"][0]["IpProtocol"] == "-1"
    with refused("InvalidGroup.NotFound"):
        ec2.describe_security_groups(GroupIds=["sg-gone"])
    assert {v["VpcId"] for v in ec2.describe_vpcs()["Vpcs"]} == {VPC, OTHER_VPC}
    with refused("InvalidVpcID.NotFound"):
        ec2.describe_vpcs(VpcIds=["vpc-0123456789abcdef2"])
    with refused("InvalidAction"):
        ec2.describe_key_pairs()


def test_a_load_balancer_is_in_the_vpc_and_zones_of_its_subnets(make):
    elb = make("elbv2")
    load_balancer(elb)
    found = elb.describe_load_balancers()["LoadBalancers"][0]
    assert found["VpcId"] == VPC
    zones = [zone["ZoneName"] for zone in found["AvailabilityZones"]]
    assert zones == ["us-east-1a", "us-east-1b"]


def test_roles(make):
    iam = make("iam")
    role = iam.get_role(RoleName="app")["Role"]
    assert role["Arn"] == ROLE
    assert role["Path"] == "/team/"
    # botocore takes the policy out of its escapes.
    statement = role["AssumeRolePolicyDocument"]["Statement"][0]
    assert statement["Principal"] == {"Service": ["ecs-tasks.amazonaws.com"]}
    assert statement["Action"] == "sts:AssumeRole"
    with pytest.raises(iam.exceptions.NoSuchEntityException) as caught:
        iam.get_role(RoleName="gone")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    simulated = iam.simulate_principal_policy(
        PolicySourceArn=ROLE, ActionNames=["logs:CreateLogGroup", "logs:PutLogEvents"]
    )
    decisions = {r["EvalActionName"]: r["EvalDecision"] for r in simulated["EvaluationResults"]}
    assert decisions == {"logs:CreateLogGroup": "implicitDeny", "logs:PutLogEvents": "allowed"}


def test_log_groups(make, seeded):
    logs = make("logs")
    assert logs.describe_log_groups(logGroupNamePrefix="/ecs/")["logGroups"][0]["arn"].endswith(
        ":log-group:/ecs/a:*"
    )
    for number in range(60):
        logs.create_log_group(logGroupName=f"/many/{number:02}")
    with refused("ResourceAlreadyExistsException"):
        logs.create_log_group(logGroupName="/many/00")
    pages = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix="/many/")
    names = [[group["logGroupName"] for group in page["logGroups"]] for page in pages]
    assert [len(page) for page in names] == [50, 10]
    far = connect(seeded, "eu-central-1")("logs").describe_log_groups()["logGroups"]
    assert [group["logGroupName"] for group in far] == ["/ecs/far"]


def test_secrets_without_values(make):
    secrets = make("secretsmanager")
    found = secrets.describe_secret(SecretId="prod/db")
    assert found["Name"] == "prod/db"
    assert secrets.describe_secret(SecretId=found["ARN"])["ARN"] == found["ARN"]
    assert ["AWSCURRENT"] in found["VersionIdsToStages"].values()
    with refused("ResourceNotFoundException"):
        secrets.describe_secret(SecretId="gone")


def test_parameters_are_described_without_values(make):
    ssm = make("ssm")
    ssm.put_parameter(Name="/app/a", Value="1", Type="String")
    by_name = [{"Key": "Name", "Option": "Equals", "Values": ["/app/a", "/app/gone"]}]
    found = ssm.describe_parameters(ParameterFilters=by_name)["Parameters"]
    assert [parameter["Name"] for parameter in found] == ["/app/a"]
    assert "Value" not in found[0]

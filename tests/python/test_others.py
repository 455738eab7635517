"""Systems Manager Parameter Store, STS, and what the sandbox does not have."""

import pytest
from botocore.exceptions import ClientError

from conftest import ACCOUNT, connect
from helpers import refused


def test_parameters(client):
    ssm = client("ssm")
    made = ssm.put_parameter(Name="/app/a", Value="1", Type="String")
    assert made["Version"] == 1
    with refused("ParameterAlreadyExists"):
        ssm.put_parameter(Name="/app/a", Value="2", Type="String")
    assert (
        ssm.put_parameter(Name="/app/a", Value="2", Type="String", Overwrite=True)["Version"] == 2
    )
    assert ssm.get_parameter(Name="/app/a")["Parameter"]["Value"] == "2"
    assert ssm.get_parameter(Name="/app/a:1")["Parameter"]["Value"] == "1"
    with refused("ParameterNotFound"):
        ssm.get_parameter(Name="/app/b")
    found = ssm.get_parameters(Names=["/app/a", "/app/b"])
    assert [p["Name"] for p in found["Parameters"]] == ["/app/a"]
    assert found["InvalidParameters"] == ["/app/b"]


def test_parameters_by_path_come_by_ten(client):
    ssm = client("ssm")
    for number in range(13):
        ssm.put_parameter(Name=f"/app/{number:02}", Value="x", Type="String")
    ssm.put_parameter(Name="/app/deep/er", Value="x", Type="String")
    pages = ssm.get_paginator("get_parameters_by_path")
    flat = [p["Name"] for page in pages.paginate(Path="/app") for p in page["Parameters"]]
    assert len(flat) == 13
    every = list(pages.paginate(Path="/app", Recursive=True))
    assert max(len(page["Parameters"]) for page in every) <= 10
    assert sum(len(page["Parameters"]) for page in every) == 14
    with refused("ValidationException"):
        ssm.get_parameters_by_path(Path="/app", MaxResults=11)


def test_caller_identity(client, cli):
    found = client("sts").get_caller_identity()
    assert found["Account"] == ACCOUNT
    assert found["Arn"].startswith("arn:aws:")
    assert cli("sts", "get-caller-identity")["Account"] == ACCOUNT


@pytest.mark.parametrize(
    ("service", "method", "operation"),
    [
        ("codedeploy", "list_on_premises_instances", "ListOnPremisesInstances"),
        ("ecr", "get_signing_configuration", "GetSigningConfiguration"),
        ("elbv2", "describe_trust_stores", "DescribeTrustStores"),
        ("ssm", "list_documents", "ListDocuments"),
        ("sts", "get_session_token", "GetSessionToken"),
    ],
)
def test_an_operation_that_is_missing_is_named(client, service, method, operation):
    connected = client(service)
    if not hasattr(connected, method):
        pytest.skip(f"this boto3 has no {service} {method}")
    with pytest.raises(ClientError) as caught:
        getattr(connected, method)()
    answer = caught.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] < 500
    assert operation in answer["Error"]["Message"]


def test_regions_are_separate(sandbox, client, region):
    client("ecs").create_cluster(clusterName="here")
    elsewhere = connect(sandbox, f"{region}9")("ecs")
    assert elsewhere.list_clusters()["clusterArns"] == []

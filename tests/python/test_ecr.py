"""Amazon ECR as boto3 sees it."""

import pytest
from botocore.exceptions import ClientError

from conftest import ACCOUNT
from helpers import refused


def push(sandbox, region, *tags, **more):
    image = {"repository": "app", "tags": list(tags), "region": region, **more}
    return sandbox.post("images", image)["digest"]


def test_a_repository_has_the_documented_defaults(client, region):
    ecr = client("ecr")
    made = ecr.create_repository(repositoryName="team/app")["repository"]
    assert made["repositoryUri"] == f"{ACCOUNT}.dkr.ecr.{region}.amazonaws.com/team/app"
    assert made["repositoryArn"] == f"arn:aws:ecr:{region}:{ACCOUNT}:repository/team/app"
    assert made["imageTagMutability"] == "MUTABLE"
    assert made["imageScanningConfiguration"] == {"scanOnPush": False}
    assert made["encryptionConfiguration"] == {"encryptionType": "AES256"}
    with refused("RepositoryAlreadyExistsException"):
        ecr.create_repository(repositoryName="team/app")
    with refused("RepositoryNotFoundException"):
        ecr.describe_repositories(repositoryNames=["none"])
    with refused("InvalidParameterException"):
        ecr.create_repository(repositoryName="Team/App")


def test_tags_lead_to_digests(client, sandbox, region):
    ecr = client("ecr")
    ecr.create_repository(repositoryName="app")
    digest = push(sandbox, region, "1.0.0", "latest")
    found = ecr.batch_get_image(
        repositoryName="app", imageIds=[{"imageTag": "1.0.0"}, {"imageTag": "2.0.0"}]
    )
    (image,) = found["images"]
    assert image["imageId"] == {"imageDigest": digest, "imageTag": "1.0.0"}
    (failure,) = found["failures"]
    assert failure["failureCode"] == "ImageNotFound"
    assert failure["failureReason"] == "Requested image not found"
    (detail,) = ecr.describe_images(repositoryName="app")["imageDetails"]
    assert detail["imageDigest"] == digest
    assert sorted(detail["imageTags"]) == ["1.0.0", "latest"]
    with refused(
        "ImageNotFoundException",
        "The image with imageId {imageDigest:'null', imageTag:'v9'} does not exist within the "
        f"repository with name 'app' in the registry with id '{ACCOUNT}'",
    ):
        ecr.describe_images(repositoryName="app", imageIds=[{"imageTag": "v9"}])


def test_a_moved_tag_leads_to_the_new_digest(client, sandbox, region):
    ecr = client("ecr")
    ecr.create_repository(repositoryName="app")
    first = push(sandbox, region, "latest", build="1")
    second = push(sandbox, region, "latest", build="2")
    assert first != second
    found = ecr.batch_get_image(repositoryName="app", imageIds=[{"imageTag": "latest"}])
    assert found["images"][0]["imageId"]["imageDigest"] == second
    tagged = {
        d["imageDigest"]: d.get("imageTags", [])
        for d in ecr.describe_images(repositoryName="app")["imageDetails"]
    }
    assert tagged == {first: [], second: ["latest"]}


def test_policies(client):
    ecr = client("ecr")
    ecr.create_repository(repositoryName="app")
    with refused("LifecyclePolicyNotFoundException"):
        ecr.get_lifecycle_policy(repositoryName="app")
    with refused("RepositoryPolicyNotFoundException"):
        ecr.get_repository_policy(repositoryName="app")
    text = (
        '{"rules":[{"rulePriority":1,"selection":{"tagStatus":"any","countType":'
        '"imageCountMoreThan","countNumber":10},"action":{"type":"expire"}}]}'
    )
    ecr.put_lifecycle_policy(repositoryName="app", lifecyclePolicyText=text)
    found = ecr.get_lifecycle_policy(repositoryName="app")
    assert "imageCountMoreThan" in found["lifecyclePolicyText"]
    ecr.put_image_tag_mutability(repositoryName="app", imageTagMutability="IMMUTABLE")
    (found,) = ecr.describe_repositories(repositoryNames=["app"])["repositories"]
    assert found["imageTagMutability"] == "IMMUTABLE"


def test_deleting_a_repository_with_images_needs_force(client, sandbox, region):
    ecr = client("ecr")
    ecr.create_repository(repositoryName="app")
    push(sandbox, region, "1")
    with refused("RepositoryNotEmptyException"):
        ecr.delete_repository(repositoryName="app")
    ecr.delete_repository(repositoryName="app", force=True)
    with pytest.raises(ClientError, match="RepositoryNotFoundException"):
        ecr.describe_images(repositoryName="app")


def test_pages(client):
    ecr = client("ecr")
    for number in range(5):
        ecr.create_repository(repositoryName=f"app{number}")
    pages = ecr.get_paginator("describe_repositories").paginate(PaginationConfig={"PageSize": 2})
    counts = [len(page["repositories"]) for page in pages]
    assert sum(counts) == 5
    assert max(counts) == 2

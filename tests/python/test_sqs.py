"""Amazon SQS as boto3 speaks to it: long poll, visibility, refusals, and the region's own events."""

import json
import time

import pytest
from botocore.exceptions import ClientError

from conftest import ACCOUNT, SPEED
from helpers import refused


@pytest.fixture
def queue(client, region):
    """A queue's client and URL."""
    sqs = client("sqs")
    url = sqs.create_queue(QueueName="wake")["QueueUrl"]
    assert url == f"https://sqs.{region}.amazonaws.com/{ACCOUNT}/wake"
    return sqs, url


def test_a_message_goes_through(queue):
    sqs, url = queue
    assert sqs.get_queue_url(QueueName="wake")["QueueUrl"] == url
    sent = sqs.send_message(QueueUrl=url, MessageBody="This is a test message")
    assert sent["MD5OfMessageBody"] == "fafb00f5732ab283681e124bf8747ed1"
    received = sqs.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"][0]
    assert received["Body"] == "This is a test message"
    assert received["MessageId"] == sent["MessageId"]
    assert received["Attributes"]["ApproximateReceiveCount"] == "1"
    # It is hidden, and an answer without messages has no list.
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=received["ReceiptHandle"])
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert counts["ApproximateNumberOfMessages"] == "0"
    assert counts["ApproximateNumberOfMessagesNotVisible"] == "0"
    assert counts["VisibilityTimeout"] == "30"
    assert counts["QueueArn"].endswith(f":{ACCOUNT}:wake")


def test_a_long_poll_waits_and_no_longer_than_it_must(queue):
    sqs, url = queue
    start = time.monotonic()
    assert "Messages" not in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)
    # 20 simulated seconds; only that it waited at all is told from here.
    assert time.monotonic() - start > 10 / SPEED
    sqs.send_message(QueueUrl=url, MessageBody="x", DelaySeconds=5)
    found = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20, VisibilityTimeout=0)
    assert found["Messages"][0]["Body"] == "x"


def test_batches(queue):
    sqs, url = queue
    for number in range(3):
        sqs.send_message(QueueUrl=url, MessageBody=str(number))
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert [message["Body"] for message in messages] == ["0", "1", "2"]
    entries = [
        {"Id": str(at), "ReceiptHandle": message["ReceiptHandle"]}
        for at, message in enumerate(messages)
    ]
    done = sqs.delete_message_batch(
        QueueUrl=url, Entries=[*entries, {"Id": "bad", "ReceiptHandle": "nonsense"}]
    )
    assert [entry["Id"] for entry in done["Successful"]] == ["0", "1", "2"]
    assert done["Failed"][0]["Id"] == "bad"
    assert done["Failed"][0]["SenderFault"] is True
    with refused("AWS.SimpleQueueService.BatchEntryIdsNotDistinct"):
        sqs.delete_message_batch(QueueUrl=url, Entries=[entries[0], entries[0]])


def test_refusals_have_the_codes_by_which_boto3_knows_them(queue):
    sqs, url = queue
    for call in (
        lambda: sqs.get_queue_url(QueueName="none"),
        lambda: sqs.receive_message(QueueUrl=url.replace("wake", "none")),
    ):
        with refused("AWS.SimpleQueueService.NonExistentQueue"):
            call()
        with pytest.raises(sqs.exceptions.QueueDoesNotExist):
            call()
    with refused("InvalidParameterValue", "Must be between 1 and 10"):
        sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=11)
    with pytest.raises(sqs.exceptions.ReceiptHandleIsInvalid):
        sqs.delete_message(QueueUrl=url, ReceiptHandle="nonsense")
    with refused("QueueAlreadyExists"):
        sqs.create_queue(QueueName="wake", Attributes={"DelaySeconds": "1"})
    sqs.create_queue(QueueName="wake", Attributes={"DelaySeconds": "0"})
    sqs.delete_queue(QueueUrl=url)
    with pytest.raises(ClientError):
        sqs.delete_queue(QueueUrl=url)


def test_a_push_is_an_event_in_a_queue_that_was_told_to_take_it(sandbox, client, region):
    made = sandbox.post("queues", {"name": "wake", "events": True, "region": region})
    client("ecr").create_repository(repositoryName="web")
    image = {"repository": "web", "tags": ["1"], "region": region}
    digest = sandbox.post("images", image)["digest"]
    found = client("sqs").receive_message(QueueUrl=made["url"], WaitTimeSeconds=20)
    event = json.loads(found["Messages"][0]["Body"])
    assert event["detail-type"] == "ECR Image Action"
    assert event["source"] == "aws.ecr"
    assert (event["account"], event["region"]) == (ACCOUNT, region)
    assert event["detail"] == {
        "result": "SUCCESS",
        "repository-name": "web",
        "image-digest": digest,
        "action-type": "PUSH",
        "image-tag": "1",
    }

//! Queues by their operations, and the events that go into them.

use serde_json::json;

use super::super::{Sandbox, ecr};
use super::*;

const URL: &str = "https://sqs.us-east-1.amazonaws.com/123456789012/wake";

fn world() -> World {
    let mut world = World::new("us-east-1", 1_767_225_600_000);
    call(&mut world, "CreateQueue", &json!({"QueueName": "wake"}));
    world
}

fn call(world: &mut World, name: &str, request: &Value) -> Value {
    (operation(name).unwrap().0)(world, request).unwrap_or_else(|error| panic!("{name}: {error:?}"))
}

fn refused(world: &mut World, name: &str, request: &Value) -> (String, String) {
    let error = (operation(name).unwrap().0)(world, request).unwrap_err();
    (error.code, error.message)
}

fn send(world: &mut World, body: &str) {
    call(
        world,
        "SendMessage",
        &json!({"QueueUrl": URL, "MessageBody": body}),
    );
}

/// What is received: bodies and handles.
fn receive(world: &mut World, most: usize) -> Vec<(String, String)> {
    let answer = call(
        world,
        "ReceiveMessage",
        &json!({"QueueUrl": URL, "MaxNumberOfMessages": most}),
    );
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    input::list(&answer, "Messages")
        .iter()
        .map(|message| (text(&message["Body"]), text(&message["ReceiptHandle"])))
        .collect()
}

fn counts(world: &mut World) -> [String; 3] {
    let input = json!({"QueueUrl": URL, "AttributeNames": ["All"]});
    let answer = call(world, "GetQueueAttributes", &input);
    ["", "NotVisible", "Delayed"].map(|what| {
        let name = format!("ApproximateNumberOfMessages{what}");
        answer["Attributes"][name].as_str().unwrap().to_owned()
    })
}

#[test]
fn a_message_is_hidden_until_its_timeout_or_its_deletion() {
    let mut world = world();
    send(&mut world, "one");
    send(&mut world, "two");
    let first = receive(&mut world, 1);
    assert_eq!(first[0].0, "one");
    assert_eq!(counts(&mut world), ["1", "1", "0"]);
    let both = receive(&mut world, 10);
    assert_eq!(both.len(), 1);
    assert!(receive(&mut world, 10).is_empty());
    world.now += 30_000;
    let again = receive(&mut world, 10);
    assert_eq!(again.len(), 2);
    // The handle of the earlier receive deletes nothing any more.
    call(
        &mut world,
        "DeleteMessage",
        &json!({"QueueUrl": URL, "ReceiptHandle": first[0].1}),
    );
    assert_eq!(counts(&mut world), ["0", "2", "0"]);
    let entries = json!([
        {"Id": "a", "ReceiptHandle": again[0].1},
        {"Id": "b", "ReceiptHandle": "nonsense"}
    ]);
    let answer = call(
        &mut world,
        "DeleteMessageBatch",
        &json!({"QueueUrl": URL, "Entries": entries}),
    );
    assert_eq!(answer["Successful"], json!([{"Id": "a"}]));
    assert_eq!(answer["Failed"][0]["Code"], "ReceiptHandleIsInvalid");
    assert_eq!(counts(&mut world), ["0", "1", "0"]);
    // Twice is no error.
    call(
        &mut world,
        "DeleteMessage",
        &json!({"QueueUrl": URL, "ReceiptHandle": again[0].1}),
    );
    world.now += 345_600_000;
    assert_eq!(counts(&mut world), ["0", "0", "0"], "older than it is kept");
}

#[test]
fn what_clients_check_is_there() {
    let mut world = world();
    let sent = call(
        &mut world,
        "SendMessage",
        &json!({"QueueUrl": URL, "MessageBody": "This is a test message"}),
    );
    // The example of the SQS API reference, `SendMessage`.
    assert_eq!(sent["MD5OfMessageBody"], "fafb00f5732ab283681e124bf8747ed1");
    let input =
        json!({"QueueUrl": URL, "MessageSystemAttributeNames": ["ApproximateReceiveCount"]});
    let answer = call(&mut world, "ReceiveMessage", &input);
    let message = &answer["Messages"][0];
    assert_eq!(message["MD5OfBody"], sent["MD5OfMessageBody"]);
    assert_eq!(message["MessageId"], sent["MessageId"]);
    assert_eq!(
        message["Attributes"],
        json!({"ApproximateReceiveCount": "1"})
    );
}

#[test]
fn a_poll_waits_for_a_message_and_not_for_a_refusal() {
    let mut world = world();
    let waits = |world: &mut World, input: Value| patience(world, &input);
    let long = json!({"QueueUrl": URL, "WaitTimeSeconds": 20});
    assert_eq!(waits(&mut world, long.clone()), 20_000);
    assert_eq!(
        waits(&mut world, json!({"QueueUrl": URL})),
        0,
        "the queue's default"
    );
    assert_eq!(
        waits(&mut world, json!({"QueueUrl": URL, "WaitTimeSeconds": 21})),
        0
    );
    assert_eq!(
        waits(
            &mut world,
            json!({"QueueUrl": "x/none", "WaitTimeSeconds": 20})
        ),
        0
    );
    send(&mut world, "one");
    assert_eq!(waits(&mut world, long.clone()), 0);
    receive(&mut world, 1);
    assert_eq!(waits(&mut world, long), 20_000, "it is hidden");
}

#[test]
fn refusals() {
    let mut world = world();
    let none = json!({"QueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/none"});
    for name in [
        "ReceiveMessage",
        "GetQueueAttributes",
        "DeleteQueue",
        "DeleteMessageBatch",
    ] {
        assert_eq!(
            refused(&mut world, name, &none).0,
            "QueueDoesNotExist",
            "{name}"
        );
    }
    assert_eq!(
        refused(&mut world, "GetQueueUrl", &json!({"QueueName": "none"})).0,
        "QueueDoesNotExist"
    );
    for (name, input, code, text) in [
        (
            "ReceiveMessage",
            json!({"MaxNumberOfMessages": 11}),
            "InvalidParameterValueException",
            "Must be between 1 and 10",
        ),
        (
            "ReceiveMessage",
            json!({"WaitTimeSeconds": 21}),
            "InvalidParameterValueException",
            "WaitTimeSeconds",
        ),
        (
            "ReceiveMessage",
            json!({"VisibilityTimeout": -1}),
            "InvalidParameterValueException",
            "VisibilityTimeout",
        ),
        (
            "SendMessage",
            json!({}),
            "MissingRequiredParameterException",
            "MessageBody",
        ),
        (
            "SendMessage",
            json!({"MessageBody": "\u{1}"}),
            "InvalidMessageContents",
            "Invalid characters",
        ),
        (
            "SendMessage",
            json!({"MessageBody": "x".repeat(1_048_577)}),
            "InvalidParameterValueException",
            "shorter than 1048576",
        ),
        (
            "SendMessage",
            json!({"MessageBody": "x", "MessageAttributes": {}}),
            "UnsupportedOperation",
            "attributes",
        ),
        (
            "DeleteMessage",
            json!({"ReceiptHandle": "x"}),
            "ReceiptHandleIsInvalid",
            "x",
        ),
        (
            "DeleteMessageBatch",
            json!({"Entries": []}),
            "EmptyBatchRequest",
            "at least one",
        ),
        (
            "DeleteMessageBatch",
            json!({"Entries": [{"Id": "a"}, {"Id": "a"}]}),
            "BatchEntryIdsNotDistinct",
            "Id a",
        ),
        (
            "DeleteMessageBatch",
            json!({"Entries": [{"Id": "a b"}]}),
            "InvalidBatchEntryId",
            "80",
        ),
        (
            "DeleteMessageBatch",
            json!({"Entries": vec![json!({"Id": "a"}); 11]}),
            "TooManyEntriesInBatchRequest",
            "11",
        ),
        (
            "GetQueueAttributes",
            json!({"AttributeNames": ["Colour"]}),
            "InvalidAttributeName",
            "Colour",
        ),
        (
            "CreateQueue",
            json!({"QueueName": "a.b"}),
            "InvalidParameterValueException",
            "alphanumeric",
        ),
        (
            "CreateQueue",
            json!({"QueueName": "a.fifo"}),
            "UnsupportedOperation",
            "FIFO",
        ),
        (
            "CreateQueue",
            json!({"QueueName": "a", "Attributes": {"Colour": "1"}}),
            "InvalidAttributeName",
            "Colour",
        ),
        (
            "CreateQueue",
            json!({"QueueName": "a", "Attributes": {"DelaySeconds": "901"}}),
            "InvalidAttributeValue",
            "DelaySeconds",
        ),
        (
            "CreateQueue",
            json!({"QueueName": "wake", "Attributes": {"DelaySeconds": "1"}}),
            "QueueNameExists",
            "DelaySeconds",
        ),
    ] {
        let mut input = input;
        if name != "CreateQueue" {
            input["QueueUrl"] = URL.into();
        }
        let (found, message) = refused(&mut world, name, &input);
        assert_eq!(found, code, "{name}: {message}");
        assert!(message.contains(text), "{name}: {message}");
    }
}

#[test]
fn a_push_is_told_to_the_queues_that_take_events_and_to_no_other() {
    let mut sandbox = Sandbox::new(1_767_225_600_500);
    let seed = json!({
        "apiVersion": "evenkeel.dev/v1alpha1", "kind": "SandboxSeed", "metadata": {"name": "x"},
        "spec": {
            "images": [{"repository": "nova/a", "tags": ["1"], "createRepository": true}],
            "queues": [{"name": "wake", "events": true}, {"name": "other"}]
        }
    });
    sandbox.seed("us-east-1", &seed).unwrap();
    let world = sandbox.region("us-east-1");
    assert_eq!(
        counts(world),
        ["0", "0", "0"],
        "what was there from the start is no news"
    );
    let image = ecr::NewImage {
        repository: "nova/a".to_owned(),
        tags: vec!["2".to_owned()],
        ..ecr::NewImage::default()
    };
    let digest = ecr::push(world, image).unwrap();
    let told: Value = serde_json::from_str(&receive(world, 10)[0].0).unwrap();
    assert_eq!(
        told,
        json!({
            "version": "0",
            "id": told["id"],
            "detail-type": "ECR Image Action",
            "source": "aws.ecr",
            "account": "123456789012",
            "time": "2026-01-01T00:00:00Z",
            "region": "us-east-1",
            "resources": [],
            "detail": {
                "result": "SUCCESS", "repository-name": "nova/a", "image-digest": digest,
                "action-type": "PUSH", "image-tag": "2"
            }
        })
    );
    let (delete, _) = ecr::operation("BatchDeleteImage").unwrap();
    delete(
        world,
        &json!({"repositoryName": "nova/a", "imageIds": [{"imageTag": "2"}]}),
    )
    .unwrap();
    let told: Value = serde_json::from_str(&receive(world, 10)[0].0).unwrap();
    assert_eq!(told["detail"]["action-type"], "DELETE");
    let other = json!({"QueueUrl": "x/other"});
    assert_eq!(call(world, "ReceiveMessage", &other), json!({}));
}

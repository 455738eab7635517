//! Queues and their attributes.

use serde_json::{Map, Value, json};

use super::super::{ACCOUNT, AwsError, Time, World, input};
use super::{Queue, refuse, url};

/// An attribute that can be set.
struct Attribute {
    name: &'static str,
    default: Option<&'static str>,
    /// The least and the most, of a number.
    bounds: Option<(i64, i64)>,
}

const fn attribute(
    name: &'static str,
    default: Option<&'static str>,
    bounds: Option<(i64, i64)>,
) -> Attribute {
    Attribute {
        name,
        default,
        bounds,
    }
}

/// The attributes that can be set, their defaults and their bounds (SQS API reference,
/// `SetQueueAttributes`).
const ATTRIBUTES: [Attribute; 8] = [
    attribute("DelaySeconds", Some("0"), Some((0, 900))),
    attribute(
        "MaximumMessageSize",
        Some("1048576"),
        Some((1024, 1_048_576)),
    ),
    attribute(
        "MessageRetentionPeriod",
        Some("345600"),
        Some((60, 1_209_600)),
    ),
    attribute("Policy", None, None),
    attribute("ReceiveMessageWaitTimeSeconds", Some("0"), Some((0, 20))),
    attribute("SqsManagedSseEnabled", Some("true"), None),
    attribute("VisibilityTimeout", Some("30"), Some((0, 43_200))),
    attribute("KmsMasterKeyId", None, None),
];

/// The attributes that follow from the queue's state.
const FOLLOWING: [&str; 6] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
];

/// The default of an attribute.
pub(super) fn default(name: &str) -> Option<&'static str> {
    let found = ATTRIBUTES.iter().find(|known| known.name == name);
    found.and_then(|known| known.default)
}

/// Refuses what is no queue's name.
pub(in super::super) fn check(name: &str) -> Result<(), AwsError> {
    if name.strip_suffix(".fifo").is_some() {
        return Err(refuse::not_simulated("FIFO queues"));
    }
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if (1..=80).contains(&name.len()) && name.bytes().all(fits) {
        return Ok(());
    }
    Err(refuse::invalid(
        "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
    ))
}

/// `CreateQueue`: a queue that is there with the same attributes is answered, not refused.
pub(super) fn create(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let name = input::filled(input, "QueueName").ok_or_else(|| refuse::missing("QueueName"))?;
    check(name)?;
    let now = world.now;
    let mut queue = Queue::new(now);
    let attributes = input.get("Attributes").and_then(Value::as_object);
    for (attribute, value) in attributes.into_iter().flatten() {
        let text = value.as_str().unwrap_or_default();
        let known = ATTRIBUTES.iter().find(|known| known.name == attribute);
        let Some(known) = known else {
            let message = format!("Unknown Attribute {attribute}.");
            return Err(AwsError::new("InvalidAttributeName", message));
        };
        let number = text.parse::<i64>().ok();
        if known.bounds.is_some_and(|(least, most)| {
            number.is_none_or(|number| number < least || number > most)
        }) {
            let message = format!("Invalid value for the parameter {attribute}.");
            return Err(AwsError::new("InvalidAttributeValue", message));
        }
        queue.attributes.insert(attribute.clone(), text.to_owned());
    }
    if let Some(known) = world.sqs.queues.get(name) {
        let differs = queue.attributes.iter().find(|(attribute, value)| {
            let set = known.attributes.get(*attribute).map(String::as_str);
            set.or_else(|| default(attribute)) != Some(value)
        });
        if let Some((attribute, _)) = differs {
            return Err(AwsError::new(
                "QueueNameExists",
                format!(
                    "A queue already exists with the same name and a different value for attribute {attribute}"
                ),
            ));
        }
    } else {
        world.sqs.queues.insert(name.to_owned(), queue);
    }
    Ok(json!({ "QueueUrl": url(&world.region, name) }))
}

/// `DeleteQueue`: with all its messages; one that is not there is refused.
pub(super) fn delete(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let name = world.sqs.named(input)?.0.to_owned();
    world.sqs.queues.remove(&name);
    Ok(json!({}))
}

/// `GetQueueUrl`.
pub(super) fn url_of(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let name = input::filled(input, "QueueName").ok_or_else(|| refuse::missing("QueueName"))?;
    let owner = input::filled(input, "QueueOwnerAWSAccountId").unwrap_or(ACCOUNT);
    if owner != ACCOUNT || !world.sqs.queues.contains_key(name) {
        return Err(refuse::no_queue());
    }
    Ok(json!({ "QueueUrl": url(&world.region, name) }))
}

/// `GetQueueAttributes`: those asked for; `All` for all.
pub(super) fn attributes(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let (now, region) = (world.now, world.region.clone());
    let asked = input::texts(input, "AttributeNames");
    let (name, queue) = world.sqs.named(input)?;
    queue.expire(now);
    let all = asked.iter().any(|name| name == "All");
    let settable = ATTRIBUTES.iter().map(|known| known.name);
    let known: Vec<&str> = settable.chain(FOLLOWING).collect();
    if let Some(unknown) = asked
        .iter()
        .find(|name| *name != "All" && !known.contains(&name.as_str()))
    {
        let message = format!("Unknown Attribute {unknown}.");
        return Err(AwsError::new("InvalidAttributeName", message));
    }
    let mut found = Map::new();
    for attribute in known {
        if !all && !asked.iter().any(|name| name == attribute) {
            continue;
        }
        let value = match attribute {
            "QueueArn" => Some(format!("arn:aws:sqs:{region}:{ACCOUNT}:{name}")),
            "CreatedTimestamp" => Some((queue.created / 1000).to_string()),
            "LastModifiedTimestamp" => Some((queue.modified / 1000).to_string()),
            "ApproximateNumberOfMessages" => Some(count(queue, now, |_, hidden| !hidden)),
            "ApproximateNumberOfMessagesNotVisible" => {
                Some(count(queue, now, |new, hidden| hidden && !new))
            }
            "ApproximateNumberOfMessagesDelayed" => {
                Some(count(queue, now, |new, hidden| hidden && new))
            }
            set => queue
                .attributes
                .get(set)
                .cloned()
                .or_else(|| default(set).map(str::to_owned)),
        };
        if let Some(value) = value {
            found.insert(attribute.to_owned(), value.into());
        }
    }
    if found.is_empty() {
        return Ok(json!({}));
    }
    Ok(json!({ "Attributes": found }))
}

/// How many messages count, by whether they were never received and whether they are hidden.
fn count(queue: &Queue, now: Time, counts: impl Fn(bool, bool) -> bool) -> String {
    let counted = queue
        .messages
        .iter()
        .filter(|message| counts(message.received == 0, message.visible > now));
    counted.count().to_string()
}

//! Receiving messages, and how long a request for them waits.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::super::{AwsError, Time, World, input};
use super::{Message, Queue, md5, refuse};

/// The sender of every message: nobody's identity is checked here.
const SENDER: &str = "AIDAIENQZJOLO23YVJ4VO";

/// What a request asks for, within its bounds (SQS API reference, `ReceiveMessage`).
struct Wish {
    most: usize,
    /// Milliseconds.
    hidden: Time,
    wait: Time,
}

fn wish(queue: &Queue, input: &Value) -> Result<Wish, AwsError> {
    let most = input::int(input, "MaxNumberOfMessages")?.unwrap_or(1);
    let Some(count) = usize::try_from(most)
        .ok()
        .filter(|most| (1..=10).contains(most))
    else {
        let reason = "Must be between 1 and 10";
        return Err(refuse::number(most, "MaxNumberOfMessages", reason));
    };
    let hidden = input::int(input, "VisibilityTimeout")?;
    let hidden = hidden.unwrap_or_else(|| queue.number("VisibilityTimeout"));
    if !(0..=43_200).contains(&hidden) {
        let reason = "Must be >= 0 and <= 43200";
        return Err(refuse::number(hidden, "VisibilityTimeout", reason));
    }
    let wait = input::int(input, "WaitTimeSeconds")?;
    let wait = wait.unwrap_or_else(|| queue.number("ReceiveMessageWaitTimeSeconds"));
    if !(0..=20).contains(&wait) {
        return Err(refuse::number(
            wait,
            "WaitTimeSeconds",
            "Must be >= 0 and <= 20",
        ));
    }
    Ok(Wish {
        most: count,
        hidden: hidden * 1000,
        wait: wait * 1000,
    })
}

/// How long, in milliseconds, the answer to a `ReceiveMessage` may be held back while nothing can be
/// received; 0 if it can be answered now, be it by a refusal.
pub(in super::super) fn patience(world: &mut World, input: &Value) -> Time {
    let now = world.now;
    let Ok((_, queue)) = world.sqs.named(input) else {
        return 0;
    };
    queue.expire(now);
    if queue.messages.iter().any(|message| message.visible <= now) {
        return 0;
    }
    wish(queue, input).map_or(0, |wish| wish.wait)
}

/// `ReceiveMessage`: what is visible now.
pub(super) fn receive(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let now = world.now;
    let (name, queue) = world.sqs.named(input)?;
    queue.expire(now);
    let wish = wish(queue, input)?;
    let mut asked = input::texts(input, "AttributeNames");
    asked.extend(input::texts(input, "MessageSystemAttributeNames"));
    let visible = queue
        .messages
        .iter_mut()
        .filter(|message| message.visible <= now);
    let mut received: Vec<Value> = Vec::new();
    for message in visible.take(wish.most) {
        message.received += 1;
        message.first_received.get_or_insert(now);
        message.visible = now + wish.hidden;
        received.push(shown(name, message, &asked));
    }
    if received.is_empty() {
        return Ok(json!({}));
    }
    Ok(json!({ "Messages": received }))
}

fn shown(queue: &str, message: &Message, asked: &[String]) -> Value {
    let attributes: Map<String, Value> = [
        ("SenderId", SENDER.to_owned()),
        ("SentTimestamp", message.sent.to_string()),
        ("ApproximateReceiveCount", message.received.to_string()),
        (
            "ApproximateFirstReceiveTimestamp",
            message.first_received.unwrap_or_default().to_string(),
        ),
    ]
    .into_iter()
    .filter(|(name, _)| asked.iter().any(|asked| asked == name || asked == "All"))
    .map(|(name, value)| (name.to_owned(), value.into()))
    .collect();
    let mut shown = json!({
        "MessageId": message.id,
        "ReceiptHandle": handle(queue, &message.id, message.received),
        "MD5OfBody": md5(&message.body),
        "Body": message.body
    });
    if !attributes.is_empty() {
        shown["Attributes"] = attributes.into();
    }
    shown
}

/// The handle of the receive of this number.
fn handle(queue: &str, id: &str, received: u64) -> String {
    STANDARD.encode(format!("{queue} {id} {received}"))
}

/// The message's id and the number of the receive in a handle of this queue.
pub(super) fn read_handle(queue: &str, handle: &str) -> Option<(String, u64)> {
    let text = String::from_utf8(STANDARD.decode(handle).ok()?).ok()?;
    let mut parts = text.split(' ');
    if parts.next() != Some(queue) {
        return None;
    }
    let (id, received) = (parts.next()?, parts.next()?);
    Some((id.to_owned(), received.parse().ok()?))
}

//! Sending messages.

use serde_json::{Value, json};

use super::super::{AwsError, World, input};
use super::{Message, md5, refuse};

/// `SendMessage`.
pub(super) fn send(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    if input::sent(input, "MessageAttributes") || input::sent(input, "MessageSystemAttributes") {
        return Err(refuse::not_simulated("message attributes"));
    }
    let (name, queue) = world.sqs.named(input)?;
    let name = name.to_owned();
    let body = input::filled(input, "MessageBody").ok_or_else(|| refuse::missing("MessageBody"))?;
    let most = queue.number("MaximumMessageSize");
    if i64::try_from(body.len()).unwrap_or(i64::MAX) > most {
        return Err(refuse::invalid(format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {most} bytes."
        )));
    }
    // What XML 1.0 holds (SQS API reference, `SendMessage`).
    let held =
        |c: char| matches!(c, '\u{9}' | '\u{A}' | '\u{D}' | '\u{20}'..='\u{FFFD}' | '\u{10000}'..);
    if !body.chars().all(held) {
        let message = "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | \
                       #xE000 to #xFFFD | #x10000 to #x10FFFF";
        return Err(AwsError::new("InvalidMessageContents", message));
    }
    let delay = match input::int(input, "DelaySeconds")? {
        None => queue.number("DelaySeconds"),
        Some(delay) if (0..=900).contains(&delay) => delay,
        Some(delay) => {
            let reason = "DelaySeconds must be >= 0 and <= 900";
            return Err(refuse::number(delay, "DelaySeconds", reason));
        }
    };
    let digest = md5(body);
    let id = put(world, &name, body.to_owned(), delay);
    Ok(json!({ "MD5OfMessageBody": digest, "MessageId": id }))
}

/// Puts a message into a queue, if it is there; gives the message's id.
pub(in super::super) fn put(world: &mut World, queue: &str, body: String, delay: i64) -> String {
    let id = uuid(&world.next_hex());
    let now = world.now;
    if let Some(queue) = world.sqs.queues.get_mut(queue) {
        queue.expire(now);
        queue.messages.push_back(Message {
            id: id.clone(),
            body,
            sent: now,
            visible: now + delay * 1000,
            received: 0,
            first_received: None,
        });
    }
    id
}

/// Thirty-two hexadecimal digits in the form of a UUID.
pub(in super::super) fn uuid(hex: &str) -> String {
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!(
        "{}-{}-{}-{}-{}",
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32)
    )
}

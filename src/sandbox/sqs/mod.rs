//! Amazon SQS: standard queues with long poll and visibility timeout. Not FIFO queues, no dead-letter queues, no
//! encryption, no message attributes, and a queue's policy is kept but not enforced.
//!
//! A request is answered at once, also one that asks to wait; how long its answer may be held back, `Sandbox::patience`
//! says to whoever mounts the sandbox.
//!
//! Invariants:
//! - A message that was received is invisible until its visibility timeout is over or it is deleted.
//! - A receipt handle deletes its message only if it is of the latest receive ("you must use the most
//!   recently received `ReceiptHandle`", SQS API reference, `DeleteMessage`).
//! - Messages are given out in the order in which they became visible, though AWS promises none.

mod delete;
mod queues;
mod receive;
mod refuse;
mod send;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use super::{ACCOUNT, AwsError, Time, World, input};
pub(super) use queues::check;
pub(super) use receive::patience;
pub(super) use refuse::query_code;
pub(super) use send::{put, uuid};

/// What one operation does.
pub type Operation = fn(&mut World, &Value) -> Result<Value, AwsError>;

/// The operation of this name, and whether it changes anything that stays: hiding a message for a while
/// does not count.
pub fn operation(name: &str) -> Option<(Operation, bool)> {
    let (operation, mutating): (Operation, bool) = match name {
        "CreateQueue" => (queues::create, true),
        "DeleteMessage" => (delete::one, true),
        "DeleteMessageBatch" => (delete::batch, true),
        "DeleteQueue" => (queues::delete, true),
        "GetQueueAttributes" => (queues::attributes, false),
        "GetQueueUrl" => (queues::url_of, false),
        "ReceiveMessage" => (receive::receive, false),
        "SendMessage" => (send::send, true),
        _ => return None,
    };
    Some((operation, mutating))
}

/// This service's state in one region.
#[derive(Debug, Default)]
pub struct State {
    queues: BTreeMap<String, Queue>,
}

/// A queue.
#[derive(Debug)]
struct Queue {
    created: Time,
    modified: Time,
    /// `Attributes` as set, where they differ from the defaults.
    attributes: BTreeMap<String, String>,
    /// Whether the region's own events go into it.
    events: bool,
    messages: VecDeque<Message>,
}

/// A message.
#[derive(Debug)]
struct Message {
    id: String,
    body: String,
    sent: Time,
    /// From when on it can be received.
    visible: Time,
    received: u64,
    first_received: Option<Time>,
}

impl State {
    /// Makes a queue of the default attributes if there is none; says whether the region's own events go
    /// into it. The caller has checked the name.
    pub(super) fn set(&mut self, name: &str, events: bool, now: Time) {
        let queue = self
            .queues
            .entry(name.to_owned())
            .or_insert_with(|| Queue::new(now));
        queue.events = events;
    }

    /// The names of the queues that the region's own events go into.
    pub(super) fn of_events(&self) -> Vec<String> {
        let told = self.queues.iter().filter(|(_, queue)| queue.events);
        told.map(|(name, _)| name.clone()).collect()
    }

    /// The queue that a request's `QueueUrl` names: by the last part of its path, whatever the host.
    fn named<'a>(&'a mut self, input: &'a Value) -> Result<(&'a str, &'a mut Queue), AwsError> {
        let url = input::text(input, "QueueUrl").ok_or_else(|| refuse::missing("QueueUrl"))?;
        let name = url.rsplit('/').next().unwrap_or_default();
        let queue = self.queues.get_mut(name).ok_or_else(refuse::no_queue)?;
        Ok((name, queue))
    }
}

impl Queue {
    fn new(now: Time) -> Self {
        Self {
            created: now,
            modified: now,
            attributes: BTreeMap::new(),
            events: false,
            messages: VecDeque::new(),
        }
    }

    /// An attribute that is a number.
    fn number(&self, name: &str) -> i64 {
        let set = self.attributes.get(name).map(String::as_str);
        let value = set.or_else(|| queues::default(name));
        value.and_then(|value| value.parse().ok()).unwrap_or(0)
    }

    /// Drops what is older than the queue keeps.
    fn expire(&mut self, now: Time) {
        let kept = self.number("MessageRetentionPeriod") * 1000;
        self.messages.retain(|message| now < message.sent + kept);
    }
}

/// The URL of a queue, as AWS answers it.
pub(super) fn url(region: &str, name: &str) -> String {
    format!("https://sqs.{region}.amazonaws.com/{ACCOUNT}/{name}")
}

/// The MD5 digest by which clients check a body.
fn md5(text: &str) -> String {
    use md5::Digest as _;
    hex::encode(md5::Md5::digest(text.as_bytes()))
}

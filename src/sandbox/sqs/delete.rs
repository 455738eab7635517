//! Deleting messages that were received.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::{AwsError, World, input};
use super::{Queue, receive, refuse};

/// `DeleteMessage`.
pub(super) fn one(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let (name, queue) = world.sqs.named(input)?;
    let handle =
        input::filled(input, "ReceiptHandle").ok_or_else(|| refuse::missing("ReceiptHandle"))?;
    delete(name, queue, handle)?;
    Ok(json!({}))
}

/// `DeleteMessageBatch`: up to ten; a handle that is none fails alone.
pub(super) fn batch(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let (name, queue) = world.sqs.named(input)?;
    let entries = input::list(input, "Entries");
    if entries.is_empty() {
        return Err(AwsError::new(
            "EmptyBatchRequest",
            "There should be at least one DeleteMessageBatchRequestEntry in the request.",
        ));
    }
    if entries.len() > 10 {
        let sent = entries.len();
        return Err(AwsError::new(
            "TooManyEntriesInBatchRequest",
            format!("Maximum number of entries per request are 10. You have sent {sent}."),
        ));
    }
    let mut ids = BTreeSet::new();
    for entry in entries {
        let id = input::text(entry, "Id").unwrap_or_default();
        let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if !(1..=80).contains(&id.len()) || !id.bytes().all(fits) {
            return Err(AwsError::new(
                "InvalidBatchEntryId",
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be \
                 at most 80 letters long.",
            ));
        }
        if !ids.insert(id) {
            return Err(AwsError::new(
                "BatchEntryIdsNotDistinct",
                format!("Id {id} repeated."),
            ));
        }
    }
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in entries {
        let id = input::text(entry, "Id").unwrap_or_default();
        let handle = input::text(entry, "ReceiptHandle").unwrap_or_default();
        match delete(name, queue, handle) {
            Ok(()) => successful.push(json!({ "Id": id })),
            Err(error) => failed.push(json!({
                "Id": id, "SenderFault": true, "Code": error.code, "Message": error.message
            })),
        }
    }
    // AWS leaves out a list that would be empty.
    let lists = [("Successful", successful), ("Failed", failed)];
    let lists = lists.into_iter().filter(|(_, list)| !list.is_empty());
    Ok(lists
        .map(|(name, list)| (name.to_owned(), Value::from(list)))
        .collect::<serde_json::Map<_, _>>()
        .into())
}

/// Deletes the message of a handle. One that is gone, or was received again since, is no error.
fn delete(name: &str, queue: &mut Queue, handle: &str) -> Result<(), AwsError> {
    let (id, received) =
        receive::read_handle(name, handle).ok_or_else(|| refuse::handle(handle))?;
    queue
        .messages
        .retain(|message| message.id != id || message.received != received);
    Ok(())
}

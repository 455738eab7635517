//! Refusals of SQS. Their codes stand here as the JSON protocol spells them; what the older protocol called
//! them is [`query_code`], by which boto3 still knows them.

use super::super::AwsError;

pub(super) fn no_queue() -> AwsError {
    AwsError::new("QueueDoesNotExist", "The specified queue does not exist.")
}

pub(super) fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new("InvalidParameterValueException", message)
}

pub(super) fn missing(member: &str) -> AwsError {
    AwsError::new(
        "MissingRequiredParameterException",
        format!("The request must contain the parameter {member}."),
    )
}

/// A number that is out of its bounds.
pub(super) fn number(value: i64, member: &str, reason: &str) -> AwsError {
    invalid(format!(
        "Value {value} for parameter {member} is invalid. Reason: {reason}, if provided."
    ))
}

pub(super) fn handle(handle: &str) -> AwsError {
    AwsError::new(
        "ReceiptHandleIsInvalid",
        format!("The input receipt handle \"{handle}\" is not a valid receipt handle."),
    )
}

pub(super) fn not_simulated(what: &str) -> AwsError {
    AwsError::new(
        "UnsupportedOperation",
        format!("The simulated AWS has no {what}"),
    )
}

/// The code of a refusal in SQS's Query protocol (`awsQueryError` in the service model), for the header
/// `x-amzn-query-error`.
pub(in super::super) fn query_code(code: &str) -> &str {
    match code {
        "QueueDoesNotExist" => "AWS.SimpleQueueService.NonExistentQueue",
        "QueueNameExists" => "QueueAlreadyExists",
        "EmptyBatchRequest" => "AWS.SimpleQueueService.EmptyBatchRequest",
        "TooManyEntriesInBatchRequest" => "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
        "BatchEntryIdsNotDistinct" => "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
        "InvalidBatchEntryId" => "AWS.SimpleQueueService.InvalidBatchEntryId",
        "UnsupportedOperation" => "AWS.SimpleQueueService.UnsupportedOperation",
        "InvalidParameterValueException" => "InvalidParameterValue",
        "MissingRequiredParameterException" => "MissingParameter",
        other => other,
    }
}

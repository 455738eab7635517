//! awsJson 1.0 and 1.1: a JSON object in, a JSON object out, errors by `__type`.

use super::super::AwsError;
use serde_json::{Value, json};

/// The content type of answers.
pub(super) const TYPE: &str = "application/x-amz-json-1.1";

/// The content type of SQS's answers.
pub(super) const TYPE_1_0: &str = "application/x-amz-json-1.0";

/// The input of a request; an empty body is an empty object.
pub(super) fn read(body: &[u8]) -> Result<Value, AwsError> {
    if body.is_empty() {
        return Ok(json!({}));
    }
    match serde_json::from_slice(body) {
        Ok(input @ Value::Object(_)) => Ok(input),
        Ok(_) => Err(AwsError::new(
            "SerializationException",
            "The body is no JSON object",
        )),
        Err(error) => Err(AwsError::new("SerializationException", error.to_string())),
    }
}

/// The body of a success.
pub(super) fn output(output: &Value) -> Vec<u8> {
    output.to_string().into_bytes()
}

/// The body of a refusal.
pub(super) fn error(error: &AwsError) -> Vec<u8> {
    json!({ "__type": error.code, "message": error.message })
        .to_string()
        .into_bytes()
}

/// The body of a refusal whose code stands in a Smithy namespace.
pub(super) fn error_in(namespace: &str, error: &AwsError) -> Vec<u8> {
    json!({ "__type": format!("{namespace}#{}", error.code), "message": error.message })
        .to_string()
        .into_bytes()
}

//! An AWS error as a value: a code, a message and an HTTP status. Not its wire form (see `wire`).

/// What an operation refuses with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsError {
    /// The HTTP status: 400 for nearly everything, 429 and 5xx where the model says so.
    pub status: u16,
    /// The code as it stands on the wire (ELBv2 drops the `Exception` suffix).
    pub code: String,
    /// The message, worded as AWS words it where that is known.
    pub message: String,
}

impl AwsError {
    /// A refusal with HTTP status 400.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            status: 400,
            code: code.to_owned(),
            message: message.into(),
        }
    }
}

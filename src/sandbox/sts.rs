//! AWS STS: who the caller is. Not IAM: every caller is the account's root, every role can be
//! assumed, and the credentials that come of it sign for nothing.

use super::{ACCOUNT, AwsError, World, input, time::iso8601};
use serde_json::{Value, json};

/// What one operation does.
pub type Operation = fn(&mut World, &Value) -> Result<Value, AwsError>;

/// The operation of this name, and whether it changes anything.
pub fn operation(name: &str) -> Option<(Operation, bool)> {
    match name {
        "AssumeRole" => Some((assume_role, false)),
        "GetCallerIdentity" => Some((caller_identity, false)),
        _ => None,
    }
}

#[expect(clippy::unnecessary_wraps, reason = "operations share one signature")]
fn caller_identity(_: &mut World, _: &Value) -> Result<Value, AwsError> {
    Ok(json!({
        "UserId": ACCOUNT,
        "Account": ACCOUNT,
        "Arn": format!("arn:aws:iam::{ACCOUNT}:root")
    }))
}

/// One hour unless `DurationSeconds` says otherwise (900 to 43,200, service model).
fn assume_role(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let invalid = |message: String| AwsError::new("ValidationError", message);
    let role = input::filled(input, "RoleArn").unwrap_or_default();
    let session = input::filled(input, "RoleSessionName")
        .ok_or_else(|| invalid("RoleSessionName must be specified".to_owned()))?;
    if !world.surroundings.has_role(role) {
        return Err(AwsError {
            status: 403,
            code: "AccessDenied".to_owned(),
            message: format!("The role '{role}' does not exist or cannot be assumed"),
        });
    }
    let seconds = input::int(input, "DurationSeconds")?.unwrap_or(3600);
    if !(900..=43_200).contains(&seconds) {
        return Err(invalid(format!(
            "DurationSeconds '{seconds}' must be between 900 and 43200"
        )));
    }
    let id = world.next_hex().to_uppercase();
    let name = role.rsplit('/').next().unwrap_or_default();
    Ok(json!({
        "Credentials": {
            "AccessKeyId": format!("ASIA{}", id.get(..16).unwrap_or_default()),
            "SecretAccessKey": format!("sandbox-{id}"),
            "SessionToken": format!("sandbox-session-{id}"),
            "Expiration": iso8601(world.now + seconds * 1000)
        },
        "AssumedRoleUser": {
            "AssumedRoleId": format!("AROA{}:{session}", id.get(16..32).unwrap_or_default()),
            "Arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{session}")
        }
    }))
}

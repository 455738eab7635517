//! Reading request documents: members, names and ids, and the refusals they share. Not the rules
//! of one operation.

use serde_json::{Map, Value, json};

use super::super::{AwsError, Time, World};

/// The text of a member, if it is there and is text.
pub(super) fn text<'a>(input: &'a Value, member: &str) -> Option<&'a str> {
    input.get(member).and_then(Value::as_str)
}

/// The texts of a list member; an absent list is empty.
pub(super) fn texts<'a>(input: &'a Value, member: &str) -> Vec<&'a str> {
    items(input, member)
        .iter()
        .filter_map(Value::as_str)
        .collect()
}

/// The items of a list member; an absent list is empty.
pub(super) fn items<'a>(input: &'a Value, member: &str) -> &'a [Value] {
    input
        .get(member)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// Whether a member is `true`.
pub(super) fn flag(input: &Value, member: &str) -> bool {
    input.get(member).and_then(Value::as_bool) == Some(true)
}

/// A non-negative number member.
pub(super) fn number(input: &Value, member: &str) -> Option<i64> {
    input.get(member).and_then(Value::as_i64)
}

/// A JSON timestamp: seconds since the epoch, as a float.
#[allow(
    clippy::cast_precision_loss,
    reason = "milliseconds since 1970 need 41 of 52 bits"
)]
pub(super) fn timestamp(time: Time) -> Value {
    json!(time as f64 / 1000.0)
}

/// Sets a member if there is a value for it.
pub(super) fn set(into: &mut Map<String, Value>, member: &str, value: Option<Value>) {
    if let Some(value) = value {
        into.insert(member.to_owned(), value);
    }
}

/// The application name under `member`, checked for presence and form.
pub(super) fn application_name<'a>(input: &'a Value, member: &str) -> Result<&'a str, AwsError> {
    let name = text(input, member).unwrap_or_default();
    if name.is_empty() {
        let text = format!("The application name is required: {member} is missing or empty.");
        return Err(AwsError::new("ApplicationNameRequiredException", text));
    }
    if well_formed(name) {
        return Ok(name);
    }
    Err(AwsError::new(
        "InvalidApplicationNameException",
        malformed("application name", name),
    ))
}

/// The deployment group name under `member`, checked for presence and form.
pub(super) fn group_name<'a>(input: &'a Value, member: &str) -> Result<&'a str, AwsError> {
    let name = text(input, member).unwrap_or_default();
    if name.is_empty() {
        let text = format!("The deployment group name is required: {member} is missing or empty.");
        return Err(AwsError::new("DeploymentGroupNameRequiredException", text));
    }
    if well_formed(name) {
        return Ok(name);
    }
    Err(AwsError::new(
        "InvalidDeploymentGroupNameException",
        malformed("deployment group name", name),
    ))
}

/// The deployment id under `deploymentId`, checked for presence and form.
pub(super) fn deployment_id(input: &Value) -> Result<&str, AwsError> {
    let id = text(input, "deploymentId").unwrap_or_default();
    if id.is_empty() {
        let text = "The deployment ID is required: deploymentId is missing or empty.";
        return Err(AwsError::new("DeploymentIdRequiredException", text));
    }
    check_deployment_id(id)?;
    Ok(id)
}

/// `d-` and nine upper-case letters and digits.
pub(super) fn check_deployment_id(id: &str) -> Result<(), AwsError> {
    let valid = id.strip_prefix("d-").is_some_and(|rest| {
        rest.len() == 9
            && rest
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    });
    if valid {
        return Ok(());
    }
    let text = format!("Specified DeploymentId is not in the valid format: {id}");
    Err(AwsError::new("InvalidDeploymentIdException", text))
}

/// Names of applications, groups and configurations: 1 to 100 characters of
/// `[A-Za-z0-9+=,.@_-]` (`CodeDeploy` user guide, limits).
pub(super) fn well_formed(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"+=,.@_-".contains(&b);
    (1..=100).contains(&name.len()) && name.bytes().all(allowed)
}

/// The refusal text for a malformed name.
pub(super) fn malformed(what: &str, name: &str) -> String {
    format!(
        "The {what} {name:?} is not valid: use 1 to 100 letters, digits and the characters + = , . @ _ -"
    )
}

/// An id that looks like a UUID.
pub(super) fn uuid(world: &mut World) -> String {
    let hex = world.next_hex();
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..32]
    )
}

//! AWS Secrets Manager: which secrets there are, as a seed says. It holds no values.

use serde_json::{Value, json};

use super::{AwsError, World, input};

/// What one operation does.
pub type Operation = fn(&mut World, &Value) -> Result<Value, AwsError>;

/// The operation of this name, and whether it changes anything.
pub fn operation(name: &str) -> Option<(Operation, bool)> {
    match name {
        "DescribeSecret" => Some((describe, false)),
        _ => None,
    }
}

/// By name, by ARN, or by ARN without the six characters at its end.
fn describe(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let id = input::text(input, "SecretId").unwrap_or_default();
    let secrets = &world.surroundings.secrets;
    let found = secrets.iter().find(|(name, arn)| {
        name.as_str() == id
            || arn.as_str() == id
            || arn.rsplit_once('-').map(|(head, _)| head) == Some(id)
    });
    let Some((name, arn)) = found else {
        return Err(AwsError::new(
            "ResourceNotFoundException",
            "Secrets Manager can't find the specified secret.",
        ));
    };
    Ok(json!({
        "ARN": arn,
        "Name": name,
        "CreatedDate": 0.0,
        "LastChangedDate": 0.0,
        "VersionIdsToStages": { "00000000-0000-4000-8000-000000000000": ["AWSCURRENT"] }
    }))
}

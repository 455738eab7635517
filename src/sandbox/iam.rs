//! AWS IAM, as far as a role can be looked at: who may assume it, and what its policies would allow.
//! Nothing is made or changed, and no call to the simulated AWS is ever checked against a policy: what
//! there is, a seed says (see `surroundings`).

use serde_json::{Value, json};

use super::behaviour::glob;
use super::{AwsError, World, input, time::iso8601};

/// What one operation does.
pub type Operation = fn(&mut World, &Value) -> Result<Value, AwsError>;

/// The operation of this name, and whether it changes anything.
pub fn operation(name: &str) -> Option<(Operation, bool)> {
    match name {
        "GetRole" => Some((get_role, false)),
        "SimulatePrincipalPolicy" => Some((simulate, false)),
        _ => None,
    }
}

fn no_entity(message: String) -> AwsError {
    AwsError {
        status: 404,
        code: "NoSuchEntity".to_owned(),
        message,
    }
}

fn get_role(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let name = input::text(input, "RoleName").unwrap_or_default();
    let (arn, role) = world
        .surroundings
        .role_named(name)
        .ok_or_else(|| no_entity(format!("The role with name {name} cannot be found.")))?;
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Service": role.trusts },
            "Action": "sts:AssumeRole"
        }]
    });
    let path = arn
        .split_once(":role")
        .and_then(|(_, path)| path.strip_suffix(name))
        .unwrap_or("/");
    // IAM escapes policies as URLs do (RFC 3986).
    let policy: String = form_urlencoded::byte_serialize(policy.to_string().as_bytes()).collect();
    Ok(json!({ "Role": {
        "Path": path,
        "RoleName": name,
        "RoleId": "AROASANDBOXSANDBOXSAN",
        "Arn": arn,
        "CreateDate": iso8601(0),
        "AssumeRolePolicyDocument": policy.replace('+', "%20"),
        "MaxSessionDuration": 3600
    } }))
}

/// By the seed's `denies`, whatever the resource.
fn simulate(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let arn = input::text(input, "PolicySourceArn").unwrap_or_default();
    let name = arn.rsplit('/').next().unwrap_or_default();
    let (_, role) = world
        .surroundings
        .role_named(name)
        .filter(|(known, _)| known == arn)
        .ok_or_else(|| no_entity(format!("Policy source {arn} cannot be found.")))?;
    let actions = input::texts(input, "ActionNames");
    let mut resources = input::texts(input, "ResourceArns");
    if resources.is_empty() {
        resources.push("*".to_owned());
    }
    let mut results = Vec::new();
    for action in &actions {
        let denied = role.denies.iter().any(|pattern| glob(pattern, action));
        for resource in &resources {
            results.push(json!({
                "EvalActionName": action,
                "EvalResourceName": resource,
                "EvalDecision": if denied { "implicitDeny" } else { "allowed" },
                "MatchedStatements": [],
                "MissingContextValues": []
            }));
        }
    }
    Ok(json!({ "IsTruncated": false, "EvaluationResults": results }))
}

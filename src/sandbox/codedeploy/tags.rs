//! Tags of applications and deployment groups, by ARN. Not tags that select EC2 instances.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::{ACCOUNT, AwsError, World};
use super::input::{items, text};

/// The ARN of an application.
pub(super) fn application_arn(world: &World, name: &str) -> String {
    format!(
        "arn:aws:codedeploy:{}:{ACCOUNT}:application:{name}",
        world.region
    )
}

/// The ARN of a deployment group.
pub(super) fn group_arn(world: &World, application: &str, group: &str) -> String {
    format!(
        "arn:aws:codedeploy:{}:{ACCOUNT}:deploymentgroup:{application}/{group}",
        world.region
    )
}

/// Reads a list of `{Key, Value}`.
pub(super) fn read(tags: &[Value]) -> Result<BTreeMap<String, String>, AwsError> {
    let mut read = BTreeMap::new();
    for tag in tags {
        let key = text(tag, "Key").filter(|key| (1..=128).contains(&key.chars().count()));
        let Some(key) = key else {
            let text = format!("A tag needs a Key of 1 to 128 characters: {tag}");
            return Err(AwsError::new("InvalidTagsToAddException", text));
        };
        read.insert(
            key.to_owned(),
            text(tag, "Value").unwrap_or_default().to_owned(),
        );
    }
    Ok(read)
}

/// Adds tags to those of a resource that is known to exist.
pub(super) fn put(world: &mut World, arn: &str, tags: BTreeMap<String, String>) {
    if !tags.is_empty() {
        world
            .codedeploy
            .tags
            .entry(arn.to_owned())
            .or_default()
            .extend(tags);
    }
}

/// Moves a resource's tags to its new ARN.
pub(super) fn rename(world: &mut World, from: &str, to: String) {
    if let Some(tags) = world.codedeploy.tags.remove(from) {
        world.codedeploy.tags.insert(to, tags);
    }
}

/// The ARN of the request, checked for form and for the resource behind it.
fn resource(world: &World, input: &Value) -> Result<String, AwsError> {
    let arn = text(input, "ResourceArn").unwrap_or_default();
    if arn.is_empty() {
        let text = "The ARN of a resource is required: ResourceArn is missing or empty.";
        return Err(AwsError::new("ResourceArnRequiredException", text));
    }
    let parts: Vec<&str> = arn.splitn(7, ':').collect();
    let ["arn", "aws", "codedeploy", region, account, kind, name] = parts[..] else {
        let text = format!("The ARN is not valid: {arn}");
        return Err(AwsError::new("InvalidArnException", text));
    };
    if region != world.region || account != ACCOUNT {
        let text = format!(
            "The ARN {arn} is not of region {} and account {ACCOUNT}.",
            world.region
        );
        return Err(AwsError::new("InvalidArnException", text));
    }
    let applications = &world.codedeploy.applications;
    match kind {
        "application" if applications.contains_key(name) => Ok(arn.to_owned()),
        "application" => {
            let text = format!("No application found for name: {name}");
            Err(AwsError::new("ApplicationDoesNotExistException", text))
        }
        "deploymentgroup" => {
            let (application, group) = name.split_once('/').unwrap_or((name, ""));
            if applications
                .get(application)
                .is_some_and(|a| a.groups.contains_key(group))
            {
                return Ok(arn.to_owned());
            }
            let text = format!("No Deployment Group found for name: {group}");
            Err(AwsError::new("DeploymentGroupDoesNotExistException", text))
        }
        _ => {
            let text = format!("The ARN is not of an application or a deployment group: {arn}");
            Err(AwsError::new("ArnNotSupportedException", text))
        }
    }
}

/// `TagResource`.
pub(super) fn tag(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let arn = resource(world, input)?;
    let tags = read(items(input, "Tags"))?;
    if tags.is_empty() {
        return Err(AwsError::new(
            "TagRequiredException",
            "A tag was not specified.",
        ));
    }
    put(world, &arn, tags);
    Ok(json!({}))
}

/// `UntagResource`.
pub(super) fn untag(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let arn = resource(world, input)?;
    if let Some(tags) = world.codedeploy.tags.get_mut(&arn) {
        for key in items(input, "TagKeys").iter().filter_map(Value::as_str) {
            tags.remove(key);
        }
    }
    Ok(json!({}))
}

/// `ListTagsForResource`.
pub(super) fn list(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let arn = resource(world, input)?;
    let tags = world.codedeploy.tags.get(&arn).into_iter().flatten();
    let tags: Vec<Value> = tags.map(|(k, v)| json!({"Key": k, "Value": v})).collect();
    Ok(json!({"Tags": tags}))
}

#[cfg(test)]
mod tests {
    use super::super::applications;
    use super::*;

    #[test]
    fn tags_are_added_listed_and_removed() {
        let mut world = World::new("eu-west-1", 0);
        let app = json!({"applicationName": "a", "tags": [{"Key": "x", "Value": "1"}]});
        applications::create(&mut world, &app).unwrap();
        let arn = "arn:aws:codedeploy:eu-west-1:123456789012:application:a";
        tag(
            &mut world,
            &json!({"ResourceArn": arn, "Tags": [{"Key": "y", "Value": "2"}]}),
        )
        .unwrap();
        untag(&mut world, &json!({"ResourceArn": arn, "TagKeys": ["x"]})).unwrap();
        let tags = list(&mut world, &json!({"ResourceArn": arn})).unwrap();
        assert_eq!(tags, json!({"Tags": [{"Key": "y", "Value": "2"}]}));
        for (arn, code) in [
            ("", "ResourceArnRequiredException"),
            ("arn:aws:s3:::b", "InvalidArnException"),
            (
                "arn:aws:codedeploy:eu-west-1:123456789012:application:b",
                "ApplicationDoesNotExistException",
            ),
            (
                "arn:aws:codedeploy:eu-west-1:123456789012:deploymentgroup:a/b",
                "DeploymentGroupDoesNotExistException",
            ),
            (
                "arn:aws:codedeploy:eu-west-1:123456789012:instance:a",
                "ArnNotSupportedException",
            ),
        ] {
            let refusal = list(&mut world, &json!({"ResourceArn": arn})).unwrap_err();
            assert_eq!(refusal.code, code);
        }
    }
}

//! Tags of scalable targets: a map, at most 50. Policies have none.

use super::{AwsError, Target, World, check, input, invalid};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The `Tags` of a request.
pub(super) fn read(request: &Value) -> Result<BTreeMap<String, String>, AwsError> {
    let mut tags = BTreeMap::new();
    for (key, value) in request
        .get("Tags")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        if !(1..=128).contains(&key.chars().count()) {
            return Err(invalid("Tag keys have 1 to 128 characters"));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid(format!(
                "Tag key '{key}': the prefix 'aws:' is reserved"
            )));
        }
        let value = value
            .as_str()
            .filter(|value| value.chars().count() <= 256)
            .ok_or_else(|| invalid(format!("The value of tag '{key}' is not valid")))?;
        tags.insert(key.clone(), value.to_owned());
    }
    limit(&tags, "")?;
    Ok(tags)
}

fn limit(tags: &BTreeMap<String, String>, arn: &str) -> Result<(), AwsError> {
    if tags.len() <= 50 {
        return Ok(());
    }
    Err(AwsError::new(
        "TooManyTagsException",
        format!("Resource {arn} would have more than 50 tags"),
    ))
}

fn resource<'a>(world: &'a mut World, request: &Value) -> Result<&'a mut Target, AwsError> {
    let arn = check::demanded(request, "ResourceARN")?;
    let found = world
        .scaling
        .targets
        .values_mut()
        .find(|target| target.arn == arn);
    found.ok_or_else(|| {
        AwsError::new(
            "ResourceNotFoundException",
            format!("The specified resource doesn't exist: {arn}"),
        )
    })
}

/// `TagResource`.
pub(super) fn tag(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let new = read(request)?;
    let target = resource(world, request)?;
    let mut all = target.tags.clone();
    all.extend(new);
    limit(&all, &target.arn)?;
    target.tags = all;
    Ok(json!({}))
}

/// `UntagResource`.
pub(super) fn untag(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let keys = input::texts(request, "TagKeys");
    resource(world, request)?
        .tags
        .retain(|key, _| !keys.contains(key));
    Ok(json!({}))
}

/// `ListTagsForResource`.
pub(super) fn list(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    Ok(json!({ "Tags": resource(world, request)?.tags }))
}

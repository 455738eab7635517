//! Tags of parameters: at most 50.

use super::super::{AwsError, World, input};
use super::{Parameter, names};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The `Tags` of a request.
pub(super) fn read(input: &Value) -> Result<BTreeMap<String, String>, AwsError> {
    let mut tags = BTreeMap::new();
    for tag in input::list(input, "Tags") {
        let key = input::filled(tag, "Key").ok_or_else(|| names::invalid("A tag needs a Key"))?;
        tags.insert(
            key.to_owned(),
            input::text(tag, "Value").unwrap_or_default().to_owned(),
        );
    }
    check_count(&tags)?;
    Ok(tags)
}

fn check_count(tags: &BTreeMap<String, String>) -> Result<(), AwsError> {
    if tags.len() <= 50 {
        return Ok(());
    }
    Err(AwsError::new(
        "TooManyTagsError",
        "A parameter can have at most 50 tags",
    ))
}

fn resource<'a>(world: &'a mut World, input: &Value) -> Result<&'a mut Parameter, AwsError> {
    let kind = input::text(input, "ResourceType").unwrap_or_default();
    if kind != "Parameter" {
        return Err(AwsError::new(
            "InvalidResourceType",
            format!("The simulated AWS has no resources of type '{kind}', only Parameter"),
        ));
    }
    let id = input::text(input, "ResourceId").unwrap_or_default();
    world.ssm.parameters.get_mut(id).ok_or_else(|| {
        AwsError::new(
            "InvalidResourceId",
            format!("There is no parameter named '{id}'"),
        )
    })
}

/// `AddTagsToResource`.
pub(super) fn add(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let new = read(input)?;
    let parameter = resource(world, input)?;
    let mut all = parameter.tags.clone();
    all.extend(new);
    check_count(&all)?;
    parameter.tags = all;
    Ok(json!({}))
}

/// `RemoveTagsFromResource`.
pub(super) fn remove(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let keys = input::texts(input, "TagKeys");
    resource(world, input)?
        .tags
        .retain(|key, _| !keys.contains(key));
    Ok(json!({}))
}

/// `ListTagsForResource`.
pub(super) fn list(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let tags: Vec<Value> = resource(world, input)?
        .tags
        .iter()
        .map(|(key, value)| json!({ "Key": key, "Value": value }))
        .collect();
    Ok(json!({ "TagList": tags }))
}

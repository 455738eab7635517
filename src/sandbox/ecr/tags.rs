//! Tags of repositories: at most 50.

use super::super::{AwsError, World, input};
use super::{State, names};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The `tags` of a request.
pub(super) fn read(input: &Value) -> Result<BTreeMap<String, String>, AwsError> {
    let mut tags = BTreeMap::new();
    for tag in input::list(input, "tags") {
        let key = input::filled(tag, "Key").ok_or_else(|| {
            AwsError::new("InvalidTagParameterException", "A tag must have a Key")
        })?;
        if key.starts_with("aws:") {
            return Err(AwsError::new(
                "InvalidTagParameterException",
                format!("The tag key '{key}' must not begin with 'aws:'"),
            ));
        }
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
        "TooManyTagsException",
        "A repository can have at most 50 tags",
    ))
}

impl State {
    /// ARN and tags of every repository. `region` is the one that this is the state of.
    pub(in super::super) fn tagged<'a>(
        &'a self,
        region: &'a str,
    ) -> impl Iterator<Item = (String, &'a BTreeMap<String, String>)> {
        let all = self.repositories.values();
        all.map(move |one| (names::arn(region, &one.name), &one.tags))
    }
}

/// Adds tags or replaces their values.
pub(super) fn tag(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let new = read(input)?;
    let repository = names::by_arn(world, input)?;
    let mut all = repository.tags.clone();
    all.extend(new);
    check_count(&all)?;
    repository.tags = all;
    Ok(json!({}))
}

/// Removes tags by key.
pub(super) fn untag(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let keys = input::texts(input, "tagKeys");
    names::by_arn(world, input)?
        .tags
        .retain(|key, _| !keys.contains(key));
    Ok(json!({}))
}

/// All tags.
pub(super) fn list(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let tags: Vec<Value> = names::by_arn(world, input)?
        .tags
        .iter()
        .map(|(key, value)| json!({ "Key": key, "Value": value }))
        .collect();
    Ok(json!({ "tags": tags }))
}

//! Tags: their rules, the tag operations, and the tags of every resource by ARN.
//!
//! Invariants: at most 50 tags per resource, keys unique, characters as AWS allows them; tags of a resource outlive it only until
//! the resource is made again.

use super::refuse::invalid;
use super::{AwsError, State, World, arn, input, order};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The tags of every resource that has any, by ARN.
pub(crate) type Tags = BTreeMap<String, BTreeMap<String, String>>;

/// Tags per resource (ECS API, `Tag`).
const MOST: usize = 50;

/// The tags of a request's member `tags`, checked.
pub(crate) fn parse(request: &Value) -> Result<BTreeMap<String, String>, AwsError> {
    let mut tags = BTreeMap::new();
    for tag in input::list(request, "tags") {
        let key = input::text(tag, "key").unwrap_or_default();
        let value = input::text(tag, "value").unwrap_or_default();
        if !(1..=128).contains(&key.chars().count()) {
            return Err(invalid("Tag keys must have between 1 and 128 characters."));
        }
        if value.chars().count() > 256 {
            return Err(invalid(format!(
                "The value of tag '{key}' has more than 256 characters."
            )));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid(format!(
                "Tag key '{key}': the prefix 'aws:' is reserved."
            )));
        }
        if let Some(c) = key.chars().chain(value.chars()).find(|c| !is_allowed(*c)) {
            return Err(invalid(format!(
                "The tag '{key}' has the character '{c}', which is not allowed: letters, numbers, spaces and + - = . _ : / @ are."
            )));
        }
        if tags.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(invalid(format!("Duplicate tag key found: {key}")));
        }
    }
    limit(tags.len())?;
    Ok(tags)
}

/// What keys and values may hold (ECS API, `Tag`).
fn is_allowed(c: char) -> bool {
    c.is_alphanumeric() || c == ' ' || "+-=._:/@".contains(c)
}

/// Refuses more than fifty.
fn limit(count: usize) -> Result<(), AwsError> {
    if count > MOST {
        return Err(invalid(format!("Tags can have at most {MOST} items.")));
    }
    Ok(())
}

/// A resource's tags as the API shows them, in AWS's own order.
pub(crate) fn view(state: &State, arn: &str) -> Value {
    let tags = state.tags.get(arn).into_iter().flatten();
    let mut list: Value = tags
        .map(|(key, value)| json!({"key": key, "value": value}))
        .collect();
    order::shuffle(&mut list);
    list
}

/// Whether a `Describe…` request asks for tags.
pub(crate) fn wanted(request: &Value) -> bool {
    input::list(request, "include")
        .iter()
        .any(|item| item == "TAGS")
}

/// `ListTagsForResource`.
pub(crate) fn list(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let arn = resource(world, request)?;
    Ok(json!({"tags": view(&world.ecs, &arn)}))
}

/// `TagResource`: adds and overwrites.
pub(crate) fn tag(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let arn = resource(world, request)?;
    let new = parse(request)?;
    let tags = world.ecs.tags.entry(arn).or_default();
    let keys: BTreeSet<&String> = tags.keys().chain(new.keys()).collect();
    limit(keys.len())?;
    tags.extend(new);
    Ok(json!({}))
}

/// `UntagResource`.
pub(crate) fn untag(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let arn = resource(world, request)?;
    if let Some(tags) = world.ecs.tags.get_mut(&arn) {
        for key in input::texts(request, "tagKeys") {
            tags.remove(&key);
        }
    }
    Ok(json!({}))
}

/// The ARN in `resourceArn`, if it names a resource that is there.
fn resource(world: &World, request: &Value) -> Result<String, AwsError> {
    let reference = input::filled(request, "resourceArn")
        .ok_or_else(|| super::refuse::missing("resourceArn"))?;
    let prefix = arn::of(&world.region, "");
    let state = &world.ecs;
    let found = reference.strip_prefix(&prefix).is_some_and(|resource| {
        let parts: Vec<&str> = resource.split('/').collect();
        match parts.as_slice() {
            ["cluster", name] => state
                .clusters
                .get(*name)
                .is_some_and(|it| it.arn == reference),
            ["service", cluster, name] => state
                .services
                .contains_key(&((*cluster).to_owned(), (*name).to_owned())),
            ["task-definition", name] => state
                .definition(name)
                .is_some_and(|it| it.arn() == reference),
            ["task", cluster, id] => state.task(cluster, id).is_some(),
            ["task-set", cluster, service, _] => state
                .services
                .get(&((*cluster).to_owned(), (*service).to_owned()))
                .is_some_and(|it| it.sets.iter().any(|set| set.arn == reference)),
            _ => false,
        }
    });
    if !reference.starts_with("arn:") {
        return Err(invalid("Invalid resource ARN."));
    }
    if found {
        return Ok(reference.to_owned());
    }
    Err(AwsError::new(
        "ResourceNotFoundException",
        "The specified resource wasn't found.",
    ))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{call, fargate_service, world};
    use super::*;

    #[test]
    fn tags_are_added_overwritten_and_removed() {
        let mut world = world();
        let arn = arn::of(&world.region, "cluster/main");
        tag(
            &mut world,
            &json!({"resourceArn": arn, "tags": [{"key": "a", "value": "1"}]}),
        )
        .unwrap();
        tag(
            &mut world,
            &json!({"resourceArn": arn, "tags": [{"key": "a", "value": "2"}, {"key": "b"}]}),
        )
        .unwrap();
        untag(&mut world, &json!({"resourceArn": arn, "tagKeys": ["b"]})).unwrap();
        let tags = list(&mut world, &json!({"resourceArn": arn})).unwrap();
        assert_eq!(tags, json!({"tags": [{"key": "a", "value": "2"}]}));
    }

    #[test]
    fn describing_a_cluster_or_service_shows_them_if_asked() {
        let mut world = world();
        fargate_service(&mut world, "web", 1);
        let named = [
            ("cluster/main", "DescribeClusters", "clusters", "main"),
            ("service/main/web", "DescribeServices", "services", "web"),
        ];
        for (name, operation, list, one) in named {
            let arn = arn::of(&world.region, name);
            let tags = json!([{"key": "evenkeel.dev/hold", "value": "by=ana reason=a =23b"}]);
            let request = json!({"resourceArn": arn, "tags": tags});
            call(&mut world, "TagResource", &request);
            let request = json!({"cluster": "main", list: [one], "include": ["TAGS"]});
            let answer = call(&mut world, operation, &request);
            assert_eq!(answer[list][0]["tags"], tags);
            let untag = json!({"resourceArn": arn, "tagKeys": ["evenkeel.dev/hold"]});
            call(&mut world, "UntagResource", &untag);
            let answer = call(&mut world, operation, &request);
            let left = answer[list][0]["tags"].as_array();
            assert!(left.is_none_or(Vec::is_empty), "{answer}");
        }
    }

    #[test]
    fn what_breaks_the_rules_is_refused() {
        let many: Vec<Value> = (0..51).map(|n| json!({"key": n.to_string()})).collect();
        let rows = [
            (json!(many), "Tags can have at most 50 items."),
            (
                json!([{"key": "a"}, {"key": "a"}]),
                "Duplicate tag key found: a",
            ),
            (
                json!([{"key": "aws:x"}]),
                "Tag key 'aws:x': the prefix 'aws:' is reserved.",
            ),
            (
                json!([{"key": "evenkeel.dev/hold", "value": "by=ana reason=a, b"}]),
                "The tag 'evenkeel.dev/hold' has the character ',', which is not allowed: letters, numbers, spaces and + - = . _ : / @ are.",
            ),
            (
                json!([{"key": ""}]),
                "Tag keys must have between 1 and 128 characters.",
            ),
        ];
        for (tags, message) in rows {
            assert_eq!(parse(&json!({"tags": tags})).unwrap_err().message, message);
        }
        let mut world = world();
        let gone = arn::of(&world.region, "cluster/gone");
        let refused = list(&mut world, &json!({"resourceArn": gone})).unwrap_err();
        assert_eq!(refused.code, "ResourceNotFoundException");
    }
}

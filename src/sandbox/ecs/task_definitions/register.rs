//! `RegisterTaskDefinition`. Checks are in `validate`, the read-back in `shape`.

use super::super::{ACCOUNT, AwsError, World, arn, input, stamp, tags};
use super::{Definition, attributes, shape, validate};
use serde_json::{Value, json};

/// `RegisterTaskDefinition`: a new revision, always, even if nothing changed.
pub(crate) fn register(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    validate::check(world, request)?;
    let tags = tags::parse(request)?;
    let mut doc = shape::shape(request)?;
    validate::check_length(&doc)?;
    let family = input::text(request, "family").unwrap_or_default();
    let revisions = &world
        .ecs
        .families
        .entry(family.to_owned())
        .or_default()
        .revisions;
    let revision = revisions.keys().next_back().map_or(1, |last| last + 1);
    let arn = arn::of(
        &world.region,
        &format!("task-definition/{family}:{revision}"),
    );
    let compatibilities = attributes::compatibilities(&doc);
    let required = attributes::required(world, &doc);
    for (member, value) in [
        ("taskDefinitionArn", arn.clone().into()),
        ("revision", revision.into()),
        ("status", "ACTIVE".into()),
        ("compatibilities", compatibilities),
        ("requiresAttributes", required),
        ("registeredAt", stamp(world.now)),
        (
            "registeredBy",
            format!("arn:aws:iam::{ACCOUNT}:root").into(),
        ),
    ] {
        doc.insert(member.to_owned(), value);
    }
    let response = json!({"taskDefinition": doc});
    world.ecs.tags.insert(arn.clone(), tags);
    let tags = tags::view(&world.ecs, &arn);
    if let Some(family) = world.ecs.families.get_mut(family) {
        family.revisions.insert(revision, Definition { doc });
    }
    let mut response = response;
    response["tags"] = tags;
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::world;
    use super::super::{deregister, describe};
    use super::*;

    #[test]
    fn every_registration_is_a_revision_and_numbers_are_never_reused() {
        let mut world = world();
        let request = json!({"family": "f", "containerDefinitions": [{"name": "a", "image": "i", "memory": 64}],
            "tags": [{"key": "k", "value": "v"}], "brandNew": 7});
        let first = register(&mut world, &request).unwrap();
        assert_eq!(first["taskDefinition"]["revision"], 1);
        assert_eq!(first["tags"], json!([{"key": "k", "value": "v"}]));
        assert_eq!(first["taskDefinition"]["brandNew"], 7);
        assert!(first["taskDefinition"].get("tags").is_none());
        assert_eq!(
            first["taskDefinition"]["compatibilities"],
            json!(["EXTERNAL", "EC2"])
        );
        register(&mut world, &request).unwrap();
        deregister::deregister(&mut world, &json!({"taskDefinition": "f:2"})).unwrap();
        deregister::delete(&mut world, &json!({"taskDefinitions": ["f:2"]})).unwrap();
        let third = register(&mut world, &request).unwrap();
        assert_eq!(third["taskDefinition"]["revision"], 3);
        let latest = describe::describe(&mut world, &json!({"taskDefinition": "f"})).unwrap();
        assert_eq!(latest["taskDefinition"], third["taskDefinition"]);
    }
}

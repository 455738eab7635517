//! `DescribeTaskDefinition`, `ListTaskDefinitions` and `ListTaskDefinitionFamilies`.

use super::super::page::page;
use super::super::refuse::{client, invalid, missing};
use super::super::{AwsError, World, input, tags};
use super::validate::check_include;
use serde_json::{Value, json};

/// `DescribeTaskDefinition`: any status, by ARN or `family:revision`; by family the latest ACTIVE.
pub(crate) fn describe(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let reference =
        input::filled(request, "taskDefinition").ok_or_else(|| missing("taskDefinition"))?;
    check_include(request)?;
    let definition = world
        .ecs
        .definition(reference)
        .ok_or_else(|| client("Unable to describe task definition."))?;
    let mut response = json!({"taskDefinition": definition.doc});
    if tags::wanted(request) {
        response["tags"] = tags::view(&world.ecs, definition.arn());
    }
    Ok(response)
}

/// `ListTaskDefinitions`: ARNs by family name and number, `sort` turning the whole around.
pub(crate) fn list(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let status = input::filled(request, "status").unwrap_or("ACTIVE");
    let family = input::filled(request, "familyPrefix");
    let families = world.ecs.families.iter();
    // `familyPrefix` of this operation is the whole name of a family, says the API.
    let families = families.filter(|(name, _)| family.is_none_or(|family| family == *name));
    let mut arns: Vec<Value> = families
        .flat_map(|(_, family)| family.revisions.values())
        .filter(|it| it.status() == status)
        .map(|it| it.arn().into())
        .collect();
    match input::filled(request, "sort") {
        None | Some("ASC") => {}
        Some("DESC") => arns.reverse(),
        Some(other) => return Err(invalid(format!("Invalid sort: {other}."))),
    }
    page("taskDefinitionArns", arns, request, 100, 100)
}

/// `ListTaskDefinitionFamilies`.
pub(crate) fn families(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let prefix = input::text(request, "familyPrefix").unwrap_or_default();
    let status = input::filled(request, "status").unwrap_or("ALL");
    let families = world
        .ecs
        .families
        .iter()
        .filter(|(name, _)| name.starts_with(prefix));
    let names = families
        .filter(|(_, family)| {
            let active = family.revisions.values().any(|it| it.status() == "ACTIVE");
            match status {
                "ACTIVE" => active,
                "INACTIVE" => !active,
                _ => true,
            }
        })
        .map(|(name, _)| name.clone().into())
        .collect();
    page("families", names, request, 100, 100)
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::world;
    use super::super::{deregister::deregister, register::register};
    use super::*;

    #[test]
    fn revisions_are_found_by_every_reference() {
        let mut world = world();
        for family in ["a", "a", "ab"] {
            register(
                &mut world,
                &json!({"family": family,
                "containerDefinitions": [{"name": "c", "image": "i", "memory": 64}]}),
            )
            .unwrap();
        }
        deregister(&mut world, &json!({"taskDefinition": "a:2"})).unwrap();
        let arn = "arn:aws:ecs:us-east-1:123456789012:task-definition/a:2";
        for (reference, revision) in [("a", 1), ("a:2", 2), (arn, 2), ("ab", 1)] {
            let found = describe(&mut world, &json!({"taskDefinition": reference})).unwrap();
            assert_eq!(found["taskDefinition"]["revision"], revision, "{reference}");
            assert!(found.get("tags").is_none());
        }
        let tagged = json!({"taskDefinition": "a", "include": ["TAGS"]});
        assert_eq!(describe(&mut world, &tagged).unwrap()["tags"], json!([]));
        let refused = describe(&mut world, &json!({"taskDefinition": "a:9"})).unwrap_err();
        assert_eq!(
            (refused.code.as_str(), refused.message.as_str()),
            ("ClientException", "Unable to describe task definition.")
        );
        let inactive = list(
            &mut world,
            &json!({"familyPrefix": "a", "status": "INACTIVE"}),
        )
        .unwrap();
        assert_eq!(inactive["taskDefinitionArns"], json!([arn]));
        let page = list(&mut world, &json!({"sort": "DESC", "maxResults": 1})).unwrap();
        assert!(
            page["taskDefinitionArns"][0]
                .as_str()
                .unwrap()
                .ends_with("/web:1")
        );
        assert!(page["nextToken"].is_string());
        let names = families(&mut world, &json!({"familyPrefix": "a"})).unwrap();
        assert_eq!(names["families"], json!(["a", "ab"]));
    }
}

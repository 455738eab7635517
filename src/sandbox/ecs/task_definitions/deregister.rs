//! `DeregisterTaskDefinition` and `DeleteTaskDefinitions`. Services that use a revision keep it.

use super::super::refuse::{client, invalid, missing};
use super::super::{AwsError, World, input, stamp};
use super::{Definition, split};
use serde_json::{Value, json};

/// Revisions per `DeleteTaskDefinitions` (ECS API).
const MOST: usize = 10;

/// The revision of an exact reference.
fn exact<'a>(world: &'a mut World, reference: &str) -> Option<&'a mut Definition> {
    let (family, revision) = split(reference);
    let revision = revision?.parse().ok()?;
    world
        .ecs
        .families
        .get_mut(family)?
        .revisions
        .get_mut(&revision)
}

/// `DeregisterTaskDefinition`: ACTIVE becomes INACTIVE.
pub(crate) fn deregister(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let reference =
        input::filled(request, "taskDefinition").ok_or_else(|| missing("taskDefinition"))?;
    if split(reference).1.is_none() {
        return Err(invalid("Invalid revision number. Number: null"));
    }
    let now = stamp(world.now);
    let definition = exact(world, reference)
        .ok_or_else(|| client("The specified task definition does not exist."))?;
    if definition.status() == "ACTIVE" {
        definition
            .doc
            .insert("status".to_owned(), "INACTIVE".into());
        definition.doc.insert("deregisteredAt".to_owned(), now);
    }
    Ok(json!({"taskDefinition": definition.doc}))
}

/// `DeleteTaskDefinitions`: INACTIVE becomes `DELETE_IN_PROGRESS` and stays so while the revision is
/// remembered; AWS too deletes it at a time of its own.
pub(crate) fn delete(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let references = input::texts(request, "taskDefinitions");
    if references.is_empty() {
        return Err(missing("taskDefinitions"));
    }
    if references.len() > MOST {
        return Err(invalid(format!(
            "Task definitions can have at most {MOST} items."
        )));
    }
    let now = stamp(world.now);
    let (mut deleted, mut failures) = (Vec::new(), Vec::new());
    for reference in &references {
        match exact(world, reference) {
            None => failures.push(json!({"arn": reference,
                "reason": "The specified task definition does not exist. Specify a valid account, \
                    family, revision and try again."})),
            Some(definition) if definition.status() == "ACTIVE" => {
                failures.push(json!({"arn": reference,
                    "reason": "The specified task definition is still in ACTIVE status. Please \
                        deregister the target and try again."}));
            }
            Some(definition) => {
                definition
                    .doc
                    .insert("status".to_owned(), "DELETE_IN_PROGRESS".into());
                definition
                    .doc
                    .entry("deleteRequestedAt")
                    .or_insert_with(|| now.clone());
                deleted.push(json!(definition.doc));
            }
        }
    }
    Ok(json!({"taskDefinitions": deleted, "failures": failures}))
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::world;
    use super::*;

    #[test]
    fn a_revision_goes_from_active_to_inactive_to_deletion() {
        let mut world = world();
        let early = delete(&mut world, &json!({"taskDefinitions": ["web:1", "web:9"]})).unwrap();
        assert_eq!(early["failures"].as_array().map(Vec::len), Some(2));
        let gone = deregister(&mut world, &json!({"taskDefinition": "web:1"})).unwrap();
        assert_eq!(gone["taskDefinition"]["status"], "INACTIVE");
        let refused = world.ecs.usable_definition("web:1").unwrap_err();
        assert_eq!(refused.message, "TaskDefinition is inactive");
        let deleted = delete(&mut world, &json!({"taskDefinitions": ["web:1"]})).unwrap();
        assert_eq!(
            deleted["taskDefinitions"][0]["status"],
            "DELETE_IN_PROGRESS"
        );
        for wrong in [
            json!({"taskDefinition": "web"}),
            json!({"taskDefinition": "web:7"}),
            json!({}),
        ] {
            deregister(&mut world, &wrong).unwrap_err();
        }
    }
}

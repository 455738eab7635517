//! Writing and deleting parameters, each of which is told of as an event.
//!
//! Limits: 4 KB of value in the standard tier, 8 KB in the advanced one; 100 versions are kept.

use super::super::events::{Event, emit};
use super::super::{AwsError, World, input};
use super::names::{self, invalid};
use super::{Parameter, Version, tags};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Bytes of value in the standard and the advanced tier.
const STANDARD: usize = 4096;
const ADVANCED: usize = 8192;

/// Versions that are kept.
const MAX_VERSIONS: usize = 100;

/// `PutParameter`.
pub(super) fn put_telling(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let answer = put(world, input)?;
    let operation = if answer["Version"] == json!(1) {
        "Create"
    } else {
        "Update"
    };
    tell(world, input, operation);
    Ok(answer)
}

/// Tells that this was done to the parameter of a request.
pub(super) fn tell(world: &mut World, input: &Value, operation: &'static str) {
    let name = names::strip_arn(
        input::text(input, "Name").unwrap_or_default(),
        &world.region,
    );
    let kind = world.ssm.parameters.get(name);
    let kind = kind.map_or_else(String::new, |parameter| parameter.kind.clone());
    tell_of(world, operation, name, &kind);
}

fn tell_of(world: &mut World, operation: &'static str, name: &str, kind: &str) {
    let event = Event::Parameter {
        operation,
        name,
        kind,
    };
    emit(world, &event);
}

/// What `PutParameter` does; what is there from the start is no news.
pub(in super::super) fn put(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let name = names::strip_arn(
        input::text(input, "Name").unwrap_or_default(),
        &world.region,
    );
    names::check(name)?;
    let value =
        input::filled(input, "Value").ok_or_else(|| invalid("A parameter value is required."))?;
    let new_tags = tags::read(input)?;
    let overwrite = input::flag(input, "Overwrite").unwrap_or(false);
    if overwrite && !new_tags.is_empty() {
        return Err(invalid(
            "Invalid request: tags and overwrite can't be used together. To create a parameter with \
             tags, please remove overwrite flag. To update tags for an existing parameter, please \
             use AddTagsToResource or RemoveTagsFromResource.",
        ));
    }
    let known = world.ssm.parameters.get(name);
    if known.is_some() && !overwrite {
        return Err(AwsError::new(
            "ParameterAlreadyExists",
            "The parameter already exists. To overwrite this value, set the overwrite option in \
             the request to true.",
        ));
    }
    let kind = input::filled(input, "Type")
        .or(known.map(|known| known.kind.as_str()))
        .ok_or_else(|| invalid("A parameter type is required when you create a parameter."))?
        .to_owned();
    if !matches!(kind.as_str(), "String" | "StringList" | "SecureString") {
        return Err(invalid(format!(
            "1 validation error detected: Value '{kind}' at 'type' failed to satisfy constraint: \
             Member must satisfy enum value set: [SecureString, StringList, String]"
        )));
    }
    if known.is_some_and(|known| known.kind != kind) {
        return Err(AwsError::new(
            "HierarchyTypeMismatchException",
            "Parameter Store doesn't support changing a parameter type in a hierarchy.",
        ));
    }
    let before = known.and_then(Parameter::newest);
    let tier = tier(input, value.len(), before)?;
    let key = input::filled(input, "KeyId").unwrap_or("alias/aws/ssm");
    let version = Version {
        number: before.map_or(1, |before| before.number + 1),
        value: value.to_owned(),
        modified: world.now,
        labels: BTreeSet::new(),
        tier: tier.to_owned(),
        description: input::filled(input, "Description").map(str::to_owned),
        allowed_pattern: input::filled(input, "AllowedPattern").map(str::to_owned),
        key_id: (kind == "SecureString").then(|| key.to_owned()),
        data_type: input::filled(input, "DataType")
            .unwrap_or("text")
            .to_owned(),
    };
    let number = version.number;
    let name = name.to_owned();
    let parameter = world
        .ssm
        .parameters
        .entry(name.clone())
        .or_insert_with(|| Parameter {
            name,
            kind,
            versions: Vec::new(),
            tags: new_tags,
        });
    if parameter.versions.len() >= MAX_VERSIONS {
        let oldest = parameter.versions.remove(0);
        if !oldest.labels.is_empty() {
            let message = format!(
                "You attempted to create a new version of {} by calling the PutParameter API with \
                 the overwrite flag. Version {}, the oldest version, can't be deleted because it \
                 has a label associated with it. Move the label to another version of the \
                 parameter, and try again.",
                parameter.name, oldest.number
            );
            parameter.versions.insert(0, oldest);
            return Err(AwsError::new("ParameterMaxVersionLimitExceeded", message));
        }
    }
    parameter.versions.push(version);
    Ok(json!({ "Version": number, "Tier": tier }))
}

/// The tier that the value ends up in; an advanced parameter stays advanced.
fn tier(input: &Value, size: usize, before: Option<&Version>) -> Result<&'static str, AwsError> {
    let was_advanced = before.is_some_and(|before| before.tier == "Advanced");
    let tier = match input::filled(input, "Tier") {
        Some("Standard") if was_advanced => {
            return Err(invalid(
                "This parameter uses the advanced-parameter tier. You can't downgrade a parameter \
                 from the advanced-parameter tier to the standard-parameter tier.",
            ));
        }
        Some("Advanced") => "Advanced",
        Some("Intelligent-Tiering") if size > STANDARD => "Advanced",
        None | Some("Standard" | "Intelligent-Tiering") if was_advanced => "Advanced",
        None | Some("Standard" | "Intelligent-Tiering") => "Standard",
        Some(other) => {
            return Err(invalid(format!(
                "1 validation error detected: Value '{other}' at 'tier' failed to satisfy \
                 constraint: Member must satisfy enum value set: [Standard, Advanced, \
                 Intelligent-Tiering]"
            )));
        }
    };
    if tier == "Standard" && size > STANDARD {
        return Err(invalid(
            "Standard tier parameters support a maximum parameter value of 4096 characters. To \
             create a larger parameter value, upgrade the parameter to use the advanced-parameter \
             tier. For more information, see \
             https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html",
        ));
    }
    if size > ADVANCED {
        return Err(invalid(
            "Advanced tier parameters support a maximum parameter value of 8192 characters.",
        ));
    }
    Ok(tier)
}

/// `DeleteParameter`.
pub(super) fn delete(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let name = names::strip_arn(
        input::text(input, "Name").unwrap_or_default(),
        &world.region,
    );
    match world.ssm.parameters.remove(name) {
        Some(parameter) => {
            tell_of(world, "Delete", &parameter.name, &parameter.kind);
            Ok(json!({}))
        }
        None => Err(names::not_found(name)),
    }
}

/// `DeleteParameters`: at most ten; unknown names stand in `InvalidParameters`.
pub(super) fn delete_several(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let wanted = super::find::ten_names(input)?;
    let (mut deleted, mut unknown) = (Vec::new(), Vec::new());
    for name in wanted {
        let known = world
            .ssm
            .parameters
            .remove(names::strip_arn(&name, &world.region));
        if let Some(parameter) = known {
            tell_of(world, "Delete", &parameter.name, &parameter.kind);
            deleted.push(name);
        } else {
            unknown.push(name);
        }
    }
    Ok(json!({ "DeletedParameters": deleted, "InvalidParameters": unknown }))
}

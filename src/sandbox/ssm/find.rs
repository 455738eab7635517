//! Reading parameters by name: `GetParameter`, `GetParameters`, `GetParameterHistory`.

use super::super::{AwsError, World, input};
use super::names::{self, invalid};
use super::{Parameter, State, Version};
use serde_json::{Value, json};

/// The `Names` of a request, 1 to 10.
pub(super) fn ten_names(input: &Value) -> Result<Vec<String>, AwsError> {
    let wanted = input::texts(input, "Names");
    if wanted.is_empty() || wanted.len() > 10 {
        return Err(invalid(format!(
            "1 validation error detected: {} values at 'names' failed to satisfy constraint: Member \
             must have length between 1 and 10",
            wanted.len()
        )));
    }
    Ok(wanted)
}

impl State {
    /// What `NAME`, `NAME:VERSION` or `NAME:LABEL` names.
    fn select(&self, wanted: &str, region: &str) -> Result<(&Parameter, &Version), AwsError> {
        let wanted = names::strip_arn(wanted, region);
        let (name, selector) = match wanted.split_once(':') {
            Some((name, selector)) => (name, Some(selector)),
            None => (wanted, None),
        };
        let parameter = self
            .parameters
            .get(name)
            .ok_or_else(|| names::not_found(name))?;
        let version = match selector {
            None => parameter.newest(),
            Some(selector) => parameter.versions.iter().find(|version| {
                selector.parse() == Ok(version.number) || version.labels.contains(selector)
            }),
        };
        version.map(|version| (parameter, version)).ok_or_else(|| {
            AwsError::new(
                "ParameterVersionNotFound",
                format!(
                    "Systems Manager could not find version {} of {name}. Verify the version and \
                     try again.",
                    selector.unwrap_or_default()
                ),
            )
        })
    }

    /// A parameter as it is read back under the name that was asked for.
    fn read(&self, wanted: &str, region: &str, decrypt: bool) -> Result<Value, AwsError> {
        let (parameter, version) = self.select(wanted, region)?;
        let mut out = parameter.describe(version, region, decrypt);
        let named = names::strip_arn(wanted, region);
        if let Some((_, selector)) = named.split_once(':') {
            out.insert("Selector".to_owned(), json!(format!(":{selector}")));
        }
        Ok(Value::Object(out))
    }
}

/// `GetParameter`.
pub(super) fn get(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let name = input::text(input, "Name").unwrap_or_default();
    let decrypt = input::flag(input, "WithDecryption").unwrap_or(false);
    Ok(json!({ "Parameter": world.ssm.read(name, &world.region, decrypt)? }))
}

/// `GetParameters`: unknown names stand in `InvalidParameters`.
pub(super) fn get_several(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let decrypt = input::flag(input, "WithDecryption").unwrap_or(false);
    let (mut found, mut unknown) = (Vec::new(), Vec::new());
    for name in ten_names(input)? {
        match world.ssm.read(&name, &world.region, decrypt) {
            Ok(parameter) => found.push(parameter),
            Err(_) => unknown.push(name),
        }
    }
    Ok(json!({ "Parameters": found, "InvalidParameters": unknown }))
}

/// `GetParameterHistory`: all versions, oldest first, 50 to a page.
pub(super) fn history(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let name = names::strip_arn(
        input::text(input, "Name").unwrap_or_default(),
        &world.region,
    );
    let decrypt = input::flag(input, "WithDecryption").unwrap_or(false);
    let parameter = world
        .ssm
        .parameters
        .get(name)
        .ok_or_else(|| names::not_found(name))?;
    let versions = parameter
        .versions
        .iter()
        .map(|version| {
            let mut out = parameter.metadata(version);
            out.insert("Value".to_owned(), json!(parameter.shown(version, decrypt)));
            out.insert("Labels".to_owned(), json!(version.labels));
            Value::Object(out)
        })
        .collect();
    let (versions, next) = names::page(input, 50, versions)?;
    Ok(match next {
        Some(token) => json!({ "Parameters": versions, "NextToken": token }),
        None => json!({ "Parameters": versions }),
    })
}

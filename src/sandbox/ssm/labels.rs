//! Labels of parameter versions: at most ten to a version, one version to a label.

use super::super::{AwsError, World, input};
use super::{Parameter, names, put};
use serde_json::{Value, json};

/// The parameter and version number of a request; the newest version unless it says otherwise.
fn versioned<'a>(
    world: &'a mut World,
    input: &Value,
) -> Result<(&'a mut Parameter, u64), AwsError> {
    let name = names::strip_arn(
        input::text(input, "Name").unwrap_or_default(),
        &world.region,
    );
    let parameter = world
        .ssm
        .parameters
        .get_mut(name)
        .ok_or_else(|| names::not_found(name))?;
    let newest = parameter.newest().map_or(0, |version| version.number);
    let number = match input::int(input, "ParameterVersion")? {
        Some(sent) => u64::try_from(sent).unwrap_or(0),
        None => newest,
    };
    if !parameter
        .versions
        .iter()
        .any(|version| version.number == number)
    {
        return Err(AwsError::new(
            "ParameterVersionNotFound",
            format!(
                "Systems Manager could not find version {number} of {name}. Verify the version and \
                 try again."
            ),
        ));
    }
    Ok((parameter, number))
}

/// Letters, digits and `.-_`; not beginning with a digit, `aws` or `ssm`; at most 100 characters
/// (Parameter Store user guide).
fn is_label(label: &str) -> bool {
    let lower = label.to_ascii_lowercase();
    (1..=100).contains(&label.len())
        && label
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
        && !label.starts_with(|c: char| c.is_ascii_digit())
        && !lower.starts_with("aws")
        && !lower.starts_with("ssm")
}

/// `LabelParameterVersion`: a label that stands on another version moves.
pub(super) fn label(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let (parameter, number) = versioned(world, input)?;
    let (labels, refused): (Vec<String>, Vec<String>) = input::texts(input, "Labels")
        .into_iter()
        .partition(|label| is_label(label));
    let wanted = parameter
        .versions
        .iter()
        .find(|version| version.number == number);
    let mut all = wanted
        .map(|version| version.labels.clone())
        .unwrap_or_default();
    all.extend(labels.iter().cloned());
    if all.len() > 10 {
        return Err(AwsError::new(
            "ParameterVersionLabelLimitExceeded",
            "A parameter version can have at most 10 labels.",
        ));
    }
    for version in &mut parameter.versions {
        version.labels.retain(|label| !labels.contains(label));
        if version.number == number {
            version.labels.clone_from(&all);
        }
    }
    put::tell(world, input, "LabelParameterVersion");
    Ok(json!({ "InvalidLabels": refused, "ParameterVersion": number }))
}

/// `UnlabelParameterVersion`.
pub(super) fn unlabel(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let (parameter, number) = versioned(world, input)?;
    let (mut removed, mut unknown) = (Vec::new(), Vec::new());
    if let Some(version) = parameter.versions.iter_mut().find(|v| v.number == number) {
        for label in input::texts(input, "Labels") {
            let known = version.labels.remove(&label);
            if known {
                removed.push(label);
            } else {
                unknown.push(label);
            }
        }
    }
    Ok(json!({ "RemovedLabels": removed, "InvalidLabels": unknown }))
}

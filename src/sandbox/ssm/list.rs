//! Reading parameters by path and by filter: `GetParametersByPath`, `DescribeParameters`.

use super::super::{AwsError, World, input};
use super::names::{self, invalid};
use super::{Parameter, Version};
use serde_json::{Value, json};

/// Whether the name lies under the path: directly, or at any depth.
fn is_under(name: &str, path: &str, recursive: bool) -> bool {
    let Some(rest) = name.strip_prefix(path.trim_end_matches('/')) else {
        return false;
    };
    rest.strip_prefix('/')
        .is_some_and(|rest| !rest.is_empty() && (recursive || !rest.contains('/')))
}

/// `GetParametersByPath`: ten to a page; filters on `Type`, `KeyId` and `Label`. A page is cut before it is
/// filtered, so it may be empty and not the last: AWS promises no more.
pub(super) fn by_path(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let path = input::text(input, "Path").unwrap_or_default();
    if !path.starts_with('/') {
        return Err(invalid(
            "The parameter doesn't meet the parameter name requirements. The parameter name must \
             begin with a forward slash \"/\". It can't be prefixed with \"aws\" or \"ssm\" \
             (case-insensitive). It must use only letters, numbers, or the following symbols: . \
             (period), - (hyphen), _ (underscore). Special characters are not allowed. All \
             sub-paths, if specified, must use the forward slash symbol \"/\". Valid example: \
             /get/parameters2-/by1./path0_.",
        ));
    }
    let recursive = input::flag(input, "Recursive").unwrap_or(false);
    let decrypt = input::flag(input, "WithDecryption").unwrap_or(false);
    let filters = input::list(input, "ParameterFilters");
    for filter in filters {
        let key = input::text(filter, "Key").unwrap_or_default();
        if !matches!(key, "Type" | "KeyId" | "Label") {
            return Err(filter_key(key, "Type, KeyId, Label"));
        }
    }
    let mut found = Vec::new();
    for parameter in world.ssm.parameters.values() {
        if !is_under(&parameter.name, path, recursive) {
            continue;
        }
        let labelled = filters.iter().find(|filter| filter["Key"] == "Label");
        let labels = labelled.map(|filter| input::texts(filter, "Values"));
        let version = match labels {
            None => parameter.newest(),
            Some(labels) => parameter
                .versions
                .iter()
                .rev()
                .find(|version| labels.iter().any(|label| version.labels.contains(label))),
        };
        let passing = version.filter(|version| {
            let mut all = filters.iter();
            all.all(|filter| passes(parameter, version, filter))
        });
        let described = passing.map(|version| parameter.describe(version, &world.region, decrypt));
        found.push(described.map_or(Value::Null, Value::Object));
    }
    let mut answer = respond(input, 10, found)?;
    if let Some(page) = answer["Parameters"].as_array_mut() {
        page.retain(|one| !one.is_null());
    }
    Ok(answer)
}

fn respond(input: &Value, most: usize, found: Vec<Value>) -> Result<Value, AwsError> {
    let (found, next) = names::page(input, most, found)?;
    Ok(match next {
        Some(token) => json!({ "Parameters": found, "NextToken": token }),
        None => json!({ "Parameters": found }),
    })
}

fn filter_key(key: &str, known: &str) -> AwsError {
    AwsError::new(
        "InvalidFilterKey",
        format!(
            "The following filter key is not valid: {key}. Valid filter keys include: [{known}]."
        ),
    )
}

/// Whether a version passes one filter; `Option` defaults to `Equals`.
fn passes(parameter: &Parameter, version: &Version, filter: &Value) -> bool {
    let key = input::text(filter, "Key").unwrap_or_default();
    let option = input::filled(filter, "Option").unwrap_or("Equals");
    let values = input::texts(filter, "Values");
    let name = parameter.name.as_str();
    let text = match key {
        "Label" => return values.iter().any(|label| version.labels.contains(label)),
        "Path" => {
            let recursive = option == "Recursive";
            return values.iter().any(|path| is_under(name, path, recursive));
        }
        "Name" => name,
        "Type" => &parameter.kind,
        "Tier" => &version.tier,
        "DataType" => &version.data_type,
        "KeyId" => version.key_id.as_deref().unwrap_or_default(),
        _ => match key
            .strip_prefix("tag:")
            .and_then(|key| parameter.tags.get(key))
        {
            Some(value) if values.is_empty() => return !value.is_empty() || option == "Equals",
            Some(value) => value,
            None => return false,
        },
    };
    values.iter().any(|value| match option {
        "BeginsWith" => {
            let bare = key == "Name" && !value.starts_with('/');
            text.starts_with(value) || (bare && text.trim_start_matches('/').starts_with(value))
        }
        "Contains" => text.contains(value),
        _ => text == value || (key == "Name" && text.trim_start_matches('/') == value),
    })
}

/// `DescribeParameters`: metadata without values, 50 to a page. `Filters` is the older form of
/// `ParameterFilters`, whose names match by their beginning.
pub(super) fn describe(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let mut filters = input::list(input, "ParameterFilters").to_vec();
    for filter in &filters {
        let key = input::text(filter, "Key").unwrap_or_default();
        let known = ["Name", "Type", "KeyId", "Path", "Label", "Tier", "DataType"];
        if !known.contains(&key) && !key.starts_with("tag:") {
            return Err(filter_key(
                key,
                &format!("tag:<tagkey>, {}", known.join(", ")),
            ));
        }
        let option = input::filled(filter, "Option").unwrap_or("Equals");
        if !["Equals", "BeginsWith", "Contains", "Recursive", "OneLevel"].contains(&option) {
            return Err(AwsError::new(
                "InvalidFilterOption",
                format!(
                    "The following filter option is not valid: {option}. Valid options include: \
                     [BeginsWith, Equals]."
                ),
            ));
        }
    }
    for filter in input::list(input, "Filters") {
        let key = input::text(filter, "Key").unwrap_or_default();
        let option = if key == "Name" {
            "BeginsWith"
        } else {
            "Equals"
        };
        filters.push(json!({ "Key": key, "Option": option, "Values": filter["Values"] }));
    }
    let mut found = Vec::new();
    for parameter in world.ssm.parameters.values() {
        let Some(version) = parameter.newest() else {
            continue;
        };
        if filters
            .iter()
            .all(|filter| passes(parameter, version, filter))
        {
            let mut out = parameter.metadata(version);
            out.insert("ARN".to_owned(), json!(parameter.arn(&world.region)));
            found.push(Value::Object(out));
        }
    }
    respond(input, 50, found)
}

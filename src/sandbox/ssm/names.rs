//! Parameter names and page tokens: checking them, and the refusals.

use super::super::{ACCOUNT, AwsError, input};
use serde_json::Value;

/// A `ValidationException`.
pub(super) fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new("ValidationException", message)
}

/// The refusal for a parameter that does not exist.
pub(super) fn not_found(name: &str) -> AwsError {
    AwsError::new("ParameterNotFound", format!("Parameter {name} not found."))
}

/// The name behind an ARN of the account, or the name itself.
pub(super) fn strip_arn<'a>(name: &'a str, region: &str) -> &'a str {
    let prefix = format!("arn:aws:ssm:{region}:{ACCOUNT}:parameter");
    name.strip_prefix(prefix.as_str()).unwrap_or(name)
}

/// Checks the name of a new parameter: letters, digits and `.-_`, slashes only in a full path of at
/// most 15 levels, at most 1011 characters (API reference of `PutParameter`).
pub(super) fn check(name: &str) -> Result<(), AwsError> {
    let lower = name.trim_start_matches('/').to_ascii_lowercase();
    let characters = name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'/'));
    if name.contains('/') && !name.starts_with('/') {
        return Err(invalid("Parameter name must be a fully qualified name."));
    }
    let empty_part = name
        .strip_prefix('/')
        .is_some_and(|path| path.split('/').any(str::is_empty));
    if name.is_empty()
        || name.len() > 1011
        || !characters
        || empty_part
        || lower.starts_with("aws")
        || lower.starts_with("ssm")
    {
        return Err(invalid(
            "Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive). If \
             formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path \
             can be formed as a mix of letters, numbers and the following 3 symbols .-_",
        ));
    }
    if name.matches('/').count() > 15 {
        return Err(AwsError::new(
            "HierarchyLevelLimitExceededException",
            "A parameter name can have at most 15 levels",
        ));
    }
    Ok(())
}

/// One page of `items`, `most` to a page at most and by default; the next token if there is more.
pub(super) fn page(
    input: &Value,
    most: usize,
    items: Vec<Value>,
) -> Result<(Vec<Value>, Option<String>), AwsError> {
    let sent = input::int(input, "MaxResults")?;
    let size = match sent {
        None => most,
        Some(sent) => usize::try_from(sent)
            .ok()
            .filter(|size| (1..=most).contains(size))
            .ok_or_else(|| {
                invalid(format!(
                    "1 validation error detected: Value '{sent}' at 'maxResults' failed to satisfy \
                     constraint: Member must have value between 1 and {most}"
                ))
            })?,
    };
    let start = match input::filled(input, "NextToken") {
        None => 0,
        Some(token) => token
            .strip_prefix("at-")
            .and_then(|at| at.parse::<usize>().ok())
            .ok_or_else(|| AwsError::new("InvalidNextToken", "The specified token isn't valid."))?,
    };
    let next = (items.len() > start.saturating_add(size)).then(|| format!("at-{}", start + size));
    Ok((items.into_iter().skip(start).take(size).collect(), next))
}

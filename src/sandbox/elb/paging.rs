//! `PageSize`, `Marker` and `NextMarker`: 1 to 400 items to a page, 400 unless asked otherwise.

use super::super::{AwsError, input};
use serde_json::{Map, Value, json};

/// The response `{ member: [..], NextMarker? }` with the page of `items` that the input asks for.
pub(super) fn page(input: &Value, member: &str, items: Vec<Value>) -> Result<Value, AwsError> {
    let size = input::int(input, "PageSize")?.unwrap_or(400);
    let size = usize::try_from(size)
        .ok()
        .filter(|size| (1..=400).contains(size))
        .ok_or_else(|| {
            AwsError::new(
                "ValidationError",
                format!(
                    "1 validation error detected: Value '{size}' at 'pageSize' failed to satisfy \
                 constraint: Member must be between 1 and 400"
                ),
            )
        })?;
    let start = match input::filled(input, "Marker") {
        None => 0,
        Some(marker) => marker
            .strip_prefix("at-")
            .and_then(|at| at.parse::<usize>().ok())
            .ok_or_else(|| {
                AwsError::new(
                    "ValidationError",
                    format!("The marker '{marker}' is invalid"),
                )
            })?,
    };
    let more = items.len() > start.saturating_add(size);
    let mut response = Map::new();
    let page: Vec<Value> = items.into_iter().skip(start).take(size).collect();
    response.insert(member.to_owned(), Value::Array(page));
    if more {
        response.insert(
            "NextMarker".to_owned(),
            json!(format!("at-{}", start + size)),
        );
    }
    Ok(Value::Object(response))
}

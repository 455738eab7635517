//! Amazon `CloudWatch` Logs: the log groups that there are. Not their content.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{ACCOUNT, AwsError, Time, World, input};

/// What one operation does.
pub type Operation = fn(&mut World, &Value) -> Result<Value, AwsError>;

/// The operation of this name, and whether it changes anything.
pub fn operation(name: &str) -> Option<(Operation, bool)> {
    match name {
        "CreateLogGroup" => Some((create, true)),
        "DescribeLogGroups" => Some((describe, false)),
        _ => None,
    }
}

/// The log groups of a region.
#[derive(Debug, Default)]
pub struct State {
    /// Names, and when they were made.
    groups: BTreeMap<String, Time>,
}

impl State {
    /// Makes a group; one that is there stays as it is.
    pub(super) fn add(&mut self, name: String, now: Time) {
        self.groups.entry(name).or_insert(now);
    }
}

fn create(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let name = input::text(input, "logGroupName").unwrap_or_default();
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-/#".contains(c);
    if name.is_empty() || name.len() > 512 || !name.chars().all(fits) {
        let message = format!(
            "1 validation error detected: Value '{name}' at 'logGroupName' failed to satisfy constraint: Member must \
             satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+"
        );
        return Err(AwsError::new("InvalidParameterException", message));
    }
    if world.logs.groups.contains_key(name) {
        return Err(AwsError::new(
            "ResourceAlreadyExistsException",
            "The specified log group already exists",
        ));
    }
    world.logs.add(name.to_owned(), world.now);
    Ok(json!({}))
}

/// By prefix, in the order of their names, 50 to a page unless `limit` says less.
fn describe(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let limit = input::int(input, "limit")?.unwrap_or(50);
    let limit = usize::try_from(limit).unwrap_or(0);
    if !(1..=50).contains(&limit) {
        let message = format!(
            "1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: Member must have \
             value less than or equal to 50"
        );
        return Err(AwsError::new("InvalidParameterException", message));
    }
    let prefix = input::text(input, "logGroupNamePrefix").unwrap_or_default();
    let after = input::text(input, "nextToken");
    let region = &world.region;
    let mut rest = world
        .logs
        .groups
        .iter()
        .filter(|(name, _)| name.starts_with(prefix))
        .filter(|(name, _)| after.is_none_or(|after| name.as_str() > after))
        .peekable();
    let mut groups = Vec::new();
    let mut last = None;
    while let Some((name, created)) = rest.next_if(|_| groups.len() < limit) {
        let arn = format!("arn:aws:logs:{region}:{ACCOUNT}:log-group:{name}");
        groups.push(json!({
            "logGroupName": name,
            "creationTime": created,
            "metricFilterCount": 0,
            "arn": format!("{arn}:*"),
            "logGroupArn": arn,
            "storedBytes": 0,
            "logGroupClass": "STANDARD"
        }));
        last = Some(name.clone());
    }
    let mut out = json!({ "logGroups": groups });
    if let (Some(_), Some(last)) = (rest.peek(), last) {
        out["nextToken"] = last.into();
    }
    Ok(out)
}

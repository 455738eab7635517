//! Repository names, ARNs and image ids: checking them, finding what they name, and the refusals.

use super::super::{ACCOUNT, AwsError, World, input};
use super::{Repository, State};
use serde_json::Value;

/// An `InvalidParameterException` in the service's wording.
pub(super) fn invalid(member: &str, constraint: &str) -> AwsError {
    AwsError::new(
        "InvalidParameterException",
        format!("Invalid parameter at '{member}' failed to satisfy constraint: '{constraint}'"),
    )
}

/// Checks `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*` between slashes, 2 to 256 characters.
pub(super) fn check(name: &str) -> Result<(), AwsError> {
    let word = |part: &str| {
        let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let separators: Vec<&str> = part
            .split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            .filter(|between| !between.is_empty())
            .collect();
        edge(part.bytes().next())
            && edge(part.bytes().last())
            && separators
                .iter()
                .all(|s| matches!(*s, "." | "_" | "__") || s.bytes().all(|b| b == b'-'))
    };
    if (2..=256).contains(&name.len()) && name.split('/').all(word) {
        return Ok(());
    }
    Err(invalid(
        "repositoryName",
        "must satisfy regular expression \
         '(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*'",
    ))
}

/// The ARN of a repository.
pub(super) fn arn(region: &str, name: &str) -> String {
    format!("arn:aws:ecr:{region}:{ACCOUNT}:repository/{name}")
}

/// The refusal for a repository that does not exist.
pub(super) fn not_found(name: &str, registry: &str) -> AwsError {
    AwsError::new(
        "RepositoryNotFoundException",
        format!(
            "The repository with name '{name}' does not exist in the registry with id '{registry}'"
        ),
    )
}

impl State {
    /// The repository a request names in `repositoryName`, in the account's registry.
    pub(super) fn named(&mut self, input: &Value) -> Result<&mut Repository, AwsError> {
        let name = input::text(input, "repositoryName").unwrap_or_default();
        check(name)?;
        let registry = input::filled(input, "registryId").unwrap_or(ACCOUNT);
        let found = self
            .repositories
            .get_mut(name)
            .filter(|_| registry == ACCOUNT);
        found.ok_or_else(|| not_found(name, registry))
    }
}

/// The repository a request names by ARN in `resourceArn`.
pub(super) fn by_arn<'a>(
    world: &'a mut World,
    input: &Value,
) -> Result<&'a mut Repository, AwsError> {
    let wanted = input::text(input, "resourceArn").unwrap_or_default();
    let prefix = arn(&world.region, "");
    let name = wanted.strip_prefix(&prefix).ok_or_else(|| {
        invalid(
            "resourceArn",
            &format!("'{wanted}' is not the ARN of a repository of this region"),
        )
    })?;
    world
        .ecr
        .repositories
        .get_mut(name)
        .ok_or_else(|| not_found(name, ACCOUNT))
}

/// One page of `items`: `maxResults` 1 to 1000, 100 unless asked otherwise; the next token if there
/// is more.
pub(super) fn page(
    input: &Value,
    items: Vec<Value>,
) -> Result<(Vec<Value>, Option<String>), AwsError> {
    let size = input::int(input, "maxResults")?.unwrap_or(100);
    let size = usize::try_from(size)
        .ok()
        .filter(|size| (1..=1000).contains(size))
        .ok_or_else(|| invalid("maxResults", "Member must be between 1 and 1000"))?;
    let start = match input::filled(input, "nextToken") {
        None => 0,
        Some(token) => token
            .strip_prefix("at-")
            .and_then(|at| at.parse::<usize>().ok())
            .ok_or_else(|| invalid("nextToken", "The token is not one that was handed out"))?,
    };
    let next = (items.len() > start.saturating_add(size)).then(|| format!("at-{}", start + size));
    Ok((items.into_iter().skip(start).take(size).collect(), next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_service_models_pattern() {
        for name in ["nova/auth-service", "ab", "a.b_c__d--e/f1"] {
            assert!(check(name).is_ok(), "{name}");
        }
        for name in [
            "", "a", "Nova/x", "a//b", "/ab", "ab/", "-ab", "a..b", "a___b", "a._b",
        ] {
            assert!(check(name).is_err(), "{name}");
        }
        assert!(check(&"a".repeat(257)).is_err());
    }
}

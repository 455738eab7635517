//! ARNs and the names that stand for them. Not what they lead to.

use super::refuse::invalid;
use super::{ACCOUNT, AwsError};

/// The ARN of an ECS resource, such as `cluster/main`.
pub(crate) fn of(region: &str, resource: &str) -> String {
    format!("arn:aws:ecs:{region}:{ACCOUNT}:{resource}")
}

/// The name of a cluster that is given by name, by ARN or, for the cluster `default`, not at all.
pub(crate) fn cluster(reference: Option<&str>) -> &str {
    match reference {
        None | Some("") => "default",
        Some(reference) => last(reference),
    }
}

/// What follows the last slash, or everything.
pub(crate) fn last(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or(reference)
}

/// The name of a thing inside a cluster (`service`, `task`, `task-set`), given by name or by ARN.
/// An ARN that names another cluster is refused, as AWS refuses it.
pub(crate) fn inside<'a>(
    kind: &str,
    reference: &'a str,
    cluster: &str,
) -> Result<&'a str, AwsError> {
    let Some(resource) = reference.strip_prefix("arn:") else {
        return Ok(reference);
    };
    let mut parts = resource.rsplit(':').next().unwrap_or_default().split('/');
    if parts.next() != Some(kind) {
        return Err(invalid(format!(
            "Invalid identifier: {reference} is not the ARN of a {kind}"
        )));
    }
    let rest: Vec<&str> = parts.collect();
    // The old format, `service/name`, has no cluster in it.
    if let [other, _, ..] = rest.as_slice()
        && *other != cluster
    {
        return Err(invalid(format!(
            "Invalid identifier: Identifier is for cluster {other}. Your cluster is {cluster}"
        )));
    }
    Ok(last(reference))
}

/// Whether this is a name of ECS: 1 to 255 letters, digits, hyphens and underscores.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=255).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_arns_lead_to_the_same_thing() {
        assert_eq!(cluster(None), "default");
        assert_eq!(
            cluster(Some("arn:aws:ecs:us-east-1:123456789012:cluster/main")),
            "main"
        );
        let service = "arn:aws:ecs:us-east-1:123456789012:service/main/web";
        assert_eq!(inside("service", service, "main"), Ok("web"));
        assert_eq!(inside("service", "web", "main"), Ok("web"));
        assert_eq!(
            inside("service", service, "other").unwrap_err().message,
            "Invalid identifier: Identifier is for cluster main. Your cluster is other"
        );
        assert!(inside("task", service, "main").is_err());
    }

    #[test]
    fn names_are_checked() {
        assert!(is_name("a-B_9") && !is_name("") && !is_name("a b") && !is_name(&"a".repeat(256)));
    }
}

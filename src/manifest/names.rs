//! Which names AWS takes. Not their uniqueness (`claims`).

/// A manifest's own name: what AWS takes for nearly every kind, and `.` besides.
pub(crate) fn is_manifest_name(name: &str) -> bool {
    name.len() <= 253
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// Families, services, clusters, containers: letters, digits, `-`, `_`, 1 to 255 (aws-facts 3.2).
pub(super) fn is_ecs_name(name: &str) -> bool {
    (1..=255).contains(&name.len())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
}

/// Target groups and load balancers: letters, digits, `-`, 1 to 32, no `-` at either end (aws-facts 4).
pub(super) fn is_elb_name(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// `CodeDeploy` applications and groups: 1 to 100 of `[A-Za-z0-9+=,.@_-]` (aws-facts 2.1).
pub(super) fn is_codedeploy_name(name: &str) -> bool {
    (1..=100).contains(&name.len())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c))
}

/// Scaling policies: 1 to 256 printable characters (pattern of `PolicyName` in the service model).
pub(super) fn is_policy_name(name: &str) -> bool {
    (1..=256).contains(&name.chars().count()) && !name.chars().any(char::is_control)
}

/// Repositories: 2 to 256, lower-case words joined by single `.`, `-`, `/` or one or two `_`
/// (pattern of `repositoryName` in the ECR service model).
pub(super) fn is_repository_name(name: &str) -> bool {
    (2..=256).contains(&name.len()) && name.split('/').all(is_repository_part)
}

fn is_repository_part(part: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    part.starts_with(is_word)
        && part.ends_with(is_word)
        && part.chars().all(|c| is_word(c) || "._-".contains(c))
        && part.split(is_word).all(|between| {
            matches!(between, "" | "." | "_" | "__") || between.chars().all(|c| c == '-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in ["nova/auth-service", "a.b/c__d", "ab", "a--b"] {
            assert!(is_repository_name(name), "{name}");
        }
        for name in [
            "a", "Nova/x", "nova//x", "nova/-x", "a..b", "/a", "a b", "a_._b",
        ] {
            assert!(!is_repository_name(name), "{name}");
        }
        assert!(is_elb_name("nova-auth-blue") && !is_elb_name("-a") && !is_elb_name("a_b"));
        assert!(!is_elb_name(&"a".repeat(33)) && is_elb_name(&"a".repeat(32)));
        assert!(is_ecs_name("a_B-1") && !is_ecs_name("a.b") && !is_ecs_name(""));
        assert!(is_codedeploy_name("AppECS-a+b@c") && !is_codedeploy_name("a b"));
        assert!(is_manifest_name("a.b-c_1") && !is_manifest_name("-a") && !is_manifest_name("a/b"));
    }
}

//! Environment variables that look like secrets in plain text. A guess, for a comment in the file;
//! nothing is changed and no value is shown.

use serde_json::Value;

use crate::model::Kind;

/// Parts of names of variables that mostly hold secrets.
const NAMES: [&str; 9] = [
    "PASSWORD",
    "PASSWD",
    "SECRET",
    "TOKEN",
    "APIKEY",
    "API_KEY",
    "PRIVATE_KEY",
    "CREDENTIAL",
    "ACCESS_KEY",
];

/// One sentence for each suspicious variable of a task definition.
pub(crate) fn warnings(kind: Kind, spec: &Value) -> Vec<String> {
    if kind != Kind::TaskDefinition {
        return Vec::new();
    }
    let list = |value: &Value, member: &str| -> Vec<Value> {
        value
            .get(member)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let mut found = Vec::new();
    for container in list(spec, "containerDefinitions") {
        for variable in list(&container, "environment") {
            let text = |member: &str| variable[member].as_str().unwrap_or_default().to_owned();
            let (name, value) = (text("name"), text("value"));
            if looks_secret(&name, &value) {
                found.push(format!(
                    "Warning: the variable {name} of container {} may be a secret in plain text; keep it in \
                     Secrets Manager or Parameter Store and name it under `secrets`.",
                    container["name"].as_str().unwrap_or_default()
                ));
            }
        }
    }
    found
}

fn looks_secret(name: &str, value: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    // An ARN or a reference to a variable names a secret and is none.
    if value.is_empty() || value.starts_with("arn:") || value.starts_with("${") {
        return false;
    }
    NAMES.iter().any(|part| upper.contains(part))
        || (value.starts_with("AKIA") && value.len() == 20)
        || value.contains("-----BEGIN ")
        || has_password(value)
}

/// Whether it is a URL with a password: `scheme://user:password@host`.
fn has_password(value: &str) -> bool {
    let authority = value.split_once("://").map(|(_, rest)| rest);
    let user = authority.and_then(|rest| rest.split('/').next()?.rsplit_once('@'));
    user.is_some_and(|(user, _)| {
        user.split_once(':')
            .is_some_and(|(_, word)| !word.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_and_values_are_looked_at() {
        for (name, value, secret) in [
            ("DB_PASSWORD", "x", true),
            ("github_token", "x", true),
            ("DB_URL", "postgres://app:pw@db/x", true),
            ("DB_URL", "postgres://app@db/x", false),
            ("HOME", "/root", false),
            ("SECRET_ARN", "arn:aws:secretsmanager:x", false),
            ("PASSWORD", "", false),
            ("X", "AKIAABCDEFGHIJKLMNOP", true),
        ] {
            assert_eq!(looks_secret(name, value), secret, "{name}={value}");
        }
    }

    #[test]
    fn the_value_is_not_told() {
        let spec = json!({"containerDefinitions": [{"name": "app", "environment": [
            {"name": "DB_PASSWORD", "value": "hunter2"}]}]});
        let found = warnings(Kind::TaskDefinition, &spec);
        assert!(
            found[0].contains("DB_PASSWORD") && !found[0].contains("hunter2"),
            "{found:?}"
        );
    }
}

//! Hiding values that may be secrets. Works by where a value stands and by what it is called; it
//! cannot know a secret that looks like nothing.

use serde_json::{Map, Value};

/// What stands in place of a hidden value.
const MASK: &str = "****";

/// Members whose contents are hidden: what they hold comes from users and is often secret.
const HIDDEN_PLACES: [&str; 3] = ["environment", "secrets", "secretOptions"];

/// Words in a member's or variable's name that make its value hidden. Compared in lower case,
/// without `-` and `_`.
const SECRET_WORDS: [&str; 7] = [
    "password",
    "passwd",
    "secret",
    "token",
    "apikey",
    "privatekey",
    "passphrase",
];

/// The value as it may be shown, where `path` is the JSON pointer of its place.
pub fn masked(path: &str, value: &Value) -> Value {
    mask(value, hides(path))
}

/// Whether every text at the JSON pointer `path` is hidden, whatever it is.
pub fn hides(path: &str) -> bool {
    path.split('/').any(is_hidden_name)
}

fn mask(value: &Value, hidden: bool) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::Array(items) => Value::Array(items.iter().map(|item| mask(item, hidden)).collect()),
        Value::Object(members) => Value::Object(mask_members(members, hidden)),
        Value::String(text) if !hidden && !holds_credential(text) => value.clone(),
        Value::Bool(_) | Value::Number(_) if !hidden => value.clone(),
        _ => Value::String(MASK.to_owned()),
    }
}

fn mask_members(members: &Map<String, Value>, hidden: bool) -> Map<String, Value> {
    let label = ["name", "Name", "key", "Key"]
        .into_iter()
        .find_map(|m| members.get(m)?.as_str());
    let labelled = label.is_some_and(is_hidden_name);
    let one = |(name, value): (&String, &Value)| {
        let is_label =
            matches!(name.as_str(), "name" | "Name" | "key" | "Key") && value.is_string();
        let shown = if is_label {
            value.clone()
        } else {
            mask(value, hidden || labelled || is_hidden_name(name))
        };
        (name.clone(), shown)
    };
    members.iter().map(one).collect()
}

fn is_hidden_name(name: &str) -> bool {
    if HIDDEN_PLACES.contains(&name) {
        return true;
    }
    let plain: String = name
        .chars()
        .filter(|c| !matches!(c, '-' | '_'))
        .flat_map(char::to_lowercase)
        .collect();
    SECRET_WORDS.iter().any(|word| plain.contains(word))
}

/// Whether a text carries a credential inline, as `--password=x` or `postgres://user:pw@host` do.
fn holds_credential(text: &str) -> bool {
    let lower = text.to_lowercase();
    let assigned = SECRET_WORDS.iter().any(|word| {
        let ends = lower
            .match_indices(word)
            .map(|(start, _)| start + word.len());
        ends.filter_map(|end| lower.get(end..))
            .any(|rest| rest.starts_with(['=', ' ']))
    });
    let in_url = lower.split_once("://").is_some_and(|(_, rest)| {
        let authority = rest.split('/').next().unwrap_or_default();
        authority
            .split_once('@')
            .is_some_and(|(user, _)| user.contains(':'))
    });
    assigned || in_url
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_of_environment_are_hidden_and_their_names_are_not() {
        let shown = masked(
            "/containerDefinitions/app",
            &json!({
                "image": "a:1",
                "environment": [{"name": "MODE", "value": "x"}],
                "secrets": [{"name": "DB", "valueFrom": "arn:x"}],
                "logConfiguration": {"options": {"splunk-token": "t", "tag": "y"}},
            }),
        );
        assert_eq!(
            shown,
            json!({
                "image": "a:1",
                "environment": [{"name": "MODE", "value": "****"}],
                "secrets": [{"name": "DB", "valueFrom": "****"}],
                "logConfiguration": {"options": {"splunk-token": "****", "tag": "y"}},
            })
        );
    }

    #[test]
    fn the_path_counts_too() {
        assert_eq!(
            masked("/c/environment/MODE/value", &json!("x")),
            json!("****")
        );
        assert_eq!(
            masked("/DefaultActions/0/ClientSecret", &json!("x")),
            json!("****")
        );
        assert_eq!(masked("/HealthCheckPath", &json!("/x")), json!("/x"));
        assert_eq!(masked("/environment/MODE", &Value::Null), Value::Null);
    }

    #[test]
    fn a_pair_with_a_secret_name_is_hidden_anywhere() {
        let pair = json!({"Key": "db_password", "Value": "x"});
        assert_eq!(
            masked("/tags", &pair),
            json!({"Key": "db_password", "Value": "****"})
        );
    }

    #[test]
    fn credentials_inside_a_text_hide_it() {
        for text in [
            "--db-password=hunter2",
            "psql postgres://me:pw@db/x",
            "run --token abc",
        ] {
            assert_eq!(masked("/command/0", &json!(text)), json!("****"), "{text}");
        }
        for text in [
            "https://example.com/a@b",
            "tokenizer",
            "arn:aws:secretsmanager:x",
        ] {
            assert_eq!(masked("/command/0", &json!(text)), json!(text));
        }
    }
}

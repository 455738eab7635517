//! Values that may be shown nowhere, wherever they turn up. The second line of defence: the first is
//! where a value stands (`mask`), and a secret is let in nowhere else.
//!
//! Invariant: its `Debug` shows no value.

use std::collections::BTreeSet;

use serde_json::Value;

/// What stands in place of a secret.
const MASK: &str = "****";

/// Shorter values would hide every other word, and are guessed more easily than read.
const SHORTEST: usize = 4;

/// A set of secret texts.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets(BTreeSet<String>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

impl Secrets {
    /// Adds a value, also as JSON would write it inside a text.
    pub fn add(&mut self, value: &Value) {
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if text.len() < SHORTEST {
            return;
        }
        let quoted = Value::String(text.clone()).to_string();
        self.0.insert(quoted[1..quoted.len() - 1].to_owned());
        self.0.insert(text);
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text without the secrets in it.
    pub fn hide(&self, text: &str) -> String {
        let mut out = text.to_owned();
        let mut secrets: Vec<&String> = self.0.iter().collect();
        // The longest first: one may be part of another.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        for secret in secrets {
            if out.contains(secret.as_str()) {
                out = out.replace(secret.as_str(), MASK);
            }
        }
        out
    }

    /// The value without the secrets in its texts.
    #[must_use]
    pub fn hide_in(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.hide(text)),
            Value::Array(items) => items.iter().map(|item| self.hide_in(item)).collect(),
            Value::Object(members) => members
                .iter()
                .map(|(name, value)| (name.clone(), self.hide_in(value)))
                .collect(),
            other => other.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_hidden_wherever_they_stand() {
        let mut secrets = Secrets::default();
        for value in ["hunter2", "hunter22", "a\"b\nc", "x"] {
            secrets.add(&json!(value));
        }
        assert_eq!(secrets.hide("pw=hunter22, hunter2"), "pw=****, ****");
        assert_eq!(secrets.hide("\"a\\\"b\\nc\" x"), "\"****\" x");
        assert_eq!(
            secrets.hide_in(&json!({"a": ["x hunter2", 1, null]})),
            json!({"a": ["x ****", 1, null]})
        );
        assert!(!format!("{secrets:?}").contains("hunter2"));
    }
}

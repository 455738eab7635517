//! The variables of a conversion: what tools look up when they run, and where their values come from.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Variables by name, each with where its value comes from (`null`: nobody says).
#[derive(Clone, Debug, Default)]
pub(super) struct Variables {
    all: BTreeMap<String, Value>,
}

impl Variables {
    /// The variable that comes from there, named like `wanted`; a new one if there is none yet.
    pub(super) fn name(&mut self, wanted: &str, from: &Value) -> String {
        let base = valid(wanted);
        let mut name = base.clone();
        let mut count = 2;
        while let Some(known) = self.all.get(&name) {
            if known == from {
                return name;
            }
            name = format!("{base}_{count}");
            count += 1;
        }
        self.all.insert(name.clone(), from.clone());
        name
    }

    /// Whether there is a variable of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.all.contains_key(name)
    }

    /// Them all, as `variables` of an Environment. One whose source nobody says is to be given to the
    /// process: a declared name without a value would be an error wherever it is used.
    pub(super) fn spec(&self) -> Map<String, Value> {
        let all = self.all.iter().map(|(name, from)| {
            let from = match from {
                Value::Null => from_env(name, None),
                known => known.clone(),
            };
            (name.clone(), from)
        });
        all.collect()
    }
}

/// A variable of the process's environment.
pub(super) fn from_env(name: &str, default: Option<&str>) -> Value {
    match default {
        Some(default) => json!({"fromEnv": name, "default": default}),
        None => json!({"fromEnv": name}),
    }
}

/// The text as a name: letters, digits and `_`, in capitals unless it is one already.
fn valid(text: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if text.chars().all(fits) && text.starts_with(|c: char| !c.is_ascii_digit()) {
        return text.to_owned();
    }
    let mut name = String::new();
    for c in text.chars() {
        if fits(c) {
            name.push(c.to_ascii_uppercase());
        } else if !name.ends_with('_') {
            name.push('_');
        }
    }
    let name = name.trim_matches('_');
    if name.starts_with(|c: char| c.is_ascii_digit()) || name.is_empty() {
        format!("V_{name}")
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_source_is_one_variable_and_names_are_made_to_fit() {
        let mut variables = Variables::default();
        let ssm = json!({"fromSsm": "/a/b"});
        assert_eq!(variables.name("SSM_/a/b", &ssm), "SSM_A_B");
        assert_eq!(variables.name("SSM_/a/b", &ssm), "SSM_A_B");
        assert_eq!(
            variables.name("SSM_a-b", &json!({"fromSsm": "a-b"})),
            "SSM_A_B_2"
        );
        assert_eq!(
            variables.name("lower_case", &from_env("lower_case", None)),
            "lower_case"
        );
        assert_eq!(variables.name("1st", &Value::Null), "V_1ST");
        assert!(variables.has("SSM_A_B") && !variables.has("SSM"));
        let spec = variables.spec();
        assert_eq!(spec["SSM_A_B"], ssm);
        assert_eq!(spec["V_1ST"], json!({"fromEnv": "V_1ST"}));
    }
}

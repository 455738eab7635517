//! Conditions in one form: `Values` beside `Field` is the short way to write the field's own
//! structure, and answers hold both (aws-facts 4).

use serde_json::{Map, Value};

use crate::document::scalar_text;

/// The structure of each field that the short form writes.
const CONFIGS: [(&str, &str); 5] = [
    ("host-header", "HostHeaderConfig"),
    ("path-pattern", "PathPatternConfig"),
    ("http-header", "HttpHeaderConfig"),
    ("http-request-method", "HttpRequestMethodConfig"),
    ("source-ip", "SourceIpConfig"),
];

/// The rule of the declared priority.
pub(super) fn of_priority<'a>(rules: &'a [Value], spec: &Value) -> Option<&'a Value> {
    let priority = |rule: &Value| rule.get("Priority").and_then(scalar_text);
    let wanted = priority(spec)?;
    rules
        .iter()
        .find(|rule| priority(rule).as_ref() == Some(&wanted))
}

/// The document with its conditions in the long form.
pub(super) fn normal(document: &Value) -> Value {
    let mut normal = document.clone();
    if let Some(Value::Array(conditions)) = normal.get_mut("Conditions") {
        for condition in conditions {
            if let Value::Object(members) = condition {
                lengthen(members);
            }
        }
    }
    normal
}

fn lengthen(condition: &mut Map<String, Value>) {
    let field = condition.get("Field").and_then(Value::as_str);
    let config = CONFIGS
        .iter()
        .find(|(name, _)| Some(*name) == field)
        .map(|(_, config)| *config);
    let Some(config) = config else { return };
    for member in ["Values", "RegexValues"] {
        let Some(short) = condition.remove(member) else {
            continue;
        };
        if short.as_array().is_none_or(Vec::is_empty) {
            continue;
        }
        let long = condition
            .entry(config)
            .or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(long) = long {
            long.entry(member).or_insert(short);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn short_long_and_both_are_the_same() {
        let long = json!({"Conditions": [
            {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a/*"]}}]});
        for other in [
            json!({"Conditions": [{"Field": "path-pattern", "Values": ["/a/*"]}]}),
            json!({"Conditions": [{"Field": "path-pattern", "Values": ["/a/*"],
                "PathPatternConfig": {"Values": ["/a/*"]}}]}),
            json!({"Conditions": [{"Field": "path-pattern", "Values": [],
                "PathPatternConfig": {"Values": ["/a/*"]}}]}),
        ] {
            assert_eq!(normal(&other), long);
        }
        assert_eq!(normal(&long), long);
    }

    #[test]
    fn a_rule_is_found_by_its_priority_as_text() {
        let rules = [
            json!({"Priority": "default"}),
            json!({"Priority": "10", "RuleArn": "r"}),
        ];
        assert_eq!(
            of_priority(&rules, &json!({"Priority": 10})),
            Some(&rules[1])
        );
        assert_eq!(of_priority(&rules, &json!({"Priority": 1})), None);
        assert_eq!(of_priority(&rules, &json!({})), None);
    }
}

//! `CodeDeploy`'s AppSpec files for ECS (ecs-deploy-tools d.5). Keys are read in any case, as the AWS
//! action for deployments does.

use serde_json::{Map, Value};

/// Lifecycle events as they are spelled.
const EVENTS: [&str; 5] = [
    "BeforeInstall",
    "AfterInstall",
    "AfterAllowTestTraffic",
    "BeforeAllowTraffic",
    "AfterAllowTraffic",
];

/// The member of this name in any case.
pub(super) fn member<'a>(document: &'a Value, name: &str) -> Option<&'a Value> {
    let members = document.as_object()?;
    members
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

/// The properties of the one target, whatever it is called.
pub(super) fn properties(appspec: &Value) -> Option<&Value> {
    let resources = member(appspec, "Resources")?;
    let first = match resources {
        Value::Array(all) => all.first()?,
        other => other,
    };
    let target = first.as_object()?.values().next()?;
    member(target, "Properties")
}

/// The Lambda functions by lifecycle event.
pub(super) fn hooks(appspec: &Value) -> Map<String, Value> {
    let mut found = Map::new();
    let listed = member(appspec, "Hooks").and_then(Value::as_array);
    for (event, function) in listed
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .flatten()
    {
        let known = EVENTS
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(event));
        if let (Some(event), Some(_)) = (known, function.as_str()) {
            found.insert(event.to_owned(), function.clone());
        }
    }
    found
}

/// Events that ECS deployments do not have.
pub(super) fn unknown_hooks(appspec: &Value) -> Vec<String> {
    let listed = member(appspec, "Hooks").and_then(Value::as_array);
    let all = listed
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .flatten();
    all.map(|(event, _)| event.clone())
        .filter(|event| !EVENTS.iter().any(|known| known.eq_ignore_ascii_case(event)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_read_in_any_case() {
        let spec = json!({"resources": [{"anything": {"type": "AWS::ECS::Service", "properties": {"taskDefinition": "x"}}}],
            "hooks": [{"beforeInstall": "fn-a"}, {"ApplicationStop": "fn-b"}]});
        assert_eq!(
            member(properties(&spec).unwrap(), "TaskDefinition"),
            Some(&json!("x"))
        );
        assert_eq!(
            Value::Object(hooks(&spec)),
            json!({"BeforeInstall": "fn-a"})
        );
        assert_eq!(unknown_hooks(&spec), ["ApplicationStop"]);
    }
}

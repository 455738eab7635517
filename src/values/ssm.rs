//! Parameters of the SSM Parameter Store.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Found, Why, refused};
use crate::aws::Aws;
use crate::manifest::{Known, ValueFrom};
use crate::model::{Call, Service};

/// `GetParameters` takes this many names (service model, `ParameterNameList`).
const AT_ONCE: usize = 10;

/// Reads every parameter that is wanted.
pub(super) async fn read<'a>(
    wanted: &BTreeSet<&'a ValueFrom>,
    aws: &Aws,
    found: &mut Found<'a>,
) -> Result<(), Why<'a>> {
    let names: Vec<(&ValueFrom, &str)> = wanted
        .iter()
        .filter_map(|from| match from {
            ValueFrom::Parameter(name) => Some((*from, name.as_str())),
            _ => None,
        })
        .collect();
    for some in names.chunks(AT_ONCE) {
        let all: Vec<&str> = some.iter().map(|(_, name)| *name).collect();
        let call = Call {
            service: Service::Ssm,
            operation: "GetParameters",
            input: json!({"Names": all, "WithDecryption": true}),
        };
        let answer = aws
            .call(&call)
            .await
            .map_err(|fault| refused(some[0].0, &fault))?;
        for (from, name) in some {
            found.insert(from, parameter(&answer, name));
        }
    }
    Ok(())
}

/// The parameter that was asked for by this name, ARN, or name with a version or label.
fn parameter(answer: &Value, asked: &str) -> Option<Known> {
    let all = answer.get("Parameters")?.as_array()?;
    let one = all.iter().find(|one| {
        let text = |member: &str| one.get(member).and_then(Value::as_str).unwrap_or_default();
        let selected = |base: &str| format!("{base}{}", text("Selector")) == asked;
        selected(text("Name")) || selected(text("ARN"))
    })?;
    Some(Known {
        value: one.get("Value")?.clone(),
        secret: one.get("Type").and_then(Value::as_str) == Some("SecureString"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_found_by_name_arn_and_selector() {
        let answer = json!({"Parameters": [
            {"Name": "/a", "ARN": "arn:aws:ssm:x:1:parameter/a", "Type": "String", "Value": "1"},
            {"Name": "/b", "Selector": ":3", "ARN": "arn:aws:ssm:x:1:parameter/b", "Type": "SecureString",
             "Value": "2"},
        ]});
        assert_eq!(parameter(&answer, "/a").unwrap().value, "1");
        let by_arn = parameter(&answer, "arn:aws:ssm:x:1:parameter/a").unwrap();
        assert_eq!((by_arn.value, by_arn.secret), (json!("1"), false));
        let secret = parameter(&answer, "/b:3").unwrap();
        assert!(secret.secret && !format!("{secret:?}").contains('2'));
        assert_eq!(parameter(&answer, "/b"), None);
    }
}

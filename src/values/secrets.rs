//! Secrets Manager: the values of secrets, and their ARNs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Found, Why, plain, refused};
use crate::aws::{Aws, Class};
use crate::manifest::{Known, ValueFrom};
use crate::model::{Call, Service};

/// Reads every secret that is wanted, each once.
pub(super) async fn read<'a>(
    wanted: &BTreeSet<&'a ValueFrom>,
    aws: &Aws,
    found: &mut Found<'a>,
) -> Result<(), Why<'a>> {
    let mut values: BTreeMap<&str, Option<String>> = BTreeMap::new();
    for from in wanted.iter().copied() {
        match from {
            ValueFrom::SecretArn(id) => {
                let answer = ask(from, "DescribeSecret", id, aws).await?;
                let arn = answer.as_ref().and_then(|answer| answer.get("ARN"));
                found.insert(from, arn.cloned().map(plain));
            }
            ValueFrom::Secret { id, key } => {
                if !values.contains_key(id.as_str()) {
                    let answer = ask(from, "GetSecretValue", id, aws).await?;
                    values.insert(id, answer.as_ref().and_then(text_of));
                }
                let text = values.get(id.as_str()).cloned().flatten();
                found.insert(from, text.and_then(|text| part(text, key.as_deref())));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The answer; `None` if there is no such secret.
async fn ask<'a>(
    from: &'a ValueFrom,
    operation: &'static str,
    id: &str,
    aws: &Aws,
) -> Result<Option<Value>, Why<'a>> {
    let call = Call {
        service: Service::SecretsManager,
        operation,
        input: json!({"SecretId": id}),
    };
    match aws.call(&call).await {
        Ok(answer) => Ok(Some(answer)),
        Err(fault) if fault.class == Class::NotFound => Ok(None),
        Err(fault) => Err(refused(from, &fault)),
    }
}

fn text_of(answer: &Value) -> Option<String> {
    Some(answer.get("SecretString")?.as_str()?.to_owned())
}

/// The value, or the member of the JSON object that it holds.
fn part(text: String, key: Option<&str>) -> Option<Known> {
    let value = match key {
        None => Value::String(text),
        Some(key) => {
            let object: Value = serde_json::from_str(&text).ok()?;
            let member = object.get(key)?;
            (member.is_string() || member.is_number() || member.is_boolean())
                .then(|| member.clone())?
        }
    };
    Some(Known {
        value,
        secret: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_whole_or_a_member_of_it() {
        let text = || "{\"user\": \"u\", \"port\": 5432, \"x\": []}".to_owned();
        assert_eq!(part(text(), None).unwrap().value, text());
        assert_eq!(part(text(), Some("port")).unwrap().value, 5432);
        assert!(part(text(), Some("port")).unwrap().secret);
        assert_eq!(part(text(), Some("x")), None);
        assert_eq!(part("no json".to_owned(), Some("x")), None);
    }
}

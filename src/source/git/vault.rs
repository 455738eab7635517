//! Passwords of repositories that stand in AWS: a parameter of SSM, or a secret of Secrets Manager.

use serde_json::{Value, json};

use super::wire::{Reason, Trouble};
use crate::aws::{Class, Connector};
use crate::model::{Call, Service};
use crate::source::{Secret, Vault};

/// Fetches the password.
///
/// # Errors
/// If it is not to be had. The text names the place that it should be in, and nothing of what is there.
pub(super) async fn fetch(vault: &Vault, aws: &Connector) -> Result<Secret, Trouble> {
    let place = match vault {
        Vault::Parameter(name) => format!("the SSM parameter {name}"),
        Vault::Secret { id, .. } => format!("the secret {id}"),
    };
    let trouble =
        |reason, why: &str| Trouble::new(reason, format!("{place} of its password {why}"));
    let (call, member, key) = match vault {
        Vault::Parameter(name) => {
            let input = json!({"Name": name, "WithDecryption": true});
            let call = Call {
                service: Service::Ssm,
                operation: "GetParameter",
                input,
            };
            (call, "/Parameter/Value", None)
        }
        Vault::Secret { id, key } => {
            let call = Call {
                service: Service::SecretsManager,
                operation: "GetSecretValue",
                input: json!({ "SecretId": id }),
            };
            (call, "/SecretString", key.as_deref())
        }
    };
    let aws = aws.aws(region(vault)).await;
    let aws =
        aws.map_err(|why| trouble(Reason::Internal, &format!("cannot be asked for: {why}")))?;
    let answer = aws.call(&call).await.map_err(|fault| {
        let reason = match fault.class {
            Class::Throttled | Class::Transient => Reason::Unreachable,
            _ => Reason::Denied,
        };
        trouble(reason, &format!("cannot be read: {fault}"))
    })?;
    let text = answer.pointer(member).and_then(Value::as_str);
    let text = text.ok_or_else(|| trouble(Reason::Denied, "holds no text"))?;
    let secret = match key {
        None => text.trim_end_matches(['\r', '\n']).to_owned(),
        Some(key) => {
            let document: Value = serde_json::from_str(text).unwrap_or_default();
            let found = document.get(key).and_then(Value::as_str);
            let what = format!("holds no JSON with a text `{key}`");
            found
                .ok_or_else(|| trouble(Reason::Denied, &what))?
                .to_owned()
        }
    };
    if secret.is_empty() || secret.contains(char::is_control) {
        return Err(trouble(
            Reason::Denied,
            "is empty or has more than one line",
        ));
    }
    Ok(Secret::new(secret))
}

/// The region that an ARN names.
fn region(vault: &Vault) -> Option<&str> {
    let name = match vault {
        Vault::Parameter(name) => name,
        Vault::Secret { id, .. } => id,
    };
    let mut parts = name.strip_prefix("arn:")?.split(':');
    parts.nth(2).filter(|region| !region.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_says_its_region() {
        let of = |name: &str| region(&Vault::Parameter(name.to_owned())).map(str::to_owned);
        assert_eq!(of("/git/token"), None);
        let arn = "arn:aws:ssm:eu-west-1:123456789012:parameter/git/token";
        assert_eq!(of(arn).as_deref(), Some("eu-west-1"));
    }
}

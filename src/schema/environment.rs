//! `kind: Environment` as a schema.

use serde_json::{Map, Value, json};

use super::envelope;
use crate::manifest::{ENVIRONMENT, VARIABLE_FORMS};

/// The whole manifest.
pub(super) fn manifest() -> Value {
    let mut properties = envelope::head();
    properties.insert("spec".to_owned(), spec());
    json!({
        "title": ENVIRONMENT,
        "type": "object",
        "additionalProperties": false,
        "required": ["apiVersion", "kind", "metadata"],
        "properties": properties,
    })
}

fn spec() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "account": {
                "type": "string",
                "pattern": "^[0-9]{12}$",
                "description": "The AWS account that the credentials must be of; those of another are refused.",
            },
            "region": named("The region that is called, whatever the AWS configuration says."),
            "roleArn": {
                "type": "string",
                "pattern": "^arn:.*:role/",
                "description": "The role that is assumed for every call.",
            },
            "variables": {
                "type": ["object", "null"],
                "description": "What ${NAME} stands for in the manifests. A name without a value is declared, and \
                    has none here.",
                "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
                "additionalProperties": variable(),
            },
        },
    })
}

fn variable() -> Value {
    let mut properties: Map<String, Value> = VARIABLE_FORMS
        .into_iter()
        .map(|name| (name.to_owned(), form(name)))
        .collect();
    let mut default = scalar();
    default["description"] = "What it is if it is not there.".into();
    properties.insert("default".to_owned(), default);
    properties.insert(
        "secret".to_owned(),
        json!({
            "type": "boolean",
            "description": "Whether it must never be shown; without it, the place that it comes from says so.",
        }),
    );
    let mut ways: Vec<Value> = VARIABLE_FORMS
        .iter()
        .map(|name| json!({"required": [name]}))
        .collect();
    let forms = ways.clone();
    ways.push(json!({"required": ["default"], "not": {"anyOf": forms}}));
    json!({
        "type": ["string", "number", "boolean", "null", "object"],
        "additionalProperties": false,
        "properties": properties,
        "if": {"type": "object"},
        "then": {"oneOf": ways},
    })
}

/// Where a value comes from; anything goes for a form that has no schema here (a test sees that all
/// have).
fn form(name: &str) -> Value {
    match name {
        "value" => {
            let mut value = scalar();
            value["description"] = "The value itself.".into();
            value
        }
        "fromEnv" => named("A variable of the process's environment."),
        "fromSsm" => named("A parameter of the SSM Parameter Store, by name or ARN."),
        "fromSecretArn" => named("The ARN of a Secrets Manager secret, by its name."),
        "fromExport" => named("A CloudFormation export, by name."),
        "fromSecret" => either(
            "The value of a Secrets Manager secret, by name or ARN; with `key`, one member of it.",
            "",
            &["id"],
            &["key"],
        ),
        "fromStackOutput" => either(
            "An output of a CloudFormation stack: STACK/OUTPUT.",
            "/",
            &["stack", "output"],
            &[],
        ),
        "fromTerraform" => {
            let mut from = members(&["state"], &["output", "address"]);
            from["oneOf"] = json!([{"required": ["output"]}, {"required": ["address"]}]);
            from["description"] =
                "Something in a Terraform state: `state` is s3://BUCKET/KEY or a file beside this \
                                   one; `address` such as aws_lb.main.arn."
                    .into();
            from
        }
        _ => json!({}),
    }
}

fn scalar() -> Value {
    json!({"type": ["string", "number", "boolean"]})
}

fn named(text: &str) -> Value {
    json!({"type": "string", "minLength": 1, "description": text})
}

fn members(required: &[&str], more: &[&str]) -> Value {
    let text = json!({"type": "string", "minLength": 1});
    let all = required.iter().chain(more);
    let properties: Map<String, Value> =
        all.map(|name| ((*name).to_owned(), text.clone())).collect();
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": required,
        "properties": properties,
    })
}

/// A text that matches, or a map.
fn either(text: &str, pattern: &str, required: &[&str], more: &[&str]) -> Value {
    let short = json!({"type": "string", "minLength": 1, "pattern": pattern});
    json!({"anyOf": [short, members(required, more)], "description": text})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_has_a_schema() {
        for name in VARIABLE_FORMS {
            assert!(form(name)["description"].is_string(), "{name}");
        }
    }
}

//! What stands around a spec: `apiVersion`, `kind`, `metadata`, and a kind's own sections.

use serde_json::{Map, Value, json};

use super::sections;
use crate::manifest;
use crate::model::Kind;

pub(super) use crate::manifest::API_VERSION;

/// The document that says what the sandbox holds from the start.
pub(super) const SEED: &str = "SandboxSeed";

/// A whole manifest of a kind.
pub(super) fn manifest(kind: Kind) -> Value {
    let mut properties = head();
    let spec = json!({"$ref": format!("#/definitions/{kind}Spec")});
    properties.insert("spec".to_owned(), spec);
    properties.insert(
        manifest::SPEC_FILE.to_owned(),
        json!({
            "type": "string",
            "minLength": 1,
            "description": "Instead of `spec`: a YAML, JSON or Jsonnet file that holds it, relative to this one.",
        }),
    );
    for member in manifest::beside(kind) {
        properties.insert((*member).to_owned(), sections::section(kind, member));
    }
    if kind == Kind::ScalableTarget {
        properties["sync"]["properties"][manifest::SUSPEND] = json!({
            "type": "boolean",
            "description": "Whether scaling is suspended while CodeDeploy deploys the service. Default: false.",
        });
    }
    let mut schema = json!({
        "title": kind.as_str(),
        "type": "object",
        "additionalProperties": false,
        "required": ["apiVersion", "kind", "metadata"],
        "properties": properties,
        "not": {"required": ["spec", manifest::SPEC_FILE]},
    });
    if !manifest::is_spec_optional(kind) {
        let either = ["spec", manifest::SPEC_FILE].map(|name| json!({"required": [name]}));
        schema["anyOf"] = either.to_vec().into();
    }
    schema
}

/// `SandboxSeed`. Its content is checked by the sandbox.
pub(super) fn seed() -> Value {
    let mut properties = head();
    properties.insert("spec".to_owned(), json!({"type": "object"}));
    json!({
        "title": SEED,
        "type": "object",
        "properties": properties,
        "required": ["apiVersion", "kind", "spec"],
    })
}

/// `metadata`.
pub(super) fn metadata() -> Value {
    let texts = |text: &str| {
        let values = json!({"type": "string"});
        json!({"type": "object", "additionalProperties": values, "description": text})
    };
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["name"],
        "properties": {
            "name": {
                "type": "string",
                "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$",
                "description": "The manifest's name among those of its kind, and the name at AWS where the spec gives none.",
            },
            "labels": texts("Words of your own."),
            "annotations": texts(
                "Such as `evenkeel.dev/retry` of a Service (a new text is a new attempt), `evenkeel.dev/images: \
                 as-written` of a TaskDefinition and `evenkeel.dev/allow-unknown-fields: \"true\"`.",
            ),
        },
    })
}

/// `apiVersion`, `kind` and `metadata`.
pub(super) fn head() -> Map<String, Value> {
    let mut properties = Map::new();
    properties.insert("apiVersion".to_owned(), json!({"const": API_VERSION}));
    properties.insert("kind".to_owned(), json!({"type": "string"}));
    properties.insert(
        "metadata".to_owned(),
        json!({"$ref": "#/definitions/metadata"}),
    );
    properties
}

//! The JSON Schema of the manifests, for editors.
//!
//! What it is: one document (draft 7, which the YAML language server understands best) made from
//! [`crate::catalogue`], the references and the sections of [`crate::manifest`]. What it is not: the
//! check of manifests. That one ([`crate::manifest::load`]) knows what a schema cannot say: what
//! members have to do with each other and with other manifests.
//!
//! Invariants:
//! - A manifest without a finding is valid by the schema, except for what AWS's describing
//!   operations add and fields let through as newer than the catalogue.
//! - The same program gives the same text. `docs/evenkeel.schema.json` is that text (a test compares).

mod envelope;
mod environment;
mod members;
mod sections;

use serde_json::{Map, Value, json};

use crate::model::Kind;
use crate::{catalogue, manifest};

/// The whole schema.
pub fn document() -> Value {
    let kinds: Vec<&str> = Kind::ALL.map(Kind::as_str).into_iter().collect();
    let mut words = kinds.clone();
    words.extend([manifest::ENVIRONMENT, envelope::SEED]);
    let choices: Vec<Value> = words
        .iter()
        .map(|kind| {
            json!({
                "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
                "then": {"$ref": format!("#/definitions/{kind}")},
            })
        })
        .collect();
    let mut definitions = Map::new();
    for kind in Kind::ALL {
        definitions.insert(kind.as_str().to_owned(), envelope::manifest(kind));
    }
    for kind in Kind::ALL {
        definitions.insert(format!("{kind}Spec"), members::spec(kind));
    }
    definitions.insert(manifest::ENVIRONMENT.to_owned(), environment::manifest());
    definitions.insert(envelope::SEED.to_owned(), envelope::seed());
    definitions.insert("metadata".to_owned(), envelope::metadata());
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$comment": format!(
            "Made by `evenkeel schema`. Members of AWS and their descriptions are from the service \
             models of botocore {} (Apache License 2.0, Copyright Amazon.com, Inc. or its affiliates).",
            catalogue::version()
        ),
        "title": "Even Keel manifest",
        "type": "object",
        "required": ["apiVersion", "kind"],
        "properties": {
            "apiVersion": {"const": envelope::API_VERSION},
            "kind": {"enum": words, "description": "What the manifest describes."},
        },
        "allOf": choices,
        "definitions": definitions,
    })
}

/// The schema as the text that is committed: indented, with a line end.
pub fn text() -> String {
    // A `Value` with texts as keys is always written.
    let text = serde_json::to_string_pretty(&document()).unwrap_or_default();
    text + "\n"
}

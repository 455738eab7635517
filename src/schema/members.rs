//! The AWS document of a kind as a schema: members from the catalogue, and the references that may
//! stand in their place. Not what stands around it (`envelope`).

use serde_json::{Map, Value, json};

use crate::catalogue::{self, Field, Type};
use crate::manifest::{self, Row};
use crate::model::Kind;

/// The `spec` of a kind.
pub(super) fn spec(kind: Kind) -> Value {
    let name = manifest::name_member(kind);
    let mut schema = structure(kind, catalogue::root(kind), "", name);
    if !name.is_empty() {
        let text = format!("{} {}", sentence(kind, name), "Default: metadata.name.");
        schema["properties"][name]["description"] = text.trim().into();
    }
    schema
}

/// A structure: its members and references. `given`: a member that is filled in when it is left out.
fn structure(kind: Kind, field: &Field, path: &str, given: &str) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    let mut rules = Vec::new();
    let references: Vec<&Row> = manifest::references(kind, path).collect();
    for member in field.members() {
        let below = if path.is_empty() {
            member.name.to_owned()
        } else {
            format!("{path}.{}", member.name)
        };
        let mut schema = value(kind, member, &below);
        let text = sentence(kind, &below);
        if !text.is_empty() {
            schema.insert("description".to_owned(), text.into());
        }
        properties.insert(member.name.to_owned(), schema.into());
        let stand_ins = || references.iter().filter(|one| one.aws == member.name);
        let mut either = vec![member.name];
        for one in stand_ins() {
            properties.insert(one.member.to_owned(), reference(one));
            for other in &either {
                rules.push(json!({"not": {"required": [other, one.member]}}));
            }
            either.push(one.member);
        }
        if stand_ins().next().is_some() {
            if member.required {
                let either = either.iter().map(|name| json!({"required": [name]}));
                rules.push(json!({"anyOf": either.collect::<Vec<_>>()}));
            }
        } else if member.required && member.name != given && !constant(kind, path, member.name) {
            required.push(member.name);
        }
    }
    let mut schema = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    });
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    if !rules.is_empty() {
        schema["allOf"] = rules.into();
    }
    schema
}

/// Whether a member of the whole document is filled in where it is left out.
fn constant(kind: Kind, path: &str, name: &str) -> bool {
    let mut constants = manifest::constant_members(kind).iter();
    path.is_empty() && constants.any(|(member, _)| *member == name)
}

fn value(kind: Kind, field: &Field, path: &str) -> Map<String, Value> {
    let mut schema = Map::new();
    let mut put = |name: &str, value: Value| schema.insert(name.to_owned(), value);
    let bounds = match field.ty {
        Type::Structure => return object(structure(kind, field, path, "")),
        // Free-form: what stands in it is the user's own.
        Type::Document => return schema,
        Type::Boolean => {
            put("type", "boolean".into());
            return schema;
        }
        Type::Map => {
            put("type", "object".into());
            put("additionalProperties", json!({"type": "string"}));
            return schema;
        }
        Type::String => {
            put("type", "string".into());
            if !field.values.is_empty() {
                put("enum", json!(field.values));
            }
            ["minLength", "maxLength"]
        }
        Type::Integer => {
            put("type", "integer".into());
            ["minimum", "maximum"]
        }
        Type::Double => {
            put("type", "number".into());
            ["minimum", "maximum"]
        }
        Type::List => {
            put("type", "array".into());
            if let Some(item) = field.item() {
                put("items", value(kind, item, &format!("{path}[]")).into());
            }
            ["minItems", "maxItems"]
        }
    };
    for (name, bound) in bounds.into_iter().zip([field.min, field.max]) {
        if let Some(bound) = bound {
            schema.insert(name.to_owned(), bound.into());
        }
    }
    schema
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// A member that names another manifest.
fn reference(named: &Row) -> Value {
    let text = format!(
        "Instead of `{}`: the {} manifest of this name.",
        named.aws, named.target
    );
    let name = json!({"type": "string", "minLength": 1});
    if named.is_list() {
        json!({"type": "array", "minItems": 1, "items": name, "description": text})
    } else {
        json!({"type": "string", "minLength": 1, "description": text})
    }
}

fn sentence(kind: Kind, path: &str) -> &'static str {
    catalogue::description(kind, path).unwrap_or_default()
}

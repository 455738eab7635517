//! Manifests as YAML text, for the commands that write them. Not their checking (`load`).
//!
//! Invariant: what is written is read back as it was, by [`super::load()`]'s own parser.

use serde_json::{Map, Value, json};

use super::envelope::API_VERSION;
use super::values;

/// One manifest to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Lines above it, without `# `.
    pub comments: Vec<String>,
    /// Its `kind`.
    pub kind: String,
    /// Its `metadata.name`.
    pub name: String,
    /// Its `metadata.annotations`.
    pub annotations: Map<String, Value>,
    /// Its `spec`.
    pub spec: Value,
    /// What stands beside the spec.
    pub beside: Map<String, Value>,
}

impl Document {
    /// A manifest of this kind and name.
    pub fn new(kind: &str, name: &str, spec: Value) -> Self {
        Self {
            comments: Vec::new(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            annotations: Map::new(),
            spec,
            beside: Map::new(),
        }
    }

    fn value(&self) -> Value {
        let mut metadata = json!({"name": self.name});
        if !self.annotations.is_empty() {
            metadata["annotations"] = Value::Object(self.annotations.clone());
        }
        let mut all = Map::from_iter([
            ("apiVersion".to_owned(), Value::from(API_VERSION)),
            ("kind".to_owned(), Value::from(self.kind.as_str())),
            ("metadata".to_owned(), metadata),
            ("spec".to_owned(), self.spec.clone()),
        ]);
        all.extend(self.beside.clone());
        Value::Object(all)
    }
}

/// The text of a file with these manifests.
///
/// # Errors
/// If a value cannot be written as YAML.
pub fn text_of_documents(documents: &[Document]) -> Result<String, String> {
    let mut text = String::new();
    for (index, document) in documents.iter().enumerate() {
        if index > 0 {
            text.push_str("---\n");
        }
        for line in document.comments.iter().flat_map(|comment| comment.lines()) {
            text.push_str(&format!("# {line}\n"));
        }
        let body = body(&document.value()).map_err(|error| {
            let (kind, name) = (&document.kind, &document.name);
            format!("{kind} {name} cannot be written as YAML: {error}")
        })?;
        text.push_str(&body);
    }
    Ok(text)
}

/// A manifest's text. `serde_yaml` writes characters plainly that break a line to whoever reads them (U+2028, say):
/// what does not come back as it was is written as JSON, which YAML holds, with those escaped.
fn body(value: &Value) -> Result<String, String> {
    let body = serde_yaml::to_string(value).map_err(|error| error.to_string())?;
    if values(&body).is_ok_and(|read| read == [value.clone()]) {
        return Ok(body);
    }
    let json = serde_json::to_string_pretty(value).map_err(|error| error.to_string())?;
    let mut body = String::new();
    for character in json.chars() {
        match character {
            '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}' => {
                body.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            other => body.push(other),
        }
    }
    body.push('\n');
    Ok(body)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_comes_back(value in "\\PC*|[0-9eE.+xo_:-]*|(?s).{0,12}|yes|no|on|null|~|true|0755", key in "[A-Za-z0-9_./ -]{1,8}") {
            // Control characters other than tab and line feed are not part of any AWS text.
            prop_assume!(value.chars().all(|c| !c.is_control() || matches!(c, '\t' | '\n')));
            let document = Document::new("TaskDefinition", "a", json!({key: [value], "n": 1.5, "b": false}));
            let text = text_of_documents(std::slice::from_ref(&document)).unwrap();
            prop_assert_eq!(values(&text).unwrap(), [document.value()], "{}", text);
        }
    }

    #[test]
    fn what_breaks_lines_unseen_comes_back_too() {
        for value in [
            "a\u{2028}b",
            "\u{2029}",
            "a\u{feff}",
            "a\u{2028}\n  b: \"c\"",
        ] {
            let document = Document::new("TaskDefinition", "a", json!({"x": [value]}));
            let other = Document::new("Cluster", "b", json!({}));
            let text = text_of_documents(&[document.clone(), other.clone()]).unwrap();
            assert_eq!(
                values(&text).unwrap(),
                [document.value(), other.value()],
                "{text}"
            );
        }
    }

    #[test]
    fn comments_stand_above_their_manifest() {
        let mut first = Document::new("Cluster", "a", json!({}));
        first.comments = vec!["one\ntwo".to_owned()];
        let text = text_of_documents(&[first, Document::new("Cluster", "b", json!({}))]).unwrap();
        assert!(text.starts_with("# one\n# two\napiVersion: "), "{text}");
        assert!(text.contains("\n---\napiVersion: "), "{text}");
    }
}

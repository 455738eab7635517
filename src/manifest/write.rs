//! Manifests as YAML text, for the commands that write them. Not their checking (`load`).
//!
//! Invariant: what is written is read back as it was, by [`super::load()`]'s own parser.

use serde_json::{Map, Value, json};

use super::envelope::API_VERSION;

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
        let body = serde_yaml::to_string(&document.value()).map_err(|error| {
            format!(
                "{} {} cannot be written as YAML: {error}",
                document.kind, document.name
            )
        })?;
        text.push_str(&body);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::manifest::values;

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
    fn comments_stand_above_their_manifest() {
        let mut first = Document::new("Cluster", "a", json!({}));
        first.comments = vec!["one\ntwo".to_owned()];
        let text = text_of_documents(&[first, Document::new("Cluster", "b", json!({}))]).unwrap();
        assert!(text.starts_with("# one\n# two\napiVersion: "), "{text}");
        assert!(text.contains("\n---\napiVersion: "), "{text}");
    }
}

//! `evenkeel diff --output patch`: the manifests' text for what the daemon told of differences.

use serde_json::Value;

use super::text::{clean, items, text};
use crate::manifest::{Document, patch as members, text_of_documents};
use crate::model::{Drift, Key};

/// One document a resource that differs.
pub(super) fn patch(resources: &[Value]) -> Result<String, String> {
    let documents: Vec<Document> = resources.iter().filter_map(document).collect();
    text_of_documents(&documents)
}

fn document(resource: &Value) -> Option<Document> {
    let name = format!("{}/{}", text(resource, "kind"), text(resource, "name"));
    let key: Key = name.parse().ok()?;
    let told = items(resource, "drift").iter();
    let drift: Vec<Drift> = told
        .map(|one| Drift {
            path: text(one, "path").to_owned(),
            live: one["live"].clone(),
            desired: one["desired"].clone(),
            reset: false,
        })
        .collect();
    let mut document = members(&key, &drift)?;
    for comment in &mut document.comments {
        *comment = clean(comment);
    }
    Some(document)
}

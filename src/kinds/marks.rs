//! What a resource is marked with, so that something may be decided of it when its manifest is gone: which
//! source declared it, at which commit, and what is to become of it then. Pure. Who reads the marks is
//! `crate::prune`.
//!
//! Invariants:
//! - Only what this installation made is marked; what is adopted is never pruned.
//! - The commit is that at which the source was marked: a later one that changes nothing writes nothing.
//! - A declared tag of the same key is the manifest's.

use serde_json::Value;

use super::tags::{self, MOST_TAGS, Spelling, pairs};
use super::{COMMIT_TAG, INSTANCE_TAG, View};
use crate::model::Kind;

/// The tag that names the source, and the Environment, whose manifest declares a resource.
pub const SOURCE_TAG: &str = "evenkeel.dev/source";

/// The tag that says what becomes of a resource when its manifest is gone: `never`, `confirm`, or, set by a
/// person, `confirmed`.
pub const PRUNE_TAG: &str = "evenkeel.dev/prune";

/// The marks of a new resource: key and value.
pub(crate) fn of(view: &View<'_>) -> Vec<(&'static str, String)> {
    let mut marks = Vec::new();
    if let Some(word) = view.resource.prune() {
        marks.push((PRUNE_TAG, word.to_owned()));
    }
    if let Some(source) = view.set.source_of(view.resource) {
        marks.push((SOURCE_TAG, source.to_owned()));
        let revision = view.set.revision_of(view.resource);
        marks.extend(revision.map(|revision| (COMMIT_TAG, revision.commit.clone())));
    }
    marks
}

/// The marks of something that exists that are not as they are to be: tags to write, and keys of tags to
/// take away. None if it is not ours.
pub(super) fn wrong(
    view: &View<'_>,
    live_tags: &Value,
    spelling: Spelling,
) -> (Vec<Value>, Vec<&'static str>) {
    let live = |key: &str| tags::value_of(Some(live_tags), key, spelling);
    if live(INSTANCE_TAG).as_deref() != Some(view.policy.instance.as_str()) {
        return (Vec::new(), Vec::new());
    }
    let kind = view.resource.key.kind;
    let declared = declared_keys(view, kind, spelling);
    let ours = |key: &str| !declared.iter().any(|one| one == key);
    let wanted = of(view);
    let moved = wanted
        .iter()
        .any(|(key, value)| *key == SOURCE_TAG && live(key).as_deref() != Some(value));
    let mut room = MOST_TAGS.saturating_sub(pairs(Some(live_tags), spelling).len());
    let mut write = Vec::new();
    for (key, value) in &wanted {
        // The commit goes with the source: it says since when at least it has been declared there.
        if !ours(key) || (*key == COMMIT_TAG && !moved) || live(key).as_deref() == Some(value) {
            continue;
        }
        if live(key).is_none() {
            if room == 0 {
                continue;
            }
            room -= 1;
        }
        write.push(spelling.tag(key, value));
    }
    let kept = wanted.iter().any(|(key, _)| *key == PRUNE_TAG);
    let gone = (!kept && ours(PRUNE_TAG) && live(PRUNE_TAG).is_some()).then_some(PRUNE_TAG);
    (write, gone.into_iter().collect())
}

fn declared_keys(view: &View<'_>, kind: Kind, spelling: Spelling) -> Vec<String> {
    let declared = view.spec.get(tags::member(kind));
    match view.spec.get("Tags").and_then(Value::as_object) {
        // Application Auto Scaling has a map.
        Some(map) => map.keys().cloned().collect(),
        None => pairs(declared, spelling)
            .into_iter()
            .map(|(key, _)| key)
            .collect(),
    }
}

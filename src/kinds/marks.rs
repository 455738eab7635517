//! What a resource is marked with, so that something may be decided of it when its manifest is gone: which
//! source declared it, at which commit, and what is to become of it then. Pure. Who reads the marks is
//! `crate::prune`.
//!
//! A resource is created with its marks, which costs no call. Of what exists, source and commit are put right only
//! by a daemon that prunes: two that read the same manifests in different folders, or one that is moved, would
//! else write to everything for a mark that nobody asks for. A manifest's own word on pruning is always kept.
//!
//! Invariants:
//! - Only what this installation made is marked; what is adopted is never pruned.
//! - The commit is that at which the source was marked: a later one that changes nothing writes nothing.
//! - Without pruning, a manifest that says nothing of it causes no write for a mark.
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
    let mut wanted = of(view);
    wanted.retain(|(key, _)| *key == PRUNE_TAG || view.policy.keeps_marks);
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::kinds::testing::Scene;

    /// What is written to, and taken from, a cluster with these tags.
    fn written(prune: bool, sync: &Value, tags: &Value) -> (Vec<Value>, Vec<&'static str>) {
        let scene = Scene::default().with(Kind::Cluster, "c", json!({}));
        let mut scene = scene.beside(Kind::Cluster, "c", "sync", sync.clone());
        scene.set.sources = BTreeMap::from([("".into(), "here".to_owned())]);
        scene.policy.keeps_marks = prune;
        wrong(&scene.view(Kind::Cluster, "c"), tags, Spelling::Lower)
    }

    #[test]
    fn what_exists_is_marked_only_where_something_is_pruned() {
        let tag = |key: &str, value: &str| json!({"key": key, "value": value});
        let ours = tag(INSTANCE_TAG, "default");
        let (plain, silent) = (json!([ours]), json!({}));
        let elsewhere = json!([ours, tag(SOURCE_TAG, "elsewhere")]);
        let here = tag(SOURCE_TAG, "here");
        for tags in [&plain, &elsewhere] {
            assert_eq!(written(false, &silent, tags), (vec![], vec![]));
            assert_eq!(written(true, &silent, tags), (vec![here.clone()], vec![]));
        }
        let marked = json!([ours, here]);
        assert_eq!(written(true, &silent, &marked), (vec![], vec![]));
        // What is not ours is not marked.
        assert_eq!(written(true, &silent, &json!([])), (vec![], vec![]));
        // A manifest's word is kept, and forgotten, whether anything is pruned or not.
        let never = tag(PRUNE_TAG, "never");
        let says = json!({"prune": "never"});
        assert_eq!(written(false, &says, &plain), (vec![never.clone()], vec![]));
        let lifted = written(false, &silent, &json!([ours, never]));
        assert_eq!(lifted, (vec![], vec![PRUNE_TAG]));
    }
}

//! Which existing revision has the content that the manifest asks for.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Observed, REVISIONS_LISTED, images};
use crate::document::{canonical_task_definition, digest};
use crate::kinds::tags::{self, Spelling};
use crate::kinds::{DIGEST_TAG, View};
use crate::model::Seen;

/// The search's result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// This revision has the content.
    Revision(&'a str),
    /// None of those looked at has it.
    Nothing,
    /// A revision that comes before any match could not be read.
    Unknown(String),
}

/// The `ACTIVE` revision with this content: a running one first, so that nothing is deployed that
/// runs already, then the newest. `wanted` is the document to be registered.
pub(super) fn revision<'a>(
    observed: &'a Observed,
    wanted: &Value,
    wanted_digest: &str,
) -> Found<'a> {
    for arn in candidates(observed) {
        match observed.documents.get(arn) {
            None | Some(Seen::Absent) => {}
            Some(Seen::Unknown(reason)) => return Found::Unknown(format!("{arn}: {reason}")),
            Some(Seen::Present(document)) => {
                if is_active(observed, arn, document)
                    && has_content(observed, document, wanted, wanted_digest)
                {
                    return Found::Revision(arn);
                }
            }
        }
    }
    Found::Nothing
}

/// Whether a revision that services run has the declared content, so that none has to be looked
/// for.
pub(super) fn running_fits(view: &View<'_>, observed: &Observed) -> bool {
    let Ok(document) = images::resolved(view, observed) else {
        return false;
    };
    let wanted = digest(&canonical_task_definition(&document));
    matches!(revision(observed, &document, &wanted), Found::Revision(_))
}

/// The newest `ACTIVE` revision.
pub(super) fn newest(observed: &Observed) -> Option<&str> {
    observed.revisions.present()?.first().map(String::as_str)
}

/// The revisions to look at, in order of preference.
pub(super) fn candidates(observed: &Observed) -> impl Iterator<Item = &str> {
    let newest = observed.revisions.present().into_iter().flatten();
    observed.running.iter().chain(newest).map(String::as_str)
}

/// Documents are cached for ever, so the status in one may be out of date; the list of `ACTIVE`
/// revisions is not, as far as it goes.
fn is_active(observed: &Observed, arn: &str, document: &Value) -> bool {
    let status = document
        .pointer("/taskDefinition/status")
        .and_then(Value::as_str);
    if status.is_some_and(|status| status != "ACTIVE") {
        return false;
    }
    let listed = observed.revisions.present().map_or(&[][..], Vec::as_slice);
    listed.iter().any(|known| known == arn) || listed.len() >= REVISIONS_LISTED
}

/// Whether a revision has the content: by our digest tag if it has one of this version, otherwise
/// by its own content. Consoles copy tags into revisions that people edit, so the tag counts only
/// if the images agree, which AWS never rewrites, and not where it is seen to be a copy.
fn has_content(observed: &Observed, document: &Value, wanted: &Value, wanted_digest: &str) -> bool {
    let content = document.get("taskDefinition").unwrap_or(&Value::Null);
    let version = wanted_digest.split(':').next().unwrap_or_default();
    match tags::value_of(document.get("tags"), DIGEST_TAG, Spelling::Lower) {
        Some(tag)
            if tag.split(':').next() == Some(version)
                && !is_edited_copy(observed, content, &tag) =>
        {
            tag == wanted_digest && images(content) == images(wanted)
        }
        _ => digest(&canonical_task_definition(content)) == wanted_digest,
    }
}

/// Whether an older revision has the same tag and other content, for a tag of ours is registered once. Not if a third one
/// has both: then it is AWS that tells the content of old and new otherwise, and one more registration is enough.
fn is_edited_copy(observed: &Observed, content: &Value, tag: &str) -> bool {
    let number = |one: &Value| one.get("revision").and_then(Value::as_i64);
    let canonical = canonical_task_definition(content);
    let known = observed.documents.values().filter_map(Seen::present);
    let tagged = known.filter(|document| {
        let tags = document.get("tags");
        tags::value_of(tags, DIGEST_TAG, Spelling::Lower).as_deref() == Some(tag)
    });
    let mut older = false;
    for document in tagged {
        let other = document.get("taskDefinition").unwrap_or(&Value::Null);
        let same = canonical_task_definition(other) == canonical;
        if same && number(other) != number(content) {
            return false;
        }
        older |= !same && number(other) < number(content);
    }
    older
}

fn images(content: &Value) -> BTreeMap<&str, &str> {
    let containers = content
        .get("containerDefinitions")
        .and_then(Value::as_array);
    containers
        .into_iter()
        .flatten()
        .filter_map(|c| Some((c.get("name")?.as_str()?, c.get("image")?.as_str()?)))
        .collect()
}

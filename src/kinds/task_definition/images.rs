//! The images of a task definition: those that lie in a repository of the set are registered by
//! digest, so that a moved tag is a change and a rollback brings the old image back. Others are
//! registered as written, and so are all of a manifest that says so ([`IMAGES_ANNOTATION`]).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Observed;
use crate::kinds::View;
use crate::manifest::{IMAGES_ANNOTATION, ImageReference, ImageUse, is_as_written};
use crate::model::{Key, Seen};

/// Why the images cannot be resolved now. The first that applies, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unresolved {
    /// A read failed.
    Unknown(String),
    /// A repository is not there yet.
    NotReady(Vec<Key>),
    /// These images (`name:tag`, repository) have not been pushed.
    Missing(Vec<(String, String)>),
}

/// The tags to be read, by repository name.
pub(super) fn tags_wanted(view: &View<'_>) -> BTreeMap<String, BTreeSet<String>> {
    let mut wanted: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (_, used) in uses(view) {
        if let ImageReference::Tag(tag) = used.reference {
            wanted.entry(used.repository_name).or_default().insert(tag);
        }
    }
    wanted
}

/// The spec with every image of a repository of the set replaced by `uri@digest`.
pub(super) fn resolved(view: &View<'_>, observed: &Observed) -> Result<Value, Unresolved> {
    let mut spec = view.spec.clone();
    let (mut not_ready, mut missing) = (BTreeSet::new(), Vec::new());
    for (index, used) in uses(view) {
        let digest = match used.reference {
            ImageReference::Digest(digest) => Ok(digest),
            ImageReference::Tag(tag) => {
                digest_of(observed, &used.repository_name, &tag)?.ok_or(tag)
            }
        };
        let uri = view
            .facts
            .get(&used.repository)
            .and_then(|facts| facts.uri.as_ref());
        match (uri, digest) {
            (None, _) => {
                not_ready.insert(used.repository);
            }
            (Some(_), Err(tag)) => {
                missing.push((
                    format!("{}:{tag}", used.repository_name),
                    used.repository_name,
                ));
            }
            (Some(uri), Ok(digest)) => {
                if let Some(image) =
                    spec.pointer_mut(&format!("/containerDefinitions/{index}/image"))
                {
                    *image = Value::String(format!("{uri}@{digest}"));
                }
            }
        }
    }
    if !not_ready.is_empty() {
        return Err(Unresolved::NotReady(not_ready.into_iter().collect()));
    }
    if missing.is_empty() {
        Ok(spec)
    } else {
        Err(Unresolved::Missing(missing))
    }
}

/// The digest of a tag; `None` if it has not been pushed.
fn digest_of(
    observed: &Observed,
    repository: &str,
    tag: &str,
) -> Result<Option<String>, Unresolved> {
    let what = || format!("image {repository}:{tag}");
    match observed
        .images
        .get(repository)
        .and_then(|tags| tags.get(tag))
    {
        Some(Seen::Present(digest)) => Ok(Some(digest.clone())),
        Some(Seen::Absent) => Ok(None),
        Some(Seen::Unknown(reason)) => Err(Unresolved::Unknown(format!("{}: {reason}", what()))),
        None => Err(Unresolved::Unknown(format!("{}: it was not read", what()))),
    }
}

/// Index of the container and use of each image that lies in a repository of the set; not of those that
/// the manifest wants as written.
fn uses(view: &View<'_>) -> Vec<(usize, ImageUse)> {
    let how = view.resource.annotations.get(IMAGES_ANNOTATION);
    let how = how.map(String::as_str);
    let containers = view
        .spec
        .get("containerDefinitions")
        .and_then(Value::as_array);
    let one = |(index, container): (usize, &Value)| {
        let name = container.get("name").and_then(Value::as_str);
        if is_as_written(how, name.unwrap_or_default()) {
            return None;
        }
        let image = container.get("image")?.as_str()?;
        let used = view.set.repository_of(image)?;
        (!is_elsewhere(view, image, &used)).then_some((index, used))
    };
    containers
        .into_iter()
        .flatten()
        .enumerate()
        .filter_map(one)
        .collect()
}

/// Whether an image names a registry that is not the one its namesake of the set lies in (another
/// account's or region's).
fn is_elsewhere(view: &View<'_>, image: &str, used: &ImageUse) -> bool {
    let host = image
        .split_once('/')
        .map(|(host, _)| host)
        .filter(|host| host.contains('.'));
    let uri = view
        .facts
        .get(&used.repository)
        .and_then(|facts| facts.uri.as_deref());
    let ours = uri
        .and_then(|uri| uri.split_once('/'))
        .map(|(host, _)| host);
    matches!((host, ours), (Some(host), Some(ours)) if host != ours)
}

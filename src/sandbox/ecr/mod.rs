//! Amazon ECR: repositories, images, tags, lifecycle and repository policies.
//! Not layers or scanning: a pushed manifest is taken as it is, so any text may stand for an image.
//!
//! Invariants:
//! - A tag points at one digest; a digest may have many tags.
//! - An image that was seeded for a repository which does not exist yet is held, and appears when
//!   the repository is created.

mod images;
mod names;
mod operations;
mod policies;
mod push;
mod repositories;
mod tags;

#[cfg(test)]
mod tests;

use super::{ACCOUNT, AwsError, Time, World, behaviour::split_tag};
pub use operations::operation;
pub use push::{NewImage, push};
use serde_json::Value;
use std::collections::BTreeMap;

/// What one operation does.
pub type Operation = fn(&mut World, &Value) -> Result<Value, AwsError>;

/// This service's state in one region.
#[derive(Debug, Default)]
pub struct State {
    repositories: BTreeMap<String, Repository>,
    /// Images that wait for their repository, by its name.
    held: BTreeMap<String, Vec<NewImage>>,
}

/// A repository.
#[derive(Clone, Debug)]
struct Repository {
    name: String,
    created: Time,
    /// `MUTABLE`, `IMMUTABLE` or one of the `_WITH_EXCLUSION` forms.
    mutability: String,
    /// `imageTagMutabilityExclusionFilters` as sent.
    exclusions: Vec<Value>,
    scan_on_push: bool,
    encryption: Value,
    lifecycle_policy: Option<String>,
    policy: Option<String>,
    tags: BTreeMap<String, String>,
    /// Digest to image.
    images: BTreeMap<String, Image>,
    /// Image tag to digest.
    image_tags: BTreeMap<String, String>,
}

/// An image of a repository.
#[derive(Clone, Debug)]
struct Image {
    manifest: String,
    media_type: String,
    pushed: Time,
}

/// What a container's image reference comes to when it is pulled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Not an image of the account's registry in this region.
    External,
    /// The image exists.
    Found {
        /// Its digest, `sha256:` and 64 hexadecimal digits.
        digest: String,
    },
    /// The repository, tag or digest does not exist.
    Missing,
}

impl State {
    /// Whether there is a repository of this name.
    pub fn has(&self, repository: &str) -> bool {
        self.repositories.contains_key(repository)
    }

    /// Resolves `HOST/NAME[:TAG][@DIGEST]`; the tag defaults to `latest`, and a digest outweighs it.
    pub fn lookup(&self, region: &str, image: &str) -> Lookup {
        let Some(name) = image
            .strip_prefix(&host(region))
            .and_then(|rest| rest.strip_prefix('/'))
        else {
            return Lookup::External;
        };
        let (name, digest) = match name.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (name, None),
        };
        let (name, tag) = split_tag(name);
        let found = self
            .repositories
            .get(name)
            .and_then(|repository| match digest {
                Some(digest) => repository
                    .images
                    .contains_key(digest)
                    .then(|| digest.to_owned()),
                None => repository.image_tags.get(tag.unwrap_or("latest")).cloned(),
            });
        found.map_or(Lookup::Missing, |digest| Lookup::Found { digest })
    }
}

/// The host of the account's registry.
fn host(region: &str) -> String {
    format!("{ACCOUNT}.dkr.ecr.{region}.amazonaws.com")
}

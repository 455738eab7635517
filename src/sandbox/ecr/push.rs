//! Pushing images: `PutImage`, and the fake images of seeds and of the sandbox's own API.
//!
//! Invariant: an image without a digest of its own gets the SHA-256 of a manifest made from
//! repository, tags and `build`, so another tag or build is another image.

use super::super::behaviour::{Behaviour, glob};
use super::super::events::{Event, emit};
use super::super::{ACCOUNT, AwsError, World, input};
use super::{Image, Repository, host, names, repositories};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The media type of an index of manifests.
const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// The media type of manifests that do not name theirs.
const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A fake image to push.
#[derive(Clone, Debug, Default)]
pub struct NewImage {
    /// The repository's name.
    pub repository: String,
    /// Its tags; one that exists moves.
    pub tags: Vec<String>,
    /// `sha256:` and 64 hexadecimal digits; by default the digest of a made-up manifest.
    pub digest: Option<String>,
    /// Any text: another text, another digest.
    pub build: Option<String>,
    /// The platforms, such as `linux/arm64`, of the images behind it: makes it an index. Empty for one
    /// image that does not say.
    pub platforms: Vec<String>,
    /// Makes the repository instead of holding the image until someone does.
    pub create_repository: bool,
    /// How its containers behave; by default they run.
    pub behaviour: Option<Behaviour>,
}

/// `sha256:` and the digest of the text.
fn digest_of(manifest: &str) -> String {
    format!(
        "sha256:{}",
        hex::encode(Sha256::digest(manifest.as_bytes()))
    )
}

impl NewImage {
    /// Refuses a malformed repository name or digest.
    pub fn check(&self) -> Result<(), AwsError> {
        names::check(&self.repository)?;
        if self.digest.as_deref().is_none_or(is_digest) {
            return Ok(());
        }
        Err(names::invalid(
            "imageDigest",
            "must be 'sha256:' and 64 hexadecimal digits",
        ))
    }

    fn media_type(&self) -> &'static str {
        if self.platforms.is_empty() {
            OCI_MANIFEST
        } else {
            OCI_INDEX
        }
    }

    /// The images behind an index are named and not kept: nobody asks for them by digest.
    fn manifest(&self) -> String {
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": self.media_type(),
            "annotations": {
                "repository": self.repository,
                "tags": self.tags.join(","),
                "build": self.build
            }
        });
        let child = |platform: &String| {
            let (os, architecture) = platform.split_once('/').unwrap_or((platform, "amd64"));
            json!({
                "mediaType": OCI_MANIFEST,
                "digest": digest_of(&format!("{}{platform}", self.repository)),
                "size": 0,
                "platform": { "os": os, "architecture": architecture }
            })
        };
        if !self.platforms.is_empty() {
            manifest["manifests"] = self.platforms.iter().map(child).collect();
        }
        manifest.to_string()
    }
}

/// Pushes a fake image, past tag immutability. Without its repository it is held until that is
/// created. Returns the digest.
pub fn push(world: &mut World, image: NewImage) -> Result<String, AwsError> {
    image.check()?;
    let manifest = image.manifest();
    let digest = image.digest.clone().unwrap_or_else(|| digest_of(&manifest));
    if image.create_repository && !world.ecr.repositories.contains_key(&image.repository) {
        repositories::create(world, &json!({ "repositoryName": image.repository }))?;
    }
    let registry = format!("{}/{}", host(&world.region), image.repository);
    let now = world.now;
    let Some(repository) = world.ecr.repositories.get_mut(&image.repository) else {
        world
            .ecr
            .held
            .entry(image.repository.clone())
            .or_default()
            .push(image);
        return Ok(digest);
    };
    let media_type = image.media_type().to_owned();
    let kept = Image {
        manifest,
        media_type,
        pushed: now,
    };
    repository.images.entry(digest.clone()).or_insert(kept);
    world
        .behaviours
        .pushed(&registry, &digest, None, image.behaviour);
    for tag in &image.tags {
        repository.image_tags.insert(tag.clone(), digest.clone());
        world.behaviours.pushed(&registry, &digest, Some(tag), None);
    }
    let tags = image.tags.iter().map(|tag| Some(tag.as_str()));
    let untagged = image.tags.is_empty().then_some(None);
    for tag in tags.chain(untagged) {
        told(world, "PUSH", &image.repository, &digest, tag);
    }
    Ok(digest)
}

/// Tells of a push or a deletion, as an event.
pub(super) fn told(
    world: &mut World,
    action: &'static str,
    repository: &str,
    digest: &str,
    tag: Option<&str>,
) {
    let event = Event::Image {
        action,
        repository,
        digest,
        tag,
    };
    emit(world, &event);
}

/// Pushes what was held for a repository that exists now.
pub(super) fn release(world: &mut World, repository: &str) -> Result<(), AwsError> {
    for image in world.ecr.held.remove(repository).unwrap_or_default() {
        push(world, image)?;
    }
    Ok(())
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

impl Repository {
    /// Whether a tag, once it points at an image, stays there.
    fn is_fixed(&self, tag: &str) -> bool {
        let excluded = self
            .exclusions
            .iter()
            .filter_map(|filter| input::text(filter, "filter"))
            .any(|pattern| glob(pattern, tag));
        match self.mutability.as_str() {
            "IMMUTABLE" => true,
            "IMMUTABLE_WITH_EXCLUSION" => !excluded,
            "MUTABLE_WITH_EXCLUSION" => excluded,
            _ => false,
        }
    }
}

/// `PutImage`: takes any manifest text; layers are not looked for.
pub(super) fn put_image(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let now = world.now;
    let repository = world.ecr.named(input)?;
    let manifest = input::filled(input, "imageManifest")
        .ok_or_else(|| names::invalid("imageManifest", "Member must not be null"))?;
    let digest = digest_of(manifest);
    if let Some(claimed) = input::filled(input, "imageDigest")
        && claimed != digest
    {
        return Err(AwsError::new(
            "ImageDigestDoesNotMatchException",
            format!("The provided digest '{claimed}' does not match the image digest '{digest}'"),
        ));
    }
    let parsed: Value = serde_json::from_str(manifest).unwrap_or(Value::Null);
    let media_type = input::filled(input, "imageManifestMediaType")
        .or_else(|| input::filled(&parsed, "mediaType"))
        .unwrap_or(OCI_MANIFEST)
        .to_owned();
    for child in input::list(&parsed, "manifests") {
        let wanted = input::text(child, "digest").unwrap_or_default();
        if !repository.images.contains_key(wanted) {
            return Err(AwsError::new(
                "ReferencedImagesNotFoundException",
                format!(
                    "Manifest list references image '{wanted}', which is not in the repository"
                ),
            ));
        }
    }
    let name = repository.name.clone();
    let tag = input::filled(input, "imageTag").map(str::to_owned);
    let exists = repository.images.contains_key(&digest);
    let points_at = tag.as_ref().and_then(|tag| repository.image_tags.get(tag));
    if exists && (tag.is_none() || points_at == Some(&digest)) {
        let tag = tag.unwrap_or_default();
        return Err(AwsError::new(
            "ImageAlreadyExistsException",
            format!(
                "Image with digest '{digest}' and tag '{tag}' already exists in the repository \
                 with name '{name}' in registry with id '{ACCOUNT}'"
            ),
        ));
    }
    if let Some(tag) = &tag {
        if points_at.is_some() && repository.is_fixed(tag) {
            return Err(AwsError::new(
                "ImageTagAlreadyExistsException",
                format!(
                    "The image tag '{tag}' already exists in the '{name}' repository and cannot be \
                     overwritten because the tag is immutable."
                ),
            ));
        }
        repository.image_tags.insert(tag.clone(), digest.clone());
    }
    let image = Image {
        manifest: manifest.to_owned(),
        media_type: media_type.clone(),
        pushed: now,
    };
    repository.images.entry(digest.clone()).or_insert(image);
    let registry = format!("{}/{name}", host(&world.region));
    world
        .behaviours
        .pushed(&registry, &digest, tag.as_deref(), None);
    told(world, "PUSH", &name, &digest, tag.as_deref());
    let mut id = json!({ "imageDigest": digest });
    if let (Some(id), Some(tag)) = (id.as_object_mut(), tag) {
        id.insert("imageTag".to_owned(), json!(tag));
    }
    Ok(json!({ "image": {
        "registryId": ACCOUNT,
        "repositoryName": name,
        "imageId": id,
        "imageManifest": manifest,
        "imageManifestMediaType": media_type
    } }))
}

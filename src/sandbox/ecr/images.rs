//! Reading and deleting images. Pushing stands in `push`.

use super::super::{ACCOUNT, AwsError, World, input, time::seconds};
use super::{Image, Repository, names, push};
use serde_json::{Map, Value, json};

/// At most this many image ids in a request (service model).
const MAX_IDS: usize = 100;

impl Repository {
    fn tags_of(&self, digest: &str) -> Vec<&String> {
        self.image_tags
            .iter()
            .filter(|(_, d)| *d == digest)
            .map(|(tag, _)| tag)
            .collect()
    }

    /// The digest an image id names; otherwise code and reason, as the batch operations report them.
    fn resolve(&self, id: &Value) -> Result<String, (&'static str, &'static str)> {
        let digest = input::filled(id, "imageDigest");
        let tag = input::filled(id, "imageTag");
        let missing = ("ImageNotFound", "Requested image not found");
        match (digest, tag) {
            (None, None) => Err((
                "MissingDigestAndTag",
                "Invalid request parameters: both tag and digest cannot be null",
            )),
            (Some(digest), _) if !digest.contains(':') => Err((
                "InvalidImageDigest",
                "Invalid request parameters: image digest should satisfy the regex \
                 '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'",
            )),
            (Some(digest), tag) => {
                let points_at = tag.map(|tag| self.image_tags.get(tag).map(String::as_str));
                match points_at {
                    _ if !self.images.contains_key(digest) => Err(missing),
                    Some(Some(other)) if other != digest => Err((
                        "ImageTagDoesNotMatchDigest",
                        "The image tag does not point at the image digest",
                    )),
                    Some(None) => Err(missing),
                    _ => Ok(digest.to_owned()),
                }
            }
            (None, Some(tag)) => self.image_tags.get(tag).cloned().ok_or(missing),
        }
    }

    fn detail(&self, digest: &str, image: &Image) -> Value {
        let mut detail = json!({
            "registryId": ACCOUNT,
            "repositoryName": self.name,
            "imageDigest": digest,
            "imageSizeInBytes": image.manifest.len(),
            "imagePushedAt": seconds(image.pushed),
            "imageManifestMediaType": image.media_type,
            "artifactMediaType": "application/vnd.oci.image.config.v1+json",
            "imageStatus": "ACTIVE"
        });
        let tags = self.tags_of(digest);
        if let Some(detail) = detail.as_object_mut()
            && !tags.is_empty()
        {
            detail.insert("imageTags".to_owned(), json!(tags));
        }
        detail
    }

    /// Digests and images with the tag status that the request's filter asks for.
    fn filtered(&self, input: &Value) -> Vec<(&String, &Image)> {
        let wanted = input::filled(&input["filter"], "tagStatus").unwrap_or("ANY");
        self.images
            .iter()
            .filter(|(digest, _)| match wanted {
                "TAGGED" => !self.tags_of(digest).is_empty(),
                "UNTAGGED" => self.tags_of(digest).is_empty(),
                _ => true,
            })
            .collect()
    }
}

/// The image ids of a request, 1 to 100.
fn ids(input: &Value) -> Result<&[Value], AwsError> {
    let ids = input::list(input, "imageIds");
    if ids.is_empty() || ids.len() > MAX_IDS {
        return Err(names::invalid(
            "imageIds",
            &format!("Member must have length between 1 and {MAX_IDS}"),
        ));
    }
    Ok(ids)
}

/// By image ids, of which a missing one fails the whole call, or all by pages.
pub(super) fn describe(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let repository = &*world.ecr.named(input)?;
    if input::list(input, "imageIds").is_empty() {
        let images = repository.filtered(input);
        let details = images
            .into_iter()
            .map(|(digest, i)| repository.detail(digest, i))
            .collect();
        let (details, next) = names::page(input, details)?;
        return Ok(match next {
            Some(token) => json!({ "imageDetails": details, "nextToken": token }),
            None => json!({ "imageDetails": details }),
        });
    }
    if input::sent(input, "maxResults") || input::sent(input, "nextToken") {
        return Err(names::invalid("maxResults", "Not together with imageIds"));
    }
    let mut details: Vec<Value> = Vec::new();
    for id in ids(input)? {
        let image = repository
            .resolve(id)
            .ok()
            .and_then(|digest| repository.images.get_key_value(&digest));
        let Some((digest, image)) = image else {
            let part = |member: &str| input::filled(id, member).unwrap_or("null");
            return Err(AwsError::new(
                "ImageNotFoundException",
                format!(
                    "The image with imageId {{imageDigest:'{}', imageTag:'{}'}} does not \
                     exist within the repository with name '{}' in the registry with id \
                     '{ACCOUNT}'",
                    part("imageDigest"),
                    part("imageTag"),
                    repository.name
                ),
            ));
        };
        let detail = repository.detail(digest, image);
        if !details.contains(&detail) {
            details.push(detail);
        }
    }
    Ok(json!({ "imageDetails": details }))
}

/// The ids of all images: one for each tag, one for each untagged image.
pub(super) fn list(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let repository = world.ecr.named(input)?;
    let mut found = Vec::new();
    for (digest, _) in repository.filtered(input) {
        let tags = repository.tags_of(digest);
        if tags.is_empty() {
            found.push(json!({ "imageDigest": digest }));
        }
        for tag in tags {
            found.push(json!({ "imageDigest": digest, "imageTag": tag }));
        }
    }
    let (found, next) = names::page(input, found)?;
    Ok(match next {
        Some(token) => json!({ "imageIds": found, "nextToken": token }),
        None => json!({ "imageIds": found }),
    })
}

fn failure(id: &Value, (code, reason): (&str, &str)) -> Value {
    json!({ "imageId": id, "failureCode": code, "failureReason": reason })
}

/// Manifests of up to 100 images; what is missing stands in `failures`.
pub(super) fn batch_get(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let repository = world.ecr.named(input)?;
    let (mut images, mut failures) = (Vec::new(), Vec::new());
    for id in ids(input)? {
        let digest = match repository.resolve(id) {
            Ok(digest) => digest,
            Err(why) => {
                failures.push(failure(id, why));
                continue;
            }
        };
        let Some(image) = repository.images.get(&digest) else {
            continue;
        };
        let mut found = Map::new();
        found.insert("imageDigest".to_owned(), json!(digest));
        if let Some(tag) = input::filled(id, "imageTag") {
            found.insert("imageTag".to_owned(), json!(tag));
        }
        images.push(json!({
            "registryId": ACCOUNT,
            "repositoryName": repository.name,
            "imageId": found,
            "imageManifest": image.manifest,
            "imageManifestMediaType": image.media_type
        }));
    }
    Ok(json!({ "images": images, "failures": failures }))
}

/// By tag: removes the tag, and the image with its last tag. By digest: removes image and tags.
pub(super) fn batch_delete(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let repository = world.ecr.named(input)?;
    let (mut deleted, mut failures): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
    for id in ids(input)? {
        let digest = match repository.resolve(id) {
            Ok(digest) => digest,
            Err(why) => {
                failures.push(failure(id, why));
                continue;
            }
        };
        if let (Some(tag), None) = (
            input::filled(id, "imageTag"),
            input::filled(id, "imageDigest"),
        ) {
            repository.image_tags.remove(tag);
            deleted.push(json!({ "imageDigest": digest, "imageTag": tag }));
            if !repository.tags_of(&digest).is_empty() {
                continue;
            }
        } else {
            for tag in repository.tags_of(&digest) {
                deleted.push(json!({ "imageDigest": digest, "imageTag": tag }));
            }
            if repository.tags_of(&digest).is_empty() {
                deleted.push(json!({ "imageDigest": digest }));
            }
            repository
                .image_tags
                .retain(|_, pointed_at| *pointed_at != digest);
        }
        repository.images.remove(&digest);
    }
    let name = repository.name.clone();
    for image in &deleted {
        let digest = input::text(image, "imageDigest").unwrap_or_default();
        push::told(
            world,
            "DELETE",
            &name,
            digest,
            input::text(image, "imageTag"),
        );
    }
    Ok(json!({ "imageIds": deleted, "failures": failures }))
}

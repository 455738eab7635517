//! Images of a task definition as a person writes them: a digest of a repository of this account as
//! `repository:tag`, where a tag names it. Reads the repositories on the way.

use serde_json::{Map, Value};

use super::read::{Reader, optional, text};
use super::shape;
use crate::manifest::{AS_WRITTEN, IMAGES_ANNOTATION};
use crate::manifest::{ImageReference, is_ecr_host, split_image};
use crate::model::Kind;

/// What the manifest needs beside its images.
#[derive(Default)]
pub(super) struct Shortened {
    pub(super) comments: Vec<String>,
    pub(super) annotations: Map<String, Value>,
}

/// Shortens the images of this account and adds their repositories.
pub(super) async fn shorten(
    reader: &mut Reader<'_>,
    request: &mut Value,
    file: &str,
) -> Result<Shortened, String> {
    let mut out = Shortened::default();
    let mut short: Vec<(usize, String)> = Vec::new();
    let mut by_tag = false;
    let containers = request["containerDefinitions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    for (index, container) in containers.iter().enumerate() {
        let image = text(container, "image");
        let name = split_image(&image);
        let ours = format!("{}.", reader.id);
        let region = format!(".{}.", reader.observer.region());
        let is_ours =
            |host: &str| is_ecr_host(host) && host.starts_with(&ours) && host.contains(&region);
        if !name.host.is_some_and(is_ours) || !repository(reader, name.repository, file).await? {
            continue;
        }
        match &name.reference {
            ImageReference::Tag(_) => by_tag = true,
            ImageReference::Digest(digest) => {
                let tags = reader.observer.tags_of(name.repository, digest).await;
                let tags =
                    tags.map_err(|fault| format!("cannot read the tags of {image}: {fault}"))?;
                if let Some(tag) = preferred(&tags) {
                    short.push((index, format!("{}:{tag}", name.repository)));
                } else {
                    out.comments.push(format!(
                        "No tag names the image of container {} any more: it is written by its digest.",
                        text(container, "name")
                    ));
                    short.push((index, format!("{}@{digest}", name.repository)));
                }
            }
        }
    }
    if by_tag {
        let text = format!(
            "The running revision names its images by tag. The annotation keeps them so; take it away to have the \
             digest registered, which is one deployment, and from then on a moved tag is seen ({IMAGES_ANNOTATION})."
        );
        out.comments.push(text);
        out.annotations
            .insert(IMAGES_ANNOTATION.to_owned(), AS_WRITTEN.into());
        return Ok(out);
    }
    for (index, image) in short {
        request["containerDefinitions"][index]["image"] = image.into();
    }
    Ok(out)
}

/// The tag that says most: the greatest one that is not `latest`, numbers in it counting as such.
fn preferred(tags: &[String]) -> Option<&String> {
    let rank = |tag: &&String| (tag.as_str() != "latest", natural(tag));
    tags.iter().max_by_key(rank)
}

/// The text's runs of digits as numbers.
fn natural(text: &str) -> Vec<(u64, String)> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let word = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (before, tail) = rest.split_at(word);
        let digits = tail
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(tail.len());
        let (number, tail) = tail.split_at(digits);
        parts.push((number.parse().unwrap_or(0), before.to_owned()));
        rest = tail;
    }
    parts
}

/// Adds a repository of this account with its policies and tags; whether it is there.
async fn repository(reader: &mut Reader<'_>, name: &str, file: &str) -> Result<bool, String> {
    if reader.account.has(Kind::ImageRepository, name) {
        return Ok(true);
    }
    let what = format!("image repository {name}");
    let seen = reader.observer.repository(name, reader.fresh).await;
    let Some(mut live) = optional(seen, &what)? else {
        return Ok(false);
    };
    let arn = text(&live, "repositoryArn");
    let tags = reader.observer.repository_tags(&arn, reader.fresh).await;
    if let Some(tags) = optional(tags, &format!("tags of {what}"))? {
        live["tags"] = tags;
    }
    let lifecycle = reader.observer.lifecycle_policy(name, reader.fresh).await;
    let lifecycle = optional(lifecycle, &format!("the lifecycle policy of {what}"))?;
    let policy = reader.observer.repository_policy(name, reader.fresh).await;
    let policy = optional(policy, &format!("the policy of {what}"))?;
    let request = shape::request(Kind::ImageRepository, &live);
    let wanted = name.rsplit('/').next().unwrap_or(name).to_owned();
    let found = reader
        .account
        .add(Kind::ImageRepository, &[&arn, name], &wanted, file, request);
    for (member, text) in [("lifecyclePolicyText", lifecycle), ("policyText", policy)] {
        if let Some(text) = text {
            found.beside.insert(member.to_owned(), shape::policy(&text));
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_version_is_preferred_to_latest() {
        let pick = |tags: &[&str]| {
            let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
            preferred(&tags).cloned()
        };
        assert_eq!(
            pick(&["latest", "1.9.0", "1.10.0"]).as_deref(),
            Some("1.10.0")
        );
        assert_eq!(pick(&["latest"]).as_deref(), Some("latest"));
        assert_eq!(pick(&[]), None);
    }
}

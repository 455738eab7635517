//! Image names: which repository of the set a container's image is in. Not the resolution of tags.

use serde_json::Value;

use crate::model::{Key, Kind};

use super::set::{DesiredSet, Resource};

/// Which image of a repository is meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImageReference {
    /// A tag; `latest` where the image name has none.
    Tag(String),
    /// A digest, such as `sha256:...`.
    Digest(String),
}

/// An image that lies in a repository of the set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageUse {
    /// The repository's manifest.
    pub repository: Key,
    /// The repository's name at AWS.
    pub repository_name: String,
    /// Which image of it.
    pub reference: ImageReference,
}

/// An image name taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ImageName<'a> {
    /// The registry's host; `None` for a short name.
    pub(crate) host: Option<&'a str>,
    /// The repository's name.
    pub(crate) repository: &'a str,
    /// Its tag or digest.
    pub(crate) reference: ImageReference,
}

/// Takes an image name apart. A first part with a dot, a colon or the name `localhost` is a host,
/// as for Docker.
pub(crate) fn split(image: &str) -> ImageName<'_> {
    let (name, digest) = match image.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (image, None),
    };
    let (name, tag) = match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (name, "latest"),
    };
    let (host, repository) = match name.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => {
            (Some(host), rest)
        }
        _ => (None, name),
    };
    let reference = digest.map_or_else(
        || ImageReference::Tag(tag.to_owned()),
        |digest| ImageReference::Digest(digest.to_owned()),
    );
    ImageName {
        host,
        repository,
        reference,
    }
}

/// Whether a host is a private ECR registry: `<account>.dkr.ecr.<region>.amazonaws.com` and its kin
/// (FIPS, China, dual-stack).
pub(crate) fn is_ecr_host(host: &str) -> bool {
    host.split_once(".dkr").is_some_and(|(account, rest)| {
        account.len() == 12
            && account.chars().all(|c| c.is_ascii_digit())
            && (rest.starts_with(".ecr") || rest.starts_with("-ecr"))
    })
}

impl DesiredSet {
    /// The repository of the set that an image lies in: by its short name (`nova/auth:1.4.0`) or by
    /// its full URI in a private ECR registry. Images of other registries and of repositories that
    /// have no manifest give `None`: they are used as written.
    pub fn repository_of(&self, image: &str) -> Option<ImageUse> {
        let name = split(image);
        if name.host.is_some_and(|host| !is_ecr_host(host)) {
            return None;
        }
        let mut repositories = self.of_kind(Kind::ImageRepository);
        let found = repositories.find(|resource| resource.aws_name() == name.repository)?;
        Some(ImageUse {
            repository: found.key.clone(),
            repository_name: name.repository.to_owned(),
            reference: name.reference,
        })
    }

    /// Whether a container of a task definition has an image of the set's repository of this name.
    pub fn uses_images_of(&self, task_definition: &Resource, repository: &str) -> bool {
        let containers = task_definition.spec.get("containerDefinitions");
        let containers = containers.and_then(Value::as_array).into_iter().flatten();
        let mut images = containers.filter_map(|one| one.get("image")?.as_str());
        // The name first: it is cheap, and few have it.
        images.any(|image| {
            split(image).repository == repository && self.repository_of(image).is_some()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart_as_docker_does() {
        let tag = |tag: &str| ImageReference::Tag(tag.to_owned());
        for (image, host, repository, reference) in [
            ("nova/auth:1.4.0", None, "nova/auth", tag("1.4.0")),
            ("nginx", None, "nginx", tag("latest")),
            (
                "localhost:5000/a",
                Some("localhost:5000"),
                "a",
                tag("latest"),
            ),
            (
                "public.ecr.aws/a/b:c",
                Some("public.ecr.aws"),
                "a/b",
                tag("c"),
            ),
            (
                "a/b:t@sha256:12",
                None,
                "a/b",
                ImageReference::Digest("sha256:12".to_owned()),
            ),
        ] {
            assert_eq!(
                split(image),
                ImageName {
                    host,
                    repository,
                    reference
                },
                "{image}"
            );
        }
    }

    #[test]
    fn private_registries() {
        assert!(is_ecr_host(
            "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com"
        ));
        assert!(is_ecr_host("123456789012.dkr-ecr.us-east-1.on.aws"));
        for other in [
            "public.ecr.aws",
            "ghcr.io",
            "1234.dkr.ecr.us-east-1.amazonaws.com",
        ] {
            assert!(!is_ecr_host(other), "{other}");
        }
    }
}

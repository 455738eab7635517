//! Images: that they have been pushed, and for the platform of the task. Private ECR only; other
//! registries are not asked, since a pull from them counts against limits and may need credentials that
//! only the task has.

use serde_json::Value;

use super::judge::{Judge, items, text};
use super::question::{Answer, Question};
use crate::manifest::{ImageReference, is_ecr_host, split_image};

/// What a task needs of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Platform {
    os: &'static str,
    architecture: &'static str,
}

impl Judge<'_> {
    /// The image of every container.
    pub(super) fn images(&mut self) {
        let platform = platform_of(self.spec());
        for (pointer, container) in items(self.spec(), "/containerDefinitions") {
            let pointer = format!("{pointer}/image");
            if let Some(image) = text(container, "/image") {
                self.image(image, platform, &pointer);
            }
            for (at, file) in items(container, "/environmentFiles") {
                let what = text(file, "/value").unwrap_or_default();
                let at = format!("{}{at}", pointer.trim_end_matches("/image"));
                let why = "files in S3 are not looked at";
                self.unchecked(format!("environment file {what}"), why, &at);
            }
        }
    }

    fn image(&mut self, image: &str, platform: Option<Platform>, pointer: &str) {
        let name = split_image(image);
        let of_set = self.set.repository_of(image).is_some();
        let registry = match name.host {
            None if of_set => None,
            Some(host) if is_ecr_host(host) => {
                let account = host.split('.').next().unwrap_or_default();
                if !host.contains(&format!(".{}.", self.place.region)) {
                    let why = "it is in the ECR of another region";
                    self.unchecked(format!("image {image}"), why, pointer);
                    return;
                }
                (account != self.place.account).then(|| account.to_owned())
            }
            _ => {
                let why = "its registry is not private ECR";
                self.unchecked(format!("image {image}"), why, pointer);
                return;
            }
        };
        let reference = match &name.reference {
            ImageReference::Tag(tag) => tag.clone(),
            ImageReference::Digest(digest) => digest.clone(),
        };
        let question = Question::Image {
            registry: registry.clone(),
            repository: name.repository.to_owned(),
            reference,
        };
        let Some(seen) = self.ask(question, pointer) else {
            return;
        };
        let Some(manifest) = seen else {
            let repository = Question::Repository {
                registry,
                name: name.repository.to_owned(),
            };
            let is_missing = self.known(&repository) == Some(&Answer::Absent);
            self.missing(image, name.repository, is_missing, of_set, pointer);
            return;
        };
        if let Some(platform) = platform {
            self.platform(image, manifest, platform, pointer);
        }
    }

    fn missing(
        &mut self,
        image: &str,
        repository: &str,
        is_missing: bool,
        of_set: bool,
        pointer: &str,
    ) {
        if is_missing && of_set {
            let why = format!(
                "its repository {repository} is a manifest of this source and not made yet, so nothing can have been \
                 pushed"
            );
            self.unchecked(format!("image {image}"), &why, pointer);
        } else if is_missing {
            let message = format!("the repository `{repository}` does not exist");
            let hint = "Create it (a manifest of kind ImageRepository does), or correct the name.";
            self.error("missing-image", pointer, message, hint);
        } else {
            let message = format!("the image `{image}` has not been pushed");
            let hint = format!(
                "Push it, or name what is there: aws ecr list-images --repository-name {repository}"
            );
            self.error("missing-image", pointer, message, hint);
        }
    }

    fn platform(&mut self, image: &str, manifest: &Value, wanted: Platform, pointer: &str) {
        let offered = platforms(manifest);
        if offered.is_empty() {
            let why = "it is one image without an index, and its platform stands in a blob that is not fetched";
            self.unchecked(format!("platform of image {image}"), why, pointer);
            return;
        }
        let fits = offered
            .iter()
            .any(|(os, architecture)| *os == wanted.os && *architecture == wanted.architecture);
        if !fits {
            let list: Vec<String> = offered
                .iter()
                .map(|(os, architecture)| format!("{os}/{architecture}"))
                .collect();
            let message = format!(
                "the image `{image}` is for {} and the task runs on {}/{}",
                list.join(", "),
                wanted.os,
                wanted.architecture
            );
            let hint = format!(
                "Build it with --platform {}/{}, or set `runtimePlatform` to what it was built for.",
                wanted.os, wanted.architecture
            );
            self.error("image-platform", pointer, message, hint);
        }
    }
}

/// What a task definition runs on; `None` if it is the instance that says.
fn platform_of(spec: &Value) -> Option<Platform> {
    let is_fargate = items(spec, "/requiresCompatibilities").any(|(_, one)| one == "FARGATE");
    let architecture = text(spec, "/runtimePlatform/cpuArchitecture");
    let family = text(spec, "/runtimePlatform/operatingSystemFamily");
    if !is_fargate && architecture.is_none() {
        return None;
    }
    Some(Platform {
        os: match family {
            Some(family) if family.starts_with("WINDOWS") => "windows",
            _ => "linux",
        },
        architecture: match architecture {
            Some("ARM64") => "arm64",
            _ => "amd64",
        },
    })
}

/// The platforms that an index lists; none for a manifest of one image. Attestations are of none.
fn platforms(manifest: &Value) -> Vec<(&str, &str)> {
    items(manifest, "/manifests")
        .filter_map(|(_, one)| {
            let os = text(one, "/platform/os")?;
            Some((os, text(one, "/platform/architecture")?))
        })
        .filter(|(os, _)| *os != "unknown")
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fargate_is_linux_on_amd64_unless_it_is_said() {
        let platform = |os, architecture| Some(Platform { os, architecture });
        let fargate = json!({"requiresCompatibilities": ["FARGATE"]});
        assert_eq!(platform_of(&fargate), platform("linux", "amd64"));
        let arm = json!({"runtimePlatform": {"cpuArchitecture": "ARM64"}});
        assert_eq!(platform_of(&arm), platform("linux", "arm64"));
        let windows = json!({"requiresCompatibilities": ["FARGATE"],
            "runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}});
        assert_eq!(platform_of(&windows), platform("windows", "amd64"));
        assert_eq!(
            platform_of(&json!({"requiresCompatibilities": ["EC2"]})),
            None
        );
    }

    #[test]
    fn attestations_are_no_platform() {
        let index = json!({"manifests": [
            {"platform": {"os": "linux", "architecture": "arm64"}},
            {"platform": {"os": "unknown", "architecture": "unknown"}},
        ]});
        assert_eq!(platforms(&index), [("linux", "arm64")]);
        assert!(platforms(&json!({"config": {}})).is_empty());
    }
}

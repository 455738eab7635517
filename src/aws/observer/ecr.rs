//! Reads of ECR.

use serde_json::{Value, json};

use super::{Images, NEXT_TOKEN, Observer, Tags, by, list, present, text};
use crate::aws::Class;
use crate::model::{Call, Moment, Seen, Service};

impl Observer {
    /// One member of `DescribeRepositories.repositories`.
    pub async fn repository(&self, name: &str, fresh: Moment) -> Seen<Value> {
        self.repositories
            .get(
                &self.clock,
                &name.to_owned(),
                fresh,
                |_, _| true,
                |names: Vec<_>| async move {
                    let input = json!({"repositoryNames": names});
                    let found = self
                        .pages(
                            Service::Ecr,
                            "DescribeRepositories",
                            input,
                            "repositories",
                            NEXT_TOKEN,
                        )
                        .await?;
                    Ok(present(by(found, "repositoryName")))
                },
            )
            .await
    }

    /// A repository's tags, `[{"Key", "Value"}]`.
    pub async fn repository_tags(&self, arn: &str, fresh: Moment) -> Seen<Value> {
        self.repository_tags
            .get_alone(&self.clock, &arn.to_owned(), fresh, |arn| async move {
                let mut answer = self
                    .ecr("ListTagsForResource", json!({"resourceArn": arn}))
                    .await?;
                Ok(Value::from(list(
                    Service::Ecr,
                    "ListTagsForResource",
                    &mut answer,
                    "tags",
                )?))
            })
            .await
    }

    /// A repository's lifecycle policy, JSON text as AWS gives it.
    pub async fn lifecycle_policy(&self, repository: &str, fresh: Moment) -> Seen<String> {
        self.lifecycle_policies
            .get_alone(
                &self.clock,
                &repository.to_owned(),
                fresh,
                |name| async move {
                    let answer = self
                        .ecr("GetLifecyclePolicy", json!({"repositoryName": name}))
                        .await?;
                    Ok(text(&answer, "lifecyclePolicyText"))
                },
            )
            .await
    }

    /// A repository's access policy, JSON text as AWS gives it.
    pub async fn repository_policy(&self, repository: &str, fresh: Moment) -> Seen<String> {
        self.repository_policies
            .get_alone(
                &self.clock,
                &repository.to_owned(),
                fresh,
                |name| async move {
                    let answer = self
                        .ecr("GetRepositoryPolicy", json!({"repositoryName": name}))
                        .await?;
                    Ok(text(&answer, "policyText"))
                },
            )
            .await
    }

    /// The digest behind each tag. A missing tag or repository is absent.
    ///
    /// By `BatchGetImage` and not `DescribeImages`, which fails whole for one missing tag
    /// (aws-facts 5); it asks for every media type, so that an index is not converted.
    pub async fn images(&self, repository: &str, tags: &Tags, fresh: Moment) -> Images {
        let mut images = Images::new();
        for tag in tags {
            let key = (repository.to_owned(), tag.clone());
            let seen = self
                .images
                .get(&self.clock, &key, fresh, |one, other| one.0 == other.0, |keys: Vec<_>| async move {
                    let ids: Vec<Value> = keys.iter().map(|(_, tag)| json!({"imageTag": tag})).collect();
                    let input = json!({"repositoryName": repository, "imageIds": ids, "acceptedMediaTypes": MANIFESTS});
                    let mut answer = self.ecr("BatchGetImage", input).await?;
                    let found = list(Service::Ecr, "BatchGetImage", &mut answer, "images")?;
                        let failures = answer.get("failures").and_then(Value::as_array);
                        let tag = |one: &Value| (repository.to_owned(), text(id(one), "imageTag"));
                        // Any other failure says nothing of whether the image is there.
                        let missing = failures
                            .into_iter()
                            .flatten()
                            .filter(|failure| text(failure, "failureCode") == "ImageNotFound")
                            .map(|failure| (tag(failure), None));
                        let present = found
                            .iter()
                            .map(|image| (tag(image), Some(text(id(image), "imageDigest"))));
                        Ok(missing.chain(present).collect())
                })
                .await;
            images.insert(tag.clone(), seen);
        }
        images
    }

    /// The tags that name an image now; none if the image has none or is gone. Read anew at each
    /// call.
    ///
    /// # Errors
    /// A [`super::Fault`] if ECR did not answer.
    pub async fn tags_of(
        &self,
        repository: &str,
        digest: &str,
    ) -> Result<Vec<String>, super::Fault> {
        let input = json!({"repositoryName": repository, "imageIds": [{"imageDigest": digest}]});
        let mut answer = match self.ecr("DescribeImages", input).await {
            Err(fault) if fault.class == Class::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let images = list(Service::Ecr, "DescribeImages", &mut answer, "imageDetails")?;
        let image = images.into_iter().next();
        let tags = image.and_then(|mut image| image.get_mut("imageTags").map(Value::take));
        let tags = tags
            .as_ref()
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        Ok(tags.filter_map(Value::as_str).map(str::to_owned).collect())
    }

    async fn ecr(&self, operation: &'static str, input: Value) -> Result<Value, super::Fault> {
        self.aws
            .call(&Call {
                service: Service::Ecr,
                operation,
                input,
            })
            .await
    }
}

/// The `imageId` of an image or a failure.
fn id(document: &Value) -> &Value {
    document.get("imageId").unwrap_or(&Value::Null)
}

/// Manifests and indexes, OCI and Docker (aws-facts 5): what `BatchGetImage` is to give unconverted.
pub const MANIFESTS: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

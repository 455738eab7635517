//! The registry by its operations.

use super::super::{AwsError, World};
use super::{Lookup, operation};
use serde_json::{Value, json};

const HOST: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";

struct Fixture {
    world: World,
}

impl Fixture {
    /// A registry with the repository `app`.
    fn new() -> Self {
        let mut new = Self {
            world: World::new("us-east-1", 0),
        };
        new.ok("CreateRepository", &json!({ "repositoryName": "app" }));
        new
    }

    fn call(&mut self, name: &str, input: &Value) -> Result<Value, AwsError> {
        operation(name).unwrap().0(&mut self.world, input)
    }

    fn ok(&mut self, name: &str, input: &Value) -> Value {
        self.call(name, input)
            .unwrap_or_else(|error| panic!("{name} {input}: {error:?}"))
    }

    fn refused(&mut self, name: &str, input: &Value) -> AwsError {
        self.call(name, input).map_or_else(
            |error| error,
            |output| panic!("{name} {input} succeeded: {output}"),
        )
    }

    fn put(&mut self, tag: &str, manifest: &str) -> String {
        let input = json!({ "repositoryName": "app", "imageTag": tag, "imageManifest": manifest });
        let put = self.ok("PutImage", &input);
        put["image"]["imageId"]["imageDigest"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

#[test]
fn refusals() {
    let mut aws = Fixture::new();
    let digest = aws.put("v1", "{}");
    let many: Vec<Value> = (0..101)
        .map(|n| json!({ "imageTag": n.to_string() }))
        .collect();
    let lifecycle = |rules: Value| {
        let text = json!({ "rules": rules, "filler": "x".repeat(100) }).to_string();
        json!({ "repositoryName": "app", "lifecyclePolicyText": text })
    };
    let arn = "arn:aws:ecr:us-east-1:123456789012:repository/gone";
    let index = json!({ "manifests": [{ "digest": "sha256:gone" }] }).to_string();
    for (name, input, code) in [
        (
            "CreateRepository",
            json!({ "repositoryName": "app" }),
            "RepositoryAlreadyExistsException",
        ),
        (
            "CreateRepository",
            json!({ "repositoryName": "App" }),
            "InvalidParameterException",
        ),
        (
            "CreateRepository",
            json!({ "repositoryName": "new", "imageTagMutability": "NO" }),
            "InvalidParameterException",
        ),
        (
            "CreateRepository",
            json!({ "repositoryName": "new", "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION" }),
            "InvalidParameterException",
        ),
        (
            "CreateRepository",
            json!({ "repositoryName": "new", "encryptionConfiguration": { "encryptionType": "X" } }),
            "InvalidParameterException",
        ),
        (
            "CreateRepository",
            json!({ "repositoryName": "new", "tags": [{ "Value": "x" }] }),
            "InvalidTagParameterException",
        ),
        (
            "CreateRepository",
            json!({ "repositoryName": "new", "tags": [{ "Key": "aws:x" }] }),
            "InvalidTagParameterException",
        ),
        (
            "DeleteRepository",
            json!({ "repositoryName": "app" }),
            "RepositoryNotEmptyException",
        ),
        (
            "DeleteRepository",
            json!({ "repositoryName": "gone" }),
            "RepositoryNotFoundException",
        ),
        (
            "DescribeRepositories",
            json!({ "repositoryNames": ["gone"] }),
            "RepositoryNotFoundException",
        ),
        (
            "DescribeRepositories",
            json!({ "repositoryNames": ["app"], "registryId": "1" }),
            "RepositoryNotFoundException",
        ),
        (
            "DescribeRepositories",
            json!({ "repositoryNames": vec!["app"; 101] }),
            "InvalidParameterException",
        ),
        (
            "DescribeRepositories",
            json!({ "maxResults": 1001 }),
            "InvalidParameterException",
        ),
        (
            "DescribeRepositories",
            json!({ "nextToken": "x" }),
            "InvalidParameterException",
        ),
        (
            "DescribeImages",
            json!({ "repositoryName": "app", "imageIds": [{ "imageTag": "v1" }, { "imageTag": "v2" }] }),
            "ImageNotFoundException",
        ),
        (
            "DescribeImages",
            json!({ "repositoryName": "app", "imageIds": [{ "imageTag": "v1" }], "maxResults": 1 }),
            "InvalidParameterException",
        ),
        (
            "DescribeImages",
            json!({ "repositoryName": "app", "imageIds": many }),
            "InvalidParameterException",
        ),
        (
            "BatchGetImage",
            json!({ "repositoryName": "app", "imageIds": many }),
            "InvalidParameterException",
        ),
        (
            "BatchGetImage",
            json!({ "repositoryName": "app", "imageIds": [] }),
            "InvalidParameterException",
        ),
        (
            "PutImage",
            json!({ "repositoryName": "app", "imageManifest": "{}", "imageTag": "v1" }),
            "ImageAlreadyExistsException",
        ),
        (
            "PutImage",
            json!({ "repositoryName": "app", "imageManifest": "{}", "imageDigest": "sha256:0" }),
            "ImageDigestDoesNotMatchException",
        ),
        (
            "PutImage",
            json!({ "repositoryName": "app", "imageManifest": index }),
            "ReferencedImagesNotFoundException",
        ),
        (
            "PutImage",
            json!({ "repositoryName": "app" }),
            "InvalidParameterException",
        ),
        (
            "PutLifecyclePolicy",
            json!({ "repositoryName": "app", "lifecyclePolicyText": "{}" }),
            "InvalidParameterException",
        ),
        (
            "PutLifecyclePolicy",
            json!({ "repositoryName": "app", "lifecyclePolicyText": "x".repeat(100) }),
            "InvalidParameterException",
        ),
        (
            "PutLifecyclePolicy",
            lifecycle(json!([])),
            "InvalidParameterException",
        ),
        (
            "PutLifecyclePolicy",
            lifecycle(json!([{ "rulePriority": 1 }, { "rulePriority": 1 }])),
            "InvalidParameterException",
        ),
        (
            "GetLifecyclePolicy",
            json!({ "repositoryName": "app" }),
            "LifecyclePolicyNotFoundException",
        ),
        (
            "DeleteLifecyclePolicy",
            json!({ "repositoryName": "app" }),
            "LifecyclePolicyNotFoundException",
        ),
        (
            "SetRepositoryPolicy",
            json!({ "repositoryName": "app", "policyText": "{}" }),
            "InvalidParameterException",
        ),
        (
            "GetRepositoryPolicy",
            json!({ "repositoryName": "app" }),
            "RepositoryPolicyNotFoundException",
        ),
        (
            "DeleteRepositoryPolicy",
            json!({ "repositoryName": "app" }),
            "RepositoryPolicyNotFoundException",
        ),
        (
            "ListTagsForResource",
            json!({ "resourceArn": arn }),
            "RepositoryNotFoundException",
        ),
        (
            "ListTagsForResource",
            json!({ "resourceArn": "app" }),
            "InvalidParameterException",
        ),
        (
            "TagResource",
            json!({ "resourceArn": arn.replace("gone", "app"), "tags": (0..51).map(|n| json!({ "Key": n.to_string() })).collect::<Vec<_>>() }),
            "TooManyTagsException",
        ),
    ] {
        assert_eq!(aws.refused(name, &input).code, code, "{name} {input}");
    }
    let missing = json!({ "repositoryName": "app", "imageIds": [{ "imageTag": "v9" }] });
    assert_eq!(
        aws.refused("DescribeImages", &missing).message,
        "The image with imageId {imageDigest:'null', imageTag:'v9'} does not exist within the \
         repository with name 'app' in the registry with id '123456789012'"
    );
    let mismatch = json!([
        { "imageDigest": digest, "imageTag": "v2" }, { "imageDigest": "x" }, {}, { "imageTag": "v1" }
    ]);
    let partial = json!({ "repositoryName": "app", "imageIds": mismatch });
    let found = aws.ok("BatchGetImage", &partial);
    let codes: Vec<&Value> = found["failures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| &f["failureCode"])
        .collect();
    assert_eq!(
        codes,
        ["ImageNotFound", "InvalidImageDigest", "MissingDigestAndTag"]
    );
    assert_eq!(found["images"].as_array().unwrap().len(), 1);
}

#[test]
fn an_immutable_tag_stays_where_it_is() {
    let mut aws = Fixture::new();
    let exclusions = json!([{ "filterType": "WILDCARD", "filter": "dev*" }]);
    for (mutability, filters, v1, dev1) in [
        ("MUTABLE", json!([]), true, true),
        ("IMMUTABLE", json!([]), false, false),
        ("IMMUTABLE_WITH_EXCLUSION", exclusions.clone(), false, true),
        ("MUTABLE_WITH_EXCLUSION", exclusions.clone(), true, false),
    ] {
        aws.ok(
            "DeleteRepository",
            &json!({ "repositoryName": "app", "force": true }),
        );
        aws.ok("CreateRepository", &json!({ "repositoryName": "app" }));
        aws.put("v1", "{}");
        aws.put("dev1", "{}");
        let set = json!({
            "repositoryName": "app", "imageTagMutability": mutability,
            "imageTagMutabilityExclusionFilters": filters
        });
        aws.ok("PutImageTagMutability", &set);
        for (tag, moves) in [("v1", v1), ("dev1", dev1)] {
            let input = json!({
                "repositoryName": "app", "imageTag": tag, "imageManifest": "{\"new\":1}"
            });
            let result = aws.call("PutImage", &input).map_err(|error| error.code);
            let expected = "ImageTagAlreadyExistsException";
            assert_eq!(
                result.err().as_deref(),
                (!moves).then_some(expected),
                "{mutability} {tag}"
            );
        }
    }
}

#[test]
fn an_image_reference_is_looked_up_like_a_pull() {
    let mut aws = Fixture::new();
    let digest = aws.put("latest", "{}");
    let found = Lookup::Found {
        digest: digest.clone(),
    };
    for (image, expected) in [
        (format!("{HOST}/app"), &found),
        (format!("{HOST}/app:latest"), &found),
        (format!("{HOST}/app@{digest}"), &found),
        (format!("{HOST}/app:other@{digest}"), &found),
        (format!("{HOST}/app:other"), &Lookup::Missing),
        (format!("{HOST}/gone"), &Lookup::Missing),
        (format!("{HOST}/app@sha256:0"), &Lookup::Missing),
        ("app:latest".to_owned(), &Lookup::External),
        ("public.ecr.aws/nginx/nginx:1".to_owned(), &Lookup::External),
        (
            format!("{}/app", HOST.replace("us-east-1", "eu-west-1")),
            &Lookup::External,
        ),
    ] {
        assert_eq!(
            aws.world.ecr.lookup("us-east-1", &image),
            *expected,
            "{image}"
        );
    }
}

#[test]
fn images_are_described_listed_and_deleted() {
    let mut aws = Fixture::new();
    let first = aws.put("v1", "{}");
    aws.put("v2", "{\"new\":1}");
    let retag = json!({ "repositoryName": "app", "imageTag": "v2", "imageManifest": "{}" });
    aws.ok("PutImage", &retag);
    let app = json!({ "repositoryName": "app" });
    let all = aws.ok("DescribeImages", &app);
    let tags: Vec<_> = all["imageDetails"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d.get("imageTags"))
        .collect();
    assert!(
        tags.contains(&Some(&json!(["v1", "v2"]))) && tags.contains(&None),
        "{tags:?}"
    );
    let tagged = json!({ "repositoryName": "app", "filter": { "tagStatus": "TAGGED" } });
    assert_eq!(
        aws.ok("ListImages", &tagged)["imageIds"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let page = json!({ "repositoryName": "app", "maxResults": 2 });
    let page = aws.ok("ListImages", &page);
    let rest = json!({ "repositoryName": "app", "nextToken": page["nextToken"] });
    assert_eq!(
        aws.ok("ListImages", &rest)["imageIds"]
            .as_array()
            .unwrap()
            .len(),
        1
    );

    let by_tag = |tag: &str| json!({ "repositoryName": "app", "imageIds": [{ "imageTag": tag }] });
    aws.ok("BatchDeleteImage", &by_tag("v1"));
    assert_eq!(
        aws.ok("DescribeImages", &by_tag("v2"))["imageDetails"][0]["imageDigest"],
        first
    );
    aws.ok("BatchDeleteImage", &by_tag("v2"));
    let left = aws.ok("DescribeImages", &app);
    assert_eq!(
        left["imageDetails"].as_array().unwrap().len(),
        1,
        "the last tag took the image"
    );
    let digest = left["imageDetails"][0]["imageDigest"].clone();
    let by_digest = json!({ "repositoryName": "app", "imageIds": [{ "imageDigest": digest }] });
    aws.ok("BatchDeleteImage", &by_digest);
    assert_eq!(aws.ok("DescribeImages", &app)["imageDetails"], json!([]));
    let again = aws.ok("BatchDeleteImage", &by_digest);
    assert_eq!(again["failures"][0]["failureCode"], "ImageNotFound");
}

#[test]
fn policies_come_back_in_another_order() {
    let mut aws = Fixture::new();
    let text = r#"{ "rules": [ { "rulePriority": 1, "description": "keep ten images, no more",
        "selection": { "tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10 },
        "action": { "type": "expire" } } ] }"#;
    let put = json!({ "repositoryName": "app", "lifecyclePolicyText": text });
    aws.ok("PutLifecyclePolicy", &put);
    let got = aws.ok("GetLifecyclePolicy", &json!({ "repositoryName": "app" }));
    let got = got["lifecyclePolicyText"].as_str().unwrap();
    assert_ne!(got, text);
    let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!(parse(got), parse(text));
    let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
    aws.ok(
        "SetRepositoryPolicy",
        &json!({ "repositoryName": "app", "policyText": policy }),
    );
    let got = aws.ok(
        "DeleteRepositoryPolicy",
        &json!({ "repositoryName": "app" }),
    );
    assert_eq!(
        got["policyText"],
        r#"{"Statement":[],"Version":"2012-10-17"}"#
    );
}

#[test]
fn repositories_read_back_with_aws_defaults_and_tags() {
    let mut aws = Fixture::new();
    let all = aws.ok("DescribeRepositories", &json!({}));
    assert_eq!(
        all["repositories"][0],
        json!({
            "repositoryArn": "arn:aws:ecr:us-east-1:123456789012:repository/app",
            "registryId": "123456789012", "repositoryName": "app",
            "repositoryUri": format!("{HOST}/app"), "createdAt": 0.0,
            "imageTagMutability": "MUTABLE",
            "imageScanningConfiguration": { "scanOnPush": false },
            "encryptionConfiguration": { "encryptionType": "AES256" }
        })
    );
    let arn = all["repositories"][0]["repositoryArn"].clone();
    let tags = json!([{ "Key": "a", "Value": "1" }, { "Key": "b", "Value": "2" }]);
    aws.ok("TagResource", &json!({ "resourceArn": arn, "tags": tags }));
    aws.ok(
        "UntagResource",
        &json!({ "resourceArn": arn, "tagKeys": ["a"] }),
    );
    let tags = aws.ok("ListTagsForResource", &json!({ "resourceArn": arn }));
    assert_eq!(tags["tags"], json!([{ "Key": "b", "Value": "2" }]));
    let scan = json!({
        "repositoryName": "app", "imageScanningConfiguration": { "scanOnPush": true }
    });
    aws.ok("PutImageScanningConfiguration", &scan);
    let all = aws.ok("DescribeRepositories", &json!({}));
    assert_eq!(
        all["repositories"][0]["imageScanningConfiguration"]["scanOnPush"],
        true
    );
}

//! Operations on repositories and the registry. Not policies (see `policies`) or images.

use super::super::{ACCOUNT, AwsError, World, input, time::seconds};
use super::{Repository, host, names, push, tags};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Makes a repository; images that were held for it appear in it.
pub(super) fn create(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let name = input::text(input, "repositoryName").unwrap_or_default();
    names::check(name)?;
    let (mutability, exclusions) = read_mutability(input)?;
    let tags = tags::read(input)?;
    if world.ecr.repositories.contains_key(name) {
        return Err(AwsError::new(
            "RepositoryAlreadyExistsException",
            format!(
                "The repository with name '{name}' already exists in the registry with id \
                 '{ACCOUNT}'"
            ),
        ));
    }
    let sent = &input["encryptionConfiguration"];
    let kind = input::filled(sent, "encryptionType").unwrap_or("AES256");
    let encryption = match kind {
        "AES256" => json!({ "encryptionType": kind }),
        "KMS" | "KMS_DSSE" => {
            let default = format!("arn:aws:kms:{}:{ACCOUNT}:key/aws-ecr", world.region);
            let key = input::filled(sent, "kmsKey").unwrap_or(&default);
            json!({ "encryptionType": kind, "kmsKey": key })
        }
        _ => {
            return Err(names::invalid(
                "encryptionType",
                "must be AES256, KMS or KMS_DSSE",
            ));
        }
    };
    let repository = Repository {
        name: name.to_owned(),
        created: world.now,
        mutability,
        exclusions,
        scan_on_push: input::flag(&input["imageScanningConfiguration"], "scanOnPush")
            .unwrap_or(false),
        encryption,
        lifecycle_policy: None,
        policy: None,
        tags,
        images: BTreeMap::new(),
        image_tags: BTreeMap::new(),
    };
    let described = describe_one(&world.region, &repository);
    world.ecr.repositories.insert(name.to_owned(), repository);
    push::release(world, name)?;
    Ok(json!({ "repository": described }))
}

fn read_mutability(input: &Value) -> Result<(String, Vec<Value>), AwsError> {
    let mutability = input::filled(input, "imageTagMutability").unwrap_or("MUTABLE");
    let exclusions = input::list(input, "imageTagMutabilityExclusionFilters");
    let with_exclusion = match mutability {
        "MUTABLE" | "IMMUTABLE" => false,
        "MUTABLE_WITH_EXCLUSION" | "IMMUTABLE_WITH_EXCLUSION" => true,
        _ => {
            return Err(names::invalid(
                "imageTagMutability",
                "Member must satisfy enum value set: [IMMUTABLE_WITH_EXCLUSION, \
                 MUTABLE_WITH_EXCLUSION, MUTABLE, IMMUTABLE]",
            ));
        }
    };
    if with_exclusion == exclusions.is_empty() || exclusions.len() > 5 {
        return Err(names::invalid(
            "imageTagMutabilityExclusionFilters",
            "1 to 5 filters with an _WITH_EXCLUSION mutability, none otherwise",
        ));
    }
    Ok((mutability.to_owned(), exclusions.to_vec()))
}

fn describe_one(region: &str, repository: &Repository) -> Value {
    let name = &repository.name;
    let mut described = json!({
        "repositoryArn": names::arn(region, name),
        "registryId": ACCOUNT,
        "repositoryName": name,
        "repositoryUri": format!("{}/{name}", host(region)),
        "createdAt": seconds(repository.created),
        "imageTagMutability": repository.mutability,
        "imageScanningConfiguration": { "scanOnPush": repository.scan_on_push },
        "encryptionConfiguration": repository.encryption
    });
    if let Some(described) = described.as_object_mut()
        && !repository.exclusions.is_empty()
    {
        described.insert(
            "imageTagMutabilityExclusionFilters".to_owned(),
            json!(repository.exclusions),
        );
    }
    described
}

/// By names (at most 100), or all.
pub(super) fn describe(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let wanted = input::texts(input, "repositoryNames");
    let registry = input::filled(input, "registryId").unwrap_or(ACCOUNT);
    if wanted.len() > 100 {
        return Err(names::invalid(
            "repositoryNames",
            "Member must have length less than or equal to 100",
        ));
    }
    let all = &world.ecr.repositories;
    for name in &wanted {
        names::check(name)?;
        if registry != ACCOUNT || !all.contains_key(name) {
            return Err(names::not_found(name, registry));
        }
    }
    let found = all
        .values()
        .filter(|repository| wanted.is_empty() || wanted.contains(&repository.name))
        .map(|repository| describe_one(&world.region, repository))
        .collect();
    let (found, next) = names::page(input, found)?;
    Ok(match next {
        Some(token) => json!({ "repositories": found, "nextToken": token }),
        None => json!({ "repositories": found }),
    })
}

/// A repository with images is deleted only with `force`.
pub(super) fn delete(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let repository = world.ecr.named(input)?;
    let name = repository.name.clone();
    if !repository.images.is_empty() && input::flag(input, "force") != Some(true) {
        return Err(AwsError::new(
            "RepositoryNotEmptyException",
            format!(
                "The repository with name '{name}' in registry with id '{ACCOUNT}' cannot be \
                 deleted because it still contains images"
            ),
        ));
    }
    let removed = repository.clone();
    world.ecr.repositories.remove(&name);
    Ok(json!({ "repository": describe_one(&world.region, &removed) }))
}

/// Changes whether tags may move.
pub(super) fn put_mutability(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let (mutability, exclusions) = read_mutability(input)?;
    let repository = world.ecr.named(input)?;
    repository.mutability = mutability;
    repository.exclusions = exclusions;
    let mut response = json!({
        "registryId": ACCOUNT,
        "repositoryName": repository.name,
        "imageTagMutability": repository.mutability
    });
    if let Some(response) = response.as_object_mut()
        && !repository.exclusions.is_empty()
    {
        response.insert(
            "imageTagMutabilityExclusionFilters".to_owned(),
            json!(repository.exclusions),
        );
    }
    Ok(response)
}

/// Changes whether images are scanned when pushed; the flag is kept, nothing is scanned.
pub(super) fn put_scanning(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let repository = world.ecr.named(input)?;
    repository.scan_on_push =
        input::flag(&input["imageScanningConfiguration"], "scanOnPush").unwrap_or(false);
    Ok(json!({
        "registryId": ACCOUNT,
        "repositoryName": repository.name,
        "imageScanningConfiguration": { "scanOnPush": repository.scan_on_push }
    }))
}

/// A token that no registry takes: the simulated one has no Docker endpoint.
#[expect(clippy::unnecessary_wraps, reason = "operations share one signature")]
pub(super) fn authorization_token(world: &mut World, _: &Value) -> Result<Value, AwsError> {
    Ok(json!({ "authorizationData": [{
        // `AWS:evenkeel-sandbox` in base64.
        "authorizationToken": "QVdTOmV2ZW5rZWVsLXNhbmRib3g=",
        "expiresAt": seconds(world.now + 12 * 3_600_000),
        "proxyEndpoint": format!("https://{}", host(&world.region))
    }] }))
}

/// The account's registry.
#[expect(clippy::unnecessary_wraps, reason = "operations share one signature")]
pub(super) fn describe_registry(_: &mut World, _: &Value) -> Result<Value, AwsError> {
    Ok(json!({ "registryId": ACCOUNT, "replicationConfiguration": { "rules": [] } }))
}

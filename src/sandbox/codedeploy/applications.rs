//! Applications: a name that holds deployment groups and revisions. Not the groups themselves.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::{AwsError, Time, World};
use super::groups::Group;
use super::input::{application_name, items, text, texts, timestamp, uuid};
use super::paging::page;
use super::revisions::Revision;
use super::tags;

/// An application.
#[derive(Clone, Debug)]
pub(super) struct Application {
    id: String,
    created: Time,
    /// `ECS`, `Server` or `Lambda`.
    pub(super) platform: String,
    pub(super) groups: BTreeMap<String, Group>,
    /// By the SHA-256 of their text.
    pub(super) revisions: BTreeMap<String, Revision>,
}

/// Names to one `BatchGetApplications` or `BatchGetDeploymentGroups` (API reference).
pub(super) const BATCH: usize = 100;

/// The application of this name, or the refusal that says it is not there.
pub(super) fn find<'a>(world: &'a World, name: &str) -> Result<&'a Application, AwsError> {
    world
        .codedeploy
        .applications
        .get(name)
        .ok_or_else(|| missing(name))
}

/// As [`find`], to change it.
pub(super) fn find_mut<'a>(
    world: &'a mut World,
    name: &str,
) -> Result<&'a mut Application, AwsError> {
    world
        .codedeploy
        .applications
        .get_mut(name)
        .ok_or_else(|| missing(name))
}

fn missing(name: &str) -> AwsError {
    let text = format!("No application found for name: {name}");
    AwsError::new("ApplicationDoesNotExistException", text)
}

/// `CreateApplication`.
pub(super) fn create(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let name = application_name(input, "applicationName")?;
    let platform = text(input, "computePlatform").unwrap_or("Server");
    if !["ECS", "Server", "Lambda"].contains(&platform) {
        let text = format!("computePlatform {platform:?} is not one of Lambda, Server, ECS.");
        return Err(AwsError::new("InvalidComputePlatformException", text));
    }
    let tags = tags::read(items(input, "tags"))?;
    if world.codedeploy.applications.contains_key(name) {
        let text = format!("Application already exists: {name}");
        return Err(AwsError::new("ApplicationAlreadyExistsException", text));
    }
    let id = uuid(world);
    let application = Application {
        id: id.clone(),
        created: world.now,
        platform: platform.to_owned(),
        groups: BTreeMap::new(),
        revisions: BTreeMap::new(),
    };
    world
        .codedeploy
        .applications
        .insert(name.to_owned(), application);
    let arn = tags::application_arn(world, name);
    tags::put(world, &arn, tags);
    Ok(json!({"applicationId": id}))
}

fn read_back(name: &str, application: &Application) -> Value {
    json!({
        "applicationId": application.id,
        "applicationName": name,
        "createTime": timestamp(application.created),
        "linkedToGitHub": false,
        "computePlatform": application.platform,
    })
}

/// `GetApplication`.
pub(super) fn get(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let name = application_name(input, "applicationName")?;
    Ok(json!({"application": read_back(name, find(world, name)?)}))
}

/// `ListApplications`.
pub(super) fn list(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    page(
        input,
        "applications",
        world
            .codedeploy
            .applications
            .keys()
            .map(|n| json!(n))
            .collect(),
    )
}

/// `BatchGetApplications`.
pub(super) fn batch_get(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let names = texts(input, "applicationNames");
    if names.is_empty() {
        let text = "The application names are required: applicationNames is missing or empty.";
        return Err(AwsError::new("ApplicationNameRequiredException", text));
    }
    check_batch(names.len(), BATCH)?;
    let found: Result<Vec<Value>, AwsError> = names
        .iter()
        .map(|name| Ok(read_back(name, find(world, name)?)))
        .collect();
    Ok(json!({"applicationsInfo": found?}))
}

/// Refuses more than `limit` names or ids in one request.
pub(super) fn check_batch(given: usize, limit: usize) -> Result<(), AwsError> {
    if given <= limit {
        return Ok(());
    }
    let text = format!("{given} names or IDs were given; the maximum for this request is {limit}.");
    Err(AwsError::new("BatchLimitExceededException", text))
}

/// `UpdateApplication`: renames.
pub(super) fn update(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let name = application_name(input, "applicationName")?;
    find(world, name)?;
    if text(input, "newApplicationName").is_none() {
        return Ok(json!({}));
    }
    let new = application_name(input, "newApplicationName")?;
    if world.codedeploy.applications.contains_key(new) {
        let text = format!("Application already exists: {new}");
        return Err(AwsError::new("ApplicationAlreadyExistsException", text));
    }
    if let Some(application) = world.codedeploy.applications.remove(name) {
        for group in application.groups.keys() {
            let (from, to) = (
                tags::group_arn(world, name, group),
                tags::group_arn(world, new, group),
            );
            tags::rename(world, &from, to);
        }
        world
            .codedeploy
            .applications
            .insert(new.to_owned(), application);
    }
    let (from, to) = (
        tags::application_arn(world, name),
        tags::application_arn(world, new),
    );
    tags::rename(world, &from, to);
    for deployment in world.codedeploy.deployments.values_mut() {
        if deployment.application == name {
            new.clone_into(&mut deployment.application);
        }
    }
    Ok(json!({}))
}

/// `DeleteApplication`, with its groups. One that does not exist is deleted already.
pub(super) fn delete(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let name = application_name(input, "applicationName")?;
    if let Some(application) = world.codedeploy.applications.remove(name) {
        for group in application.groups.keys() {
            let arn = tags::group_arn(world, name, group);
            world.codedeploy.tags.remove(&arn);
        }
        let arn = tags::application_arn(world, name);
        world.codedeploy.tags.remove(&arn);
    }
    Ok(json!({}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let mut world = World::new("eu-west-1", 5_500);
        let made = create(
            &mut world,
            &json!({"applicationName": "AppECS-c-s", "computePlatform": "ECS"}),
        )
        .unwrap();
        let read = get(&mut world, &json!({"applicationName": "AppECS-c-s"})).unwrap();
        assert_eq!(read["application"]["applicationId"], made["applicationId"]);
        assert_eq!(read["application"]["createTime"], 5.5);
        let rename = json!({"applicationName": "AppECS-c-s", "newApplicationName": "other"});
        update(&mut world, &rename).unwrap();
        assert_eq!(
            list(&mut world, &json!({})).unwrap()["applications"],
            json!(["other"])
        );
        delete(&mut world, &json!({"applicationName": "other"})).unwrap();
        delete(&mut world, &json!({"applicationName": "other"})).unwrap();
        let gone = get(&mut world, &json!({"applicationName": "other"})).unwrap_err();
        assert_eq!(gone.code, "ApplicationDoesNotExistException");
    }

    #[test]
    fn refusals() {
        let mut world = World::new("eu-west-1", 0);
        create(&mut world, &json!({"applicationName": "a"})).unwrap();
        let long = "x".repeat(101);
        for (input, code) in [
            (json!({}), "ApplicationNameRequiredException"),
            (
                json!({"applicationName": "a/b"}),
                "InvalidApplicationNameException",
            ),
            (
                json!({"applicationName": long}),
                "InvalidApplicationNameException",
            ),
            (
                json!({"applicationName": "a"}),
                "ApplicationAlreadyExistsException",
            ),
            (
                json!({"applicationName": "b", "computePlatform": "EKS"}),
                "InvalidComputePlatformException",
            ),
        ] {
            assert_eq!(
                create(&mut world, &input).unwrap_err().code,
                code,
                "{input}"
            );
        }
        let names: Vec<String> = (0..101).map(|n| format!("n{n}")).collect();
        let many = batch_get(&mut world, &json!({"applicationNames": names})).unwrap_err();
        assert_eq!(many.code, "BatchLimitExceededException");
    }
}

//! The operations on deployment groups. Not their rules (see `validate`).

use serde_json::{Map, Value, json};

use super::super::super::{AwsError, World};
use super::super::applications::{self, BATCH, check_batch};
use super::super::input::{application_name, flag, group_name, items, text, texts, uuid};
use super::super::paging::page;
use super::super::tags;
use super::settings::Settings;
use super::{Group, find, read_back, validate};

/// Members of a request that are stored and read back as they were given.
const MEMBERS: [&str; 11] = [
    "deploymentConfigName",
    "serviceRoleArn",
    "triggerConfigurations",
    "alarmConfiguration",
    "autoRollbackConfiguration",
    "deploymentStyle",
    "outdatedInstancesStrategy",
    "blueGreenDeploymentConfiguration",
    "loadBalancerInfo",
    "ecsServices",
    "terminationHookEnabled",
];

/// Members that belong to EC2 and on-premises deployments.
const SERVER_MEMBERS: [&str; 5] = [
    "ec2TagFilters",
    "onPremisesInstanceTagFilters",
    "autoScalingGroups",
    "ec2TagSet",
    "onPremisesTagSet",
];

/// The group that `base` becomes when a request's members are laid over it, with AWS's defaults.
fn merged(mut base: Map<String, Value>, input: &Value) -> Map<String, Value> {
    for member in MEMBERS {
        if let Some(value) = input.get(member).filter(|value| !value.is_null()) {
            base.insert(member.to_owned(), value.clone());
        }
    }
    for (member, default) in [
        (
            "deploymentConfigName",
            json!("CodeDeployDefault.OneAtATime"),
        ),
        ("triggerConfigurations", json!([])),
        ("outdatedInstancesStrategy", json!("UPDATE")),
        ("terminationHookEnabled", json!(false)),
    ] {
        base.entry(member).or_insert(default);
    }
    if let Some(style) = base.get_mut("blueGreenDeploymentConfiguration") {
        for (member, wait) in [
            (
                "terminateBlueInstancesOnDeploymentSuccess",
                "terminationWaitTimeInMinutes",
            ),
            ("deploymentReadyOption", "waitTimeInMinutes"),
        ] {
            if let Some(part) = style.get_mut(member).and_then(Value::as_object_mut) {
                part.entry(wait).or_insert(json!(0));
            }
        }
    }
    if let Some(alarms) = base
        .get_mut("alarmConfiguration")
        .and_then(Value::as_object_mut)
    {
        alarms
            .entry("ignorePollAlarmFailure")
            .or_insert(json!(false));
    }
    base
}

/// Refuses what only EC2 and on-premises groups have.
fn check_platform(platform: &str, input: &Value) -> Result<(), AwsError> {
    if platform != "ECS" {
        let balancer = input.get("loadBalancerInfo").unwrap_or(&Value::Null);
        let style = input.get("deploymentStyle").unwrap_or(&Value::Null);
        if text(style, "deploymentOption") == Some("WITH_TRAFFIC_CONTROL")
            && items(balancer, "elbInfoList").is_empty()
            && items(balancer, "targetGroupInfoList").is_empty()
        {
            // What one meets who forgot computePlatform: awsdocs/amazon-ecs-developer-guide#213
            return Err(AwsError::new(
                "InvalidLoadBalancerInfoException",
                "The specification for load balancing in the deployment group is invalid. The \
                 deploymentOption value is set to WITH_TRAFFIC_CONTROL, but either no load \
                 balancer was specified in elbInfoList or no target group was specified in \
                 targetGroupInfoList.",
            ));
        }
        let text = format!(
            "The application's compute platform is {platform}: the simulated AWS has deployment \
             groups of compute platform ECS only."
        );
        return Err(AwsError::new("InvalidInputException", text));
    }
    for member in SERVER_MEMBERS {
        if input
            .get(member)
            .is_some_and(|v| v.as_array().is_none_or(|list| !list.is_empty()))
        {
            let text = format!("For ECS deployment group, {member} must not be specified");
            return Err(AwsError::new("InvalidInputException", text));
        }
    }
    if flag(input, "terminationHookEnabled") {
        let text = "For ECS deployment group, terminationHookEnabled must not be true";
        return Err(AwsError::new("InvalidInputException", text));
    }
    Ok(())
}

/// Checks a deployment configuration that a request names. The default one is not checked: it is
/// of platform Server, and only a deployment trips over it.
fn check_named_config(world: &World, group: &Group, input: &Value) -> Result<(), AwsError> {
    let Some(name) = text(input, "deploymentConfigName") else {
        return Ok(());
    };
    let listener = Settings::of(group).production_listener;
    validate::config(world, name, &listener).map(|_| ())
}

/// `CreateDeploymentGroup`.
pub(in super::super) fn create(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let application = application_name(input, "applicationName")?;
    let name = group_name(input, "deploymentGroupName")?;
    let found = applications::find(world, application)?;
    if found.groups.contains_key(name) {
        let text = format!("Deployment group already exists: {name}");
        return Err(AwsError::new("DeploymentGroupAlreadyExistsException", text));
    }
    check_platform(&found.platform, input)?;
    let tags = tags::read(items(input, "tags"))?;
    let mut group = Group {
        id: String::new(),
        given: merged(Map::new(), input),
        last_attempted: None,
        last_successful: None,
    };
    validate::check(world, &group, (application, name))?;
    check_named_config(world, &group, input)?;
    group.id = uuid(world);
    let id = group.id.clone();
    applications::find_mut(world, application)?
        .groups
        .insert(name.to_owned(), group);
    let arn = tags::group_arn(world, application, name);
    tags::put(world, &arn, tags);
    Ok(json!({"deploymentGroupId": id}))
}

/// `UpdateDeploymentGroup`: what is given replaces what is there; a running deployment keeps what
/// it started with.
pub(in super::super) fn update(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let application = application_name(input, "applicationName")?;
    let name = group_name(input, "currentDeploymentGroupName")?;
    let mut group = find(world, application, name)?.clone();
    let new = match text(input, "newDeploymentGroupName") {
        Some(_) => group_name(input, "newDeploymentGroupName")?,
        None => name,
    };
    if new != name && find(world, application, new).is_ok() {
        let text = format!("Deployment group already exists: {new}");
        return Err(AwsError::new("DeploymentGroupAlreadyExistsException", text));
    }
    check_platform("ECS", input)?;
    group.given = merged(group.given, input);
    validate::check(world, &group, (application, name))?;
    check_named_config(world, &group, input)?;
    let groups = &mut applications::find_mut(world, application)?.groups;
    groups.remove(name);
    groups.insert(new.to_owned(), group);
    if new != name {
        for deployment in world.codedeploy.deployments.values_mut() {
            if deployment.application == application && deployment.group == name {
                new.clone_into(&mut deployment.group);
            }
        }
        let from = tags::group_arn(world, application, name);
        let to = tags::group_arn(world, application, new);
        tags::rename(world, &from, to);
    }
    Ok(json!({"hooksNotCleanedUp": []}))
}

/// `GetDeploymentGroup`.
pub(in super::super) fn get(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let application = application_name(input, "applicationName")?;
    let name = group_name(input, "deploymentGroupName")?;
    let group = find(world, application, name)?;
    Ok(json!({"deploymentGroupInfo": read_back(world, application, name, group)}))
}

/// `BatchGetDeploymentGroups`: unknown names are told in `errorMessage`.
pub(in super::super) fn batch_get(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let application = application_name(input, "applicationName")?;
    let groups = &applications::find(world, application)?.groups;
    let names = texts(input, "deploymentGroupNames");
    if names.is_empty() {
        let text = "The deployment group names are required: deploymentGroupNames is empty.";
        return Err(AwsError::new("DeploymentGroupNameRequiredException", text));
    }
    check_batch(names.len(), BATCH)?;
    let found = names
        .iter()
        .filter_map(|name| Some((name, groups.get(*name)?)));
    let info: Vec<Value> = found
        .map(|(name, group)| read_back(world, application, name, group))
        .collect();
    let unknown: Vec<&str> = names
        .iter()
        .filter(|name| !groups.contains_key(**name))
        .copied()
        .collect();
    let mut answer = json!({"deploymentGroupsInfo": info});
    if !unknown.is_empty() {
        let text = format!("No Deployment Group found for name: {}", unknown.join(", "));
        answer["errorMessage"] = json!(text);
    }
    Ok(answer)
}

/// `ListDeploymentGroups`.
pub(in super::super) fn list(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let application = application_name(input, "applicationName")?;
    let groups = &applications::find(world, application)?.groups;
    let names = groups.keys().map(|name| json!(name)).collect();
    let mut answer = page(input, "deploymentGroups", names)?;
    answer["applicationName"] = json!(application);
    Ok(answer)
}

/// `DeleteDeploymentGroup`. One that does not exist is deleted already.
pub(in super::super) fn delete(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let application = application_name(input, "applicationName")?;
    let name = group_name(input, "deploymentGroupName")?;
    if let Some(found) = world.codedeploy.applications.get_mut(application) {
        found.groups.remove(name);
    }
    let arn = tags::group_arn(world, application, name);
    world.codedeploy.tags.remove(&arn);
    Ok(json!({"hooksNotCleanedUp": []}))
}

//! The rules for a deployment group of compute platform ECS, apart from its load balancer (see
//! `balancer`): the service, the style, the waits, rollback, triggers and alarms.
//!
//! Source of the codes: `CodeDeploy` API reference, `CreateDeploymentGroup`. Texts are worded here
//! unless a comment gives their source.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::super::super::{AwsError, World, ecs};
use super::super::configs::{self, Meaning};
use super::super::input::{flag, items, number, text, texts};
use super::super::routing::Routing;
use super::settings::{last, service_of};
use super::{Group, balancer};

/// Alarms to a group (`AlarmsLimitExceededException`).
const ALARMS: usize = 10;
/// Triggers to a group (`CodeDeploy` user guide, limits).
const TRIGGERS: usize = 10;
/// The longest wait before the original task set is terminated, in minutes (user guide, limits).
const LONGEST_WAIT: i64 = 2880;

/// Checks a group as it would be stored. `own` is its application and name, if it exists.
pub(super) fn check(world: &World, group: &Group, own: (&str, &str)) -> Result<(), AwsError> {
    let given = &group.given;
    role(world, given)?;
    style(given)?;
    waits(given)?;
    triggers(given)?;
    alarms(given.get("alarmConfiguration"))?;
    auto_rollback(given.get("autoRollbackConfiguration"))?;
    balancer::check(world, given.get("loadBalancerInfo"))?;
    service(world, group, own)
}

fn role(world: &World, given: &Map<String, Value>) -> Result<(), AwsError> {
    let role = given
        .get("serviceRoleArn")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if role.is_empty() {
        let text = "The service role is required: serviceRoleArn is missing or empty.";
        return Err(AwsError::new("RoleRequiredException", text));
    }
    if !role.starts_with("arn:aws:iam::") || !role.contains(":role/") {
        let text = format!("serviceRoleArn {role:?} is not the ARN of an IAM role.");
        return Err(AwsError::new("InvalidRoleException", text));
    }
    if world.surroundings.has_role(role) {
        return Ok(());
    }
    // From memory of AWS's wording.
    Err(AwsError::new(
        "InvalidRoleException",
        "Cannot assume role provided.",
    ))
}

fn style(given: &Map<String, Value>) -> Result<(), AwsError> {
    let style = given.get("deploymentStyle");
    let part = |member: &str| {
        style
            .and_then(|style| text(style, member))
            .unwrap_or("absent")
    };
    let found = (part("deploymentType"), part("deploymentOption"));
    if found == ("BLUE_GREEN", "WITH_TRAFFIC_CONTROL") {
        return Ok(());
    }
    let text = format!(
        "For ECS deployment group, deploymentStyle must be BLUE_GREEN with WITH_TRAFFIC_CONTROL; \
         deploymentType is {} and deploymentOption is {}.",
        found.0, found.1
    );
    Err(AwsError::new("InvalidDeploymentStyleException", text))
}

fn waits(given: &Map<String, Value>) -> Result<(), AwsError> {
    let refuse = |text: String| {
        Err(AwsError::new(
            "InvalidBlueGreenDeploymentConfigurationException",
            text,
        ))
    };
    let Some(style) = given.get("blueGreenDeploymentConfiguration") else {
        return refuse(
            "For ECS deployment group, blueGreenDeploymentConfiguration must be specified"
                .to_owned(),
        );
    };
    if style.get("greenFleetProvisioningOption").is_some() {
        return refuse(
            "For ECS deployment group, greenFleetProvisioningOption must not be specified"
                .to_owned(),
        );
    }
    for (member, key, allowed, wait) in [
        (
            "terminateBlueInstancesOnDeploymentSuccess",
            "action",
            ["TERMINATE", "KEEP_ALIVE"],
            "terminationWaitTimeInMinutes",
        ),
        (
            "deploymentReadyOption",
            "actionOnTimeout",
            ["CONTINUE_DEPLOYMENT", "STOP_DEPLOYMENT"],
            "waitTimeInMinutes",
        ),
    ] {
        let part = style.get(member);
        let value = part.and_then(|part| text(part, key)).unwrap_or("absent");
        if !allowed.contains(&value) {
            return refuse(format!(
                "{member}.{key} is {value}: use {} or {}.",
                allowed[0], allowed[1]
            ));
        }
        let minutes = part.and_then(|part| number(part, wait)).unwrap_or_default();
        if !(0..=LONGEST_WAIT).contains(&minutes) {
            return refuse(format!(
                "{member}.{wait} is {minutes}: use 0 to {LONGEST_WAIT} minutes."
            ));
        }
    }
    Ok(())
}

fn triggers(given: &Map<String, Value>) -> Result<(), AwsError> {
    const EVENTS: [&str; 10] = [
        "DeploymentStart",
        "DeploymentSuccess",
        "DeploymentFailure",
        "DeploymentStop",
        "DeploymentRollback",
        "DeploymentReady",
        "InstanceStart",
        "InstanceSuccess",
        "InstanceFailure",
        "InstanceReady",
    ];
    let triggers = given.get("triggerConfigurations").and_then(Value::as_array);
    let triggers = triggers.map_or(&[][..], Vec::as_slice);
    if triggers.len() > TRIGGERS {
        let text = format!(
            "{} triggers: at most {TRIGGERS} are allowed.",
            triggers.len()
        );
        return Err(AwsError::new("TriggerTargetsLimitExceededException", text));
    }
    let mut names = BTreeSet::new();
    for trigger in triggers {
        let name = text(trigger, "triggerName").unwrap_or_default();
        let topic = text(trigger, "triggerTargetArn").unwrap_or_default();
        let events = texts(trigger, "triggerEvents");
        if name.is_empty()
            || !names.insert(name)
            || !topic.starts_with("arn:aws:sns:")
            || events.is_empty()
            || !events.iter().all(|event| EVENTS.contains(event))
        {
            let text = format!(
                "The trigger {name:?} needs a name of its own, the ARN of an SNS topic and known \
                 events: {trigger}"
            );
            return Err(AwsError::new("InvalidTriggerConfigException", text));
        }
    }
    Ok(())
}

/// Checks an alarm configuration, of a group or of one deployment.
pub(in super::super) fn alarms(configuration: Option<&Value>) -> Result<(), AwsError> {
    let Some(configuration) = configuration else {
        return Ok(());
    };
    let alarms = items(configuration, "alarms");
    if alarms.len() > ALARMS {
        let text =
            format!("The maximum number of alarms for a deployment group ({ALARMS}) was exceeded.");
        return Err(AwsError::new("AlarmsLimitExceededException", text));
    }
    let refuse = |text: String| Err(AwsError::new("InvalidAlarmConfigException", text));
    if flag(configuration, "enabled") && alarms.is_empty() {
        return refuse(
            "The alarm configuration is enabled, but the alarm list is empty.".to_owned(),
        );
    }
    let mut names = BTreeSet::new();
    for alarm in alarms {
        let name = text(alarm, "name").unwrap_or_default();
        if name.is_empty() || name.chars().count() > 255 {
            return refuse(format!(
                "The alarm name {name:?} must have 1 to 255 characters."
            ));
        }
        if !names.insert(name) {
            return refuse(format!(
                "Two alarms with the same name {name:?} are specified."
            ));
        }
    }
    Ok(())
}

/// Checks an automatic rollback configuration, of a group or of one deployment.
pub(in super::super) fn auto_rollback(configuration: Option<&Value>) -> Result<(), AwsError> {
    const EVENTS: [&str; 3] = [
        "DEPLOYMENT_FAILURE",
        "DEPLOYMENT_STOP_ON_ALARM",
        "DEPLOYMENT_STOP_ON_REQUEST",
    ];
    let Some(configuration) = configuration else {
        return Ok(());
    };
    let events = texts(configuration, "events");
    let known = events.iter().all(|event| EVENTS.contains(event));
    if known && !(flag(configuration, "enabled") && events.is_empty()) {
        return Ok(());
    }
    let text = format!(
        "Automatic rollback needs events of {}; given: [{}].",
        EVENTS.join(", "),
        events.join(", ")
    );
    Err(AwsError::new("InvalidAutoRollbackConfigException", text))
}

fn service(world: &World, group: &Group, own: (&str, &str)) -> Result<(), AwsError> {
    let refuse = |text: String| Err(AwsError::new("InvalidECSServiceException", text));
    let services = group.member("ecsServices").and_then(Value::as_array);
    if services.map(Vec::len) != Some(1) {
        return refuse(
            "For ECS deployment group, exactly one ECS service must be specified".to_owned(),
        );
    }
    let (cluster, name) = service_of(group);
    match ecs::task_sets::service_controller(world, &cluster, &name).as_deref() {
        None => {
            return refuse(format!(
                "The ECS service {name} does not exist in cluster {cluster}, or is not ACTIVE."
            ));
        }
        Some("CODE_DEPLOY") => {}
        // From memory of AWS's wording.
        Some(_) => {
            return refuse(
                "Deployment group's ECS service must be configured for a CODE_DEPLOY deployment \
                 controller."
                    .to_owned(),
            );
        }
    }
    for (application_name, application) in &world.codedeploy.applications {
        for (group_name, other) in &application.groups {
            if (application_name.as_str(), group_name.as_str()) != own
                && service_of(other) == (cluster.clone(), name.clone())
            {
                let text = format!(
                    "The ECS service {cluster}:{name} is already associated with the deployment \
                     group {group_name} of application {application_name}. An ECS service can be \
                     associated with only one deployment group."
                );
                return Err(AwsError::new(
                    "ECSServiceMappingLimitExceededException",
                    text,
                ));
            }
        }
    }
    Ok(())
}

/// The routing that a configuration's name stands for, if a service behind `listener` can use it:
/// it must be of platform ECS, and behind a Network Load Balancer move everything at once.
pub(in super::super) fn config(
    world: &World,
    name: &str,
    listener: &str,
) -> Result<Routing, AwsError> {
    let routing = match configs::meaning(world, name)? {
        Meaning::Ecs(routing) => routing,
        Meaning::Other(platform) => {
            let text = format!(
                "The deployment configuration {name} is of compute platform {platform}; an ECS \
                 deployment needs one of ECS, such as CodeDeployDefault.ECSAllAtOnce."
            );
            return Err(AwsError::new("InvalidDeploymentConfigNameException", text));
        }
    };
    let kind = world.elb.listener_load_balancer_type(listener);
    if kind.as_deref() == Some("network") && routing != Routing::AllAtOnce {
        let text = format!(
            "The deployment configuration {name} moves traffic in steps; the listener {} is of a \
             Network Load Balancer, for which only CodeDeployDefault.ECSAllAtOnce is supported.",
            last(listener)
        );
        return Err(AwsError::new(
            "InvalidTrafficRoutingConfigurationException",
            text,
        ));
    }
    Ok(routing)
}

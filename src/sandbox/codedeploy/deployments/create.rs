//! `CreateDeployment`, and the making of a deployment that it shares with automatic rollback.

use serde_json::{Map, Value, json};

use super::super::super::{AwsError, World};
use super::super::appspec::AppSpec;
use super::super::events;
use super::super::groups::{
    self, Group, Settings, alarm_names, check_alarms, check_config, check_rollback, rollback_events,
};
use super::super::input::{application_name, flag, group_name, set, text};
use super::super::revisions::{self, Location};
use super::super::routing::Routing;
use super::{Deployment, Rollback, Stage, Status};

/// Characters of a deployment's description (`CodeDeploy` user guide, limits).
const DESCRIPTION: usize = 256;

/// What a new deployment is made of.
pub(in super::super) struct Opening {
    pub(in super::super) application: String,
    pub(in super::super) group: String,
    pub(in super::super) config: String,
    pub(in super::super) routing: Routing,
    pub(in super::super) description: Option<String>,
    pub(in super::super) creator: &'static str,
    pub(in super::super) revision: Location,
    pub(in super::super) spec: AppSpec,
    pub(in super::super) previous: Option<Location>,
    pub(in super::super) settings: Settings,
    pub(in super::super) echo: Map<String, Value>,
}

/// `d-` and nine characters: the region's counter, spread by a factor that has no divisor in
/// common with 36^9, so that ids differ and do not look alike.
fn next_id(world: &mut World) -> String {
    const DIGITS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const SPACE: u128 = 36_u128.pow(9);
    let mut rest = u128::from(world.next_id()) * 73_939_133_000_011 % SPACE;
    let mut id = String::from("d-");
    for _ in 0..9 {
        let digit = usize::try_from(rest % 36).unwrap_or_default();
        id.push(char::from(DIGITS[digit]));
        rest /= 36;
    }
    id
}

/// Makes a deployment, which the next tick takes up.
pub(in super::super) fn open(world: &mut World, opening: Opening) -> String {
    let id = next_id(world);
    let hooks: &[_] = if opening.creator == "user" {
        &opening.spec.hooks
    } else {
        &[]
    };
    let events = events::plan(opening.settings.test_listener.is_some(), hooks);
    let group = Some(opening.group.as_str());
    revisions::record(world, &opening.application, &opening.revision, group);
    let deployment = Deployment {
        id: id.clone(),
        application: opening.application,
        group: opening.group,
        config: opening.config,
        routing: opening.routing,
        status: Status::Created,
        stage: Stage::Waiting,
        created: world.now,
        started: None,
        completed: None,
        description: opening.description,
        creator: opening.creator,
        error: None,
        revision: opening.revision,
        spec: opening.spec,
        previous: opening.previous,
        rollback: Rollback::default(),
        settings: opening.settings,
        echo: opening.echo,
        stop: None,
        events,
        pair: None,
        blue: None,
        green: None,
        traffic_moved: false,
        share: 0,
        test_moved: false,
        termination_wait_started: false,
    };
    let state = &mut world.codedeploy;
    if let Some(application) = state.applications.get_mut(&deployment.application)
        && let Some(group) = application.groups.get_mut(&deployment.group)
    {
        group.last_attempted = Some(id.clone());
    }
    state.order.push(id.clone());
    state.active.insert(id.clone());
    state.deployments.insert(id.clone(), deployment);
    id
}

/// The group's deployment that has not ended.
fn active<'a>(world: &'a World, application: &str, group: &str) -> Option<&'a str> {
    let found = world.codedeploy.active.iter().find(|id| {
        let deployment = world.codedeploy.deployments.get(*id);
        deployment.is_some_and(|d| d.application == application && d.group == group)
    });
    found.map(String::as_str)
}

/// The members of a deployment that are read back as the group or the request has them.
fn echo(group: &Group, input: &Value) -> Map<String, Value> {
    let mut echo = Map::new();
    for member in [
        "deploymentStyle",
        "blueGreenDeploymentConfiguration",
        "loadBalancerInfo",
    ] {
        set(&mut echo, member, group.member(member).cloned());
    }
    let rollback = input.get("autoRollbackConfiguration");
    let rollback = rollback.or_else(|| group.member("autoRollbackConfiguration"));
    set(&mut echo, "autoRollbackConfiguration", rollback.cloned());
    let alarms = input.get("overrideAlarmConfiguration").cloned();
    set(&mut echo, "overrideAlarmConfiguration", alarms);
    echo
}

/// `CreateDeployment`.
pub(in super::super) fn create(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let application = application_name(input, "applicationName")?;
    let name = group_name(input, "deploymentGroupName")?;
    let group = groups::find(world, application, name)?;
    let (revision, spec) = revisions::read(input)?;
    let description = text(input, "description");
    if description.is_some_and(|text| text.chars().count() > DESCRIPTION) {
        let text = format!("The description is longer than {DESCRIPTION} characters.");
        return Err(AwsError::new("DescriptionTooLongException", text));
    }
    check_rollback(input.get("autoRollbackConfiguration"))?;
    check_alarms(input.get("overrideAlarmConfiguration"))?;
    for (member, code) in [
        (
            "ignoreApplicationStopFailures",
            "InvalidIgnoreApplicationStopFailuresValueException",
        ),
        (
            "updateOutdatedInstancesOnly",
            "InvalidUpdateOutdatedInstancesOnlyValueException",
        ),
    ] {
        if flag(input, member) {
            let text = format!("For ECS deployments, {member} must be false.");
            return Err(AwsError::new(code, text));
        }
    }
    if input.get("targetInstances").is_some() {
        let text = "For ECS deployments, targetInstances must not be specified.";
        return Err(AwsError::new("InvalidTargetInstancesException", text));
    }
    let mut settings = Settings::of(group);
    if let Some(configuration) = input.get("autoRollbackConfiguration") {
        settings.rollback_events = rollback_events(Some(configuration));
    }
    if let Some(configuration) = input.get("overrideAlarmConfiguration") {
        settings.alarms = alarm_names(Some(configuration));
    }
    let config = text(input, "deploymentConfigName").unwrap_or(group.config_name());
    let routing = check_config(world, config, &settings.production_listener)?;
    if let Some(active) = active(world, application, name) {
        let text =
            format!("The Deployment Group '{name}' already has an active Deployment '{active}'");
        return Err(AwsError::new("DeploymentLimitExceededException", text));
    }
    let last = group.last_successful.as_ref();
    let last = last.and_then(|id| world.codedeploy.deployments.get(id));
    let opening = Opening {
        application: application.to_owned(),
        group: name.to_owned(),
        config: config.to_owned(),
        routing,
        description: description.map(str::to_owned),
        creator: "user",
        revision,
        spec,
        previous: last.map(|deployment| deployment.revision.clone()),
        settings,
        echo: echo(group, input),
    };
    Ok(json!({"deploymentId": open(world, opening)}))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::super::input::check_deployment_id;
    use super::*;

    #[test]
    fn ids_are_well_formed_and_unique() {
        let mut world = World::new("eu-west-1", 0);
        let ids: BTreeSet<String> = (0..2000).map(|_| next_id(&mut world)).collect();
        assert_eq!(ids.len(), 2000);
        assert!(ids.iter().all(|id| check_deployment_id(id).is_ok()));
    }
}

//! Deployment configurations: the predefined ones, and custom ones of compute platform ECS. Not
//! how a configuration is carried out (see `routing`). Immutable: made and deleted, never changed.

use serde_json::{Value, json};

use super::super::{AwsError, Time, World};
use super::input::{malformed, text, timestamp, uuid, well_formed};
use super::paging::page;
use super::routing::Routing;

/// A custom configuration.
#[derive(Clone, Debug)]
pub(super) struct Custom {
    id: String,
    created: Time,
    routing: Routing,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A configuration of compute platform ECS.
    Ecs(Routing),
    /// A configuration of this other compute platform.
    Other(&'static str),
}

/// Custom configurations to an account (`CodeDeploy` user guide, limits).
const CUSTOM_LIMIT: usize = 50;

/// The predefined configurations that an ECS service can use: all of them (`CodeDeploy` user guide,
/// "Working with deployment configurations").
const ECS: [(&str, Routing); 5] = [
    ("CodeDeployDefault.ECSAllAtOnce", Routing::AllAtOnce),
    (
        "CodeDeployDefault.ECSLinear10PercentEvery1Minutes",
        Routing::Linear {
            percent: 10,
            minutes: 1,
        },
    ),
    (
        "CodeDeployDefault.ECSLinear10PercentEvery3Minutes",
        Routing::Linear {
            percent: 10,
            minutes: 3,
        },
    ),
    (
        "CodeDeployDefault.ECSCanary10Percent5Minutes",
        Routing::Canary {
            percent: 10,
            minutes: 5,
        },
    ),
    (
        "CodeDeployDefault.ECSCanary10Percent15Minutes",
        Routing::Canary {
            percent: 10,
            minutes: 15,
        },
    ),
];

/// Predefined configurations of the other platforms, known by name only.
const OTHERS: [(&str, &str); 4] = [
    ("CodeDeployDefault.OneAtATime", "Server"),
    ("CodeDeployDefault.HalfAtATime", "Server"),
    ("CodeDeployDefault.AllAtOnce", "Server"),
    ("CodeDeployDefault.LambdaAllAtOnce", "Lambda"),
];

/// What a configuration's name stands for, if it exists.
pub(super) fn meaning(world: &World, name: &str) -> Result<Meaning, AwsError> {
    if let Some((_, routing)) = ECS.iter().find(|(known, _)| *known == name) {
        return Ok(Meaning::Ecs(*routing));
    }
    if let Some((_, platform)) = OTHERS.iter().find(|(known, _)| *known == name) {
        return Ok(Meaning::Other(platform));
    }
    world
        .codedeploy
        .configs
        .get(name)
        .map(|custom| Meaning::Ecs(custom.routing))
        .ok_or_else(|| {
            let text = format!("No deployment configuration found for name: {name}");
            AwsError::new("DeploymentConfigDoesNotExistException", text)
        })
}

fn name_of(input: &Value) -> Result<&str, AwsError> {
    let name = text(input, "deploymentConfigName").unwrap_or_default();
    if name.is_empty() {
        let text = "The deployment configuration name is required.";
        return Err(AwsError::new("DeploymentConfigNameRequiredException", text));
    }
    if well_formed(name) {
        return Ok(name);
    }
    let text = malformed("deployment configuration name", name);
    Err(AwsError::new("InvalidDeploymentConfigNameException", text))
}

/// `CreateDeploymentConfig`.
pub(super) fn create(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let name = name_of(input)?;
    if name.starts_with("CodeDeployDefault.") {
        let text = format!("The name {name} is reserved: it begins with CodeDeployDefault.");
        return Err(AwsError::new("InvalidDeploymentConfigNameException", text));
    }
    if world.codedeploy.configs.contains_key(name) {
        let text = format!("Deployment configuration already exists: {name}");
        return Err(AwsError::new(
            "DeploymentConfigAlreadyExistsException",
            text,
        ));
    }
    match text(input, "computePlatform") {
        Some("ECS") => {}
        given @ (None | Some("Server" | "Lambda")) => {
            let text = format!(
                "computePlatform {}: the simulated AWS makes deployment configurations for ECS only.",
                given.unwrap_or("Server (the default)")
            );
            return Err(AwsError::new("InvalidComputePlatformException", text));
        }
        Some(other) => {
            let text = format!("computePlatform {other:?} is not one of Lambda, Server, ECS.");
            return Err(AwsError::new("InvalidComputePlatformException", text));
        }
    }
    if world.codedeploy.configs.len() >= CUSTOM_LIMIT {
        let text =
            format!("An account has at most {CUSTOM_LIMIT} custom deployment configurations.");
        return Err(AwsError::new(
            "DeploymentConfigLimitExceededException",
            text,
        ));
    }
    let routing = input
        .get("trafficRoutingConfig")
        .ok_or_else(|| "trafficRoutingConfig is required for ECS".to_owned())
        .and_then(Routing::from_json)
        .map_err(|text| AwsError::new("InvalidTrafficRoutingConfigurationException", text))?;
    let id = uuid(world);
    let custom = Custom {
        id: id.clone(),
        created: world.now,
        routing,
    };
    world.codedeploy.configs.insert(name.to_owned(), custom);
    Ok(json!({"deploymentConfigId": id}))
}

/// `GetDeploymentConfig`.
pub(super) fn get(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let name = name_of(input)?;
    let mut info = match meaning(world, name)? {
        Meaning::Ecs(routing) => json!({
            "deploymentConfigName": name,
            "computePlatform": "ECS",
            "trafficRoutingConfig": routing.to_json(),
        }),
        Meaning::Other(platform) => {
            json!({"deploymentConfigName": name, "computePlatform": platform})
        }
    };
    if let Some(custom) = world.codedeploy.configs.get(name) {
        info["deploymentConfigId"] = json!(custom.id);
        info["createTime"] = timestamp(custom.created);
    }
    Ok(json!({"deploymentConfigInfo": info}))
}

/// `ListDeploymentConfigs`.
pub(super) fn list(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let predefined = ECS
        .iter()
        .map(|(name, _)| *name)
        .chain(OTHERS.iter().map(|(name, _)| *name));
    let custom = world.codedeploy.configs.keys().map(String::as_str);
    let names = predefined.chain(custom).map(|name| json!(name)).collect();
    page(input, "deploymentConfigsList", names)
}

/// `DeleteDeploymentConfig`.
pub(super) fn delete(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let name = name_of(input)?;
    if name.starts_with("CodeDeployDefault.") {
        let text = format!("{name} is predefined and cannot be deleted.");
        return Err(AwsError::new("InvalidOperationException", text));
    }
    let groups = world
        .codedeploy
        .applications
        .values()
        .flat_map(|app| app.groups.values());
    if groups.into_iter().any(|group| group.config_name() == name) {
        let text = format!("The deployment configuration {name} is in use by a deployment group.");
        return Err(AwsError::new("DeploymentConfigInUseException", text));
    }
    world.codedeploy.configs.remove(name);
    Ok(json!({}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_custom_configuration_is_made_read_and_deleted() {
        let mut world = World::new("eu-west-1", 1_000);
        let input = json!({"deploymentConfigName": "quick", "computePlatform": "ECS",
            "trafficRoutingConfig": {"type": "TimeBasedCanary",
                "timeBasedCanary": {"canaryPercentage": 20, "canaryInterval": 2}}});
        create(&mut world, &input).unwrap();
        let code = create(&mut world, &input).unwrap_err().code;
        assert_eq!(code, "DeploymentConfigAlreadyExistsException");
        let read = get(&mut world, &json!({"deploymentConfigName": "quick"})).unwrap();
        assert_eq!(
            read["deploymentConfigInfo"]["trafficRoutingConfig"],
            input["trafficRoutingConfig"]
        );
        delete(&mut world, &json!({"deploymentConfigName": "quick"})).unwrap();
        let code = get(&mut world, &json!({"deploymentConfigName": "quick"}))
            .unwrap_err()
            .code;
        assert_eq!(code, "DeploymentConfigDoesNotExistException");
    }

    #[test]
    fn refusals() {
        let mut world = World::new("eu-west-1", 1_000);
        let cases = [
            (json!({}), "DeploymentConfigNameRequiredException"),
            (
                json!({"deploymentConfigName": "a b"}),
                "InvalidDeploymentConfigNameException",
            ),
            (
                json!({"deploymentConfigName": "CodeDeployDefault.X", "computePlatform": "ECS"}),
                "InvalidDeploymentConfigNameException",
            ),
            (
                json!({"deploymentConfigName": "x"}),
                "InvalidComputePlatformException",
            ),
            (
                json!({"deploymentConfigName": "x", "computePlatform": "ECS",
                    "trafficRoutingConfig": {"type": "TimeBasedLinear",
                        "timeBasedLinear": {"linearPercentage": 0, "linearInterval": 1}}}),
                "InvalidTrafficRoutingConfigurationException",
            ),
        ];
        for (input, code) in cases {
            assert_eq!(
                create(&mut world, &input).unwrap_err().code,
                code,
                "{input}"
            );
        }
    }
}

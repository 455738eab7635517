//! The `AppSpec` of an ECS deployment: its text, JSON or YAML, read into what is to be deployed. Not
//! whether the task definition in it exists: ECS says that when it is installed.
//!
//! Keys match in any case, as AWS's own deployment action writes them; types and values do not.

use serde_json::{Map, Value, json};

use super::events::Lifecycle;

/// What one `AppSpec` asks for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct AppSpec {
    pub(super) task_definition: String,
    pub(super) container_name: String,
    pub(super) container_port: u16,
    pub(super) platform_version: Option<String>,
    /// As ECS takes it: `{"awsvpcConfiguration": {...}}`. None: as the service has it now.
    pub(super) network_configuration: Option<Value>,
    /// As ECS takes it. None: as the service has it now.
    pub(super) capacity_provider_strategy: Option<Value>,
    /// Lambda functions by lifecycle event, in the order given.
    pub(super) hooks: Vec<(Lifecycle, String)>,
}

/// Reads an `AppSpec`. The error names the member that is wrong and what it must be.
pub(super) fn parse(content: &str) -> Result<AppSpec, String> {
    let document: Value = match serde_json::from_str(content) {
        Ok(document) => document,
        Err(_) => serde_saphyr::from_str(content).map_err(|_| {
            "The input AppSpec file is a not well-formed yaml. The template cannot be parsed."
                .to_owned()
        })?,
    };
    let root = object(&document, "The AppSpec file")?;
    let version = member(root, "version").ok_or("version is missing: it must be 0.0")?;
    let zero = version.as_f64().is_some_and(|n| n.abs() < f64::EPSILON);
    if !zero && version.as_str() != Some("0.0") {
        return Err(format!("version is {version}: it must be 0.0"));
    }
    let resources = member(root, "Resources").and_then(Value::as_array);
    let Some([resource]) = resources.map(Vec::as_slice) else {
        return Err("Resources must be a list of exactly one TargetService".to_owned());
    };
    let service = member(object(resource, "Resources[0]")?, "TargetService")
        .ok_or("Resources[0].TargetService is missing")?;
    let service = object(service, "TargetService")?;
    let kind = string(service, "TargetService", "Type")?;
    if kind != "AWS::ECS::Service" {
        return Err(format!(
            "TargetService.Type is {kind:?}: it must be AWS::ECS::Service"
        ));
    }
    let properties = member(service, "Properties").ok_or("TargetService.Properties is missing")?;
    let properties = object(properties, "Properties")?;
    let balancer =
        member(properties, "LoadBalancerInfo").ok_or("Properties.LoadBalancerInfo is missing")?;
    let balancer = object(balancer, "LoadBalancerInfo")?;
    let port =
        member(balancer, "ContainerPort").ok_or("LoadBalancerInfo.ContainerPort is missing")?;
    let port = port
        .as_u64()
        .and_then(|n| u16::try_from(n).ok())
        .filter(|n| *n > 0);
    Ok(AppSpec {
        task_definition: string(properties, "Properties", "TaskDefinition")?,
        container_name: string(balancer, "LoadBalancerInfo", "ContainerName")?,
        container_port: port
            .ok_or("LoadBalancerInfo.ContainerPort must be a number from 1 to 65535")?,
        platform_version: member(properties, "PlatformVersion")
            .and_then(Value::as_str)
            .filter(|version| !version.is_empty())
            .map(str::to_owned),
        network_configuration: network(properties)?,
        capacity_provider_strategy: capacity(properties)?,
        hooks: hooks(root)?,
    })
}

/// The `AppSpec` text that brings back a running task set. Used when a service is rolled back that
/// was never deployed before.
pub(super) fn of_task_set(task_definition: &str, container: &str, port: u16) -> String {
    json!({"version": "0.0", "Resources": [{"TargetService": {
        "Type": "AWS::ECS::Service",
        "Properties": {
            "TaskDefinition": task_definition,
            "LoadBalancerInfo": {"ContainerName": container, "ContainerPort": port},
        },
    }}]})
    .to_string()
}

fn object<'a>(value: &'a Value, what: &str) -> Result<&'a Map<String, Value>, String> {
    value
        .as_object()
        .ok_or_else(|| format!("{what} must be a mapping"))
}

/// A member by its name in any case.
fn member<'a>(of: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let found = of.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    found
        .map(|(_, value)| value)
        .filter(|value| !value.is_null())
}

fn string(of: &Map<String, Value>, parent: &str, name: &str) -> Result<String, String> {
    let found = member(of, name)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty());
    found
        .map(str::to_owned)
        .ok_or_else(|| format!("{parent}.{name} is missing or not a string"))
}

/// All or nothing: subnets, security groups and the public address together (`CodeDeploy` user guide,
/// "`AppSpec` resources section").
fn network(properties: &Map<String, Value>) -> Result<Option<Value>, String> {
    let Some(given) = member(properties, "NetworkConfiguration") else {
        return Ok(None);
    };
    let parent = "NetworkConfiguration.AwsvpcConfiguration";
    let vpc = member(
        object(given, "NetworkConfiguration")?,
        "AwsvpcConfiguration",
    )
    .ok_or_else(|| format!("{parent} is missing"))?;
    let vpc = object(vpc, parent)?;
    let list = |name: &str| -> Result<Value, String> {
        let found = member(vpc, name).filter(|v| {
            v.as_array()
                .is_some_and(|a| !a.is_empty() && a.iter().all(Value::is_string))
        });
        found
            .cloned()
            .ok_or_else(|| format!("{parent}.{name} must be a list of ids"))
    };
    let public = string(vpc, parent, "AssignPublicIp")?;
    if !["ENABLED", "DISABLED"].contains(&public.as_str()) {
        return Err(format!(
            "{parent}.AssignPublicIp is {public:?}: use ENABLED or DISABLED"
        ));
    }
    Ok(Some(json!({"awsvpcConfiguration": {
        "subnets": list("Subnets")?,
        "securityGroups": list("SecurityGroups")?,
        "assignPublicIp": public,
    }})))
}

fn capacity(properties: &Map<String, Value>) -> Result<Option<Value>, String> {
    let Some(given) = member(properties, "CapacityProviderStrategy") else {
        return Ok(None);
    };
    let parent = "CapacityProviderStrategy";
    let items = given
        .as_array()
        .ok_or_else(|| format!("{parent} must be a list"))?;
    let mut strategy = Vec::new();
    for item in items {
        let item = object(item, parent)?;
        let amount = |name: &str| match member(item, name) {
            None => Ok(0),
            Some(value) => value
                .as_u64()
                .ok_or_else(|| format!("{parent}.{name} must be a number")),
        };
        strategy.push(json!({
            "capacityProvider": string(item, parent, "CapacityProvider")?,
            "weight": amount("Weight")?,
            "base": amount("Base")?,
        }));
    }
    Ok((!strategy.is_empty()).then_some(Value::Array(strategy)))
}

fn hooks(root: &Map<String, Value>) -> Result<Vec<(Lifecycle, String)>, String> {
    let Some(given) = member(root, "Hooks") else {
        return Ok(Vec::new());
    };
    let items = given.as_array().ok_or("Hooks must be a list")?;
    let mut hooks = Vec::new();
    for item in items {
        for (name, function) in object(item, "Hooks[]")? {
            let event = Lifecycle::ALL
                .into_iter()
                .find(|event| event.takes_hook() && event.name().eq_ignore_ascii_case(name))
                .ok_or_else(|| {
                    format!("Hooks: {name} is not a lifecycle event that takes a hook")
                })?;
            let function = function.as_str().filter(|text| !text.is_empty());
            let function = function.ok_or_else(|| format!("Hooks.{name} must name a function"))?;
            hooks.push((event, function_name(function).to_owned()));
        }
    }
    Ok(hooks)
}

/// A function's name from its name or ARN (`arn:aws:lambda:region:account:function:name[:version]`).
fn function_name(function: &str) -> &str {
    match function.strip_prefix("arn:") {
        Some(_) => function.split(':').nth(6).unwrap_or(function),
        None => function,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: &str = "version: 0.0
Resources:
  - TargetService:
      Type: AWS::ECS::Service
      Properties:
        TaskDefinition: arn:td:1
        LoadBalancerInfo:
          ContainerName: app
          ContainerPort: 8080
        NetworkConfiguration:
          AwsvpcConfiguration:
            Subnets: [subnet-1]
            SecurityGroups: [sg-1]
            AssignPublicIp: DISABLED
        CapacityProviderStrategy:
          - CapacityProvider: FARGATE
            Weight: 1
Hooks:
  - BeforeInstall: check
  - AfterAllowTraffic: arn:aws:lambda:eu-west-1:123456789012:function:smoke
";

    #[test]
    fn yaml_and_json_read_the_same_in_any_case() {
        let yaml = parse(YAML).unwrap();
        assert_eq!(yaml.container_port, 8080);
        assert_eq!(
            yaml.network_configuration.as_ref().unwrap()["awsvpcConfiguration"]["subnets"][0],
            "subnet-1"
        );
        assert_eq!(
            yaml.hooks[1],
            (Lifecycle::AfterAllowTraffic, "smoke".to_owned())
        );
        let json = json!({"Version": "0.0", "resources": [{"targetService": {
            "type": "AWS::ECS::Service",
            "properties": {"taskDefinition": "arn:td:1",
                "loadBalancerInfo": {"containerName": "app", "containerPort": 8080},
                "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"],
                    "securityGroups": ["sg-1"], "assignPublicIp": "DISABLED"}},
                "capacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1}]}}}],
            "hooks": [{"beforeInstall": "check"}, {"afterAllowTraffic": "smoke"}]});
        assert_eq!(parse(&json.to_string()).unwrap(), yaml);
    }

    #[test]
    fn each_mistake_is_named() {
        for (from, to, names) in [
            ("version: 0.0", "version: 1", "version"),
            (
                "ContainerPort: 8080",
                "ContainerPort: \"8080\"",
                "ContainerPort",
            ),
            ("TaskDefinition: arn:td:1", "TaskDef: x", "TaskDefinition"),
            ("            SecurityGroups: [sg-1]\n", "", "SecurityGroups"),
            ("BeforeInstall: check", "Install: check", "Install"),
            ("AWS::ECS::Service", "AWS::Lambda::Function", "Type"),
            ("TargetService", "Service", "TargetService"),
        ] {
            let text = YAML.replace(from, to);
            assert_ne!(text, YAML, "{from}");
            let error = parse(&text).unwrap_err();
            assert!(error.contains(names), "{from}: {error}");
        }
        assert!(
            parse("{ not: [yaml")
                .unwrap_err()
                .contains("not well-formed")
        );
        assert!(parse("just words").unwrap_err().contains("mapping"));
    }

    #[test]
    fn the_text_made_for_a_running_task_set_reads_back() {
        let spec = parse(&of_task_set("arn:td:3", "app", 80)).unwrap();
        assert_eq!(
            (spec.task_definition.as_str(), spec.container_port),
            ("arn:td:3", 80)
        );
    }
}

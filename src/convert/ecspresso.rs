//! An ecspresso project: the configuration, and the definitions that it names
//! (ecs-deploy-tools d.1).

use serde_json::{Map, Value, json};

use super::definition::{self, led_by};
use super::output::Output;
use super::template::has_variable;
use super::{Input, appspec, source};
use crate::manifest::Document;
use crate::model::Kind;

/// Members of the configuration that say how ecspresso runs, and nothing of the service.
const OF_THE_TOOL: [&str; 3] = ["required_version", "timeout", "filter_command"];

/// Converts the project of this configuration.
pub(super) fn project(input: &Input, path: &str, out: &mut Output) -> Result<(), String> {
    let config = source::read(input, path, &mut out.templates)?;
    let text = |member: &str| config.get(member).and_then(Value::as_str);
    plugins(&config, path, out);
    if let Some(region) = text("region") {
        if has_variable(region) {
            out.note(
                path,
                "the region is looked up, which an Environment cannot: AWS_REGION sets it",
            );
        } else {
            out.region(path, region);
        }
    }
    let definition = match text("task_definition") {
        Some(named) => Some(file(input, path, named)?),
        None => None,
    };
    let service_file = match text("service_definition") {
        Some(named) => Some(file(input, path, named)?),
        None => None,
    };
    others(&config, path, out);
    let service = text("service").unwrap_or_default();
    let mut family = String::new();
    let mut documents = Vec::new();
    if let Some(definition) = &definition {
        let document = source::read(input, definition, &mut out.templates)
            .map_err(|error| format!("{definition}: {error}"))?;
        let mut spec = definition::task_definition(&document, definition, out);
        let wanted = spec
            .get("family")
            .and_then(Value::as_str)
            .unwrap_or(service)
            .to_owned();
        let wanted = if has_variable(&wanted) {
            service.to_owned()
        } else {
            wanted
        };
        if let Some(name) = out.free(Kind::TaskDefinition, &wanted) {
            if spec.get("family").and_then(Value::as_str) == Some(&name) {
                spec.shift_remove("family");
            }
            family.clone_from(&name);
            documents.push(Document::new("TaskDefinition", &name, Value::Object(spec)));
        } else {
            out.note(path, format!("another project's task definition is of the family {wanted} too; a family has one manifest"));
            family = wanted;
        }
    }
    let Some(service_file) = service_file else {
        let name = format!(
            "task-definitions/{}.yaml",
            if family.is_empty() {
                "service"
            } else {
                &family
            }
        );
        out.add(&name, documents);
        return Ok(());
    };
    let document = source::read(input, &service_file, &mut out.templates)
        .map_err(|error| format!("{service_file}: {error}"))?;
    let spec = definition::service(&document, &service_file, out);
    if service.is_empty() {
        out.note(
            path,
            "the configuration names no service: give the Service a name",
        );
    }
    if let Some(cluster) = text("cluster") {
        out.cluster(path, cluster);
    }
    let Some(name) = out.free(Kind::Service, service) else {
        return Err(format!(
            "service {service} was converted from another file already; convert this one apart"
        ));
    };
    documents.push(written(&config, path, &name, &family, spec, out));
    out.add(&format!("services/{name}.yaml"), documents);
    Ok(())
}

/// The service's manifest.
fn written(
    config: &Value,
    path: &str,
    name: &str,
    family: &str,
    mut spec: Map<String, Value>,
    out: &mut Output,
) -> Document {
    let cluster = config
        .get("cluster")
        .and_then(Value::as_str)
        .unwrap_or("default");
    let service = config
        .get("service")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let mut first = Vec::new();
    if service != name && !service.is_empty() {
        first.push(("serviceName", json!(service)));
    }
    spec.shift_remove("serviceName");
    spec.shift_remove("cluster");
    first.push(("cluster", json!(cluster)));
    if !family.is_empty() {
        spec.shift_remove("taskDefinition");
        first.push(("taskDefinitionRef", json!(family)));
    }
    let blue_green = spec
        .get("deploymentController")
        .is_some_and(|one| one["type"] == "CODE_DEPLOY");
    let mut document = Document::new("Service", name, led_by(first, spec));
    let hooks = config
        .get("appspec")
        .map(appspec::hooks)
        .unwrap_or_default();
    if !hooks.is_empty() {
        document
            .beside
            .insert("rollout".to_owned(), json!({"hooks": hooks}));
    }
    if blue_green || config.get("codedeploy").is_some() {
        let of = |member: &str| {
            config
                .pointer(&format!("/codedeploy/{member}"))
                .and_then(Value::as_str)
        };
        let group = match (of("application_name"), of("deployment_group_name")) {
            (Some(application), Some(group)) => {
                format!(" --application {application} --deployment-group {group}")
            }
            _ => String::new(),
        };
        let cluster = super::template::without_templates(cluster);
        out.note(path, format!(
            "ecspresso does not describe CodeDeploy's deployment group, nor the target groups and listeners: take them \
             from AWS with `evenkeel import --cluster {cluster} --service {name}{group}`"
        ));
        if let Some(config) = of("deployment_config_name") {
            out.note(path, format!("codedeploy.deployment_config_name: write `deploymentConfigName: {config}` in the DeploymentGroup"));
        }
    }
    document
}

/// A definition that the configuration names.
fn file(input: &Input, config: &str, named: &str) -> Result<String, String> {
    source::resolve(input, config, named)
        .ok_or_else(|| format!("{} is not there", super::template::without_templates(named)))
}

/// The Terraform states of the plugins; the others need no configuration.
fn plugins(config: &Value, path: &str, out: &mut Output) {
    for plugin in config
        .get("plugins")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let of = |member: &str| plugin.get(member).and_then(Value::as_str);
        let prefix = of("func_prefix").unwrap_or_default().to_owned();
        match of("name").unwrap_or_default() {
            "tfstate" => {
                let at = |member: &str| {
                    plugin
                        .pointer(&format!("/config/{member}"))
                        .and_then(Value::as_str)
                };
                let Some(state) = at("path").or_else(|| at("url")) else {
                    continue;
                };
                if has_variable(state) {
                    out.note(path, "the place of the Terraform state is looked up, which an Environment cannot: write it into \
                                    the variables that come from it");
                } else if state.contains("://") && !state.starts_with("s3://") {
                    out.note(path, format!("the Terraform state {state} is neither a file nor in S3; copy it, or give the variables their values"));
                } else if !state.starts_with("s3://") {
                    out.note(path, format!("the Terraform state {state} lies beside this file: copy it beside environment.yaml, from where \
                                            it is read"));
                }
                let beside = |state: &str| state.rsplit('/').next().unwrap_or(state).to_owned();
                let state = match state {
                    _ if has_variable(state) => String::new(),
                    _ if state.contains("://") => state.to_owned(),
                    local => beside(local),
                };
                out.templates.states.insert(prefix, state);
            }
            "cloudformation" | "ssm" | "secretsmanager" => {}
            other => out.note(path, format!("the plugin {other} is not carried over")),
        }
    }
}

/// Members of the configuration that have no place in a manifest.
fn others(config: &Value, path: &str, out: &mut Output) {
    for member in OF_THE_TOOL
        .into_iter()
        .filter(|member| config.get(*member).is_some())
    {
        if member == "required_version" {
            out.note(path, "required_version is ecspresso's own and is left out");
        }
    }
    if config.get("express_definition").is_some() {
        out.note(
            path,
            "express_definition: ECS Express Mode is not known to Even Keel; it is left out",
        );
    }
    if let Some(tags) = config.pointer("/ignore/tags").and_then(Value::as_array) {
        let names: Vec<&str> = tags.iter().filter_map(Value::as_str).collect();
        out.note(path, format!(
            "ignore.tags ({}): nothing to carry over, Even Keel compares no tag that the manifest does not have; \
             take these out of `tags`",
            names.join(", ")
        ));
    }
}

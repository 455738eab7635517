//! The files of an AWS pipeline: `taskdef.json`, and beside it `appspec.yml`,
//! `imagedefinitions.json` or `imageDetail.json` (ecs-deploy-tools d.5, d.6).

use serde_json::{Map, Value, json};

use super::definition::{self, led_by};
use super::output::Output;
use super::{Input, appspec, source};
use crate::manifest::Document;
use crate::model::Kind;

/// Converts the files beside this task definition.
pub(super) fn project(input: &Input, path: &str, out: &mut Output) -> Result<(), String> {
    let document = source::read(input, path, &mut out.templates)?;
    let mut task = definition::task_definition(&document, path, out);
    if task.get("containerDefinitions").is_none() {
        return Err("has no containerDefinitions".to_owned());
    }
    images(input, path, &mut task, out)?;
    let named = task
        .get("family")
        .and_then(Value::as_str)
        .map(str::to_owned);
    let family = named
        .or_else(|| input.service.clone())
        .unwrap_or_else(|| "service".to_owned());
    let Some(family_name) = out.free(Kind::TaskDefinition, &family) else {
        return Err(format!(
            "another file's task definition is of the family {family} too; convert this one apart"
        ));
    };
    if family == family_name {
        task.shift_remove("family");
    }
    let definition = Document::new("TaskDefinition", &family_name, Value::Object(task));
    let Some(spec_file) = source::beside(input, path, |name| name.starts_with("appspec")) else {
        out.note(path, "nothing beside it describes the service: take it from AWS with `evenkeel import`, or write a Service");
        out.add(
            &format!("task-definitions/{family_name}.yaml"),
            vec![definition],
        );
        return Ok(());
    };
    let spec = source::read(input, &spec_file, &mut out.templates)
        .map_err(|error| format!("{spec_file}: {error}"))?;
    let service = input.service.clone().unwrap_or_else(|| {
        out.note(&spec_file, format!("an AppSpec does not name its service: it is called {family_name}; --service says another name"));
        family_name.clone()
    });
    let Some(name) = out.free(Kind::Service, &service) else {
        return Err(format!(
            "service {service} was converted from another file already; convert this one apart"
        ));
    };
    let service = service_of(input, &spec, &spec_file, &name, &family_name, out)?;
    out.add(&format!("services/{name}.yaml"), vec![definition, service]);
    Ok(())
}

/// The service that an AppSpec deploys.
fn service_of(
    input: &Input,
    spec: &Value,
    file: &str,
    name: &str,
    family: &str,
    out: &mut Output,
) -> Result<Document, String> {
    let properties = appspec::properties(spec)
        .ok_or("has no Resources with Properties: is it an AppSpec for ECS?")?;
    let mut carried = Map::new();
    for member in [
        "PlatformVersion",
        "NetworkConfiguration",
        "CapacityProviderStrategy",
    ] {
        if let Some(value) = appspec::member(properties, member) {
            carried.insert(member.to_owned(), value.clone());
        }
    }
    let mut fitted = definition::fitted(Kind::Service, &Value::Object(carried), file, out);
    let mut balancer = Map::new();
    if let Some(info) = appspec::member(properties, "LoadBalancerInfo") {
        // Not a fitted path: the AppSpec's LoadBalancerInfo has no target group.
        let group = variable(out, "TARGET_GROUP_ARN");
        balancer.insert("targetGroupArn".to_owned(), group.into());
        for (from, to) in [
            ("ContainerName", "containerName"),
            ("ContainerPort", "containerPort"),
        ] {
            if let Some(value) = appspec::member(info, from) {
                balancer.insert(to.to_owned(), value.clone());
            }
        }
        out.note(file, "an AppSpec does not name the target group: it is the variable TARGET_GROUP_ARN, whose value \
                        has to be given to the process or put into the Environment");
    }
    let listed = json!({"loadBalancers": [balancer]});
    if let Some(balancers) =
        definition::fitted(Kind::Service, &listed, file, out).shift_remove("loadBalancers")
    {
        fitted.insert("loadBalancers".to_owned(), balancers);
    }
    let cluster = if let Some(cluster) = &input.cluster {
        cluster.clone()
    } else {
        out.note(file, "an AppSpec does not name the cluster: it is the variable CLUSTER, whose value has to be \
                        given to the process or put into the Environment; --cluster names it");
        variable(out, "CLUSTER")
    };
    let first = vec![
        ("cluster", json!(cluster)),
        ("taskDefinitionRef", json!(family)),
        ("deploymentController", json!({"type": "CODE_DEPLOY"})),
    ];
    let mut document = Document::new("Service", name, led_by(first, fitted));
    let hooks = appspec::hooks(spec);
    if !hooks.is_empty() {
        document
            .beside
            .insert("rollout".to_owned(), json!({"hooks": hooks}));
    }
    for event in appspec::unknown_hooks(spec) {
        out.note(
            file,
            format!("Hooks: {event} is no lifecycle event of ECS deployments; it is left out"),
        );
    }
    out.note(file, format!(
        "launch type, desired count, deployment group, target groups and listeners are in none of these files: take them \
         from AWS with `evenkeel import --cluster CLUSTER --service {name}`"
    ));
    Ok(document)
}

/// A variable whose value nobody says, as a marker.
fn variable(out: &mut Output, name: &str) -> String {
    let action = format!("{{{{ .{name} }}}}");
    // The note about it is the caller's, who knows what it is for.
    let before = out.templates.notes.len();
    let marker = super::template::render(&action, "", &mut out.templates);
    out.templates.notes.truncate(before);
    marker
}

/// Puts the images of `imagedefinitions.json` and `imageDetail.json` in.
fn images(
    input: &Input,
    path: &str,
    task: &mut Map<String, Value>,
    out: &mut Output,
) -> Result<(), String> {
    let file = |wanted: fn(&str) -> bool| source::beside(input, path, wanted);
    let Some(Value::Array(containers)) = task.get_mut("containerDefinitions") else {
        return Ok(());
    };
    if let Some(file) = file(|name| name.eq_ignore_ascii_case("imagedefinitions.json")) {
        let all = source::read(input, &file, &mut out.templates)
            .map_err(|error| format!("{file}: {error}"))?;
        for one in all.as_array().into_iter().flatten() {
            let (name, image) = (one["name"].as_str().unwrap_or_default(), &one["imageUri"]);
            match containers
                .iter_mut()
                .find(|container| container["name"] == name)
            {
                Some(container) => container["image"] = image.clone(),
                None => out.note(
                    &file,
                    format!("no container of the task definition is called {name}"),
                ),
            }
        }
    }
    let detail = file(|name| name.eq_ignore_ascii_case("imageDetail.json"));
    let image = match &detail {
        Some(file) => source::read(input, file, &mut out.templates)
            .map_err(|error| format!("{file}: {error}"))?
            .get("ImageURI")
            .cloned(),
        None => None,
    };
    for container in containers {
        let placeholder = container["image"]
            .as_str()
            .and_then(|image| image.strip_prefix('<')?.strip_suffix('>'));
        let Some(placeholder) = placeholder.map(str::to_owned) else {
            continue;
        };
        container["image"] = if let Some(image) = &image {
            image.clone()
        } else {
            out.note(path, format!(
                "the pipeline puts the image in the place of <{placeholder}>: it is the variable {placeholder}, \
                 whose value has to be given to the process or put into the Environment"
            ));
            variable(out, &placeholder).into()
        };
    }
    Ok(())
}

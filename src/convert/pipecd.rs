//! A `PipeCD` application for ECS: `app.pipecd.yaml` and the two definitions that it names.

use serde_json::{Map, Value, json};

use super::definition::{self, led_by};
use super::output::Output;
use super::{Input, source};
use crate::manifest::Document;
use crate::model::Kind;

/// Members of an application that tell what it is and need no carrying over.
const HARMLESS: [&str; 8] = [
    "name",
    "labels",
    "description",
    "input",
    "plugin",
    "plugins",
    "deployTarget",
    "deployTargets",
];

/// Converts the project of this application.
pub(super) fn project(input: &Input, path: &str, out: &mut Output) -> Result<(), String> {
    let app = source::read(input, path, &mut out.templates)?;
    let spec = app.get("spec").cloned().unwrap_or_default();
    let settings = spec
        .pointer("/plugins/ecs/input")
        .or_else(|| spec.get("input"));
    let settings = settings.cloned().unwrap_or_default();
    let text = |member: &str| settings.get(member).and_then(Value::as_str);
    let app_name = spec
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or("service")
        .to_owned();

    // `PipeCD`'s own defaults for files that are not named.
    let named = |wanted: Option<&str>, defaults: [&str; 2]| {
        if let Some(named) = wanted {
            return source::resolve(input, path, named)
                .ok_or_else(|| format!("{named} is not there"));
        }
        let mut found = defaults
            .into_iter()
            .filter_map(|name| source::resolve(input, path, name));
        found
            .next()
            .ok_or_else(|| format!("names no {} and there is none", defaults[0]))
    };
    let definition = named(text("taskDefinitionFile"), ["taskdef.json", "taskdef.yaml"])?;
    let document = source::read(input, &definition, &mut out.templates)
        .map_err(|error| format!("{definition}: {error}"))?;
    let mut task = definition::task_definition(&document, &definition, out);
    let family = task
        .get("family")
        .and_then(Value::as_str)
        .unwrap_or(&app_name)
        .to_owned();
    let Some(family_name) = out.free(Kind::TaskDefinition, &family) else {
        return Err(format!(
            "another application's task definition is of the family {family} too; convert this one apart"
        ));
    };
    if family == family_name {
        task.shift_remove("family");
    }
    let mut documents = vec![Document::new(
        "TaskDefinition",
        &family_name,
        Value::Object(task),
    )];
    left_out(&spec, path, out);

    let standalone = text("serviceDefinitionFile").is_none()
        && (settings.get("clusterArn").is_some() || settings.get("awsvpcConfiguration").is_some());
    if standalone {
        out.note(
            path,
            "a standalone task is no service: only its task definition is carried over",
        );
        out.add(&format!("task-definitions/{family_name}.yaml"), documents);
        return Ok(());
    }
    let file = named(
        text("serviceDefinitionFile"),
        ["servicedef.json", "servicedef.yaml"],
    )?;
    let document = source::read(input, &file, &mut out.templates)
        .map_err(|error| format!("{file}: {error}"))?;
    let mut service = definition::service(&document, &file, out);
    controller(&mut service, &file, out);
    balancers(&settings, &mut service, path, out);
    let wanted = service
        .get("serviceName")
        .and_then(Value::as_str)
        .unwrap_or(&app_name)
        .to_owned();
    let Some(name) = out.free(Kind::Service, &wanted) else {
        return Err(format!(
            "service {wanted} was converted from another file already; convert this one apart"
        ));
    };
    let mut first = Vec::new();
    if wanted != name {
        first.push(("serviceName", json!(wanted)));
    }
    service.shift_remove("serviceName");
    service.shift_remove("taskDefinition");
    if let Some(cluster) = service.shift_remove("cluster") {
        out.cluster(&file, cluster.as_str().unwrap_or_default());
        first.push(("cluster", cluster));
    }
    first.push(("taskDefinitionRef", json!(family_name)));
    documents.push(Document::new("Service", &name, led_by(first, service)));
    out.add(&format!("services/{name}.yaml"), documents);
    Ok(())
}

/// `PipeCD` runs task sets of its own.
fn controller(service: &mut Map<String, Value>, file: &str, out: &mut Output) {
    if service
        .get("deploymentController")
        .is_some_and(|one| one["type"] == "EXTERNAL")
    {
        service.shift_remove("deploymentController");
        out.note(file, "deploymentController EXTERNAL is PipeCD's way; written as a rolling service of ECS. AWS does not change \
                        the controller of a service that exists: it has to be made anew, under another name or after deleting it");
    }
}

/// Target groups stand in the application, not in the service definition.
fn balancers(settings: &Value, service: &mut Map<String, Value>, path: &str, out: &mut Output) {
    let groups = settings.get("targetGroups");
    if let Some(primary) = groups.and_then(|groups| groups.get("primary")) {
        let listed = json!({"loadBalancers": [primary]});
        let mut fitted = definition::fitted(Kind::Service, &listed, path, out);
        if let Some(balancers) = fitted.shift_remove("loadBalancers") {
            service.insert("loadBalancers".to_owned(), balancers);
        }
    }
    if groups.and_then(|groups| groups.get("canary")).is_some() {
        out.note(path, "input.targetGroups.canary: a second target group needs deploymentController CODE_DEPLOY and a \
                        DeploymentGroup whose pair holds both groups; it is left out");
    }
}

/// What an application says beside its files.
fn left_out(spec: &Value, path: &str, out: &mut Output) {
    for (member, value) in spec.as_object().into_iter().flatten() {
        if HARMLESS.contains(&member.as_str()) {
            continue;
        }
        let reason = match member.as_str() {
            "pipeline" => {
                let stages = value.get("stages").and_then(Value::as_array);
                let names: Vec<&str> = stages
                    .into_iter()
                    .flatten()
                    .filter_map(|stage| stage.get("name").and_then(Value::as_str))
                    .collect();
                format!("pipeline ({}): the stages of a rollout are CodeDeploy's, chosen by deploymentConfigName of a \
                         DeploymentGroup; they are left out", names.join(", "))
            }
            "encryption" => "encryption: only PipeCD can decrypt these values; put them into Secrets Manager or Parameter \
                             Store, and name them under `secrets`".to_owned(),
            "attachment" => "attachment: contents of other files are not put into templates".to_owned(),
            other => format!("{other}: has no counterpart and is left out"),
        };
        out.note(path, reason);
    }
}

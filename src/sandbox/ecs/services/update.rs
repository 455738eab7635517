//! `UpdateService`: what each controller lets change, and which changes start a deployment.
//!
//! Invariant: a refused update changes nothing.

use super::super::deployments::{self, native, revisions};
use super::super::refuse::{client, invalid, service_not_found};
use super::super::{AwsError, World, input};
use super::{
    Controller, Rollout, SPEC, Service, check, controller, create, defaults, targets, view,
};
use serde_json::{Map, Value, json};

/// Members of the request that are no members of the service.
/// The last six are members of `CreateService` alone, and AWS ignores what an operation does not know.
const CONSUMED: [&str; 11] = [
    "cluster",
    "service",
    "desiredCount",
    "forceNewDeployment",
    "deploymentController",
    "launchType",
    "schedulingStrategy",
    "serviceName",
    "role",
    "clientToken",
    "tags",
];

/// What only a `CodeDeploy` deployment may change, and what AWS calls it in its refusal.
const LEFT_TO_CODE_DEPLOY: [(&str, &str); 6] = [
    ("taskDefinition", "task definition"),
    ("networkConfiguration", "network parameters"),
    ("platformVersion", "platform version"),
    ("loadBalancers", "load balancers"),
    ("serviceRegistries", "service registries"),
    ("capacityProviderStrategy", "capacity provider strategy"),
];

/// What an EXTERNAL service takes (`UpdateService`).
const EXTERNAL: [&str; 9] = [
    "cluster",
    "service",
    "desiredCount",
    "placementConstraints",
    "placementStrategy",
    "healthCheckGracePeriodSeconds",
    "enableECSManagedTags",
    "propagateTags",
    "deploymentController",
];

/// Deployments beside each other before AWS refuses another.
const MOST_DEPLOYMENTS: usize = 5;

/// `UpdateService`.
pub(crate) fn update(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let key = world.ecs.active_service(request)?;
    let service = world.ecs.services.get(&key).ok_or_else(service_not_found)?;
    let to = controller::change(service, request)?;
    let force = input::flag(request, "forceNewDeployment").unwrap_or(false);
    if to.is_none() {
        allowed(service.controller, request, force)?;
    }
    let controller = to.unwrap_or(service.controller);
    let daemon = service
        .doc
        .get("schedulingStrategy")
        .is_some_and(|it| it == "DAEMON");
    let desired = match input::int(request, "desiredCount")? {
        None => service.desired,
        Some(_) if daemon => {
            return Err(invalid(
                "The daemon scheduling strategy does not support a desired count for services. \
                 Remove the desired count value and try again.",
            ));
        }
        Some(count) => create::count_of(count)?,
    };
    let doc = merged(world, service, request, controller, daemon)?;
    // A changed capacity provider strategy and launch type apply to the tasks to come, and start
    // nothing by themselves (UpdateService, `capacityProviderStrategy`).
    let starts = SPEC.iter().any(|member| {
        !matches!(
            *member,
            "capacityProviderStrategy" | "launchType" | "platformFamily"
        ) && doc.get(*member) != service.doc.get(*member)
    });
    let deploys = controller == Controller::Ecs && (starts || force || to.is_some());
    if deploys && service.sets.len() >= MOST_DEPLOYMENTS {
        return Err(invalid(
            "5 active deployments exist, unable to create new deployment.",
        ));
    }
    let mut service = world
        .ecs
        .services
        .remove(&key)
        .ok_or_else(service_not_found)?;
    if to == Some(Controller::Ecs) {
        adopt(world, &mut service);
    }
    service.doc = doc;
    service.controller = controller;
    service.settled = false;
    if service.desired != desired {
        service.desired = desired;
        if controller == Controller::Ecs
            && let Some(primary) = service.sets.first_mut()
        {
            primary.desired = desired;
            primary.updated_at = world.now;
        }
    }
    if deploys {
        deployments::begin(world, &mut service);
    } else if !starts && let Some(spec) = strategy_only(&service) {
        for set in service.sets.iter_mut().take(1) {
            // The target groups are those that the set's tasks are in.
            let balancers = set.spec.get("loadBalancers").cloned();
            set.spec.clone_from(&spec);
            if let Some(balancers) = balancers {
                set.spec.insert("loadBalancers".to_owned(), balancers);
            }
        }
    }
    let answer = view::view(world, &service, true);
    world.ecs.services.insert(key, service);
    Ok(json!({"service": answer}))
}

/// The task set that a service brings along from another controller is the revision that its first
/// deployment replaces.
fn adopt(world: &mut World, service: &mut Service) {
    let Some(set) = service.primary().cloned() else {
        return;
    };
    let revision = revisions::record(world, service, &set.spec);
    if let Some(set) = service.set_mut(&set.id) {
        set.rollout = Rollout::Completed;
        set.revision = revision;
    }
}

/// The specification with a changed capacity provider strategy, for a rolling service.
fn strategy_only(service: &Service) -> Option<Map<String, Value>> {
    (service.controller == Controller::Ecs).then(|| service.spec())
}

/// Refuses what the controller does not let `UpdateService` touch, be it the same value.
fn allowed(controller: Controller, request: &Value, force: bool) -> Result<(), AwsError> {
    match controller {
        Controller::Ecs => Ok(()),
        Controller::CodeDeploy => {
            for (member, words) in LEFT_TO_CODE_DEPLOY {
                if input::sent(request, member) {
                    return Err(invalid(format!(
                        "Unable to update {words} on services with a CODE_DEPLOY deployment \
                         controller. Use AWS CodeDeploy to trigger a new deployment."
                    )));
                }
            }
            if force {
                return Err(invalid(
                    "Cannot force a new deployment on services with a CODE_DEPLOY deployment \
                     controller. Use AWS CodeDeploy to trigger a new deployment.",
                ));
            }
            Ok(())
        }
        Controller::External => {
            let members = request.as_object().into_iter().flatten();
            for (member, _) in members.filter(|(_, value)| !value.is_null()) {
                if !EXTERNAL.contains(&member.as_str()) && (member != "forceNewDeployment" || force)
                {
                    return Err(invalid(format!(
                        "Unable to update {member} on services with an EXTERNAL deployment \
                         controller."
                    )));
                }
            }
            Ok(())
        }
    }
}

/// The service's document with the request's members in it, checked as a whole.
fn merged(
    world: &World,
    service: &Service,
    request: &Value,
    controller: Controller,
    daemon: bool,
) -> Result<Map<String, Value>, AwsError> {
    let mut doc = service.doc.clone();
    let members = request.as_object().into_iter().flatten();
    for (member, value) in members.filter(|(_, value)| !value.is_null()) {
        if CONSUMED.contains(&member.as_str()) {
            continue;
        }
        match (member.as_str(), doc.get_mut(member), value) {
            // Omitted parts of a deployment configuration stay as they are.
            ("deploymentConfiguration", Some(Value::Object(stored)), Value::Object(sent)) => {
                // The steps of another strategy go with it.
                if sent
                    .get("strategy")
                    .is_some_and(|it| Some(it) != stored.get("strategy"))
                {
                    stored.retain(|part, _| {
                        part != "linearConfiguration" && part != "canaryConfiguration"
                    });
                }
                stored.extend(
                    sent.iter()
                        .map(|(part, value)| (part.clone(), value.clone())),
                );
            }
            _ => {
                doc.insert(member.clone(), value.clone());
            }
        }
    }
    check::features(&doc, controller, daemon)?;
    if controller == Controller::Ecs {
        native::check::balancers(world, &doc)?;
    }
    let config = doc.remove("deploymentConfiguration").unwrap_or(Value::Null);
    doc.insert(
        "deploymentConfiguration".to_owned(),
        defaults::configuration(config, controller, daemon),
    );
    doc.insert(
        "deploymentController".to_owned(),
        json!({"type": controller.name()}),
    );
    if controller == Controller::External || service.primary().is_none() {
        return Ok(doc);
    }
    let touched = SPEC.iter().any(|member| input::sent(request, member));
    if !touched {
        return Ok(doc);
    }
    place(world, service, request, &mut doc)?;
    Ok(doc)
}

/// Checks the specification as `CreateService` does. An INACTIVE revision that the service runs
/// already may stay.
fn place(
    world: &World,
    service: &Service,
    request: &Value,
    doc: &mut Map<String, Value>,
) -> Result<(), AwsError> {
    // An empty strategy goes back to the launch type.
    if input::list(request, "capacityProviderStrategy").is_empty() {
        if input::sent(request, "capacityProviderStrategy") {
            doc.shift_remove("capacityProviderStrategy");
            let first = service.request.get("launchType").filter(|it| !it.is_null());
            doc.entry("launchType")
                .or_insert(first.cloned().unwrap_or_else(|| "FARGATE".into()));
        }
    } else {
        doc.shift_remove("launchType");
    }
    let reference = doc
        .get("taskDefinition")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let definition = world
        .ecs
        .definition(&reference)
        .ok_or_else(|| client("TaskDefinition not found."))?;
    let running = service
        .doc
        .get("taskDefinition")
        .is_some_and(|it| it == definition.arn());
    if running && definition.status() != "ACTIVE" {
        doc.insert("taskDefinition".to_owned(), definition.arn().into());
        return Ok(());
    }
    let spec = create::placement(
        world,
        &service.cluster,
        &Value::Object(doc.clone()),
        &reference,
    )?;
    doc.extend(spec);
    let definition = world.ecs.usable_definition(&reference)?;
    let balancers = doc.get("loadBalancers").and_then(Value::as_array);
    let balancers = balancers.map_or(&[][..], Vec::as_slice);
    targets::check(world, definition, balancers, service.controller, true)
}

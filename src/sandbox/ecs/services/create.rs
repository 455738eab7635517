//! `CreateService`. A repeat with the same parameters or token answers with the service that is
//! there.

use super::super::clusters::capacity_providers;
use super::super::deployments::{self, native};
use super::super::events::Events;
use super::super::refuse::{invalid, missing};
use super::super::task_sets;
use super::super::{AwsError, World, arn, input, tags};
use super::{Controller, Service, ServiceStatus, check, defaults, network, targets, view};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Members of the request that are no members of the service, or are worked out anew.
const CONSUMED: [&str; 8] = [
    "cluster",
    "serviceName",
    "desiredCount",
    "clientToken",
    "tags",
    "role",
    "deploymentController",
    "schedulingStrategy",
];

/// `CreateService`.
pub(crate) fn create(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let cluster = world.ecs.active_cluster(request)?.to_owned();
    let name = input::filled(request, "serviceName").ok_or_else(|| missing("serviceName"))?;
    if !arn::is_name(name) {
        return Err(invalid(
            "Service name must have 1 to 255 letters, digits, hyphens and underscores.",
        ));
    }
    let mut parameters = request.clone();
    if let Some(parameters) = parameters.as_object_mut() {
        parameters.shift_remove("clientToken");
        parameters.insert("cluster".to_owned(), cluster.clone().into());
    }
    let token = input::filled(request, "clientToken");
    if token.is_some_and(|token| token.len() > 36 || !token.is_ascii()) {
        return Err(invalid("clientToken can have at most 36 ASCII characters."));
    }
    if let Some(there) = world.ecs.service(&cluster, name) {
        match there.status {
            ServiceStatus::Active => {
                let repeated = token.is_some() && there.client_token.as_deref() == token;
                if !repeated && !same(&there.request, &parameters) {
                    return Err(invalid("Creation of service was not idempotent."));
                }
                return Ok(json!({"service": view::view(world, there, true)}));
            }
            ServiceStatus::Draining => {
                return Err(invalid("Unable to Start a service that is still Draining."));
            }
            ServiceStatus::Inactive => {}
        }
    }
    let tags = tags::parse(request)?;
    let (doc, controller, desired) = document(world, &cluster, request)?;
    let service_arn = arn::of(&world.region, &format!("service/{cluster}/{name}"));
    world.ecs.tags.insert(service_arn.clone(), tags);
    let mut service = Service {
        cluster: cluster.clone(),
        name: name.to_owned(),
        arn: service_arn,
        status: ServiceStatus::Active,
        controller,
        desired,
        doc,
        sets: Vec::new(),
        tasks: Vec::new(),
        events: Events::default(),
        created_at: world.now,
        request: parameters,
        client_token: token.map(str::to_owned),
        history: Vec::new(),
        revisions: Vec::new(),
        told: BTreeMap::new(),
        settled: false,
        looked_at: world.now,
    };
    match controller {
        Controller::Ecs => deployments::begin(world, &mut service),
        Controller::CodeDeploy => task_sets::first(world, &mut service),
        Controller::External => {}
    }
    let answer = view::view(world, &service, true);
    world
        .ecs
        .services
        .insert((cluster, name.to_owned()), service);
    Ok(json!({"service": answer}))
}

/// Whether two requests are the same but for the order of their members.
pub(crate) fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let filled = |map: &Map<String, Value>| map.values().filter(|it| !it.is_null()).count();
            filled(one) == filled(other)
                && one
                    .iter()
                    .filter(|(_, value)| !value.is_null())
                    .all(|(member, value)| other.get(member).is_some_and(|it| same(value, it)))
        }
        _ => one == other,
    }
}

/// The checked document of a new service, its controller and its desired count.
fn document(
    world: &World,
    cluster: &str,
    request: &Value,
) -> Result<(Map<String, Value>, Controller, u32), AwsError> {
    let controller = request
        .get("deploymentController")
        .and_then(|it| input::text(it, "type"));
    let controller = match controller {
        None | Some("ECS") => Controller::Ecs,
        Some("CODE_DEPLOY") => Controller::CodeDeploy,
        Some("EXTERNAL") => Controller::External,
        Some(other) => {
            return Err(invalid(format!(
                "Invalid deployment controller type: {other}."
            )));
        }
    };
    let daemon = match input::filled(request, "schedulingStrategy") {
        None | Some("REPLICA") => false,
        Some("DAEMON") => true,
        Some(other) => return Err(invalid(format!("Invalid scheduling strategy: {other}."))),
    };
    let mut doc = request.as_object().cloned().unwrap_or_default();
    doc.retain(|member, value| !value.is_null() && !CONSUMED.contains(&member.as_str()));
    check::features(&doc, controller, daemon)?;
    let desired = desired(request, controller, daemon)?;
    if let Some(role) = input::filled(request, "role") {
        doc.insert("roleArn".to_owned(), role.into());
    }
    if controller != Controller::External {
        let reference =
            input::filled(request, "taskDefinition").ok_or_else(|| missing("taskDefinition"))?;
        doc.extend(placement(world, cluster, request, reference)?);
        if daemon && doc.get("launchType").is_some_and(|it| it == "FARGATE") {
            return Err(invalid(
                "The daemon scheduling strategy is not supported for the FARGATE launch type.",
            ));
        }
        let definition = world.ecs.usable_definition(reference)?;
        let balancers = input::list(request, "loadBalancers");
        targets::check(world, definition, balancers, controller, true)?;
        native::check::balancers(world, &doc)?;
    }
    defaults::fill(&mut doc, controller, daemon);
    Ok((doc, controller, desired))
}

/// How many tasks a request asks for.
fn desired(request: &Value, controller: Controller, daemon: bool) -> Result<u32, AwsError> {
    match input::int(request, "desiredCount")? {
        Some(_) if daemon => Err(invalid(
            "The daemon scheduling strategy does not support a desired count for services. Remove \
             the desired count value and try again.",
        )),
        Some(count) => count_of(count),
        None if daemon || controller == Controller::External => Ok(0),
        None => Err(invalid(
            "desiredCount is required for the REPLICA scheduling strategy.",
        )),
    }
}

/// A count within the quota of 5,000 tasks per service.
pub(crate) fn count_of(count: i64) -> Result<u32, AwsError> {
    u32::try_from(count)
        .ok()
        .filter(|count| *count <= 5_000)
        .ok_or_else(|| invalid("desiredCount must be between 0 and 5000."))
}

/// Where and with what network tasks of a definition are to run: the checked members that a
/// service, a task set and `RunTask` have in common.
pub(crate) fn placement(
    world: &World,
    cluster: &str,
    request: &Value,
    reference: &str,
) -> Result<Map<String, Value>, AwsError> {
    let definition = world.ecs.usable_definition(reference)?;
    let mut spec = Map::new();
    spec.insert("taskDefinition".to_owned(), definition.arn().into());
    let launch_type = input::filled(request, "launchType");
    let strategy = input::list(request, "capacityProviderStrategy");
    if launch_type.is_some() && !strategy.is_empty() {
        return Err(invalid(
            "Specifying both a launch type and capacity provider strategy is not supported. Remove \
             one and try again.",
        ));
    }
    capacity_providers::check(request)?;
    let stored = world
        .ecs
        .clusters
        .get(cluster)
        .and_then(|it| it.doc.get("defaultCapacityProviderStrategy"));
    let mut strategy = json!(strategy);
    if launch_type.is_none() && strategy == json!([]) {
        strategy = stored.cloned().unwrap_or_else(|| json!([]));
    }
    capacity_providers::fill_base(&mut strategy);
    let launch_type = launch_type.unwrap_or("EC2");
    if !matches!(
        launch_type,
        "EC2" | "FARGATE" | "EXTERNAL" | "MANAGED_INSTANCES"
    ) {
        return Err(invalid(format!("Invalid launch type: {launch_type}.")));
    }
    let first = strategy.as_array().and_then(|it| it.first());
    let provider = first.and_then(|it| input::text(it, "capacityProvider"));
    let on_fargate = provider.is_some() || launch_type == "FARGATE";
    if on_fargate && !definition.fits("FARGATE") {
        return Err(invalid(
            "Task definition does not support launch_type FARGATE.",
        ));
    }
    if provider.is_some() {
        spec.insert("capacityProviderStrategy".to_owned(), strategy);
    } else {
        spec.insert("launchType".to_owned(), launch_type.into());
    }
    let version = input::filled(request, "platformVersion");
    if on_fargate {
        spec.insert(
            "platformVersion".to_owned(),
            version.unwrap_or("LATEST").into(),
        );
        spec.insert("platformFamily".to_owned(), "Linux".into());
    } else if version.is_some() {
        return Err(invalid(
            "The platform version must be null when specifying an EC2 launch type.",
        ));
    }
    let network = request
        .get("networkConfiguration")
        .filter(|it| !it.is_null());
    if let Some(network) = network::shape(world, definition, network, on_fargate)? {
        spec.insert("networkConfiguration".to_owned(), network);
    }
    Ok(spec)
}

//! The task set operations. Writing is for `EXTERNAL` services only; `CODE_DEPLOY` services can be
//! read.

use super::super::deployments::new_set;
use super::super::refuse::{invalid, missing, service_not_found};
use super::super::services::create::placement;
use super::super::services::{Controller, Service, SetStatus, TaskSet, targets_check};
use super::super::tasks::launch::concrete;
use super::super::{AwsError, World, arn, input, stamp, tags};
use super::MOST;
use serde_json::{Map, Value, json};

/// A task set as the API shows it.
pub(crate) fn view(world: &World, service: &Service, set: &TaskSet) -> Value {
    let counts = service.counts(&set.id);
    let mut view = Map::new();
    let mut put = |member: &str, value: Value| view.insert(member.to_owned(), value);
    put("id", set.id.clone().into());
    put("taskSetArn", set.arn.clone().into());
    put("serviceArn", service.arn.clone().into());
    put(
        "clusterArn",
        arn::of(&world.region, &format!("cluster/{}", service.cluster)).into(),
    );
    if let Some(by) = &set.started_by {
        put("startedBy", by.clone().into());
    }
    if let Some(id) = &set.external_id {
        put("externalId", id.clone().into());
    }
    put("status", set.status.name().into());
    put("computedDesiredCount", set.desired.into());
    put("pendingCount", counts.pending.into());
    put("runningCount", counts.running.into());
    put("createdAt", stamp(set.created_at));
    put("updatedAt", stamp(set.updated_at));
    for (member, value) in &set.spec {
        put(member, value.clone());
    }
    if let Some(version) = set.spec.get("platformVersion").and_then(Value::as_str) {
        put("platformVersion", concrete(Some(version)).into());
    }
    put("scale", json!({"value": set.scale, "unit": "PERCENT"}));
    put(
        "stabilityStatus",
        if set.stable {
            "STEADY_STATE"
        } else {
            "STABILIZING"
        }
        .into(),
    );
    put("stabilityStatusAt", stamp(set.stable_at));
    put("tags", tags::view(&world.ecs, &set.arn));
    Value::Object(view)
}

/// The service and set of an answer.
fn answer(world: &World, key: &(String, String), id: &str) -> Value {
    let service = world.ecs.services.get(key);
    let set = service.and_then(|service| Some(view(world, service, service.set(id)?)));
    json!({"taskSet": set})
}

/// The id of the set that a reference (id or ARN) of a service leads to.
fn named(service: &Service, reference: &str) -> Option<String> {
    let found = service
        .sets
        .iter()
        .find(|it| it.id == reference || it.arn == reference);
    found.map(|it| it.id.clone())
}

/// `DescribeTaskSets`: those named, or all.
pub(crate) fn describe(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let key = world.ecs.active_service(request)?;
    let service = world.ecs.services.get(&key).ok_or_else(service_not_found)?;
    if service.controller == Controller::Ecs {
        return Err(invalid(
            "Task sets are not supported for services with an ECS deployment controller.",
        ));
    }
    let wanted = input::texts(request, "taskSets");
    let (mut sets, mut failures) = (Vec::new(), Vec::new());
    if wanted.is_empty() {
        sets.extend(service.sets.iter().map(|set| view(world, service, set)));
    }
    for reference in &wanted {
        match named(service, reference).and_then(|id| service.set(&id)) {
            Some(set) => sets.push(view(world, service, set)),
            None => failures.push(json!({"arn": reference, "reason": "MISSING"})),
        }
    }
    Ok(json!({"taskSets": sets, "failures": failures}))
}

/// The ACTIVE service of a request, if its controller is EXTERNAL.
fn external(world: &World, request: &Value) -> Result<(String, String), AwsError> {
    let key = world.ecs.active_service(request)?;
    let service = world.ecs.services.get(&key).ok_or_else(service_not_found)?;
    if service.controller != Controller::External {
        return Err(invalid(format!(
            "Task sets of services with a {} deployment controller cannot be changed by this \
             operation.",
            service.controller.name()
        )));
    }
    Ok(key)
}

/// The scale of a request, 0 to 100 percent.
fn scale(request: &Value) -> Result<Option<f64>, AwsError> {
    let Some(scale) = request.get("scale").filter(|it| !it.is_null()) else {
        return Ok(None);
    };
    let value = scale.get("value").and_then(Value::as_f64).unwrap_or(0.0);
    if !(0.0..=100.0).contains(&value) {
        return Err(invalid(
            "The scale value must be between 0 and 100 percent.",
        ));
    }
    Ok(Some(value))
}

/// `CreateTaskSet`.
pub(crate) fn create(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let key = external(world, request)?;
    let service = world
        .ecs
        .services
        .get(&key)
        .ok_or_else(service_not_found)?
        .clone();
    if service.sets.len() >= MOST {
        return Err(invalid(
            "5 active task sets exist, unable to create new task set.",
        ));
    }
    let reference =
        input::filled(request, "taskDefinition").ok_or_else(|| missing("taskDefinition"))?;
    let tags = tags::parse(request)?;
    let scale = scale(request)?;
    let mut spec = placement(world, &service.cluster, request, reference)?;
    let definition = world.ecs.usable_definition(reference)?;
    let balancers = input::list(request, "loadBalancers");
    targets_check(world, definition, balancers, Controller::External, true)?;
    spec.insert("loadBalancers".to_owned(), json!(balancers));
    spec.insert(
        "serviceRegistries".to_owned(),
        json!(input::list(request, "serviceRegistries")),
    );
    let mut set = new_set(world, &service, spec, SetStatus::Active);
    set.scale = scale.unwrap_or(0.0);
    set.external_id = input::filled(request, "externalId").map(str::to_owned);
    let id = set.id.clone();
    world.ecs.tags.insert(set.arn.clone(), tags);
    if let Some(service) = world.ecs.services.get_mut(&key) {
        service.sets.push(set);
        service.settled = false;
    }
    Ok(answer(world, &key, &id))
}

/// The set that a writing request names.
fn target(
    world: &World,
    request: &Value,
    member: &str,
) -> Result<((String, String), String), AwsError> {
    let key = external(world, request)?;
    let reference = input::filled(request, member).ok_or_else(|| missing(member))?;
    let service = world.ecs.services.get(&key).ok_or_else(service_not_found)?;
    let id = named(service, reference).ok_or_else(|| {
        AwsError::new(
            "TaskSetNotFoundException",
            "The specified task set could not be found.",
        )
    })?;
    Ok((key, id))
}

/// `UpdateTaskSet`: the scale.
pub(crate) fn update(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let (key, id) = target(world, request, "taskSet")?;
    let scale = scale(request)?.ok_or_else(|| missing("scale"))?;
    let now = world.now;
    if let Some(service) = world.ecs.services.get_mut(&key) {
        service.settled = false;
        if let Some(set) = service.set_mut(&id) {
            set.scale = scale;
            set.updated_at = now;
        }
    }
    Ok(answer(world, &key, &id))
}

/// `UpdateServicePrimaryTaskSet`.
pub(crate) fn update_primary(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let (key, id) = target(world, request, "primaryTaskSet")?;
    super::promote(world, &key.0, &key.1, &id).map_err(invalid)?;
    Ok(answer(world, &key, &id))
}

/// `DeleteTaskSet`: a set with tasks or the PRIMARY one needs `force`.
pub(crate) fn delete(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let (key, id) = target(world, request, "taskSet")?;
    let force = input::flag(request, "force").unwrap_or(false);
    let now = world.now;
    let service = world
        .ecs
        .services
        .get_mut(&key)
        .ok_or_else(service_not_found)?;
    service.settled = false;
    if let Some(set) = service.set_mut(&id) {
        if !force && (set.scale > 0.0 || set.status == SetStatus::Primary) {
            return Err(invalid(
                "The task set cannot be deleted while it is scaled above 0 or is the primary task \
                 set. Scale it to 0 first, or use force.",
            ));
        }
        set.status = SetStatus::Draining;
        set.updated_at = now;
    }
    Ok(answer(world, &key, &id))
}

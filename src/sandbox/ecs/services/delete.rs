//! `DeleteService`. The tasks stop afterwards (see `scheduler`).

use super::super::refuse::{invalid, missing, service_not_found};
use super::super::{AwsError, World, arn, input};
use super::{Service, ServiceStatus, view};
use serde_json::{Value, json};

/// `DeleteService`: ACTIVE becomes DRAINING and, once no task is left, INACTIVE.
pub(crate) fn delete(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let cluster = world.ecs.active_cluster(request)?.to_owned();
    let reference = input::filled(request, "service").ok_or_else(|| missing("service"))?;
    let name = arn::inside("service", reference, &cluster)?;
    let force = input::flag(request, "force").unwrap_or(false);
    let service = world
        .ecs
        .service_mut(&cluster, name)
        .ok_or_else(service_not_found)?;
    match service.status {
        ServiceStatus::Inactive => return Err(service_not_found()),
        ServiceStatus::Draining => {}
        ServiceStatus::Active => drain(service, force)?,
    }
    let service = world
        .ecs
        .service(&cluster, name)
        .ok_or_else(service_not_found)?;
    Ok(json!({"service": view::view(world, service, true)}))
}

/// Refuses while the service is in use, unless forced.
fn drain(service: &mut Service, force: bool) -> Result<(), AwsError> {
    if !force {
        if service.desired > 0 {
            return Err(invalid(
                "The service cannot be stopped while it is scaled above 0.",
            ));
        }
        if service.sets.len() > 1 {
            return Err(invalid(
                "The service cannot be stopped while deployments are active.",
            ));
        }
        if service.tasks.iter().any(|it| !it.is_stopped()) {
            return Err(invalid(
                "The service cannot be stopped while it has running tasks.",
            ));
        }
    }
    service.status = ServiceStatus::Draining;
    service.desired = 0;
    service.settled = false;
    service.history.clear();
    service.revisions.clear();
    Ok(())
}

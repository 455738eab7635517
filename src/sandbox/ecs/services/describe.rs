//! `DescribeServices` and `ListServices`.

use super::super::page::page;
use super::super::refuse::invalid;
use super::super::{AwsError, World, arn, input, tags};
use super::{ServiceStatus, view};
use serde_json::{Value, json};

/// Services per `DescribeServices` (ECS API).
const MOST: usize = 10;

/// `DescribeServices`; unknown services are failures with the reason `MISSING`.
pub(crate) fn describe(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let wanted = input::texts(request, "services");
    if wanted.is_empty() {
        return Err(invalid("Services cannot be empty."));
    }
    if wanted.len() > MOST {
        return Err(invalid(format!(
            "service names can have at most {MOST} items."
        )));
    }
    let cluster = world.ecs.active_cluster(request)?;
    let (mut services, mut failures) = (Vec::new(), Vec::new());
    for reference in &wanted {
        let name = arn::inside("service", reference, cluster)?;
        match world.ecs.service(cluster, name) {
            Some(service) => services.push(view::view(world, service, tags::wanted(request))),
            None => failures.push(json!({"reason": "MISSING",
                "arn": arn::of(&world.region, &format!("service/{cluster}/{name}"))})),
        }
    }
    Ok(json!({"services": services, "failures": failures}))
}

/// `ListServices`: the ACTIVE ones, ten to a page unless told otherwise.
pub(crate) fn list(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let cluster = world.ecs.active_cluster(request)?;
    let filters = ["launchType", "schedulingStrategy"];
    let filters = filters.map(|member| (member, input::filled(request, member)));
    let arns = world
        .ecs
        .services
        .values()
        .filter(|it| it.cluster == cluster && it.status == ServiceStatus::Active)
        .filter(|it| {
            filters.iter().all(|(member, wanted)| {
                wanted.is_none_or(|wanted| it.doc.get(*member).is_some_and(|own| own == wanted))
            })
        })
        .map(|it| Value::from(it.arn.clone()))
        .collect();
    page("serviceArns", arns, request, 10, 100)
}

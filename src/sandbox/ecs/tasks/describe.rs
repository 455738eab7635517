//! `DescribeTasks` and `ListTasks`.

use super::super::page::page;
use super::super::refuse::{invalid, missing};
use super::super::{AwsError, World, arn, input, tags};
use super::{Task, view};
use serde_json::{Value, json};

/// Tasks per `DescribeTasks` (ECS API).
const MOST: usize = 100;

/// `DescribeTasks`; unknown tasks are failures with the reason `MISSING`.
pub(crate) fn describe(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let cluster = world.ecs.active_cluster(request)?;
    let wanted = input::texts(request, "tasks");
    if wanted.is_empty() {
        return Err(invalid("Tasks cannot be empty."));
    }
    if wanted.len() > MOST {
        return Err(invalid(format!("Tasks can have at most {MOST} items.")));
    }
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for reference in &wanted {
        let id = arn::inside("task", reference, cluster)?;
        match world.ecs.task(cluster, id) {
            Some(task) => found.push(view::view(world, task, tags::wanted(request))),
            None => failures.push(json!({"reason": "MISSING",
                "arn": arn::of(&world.region, &format!("task/{cluster}/{id}"))})),
        }
    }
    Ok(json!({"tasks": found, "failures": failures}))
}

/// `ListTasks`: the wanted ones, or with `desiredStatus` `STOPPED` those of the last hour. `startedBy` goes with no
/// other filter (ECS API).
pub(crate) fn list(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let cluster = world.ecs.active_cluster(request)?;
    let by = input::filled(request, "startedBy");
    let others = [
        "containerInstance",
        "desiredStatus",
        "family",
        "launchType",
        "serviceName",
    ];
    if by.is_some()
        && others
            .iter()
            .any(|one| input::filled(request, one).is_some())
    {
        // aws/aws-sdk-go-v2#1893.
        return Err(invalid("cannot specify startedBy with other arguments"));
    }
    let stopped = match input::filled(request, "desiredStatus").unwrap_or("RUNNING") {
        "RUNNING" => false,
        "STOPPED" => true,
        "PENDING" => {
            return Err(invalid(
                "ECS never sets the desired status of a task to PENDING.",
            ));
        }
        other => return Err(invalid(format!("Invalid desiredStatus: {other}."))),
    };
    let service = match input::filled(request, "serviceName") {
        None => None,
        Some(reference) => {
            let name = arn::inside("service", reference, cluster)?;
            world
                .ecs
                .service(cluster, name)
                .ok_or_else(super::super::refuse::service_not_found)?;
            Some(format!("service:{name}"))
        }
    };
    let family = input::filled(request, "family");
    let of_family = |task: &Task| {
        let name = arn::last(&task.definition).split(':').next();
        family.is_none_or(|family| name == Some(family))
    };
    let launch_type = input::filled(request, "launchType");
    let arns = world
        .ecs
        .tasks_of(cluster)
        .filter(|task| task.is_stopping() == stopped && of_family(task))
        .filter(|task| service.as_ref().is_none_or(|group| task.group == *group))
        .filter(|task| by.is_none_or(|by| task.started_by.as_deref() == Some(by)))
        .filter(|task| {
            launch_type.is_none_or(|it| task.doc.get("launchType").is_some_and(|own| own == it))
        })
        .map(|task| Value::from(task.arn.clone()))
        .collect();
    page("taskArns", arns, request, 100, 100)
}

/// The task that a request's member `task` names.
pub(crate) fn named<'a>(request: &'a Value, cluster: &str) -> Result<&'a str, AwsError> {
    let reference = input::filled(request, "task").ok_or_else(|| missing("task"))?;
    arn::inside("task", reference, cluster)
}

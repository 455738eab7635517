//! The start of a one-off task: which content it is of, and the `RunTask` that starts it. Pure.
//!
//! What the manifest does not say is the service's: cluster, launch type or capacity providers, network,
//! platform version. The client token follows from the task, the content, the attempt and the service's life, so
//! that a start that is sent again starts nothing more.

use serde_json::{Map, Value, json};

use super::super::observe::cluster_of;
use super::super::payload::primary_task_set;
use super::super::{DECLARED_TAG, RETRY_ANNOTATION, items, last_segment, text};
use super::course;
use super::record::{Id, Record};
use crate::document::digest;
use crate::kinds::{INSTANCE_TAG, View};
use crate::manifest::{HookTask, HookTime};
use crate::model::{Call, Service, Step};

/// Digits of a run's and an attempt's digest.
pub(super) const DIGITS: usize = 12;

/// How much of a service's name is in `startedBy`, which has 36 characters then: as many as it has always had.
const NAME: usize = 18;

/// The tag of a task that names its service.
const SERVICE_TAG: &str = "evenkeel.dev/service";

/// The digits of a digest.
fn hex(document: &Value) -> String {
    let digest = digest(document);
    let digits = digest.rsplit(':').next().unwrap_or_default();
    digits.to_owned()
}

fn short(document: &Value) -> String {
    hex(document).chars().take(DIGITS).collect()
}

/// The service that a view is of, by cluster and name.
fn named(view: &View<'_>) -> Value {
    json!([cluster_of(view), view.resource.aws_name()])
}

/// What stands for a service in the keys of a record that is on a revision.
pub(super) fn scope(view: &View<'_>) -> String {
    format!("{}.", short(&named(view)))
}

/// What stands for the life of a service in the groups and the client tokens of its tasks.
pub(super) fn life(record: Record<'_>) -> String {
    short(&Value::from(record.life()))
}

/// By what the tasks of a service are found: `startedBy`.
pub(super) fn started_by(view: &View<'_>) -> String {
    let name: String = view.resource.aws_name().chars().take(NAME).collect();
    let digits: String = hex(&json!([view.policy.instance, named(view)]))
        .chars()
        .take(8)
        .collect();
    format!("evenkeel-{name}-{digits}")
}

/// Which task this is for a content.
pub(super) fn id(view: &View<'_>, task: &HookTask, content: &str) -> Id {
    let does = json!([task.container, task.command, task.overrides]);
    let run = short(&json!([
        named(view),
        content,
        task.time.word(),
        task.name,
        does
    ]));
    let retry = view.resource.annotations.get(RETRY_ANNOTATION);
    Id {
        name: task.name.clone(),
        attempt: short(&json!([run, task.timeout.as_secs(), retry])),
        run,
    }
}

/// `RunTask`, or why it cannot be said. `life` is the service's; `definition` is `DescribeTaskDefinition`'s answer for the revision, as
/// far as it is there.
pub(super) fn start(
    view: &View<'_>,
    service: Option<&Value>,
    definition: Option<&Value>,
    task: &HookTask,
    content: &str,
    life: &str,
) -> Result<Step, String> {
    let overrides = overrides(task, definition)?;
    let id = id(view, task, content);
    let name = view.resource.aws_name();
    let mut input = Map::new();
    let mut put = |member: &str, value: Value| input.insert(member.to_owned(), value);
    put("cluster", Value::from(cluster_of(view)));
    put("taskDefinition", view.spec["taskDefinition"].clone());
    put("count", json!(1));
    put("startedBy", Value::from(started_by(view)));
    let token = hex(&json!([named(view), id.run, id.attempt, life]));
    put("clientToken", Value::from(token));
    let inherited = |member: &str| inherited(view, service, member);
    if let Some(providers) = inherited("capacityProviderStrategy") {
        put("capacityProviderStrategy", providers);
    } else if let Some(launch_type) = inherited("launchType") {
        put("launchType", launch_type);
    }
    for member in ["networkConfiguration", "platformVersion"] {
        if let Some(value) = inherited(member) {
            put(member, value);
        }
    }
    put("group", Value::from(course::group(&id, life)));
    // For a person: nothing is read from them.
    let tags = [
        (INSTANCE_TAG, view.policy.instance.as_str()),
        (SERVICE_TAG, name),
        (DECLARED_TAG, content),
    ];
    let tags = tags.map(|(key, value)| json!({"key": key, "value": value}));
    put("tags", json!(tags));
    let containers: Vec<&str> = items(&overrides, "containerOverrides")
        .map(|one| text(one, "name"))
        .collect();
    let logs = course::logs(definition, containers.iter().copied(), "TASK");
    let when = match task.time {
        HookTime::Before => "before the rollout",
        HookTime::After => "after the rollout",
    };
    let why = format!(
        "run task {} {when} of service {name}, in container {} of {}; {logs}",
        task.name,
        containers.join(", "),
        last_segment(text(&view.spec, "taskDefinition")),
    );
    put("overrides", overrides);
    Ok(Step {
        call: Call {
            service: Service::Ecs,
            operation: "RunTask",
            input: Value::Object(input),
        },
        why,
    })
}

/// `StopTask` of one that takes too long.
pub(super) fn stop(view: &View<'_>, task: &Value, name: &str, limit: &str) -> Step {
    let arn = text(task, "taskArn");
    Step {
        call: Call {
            service: Service::Ecs,
            operation: "StopTask",
            input: json!({"cluster": cluster_of(view), "task": arn,
                "reason": format!("evenkeel: over its time limit of {limit}")}),
        },
        why: format!(
            "stop task {name} ({}), which is over its time limit of {limit}",
            last_segment(arn)
        ),
    }
}

/// A member as it is declared of the service, or else live, if it says anything.
fn inherited(view: &View<'_>, service: Option<&Value>, member: &str) -> Option<Value> {
    let set = service.and_then(primary_task_set);
    let holders = [Some(&view.spec), set, service];
    let mut values = holders
        .into_iter()
        .flatten()
        .filter_map(|one| one.get(member));
    let says =
        |value: &&Value| !value.is_null() && value.as_array().is_none_or(|all| !all.is_empty());
    values.find(says).cloned()
}

/// What the task runs.
fn overrides(task: &HookTask, definition: Option<&Value>) -> Result<Value, String> {
    if let Some(overrides) = &task.overrides {
        return Ok(overrides.clone());
    }
    let container = match &task.container {
        Some(container) => container.clone(),
        None => only_essential(definition).map_err(|why| {
            format!(
                "task {} of `rollout.tasks` does not say in which container it runs, and {why}: give it `container`",
                task.name
            )
        })?,
    };
    Ok(json!({"containerOverrides": [{"name": container, "command": task.command}]}))
}

/// The only essential container of a revision; the revision is not there yet in previews.
fn only_essential(definition: Option<&Value>) -> Result<String, String> {
    let Some(definition) = definition.and_then(|answer| answer.get("taskDefinition")) else {
        return Ok("(the essential one)".to_owned());
    };
    let essential = items(definition, "containerDefinitions")
        .filter(|one| one.get("essential") != Some(&Value::Bool(false)))
        .map(|one| text(one, "name"));
    match essential.collect::<Vec<_>>().as_slice() {
        [one] => Ok((*one).to_owned()),
        several => Err(format!(
            "the task definition has several that are essential ({})",
            several.join(", ")
        )),
    }
}

//! How a one-off task does, told from what `DescribeTasks` says of it, and where its logs are. Pure.
//!
//! Which task it is stands in its group: `StopTask` deletes a task's tags (ECS API reference), whoever calls it, and
//! leaves that.
//!
//! A task ended well if its essential container exited and every container that was overridden did so with
//! exit code 0. One that was stopped did not, whatever its exit codes.

use std::time::Duration;

use serde_json::Value;

use super::super::{items, last_segment, text};
use super::record::Id;
use crate::model::Moment;

/// How the group of a task begins that is one of ours; the words of its [`Id`] follow and the life of its service,
/// with colons between them.
const GROUP: &str = "evenkeel:";

/// Where a task is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Course {
    /// Not at its end.
    Runs {
        /// For how long.
        since: Duration,
        /// Whether it is being stopped.
        stopping: bool,
    },
    /// At its end.
    Ended {
        /// Whether well.
        well: bool,
        /// Exit codes and reasons.
        why: String,
    },
}

/// The group of a task; `life` is that of its service.
pub(super) fn group(id: &Id, life: &str) -> String {
    format!("{GROUP}{}:{}:{}:{life}", id.name, id.run, id.attempt)
}

/// Which task it is and its service's life, if it is one of ours.
pub(super) fn id(task: &Value) -> Option<(Id, &str)> {
    let (words, life) = text(task, "group").strip_prefix(GROUP)?.rsplit_once(':')?;
    Some((Id::of(words.split(':'))?, life))
}

/// Where it is.
pub(super) fn course(task: &Value, now: Moment) -> Course {
    if text(task, "lastStatus") == "STOPPED" {
        let (well, why) = end(task);
        return Course::Ended { well, why };
    }
    let created = task.get("createdAt").and_then(Value::as_f64);
    let seconds = created.map_or(0.0, |created| now.seconds() - created);
    Course::Runs {
        since: Duration::try_from_secs_f64(seconds).unwrap_or_default(),
        stopping: text(task, "desiredStatus") == "STOPPED",
    }
}

fn end(task: &Value) -> (bool, String) {
    let overridden: Vec<&str> = overridden(task).collect();
    let counts = |one: &&Value| overridden.is_empty() || overridden.contains(&text(one, "name"));
    let mut well = text(task, "stopCode") == "EssentialContainerExited";
    let mut told = Vec::new();
    for container in items(task, "containers").filter(counts) {
        let name = text(container, "name");
        let code = container.get("exitCode").and_then(Value::as_i64);
        well &= code == Some(0);
        told.push(match code {
            Some(code) => format!("container {name} exited with code {code}"),
            None => format!("container {name} has no exit code"),
        });
        let reason = text(container, "reason");
        if !reason.is_empty() {
            told.push(reason.to_owned());
        }
    }
    if told.is_empty() {
        well = false;
        told.push("it has none of the containers that were overridden".to_owned());
    }
    if !well {
        let reason = text(task, "stoppedReason");
        told.push(format!("{reason} ({})", text(task, "stopCode")));
    }
    (well, told.join("; "))
}

/// The containers that run something else than their definition says.
fn overridden(task: &Value) -> impl Iterator<Item = &str> {
    let overrides = task.get("overrides").unwrap_or(&Value::Null);
    // AWS may name the others too, with nothing else.
    let filled = |value: &Value| match value {
        Value::Null => false,
        Value::Array(list) => !list.is_empty(),
        _ => true,
    };
    let says = move |one: &&Value| {
        let mut members = one.as_object().into_iter().flatten();
        members.any(|(name, value)| name != "name" && filled(value))
    };
    items(overrides, "containerOverrides")
        .filter(says)
        .map(|one| text(one, "name"))
}

/// Where the logs of these containers are. `task` is a task's id, or what stands for it; `definition` is
/// `DescribeTaskDefinition`'s answer, if it was read.
pub(super) fn logs<'a>(
    definition: Option<&Value>,
    containers: impl Iterator<Item = &'a str>,
    task: &str,
) -> String {
    let Some(definition) = definition.and_then(|answer| answer.get("taskDefinition")) else {
        return "where its logs are is not known".to_owned();
    };
    let mut places = Vec::new();
    for name in containers {
        let mut all = items(definition, "containerDefinitions");
        let container = all.find(|one| text(one, "name") == name);
        let logs = container.and_then(|one| one.get("logConfiguration"));
        let Some(logs) = logs.filter(|logs| logs.is_object()) else {
            places.push(format!("container {name} keeps no logs"));
            continue;
        };
        let driver = text(logs, "logDriver");
        let options = logs.get("options").unwrap_or(&Value::Null);
        if driver != "awslogs" {
            places.push(format!("logs of container {name}: by {driver}"));
            continue;
        }
        let stream = match text(options, "awslogs-stream-prefix") {
            "" => String::new(),
            prefix => format!(", stream {prefix}/{name}/{task}"),
        };
        places.push(format!(
            "logs: group {}{stream}",
            text(options, "awslogs-group")
        ));
    }
    places.join("; ")
}

/// Where the logs of a task are.
pub(super) fn logs_of(task: &Value, definition: Option<&Value>) -> String {
    let id = last_segment(text(task, "taskArn"));
    let mut containers: Vec<&str> = overridden(task).collect();
    if containers.is_empty() {
        containers = items(task, "containers")
            .map(|one| text(one, "name"))
            .collect();
    }
    logs(definition, containers.into_iter(), id)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn task() -> Value {
        json!({"taskArn": "arn:aws:ecs:us-east-1:123456789012:task/main/0123", "lastStatus": "STOPPED",
            "stopCode": "EssentialContainerExited", "stoppedReason": "Essential container in task exited",
            "overrides": {"containerOverrides": [{"name": "app", "command": ["./migrate"]}, {"name": "log", "environment": []}]},
            "containers": [{"name": "app", "exitCode": 0}, {"name": "log", "exitCode": 143}]})
    }

    fn ended(task: &Value) -> (bool, String) {
        match course(task, Moment(0)) {
            Course::Ended { well, why } => (well, why),
            Course::Runs { .. } => panic!("{task}"),
        }
    }

    #[test]
    fn a_task_ended_well_if_what_was_overridden_exited_with_0() {
        let (well, why) = ended(&task());
        assert!(well, "{why}");
        assert_eq!(why, "container app exited with code 0");
    }

    #[test]
    fn another_code_no_code_and_a_stop_are_failures_that_say_why() {
        for (pointer, value, part) in [
            (
                "/containers/0/exitCode",
                json!(3),
                "exited with code 3; Essential container",
            ),
            (
                "/containers/0/exitCode",
                Value::Null,
                "container app has no exit code",
            ),
            ("/stopCode", json!("UserInitiated"), "(UserInitiated)"),
            (
                "/stopCode",
                json!("TaskFailedToStart"),
                "(TaskFailedToStart)",
            ),
            ("/containers", json!([]), "none of the containers"),
        ] {
            let mut task = task();
            *task.pointer_mut(pointer).unwrap() = value;
            let (well, why) = ended(&task);
            assert!(!well && why.contains(part), "{pointer}: {why}");
        }
        let mut task = task();
        task["containers"][0]["reason"] = json!("OutOfMemoryError: killed");
        assert!(ended(&task).1.contains("OutOfMemoryError"));
        task["overrides"] = json!({});
        assert!(!ended(&task).0, "then all of them count");
    }

    #[test]
    fn a_task_without_tags_is_known_by_its_group() {
        let known = Id {
            name: "db_migrate-1".to_owned(),
            run: "0123456789ab".to_owned(),
            attempt: "ba9876543210".to_owned(),
        };
        let mut task = task();
        assert_eq!(id(&task), None);
        task["group"] = json!(group(&known, "first"));
        assert_eq!(id(&task), Some((known, "first")));
        for other in [
            "family:web",
            "service:web",
            "evenkeel:a:b:c",
            "evenkeel:a:b:c:d:e",
        ] {
            task["group"] = json!(other);
            assert_eq!(id(&task), None, "{other}");
        }
    }

    #[test]
    fn a_task_that_runs_says_for_how_long() {
        let mut task = task();
        task["lastStatus"] = json!("RUNNING");
        task["desiredStatus"] = json!("RUNNING");
        task["createdAt"] = json!(100.0);
        let runs = |stopping| Course::Runs {
            since: Duration::from_secs(20),
            stopping,
        };
        assert_eq!(course(&task, Moment(120_000)), runs(false));
        task["desiredStatus"] = json!("STOPPED");
        assert_eq!(course(&task, Moment(120_000)), runs(true));
    }

    #[test]
    fn logs_are_where_the_definition_sends_them() {
        let mut answer = json!({"taskDefinition": {"containerDefinitions": [{"name": "app", "logConfiguration":
            {"logDriver": "awslogs", "options": {"awslogs-group": "/ecs/a", "awslogs-stream-prefix": "a"}}}]}});
        let told = |answer: &Value| logs_of(&task(), Some(answer));
        assert_eq!(told(&answer), "logs: group /ecs/a, stream a/app/0123");
        let container = &mut answer["taskDefinition"]["containerDefinitions"][0];
        container["logConfiguration"]["options"] = json!({"awslogs-group": "/ecs/a"});
        assert_eq!(told(&answer), "logs: group /ecs/a");
        let container = &mut answer["taskDefinition"]["containerDefinitions"][0];
        container["logConfiguration"] = json!({"logDriver": "awsfirelens"});
        assert_eq!(told(&answer), "logs of container app: by awsfirelens");
        answer["taskDefinition"]["containerDefinitions"] = json!([]);
        assert_eq!(told(&answer), "container app keeps no logs");
        assert!(logs_of(&task(), None).contains("not known"));
    }
}

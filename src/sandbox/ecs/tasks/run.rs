//! `RunTask` and `StopTask`. Tasks of a service are started by the scheduler.

use super::super::clusters::capacity_providers;
use super::super::refuse::{invalid, missing};
use super::super::services::create::placement;
use super::super::{AwsError, World, input, tags};
use super::launch::{self, Launch};
use super::{Stop, describe, tokens, view};
use serde_json::{Value, json};

/// Tasks per `RunTask` (ECS API).
const MOST: i64 = 10;

/// Characters of `startedBy`, at most (ECS API).
const LONGEST_STARTER: usize = 128;

/// `RunTask`. Without Fargate there is no instance to place a task on, which is a failure of the
/// answer and not a refusal.
pub(crate) fn run(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let cluster = world.ecs.active_cluster(request)?.to_owned();
    let count = input::int(request, "count")?.unwrap_or(1);
    if !(1..=MOST).contains(&count) {
        return Err(invalid(format!("count must be between 1 and {MOST}.")));
    }
    let reference =
        input::filled(request, "taskDefinition").ok_or_else(|| missing("taskDefinition"))?;
    let token = tokens::of(request)?;
    if let Some(token) = token
        && let Some(answer) = tokens::answered(world, &cluster, token, request)?
    {
        return Ok(answer);
    }
    let starter = input::filled(request, "startedBy");
    let fits = |one: u8| one.is_ascii_alphanumeric() || b"-_/".contains(&one);
    if starter.is_some_and(|it| it.len() > LONGEST_STARTER || !it.bytes().all(fits)) {
        return Err(invalid(format!(
            "startedBy can have at most {LONGEST_STARTER} letters, digits, hyphens, slashes and underscores."
        )));
    }
    capacity_providers::check(request)?;
    let tags = tags::parse(request)?;
    // The same refusal is another exception here than in `CreateService`.
    if world
        .ecs
        .definition(reference)
        .is_some_and(|it| it.status() != "ACTIVE")
    {
        return Err(invalid("TaskDefinition is inactive"));
    }
    let definition = world.ecs.usable_definition(reference)?;
    let family = definition.family().to_owned();
    let overridden = request
        .get("overrides")
        .map_or(&[][..], |it| input::list(it, "containerOverrides"));
    for one in overridden {
        let name = input::text(one, "name").unwrap_or_default();
        let mut containers = definition.containers().iter();
        if !containers.any(|it| input::text(it, "name") == Some(name)) {
            return Err(invalid(format!(
                "Override for container named {name} is not a container in the TaskDefinition."
            )));
        }
    }
    let spec = placement(world, &cluster, request, reference)?;
    let group = input::filled(request, "group").map_or(format!("family:{family}"), str::to_owned);
    let (mut started, mut failures, mut ids) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..count {
        let strategy = spec
            .get("capacityProviderStrategy")
            .and_then(Value::as_array);
        let provider = strategy.and_then(|it| launch::provider(it, |_| 0));
        if !launch::on_fargate(&spec, provider.as_deref()) {
            failures.push(json!({"reason": "No Container Instances were found in your cluster."}));
            continue;
        }
        let task = launch::launch(
            world,
            &Launch {
                cluster: &cluster,
                set: "",
                started_by: starter,
                group: &group,
                spec: &spec,
                provider: provider.as_deref(),
                overrides: request.get("overrides"),
                execute_command: input::flag(request, "enableExecuteCommand").unwrap_or(false),
            },
        );
        if let Some(task) = task {
            world.ecs.tags.insert(task.arn.clone(), tags.clone());
            started.push(view::view(world, &task, true));
            ids.push(task.id.clone());
            world.ecs.tasks.insert(task.id.clone(), task);
        }
    }
    if let Some(token) = token {
        tokens::keep(world, &cluster, token, request, ids);
    }
    Ok(json!({"tasks": started, "failures": failures}))
}

/// `StopTask`: a task of a service is replaced by the scheduler. Its tags are deleted (ECS API).
pub(crate) fn stop(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let cluster = world.ecs.active_cluster(request)?;
    let id = describe::named(request, cluster)?;
    let reason = input::filled(request, "reason")
        .unwrap_or("Task stopped by user")
        .to_owned();
    let task = world
        .ecs
        .task_mut(cluster, id)
        .ok_or_else(|| invalid("The referenced task was not found."))?;
    task.stop(Stop {
        code: "UserInitiated",
        reason,
    });
    let arn = task.arn.clone();
    world.ecs.tags.remove(&arn);
    let task = world
        .ecs
        .task(cluster, id)
        .map(|task| view::view(world, task, false));
    Ok(json!({"task": task}))
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{network, world};
    use super::super::describe::list;
    use super::*;

    #[test]
    fn a_task_runs_and_is_stopped_and_forgotten_after_an_hour() {
        let mut world = world();
        let request = json!({"cluster": "main", "taskDefinition": "web", "launchType": "FARGATE",
            "count": 2, "networkConfiguration": network(), "startedBy": "me", "group": "job:1",
            "tags": [{"key": "team", "value": "a"}]});
        let started = run(&mut world, &request).unwrap();
        assert_eq!(started["tasks"][0]["lastStatus"], "PROVISIONING");
        let arn = started["tasks"][0]["taskArn"].clone();
        world.tick(20_000);
        let other = started["tasks"][1]["taskArn"].clone();
        let ask = json!({"cluster": "main", "tasks": [arn, "gone"], "include": ["TAGS"]});
        let seen = describe::describe(&mut world, &ask).unwrap();
        assert_eq!(seen["tasks"][0]["lastStatus"], "RUNNING");
        assert_eq!(seen["tasks"][0]["tags"][0]["value"], "a");
        assert_eq!(seen["failures"][0]["reason"], "MISSING");
        stop(
            &mut world,
            &json!({"cluster": "main", "task": arn, "reason": "enough"}),
        )
        .unwrap();
        world.tick(40_000);
        let seen = describe::describe(&mut world, &ask).unwrap();
        assert_eq!(seen["tasks"][0]["lastStatus"], "STOPPED");
        assert_eq!(seen["tasks"][0]["stoppedReason"], "enough");
        assert_eq!(
            seen["tasks"][0]["tags"],
            json!([]),
            "`StopTask` deletes them"
        );
        assert_eq!(seen["tasks"][0]["group"], "job:1");
        let by = json!({"cluster": "main", "startedBy": "me"});
        assert_eq!(list(&mut world, &by).unwrap()["taskArns"], json!([other]));
        for (filter, value) in [("desiredStatus", "STOPPED"), ("family", "web")] {
            let mut both = by.clone();
            both[filter] = json!(value);
            let refused = list(&mut world, &both).unwrap_err();
            assert_eq!(refused.code, "InvalidParameterException");
            assert!(refused.message.contains("startedBy"), "{refused:?}");
        }
        let filter = json!({"cluster": "main", "desiredStatus": "STOPPED", "family": "web"});
        assert_eq!(list(&mut world, &filter).unwrap()["taskArns"], json!([arn]));
        world.tick(40_000 + 3_700_000);
        assert_eq!(list(&mut world, &filter).unwrap()["taskArns"], json!([]));
    }

    fn migrate() -> Value {
        json!({"cluster": "main", "taskDefinition": "web", "launchType": "FARGATE",
            "networkConfiguration": network(), "startedBy": "me", "clientToken": "once",
            "overrides": {"containerOverrides": [{"name": "app", "command": ["./migrate", "--all"]}]}})
    }

    fn arn_of(answer: &Value) -> String {
        assert_eq!(answer["tasks"].as_array().unwrap().len(), 1, "{answer}");
        answer["tasks"][0]["taskArn"].as_str().unwrap().to_owned()
    }

    #[test]
    fn a_token_starts_a_task_once_until_it_is_forgotten() {
        let mut world = world();
        let first = arn_of(&run(&mut world, &migrate()).unwrap());
        let mut by_arn = migrate();
        by_arn["cluster"] = json!("arn:aws:ecs:us-east-1:123456789012:cluster/main");
        assert_eq!(arn_of(&run(&mut world, &by_arn).unwrap()), first);
        let mut other = migrate();
        other["count"] = json!(2);
        let refused = run(&mut world, &other).unwrap_err();
        assert_eq!(refused.code, "ConflictException");
        other["clientToken"] = json!("twice");
        assert_eq!(
            run(&mut world, &other).unwrap()["tasks"]
                .as_array()
                .unwrap()
                .len(),
            2
        );
        world.tick(1_800_000);
        assert_eq!(arn_of(&run(&mut world, &migrate()).unwrap()), first);
        world.tick(4_000_000);
        assert_ne!(arn_of(&run(&mut world, &migrate()).unwrap()), first);
        let mut long = migrate();
        long["clientToken"] = json!("t".repeat(65));
        assert!(run(&mut world, &long).is_err());
    }

    #[test]
    fn a_command_ends_as_it_was_told_and_the_image_does_not() {
        let mut world = world();
        let ending = |exit_code, seconds| crate::sandbox::commands::Ending { exit_code, seconds };
        world.commands.set("./migrate*", ending(3, 60));
        let task = arn_of(&run(&mut world, &migrate()).unwrap());
        let ask = json!({"cluster": "main", "tasks": [task]});
        let mut look = |at| {
            world.tick(at);
            describe::describe(&mut world, &ask).unwrap()["tasks"][0].clone()
        };
        assert_eq!(look(60_000)["lastStatus"], "RUNNING");
        let ended = look(90_000);
        assert_eq!(ended["stopCode"], "EssentialContainerExited");
        assert_eq!(ended["containers"][0]["exitCode"], 3);
        let mut other = migrate();
        other["overrides"]["containerOverrides"][0]["name"] = json!("db");
        other["clientToken"] = json!("other");
        let refused = run(&mut world, &other).unwrap_err();
        assert!(
            refused.message.contains("container named db"),
            "{refused:?}"
        );
        other = migrate();
        other["clientToken"] = json!("by");
        other["startedBy"] = json!("me; you");
        assert!(run(&mut world, &other).is_err());
    }

    #[test]
    fn there_are_no_instances_to_place_a_task_on() {
        let mut world = world();
        let request = json!({"cluster": "main", "taskDefinition": "web", "launchType": "EC2",
            "networkConfiguration": network()});
        let answer = run(&mut world, &request).unwrap();
        assert_eq!(answer["tasks"], json!([]));
        assert!(
            answer["failures"][0]["reason"]
                .as_str()
                .unwrap()
                .starts_with("No Container")
        );
    }
}

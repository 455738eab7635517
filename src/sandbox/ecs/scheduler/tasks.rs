//! The tasks of one service: moving them on, judging their health, starting and stopping them.

use super::super::services::{Service, TaskSet};
use super::super::tasks::launch::{self, Launch};
use super::super::tasks::{Phase, REMEMBERED, Stop, Task};
use super::super::{Time, World, elb};
use super::failures;
use serde_json::Value;
use std::collections::BTreeMap;

/// Between two attempts to place a task that cannot be placed.
const UNPLACED: Time = 60_000;

/// Moves every task on, tells the load balancers, stops the unhealthy and counts the failed.
pub(crate) fn advance(world: &mut World, service: &mut Service) {
    let now = world.now;
    let grace = service
        .doc
        .get("healthCheckGracePeriodSeconds")
        .and_then(Value::as_i64);
    let grace = grace.unwrap_or(0) * 1000;
    let mut tasks = std::mem::take(&mut service.tasks);
    let mut told: BTreeMap<(bool, String), u32> = BTreeMap::new();
    for task in tasks.iter_mut().filter(|it| !it.is_stopped()) {
        let (asked, was_ready) = (task.is_stopping(), task.ready);
        task.advance(now);
        if let Some((registered, groups)) = task.register(&mut world.elb, now) {
            for group in groups {
                *told.entry((registered, group)).or_default() += 1;
            }
        }
        task.judge(&world.elb, now);
        if let Some((reason, event)) = unhealthy(task, &world.elb, grace, now) {
            task.stop(Stop {
                code: "ServiceSchedulerInitiated",
                reason,
            });
            if let Some(event) = event {
                service.set_event(now, &task.set, &event);
            }
        }
        if task.ready
            && !was_ready
            && let Some(set) = service.set_mut(&task.set)
        {
            set.failed_in_a_row = 0;
        }
        if let Some(stop) = task
            .stop
            .as_ref()
            .filter(|stop| !asked && stop.code != "UserInitiated")
        {
            failures::record(service, &task.set, stop, now);
        }
    }
    for ((registered, group), count) in told {
        let verb = if registered {
            "registered"
        } else {
            "deregistered"
        };
        service.event(
            now,
            &format!("{verb} {count} targets in (target-group {group})"),
        );
    }
    service.tasks = tasks;
}

/// Why a running task has to go for its health, and the event that says so.
fn unhealthy(
    task: &Task,
    elb: &elb::State,
    grace: Time,
    now: Time,
) -> Option<(String, Option<String>)> {
    if task.phase != Phase::Running || task.is_stopping() {
        return None;
    }
    if task.health(now) == "UNHEALTHY" {
        return Some(("Task failed container health checks".to_owned(), None));
    }
    if task.age(now) < grace {
        return None;
    }
    let group = task.unhealthy_in(elb)?;
    let port = task
        .targets
        .iter()
        .find(|(it, _)| it == group)
        .map_or(0, |(_, port)| *port);
    Some((
        format!("Task failed ELB health checks in (target-group {group})"),
        Some(format!(
            "(port {port}) is unhealthy in (target-group {group}) due to (reason Health checks \
             failed)"
        )),
    ))
}

/// Forgets the tasks that stopped an hour ago.
pub(crate) fn forget(world: &mut World, service: &mut Service) {
    let now = world.now;
    service.tasks.retain(|task| {
        let keep = task.stopped_at.is_none_or(|at| now < at + REMEMBERED);
        if !keep {
            world.ecs.tags.remove(&task.arn);
        }
        keep
    });
}

/// Stops tasks of a set: those that serve nobody first, then the newest.
pub(crate) fn stop(service: &mut Service, set: &str, count: u32, now: Time) {
    if count == 0 {
        return;
    }
    let mut live: Vec<usize> = (0..service.tasks.len())
        .filter(|i| service.tasks[*i].set == set && !service.tasks[*i].is_stopping())
        .collect();
    live.sort_by_key(|i| (service.tasks[*i].ready, std::cmp::Reverse(*i)));
    live.truncate(usize::try_from(count).unwrap_or(usize::MAX));
    let reason = format!("Scaling activity initiated by (deployment {set})");
    let mut ids = Vec::new();
    for index in &live {
        let task = &mut service.tasks[*index];
        task.stop(Stop {
            code: "ServiceSchedulerInitiated",
            reason: reason.clone(),
        });
        ids.push(format!("(task {})", task.id));
    }
    if !ids.is_empty() {
        let message = format!(
            "has stopped {} running tasks: {}.",
            ids.len(),
            ids.join(" ")
        );
        service.set_event(now, set, &message);
    }
}

/// Launches tasks of a set, unless it is throttled.
pub(crate) fn launch(world: &mut World, service: &mut Service, set: &str, count: u32) {
    let now = world.now;
    let Some(set) = service
        .set(set)
        .filter(|it| count > 0 && now >= it.launch_after)
        .cloned()
    else {
        return;
    };
    if let Some(role) = unusable_role(world, &set) {
        let reason = format!(
            "ECS was unable to assume the role '{role}' that was provided for this task. Please \
             verify that the role being passed has the proper trust relationship and permissions \
             and that your IAM user has permissions to pass this role."
        );
        service.set_event(
            now,
            &set.id,
            &format!("failed to launch a task with (error {reason})."),
        );
        failures::record(
            service,
            &set.id,
            &Stop {
                code: "TaskFailedToStart",
                reason,
            },
            now,
        );
        return;
    }
    let mut ids = Vec::new();
    for _ in 0..count {
        let strategy = set.list("capacityProviderStrategy");
        let provider = launch::provider(strategy, |name| {
            let own = |task: &&Task| {
                task.doc
                    .get("capacityProviderName")
                    .is_some_and(|it| it == name)
            };
            i64::try_from(service.live(&set.id).filter(own).count()).unwrap_or(i64::MAX)
        });
        if !launch::on_fargate(&set.spec, provider.as_deref()) {
            unplaced(service, &set, now);
            break;
        }
        let execute = service
            .doc
            .get("enableExecuteCommand")
            .is_some_and(|it| it == true);
        let Some(task) = launch::launch(
            world,
            &Launch {
                cluster: &service.cluster,
                set: &set.id,
                started_by: Some(&set.id),
                group: &format!("service:{}", service.name),
                spec: &set.spec,
                provider: provider.as_deref(),
                overrides: None,
                execute_command: execute,
            },
        ) else {
            break;
        };
        tag(world, service, &task);
        ids.push(format!("(task {})", task.id));
        service.tasks.push(task);
    }
    if !ids.is_empty() {
        let message = format!("has started {} tasks: {}.", ids.len(), ids.join(" "));
        service.set_event(now, &set.id, &message);
    }
}

/// The first role of the task definition that does not exist. A role may be given by name alone,
/// and then nothing is known of it.
fn unusable_role(world: &World, set: &TaskSet) -> Option<String> {
    let definition = world.ecs.definition(set.text("taskDefinition"))?;
    let roles = ["executionRoleArn", "taskRoleArn"].map(|member| definition.doc.get(member));
    let mut arns = roles.into_iter().flatten().filter_map(Value::as_str);
    arns.find(|role| role.starts_with("arn:") && !world.surroundings.has_role(role))
        .map(str::to_owned)
}

/// There is no container instance to place a task on.
fn unplaced(service: &mut Service, set: &TaskSet, now: Time) {
    if let Some(set) = service.set_mut(&set.id) {
        set.launch_after = now + UNPLACED;
    }
    service.set_event(
        now,
        &set.id,
        "was unable to place a task because no container instance met all of its requirements. \
         Reason: No Container Instances were found in your cluster. For more information, see the \
         Troubleshooting section of the Amazon ECS Developer Guide.",
    );
}

/// Gives a task the tags that `propagateTags` and `enableECSManagedTags` ask for.
fn tag(world: &mut World, service: &Service, task: &Task) {
    let mut tags = match service.doc.get("propagateTags").and_then(Value::as_str) {
        Some("SERVICE") => world
            .ecs
            .tags
            .get(&service.arn)
            .cloned()
            .unwrap_or_default(),
        Some("TASK_DEFINITION") => world
            .ecs
            .tags
            .get(&task.definition)
            .cloned()
            .unwrap_or_default(),
        _ => BTreeMap::new(),
    };
    if service
        .doc
        .get("enableECSManagedTags")
        .is_some_and(|it| it == true)
    {
        tags.insert("aws:ecs:clusterName".to_owned(), service.cluster.clone());
        tags.insert("aws:ecs:serviceName".to_owned(), service.name.clone());
    }
    if !tags.is_empty() {
        world.ecs.tags.insert(task.arn.clone(), tags);
    }
}

//! One-off tasks before and after a rollout (`rollout.tasks`): once for each content, whatever dies meanwhile.

use std::time::Duration;

use evenkeel::controller::preview;
use evenkeel::kinds::Policy;
use evenkeel::manifest::{LoadOptions, load};
use evenkeel::model::{Fail, Outcome, Wait};
use evenkeel::source::Dir;
use serde_json::{Value, json};

use super::console::{self, AUTH, ECS};
use super::rolling::{BREAKER, FILE, SERVICE, worker};
use super::world::{Daemon, World, pass};

const TASKS: &str = "rollout:
  tasks:
    preDeploy: [{name: migrate, command: [./migrate], timeout: 2m}]
    postDeploy: [{name: smoke, command: [./smoke]}]
";

/// The worker with tasks and logs.
async fn with_tasks(seed: u64) -> World {
    let world = worker(BREAKER, seed).await;
    world.edit(
        FILE,
        "kind: Service\nmetadata:\n  name: worker\n",
        &format!("kind: Service\nmetadata:\n  name: worker\n{TASKS}"),
    );
    let logs = "logConfiguration: {logDriver: awslogs, options: {awslogs-group: /ecs/worker, awslogs-region: us-east-1, awslogs-stream-prefix: w}}";
    world.edit(FILE, "worker:v1}", &format!("worker:v1, {logs}}}"));
    world
}

impl World {
    /// How a command of one-off tasks ends from now on.
    fn command_ends(&self, command: &str, exit_code: i64, seconds: u32) {
        let seed = json!({"kind": "SandboxSeed", "apiVersion": "evenkeel.dev/v1alpha1", "metadata": {"name": "commands"},
            "spec": {"commands": [{"command": command, "exitCode": exit_code, "seconds": seconds}]}});
        self.mounted.seed("us-east-1", &[seed]).unwrap();
    }

    async fn change_image(&self, daemon: &Daemon, from: &str, to: &str) {
        self.edit(FILE, &format!("worker:{from},"), &format!("worker:{to},"));
        daemon.look().await;
    }

    /// Gives the worker the retry annotation, in the place of one that it has.
    async fn once_more(&self, daemon: &Daemon, text: &str) {
        let name = "kind: Service\nmetadata:\n  name: worker\n";
        let annotation = format!("  annotations: {{evenkeel.dev/retry: {text}}}\n");
        self.edit(FILE, name, &format!("{name}{annotation}"));
        daemon.look().await;
    }

    /// The starts of tasks and of rollouts in order, with a task's command.
    fn course(&self) -> Vec<String> {
        self.mounted.with(|sandbox| {
            let calls = sandbox.mutations().filter(|call| call.error.is_none());
            let told = calls.filter_map(|call| match call.operation.as_str() {
                "RunTask" => {
                    let at = "/overrides/containerOverrides/0/command/0";
                    Some(call.input.pointer(at)?.as_str()?.to_owned())
                }
                start @ ("CreateService" | "UpdateService" | "CreateDeployment") => {
                    Some(start.to_owned())
                }
                _ => None,
            });
            told.collect()
        })
    }

    /// How many tasks of `RunTask` there have been, by their distinct client tokens.
    fn tokens(&self) -> Vec<String> {
        self.mounted.with(|sandbox| {
            let runs = sandbox
                .mutations()
                .filter(|call| call.operation == "RunTask");
            let mut tokens: Vec<String> = runs
                .map(|call| {
                    call.input["clientToken"]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned()
                })
                .collect();
            tokens.sort();
            tokens.dedup();
            tokens
        })
    }
}

fn task_failed(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failed(Fail::TaskFailed, _))
}

#[track_caller]
fn says(outcome: &Outcome, parts: &[&str]) {
    for part in parts {
        assert!(outcome.message().contains(part), "{part}: {outcome}");
    }
}

#[tokio::test(start_paused = true)]
async fn tasks_run_once_for_each_content_before_and_after_its_rollout() {
    let world = with_tasks(1400).await;
    let daemon = world.daemon().await;
    daemon
        .outcome(SERVICE, |outcome| {
            matches!(outcome, Outcome::Waiting(Wait::TaskRunning, _))
        })
        .await;
    daemon.converged().await;
    let first = ["./migrate", "CreateService", "./smoke"];
    assert_eq!(world.course(), first);
    let events = daemon.board.events().after(0).events;
    for part in [
        "run task migrate before",
        "task migrate runs",
        "task migrate ended well",
    ] {
        let event = events.iter().find(|event| event.text.contains(part));
        let text = &event.unwrap_or_else(|| panic!("{part}: {events:?}")).text;
        assert!(
            text.contains("logs: group /ecs/worker, stream w/worker/"),
            "{text}"
        );
    }
    // What would be run is shown.
    world.edit(FILE, "worker:v1,", "worker:v2,");
    let files = Dir::new(world.folder.path()).read().unwrap().files;
    let set = load(&files, &LoadOptions::default()).set;
    let policy = Policy::default();
    let plans = preview(world.person.aws(), world.clock.clone(), policy, set).await;
    let steps = &plans[&SERVICE.parse().unwrap()].steps;
    let operations: Vec<&str> = steps.iter().map(|step| step.call.operation).collect();
    assert_eq!(operations, ["RunTask", "UpdateService", "RunTask"]);
    daemon.look().await;
    daemon.converged().await;
    let both = [&first[..], &["./migrate", "UpdateService", "./smoke"]].concat();
    assert_eq!(world.course(), both);
    // Back again, after what AWS remembers of tasks is gone, and with an empty memory.
    pass(Duration::from_hours(2)).await;
    daemon.kill();
    let daemon = world.daemon().await;
    daemon.converged().await;
    let reads = world.calls("ListTasks");
    pass(Duration::from_mins(10)).await;
    assert_eq!(
        world.calls("ListTasks"),
        reads,
        "at rest nothing is read of them"
    );
    world.change_image(&daemon, "v2", "v1").await;
    daemon
        .until("the way back", |_| world.count("UpdateService") == 2)
        .await;
    daemon.converged().await;
    assert_eq!(world.course(), [&both[..], &["UpdateService"]].concat());
    assert!(world.runs("v1").await);
}

#[tokio::test(start_paused = true)]
async fn a_failing_migration_keeps_the_rollout_and_what_runs_stays() {
    let world = with_tasks(1410).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.command_ends("./migrate", 3, 30);
    world.change_image(&daemon, "v1", "v2").await;
    let outcome = daemon.outcome(SERVICE, task_failed).await;
    says(
        &outcome,
        &[
            "task migrate before",
            "exited with code 3",
            "group /ecs/worker",
            "evenkeel.dev/retry",
        ],
    );
    // Long after AWS has forgotten the task, and with an empty memory.
    daemon.kill();
    pass(Duration::from_hours(2)).await;
    let daemon = world.daemon().await;
    daemon.outcome(SERVICE, task_failed).await;
    pass(Duration::from_mins(10)).await;
    assert_eq!(
        (world.count("RunTask"), world.count("UpdateService")),
        (3, 0)
    );
    assert!(world.runs("v1").await);
    // A person says to try again; a task that takes too long is stopped.
    world.command_ends("./migrate", 0, 3600);
    world.once_more(&daemon, "one").await;
    let outcome = daemon
        .outcome(SERVICE, |outcome| {
            task_failed(outcome) && outcome.message().contains("over its")
        })
        .await;
    says(&outcome, &["over its time limit of 2m"]);
    assert_eq!(
        (world.count("StopTask"), world.count("UpdateService")),
        (1, 0)
    );
    world.command_ends("./migrate", 0, 30);
    world.edit(FILE, "timeout: 2m", "timeout: 10m");
    daemon.look().await;
    daemon
        .until("the rollout", |_| world.count("UpdateService") == 1)
        .await;
    daemon.converged().await;
    assert!(world.runs("v2").await);
}

/// From nothing to the first version, and on to the second one unless `half`, with a death after the k-th write.
async fn run(crash_after: u64, half: bool) -> World {
    let world = with_tasks(1420).await;
    world.wire.crash_after(crash_after);
    let mut daemon = world.daemon().await;
    for changed in [false, true] {
        if changed && half {
            break;
        }
        if changed {
            world.change_image(&daemon, "v1", "v2").await;
        }
        let tasks = if changed { 4 } else { 2 };
        loop {
            daemon = world.converged_in_spite_of_a_crash(daemon).await;
            // It may have been as declared still when the manifest was changed.
            if world.tokens().len() == tasks {
                break;
            }
            pass(Duration::from_secs(1)).await;
        }
    }
    daemon.converged().await;
    world
}

/// Of all writes those that belong to a task or to a start: their numbers.
fn of_tasks(world: &World) -> Vec<u64> {
    world.mounted.with(|sandbox| {
        let numbered = (1..).zip(sandbox.mutations());
        let of_tasks = numbered.filter(|(_, call)| {
            let tags = call.input["tags"].to_string();
            let marks = tags.contains("evenkeel.dev/task") || tags.contains(".task");
            let starts = ["RunTask", "CreateService", "UpdateService"];
            starts.contains(&call.operation.as_str()) || marks
        });
        of_tasks.map(|(number, _)| number).collect()
    })
}

#[tokio::test(start_paused = true)]
async fn a_death_after_any_write_runs_no_task_twice() {
    let calm = run(0, false).await;
    let course = [
        "./migrate",
        "CreateService",
        "./smoke",
        "./migrate",
        "UpdateService",
        "./smoke",
    ];
    assert_eq!(calm.course(), course);
    let writes = of_tasks(&calm);
    assert_eq!(
        writes.len(),
        4 * 3 + 3,
        "a mark, a start and an end of each, the rollouts, and that the service was made"
    );
    for (nth, k) in writes.into_iter().enumerate() {
        let half = nth < 8;
        let world = run(k, half).await;
        let expected = if half { &course[..3] } else { &course[..] };
        let mut course = world.course();
        // A start that was sent again has the same token, and started nothing more.
        course.dedup();
        assert_eq!(course, expected, "a death after write {k}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_ended_unseen_is_not_run_again() {
    let world = with_tasks(1430).await;
    let daemon = world.daemon().await;
    daemon
        .until("the start", |_| world.count("RunTask") == 1)
        .await;
    daemon.kill();
    pass(Duration::from_hours(2)).await;
    let daemon = world.daemon().await;
    let outcome = daemon.outcome(SERVICE, task_failed).await;
    says(&outcome, &["not known how it ended", "evenkeel.dev/retry"]);
    pass(Duration::from_mins(10)).await;
    assert_eq!(
        (world.count("RunTask"), world.count("CreateService")),
        (1, 0)
    );
    world.once_more(&daemon, "one").await;
    daemon.converged().await;
    assert_eq!(
        world.course()[1..],
        ["./migrate", "CreateService", "./smoke"]
    );
}

#[tokio::test(start_paused = true)]
async fn what_fails_after_a_code_deploy_rollout_is_told_and_takes_nothing_back() {
    let world = World::auth(1440).await;
    let name = "kind: Service\nmetadata:\n  name: auth-service\n";
    world.edit(AUTH, name, &format!("{name}{TASKS}"));
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.command_ends("./smoke", 1, 20);
    world.release(&daemon).await;
    let outcome = daemon.outcome(console::SERVICE, task_failed).await;
    says(
        &outcome,
        &[
            "task smoke after",
            "code 1",
            "group /ecs/nova/auth-service",
            "evenkeel rollback",
        ],
    );
    pass(Duration::from_mins(10)).await;
    let last = ["./migrate", "CreateDeployment", "./smoke"];
    assert_eq!(world.course()[3..], last, "and it is not run again");
    let revision = world.person.primary("nova", "auth-service").await;
    assert!(revision.ends_with(":2"), "{revision}");
    world.command_ends("./smoke", 0, 20);
    world.edit(AUTH, "command: [./smoke]", "command: [./smoke, --fixed]");
    world.command_ends("./smoke --fixed", 0, 20);
    daemon.look().await;
    daemon
        .until("the task", |_| world.count("RunTask") == 5)
        .await;
    daemon.converged().await;
    assert_eq!(world.count("CreateDeployment"), 1);
}

/// The tasks of the worker's cluster that are listed as this.
fn listed(world: &World, status: &str) -> Vec<Value> {
    let ask = json!({"cluster": "nova", "family": "worker", "desiredStatus": status});
    let arns = world.console(ECS, "ListTasks", &ask)["taskArns"].take();
    if arns == json!([]) {
        return Vec::new();
    }
    let ask = json!({"cluster": "nova", "tasks": arns, "include": ["TAGS"]});
    let tasks = world.console(ECS, "DescribeTasks", &ask)["tasks"].take();
    tasks.as_array().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn a_task_that_a_person_stops_has_failed_and_is_not_started_again() {
    let world = with_tasks(1450).await;
    world.image(&json!({"repository": "nova/worker", "tags": ["v3"]}));
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.command_ends("./migrate", 0, 3600);
    world.change_image(&daemon, "v1", "v2").await;
    let waits = |outcome: &Outcome| matches!(outcome, Outcome::Waiting(Wait::TaskRunning, _));
    daemon.outcome(SERVICE, waits).await;
    let running = listed(&world, "RUNNING");
    let ours = |task: &&Value| task["group"].to_string().contains("evenkeel:migrate:");
    let task = running.iter().find(ours).unwrap();
    assert_ne!(task["tags"], json!([]));
    let stop = json!({"cluster": "nova", "task": task["taskArn"], "reason": "wrong database"});
    world.console(ECS, "StopTask", &stop);
    // A newer manifest waits for what is being stopped.
    world.command_ends("./migrate", 0, 30);
    world.change_image(&daemon, "v2", "v3").await;
    assert_eq!(world.count("RunTask"), 3);
    daemon
        .until("the newer task", |_| world.count("RunTask") == 4)
        .await;
    let stopped = listed(&world, "STOPPED");
    let found = stopped.iter().find(|one| one["taskArn"] == task["taskArn"]);
    let found = found.unwrap();
    assert_eq!(
        (&found["lastStatus"], &found["tags"]),
        (&json!("STOPPED"), &json!([]))
    );
    daemon.converged().await;
    // Back to the content of the one that was stopped: its end is known.
    world.change_image(&daemon, "v3", "v2").await;
    let outcome = daemon.outcome(SERVICE, task_failed).await;
    says(
        &outcome,
        &["task migrate before", "wrong database", "UserInitiated"],
    );
    pass(Duration::from_mins(10)).await;
    assert_eq!(world.count("RunTask"), 5, "none for that content again");
    assert!(world.runs("v3").await);
}

#[tokio::test(start_paused = true)]
async fn a_start_that_aws_refuses_for_hours_is_made_when_it_may_be() {
    let world = with_tasks(1460).await;
    world.wire.deny(Some("RunTask"));
    let daemon = world.daemon().await;
    let denied = |outcome: &Outcome| matches!(outcome, Outcome::Failed(Fail::AccessDenied, _));
    daemon.outcome(SERVICE, denied).await;
    pass(Duration::from_hours(3)).await;
    daemon.outcome(SERVICE, denied).await;
    assert_eq!(world.count("CreateService"), 0);
    world.wire.deny(None);
    daemon.converged().await;
    assert_eq!(world.course(), ["./migrate", "CreateService", "./smoke"]);
}

#[tokio::test(start_paused = true)]
async fn a_task_of_a_family_that_is_declared_no_longer_is_found_when_it_has_stopped() {
    let world = with_tasks(1470).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.change_image(&daemon, "v1", "v2").await;
    daemon
        .until("the task", |_| world.count("RunTask") == 3)
        .await;
    daemon.kill();
    world.edit(
        FILE,
        "  networkMode: awsvpc\n",
        "  family: other\n  networkMode: awsvpc\n",
    );
    pass(Duration::from_mins(5)).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let ended = ["./migrate", "./migrate", "UpdateService", "./smoke"];
    assert_eq!(world.course()[3..], ended);
    let arn = "arn:aws:ecs:us-east-1:123456789012:service/nova/worker";
    let ask = json!({"resourceArn": arn});
    let tags = world.console(ECS, "ListTagsForResource", &ask)["tags"].take();
    let mut tags = tags.as_array().unwrap().iter();
    let record = tags.find(|tag| tag["key"] == "evenkeel.dev/task.migrate");
    let record = record.unwrap()["value"].as_str().unwrap();
    assert_eq!(record.matches('+').count(), 3, "{record}");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_deleted_and_made_again_runs_its_tasks_again() {
    let world = with_tasks(1480).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let input = json!({"cluster": "nova", "service": "worker", "force": true});
    world.console(ECS, "DeleteService", &input);
    daemon
        .until("a new one", |_| world.count("CreateService") == 2)
        .await;
    daemon.converged().await;
    let course = ["./migrate", "CreateService", "./smoke"];
    assert_eq!(world.course(), [course, course].concat());
    assert_eq!(
        world.tokens().len(),
        4,
        "no old task was taken for a new one"
    );
}

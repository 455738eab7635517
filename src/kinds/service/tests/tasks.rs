//! One-off tasks before and after rollouts, for every engine alike: what is run, and when. How they end is in
//! `task_ends`.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::tasks::{Found, records_ends};
use super::bench::NOW;
use super::gates::due;
use super::{Bench, Payload};
use crate::kinds::testing::{assert_inert, calls};
use crate::model::{Kind, Moment, Outcome, Plan, Seen, Step};

const SECRET: &str = "hunter2";

pub(super) fn tasks() -> Value {
    json!({
        "preDeploy": [
            {"name": "migrate", "command": ["./migrate", SECRET], "timeout": "10m"},
            {"name": "index", "overrides": {"containerOverrides": [
                {"name": "web", "command": ["./index"], "environment": [{"name": "PW", "value": SECRET}]}]}},
        ],
        "postDeploy": [{"name": "smoke", "container": "web", "command": ["./smoke"]}],
    })
}

/// A bench at a time, with what AWS would know of its tasks.
pub(super) struct Stage {
    pub(super) bench: Bench,
    pub(super) now: Moment,
    pub(super) tasks: Vec<Value>,
    definition: Value,
}

impl Stage {
    pub(super) fn new(mut bench: Bench) -> Self {
        let section = json!({"tasks": tasks()});
        bench.scene = bench.scene.beside(Kind::Service, "web", "rollout", section);
        Self {
            bench,
            now: NOW,
            tasks: Vec::new(),
            definition: json!({"tags": [], "taskDefinition": {"containerDefinitions": [
                {"name": "web", "logConfiguration": {"logDriver": "awslogs", "options":
                    {"awslogs-group": "/ecs/web", "awslogs-stream-prefix": "w"}}},
                {"name": "log", "essential": false}]}}),
        }
    }

    /// One that is as declared.
    pub(super) fn converged() -> Self {
        let mut bench = Bench::rolling(Payload::A, Payload::A, "COMPLETED");
        let attempt = bench.attempt();
        bench.tag(&attempt);
        Self::new(bench)
    }

    pub(super) fn see(&mut self) {
        let definition = Seen::Present(self.definition.clone());
        let arns = Payload::ALL.map(|payload| payload.task_definition().to_owned());
        self.bench.observed.tasks = Some(Found {
            tasks: Seen::Present(self.tasks.clone()),
            definitions: arns.map(|arn| (arn, definition.clone())).into(),
        });
    }

    pub(super) fn plan(&mut self) -> Plan {
        self.see();
        self.bench.plan_at(self.now)
    }

    /// The plan, carried out as far as tasks and tags are about it.
    pub(super) fn step(&mut self) -> Plan {
        let plan = self.plan();
        for step in &plan.steps {
            self.carry_out(step);
        }
        plan
    }

    pub(super) fn carry_out(&mut self, step: &Step) {
        let input = &step.call.input;
        match step.call.operation {
            "TagResource" => {
                let arn = input["resourceArn"].as_str().unwrap();
                let holder = if arn.contains(":service/") {
                    self.bench.live()
                } else {
                    &mut self.definition
                };
                let tags = holder["tags"].as_array_mut().unwrap();
                for tag in input["tags"].as_array().unwrap() {
                    tags.retain(|known| known["key"] != tag["key"]);
                    tags.push(tag.clone());
                }
            }
            "RunTask" => self.tasks.push(json!({
                "taskArn": format!("arn:aws:ecs:us-east-1:123456789012:task/main/{}", self.tasks.len()),
                "taskDefinitionArn": input["taskDefinition"], "group": input["group"],
                "overrides": input["overrides"], "createdAt": self.now.seconds(),
                "lastStatus": "RUNNING", "desiredStatus": "RUNNING",
            })),
            "StopTask" => self.last()["desiredStatus"] = json!("STOPPED"),
            _ => {}
        }
    }

    pub(super) fn last(&mut self) -> &mut Value {
        self.tasks.last_mut().unwrap()
    }

    /// The last task ends.
    pub(super) fn end(&mut self, code: i64) {
        let task = self.last();
        task["lastStatus"] = json!("STOPPED");
        task["stopCode"] = json!("EssentialContainerExited");
        task["stoppedReason"] = json!("Essential container in task exited");
        task["containers"] = json!([{"name": "web", "exitCode": code}]);
    }

    /// The next task is started, runs, ends, and its end is recorded.
    pub(super) fn runs(&mut self, name: &str, code: i64) {
        let plan = self.step();
        assert_eq!(calls(&plan).last().unwrap().0, "RunTask", "{plan:?}");
        let why = plan.outcome.message();
        assert!(why.contains(&format!("run task {name} ")), "{why}");
        assert_inert(&self.step(), "TaskRunning");
        self.end(code);
        let plan = self.step();
        assert_eq!(plan.steps.len(), 1, "{plan:?}");
        assert!(records_ends(&plan.steps[0]), "{plan:?}");
        assert_eq!(plan.outcome.reason(), "Progressing");
        self.forget();
    }

    /// An hour goes by.
    pub(super) fn forget(&mut self) {
        self.now = self.now.plus(Duration::from_hours(2));
        self.tasks.clear();
    }
}

pub(super) fn secretly(plan: &Plan) {
    let told = [plan.outcome.message()]
        .into_iter()
        .chain(plan.steps.iter().map(|step| step.why.as_str()));
    for text in told {
        assert!(!text.contains(SECRET), "{text}");
    }
}

#[test]
fn every_engine_runs_the_tasks_in_order_once_and_then_starts() {
    for (bench, operation) in due() {
        let mut stage = Stage::new(bench);
        stage.runs("migrate", 0);
        stage.runs("index", 0);
        let plan = stage.plan();
        let mut calls = calls(&plan);
        if operation == "CreateService" {
            let (last, emptied) = calls.pop().unwrap();
            assert_eq!(
                (last, &emptied["resourceArn"]),
                ("TagResource", &json!(Payload::A.task_definition()))
            );
            let tags = calls.last().unwrap().1["tags"].to_string();
            for name in ["migrate", "index"] {
                assert!(
                    tags.contains(&format!("evenkeel.dev/task.{name}")),
                    "{tags}"
                );
            }
        }
        assert_eq!(calls.pop().unwrap().0, operation);
    }
}

#[test]
fn a_service_that_is_made_anew_runs_its_tasks_anew() {
    let (bench, _) = due().remove(2);
    let mut stage = Stage::new(bench);
    let first = calls(&stage.step()).pop().unwrap().1.clone();
    stage.end(0);
    stage.step();
    stage.runs("index", 0);
    stage.step();
    // It was made and is deleted again, all within the hour in which AWS remembers the first task.
    let mut again = json!({"taskArn": "arn:aws:ecs:us-east-1:123456789012:task/main/9", "group": first["group"],
        "taskDefinitionArn": first["taskDefinition"], "lastStatus": "STOPPED", "desiredStatus": "STOPPED",
        "stopCode": "EssentialContainerExited", "containers": [{"name": "web", "exitCode": 0}]});
    stage.tasks.push(again.clone());
    let plan = stage.step();
    let (run, input) = calls(&plan).pop().unwrap();
    assert_eq!((run, &input["overrides"]), ("RunTask", &first["overrides"]));
    assert_ne!(
        input["clientToken"], first["clientToken"],
        "AWS would answer with the old one"
    );
    // One of the first that runs still is waited for all the same.
    stage.tasks.clear();
    again["lastStatus"] = json!("RUNNING");
    again["desiredStatus"] = json!("RUNNING");
    stage.tasks.push(again);
    assert_inert(&stage.plan(), "TaskRunning");
}

#[test]
fn what_another_service_remembers_on_the_same_revision_says_nothing() {
    let (bench, _) = due().remove(2);
    let mut stage = Stage::new(bench);
    stage.step();
    let mut tags = stage.definition["tags"].to_string();
    let scope = &tags["[{\"key\":\"evenkeel.dev/".len()..][..12].to_owned();
    tags = tags
        .replace(scope, "ba9876543210")
        .replace("task-started", "task-failed");
    stage.definition["tags"] = serde_json::from_str(&tags).unwrap();
    assert_eq!(stage.definition["tags"].as_array().unwrap().len(), 1);
    stage.tasks.clear();
    stage.runs("migrate", 0);
    stage.runs("index", 0);
    let plan = stage.plan();
    let (_, input) = calls(&plan)
        .into_iter()
        .find(|(name, _)| *name == "CreateService")
        .unwrap();
    assert!(
        !input["tags"].to_string().contains("task-failed"),
        "{input}"
    );
}

#[test]
fn a_record_that_has_no_room_is_told_before_anything_is_started() {
    let (bench, operation) = due().remove(1);
    let mut stage = Stage::new(bench);
    let theirs = (0..45).map(|n| json!({"key": format!("theirs-{n}"), "value": ""}));
    stage.bench.live()["tags"] = theirs.collect();
    // Five for three tasks, and one that it has already.
    let plan = stage.plan();
    assert_inert(&plan, "Unsupported");
    assert!(
        plan.outcome.message().contains("51 tags of web"),
        "{plan:?}"
    );
    stage.bench.live()["tags"].as_array_mut().unwrap().pop();
    stage.runs("migrate", 0);
    stage.runs("index", 0);
    assert_eq!(calls(&stage.plan()).pop().unwrap().0, operation);
}

#[test]
fn a_service_is_made_with_what_its_tasks_did_and_fifty_tags_at_most() {
    let (mut bench, _) = due().remove(2);
    let declared: Vec<Value> = (0..46)
        .map(|n| json!({"key": format!("a{n}"), "value": ""}))
        .collect();
    bench.spec()["tags"] = json!(declared);
    let mut stage = Stage::new(bench);
    stage.runs("migrate", 0);
    stage.runs("index", 0);
    let plan = stage.plan();
    let (_, input) = calls(&plan)
        .into_iter()
        .find(|(name, _)| *name == "CreateService")
        .unwrap();
    let tags = input["tags"].as_array().unwrap();
    assert_eq!((tags.len(), &tags[..46]), (50, &declared[..]));
    let keys = tags.iter().map(|tag| tag["key"].as_str().unwrap());
    let ours = keys
        .filter(|key| key.starts_with("evenkeel.dev/task"))
        .count();
    assert_eq!(ours, 3, "{input}");
}

#[test]
fn manifests_are_checked_for_as_many_tags_as_there_are() {
    use super::super::{UPDATE_TAGS, mark};
    use crate::kinds::marks::{PRUNE_TAG, SOURCE_TAG};
    use crate::kinds::{AGREED_TAG, COMMIT_TAG, DIGEST_TAG, HOLD_TAG, INSTANCE_TAG, MEMBERS_TAG};
    let of_a_service = [
        &UPDATE_TAGS[..],
        &[INSTANCE_TAG, MEMBERS_TAG, AGREED_TAG, HOLD_TAG],
        &[SOURCE_TAG, PRUNE_TAG, COMMIT_TAG],
        &[mark::TAKEN_BACK_TAG, mark::APPROVED_TAG],
    ];
    let different: BTreeSet<&str> = of_a_service.concat().into_iter().collect();
    assert_eq!(different.len(), crate::manifest::OWN_TAGS);
    let of_a_revision = [DIGEST_TAG, INSTANCE_TAG, COMMIT_TAG];
    assert_eq!(of_a_revision.len(), crate::manifest::OWN_TAGS_OF_A_REVISION);
}

#[test]
fn a_task_is_run_on_the_new_revision_as_the_service_runs() {
    let (bench, _) = due().remove(1);
    let mut stage = Stage::new(bench);
    let plan = stage.step();
    secretly(&plan);
    let [(mark, record), (run, input)] = &calls(&plan)[..] else {
        panic!("{plan:?}")
    };
    assert_eq!((*mark, *run), ("TagResource", "RunTask"));
    assert_eq!(record["tags"][0]["key"], "evenkeel.dev/task-started");
    assert_eq!(input["taskDefinition"], Payload::B.task_definition());
    assert_eq!(input["launchType"], "FARGATE");
    assert_eq!(input["platformVersion"], "1.4.0");
    assert_eq!(input["networkConfiguration"], super::bench::network());
    assert_eq!(
        input["overrides"],
        json!({"containerOverrides": [{"name": "web", "command": ["./migrate", SECRET]}]})
    );
    let starter = input["startedBy"].as_str().unwrap();
    assert!(
        starter.starts_with("evenkeel-web-") && starter.len() <= 36,
        "{starter}"
    );
    assert!(input["clientToken"].as_str().unwrap().len() <= 64);
    let tags = input["tags"].to_string();
    for part in ["evenkeel.dev/instance", "evenkeel.dev/declared"] {
        assert!(tags.contains(part), "{tags}");
    }
    let group = input["group"].as_str().unwrap();
    assert!(
        group.starts_with("evenkeel:migrate:") && group.len() < 128,
        "{group}"
    );
    let why = plan.outcome.message();
    assert!(
        why.contains("container web of web:2; logs: group /ecs/web, stream w/web/TASK"),
        "{why}"
    );
    let plan = stage.step();
    let why = plan.outcome.message();
    assert!(
        why.contains("logs: group /ecs/web, stream w/web/0"),
        "{why}"
    );
}

#[test]
fn a_container_that_cannot_be_told_is_asked_for() {
    let (bench, _) = due().remove(1);
    let mut stage = Stage::new(bench);
    stage.definition["taskDefinition"]["containerDefinitions"][1] = json!({"name": "log"});
    let plan = stage.plan();
    assert_inert(&plan, "ManifestInvalid");
    assert!(plan.outcome.message().contains("(web, log)"), "{plan:?}");
}

#[test]
fn what_comes_after_runs_once_all_is_well_and_its_failure_is_the_services() {
    let mut stage = Stage::converged();
    assert_inert(&stage.bench.plan_at(NOW), "ObservationUnknown");
    stage.runs("smoke", 2);
    let plan = stage.plan();
    assert_inert(&plan, "TaskFailed");
    let why = plan.outcome.message();
    for part in [
        "task smoke after",
        "code 2",
        "evenkeel rollback Service/web",
    ] {
        assert!(why.contains(part), "{why}");
    }
    assert!(!plan.facts.unwrap().settled, "who comes after waits");
    stage.bench.retry("again");
    let attempt = stage.bench.attempt();
    let tags = stage.bench.live()["tags"].as_array_mut().unwrap();
    tags.retain(|tag| tag["key"] != super::super::DECLARED_TAG);
    tags.push(json!({"key": super::super::DECLARED_TAG, "value": attempt}));
    stage.runs("smoke", 0);
    stage.bench.observed.tasks = None;
    let plan = stage.bench.plan_at(NOW);
    assert_eq!((plan.outcome, plan.steps), (Outcome::Converged, vec![]));
}

#[test]
fn a_preview_shows_every_task_that_would_run() {
    for (bench, operation) in due() {
        let mut stage = Stage::new(bench);
        stage.bench.scene.policy.in_the_end = true;
        let plan = stage.plan();
        secretly(&plan);
        let operations: Vec<&str> = calls(&plan).iter().map(|(name, _)| *name).collect();
        let first = operations.iter().position(|one| *one == "RunTask").unwrap();
        assert_eq!(
            operations[first..],
            ["RunTask", "RunTask", operation, "RunTask"]
        );
        stage.bench.scene.policy.in_the_end = false;
        stage.runs("migrate", 3);
        stage.bench.scene.policy.in_the_end = true;
        let plan = stage.plan();
        let start = plan
            .steps
            .iter()
            .find(|step| step.call.operation == operation);
        let why = &start.unwrap().why;
        assert!(why.contains("; not yet: task migrate"), "{why}");
    }
    let mut stage = Stage::converged();
    stage.bench.scene.policy.in_the_end = true;
    let plan = stage.plan();
    assert_eq!(calls(&plan)[0].0, "RunTask");
    assert_eq!(plan.steps.len(), 1, "{plan:?}");
}

//! How one-off tasks end, for every engine alike: failures, time limits, starts that AWS refuses, what is not known, and the
//! record of it all.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::tasks::{Found, records_ends};
use super::bench::NOW;
use super::gates::{behind_db, due};
use super::tasks::{Stage, secretly, tasks};
use crate::kinds::testing::{assert_inert, calls};
use crate::model::{Kind, Seen};

#[test]
fn a_task_that_failed_is_told_and_not_run_again_until_a_person_says_so() {
    for (bench, operation) in due() {
        let mut stage = Stage::new(bench);
        stage.runs("migrate", 3);
        let plan = stage.plan();
        assert_inert(&plan, "TaskFailed");
        secretly(&plan);
        let why = plan.outcome.message();
        for part in [
            "task migrate before",
            "exited with code 3",
            "group /ecs/web",
            "stream w/web/0",
            "evenkeel.dev/retry",
        ] {
            assert!(why.contains(part), "{operation}: {why}");
        }
        stage.bench.retry("again");
        stage.runs("migrate", 0);
        stage.runs("index", 1);
        assert_inert(&stage.plan(), "TaskFailed");
        // What has ended well is not run again for the same content.
        stage.bench.retry("once more");
        stage.runs("index", 0);
        let plan = stage.plan();
        let starts = |(name, _): &(&str, Value)| *name == operation;
        assert!(calls(&plan).iter().any(starts), "{plan:?}");
    }
}

#[test]
fn another_time_limit_or_command_is_another_attempt() {
    let (bench, _) = due().remove(1);
    let mut stage = Stage::new(bench);
    stage.runs("migrate", 3);
    let mut other = tasks();
    other["preDeploy"][0]["timeout"] = json!("20m");
    let section = json!({"tasks": other});
    let scene = std::mem::take(&mut stage.bench.scene);
    stage.bench.scene = scene.beside(Kind::Service, "web", "rollout", section);
    stage.runs("migrate", 3);
    other["preDeploy"][0]["command"] = json!(["./migrate", "--fixed"]);
    let section = json!({"tasks": other});
    let scene = std::mem::take(&mut stage.bench.scene);
    stage.bench.scene = scene.beside(Kind::Service, "web", "rollout", section);
    stage.runs("migrate", 0);
}

#[test]
fn what_is_not_known_of_the_tasks_starts_nothing() {
    for (bench, _) in due() {
        let stage = Stage::new(bench);
        assert_inert(&stage.bench.plan_at(NOW), "ObservationUnknown");
        let mut unknown = stage;
        unknown.bench.observed.tasks = Some(Found {
            tasks: Seen::Unknown("timeout".to_owned()),
            definitions: BTreeMap::new(),
        });
        let plan = unknown.bench.plan_at(NOW);
        assert_inert(&plan, "ObservationUnknown");
        assert!(plan.outcome.message().contains("timeout"), "{plan:?}");
    }
}

#[test]
fn a_task_that_takes_too_long_is_stopped_once_and_has_failed() {
    let (bench, _) = due().remove(1);
    let mut stage = Stage::new(bench);
    stage.step();
    stage.now = stage.now.plus(Duration::from_secs(599));
    assert_inert(&stage.plan(), "TaskRunning");
    stage.now = stage.now.plus(Duration::from_secs(1));
    let plan = stage.step();
    assert_eq!(calls(&plan)[0].0, "StopTask", "{plan:?}");
    assert!(
        plan.outcome.message().contains("time limit of 10m"),
        "{plan:?}"
    );
    assert_inert(&stage.plan(), "TaskRunning");
    // What stops on SIGTERM may say that all is well.
    stage.end(0);
    stage.last()["stopCode"] = json!("UserInitiated");
    stage.last()["stoppedReason"] = json!("evenkeel: over its time limit of 10m");
    stage.step();
    let plan = stage.plan();
    assert_inert(&plan, "TaskFailed");
    assert!(
        plan.outcome.message().contains("over its time limit"),
        "{plan:?}"
    );
}

#[test]
fn a_start_is_sent_again_under_a_new_mark_for_as_long_as_aws_refuses() {
    for (bench, _) in due() {
        let mut stage = Stage::new(bench);
        let plan = stage.step();
        let [(_, mark), first] = &calls(&plan)[..] else {
            panic!("{plan:?}")
        };
        for _ in 0..4 {
            stage.tasks.clear();
            stage.now = stage.now.plus(Duration::from_mins(59));
            let plan = stage.step();
            let [(tag, again), second] = &calls(&plan)[..] else {
                panic!("{plan:?}")
            };
            assert_eq!(second, first, "the same again, with the same token");
            assert_eq!(
                (*tag, &again["tags"][0]["key"]),
                ("TagResource", &mark["tags"][0]["key"])
            );
            assert_ne!(again, mark, "another time");
        }
        // The last one was accepted after all.
        assert_inert(&stage.plan(), "TaskRunning");
        // A newer content waits from the last time on, not from the first.
        stage.tasks.clear();
        for facts in stage.bench.scene.facts.values_mut() {
            facts.digest = Some("v1:cccccccccccccccccccccccccccccccc".to_owned());
        }
        stage.now = stage.now.plus(Duration::from_secs(59));
        assert_inert(&stage.plan(), "TaskRunning");
        stage.now = stage.now.plus(Duration::from_secs(1));
        let plan = stage.plan();
        assert_eq!(calls(&plan).pop().unwrap().0, "RunTask");
        assert_ne!(calls(&plan).pop().as_ref(), Some(first));
    }
}

#[test]
fn what_aws_knows_nothing_of_for_an_hour_has_failed_until_something_is_seen_of_it() {
    for (seen, reason) in [(0, None), (3, Some("exited with code 3"))] {
        for (bench, _) in due() {
            let mut stage = Stage::new(bench);
            stage.step();
            let task = std::mem::take(&mut stage.tasks);
            stage.now = stage.now.plus(Duration::from_hours(1));
            assert!(records_ends(&stage.step().steps[0]));
            let plan = stage.plan();
            assert_inert(&plan, "TaskFailed");
            for part in ["not known how it ended", "nor whether AWS started it"] {
                assert!(plan.outcome.message().contains(part), "{plan:?}");
            }
            stage.tasks = task;
            stage.last()["createdAt"] = json!(stage.now.seconds());
            assert_inert(&stage.plan(), "TaskRunning");
            stage.end(seen);
            assert!(records_ends(&stage.step().steps[0]));
            match reason {
                None => stage.runs("index", 0),
                Some(reason) => {
                    let plan = stage.plan();
                    assert_inert(&plan, "TaskFailed");
                    assert!(plan.outcome.message().contains(reason), "{plan:?}");
                }
            }
        }
    }
}

#[test]
fn how_a_task_ended_is_recorded_before_anything_that_may_fail() {
    let mut stage = Stage::converged();
    stage.step();
    assert!(stage.plan().outcome.message().contains("task smoke runs"));
    stage.end(0);
    // The tag of what is declared is gone: that is written too.
    let tags = stage.bench.live()["tags"].as_array_mut().unwrap();
    tags.retain(|tag| tag["key"] != super::super::DECLARED_TAG);
    let plan = stage.plan();
    assert!(plan.steps.len() > 1, "{plan:?}");
    assert!(records_ends(&plan.steps[0]), "{plan:?}");
}

#[test]
fn a_newer_content_waits_for_the_task_of_an_older_one_and_its_end_is_kept() {
    let (bench, _) = due().remove(1);
    let mut stage = Stage::new(bench);
    stage.step();
    let older = stage.bench.scene.facts.clone();
    for facts in stage.bench.scene.facts.values_mut() {
        facts.digest = Some("v1:cccccccccccccccccccccccccccccccc".to_owned());
    }
    assert_inert(&stage.plan(), "TaskRunning");
    stage.end(0);
    assert!(records_ends(&stage.step().steps[0]));
    stage.forget();
    stage.runs("migrate", 0);
    // Back to the older one.
    stage.bench.scene.facts = older;
    stage.runs("index", 0);
}

#[test]
fn how_a_task_ended_is_recorded_although_another_gate_has_shut() {
    let (bench, _) = due().remove(1);
    let mut stage = Stage::new(bench);
    stage.step();
    let both = json!({"tasks": tasks(), "dependsOn": ["db"]});
    stage.bench = behind_db(stage.bench, false);
    let scene = std::mem::take(&mut stage.bench.scene);
    stage.bench.scene = scene.beside(Kind::Service, "web", "rollout", both);
    assert_inert(&stage.plan(), "DependencyNotReady");
    stage.end(0);
    let plan = stage.step();
    assert!(
        plan.steps.len() == 1 && records_ends(&plan.steps[0]),
        "{plan:?}"
    );
    assert_inert(&stage.plan(), "DependencyNotReady");
}

#[test]
fn the_end_is_recorded_and_waited_for_when_the_manifest_has_no_tasks_any_more() {
    let (bench, operation) = due().remove(1);
    let mut stage = Stage::new(bench);
    stage.step();
    let scene = std::mem::take(&mut stage.bench.scene);
    stage.bench.scene = scene.beside(Kind::Service, "web", "rollout", json!({}));
    assert_inert(&stage.plan(), "TaskRunning");
    stage.end(1);
    assert!(records_ends(&stage.step().steps[0]));
    assert_eq!(calls(&stage.plan()).pop().unwrap().0, operation);
}

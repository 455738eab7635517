//! `rollout.retries`, row by row.

use serde_json::{Value, json};

use super::bench::NOW;
use super::{Bench, Payload, deployment};
use crate::kinds::testing::{assert_inert, only_call};
use crate::model::{Key, Kind, Moment, Seen};

use Payload::{A, B};

/// A bench that declares B with so many retries and runs A; the newest deployments of B failed at this event, the
/// last one so many seconds ago.
fn failed(retries: u64, times: usize, event: &str, ago: f64) -> Bench {
    let mut bench = Bench::blue_green(B, A);
    let key = Key::new(Kind::Service, "web");
    let resource = bench.scene.set.resources.get_mut(&key).unwrap();
    let rollout = json!({"retries": retries});
    resource.beside.insert("rollout".to_owned(), rollout);
    let attempt = bench.attempt();
    bench.tag(&attempt);
    let one = |number: usize| {
        let mut one = deployment(&format!("d-{number}"), &attempt, "Failed");
        one["errorInformation"] = json!({"code": "TIMEOUT", "message": "no steady state"});
        one["completeTime"] = json!(NOW.seconds() - ago);
        one
    };
    bench.deployments((1..=times).rev().map(one).collect());
    let names = [
        "BeforeInstall",
        "Install",
        "BeforeAllowTraffic",
        "AllowTraffic",
        "AfterAllowTraffic",
    ];
    let at = names.iter().position(|name| *name == event).unwrap();
    let status = |index: usize| match index.cmp(&at) {
        std::cmp::Ordering::Less => "Succeeded",
        std::cmp::Ordering::Equal => "Failed",
        std::cmp::Ordering::Greater => "Skipped",
    };
    let events: Vec<Value> = names
        .iter()
        .enumerate()
        .map(|(index, name)| json!({"lifecycleEventName": name, "status": status(index)}))
        .collect();
    let target = json!({"deploymentId": format!("d-{times}"), "lifecycleEvents": events});
    bench.observed.target = Seen::Present(target);
    bench
}

fn newest(bench: &mut Bench) -> &mut Value {
    match &mut bench.observed.history {
        Some(Seen::Present(history)) => &mut history[0],
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_failed_before_traffic_moved_is_started_again_so_often_as_is_declared() {
    for (retries, times, again) in [
        (0, 1, false),
        (1, 1, true),
        (1, 2, false),
        (3, 3, true),
        (3, 4, false),
    ] {
        let bench = failed(retries, times, "Install", 600.0);
        let plan = bench.plan();
        if again {
            assert_eq!(only_call(&plan).0, "CreateDeployment", "{retries} {times}");
            // A write of its own, not one that is made again and again.
            let described = &only_call(&plan).1["description"];
            let number = format!(" retry={times}");
            assert!(described.as_str().unwrap().contains(&number), "{described}");
            let told = format!("retry {times} of {retries} times");
            assert!(plan.outcome.message().contains(&told), "{}", plan.outcome);
        } else {
            assert_inert(&plan, "RolloutFailed");
            let message = plan.outcome.message();
            assert!(message.contains("not tried again"), "{message}");
        }
    }
}

#[test]
fn a_retry_waits_longer_and_longer_after_the_end_of_the_last_attempt() {
    for (times, ago, starts) in [
        (1, 4.0, false),
        (1, 5.0, true),
        (2, 9.0, false),
        (2, 10.0, true),
        (5, 79.0, false),
        (5, 80.0, true),
    ] {
        let plan = failed(5, times, "Install", ago).plan();
        assert_eq!(!plan.steps.is_empty(), starts, "{times} {ago}");
        if !starts {
            assert_inert(&plan, "RolloutFailed");
            let message = plan.outcome.message();
            assert!(message.contains("it is tried again at"), "{message}");
            let left = plan.again.map(|again| again.since(NOW).as_millis());
            assert_eq!(left, Some(1000), "{times} {ago}");
        }
    }
}

/// Slowly, after those, for as long as is declared after the first one failed.
#[test]
fn after_the_retries_it_is_tried_ever_so_often_for_a_while() {
    for (retries, times, minutes, starts, told) in [
        (0, 1, 14.0, false, "tried again at"),
        (0, 1, 15.0, true, "no more after"),
        (1, 1, 1.0, true, "1 of 1 times"),
        (1, 2, 14.0, false, "tried again at"),
        (1, 2, 15.0, true, "no more after"),
        (1, 7, 15.0, true, "no more after"),
        // The first one failed an hour before the last.
        (1, 9, 15.0, false, "not tried again"),
    ] {
        let mut bench = failed(retries, times, "Install", minutes * 60.0);
        let rollout = json!({"retries": retries, "retryFor": "1h"});
        bench.scene = bench.scene.beside(Kind::Service, "web", "rollout", rollout);
        if let Some(Seen::Present(history)) = &mut bench.observed.history {
            for (index, one) in history.iter_mut().enumerate() {
                let minutes = u32::try_from(index).unwrap() * 7;
                let at = one["completeTime"].as_f64().unwrap() - f64::from(minutes) * 60.0;
                one["completeTime"] = json!(at);
            }
        }
        let plan = bench.plan();
        assert_eq!(
            !plan.steps.is_empty(),
            starts,
            "{retries} {times} {minutes}: {plan:?}"
        );
        assert!(plan.outcome.message().contains(told), "{}", plan.outcome);
    }
}

#[test]
fn what_is_a_word_on_the_content_or_may_have_moved_traffic_is_not_started_again() {
    let never = |what: &str, bench: &Bench| {
        let plan = bench.plan();
        assert!(plan.steps.is_empty(), "{what}: {plan:?}");
        assert!(
            plan.outcome.message().contains("not tried again"),
            "{what}: {}",
            plan.outcome
        );
    };
    let early = || failed(3, 1, "Install", 600.0);
    assert_eq!(only_call(&early().plan()).0, "CreateDeployment");
    for event in ["AllowTraffic", "AfterAllowTraffic"] {
        never(event, &failed(3, 1, event, 600.0));
    }
    for code in ["ALARM_ACTIVE", "HOOK_EXECUTION_FAILURE", "MANUAL_STOP"] {
        let mut bench = early();
        newest(&mut bench)["errorInformation"]["code"] = json!(code);
        never(code, &bench);
    }
    let mut stopped = early();
    newest(&mut stopped)["status"] = json!("Stopped");
    never("stopped", &stopped);
    for target in [
        Seen::Absent,
        Seen::Unknown("no".to_owned()),
        Seen::Present(json!({"deploymentId": "d-9"})),
    ] {
        let mut bench = early();
        bench.observed.target = target;
        never("where it failed is not known", &bench);
    }
    let mut moved = early();
    if let Seen::Present(target) = &mut moved.observed.target {
        target["taskSetsInfo"] = json!([{"taskSetLabel": "Green", "trafficWeight": 10.0}]);
    }
    never("weight on the new tasks", &moved);
    // Somebody deployed since.
    let mut later = early();
    if let Some(Seen::Present(history)) = &mut later.observed.history {
        history.insert(0, deployment("d-9", "v1:other", "Succeeded"));
    }
    let plan = later.plan();
    assert_inert(&plan, "Quarantined");
}

/// A retry is a start as any other.
#[test]
fn a_retry_starts_only_from_where_traffic_should_be() {
    let mut bench = failed(1, 1, "Install", 600.0);
    bench.weigh("production", [50, 50]);
    assert_inert(&bench.plan(), "TrafficMismatch");
    // A rollback that followed is no other rollout.
    let mut back = failed(1, 1, "Install", 600.0);
    let rollback = json!({"deploymentId": "d-9", "status": "Succeeded", "creator": "codeDeployRollback",
        "rollbackInfo": {"rollbackTriggeringDeploymentId": "d-1"}});
    if let Some(Seen::Present(history)) = &mut back.observed.history {
        history.insert(0, rollback.clone());
    }
    back.observed.deployment = Some(Seen::Present(rollback));
    back.drifting_since = Some(Moment(0));
    assert_eq!(only_call(&back.plan()).0, "CreateDeployment");
}

//! Contents that failed, noted while AWS tells of them and left alone when it does not any more.

use serde_json::{Value, json};

use super::super::failed::TAG;
use super::bench::{NOW, SERVICE, network};
use super::{Bench, Payload, deployment};
use crate::kinds::testing::calls;
use crate::model::Seen;

const DAY: i64 = 24 * 60 * 60;

/// Content that is declared, was started once, and is not live.
fn by_code_deploy(history: impl FnOnce(&str) -> Vec<Value>) -> Bench {
    let mut bench = Bench::blue_green(Payload::B, Payload::A);
    let attempt = bench.attempt();
    bench.tag(&attempt);
    bench.deployments(history(&attempt));
    bench
}

fn by_ecs(history: Vec<Value>) -> Bench {
    let mut bench = Bench::rolling(Payload::B, Payload::A, "COMPLETED");
    let attempt = bench.attempt();
    bench.tag(&attempt);
    bench.observed.service_deployments = Some(Seen::Present(history.into()));
    bench
}

/// A service deployment of this content that was rolled back, or went well, so long ago.
fn rolled(payload: Payload, good: bool, ago: i64) -> Value {
    let status = if good {
        "SUCCESSFUL"
    } else {
        "ROLLBACK_SUCCESSFUL"
    };
    let mut one = json!({"serviceDeploymentArn": format!("arn:d/{ago}"), "status": status,
        "finishedAt": NOW.seconds() - seconds(ago),
        "revision": {"taskDefinition": payload.task_definition(), "platformVersion": "1.4.0",
            "networkConfiguration": network()}});
    if !good {
        one["rollback"] = json!({"reason": "tasks failed"});
    }
    one
}

fn seconds(whole: i64) -> f64 {
    f64::from(i32::try_from(whole).unwrap())
}

fn note(bench: &mut Bench, digests: &str) {
    let tag = json!({"key": TAG, "value": digests});
    bench.live()["tags"].as_array_mut().unwrap().push(tag);
}

fn noted(bench: &Bench) -> Option<String> {
    calls(&bench.plan()).iter().find_map(|(operation, input)| {
        let tag = &input["tags"][0];
        (*operation == "TagResource" && tag["key"] == TAG)
            .then(|| tag["value"].as_str().unwrap().to_owned())
    })
}

fn failed(ago: i64) -> impl Fn(&str) -> Vec<Value> {
    move |attempt| {
        let mut one = deployment("d-1", attempt, "Failed");
        one["completeTime"] = json!(NOW.seconds() - seconds(ago));
        vec![one]
    }
}

#[test]
fn a_failure_is_noted_after_a_day_or_behind_many_deployments() {
    for (ago, is_noted) in [(60, false), (DAY - 1, false), (DAY, true), (20 * DAY, true)] {
        let code_deploy = by_code_deploy(failed(ago));
        let ecs = by_ecs(vec![
            rolled(Payload::B, false, ago),
            rolled(Payload::A, true, 90 * DAY),
        ]);
        for mut bench in [code_deploy, ecs] {
            let attempt = bench.attempt();
            assert_eq!(noted(&bench), is_noted.then(|| attempt.clone()), "{ago}");
            assert_ne!(bench.plan().outcome.reason(), "Converged");
            note(&mut bench, &attempt);
            assert_eq!(noted(&bench), None, "once");
        }
    }
    for newer in [4, 5] {
        let mut history: Vec<Value> = (0..newer).map(|n| rolled(Payload::A, true, n)).collect();
        history.push(rolled(Payload::B, false, 60));
        assert_eq!(noted(&by_ecs(history)).is_some(), newer == 5);
    }
}

#[test]
fn the_note_forgets_the_oldest() {
    let mut bench = by_code_deploy(failed(DAY));
    let old: Vec<String> = (0..7).map(|n| format!("v1:{n:032}")).collect();
    note(&mut bench, &old.join(" "));
    let value = noted(&bench).unwrap();
    assert!(value.len() <= 256);
    let digests: Vec<&str> = value.split(' ').collect();
    assert_eq!(digests[0], bench.attempt());
    assert_eq!(digests[1..], old[..6]);
}

/// What nobody tells of any more is not taken for what a person took away.
#[test]
fn what_aws_has_forgotten_is_not_started_again() {
    let of_others = vec![rolled(Payload::A, true, 60)];
    for mut bench in [by_code_deploy(|_| Vec::new()), by_ecs(of_others)] {
        bench.drifting_since = Some(NOW.minus(std::time::Duration::from_hours(1)));
        let starts = |bench: &Bench| {
            let plan = bench.plan();
            plan.steps.iter().any(super::super::gates::starts)
        };
        assert!(starts(&bench), "without a note it is drift");
        let attempt = bench.attempt();
        note(&mut bench, &format!("v1:other {attempt}"));
        let plan = bench.plan();
        assert_eq!(plan.outcome.reason(), "Quarantined", "{}", plan.outcome);
        assert!(plan.outcome.message().contains("evenkeel.dev/retry"));
        assert!(!starts(&bench));
        // And in the grace time nothing else is announced.
        bench.drifting_since = Some(NOW);
        assert_eq!(bench.plan().outcome.reason(), "Quarantined");
        bench.retry("once more");
        assert!(starts(&bench));
    }
}

#[test]
fn what_runs_after_all_is_forgotten() {
    let mut bench = Bench::rolling(Payload::A, Payload::A, "COMPLETED");
    let attempt = bench.attempt();
    bench.tag(&attempt);
    note(&mut bench, &format!("{attempt} v1:other"));
    assert_eq!(noted(&bench).as_deref(), Some("v1:other"));
    let mut bench = Bench::rolling(Payload::A, Payload::A, "COMPLETED");
    bench.tag(&attempt);
    note(&mut bench, &attempt);
    let untagged = json!({"resourceArn": SERVICE, "tagKeys": [TAG]});
    assert_eq!(calls(&bench.plan()), [("UntagResource", untagged)]);
}

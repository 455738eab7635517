//! The count of a scaled service, and the suspension of its scaling, row by row.

use serde_json::{Value, json};

use super::super::drained::DRAINED_TAG;
use super::super::scaling::SUSPENDED_TAG;
use super::bench::{CLUSTER, SERVICE};
use super::{Bench, Payload, deployment};
use crate::kinds::testing::calls;
use crate::model::{Kind, Outcome, Plan, Seen, Wait};

const FLYING: &str = "InProgress";

fn target(state: [bool; 3]) -> Value {
    json!({"ServiceNamespace": "ecs", "ResourceId": "service/main/web",
        "ScalableDimension": "ecs:service:DesiredCount", "MinCapacity": 2, "MaxCapacity": 6,
        "ScalableTargetARN": "arn:target", "SuspendedState": {"DynamicScalingInSuspended": state[0],
            "DynamicScalingOutSuspended": state[1], "ScheduledScalingSuspended": state[2]}})
}

fn registered(state: [bool; 3]) -> (&'static str, Value) {
    let target = target(state);
    let mut input = json!({});
    for member in [
        "ServiceNamespace",
        "ResourceId",
        "ScalableDimension",
        "SuspendedState",
    ] {
        input[member] = target[member].clone();
    }
    ("RegisterScalableTarget", input)
}

/// Declares a scalable target, with or without suspension.
fn scaled(mut bench: Bench, suspends: bool) -> Bench {
    bench.scene = bench
        .scene
        .with(
            Kind::ScalableTarget,
            "web",
            json!({"ResourceId": "service/main/web"}),
        )
        .beside(
            Kind::ScalableTarget,
            "web",
            "sync",
            json!({"suspendDuringDeployments": suspends}),
        );
    bench
}

fn mark(bench: &mut Bench, before: &str) {
    let tag = json!({"key": SUSPENDED_TAG, "value": before});
    bench.live()["tags"].as_array_mut().unwrap().push(tag);
}

fn blue_green(desired: Payload, suspends: bool, state: [bool; 3]) -> Bench {
    let mut bench = scaled(Bench::blue_green(desired, Payload::A), suspends);
    bench.observed.scalable_target = Some(Seen::Present(target(state)));
    bench
}

/// The same with a deployment of the declared payload in this status.
fn deployed(suspends: bool, state: [bool; 3], status: &str) -> Bench {
    let mut bench = blue_green(Payload::A, suspends, state);
    let attempt = bench.attempt();
    bench.tag(&attempt);
    bench.deployments(vec![deployment("d-1", &attempt, status)]);
    bench
}

fn counts(plan: &Plan) -> Vec<Value> {
    calls(plan)
        .into_iter()
        .filter(|(operation, _)| *operation == "UpdateService")
        .map(|(_, input)| input["desiredCount"].clone())
        .collect()
}

#[test]
fn a_count_within_the_range_or_above_it_is_the_targets() {
    for rolling in [false, true] {
        for live in [2, 4, 6, 9] {
            let mut bench = if rolling {
                Bench::rolling(Payload::A, Payload::A, "COMPLETED")
            } else {
                Bench::blue_green(Payload::A, Payload::A)
            };
            bench.spec()["desiredCount"] = json!(3);
            bench.live()["desiredCount"] = json!(live);
            bench.observed.scalable_target = Some(Seen::Present(target([false; 3])));
            let plan = bench.plan();
            assert_eq!(counts(&plan), Vec::<Value>::new(), "{live}");
            assert_eq!(plan.drift, [], "{live}");
        }
    }
}

#[test]
fn a_count_below_the_range_is_raised_to_its_minimum() {
    let mut bench = Bench::rolling(Payload::A, Payload::A, "COMPLETED");
    bench.spec()["desiredCount"] = json!(4);
    bench.live()["desiredCount"] = json!(0);
    bench.observed.scalable_target = Some(Seen::Present(target([false; 3])));
    assert_eq!(counts(&bench.plan()), [json!(2)]);
}

#[test]
fn a_target_that_is_declared_and_not_yet_registered_owns_the_count_too() {
    let mut bench = scaled(Bench::rolling(Payload::A, Payload::A, "COMPLETED"), false);
    bench.live()["desiredCount"] = json!(5);
    assert_eq!(counts(&bench.plan()), Vec::<Value>::new());
    let mut bench = Bench::rolling(Payload::A, Payload::A, "COMPLETED");
    bench.live()["desiredCount"] = json!(5);
    assert_eq!(counts(&bench.plan()), [json!(2)]);
}

#[test]
fn what_cannot_be_read_is_left_alone_and_said() {
    let mut bench = Bench::rolling(Payload::A, Payload::A, "COMPLETED");
    let attempt = bench.attempt();
    bench.tag(&attempt);
    bench.live()["desiredCount"] = json!(5);
    bench.live()["runningCount"] = json!(5);
    bench.live()["healthCheckGracePeriodSeconds"] = json!(5);
    bench.observed.scalable_target = Some(Seen::Unknown("AccessDenied".to_owned()));
    let plan = bench.plan();
    assert_eq!(plan.steps, []);
    let Outcome::Waiting(Wait::ObservationUnknown, text) = &plan.outcome else {
        panic!("{}", plan.outcome);
    };
    assert!(text.contains("AccessDenied"), "{text}");
    // Another difference is mended all the same.
    bench.spec()["healthCheckGracePeriodSeconds"] = json!(60);
    let plan = bench.plan();
    let expected =
        json!({"cluster": CLUSTER, "service": "web", "healthCheckGracePeriodSeconds": 60});
    assert_eq!(calls(&plan), [("UpdateService", expected)]);
}

#[test]
fn a_deployment_is_started_and_then_scaling_is_suspended() {
    let bench = blue_green(Payload::B, true, [false, true, false]);
    let mut bench = bench;
    bench.deployments(Vec::new());
    let plan = bench.plan();
    let made = calls(&plan);
    let operations: Vec<&str> = made.iter().map(|(operation, _)| *operation).collect();
    assert_eq!(
        operations,
        ["CreateDeployment", "TagResource", "RegisterScalableTarget"]
    );
    let tags = json!({"resourceArn": SERVICE, "tags": [{"key": SUSPENDED_TAG, "value": "out"}]});
    assert_eq!(made[1].1, tags);
    assert_eq!(made[2], registered([true; 3]));
}

#[test]
fn in_flight_it_is_suspended_once_and_a_person_who_resumes_is_heeded() {
    for (suspends, state, before, expected) in [
        (
            true,
            [false; 3],
            None,
            vec!["TagResource", "RegisterScalableTarget"],
        ),
        // A crash after the mark.
        (
            true,
            [false; 3],
            Some("none"),
            vec!["RegisterScalableTarget"],
        ),
        (
            true,
            [false, true, false],
            Some("out"),
            vec!["RegisterScalableTarget"],
        ),
        (true, [true; 3], Some("none"), vec![]),
        // Suspended by a person before: nothing of ours.
        (true, [true; 3], None, vec![]),
        // A person resumed a part.
        (true, [true, false, true], Some("none"), vec![]),
        // Not chosen, or not any more: what is suspended stays until the end.
        (false, [false; 3], None, vec![]),
        (false, [true; 3], Some("none"), vec![]),
    ] {
        let mut bench = deployed(suspends, state, FLYING);
        if let Some(before) = before {
            mark(&mut bench, before);
        }
        let plan = bench.plan();
        let made: Vec<&str> = calls(&plan).into_iter().map(|(one, _)| one).collect();
        assert_eq!(made, expected, "{suspends} {state:?} {before:?}");
        assert_eq!(plan.outcome.reason(), "RolloutInProgress");
    }
}

#[test]
fn after_the_end_what_was_on_is_resumed_with_or_without_the_option() {
    let untag = (
        "UntagResource",
        json!({"resourceArn": SERVICE, "tagKeys": [SUSPENDED_TAG]}),
    );
    for suspends in [true, false] {
        for status in ["Succeeded", "Failed", "Stopped"] {
            for (state, before, after) in [
                ([true; 3], "none", Some([false; 3])),
                ([true; 3], "in+scheduled", Some([true, false, true])),
                ([true, false, true], "none", Some([false; 3])),
                // A crash between the two, or a person was faster.
                ([false; 3], "none", None),
                ([false; 3], "in", None),
            ] {
                let mut bench = deployed(suspends, state, status);
                mark(&mut bench, before);
                let expected: Vec<_> = after
                    .map(registered)
                    .into_iter()
                    .chain([untag.clone()])
                    .collect();
                assert_eq!(
                    calls(&bench.plan()),
                    expected,
                    "{status} {state:?} {before}"
                );
            }
        }
    }
}

#[test]
fn a_mark_is_heeded_when_target_manifest_or_group_are_gone() {
    let untag = |plan: &Plan| {
        let operations: Vec<&str> = calls(plan).into_iter().map(|(one, _)| one).collect();
        operations
    };
    let mut gone = deployed(true, [true; 3], "Succeeded");
    mark(&mut gone, "none");
    gone.observed.scalable_target = Some(Seen::Absent);
    assert_eq!(untag(&gone.plan()), ["UntagResource"]);

    let mut bare = deployed(true, [true; 3], "Succeeded");
    mark(&mut bare, "none");
    bare.without_group_manifest();
    bare.observed.deployment = None;
    bare.observed.history = None;
    assert_eq!(
        untag(&bare.plan()),
        ["RegisterScalableTarget", "UntagResource"]
    );
    // A second task set is a deployment that nothing else tells of.
    let other = json!({"id": "ecs-svc/2", "status": "ACTIVE"});
    bare.live()["taskSets"].as_array_mut().unwrap().push(other);
    assert_eq!(untag(&bare.plan()), Vec::<&str>::new());

    let mut rolling = Bench::rolling(Payload::A, Payload::A, "COMPLETED");
    rolling.observed.scalable_target = Some(Seen::Present(target([true; 3])));
    mark(&mut rolling, "none");
    assert_eq!(
        untag(&rolling.plan())[..2],
        ["RegisterScalableTarget", "UntagResource"]
    );
}

#[test]
fn nothing_is_resumed_in_doubt() {
    for part in ["group", "deployment", "target"] {
        let mut bench = deployed(true, [true; 3], "Succeeded");
        mark(&mut bench, "none");
        let unknown = || Some(Seen::Unknown("throttled".to_owned()));
        match part {
            "group" => bench.observed.group = unknown(),
            "deployment" => bench.observed.deployment = unknown(),
            _ => bench.observed.scalable_target = unknown(),
        }
        let plan = bench.plan();
        assert_eq!(plan.steps, [], "{part}");
        assert_eq!(plan.outcome.reason(), "ObservationUnknown", "{part}");
    }
}

#[test]
fn resuming_comes_before_everything_else() {
    let mut bench = deployed(true, [true; 3], "Succeeded");
    mark(&mut bench, "none");
    bench.spec()["healthCheckGracePeriodSeconds"] = json!(60);
    let operations: Vec<&str> = calls(&bench.plan())
        .into_iter()
        .map(|(one, _)| one)
        .collect();
    assert_eq!(
        operations,
        ["RegisterScalableTarget", "UntagResource", "UpdateService"]
    );
}

#[test]
fn a_count_that_pruning_took_is_given_back_once() {
    let untagged = (
        "UntagResource",
        json!({"resourceArn": SERVICE, "tagKeys": [DRAINED_TAG]}),
    );
    for (declared, live, noted, count, goes) in [
        (None, 0, Some("3"), Some(3), false),
        (None, 3, Some("3"), None, true),
        (None, 5, Some("3"), None, true),
        (Some(2), 0, Some("3"), Some(2), false),
        (Some(0), 0, Some("3"), None, true),
        (None, 0, None, None, false),
        (None, 0, Some("many"), None, true),
    ] {
        for rolling in [false, true] {
            let mut bench = if rolling {
                Bench::rolling(Payload::A, Payload::A, "COMPLETED")
            } else {
                Bench::blue_green(Payload::A, Payload::A)
            };
            let attempt = bench.attempt();
            bench.tag(&attempt);
            bench.spec()["desiredCount"] = json!(declared);
            for member in ["desiredCount", "runningCount"] {
                bench.live()[member] = json!(live);
            }
            if let Some(noted) = noted {
                let tag = json!({"key": DRAINED_TAG, "value": noted});
                bench.live()["tags"].as_array_mut().unwrap().push(tag);
            }
            let plan = bench.plan();
            let case = format!("{declared:?} {live} {noted:?} {rolling}: {plan:?}");
            let expected: Vec<Value> = count.into_iter().map(Value::from).collect();
            assert_eq!(counts(&plan), expected, "{case}");
            assert_eq!(calls(&plan).contains(&untagged), goes, "{case}");
        }
    }
}

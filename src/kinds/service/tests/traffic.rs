//! Where production traffic goes and whether it is served: before a deployment of `CodeDeploy` starts, and before a service
//! of any engine is called converged.

use serde_json::{Value, json};

use super::bench::{BALANCER, NOW, listener, target_group};
use super::{Bench, Payload, deployment};
use crate::kinds::testing::{assert_converged, assert_inert, only_call};
use crate::model::{Outcome, Plan, Seen};

use Payload::{A, B};

/// A change of a bench, and the reason and a part of the message that follow.
type Case = (&'static str, &'static str, fn(&mut Bench));

/// A bench that declares B and runs A, which nothing keeps from starting B.
fn differing() -> Bench {
    let mut bench = Bench::blue_green(B, A);
    bench.deployments(Vec::new());
    bench
}

/// A bench that runs what it declares.
fn as_declared() -> Bench {
    let mut bench = Bench::blue_green(A, A);
    let attempt = bench.attempt();
    bench.tag(&attempt);
    bench
}

#[track_caller]
fn rests(plan: &Plan, reason: &str, part: &str) {
    assert_inert(plan, reason);
    let message = plan.outcome.message();
    assert!(message.contains(part), "{part}: {message}");
}

fn unknown<T>() -> Seen<T> {
    Seen::Unknown("ThrottlingException".to_owned())
}

fn rules(bench: &mut Bench, which: &str, rules: Value) {
    let Value::Array(rules) = rules else {
        panic!("{rules}");
    };
    let listeners = &mut bench.observed.listeners;
    listeners.insert(listener(which), Seen::Present(rules));
}

fn forward(rule: &str, group: &str) -> Value {
    json!({"RuleArn": rule, "Actions": [{"Type": "forward", "TargetGroupArn": target_group(group)}]})
}

/// What is asked of the production listener at rest too.
const ALWAYS: [Case; 9] = [
    ("TrafficMismatch", "2 target groups", |bench| {
        bench.weigh("production", [90, 10]);
    }),
    ("TrafficMismatch", "0 target groups", |bench| {
        bench.weigh("production", [0, 0]);
    }),
    ("TrafficMismatch", "the live tasks are in", |bench| {
        bench.weigh("production", [0, 100]);
    }),
    ("TrafficMismatch", "no rule of the production", |bench| {
        rules(bench, "production", json!([forward("r", "web-red")]));
    }),
    ("TrafficMismatch", "send traffic to both", |bench| {
        let both = json!([forward("r", "web-blue"), forward("s", "web-green")]);
        rules(bench, "production", both);
    }),
    ("TrafficMismatch", "not of the pair", |bench| {
        let groups = json!([{"TargetGroupArn": target_group("web-blue"), "Weight": "0"},
            {"TargetGroupArn": target_group("web-red"), "Weight": "1"}]);
        let actions = json!([{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]);
        rules(
            bench,
            "production",
            json!([{"RuleArn": "r", "Actions": actions}]),
        );
    }),
    ("TrafficMismatch", "is not there", |bench| {
        let listeners = &mut bench.observed.listeners;
        listeners.insert(listener("production"), Seen::Absent);
    }),
    ("ObservationUnknown", "Throttling", |bench| {
        let listeners = &mut bench.observed.listeners;
        listeners.insert(listener("production"), unknown());
    }),
    ("ObservationUnknown", "were not read", |bench| {
        bench.observed.listeners.clear();
    }),
];

/// What is asked before a start alone.
const STARTING: [Case; 8] = [
    ("TrafficMismatch", "the test listener", |bench| {
        bench.weigh("test", [50, 50]);
    }),
    ("TrafficMismatch", "no rule of the test", |bench| {
        rules(bench, "test", json!([]));
    }),
    ("ObservationUnknown", "Throttling", |bench| {
        let listeners = &mut bench.observed.listeners;
        listeners.insert(listener("test"), unknown());
    }),
    ("TrafficMismatch", "web-green", |bench| {
        let pair = &mut bench.observed.pair;
        pair.insert("web-green".to_owned(), Seen::Absent);
    }),
    ("TrafficMismatch", "is behind", |bench| {
        let other = json!({"LoadBalancerArns": ["arn:other"]});
        let pair = &mut bench.observed.pair;
        pair.insert("web-green".to_owned(), Seen::Present(other));
    }),
    ("ObservationUnknown", "Throttling", |bench| {
        let pair = &mut bench.observed.pair;
        pair.insert("web-blue".to_owned(), unknown());
    }),
    ("ObservationUnknown", "web-blue was not read", |bench| {
        bench.observed.pair.clear();
    }),
    ("TrafficMismatch", "evenkeel.dev/retry", |bench| {
        bench.health(&["unhealthy", "draining"]);
    }),
];

#[test]
fn nothing_starts_from_where_traffic_should_not_be_nor_from_what_is_not_known() {
    let (operation, _) = {
        let plan = differing().plan();
        let (operation, input) = only_call(&plan);
        (operation, input.clone())
    };
    assert_eq!(operation, "CreateDeployment");
    for (reason, part, change) in ALWAYS.into_iter().chain(STARTING) {
        let mut bench = differing();
        change(&mut bench);
        let plan = bench.plan();
        rests(&plan, reason, part);
        assert!(!plan.drift.is_empty(), "{part}: the difference is shown");
        // What starts nothing is healed all the same, if the state is known.
        bench.live()["desiredCount"] = json!(7);
        bench.live()["runningCount"] = json!(7);
        let plan = bench.plan();
        let writes: Vec<&str> = plan.steps.iter().map(|step| step.call.operation).collect();
        let expected: &[&str] = match reason {
            "TrafficMismatch" => &["UpdateService"],
            _ => &[],
        };
        assert_eq!(writes, expected, "{part}");
    }
}

/// An unhealthy service can be mended: by a person who says so, and by itself while no task of it runs.
#[test]
fn a_service_that_is_not_served_can_be_mended() {
    let sick = |change: fn(&mut Bench)| {
        let mut bench = differing();
        bench.health(&["unhealthy"]);
        change(&mut bench);
        bench.plan()
    };
    rests(&sick(|_| {}), "TrafficMismatch", "is healthy");
    let starts = |plan: &Plan| only_call(plan).0 == "CreateDeployment";
    assert!(starts(&sick(|bench| bench.retry("all the same"))));
    // Crashed, scaled to zero, or never run.
    assert!(starts(&sick(|bench| {
        bench.live()["runningCount"] = json!(0);
    })));
    // The same text does not let what it started before be healed from there.
    let healed = sick(|bench| {
        bench.retry("all the same");
        let attempt = bench.attempt();
        bench.tag(&attempt);
        bench.drifting_since = Some(crate::model::Moment(0));
    });
    rests(&healed, "TrafficMismatch", "is healthy");
    // Weights are another matter: from there CodeDeploy would shift into an outage.
    let mut split = differing();
    split.weigh("production", [90, 10]);
    split.retry("all the same");
    rests(&split.plan(), "TrafficMismatch", "2 target groups");
}

#[test]
fn as_declared_is_not_converged_while_traffic_is_not_where_the_tasks_are() {
    assert_converged(&as_declared().plan());
    for (reason, part, change) in ALWAYS {
        let mut bench = as_declared();
        change(&mut bench);
        rests(&bench.plan(), reason, part);
    }
    // What only a start asks for is no matter at rest.
    for (_, part, change) in &STARTING[..7] {
        let mut bench = as_declared();
        change(&mut bench);
        assert_eq!(bench.plan().outcome, Outcome::Converged, "{part}");
    }
}

/// The reasons for the health of the target group that serves, of a bench at rest.
fn by_health(mut bench: impl FnMut() -> Bench, group: &str) {
    let with = |bench: &mut Bench, targets: Option<Seen<Value>>| {
        let health = &mut bench.observed.health;
        health.remove(group);
        health.extend(targets.map(|targets| (group.to_owned(), targets)));
    };
    let states = |states: &[&str]| {
        let target = |state: &&str| json!({"TargetHealth": {"State": state, "Reason": "Because"}});
        Some(Seen::Present(states.iter().map(target).collect()))
    };
    for (targets, reason, part) in [
        (
            states(&["initial", "unhealthy"]),
            "Provisioning",
            "1 initial (Because), 1 unhealthy",
        ),
        (
            states(&["unhealthy", "unhealthy"]),
            "TrafficMismatch",
            "2 unhealthy (Because)",
        ),
        (states(&["unused"]), "TrafficMismatch", "1 unused"),
        (states(&[]), "TrafficMismatch", "no targets"),
        (Some(Seen::Absent), "TrafficMismatch", "is not there"),
        (Some(unknown()), "ObservationUnknown", "Throttling"),
        (None, "ObservationUnknown", "were not read"),
    ] {
        let mut one = bench();
        with(&mut one, targets);
        rests(&one.plan(), reason, part);
        // Nothing runs, nothing is to run.
        one.live()["runningCount"] = json!(0);
        one.live()["desiredCount"] = json!(0);
        one.spec()["desiredCount"] = json!(0);
        assert_eq!(one.plan().outcome, Outcome::Converged, "{part}");
    }
    let mut one = bench();
    with(&mut one, states(&["unhealthy", "healthy"]));
    assert_converged(&one.plan());
}

#[test]
fn as_declared_is_not_converged_while_nothing_healthy_serves() {
    by_health(as_declared, &target_group("web-blue"));
    let rolling = || {
        let mut bench = Bench::rolling(A, A, "COMPLETED");
        let balancers = json!([{"targetGroupArn": target_group("one"), "containerName": "web", "containerPort": 8080}]);
        bench.live()["loadBalancers"] = balancers.clone();
        bench.spec()["loadBalancers"] = balancers;
        let attempt = bench.attempt();
        bench.tag(&attempt);
        bench
    };
    by_health(rolling, &target_group("one"));
    let native = || {
        let ended = super::native::deployment("1", A, "SUCCESSFUL", "blue");
        let mut bench = super::native::bench(A, A, vec![ended]);
        let attempt = bench.attempt();
        bench.tag(&attempt);
        bench
    };
    by_health(native, &target_group("blue"));
}

/// A moment after a change targets may not be registered yet; that ends by itself.
#[test]
fn a_moment_after_the_end_of_a_deployment_its_targets_are_waited_for() {
    for (ago, reason) in [(30.0, "Provisioning"), (300.0, "TrafficMismatch")] {
        let mut bench = as_declared();
        let attempt = bench.attempt();
        let mut ended = deployment("d-1", &attempt, "Succeeded");
        ended["completeTime"] = json!(NOW.seconds() - ago);
        bench.deployments(vec![ended]);
        bench.health(&[]);
        rests(&bench.plan(), reason, "no targets");
    }
    // Not so for weights.
    let mut bench = as_declared();
    bench.live()["taskSets"][0]["updatedAt"] = json!(NOW.seconds());
    bench.weigh("production", [50, 50]);
    rests(&bench.plan(), "TrafficMismatch", "2 target groups");
}

/// What a deployment that was stopped left, with part of the traffic on it, is no state to start from: the next
/// one would take the tasks away that get it.
#[test]
fn what_a_stopped_deployment_left_with_traffic_on_it_is_told_with_the_weights() {
    let mut bench = Bench::blue_green(B, A);
    bench.deployments(vec![deployment("d-1", "v1:other", "Stopped")]);
    let left =
        json!({"id": "ecs-svc/2", "status": "ACTIVE", "taskDefinition": B.task_definition()});
    bench.live()["taskSets"].as_array_mut().unwrap().push(left);
    bench.weigh("production", [90, 10]);
    let plan = bench.plan();
    rests(&plan, "TrafficMismatch", "ecs-svc/2");
    assert!(
        plan.outcome.message().contains("2 target groups"),
        "{}",
        plan.outcome
    );
    bench.weigh("production", [100, 0]);
    assert_eq!(only_call(&bench.plan()).0, "CreateDeployment");
    // The load balancer is the listener's.
    let other = BALANCER.replace("app/web", "app/other");
    let group = json!({"LoadBalancerArns": [other]});
    bench
        .observed
        .pair
        .insert("web-blue".to_owned(), Seen::Present(group));
    rests(&bench.plan(), "TrafficMismatch", "is behind");
}

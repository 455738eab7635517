//! What is asked of the rules before a service is made whose traffic ECS shifts.

use serde_json::json;

use super::Bench;
use super::Payload::A;
use super::bench::target_group;
use super::native::{RULE, bench, weigh};
use crate::kinds::testing::assert_inert;
use crate::model::{PLACEHOLDER, Seen};

/// The service is declared and not there.
fn absent() -> Bench {
    let mut bench = bench(A, A, Vec::new());
    bench.observed.service = Seen::Absent;
    bench.observed.service_deployments = None;
    // Nobody looks at targets then.
    bench.observed.health.clear();
    bench
}

fn operations(bench: &Bench) -> Vec<&'static str> {
    let plan = bench.plan();
    plan.steps.iter().map(|step| step.call.operation).collect()
}

#[test]
fn it_is_made_where_one_of_the_pair_serves_and_both_are_attached() {
    for weights in [[1, 0], [0, 1]] {
        let mut bench = absent();
        weigh(&mut bench, weights);
        assert_eq!(operations(&bench), ["CreateService"]);
    }
}

#[test]
fn else_it_waits_and_says_why() {
    let one = |arn: String| json!({"Actions": [{"Type": "forward", "TargetGroupArn": arn}]});
    for (rule, reason, part) in [
        (
            Some(Seen::Present(one(target_group("blue")))),
            "TrafficMismatch",
            "is in neither",
        ),
        (
            Some(Seen::Present(one(target_group("red")))),
            "TrafficMismatch",
            "not of the pair",
        ),
        (
            Some(Seen::Present(json!({"Actions": []}))),
            "TrafficMismatch",
            "0 target groups",
        ),
        (Some(Seen::Absent), "TrafficMismatch", "is not there"),
        (
            Some(Seen::Unknown("throttled".to_owned())),
            "ObservationUnknown",
            "throttled",
        ),
        (None, "ObservationUnknown", "was not read"),
    ] {
        let mut bench = absent();
        bench.observed.rules.remove(RULE);
        bench
            .observed
            .rules
            .extend(rule.map(|rule| (RULE.to_owned(), rule)));
        let plan = bench.plan();
        assert_inert(&plan, reason);
        assert!(plan.outcome.message().contains(part), "{part}: {plan:?}");
    }
    let mut bench = absent();
    weigh(&mut bench, [50, 50]);
    assert_inert(&bench.plan(), "TrafficMismatch");
}

#[test]
fn a_rule_that_is_only_foreseen_is_not_asked_for() {
    let mut bench = absent();
    bench.observed.rules.clear();
    let rule = format!("{PLACEHOLDER}ListenerRule/web is made)");
    bench.spec()["loadBalancers"][0]["advancedConfiguration"]["productionListenerRule"] =
        json!(rule);
    assert_eq!(operations(&bench), ["CreateService"]);
    // A strategy without load balancers has none.
    let mut bench = absent();
    bench.observed.rules.clear();
    bench
        .spec()
        .as_object_mut()
        .unwrap()
        .remove("loadBalancers");
    assert_eq!(operations(&bench), ["CreateService"]);
}

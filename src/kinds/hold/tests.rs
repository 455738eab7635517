//! Which tags hold which resources, and what is left of a plan under them.

use serde_json::json;

use super::*;
use crate::kinds::testing::Scene;
use crate::model::{Drift, Facts, Rollout, RolloutStage};

const NOW: Moment = Moment(1_767_348_000_000);
const OVER: &str = "by=ana until=2026-01-02T10:00:00Z reason=over";
const LATER: &str = "by=ana until=2026-01-02T10:00:01Z reason=db";

fn scene() -> Scene {
    let service = |cluster: &str, name: &str| json!({"cluster": cluster, "serviceName": name});
    let scaled = json!({"ResourceId": "service/nova/auth"});
    Scene::default()
        .with(Kind::Cluster, "nova", json!({"clusterName": "nova"}))
        .with(Kind::Cluster, "second", json!({"clusterName": "other"}))
        .with(Kind::Service, "auth", service("nova", "auth"))
        .with(
            Kind::Service,
            "far",
            service("arn:aws:ecs:r:1:cluster/other", "auth"),
        )
        .with(Kind::Service, "alone", service("theirs", "web"))
        .with(
            Kind::DeploymentGroup,
            "dg",
            json!({"applicationName": "a", "deploymentGroupName": "dg",
            "ecsServices": [{"clusterName": "nova", "serviceName": "auth"}]}),
        )
        .with(Kind::ScalableTarget, "auth", scaled.clone())
        .with(Kind::ScalingPolicy, "auth", scaled)
        .with(Kind::TargetGroup, "blue", json!({"Name": "blue"}))
}

fn key(text: &str) -> Key {
    text.parse().unwrap()
}

/// What is read of these places if these have these tags.
fn read(set: &Scene, of: &str, tags: &[(&str, &str, &str)]) -> Vec<(Place, Seen<Value>)> {
    let places = places(&set.set, &key(of));
    let seen = |place: Place| {
        let own = tags.iter().filter(|(name, _, _)| *name == place.name());
        let own: Vec<Value> = own
            .map(|(_, tag, text)| json!({"key": tag, "value": text}))
            .collect();
        let document =
            json!({"serviceArn": "arn:service", "clusterArn": "arn:cluster", "tags": own});
        (place, Seen::Present(document))
    };
    places.into_iter().map(seen).collect()
}

fn scope(of: &str, tags: &[(&str, &str, &str)]) -> Option<HoldScope> {
    let scene = scene();
    holding(&key(of), &read(&scene, of, tags), NOW)
        .in_force
        .map(|hold| hold.scope)
}

#[test]
fn each_kind_is_held_by_what_it_belongs_to() {
    let service = ("service nova/auth", HOLD_TAG, LATER);
    let cluster = ("cluster nova", HOLD_TAG, LATER);
    let all = ("cluster nova", HOLD_ALL_TAG, LATER);
    let (by_service, by_cluster, by_all) = (
        Some(HoldScope::Service),
        Some(HoldScope::Cluster),
        Some(HoldScope::Everything),
    );
    for (of, one, two) in [
        ("Service/auth", by_service, by_cluster),
        ("DeploymentGroup/dg", by_service, by_cluster),
        ("ScalableTarget/auth", by_service, by_cluster),
        ("ScalingPolicy/auth", by_service, by_cluster),
        ("Cluster/nova", None, by_cluster),
        ("Cluster/second", None, None),
        ("Service/far", None, None),
        ("Service/alone", None, None),
        ("TargetGroup/blue", None, None),
    ] {
        assert_eq!(scope(of, &[service]), one, "{of}");
        assert_eq!(scope(of, &[cluster]), two, "{of}");
        assert_eq!(scope(of, &[all]), by_all, "{of}");
        assert_eq!(scope(of, &[service, cluster, all]), by_all, "{of}");
        assert_eq!(scope(of, &[]), None, "{of}");
    }
    let scene = scene();
    let place = Place::Service {
        cluster: "nova".to_owned(),
        name: "auth".to_owned(),
    };
    let concerned: Vec<String> = concerned(&scene.set, &place, HoldScope::Service)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        concerned,
        [
            "Service/auth",
            "DeploymentGroup/dg",
            "ScalableTarget/auth",
            "ScalingPolicy/auth"
        ]
    );
}

fn step(operation: &'static str, input: Value) -> Step {
    Step {
        call: Call {
            service: crate::model::Service::Ecs,
            operation,
            input,
        },
        why: format!("do {operation}"),
    }
}

fn acting(steps: Vec<Step>) -> Plan {
    Plan {
        steps,
        ..Plan::only(Outcome::Acting("something".to_owned()))
    }
}

fn update() -> Step {
    step("UpdateService", json!({"desiredCount": 2}))
}

fn record() -> Step {
    step(
        "TagResource",
        json!({"tags": [{"key": "evenkeel.dev/declared", "value": "v1:0"}]}),
    )
}

fn in_force() -> Holding {
    let scene = scene();
    let tags = [("service nova/auth", HOLD_TAG, LATER)];
    holding(
        &key("Service/auth"),
        &read(&scene, "Service/auth", &tags),
        NOW,
    )
}

fn under(plan: Plan) -> Plan {
    around(&key("Service/auth"), plan, in_force())
}

#[test]
fn nothing_is_written_under_a_hold_and_it_is_said_what_would_be() {
    let drift = vec![Drift {
        path: "/desiredCount".to_owned(),
        live: json!(1),
        desired: json!(2),
        reset: false,
    }];
    let plan = under(acting(vec![record(), update()]).with_drift(drift.clone()));
    assert_eq!((plan.steps.as_slice(), &plan.drift), (&[][..], &drift));
    let outcome = plan.outcome.to_string();
    for part in [
        "Waiting (Held)",
        "by ana",
        "10:00:01Z: db",
        "without the hold: do UpdateService",
    ] {
        assert!(outcome.contains(part), "{outcome}");
    }
    let grace = Plan::only(Outcome::Waiting(
        Wait::DriftGrace,
        "healed later".to_owned(),
    ));
    let plan = under(grace);
    assert_eq!(plan.outcome.reason(), "Held");
    assert!(plan.outcome.message().ends_with("healed later"));
    let turn = Outcome::Waiting(Wait::RolloutLimit, "2 of 2".to_owned());
    assert_eq!(under(Plan::only(turn)).outcome.reason(), "Held");
    for wait in [Wait::DriftGrace, Wait::RolloutLimit] {
        assert!(matters(&Plan::only(Outcome::Waiting(wait, String::new()))));
    }
}

#[test]
fn where_nothing_would_be_done_the_outcome_is_the_true_one() {
    for outcome in [
        Outcome::Converged,
        Outcome::Waiting(Wait::RolloutInProgress, "d-1".to_owned()),
        Outcome::Blocked(crate::model::Block::Quarantined, "v1:0".to_owned()),
    ] {
        let plan = under(Plan::only(outcome.clone()));
        assert_eq!((plan.outcome, plan.hold.is_some()), (outcome, true));
    }
    let facts = Facts::default();
    let plan = under(acting(vec![record()]).with_facts(facts));
    assert_eq!((plan.steps.len(), &plan.outcome), (0, &Outcome::Converged));
    assert!(plan.facts.unwrap().settled);
    // What stands beside another outcome is left, and said.
    let mut plan = acting(vec![update()]);
    plan.outcome = Outcome::Waiting(Wait::RolloutInProgress, "d-1".to_owned());
    let plan = under(plan);
    assert_eq!(
        (plan.steps.len(), plan.outcome.reason()),
        (0, "RolloutInProgress")
    );
    assert!(
        plan.outcome
            .message()
            .contains("not done: do UpdateService")
    );
}

fn flying(steps: Vec<Step>) -> Plan {
    Plan {
        rollout: Some(Rollout {
            id: "d-1".to_owned(),
            ours: true,
            superseded: false,
            stage: RolloutStage::Shifting,
            events: Vec::new(),
            weights: None,
        }),
        ..acting(steps)
    }
}

#[test]
fn a_deployment_in_flight_is_recorded_and_its_suspension_ends() {
    let tag = json!({"tags": [{"key": "evenkeel.dev/scaling-suspended", "value": "none"}]});
    let register = |on: bool| {
        let state = json!({"DynamicScalingInSuspended": on, "DynamicScalingOutSuspended": on,
            "ScheduledScalingSuspended": on});
        step("RegisterScalableTarget", json!({"SuspendedState": state}))
    };
    let (mark, suspend, resume) = (step("TagResource", tag), register(true), register(false));
    let unmark = step(
        "UntagResource",
        json!({"tagKeys": ["evenkeel.dev/scaling-suspended"]}),
    );

    assert_eq!(under(flying(vec![record()])).steps, [record()]);
    assert_eq!(
        under(flying(vec![record(), mark, suspend])).steps,
        [record()]
    );
    // A record beside a write is of that write.
    assert_eq!(under(flying(vec![record(), update()])).steps, []);
    let plan = under(acting(vec![resume.clone(), unmark.clone(), update()]));
    assert_eq!(plan.steps, [resume.clone(), unmark]);
    assert!(
        matches!(plan.outcome, Outcome::Acting(_)),
        "{}",
        plan.outcome
    );
    // Of a scalable target's own plan it is no end of a suspension.
    let of_target = around(
        &key("ScalableTarget/auth"),
        acting(vec![resume]),
        in_force(),
    );
    assert_eq!(
        (of_target.steps.len(), of_target.outcome.reason()),
        (0, "Held")
    );
    // A start that was not made is no rollout.
    let mut start = flying(vec![update()]);
    start.rollout.as_mut().unwrap().id = String::new();
    assert_eq!(under(start).rollout, None);
}

#[test]
fn tags_that_were_not_read_stop_writes_and_nothing_else() {
    let scene = scene();
    let of = key("TargetGroup/blue");
    for lost in 0..2 {
        let mut seen = read(&scene, "TargetGroup/blue", &[]);
        seen[lost].1 = Seen::Unknown("throttled".to_owned());
        let holding = holding(&of, &seen, NOW);
        let plan = around(&of, acting(vec![update()]), holding.clone());
        assert_eq!(
            (plan.steps.len(), plan.outcome.reason()),
            (0, "ObservationUnknown")
        );
        assert!(plan.outcome.message().contains("throttled"));
        let plan = around(&of, Plan::only(Outcome::Converged), holding);
        assert_eq!(plan.outcome, Outcome::Converged);
    }
    // What is not there holds nothing; a hold that was read holds whatever was not.
    let mut seen = read(
        &scene,
        "TargetGroup/blue",
        &[("cluster nova", HOLD_ALL_TAG, LATER)],
    );
    seen[1].1 = Seen::Absent;
    assert!(holding(&of, &seen, NOW).in_force.is_some());
    seen[1].1 = Seen::Unknown("throttled".to_owned());
    let plan = around(&of, acting(vec![update()]), holding(&of, &seen, NOW));
    assert_eq!(plan.outcome.reason(), "Held");
    seen[0].1 = Seen::Absent;
    seen[1].1 = Seen::Absent;
    let plan = around(&of, acting(vec![update()]), holding(&of, &seen, NOW));
    assert_eq!(plan.steps.len(), 1);
}

#[test]
fn a_hold_that_is_over_holds_nothing_and_is_taken_away_by_its_own_resource() {
    let scene = scene();
    let tags = [
        ("service nova/auth", HOLD_TAG, OVER),
        ("cluster nova", HOLD_TAG, OVER),
        ("cluster nova", HOLD_ALL_TAG, OVER),
    ];
    let around = |of: &str, plan: Plan| {
        let of_key = key(of);
        let holding = holding(&of_key, &read(&scene, of, &tags), NOW);
        around(&of_key, plan, holding)
    };
    let plan = around("Service/auth", acting(vec![update()]));
    assert_eq!(plan.hold, None);
    let operations: Vec<&str> = plan.steps.iter().map(|step| step.call.operation).collect();
    assert_eq!(operations, ["UpdateService", "UntagResource"]);
    assert_eq!(
        plan.steps[1].call.input,
        json!({"resourceArn": "arn:service", "tagKeys": [HOLD_TAG]})
    );
    let plan = around("Cluster/nova", Plan::only(Outcome::Converged));
    assert_eq!(plan.steps.len(), 2, "both of the cluster's");
    assert!(plan.outcome.message().contains("end the hold that is over"));
    for other in [
        "Cluster/second",
        "TargetGroup/blue",
        "ScalableTarget/auth",
        "Service/far",
    ] {
        let plan = around(other, Plan::only(Outcome::Converged));
        assert_eq!(
            (plan.steps.len(), plan.outcome),
            (0, Outcome::Converged),
            "{other}"
        );
    }
}

#[test]
fn a_tag_is_written_where_there_is_room() {
    let many: Vec<Value> = (0..50).map(|n| json!({"key": n.to_string()})).collect();
    let full = json!({"tags": many});
    assert!(!has_room(&full, HOLD_TAG));
    assert!(has_room(&full, "7"));
    assert!(has_room(&json!({}), HOLD_TAG));
    let set = change("arn:x", HOLD_TAG, Some("by=ana reason=x"));
    assert_eq!(
        set.input["tags"],
        json!([{"key": HOLD_TAG, "value": "by=ana reason=x"}])
    );
    let end = change("arn:x", HOLD_TAG, None);
    assert_eq!(
        (end.operation, &end.input["tagKeys"]),
        ("UntagResource", &json!([HOLD_TAG]))
    );
}

#[test]
fn what_has_no_manifest_is_kept_by_its_own_hold_its_clusters_and_that_of_everything() {
    let scene = scene();
    let service = "arn:aws:ecs:r:1:service/gone/old";
    let target = "arn:aws:application-autoscaling:r:1:scalable-target/1a2b";
    let of = [("gone".to_owned(), "old".to_owned())];
    let kept = |arn: &str, tags: &[(&str, &str, &str)]| {
        let belongs = arn == service || arn == target;
        let services = if belongs { &of[..] } else { &[] };
        let places = places_of_orphan(&scene.set, arn, services);
        let seen = |place: Place| {
            let own = tags.iter().filter(|(name, _, _)| *name == place.name());
            let own: Vec<Value> = own
                .map(|(_, tag, text)| json!({"key": tag, "value": text}))
                .collect();
            (place, Seen::Present(json!({"tags": own})))
        };
        let read: Vec<_> = places.into_iter().map(seen).collect();
        keeps(&read, NOW)
    };
    let group = "arn:aws:elasticloadbalancing:r:1:targetgroup/old/1";
    let cluster = "arn:aws:ecs:r:1:cluster/nova";
    for (arn, on, tag, expected) in [
        (service, "service gone/old", HOLD_TAG, true),
        (service, "cluster gone", HOLD_TAG, true),
        (service, "cluster nova", HOLD_TAG, false),
        (service, "cluster nova", HOLD_ALL_TAG, true),
        (target, "service gone/old", HOLD_TAG, true),
        (target, "cluster gone", HOLD_TAG, true),
        (target, "cluster nova", HOLD_TAG, false),
        (group, "cluster nova", HOLD_TAG, false),
        (group, "cluster other", HOLD_ALL_TAG, true),
        (cluster, "cluster nova", HOLD_TAG, true),
    ] {
        assert_eq!(
            kept(arn, &[(on, tag, LATER)]).is_some(),
            expected,
            "{arn} {on} {tag}"
        );
        assert_eq!(kept(arn, &[(on, tag, OVER)]), None, "{arn} {on} {tag}");
    }
    let unread = vec![(
        places_of_orphan(&scene.set, group, &[])[0].clone(),
        Seen::Unknown("denied".to_owned()),
    )];
    assert!(keeps(&unread, NOW).is_some_and(|why| why.contains("denied")));
}

#[test]
fn how_a_one_off_task_ended_is_recorded_under_a_hold_and_no_task_is_started() {
    let auth = key("Service/auth");
    let scene = scene();
    let held = || {
        let tags = [("service nova/auth", HOLD_TAG, LATER)];
        holding(&auth, &read(&scene, "Service/auth", &tags), NOW)
    };
    let tag = |key: &str| json!({"resourceArn": "arn", "tags": [{"key": key, "value": "+0a"}]});
    let acting = |steps: Vec<Step>| Plan {
        steps,
        ..Plan::only(Outcome::Acting("x".to_owned()))
    };
    let end = step("TagResource", tag("evenkeel.dev/task.migrate"));
    let plan = around(&auth, acting(vec![end.clone()]), held());
    assert_eq!(plan.steps, [end]);
    let mark = step("TagResource", tag("evenkeel.dev/task-started"));
    let plan = around(
        &auth,
        acting(vec![mark, step("RunTask", json!({}))]),
        held(),
    );
    assert_eq!(
        (plan.steps.as_slice(), plan.outcome.reason()),
        (&[][..], "Held")
    );
}

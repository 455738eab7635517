//! The table of `plan`: what is decided before either engine is asked.

use serde_json::{Value, json};

use super::bench::{CLUSTER, SERVICE, target_group};
use super::{Bench, Payload};
use crate::kinds::service::DECLARED_TAG;
use crate::kinds::testing::{assert_converged, assert_inert, only_call};
use crate::kinds::{INSTANCE_TAG, MEMBERS_TAG};
use crate::model::{Facts, Key, Kind, Outcome, Seen};

fn bench() -> Bench {
    Bench::blue_green(Payload::A, Payload::A)
}

#[test]
fn unknown_is_inert_and_keeps_the_old_facts() {
    let mut bench = bench();
    bench.observed.service = Seen::Unknown("ThrottlingException".to_owned());
    let plan = bench.plan();
    assert_inert(&plan, "ObservationUnknown");
    assert_eq!(plan.facts, None);
}

#[test]
fn absent_is_created_whole_with_the_tags_that_are_ours() {
    let mut bench = bench();
    bench.spec()["tags"] = json!([{"key": "team", "value": "web"}]);
    bench.observed.service = Seen::Absent;
    let (operation, mut input) = only_call(&bench.plan());
    assert_eq!(operation, "CreateService");
    let tags = input["tags"].take();
    let mut spec = bench.spec().clone();
    spec["tags"] = Value::Null;
    assert_eq!(input, spec, "the spec reaches AWS as it was written");
    let attempt = bench.attempt();
    assert_eq!(
        tags,
        json!([{"key": "team", "value": "web"}, {"key": INSTANCE_TAG, "value": "default"},
            {"key": DECLARED_TAG, "value": attempt},
            {"key": MEMBERS_TAG, "value": "1:ap:nSWNg"}])
    );
}

/// AWS takes fifty tags. What is remembered of the members is the first to go.
#[test]
fn as_many_of_our_tags_as_fit_are_made_with_it() {
    for (declared, ours) in [
        (47, &[INSTANCE_TAG, DECLARED_TAG, MEMBERS_TAG][..]),
        (48, &[INSTANCE_TAG, DECLARED_TAG]),
        (49, &[INSTANCE_TAG]),
        (50, &[]),
    ] {
        let mut bench = bench();
        let tags = (0..declared).map(|n| json!({"key": format!("k{n}"), "value": "v"}));
        bench.spec()["tags"] = tags.collect();
        bench.observed.service = Seen::Absent;
        let (_, input) = only_call(&bench.plan());
        let keys = input["tags"].as_array().unwrap().iter();
        let keys: Vec<&str> = keys.map(|tag| tag["key"].as_str().unwrap()).collect();
        assert_eq!(&keys[declared..], ours, "{declared}");
    }
}

/// The tags that an update needs come before the record, which is only good to have.
#[test]
fn the_record_leaves_room_for_the_tags_that_an_update_needs() {
    for (live, recorded) in [(44, true), (45, false), (49, false)] {
        let bench = bench();
        let tags: Vec<Value> = (0..live)
            .map(|n| json!({"key": format!("k{n}"), "value": "v"}))
            .collect();
        let view = bench.view();
        let found = super::super::plan::recall(&view, &json!({"tags": tags}));
        assert_eq!(found.record.is_some(), recorded, "{live}");
        // One of them is there already.
        let mut tags = tags;
        tags[0]["key"] = json!(DECLARED_TAG);
        let found = super::super::plan::recall(&view, &json!({"tags": tags}));
        assert_eq!(found.record.is_some(), live < 46, "{live}");
    }
}

#[test]
fn absent_waits_for_everything_that_it_refers_to() {
    let mut bench = bench();
    bench.observed.service = Seen::Absent;
    bench.unresolved = vec![Key::new(Kind::TargetGroup, "web-blue")];
    let plan = bench.plan();
    assert_inert(&plan, "DependencyNotReady");
    assert!(plan.outcome.message().contains("TargetGroup/web-blue"));
}

/// P2: the service is born before its image.
#[test]
fn without_image_only_a_service_of_no_tasks_is_made_and_only_on_an_existing_revision() {
    let definition = Key::new(Kind::TaskDefinition, "web");
    let fallback = Payload::A.task_definition();
    for (count, revision, created) in [
        (0, Some(fallback), true),
        (0, None, false),
        (2, Some(fallback), false),
        (2, None, false),
    ] {
        let mut bench = bench();
        bench.observed.service = Seen::Absent;
        bench.spec()["desiredCount"] = json!(count);
        bench
            .spec()
            .as_object_mut()
            .unwrap()
            .remove("taskDefinition");
        bench.unresolved = vec![definition.clone()];
        let facts = Facts {
            fallback_arn: revision.map(str::to_owned),
            ..Facts::default()
        };
        bench.scene.facts.insert(definition.clone(), facts);
        let plan = bench.plan();
        if !created {
            assert_inert(&plan, "DependencyNotReady");
            continue;
        }
        let (operation, input) = only_call(&plan);
        assert_eq!(
            (operation, &input["taskDefinition"]),
            ("CreateService", &json!(fallback))
        );
        let tagged = input["tags"]
            .as_array()
            .unwrap()
            .iter()
            .any(|tag| tag["key"] == DECLARED_TAG);
        assert!(!tagged, "what is declared was not started");
    }
}

#[test]
fn draining_is_waited_for() {
    let mut bench = bench();
    bench.live()["status"] = json!("DRAINING");
    assert_inert(&bench.plan(), "Provisioning");
}

#[test]
fn what_aws_cannot_change_needs_a_new_service() {
    let immutable: [(&str, Value); 4] = [
        ("launchType", json!("EC2")),
        ("schedulingStrategy", json!("DAEMON")),
        ("deploymentController", json!({"type": "ECS"})),
        ("deploymentController", json!({"type": "EXTERNAL"})),
    ];
    for (member, value) in immutable {
        let mut bench = bench();
        bench.live()["schedulingStrategy"] = json!("REPLICA");
        bench.spec()[member] = value;
        // It outweighs everything else that differs.
        bench.spec()["desiredCount"] = json!(9);
        let plan = bench.plan();
        assert_inert(&plan, "RecreateRequired");
        assert!(plan.outcome.message().contains(member), "{}", plan.outcome);
        assert!(
            plan.facts.is_some_and(|facts| facts.ready),
            "dependents go on"
        );
    }
}

#[test]
fn what_somebody_else_drives_is_left_alone() {
    let mut external = bench();
    external.live()["deploymentController"] = json!({"type": "EXTERNAL"});
    external.spec()["deploymentController"] = json!({"type": "EXTERNAL"});
    external.spec()["desiredCount"] = json!(9);
    assert_inert(&external.plan(), "Unsupported");
    // `UpdateExpressGatewayService` is what changes these.
    let mut express = Bench::rolling(Payload::B, Payload::A, "COMPLETED");
    express.live()["resourceManagementType"] = json!("ECS");
    express.spec()["desiredCount"] = json!(9);
    assert_inert(&express.plan(), "Unsupported");
    let mut custom = Bench::rolling(Payload::A, Payload::A, "COMPLETED");
    custom.live()["resourceManagementType"] = json!("CUSTOMER");
    custom.spec()["desiredCount"] = json!(9);
    assert!(!custom.plan().steps.is_empty());
}

#[test]
fn a_service_that_exists_tells_its_arn_and_its_tasks() {
    let plan = bench().plan();
    assert_eq!(plan.facts.unwrap().arn.as_deref(), Some(SERVICE));
    assert_eq!(
        plan.tasks.map(|tasks| (tasks.desired, tasks.running)),
        Some((2, 2))
    );
}

#[test]
fn quiet_members_are_healed_one_call_with_the_members_that_differ_and_no_other() {
    for mut bench in [bench(), Bench::rolling(Payload::A, Payload::A, "COMPLETED")] {
        let attempt = bench.attempt();
        bench.tag(&attempt);
        bench.live()["desiredCount"] = json!(1);
        bench.live()["runningCount"] = json!(1);
        bench.live()["healthCheckGracePeriodSeconds"] = json!(0);
        bench.spec()["healthCheckGracePeriodSeconds"] = json!(0);
        bench.spec()["propagateTags"] = json!("SERVICE");
        bench.live()["propagateTags"] = json!("NONE");
        let plan = bench.plan();
        assert_eq!(
            only_call(&plan),
            (
                "UpdateService",
                json!({"cluster": CLUSTER, "service": "web", "desiredCount": 2, "propagateTags": "SERVICE"})
            )
        );
        assert!(matches!(plan.outcome, Outcome::Acting(_)));
    }
}

#[test]
fn tags_are_added_and_never_removed() {
    let mut bench = bench();
    let attempt = bench.attempt();
    bench.live()["tags"] =
        json!([{"key": "foreign", "value": "x"}, {"key": "team", "value": "old"}]);
    bench.spec()["tags"] = json!([{"key": "team", "value": "new"}]);
    let (operation, input) = only_call(&bench.plan());
    assert_eq!(operation, "TagResource");
    assert_eq!(
        input,
        json!({"resourceArn": SERVICE, "tags": [{"key": "team", "value": "new"},
            {"key": DECLARED_TAG, "value": attempt}]})
    );
}

#[test]
fn missing_tasks_are_told_with_the_reason_of_the_last_stop() {
    for (running, pending, converged) in [(2, 0, true), (1, 1, false), (2, 1, false), (3, 0, false)]
    {
        let mut bench = bench();
        let attempt = bench.attempt();
        bench.tag(&attempt);
        bench.live()["runningCount"] = json!(running);
        bench.live()["pendingCount"] = json!(pending);
        bench.observed.stop_reasons = vec!["OutOfMemoryError".to_owned(), "older".to_owned()];
        let plan = bench.plan();
        assert_eq!(
            plan.outcome == Outcome::Converged,
            converged,
            "{running} {pending}"
        );
        if !converged {
            assert_inert(&plan, "Provisioning");
            assert!(
                plan.outcome.message().contains("OutOfMemoryError"),
                "{}",
                plan.outcome
            );
        }
    }
}

/// The weights of the pair are the deployment engine's: the service goes where the traffic is.
#[test]
fn a_service_is_made_in_the_target_group_of_the_pair_that_takes_the_traffic() {
    let rule = |weights: &[(&str, Value)]| {
        let targets: Vec<Value> = weights
            .iter()
            .map(|(name, weight)| json!({"TargetGroupArn": target_group(name), "Weight": weight}))
            .collect();
        json!({"Actions": [{"Type": "forward", "ForwardConfig": {"TargetGroups": targets}}]})
    };
    for (weights, expected) in [
        (vec![], "web-blue"),
        (vec![("web-blue", json!(1))], "web-blue"),
        (
            vec![("web-blue", json!("0")), ("web-green", json!("100"))],
            "web-green",
        ),
        (
            vec![("web-blue", json!("10")), ("web-green", json!("90"))],
            "web-blue",
        ),
        (vec![("web-green", json!(0))], "web-blue"),
        (vec![("web-other", json!(100))], "web-blue"),
    ] {
        let mut bench = bench();
        bench.observed.service = Seen::Absent;
        bench.observed.front = Some(Seen::Present(vec![
            rule(&[("another", json!(1))]),
            rule(&weights),
        ]));
        let (_, input) = only_call(&bench.plan());
        assert_eq!(
            input["loadBalancers"][0]["targetGroupArn"],
            target_group(expected),
            "{weights:?}"
        );
        assert_eq!(input["loadBalancers"][0]["containerPort"], 8080);
    }
    let mut unknown = bench();
    unknown.observed.service = Seen::Absent;
    unknown.observed.front = Some(Seen::Unknown("timeout".to_owned()));
    assert_inert(&unknown.plan(), "ObservationUnknown");
}

#[test]
fn a_count_that_is_left_to_others_is_one_at_first_and_then_theirs() {
    let mut bench = bench();
    bench.spec().as_object_mut().unwrap().remove("desiredCount");
    bench.live()["desiredCount"] = json!(7);
    bench.live()["runningCount"] = json!(7);
    let attempt = bench.attempt();
    bench.tag(&attempt);
    assert_converged(&bench.plan());
    bench.observed.service = Seen::Absent;
    let (_, input) = only_call(&bench.plan());
    assert_eq!(input["desiredCount"], 1);
    bench.spec()["schedulingStrategy"] = json!("DAEMON");
    let (_, input) = only_call(&bench.plan());
    assert_eq!(input.get("desiredCount"), None);
}

#[test]
fn a_revision_that_could_not_be_read_writes_nothing() {
    let mut bench = bench();
    bench.spec()["monitoring"] = json!({"metricConfigurations": []});
    bench.spec()["desiredCount"] = json!(9);
    bench.observed.revision = Some(Seen::Unknown("throttled".to_owned()));
    assert_inert(&bench.plan(), "ObservationUnknown");
}

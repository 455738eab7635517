//! The table of `blue_green`, row by row, and what it says to a person.

use serde_json::{Value, json};

use super::bench::{NOW, target_group};
use super::{Bench, Payload, deployment};
use crate::kinds::service::DECLARED_TAG;
use crate::kinds::testing::{assert_converged, assert_inert, only_call};
use crate::model::{Facts, Fail, Key, Kind, Moment, Outcome, Plan, RolloutStage, Seen, Wait};

use Payload::{A, B};

fn creates(plan: &Plan) -> usize {
    plan.steps
        .iter()
        .filter(|step| step.call.operation == "CreateDeployment")
        .count()
}

/// A bench that declares B, runs A, and whose last deployment is this one.
fn differing(last: impl FnOnce(&str) -> Vec<Value>) -> Bench {
    let mut bench = Bench::blue_green(B, A);
    let attempt = bench.attempt();
    bench.deployments(last(&attempt));
    bench
}

#[test]
fn ours_in_flight_is_shown_and_recorded_once() {
    for live in Payload::ALL {
        let mut bench = Bench::blue_green(B, live);
        let attempt = bench.attempt();
        bench.deployments(vec![deployment("d-1", &attempt, "InProgress")]);
        bench.live()["desiredCount"] = json!(7);
        let plan = bench.plan();
        let (operation, input) = only_call(&plan);
        assert_eq!(
            operation, "TagResource",
            "nothing else while it is in flight"
        );
        assert_eq!(
            input["tags"],
            json!([{"key": DECLARED_TAG, "value": attempt}])
        );
        assert!(
            plan.rollout
                .as_ref()
                .is_some_and(|rollout| rollout.ours && rollout.id == "d-1")
        );
        assert!(matches!(
            plan.outcome,
            Outcome::Waiting(Wait::RolloutInProgress, _)
        ));
        assert!(
            !plan.outcome.message().contains("changed since"),
            "{}",
            plan.outcome
        );
        bench.tag(&attempt);
        assert_inert(&bench.plan(), "RolloutInProgress");
    }
}

#[test]
fn an_older_attempt_in_flight_is_waited_for_and_not_recorded() {
    let mut bench = Bench::blue_green(B, A);
    bench.deployments(vec![deployment("d-1", "v1:other", "InProgress")]);
    let plan = bench.plan();
    assert_inert(&plan, "RolloutInProgress");
    assert!(
        plan.outcome
            .message()
            .contains("the manifest has changed since"),
        "{}",
        plan.outcome
    );
}

#[test]
fn nothing_is_said_of_a_changed_manifest_while_its_task_definition_is_not_known() {
    let mut bench = Bench::blue_green(A, A);
    let attempt = bench.attempt();
    bench.deployments(vec![deployment("d-1", &attempt, "InProgress")]);
    bench
        .spec()
        .as_object_mut()
        .unwrap()
        .remove("taskDefinition");
    bench.unresolved = vec![Key::new(Kind::TaskDefinition, "web")];
    let plan = bench.plan();
    assert_inert(&plan, "RolloutInProgress");
    assert!(
        !plan.outcome.message().contains("changed since"),
        "{}",
        plan.outcome
    );
}

#[test]
fn a_rollback_and_a_foreign_deployment_in_flight_are_waited_for() {
    let rollback = json!({"deploymentId": "d-2", "status": "InProgress", "creator": "codeDeployRollback",
        "rollbackInfo": {"rollbackTriggeringDeploymentId": "d-1"}});
    let foreign = json!({"deploymentId": "d-3", "status": "Ready", "creator": "user", "description": "by hand"});
    for (last, reason, stage) in [
        (rollback, "RolloutInProgress", RolloutStage::RollingBack),
        (foreign, "ForeignDeployment", RolloutStage::AwaitingApproval),
    ] {
        for live in Payload::ALL {
            let mut bench = Bench::blue_green(B, live);
            bench.deployments(vec![last.clone()]);
            let plan = bench.plan();
            assert_inert(&plan, reason);
            assert!(
                plan.rollout
                    .is_some_and(|rollout| !rollout.ours && rollout.stage == stage)
            );
        }
    }
}

#[test]
fn a_deployment_that_waits_for_a_person_says_how_to_go_on() {
    let mut bench = differing(|attempt| vec![deployment("d-1", attempt, "Ready")]);
    let attempt = bench.attempt();
    bench.tag(&attempt);
    let plan = bench.plan();
    assert_inert(&plan, "ApprovalPending");
    assert!(
        plan.outcome.message().contains("continue-deployment"),
        "{}",
        plan.outcome
    );
    assert!(plan.outcome.message().contains("d-1"), "{}", plan.outcome);
}

#[test]
fn equal_and_ended_is_converged() {
    for status in [None, Some("Succeeded")] {
        let mut bench = Bench::blue_green(A, A);
        let attempt = bench.attempt();
        bench.tag(&attempt);
        bench.deployments(
            status
                .map(|status| deployment("d-1", &attempt, status))
                .into_iter()
                .collect(),
        );
        assert_converged(&bench.plan());
    }
}

#[test]
fn equal_though_the_last_deployment_of_it_ended_badly_is_failed() {
    for status in ["Failed", "Stopped"] {
        let mut bench = Bench::blue_green(A, A);
        let attempt = bench.attempt();
        bench.tag(&attempt);
        bench.deployments(vec![deployment("d-1", &attempt, status)]);
        let plan = bench.plan();
        assert_inert(&plan, "RolloutFailed");
        assert!(plan.outcome.message().contains("d-1"), "{}", plan.outcome);
    }
    // Of another payload it says nothing about this one.
    let mut bench = Bench::blue_green(A, A);
    let attempt = bench.attempt();
    bench.tag(&attempt);
    bench.deployments(vec![deployment("d-1", "v1:other", "Failed")]);
    assert_converged(&bench.plan());
}

/// Stopped without a rollback while traffic was moving.
#[test]
fn what_a_bad_end_left_behind_is_told_as_long_as_it_stands() {
    let mut bench = Bench::blue_green(A, A);
    let attempt = bench.attempt();
    bench.tag(&attempt);
    bench.deployments(vec![deployment("d-1", "v1:other", "Stopped")]);
    let left =
        json!({"id": "ecs-svc/2", "status": "ACTIVE", "taskDefinition": B.task_definition()});
    bench.live()["taskSets"].as_array_mut().unwrap().push(left);
    bench.live()["runningCount"] = json!(4);
    let plan = bench.plan();
    assert_inert(&plan, "RolloutFailed");
    for told in ["d-1", "ecs-svc/2"] {
        assert!(plan.outcome.message().contains(told), "{}", plan.outcome);
    }
    // One that is draining goes by itself.
    bench.live()["taskSets"][1]["status"] = json!("DRAINING");
    assert_inert(&bench.plan(), "Provisioning");
}

#[test]
fn what_ended_badly_is_not_started_again() {
    for status in ["Failed", "Stopped"] {
        for (after, reason) in [(None, "RolloutFailed"), (Some("Succeeded"), "Quarantined")] {
            let mut bench = differing(|attempt| {
                let later = after.map(|status| deployment("d-2", "v1:other", status));
                later
                    .into_iter()
                    .chain([deployment("d-1", attempt, status)])
                    .collect()
            });
            // Neither a tag nor long drift changes that.
            for tag in [None, Some(bench.attempt())] {
                if let Some(tag) = tag {
                    bench.tag(&tag);
                }
                bench.drifting_since = Some(Moment(0));
                let plan = bench.plan();
                assert_inert(&plan, reason);
                assert!(plan.outcome.message().contains("d-1"), "{}", plan.outcome);
                assert!(
                    plan.outcome.message().contains("evenkeel.dev/retry"),
                    "{}",
                    plan.outcome
                );
                assert!(!plan.drift.is_empty());
            }
            // What was stopped on request says so.
            bench.retry("once more");
            assert_eq!(creates(&bench.plan()), 1);
        }
    }
}

#[test]
fn quarantine_does_not_hold_up_quiet_members() {
    let mut bench = differing(|attempt| vec![deployment("d-1", attempt, "Failed")]);
    bench.live()["desiredCount"] = json!(1);
    assert_eq!(only_call(&bench.plan()).0, "UpdateService");
}

#[test]
fn a_change_of_the_manifest_is_deployed_at_once_and_a_change_of_live_state_after_the_grace_time() {
    let minutes = |n: i64| Some(Moment(NOW.0 - n * 60_000));
    for (tagged, since, reason) in [
        (false, None, "Progressing"),
        (false, minutes(1), "Progressing"),
        (true, None, "DriftGrace"),
        (true, minutes(9), "DriftGrace"),
        (true, minutes(10), "Progressing"),
        (true, minutes(60), "Progressing"),
    ] {
        for last in [None, Some("Succeeded")] {
            let mut bench = differing(|attempt| {
                last.map(|s| deployment("d-1", attempt, s))
                    .into_iter()
                    .collect()
            });
            if tagged {
                let attempt = bench.attempt();
                bench.tag(&attempt);
            }
            bench.drifting_since = since;
            let plan = bench.plan();
            assert_eq!(
                plan.outcome.reason(),
                reason,
                "{tagged} {since:?}: {plan:?}"
            );
            assert_eq!(creates(&plan), usize::from(reason == "Progressing"));
            assert_eq!(plan.drift.len(), 1);
        }
    }
}

#[test]
fn the_manifest_may_set_the_grace_time() {
    let mut bench = differing(|attempt| vec![deployment("d-1", attempt, "Succeeded")]);
    let attempt = bench.attempt();
    bench.tag(&attempt);
    bench.scene = std::mem::take(&mut bench.scene).beside(
        Kind::Service,
        "web",
        "sync",
        json!({"driftGrace": "1h"}),
    );
    bench.drifting_since = Some(Moment(NOW.0 - 50 * 60_000));
    let plan = bench.plan();
    assert_inert(&plan, "DriftGrace");
    assert!(
        plan.outcome.message().contains("1970-01-01T02:56:40Z"),
        "{}",
        plan.outcome
    );
}

#[test]
fn what_is_not_known_and_matters_is_inert() {
    let unknown = || "ThrottlingException".to_owned();
    let mut group = differing(|_| Vec::new());
    group.observed.group = Some(Seen::Unknown(unknown()));
    let mut last = differing(|_| Vec::new());
    last.observed.deployment = Some(Seen::Unknown(unknown()));
    let mut history = differing(|_| Vec::new());
    history.observed.history = Some(Seen::Unknown(unknown()));
    let mut unread = differing(|_| Vec::new());
    unread.observed.history = None;
    for mut bench in [group, last, history, unread] {
        bench.live()["desiredCount"] = json!(1);
        assert_inert(&bench.plan(), "ObservationUnknown");
    }
}

/// The look at the group was a moment older than the look at its history.
#[test]
fn nothing_is_started_beside_a_deployment_that_only_the_history_shows() {
    let mut bench = differing(|attempt| vec![deployment("d-1", attempt, "Succeeded")]);
    bench.observed.history = Some(Seen::Present(vec![
        deployment("d-2", "v1:other", "InProgress"),
        deployment("d-1", "v1:other", "Succeeded"),
    ]));
    let plan = bench.plan();
    assert_eq!(creates(&plan), 0, "{plan:?}");
    assert!(
        matches!(plan.outcome, Outcome::Waiting(..)),
        "{}",
        plan.outcome
    );
}

#[test]
fn without_a_deployment_group_nothing_is_deployed() {
    let mut absent = differing(|_| Vec::new());
    absent.observed.group = Some(Seen::Absent);
    let plan = absent.plan();
    assert_inert(&plan, "DependencyNotReady");
    assert!(
        plan.outcome.message().contains("DeploymentGroup/web"),
        "{}",
        plan.outcome
    );
    let mut none = differing(|_| Vec::new());
    none.without_group_manifest();
    let plan = none.plan();
    assert_inert(&plan, "NoDeploymentGroup");
    assert!(
        plan.outcome.message().contains("ecsServices"),
        "{}",
        plan.outcome
    );
    // It matters only when there is something to deploy.
    let mut equal = Bench::blue_green(A, A);
    let attempt = equal.attempt();
    equal.tag(&attempt);
    equal.without_group_manifest();
    assert_converged(&equal.plan());
}

#[test]
fn only_a_target_group_of_the_pair_can_be_reached_by_a_deployment() {
    for (declared, live, refused) in [
        ("web-blue", "web-blue", false),
        ("web-blue", "web-green", false),
        ("web-other", "web-blue", true),
        // A name that another one begins with is another name.
        ("web-blue-2", "web-blue", true),
        ("web-blue", "web-other", true),
    ] {
        let mut bench = Bench::blue_green(A, A);
        let attempt = bench.attempt();
        bench.tag(&attempt);
        bench.spec()["loadBalancers"][0]["targetGroupArn"] = json!(target_group(declared));
        bench.live()["taskSets"][0]["loadBalancers"][0]["targetGroupArn"] =
            json!(target_group(live));
        if live == "web-green" {
            bench.weigh("production", [0, 100]);
            let health = Seen::Present(json!([{"TargetHealth": {"State": "healthy"}}]));
            bench.observed.health.insert(target_group(live), health);
        }
        let plan = bench.plan();
        if refused {
            assert_inert(&plan, "RecreateRequired");
        } else {
            assert_converged(&plan);
        }
    }
}

#[test]
fn each_carried_member_starts_a_deployment_and_no_update() {
    let changes: [(&str, Value); 7] = [
        ("/taskDefinition", json!(B.task_definition())),
        ("/platformVersion", json!("1.3.0")),
        (
            "/networkConfiguration/awsvpcConfiguration/subnets",
            json!(["subnet-1", "subnet-9"]),
        ),
        (
            "/networkConfiguration/awsvpcConfiguration/securityGroups",
            json!(["sg-1"]),
        ),
        (
            "/networkConfiguration/awsvpcConfiguration/assignPublicIp",
            json!("ENABLED"),
        ),
        ("/loadBalancers/0/containerName", json!("side")),
        ("/loadBalancers/0/containerPort", json!(9090)),
    ];
    for (path, value) in changes {
        let mut bench = Bench::blue_green(A, A);
        let attempt = bench.attempt();
        bench.tag(&attempt);
        bench.deployments(Vec::new());
        *bench.spec().pointer_mut(path).unwrap() = value;
        assert_ne!(
            bench.attempt(),
            attempt,
            "{path}: another payload, another digest"
        );
        let plan = bench.plan();
        assert_eq!(only_call(&plan).0, "CreateDeployment", "{path}");
    }
    let mut bench = Bench::blue_green(A, A);
    bench.deployments(Vec::new());
    for document in ["spec", "live"] {
        let document = if document == "spec" {
            bench.spec()
        } else {
            bench.live()
        };
        document.as_object_mut().unwrap().remove("launchType");
    }
    bench.spec()["capacityProviderStrategy"] =
        json!([{"capacityProvider": "FARGATE_SPOT", "weight": 1}]);
    assert_eq!(only_call(&bench.plan()).0, "CreateDeployment");
}

#[test]
fn sets_in_another_order_are_no_difference() {
    let mut bench = Bench::blue_green(A, A);
    let attempt = bench.attempt();
    bench.tag(&attempt);
    let vpc = &mut bench.spec()["networkConfiguration"]["awsvpcConfiguration"];
    vpc["subnets"] = json!(["subnet-2", "subnet-1"]);
    vpc["securityGroups"] = json!(["sg-2", "sg-1"]);
    assert_converged(&bench.plan());
}

/// An `AppSpec` has no way to say it: a deployment would succeed, change nothing, and be started
/// again after every grace time.
#[test]
fn going_back_from_capacity_providers_to_the_launch_type_is_refused_and_not_deployed_for_ever() {
    let mut bench = Bench::blue_green(A, A);
    bench.deployments(Vec::new());
    let live = json!([{"capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 0}]);
    bench.live()["taskSets"][0]["capacityProviderStrategy"] = live;
    bench.spec()["capacityProviderStrategy"] = json!([]);
    let plan = bench.plan();
    assert_inert(&plan, "RecreateRequired");
    assert!(
        plan.outcome.message().contains("capacityProviderStrategy"),
        "{}",
        plan.outcome
    );
}

#[test]
fn a_service_of_no_tasks_stays_on_its_revision_while_the_image_is_missing() {
    let mut bench = zero_tasks();
    let plan = bench.plan();
    assert_eq!(
        (plan.steps.len(), &plan.outcome),
        (0, &Outcome::Converged),
        "{plan:?}"
    );
    // What else a deployment would carry is not forgotten meanwhile.
    bench.spec()["platformVersion"] = json!("1.3.0");
    let plan = bench.plan();
    assert_inert(&plan, "DependencyNotReady");
    assert_eq!(plan.drift.len(), 1);
}

fn zero_tasks() -> Bench {
    let mut bench = Bench::blue_green(A, A);
    let definition = Key::new(Kind::TaskDefinition, "web");
    let fallback = Facts {
        fallback_arn: Some(A.task_definition().to_owned()),
        ..Facts::default()
    };
    bench.scene.facts.insert(definition.clone(), fallback);
    bench.unresolved = vec![definition];
    bench.spec()["desiredCount"] = json!(0);
    bench
        .spec()
        .as_object_mut()
        .unwrap()
        .remove("taskDefinition");
    for member in ["desiredCount", "runningCount"] {
        bench.live()[member] = json!(0);
    }
    bench
}

#[test]
fn a_missing_dependency_holds_up_the_deployment_but_not_quiet_members() {
    let mut bench = differing(|_| Vec::new());
    bench.unresolved = vec![Key::new(Kind::TaskDefinition, "web")];
    assert_inert(&bench.plan(), "DependencyNotReady");
    bench.live()["desiredCount"] = json!(1);
    assert_eq!(only_call(&bench.plan()).0, "UpdateService");
}

#[test]
fn a_member_that_no_call_changes_is_refused_but_hides_no_failure_and_no_grace_time() {
    let refused =
        |bench: &mut Bench| bench.spec()["serviceRegistries"] = json!([{"registryArn": "arn:r"}]);
    let mut equal = Bench::blue_green(A, A);
    let attempt = equal.attempt();
    equal.tag(&attempt);
    refused(&mut equal);
    let attempt = equal.attempt();
    equal.tag(&attempt);
    let plan = equal.plan();
    assert_inert(&plan, "RecreateRequired");
    assert!(
        plan.outcome.message().contains("serviceRegistries"),
        "{}",
        plan.outcome
    );
    let mut failed = Bench::blue_green(B, A);
    refused(&mut failed);
    let attempt = failed.attempt();
    failed.deployments(vec![deployment("d-1", &attempt, "Failed")]);
    assert_inert(&failed.plan(), "RolloutFailed");
    let mut drifted = Bench::blue_green(B, A);
    refused(&mut drifted);
    let attempt = drifted.attempt();
    drifted.tag(&attempt);
    drifted.deployments(vec![deployment("d-1", &attempt, "Succeeded")]);
    assert_inert(&drifted.plan(), "DriftGrace");
}

#[test]
fn no_primary_task_set_is_waited_for() {
    let mut bench = Bench::blue_green(B, A);
    bench.live()["taskSets"] = json!([]);
    assert_inert(&bench.plan(), "Provisioning");
}

#[test]
fn the_failure_is_told_as_aws_told_it() {
    let bench = differing(|attempt| {
        let mut failed = deployment("d-1", attempt, "Stopped");
        failed["errorInformation"] = json!({"code": "MANUAL_STOP", "message": "stopped by alice"});
        vec![failed]
    });
    let plan = bench.plan();
    let Outcome::Failed(Fail::RolloutFailed, message) = plan.outcome else {
        panic!("{plan:?}");
    };
    assert!(
        message.starts_with("deployment d-1 stopped: MANUAL_STOP: stopped by alice; "),
        "{message}"
    );
}

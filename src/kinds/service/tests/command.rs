//! What follows from an order as things stand, and what is planned after one.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::command::{Standing, Verdict, decide};
use super::super::mark::{APPROVED_TAG, Mark, TAKEN_BACK_TAG};
use super::bench::{Bench, NOW, Payload, deployment};
use crate::kinds::testing::assert_inert;
use crate::model::{Block, Command, Moment, Order, Outcome, Seen, Wait};

const ABORT: Command = Command::Abort { foreign: false };
const REJECT: Command = Command::Reject { digest: None };

fn promote(terminate: bool) -> Command {
    Command::Promote {
        foreign: false,
        terminate,
    }
}

fn approve(digest: &str) -> Command {
    Command::Approve {
        digest: digest.to_owned(),
    }
}

fn standing(bench: &Bench) -> Standing {
    let revision = json!({"revisionType": "AppSpecContent", "appSpecContent": {"content": "{}"}});
    Standing {
        observed: bench.observed.clone(),
        revision: Some(Seen::Present(revision)),
    }
}

/// The operations that follow, or why none does.
fn ordered(bench: &Bench, command: Command) -> Result<Vec<&'static str>, String> {
    let order = Order {
        command,
        by: "ann".to_owned(),
    };
    match decide(&bench.view(), &standing(bench), &order) {
        Verdict::Do { steps, .. } => Ok(steps.iter().map(|step| step.call.operation).collect()),
        Verdict::No(why) | Verdict::Unknown(why) => Err(why),
    }
}

#[test]
fn orders_about_codedeploy_follow_from_where_the_deployment_stands() {
    let mut bench = Bench::blue_green(Payload::B, Payload::A);
    let attempt = bench.attempt();
    let flying = |status: &str, warm: bool| {
        let mut one = deployment("d-1", &attempt, status);
        one["instanceTerminationWaitTimeStarted"] = json!(warm);
        one
    };
    let stop = ["StopDeployment", "TagResource"];
    for (status, warm, expected) in [
        (
            "InProgress",
            false,
            [Some(&stop[..]), None, None, None, None],
        ),
        (
            "Ready",
            false,
            [
                Some(&stop[..]),
                Some(&stop[..]),
                Some(&["ContinueDeployment"][..]),
                None,
                Some(&["TagResource", "ContinueDeployment"][..]),
            ],
        ),
        (
            "InProgress",
            true,
            [
                Some(&stop[..]),
                None,
                None,
                Some(&["ContinueDeployment"][..]),
                None,
            ],
        ),
        ("Succeeded", true, [None; 5]),
    ] {
        bench.deployments(vec![flying(status, warm)]);
        let orders = [
            ABORT,
            REJECT,
            promote(false),
            promote(true),
            approve(&attempt),
        ];
        for (order, expected) in orders.into_iter().zip(expected) {
            let found = ordered(&bench, order.clone());
            assert_eq!(
                found.as_deref().ok(),
                expected,
                "{status} {warm} {order:?}: {found:?}"
            );
        }
    }
    // A rollback is under way: it goes back already.
    let mut back = deployment("d-2", &attempt, "InProgress");
    back["creator"] = json!("codeDeployRollback");
    bench.deployments(vec![back, flying("Stopped", false)]);
    for order in [ABORT, REJECT, promote(false), promote(true)] {
        let why = ordered(&bench, order).unwrap_err();
        assert!(why.contains("goes back already"), "{why}");
    }
}

#[test]
fn what_is_not_of_the_declared_content_is_stopped_and_not_held() {
    let mut bench = Bench::blue_green(Payload::B, Payload::A);
    bench.deployments(vec![deployment("d-1", "v1:older000", "InProgress")]);
    assert_eq!(ordered(&bench, ABORT), Ok(vec!["StopDeployment"]));
    bench.deployments(vec![json!({"deploymentId": "d-1", "status": "InProgress"})]);
    let why = ordered(&bench, ABORT).unwrap_err();
    assert!(why.contains("--foreign"), "{why}");
    let foreign = Command::Abort { foreign: true };
    assert_eq!(ordered(&bench, foreign), Ok(vec!["StopDeployment"]));
}

#[test]
fn nothing_follows_from_what_is_not_known_or_not_ours() {
    let mut bench = Bench::blue_green(Payload::B, Payload::A);
    bench.observed.history = Some(Seen::Unknown("throttled".to_owned()));
    assert_eq!(ordered(&bench, ABORT), Err("throttled".to_owned()));
    bench.observed.history = None;
    let why = ordered(&bench, ABORT).unwrap_err();
    assert!(why.contains("no DeploymentGroup manifest"), "{why}");
    bench.live()["deploymentController"] = json!({"type": "EXTERNAL"});
    let why = ordered(&bench, ABORT).unwrap_err();
    assert!(why.contains("driven by somebody else"), "{why}");
    bench.observed.service = Seen::Absent;
    let why = ordered(&bench, ABORT).unwrap_err();
    assert!(why.contains("does not exist"), "{why}");
}

fn service_deployment(status: &str, hooks: &[&str], revision: &str) -> Value {
    let hooks = hooks.iter().enumerate();
    let hooks: Value = hooks
        .map(|(at, status)| json!({"hookId": format!("ecs-pause-{at}"), "status": status}))
        .collect();
    json!({"serviceDeploymentArn": "arn:aws:ecs:r:1:service-deployment/main/web/77", "status": status,
        "lifecycleHookDetails": hooks, "revision": {"taskDefinition": revision, "platformVersion": "1.4.0",
        "networkConfiguration": super::bench::network()}})
}

#[test]
fn every_pause_that_waits_is_answered_and_one_is_enough_to_go_back() {
    let mut bench = Bench::rolling(Payload::B, Payload::B, "IN_PROGRESS");
    let attempt = bench.attempt();
    let revision = Payload::B.task_definition();
    let mut with = |status: &str, hooks: &[&str]| {
        let one = service_deployment(status, hooks, revision);
        bench.observed.service_deployments = Some(Seen::Present(json!([one])));
        [ABORT, REJECT, promote(false), approve(&attempt)].map(|order| ordered(&bench, order).ok())
    };
    let two = ["AWAITING_ACTION", "SUCCEEDED", "AWAITING_ACTION"];
    let go_on = "ContinueServiceDeployment";
    let stop = || Some(vec!["StopServiceDeployment", "TagResource"]);
    assert_eq!(
        with("IN_PROGRESS", &two),
        [
            stop(),
            Some(vec![go_on, "TagResource"]),
            Some(vec![go_on, go_on]),
            Some(vec!["TagResource", go_on, go_on]),
        ]
    );
    assert_eq!(
        with("IN_PROGRESS", &["SUCCEEDED"]),
        [stop(), None, None, None]
    );
    for over in ["ROLLBACK_IN_PROGRESS", "SUCCESSFUL", "STOPPED"] {
        assert_eq!(with(over, &two), [None, None, None, None], "{over}");
    }
}

#[test]
fn an_approval_is_of_the_content_that_waits() {
    let mut bench = Bench::blue_green(Payload::B, Payload::A);
    let attempt = bench.attempt();
    bench.deployments(vec![deployment("d-1", &attempt, "Ready")]);
    for good in [attempt.as_str(), &attempt[..11]] {
        assert!(ordered(&bench, approve(good)).is_ok(), "{good}");
    }
    for bad in ["v1:", &attempt[..10], "v1:00000000", ""] {
        let why = ordered(&bench, approve(bad)).unwrap_err();
        assert!(why.contains(&attempt), "{why}");
    }
    let order = Order {
        command: approve(&attempt[..11]),
        by: "ann".to_owned(),
    };
    let Verdict::Do { steps, .. } = decide(&bench.view(), &standing(&bench), &order) else {
        panic!("approved");
    };
    let tags = json!({"tags": steps[0].call.input["tags"]});
    let mark = Mark::of(&tags, APPROVED_TAG).unwrap();
    assert_eq!((mark.digest, mark.what.as_str()), (attempt, "approved"));
}

/// Marks the declared content of a service, or another, as taken back.
fn take_back(bench: &mut Bench, digest: &str, at: Moment) {
    let mark = Mark {
        digest: digest.to_owned(),
        what: "aborted".to_owned(),
        by: "ann".to_owned(),
        at,
    };
    let step = mark.write(&json!({}), TAKEN_BACK_TAG);
    let tag = step.call.input["tags"][0].clone();
    bench.live()["tags"].as_array_mut().unwrap().push(tag);
}

#[test]
fn content_that_was_taken_back_is_not_started_and_not_healed() {
    for mut bench in [
        Bench::blue_green(Payload::B, Payload::A),
        Bench::rolling(Payload::B, Payload::A, "COMPLETED"),
    ] {
        let attempt = bench.attempt();
        bench.deployments(Vec::new());
        bench.observed.deployment = None;
        bench.observed.service_deployments = Some(Seen::Absent);
        // What would start, and what the grace time is over for.
        for since in [None, Some(Moment(0))] {
            bench.tag(&attempt);
            take_back(&mut bench, &attempt, NOW);
            bench.drifting_since = since;
            let plan = bench.plan();
            assert!(plan.steps.is_empty(), "{plan:?}");
            let Outcome::Blocked(Block::Quarantined, why) = &plan.outcome else {
                panic!("{plan:?}");
            };
            assert!(
                why.contains("aborted by ann at 1970-01-01T02:46:40Z"),
                "{why}"
            );
            assert_eq!(plan.digest.as_ref(), Some(&attempt));
        }
        // Nor is it somebody's change, whatever becomes of those.
        for heal in ["off", "notify"] {
            bench.tag(&attempt);
            take_back(&mut bench, &attempt, NOW);
            bench.drifting_since = None;
            let sync = json!({"selfHeal": heal});
            let kind = crate::model::Kind::Service;
            bench.scene = std::mem::take(&mut bench.scene).beside(kind, "web", "sync", sync);
            let outcome = bench.plan().outcome;
            assert!(
                matches!(outcome, Outcome::Blocked(Block::Quarantined, _)),
                "{heal}: {outcome}"
            );
            let key = crate::model::Key::new(kind, "web");
            let resource = bench.scene.set.resources.get_mut(&key).unwrap();
            resource.beside.remove("sync");
        }
        // Another content is started.
        bench.tag("v1:other");
        take_back(&mut bench, "v1:other", NOW);
        assert!(!bench.plan().steps.is_empty());
        // A new text of the annotation is another content.
        bench.tag("v1:other");
        take_back(&mut bench, &attempt, NOW);
        bench.retry("once more");
        assert!(!bench.plan().steps.is_empty());
    }
}

#[test]
fn a_way_back_is_waited_for_and_told_if_it_fails() {
    let mut bench = Bench::rolling(Payload::B, Payload::A, "IN_PROGRESS");
    let attempt = bench.attempt();
    take_back(&mut bench, &attempt, NOW);
    for (status, expected) in [
        ("ROLLBACK_IN_PROGRESS", "RolloutInProgress"),
        ("ROLLBACK_SUCCESSFUL", "Quarantined"),
        ("ROLLBACK_FAILED", "RolloutFailed"),
    ] {
        let one = service_deployment(status, &[], Payload::B.task_definition());
        bench.observed.service_deployments = Some(Seen::Present(json!([one])));
        let plan = bench.plan();
        assert_eq!(plan.outcome.reason(), expected, "{plan:?}");
        assert!(
            plan.outcome.message().contains("aborted by ann"),
            "{plan:?}"
        );
        assert_eq!(plan.rollout.is_some(), expected == "RolloutInProgress");
        assert!(plan.steps.is_empty(), "{plan:?}");
    }
}

#[test]
fn a_mark_goes_away_with_what_it_was_about() {
    let long = Duration::from_mins(10);
    for (live, of_declared, age, goes) in [
        (Payload::A, false, Duration::ZERO, true),
        (Payload::A, true, long, true),
        // The order is only about to be carried out.
        (Payload::A, true, Duration::from_secs(599), false),
        (Payload::B, true, long, false),
    ] {
        let mut bench = Bench::rolling(Payload::A, live, "COMPLETED");
        bench.observed.service_deployments = Some(Seen::Absent);
        let attempt = bench.attempt();
        bench.tag(&attempt);
        let digest = if of_declared { &attempt } else { "v1:other" };
        take_back(&mut bench, digest, NOW.minus(age));
        let operations: Vec<_> = bench
            .plan()
            .steps
            .iter()
            .map(|step| step.call.operation)
            .collect();
        let expected: &[&str] = if goes { &["UntagResource"] } else { &[] };
        assert_eq!(operations, expected, "{live:?} {of_declared} {age:?}");
    }
}

/// What is not about the content stays the first thing that is told.
#[test]
fn what_cannot_be_seen_is_not_passed_off_as_held() {
    let mut bench = Bench::rolling(Payload::B, Payload::A, "COMPLETED");
    let attempt = bench.attempt();
    take_back(&mut bench, &attempt, NOW);
    bench.observed.service_deployments = Some(Seen::Unknown("throttled".to_owned()));
    let outcome = bench.plan().outcome;
    assert!(
        matches!(outcome, Outcome::Waiting(Wait::ObservationUnknown, _)),
        "{outcome}"
    );
}

const ROLLBACK: Command = Command::Rollback { foreign: false };

#[test]
fn a_rollback_stops_what_is_in_flight_and_holds_what_the_manifest_asks_for() {
    let mut bench = Bench::blue_green(Payload::B, Payload::A);
    let attempt = bench.attempt();
    let stop = || Ok(vec!["StopDeployment", "TagResource"]);
    // Whatever of ours it is of: the manifest's content is what must not follow.
    for content in [attempt.as_str(), "v1:older000"] {
        bench.deployments(vec![deployment("d-1", content, "InProgress")]);
        assert_eq!(ordered(&bench, ROLLBACK), stop());
    }
    bench.deployments(vec![json!({"deploymentId": "d-1", "status": "InProgress"})]);
    let why = ordered(&bench, ROLLBACK).unwrap_err();
    assert!(why.contains("--foreign"), "{why}");
    let foreign = Command::Rollback { foreign: true };
    assert_eq!(ordered(&bench, foreign), Ok(vec!["StopDeployment"]));
}

/// A deployment of `CodeDeploy` whose AppSpec has this digest.
fn carrying(id: &str, attempt: &str, status: &str, sha: &str) -> Value {
    let mut one = deployment(id, attempt, status);
    one["revision"] = json!({"revisionType": "AppSpecContent", "appSpecContent": {"sha256": sha}});
    one
}

#[test]
fn a_rollback_through_codedeploy_is_to_the_newest_other_content_that_succeeded() {
    let mut bench = Bench::blue_green(Payload::B, Payload::B);
    bench.live()["taskSets"][0]["externalId"] = json!("d-5");
    let attempt = bench.attempt();
    let mut history = vec![
        carrying("d-6", "v1:failed00", "Failed", "f"),
        carrying("d-5", &attempt, "Succeeded", "b"),
        // The same content by another text, and the same text started by hand.
        carrying("d-4", &attempt, "Succeeded", "b2"),
        carrying("d-3", "v1:hand0000", "Succeeded", "b"),
        carrying("d-2", "v1:good0000", "Succeeded", "a"),
        carrying("d-1", "v1:older000", "Succeeded", "o"),
    ];
    bench.deployments(history.clone());
    let order = Order {
        command: ROLLBACK,
        by: "ann".to_owned(),
    };
    let Verdict::Do { steps, .. } = decide(&bench.view(), &standing(&bench), &order) else {
        panic!("{:?}", ordered(&bench, ROLLBACK));
    };
    // The mark is first: without it the next pass would deploy the manifest again.
    let operations: Vec<_> = steps.iter().map(|step| step.call.operation).collect();
    assert_eq!(operations, ["TagResource", "CreateDeployment"]);
    let mark = Mark::of(&steps[0].call.input, TAKEN_BACK_TAG).unwrap();
    assert_eq!((mark.digest, mark.what.as_str()), (attempt, "rolled back"));
    let input = &steps[1].call.input;
    let description = "evenkeel attempt=v1:good0000 rollback to d-2, ordered by ann";
    assert_eq!(input["description"], description);
    assert_eq!(input["revision"]["appSpecContent"]["content"], "{}");
    history.truncate(4);
    bench.deployments(history);
    let why = ordered(&bench, ROLLBACK).unwrap_err();
    assert!(why.contains("remembers no deployment"), "{why}");
}

#[test]
fn a_rollback_by_ecs_sends_what_differs_and_takes_away_what_was_added() {
    let mut bench = Bench::rolling(Payload::B, Payload::B, "COMPLETED");
    let good = |status: &str, revision: &str| service_deployment(status, &[], revision);
    let (a, b) = (Payload::A.task_definition(), Payload::B.task_definition());
    bench.live()["serviceRegistries"] = json!([{"registryArn": "arn:registry"}]);
    let history = [
        good("SUCCESSFUL", b),
        good("ROLLBACK_SUCCESSFUL", a),
        good("SUCCESSFUL", a),
    ];
    bench.observed.service_deployments = Some(Seen::Present(json!(history)));
    let order = Order {
        command: ROLLBACK,
        by: "ann".to_owned(),
    };
    let Verdict::Do { steps, .. } = decide(&bench.view(), &standing(&bench), &order) else {
        panic!("{:?}", ordered(&bench, ROLLBACK));
    };
    let operations: Vec<_> = steps.iter().map(|step| step.call.operation).collect();
    // What was taken back, and that a deployment of ours follows, come first.
    assert_eq!(operations, ["TagResource", "TagResource", "UpdateService"]);
    let expected = json!({"taskDefinition": a, "serviceRegistries": [], "cluster": super::bench::CLUSTER,
        "service": "web"});
    assert_eq!(steps[2].call.input, expected);
    bench.observed.service_deployments = Some(Seen::Present(json!(history[..2])));
    let why = ordered(&bench, ROLLBACK).unwrap_err();
    assert!(why.contains("remembers no deployment"), "{why}");
}

#[test]
fn only_content_of_the_manifest_that_runs_is_rolled_back() {
    let mut bench = Bench::rolling(Payload::B, Payload::A, "COMPLETED");
    bench.observed.service_deployments = Some(Seen::Absent);
    let why = ordered(&bench, ROLLBACK).unwrap_err();
    assert!(why.contains("does not run the content"), "{why}");
    let attempt = bench.attempt();
    take_back(&mut bench, &attempt, NOW);
    let why = ordered(&bench, ROLLBACK).unwrap_err();
    assert!(
        why.contains("aborted by ann") && why.contains("already"),
        "{why}"
    );
}

/// A bench whose manifest asks for an approval.
fn asking(mut bench: Bench, approval: &Value) -> Bench {
    let rollout = json!({"approval": approval});
    let kind = crate::model::Kind::Service;
    bench.scene = std::mem::take(&mut bench.scene).beside(kind, "web", "rollout", rollout);
    bench
}

#[test]
fn a_rollout_waits_for_the_approval_of_its_content() {
    for mut bench in [
        Bench::blue_green(Payload::B, Payload::A),
        Bench::rolling(Payload::B, Payload::A, "COMPLETED"),
    ] {
        bench.deployments(Vec::new());
        bench.observed.deployment = None;
        bench.observed.service_deployments = Some(Seen::Absent);
        let mut bench = asking(bench, &json!({"timeout": "2h"}));
        let attempt = bench.attempt();
        let hours = |hours: u64| NOW.minus(Duration::from_hours(hours));
        for (digest, at, opens) in [
            (None, NOW, false),
            (Some("v1:other000"), NOW, false),
            (Some(attempt.as_str()), NOW, true),
            (Some(attempt.as_str()), hours(1), true),
            (Some(attempt.as_str()), hours(2), false),
        ] {
            bench.live()["tags"] = json!([]);
            if let Some(digest) = digest {
                let mark = Mark {
                    digest: digest.to_owned(),
                    what: "approved".to_owned(),
                    by: "bob".to_owned(),
                    at,
                };
                let tag = mark.write(&json!({}), APPROVED_TAG).call.input["tags"][0].clone();
                bench.live()["tags"] = json!([tag]);
            }
            let plan = bench.plan();
            assert_eq!(!plan.steps.is_empty(), opens, "{digest:?} {at:?}: {plan:?}");
            if !opens {
                assert_eq!(plan.outcome.reason(), "ApprovalPending");
                let way = format!("`evenkeel approve Service/web --digest {attempt}`");
                assert!(plan.outcome.message().contains(&way), "{plan:?}");
            }
        }
        let message = bench.plan().outcome.message().to_owned();
        assert!(message.contains("approved by bob"), "expired: {message}");
        // What was started before with this digest is healed without a word.
        bench.tag(&attempt);
        bench.drifting_since = Some(Moment(0));
        assert!(!bench.plan().steps.is_empty());
    }
    let mut off = asking(
        Bench::rolling(Payload::B, Payload::A, "COMPLETED"),
        &json!({"required": false}),
    );
    off.observed.service_deployments = Some(Seen::Absent);
    assert!(!off.plan().steps.is_empty());
}

/// Nobody approved it in time: it is `Blocked`, for the alerts, and an approval counts all the same.
#[test]
fn an_approval_that_nobody_gives_in_time_is_told() {
    let mut bench = Bench::rolling(Payload::B, Payload::A, "COMPLETED");
    bench.observed.service_deployments = Some(Seen::Absent);
    let bench = asking(bench, &json!({"timeout": "2h"}));
    let attempt = bench.attempt();
    let hours = |hours: u64| NOW.minus(Duration::from_hours(hours));
    for (asked, reason) in [
        (None, "ApprovalPending"),
        (Some((attempt.as_str(), hours(1))), "ApprovalPending"),
        (Some((attempt.as_str(), hours(2))), "ApprovalTimedOut"),
        (Some(("v1:other000", hours(2))), "ApprovalPending"),
    ] {
        let mut view = bench.view();
        view.asked = asked;
        let plan = super::super::plan::plan(&view, &bench.observed);
        assert_inert(&plan, reason);
        let ways = format!("evenkeel approve Service/web --digest {attempt}");
        assert!(plan.outcome.message().contains(&ways), "{}", plan.outcome);
    }
}

#[test]
fn what_waits_before_it_starts_is_approved_or_rejected_by_its_digest() {
    let mut bench = asking(
        Bench::rolling(Payload::B, Payload::A, "COMPLETED"),
        &json!({}),
    );
    bench.observed.service_deployments = Some(Seen::Absent);
    let attempt = bench.attempt();
    let tag = || Ok(vec!["TagResource"]);
    assert_eq!(ordered(&bench, approve(&attempt)), tag());
    assert_eq!(ordered(&bench, REJECT), tag());
    let why = ordered(&bench, approve("v1:00000000")).unwrap_err();
    assert!(why.contains(&attempt), "{why}");
    let why = ordered(&bench, promote(false)).unwrap_err();
    assert!(
        why.contains("evenkeel approve Service/web --digest"),
        "{why}"
    );
    // Somebody else's deployment in flight is no reason not to answer.
    let theirs = service_deployment("IN_PROGRESS", &[], "arn:other");
    bench.observed.service_deployments = Some(Seen::Present(json!([theirs])));
    assert_eq!(ordered(&bench, approve(&attempt)), tag());
    // What was rejected does not wait.
    bench.observed.service_deployments = Some(Seen::Absent);
    take_back(&mut bench, &attempt, NOW);
    let why = ordered(&bench, approve(&attempt)).unwrap_err();
    assert!(why.contains("nothing of service"), "{why}");
}

//! The table of `queued`, row by row: which revision comes first.

use serde_json::{Value, json};

use super::bench::{CLUSTER, NOW, SERVICE};
use super::{Bench, Payload};
use crate::document::{canonical_task_definition, digest};
use crate::kinds::service::plan::compared;
use crate::kinds::service::{DECLARED_TAG, intent, mark, payload};
use crate::kinds::testing::{assert_inert, calls};
use crate::kinds::{DIGEST_TAG, INSTANCE_TAG, MEMBERS_TAG};
use crate::model::{Key, Kind, Moment, Outcome, Plan, Seen, Wait};

fn arn(number: u64) -> String {
    format!("arn:aws:ecs:us-east-1:123456789012:task-definition/web:{number}")
}

/// A revision of ours, as `DescribeTaskDefinition` answers.
fn revision(number: u64) -> Value {
    let mut definition = json!({"family": "web", "taskDefinitionArn": arn(number), "revision": number,
        "status": "ACTIVE", "registeredAt": number,
        "containerDefinitions": [{"name": "web", "image": format!("web:v{number}")}]});
    definition["compatibilities"] = json!(["EC2"]);
    let content = digest(&canonical_task_definition(&definition));
    json!({"taskDefinition": definition, "tags": [
        {"key": DIGEST_TAG, "value": content}, {"key": INSTANCE_TAG, "value": "default"}]})
}

/// A rolling service that runs revision 1, declares revision 4, and of which `started` was started last. It is at rest.
fn bench(started: u64) -> Bench {
    let mut bench = Bench::rolling(Payload::B, Payload::A, "COMPLETED");
    bench.spec()["taskDefinition"] = arn(4).into();
    let queue = json!({"inFlight": "queue"});
    bench.scene = bench.scene.beside(Kind::Service, "web", "rollout", queue);
    let documents: Vec<Value> = (1..=4).map(revision).collect();
    let attempt = attempt(&mut bench, started);
    declare(&mut bench, 4);
    bench.observed.family = Some(Seen::Present(documents));
    bench.observed.service_deployments = Some(Seen::Present(json!([])));
    bench.tag(&attempt);
    bench
}

/// Has the manifest declare a revision.
fn declare(bench: &mut Bench, number: u64) {
    let key = Key::new(Kind::TaskDefinition, "web");
    let facts = bench.scene.facts.get_mut(&key).unwrap();
    facts.arn = Some(arn(number));
    let document = revision(number);
    facts.digest = document["tags"][0]["value"].as_str().map(str::to_owned);
    bench.spec()["taskDefinition"] = arn(number).into();
}

/// The digest of a revision's attempt.
fn attempt(bench: &mut Bench, number: u64) -> String {
    declare(bench, number);
    let service = bench.live().clone();
    payload::attempt_digest(&compared(&bench.view(), &service).1).unwrap()
}

/// The number of the revision that the plan starts.
fn starts(plan: &Plan) -> Option<u64> {
    let inputs: Vec<Value> = calls(plan).into_iter().map(|(_, input)| input).collect();
    let arn = inputs
        .iter()
        .find_map(|input| input.get("taskDefinition")?.as_str())?;
    arn.rsplit(':').next()?.parse().ok()
}

fn family(bench: &mut Bench) -> &mut Vec<Value> {
    match &mut bench.observed.family {
        Some(Seen::Present(documents)) => documents,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_revision_after_the_one_that_was_started_last_is_started() {
    for (started, next) in [(1, 2), (2, 3), (3, 4)] {
        let plan = bench(started).plan();
        assert_eq!(starts(&plan), Some(next), "{:?}", plan.outcome);
    }
    let plan = bench(1).plan();
    let message = plan.outcome.message();
    assert!(
        message.contains("web:2 comes first, 2 wait behind it"),
        "{message}"
    );
    // Another policy knows no queue.
    let mut bench = bench(1);
    let finish = json!({"inFlight": "finish"});
    bench.scene = bench.scene.beside(Kind::Service, "web", "rollout", finish);
    bench.observed.family = None;
    assert_eq!(starts(&bench.plan()), Some(4));
}

#[test]
fn a_family_that_could_not_be_read_starts_nothing() {
    let mut bench = bench(1);
    bench.observed.family = Some(Seen::Unknown("timeout".to_owned()));
    assert_inert(&bench.plan(), "ObservationUnknown");
}

/// A console copies the tags of the revision that a person edits.
#[test]
fn what_a_person_or_another_daemon_registered_is_passed_over() {
    let edits: [fn(&mut Value); 4] = [
        |two| two["taskDefinition"]["containerDefinitions"][0]["image"] = json!("web:hotfix"),
        |two| two["tags"] = json!([]),
        |two| two["tags"][1]["value"] = json!("other"),
        |two| two["taskDefinition"]["status"] = json!("INACTIVE"),
    ];
    for edit in edits {
        let mut bench = bench(1);
        edit(&mut family(&mut bench)[1]);
        assert_eq!(starts(&bench.plan()), Some(3));
    }
}

/// What else a deployment carries makes another content of each of them.
#[test]
fn a_service_that_is_declared_otherwise_meanwhile_is_rolled_out_with_the_newest() {
    let mut bench = bench(1);
    bench.spec()["platformVersion"] = json!("1.3.0");
    assert_eq!(starts(&bench.plan()), Some(4));
}

fn deployment(number: u64, status: &str, finished: i64) -> Value {
    json!({"serviceDeploymentArn": format!("arn:aws:ecs:us-east-1:123456789012:service-deployment/main/web/{number}"),
        "status": status, "finishedAt": finished, "statusReason": "the circuit breaker threshold was exceeded",
        "revision": {"taskDefinition": arn(number), "platformVersion": "1.4.0", "networkConfiguration": super::bench::network()}})
}

/// A bench of which revision 2 was started last, and ended so.
fn second(status: &str, finished: i64) -> Bench {
    let mut bench = bench(2);
    let tag = {
        let attempt = attempt(&mut bench, 2);
        declare(&mut bench, 4);
        intent::value(&attempt, &[deployment(1, "SUCCESSFUL", 0)], &Value::Null)
    };
    let tags = bench.live()["tags"].as_array_mut().unwrap();
    tags.push(json!({"key": intent::TAG, "value": tag}));
    let all = json!([
        deployment(2, status, finished),
        deployment(1, "SUCCESSFUL", 0)
    ]);
    bench.observed.service_deployments = Some(Seen::Present(all));
    bench
}

#[test]
fn what_failed_is_told_for_a_while_and_then_the_next_follows() {
    let now = NOW.0 / 1000;
    let plan = second("ROLLBACK_SUCCESSFUL", now - 20).plan();
    assert_inert(&plan, "RolloutFailed");
    assert_eq!(plan.again, Some(Moment((now + 40) * 1000)));
    let message = plan.outcome.message();
    assert!(
        message.contains("the next revision follows at"),
        "{message}"
    );
    let plan = second("ROLLBACK_SUCCESSFUL", now - 60).plan();
    assert_eq!(starts(&plan), Some(3));
}

#[test]
fn what_is_in_flight_is_followed_as_if_it_were_declared() {
    let mut bench = second("IN_PROGRESS", 0);
    bench.live()["taskDefinition"] = arn(2).into();
    bench.live()["deployments"][0]["taskDefinition"] = arn(2).into();
    bench.live()["deployments"][0]["rolloutState"] = json!("IN_PROGRESS");
    let digest = {
        let digest = attempt(&mut bench, 2);
        declare(&mut bench, 4);
        digest
    };
    let plan = bench.plan();
    assert!(
        matches!(plan.outcome, Outcome::Waiting(Wait::RolloutInProgress, _)),
        "{:?}",
        plan.outcome
    );
    assert_eq!(plan.digest, Some(digest));
    assert_eq!(starts(&plan), None);
}

/// A deadline's is not a person's: the next one follows.
#[test]
fn what_was_too_late_is_over() {
    let plan = marked("rollout.deadline", 4_000).plan();
    assert_eq!(starts(&plan), Some(3));
}

/// A crash, or a refusal, between the record of a start and the start.
#[test]
fn what_was_only_recorded_is_started() {
    let mut bench = second("SUCCESSFUL", 0);
    let third = attempt(&mut bench, 3);
    declare(&mut bench, 4);
    let live = bench.live().clone();
    let all = [
        deployment(2, "SUCCESSFUL", 0),
        deployment(1, "SUCCESSFUL", 0),
    ];
    let value = intent::value(&third, &all, &live);
    let tags = bench.live()["tags"].as_array_mut().unwrap();
    tags.retain(|tag| tag["key"] != intent::TAG);
    tags.push(json!({"key": intent::TAG, "value": value}));
    bench.live()["taskDefinition"] = arn(2).into();
    bench.live()["deployments"][0]["taskDefinition"] = arn(2).into();
    assert_eq!(starts(&bench.plan()), Some(3));
}

/// Somebody deployed something since: what is declared is what it is brought back to.
#[test]
fn what_somebody_else_started_last_ends_the_queue() {
    let mut bench = second("SUCCESSFUL", 0);
    let Some(Seen::Present(Value::Array(all))) = &mut bench.observed.service_deployments else {
        panic!("no deployments");
    };
    let mut theirs = deployment(1, "SUCCESSFUL", 0);
    theirs["serviceDeploymentArn"] = json!(format!("{CLUSTER}/web/9"));
    all.insert(0, theirs);
    assert_eq!(starts(&bench.plan()), Some(4));
}

/// A bench whose revision 2 was rolled back, and taken back by somebody.
fn marked(by: &str, at: i64) -> Bench {
    let mut bench = second("ROLLBACK_SUCCESSFUL", 0);
    let digest = attempt(&mut bench, 2);
    declare(&mut bench, 4);
    let mark = mark::Mark {
        digest,
        what: "aborted".to_owned(),
        by: by.to_owned(),
        at: Moment(at),
    };
    let step = mark.write(&json!({"serviceArn": SERVICE}), mark::TAKEN_BACK_TAG);
    let tags = bench.live()["tags"].as_array_mut().unwrap();
    tags.push(step.call.input["tags"][0].clone());
    bench
}

#[test]
fn a_persons_word_holds_for_all_that_was_declared_then() {
    // Revision n was registered at n seconds.
    assert_inert(&marked("ann", 4_000).plan(), "Quarantined");
    for at in [3_000, 2_000] {
        assert_eq!(starts(&marked("ann", at).plan()), Some(3), "{at}");
    }
}

#[test]
fn an_approval_is_bound_to_the_revision_that_comes_first() {
    let mut bench = bench(1);
    let queue = json!({"inFlight": "queue", "approval": {"required": true}});
    bench.scene = bench.scene.beside(Kind::Service, "web", "rollout", queue);
    let second = attempt(&mut bench, 2);
    declare(&mut bench, 4);
    let plan = bench.plan();
    assert_inert(&plan, "ApprovalPending");
    assert!(plan.outcome.message().contains(&second), "{}", plan.outcome);
    assert!(bench.live()["tags"][0]["key"] == DECLARED_TAG);
    // What nobody approves in time keeps its turn: a person may still say what becomes of it.
    let members = json!({"key": MEMBERS_TAG, "value": "1:ap"});
    bench.live()["tags"].as_array_mut().unwrap().push(members);
    let mut view = bench.view();
    view.asked = Some((&second, Moment(NOW.0 - 90_000_000)));
    let plan = crate::kinds::service::plan::plan(&view, &bench.observed);
    assert_inert(&plan, "ApprovalTimedOut");
    assert_eq!(plan.digest.as_ref(), Some(&second));
}

//! Every engine in every case: `docs/rollouts.md` is the table of which test shows what. Here are the cases that
//! no other file is about, and the test that holds the table to the tests.

use std::time::Duration;

use evenkeel::model::{Block, Outcome, Wait};
use serde_json::json;

use super::console::{self, AUTH, ECS};
use super::faults::Odds;
use super::native_world::{BREAKER, FILE, SERVICE, STRATEGIES, history, rolled_out_badly, web};
use super::world::{World, pass};

const ROLLING: &str = "strategy: ROLLING";

#[track_caller]
fn says(outcome: &Outcome, parts: &[&str]) {
    for part in parts {
        assert!(outcome.message().contains(part), "{part}: {outcome}");
    }
}

/// Told as bad, and not to be tried again. A rolling deployment that ends before its start was recorded on the
/// service is told as one of before.
fn not_again(outcome: &Outcome) -> bool {
    rolled_out_badly(outcome) || matches!(outcome, Outcome::Blocked(Block::Quarantined, _))
}

/// The tasks of a rolling deployment run and fail their health checks.
#[tokio::test(start_paused = true)]
async fn rolling_sick_tasks_are_rolled_back_and_told() {
    let world = web(&format!("{ROLLING}{BREAKER}"), 1300).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let watch = world.watch();
    world.ship(&daemon, "v1", "sick").await;
    let outcome = daemon.outcome(SERVICE, rolled_out_badly).await;
    says(
        &outcome,
        &[
            "ROLLBACK",
            "tasks failed, 3 are too many",
            "failed ELB health checks",
            "evenkeel.dev/retry",
        ],
    );
    watch.saw_nothing_wrong();
    world.left_alone(&daemon, rolled_out_badly).await;
    assert_eq!(world.serves().await, "v1");
    assert_eq!(world.count("UpdateService"), 1);
}

#[tokio::test(start_paused = true)]
async fn rolling_an_alarm_is_named() {
    let alarms = ", alarms: {alarmNames: [web-5xx], enable: true, rollback: true}";
    let world = web(&format!("{ROLLING}{alarms}"), 1310).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let watch = world.watch();
    world.ship(&daemon, "v1", "v2").await;
    world
        .deployment("in flight", |one| one["status"] == "IN_PROGRESS")
        .await;
    world.alarm(true);
    let outcome = daemon.outcome(SERVICE, not_again).await;
    says(
        &outcome,
        &["ROLLBACK", "alarms: web-5xx", "evenkeel.dev/retry"],
    );
    world.alarm(false);
    watch.saw_nothing_wrong();
    world.left_alone(&daemon, not_again).await;
    assert_eq!(world.serves().await, "v1");
    assert_eq!(world.count("UpdateService"), 1);
}

#[tokio::test(start_paused = true)]
async fn rolling_what_a_person_stops_is_not_started_again() {
    let world = web(ROLLING, 1320).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let watch = world.watch();
    world.ship(&daemon, "v1", "v2").await;
    let flying = |one: &serde_json::Value| one["status"] == "IN_PROGRESS";
    let newest = world.deployment("in flight", flying).await;
    let stop =
        json!({"serviceDeploymentArn": newest["serviceDeploymentArn"], "stopType": "ROLLBACK"});
    world.console(ECS, "StopServiceDeployment", &stop);
    let outcome = daemon.outcome(SERVICE, not_again).await;
    says(
        &outcome,
        &["StopServiceDeployment request", "evenkeel.dev/retry"],
    );
    watch.saw_nothing_wrong();
    world.left_alone(&daemon, not_again).await;
    assert_eq!(world.serves().await, "v1");
    assert_eq!(world.count("UpdateService"), 1);
}

#[tokio::test(start_paused = true)]
async fn rolling_under_throttling_ends_as_it_would_without() {
    let world = web(&format!("{ROLLING}{BREAKER}"), 1330).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let watch = world.watch();
    world.wire.set(Odds {
        throttled: 400,
        ..Odds::default()
    });
    world.ship(&daemon, "v1", "v2").await;
    daemon
        .until("the new image everywhere", |_| {
            let newest = history(&world).remove(0);
            world.count("UpdateService") == 1 && newest["status"] == "SUCCESSFUL"
        })
        .await;
    daemon.converged().await;
    assert_eq!(world.serves().await, "v2");
    world.ship(&daemon, "v2", "crashing").await;
    let outcome = daemon.outcome(SERVICE, rolled_out_badly).await;
    says(&outcome, &["circuit breaker"]);
    watch.saw_nothing_wrong();
    assert_eq!(world.count("UpdateService"), 2);
}

/// Where there is nowhere to place a task, ECS says so in the service's events alone.
#[tokio::test(start_paused = true)]
async fn rolling_tasks_that_cannot_be_placed_are_told() {
    let world = web(ROLLING, 1340).await;
    world.edit(FILE, "  launchType: FARGATE\n", "  launchType: EC2\n");
    world.edit(FILE, "  requiresCompatibilities: [FARGATE]\n", "");
    let daemon = world.daemon().await;
    let outcome = daemon
        .outcome(SERVICE, |outcome| {
            matches!(outcome, Outcome::Waiting(Wait::RolloutInProgress, _))
                && outcome.message().contains("unable to place a task")
        })
        .await;
    says(&outcome, &["No Container Instances were found"]);
}

#[tokio::test(start_paused = true)]
async fn code_deploy_sick_tasks_end_the_deployment_and_are_told() {
    let world = World::auth(1350).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let before = world.person.primary("nova", "auth-service").await;
    world.image(&json!({"repository": "nova/auth-service", "tags": ["sick"], "unhealthy": true}));
    world.edit(AUTH, "auth-service:1.4.0", "auth-service:sick");
    daemon.look().await;
    let outcome = daemon.outcome(console::SERVICE, rolled_out_badly).await;
    says(
        &outcome,
        &[
            "lifecycle event Install failed",
            "failed ELB health checks",
            "evenkeel.dev/retry",
        ],
    );
    assert_eq!(world.person.primary("nova", "auth-service").await, before);
    pass(Duration::from_hours(1)).await;
    assert_eq!(world.count("CreateDeployment"), 1);
}

#[tokio::test(start_paused = true)]
async fn native_a_pause_that_nobody_ends_in_time_is_told() {
    for (seed, strategy) in (1360..).zip(STRATEGIES) {
        a_pause_ends_by_its_timeout(strategy, seed).await;
    }
}

async fn a_pause_ends_by_its_timeout(strategy: &str, seed: u64) {
    let pause = ", lifecycleHooks: [{targetType: PAUSE, lifecycleStages: [POST_TEST_TRAFFIC_SHIFT], \
                 timeoutConfiguration: {timeoutInMinutes: 5, action: CONTINUE}}]";
    let world = web(&format!("{strategy}{pause}"), seed).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let watch = world.watch();
    world.edit(FILE, "action: CONTINUE", "action: ROLLBACK");
    world.ship(&daemon, "v1", "v2").await;
    let pending = |outcome: &Outcome| matches!(outcome, Outcome::Waiting(Wait::ApprovalPending, _));
    daemon.outcome(SERVICE, pending).await;
    let outcome = daemon.outcome(SERVICE, rolled_out_badly).await;
    says(
        &outcome,
        &["pause hook timed out", "TIMED_OUT", "evenkeel.dev/retry"],
    );
    watch.saw_nothing_wrong();
    world.left_alone(&daemon, rolled_out_badly).await;
    assert_eq!(world.serves().await, "v1");
    // The one that made the service, and this one.
    assert_eq!(history(&world).len(), 2);
}

/// Every test that the table names is there.
#[test]
fn the_table_of_engines_and_cases_names_tests_that_are_there() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = std::fs::read_to_string(root.join("docs/rollouts.md")).unwrap();
    let mut named = 0;
    let is_test = |name: &&str| name.contains("::") && !name.contains(' ');
    for name in table.split('`').filter(is_test) {
        let (file, test) = name.split_once("::").unwrap();
        let path = root.join("tests/it/sim").join(format!("{file}.rs"));
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(&format!("fn {test}()")), "{name}");
        named += 1;
    }
    assert!(named >= 30, "{named}");
}

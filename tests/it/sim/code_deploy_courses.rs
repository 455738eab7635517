//! Courses of deployments by `CodeDeploy` that depend on their settings: hooks at each lifecycle event, a function that
//! never answers, configurations of own numbers, and what becomes of the old tasks.

use std::time::Duration;

use evenkeel::model::{Outcome, RolloutStage};
use evenkeel::sandbox::levers::HookOutcome;
use serde_json::{Value, json};

use super::console::{AUTH, CODE_DEPLOY, SERVICE, in_flight, rolled_out_badly};
use super::faults::Odds;
use super::supersede::{PLACE, auth};
use super::world::{Daemon, World, pass};

const HOOK: &str = "smoke-test";

/// The auth service with a function at one lifecycle event.
async fn hooked(seed: u64, event: &str) -> World {
    let world = auth(seed, false).await;
    world.edit(
        AUTH,
        "kind: Service\nmetadata:\n  name: auth-service\n",
        &format!(
            "kind: Service\nmetadata:\n  name: auth-service\nrollout:\n  hooks: {{{event}: {HOOK}}}\n"
        ),
    );
    world
}

impl World {
    fn smoke_test(&self, outcome: HookOutcome) {
        self.mounted.with(|sandbox| {
            let hooks = &mut sandbox.region("us-east-1").levers.hooks;
            hooks.insert(HOOK.to_owned(), outcome);
        });
    }

    /// The target group of the `PRIMARY` task set.
    async fn primary_group(&self) -> String {
        let service = self.person.service("nova", "auth-service").await;
        let sets = service["taskSets"].as_array().unwrap();
        let primary = sets.iter().find(|set| set["status"] == "PRIMARY").unwrap();
        let group = primary["loadBalancers"][0]["targetGroupArn"].as_str();
        group.unwrap().to_owned()
    }

    /// Status and task count of each task set.
    async fn sets(&self) -> Vec<(String, u64)> {
        let service = self.person.service("nova", "auth-service").await;
        let sets = service["taskSets"].as_array().unwrap().iter();
        let mut sets: Vec<(String, u64)> = sets
            .map(|set| {
                let status = set["status"].as_str().unwrap().to_owned();
                (status, set["runningCount"].as_u64().unwrap())
            })
            .collect();
        sets.sort();
        sets
    }

    /// Percent of the production traffic on the replacement, each time that it changed, until all is converged.
    async fn shares(&self, daemon: &Daemon, original: &str) -> Vec<u64> {
        let mut shares = vec![0];
        while self.count("CreateDeployment") == 0 || self.succeeded() == 0 {
            let share = 100 - self.production_weight(original).await;
            if shares.last() != Some(&share) {
                shares.push(share);
            }
            pass(Duration::from_secs(5)).await;
        }
        daemon.converged().await;
        shares
    }
}

#[track_caller]
fn says(outcome: &Outcome, parts: &[&str]) {
    for part in parts {
        assert!(outcome.message().contains(part), "{part}: {outcome}");
    }
}

fn went_back(outcome: &Outcome) -> bool {
    rolled_out_badly(outcome) && outcome.message().contains("; rolled back by")
}

/// At each lifecycle event after `Install` (`BeforeInstall` and `AfterAllowTestTraffic`: `service_states`): it is named with
/// its function, everything goes back, the traffic too where it had moved, and nothing is tried again.
#[tokio::test(start_paused = true)]
async fn a_hook_that_fails_is_named_and_what_had_moved_goes_back() {
    for (seed, event, moved) in [
        (1400, "AfterInstall", false),
        (1401, "BeforeAllowTraffic", false),
        (1402, "AfterAllowTraffic", true),
    ] {
        let world = hooked(seed, event).await;
        let daemon = world.daemon().await;
        daemon.converged().await;
        let before = world.person.primary("nova", "auth-service").await;
        let group = world.primary_group().await;
        let watch = world.watch_at(PLACE);
        world.smoke_test(HookOutcome::Hang);
        world.release(&daemon).await;
        let waits = |outcome: &Outcome| {
            in_flight(outcome) && outcome.message().contains(&format!("{event} InProgress"))
        };
        daemon.outcome(SERVICE, waits).await;
        let left = world.production_weight(&group).await;
        assert_eq!(left, if moved { 0 } else { 100 }, "{event}");
        world.smoke_test(HookOutcome::Failed);
        let outcome = daemon.outcome(SERVICE, went_back).await;
        let named = format!("lifecycle event {event} failed in function {HOOK}");
        says(
            &outcome,
            &["HOOK_EXECUTION_FAILURE", &named, "not tried again"],
        );
        assert_eq!(world.person.primary("nova", "auth-service").await, before);
        assert_eq!(world.production_weight(&group).await, 100, "{event}");
        world
            .stays(&daemon, went_back, Duration::from_hours(1))
            .await;
        watch.saw_nothing_wrong();
        assert_eq!(world.sets().await, [("PRIMARY".to_owned(), 2)]);
        assert_eq!(world.count("CreateDeployment"), 1);
    }
}

/// `CodeDeploy` waits an hour for a function (aws-facts 2.5), and another daemon may see the end of it.
#[tokio::test(start_paused = true)]
async fn a_hook_that_never_answers_is_told_while_it_lasts_and_when_it_has_timed_out() {
    let world = hooked(1405, "AfterInstall").await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let before = world.person.primary("nova", "auth-service").await;
    world.smoke_test(HookOutcome::Hang);
    world.release(&daemon).await;
    let waits = |outcome: &Outcome| {
        in_flight(outcome) && outcome.message().contains("AfterInstall InProgress")
    };
    daemon.outcome(SERVICE, waits).await;
    let since = world.clock.now();
    pass(Duration::from_mins(30)).await;
    daemon.outcome(SERVICE, waits).await;
    daemon.kill();
    let daemon = world.daemon().await;
    let outcome = daemon.outcome(SERVICE, went_back).await;
    let took = world.clock.now().since(since);
    assert!(
        took > Duration::from_mins(58) && took < Duration::from_mins(65),
        "{took:?}"
    );
    says(
        &outcome,
        &[
            "HOOK_EXECUTION_FAILURE",
            "lifecycle event AfterInstall failed in function smoke-test",
            "reported no status within 3600 seconds",
            "not tried again",
        ],
    );
    world
        .stays(&daemon, went_back, Duration::from_hours(1))
        .await;
    assert_eq!(world.person.primary("nova", "auth-service").await, before);
    assert_eq!(world.count("CreateDeployment"), 1);
}

/// While test traffic goes to the replacement no production traffic has moved: it makes room.
#[tokio::test(start_paused = true)]
async fn a_newer_manifest_supersedes_while_test_traffic_is_on_the_replacement() {
    let world = hooked(1410, "AfterAllowTestTraffic").await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let watch = world.watch_at(PLACE);
    world.smoke_test(HookOutcome::Hang);
    let id = world
        .deploy(&daemon, "1.5.0", RolloutStage::TestTraffic)
        .await;
    world.ship_auth(&daemon, "1.7.0").await;
    daemon
        .until("the stop", |_| world.count("StopDeployment") == 1)
        .await;
    world.smoke_test(HookOutcome::Succeeded);
    daemon.converged().await;
    assert!(world.auth_serves("1.7.0").await);
    let past = world.console(CODE_DEPLOY, "GetDeployment", &json!({"deploymentId": id}));
    assert_eq!(past["deploymentInfo"]["status"], "Stopped");
    assert_eq!(
        world.auth_history(),
        ["Stopped", "back Succeeded", "Succeeded"]
    );
    watch.saw_nothing_wrong();
    world.none_on_top();
    world.rests(&daemon).await;
}

/// Four of ten calls are refused throughout: the course is that of `rollout`'s crashing image.
#[tokio::test(start_paused = true)]
async fn a_crashing_image_under_throttling_is_told_and_started_once() {
    let world = World::auth(1415).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let good = world.person.primary("nova", "auth-service").await;
    let watch = world.watch_at(PLACE);
    world.wire.set(Odds {
        throttled: 400,
        ..Odds::default()
    });
    world.edit(AUTH, "auth-service:1.4.0", "auth-service:1.6.0-broken");
    daemon.look().await;
    let outcome = daemon.outcome(SERVICE, went_back).await;
    says(
        &outcome,
        &[
            "TIMEOUT",
            "lifecycle event Install failed",
            "not tried again",
        ],
    );
    pass(Duration::from_mins(40)).await;
    world.wire.set(Odds::default());
    daemon.outcome(SERVICE, went_back).await;
    world
        .stays(&daemon, went_back, Duration::from_hours(1))
        .await;
    watch.saw_nothing_wrong();
    assert_eq!(world.count("CreateDeployment"), 1);
    assert_eq!(world.person.primary("nova", "auth-service").await, good);
}

/// Configurations that somebody made: followed step by step to their end.
#[tokio::test(start_paused = true)]
async fn a_configuration_of_own_numbers_is_followed_to_the_end() {
    let canary = json!({"type": "TimeBasedCanary",
        "timeBasedCanary": {"canaryPercentage": 25, "canaryInterval": 2}});
    let linear = json!({"type": "TimeBasedLinear",
        "timeBasedLinear": {"linearPercentage": 40, "linearInterval": 1}});
    for (seed, name, routing, expected) in [
        (1420, "nova-canary", canary, &[0, 25, 100][..]),
        (1421, "nova-linear", linear, &[0, 40, 80, 100]),
    ] {
        let world = auth(seed, false).await;
        let made = json!({"deploymentConfigName": name, "computePlatform": "ECS", "trafficRoutingConfig": routing});
        world.console(CODE_DEPLOY, "CreateDeploymentConfig", &made);
        world.edit(AUTH, "CodeDeployDefault.ECSCanary10Percent5Minutes", name);
        let daemon = world.daemon().await;
        daemon.converged().await;
        let watch = world.watch_at(PLACE);
        let original = world.primary_group().await;
        world.edit(AUTH, "auth-service:1.4.0", "auth-service:1.5.0");
        daemon.look().await;
        assert_eq!(world.shares(&daemon, &original).await, expected, "{name}");
        let newest = world.auth_deployments().pop().unwrap();
        assert_eq!(newest["deploymentConfigName"], name);
        assert!(world.auth_serves("1.5.0").await);
        watch.saw_nothing_wrong();
        world.rests(&daemon).await;
    }
}

/// Old tasks run on until the wait is over, and that is no end yet.
#[tokio::test(start_paused = true)]
async fn the_wait_before_the_old_tasks_stop_is_waited_for() {
    let world = auth(1425, false).await;
    world.edit(
        AUTH,
        "terminationWaitTimeInMinutes: 1",
        "terminationWaitTimeInMinutes: 20",
    );
    let daemon = world.daemon().await;
    daemon.converged().await;
    let id = world.deploy(&daemon, "1.5.0", RolloutStage::Baking).await;
    pass(Duration::from_mins(15)).await;
    let outcome = daemon.outcome(SERVICE, in_flight).await;
    says(
        &outcome,
        &[&id, RolloutStage::Baking.label(), "0% old 100% new"],
    );
    let (old, new) = (("ACTIVE".to_owned(), 2), ("PRIMARY".to_owned(), 2));
    assert_eq!(world.sets().await, [old, new.clone()]);
    daemon.converged().await;
    assert_eq!(world.sets().await, [new]);
    assert_eq!(world.succeeded(), 1);
    world.rests(&daemon).await;
}

/// Kept tasks are no tasks too many: it is converged, at rest, and the next deployment takes them away.
#[tokio::test(start_paused = true)]
async fn old_tasks_that_are_kept_alive_are_left_until_the_next_deployment() {
    let world = auth(1430, false).await;
    world.edit(
        AUTH,
        "{action: TERMINATE, terminationWaitTimeInMinutes: 1}",
        "{action: KEEP_ALIVE}",
    );
    let daemon = world.daemon().await;
    daemon.converged().await;
    let watch = world.watch_at(PLACE);
    let (old, new) = (("ACTIVE".to_owned(), 2), ("PRIMARY".to_owned(), 2));
    for tag in ["1.5.0", "1.7.0"] {
        let before = world.succeeded();
        world.ship_auth(&daemon, tag).await;
        daemon
            .until("the deployment's end", |_| world.succeeded() > before)
            .await;
        daemon.converged().await;
        assert!(world.auth_serves(tag).await);
        assert_eq!(world.sets().await, [old.clone(), new.clone()], "{tag}");
        world.rests(&daemon).await;
    }
    let ends: Vec<Value> = world
        .auth_deployments()
        .iter()
        .map(|one| one["status"].clone())
        .collect();
    assert_eq!(ends, ["Succeeded", "Succeeded"]);
    watch.saw_nothing_wrong();
}

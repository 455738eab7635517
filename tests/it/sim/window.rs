//! Rollouts start in their windows; what is in flight, and what starts no deployment, does not wait for one.

use std::time::Duration;

use evenkeel::model::{Block, Command, Outcome, Service, Wait};
use evenkeel::sandbox::levers::HookOutcome;
use serde_json::json;

use super::console::{AUTH, SERVICE};
use super::native_world::{self, BLUE_GREEN, web};
use super::world::{Daemon, World, pass};

fn closed(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Waiting(Wait::WindowClosed, _))
}

/// A window of the cluster for the services with the labels of auth. The world starts at 2026-01-01T00:00Z.
fn windows(world: &World, window: &str) {
    let file = world.folder.path().join("cluster.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let text = format!("{}\nsync:\n  windows: [{window}]\n", text.trim_end());
    std::fs::write(&file, text).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_rollout_waits_for_its_window_and_starts_when_it_opens() {
    let world = World::auth(320).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    windows(
        &world,
        "{kind: deny, schedule: '0 0 1 1 *', duration: 3h, timeZone: UTC, names: [auth-service]}",
    );
    world.release(&daemon).await;
    let outcome = daemon.outcome(SERVICE, closed).await;
    assert!(
        outcome
            .message()
            .contains("opens at 2026-01-01 03:00 (UTC)"),
        "{outcome}"
    );
    // What starts no deployment is kept as declared meanwhile, also after a restart.
    daemon.kill();
    let daemon = world.daemon().await;
    daemon.outcome(SERVICE, closed).await;
    assert_eq!(world.count("CreateDeployment"), 0);
    daemon
        .until("the deployment", |_| world.count("CreateDeployment") > 0)
        .await;
    let hours = (world.clock.now().0 - 1_767_225_600_000) / 1000;
    assert!(
        (10_800..10_830).contains(&hours),
        "started at second {hours}"
    );
    daemon.converged().await;
    assert_eq!(world.count("CreateDeployment"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_person_may_start_it_all_the_same_and_quiet_fields_are_healed() {
    let world = World::auth(321).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    windows(
        &world,
        "{kind: allow, schedule: '0 9 * * *', duration: 1h, timeZone: Europe/Berlin}",
    );
    daemon.look().await;
    let input = json!({"cluster": "nova", "service": "auth-service", "desiredCount": 1});
    world
        .person
        .call(Service::Ecs, "UpdateService", input)
        .await;
    pass(Duration::from_secs(150)).await;
    let service = world.person.service("nova", "auth-service").await;
    assert_eq!(
        service["desiredCount"], 2,
        "healed though no window is open"
    );
    world.release(&daemon).await;
    daemon.outcome(SERVICE, closed).await;
    assert_eq!(world.count("CreateDeployment"), 0);
    world.edit(
        AUTH,
        "kind: Service\nmetadata:\n  name: auth-service\n",
        "kind: Service\nmetadata:\n  name: auth-service\n  annotations: {evenkeel.dev/ignore-windows: incident 7}\n",
    );
    daemon.look().await;
    daemon
        .until("the deployment", |_| world.count("CreateDeployment") > 0)
        .await;
    let events = daemon.board.events().after(0).events;
    let told = events
        .iter()
        .filter(|event| event.text.contains("outside of its windows: incident 7"));
    assert_eq!(told.count(), 1);
    daemon.converged().await;
}

/// A daemon whose service's rollout starts half a minute before its window closes, at one o'clock for an hour.
async fn late(world: &World, from: &str, to: &str, file: &str) -> Daemon {
    let daemon = before_it_closes(world).await;
    world.edit(file, from, to);
    daemon.look().await;
    daemon
}

/// A daemon half a minute before the window closes.
async fn before_it_closes(world: &World) -> Daemon {
    let daemon = world.daemon().await;
    daemon.converged().await;
    windows(
        world,
        "{kind: deny, schedule: '0 1 1 1 *', duration: 1h, timeZone: UTC, overrun: abort}",
    );
    daemon.look().await;
    let until = 1_767_225_600_000 + (59 * 60 + 30) * 1000;
    let left = (until - world.clock.now().0).unsigned_abs();
    pass(Duration::from_millis(left)).await;
    daemon
}

/// It is stopped, waits over a restart, and is started again. Gives how often its stop was asked for.
async fn again(world: &World, daemon: Daemon, key: &str, start: &str, stop: &str) -> usize {
    let starts = world.count(start);
    daemon.until(stop, |_| world.count(stop) > 0).await;
    daemon.outcome(key, closed).await;
    let stops = world.count(stop);
    daemon.kill();
    let daemon = world.daemon().await;
    let outcome = daemon.outcome(key, closed).await;
    assert!(
        outcome.message().contains("2026-01-01 02:00 (UTC)"),
        "{outcome}"
    );
    assert_eq!(world.count(start), starts);
    daemon.until(start, |_| world.count(start) > starts).await;
    daemon.converged().await;
    assert_eq!((world.count(start), world.count(stop)), (starts + 1, stops));
    stops
}

#[tokio::test(start_paused = true)]
async fn code_deploy_goes_back_when_its_window_closes_and_starts_again_when_one_opens() {
    let world = World::auth(322).await;
    let daemon = late(&world, "auth-service:1.4.0", "auth-service:1.5.0", AUTH).await;
    let start = |_: &_| world.count("CreateDeployment") == 1;
    daemon.until("the deployment", start).await;
    let start = "CreateDeployment";
    let stops = again(&world, daemon, SERVICE, start, "StopDeployment").await;
    assert_eq!(stops, 1);
}

#[tokio::test(start_paused = true)]
async fn ecs_goes_back_when_its_window_closes_and_starts_again_when_one_opens() {
    let world = web(BLUE_GREEN, 323).await;
    let file = native_world::FILE;
    let daemon = late(&world, "nova/web:v1", "nova/web:v2", file).await;
    let start = |_: &_| world.count("UpdateService") == 1;
    daemon.until("the deployment", start).await;
    let key = native_world::SERVICE;
    let (start, stop) = ("UpdateService", "StopServiceDeployment");
    assert_eq!(again(&world, daemon, key, start, stop).await, 1);
}

/// What is started late, and where.
struct Late {
    file: &'static str,
    versions: [&'static str; 2],
    key: &'static str,
    start: &'static str,
    stop: &'static str,
    service: [&'static str; 2],
}

/// Starts a rollout before the window closes, which a function holds before its traffic moves, and dies after the `k`-th
/// write from then on. Gives whether it came to that, and whether the mark was there then and the stop not.
async fn dying_at_the_end_of_a_window(world: &World, late: &Late, k: u64) -> (bool, bool) {
    let daemon = before_it_closes(world).await;
    world.function_reports(HookOutcome::Hang);
    world.edit(late.file, late.versions[0], late.versions[1]);
    daemon.look().await;
    let start = |_: &_| world.count(late.start) == 1;
    daemon.until("the deployment", start).await;
    let mutations = world.mounted.with(|sandbox| sandbox.mutations().count());
    world.wire.crash_after(mutations as u64 + k);
    let stopped = |_: &_| world.count(late.stop) > 0;
    let dies = tokio::select! {
        biased;
        () = world.wire.crashed() => true,
        _ = daemon.until("the stop", stopped) => false,
    };
    let [cluster, name] = late.service;
    let tags = world.person.service(cluster, name).await["tags"].to_string();
    let between = tags.contains("evenkeel.dev/superseded") && world.count(late.stop) == 0;
    daemon.kill();
    let daemon = world.daemon().await;
    daemon.until("the stop", stopped).await;
    world.function_reports(HookOutcome::Succeeded);
    // Where it was marked by the one that died, the stop is sent until it is seen to have arrived.
    let stops = again(world, daemon, late.key, late.start, late.stop).await;
    assert!(stops == 1 || between && stops == 2, "{stops}");
    (dies, dies && between)
}

/// The daemon dies after every write up to the stop, and so between the mark and the stop too: the next one stops it
/// all the same, and it is started again in the next window.
#[tokio::test(start_paused = true)]
async fn a_death_between_the_mark_and_the_stop_stops_it_all_the_same() {
    let (mut k, mut between) = (1, 0);
    loop {
        let world = World::auth(326).await;
        let service = "kind: Service\nmetadata:\n  name: auth-service\n";
        let hooked = format!("{service}rollout: {{hooks: {{AfterInstall: smoke}}}}\n");
        world.edit(AUTH, service, &hooked);
        let late = Late {
            file: AUTH,
            versions: ["auth-service:1.4.0", "auth-service:1.5.0"],
            key: SERVICE,
            start: "CreateDeployment",
            stop: "StopDeployment",
            service: ["nova", "auth-service"],
        };
        let (died, at) = dying_at_the_end_of_a_window(&world, &late, k).await;
        between += usize::from(at);
        if !died {
            break;
        }
        k += 1;
    }
    assert!(between == 1 && k >= 3, "{between} {k}");
}

/// The same where ECS shifts the traffic.
#[tokio::test(start_paused = true)]
async fn ecs_a_death_between_the_mark_and_the_stop_stops_it_all_the_same() {
    let (mut k, mut between) = (1, 0);
    loop {
        let hook = native_world::hook("POST_TEST_TRAFFIC_SHIFT");
        let world = web(&format!("{BLUE_GREEN}{hook}"), 327).await;
        let late = Late {
            file: native_world::FILE,
            versions: ["nova/web:v1", "nova/web:v2"],
            key: native_world::SERVICE,
            start: "UpdateService",
            stop: "StopServiceDeployment",
            service: ["nova", "web"],
        };
        let (died, at) = dying_at_the_end_of_a_window(&world, &late, k).await;
        between += usize::from(at);
        if !died {
            break;
        }
        k += 1;
    }
    assert!(between == 1 && k >= 3, "{between} {k}");
}

/// A hotfix is taken back by a deployment, which waits for a window as every other.
#[tokio::test(start_paused = true)]
async fn a_change_by_hand_is_not_reverted_outside_of_a_window() {
    let world = World::auth(324).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    windows(
        &world,
        "{kind: deny, schedule: '0 0 1 1 *', duration: 1h, timeZone: UTC}",
    );
    daemon.look().await;
    world.foreign_deployment().await;
    let starts = world.count("CreateDeployment");
    daemon.outcome(SERVICE, closed).await;
    pass(Duration::from_mins(5)).await;
    daemon.outcome(SERVICE, closed).await;
    assert_eq!(world.count("CreateDeployment"), starts);
    daemon
        .until("the deployment", |_| {
            world.count("CreateDeployment") > starts
        })
        .await;
    let opened = 1_767_225_600_000 + 60 * 60 * 1000;
    assert!(world.clock.now().0 >= opened);
    daemon.converged().await;
}

/// A person's way back is an order, and waits for no window.
#[tokio::test(start_paused = true)]
async fn a_rollback_is_carried_out_outside_of_a_window() {
    let world = World::auth(325).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.image(&json!({"repository": "nova/auth-service", "tags": ["1.5.1"]}));
    for (from, to) in [("1.4.0", "1.5.0"), ("1.5.0", "1.5.1")] {
        let (from, to) = (format!("auth-service:{from}"), format!("auth-service:{to}"));
        world.edit(AUTH, &from, &to);
        daemon.look().await;
        daemon.converged().await;
    }
    windows(
        &world,
        "{kind: deny, schedule: '0 0 1 1 *', duration: 9h, timeZone: UTC, overrun: abort}",
    );
    daemon.look().await;
    let back = Command::Rollback { foreign: false };
    daemon.order(SERVICE, back).await.unwrap();
    let held = |outcome: &Outcome| matches!(outcome, Outcome::Blocked(Block::Quarantined, why) if why.contains("rolled back by ann"));
    daemon.outcome(SERVICE, held).await;
    assert_eq!(
        (
            world.count("CreateDeployment"),
            world.count("StopDeployment")
        ),
        (3, 0)
    );
    let good = world.revision_of("1.5.0").await;
    assert_eq!(world.person.primary("nova", "auth-service").await, good);
}

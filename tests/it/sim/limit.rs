//! Limits on how many rollouts are in flight at once: as AWS sees it, whatever the daemon says.

use std::time::Duration;

use evenkeel::controller::{LabelLimit, Limits, Settings};
use evenkeel::model::{Key, Outcome, Wait};
use evenkeel::source::Dir;
use evenkeel::status::Status;
use serde_json::json;

use super::console::ECS;
use super::rolling::{BREAKER, FILE, worker};
use super::world::{Daemon, World, pass};

/// The first three have the label `tier: web`.
const NAMES: [&str; 6] = ["cart", "front", "search", "cron", "jobs", "mail"];

/// Six rolling services of one image.
async fn six(seed: u64) -> World {
    let world = worker(BREAKER, seed).await;
    let text = std::fs::read_to_string(world.folder.path().join(FILE)).unwrap();
    let (shared, service) = text.rsplit_once("---\n").unwrap();
    let mut all = shared.to_owned();
    for (at, name) in NAMES.iter().enumerate() {
        let tier = if at < 3 { "web" } else { "back" };
        let metadata = format!("  name: {name}\n  labels: {{tier: {tier}}}\n");
        all.push_str("---\n");
        all.push_str(&service.replacen("  name: worker\n", &metadata, 1));
    }
    world.write(FILE, &all);
    world
}

/// A daemon with two places, one of them at most for `tier: web`.
async fn limited(world: &World) -> Daemon {
    let web: LabelLimit = "tier=web:1".parse().unwrap();
    let settings = Settings {
        limits: Limits {
            all: Some(2),
            by_label: vec![web],
        },
        ..Settings::default()
    };
    let source = Dir::new(world.folder.path());
    world.daemon_of(source, settings).await
}

/// The services whose deployment is in progress at AWS.
fn in_flight(world: &World) -> Vec<String> {
    let input = json!({"cluster": "nova", "services": NAMES});
    let answer = world.console(ECS, "DescribeServices", &input);
    let services = answer["services"].as_array().unwrap();
    let progresses = services.iter().filter(|service| {
        let deployments = service["deployments"].as_array().unwrap();
        deployments
            .iter()
            .any(|one| one["rolloutState"] == "IN_PROGRESS")
    });
    progresses
        .map(|service| service["serviceName"].as_str().unwrap().to_owned())
        .collect()
}

/// Watches AWS every second until `reached`; gives how many were in flight at most.
async fn watched(world: &World, daemon: &Daemon, reached: impl Fn(&Status) -> bool) -> usize {
    let mut most = 0;
    for _ in 0..3600 {
        let flying = in_flight(world);
        let web = flying
            .iter()
            .filter(|name| NAMES[..3].contains(&name.as_str()));
        let few = flying.len() <= 2 && web.count() <= 1;
        assert!(few, "{flying:?}: {}", told(daemon));
        most = most.max(flying.len());
        if reached(&daemon.board.read()) {
            return most;
        }
        pass(Duration::from_secs(1)).await;
    }
    panic!("not reached: {}", told(daemon))
}

/// What the daemon did lately.
fn told(daemon: &Daemon) -> String {
    let all = daemon.board.events().after(0).events.into_iter();
    let lines = all.map(|one| format!("{} {:?} {}", one.at.0, one.key, one.text));
    lines.collect::<Vec<_>>().join("\n")
}

fn outcomes(status: &Status) -> Vec<&Outcome> {
    let key = |name: &&str| format!("Service/{name}").parse::<Key>().unwrap();
    let all = NAMES
        .iter()
        .filter_map(|name| status.resources.get(&key(name)));
    all.map(|resource| &resource.outcome).collect()
}

fn all_converged(status: &Status) -> bool {
    let all = outcomes(status);
    all.len() == NAMES.len() && all.into_iter().all(|one| *one == Outcome::Converged)
}

fn waiting(status: &Status) -> Vec<&str> {
    let waits = outcomes(status).into_iter().filter_map(|one| match one {
        Outcome::Waiting(Wait::RolloutLimit, text) => Some(text.as_str()),
        _ => None,
    });
    waits.collect()
}

#[tokio::test(start_paused = true)]
async fn no_more_rollouts_are_in_flight_than_may_be_also_over_a_restart() {
    let world = six(330).await;
    let daemon = limited(&world).await;
    // From nothing, where each creation is a rollout.
    let cluster = |outcome: &Outcome| *outcome == Outcome::Converged;
    daemon.outcome("Cluster/nova", cluster).await;
    assert_eq!(watched(&world, &daemon, all_converged).await, 2);
    assert_eq!(world.count("CreateService"), 6);

    world.edit(FILE, "worker:v1", "worker:v2");
    daemon.look().await;
    let full = |status: &Status| waiting(status).len() == 4 && world.count("UpdateService") == 2;
    watched(&world, &daemon, full).await;
    let status = daemon.board.read();
    let told = |text: &str| waiting(&status).iter().any(|one| one.contains(text));
    assert!(
        told("2 of 2 rollouts in flight: "),
        "{:?}",
        waiting(&status)
    );
    let all = &status.rollout_limits[0];
    assert_eq!((all.most, all.taken, all.waiting), (2, 2, 4));

    // One that knows nothing yet finds them at AWS.
    daemon.kill();
    let daemon = limited(&world).await;
    assert_eq!(watched(&world, &daemon, all_converged).await, 2);
    assert_eq!(world.count("UpdateService"), 6);
}

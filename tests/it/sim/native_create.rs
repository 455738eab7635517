//! A service whose traffic ECS is to shift is made only when the rules in front of it lead to its pair: ECS itself would
//! make it, and fail its first deployment.

use evenkeel::model::{Block, Outcome, Service};
use serde_json::{Value, json};

use super::native_world::{CANARY, FILE, SERVICE, web};
use super::world::{Daemon, World, pass};
use std::time::Duration;

/// Everything but the service, with rules whose actions are left to others; gives the service's manifest.
async fn without_service(seed: u64) -> (World, Daemon, String) {
    let world = web(CANARY, seed).await;
    let path = world.folder.path().join(FILE);
    let text = std::fs::read_to_string(&path).unwrap();
    let (services, others): (Vec<&str>, Vec<&str>) = text
        .split("---\n")
        .filter(|one| !one.is_empty())
        .partition(|one| one.contains("kind: Service\n"));
    let others: Vec<String> = others
        .into_iter()
        .map(|one| {
            let ignores = one.contains("kind: ListenerRule\n");
            let more = if ignores {
                "sync: {ignore: [/Actions]}\n"
            } else {
                ""
            };
            format!("{one}{more}")
        })
        .collect();
    let rest = others.join("---\n");
    world.write(FILE, &rest);
    let daemon = world.daemon().await;
    daemon.converged().await;
    (world, daemon, format!("{rest}---\n{}", services.concat()))
}

fn arn(daemon: &Daemon, key: &str) -> String {
    let status = daemon.board.read();
    status.resources[&key.parse().unwrap()].arn.clone().unwrap()
}

/// Has a rule forward to these.
async fn forward(world: &World, daemon: &Daemon, rule: &str, groups: &[(&str, u32)]) {
    let groups: Vec<Value> = groups
        .iter()
        .map(|(name, weight)| {
            let arn = arn(daemon, &format!("TargetGroup/{name}"));
            json!({"TargetGroupArn": arn, "Weight": weight})
        })
        .collect();
    let actions = json!([{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]);
    let rule = arn(daemon, &format!("ListenerRule/{rule}"));
    let input = json!({"RuleArn": rule, "Actions": actions});
    world.person.call(Service::Elb, "ModifyRule", input).await;
}

#[tokio::test(start_paused = true)]
async fn it_waits_until_a_person_has_mended_the_rules() {
    let (world, daemon, whole) = without_service(350).await;
    let mismatch =
        |outcome: &Outcome| matches!(outcome, Outcome::Blocked(Block::TrafficMismatch, _));
    for rule in ["production", "test"] {
        forward(&world, &daemon, rule, &[("blue", 1)]).await;
    }
    world.write(FILE, &whole);
    daemon.look().await;
    let outcome = daemon.outcome(SERVICE, mismatch).await;
    for part in [
        "is in neither the production rule",
        "the service is made when",
    ] {
        assert!(outcome.message().contains(part), "{outcome}");
    }
    // Both are attached now, and both would serve.
    forward(&world, &daemon, "production", &[("blue", 1), ("green", 1)]).await;
    let two =
        |outcome: &Outcome| mismatch(outcome) && outcome.message().contains("to 2 target groups");
    daemon.outcome(SERVICE, two).await;
    pass(Duration::from_hours(1)).await;
    assert_eq!(world.count("CreateService"), 0);
    forward(&world, &daemon, "production", &[("blue", 1), ("green", 0)]).await;
    daemon.converged().await;
    assert_eq!(world.count("CreateService"), 1);
    world.at_rest(&daemon).await;
}

/// Nothing is asked of the targets of a service that is only being made, and rules that the same manifests make are
/// waited for.
#[tokio::test(start_paused = true)]
async fn from_nothing_it_is_made_without_a_detour() {
    let world = web(CANARY, 351).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let events = daemon.board.events().after(0).events;
    let told = events
        .iter()
        .find(|event| event.text.contains("TrafficMismatch"));
    assert!(told.is_none(), "{told:?}");
    assert_eq!(world.count("CreateService"), 1);
}

//! Random valid services: made from nothing, then ten passes over everything write nothing.
//!
//! A service is a random choice of the generated cases laid over each other (members that do not
//! exclude each other), with a task definition of its own whose lists are long and in random order,
//! so that AWS's reordering and default filling have something to work on. `EVENKEEL_RANDOM` sets
//! how many services there are (200), `EVENKEEL_SEED` the seed (1).

use std::collections::BTreeSet;
use std::time::Duration;

use evenkeel::controller::Event;
use evenkeel::model::Kind;
use serde_json::{Value, json};

use super::cases::{self, Case};
use super::document::lay;
use super::{planned, settled_within, world};
use crate::sim::world::{World, pass};

/// Members that the choice leaves alone: they make another service of it, or need other manifests.
const APART: [&str; 9] = [
    "deploymentController",
    "launchType",
    "placementConstraints",
    "placementStrategy",
    "schedulingStrategy",
    "serviceName",
    "taskDefinition",
    "role",
    "cluster",
];

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name)
        .ok()
        .map_or(otherwise, |text| text.parse().unwrap())
}

/// A random service: cases of different members over the least valid one.
fn service(random: &mut fastrand::Rng, cases: &[Case], name: &str) -> Value {
    let mut spec = world::base(Kind::Service, 0);
    let mut taken = BTreeSet::new();
    for _ in 0..random.usize(0..12) {
        let case = &cases[random.usize(..cases.len())];
        let member = top(&case.path);
        if APART.contains(&member) || !taken.insert(member.to_owned()) {
            continue;
        }
        let other = case.after.as_ref().filter(|_| random.bool());
        let chosen = other.unwrap_or(&case.before);
        let strategy = chosen["deploymentConfiguration"]["strategy"].as_str();
        let native = strategy.is_some_and(|strategy| strategy != "ROLLING");
        if native || chosen["taskDefinitionRef"] != "web" || chosen.get(member).is_none() {
            continue;
        }
        spec[member] = chosen[member].clone();
        if member == "healthCheckGracePeriodSeconds" && taken.insert("loadBalancers".to_owned()) {
            spec["loadBalancers"] = chosen["loadBalancers"].clone();
        }
    }
    if spec.get("capacityProviderStrategy").is_some() {
        lay(&json!({"launchType": null}), &mut spec);
    }
    spec["serviceName"] = json!(name);
    spec["taskDefinitionRef"] = json!(name);
    spec["desiredCount"] = json!(random.u8(0..3));
    if random.bool() {
        let mut subnets: Vec<String> = (1..=4)
            .map(|n| format!("subnet-0a1b2c3d4e5f6000{n}"))
            .collect();
        random.shuffle(&mut subnets);
        spec["networkConfiguration"]["awsvpcConfiguration"]["subnets"] = json!(subnets);
    }
    spec
}

fn top(path: &str) -> &str {
    path.split(['.', '[']).next().unwrap_or_default()
}

/// A task definition that every random service can run, with random lists.
fn task_definition(random: &mut fastrand::Rng) -> Value {
    let web = world::surroundings(Kind::Service);
    let (_, _, web) = web.into_iter().find(|(_, name, _)| *name == "web").unwrap();
    let mut spec: Value = serde_json::from_str(web).unwrap();
    spec["executionRoleArn"] = json!("arn:aws:iam::123456789012:role/execution");
    for container in spec["containerDefinitions"].as_array_mut().unwrap() {
        let mut names: Vec<usize> = (0..random.usize(0..8)).collect();
        random.shuffle(&mut names);
        let pair = |n: &usize| json!({"name": format!("V{n}"), "value": format!("{n}")});
        container["environment"] = names.iter().map(pair).collect();
        let secret = |n: &usize| {
            json!({"name": format!("S{n}"),
            "valueFrom": format!("arn:aws:ssm:us-east-1:123456789012:parameter/{n}")})
        };
        container["secrets"] = names.iter().map(secret).collect();
        if let Some(ports) = container["portMappings"].as_array_mut() {
            random.shuffle(ports);
        }
        for (member, value) in [
            ("cpu", json!(random.u8(0..64))),
            ("essential", json!(true)),
            (
                "healthCheck",
                json!({"command": ["CMD", "x"], "retries": random.u8(1..5)}),
            ),
            (
                "ulimits",
                json!([{"name": "nofile", "softLimit": 10, "hardLimit": 20}]),
            ),
            ("dockerLabels", json!({"B": "1", "A": "2"})),
            (
                "linuxParameters",
                json!({"initProcessEnabled": random.bool()}),
            ),
            ("systemControls", json!([])),
            ("stopTimeout", json!(30)),
        ] {
            if random.bool() {
                container[member] = value;
            }
        }
    }
    if random.bool() {
        spec["requiresCompatibilities"] = json!(["EC2", "FARGATE"]);
    }
    let size = if random.bool() {
        ("0.5 vCPU", "1 GB")
    } else {
        ("512", "1024")
    };
    (spec["cpu"], spec["memory"]) = (json!(size.0), json!(size.1));
    spec
}

#[tokio::test(start_paused = true)]
async fn random_services_are_made_and_then_left_alone() {
    let (count, seed) = (number("EVENKEEL_RANDOM", 200), number("EVENKEEL_SEED", 1));
    let mut random = fastrand::Rng::with_seed(seed);
    let cases = cases::of(Kind::Service);
    let sim = World::of(&[]).await;
    let mut text = String::new();
    for (kind, name, spec) in world::surroundings(Kind::Service) {
        text.push_str(&cases::manifest(
            kind,
            name,
            &serde_json::from_str(spec).unwrap(),
        ));
    }
    sim.write("surroundings.yaml", &text);
    for n in 0..count {
        let mut text = String::new();
        let name = format!("random-{n}");
        let definition = task_definition(&mut random);
        text.push_str(&cases::manifest(Kind::TaskDefinition, &name, &definition));
        let service = service(&mut random, &cases, &name);
        text.push_str(&cases::manifest(Kind::Service, &name, &service));
        sim.write(&format!("{name}.yaml"), &text);
    }
    planned(&sim).await; // no finding
    let daemon = sim.daemon().await;
    settled_within(&daemon, false, Duration::from_hours(2)).await;
    // Records of what was started come with the pass after.
    pass(Duration::from_mins(2)).await;

    let writes = sim.writes().len();
    for _ in 0..10 {
        daemon.events.send(Event::Resync("test")).await.unwrap();
        pass(Duration::from_mins(1)).await;
    }
    assert_eq!(&sim.writes()[writes..], [""; 0], "seed {seed}");
    assert!(daemon.board.read().resyncs.completed >= 10, "seed {seed}");
    daemon.kill();
}

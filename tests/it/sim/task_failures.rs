//! Why tasks do not run, told under every engine: in the outcome of the rollout that failed for it.

use std::time::Duration;

use evenkeel::model::Outcome;
use evenkeel::sandbox::behaviour::Behaviour;

use super::console::{self, AUTH, rolled_out_badly};
use super::native_world::{self, BREAKER, CANARY, FILE, web};
use super::world::{World, pass};

/// A health check of the container that is quicker than that of the target group.
const CHECK: &str =
    "healthCheck: {command: [CMD-SHELL, \"true\"], interval: 5, timeout: 2, retries: 1}";

/// One way in which tasks fail, and what must be told of it.
struct Case {
    behaviour: Behaviour,
    told: [&'static str; 2],
}

fn cases() -> [Case; 3] {
    let well = Behaviour::default;
    [
        Case {
            behaviour: Behaviour {
                crash: Some(3),
                ..well()
            },
            told: ["EssentialContainerExited", "exited with code 3"],
        },
        Case {
            behaviour: Behaviour {
                unhealthy: true,
                ..well()
            },
            told: [
                "Task failed container health checks",
                "fails its health check",
            ],
        },
        Case {
            behaviour: Behaviour {
                missing: true,
                ..well()
            },
            told: ["TaskFailedToStart", "CannotPullContainerError"],
        },
    ]
}

impl World {
    fn behave(&self, image: &str, behaviour: Behaviour) {
        self.mounted.with(|sandbox| {
            let behaviours = &mut sandbox.region("us-east-1").behaviours;
            behaviours.set(image, behaviour);
        });
    }
}

fn tells(case: &Case) -> impl Fn(&Outcome) -> bool {
    let told = case.told;
    move |outcome| {
        let message = outcome.message();
        rolled_out_badly(outcome) && told.iter().all(|told| message.contains(told))
    }
}

async fn by_ecs(configuration: &str, seed: u64) {
    for (seed, case) in (seed..).zip(cases()) {
        let world = web(&format!("{configuration}{BREAKER}"), seed).await;
        world.edit(
            FILE,
            "{name: web, image",
            &format!("{{name: web, {CHECK}, image"),
        );
        world.behave("nova/web:v2", case.behaviour.clone());
        let daemon = world.daemon().await;
        daemon.converged().await;
        let watch = world.watch();
        world.ship(&daemon, "v1", "v2").await;
        let outcome = daemon
            .outcome(native_world::SERVICE, rolled_out_badly)
            .await;
        assert!(tells(&case)(&outcome), "{configuration}: {outcome}");
        pass(Duration::from_mins(20)).await;
        daemon.outcome(native_world::SERVICE, tells(&case)).await;
        assert_eq!(world.count("UpdateService"), 1);
        assert_eq!(world.serves().await, "v1");
        watch.saw_nothing_wrong();
    }
}

#[tokio::test(start_paused = true)]
async fn rolling_tells_exit_codes_health_checks_and_pull_errors() {
    by_ecs("strategy: ROLLING", 1450).await;
}

#[tokio::test(start_paused = true)]
async fn native_tells_exit_codes_health_checks_and_pull_errors() {
    by_ecs(CANARY, 1455).await;
}

#[tokio::test(start_paused = true)]
async fn code_deploy_tells_exit_codes_health_checks_and_pull_errors() {
    for (seed, case) in (1460..).zip(cases()) {
        let world = World::auth(seed).await;
        let container = "    - name: auth\n";
        world.edit(AUTH, container, &format!("{container}      {CHECK}\n"));
        world.behave("nova/auth-service:1.5.0", case.behaviour.clone());
        let daemon = world.daemon().await;
        daemon.converged().await;
        let good = world.person.primary("nova", "auth-service").await;
        world.release(&daemon).await;
        let outcome = daemon.outcome(console::SERVICE, rolled_out_badly).await;
        assert!(tells(&case)(&outcome), "{outcome}");
        pass(Duration::from_mins(20)).await;
        daemon.outcome(console::SERVICE, tells(&case)).await;
        assert_eq!(world.count("CreateDeployment"), 1);
        assert_eq!(world.person.primary("nova", "auth-service").await, good);
    }
}

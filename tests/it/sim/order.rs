//! Services whose rollouts come after those of others (`rollout.dependsOn`).

use std::time::Duration;

use evenkeel::model::{Outcome, Wait};

use super::world::{World, pass};

const USER: &str = "Service/user-service";
const AUTH: &str = "Service/auth-service";

/// Two services of Nova, the second of which comes after the first.
async fn world(seed: u64) -> World {
    let only = [
        "cluster.yaml",
        "load-balancer.yaml",
        "sandbox.yaml",
        "services/auth.yaml",
        "services/user.yaml",
    ];
    let world = World::new("nova", &only, seed).await;
    world.edit(
        "services/user.yaml",
        "kind: Service\nmetadata:\n  name: user-service\n",
        "kind: Service\nmetadata:\n  name: user-service\nrollout: {dependsOn: [auth-service]}\n",
    );
    world
}

/// One commit that changes both.
fn change_both(world: &World, auth: &str) {
    world.edit(
        "services/user.yaml",
        "nova/user-service:1.4.0",
        "nova/user-service:1.5.0",
    );
    world.edit(
        "services/auth.yaml",
        "nova/auth-service:1.4.0",
        &format!("nova/auth-service:{auth}"),
    );
}

fn waits_for_auth(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Waiting(Wait::DependencyNotReady, text) if text.contains(AUTH))
}

#[tokio::test(start_paused = true)]
async fn one_commit_is_deployed_in_order() {
    for seed in 900..903 {
        let world = world(seed).await;
        let daemon = world.daemon().await;
        daemon.converged().await;
        let services: Vec<String> = world.mounted.with(|sandbox| {
            let calls = sandbox.mutations();
            calls
                .filter(|call| call.operation == "CreateService" && call.error.is_none())
                .map(|call| {
                    call.input["serviceName"]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned()
                })
                .collect()
        });
        assert_eq!(services, ["auth-service", "user-service"], "{seed}");
        change_both(&world, "1.5.0");
        daemon.look().await;
        daemon.outcome(USER, waits_for_auth).await;
        daemon
            .until("the second deployment", |_| {
                world.count("CreateDeployment") == 2
            })
            .await;
        let auth = &daemon.board.read().resources[&AUTH.parse().unwrap()];
        assert_eq!(auth.outcome, Outcome::Converged, "{seed}");
        // It is woken; a look by time alone comes twice a minute.
        let waited = world.clock.now().since(auth.since);
        assert!(waited <= Duration::from_secs(4), "{seed}: {waited:?}");
        daemon.converged().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_comes_after_a_failure_does_not_start() {
    let world = world(910).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.person_breaks("1.6.0-broken");
    change_both(&world, "1.6.0-broken");
    daemon.look().await;
    daemon
        .outcome(AUTH, |outcome| matches!(outcome, Outcome::Failed(..)))
        .await;
    daemon.outcome(USER, waits_for_auth).await;
    pass(Duration::from_hours(1)).await;
    assert_eq!(world.count("CreateDeployment"), 1);
    // A crash forgets nothing of it.
    daemon.kill();
    let daemon = world.daemon().await;
    daemon.outcome(USER, waits_for_auth).await;
    world.edit(
        "services/auth.yaml",
        "nova/auth-service:1.6.0-broken",
        "nova/auth-service:1.5.0",
    );
    daemon.look().await;
    daemon.converged().await;
    assert_eq!(world.count("CreateDeployment"), 3);
}

//! Production traffic that is not where the tasks are, or is not served: nothing is started from there, nothing is
//! repaired, and nothing is called converged. (Of ECS's own blue/green: `native_trouble`.)

use std::time::Duration;

use evenkeel::model::{Block, Outcome};
use evenkeel::sandbox::behaviour::Behaviour;
use serde_json::json;

use super::console::{AUTH, ECS, SERVICE};
use super::native_world::{self, web};
use super::world::{World, pass};

fn mismatch(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Blocked(Block::TrafficMismatch, _))
}

impl World {
    /// A person sets the weights of the auth service's pair, that of its `PRIMARY` task set first, in the production
    /// rule.
    pub(super) async fn weigh_production(&self, weights: [u32; 2]) {
        let service = self.person.service("nova", "auth-service").await;
        let sets = service["taskSets"].as_array().unwrap();
        let primary = sets.iter().find(|set| set["status"] == "PRIMARY").unwrap();
        let own = primary["loadBalancers"][0]["targetGroupArn"].as_str();
        let own = own.unwrap().to_owned();
        let pair = self.pair().await.into_iter();
        let mut others = pair.filter(|arn| *arn != own);
        let other = others.next().unwrap();
        let rule = self.rule().await;
        let groups: Vec<(String, u32)> = [own, other].into_iter().zip(weights).collect();
        self.mounted.with(|sandbox| {
            let elb = &mut sandbox.region("us-east-1").elb;
            elb.route_rule(&rule, &groups).unwrap();
        });
    }
}

/// `CodeDeploy` would shift from any state.
#[tokio::test(start_paused = true)]
async fn code_deploy_starts_nothing_while_production_traffic_is_not_where_the_tasks_are() {
    let world = World::auth(1500).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    for (weights, part) in [
        ([50, 50], "2 target groups"),
        ([0, 0], "0 target groups"),
        ([0, 100], "the live tasks are in"),
    ] {
        world.weigh_production(weights).await;
        let told = |outcome: &Outcome| mismatch(outcome) && outcome.message().contains(part);
        daemon.outcome(SERVICE, told).await;
    }
    world.release(&daemon).await;
    pass(Duration::from_mins(10)).await;
    let outcome = daemon.outcome(SERVICE, mismatch).await;
    assert!(
        outcome.message().contains("the live tasks are in"),
        "{outcome}"
    );
    assert_eq!(world.count("CreateDeployment"), 0);
    // A daemon that has just come up sees it too.
    daemon.kill();
    let daemon = world.daemon().await;
    daemon.outcome(SERVICE, mismatch).await;
    assert_eq!(world.count("CreateDeployment"), 0);
    world.weigh_production([100, 0]).await;
    daemon.converged().await;
    assert_eq!(world.count("CreateDeployment"), 1);
}

/// Tasks run, and not one is healthy: with `CodeDeploy` the start waits for a person, who can have it all the same.
#[tokio::test(start_paused = true)]
async fn code_deploy_starts_nothing_without_a_healthy_target_unless_a_person_says_so() {
    let world = World::auth(1510).await;
    world.edit(
        AUTH,
        "healthCheckGracePeriodSeconds: 60",
        "healthCheckGracePeriodSeconds: 7200",
    );
    let daemon = world.daemon().await;
    daemon.converged().await;
    sicken(&world, "nova/auth-service:1.4.0", "auth-service");
    pass(Duration::from_mins(2)).await;
    world.release(&daemon).await;
    let outcome = daemon.outcome(SERVICE, mismatch).await;
    assert!(
        outcome.message().contains("evenkeel.dev/retry"),
        "{outcome}"
    );
    assert_eq!(world.count("CreateDeployment"), 0);
    world.retry("all the same");
    daemon.look().await;
    daemon.converged().await;
    assert_eq!(world.count("CreateDeployment"), 1);
}

/// ECS's word that a rolling deployment is complete is not all: a service that nothing healthy serves is not converged.
#[tokio::test(start_paused = true)]
async fn a_rolling_service_that_nothing_healthy_serves_is_not_converged() {
    let world = web("strategy: ROLLING, maximumPercent: 200", 1520).await;
    world.edit(
        native_world::FILE,
        "desiredCount: 2",
        "desiredCount: 2\n  healthCheckGracePeriodSeconds: 7200",
    );
    let daemon = world.daemon().await;
    daemon.converged().await;
    sicken(&world, "nova/web:v1", "web");
    let writes = world.writes();
    let outcome = daemon.outcome(native_world::SERVICE, mismatch).await;
    for told in ["is healthy", "unhealthy (Target.FailedHealthChecks)"] {
        assert!(outcome.message().contains(told), "{outcome}");
    }
    assert_eq!(world.writes(), writes);
    // A better image goes out all the same, and mends it.
    world.ship(&daemon, "v1", "v2").await;
    daemon.converged().await;
    assert_eq!(world.serves().await, "v2");
}

/// From now on tasks of this image fail their health checks; those that run are replaced.
fn sicken(world: &World, image: &str, service: &str) {
    world.mounted.with(|sandbox| {
        let behaviours = &mut sandbox.region("us-east-1").behaviours;
        let behaviour = Behaviour {
            unhealthy: true,
            ..Behaviour::default()
        };
        behaviours.set(image, behaviour);
    });
    let ask = json!({"cluster": "nova", "serviceName": service});
    let tasks = world.console(ECS, "ListTasks", &ask);
    for task in tasks["taskArns"].as_array().unwrap() {
        world.console(ECS, "StopTask", &json!({"cluster": "nova", "task": task}));
    }
}

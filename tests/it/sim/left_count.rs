//! A count that the manifest leaves to others: made once, then theirs.

use std::time::Duration;

use evenkeel::model::Service;
use serde_json::json;

use super::world::{World, pass};

const FILE: &str = "services/auth.yaml";

#[tokio::test(start_paused = true)]
async fn a_count_that_nobody_declares_stays_as_people_and_scaling_leave_it() {
    let world = World::auth(70).await;
    world.edit(FILE, "  desiredCount: 2\n", "");
    let daemon = world.daemon().await;
    daemon.converged().await;
    let live = async || world.person.service("nova", "auth-service").await["desiredCount"].clone();
    assert_eq!(live().await, 1, "AWS demands a count of a new service");

    let scale = async |count: u64| {
        let input = json!({"cluster": "nova", "service": "auth-service", "desiredCount": count});
        let ecs = Service::Ecs;
        world.person.call(ecs, "UpdateService", input).await;
    };
    scale(4).await;
    pass(Duration::from_mins(11)).await;
    daemon.converged().await;
    assert_eq!(live().await, 4);

    // Neither another member nor a deployment brings a count along.
    world.edit(
        FILE,
        "  healthCheckGracePeriodSeconds: 60\n",
        "  healthCheckGracePeriodSeconds: 90\n",
    );
    daemon.look().await;
    pass(Duration::from_mins(2)).await;
    daemon.converged().await;
    assert_eq!(live().await, 4);
    world.release(&daemon).await;
    pass(Duration::from_mins(1)).await;
    daemon.converged().await;
    assert_eq!(world.count("CreateDeployment"), 1);
    assert_eq!(live().await, 4);

    // Declared and taken out again it is nobody's once more: a count has no default.
    world.edit(
        FILE,
        "  launchType: FARGATE\n",
        "  launchType: FARGATE\n  desiredCount: 3\n",
    );
    daemon.look().await;
    pass(Duration::from_mins(2)).await;
    daemon.converged().await;
    assert_eq!(live().await, 3);
    world.edit(FILE, "  desiredCount: 3\n", "");
    daemon.look().await;
    scale(0).await;
    pass(Duration::from_mins(11)).await;
    daemon.converged().await;
    assert_eq!(live().await, 0);
    let sent = world.mounted.with(|sandbox| {
        let updates = sandbox
            .mutations()
            .filter(|call| call.operation == "UpdateService");
        updates
            .filter(|call| !call.input["desiredCount"].is_null())
            .count()
    });
    assert_eq!(sent, 3, "two by hand, one declared");
}

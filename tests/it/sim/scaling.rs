//! Scaled services: the count is the scaler's, and scaling rests while `CodeDeploy` deploys.

use std::time::Duration;

use evenkeel::model::{Fail, Outcome, RolloutStage, Service, Wait};
use evenkeel::sandbox::{AwsError, Fault};
use serde_json::{Value, json};

use super::console::{AUTH, SERVICE};
use super::world::{Daemon, World, pass};

const FILE: &str = "scaling.yaml";

/// A scalable target and a policy of the auth service.
fn manifests(sync: &str) -> String {
    format!(
        "apiVersion: evenkeel.dev/v1alpha1
kind: ScalableTarget
metadata: {{name: auth}}
spec: {{ServiceRef: auth-service, MinCapacity: 2, MaxCapacity: 6, Tags: {{team: nova}}}}
{sync}
---
apiVersion: evenkeel.dev/v1alpha1
kind: ScalingPolicy
metadata: {{name: auth-cpu}}
spec:
  ServiceRef: auth-service
  PolicyType: TargetTrackingScaling
  TargetTrackingScalingPolicyConfiguration:
    TargetValue: 60
    PredefinedMetricSpecification: {{PredefinedMetricType: ECSServiceAverageCPUUtilization}}
"
    )
}

const SUSPENDS: &str = "sync: {suspendDuringDeployments: true}";

async fn scaled(seed: u64, sync: &str) -> World {
    let world = World::auth(seed).await;
    world.write(FILE, &manifests(sync));
    world
}

impl World {
    /// What a policy would do that wants so many tasks; gives what came of it.
    fn scale(&self, to: i64) -> String {
        let body = json!({"cluster": "nova", "service": "auth-service", "to": to});
        let request = http::Request::post("/_evenkeel/scale")
            .body(body.to_string().into_bytes())
            .unwrap();
        let answer: Value = serde_json::from_slice(self.mounted.handle(&request).body()).unwrap();
        answer["reason"]
            .as_str()
            .unwrap_or_else(|| panic!("{answer}"))
            .to_owned()
    }

    async fn count_of_tasks(&self) -> Value {
        self.person.service("nova", "auth-service").await["desiredCount"].clone()
    }

    async fn scalable_target(&self) -> Value {
        let input =
            json!({"ServiceNamespace": "ecs", "ResourceIds": ["service/nova/auth-service"]});
        let answer = self
            .person
            .call(Service::Scaling, "DescribeScalableTargets", input)
            .await;
        answer["ScalableTargets"][0].clone()
    }

    /// How many of the three ways to scale are suspended.
    async fn suspended(&self) -> usize {
        let target = self.scalable_target().await;
        let state = target["SuspendedState"].as_object().unwrap().values();
        state.filter(|one| **one == true).count()
    }

    async fn marked(&self) -> bool {
        let service = self.person.service("nova", "auth-service").await;
        service["tags"]
            .to_string()
            .contains("evenkeel.dev/scaling-suspended")
    }

    /// Ten passes over everything write nothing.
    async fn silent(&self, daemon: &Daemon) {
        let writes = self.writes().len();
        pass(Duration::from_mins(11)).await;
        daemon.converged().await;
        assert_eq!(&self.writes()[writes..], Vec::<String>::new());
    }
}

/// Registers the target at the console.
async fn by_hand(world: &World, min: i64, max: i64) {
    let input = json!({"ServiceNamespace": "ecs", "ResourceId": "service/nova/auth-service",
        "ScalableDimension": "ecs:service:DesiredCount", "MinCapacity": min, "MaxCapacity": max});
    world
        .person
        .call(Service::Scaling, "RegisterScalableTarget", input)
        .await;
}

async fn update(world: &World, count: i64) {
    let input = json!({"cluster": "nova", "service": "auth-service", "desiredCount": count});
    world
        .person
        .call(Service::Ecs, "UpdateService", input)
        .await;
}

#[tokio::test(start_paused = true)]
async fn the_count_of_a_scaled_service_is_the_scalers() {
    for declared in [true, false] {
        let world = if declared {
            scaled(900, "").await
        } else {
            World::auth(900).await
        };
        let daemon = world.daemon().await;
        daemon.converged().await;
        if !declared {
            by_hand(&world, 2, 6).await;
        }
        for (to, expected) in [(5, 5), (9, 6), (3, 3)] {
            assert_eq!(world.scale(to), "scaled");
            world.silent(&daemon).await;
            assert_eq!(world.count_of_tasks().await, expected, "{declared}");
        }
        // Above the range it is left to the scaler, below it it is raised to the minimum.
        update(&world, 8).await;
        world.silent(&daemon).await;
        assert_eq!(world.count_of_tasks().await, 8);
        update(&world, 0).await;
        pass(Duration::from_mins(3)).await;
        assert_eq!(world.count_of_tasks().await, 2);
        daemon.converged().await;
        daemon.kill();
        let other = world.daemon().await;
        other.converged().await;
        world.silent(&other).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_deployment_keeps_the_count_that_the_scaler_chose() {
    let world = scaled(901, "").await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    assert_eq!(world.scale(4), "scaled");
    world.silent(&daemon).await;
    world.release(&daemon).await;
    daemon.converged().await;
    world.silent(&daemon).await;
    assert_eq!(world.count_of_tasks().await, 4);
    assert_eq!(
        (
            world.count("CreateDeployment"),
            world.count("RegisterScalableTarget")
        ),
        (1, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_count_is_left_alone_while_nobody_knows_whether_it_is_scaled() {
    let world = World::auth(902).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let error = AwsError {
        status: 400,
        code: "AccessDeniedException".to_owned(),
        message: "no".to_owned(),
    };
    let operation = "application-autoscaling:DescribeScalableTargets".to_owned();
    world.mounted.with(|sandbox| {
        sandbox.inject(Fault {
            operation,
            error,
            times: None,
            takes_effect: false,
        });
    });
    update(&world, 5).await;
    let doubt =
        |outcome: &Outcome| matches!(outcome, Outcome::Waiting(Wait::ObservationUnknown, _));
    let outcome = daemon.outcome(SERVICE, doubt).await;
    assert!(outcome.message().contains("AccessDenied"), "{outcome}");
    pass(Duration::from_mins(30)).await;
    assert_eq!(world.count_of_tasks().await, 5);
    world.mounted.with(evenkeel::sandbox::Sandbox::clear_faults);
    daemon.converged().await;
    assert_eq!(world.count_of_tasks().await, 2);
}

#[tokio::test(start_paused = true)]
async fn bounds_and_policies_are_kept_as_declared() {
    let world = scaled(903, "").await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let target = world.scalable_target().await;
    let tags = json!({"ResourceARN": target["ScalableTargetARN"]});
    let tags = world
        .person
        .call(Service::Scaling, "ListTagsForResource", tags)
        .await;
    let source = world.folder.path().to_str().unwrap();
    assert_eq!(
        tags["Tags"],
        json!({"team": "nova", "evenkeel.dev/instance": "default", "evenkeel.dev/source": source})
    );
    by_hand(&world, 1, 3).await;
    world.edit(FILE, "TargetValue: 60", "TargetValue: 70");
    daemon.look().await;
    pass(Duration::from_mins(2)).await;
    daemon.converged().await;
    let target = world.scalable_target().await;
    assert_eq!(
        (&target["MinCapacity"], &target["MaxCapacity"]),
        (&json!(2), &json!(6))
    );
    assert_eq!(world.count("PutScalingPolicy"), 2);
    world.silent(&daemon).await;
}

#[tokio::test(start_paused = true)]
async fn scaling_rests_while_a_deployment_is_in_flight() {
    let world = scaled(904, SUSPENDS).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world
        .deploy(&daemon, "1.5.0", RolloutStage::ScalingUp)
        .await;
    assert_eq!((world.suspended().await, world.marked().await), (3, true));
    assert_eq!(world.scale(6), "suspended");
    daemon.kill();
    let daemon = world.daemon().await;
    daemon.converged().await;
    assert_eq!((world.suspended().await, world.marked().await), (0, false));
    assert_eq!(world.scale(6), "scaled");
    world.silent(&daemon).await;
}

#[tokio::test(start_paused = true)]
async fn scaling_is_resumed_after_a_failure_too() {
    let world = scaled(905, SUSPENDS).await;
    world.image(&json!({"repository": "nova/auth-service", "tags": ["9.9.9"], "crash": 1}));
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.edit(AUTH, "auth-service:1.4.0", "auth-service:9.9.9");
    daemon.look().await;
    let failed = |outcome: &Outcome| matches!(outcome, Outcome::Failed(Fail::RolloutFailed, _));
    daemon.outcome(SERVICE, failed).await;
    pass(Duration::from_mins(1)).await;
    assert_eq!((world.suspended().await, world.marked().await), (0, false));
}

#[tokio::test(start_paused = true)]
async fn scaling_is_resumed_when_nobody_asks_for_suspension_any_more() {
    for gone in ["option", "manifest"] {
        let world = scaled(906, SUSPENDS).await;
        let daemon = world.daemon().await;
        daemon.converged().await;
        world
            .deploy(&daemon, "1.5.0", RolloutStage::ScalingUp)
            .await;
        if gone == "option" {
            world.edit(FILE, SUSPENDS, "");
        } else {
            world.write(FILE, "");
        }
        daemon.look().await;
        assert_eq!(world.suspended().await, 3, "{gone}");
        daemon.converged().await;
        pass(Duration::from_mins(2)).await;
        assert_eq!(
            (world.suspended().await, world.marked().await),
            (0, false),
            "{gone}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_person_suspended_or_resumed_stays() {
    let world = scaled(907, SUSPENDS).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let hold = |state: Value| {
        let input = json!({"ServiceNamespace": "ecs", "ResourceId": "service/nova/auth-service",
            "ScalableDimension": "ecs:service:DesiredCount", "SuspendedState": state});
        world
            .person
            .call(Service::Scaling, "RegisterScalableTarget", input)
    };
    hold(json!({"ScheduledScalingSuspended": true})).await;
    world
        .deploy(&daemon, "1.5.0", RolloutStage::ScalingUp)
        .await;
    assert_eq!(world.suspended().await, 3);
    // In an incident: out again, now.
    hold(json!({"DynamicScalingOutSuspended": false})).await;
    pass(Duration::from_secs(30)).await;
    assert_eq!(world.suspended().await, 2);
    assert_eq!(world.scale(5), "scaled");
    daemon.converged().await;
    let state = world.scalable_target().await["SuspendedState"].clone();
    assert_eq!(state["ScheduledScalingSuspended"], true);
    assert_eq!(world.suspended().await, 1);
}

/// How a run ended: the writes, sorted, and what is suspended.
type End = (Vec<String>, usize, bool);

/// Bootstraps the scaled service and changes its image, dying once after the k-th write. Gives also
/// how many writes the bootstrap took.
async fn run(crash_after: u64) -> (End, usize) {
    let world = scaled(908, SUSPENDS).await;
    world.wire.crash_after(crash_after);
    let mut daemon = world.daemon().await;
    let mut bootstrap = 0;
    for edit in [false, true] {
        if edit {
            bootstrap = world.writes().len();
            world.release(&daemon).await;
        }
        daemon = world.converged_in_spite_of_a_crash(daemon).await;
    }
    let mut writes = world.writes();
    writes.sort();
    let end = (writes, world.suspended().await, world.marked().await);
    (end, bootstrap)
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_any_write_leaves_no_scaling_suspended() {
    let (calm, bootstrap) = run(0).await;
    assert_eq!((calm.1, calm.2), (0, false));
    let count = |name: &str| calm.0.iter().filter(|one| *one == name).count();
    // Made, suspended, resumed.
    assert_eq!(
        (count("RegisterScalableTarget"), count("UntagResource")),
        (3, 1)
    );
    // The last writes of the bootstrap are those of scaling; `crash` dies after the others.
    for k in bootstrap - 3..=calm.0.len() {
        let (end, _) = run(k as u64).await;
        assert_eq!(end, calm, "crash after write {k}");
    }
}

//! A newer manifest while a deployment is in flight: at every stage of it, with crashes, and by each policy.

use std::time::Duration;

use evenkeel::model::{Outcome, RolloutStage, Service, Wait};
use serde_json::{Value, json};

use super::console::{AUTH, CODE_DEPLOY, SERVICE, in_flight, rolled_out_badly};
use super::native_world::Place;
use super::world::{Daemon, World, pass};

const PLACE: Place = Place {
    cluster: "nova",
    service: "auth-service",
    balancer: "nova",
    port: "80",
    priority: "10",
};

/// The auth service with three images, and CodeDeploy waiting for a person before traffic where asked.
pub(super) async fn auth(seed: u64, waits: bool) -> World {
    let world = World::auth(seed).await;
    world.image(&json!({"repository": "nova/auth-service", "tags": ["1.7.0"]}));
    world.edit(
        AUTH,
        "terminationWaitTimeInMinutes: 5",
        "terminationWaitTimeInMinutes: 1",
    );
    if waits {
        world.edit(
            AUTH,
            "{actionOnTimeout: CONTINUE_DEPLOYMENT, waitTimeInMinutes: 0}",
            "{actionOnTimeout: STOP_DEPLOYMENT, waitTimeInMinutes: 120}",
        );
    }
    world
}

/// Chooses a policy.
pub(super) fn choose(world: &World, file: &str, policy: &str) {
    let text = std::fs::read_to_string(world.folder.path().join(file)).unwrap();
    let with = format!("rollout: {{inFlight: {policy}}}\nspec:\n  clusterRef");
    world.write(file, &text.replace("spec:\n  clusterRef", &with));
}

impl World {
    /// Has CodeDeploy move all traffic in one step.
    fn at_once(&self) {
        self.edit(AUTH, "ECSCanary10Percent5Minutes", "ECSAllAtOnce");
    }

    /// Ships another image, whatever is declared now.
    pub(super) async fn ship_auth(&self, daemon: &Daemon, tag: &str) {
        let path = self.folder.path().join(AUTH);
        let text = std::fs::read_to_string(&path).unwrap();
        let (before, rest) = text.split_once("nova/auth-service:").unwrap();
        let (_, after) = rest.split_once('\n').unwrap();
        std::fs::write(path, format!("{before}nova/auth-service:{tag}\n{after}")).unwrap();
        daemon.look().await;
    }

    /// The group's deployments, oldest first, whole.
    fn auth_deployments(&self) -> Vec<Value> {
        let group = json!({"applicationName": "AppECS-nova-auth-service", "deploymentGroupName": "DgpECS-nova-auth-service"});
        let listed = self.console(CODE_DEPLOY, "ListDeployments", &group);
        let ids = json!({"deploymentIds": listed["deployments"]});
        let whole = self.console(CODE_DEPLOY, "BatchGetDeployments", &ids);
        let mut all = whole["deploymentsInfo"].as_array().unwrap().clone();
        all.sort_by(|a, b| {
            let at = |one: &Value| one["createTime"].as_f64().unwrap();
            at(a).total_cmp(&at(b))
        });
        all
    }

    /// `status` of each of them, `back` before those by which CodeDeploy went back.
    pub(super) fn auth_history(&self) -> Vec<String> {
        let all = self.auth_deployments();
        let word = |one: &Value| {
            let back = if one["creator"] == "codeDeployRollback" {
                "back "
            } else {
                ""
            };
            format!("{back}{}", one["status"].as_str().unwrap())
        };
        all.iter().map(word).collect()
    }

    /// Whether this tag's image is what serves.
    pub(super) async fn auth_serves(&self, tag: &str) -> bool {
        let primary = self.person.primary("nova", "auth-service").await;
        let image = self.person.image(&primary).await;
        let input = json!({"repositoryName": "nova/auth-service", "imageIds": [{"imageTag": tag}]});
        let answer = self.person.call(Service::Ecr, "BatchGetImage", input).await;
        let digest = &answer["images"][0]["imageId"]["imageDigest"];
        image.ends_with(digest.as_str().unwrap())
    }

    /// CodeDeploy, which has one deployment a group, never had to refuse another one.
    fn none_on_top(&self) {
        self.mounted.with(|sandbox| {
            let mut calls = sandbox.journal().iter();
            let refused =
                calls.find(|call| call.operation == "CreateDeployment" && call.error.is_some());
            assert!(refused.is_none(), "{refused:?}");
        });
    }
}

pub(super) async fn at_rest(world: &World, daemon: &Daemon) {
    daemon.converged().await;
    let writes = world.writes();
    pass(Duration::from_mins(20)).await;
    daemon.converged().await;
    assert_eq!(world.writes(), writes, "written at the fixpoint");
}

/// What made room is no failure: told so, counted so, and deployed when the manifest goes back to it.
#[tokio::test(start_paused = true)]
async fn what_made_room_is_told_so_and_not_quarantined() {
    let world = auth(1110, false).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let id = world
        .deploy(&daemon, "1.5.0", RolloutStage::ScalingUp)
        .await;
    world.ship_auth(&daemon, "1.7.0").await;
    let told = |outcome: &Outcome| {
        assert!(!rolled_out_badly(outcome), "{outcome}");
        outcome.message().contains(&format!("{id} is superseded"))
            || outcome
                .message()
                .contains(&format!("deployment {id}, which is superseded"))
    };
    daemon.outcome(SERVICE, told).await;
    daemon.converged().await;
    let past = world.console(CODE_DEPLOY, "GetDeployment", &json!({"deploymentId": id}));
    assert_eq!(past["deploymentInfo"]["status"], "Stopped");
    world.ship_auth(&daemon, "1.5.0").await;
    daemon.outcome(SERVICE, in_flight).await;
    daemon.converged().await;
    assert!(world.auth_serves("1.5.0").await);
    at_rest(&world, &daemon).await;
}

/// Until production traffic moves the older deployment makes room; from then on it is waited for.
#[tokio::test(start_paused = true)]
async fn codedeploy_is_stopped_until_traffic_moves_and_waited_for_after() {
    for (seed, stage, makes_room) in [
        (1100, RolloutStage::ScalingUp, true),
        (1101, RolloutStage::AwaitingApproval, true),
        (1102, RolloutStage::Shifting, false),
        (1103, RolloutStage::Baking, false),
    ] {
        let waits = stage == RolloutStage::AwaitingApproval;
        let world = auth(seed, waits).await;
        let daemon = world.daemon().await;
        daemon.converged().await;
        let watch = world.watch_at(PLACE);
        let id = world.deploy(&daemon, "1.5.0", stage).await;
        world.ship_auth(&daemon, "1.7.0").await;
        if waits {
            // The newer one waits for a person as well.
            let id = id.clone();
            let newer = |outcome: &Outcome| {
                matches!(outcome, Outcome::Waiting(Wait::ApprovalPending, _))
                    && !outcome.message().contains(&id)
            };
            daemon.outcome(SERVICE, newer).await;
            let newest = world.auth_deployments().pop().unwrap();
            let go =
                json!({"deploymentId": newest["deploymentId"], "deploymentWaitType": "READY_WAIT"});
            world.console(CODE_DEPLOY, "ContinueDeployment", &go);
        }
        daemon.converged().await;
        assert!(world.auth_serves("1.7.0").await, "{stage:?}");
        let expected = if makes_room { "Stopped" } else { "Succeeded" };
        let past = world.console(CODE_DEPLOY, "GetDeployment", &json!({"deploymentId": id}));
        assert_eq!(past["deploymentInfo"]["status"], expected, "{stage:?}");
        assert_eq!(
            world.count("StopDeployment"),
            usize::from(makes_room),
            "{stage:?}"
        );
        assert_eq!(world.count("CreateDeployment"), 2, "{stage:?}");
        watch.saw_nothing_wrong();
        world.none_on_top();
        at_rest(&world, &daemon).await;
    }
}

/// An operator's abort has no mark, and its content is left alone.
#[tokio::test(start_paused = true)]
async fn what_a_person_stops_is_still_quarantined() {
    let world = auth(1115, false).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let id = world
        .deploy(&daemon, "1.5.0", RolloutStage::ScalingUp)
        .await;
    let stop = json!({"deploymentId": id, "autoRollbackEnabled": true});
    world.console(CODE_DEPLOY, "StopDeployment", &stop);
    daemon.outcome(SERVICE, rolled_out_badly).await;
    world.ship_auth(&daemon, "1.7.0").await;
    daemon.converged().await;
    world.ship_auth(&daemon, "1.5.0").await;
    let quarantined = |outcome: &Outcome| outcome.reason() == "Quarantined";
    daemon.outcome(SERVICE, quarantined).await;
    world
        .stays(&daemon, quarantined, Duration::from_mins(30))
        .await;
}

#[tokio::test(start_paused = true)]
async fn two_quick_changes_end_with_the_last_and_going_back_leaves_what_runs() {
    for (seed, tags) in [
        (1120, &["1.7.0", "1.5.0"][..]),
        (1121, &["1.4.0"]),
        (1122, &["1.7.0", "1.4.0"]),
        (1123, &["1.4.0", "1.5.0", "1.7.0", "1.5.0"]),
    ] {
        for gap in [1, 6] {
            let world = auth(seed * 10 + gap, false).await;
            world.at_once();
            let daemon = world.daemon().await;
            daemon.converged().await;
            let watch = world.watch_at(PLACE);
            world
                .deploy(&daemon, "1.5.0", RolloutStage::ScalingUp)
                .await;
            for tag in tags {
                world.ship_auth(&daemon, tag).await;
                pass(Duration::from_secs(gap)).await;
            }
            daemon.converged().await;
            let last = tags.last().unwrap();
            assert!(
                world.auth_serves(last).await,
                "{tags:?}: {:?}",
                world.auth_history()
            );
            watch.saw_nothing_wrong();
            world.none_on_top();
        }
    }
}

/// The daemon dies after every write on the way, and another one goes on.
#[tokio::test(start_paused = true)]
async fn a_crash_after_any_write_changes_nothing_of_the_end() {
    let run = async |crash_after: Option<usize>| {
        let world = auth(1130, false).await;
        world.at_once();
        let mut daemon = world.daemon().await;
        daemon.converged().await;
        let watch = world.watch_at(PLACE);
        let before = world.writes().len();
        if let Some(k) = crash_after {
            world.wire.crash_after((before + k) as u64);
        }
        world.ship_auth(&daemon, "1.5.0").await;
        let newer = async {
            while world.count("CreateDeployment") == 0 {
                pass(Duration::from_millis(200)).await;
            }
            pass(Duration::from_secs(8)).await;
        };
        let crashed = tokio::select! {
            biased;
            () = world.wire.crashed() => true,
            () = newer => false,
        };
        if crashed {
            daemon.kill();
            daemon = world.daemon().await;
        }
        world.ship_auth(&daemon, "1.7.0").await;
        world.converged_in_spite_of_a_crash(daemon).await;
        assert!(
            world.auth_serves("1.7.0").await,
            "crash after write {crash_after:?}"
        );
        watch.saw_nothing_wrong();
        world.none_on_top();
        let writes = world.writes().split_off(before);
        let starts = writes
            .iter()
            .filter(|one| *one == "CreateDeployment")
            .count();
        assert!(starts <= 2, "{writes:?}");
        writes.len()
    };
    let calm = run(None).await;
    assert!(calm >= 6, "{calm}");
    for k in 1..=calm {
        run(Some(k)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_foreign_deployment_is_never_stopped() {
    let world = auth(1140, false).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let watch = world.watch_at(PLACE);
    // Of another digest than any of ours, as somebody's pipeline would start it.
    let ours = world.person.primary("nova", "auth-service").await;
    let content = json!({"version": "0.0", "Resources": [{"TargetService": {"Type": "AWS::ECS::Service",
        "Properties": {"TaskDefinition": ours, "LoadBalancerInfo": {"ContainerName": "auth", "ContainerPort": 8080}}}}]});
    let input = json!({"applicationName": "AppECS-nova-auth-service",
        "deploymentGroupName": "DgpECS-nova-auth-service", "description": "pipeline 42",
        "revision": {"revisionType": "AppSpecContent", "appSpecContent": {"content": content.to_string()}}});
    world
        .person
        .call(Service::CodeDeploy, "CreateDeployment", input)
        .await;
    world.ship_auth(&daemon, "1.5.0").await;
    let foreign =
        |outcome: &Outcome| matches!(outcome, Outcome::Waiting(Wait::ForeignDeployment, _));
    daemon.outcome(SERVICE, foreign).await;
    daemon.converged().await;
    assert_eq!(world.count("StopDeployment"), 0);
    assert_eq!(world.auth_history(), ["Succeeded", "Succeeded"]);
    assert!(world.auth_serves("1.5.0").await);
    watch.saw_nothing_wrong();
}

/// `finish`: nothing is stopped, and what came in between is not deployed.
#[tokio::test(start_paused = true)]
async fn finish_lets_codedeploy_end_and_deploys_the_newest() {
    let world = auth(1150, false).await;
    choose(&world, AUTH, "finish");
    let daemon = world.daemon().await;
    daemon.converged().await;
    let id = world
        .deploy(&daemon, "1.5.0", RolloutStage::ScalingUp)
        .await;
    world.image(&json!({"repository": "nova/auth-service", "tags": ["1.8.0"]}));
    world.ship_auth(&daemon, "1.8.0").await;
    let waits = |outcome: &Outcome| {
        in_flight(outcome)
            && outcome.message().contains(&id)
            && outcome.message().contains("rollout.inFlight is finish")
    };
    daemon.outcome(SERVICE, waits).await;
    world.ship_auth(&daemon, "1.7.0").await;
    daemon.converged().await;
    assert_eq!(world.auth_history(), ["Succeeded", "Succeeded"]);
    assert_eq!(world.count("StopDeployment"), 0);
    assert!(world.auth_serves("1.7.0").await);
}

/// The same where ECS itself deploys.
#[tokio::test(start_paused = true)]
async fn finish_lets_ecs_end_and_deploys_the_newest() {
    use super::native_world::{BLUE_GREEN, FILE, history, in_progress, web};
    let world = web(BLUE_GREEN, 1160).await;
    choose(&world, FILE, "finish");
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.ship(&daemon, "v1", "v2").await;
    world.stage("SCALE_UP").await;
    world.ship(&daemon, "v2", "v3").await;
    let waits = |outcome: &Outcome| {
        in_progress(outcome) && outcome.message().contains("rollout.inFlight is finish")
    };
    daemon.outcome("Service/web", waits).await;
    daemon.converged().await;
    assert_eq!(world.serves().await, "v3");
    let ends: Vec<Value> = history(&world)
        .iter()
        .map(|one| one["status"].clone())
        .collect();
    assert_eq!(ends[..2], ["SUCCESSFUL", "SUCCESSFUL"]);
}

/// A first deployment of ours whose tasks do not start is known as ours, and a fixed manifest follows.
#[tokio::test(start_paused = true)]
async fn a_first_deployment_that_hangs_is_superseded() {
    use super::native_world::{BLUE_GREEN, FILE, web};
    let world = web(BLUE_GREEN, 1165).await;
    world.edit(FILE, "nova/web:v1", "nova/web:sick");
    let daemon = world.daemon().await;
    let stuck = |one: &Value| one["lifecycleStage"] == "SCALE_UP";
    while world.count("CreateService") == 0 {
        pass(Duration::from_secs(1)).await;
    }
    world.deployment("scaling up", stuck).await;
    world.ship(&daemon, "sick", "v2").await;
    daemon.converged().await;
    assert_eq!(world.serves().await, "v2");
}

/// And a rolling update, which is waited for by choice and says what may keep it for ever.
#[tokio::test(start_paused = true)]
async fn finish_lets_a_rolling_update_end_and_says_that_it_may_never() {
    use super::rolling::{FILE, worker};
    let world = worker("minimumHealthyPercent: 100, maximumPercent: 200", 1170).await;
    choose(&world, FILE, "finish");
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.edit(FILE, "worker:v1", "worker:crashing");
    daemon.look().await;
    daemon.outcome("Service/worker", in_flight).await;
    pass(Duration::from_mins(2)).await;
    world.edit(FILE, "worker:crashing", "worker:v2");
    daemon.look().await;
    let waits = |outcome: &Outcome| {
        let message = outcome.message();
        in_flight(outcome)
            && message.contains("rollout.inFlight is finish")
            && message.contains("without a circuit breaker")
            && message.contains("last task to stop")
    };
    daemon.outcome("Service/worker", waits).await;
    let updates = world.count("UpdateService");
    pass(Duration::from_mins(15)).await;
    daemon.outcome("Service/worker", waits).await;
    assert_eq!(world.count("UpdateService"), updates);
    // The choice is a person's, and so is another one.
    let text = std::fs::read_to_string(world.folder.path().join(FILE)).unwrap();
    world.write(
        FILE,
        &text.replace("inFlight: finish", "inFlight: supersede"),
    );
    daemon.look().await;
    daemon.converged().await;
}

#[tokio::test(start_paused = true)]
async fn a_rolling_update_by_somebody_else_is_not_superseded() {
    use super::rolling::{FILE, worker};
    let world = worker("minimumHealthyPercent: 100, maximumPercent: 200", 1175).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let input = json!({"cluster": "nova", "service": "worker", "forceNewDeployment": true});
    world
        .person
        .call(Service::Ecs, "UpdateService", input)
        .await;
    world.edit(FILE, "worker:v1", "worker:v2");
    daemon.look().await;
    let foreign =
        |outcome: &Outcome| matches!(outcome, Outcome::Waiting(Wait::ForeignDeployment, _));
    let outcome = daemon.outcome("Service/worker", foreign).await;
    assert!(
        outcome.message().contains("stop-service-deployment"),
        "{outcome}"
    );
    daemon.converged().await;
    let all = world.console(
        super::console::ECS,
        "ListServiceDeployments",
        &json!({"cluster": "nova", "service": "worker"}),
    );
    let all = all["serviceDeployments"].as_array().unwrap();
    assert!(
        all.iter().all(|one| one["status"] == "SUCCESSFUL"),
        "{all:?}"
    );
}

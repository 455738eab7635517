//! How a blue/green deployment may end other than by itself: people who stop, approve and deploy,
//! hooks and alarms that fail, manifests that change meanwhile.

use std::time::Duration;

use evenkeel::model::{Outcome, RolloutStage, Service, Wait};
use evenkeel::sandbox::levers::HookOutcome;
use serde_json::json;

use super::console::{AUTH, CODE_DEPLOY, SERVICE, in_flight, rolled_out_badly};
use super::world::{World, pass};

#[tokio::test(start_paused = true)]
async fn a_deployment_that_a_person_stops_is_told_and_not_started_again() {
    for (seed, rollback) in [(500, false), (501, true)] {
        let world = World::auth(seed).await;
        let daemon = world.daemon().await;
        daemon.converged().await;
        let before = world.person.primary("nova", "auth-service").await;
        let id = world.deploy(&daemon, "1.5.0", RolloutStage::Shifting).await;
        let input = json!({"deploymentId": id, "autoRollbackEnabled": rollback});
        world.console(CODE_DEPLOY, "StopDeployment", &input);
        let outcome = daemon.outcome(SERVICE, rolled_out_badly).await;
        for told in [id.as_str(), "MANUAL_STOP", "not tried again"] {
            assert!(outcome.message().contains(told), "{rollback}: {outcome}");
        }
        world
            .stays(&daemon, rolled_out_badly, Duration::from_hours(1))
            .await;
        assert_eq!(world.count("CreateDeployment"), 1);
        assert_eq!(
            world.person.primary("nova", "auth-service").await,
            before,
            "traffic had begun to move"
        );
        let service = world.person.service("nova", "auth-service").await;
        assert_eq!(service["desiredCount"], 2);
        // The old manifest is what serves: no deployment is started for it.
        world.edit(AUTH, "auth-service:1.5.0", "auth-service:1.4.0");
        daemon.look().await;
        if rollback {
            daemon.converged().await;
        } else {
            // A tenth of the traffic goes to what the stopped deployment left: the next one would take that away.
            let left = |outcome: &Outcome| {
                outcome.reason() == "TrafficMismatch" && outcome.message().contains("left behind")
            };
            let outcome = daemon.outcome(SERVICE, left).await;
            for told in [id.as_str(), "ecs-svc/", "2 target groups"] {
                assert!(outcome.message().contains(told), "{outcome}");
            }
        }
        assert_eq!(world.count("CreateDeployment"), 1);
        // Once a person has brought the traffic back, the next deployment clears up.
        if !rollback {
            world.weigh_production([100, 0]).await;
            let badly = |outcome: &Outcome| {
                rolled_out_badly(outcome) && outcome.message().contains("left behind")
            };
            daemon.outcome(SERVICE, badly).await;
        }
        world.image(&json!({"repository": "nova/auth-service", "tags": ["1.5.1"]}));
        world.edit(AUTH, "auth-service:1.4.0", "auth-service:1.5.1");
        daemon.look().await;
        daemon.converged().await;
        let service = world.person.service("nova", "auth-service").await;
        assert_eq!(
            (
                &service["runningCount"],
                service["taskSets"].as_array().unwrap().len()
            ),
            (&json!(2), 1)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_is_stopped_after_all_traffic_moved_is_not_called_converged() {
    let world = World::auth(502).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let before = world.person.primary("nova", "auth-service").await;
    let id = world.deploy(&daemon, "1.5.0", RolloutStage::Baking).await;
    let input = json!({"deploymentId": id, "autoRollbackEnabled": false});
    world.console(CODE_DEPLOY, "StopDeployment", &input);
    let outcome = daemon.outcome(SERVICE, rolled_out_badly).await;
    assert!(outcome.message().contains(&id), "{outcome}");
    assert_ne!(world.person.primary("nova", "auth-service").await, before);
    world
        .stays(&daemon, rolled_out_badly, Duration::from_hours(1))
        .await;
    assert_eq!(world.count("CreateDeployment"), 1);
    // A new manifest goes on from there.
    world.edit(AUTH, "auth-service:1.5.0", "auth-service:1.4.0");
    daemon.look().await;
    daemon.converged().await;
    assert_eq!(world.person.primary("nova", "auth-service").await, before);
    assert_eq!(world.count("CreateDeployment"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_fails_ends_the_deployment_and_is_told() {
    for (seed, event, reached) in [
        (510, "BeforeInstall", false),
        (511, "AfterAllowTestTraffic", true),
    ] {
        let world = World::auth(seed).await;
        let hooks = format!(
            "kind: Service\nmetadata:\n  name: auth-service\nrollout:\n  hooks: {{{event}: smoke-test}}\n"
        );
        world.edit(
            AUTH,
            "kind: Service\nmetadata:\n  name: auth-service\n",
            &hooks,
        );
        let daemon = world.daemon().await;
        daemon.converged().await;
        let before = world.person.primary("nova", "auth-service").await;
        world.mounted.with(|sandbox| {
            let hooks = &mut sandbox.region("us-east-1").levers.hooks;
            hooks.insert("smoke-test".to_owned(), HookOutcome::Failed);
        });
        world.release(&daemon).await;
        let outcome = daemon.outcome(SERVICE, rolled_out_badly).await;
        assert!(
            outcome.message().contains("HOOK_EXECUTION_FAILURE"),
            "{outcome}"
        );
        // Before Install there is nothing to go back from.
        assert_eq!(outcome.message().contains("roll"), reached, "{outcome}");
        world
            .stays(&daemon, rolled_out_badly, Duration::from_hours(1))
            .await;
        assert_eq!(world.count("CreateDeployment"), 1);
        assert_eq!(world.person.primary("nova", "auth-service").await, before);
        // The hook is mended and the person says so.
        world
            .mounted
            .with(|sandbox| sandbox.region("us-east-1").levers.hooks.clear());
        world.edit(
            AUTH,
            "rollout:\n  hooks:",
            "  annotations: {evenkeel.dev/retry: hook mended}\nrollout:\n  hooks:",
        );
        daemon.look().await;
        daemon.converged().await;
        assert_eq!(world.count("CreateDeployment"), 2);
        assert_ne!(world.person.primary("nova", "auth-service").await, before);
    }
}

#[tokio::test(start_paused = true)]
async fn an_alarm_takes_the_traffic_back_and_is_told() {
    let world = World::auth(520).await;
    world.edit(
        AUTH,
        "autoRollbackConfiguration: {enabled: true, events: [DEPLOYMENT_FAILURE]}",
        "autoRollbackConfiguration: {enabled: true, events: [DEPLOYMENT_STOP_ON_ALARM]}\n  \
         alarmConfiguration: {enabled: true, alarms: [{name: auth-5xx}]}",
    );
    let daemon = world.daemon().await;
    daemon.converged().await;
    let before = world.person.primary("nova", "auth-service").await;
    world.deploy(&daemon, "1.5.0", RolloutStage::Shifting).await;
    world.mounted.with(|sandbox| {
        sandbox
            .region("us-east-1")
            .levers
            .alarms_firing
            .insert("auth-5xx".to_owned());
    });
    let outcome = daemon
        .outcome(SERVICE, |outcome| {
            rolled_out_badly(outcome) && outcome.message().contains("rolled back by")
        })
        .await;
    for told in ["ALARM_ACTIVE", "auth-5xx"] {
        assert!(outcome.message().contains(told), "{outcome}");
    }
    world
        .mounted
        .with(|sandbox| sandbox.region("us-east-1").levers.alarms_firing.clear());
    world
        .stays(&daemon, rolled_out_badly, Duration::from_hours(1))
        .await;
    assert_eq!(world.count("CreateDeployment"), 1);
    assert_eq!(world.person.primary("nova", "auth-service").await, before);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_waits_for_approval_is_told_and_goes_on_when_a_person_says_so() {
    let world = World::auth(530).await;
    world.edit(
        AUTH,
        "deploymentReadyOption: {actionOnTimeout: CONTINUE_DEPLOYMENT, waitTimeInMinutes: 0}",
        "deploymentReadyOption: {actionOnTimeout: STOP_DEPLOYMENT, waitTimeInMinutes: 120}",
    );
    let daemon = world.daemon().await;
    daemon.converged().await;
    let before = world.person.primary("nova", "auth-service").await;
    let approval =
        |outcome: &Outcome| matches!(outcome, Outcome::Waiting(Wait::ApprovalPending, _));
    let id = world
        .deploy(&daemon, "1.5.0", RolloutStage::AwaitingApproval)
        .await;
    let outcome = daemon.outcome(SERVICE, approval).await;
    assert!(
        outcome.message().contains(&id) && outcome.message().contains("continue-deployment"),
        "{outcome}"
    );
    world
        .stays(&daemon, approval, Duration::from_hours(1))
        .await;
    assert_eq!(world.person.primary("nova", "auth-service").await, before);
    let input = json!({"deploymentId": id, "deploymentWaitType": "READY_WAIT"});
    world.console(CODE_DEPLOY, "ContinueDeployment", &input);
    daemon.converged().await;
    assert_ne!(world.person.primary("nova", "auth-service").await, before);
    assert_eq!(world.count("CreateDeployment"), 1);
    // Nobody approves the next one: it ends, and is not asked for again.
    world.edit(AUTH, "auth-service:1.5.0", "auth-service:1.4.0");
    daemon.look().await;
    let outcome = daemon.outcome(SERVICE, rolled_out_badly).await;
    assert!(outcome.message().contains("wait time"), "{outcome}");
    world
        .stays(&daemon, rolled_out_badly, Duration::from_hours(1))
        .await;
    assert_eq!(world.count("CreateDeployment"), 2);
}

#[tokio::test(start_paused = true)]
async fn of_manifests_that_change_during_a_deployment_only_the_newest_follows() {
    let world = World::auth(540).await;
    for tag in ["1.5.1", "1.5.2"] {
        world.image(&json!({"repository": "nova/auth-service", "tags": [tag]}));
    }
    let daemon = world.daemon().await;
    daemon.converged().await;
    // After traffic has moved; before, a newer manifest takes its place (`supersede`).
    world.deploy(&daemon, "1.5.0", RolloutStage::Shifting).await;
    for (from, to) in [("1.5.0", "1.5.1"), ("1.5.1", "1.5.2")] {
        world.edit(
            AUTH,
            &format!("auth-service:{from}"),
            &format!("auth-service:{to}"),
        );
        daemon.look().await;
        let outcome = daemon
            .outcome(SERVICE, |outcome| {
                in_flight(outcome) && outcome.message().contains("changed since")
            })
            .await;
        assert!(
            outcome.message().contains("follows when it ends"),
            "{outcome}"
        );
        pass(Duration::from_mins(1)).await;
    }
    daemon.converged().await;
    assert_eq!(world.count("CreateDeployment"), 2, "{:?}", world.writes());
    let newest = world.person.primary("nova", "auth-service").await;
    assert_eq!(world.revision_of("1.5.2").await, newest);
    assert_eq!(world.succeeded(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_manifest_that_goes_back_during_a_deployment_is_followed_back() {
    let world = World::auth(541).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let before = world.person.primary("nova", "auth-service").await;
    world.deploy(&daemon, "1.5.0", RolloutStage::Shifting).await;
    world.edit(AUTH, "auth-service:1.5.0", "auth-service:1.4.0");
    daemon.look().await;
    daemon
        .outcome(SERVICE, |outcome| {
            in_flight(outcome) && outcome.message().contains("changed since")
        })
        .await;
    daemon.converged().await;
    assert_eq!(world.person.primary("nova", "auth-service").await, before);
    assert_eq!(world.count("CreateDeployment"), 2);
    world.rests(&daemon).await;
}

/// A deployment of ours whose record on the service was never written is not taken for somebody's change.
#[tokio::test(start_paused = true)]
async fn a_manifest_that_goes_back_while_nobody_looks_is_followed_at_once() {
    let world = World::auth(508).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let before = world.person.primary("nova", "auth-service").await;
    world.release(&daemon).await;
    while world.count("CreateDeployment") == 0 {
        pass(Duration::from_millis(50)).await;
    }
    daemon.kill();
    pass(Duration::from_mins(30)).await;
    assert_ne!(world.person.primary("nova", "auth-service").await, before);
    world.edit(AUTH, "auth-service:1.5.0", "auth-service:1.4.0");
    let daemon = world.daemon().await;
    pass(Duration::from_mins(2)).await;
    assert_eq!(world.count("CreateDeployment"), 2);
    daemon.converged().await;
    assert_eq!(world.person.primary("nova", "auth-service").await, before);
    world.rests(&daemon).await;
}

#[tokio::test(start_paused = true)]
async fn a_revision_that_a_person_registered_with_equal_content_is_used() {
    let world = World::auth(550).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let old = world.person.primary("nova", "auth-service").await;
    let described = world
        .person
        .call(
            Service::Ecs,
            "DescribeTaskDefinition",
            json!({"taskDefinition": old}),
        )
        .await;
    let mut definition = described["taskDefinition"].clone();
    for member in [
        "taskDefinitionArn",
        "revision",
        "status",
        "requiresAttributes",
        "compatibilities",
        "registeredAt",
        "registeredBy",
    ] {
        definition.as_object_mut().unwrap().remove(member);
    }
    // The same image by digest as the manifest's next tag resolves to.
    let image = definition["containerDefinitions"][0]["image"]
        .as_str()
        .unwrap();
    let repository = image.split('@').next().unwrap();
    definition["containerDefinitions"][0]["image"] =
        json!(format!("{repository}@sha256:{}", "5".repeat(64)));
    world.image(&json!({"repository": "nova/auth-service", "tags": ["1.5.5"], "digest": format!("sha256:{}", "5".repeat(64))}));
    let registered = world
        .person
        .call(Service::Ecs, "RegisterTaskDefinition", definition)
        .await;
    let theirs = registered["taskDefinition"]["taskDefinitionArn"]
        .as_str()
        .unwrap();
    let registrations = world.count("RegisterTaskDefinition");
    world.edit(AUTH, "auth-service:1.4.0", "auth-service:1.5.5");
    daemon.look().await;
    daemon.converged().await;
    assert_eq!(
        world.count("RegisterTaskDefinition"),
        registrations,
        "registered although it was there"
    );
    assert_eq!(world.person.primary("nova", "auth-service").await, theirs);
    assert_eq!(world.count("CreateDeployment"), 1);
}

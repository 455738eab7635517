//! Services whose traffic ECS shifts, in trouble: throttling, crashes, rules that somebody changed, and
//! first deployments that fail.

use std::time::Duration;

use evenkeel::model::{Block, Outcome, Service};
use evenkeel::sandbox::behaviour::Behaviour;
use serde_json::{Value, json};

use super::console::ECS;
use super::faults::Odds;
use super::native_world::{
    BLUE_GREEN, BREAKER, CANARY, FILE, LINEAR, SERVICE, STRATEGIES, history, in_progress,
    rolled_out_badly, web,
};
use super::world::{World, pass};

/// What AWS fills in beside a declared member is no difference where the member is left to others.
#[tokio::test(start_paused = true)]
async fn a_member_left_to_others_leaves_the_service_at_rest() {
    let world = web(BLUE_GREEN, 1050).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let last = "        roleArn: arn:aws:iam::123456789012:role/nova-task-execution\n";
    let ignoring = format!("{last}sync: {{ignore: [/networkConfiguration]}}\n");
    world.edit(FILE, last, &ignoring);
    daemon.look().await;
    pass(Duration::from_mins(3)).await;
    world.at_rest(&daemon).await;
    // Nor is a look at the deployments needed then.
    let before = world.calls("ListServiceDeployments");
    pass(Duration::from_hours(1)).await;
    assert_eq!(world.calls("ListServiceDeployments"), before);
}

/// A deployment of which AWS's answer says nothing more is not taken for one that moves no traffic.
#[tokio::test(start_paused = true)]
async fn a_deployment_that_an_answer_passes_over_is_not_superseded() {
    for (operation, list) in [
        ("DescribeServiceDeployments", "serviceDeployments"),
        ("DescribeServiceRevisions", "serviceRevisions"),
    ] {
        let world = web(LINEAR, 1060).await;
        let daemon = world.daemon().await;
        daemon.converged().await;
        world.ship(&daemon, "v1", "v2").await;
        world.stage("PRODUCTION_TRAFFIC_SHIFT").await;
        let updates = world.count("UpdateService");
        world.wire.pass_over(Some((operation, list)));
        world.ship(&daemon, "v2", "v3").await;
        let unknown = |outcome: &Outcome| outcome.reason() == "ObservationUnknown";
        let outcome = daemon.outcome(SERVICE, unknown).await;
        assert!(outcome.message().contains(operation), "{outcome}");
        pass(Duration::from_mins(1)).await;
        assert_eq!(world.count("UpdateService"), updates, "{operation}");
        world.wire.pass_over(None);
        daemon.converged().await;
        assert_eq!(world.serves().await, "v3");
    }
}

/// Content that was rolled back stays so where its revision is not told.
#[tokio::test(start_paused = true)]
async fn content_whose_revision_an_answer_passes_over_is_not_tried_again() {
    let world = web(&format!("{BLUE_GREEN}{BREAKER}"), 1070).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.ship(&daemon, "v1", "crashing").await;
    daemon.outcome(SERVICE, rolled_out_badly).await;
    daemon.kill();
    let writes = world.writes();
    let of = ("DescribeServiceRevisions", "serviceRevisions");
    world.wire.pass_over(Some(of));
    let daemon = world.daemon().await;
    pass(Duration::from_mins(30)).await;
    assert_eq!(world.writes(), writes);
    world.wire.pass_over(None);
    daemon.outcome(SERVICE, rolled_out_badly).await;
}

/// Bootstraps the service and changes its image, dying once after the k-th write. Gives the writes.
async fn dying(strategy: &str, crash_after: u64) -> Vec<String> {
    let world = web(strategy, 1000).await;
    world.wire.crash_after(crash_after);
    let mut daemon = world.daemon().await;
    for edit in [false, true] {
        if edit {
            world.ship(&daemon, "v1", "v2").await;
        }
        let crashed = tokio::select! {
            biased;
            () = world.wire.crashed() => true,
            _ = daemon.converged() => false,
        };
        if crashed {
            daemon.kill();
            daemon = world.daemon().await;
            daemon.converged().await;
        }
    }
    assert_eq!(world.serves().await, "v2", "crash after {crash_after}");
    let ends: Vec<Value> = history(&world)
        .iter()
        .map(|one| one["status"].clone())
        .collect();
    assert_eq!(ends, ["SUCCESSFUL", "SUCCESSFUL"], "{crash_after}");
    world.writes()
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_any_write_changes_nothing_of_the_end() {
    for strategy in [BLUE_GREEN, LINEAR, CANARY, "strategy: ROLLING"] {
        let mut calm = dying(strategy, 0).await;
        // What comes before the service is the same for all of them.
        let first = match strategy {
            BLUE_GREEN => Some(0),
            _ => calm.iter().position(|one| one == "CreateService"),
        };
        let first = first.unwrap() as u64 + 1;
        calm.sort();
        for k in first..=calm.len() as u64 {
            let mut writes = dying(strategy, k).await;
            writes.sort();
            assert_eq!(writes, calm, "{strategy}: crash after write {k}");
        }
    }
}

/// The same on the way to a content that is rolled back: it is started once, and told.
#[tokio::test(start_paused = true)]
async fn a_crash_after_any_write_starts_nothing_again_that_is_rolled_back() {
    for strategy in [CANARY, "strategy: ROLLING"] {
        let mut k = 1;
        let mut crashed = true;
        while crashed {
            let world = web(&format!("{strategy}{BREAKER}"), 1005).await;
            let mut daemon = world.daemon().await;
            daemon.converged().await;
            let watch = world.watch();
            world.wire.crash_after(world.writes().len() as u64 + k);
            world.ship(&daemon, "v1", "crashing").await;
            crashed = tokio::select! {
                biased;
                () = world.wire.crashed() => true,
                _ = daemon.outcome(SERVICE, rolled_out_badly) => false,
            };
            if crashed {
                daemon.kill();
                daemon = world.daemon().await;
            }
            daemon.outcome(SERVICE, rolled_out_badly).await;
            pass(Duration::from_mins(15)).await;
            daemon.outcome(SERVICE, rolled_out_badly).await;
            assert_eq!(world.count("UpdateService"), 1, "{strategy}, {k}");
            assert_eq!(world.serves().await, "v1");
            watch.saw_nothing_wrong();
            k += 1;
        }
        assert!(k > 3, "{strategy}: {k}");
    }
}

/// Faults on every kind of call throughout: never two deployments of one content, never a moment of
/// traffic without healthy targets, never a content again that was rolled back.
#[tokio::test(start_paused = true)]
async fn faults_throughout_make_no_rollout_more_and_no_outage() {
    let odds = [
        Odds {
            throttled: 300,
            ..Odds::default()
        },
        Odds {
            throttled: 100,
            broken: 100,
            hollow: 50,
            lost: 100,
        },
    ];
    for seed in 0..6_u64 {
        let strategy = STRATEGIES[usize::try_from(seed % 3).unwrap()];
        let world = web(&format!("{strategy}{BREAKER}"), 1100 + seed).await;
        let daemon = world.daemon().await;
        daemon.converged().await;
        world.wire.set(odds[usize::try_from(seed % 2).unwrap()]);
        let watch = world.watch();
        let bad = ["crashing", "sick"][usize::try_from(seed / 2 % 2).unwrap()];
        let mut from = "v1";
        for to in ["v2", bad, "v3"] {
            world.ship(&daemon, from, to).await;
            pass(Duration::from_mins(10 + seed)).await;
            from = to;
        }
        pass(Duration::from_mins(30)).await;
        world.wire.set(Odds::default());
        daemon.converged().await;
        assert_eq!(world.serves().await, "v3", "seed {seed}");
        let per_content = deployments_by_content(&world).await;
        assert!(
            per_content.iter().all(|(_, count)| *count == 1),
            "seed {seed}: {per_content:?}"
        );
        watch.saw_nothing_wrong();
        world.at_rest(&daemon).await;
    }
}

/// Four of ten calls are refused throughout, and what fails is told as it would be without.
#[tokio::test(start_paused = true)]
async fn a_crashing_image_under_throttling_is_told_and_started_once() {
    for (seed, strategy) in (1120..).zip(STRATEGIES) {
        let world = web(&format!("{strategy}{BREAKER}"), seed).await;
        let daemon = world.daemon().await;
        daemon.converged().await;
        let watch = world.watch();
        world.wire.set(Odds {
            throttled: 400,
            ..Odds::default()
        });
        world.ship(&daemon, "v1", "crashing").await;
        let outcome = daemon.outcome(SERVICE, rolled_out_badly).await;
        for part in [
            "ROLLBACK_SUCCESSFUL",
            "circuit breaker",
            "exited with code 1",
        ] {
            assert!(outcome.message().contains(part), "{part}: {outcome}");
        }
        pass(Duration::from_mins(20)).await;
        world.wire.set(Odds::default());
        world.left_alone(&daemon, rolled_out_badly).await;
        watch.saw_nothing_wrong();
        assert_eq!(world.count("UpdateService"), 1);
        assert_eq!(world.serves().await, "v1");
    }
}

/// How often each task definition was deployed.
pub(super) async fn deployments_by_content(world: &World) -> Vec<(String, usize)> {
    let revisions: Value = history(world)
        .iter()
        .map(|one| one["targetServiceRevision"]["arn"].clone())
        .collect();
    let input = json!({"serviceRevisionArns": revisions});
    let answer = world
        .person
        .call(Service::Ecs, "DescribeServiceRevisions", input)
        .await;
    let mut found: Vec<(String, usize)> = Vec::new();
    for revision in answer["serviceRevisions"].as_array().unwrap() {
        let content = revision["taskDefinition"].as_str().unwrap();
        match found.iter_mut().find(|(known, _)| known == content) {
            Some((_, count)) => *count += 1,
            None => found.push((content.to_owned(), 1)),
        }
    }
    found
}

/// The production rule, and the ARNs of the groups in it.
fn production(world: &World) -> (String, Vec<String>) {
    let service = world.console(
        ECS,
        "DescribeServices",
        &json!({"cluster": "nova", "services": ["web"]}),
    );
    let entry = &service["services"][0]["loadBalancers"][0];
    let advanced = &entry["advancedConfiguration"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (
        text(&advanced["productionListenerRule"]),
        vec![
            text(&entry["targetGroupArn"]),
            text(&advanced["alternateTargetGroupArn"]),
        ],
    )
}

impl World {
    /// Somebody sets the weights of the production rule.
    fn weigh(&self, rule: &str, groups: &[String], weights: [u32; 2]) {
        let groups: Vec<(String, u32)> = groups.iter().cloned().zip(weights).collect();
        self.mounted.with(|sandbox| {
            let elb = &mut sandbox.region("us-east-1").elb;
            elb.route_rule(rule, &groups).unwrap();
        });
    }
}

fn mismatch(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Blocked(Block::TrafficMismatch, _))
}

/// ECS would shift from any state (containers-roadmap#2853): nothing is started from a wrong one, and
/// nothing is repaired.
#[tokio::test(start_paused = true)]
async fn nothing_is_started_while_production_traffic_is_not_where_the_tasks_are() {
    let world = web(BLUE_GREEN, 1200).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let (rule, groups) = production(&world);
    // ECS left them at 0 and 100.
    for (weights, part) in [
        ([100, 0], "the live tasks are in"),
        ([50, 50], "2 target groups"),
        ([0, 0], "0 target groups"),
    ] {
        world.weigh(&rule, &groups, weights);
        let outcome = daemon.outcome(SERVICE, mismatch).await;
        assert!(outcome.message().contains(part), "{outcome}");
        let writes = world.writes();
        world.ship(&daemon, "v1", "v2").await;
        pass(Duration::from_mins(30)).await;
        let outcome = daemon.outcome(SERVICE, mismatch).await;
        assert!(outcome.message().contains(part), "{outcome}");
        assert_eq!(world.count("UpdateService"), 0);
        world.ship(&daemon, "v2", "v1").await;
        world.weigh(&rule, &groups, [0, 100]);
        daemon.converged().await;
        let others = |writes: Vec<String>| -> Vec<String> {
            let kept = writes.into_iter();
            kept.filter(|one| one != "RegisterTaskDefinition").collect()
        };
        assert_eq!(others(world.writes()), others(writes));
    }
    world.weigh(&rule, &groups, [0, 100]);
    let watch = world.watch();
    world.ship(&daemon, "v1", "v2").await;
    daemon.converged().await;
    assert_eq!(world.serves().await, "v2");
    watch.saw_nothing_wrong();
}

/// Tasks run, and not one is healthy: the start waits for a person, who can have it all the same.
#[tokio::test(start_paused = true)]
async fn without_a_healthy_target_a_person_must_say_so() {
    let world = web(BLUE_GREEN, 1210).await;
    // ECS leaves unhealthy tasks alone for two hours.
    world.edit(
        FILE,
        "desiredCount: 2",
        "desiredCount: 2\n  healthCheckGracePeriodSeconds: 7200",
    );
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.mounted.with(|sandbox| {
        let behaviours = &mut sandbox.region("us-east-1").behaviours;
        let behaviour = Behaviour {
            unhealthy: true,
            ..Behaviour::default()
        };
        behaviours.set("nova/web:v1", behaviour);
    });
    let tasks = world.console(
        ECS,
        "ListTasks",
        &json!({"cluster": "nova", "serviceName": "web"}),
    );
    for task in tasks["taskArns"].as_array().unwrap() {
        world.console(ECS, "StopTask", &json!({"cluster": "nova", "task": task}));
    }
    pass(Duration::from_mins(5)).await;
    world.ship(&daemon, "v1", "v2").await;
    let outcome = daemon.outcome(SERVICE, mismatch).await;
    assert!(outcome.message().contains("is healthy"), "{outcome}");
    assert_eq!(world.count("UpdateService"), 0);
    world.edit(
        FILE,
        "kind: Service\nmetadata:\n  name: web",
        "kind: Service\nmetadata:\n  name: web\n  annotations: {evenkeel.dev/retry: all the same}",
    );
    daemon.look().await;
    daemon.converged().await;
    assert_eq!(world.serves().await, "v2");
}

#[tokio::test(start_paused = true)]
async fn a_failing_first_deployment_is_told_and_a_better_manifest_follows() {
    let world = web(&format!("{CANARY}{BREAKER}"), 1220).await;
    world.edit(FILE, "nova/web:v1", "nova/web:crashing");
    let daemon = world.daemon().await;
    let outcome = daemon.outcome(SERVICE, rolled_out_badly).await;
    assert!(outcome.message().contains("ROLLBACK_FAILED"), "{outcome}");
    world.left_alone(&daemon, rolled_out_badly).await;
    assert_eq!(world.count("UpdateService"), 0);
    // The same once more, because a person says so.
    world.edit(
        FILE,
        "kind: Service\nmetadata:\n  name: web",
        "kind: Service\nmetadata:\n  name: web\n  annotations: {evenkeel.dev/retry: once more}",
    );
    daemon.look().await;
    daemon.outcome(SERVICE, in_progress).await;
    daemon.outcome(SERVICE, rolled_out_badly).await;
    assert_eq!(world.count("UpdateService"), 1);
    world.left_alone(&daemon, rolled_out_badly).await;
    world.ship(&daemon, "crashing", "v1").await;
    daemon.converged().await;
    assert_eq!(world.serves().await, "v1");
    world.at_rest(&daemon).await;
}

#[tokio::test(start_paused = true)]
async fn quiet_members_are_healed_without_a_deployment() {
    let world = web(BLUE_GREEN, 1230).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let deployments = history(&world).len();
    world.edit(FILE, "desiredCount: 2", "desiredCount: 3");
    world.edit(FILE, "bakeTimeInMinutes: 2", "bakeTimeInMinutes: 4");
    daemon.look().await;
    daemon.converged().await;
    assert_eq!(world.count("UpdateService"), 1);
    assert_eq!(history(&world).len(), deployments);
    world.at_rest(&daemon).await;
}

/// From rolling to canary and back, without a moment of traffic to nowhere.
#[tokio::test(start_paused = true)]
async fn the_strategy_can_change() {
    let world = web("strategy: ROLLING", 1240).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let watch = world.watch();
    world.edit(FILE, "strategy: ROLLING", CANARY);
    world.ship(&daemon, "v1", "v2").await;
    daemon.converged().await;
    assert_eq!(world.serves().await, "v2");
    world.edit(FILE, CANARY, "strategy: ROLLING");
    world.ship(&daemon, "v2", "v3").await;
    daemon.converged().await;
    assert_eq!(world.serves().await, "v3");
    watch.saw_nothing_wrong();
    world.at_rest(&daemon).await;
}

/// A forced deployment is another one each time that AWS is asked for it.
#[tokio::test(start_paused = true)]
async fn a_forced_deployment_whose_answer_is_lost_is_not_made_twice() {
    let alarms = ", alarms: {alarmNames: [web-5xx], enable: true, rollback: true}";
    let world = web(&format!("{BLUE_GREEN}{alarms}"), 1080).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    world.by_hand(json!({"forceNewDeployment": true})).await;
    world.stage("BAKE_TIME").await;
    world.alarm(true);
    let over = |one: &Value| one["status"] == "ROLLBACK_SUCCESSFUL";
    world.deployment("rolled back", over).await;
    world.alarm(false);
    world.edit(
        FILE,
        "kind: Service\nmetadata:\n  name: web",
        "kind: Service\nmetadata:\n  name: web\n  annotations: {evenkeel.dev/retry: mended}",
    );
    let before = (world.count("UpdateService"), history(&world).len());
    world.wire.lose("UpdateService");
    daemon.look().await;
    daemon.outcome(SERVICE, in_progress).await;
    daemon.converged().await;
    assert_eq!(
        (world.count("UpdateService"), history(&world).len()),
        (before.0 + 1, before.1 + 1)
    );
    assert!(history(&world).iter().all(|one| one["status"] != "STOPPED"));
    world.mounted.with(|sandbox| {
        let updates = sandbox
            .mutations()
            .filter(|one| one.operation == "UpdateService");
        assert_eq!(updates.last().unwrap().input["forceNewDeployment"], true);
    });
}

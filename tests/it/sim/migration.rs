//! P2's service moves from CodeDeploy to ECS's own canary in place, as docs/code-deploy-to-canary/README.md tells.

use std::time::Duration;

use evenkeel::model::{Block, Command, Outcome, Service, Wait};
use serde_json::{Value, json};

use super::console::CODE_DEPLOY;
use super::native_world::Place;
use super::world::{Daemon, World, pass};

const SERVICE: &str = "Service/test-api-service";
const FILE: &str = "service.yaml";
const AFTER: &str = include_str!("../../../docs/code-deploy-to-canary/service.yaml");
const PLACE: Place = Place {
    cluster: "test-cluster",
    service: "test-api-service",
    balancer: "test-alb",
    port: "8080",
    priority: "default",
};

/// P2 with two tasks, under CodeDeploy.
async fn p2(seed: u64) -> (World, Daemon) {
    let world = World::new("p2", &[], seed).await;
    world.edit(FILE, "desiredCount: 0", "desiredCount: 2");
    let daemon = world.daemon().await;
    daemon.converged().await;
    (world, daemon)
}

impl World {
    /// Pushes another image under the tag that P2 runs.
    fn build(&self, build: &str) {
        self.image(&json!({"repository": "test-api-server", "tags": ["latest"],
            "platforms": ["linux/amd64"], "build": build}));
    }

    async fn p2_service(&self) -> Value {
        self.person
            .service("test-cluster", "test-api-service")
            .await
    }

    async fn elb(&self, operation: &'static str, input: Value) -> Value {
        self.person.call(Service::Elb, operation, input).await
    }

    async fn listener(&self, port: &str) -> Value {
        let names = json!({"Names": ["test-alb"]});
        let balancers = self.elb("DescribeLoadBalancers", names).await;
        let arn = &balancers["LoadBalancers"][0]["LoadBalancerArn"];
        let listeners = self
            .elb("DescribeListeners", json!({"LoadBalancerArn": arn}))
            .await;
        let mut listeners = listeners["Listeners"].as_array().unwrap().iter();
        listeners.find(|one| one["Port"] == port).unwrap().clone()
    }

    async fn point_test_listener_at_production(&self) {
        let (production, test) = (self.listener("8080").await, self.listener("8081").await);
        let group = &production["DefaultActions"][0]["TargetGroupArn"];
        let input = json!({"ListenerArn": test["ListenerArn"],
            "DefaultActions": [{"Type": "forward", "TargetGroupArn": group}]});
        self.elb("ModifyListener", input).await;
    }

    /// Live target groups of a listener's default action, with their weights.
    async fn forwards(&self, port: &str) -> Vec<(String, String)> {
        let listener = self.listener(port).await;
        let config = &listener["DefaultActions"][0]["ForwardConfig"]["TargetGroups"];
        let groups = config.as_array().unwrap().iter();
        let text = |group: &Value, member: &str| group[member].as_str().unwrap().to_owned();
        let mut groups: Vec<(String, String)> = groups
            .map(|group| {
                let arn = text(group, "TargetGroupArn");
                let name = arn.rsplit('/').nth(1).unwrap().to_owned();
                (name, text(group, "Weight"))
            })
            .collect();
        groups.sort();
        groups
    }
}

/// Moves it over, dying once after the k-th write of the move (0: never). Gives those writes too.
async fn moved(green: bool, crash_after: u64) -> (World, Daemon, Vec<String>) {
    let (world, mut daemon) = p2(700).await;
    if green {
        world.build("1");
        daemon.look().await;
        while world.count("CreateDeployment") == 0 {
            pass(Duration::from_secs(1)).await;
        }
        pass(Duration::from_mins(20)).await;
        daemon.converged().await;
    }
    let watch = world.watch_at(PLACE);
    let before = world.writes().len();
    world.crash_after(crash_after);
    world.write(FILE, AFTER);
    daemon.look().await;
    daemon = world.converged_in_spite_of_a_crash(daemon).await;
    let service = world.p2_service().await;
    assert_eq!(service["deploymentConfiguration"]["strategy"], "CANARY");
    assert!(service["taskSets"].as_array().is_none_or(Vec::is_empty));
    assert_eq!(service["runningCount"], 2);
    watch.saw_nothing_wrong();
    let writes = world.writes().split_off(before);
    (world, daemon, writes)
}

/// It is a native service then: the next image is shipped by ECS.
async fn goes_on(world: &World, daemon: &Daemon) {
    let watch = world.watch_at(PLACE);
    world.build("2");
    let updates = world.count("UpdateService");
    daemon.look().await;
    while world.count("UpdateService") == updates {
        pass(Duration::from_secs(1)).await;
    }
    pass(Duration::from_mins(30)).await;
    daemon.converged().await;
    watch.saw_nothing_wrong();
}

#[tokio::test(start_paused = true)]
async fn the_service_of_the_recipe_moves_from_either_side() {
    for green in [false, true] {
        let (world, daemon, writes) = Box::pin(moved(green, 0)).await;
        let updates = writes.iter().filter(|one| *one == "UpdateService");
        assert_eq!(updates.count(), 1, "{writes:?}");
        assert!(
            !writes.iter().any(|one| one.starts_with("Delete")),
            "{writes:?}"
        );
        world.at_rest(&daemon).await;
        goes_on(&world, &daemon).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_any_write_of_the_move_changes_nothing_of_its_end() {
    let (_, _, calm) = Box::pin(moved(true, 0)).await;
    for k in 1..=calm.len() as u64 {
        let (_, _, writes) = Box::pin(moved(true, k)).await;
        assert_eq!(writes, calm, "crash after write {k}");
    }
}

/// Whatever both rules have lost of the pair is put back without weight.
#[tokio::test(start_paused = true)]
async fn the_idle_target_group_is_attached_without_weight() {
    let (world, daemon) = p2(702).await;
    daemon.kill();
    // The test listener points where production does.
    let rules = world.forwards("8080").await;
    assert_eq!(rules, [("test-tg-01".to_owned(), "1".to_owned())]);
    world.point_test_listener_at_production().await;
    world.write(FILE, AFTER);
    let watch = world.watch_at(PLACE);
    let daemon = world.daemon().await;
    while world.count("ModifyListener") < 2 {
        pass(Duration::from_millis(500)).await;
    }
    let weights = world.forwards("8080").await;
    let expected = [("test-tg-01", "1"), ("test-tg-02", "0")];
    assert_eq!(weights, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    daemon.converged().await;
    watch.saw_nothing_wrong();
    world.at_rest(&daemon).await;
}

/// AWS refuses the change while CodeDeploy has two task sets; so does the daemon, before AWS.
#[tokio::test(start_paused = true)]
async fn a_deployment_of_codedeploy_is_waited_for() {
    let (world, daemon) = p2(703).await;
    world.build("3");
    daemon.look().await;
    loop {
        let service = world.p2_service().await;
        if service["taskSets"].as_array().unwrap().len() == 2 {
            break;
        }
        pass(Duration::from_secs(1)).await;
    }
    let updates = world.count("UpdateService");
    let watch = world.watch_at(PLACE);
    world.write(FILE, AFTER);
    daemon.look().await;
    let waits = |outcome: &Outcome| {
        matches!(outcome, Outcome::Waiting(Wait::RolloutInProgress, _))
            && outcome.message().contains("one task set")
    };
    daemon.outcome(SERVICE, waits).await;
    assert_eq!(world.count("UpdateService"), updates);
    pass(Duration::from_mins(40)).await;
    daemon.converged().await;
    assert_eq!(world.count("UpdateService"), updates + 1);
    let input = json!({"deploymentGroupName": "DgpECS-test-cluster-test-api-service",
        "applicationName": "AppECS-test-cluster-test-api-service"});
    let listed = world.console(CODE_DEPLOY, "ListDeployments", &input);
    assert_eq!(listed["deployments"].as_array().unwrap().len(), 1);
    watch.saw_nothing_wrong();
}

/// A manifest without the pair that the tasks are in would leave production traffic without a target.
#[tokio::test(start_paused = true)]
async fn a_manifest_that_leaves_out_where_the_tasks_are_moves_nothing() {
    let (world, daemon) = p2(704).await;
    let updates = world.count("UpdateService");
    let watch = world.watch_at(PLACE);
    let (head, _) = AFTER.split_once("  loadBalancers:").unwrap();
    let headless = head.replace("  healthCheckGracePeriodSeconds: 200\n", "");
    // By its ARN, because `validate` refuses a listener's manifest that forwards to another pair.
    let listener = world.listener("8080").await["ListenerArn"].clone();
    let rules = world
        .elb("DescribeRules", json!({"ListenerArn": listener}))
        .await;
    let rule = rules["Rules"][0]["RuleArn"].as_str().unwrap();
    let elsewhere = |with: &str| {
        AFTER.replace("test-tg-0", with).replace(
            "productionListenerRef: test-production",
            &format!("productionListenerRule: {rule}"),
        )
    };
    let group = |name: &str| {
        format!(
            "\n---\napiVersion: evenkeel.dev/v1alpha1\nkind: TargetGroup\nmetadata: {{name: {name}}}\nspec: \
             {{TargetType: ip, Protocol: HTTP, Port: 8080, VpcId: vpc-0b1b2c3d4e5f60001}}\n"
        )
    };
    let elsewhere = [elsewhere("other-"), group("other-1"), group("other-2")].concat();
    for manifest in [headless, elsewhere] {
        world.write(FILE, &manifest);
        daemon.look().await;
        let blocked = |outcome: &Outcome| {
            matches!(outcome, Outcome::Blocked(Block::TrafficMismatch, _))
                && outcome.message().contains("in no pair of the manifest")
        };
        daemon.outcome(SERVICE, blocked).await;
        pass(Duration::from_mins(20)).await;
        assert_eq!(world.count("UpdateService"), updates);
    }
    watch.saw_nothing_wrong();
}

/// What starts no deployment by itself goes along, so that the first deployment runs with it.
#[tokio::test(start_paused = true)]
async fn what_changes_in_the_same_commit_goes_along() {
    let (world, daemon) = p2(705).await;
    let updates = world.count("UpdateService");
    let grace = "healthCheckGracePeriodSeconds: 200";
    let manifest = AFTER.replace(
        grace,
        "healthCheckGracePeriodSeconds: 300\n  enableExecuteCommand: true",
    );
    world.write(FILE, &manifest);
    daemon.look().await;
    pass(Duration::from_mins(30)).await;
    daemon.converged().await;
    assert_eq!(world.count("UpdateService"), updates + 1);
    let service = world.p2_service().await;
    assert_eq!(service["healthCheckGracePeriodSeconds"], 300);
    assert_eq!(service["enableExecuteCommand"], true);
}

/// The manifest has no group any more, whose deployments an order would look at.
#[tokio::test(start_paused = true)]
async fn a_move_waits_for_its_approval_and_can_be_rejected() {
    for approved in [true, false] {
        let (world, daemon) = p2(706).await;
        let updates = world.count("UpdateService");
        let name = "kind: Service\nmetadata:\n  name: test-api-service\n";
        let asking = format!("{name}rollout: {{approval: {{timeout: 2h}}}}\n");
        let manifest = AFTER.replace(name, &asking);
        assert_ne!(manifest, AFTER);
        world.write(FILE, &manifest);
        daemon.look().await;
        let pending =
            |outcome: &Outcome| matches!(outcome, Outcome::Waiting(Wait::ApprovalPending, _));
        daemon.outcome(SERVICE, pending).await;
        let key = SERVICE.parse().unwrap();
        let digest = daemon.board.read().resources[&key].digest.clone().unwrap();
        let other = Command::Approve {
            digest: "v1:0123456789".to_owned(),
        };
        let why = daemon.refuses(SERVICE, other).await;
        assert!(why.contains(&digest), "{why}");
        let abort = Command::Abort { foreign: false };
        let why = daemon.refuses(SERVICE, abort).await;
        assert!(why.contains("no DeploymentGroup manifest"), "{why}");
        if approved {
            let approve = Command::Approve { digest };
            daemon.order(SERVICE, approve).await.unwrap();
            daemon.converged().await;
            let service = world.p2_service().await;
            assert_eq!(service["deploymentConfiguration"]["strategy"], "CANARY");
            continue;
        }
        let reject = Command::Reject { digest: None };
        daemon.order(SERVICE, reject).await.unwrap();
        let rejected = |outcome: &Outcome| matches!(outcome, Outcome::Blocked(Block::Quarantined, why) if why.contains("rejected by ann"));
        daemon.outcome(SERVICE, rejected).await;
        pass(Duration::from_hours(1)).await;
        daemon.outcome(SERVICE, rejected).await;
        assert_eq!(world.count("UpdateService"), updates);
    }
}

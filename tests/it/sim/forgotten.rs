//! What a manifest no longer declares goes back to AWS's default; what it never declared stays.

use std::time::Duration;

use evenkeel::controller::{Preview, preview};
use evenkeel::kinds::Policy;
use evenkeel::manifest::{LoadOptions, load};
use evenkeel::model::Service;
use evenkeel::source::Dir;
use serde_json::{Value, json};

use super::console::AUTH;
use super::native_world::{self, BLUE_GREEN, web};
use super::rolling::{self, worker};
use super::world::{World, pass};

/// Ten polls and the reads that go with them.
const TEN_PASSES: Duration = Duration::from_mins(11);

const FILE: &str = "services/auth.yaml";

/// Members of the service, its target groups, its deployment group and its repository; both target
/// groups declare theirs alike.
const MEMBERS: [&str; 6] = [
    "  healthCheckGracePeriodSeconds: 60\n",
    "  HealthCheckIntervalSeconds: 10\n",
    "  HealthCheckPath: /health\n",
    "attributes:\n  - {Key: deregistration_delay.timeout_seconds, Value: \"15\"}\n",
    "  autoRollbackConfiguration: {enabled: true, events: [DEPLOYMENT_FAILURE]}\n",
    "  imageScanningConfiguration: {scanOnPush: true}\n",
];

impl World {
    /// Takes all of them out of the manifests.
    fn forget(&self) {
        for member in MEMBERS {
            self.edit(FILE, member, "");
        }
    }

    async fn group(&self, name: &str) -> Value {
        let input = json!({"Names": [name]});
        let mut answer = self
            .person
            .call(Service::Elb, "DescribeTargetGroups", input)
            .await;
        answer["TargetGroups"][0].take()
    }

    async fn attribute(&self, group: &str, key: &str) -> Value {
        let arn = self.group(group).await["TargetGroupArn"].take();
        let input = json!({"TargetGroupArn": arn});
        let answer = self
            .person
            .call(Service::Elb, "DescribeTargetGroupAttributes", input)
            .await;
        let bag = answer["Attributes"].as_array().unwrap();
        let one = bag.iter().find(|one| one["Key"] == key).unwrap();
        one["Value"].clone()
    }

    /// What the six members are live, of both target groups.
    async fn members(&self) -> Value {
        let service = self.person.service("nova", "auth-service").await;
        let input = json!({"applicationName": "AppECS-nova-auth-service", "deploymentGroupName": "DgpECS-nova-auth-service"});
        let group = self
            .person
            .call(Service::CodeDeploy, "GetDeploymentGroup", input)
            .await;
        let input = json!({"repositoryNames": ["nova/auth-service"]});
        let repository = self
            .person
            .call(Service::Ecr, "DescribeRepositories", input)
            .await;
        let mut all = json!({
            "grace": service["healthCheckGracePeriodSeconds"],
            "rollback": group["deploymentGroupInfo"]["autoRollbackConfiguration"]["enabled"],
            "scan": repository["repositories"][0]["imageScanningConfiguration"]["scanOnPush"],
        });
        for name in ["nova-auth-blue", "nova-auth-green"] {
            let group = self.group(name).await;
            let delay = "deregistration_delay.timeout_seconds";
            all[name] = json!([
                group["HealthCheckIntervalSeconds"],
                group["HealthCheckPath"],
                group["HealthyThresholdCount"],
                self.attribute(name, delay).await
            ]);
        }
        all
    }

    /// The service's record of what is declared.
    async fn record(&self) -> Option<String> {
        let service = self.person.service("nova", "auth-service").await;
        let tags = service["tags"].as_array().unwrap();
        let tag = tags
            .iter()
            .find(|tag| tag["key"] == "evenkeel.dev/members")?;
        Some(tag["value"].as_str().unwrap().to_owned())
    }

    /// Lets the daemon die after so many more writes; 0 for never.
    pub(super) fn crash_after(&self, writes: u64) {
        let so_far = self
            .mounted
            .with(|sandbox| sandbox.mutations().count() as u64);
        let at = if writes == 0 { 0 } else { so_far + writes };
        self.wire.crash_after(at);
    }

    /// What `evenkeel plan` says.
    async fn planned(&self) -> Preview {
        let files = Dir::new(self.folder.path()).read().unwrap().files;
        let set = load(&files, &LoadOptions::default()).set;
        self.person.aws().account().await.unwrap();
        preview(
            self.person.aws(),
            self.clock.clone(),
            Policy::default(),
            set,
        )
        .await
    }
}

fn defaults() -> Value {
    // Two healthy checks stay declared.
    let group = json!(["30", "/", "2", "300"]);
    json!({"grace": 0, "rollback": false, "scan": false, "nova-auth-blue": group,
        "nova-auth-green": group})
}

#[tokio::test(start_paused = true)]
async fn what_is_no_longer_declared_goes_back_and_then_it_is_quiet() {
    let world = World::auth(60).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let writes = world.writes().len();
    pass(TEN_PASSES).await;
    assert_eq!(world.writes().len(), writes, "the record is no noise");
    assert_eq!(world.record().await.as_deref(), Some("1:ap.hg"));

    world.forget();
    let plans = world.planned().await;
    let key = "TargetGroup/nova-auth-blue".parse().unwrap();
    let path = plans[&key]
        .drift
        .iter()
        .find(|one| one.path == "/HealthCheckPath");
    let path = path.unwrap();
    assert_eq!(
        (&path.live, &path.desired, path.reset),
        (&json!("/health"), &json!("/"), true)
    );
    let message = plans[&key].outcome.message();
    assert!(
        message.contains("AWS's default, no longer declared"),
        "{message}"
    );

    daemon.look().await;
    pass(Duration::from_mins(3)).await;
    daemon.converged().await;
    assert_eq!(world.members().await, defaults());
    assert_eq!(world.record().await.as_deref(), Some("1:ap"));
    let writes = world.writes();
    pass(TEN_PASSES).await;
    assert_eq!(world.writes(), writes);
    assert!(
        world
            .planned()
            .await
            .values()
            .all(|plan| plan.steps.is_empty())
    );
    assert_eq!(world.count("CreateDeployment"), 0);
}

/// Dies once after the k-th write that follows the change of the manifests, and gives the writes
/// after it, sorted.
async fn forgetting(crash_after: u64) -> Vec<String> {
    let world = World::auth(61).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    daemon.kill();
    // Never declared: it is somebody else's.
    let arn = world.group("nova-auth-blue").await["TargetGroupArn"].clone();
    let input = json!({"TargetGroupArn": arn, "UnhealthyThresholdCount": 7});
    world
        .person
        .call(Service::Elb, "ModifyTargetGroup", input)
        .await;
    // One member comes while the others go.
    world.forget();
    world.edit(
        FILE,
        "  desiredCount: 2\n",
        "  desiredCount: 2\n  propagateTags: SERVICE\n",
    );
    let before = world.writes().len();
    world.crash_after(crash_after);
    let daemon = world.daemon().await;
    let crashed = tokio::select! {
        biased;
        () = world.wire.crashed() => true,
        () = async { pass(Duration::from_mins(3)).await; } => false,
    };
    let daemon = if crashed {
        daemon.kill();
        world.daemon().await
    } else {
        daemon
    };
    pass(Duration::from_mins(3)).await;
    daemon.converged().await;
    assert_eq!(
        world.members().await,
        defaults(),
        "crash after write {crash_after}"
    );
    assert_eq!(
        world.group("nova-auth-blue").await["UnhealthyThresholdCount"],
        "7"
    );
    assert_eq!(world.record().await.as_deref(), Some("1:ap.pt"));
    let mut writes = world.writes().split_off(before);
    writes.sort();
    // What came is no less remembered than what went.
    world.edit(FILE, "  propagateTags: SERVICE\n", "");
    daemon.look().await;
    pass(Duration::from_mins(3)).await;
    daemon.converged().await;
    let service = world.person.service("nova", "auth-service").await;
    assert_eq!(
        service["propagateTags"], "NONE",
        "crash after write {crash_after}"
    );
    daemon.kill();
    writes
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_any_write_forgets_nothing_and_resets_nothing_else() {
    let calm = forgetting(0).await;
    assert!(calm.len() >= 12, "{calm:?}");
    for k in 1..=calm.len() as u64 {
        assert_eq!(forgetting(k).await, calm, "crash after write {k}");
    }
}

/// A member comes, and goes again before the process that wrote it could do anything more.
#[tokio::test(start_paused = true)]
async fn what_came_is_remembered_before_it_is_written() {
    for k in 1..=2 {
        let world = World::auth(62).await;
        let daemon = world.daemon().await;
        daemon.converged().await;
        daemon.kill();
        let member = "  desiredCount: 2\n  propagateTags: SERVICE\n";
        world.edit(FILE, "  desiredCount: 2\n", member);
        world.crash_after(k);
        let daemon = world.daemon().await;
        world.wire.crashed().await;
        daemon.kill();
        world.edit(FILE, member, "  desiredCount: 2\n");
        let daemon = world.daemon().await;
        pass(Duration::from_mins(3)).await;
        daemon.converged().await;
        let service = world.person.service("nova", "auth-service").await;
        assert_eq!(service["propagateTags"], "NONE", "crash after write {k}");
        assert_eq!(world.record().await.as_deref(), Some("1:ap.hg"));
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_tag_nothing_undeclared_is_touched() {
    let world = World::auth(63).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    daemon.kill();
    let declared = world.members().await;
    let service = world.person.service("nova", "auth-service").await["serviceArn"].clone();
    for (owner, operation, input) in [
        (
            Service::Ecs,
            "UntagResource",
            json!({"resourceArn": service, "tagKeys": ["evenkeel.dev/members"]}),
        ),
        (
            Service::Ecr,
            "UntagResource",
            json!({"resourceArn": "arn:aws:ecr:us-east-1:123456789012:repository/nova/auth-service",
            "tagKeys": ["evenkeel.dev/members"]}),
        ),
        (
            Service::CodeDeploy,
            "UntagResource",
            json!({"ResourceArn":
            "arn:aws:codedeploy:us-east-1:123456789012:deploymentgroup:AppECS-nova-auth-service/DgpECS-nova-auth-service",
            "TagKeys": ["evenkeel.dev/members"]}),
        ),
        (
            Service::Elb,
            "RemoveTags",
            json!({"ResourceArns": [world.group("nova-auth-blue").await["TargetGroupArn"],
            world.group("nova-auth-green").await["TargetGroupArn"]], "TagKeys": ["evenkeel.dev/members"]}),
        ),
    ] {
        world.person.call(owner, operation, input).await;
    }
    world.forget();
    let before = world.writes();
    let daemon = world.daemon().await;
    daemon.converged().await;
    pass(TEN_PASSES).await;
    assert_eq!(world.members().await, declared);
    // What is declared is recorded, quietly, and nothing else is written.
    let mut writes = world.writes().split_off(before.len());
    writes.sort();
    assert_eq!(writes, ["AddTags", "AddTags", "TagResource", "TagResource"]);
}

#[tokio::test(start_paused = true)]
async fn a_tag_that_is_no_longer_declared_goes_and_others_stay() {
    let world = World::auth(64).await;
    let tags = "  desiredCount: 2\n  tags: [{key: team, value: nova}, {key: cost, value: a}]\n";
    world.edit(FILE, "  desiredCount: 2\n", tags);
    let daemon = world.daemon().await;
    daemon.converged().await;
    let service = world.person.service("nova", "auth-service").await;
    let input =
        json!({"resourceArn": service["serviceArn"], "tags": [{"key": "theirs", "value": "x"}]});
    world.person.call(Service::Ecs, "TagResource", input).await;
    world.edit(
        FILE,
        tags,
        "  desiredCount: 2\n  tags: [{key: cost, value: a}]\n",
    );
    daemon.look().await;
    pass(Duration::from_mins(3)).await;
    daemon.converged().await;
    let service = world.person.service("nova", "auth-service").await;
    let mut keys: Vec<&str> = service["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| tag["key"].as_str().unwrap())
        .filter(|key| !key.starts_with("evenkeel.dev/"))
        .collect();
    keys.sort_unstable();
    assert_eq!(keys, ["cost", "theirs"]);
    assert_eq!(world.count("UntagResource"), 1);
    let writes = world.writes();
    pass(TEN_PASSES).await;
    assert_eq!(world.writes(), writes);
}

/// Where a service reads back whether its tasks have public addresses.
const PUBLIC: &str = "/networkConfiguration/awsvpcConfiguration/assignPublicIp";

impl World {
    /// Takes public addresses out of a manifest that declared them, ships a crashing image with that, and
    /// then a good one; gives what is live in the end. `live` reads the service back.
    async fn forget_in_a_rollback(
        &self,
        (file, key): (&str, &str),
        (good, crashing, better): (&str, &str, &str),
        live: impl AsyncFn() -> Value,
    ) -> [Value; 2] {
        let daemon = self.daemon().await;
        daemon.converged().await;
        assert_eq!(live().await.pointer(PUBLIC), Some(&json!("ENABLED")));
        self.edit(file, "      assignPublicIp: ENABLED\n", "");
        self.edit(file, good, crashing);
        daemon.look().await;
        daemon.outcome(key, rolling::rolled_out_badly).await;
        pass(Duration::from_mins(10)).await;
        let back = live().await.pointer(PUBLIC).cloned().unwrap();
        self.edit(file, crashing, better);
        daemon.look().await;
        daemon.converged().await;
        let end = live().await.pointer(PUBLIC).cloned().unwrap();
        daemon.kill();
        [back, end]
    }
}

/// While a deployment is under way the service reads back what it may yet go back from.
#[tokio::test(start_paused = true)]
async fn a_rollback_takes_nothing_out_of_the_memory() {
    let world = worker(rolling::BREAKER, 65).await;
    let (declared, enabled) = ("assignPublicIp: DISABLED", "assignPublicIp: ENABLED");
    world.edit(rolling::FILE, declared, enabled);
    let images = ("worker:v1", "worker:crashing", "worker:v2");
    let of = (rolling::FILE, rolling::SERVICE);
    let live = async || {
        let mut service = world.person.service("nova", "worker").await;
        service["deployments"][0].take()
    };
    let found = world.forget_in_a_rollback(of, images, live).await;
    assert_eq!(found, ["ENABLED", "DISABLED"]);

    let strategy = format!("{BLUE_GREEN}{}", native_world::BREAKER);
    let world = web(&strategy, 66).await;
    let groups = "      securityGroups: [sg-0a1b2c3d4e5f60002]\n";
    let public = format!("{groups}      assignPublicIp: ENABLED\n");
    world.edit(native_world::FILE, groups, &public);
    let images = ("web:v1", "web:crashing", "web:v2");
    let of = (native_world::FILE, native_world::SERVICE);
    let live = async || {
        let mut service = world.person.service("nova", "web").await;
        service["deployments"][0].take()
    };
    let found = world.forget_in_a_rollback(of, images, live).await;
    assert_eq!(found, ["ENABLED", "DISABLED"]);

    let world = World::auth(67).await;
    world.edit(AUTH, declared, enabled);
    let images = ("service:1.4.0", "service:1.6.0-broken", "service:1.5.0");
    let live = async || {
        let mut service = world.person.service("nova", "auth-service").await;
        let mut sets: Vec<Value> = serde_json::from_value(service["taskSets"].take()).unwrap();
        sets.retain(|set| set["status"] == "PRIMARY");
        sets.remove(0)
    };
    let of = (AUTH, "Service/auth-service");
    let found = world.forget_in_a_rollback(of, images, live).await;
    assert_eq!(found, ["ENABLED", "DISABLED"]);
}

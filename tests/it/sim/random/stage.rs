//! The service of a scenario, by its engine: its manifests, and what a person may do to it.

use std::sync::Mutex;

use evenkeel::model::Moment;
use evenkeel::sandbox::levers::HookOutcome;
use serde_json::{Value, json};

use super::wishes::{Asks, Wishes};
use crate::sim::console::{AUTH, CODE_DEPLOY, ECS};
use crate::sim::direct::json_call;
use crate::sim::native_world::{self, BLUE_GREEN, BREAKER, CANARY, FUNCTION, LINEAR, hook, web};
use crate::sim::world::World;

/// What deploys the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Engine {
    Rolling,
    CodeDeploy,
    /// ECS's own blue/green, linear and canary.
    Native,
}

/// The service of a scenario.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) engine: Engine,
    pub(super) service: &'static str,
    /// The file that declares it.
    pub(super) file: &'static str,
    repository: &'static str,
    family: &'static str,
    container: &'static str,
    /// Tags of images, the first two of which work; the first is declared at first.
    pub(super) tags: &'static [&'static str],
    /// Application and deployment group at `CodeDeploy`.
    pub(super) group: Option<(&'static str, &'static str)>,
    /// The production rule; empty until the service is there.
    pub(super) rule: Mutex<String>,
    /// What its manifests ask for besides.
    pub(super) wishes: Wishes,
}

/// Ten minutes of every half hour are closed ([`Stage::shut_windows`]). Whether one has been so for two
/// minutes, which is longer than a pass takes that began before.
pub(super) fn closed(now: Moment) -> bool {
    let minute = now.0 / 60_000 % 30;
    (2..10).contains(&minute)
}

const ALARMS: &str = ", alarms: {alarmNames: [web-5xx], enable: true, rollback: true}";

/// The stage of a seed, and its world. Every fifth seed has the same engine and strategy.
pub(super) async fn of(seed: u64) -> (Stage, World) {
    let stages = [
        "PRE_SCALE_UP",
        "POST_TEST_TRAFFIC_SHIFT",
        "POST_PRODUCTION_TRAFFIC_SHIFT",
    ];
    let hooked = hook(stages[usize::try_from(seed / 5 % 3).unwrap()]);
    let code_deploys = seed % 5 == 1;
    let wishes = Wishes::of(seed, code_deploys);
    let hooked = hooked.replace("}]", &format!("}}{}]", wishes.pause(seed)));
    let configuration = match seed % 5 {
        0 => format!("strategy: ROLLING{BREAKER}{ALARMS}"),
        1 => return (auth(wishes), code_deploy(seed, &wishes).await),
        2 => format!("{BLUE_GREEN}{BREAKER}{ALARMS}{hooked}"),
        3 => format!("{LINEAR}{BREAKER}{ALARMS}{hooked}"),
        _ => format!("{CANARY}{BREAKER}{ALARMS}{hooked}"),
    };
    let world = web(&configuration, seed).await;
    let stage = Stage {
        engine: if seed.is_multiple_of(5) {
            Engine::Rolling
        } else {
            Engine::Native
        },
        service: "web",
        file: native_world::FILE,
        repository: "nova/web",
        family: "web",
        container: "web",
        tags: &["v1", "v2", "v3", "crashing", "sick"],
        group: None,
        rule: Mutex::default(),
        wishes,
    };
    let name = "kind: Service\nmetadata:\n  name: web\n";
    let with = format!("{name}{}", wishes.beside(""));
    world.edit(stage.file, name, &with);
    wishes.write(&world, stage.service);
    (stage, world)
}

fn auth(wishes: Wishes) -> Stage {
    Stage {
        engine: Engine::CodeDeploy,
        service: "auth-service",
        file: AUTH,
        repository: "nova/auth-service",
        family: "nova-auth-service",
        container: "auth",
        tags: &["1.4.0", "1.5.0", "1.6.0-broken"],
        group: Some(("AppECS-nova-auth-service", "DgpECS-nova-auth-service")),
        rule: Mutex::default(),
        wishes,
    }
}

/// The auth service with a hook, an alarm and short waits.
async fn code_deploy(seed: u64, wishes: &Wishes) -> World {
    let world = World::auth(seed).await;
    let name = "kind: Service\nmetadata:\n  name: auth-service\n";
    let beside = wishes.beside("  hooks: {AfterAllowTestTraffic: smoke}\n");
    world.edit(AUTH, name, &format!("{name}{beside}"));
    wishes.write(&world, "auth-service");
    for (from, to) in [
        (
            "terminationWaitTimeInMinutes: 5",
            "terminationWaitTimeInMinutes: 1",
        ),
        (
            "autoRollbackConfiguration: {enabled: true, events: [DEPLOYMENT_FAILURE]}",
            "autoRollbackConfiguration: {enabled: true, events: [DEPLOYMENT_FAILURE, DEPLOYMENT_STOP_ON_ALARM]}\n  \
             alarmConfiguration: {enabled: true, alarms: [{name: web-5xx}]}",
        ),
    ] {
        world.edit(AUTH, from, to);
    }
    if wishes.asks == Asks::Within {
        world.edit(
            AUTH,
            "deploymentReadyOption: {actionOnTimeout: CONTINUE_DEPLOYMENT, waitTimeInMinutes: 0}",
            "deploymentReadyOption: {actionOnTimeout: STOP_DEPLOYMENT, waitTimeInMinutes: 10}",
        );
    }
    if seed.is_multiple_of(2) {
        world.edit(AUTH, "ECSCanary10Percent5Minutes", "ECSAllAtOnce");
    }
    world
}

impl Stage {
    /// The key of its manifest.
    pub(super) fn key(&self) -> String {
        format!("Service/{}", self.service)
    }

    /// Whether containers of this tag's image come up.
    pub(super) fn works(tag: &str) -> bool {
        !matches!(tag, "crashing" | "sick" | "1.6.0-broken")
    }

    /// Learns the production rule once the service is there.
    pub(super) async fn learn(&self, world: &World) {
        let rule = if self.engine == Engine::CodeDeploy {
            world.rule().await
        } else {
            let service = world.person.service("nova", self.service).await;
            let advanced = &service["loadBalancers"][0]["advancedConfiguration"];
            advanced["productionListenerRule"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        *self.rule.lock().unwrap() = rule;
    }

    /// The target group of the `PRIMARY` task set of a service that `CodeDeploy` deploys.
    pub(super) fn serving(&self, world: &World) -> Option<String> {
        let service = self.described(world);
        let sets = service["taskSets"].as_array()?;
        let primary = sets.iter().find(|set| set["status"] == "PRIMARY")?;
        let group = &primary["loadBalancers"][0]["targetGroupArn"];
        group.as_str().map(str::to_owned)
    }

    /// What holds only once the service is there: a window of the cluster that closes for ten minutes of every half hour,
    /// and pauses that go back if nobody answers.
    pub(super) fn tighten(&self, world: &World) {
        if self.wishes.windows {
            let overrun = if self.wishes.overrun {
                "abort"
            } else {
                "finish"
            };
            let windows = format!(
                "\nsync:\n  windows: [{{kind: deny, schedule: '0,30 * * * *', duration: 10m, timeZone: UTC, overrun: {overrun}}}]\n"
            );
            let file = world.folder.path().join("cluster.yaml");
            let text = std::fs::read_to_string(&file).unwrap();
            std::fs::write(&file, format!("{}{windows}", text.trim_end())).unwrap();
        }
        let pauses = self.wishes.asks == Asks::Within && self.engine == Engine::Native;
        if pauses && self.wishes.refusing {
            world.edit(self.file, "action: CONTINUE", "action: ROLLBACK");
        }
    }

    /// The window is taken away. While it aborts and an image does not come up, `CodeDeploy` never has the hour that it
    /// takes to say so.
    pub(super) fn open_windows(world: &World) {
        let file = world.folder.path().join("cluster.yaml");
        let text = std::fs::read_to_string(&file).unwrap();
        let (rest, _) = text.split_once("\nsync:").unwrap_or((&text, ""));
        std::fs::write(&file, format!("{rest}\n")).unwrap();
    }

    /// The image of a tag, as a task definition names it.
    pub(super) fn image(&self, world: &World, tag: &str) -> String {
        let digest = self.digest(world, tag);
        format!(
            "123456789012.dkr.ecr.us-east-1.amazonaws.com/{}@{digest}",
            self.repository
        )
    }

    /// The digest of a tag's image.
    pub(super) fn digest(&self, world: &World, tag: &str) -> String {
        let ask = json!({"repositoryName": self.repository, "imageIds": [{"imageTag": tag}]});
        let target = "AmazonEC2ContainerRegistry_V20150921";
        let found = json_call(&world.mounted, target, "BatchGetImage", &ask);
        found["images"][0]["imageId"]["imageDigest"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Ships another tag.
    pub(super) fn ship(&self, world: &World, from: &str, to: &str) {
        let image = |tag: &str| format!("image: {}:{tag}", self.repository);
        world.edit(self.file, &image(from), &image(to));
    }

    /// Gives the service a new text of the retry annotation.
    pub(super) fn retry(&self, world: &World, number: usize) {
        let head = format!("kind: Service\nmetadata:\n  name: {}\n", self.service);
        let text = |n: usize| format!("{head}  annotations: {{evenkeel.dev/retry: text {n}}}\n");
        if number == 1 {
            world.edit(self.file, &head, &text(1));
        } else {
            world.edit(self.file, &text(number - 1), &text(number));
        }
    }

    /// What the function of the hook reports from now on.
    pub(super) fn function(world: &World, outcome: HookOutcome) {
        world.mounted.with(|sandbox| {
            let hooks = &mut sandbox.region("us-east-1").levers.hooks;
            hooks.insert("smoke".to_owned(), outcome);
            hooks.insert(FUNCTION.to_owned(), outcome);
        });
    }

    /// A person stops what is in flight, if anything is.
    pub(super) fn stop(world: &World, id: &str, rollback: bool) {
        if id.contains("service-deployment") {
            let input = json!({"serviceDeploymentArn": id, "stopType": "ROLLBACK"});
            json_call(&world.mounted, ECS, "StopServiceDeployment", &input);
        } else {
            let input = json!({"deploymentId": id, "autoRollbackEnabled": rollback});
            json_call(&world.mounted, CODE_DEPLOY, "StopDeployment", &input);
        }
    }

    /// A person deploys the first revision by hand.
    pub(super) fn deploy_by_hand(&self, world: &World) {
        let revision = format!("{}:1", self.family);
        if let Some((application, group)) = self.group.filter(|_| self.by_code_deploy(world)) {
            let content = json!({"version": "0.0", "Resources": [{"TargetService": {"Type": "AWS::ECS::Service",
                "Properties": {"TaskDefinition": format!("arn:aws:ecs:us-east-1:123456789012:task-definition/{revision}"),
                    "LoadBalancerInfo": {"ContainerName": self.container, "ContainerPort": 8080}}}}]});
            let input = json!({"applicationName": application, "deploymentGroupName": group, "description": "by hand",
                "revision": {"revisionType": "AppSpecContent", "appSpecContent": {"content": content.to_string()}}});
            json_call(&world.mounted, CODE_DEPLOY, "CreateDeployment", &input);
        } else {
            self.update(
                world,
                json!({"taskDefinition": revision, "forceNewDeployment": true}),
            );
        }
    }

    /// Whether `CodeDeploy` deploys the service, as things stand.
    fn by_code_deploy(&self, world: &World) -> bool {
        self.described(world)["deploymentController"]["type"] == "CODE_DEPLOY"
    }

    fn described(&self, world: &World) -> Value {
        let ask = json!({"cluster": "nova", "services": [self.service]});
        json_call(&world.mounted, ECS, "DescribeServices", &ask)["services"][0].take()
    }

    /// A person takes away what a deployment of `CodeDeploy` left behind, which the move waits for.
    pub(super) fn tidy(&self, world: &World) {
        let service = self.described(world);
        for set in service["taskSets"].as_array().into_iter().flatten() {
            if set["status"] != "PRIMARY" {
                let input = json!({"cluster": "nova", "service": self.service, "taskSet": set["taskSetArn"], "force": true});
                json_call(&world.mounted, ECS, "DeleteTaskSet", &input);
            }
        }
    }

    /// The manifest asks for a strategy of ECS's own in the place of `CodeDeploy`.
    pub(super) fn move_over(&self, world: &World) {
        let before = "rollout:\n  hooks: {AfterAllowTestTraffic: smoke}\n";
        let after = if self.wishes.beside("").starts_with("rollout:") {
            "rollout:\n"
        } else {
            ""
        };
        let strategy = format!("deploymentConfiguration: {{{CANARY}{BREAKER}{ALARMS}}}");
        for (from, to) in [
            (before, after),
            ("deploymentController: {type: CODE_DEPLOY}", &strategy),
            (
                "- {targetGroupRef: nova-auth-blue, containerName: auth, containerPort: 8080}",
                "- targetGroupRef: nova-auth-blue\n      containerName: auth\n      containerPort: 8080\n      \
                 advancedConfiguration: {alternateTargetGroupRef: nova-auth-green, productionListenerRuleRef: auth-production, \
                 testListenerRuleRef: auth-test, roleArn: \"arn:aws:iam::123456789012:role/nova-task-execution\"}",
            ),
        ] {
            world.edit(AUTH, from, to);
        }
        let file = world.folder.path().join(AUTH);
        let text = std::fs::read_to_string(&file).unwrap();
        let documents = text.split("\n---\n");
        let rest: Vec<&str> = documents
            .filter(|one| !one.contains("kind: DeploymentGroup"))
            .collect();
        std::fs::write(&file, rest.join("\n---\n")).unwrap();
    }

    /// A person updates the service.
    pub(super) fn update(&self, world: &World, mut members: Value) {
        members["cluster"] = json!("nova");
        members["service"] = json!(self.service);
        json_call(&world.mounted, ECS, "UpdateService", &members);
    }

    /// A person stops one of its tasks.
    pub(super) fn stop_a_task(&self, world: &World) {
        let ask = json!({"cluster": "nova", "serviceName": self.service});
        let tasks = json_call(&world.mounted, ECS, "ListTasks", &ask);
        let input = json!({"cluster": "nova", "task": tasks["taskArns"][0]});
        json_call(&world.mounted, ECS, "StopTask", &input);
    }

    /// A scaler wants so many tasks.
    pub(super) fn scale(&self, world: &World, to: u64) {
        let body = json!({"cluster": "nova", "service": self.service, "to": to});
        let request = http::Request::post("/_evenkeel/scale")
            .body(body.to_string().into_bytes())
            .unwrap();
        let response = world.mounted.handle(&request);
        assert_eq!(response.status(), 200);
    }

    /// How a command of one-off tasks ends from now on.
    pub(super) fn command_ends(world: &World, command: &str, exit_code: i64, seconds: u32) {
        let seed = json!({"kind": "SandboxSeed", "apiVersion": "evenkeel.dev/v1alpha1", "metadata": {"name": "commands"},
            "spec": {"commands": [{"command": command, "exitCode": exit_code, "seconds": seconds}]}});
        world.mounted.seed("us-east-1", &[seed]).unwrap();
    }
}

/// The digest of an image of the service that comes first; nothing where there is none.
pub(super) fn base_digest(world: &World, tag: &str) -> String {
    let ask = json!({"repositoryName": "nova/worker", "imageIds": [{"imageTag": tag}]});
    let target = "AmazonEC2ContainerRegistry_V20150921";
    let found = json_call(&world.mounted, target, "BatchGetImage", &ask);
    let digest = found["images"][0]["imageId"]["imageDigest"].as_str();
    digest.unwrap_or_default().to_owned()
}

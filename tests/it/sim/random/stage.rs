//! The service of a scenario, by its engine: its manifests, and what a person may do to it.

use std::sync::Mutex;

use evenkeel::model::Moment;
use evenkeel::sandbox::levers::HookOutcome;
use serde_json::{Value, json};

use super::sight::json_call;
use crate::sim::console::{AUTH, CODE_DEPLOY, ECS};
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
    /// Whether a window closes now and then; see [`closed`].
    pub(super) windows: bool,
    /// Whether a rollout in flight finishes before a newer one starts.
    pub(super) finish: bool,
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
    let (windows, finish) = (seed / 5 % 4 == 1, seed / 5 % 3 == 1);
    let configuration = match seed % 5 {
        0 => format!("strategy: ROLLING{BREAKER}{ALARMS}"),
        1 => return (auth(windows, finish), code_deploy(seed, finish).await),
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
        windows,
        finish,
    };
    if finish {
        let with = "rollout: {inFlight: finish}\nspec:\n  clusterRef";
        world.edit(stage.file, "spec:\n  clusterRef", with);
    }
    (stage, world)
}

fn auth(windows: bool, finish: bool) -> Stage {
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
        windows,
        finish,
    }
}

/// The auth service with a hook, an alarm and short waits.
async fn code_deploy(seed: u64, finish: bool) -> World {
    let world = World::auth(seed).await;
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
        (
            "kind: Service\nmetadata:\n  name: auth-service\n",
            "kind: Service\nmetadata:\n  name: auth-service\nrollout:\n  hooks: {AfterAllowTestTraffic: smoke}\n",
        ),
    ] {
        world.edit(AUTH, from, to);
    }
    if finish {
        world.edit(AUTH, "rollout:\n", "rollout:\n  inFlight: finish\n");
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

    /// Gives the cluster a window that closes for ten minutes of every half hour.
    pub(super) fn shut_windows(&self, world: &World) {
        if self.windows {
            let windows = "\nsync:\n  windows: [{kind: deny, schedule: '0,30 * * * *', duration: 10m, timeZone: UTC}]\n";
            let file = world.folder.path().join("cluster.yaml");
            let text = std::fs::read_to_string(&file).unwrap();
            std::fs::write(&file, format!("{}{windows}", text.trim_end())).unwrap();
        }
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
    pub(super) fn stop(&self, world: &World, id: &str, rollback: bool) {
        if self.engine == Engine::CodeDeploy {
            let input = json!({"deploymentId": id, "autoRollbackEnabled": rollback});
            json_call(&world.mounted, CODE_DEPLOY, "StopDeployment", &input);
        } else {
            let input = json!({"serviceDeploymentArn": id, "stopType": "ROLLBACK"});
            json_call(&world.mounted, ECS, "StopServiceDeployment", &input);
        }
    }

    /// A person deploys the first revision by hand.
    pub(super) fn deploy_by_hand(&self, world: &World) {
        let revision = format!("{}:1", self.family);
        if let Some((application, group)) = self.group {
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
}

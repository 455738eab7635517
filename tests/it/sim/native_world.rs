//! A service whose traffic ECS itself shifts, what stands around it, and eyes on its traffic. Not the
//! scenarios (`native_courses`, `native_trouble`).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evenkeel::aws::Aws;
use evenkeel::model::{Call, Fail, Outcome, Service, Wait};
use evenkeel::mount::Mounted;
use evenkeel::sandbox::levers::HookOutcome;
use serde_json::{Value, json};

use super::console::ECS;
use super::direct::{json_call, served};
use super::world::{Daemon, World, pass};

pub(super) const SERVICE: &str = "Service/web";
pub(super) const FILE: &str = "web.yaml";
pub(super) const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:smoke";

/// The strategies, with waits short enough to be waited for.
pub(super) const STRATEGIES: [&str; 3] = [BLUE_GREEN, LINEAR, CANARY];
pub(super) const BLUE_GREEN: &str = "strategy: BLUE_GREEN, bakeTimeInMinutes: 2";
pub(super) const LINEAR: &str = "strategy: LINEAR, bakeTimeInMinutes: 1, linearConfiguration: {stepPercent: 40, stepBakeTimeInMinutes: 1}";
pub(super) const CANARY: &str = "strategy: CANARY, bakeTimeInMinutes: 1, canaryConfiguration: {canaryPercent: 10, canaryBakeTimeInMinutes: 2}";

/// The circuit breaker, to be put behind a strategy.
pub(super) const BREAKER: &str = ", deploymentCircuitBreaker: {enable: true, rollback: true}";

/// Everything from the image repository to the service, behind rules of an application load balancer.
fn manifests(configuration: &str) -> String {
    let kind = |kind: &str, name: &str, spec: &str| {
        format!(
            "apiVersion: evenkeel.dev/v1alpha1\nkind: {kind}\nmetadata:\n  name: {name}\nspec:\n{spec}---\n"
        )
    };
    let group = "  {TargetType: ip, Protocol: HTTP, Port: 8080, VpcId: vpc-0a1b2c3d4e5f60001, HealthCheckIntervalSeconds: 5, HealthCheckTimeoutSeconds: 2, HealthyThresholdCount: 2, UnhealthyThresholdCount: 2}\n";
    let listener = |port: u32| {
        format!(
            "  {{LoadBalancerRef: web, Protocol: HTTP, Port: {port}, DefaultActions: [{{Type: fixed-response, FixedResponseConfig: {{StatusCode: \"404\"}}}}]}}\n"
        )
    };
    let rule = |listener: &str| {
        format!(
            "  ListenerRef: {listener}
  Priority: 10
  Conditions: [{{Field: path-pattern, Values: [/*]}}]
  Actions:
    - Type: forward
      ForwardConfig: {{TargetGroups: [{{TargetGroupRef: blue, Weight: 1}}, {{TargetGroupRef: green, Weight: 0}}]}}\n"
        )
    };
    [
        kind("ImageRepository", "web", "  repositoryName: nova/web\n"),
        kind(
            "TaskDefinition",
            "web",
            "  networkMode: awsvpc
  requiresCompatibilities: [FARGATE]
  cpu: \"256\"
  memory: \"512\"
  executionRoleArn: arn:aws:iam::123456789012:role/nova-task-execution
  containerDefinitions:
    - {name: web, image: nova/web:v1, portMappings: [{containerPort: 8080}]}\n",
        ),
        kind("TargetGroup", "blue", group),
        kind("TargetGroup", "green", group),
        kind(
            "LoadBalancer",
            "web",
            "  Subnets: [subnet-0a1b2c3d4e5f60001, subnet-0a1b2c3d4e5f60002]\n  SecurityGroups: [sg-0a1b2c3d4e5f60001]\n",
        ),
        kind("Listener", "production", &listener(80)),
        kind("Listener", "test", &listener(8080)),
        kind("ListenerRule", "production", &rule("production")),
        kind("ListenerRule", "test", &rule("test")),
        kind(
            "Service",
            "web",
            &format!(
                "  clusterRef: nova
  taskDefinitionRef: web
  launchType: FARGATE
  desiredCount: 2
  deploymentConfiguration: {{{configuration}}}
  networkConfiguration:
    awsvpcConfiguration:
      subnets: [subnet-0a1b2c3d4e5f60003, subnet-0a1b2c3d4e5f60004]
      securityGroups: [sg-0a1b2c3d4e5f60002]
  loadBalancers:
    - targetGroupRef: blue
      containerName: web
      containerPort: 8080
      advancedConfiguration:
        alternateTargetGroupRef: green
        productionListenerRuleRef: production
        testListenerRuleRef: test
        roleArn: arn:aws:iam::123456789012:role/nova-task-execution\n"
            ),
        ),
    ]
    .concat()
}

/// A Lambda hook at a stage, to be put behind a strategy.
pub(super) fn hook(stage: &str) -> String {
    format!(
        ", lifecycleHooks: [{{hookTargetArn: \"{FUNCTION}\", roleArn: \"arn:aws:iam::123456789012:role/nova-task-execution\", lifecycleStages: [{stage}]}}]"
    )
}

/// A world with the service and its images, `crashing` and `sick` among them.
pub(super) async fn web(configuration: &str, seed: u64) -> World {
    let world = World::new("nova", &["cluster.yaml"], seed).await;
    world.write(FILE, &manifests(configuration));
    let image = |tag: &str| json!({"repository": "nova/web", "tags": [tag]});
    let mut crashing = image("crashing");
    crashing["crash"] = json!(1);
    let mut sick = image("sick");
    sick["unhealthy"] = json!(true);
    let images = [image("v1"), image("v2"), image("v3"), crashing, sick];
    let seed = json!({"kind": "SandboxSeed", "apiVersion": "evenkeel.dev/v1alpha1", "metadata": {"name": "web"},
        "spec": {"images": images}});
    world.mounted.seed("us-east-1", &[seed]).unwrap();
    world
}

pub(super) fn rolled_out_badly(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failed(Fail::RolloutFailed, _))
}

pub(super) fn in_progress(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Waiting(Wait::RolloutInProgress, _))
}

/// The services' deployments of a world, newest first, whole.
pub(super) fn history(world: &World) -> Vec<Value> {
    let listed = world.console(
        ECS,
        "ListServiceDeployments",
        &json!({"cluster": "nova", "service": "web"}),
    );
    let arns: Value = listed["serviceDeployments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["serviceDeploymentArn"].clone())
        .collect();
    let whole = world.console(
        ECS,
        "DescribeServiceDeployments",
        &json!({"serviceDeploymentArns": arns}),
    );
    whole["serviceDeployments"].as_array().unwrap().clone()
}

impl World {
    /// Changes the service's image and lets the daemon see it.
    pub(super) async fn ship(&self, daemon: &Daemon, from: &str, to: &str) {
        self.edit(FILE, &format!("nova/web:{from}"), &format!("nova/web:{to}"));
        daemon.look().await;
    }

    /// Waits until the newest service deployment satisfies a condition.
    pub(super) async fn deployment(&self, what: &str, reached: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..7_200 {
            let newest = history(self).remove(0);
            if reached(&newest) {
                return newest;
            }
            pass(Duration::from_secs(1)).await;
        }
        panic!("no deployment {what}: {:#?}", history(self).first());
    }

    /// Waits until the newest service deployment is at this stage.
    pub(super) async fn stage(&self, stage: &str) -> Value {
        let at = |one: &Value| one["lifecycleStage"] == stage && one["status"] == "IN_PROGRESS";
        self.deployment(stage, at).await
    }

    /// Says what the function of the hooks reports.
    pub(super) fn function_reports(&self, outcome: HookOutcome) {
        self.mounted.with(|sandbox| {
            let levers = &mut sandbox.region("us-east-1").levers;
            levers.hooks.insert("smoke".to_owned(), outcome);
        });
    }

    /// Lets the alarm fire, or not.
    pub(super) fn alarm(&self, fires: bool) {
        self.mounted.with(|sandbox| {
            let firing = &mut sandbox.region("us-east-1").levers.alarms_firing;
            if fires {
                firing.insert("web-5xx".to_owned());
            } else {
                firing.remove("web-5xx");
            }
        });
    }

    /// The tag of the image that the service's `PRIMARY` deployment runs, which must be its only one.
    pub(super) async fn serves(&self) -> String {
        let service = self.person.service("nova", "web").await;
        let deployments = service["deployments"].as_array().unwrap();
        assert_eq!(deployments.len(), 1, "{service}");
        let image = self
            .person
            .image(deployments[0]["taskDefinition"].as_str().unwrap())
            .await;
        for tag in ["v1", "v2", "v3", "crashing", "sick"] {
            let input = json!({"repositoryName": "nova/web", "imageIds": [{"imageTag": tag}]});
            let answer = self.person.call(Service::Ecr, "BatchGetImage", input).await;
            let digest = answer["images"][0]["imageId"]["imageDigest"]
                .as_str()
                .unwrap();
            if image.ends_with(digest) {
                return tag.to_owned();
            }
        }
        image
    }

    /// Somebody updates the service in the console.
    pub(super) async fn by_hand(&self, members: Value) {
        let mut input = json!({"cluster": "nova", "service": "web"});
        for (name, value) in members.as_object().unwrap() {
            input[name] = value.clone();
        }
        self.person.call(Service::Ecs, "UpdateService", input).await;
    }

    /// Everything is converged, and nothing is written in half an hour, a new daemon's included.
    pub(super) async fn at_rest(&self, daemon: &Daemon) {
        daemon.converged().await;
        let writes = self.writes();
        pass(Duration::from_mins(15)).await;
        daemon.converged().await;
        let other = self.daemon().await;
        other.converged().await;
        pass(Duration::from_mins(5)).await;
        other.kill();
        assert_eq!(self.writes(), writes, "written at the fixpoint");
    }

    /// The outcome stays and nothing is written for half an hour, which is longer than anything waits here, over a
    /// restart.
    pub(super) async fn left_alone(&self, daemon: &Daemon, expected: impl Fn(&Outcome) -> bool) {
        daemon.outcome(SERVICE, &expected).await;
        pass(Duration::from_mins(2)).await;
        let writes = self.writes();
        let key = SERVICE.parse().unwrap();
        for _ in 0..3 {
            pass(Duration::from_mins(8)).await;
            let outcome = daemon.board.read().resources[&key].outcome.clone();
            assert!(expected(&outcome), "{outcome}");
        }
        let other = self.daemon().await;
        other.outcome(SERVICE, &expected).await;
        pass(Duration::from_mins(10)).await;
        let outcome = other.board.read().resources[&key].outcome.clone();
        assert!(expected(&outcome), "{outcome}");
        other.kill();
        assert_eq!(self.writes(), writes);
    }

    /// Watches the traffic from now on.
    pub(super) fn watch(&self) -> Watch {
        self.watch_at(Place {
            cluster: "nova",
            service: "web",
            balancer: "web",
            port: "80",
            priority: "10",
        })
    }

    /// Watches the traffic of some service from now on.
    pub(super) fn watch_at(&self, place: Place) -> Watch {
        let found = Arc::new(Mutex::new(Vec::new()));
        let looks = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&looks);
        let (aws, seen) = (self.person.aws(), Arc::clone(&found));
        let mounted = self.mounted.clone();
        let task = tokio::spawn(async move {
            let rule = rule(&aws, place).await;
            loop {
                counted.fetch_add(1, Ordering::Relaxed);
                if let Some(what) = wrong(&mounted, place, &rule) {
                    seen.lock().unwrap().push(what);
                }
                tokio::time::sleep(Duration::from_secs(3)).await;
            }
        });
        Watch { found, looks, task }
    }
}

/// A service, and the rule that its production traffic goes through.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) cluster: &'static str,
    pub(super) service: &'static str,
    pub(super) balancer: &'static str,
    pub(super) port: &'static str,
    pub(super) priority: &'static str,
}

/// Eyes on production traffic.
pub(super) struct Watch {
    found: Arc<Mutex<Vec<String>>>,
    looks: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Watch {
    /// Never did production traffic go where no target was healthy, and never were two deployments
    /// under way.
    pub(super) fn saw_nothing_wrong(self) {
        self.task.abort();
        assert!(self.looks.load(Ordering::Relaxed) > 0, "nobody looked");
        let found = self.found.lock().unwrap();
        assert!(found.is_empty(), "{found:#?}");
    }
}

/// The production rule of a place.
async fn rule(aws: &Aws, place: Place) -> String {
    let call = async |operation, input| {
        let call = Call {
            service: Service::Elb,
            operation,
            input,
        };
        aws.call(&call).await.unwrap()
    };
    let one = |document: &Value, list: &str, member: &str, value: &str| {
        let all = document[list].as_array().unwrap();
        let found = all.iter().find(|one| one[member] == value);
        found.unwrap().clone()
    };
    let named = json!({"Names": [place.balancer]});
    let balancers = call("DescribeLoadBalancers", named).await;
    let of = json!({"LoadBalancerArn": balancers["LoadBalancers"][0]["LoadBalancerArn"]});
    let listener = one(
        &call("DescribeListeners", of).await,
        "Listeners",
        "Port",
        place.port,
    );
    let of = json!({"ListenerArn": listener["ListenerArn"]});
    let rule = one(
        &call("DescribeRules", of).await,
        "Rules",
        "Priority",
        place.priority,
    );
    rule["RuleArn"].as_str().unwrap().to_owned()
}

fn wrong(mounted: &Mounted, place: Place, rule: &str) -> Option<String> {
    let input = json!({"cluster": place.cluster, "service": place.service,
        "status": ["PENDING", "IN_PROGRESS", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"]});
    let flying = json_call(mounted, ECS, "ListServiceDeployments", &input);
    let flying = flying["serviceDeployments"].as_array().unwrap();
    if flying.len() > 1 {
        return Some(format!("{flying:?}"));
    }
    let groups = served(mounted, rule);
    if groups.is_empty() {
        return Some(format!("{rule} is gone"));
    }
    let mut groups = groups.into_iter();
    groups
        .find(|(_, weight, healthy)| *weight > 0 && *healthy == 0)
        .map(|(group, weight, _)| format!("no healthy target behind {group} ({weight})"))
}

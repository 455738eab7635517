//! What a person does and sees besides the calls of our own client: operations that the daemon never
//! makes, images, the course of a deployment.

use std::time::Duration;

use evenkeel::model::{Fail, Outcome, RolloutStage, Service, Wait};
use serde_json::{Value, json};

use super::world::{Daemon, World, pass};

pub(super) const SERVICE: &str = "Service/auth-service";
pub(super) const AUTH: &str = "services/auth.yaml";
pub(super) const ECS: &str = "AmazonEC2ContainerServiceV20141113";
pub(super) const CODE_DEPLOY: &str = "CodeDeploy_20141006";

pub(super) fn rolled_out_badly(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failed(Fail::RolloutFailed, _))
}

pub(super) fn in_flight(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Waiting(Wait::RolloutInProgress, _))
}

impl World {
    /// A call that only a person makes, by the operation's `X-Amz-Target`.
    pub(super) fn console(&self, target: &str, operation: &str, input: &Value) -> Value {
        let request = http::Request::post("/")
            .header("x-amz-target", format!("{target}.{operation}"))
            .body(input.to_string().into_bytes())
            .unwrap();
        let response = self.mounted.handle(&request);
        let body = String::from_utf8_lossy(response.body()).into_owned();
        assert_eq!(response.status(), 200, "{operation}: {body}");
        serde_json::from_str(&body).unwrap_or(Value::Null)
    }

    /// Puts an image into ECR.
    pub(super) fn image(&self, image: &Value) {
        let seed = json!({"kind": "SandboxSeed", "apiVersion": "evenkeel.dev/v1alpha1",
            "metadata": {"name": "pushed"}, "spec": {"images": [image]}});
        self.mounted.seed("us-east-1", &[seed]).unwrap();
    }

    /// Changes the image from 1.4.0 and waits until the deployment of it is at this stage; gives its
    /// id.
    pub(super) async fn deploy(&self, daemon: &Daemon, tag: &str, stage: RolloutStage) -> String {
        self.edit(AUTH, "auth-service:1.4.0", &format!("auth-service:{tag}"));
        daemon.look().await;
        let key = SERVICE.parse().unwrap();
        let rollout =
            |status: &evenkeel::status::Status| status.resources.get(&key)?.rollout.clone();
        let at = |status: &evenkeel::status::Status| {
            rollout(status).is_some_and(|rollout| rollout.stage == stage && !rollout.id.is_empty())
        };
        let status = daemon.until(&format!("stage {stage:?}"), at).await;
        rollout(&status).unwrap().id
    }

    /// Lets time pass, a restart included, in which the outcome stays and nothing is written.
    pub(super) async fn stays(
        &self,
        daemon: &Daemon,
        expected: impl Fn(&Outcome) -> bool,
        time: Duration,
    ) {
        let key = SERVICE.parse().unwrap();
        let writes = self.settled_writes().await;
        for _ in 0..4 {
            pass(time / 4).await;
            let outcome = daemon.board.read().resources[&key].outcome.clone();
            assert!(expected(&outcome), "{outcome}");
        }
        let other = self.daemon().await;
        let outcome = other.outcome(SERVICE, &expected).await;
        pass(Duration::from_mins(5)).await;
        assert!(
            expected(&other.board.read().resources[&key].outcome),
            "{outcome}"
        );
        other.kill();
        assert_eq!(self.writes(), writes);
    }

    /// The writes, after the last record of a rollout had time to be made.
    pub(super) async fn settled_writes(&self) -> Vec<String> {
        pass(Duration::from_mins(2)).await;
        self.writes()
    }

    /// Everything is converged and nothing is written any more.
    pub(super) async fn rests(&self, daemon: &Daemon) {
        daemon.converged().await;
        let writes = self.settled_writes().await;
        pass(Duration::from_mins(30)).await;
        daemon.converged().await;
        assert_eq!(self.writes(), writes, "written at the fixpoint");
    }

    /// How many deployments of the group succeeded.
    pub(super) fn succeeded(&self) -> usize {
        let input = json!({"applicationName": "AppECS-nova-auth-service",
            "deploymentGroupName": "DgpECS-nova-auth-service", "includeOnlyStatuses": ["Succeeded"]});
        let answer = self.console(CODE_DEPLOY, "ListDeployments", &input);
        answer["deployments"].as_array().unwrap().len()
    }

    /// The newest revision of the family with this image tag's digest.
    pub(super) async fn revision_of(&self, tag: &str) -> String {
        let input = json!({"repositoryName": "nova/auth-service", "imageIds": [{"imageTag": tag}]});
        let answer = self.console(
            "AmazonEC2ContainerRegistry_V20150921",
            "DescribeImages",
            &input,
        );
        let digest = answer["imageDetails"][0]["imageDigest"].as_str().unwrap();
        let answer = self
            .person
            .call(
                Service::Ecs,
                "ListTaskDefinitions",
                json!({"familyPrefix": "nova-auth-service"}),
            )
            .await;
        for arn in answer["taskDefinitionArns"].as_array().unwrap() {
            let arn = arn.as_str().unwrap();
            if self.person.image(arn).await.ends_with(digest) {
                return arn.to_owned();
            }
        }
        panic!("no revision with {tag} ({digest})");
    }

    /// The weight in percent that the production rule gives a target group.
    pub(super) async fn production_weight(&self, target_group: &str) -> u64 {
        let call = |operation, input| self.person.call(Service::Elb, operation, input);
        let balancers = call("DescribeLoadBalancers", json!({"Names": ["nova"]})).await;
        let arn = &balancers["LoadBalancers"][0]["LoadBalancerArn"];
        let listeners = call("DescribeListeners", json!({"LoadBalancerArn": arn})).await;
        let production = listeners["Listeners"]
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["Port"] == "80" || one["Port"] == 80)
            .unwrap();
        let rules = call(
            "DescribeRules",
            json!({"ListenerArn": production["ListenerArn"]}),
        )
        .await;
        let mut weights = Vec::new();
        for rule in rules["Rules"].as_array().unwrap() {
            for action in rule["Actions"].as_array().unwrap() {
                for group in action["ForwardConfig"]["TargetGroups"]
                    .as_array()
                    .into_iter()
                    .flatten()
                {
                    let weight = group["Weight"]
                        .as_u64()
                        .or_else(|| group["Weight"].as_str()?.parse().ok());
                    weights.push((group["TargetGroupArn"].clone(), weight.unwrap_or(1)));
                }
            }
        }
        let all: u64 = weights.iter().map(|(_, weight)| weight).sum();
        let mine: u64 = weights
            .iter()
            .filter(|(arn, _)| arn == target_group)
            .map(|(_, weight)| weight)
            .sum();
        assert!(all > 0, "{rules}");
        mine * 100 / all
    }
}

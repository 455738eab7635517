//! A deployment group against the service that it deploys, its target groups and its listeners.

use serde_json::Value;

use super::judge::{Judge, items, text, texts};
use super::question::Question;
use super::routing::Pair;
use super::targets::TargetGroup;
use crate::manifest::Resource;
use crate::model::Kind;

const INFO: &str = "/loadBalancerInfo/targetGroupPairInfoList/0";

/// The states of a deployment that is not over (aws-facts 2.4).
const UNDER_WAY: [&str; 5] = ["Created", "Queued", "InProgress", "Baking", "Ready"];

/// A listener of a traffic route: its live ARN and load balancer, and its manifest if it has one.
struct Route<'a> {
    pointer: String,
    live: Option<&'a Value>,
    declared: Option<&'a Resource>,
}

impl<'a> Judge<'a> {
    /// The deployment group in hand.
    pub(super) fn deployment_group(&mut self) {
        self.role("/serviceRoleArn", "codedeploy");
        self.configuration();
        let service = self.deployed();
        let pair = self.pair();
        let production = self.route("prodTrafficRoute");
        let test = self.route("testTrafficRoute");
        for route in [&production, &test].into_iter().flatten() {
            self.same_balancer(route, pair.as_ref());
        }
        if let (Some(production), Some(test)) = (&production, &test) {
            let balancer = |route: &Route<'a>| text(route.live?, "/LoadBalancerArn");
            if let (Some(one), Some(other)) = (balancer(production), balancer(test))
                && one != other
            {
                let message =
                    "the production listener and the test listener are of different load balancers";
                let hint = "Name listeners of one load balancer.";
                self.error("other-load-balancer", &test.pointer, message, hint);
            }
        }
        let Some(Some(service)) = service else {
            return;
        };
        let Some(pair) = pair else {
            return;
        };
        let serving = self.serving(service, &pair);
        let Some(production) = production else {
            return;
        };
        let Some(arn) = production.live.and_then(|live| text(live, "/ListenerArn")) else {
            return;
        };
        if self.is_under_way(&production.pointer) == Some(false) {
            let at = &production.pointer;
            self.production(arn, &pair, serving, production.declared, at);
        }
    }

    /// The deployment configuration exists and is one of ECS.
    fn configuration(&mut self) {
        let pointer = "/deploymentConfigName";
        let Some(name) = text(self.spec(), pointer) else {
            return;
        };
        let hint = "Name one of ECS: CodeDeployDefault.ECSAllAtOnce, ...ECSCanary10Percent5Minutes, \
                    ...ECSLinear10PercentEvery1Minutes; or create it: aws deploy create-deployment-config";
        match self.ask(Question::DeploymentConfig(name.to_owned()), pointer) {
            None => {}
            Some(None) => {
                let message = format!("the deployment configuration `{name}` does not exist");
                self.error("missing-deployment-config", pointer, message, hint);
            }
            Some(Some(config)) => {
                let platform = text(config, "/computePlatform").unwrap_or("ECS");
                if platform != "ECS" {
                    let message =
                        format!("the deployment configuration `{name}` is for {platform}");
                    self.error("missing-deployment-config", pointer, message, hint);
                }
            }
        }
    }

    /// The service that is deployed, as it is live: `Some(None)` if it is of the set and not made yet.
    #[expect(
        clippy::option_option,
        reason = "whether it is known, and if so, whether it is there"
    )]
    fn deployed(&mut self) -> Option<Option<&'a Value>> {
        let pointer = "/ecsServices/0/serviceName";
        let name = text(self.spec(), pointer)?;
        let cluster = text(self.spec(), "/ecsServices/0/clusterName").unwrap_or("default");
        let set = self.set;
        let declared = set
            .of_kind(Kind::Service)
            .find(|service| set.service_names(service) == (cluster, name));
        let live = if let Some(service) = declared {
            self.live_service(service, pointer)?
        } else {
            let question = Question::Service {
                cluster: cluster.to_owned(),
                name: name.to_owned(),
            };
            let live = self.ask(question, pointer)?;
            let live = live.filter(|live| text(live, "/status") == Some("ACTIVE"));
            if live.is_none() {
                let message = format!("there is no service `{name}` in the cluster `{cluster}`");
                let hint =
                    "Correct the names, or declare the service and refer to it by `serviceRef`.";
                self.error("missing-service", pointer, message, hint);
                return None;
            }
            live
        };
        let controller = live.map(|live| text(live, "/deploymentController/type").unwrap_or("ECS"));
        if let Some(controller) = controller.filter(|controller| *controller != "CODE_DEPLOY") {
            let message = format!(
                "the service `{name}` is live with the deployment controller `{controller}`, and CodeDeploy deploys \
                 only those of CODE_DEPLOY"
            );
            let hint = "AWS cannot change a service to CODE_DEPLOY: give it another name, or delete it first; or use \
                        ECS's own blue/green deployments.";
            self.error("deployment-controller", pointer, message, hint);
            return None;
        }
        Some(live)
    }

    /// The group's pair, if both are live. One that is named without a manifest and not there is told.
    fn pair(&mut self) -> Option<Pair<'a>> {
        let mut live = Vec::new();
        for at in ["0", "1"] {
            let parent = format!("{INFO}/targetGroups/{at}");
            let pointer = format!("{parent}/name");
            let resource = self.resource()?;
            if let Some(declared) = self.referred(resource, &parent, "name") {
                let group = TargetGroup {
                    document: &declared.spec,
                    declared: Some(declared),
                };
                live.extend(self.live_group(group, &pointer).flatten());
                continue;
            }
            let Some(name) = text(self.spec(), &pointer) else {
                continue;
            };
            let set = self.set;
            let is_declared = set
                .of_kind(Kind::TargetGroup)
                .any(|group| group.aws_name() == name);
            match self.ask(Question::TargetGroupNamed(name.to_owned()), &pointer) {
                Some(Some(group)) => live.push(group),
                Some(None) if !is_declared => {
                    let message = format!(
                        "the target group `{name}` does not exist in {}",
                        self.place.region
                    );
                    let hint =
                        "Correct the name, or declare it and refer to it by `targetGroupRef`.";
                    self.error("missing-target-group", &pointer, message, hint);
                }
                _ => {}
            }
        }
        match live[..] {
            [one, other] => Pair::of(one, other),
            _ => None,
        }
    }

    /// The target group that the service's tasks are in, which must be of the pair.
    fn serving(&mut self, service: &'a Value, pair: &Pair<'a>) -> Option<&'a str> {
        let primary = items(service, "/taskSets")
            .map(|(_, set)| set)
            .find(|set| text(set, "/status") == Some("PRIMARY"));
        let of = |document: &'a Value| text(document, "/loadBalancers/0/targetGroupArn");
        let serving = primary.and_then(of).or_else(|| of(service))?;
        if !pair.sides.iter().any(|(arn, _)| *arn == serving) {
            let message = format!(
                "the service's tasks are in the target group {serving}, which is none of the pair `{}`, `{}`",
                pair.sides[0].1, pair.sides[1].1
            );
            let hint = "Name the pair that the service is behind.";
            let pointer = format!("{INFO}/targetGroups/0/name");
            self.error("pair-mismatch", &pointer, message, hint);
            return None;
        }
        Some(serving)
    }

    /// The listener of a route. One that is named by ARN and not there is told.
    fn route(&mut self, member: &str) -> Option<Route<'a>> {
        let parent = format!("{INFO}/{member}");
        let pointer = format!("{parent}/listenerArns/0");
        if let Some(declared) = self.referred(self.resource()?, &parent, "listenerArns") {
            let live = self.live_listener(declared, &pointer)?;
            return Some(Route {
                pointer,
                live,
                declared: Some(declared),
            });
        }
        let arn = text(self.spec(), &pointer)?;
        let live = self.ask(Question::Listener(arn.to_owned()), &pointer)?;
        if live.is_none() {
            let message = format!(
                "the listener `{arn}` does not exist in {}",
                self.place.region
            );
            let hint = "Name one that does, or declare it and refer to it by `listenerRefs`: aws elbv2 \
                        describe-listeners";
            self.error("missing-listener", &pointer, message, hint);
            return None;
        }
        Some(Route {
            pointer,
            live,
            declared: None,
        })
    }

    /// A target group belongs to one load balancer, which must be the listener's.
    fn same_balancer(&mut self, route: &Route<'a>, pair: Option<&Pair<'a>>) {
        let balancer = route.live.and_then(|live| text(live, "/LoadBalancerArn"));
        let (Some(balancer), Some(pair)) = (balancer, pair) else {
            return;
        };
        for (arn, name) in pair.sides {
            let group = self.ask(Question::TargetGroup(arn.to_owned()), &route.pointer);
            let Some(group) = group.flatten() else {
                continue;
            };
            let mut others = texts(group, "/LoadBalancerArns").map(|(_, other)| other);
            if let Some(other) = others.find(|other| *other != balancer) {
                let message = format!(
                    "the listener is of the load balancer {balancer}, and the target group `{name}` is behind {other}"
                );
                let hint = "Name a listener of the load balancer that the pair is behind.";
                self.error("other-load-balancer", &route.pointer, message, hint);
                return;
            }
        }
    }

    /// Whether a deployment of the group in hand is under way; `None` if that is not known.
    fn is_under_way(&mut self, pointer: &str) -> Option<bool> {
        let (Some(application), Some(group)) = (
            text(self.spec(), "/applicationName"),
            self.resource().map(Resource::aws_name),
        ) else {
            return None;
        };
        let question = Question::DeploymentGroup {
            application: application.to_owned(),
            name: group.to_owned(),
        };
        let Some(live) = self.ask(question, pointer)? else {
            return Some(false);
        };
        let status = text(live, "/lastAttemptedDeployment/status").unwrap_or_default();
        let is_running = UNDER_WAY.contains(&status);
        if is_running {
            let what = format!("traffic of deployment group {group}");
            self.unchecked(what, "a deployment is under way", pointer);
        }
        Some(is_running)
    }
}

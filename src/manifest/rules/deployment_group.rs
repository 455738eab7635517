//! Rules of a `CodeDeploy` deployment group for ECS (aws-facts 2.1, 2.2).

use super::super::envelope::Draft;
use super::super::names;
use super::super::tree::Node;
use super::Rules;
use super::service::controller;
use crate::model::Kind;

const PAIRS: &str = "loadBalancerInfo.targetGroupPairInfoList";
const ALL_AT_ONCE: &str = "CodeDeployDefault.ECSAllAtOnce";
/// Predefined configurations for ECS (aws-facts 2.2).
const CONFIGURATIONS: [&str; 5] = [
    ALL_AT_ONCE,
    "CodeDeployDefault.ECSLinear10PercentEvery1Minutes",
    "CodeDeployDefault.ECSLinear10PercentEvery3Minutes",
    "CodeDeployDefault.ECSCanary10Percent5Minutes",
    "CodeDeployDefault.ECSCanary10Percent15Minutes",
];
/// The longest wait before the old tasks end (aws-facts 2.5).
const MAX_TERMINATION_WAIT: i64 = 2880;

impl<'a> Rules<'a, '_, '_> {
    pub(super) fn deployment_group(&mut self) {
        let spec = self.spec();
        self.forbid(
            &[
                "ec2TagFilters",
                "ec2TagSet",
                "onPremisesInstanceTagFilters",
                "onPremisesTagSet",
                "autoScalingGroups",
            ],
            "is for EC2 and on-premises deployments, not for ECS",
        );
        let why = "a deployment group for ECS has it";
        self.demand(
            &[
                "ecsServices",
                "loadBalancerInfo",
                "blueGreenDeploymentConfiguration",
            ],
            None,
            why,
        );
        if let Some(name) = spec
            .text("applicationName")
            .filter(|name| !names::is_codedeploy_name(name))
        {
            let place = spec.place_of("applicationName");
            let message = format!("`{name}` cannot name an application at AWS");
            self.error("bad-name", place, "applicationName", message)
                .hint("Letters, digits and `+=,.@_-`, at most 100.");
        }
        self.style();
        self.times();
        self.configuration();
        self.ecs_services();
        self.pair();
    }

    fn style(&mut self) {
        let spec = self.spec();
        let style = spec.get(&["deploymentStyle"]);
        for (member, wanted) in [
            ("deploymentType", "BLUE_GREEN"),
            ("deploymentOption", "WITH_TRAFFIC_CONTROL"),
        ] {
            let found = style.and_then(|style| style.text(member));
            if found != Some(wanted) {
                let place = style.map_or(spec.place, |style| style.place_of(member));
                let message = match found {
                    Some(found) => format!("`{found}` is not for ECS"),
                    None => format!("`{member}` is missing: its default is not for ECS"),
                };
                self.error(
                    "deployment-style",
                    place,
                    format!("deploymentStyle.{member}"),
                    message,
                )
                .hint(format!("Write `deploymentStyle: {{{member}: {wanted}}}`."));
            }
        }
    }

    fn times(&mut self) {
        let Some(blue_green) = self.spec().get(&["blueGreenDeploymentConfiguration"]) else {
            return;
        };
        let base = "blueGreenDeploymentConfiguration";
        if let Some(entry) = blue_green.entry("greenFleetProvisioningOption") {
            let path = format!("{base}.greenFleetProvisioningOption");
            self.error(
                "not-allowed",
                entry.key_place,
                path,
                "is for EC2, not for ECS",
            )
            .hint("Remove it.");
        }
        let terminate = blue_green.get(&["terminateBlueInstancesOnDeploymentSuccess"]);
        let wait = terminate.and_then(|node| node.int("terminationWaitTimeInMinutes"));
        if let Some(minutes) = wait.filter(|minutes| !(0..=MAX_TERMINATION_WAIT).contains(minutes))
        {
            let place = terminate.map_or(blue_green.place, |node| {
                node.place_of("terminationWaitTimeInMinutes")
            });
            let path = format!(
                "{base}.terminateBlueInstancesOnDeploymentSuccess.terminationWaitTimeInMinutes"
            );
            let message =
                format!("{minutes} is out of range; AWS takes 0 to {MAX_TERMINATION_WAIT}");
            self.error("out-of-range", place, path, message);
        }
    }

    fn configuration(&mut self) {
        let spec = self.spec();
        let place = spec.place_of("deploymentConfigName");
        let cure = format!("Such as `{ALL_AT_ONCE}`.");
        let Some(name) = spec.text("deploymentConfigName") else {
            if spec.entry("deploymentConfigName").is_none() {
                let message = "`deploymentConfigName` is missing: its default is for EC2";
                self.error("deployment-config", place, "deploymentConfigName", message)
                    .hint(cure);
            }
            return;
        };
        if name.starts_with("CodeDeployDefault.") && !CONFIGURATIONS.contains(&name) {
            let hint = super::super::nearest::suggestion(name, CONFIGURATIONS).unwrap_or(cure);
            let message = format!("`{name}` is no configuration for ECS");
            self.error("deployment-config", place, "deploymentConfigName", message)
                .hint(hint);
        } else if name != ALL_AT_ONCE && self.is_behind_network_load_balancer() {
            let message =
                format!("`{name}`: behind a network load balancer only {ALL_AT_ONCE} works");
            self.error("deployment-config", place, "deploymentConfigName", message)
                .hint("Canary and linear shifting need an application load balancer.");
        }
    }

    /// By the pair's protocol, or by the load balancer of its listeners.
    fn is_behind_network_load_balancer(&self) -> bool {
        let by_protocol = self.world.pair_of(self.draft).into_iter().any(|group| {
            matches!(
                group.spec.text("Protocol"),
                Some("TCP" | "UDP" | "TLS" | "TCP_UDP")
            )
        });
        let of_network = |listener: &Draft| {
            let parent = self.world.linked(listener, "/LoadBalancerRef");
            parent.is_some_and(|parent| parent.spec.text("Type") == Some("network"))
        };
        by_protocol || self.listeners().into_iter().any(of_network)
    }

    fn listeners(&self) -> Vec<&'a Draft> {
        let links = self
            .draft
            .links
            .iter()
            .filter(|link| link.target.kind == Kind::Listener);
        links
            .filter_map(|link| self.world.get(&link.target))
            .collect()
    }

    fn ecs_services(&mut self) {
        let spec = self.spec();
        let elements = spec.list("ecsServices");
        let place = spec.place_of("ecsServices");
        if elements.len() != 1 && spec.entry("ecsServices").is_some() {
            let message = format!(
                "a deployment group deploys exactly one service, this one names {}",
                elements.len()
            );
            self.error("service-count", place, "ecsServices", message);
        }
        for (index, element) in elements.iter().enumerate() {
            let path = format!("ecsServices[{index}]");
            if element.entry("serviceRef").is_none() {
                for member in ["serviceName", "clusterName"] {
                    if element.entry(member).is_none() {
                        let message = format!("`{member}` is missing");
                        self.error("missing-field", element.place, &path, message)
                            .hint("Give both names, or `serviceRef` to name a manifest.");
                    }
                }
            } else if let Some(entry) = element.entry("clusterName") {
                let message = "`clusterName` and `serviceRef` stand side by side";
                self.error("two-ways", entry.key_place, &path, message)
                    .hint("Keep one of the two.");
            }
        }
        for service in self.world.services_of(self.draft) {
            if controller(&service.spec) != "CODE_DEPLOY" {
                let message = format!(
                    "{} does not have the deployment controller `CODE_DEPLOY`",
                    service.key
                );
                self.error("controller", place, "ecsServices", message)
                    .hint("Write `deploymentController: {type: CODE_DEPLOY}` in the service.");
            }
            self.only_group_of(service);
            self.serves_pair(service);
        }
    }

    /// A service can be in one deployment group only.
    fn only_group_of(&mut self, service: &Draft) {
        let first = self.world.groups_of(&service.key).first().copied();
        if let Some(first) = first.filter(|first| first.key != self.draft.key) {
            let place = self.spec().place_of("ecsServices");
            let message = format!("{} is already deployed by {}", service.key, first.key);
            self.error("duplicate-identity", place, "ecsServices", message)
                .hint("A service can be in one deployment group only.");
        }
    }

    /// The service's target group must be one of the pair.
    fn serves_pair(&mut self, service: &Draft) {
        let Some(own) = service.linked("/loadBalancers/0/targetGroupRef") else {
            return;
        };
        let pair = self.world.pair_of(self.draft);
        if pair.len() == 2 && pair.iter().all(|group| group.key != *own) {
            let path = format!("{PAIRS}[0].targetGroups");
            let message = format!("{} is behind {own}, which is not in this pair", service.key);
            let place = self.spec().place_of("loadBalancerInfo");
            self.error("target-group-pair", place, path, message);
        }
    }

    fn pair(&mut self) {
        let Some(infos) = self
            .spec()
            .get(&["loadBalancerInfo", "targetGroupPairInfoList"])
        else {
            if let Some(info) = self.spec().get(&["loadBalancerInfo"]) {
                let message = "`targetGroupPairInfoList` is missing: blue/green needs a pair of target groups";
                self.error("missing-field", info.place, "loadBalancerInfo", message);
            }
            return;
        };
        if infos.items().len() != 1 {
            let message = format!(
                "exactly one pair is allowed, here are {}",
                infos.items().len()
            );
            self.error("target-group-pair", infos.place, PAIRS, message);
        }
        for (index, info) in infos.items().iter().enumerate() {
            self.one_pair(info, &format!("{PAIRS}[{index}]"));
        }
    }

    fn one_pair(&mut self, info: &Node, path: &str) {
        let groups = info.list("targetGroups");
        let path_groups = format!("{path}.targetGroups");
        if let [first, second] = groups {
            let named = |node: &Node| {
                let by = |member: &str| Some((member.to_owned(), node.text(member)?.to_owned()));
                by("targetGroupRef").or_else(|| by("name"))
            };
            let keys = self.world.pair_of(self.draft);
            let one_manifest = keys.len() == 2 && keys[0].key == keys[1].key;
            if one_manifest || (named(first).is_some() && named(first) == named(second)) {
                let message = "the pair's two target groups are one and the same";
                self.error("target-group-pair", second.place, path_groups, message)
                    .hint(
                        "CodeDeploy shifts traffic from one group to another: make a second one.",
                    );
            }
        } else {
            let message = format!(
                "a pair has two target groups, this one has {}",
                groups.len()
            );
            self.error(
                "target-group-pair",
                info.place_of("targetGroups"),
                path_groups,
                message,
            );
        }
        self.routes(info, path);
    }

    fn routes(&mut self, info: &Node, path: &str) {
        let mut routes = Vec::new();
        for route in ["prodTrafficRoute", "testTrafficRoute"] {
            let Some(node) = info.get(&[route]) else {
                if route == "prodTrafficRoute" {
                    let message = "`prodTrafficRoute` is missing: it names the production listener";
                    self.error("missing-field", info.place, path, message);
                }
                continue;
            };
            let path = format!("{path}.{route}");
            let named = if node.entry("listenerRefs").is_some() {
                "listenerRefs"
            } else {
                "listenerArns"
            };
            let listeners = node.list(named);
            if listeners.len() != 1 && !(named == "listenerRefs" && listeners.is_empty()) {
                let message = format!(
                    "a route has exactly one listener, this one has {}",
                    listeners.len()
                );
                self.error("traffic-route", node.place, path, message);
            }
            routes.push((node, named, listeners.first().and_then(Node::as_text)));
        }
        if let [(_, first_by, Some(first)), (node, second_by, Some(second))] = routes[..]
            && first == second
            && first_by == second_by
        {
            let path = format!("{path}.testTrafficRoute");
            let message = "production and test traffic have the same listener";
            self.error("traffic-route", node.place, path, message);
        }
        let mut parents: Vec<_> = self
            .listeners()
            .into_iter()
            .filter_map(|one| one.linked("/LoadBalancerRef"))
            .collect();
        parents.dedup();
        if parents.len() > 1 {
            let message = format!("the listeners belong to {} and {}", parents[0], parents[1]);
            self.error("traffic-route", info.place, path, message)
                .hint("Both listeners must belong to one load balancer.");
        }
    }
}

//! Rules of where and how often a service's tasks run: scheduling, launch type, capacity providers,
//! availability zones (aws-facts 1.5, 8).

use super::super::tree::Node;
use super::Rules;
use super::service::controller;

const ON_FARGATE: [&str; 2] = ["FARGATE", "FARGATE_SPOT"];

impl Rules<'_, '_, '_> {
    pub(super) fn placement(&mut self) {
        let spec = self.spec();
        if spec.text("schedulingStrategy") == Some("DAEMON") {
            let why = "is not for the scheduling strategy `DAEMON`";
            self.forbid(
                &["desiredCount", "placementStrategy", "volumeConfigurations"],
                why,
            );
        }
        match spec.text("launchType") {
            Some("EC2" | "EXTERNAL") => {
                self.forbid(&["platformVersion"], "is only for Fargate");
                self.public_address();
            }
            Some("FARGATE") => {
                for member in ["placementConstraints", "placementStrategy"] {
                    if !spec.list(member).is_empty() {
                        self.forbid(&[member], "is not for Fargate");
                    }
                }
            }
            _ => {}
        }
        self.capacity();
        self.zones();
    }

    /// Only Fargate gives its tasks public addresses.
    fn public_address(&mut self) {
        let path = ["networkConfiguration", "awsvpcConfiguration"];
        if let Some(vpc) = self.spec().get(&path)
            && vpc.text("assignPublicIp") == Some("ENABLED")
        {
            let path = format!("{}.assignPublicIp", path.join("."));
            let message = "tasks on instances cannot have public addresses";
            self.error("not-allowed", vpc.place_of("assignPublicIp"), path, message)
                .hint("Write `DISABLED`, or leave it out.");
        }
    }

    fn capacity(&mut self) {
        let spec = self.spec();
        let strategy = spec.list("capacityProviderStrategy");
        let place = spec.place_of("capacityProviderStrategy");
        let mut error = |message: &str| {
            self.error("capacity", place, "capacityProviderStrategy", message);
        };
        let at_least = |member: &str| {
            let all = strategy.iter();
            all.filter(|one| one.int(member).unwrap_or(0) > 0).count()
        };
        if strategy.len() > 1 && at_least("weight") == 0 {
            error("at least one provider needs a weight above 0");
        }
        if at_least("base") > 1 {
            error("only one provider may have a base");
        }
        if strategy.len() > 20 {
            error("AWS takes 20 providers at most");
        }
        let names = strategy
            .iter()
            .filter_map(|one| one.text("capacityProvider"));
        let (fargate, other): (Vec<_>, Vec<_>) = names.partition(|name| ON_FARGATE.contains(name));
        if !fargate.is_empty() && !other.is_empty() {
            error("Fargate and other capacity providers do not mix");
        }
    }

    /// What rebalancing over availability zones is not for.
    fn zones(&mut self) {
        let spec = self.spec();
        if spec.text("availabilityZoneRebalancing") != Some("ENABLED") {
            return;
        }
        let most = spec
            .get(&["deploymentConfiguration"])
            .and_then(|node| node.int("maximumPercent"));
        let classic = |entry: &Node| entry.entry("loadBalancerName").is_some();
        let by_zone = |one: &Node| {
            one.text("expression")
                .is_some_and(|e| e.contains("availability-zone"))
        };
        let first = spec.list("placementStrategy").first();
        let reason = if spec.text("schedulingStrategy") == Some("DAEMON") {
            "the scheduling strategy `DAEMON`"
        } else if controller(spec) == "EXTERNAL" {
            "the deployment controller `EXTERNAL`"
        } else if most == Some(100) {
            "a `maximumPercent` of 100"
        } else if spec.list("loadBalancers").iter().any(classic) {
            "a Classic Load Balancer"
        } else if spec.list("placementConstraints").iter().any(by_zone) {
            "a placement constraint on the availability zone"
        } else if first
            .is_some_and(|one| one.text("field") != Some("attribute:ecs.availability-zone"))
        {
            "a placement strategy that does not begin with a spread over availability zones"
        } else {
            return;
        };
        let message = format!("availability zones cannot be rebalanced with {reason}");
        let place = spec.place_of("availabilityZoneRebalancing");
        self.error("not-allowed", place, "availabilityZoneRebalancing", message)
            .hint("Write `DISABLED`, or leave it out.");
    }
}

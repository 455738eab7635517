//! Rules of a service by itself. Those of the `CODE_DEPLOY` controller are in `code_deploy`, those
//! against the task definition and the target groups in `wiring`.

use super::super::tree::Node;
use super::Rules;

/// Subnets and security groups of a service (aws-facts 3.2).
const MAX_SUBNETS: usize = 16;
const MAX_SECURITY_GROUPS: usize = 5;

/// The controller's type; `ECS` where none is given.
pub(super) fn controller(spec: &Node) -> &str {
    spec.get(&["deploymentController"])
        .and_then(|node| node.text("type"))
        .unwrap_or("ECS")
}

impl Rules<'_, '_, '_> {
    pub(super) fn service(&mut self) {
        let spec = self.spec();
        if controller(spec) != "EXTERNAL" {
            self.demand(
                &["taskDefinition"],
                Some("taskDefinitionRef"),
                "a service runs one",
            );
        }
        if spec.entry("launchType").is_some() {
            self.forbid(
                &["capacityProviderStrategy"],
                "and `launchType` exclude each other",
            );
        }
        if spec.text("schedulingStrategy") == Some("DAEMON") {
            self.forbid(
                &["desiredCount"],
                "is not for the scheduling strategy `DAEMON`",
            );
        }
        if spec.list("loadBalancers").is_empty() {
            self.forbid(
                &["healthCheckGracePeriodSeconds"],
                "is only for services with load balancers",
            );
        }
        if spec.int("desiredCount").is_some_and(|count| count < 0) {
            let place = spec.place_of("desiredCount");
            self.error("out-of-range", place, "desiredCount", "cannot be negative");
        }
        self.capacity();
        self.network();
        self.load_balancer_entries();
        match controller(spec) {
            "CODE_DEPLOY" => self.code_deploy_service(),
            "ECS" => self.strategy(),
            _ => {}
        }
        self.wiring();
    }

    fn capacity(&mut self) {
        let spec = self.spec();
        let strategy = spec.list("capacityProviderStrategy");
        let place = spec.place_of("capacityProviderStrategy");
        if strategy.len() > 1
            && strategy
                .iter()
                .all(|one| one.int("weight").unwrap_or(0) == 0)
        {
            let message = "at least one provider needs a weight above 0";
            self.error("capacity", place, "capacityProviderStrategy", message);
        }
        if strategy
            .iter()
            .filter(|one| one.int("base").unwrap_or(0) > 0)
            .count()
            > 1
        {
            let message = "only one provider may have a base";
            self.error("capacity", place, "capacityProviderStrategy", message);
        }
    }

    fn network(&mut self) {
        let Some(vpc) = self
            .spec()
            .get(&["networkConfiguration", "awsvpcConfiguration"])
        else {
            return;
        };
        for (member, most) in [
            ("subnets", MAX_SUBNETS),
            ("securityGroups", MAX_SECURITY_GROUPS),
        ] {
            let count = vpc.list(member).len();
            if count > most {
                let path = format!("networkConfiguration.awsvpcConfiguration.{member}");
                let message = format!("{count} elements; AWS takes {most}");
                self.error("too-many", vpc.place_of(member), path, message);
            }
        }
        if vpc.entry("subnets").is_some() && vpc.list("subnets").is_empty() {
            let path = "networkConfiguration.awsvpcConfiguration.subnets";
            self.error(
                "missing-field",
                vpc.place_of("subnets"),
                path,
                "at least one subnet is needed",
            );
        }
    }

    fn load_balancer_entries(&mut self) {
        for (index, entry) in self.spec().list("loadBalancers").iter().enumerate() {
            let path = format!("loadBalancers[{index}]");
            for member in ["containerName", "containerPort"] {
                if entry.entry(member).is_none() {
                    self.error(
                        "missing-field",
                        entry.place,
                        &path,
                        format!("`{member}` is missing"),
                    );
                }
            }
            let target = ["targetGroupArn", "targetGroupRef", "loadBalancerName"];
            if target.iter().all(|member| entry.entry(member).is_none()) {
                let message = "`targetGroupArn` is missing";
                self.error("missing-field", entry.place, &path, message)
                    .hint("Give `targetGroupArn`, or `targetGroupRef` to name a manifest.");
            }
        }
    }

    /// Strategies of the ECS controller (aws-facts 1.1).
    fn strategy(&mut self) {
        let Some(configuration) = self.spec().get(&["deploymentConfiguration"]) else {
            return;
        };
        let strategy = configuration.text("strategy").unwrap_or("ROLLING");
        for (member, owner) in [
            ("linearConfiguration", "LINEAR"),
            ("canaryConfiguration", "CANARY"),
        ] {
            if let Some(entry) = configuration.entry(member).filter(|_| strategy != owner) {
                let path = format!("deploymentConfiguration.{member}");
                let message = format!("`{member}` is only for the strategy `{owner}`");
                self.error("not-allowed", entry.key_place, path, message);
            }
        }
        if strategy == "BLUE_GREEN" && configuration.entry("bakeTimeInMinutes").is_none() {
            let path = "deploymentConfiguration";
            let message = "`bakeTimeInMinutes` is missing: the strategy `BLUE_GREEN` needs it";
            self.error("missing-field", configuration.place, path, message)
                .hint("0 is allowed.");
        }
        if strategy == "ROLLING" {
            return;
        }
        for (index, entry) in self.spec().list("loadBalancers").iter().enumerate() {
            if entry.entry("advancedConfiguration").is_none() {
                let message = format!(
                    "`advancedConfiguration` is missing: the strategy `{strategy}` needs it"
                );
                self.error(
                    "missing-field",
                    entry.place,
                    format!("loadBalancers[{index}]"),
                    message,
                );
            }
        }
    }
}

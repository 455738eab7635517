//! Rules of a service by itself. Those of the `CODE_DEPLOY` controller are in `code_deploy`, of the
//! strategies of the ECS controller in `strategy`, of where tasks run in `placement`, and those against
//! the task definition and the target groups in `wiring`.

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
        if spec.list("loadBalancers").is_empty()
            && spec.list("vpcLatticeConfigurations").is_empty()
            && spec
                .int("healthCheckGracePeriodSeconds")
                .is_some_and(|seconds| seconds > 0)
        {
            // ECS once refused it; its model now says that it is unused without any health check.
            let place = spec.place_of("healthCheckGracePeriodSeconds");
            let message = "without a load balancer only the containers' own health checks heed it";
            self.warning("no-effect", place, "healthCheckGracePeriodSeconds", message);
        }
        if spec.int("desiredCount").is_some_and(|count| count < 0) {
            let place = spec.place_of("desiredCount");
            self.error("out-of-range", place, "desiredCount", "cannot be negative");
        }
        self.placement();
        self.network();
        self.load_balancer_entries();
        self.balancer_sorts();
        self.registries();
        match controller(spec) {
            "CODE_DEPLOY" => self.code_deploy_service(),
            "ECS" => self.strategy(),
            "EXTERNAL" => self.ecs_only_features(),
            _ => {}
        }
        self.wiring();
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

    /// All of one sort, and no target group twice.
    fn balancer_sorts(&mut self) {
        let entries = self.spec().list("loadBalancers");
        let is_classic = |entry: &Node| {
            entry
                .entry("loadBalancerName")
                .is_some_and(|one| one.value.as_text() != Some(""))
        };
        let (classic, other): (Vec<_>, Vec<_>) = entries.iter().partition(|one| is_classic(one));
        if let (Some(classic), false) = (classic.first(), other.is_empty()) {
            let message = "Classic Load Balancers and target groups do not mix";
            self.error("not-allowed", classic.place, "loadBalancers", message);
        }
        let mut seen = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            let group = ["targetGroupRef", "targetGroupArn"]
                .into_iter()
                .find_map(|member| Some((member, entry.text(member)?)));
            let port = (
                group,
                entry.text("containerName"),
                entry.int("containerPort"),
            );
            let Some((member, name)) = group else {
                continue;
            };
            if seen.contains(&port) {
                let path = format!("loadBalancers[{index}].{member}");
                let message = format!("`{name}` stands here a second time with the same port");
                self.error("duplicate", entry.place_of(member), path, message);
            }
            seen.push(port);
        }
    }

    fn registries(&mut self) {
        let count = self.spec().list("serviceRegistries").len();
        if count > 1 {
            let place = self.spec().place_of("serviceRegistries");
            let message = format!("{count} registries; AWS takes 1");
            self.error("too-many", place, "serviceRegistries", message);
        }
    }
}

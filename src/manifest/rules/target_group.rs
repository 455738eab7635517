//! Rules of target groups and load balancers (aws-facts 4).

use std::collections::BTreeSet;

use super::Rules;

impl Rules<'_, '_, '_> {
    pub(super) fn target_group(&mut self) {
        let spec = self.spec();
        if spec.text("TargetType") == Some("lambda") {
            let message = "ECS registers no tasks with a target group of the type `lambda`";
            self.error(
                "target-type",
                spec.place_of("TargetType"),
                "TargetType",
                message,
            )
            .hint("Use `ip` for awsvpc tasks, `instance` for others.");
            return;
        }
        self.demand(
            &["Protocol", "Port", "VpcId"],
            None,
            "AWS wants it for this target type",
        );
        let protocol = spec.text("Protocol").unwrap_or_default();
        let http = matches!(protocol, "HTTP" | "HTTPS");
        if !protocol.is_empty() && !http {
            self.forbid(&["ProtocolVersion"], "is only for HTTP and HTTPS");
        }
        let health =
            spec.text("HealthCheckProtocol")
                .unwrap_or(if http { protocol } else { "TCP" });
        if !protocol.is_empty() && !matches!(health, "HTTP" | "HTTPS") {
            self.forbid(
                &["HealthCheckPath", "Matcher"],
                "is only for health checks by HTTP or HTTPS",
            );
        }
        if let Some(path) = spec
            .text("HealthCheckPath")
            .filter(|path| !path.starts_with('/'))
        {
            let place = spec.place_of("HealthCheckPath");
            let message = format!("`{path}` does not begin with `/`");
            self.error("bad-value", place, "HealthCheckPath", message)
                .hint(format!("Write `/{path}`."));
        }
        let (interval, timeout) = (
            spec.int("HealthCheckIntervalSeconds"),
            spec.int("HealthCheckTimeoutSeconds"),
        );
        if let (Some(timeout), interval) = (timeout, interval.unwrap_or(30))
            && timeout >= interval
            && http
        {
            let place = spec.place_of("HealthCheckTimeoutSeconds");
            let message = format!(
                "the timeout of {timeout} s must be less than the interval of {interval} s"
            );
            self.error("health-check", place, "HealthCheckTimeoutSeconds", message);
        }
    }

    pub(super) fn load_balancer(&mut self) {
        let spec = self.spec();
        let (subnets, mappings) = (spec.entry("Subnets"), spec.entry("SubnetMappings"));
        match (subnets, mappings) {
            (None, None) => {
                let message = "`Subnets` is missing: a load balancer stands in subnets";
                self.error("missing-field", spec.place, "Subnets", message)
                    .hint("Give `Subnets` or `SubnetMappings`.");
            }
            (Some(_), Some(mappings)) => {
                let message = "`Subnets` and `SubnetMappings` exclude each other";
                self.error("two-ways", mappings.key_place, "SubnetMappings", message);
            }
            _ => {}
        }
        let application = spec.text("Type").unwrap_or("application") == "application";
        let all = spec.list("Subnets");
        let distinct: BTreeSet<_> = all.iter().filter_map(|one| one.as_text()).collect();
        let count = distinct.len() + spec.list("SubnetMappings").len();
        if application && count == 1 {
            let place = subnets
                .or(mappings)
                .map_or(spec.place, |entry| entry.key_place);
            let message =
                "an application load balancer needs subnets of at least two availability zones";
            self.error("subnets", place, "Subnets", message);
        }
        if distinct.len() < all.len() && all.iter().all(|one| one.as_text().is_some()) {
            let message = "a subnet stands here a second time";
            self.error("duplicate", spec.place_of("Subnets"), "Subnets", message);
        }
    }
}

//! Rules of target groups and load balancers (aws-facts 4).

use std::collections::BTreeSet;

use super::Rules;
use crate::model::Kind;

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
        self.health_check();
        self.one_balancer();
    }

    /// What the health check's members take (their descriptions in the Elastic Load Balancing model).
    fn health_check(&mut self) {
        let spec = self.spec();
        if spec.flag("HealthCheckEnabled") == Some(false) {
            let place = spec.place_of("HealthCheckEnabled");
            let message = "health checks of this target type cannot be turned off";
            self.error("health-check", place, "HealthCheckEnabled", message)
                .hint("Remove it.");
        }
        if let Some(port) = spec.text("HealthCheckPort")
            && port != "traffic-port"
            && !port.parse::<u16>().is_ok_and(|port| port > 0)
        {
            let place = spec.place_of("HealthCheckPort");
            let message = format!("`{port}` is no port");
            self.error("bad-value", place, "HealthCheckPort", message)
                .hint("Write `traffic-port` or a number in quotes.");
        }
        let Some(matcher) = spec.get(&["Matcher"]) else {
            return;
        };
        let grpc = spec.text("ProtocolVersion") == Some("GRPC");
        let (member, other) = if grpc {
            ("GrpcCode", "HttpCode")
        } else {
            ("HttpCode", "GrpcCode")
        };
        if let Some(entry) = matcher.entry(other) {
            let version = if grpc { "GRPC" } else { "other than GRPC" };
            let message = format!("`{other}` is not for a protocol version {version}");
            self.error(
                "not-allowed",
                entry.key_place,
                format!("Matcher.{other}"),
                message,
            )
            .hint(format!("Use `{member}`."));
        }
        let (least, most) = if grpc { (0, 99) } else { (200, 599) };
        if let Some(codes) = matcher
            .text(member)
            .filter(|codes| !are_codes(codes, least, most))
        {
            let message = format!("`{codes}` are no codes between {least} and {most}");
            let place = matcher.place_of(member);
            self.error("bad-value", place, format!("Matcher.{member}"), message)
                .hint("Such as \"200\", \"200,302\" or \"200-299\".");
        }
    }

    /// One target group is behind one load balancer at most.
    fn one_balancer(&mut self) {
        let mut balancers: BTreeSet<_> = BTreeSet::new();
        for front in self.world.fronts_of(&self.draft.key) {
            let listener = match front.key.kind {
                Kind::Listener => Some(*front),
                _ => self.world.linked(front, "/ListenerRef"),
            };
            balancers.extend(listener.and_then(|one| one.linked("/LoadBalancerRef")));
        }
        let mut balancers = balancers.into_iter();
        if let (Some(first), Some(second)) = (balancers.next(), balancers.next()) {
            let message =
                format!("{first} and {second} forward to it; AWS allows one load balancer");
            let found = self.findings.error(
                "load-balancer-count",
                self.draft.name_place,
                "metadata.name",
                message,
            );
            found.hint("Make a target group for each load balancer.");
            self.draft.file.clone_into(&mut found.file);
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

/// Codes and ranges of codes, such as `200,302` and `200-299`.
fn are_codes(text: &str, least: u16, most: u16) -> bool {
    text.split(',').all(|part| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let code = |text: &str| text.trim().parse::<u16>().ok();
        code(from)
            .zip(code(to))
            .is_some_and(|(from, to)| least <= from && from <= to && to <= most)
    })
}

//! Rules of listeners and their rules (aws-facts 4).

use super::super::nearest::suggestion;
use super::super::schema::listed;
use super::super::tree::Node;
use super::Rules;
use crate::model::Kind;

/// Protocols by type of load balancer (`Protocol` of `CreateListener`, Elastic Load Balancing API reference).
const APPLICATION: [&str; 2] = ["HTTP", "HTTPS"];
const NETWORK: [&str; 6] = ["TCP", "TLS", "UDP", "TCP_UDP", "QUIC", "TCP_QUIC"];
/// Target groups of an action, condition values of a rule (aws-facts 4).
const MAX_TARGET_GROUPS: usize = 5;
const MAX_VALUES: usize = 5;
/// Actions that end a request (`Actions` of `CreateRule`).
const FINAL: [&str; 3] = ["forward", "fixed-response", "redirect"];
/// What a condition can look at, and the section that says for what (`RuleCondition`).
const FIELDS: [(&str, &str); 6] = [
    ("host-header", "HostHeaderConfig"),
    ("http-header", "HttpHeaderConfig"),
    ("http-request-method", "HttpRequestMethodConfig"),
    ("path-pattern", "PathPatternConfig"),
    ("query-string", "QueryStringConfig"),
    ("source-ip", "SourceIpConfig"),
];
/// The greatest weight of a target group (aws-facts 4).
const MAX_WEIGHT: i64 = 999;

impl Rules<'_, '_, '_> {
    pub(super) fn listener(&mut self) {
        let spec = self.spec();
        let parent = self.world.linked(self.draft, "/LoadBalancerRef");
        let ty = parent.map(|parent| parent.spec.text("Type").unwrap_or("application"));
        if ty != Some("gateway") {
            self.demand(&["Protocol", "Port"], None, "a listener has one");
        }
        let protocol = spec.text("Protocol").unwrap_or_default();
        let known: &[&str] = match ty {
            Some("application") => &APPLICATION,
            Some("network") => &NETWORK,
            _ => &[],
        };
        if !protocol.is_empty() && !known.is_empty() && !known.contains(&protocol) {
            let message = format!(
                "`{protocol}` is not for a load balancer of the type `{}`",
                ty.unwrap_or_default()
            );
            self.error("protocol", spec.place_of("Protocol"), "Protocol", message)
                .hint(format!("One of {}.", listed(known)));
        }
        if matches!(protocol, "HTTPS" | "TLS") {
            self.demand(&["Certificates"], None, "the protocol needs a certificate");
        } else if !protocol.is_empty() {
            self.forbid(&["Certificates", "SslPolicy"], "is only for HTTPS and TLS");
        }
        self.actions("DefaultActions", protocol);
    }

    pub(super) fn listener_rule(&mut self) {
        let spec = self.spec();
        if let Some(listener) = self.world.linked(self.draft, "/ListenerRef")
            && listener
                .spec
                .text("Protocol")
                .is_some_and(|protocol| NETWORK.contains(&protocol))
        {
            let place = spec.place_of("ListenerRef");
            let message = "listeners of network load balancers have no rules";
            self.error("not-allowed", place, "ListenerRef", message);
        }
        let conditions = spec.list("Conditions");
        if conditions.is_empty() && spec.entry("Conditions").is_some() {
            let place = spec.place_of("Conditions");
            self.error(
                "missing-field",
                place,
                "Conditions",
                "a rule needs at least one condition",
            );
        }
        self.conditions();
        let mut values = 0;
        for (index, condition) in conditions.iter().enumerate() {
            if condition.entry("Field").is_none() {
                let message = "`Field` is missing";
                let path = format!("Conditions[{index}]");
                self.error("missing-field", condition.place, path, message)
                    .hint("Such as `Field: path-pattern`.");
            }
            let configured = condition
                .entries()
                .iter()
                .map(|entry| entry.value.list("Values").len());
            values += condition.list("Values").len() + configured.sum::<usize>();
        }
        if values > MAX_VALUES {
            let message = format!("{values} condition values; AWS takes {MAX_VALUES} a rule");
            self.error(
                "too-many",
                spec.place_of("Conditions"),
                "Conditions",
                message,
            )
            .hint("Make a second rule.");
        }
        let listener = self.world.linked(self.draft, "/ListenerRef");
        let protocol = listener.and_then(|one| one.spec.text("Protocol"));
        self.actions("Actions", protocol.unwrap_or_default());
    }

    /// `protocol`: the listener's; empty if it is not known.
    fn actions(&mut self, member: &'static str, protocol: &str) {
        let spec = self.spec();
        self.last_action(member);
        self.protocols(protocol);
        if spec.entry(member).is_some() && spec.list(member).is_empty() {
            self.error(
                "missing-field",
                spec.place_of(member),
                member,
                "at least one action is needed",
            );
        }
        for (index, action) in spec.list(member).iter().enumerate() {
            let path = format!("{member}[{index}]");
            let needed: &[&str] = match action.text("Type") {
                Some("forward") => &["TargetGroupArn", "TargetGroupRef", "ForwardConfig"],
                Some("fixed-response") => &["FixedResponseConfig"],
                Some("redirect") => &["RedirectConfig"],
                Some("authenticate-oidc") => &["AuthenticateOidcConfig"],
                Some("authenticate-cognito") => &["AuthenticateCognitoConfig"],
                _ => continue,
            };
            if needed.iter().all(|name| action.entry(name).is_none()) {
                let message = format!("the action needs one of {}", listed(needed));
                self.error("missing-field", action.place, &path, message);
            }
            self.forward(action, &path);
        }
    }

    /// One action ends a request, and it is the last.
    fn last_action(&mut self, member: &'static str) {
        let actions = self.spec().list(member);
        let ends = |one: &Node| one.text("Type").is_some_and(|ty| FINAL.contains(&ty));
        let known = actions.iter().all(|one| one.text("Type").is_some());
        let ending = actions.iter().filter(|one| ends(one)).count();
        if known && !actions.is_empty() && ending != 1 {
            let message = format!(
                "exactly one action is one of {}, here are {ending}",
                listed(&FINAL)
            );
            self.error(
                "action-count",
                self.spec().place_of(member),
                member,
                message,
            );
        }
    }

    /// A listener and its target groups speak protocols of one layer.
    fn protocols(&mut self, protocol: &str) {
        let layer = |protocol: &str| {
            let application = APPLICATION.contains(&protocol);
            application
                .then_some(true)
                .or_else(|| NETWORK.contains(&protocol).then_some(false))
        };
        let Some(own) = layer(protocol) else { return };
        for link in &self.draft.links {
            let Some(group) = self.world.get(&link.target) else {
                continue;
            };
            let Some(other) = group
                .spec
                .text("Protocol")
                .filter(|_| group.key.kind == Kind::TargetGroup)
            else {
                continue;
            };
            if layer(other).is_some_and(|other| other != own) {
                let message = format!("{} speaks {other}, the listener {protocol}", group.key);
                let path = link.path.trim_start_matches("spec.").to_owned();
                self.error("protocol", link.place, path, message)
                    .hint("HTTP and HTTPS go together, and so do the protocols of network load balancers.");
            }
        }
    }

    fn conditions(&mut self) {
        for (index, condition) in self.spec().list("Conditions").iter().enumerate() {
            let path = format!("Conditions[{index}]");
            let Some(field) = condition.text("Field") else {
                continue;
            };
            let Some((_, section)) = FIELDS.iter().find(|(name, _)| *name == field) else {
                let names = FIELDS.map(|(name, _)| name);
                let message = format!("`{field}` is not one of {}", listed(&names));
                let hint = suggestion(field, names);
                let found = self.error(
                    "bad-value",
                    condition.place_of("Field"),
                    format!("{path}.Field"),
                    message,
                );
                found.hint = hint;
                continue;
            };
            let short = ["Values", "RegexValues"];
            let has_short = short
                .iter()
                .any(|member| !condition.list(member).is_empty());
            if !has_short && condition.entry(section).is_none() {
                let message = format!("the condition has no values: `{section}` is missing");
                self.error("missing-field", condition.place, path, message);
            }
            for other in condition.entries() {
                let foreign = FIELDS
                    .iter()
                    .any(|(_, name)| *name == other.key && name != section);
                if foreign {
                    let message = format!("`{}` is not for the field `{field}`", other.key);
                    let path = format!("Conditions[{index}].{}", other.key);
                    self.error("not-allowed", other.key_place, path, message)
                        .hint(format!("Use `{section}`."));
                }
            }
        }
    }

    fn forward(&mut self, action: &Node, path: &str) {
        let Some(config) = action.get(&["ForwardConfig"]) else {
            return;
        };
        let groups = config.list("TargetGroups");
        if groups.len() > MAX_TARGET_GROUPS {
            let message = format!(
                "{} target groups; AWS takes {MAX_TARGET_GROUPS}",
                groups.len()
            );
            self.error(
                "too-many",
                config.place,
                format!("{path}.ForwardConfig"),
                message,
            );
        }
        for (index, group) in groups.iter().enumerate() {
            let path = format!("{path}.ForwardConfig.TargetGroups[{index}]");
            if ["TargetGroupArn", "TargetGroupRef"]
                .iter()
                .all(|name| group.entry(name).is_none())
            {
                let message = "`TargetGroupArn` is missing";
                self.error("missing-field", group.place, &path, message)
                    .hint("Give `TargetGroupArn`, or `TargetGroupRef` to name a manifest.");
            }
            if let Some(weight) = group
                .int("Weight")
                .filter(|one| !(0..=MAX_WEIGHT).contains(one))
            {
                let message = format!("{weight} is out of range; AWS takes 0 to {MAX_WEIGHT}");
                self.error(
                    "out-of-range",
                    group.place_of("Weight"),
                    format!("{path}.Weight"),
                    message,
                );
            }
        }
    }
}

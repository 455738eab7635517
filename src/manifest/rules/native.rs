//! Rules of the load balancers of a service that ECS itself shifts traffic for: the strategies
//! `BLUE_GREEN`, `LINEAR` and `CANARY` (aws-facts 1.1).

use std::collections::BTreeSet;

use super::super::envelope::Draft;
use super::super::tree::Node;
use super::Rules;
use crate::model::Key;

impl<'a> Rules<'a, '_, '_> {
    /// The load balancer entries of a service with this strategy.
    pub(super) fn native_balancers(&mut self, strategy: &str) {
        for (index, entry) in self.spec().list("loadBalancers").iter().enumerate() {
            let path = format!("loadBalancers[{index}]");
            let Some(advanced) = entry.get(&["advancedConfiguration"]) else {
                let message = format!(
                    "`advancedConfiguration` is missing: the strategy `{strategy}` needs it"
                );
                self.error("missing-field", entry.place, path, message);
                continue;
            };
            if let Some(classic) = entry.entry("loadBalancerName") {
                let message = "a Classic Load Balancer cannot shift traffic";
                let path = format!("{path}.loadBalancerName");
                self.error("not-allowed", classic.key_place, path, message)
                    .hint("Name a target group.");
            }
            self.advanced(entry, advanced, index);
        }
    }

    fn advanced(&mut self, entry: &Node, advanced: &'a Node, index: usize) {
        let path = format!("loadBalancers[{index}].advancedConfiguration");
        let needed: [(&str, &[&str]); 3] = [
            ("alternateTargetGroupArn", &["alternateTargetGroupRef"]),
            ("productionListenerRule", &PRODUCTION),
            ("roleArn", &[]),
        ];
        for (member, references) in needed {
            if advanced.entry(member).is_none() && named(advanced, references).is_none() {
                let message = format!("`{member}` is missing: traffic is shifted with it");
                let found = self.error("missing-field", advanced.place, &path, message);
                if !references.is_empty() {
                    let either = references.join("` or `");
                    found.hint(format!("Give it, or `{either}` to name a manifest."));
                }
            }
        }
        let same = |one: Option<&str>, other: Option<&str>| one.is_some() && one == other;
        if same(
            entry.text("targetGroupArn"),
            advanced.text("alternateTargetGroupArn"),
        ) || same(
            entry.text("targetGroupRef"),
            advanced.text("alternateTargetGroupRef"),
        ) {
            let message = "the two target groups are one and the same";
            self.error("target-group-pair", advanced.place, &path, message)
                .hint("Traffic is shifted from one group to another: make a second one.");
        }
        let (production, test) = ("productionListenerRule", "testListenerRule");
        if same(advanced.text(production), advanced.text(test))
            || PRODUCTION
                .iter()
                .zip(TEST)
                .any(|(one, other)| same(advanced.text(one), advanced.text(other)))
        {
            let message = "production and test traffic have the same rule";
            self.error("traffic-route", advanced.place, &path, message);
        }
        for member in [production, test] {
            if let Some(arn) = advanced.text(member)
                && arn.starts_with("arn:")
                && !arn.contains(":listener-rule/app/")
                && !arn.contains(":listener/net/")
            {
                let message = "is neither the rule of an application load balancer nor the listener of a network load balancer";
                let path = format!("{path}.{member}");
                self.error("bad-value", advanced.place_of(member), path, message)
                    .hint("An application load balancer's default rule has an ARN too.");
            }
        }
        self.production_rule(advanced, index);
    }

    /// The production rule sends to the pair alone, to one of the two at a time.
    fn production_rule(&mut self, advanced: &'a Node, index: usize) {
        let base = format!("/loadBalancers/{index}");
        let link = |at: &str| self.draft.linked(&format!("{base}/{at}"));
        let pair = [
            link("targetGroupRef"),
            link("advancedConfiguration/alternateTargetGroupRef"),
        ];
        let ([Some(first), Some(second)], Some(reference)) = (pair, named(advanced, &PRODUCTION))
        else {
            return;
        };
        let at = format!("{base}/advancedConfiguration/{reference}");
        let Some(rule) = self.world.linked(self.draft, &at) else {
            return;
        };
        let pair = BTreeSet::from([first, second]);
        let path = format!("loadBalancers[{index}].advancedConfiguration.{reference}");
        let place = advanced.place_of(reference);
        let targets = targets_of(rule);
        if let Some(other) = targets.keys().find(|key| !pair.contains(*key)) {
            let message = format!(
                "{} also forwards to {other}, which is not of the pair",
                rule.key
            );
            self.error("traffic-route", place, path, message);
            return;
        }
        if targets.is_empty() {
            let message = format!("{} forwards to neither target group of the pair", rule.key);
            self.error("traffic-route", place, path, message);
        } else if targets.values().filter(|weight| **weight > 0).count() > 1 {
            let message = format!(
                "{} sends traffic to both target groups of the pair",
                rule.key
            );
            self.error("traffic-route", place, path, message)
                .hint("Give one of the two the weight 0.");
        } else if targets.len() < 2
            && advanced.entry("testListenerRule").is_none()
            && named(advanced, &TEST).is_none()
        {
            let message = format!(
                "{} has one target group of the pair, and there is no test rule",
                rule.key
            );
            self.error("traffic-route", place, path, message)
                .hint("Put the other one in with the weight 0, or give `testListenerRule`.");
        }
    }
}

/// What may stand for the production rule, and for the test rule: the manifest of a rule, or of a listener for
/// its default rule.
const PRODUCTION: [&str; 2] = ["productionListenerRuleRef", "productionListenerRef"];
const TEST: [&str; 2] = ["testListenerRuleRef", "testListenerRef"];

/// Which of these references is given.
fn named<'a>(advanced: &Node, references: &[&'a str]) -> Option<&'a str> {
    let given = |member: &&&str| advanced.entry(member).is_some();
    references.iter().find(given).copied()
}

/// The target groups that a rule forwards to, with their weights.
fn targets_of(rule: &Draft) -> std::collections::BTreeMap<&Key, i64> {
    let groups = rule
        .links
        .iter()
        .filter(|link| link.row.aws == "TargetGroupArn");
    groups
        .map(|link| {
            let parent = link
                .pointer
                .rsplit_once('/')
                .map_or("", |(parent, _)| parent);
            (&link.target, weight_at(&rule.spec, parent).unwrap_or(1))
        })
        .collect()
}

/// The weight in the structure at this JSON pointer.
fn weight_at(spec: &Node, pointer: &str) -> Option<i64> {
    let mut node = spec;
    for step in pointer.split('/').skip(1) {
        node = match step.parse::<usize>() {
            Ok(index) => node.items().get(index)?,
            Err(_) => node.get(&[step])?,
        };
    }
    node.int("Weight")
}

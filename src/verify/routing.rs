//! Where production traffic goes before a deployment shifts it. Neither CodeDeploy nor ECS looks before it
//! shifts (aws-facts 1.4, 2.4): from a listener that two target groups share, or that serves the one without
//! tasks, it goes on to an outage.
//!
//! Only what is live is judged. Between deployments exactly one target group of the pair has all the
//! weight, the one that the service's tasks are in; while a deployment is under way, anything may be.

use serde_json::Value;

use super::judge::{Judge, items, scalar, text};
use super::question::Question;
use crate::manifest::Resource;
use crate::model::Kind;

/// Two target groups of one service, live.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair<'a> {
    /// ARN and name of each.
    pub(super) sides: [(&'a str, &'a str); 2],
}

impl<'a> Pair<'a> {
    /// The pair of two documents of `DescribeTargetGroups`.
    pub(super) fn of(one: &'a Value, other: &'a Value) -> Option<Self> {
        let side = |live: &'a Value| {
            Some((
                text(live, "/TargetGroupArn")?,
                text(live, "/TargetGroupName")?,
            ))
        };
        Some(Self {
            sides: [side(one)?, side(other)?],
        })
    }

    fn name_of(&self, arn: &str) -> Option<&'a str> {
        let side = self.sides.iter().find(|(known, _)| *known == arn);
        side.map(|(_, name)| *name)
    }

    fn names(&self) -> String {
        format!("`{}` or `{}`", self.sides[0].1, self.sides[1].1)
    }
}

/// What is wrong with where traffic goes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fault {
    /// No action forwards to the pair.
    Nowhere,
    /// An action that forwards to the pair forwards elsewhere too.
    Foreign(String),
    /// Not exactly one of the pair gets traffic.
    Shared(Vec<(String, u64)>),
    /// Two rules forward to different ones.
    Split,
}

impl<'a> Judge<'a> {
    /// The production traffic of a service with ECS's own blue/green, linear and canary deployments.
    pub(super) fn native_routing(&mut self) {
        let spec = self.spec();
        let strategy = text(spec, "/deploymentConfiguration/strategy").unwrap_or("ROLLING");
        if strategy == "ROLLING" {
            return;
        }
        let Some(service) = self.resource() else {
            return;
        };
        for (entry, _) in items(spec, "/loadBalancers") {
            let advanced = format!("{entry}/advancedConfiguration");
            let pointer = format!("{advanced}/productionListenerRule");
            let own = self.target_group_at(&entry, "targetGroupArn");
            let other = self.target_group_at(&advanced, "alternateTargetGroupArn");
            let (Some(own), Some(other)) = (own, other) else {
                continue;
            };
            let own = self.live_group(own, &pointer).flatten();
            let other = self.live_group(other, &pointer).flatten();
            let Some(pair) = own.zip(other).and_then(|(own, other)| Pair::of(own, other)) else {
                continue;
            };
            let Some(actions) = self.rule_at(&advanced, "productionListenerRule") else {
                continue;
            };
            if self.is_deploying(service, &pointer) != Some(false) {
                continue;
            }
            let declared = self.referred(service, &advanced, "productionListenerRule");
            let rules = [actions];
            if let Some(fault) = fault(&rules, &pair) {
                self.tell(&fault, &pair, declared, &pointer);
                continue;
            }
            let test = self.rule_at(&advanced, "testListenerRule");
            let is_tested = self.has_rule(&advanced, "testListenerRule");
            let mut routed = forwarded(actions);
            routed.extend(test.into_iter().flat_map(forwarded));
            let is_routed = |arn: &str| routed.iter().any(|(known, _)| *known == arn);
            if let Some((_, name)) = pair.sides.iter().find(|(arn, _)| !is_routed(arn))
                && (test.is_some() || !is_tested)
            {
                let message = format!(
                    "neither the production rule nor a test rule forwards to the target group `{name}`, and ECS refuses \
                     to deploy then"
                );
                let hint = "Let the production rule forward to both with weights 1 and 0, or give a test rule that \
                            forwards to it.";
                self.error("target-group-unrouted", &pointer, message, hint);
            }
        }
    }

    /// Whether a rule is named at all.
    fn has_rule(&self, parent: &str, member: &str) -> bool {
        let by_arn = text(self.spec(), &format!("{parent}/{member}")).is_some();
        let resource = self.resource();
        by_arn || resource.is_some_and(|own| self.referred(own, parent, member).is_some())
    }

    /// The live actions of the rule or listener that a member names. One that is named by ARN and does
    /// not exist is told.
    fn rule_at(&mut self, parent: &str, member: &str) -> Option<&'a Value> {
        let pointer = format!("{parent}/{member}");
        if let Some(declared) = self.referred(self.resource()?, parent, member) {
            let listener = self.referred(declared, "", "ListenerArn");
            let arn = match listener {
                Some(listener) => text(self.live_listener(listener, &pointer)??, "/ListenerArn")?,
                None => text(&declared.spec, "/ListenerArn")?,
            };
            let rules = self.ask(Question::Rules(arn.to_owned()), &pointer)??;
            let priority = scalar(&declared.spec, "/Priority");
            let rule = items(rules, "/Rules")
                .map(|(_, rule)| rule)
                .find(|rule| scalar(rule, "/Priority") == priority)?;
            return rule.get("Actions");
        }
        let arn = text(self.spec(), &pointer)?;
        let is_rule = arn.contains(":listener-rule/");
        let (question, actions) = if is_rule {
            (Question::Rule(arn.to_owned()), "Actions")
        } else {
            (Question::Listener(arn.to_owned()), "DefaultActions")
        };
        let seen = self.ask(question, &pointer)?;
        if seen.is_none() {
            let what = if is_rule { "rule" } else { "listener" };
            let message = format!("the {what} `{arn}` does not exist in {}", self.place.region);
            let hint = "Name one that does, or declare it and refer to it.";
            self.error("missing-listener", &pointer, message, hint);
        }
        seen?.get(actions)
    }

    /// The live listener of a manifest. `None`: not known; `Some(None)`: not made yet.
    #[expect(
        clippy::option_option,
        reason = "whether it is known, and if so, whether it is there"
    )]
    pub(super) fn live_listener(
        &mut self,
        listener: &'a Resource,
        pointer: &str,
    ) -> Option<Option<&'a Value>> {
        let arn = match self.referred(listener, "", "LoadBalancerArn") {
            Some(balancer) => {
                let name = balancer.aws_name().to_owned();
                match self.ask(Question::LoadBalancerNamed(name), pointer)? {
                    Some(live) => text(live, "/LoadBalancerArn")?,
                    None => return Some(None),
                }
            }
            None => text(&listener.spec, "/LoadBalancerArn")?,
        };
        let listeners = self.ask(Question::Listeners(arn.to_owned()), pointer)??;
        let port = scalar(&listener.spec, "/Port");
        let found = items(listeners, "/Listeners")
            .map(|(_, live)| live)
            .find(|live| scalar(live, "/Port") == port);
        Some(found)
    }

    /// Whether ECS is deploying a service of its own controller; `None` if that is not known.
    fn is_deploying(&mut self, service: &'a Resource, pointer: &str) -> Option<bool> {
        let Some(live) = self.live_service(service, pointer)? else {
            return Some(false);
        };
        let is_running = text(live, "/currentServiceDeployment").is_some()
            || items(live, "/deployments")
                .any(|(_, one)| text(one, "/rolloutState") == Some("IN_PROGRESS"));
        if is_running {
            let name = service.aws_name();
            let why = "a deployment is under way";
            self.unchecked(format!("traffic of service {name}"), why, pointer);
        }
        Some(is_running)
    }

    /// A service of the set as it is live. `None`: not known; `Some(None)`: not made yet.
    #[expect(
        clippy::option_option,
        reason = "whether it is known, and if so, whether it is there"
    )]
    pub(super) fn live_service(
        &mut self,
        service: &'a Resource,
        pointer: &str,
    ) -> Option<Option<&'a Value>> {
        let (cluster, name) = self.set.service_names(service);
        let question = Question::Service {
            cluster: cluster.to_owned(),
            name: name.to_owned(),
        };
        let live = self.ask(question, pointer)?;
        Some(live.filter(|live| text(live, "/status") == Some("ACTIVE")))
    }

    /// Judges the live production listener of a pair. `serving` is the target group that the service's
    /// tasks are in, where that is known.
    pub(super) fn production(
        &mut self,
        listener: &str,
        pair: &Pair<'a>,
        serving: Option<&str>,
        declared: Option<&'a Resource>,
        pointer: &str,
    ) {
        let rules = self.ask(Question::Rules(listener.to_owned()), pointer);
        let Some(rules) = rules.flatten() else {
            return;
        };
        let actions: Vec<&Value> = items(rules, "/Rules")
            .filter_map(|(_, rule)| rule.get("Actions"))
            .filter(|actions| {
                let targets = forwarded(actions);
                targets.iter().any(|(arn, _)| pair.name_of(arn).is_some())
            })
            .collect();
        if let Some(fault) = fault(&actions, pair) {
            self.tell(&fault, pair, declared, pointer);
            return;
        }
        let live = actions
            .iter()
            .flat_map(|actions| forwarded(actions))
            .find(|(arn, weight)| *weight > 0 && pair.name_of(arn).is_some());
        let (Some((live, _)), Some(serving)) = (live, serving) else {
            return;
        };
        if live != serving
            && let (Some(to), Some(tasks)) = (pair.name_of(live), pair.name_of(serving))
        {
            let message = format!(
                "production traffic goes to the target group `{to}`, and the service's tasks are in `{tasks}`"
            );
            let hint = format!(
                "Give `{tasks}` the weight of `{to}` before anything is deployed: aws elbv2 modify-rule (or \
                 modify-listener, for the default action)"
            );
            self.error("traffic-without-tasks", pointer, message, hint);
        }
    }

    fn tell(
        &mut self,
        fault: &Fault,
        pair: &Pair<'a>,
        declared: Option<&'a Resource>,
        pointer: &str,
    ) {
        let names = pair.names();
        match fault {
            // A rule of the set that is not made yet will.
            Fault::Nowhere if declared.is_some_and(|one| self.will_forward(one)) => {}
            Fault::Nowhere => {
                let message = format!("no rule of the listener forwards to {names}");
                let hint = "Add a rule, or let the default action forward to the one that serves.";
                self.error("target-group-unrouted", pointer, message, hint);
            }
            Fault::Foreign(arn) => {
                let message = format!(
                    "a rule forwards to {names} and to another target group, {arn}; what a deployment would do to it is \
                     not documented"
                );
                let hint = "Take the other one out of the rule, or give it a rule of its own.";
                self.error("foreign-target-group", pointer, message, hint);
            }
            Fault::Shared(weights) => {
                let list: Vec<String> = weights
                    .iter()
                    .map(|(name, weight)| format!("`{name}` {weight}"))
                    .collect();
                let message = format!(
                    "production traffic goes by the weights {}, and no deployment is under way",
                    list.join(", ")
                );
                let hint = "Give all the weight to the one that the service's tasks are in, and 0 to the other.";
                self.error("rule-weights", pointer, message, hint);
            }
            Fault::Split => {
                let message =
                    format!("the rules of the listener forward to different ones of {names}");
                let hint = "Let all of them forward to the one that the service's tasks are in.";
                self.error("rule-weights", pointer, message, hint);
            }
        }
    }

    /// Whether the set has rules for a listener, or is about a rule itself.
    fn will_forward(&self, front: &'a Resource) -> bool {
        let of_set = |rule: &&Resource| {
            rule.references
                .iter()
                .any(|reference| reference.target == front.key)
        };
        front.key.kind == Kind::ListenerRule
            || self
                .set
                .of_kind(Kind::ListenerRule)
                .any(|rule| of_set(&rule))
    }
}

/// The target groups that actions forward to, with their weights.
pub(super) fn forwarded(actions: &Value) -> Vec<(&str, u64)> {
    let mut all = Vec::new();
    for (_, action) in items(actions, "") {
        let groups: Vec<_> = items(action, "/ForwardConfig/TargetGroups").collect();
        if groups.is_empty() {
            all.extend(text(action, "/TargetGroupArn").map(|arn| (arn, 1)));
        }
        for (_, group) in groups {
            let weight = scalar(group, "/Weight").and_then(|weight| weight.parse().ok());
            all.extend(text(group, "/TargetGroupArn").map(|arn| (arn, weight.unwrap_or(1))));
        }
    }
    all
}

/// What is wrong with the actions that forward to a pair, each a list of one rule.
fn fault(rules: &[&Value], pair: &Pair<'_>) -> Option<Fault> {
    let mut serving: Option<&str> = None;
    let mut is_routed = false;
    for actions in rules {
        let targets = forwarded(actions);
        if let Some((arn, _)) = targets.iter().find(|(arn, _)| pair.name_of(arn).is_none()) {
            return Some(Fault::Foreign((*arn).to_owned()));
        }
        is_routed |= !targets.is_empty();
        let with_traffic: Vec<&str> = targets
            .iter()
            .filter(|(_, weight)| *weight > 0)
            .map(|(arn, _)| *arn)
            .collect();
        match with_traffic[..] {
            _ if targets.is_empty() => {}
            [one] if serving.is_none_or(|known| known == one) => serving = Some(one),
            [_] => return Some(Fault::Split),
            _ => {
                let name = |arn: &str| pair.name_of(arn).unwrap_or(arn).to_owned();
                let weights = targets.iter().map(|(arn, weight)| (name(arn), *weight));
                return Some(Fault::Shared(weights.collect()));
            }
        }
    }
    (!is_routed).then_some(Fault::Nowhere)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::judge::Place;
    use super::super::question::{Answer, Facts};
    use super::*;
    use crate::manifest::{LoadOptions, SourceFile, load};

    const PAIR: Pair<'_> = Pair {
        sides: [("arn:blue", "blue"), ("arn:green", "green")],
    };

    fn weighted(weights: &[(&str, &str)]) -> Value {
        let groups: Vec<Value> = weights
            .iter()
            .map(|(arn, weight)| json!({"TargetGroupArn": arn, "Weight": weight}))
            .collect();
        json!([{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}])
    }

    #[test]
    fn one_of_the_pair_with_all_the_weight_is_right() {
        for actions in [
            json!([{"Type": "forward", "TargetGroupArn": "arn:blue"}]),
            weighted(&[("arn:blue", "0"), ("arn:green", "100")]),
        ] {
            assert_eq!(fault(&[&actions], &PAIR), None, "{actions}");
        }
        let authenticated = json!([
            {"Type": "authenticate-oidc"},
            {"Type": "forward", "TargetGroupArn": "arn:blue"},
        ]);
        assert_eq!(fault(&[&authenticated, &authenticated], &PAIR), None);
    }

    #[test]
    fn every_other_state_has_its_fault() {
        let both = weighted(&[("arn:blue", "90"), ("arn:green", "10")]);
        let weights = |a, b| {
            Some(Fault::Shared(vec![
                ("blue".to_owned(), a),
                ("green".to_owned(), b),
            ]))
        };
        assert_eq!(fault(&[&both], &PAIR), weights(90, 10));
        let none = weighted(&[("arn:blue", "0"), ("arn:green", "0")]);
        assert_eq!(fault(&[&none], &PAIR), weights(0, 0));
        let other = weighted(&[("arn:blue", "1"), ("arn:red", "0")]);
        assert_eq!(
            fault(&[&other], &PAIR),
            Some(Fault::Foreign("arn:red".to_owned()))
        );
        let blue = weighted(&[("arn:blue", "1")]);
        let green = weighted(&[("arn:green", "1")]);
        assert_eq!(fault(&[&blue, &green], &PAIR), Some(Fault::Split));
        assert_eq!(fault(&[], &PAIR), Some(Fault::Nowhere));
    }

    const NATIVE: &str = "\
apiVersion: evenkeel.dev/v1alpha1
kind: Service
metadata: {name: web}
spec:
  taskDefinition: web:1
  deploymentConfiguration: {strategy: BLUE_GREEN, bakeTimeInMinutes: 5}
  loadBalancers:
    - targetGroupArn: arn:blue
      containerName: app
      containerPort: 80
      advancedConfiguration:
        alternateTargetGroupArn: arn:green
        productionListenerRule: arn:listener-rule/app/a/b/c/d
        roleArn: arn:aws:iam::123456789012:role/ecs
";

    /// What is found of a service of ECS's own engine whose production rule has these actions.
    fn native(actions: &Value, service: Value) -> Vec<(&'static str, String)> {
        let file = SourceFile {
            path: "a.yaml".to_owned(),
            bytes: NATIVE.as_bytes().to_vec(),
        };
        let set = load(&[file], &LoadOptions::default()).set;
        let place = Place {
            account: "123456789012".to_owned(),
            region: "us-east-1".to_owned(),
        };
        let group = |name: &str| {
            let document =
                json!({"TargetGroupArn": format!("arn:{name}"), "TargetGroupName": name});
            Answer::Present(document)
        };
        let mut facts = Facts::default();
        for name in ["blue", "green"] {
            let question = Question::TargetGroup(format!("arn:{name}"));
            facts.put(question, group(name));
        }
        let rule = Question::Rule("arn:listener-rule/app/a/b/c/d".to_owned());
        facts.put(rule, Answer::Present(json!({"Actions": actions})));
        let (cluster, name) = ("default".to_owned(), "web".to_owned());
        facts.put(
            Question::Service { cluster, name },
            Answer::Present(service),
        );
        let mut judge = Judge::new(&set, &place, &facts);
        judge.about(set.of_kind(Kind::Service).next().unwrap());
        judge.native_routing();
        let judged = judge.finished();
        assert!(judged.open.is_empty(), "{:?}", judged.open);
        let found = judged.findings.into_iter();
        found.map(|one| (one.code, one.message)).collect()
    }

    #[test]
    fn a_service_of_ecs_own_engine_is_judged_by_its_production_rule() {
        let idle = || json!({"status": "ACTIVE", "deployments": [{"rolloutState": "COMPLETED"}]});
        let right = weighted(&[("arn:blue", "1"), ("arn:green", "0")]);
        assert_eq!(native(&right, idle()), []);
        let both = weighted(&[("arn:blue", "1"), ("arn:green", "1")]);
        let found = native(&both, idle());
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].0, "rule-weights");
        let alone = weighted(&[("arn:blue", "1")]);
        let found = native(&alone, idle());
        assert_eq!(found[0].0, "target-group-unrouted");
        assert!(found[0].1.contains("`green`"), "{found:?}");
        let shifting =
            json!({"status": "ACTIVE", "deployments": [{"rolloutState": "IN_PROGRESS"}]});
        assert_eq!(native(&both, shifting), []);
    }
}

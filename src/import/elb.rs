//! Reads the load balancing of a service: its target groups, the load balancers before them, and
//! those listeners and rules that name them. I/O.

use std::collections::BTreeSet;

use serde_json::Value;

use super::defaults;
use super::read::{Reader, optional, text};
use super::shape;
use crate::aws::Bag;
use crate::kinds::target_group::label as target_group_label;
use crate::model::Kind;

/// The folder of load balancers, of which each has its file.
pub(super) const FOLDER: &str = "load-balancers/";

impl Reader<'_> {
    /// Everything between clients and a service's tasks.
    pub(super) async fn load_balancing(
        &mut self,
        service: &Value,
        group: Option<&Value>,
        file: &str,
    ) -> Result<(), String> {
        let mut balancers = BTreeSet::new();
        let mut groups = BTreeSet::new();
        for name in target_groups(service, group) {
            let what = format!("target group {name}");
            let seen = self.observer.target_group(&name, self.fresh).await;
            let Some(live) = optional(seen, &what)? else {
                self.notes
                    .push(format!("{file}: {what} is not there any more"));
                continue;
            };
            groups.insert(text(&live, "TargetGroupArn"));
            let before = live["LoadBalancerArns"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            balancers.extend(before.iter().filter_map(Value::as_str).map(str::to_owned));
            self.target_group(live, &name, file).await?;
        }
        let named = named(service, group);
        for balancer in balancers {
            self.load_balancer(&balancer, &groups, &named, file).await?;
        }
        Ok(())
    }

    async fn target_group(
        &mut self,
        mut live: Value,
        name: &str,
        file: &str,
    ) -> Result<(), String> {
        let arn = text(&live, "TargetGroupArn");
        if self.account.has(Kind::TargetGroup, &arn) {
            return Ok(());
        }
        live["Tags"] = self.tags(&arn).await?;
        let attributes = self.attributes(Bag::TargetGroup, &arn, &live).await?;
        let request = shape::request(Kind::TargetGroup, &live);
        let label = target_group_label(&live, &arn);
        let mut known_as = vec![arn.as_str(), name];
        known_as.extend(label.as_deref());
        let found = self
            .account
            .add(Kind::TargetGroup, &known_as, name, file, request);
        found.beside.extend(attributes);
        Ok(())
    }

    async fn load_balancer(
        &mut self,
        arn: &str,
        groups: &BTreeSet<String>,
        named: &BTreeSet<String>,
        service_file: &str,
    ) -> Result<(), String> {
        let seen = self.observer.listeners(arn, self.fresh).await;
        let listeners = optional(seen, &format!("the listeners of {arn}"))?;
        for listener in listeners.unwrap_or_default() {
            let listener_arn = text(&listener, "ListenerArn");
            let seen = self.observer.rules(&listener_arn, self.fresh).await;
            let rules = optional(seen, &format!("the rules of {listener_arn}"))?;
            let rules = rules.unwrap_or_default();
            let default = rules.iter().find(|rule| rule["Priority"] == "default");
            let default = default
                .map(|rule| text(rule, "RuleArn"))
                .unwrap_or_default();
            let used: Vec<Value> = rules
                .into_iter()
                .filter(|rule| rule["Priority"] != "default")
                .filter(|rule| names(rule, groups) || named.contains(&text(rule, "RuleArn")))
                .collect();
            let is_named = named.contains(&listener_arn) || named.contains(&default);
            if used.is_empty() && !names(&listener, groups) && !is_named {
                continue;
            }
            let balancer = self.balancer(arn).await?;
            let name = self.listener(listener, &default, &balancer).await?;
            for rule in used {
                self.rule(rule, &listener_arn, &name, service_file).await?;
            }
        }
        Ok(())
    }

    /// Adds a load balancer; gives its name.
    async fn balancer(&mut self, arn: &str) -> Result<String, String> {
        if let Some(name) = self.account.name_of(Kind::LoadBalancer, arn) {
            return Ok(name.to_owned());
        }
        let name = name_in(arn, ":loadbalancer/", 1);
        let seen = self.observer.load_balancer(&name, self.fresh).await;
        let mut live = self.required(seen, &format!("load balancer {name}"))?;
        live["Tags"] = self.tags(arn).await?;
        let attributes = self.attributes(Bag::LoadBalancer, arn, &live).await?;
        let request = shape::request(Kind::LoadBalancer, &live);
        let file = format!("{FOLDER}{name}.yaml");
        let found = self
            .account
            .add(Kind::LoadBalancer, &[arn, &name], &name, &file, request);
        found.beside.extend(attributes);
        Ok(name)
    }

    /// Adds a listener; gives the name of its manifest.
    async fn listener(
        &mut self,
        mut live: Value,
        default_rule: &str,
        balancer: &str,
    ) -> Result<String, String> {
        let arn = text(&live, "ListenerArn");
        if let Some(name) = self.account.name_of(Kind::Listener, &arn) {
            return Ok(name.to_owned());
        }
        live["Tags"] = self.tags(&arn).await?;
        let attributes = self.attributes(Bag::Listener, &arn, &live).await?;
        let wanted = format!("{balancer}-{}", text(&live, "Port"));
        let request = shape::request(Kind::Listener, &live);
        let file = format!("{FOLDER}{balancer}.yaml");
        let found = self.account.add(
            Kind::Listener,
            &[&arn, default_rule],
            &wanted,
            &file,
            request,
        );
        found.beside.extend(attributes);
        Ok(found.name.clone())
    }

    async fn rule(
        &mut self,
        mut live: Value,
        listener: &str,
        listener_name: &str,
        file: &str,
    ) -> Result<(), String> {
        let arn = text(&live, "RuleArn");
        if self.account.has(Kind::ListenerRule, &arn) {
            return Ok(());
        }
        live["Tags"] = self.tags(&arn).await?;
        live["ListenerArn"] = listener.into();
        let wanted = format!("{listener_name}-{}", text(&live, "Priority"));
        let request = shape::request(Kind::ListenerRule, &live);
        self.account
            .add(Kind::ListenerRule, &[&arn], &wanted, file, request);
        Ok(())
    }

    async fn tags(&self, arn: &str) -> Result<Value, String> {
        let seen = self.observer.elb_tags(arn, self.fresh).await;
        Ok(optional(seen, &format!("the tags of {arn}"))?.unwrap_or_default())
    }

    async fn attributes(
        &self,
        bag: Bag,
        arn: &str,
        resource: &Value,
    ) -> Result<Option<(String, Value)>, String> {
        let seen = self.observer.elb_attributes(bag, arn, self.fresh).await;
        let live = optional(seen, &format!("the attributes of {arn}"))?;
        let kind = match bag {
            Bag::TargetGroup => Kind::TargetGroup,
            Bag::LoadBalancer => Kind::LoadBalancer,
            Bag::Listener => Kind::Listener,
        };
        let chosen = defaults::attributes(kind, resource, &live.unwrap_or_default());
        Ok((!chosen.is_empty()).then(|| ("attributes".to_owned(), Value::Array(chosen))))
    }
}

/// Names of a service's target groups: those of its load balancers, and the pairs of its group.
fn target_groups(service: &Value, group: Option<&Value>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for balancer in service["loadBalancers"].as_array().into_iter().flatten() {
        let alternate = balancer.pointer("/advancedConfiguration/alternateTargetGroupArn");
        for arn in [balancer.get("targetGroupArn"), alternate] {
            if let Some(arn) = arn.and_then(Value::as_str) {
                names.insert(name_in(arn, ":targetgroup/", 0));
            }
        }
    }
    for pair in pairs(group) {
        let members = pair["targetGroups"].as_array().cloned().unwrap_or_default();
        names.extend(members.iter().map(|member| text(member, "name")));
    }
    names.remove("");
    names
}

/// ARNs of listeners and rules that the service or its group names.
fn named(service: &Value, group: Option<&Value>) -> BTreeSet<String> {
    let mut arns = BTreeSet::new();
    for pair in pairs(group) {
        for route in ["prodTrafficRoute", "testTrafficRoute"] {
            let listeners = pair[route]["listenerArns"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            arns.extend(
                listeners
                    .iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned),
            );
        }
    }
    for balancer in service["loadBalancers"].as_array().into_iter().flatten() {
        for rule in ["productionListenerRule", "testListenerRule"] {
            arns.insert(text(&balancer["advancedConfiguration"], rule));
        }
    }
    arns.remove("");
    arns
}

fn pairs(group: Option<&Value>) -> Vec<Value> {
    let pairs = group.and_then(|group| group.pointer("/loadBalancerInfo/targetGroupPairInfoList"));
    pairs.and_then(Value::as_array).cloned().unwrap_or_default()
}

/// Whether an action of a listener or a rule forwards to one of these groups.
fn names(document: &Value, groups: &BTreeSet<String>) -> bool {
    let actions = ["Actions", "DefaultActions"].into_iter();
    let actions = actions
        .filter_map(|member| document[member].as_array())
        .flatten();
    actions.into_iter().any(|action| {
        let listed = action
            .pointer("/ForwardConfig/TargetGroups")
            .and_then(Value::as_array);
        let mut all = listed.into_iter().flatten().chain(std::iter::once(action));
        all.any(|one| groups.contains(&text(one, "TargetGroupArn")))
    })
}

/// A name in an ARN: the `at`th part after `marker`.
fn name_in(arn: &str, marker: &str, at: usize) -> String {
    let rest = arn.split_once(marker).map(|(_, rest)| rest);
    let part = rest.and_then(|rest| rest.split('/').nth(at));
    part.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_come_out_of_arns() {
        let group = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/blue/0123";
        assert_eq!(name_in(group, ":targetgroup/", 0), "blue");
        let balancer =
            "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/nova/0123";
        assert_eq!(name_in(balancer, ":loadbalancer/", 1), "nova");
        assert_eq!(name_in("x", ":targetgroup/", 0), "");
    }

    #[test]
    fn groups_come_from_the_service_and_from_the_pair() {
        let service = json!({"loadBalancers": [{"targetGroupArn": "arn:x:targetgroup/blue/1",
            "advancedConfiguration": {"productionListenerRule": "arn:rule"}}]});
        let group = json!({"loadBalancerInfo": {"targetGroupPairInfoList": [{
            "targetGroups": [{"name": "blue"}, {"name": "green"}],
            "prodTrafficRoute": {"listenerArns": ["arn:listener"]}}]}});
        let all: Vec<String> = target_groups(&service, Some(&group)).into_iter().collect();
        assert_eq!(all, ["blue", "green"]);
        let all: Vec<String> = named(&service, Some(&group)).into_iter().collect();
        assert_eq!(all, ["arn:listener", "arn:rule"]);
    }
}

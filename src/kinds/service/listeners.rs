//! Whether the traffic of a `CODE_DEPLOY` service is in a state from which `CodeDeploy` can shift it, and where its
//! tasks are: `CodeDeploy` does not look before it shifts (aws-facts 2.4). Pure; nothing here changes a weight.
//!
//! Between deployments all rules of the production listener that forward to the group's pair forward to one of it,
//! the one that the `PRIMARY` task set is in. Before a start also: those of the test listener forward to one of it,
//! both target groups are there and behind no other load balancer, and a healthy target serves. That the idle one is
//! in no rule is legal: `CodeDeploy` puts it there (aws-facts 2.1).

use serde_json::Value;

use super::traffic::{self, Trouble, forwarded};
use super::{Observed, items, text};
use crate::model::Seen;

/// What a deployment group shifts traffic with.
pub(super) struct Pair<'a> {
    /// The names of the target groups.
    pub(super) names: Vec<&'a str>,
    /// The production listener's ARN.
    pub(super) production: &'a str,
    /// The test listener's ARN; empty without one.
    pub(super) test: &'a str,
}

impl<'a> Pair<'a> {
    /// That of a deployment group as it is live.
    pub(super) fn of(group: &'a Value) -> Option<Self> {
        let info = group.pointer("/loadBalancerInfo/targetGroupPairInfoList/0")?;
        let listener = |route: &str| {
            let arn = info.pointer(&format!("/{route}/listenerArns/0"));
            arn.and_then(Value::as_str).unwrap_or_default()
        };
        let names = items(info, "targetGroups").map(|group| text(group, "name"));
        Some(Self {
            names: names.filter(|name| !name.is_empty()).collect(),
            production: listener("prodTrafficRoute"),
            test: listener("testTrafficRoute"),
        })
    }

    fn holds(&self, arn: &str) -> bool {
        let mut names = self.names.iter();
        names.any(|name| arn.contains(&format!(":targetgroup/{name}/")))
    }
}

/// The target group that a task set is in; empty without one.
pub(super) fn used(set: &Value) -> &str {
    let mut balancers = items(set, "loadBalancers");
    balancers.next().map_or("", |it| text(it, "targetGroupArn"))
}

/// Checks the traffic of a service whose `PRIMARY` task set is `live`; `starting` asks for all that a deployment
/// needs. Where no group is known nothing can be started, and nothing is checked.
pub(super) fn check(
    observed: &Observed,
    service: &Value,
    live: &Value,
    starting: bool,
) -> Result<(), Trouble> {
    let Some(Seen::Present(group)) = &observed.group else {
        return Ok(());
    };
    let Some(pair) = Pair::of(group).filter(|pair| !pair.production.is_empty()) else {
        return Ok(());
    };
    let used = used(live);
    let serving = serving(observed, &pair, "production", pair.production)?;
    if !used.is_empty() && serving != used {
        return Err(Trouble::Rules(format!(
            "the production listener {} sends traffic to {serving}, but the live tasks are in {used}; set the weights to 100 for {used} and 0 for the other",
            pair.production
        )));
    }
    if !starting {
        return Ok(());
    }
    if !pair.test.is_empty() {
        self::serving(observed, &pair, "test", pair.test)?;
    }
    for name in &pair.names {
        is_there(observed, name, pair.production)?;
    }
    traffic::healthy(observed, service, used)
}

/// The one target group of the pair that a listener's traffic goes to. `which` is a word for the listener.
fn serving<'a>(
    observed: &'a Observed,
    pair: &Pair<'_>,
    which: &str,
    listener: &str,
) -> Result<&'a str, Trouble> {
    let rules = match observed.listeners.get(listener) {
        Some(Seen::Present(rules)) => rules,
        Some(Seen::Absent) => {
            return Err(Trouble::Rules(format!(
                "the {which} listener {listener} is not there"
            )));
        }
        Some(Seen::Unknown(why)) => return Err(Trouble::Unknown(why.clone())),
        None => {
            return Err(Trouble::Unknown(format!(
                "the rules of the {which} listener {listener} were not read"
            )));
        }
    };
    let mut found: Option<&str> = None;
    for rule in rules {
        let targets = forwarded(rule);
        if !targets.iter().any(|(arn, _)| pair.holds(arn)) {
            continue;
        }
        let taking: Vec<&str> = targets
            .iter()
            .filter(|(_, weight)| *weight > 0)
            .map(|(arn, _)| *arn)
            .collect();
        let at = text(rule, "RuleArn");
        let [one] = taking.as_slice() else {
            let weights = targets
                .iter()
                .map(|(arn, weight)| format!("{arn} {weight}"));
            return Err(Trouble::Rules(format!(
                "rule {at} of the {which} listener sends traffic to {} target groups ({}) where a deployment leaves one; set the weights to 100 for the one whose tasks serve and 0 for the other",
                taking.len(),
                weights.collect::<Vec<_>>().join(", ")
            )));
        };
        if !pair.holds(one) {
            return Err(Trouble::Rules(format!(
                "rule {at} of the {which} listener sends traffic to {one}, which is not of the pair {}",
                pair.names.join(", ")
            )));
        }
        if let Some(other) = found.filter(|other| other != one) {
            return Err(Trouble::Rules(format!(
                "rules of the {which} listener {listener} send traffic to both {other} and {one}; point all of them at the one whose tasks serve"
            )));
        }
        found = Some(one);
    }
    found.ok_or_else(|| {
        Trouble::Rules(format!(
            "no rule of the {which} listener {listener} forwards to the pair {}, so CodeDeploy could not shift its traffic",
            pair.names.join(", ")
        ))
    })
}

/// A target group of the pair exists, and is behind no other load balancer than the listener's.
fn is_there(observed: &Observed, name: &str, listener: &str) -> Result<(), Trouble> {
    let group = match observed.pair.get(name) {
        Some(Seen::Present(group)) => group,
        Some(Seen::Absent) => {
            return Err(Trouble::Rules(format!(
                "target group {name} of the deployment group's pair is not there"
            )));
        }
        Some(Seen::Unknown(why)) => return Err(Trouble::Unknown(why.clone())),
        None => {
            return Err(Trouble::Unknown(format!(
                "target group {name} was not read"
            )));
        }
    };
    let own = balancer_of(listener);
    let mut behind = items(group, "LoadBalancerArns").filter_map(Value::as_str);
    match behind.find(|arn| *arn != own) {
        Some(other) => Err(Trouble::Rules(format!(
            "target group {name} of the deployment group's pair is behind {other}, and the production listener is of {own}"
        ))),
        None => Ok(()),
    }
}

/// `…:listener/app/NAME/LB/LISTENER` → `…:loadbalancer/app/NAME/LB`.
fn balancer_of(listener: &str) -> String {
    let Some((head, rest)) = listener.split_once(":listener/") else {
        return listener.to_owned();
    };
    let balancer = rest.rsplit_once('/').map_or(rest, |(balancer, _)| balancer);
    format!("{head}:loadbalancer/{balancer}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_load_balancer_of_a_listener_is_in_its_arn() {
        let head = "arn:aws:elasticloadbalancing:us-east-1:123456789012";
        let listener = format!("{head}:listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2");
        let balancer = format!("{head}:loadbalancer/app/web/50dc6c495c0c9188");
        assert_eq!(balancer_of(&listener), balancer);
    }
}

//! Whether the traffic of a service is in a state from which ECS can shift it: ECS itself does not
//! check where production traffic goes before it shifts (containers-roadmap#2853). Pure; nothing here
//! changes a weight.

use serde_json::Value;

use super::super::traffic::{Trouble, forwarded, healthy};
use super::super::{Observed, items, text};
use crate::model::Seen;

/// One load balancer entry that traffic is shifted with.
struct Pair<'a> {
    groups: [&'a str; 2],
    production: &'a str,
    test: &'a str,
}

fn pairs(document: &Value) -> impl Iterator<Item = Pair<'_>> {
    items(document, "loadBalancers").filter_map(|entry| {
        let advanced = entry.get("advancedConfiguration")?;
        Some(Pair {
            groups: [
                text(entry, "targetGroupArn"),
                text(advanced, "alternateTargetGroupArn"),
            ],
            production: text(advanced, "productionListenerRule"),
            test: text(advanced, "testListenerRule"),
        })
    })
}

/// The rules (for network load balancers: listeners) that a declared service's traffic goes through.
pub(in super::super) fn rules(document: &Value) -> Vec<&str> {
    pairs(document)
        .flat_map(|pair| [pair.production, pair.test])
        .filter(|arn| !arn.is_empty())
        .collect()
}

/// The target groups of all pairs.
pub(in super::super) fn target_groups(document: &Value) -> Vec<&str> {
    pairs(document).flat_map(|pair| pair.groups).collect()
}

/// `…:listener-rule/app/NAME/LB/LISTENER/RULE` → `…:listener/app/NAME/LB/LISTENER`; a listener's ARN
/// stays.
pub(in super::super) fn listener_of(arn: &str) -> String {
    match arn.split_once(":listener-rule/") {
        Some((head, rest)) => {
            let listener = rest.rsplit_once('/').map_or(rest, |(listener, _)| listener);
            format!("{head}:listener/{listener}")
        }
        None => arn.to_owned(),
    }
}

/// Checks the traffic of every load balancer entry. `live` is the revision whose tasks serve.
/// `starting` also asks that both target groups are attached and a healthy target serves.
pub(super) fn check(
    spec: &Value,
    observed: &Observed,
    service: &Value,
    live: Option<&Value>,
    starting: bool,
) -> Result<(), Trouble> {
    let used = live.map(used).unwrap_or_default();
    for pair in pairs(spec) {
        let serving = serving(observed, &pair, &used)?;
        if starting {
            if let Some(arn) = unattached(observed, &pair)?.first() {
                return Err(Trouble::Rules(format!(
                    "target group {arn} is in neither the production rule {} nor a test rule, so ECS could not shift traffic to it",
                    pair.production
                )));
            }
            healthy(observed, service, serving)?;
        }
    }
    Ok(())
}

/// A target group that has to be in a rule before ECS can shift traffic to it.
#[derive(Clone, Debug)]
pub(in super::super) struct Gap<'a> {
    /// The production rule's ARN.
    pub(in super::super) arn: &'a str,
    /// The production rule as it is live.
    pub(in super::super) rule: &'a Value,
    /// The target group's ARN.
    pub(in super::super) group: &'a str,
}

/// What is to be attached before traffic is first shifted by ECS: as [`check`] asks of a start, but that
/// what is not attached is given back. `used` are the target groups that the live tasks are in: a manifest
/// whose pairs leave one of them out would take the tasks away from its traffic.
pub(super) fn gaps<'a>(
    spec: &'a Value,
    observed: &'a Observed,
    service: &Value,
    used: &[&str],
) -> Result<Vec<Gap<'a>>, Trouble> {
    let covered = |arn: &&&str| pairs(spec).any(|pair| pair.groups.contains(*arn));
    if let Some(arn) = used.iter().find(|arn| !covered(arn)) {
        return Err(Trouble::Rules(format!(
            "the live tasks are in target group {arn}, which is in no pair of the manifest; declare it in `loadBalancers` with its alternate and the production rule that sends traffic to it"
        )));
    }
    let mut found = Vec::new();
    for pair in pairs(spec) {
        let serving = serving(observed, &pair, used)?;
        healthy(observed, service, serving)?;
        let rule = rule(observed, pair.production)?;
        let gap = |group| Gap {
            arn: pair.production,
            rule,
            group,
        };
        found.extend(unattached(observed, &pair)?.into_iter().map(gap));
    }
    Ok(found)
}

/// The one target group that a pair's production traffic goes to, which is where the live tasks are.
fn serving<'a>(observed: &'a Observed, pair: &Pair<'_>, used: &[&str]) -> Result<&'a str, Trouble> {
    let production = groups(observed, pair.production)?;
    let serving: Vec<&str> = production
        .iter()
        .filter(|(_, weight)| *weight > 0)
        .map(|(arn, _)| *arn)
        .collect();
    let [serving] = serving.as_slice() else {
        return Err(Trouble::Rules(format!(
            "production rule {} sends traffic to {} target groups where ECS leaves one; set the weights to 100 for the one whose tasks serve and 0 for the other",
            pair.production,
            serving.len()
        )));
    };
    if !pair.groups.contains(serving) {
        return Err(Trouble::Rules(format!(
            "production rule {} sends traffic to {serving}, which is not of the pair {} and {}",
            pair.production, pair.groups[0], pair.groups[1]
        )));
    }
    let used = used.iter().find(|arn| pair.groups.contains(arn));
    if let Some(used) = used.filter(|used| *used != serving) {
        return Err(Trouble::Rules(format!(
            "production rule {} sends traffic to {serving}, but the live tasks are in {used}; point the rule at {used}",
            pair.production
        )));
    }
    Ok(serving)
}

/// The target groups that a revision uses, whatever was declared (aws-facts 1.3).
fn used(revision: &Value) -> Vec<&str> {
    let resolved = revision.get("resolvedConfiguration");
    resolved
        .into_iter()
        .flat_map(|resolved| items(resolved, "loadBalancers"))
        .map(|balancer| text(balancer, "targetGroupArn"))
        .collect()
}

/// The target groups of a pair that are in neither rule.
fn unattached<'a>(observed: &Observed, pair: &Pair<'a>) -> Result<Vec<&'a str>, Trouble> {
    let mut known = groups(observed, pair.production)?;
    if !pair.test.is_empty() {
        known.extend(groups(observed, pair.test)?);
    }
    let is_known = |arn: &&str| known.iter().any(|(group, _)| group == arn);
    Ok(pair
        .groups
        .into_iter()
        .filter(|arn| !is_known(arn))
        .collect())
}

/// A rule as it is live.
fn rule<'a>(observed: &'a Observed, arn: &str) -> Result<&'a Value, Trouble> {
    match observed.rules.get(arn) {
        Some(Seen::Present(rule)) => Ok(rule),
        Some(Seen::Unknown(why)) => Err(Trouble::Unknown(why.clone())),
        Some(Seen::Absent) => Err(Trouble::Rules(format!("rule {arn} is not there"))),
        None => Err(Trouble::Unknown(format!("rule {arn} was not read"))),
    }
}

/// Target groups and weights of a rule's forward actions.
fn groups<'a>(observed: &'a Observed, arn: &str) -> Result<Vec<(&'a str, u64)>, Trouble> {
    Ok(forwarded(rule(observed, arn)?))
}

/// The target groups of the pairs that get production traffic, as far as the rules were read.
pub(in super::super) fn with_traffic<'a>(spec: &Value, observed: &'a Observed) -> Vec<&'a str> {
    let of = |pair: Pair<'_>| {
        let production = groups(observed, pair.production).unwrap_or_default();
        let taking = production.into_iter().filter(|(_, weight)| *weight > 0);
        let own = taking.filter(|(arn, _)| pair.groups.contains(arn));
        own.map(|(arn, _)| arn).collect::<Vec<_>>()
    };
    pairs(spec).flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_listener_of_a_rule_is_in_its_arn() {
        let head = "arn:aws:elasticloadbalancing:us-east-1:123456789012";
        let rule = format!(
            "{head}:listener-rule/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee"
        );
        let listener = format!("{head}:listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2");
        assert_eq!(listener_of(&rule), listener);
        let network = format!("{head}:listener/net/web/50dc6c495c0c9188/f2f7dc8efc522ab2");
        assert_eq!(listener_of(&network), network);
    }
}

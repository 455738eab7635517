//! Which load balancer uses which target group, and the rewriting of actions that CodeDeploy and
//! ECS do.
//! Not the reading of actions from requests (see `actions`).
//!
//! The rewrite: CodeDeploy rewrites every action of the listener, the default one included, whose
//! forward names a target group of the pair, and leaves the unused one behind with weight 0.

use super::super::input;
use super::{Rule, State, actions};
use std::collections::BTreeSet;

impl Rule {
    /// The target groups that the rule's actions name, weight 0 included.
    pub(super) fn groups(&self) -> Vec<String> {
        self.actions
            .iter()
            .flat_map(actions::groups)
            .map(|(arn, _)| arn)
            .collect()
    }

    /// Whether one of the rule's actions names the target group.
    fn forwards_to(&self, target_group_arn: &str) -> bool {
        self.actions
            .iter()
            .flat_map(|action| input::list(&action["ForwardConfig"], "TargetGroups"))
            .any(|group| input::text(group, "TargetGroupArn") == Some(target_group_arn))
    }
}

impl State {
    /// The ARNs of the load balancers whose listeners or rules name the target group, with weight 0
    /// too. AWS allows one.
    pub fn load_balancers_of(&self, target_group_arn: &str) -> Vec<String> {
        let using = self
            .rules
            .values()
            .filter(|rule| rule.forwards_to(target_group_arn))
            .filter_map(|rule| self.listeners.get(&rule.listener))
            .map(|listener| listener.load_balancer.clone());
        using.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// CodeDeploy's rewrite: every action of the listener that forwards to a target group of the
    /// pair (ARNs) becomes a forward over both with these weights, in the order given. Returns how
    /// many actions were rewritten; an error text, and no change, if one of them names further
    /// target groups or there is no such listener.
    pub fn route_pair(
        &mut self,
        listener_arn: &str,
        pair: [&str; 2],
        weights: [u32; 2],
    ) -> Result<usize, String> {
        if !self.listeners.contains_key(listener_arn) {
            return Err(format!("The listener {listener_arn} does not exist"));
        }
        for rule in self
            .rules
            .values()
            .filter(|rule| rule.listener == listener_arn)
        {
            for action in &rule.actions {
                let groups = actions::groups(action);
                let inside = groups
                    .iter()
                    .filter(|(arn, _)| pair.contains(&arn.as_str()))
                    .count();
                if inside > 0 && inside < groups.len() {
                    return Err(format!(
                        "An action of the rule {} forwards to target groups outside the pair",
                        rule.arn
                    ));
                }
            }
        }
        let forward: Vec<(String, u32)> = pair
            .iter()
            .zip(weights)
            .map(|(arn, weight)| ((*arn).to_owned(), weight))
            .collect();
        let mut rewritten = 0;
        for rule in self
            .rules
            .values_mut()
            .filter(|rule| rule.listener == listener_arn)
        {
            for action in &mut rule.actions {
                let groups = actions::groups(action);
                if groups.iter().any(|(arn, _)| pair.contains(&arn.as_str())) {
                    let stickiness = &action["ForwardConfig"]["TargetGroupStickinessConfig"];
                    *action = actions::forward(&forward, stickiness, action["Order"].as_i64());
                    rewritten += 1;
                }
            }
        }
        self.refresh_use(self.clock);
        Ok(rewritten)
    }

    /// The rule that ECS shifts traffic with: that of a rule's ARN, and the default rule of a
    /// listener's.
    fn shifting_rule(&self, arn: &str) -> Option<&Rule> {
        let default = |rule: &&Rule| rule.listener == arn && rule.priority.is_none();
        self.rules
            .get(arn)
            .or_else(|| self.rules.values().find(default))
    }

    /// The target groups, with their weights, that a rule, or a listener's default rule, forwards
    /// to; `None` if there is no such rule.
    pub fn rule_groups(&self, arn: &str) -> Option<Vec<(String, u32)>> {
        let rule = self.shifting_rule(arn)?;
        Some(rule.actions.iter().flat_map(actions::groups).collect())
    }

    /// ECS's rewrite: the forward action of a rule, or of a listener's default rule, becomes one
    /// over these target groups with these weights, in this order and without stickiness (aws-facts
    /// 1.4). An error text, and no change, if there is no such rule or it does not forward.
    pub fn route_rule(&mut self, arn: &str, groups: &[(String, u32)]) -> Result<(), String> {
        let found = self.shifting_rule(arn).map(|rule| rule.arn.clone());
        let rule = found.and_then(|found| self.rules.get_mut(&found));
        let rule = rule.ok_or_else(|| format!("The rule {arn} does not exist"))?;
        let action = rule.actions.iter_mut().find(|it| it["Type"] == "forward");
        let action = action.ok_or_else(|| format!("The rule {arn} does not forward"))?;
        let stickiness = serde_json::json!({ "Enabled": false });
        *action = actions::forward(groups, &stickiness, action["Order"].as_i64());
        self.refresh_use(self.clock);
        Ok(())
    }

    /// The weights of the pair in the first action (by priority, the default rule last) that names
    /// one of its target groups; 0 for one that is absent.
    pub fn pair_weights(&self, listener_arn: &str, pair: [&str; 2]) -> Option<[u32; 2]> {
        let groups = self
            .rules_of(listener_arn)
            .into_iter()
            .flat_map(|rule| &rule.actions)
            .map(actions::groups)
            .find(|groups| groups.iter().any(|(arn, _)| pair.contains(&arn.as_str())))?;
        Some(pair.map(|wanted| {
            groups
                .iter()
                .find(|(arn, _)| arn == wanted)
                .map_or(0, |(_, weight)| *weight)
        }))
    }
}

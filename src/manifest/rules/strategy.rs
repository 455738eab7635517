//! Rules of `deploymentConfiguration`: the strategies of the ECS controller and what only that
//! controller has (aws-facts 1.1). Not the load balancers of a blue/green service (`native`).

use super::super::tree::{Data, Node};
use super::Rules;
use super::service::controller;

/// The stages at which a deployment cannot be paused.
const NO_PAUSE: [&str; 2] = ["TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"];
/// Minutes that a deployment may bake between two steps.
const MAX_BAKE: i64 = 1440;
const CONFIGURATION: &str = "deploymentConfiguration";

impl Rules<'_, '_, '_> {
    /// Features that only the ECS controller has.
    pub(super) fn ecs_only_features(&mut self) {
        let Some(configuration) = self.spec().get(&[CONFIGURATION]) else {
            return;
        };
        let code_deploy = controller(self.spec()) == "CODE_DEPLOY";
        for feature in ["deploymentCircuitBreaker", "alarms"] {
            if let Some(node) = configuration.get(&[feature])
                && node.flag("enable") == Some(true)
            {
                let path = format!("{CONFIGURATION}.{feature}");
                let message = format!("`{feature}` is only for the deployment controller `ECS`");
                let found = self.error("not-allowed", node.place, path, message);
                if code_deploy {
                    found.hint("CodeDeploy's own are `autoRollbackConfiguration` and `alarmConfiguration` of the DeploymentGroup.");
                }
            }
        }
        let strategy = configuration.text("strategy");
        if let Some(strategy) = strategy.filter(|name| *name != "ROLLING") {
            let place = configuration.place_of("strategy");
            let message =
                format!("the strategy `{strategy}` is only for the deployment controller `ECS`");
            let path = "deploymentConfiguration.strategy";
            let found = self.error("not-allowed", place, path, message);
            if code_deploy {
                found.hint("How traffic shifts is `deploymentConfigName` of the DeploymentGroup.");
            }
        }
        self.percent_on_instances(configuration);
    }

    /// On EC2 the other controllers take no percentages but the defaults.
    fn percent_on_instances(&mut self, configuration: &Node) {
        if self.spec().text("launchType") != Some("EC2") {
            return;
        }
        for (member, default) in [("maximumPercent", 200), ("minimumHealthyPercent", 100)] {
            if configuration.int(member).is_some_and(|one| one != default) {
                let message = format!(
                    "`{member}` cannot be chosen for EC2 tasks of the deployment controller `{}`",
                    controller(self.spec())
                );
                let path = format!("{CONFIGURATION}.{member}");
                self.error("not-allowed", configuration.place_of(member), path, message)
                    .hint(format!("Leave it out; it is {default}."));
            }
        }
    }

    /// Strategies of the ECS controller.
    pub(super) fn strategy(&mut self) {
        let Some(configuration) = self.spec().get(&[CONFIGURATION]) else {
            return;
        };
        let strategy = configuration.text("strategy").unwrap_or("ROLLING");
        for (member, owner) in [
            ("linearConfiguration", "LINEAR"),
            ("canaryConfiguration", "CANARY"),
            ("earlySuccessCriteria", "ROLLING"),
        ] {
            if let Some(entry) = configuration.entry(member).filter(|_| strategy != owner) {
                let path = format!("{CONFIGURATION}.{member}");
                let message = format!("`{member}` is only for the strategy `{owner}`");
                self.error("not-allowed", entry.key_place, path, message);
            }
        }
        if strategy == "BLUE_GREEN" && configuration.entry("bakeTimeInMinutes").is_none() {
            let message = "`bakeTimeInMinutes` is missing: the strategy `BLUE_GREEN` needs it";
            self.error("missing-field", configuration.place, CONFIGURATION, message)
                .hint("0 is allowed.");
        }
        self.steps(configuration);
        self.early_success(configuration);
        self.breaker(configuration);
        for (index, hook) in configuration.list("lifecycleHooks").iter().enumerate() {
            self.hook(hook, &format!("{CONFIGURATION}.lifecycleHooks[{index}]"));
        }
        if strategy != "ROLLING" {
            self.native_balancers(strategy);
        }
    }

    /// The steps of linear and canary shifting: thousandths are what a percentage is counted in.
    fn steps(&mut self, configuration: &Node) {
        for (section, percent, least, bake) in [
            (
                "linearConfiguration",
                "stepPercent",
                3.0,
                "stepBakeTimeInMinutes",
            ),
            (
                "canaryConfiguration",
                "canaryPercent",
                0.1,
                "canaryBakeTimeInMinutes",
            ),
        ] {
            let Some(node) = configuration.get(&[section]) else {
                continue;
            };
            let share = node.get(&[percent]).and_then(number);
            if share.is_some_and(|share| !(least..=100.0).contains(&share) || !is_tenths(share)) {
                let path = format!("{CONFIGURATION}.{section}.{percent}");
                let message = format!("is out of range; AWS takes {least} to 100 in steps of 0.1");
                self.error("out-of-range", node.place_of(percent), path, message);
            }
            if node
                .int(bake)
                .is_some_and(|one| !(0..=MAX_BAKE).contains(&one))
            {
                let path = format!("{CONFIGURATION}.{section}.{bake}");
                let message = format!("is out of range; AWS takes 0 to {MAX_BAKE}");
                self.error("out-of-range", node.place_of(bake), path, message);
            }
        }
    }

    fn early_success(&mut self, configuration: &Node) {
        let Some(criteria) = configuration.get(&["earlySuccessCriteria"]) else {
            return;
        };
        let least = configuration.int("minimumHealthyPercent").unwrap_or(100);
        if let Some(percent) = criteria.int("healthyPercent").filter(|one| *one < least) {
            let path = format!("{CONFIGURATION}.earlySuccessCriteria.healthyPercent");
            let message = format!("{percent} is less than the `minimumHealthyPercent` of {least}");
            self.error(
                "out-of-range",
                criteria.place_of("healthyPercent"),
                path,
                message,
            );
        }
    }

    fn breaker(&mut self, configuration: &Node) {
        let path = ["deploymentCircuitBreaker", "thresholdConfiguration"];
        let Some(threshold) = configuration.get(&path) else {
            return;
        };
        let percent = matches!(
            threshold.text("type"),
            Some("BOUNDED_PERCENT" | "UNBOUNDED_PERCENT")
        );
        let value = threshold.int("value");
        if percent && value.is_some_and(|value| !(1..=100).contains(&value)) {
            let path = format!("{CONFIGURATION}.{}.value", path.join("."));
            let message = "is out of range; a percentage is 1 to 100";
            self.error("out-of-range", threshold.place_of("value"), path, message);
        }
    }

    fn hook(&mut self, hook: &Node, path: &str) {
        if hook.text("targetType") != Some("PAUSE") {
            for member in ["hookTargetArn", "roleArn"] {
                if hook.entry(member).is_none() {
                    let message =
                        format!("`{member}` is missing: a hook calls a Lambda function with it");
                    self.error("missing-field", hook.place, path, message);
                }
            }
            return;
        }
        for (index, stage) in hook.list("lifecycleStages").iter().enumerate() {
            if let Some(name) = stage.as_text().filter(|name| NO_PAUSE.contains(name)) {
                let path = format!("{path}.lifecycleStages[{index}]");
                let message = format!("a deployment cannot be paused at `{name}`");
                self.error("not-allowed", stage.place, path, message)
                    .hint("Pause before it or after it.");
            }
        }
    }
}

fn number(node: &Node) -> Option<f64> {
    match &node.data {
        Data::Number(number) => number.as_f64(),
        _ => None,
    }
}

/// Whether a percentage is a multiple of 0.1, as far as a float can tell.
fn is_tenths(share: f64) -> bool {
    let tenths = share * 10.0;
    (tenths - tenths.round()).abs() < 1e-6
}

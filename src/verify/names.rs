//! What a service, a listener or a rule names and no other judge looks at: clusters, target groups and load
//! balancers by ARN, hook functions.

use super::judge::{Judge, items, text};
use super::question::Question;
use super::routing::forwarded;
use crate::model::Kind;

impl Judge<'_> {
    /// The cluster of a service, if no manifest declares it.
    pub(super) fn cluster(&mut self) {
        let Some(service) = self.resource() else {
            return;
        };
        let (cluster, _) = self.set.service_names(service);
        let set = self.set;
        if set
            .of_kind(Kind::Cluster)
            .any(|declared| declared.aws_name() == cluster)
        {
            return;
        }
        let Some(seen) = self.ask(Question::Cluster(cluster.to_owned()), "/cluster") else {
            return;
        };
        if seen.is_none_or(|live| text(live, "/status") == Some("INACTIVE")) {
            let message = format!(
                "the cluster `{cluster}` does not exist in {}",
                self.place.region
            );
            let hint = "Correct the name, or declare the cluster and refer to it by `clusterRef`.";
            self.error("missing-cluster", "/cluster", message, hint);
        }
    }

    /// Hook functions are Lambda's, which is not asked.
    pub(super) fn hooks(&mut self) {
        let why = "Lambda functions are not looked at";
        let hooks = self
            .resource()
            .and_then(|resource| resource.beside.get("rollout")?.get("hooks")?.as_object());
        for (event, function) in hooks.into_iter().flatten() {
            let name = function.as_str().unwrap_or_default();
            let at = format!("rollout.hooks.{event}");
            self.unchecked(format!("hook function {name}"), why, &at);
        }
        for (pointer, hook) in items(self.spec(), "/deploymentConfiguration/lifecycleHooks") {
            if let Some(arn) = text(hook, "/hookTargetArn") {
                let at = format!("{pointer}/hookTargetArn");
                self.unchecked(format!("hook function {arn}"), why, &at);
            }
        }
    }

    /// The target groups and the load balancer that a listener or rule names by ARN.
    pub(super) fn forwards(&mut self) {
        for list in ["/DefaultActions", "/Actions"] {
            let Some(actions) = self.spec().pointer(list) else {
                continue;
            };
            let mut arns: Vec<&str> = forwarded(actions).into_iter().map(|(arn, _)| arn).collect();
            arns.dedup();
            for arn in arns {
                let question = Question::TargetGroup(arn.to_owned());
                if self.ask(question, list) == Some(None) {
                    let message = format!(
                        "the target group `{arn}` does not exist in {}",
                        self.place.region
                    );
                    let hint =
                        "Name one that does, or declare it and refer to it by `TargetGroupRef`.";
                    self.error("missing-target-group", list, message, hint);
                }
            }
        }
        let parents = [
            ("/LoadBalancerArn", "load balancer"),
            ("/ListenerArn", "listener"),
        ];
        for (pointer, what) in parents {
            let Some(arn) = text(self.spec(), pointer) else {
                continue;
            };
            let question = if pointer == "/ListenerArn" {
                Question::Listener(arn.to_owned())
            } else {
                Question::LoadBalancer(arn.to_owned())
            };
            if self.ask(question, pointer) == Some(None) {
                let message = format!("the {what} `{arn}` does not exist in {}", self.place.region);
                let hint = "Name one that does, or declare it and refer to it.";
                self.error("missing-listener", pointer, message, hint);
            }
        }
    }
}

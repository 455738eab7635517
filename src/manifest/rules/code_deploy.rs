//! Rules of a service that `CodeDeploy` deploys (aws-facts 1.1, 1.7).

use super::Rules;

impl Rules<'_, '_, '_> {
    pub(super) fn code_deploy_service(&mut self) {
        let spec = self.spec();
        let why = "is not for the deployment controller `CODE_DEPLOY`";
        self.forbid(&["volumeConfigurations", "vpcLatticeConfigurations"], why);
        if spec.text("schedulingStrategy") == Some("DAEMON") {
            let place = spec.place_of("schedulingStrategy");
            let message = "`DAEMON` is not for the deployment controller `CODE_DEPLOY`";
            self.error("not-allowed", place, "schedulingStrategy", message)
                .hint("Use `REPLICA`.");
        }
        if let Some(connect) = spec.get(&["serviceConnectConfiguration"])
            && connect.flag("enabled") != Some(false)
        {
            let message = "Service Connect is not for the deployment controller `CODE_DEPLOY`";
            self.error(
                "not-allowed",
                connect.place,
                "serviceConnectConfiguration",
                message,
            );
        }
        let entries = spec.list("loadBalancers");
        if entries.len() != 1 {
            let place = spec.place_of("loadBalancers");
            let message = format!(
                "a `CODE_DEPLOY` service has exactly one load balancer entry, this one has {}",
                entries.len()
            );
            self.error("load-balancer-count", place, "loadBalancers", message)
                .hint("Name the first target group of the pair, the container and its port.");
        }
        for (index, entry) in entries.iter().enumerate() {
            if let Some(advanced) = entry.entry("advancedConfiguration") {
                let path = format!("loadBalancers[{index}].advancedConfiguration");
                let message = "belongs to ECS's own blue/green, not to `CODE_DEPLOY`";
                self.error("not-allowed", advanced.key_place, path, message)
                    .hint("Remove it.");
            }
        }
        self.ecs_only_features();
        if self.world.groups_of(&self.draft.key).is_empty() {
            let place = spec.place_of("deploymentController");
            let message = "no DeploymentGroup manifest names this service in its `ecsServices`";
            self.warning(
                "no-deployment-group",
                place,
                "deploymentController",
                message,
            )
            .hint("Without one the service cannot be made or deployed.");
        }
    }
}

//! A service against its task definition and its target groups (aws-facts 3.3).

use super::super::nearest::suggestion;
use super::super::schema::listed;
use super::super::tree::Node;
use super::Rules;
use super::service::controller;
use super::task_definition::is_fargate;

impl<'a> Rules<'a, '_, '_> {
    pub(super) fn wiring(&mut self) {
        let spec = self.spec();
        if let Some(section) = self.draft.beside.get("rollout")
            && section.get("hooks").is_some()
            && controller(spec) != "CODE_DEPLOY"
        {
            let place = self.draft.rollout_place.unwrap_or(self.draft.place);
            let message = "`rollout.hooks` are for the deployment controller `CODE_DEPLOY`";
            let found = self
                .findings
                .error("not-allowed", place, "rollout.hooks", message);
            found.hint("With ECS's own controller use `deploymentConfiguration.lifecycleHooks`.");
            // It stands in the manifest, wherever the spec does.
            self.draft.file.clone_into(&mut found.file);
        }
        self.room_for_tasks();
        let Some(task) = self.world.linked(self.draft, "/taskDefinitionRef") else {
            return;
        };
        let task = &task.spec;
        self.launch(task);
        self.network_mode(task);
        self.hook_tasks(task);
        self.port_names(task);
        self.volumes_at_launch(task);
        for (index, entry) in spec.list("loadBalancers").iter().enumerate() {
            let path = format!("loadBalancers[{index}]");
            self.container_and_port(entry, task, &path);
            self.target_type(entry, task, index);
        }
    }

    fn launch(&mut self, task: &Node) {
        let listed = task.list("requiresCompatibilities");
        let spec = self.spec();
        let by_provider = spec.list("capacityProviderStrategy").iter().any(|one| {
            matches!(
                one.text("capacityProvider"),
                Some("FARGATE" | "FARGATE_SPOT")
            )
        });
        let member = if by_provider {
            "capacityProviderStrategy"
        } else {
            "launchType"
        };
        let fargate = by_provider || spec.text("launchType") == Some("FARGATE");
        if fargate && !listed.is_empty() && !is_fargate(task) {
            let message = "the task definition's `requiresCompatibilities` do not have `FARGATE`";
            self.error("launch-type", spec.place_of(member), member, message);
        }
    }

    /// Service Connect and VPC Lattice name ports.
    fn port_names(&mut self, task: &'a Node) {
        let known: Vec<&str> = task
            .list("containerDefinitions")
            .iter()
            .flat_map(|one| one.list("portMappings"))
            .filter_map(|mapping| mapping.text("name"))
            .collect();
        let spec = self.spec();
        let connect = "serviceConnectConfiguration";
        let lattice = "vpcLatticeConfigurations";
        let connected = spec
            .get(&[connect])
            .map_or(&[][..], |node| node.list("services"));
        let named = connected
            .iter()
            .enumerate()
            .map(|(at, one)| (format!("{connect}.services[{at}].portName"), one))
            .chain(
                spec.list(lattice)
                    .iter()
                    .enumerate()
                    .map(|(at, one)| (format!("{lattice}[{at}].portName"), one)),
            );
        for (path, one) in named {
            let Some(name) = one.text("portName").filter(|name| !known.contains(name)) else {
                continue;
            };
            let message = format!("the task definition has no port mapping with the name `{name}`");
            let hint = suggestion(name, known.iter().copied())
                .unwrap_or_else(|| format!("Give a port mapping `name: {name}`."));
            self.error("unknown-name", one.place_of("portName"), path, message)
                .hint(hint);
        }
    }

    /// A service's volumes are those that the task definition leaves open.
    fn volumes_at_launch(&mut self, task: &'a Node) {
        let open = |one: &&Node| one.flag("configuredAtLaunch") == Some(true);
        let volumes = task.list("volumes").iter().filter(open);
        let names: Vec<&str> = volumes.filter_map(|one| one.text("name")).collect();
        for (index, one) in self.spec().list("volumeConfigurations").iter().enumerate() {
            let Some(name) = one.text("name").filter(|name| !names.contains(name)) else {
                continue;
            };
            let path = format!("volumeConfigurations[{index}].name");
            let message =
                format!("the task definition has no volume `{name}` that is configured at launch");
            self.error("unknown-name", one.place_of("name"), path, message)
                .hint("Give its volume `configuredAtLaunch: true`.");
        }
    }

    fn network_mode(&mut self, task: &Node) {
        let spec = self.spec();
        let vpc = spec.entry("networkConfiguration");
        match (task.text("networkMode"), vpc) {
            (Some("awsvpc"), None) => {
                let place = spec.place_of("taskDefinitionRef");
                let message = "`networkConfiguration` is missing: the task definition's network mode is `awsvpc`";
                self.error("missing-field", place, "networkConfiguration", message)
                    .hint("Give `awsvpcConfiguration` with subnets and security groups.");
            }
            (mode, Some(entry)) if mode != Some("awsvpc") => {
                let mode = mode.unwrap_or("bridge");
                let message = format!(
                    "is only for the network mode `awsvpc`, the task definition's is `{mode}`"
                );
                self.error(
                    "not-allowed",
                    entry.key_place,
                    "networkConfiguration",
                    message,
                );
            }
            _ => {}
        }
    }

    fn container_and_port(&mut self, entry: &Node, task: &'a Node, path: &str) {
        let Some(name) = entry.text("containerName") else {
            return;
        };
        let containers = task.list("containerDefinitions");
        let Some(container) = containers.iter().find(|one| one.text("name") == Some(name)) else {
            let names: Vec<&str> = containers
                .iter()
                .filter_map(|one| one.text("name"))
                .collect();
            let hint = suggestion(name, names.iter().copied())
                .unwrap_or_else(|| format!("It has {}.", listed(&names)));
            let message = format!("the task definition has no container `{name}`");
            let place = entry.place_of("containerName");
            self.error(
                "unknown-container",
                place,
                format!("{path}.containerName"),
                message,
            )
            .hint(hint);
            return;
        };
        let Some(port) = entry.int("containerPort") else {
            return;
        };
        let mappings = container.list("portMappings");
        let ranged = mappings
            .iter()
            .any(|one| one.entry("containerPortRange").is_some());
        let ports: Vec<String> = mappings
            .iter()
            .filter_map(|one| one.int("containerPort"))
            .map(|port| port.to_string())
            .collect();
        if !ranged && !ports.contains(&port.to_string()) {
            let message = format!("the container `{name}` has no container port {port}");
            let hint = match &ports[..] {
                [] => format!(
                    "Give it `portMappings: [{{containerPort: {port}}}]` in the task definition."
                ),
                ports => format!("It has {}.", ports.join(", ")),
            };
            let place = entry.place_of("containerPort");
            self.error(
                "unknown-port",
                place,
                format!("{path}.containerPort"),
                message,
            )
            .hint(hint);
        }
    }

    /// Tasks with addresses of their own register by address, the others by their instance.
    fn target_type(&mut self, entry: &Node, task: &Node, index: usize) {
        let pointer = format!("/loadBalancers/{index}/targetGroupRef");
        let Some(group) = self.world.linked(self.draft, &pointer) else {
            return;
        };
        let wanted = match task.text("networkMode") {
            Some("awsvpc") => "ip",
            None | Some("bridge" | "host") => "instance",
            Some(_) => return,
        };
        let found = group.spec.text("TargetType").unwrap_or("instance");
        if found != wanted {
            let mode = task.text("networkMode").unwrap_or("bridge");
            let message = format!(
                "{} has the target type `{found}`, the network mode `{mode}` needs `{wanted}`",
                group.key
            );
            let path = format!("loadBalancers[{index}].targetGroupRef");
            self.error(
                "target-type",
                entry.place_of("targetGroupRef"),
                path,
                message,
            )
            .hint(format!("Write `TargetType: {wanted}` in {}.", group.key));
        }
    }
}

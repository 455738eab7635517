//! Rules of the containers of a task definition.

use std::collections::BTreeSet;

use super::super::names;
use super::super::nearest::suggestion;
use super::super::tree::Node;
use super::task_definition::is_fargate;
use super::{Rules, fargate};

impl Rules<'_, '_, '_> {
    pub(super) fn containers(&mut self) {
        let spec = self.spec();
        let mut names = BTreeSet::new();
        for (index, container) in spec.list("containerDefinitions").iter().enumerate() {
            let path = format!("containerDefinitions[{index}]");
            self.container_name(container, &path, &mut names);
            self.container_image(container, &path);
            self.container_ports(container, &path);
            self.container_size(container, &path);
            self.container_variables(container, &path);
            self.container_neighbours(container, &path);
            self.container_log(container, &path);
        }
        let total: i64 = spec
            .list("containerDefinitions")
            .iter()
            .filter_map(|one| one.int("cpu"))
            .sum();
        let task = spec.text("cpu").and_then(fargate::cpu_units);
        if let Some(task) = task.filter(|task| i64::try_from(*task).is_ok_and(|task| total > task))
        {
            let message = format!("the containers ask for {total} cpu units, the task has {task}");
            self.error("container-size", spec.place_of("cpu"), "cpu", message);
        }
    }

    fn container_name<'n>(&mut self, one: &'n Node, path: &str, names: &mut BTreeSet<&'n str>) {
        if one.entry("name").is_none() {
            self.error("missing-field", one.place, path, "`name` is missing");
        }
        let Some(name) = one.text("name") else { return };
        let (place, path) = (one.place_of("name"), format!("{path}.name"));
        if !names::is_ecs_name(name) {
            self.error(
                "bad-name",
                place,
                &path,
                format!("`{name}` cannot name a container"),
            )
            .hint("Letters, digits, `-` and `_`, at most 255.");
        }
        if !names.insert(name) {
            let message = format!("a second container is called `{name}`");
            self.error("duplicate", place, &path, message)
                .hint("Give each container a name of its own.");
        }
    }

    fn container_image(&mut self, one: &Node, path: &str) {
        if one.entry("image").is_none() {
            self.error("missing-field", one.place, path, "`image` is missing");
        }
        let Some(image) = one.text("image") else {
            return;
        };
        let (place, path) = (one.place_of("image"), format!("{path}.image"));
        if image.contains(['<', '>']) {
            let message = format!("`{image}` is a placeholder that nothing replaces");
            self.error("bad-image", place, path, message)
                .hint("Write the image itself, such as `nova/auth-service:1.4.0`.");
        } else if image.is_empty() || image.contains(char::is_whitespace) {
            self.error(
                "bad-image",
                place,
                path,
                format!("`{image}` is no image name"),
            );
        }
    }

    fn container_ports(&mut self, one: &Node, path: &str) {
        let mode = self.spec().text("networkMode").unwrap_or("bridge");
        let awsvpc = mode == "awsvpc";
        if mode == "none" && !one.list("portMappings").is_empty() {
            let message = "a task of the network mode `none` has no ports";
            let path = format!("{path}.portMappings");
            self.error("port-mapping", one.place_of("portMappings"), path, message);
        }
        for (index, mapping) in one.list("portMappings").iter().enumerate() {
            let path = format!("{path}.portMappings[{index}]");
            for member in ["containerPort", "hostPort"] {
                if let Some(port) = mapping.int(member)
                    && !(0..=65_535).contains(&port)
                {
                    let message = format!("{port} is no port");
                    self.error(
                        "out-of-range",
                        mapping.place_of(member),
                        format!("{path}.{member}"),
                        message,
                    );
                }
            }
            if let (Some(range), true) = (
                mapping.entry("containerPortRange"),
                mapping.entry("containerPort").is_some(),
            ) {
                let path = format!("{path}.containerPortRange");
                let message = "`containerPort` and `containerPortRange` exclude each other";
                self.error("two-ways", range.key_place, path, message)
                    .hint("Keep one of the two.");
            }
            if let (true, Some(container), Some(host)) = (
                matches!(mode, "awsvpc" | "host"),
                mapping.int("containerPort"),
                mapping.int("hostPort"),
            ) && host != container
            {
                let place = mapping.place_of("hostPort");
                let message = format!(
                    "host port {host} and container port {container} must match in the network mode `{mode}`"
                );
                self.error("port-mapping", place, format!("{path}.hostPort"), message)
                    .hint("Leave `hostPort` out.");
            }
        }
        if awsvpc && one.text("hostname").is_some_and(|name| !name.is_empty()) {
            let message = "`hostname` does not exist in the network mode `awsvpc`";
            let path = format!("{path}.hostname");
            self.error("not-allowed", one.place_of("hostname"), path, message)
                .hint("Remove it.");
        }
        if awsvpc && !one.list("links").is_empty() {
            let message = "`links` do not exist in the network mode `awsvpc`";
            self.error(
                "not-allowed",
                one.place_of("links"),
                format!("{path}.links"),
                message,
            )
            .hint("Containers of one task reach each other at localhost.");
        }
    }

    fn container_size(&mut self, one: &Node, path: &str) {
        let spec = self.spec();
        let (memory, reservation) = (one.int("memory"), one.int("memoryReservation"));
        let task = spec.text("memory").and_then(fargate::memory_mib);
        if memory.is_none()
            && reservation.is_none()
            && spec.entry("memory").is_none()
            && !is_fargate(spec)
        {
            let message = "at least one of `memory` and `memoryReservation` is needed, as the task as a whole has no `memory`";
            self.error("missing-field", one.place, path, message);
        }
        for member in ["memory", "memoryReservation"] {
            if let (Some(own), Some(task)) = (one.int(member), task)
                && u64::try_from(own).is_ok_and(|own| own > task)
            {
                let message = format!("{own} MiB is more than the task's {task}");
                self.error(
                    "container-size",
                    one.place_of(member),
                    format!("{path}.{member}"),
                    message,
                );
            }
        }
        if let (Some(memory), Some(reservation)) = (memory, reservation)
            && reservation > memory
        {
            let place = one.place_of("memoryReservation");
            let message = format!("{reservation} MiB reserved is more than the limit of {memory}");
            self.error(
                "container-size",
                place,
                format!("{path}.memoryReservation"),
                message,
            );
        }
    }

    fn container_variables(&mut self, one: &Node, path: &str) {
        let mut seen = BTreeSet::new();
        for (index, variable) in one.list("environment").iter().enumerate() {
            if let Some(name) = variable.text("name")
                && !seen.insert(name)
            {
                let path = format!("{path}.environment[{index}].name");
                let message = format!("the variable `{name}` stands here a second time");
                self.warning("duplicate", variable.place_of("name"), path, message)
                    .hint("Only one of the two can count; remove one.");
            }
        }
        for (index, secret) in one.list("secrets").iter().enumerate() {
            if let Some(name) = secret.text("name")
                && !seen.insert(name)
            {
                let path = format!("{path}.secrets[{index}].name");
                let message = format!("`{name}` is already a variable or secret of this container");
                self.error("duplicate", secret.place_of("name"), path, message);
            }
        }
    }

    /// Containers and volumes that a container names.
    fn container_neighbours(&mut self, one: &Node, path: &str) {
        let spec = self.spec();
        let named = |list: &str, member: &str| -> Vec<String> {
            spec.list(list)
                .iter()
                .filter_map(|one| one.text(member))
                .map(str::to_owned)
                .collect()
        };
        let containers = named("containerDefinitions", "name");
        let volumes = named("volumes", "name");
        for (list, member, known, what) in [
            ("dependsOn", "containerName", &containers, "container"),
            ("volumesFrom", "sourceContainer", &containers, "container"),
            ("mountPoints", "sourceVolume", &volumes, "volume"),
        ] {
            for (index, element) in one.list(list).iter().enumerate() {
                let Some(name) = element.text(member) else {
                    continue;
                };
                if !known.iter().any(|known| known == name) {
                    let path = format!("{path}.{list}[{index}].{member}");
                    let hint = suggestion(name, known.iter().map(String::as_str));
                    let message = format!("this task definition has no {what} `{name}`");
                    self.error("unknown-name", element.place_of(member), path, message)
                        .hint = hint;
                }
            }
        }
    }

    /// Options without which `awslogs` is refused (`options` of `LogConfiguration` in the ECS model).
    fn container_log(&mut self, one: &Node, path: &str) {
        let Some(log) = one.get(&["logConfiguration"]) else {
            return;
        };
        if log.text("logDriver") != Some("awslogs") {
            return;
        }
        let options = log.get(&["options"]);
        for option in ["awslogs-group", "awslogs-region"] {
            if options.is_none_or(|options| options.entry(option).is_none()) {
                let message = format!("the option `{option}` is missing: `awslogs` needs it");
                let place = options.map_or(log.place, |options| options.place);
                self.error(
                    "missing-field",
                    place,
                    format!("{path}.logConfiguration.options"),
                    message,
                );
            }
        }
    }
}

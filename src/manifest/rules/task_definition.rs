//! Rules of a task definition as a whole. Those of single containers are in `containers`.

use std::collections::BTreeSet;

use super::super::image;
use super::super::tree::Node;
use super::{Rules, fargate};
use crate::model::Kind;

/// Containers in a task definition (aws-facts 3.2).
const MAX_CONTAINERS: usize = 10;
/// Bytes that AWS takes (aws-facts 3.2). Its own form is never shorter than ours.
const MAX_BYTES: usize = 65_536;

/// Whether the task definition is meant for Fargate.
pub(super) fn is_fargate(spec: &Node) -> bool {
    spec.list("requiresCompatibilities")
        .iter()
        .any(|one| one.as_text() == Some("FARGATE"))
}

impl Rules<'_, '_, '_> {
    pub(super) fn task_definition(&mut self) {
        let spec = self.spec();
        if is_fargate(spec) {
            self.fargate();
            self.fargate_members();
        } else {
            self.sizes();
        }
        let containers = spec.list("containerDefinitions");
        let place = spec.place_of("containerDefinitions");
        if containers.is_empty() && spec.entry("containerDefinitions").is_some() {
            let message = "a task needs at least one container";
            self.error("missing-field", place, "containerDefinitions", message);
        }
        if containers.len() > MAX_CONTAINERS {
            let message = format!(
                "{} containers; AWS takes {MAX_CONTAINERS}",
                containers.len()
            );
            self.error("too-many", place, "containerDefinitions", message);
        }
        if !containers.is_empty()
            && containers
                .iter()
                .all(|one| one.flag("essential") == Some(false))
        {
            self.error(
                "no-essential-container",
                place,
                "containerDefinitions",
                "no container is essential",
            )
            .hint("Leave `essential` out, or set it to true, for at least one container.");
        }
        let size = spec.to_value().to_string().len();
        if size > MAX_BYTES {
            let message = format!("{size} bytes; AWS takes {MAX_BYTES}");
            self.error("too-large", spec.place, "", message);
        }
        self.roles();
        self.execution_role();
        self.volumes();
        self.containers();
        self.container_order();
    }

    /// Sizes of a task on instances: any that is a size.
    fn sizes(&mut self) {
        let spec = self.spec();
        for (member, size, cure) in [
            (
                "cpu",
                spec.text("cpu").map(fargate::cpu_units),
                "Write it as \"256\" or \".25 vCPU\".",
            ),
            (
                "memory",
                spec.text("memory").map(fargate::memory_mib),
                "Write it as \"512\" or \"0.5 GB\".",
            ),
        ] {
            if size == Some(None) {
                let message = format!(
                    "`{}` is no {member} size",
                    spec.text(member).unwrap_or_default()
                );
                self.error("bad-value", spec.place_of(member), member, message)
                    .hint(cure);
            }
        }
    }

    fn volumes(&mut self) {
        let mut seen = BTreeSet::new();
        for (index, volume) in self.spec().list("volumes").iter().enumerate() {
            if let Some(name) = volume.text("name")
                && !seen.insert(name)
            {
                let path = format!("volumes[{index}].name");
                let message = format!("a second volume is called `{name}`");
                self.error("duplicate", volume.place_of("name"), path, message)
                    .hint("Give each volume a name of its own.");
            }
        }
    }

    fn fargate(&mut self) {
        let spec = self.spec();
        match spec.text("networkMode") {
            Some("bridge" | "host" | "none") => {
                let place = spec.place_of("networkMode");
                let message = "Fargate only supports the network mode `awsvpc`";
                self.error("network-mode", place, "networkMode", message)
                    .hint("Write `networkMode: awsvpc`.");
            }
            None if spec.entry("networkMode").is_none() => {
                let place = spec.place_of("requiresCompatibilities");
                let message = "`networkMode` is missing: its default is `bridge`, and Fargate only supports `awsvpc`";
                self.error("network-mode", place, "networkMode", message)
                    .hint("Write `networkMode: awsvpc`.");
            }
            _ => {}
        }
        self.demand(
            &["cpu", "memory"],
            None,
            "Fargate wants it for the task as a whole",
        );
        let (Some(cpu), Some(memory)) = (spec.text("cpu"), spec.text("memory")) else {
            return;
        };
        match (fargate::cpu_units(cpu), fargate::memory_mib(memory)) {
            (Some(units), Some(mib)) => {
                if let Some(cure) = fargate::fault(units, mib) {
                    let message = format!("Fargate has no task of {units} cpu units and {mib} MiB");
                    self.error("fargate-size", spec.place_of("cpu"), "cpu", message)
                        .hint(cure);
                }
            }
            (None, _) => {
                let message = format!("`{cpu}` is no cpu size");
                self.error("fargate-size", spec.place_of("cpu"), "cpu", message)
                    .hint("Write it as \"256\" or \".25 vCPU\".");
            }
            (_, None) => {
                let message = format!("`{memory}` is no memory size");
                self.error("fargate-size", spec.place_of("memory"), "memory", message)
                    .hint("Write it as \"512\" or \"0.5 GB\".");
            }
        }
        if let Some(gib) = spec
            .get(&["ephemeralStorage"])
            .and_then(|node| node.int("sizeInGiB"))
            && !(21..=200).contains(&gib)
        {
            // `sizeInGiB` of EphemeralStorage in the ECS service model.
            let place = spec.place_of("ephemeralStorage");
            let message = format!("{gib} GiB is out of range; AWS takes 21 to 200");
            self.error("out-of-range", place, "ephemeralStorage.sizeInGiB", message);
        }
    }

    /// ECS reads secrets, and Fargate pulls and logs, with the execution role.
    fn execution_role(&mut self) {
        let spec = self.spec();
        if spec.entry("executionRoleArn").is_some() {
            return;
        }
        let containers = spec.list("containerDefinitions");
        let secrets = containers
            .iter()
            .find(|one| !one.list("secrets").is_empty());
        if let Some(one) = secrets {
            let message = "`executionRoleArn` is missing: ECS needs it to read secrets";
            self.error(
                "missing-field",
                one.place_of("secrets"),
                "executionRoleArn",
                message,
            );
        } else if is_fargate(spec)
            && let Some(reason) = self.reason_for_execution_role()
        {
            let place = spec.place_of("requiresCompatibilities");
            let message = format!("`executionRoleArn` is missing: Fargate needs it to {reason}");
            self.error("missing-field", place, "executionRoleArn", message);
        }
    }

    fn reason_for_execution_role(&self) -> Option<&'static str> {
        let containers = self.spec().list("containerDefinitions");
        let from_ecr = |one: &Node| {
            let Some(name) = one.text("image").map(image::split) else {
                return false;
            };
            match name.host {
                Some(host) => image::is_ecr_host(host),
                None => self
                    .world
                    .named(Kind::ImageRepository, name.repository)
                    .is_some(),
            }
        };
        if containers.iter().any(from_ecr) {
            return Some("pull images from ECR");
        }
        let awslogs = |one: &Node| {
            one.get(&["logConfiguration"])
                .and_then(|log| log.text("logDriver"))
                == Some("awslogs")
        };
        containers
            .iter()
            .any(awslogs)
            .then_some("write logs with awslogs")
    }

    /// Task role and execution role are easily swapped; names are all that can be judged here.
    fn roles(&mut self) {
        let spec = self.spec();
        let name = |member: &str| {
            let arn = spec.text(member)?;
            Some(arn.rsplit('/').next().unwrap_or(arn).to_ascii_lowercase())
        };
        let (Some(task), Some(execution)) = (name("taskRoleArn"), name("executionRoleArn")) else {
            return;
        };
        if task.contains("execution") && !execution.contains("execution") {
            let message =
                "the role's name sounds like an execution role, and the other one's does not";
            self.warning("roles-swapped", spec.place_of("taskRoleArn"), "taskRoleArn", message).hint(
                "`executionRoleArn` is ECS's (pull, logs, secrets); `taskRoleArn` is the program's own.",
            );
        }
    }
}

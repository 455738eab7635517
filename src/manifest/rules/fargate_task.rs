//! What Fargate does not have of a task definition (the members' own descriptions in the ECS service
//! model). Its sizes are in `fargate`.

use super::super::tree::Node;
use super::Rules;

/// Drivers that Fargate logs with.
const LOG_DRIVERS: [&str; 3] = ["awslogs", "splunk", "awsfirelens"];
const WHY: &str = "is not for Fargate";

impl Rules<'_, '_, '_> {
    /// Members that only tasks on instances have.
    pub(super) fn fargate_members(&mut self) {
        let spec = self.spec();
        if !spec.list("placementConstraints").is_empty() {
            self.forbid(&["placementConstraints"], WHY);
        }
        for (member, modes) in [
            ("ipcMode", &["host", "task", "none"][..]),
            ("pidMode", &["host"]),
        ] {
            if let Some(mode) = spec.text(member).filter(|mode| modes.contains(mode)) {
                let message = format!("`{mode}` {WHY}");
                self.error("not-allowed", spec.place_of(member), member, message);
            }
        }
        for (index, volume) in spec.list("volumes").iter().enumerate() {
            let path = format!("volumes[{index}]");
            self.not_on_fargate(volume, "dockerVolumeConfiguration", &path);
            if let Some(host) = volume.get(&["host"])
                && host.text("sourcePath").is_some_and(|path| !path.is_empty())
            {
                self.not_on_fargate(host, "sourcePath", &format!("{path}.host"));
            }
        }
        for (index, one) in spec.list("containerDefinitions").iter().enumerate() {
            let path = format!("containerDefinitions[{index}]");
            if one.flag("privileged") == Some(true) {
                self.not_on_fargate(one, "privileged", &path);
            }
            if !one.list("dockerSecurityOptions").is_empty() {
                self.not_on_fargate(one, "dockerSecurityOptions", &path);
            }
            if let Some(linux) = one.get(&["linuxParameters"]) {
                let path = format!("{path}.linuxParameters");
                if !linux.list("devices").is_empty() {
                    self.not_on_fargate(linux, "devices", &path);
                }
                for member in ["sharedMemorySize", "maxSwap", "swappiness"] {
                    self.not_on_fargate(linux, member, &path);
                }
            }
            self.fargate_log(one, &path);
        }
    }

    fn fargate_log(&mut self, one: &Node, path: &str) {
        let Some(log) = one.get(&["logConfiguration"]) else {
            return;
        };
        if let Some(driver) = log
            .text("logDriver")
            .filter(|name| !LOG_DRIVERS.contains(name))
        {
            let path = format!("{path}.logConfiguration.logDriver");
            let message = format!("the log driver `{driver}` {WHY}");
            self.error("not-allowed", log.place_of("logDriver"), path, message)
                .hint("Use `awslogs`, `splunk` or `awsfirelens`.");
        }
    }

    fn not_on_fargate(&mut self, node: &Node, member: &str, path: &str) {
        if let Some(entry) = node.entry(member) {
            let message = format!("`{member}` {WHY}");
            self.error(
                "not-allowed",
                entry.key_place,
                format!("{path}.{member}"),
                message,
            )
            .hint("Remove it.");
        }
    }
}

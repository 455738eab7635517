//! Rules of `dependsOn`: containers that wait for containers.

use super::super::tree::Node;
use super::Rules;

impl<'a> Rules<'a, '_, '_> {
    /// Conditions that cannot come true, and circles.
    pub(super) fn container_order(&mut self) {
        let containers = self.spec().list("containerDefinitions");
        let find = |name: &str| containers.iter().find(|one| one.text("name") == Some(name));
        for (index, one) in containers.iter().enumerate() {
            for (at, wait) in one.list("dependsOn").iter().enumerate() {
                let path = format!("containerDefinitions[{index}].dependsOn[{at}]");
                let Some(other) = wait.text("containerName").and_then(find) else {
                    continue;
                };
                self.condition(wait, other, &path);
            }
            if let Some(name) = one.text("name")
                && let Some(circle) = circle_from(name, containers)
                && circle.iter().min() == Some(&name)
            {
                let path = format!("containerDefinitions[{index}].dependsOn");
                let message = format!("the containers wait in a circle: {}", circle.join(" -> "));
                self.error("dependency-cycle", one.place_of("dependsOn"), path, message)
                    .hint("Take one of them out.");
            }
        }
    }

    fn condition(&mut self, wait: &Node, other: &'a Node, path: &str) {
        let name = other.text("name").unwrap_or_default();
        let (place, path) = (wait.place_of("condition"), format!("{path}.condition"));
        match wait.text("condition") {
            Some(end @ ("COMPLETE" | "SUCCESS")) if other.flag("essential") != Some(false) => {
                let message = format!(
                    "`{end}` waits for the end of `{name}`, which is essential: its end is the task's"
                );
                self.error("dependency", place, path, message)
                    .hint(format!("Write `essential: false` in `{name}`."));
            }
            Some("HEALTHY") if other.entry("healthCheck").is_none() => {
                let message =
                    format!("`HEALTHY` waits for the health check that `{name}` does not have");
                self.warning("dependency", place, path, message)
                    .hint("Give it a `healthCheck`, or wait for `START`.");
            }
            _ => {}
        }
    }
}

/// The names on the way from a container back to itself.
fn circle_from<'n>(start: &'n str, containers: &'n [Node]) -> Option<Vec<&'n str>> {
    let waits = |name: &str| -> Vec<&'n str> {
        let one = containers.iter().find(|one| one.text("name") == Some(name));
        let all = one.map_or(&[][..], |one| one.list("dependsOn"));
        all.iter()
            .filter_map(|wait| wait.text("containerName"))
            .collect()
    };
    let mut ways = vec![vec![start]];
    let mut seen = Vec::new();
    while let Some(way) = ways.pop() {
        let last = way.last().copied().unwrap_or(start);
        for next in waits(last) {
            let mut way = way.clone();
            way.push(next);
            if next == start {
                return Some(way);
            }
            if !seen.contains(&next) {
                seen.push(next);
                ways.push(way);
            }
        }
    }
    None
}

//! The `rollout` section of a Service: how its rollouts go. Only the shape of its members; what they
//! name in other manifests is checked by `link`.
//!
//! Invariant: a section for which [`check`] gives true is well-formed.

use super::diagnostic::Findings;
use super::schema::unknown_key;
use super::sections::is_map;
use super::tree::{Data, Node};

/// The lifecycle events of an ECS deployment that may call a Lambda function (aws-facts 2.3).
pub(crate) const HOOKS: [&str; 5] = [
    "BeforeInstall",
    "AfterInstall",
    "AfterAllowTestTraffic",
    "BeforeAllowTraffic",
    "AfterAllowTraffic",
];

/// The services whose rollouts come first.
pub(crate) const DEPENDS_ON: &str = "dependsOn";

/// The members of the section.
const MEMBERS: [&str; 2] = [DEPENDS_ON, "hooks"];

/// Whether the section is well-formed; what is not is reported.
pub(super) fn check(node: &Node, findings: &mut Findings<'_>) -> bool {
    let before = findings.list.len();
    if !is_map(node, "rollout", findings) {
        return false;
    }
    for entry in node.entries() {
        match entry.key.as_str() {
            "hooks" => hooks(&entry.value, findings),
            DEPENDS_ON => depends_on(&entry.value, findings),
            _ => unknown_key(entry, &MEMBERS, "rollout", findings),
        }
    }
    findings.list.len() == before
}

/// Lambda functions by the lifecycle events that call them.
fn hooks(node: &Node, findings: &mut Findings<'_>) {
    if !is_map(node, "rollout.hooks", findings) {
        return;
    }
    for entry in node.entries() {
        if !HOOKS.contains(&entry.key.as_str()) {
            unknown_key(entry, &HOOKS, "rollout.hooks", findings);
        } else if entry.value.as_text().is_none_or(str::is_empty) {
            let path = format!("rollout.hooks.{}", entry.key);
            let message = "expected the name or ARN of a Lambda function";
            findings.error("wrong-type", entry.value.place, path, message);
        }
    }
}

/// Names of Service manifests.
fn depends_on(node: &Node, findings: &mut Findings<'_>) {
    let path = format!("rollout.{DEPENDS_ON}");
    if !matches!(node.data, Data::List(_)) {
        let message = format!("expected a list, found {}", node.what());
        findings
            .error("wrong-type", node.place, path, message)
            .hint("Write `[NAME]`, with the names of Service manifests.");
        return;
    }
    for (index, item) in node.items().iter().enumerate() {
        if item.as_text().is_none_or(str::is_empty) {
            let message = format!(
                "expected the name of a Service manifest, found {}",
                item.what()
            );
            findings.error(
                "wrong-type",
                item.place,
                format!("{path}[{index}]"),
                message,
            );
        }
    }
}

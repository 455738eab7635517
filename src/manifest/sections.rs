//! What stands beside `spec`: members of sibling operations and Even Keel's own sections (`rollout` has a
//! module of its own).
//!
//! Invariant: what [`read`] returns is well-formed; what is not is left out and reported.

use std::time::Duration;

use serde_json::{Map, Value};

use super::attributes;
use super::diagnostic::Findings;
use super::nearest::suggestion;
use super::rollout;
use super::schema::unknown_key;
use super::self_heal::{self, SELF_HEAL};
use super::tree::{Data, Node};
use super::windows::{self, WINDOWS};
use crate::catalogue;
use crate::model::Kind;

/// The member of a scalable target's `sync` by which its scaling is suspended while `CodeDeploy`
/// deploys the service.
pub(crate) const SUSPEND: &str = "suspendDuringDeployments";

/// The member of `sync` that says what becomes of a resource when its manifest is gone.
pub(crate) const PRUNE: &str = "prune";

/// What it may say.
pub(crate) const PRUNE_WORDS: [&str; 2] = ["never", "confirm"];

/// The members of `sync` of this kind.
pub(crate) fn sync_members(kind: Kind) -> Vec<&'static str> {
    let mut members = vec!["driftGrace", "ignore"];
    // Neither is ever pruned: revisions are history, and policies carry no tags.
    if !matches!(kind, Kind::TaskDefinition | Kind::ScalingPolicy) {
        members.push(PRUNE);
    }
    if self_heal::governs(kind) {
        members.push(SELF_HEAL);
    }
    if windows::has(kind) {
        members.push(WINDOWS);
    }
    if kind == Kind::ScalableTarget {
        members.push(SUSPEND);
    }
    members
}

/// The members that may stand beside the spec of this kind.
pub(crate) fn beside(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::TargetGroup | Kind::LoadBalancer | Kind::Listener => &["attributes", "sync"],
        Kind::ImageRepository => &["lifecyclePolicyText", "policyText", "sync"],
        Kind::Service => &["rollout", "sync"],
        Kind::Cluster
        | Kind::TaskDefinition
        | Kind::ListenerRule
        | Kind::DeploymentGroup
        | Kind::ScalableTarget
        | Kind::ScalingPolicy => &["sync"],
    }
}

/// Reads and checks the members beside the spec.
pub(super) fn read(
    kind: Kind,
    root: &Node,
    allow_unknown: bool,
    findings: &mut Findings<'_>,
) -> Map<String, Value> {
    let mut out = Map::new();
    for entry in root
        .entries()
        .iter()
        .filter(|entry| beside(kind).contains(&entry.key.as_str()))
    {
        let good = match entry.key.as_str() {
            "attributes" => attributes::check(kind, &entry.value, allow_unknown, findings),
            "rollout" => rollout::check(&entry.value, findings),
            "sync" => sync(kind, &entry.value, findings),
            policy => policy_text(policy, &entry.value, findings),
        };
        if good {
            out.insert(entry.key.clone(), entry.value.to_value());
        }
    }
    out
}

/// A policy: its JSON text, or the document itself.
fn policy_text(member: &str, node: &Node, findings: &mut Findings<'_>) -> bool {
    let fault = match &node.data {
        Data::Map(_) => return true,
        Data::Text(text) => match serde_json::from_str::<Value>(text) {
            Ok(Value::Object(_)) => return true,
            Ok(_) => "is not a JSON object".to_owned(),
            Err(error) => {
                format!(
                    "is not valid JSON: line {}, column {}",
                    error.line(),
                    error.column()
                )
            }
        },
        _ => format!("expected a JSON text or a map, found {}", node.what()),
    };
    findings.error("wrong-type", node.place, member, fault);
    false
}

fn sync(kind: Kind, node: &Node, findings: &mut Findings<'_>) -> bool {
    let before = findings.list.len();
    if !is_map(node, "sync", findings) {
        return false;
    }
    for entry in node.entries() {
        match entry.key.as_str() {
            "driftGrace" if entry.value.as_text().and_then(parse_duration).is_none() => {
                let message = "expected a duration";
                findings
                    .error("bad-value", entry.value.place, "sync.driftGrace", message)
                    .hint("Write it as `90s`, `10m` or `1h30m`.");
            }
            "driftGrace" => {}
            "ignore" => ignore(kind, &entry.value, findings),
            SELF_HEAL => self_heal::check(kind, &entry.value, findings),
            WINDOWS if windows::has(kind) => windows::check(kind, &entry.value, findings),
            SUSPEND if kind == Kind::ScalableTarget => {
                if !matches!(entry.value.data, Data::Bool(_)) {
                    let message = format!("expected true or false, found {}", entry.value.what());
                    let path = format!("sync.{SUSPEND}");
                    findings.error("wrong-type", entry.value.place, path, message);
                }
            }
            PRUNE if sync_members(kind).contains(&PRUNE) => {
                let text = entry.value.as_text().unwrap_or_default();
                if !PRUNE_WORDS.contains(&text) {
                    let message = format!(
                        "expected `never` or `confirm`, found {}",
                        entry.value.what()
                    );
                    findings
                        .error("bad-value", entry.value.place, "sync.prune", message)
                        .hint("Leave it out to have the resource pruned, where pruning is on.");
                }
            }
            _ => unknown_key(entry, &sync_members(kind), "sync", findings),
        }
    }
    if let (Some(_), Some(grace)) = (node.entry(SELF_HEAL), node.entry("driftGrace")) {
        let message = "driftGrace and selfHeal both say when drift is healed";
        let hint =
            "Keep `selfHeal`; `{after: 10m}` is the time of every change that somebody makes.";
        findings
            .error("bad-value", grace.value.place, "sync.driftGrace", message)
            .hint(hint);
    }
    findings.list.len() == before
}

/// Pointers to members that are left to others, spelled as the paths of differences are.
fn ignore(kind: Kind, node: &Node, findings: &mut Findings<'_>) {
    let Data::List(items) = &node.data else {
        let message = format!("expected a list, found {}", node.what());
        findings
            .error("wrong-type", node.place, "sync.ignore", message)
            .hint("Write `- /desiredCount`.");
        return;
    };
    for (index, item) in items.iter().enumerate() {
        let path = format!("sync.ignore[{index}]");
        let text = item.as_text().unwrap_or_default();
        let Some(pointer) = text.strip_prefix('/').filter(|rest| !rest.is_empty()) else {
            let message = "expected a JSON pointer into the spec";
            findings
                .error("bad-value", item.place, path, message)
                .hint("Such as `/desiredCount`, spelled as `evenkeel plan` names a difference.");
            continue;
        };
        let first = pointer.split('/').next().unwrap_or_default();
        let mut known: Vec<&str> = catalogue::root(kind)
            .members()
            .iter()
            .map(|member| member.name)
            .collect();
        known.push("tags");
        // All but our own sections.
        let own = ["rollout", "sync"];
        known.extend(beside(kind).iter().filter(|name| !own.contains(*name)));
        if !known.contains(&first) {
            let hint = suggestion(first, known.iter().copied());
            let message = format!("`/{first}` is no member of a {kind}");
            let found = findings.warning("unknown-pointer", item.place, path, message);
            if let Some(hint) = hint {
                found.hint(hint);
            }
        }
    }
}

pub(super) fn is_map(node: &Node, path: &str, findings: &mut Findings<'_>) -> bool {
    let map = matches!(node.data, Data::Map(_));
    if !map {
        let message = format!("expected a map, found {}", node.what());
        findings.error("wrong-type", node.place, path, message);
    }
    map
}

/// A duration such as `90s`, `10m`, `1h30m`, `2d`; `None` if it is not one.
pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    let mut total = 0u64;
    let mut rest = text;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at(digits);
        let unit = match tail.chars().next()? {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return None,
        };
        let seconds = number.parse::<u64>().ok()?.checked_mul(unit)?;
        total = total.checked_add(seconds)?;
        rest = tail.get(1..)?;
    }
    Some(Duration::from_secs(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let seconds = |text| parse_duration(text).map(|duration| duration.as_secs());
        assert_eq!(seconds("10m"), Some(600));
        assert_eq!(seconds("1h30m"), Some(5400));
        assert_eq!(seconds("0s"), Some(0));
        for wrong in [
            "",
            "10",
            "m",
            "1w",
            "1.5h",
            "-1s",
            "99999999999999999999s",
            "18446744073709551615d",
        ] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }
}

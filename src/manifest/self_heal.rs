//! `sync.selfHeal`: what becomes of a change that somebody made of live state. Only its forms; what follows
//! from them is decided in [`crate::kinds`].
//!
//! Invariant: what [`check`] reports nothing of is read by [`read`].

use std::time::Duration;

use serde_json::Value;

use super::diagnostic::Findings;
use super::schema::unknown_key;
use super::sections::{is_map, parse_duration};
use super::tree::{Data, Node};
use crate::model::Kind;

/// The member of `sync`.
pub(crate) const SELF_HEAL: &str = "selfHeal";

/// The texts that it may be.
pub(crate) const MODES: [&str; 3] = ["off", "notify", "immediate"];

/// The member of the map that it may be instead.
pub(crate) const AFTER: &str = "after";

/// What becomes of a change that somebody made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelfHeal {
    /// It stays.
    Off,
    /// It stays, and a person is to decide.
    Notify,
    /// It is changed back once it has been there for so long.
    After(Duration),
    /// It is changed back at once.
    Immediate,
}

/// Whether a change of live state can be told from one of the manifest, for resources of this kind: by a
/// record on the resource. A revision of a task definition cannot be changed; a scaling policy has no tags,
/// and those of a scalable target would cost a call each time.
pub(crate) fn governs(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::TaskDefinition | Kind::ScalableTarget | Kind::ScalingPolicy
    )
}

/// Reports what is wrong with the member.
pub(super) fn check(kind: Kind, node: &Node, findings: &mut Findings<'_>) {
    let path = format!("sync.{SELF_HEAL}");
    if !governs(kind) {
        let message = format!("what somebody changes of a {kind} is always changed back at once");
        findings
            .error("not-applicable", node.place, path, message)
            .hint("Take the member out, or name what is left to others in `sync.ignore`.");
        return;
    }
    let hint = "Write `off`, `notify`, `immediate`, or `{after: 10m}`.";
    match &node.data {
        Data::Map(_) => {}
        _ if node.as_text().is_some_and(|text| MODES.contains(&text)) => return,
        _ => {
            let message = match node.as_text() {
                Some(text) => format!("`{text}` is no way to heal"),
                None => format!("expected a text or a map, found {}", node.what()),
            };
            findings
                .error("bad-value", node.place, path, message)
                .hint(hint);
            return;
        }
    }
    if !is_map(node, &path, findings) {
        return;
    }
    for entry in node.entries() {
        let value = &entry.value;
        if entry.key != AFTER {
            unknown_key(entry, &[AFTER], &path, findings);
        } else if value.as_text().and_then(parse_duration).is_none() {
            let path = format!("{path}.{AFTER}");
            findings
                .error("bad-value", value.place, path, "expected a duration")
                .hint("Write it as `90s`, `10m` or `1h30m`.");
        }
    }
    if node.entries().is_empty() {
        let message = format!("expected the member `{AFTER}`");
        findings
            .error("bad-value", node.place, path, message)
            .hint(hint);
    }
}

/// Reads a member that nothing is wrong with.
pub(super) fn read(value: &Value) -> Option<SelfHeal> {
    match value.as_str() {
        Some("off") => Some(SelfHeal::Off),
        Some("notify") => Some(SelfHeal::Notify),
        Some("immediate") => Some(SelfHeal::Immediate),
        Some(_) => None,
        None => parse_duration(value.get(AFTER)?.as_str()?).map(SelfHeal::After),
    }
}

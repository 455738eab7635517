//! The attributes of load balancing's resources, `[{Key, Value}]` as `Modify...Attributes` takes them.
//!
//! AWS knows their keys by name alone, so a misspelt one would be refused only there. What is not
//! checked: values, and which type of load balancer has which key; AWS's texts alone say that.

use super::diagnostic::Findings;
use super::nearest::suggestion;
use super::schema::unknown_key;
use super::tree::{Data, Node};
use crate::catalogue;
use crate::model::Kind;

/// Checks the attributes of a resource of this kind; whether they can be used.
pub(super) fn check(
    kind: Kind,
    node: &Node,
    allow_unknown: bool,
    findings: &mut Findings<'_>,
) -> bool {
    let Data::List(items) = &node.data else {
        let message = format!("expected a list, found {}", node.what());
        findings
            .error("wrong-type", node.place, "attributes", message)
            .hint("Write `- {Key: deregistration_delay.timeout_seconds, Value: \"30\"}`.");
        return false;
    };
    let mut good = true;
    let mut seen = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let path = format!("attributes[{index}]");
        good &= is_pair(item, &path, findings);
        let Some(key) = item.text("Key") else {
            continue;
        };
        if seen.contains(&key) {
            let message = format!("the attribute `{key}` stands here a second time");
            findings.error("duplicate", item.place_of("Key"), path.clone(), message);
            good = false;
        }
        seen.push(key);
        if !catalogue::attributes(kind).any(|known| known == key) {
            let message = format!("AWS has no attribute `{key}` of a {kind}");
            let (place, path) = (item.place_of("Key"), format!("{path}.Key"));
            let finding = if allow_unknown {
                findings.warning("bad-value", place, path, message)
            } else {
                findings.error("bad-value", place, path, message)
            };
            if let Some(hint) = suggestion(key, catalogue::attributes(kind)) {
                finding.hint(hint);
            }
            good &= allow_unknown;
        }
    }
    good
}

/// Whether an element has a text for `Key`, one for `Value`, and nothing else.
fn is_pair(item: &Node, path: &str, findings: &mut Findings<'_>) -> bool {
    let mut good = true;
    for entry in item.entries() {
        if !["Key", "Value"].contains(&entry.key.as_str()) {
            unknown_key(entry, &["Key", "Value"], path, findings);
            good = false;
        } else if entry.value.as_text().is_none() {
            let message = format!("expected a text, found {}", entry.value.what());
            let path = format!("{path}.{}", entry.key);
            findings
                .error("wrong-type", entry.value.place, path, message)
                .hint("Attribute values are texts: put the value in quotes.");
            good = false;
        }
    }
    for member in ["Key", "Value"] {
        if item.entry(member).is_none() {
            let message = format!("`{member}` is missing");
            findings.error("missing-field", item.place, path.to_owned(), message);
            good = false;
        }
    }
    good
}

//! Attribute bags of ELB resources (`attributes` beside `spec`): text values by text keys. Only
//! declared attributes are compared and written.

use serde_json::{Map, Value, json};

use super::View;
use super::members::{self, Recalled};
use crate::document::{masked, scalar_text};
use crate::manifest::ignores;
use crate::model::{Drift, Seen};

/// The member beside `spec` that declares attributes.
const MEMBER: &str = "attributes";

/// The declared attributes without those that are left to others.
fn declared(beside: &Map<String, Value>) -> Vec<(String, String)> {
    let all = beside.get(MEMBER).map(pairs).unwrap_or_default();
    all.into_iter()
        .filter(|(key, _)| !ignores(beside, MEMBER, key))
        .collect()
}

/// Whether the live ones have to be read: any are declared, or remembered in the tags.
pub(crate) fn are_read(view: &View<'_>, live_tags: &Seen<Value>) -> bool {
    let kind = view.resource.key.kind;
    are_declared(&view.resource.beside)
        || members::remembers(kind, live_tags.present(), "/attributes/")
}

/// Whether any are declared.
pub(crate) fn are_declared(beside: &Map<String, Value>) -> bool {
    !declared(beside).is_empty()
}

/// The attributes whose live value is not the declared one, or not the default that they go back to:
/// as differences, and as a list to be written.
pub(crate) fn missing(
    beside: &Map<String, Value>,
    live: &Value,
    recalled: &Recalled,
) -> (Vec<Drift>, Value) {
    let present = pairs(live);
    let mut drift = Vec::new();
    let mut to_write = Vec::new();
    let own = declared(beside).into_iter().map(|pair| (pair, false));
    let defaults = recalled.attributes();
    let defaults = defaults.map(|(key, value)| ((key.to_owned(), value.to_owned()), true));
    for ((key, value), reset) in own.chain(defaults) {
        let found = present
            .iter()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value);
        if found == Some(&value) {
            continue;
        }
        let path = format!("/{MEMBER}/{key}");
        drift.push(Drift {
            live: masked(&path, &found.map_or(Value::Null, |found| json!(found))),
            desired: masked(&path, &json!(value)),
            path,
            reset,
        });
        to_write.push(json!({"Key": key, "Value": value}));
    }
    (drift, Value::Array(to_write))
}

fn pairs(list: &Value) -> Vec<(String, String)> {
    let one = |item: &Value| {
        Some((
            scalar_text(item.get("Key")?)?,
            item.get("Value").and_then(scalar_text)?,
        ))
    };
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(one)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beside(value: &str) -> Map<String, Value> {
        let list = json!([{"Key": "slow_start.duration_seconds", "Value": value}]);
        Map::from_iter([(MEMBER.to_owned(), list)])
    }

    #[test]
    fn only_what_is_declared_and_differs_is_written() {
        let live = json!([
            {"Key": "slow_start.duration_seconds", "Value": "0"}, {"Key": "x", "Value": "y"}]);
        let (drift, write) = missing(&beside("30"), &live, &Recalled::default());
        assert_eq!(
            write,
            json!([{"Key": "slow_start.duration_seconds", "Value": "30"}])
        );
        assert_eq!(drift[0].path, "/attributes/slow_start.duration_seconds");
        assert_eq!(
            (&drift[0].live, &drift[0].desired),
            (&json!("0"), &json!("30"))
        );
        assert!(
            missing(&beside("0"), &live, &Recalled::default())
                .0
                .is_empty()
        );
        assert!(!are_declared(&Map::new()));
    }
}

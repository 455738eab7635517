//! An overlay's manifest over the base's of the same kind and name. Pure. Not which files are
//! overlays of what (`load`).
//!
//! Maps are merged member by member, lists whose elements have a name element by element
//! ([`KEYS`]), and everything else is replaced. A member that is `null` is taken out, as in a JSON merge
//! patch; `$patch: delete` and `$patch: replace` mean what they mean to kustomize, in a list too.
//!
//! Invariant: every value keeps the place where it was written, the overlay's with its file.

use super::diagnostic::Findings;
use super::schema::listed;
use super::tree::{Data, Entry, Node};

/// Lists whose elements are told apart by these members. They are the identities that AWS itself
/// uses, as in the tables of `crate::kinds`. A list not named here is replaced whole.
const KEYS: &[(&str, &[&str])] = &[
    ("alarms", &["name"]),
    ("attributes", &["Key"]),
    ("capacityProviderStrategy", &["capacityProvider"]),
    ("containerDefinitions", &["name"]),
    ("defaultCapacityProviderStrategy", &["capacityProvider"]),
    ("dependsOn", &["containerName"]),
    ("environment", &["name"]),
    ("extraHosts", &["hostname"]),
    ("loadBalancers", &["containerName", "containerPort"]),
    ("mountPoints", &["containerPath"]),
    ("portMappings", &["containerPort", "protocol"]),
    ("properties", &["name"]),
    ("secretOptions", &["name"]),
    ("secrets", &["name"]),
    ("services", &["portName"]),
    ("settings", &["name"]),
    ("systemControls", &["namespace"]),
    ("tags", &["key"]),
    // Of ECR and CodeDeploy.
    ("tags", &["Key"]),
    ("Tags", &["Key"]),
    ("triggerConfigurations", &["triggerName"]),
    ("ulimits", &["name"]),
    ("volumeConfigurations", &["name"]),
    ("volumes", &["name"]),
    ("volumesFrom", &["sourceContainer"]),
];

/// Members of a key that may be left out, and what AWS then takes (ECS API reference,
/// `PortMapping`).
const DEFAULTS: &[(&str, &str)] = &[("protocol", "tcp")];

/// The member that says what is done with the rest.
const DIRECTIVE: &str = "$patch";

/// Merges. `None` if the overlay takes the whole manifest out.
pub(super) fn merge(base: Node, patch: &Node, findings: &mut Findings<'_>) -> Option<Node> {
    value(Some(base), patch, "", findings)
}

/// What `$patch` of a map says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

fn directive(patch: &Node, at: &str, findings: &mut Findings<'_>) -> Directive {
    let Some(entry) = patch.entry(DIRECTIVE) else {
        return Directive::Merge;
    };
    match entry.value.as_text() {
        Some("delete") => Directive::Delete,
        Some("replace") => Directive::Replace,
        Some("merge") => Directive::Merge,
        _ => {
            let message = "`$patch` is `delete`, `replace` or `merge`";
            findings.error("bad-value", entry.value.place, at, message);
            Directive::Merge
        }
    }
}

/// The value that an overlay's value makes of the base's; `None` if there is none then.
fn value(base: Option<Node>, patch: &Node, at: &str, findings: &mut Findings<'_>) -> Option<Node> {
    let Data::Map(members) = &patch.data else {
        return Some(patch.clone());
    };
    let directive = directive(patch, at, findings);
    if directive == Directive::Delete {
        return None;
    }
    let mut merged = match base {
        Some(Node {
            data: Data::Map(entries),
            place,
        }) if directive == Directive::Merge => (entries, place),
        _ => (Vec::new(), patch.place),
    };
    for member in members.iter().filter(|member| member.key != DIRECTIVE) {
        let at = if at.is_empty() {
            member.key.clone()
        } else {
            format!("{at}.{}", member.key)
        };
        let place = merged.0.iter().position(|entry| entry.key == member.key);
        let present = place.map(|index| merged.0[index].value.clone());
        let new = match (&present, &member.value.data) {
            (_, Data::Null) => None,
            (Some(present), Data::List(items)) => Some(list(
                present,
                &member.value,
                items,
                &member.key,
                &at,
                findings,
            )),
            _ => value(present, &member.value, &at, findings),
        };
        match (place, new) {
            (Some(index), Some(value)) => {
                merged.0[index] = Entry {
                    key: member.key.clone(),
                    key_place: member.key_place,
                    value,
                };
            }
            (Some(index), None) => {
                merged.0.remove(index);
            }
            (None, Some(value)) => merged.0.push(Entry {
                key: member.key.clone(),
                key_place: member.key_place,
                value,
            }),
            (None, None) => {}
        }
    }
    Some(Node {
        place: merged.1,
        data: Data::Map(merged.0),
    })
}

/// A list over a list: by the elements' keys if they have any.
fn list(
    base: &Node,
    patch: &Node,
    items: &[Node],
    name: &str,
    at: &str,
    findings: &mut Findings<'_>,
) -> Node {
    if let Some(items) = whole(items) {
        return Node {
            place: patch.place,
            data: Data::List(items),
        };
    }
    let rows = KEYS.iter().filter(|(list, _)| *list == name);
    let fits = |members: &[&str]| {
        let mut all = base.items().iter().chain(items);
        all.all(|item| key_of(item, members).is_some())
    };
    let row = rows.clone().find(|(_, members)| fits(members));
    let row = row.or_else(|| rows.clone().next());
    let Some((_, members)) = row.filter(|_| matches!(base.data, Data::List(_))) else {
        return patch.clone();
    };
    let mut merged: Vec<Node> = base.items().to_vec();
    let mut seen = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let at = format!("{at}[{index}]");
        let Some(key) = key_of(item, members) else {
            let message = format!(
                "an element of `{name}` is found by {}, which this one lacks",
                listed(members)
            );
            findings.error("missing-field", item.place, at, message);
            continue;
        };
        let is_this = |present: &&Node| key_of(present, members).as_ref() == Some(&key);
        if seen.contains(&key) || base.items().iter().filter(is_this).count() > 1 {
            let message = format!(
                "two elements of `{name}` have the same {}, so it is not known which is meant",
                listed(members)
            );
            findings
                .error("ambiguous-element", item.place, at, message)
                .hint(format!(
                    "Write all elements, after a first one `{DIRECTIVE}: replace`: they are then \
                     the whole list."
                ));
            continue;
        }
        seen.push(key.clone());
        let place = merged.iter().position(|present| is_this(&present));
        let present = place.map(|index| merged[index].clone());
        match (place, value(present, item, &at, findings)) {
            (Some(index), Some(value)) => merged[index] = value,
            (Some(index), None) => {
                merged.remove(index);
            }
            (None, Some(value)) => merged.push(value),
            (None, None) => {}
        }
    }
    Node {
        place: base.place,
        data: Data::List(merged),
    }
}

/// The elements beside `$patch: replace`, if that is one of them: they are the whole list.
fn whole(items: &[Node]) -> Option<Vec<Node>> {
    let replaces = |item: &Node| matches!(item.entries(), [only] if only.key == DIRECTIVE && only.value.as_text() == Some("replace"));
    let (marks, rest): (Vec<Node>, Vec<Node>) = items.iter().cloned().partition(replaces);
    (!marks.is_empty()).then_some(rest)
}

/// The members by which elements of a list of this name may be told apart.
pub(super) fn keys_of(list: &str) -> impl Iterator<Item = &'static [&'static str]> {
    let rows = KEYS.iter().filter(move |(name, _)| *name == list);
    rows.map(|(_, members)| *members)
}

/// Whether an element of a list of this name is the one that a difference names so.
pub(super) fn is_named(list: &str, item: &Node, name: &str) -> bool {
    let mut keys = keys_of(list).filter_map(|members| key_of(item, members));
    keys.any(|key| key.join(":") == name)
}

fn key_of(item: &Node, members: &[&str]) -> Option<Vec<String>> {
    members
        .iter()
        .map(|member| {
            let value = item.get(&[member]).map(Node::to_value);
            value
                .map(|value| {
                    value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned)
                })
                .or_else(|| {
                    let default = DEFAULTS.iter().find(|(name, _)| name == member);
                    default.map(|(_, text)| (*text).to_owned())
                })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::yaml;
    use super::*;

    fn node(value: &Value) -> Node {
        yaml::parse(&value.to_string()).documents[0].root.clone()
    }

    fn merged(base: &Value, patch: &Value) -> Value {
        let mut findings = Findings::of("x");
        let merged = merge(node(base), &node(patch), &mut findings);
        assert_eq!(findings.list, []);
        merged.map_or(Value::Null, |merged| merged.to_value())
    }

    #[test]
    fn maps_merge_scalars_replace_and_null_takes_out() {
        let base = json!({"a": 1, "b": {"c": 2, "d": 3}, "e": [1, 2]});
        let patch = json!({"a": null, "b": {"c": 9, "f": 4}, "e": [3], "g": 5});
        let expected = json!({"b": {"c": 9, "d": 3, "f": 4}, "e": [3], "g": 5});
        assert_eq!(merged(&base, &patch), expected);
    }

    #[test]
    fn named_elements_merge_by_name() {
        let base = json!({"containerDefinitions": [
            {"name": "app", "cpu": 1, "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
             "portMappings": [{"containerPort": 80}]},
            {"name": "log"},
        ]});
        let patch = json!({"containerDefinitions": [
            {"name": "app", "environment": [{"name": "B", "value": "3"}, {"name": "C", "value": "4"}],
             "portMappings": [{"containerPort": 80, "protocol": "tcp", "hostPort": 80}]},
            {"name": "log", "$patch": "delete"},
            {"name": "new", "image": "x"},
        ]});
        let expected = json!({"containerDefinitions": [
            {"name": "app", "cpu": 1, "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "3"},
             {"name": "C", "value": "4"}], "portMappings": [{"containerPort": 80, "protocol": "tcp", "hostPort": 80}]},
            {"name": "new", "image": "x"},
        ]});
        assert_eq!(merged(&base, &patch), expected);
    }

    #[test]
    fn replace_and_delete() {
        let base = json!({"a": {"b": 1, "c": 2}});
        let replace = json!({"a": {"$patch": "replace", "d": 3}});
        assert_eq!(merged(&base, &replace), json!({"a": {"d": 3}}));
        assert_eq!(
            merged(&base, &json!({"a": {"$patch": "delete"}})),
            json!({})
        );
        assert_eq!(merged(&base, &json!({"$patch": "delete"})), Value::Null);
    }

    #[test]
    fn tags_merge_by_key_however_the_service_spells_it() {
        for key in ["key", "Key"] {
            let base = json!({"tags": [{key: "team", "v": "a"}, {key: "env", "v": "b"}]});
            let patch = json!({"tags": [{key: "env", "v": "c"}]});
            let expected = json!({"tags": [{key: "team", "v": "a"}, {key: "env", "v": "c"}]});
            assert_eq!(merged(&base, &patch), expected);
        }
    }

    /// One port of a container may stand behind several target groups.
    #[test]
    fn elements_with_one_key_are_not_mixed_up() {
        let element = |group: &str| json!({"targetGroupRef": group, "containerName": "app", "containerPort": 80});
        let of = |groups: &[&str]| {
            let all: Vec<Value> = groups.iter().copied().map(element).collect();
            json!({"loadBalancers": all})
        };
        for (base, patch) in [
            (of(&["pub", "int"]), of(&["pub-staging", "int-staging"])),
            (of(&["pub", "int"]), of(&["pub-staging"])),
            (of(&["pub"]), of(&["pub-staging", "int-staging"])),
        ] {
            let mut findings = Findings::of("x");
            merge(node(&base), &node(&patch), &mut findings);
            let found = findings.list.first().map(|found| found.code);
            assert_eq!(found, Some("ambiguous-element"), "{patch}");
            let mut whole = patch.clone();
            let list = whole["loadBalancers"].as_array_mut().unwrap();
            list.insert(0, json!({"$patch": "replace"}));
            assert_eq!(merged(&base, &whole), patch);
        }
        let other = json!({"loadBalancers": [{"containerName": "app", "containerPort": 81}]});
        let all = merged(&of(&["pub", "int"]), &other);
        assert_eq!(all["loadBalancers"].as_array().unwrap().len(), 3);
    }

    #[test]
    fn an_element_that_cannot_be_found_is_told() {
        let mut findings = Findings::of("x");
        let base = node(&json!({"environment": [{"name": "A", "value": "1"}]}));
        merge(
            base,
            &node(&json!({"environment": [{"value": "2"}]})),
            &mut findings,
        );
        assert_eq!(findings.list.len(), 1);
        assert!(findings.list[0].message.contains("`name`"));
    }
}

//! From what was read to manifests: only what a request takes, ARNs as references, defaults left
//! out, warnings as comments. Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::defaults::{is_default, read_only};
use super::found::{Account, Found};
use super::secrets;
use crate::catalogue::{fit, root};
use crate::manifest::{Document, name_member, references_of};
use crate::model::Kind;

/// Manifests by the path of their file.
pub(super) type Files = BTreeMap<String, Vec<Document>>;

/// Writes every resource, those of one file in display order, and gives a note for each member
/// that is left out although it is not known to be one that AWS only answers.
pub(super) fn manifests(account: &Account) -> (Files, Vec<String>) {
    let mut files = Files::new();
    let mut notes = Vec::new();
    let mut sorted: Vec<&Found> = account.all().iter().collect();
    sorted.sort_by_key(|found| place_in_file(found.kind));
    for found in sorted {
        let (document, left_out) = manifest(account, found);
        for place in left_out {
            notes.push(format!(
                "{}/{}: AWS answers {place}, which no request of this program's catalogue takes; it is left out",
                found.kind, found.name
            ));
        }
        files.entry(found.file.clone()).or_default().push(document);
    }
    (files, notes)
}

/// A service's own file begins with what is changed most often.
fn place_in_file(kind: Kind) -> u8 {
    match kind {
        Kind::Cluster | Kind::LoadBalancer => 0,
        Kind::Listener => 1,
        Kind::TaskDefinition => 2,
        Kind::Service => 3,
        Kind::DeploymentGroup => 4,
        Kind::ImageRepository => 5,
        Kind::TargetGroup => 6,
        Kind::ListenerRule => 7,
        Kind::ScalableTarget => 8,
        Kind::ScalingPolicy => 9,
    }
}

fn manifest(account: &Account, found: &Found) -> (Document, Vec<String>) {
    let kind = found.kind;
    let request = &found.request;
    let fitted = fit(request, root(kind), &|at, value| {
        is_default(kind, request, at, value)
    });
    let mut spec = Value::Object(fitted.document);
    if !found.needs_name()
        && let Some(members) = spec.as_object_mut()
    {
        members.shift_remove(name_member(kind));
    }
    refer(account, kind, &mut spec);
    let unknown = fitted.unknown.into_iter();
    let left_out = unknown.filter(|place| !read_only(kind).contains(&place.as_str()));
    let left_out: Vec<String> = left_out.collect();
    let mut comments = found.comments.clone();
    comments.extend(secrets::warnings(kind, &spec));
    let document = Document {
        comments,
        kind: kind.as_str().to_owned(),
        name: found.name.clone(),
        annotations: found.annotations.clone(),
        spec,
        beside: found.beside.clone(),
    };
    (document, left_out)
}

/// Puts references in the place of ARNs and names of resources that were read too.
fn refer(account: &Account, kind: Kind, spec: &mut Value) {
    for row in references_of(kind) {
        let parts: Vec<&str> = row.at.split('.').filter(|part| !part.is_empty()).collect();
        each(spec, &parts, &mut |members| {
            let Some(value) = members.get(row.aws) else {
                return;
            };
            let name = |value: &Value| account.name_of(row.target, value.as_str()?);
            let reference = if row.is_list() {
                let names: Option<Vec<&str>> =
                    value.as_array().into_iter().flatten().map(name).collect();
                names.filter(|names| !names.is_empty()).map(Value::from)
            } else if row.target == Kind::Service && row.aws == "serviceName" {
                let cluster = members.get("clusterName").and_then(Value::as_str);
                let service = value.as_str().unwrap_or_default();
                let key = format!("{}/{service}", cluster.unwrap_or("default"));
                account.name_of(row.target, &key).map(Value::from)
            } else {
                name(value).map(Value::from)
            };
            if let Some(reference) = reference {
                replace(members, row.aws, row.member, &reference);
                if row.target == Kind::Service && row.aws == "serviceName" {
                    members.shift_remove("clusterName");
                }
            }
        });
    }
}

/// Calls back for each map at a path such as `["Actions[]", "ForwardConfig", "TargetGroups[]"]`.
fn each(value: &mut Value, path: &[&str], call: &mut dyn FnMut(&mut Map<String, Value>)) {
    let Some((part, rest)) = path.split_first() else {
        if let Value::Object(members) = value {
            call(members);
        }
        return;
    };
    match (part.strip_suffix("[]"), value) {
        (Some(name), value) => {
            let items = value.get_mut(name).and_then(Value::as_array_mut);
            for item in items.into_iter().flatten() {
                each(item, rest, call);
            }
        }
        (None, value) => {
            if let Some(inner) = value.get_mut(*part) {
                each(inner, rest, call);
            }
        }
    }
}

/// Replaces a member by another one at its place.
fn replace(members: &mut Map<String, Value>, from: &str, to: &str, value: &Value) {
    let renamed = |(name, old): (String, Value)| {
        if name == from {
            (to.to_owned(), value.clone())
        } else {
            (name, old)
        }
    };
    *members = std::mem::take(members).into_iter().map(renamed).collect();
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arns_of_what_is_there_become_references_and_others_stay() {
        let mut account = Account::default();
        account.add(
            Kind::TargetGroup,
            &["arn:tg/a", "a"],
            "a",
            "f",
            json!({"Name": "a"}),
        );
        let rule = json!({"ListenerArn": "arn:l", "Priority": "10", "RuleArn": "x", "Surprise": 1, "Actions": [
            {"Type": "forward", "ForwardConfig": {"TargetGroups": [
                {"TargetGroupArn": "arn:tg/a", "Weight": "1"}, {"TargetGroupArn": "arn:tg/b", "Weight": "2"}]}}]});
        account.add(Kind::ListenerRule, &["x"], "rule", "f", rule);
        let (files, notes) = manifests(&account);
        let spec = &files["f"][1].spec;
        assert_eq!(
            *spec,
            json!({"ListenerArn": "arn:l", "Priority": 10, "Actions": [
                {"Type": "forward", "ForwardConfig": {"TargetGroups": [
                    {"TargetGroupRef": "a", "Weight": 1}, {"TargetGroupArn": "arn:tg/b", "Weight": 2}]}}]})
        );
        assert_eq!(files["f"][0].spec, json!({}));
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert!(notes[0].contains("/Surprise"), "{notes:?}");
    }
}

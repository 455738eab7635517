//! What is live as members of a manifest, from how it differs: to take a change that somebody made into Git.
//! Pure.
//!
//! Invariants:
//! - Every difference is in the document: as a member, or in a comment that says what to do by hand.
//! - No value that is masked becomes a member.

use serde_json::{Map, Value, json};

use super::reference::written as references_of;
use super::sections::beside;
use super::write::Document;
use crate::catalogue::{self, Type};
use crate::model::{Drift, Key, Kind};

/// A manifest of this key with what is live where that differs, and nothing else; `None` if nothing does.
pub fn patch(key: &Key, drift: &[Drift]) -> Option<Document> {
    if drift.is_empty() {
        return None;
    }
    let mut document = Document::new(key.kind.as_str(), &key.name, json!({}));
    let head =
        format!("{key} as it is live, where that differs: put these members into its manifest.");
    document.comments.push(head);
    let is_content = |path: &str| key.kind == Kind::Service && path.starts_with("/taskDefinition/");
    let known = drift.iter().any(|one| is_content(&one.path));
    for Drift {
        path,
        live,
        desired,
        ..
    } in drift
    {
        if is_content(path) {
            let (path, of) = (
                path.trim_start_matches("/taskDefinition"),
                "its task definition",
            );
            document.comments.push(format!(
                "Into the manifest of {of}: {path}: {live} live, {desired} declared; --source DIR has it in a patch."
            ));
            continue;
        }
        if known && path == "/taskDefinition" {
            continue;
        }
        match placed(key.kind, path, live) {
            Ok(Place::Spec(members)) => {
                put(&mut document.spec, &members, live);
                let instead = instead(key.kind, &members);
                document.comments.extend(instead.map(|member| {
                    format!("{path} stands in the place of {member}, if the manifest has that.")
                }));
            }
            Ok(Place::Element(list, element)) if list == "attributes" => {
                let list = document.beside.entry(list.to_owned());
                if let Value::Array(list) = list.or_insert_with(|| json!([])) {
                    list.push(element);
                }
            }
            Ok(Place::Element(list, element)) => match &mut document.spec[list] {
                Value::Array(list) => list.push(element),
                other => *other = json!([element]),
            },
            Ok(Place::Beside(member)) => {
                document.beside.insert(member.to_owned(), live.clone());
            }
            Err(why) => {
                let shown = format!("By hand: {path}: {live} live, {desired} declared; {why}.");
                document.comments.push(shown);
            }
        }
    }
    Some(document)
}

/// Where a live value belongs.
enum Place<'a> {
    /// Into the spec, by these members.
    Spec(Vec<String>),
    /// Beside the spec, under this name.
    Beside(&'static str),
    /// As an element of this list: of tags, or of attributes.
    Element(&'a str, Value),
}

fn placed<'a>(kind: Kind, path: &'a str, live: &Value) -> Result<Place<'a>, &'static str> {
    if live.is_null() {
        return Err("it is not there live, so take it out of the manifest");
    }
    if masked(live) {
        return Err("it may be a secret, so it is not shown; read it at AWS");
    }
    let segments: Vec<String> = path.split('/').skip(1).map(unescaped).collect();
    let first = path.split('/').nth(1).unwrap_or_default();
    if let ("tags" | "Tags" | "attributes", [_, key]) = (first, segments.as_slice()) {
        let upper = first != "tags" || !matches!(kind, Kind::Cluster | Kind::Service);
        let element = if upper {
            json!({"Key": key, "Value": live})
        } else {
            json!({"key": key, "value": live})
        };
        let list = match kind {
            Kind::TargetGroup | Kind::LoadBalancer | Kind::Listener | Kind::ListenerRule
                if first == "tags" =>
            {
                "Tags"
            }
            _ => first,
        };
        return Ok(Place::Element(list, element));
    }
    if let Some(member) = beside(kind).iter().find(|member| **member == first) {
        return Ok(Place::Beside(member));
    }
    let mut field = catalogue::root(kind);
    for segment in &segments {
        if field.ty == Type::List {
            return Err("it is within a list, of which a manifest has the whole");
        }
        if field.ty != Type::Structure {
            break;
        }
        field = field
            .member(segment)
            .ok_or("the field catalogue does not have it")?;
    }
    Ok(Place::Spec(segments))
}

/// A segment of a JSON pointer as it was before it became one (RFC 6901).
pub(super) fn unescaped(segment: &str) -> String {
    segment.replace("~1", "/").replace("~0", "~")
}

pub(super) fn masked(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("****"),
        Value::Array(items) => items.iter().any(masked),
        Value::Object(members) => members.values().any(masked),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn put(document: &mut Value, members: &[String], value: &Value) {
    let Some((first, rest)) = members.split_first() else {
        *document = value.clone();
        return;
    };
    if !document.is_object() {
        *document = Value::Object(Map::new());
    }
    put(&mut document[first.as_str()], rest, value);
}

/// The member that names a manifest where AWS has this one.
fn instead(kind: Kind, members: &[String]) -> Option<&'static str> {
    let at = members.join(".");
    references_of(kind)
        .find(|row| {
            let own = match row.at {
                "" => row.aws.to_owned(),
                at => format!("{at}.{}", row.aws),
            };
            own == at
        })
        .map(|row| row.member)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::text_of_documents;

    fn drift(path: &str, live: Value, desired: Value) -> Drift {
        Drift {
            path: path.to_owned(),
            live,
            desired,
            reset: false,
        }
    }

    #[test]
    fn what_is_live_becomes_members_and_the_rest_is_said() {
        let service = [
            drift("/desiredCount", json!(3), json!(2)),
            drift(
                "/networkConfiguration/awsvpcConfiguration/assignPublicIp",
                json!("ENABLED"),
                json!("DISABLED"),
            ),
            drift(
                "/networkConfiguration/awsvpcConfiguration/subnets/subnet-9",
                json!("subnet-9"),
                Value::Null,
            ),
            drift("/taskDefinition", json!("arn:web:3"), json!("arn:web:2")),
            drift("/platformVersion", Value::Null, json!("1.4.0")),
            drift(
                "/serviceConnectConfiguration/logConfiguration/secretOptions",
                json!([{"name": "****"}]),
                Value::Null,
            ),
        ];
        let group = [
            drift("/HealthCheckPath", json!("/up"), json!("/health")),
            drift(
                "/attributes/stickiness.enabled",
                json!("true"),
                json!("false"),
            ),
            drift("/tags/a~1b", json!("x"), json!("y")),
        ];
        let of = |kind, drift: &[Drift]| patch(&Key::new(kind, "web"), drift);
        assert_eq!(of(Kind::Cluster, &[]), None);
        let documents = [
            of(Kind::Service, &service).unwrap(),
            of(Kind::TargetGroup, &group).unwrap(),
        ];
        insta::assert_snapshot!(text_of_documents(&documents).unwrap());
        // What another revision holds is no member of the service.
        let image = "/taskDefinition/containerDefinitions/web/image";
        let hotfix = [
            drift("/taskDefinition", json!("arn:web:3"), json!("arn:web:2")),
            drift(image, json!("web:2"), json!("web:1")),
        ];
        let document = of(Kind::Service, &hotfix).unwrap();
        assert_eq!(document.spec, json!({}));
        let told = &document.comments[1];
        assert!(
            told.contains("/containerDefinitions/web/image: \"web:2\" live"),
            "{told}"
        );
    }
}

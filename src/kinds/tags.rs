//! Tags: what a new resource is given, and which declared tags are not live. Undeclared tags belong
//! to somebody else and are never removed.

use std::time::Duration;

use serde_json::{Value, json};

use super::members::{self, MEMBERS_TAG};
use super::{View, marks};
use crate::document::{masked, scalar_text};
use crate::model::{Drift, Kind, Moment};

/// The tag that says which installation made a resource; its value is [`super::Policy::instance`].
pub const INSTANCE_TAG: &str = "evenkeel.dev/instance";

/// The tag of a task definition revision that holds its content digest.
pub const DIGEST_TAG: &str = "evenkeel.dev/digest";

/// The tag of a task definition revision that names the commit which it was registered for.
pub const COMMIT_TAG: &str = "evenkeel.dev/commit";

pub(crate) use crate::manifest::MOST_TAGS;

/// How a service spells the members of a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// `key` and `value`, as ECS does.
    Lower,
    /// `Key` and `Value`, as all others do.
    Upper,
}

/// The member of a spec that holds its tags.
pub(super) fn member(kind: Kind) -> &'static str {
    match kind {
        Kind::TargetGroup | Kind::LoadBalancer | Kind::Listener | Kind::ListenerRule => "Tags",
        _ => "tags",
    }
}

impl Spelling {
    /// The spelling of the service that a kind is of.
    pub(super) fn of(kind: Kind) -> Self {
        match kind {
            Kind::Cluster | Kind::TaskDefinition | Kind::Service => Self::Lower,
            _ => Self::Upper,
        }
    }

    fn members(self) -> (&'static str, &'static str) {
        match self {
            Self::Lower => ("key", "value"),
            Self::Upper => ("Key", "Value"),
        }
    }

    pub(super) fn tag(self, key: &str, value: &str) -> Value {
        let (key_member, value_member) = self.members();
        json!({ key_member: key, value_member: value })
    }

    /// The key and the value of one tag; a tag without a value has an empty one.
    fn read(self, tag: &Value) -> Option<(String, String)> {
        let (key, value) = self.members();
        let key = scalar_text(tag.get(key)?)?;
        Some((
            key,
            tag.get(value).and_then(scalar_text).unwrap_or_default(),
        ))
    }
}

/// The tags for a new resource: those declared, the ownership tag, and what is to be remembered of
/// the manifest ([`super::members`]); each of ours unless its key is declared or there is no room
/// for it.
pub(crate) fn for_new(view: &View<'_>) -> Value {
    let kind = view.resource.key.kind;
    let mut ours = vec![(INSTANCE_TAG, view.policy.instance.as_str())];
    let members = members::to_remember(view, members::table(kind));
    ours.extend(members.as_deref().map(|text| (MEMBERS_TAG, text)));
    let marks = marks::of(view);
    ours.extend(marks.iter().map(|(key, text)| (*key, text.as_str())));
    with(view.spec.get(member(kind)), Spelling::of(kind), &ours)
}

/// The ownership tag and the marks of a manifest, for what it makes beside its own resource.
pub(crate) fn ownership(view: &View<'_>, spelling: Spelling) -> Value {
    let marks = marks::of(view);
    let mut ours = vec![(INSTANCE_TAG, view.policy.instance.as_str())];
    ours.extend(marks.iter().map(|(key, text)| (*key, text.as_str())));
    with(None, spelling, &ours)
}

/// The declared tags, and each of ours unless its key is declared or there is no room for it.
pub(crate) fn with(declared: Option<&Value>, spelling: Spelling, ours: &[(&str, &str)]) -> Value {
    let mut tags: Vec<Value> = declared
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let taken = pairs(declared, spelling);
    for (key, value) in ours {
        if tags.len() < MOST_TAGS && !taken.iter().any(|(name, _)| name == key) {
            tags.push(spelling.tag(key, value));
        }
    }
    Value::Array(tags)
}

/// How old the tags may be that a plan looks at: as `fresh` says where some are declared. Without,
/// only the record of what was declared is wanted ([`super::members`]), which nobody else writes;
/// what this process writes is read again whatever its age.
pub(crate) fn fresh(view: &View<'_>, fresh: Moment) -> Moment {
    let kind = view.resource.key.kind;
    fresh_for(view.spec.get(member(kind)), fresh)
}

/// The same, of these declared tags.
pub(super) fn fresh_for(tags: Option<&Value>, fresh: Moment) -> Moment {
    if declared(tags) {
        return fresh;
    }
    fresh.minus(RECORD_AGE)
}

/// How old a record may be.
const RECORD_AGE: Duration = Duration::from_hours(1);

/// Whether any tags are declared.
pub(super) fn declared(tags: Option<&Value>) -> bool {
    tags.and_then(Value::as_array)
        .is_some_and(|tags| !tags.is_empty())
}

/// The value of a tag in a list of tags.
pub(crate) fn value_of(tags: Option<&Value>, key: &str, spelling: Spelling) -> Option<String> {
    pairs(tags, spelling)
        .into_iter()
        .find(|(name, _)| name == key)
        .map(|(_, value)| value)
}

/// The declared tags that are not live as declared: as differences, and as a list to be written.
pub(crate) fn missing(
    declared: Option<&Value>,
    live: Option<&Value>,
    spelling: Spelling,
) -> (Vec<Drift>, Value) {
    let present = pairs(live, spelling);
    let mut drift = Vec::new();
    let mut to_write = Vec::new();
    for (key, value) in pairs(declared, spelling) {
        let found = present
            .iter()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value);
        if found == Some(&value) {
            continue;
        }
        let path = format!("/tags/{}", key.replace('~', "~0").replace('/', "~1"));
        drift.push(Drift {
            live: masked(&path, &found.map_or(Value::Null, |found| json!(found))),
            desired: masked(&path, &json!(value)),
            path,
            reset: false,
        });
        to_write.push(spelling.tag(&key, &value));
    }
    (drift, Value::Array(to_write))
}

pub(super) fn pairs(tags: Option<&Value>, spelling: Spelling) -> Vec<(String, String)> {
    let list = tags.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|tag| spelling.read(tag)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::testing::Scene;

    #[test]
    fn a_new_resource_is_marked_as_ours_once() {
        let scene = Scene::default().with(Kind::Cluster, "nova", json!({}));
        let marked = ownership(&scene.view(Kind::Cluster, "nova"), Spelling::Upper);
        assert_eq!(
            marked,
            json!([{"Key": "evenkeel.dev/instance", "Value": "default"}])
        );
        let of = |spec: Value| {
            let scene = Scene::default().with(Kind::Cluster, "nova", spec);
            for_new(&scene.view(Kind::Cluster, "nova"))
        };
        let declared = json!([{"key": "evenkeel.dev/instance", "value": "mine"},
            {"key": "evenkeel.dev/members", "value": "theirs"}]);
        assert_eq!(of(json!({"tags": declared})), declared);
        let remembering = of(json!({"capacityProviders": ["FARGATE"]}));
        assert_eq!(
            remembering[1],
            json!({"key": "evenkeel.dev/members", "value": "1:cp"})
        );
    }

    #[test]
    fn there_are_never_more_than_fifty() {
        let tags = |n: usize| Value::Array((0..n).map(|i| json!({"key": i.to_string()})).collect());
        for (declared, expected) in [(48, 50), (49, 50), (50, 50)] {
            let all = with(
                Some(&tags(declared)),
                Spelling::Lower,
                &[("a", "1"), ("b", "2")],
            );
            assert_eq!(all.as_array().unwrap().len(), expected);
        }
    }

    #[test]
    fn only_declared_tags_are_written_and_secrets_masked() {
        let declared = json!([
            {"Key": "same", "Value": "1"}, {"Key": "other", "Value": "2"}, {"Key": "a/b", "Value": ""}]);
        let live = json!([
            {"Key": "same", "Value": "1"}, {"Key": "other", "Value": "3"}, {"Key": "theirs", "Value": "x"}]);
        let (drift, write) = missing(Some(&declared), Some(&live), Spelling::Upper);
        assert_eq!(
            write,
            json!([{"Key": "other", "Value": "2"}, {"Key": "a/b", "Value": ""}])
        );
        assert_eq!(drift[0].live, json!("3"));
        assert_eq!(drift[1].path, "/tags/a~1b");
        let (drift, _) = missing(
            Some(&json!([{"Key": "token", "Value": "x"}])),
            None,
            Spelling::Upper,
        );
        assert_eq!(drift[0].desired, json!("****"));
    }
}

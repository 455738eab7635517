//! What becomes of members that a manifest no longer declares: they go back to AWS's default.
//!
//! Which members were declared last is remembered in a tag on the resource, [`MEMBERS_TAG`]. Each kind
//! has a table of the members for which AWS has a default ([`table`]); members that are in no table
//! stay as they are live.
//!
//! A pass compares the tag with the manifest. What it remembers and the manifest lacks is put into the
//! spec as AWS's default, so that it is compared and written as any declared member is. What is declared
//! and not yet remembered is added to the tag before anything else is written, so that a crash at any
//! instant leaves a memory that holds all that was written. What is remembered and no longer declared
//! leaves it when all of that is observed at its default, which takes one more pass, and nothing is under
//! way that could bring the old value back.
//!
//! Invariants:
//! - Without the tag nothing undeclared is touched: what is adopted is never reset.
//! - Codes and versions that this program does not know are left alone.
//! - What `sync.ignore` names is neither remembered nor reset.
//! - Where nothing is forgotten and the tag says so, nothing is written.

mod memory;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use self::memory::Memory;
use super::View;
use super::tags::{self, MOST_TAGS, Spelling, pairs};
use crate::document::{Rules, compare, masked};
use crate::model::{Drift, Kind};

/// The tag that remembers which members were last declared.
pub const MEMBERS_TAG: &str = "evenkeel.dev/members";

/// One member for which AWS has a default.
#[derive(Clone, Copy, Debug)]
pub struct Reset {
    /// JSON pointer in the spec; `/attributes/KEY` for an attribute, `/NAME` for what stands beside the
    /// spec.
    pub path: &'static str,
    /// Stands for the member in the tag. Two or three letters or digits, and never used for anything
    /// else again, also when the row goes.
    pub code: &'static str,
    to: To,
    inner: bool,
    explicit: bool,
}

/// The value that brings a member back to AWS's default.
#[derive(Clone, Copy)]
enum To {
    /// This, as JSON text.
    Value(&'static str),
    /// What other members make it, of the spec and of what is live. `None` where AWS has no default or
    /// takes none.
    By(fn(&Value, &Value) -> Option<Value>),
    /// It is taken away.
    Absent,
}

impl std::fmt::Debug for To {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Value(text) => write!(f, "Value({text})"),
            Self::By(_) => write!(f, "By(..)"),
            Self::Absent => write!(f, "Absent"),
        }
    }
}

impl Reset {
    /// A member that goes back to this value (JSON text).
    pub(super) const fn to(code: &'static str, path: &'static str, value: &'static str) -> Self {
        let to = To::Value(value);
        Self {
            path,
            code,
            to,
            inner: false,
            explicit: false,
        }
    }

    /// A member whose default follows from others, of the spec and of what is live.
    pub(super) const fn by(
        code: &'static str,
        path: &'static str,
        value: fn(&Value, &Value) -> Option<Value>,
    ) -> Self {
        let to = To::By(value);
        Self {
            path,
            code,
            to,
            inner: false,
            explicit: false,
        }
    }

    /// A member that is taken away.
    pub(super) const fn absent(code: &'static str, path: &'static str) -> Self {
        Self {
            path,
            code,
            to: To::Absent,
            inner: false,
            explicit: false,
        }
    }

    /// The same, of a structure that AWS takes only whole: without the structure it is not reset.
    pub(super) const fn inner(self) -> Self {
        Self {
            inner: true,
            ..self
        }
    }

    /// The same, of a structure that is at its default only once it says so.
    pub(super) const fn explicit(self) -> Self {
        Self {
            explicit: true,
            ..self
        }
    }

    /// The default of this resource.
    fn value(&self, spec: &Value, live: &Value) -> Option<Value> {
        match self.to {
            To::Value(text) => serde_json::from_str(text).ok(),
            To::By(value) => value(spec, live),
            To::Absent => Some(Value::Null),
        }
    }

    /// Whether the member is at this default already. What is not live at all is.
    fn is_at(&self, value: &Value, live: &Value, rules: &Rules) -> bool {
        let live_value = live.pointer(self.path).unwrap_or(&Value::Null);
        if value.is_null() || live_value.is_null() {
            return live_value.is_null();
        }
        let mut wanted = json!({});
        put(&mut wanted, self.path, value);
        let found = compare(&wanted, live, rules);
        found
            .iter()
            .all(|difference| difference.live.is_null() && !self.explicit)
    }
}

/// The members of a kind that go back to a default.
pub fn table(kind: Kind) -> &'static [Reset] {
    match kind {
        Kind::Cluster => super::cluster::RESETS,
        Kind::ImageRepository => super::image_repository::RESETS,
        Kind::TargetGroup => super::target_group::RESETS,
        Kind::LoadBalancer => super::load_balancer::RESETS,
        Kind::Listener => super::listener::RESETS,
        Kind::ListenerRule => super::listener_rule::RESETS,
        Kind::Service => super::service::RESETS,
        Kind::DeploymentGroup => super::deployment_group::RESETS,
        // A task definition is registered whole: what a revision does not hold has AWS's default. A
        // scaling policy has no tags, and of a scalable target little can be left out.
        Kind::TaskDefinition | Kind::ScalableTarget | Kind::ScalingPolicy => &[],
    }
}

/// What AWS takes for a member that a spec does not hold: by its path as in [`Reset::path`], or by one within
/// a structure that has a default as a whole. `None`: it has no default here.
pub(crate) fn default_of(kind: Kind, path: &str, spec: &Value, live: &Value) -> Option<Value> {
    table(kind).iter().find_map(|row| {
        let within = path.strip_prefix(row.path)?;
        row.value(spec, live)?.pointer(within).cloned()
    })
}

/// What stands beside a spec as members of it: attributes by key, policies by name.
pub(super) fn document(view: &View<'_>) -> Value {
    let mut all = view.spec.as_object().cloned().unwrap_or_default();
    for (name, value) in &view.resource.beside {
        let value = match name.as_str() {
            "attributes" => by_key(value),
            _ => value.clone(),
        };
        all.entry(name.clone()).or_insert(value);
    }
    Value::Object(all)
}

/// Attributes (`[{Key, Value}]`) by key.
pub(super) fn by_key(attributes: &Value) -> Value {
    let pairs = pairs(Some(attributes), Spelling::Upper);
    let members = pairs.into_iter().map(|(key, value)| (key, json!(value)));
    Value::Object(members.collect())
}

/// The tag's value for a new resource, if it has anything to remember; `rows` are those of the kind that
/// apply to it.
pub(super) fn to_remember(view: &View<'_>, rows: &[Reset]) -> Option<String> {
    let document = document(view);
    let codes = declared(view, rows, &document);
    let memory = Memory {
        codes: codes.iter().map(|row| row.code.to_owned()).collect(),
        tags: declared_tags(view),
    };
    (memory != Memory::default()).then(|| memory.text())
}

/// Whether the tag remembers a member under this path, so that its live value has to be read.
pub(super) fn remembers(kind: Kind, live_tags: Option<&Value>, under: &str) -> bool {
    let text = tags::value_of(live_tags, MEMBERS_TAG, Spelling::of(kind));
    let memory = text.and_then(|text| Memory::read(&text));
    memory.is_some_and(|memory| {
        let mut rows = table(kind).iter().filter(|row| row.path.starts_with(under));
        rows.any(|row| memory.codes.contains(row.code))
    })
}

/// The rows whose members a document declares.
fn declared<'a>(view: &View<'_>, rows: &'a [Reset], document: &Value) -> Vec<&'a Reset> {
    let here = |row: &&Reset| {
        let value = document.pointer(row.path);
        value.is_some_and(|value| !value.is_null()) && !ignored(view, row.path)
    };
    rows.iter().filter(here).collect()
}

/// Whether a member, something in it or something around it is left to others.
fn ignored(view: &View<'_>, path: &str) -> bool {
    let within = |inner: &str, outer: &str| {
        inner
            .strip_prefix(outer)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let mut pointers = view.resource.ignored();
    pointers.any(|pointer| within(pointer, path) || within(path, pointer))
}

fn declared_tags(view: &View<'_>) -> BTreeSet<String> {
    let kind = view.resource.key.kind;
    let tags = view.spec.get(tags::member(kind));
    let keys = pairs(tags, Spelling::of(kind));
    keys.into_iter()
        .map(|(key, _)| key)
        .filter(|key| !view.resource.ignores("tags", key))
        .map(|key| memory::hash(&key))
        .collect()
}

/// What the tag says of a resource that exists, seen beside its manifest.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Recalled {
    /// Members that go back, in the order of the table: path and default; `Null` takes it away.
    pub(super) resets: Vec<(&'static str, Value)>,
    /// Tags that go away: key and live value.
    pub(super) tags: Vec<(String, String)>,
    /// The value that the tag is to have, if it has another one.
    pub(super) record: Option<String>,
}

/// Compares the memory with the manifest. `live` is what is live in the form of [`document()`]; `rows`
/// are those of the kind that apply to this resource. Nothing is recalled where no tags were read.
/// `moving` says that AWS may yet go back from what is live: nothing is forgotten meanwhile.
pub(super) fn recall(
    view: &View<'_>,
    rows: &[Reset],
    live: &Value,
    live_tags: Option<&Value>,
    rules: &Rules,
    moving: bool,
) -> Recalled {
    let kind = view.resource.key.kind;
    let spelling = Spelling::of(kind);
    if live_tags.is_none() {
        return Recalled::default();
    }
    let text = tags::value_of(live_tags, MEMBERS_TAG, spelling);
    let memory = match text.as_deref().map(Memory::read) {
        None => Memory::default(),
        Some(Some(memory)) => memory,
        Some(None) => return Recalled::default(),
    };
    let mut document = document(view);
    let own: Vec<&Reset> = declared(view, rows, &document);
    let known = |code: &String| table(kind).iter().any(|row| row.code == code);
    let mut next = Memory {
        codes: memory
            .codes
            .iter()
            .filter(|code| !known(code))
            .cloned()
            .collect(),
        tags: declared_tags(view),
    };
    next.codes.extend(own.iter().map(|row| row.code.to_owned()));
    let mut recalled = Recalled::default();
    for row in rows {
        let forgotten = memory.codes.contains(row.code)
            && !own.iter().any(|one| one.code == row.code)
            && !ignored(view, row.path);
        if !forgotten || (row.inner && !has_parent(&document, row.path)) {
            continue;
        }
        let Some(value) = row.value(&document, live) else {
            continue;
        };
        if !row.is_at(&value, live, rules) {
            put(&mut document, row.path, &value);
            recalled.resets.push((row.path, value));
        }
    }
    for (key, value) in pairs(live_tags, spelling) {
        let hash = memory::hash(&key);
        let theirs = key.starts_with("evenkeel.dev/") || key.starts_with("aws:");
        if memory.tags.contains(&hash)
            && !next.tags.contains(&hash)
            && !theirs
            && !view.resource.ignores("tags", &key)
        {
            recalled.tags.push((key, value));
        }
    }
    if moving || !recalled.resets.is_empty() || !recalled.tags.is_empty() {
        // Nothing leaves the record before all that goes back is seen to be there to stay.
        next.codes.extend(memory.codes);
        next.tags.extend(memory.tags);
    }
    let next_text = next.text();
    let wanted = text.is_some() || next != Memory::default();
    if wanted
        && text.as_deref() != Some(&next_text)
        && (text.is_some() || has_room(view, live_tags))
    {
        recalled.record = Some(next_text);
    }
    recalled
}

/// Whether one more tag fits beside those that are live, those that are declared and those that the
/// kind's updates need.
fn has_room(view: &View<'_>, live_tags: Option<&Value>) -> bool {
    let kind = view.resource.key.kind;
    let needed: &[&str] = match kind {
        Kind::Service => &super::service::UPDATE_TAGS,
        _ => &[],
    };
    let mut keys: BTreeSet<String> = needed.iter().map(|key| (*key).to_owned()).collect();
    if kind == Kind::Service {
        keys.extend(super::service::task_tags(view.resource));
    }
    for tags in [live_tags, view.spec.get(tags::member(kind))] {
        keys.extend(
            pairs(tags, Spelling::of(kind))
                .into_iter()
                .map(|(key, _)| key),
        );
    }
    keys.len() < MOST_TAGS
}

fn has_parent(document: &Value, path: &str) -> bool {
    let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    document.pointer(parent).is_some_and(Value::is_object)
}

/// Puts a value into a document, with the objects on the way there.
fn put(document: &mut Value, path: &str, value: &Value) {
    let mut node = document;
    let mut steps = path.split('/').skip(1).peekable();
    while let Some(step) = steps.next() {
        if let Value::Array(items) = node {
            let Some(item) = step
                .parse()
                .ok()
                .and_then(|index: usize| items.get_mut(index))
            else {
                return;
            };
            node = item;
            continue;
        }
        if !node.is_object() {
            *node = Value::Object(Map::new());
        }
        let Value::Object(members) = node else { return };
        if steps.peek().is_none() {
            members.insert(step.to_owned(), value.clone());
            return;
        }
        node = members.entry(step.to_owned()).or_insert(Value::Null);
    }
}

/// Takes a member out of a document.
pub(super) fn take(document: &mut Value, path: &str) {
    let Some((parent, name)) = path.rsplit_once('/') else {
        return;
    };
    let Some(Value::Object(members)) = document.pointer_mut(parent) else {
        return;
    };
    members.shift_remove(name);
    // What `put` made on the way.
    if members.is_empty() && !parent.is_empty() {
        take(document, parent);
    }
}

impl Recalled {
    /// The view with the defaults in its spec.
    pub(super) fn over<'a>(&self, view: &View<'a>) -> View<'a> {
        let mut view = view.clone();
        for (path, value) in &self.resets {
            if !value.is_null() && !path.starts_with("/attributes/") {
                put(&mut view.spec, path, value);
            }
            view.resetting.push(path);
        }
        view
    }

    /// Attributes that go back: key and default.
    pub(super) fn attributes(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.resets
            .iter()
            .filter_map(|(path, value)| Some((path.strip_prefix("/attributes/")?, value.as_str()?)))
    }

    /// The members that are to be taken away, as differences. `live` is as it was given to
    /// [`recall()`].
    pub(super) fn removed(&self, live: &Value) -> Vec<Drift> {
        let gone = self.resets.iter().filter(|(_, value)| value.is_null());
        gone.map(|(path, _)| Drift {
            path: (*path).to_owned(),
            live: masked(path, live.pointer(path).unwrap_or(&Value::Null)),
            desired: Value::Null,
            reset: true,
        })
        .collect()
    }

    /// The tags that go away, as differences.
    pub(super) fn tag_drift(&self) -> Vec<Drift> {
        let one = |(key, value): &(String, String)| {
            let path = format!("/tags/{}", key.replace('~', "~0").replace('/', "~1"));
            Drift {
                live: masked(&path, &json!(value)),
                desired: Value::Null,
                path,
                reset: true,
            }
        };
        self.tags.iter().map(one).collect()
    }

    /// The keys of the tags that go away.
    pub(super) fn tag_keys(&self) -> Vec<&str> {
        self.tags.iter().map(|(key, _)| key.as_str()).collect()
    }

    /// The tag to be written.
    pub(super) fn record_tag(&self, kind: Kind) -> Option<Value> {
        let text = self.record.as_ref()?;
        Some(Spelling::of(kind).tag(MEMBERS_TAG, text))
    }
}

/// Marks the differences that are there because a member is no longer declared.
pub(super) fn mark(view: &View<'_>, drift: &mut [Drift]) {
    for difference in drift {
        let within = |path: &&'static str| {
            difference
                .path
                .strip_prefix(*path)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        difference.reset = difference.reset || view.resetting.iter().any(within);
    }
}

#[cfg(test)]
mod tests;

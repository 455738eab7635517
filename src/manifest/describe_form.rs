//! Specs as AWS describes resources: wrapped (`taskDefinition`, `services`), with members that are
//! AWS's own. Such a document is what `aws ecs describe-task-definition` prints, and what many
//! `taskdef.json` files began as. Not a check: what is left is checked like any other spec.
//!
//! Invariants:
//! - A spec that is not of this form comes back as it is.
//! - Nothing that was asked for is lost: what stands under another name is moved, and what is left
//!   out is told in one finding.

use super::diagnostic::Findings;
use super::schema::listed;
use super::tree::{Data, Entry, Node, Place};
use crate::catalogue::{self, Field};
use crate::model::Kind;

/// Answers hold these beside the wrapped document; they say nothing of it.
const OF_THE_ANSWER: [&str; 2] = ["failures", "ResponseMetadata"];
/// What ECS shows on a service's deployment alone (aws-facts 3.4).
const ON_DEPLOYMENT: [&str; 3] = [
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
];
/// More names help nobody.
const MAX_NAMES: usize = 4;

/// What was left out of a spec.
#[derive(Debug, Default)]
struct LeftOut {
    names: Vec<String>,
    first: Option<Place>,
}

impl LeftOut {
    fn add(&mut self, entry: &Entry) {
        self.names.push(entry.key.clone());
        let first = self.first.get_or_insert(entry.key_place);
        if entry.key_place.start < first.start {
            *first = entry.key_place;
        }
    }
}

/// The spec as the creating operation takes it. `name`: the manifest's, to choose among several
/// services. `external`: from a file that other tools write; a `null` in it is a member left
/// out, and so is an empty text where AWS has fixed values.
pub(super) fn unwrapped(
    kind: Kind,
    spec: Node,
    name: &str,
    external: bool,
    findings: &mut Findings<'_>,
) -> Node {
    let mut left_out = LeftOut::default();
    let (mut spec, wrapped) = match kind {
        Kind::TaskDefinition => of_task_definition(spec, &mut left_out),
        Kind::Service => of_services(spec, name, &mut left_out, findings),
        _ => (spec, false),
    };
    if external || wrapped {
        without_nulls(&mut spec, Some(catalogue::root(kind)), &mut left_out);
    }
    strip(kind, &mut spec, &mut left_out);
    if let Some(place) = left_out.first {
        let mut names: Vec<&str> = left_out.names.iter().map(String::as_str).collect();
        names.dedup();
        let more = names.len().saturating_sub(MAX_NAMES);
        names.truncate(MAX_NAMES);
        let more = if more == 0 {
            String::new()
        } else {
            format!(" and {more} more")
        };
        let message = format!("left out what AWS does not take: {}{more}", listed(&names));
        findings
            .warning("left-out", place, "spec", message)
            .hint("The rest is taken as it is. Remove them to be rid of this note.");
    }
    spec
}

/// `{"taskDefinition": {...}, "tags": [...]}`.
fn of_task_definition(spec: Node, left_out: &mut LeftOut) -> (Node, bool) {
    let is_wrapped = |spec: &Node| {
        let inner = spec.get(&["taskDefinition"]);
        inner.is_some_and(|inner| matches!(inner.data, Data::Map(_)))
            && spec.entry("containerDefinitions").is_none()
    };
    if !is_wrapped(&spec) {
        return (spec, false);
    }
    let mut inner = Node::empty(spec.place);
    let mut beside = Vec::new();
    for entry in into_entries(spec) {
        match entry.key.as_str() {
            "taskDefinition" => inner = entry.value,
            word if OF_THE_ANSWER.contains(&word) => left_out.add(&entry),
            _ => beside.push(entry),
        }
    }
    for entry in beside {
        // Tags stand beside the wrapped document; anything else is a mistake to be told.
        if inner.entry(&entry.key).is_none() {
            push(&mut inner, entry);
        }
    }
    (inner, true)
}

/// `{"services": [{...}], "failures": []}`.
fn of_services(
    spec: Node,
    name: &str,
    left_out: &mut LeftOut,
    findings: &mut Findings<'_>,
) -> (Node, bool) {
    let Some(entry) = spec.entry("services") else {
        return (spec, false);
    };
    let services = entry.value.items();
    let by_name = |one: &&Node| one.text("serviceName") == Some(name);
    let chosen = match services {
        [one] => Some(one),
        several => several.iter().find(by_name),
    };
    let Some(mut chosen) = chosen.cloned() else {
        let message = format!("of {} services none is called `{name}`", services.len());
        findings
            .error("describe-form", entry.key_place, "spec.services", message)
            .hint("Keep the one that this manifest is for.");
        // The first stands in, so that nothing is said to be missing as well.
        return (services.first().cloned().unwrap_or(spec), true);
    };
    for entry in into_entries(spec) {
        match entry.key.as_str() {
            "services" => {}
            word if OF_THE_ANSWER.contains(&word) => left_out.add(&entry),
            _ => push(&mut chosen, entry),
        }
    }
    (chosen, true)
}

/// Takes out what AWS returns and does not take, and moves what it takes under another name.
fn strip(kind: Kind, spec: &mut Node, left_out: &mut LeftOut) {
    let read_only: Vec<&str> = catalogue::read_only(kind).collect();
    let mut removed = Vec::new();
    if let Data::Map(entries) = &mut spec.data {
        let (out, kept) = std::mem::take(entries)
            .into_iter()
            .partition(|entry| read_only.contains(&entry.key.as_str()));
        removed = out;
        *entries = kept;
    }
    if kind == Kind::Service && !removed.is_empty() {
        of_service(spec, left_out);
    }
    for entry in removed {
        match entry.key.as_str() {
            "clusterArn" if spec.entry("clusterRef").is_none() => move_to(spec, "cluster", &entry),
            // A service-linked role is not given: ECS takes it by itself.
            "roleArn" if !is_service_linked(&entry.value) => move_to(spec, "role", &entry),
            "deployments" => from_deployment(spec, &entry.value),
            _ => {}
        }
        left_out.add(&entry);
    }
}

/// Members that a description shows although the service could not be made with them.
fn of_service(spec: &mut Node, left_out: &mut LeftOut) {
    let daemon = spec.text("schedulingStrategy") == Some("DAEMON");
    if let Data::Map(entries) = &mut spec.data {
        entries.retain(|entry| {
            let out = daemon && entry.key == "desiredCount";
            if out {
                left_out.add(entry);
            }
            !out
        });
    }
}

/// What the running deployment alone shows.
fn from_deployment(spec: &mut Node, deployments: &Node) {
    let items = deployments.items();
    let Some(primary) = items
        .iter()
        .find(|one| one.text("status") == Some("PRIMARY"))
    else {
        return;
    };
    for member in ON_DEPLOYMENT {
        if let Some(entry) = primary.entry(member) {
            move_to(spec, member, entry);
        }
    }
}

fn is_service_linked(role: &Node) -> bool {
    role.as_text()
        .is_none_or(|arn| arn.contains(":role/aws-service-role/"))
}

/// Puts a value under this name, unless there is one.
fn move_to(spec: &mut Node, member: &str, entry: &Entry) {
    if spec.entry(member).is_none() {
        let mut entry = entry.clone();
        member.clone_into(&mut entry.key);
        push(spec, entry);
    }
}

fn push(spec: &mut Node, entry: Entry) {
    if let Data::Map(entries) = &mut spec.data {
        entries.push(entry);
    }
}

fn into_entries(spec: Node) -> Vec<Entry> {
    match spec.data {
        Data::Map(entries) => entries,
        _ => Vec::new(),
    }
}

/// Takes out, at any depth, members whose value is `null`, and the empty texts that some tools write
/// for a member of fixed values.
fn without_nulls(node: &mut Node, field: Option<&Field>, left_out: &mut LeftOut) {
    match &mut node.data {
        Data::List(items) => {
            let item = field.and_then(Field::item);
            for node in items {
                without_nulls(node, item, left_out);
            }
        }
        Data::Map(entries) => {
            let member = |key: &str| field.and_then(|field| field.member(key));
            entries.retain(|entry| {
                let fixed = member(&entry.key).is_some_and(|field| !field.values.is_empty());
                let nothing =
                    entry.value.data == Data::Null || (fixed && entry.value.as_text() == Some(""));
                if nothing {
                    left_out.add(entry);
                }
                !nothing
            });
            for entry in entries {
                without_nulls(&mut entry.value, member(&entry.key), left_out);
            }
        }
        _ => {}
    }
}

//! One document to a draft of a manifest: `apiVersion`, `kind`, `metadata`, `spec` and what stands
//! beside it. Not the spec itself (`schema`, `rules`).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::describe_form;
use super::diagnostic::Findings;
use super::environment::{self, ENVIRONMENT, Environment};
use super::file_reference::{Library, SPEC_FILE};
use super::names;
use super::nearest::suggestion;
use super::rollout;
use super::schema::{self, Link, listed, unknown_key};
use super::sections;
use super::tree::{Data, Entry, Node, Place};
use super::variables::Variables;
use super::world::FirstError;
use crate::model::{Key, Kind};

/// The version of the manifests that this program reads.
pub(crate) const API_VERSION: &str = "evenkeel.dev/v1alpha1";
/// The document that tells the sandbox what is there from the start. Not a resource.
const SEED: &str = "SandboxSeed";

/// What a document turned out to be.
#[derive(Debug)]
pub(super) enum Content {
    /// A manifest.
    Manifest(Box<Draft>),
    /// A `SandboxSeed`, whole.
    Seed(Value),
    /// An `Environment`, with where its name stands.
    Environment(Box<Environment>, Place),
    /// Nothing that has a kind and a name.
    Unknown,
}

/// A manifest as it was read, with or without errors.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) key: Key,
    pub(super) file: String,
    /// Where its first member stands.
    pub(super) place: Place,
    /// Where `metadata.name` stands.
    pub(super) name_place: Place,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) spec: Node,
    /// The file that the spec stands in, if it is another one.
    pub(super) spec_file: Option<String>,
    pub(super) beside: Map<String, Value>,
    pub(super) links: Vec<Link>,
    /// Where `rollout` stands, if it does.
    pub(super) rollout_place: Option<Place>,
    /// The services that `rollout.dependsOn` names, each with its place.
    pub(super) follows: Vec<(Key, Place)>,
    /// The first error.
    pub(super) error: Option<FirstError>,
}

impl Draft {
    /// The resource's name at AWS.
    pub(super) fn aws_name(&self) -> &str {
        self.spec
            .text(super::name_member(self.key.kind))
            .unwrap_or(&self.key.name)
    }

    /// The file in which the spec's places are.
    pub(super) fn file_of_spec(&self) -> &str {
        self.spec_file.as_deref().unwrap_or(&self.file)
    }

    /// Whether the AWS name is the manifest's, so that its place is in the manifest's file.
    pub(super) fn is_named_by_metadata(&self) -> bool {
        self.spec
            .entry(super::name_member(self.key.kind))
            .is_some_and(|entry| {
                entry.key_place == self.name_place && entry.value.place == self.name_place
            })
    }

    /// The manifest that the reference at this JSON pointer names.
    pub(super) fn linked(&self, pointer: &str) -> Option<&Key> {
        self.links
            .iter()
            .find(|link| link.pointer == pointer)
            .map(|link| &link.target)
    }

    /// Its place for a message about another manifest.
    pub(super) fn whereabouts(&self) -> String {
        if self.place.is_computed() {
            return self.file.clone();
        }
        format!("{}:{}", self.file, self.place.line)
    }
}

/// The annotation that makes unknown members of one manifest's spec a warning, for an AWS newer than
/// the catalogue: `"true"`.
const ALLOW_UNKNOWN_ANNOTATION: &str = "evenkeel.dev/allow-unknown-fields";

/// What every document is read with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading<'a> {
    /// See [`super::LoadOptions::allow_unknown_fields`].
    pub(super) allow_unknown: bool,
    /// The files that manifests name.
    pub(super) library: &'a Library<'a>,
    /// The chosen environment's. They are in the document already, and not yet in those files.
    pub(super) variables: Option<&'a Variables<'a>>,
}

/// Reads one document.
pub(super) fn read(root: &Node, reading: &Reading<'_>, findings: &mut Findings<'_>) -> Content {
    if !matches!(root.data, Data::Map(_)) {
        let message = format!("a manifest is a map, this document is {}", root.what());
        findings.error("not-a-manifest", root.place, "", message);
        return Content::Unknown;
    }
    let Some(kind) = kind_of(root, findings) else {
        return Content::Unknown;
    };
    if kind == Named::Seed {
        return Content::Seed(root.to_value());
    }
    let Some((name, name_place)) = name_of(root, findings) else {
        return Content::Unknown;
    };
    let Named::Resource(kind) = kind else {
        let environment = environment::read(root, &name, findings);
        return Content::Environment(Box::new(environment), name_place);
    };
    let beside_members = sections::beside(kind);
    let known: Vec<&str> = ["apiVersion", "kind", "metadata", "spec", SPEC_FILE]
        .into_iter()
        .chain(beside_members.iter().copied())
        .collect();
    for entry in root
        .entries()
        .iter()
        .filter(|entry| !known.contains(&entry.key.as_str()))
    {
        unknown_key(entry, &known, "", findings);
    }
    let metadata = root.get(&["metadata"]);
    let labels = texts(metadata, "labels", findings);
    let annotations = texts(metadata, "annotations", findings);
    let allow_unknown = reading.allow_unknown
        || annotations
            .get(ALLOW_UNKNOWN_ANNOTATION)
            .is_some_and(|word| word == "true");
    let (mut spec, spec_file, mistake) = match root.entry(SPEC_FILE) {
        Some(entry) => spec_in_file(root, entry, reading.library, findings),
        None => (spec_of(root, kind, findings), None, None),
    };
    let file = spec_file.as_deref().unwrap_or(findings.file);
    let mut of_spec = Findings::of(file);
    if let Some(variables) = reading.variables.filter(|_| spec_file.is_some()) {
        variables.put_in_spec(&mut spec, kind, &mut of_spec);
    }
    let spec = describe_form::unwrapped(kind, spec, &name, spec_file.is_some(), &mut of_spec);
    let spec = named(spec, kind, &name, name_place);
    // A spec that could not be had is not found incomplete as well.
    let is_lost = spec_file_is_at_fault(findings) || mistake.is_some() && spec.entries().len() < 2;
    let links = if is_lost {
        Vec::new()
    } else {
        schema::check(kind, &spec, allow_unknown, &mut of_spec)
    };
    let mut of_spec = of_spec.list;
    findings.list.append(&mut of_spec);
    let beside = sections::read(kind, root, allow_unknown, findings);
    Content::Manifest(Box::new(Draft {
        key: Key::new(kind, name),
        file: findings.file.to_owned(),
        place: root.place,
        name_place,
        labels,
        annotations,
        spec,
        spec_file,
        beside,
        links,
        rollout_place: root.entry("rollout").map(|entry| entry.key_place),
        follows: follows(root),
        error: FirstError::of(findings).or(mistake),
    }))
}

/// The services that `rollout.dependsOn` names.
fn follows(root: &Node) -> Vec<(Key, Place)> {
    let named = root.get(&["rollout", rollout::DEPENDS_ON]);
    let items = named.map(Node::items).unwrap_or_default();
    let key = |item: &Node| {
        let name = item.as_text().filter(|name| !name.is_empty())?;
        Some((Key::new(Kind::Service, name), item.place))
    };
    items.iter().filter_map(key).collect()
}

/// What a document says that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    Resource(Kind),
    Seed,
    Environment,
}

/// The kind; `None` if it is not one of ours.
fn kind_of(root: &Node, findings: &mut Findings<'_>) -> Option<Named> {
    let version = root.text("apiVersion");
    let kind = root.text("kind");
    if version.is_none() && kind.is_none() {
        let message = "this document has no `apiVersion` and no `kind`";
        let found = findings.error("not-a-manifest", root.place, "", message);
        found.hint(if root.entry("containerDefinitions").is_some() {
            format!("A taskdef.json goes under `spec:` of a manifest of kind TaskDefinition, apiVersion {API_VERSION}.")
        } else {
            format!("Begin it with `apiVersion: {API_VERSION}` and a `kind`.")
        });
        return None;
    }
    if version != Some(API_VERSION) {
        let place = root.place_of("apiVersion");
        let message = match version {
            Some(version) => format!("`apiVersion: {version}` is not known"),
            None => "`apiVersion` is missing".to_owned(),
        };
        findings
            .error("api-version", place, "apiVersion", message)
            .hint(format!("Write `apiVersion: {API_VERSION}`."));
        return None;
    }
    let Some(word) = kind else {
        let found = findings.error("missing-field", root.place, "kind", "`kind` is missing");
        found.hint(format!("One of {}.", listed(&Kind::ALL.map(Kind::as_str))));
        return None;
    };
    if word == SEED {
        return Some(Named::Seed);
    }
    if word == ENVIRONMENT {
        return Some(Named::Environment);
    }
    let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == word);
    if kind.is_none() {
        let known = Kind::ALL.map(Kind::as_str);
        let hint = suggestion(word, known.into_iter().chain([SEED, ENVIRONMENT]));
        let message = format!("unknown kind `{word}`");
        let found = findings.error("unknown-kind", root.place_of("kind"), "kind", message);
        found.hint(hint.unwrap_or_else(|| format!("One of {}.", listed(&known))));
    }
    kind.map(Named::Resource)
}

fn name_of(root: &Node, findings: &mut Findings<'_>) -> Option<(String, Place)> {
    let Some(metadata) = root.entry("metadata") else {
        findings
            .error(
                "missing-field",
                root.place,
                "metadata",
                "`metadata` is missing",
            )
            .hint("Write `metadata: {name: ...}`.");
        return None;
    };
    for entry in metadata.value.entries() {
        if !["name", "labels", "annotations"].contains(&entry.key.as_str()) {
            unknown_key(
                entry,
                &["name", "labels", "annotations"],
                "metadata",
                findings,
            );
        }
    }
    let Some(node) = metadata.value.get(&["name"]) else {
        let message = "`metadata.name` is missing";
        findings.error(
            "missing-field",
            metadata.key_place,
            "metadata.name",
            message,
        );
        return None;
    };
    match node.as_text() {
        Some(name) if names::is_manifest_name(name) => Some((name.to_owned(), node.place)),
        Some(name) => {
            let message = format!("`{name}` cannot name a manifest");
            findings
                .error("bad-name", node.place, "metadata.name", message)
                .hint("Letters, digits, `-`, `_` and `.`, at most 253, beginning with a letter or digit.");
            None
        }
        None => {
            let message = format!("expected a text, found {}", node.what());
            findings.error("wrong-type", node.place, "metadata.name", message);
            None
        }
    }
}

/// The spec that stands in the manifest.
fn spec_of(root: &Node, kind: Kind, findings: &mut Findings<'_>) -> Node {
    match root.entry("spec") {
        Some(entry) if matches!(entry.value.data, Data::Map(_)) => entry.value.clone(),
        None if is_spec_optional(kind) => Node::empty(root.place),
        Some(entry) if entry.value.data == Data::Null && kind == Kind::Cluster => {
            Node::empty(entry.key_place)
        }
        Some(entry) => {
            let message = format!("expected a map, found {}", entry.value.what());
            findings.error("wrong-type", entry.key_place, "spec", message);
            Node::empty(entry.key_place)
        }
        None => {
            findings
                .error("missing-field", root.place, "spec", "`spec` is missing")
                .hint(format!(
                    "Give it, or `{SPEC_FILE}` to name the file that holds it."
                ));
            Node::empty(root.place)
        }
    }
}

/// The spec of the file that the manifest names, that file, and the mistake in its text.
fn spec_in_file(
    root: &Node,
    named: &Entry,
    library: &Library<'_>,
    findings: &mut Findings<'_>,
) -> (Node, Option<String>, Option<FirstError>) {
    if let Some(spec) = root.entry("spec") {
        let second = if spec.key_place.start > named.key_place.start {
            spec
        } else {
            named
        };
        let message = format!("`spec` and `{SPEC_FILE}` stand side by side");
        findings
            .error("two-ways", second.key_place, SPEC_FILE, message)
            .hint("Keep one of the two.");
        return (Node::empty(named.key_place), None, None);
    }
    match library.find(named, findings) {
        Some(found) => (found.spec, Some(found.file), found.mistake),
        None => (Node::empty(named.key_place), None, None),
    }
}

/// Whether the file of the spec has been complained of.
fn spec_file_is_at_fault(findings: &Findings<'_>) -> bool {
    findings.list.iter().any(|found| found.path == SPEC_FILE)
}

/// Whether a manifest of this kind needs no spec: a cluster or a repository needs nothing but its name.
pub(crate) fn is_spec_optional(kind: Kind) -> bool {
    matches!(kind, Kind::Cluster | Kind::ImageRepository)
}

/// The spec with the AWS name filled in from the manifest's name, and with what can be nothing else.
fn named(mut spec: Node, kind: Kind, name: &str, name_place: Place) -> Node {
    let own = (super::name_member(kind), name);
    let constants = super::constant_members(kind).iter().copied();
    let Data::Map(entries) = &mut spec.data else {
        return spec;
    };
    for (member, text) in std::iter::once(own).chain(constants) {
        if member.is_empty() || entries.iter().any(|entry| entry.key == member) {
            continue;
        }
        let value = Node {
            place: name_place,
            data: Data::Text(text.to_owned()),
        };
        entries.push(Entry {
            key: member.to_owned(),
            key_place: name_place,
            value,
        });
    }
    spec
}

/// A map of texts in the metadata.
fn texts(
    metadata: Option<&Node>,
    member: &str,
    findings: &mut Findings<'_>,
) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    let Some(node) = metadata.and_then(|metadata| metadata.get(&[member])) else {
        return out;
    };
    if !matches!(node.data, Data::Map(_)) {
        let message = format!("expected a map, found {}", node.what());
        findings.error(
            "wrong-type",
            node.place,
            format!("metadata.{member}"),
            message,
        );
    }
    for entry in node.entries() {
        if let Some(text) = entry.value.as_text() {
            out.insert(entry.key.clone(), text.to_owned());
        } else {
            let path = format!("metadata.{member}.{}", entry.key);
            let message = format!("expected a text, found {}", entry.value.what());
            findings
                .error("wrong-type", entry.value.place, path, message)
                .hint("Put the value in quotes.");
        }
    }
    out
}

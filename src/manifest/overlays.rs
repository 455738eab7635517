//! Which documents are the base's and which the chosen environment's, and their joining. Not the
//! merging of one over another (`overlay`).
//!
//! A file under `overlays/NAME/`, at any depth of the source, belongs to the Environment `NAME` and is
//! read for no other. A document of it with the kind and name of one in the base is merged over that;
//! any other is a manifest of that environment alone.

use std::collections::{BTreeMap, BTreeSet};

use super::diagnostic::{Diagnostic, Findings};
use super::environment::{ENVIRONMENT, Environments};
use super::file_reference::{Library, SPEC_FILE};
use super::nearest::suggestion;
use super::overlay;
use super::scope::{Scope, overlay_of};
use super::tree::{Data, Node, Place};
use super::yaml;

/// A document as it was written, or merged.
#[derive(Debug)]
pub(super) struct Written<'a> {
    /// The file that it stands in; of a merged one, the base's.
    pub(super) file: &'a str,
    pub(super) root: Node,
    /// What is wrong with it so far.
    pub(super) findings: Vec<Diagnostic>,
}

/// The overlay's documents, kept until the base is read.
#[derive(Debug)]
pub(super) struct Overlays<'a> {
    scope: &'a Scope,
    environments: BTreeSet<&'a str>,
    unknown: BTreeSet<String>,
    kept: Vec<Written<'a>>,
}

impl<'a> Overlays<'a> {
    pub(super) fn new(scope: &'a Scope, environments: &'a Environments) -> Self {
        Self {
            scope,
            environments: environments.names().collect(),
            unknown: BTreeSet::new(),
            kept: Vec::new(),
        }
    }

    /// Puts the documents of the file with this index where they belong.
    pub(super) fn sort_in(
        &mut self,
        index: usize,
        file: &'a str,
        documents: Vec<yaml::Document>,
        base: &mut Vec<Written<'a>>,
        findings: &mut Findings<'_>,
    ) {
        let overlay = overlay_of(file, &self.scope.roots);
        if let Some(name) = overlay
            && !self.environments.contains(name)
        {
            self.without_environment(name, findings);
            return;
        }
        for document in documents {
            let is_environment = document.root.text("kind") == Some(ENVIRONMENT);
            if overlay.is_some() && overlay != self.scope.environment.as_deref() && !is_environment
            {
                continue;
            }
            let mut found = Findings::of(file);
            report(document.mistakes, &mut found);
            let mut written = Written {
                file,
                root: document.root,
                findings: found.list,
            };
            if overlay.is_some() && !is_environment {
                stamp(&mut written.root, index + 1);
                self.kept.push(written);
            } else {
                base.push(written);
            }
        }
    }

    fn without_environment(&mut self, name: &str, findings: &mut Findings<'_>) {
        if !self.unknown.insert(name.to_owned()) {
            return;
        }
        let message =
            format!("the folder is the overlay of an Environment `{name}`, which there is not");
        let place = Place {
            line: 1,
            column: 1,
            ..Place::default()
        };
        let hint = suggestion(name, self.environments.iter().copied());
        findings
            .error("unknown-environment", place, "", message)
            .hint(hint.unwrap_or_else(|| {
                "Write a manifest of kind Environment with that name, or rename the folder."
                    .to_owned()
            }));
    }

    /// Merges the overlay's documents into the base's.
    pub(super) fn merge_into(
        self,
        base: &mut Vec<Written<'a>>,
        library: &Library<'_>,
        paths: &[&str],
    ) {
        let mut at: BTreeMap<(String, String), usize> = BTreeMap::new();
        for (index, document) in base.iter().enumerate() {
            if let Some(key) = key_of(&document.root) {
                at.entry(key).or_insert(index);
            }
        }
        let mut gone = BTreeSet::new();
        let mut merged = BTreeSet::new();
        for document in self.kept {
            let key = key_of(&document.root);
            let Some(index) = key.as_ref().and_then(|key| at.get(key).copied()) else {
                base.push(document);
                continue;
            };
            let target = &mut base[index];
            let mut findings = Findings::of(document.file);
            findings.list = document.findings;
            if !merged.insert(index) {
                let message = "the overlay holds this manifest a second time";
                findings
                    .error("duplicate", document.root.place, "", message)
                    .hint("Join the two.");
            }
            let mut root = std::mem::replace(&mut target.root, Node::empty(Place::default()));
            if document.root.entry("spec").is_some() {
                with_spec_of_file(&mut root, target.file, library, paths);
            }
            match overlay::merge(root, &document.root, &mut findings) {
                Some(root) => target.root = root,
                None => {
                    gone.insert(index);
                }
            }
            target.findings.append(&mut findings.list);
        }
        let mut index = 0;
        base.retain(|_| {
            index += 1;
            !gone.contains(&(index - 1))
        });
    }
}

/// Reports the mistakes in a document's text.
pub(super) fn report(mistakes: Vec<yaml::Mistake>, findings: &mut Findings<'_>) {
    for mistake in mistakes {
        let found = findings.error(mistake.code, mistake.place, "", mistake.message);
        found.hint = mistake.hint.map(str::to_owned);
    }
}

fn key_of(root: &Node) -> Option<(String, String)> {
    let name = root.get(&["metadata"])?.text("name")?;
    Some((root.text("kind")?.to_owned(), name.to_owned()))
}

/// Puts the spec of the file that a manifest names into it, so that it can be merged over.
fn with_spec_of_file(root: &mut Node, file: &str, library: &Library<'_>, paths: &[&str]) {
    let Data::Map(entries) = &mut root.data else {
        return;
    };
    let Some(entry) = entries.iter_mut().find(|entry| entry.key == SPEC_FILE) else {
        return;
    };
    // What is wrong with the name or the file is told where it is read.
    let mut idle = Findings::of(file);
    let Some(found) = library.find(entry, &mut idle) else {
        return;
    };
    let mut spec = found.spec;
    let index = paths.iter().position(|path| *path == found.file);
    stamp(&mut spec, index.map_or(0, |index| index + 1));
    "spec".clone_into(&mut entry.key);
    entry.value = spec;
}

/// Notes in every place of a tree which file it is in.
fn stamp(node: &mut Node, file: usize) {
    node.place.other_file = file;
    match &mut node.data {
        Data::List(items) => items.iter_mut().for_each(|item| stamp(item, file)),
        Data::Map(entries) => {
            for entry in entries {
                entry.key_place.other_file = file;
                stamp(&mut entry.value, file);
            }
        }
        _ => {}
    }
}

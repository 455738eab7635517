//! The files of a conversion as they grow, and their check by Even Keel's own rules.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::template::{Templates, has_variable};
use super::{Converted, Note};
use crate::import::secrets;
use crate::jsonnet::Answers;
use crate::manifest::{
    Document, LoadOptions, Scope, Severity, SourceFile, is_manifest_name, load_in,
    text_of_documents,
};
use crate::model::Kind;

/// The file of the Environment.
const ENVIRONMENT: &str = "environment.yaml";

/// Everything that was converted so far.
#[derive(Debug, Default)]
pub(super) struct Output {
    files: BTreeMap<String, Vec<Document>>,
    pub(super) templates: Templates,
    pub(super) notes: Vec<Note>,
    region: Option<String>,
    account: Option<String>,
}

impl Output {
    pub(super) fn note(&mut self, file: &str, reason: impl Into<String>) {
        let note = Note {
            file: file.to_owned(),
            reason: reason.into(),
        };
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// The region that a configuration names; one set of manifests has one.
    pub(super) fn region(&mut self, file: &str, region: &str) {
        let other = self.region.get_or_insert_with(|| region.to_owned()).clone();
        self.one("region", file, region, &other);
    }

    /// Account and region of a service's cluster, if its ARN is given.
    pub(super) fn cluster(&mut self, file: &str, cluster: &str) {
        let parts: Vec<&str> = cluster.split(':').collect();
        let ["arn", _, "ecs", region, account, _] = parts[..] else {
            return;
        };
        if has_variable(region) || has_variable(account) {
            return;
        }
        self.region(file, region);
        let other = self
            .account
            .get_or_insert_with(|| account.to_owned())
            .clone();
        self.one("account", file, account, &other);
    }

    fn one(&mut self, what: &str, file: &str, wanted: &str, other: &str) {
        if wanted != other {
            let reason = format!(
                "the {what} is {wanted}, and another project's is {other}: convert them apart"
            );
            self.note(file, reason);
        }
    }

    /// A name for a manifest of this kind; a note, and `None`, if the very same project was converted
    /// already.
    pub(super) fn free(&self, kind: Kind, wanted: &str) -> Option<String> {
        let name = manifest_name(wanted);
        let mut all = self.files.values().flatten();
        let taken = all.any(|one| one.kind == kind.as_str() && one.name == name);
        (!taken).then_some(name)
    }

    /// Adds manifests as a file.
    pub(super) fn add(&mut self, path: &str, documents: Vec<Document>) {
        self.files
            .entry(path.to_owned())
            .or_default()
            .extend(documents);
    }

    /// The texts and the notes; the projects are not counted here. `environment`: its name.
    pub(super) fn finish(mut self, environment: &str) -> Result<Converted, String> {
        let mut files = Vec::new();
        for (path, documents) in &mut self.files {
            for document in documents.iter_mut() {
                document.spec = self.templates.finished(&document.spec);
                for (_, value) in &mut document.beside {
                    *value = self.templates.finished(value);
                }
                if document.kind == Kind::TaskDefinition.as_str() {
                    document
                        .comments
                        .extend(secrets::warnings(Kind::TaskDefinition, &document.spec));
                }
            }
            files.push((path.clone(), text_of_documents(documents)?));
        }
        let spec = self.environment();
        let scope = Scope {
            environment: (!spec.is_empty()).then(|| environment.to_owned()),
            ..Scope::default()
        };
        if !spec.is_empty() {
            let document = Document::new("Environment", environment, Value::Object(spec));
            files.push((ENVIRONMENT.to_owned(), text_of_documents(&[document])?));
        }
        let mut notes = self.notes;
        notes.append(&mut self.templates.notes);
        for note in &mut notes {
            note.reason = self.templates.finished_text(&note.reason);
        }
        notes.extend(findings(&files, &scope));
        notes.sort();
        notes.dedup();
        Ok(Converted {
            files,
            notes,
            projects: 0,
        })
    }

    /// The spec of the Environment; empty if there is nothing to say.
    fn environment(&self) -> Map<String, Value> {
        let mut spec = Map::new();
        for (member, value) in [("account", &self.account), ("region", &self.region)] {
            if let Some(value) = value {
                spec.insert(member.to_owned(), value.as_str().into());
            }
        }
        let variables = self.templates.variables.spec();
        if !variables.is_empty() {
            spec.insert("variables".to_owned(), Value::Object(variables));
        }
        spec
    }
}

/// A text as a manifest's name.
fn manifest_name(wanted: &str) -> String {
    let plain = super::template::without_templates(wanted);
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let name: String = plain
        .chars()
        .map(|c| if fits(c) { c } else { '-' })
        .collect();
    let name = name.trim_matches(['-', '_', '.']);
    if is_manifest_name(name) {
        name.to_owned()
    } else {
        "service".to_owned()
    }
}

/// What `evenkeel validate` would say. What a variable from elsewhere stands for is not judged.
fn findings(files: &[(String, String)], scope: &Scope) -> Vec<Note> {
    let sources: Vec<SourceFile> = files
        .iter()
        .map(|(path, text)| SourceFile {
            path: path.clone(),
            bytes: text.clone().into_bytes(),
        })
        .collect();
    let loaded = load_in(&sources, &LoadOptions::default(), scope, &Answers::new());
    loaded
        .diagnostics
        .iter()
        .filter(|found| found.severity == Severity::Error)
        .map(|found| Note {
            file: found.file.clone(),
            reason: format!("line {}: {}: {}", found.line, found.path, found.message),
        })
        .collect()
}

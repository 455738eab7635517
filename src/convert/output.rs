//! The files of a conversion as they grow, and their check by Even Keel's own rules.

use std::collections::BTreeMap;

use super::template::Templates;
use super::{Converted, Note};
use crate::import::secrets;
use crate::manifest::{
    Document, LoadOptions, Severity, SourceFile, is_manifest_name, load, text_of_documents,
};
use crate::model::Kind;

/// The file that tells where the variables came from.
const VARIABLES: &str = "variables.txt";

/// Everything that was converted so far.
#[derive(Debug, Default)]
pub(super) struct Output {
    files: BTreeMap<String, Vec<Document>>,
    pub(super) templates: Templates,
    pub(super) notes: Vec<Note>,
    region: Option<String>,
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
        match &self.region {
            None => self.region = Some(region.to_owned()),
            Some(known) if known == region => {}
            Some(known) => {
                let reason = format!(
                    "the region is {region}, and another project's is {known}: convert them apart"
                );
                self.note(file, reason);
            }
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

    /// The texts and the notes; the projects are not counted here.
    pub(super) fn finish(mut self) -> Result<Converted, String> {
        let mut files = Vec::new();
        for (path, documents) in &mut self.files {
            for document in documents.iter_mut() {
                document.spec = self.templates.finished(&document.spec);
                if document.kind == Kind::TaskDefinition.as_str() {
                    document
                        .comments
                        .extend(secrets::warnings(Kind::TaskDefinition, &document.spec));
                }
            }
            files.push((path.clone(), text_of_documents(documents)?));
        }
        let mut notes = self.notes;
        notes.extend(self.templates.notes.clone());
        notes.extend(findings(&files));
        if let Some(spec) = self.templates.variables.spec(self.region.as_deref()) {
            // Not a manifest, and not named like one: variables are not read yet.
            let text = text_of_documents(&[Document::new("Variables", VARIABLES, spec)])?;
            notes.push(Note {
                file: VARIABLES.to_owned(),
                reason: "`${NAME}` in the manifests stands for what was looked up: put the values in; this file \
                       tells where each came from"
                    .to_owned(),
            });
            files.push((VARIABLES.to_owned(), text));
        }
        notes.sort();
        notes.dedup();
        Ok(Converted {
            files,
            notes,
            projects: 0,
        })
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

/// What `evenkeel validate` would say. A line with a variable is not judged: its value is not known.
fn findings(files: &[(String, String)]) -> Vec<Note> {
    let sources: Vec<SourceFile> = files
        .iter()
        .map(|(path, text)| SourceFile {
            path: path.clone(),
            bytes: text.clone().into_bytes(),
        })
        .collect();
    let loaded = load(&sources, &LoadOptions::default());
    let line = |file: &str, line: usize| {
        let text = files
            .iter()
            .find(|(path, _)| path == file)
            .map(|(_, text)| text.as_str());
        text.and_then(|text| text.lines().nth(line.saturating_sub(1)))
            .unwrap_or_default()
    };
    loaded
        .diagnostics
        .iter()
        .filter(|found| found.severity == Severity::Error)
        .filter(|found| !line(&found.file, found.line).contains("${"))
        .map(|found| Note {
            file: found.file.clone(),
            reason: format!("line {}: {}: {}", found.line, found.path, found.message),
        })
        .collect()
}

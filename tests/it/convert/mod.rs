//! `convert` over small projects of each tool, and over a corpus if there is one.

mod corpus;
mod ecspresso;
mod others;

use std::collections::BTreeMap;

use evenkeel::convert::{Converted, Input, convert};
use evenkeel::environment::load;
use evenkeel::manifest::{Diagnostic, LoadOptions, Loaded, Scope, Severity, SourceFile};

/// Files of a project.
fn files(all: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = all
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
    owned.collect()
}

/// Converts what is found in these files. Whatever they are, nothing of the templates is left over.
fn converted(all: &[(&str, &str)]) -> Converted {
    let input = Input {
        files: files(all),
        ..Input::default()
    };
    let converted = convert(&input).unwrap();
    let whole = format!("{converted:?}");
    for marker in ["\\u{e000}", "\\u{e001}"] {
        assert!(!whole.contains(marker), "{whole}");
    }
    converted
}

/// Loads the manifests as `validate` does: for the Environment, whose values nobody fetches.
fn loaded(converted: &Converted) -> Loaded {
    let files: Vec<SourceFile> = converted
        .files
        .iter()
        .map(|(path, text)| SourceFile {
            path: path.clone(),
            bytes: text.clone().into_bytes(),
        })
        .collect();
    let written = files.iter().any(|file| file.path == "environment.yaml");
    let scope = Scope {
        environment: written.then(|| "default".to_owned()),
        ..Scope::default()
    };
    load(&files, &LoadOptions::default(), &scope)
}

/// The errors.
fn errors(loaded: &Loaded) -> Vec<Diagnostic> {
    let all = loaded.diagnostics.iter();
    all.filter(|found| found.severity == Severity::Error)
        .cloned()
        .collect()
}

fn text<'a>(converted: &'a Converted, path: &str) -> &'a str {
    let found = converted.files.iter().find(|(name, _)| name == path);
    &found
        .unwrap_or_else(|| panic!("no {path} in {:?}", converted.files))
        .1
}

/// Whether a note of this file holds this text.
fn noted(converted: &Converted, file: &str, part: &str) -> bool {
    let mut notes = converted.notes.iter();
    notes.any(|note| note.file == file && note.reason.contains(part))
}

//! `convert` over small projects of each tool, and over a corpus if there is one.

mod corpus;
mod ecspresso;
mod others;

use std::collections::BTreeMap;

use evenkeel::convert::{Converted, Input, convert};
use evenkeel::manifest::{Diagnostic, LoadOptions, Loaded, Severity, SourceFile, load};

/// Files of a project.
fn files(all: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = all
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
    owned.collect()
}

/// Converts what is found in these files.
fn converted(all: &[(&str, &str)]) -> Converted {
    let input = Input {
        files: files(all),
        ..Input::default()
    };
    convert(&input).unwrap()
}

/// Loads the manifests.
fn loaded(converted: &Converted) -> Loaded {
    let files: Vec<SourceFile> = converted
        .files
        .iter()
        .filter(|(path, _)| path != "variables.txt")
        .map(|(path, text)| SourceFile {
            path: path.clone(),
            bytes: text.clone().into_bytes(),
        })
        .collect();
    load(&files, &LoadOptions::default())
}

/// The errors of lines without a variable, whose value nobody knows here.
fn errors(converted: &Converted, loaded: &Loaded) -> Vec<Diagnostic> {
    let all = loaded
        .diagnostics
        .iter()
        .filter(|found| found.severity == Severity::Error);
    let judged = all.filter(|found| {
        let line = text(converted, &found.file).lines().nth(found.line - 1);
        !line.unwrap_or_default().contains("${")
    });
    judged.cloned().collect()
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

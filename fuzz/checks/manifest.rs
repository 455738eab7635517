//! What must hold for every file of manifests, whatever it is. Used by its fuzz target, and by the test that gives it the
//! committed corpus (`tests/it/fuzz.rs`).
//!
//! Invariant: beside what is asserted here, no input may panic, overflow, or take longer or more memory than
//! the fuzzer allows.

use evenkeel::jsonnet::Answers;
use evenkeel::manifest::{
    LoadOptions, Scope, Severity, SourceFile, environments, load, load_in, render_json, render_text,
};

/// A file of manifests: one, or what it holds before and after a form feed as two.
pub(crate) fn manifest(data: &[u8]) {
    let mut parts = data.splitn(3, |byte| *byte == b'\x0c');
    let mut files = Vec::new();
    for folder in ["", "overlays/staging/", "more/"] {
        let Some(bytes) = parts.next() else { continue };
        let ending = if bytes.starts_with(b"{") {
            "json"
        } else {
            "yaml"
        };
        files.push(SourceFile {
            path: format!("{folder}a.{ending}"),
            bytes: bytes.to_vec(),
        });
    }
    let options = LoadOptions::default();
    let loaded = load(&files, &options);
    for found in &loaded.diagnostics {
        let file = files.iter().find(|file| file.path == found.file);
        let file = file.unwrap_or_else(|| panic!("a finding of no file: {found:?}"));
        // A carriage return alone ends a line of YAML.
        let ends = |byte: &u8| [b'\n', b'\r'].contains(byte);
        let lines = file.bytes.split(ends).count();
        assert!(found.line <= lines, "{found:?}");
        let excerpt = found.excerpt.as_ref().map_or("", |excerpt| &excerpt.text);
        let odd = |one: char| one.is_control() && !['\t', '\n'].contains(&one);
        assert!(!excerpt.contains(odd), "{found:?}");
    }
    let text = render_text(&loaded.diagnostics, false);
    let kept = loaded
        .diagnostics
        .iter()
        .filter(|found| found.severity == Severity::Error)
        .count();
    assert!(kept == 0 || !text.is_empty());
    render_json(&loaded.diagnostics);
    let again = load(&files, &options);
    assert_eq!(render_text(&again.diagnostics, false), text);
    assert_eq!(again.set.resources.len(), loaded.set.resources.len());
    environments(&files);
    let scope = Scope {
        environment: Some("staging".to_owned()),
        ..Scope::default()
    };
    load_in(&files, &options, &scope, &Answers::new());
}

//! `evenkeel validate`: manifests checked without AWS.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::args::{Output, ValidateArgs};
use super::{output, start};
use crate::environment::load;
use crate::manifest::{
    Diagnostic, LoadOptions, Scope, Severity, SourceFile, environments, render_json, render_text,
};
use crate::model::Key;
use crate::source::{Access, Eagerness};

/// Validates.
pub(super) async fn validate(args: &ValidateArgs) -> Result<u8, String> {
    let sources = start::sources(&args.paths, &Access::default())?;
    let read = sources.read(Eagerness::Due).await;
    let files = read.map_err(|error| error.to_string())?.files;
    let (diagnostics, valid) = check(args, &files, &sources.roots())?;
    let count = |severity| {
        diagnostics
            .iter()
            .filter(|found| found.severity == severity)
            .count()
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    match args.output {
        Output::Json => output::json(&render_json(&diagnostics)),
        Output::Text => {
            output::result(&render_text(&diagnostics, output::colour()));
            output::result(&format!(
                "{valid} valid manifests, {errors} errors, {warnings} warnings\n"
            ));
        }
    }
    Ok(u8::from(errors > 0))
}

/// Every finding in any of the environments, once, and how many manifests are valid in all of theirs.
fn check(
    args: &ValidateArgs,
    files: &[SourceFile],
    roots: &[PathBuf],
) -> Result<(Vec<Diagnostic>, usize), String> {
    let options = LoadOptions {
        allow_unknown_fields: args.allow_unknown_fields,
    };
    let found = environments(files);
    let mut chosen: Vec<Option<String>> = match &args.environment {
        Some(name) => vec![Some(name.clone())],
        None => found.names().map(|name| Some(name.to_owned())).collect(),
    };
    if let Some(name) = &args.environment {
        found.select(Some(name))?;
    }
    if chosen.is_empty() {
        chosen.push(None);
    }
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    let (mut valid, mut invalid): (BTreeSet<Key>, BTreeSet<Key>) = Default::default();
    for environment in chosen {
        let loaded = load(
            files,
            &options,
            &Scope {
                environment,
                roots: roots.to_vec(),
                fetched: None,
            },
        );
        valid.extend(loaded.set.resources.into_keys());
        invalid.extend(loaded.set.invalid.into_keys());
        for found in loaded.diagnostics {
            if !diagnostics.contains(&found) {
                diagnostics.push(found);
            }
        }
    }
    diagnostics.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
    Ok((diagnostics, valid.difference(&invalid).count()))
}

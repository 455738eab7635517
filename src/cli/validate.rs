//! `evenkeel validate`: manifests checked without AWS.

use super::args::{Output, ValidateArgs};
use super::output;
use crate::manifest::{LoadOptions, Severity, load, render_json, render_text};
use crate::source::Dir;

/// Validates.
pub(super) fn validate(args: &ValidateArgs) -> Result<u8, String> {
    let mut files = Vec::new();
    for path in &args.paths {
        files.extend(
            Dir::new(path)
                .read()
                .map_err(|error| error.to_string())?
                .files,
        );
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    files.dedup_by(|one, other| one.path == other.path);
    let loaded = load(
        &files,
        &LoadOptions {
            allow_unknown_fields: args.allow_unknown_fields,
        },
    );
    let count = |severity| {
        loaded
            .diagnostics
            .iter()
            .filter(|found| found.severity == severity)
            .count()
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    match args.output {
        Output::Json => output::json(&render_json(&loaded.diagnostics)),
        Output::Text => {
            output::result(&render_text(&loaded.diagnostics, output::colour()));
            let valid = loaded.set.resources.len();
            output::result(&format!(
                "{valid} valid manifests, {errors} errors, {warnings} warnings\n"
            ));
        }
    }
    Ok(u8::from(errors > 0))
}

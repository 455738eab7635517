//! `evenkeel convert`: manifests from other tools' files.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::args::ConvertArgs;
use super::{output, write};
use crate::convert::{Input, convert as run};

/// More files than this are not a project.
const MAX_FILES: usize = 10_000;
/// Larger files are no definitions.
const MAX_BYTES: u64 = 1024 * 1024;
/// Folders deeper than this are a loop of links.
const MAX_DEPTH: usize = 16;
/// The endings of files that are read.
const ENDINGS: [&str; 5] = ["yaml", "yml", "json", "jsonnet", "libsonnet"];

/// Converts.
pub(super) fn convert(args: &ConvertArgs) -> Result<u8, String> {
    let input = input(args)?;
    let converted = run(&input)?;
    let written = write::files(&args.out, &converted.files, args.force)?;
    output::result(&written);
    for note in &converted.notes {
        output::note(&format!("note: {}: {}\n", note.file, note.reason));
    }
    output::result(&format!(
        "{} projects converted, {} notes\n",
        converted.projects,
        converted.notes.len()
    ));
    Ok(if converted.notes.is_empty() { 0 } else { 2 })
}

fn input(args: &ConvertArgs) -> Result<Input, String> {
    let path = &args.path;
    let missing = |error| format!("cannot read {}: {error}", path.display());
    let kind = fs::metadata(path).map_err(missing)?;
    let (root, only) = if kind.is_dir() {
        (path.as_path(), None)
    } else {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .map(str::to_owned);
        let parent = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        (parent.unwrap_or(Path::new(".")), name)
    };
    let mut files = BTreeMap::new();
    read(root, "", 0, &mut files)?;
    Ok(Input {
        files,
        only,
        form: args.from,
        ext: args.ext_str.iter().cloned().collect(),
        environment: Some(args.environment.clone()),
        cluster: args.cluster.clone(),
        service: args.service.clone(),
    })
}

/// Reads the text files below a folder; hidden ones, links and what is no text are left out.
fn read(
    folder: &Path,
    prefix: &str,
    depth: usize,
    files: &mut BTreeMap<String, String>,
) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("cannot read {}: {error}", folder.display());
    if depth > MAX_DEPTH {
        return Ok(());
    }
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || name == "node_modules" {
            continue;
        }
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            read(&entry.path(), &format!("{path}/"), depth + 1, files)?;
        } else if kind.is_file()
            && ENDINGS
                .iter()
                .any(|ending| name.ends_with(&format!(".{ending}")))
        {
            let small = entry.metadata().map_err(failed)?.len() <= MAX_BYTES;
            if small && let Ok(text) = fs::read_to_string(entry.path()) {
                files.insert(path, text);
            }
            if files.len() > MAX_FILES {
                return Err(format!(
                    "{} holds more than {MAX_FILES} files: name the project's folder or its configuration",
                    folder.display()
                ));
            }
        }
    }
    Ok(())
}

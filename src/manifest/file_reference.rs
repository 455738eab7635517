//! `specFile`: a spec that stands in a file of its own, such as a `taskdef.json` that other tools read
//! too. Not the reading of files: what a manifest can name is what the source has read, so no name
//! and no link leads out of it.
//!
//! Invariants:
//! - A file that a manifest names is no manifest: it has no `apiVersion`, and is not looked at as one.
//! - What is wrong in the file is told with the file's own line.

use std::collections::BTreeMap;

use super::diagnostic::Findings;
use super::jsonnet::{self, Computed};
use super::load::SourceFile;
use super::nearest::suggestion;
use super::tree::{Data, Entry, Node};
use super::world::FirstError;

/// The member that names the file.
pub(crate) const SPEC_FILE: &str = "specFile";

/// The files that manifests name, by path.
#[derive(Debug, Default)]
pub(super) struct Library<'a> {
    held: BTreeMap<String, Held>,
    /// Every file of the source, for a name that is not found.
    all: Vec<&'a str>,
}

/// A file that at least one manifest names.
#[derive(Debug)]
struct Held {
    /// Its documents.
    documents: Vec<Node>,
    /// The first mistake in its text; the file's own findings tell it.
    mistake: Option<FirstError>,
}

/// A spec from a file.
#[derive(Debug)]
pub(super) struct Found {
    /// The file's path.
    pub(super) file: String,
    pub(super) spec: Node,
    /// Why it cannot be used, if the file's text is broken.
    pub(super) mistake: Option<FirstError>,
}

impl<'a> Library<'a> {
    /// Looks through the source for files that are named. A file's text is parsed here only if it may
    /// name one, or is named.
    pub(super) fn of(files: &[&'a SourceFile], computed: &Computed<'_>) -> Self {
        let mut library = Self {
            all: files.iter().map(|file| file.path.as_str()).collect(),
            ..Self::default()
        };
        // A Jsonnet file may import the member's name.
        let may_name = |file: &&&SourceFile| {
            jsonnet::form(&file.path).is_some() || contains(&file.bytes, SPEC_FILE.as_bytes())
        };
        for file in files.iter().filter(may_name) {
            for document in parsed(file, computed).0 {
                let Some(path) = document
                    .text(SPEC_FILE)
                    .and_then(|name| beside(&file.path, name))
                else {
                    continue;
                };
                let named = files.iter().find(|file| file.path == path);
                if let Some(named) = named.filter(|_| !library.held.contains_key(&path)) {
                    let (documents, mistake) = parsed(named, computed);
                    if documents
                        .iter()
                        .all(|one| one.entry("apiVersion").is_none())
                    {
                        library.held.insert(path, Held { documents, mistake });
                    }
                }
            }
        }
        library
    }

    /// Whether a manifest names this file.
    pub(super) fn holds(&self, path: &str) -> bool {
        self.held.contains_key(path)
    }

    /// The spec that the manifest in the file of these findings names by this member.
    pub(super) fn find(&self, entry: &Entry, findings: &mut Findings<'_>) -> Option<Found> {
        let (place, manifest) = (entry.value.place, findings.file);
        let mut refuse = |code, message: String, hint: String| {
            findings.error(code, place, SPEC_FILE, message).hint(hint);
        };
        let Some(name) = entry.value.as_text().filter(|name| !name.is_empty()) else {
            let message = format!("expected a file's name, found {}", entry.value.what());
            refuse("wrong-type", message, "Such as `taskdef.json`.".to_owned());
            return None;
        };
        let Some(path) = beside(manifest, name) else {
            let hint = "Write the path from this file's folder, such as `taskdef.json`.".to_owned();
            refuse(
                "spec-file",
                format!("`{name}` is not inside the source"),
                hint,
            );
            return None;
        };
        let Some(held) = self.held.get(&path) else {
            let message = if self.all.contains(&path.as_str()) {
                format!("`{name}` is a manifest itself")
            } else {
                format!("there is no file `{path}` among those that were read")
            };
            let hint = suggestion(&path, self.all.iter().copied()).unwrap_or_else(|| {
                "It must be a .yaml, .yml, .json or .jsonnet file of the source that holds the AWS document alone."
                    .to_owned()
            });
            refuse("spec-file", message, hint);
            return None;
        };
        let spec = match &held.documents[..] {
            [one] if matches!(one.data, Data::Map(_)) => one.clone(),
            documents => {
                if let Some(mistake) = &held.mistake {
                    // What it lacks is found in that file.
                    return Some(Found {
                        file: path,
                        spec: Node::empty(mistake.place),
                        mistake: Some(mistake.clone()),
                    });
                }
                let message = format!(
                    "`{name}` has {} documents that are maps; a spec is one",
                    documents
                        .iter()
                        .filter(|one| matches!(one.data, Data::Map(_)))
                        .count()
                );
                refuse(
                    "spec-file",
                    message,
                    "Give each document a file of its own.".to_owned(),
                );
                return None;
            }
        };
        Some(Found {
            file: path,
            spec,
            mistake: held.mistake.clone(),
        })
    }
}

fn parsed(file: &SourceFile, computed: &Computed<'_>) -> (Vec<Node>, Option<FirstError>) {
    let parsed = computed.documents(file);
    let mut mistakes: Vec<_> = parsed.broken.into_iter().collect();
    let mut documents = Vec::new();
    for document in parsed.documents {
        mistakes.extend(document.mistakes);
        documents.push(document.root);
    }
    let mistake = mistakes.into_iter().next().map(|mistake| FirstError {
        message: format!("{}: {}", file.path, mistake.message),
        place: mistake.place,
    });
    (documents, mistake)
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|part| part == word)
}

/// The path of a file named in another one; `None` if the name is absolute or leads above the
/// source's root.
pub(super) fn beside(file: &str, name: &str) -> Option<String> {
    if name.starts_with('/') || name.contains('\\') {
        return None;
    }
    let (folder, _) = file.rsplit_once('/').unwrap_or(("", file));
    let mut parts: Vec<&str> = folder.split('/').collect();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts
                    .pop()
                    .filter(|part| !part.is_empty() && *part != "..")?;
            }
            part => parts.push(part),
        }
    }
    let path = parts.join("/");
    Some(if folder.is_empty() && !file.starts_with('/') {
        path.trim_start_matches('/').to_owned()
    } else {
        path
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_relative_to_the_manifest() {
        for (file, name, path) in [
            ("a.yaml", "taskdef.json", Some("taskdef.json")),
            ("x/a.yaml", "./taskdef.json", Some("x/taskdef.json")),
            ("x/y/a.yaml", "../t/taskdef.json", Some("x/t/taskdef.json")),
            ("/s/x/a.yaml", "../taskdef.json", Some("/s/taskdef.json")),
            ("x/a.yaml", "../../taskdef.json", None),
            ("a.yaml", "../taskdef.json", None),
            ("../a.yaml", "../taskdef.json", None),
            ("a.yaml", "/etc/taskdef.json", None),
            ("a.yaml", "c:\\taskdef.json", None),
        ] {
            assert_eq!(beside(file, name).as_deref(), path, "{file} {name}");
        }
    }
}

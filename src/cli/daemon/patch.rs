//! `evenkeel diff --output patch`: what the daemon told of differences as the manifests' text, or as a patch of the files
//! that hold them.

use std::path::{Path, PathBuf};

use serde_json::Value;
use similar::TextDiff;

use super::text::{clean, items, text};
use crate::environment::{evaluated, load};
use crate::manifest::{
    Document, Edited, LoadOptions, Scope, SourceFile, accept, environments, load_in,
    patch as members, text_of_documents,
};
use crate::model::{Drift, Key};
use crate::source::Dir;

/// Lines around a change, and the fewest with which `git apply` takes it.
const CONTEXT: [usize; 3] = [3, 2, 1];

/// One document a resource that differs.
pub(super) fn patch(resources: &[Value]) -> Result<String, String> {
    let documents: Vec<Document> = resources.iter().filter_map(document).collect();
    text_of_documents(&documents)
}

fn document(resource: &Value) -> Option<Document> {
    let (key, drift) = told(resource)?;
    let mut document = members(&key, &drift)?;
    for comment in &mut document.comments {
        *comment = clean(comment);
    }
    Some(document)
}

/// What was told of a resource that differs.
fn told(resource: &Value) -> Option<(Key, Vec<Drift>)> {
    let name = format!("{}/{}", text(resource, "kind"), text(resource, "name"));
    let told = items(resource, "drift").iter();
    let drift: Vec<Drift> = told
        .map(|one| Drift {
            path: text(one, "path").to_owned(),
            live: one["live"].clone(),
            desired: one["desired"].clone(),
            reset: false,
        })
        .collect();
    (!drift.is_empty()).then_some((name.parse().ok()?, drift))
}

/// A patch of the files below this folder, for `git apply` at the root of their repository; and what it means
/// besides, with what is left to be done by hand.
pub(super) fn of_files(
    resources: &[Value],
    source: &Path,
    environment: Option<&str>,
) -> Result<(String, String), String> {
    let read = Dir::new(source).read().map_err(|error| error.to_string())?;
    environments(&read.files).select(environment)?;
    let scope = Scope {
        environment: environment.map(str::to_owned),
        roots: vec![source.to_owned()],
        fetched: None,
    };
    // What is told is judged by the daemon; a member newer than this program is no reason not to edit.
    let options = LoadOptions {
        allow_unknown_fields: true,
    };
    let answers = evaluated(&read.files, &scope);
    let again = |files: &[SourceFile], of: &Scope| {
        if *of == scope {
            load_in(files, &options, of, &answers)
        } else {
            load(files, &options, of)
        }
    };
    let changes: Vec<(Key, Vec<Drift>)> = resources.iter().filter_map(told).collect();
    let accepted = accept(&read.files, &scope, &again, &changes);
    let mut notes = accepted.notes;
    let mut patches = String::new();
    for edited in &accepted.files {
        let path = in_repository(Path::new(&edited.path));
        match unified(edited, &path) {
            Some(patch) => patches.push_str(&patch),
            None => notes.push(format!(
                "By hand: {path} has a value that may be a secret beside what changes, and no patch shows one."
            )),
        }
    }
    let notes = notes.iter().map(|note| format!("{}\n", clean(note)));
    Ok((patches, notes.collect()))
}

/// The path of a file from the root of its repository; where it is in none, from this folder or as it is.
fn in_repository(file: &Path) -> String {
    let real = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let root = real
        .ancestors()
        .skip(1)
        .find(|one| one.join(".git").exists());
    let here = || {
        std::env::current_dir()
            .and_then(|here| here.canonicalize())
            .ok()
    };
    let root = root.map(Path::to_owned).or_else(here);
    let below = root.and_then(|root| real.strip_prefix(root).map(PathBuf::from).ok());
    let path = below.unwrap_or(real);
    path.to_string_lossy().trim_start_matches('/').to_owned()
}

/// The patch with as much around it as shows no value that may be a secret; `None` if it does all the same.
fn unified(edited: &Edited, path: &str) -> Option<String> {
    let diff = TextDiff::from_lines(&edited.before, &edited.after);
    let shows_none = |context: &usize| {
        let groups = diff.grouped_ops(*context);
        let mut lines = groups.iter().flatten().map(similar::DiffOp::old_range);
        let starts: Vec<usize> = std::iter::once(0)
            .chain(edited.before.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        let line_of = |at: usize| {
            starts
                .partition_point(|start| *start <= at)
                .saturating_sub(1)
        };
        lines.all(|lines| {
            edited.secrets.iter().all(|(from, to)| {
                line_of(*from) >= lines.end || line_of(to.saturating_sub(1)) < lines.start
            })
        })
    };
    let context = CONTEXT.into_iter().find(shows_none)?;
    let mut unified = diff.unified_diff();
    unified
        .context_radius(context)
        .header(&format!("a/{path}"), &format!("b/{path}"));
    Some(format!("diff --git a/{path} b/{path}\n{unified}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited() -> Edited {
        let before = "a: 1\nb: 2\nc: 3\nd: 4\ne: 5\nf: 6\ng: 7\n".to_owned();
        Edited {
            path: "x".to_owned(),
            after: before.replace("d: 4", "d: 5"),
            before,
            secrets: Vec::new(),
        }
    }

    #[test]
    fn a_patch_has_three_lines_around_and_fewer_beside_what_may_be_a_secret() {
        let plain = edited();
        let patch = unified(&plain, "p/x").unwrap();
        assert_eq!(
            patch,
            "diff --git a/p/x b/p/x\n--- a/p/x\n+++ b/p/x\n@@ -1,7 +1,7 @@\n a: 1\n b: 2\n c: 3\n-d: 4\n+d: 5\n e: 5\n f: 6\n g: 7\n"
        );
        for (line, lines) in [("f: 6", Some(1)), ("g: 7", Some(2)), ("e: 5", None)] {
            let mut one = edited();
            let at = one.before.find(line).unwrap() + 3;
            one.secrets = vec![(at, at + 1)];
            let shown = unified(&one, "x").map(|patch| patch.matches("\n ").count());
            assert_eq!(shown, lines.map(|lines: usize| 2 * lines), "{line}");
        }
    }

    #[test]
    fn a_file_is_named_from_the_root_of_its_repository() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::create_dir(folder.path().join(".git")).unwrap();
        let file = deep.join("c.yaml");
        std::fs::write(&file, "").unwrap();
        assert_eq!(in_repository(&file), "a/b/c.yaml");
    }
}

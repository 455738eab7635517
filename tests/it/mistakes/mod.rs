//! Seeded mistakes: small manifests with one thing wrong each, at the line that says so. Each must give
//! exactly one finding, at that line; what a user then reads is in `snapshots/`.

use std::path::Path;

use evenkeel::manifest::{LoadOptions, SourceFile, load, render_text};

/// The mark of the line that is wrong.
const MARK: &str = "# <- the mistake";

fn mistakes() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/mistakes");
    let mut all: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(&path).unwrap())
        })
        .collect();
    all.sort();
    all
}

#[test]
fn each_mistake_is_one_finding_at_its_line() {
    let all = mistakes();
    assert!(all.len() >= 30, "{}", all.len());
    let mut wrong = Vec::new();
    for (name, text) in all {
        let marked = text.lines().position(|line| line.contains(MARK)).unwrap() + 1;
        let files = [SourceFile {
            path: format!("{name}.yaml"),
            bytes: text.into_bytes(),
        }];
        let found = load(&files, &LoadOptions::default()).diagnostics;
        // What else an error holds back is its consequence, not a finding of its own.
        let own = found.iter().filter(|one| one.code != "held-back");
        let lines: Vec<usize> = own.map(|one| one.line).collect();
        if lines != [marked] {
            wrong.push(format!(
                "{name}: marked {marked}\n{}",
                render_text(&found, false)
            ));
            continue;
        }
        insta::with_settings!({snapshot_suffix => name.as_str(), prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!("mistake", render_text(&found, false));
        });
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

//! Real projects, if a folder of them is named by `EVENKEEL_CORPUS`: prints figures. Nothing of such
//! a folder is kept here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use evenkeel::convert::{Form, Input, convert};

use super::{errors, loaded};

/// External variables that files of the corpus ask for; any text will do.
const EXT: [&str; 2] = ["DEPLOYMENT_CONTROLLER", "SERVICE"];

fn read(folder: &Path, prefix: &str, files: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type().unwrap().is_dir() {
            read(&entry.path(), &format!("{prefix}{name}/"), files);
        } else if let Ok(text) = std::fs::read_to_string(entry.path()) {
            files.insert(format!("{prefix}{name}"), text);
        }
    }
}

/// Every configuration of the manifest's kind `*-project-config`, and every task definition with
/// each AppSpec, converted apart.
#[test]
#[allow(clippy::print_stdout, reason = "the figures are the result")]
fn figures_over_a_corpus() {
    let Some(root) = std::env::var_os("EVENKEEL_CORPUS") else {
        return;
    };
    let root = Path::new(&root);
    let index = std::fs::read_to_string(root.join("MANIFEST.tsv")).unwrap();
    let of_kind = |kind: &str| -> BTreeSet<String> {
        let rows = index
            .lines()
            .map(|line| line.split('\t').collect::<Vec<_>>());
        rows.filter(|row| row[4] == kind)
            .map(|row| row[0].to_owned())
            .collect()
    };
    for (kind, form) in [
        ("ecspresso-project-config", Form::Ecspresso),
        ("pipecd-project-config", Form::Pipecd),
    ] {
        let (mut all, mut whole, mut valid) = (0, 0, 0);
        for path in of_kind(kind) {
            let (folder, name) = path.rsplit_once('/').unwrap();
            let mut files = BTreeMap::new();
            read(&root.join(folder), "", &mut files);
            all += 1;
            let input = Input {
                files,
                only: Some(name.to_owned()),
                form: Some(form),
                ext: EXT.map(|name| (name.to_owned(), "ECS".to_owned())).into(),
                ..Input::default()
            };
            match convert(&input) {
                Ok(done) => {
                    whole += usize::from(done.notes.is_empty());
                    let loaded = loaded(&done);
                    let errors = errors(&loaded);
                    valid += usize::from(errors.is_empty());
                    for error in errors {
                        println!("{path}: invalid: {} {}", error.path, error.message);
                    }
                    for note in done.notes {
                        println!("{path}: note: {}: {}", note.file, note.reason);
                    }
                }
                Err(error) => println!("{path}: not converted: {error}"),
            }
        }
        println!(
            "FIGURES {kind}: {all} configurations, {valid} give valid manifests, {whole} of them without a note"
        );
    }
    pipelines(root);
}

#[allow(clippy::print_stdout, reason = "the figures are the result")]
fn pipelines(root: &Path) {
    let mut specs = BTreeMap::new();
    read(&root.join("appspec"), "", &mut specs);
    let task = r#"{"family": "any", "networkMode": "MODE", "containerDefinitions": [{"name": "NAME", "image": "<IMAGE1_NAME>",
        "memory": 64, "portMappings": [{"containerPort": PORT}]}]}"#;
    let (mut all, mut done) = (0, 0);
    for (path, text) in specs {
        let line = |key: &str| {
            let found = text.lines().find_map(|line| line.trim().strip_prefix(key));
            found
                .unwrap_or_default()
                .trim()
                .trim_matches('"')
                .to_owned()
        };
        let task = task
            .replace("NAME\"", &format!("{}\"", line("ContainerName:")))
            .replace("PORT", &line("ContainerPort:"))
            .replace(
                "MODE",
                if text.contains("NetworkConfiguration") {
                    "awsvpc"
                } else {
                    "bridge"
                },
            );
        let input = Input {
            files: [
                ("taskdef.json".to_owned(), task),
                ("appspec.yaml".to_owned(), text.clone()),
            ]
            .into(),
            ..Input::default()
        };
        all += 1;
        match convert(&input) {
            Ok(converted) => {
                let loaded = loaded(&converted);
                let errors = errors(&loaded);
                done += usize::from(errors.is_empty());
                for error in errors {
                    println!("{path}: invalid: {} {}", error.path, error.message);
                }
            }
            Err(error) => println!("{path}: not converted: {error}"),
        }
    }
    println!("FIGURES appspec: {all} files, {done} give valid manifests");
}

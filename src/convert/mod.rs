//! Manifests from other tools' files: ecspresso projects, `PipeCD` ECS applications, and the
//! `taskdef.json`, `appspec.yml`, `imagedefinitions.json` and `imageDetail.json` of pipelines.
//!
//! What it is: [`convert`], a pure function from files to files. What it is not: it reads no disk and
//! no AWS; values that those tools look up when they run become `${NAME}`, and an
//! Environment says where each comes from.
//!
//! The flow: `projects` finds what there is; one module a tool reads its configuration; `definition`
//! makes task definitions and services fit the catalogue; `template` turns templates into variables.
//!
//! Invariants:
//! - What is not carried over is told, with its file.
//! - A value is never guessed: what the files do not say is a variable that the process has to be given,
//!   and is told.

mod appspec;
mod definition;
mod ecspresso;
mod output;
mod pipecd;
mod pipeline;
mod projects;
mod source;
mod template;
mod variables;

use std::collections::BTreeMap;

pub use projects::Form;

use crate::manifest::is_manifest_name;

/// The name of the Environment that is written, where none is given.
pub const ENVIRONMENT: &str = "default";

/// What to convert.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Input {
    /// Every text file below the folder, by its path relative to it.
    pub files: BTreeMap<String, String>,
    /// The one configuration to convert; `None` for all that are found.
    pub only: Option<String>,
    /// The tool; `None` to find out.
    pub form: Option<Form>,
    /// Jsonnet external variables (`std.extVar`), as texts.
    pub ext: BTreeMap<String, String>,
    /// The name of the Environment that is written; `None` for [`ENVIRONMENT`].
    pub environment: Option<String>,
    /// Names that a pipeline's files do not tell.
    pub cluster: Option<String>,
    /// Name of the service, likewise.
    pub service: Option<String>,
}

/// Something that was not carried over, or needs a look.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// The file that it stands in.
    pub file: String,
    /// What, and why.
    pub reason: String,
}

/// The files of a conversion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Converted {
    /// Path below the folder, and text.
    pub files: Vec<(String, String)>,
    /// What could not be carried over.
    pub notes: Vec<Note>,
    /// How many projects were converted.
    pub projects: usize,
}

/// Converts.
///
/// # Errors
/// If there is nothing to convert, or a configuration cannot be read at all.
pub fn convert(input: &Input) -> Result<Converted, String> {
    let environment = input.environment.as_deref().unwrap_or(ENVIRONMENT);
    if !is_manifest_name(environment) {
        return Err(format!("`{environment}` cannot name an Environment"));
    }
    let found = projects::find(input)?;
    let mut out = output::Output::default();
    let mut projects = 0;
    let mut failed = Vec::new();
    for project in &found {
        let done = match project.form {
            Form::Ecspresso => ecspresso::project(input, &project.path, &mut out),
            Form::Pipecd => pipecd::project(input, &project.path, &mut out),
            Form::Codedeploy => pipeline::project(input, &project.path, &mut out),
        };
        match done {
            Ok(()) => projects += 1,
            Err(error) => failed.push(Note {
                file: project.path.clone(),
                reason: error,
            }),
        }
    }
    if projects == 0 {
        let all: Vec<String> = failed
            .iter()
            .map(|note| format!("{}: {}", note.file, note.reason))
            .collect();
        return Err(out.templates.finished_text(&all.join("\n")));
    }
    out.notes.extend(failed);
    Ok(Converted {
        projects,
        ..out.finish(environment)?
    })
}

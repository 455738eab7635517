//! One read of the source, from files to a desired set. Runs beside the loop, the blocking parts of it
//! on threads of their own: a file system may hang, and so may AWS.

use tokio::task::JoinHandle;

use super::report;
use crate::aws::Aws;
use crate::environment::{Chosen, EnvironmentError, load};
use crate::manifest::{LoadOptions, Loaded, Scope, Severity, SourceFile};
use crate::source::{Eagerness, SourceState, Sources};

/// What came of a read, and how each source stands; none if that is not known.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) reading: Reading,
    pub(super) sources: Vec<SourceState>,
    /// What is wrong with the sources although their last good state is in force.
    pub(super) complaint: Option<String>,
}

/// What came of a read.
#[derive(Debug)]
pub(super) enum Reading {
    /// It could not be read whole, or the environment's values could not; the text says why.
    Failed(String),
    /// The credentials are of an account that the environment does not allow; the text says which.
    WrongAccount(String),
    /// It holds what it held.
    Same,
    /// It holds something else.
    New {
        /// The set and what was found wrong.
        loaded: Box<Loaded>,
        /// The digest of the files.
        revision: String,
        /// The environment and its values.
        scope: Scope,
    },
}

impl From<Reading> for Read {
    fn from(reading: Reading) -> Self {
        Self {
            reading,
            sources: Vec::new(),
            complaint: None,
        }
    }
}

/// What to remember of a set that is in force: the files' revision, or nothing that a read can be equal to,
/// so that the next one loads the files again.
pub(super) fn remembered(loaded: &Loaded, revision: &str) -> String {
    if loaded.unfinished {
        return String::new();
    }
    revision.to_owned()
}

/// Why what was loaded may not be all that is declared.
pub(super) fn doubt(loaded: &Loaded) -> Option<String> {
    if loaded.unfinished {
        return Some("the evaluation of a file was not finished".to_owned());
    }
    let mut errors = loaded.diagnostics.iter();
    let first = errors.find(|found| found.severity == Severity::Error)?;
    Some(report::line(first))
}

/// Reads. `known` is what is in force.
pub(super) async fn read(
    source: Sources,
    eagerness: Eagerness,
    options: LoadOptions,
    chosen: Chosen,
    aws: Aws,
    known: Option<(String, Scope)>,
) -> Read {
    let snapshot = match source.read(eagerness).await {
        Ok(snapshot) => snapshot,
        Err(error) => {
            return Read {
                reading: Reading::Failed(error.to_string()),
                sources: error.sources,
                complaint: None,
            };
        }
    };
    let complaint = snapshot.complaint();
    let sources = snapshot.sources;
    let read = Files {
        files: snapshot.files,
        states: snapshot.states,
        revision: snapshot.revision,
    };
    Read {
        reading: take(read, options, chosen, aws, known).await,
        sources,
        complaint,
    }
}

/// What was read, and its digest.
struct Files {
    files: Vec<SourceFile>,
    states: Vec<SourceFile>,
    revision: String,
}

async fn take(
    snapshot: Files,
    options: LoadOptions,
    chosen: Chosen,
    aws: Aws,
    known: Option<(String, Scope)>,
) -> Reading {
    let scope = match chosen.scope(&snapshot.files, &snapshot.states, &aws).await {
        Ok(scope) => scope,
        Err(error @ EnvironmentError::WrongAccount { .. }) => {
            return Reading::WrongAccount(error.to_string());
        }
        Err(error) => return Reading::Failed(error.to_string()),
    };
    let read = (snapshot.revision, scope);
    if known.as_ref() == Some(&read) {
        return Reading::Same;
    }
    let (revision, scope) = read;
    let files = snapshot.files;
    let loading = move || (load(&files, &options, &scope), scope);
    match tokio::task::spawn_blocking(loading).await {
        Ok((loaded, scope)) => Reading::New {
            loaded: Box::new(loaded),
            revision,
            scope,
        },
        Err(error) => Reading::Failed(format!("reading the source broke: {error}")),
    }
}

/// Waits for the read under way. A read that broke is a failed one.
pub(super) async fn finished(reading: &mut Option<JoinHandle<Read>>) -> Read {
    match reading {
        Some(task) => task.await.unwrap_or_else(|error| {
            Reading::Failed(format!("reading the source broke: {error}")).into()
        }),
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_finished_is_loaded_again() {
        let finished = Loaded::default();
        assert_eq!(remembered(&finished, "v1:a"), "v1:a");
        let unfinished = Loaded {
            unfinished: true,
            ..Loaded::default()
        };
        assert_ne!(remembered(&unfinished, "v1:a"), "v1:a");
    }
}

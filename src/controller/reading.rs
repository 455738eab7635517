//! One read of the source, from files to a desired set. Runs beside the loop, the blocking parts of it
//! on threads of their own: a file system may hang, and so may AWS.

use crate::aws::Aws;
use crate::environment::{Chosen, EnvironmentError, load};
use crate::manifest::{LoadOptions, Loaded, Scope};
use crate::source::Dir;

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

impl Reading {
    /// The `result` label of `evenkeel_source_fetch_total`.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Failed(_) | Self::WrongAccount(_) => "error",
            Self::Same => "not_modified",
            Self::New { .. } => "success",
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

/// Reads. `known` is what is in force.
pub(super) async fn read(
    source: Dir,
    options: LoadOptions,
    chosen: Chosen,
    aws: Aws,
    known: Option<(String, Scope)>,
) -> Reading {
    let broke = |error: &dyn std::fmt::Display| {
        Reading::Failed(format!("reading the source broke: {error}"))
    };
    let snapshot = match tokio::task::spawn_blocking(move || source.read()).await {
        Ok(Ok(snapshot)) => snapshot,
        Ok(Err(error)) => return Reading::Failed(error.to_string()),
        Err(error) => return broke(&error),
    };
    let scope = match chosen.scope(&snapshot.files, &aws).await {
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
        Err(error) => broke(&error),
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

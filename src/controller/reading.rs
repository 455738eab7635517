//! One read of the source, from files to a desired set. Blocking; runs on a thread of its own.

use crate::manifest::{LoadOptions, Loaded, load};
use crate::source::Dir;

/// What came of a read.
#[derive(Debug)]
pub(super) enum Reading {
    /// It could not be read whole; the text says why.
    Failed(String),
    /// It holds what it held.
    Same,
    /// It holds something else.
    New {
        /// The set and what was found wrong.
        loaded: Box<Loaded>,
        /// The digest of the files.
        revision: String,
    },
}

impl Reading {
    /// The `result` label of `evenkeel_source_fetch_total`.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Failed(_) => "error",
            Self::Same => "not_modified",
            Self::New { .. } => "success",
        }
    }
}

/// Reads. `known` is the revision in force.
pub(super) fn read(source: &Dir, options: LoadOptions, known: Option<&str>) -> Reading {
    match source.read() {
        Err(error) => Reading::Failed(error.to_string()),
        Ok(snapshot) if known == Some(snapshot.revision.as_str()) => Reading::Same,
        Ok(snapshot) => Reading::New {
            loaded: Box::new(load(&snapshot.files, &options)),
            revision: snapshot.revision,
        },
    }
}

//! Where the desired state comes from. So far a folder; it yields bytes and knows no manifest.
//!
//! Invariants:
//! - A source that cannot be read whole, or holds no file at all, is an error and never an empty
//!   desired state.
//! - Nothing outside the folder is read, whatever its links say.

mod dir;
mod watch;

pub use dir::{Dir, Snapshot, SourceError};
pub use watch::Watcher;

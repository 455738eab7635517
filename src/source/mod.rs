//! Where the desired state comes from: bytes, not manifests. Addresses of sources are parsed here too.
//!
//! Invariants:
//! - A source that cannot be read whole, or holds no file at all, is an error and never an empty
//!   desired state.
//! - Nothing outside the folder is read, whatever its links say.

mod address;
mod dir;
mod secret;
mod watch;

pub use address::{Address, AddressError, Credential, GitAddress, Pick, Repository, Scheme};
pub use dir::{Dir, Snapshot, SourceError};
pub use secret::Secret;
pub use watch::Watcher;

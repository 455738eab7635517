//! Manifests in SSM's Parameter Store: every parameter under a path is a file.
//!
//! What it is: the address (pure), the sweep over the pages (I/O), and the files that parameters make
//! (pure). What it is not: the values of an Environment, which `crate::values` fetches.
//!
//! Invariants:
//! - A sweep is whole or an error: a page without parameters is not the end, a missing part is not a
//!   shorter manifest, and nothing under the path is not an empty desired state.
//! - With a generation parameter a sweep counts only if the generation is the same before and after
//!   it, so that no half-written set is taken; without one, a set is as consistent as its labels.
//! - A `SecureString` is not read unless the address declares it.

mod address;
mod files;
mod poll;
mod read;

pub use address::SsmAddress;
pub(super) use poll::Parameters;

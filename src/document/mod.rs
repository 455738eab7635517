//! AWS documents as JSON values: comparing a declared one with a live one, canonical forms, digests.
//!
//! What it is: pure functions that know what a difference is. What it is not: it knows no kind of
//! resource (the tables come from [`crate::kinds`]), except that the canonical form of a task
//! definition stands here because its digest outlives the process as a tag at AWS.
//!
//! Invariants:
//! - Only what is declared is compared; what is undeclared is never a difference.
//! - A document compared with itself has no difference.
//! - Canonical forms are idempotent, and the digest of one does not depend on the order of object
//!   members or of lists that are sets.
//! - No value that may be a secret leaves this module in a [`crate::model::Drift`].

mod canonical;
mod carry;
mod compare;
mod digest;
mod list;
mod mask;
mod rules;
mod secrets;
mod units;

pub use canonical::canonical_task_definition;
pub(crate) use canonical::is_default as is_task_definition_default;
pub use carry::{Undeclared, carried_over};
pub use compare::{compare, same_json_text, scalar_text};
pub use digest::digest;
pub use mask::{hides, masked};
pub(crate) use rules::top_member;
pub use rules::{Change, Rules, Treat};
pub use secrets::Secrets;

//! Pruning: what this installation made, that no manifest declares any more, goes. Off unless asked for.
//!
//! ```text
//! subject   what can be pruned, by its ARN; in the order in which it goes
//! declared  whether a manifest declares it
//! orphan    one that none does, as it was read again
//! observe   the inventory and these reads; I/O, decides nothing
//! ground    whether the manifests can be believed to be all
//! marks     what a source goes by at AWS; whether an orphan may go at all, by its tags
//! limit     how much may go
//! uses      who still uses what
//! judge     what becomes of each orphan
//! plan      all of them together, in their order
//! ```
//!
//! What there is comes from AWS each time (the Resource Groups Tagging API lists it by the ownership tag), and
//! each candidate is read again by its own service, tags included, before anything is decided: the listing lags.
//! Nothing of it is remembered but since when an orphan has been missed, which is a timer.
//!
//! **Not every manifest that is missing was removed.** The set may be half-read, a source may be in trouble, or
//! off the command line, or another Environment may be chosen, or history may have been rewritten while nobody
//! looked. So each resource carries marks: the source that declares it, with the Environment
//! (`evenkeel.dev/source`), and the commit at which it was marked (`evenkeel.dev/commit`). It is created with them,
//! and marked anew while pruning is on (`crate::kinds`, `marks`). It goes only if that
//! source is read, whole and without trouble, and still declares something, and if its head descends from that
//! commit. A head that was rewritten before this process started does not, whatever this process knows. What
//! has no marks, or others, goes only when a person says so at AWS (`evenkeel.dev/prune` = `confirmed`).
//!
//! **How much.** If more of a kind would go than a share of it, nothing goes: see `limit`.
//!
//! **In which order.** One step at a time, each decided by a new look: the scaling of a service, then the service
//! (drained, waited for, deleted), then what deployed it and what led to it: see `subject`. A user that is
//! still there keeps up what it uses, whoever's it is.
//!
//! Never pruned: task definitions (a revision costs nothing, its number never comes again, and it is what one
//! would go back to), scaling policies (AWS keeps no tags of them; they go with their target), repositories with
//! images, and what was adopted.
//!
//! Invariants:
//! - An unknown anywhere decides nothing: neither a failed read nor a half-known set deletes.
//! - Deletions are never forced.
//! - All but `observe` is pure.

mod declared;
mod ground;
mod judge;
mod limit;
mod marks;
mod observe;
mod orphan;
mod plan;
mod subject;
mod uses;

#[cfg(test)]
mod tests;

pub use ground::{Hold, ground};
pub use limit::PERCENT;
pub use marks::{histories_of, source_mark};
pub use observe::{Inventory, observe};
pub use orphan::{Histories, History, Live, Orphan};
pub use plan::{Judged, Pruning, Terms, Verdict, Why, plan};
pub use subject::Subject;

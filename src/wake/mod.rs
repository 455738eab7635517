//! Wake-ups from an SQS queue that `EventBridge` feeds: what would be found at the next poll is looked at
//! now.
//!
//! What it is: the address of a queue, the meaning of one event, the bound on how often one thing wakes,
//! and the task that reads the queue. What it is not: a source of truth. Events are best effort, may be late,
//! repeated or forged; polling finds everything without them.
//!
//! Invariants:
//! - Of a message nothing is kept but what to look at ([`crate::model::Hint`]); none of its text is
//!   believed, logged or written anywhere.
//! - One thing wakes the loop at most once in [`pause`], however many messages tell of it; the last of
//!   them is never lost to that.
//! - No trouble with the queue ends the program or holds up its loop.
//! - Everything but `listen` is pure.

mod address;
mod event;
mod held;
mod listen;

pub use address::{Address, AddressError};
pub use event::{Heard, LARGEST, heard};
pub use held::{Held, pause};
pub use listen::{Listener, listen};

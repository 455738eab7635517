//! The vocabulary of the core: keys, outcomes, plans, facts. Plain values, no I/O.
//!
//! What it is: the types that every other module speaks. What it is not: it holds no AWS
//! knowledge (that is [`crate::kinds`]) and no policy.
//!
//! Invariants:
//! - Nothing here reads a clock, a file, the environment or the network; `tests/it/tidy.rs` checks it.
//! - One closed enum per concept; every enum that becomes a metric label has an exhaustive `label`.
//! - A failed read is [`Seen::Unknown`], never [`Seen::Absent`].

mod facts;
mod hint;
mod key;
mod moment;
mod order;
mod outcome;
mod past;
mod plan;
mod seen;

pub use facts::{FactBoard, Facts, PLACEHOLDER};
pub use hint::Hint;
pub use key::{Key, Kind, ParseKeyError};
pub use moment::Moment;
pub use order::{Command, Order};
pub use outcome::{Block, Fail, Outcome, Wait};
pub use past::PastRollout;
pub use plan::{Call, Drift, Plan, Rollout, RolloutStage, Service, Step, Tasks};
pub use seen::Seen;

//! The webhook: a push to a Git server wakes the loop at once, instead of at the next poll.
//!
//! What it is: one address a Git server, `POST /webhook/{github,gitlab,bitbucket,gitea}`, that checks
//! who asks and wakes. What it is not: a source. Nothing of what is sent is kept or believed; the
//! loop reads the source as it does by the clock, so a lost, false or repeated request costs one look.
//!
//! Invariants:
//! - Nobody wakes the loop without a secret, and a comparison takes as long for a wrong one.
//! - A body goes through the check piece by piece: no size of it takes memory.
//! - It listens apart from `/status` and `/metrics`, which are not for the outside.

mod provider;
mod secrets;
mod server;

use std::time::Duration;

pub use secrets::{BadSecrets, Secrets};
pub use server::serve;

/// The largest body. GitHub sends at most 25 MB (GitHub, "Webhook events and payloads").
pub const LARGEST: u64 = 26_000_000;

/// How long (real time) a request may take to arrive. GitHub itself gives up after 10 s.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How many requests may be under way; what comes on top is told to come again.
pub const AT_ONCE: usize = 32;

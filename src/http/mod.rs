//! The HTTP side: `/metrics`, the probes and `/status`, which read the [`Board`](crate::status::Board)
//! and change nothing; the [`api`] beside them; and, at an address of its own, the [`webhook`].
//!
//! What it is: answers for operators and machines. What it is not: it decides nothing; what changes
//! something is asked of the controller. Reading takes no authentication, so it listens where the operator
//! says, and serves no secret; a write takes a token.
//!
//! Invariants:
//! - `/healthz` fails only when the loop is wedged, never because AWS or a manifest is: a restart
//!   would mend neither.
//! - Metrics, probes and status are answered from memory: none of them waits for a pass or an AWS call.
//! - It stops within [`GRACE`] of the shutdown, whatever its clients do.

pub mod api;
mod probes;
mod server;
mod status;
#[cfg(test)]
mod testing;
pub mod webhook;

use std::time::Duration;

pub use server::serve;
pub use status::{prune_json, status_json};

/// How old the loop's heartbeat may be, in real seconds, before `/healthz` fails. The loop writes it
/// at every turn, idle or not, and waits for no AWS call; a minute, which is a call's operation
/// timeout, leaves room for a starved machine. Two failed probes more and ECS restarts the task.
pub const STALE_AFTER: Duration = Duration::from_mins(1);

/// How long requests in flight may go on after the shutdown. The program stops within 5 s; this is
/// well inside.
pub const GRACE: Duration = Duration::from_secs(1);

//! `verify` against the simulated AWS: what is right is silent, every mistake gives one finding at its
//! value, what is denied is unknown, and nothing is written or asked twice.
//!
//! What it is not: the drawing of findings and the exit codes; those are in `cli` and `e2e`.

mod denied;
mod mistakes;
mod routing;
mod stage;
mod wired;

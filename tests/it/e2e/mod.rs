//! The shipped binary as a user starts it: real processes, real sockets, real time.
//!
//! What it is: the proof that arguments, exit codes, signals, ports, streams and files work together.
//! What it is not: the place for scenarios of the controller; those are in `sim`, under paused time.
//!
//! Invariants:
//! - Nothing is judged by a sleep: every wait polls for a state and fails after [`program::DEADLINE`].
//! - No process outlives its test, and none sees the environment of the machine.
//! - Every port is chosen by the system.

mod api;
mod commands;
mod daemon;
mod folder;
mod holds;
mod hotfix;
mod jsonnet;
pub(crate) mod program;
pub(crate) mod talk;
mod terminal;
mod two_processes;
mod usage;
mod wake;
mod walkthrough;
mod webhook;

//! The integration tests, as one binary.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failing assumption fails the test"
)]

mod cli;
mod convert;
#[cfg(feature = "corpus")]
mod corpus;
mod deploy;
mod e2e;
mod environment;
mod fields;
mod fuzz;
mod git;
mod import;
mod manifests;
mod mistakes;
mod parameters;
mod schema;
mod sim;
mod tidy;
mod verify;

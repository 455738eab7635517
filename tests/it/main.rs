//! The integration tests, as one binary.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failing assumption fails the test"
)]

mod deploy;
mod manifests;
mod sim;

//! The commands to a running daemon: they talk to its API (`crate::http::api`) and know no AWS.
//!
//! Invariants:
//! - With `--output json` a document is printed, the daemon's own or one made of it, that `docs/api.md` has.
//! - Times and ages are by the daemon's clock, which under `--sandbox` is the simulated one.

mod args;
mod client;
mod describe;
mod diff;
mod events;
mod get;
mod history;
mod patch;
mod resync;
mod text;
pub(super) mod token;

pub(super) use args::DaemonCommand;

/// Runs a command; gives the exit code.
pub(super) async fn run(command: &DaemonCommand) -> Result<u8, String> {
    match command {
        DaemonCommand::Get(args) => get::get(args).await,
        DaemonCommand::Describe(args) => describe::describe(args).await,
        DaemonCommand::Diff(args) => diff::diff(args).await,
        DaemonCommand::History(args) => history::history(args).await,
        DaemonCommand::Events(args) => events::events(args).await,
        DaemonCommand::Resync(args) => resync::resync(args).await,
    }
}

//! The commands to a running daemon: they talk to its API (`crate::http::api`) and know no AWS.
//!
//! Invariants:
//! - With `--output json` a document is printed, the daemon's own or one made of it, that `docs/api.md` has.
//! - Times and ages are by the daemon's clock, which under `--sandbox` is the simulated one.

mod args;
mod client;
mod command;
mod describe;
mod diff;
mod events;
mod get;
mod history;
mod hold;
mod patch;
mod resync;
mod text;
pub(super) mod token;
mod who;

use serde_json::Value;

pub(super) use args::DaemonCommand;
use command::{body, order};

/// Runs a command; gives the exit code.
pub(super) async fn run(command: &DaemonCommand) -> Result<u8, String> {
    match command {
        DaemonCommand::Get(args) => get::get(args).await,
        DaemonCommand::Describe(args) => describe::describe(args).await,
        DaemonCommand::Diff(args) => diff::diff(args).await,
        DaemonCommand::History(args) => history::history(args).await,
        DaemonCommand::Events(args) => events::events(args).await,
        DaemonCommand::Resync(args) => resync::resync(args).await,
        DaemonCommand::Pause(args) => hold::pause(args).await,
        DaemonCommand::Resume(args) => hold::resume(args).await,
        DaemonCommand::Abort(args) => {
            let body = body(&[("foreign", Some(args.foreign.into()))]);
            order("abort", &args.order, body).await
        }
        DaemonCommand::Promote(args) => {
            let members = [
                ("foreign", Some(args.foreign.into())),
                ("terminate", Some(args.terminate.into())),
            ];
            order("promote", &args.order, body(&members)).await
        }
        DaemonCommand::Approve(args) => {
            let digest = Value::from(args.digest.as_str());
            order("approve", &args.order, body(&[("digest", Some(digest))])).await
        }
        DaemonCommand::Rollback(args) => {
            let body = body(&[("foreign", Some(args.foreign.into()))]);
            order("rollback", &args.order, body).await
        }
        DaemonCommand::Reject(args) => {
            let digest = args.digest.clone().map(Value::from);
            order("reject", &args.order, body(&[("digest", digest)])).await
        }
    }
}

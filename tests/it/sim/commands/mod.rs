//! What a person orders of a rollout, at each stage of each engine, over restarts and against AWS's refusals.

mod approval;
mod code_deploy;
mod native;
mod rollback;
mod rolling;

use evenkeel::model::{Block, Command, Outcome};
use evenkeel::sandbox::{AwsError, Fault};

use super::world::{Daemon, World};

const ABORT: Command = Command::Abort { foreign: false };
const ABORT_FOREIGN: Command = Command::Abort { foreign: true };
const REJECT: Command = Command::Reject { digest: None };
const PROMOTE: Command = Command::Promote {
    foreign: false,
    terminate: false,
};
const PROMOTE_FOREIGN: Command = Command::Promote {
    foreign: true,
    terminate: false,
};
const TERMINATE: Command = Command::Promote {
    foreign: false,
    terminate: true,
};

fn approve(digest: &str) -> Command {
    Command::Approve {
        digest: digest.to_owned(),
    }
}

/// Held back by a person's word.
fn taken_back(outcome: &Outcome, what: &str) -> bool {
    matches!(outcome, Outcome::Blocked(Block::Quarantined, _))
        && outcome
            .message()
            .contains(&format!("was {what} by ann at 2026-01-01T"))
        && outcome.message().contains("evenkeel.dev/retry")
}

fn aborted(outcome: &Outcome) -> bool {
    taken_back(outcome, "aborted")
}

fn rejected(outcome: &Outcome) -> bool {
    taken_back(outcome, "rejected")
}

/// The digest of a service's declared content, as `describe` shows it.
fn digest(daemon: &Daemon, key: &str) -> String {
    let status = daemon.board.read();
    status.resources[&key.parse().unwrap()]
        .digest
        .clone()
        .unwrap()
}

impl World {
    /// Another daemon with an empty memory in the place of this one, which has seen everything once.
    async fn restarted(&self, daemon: Daemon) -> Daemon {
        daemon.kill();
        let daemon = self.daemon().await;
        let seen = |status: &evenkeel::status::Status| status.first_cycle_done;
        daemon.until("everything seen", seen).await;
        daemon
    }

    /// The value of a tag on a service.
    async fn tag(&self, service: &str, key: &str) -> Option<String> {
        let service = self.person.service("nova", service).await;
        let tags = service["tags"].as_array()?.clone();
        let tag = tags.iter().find(|tag| tag["key"] == key)?;
        Some(tag["value"].as_str()?.to_owned())
    }

    /// AWS refuses the next call of this operation.
    fn refusing(&self, operation: &str, code: &str, message: &str) {
        self.mounted.with(|sandbox| {
            sandbox.inject(Fault {
                operation: operation.to_owned(),
                error: AwsError {
                    status: 400,
                    code: code.to_owned(),
                    message: message.to_owned(),
                },
                times: Some(1),
                takes_effect: false,
            });
        });
    }
}

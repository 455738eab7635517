//! What a person orders of a service's rollout. Only the words: whether it can be done, and by which call,
//! is decided by [`crate::kinds`].

/// A command about the rollout of one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Stop the deployment in flight and go back.
    Abort {
        /// Also one that somebody else started.
        foreign: bool,
    },
    /// Let a deployment that waits go on.
    Promote {
        /// Also one that somebody else started.
        foreign: bool,
        /// End the wait before the old tasks are stopped, and not the one before traffic moves.
        terminate: bool,
    },
    /// Let the content that waits go on, if it is this one.
    Approve {
        /// The content's digest, or how it begins.
        digest: String,
    },
    /// Do not let what waits go on: go back.
    Reject {
        /// Only if this content waits: its digest, or how it begins.
        digest: Option<String>,
    },
    /// Go to the last good content, and leave the manifest's where it is.
    Rollback {
        /// Also where somebody else's deployment is in flight.
        foreign: bool,
    },
}

impl Command {
    /// The words of [`Command::label`].
    pub const LABELS: [&'static str; 5] = ["abort", "promote", "approve", "reject", "rollback"];

    /// One word: the command's name on the command line, in the API's paths and in metrics.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Abort { .. } => "abort",
            Self::Promote { .. } => "promote",
            Self::Approve { .. } => "approve",
            Self::Reject { .. } => "reject",
            Self::Rollback { .. } => "rollback",
        }
    }
}

/// A command, and who gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The command.
    pub command: Command,
    /// Who gave it, as they said; nothing proves it.
    pub by: String,
}

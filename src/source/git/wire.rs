//! What the daemon and its Git worker say to each other: one JSON job in, JSON lines and the files' bytes
//! out. Values only.
//!
//! ```text
//! stdin    Job, then the end
//! stdout   {"step":"..."}                       as often as there are steps
//!          {"done":{...}} or {"failed":{...}}   the last line
//!          the bytes of all files of all answers, one after another
//! ```

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::source::Repository;

/// What the worker is to do: one repository, every place of it that is read.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) place: Place,
    /// The repository's address, which those of its submodules may be relative to.
    pub(super) address: Repository,
    /// Whether no server is asked: `place` is a store, and those of submodules are in it.
    pub(super) offline: bool,
    /// The folder for the bare repository that fetches go to.
    pub(super) store: PathBuf,
    pub(super) limits: Limits,
    pub(super) wanted: Vec<Wanted>,
}

/// How the repository is reached. Holds the credential; it is never logged.
#[derive(Clone, Serialize, Deserialize)]
pub(super) enum Place {
    /// By HTTP or HTTPS, with the whole `Authorization` header's value if there is one.
    Http {
        url: String,
        authorization: Option<String>,
    },
    /// By the system's ssh client.
    Ssh {
        /// The arguments up to and with the host.
        arguments: Vec<String>,
        path: String,
    },
    /// By Git's own protocol.
    Daemon {
        host: String,
        port: u16,
        path: String,
    },
    /// The repository's folder.
    File { path: PathBuf },
}

impl std::fmt::Debug for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Place(..)")
    }
}

/// Bounds that the worker keeps by itself; the time is bound by who started it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Limits {
    /// Bytes of one fetched pack.
    pub(super) pack_bytes: u64,
    /// Files that are read.
    pub(super) files: usize,
    /// Bytes of one of them.
    pub(super) file_bytes: u64,
    /// Bytes of all of them.
    pub(super) total_bytes: u64,
    /// Entries of folders that are looked at.
    pub(super) entries: usize,
}

/// Which revision, as [`crate::source::Pick`] with full names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Revision {
    Head,
    Ref(String),
    Either(String),
    Semver(semver::VersionReq),
    Commit(String),
}

/// One place in the repository.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Wanted {
    pub(super) revision: Revision,
    pub(super) path: String,
    pub(super) include: Vec<String>,
    pub(super) exclude: Vec<String>,
    pub(super) depth: u32,
    /// Whether submodules are read.
    pub(super) submodules: bool,
    /// Commits that need not be read again.
    pub(super) known: Vec<String>,
    /// What the head is to descend from, if that is asked.
    pub(super) base: Option<Base>,
    /// The keys of which one must have signed it, or why they cannot be read; `None`: nobody need have.
    pub(super) signed_by: Option<Result<String, String>>,
}

/// The last commit in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Base {
    pub(super) commit: String,
    /// Its committer's time, in seconds since the epoch.
    pub(super) time: i64,
}

/// A line of the worker.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Line {
    /// What it does now.
    Step(String),
    /// The answers, in the order of [`Job::wanted`].
    Done(Vec<Answer>),
    /// None of them can be answered.
    Failed(Trouble),
}

/// What is at one place.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    /// The head is this commit, which is known.
    Known(String),
    /// Something else.
    Read {
        commit: Commit,
        /// Whether it descends from the base; `None` if that was not asked.
        descends: Option<bool>,
        /// Paths, relative to the repository, and sizes.
        files: Vec<(String, u64)>,
    },
    /// It cannot be read.
    Trouble(Trouble),
}

/// A commit, for people and records. What its author wrote is cut and cleaned of control characters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// Its id, 40 hexadecimal digits.
    pub id: String,
    /// The ref that named it, such as `refs/heads/main`; empty where it was asked for by its id.
    pub reference: String,
    /// Its author's name, without the address.
    pub author: String,
    /// The first line of its message.
    pub message: String,
    /// When it was committed, in seconds since the epoch.
    pub time: i64,
}

/// Why something cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Its class.
    pub reason: Reason,
    /// What happened and what cures it, in a sentence without the source's address.
    pub message: String,
}

/// Classes of trouble with a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Reason {
    /// No answer, or a broken one.
    Unreachable,
    /// The server took too long.
    TimedOut,
    /// The server, or the check of its key, said no.
    Denied,
    /// There is no such branch, tag, commit or generation.
    NoRevision,
    /// The revision has no such path.
    NoPath,
    /// There is no manifest at the path.
    Empty,
    /// More, or larger, than is read.
    TooLarge,
    /// It holds what is never read: links, names with tricks.
    Refused,
    /// The head does not descend from the last commit in force.
    HistoryRewritten,
    /// It is not signed by a key that may.
    Unverified,
    /// What was received is broken.
    Corrupt,
    /// The worker or its surroundings failed.
    Internal,
    /// A folder or a set of parameters that cannot be read whole.
    Unreadable,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 13] = [
        Self::Unreachable,
        Self::TimedOut,
        Self::Denied,
        Self::NoRevision,
        Self::NoPath,
        Self::Empty,
        Self::TooLarge,
        Self::Refused,
        Self::HistoryRewritten,
        Self::Unverified,
        Self::Corrupt,
        Self::Internal,
        Self::Unreadable,
    ];

    /// The reason's word.
    pub fn label(self) -> &'static str {
        match self {
            Self::Unreachable => "Unreachable",
            Self::TimedOut => "TimedOut",
            Self::Denied => "Denied",
            Self::NoRevision => "NoRevision",
            Self::NoPath => "NoPath",
            Self::Empty => "Empty",
            Self::TooLarge => "TooLarge",
            Self::Refused => "Refused",
            Self::HistoryRewritten => "HistoryRewritten",
            Self::Unverified => "Unverified",
            Self::Corrupt => "Corrupt",
            Self::Internal => "Internal",
            Self::Unreadable => "Unreadable",
        }
    }
}

impl Trouble {
    /// A trouble.
    pub(in crate::source) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }
}

/// A text of a stranger, for one line of ours: without control characters, and not long.
pub(super) fn clean(text: &str, most: usize) -> String {
    let mut out: String = text
        .chars()
        .map(|one| if one.is_control() { ' ' } else { one })
        .take(most)
        .collect();
    if text.chars().nth(most).is_some() {
        out.push_str("...");
    }
    out.trim().to_owned()
}

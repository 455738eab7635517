//! What makes the loop look, when a run ends by itself, and how one ended. Values alone.

use crate::model::{Hint, Moment};

/// What makes the loop look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The source may have changed.
    SourceChanged,
    /// Somebody told that a repository has moved.
    Pushed,
    /// Something outside says that these may have moved.
    Woken(Vec<Hint>),
    /// A person wants everything read and passed over again now. The word is the trigger's
    /// (`signal`, `api`).
    Resync(&'static str),
    /// Stop.
    Stop,
}

/// When a run ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Never: the daemon.
    Stopped,
    /// When nothing moves any more, or at this moment.
    Settled(Moment),
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was told to stop.
    Stopped,
    /// Nothing moves any more.
    Settled,
    /// The time was up.
    TimedOut,
    /// The source could not be read at all.
    SourceUnreadable,
}

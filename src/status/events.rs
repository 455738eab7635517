//! What happened lately, for whoever asks: a bounded ring in memory. Not a history: that is AWS's, and
//! the log's. Everything in it was logged in the same moment.
//!
//! Invariants:
//! - At most [`KEPT`] events are kept; the oldest make room, and whoever asks for them is told so.
//! - Numbers rise by one from 1, anew with every start.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use crate::model::{Key, Moment};

/// How many events are kept.
pub const KEPT: usize = 1000;

/// What sort of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// A resource's outcome changed, its text included: where a rollout stands is in it.
    Outcome,
    /// AWS accepted a write.
    Write,
    /// Another desired state or commit came into force.
    Source,
    /// Somebody asked to look at something again.
    Resync,
    /// A person gave a command.
    Command,
    /// Somebody changed live state, and the manifest wants a person to decide.
    Drift,
    /// Something that no manifest declares went, or stands otherwise than before.
    Prune,
}

impl EventKind {
    /// One word for text and JSON.
    pub fn label(self) -> &'static str {
        match self {
            Self::Outcome => "Outcome",
            Self::Write => "Write",
            Self::Source => "Source",
            Self::Resync => "Resync",
            Self::Command => "Command",
            Self::Drift => "Drift",
            Self::Prune => "Prune",
        }
    }
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number, from 1.
    pub number: u64,
    /// When.
    pub at: Moment,
    /// What sort of thing.
    pub kind: EventKind,
    /// The resource, if it is about one.
    pub key: Option<Key>,
    /// What happened, for a person; without secrets.
    pub text: String,
}

/// Some events, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The events.
    pub events: Vec<Event>,
    /// The number of the newest event there is; 0 if there is none yet.
    pub last: u64,
    /// How many of those asked for are no longer kept.
    pub lost: u64,
}

/// The ring.
#[derive(Debug)]
pub struct Events {
    kept: Mutex<VecDeque<Event>>,
    last: watch::Sender<u64>,
}

impl Default for Events {
    fn default() -> Self {
        Self {
            kept: Mutex::default(),
            last: watch::Sender::new(0),
        }
    }
}

impl Events {
    /// Takes in what happened.
    pub fn record(&self, at: Moment, kind: EventKind, key: Option<&Key>, text: impl Into<String>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let number = *self.last.borrow() + 1;
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(Event {
            number,
            at,
            kind,
            key: key.cloned(),
            text: text.into(),
        });
        self.last.send_replace(number);
    }

    /// What happened after the event of this number; all that is kept for 0.
    pub fn after(&self, number: u64) -> Page {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let last = *self.last.borrow();
        let events: Vec<Event> = kept
            .iter()
            .filter(|event| event.number > number)
            .cloned()
            .collect();
        let asked = last.saturating_sub(number);
        let given = u64::try_from(events.len()).unwrap_or(u64::MAX);
        Page {
            events,
            last,
            lost: asked.saturating_sub(given),
        }
    }

    /// Waits until there is an event after this number.
    pub async fn newer(&self, number: u64) {
        // The sender lives as long as this does.
        self.last
            .subscribe()
            .wait_for(|last| *last > number)
            .await
            .ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;

    #[test]
    fn the_oldest_make_room_and_are_counted() {
        let events = Events::default();
        assert_eq!(events.after(0), Page::default());
        let key = Key::new(Kind::Service, "auth");
        for n in 0..KEPT + 5 {
            events.record(
                Moment(0),
                EventKind::Write,
                Some(&key),
                format!("write {n}"),
            );
        }
        let all = events.after(0);
        let ends = (all.events[0].number, all.events[KEPT - 1].number);
        assert_eq!(ends, (6, 1005));
        assert_eq!((all.last, all.lost), (1005, 5));
        let some = events.after(1003);
        assert_eq!((some.events.len(), some.lost), (2, 0));
        assert_eq!(some.events[1].text, "write 1004");
    }

    #[tokio::test]
    async fn whoever_waits_is_woken_by_the_next_event() {
        let events = std::sync::Arc::new(Events::default());
        events.record(Moment(0), EventKind::Source, None, "one");
        events.newer(0).await;
        let waiting = std::sync::Arc::clone(&events);
        let waiter = tokio::spawn(async move {
            waiting.newer(1).await;
            waiting.after(1)
        });
        tokio::task::yield_now().await;
        assert!(!waiter.is_finished());
        events.record(Moment(1), EventKind::Resync, None, "two");
        assert_eq!(waiter.await.unwrap().events[0].text, "two");
    }
}

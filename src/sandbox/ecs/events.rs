//! A service's events: the latest hundred messages of the scheduler. Not `EventBridge`.

use super::{Time, stamp};
use serde_json::{Value, json};
use std::collections::VecDeque;

/// How many events AWS keeps per service (service-event-messages page).
const KEPT: usize = 100;

/// The ring of events.
#[derive(Clone, Debug, Default)]
pub(crate) struct Events {
    /// Newest first, as `DescribeServices` shows them.
    ring: VecDeque<(u64, Time, String)>,
    /// How many were ever recorded.
    count: u64,
}

impl Events {
    /// Records a message, dropping the oldest beyond a hundred.
    pub(crate) fn record(&mut self, now: Time, message: String) {
        self.count += 1;
        self.ring.push_front((self.count, now, message));
        self.ring.truncate(KEPT);
    }

    /// The events as `DescribeServices` shows them; `salt` makes the ids the service's own.
    pub(crate) fn view(&self, salt: u64) -> Value {
        self.ring
            .iter()
            .map(|(number, at, message)| {
                let id = format!(
                    "{:08x}-{:04x}-4{:03x}-a{:03x}-{number:012x}",
                    salt >> 32,
                    (salt >> 16) & 0xffff,
                    (salt >> 4) & 0xfff,
                    salt & 0xfff
                );
                json!({"id": id, "createdAt": stamp(*at), "message": message})
            })
            .collect()
    }

    /// The messages, newest first.
    #[cfg(test)]
    pub(crate) fn messages(&self) -> impl Iterator<Item = &str> {
        self.ring.iter().map(|(_, _, message)| message.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_events_are_kept_newest_first() {
        let mut events = Events::default();
        for n in 0..130 {
            events.record(n * 1000, format!("event {n}"));
        }
        assert_eq!(events.messages().count(), 100);
        assert_eq!(events.messages().next(), Some("event 129"));
        let view = events.view(7);
        assert_ne!(view[0]["id"], view[1]["id"]);
        assert_eq!(view[99]["message"], "event 30");
    }
}

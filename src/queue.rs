//! The work queue: which key is due when. A plain structure over the time that it is handed; no
//! task, no waker, no payloads.
//!
//! Invariants (as controller-runtime's and kube-runtime's queues keep them):
//! - A key stands in the queue once; scheduled twice, the earlier time wins.
//! - A key that is being worked on is not given out again; scheduled meanwhile, it comes due after.
//! - Nothing scheduled is ever lost.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Key, Moment};

/// A key given out, and how long it had been due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The key.
    pub key: Key,
    /// When it came due.
    pub since: Moment,
}

/// The queue.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    order: BTreeSet<(Moment, Key)>,
    due: BTreeMap<Key, Moment>,
    running: BTreeMap<Key, Option<Moment>>,
}

impl Queue {
    /// Schedules a key for `at`, or earlier if it was scheduled for earlier.
    pub fn add(&mut self, key: Key, at: Moment) {
        if let Some(again) = self.running.get_mut(&key) {
            *again = Some(again.map_or(at, |other| other.min(at)));
            return;
        }
        let at = match self.due.get(&key) {
            Some(&earlier) if earlier <= at => return,
            Some(&later) => {
                self.order.remove(&(later, key.clone()));
                at
            }
            None => at,
        };
        self.order.insert((at, key.clone()));
        self.due.insert(key, at);
    }

    /// Gives out the key that has been due longest among those that `may` be worked on now, if any
    /// is due.
    pub fn pop(&mut self, now: Moment, may: impl Fn(&Key) -> bool) -> Option<Due> {
        let due = self.order.iter().take_while(|(at, _)| *at <= now);
        let (since, key) = due.into_iter().find(|(_, key)| may(key)).cloned()?;
        self.order.remove(&(since, key.clone()));
        self.due.remove(&key);
        self.running.insert(key.clone(), None);
        Some(Due { key, since })
    }

    /// Takes back a key that was given out, and schedules it for `next` if it is to be looked at
    /// again.
    pub fn finish(&mut self, key: &Key, next: Option<Moment>) {
        let again = self.running.remove(key).flatten();
        if let Some(at) = [next, again].into_iter().flatten().min() {
            self.add(key.clone(), at);
        }
    }

    /// Forgets a key that is not being worked on.
    pub fn remove(&mut self, key: &Key) {
        if let Some(at) = self.due.remove(key) {
            self.order.remove(&(at, key.clone()));
        }
        if let Some(again) = self.running.get_mut(key) {
            *again = None;
        }
    }

    /// When the next key comes due.
    pub fn next_deadline(&self) -> Option<Moment> {
        self.order.first().map(|(at, _)| *at)
    }

    /// How many keys are due now.
    pub fn depth(&self, now: Moment) -> usize {
        self.order.iter().take_while(|(at, _)| *at <= now).count()
    }

    /// Whether a key is being worked on.
    pub fn is_running(&self, key: &Key) -> bool {
        self.running.contains_key(key)
    }

    /// How many keys are being worked on.
    pub fn running(&self) -> usize {
        self.running.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Kind;

    fn key(n: u8) -> Key {
        Key::new(Kind::Service, format!("s{n}"))
    }

    fn any(_: &Key) -> bool {
        true
    }

    #[test]
    fn a_key_that_may_not_be_worked_on_holds_up_no_other() {
        let mut queue = Queue::default();
        queue.add(key(1), Moment(0));
        queue.add(key(2), Moment(1));
        let two = |other: &Key| *other == key(2);
        assert_eq!(queue.pop(Moment(5), two).map(|due| due.key), Some(key(2)));
        assert_eq!(queue.pop(Moment(5), two), None);
        assert_eq!(queue.next_deadline(), Some(Moment(0)));
        assert_eq!(queue.pop(Moment(5), any).map(|due| due.key), Some(key(1)));
    }

    #[test]
    fn the_earlier_time_wins() {
        let mut queue = Queue::default();
        queue.add(key(1), Moment(50));
        queue.add(key(1), Moment(10));
        queue.add(key(1), Moment(90));
        assert_eq!(queue.next_deadline(), Some(Moment(10)));
        assert_eq!(queue.pop(Moment(9), any), None);
        assert_eq!(queue.pop(Moment(10), any).map(|due| due.key), Some(key(1)));
        assert_eq!(queue.pop(Moment(100), any), None);
    }

    #[test]
    fn a_running_key_comes_due_again_only_after_it_is_finished() {
        let mut queue = Queue::default();
        queue.add(key(1), Moment(0));
        queue.pop(Moment(0), any).unwrap();
        queue.add(key(1), Moment(1));
        assert_eq!(queue.pop(Moment(5), any), None);
        queue.finish(&key(1), Some(Moment(100)));
        assert_eq!(
            queue.pop(Moment(5), any).map(|due| due.since),
            Some(Moment(1))
        );
    }

    #[derive(Clone, Debug)]
    enum Move {
        Add(u8, i64),
        Pop,
        Finish(u8, Option<i64>),
        Advance(i64),
    }

    fn moves() -> impl Strategy<Value = Move> {
        prop_oneof![
            (0..4_u8, 0..40_i64).prop_map(|(k, at)| Move::Add(k, at)),
            Just(Move::Pop),
            (0..4_u8, proptest::option::of(0..40_i64)).prop_map(|(k, at)| Move::Finish(k, at)),
            (0..10_i64).prop_map(Move::Advance),
        ]
    }

    proptest! {
        /// Against a naive list: never two of one key out, the earliest first, nothing lost.
        #[test]
        fn behaves_like_a_list(moves in proptest::collection::vec(moves(), 0..200)) {
            let mut queue = Queue::default();
            let mut scheduled: BTreeMap<u8, i64> = BTreeMap::new();
            let mut out: BTreeMap<u8, Option<i64>> = BTreeMap::new();
            let mut now = 0;
            for step in moves {
                match step {
                    Move::Add(k, at) => {
                        queue.add(key(k), Moment(at));
                        if let Some(again) = out.get_mut(&k) {
                            *again = Some(again.map_or(at, |o| o.min(at)));
                        } else {
                            let entry = scheduled.entry(k).or_insert(at);
                            *entry = at.min(*entry);
                        }
                    }
                    Move::Pop => {
                        let expected = scheduled.iter().map(|(k, at)| (*at, *k)).min().filter(|(at, _)| *at <= now);
                        let got = queue.pop(Moment(now), any);
                        prop_assert_eq!(got.map(|due| (due.since.0, due.key)), expected.map(|(at, k)| (at, key(k))));
                        if let Some((_, k)) = expected {
                            scheduled.remove(&k);
                            out.insert(k, None);
                        }
                    }
                    Move::Finish(k, next) => {
                        if let Some(again) = out.remove(&k) {
                            queue.finish(&key(k), next.map(Moment));
                            if let Some(at) = [again, next].into_iter().flatten().min() {
                                scheduled.insert(k, at);
                            }
                        }
                    }
                    Move::Advance(by) => now += by,
                }
                prop_assert_eq!(queue.next_deadline().map(|m| m.0), scheduled.values().min().copied());
                prop_assert_eq!(queue.running(), out.len());
            }
        }
    }
}

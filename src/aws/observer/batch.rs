//! A cache of reads that fetches many for the price of one. Not a store of truth.
//!
//! A read of one thing fetches the things beside it that are stale as well, up to what one AWS call
//! takes, so a cycle over all keys makes the number of calls that the batch sizes allow however the
//! keys' wake-ups are spread.
//!
//! Invariants:
//! - A value is given out only if it was taken at or after the moment the reader asked for.
//! - One fetch at a time per cache; whoever waited for it uses what it brought.
//! - A failed fetch is [`Seen::Unknown`] for everything that it asked for.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::aws::{Class, Fault};
use crate::clock::Clock;
use crate::model::{Moment, Seen};

/// How long a fetch waits (real time) for other passes to name what they want too.
const GATHER: Duration = Duration::from_millis(2);

/// Things nobody asked for in this long are not fetched along any more, and forgotten.
const WANTED_FOR: Duration = Duration::from_hours(1);

#[derive(Clone, Debug)]
struct Entry<V> {
    wanted: Moment,
    taken: Option<(Moment, Seen<V>)>,
}

/// A cache of values by key.
#[derive(Debug)]
pub(super) struct Batch<K, V> {
    entries: Mutex<BTreeMap<K, Entry<V>>>,
    fetching: tokio::sync::Mutex<()>,
    /// How many keys one call takes.
    size: usize,
}

impl<K: Ord + Clone, V: Clone> Batch<K, V> {
    /// An empty cache whose fetches take `size` keys.
    pub(super) fn new(size: usize) -> Self {
        Self {
            entries: Mutex::new(BTreeMap::new()),
            fetching: tokio::sync::Mutex::new(()),
            size,
        }
    }

    /// The value of `key`, taken at or after `fresh`. Other stale keys for which `together` holds
    /// are fetched in the same call. `fetch` answers for what it found; the rest is absent.
    pub(super) async fn get<F>(
        &self,
        clock: &Clock,
        key: &K,
        fresh: Moment,
        together: impl Fn(&K, &K) -> bool + Send,
        fetch: impl Fn(Vec<K>) -> F + Send,
    ) -> Seen<V>
    where
        F: Future<Output = Result<BTreeMap<K, V>, Fault>> + Send,
    {
        if let Some(seen) = self.ask(key, fresh, clock.now()) {
            return seen;
        }
        let _one = self.fetching.lock().await;
        if let Some(seen) = self.ask(key, fresh, clock.now()) {
            return seen;
        }
        tokio::time::sleep(GATHER).await;
        let taken = clock.now();
        let keys = self.stale(key, fresh, taken, together);
        let mut found = match fetch(keys.clone()).await {
            Ok(found) => Ok(found),
            // One missing thing fails some batch calls whole: ask for each alone.
            Err(fault) if fault.class == Class::NotFound && keys.len() > 1 => {
                let mut found = BTreeMap::new();
                let mut failed = None;
                for alone in &keys {
                    match fetch(vec![alone.clone()]).await {
                        Ok(more) => found.extend(more),
                        Err(fault) if fault.class == Class::NotFound => {}
                        Err(fault) => failed = Some(fault),
                    }
                }
                failed.map_or(Ok(found), Err)
            }
            Err(fault) if fault.class == Class::NotFound => Ok(BTreeMap::new()),
            Err(fault) => Err(fault),
        };
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let mut answer = Seen::Unknown("not asked for".to_owned());
        for asked in keys {
            let seen = match &mut found {
                Ok(found) => found.remove(&asked).map_or(Seen::Absent, Seen::Present),
                Err(fault) => Seen::Unknown(fault.to_string()),
            };
            if asked == *key {
                answer = seen.clone();
            }
            if let Some(entry) = entries.get_mut(&asked) {
                // An unknown is never served to another reader: it must try for itself.
                entry.taken = if matches!(seen, Seen::Unknown(_)) {
                    None
                } else {
                    Some((taken, seen))
                };
            }
        }
        answer
    }

    /// Puts in what a write's answer told.
    pub(super) fn put(&self, key: K, value: V, now: Moment) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.insert(
            key,
            Entry {
                wanted: now,
                taken: Some((now, Seen::Present(value))),
            },
        );
    }

    /// Every value present in the cache, whatever its age.
    pub(super) fn present(&self) -> Vec<V> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries
            .values()
            .filter_map(|entry| match &entry.taken {
                Some((_, Seen::Present(value))) => Some(value.clone()),
                _ => None,
            })
            .collect()
    }

    fn ask(&self, key: &K, fresh: Moment, now: Moment) -> Option<Seen<V>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.entry(key.clone()).or_insert(Entry {
            wanted: now,
            taken: None,
        });
        entry.wanted = now;
        entry
            .taken
            .as_ref()
            .filter(|(taken, _)| *taken >= fresh)
            .map(|(_, seen)| seen.clone())
    }

    /// `key` and the other stale keys that go with it, the stalest first.
    fn stale(
        &self,
        key: &K,
        fresh: Moment,
        now: Moment,
        together: impl Fn(&K, &K) -> bool,
    ) -> Vec<K> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|other, entry| other == key || now.since(entry.wanted) < WANTED_FOR);
        let mut others: Vec<(Option<Moment>, &K)> = entries
            .iter()
            .filter(|(other, _)| *other != key && together(key, other))
            .map(|(other, entry)| (entry.taken.as_ref().map(|(taken, _)| *taken), other))
            .filter(|(taken, _)| taken.is_none_or(|taken| taken < fresh))
            .collect();
        others.sort();
        std::iter::once(key.clone())
            .chain(others.into_iter().map(|(_, other)| other.clone()))
            .take(self.size)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Service;

    fn fault(class: Class) -> Fault {
        Fault {
            service: Service::Ecs,
            operation: "X",
            class,
            code: "C".to_owned(),
            message: "m".to_owned(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn neighbours_are_fetched_along_and_not_again() {
        let clock = Clock::starting_at(Moment(1_000_000), 1);
        let batch: Batch<u32, u32> = Batch::new(10);
        let calls = Mutex::new(Vec::new());
        let fetch = |keys: Vec<u32>| {
            calls.lock().unwrap().push(keys.len());
            std::future::ready(Ok(keys
                .into_iter()
                .filter(|k| k % 2 == 0)
                .map(|k| (k, k * 10))
                .collect()))
        };
        for key in 0..25 {
            batch.ask(&key, clock.now(), clock.now());
        }
        for key in 0..25 {
            let seen = batch
                .get(&clock, &key, Moment(1_000_000), |_, _| true, fetch)
                .await;
            assert_eq!(
                seen,
                if key % 2 == 0 {
                    Seen::Present(key * 10)
                } else {
                    Seen::Absent
                }
            );
        }
        assert_eq!(*calls.lock().unwrap(), [10, 10, 5]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_missing_one_does_not_hide_the_others_and_a_failure_hides_all() {
        let clock = Clock::starting_at(Moment(0), 1);
        let batch: Batch<u32, u32> = Batch::new(10);
        for key in 0..3 {
            batch.ask(&key, clock.now(), clock.now());
        }
        let fetch = |keys: Vec<u32>| {
            std::future::ready(if keys.contains(&1) {
                Err(fault(Class::NotFound))
            } else {
                Ok(keys.into_iter().map(|k| (k, k)).collect())
            })
        };
        assert_eq!(
            batch.get(&clock, &1, Moment(0), |_, _| true, fetch).await,
            Seen::Absent
        );
        assert_eq!(
            batch.get(&clock, &2, Moment(0), |_, _| true, fetch).await,
            Seen::Present(2)
        );
        let broken = |_: Vec<u32>| std::future::ready(Err(fault(Class::Transient)));
        let later = clock.now().plus(Duration::from_secs(1));
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(matches!(
            batch.get(&clock, &2, later, |_, _| true, broken).await,
            Seen::Unknown(_)
        ));
    }
}

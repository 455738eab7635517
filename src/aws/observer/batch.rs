//! A cache of reads that fetches many for the price of one. Not a store of truth.
//!
//! A read of one thing fetches the things beside it that are stale as well, up to what one AWS call
//! takes, so a cycle over all keys makes the number of calls that the batch sizes allow however the
//! keys' wake-ups are spread.
//!
//! Invariants:
//! - A value is given out only if it was taken at or after the moment the reader asked for.
//! - Absent is only what AWS said is absent: a key that an answer passes over is unknown.
//! - Whoever waited for a fetch uses what it brought, its failure too, so that one hanging API does
//!   not cost every reader a timeout of its own.
//! - A key that was absent last time is asked for alone, because it would fail its neighbours' call.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::aws::{Class, Fault};
use crate::clock::Clock;
use crate::model::{Moment, Seen};

/// What a fetch brought: present, or said to be absent. What it passes over is unknown.
pub(super) type Found<K, V> = BTreeMap<K, Option<V>>;

/// How long a fetch waits (real time) for other passes to name what they want too.
const GATHER: Duration = Duration::from_millis(2);

/// Things nobody asked for in this long are not fetched along any more, and forgotten.
const WANTED_FOR: Duration = Duration::from_hours(1);

#[derive(Clone, Debug)]
struct Entry<V> {
    wanted: Moment,
    taken: Option<(Moment, Seen<V>)>,
    /// When the last fetch failed, and how.
    failed: Option<(Moment, String)>,
    /// When it was last written: what was read before is no longer so.
    written: Option<Moment>,
    /// Held by the fetch of this key, where a call takes only one.
    fetching: Arc<tokio::sync::Mutex<()>>,
}

impl<V> Entry<V> {
    fn new(wanted: Moment) -> Self {
        Self {
            wanted,
            taken: None,
            failed: None,
            written: None,
            fetching: Arc::default(),
        }
    }
}

/// A cache of values by key.
#[derive(Debug)]
pub(super) struct Batch<K, V> {
    entries: Mutex<BTreeMap<K, Entry<V>>>,
    /// Held by the fetch under way, where a call takes many keys: the waiters' keys are in it.
    fetching: Arc<tokio::sync::Mutex<()>>,
    /// How many keys one call takes.
    size: usize,
}

impl<K: Ord + Clone, V: Clone> Batch<K, V> {
    /// An empty cache whose fetches take `size` keys.
    pub(super) fn new(size: usize) -> Self {
        Self {
            entries: Mutex::new(BTreeMap::new()),
            fetching: Arc::default(),
            size,
        }
    }

    /// The value of `key`, taken at or after `fresh`. Other stale keys for which `together` holds
    /// are fetched in the same call.
    pub(super) async fn get<F>(
        &self,
        clock: &Clock,
        key: &K,
        fresh: Moment,
        together: impl Fn(&K, &K) -> bool + Send,
        fetch: impl Fn(Vec<K>) -> F + Send,
    ) -> Seen<V>
    where
        F: Future<Output = Result<Found<K, V>, Fault>> + Send,
    {
        let arrived = clock.now();
        if let Some(seen) = self.ask(key, fresh, arrived) {
            return seen;
        }
        let lock = self.lock(key, arrived);
        let _fetching = lock.lock().await;
        if let Some(seen) = self
            .ask(key, fresh, clock.now())
            .or_else(|| self.failed_since(key, arrived))
        {
            return seen;
        }
        tokio::time::sleep(GATHER).await;
        let taken = clock.now();
        let keys = self.stale(key, fresh, taken, together);
        let found = match fetch(keys.clone()).await {
            // One missing thing fails some calls whole: ask for each alone.
            Err(fault) if fault.class == Class::NotFound && keys.len() > 1 => {
                alone(&keys, &fetch).await
            }
            Err(fault) if fault.class == Class::NotFound => {
                Ok(keys.iter().map(|key| (key.clone(), None)).collect())
            }
            other => other,
        };
        self.keep(key, keys, taken, clock.now(), found)
    }

    /// The value of `key`, taken at or after `fresh`, by an operation that asks for one thing at a time.
    pub(super) async fn get_alone<F>(
        &self,
        clock: &Clock,
        key: &K,
        fresh: Moment,
        fetch: impl Fn(K) -> F + Send + Sync,
    ) -> Seen<V>
    where
        F: Future<Output = Result<V, Fault>> + Send,
        K: Send,
        V: Send,
    {
        let alone = |keys: Vec<K>| {
            let fetched = keys.into_iter().next().map(|key| (key.clone(), fetch(key)));
            async move {
                let Some((key, value)) = fetched else {
                    return Ok(Found::new());
                };
                Ok([(key, Some(value.await?))].into())
            }
        };
        self.get(clock, key, fresh, |_, _| false, alone).await
    }

    /// Takes in what a fetch brought; gives what it says of `key`.
    fn keep(
        &self,
        key: &K,
        asked: Vec<K>,
        taken: Moment,
        now: Moment,
        mut found: Result<Found<K, V>, Fault>,
    ) -> Seen<V> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let mut answer = Seen::Unknown("not asked for".to_owned());
        for one in asked {
            let seen = match &mut found {
                Ok(found) => match found.remove(&one) {
                    Some(Some(value)) => Seen::Present(value),
                    Some(None) => Seen::Absent,
                    None => Seen::Unknown("AWS's answer passes over it".to_owned()),
                },
                Err(fault) => Seen::Unknown(fault.to_string()),
            };
            if one == *key {
                answer = seen.clone();
            }
            if let Some(entry) = entries.get_mut(&one) {
                match seen {
                    // Not given to later readers: they try for themselves.
                    Seen::Unknown(why) => {
                        entry.taken = None;
                        entry.failed = Some((now, why));
                    }
                    seen => {
                        let of_now = entry.written.is_none_or(|written| taken > written);
                        entry.taken = of_now.then_some((taken, seen));
                        entry.failed = None;
                    }
                }
            }
        }
        answer
    }

    /// Puts in what a write's answer told.
    pub(super) fn put(&self, key: K, value: V, now: Moment) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = Some((now, Seen::Present(value)));
        entries.insert(
            key,
            Entry {
                taken,
                ..Entry::new(now)
            },
        );
    }

    /// Says that `key` was written: what was read of it before, or is being read, is not given out.
    pub(super) fn outdate(&self, key: &K, now: Moment) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.get_mut(key) {
            entry.taken = None;
            entry.written = Some(now);
        }
    }

    /// Looks at every value present in the cache, whatever its age.
    pub(super) fn each(&self, mut look: impl FnMut(&V)) {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in entries.values() {
            if let Some((_, Seen::Present(value))) = &entry.taken {
                look(value);
            }
        }
    }

    fn ask(&self, key: &K, fresh: Moment, now: Moment) -> Option<Seen<V>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries
            .entry(key.clone())
            .or_insert_with(|| Entry::new(now));
        entry.wanted = now;
        entry
            .taken
            .as_ref()
            .filter(|(taken, _)| *taken >= fresh)
            .map(|(_, seen)| seen.clone())
    }

    /// What a fetch of this key holds.
    fn lock(&self, key: &K, now: Moment) -> Arc<tokio::sync::Mutex<()>> {
        if self.size > 1 {
            return Arc::clone(&self.fetching);
        }
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries
            .entry(key.clone())
            .or_insert_with(|| Entry::new(now));
        Arc::clone(&entry.fetching)
    }

    /// The failure of a fetch that ended while a reader waited for it.
    fn failed_since(&self, key: &K, arrived: Moment) -> Option<Seen<V>> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let (when, why) = entries.get(key)?.failed.as_ref()?;
        (*when > arrived).then(|| Seen::Unknown(why.clone()))
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
        let absent = |entry: &Entry<V>| matches!(entry.taken, Some((_, Seen::Absent)));
        if entries.get(key).is_some_and(absent) {
            return vec![key.clone()];
        }
        let mut others: Vec<(Option<Moment>, &K)> = entries
            .iter()
            .filter(|(other, entry)| *other != key && !absent(entry) && together(key, other))
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

/// Fetches each key by itself.
async fn alone<K: Ord + Clone, V, F>(
    keys: &[K],
    fetch: &(impl Fn(Vec<K>) -> F + Send),
) -> Result<Found<K, V>, Fault>
where
    F: Future<Output = Result<Found<K, V>, Fault>> + Send,
{
    let mut found = BTreeMap::new();
    for key in keys {
        match fetch(vec![key.clone()]).await {
            Ok(more) => found.extend(more),
            Err(fault) if fault.class == Class::NotFound => {
                found.insert(key.clone(), None);
            }
            Err(fault) => return Err(fault),
        }
    }
    Ok(found)
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

    fn even(keys: Vec<u32>) -> Found<u32, u32> {
        keys.into_iter()
            .map(|k| (k, (k % 2 == 0).then_some(k * 10)))
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn neighbours_are_fetched_along_and_not_again() {
        let clock = Clock::starting_at(Moment(1_000_000), 1);
        let batch: Batch<u32, u32> = Batch::new(10);
        let calls = Mutex::new(Vec::new());
        let fetch = |keys: Vec<u32>| {
            calls.lock().unwrap().push(keys.len());
            std::future::ready(Ok(even(keys)))
        };
        for key in 0..25 {
            batch.ask(&key, clock.now(), clock.now());
        }
        for key in 0..25 {
            let seen = batch
                .get(&clock, &key, Moment(1_000_000), |_, _| true, fetch)
                .await;
            let expected = if key % 2 == 0 {
                Seen::Present(key * 10)
            } else {
                Seen::Absent
            };
            assert_eq!(seen, expected);
        }
        assert_eq!(*calls.lock().unwrap(), [10, 10, 5]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_missing_one_does_not_hide_the_others_and_is_asked_for_alone_from_then_on() {
        let clock = Clock::starting_at(Moment(0), 1);
        let batch: Batch<u32, u32> = Batch::new(10);
        for key in 0..3 {
            batch.ask(&key, clock.now(), clock.now());
        }
        let calls = Mutex::new(Vec::new());
        let fetch = |keys: Vec<u32>| {
            calls.lock().unwrap().push(keys.clone());
            std::future::ready(if keys.contains(&1) {
                Err(fault(Class::NotFound))
            } else {
                Ok(keys.into_iter().map(|k| (k, Some(k))).collect())
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
        tokio::time::sleep(Duration::from_secs(2)).await;
        calls.lock().unwrap().clear();
        let fresh = clock.now();
        batch.get(&clock, &2, fresh, |_, _| true, fetch).await;
        batch.get(&clock, &1, fresh, |_, _| true, fetch).await;
        assert_eq!(*calls.lock().unwrap(), [vec![2, 0], vec![1]]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_an_answer_passes_over_is_unknown_and_not_absent() {
        let clock = Clock::starting_at(Moment(0), 1);
        let batch: Batch<u32, u32> = Batch::new(10);
        let nothing = |_: Vec<u32>| std::future::ready(Ok(BTreeMap::new()));
        let seen = batch.get(&clock, &1, Moment(0), |_, _| true, nothing).await;
        assert!(matches!(seen, Seen::Unknown(_)), "{seen:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn readers_who_waited_for_a_failing_fetch_share_its_failure() {
        let clock = Clock::starting_at(Moment(0), 1);
        let batch: Batch<u32, u32> = Batch::new(10);
        let calls = Mutex::new(0);
        let hanging = |_: Vec<u32>| {
            *calls.lock().unwrap() += 1;
            async {
                tokio::time::sleep(Duration::from_secs(45)).await;
                Err(fault(Class::Transient))
            }
        };
        let read = || batch.get(&clock, &1, Moment(0), |_, _| true, hanging);
        let (one, two, three) = tokio::join!(read(), read(), read());
        assert!(
            [one, two, three]
                .iter()
                .all(|seen| matches!(seen, Seen::Unknown(_)))
        );
        assert_eq!(*calls.lock().unwrap(), 1);
    }
}

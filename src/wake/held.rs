//! How often one thing may wake the loop: a plain structure over the time that it is handed.
//!
//! The first word of a thing is given on at once. What follows within its [`pause`] is held until the pause
//! is over, and is then given on once.
//!
//! Invariants:
//! - Nothing held is lost: it is given on when its pause is over.
//! - It holds at most [`MOST`] things; beyond that the soonest due are given on before their time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::model::{Hint, Moment};

/// How long (simulated time) a thing that has woken the loop does not wake it again.
///
/// Tasks change in storms: at most as often as a service in flight is polled. A read of the source may ask
/// Git servers.
pub fn pause(hint: &Hint) -> Duration {
    match hint {
        Hint::Tasks { .. } | Hint::Source => Duration::from_secs(5),
        Hint::Service { .. } | Hint::Images(_) | Hint::DeploymentGroup { .. } => {
            Duration::from_secs(1)
        }
    }
}

/// More things than any account has that change within seconds; a bound on memory.
const MOST: usize = 10_000;

#[derive(Clone, Copy, Debug)]
struct Pause {
    until: Moment,
    /// Whether it was told of again meanwhile.
    again: bool,
}

/// What has woken the loop lately, and what is held.
#[derive(Clone, Debug, Default)]
pub struct Held {
    /// What is to be given on now.
    ready: Vec<Hint>,
    pauses: BTreeMap<Hint, Pause>,
    /// The pauses by their ends.
    ends: BTreeSet<(Moment, Hint)>,
}

impl Held {
    /// Takes in that a thing was told of.
    pub fn told(&mut self, hint: Hint, now: Moment) {
        self.turn(now);
        if let Some(pause) = self.pauses.get_mut(&hint) {
            pause.again = true;
            return;
        }
        if self.pauses.len() >= MOST
            && let Some((first, true)) = self.end_first()
        {
            self.ready.push(first);
        }
        self.start(hint, now);
    }

    /// What is due now. The caller gives it on.
    pub fn due(&mut self, now: Moment) -> Vec<Hint> {
        self.turn(now);
        std::mem::take(&mut self.ready)
    }

    /// When something that is held comes due.
    pub fn next(&self) -> Option<Moment> {
        let held = self.pauses.values().filter(|pause| pause.again);
        held.map(|pause| pause.until).min()
    }

    /// Ends the pauses that are over.
    fn turn(&mut self, now: Moment) {
        while self.ends.first().is_some_and(|(until, _)| *until <= now) {
            if let Some((hint, true)) = self.end_first() {
                self.start(hint, now);
            }
        }
    }

    /// Ends the pause that is over first; whether its thing was told of again.
    fn end_first(&mut self) -> Option<(Hint, bool)> {
        let (_, hint) = self.ends.pop_first()?;
        let pause = self.pauses.remove(&hint)?;
        Some((hint, pause.again))
    }

    fn start(&mut self, hint: Hint, now: Moment) {
        let until = now.plus(pause(&hint));
        let again = false;
        self.pauses.insert(hint.clone(), Pause { until, again });
        self.ends.insert((until, hint.clone()));
        self.ready.push(hint);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn service(n: usize) -> Hint {
        Hint::Service {
            cluster: "c".to_owned(),
            name: format!("s{n}"),
        }
    }

    fn tasks() -> Hint {
        Hint::Tasks {
            cluster: "c".to_owned(),
            name: "s1".to_owned(),
        }
    }

    #[test]
    fn the_first_comes_at_once_and_the_last_after_the_pause() {
        let mut held = Held::default();
        held.told(service(1), Moment(0));
        held.told(service(2), Moment(0));
        assert_eq!(held.due(Moment(0)), [service(1), service(2)]);
        assert_eq!(held.next(), None);
        for at in 1..900 {
            held.told(service(1), Moment(at));
        }
        assert_eq!(held.due(Moment(999)), []);
        assert_eq!(held.next(), Some(Moment(1000)));
        assert_eq!(held.due(Moment(1000)), [service(1)]);
        assert_eq!(held.next(), None);
        // The pause after the second is a whole one again.
        held.told(service(1), Moment(1500));
        assert_eq!(held.due(Moment(1999)), []);
        assert_eq!(held.due(Moment(2000)), [service(1)]);
        held.told(service(1), Moment(9000));
        assert_eq!(held.due(Moment(9000)), [service(1)]);
    }

    #[test]
    fn a_storm_of_tasks_does_not_hold_up_the_word_of_a_deployment() {
        let mut held = Held::default();
        let mut woken = Vec::new();
        for at in 0..10_000 {
            held.told(tasks(), Moment(at));
            woken.extend(held.due(Moment(at)));
        }
        assert_eq!(woken.len(), 2, "at 0 and after 5 s");
        held.told(service(1), Moment(10_001));
        assert!(held.due(Moment(10_001)).contains(&service(1)));
    }

    #[test]
    fn it_holds_no_more_than_it_may_and_loses_nothing() {
        let mut held = Held::default();
        for n in 0..MOST + 10 {
            held.told(service(n), Moment(0));
            held.told(service(n), Moment(0));
        }
        assert_eq!(held.pauses.len(), MOST);
        // Each once at first; those that had to go, a second time.
        assert_eq!(held.due(Moment(0)).len(), MOST + 20);
        assert_eq!(held.due(Moment(1000)).len(), MOST);
    }

    proptest! {
        /// However they come: everything told is given on, at the latest its pause later, and never twice
        /// within the pause.
        #[test]
        fn everything_is_given_on_in_time(told in proptest::collection::vec((0..3_usize, 0..3000_i64), 1..60)) {
            let mut told = told;
            told.sort_by_key(|(_, at)| *at);
            let mut held = Held::default();
            let mut given: Vec<(usize, i64)> = Vec::new();
            for now in 0..6000_i64 {
                for (n, _) in told.iter().filter(|(_, at)| *at == now) {
                    held.told(service(*n), Moment(now));
                }
                for hint in held.due(Moment(now)) {
                    given.push(((0..3).find(|n| service(*n) == hint).unwrap(), now));
                }
            }
            for (n, at) in told {
                prop_assert!(given.iter().any(|(other, when)| *other == n && (at..=at + 1000).contains(when)));
            }
            for n in 0..3 {
                let times: Vec<i64> = given.iter().filter(|(other, _)| *other == n).map(|(_, at)| *at).collect();
                prop_assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 1000), "{times:?}");
            }
            prop_assert_eq!(held.next(), None);
        }
    }
}

//! Whether writes that were made before are made again: what takes and is changed back each time, or does
//! not take at all, is not written for ever. Pure, over times and digests; numbers: gitops-controllers d.4.
//!
//! AWS normalises what it is given in ways that no table lists, and other controllers and people write too.
//! Neither is told from the outside by one pass: the very same writes of one key, again and again, are.
//!
//! | made within the hour, with nothing new between | since the last | decision |
//! |---|---|---|
//! | never | any | write |
//! | less than [`MOST`] times | it took, and the wait is not over | wait |
//! | less than [`MOST`] times | else | write |
//! | [`MOST`] times | any | hold |
//!
//! Invariants:
//! - Writes that were never made are always made.
//! - A hold ends with the difference, an hour later, or by a person: time alone does not end it.
//! - Losing the memory costs at most [`MOST`] writes.

use std::time::Duration;

use crate::model::Moment;

/// How often the very same writes may be made within [`WINDOW`].
const MOST: usize = 5;

/// For how long writes are remembered.
const WINDOW: Duration = Duration::from_hours(1);

/// The wait after the first time and the longest; each is three times the one before.
const PAUSES: (Duration, Duration) = (Duration::from_secs(10), Duration::from_mins(5));

/// How many writes are remembered; the oldest make room.
const KEPT: usize = 64;

/// Writes that AWS accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Made {
    at: Moment,
    digest: String,
    /// Whether live state was seen to be as declared since.
    took: bool,
}

/// The writes for one key lately.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Writes {
    /// Oldest first.
    made: Vec<Made>,
    /// When writes were last made that had not been made before.
    news: Moment,
}

/// What is to become of writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// They are made.
    Write,
    /// They were made so many times, and are made again at this moment.
    Wait(usize, Moment),
    /// They were made so many times, and are not made again.
    Hold(usize),
}

impl Writes {
    /// What is to become of the writes of this digest.
    pub(super) fn verdict(&self, digest: &str, now: Moment) -> Verdict {
        let same = |made: &&Made| made.digest == digest && made.at >= self.news;
        let times = self.made.iter().filter(same).count();
        let Some(last) = self.made.iter().rfind(same) else {
            return Verdict::Write;
        };
        if times >= MOST {
            return Verdict::Hold(times);
        }
        let factor = 3_u32.saturating_pow(u32::try_from(times - 1).unwrap_or(u32::MAX));
        let until = last.at.plus(PAUSES.0.saturating_mul(factor).min(PAUSES.1));
        if last.took && now < until {
            return Verdict::Wait(times, until);
        }
        Verdict::Write
    }

    /// Takes in that the writes of this digest were made.
    pub(super) fn made(&mut self, digest: &str, at: Moment) {
        if self.made.iter().all(|made| made.digest != digest) {
            self.news = at;
        }
        let excess = (self.made.len() + 1).saturating_sub(KEPT);
        self.made.drain(..excess);
        self.made.push(Made {
            at,
            digest: digest.to_owned(),
            took: false,
        });
    }

    /// Takes in that nothing differs.
    pub(super) fn agreed(&mut self, now: Moment) {
        self.made.retain(|made| now.since(made.at) < WINDOW);
        for made in &mut self.made {
            made.took = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Moment {
        Moment(1_000_000_000 + seconds * 1000)
    }

    /// Somebody changes a field back as often as this, and each pass sees it.
    fn flipped_every(seconds: i64, until: i64) -> (Writes, Vec<i64>) {
        let mut writes = Writes::default();
        let mut made = Vec::new();
        for time in (0..until).step_by(5) {
            // The first writes came with the manifest, and took.
            if time % seconds == 0 {
                let verdict = writes.verdict("a", at(time));
                if verdict == Verdict::Write {
                    writes.made("a", at(time));
                    made.push(time);
                }
            } else if made
                .last()
                .is_some_and(|last| last / seconds == time / seconds)
            {
                writes.agreed(at(time));
            }
        }
        (writes, made)
    }

    #[test]
    fn what_somebody_changes_back_each_time_is_held_after_five_times_in_an_hour() {
        let (writes, made) = flipped_every(600, 4000);
        assert_eq!(made, [0, 600, 1200, 1800, 2400]);
        assert_eq!(writes.verdict("a", at(4000)), Verdict::Hold(5));
        assert_eq!(writes.verdict("a", at(100_000)), Verdict::Hold(5));
        let (_, made) = flipped_every(900, 20_000);
        assert_eq!(
            made.len(),
            20_000_usize.div_ceil(900),
            "four an hour are healed for ever"
        );
    }

    #[test]
    fn what_takes_is_written_again_after_longer_and_longer() {
        let mut writes = Writes::default();
        let mut now = 0;
        let mut waits = Vec::new();
        while let verdict @ (Verdict::Write | Verdict::Wait(..)) = writes.verdict("a", at(now)) {
            if let Verdict::Wait(_, until) = verdict {
                waits.push(until.since(at(now)).as_secs());
                now = (until.0 - at(0).0) / 1000;
            }
            writes.made("a", at(now));
            writes.agreed(at(now));
        }
        assert_eq!(waits, [10, 30, 90, 270]);
    }

    #[test]
    fn what_does_not_take_is_tried_at_once_and_given_up() {
        let mut writes = Writes::default();
        for second in 0..5 {
            assert_eq!(writes.verdict("a", at(second)), Verdict::Write);
            writes.made("a", at(second));
        }
        assert_eq!(writes.verdict("a", at(5)), Verdict::Hold(5));
        assert_eq!(writes.verdict("b", at(5)), Verdict::Write, "never made");
        writes.agreed(at(6));
        assert_eq!(writes.verdict("a", at(7)), Verdict::Hold(5), "it came back");
        writes.agreed(at(3700));
        assert_eq!(
            writes.verdict("a", at(3701)),
            Verdict::Write,
            "an hour of peace"
        );
    }

    #[test]
    fn two_fields_in_turn_are_one_fight_and_a_new_release_is_none() {
        let mut writes = Writes::default();
        for second in 0..5 {
            writes.made("a", at(second));
            writes.made("b", at(second));
        }
        assert_eq!(writes.verdict("a", at(5)), Verdict::Hold(5));
        let mut writes = Writes::default();
        for second in 0..9 {
            writes.made(&format!("deploy {second}"), at(second * 10));
            writes.made("suspend", at(second * 10 + 1));
            writes.made("resume", at(second * 10 + 2));
            assert_eq!(
                writes.verdict("suspend", at(second * 10 + 9)),
                Verdict::Write
            );
        }
    }
}

//! When a source that is asked over a network is asked again. Knows no source; reads tokio's clock alone.

use std::time::Duration;

use tokio::time::Instant;

/// The longest time between two tries of a source that fails, if its interval is not longer.
const BACKOFF: Duration = Duration::from_mins(10);

/// When one source is due.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Schedule {
    /// `None`: now.
    due: Option<Instant>,
    failures: u32,
}

impl Schedule {
    /// How long until it is due.
    pub(super) fn wait(&self) -> Duration {
        let due = self.due.map(|due| due.duration_since(Instant::now()));
        due.unwrap_or_default()
    }

    /// It was asked. The next time is after the interval with jitter, and longer from failure to failure.
    pub(super) fn asked(&mut self, failed: bool, interval: Duration) {
        self.failures = if failed {
            self.failures.saturating_add(1)
        } else {
            0
        };
        let doubled = interval.saturating_mul(1 << self.failures.min(8));
        let wait = doubled
            .min(BACKOFF.max(interval))
            .mul_f64(0.9 + 0.2 * fastrand::f64());
        self.due = Some(Instant::now() + wait);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn failures_are_tried_less_and_less_often() {
        let mut schedule = Schedule::default();
        assert_eq!(schedule.wait(), Duration::ZERO);
        let minute = Duration::from_mins(1);
        for (failed, minutes) in [
            (false, 1),
            (true, 2),
            (true, 4),
            (true, 8),
            (true, 10),
            (false, 1),
        ] {
            schedule.asked(failed, minute);
            let wait = schedule.wait();
            let expected = minute * minutes;
            assert!(
                wait >= expected.mul_f64(0.9) && wait <= expected.mul_f64(1.1),
                "{wait:?}"
            );
        }
        tokio::time::advance(minute * 2).await;
        assert_eq!(schedule.wait(), Duration::ZERO);
        // Daemons that were started together do not ask together.
        let mut waits: Vec<Duration> = (0..100)
            .map(|_| {
                schedule.asked(false, minute);
                schedule.wait()
            })
            .collect();
        waits.sort();
        assert!(waits[0] < minute.mul_f64(0.95) && waits[99] > minute.mul_f64(1.05));
        waits.dedup();
        assert!(waits.len() > 50, "{waits:?}");
        // An interval that is longer than the backoff stays.
        schedule.asked(true, minute * 60);
        assert!(schedule.wait() > minute * 50);
    }
}

//! The one clock of the program. Not for planners: they get a [`Moment`] handed in.
//!
//! Invariants:
//! - Every wait of the controller, the pacer and the sandbox goes through here, so `--speed N` makes
//!   N simulated seconds of a real one everywhere at once, and paused tokio time drives all of it.
//! - Moments never go backwards: the wall clock is read once, at the start.

use std::time::Duration;

use tokio::time::Instant;

use crate::model::Moment;

/// A clock that runs `speed` times as fast as tokio's.
#[derive(Clone, Debug)]
pub struct Clock {
    base: Moment,
    start: Instant,
    speed: u32,
}

impl Clock {
    /// A clock that shows `base` now. A speed of 0 counts as 1.
    pub fn starting_at(base: Moment, speed: u32) -> Self {
        Self {
            base,
            start: Instant::now(),
            speed: speed.max(1),
        }
    }

    /// A clock that shows the machine's time now.
    pub fn wall(speed: u32) -> Self {
        Self::starting_at(Moment(jiff::Timestamp::now().as_millisecond()), speed)
    }

    /// The time.
    pub fn now(&self) -> Moment {
        self.base.plus(self.start.elapsed() * self.speed)
    }

    /// Waits this long by this clock.
    pub async fn sleep(&self, simulated: Duration) {
        tokio::time::sleep(simulated / self.speed).await;
    }

    /// Waits until this clock shows `moment`; not at all if it is past.
    pub async fn sleep_until(&self, moment: Moment) {
        let left = moment.since(self.now());
        if !left.is_zero() {
            // One millisecond more than the truncated division, so that the moment has come when
            // the sleep ends and no caller spins on the rounding.
            tokio::time::sleep(left / self.speed + Duration::from_millis(1)).await;
        }
    }

    /// How many simulated seconds pass in a real one.
    pub fn speed(&self) -> u32 {
        self.speed
    }
}

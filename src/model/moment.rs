//! A point in time as a value. Not a clock: moments are handed in by the edges (`crate::clock`).

use std::time::Duration;

/// Milliseconds since the Unix epoch. Under `--sandbox` these are simulated milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub i64);

impl Moment {
    /// This moment and a while. Saturates.
    #[must_use]
    pub fn plus(self, while_: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(while_.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// This moment less a while. Saturates.
    #[must_use]
    pub fn minus(self, while_: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(while_.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// The time since `earlier`; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// A time in seconds since the epoch, as AWS's JSON protocols give it. Saturates.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "milliseconds since 1970 fit 63 bits; a float outside them saturates"
    )]
    pub fn of_seconds(seconds: f64) -> Self {
        Self((seconds * 1000.0).round() as i64)
    }

    /// Seconds since the epoch, as Prometheus wants them.
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds since 1970 fit 53 bits until the year 287396"
    )]
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }
}

//! How production traffic moves: the share of the replacement task set as a function of time. Not
//! the listeners it is written to.

use serde_json::{Value, json};

use super::super::Time;

/// A deployment configuration's traffic routing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Routing {
    /// Everything at once.
    AllAtOnce,
    /// A first part, and after a while the rest.
    Canary {
        /// The first part, in percent.
        percent: u32,
        /// Minutes until the rest.
        minutes: u32,
    },
    /// Equal parts at equal intervals.
    Linear {
        /// Each part, in percent.
        percent: u32,
        /// Minutes between two parts.
        minutes: u32,
    },
}

impl Routing {
    /// The percentage on the replacement task set, `elapsed` milliseconds after the shift began.
    pub(super) fn share_after(self, elapsed: Time) -> u32 {
        let intervals = |minutes: u32| elapsed.max(0) / (Time::from(minutes.max(1)) * 60_000);
        match self {
            Self::Canary { percent, minutes } if intervals(minutes) == 0 => percent,
            Self::AllAtOnce | Self::Canary { .. } => 100,
            Self::Linear { percent, minutes } => {
                let parts = u32::try_from(intervals(minutes)).unwrap_or(100).min(100) + 1;
                (parts * percent).min(100)
            }
        }
    }

    /// The `trafficRoutingConfig` member.
    pub(super) fn to_json(self) -> Value {
        match self {
            Self::AllAtOnce => json!({"type": "AllAtOnce"}),
            Self::Canary { percent, minutes } => json!({
                "type": "TimeBasedCanary",
                "timeBasedCanary": {"canaryPercentage": percent, "canaryInterval": minutes},
            }),
            Self::Linear { percent, minutes } => json!({
                "type": "TimeBasedLinear",
                "timeBasedLinear": {"linearPercentage": percent, "linearInterval": minutes},
            }),
        }
    }

    /// Reads a `trafficRoutingConfig`. The error says which member is wrong. Bounds are those
    /// documented for Lambda (1 to 99 percent, 1 to 2880 minutes); for ECS none are published.
    pub(super) fn from_json(value: &Value) -> Result<Self, String> {
        let kind = value
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let read = |outer: &str, inner: &str, high: u64| {
            let found = value
                .get(outer)
                .and_then(|v| v.get(inner))
                .and_then(Value::as_u64);
            found
                .filter(|n| (1..=high).contains(n))
                .and_then(|n| u32::try_from(n).ok())
                .ok_or_else(|| format!("{outer}.{inner} must be a number from 1 to {high}"))
        };
        match kind {
            "AllAtOnce" => Ok(Self::AllAtOnce),
            "TimeBasedCanary" => Ok(Self::Canary {
                percent: read("timeBasedCanary", "canaryPercentage", 99)?,
                minutes: read("timeBasedCanary", "canaryInterval", 2880)?,
            }),
            "TimeBasedLinear" => Ok(Self::Linear {
                percent: read("timeBasedLinear", "linearPercentage", 99)?,
                minutes: read("timeBasedLinear", "linearInterval", 2880)?,
            }),
            other => Err(format!(
                "type {other:?} is not one of TimeBasedCanary, TimeBasedLinear, AllAtOnce"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_follow_the_clock() {
        let minute = 60_000;
        let canary = Routing::Canary {
            percent: 10,
            minutes: 5,
        };
        assert_eq!(canary.share_after(5 * minute - 1), 10);
        assert_eq!(canary.share_after(5 * minute), 100);
        let linear = Routing::Linear {
            percent: 10,
            minutes: 3,
        };
        assert_eq!(linear.share_after(0), 10);
        assert_eq!(linear.share_after(9 * minute), 40);
        assert_eq!(linear.share_after(27 * minute), 100);
        let uneven = Routing::Linear {
            percent: 33,
            minutes: 1,
        };
        assert_eq!(uneven.share_after(2 * minute), 99);
        assert_eq!(uneven.share_after(3 * minute), 100);
    }
}

//! Simulated times as the protocols write them. Not a clock.

use super::Time;

/// Seconds since the epoch, the JSON protocol's timestamp.
#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of this millennium fit 53 bits"
)]
pub(crate) fn seconds(time: Time) -> f64 {
    time as f64 / 1000.0
}

/// `2026-11-20T10:00:00.000Z`, the Query protocol's timestamp. The calendar is computed by the days-from-civil method, inverted
/// (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
pub(crate) fn iso8601(time: Time) -> String {
    let (days, ms) = (time.div_euclid(86_400_000), time.rem_euclid(86_400_000));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 {
        month_index + 3
    } else {
        month_index - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (seconds, ms) = (ms / 1000, ms % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_aws_writes_them() {
        assert_eq!(iso8601(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso8601(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(iso8601(1_795_171_648_123), "2026-11-20T10:47:28.123Z");
    }
}

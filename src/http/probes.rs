//! Whether the program is alive, and whether it is ready. Pure.

use std::time::Duration;

use super::STALE_AFTER;
use crate::model::Moment;
use crate::status::Status;

/// Why the program is not alive, if it is not: its loop has not turned for [`STALE_AFTER`] of real
/// time.
///
/// `since` is when the server started: a loop that never turns is wedged too, but not at once.
/// `speed` is how many seconds of `now`'s clock pass in a real one.
pub(super) fn wedged(status: &Status, since: Moment, now: Moment, speed: u32) -> Option<String> {
    let age = now.since(status.heartbeat.max(since)) / speed.max(1);
    if age <= STALE_AFTER {
        return None;
    }
    let turned = if status.heartbeat < since {
        "has not turned since the start"
    } else {
        "last turned"
    };
    Some(format!(
        "the loop {turned}, {} ago; the limit is {}",
        seconds(age),
        seconds(STALE_AFTER)
    ))
}

/// What is missing before the program is ready; empty if it is.
pub(super) fn missing(status: &Status) -> Vec<&'static str> {
    [
        (
            status.source.last_success.is_none(),
            "the source has not been read",
        ),
        (
            status.account.is_none(),
            "the AWS credentials are not proven",
        ),
        (
            !status.first_cycle_done,
            "not every resource has been passed over",
        ),
        (status.stopping, "the program is stopping"),
    ]
    .into_iter()
    .filter_map(|(lacks, what)| lacks.then_some(what))
    .collect()
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heartbeat_ages_in_real_time() {
        let status = Status {
            heartbeat: Moment(100_000),
            ..Status::default()
        };
        let start = Moment(0);
        let late = Moment(100_000 + 61_000);
        assert_eq!(wedged(&status, start, Moment(100_000 + 60_000), 1), None);
        assert_eq!(
            wedged(&status, start, late, 1).unwrap(),
            "the loop last turned, 61 s ago; the limit is 60 s"
        );
        assert_eq!(
            wedged(&status, start, late, 60),
            None,
            "61 simulated seconds are one real one"
        );
        let much_later = Moment(100_000 + 60 * 61_000);
        assert!(wedged(&status, start, much_later, 60).is_some());
    }

    #[test]
    fn a_loop_that_never_turns_is_wedged_after_the_same_time() {
        let start = Moment(1_000_000);
        assert_eq!(wedged(&Status::default(), start, start, 1), None);
        let reason = wedged(&Status::default(), start, Moment(1_061_000), 1).unwrap();
        assert!(
            reason.contains("has not turned since the start"),
            "{reason}"
        );
    }

    #[test]
    fn missing_agrees_with_ready() {
        let mut status = Status::default();
        assert_eq!(missing(&status).len(), 3);
        status.source.last_success = Some(Moment(1));
        status.account = Some("123456789012".to_owned());
        status.first_cycle_done = true;
        assert!(missing(&status).is_empty() && status.ready());
        status.stopping = true;
        assert_eq!(missing(&status), ["the program is stopping"]);
        assert!(!status.ready());
    }
}

//! Failed tasks: counting them, and slowing down after several in a row.

use super::super::services::Service;
use super::super::{Time, tasks::Stop};

/// Failures in a row that are replaced at once (service-throttle-logic page: repeatedly failing
/// tasks are throttled; the numbers are not published).
const AT_ONCE: u32 = 3;

/// The first wait and the longest one, in milliseconds.
const WAIT: (Time, Time) = (10_000, 300_000);

/// Records that a task of a set failed.
pub(crate) fn record(service: &mut Service, set: &str, stop: &Stop, now: Time) {
    let Some(set) = service.set_mut(set) else {
        return;
    };
    set.failed += 1;
    set.failed_in_a_row += 1;
    set.last_stop_reason = Some(stop.reason.clone());
    let over = set.failed_in_a_row.saturating_sub(AT_ONCE);
    if set.failed_in_a_row < AT_ONCE {
        return;
    }
    set.launch_after = now + (WAIT.0 << over.min(5)).min(WAIT.1);
    let id = set.id.clone();
    if over == 0 {
        service.set_event(
            now,
            &id,
            "is unable to consistently start tasks successfully. For more information, see the \
             Troubleshooting section of the Amazon ECS Developer Guide.",
        );
    }
}

//! When to look again: a pure function of an outcome. Numbers: gitops-controllers d.4.

use std::time::Duration;

use crate::model::{Outcome, Wait};

/// After a write: AWS's reads lag behind its writes by about a second.
pub(super) const AFTER_WRITE: Duration = Duration::from_secs(2);

/// While a deployment is in flight or AWS is building something up.
pub(super) const IN_FLIGHT: Duration = Duration::from_secs(5);

/// While waiting for another resource, which wakes its dependents when it changes: a safety net.
const DEPENDENCY: Duration = Duration::from_secs(30);

/// While waiting for a push to a repository, an approval, or the end of a hold.
const EXTERNAL: Duration = Duration::from_secs(15);

/// When nothing is wrong.
const IDLE: Duration = Duration::from_mins(1);

/// The first wait after a failure, and the longest.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(5));

/// How long until the next pass.
///
/// `failures` counts passes in a row that ended [`Outcome::Failed`] or with an error that passes by
/// itself, this one included. `luck` is a random number in 0..1: failures wait ±20 % and idle keys
/// ±10 %, so that keys do not march in step.
pub(super) fn requeue(outcome: &Outcome, failures: u32, luck: f64) -> Duration {
    match outcome {
        Outcome::Converged | Outcome::Blocked(..) => jittered(IDLE, 0.1, luck),
        Outcome::Acting(_) => AFTER_WRITE,
        Outcome::Failed(..) => backoff(failures, luck),
        Outcome::Waiting(wait, _) => match wait {
            Wait::RolloutInProgress
            | Wait::TaskRunning
            | Wait::Provisioning
            | Wait::ForeignDeployment => IN_FLIGHT,
            Wait::ApprovalPending | Wait::ImageNotFound | Wait::Held => EXTERNAL,
            Wait::DependencyNotReady | Wait::DriftGrace | Wait::HealBackoff => DEPENDENCY,
            // Until it opens it rests; the plan says when that is.
            // And whoever frees a place wakes who is next.
            Wait::WindowClosed | Wait::RolloutLimit => jittered(IDLE, 0.1, luck),
            Wait::ObservationUnknown | Wait::TransientError => backoff(failures, luck),
        },
    }
}

/// How stale a shared observation may be for a pass after this outcome: half of the wait that led
/// to it, so that keys with like rhythms share their reads and none sees its own past twice.
pub(super) fn tolerance(outcome: Option<&Outcome>) -> Duration {
    match outcome {
        Some(
            Outcome::Converged
            | Outcome::Blocked(..)
            | Outcome::Waiting(Wait::WindowClosed | Wait::RolloutLimit, _),
        ) => IDLE / 2,
        Some(Outcome::Waiting(
            Wait::RolloutInProgress
            | Wait::TaskRunning
            | Wait::Provisioning
            | Wait::ForeignDeployment,
            _,
        )) => IN_FLIGHT / 2,
        Some(Outcome::Waiting(Wait::ImageNotFound | Wait::ApprovalPending | Wait::Held, _)) => {
            EXTERNAL / 2
        }
        Some(Outcome::Acting(_) | Outcome::Waiting(..) | Outcome::Failed(..)) | None => {
            Duration::from_secs(1)
        }
    }
}

pub(super) fn backoff(failures: u32, luck: f64) -> Duration {
    let doubled = BACKOFF
        .0
        .saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)));
    jittered(doubled.min(BACKOFF.1), 0.2, luck)
}

fn jittered(base: Duration, by: f64, luck: f64) -> Duration {
    base.mul_f64(1.0 - by + 2.0 * by * luck.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Block, Fail};

    #[test]
    fn failures_back_off_to_five_minutes() {
        let failed = Outcome::Failed(Fail::Rejected, String::new());
        let waits: Vec<u64> = (1..=9)
            .map(|n| requeue(&failed, n, 0.5).as_secs())
            .collect();
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
        assert_eq!(requeue(&failed, u32::MAX, 1.0), Duration::from_mins(6));
    }

    #[test]
    fn an_idle_key_is_looked_at_about_once_a_minute() {
        assert_eq!(
            requeue(&Outcome::Converged, 0, 0.0),
            Duration::from_secs(54)
        );
        assert_eq!(
            requeue(&Outcome::Blocked(Block::Quarantined, String::new()), 0, 1.0),
            Duration::from_secs(66)
        );
    }

    #[test]
    fn an_observation_is_never_older_than_the_wait_before_it() {
        for outcome in [
            Outcome::Converged,
            Outcome::Acting(String::new()),
            Outcome::Waiting(Wait::RolloutInProgress, String::new()),
            Outcome::Waiting(Wait::TaskRunning, String::new()),
            Outcome::Waiting(Wait::ImageNotFound, String::new()),
            Outcome::Waiting(Wait::WindowClosed, String::new()),
            Outcome::Waiting(Wait::RolloutLimit, String::new()),
            Outcome::Failed(Fail::Internal, String::new()),
        ] {
            assert!(
                tolerance(Some(&outcome)) < requeue(&outcome, 1, 0.0),
                "{outcome}"
            );
        }
    }
}

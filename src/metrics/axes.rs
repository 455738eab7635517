//! A service's sync and health as words: two independent axes (gitops-controllers d.1), derived
//! from what the last pass found. Not an input of any decision.

use std::time::Duration;

use crate::model::{Block, Fail, Moment, Outcome, RolloutStage, Wait};
use crate::status::ResourceStatus;

/// The sync axis.
pub(super) const SYNC: [&str; 4] = ["Synced", "OutOfSync", "Unknown", "Invalid"];

/// The health axis.
pub(super) const HEALTH: [&str; 6] = [
    "Healthy",
    "Progressing",
    "Suspended",
    "Degraded",
    "Missing",
    "Unknown",
];

/// How long tasks may be missing before that is no progress any more. The default of
/// `progressDeadlineSeconds` of a Kubernetes Deployment.
const PROGRESS_DEADLINE: Duration = Duration::from_mins(10);

/// Whether live content is what the manifest says. A failed read or call gives `Unknown`, never
/// `OutOfSync`, unless the same pass did find differences.
pub fn sync(status: &ResourceStatus) -> &'static str {
    let unless_drifted = |word| {
        if status.drift.is_empty() {
            word
        } else {
            "OutOfSync"
        }
    };
    match &status.outcome {
        Outcome::Converged => "Synced",
        Outcome::Blocked(Block::ManifestInvalid, _) => "Invalid",
        Outcome::Waiting(Wait::ObservationUnknown, _) => "Unknown",
        Outcome::Waiting(Wait::Provisioning, _) | Outcome::Blocked(Block::TrafficMismatch, _) => {
            unless_drifted("Synced")
        }
        // Before the rollout something differs, after it nothing does.
        Outcome::Waiting(Wait::TaskRunning, _) | Outcome::Failed(Fail::TaskFailed, _)
            if status.arn.is_some() =>
        {
            unless_drifted("Synced")
        }
        Outcome::Waiting(
            Wait::DependencyNotReady | Wait::ForeignDeployment | Wait::TransientError,
            _,
        )
        | Outcome::Blocked(Block::Unsupported, _)
        | Outcome::Failed(Fail::AccessDenied | Fail::Internal, _) => unless_drifted("Unknown"),
        Outcome::Acting(_)
        | Outcome::Waiting(
            Wait::Held
            | Wait::ImageNotFound
            | Wait::RolloutInProgress
            | Wait::TaskRunning
            | Wait::ApprovalPending
            | Wait::DriftGrace
            | Wait::HealBackoff
            | Wait::WindowClosed
            | Wait::RolloutLimit,
            _,
        )
        | Outcome::Blocked(
            Block::RecreateRequired
            | Block::Quarantined
            | Block::NoDeploymentGroup
            | Block::DriftKept
            | Block::DriftFound
            | Block::ApprovalTimedOut
            | Block::Contested,
            _,
        )
        | Outcome::Failed(
            Fail::Rejected | Fail::QuotaExceeded | Fail::RolloutFailed | Fail::TaskFailed,
            _,
        ) => "OutOfSync",
    }
}

/// How the live service does, whatever the manifest says. `now` is the controller's time.
pub fn health(status: &ResourceStatus, now: Moment) -> &'static str {
    if matches!(
        status.outcome,
        Outcome::Waiting(Wait::ObservationUnknown, _)
    ) {
        return "Unknown";
    }
    match status.rollout.as_ref().map(|rollout| rollout.stage) {
        Some(RolloutStage::AwaitingApproval) => return "Suspended",
        Some(_) => return "Progressing",
        None => {}
    }
    if matches!(
        status.outcome,
        Outcome::Failed(Fail::RolloutFailed | Fail::TaskFailed, _)
            | Outcome::Blocked(Block::Quarantined | Block::TrafficMismatch, _)
    ) {
        return "Degraded";
    }
    // All tasks may run, and none of them be healthy yet.
    let builds = matches!(status.outcome, Outcome::Waiting(Wait::Provisioning, _));
    match (status.tasks, &status.arn) {
        (Some(tasks), _) if tasks.running >= tasks.desired && !builds => "Healthy",
        (Some(_), _) if now.since(status.since) < PROGRESS_DEADLINE => "Progressing",
        (Some(_), _) => "Degraded",
        (None, None) if looked(&status.outcome) => "Missing",
        (None, _) => "Unknown",
    }
}

/// Whether the pass that ended so has looked for the service at AWS, so that no ARN means none.
fn looked(outcome: &Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Acting(_)
            | Outcome::Waiting(
                Wait::Held | Wait::ImageNotFound | Wait::Provisioning | Wait::TaskRunning,
                _
            )
            | Outcome::Failed(Fail::Rejected | Fail::QuotaExceeded, _)
    )
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::model::{Drift, Rollout, Tasks};

    fn status(outcome: Outcome) -> ResourceStatus {
        ResourceStatus::new(outcome, Moment(0))
    }

    #[test]
    fn every_outcome_has_its_sync_status() {
        let drift = Drift {
            path: "/a".to_owned(),
            live: Value::Null,
            desired: Value::Null,
            reset: false,
        };
        for (outcome, clean, drifted) in [
            (Outcome::Converged, "Synced", "Synced"),
            (Outcome::Acting(String::new()), "OutOfSync", "OutOfSync"),
            (
                Outcome::Waiting(Wait::ObservationUnknown, String::new()),
                "Unknown",
                "Unknown",
            ),
            (
                Outcome::Waiting(Wait::TransientError, String::new()),
                "Unknown",
                "OutOfSync",
            ),
            (
                Outcome::Waiting(Wait::DependencyNotReady, String::new()),
                "Unknown",
                "OutOfSync",
            ),
            (
                Outcome::Waiting(Wait::Provisioning, String::new()),
                "Synced",
                "OutOfSync",
            ),
            (
                Outcome::Waiting(Wait::DriftGrace, String::new()),
                "OutOfSync",
                "OutOfSync",
            ),
            (
                Outcome::Blocked(Block::ManifestInvalid, String::new()),
                "Invalid",
                "Invalid",
            ),
            (
                Outcome::Blocked(Block::Quarantined, String::new()),
                "OutOfSync",
                "OutOfSync",
            ),
            (
                Outcome::Failed(Fail::AccessDenied, String::new()),
                "Unknown",
                "OutOfSync",
            ),
            (
                Outcome::Failed(Fail::RolloutFailed, String::new()),
                "OutOfSync",
                "OutOfSync",
            ),
        ] {
            let mut status = status(outcome.clone());
            assert_eq!(sync(&status), clean, "{outcome:?}");
            status.drift = vec![drift.clone()];
            assert_eq!(sync(&status), drifted, "{outcome:?} with drift");
        }
    }

    #[test]
    fn health_is_about_the_live_service() {
        let tasks = |running| {
            Some(Tasks {
                desired: 2,
                running,
                pending: 0,
            })
        };
        let soon = Moment(60_000);
        let late = Moment(601_000);

        let mut one = status(Outcome::Converged);
        assert_eq!(health(&one, soon), "Unknown");
        one.tasks = tasks(2);
        assert_eq!(health(&one, late), "Healthy");
        one.tasks = tasks(1);
        assert_eq!(health(&one, soon), "Progressing");
        assert_eq!(health(&one, late), "Degraded");

        one.tasks = tasks(2);
        one.outcome = Outcome::Waiting(Wait::Provisioning, String::new());
        assert_eq!(health(&one, soon), "Progressing");
        assert_eq!(health(&one, late), "Degraded");

        one.outcome = Outcome::Blocked(Block::Quarantined, String::new());
        assert_eq!(health(&one, soon), "Degraded");
        one.rollout = Some(Rollout {
            id: "d-1".to_owned(),
            ours: true,
            stage: RolloutStage::AwaitingApproval,
            events: Vec::new(),
            weights: None,
            superseded: false,
        });
        assert_eq!(health(&one, soon), "Suspended");

        let unseen = status(Outcome::Waiting(Wait::DependencyNotReady, String::new()));
        assert_eq!(health(&unseen, soon), "Unknown");
        assert_eq!(
            health(&status(Outcome::Acting(String::new())), soon),
            "Missing"
        );
        one.outcome = Outcome::Waiting(Wait::ObservationUnknown, String::new());
        assert_eq!(health(&one, soon), "Unknown");
    }
}

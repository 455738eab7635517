//! Answers of the API as JSON documents. Times are RFC 3339 in UTC, names are camelCase, what is not
//! known is `null`.

use serde_json::{Value, json};

use crate::http::status::time;
use crate::metrics::{health, sync};
use crate::model::{Block, Fail, Kind, Moment, Outcome, PastRollout, RolloutStage, Wait};
use crate::status::{Event, ResourceStatus};

/// A condition, as Kubernetes users read them: a word, whether it holds, and why.
fn condition(name: &str, holds: Option<bool>, reason: &str) -> Value {
    let word = match holds {
        Some(true) => "True",
        Some(false) => "False",
        None => "Unknown",
    };
    json!({
        "type": name,
        "status": word,
        "reason": reason,
    })
}

/// The conditions of a resource: `Ready` and `Drifted` always; `Reconciling` (time or this program moves
/// it on) or `Stalled` (only a person or a manifest does) where true; of a service `Healthy` too.
pub(super) fn conditions(kind: Kind, status: &ResourceStatus, now: Moment) -> Vec<Value> {
    let outcome = &status.outcome;
    let unseen = matches!(outcome, Outcome::Waiting(Wait::ObservationUnknown, _));
    let ready = if unseen {
        None
    } else {
        Some(*outcome == Outcome::Converged)
    };
    let reason = outcome.reason();
    let mut all = vec![condition("Ready", ready, reason)];
    match outcome {
        Outcome::Converged => {}
        Outcome::Acting(_) | Outcome::Waiting(..) => {
            all.push(condition("Reconciling", Some(true), reason));
        }
        Outcome::Blocked(..) | Outcome::Failed(..) => {
            all.push(condition("Stalled", Some(true), reason));
        }
    }
    let (drifted, why) = match sync(status) {
        "Synced" => (Some(false), "Synced"),
        "OutOfSync" => (Some(true), "OutOfSync"),
        "Invalid" => (None, "ManifestInvalid"),
        _ => (None, "Unknown"),
    };
    all.push(condition("Drifted", drifted, why));
    if kind == Kind::Service {
        let health = health(status, now);
        let healthy = match health {
            "Healthy" => Some(true),
            "Unknown" => None,
            _ => Some(false),
        };
        all.push(condition("Healthy", healthy, health));
    }
    let quarantined = matches!(
        outcome,
        Outcome::Blocked(Block::Quarantined, _)
            | Outcome::Failed(Fail::RolloutFailed | Fail::TaskFailed, _)
    );
    if quarantined {
        all.push(condition("Quarantined", Some(true), reason));
    }
    if let Some(hold) = &status.hold {
        all.push(condition("Suspended", Some(true), hold.scope.label()));
    }
    if let Some(rollout) = &status.rollout {
        let stage = rollout.stage.label();
        all.push(condition("Progressing", Some(true), stage));
    }
    let asks = matches!(
        outcome,
        Outcome::Waiting(Wait::ApprovalPending, _) | Outcome::Blocked(Block::ApprovalTimedOut, _)
    );
    let approval = asks
        || (status.rollout.as_ref())
            .is_some_and(|rollout| rollout.stage == RolloutStage::AwaitingApproval);
    if approval {
        all.push(condition("AwaitingApproval", Some(true), reason));
    }
    all
}

/// An event.
pub(super) fn event(event: &Event) -> Value {
    json!({
        "number": event.number,
        "at": time(Some(event.at)),
        "kind": event.kind.label(),
        "resource": event.key.as_ref().map(ToString::to_string),
        "text": event.text,
    })
}

/// A rollout of the past.
pub(super) fn past(past: &PastRollout) -> Value {
    json!({
        "id": past.id,
        "status": past.status,
        "createdAt": time(past.created),
        "endedAt": time(past.ended),
        "by": past.by,
        "revision": past.revision,
        "commit": past.commit,
        "why": past.why,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Tasks;

    fn words(outcome: Outcome) -> Vec<String> {
        let mut status = ResourceStatus::new(outcome, Moment(0));
        status.tasks = Some(Tasks {
            desired: 1,
            running: 1,
            pending: 0,
        });
        conditions(Kind::Service, &status, Moment(0))
            .iter()
            .map(|one| {
                let text = |member: &str| one[member].as_str().unwrap();
                format!("{}={} {}", text("type"), text("status"), text("reason"))
            })
            .collect()
    }

    #[test]
    fn every_outcome_has_its_conditions() {
        assert_eq!(
            words(Outcome::Converged),
            [
                "Ready=True Succeeded",
                "Drifted=False Synced",
                "Healthy=True Healthy"
            ]
        );
        assert_eq!(
            words(Outcome::Waiting(Wait::ObservationUnknown, String::new())),
            [
                "Ready=Unknown ObservationUnknown",
                "Reconciling=True ObservationUnknown",
                "Drifted=Unknown Unknown",
                "Healthy=Unknown Unknown"
            ]
        );
        assert_eq!(
            words(Outcome::Failed(Fail::RolloutFailed, String::new())),
            [
                "Ready=False RolloutFailed",
                "Stalled=True RolloutFailed",
                "Drifted=True OutOfSync",
                "Healthy=False Degraded",
                "Quarantined=True RolloutFailed"
            ]
        );
    }
}

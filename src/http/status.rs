//! The status as a JSON document: for `/status` and for the commands' `--output json`.
//!
//! Invariants: times are RFC 3339 in UTC, names are camelCase, what is not known is `null`.

use serde_json::{Value, json};

use crate::metrics::sync;
use crate::model::{Drift, Hold, Key, Moment, Rollout};
use crate::status::{
    CommitStatus, OrphanStatus, PartStatus, PruneStatus, ResourceStatus, RolloutLimit, Status,
    WakeStatus, Write,
};

/// The status as JSON. Drift values come masked from the planner; nothing else can hold a secret.
pub fn status_json(status: &Status) -> Value {
    let resources: Vec<Value> = status
        .resources
        .iter()
        .map(|(key, resource)| resource_json(key, resource))
        .collect();
    let (source, resyncs) = (&status.source, &status.resyncs);
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "account": status.account,
        "region": status.region,
        "ready": status.ready(),
        "stopping": status.stopping,
        "firstCycleDone": status.first_cycle_done,
        // A status that no loop has touched has the moment 0.
        "heartbeat": time((status.heartbeat != Moment::default()).then_some(status.heartbeat)),
        "source": {
            "address": source.address,
            "revision": source.revision,
            "lastSuccess": time(source.last_success),
            "error": source.error,
            "valid": source.valid,
            "invalid": source.invalid,
            "diagnostics": source.diagnostics,
        },
        "sources": source.parts.iter().map(part_json).collect::<Vec<_>>(),
        "resyncs": {
            "requested": resyncs.requested,
            "completed": resyncs.completed,
            "requestedAt": time(resyncs.requested_at),
            "completedAt": time(resyncs.completed_at),
        },
        "wakeQueue": status.wake.as_ref().map(wake_json),
        "prune": status.prune.as_ref().map(prune_json),
        "rolloutLimits": status.rollout_limits.iter().map(limit_json).collect::<Vec<_>>(),
        "resources": resources,
    })
}

fn limit_json(limit: &RolloutLimit) -> Value {
    let label = (!limit.label.is_empty()).then_some(&limit.label);
    json!({
        "label": label,
        "value": label.map(|_| &limit.value),
        "limit": limit.most,
        "inFlight": limit.taken,
        "waiting": limit.waiting,
    })
}

fn wake_json(wake: &WakeStatus) -> Value {
    json!({
        "queue": wake.queue,
        "up": wake.is_up(),
        "since": time(wake.reached.then_some(wake.since)),
        "reason": wake.trouble.as_ref().map(|(reason, _)| reason),
        "message": wake.trouble.as_ref().map(|(_, message)| message),
        "lastMessage": time(wake.last_message),
    })
}

/// How pruning stands, or would.
pub fn prune_json(prune: &PruneStatus) -> Value {
    let orphan = |one: &OrphanStatus| {
        json!({
            "kind": one.kind,
            "name": one.name,
            "arn": one.arn,
            "state": one.state,
            "reason": one.reason,
            "message": one.message,
        })
    };
    json!({
        "lookedAt": time(prune.looked_at),
        "reason": prune.held.as_ref().map(|(reason, _)| reason),
        "message": prune.held.as_ref().map(|(_, message)| message),
        "orphans": prune.orphans.iter().map(orphan).collect::<Vec<_>>(),
    })
}

fn part_json(part: &PartStatus) -> Value {
    json!({
        "address": part.address,
        "kind": part.kind,
        "lastSuccess": time(part.last_success),
        "reason": part.trouble.as_ref().map(|(reason, _)| reason),
        "message": part.trouble.as_ref().map(|(_, message)| message),
        "commit": part.commit.as_ref().map(commit_json),
        "generation": part.generation,
        "held": part.held.as_ref().map(commit_json),
    })
}

fn commit_json(commit: &CommitStatus) -> Value {
    json!({
        "id": commit.id,
        "ref": commit.reference,
        "author": commit.author,
        "message": commit.message,
        "time": time(Some(commit.time)),
    })
}

pub(super) fn resource_json(key: &Key, resource: &ResourceStatus) -> Value {
    json!({
        "kind": key.kind.as_str(),
        "name": key.name,
        "outcome": resource.outcome.label(),
        "reason": resource.outcome.reason(),
        "message": resource.outcome.message(),
        "sync": sync(resource),
        "since": time(Some(resource.since)),
        "observedAt": time(Some(resource.observed_at)),
        "failures": resource.failures,
        "drift": resource.drift.iter().map(drift_json).collect::<Vec<_>>(),
        "rollout": resource.rollout.as_ref().map(rollout_json),
        "tasks": resource.tasks.map(|tasks| json!({
            "desired": tasks.desired,
            "running": tasks.running,
            "pending": tasks.pending,
        })),
        "service": resource.service.as_ref().map(|(cluster, service)| json!({
            "cluster": cluster,
            "name": service,
        })),
        "arn": resource.arn,
        "file": resource.file,
        "revision": resource.revision,
        "digest": resource.digest,
        "commit": resource.commit,
        "writes": resource.writes.iter().map(write_json).collect::<Vec<_>>(),
        "hold": resource.hold.as_ref().map(hold_json),
    })
}

fn hold_json(hold: &Hold) -> Value {
    json!({
        "scope": hold.scope.label(),
        "on": hold.on,
        "reason": hold.reason,
        "by": hold.by,
        "since": time(hold.since),
        "until": time(hold.until),
    })
}

fn write_json(write: &Write) -> Value {
    json!({ "at": time(Some(write.at)), "operation": write.operation, "why": write.why })
}

fn drift_json(drift: &Drift) -> Value {
    let mut document = json!({ "path": drift.path, "live": drift.live, "desired": drift.desired });
    if drift.reset {
        document["reset"] = json!(true);
    }
    document
}

fn rollout_json(rollout: &Rollout) -> Value {
    let events: Vec<Value> = rollout
        .events
        .iter()
        .map(|(name, state)| json!({ "name": name, "status": state }))
        .collect();
    json!({
        "id": rollout.id,
        "ours": rollout.ours,
        "stage": rollout.stage.label(),
        "events": events,
        "weights": rollout.weights.map(|(old, new)| json!({ "old": old, "new": new })),
    })
}

/// RFC 3339; `null` for never and for what no calendar holds.
pub(super) fn time(moment: Option<Moment>) -> Value {
    moment
        .and_then(|moment| jiff::Timestamp::from_millisecond(moment.0).ok())
        .map_or(Value::Null, |time| Value::String(time.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{HoldScope, Kind, Outcome, RolloutStage, Tasks, Wait};

    #[test]
    fn the_document_says_everything() {
        let resource = ResourceStatus {
            outcome: Outcome::Waiting(Wait::RolloutInProgress, "shifting".to_owned()),
            since: Moment(1_700_000_000_000),
            observed_at: Moment(1_700_000_000_250),
            drift: vec![Drift {
                path: "/cpu".to_owned(),
                live: json!("256"),
                desired: json!("512"),
                reset: false,
            }],
            rollout: Some(Rollout {
                id: "d-1".to_owned(),
                ours: true,
                stage: RolloutStage::Shifting,
                events: vec![("BeforeInstall".to_owned(), "Succeeded".to_owned())],
                weights: Some((90.0, 10.0)),
                superseded: false,
            }),
            tasks: Some(Tasks {
                desired: 2,
                running: 2,
                pending: 0,
            }),
            arn: Some("arn:x".to_owned()),
            service: Some(("nova".to_owned(), "auth".to_owned())),
            failures: 1,
            file: "auth.yaml".to_owned(),
            revision: Some("auth:5".to_owned()),
            digest: Some("v1:ab".to_owned()),
            commit: Some("c0ffee".to_owned()),
            writes: vec![Write {
                at: Moment(1_700_000_000_000),
                operation: "UpdateService",
                why: "update service auth".to_owned(),
            }],
            hold: Some(Hold {
                scope: HoldScope::Cluster,
                on: "cluster nova".to_owned(),
                reason: "incident 4711".to_owned(),
                by: Some("ana".to_owned()),
                since: Some(Moment(1_700_000_000_000)),
                until: None,
            }),
            waits_to_heal: false,
        };
        let mut status = Status {
            region: "eu-west-1".to_owned(),
            ..Status::default()
        };
        status
            .resources
            .insert(Key::new(Kind::Service, "auth"), resource);
        let document = status_json(&status);
        assert_eq!(document["heartbeat"], Value::Null);
        assert_eq!(document["source"]["lastSuccess"], Value::Null);
        assert_eq!(
            document["resources"],
            json!([{
                "kind": "Service",
                "name": "auth",
                "outcome": "Waiting",
                "reason": "RolloutInProgress",
                "message": "shifting",
                "sync": "OutOfSync",
                "since": "2023-11-14T22:13:20Z",
                "observedAt": "2023-11-14T22:13:20.25Z",
                "failures": 1,
                "drift": [{ "path": "/cpu", "live": "256", "desired": "512" }],
                "rollout": {
                    "id": "d-1",
                    "ours": true,
                    "stage": "Shifting",
                    "events": [{ "name": "BeforeInstall", "status": "Succeeded" }],
                    "weights": { "old": 90.0, "new": 10.0 },
                },
                "tasks": { "desired": 2, "running": 2, "pending": 0 },
                "service": { "cluster": "nova", "name": "auth" },
                "arn": "arn:x",
                "file": "auth.yaml",
                "revision": "auth:5",
                "digest": "v1:ab",
                "commit": "c0ffee",
                "writes": [{ "at": "2023-11-14T22:13:20Z", "operation": "UpdateService", "why": "update service auth" }],
                "hold": {
                    "scope": "cluster",
                    "on": "cluster nova",
                    "reason": "incident 4711",
                    "by": "ana",
                    "since": "2023-11-14T22:13:20Z",
                    "until": null,
                },
            }])
        );
    }

    #[test]
    fn a_moment_outside_the_calendar_is_null() {
        assert_eq!(time(Some(Moment(i64::MAX))), Value::Null);
    }
}

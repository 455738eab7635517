//! What the loop tells the outside about a pass: status, metrics, log. No decision.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::Controller;
use super::pass::Done;
use super::reading::{Read, Reading};
use crate::manifest::{DesiredSet, Diagnostic, Revision, Severity};
use crate::model::{Block, Fail, Key, Kind, Moment, Outcome, Rollout, RolloutStage, Wait};
use crate::source::{Commit, SourceState};
use crate::status::{
    CommitStatus, EventKind, PartStatus, ResourceStatus, SourceStatus, Status, WRITES, Write,
};

/// Takes how each source stands; gives the commits that were not in force before. `in_force`: what was
/// read came into force, or is; else the commits before are still what counts.
fn sources(
    status: &mut SourceStatus,
    states: &[SourceState],
    in_force: bool,
    now: Moment,
) -> Vec<(String, Commit)> {
    let mut news = Vec::new();
    let before = std::mem::take(&mut status.parts);
    for state in states {
        let old = before.iter().find(|part| part.address == state.address);
        let was = old.and_then(|part| part.commit.as_ref()).map(|one| &one.id);
        if let Some(commit) = &state.commit
            && in_force
            && was != Some(&commit.id)
        {
            news.push((state.address.clone(), commit.clone()));
        }
        let looks = state.look.map_or(0, |look| look.number);
        let looked = looks > old.map_or(0, |part| part.looks) && state.trouble.is_none();
        status.parts.push(PartStatus {
            address: state.address.clone(),
            kind: state.kind,
            looks,
            last_success: if looked {
                Some(now)
            } else {
                old.and_then(|part| part.last_success)
            },
            trouble: state
                .trouble
                .as_ref()
                .map(|trouble| (trouble.reason.label(), trouble.message.clone())),
            commit: if in_force {
                state.commit.as_ref().map(commit)
            } else {
                old.and_then(|part| part.commit.clone())
            },
            generation: if in_force {
                state.generation
            } else {
                old.and_then(|part| part.generation)
            },
            held: state.held.as_ref().map(commit),
        });
    }
    if states.is_empty() {
        status.parts = before;
    }
    news
}

/// The commits in force, for what they cause.
pub(super) fn revisions(states: &[SourceState]) -> BTreeMap<PathBuf, Revision> {
    let commits = states.iter().filter_map(|state| {
        let commit = state.commit.as_ref()?;
        let revision = Revision {
            commit: commit.id.clone(),
            author: commit.author.clone(),
            message: commit.message.clone(),
            time: moment(commit),
        };
        Some((state.root.clone(), revision))
    });
    commits.collect()
}

fn commit(commit: &Commit) -> CommitStatus {
    CommitStatus {
        id: commit.id.clone(),
        reference: commit.reference.clone(),
        author: commit.author.clone(),
        message: commit.message.clone(),
        time: moment(commit),
    }
}

fn moment(commit: &Commit) -> Moment {
    Moment(commit.time.saturating_mul(1000))
}

impl Controller {
    /// Tells how each source stands, and which commit came into force.
    pub(super) fn sources(&self, read: &Read, now: Moment) {
        let known = self.board.look(|status| status.source.parts.clone());
        for state in &read.sources {
            let part = known.iter().find(|part| part.address == state.address);
            let looks = part.map_or(0, |part| part.looks);
            if let Some(look) = state.look.filter(|look| look.number > looks) {
                self.metrics
                    .source_fetched(&state.address, state.kind, look.result, look.took);
            }
        }
        let in_force = matches!(read.reading, Reading::Same | Reading::New { .. });
        let news = self
            .board
            .write(|status| sources(&mut status.source, &read.sources, in_force, now));
        for (address, commit) in news {
            tracing::info!(
                source = %address,
                commit = %commit.id,
                reference = %commit.reference,
                author = %commit.author,
                subject = %commit.message,
                "commit in force"
            );
            let text = format!(
                "commit {} of {address} in force: {}: {}",
                commit.id, commit.author, commit.message
            );
            self.board
                .events()
                .record(now, EventKind::Source, None, text);
        }
    }

    /// Writes the status and the metrics of an ended pass. Logs at `info` only what changed.
    pub(super) fn report(&mut self, key: &Key, done: &Done, started: Moment, now: Moment) {
        let outcome = &done.plan.outcome;
        let took = now.since(started);
        self.metrics.pass_ended(key.kind, result(outcome), took);
        self.metrics.queue_worked(took);
        self.metrics.queue_added(self.state.failures(key) > 0);
        if let Some(reason) = error_reason(outcome) {
            self.metrics.pass_failed(
                key.kind,
                reason,
                matches!(
                    outcome,
                    Outcome::Failed(Fail::AccessDenied | Fail::QuotaExceeded, _)
                ),
            );
        }
        let Some(resource) = self.state.set.get(key) else {
            return;
        };
        let before = self.board.look(|status| status.resources.get(key).cloned());
        let revision_in_force = self.state.set.revision_of(resource);
        let of = revision_in_force.map_or_else(String::new, |revision| {
            format!(" (commit {})", revision.short())
        });
        let accepted = &done.plan.steps[..done.accepted.min(done.plan.steps.len())];
        let mut writes: Vec<Write> = Vec::new();
        for step in accepted {
            // The pass has logged it.
            let text = format!("{} ({}){of}", step.why, step.call.operation);
            self.board
                .events()
                .record(now, EventKind::Write, Some(key), text);
            let write = Write {
                at: now,
                operation: step.call.operation,
                why: step.why.clone(),
            };
            writes.insert(0, write);
        }
        writes.extend(before.iter().flat_map(|before| before.writes.clone()));
        writes.truncate(WRITES);
        let same = before.as_ref().is_some_and(|before| {
            before.outcome.label() == outcome.label() && before.outcome.reason() == outcome.reason()
        });
        if same
            && before
                .as_ref()
                .is_some_and(|before| before.outcome == *outcome)
        {
            tracing::debug!(%key, %outcome, millis = millis(took), "pass");
        } else {
            log(key, outcome, took);
            let text = format!("{outcome}{of}");
            self.board
                .events()
                .record(now, EventKind::Outcome, Some(key), text);
        }
        let started = done.accepted > 0 && done.accepted == done.plan.steps.len();
        if let (Some(reason), true, Kind::Service) = (&done.plan.overridden, started, key.kind) {
            let (cluster, name) = self.state.set.service_names(resource);
            self.metrics.window_overridden(cluster, name);
            let text = format!("its rollout was started outside of its windows: {reason}");
            self.board
                .events()
                .record(now, EventKind::Command, Some(key), text);
        }
        if matches!(outcome, Outcome::Blocked(Block::DriftFound, _)) && !same {
            let events = self.board.events();
            events.record(now, EventKind::Drift, Some(key), outcome.message());
        }
        let service = (key.kind == Kind::Service).then(|| {
            let (cluster, name) = self.state.set.service_names(resource);
            (cluster.to_owned(), name.to_owned())
        });
        // A pass that could not see does not say that the rollout is over.
        let rollout = match (&done.plan.rollout, blind(outcome)) {
            (None, true) => before.as_ref().and_then(|before| before.rollout.clone()),
            (rollout, _) => rollout.clone(),
        };
        let status = ResourceStatus {
            outcome: outcome.clone(),
            since: before
                .as_ref()
                .filter(|_| same)
                .map_or(now, |before| before.since),
            observed_at: now,
            drift: done.plan.drift.clone(),
            rollout: rollout.clone(),
            tasks: done
                .plan
                .tasks
                .or_else(|| before.as_ref().and_then(|before| before.tasks)),
            arn: done
                .plan
                .facts
                .as_ref()
                .and_then(|facts| facts.arn.clone())
                .or_else(|| before.as_ref().and_then(|before| before.arn.clone())),
            service: service.clone(),
            failures: self.state.failures(key),
            file: resource.origin.file.clone(),
            revision: revision(key, done)
                .or_else(|| before.as_ref().and_then(|before| before.revision.clone())),
            digest: done.plan.digest.clone().or_else(|| {
                let before = before.as_ref().filter(|_| blind(outcome));
                before.and_then(|before| before.digest.clone())
            }),
            commit: revision_in_force.map(|revision| revision.commit.clone()),
            writes,
            hold: done.plan.hold.clone(),
            waits_to_heal: before
                .as_ref()
                .is_some_and(|before| self.waits_to_heal(key, before, done)),
        };
        if let Some(before) = &before {
            self.count_self_heal(key, before, done);
        }
        if let (Some((cluster, name)), Some(before)) = (&service, &before) {
            if let Some(result) = end(before.rollout.as_ref(), rollout.as_ref(), outcome) {
                let strategy = match &before.rollout {
                    Some(rollout) if rollout.id.starts_with("d-") => "code_deploy",
                    _ => "rolling",
                };
                self.metrics
                    .deployment_ended(cluster, name, strategy, result);
            }
            if let Some(reason) = suppressed(outcome).filter(|_| !same) {
                self.metrics.self_heal_suppressed(cluster, name, reason);
            }
            let drifted = !done.plan.drift.is_empty();
            if drifted && matches!(outcome, Outcome::Waiting(Wait::Held, _)) && !same {
                self.metrics.self_heal_suppressed(cluster, name, "paused");
            }
        }
        self.board
            .write(|board| board.resources.insert(key.clone(), status));
    }
}

/// Why drift that was found is not healed now: the `reason` label.
fn suppressed(outcome: &Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::Waiting(Wait::DriftGrace, _) => Some("grace"),
        Outcome::Waiting(Wait::HealBackoff, _) => Some("backoff"),
        Outcome::Blocked(Block::DriftKept | Block::DriftFound, _) => Some("disabled"),
        Outcome::Blocked(Block::Contested, _) => Some("fight"),
        _ => None,
    }
}

/// What runs of a resource, as `family:revision`.
fn revision(key: &Key, done: &Done) -> Option<String> {
    if key.kind == Kind::TaskDefinition {
        let arn = done.plan.facts.as_ref()?.arn.as_deref()?;
        return Some(arn.rsplit('/').next().unwrap_or(arn).to_owned());
    }
    done.plan.revision.clone()
}

/// Whether a pass ended without having seen how things stand.
fn blind(outcome: &Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Waiting(Wait::ObservationUnknown | Wait::TransientError, _)
    )
}

/// How the rollout that was in flight before this pass ended, if it did: the `result` label.
fn end(
    before: Option<&Rollout>,
    after: Option<&Rollout>,
    outcome: &Outcome,
) -> Option<&'static str> {
    let before = before.filter(|rollout| !rollout.id.is_empty())?;
    if after.is_some_and(|after| after.id == before.id) {
        return None;
    }
    if before.superseded {
        // The way back of what was superseded is no rollout of its own.
        return (before.stage != RolloutStage::RollingBack).then_some("superseded");
    }
    let back = after.is_some_and(|after| after.stage == RolloutStage::RollingBack);
    let failed = matches!(
        outcome,
        Outcome::Failed(Fail::RolloutFailed, _)
            | Outcome::Blocked(Block::Quarantined | Block::TrafficMismatch, _)
    );
    Some(
        match (before.stage == RolloutStage::RollingBack, back || failed) {
            (true, _) => "rollback_successful",
            (false, true) => "failed",
            (false, false) => "successful",
        },
    )
}

fn log(key: &Key, outcome: &Outcome, took: Duration) {
    match outcome {
        Outcome::Failed(..) => tracing::error!(%key, millis = millis(took), "{outcome}"),
        // As the manifest wants it.
        Outcome::Blocked(Block::DriftKept, _) => {
            tracing::info!(%key, millis = millis(took), "{outcome}");
        }
        Outcome::Blocked(..) => tracing::warn!(%key, millis = millis(took), "{outcome}"),
        Outcome::Converged | Outcome::Acting(_) | Outcome::Waiting(..) => {
            tracing::info!(%key, millis = millis(took), "{outcome}");
        }
    }
}

fn millis(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

/// The `result` label of `controller_runtime_reconcile_total`.
fn result(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Converged | Outcome::Blocked(..) => "success",
        Outcome::Acting(_) => "requeue",
        Outcome::Waiting(Wait::ObservationUnknown | Wait::TransientError, _)
        | Outcome::Failed(..) => "error",
        Outcome::Waiting(..) => "requeue_after",
    }
}

/// The reason label of a failed pass.
fn error_reason(outcome: &Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::Failed(..)
        | Outcome::Waiting(Wait::ObservationUnknown | Wait::TransientError, _) => {
            Some(outcome.reason())
        }
        Outcome::Converged | Outcome::Acting(_) | Outcome::Waiting(..) | Outcome::Blocked(..) => {
            None
        }
    }
}

/// Logs what the loader found, one line each.
pub(super) fn diagnostics(all: &[Diagnostic]) {
    for diagnostic in all {
        match diagnostic.severity {
            Severity::Error => tracing::error!("{}", line(diagnostic)),
            Severity::Warning => tracing::warn!("{}", line(diagnostic)),
        }
    }
}

/// A finding in one line: `auth.yaml:12:5: spec.cpu: …; hint`.
pub(super) fn line(diagnostic: &Diagnostic) -> String {
    let Diagnostic {
        path,
        message,
        hint,
        ..
    } = diagnostic;
    let place = diagnostic.whereabouts();
    let hint = hint
        .as_ref()
        .map(|hint| format!("; {hint}"))
        .unwrap_or_default();
    if path.is_empty() {
        format!("{place}: {message}{hint}")
    } else {
        format!("{place}: {path}: {message}{hint}")
    }
}

/// Forgets the resources that are gone, and tells which manifests cannot be acted on.
pub(super) fn replace(status: &mut Status, set: &DesiredSet, now: Moment) {
    status.resources.retain(|key, _| set.get(key).is_some());
    for (key, why) in &set.invalid {
        let why = Outcome::Blocked(Block::ManifestInvalid, why.clone());
        let invalid = ResourceStatus::new(why, now);
        status.resources.insert(key.clone(), invalid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rollout(id: &str, stage: RolloutStage) -> Rollout {
        Rollout {
            id: id.to_owned(),
            ours: true,
            stage,
            events: Vec::new(),
            weights: None,
            superseded: false,
        }
    }

    fn superseded(id: &str, stage: RolloutStage) -> Rollout {
        Rollout {
            superseded: true,
            ..rollout(id, stage)
        }
    }

    #[test]
    fn a_rollout_ends_once_and_as_it_did() {
        let failed = Outcome::Failed(Fail::RolloutFailed, String::new());
        let waiting = Outcome::Waiting(Wait::RolloutInProgress, String::new());
        let shifting = rollout("d-1", RolloutStage::Shifting);
        let back = rollout("d-2", RolloutStage::RollingBack);
        let older = superseded("d-1", RolloutStage::ScalingUp);
        let undoing = superseded("d-2", RolloutStage::RollingBack);
        for (before, after, outcome, result) in [
            (None, Some(&shifting), &waiting, None),
            (Some(&shifting), Some(&shifting), &waiting, None),
            (
                Some(&shifting),
                None,
                &Outcome::Converged,
                Some("successful"),
            ),
            (Some(&shifting), Some(&back), &waiting, Some("failed")),
            (Some(&shifting), None, &failed, Some("failed")),
            (Some(&back), None, &failed, Some("rollback_successful")),
            (Some(&older), Some(&back), &waiting, Some("superseded")),
            (Some(&undoing), None, &waiting, None),
        ] {
            assert_eq!(end(before, after, outcome), result, "{before:?} {after:?}");
        }
    }

    #[test]
    fn a_pass_that_could_not_see_ends_no_rollout() {
        assert!(blind(&Outcome::Waiting(
            Wait::ObservationUnknown,
            String::new()
        )));
        assert!(blind(&Outcome::Waiting(
            Wait::TransientError,
            String::new()
        )));
        assert!(!blind(&Outcome::Converged));
    }
}

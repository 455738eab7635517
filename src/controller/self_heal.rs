//! Whether a pass wrote drift back, and of which services: the counter `evenkeel_self_heals_total`. Decides
//! nothing about writes.
//!
//! | before the pass | the manifest or the content | what the pass did | counts |
//! |---|---|---|---|
//! | as declared, or drift that waited or was kept | the same | wrote for differences that it found | yes |
//! | the same | another | the same | no: that is a change, not drift |
//! | such drift, which then waited for a window, a place, an approval or the end of a hold | the same | the same | yes |
//! | on its way (writes, a rollout, an error) | any | any | no: it has been counted, or never was as declared |
//!
//! That what waits is drift is kept in the status ([`ResourceStatus::waits_to_heal`]), for the outcome of a wait is the same
//! for a change of the manifest. It is counted once, when its writes go out.

use super::Controller;
use super::pass::Done;
use crate::model::{Block, Key, Kind, Moment, Outcome, Wait};
use crate::status::ResourceStatus;

/// Whether what a pass found to be written is drift. `before` is what was known of the key, `declared` since when its
/// manifest is as it is.
fn is_drift(before: &ResourceStatus, declared: Moment, done: &Done) -> bool {
    let at_rest = matches!(
        before.outcome,
        Outcome::Converged
            | Outcome::Waiting(Wait::DriftGrace | Wait::HealBackoff, _)
            | Outcome::Blocked(Block::DriftFound | Block::DriftKept | Block::Contested, _)
    );
    let same = before.observed_at > declared && before.digest == done.plan.digest;
    (at_rest || before.waits_to_heal) && same && !done.plan.drift.is_empty()
}

/// Whether drift waits after a pass. One that could not see says nothing else than the one before.
fn waits(before: &ResourceStatus, declared: Moment, done: &Done) -> bool {
    match done.plan.outcome {
        Outcome::Waiting(Wait::ObservationUnknown | Wait::TransientError, _) => {
            before.waits_to_heal && before.observed_at > declared
        }
        Outcome::Waiting(..) => done.written.is_none() && is_drift(before, declared, done),
        _ => false,
    }
}

impl Controller {
    /// Whether drift of this key waits to be written back after a pass.
    pub(super) fn waits_to_heal(&self, key: &Key, before: &ResourceStatus, done: &Done) -> bool {
        let declared = self.state.declared(key);
        declared.is_some_and(|declared| waits(before, declared, done))
    }

    /// Counts a pass that wrote drift back, for the service that it is or those that name it.
    pub(super) fn count_self_heal(&self, key: &Key, before: &ResourceStatus, done: &Done) {
        let Some(declared) = self.state.declared(key) else {
            return;
        };
        if done.written.is_none() || !is_drift(before, declared, done) {
            return;
        }
        let kind = key.kind;
        let users = self.state.dependents_of(key).iter();
        for key in std::iter::once(key).chain(users) {
            let Some(service) = self.state.set.get(key) else {
                continue;
            };
            if service.key.kind == Kind::Service {
                let (cluster, name) = self.state.set.service_names(service);
                self.metrics.self_healed(cluster, name, kind);
            }
        }
    }
}

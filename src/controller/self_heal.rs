//! Whether a pass wrote drift back, and of which services: the counter `evenkeel_self_heals_total`. Decides
//! nothing about writes.
//!
//! | before the pass | the manifest or the content | what the pass did | counts |
//! |---|---|---|---|
//! | as declared, or drift that waited or was kept | the same | wrote for differences that it found | yes |
//! | the same | another | the same | no: that is a change, not drift |
//! | on its way (writes, a rollout, an error) | any | any | no: it has been counted, or never was as declared |

use super::Controller;
use super::pass::Done;
use crate::model::{Block, Key, Kind, Moment, Outcome, Wait};
use crate::status::ResourceStatus;

/// Whether a pass wrote drift back. `before` is what was known of the key, `declared` since when its manifest
/// is as it is.
fn healed(before: &ResourceStatus, declared: Moment, done: &Done) -> bool {
    let at_rest = matches!(
        before.outcome,
        Outcome::Converged
            | Outcome::Waiting(Wait::DriftGrace | Wait::HealBackoff, _)
            | Outcome::Blocked(Block::DriftFound | Block::DriftKept | Block::Contested, _)
    );
    let same = before.observed_at > declared && before.digest == done.plan.digest;
    at_rest && same && done.written.is_some() && !done.plan.drift.is_empty()
}

impl Controller {
    /// Counts a pass that wrote drift back, for the service that it is or those that name it.
    pub(super) fn count_self_heal(&self, key: &Key, before: &ResourceStatus, done: &Done) {
        let Some(declared) = self.state.declared(key) else {
            return;
        };
        if !healed(before, declared, done) {
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

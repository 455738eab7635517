//! What Even Keel knows of each kind of resource: one folder a kind.
//!
//! A folder holds `mod.rs` (what the kind is at AWS, its facts), `observe.rs` (which reads it takes;
//! I/O, decides nothing) and `plan.rs` (what to do; pure). To add a kind: add its folder, its variant
//! in [`crate::model::Kind`], and its arm in the dispatch of `crate::controller`.
//!
//! Invariants:
//! - What a planner decides is done only as far as no hold is in force (`hold`).
//! - `plan` is a pure function of a [`View`] and the kind's observation: no clock, no I/O.
//! - An [`crate::model::Seen::Unknown`] anywhere that matters gives a plan without steps.

mod attributes;
pub mod cluster;
mod common;
pub mod deployment_group;
mod elb;
mod forward;
pub(crate) mod heal;
pub(crate) mod hold;
pub mod image_repository;
pub mod listener;
pub mod listener_rule;
pub mod load_balancer;
mod marks;
mod members;
pub mod scalable_target;
pub mod scaling_policy;
pub mod service;
mod tagging;
mod tags;
pub mod target_group;
pub mod task_definition;

pub use heal::AGREED_TAG;
pub use hold::{HOLD_ALL_TAG, HOLD_TAG};
pub use marks::{PRUNE_TAG, SOURCE_TAG};
pub(crate) use members::default_of;
pub use members::{MEMBERS_TAG, Reset, table as resets};
pub(crate) use service::DRAINED_TAG;
pub(crate) use tags::MOST_TAGS;
pub use tags::{COMMIT_TAG, DIGEST_TAG, INSTANCE_TAG};

#[cfg(test)]
mod contract_tests;
#[cfg(test)]
pub(crate) mod testing;

use std::time::Duration;

use serde_json::Value;

use crate::aws::Observer;
use crate::document::{Rules, Undeclared, carried_over};
use crate::manifest::{DesiredSet, Resource, SelfHeal};
use crate::model::{FactBoard, Key, Moment, Plan};

/// Settings that planners obey.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// This installation's name; stands in the ownership tag. Default `default`.
    pub instance: String,
    /// How long drift in a field that starts a deployment is left alone before it is healed.
    /// Default ten minutes (gitops-controllers d.6).
    pub drift_grace: Duration,
    /// Whether drift is healed at once, whatever a manifest's grace time: somebody asked for it.
    pub heal_at_once: bool,
    /// Whether what would be done in the end is asked for: what keeps a rollout from starting now is told with
    /// it, and keeps nothing. Of previews alone, which write nothing.
    pub in_the_end: bool,
    /// Whether what exists is marked anew when another source declares it, or none is marked: pruning is on,
    /// which goes by it. See `marks`.
    pub keeps_marks: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            instance: "default".to_owned(),
            drift_grace: Duration::from_mins(10),
            heal_at_once: false,
            in_the_end: false,
            keeps_marks: false,
        }
    }
}

/// Everything besides the observation that a planner may look at.
#[derive(Clone, Debug)]
pub struct View<'a> {
    /// The manifest.
    pub resource: &'a Resource,
    /// Its spec with every reference replaced by what it stands for. A reference whose target is
    /// not ready is left out, and the target is in `unresolved`.
    pub spec: Value,
    /// References that could not be replaced yet, and other needs that are not ready.
    pub unresolved: Vec<Key>,
    /// The whole desired set.
    pub set: &'a DesiredSet,
    /// What the other resources told.
    pub facts: &'a FactBoard,
    /// The time of the pass.
    pub now: Moment,
    /// Since when this key has been seen drifting without a break, if it has.
    pub drifting_since: Option<Moment>,
    /// The digest of a content that waits for a person's approval, and since when it does, if it has been seen so.
    pub asked: Option<(&'a str, Moment)>,
    /// Whether a person asked to have this resource's drift healed now.
    pub heal_now: bool,
    /// Why no rollout of a service may start now, where there are limits on how many are in flight at once;
    /// `None` if one may.
    pub turn: Option<&'a str>,
    /// Settings.
    pub policy: &'a Policy,
    /// Members that the manifest no longer declares and that stand in `spec` to go back to AWS's
    /// default: their paths (see [`MEMBERS_TAG`]).
    pub resetting: Vec<&'static str>,
}

impl View<'_> {
    /// What becomes of drift that takes this to be healed: `sync.selfHeal` of the manifest; else what takes a
    /// deployment is left alone for `sync.driftGrace`, else for the policy's time, and the rest is
    /// healed at once.
    fn healing(&self, takes: heal::Takes) -> SelfHeal {
        if self.policy.heal_at_once || self.heal_now {
            return SelfHeal::Immediate;
        }
        let grace = || {
            let own = self.resource.drift_grace();
            SelfHeal::After(own.unwrap_or(self.policy.drift_grace))
        };
        let default = || match takes {
            heal::Takes::Writes => SelfHeal::Immediate,
            heal::Takes::Deployment => grace(),
        };
        self.resource.self_heal().unwrap_or_else(default)
    }

    /// The view of a resource that is there: members that the manifest leaves to others
    /// (`sync.ignore`) stand in its spec as they are live.
    fn over(&self, live: &Value, rules: &Rules) -> Self {
        let ignored = self.resource.ignored();
        let mut view = self.clone();
        view.spec = carried_over(&self.spec, live, ignored, rules, Undeclared::Left);
        for (pointer, list) in [("tags", "key"), ("Tags", "Key"), ("tags", "Key")] {
            if let Some(Value::Array(tags)) = view.spec.get_mut(pointer) {
                tags.retain(|tag| {
                    let key = tag.get(list).and_then(Value::as_str);
                    key.is_none_or(|key| !self.resource.ignores("tags", key))
                });
            }
        }
        view
    }
}

/// A kind of resource: how it is read, and what to do about what was read.
pub trait Reconciled {
    /// What one pass reads.
    type Observed: std::fmt::Debug + Send;

    /// Reads the world. Reads taken before `fresh` must not be used. Never fails: a failed read is
    /// [`crate::model::Seen::Unknown`]. Decides nothing.
    fn observe(
        observer: &Observer,
        view: &View<'_>,
        fresh: Moment,
    ) -> impl Future<Output = Self::Observed> + Send;

    /// Decides. Pure.
    fn plan(view: &View<'_>, observed: &Self::Observed) -> Plan;
}

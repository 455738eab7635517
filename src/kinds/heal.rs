//! What becomes of a change that somebody made of live state (`sync.selfHeal`). Pure.
//!
//! Such a change is told from one of the manifest by a record on the resource: of a service's payload it
//! is the digest of what was last started ([`crate::kinds::service::DECLARED_TAG`]); of everything else it
//! is [`AGREED_TAG`], the digest of the manifest that live state last agreed with. It is kept only where
//! the manifest says not to heal at once, since nothing depends on it elsewhere.
//!
//! | record | differences | `selfHeal` | decision |
//! |---|---|---|---|
//! | of this manifest | some | `off` | none is healed, `DriftKept` |
//! | of this manifest | some | `notify` | none is healed, `DriftFound` |
//! | of this manifest | some | `after` | healed after that time, `DriftGrace` until then |
//! | another, or none | some | any | written: the manifest has changed |
//! | another, or none | none | not at once | record |
//! | any | some | `immediate`, or asked for | written |
//!
//! Invariants:
//! - The record comes after what it is of: without one a difference is the manifest's, and is written.
//! - What was deleted is made again whatever the manifest says: its record went with it.

use std::time::Duration;

use serde_json::{Value, json};

use super::common::Changes;
use super::tags::{self, MOST_TAGS, Spelling, pairs};
use super::{View, tagging};
use crate::document::digest;
use crate::manifest::{Resource, SelfHeal};
use crate::model::{Block, Drift, Kind, Moment, Outcome, Wait};

/// The tag that holds the digest of the manifest that live state last agreed with.
pub const AGREED_TAG: &str = "evenkeel.dev/agreed";

/// What a difference takes to be healed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Writes.
    Writes,
    /// A deployment.
    Deployment,
}

/// The record that a resource is to have, if its manifest takes one.
fn agreement(resource: &Resource) -> Option<String> {
    let mode = resource.self_heal()?;
    if mode == SelfHeal::Immediate {
        return None;
    }
    let mut beside = resource.beside.clone();
    beside.retain(|name, _| name != "rollout" && name != "sync");
    Some(digest(&json!({"spec": resource.spec, "beside": beside})))
}

fn recorded(resource: &Resource, live_tags: Option<&Value>) -> Option<String> {
    tags::value_of(live_tags, AGREED_TAG, Spelling::of(resource.key.kind))
}

/// Why these differences, which only writes heal, are left as they are live; `None` if they are not.
pub(crate) fn kept(view: &View<'_>, live_tags: Option<&Value>, drift: &[Drift]) -> Option<Outcome> {
    let agreed = agreement(view.resource)?;
    if drift.is_empty() || recorded(view.resource, live_tags).as_ref() != Some(&agreed) {
        return None;
    }
    left_alone(view, Takes::Writes, drift)
}

/// The record as a tag, if it is to be written of something that is as declared.
pub(crate) fn to_record(view: &View<'_>, live_tags: Option<&Value>) -> Option<Value> {
    let agreed = agreement(view.resource)?;
    let old = recorded(view.resource, live_tags);
    let spelling = Spelling::of(view.resource.key.kind);
    let room = old.is_some() || pairs(live_tags, spelling).len() < MOST_TAGS;
    (room && old.as_ref() != Some(&agreed)).then(|| spelling.tag(AGREED_TAG, &agreed))
}

/// Takes the writes out that the manifest does not want, or adds the record.
pub(crate) fn settle(
    view: &View<'_>,
    arn: &str,
    live_tags: Option<&Value>,
    changes: &mut Changes<'_>,
) {
    if changes.steps.iter().any(|step| !step.only_records()) {
        if let Some(outcome) = kept(view, live_tags, &changes.drift) {
            changes.keep(outcome);
        }
    } else if let Some(tag) = to_record(view, live_tags) {
        let call = tagging::write(view.resource.key.kind, arn, &json!([tag]));
        changes.record(call);
    }
}

/// Why differences that somebody made are not healed now; `None` if they are.
pub(crate) fn left_alone(view: &View<'_>, takes: Takes, drift: &[Drift]) -> Option<Outcome> {
    let mode = view.healing(takes);
    let changes: Vec<String> = drift.iter().map(change).collect();
    let changed = format!("somebody changed what is live: {}", changes.join(", "));
    let commands = commands(view.resource);
    match mode {
        SelfHeal::Immediate => None,
        SelfHeal::Off => {
            let text = format!("{changed}; it stays so (sync.selfHeal: off). {commands}");
            Some(Outcome::Blocked(Block::DriftKept, text))
        }
        SelfHeal::Notify => {
            let text = format!("{changed}; it stays so until somebody decides. {commands}");
            Some(Outcome::Blocked(Block::DriftFound, text))
        }
        SelfHeal::After(grace) => {
            let since = view.drifting_since;
            let drifting = since.map_or(Duration::ZERO, |since| view.now.since(since));
            let left = grace.checked_sub(drifting).filter(|left| !left.is_zero())?;
            let how = match takes {
                Takes::Deployment => "healing it starts a deployment, at",
                Takes::Writes => "it is changed back at",
            };
            let at = time(view.now.plus(left));
            let text = format!("{changed}; {how} {at}. {commands}");
            Some(Outcome::Waiting(Wait::DriftGrace, text))
        }
    }
}

/// How a person keeps, accepts or reverts a change.
fn commands(resource: &Resource) -> String {
    let key = &resource.key;
    let keep = match key.kind {
        Kind::Service => format!("`evenkeel pause {key} --reason TEXT`"),
        _ => "`sync.ignore` in its manifest".to_owned(),
    };
    format!(
        "To keep it: {keep}; to take it into the manifest: `evenkeel diff {key} --output patch --source DIR | git apply`; to have it changed \
         back now: `evenkeel resync {key} --heal-now`"
    )
}

/// One difference for a person: `/launchType from "EC2" to "FARGATE"`, where it is to become so.
pub(crate) fn change(drift: &Drift) -> String {
    format!("{} from {} to {}", drift.path, drift.live, drift.desired)
}

/// A moment for a person, such as `2026-01-01T00:10:00Z`.
pub(crate) fn time(moment: Moment) -> String {
    jiff::Timestamp::from_millisecond(moment.0).map_or_else(
        |_| format!("{} s since the epoch", moment.seconds()),
        |time| format!("{time:.0}"),
    )
}

#[cfg(test)]
#[path = "heal_tests.rs"]
mod tests;

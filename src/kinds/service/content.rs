//! What somebody's other revision of the task definition holds that the declared one does not: a hotfix is told by its
//! image and not by the number of a revision alone. Pure; read in `observe`. Decides nothing.

use serde_json::Value;

use super::payload::{attempt_digest, primary_task_set};
use super::plan::declared_tag;
use super::{Observed, text};
use crate::kinds::{View, task_definition};
use crate::model::{Drift, Seen};

/// The revision that is live, and the declared one; `None` unless somebody has put the one in the place of the other:
/// what is declared was started once.
pub(super) fn revisions<'a>(view: &'a View<'_>, service: &'a Value) -> Option<[&'a str; 2]> {
    let live = text(
        primary_task_set(service).unwrap_or(service),
        "taskDefinition",
    );
    let declared = text(&view.spec, "taskDefinition");
    let known = [live, declared].iter().all(|arn| arn.starts_with("arn:"));
    let theirs = known && live != declared && view.unresolved.is_empty();
    (theirs && declared_tag(service) == attempt_digest(view).as_deref()).then_some([live, declared])
}

/// How they differ, below `/taskDefinition`; nothing where that was not read or not known.
pub(super) fn differences(observed: &Observed) -> Vec<Drift> {
    let [Seen::Present(live), Seen::Present(declared)] = observed.content.as_slice() else {
        return Vec::new();
    };
    let [live, declared] = [live, declared].map(|one| &one["taskDefinition"]);
    let of_it = |drift: Drift| Drift {
        path: format!("/taskDefinition{}", drift.path),
        ..drift
    };
    let all = task_definition::differences(live, declared).into_iter();
    all.map(of_it).collect()
}

//! What to do about a task definition.

use serde_json::Value;

use super::images::{self, Unresolved};
use super::reuse::{self, Found};
use super::{Observed, RULES};
use crate::document::{Undeclared, canonical_task_definition, carried_over, compare, digest};
use crate::kinds::common::{Changes, facts, listed, step, unknown, waits_for, with_member};
use crate::kinds::tags::{self, Spelling};
use crate::kinds::{COMMIT_TAG, DIGEST_TAG, INSTANCE_TAG, View};
use crate::model::{Drift, Facts, Outcome, Plan, Seen, Service, Wait};

pub(super) fn plan(view: &View<'_>, observed: &Observed) -> Plan {
    let what = format!("task definition {}", view.resource.aws_name());
    if !view.unresolved.is_empty() {
        return waits_for(&view.unresolved);
    }
    if let Seen::Unknown(reason) = &observed.revisions {
        return unknown(&format!("revisions of {what}"), reason);
    }
    let not_ready = || Facts {
        fallback_arn: reuse::newest(observed).map(str::to_owned),
        ..facts(view, None, false)
    };
    match images::resolved(view, observed) {
        Err(Unresolved::Unknown(reason)) => unknown(&format!("the images of {what}"), &reason),
        Err(Unresolved::NotReady(keys)) => waits_for(&keys).with_facts(not_ready()),
        Err(Unresolved::Missing(images)) => {
            let outcome = Outcome::Waiting(Wait::ImageNotFound, missing_text(&images));
            Plan::only(outcome).with_facts(not_ready())
        }
        Ok(document) => match left_to_others(view, observed, document) {
            Ok(document) => choose(view, observed, &document, &what),
            Err(reason) => unknown(&format!("the newest revision of {what}"), &reason),
        },
    }
}

/// The document with the members of `sync.ignore` as they are in the revision that would be
/// preferred.
fn left_to_others(view: &View<'_>, observed: &Observed, document: Value) -> Result<Value, String> {
    if view.resource.ignored().next().is_none() {
        return Ok(document);
    }
    let live = reuse::candidates(observed)
        .next()
        .and_then(|arn| observed.documents.get(arn));
    match live {
        Some(Seen::Unknown(reason)) => Err(reason.clone()),
        Some(Seen::Present(live)) => {
            let live = live.get("taskDefinition").unwrap_or(&Value::Null);
            let ignored = view.resource.ignored();
            Ok(carried_over(
                &document,
                live,
                ignored,
                &RULES,
                Undeclared::Taken,
            ))
        }
        Some(Seen::Absent) | None => Ok(document),
    }
}

fn missing_text(images: &[(String, String)]) -> String {
    let one = |(image, repository): &(String, String)| {
        format!("image {image} is not in repository {repository} yet: push it")
    };
    images.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// Takes an existing revision with the document's content, or registers one.
fn choose(view: &View<'_>, observed: &Observed, document: &Value, what: &str) -> Plan {
    let canonical = canonical_task_definition(document);
    let digest = digest(&canonical);
    match reuse::revision(observed, document, &digest) {
        Found::Unknown(reason) => unknown(&format!("a revision of {what}"), &reason),
        Found::Revision(arn) => {
            let facts = Facts {
                digest: Some(digest),
                ..facts(view, Some(arn), true)
            };
            Plan::only(Outcome::Converged).with_facts(facts)
        }
        Found::Nothing => {
            let drift = changed(observed, &canonical);
            let mut changes = Changes::new(what, drift);
            let mut ours = vec![
                (DIGEST_TAG, digest.as_str()),
                (INSTANCE_TAG, &view.policy.instance),
            ];
            // A record of what caused this revision; it is compared with nothing.
            let revision = view.set.revision_of(view.resource);
            ours.extend(revision.map(|one| (COMMIT_TAG, one.commit.as_str())));
            let tags = tags::with(document.get("tags"), Spelling::Lower, &ours);
            let input = with_member(document.clone(), "tags", tags);
            let why = why(what, &changes.drift);
            changes
                .steps
                .push(step(Service::Ecs, "RegisterTaskDefinition", input, why));
            changes.into_plan(Facts {
                digest: Some(digest),
                ..facts(view, None, false)
            })
        }
    }
}

fn why(what: &str, drift: &[Drift]) -> String {
    let all: Vec<&Drift> = drift.iter().collect();
    if all.is_empty() {
        return format!("register a revision of {what}");
    }
    format!("register a revision of {what}: {}", listed(&all))
}

/// What differs from the revision that would be preferred, in both directions: what is declared
/// otherwise and what is no longer declared.
fn changed(observed: &Observed, wanted: &Value) -> Vec<Drift> {
    let mut documents = reuse::candidates(observed).filter_map(|arn| observed.documents.get(arn));
    let Some(live) = documents.find_map(|document| document.present()?.get("taskDefinition"))
    else {
        return Vec::new();
    };
    between(&canonical_task_definition(live), wanted)
}

/// How two task definitions differ, as AWS describes them or as they are declared.
pub(in crate::kinds) fn differences(live: &Value, wanted: &Value) -> Vec<Drift> {
    let [live, wanted] = [live, wanted].map(canonical_task_definition);
    between(&live, &wanted)
}

/// The same of canonical ones.
fn between(live: &Value, wanted: &Value) -> Vec<Drift> {
    let mut drift = compare(wanted, live, &RULES);
    for gone in compare(live, wanted, &RULES) {
        if !drift.iter().any(|known| known.path == gone.path) {
            drift.push(Drift {
                path: gone.path,
                live: gone.desired,
                desired: gone.live,
                reset: false,
            });
        }
    }
    drift
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;

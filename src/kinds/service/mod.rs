//! `Service`: an ECS service, and the rollouts that change what it runs.
//!
//! Three engines: ECS rolling updates (`rolling`), ECS's own blue/green, linear and canary (`native`) and
//! `CodeDeploy` blue/green (`blue_green`); and the way from the last to the second (`migration`). What may
//! keep a rollout that an engine wants to start is one folder for all of them (`gates`), and what becomes of one
//! in flight when its window closes is one file (`overrun`); what a person orders of
//! one is another (`command`), with what a person took back (`taken_back`). One-off tasks before and after a
//! rollout are a folder of their own (`tasks`). What a
//! deployment carries (task definition, network, platform, capacity providers, container, port) is
//! the *payload* (`payload`); its digest is recorded on the service as the tag
//! [`DECLARED_TAG`] once a deployment of it was started, and in each `CodeDeploy` deployment's description.
//!
//! What it is not: it waits for nothing and remembers nothing; a rollout's state is rebuilt from AWS
//! by every pass.
//!
//! Invariants:
//! - At most one deployment is started by a pass, and none while any is in flight under `CodeDeploy`. One in
//!   flight makes room for a newer manifest only if it is ours and no production traffic has moved.
//! - A payload whose last attempt failed, was stopped or was rolled back is not started again, nor one that a
//!   person took back; but for what failed before traffic moved, so often as `rollout.retries` says (`retries`).
//! - Only members that differ, and that `UpdateService` allows for the controller, are sent to it.
//! - Listener weights and the side of the target group pair are never compared with the manifest, and never written. They
//!   are looked at: nothing starts from where traffic is not (`native`, `listeners`), and nothing is converged
//!   that is not served (`traffic`).

mod appspec;
mod blue_green;
mod command;
mod deadline;
mod drained;
mod failed;
mod flight;
mod gates;
mod history;
mod intent;
mod listeners;
mod mark;
mod migration;
mod native;
mod observe;
mod overrun;
mod past;
mod payload;
mod plan;
mod progress;
mod queued;
mod resets;
mod retries;
mod revision;
mod rolling;
mod rules;
mod scaling;
mod side;
mod supersede;
mod taken_back;
mod tasks;
#[cfg(test)]
mod tests;
mod traffic;

use serde_json::Value;

pub use command::{Verdict, ordered};
pub(crate) use drained::DRAINED_TAG;
pub(crate) use gates::{not_yet, starts as starts_rollout};
pub use observe::Observed;
pub use past::rollouts;
pub(crate) use resets::RESETS;
pub(crate) use revision::{newest as newest_revision, running as running_revisions};
pub(crate) use rules::ON_THE_REVISION;
pub(crate) use scaling::{
    resumes as resumes_scaling, suspends as suspends_scaling, suspension_mark,
};
pub(crate) use tasks::{records_ends as records_tasks, tags as task_tags};

use crate::aws::Observer;
use crate::kinds::{Reconciled, View};
use crate::model::{Moment, Plan};

/// The service's tag that holds the digest of the payload that was last declared and started.
pub const DECLARED_TAG: &str = "evenkeel.dev/declared";

/// The tags that a service is given with its updates: without room for them an update fails, or is not
/// known again.
pub(super) const UPDATE_TAGS: [&str; 5] = [
    DECLARED_TAG,
    failed::TAG,
    intent::TAG,
    scaling::SUSPENDED_TAG,
    supersede::TAG,
];

/// The annotation that lets a quarantined payload be tried once more; its text is part of the
/// attempt's digest, so each new text is one new attempt.
pub const RETRY_ANNOTATION: &str = "evenkeel.dev/retry";

/// The kind.
#[derive(Debug)]
pub struct Service;

impl Reconciled for Service {
    type Observed = Observed;

    async fn observe(observer: &Observer, view: &View<'_>, fresh: Moment) -> Observed {
        // The largest of all kinds' reads: not on the stack of whoever waits for any kind.
        Box::pin(observe::observe(observer, view, fresh)).await
    }

    fn plan(view: &View<'_>, observed: &Observed) -> Plan {
        plan::plan(view, observed)
    }
}

/// The string member `name`, or the empty string.
fn text<'a>(document: &'a Value, name: &str) -> &'a str {
    document
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The elements of the list member `name`.
fn items<'a>(document: &'a Value, name: &str) -> impl DoubleEndedIterator<Item = &'a Value> {
    document
        .get(name)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
}

/// What a name or ARN ends in.
fn last_segment(name_or_arn: &str) -> &str {
    name_or_arn.rsplit('/').next().unwrap_or(name_or_arn)
}

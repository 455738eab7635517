//! The bounded sets of label values, and the mapping of the model onto them.

use crate::model::{Block, Fail, Kind, Wait};

/// What a value outside its set becomes, so that no caller can make a metric unbounded.
const OTHER: &str = "other";

/// How a pass ended, as controller-runtime counts it.
pub(super) const RESULTS: &[&str] = &["success", "error", "requeue", "requeue_after"];

/// How a read of the source ended.
pub(super) const FETCH_RESULTS: &[&str] = &["success", "not_modified", "error"];

/// How an AWS call ended: `ok`, or the label of the failure's class.
pub(super) const CODES: &[&str] = &[
    "ok",
    "throttled",
    "transient",
    "access_denied",
    "quota",
    "conflict",
    "not_found",
    "invalid",
    "internal",
];

/// The Git servers whose webhooks are known.
pub(super) const PROVIDERS: &[&str] = &["github", "gitlab", "bitbucket", "gitea"];

/// What came of a webhook's request.
pub(super) const WEBHOOK_RESULTS: &[&str] = &["woken", "ignored", "refused"];

/// What a message of the queue of wake-ups may be.
pub(super) const WAKE_RESULTS: &[&str] = &["woken", "ignored", "foreign", "broken"];

/// Kinds of what can be pruned.
pub(super) const PRUNED: &[&str] = &[
    "scalable_target",
    "service",
    "deployment_group",
    "application",
    "listener_rule",
    "listener",
    "target_group",
    "load_balancer",
    "image_repository",
    "cluster",
];

/// What can ask for a resync: SIGHUP.
pub(super) const TRIGGERS: &[&str] = &["signal", "api"];

/// What a resync is of.
pub(super) const SCOPES: &[&str] = &["all", "resource"];

/// What came of a command.
pub(super) const COMMAND_RESULTS: &[&str] = &["done", "refused", "refused_by_aws", "unavailable"];

/// How a new revision is brought out.
pub(super) const STRATEGIES: &[&str] = &["code_deploy", "rolling"];

/// How a deployment ended (gitops-controllers c.6).
pub(super) const DEPLOYMENT_RESULTS: &[&str] = &[
    "successful",
    "failed",
    "stopped",
    "rollback_successful",
    "rollback_failed",
    "superseded",
];

/// Why drift was left alone: a deployment is in flight, the grace time runs, a failed attempt backs
/// off, the content is in quarantine, the manifest says not to, somebody else changes it back each time.
pub(super) const SUPPRESSIONS: &[&str] = &[
    "in_flight",
    "grace",
    "backoff",
    "quarantine",
    "disabled",
    "paused",
    "fight",
];

/// The value if it is in the set, else `other`.
pub(super) fn bounded(value: &str, set: &[&'static str]) -> &'static str {
    set.iter()
        .find(|known| **known == value)
        .copied()
        .unwrap_or(OTHER)
}

/// The reasons with which a pass can fail.
pub(super) fn error_reasons() -> Vec<&'static str> {
    let passing = [Wait::ObservationUnknown, Wait::TransientError].map(Wait::label);
    let blocks = Block::ALL.map(Block::label);
    let fails = Fail::ALL.map(Fail::label);
    passing.into_iter().chain(blocks).chain(fails).collect()
}

/// Every outcome with each of its reasons.
pub(super) fn outcomes() -> Vec<(&'static str, &'static str)> {
    let mut all = vec![("Converged", "Succeeded"), ("Acting", "Progressing")];
    all.extend(Wait::ALL.map(|reason| ("Waiting", reason.label())));
    all.extend(Block::ALL.map(|reason| ("Blocked", reason.label())));
    all.extend(Fail::ALL.map(|reason| ("Failed", reason.label())));
    all
}

/// A kind as a label.
pub(super) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Cluster => "cluster",
        Kind::ImageRepository => "image_repository",
        Kind::TaskDefinition => "task_definition",
        Kind::TargetGroup => "target_group",
        Kind::LoadBalancer => "load_balancer",
        Kind::Listener => "listener",
        Kind::ListenerRule => "listener_rule",
        Kind::Service => "service",
        Kind::DeploymentGroup => "deployment_group",
        Kind::ScalableTarget => "scalable_target",
        Kind::ScalingPolicy => "scaling_policy",
    }
}

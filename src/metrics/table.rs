//! Every metric as a row: name, type, labels, meaning. Not their values.
//!
//! `docs/metrics.md` is this table; a test compares the two. Names and labels follow
//! gitops-controllers c.5 (`controller_runtime_*` and `workqueue_*`, which existing dashboards
//! know) and c.6 (`evenkeel_*`).
//!
//! Invariants:
//! - No id, ARN, digest or error text is a label, except in `_info` metrics.
//! - Every other label has a bounded set of values, or is a name that the manifests give.

/// One metric.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) name: &'static str,
    /// The type's word in the exposition format. Which vector is made of the row is the caller's
    /// choice; a test compares the two.
    #[cfg(test)]
    pub(super) kind: &'static str,
    pub(super) labels: &'static [&'static str],
    /// A histogram's upper bounds, in seconds; empty for the others.
    pub(super) buckets: &'static [f64],
    pub(super) help: &'static str,
}

/// Declares the rows, and the list of all of them.
macro_rules! rows {
    (@buckets) => { &[] };
    (@buckets $buckets:ident) => { $buckets };
    ($( $row:ident: $kind:ident $name:literal [$($label:literal),*] $(buckets $buckets:ident)? $help:literal; )*) => {
        $( pub(super) const $row: Row = Row {
            name: $name,
            #[cfg(test)]
            kind: stringify!($kind),
            labels: &[$($label),*],
            buckets: rows!(@buckets $($buckets)?),
            help: $help,
        }; )*

        /// Every row.
        #[cfg(test)]
        pub(super) const ALL: &[Row] = &[$($row),*];
    };
}

/// The buckets of controller-runtime's reconcile time.
const RECONCILE: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9,
    1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 15.0, 20.0,
    25.0, 30.0, 40.0, 50.0, 60.0,
];

/// The buckets of client-go's workqueue.
const QUEUE: &[f64] = &[
    1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0,
];

/// From a warm read to the attempt timeout of 15 s.
const AWS: &[f64] = &[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// From no wait to the worst sustained one (load balancers: one in 10 s).
const LIMITER: &[f64] = &[0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// gitops-controllers c.6.
const FETCH: &[f64] = &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

rows! {
    BUILD: gauge "evenkeel_build_info" ["version"]
        "Always 1; the version that runs.";
    READY: gauge "evenkeel_ready" []
        "Whether /readyz says ready: source read, credentials proven, every key passed over once, not stopping.";
    HEARTBEAT: gauge "evenkeel_heartbeat_timestamp_seconds" ["loop"]
        "When the loop last turned; 0 before the first turn.";

    FETCHES: counter "evenkeel_source_fetch_total" ["source", "kind", "result"]
        "Reads of the source; result is success, not_modified or error.";
    FETCH_TIME: histogram "evenkeel_source_fetch_duration_seconds" ["source"] buckets FETCH
        "How long a read of the source took.";
    WEBHOOK: counter "evenkeel_webhook_requests_total" ["provider", "result"]
        "Requests to the webhook; result is woken, ignored (no push) or refused.";
    WAKE_UP: gauge "evenkeel_wake_queue_up" []
        "Whether the queue of --wake-queue can be read; no series without one.";
    WAKE_MESSAGES: counter "evenkeel_wake_messages_total" ["result"]
        "Messages of the queue; result is woken, ignored (nothing follows from it), foreign (another account or region) or broken (no event).";
    WAKES: counter "evenkeel_wakes_total" ["about"]
        "Wake-ups of the loop by messages, several of one thing counted once; about is source, images, service, tasks or deployment_group.";
    SOURCE_SUCCESS: gauge "evenkeel_source_last_success_timestamp_seconds" ["source"]
        "When the source was last read whole; 0 if never.";
    SOURCE_CURRENT: gauge "evenkeel_source_up_to_date" ["source"]
        "Whether the last read of the source succeeded.";
    SOURCE_REVISION: gauge "evenkeel_source_revision_info" ["source", "revision"]
        "Always 1; the digest of what was read last.";
    SOURCE_COMMIT: gauge "evenkeel_source_commit_info" ["source", "reference", "commit"]
        "Always 1; the Git commit in force.";
    SOURCE_TROUBLE: gauge "evenkeel_source_trouble" ["source", "reason"]
        "1 for what keeps a source at its last good state: Unreachable, TimedOut, Denied, NoRevision, NoPath, Empty, TooLarge, Refused, HistoryRewritten, Unverified, Corrupt, Internal or Unreadable.";
    MANIFESTS: gauge "evenkeel_source_manifests" ["source", "state"]
        "Manifests of the source; state is valid or invalid.";

    RESOURCES: gauge "evenkeel_resources" ["kind", "outcome", "reason"]
        "Resources of the desired set by kind and outcome of their last pass.";
    DRIFT: gauge "evenkeel_drift_fields" ["kind"]
        "Fields in which live state differs from the manifests, by kind of resource.";
    HELD: gauge "evenkeel_held" ["scope"]
        "Resources that a person's hold keeps from being written; scope is service, cluster or everything, the widest that is in force.";

    PRUNED: counter "evenkeel_pruned_total" ["kind"]
        "Resources that were deleted because no manifest declared them any more, by kind.";
    ORPHANS: gauge "evenkeel_prune_orphans" ["state", "reason"]
        "Resources of this instance that no manifest declares, as pruning saw them last; state is goes, waits or stays. No series while pruning is off.";
    PRUNE_BLOCKED: gauge "evenkeel_prune_blocked" []
        "Whether pruning is on and something keeps up all of it; /status (prune) says what.";

    ROLLOUT_LIMIT: gauge "evenkeel_rollout_limit" ["label", "value"]
        "Rollouts that may be in flight at once, of services with this value of a label; both are empty for all services. No series without a limit.";
    ROLLOUT_PLACES: gauge "evenkeel_rollouts" ["label", "value", "state"]
        "Services by how they stand to the limit of the same labels; state is in_flight (those not known counted in) or waiting.";

    SERVICES: gauge "evenkeel_services" ["account", "region", "cluster"]
        "Services that are looked after.";
    SERVICE_INFO: gauge "evenkeel_service_info" ["account", "region", "cluster", "service", "manifest", "file", "source", "revision"]
        "Always 1; where the service is declared.";
    SYNC: gauge "evenkeel_service_sync_status" ["account", "region", "cluster", "service", "status"]
        "1 for the status that holds: Synced, OutOfSync, Unknown or Invalid.";
    HEALTH: gauge "evenkeel_service_health_status" ["account", "region", "cluster", "service", "status"]
        "1 for the status that holds: Healthy, Progressing, Suspended, Degraded, Missing or Unknown.";
    SERVICE_DRIFT: gauge "evenkeel_service_drift_fields" ["account", "region", "cluster", "service", "kind"]
        "Fields in which the live service differs from its manifest; kind is service.";
    OBSERVED: gauge "evenkeel_service_last_observed_timestamp_seconds" ["account", "region", "cluster", "service"]
        "When live state was last read.";
    DESIRED: gauge "evenkeel_service_desired_tasks" ["account", "region", "cluster", "service"]
        "Tasks that ECS is asked for; no series while unknown.";
    RUNNING: gauge "evenkeel_service_running_tasks" ["account", "region", "cluster", "service"]
        "Tasks that run; no series while unknown.";
    PENDING: gauge "evenkeel_service_pending_tasks" ["account", "region", "cluster", "service"]
        "Tasks that are starting; no series while unknown.";
    QUARANTINED: gauge "evenkeel_service_quarantined" ["account", "region", "cluster", "service"]
        "Whether the declared content is held back because it failed or was rolled back.";
    SERVICE_HELD: gauge "evenkeel_service_held" ["account", "region", "cluster", "service"]
        "Whether a person's hold, of whatever scope, keeps the service from being written.";
    DRIFT_KEPT: gauge "evenkeel_service_drift_kept" ["account", "region", "cluster", "service"]
        "Whether a change that somebody made of the live service is left as it is, by sync.selfHeal off or notify.";
    IN_PROGRESS: gauge "evenkeel_deployment_in_progress" ["account", "region", "cluster", "service"]
        "Whether a deployment is in flight, whoever started it.";
    PHASE: gauge "evenkeel_deployment_phase" ["account", "region", "cluster", "service", "phase"]
        "1 for the phase of the deployment in flight; all 0 without one.";
    TRAFFIC: gauge "evenkeel_deployment_traffic_ratio" ["account", "region", "cluster", "service", "role"]
        "Share of production traffic, 0 to 1, of the old (active) and new (preview) tasks; no series while unknown.";

    DEPLOYMENTS: counter "evenkeel_deployments_total" ["account", "region", "cluster", "service", "strategy", "result"]
        "Deployments that ended.";
    SELF_HEALS: counter "evenkeel_self_heals_total" ["account", "region", "cluster", "service", "kind"]
        "Drift that was written back without a change of the manifest, by kind of resource; what waited for a window, a place, an approval or the end of a hold when it is written.";
    WINDOW_OVERRIDES: counter "evenkeel_window_overrides_total" ["account", "region", "cluster", "service"]
        "Rollouts that were started outside of their windows, because the annotation evenkeel.dev/ignore-windows says so.";
    SUPPRESSED: counter "evenkeel_self_heal_suppressed_total" ["account", "region", "cluster", "service", "reason"]
        "Drift that was found and left alone.";
    RESYNCS: counter "evenkeel_forced_resyncs_total" ["trigger", "scope"]
        "Requests to read the source again and pass over it; trigger is signal or api, scope is all or resource.";
    COMMANDS: counter "evenkeel_commands_total" ["command", "result"]
        "Commands about rollouts by command; result is done, refused (it does not apply), refused_by_aws or unavailable.";
    RESYNC_TIME: gauge "evenkeel_last_forced_resync_timestamp_seconds" ["stage"]
        "When a resync was last requested and last completed; 0 if never.";

    AWS_CALLS: counter "evenkeel_aws_api_requests_total" ["service", "operation", "code"]
        "AWS calls after the SDK's own retries; code is ok or the class of the failure.";
    AWS_TIME: histogram "evenkeel_aws_api_request_duration_seconds" ["service", "operation"] buckets AWS
        "How long an AWS call took, retries included.";
    AWS_WAIT: histogram "evenkeel_aws_api_rate_limiter_wait_seconds" ["bucket"] buckets LIMITER
        "How long a call waited for its own token bucket.";
    ERRORS: counter "evenkeel_reconcile_errors_total" ["controller", "reason"]
        "Passes that failed, by the reason of their outcome.";

    PASSES: counter "controller_runtime_reconcile_total" ["controller", "result"]
        "Passes; result is success, error, requeue or requeue_after.";
    PASS_ERRORS: counter "controller_runtime_reconcile_errors_total" ["controller"]
        "Passes that failed.";
    PASS_TERMINAL: counter "controller_runtime_terminal_reconcile_errors_total" ["controller"]
        "Passes that failed and are not tried again before something changes.";
    PASS_PANICS: counter "controller_runtime_reconcile_panics_total" ["controller"]
        "Passes that met a defect of this program.";
    PASS_TIME: histogram "controller_runtime_reconcile_time_seconds" ["controller"] buckets RECONCILE
        "How long a pass took.";
    MAX_WORKERS: gauge "controller_runtime_max_concurrent_reconciles" ["controller"]
        "Passes that may run at once; all kinds share one pool.";
    WORKERS: gauge "controller_runtime_active_workers" ["controller"]
        "Passes that are running.";

    DEPTH: gauge "workqueue_depth" ["name", "controller"]
        "Keys that are due and wait for a worker.";
    ADDS: counter "workqueue_adds_total" ["name", "controller"]
        "Keys added to the queue.";
    RETRIES: counter "workqueue_retries_total" ["name", "controller"]
        "Keys added to the queue because their pass failed.";
    QUEUE_TIME: histogram "workqueue_queue_duration_seconds" ["name", "controller"] buckets QUEUE
        "How long a due key waited for a worker.";
    WORK_TIME: histogram "workqueue_work_duration_seconds" ["name", "controller"] buckets QUEUE
        "How long a worker held a key.";
    UNFINISHED: gauge "workqueue_unfinished_work_seconds" ["name", "controller"]
        "Time spent so far in passes that are running, summed.";
    LONGEST: gauge "workqueue_longest_running_processor_seconds" ["name", "controller"]
        "Time spent so far in the pass that has run longest.";
}

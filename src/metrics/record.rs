//! The recorders: what the edges call when something happened. Not what is (see `state`).

use std::time::Duration;

use super::labels::{self, bounded};
use super::{Metrics, QUEUE_NAME, family, table};
use crate::model::{Command, Hint, Kind};

impl Metrics {
    /// Says which AWS operations may be called (service and name, as [`Metrics::aws_called`] gets
    /// them), so that their series exist before the first call.
    pub fn aws_operations<'a>(&self, operations: impl IntoIterator<Item = (&'a str, &'a str)>) {
        for (service, operation) in operations {
            for code in labels::CODES {
                self.aws_calls.add(&[service, operation, code], 0);
            }
            self.aws_time.expect(&[service, operation]);
        }
    }

    /// An AWS call ended, after the SDK's own retries. `code` is `ok` or the class of its failure.
    pub fn aws_called(&self, service: &str, operation: &str, code: &str, took: Duration) {
        self.aws_operations([(service, operation)]);
        self.aws_calls
            .add(&[service, operation, bounded(code, labels::CODES)], 1);
        self.aws_time.observe(&[service, operation], took);
    }

    /// A call got its token from this bucket after that wait, which may be zero.
    pub fn aws_waited(&self, bucket: &str, waited: Duration) {
        self.aws_wait.observe(&[bucket], waited);
    }

    /// A pass begins. Every call is matched by one of [`Metrics::pass_ended`], also when the pass
    /// panics.
    pub fn pass_started(&self, kind: Kind) {
        self.workers.add(&[labels::kind(kind)], 1.0);
    }

    /// A pass ended with `success`, `error`, `requeue` or `requeue_after`.
    pub fn pass_ended(&self, kind: Kind, result: &str, took: Duration) {
        let kind = labels::kind(kind);
        self.workers.add(&[kind], -1.0);
        self.passes
            .add(&[kind, bounded(result, labels::RESULTS)], 1);
        self.pass_time.observe(&[kind], took);
    }

    /// A pass failed. `reason` is the outcome's ([`crate::model::Outcome::reason`]); `terminal` if
    /// it is not tried again before something changes. Called besides [`Metrics::pass_ended`].
    pub fn pass_failed(&self, kind: Kind, reason: &str, terminal: bool) {
        let kind = labels::kind(kind);
        self.errors
            .add(&[kind, bounded(reason, &labels::error_reasons())], 1);
        self.pass_errors.add(&[kind], 1);
        self.pass_terminal.add(&[kind], u64::from(terminal));
    }

    /// A pass panicked. Called besides [`Metrics::pass_ended`].
    pub fn pass_panicked(&self, kind: Kind) {
        self.pass_panics.add(&[labels::kind(kind)], 1);
    }

    /// How many passes may run at once.
    pub fn max_workers(&self, count: usize) {
        self.max_workers.set(&[QUEUE_NAME], count_of(count));
    }

    /// A key was added to the queue; `retry` if because its pass failed.
    pub fn queue_added(&self, retry: bool) {
        self.adds.add(&[QUEUE_NAME, QUEUE_NAME], 1);
        self.retries
            .add(&[QUEUE_NAME, QUEUE_NAME], u64::from(retry));
    }

    /// How many keys are due and wait for a worker.
    pub fn queue_depth(&self, depth: usize) {
        self.depth.set(&[QUEUE_NAME, QUEUE_NAME], count_of(depth));
    }

    /// A due key waited this long for a worker.
    pub fn queue_waited(&self, waited: Duration) {
        self.queue_time.observe(&[QUEUE_NAME, QUEUE_NAME], waited);
    }

    /// A worker held a key this long.
    pub fn queue_worked(&self, took: Duration) {
        self.work_time.observe(&[QUEUE_NAME, QUEUE_NAME], took);
    }

    /// How long the running passes have run: summed, and the longest.
    pub fn queue_unfinished(&self, total: Duration, longest: Duration) {
        self.unfinished
            .set(&[QUEUE_NAME, QUEUE_NAME], total.as_secs_f64());
        self.longest
            .set(&[QUEUE_NAME, QUEUE_NAME], longest.as_secs_f64());
    }

    /// The source was read: `success`, `not_modified` or `error`. `address` is without secrets;
    /// `kind` is the kind of source, such as `directory`.
    pub fn source_fetched(&self, address: &str, kind: &str, result: &str, took: Duration) {
        for known in labels::FETCH_RESULTS {
            self.fetches.add(&[address, kind, known], 0);
        }
        self.fetches
            .add(&[address, kind, bounded(result, labels::FETCH_RESULTS)], 1);
        self.fetch_time.observe(&[address], took);
    }

    /// A Git server asked the webhook: `woken`, `ignored` or `refused`.
    pub fn webhook_asked(&self, provider: &str, result: &str) {
        let provider = bounded(provider, labels::PROVIDERS);
        let result = bounded(result, labels::WEBHOOK_RESULTS);
        self.webhook.add(&[provider, result], 1);
    }

    /// A message of the queue of wake-ups was read: `woken`, `ignored`, `foreign` or `broken`.
    pub fn wake_heard(&self, result: &str) {
        self.wake_messages
            .add(&[bounded(result, labels::WAKE_RESULTS)], 1);
    }

    /// The queue woke the loop about `source`, `images`, `service`, `tasks` or `deployment_group`.
    pub fn woken(&self, about: &str) {
        self.wakes.add(&[bounded(about, &Hint::LABELS)], 1);
    }

    /// Something of this kind was deleted, because no manifest declared it any more.
    pub fn pruned(&self, kind: &str) {
        self.pruned.add(&[bounded(kind, labels::PRUNED)], 1);
    }

    /// A resync was asked for, by `signal` or `api`, of `all` or of one `resource`.
    pub fn resync_requested(&self, trigger: &str, scope: &str) {
        let trigger = bounded(trigger, labels::TRIGGERS);
        self.resyncs
            .add(&[trigger, bounded(scope, labels::SCOPES)], 1);
    }

    /// A command about a rollout was `done`, `refused`, `refused_by_aws` or `unavailable`.
    pub fn commanded(&self, command: &str, result: &str) {
        let command = bounded(command, &Command::LABELS);
        let result = bounded(result, labels::COMMAND_RESULTS);
        self.commands.add(&[command, result], 1);
    }

    /// A deployment of a service ended. `strategy`: `code_deploy` or `rolling`; `result`:
    /// `successful`, `failed`, `stopped`, `rollback_successful`, `rollback_failed`, `superseded`.
    pub fn deployment_ended(&self, cluster: &str, service: &str, strategy: &str, result: &str) {
        let labels = vec![
            bounded(strategy, labels::STRATEGIES),
            bounded(result, labels::DEPLOYMENT_RESULTS),
        ];
        self.services
            .add(table::DEPLOYMENTS.name, cluster, service, labels);
    }

    /// Drift of a service, or of a resource that belongs to it, was written back.
    pub fn self_healed(&self, cluster: &str, service: &str, kind: Kind) {
        self.services.add(
            table::SELF_HEALS.name,
            cluster,
            service,
            vec![labels::kind(kind)],
        );
    }

    /// A rollout of a service was started outside of its windows, because a person said so.
    pub fn window_overridden(&self, cluster: &str, service: &str) {
        self.services
            .add(table::WINDOW_OVERRIDES.name, cluster, service, Vec::new());
    }

    /// Drift of a service was found and left alone: `in_flight`, `grace`, `backoff`, `quarantine`,
    /// `disabled` or `fight`.
    pub fn self_heal_suppressed(&self, cluster: &str, service: &str, reason: &str) {
        let labels = vec![bounded(reason, labels::SUPPRESSIONS)];
        self.services
            .add(table::SUPPRESSED.name, cluster, service, labels);
    }
}

fn count_of(count: usize) -> f64 {
    family::float(count as u64)
}

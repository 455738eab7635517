//! Prometheus metrics: what happened is recorded by the edges, what is is computed when asked.
//!
//! What it is: [`Metrics`], one registry of its own with the counters and histograms, and
//! [`Metrics::render`], which adds the gauges that follow from a [`Status`]. What it is not: it
//! decides nothing and reads no clock; durations and moments are handed in. Under `--sandbox` these
//! are simulated ones.
//!
//! Invariants:
//! - State is never stored here, so the series of a removed service vanish with it.
//! - Every series of a bounded label exists from the start, at 0, so that alerts match something.
//! - A label value outside its bounded set is counted as `other`.

mod axes;
mod family;
mod instrument;
mod labels;
mod record;
mod service;
mod state;
mod table;

use prometheus::{Registry, TextEncoder};

pub use axes::{health, sync};

use self::instrument::{Counters, Gauges, Histograms};
use self::service::ServiceCounts;
use crate::model::{Command, Hint, Kind};
use crate::status::Status;

/// The value of the queue's `name` and of its `controller`: there is one queue for all kinds.
const QUEUE_NAME: &str = "evenkeel";

/// The media type of [`Metrics::render`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Every metric. Recorders may be called from any thread.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    services: ServiceCounts,
    fetches: Counters,
    fetch_time: Histograms,
    webhook: Counters,
    wake_messages: Counters,
    wakes: Counters,
    pruned: Counters,
    resyncs: Counters,
    commands: Counters,
    aws_calls: Counters,
    aws_time: Histograms,
    aws_wait: Histograms,
    errors: Counters,
    passes: Counters,
    pass_errors: Counters,
    pass_terminal: Counters,
    pass_panics: Counters,
    pass_time: Histograms,
    max_workers: Gauges,
    workers: Gauges,
    depth: Gauges,
    adds: Counters,
    retries: Counters,
    queue_time: Histograms,
    work_time: Histograms,
    unfinished: Gauges,
    longest: Gauges,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// A registry of its own, with every series of a bounded label at 0.
    pub fn new() -> Self {
        let registry = Registry::new();
        let counters = |row| Counters::new(&registry, row);
        let gauges = |row| Gauges::new(&registry, row);
        let histograms = |row| Histograms::new(&registry, row);
        let metrics = Self {
            services: ServiceCounts::default(),
            fetches: counters(&table::FETCHES),
            fetch_time: histograms(&table::FETCH_TIME),
            webhook: counters(&table::WEBHOOK),
            wake_messages: counters(&table::WAKE_MESSAGES),
            wakes: counters(&table::WAKES),
            pruned: counters(&table::PRUNED),
            resyncs: counters(&table::RESYNCS),
            commands: counters(&table::COMMANDS),
            aws_calls: counters(&table::AWS_CALLS),
            aws_time: histograms(&table::AWS_TIME),
            aws_wait: histograms(&table::AWS_WAIT),
            errors: counters(&table::ERRORS),
            passes: counters(&table::PASSES),
            pass_errors: counters(&table::PASS_ERRORS),
            pass_terminal: counters(&table::PASS_TERMINAL),
            pass_panics: counters(&table::PASS_PANICS),
            pass_time: histograms(&table::PASS_TIME),
            max_workers: gauges(&table::MAX_WORKERS),
            workers: gauges(&table::WORKERS),
            depth: gauges(&table::DEPTH),
            adds: counters(&table::ADDS),
            retries: counters(&table::RETRIES),
            queue_time: histograms(&table::QUEUE_TIME),
            work_time: histograms(&table::WORK_TIME),
            unfinished: gauges(&table::UNFINISHED),
            longest: gauges(&table::LONGEST),
            registry,
        };
        metrics.initialise();
        metrics
    }

    /// Makes every series of a bounded label appear.
    fn initialise(&self) {
        for kind in Kind::ALL.map(labels::kind) {
            for result in labels::RESULTS {
                self.passes.add(&[kind, result], 0);
            }
            for reason in labels::error_reasons() {
                self.errors.add(&[kind, reason], 0);
            }
            self.pass_errors.add(&[kind], 0);
            self.pass_terminal.add(&[kind], 0);
            self.pass_panics.add(&[kind], 0);
            self.pass_time.expect(&[kind]);
            self.workers.set(&[kind], 0.0);
        }
        for trigger in labels::TRIGGERS {
            for scope in labels::SCOPES {
                self.resyncs.add(&[trigger, scope], 0);
            }
        }
        for command in Command::LABELS {
            for result in labels::COMMAND_RESULTS {
                self.commands.add(&[command, result], 0);
            }
        }
        for provider in labels::PROVIDERS {
            for result in labels::WEBHOOK_RESULTS {
                self.webhook.add(&[provider, result], 0);
            }
        }
        for result in labels::WAKE_RESULTS {
            self.wake_messages.add(&[result], 0);
        }
        for about in Hint::LABELS {
            self.wakes.add(&[about], 0);
        }
        for kind in labels::PRUNED {
            self.pruned.add(&[kind], 0);
        }
        let queue = [QUEUE_NAME, QUEUE_NAME];
        self.adds.add(&queue, 0);
        self.retries.add(&queue, 0);
        self.queue_time.expect(&queue);
        self.work_time.expect(&queue);
        for gauge in [&self.depth, &self.unfinished, &self.longest] {
            gauge.set(&queue, 0.0);
        }
    }

    /// The text exposition: what was recorded, and what follows from the status.
    pub fn render(&self, status: &Status) -> String {
        let mut families = self.registry.gather();
        state::collect(&mut families, status);
        service::collect(&mut families, status, &self.services);
        families.sort_by(|a, b| a.name().cmp(b.name()));
        let mut text = String::new();
        if let Err(error) = TextEncoder::new().encode_utf8(&families, &mut text) {
            tracing::error!(%error, "a metric could not be written");
        }
        text
    }
}

#[cfg(test)]
mod tests;

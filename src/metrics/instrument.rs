//! Vectors of the `prometheus` crate, made from a row of the table. Not which metrics there are.
//!
//! Invariant: nothing here panics or fails. A row that the crate refuses has no vector and is
//! missing from the exposition; a test proves that there is none.

use std::time::Duration;

use prometheus::{GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

use super::table::Row;

/// A counter by labels.
#[derive(Clone, Debug)]
pub(super) struct Counters(Option<IntCounterVec>);

/// A gauge by labels.
#[derive(Clone, Debug)]
pub(super) struct Gauges(Option<GaugeVec>);

/// A histogram by labels.
#[derive(Clone, Debug)]
pub(super) struct Histograms(Option<HistogramVec>);

impl Counters {
    pub(super) fn new(registry: &Registry, row: &Row) -> Self {
        let vec = IntCounterVec::new(Opts::new(row.name, row.help), row.labels).ok();
        Self(vec.filter(|vec| registry.register(Box::new(vec.clone())).is_ok()))
    }

    /// Adds `count`; 0 makes the series appear.
    pub(super) fn add(&self, labels: &[&str], count: u64) {
        if let Some(counter) = self
            .0
            .as_ref()
            .and_then(|vec| vec.get_metric_with_label_values(labels).ok())
        {
            counter.inc_by(count);
        }
    }
}

impl Gauges {
    pub(super) fn new(registry: &Registry, row: &Row) -> Self {
        let vec = GaugeVec::new(Opts::new(row.name, row.help), row.labels).ok();
        Self(vec.filter(|vec| registry.register(Box::new(vec.clone())).is_ok()))
    }

    pub(super) fn set(&self, labels: &[&str], value: f64) {
        if let Some(gauge) = self
            .0
            .as_ref()
            .and_then(|vec| vec.get_metric_with_label_values(labels).ok())
        {
            gauge.set(value);
        }
    }

    pub(super) fn add(&self, labels: &[&str], value: f64) {
        if let Some(gauge) = self
            .0
            .as_ref()
            .and_then(|vec| vec.get_metric_with_label_values(labels).ok())
        {
            gauge.add(value);
        }
    }
}

impl Histograms {
    pub(super) fn new(registry: &Registry, row: &Row) -> Self {
        let options = HistogramOpts::new(row.name, row.help).buckets(row.buckets.to_vec());
        let vec = HistogramVec::new(options, row.labels).ok();
        Self(vec.filter(|vec| registry.register(Box::new(vec.clone())).is_ok()))
    }

    pub(super) fn observe(&self, labels: &[&str], took: Duration) {
        if let Some(histogram) = self
            .0
            .as_ref()
            .and_then(|vec| vec.get_metric_with_label_values(labels).ok())
        {
            histogram.observe(took.as_secs_f64());
        }
    }

    /// Makes the series appear, empty.
    pub(super) fn expect(&self, labels: &[&str]) {
        if let Some(vec) = &self.0 {
            let _made = vec.get_metric_with_label_values(labels);
        }
    }
}

//! One metric of one scrape, computed: its samples are put together and gone after the answer.
//!
//! Not a vector of the `prometheus` crate: making one of those for every scrape costs several times
//! as much, which shows at a thousand services.

use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType};

use super::table::Row;

/// The samples of one row. The caller sets no two of the same labels.
#[derive(Debug)]
pub(super) struct Family<'a> {
    row: &'a Row,
    metrics: Vec<Metric>,
}

impl<'a> Family<'a> {
    pub(super) fn new(row: &'a Row) -> Self {
        Self {
            row,
            metrics: Vec::new(),
        }
    }

    /// A sample of a gauge. `values` are the row's labels, in its order.
    pub(super) fn gauge(&mut self, values: &[&str], value: f64) {
        let mut gauge = Gauge::default();
        gauge.set_value(value);
        let mut metric = self.labelled(values);
        metric.set_gauge(gauge);
        self.metrics.push(metric);
    }

    /// A sample of a counter.
    pub(super) fn counter(&mut self, values: &[&str], count: u64) {
        let mut counter = Counter::default();
        counter.set_value(float(count));
        let mut metric = self.labelled(values);
        metric.set_counter(counter);
        self.metrics.push(metric);
    }

    fn labelled(&self, values: &[&str]) -> Metric {
        debug_assert_eq!(values.len(), self.row.labels.len(), "{}", self.row.name);
        let pair = |(name, value): (&&str, &&str)| {
            let mut pair = LabelPair::default();
            pair.set_name((*name).to_owned());
            pair.set_value((*value).to_owned());
            pair
        };
        Metric::from_label(self.row.labels.iter().zip(values).map(pair).collect())
    }

    /// Nothing if there are no samples, which the text format cannot say.
    fn finish(self, kind: MetricType, scrape: &mut Vec<MetricFamily>) {
        if self.metrics.is_empty() {
            return;
        }
        let mut family = MetricFamily::default();
        family.set_name(self.row.name.to_owned());
        family.set_help(self.row.help.to_owned());
        family.set_field_type(kind);
        family.set_metric(self.metrics);
        scrape.push(family);
    }

    /// Adds the gauges to the scrape.
    pub(super) fn gauges(self, scrape: &mut Vec<MetricFamily>) {
        self.finish(MetricType::GAUGE, scrape);
    }

    /// Adds the counters to the scrape.
    pub(super) fn counters(self, scrape: &mut Vec<MetricFamily>) {
        self.finish(MetricType::COUNTER, scrape);
    }
}

/// A count as a sample. Saturates at 2^32, far above any count of tasks, manifests or events.
pub(super) fn float(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// A truth as a sample.
pub(super) fn flag(truth: bool) -> f64 {
    f64::from(u8::from(truth))
}

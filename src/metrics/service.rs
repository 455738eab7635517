//! The metrics of services: gauges from the status, and counters kept by name until asked.
//!
//! Invariant: only services that the status names have series, and each of them has all of its
//! counters, at 0 if nothing happened.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use prometheus::proto::MetricFamily;

use super::family::{Family, flag, float};
use super::table::Row;
use super::{axes, labels, table};
use crate::model::{Block, Kind, Outcome, RolloutStage};
use crate::status::{ResourceStatus, Status};

/// One counter of one service: metric, cluster, service, and the values of its own labels.
type Series = (&'static str, String, String, Vec<&'static str>);

/// What happened to services. Kept apart from the registry because account and region are known
/// only to the status, and a removed service must not be shown.
#[derive(Debug, Default)]
pub(super) struct ServiceCounts(Mutex<BTreeMap<Series, u64>>);

impl ServiceCounts {
    /// Adds one.
    pub(super) fn add(
        &self,
        metric: &'static str,
        cluster: &str,
        service: &str,
        own: Vec<&'static str>,
    ) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let series = (metric, cluster.to_owned(), service.to_owned(), own);
        *counts.entry(series).or_default() += 1;
    }
}

/// The services of one scrape.
struct Services<'a> {
    account: &'a str,
    region: &'a str,
    /// By cluster and name; of two manifests for one service, the first.
    all: BTreeMap<(&'a str, &'a str), (&'a str, &'a ResourceStatus)>,
}

/// Adds the metrics of every service to the scrape.
pub(super) fn collect(scrape: &mut Vec<MetricFamily>, status: &Status, counts: &ServiceCounts) {
    let mut all = BTreeMap::new();
    for (key, resource) in &status.resources {
        if let Some((cluster, name)) = &resource.service {
            all.entry((cluster.as_str(), name.as_str()))
                .or_insert((key.name.as_str(), resource));
        }
    }
    let account = status.account.as_deref().unwrap_or_default();
    let services = Services {
        account,
        region: &status.region,
        all,
    };

    let mut clusters: BTreeMap<&str, u64> = BTreeMap::new();
    for (cluster, _) in services.all.keys() {
        *clusters.entry(cluster).or_default() += 1;
    }
    let mut family = Family::new(&table::SERVICES);
    for (cluster, count) in clusters {
        family.gauge(&[account, &status.region, cluster], float(count));
    }
    family.gauges(scrape);

    let mut info = Family::new(&table::SERVICE_INFO);
    for ((cluster, name), (manifest, resource)) in &services.all {
        let source = &status.source;
        let own = [
            manifest,
            resource.file.as_str(),
            &source.address,
            &source.revision,
        ];
        info.gauge(&services.labels(cluster, name, &own), 1.0);
    }
    info.gauges(scrape);

    let now = status.heartbeat;
    services.states(scrape, &table::SYNC, &axes::SYNC, |one| {
        Some(axes::sync(one))
    });
    services.states(scrape, &table::HEALTH, &axes::HEALTH, |one| {
        Some(axes::health(one, now))
    });
    let phases = RolloutStage::ALL.map(RolloutStage::label);
    services.states(scrape, &table::PHASE, &phases, |one| {
        one.rollout.as_ref().map(|rollout| rollout.stage.label())
    });

    services.values(
        scrape,
        &table::SERVICE_DRIFT,
        &[labels::kind(Kind::Service)],
        |one| Some(float(one.drift.len() as u64)),
    );
    services.values(scrape, &table::OBSERVED, &[], |one| {
        Some(one.observed_at.seconds())
    });
    services.values(scrape, &table::DESIRED, &[], |one| {
        Some(float(one.tasks?.desired))
    });
    services.values(scrape, &table::RUNNING, &[], |one| {
        Some(float(one.tasks?.running))
    });
    services.values(scrape, &table::PENDING, &[], |one| {
        Some(float(one.tasks?.pending))
    });
    services.values(scrape, &table::QUARANTINED, &[], |one| {
        Some(flag(matches!(
            one.outcome,
            Outcome::Blocked(Block::Quarantined, _)
        )))
    });
    services.values(scrape, &table::SERVICE_HELD, &[], |one| {
        Some(flag(one.hold.is_some()))
    });
    services.values(scrape, &table::DRIFT_KEPT, &[], |one| {
        Some(flag(matches!(
            one.outcome,
            Outcome::Blocked(Block::DriftKept | Block::DriftFound, _)
        )))
    });
    services.values(scrape, &table::IN_PROGRESS, &[], |one| {
        Some(flag(one.rollout.is_some()))
    });

    let mut traffic = Family::new(&table::TRAFFIC);
    for ((cluster, name), (_, resource)) in &services.all {
        let weights = resource
            .rollout
            .as_ref()
            .and_then(|rollout| rollout.weights);
        for (role, percent) in
            weights.map_or(vec![], |(old, new)| vec![("active", old), ("preview", new)])
        {
            traffic.gauge(&services.labels(cluster, name, &[role]), percent / 100.0);
        }
    }
    traffic.gauges(scrape);

    let counts = counts.0.lock().unwrap_or_else(PoisonError::into_inner);
    for (row, values) in counters() {
        services.counts(scrape, &row, &values, &counts);
    }
}

impl Services<'_> {
    /// A service's labels, and the metric's own.
    fn labels<'a>(&'a self, cluster: &'a str, name: &'a str, own: &[&'a str]) -> Vec<&'a str> {
        [self.account, self.region, cluster, name]
            .iter()
            .chain(own)
            .copied()
            .collect()
    }

    /// A one-hot gauge: 1 for the word that holds.
    fn states(
        &self,
        scrape: &mut Vec<MetricFamily>,
        row: &Row,
        words: &[&str],
        holds: impl Fn(&ResourceStatus) -> Option<&'static str>,
    ) {
        let mut family = Family::new(row);
        for ((cluster, name), (_, resource)) in &self.all {
            let holding = holds(resource);
            for word in words {
                let truth = holding == Some(*word);
                family.gauge(&self.labels(cluster, name, &[word]), flag(truth));
            }
        }
        family.gauges(scrape);
    }

    /// A gauge, for the services that have a value.
    fn values(
        &self,
        scrape: &mut Vec<MetricFamily>,
        row: &Row,
        own: &[&str],
        value: impl Fn(&ResourceStatus) -> Option<f64>,
    ) {
        let mut family = Family::new(row);
        for ((cluster, name), (_, resource)) in &self.all {
            if let Some(value) = value(resource) {
                family.gauge(&self.labels(cluster, name, own), value);
            }
        }
        family.gauges(scrape);
    }

    /// A counter: every service has every value of its own labels, and what was counted besides.
    fn counts(
        &self,
        scrape: &mut Vec<MetricFamily>,
        row: &Row,
        values: &[Vec<&'static str>],
        counts: &BTreeMap<Series, u64>,
    ) {
        let mut samples: BTreeMap<_, u64> = BTreeMap::new();
        for service in self.all.keys() {
            for own in values {
                samples.insert((*service, own), 0);
            }
        }
        for ((metric, cluster, name, own), count) in counts {
            let service = (cluster.as_str(), name.as_str());
            if *metric == row.name && self.all.contains_key(&service) {
                samples.insert((service, own), *count);
            }
        }
        let mut family = Family::new(row);
        for (((cluster, name), own), count) in samples {
            family.counter(&self.labels(cluster, name, own), count);
        }
        family.counters(scrape);
    }
}

/// The counters of services, and the values that their own labels can have.
fn counters() -> [(Row, Vec<Vec<&'static str>>); 4] {
    let mut deployments = Vec::new();
    for strategy in labels::STRATEGIES {
        deployments.extend(
            labels::DEPLOYMENT_RESULTS
                .iter()
                .map(|result| vec![*strategy, *result]),
        );
    }
    let kinds = Kind::ALL
        .iter()
        .map(|kind| vec![labels::kind(*kind)])
        .collect();
    let reasons = labels::SUPPRESSIONS
        .iter()
        .map(|reason| vec![*reason])
        .collect();
    [
        (table::DEPLOYMENTS, deployments),
        (table::SELF_HEALS, kinds),
        (table::WINDOW_OVERRIDES, vec![Vec::new()]),
        (table::SUPPRESSED, reasons),
    ]
}

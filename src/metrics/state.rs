//! The gauges of the program, its source and the desired set, from the status at the scrape.

use std::collections::BTreeMap;

use prometheus::proto::MetricFamily;

use super::family::{Family, flag, float};
use super::table::Row;
use super::{labels, table};
use crate::model::{HoldScope, Kind, Moment};
use crate::status::{PruneStatus, RolloutLimit, Status};

/// Adds them to the scrape.
pub(super) fn collect(scrape: &mut Vec<MetricFamily>, status: &Status) {
    let mut gauge = |row: &Row, samples: &[(&[&str], f64)]| {
        let mut family = Family::new(row);
        for (labels, value) in samples {
            family.gauge(labels, *value);
        }
        family.gauges(scrape);
    };
    gauge(&table::BUILD, &[(&[env!("CARGO_PKG_VERSION")], 1.0)]);
    gauge(&table::READY, &[(&[], flag(status.ready()))]);
    gauge(
        &table::HEARTBEAT,
        &[(&["reconcile"], status.heartbeat.seconds())],
    );

    let resyncs = &status.resyncs;
    let requested = seconds(resyncs.requested_at);
    let completed = seconds(resyncs.completed_at);
    gauge(
        &table::RESYNC_TIME,
        &[(&["requested"], requested), (&["completed"], completed)],
    );

    if let Some(wake) = &status.wake {
        gauge(&table::WAKE_UP, &[(&[], flag(wake.is_up()))]);
    }

    let source = &status.source;
    let address = source.address.as_str();
    let current = source.error.is_none() && source.last_success.is_some();
    let parts = &source.parts;
    // What is wrong with all of them, such as a value that cannot be fetched, is wrong with each.
    let shared = source.error.is_some() && parts.iter().all(|part| part.trouble.is_none());
    let mut families = [
        &table::SOURCE_SUCCESS,
        &table::SOURCE_CURRENT,
        &table::SOURCE_COMMIT,
        &table::SOURCE_TROUBLE,
    ]
    .map(Family::new);
    let [success, up_to_date, commits, troubles] = &mut families;
    if parts.is_empty() {
        success.gauge(&[address], seconds(source.last_success));
        up_to_date.gauge(&[address], flag(current));
    }
    for part in parts {
        let address = part.address.as_str();
        let current = part.trouble.is_none() && part.last_success.is_some() && !shared;
        success.gauge(&[address], seconds(part.last_success));
        up_to_date.gauge(&[address], flag(current));
        if let Some(commit) = &part.commit {
            commits.gauge(&[address, &commit.reference, &commit.id], 1.0);
        }
        if let Some((reason, _)) = &part.trouble {
            troubles.gauge(&[address, reason], 1.0);
        }
    }
    if !source.revision.is_empty() {
        gauge(
            &table::SOURCE_REVISION,
            &[(&[address, &source.revision], 1.0)],
        );
    }
    let (valid, invalid) = (float(source.valid as u64), float(source.invalid as u64));
    gauge(
        &table::MANIFESTS,
        &[
            (&[address, "valid"], valid),
            (&[address, "invalid"], invalid),
        ],
    );

    for family in families {
        family.gauges(scrape);
    }
    resources(scrape, status);
    prune(scrape, status.prune.as_ref());
    rollouts(scrape, &status.rollout_limits);
}

/// The limits on rollouts in flight at once, and how far they are used.
fn rollouts(scrape: &mut Vec<MetricFamily>, all: &[RolloutLimit]) {
    let mut limits = Family::new(&table::ROLLOUT_LIMIT);
    let mut places = Family::new(&table::ROLLOUT_PLACES);
    for one in all {
        let (label, value) = (one.label.as_str(), one.value.as_str());
        limits.gauge(&[label, value], float(one.most as u64));
        places.gauge(&[label, value, "in_flight"], float(one.taken as u64));
        places.gauge(&[label, value, "waiting"], float(one.waiting as u64));
    }
    limits.gauges(scrape);
    places.gauges(scrape);
}

/// Whether pruning is kept up, and what no manifest declares, by state and reason.
fn prune(scrape: &mut Vec<MetricFamily>, prune: Option<&PruneStatus>) {
    let mut blocked = Family::new(&table::PRUNE_BLOCKED);
    blocked.gauge(&[], flag(prune.is_some_and(|prune| prune.held.is_some())));
    blocked.gauges(scrape);
    let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for orphan in prune.iter().flat_map(|prune| &prune.orphans) {
        *counts.entry((orphan.state, orphan.reason)).or_default() += 1;
    }
    let mut orphans = Family::new(&table::ORPHANS);
    for ((state, reason), count) in counts {
        orphans.gauge(&[state, reason], float(count));
    }
    orphans.gauges(scrape);
}

/// Counts of resources by kind, outcome and reason, of their differences by kind, and of holds.
fn resources(scrape: &mut Vec<MetricFamily>, status: &Status) {
    let mut counts: BTreeMap<(Kind, &str, &str), u64> = BTreeMap::new();
    let mut drift: BTreeMap<Kind, u64> = BTreeMap::new();
    let mut held = HoldScope::ALL.map(|scope| (scope, 0));
    for kind in Kind::ALL {
        drift.insert(kind, 0);
        for (outcome, reason) in labels::outcomes() {
            counts.insert((kind, outcome, reason), 0);
        }
    }
    for (key, resource) in &status.resources {
        let outcome = &resource.outcome;
        *counts
            .entry((key.kind, outcome.label(), outcome.reason()))
            .or_default() += 1;
        *drift.entry(key.kind).or_default() += resource.drift.len() as u64;
        for (scope, count) in &mut held {
            let hold = resource.hold.as_ref();
            *count += u64::from(hold.is_some_and(|hold| hold.scope == *scope));
        }
    }
    let mut holds = Family::new(&table::HELD);
    for (scope, count) in held {
        holds.gauge(&[scope.label()], float(count));
    }
    holds.gauges(scrape);
    let mut resources = Family::new(&table::RESOURCES);
    for ((kind, outcome, reason), count) in counts {
        resources.gauge(&[labels::kind(kind), outcome, reason], float(count));
    }
    resources.gauges(scrape);
    let mut fields = Family::new(&table::DRIFT);
    for (kind, count) in drift {
        fields.gauge(&[labels::kind(kind)], float(count));
    }
    fields.gauges(scrape);
}

/// A moment as a sample; 0 for never.
fn seconds(moment: Option<Moment>) -> f64 {
    moment.map_or(0.0, Moment::seconds)
}

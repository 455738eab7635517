//! Random scenarios of the whole daemon over all engines, with monitors over the simulated AWS.
//!
//! A scenario is a seed: which engine (`stage`), what its manifests ask for besides (`wishes`), what happens and when
//! (`scenario`) and what persons do (`persons`, `words`): manifests change, images are broken, hooks, alarms and one-off
//! tasks fail, calls are throttled, fail or lose their answers, the daemon dies and comes back, or there are two of them;
//! persons stop, deploy and change things, hold, approve, reject, abort and roll back, or do not answer; windows close,
//! a scaler scales, and a service of `CodeDeploy` moves over to ECS's own canary. Before and after every call of the daemon that changes something, and every five seconds, AWS is
//! looked at (`sight`, `recorder`); what was seen must not violate what always holds (`monitors`), and once the environment is
//! fair the daemon must say what is so (`truth`).
//!
//! `EVENKEEL_SCENARIOS` is how many seeds are run (6), `EVENKEEL_SEED` the first (1); with `EVENKEEL_TRACE` every moment
//! is printed.

mod forged;
mod monitors;
mod persons;
mod recorder;
mod scenario;
mod sight;
mod stage;
mod truth;
mod wishes;
mod words;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

fn number(name: &str, otherwise: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.map_or(otherwise, |text| text.parse().unwrap())
}

#[test]
fn whatever_happens_the_invariants_hold_and_the_end_is_told_truly() {
    let first = number("EVENKEEL_SEED", 1);
    let count = number("EVENKEEL_SCENARIOS", 6);
    let (mut moments, mut rollouts, mut ends) = (0, 0, BTreeMap::<&str, usize>::new());
    let (mut heeded, mut calls) = (BTreeMap::new(), BTreeMap::<String, usize>::new());
    let mut wrong = Vec::new();
    let tells = std::env::var_os("EVENKEEL_TRACE").is_some();
    for seed in first..first + count {
        let scenario = || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .start_paused(true)
                .build()
                .unwrap();
            runtime.block_on(scenario::run(seed))
        };
        if let Ok(report) = catch_unwind(AssertUnwindSafe(scenario)) {
            if tells {
                println!("{}", report.trace);
            }
            moments += report.moments;
            rollouts += report.rollouts;
            for (word, count) in report.heeded {
                *heeded.entry(word).or_insert(0) += count;
            }
            for (name, count) in report.calls {
                *calls.entry(name).or_default() += count;
            }
            *ends.entry(report.outcome.reason()).or_default() += 1;
            for why in report.wrong {
                eprintln!("seed {seed}: {why}");
                wrong.push(seed);
            }
        } else {
            eprintln!("seed {seed}: panicked");
            wrong.push(seed);
        }
        if count > 100 && (seed - first + 1).is_multiple_of(100) {
            eprintln!(
                "{} seeds, {moments} moments, {rollouts} rollouts, {ends:?}, heeded: {heeded:?}",
                seed - first + 1
            );
        }
    }
    println!(
        "{count} seeds, {moments} moments, {rollouts} rollouts, ends: {ends:?}, heeded: {heeded:?}, calls: {calls:?}"
    );
    wrong.dedup();
    assert!(wrong.is_empty(), "seeds {wrong:?}");
}

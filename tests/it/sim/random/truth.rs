//! Whether what the daemon says in the end is what AWS has. Pure.

use evenkeel::model::{Block, Fail, Outcome, Wait};

use super::monitors::verdict;
use super::sight::{End, Sight};
use super::stage::Engine;
use super::wishes::{Asks, Heals, Wishes};

/// What was declared, and what happened to it.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "none of them excludes another"
)]
pub(super) struct Told<'a> {
    pub(super) engine: Engine,
    pub(super) wishes: &'a Wishes,
    /// The declared image.
    pub(super) image: &'a str,
    /// The declared count.
    pub(super) count: u64,
    /// Whether a person took the declared content back.
    pub(super) barred: bool,
    /// Whether a rollout of the declared content failed before the service moved over.
    pub(super) failed_before: bool,
    /// Whether a one-off task ended badly, or nobody knows how.
    pub(super) task_failed: bool,
    /// Whether a person has changed something by hand.
    pub(super) by_hand: bool,
}

/// Whether just what is declared runs.
pub(super) fn agrees(sight: &Sight, image: &str, count: u64, wishes: &Wishes) -> bool {
    let count = if wishes.scaled && (2..=5).contains(&sight.desired) {
        sight.desired
    } else {
        count
    };
    let runs = |(one, running): (&String, &u64)| *running == if one == image { count } else { 0 };
    sight.running.iter().all(runs) && sight.desired == count
}

/// How an outcome is not what AWS has.
pub(super) fn lie(told: &Told<'_>, outcome: &Outcome, sight: &Sight) -> Option<String> {
    let served: Vec<_> = sight
        .production
        .iter()
        .filter(|(_, weight, _)| *weight > 0)
        .collect();
    let legal = served.iter().all(|(_, _, healthy)| *healthy > 0)
        && (told.engine == Engine::Rolling || served.len() == 1);
    let bad = told.failed_before || verdict(sight, told.image) == Some(End::Bad);
    let newest = sight.rollouts.first();
    let newest_bad = newest.is_some_and(|one| one.end == End::Bad);
    let as_declared = agrees(sight, told.image, told.count, told.wishes);
    let unless = |so: bool, lie: &str| (!so).then(|| lie.to_owned());
    match outcome {
        Outcome::Converged if !as_declared => Some("not what is declared runs".to_owned()),
        Outcome::Converged => unless(legal, "traffic is not where the tasks are"),
        Outcome::Failed(Fail::RolloutFailed, _) | Outcome::Blocked(Block::Quarantined, _) => {
            unless(bad || newest_bad || told.barred, "nothing failed")
        }
        Outcome::Failed(Fail::TaskFailed, _) => unless(told.task_failed, "no task failed"),
        Outcome::Blocked(Block::TrafficMismatch, _) => {
            unless(!legal || newest_bad, "traffic is as it should be")
        }
        Outcome::Blocked(Block::DriftKept, _) => {
            let kept = told.wishes.heals == Heals::Off && told.by_hand && !as_declared;
            unless(kept, "nothing of a person's is kept")
        }
        Outcome::Blocked(Block::DriftFound, _) => {
            let found = told.wishes.heals == Heals::Notify && told.by_hand && !as_declared;
            unless(found, "nothing of a person's was found")
        }
        Outcome::Waiting(Wait::ApprovalPending, _)
        | Outcome::Blocked(Block::ApprovalTimedOut, _) => {
            let asked = told.wishes.asks == Asks::Before && !told.wishes.answered;
            unless(asked && !as_declared, "nothing waits for a person")
        }
        _ => Some("no rest".to_owned()),
    }
}

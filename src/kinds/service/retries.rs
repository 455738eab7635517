//! `rollout.retries` and `rollout.retryFor`: whether a deployment of `CodeDeploy` that failed before production traffic moved is started once
//! more. Pure; counted from `CodeDeploy`'s own history, so a restart changes nothing.
//!
//! | the declared content's newest deployment | decision |
//! |---|---|
//! | failed at a lifecycle event before `AllowTraffic`, so often in a row as is declared or less | wait after its end, then start |
//! | the same, more often, the first of them less than `rollout.retryFor` ago | the same, with the long wait |
//! | the same, longer ago | never |
//! | failed at `AllowTraffic` or later, or nobody can tell where | never |
//! | ended by an alarm, by a hook or by a person: somebody's word on the content | never |
//! | another deployment came after it | never |
//!
//! Not for ECS's own deployments: ECS itself starts tasks anew until its circuit breaker counts too many, and that is
//! a word on the content (gitops-controllers d.4).

use std::time::Duration;

use serde_json::Value;

use super::history::{BadEnd, attempt_of, is_rollback};
use super::supersede::Marks;
use super::{Observed, items, text};
use crate::kinds::View;
use crate::kinds::heal::time;
use crate::model::Moment;

/// The wait before the first retry, and the longest (gitops-controllers d.4).
const WAITS: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(3));

/// The wait before those that `rollout.retryFor` asks for (gitops-controllers d.4).
const LONG_WAIT: Duration = Duration::from_mins(15);

/// Codes of `errorInformation` that are somebody's word on the content (aws-facts 2.4).
const WORDS: [&str; 3] = ["ALARM_ACTIVE", "HOOK_EXECUTION_FAILURE", "MANUAL_STOP"];

/// The next attempt of a content that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Retry {
    /// Its number, from 1.
    pub(super) number: usize,
    /// Until when, or how often.
    pub(super) bound: Bound,
    /// When it may start.
    pub(super) at: Moment,
}

/// What ends the attempts of a content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    /// So many of them (`rollout.retries`).
    Times(usize),
    /// This time (`rollout.retryFor`).
    Until(Moment),
}

impl Retry {
    /// For a person: `2 of 5 times (rollout.retries)`.
    pub(super) fn bounds(&self) -> String {
        let number = self.number;
        match self.bound {
            Bound::Times(of) => format!("{number} of {of} times (rollout.retries)"),
            Bound::Until(end) => {
                format!(
                    "for the {number}. time, and no more after {} (rollout.retryFor)",
                    time(end)
                )
            }
        }
    }
}

/// The next attempt after `end`, if there is to be one. `history` is newest first.
pub(super) fn next(
    view: &View<'_>,
    observed: &Observed,
    history: &[Value],
    attempt: &str,
    marks: &Marks<'_>,
    end: &BadEnd,
) -> Option<Retry> {
    let of = view.resource.retries();
    let failed = history
        .iter()
        .find(|one| text(one, "deploymentId") == end.id)?;
    let code = failed
        .get("errorInformation")
        .map_or("", |error| text(error, "code"));
    let retry_for = view.resource.retry_for();
    if (of == 0 && retry_for.is_none())
        || !end.newest
        || text(failed, "status") != "Failed"
        || WORDS.contains(&code)
        || !failed_early(observed, &end.id)
    {
        return None;
    }
    let rollouts = history.iter().filter(|one| !is_rollback(one));
    let own = rollouts.filter(|one| !marks.made_room(one));
    let row: Vec<&Value> = own
        .take_while(|one| attempt_of(one) == Some(attempt) && text(one, "status") == "Failed")
        .collect();
    let (number, at) = (row.len(), ended(failed)?);
    if number <= of {
        return Some(Retry {
            number,
            bound: Bound::Times(of),
            at: at.plus(wait(number)),
        });
    }
    let until = ended(row.last()?)?.plus(retry_for?);
    let at = at.plus(LONG_WAIT);
    (at <= until).then_some(Retry {
        number,
        bound: Bound::Until(until),
        at,
    })
}

/// When a deployment ended.
fn ended(deployment: &Value) -> Option<Moment> {
    let ended = deployment.get("completeTime").and_then(Value::as_f64);
    ended.map(Moment::of_seconds)
}

/// How long to wait before this retry.
fn wait(number: usize) -> Duration {
    let doublings = u32::try_from(number.saturating_sub(1)).unwrap_or(u32::MAX);
    WAITS
        .0
        .saturating_mul(2_u32.saturating_pow(doublings))
        .min(WAITS.1)
}

/// Whether a deployment failed at a lifecycle event before production traffic moved, as its target says.
fn failed_early(observed: &Observed, id: &str) -> bool {
    let target = observed.target.present();
    let Some(target) = target.filter(|target| text(target, "deploymentId") == id) else {
        return false;
    };
    let before = items(target, "lifecycleEvents")
        .take_while(|event| text(event, "lifecycleEventName") != "AllowTraffic");
    let failed = before
        .filter(|event| text(event, "status") == "Failed")
        .count()
        > 0;
    let known = items(target, "lifecycleEvents")
        .any(|event| text(event, "lifecycleEventName") == "AllowTraffic");
    let mut green =
        items(target, "taskSetsInfo").filter(|set| text(set, "taskSetLabel") == "Green");
    let moved = green.any(|set| {
        let weight = set.get("trafficWeight").and_then(Value::as_f64);
        weight.is_some_and(|weight| weight > 0.0)
    });
    failed && known && !moved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_three_minutes() {
        let waits: Vec<u64> = (1..=7).map(|number| wait(number).as_secs()).collect();
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 180]);
        assert_eq!(wait(usize::MAX), WAITS.1);
    }
}

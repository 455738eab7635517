//! One-off tasks before the rollout (`rollout.tasks.preDeploy`): the last gate. Pure; the tasks themselves are
//! [`super::super::tasks`].
//!
//! Other than the gates before it, it writes: a task is started when all else is open. How tasks ended is
//! recorded whether or not a rollout is to start.

use serde_json::Value;

use super::super::Observed;
use super::super::tasks::{Case, Next};
use super::{Shut, kept, not_yet, starts};
use crate::kinds::View;
use crate::kinds::common::acting;
use crate::manifest::HookTime;
use crate::model::{Outcome, Plan, Step};

/// The plan as far as the tasks let it.
pub(super) fn before(
    view: &View<'_>,
    observed: &Observed,
    service: Option<&Value>,
    mut plan: Plan,
) -> Plan {
    let Some(case) = Case::of(view, observed, service) else {
        return plan;
    };
    let starting = plan.steps.iter().any(starts);
    let left = starting && case.is_left(HookTime::Before);
    let foreseen_only = starting && view.policy.in_the_end;
    if !(left || case.is_open() || foreseen_only) {
        return case.carried(plan);
    }
    let look = match case.look() {
        Ok(look) => look,
        Err(outcome) if starting || observed.tasks.is_none() => return shut(plan, outcome),
        // What does not depend on them goes on.
        Err(_) => return plan,
    };
    if view.policy.in_the_end {
        return if starting {
            foreseen(&case, plan)
        } else {
            plan
        };
    }
    if !look.chores.is_empty() {
        if starting {
            return instead(plan, look.chores);
        }
        // First: what comes after them may fail, and AWS forgets.
        plan.steps.splice(0..0, look.chores);
        plan.outcome = acting(&plan.steps).unwrap_or(plan.outcome);
        return plan;
    }
    if !starting {
        return plan;
    }
    match case.next(HookTime::Before, &look) {
        Next::Nothing => case.carried(plan),
        Next::Shut(outcome) => shut(plan, outcome),
        Next::Run(steps) => instead(plan, steps),
    }
}

fn shut(plan: Plan, outcome: Outcome) -> Plan {
    let again = None;
    kept(plan, Shut { outcome, again })
}

/// The plan with these writes in the place of its own.
fn instead(plan: Plan, steps: Vec<Step>) -> Plan {
    let outcome = acting(&steps).unwrap_or(Outcome::Converged);
    Plan {
        steps,
        ..shut(plan, outcome)
    }
}

/// The plan with all that would run before and after the start.
fn foreseen(case: &Case<'_>, mut plan: Plan) -> Plan {
    let (before, failure) = case.foreseen(HookTime::Before);
    if let Some(outcome) = failure {
        not_yet(&mut plan, outcome.message());
    }
    let first = plan.steps.iter().position(starts).unwrap_or_default();
    plan.steps.splice(first..first, before);
    plan.steps.extend(case.foreseen(HookTime::After).0);
    plan.outcome = acting(&plan.steps).unwrap_or(plan.outcome);
    plan
}

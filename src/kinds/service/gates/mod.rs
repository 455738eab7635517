//! What may keep a rollout from starting, whatever its engine. Pure.
//!
//! An engine decides what a service needs; where its plan holds the write that starts a rollout
//! ([`starts`]), the gates are asked in their order, and the first that is shut says why. Not for deployments in
//! flight: those are followed, and what acts on them is the engines' own, and `overrun`'s when a window closes.
//!
//! | gate | shut while |
//! |---|---|
//! | `window` | no window for it is open (`sync.windows`), and no person says to start all the same |
//! | `order` | a service that `rollout.dependsOn` names is not as its manifest says, or not healthy |
//! | `approval` | `rollout.approval` asks for a person's word, and none counts for this content |
//! | `limit` | as many rollouts are in flight as may be at once, or others have waited longer for a place |
//! | `tasks` | a task of `rollout.tasks.preDeploy` has not ended well for this content; it is run when all else is open |
//!
//! Invariants:
//! - A shut gate takes all writes out of the plan (the last one puts the start of a task, or its end, in their place): those beside a start belong to it (marks, records), and what
//!   is quiet is healed by the pass that starts.
//! - What a shut gate opens by time alone says when, and is looked at again then.
//! - A gate looks at nothing where no rollout is to start; but how a task ended is recorded then too.

mod approval;
mod limit;
mod order;
mod tasks;
mod window;

pub(super) use approval::asked as asks_for_approval;
pub(super) use window::{held, overrun};

use serde_json::Value;

use super::Observed;
use super::rules::DEPLOYING;
use crate::kinds::View;
use crate::model::{Moment, Outcome, Plan, Rollout, Step};

/// Why a gate is shut.
struct Shut {
    outcome: Outcome,
    /// When time alone opens it, if that is known.
    again: Option<Moment>,
}

/// The plan as far as the gates let it. `service` is the live one, if there is one.
pub(super) fn before_start(
    view: &View<'_>,
    observed: &Observed,
    service: Option<&Value>,
    plan: Plan,
) -> Plan {
    let plan = opened(view, service, plan);
    tasks::before(view, observed, service, plan)
}

/// The plan as far as the gates before the last let it.
fn opened(view: &View<'_>, service: Option<&Value>, mut plan: Plan) -> Plan {
    if !plan.steps.iter().any(starts) {
        return plan;
    }
    let mut closed = window::shut(view);
    if closed.is_some()
        && let Some(reason) = window::overridden(view)
    {
        closed = None;
        plan.overridden = Some(reason.to_owned());
    }
    let others = || {
        let digest = plan.digest.as_deref();
        let outcome = order::shut(view)
            .or_else(|| approval::shut(view, service, digest))
            .or_else(|| limit::shut(view, plan.flying))?;
        Some(Shut {
            outcome,
            again: None,
        })
    };
    match closed.or_else(others) {
        Some(shut) if view.policy.in_the_end => {
            not_yet(&mut plan, shut.outcome.message());
            plan
        }
        Some(shut) => kept(plan, shut),
        None => plan,
    }
}

/// Says in a plan that starts a rollout what keeps it for now.
pub(crate) fn not_yet(plan: &mut Plan, why: &str) {
    if let Some(step) = plan.steps.iter_mut().find(|step| starts(step)) {
        step.why = format!("{}; not yet: {why}", step.why);
    }
}

/// Whether this write makes new tasks of other content start, or makes room for them.
pub(crate) fn starts(step: &Step) -> bool {
    let input = &step.call.input;
    match step.call.operation {
        // Stopping what is in flight is for what starts after it.
        "CreateService" | "CreateDeployment" | "StopDeployment" => true,
        "UpdateService" => {
            let starting = ["forceNewDeployment", "deploymentController"];
            let members = DEPLOYING.iter().chain(&starting);
            members
                .into_iter()
                .any(|member| input.get(*member).is_some())
        }
        _ => false,
    }
}

/// The plan without its writes.
fn kept(plan: Plan, why: Shut) -> Plan {
    Plan {
        steps: Vec::new(),
        outcome: why.outcome,
        again: why.again,
        overridden: None,
        rollout: plan
            .rollout
            .filter(|rollout| !rollout.id.is_empty())
            .map(|rollout| Rollout {
                superseded: false,
                ..rollout
            }),
        ..plan
    }
}

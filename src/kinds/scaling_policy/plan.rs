//! What to do about a scaling policy. One operation makes and changes it, and takes it whole.

use serde_json::Value;

use super::{Observed, PUT, RULES};
use crate::document::compare;
use crate::kinds::View;
use crate::kinds::common::{Changes, creating, facts, step, text, unknown, unresolved};
use crate::kinds::scalable_target::resource_id;
use crate::model::{Call, Kind, Outcome, Plan, Seen, Service, Wait};

pub(super) fn plan(view: &View<'_>, observed: &Observed) -> Plan {
    if let Some(plan) = unresolved(view, &observed.policy, "PolicyARN") {
        return plan;
    }
    let what = format!("scaling policy {}", view.resource.aws_name());
    match &observed.policy {
        Seen::Unknown(reason) => unknown(&what, reason),
        Seen::Absent => create(view, observed, &what),
        Seen::Present(live) => update(view, live, &what).unwrap_or_else(|plan| *plan),
    }
}

fn create(view: &View<'_>, observed: &Observed, what: &str) -> Plan {
    let declared = view
        .resource
        .needs
        .iter()
        .any(|need| need.kind == Kind::ScalableTarget);
    match &observed.target {
        Some(Seen::Unknown(reason)) => {
            return unknown(&format!("the scalable target of {what}"), reason);
        }
        // A target of the set is ready, or this pass would wait for it.
        Some(Seen::Absent) | None if !declared => {
            let text = format!(
                "waits for a scalable target of {}: no manifest declares one, and none is registered",
                resource_id(&view.spec)
            );
            return Plan::only(Outcome::Waiting(Wait::DependencyNotReady, text));
        }
        _ => {}
    }
    let why = format!("create {what}");
    let step = step(Service::Scaling, PUT, view.spec.clone(), why);
    creating(view, vec![step])
}

fn update(view: &View<'_>, live: &Value, what: &str) -> Result<Plan, Box<Plan>> {
    let arn = text(live, "PolicyARN", what)?;
    let facts = facts(view, Some(arn), true);
    let view = &view.over(live, &RULES);
    let drift = compare(&view.spec, live, &RULES);
    let mut changes = Changes::new(what, Vec::new());
    let call = Call {
        service: Service::Scaling,
        operation: PUT,
        input: view.spec.clone(),
    };
    changes.mend(call, drift);
    Ok(changes.into_plan(facts))
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;

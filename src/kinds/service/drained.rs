//! The count that pruning took from a service, given back when the service is declared again. Pure.
//!
//! Pruning drains a service before it deletes it (`crate::prune`). A manifest that comes back in between and leaves the
//! count to others would find 0, and leave it so: nothing would serve, and nothing would say why. So the count is noted
//! first, as a tag on the service, which a restart does not lose.
//!
//! | note | live count | declared count | decision |
//! |---|---|---|---|
//! | there | 0 | none | the noted one is the declared one for now |
//! | there | 0 | some | the declared one; the note goes when the service rests |
//! | there | more | any | the note goes when the service rests |
//! | none, or no number | any | any | nothing |
//!
//! Invariant: a count that a person set to 0 has no note, and stays.

use serde_json::Value;

use super::{items, text};
use crate::kinds::{View, tagging};
use crate::model::{Kind, Outcome, Plan, Step};

/// The service's tag with the count that it had before pruning drained it.
pub(crate) const DRAINED_TAG: &str = "evenkeel.dev/drained-from";

fn note(service: &Value) -> Option<&str> {
    let mut tags = items(service, "tags");
    let tag = tags.find(|tag| text(tag, "key") == DRAINED_TAG)?;
    Some(text(tag, "value"))
}

/// The view with the count that is given back, if one is.
pub(super) fn with_count<'a>(view: &View<'a>, service: &Value) -> View<'a> {
    let mut view = view.clone();
    let noted = note(service).and_then(|count| count.parse::<u32>().ok());
    let declared = view
        .spec
        .get("desiredCount")
        .is_some_and(|count| !count.is_null());
    let empty = service.get("desiredCount").and_then(Value::as_i64) == Some(0);
    if let Some(count) = noted
        && empty
        && !declared
    {
        view.spec["desiredCount"] = Value::from(count);
    }
    view
}

/// The plan with the end of the note. `view` is that of [`with_count`].
pub(super) fn around(view: &View<'_>, service: &Value, mut plan: Plan) -> Plan {
    let rests = plan.outcome == Outcome::Converged && plan.steps.is_empty();
    let agrees = match view.spec.get("desiredCount") {
        Some(declared) if !declared.is_null() => service.get("desiredCount") == Some(declared),
        _ => true,
    };
    if note(service).is_none() || !rests || !agrees {
        return plan;
    }
    let step = Step {
        call: tagging::remove(Kind::Service, text(service, "serviceArn"), &[DRAINED_TAG]),
        why: format!(
            "take away the note of the count of service {} from before it was drained: it is declared again",
            text(service, "serviceName")
        ),
    };
    plan.outcome = Outcome::Acting(step.why.clone());
    plan.steps.push(step);
    plan
}

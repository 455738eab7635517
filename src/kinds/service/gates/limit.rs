//! How many rollouts may be in flight at once (`--max-rollouts`). Pure.
//!
//! Whose turn it is depends on all services, so the controller says so (`View::turn`); it wakes the service
//! when a place is free. A rollout that supersedes one of the same service has its place already.

use crate::kinds::View;
use crate::model::{Outcome, Wait};

/// Why the rollout waits for others to end; `None` if it does not. `flying`: whether one of the service is in flight.
pub(super) fn shut(view: &View<'_>, flying: Option<bool>) -> Option<Outcome> {
    let why = view.turn.filter(|_| flying != Some(true))?;
    Some(Outcome::Waiting(Wait::RolloutLimit, why.to_owned()))
}

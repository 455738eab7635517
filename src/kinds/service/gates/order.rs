//! Services whose rollouts come first (`rollout.dependsOn`). Pure.
//!
//! Whoever waits here is woken when the facts of the other change, not by a timer.

use crate::kinds::View;
use crate::model::{Key, Outcome, Wait};

/// Why the rollout waits for others; `None` if it does not.
pub(super) fn shut(view: &View<'_>) -> Option<Outcome> {
    let waits: Vec<Key> = view
        .resource
        .depends_on()
        .filter(|key| !view.facts.get(key).is_some_and(|facts| facts.settled))
        .collect();
    if waits.is_empty() {
        return None;
    }
    let names: Vec<String> = waits.iter().map(|key| why(view, key)).collect();
    let message = format!("its rollout waits for {}", names.join(", "));
    Some(Outcome::Waiting(Wait::DependencyNotReady, message))
}

fn why(view: &View<'_>, key: &Key) -> String {
    match view.set.invalid.get(key) {
        Some(error) => format!("{key}, whose manifest has an error: {error}"),
        None => format!("{key} to be as its manifest says, and healthy"),
    }
}

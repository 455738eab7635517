//! Pruning in the commands: its settings, and how it stands as text.

use std::time::Duration;

use super::args::PruneArgs;
use crate::controller::Prune;
use crate::status::{OrphanStatus, PruneStatus};

impl PruneArgs {
    /// The settings, if it is on.
    pub(super) fn settings(self, grace: Duration) -> Option<Prune> {
        self.prune.then_some(Prune {
            percent: self.prune_max_percent,
            grace,
        })
    }
}

/// What no manifest declares, a line each, and what keeps it up.
pub(super) fn text(prune: &PruneStatus) -> String {
    let mut out = String::new();
    for orphan in &prune.orphans {
        let OrphanStatus {
            kind,
            name,
            state,
            reason,
            message,
            ..
        } = orphan;
        let line = match *state {
            "goes" => format!("- {kind}/{name}  {message}\n"),
            _ => format!("  {kind}/{name}  {state} ({reason}): {message}\n"),
        };
        out.push_str(&line);
    }
    if let Some((reason, message)) = &prune.held {
        out.push_str(&format!("  nothing is pruned ({reason}): {message}\n"));
    }
    out
}

/// Whether something that was to go could not.
pub(super) fn is_kept_up(prune: &PruneStatus) -> bool {
    let stuck = |one: &OrphanStatus| one.state != "stays" || one.reason == "Refused";
    prune.held.is_some() || prune.orphans.iter().any(stuck)
}

/// Whether something would go, now or when something else has gone.
pub(super) fn changes(prune: &PruneStatus) -> bool {
    prune.orphans.iter().any(|one| one.state != "stays")
}

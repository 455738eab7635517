//! From what a message says is worth a look to the keys that are passed over. What AWS is there is observed
//! as in every pass; nothing comes from the message.

use super::Controller;
use crate::manifest::DesiredSet;
use crate::model::{Hint, Key, Kind};

impl Controller {
    /// Schedules what the hints are about; whether the source is to be read now.
    pub(super) fn look_at(&mut self, hints: &[Hint]) -> bool {
        let now = self.clock.now();
        let set = std::sync::Arc::clone(&self.state.set);
        for hint in hints {
            let patient = matches!(hint, Hint::Tasks { .. });
            for key in concerned(&set, hint) {
                self.state.hint(key, patient, now);
            }
        }
        let source = hints.contains(&Hint::Source);
        self.pushed |= source;
        source
    }
}

/// The keys that a hint is about; none if the set has nothing of it.
///
/// Images of a repository that has no manifest are registered as written: no push changes them.
fn concerned<'a>(set: &'a DesiredSet, hint: &Hint) -> Vec<&'a Key> {
    match hint {
        Hint::Source => Vec::new(),
        Hint::Images(repository) => set
            .of_kind(Kind::TaskDefinition)
            .filter(|one| set.uses_images_of(one, repository))
            .map(|one| &one.key)
            .collect(),
        Hint::Service { cluster, name } | Hint::Tasks { cluster, name } => set
            .of_kind(Kind::Service)
            .filter(|one| set.service_names(one) == (cluster.as_str(), name.as_str()))
            .map(|one| &one.key)
            .collect(),
        Hint::DeploymentGroup { application, group } => set.services_of(application, group),
    }
}

//! The reads of a service's one-off tasks: only where what is decided depends on them. I/O; decides nothing.

use std::collections::BTreeMap;

use super::super::Observed;
use super::super::observe::cluster_of;
use super::super::text;
use super::{Case, Found, needed, run};
use crate::aws::Observer;
use crate::kinds::View;
use crate::model::{Moment, Seen};

/// Reads. `seen` is what was read before.
pub(in super::super) async fn found(
    observer: &Observer,
    view: &View<'_>,
    fresh: Moment,
    seen: &Observed,
) -> Option<Found> {
    if !needed(view, seen) {
        return None;
    }
    let case = Case::of(view, seen, seen.service.present())?;
    let revision = case.revision().to_owned();
    let (starter, families) = (run::started_by(view), case.families());
    let cluster = cluster_of(view);
    let tasks = observer.tasks_started_by(cluster, &starter, &families);
    let tasks = tasks.await;
    let mut definitions = BTreeMap::new();
    for task in tasks.present().into_iter().flatten() {
        let arn = text(task, "taskDefinitionArn");
        let definition = observer.task_definition(arn).await;
        definitions.insert(arn.to_owned(), definition);
    }
    // Its tags are the record of a service that is not there yet.
    let definition = if seen.service == Seen::Absent {
        observer.task_definition_afresh(&revision, fresh).await
    } else {
        observer.task_definition(&revision).await
    };
    definitions.insert(revision, definition);
    Some(Found { tasks, definitions })
}

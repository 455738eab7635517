//! The reads of a task definition: tags of its images, its revisions, and what stands in them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use super::reuse::running_fits;
use super::{NEWEST_READ, Observed, images};
use crate::aws::Observer;
use crate::kinds::View;
use crate::model::{Kind, Moment, Seen};

/// How old a family's list of revisions may be while a running revision has the declared content:
/// then it only tells whether somebody has deregistered that revision, which matters no sooner
/// than with the next deployment, and one list a minute and family would be most of the budget of
/// the category at 1,000 families.
const LISTED_FOR: Duration = Duration::from_mins(10);

pub(super) async fn observe(observer: &Observer, view: &View<'_>, fresh: Moment) -> Observed {
    let mut digests = BTreeMap::new();
    for (repository, tags) in images::tags_wanted(view) {
        let found = observer.images(&repository, &tags, fresh).await;
        digests.insert(repository, found);
    }
    // A service may run a revision that is far from the newest; it is read anyway in its own pass.
    for key in view.set.dependents(&view.resource.key) {
        if let Some(service) = view
            .set
            .get(key)
            .filter(|one| one.key.kind == Kind::Service)
        {
            let (cluster, name) = view.set.service_names(service);
            observer.service(cluster, name, fresh).await;
        }
    }
    let family = view.resource.aws_name();
    let running = observer.running_revisions(family);
    let mut seen = Observed {
        images: digests,
        revisions: Seen::Present(running.clone()),
        running,
        documents: BTreeMap::new(),
    };
    read(observer, &mut seen, usize::MAX).await;
    let running_fits_alone = running_fits(view, &seen);
    let tolerated = if running_fits_alone {
        fresh.minus(LISTED_FOR)
    } else {
        fresh
    };
    seen.revisions = observer.revisions(family, tolerated).await;
    // A list from before the running revision was registered does not name it; taken for its
    // deregistration it would have one revision after the other registered.
    if running_fits_alone && !running_fits(view, &seen) {
        seen.revisions = observer.revisions(family, fresh).await;
    }
    read(observer, &mut seen, NEWEST_READ).await;
    seen
}

/// Reads what stands in the newest of the listed revisions.
async fn read(observer: &Observer, seen: &mut Observed, newest: usize) {
    let listed: Vec<String> = seen
        .revisions
        .present()
        .into_iter()
        .flatten()
        .take(newest)
        .cloned()
        .collect();
    for arn in listed {
        if let Entry::Vacant(place) = seen.documents.entry(arn) {
            let document = observer.task_definition(place.key()).await;
            place.insert(document);
        }
    }
}

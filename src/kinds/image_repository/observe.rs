//! The reads of a repository: itself, and tags and policies where some are declared.

use super::{LIFECYCLE, Observed, POLICY};
use crate::aws::Observer;
use crate::kinds::{View, tags};
use crate::model::Moment;

pub(super) async fn observe(observer: &Observer, view: &View<'_>, fresh: Moment) -> Observed {
    let name = view.resource.aws_name();
    let repository = observer.repository(name, fresh).await;
    let arn = repository
        .present()
        .and_then(|live| live.get("repositoryArn")?.as_str());
    let arn = arn.map(str::to_owned);
    let mut seen = Observed {
        repository,
        tags: None,
        lifecycle_policy: None,
        policy: None,
    };
    let Some(arn) = arn else { return seen };
    if tags::declared(view.spec.get("tags")) {
        seen.tags = Some(observer.repository_tags(&arn, fresh).await);
    }
    if view.resource.beside.contains_key(LIFECYCLE) {
        seen.lifecycle_policy = Some(observer.lifecycle_policy(name, fresh).await);
    }
    if view.resource.beside.contains_key(POLICY) {
        seen.policy = Some(observer.repository_policy(name, fresh).await);
    }
    seen
}

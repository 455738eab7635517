//! The reads of a repository: itself, its tags, and policies where some are declared
//! or remembered.

use super::{LIFECYCLE, LIFECYCLE_PATH, Observed, POLICY, POLICY_PATH};
use crate::aws::Observer;
use crate::kinds::{View, members, tags};
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
    let live_tags = observer
        .repository_tags(&arn, tags::fresh(view, fresh))
        .await;
    let remembers = |path: &str| {
        let kind = view.resource.key.kind;
        members::remembers(kind, live_tags.present(), path)
    };
    if view.resource.beside.contains_key(LIFECYCLE) || remembers(LIFECYCLE_PATH) {
        seen.lifecycle_policy = Some(observer.lifecycle_policy(name, fresh).await);
    }
    if view.resource.beside.contains_key(POLICY) || remembers(POLICY_PATH) {
        seen.policy = Some(observer.repository_policy(name, fresh).await);
    }
    seen.tags = Some(live_tags);
    seen
}

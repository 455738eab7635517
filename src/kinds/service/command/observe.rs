//! What an order looks at: all that a pass reads, and the deployments whether or not a pass would need them.
//! I/O; decides nothing.

use super::super::observe::{self, cluster_of};
use super::super::plan::controller;
use super::super::{Observed, text};
use crate::aws::Observer;
use crate::kinds::View;
use crate::model::{Moment, Seen};

/// Reads.
pub(super) async fn standing(observer: &Observer, view: &View<'_>, fresh: Moment) -> Observed {
    let mut seen = observe::observe(observer, view, fresh).await;
    let Seen::Present(service) = &seen.service else {
        return seen;
    };
    match controller(service) {
        "CODE_DEPLOY" => {
            let group = view.set.deployment_group_of(&view.resource.key);
            if seen.history.is_none()
                && let Some(group) = group
            {
                let application = text(&group.spec, "applicationName");
                seen.history = Some(observer.history(application, group.aws_name()).await);
            }
        }
        "ECS" if seen.service_deployments.is_none() => {
            let arn = text(service, "serviceArn");
            let cluster = cluster_of(view);
            seen.service_deployments =
                Some(observer.service_deployments(arn, cluster, fresh).await);
        }
        _ => {}
    }
    seen
}

//! What an order looks at: all that a pass reads, the deployments whether or not a pass would need them, and what a
//! rollback would deploy. I/O; decides nothing.

use super::super::history::in_flight;
use super::super::observe::{self, cluster_of};
use super::super::plan::controller;
use super::super::text;
use super::rollback::last_good;
use super::{Standing, declared};
use crate::aws::Observer;
use crate::kinds::View;
use crate::model::{Command, Moment, Order, Seen};

/// Reads.
pub(super) async fn standing(
    observer: &Observer,
    view: &View<'_>,
    order: &Order,
    fresh: Moment,
) -> Standing {
    let observed = observe::observe(observer, view, fresh).await;
    let mut standing = Standing {
        observed,
        revision: None,
    };
    let seen = &mut standing.observed;
    let Seen::Present(service) = &seen.service else {
        return standing;
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
            if let (Some(group), Some(Seen::Present(history))) = (group, &seen.history)
                && matches!(order.command, Command::Rollback { .. })
                && !history.iter().any(in_flight)
            {
                let (_, attempt) = declared(view, service);
                if let Some(good) = last_good(service, attempt.as_deref(), history) {
                    let application = text(&group.spec, "applicationName");
                    let location = &good["revision"];
                    standing.revision =
                        Some(observer.application_revision(application, location).await);
                }
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
    standing
}

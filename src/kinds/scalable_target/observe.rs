//! The reads of a scalable target: itself, its tags, and its service when something differs.

use serde_json::Value;

use super::{Observed, RULES, plan, resource_id};
use crate::aws::Observer;
use crate::document::compare;
use crate::kinds::{View, tags};
use crate::model::Moment;

pub(super) async fn observe(observer: &Observer, view: &View<'_>, fresh: Moment) -> Observed {
    let id = resource_id(&view.spec);
    let mut seen = Observed {
        target: observer.scalable_target(id, fresh).await,
        tags: None,
        service: None,
    };
    let Some(live) = seen.target.present().cloned() else {
        return seen;
    };
    let arn = live.get("ScalableTargetARN").and_then(Value::as_str);
    if let Some(arn) = arn {
        let declared = plan::declared_tags(&view.spec);
        let fresh = tags::fresh_for(Some(&declared), fresh);
        seen.tags = Some(observer.scalable_target_tags(arn, fresh).await);
    }
    if !compare(&view.spec, &live, &RULES).is_empty()
        && let Some((cluster, service)) = names(id)
    {
        seen.service = Some(observer.service(cluster, service, fresh).await);
    }
    seen
}

/// The names of cluster and service.
fn names(id: &str) -> Option<(&str, &str)> {
    id.strip_prefix("service/")?.split_once('/')
}

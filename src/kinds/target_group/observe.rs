//! The reads of a target group: itself, and attributes and tags where some are declared.

use super::Observed;
use crate::aws::{Bag, Observer};
use crate::kinds::{View, attributes, tags};
use crate::model::Moment;

pub(super) async fn observe(observer: &Observer, view: &View<'_>, fresh: Moment) -> Observed {
    let live = observer.target_group(view.resource.aws_name(), fresh).await;
    let arn = live
        .present()
        .and_then(|live| live.get("TargetGroupArn")?.as_str())
        .map(str::to_owned);
    let mut seen = Observed {
        target_group: live,
        attributes: None,
        tags: None,
    };
    let Some(arn) = arn else { return seen };
    if attributes::are_declared(&view.resource.beside) {
        seen.attributes = Some(observer.elb_attributes(Bag::TargetGroup, &arn, fresh).await);
    }
    if tags::declared(view.spec.get("Tags")) {
        seen.tags = Some(observer.elb_tags(&arn, fresh).await);
    }
    seen
}

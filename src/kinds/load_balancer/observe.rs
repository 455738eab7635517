//! The reads of a load balancer: itself, its tags, and attributes where some are declared or
//! remembered.

use super::Observed;
use crate::aws::{Bag, Observer};
use crate::kinds::{View, attributes, tags};
use crate::model::Moment;

pub(super) async fn observe(observer: &Observer, view: &View<'_>, fresh: Moment) -> Observed {
    let live = observer
        .load_balancer(view.resource.aws_name(), fresh)
        .await;
    let arn = live
        .present()
        .and_then(|live| live.get("LoadBalancerArn")?.as_str())
        .map(str::to_owned);
    let mut seen = Observed {
        load_balancer: live,
        attributes: None,
        tags: None,
    };
    let Some(arn) = arn else { return seen };
    let live_tags = observer.elb_tags(&arn, tags::fresh(view, fresh)).await;
    if attributes::are_read(view, &live_tags) {
        let bag = observer
            .elb_attributes(Bag::LoadBalancer, &arn, fresh)
            .await;
        seen.attributes = Some(bag);
    }
    seen.tags = Some(live_tags);
    seen
}

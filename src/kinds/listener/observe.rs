//! The reads of a listener: those of its load balancer, its tags, and attributes where some are
//! declared or remembered.

use serde_json::Value;

use super::Observed;
use super::plan::is_of_network_balancer;
use crate::aws::{Bag, Observer};
use crate::document::scalar_text;
use crate::kinds::{View, attributes, tags};
use crate::model::{Moment, Seen};

pub(super) async fn observe(observer: &Observer, view: &View<'_>, fresh: Moment) -> Observed {
    let listener = listener(observer, view, fresh).await;
    let arn = listener
        .present()
        .and_then(|live| live.get("ListenerArn")?.as_str());
    let arn = arn.map(str::to_owned);
    let mut seen = Observed {
        listener,
        attributes: None,
        tags: None,
        rules: None,
    };
    let Some(arn) = arn else { return seen };
    let live_tags = observer.elb_tags(&arn, tags::fresh(view, fresh)).await;
    if attributes::are_read(view, &live_tags) {
        let bag = observer.elb_attributes(Bag::Listener, &arn, fresh).await;
        seen.attributes = Some(bag);
    }
    seen.tags = Some(live_tags);
    if view.set.is_label_asked_of(&view.resource.key) && !is_of_network_balancer(&arn) {
        seen.rules = Some(observer.rules(&arn, fresh).await);
    }
    seen
}

async fn listener(observer: &Observer, view: &View<'_>, fresh: Moment) -> Seen<Value> {
    let Some(load_balancer) = view.spec.get("LoadBalancerArn").and_then(Value::as_str) else {
        return Seen::Unknown("its load balancer is not known yet".to_owned());
    };
    match observer.listeners(load_balancer, fresh).await {
        Seen::Unknown(reason) => Seen::Unknown(reason),
        Seen::Absent => Seen::Absent,
        Seen::Present(listeners) => {
            let port = |document: &Value| document.get("Port").and_then(scalar_text);
            let wanted = port(&view.spec);
            listeners
                .into_iter()
                .find(|live| port(live) == wanted)
                .map_or(Seen::Absent, Seen::Present)
        }
    }
}

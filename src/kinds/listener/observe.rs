//! The reads of a listener: those of its load balancer, and attributes and tags where some are
//! declared.

use serde_json::Value;

use super::Observed;
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
    };
    let Some(arn) = arn else { return seen };
    if attributes::are_declared(&view.resource.beside) {
        seen.attributes = Some(observer.elb_attributes(Bag::Listener, &arn, fresh).await);
    }
    if tags::declared(view.spec.get("Tags")) {
        seen.tags = Some(observer.elb_tags(&arn, fresh).await);
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

//! The reads of a rule: all rules of its listener, and its tags.

use serde_json::Value;

use super::Observed;
use crate::aws::Observer;
use crate::kinds::{View, tags};
use crate::model::{Moment, Seen};

pub(super) async fn observe(observer: &Observer, view: &View<'_>, fresh: Moment) -> Observed {
    let Some(listener) = view.spec.get("ListenerArn").and_then(Value::as_str) else {
        let reason = "its listener is not known yet".to_owned();
        return Observed {
            rules: Seen::Unknown(reason),
            tags: None,
        };
    };
    let mut seen = Observed {
        rules: observer.rules(listener, fresh).await,
        tags: None,
    };
    let rule = seen.rule(&view.spec);
    let arn = rule
        .present()
        .and_then(|live| live.get("RuleArn")?.as_str())
        .map(str::to_owned);
    if let Some(arn) = arn {
        seen.tags = Some(observer.elb_tags(&arn, tags::fresh(view, fresh)).await);
    }
    seen
}

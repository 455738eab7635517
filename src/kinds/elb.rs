//! What target groups, load balancers, listeners and rules share: creation with tags, attribute bags
//! and tags of something that exists.

use serde_json::{Value, json};

use super::common::{Changes, step, with_member};
use super::members::{self, Recalled};
use super::{View, attributes, tags};
use crate::model::{Call, Service, Step};

/// The step that creates the resource from its whole spec, marked as ours.
pub(crate) fn create(operation: &'static str, view: &View<'_>, spec: &Value, why: String) -> Step {
    let tags = tags::for_new(view);
    step(
        Service::Elb,
        operation,
        with_member(spec.clone(), "Tags", tags),
        why,
    )
}

/// What is live with its attributes by key, as [`super::members`] compares it.
pub(crate) fn with_attributes(live: &Value, bag: Option<&Value>) -> Value {
    let by_key = bag.map_or(Value::Null, members::by_key);
    with_member(live.clone(), "attributes", by_key)
}

/// Adds the step that writes the attributes that are not live as declared, or not at the default that
/// they go back to; none if the bag was not read.
pub(crate) fn attribute(
    view: &View<'_>,
    operation: &'static str,
    identity: (&str, &str),
    bag: Option<&Value>,
    recalled: &Recalled,
    changes: &mut Changes<'_>,
) {
    let Some(bag) = bag else { return };
    let (differences, wanted) = attributes::missing(&view.resource.beside, bag, recalled);
    let (member, arn) = identity;
    let call = Call {
        service: Service::Elb,
        operation,
        input: json!({ member: arn, "Attributes": wanted }),
    };
    changes.mend(call, differences);
}

//! What target groups, load balancers, listeners and rules share: creation with tags, attribute bags
//! and tags of something that exists.

use serde_json::{Value, json};

use super::common::{Changes, step, with_member};
use super::tags::Spelling;
use super::{View, attributes, tags};
use crate::model::{Service, Step};

/// The step that creates the resource from its whole spec, marked as ours.
pub(crate) fn create(operation: &'static str, view: &View<'_>, spec: &Value, why: String) -> Step {
    let tags = tags::for_new(spec.get("Tags"), Spelling::Upper, view.policy);
    step(
        Service::Elb,
        operation,
        with_member(spec.clone(), "Tags", tags),
        why,
    )
}

/// Adds the step that writes the declared attributes that are not live; none if the bag was not read.
pub(crate) fn attribute(
    view: &View<'_>,
    operation: &'static str,
    identity: (&str, &str),
    bag: Option<&Value>,
    changes: &mut Changes<'_>,
) {
    let Some(bag) = bag else { return };
    let (differences, wanted) = attributes::missing(&view.resource.beside, bag);
    let (member, arn) = identity;
    let input = json!({ member: arn, "Attributes": wanted });
    changes.mend(Service::Elb, operation, input, differences);
}

/// Adds the step that writes the declared tags that are not live; none if the tags were not read.
pub(crate) fn tag(
    view: &View<'_>,
    arn: &str,
    live_tags: Option<&Value>,
    changes: &mut Changes<'_>,
) {
    if live_tags.is_none() {
        return;
    }
    let declared = view.spec.get("Tags");
    let (differences, wanted) = tags::missing(declared, live_tags, Spelling::Upper);
    let input = json!({"ResourceArns": [arn], "Tags": wanted});
    changes.mend(Service::Elb, "AddTags", input, differences);
}

//! Writes of tags, as each service takes them: those declared, those that go away, and the record of
//! what is declared. Which tags those are is decided in [`super::tags`] and [`super::members`].

use serde_json::{Value, json};

use super::View;
use super::common::Changes;
use super::heal;
use super::marks;
use super::members::Recalled;
use super::tags::{self, Spelling};
use crate::model::{Call, Kind, Service};

/// The service that a kind is of.
fn service(kind: Kind) -> Service {
    match kind {
        Kind::Cluster | Kind::TaskDefinition | Kind::Service => Service::Ecs,
        Kind::ImageRepository => Service::Ecr,
        Kind::TargetGroup | Kind::LoadBalancer | Kind::Listener | Kind::ListenerRule => {
            Service::Elb
        }
        Kind::DeploymentGroup => Service::CodeDeploy,
        // Whose tags are a map, so that the target writes its own.
        Kind::ScalableTarget | Kind::ScalingPolicy => Service::Scaling,
    }
}

/// The call that writes these tags.
pub(super) fn write(kind: Kind, arn: &str, tags: &Value) -> Call {
    let service = service(kind);
    let (operation, input) = match service {
        Service::Elb => ("AddTags", json!({"ResourceArns": [arn], "Tags": tags})),
        Service::CodeDeploy => ("TagResource", json!({"ResourceArn": arn, "Tags": tags})),
        _ => ("TagResource", json!({"resourceArn": arn, "tags": tags})),
    };
    Call {
        service,
        operation,
        input,
    }
}

/// The call that takes the tags of these keys away.
pub(super) fn remove(kind: Kind, arn: &str, keys: &[&str]) -> Call {
    let service = service(kind);
    let (operation, input) = match service {
        Service::Elb => (
            "RemoveTags",
            json!({"ResourceArns": [arn], "TagKeys": keys}),
        ),
        Service::CodeDeploy => (
            "UntagResource",
            json!({"ResourceArn": arn, "TagKeys": keys}),
        ),
        _ => (
            "UntagResource",
            json!({"resourceArn": arn, "tagKeys": keys}),
        ),
    };
    Call {
        service,
        operation,
        input,
    }
}

/// Adds the steps for the tags of something that exists; none if they were not read.
pub(super) fn settle(
    view: &View<'_>,
    arn: &str,
    live_tags: Option<&Value>,
    recalled: &Recalled,
    changes: &mut Changes<'_>,
) {
    if live_tags.is_none() {
        return;
    }
    let kind = view.resource.key.kind;
    let declared = view.spec.get(tags::member(kind));
    let (differences, wanted) = tags::missing(declared, live_tags, Spelling::of(kind));
    changes.mend(write(kind, arn, &wanted), differences);
    let gone = remove(kind, arn, &recalled.tag_keys());
    changes.mend(gone, recalled.tag_drift());
    let (records, lifted) = records(view, live_tags, recalled);
    if !lifted.is_empty() {
        changes.record(remove(kind, arn, &lifted));
    }
    if !records.is_empty() {
        changes.record(write(kind, arn, &Value::from(records)));
    }
    heal::settle(view, arn, live_tags, changes);
}

/// The tags of ours to be written, and the keys of those to be taken away.
pub(super) fn records(
    view: &View<'_>,
    live_tags: Option<&Value>,
    recalled: &Recalled,
) -> (Vec<Value>, Vec<&'static str>) {
    let kind = view.resource.key.kind;
    let Some(live_tags) = live_tags else {
        return (Vec::new(), Vec::new());
    };
    let (marks, lifted) = marks::wrong(view, live_tags, Spelling::of(kind));
    let mut records: Vec<Value> = recalled.record_tag(kind).into_iter().collect();
    records.extend(marks);
    (records, lifted)
}

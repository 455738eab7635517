//! A newer manifest in the place of a `CodeDeploy` deployment in flight (`rollout.inFlight`), and the marks of
//! deployments that were stopped and say nothing of their content. Pure.
//!
//! `CodeDeploy` has one deployment a group, so the older one is stopped and goes back, and the newer one starts by
//! the usual decision once all of that is over.
//!
//! | in flight | decision |
//! |---|---|
//! | ours, of an older manifest; no production traffic has moved; the newer content would start, or is live | mark, then `StopDeployment` with a rollback |
//! | the same, marked already | `StopDeployment` again: the first may never have arrived |
//! | the same, but `finish` is declared, or traffic has moved, or may have | none: it is waited for |
//! | the same, but nothing would start after it (quarantined, say) | none: it is waited for |
//! | somebody else's, or `CodeDeploy`'s own rollback | none, ever |
//!
//! The mark is the tag [`TAG`] on the service: ids of deployments that were stopped for this, or because their window
//! closed (`overrun`). What is marked and ended `Stopped` says nothing of its content, which is deployed again when the manifest goes back to
//! it. What has no mark was stopped by a person or an alarm, and its content is not tried again. The mark is
//! written first: a crash between the two writes, or a stop that AWS does not take, leaves a mark on a deployment that goes on.
//! It is stopped by the next pass, unless the manifest has gone back to it or its traffic has moved. Where an alarm, a hook or the
//! circuit breaker ends that one later, its end counts; stopped by a person later, it would be started once more.
//!
//! Invariants:
//! - Traffic that begins to move between the look and the stop goes back with the rollback.
//! - The mark forgets the oldest; what is forgotten counts as stopped by a person.

use std::time::Duration;

use serde_json::{Value, json};

use super::plan::tag_with;
use super::{history, items, last_segment, native, text};
use crate::kinds::View;
use crate::model::{Call, Moment, Seen, Service, Step};

/// The tag.
pub(super) const TAG: &str = "evenkeel.dev/superseded";

/// Characters of a tag's value, at most (the service model of ECS).
const LONGEST: usize = 256;

/// How long the rollback of a stopped deployment may take to show.
const LAG: Duration = Duration::from_secs(30);

/// What stands behind the id of a deployment whose window closed.
const WINDOW: &str = "/window";

/// Why a deployment of ours was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// A newer manifest takes its place.
    Newer,
    /// Its window closed; it is started again when one opens.
    Window,
}

impl Cause {
    /// For what it made room.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Newer => "made room for a newer manifest",
            Self::Window => "was stopped because its window closed",
        }
    }
}

/// The deployments that were stopped by us, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks<'a>(Vec<&'a str>);

impl<'a> Marks<'a> {
    /// Those on a service.
    pub(super) fn of(service: &'a Value) -> Self {
        let tag = items(service, "tags").find(|tag| text(tag, "key") == TAG);
        let ids = tag.map(|tag| text(tag, "value").split_whitespace());
        Self(ids.into_iter().flatten().collect())
    }

    /// Why this deployment was to be stopped, if it was.
    pub(super) fn cause(&self, id: &str) -> Option<Cause> {
        self.0.iter().find_map(|known| {
            if known.strip_suffix(WINDOW) == Some(id) {
                return Some(Cause::Window);
            }
            (*known == id).then_some(Cause::Newer)
        })
    }

    /// Whether this deployment was to make room.
    pub(super) fn hold(&self, id: &str) -> bool {
        self.cause(id).is_some()
    }

    /// Whether this deployment of `CodeDeploy` made room.
    pub(super) fn made_room(&self, deployment: &Value) -> bool {
        text(deployment, "status") == "Stopped"
            && !history::is_condemned(deployment)
            && self.hold(text(deployment, "deploymentId"))
    }

    /// The same of a service deployment of ECS.
    pub(super) fn went_back(&self, deployment: &Value) -> bool {
        let id = last_segment(text(deployment, "serviceDeploymentArn"));
        let back = matches!(
            text(deployment, "status"),
            "ROLLBACK_SUCCESSFUL" | "STOPPED"
        );
        back && !native::is_condemned(deployment) && self.hold(id)
    }

    /// The tag's value with one more.
    fn and(&self, id: &str, cause: Cause) -> String {
        let mut value = id.to_owned();
        if cause == Cause::Window {
            value.push_str(WINDOW);
        }
        let other = |known: &&&str| known.strip_suffix(WINDOW).unwrap_or(known) != id;
        for known in self.0.iter().filter(other) {
            if value.len() + 1 + known.len() > LONGEST {
                break;
            }
            value.push(' ');
            value.push_str(known);
        }
        value
    }
}

/// Whether production traffic has moved in a deployment in flight; `None` if that cannot be told.
pub(super) fn has_moved(deployment: &Value, target: &Seen<Value>) -> Option<bool> {
    match text(deployment, "status") {
        "Created" | "Queued" => return Some(false),
        "InProgress" | "Ready" => {}
        _ => return Some(true),
    }
    let target = target.present()?;
    let shift = items(target, "lifecycleEvents")
        .find(|event| text(event, "lifecycleEventName") == "AllowTraffic");
    let begun = shift.is_some_and(|event| text(event, "status") != "Pending");
    let replacement =
        items(target, "taskSetsInfo").filter(|set| text(set, "taskSetLabel") == "Green");
    let weighs = replacement
        .filter_map(|set| set.get("trafficWeight")?.as_f64())
        .any(|weight| weight > 0.0);
    Some(begun || weighs)
}

/// The writes that make room.
pub(super) fn steps(view: &View<'_>, service: &Value, id: &str) -> Vec<Step> {
    let why = format!(
        "stop deployment {id}, which is superseded: the manifest has changed, and no production traffic has moved"
    );
    let mark = mark(view, service, id, Cause::Newer);
    mark.into_iter().chain([stop(id, why)]).collect()
}

/// The mark of a deployment that is about to be stopped; none if it is there.
pub(super) fn mark(view: &View<'_>, service: &Value, id: &str, cause: Cause) -> Option<Step> {
    let marks = Marks::of(service);
    if marks.hold(id) {
        return None;
    }
    tag_with(view, service, &[(TAG, &marks.and(id, cause))])
}

/// The stop of a deployment of `CodeDeploy`.
pub(super) fn stop(id: &str, why: String) -> Step {
    Step {
        call: Call {
            service: Service::CodeDeploy,
            operation: "StopDeployment",
            input: json!({"deploymentId": id, "autoRollbackEnabled": true}),
        },
        why,
    }
}

/// Whether a deployment made room a moment ago, and its rollback may not be seen yet: what it left is not
/// judged, and nothing is started.
pub(super) fn is_leaving(service: &Value, last: &Value, now: Moment) -> bool {
    let Some(ended) = last.get("completeTime").and_then(Value::as_f64) else {
        return false;
    };
    let said = last.get("rollbackInfo").is_some_and(|info| {
        let members = ["rollbackDeploymentId", "rollbackMessage"];
        members.iter().any(|member| !text(info, member).is_empty())
    });
    let beside = items(service, "taskSets").any(|set| text(set, "status") == "ACTIVE");
    Marks::of(service).made_room(last)
        && (!said || beside)
        && now.seconds() - ended < LAG.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(value: &str) -> Value {
        json!({"tags": [{"key": TAG, "value": value}]})
    }

    #[test]
    fn marks_are_kept_as_far_as_there_is_room() {
        let id = |n: usize| format!("d-{n:09}");
        let mut service = json!({});
        for n in 0..40 {
            let value = Marks::of(&service).and(&id(n), Cause::Newer);
            assert!(value.len() <= LONGEST, "{value}");
            service = marked(&value);
        }
        let marks = Marks::of(&service);
        assert!(marks.hold(&id(39)) && marks.hold(&id(20)) && !marks.hold(&id(0)));
        let marks = marked("d-1 d-2/window");
        let marks = Marks::of(&marks);
        assert_eq!(marks.and("d-2", Cause::Newer), "d-2 d-1");
        assert_eq!(marks.and("d-3", Cause::Window), "d-3/window d-1 d-2/window");
        assert_eq!(marks.cause("d-1"), Some(Cause::Newer));
        assert_eq!(marks.cause("d-2"), Some(Cause::Window));
        assert_eq!(marks.cause("d-3"), None);
    }

    #[test]
    fn only_what_is_marked_and_stopped_made_room() {
        let service = marked("d-1");
        let marks = Marks::of(&service);
        let ended = |id: &str, status: &str| json!({"deploymentId": id, "status": status});
        assert!(marks.made_room(&ended("d-1", "Stopped")));
        assert!(!marks.made_room(&ended("d-1", "Failed")));
        assert!(!marks.made_room(&ended("d-2", "Stopped")));
    }

    #[test]
    fn whether_traffic_has_moved_is_told_by_the_event_and_the_weights() {
        let at = |status: &str, event: &str, weight: f64| {
            let target = json!({"lifecycleEvents": [{"lifecycleEventName": "AllowTraffic", "status": event}],
                "taskSetsInfo": [{"taskSetLabel": "Blue", "trafficWeight": 100.0 - weight},
                    {"taskSetLabel": "Green", "trafficWeight": weight}]});
            has_moved(&json!({"status": status}), &Seen::Present(target))
        };
        assert_eq!(at("InProgress", "Pending", 0.0), Some(false));
        assert_eq!(at("Ready", "Pending", 0.0), Some(false));
        assert_eq!(at("InProgress", "InProgress", 0.0), Some(true));
        assert_eq!(at("InProgress", "Succeeded", 0.0), Some(true));
        assert_eq!(at("InProgress", "Pending", 1.0), Some(true));
        assert_eq!(at("Baking", "Pending", 0.0), Some(true));
        let unknown = Seen::Unknown("timeout".to_owned());
        assert_eq!(has_moved(&json!({"status": "InProgress"}), &unknown), None);
        assert_eq!(
            has_moved(&json!({"status": "InProgress"}), &Seen::Absent),
            None
        );
        assert_eq!(
            has_moved(&json!({"status": "Queued"}), &unknown),
            Some(false)
        );
    }

    #[test]
    fn a_rollback_that_does_not_show_yet_is_given_a_moment() {
        let last = |info: Value| json!({"deploymentId": "d-1", "status": "Stopped", "completeTime": 100.0, "rollbackInfo": info});
        let mut service = marked("d-1");
        let leaving = |service: &Value, info: Value, now: i64| {
            is_leaving(service, &last(info), Moment(now * 1000))
        };
        assert!(leaving(&service, json!({}), 110));
        assert!(!leaving(&service, json!({}), 131));
        let said = json!({"rollbackDeploymentId": "d-2"});
        assert!(!leaving(&service, said.clone(), 110));
        service["taskSets"] = json!([{"status": "ACTIVE"}]);
        assert!(leaving(&service, said.clone(), 110));
        assert!(!leaving(&marked("d-9"), said, 110));
    }
}

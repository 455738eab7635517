//! What was about to be started in ECS, as a tag on the service: the attempt's digest, and the service
//! deployment that was the newest then. Pure.
//!
//! It is written before `UpdateService`, and with `CreateService`, so that a deployment of ours is known as
//! ours from its first second on, over a crash and a changed manifest. A deployment that somebody else starts in the moment
//! between the tag and our `UpdateService` would be taken for ours; all that follows from it is that a
//! newer manifest may supersede it before it moves production traffic.

use serde_json::Value;

use super::{items, last_segment, text};

/// The tag.
pub(super) const TAG: &str = "evenkeel.dev/starting";

/// What stands for no deployment.
const NONE: &str = "none";

/// A tag's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Intent<'a> {
    /// The digest of what was to be started.
    pub(super) attempt: &'a str,
    /// The id of the newest deployment before.
    previous: &'a str,
}

fn id(deployment: Option<&Value>) -> &str {
    deployment.map_or(NONE, |one| last_segment(text(one, "serviceDeploymentArn")))
}

/// The tag's value before a start. `history` is newest first.
pub(super) fn value(attempt: &str, history: &[Value]) -> String {
    format!("{attempt} after {}", id(history.first()))
}

/// What was recorded on the service last.
pub(super) fn of(service: &Value) -> Option<Intent<'_>> {
    let tag = items(service, "tags").find(|tag| text(tag, "key") == TAG)?;
    let (attempt, previous) = text(tag, "value").split_once(" after ")?;
    Some(Intent { attempt, previous })
}

impl Intent<'_> {
    /// Whether the newest deployment is the one that followed.
    pub(super) fn led_to_newest(&self, history: &[Value]) -> bool {
        !history.is_empty() && id(history.get(1)) == self.previous
    }

    /// Whether some deployment followed.
    pub(super) fn led_to_something(&self, history: &[Value]) -> bool {
        id(history.first()) != self.previous
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_deployment_is_known_by_the_one_before_it() {
        let deployment = |id: &str| json!({"serviceDeploymentArn": format!("arn:aws:ecs:r:1:service-deployment/c/web/{id}")});
        let (first, second, third) = (deployment("1"), deployment("2"), deployment("3"));
        let mark = value("v1:ab", std::slice::from_ref(&first));
        let service = json!({"tags": [{"key": TAG, "value": mark}]});
        let intent = of(&service).unwrap();
        assert_eq!(intent.attempt, "v1:ab");
        let before = [first.clone()];
        assert!(!intent.led_to_newest(&before) && !intent.led_to_something(&before));
        let after = [second.clone(), first.clone()];
        assert!(intent.led_to_newest(&after) && intent.led_to_something(&after));
        let later = [third, second, first];
        assert!(!intent.led_to_newest(&later) && intent.led_to_something(&later));
        assert_eq!(value("v1:ab", &[]), "v1:ab after none");
        assert_eq!(of(&json!({"tags": []})), None);
    }
}

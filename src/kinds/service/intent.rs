//! What was about to be started in ECS, as a tag on the service: the attempt's digest, and the service
//! deployment that was the newest then. Pure.
//!
//! Where that one is ours, what it was of and after which it came stands behind that: if the new one is never started (a crash, a
//! refusal), the older one is still known as ours.
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
    /// The same two of that deployment, if it was ours.
    older: Option<(&'a str, &'a str)>,
}

fn id(deployment: Option<&Value>) -> &str {
    deployment.map_or(NONE, |one| last_segment(text(one, "serviceDeploymentArn")))
}

/// The tag's value before a start. `history` is newest first; `service` has what was recorded before.
pub(super) fn value(attempt: &str, history: &[Value], service: &Value) -> String {
    let mut value = format!("{attempt} after {}", id(history.first()));
    if let Some(older) = of(service).and_then(|intent| intent.newest(history)) {
        value.push_str(&format!(" {older} after {}", id(history.get(1))));
    }
    value
}

/// What was recorded on the service last.
pub(super) fn of(service: &Value) -> Option<Intent<'_>> {
    let tag = items(service, "tags").find(|tag| text(tag, "key") == TAG)?;
    let words: Vec<&str> = text(tag, "value").split(' ').collect();
    let (attempt, previous, rest) = match words.as_slice() {
        [attempt, "after", previous, rest @ ..] => (*attempt, *previous, rest),
        _ => return None,
    };
    let older = match rest {
        [attempt, "after", previous] => Some((*attempt, *previous)),
        _ => None,
    };
    Some(Intent {
        attempt,
        previous,
        older,
    })
}

impl<'a> Intent<'a> {
    /// The digest of what the newest deployment is of, if it is one that followed.
    pub(super) fn newest(&self, history: &[Value]) -> Option<&'a str> {
        let before = id(history.get(1));
        if !history.is_empty() && before == self.previous {
            return Some(self.attempt);
        }
        let (attempt, previous) = self.older?;
        let still = id(history.first()) == self.previous;
        (still && before == previous).then_some(attempt)
    }

    /// Whether the newest deployment is one that followed.
    pub(super) fn led_to_newest(&self, history: &[Value]) -> bool {
        self.newest(history).is_some()
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
        let none = json!({});
        let mark = value("v1:ab", std::slice::from_ref(&first), &none);
        let service = json!({"tags": [{"key": TAG, "value": mark}]});
        let intent = of(&service).unwrap();
        assert_eq!(intent.attempt, "v1:ab");
        let before = [first.clone()];
        assert!(!intent.led_to_newest(&before) && !intent.led_to_something(&before));
        let after = [second.clone(), first.clone()];
        assert!(intent.led_to_newest(&after) && intent.led_to_something(&after));
        let later = [third, second, first];
        assert!(!intent.led_to_newest(&later) && intent.led_to_something(&later));
        assert_eq!(value("v1:ab", &[], &none), "v1:ab after none");
        assert_eq!(of(&json!({"tags": []})), None);
    }

    #[test]
    fn what_was_the_newest_is_still_known_when_nothing_took_its_place() {
        let deployment = |id: &str| json!({"serviceDeploymentArn": format!("x/{id}")});
        let (first, second) = (deployment("1"), deployment("2"));
        let before = json!({"tags": [{"key": TAG, "value": "v1:ab after 1"}]});
        let history = [second.clone(), first.clone()];
        let mark = value("v1:cd", &history, &before);
        assert_eq!(mark, "v1:cd after 2 v1:ab after 1");
        let service = json!({"tags": [{"key": TAG, "value": mark}]});
        let intent = of(&service).unwrap();
        assert_eq!(intent.newest(&history), Some("v1:ab"));
        assert!(!intent.led_to_something(&history));
        let third = [deployment("3"), second, first];
        assert_eq!(intent.newest(&third), Some("v1:cd"));
        // Once more, before the same: the second is still what it is.
        assert_eq!(
            value("v1:ef", &history, &service),
            "v1:ef after 2 v1:ab after 1"
        );
        // What is somebody else's is not known.
        let theirs = json!({"tags": [{"key": TAG, "value": "v1:ab after 0"}]});
        assert_eq!(value("v1:cd", &history, &theirs), "v1:cd after 2");
    }
}

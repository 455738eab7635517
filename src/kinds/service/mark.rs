//! What a person decided about one content of a service, as a tag on it: which content, what, who, when.
//! Pure.
//!
//! A tag's value has no more than 256 characters, of a small set (ECS API reference, `Tag`): the name of
//! who decided is written in it as far as it fits.

use serde_json::{Value, json};

use super::{items, text};
use crate::kinds::heal::time;
use crate::model::{Call, Moment, Service, Step};

/// The tag of a content that a person took back: it is not started again.
pub(super) const TAKEN_BACK_TAG: &str = "evenkeel.dev/rolled-back";

/// The tag of a content that a person approved.
pub(super) const APPROVED_TAG: &str = "evenkeel.dev/approved";

/// How much of a name is kept, in characters.
const NAME: usize = 64;

/// A tag's content: `v1:0a1b... aborted by ann at 2026-01-01T00:10:00Z`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// The content's digest.
    pub(super) digest: String,
    /// What was decided: `aborted`, `rejected`, `approved`.
    pub(super) what: String,
    /// Who, as they said.
    pub(super) by: String,
    /// When.
    pub(super) at: Moment,
}

impl Mark {
    /// What a tag of the service says; `None` without one, and for one that is not understood.
    pub(super) fn of(service: &Value, tag: &str) -> Option<Self> {
        let tag = items(service, "tags").find(|one| text(one, "key") == tag)?;
        let (digest, rest) = text(tag, "value").split_once(' ')?;
        let (what, rest) = rest.split_once(" by ")?;
        let (by, at) = rest.rsplit_once(" at ")?;
        let at: jiff::Timestamp = at.parse().ok()?;
        Some(Self {
            digest: digest.to_owned(),
            what: what.to_owned(),
            by: by.to_owned(),
            at: Moment(at.as_millisecond()),
        })
    }

    /// For a person: `aborted by ann at 2026-01-01T00:10:00Z`.
    pub(super) fn sentence(&self) -> String {
        format!("{} by {} at {}", self.what, self.by, time(self.at))
    }

    /// The write of it.
    pub(super) fn write(&self, service: &Value, tag: &str) -> Step {
        let by: String = self.by.chars().take(NAME).map(allowed).collect();
        let at = time(self.at);
        let value = format!("{} {} by {} at {at}", self.digest, self.what, by.trim());
        Step {
            call: Call {
                service: Service::Ecs,
                operation: "TagResource",
                input: json!({"resourceArn": text(service, "serviceArn"),
                    "tags": [{"key": tag, "value": value}]}),
            },
            why: format!(
                "record on service {} that content {} was {}",
                text(service, "serviceName"),
                self.digest,
                self.what
            ),
        }
    }
}

/// A character that a tag's value may hold.
pub(super) fn allowed(character: char) -> char {
    if character.is_alphanumeric() || " +-=._:/@".contains(character) {
        character
    } else {
        '_'
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written() {
        let mark = Mark {
            digest: "v1:ab".to_owned(),
            what: "aborted".to_owned(),
            by: "Ann by the sea at home <ann@example.com>".to_owned(),
            at: Moment(1_767_225_600_000),
        };
        let step = mark.write(&json!({"serviceArn": "arn", "serviceName": "web"}), "t");
        let service = json!({"tags": [{"key": "other", "value": "x"}, step.call.input["tags"][0]]});
        let read = Mark::of(&service, "t").unwrap();
        assert_eq!(read.by, "Ann by the sea at home _ann@example.com_");
        assert_eq!(
            (read.digest, read.what, read.at),
            (mark.digest, mark.what, mark.at)
        );
    }

    #[test]
    fn what_is_not_understood_is_no_mark() {
        for value in [
            "",
            "v1:ab",
            "v1:ab aborted by ann",
            "v1:ab aborted by ann at noon",
        ] {
            let service = json!({"tags": [{"key": "t", "value": value}]});
            assert_eq!(Mark::of(&service, "t"), None, "{value}");
        }
    }

    #[test]
    fn a_long_name_leaves_room_for_the_rest() {
        let mark = Mark {
            digest: format!("v1:{}", "a".repeat(32)),
            what: "rolled back".to_owned(),
            by: "ä".repeat(500),
            at: Moment(0),
        };
        let step = mark.write(&json!({}), "t");
        let value = step.call.input["tags"][0]["value"].as_str().unwrap();
        assert!(
            value.chars().count() <= 256 && value.ends_with('Z'),
            "{value}"
        );
    }
}

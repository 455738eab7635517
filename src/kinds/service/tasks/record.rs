//! What is remembered of a service's one-off tasks, as tags on it: which was started last, how they ended,
//! and why one failed. Pure.
//!
//! | tag | value |
//! |---|---|
//! | `evenkeel.dev/task.NAME` | for each content, newest first, `+RUN` where it ended well and `-ATTEMPT` where it failed |
//! | [`STARTED_TAG`] | `NAME RUN ATTEMPT at TIME`, written before the task is started |
//! | [`FAILED_TAG`] | `ATTEMPT WHY`, of the one that failed last |
//!
//! For as long as the service does not exist they are on the revision that the task runs, and go over with
//! `CreateService`: that revision is there, and of this content.
//!
//! A run is a content and what the task does; an attempt is a run with its time limit and the text of the
//! retry annotation: so what ended well is never run again, and what failed is by another text.
//!
//! Invariants: a value has 256 characters at most (ECS API reference, `Tag`), so a task remembers its newest
//! eighteen outcomes; a tag that is not understood says nothing.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::mark::allowed;
use super::super::{items, text};
use crate::kinds::heal::time;
use crate::manifest::Resource;
use crate::model::{Call, Moment, Service, Step};

/// How the keys of the tags begin that say how tasks ended; the task's name follows.
const ENDED: &str = "evenkeel.dev/task.";

/// The tag of the task that was started last.
pub(super) const STARTED_TAG: &str = "evenkeel.dev/task-started";

/// The tag of the task that failed last.
pub(super) const FAILED_TAG: &str = "evenkeel.dev/task-failed";

/// Characters of a tag's value, at most.
const LONGEST: usize = 256;

/// After how long a task that was about to be started, and that AWS knows nothing of, is taken for one that
/// ended unseen. A stopped task is known for an hour at least (ECS API reference, `DescribeTasks`), and so is
/// the client token of its start.
pub(super) const FORGOTTEN: Duration = Duration::from_hours(1);

/// Which task, and of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Id {
    /// Its name in the manifest.
    pub(super) name: String,
    /// The content, and what it does.
    pub(super) run: String,
    /// The same, with how often a person said to try it.
    pub(super) attempt: String,
}

impl Id {
    /// As a tag has it.
    pub(super) fn words(&self) -> String {
        format!("{} {} {}", self.name, self.run, self.attempt)
    }

    /// Of such words.
    pub(super) fn read(words: &str) -> Option<Self> {
        let mut words = words.split(' ').map(str::to_owned);
        let (name, run, attempt) = (words.next()?, words.next()?, words.next()?);
        words
            .next()
            .is_none()
            .then_some(Self { name, run, attempt })
    }
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) id: Id,
    /// Whether with exit code 0.
    pub(super) well: bool,
    /// What a person needs to know: exit codes, reasons, logs.
    pub(super) why: String,
}

/// The record on a service, or on a task definition's revision.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a>(&'a Value);

impl<'a> Record<'a> {
    /// Of what has a list `tags`.
    pub(super) fn of(holder: &'a Value) -> Self {
        Self(holder)
    }

    fn tag(self, key: &str) -> Option<&'a str> {
        let mut tags = items(self.0, "tags");
        let tag = tags.find(|tag| text(tag, "key") == key)?;
        Some(text(tag, "value"))
    }

    fn outcomes(self, name: &str) -> impl Iterator<Item = &'a str> {
        let tag = self.tag(&format!("{ENDED}{name}"));
        tag.unwrap_or_default().split_whitespace()
    }

    /// Whether a task ended well; `None` while it has not ended.
    pub(super) fn ended(self, id: &Id) -> Option<bool> {
        let is = |sign: char, digest: &str| {
            let mut outcomes = self.outcomes(&id.name);
            outcomes.any(|one| one.strip_prefix(sign) == Some(digest))
        };
        if is('+', &id.run) {
            return Some(true);
        }
        is('-', &id.attempt).then_some(false)
    }

    /// Why a task failed, as far as it is remembered.
    pub(super) fn failure(self, id: &Id) -> Option<&'a str> {
        let (attempt, why) = self.tag(FAILED_TAG)?.split_once(' ')?;
        (attempt == id.attempt).then_some(why)
    }

    /// The task that was started last and when, unless it is known how it ended.
    pub(super) fn open(self) -> Option<(Id, Moment)> {
        let (words, at) = self.tag(STARTED_TAG)?.split_once(" at ")?;
        let (id, at) = (Id::read(words)?, at.parse::<jiff::Timestamp>().ok()?);
        let open = self.ended(&id).is_none();
        open.then(|| (id, Moment(at.as_millisecond())))
    }

    /// The tags themselves.
    pub(super) fn tags(self) -> impl Iterator<Item = &'a Value> {
        items(self.0, "tags").filter(|tag| is_ours(text(tag, "key")))
    }

    /// The write that a task is about to be started. `arn` is what the record is on.
    pub(super) fn start(arn: &str, id: &Id, now: Moment) -> Step {
        let value = format!("{} at {}", id.words(), time(now));
        Step {
            call: tagging(arn, &json!([{"key": STARTED_TAG, "value": value}])),
            why: format!("record that task {} is about to be started", id.name),
        }
    }

    /// The write of how tasks ended.
    pub(super) fn end(self, arn: &str, ends: &[End]) -> Step {
        let mut tags: Vec<(String, String)> = Vec::new();
        for end in ends {
            let key = format!("{ENDED}{}", end.id.name);
            let news = if end.well {
                format!("+{}", end.id.run)
            } else {
                format!("-{}", end.id.attempt)
            };
            let before = tags.iter().find(|(known, _)| *known == key);
            let before = before.map_or_else(
                || self.outcomes(&end.id.name).collect::<Vec<_>>().join(" "),
                |(_, value)| value.clone(),
            );
            let value = with(&news, &before);
            tags.retain(|(known, _)| *known != key);
            tags.push((key, value));
            if !end.well {
                let why: String = end.why.chars().map(allowed).collect();
                let value = format!("{} {why}", end.id.attempt);
                let value: String = value.chars().take(LONGEST).collect();
                tags.retain(|(known, _)| known != FAILED_TAG);
                tags.push((FAILED_TAG.to_owned(), value.trim_end().to_owned()));
            }
        }
        let tags = tags
            .into_iter()
            .map(|(key, value)| json!({"key": key, "value": value}));
        let told = ends.iter().map(|end| {
            let how = if end.well { "ended well" } else { "failed" };
            format!("record that task {} {how}: {}", end.id.name, end.why)
        });
        Step {
            call: tagging(arn, &tags.collect()),
            why: told.collect::<Vec<_>>().join("; "),
        }
    }
}

/// The tag's value with one more outcome.
fn with(news: &str, before: &str) -> String {
    let mut value = news.to_owned();
    for known in before.split_whitespace().filter(|known| *known != news) {
        if value.len() + 1 + known.len() > LONGEST {
            break;
        }
        value.push(' ');
        value.push_str(known);
    }
    value
}

fn tagging(arn: &str, tags: &Value) -> Call {
    Call {
        service: Service::Ecs,
        operation: "TagResource",
        input: json!({"resourceArn": arn, "tags": tags}),
    }
}

/// The keys of the tags that a service's tasks need.
pub(crate) fn tags(resource: &Resource) -> Vec<String> {
    let tasks = resource.hook_tasks();
    let mut keys: Vec<String> = tasks.map(|task| format!("{ENDED}{}", task.name)).collect();
    if !keys.is_empty() {
        keys.extend([STARTED_TAG, FAILED_TAG].map(str::to_owned));
    }
    keys
}

fn is_ours(key: &str) -> bool {
    key.starts_with(ENDED) || key == STARTED_TAG || key == FAILED_TAG
}

/// Whether a write does nothing but remember how tasks ended. It is of what has run, so that no hold keeps it.
pub(crate) fn records_ends(step: &Step) -> bool {
    let tags = step.call.input.get("tags").and_then(Value::as_array);
    let ends = |tag: &Value| is_ours(text(tag, "key")) && text(tag, "key") != STARTED_TAG;
    step.call.operation == "TagResource"
        && tags.is_some_and(|tags| !tags.is_empty() && tags.iter().all(ends))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str, n: usize) -> Id {
        Id {
            name: name.to_owned(),
            run: format!("{n:012x}"),
            attempt: format!("{:012x}", n + 0x1000),
        }
    }

    fn end(id: Id, well: bool, why: &str) -> End {
        let why = why.to_owned();
        End { id, well, why }
    }

    /// The service after a write.
    fn after(mut service: Value, step: &Step) -> Value {
        for tag in items(&step.call.input, "tags") {
            let value = text(tag, "value");
            assert!(
                value.chars().count() <= LONGEST && value == value.trim(),
                "{value}"
            );
            assert!(value.chars().all(|one| allowed(one) == one), "{value}");
            let tags = service["tags"].as_array_mut().unwrap();
            tags.retain(|known| known["key"] != tag["key"]);
            tags.push(tag.clone());
        }
        service
    }

    #[test]
    fn what_ended_is_remembered_by_content_and_the_oldest_is_forgotten() {
        let mut service = json!({"tags": [{"key": "team", "value": "a"}]});
        for n in 0..30 {
            let record = Record::of(&service);
            assert_eq!(record.ended(&id("migrate", n)), None);
            let step = record.end("arn", &[end(id("migrate", n), n % 2 == 0, "")]);
            service = after(service, &step);
        }
        let record = Record::of(&service);
        assert_eq!(record.ended(&id("migrate", 29)), Some(false));
        assert_eq!(record.ended(&id("migrate", 12)), Some(true));
        assert_eq!(record.ended(&id("migrate", 11)), None);
        assert_eq!(record.ended(&id("other", 12)), None);
        assert_eq!(record.tags().count(), 2);
    }

    #[test]
    fn what_failed_is_tried_again_by_another_attempt_and_what_ended_well_is_not() {
        let mut again = id("migrate", 1);
        again.attempt = "other".to_owned();
        for (well, expected) in [(true, Some(true)), (false, None)] {
            let service = json!({"tags": []});
            let step = Record::of(&service).end("arn", &[end(id("migrate", 1), well, "")]);
            let service = after(service, &step);
            assert_eq!(Record::of(&service).ended(&again), expected);
        }
    }

    #[test]
    fn why_one_failed_is_kept_as_far_as_it_fits() {
        let service = json!({"tags": []});
        let long = "container app exited with code 3; logs: group \"/ecs/ä\" ".repeat(9);
        let ends = [
            end(id("a", 1), false, "first"),
            end(id("b", 2), true, "well"),
            end(id("a", 3), false, &long),
        ];
        let step = Record::of(&service).end("arn", &ends);
        assert!(step.only_records() && records_ends(&step));
        assert!(step.why.contains("task a failed: first"), "{}", step.why);
        assert!(step.why.contains("task b ended well"), "{}", step.why);
        let service = after(service, &step);
        let record = Record::of(&service);
        assert_eq!(record.ended(&id("a", 1)), Some(false));
        assert_eq!(record.ended(&id("b", 2)), Some(true));
        assert_eq!(record.failure(&id("a", 1)), None);
        let why = record.failure(&id("a", 3)).unwrap();
        assert!(
            why.starts_with("container app exited with code 3_ logs: group _/ecs/ä_"),
            "{why}"
        );
    }

    #[test]
    fn a_start_is_open_until_its_end_is_recorded() {
        let service = json!({"tags": []});
        let now = Moment(1_767_225_600_000);
        let step = Record::start("arn", &id("migrate", 1), now);
        assert!(step.only_records() && !records_ends(&step));
        let service = after(service, &step);
        let record = Record::of(&service);
        assert_eq!(record.open(), Some((id("migrate", 1), now)));
        let step = record.end("arn", &[end(id("migrate", 1), false, "code 1")]);
        let service = after(service, &step);
        assert_eq!(Record::of(&service).open(), None);
        for value in ["", "a b c", "a b at 2026-01-01T00:00:00Z", "a b c at noon"] {
            let service = json!({"tags": [{"key": STARTED_TAG, "value": value}]});
            assert_eq!(Record::of(&service).open(), None, "{value}");
        }
    }
}

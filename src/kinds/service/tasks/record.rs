//! What is remembered of a service's one-off tasks, as tags on it: which was started last, how they ended,
//! and why one failed. Pure.
//!
//! | tag | value |
//! |---|---|
//! | `evenkeel.dev/task.NAME` | for each content, newest first, `+RUN` where it ended well, `-ATTEMPT` where it failed, `.ATTEMPT` where that is not known |
//! | `evenkeel.dev/task-started` | `NAME RUN ATTEMPT at TIME of FAMILY`, written before each time that the start is sent |
//! | `evenkeel.dev/task-failed` | `ATTEMPT WHY`, of the one that failed last |
//!
//! For as long as the service does not exist they are on the revision that the task runs, and go over with
//! `CreateService`: that revision is there, and of this content. Several services may be made of one revision, so
//! there the digits of the service stand in the keys (`evenkeel.dev/0123456789ab.task-started`). Once the service is
//! made they are emptied, and `evenkeel.dev/0123456789ab.task-made` says when that was: the record is the service's,
//! and one that is made anew runs its tasks anew ([`Record::life`]). If the daemon dies between the two, it does not.
//!
//! A run is a content and what the task does; an attempt is a run with its time limit and the text of the
//! retry annotation: so what ended well is never run again, and what failed is by another text.
//!
//! Invariants: a value has 256 characters at most (ECS API reference, `Tag`), so a task remembers its newest
//! eighteen outcomes; a tag that is not understood says nothing; what is seen of a task counts for more than that
//! nothing was known of it.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::mark::allowed;
use super::super::{items, text};
use super::run::DIGITS;
use crate::kinds::heal::time;
use crate::manifest::Resource;
use crate::model::{Call, Moment, Service, Step};

/// How all keys begin.
const PREFIX: &str = "evenkeel.dev/";

/// How the keys go on that say how tasks ended; the task's name follows.
const ENDED: &str = "task.";

/// How the key goes on of the task that was started last.
const STARTED: &str = "task-started";

/// How the key goes on of the task that failed last.
const FAILED: &str = "task-failed";

/// How the key goes on, on a revision, of when the service was made of it last.
const MADE: &str = "task-made";

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
    fn words(&self) -> String {
        format!("{} {} {}", self.name, self.run, self.attempt)
    }

    /// Of such words.
    fn read(words: &str) -> Option<Self> {
        Self::of(words.split(' '))
    }

    /// Of its three words.
    pub(super) fn of<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut next = || words.next().map(str::to_owned);
        let (name, run, attempt) = (next()?, next()?, next()?);
        next().is_none().then_some(Self { name, run, attempt })
    }
}

/// A start whose end is not recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Start<'a> {
    pub(super) id: Id,
    /// When it was sent last, or was about to be.
    pub(super) at: Moment,
    /// The family of its task definition, if that is remembered.
    pub(super) family: &'a str,
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// With exit code 0.
    Well,
    /// Otherwise.
    Failed,
    /// That is not known, which is a failure until something is seen of it.
    Unknown,
}

/// The end of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) id: Id,
    pub(super) how: How,
    /// What a person needs to know: exit codes, reasons, logs.
    pub(super) why: String,
}

/// The record on a service, or on a task definition's revision.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    holder: Option<&'a Value>,
    /// The digits of the service with a dot, on a revision; nothing on the service itself.
    scope: &'a str,
}

impl<'a> Record<'a> {
    /// Of a service.
    pub(super) fn of(service: &'a Value) -> Self {
        Self::on(Some(service), "")
    }

    /// Of what has a list `tags`, with what stands in the keys.
    pub(super) fn on(holder: Option<&'a Value>, scope: &'a str) -> Self {
        Self { holder, scope }
    }

    fn tags(self) -> impl Iterator<Item = &'a Value> {
        let holder = self.holder.into_iter();
        holder.flat_map(|holder| items(holder, "tags"))
    }

    /// A tag's key.
    fn key(self, word: &str) -> String {
        format!("{PREFIX}{}{word}", self.scope)
    }

    fn tag(self, word: &str) -> Option<&'a str> {
        let key = self.key(word);
        let tag = self.tags().find(|tag| text(tag, "key") == key)?;
        Some(text(tag, "value"))
    }

    fn outcomes(self, name: &str) -> impl Iterator<Item = &'a str> {
        let tag = self.tag(&format!("{ENDED}{name}"));
        tag.unwrap_or_default().split_whitespace()
    }

    /// How a task ended; `None` while it has not ended.
    pub(super) fn ended(self, id: &Id) -> Option<How> {
        let is = |sign: char, digest: &str| {
            let mut outcomes = self.outcomes(&id.name);
            outcomes.any(|one| one.strip_prefix(sign) == Some(digest))
        };
        if is('+', &id.run) {
            return Some(How::Well);
        }
        if is('-', &id.attempt) {
            return Some(How::Failed);
        }
        is('.', &id.attempt).then_some(How::Unknown)
    }

    /// Why a task failed, as far as it is remembered.
    pub(super) fn failure(self, id: &Id) -> Option<&'a str> {
        let (attempt, why) = self.tag(FAILED)?.split_once(' ')?;
        (attempt == id.attempt).then_some(why)
    }

    /// The task that was started last, unless it is known how it ended.
    pub(super) fn open(self) -> Option<Start<'a>> {
        let (words, rest) = self.tag(STARTED)?.split_once(" at ")?;
        let (at, family) = rest.split_once(" of ").unwrap_or((rest, ""));
        let (id, at) = (Id::read(words)?, at.parse::<jiff::Timestamp>().ok()?);
        let at = Moment(at.as_millisecond());
        let open = self.ended(&id).is_none();
        open.then_some(Start { id, at, family })
    }

    /// Which of all services that had this name it is: the text is another once it was deleted and made anew.
    pub(super) fn life(self) -> String {
        if self.scope.is_empty() {
            let made = self.holder.and_then(|service| service.get("createdAt"));
            return made.map(Value::to_string).unwrap_or_default();
        }
        self.tag(MADE).unwrap_or_default().to_owned()
    }

    /// The tags as they are on a service.
    pub(super) fn moved(self) -> Vec<Value> {
        let own = self.own().filter(|(_, value)| !value.is_empty());
        own.map(|(word, value)| json!({"key": format!("{PREFIX}{word}"), "value": value}))
            .collect()
    }

    /// What follows in the keys of the tags, and the values.
    fn own(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.tags().filter_map(move |tag| {
            let word = text(tag, "key").strip_prefix(PREFIX)?;
            let word = word.strip_prefix(self.scope)?;
            is_word(word).then(|| (word, text(tag, "value")))
        })
    }

    /// The write to the revision that the service was made, and has the record now.
    pub(super) fn made(self, arn: &str, now: Moment) -> Step {
        let emptied = self.own().map(|(word, _)| (word, String::new()));
        let tags = emptied.chain([(MADE, time(now))]);
        let tags = tags.map(|(word, value)| json!({"key": self.key(word), "value": value}));
        Step {
            call: tagging(arn, &tags.collect()),
            why: "record that the service has the record of its tasks now".to_owned(),
        }
    }

    /// How many tags there are with those that a service's tasks need.
    pub(super) fn with_room_for(self, resource: &Resource) -> usize {
        let mut keys: BTreeSet<String> = words(resource).map(|word| self.key(&word)).collect();
        keys.extend(self.tags().map(|tag| text(tag, "key").to_owned()));
        if !self.scope.is_empty() {
            keys.insert(self.key(MADE));
        }
        keys.len()
    }

    /// The write that a task is about to be started. `arn` is what the record is on; `family` is that of the
    /// task definition, by which the task is found when it has stopped.
    pub(super) fn start(self, arn: &str, id: &Id, family: &str, now: Moment) -> Step {
        let mut value = format!("{} at {}", id.words(), time(now));
        // Without, it is looked for in the declared one.
        if value.len() + 4 + family.len() <= LONGEST {
            value.push_str(&format!(" of {family}"));
        }
        Step {
            call: tagging(arn, &json!([{"key": self.key(STARTED), "value": value}])),
            why: format!("record that task {} is about to be started", id.name),
        }
    }

    /// The write of how tasks ended.
    pub(super) fn end(self, arn: &str, ends: &[End]) -> Step {
        let mut tags: Vec<(String, String)> = Vec::new();
        for end in ends {
            let key = self.key(&format!("{ENDED}{}", end.id.name));
            let news = match end.how {
                How::Well => format!("+{}", end.id.run),
                How::Failed => format!("-{}", end.id.attempt),
                How::Unknown => format!(".{}", end.id.attempt),
            };
            let before = tags.iter().find(|(known, _)| *known == key);
            let before = before.map_or_else(
                || self.outcomes(&end.id.name).collect::<Vec<_>>().join(" "),
                |(_, value)| value.clone(),
            );
            let value = with(&news, &before, &end.id);
            tags.retain(|(known, _)| *known != key);
            tags.push((key, value));
            if end.how != How::Well {
                let key = self.key(FAILED);
                let why: String = end.why.chars().map(allowed).collect();
                let value = format!("{} {why}", end.id.attempt);
                let value: String = value.chars().take(LONGEST).collect();
                tags.retain(|(known, _)| *known != key);
                tags.push((key, value.trim_end().to_owned()));
            }
        }
        let tags = tags
            .into_iter()
            .map(|(key, value)| json!({"key": key, "value": value}));
        let told = ends.iter().map(|end| {
            let how = match end.how {
                How::Well => "ended well",
                How::Failed | How::Unknown => "failed",
            };
            format!("record that task {} {how}: {}", end.id.name, end.why)
        });
        Step {
            call: tagging(arn, &tags.collect()),
            why: told.collect::<Vec<_>>().join("; "),
        }
    }
}

/// The tag's value with one more outcome, in the place of what was known of that attempt.
fn with(news: &str, before: &str, id: &Id) -> String {
    let mut value = news.to_owned();
    let of_it = |known: &&str| *known == news || known.get(1..) == Some(&id.attempt);
    for known in before.split_whitespace().filter(|known| !of_it(known)) {
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

/// The keys of the tags that a service's tasks need on it.
pub(crate) fn tags(resource: &Resource) -> impl Iterator<Item = String> {
    words(resource).map(|word| format!("{PREFIX}{word}"))
}

/// What follows in those keys.
fn words(resource: &Resource) -> impl Iterator<Item = String> {
    let tasks = resource
        .hook_tasks()
        .map(|task| format!("{ENDED}{}", task.name));
    let any = resource.hook_tasks().next().is_some();
    let both = [STARTED, FAILED].into_iter().filter(move |_| any);
    tasks.chain(both.map(str::to_owned))
}

fn is_word(word: &str) -> bool {
    word.starts_with(ENDED) || word == STARTED || word == FAILED
}

/// What follows in the key of a tag of a record, on whatever it is.
fn word_of(key: &str) -> Option<&str> {
    let rest = key.strip_prefix(PREFIX)?;
    let scoped = rest.split_once('.').filter(|(scope, word)| {
        scope.len() == DIGITS && scope.bytes().all(|one| one.is_ascii_hexdigit()) && is_word(word)
    });
    let word = scoped.map_or(rest, |(_, word)| word);
    is_word(word).then_some(word)
}

/// Whether a write does nothing but remember how tasks ended. It is of what has run, so that no hold keeps it.
pub(crate) fn records_ends(step: &Step) -> bool {
    let tags = step.call.input.get("tags").and_then(Value::as_array);
    let ends = |tag: &Value| word_of(text(tag, "key")).is_some_and(|word| word != STARTED);
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
        let how = if well { How::Well } else { How::Failed };
        let why = why.to_owned();
        End { id, how, why }
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
        assert_eq!(record.ended(&id("migrate", 29)), Some(How::Failed));
        assert_eq!(record.ended(&id("migrate", 12)), Some(How::Well));
        assert_eq!(record.ended(&id("migrate", 11)), None);
        assert_eq!(record.ended(&id("other", 12)), None);
        assert_eq!(record.moved().len(), 2);
    }

    #[test]
    fn what_failed_is_tried_again_by_another_attempt_and_what_ended_well_is_not() {
        let mut again = id("migrate", 1);
        again.attempt = "other".to_owned();
        for (well, expected) in [(true, Some(How::Well)), (false, None)] {
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
        assert_eq!(record.ended(&id("a", 1)), Some(How::Failed));
        assert_eq!(record.ended(&id("b", 2)), Some(How::Well));
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
        let step = Record::of(&service).start("arn", &id("migrate", 1), "web", now);
        assert!(step.only_records() && !records_ends(&step));
        let service = after(service, &step);
        let record = Record::of(&service);
        let migrate = id("migrate", 1);
        let (at, family) = (now, "web");
        let open = Start {
            id: migrate,
            at,
            family,
        };
        assert_eq!(record.open(), Some(open));
        let step = record.end("arn", &[end(id("migrate", 1), false, "code 1")]);
        let ended = after(service.clone(), &step);
        assert_eq!(Record::of(&ended).open(), None);
        // A family that is too long is left out, and a name of the greatest length is not.
        let mut longest = id("migrate", 2);
        longest.name = "n".repeat(crate::manifest::LONGEST_TASK_NAME);
        for (family, kept) in [(170, 170), (171, 0), (255, 0)] {
            let family = "f".repeat(family);
            let step = record.start("arn", &longest, &family, now);
            let service = after(service.clone(), &step);
            let seen = Record::of(&service).open().unwrap();
            assert_eq!((&seen.id, seen.family), (&longest, &family[..kept]));
        }
        for value in ["", "a b c", "a b at 2026-01-01T00:00:00Z", "a b c at noon"] {
            let service = json!({"tags": [{"key": "evenkeel.dev/task-started", "value": value}]});
            assert_eq!(Record::of(&service).open(), None, "{value}");
        }
    }

    #[test]
    fn what_is_seen_counts_for_more_than_that_nothing_was_known() {
        let one = id("migrate", 1);
        let unknown = End {
            id: one.clone(),
            how: How::Unknown,
            why: "it is not known".to_owned(),
        };
        let service = json!({"tags": []});
        let step = Record::of(&service).end("arn", &[unknown]);
        let lost = after(service, &step);
        let record = Record::of(&lost);
        assert_eq!(record.ended(&one), Some(How::Unknown));
        assert_eq!(record.failure(&one), Some("it is not known"));
        for (well, expected) in [(true, How::Well), (false, How::Failed)] {
            let step = record.end("arn", &[end(one.clone(), well, "seen")]);
            let service = after(lost.clone(), &step);
            let record = Record::of(&service);
            assert_eq!(record.ended(&one), Some(expected));
            assert_eq!(record.outcomes("migrate").count(), 1);
        }
    }

    #[test]
    fn services_of_one_revision_have_records_of_their_own() {
        let (first, second) = ("0123456789ab.", "ba9876543210.");
        let mut revision = json!({"tags": []});
        for (scope, n) in [(first, 1), (second, 2)] {
            let record = Record::on(Some(&revision), scope);
            let start = record.start("arn", &id("migrate", n), "web", Moment(0));
            let ended = record.end("arn", &[end(id("migrate", n), n == 1, "why")]);
            assert!(!records_ends(&start) && records_ends(&ended), "{ended:?}");
            revision = after(after(revision, &start), &ended);
        }
        let record = Record::on(Some(&revision), first);
        assert_eq!(record.ended(&id("migrate", 1)), Some(How::Well));
        assert_eq!(record.ended(&id("migrate", 2)), None);
        assert_eq!(Record::of(&revision).ended(&id("migrate", 1)), None);
        let service = json!({"tags": record.moved()});
        assert_eq!(
            Record::of(&service).ended(&id("migrate", 1)),
            Some(How::Well)
        );
        // Once it is made, the next one of this name begins anew; the other service's record stays.
        let made = record.made("arn", Moment(1_767_225_600_000));
        assert!(made.only_records() && !records_ends(&made));
        let revision = after(revision.clone(), &made);
        let anew = Record::on(Some(&revision), first);
        assert_eq!(anew.ended(&id("migrate", 1)), None);
        assert_eq!((anew.open(), anew.moved()), (None, vec![]));
        assert_eq!(
            (record.life().as_str(), anew.life().as_str()),
            ("", "2026-01-01T00:00:00Z")
        );
        let other = Record::on(Some(&revision), second);
        assert_eq!(other.ended(&id("migrate", 2)), Some(How::Failed));
        assert_eq!(other.life(), "");
    }
}

//! `rollout.tasks` of a Service: one-off tasks before and after its rollouts. Their forms and what they say;
//! what follows from them is decided in `crate::kinds::service`.
//!
//! Invariant: of a section for which [`check`] reported nothing, every task is read by [`HookTask::all`].

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value};

use super::Resource;
use super::diagnostic::Findings;
use super::schema::unknown_key;
use super::sections::{is_map, parse_duration};
use super::tree::{Data, Node};

/// The member of `rollout`.
pub(crate) const TASKS: &str = "tasks";

/// How long a task may take where the manifest does not say it.
pub(crate) const TIMEOUT: Duration = Duration::from_mins(15);

/// How many tasks there may be before a rollout, and as many after it: each leaves a tag on the service.
pub(crate) const MOST: usize = 5;

/// Characters of a task's name, at most: it is part of a tag.
pub(crate) const LONGEST_NAME: usize = 32;

/// Tags that one resource may carry (the service models of ECS, ECR, ELB and `CodeDeploy`).
pub(crate) const MOST_TAGS: usize = 50;

/// How many tags of its own Even Keel may put on a service, other than for tasks.
pub(crate) const OWN_TAGS: usize = 14;

/// How many it puts on a revision of a task definition.
pub(crate) const OWN_TAGS_OF_A_REVISION: usize = 3;

/// How many tags the tasks of a service take on it beside one for each of them: which started last, and which
/// failed last.
pub(crate) const TASK_TAGS: usize = 2;

/// The same on the revision that a service is to be made of: also when it was.
pub(crate) const TASK_TAGS_OF_A_REVISION: usize = 3;

/// The members of a task.
pub(crate) const MEMBERS: [&str; 5] = ["name", "container", "command", "overrides", "timeout"];

/// The members of `overrides` (ECS API reference, `TaskOverride`).
const OVERRIDES: [&str; 7] = [
    "containerOverrides",
    "cpu",
    "ephemeralStorage",
    "executionRoleArn",
    "inferenceAcceleratorOverrides",
    "memory",
    "taskRoleArn",
];

/// The members of one of its `containerOverrides` (ECS API reference, `ContainerOverride`).
const OF_A_CONTAINER: [&str; 8] = [
    "name",
    "command",
    "cpu",
    "environment",
    "environmentFiles",
    "memory",
    "memoryReservation",
    "resourceRequirements",
];

/// When a task runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HookTime {
    /// Before a rollout starts.
    Before,
    /// After it has ended well.
    After,
}

impl HookTime {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Before, Self::After];

    /// The word in a manifest.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Before => "preDeploy",
            Self::After => "postDeploy",
        }
    }
}

/// A one-off task before or after a rollout.
#[derive(Clone, Debug, PartialEq)]
pub struct HookTask {
    /// When it runs.
    pub time: HookTime,
    /// What it is called: of the service's tasks only this one is.
    pub name: String,
    /// The container that runs the command, if the manifest says which.
    pub container: Option<String>,
    /// What that container runs in the place of its own command; empty where `overrides` says it all.
    pub command: Vec<String>,
    /// `RunTask`'s `overrides`, where the manifest gives them whole.
    pub overrides: Option<Value>,
    /// How long it may take.
    pub timeout: Duration,
}

impl HookTask {
    /// The tasks that stand beside a spec, those before a rollout first, in the order of the lists.
    pub(crate) fn all(beside: &Map<String, Value>) -> impl Iterator<Item = Self> {
        let tasks = beside.get("rollout").and_then(|rollout| rollout.get(TASKS));
        HookTime::ALL.into_iter().flat_map(move |time| {
            let list = tasks.and_then(|tasks| tasks.get(time.word())?.as_array());
            list.into_iter()
                .flatten()
                .filter_map(move |one| Self::read(time, one))
        })
    }

    fn read(time: HookTime, one: &Value) -> Option<Self> {
        let text = |member: &str| one.get(member).and_then(Value::as_str);
        let words = one.get("command").and_then(Value::as_array);
        let words = words.into_iter().flatten().filter_map(Value::as_str);
        Some(Self {
            time,
            name: text("name")?.to_owned(),
            container: text("container").map(str::to_owned),
            command: words.map(str::to_owned).collect(),
            overrides: one.get("overrides").cloned(),
            timeout: text("timeout").and_then(parse_duration).unwrap_or(TIMEOUT),
        })
    }
}

impl Resource {
    /// The one-off tasks before and after this service's rollouts: `rollout.tasks`.
    pub fn hook_tasks(&self) -> impl Iterator<Item = HookTask> {
        HookTask::all(&self.beside)
    }
}

/// Reports what is not well-formed.
pub(super) fn check(node: &Node, findings: &mut Findings<'_>) {
    let path = format!("rollout.{TASKS}");
    if !is_map(node, &path, findings) {
        return;
    }
    let words = HookTime::ALL.map(HookTime::word);
    let mut names = BTreeSet::new();
    for entry in node.entries() {
        if words.contains(&entry.key.as_str()) {
            let path = format!("{path}.{}", entry.key);
            list(&entry.value, &path, &mut names, findings);
        } else {
            unknown_key(entry, &words, &path, findings);
        }
    }
}

fn list<'a>(
    node: &'a Node,
    path: &str,
    names: &mut BTreeSet<&'a str>,
    findings: &mut Findings<'_>,
) {
    if !is_list(node, path, findings) {
        return;
    }
    if node.items().len() > MOST {
        let message = format!("more than {MOST} tasks");
        findings
            .error("bad-value", node.place, path, message)
            .hint("Put the commands that belong together into one task.");
    }
    for (index, item) in node.items().iter().enumerate() {
        task(item, &format!("{path}[{index}]"), names, findings);
    }
}

fn task<'a>(
    node: &'a Node,
    path: &str,
    names: &mut BTreeSet<&'a str>,
    findings: &mut Findings<'_>,
) {
    if !is_map(node, path, findings) {
        return;
    }
    for entry in node.entries() {
        let (value, of, path) = (&entry.value, path, format!("{path}.{}", entry.key));
        match entry.key.as_str() {
            "name" => name(value, &path, names, findings),
            "container" if value.as_text().is_none_or(str::is_empty) => {
                let message = "expected the name of a container";
                findings.error("wrong-type", value.place, path, message);
            }
            "container" => {}
            "command" => command(value, &path, findings),
            "overrides" => overrides(value, &path, findings),
            "timeout" => {
                let read = value.as_text().and_then(parse_duration);
                if read.is_none_or(|timeout| timeout.is_zero()) {
                    let message = "expected a duration of some length";
                    findings
                        .error("bad-value", value.place, path, message)
                        .hint("Write it as `90s`, `15m` or `2h`.");
                }
            }
            _ => unknown_key(entry, &MEMBERS, of, findings),
        }
    }
    if node.entry("name").is_none() {
        let message = "`name` is missing: by it the task's outcome is remembered";
        findings.error("missing-field", node.place, path, message);
    }
    match (node.entry("overrides"), node.entry("command")) {
        (None, None) => {
            let message = "`command` is missing: without one the container would serve and not end";
            findings
                .error("missing-field", node.place, path, message)
                .hint("Write `command: [\"./migrate\"]`, or give `overrides` whole.");
        }
        (Some(entry), Some(_)) => {
            let message = "`command` and `overrides` both say what runs";
            findings
                .error("not-allowed", entry.key_place, path, message)
                .hint("Put the command into `overrides.containerOverrides`.");
        }
        _ => {}
    }
    if let (Some(entry), Some(_)) = (node.entry("container"), node.entry("overrides")) {
        let message = "`container` is the one of `command`; `overrides` names its own";
        findings.error("not-allowed", entry.key_place, path, message);
    }
}

fn name<'a>(
    node: &'a Node,
    path: &str,
    names: &mut BTreeSet<&'a str>,
    findings: &mut Findings<'_>,
) {
    let text = node.as_text().unwrap_or_default();
    let fits = |one: u8| one.is_ascii_alphanumeric() || one == b'-' || one == b'_';
    if text.is_empty() || text.len() > LONGEST_NAME || !text.bytes().all(fits) {
        let message = format!("expected a name, found {}", node.what());
        findings
            .error("bad-value", node.place, path, message)
            .hint(format!(
                "Letters, digits, `-` and `_`, at most {LONGEST_NAME}."
            ));
    } else if !names.insert(text) {
        let message = format!("another task of this service is called `{text}`");
        findings.error("duplicate", node.place, path, message);
    }
}

fn command(node: &Node, path: &str, findings: &mut Findings<'_>) {
    if !is_list(node, path, findings) {
        return;
    }
    if node.items().is_empty() {
        findings.error("bad-value", node.place, path, "the command is empty");
    }
    for (index, word) in node.items().iter().enumerate() {
        if word.as_text().is_none() {
            let message = format!("expected a text, found {}", word.what());
            findings
                .error(
                    "wrong-type",
                    word.place,
                    format!("{path}[{index}]"),
                    message,
                )
                .hint("Put it in quotes.");
        }
    }
}

/// The document that `RunTask` takes.
fn overrides(node: &Node, path: &str, findings: &mut Findings<'_>) {
    if !is_map(node, path, findings) {
        return;
    }
    for entry in node.entries() {
        if !OVERRIDES.contains(&entry.key.as_str()) {
            unknown_key(entry, &OVERRIDES, path, findings);
        }
    }
    let path = format!("{path}.containerOverrides");
    let Some(containers) = node.entry("containerOverrides") else {
        let message =
            "`containerOverrides` is missing: the containers in it have to end with exit code 0";
        findings.error("missing-field", node.place, path, message);
        return;
    };
    if !is_list(&containers.value, &path, findings) {
        return;
    }
    if containers.value.items().is_empty() {
        let message = "no container is overridden";
        findings.error("bad-value", containers.value.place, &path, message);
    }
    for (index, one) in containers.value.items().iter().enumerate() {
        let path = format!("{path}[{index}]");
        if !is_map(one, &path, findings) {
            continue;
        }
        for entry in one.entries() {
            match entry.key.as_str() {
                "command" => command(&entry.value, &format!("{path}.command"), findings),
                known if OF_A_CONTAINER.contains(&known) => {}
                _ => unknown_key(entry, &OF_A_CONTAINER, &path, findings),
            }
        }
        if one.text("name").is_none_or(str::is_empty) || one.entries().len() < 2 {
            let message =
                "expected the container's `name` and what is other than in its definition";
            findings.error("missing-field", one.place, path, message);
        }
    }
}

fn is_list(node: &Node, path: &str, findings: &mut Findings<'_>) -> bool {
    let list = matches!(node.data, Data::List(_));
    if !list {
        let message = format!("expected a list, found {}", node.what());
        findings.error("wrong-type", node.place, path, message);
    }
    list
}

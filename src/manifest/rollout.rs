//! The `rollout` section of a Service: how its rollouts go. Only the shape of its members; what they
//! name in other manifests is checked by `link`.
//!
//! Invariant: a section for which [`check`] gives true is well-formed.

use std::time::Duration;

use super::diagnostic::Findings;
use super::hook_tasks::{self, TASKS};
use super::schema::unknown_key;
use super::sections::{is_map, parse_duration};
use super::tree::{Data, Node};

/// The lifecycle events of an ECS deployment that may call a Lambda function (aws-facts 2.3).
pub(crate) const HOOKS: [&str; 5] = [
    "BeforeInstall",
    "AfterInstall",
    "AfterAllowTestTraffic",
    "BeforeAllowTraffic",
    "AfterAllowTraffic",
];

/// The services whose rollouts come first.
pub(crate) const DEPENDS_ON: &str = "dependsOn";

/// The approval of a content before its rollout starts.
pub(crate) const APPROVAL: &str = "approval";

/// How long an approval counts where the manifest does not say it: as ECS's pause hooks wait (aws-facts 1.1).
pub(crate) const APPROVAL_TIMEOUT: Duration = Duration::from_hours(24);

/// The members of the approval.
const OF_APPROVAL: [&str; 2] = ["required", "timeout"];

/// What becomes of a deployment in flight when the manifest changes.
pub(crate) const IN_FLIGHT: &str = "inFlight";

/// What a newer manifest does about a deployment of an older one that is in flight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InFlight {
    /// It takes its place as long as no production traffic has moved, and waits after that.
    #[default]
    Supersede,
    /// It waits until that has ended; of several that come meanwhile the newest alone is rolled out.
    Finish,
    /// The same, and every task definition that came meanwhile is rolled out before it, in their order.
    Queue,
}

impl InFlight {
    /// Every policy.
    pub(crate) const ALL: [Self; 3] = [Self::Supersede, Self::Finish, Self::Queue];

    /// The word in a manifest.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Supersede => "supersede",
            Self::Finish => "finish",
            Self::Queue => "queue",
        }
    }

    /// What to say after a sentence about waiting: why, where it is chosen.
    pub(crate) fn hint(self) -> &'static str {
        match self {
            Self::Supersede => "",
            Self::Finish => " (rollout.inFlight is finish)",
            Self::Queue => " (rollout.inFlight is queue)",
        }
    }
}

/// How often a deployment is started again that failed before production traffic moved.
pub(crate) const RETRIES: &str = "retries";

/// The most retries that may be declared (gitops-controllers d.4).
pub(crate) const MOST_RETRIES: u64 = 5;

/// For how long a deployment is started again, ever so often, that failed before production traffic moved.
pub(crate) const RETRY_FOR: &str = "retryFor";

/// The longest time for which that may be declared (gitops-controllers d.4).
pub(crate) const LONGEST_RETRY: Duration = Duration::from_hours(24);

/// How long the new tasks of a rollout may take to come up.
pub(crate) const DEADLINE: &str = "deadline";

/// The members of the section.
const MEMBERS: [&str; 8] = [
    APPROVAL, DEADLINE, DEPENDS_ON, "hooks", IN_FLIGHT, RETRIES, RETRY_FOR, TASKS,
];

/// Whether the section is well-formed; what is not is reported.
pub(super) fn check(node: &Node, findings: &mut Findings<'_>) -> bool {
    let before = findings.list.len();
    if !is_map(node, "rollout", findings) {
        return false;
    }
    for entry in node.entries() {
        match entry.key.as_str() {
            "hooks" => hooks(&entry.value, findings),
            APPROVAL => approval(&entry.value, findings),
            DEPENDS_ON => depends_on(&entry.value, findings),
            IN_FLIGHT => in_flight(&entry.value, findings),
            RETRIES => retries(&entry.value, findings),
            DEADLINE => duration(&entry.value, DEADLINE, Duration::MAX, findings),
            RETRY_FOR => duration(&entry.value, RETRY_FOR, LONGEST_RETRY, findings),
            TASKS => hook_tasks::check(&entry.value, findings),
            _ => unknown_key(entry, &MEMBERS, "rollout", findings),
        }
    }
    findings.list.len() == before
}

/// Lambda functions by the lifecycle events that call them.
fn hooks(node: &Node, findings: &mut Findings<'_>) {
    if !is_map(node, "rollout.hooks", findings) {
        return;
    }
    for entry in node.entries() {
        if !HOOKS.contains(&entry.key.as_str()) {
            unknown_key(entry, &HOOKS, "rollout.hooks", findings);
        } else if entry.value.as_text().is_none_or(str::is_empty) {
            let path = format!("rollout.hooks.{}", entry.key);
            let message = "expected the name or ARN of a Lambda function";
            findings.error("wrong-type", entry.value.place, path, message);
        }
    }
}

/// Whether a person has to approve, and for how long that counts.
fn approval(node: &Node, findings: &mut Findings<'_>) {
    if !is_map(node, "rollout.approval", findings) {
        return;
    }
    for entry in node.entries() {
        let path = format!("rollout.{APPROVAL}.{}", entry.key);
        match entry.key.as_str() {
            "required" if !matches!(entry.value.data, Data::Bool(_)) => {
                let message = format!("expected true or false, found {}", entry.value.what());
                findings.error("wrong-type", entry.value.place, path, message);
            }
            "required" => {}
            "timeout" => duration(&entry.value, "approval.timeout", Duration::MAX, findings),
            _ => unknown_key(entry, &OF_APPROVAL, "rollout.approval", findings),
        }
    }
}

/// A time of some length.
fn duration(node: &Node, member: &str, longest: Duration, findings: &mut Findings<'_>) {
    let read = node.as_text().and_then(parse_duration);
    if read.is_some_and(|time| !time.is_zero() && time <= longest) {
        return;
    }
    let message = match longest {
        Duration::MAX => "expected a duration of some length".to_owned(),
        longest => format!(
            "expected a duration of at most {} hours",
            longest.as_secs() / 3_600
        ),
    };
    let path = format!("rollout.{member}");
    findings
        .error("bad-value", node.place, path, message)
        .hint("Write it as `90m`, `24h` or `7d`.");
}

fn retries(node: &Node, findings: &mut Findings<'_>) {
    let number = match &node.data {
        Data::Number(number) => number.as_u64(),
        _ => None,
    };
    if number.is_none_or(|number| number > MOST_RETRIES) {
        let message = format!(
            "expected a whole number from 0 to {MOST_RETRIES}, found {}",
            node.what()
        );
        findings
            .error(
                "bad-value",
                node.place,
                format!("rollout.{RETRIES}"),
                message,
            )
            .hint("0, the default, has nothing tried again that failed.");
    }
}

fn in_flight(node: &Node, findings: &mut Findings<'_>) {
    let text = node.as_text().unwrap_or_default();
    let words = InFlight::ALL.map(InFlight::word);
    if words.contains(&text) {
        return;
    }
    let hint = match text {
        "parallel" => "A service has one deployment at a time: `supersede`, `finish` or `queue`.",
        _ => {
            "`supersede` takes the place of a deployment until its traffic moves; `finish` waits until it ends; `queue` rolls \
             out all that came meanwhile, in order."
        }
    };
    let message = format!("expected one of {}", words.join(", "));
    let path = format!("rollout.{IN_FLIGHT}");
    findings
        .error("bad-value", node.place, path, message)
        .hint(hint);
}

/// Names of Service manifests.
fn depends_on(node: &Node, findings: &mut Findings<'_>) {
    let path = format!("rollout.{DEPENDS_ON}");
    if !matches!(node.data, Data::List(_)) {
        let message = format!("expected a list, found {}", node.what());
        findings
            .error("wrong-type", node.place, path, message)
            .hint("Write `[NAME]`, with the names of Service manifests.");
        return;
    }
    for (index, item) in node.items().iter().enumerate() {
        if item.as_text().is_none_or(str::is_empty) {
            let message = format!(
                "expected the name of a Service manifest, found {}",
                item.what()
            );
            findings.error(
                "wrong-type",
                item.place,
                format!("{path}[{index}]"),
                message,
            );
        }
    }
}

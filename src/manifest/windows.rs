//! `sync.windows`: when rollouts may start. Their forms, and whom they are for; what follows from them is
//! decided by the gate in [`crate::kinds`].
//!
//! A window opens at the times of a cron expression in its time zone and stays open for a while. A Service
//! has its own; those of a Cluster are for its services, all or those that it selects.
//!
//! Times follow the clock on the wall. A time that is skipped when clocks go forward is the first moment after
//! the gap, and one that comes twice when they go back is its first; what has a wildcard in minute or hour is not
//! there in a gap, and there twice. The while is real time.
//!
//! Invariant: what [`check`] reports nothing of is read by [`read`].

use std::collections::BTreeMap;
use std::time::Duration;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::TimeZone;
use serde_json::Value;

use super::Resource;
use super::diagnostic::Findings;
use super::nearest::suggestion;
use super::schema::unknown_key;
use super::sections::{is_map, parse_duration};
use super::tree::{Data, Node};
use crate::model::Kind;

/// The member of `sync`.
pub(crate) const WINDOWS: &str = "windows";

/// The members of a window: those that it needs, then [`OVERRUN`], then those that choose services.
pub(crate) const MEMBERS: [&str; 7] = [
    "kind", "schedule", "duration", "timeZone", OVERRUN, "labels", "names",
];

/// The member that says what becomes of a rollout in flight when rollouts may no longer start.
pub(crate) const OVERRUN: &str = "overrun";

/// What becomes of a rollout in flight when rollouts may no longer start. The later one is the stricter one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Overrun {
    /// It goes on.
    Finish,
    /// It goes on as far as the next wait for a person, from where nobody lets it go on.
    Hold,
    /// It is stopped, as long as no production traffic has moved.
    Abort,
}

impl Overrun {
    /// Every one, the default first.
    pub(crate) const ALL: [Self; 3] = [Self::Finish, Self::Hold, Self::Abort];

    /// The word in a manifest.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Finish => "finish",
            Self::Hold => "hold",
            Self::Abort => "abort",
        }
    }

    fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }
}

/// What a window does.
pub(crate) const KINDS: [&str; 2] = ["allow", "deny"];

/// How many windows a manifest may have.
const MOST: usize = 50;

/// The longest while that a window is open.
const LONGEST: Duration = Duration::from_hours(24 * 366);

/// Whether manifests of this kind have windows.
pub(crate) fn has(kind: Kind) -> bool {
    matches!(kind, Kind::Service | Kind::Cluster)
}

/// When rollouts may start, or may not.
#[derive(Clone, Debug)]
pub struct Window {
    /// Whether rollouts may start while it is open; else they may not.
    pub allows: bool,
    /// The cron expression as it stands in the manifest.
    pub schedule: String,
    /// The IANA name of its time zone.
    pub zone: String,
    /// For how long it is open.
    pub duration: Duration,
    /// What becomes of a rollout in flight when rollouts may no longer start.
    pub overrun: Overrun,
    /// When it opens.
    pub cron: Cron,
    /// Its time zone.
    pub time_zone: TimeZone,
}

/// Reports what is wrong with the list.
pub(super) fn check(kind: Kind, node: &Node, findings: &mut Findings<'_>) {
    let path = format!("sync.{WINDOWS}");
    let Data::List(items) = &node.data else {
        let message = format!("expected a list, found {}", node.what());
        findings
            .error("wrong-type", node.place, path, message)
            .hint("Write `- {kind: allow, schedule: 0 9 * * MON-FRI, duration: 8h, timeZone: Europe/Berlin}`.");
        return;
    };
    if items.len() > MOST {
        let message = format!("{} windows are more than {MOST}", items.len());
        findings
            .error("bad-value", node.place, path, message)
            .hint("One cron expression may name several times.");
        return;
    }
    for (index, item) in items.iter().enumerate() {
        window(kind, item, &format!("{path}[{index}]"), findings);
    }
}

fn window(kind: Kind, node: &Node, path: &str, findings: &mut Findings<'_>) {
    if !is_map(node, path, findings) {
        return;
    }
    let own = match kind {
        Kind::Cluster => &MEMBERS[..],
        _ => &MEMBERS[..5],
    };
    for entry in node.entries() {
        let (name, value) = (entry.key.as_str(), &entry.value);
        let at = format!("{path}.{name}");
        if !own.contains(&name) {
            unknown_key(entry, own, path, findings);
            continue;
        }
        if matches!(name, "labels" | "names") {
            selector(name, value, &at, findings);
            continue;
        }
        let Some(text) = value.as_text() else {
            let message = format!("expected a text, found {}", value.what());
            findings.error("wrong-type", value.place, at, message);
            continue;
        };
        let wrong = match name {
            "kind" => (!KINDS.contains(&text)).then(|| {
                (
                    format!("`{text}` is no kind of window"),
                    "Write `allow` or `deny`.".to_owned(),
                )
            }),
            "schedule" => parsed(text).err().map(|why| {
                let hint = "Five fields: minute, hour, day of the month, month, day of the week, such as `0 9 * * MON-FRI`.";
                (format!("`{text}` is no cron expression: {why}"), hint.to_owned())
            }),
            "duration" => match parse_duration(text) {
                Some(long) if !long.is_zero() && long <= LONGEST => None,
                Some(_) => Some((
                    format!("a window of {text} is open never or always"),
                    "Give it more than nothing and at most 366d.".to_owned(),
                )),
                None => Some((
                    "expected a duration".to_owned(),
                    "Write it as `90m`, `8h` or `2d`.".to_owned(),
                )),
            },
            OVERRUN => Overrun::of(text).is_none().then(|| {
                let hint = "Write `finish`, `hold` to let nothing go on that waits for a person, or `abort` to stop what has moved no production traffic.";
                let message = format!("`{text}` is nothing that can become of a rollout in flight");
                (message, hint.to_owned())
            }),
            _ => TimeZone::get(text).is_err().then(|| (format!("`{text}` is no time zone"), zone_hint(text))),
        };
        if let Some((message, hint)) = wrong {
            findings
                .error("bad-value", value.place, at, message)
                .hint(hint);
        }
    }
    for name in &MEMBERS[..4] {
        if node.entry(name).is_none() {
            let found = findings.error(
                "missing-field",
                node.place,
                path,
                format!("a window needs `{name}`"),
            );
            if *name == "timeZone" {
                found.hint("An IANA name, such as `Europe/Berlin` or `UTC`: there is no default.");
            }
        }
    }
}

/// Which services: by labels, or by the names of their manifests.
fn selector(name: &str, node: &Node, path: &str, findings: &mut Findings<'_>) {
    let texts: Vec<&Node> = match (name, &node.data) {
        ("labels", Data::Map(_)) => node.entries().iter().map(|entry| &entry.value).collect(),
        ("names", Data::List(items)) => items.iter().collect(),
        _ => {
            let expected = match name {
                "labels" => "a map of labels",
                _ => "a list of names of Service manifests",
            };
            let message = format!("expected {expected}, found {}", node.what());
            findings.error("wrong-type", node.place, path, message);
            return;
        }
    };
    if texts.is_empty() {
        let message = "it selects nothing in particular";
        findings
            .error("bad-value", node.place, path, message)
            .hint("Leave it out: the window is then for all services of the cluster.");
    }
    for text in texts {
        if text.as_text().is_none_or(str::is_empty) {
            let message = format!("expected a text, found {}", text.what());
            findings.error("wrong-type", text.place, path, message);
        }
    }
}

fn zone_hint(text: &str) -> String {
    let known: Vec<String> = jiff::tz::db()
        .available()
        .map(|name| name.to_string())
        .collect();
    let nearest = suggestion(text, known.iter().map(String::as_str));
    nearest.unwrap_or_else(|| "Give an IANA name, such as `Europe/Berlin` or `UTC`.".to_owned())
}

fn parsed(text: &str) -> Result<Cron, String> {
    let parser = CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build();
    parser
        .parse(text)
        .map_err(|error| error.to_string().trim_end_matches('.').to_owned())
}

/// The windows for a service in one manifest, its own or its cluster's; a list that nothing is wrong with.
pub(super) fn read(of: &Resource, service: &Resource) -> Vec<Window> {
    let list = of.beside.get("sync").and_then(|sync| sync.get(WINDOWS));
    let list = list.and_then(Value::as_array).into_iter().flatten();
    list.filter(|one| selects(one, service))
        .filter_map(one)
        .collect()
}

fn selects(window: &Value, service: &Resource) -> bool {
    let labels = window.get("labels").and_then(Value::as_object);
    let labelled = |labels: &BTreeMap<String, String>, name: &str, value: &Value| {
        labels.get(name).map(String::as_str) == value.as_str()
    };
    let names = window.get("names").and_then(Value::as_array);
    labels.is_none_or(|wanted| {
        wanted
            .iter()
            .all(|(name, value)| labelled(&service.labels, name, value))
    }) && names.is_none_or(|names| names.iter().any(|name| *name == service.key.name.as_str()))
}

fn one(window: &Value) -> Option<Window> {
    let text = |name: &str| window.get(name)?.as_str();
    let (schedule, zone) = (text("schedule")?, text("timeZone")?);
    Some(Window {
        allows: text("kind")? == "allow",
        schedule: schedule.to_owned(),
        zone: zone.to_owned(),
        duration: parse_duration(text("duration")?)?,
        overrun: text(OVERRUN)
            .and_then(Overrun::of)
            .unwrap_or(Overrun::Finish),
        cron: parsed(schedule).ok()?,
        time_zone: TimeZone::get(zone).ok()?,
    })
}

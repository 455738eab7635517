//! When rollouts may start (`sync.windows`). Pure: a function of the time of the pass and the windows.
//!
//! A deny window that is open keeps them from starting; where any allow window is for the service, so does it
//! that none of them is open. A rollout in flight goes on to its end when a window closes, unless the window says
//! otherwise ([`overrun`]), and what starts no deployment is healed at any time.

use jiff::{Timestamp, Zoned};

use super::Shut;
use crate::kinds::View;
use crate::manifest::{Overrun, Window};
use crate::model::{Moment, Outcome, Wait};

/// The annotation of a Service that lets its rollouts start in spite of windows; its text is the reason.
pub(crate) const IGNORE: &str = "evenkeel.dev/ignore-windows";

/// How many openings and closings are looked through for the next moment at which all are open.
const AHEAD: usize = 400;

/// Why no rollout starts now; `None` if one may.
pub(super) fn shut(view: &View<'_>) -> Option<Shut> {
    let windows = view.set.windows_of(view.resource);
    let closed = closed(&windows, view.now)?;
    let (opens, when) = match opening(&windows, view.now) {
        Some((at, window)) => (Some(at), format!("opens at {}", at_in(at, window))),
        None => (None, "does not open within its next times".to_owned()),
    };
    let message = format!(
        "its rollout waits for its window: {closed}; {when}. To start it now, give the annotation {IGNORE} the reason"
    );
    Some(Shut {
        outcome: Outcome::Waiting(Wait::WindowClosed, message),
        again: opens,
    })
}

/// The reason that a person gave to start in spite of windows that are closed.
pub(super) fn overridden<'a>(view: &View<'a>) -> Option<&'a str> {
    view.resource.annotations.get(IGNORE).map(String::as_str)
}

/// What is to become of a rollout in flight, and why, while none may start.
pub(in super::super) fn overrun(view: &View<'_>) -> Option<(Overrun, String)> {
    if overridden(view).is_some() {
        return None;
    }
    let windows = view.set.windows_of(view.resource);
    let why = closed(&windows, view.now)?;
    Some((strictest(&windows, view.now), why))
}

/// Why nothing in flight that waits for a person goes on now, and since when it may again.
pub(in super::super) fn held(view: &View<'_>) -> Option<String> {
    let (_, why) = overrun(view).filter(|(overrun, _)| *overrun == Overrun::Hold)?;
    let windows = view.set.windows_of(view.resource);
    let opens = match opening(&windows, view.now) {
        Some((at, window)) => format!("opens at {}", at_in(at, window)),
        None => "does not open within its next times".to_owned(),
    };
    Some(format!(
        "it is held until its window opens (overrun: hold): {why}; {opens}. To let it go on now, give the annotation {IGNORE} the reason"
    ))
}

/// What those say that keep rollouts from starting: the deny windows that are open, else the allow window that closed
/// last.
fn strictest(windows: &[Window], now: Moment) -> Overrun {
    let denies = windows.iter().filter(|one| !one.allows);
    let denies = denies.filter(|one| is_open(one, now));
    if let Some(strictest) = denies.map(|one| one.overrun).max() {
        return strictest;
    }
    let closed = windows.iter().filter(|one| one.allows).filter_map(|one| {
        let at = last(one, now)?.plus(one.duration);
        Some((at, one.overrun))
    });
    closed.max().map_or(Overrun::Finish, |(_, overrun)| overrun)
}

/// Why rollouts may not start at a moment.
fn closed(windows: &[Window], now: Moment) -> Option<String> {
    let denies = |window: &&Window| !window.allows && is_open(window, now);
    if let Some(window) = windows.iter().find(denies) {
        return Some(format!("the deny window {} is open", name(window)));
    }
    let mut allows = windows.iter().filter(|window| window.allows).peekable();
    allows.peek()?;
    let names: Vec<String> = windows
        .iter()
        .filter(|window| window.allows)
        .map(name)
        .collect();
    (!allows.any(|window| is_open(window, now)))
        .then(|| format!("no allow window ({}) is open", names.join(", ")))
}

/// The next moment at which rollouts may start, and the window whose opening or closing it is.
fn opening(windows: &[Window], now: Moment) -> Option<(Moment, &Window)> {
    let mut at = now;
    for _ in 0..AHEAD {
        let edges = windows
            .iter()
            .filter_map(|window| Some((edge(window, at)?, window)));
        let (next, window) = edges.min_by_key(|(edge, _)| *edge)?;
        if closed(windows, next).is_none() {
            return Some((next, window));
        }
        at = next;
    }
    None
}

/// The next moment at which a window opens or closes.
fn edge(window: &Window, now: Moment) -> Option<Moment> {
    let zoned = zoned(window, now)?;
    let next = window.cron.find_next_occurrence(&zoned, false).ok();
    let closing = last(window, now).map(|opened| opened.plus(window.duration));
    let next = next.map(|next| moment(&next));
    [next, closing]
        .into_iter()
        .flatten()
        .filter(|edge| *edge > now)
        .min()
}

/// Whether a window is open: from its moment on, and not at its end.
fn is_open(window: &Window, now: Moment) -> bool {
    last(window, now).is_some_and(|opened| now < opened.plus(window.duration))
}

/// When a window opened last.
fn last(window: &Window, now: Moment) -> Option<Moment> {
    let zoned = zoned(window, now)?;
    let last = window.cron.find_previous_occurrence(&zoned, true).ok()?;
    Some(moment(&last))
}

fn zoned(window: &Window, now: Moment) -> Option<Zoned> {
    let timestamp = Timestamp::from_millisecond(now.0).ok()?;
    Some(timestamp.to_zoned(window.time_zone.clone()))
}

fn moment(zoned: &Zoned) -> Moment {
    Moment(zoned.timestamp().as_millisecond())
}

/// A window for a person: `0 9 * * MON-FRI for 8h (Europe/Berlin)`.
fn name(window: &Window) -> String {
    let long = jiff::SignedDuration::try_from(window.duration);
    let long = long.map_or_else(|_| String::new(), |long| format!(" for {long:#}"));
    format!("`{}`{long} ({})", window.schedule, window.zone)
}

/// A moment in the time zone of a window: `2026-01-05 09:00 (Europe/Berlin)`.
fn at_in(at: Moment, window: &Window) -> String {
    zoned(window, at).map_or_else(
        || crate::kinds::heal::time(at),
        |zoned| format!("{} ({})", zoned.strftime("%Y-%m-%d %H:%M"), window.zone),
    )
}

#[cfg(test)]
#[path = "window_tests.rs"]
mod tests;

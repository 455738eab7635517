//! Holds: to set one and to end one. Both take the token.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use serde::Deserialize;
use serde_json::{Value, json};

use super::errors::Error;
use super::reads::{parsed, unexpected};
use crate::ask::{Answer, HoldChange, Question};
use crate::http::server::Shared;
use crate::model::{Key, Moment, NewHold};

/// The longest that may be asked for in seconds: who wants more leaves the end out.
const LONGEST: u64 = 366 * 24 * 3600;

/// What to hold, why and for how long.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Pause {
    /// `Service/NAME` or `Cluster/NAME`.
    resource: Option<String>,
    /// Everything.
    #[serde(default)]
    all: bool,
    reason: String,
    by: String,
    /// RFC 3339.
    until: Option<String>,
    /// Seconds from now.
    for_seconds: Option<u64>,
}

/// What to hold no longer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Resume {
    resource: Option<String>,
    #[serde(default)]
    all: bool,
    by: String,
}

/// `POST /api/v1/pause`.
pub(super) async fn pause(
    State(shared): State<Shared>,
    body: Result<Json<Pause>, JsonRejection>,
) -> Result<Json<Value>, Error> {
    let Json(asked) = body.map_err(|error| Error::invalid(error.body_text()))?;
    let now = shared.clock.now();
    let key = what(asked.resource.as_deref(), asked.all)?;
    let hold = NewHold {
        reason: asked.reason,
        by: asked.by,
        until: until(asked.until.as_deref(), asked.for_seconds, now)?,
    };
    let text = hold.text(now).map_err(Error::invalid)?;
    change(&shared, key, hold.by, Some(text)).await
}

/// `POST /api/v1/resume`.
pub(super) async fn resume(
    State(shared): State<Shared>,
    body: Result<Json<Resume>, JsonRejection>,
) -> Result<Json<Value>, Error> {
    let Json(asked) = body.map_err(|error| Error::invalid(error.body_text()))?;
    let key = what(asked.resource.as_deref(), asked.all)?;
    if asked.by.trim().is_empty() {
        return Err(Error::invalid("`by` is empty; name who ends the hold"));
    }
    // As the event shows it: in one line, and not for ever.
    let by: String = asked
        .by
        .chars()
        .filter(|c| !c.is_control())
        .take(64)
        .collect();
    change(&shared, key, by, None).await
}

async fn change(
    shared: &Shared,
    key: Option<Key>,
    by: String,
    text: Option<String>,
) -> Result<Json<Value>, Error> {
    let question = Question::Hold(HoldChange { key, by, text });
    let Answer::Hold(changed) = shared.api.asker.ask(question).await? else {
        return Err(unexpected());
    };
    Ok(Json(json!({
        "resync": changed.resync,
        "on": changed.on,
        "absent": changed.absent,
        "confirmed": changed.confirmed,
    })))
}

/// The key; none for everything, which must be said.
fn what(resource: Option<&str>, all: bool) -> Result<Option<Key>, Error> {
    match (resource, all) {
        (Some(resource), false) => parsed(resource).map(Some),
        (None, true) => Ok(None),
        _ => Err(Error::invalid(
            "name what is meant: `\"resource\": \"Service/NAME\"`, `\"resource\": \"Cluster/NAME\"`, or `\"all\": true`",
        )),
    }
}

fn until(until: Option<&str>, seconds: Option<u64>, now: Moment) -> Result<Option<Moment>, Error> {
    match (until, seconds) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(Error::invalid("give `until` or `forSeconds`, not both")),
        (None, Some(seconds)) if (1..=LONGEST).contains(&seconds) => {
            Ok(Some(now.plus(Duration::from_secs(seconds))))
        }
        (None, Some(seconds)) => Err(Error::invalid(format!(
            "`forSeconds` is {seconds}; give 1 to {LONGEST}, or leave the end out"
        ))),
        (Some(text), None) => {
            let time: Result<jiff::Timestamp, _> = text.parse();
            let time = time.map_err(|_| {
                Error::invalid(format!(
                    "`until` is `{text}`; give a time such as 2026-01-02T15:00:00Z"
                ))
            })?;
            Ok(Some(Moment(time.as_millisecond())))
        }
    }
}

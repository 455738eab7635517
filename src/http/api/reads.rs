//! What may be read without a token.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::LONGEST_WAIT;
use super::documents;
use super::errors::Error;
use crate::ask::{Answer, Question, Refusal};
use crate::http::server::Shared;
use crate::http::status::{resource_json, status_json, time};
use crate::model::Key;
use crate::status::Status;

type Result = std::result::Result<Json<Value>, Error>;

/// How many of a resource's late events its description has.
const LATE: usize = 10;

/// `GET /api/v1/status`: what `/status` is.
pub(super) async fn status(State(shared): State<Shared>) -> Json<Value> {
    Json(status_json(&shared.board.read()))
}

/// Which resources.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    kind: Option<String>,
}

/// `GET /api/v1/resources?kind=`: every resource, or those of a kind.
pub(super) async fn resources(
    State(shared): State<Shared>,
    query: std::result::Result<Query<Which>, QueryRejection>,
) -> Result {
    let Query(which) = query.map_err(|error| Error::invalid(error.body_text()))?;
    if let Some(kind) = &which.kind {
        // A name is only needed to have a key.
        key(kind, "x")?;
    }
    let now = shared.clock.now();
    let of_kind = |key: &Key| {
        let kind = which.kind.as_deref();
        kind.is_none_or(|kind| kind == key.kind.as_str())
    };
    Ok(Json(shared.board.look(|status| {
        let found = status.resources.iter().filter(|(key, _)| of_kind(key));
        let found: Vec<Value> = found.map(|(key, one)| resource_json(key, one)).collect();
        json!({
            "now": time(Some(now)),
            "ready": status.ready(),
            "source": source(status),
            "resources": found,
        })
    })))
}

fn source(status: &Status) -> Value {
    json!({"error": status.source.error, "diagnostics": status.source.diagnostics})
}

type Named = std::result::Result<Path<(String, String)>, PathRejection>;

/// `GET /api/v1/resources/KIND/NAME`: one resource with all that is known of it.
pub(super) async fn resource(State(shared): State<Shared>, path: Named) -> Result {
    let key = named(path)?;
    let now = shared.clock.now();
    let late = shared.board.events().after(0).events;
    let mut late: Vec<Value> = late
        .iter()
        .rev()
        .filter(|event| event.key.as_ref() == Some(&key))
        .take(LATE)
        .map(documents::event)
        .collect();
    late.reverse();
    let found = shared.board.look(|status| {
        let resource = status.resources.get(&key)?;
        Some(json!({
            "now": time(Some(now)),
            "ready": status.ready(),
            "source": source(status),
            "resource": resource_json(&key, resource),
            "conditions": documents::conditions(key.kind, resource, now),
            "events": late,
        }))
    });
    found
        .map(Json)
        .ok_or_else(|| Error::not_found(&key.to_string()))
}

/// `GET /api/v1/resources/Service/NAME/history`: the rollouts that AWS knows.
pub(super) async fn history(State(shared): State<Shared>, path: Named) -> Result {
    let key = named(path)?;
    let answer = shared.api.asker.ask(Question::History(key.clone())).await?;
    let Answer::History(rollouts) = answer else {
        return Err(unexpected());
    };
    Ok(Json(json!({
        "now": time(Some(shared.clock.now())),
        "resource": key.to_string(),
        "rollouts": rollouts.iter().map(documents::past).collect::<Vec<_>>(),
    })))
}

/// Which events.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Events {
    /// Those after this number.
    #[serde(default)]
    after: u64,
    /// Seconds to wait for one.
    #[serde(default)]
    wait: u64,
    /// `Kind/name`.
    resource: Option<String>,
}

/// `GET /api/v1/events?after=&wait=&resource=`: what happened lately, oldest first.
pub(super) async fn events(
    State(shared): State<Shared>,
    query: std::result::Result<Query<Events>, QueryRejection>,
) -> Result {
    let Query(asked) = query.map_err(|error| Error::invalid(error.body_text()))?;
    let only = asked.resource.as_deref().map(parsed).transpose()?;
    let wait = Duration::from_secs(asked.wait).min(LONGEST_WAIT);
    let newer = shared.board.events().newer(asked.after);
    // That the time is over is an answer too.
    tokio::time::timeout(wait, newer).await.ok();
    let page = shared.board.events().after(asked.after);
    let events = page.events.iter();
    let events = events.filter(|event| only.is_none() || event.key == only);
    Ok(Json(json!({
        "started": time(Some(shared.since)),
        "last": page.last,
        "lost": page.lost,
        "events": events.map(documents::event).collect::<Vec<_>>(),
    })))
}

/// An answer to another question: a defect.
pub(super) fn unexpected() -> Error {
    Refusal::Unavailable("the controller answered something else; this is a defect".to_owned())
        .into()
}

pub(super) fn named(path: Named) -> std::result::Result<Key, Error> {
    let Path((kind, name)) = path.map_err(|error| Error::invalid(error.body_text()))?;
    key(&kind, &name)
}

fn key(kind: &str, name: &str) -> std::result::Result<Key, Error> {
    parsed(&format!("{kind}/{name}"))
}

/// Reads `Kind/name`.
pub(super) fn parsed(text: &str) -> std::result::Result<Key, Error> {
    text.parse().map_err(|error| {
        let kinds = crate::model::Kind::ALL.map(crate::model::Kind::as_str);
        Error::invalid(format!("{error}; the kinds are {}", kinds.join(", ")))
    })
}

//! What takes a token: whatever makes the daemon do something.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::errors::Error;
use super::reads::{parsed, unexpected};
use crate::ask::{Answer, Question};
use crate::http::server::Shared;

/// Lets requests with the token pass.
pub(super) async fn guard(
    State(shared): State<Shared>,
    request: Request,
    next: Next,
) -> Result<Response, Error> {
    let Some(tokens) = &shared.api.tokens else {
        return Err(Error::new(
            StatusCode::FORBIDDEN,
            "WritesDisabled",
            "this daemon takes no commands that change something; start it with --api-token-file FILE, and give the \
             command the same file",
        ));
    };
    let given = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    if given.is_some_and(|given| tokens.hold(given)) {
        return Ok(next.run(request).await);
    }
    let message = if given.is_none() {
        "no token was given; give the one of the daemon's --api-token-file as --api-token-file FILE or in EVENKEEL_API_TOKEN"
    } else {
        tracing::warn!("an API request was refused: its token is not that of --api-token-file");
        "the token is not the daemon's; give the one of its --api-token-file"
    };
    Err(Error::new(
        StatusCode::UNAUTHORIZED,
        "Unauthorized",
        message,
    ))
}

/// What to look at again.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Resync {
    /// `Kind/name`; everything if it is left out.
    resource: Option<String>,
    /// Whether its drift is healed then, whatever its manifest says of that.
    #[serde(default)]
    heal: bool,
}

/// `POST /api/v1/resync`.
pub(super) async fn resync(
    State(shared): State<Shared>,
    body: Result<Json<Resync>, JsonRejection>,
) -> Result<(StatusCode, Json<Value>), Error> {
    let Json(asked) = body.map_err(|error| Error::invalid(error.body_text()))?;
    let key = asked.resource.as_deref().map(parsed).transpose()?;
    let question = match (key, asked.heal) {
        (Some(key), true) => Question::Heal(key),
        (None, true) => {
            let message = "drift is healed of one resource at a time; name it in `resource`";
            return Err(Error::invalid(message.to_owned()));
        }
        (key, false) => Question::Resync(key),
    };
    let answer = shared.api.asker.ask(question).await?;
    let Answer::Resync(number) = answer else {
        return Err(unexpected());
    };
    Ok((StatusCode::ACCEPTED, Json(json!({"resync": number}))))
}

//! The webhook's route: reads a request to its end, checks it, wakes.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::provider::{Provider, Told};
use super::secrets::{Check, Secrets};
use super::{AT_ONCE, LARGEST, PATIENCE};
use crate::http::server::until;
use crate::metrics::Metrics;

/// What a request is answered by: the status and a line of text.
type Answer = (StatusCode, String);

struct Shared {
    secrets: Secrets,
    metrics: Arc<Metrics>,
    places: Semaphore,
    wake: Box<dyn Fn() + Send + Sync>,
}

/// Serves the webhook until `shutdown` is done. `wake` is called for every push.
///
/// # Errors
/// When the listener breaks.
pub async fn serve(
    listener: TcpListener,
    secrets: Secrets,
    metrics: Arc<Metrics>,
    wake: impl Fn() + Send + Sync + 'static,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let shared = Arc::new(Shared {
        secrets,
        metrics,
        places: Semaphore::new(AT_ONCE),
        wake: Box::new(wake),
    });
    let router = Router::new()
        .route("/webhook/{provider}", post(hook))
        .with_state(shared);
    until(listener, router, shutdown).await
}

async fn hook(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let provider = Provider::ALL.into_iter().find(|one| one.label() == name);
    let Some(provider) = provider else {
        let known = Provider::ALL.map(Provider::label).join(", ");
        let text = format!("no such Git server; there are {known}\n");
        return (StatusCode::NOT_FOUND, text);
    };
    let (result, answer) = judged(&shared, provider, &headers, body).await;
    shared.metrics.webhook_asked(provider.label(), result);
    answer
}

/// The metric's word for what came of it, and the answer.
async fn judged(
    shared: &Shared,
    provider: Provider,
    headers: &HeaderMap,
    body: Body,
) -> (&'static str, Answer) {
    let refused = |status: StatusCode, text: &str| ("refused", (status, format!("{text}\n")));
    let Ok(_place) = shared.places.try_acquire() else {
        return refused(StatusCode::SERVICE_UNAVAILABLE, "busy; come again");
    };
    let proof = match provider.proof(headers) {
        Ok(proof) => proof,
        Err(text) => return refused(StatusCode::UNAUTHORIZED, &text),
    };
    let read = tokio::time::timeout(PATIENCE, read(body, shared.secrets.check()));
    let check = match read.await {
        Err(_) => return refused(StatusCode::REQUEST_TIMEOUT, "the body took too long"),
        Ok(Err(answer)) => return ("refused", answer),
        Ok(Ok(check)) => check,
    };
    if !check.fits(&proof) {
        tracing::warn!(
            provider = provider.label(),
            "a webhook request was refused: it is not signed with the secret of --webhook-secret-file"
        );
        return refused(StatusCode::UNAUTHORIZED, "not signed with our secret");
    }
    match provider.told(headers) {
        Told::Push => {
            tracing::info!(provider = provider.label(), "a webhook told of a push");
            (shared.wake)();
            ("woken", (StatusCode::ACCEPTED, "looking\n".to_owned()))
        }
        Told::Ping => ("ignored", (StatusCode::OK, "pong\n".to_owned())),
        Told::Other => {
            let text = "not a push: nothing to do\n".to_owned();
            ("ignored", (StatusCode::OK, text))
        }
    }
}

/// Reads the body through the check.
async fn read(mut body: Body, mut check: Check) -> Result<Check, Answer> {
    let mut length = 0_u64;
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let text = "the body broke off\n".to_owned();
        let frame = frame.map_err(|_| (StatusCode::BAD_REQUEST, text))?;
        let Some(piece) = frame.data_ref() else {
            continue;
        };
        length += piece.len() as u64;
        if length > LARGEST {
            let text = format!("the body is larger than {LARGEST} bytes\n");
            return Err((StatusCode::PAYLOAD_TOO_LARGE, text));
        }
        check.feed(piece);
    }
    Ok(check)
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;

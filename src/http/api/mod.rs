//! The API of the running daemon: what the commands `get`, `describe`, `diff`, `history`, `events`,
//! `resync`, `abort`, `promote`, `approve`, `reject` and `rollback` talk to. Documented in `docs/api.md`.
//!
//! It is served where status and metrics are, and not at an address of its own: reading shows nothing
//! that `/status` does not, but for a service's history, which is read from AWS one request at a time; and
//! writing takes a token wherever it is served.
//!
//! Invariants:
//! - No write without the token; none at all where no token was given. It is checked before the body is
//!   read.
//! - An error is a document `{"error": {"code", "message"}}` whose message names the cure.
//! - Nothing here waits longer than [`LONGEST_WAIT`] for an event; who reads AWS waits for that call.

mod commands;
mod documents;
mod errors;
mod reads;
mod writes;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware;
use axum::routing::{any, get, post};

use super::server::Shared;
use super::webhook::Secrets;
use crate::ask::Asker;

/// The longest time that a request for events waits for one.
pub const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The largest body of a request, in bytes.
const LARGEST: usize = 16 * 1024;

/// Where the API asks, and who may write through it.
#[derive(Clone, Debug)]
pub struct Api {
    asker: Asker,
    tokens: Option<Arc<Secrets>>,
}

impl Api {
    /// An API that asks there. Without tokens it refuses every write.
    pub fn new(asker: Asker, tokens: Option<Secrets>) -> Self {
        Self {
            asker,
            tokens: tokens.map(Arc::new),
        }
    }
}

/// The routes.
pub(super) fn router(shared: &Shared) -> Router<Shared> {
    let writes = Router::new()
        .route("/api/v1/resync", post(writes::resync))
        .route(
            "/api/v1/resources/{kind}/{name}/abort",
            post(commands::abort),
        )
        .route(
            "/api/v1/resources/{kind}/{name}/promote",
            post(commands::promote),
        )
        .route(
            "/api/v1/resources/{kind}/{name}/approve",
            post(commands::approve),
        )
        .route(
            "/api/v1/resources/{kind}/{name}/reject",
            post(commands::reject),
        )
        .route(
            "/api/v1/resources/{kind}/{name}/rollback",
            post(commands::rollback),
        )
        .route_layer(axum::extract::DefaultBodyLimit::max(LARGEST))
        .route_layer(middleware::from_fn_with_state(
            shared.clone(),
            writes::guard,
        ));
    Router::new()
        .route("/api/v1/status", get(reads::status))
        .route("/api/v1/resources", get(reads::resources))
        .route("/api/v1/resources/{kind}/{name}", get(reads::resource))
        .route(
            "/api/v1/resources/{kind}/{name}/history",
            get(reads::history),
        )
        .route("/api/v1/events", get(reads::events))
        .merge(writes)
        .method_not_allowed_fallback(errors::no_method)
        .route("/api", any(errors::no_route))
        .route("/api/{*rest}", any(errors::no_route))
}

#[cfg(test)]
mod tests;

//! Errors as documents.

use axum::Json;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::ask::Refusal;

/// A refusal of the API.
#[derive(Debug)]
pub(super) struct Error {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Error {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    /// A request that says something wrong.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Invalid", message)
    }

    /// A resource that is not there.
    pub(super) fn not_found(what: &str) -> Self {
        let text = format!("{what} is not among the manifests in force; `evenkeel get` lists them");
        Self::new(StatusCode::NOT_FOUND, "NotFound", text)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let status = match &refusal {
            Refusal::NotFound(_) => StatusCode::NOT_FOUND,
            Refusal::NotApplicable(_) => StatusCode::CONFLICT,
            Refusal::RefusedByAws(_) => StatusCode::BAD_GATEWAY,
            Refusal::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, refusal.label(), refusal.message())
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let document = json!({"error": {"code": self.code, "message": self.message}});
        (self.status, Json(document)).into_response()
    }
}

/// What answers where nothing is.
pub(super) async fn no_route(uri: Uri) -> Error {
    let text = format!(
        "no such path as {}; see docs/api.md of the daemon's version",
        uri.path()
    );
    Error::new(StatusCode::NOT_FOUND, "NotFound", text)
}

/// What answers to a method that a path does not have.
pub(super) async fn no_method(method: Method, uri: Uri) -> Error {
    let text = format!(
        "{} has no method {method}; see docs/api.md of the daemon's version",
        uri.path()
    );
    Error::new(StatusCode::METHOD_NOT_ALLOWED, "NotFound", text)
}

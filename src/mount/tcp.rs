//! The simulated AWS over TCP, for any SDK, the AWS CLI, and our own shipped binary.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{Request, Response, StatusCode};
use tokio::net::TcpListener;

use super::Mounted;

/// No request of the services here is larger: an ECR manifest has at most 4 MiB.
const MAX_BODY: usize = 8 * 1024 * 1024;

impl Mounted {
    /// Serves until `shutdown` ends.
    ///
    /// # Errors
    /// If the socket breaks.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let app = Router::new().fallback(answer).with_state(self);
        axum::serve(listener, app)
            .with_graceful_shutdown(shutdown)
            .await
    }
}

async fn answer(State(mounted): State<Mounted>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        let mut response =
            Response::new(Body::from("the request's body is too large or broke off"));
        *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        return response;
    };
    let request = Request::from_parts(parts, body.to_vec());
    mounted.hold(&request).await;
    mounted.handle(&request).map(Body::from)
}

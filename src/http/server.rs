//! The routes and the server's life.

use std::future::Future;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::api::{self, Api};
use super::{GRACE, probes, status_json};
use crate::clock::Clock;
use crate::metrics::{CONTENT_TYPE, Metrics};
use crate::model::Moment;
use crate::status::Board;

/// What every answer is made of.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) board: Board,
    metrics: Arc<Metrics>,
    pub(super) clock: Clock,
    /// When the server started.
    pub(super) since: Moment,
    pub(super) api: Api,
}

/// Serves until `shutdown` is done, and then for at most [`GRACE`] what is in flight.
///
/// # Errors
/// When the listener breaks.
pub async fn serve(
    listener: TcpListener,
    board: Board,
    metrics: Arc<Metrics>,
    clock: Clock,
    api: Api,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let shared = Shared {
        api,
        board,
        metrics,
        since: clock.now(),
        clock,
    };
    until(listener, router(shared), shutdown).await
}

/// Serves until `shutdown` is done, and then for at most [`GRACE`] what is in flight.
pub(super) async fn until(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let (told, stopping) = oneshot::channel();
    let server = axum::serve(listener, router).with_graceful_shutdown(async move {
        shutdown.await;
        let _nobody_waits = told.send(());
    });
    let overdue = async move {
        // An error would mean that the server dropped the sender unsent: then it has ended itself.
        if stopping.await.is_ok() {
            tokio::time::sleep(GRACE).await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        ended = server => ended,
        () = overdue => Ok(()),
    }
}

fn router(shared: Shared) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/status", get(status))
        .merge(api::router(&shared))
        .fallback(unknown)
        .with_state(shared)
}

const ROUTES: &str = "/metrics /healthz /readyz /status /api/v1/";

async fn index() -> String {
    format!("Even Keel {}: {ROUTES}\n", env!("CARGO_PKG_VERSION"))
}

async fn unknown() -> (StatusCode, String) {
    (
        StatusCode::NOT_FOUND,
        format!("no such page; there are {ROUTES}\n"),
    )
}

async fn metrics(State(shared): State<Shared>) -> Response {
    let text = shared.metrics.render(&shared.board.read());
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response()
}

async fn healthz(State(shared): State<Shared>) -> (StatusCode, String) {
    let now = shared.clock.now();
    match probes::wedged(
        &shared.board.read(),
        shared.since,
        now,
        shared.clock.speed(),
    ) {
        None => (StatusCode::OK, "ok\n".to_owned()),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
    }
}

async fn readyz(State(shared): State<Shared>) -> (StatusCode, String) {
    let missing = probes::missing(&shared.board.read());
    if missing.is_empty() {
        (StatusCode::OK, "ok\n".to_owned())
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("{}\n", missing.join("\n")),
        )
    }
}

async fn status(State(shared): State<Shared>) -> Json<serde_json::Value> {
    Json(status_json(&shared.board.read()))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{SocketAddr, TcpStream};
    use std::time::Duration;

    use tokio::task::{JoinHandle, spawn_blocking};

    use super::*;

    struct Running {
        address: SocketAddr,
        board: Board,
        clock: Clock,
        stop: oneshot::Sender<()>,
        server: JoinHandle<std::io::Result<()>>,
    }

    async fn start() -> Running {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let board = Board::default();
        let clock = Clock::starting_at(Moment(1_000_000), 1);
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async move { drop(stopped.await) };
        let metrics = Arc::new(Metrics::new());
        let server = tokio::spawn(serve(
            listener,
            board.clone(),
            metrics,
            clock.clone(),
            Api::new(crate::ask::channel().0, None),
            shutdown,
        ));
        Running {
            address,
            board,
            clock,
            stop,
            server,
        }
    }

    /// The answer's status code, head and body.
    async fn send(
        address: SocketAddr,
        method: &'static str,
        path: &'static str,
    ) -> (u16, String, String) {
        let answer = spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            write!(
                stream,
                "{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
            )
            .unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        });
        let answer = answer.await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let code = head.split(' ').nth(1).unwrap().parse().unwrap();
        (code, head.to_owned(), body.to_owned())
    }

    #[tokio::test]
    async fn every_route_answers() {
        let running = start().await;
        let get = |path: &'static str| send(running.address, "GET", path);

        let (code, _, body) = get("/").await;
        assert_eq!((code, body.contains("/readyz")), (200, true));
        let (code, head, body) = get("/metrics").await;
        assert_eq!(code, 200);
        assert!(
            head.to_lowercase()
                .contains("content-type: text/plain; version=0.0.4"),
            "{head}"
        );
        assert!(body.contains("evenkeel_build_info{version="), "{body}");
        let (code, head, body) = get("/status").await;
        assert_eq!(code, 200);
        assert!(
            head.to_lowercase()
                .contains("content-type: application/json"),
            "{head}"
        );
        let document: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(document["ready"], false);
        assert_eq!(get("/nothing").await.0, 404);
        assert_eq!(send(running.address, "POST", "/status").await.0, 405);
    }

    #[tokio::test]
    async fn ready_when_nothing_is_missing() {
        let running = start().await;
        let (code, _, body) = send(running.address, "GET", "/readyz").await;
        assert_eq!(code, 503);
        assert!(
            body.contains("the AWS credentials are not proven"),
            "{body}"
        );
        running.board.write(|status| {
            status.account = Some("123456789012".to_owned());
            status.source.last_success = Some(Moment(1));
            status.first_cycle_done = true;
        });
        assert_eq!(send(running.address, "GET", "/readyz").await.0, 200);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wedged_loop_fails_the_probe() {
        let running = start().await;
        let early = send(running.address, "GET", "/healthz").await;
        assert_eq!(early.0, 200, "{early:?}");
        tokio::time::advance(Duration::from_secs(61)).await;
        let (code, _, body) = send(running.address, "GET", "/healthz").await;
        assert_eq!(code, 503);
        assert!(body.contains("has not turned since the start"), "{body}");
        let now = running.clock.now();
        running.board.write(|status| status.heartbeat = now);
        assert_eq!(send(running.address, "GET", "/healthz").await.0, 200);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn idle_clients_hold_up_nobody() {
        let running = start().await;
        let idle = || {
            let mut idle = TcpStream::connect(running.address).unwrap();
            idle.write_all(b"GET /status HTTP/1.1\r\nHost: te").unwrap();
            idle
        };
        let idle: Vec<TcpStream> = (0..300).map(|_| idle()).collect();
        assert_eq!(send(running.address, "GET", "/status").await.0, 200);
        drop(idle);
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_client_does_not_hold_up_the_stop() {
        let running = start().await;
        let mut idle = TcpStream::connect(running.address).unwrap();
        idle.write_all(b"GET /metrics HTTP/1.1\r\nHost: te")
            .unwrap();
        assert_eq!(
            send(running.address, "GET", "/").await.0,
            200,
            "the idle one was accepted before"
        );
        running.stop.send(()).unwrap();
        let limit = GRACE + Duration::from_secs(1);
        tokio::time::timeout(limit, running.server)
            .await
            .expect("stops in time")
            .unwrap()
            .unwrap();
    }
}

//! A folder of manifests, a simulated AWS, and a daemon over both.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use evenkeel::aws::{Aws, Connection, connect};
use evenkeel::clock::Clock;
use evenkeel::controller::{Controller, Ended, Event, Settings, Until};
use evenkeel::environment::Chosen;
use evenkeel::metrics::Metrics;
use evenkeel::model::{Call, Moment, Service};
use evenkeel::mount::Mounted;
use evenkeel::source::Dir;
use evenkeel::status::{Board, Status};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// 2026-01-01, in milliseconds since the epoch.
const START: Moment = Moment(1_767_225_600_000);

/// A folder with these files.
pub(crate) fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        write(folder.path(), path, text);
    }
    folder
}

/// Writes one file.
pub(crate) fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// The world of one test.
pub(crate) struct Stage {
    pub(crate) folder: TempDir,
    pub(crate) mounted: Mounted,
    pub(crate) clock: Clock,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) wire: Wire,
}

/// The wire to the simulated AWS, with answers of services that it does not simulate.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    mounted: Mounted,
    canned: Arc<Mutex<Vec<Canned>>>,
}

#[derive(Clone, Debug)]
struct Canned {
    needle: String,
    status: u16,
    body: String,
}

impl Wire {
    /// From now on, a request that holds this in its target, address or form is answered so.
    pub(crate) fn answer(&self, needle: &str, status: u16, body: &str) {
        let canned = Canned {
            needle: needle.to_owned(),
            status,
            body: body.to_owned(),
        };
        self.canned.lock().unwrap().insert(0, canned);
    }

    pub(crate) fn forget(&self) {
        self.canned.lock().unwrap().clear();
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let form = String::from_utf8_lossy(request.body().bytes().unwrap_or_default());
        let asked = format!("{target} {} {form}", request.uri());
        let canned = self.canned.lock().unwrap().clone();
        let answer = match canned.into_iter().find(|one| asked.contains(&one.needle)) {
            Some(one) => {
                let response = http::Response::builder()
                    .status(one.status)
                    .body(SdkBody::from(one.body))
                    .unwrap();
                Ok(HttpResponse::try_from(response).unwrap())
            }
            None => self.mounted.answer(request),
        };
        HttpConnectorFuture::ready(answer)
    }
}

impl Stage {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let clock = Clock::starting_at(START, 1);
        let mounted = Mounted::new(clock.clone());
        Self {
            folder: folder(files),
            wire: Wire {
                mounted: mounted.clone(),
                canned: Arc::default(),
            },
            mounted,
            clock,
            metrics: Arc::new(Metrics::new()),
        }
    }

    fn http_client(&self) -> SharedHttpClient {
        let connector = SharedHttpConnector::new(self.wire.clone());
        http_client_fn(move |_, _| connector.clone())
    }

    pub(crate) async fn aws(&self) -> Aws {
        let connection = Connection::Sandbox {
            http: self.http_client(),
            region: "eu-central-1".to_owned(),
        };
        connect(connection, self.clock.clone(), Arc::clone(&self.metrics))
            .await
            .unwrap()
    }

    /// Asks the simulated AWS something.
    pub(crate) async fn ask(
        &self,
        service: Service,
        operation: &'static str,
        input: Value,
    ) -> Value {
        let call = Call {
            service,
            operation,
            input,
        };
        self.aws().await.call(&call).await.unwrap()
    }

    /// Has somebody else ask the simulated AWS, by a JSON target.
    pub(crate) fn by_hand(&self, target: &str, input: &Value) {
        let credential = "AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/ecs/aws4_request, \
                          SignedHeaders=host, Signature=0";
        let request = http::Request::builder()
            .method("POST")
            .uri("https://ecs.eu-central-1.amazonaws.com/")
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", target)
            .header("authorization", credential)
            .body(input.to_string().into_bytes())
            .unwrap();
        let answer = self.mounted.handle(&request);
        let said = String::from_utf8_lossy(answer.body());
        assert!(answer.status().is_success(), "{target}: {said}");
    }

    /// Starts a daemon for an environment.
    pub(crate) async fn daemon(&self, environment: &str) -> Daemon {
        let source = Dir::new(self.folder.path());
        let settings = Settings {
            chosen: Chosen::new(Some(environment.to_owned()), &source.clone().into())
                .await
                .unwrap(),
            seed: 1,
            ..Settings::default()
        };
        let board = Board::default();
        let controller = Controller::new(
            self.aws().await,
            self.clock.clone(),
            Arc::clone(&self.metrics),
            board.clone(),
            source,
            settings,
        );
        let (events, receiver) = mpsc::channel(16);
        let task = tokio::spawn(controller.run(receiver, Until::Stopped));
        Daemon {
            events,
            board,
            task,
        }
    }

    /// The writes that AWS carried out.
    pub(crate) fn writes(&self) -> Vec<String> {
        self.mounted.with(|sandbox| {
            sandbox
                .mutations()
                .filter(|call| call.error.is_none())
                .map(|call| call.operation.clone())
                .collect()
        })
    }
}

/// A running daemon.
pub(crate) struct Daemon {
    events: mpsc::Sender<Event>,
    pub(crate) board: Board,
    task: JoinHandle<Ended>,
}

impl Daemon {
    /// Waits (simulated time) until the status is as asked.
    pub(crate) async fn until(&self, what: &str, reached: impl Fn(&Status) -> bool) -> Status {
        for _ in 0..3600 {
            let status = self.board.read();
            if reached(&status) {
                return status;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        panic!("not reached: {what}\n{:#?}", self.board.read());
    }

    pub(crate) async fn converged(&self) -> Status {
        self.until("converged", |status| {
            !status.resources.is_empty()
                && status
                    .resources
                    .values()
                    .all(|one| one.outcome == evenkeel::model::Outcome::Converged)
        })
        .await
    }

    /// Makes it read the source.
    pub(crate) async fn look(&self) {
        self.events.send(Event::SourceChanged).await.unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
    }

    pub(crate) async fn stop(self) {
        self.events.send(Event::Stop).await.unwrap();
        self.task.await.unwrap();
    }
}

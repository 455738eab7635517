//! The wire between the SDK and the simulated AWS, and what can go wrong on it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use evenkeel::mount::Mounted;
use tokio::sync::Notify;

/// What may happen to a call, in parts of a thousand.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Odds {
    /// Refused with a throttling error before anything happened.
    pub throttled: u32,
    /// Refused with a 5xx before anything happened.
    pub broken: u32,
    /// Carried out, and answered with a 200 that holds nothing.
    pub(crate) hollow: u32,
    /// Carried out, and the answer lost.
    pub lost: u32,
}

/// Somebody who looks on at every call that reaches AWS.
pub(crate) trait Witness: std::fmt::Debug + Send + Sync {
    /// Is told of a call, and has it carried out; the answer's body is given if AWS did it.
    fn saw(&self, operation: &str, body: &[u8], carry: &mut dyn FnMut() -> Option<Vec<u8>>);
}

/// The wire.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    mounted: Mounted,
    odds: Arc<Mutex<Odds>>,
    luck: Arc<Mutex<fastrand::Rng>>,
    /// The mutating call after which the daemon dies; 0 for never.
    crash_after: Arc<AtomicU64>,
    crashed: Arc<Notify>,
    /// The operation whose answers name nothing, and the list that they leave empty.
    passed_over: Arc<Mutex<Option<(&'static str, &'static str)>>>,
    /// The operation (awsJson) that is refused for want of permission.
    denied: Arc<Mutex<Option<&'static str>>>,
    /// The operation (awsJson) whose next answer is lost.
    loses: Arc<Mutex<Option<&'static str>>>,
    witness: Arc<Mutex<Option<Arc<dyn Witness>>>>,
}

impl Wire {
    pub(crate) fn new(mounted: Mounted, seed: u64) -> Self {
        Self {
            mounted,
            odds: Arc::default(),
            luck: Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))),
            crash_after: Arc::default(),
            crashed: Arc::default(),
            passed_over: Arc::default(),
            denied: Arc::default(),
            loses: Arc::default(),
            witness: Arc::default(),
        }
    }

    pub(crate) fn http_client(&self) -> SharedHttpClient {
        let connector = SharedHttpConnector::new(self.clone());
        http_client_fn(move |_, _| connector.clone())
    }

    /// Has somebody look on from now on.
    pub(crate) fn witness(&self, witness: Arc<dyn Witness>) {
        *self.witness.lock().unwrap() = Some(witness);
    }

    pub(crate) fn set(&self, odds: Odds) {
        *self.odds.lock().unwrap() = odds;
    }

    /// Lets the daemon die once AWS has carried out `mutations` mutating calls in all.
    pub(crate) fn crash_after(&self, mutations: u64) {
        self.crash_after.store(mutations, Ordering::Relaxed);
    }

    /// Lets the answers of an operation (awsJson) pass over everything asked for: the list of this name
    /// is empty, and nothing is said to be missing.
    pub(crate) fn pass_over(&self, of: Option<(&'static str, &'static str)>) {
        *self.passed_over.lock().unwrap() = of;
    }

    /// Refuses an operation (awsJson) for want of permission.
    pub(crate) fn deny(&self, operation: Option<&'static str>) {
        *self.denied.lock().unwrap() = operation;
    }

    /// Loses the next answer of an operation (awsJson), which is carried out.
    pub(crate) fn lose(&self, operation: &'static str) {
        *self.loses.lock().unwrap() = Some(operation);
    }

    /// Ends when the daemon is to die.
    pub(crate) async fn crashed(&self) {
        self.crashed.notified().await;
    }

    fn refuse(status: u16, code: &str) -> HttpResponse {
        let json = format!("{{\"__type\":\"{code}\",\"message\":\"Rate exceeded\"}}");
        let response = http::Response::builder()
            .status(status)
            .header("x-amzn-errortype", code)
            .body(SdkBody::from(json))
            .unwrap();
        HttpResponse::try_from(response).unwrap()
    }

    fn refuse_query(status: u16, code: &str) -> HttpResponse {
        let xml = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>Rate exceeded</Message></Error>\
             <RequestId>0</RequestId></ErrorResponse>"
        );
        let response = http::Response::builder()
            .status(status)
            .body(SdkBody::from(xml))
            .unwrap();
        HttpResponse::try_from(response).unwrap()
    }

    async fn carry(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let (dice, latency) = {
            let mut luck = self.luck.lock().unwrap();
            (luck.u32(0..1000), luck.u64(5..60))
        };
        tokio::time::sleep(Duration::from_millis(latency)).await;
        let odds = *self.odds.lock().unwrap();
        let json = request.headers().get("x-amz-target").is_some();
        let refuse = if json {
            Self::refuse
        } else {
            Self::refuse_query
        };
        if dice < odds.throttled {
            return Ok(refuse(400, "ThrottlingException"));
        }
        if dice < odds.throttled + odds.broken {
            return Ok(refuse(500, "ServerException"));
        }
        // AWS does not say that a write was made, which an empty answer is to some of them, without making it.
        let is_hollow = dice < odds.throttled + odds.broken + odds.hollow;
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let is = |operation: &str| target.ends_with(&format!(".{operation}"));
        if self.denied.lock().unwrap().is_some_and(is) {
            return Ok(Self::refuse(400, "AccessDeniedException"));
        }
        let passed_over = *self.passed_over.lock().unwrap();
        let is_lost = self.loses.lock().unwrap().take_if(|one| is(one)).is_some();
        let list = passed_over.filter(|(operation, _)| is(operation));
        let witness = self.witness.lock().unwrap().clone();
        let mut answer = match witness {
            Some(witness) => self.witnessed(&*witness, request),
            None => self.mounted.carry(request).await,
        };
        if let (Some((_, list)), Ok(answer)) = (list, &mut answer) {
            *answer.body_mut() = SdkBody::from(format!("{{\"{list}\":[],\"failures\":[]}}"));
        }
        if let (true, Ok(answer)) = (is_hollow, &mut answer)
            && answer.status().is_success()
        {
            let body = if json { "{}" } else { "<R><AnyResult/></R>" };
            *answer.body_mut() = SdkBody::from(body);
        }
        let crash_after = self.crash_after.load(Ordering::Relaxed);
        if crash_after > 0
            && self
                .mounted
                .with(|sandbox| sandbox.mutations().count() as u64)
                >= crash_after
        {
            self.crash_after.store(0, Ordering::Relaxed);
            self.crashed.notify_one();
            std::future::pending::<()>().await;
        }
        if is_lost || !is_hollow && dice < odds.throttled + odds.broken + odds.hollow + odds.lost {
            return Err(ConnectorError::io(
                "the connection broke after the request was sent".into(),
            ));
        }
        tokio::time::sleep(Duration::from_millis(latency)).await;
        answer
    }
}

impl Wire {
    fn witnessed(
        &self,
        witness: &dyn Witness,
        request: HttpRequest,
    ) -> Result<HttpResponse, ConnectorError> {
        let body = request.body().bytes().unwrap_or_default().to_vec();
        let target = request.headers().get("x-amz-target");
        let operation = match target.and_then(|target| target.rsplit_once('.')) {
            Some((_, operation)) => operation.to_owned(),
            None => form_urlencoded::parse(&body)
                .find(|(key, _)| key == "Action")
                .map(|(_, action)| action.into_owned())
                .unwrap_or_default(),
        };
        let (mut request, mut answer) = (Some(request), None);
        witness.saw(&operation, &body, &mut || {
            let done = self.mounted.answer(request.take()?);
            let body = match &done {
                Ok(done) if done.status().is_success() => done.body().bytes().map(<[u8]>::to_vec),
                _ => None,
            };
            answer = Some(done);
            body
        });
        answer.unwrap_or_else(|| Err(ConnectorError::other("nobody carried it".into(), None)))
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().carry(request))
    }
}

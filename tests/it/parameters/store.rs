//! A Parameter Store under the SDK, with a hand between request and answer.

use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use evenkeel::aws::{Connection, Connector};
use evenkeel::clock::Clock;
use evenkeel::metrics::Metrics;
use evenkeel::model::Moment;
use evenkeel::mount::Mounted;
use serde_json::{Value, json};

const REGION: &str = "eu-central-1";

/// Done once, just before the first request of this operation is answered.
type Deed = Box<dyn FnOnce(&Store) + Send>;

/// The store. Clones share it.
#[derive(Clone)]
pub(crate) struct Store {
    mounted: Mounted,
    clock: Clock,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    asked: Vec<String>,
    /// Of bodies, both ways.
    bytes: usize,
    before: Option<(&'static str, Deed)>,
    /// Puts an empty page before every page.
    empty_pages: bool,
    /// An operation that is refused from now on.
    denied: Option<&'static str>,
    secrets: Vec<(String, String)>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

impl HttpConnector for Store {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let size = |body: &SdkBody| body.bytes().map_or(0, <[u8]>::len);
        let came = size(request.body());
        let answer = self.answer(request);
        self.shared.lock().unwrap().bytes += came + size(answer.body());
        HttpConnectorFuture::ready(Ok(answer))
    }
}

impl Store {
    pub(crate) fn new(parameters: &[(&str, &str)]) -> Self {
        let clock = Clock::starting_at(Moment(1_767_225_600_000), 1);
        let store = Self {
            mounted: Mounted::new(clock.clone()),
            clock,
            shared: Arc::default(),
        };
        for (name, value) in parameters {
            store.put(name, value);
        }
        store
    }

    pub(crate) fn connector(&self) -> Connector {
        let connector = SharedHttpConnector::new(self.clone());
        let connection = Connection::Sandbox {
            http: http_client_fn(move |_, _| connector.clone()),
            region: REGION.to_owned(),
        };
        Connector::new(connection, self.clock.clone(), Arc::new(Metrics::new()))
    }

    /// Has Secrets Manager hold this, which the simulated AWS has no values of.
    pub(crate) fn secret(&self, id: &str, text: &str) {
        let mut shared = self.shared.lock().unwrap();
        shared.secrets.push((id.to_owned(), text.to_owned()));
    }

    fn secret_value(&self, request: &HttpRequest) -> HttpResponse {
        let input: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        let shared = self.shared.lock().unwrap();
        let found = shared
            .secrets
            .iter()
            .find(|(id, _)| input["SecretId"] == **id);
        let (status, body) = match found {
            Some((id, text)) => (200, json!({"Name": id, "SecretString": text})),
            None => (
                400,
                json!({"__type": "ResourceNotFoundException", "message": "no"}),
            ),
        };
        let body = SdkBody::from(body.to_string());
        let response = http::Response::builder().status(status).body(body).unwrap();
        response.try_into().unwrap()
    }

    /// Writes a parameter: the version that it has now.
    pub(crate) fn put(&self, name: &str, value: &str) -> i64 {
        self.put_as(name, value, "String")
    }

    pub(crate) fn put_as(&self, name: &str, value: &str, kind: &str) -> i64 {
        let input = json!({"Name": name, "Value": value, "Type": kind, "Overwrite": true});
        self.ask("PutParameter", &input)["Version"]
            .as_i64()
            .unwrap()
    }

    /// Asks past everything that stands between.
    pub(crate) fn ask(&self, operation: &str, input: &Value) -> Value {
        let request = http::Request::builder()
            .method("POST")
            .uri("https://ssm.eu-central-1.amazonaws.com/")
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("AmazonSSM.{operation}"))
            .header(
                "authorization",
                format!(
                    "AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/ssm/aws4_request, \
                     SignedHeaders=host, Signature=0"
                ),
            )
            .body(SdkBody::from(input.to_string()))
            .unwrap();
        let answer = self.mounted.answer(request.try_into().unwrap()).unwrap();
        let body = answer.body().bytes().unwrap();
        let document: Value = serde_json::from_slice(body).unwrap();
        assert!(answer.status().is_success(), "{operation}: {document}");
        document
    }

    /// Has this done just before the next request of the operation.
    pub(crate) fn before(
        &self,
        operation: &'static str,
        deed: impl FnOnce(&Self) + Send + 'static,
    ) {
        self.shared.lock().unwrap().before = Some((operation, Box::new(deed)));
    }

    pub(crate) fn with_empty_pages(&self) {
        self.shared.lock().unwrap().empty_pages = true;
    }

    /// Refuses the operation from now on.
    pub(crate) fn deny(&self, operation: &'static str) {
        self.shared.lock().unwrap().denied = Some(operation);
    }

    /// The operations asked for since the last call.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.lock().unwrap().asked)
    }

    /// The bytes of bodies since the last call, both ways.
    pub(crate) fn bytes(&self) -> usize {
        std::mem::take(&mut self.shared.lock().unwrap().bytes)
    }

    fn answer(&self, mut request: HttpRequest) -> HttpResponse {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap().to_owned();
        let (deed, empty_pages, denied) = {
            let mut shared = self.shared.lock().unwrap();
            shared.asked.push(operation.clone());
            let due = shared
                .before
                .as_ref()
                .is_some_and(|(before, _)| *before == operation);
            let deed = if due { shared.before.take() } else { None };
            (deed, shared.empty_pages, shared.denied)
        };
        if let Some((_, deed)) = deed {
            deed(self);
        }
        if denied.is_some_and(|denied| denied == operation) {
            let body = r#"{"__type": "AccessDeniedException", "message": "no"}"#;
            let response = http::Response::builder()
                .status(400)
                .body(SdkBody::from(body))
                .unwrap();
            return response.try_into().unwrap();
        }
        if operation == "GetSecretValue" {
            return self.secret_value(&request);
        }
        if empty_pages && operation == "GetParametersByPath" {
            let body = request.body().bytes().unwrap();
            let mut input: Value = serde_json::from_slice(body).unwrap();
            let token = input["NextToken"].as_str().unwrap_or_default().to_owned();
            let Some(real) = token.strip_prefix("after the empty page:") else {
                let token = format!("after the empty page:{token}");
                let page = json!({"Parameters": [], "NextToken": token});
                let response = http::Response::builder()
                    .status(200)
                    .body(SdkBody::from(page.to_string()))
                    .unwrap();
                return response.try_into().unwrap();
            };
            match real {
                "" => drop(input.as_object_mut().unwrap().remove("NextToken")),
                real => input["NextToken"] = json!(real),
            }
            *request.body_mut() = SdkBody::from(input.to_string());
        }
        self.mounted.answer(request).unwrap()
    }
}

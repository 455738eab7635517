//! The simulated AWS under the SDK's HTTP connector: real clients, no socket.

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;

use super::Mounted;

impl Mounted {
    /// The client to give to `aws::connect`.
    pub fn http_client(&self) -> SharedHttpClient {
        let connector = SharedHttpConnector::new(self.clone());
        http_client_fn(move |_, _| connector.clone())
    }

    /// Answers one request of the SDK when it can be answered: see [`Mounted::hold`].
    ///
    /// # Errors
    /// As [`Mounted::answer`].
    pub async fn carry(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let request = plain(request)?;
        self.hold(&request).await;
        self.answered(&request)
    }

    /// Answers one request of the SDK at once.
    ///
    /// # Errors
    /// If the request's body is a stream, which no operation that we call has.
    pub fn answer(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        self.answered(&plain(request)?)
    }

    fn answered(&self, request: &http::Request<Vec<u8>>) -> Result<HttpResponse, ConnectorError> {
        let response = self.handle(request).map(SdkBody::from);
        HttpResponse::try_from(response).map_err(|error| user(&error.to_string()))
    }
}

/// The request as the sandbox takes it.
fn plain(request: HttpRequest) -> Result<http::Request<Vec<u8>>, ConnectorError> {
    let body = request
        .body()
        .bytes()
        .ok_or_else(|| user("a streaming request"))?
        .to_vec();
    let request = request
        .try_into_http1x()
        .map_err(|error| user(&error.to_string()))?;
    Ok(request.map(|_| body))
}

fn user(error: &str) -> ConnectorError {
    ConnectorError::user(error.to_owned().into())
}

impl HttpConnector for Mounted {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mounted = self.clone();
        HttpConnectorFuture::new(async move { mounted.carry(request).await })
    }
}

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

    /// Answers one request of the SDK.
    ///
    /// # Errors
    /// If the request's body is a stream, which no operation that we call has.
    pub fn answer(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let user = |error: &str| ConnectorError::user(error.to_owned().into());
        let body = request
            .body()
            .bytes()
            .ok_or_else(|| user("a streaming request"))?
            .to_vec();
        let request = request
            .try_into_http1x()
            .map_err(|error| user(&error.to_string()))?
            .map(|_| body);
        let response = self.handle(&request).map(SdkBody::from);
        HttpResponse::try_from(response).map_err(|error| user(&error.to_string()))
    }
}

impl HttpConnector for Mounted {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(self.answer(request))
    }
}

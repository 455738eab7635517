//! Signed requests to services whose SDK crate is too large for the few reads that are wanted of them:
//! EC2 (a million generated lines for three reads) and `CloudWatch` Logs. And to SQS, for two calls: they go to
//! the queue's region and one of them may wait longer than any other, which is already so here or one line; a
//! crate would add its build and nothing else.
//!
//! What it is: the SDK's own orchestrator, signer, retries, timeouts, credentials and connector under a
//! request that is built here. What it is not: a client with types; it takes and gives documents, as
//! every call does (`call`).
//!
//! Invariants:
//! - Whatever configures the SDK clients configures this: region, role, `AWS_ENDPOINT_URL` and
//!   `AWS_ENDPOINT_URL_EC2`, profile, retry mode.
//! - Only reads come here, and the deletion of messages that were read, which is part of reading a queue. No
//!   resource is written.

use std::time::Duration;

use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::auth::{SigV4OperationSigningConfig, SigningOptions};
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{
    HttpStatusCodeClassifier, TransientErrorClassifier,
};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::auth::{
    AuthSchemeOptionResolverParams, SharedAuthScheme, SharedAuthSchemeOptionResolver,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::{Region, SigningRegion};
use aws_types::service_config::ServiceConfigKey;
use serde_json::Value;

use super::fault::Fault;
use super::query;
use crate::model::{Call, Service};

/// The version of the EC2 API (service model `apiVersion`).
const EC2_VERSION: &str = "2016-11-15";

/// The prefix of `CloudWatch` Logs in `X-Amz-Target` (service model `targetPrefix`).
const LOGS_TARGET: &str = "Logs_20140328";

/// The prefix of SQS in `X-Amz-Target` (service model `targetPrefix`).
const SQS_TARGET: &str = "AmazonSQS";

/// The prefix of the Resource Groups Tagging API in `X-Amz-Target` (service model `targetPrefix`).
const TAGGING_TARGET: &str = "ResourceGroupsTaggingAPI_20170126";

/// A long poll is answered after as long as 20 seconds (SQS API reference, `ReceiveMessage`).
const LONG_POLL: Duration = Duration::from_secs(20);

/// The client of the services that have none.
#[derive(Clone, Debug)]
pub(super) struct Raw {
    config: SdkConfig,
}

impl Raw {
    pub(super) fn new(config: &SdkConfig) -> Self {
        Self {
            config: config.clone(),
        }
    }

    /// Sends one request; in another region than the configured one if one is named.
    pub(super) async fn send(&self, call: &Call, region: Option<&str>) -> Result<Value, Fault> {
        let wrong = |why: &str| Fault::internal(call.service, call.operation, why);
        let configured = self.config.region().map(Region::as_ref);
        let region = region.or(configured).unwrap_or_default().to_owned();
        let endpoint = self.endpoint(call.service, &region);
        let credentials = self
            .config
            .credentials_provider()
            .ok_or_else(|| wrong("no credentials are configured"))?;

        let mut settings = Layer::new("signing");
        settings.store_put(AuthSchemeOptionResolverParams::new(()));
        settings.store_put(SigV4OperationSigningConfig {
            region: Some(SigningRegion::from(Region::new(region))),
            name: Some(call.service.endpoint_prefix().into()),
            signing_options: SigningOptions::default(),
            ..SigV4OperationSigningConfig::default()
        });
        let mut parts = RuntimeComponentsBuilder::new("signing");
        parts.set_auth_scheme_option_resolver(Some(SharedAuthSchemeOptionResolver::new(
            StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID]),
        )));
        parts.push_auth_scheme(SharedAuthScheme::new(SigV4AuthScheme::new()));
        parts.set_identity_resolver(SCHEME_ID, credentials);
        parts.set_identity_cache(self.config.identity_cache());
        parts.push_retry_classifier(HttpStatusCodeClassifier::default());
        parts.push_retry_classifier(AwsErrorCodeClassifier::<ErrorMetadata>::new());
        parts.push_retry_classifier(TransientErrorClassifier::<ErrorMetadata>::new());
        let plugin = StaticRuntimePlugin::new()
            .with_config(settings.freeze())
            .with_runtime_components(parts);

        let request = call.clone();
        let service = call.service;
        let mut operation = Operation::builder()
            .service_name(call.service.label())
            .operation_name(call.operation)
            .endpoint_url(&endpoint)
            .with_connection_poisoning()
            .runtime_plugin(plugin)
            .serializer(move |(): ()| built(&request))
            .deserializer(move |response: &HttpResponse| answered(service, response));
        if let Some(version) = self.config.behavior_version() {
            operation = operation.behavior_version(version);
        }
        if let Some(retry) = self.config.retry_config() {
            operation = operation.standard_retry(retry);
        }
        if let Some(timeouts) = self.config.timeout_config() {
            let polls = call.operation == "ReceiveMessage";
            let more = if polls { LONG_POLL } else { Duration::ZERO };
            operation = operation.timeout_config(longer(timeouts, more));
        }
        if let Some(client) = self.config.http_client() {
            operation = operation.http_client(client);
        }
        if let Some(sleep) = self.config.sleep_impl() {
            operation = operation.sleep_impl(sleep);
        }
        if let Some(time) = self.config.time_source() {
            operation = operation.time_source(time);
        }
        let body = operation
            .build()
            .invoke(())
            .await
            .map_err(|error| Fault::from_sdk(call.service, call.operation, &error))?;
        document(call.service, &body).map_err(|why| wrong(&format!("unreadable answer: {why}")))
    }

    /// `AWS_ENDPOINT_URL_<SERVICE>`, `AWS_ENDPOINT_URL` or the service's own endpoint.
    fn endpoint(&self, service: Service, region: &str) -> String {
        let id = match service {
            Service::Logs => "cloudwatch_logs",
            Service::Tagging => "resource_groups_tagging_api",
            other => other.label(),
        };
        let key = ServiceConfigKey::builder()
            .service_id(id)
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build();
        let own = key
            .ok()
            .and_then(|key| self.config.service_config()?.load_config(key));
        own.or_else(|| self.config.endpoint_url().map(str::to_owned))
            .unwrap_or_else(|| standard_endpoint(service, region))
    }
}

/// The timeouts, each by so much longer.
fn longer(timeouts: &TimeoutConfig, more: Duration) -> TimeoutConfig {
    let mut longer = timeouts.to_builder();
    longer.set_operation_attempt_timeout(timeouts.operation_attempt_timeout().map(|t| t + more));
    // Of several attempts each may wait.
    longer.set_operation_timeout(timeouts.operation_timeout().map(|t| t + 3 * more));
    longer.build()
}

/// The address of a service in a region (endpoint rule sets of the service models).
fn standard_endpoint(service: Service, region: &str) -> String {
    let suffix = if region.starts_with("cn-") {
        "amazonaws.com.cn"
    } else {
        "amazonaws.com"
    };
    format!("https://{}.{region}.{suffix}", service.endpoint_prefix())
}

/// The request, not signed yet.
fn built(call: &Call) -> Result<HttpRequest, BoxError> {
    let (content_type, body) = match call.service {
        Service::Ec2 => (
            "application/x-www-form-urlencoded",
            query::ec2_form(call.operation, EC2_VERSION, &call.input),
        ),
        Service::Sqs => ("application/x-amz-json-1.0", call.input.to_string()),
        _ => ("application/x-amz-json-1.1", call.input.to_string()),
    };
    let mut request = http::Request::builder()
        .method("POST")
        .uri("/")
        .header("content-type", content_type)
        .header("content-length", body.len())
        .header(
            "user-agent",
            concat!("evenkeel/", env!("CARGO_PKG_VERSION")),
        );
    let target = match call.service {
        Service::Logs => Some(LOGS_TARGET),
        Service::Sqs => Some(SQS_TARGET),
        Service::Tagging => Some(TAGGING_TARGET),
        _ => None,
    };
    if let Some(prefix) = target {
        request = request.header("x-amz-target", format!("{prefix}.{}", call.operation));
    }
    Ok(HttpRequest::try_from(request.body(SdkBody::from(body))?)?)
}

/// The answer's body, or the refusal in it.
fn answered(
    service: Service,
    response: &HttpResponse,
) -> Result<Vec<u8>, OrchestratorError<ErrorMetadata>> {
    let body = response.body().bytes().unwrap_or_default();
    if response.status().is_success() {
        return Ok(body.to_vec());
    }
    let text = String::from_utf8_lossy(body);
    let told = match service {
        Service::Ec2 => query::ec2_error(&text),
        _ => json_error(&text),
    };
    let (code, message) = told.unwrap_or_else(|| {
        let status = response.status().as_u16();
        ("Unknown".to_owned(), format!("HTTP status {status}"))
    });
    let error = ErrorMetadata::builder().code(code).message(message).build();
    Err(OrchestratorError::operation(error))
}

/// Code and message of a refusal in awsJson (aws-facts 0).
fn json_error(body: &str) -> Option<(String, String)> {
    let body: Value = serde_json::from_str(body).ok()?;
    let text = |member: &str| body.get(member).and_then(Value::as_str);
    let code = text("__type").or_else(|| text("code"))?;
    let code = code.rsplit_once('#').map_or(code, |(_, bare)| bare);
    let message = text("message").or_else(|| text("Message"));
    Some((code.to_owned(), message.unwrap_or_default().to_owned()))
}

fn document(service: Service, body: &[u8]) -> Result<Value, String> {
    match service {
        Service::Ec2 => {
            let text = std::str::from_utf8(body).map_err(|e| e.to_string())?;
            query::ec2_document(text)
        }
        _ => serde_json::from_slice(body).map_err(|e| e.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_follow_the_partition() {
        assert_eq!(
            standard_endpoint(Service::Ec2, "eu-west-1"),
            "https://ec2.eu-west-1.amazonaws.com"
        );
        assert_eq!(
            standard_endpoint(Service::Logs, "cn-north-1"),
            "https://logs.cn-north-1.amazonaws.com.cn"
        );
        assert_eq!(
            standard_endpoint(Service::Tagging, "eu-west-1"),
            "https://tagging.eu-west-1.amazonaws.com"
        );
    }

    #[test]
    fn a_long_poll_may_take_its_time_and_a_timeout_that_is_off_stays_off() {
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(Duration::from_secs(15))
            .build();
        let longer = longer(&timeouts, LONG_POLL);
        assert_eq!(
            longer.operation_attempt_timeout(),
            Some(Duration::from_secs(35))
        );
        assert_eq!(longer.operation_timeout(), None);
    }

    #[test]
    fn a_refusal_is_read_without_its_namespace() {
        let body = r#"{"__type":"com.amazonaws.logs#AccessDeniedException","Message":"no"}"#;
        let told = json_error(body).unwrap();
        assert_eq!(told, ("AccessDeniedException".to_owned(), "no".to_owned()));
        assert_eq!(json_error("{}"), None);
    }
}

//! The protocols of AWS's HTTP APIs: what a request asks for, and how an answer is written.
//! Not what the operations do, and no signatures: the credential scope is read for region and
//! service, whoever signed.
//!
//! awsJson 1.0 for SQS and 1.1 for ECS, ECR, CodeDeploy, Application Auto Scaling, SSM, Logs, Secrets Manager and the Tagging API; Query with XML
//! for ELBv2, STS and IAM, and EC2's dialect of it. A request in Smithy RPC v2 CBOR is understood far enough
//! to be refused in its own protocol.

mod cbor;
mod json;
mod query;
mod scope;
mod xml;

use super::{AwsError, sqs};
use http::{Request, Response, header};
use serde_json::Value;

/// The protocol of a request, in which it is answered too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    /// awsJson 1.1, or 1.0 for SQS.
    Json(Dialect),
    /// With the XML namespace of the answer.
    Query(&'static str),
    /// EC2's dialect of it.
    Ec2,
    Cbor,
}

/// What a service's awsJson is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    /// Version 1.1.
    Plain,
    /// Version 1.0, with the codes of an older Query protocol beside those of its own
    /// (`awsQueryCompatible`): SQS.
    Compatible,
}

/// What a request asks for.
#[derive(Debug)]
pub(super) struct Call {
    /// `us-east-1` if the request does not say.
    pub(super) region: String,
    /// The IAM prefix, such as `ecs` or `elasticloadbalancing`; of a service that is not simulated,
    /// whatever the request called it.
    pub(super) service: String,
    pub(super) operation: String,
    /// The input, or the refusal of a body that cannot be read.
    pub(super) input: Result<Value, AwsError>,
    protocol: Protocol,
}

/// Prefix of `X-Amz-Target` and service.
const JSON_SERVICES: &[(&str, &str)] = &[
    ("AmazonEC2ContainerServiceV20141113", "ecs"),
    ("AmazonEC2ContainerRegistry_V20150921", "ecr"),
    ("CodeDeploy_20141006", "codedeploy"),
    ("AmazonSSM", "ssm"),
    ("AnyScaleFrontendService", "application-autoscaling"),
    ("Logs_20140328", "logs"),
    ("secretsmanager", "secretsmanager"),
    ("ResourceGroupsTaggingAPI_20170126", "tag"),
    (SQS_TARGET, "sqs"),
];

/// The Smithy namespace that SQS puts before its error codes.
const SQS_NAMESPACE: &str = "com.amazonaws.sqs";

/// The prefix of SQS in `X-Amz-Target`.
const SQS_TARGET: &str = "AmazonSQS";

/// `Version`, service and XML namespace.
const QUERY_SERVICES: &[(&str, &str, &str)] = &[
    (
        "2015-12-01",
        "elasticloadbalancing",
        "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
    ),
    (
        "2011-06-15",
        "sts",
        "https://sts.amazonaws.com/doc/2011-06-15/",
    ),
    (
        "2010-05-08",
        "iam",
        "https://iam.amazonaws.com/doc/2010-05-08/",
    ),
];

/// The `Version` of EC2's requests.
const EC2_VERSION: &str = "2016-11-15";

/// The namespace of answers to Query requests of unknown services.
const NO_NAMESPACE: &str = "http://evenkeel.dev/sandbox/";

/// Finds out what a request asks for. Never fails: what cannot be read is refused by its operation.
pub(super) fn read(request: &Request<Vec<u8>>) -> Call {
    let scope = scope::of(request);
    let target = request
        .headers()
        .get("x-amz-target")
        .and_then(|value| value.to_str().ok());
    let (service, operation, input, protocol) = if let Some(target) = target {
        let (prefix, operation) = target.rsplit_once('.').unwrap_or(("", target));
        let known = JSON_SERVICES.iter().find(|(known, _)| *known == prefix);
        let service = known.map_or_else(
            || scope.service.clone().unwrap_or_else(|| prefix.to_owned()),
            |(_, service)| (*service).to_owned(),
        );
        (
            service,
            operation.to_owned(),
            json::read(request.body()),
            Protocol::Json(if prefix == SQS_TARGET {
                Dialect::Compatible
            } else {
                Dialect::Plain
            }),
        )
    } else if let Some((service, operation)) = cbor::target(request) {
        let refusal = AwsError::new(
            "UnknownOperationException",
            format!(
                "The simulated AWS does not speak Smithy RPC v2 CBOR ({service}:{operation}); let \
                 the client use awsJson 1.1"
            ),
        );
        (service, operation, Err(refusal), Protocol::Cbor)
    } else {
        let mut input = query::read(request);
        let text = |member: &str| {
            input
                .as_ref()
                .ok()
                .and_then(|input| input.get(member))
                .and_then(Value::as_str)
        };
        let operation = text("Action").map_or_else(
            || format!("{} {}", request.method(), request.uri().path()),
            str::to_owned,
        );
        let version = text("Version").unwrap_or_default();
        let known = QUERY_SERVICES.iter().find(|(known, ..)| *known == version);
        let service = known.map_or_else(
            || {
                scope
                    .service
                    .clone()
                    .unwrap_or_else(|| "unknown".to_owned())
            },
            |(_, service, _)| (*service).to_owned(),
        );
        let namespace = known.map_or(NO_NAMESPACE, |(.., namespace)| *namespace);
        if version == EC2_VERSION {
            input = input.map(query::numbered_lists);
            ("ec2".to_owned(), operation, input, Protocol::Ec2)
        } else {
            (service, operation, input, Protocol::Query(namespace))
        }
    };
    Call {
        region: scope.region,
        service,
        operation,
        input,
        protocol,
    }
}

/// Whether this is a request for messages of a queue, by its header alone.
pub(super) fn is_receive(request: &Request<Vec<u8>>) -> bool {
    request
        .headers()
        .get("x-amz-target")
        .is_some_and(|target| target == "AmazonSQS.ReceiveMessage")
}

impl Call {
    /// The refusal for an operation that the simulated AWS lacks.
    pub(super) fn unknown(&self) -> AwsError {
        let code = match self.protocol {
            Protocol::Query(_) | Protocol::Ec2 => "InvalidAction",
            Protocol::Json(_) | Protocol::Cbor => "UnknownOperationException",
        };
        AwsError::new(
            code,
            format!(
                "The simulated AWS has no operation {}:{}",
                self.service, self.operation
            ),
        )
    }

    /// Writes the answer.
    pub(super) fn answer(
        &self,
        result: &Result<Value, AwsError>,
        request_id: &str,
    ) -> Response<Vec<u8>> {
        let (content_type, body) = match (self.protocol, result) {
            (Protocol::Json(Dialect::Plain), Ok(output)) => (json::TYPE, json::output(output)),
            (Protocol::Json(Dialect::Plain), Err(error)) => (json::TYPE, json::error(error)),
            (Protocol::Json(Dialect::Compatible), Ok(output)) => {
                (json::TYPE_1_0, json::output(output))
            }
            (Protocol::Json(Dialect::Compatible), Err(error)) => {
                (json::TYPE_1_0, json::error_in(SQS_NAMESPACE, error))
            }
            (Protocol::Query(namespace), Ok(output)) => (
                xml::TYPE,
                xml::output(namespace, &self.operation, output, request_id),
            ),
            (Protocol::Query(namespace), Err(error)) => {
                (xml::TYPE, xml::error(namespace, error, request_id))
            }
            (Protocol::Ec2, Ok(output)) => (
                xml::TYPE,
                xml::ec2_output(&self.operation, output, request_id),
            ),
            (Protocol::Ec2, Err(error)) => (xml::TYPE, xml::ec2_error(error, request_id)),
            // Every CBOR request is refused when it is read.
            (Protocol::Cbor, Ok(_)) => (cbor::TYPE, cbor::error(&self.unknown())),
            (Protocol::Cbor, Err(error)) => (cbor::TYPE, cbor::error(error)),
        };
        let status = result.as_ref().map_or_else(|error| error.status, |_| 200);
        let mut response = Response::new(body);
        *response.status_mut() =
            http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::BAD_REQUEST);
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            header::HeaderValue::from_static(content_type),
        );
        if let Ok(id) = header::HeaderValue::from_str(request_id) {
            headers.insert("x-amzn-requestid", id);
        }
        if self.protocol == Protocol::Json(Dialect::Compatible)
            && let Err(error) = result
            && let Ok(told) = header::HeaderValue::from_str(&format!(
                "{};{}",
                sqs::query_code(&error.code),
                if error.status < 500 {
                    "Sender"
                } else {
                    "Receiver"
                }
            ))
        {
            headers.insert("x-amzn-query-error", told);
        }
        if self.protocol == Protocol::Cbor {
            headers.insert(
                "smithy-protocol",
                header::HeaderValue::from_static("rpc-v2-cbor"),
            );
        }
        response
    }
}

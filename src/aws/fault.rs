//! A failed AWS call as a value, and what class of failure it is. Not the decision what follows.
//!
//! Classes come from the error code string, not from the SDK's enums: throttling is not modelled
//! for most ECS operations (gitops-controllers d.13), and codes newer than the SDK must still be
//! classed.

use std::fmt;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::model::Service;

/// What kind of failure a call met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Rate exceeded; passes by itself.
    Throttled,
    /// A 5xx, a broken connection, a timeout, or a refusal known to pass by itself.
    Transient,
    /// Not permitted, or no credentials.
    Denied,
    /// An account quota or hard limit.
    Quota,
    /// Somebody was quicker (already exists, deployment in flight); a fresh look will tell.
    Conflict,
    /// The thing is not there.
    NotFound,
    /// AWS calls the request wrong.
    Invalid,
    /// This program could not build the request or read the answer.
    Internal,
}

impl Class {
    /// One word for metrics and logs.
    pub fn label(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Transient => "transient",
            Self::Denied => "access_denied",
            Self::Quota => "quota",
            Self::Conflict => "conflict",
            Self::NotFound => "not_found",
            Self::Invalid => "invalid",
            Self::Internal => "internal",
        }
    }
}

/// A failed call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The service called.
    pub service: Service,
    /// The operation called.
    pub operation: &'static str,
    /// The class of failure.
    pub class: Class,
    /// AWS's error code, or a word of ours (`Timeout`, `Network`) where no answer came.
    pub code: String,
    /// AWS's message.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}: {}: {}",
            self.service.label(),
            self.operation,
            self.code,
            self.message
        )
    }
}

impl std::error::Error for Fault {}

impl Fault {
    /// The action that the caller must be allowed, as a policy names it: `iam:GetRole`.
    pub fn action(&self) -> String {
        format!("{}:{}", self.service.iam_prefix(), self.operation)
    }

    /// A failure on our side of the wire.
    pub fn internal(service: Service, operation: &'static str, message: impl Into<String>) -> Self {
        Self {
            service,
            operation,
            class: Class::Internal,
            code: "Internal".to_owned(),
            message: message.into(),
        }
    }

    /// Reads an SDK error.
    pub fn from_sdk<E>(
        service: Service,
        operation: &'static str,
        error: &SdkError<E, HttpResponse>,
    ) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let status = error.raw_response().map(|r| r.status().as_u16());
        let (code, message) = match error {
            SdkError::ServiceError(inner) => (
                inner.err().code().unwrap_or("Unknown").to_owned(),
                inner.err().message().unwrap_or("no message").to_owned(),
            ),
            SdkError::TimeoutError(_) => ("Timeout".to_owned(), chain(error)),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => {
                ("Timeout".to_owned(), chain(error))
            }
            SdkError::DispatchFailure(failure) if failure.is_io() => {
                ("Network".to_owned(), chain(error))
            }
            SdkError::DispatchFailure(_) => {
                let text = chain(error);
                // Broken connections of other sorts arrive here too; only missing or refused
                // credentials are a matter of permission.
                let code = if text.contains("credential") {
                    "Credentials"
                } else {
                    "Network"
                };
                (code.to_owned(), text)
            }
            SdkError::ResponseError(_) => ("UnreadableResponse".to_owned(), chain(error)),
            SdkError::ConstructionFailure(_) => ("RequestNotBuilt".to_owned(), chain(error)),
            _ => ("Unknown".to_owned(), chain(error)),
        };
        let class = classify(&code, &message, status);
        Self {
            service,
            operation,
            class,
            code,
            message,
        }
    }
}

/// The error and its causes on one line, for failures without an AWS message.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Messages under otherwise permanent codes that are known to pass by themselves: IAM propagation
/// and concurrent registration (aws-facts 3.3, 7).
const PASSING: [&str; 5] = [
    "Too many concurrent attempts to create a new revision",
    "Unable to assume the service linked role",
    "verify that the ECS service role being passed has the proper permissions",
    "Unable to Start a service that is still Draining",
    "does not have an associated load balancer",
];

/// The class of an error code. `status` is the HTTP status if an answer came.
pub fn classify(code: &str, message: &str, status: Option<u16>) -> Class {
    let bare = code.strip_suffix("Exception").unwrap_or(code);
    match bare {
        "Throttling"
        | "Throttled"
        | "RequestThrottled"
        | "TooManyRequests"
        | "RequestLimitExceeded"
        | "SlowDown"
        | "PriorRequestNotComplete"
        | "BandwidthLimitExceeded"
        | "EC2Throttled" => {
            return Class::Throttled;
        }
        "AccessDenied"
        | "UnauthorizedOperation"
        | "AuthFailure"
        | "UnrecognizedClient"
        | "InvalidClientTokenId"
        | "ExpiredToken"
        | "SignatureDoesNotMatch"
        | "MissingAuthenticationToken"
        | "NotAuthorized"
        | "BlockedByOrganizationPolicy"
        | "OperationNotPermitted"
        | "KmsAccessDenied"
        | "Credentials" => return Class::Denied,
        "RequestNotBuilt" | "UnreadableResponse" => return Class::Internal,
        "Timeout" | "Network" | "RequestTimeout" | "HealthUnavailable" | "UpdateInProgress" => {
            return Class::Transient;
        }
        "DeploymentLimitExceeded" | "DeploymentAlreadyCompleted" | "ConcurrentUpdate" => {
            return Class::Conflict;
        }
        _ => {}
    }
    if PASSING.iter().any(|text| message.contains(text)) || status.is_some_and(|s| s >= 500) {
        return Class::Transient;
    }
    if message.contains("deployments exist, unable to create new deployment") {
        return Class::Conflict;
    }
    if bare.ends_with("LimitExceeded")
        || bare.starts_with("TooMany")
        || bare.ends_with("AssociationLimit")
    {
        return Class::Quota;
    }
    if bare.contains("AlreadyExists") || bare.starts_with("Duplicate") || bare.ends_with("InUse") {
        return Class::Conflict;
    }
    if message.starts_with("Unable to describe task definition") {
        return Class::NotFound;
    }
    if bare.ends_with("NotFound")
        || bare.ends_with("DoesNotExist")
        || ["ServiceNotActive", "NoSuchEntity"].contains(&bare)
    {
        return Class::NotFound;
    }
    Class::Invalid
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_code_has_its_class() {
        for (code, message, status, class) in [
            (
                "ThrottlingException",
                "Rate exceeded",
                Some(400),
                Class::Throttled,
            ),
            ("PriorRequestNotComplete", "", Some(429), Class::Throttled),
            ("AccessDeniedException", "", Some(400), Class::Denied),
            ("ExpiredTokenException", "", Some(400), Class::Denied),
            ("ServerException", "", Some(500), Class::Transient),
            ("Timeout", "", None, Class::Transient),
            (
                "ClientException",
                "Too many concurrent attempts to create a new revision of the specified family.",
                Some(400),
                Class::Transient,
            ),
            (
                "DeploymentLimitExceededException",
                "",
                Some(400),
                Class::Conflict,
            ),
            ("LimitExceededException", "", Some(400), Class::Quota),
            (
                "ECSServiceMappingLimitExceededException",
                "",
                Some(400),
                Class::Quota,
            ),
            ("TooManyTargetGroups", "", Some(400), Class::Quota),
            (
                "RepositoryAlreadyExistsException",
                "",
                Some(400),
                Class::Conflict,
            ),
            ("DuplicateListener", "", Some(400), Class::Conflict),
            ("PriorityInUse", "", Some(400), Class::Conflict),
            ("ServiceNotFoundException", "", Some(400), Class::NotFound),
            ("NoSuchEntity", "", Some(404), Class::NotFound),
            ("AuthFailure", "", Some(401), Class::Denied),
            (
                "DeploymentGroupDoesNotExistException",
                "",
                Some(400),
                Class::NotFound,
            ),
            (
                "InvalidParameterException",
                "Creation of service was not idempotent.",
                Some(400),
                Class::Invalid,
            ),
            ("Credentials", "no providers in chain", None, Class::Denied),
            (
                "Network",
                "connection closed before message completed",
                None,
                Class::Transient,
            ),
            (
                "ClientException",
                "Unable to describe task definition.",
                Some(400),
                Class::NotFound,
            ),
            (
                "ClientException",
                "No Fargate configuration exists",
                Some(400),
                Class::Invalid,
            ),
        ] {
            assert_eq!(classify(code, message, status), class, "{code}: {message}");
        }
    }
}

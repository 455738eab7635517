//! The refusals that several operations share, worded as AWS words them. Not their conditions.

use super::AwsError;

/// `InvalidParameterException`.
pub(crate) fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new("InvalidParameterException", message)
}

/// `ClientException`.
pub(crate) fn client(message: impl Into<String>) -> AwsError {
    AwsError::new("ClientException", message)
}

/// The cluster does not exist or is `INACTIVE`.
pub(crate) fn cluster_not_found() -> AwsError {
    AwsError::new("ClusterNotFoundException", "Cluster not found.")
}

/// The service does not exist.
pub(crate) fn service_not_found() -> AwsError {
    AwsError::new("ServiceNotFoundException", "Service not found.")
}

/// The service is `DRAINING` or `INACTIVE`.
pub(crate) fn service_not_active() -> AwsError {
    AwsError::new("ServiceNotActiveException", "Service was not ACTIVE.")
}

/// A member that the model calls required was not sent.
pub(crate) fn missing(member: &str) -> AwsError {
    invalid(format!("{member} cannot be null or empty."))
}

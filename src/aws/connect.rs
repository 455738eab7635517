//! Makes the SDK clients: standard AWS configuration, or the simulated AWS in this process.

use std::sync::Arc;
use std::time::Duration;

use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ecs::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

use super::Aws;
use super::call::Clients;
use super::pace::Pacer;
use super::raw::Raw;
use crate::clock::Clock;
use crate::metrics::Metrics;

/// What AWS to connect to.
#[derive(Clone, Debug)]
pub enum Connection {
    /// The one that the environment, profile or role says (`AWS_ENDPOINT_URL` included).
    Environment,
    /// The same, with what an Environment manifest fixes.
    Fixed {
        /// The region, instead of the configured one.
        region: Option<String>,
        /// The role that is assumed with the configured credentials for every call.
        role: Option<String>,
        /// The name of the role's sessions, as `CloudTrail` shows it.
        session: String,
    },
    /// The simulated one, by this HTTP client; needs no credentials.
    Sandbox {
        /// The client that carries requests to the sandbox.
        http: SharedHttpClient,
        /// The region that requests are signed for.
        region: String,
    },
}

impl Connection {
    /// The same AWS, in this region.
    pub(super) fn in_region(self, region: &str) -> Self {
        let region = region.to_owned();
        match self {
            Self::Environment => Self::Fixed {
                region: Some(region),
                role: None,
                session: String::new(),
            },
            Self::Fixed { role, session, .. } => Self::Fixed {
                region: Some(region),
                role,
                session,
            },
            Self::Sandbox { http, .. } => Self::Sandbox { http, region },
        }
    }
}

/// No AWS control-plane call that we make takes longer when it is answered at all.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);

/// Three attempts and their backoff (standard mode: 1 s exponential, at most 20 s).
const OPERATION_TIMEOUT: Duration = Duration::from_mins(1);

/// Connects. Reads configuration only; no AWS call is made.
///
/// # Errors
/// Says what to set if no region is configured.
pub async fn connect(
    connection: Connection,
    clock: Clock,
    metrics: Arc<Metrics>,
) -> Result<Aws, String> {
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build();
    let configured = || {
        aws_config::defaults(BehaviorVersion::latest())
            .retry_config(RetryConfig::standard())
            .timeout_config(timeouts.clone())
    };
    let config = match connection {
        Connection::Environment => configured().load().await,
        Connection::Fixed {
            region,
            role,
            session,
        } => {
            let own = match region {
                Some(region) => configured().region(Region::new(region)).load().await,
                None => configured().load().await,
            };
            match role {
                Some(role) => assuming(own, role, session).await,
                None => own,
            }
        }
        // Built by hand: nothing of the machine's AWS configuration may reach the sandbox.
        Connection::Sandbox { http, region } => SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .retry_config(RetryConfig::standard())
            .timeout_config(timeouts)
            .http_client(http)
            .region(Region::new(region))
            .endpoint_url("http://sandbox.evenkeel.invalid")
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "SANDBOX", "sandbox", None, None, "sandbox",
            )))
            .build(),
    };
    let region = config
        .region()
        .map(|region| region.as_ref().to_owned())
        .ok_or("no AWS region is configured; set AWS_REGION, or `region` in the profile")?;
    Ok(Aws {
        clients: clients(&config),
        pacer: Arc::new(Pacer::new(clock.clone())),
        metrics,
        clock,
        region,
        account: Arc::default(),
    })
}

/// The configuration with a role's credentials, renewed before they end.
async fn assuming(config: SdkConfig, role: String, session: String) -> SdkConfig {
    let provider = AssumeRoleProvider::builder(role)
        .session_name(session)
        .configure(&config)
        .build()
        .await;
    config
        .into_builder()
        .credentials_provider(SharedCredentialsProvider::new(provider))
        .build()
}

fn clients(config: &SdkConfig) -> Clients {
    Clients {
        ecs: aws_sdk_ecs::Client::new(config),
        ecr: aws_sdk_ecr::Client::new(config),
        codedeploy: aws_sdk_codedeploy::Client::new(config),
        elb: aws_sdk_elasticloadbalancingv2::Client::new(config),
        scaling: aws_sdk_applicationautoscaling::Client::new(config),
        sts: aws_sdk_sts::Client::new(config),
        ssm: aws_sdk_ssm::Client::new(config),
        secretsmanager: aws_sdk_secretsmanager::Client::new(config),
        #[cfg(feature = "cloudformation")]
        cloudformation: aws_sdk_cloudformation::Client::new(config),
        #[cfg(feature = "s3")]
        s3: aws_sdk_s3::Client::new(config),
        #[cfg(feature = "iam")]
        iam: aws_sdk_iam::Client::new(config),
        raw: Raw::new(config),
    }
}

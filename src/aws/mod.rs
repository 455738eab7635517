//! The edge to AWS: real SDK clients behind one document call, paced, timed and counted.
//!
//! What it is: [`Aws::call`] for one request and [`Observer`] for shared, batched reads. What it is
//! not: it decides nothing, and there is no trait over AWS; tests put the simulated AWS under the
//! SDK's HTTP connector.
//!
//! Invariants:
//! - Every call passes the pacer and has attempt and operation timeouts.
//! - A read that fails becomes [`crate::model::Seen::Unknown`]; a write that fails becomes a [`Fault`].

mod call;
mod connect;
mod connector;
mod fault;
mod object;
mod observer;
mod pace;
mod pages;
mod query;
mod raw;

use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};

pub use call::OPERATIONS;
pub use connect::{Connection, connect};
pub use connector::Connector;
pub use fault::{Class, Fault, classify};
pub use observer::{Bag, MANIFESTS, Observer};
pub(crate) use pages::{Listing, Token, list};

use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::model::{Call, Service};

/// One account and region of AWS.
#[derive(Clone, Debug)]
pub struct Aws {
    clients: call::Clients,
    pacer: Arc<pace::Pacer>,
    metrics: Arc<Metrics>,
    clock: Clock,
    region: String,
    account: Arc<OnceLock<String>>,
}

impl Aws {
    /// Sends one request; gives the answer's document whole.
    ///
    /// # Errors
    /// A [`Fault`] after the SDK's own retries.
    pub async fn call(&self, call: &Call) -> Result<Value, Fault> {
        self.admit(call).await;
        self.send(call).await
    }

    /// Waits until the pace allows this call. Whoever admits a call sends it, or the rate that it
    /// took is lost.
    pub async fn admit(&self, call: &Call) {
        let (bucket, waited) = self.pacer.admit(call.service, call.operation).await;
        self.metrics.aws_waited(bucket, waited);
    }

    /// Sends a request that was admitted.
    ///
    /// # Errors
    /// A [`Fault`] after the SDK's own retries.
    pub async fn send(&self, call: &Call) -> Result<Value, Fault> {
        self.send_to(call, None).await
    }

    /// Like [`Aws::call`], in another region than the configured one: of `CloudWatch` Logs and SQS only.
    ///
    /// # Errors
    /// As [`Aws::call`].
    pub async fn call_in(&self, region: &str, call: &Call) -> Result<Value, Fault> {
        self.admit(call).await;
        self.send_to(call, Some(region)).await
    }

    async fn send_to(&self, call: &Call, region: Option<&str>) -> Result<Value, Fault> {
        let started = self.clock.now();
        let result = self.clients.send(call, region).await;
        let code = result
            .as_ref()
            .map_or_else(|fault| fault.class.label(), |_| "ok");
        self.metrics.aws_called(
            call.service.label(),
            call.operation,
            code,
            self.clock.now().since(started),
        );
        if let Err(fault) = &result {
            tracing::debug!(service = call.service.label(), operation = call.operation, class = fault.class.label(),
                code = %fault.code, "aws call failed");
        }
        result
    }

    /// The content of an S3 object, which is no document; at most `limit` bytes.
    ///
    /// # Errors
    /// A [`Fault`], also for an object that is larger.
    pub async fn object(&self, bucket: &str, key: &str, limit: usize) -> Result<Vec<u8>, Fault> {
        let (category, waited) = self.pacer.admit(Service::S3, "GetObject").await;
        self.metrics.aws_waited(category, waited);
        let started = self.clock.now();
        let result = self.clients.object(bucket, key, limit).await;
        let code = result
            .as_ref()
            .map_or_else(|fault| fault.class.label(), |_| "ok");
        let took = self.clock.now().since(started);
        self.metrics
            .aws_called(Service::S3.label(), "GetObject", code, took);
        result
    }

    /// Whose credentials these are: the account id.
    ///
    /// # Errors
    /// A [`Fault`] if STS does not answer or knows nobody by them.
    pub async fn account(&self) -> Result<String, Fault> {
        let account = self.caller().await?;
        Ok(self.account.get_or_init(|| account).clone())
    }

    /// Whose credentials these are now: asked each time, as a profile or a role may change.
    ///
    /// # Errors
    /// As [`Aws::account`].
    pub async fn caller(&self) -> Result<String, Fault> {
        let call = Call {
            service: Service::Sts,
            operation: "GetCallerIdentity",
            input: json!({}),
        };
        let answer = self.call(&call).await?;
        let account = answer
            .get("Account")
            .and_then(Value::as_str)
            .ok_or_else(|| {
                Fault::internal(
                    Service::Sts,
                    "GetCallerIdentity",
                    "the answer names no account",
                )
            })?;
        Ok(account.to_owned())
    }

    /// The account id, once [`Aws::account`] has told it.
    pub fn known_account(&self) -> Option<&str> {
        self.account.get().map(String::as_str)
    }

    /// The region that is called.
    pub fn region(&self) -> &str {
        &self.region
    }
}

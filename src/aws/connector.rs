//! AWS by region, connected when something is asked of it for the first time. For what is needed before an
//! Environment is chosen: manifests in the Parameter Store, passwords of repositories.
//!
//! Why it knows no Environment: that manifest may stand in such a source itself, and its role and account
//! are those that services are kept in, not those that hold the manifests. So a source is read with the
//! credentials of the process, in the process's region unless its address names one.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Mutex;

use super::{Aws, Connection, connect};
use crate::clock::Clock;
use crate::metrics::Metrics;

/// Connects to any region of one AWS.
#[derive(Clone, Debug)]
pub struct Connector {
    connection: Connection,
    clock: Clock,
    metrics: Arc<Metrics>,
    made: Arc<Mutex<BTreeMap<Option<String>, Aws>>>,
}

impl Default for Connector {
    /// The AWS that environment, profile or role say; its calls are counted nowhere.
    fn default() -> Self {
        Self::new(Connection::Environment, Clock::wall(1), Arc::default())
    }
}

impl Connector {
    /// A connector to this AWS; nothing is read or asked yet.
    pub fn new(connection: Connection, clock: Clock, metrics: Arc<Metrics>) -> Self {
        Self {
            connection,
            clock,
            metrics,
            made: Arc::default(),
        }
    }

    /// AWS in this region; without one in that of the connection.
    ///
    /// # Errors
    /// Says what to set if no region is configured.
    pub async fn aws(&self, region: Option<&str>) -> Result<Aws, String> {
        let mut made = self.made.lock().await;
        let region = region.map(str::to_owned);
        if let Some(aws) = made.get(&region) {
            return Ok(aws.clone());
        }
        let connection = match &region {
            Some(region) => self.connection.clone().in_region(region),
            None => self.connection.clone(),
        };
        let aws = connect(connection, self.clock.clone(), Arc::clone(&self.metrics)).await?;
        made.insert(region, aws.clone());
        Ok(aws)
    }
}

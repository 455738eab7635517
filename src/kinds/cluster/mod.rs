//! An ECS cluster. Settings, configuration, capacity providers, Service Connect defaults and tags all
//! change in place; only its name does not. Its services and instances are not looked at.
//!
//! Facts: ARN and name; ready once it is `ACTIVE`.

mod observe;
mod plan;
mod resets;

pub(crate) use resets::RESETS;

use serde_json::Value;

use super::{Reconciled, View};
use crate::aws::Observer;
use crate::document::{Change, Rules, Treat};
use crate::model::{Moment, Plan, Seen};

/// Clusters as a kind.
#[derive(Clone, Copy, Debug)]
pub struct Cluster;

/// What one pass reads.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The member of `DescribeClusters`, with tags, settings and configuration. An `INACTIVE`
    /// cluster is absent.
    pub cluster: Seen<Value>,
}

const UPDATE: &str = "UpdateCluster";
const PUT_PROVIDERS: &str = "PutClusterCapacityProviders";

/// The two operations that change a cluster (service model).
const RULES: Rules = Rules {
    members: &[
        ("/clusterName", Treat::Ignored),
        ("/tags", Treat::Ignored),
        ("/settings", Treat::Keyed(&["name"])),
        ("/capacityProviders", Treat::Set),
        (
            "/defaultCapacityProviderStrategy",
            Treat::Keyed(&["capacityProvider"]),
        ),
        ("/serviceConnectDefaults/namespace", Treat::NameOrOpaqueArn),
    ],
    scalars_by_text: false,
    changes: &[
        ("capacityProviders", Change::By(PUT_PROVIDERS)),
        ("defaultCapacityProviderStrategy", Change::By(PUT_PROVIDERS)),
    ],
    other_changes: Change::By(UPDATE),
};

impl Reconciled for Cluster {
    type Observed = Observed;

    async fn observe(observer: &Observer, view: &View<'_>, fresh: Moment) -> Observed {
        observe::observe(observer, view, fresh).await
    }

    fn plan(view: &View<'_>, observed: &Observed) -> Plan {
        plan::plan(view, observed)
    }
}

//! The members of a cluster that go back to a default when no longer declared. Data.
//!
//! Sources: the service model of ecs 2014-11-13 (`UpdateCluster`, `PutClusterCapacityProviders`,
//! `ExecuteCommandConfiguration`). Container Insights goes back to the default that an account has that
//! changed nothing; a default of the account's own is not read. Without a row: encryption of managed
//! storage, for which the model tells no way back.

use crate::kinds::members::Reset;

pub(crate) const RESETS: &[Reset] = &[
    Reset::to(
        "se",
        "/settings",
        r#"[{"name": "containerInsights", "value": "disabled"}]"#,
    ),
    Reset::to(
        "ex",
        "/configuration/executeCommandConfiguration",
        r#"{"logging": "DEFAULT"}"#,
    )
    .explicit(),
    Reset::to("cp", "/capacityProviders", "[]"),
    Reset::to("ds", "/defaultCapacityProviderStrategy", "[]"),
    // "An empty string" takes the configuration away.
    Reset::to("sc", "/serviceConnectDefaults", r#"{"namespace": ""}"#),
];

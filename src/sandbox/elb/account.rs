//! `DescribeAccountLimits`: the quotas that the other operations enforce, and the regional ones.

use super::super::{AwsError, World};
use super::paging;
use serde_json::{Value, json};

/// Application Load Balancer quotas page.
const LIMITS: &[(&str, &str)] = &[
    ("application-load-balancers", "50"),
    ("condition-values-per-alb-rule", "5"),
    ("listeners-per-application-load-balancer", "50"),
    ("listeners-per-network-load-balancer", "50"),
    ("network-load-balancers", "50"),
    ("rules-per-application-load-balancer", "100"),
    ("target-groups", "3000"),
    ("target-groups-per-action-on-application-load-balancer", "5"),
    ("target-groups-per-application-load-balancer", "100"),
    ("targets-per-application-load-balancer", "1000"),
];

/// The limits, one page.
pub(super) fn limits(_: &mut World, input: &Value) -> Result<Value, AwsError> {
    let limits = LIMITS
        .iter()
        .map(|(name, most)| json!({ "Name": name, "Max": most }))
        .collect();
    paging::page(input, "Limits", limits)
}

//! An ELB load balancer. Subnets, security groups, address type, attributes and tags change in
//! place; name, scheme and type do not. Its listeners are a kind of their own.
//!
//! Facts: ARN and name; ready as soon as it exists, because listeners may be made on it while it
//! is still provisioning.

mod observe;
mod plan;
mod resets;
mod shape;

pub(crate) use resets::RESETS;
pub(crate) use shape::as_declared;

use serde_json::Value;

use super::{Reconciled, View};
use crate::aws::Observer;
use crate::document::{Change, Rules, Treat};
use crate::model::{Moment, Plan, Seen};

/// Load balancers as a kind.
#[derive(Clone, Copy, Debug)]
pub struct LoadBalancer;

/// What one pass reads.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The member of `DescribeLoadBalancers`.
    pub load_balancer: Seen<Value>,
    /// Attributes (`[{Key, Value}]`); not read when none are declared or remembered, or it is not there.
    pub attributes: Option<Seen<Value>>,
    /// Tags (`[{Key, Value}]`); not read when it is not there.
    pub tags: Option<Seen<Value>>,
}

const SET_SUBNETS: &str = "SetSubnets";
const SET_SECURITY_GROUPS: &str = "SetSecurityGroups";
const SET_IP_ADDRESS_TYPE: &str = "SetIpAddressType";
const MODIFY_IP_POOLS: &str = "ModifyIpPools";

/// The only member of `IpamPools`.
const IPAM_POOL: &str = "Ipv4IpamPoolId";

/// What the operations beside `CreateLoadBalancer` take (service model); all else is fixed.
const RULES: Rules = Rules {
    members: &[
        ("/Name", Treat::Ignored),
        ("/Tags", Treat::Ignored),
        ("/Subnets", Treat::Set),
        ("/SubnetMappings", Treat::Keyed(&["SubnetId"])),
        ("/SecurityGroups", Treat::Set),
    ],
    scalars_by_text: true,
    changes: &[
        ("Subnets", Change::By(SET_SUBNETS)),
        ("SubnetMappings", Change::By(SET_SUBNETS)),
        ("EnablePrefixForIpv6SourceNat", Change::By(SET_SUBNETS)),
        ("SecurityGroups", Change::By(SET_SECURITY_GROUPS)),
        ("IpAddressType", Change::By(SET_IP_ADDRESS_TYPE)),
        ("IpamPools", Change::By(MODIFY_IP_POOLS)),
    ],
    other_changes: Change::Recreate,
};

impl Reconciled for LoadBalancer {
    type Observed = Observed;

    async fn observe(observer: &Observer, view: &View<'_>, fresh: Moment) -> Observed {
        observe::observe(observer, view, fresh).await
    }

    fn plan(view: &View<'_>, observed: &Observed) -> Plan {
        plan::plan(view, observed)
    }
}

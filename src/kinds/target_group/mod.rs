//! An ELB target group. Most of it is fixed at creation; health checks, attributes and tags change
//! in place. Its targets belong to ECS and are not looked at.
//!
//! Facts: ARN and name; ready as soon as it exists.

mod observe;
mod plan;
mod resets;

pub(crate) use resets::RESETS;

pub(crate) use plan::label;

use serde_json::Value;

use super::{Reconciled, View};
use crate::aws::Observer;
use crate::document::{Change, Rules, Treat};
use crate::model::{Moment, Plan, Seen};

/// Target groups as a kind.
#[derive(Clone, Copy, Debug)]
pub struct TargetGroup;

/// What one pass reads.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The member of `DescribeTargetGroups`.
    pub target_group: Seen<Value>,
    /// Attributes (`[{Key, Value}]`); not read when none are declared or remembered, or the group is not there.
    pub attributes: Option<Seen<Value>>,
    /// Tags (`[{Key, Value}]`); not read when the group is not there.
    pub tags: Option<Seen<Value>>,
}

/// aws-facts 4: what `ModifyTargetGroup` takes; all else is fixed.
const RULES: Rules = Rules {
    members: &[("/Name", Treat::Ignored), ("/Tags", Treat::Ignored)],
    scalars_by_text: true,
    changes: &[
        ("HealthCheckEnabled", Change::By(MODIFY)),
        ("HealthCheckIntervalSeconds", Change::By(MODIFY)),
        ("HealthCheckPath", Change::By(MODIFY)),
        ("HealthCheckPort", Change::By(MODIFY)),
        ("HealthCheckProtocol", Change::By(MODIFY)),
        ("HealthCheckTimeoutSeconds", Change::By(MODIFY)),
        ("HealthyThresholdCount", Change::By(MODIFY)),
        ("Matcher", Change::By(MODIFY)),
        ("UnhealthyThresholdCount", Change::By(MODIFY)),
    ],
    other_changes: Change::Recreate,
};

const MODIFY: &str = "ModifyTargetGroup";

impl Reconciled for TargetGroup {
    type Observed = Observed;

    async fn observe(observer: &Observer, view: &View<'_>, fresh: Moment) -> Observed {
        observe::observe(observer, view, fresh).await
    }

    fn plan(view: &View<'_>, observed: &Observed) -> Plan {
        plan::plan(view, observed)
    }
}

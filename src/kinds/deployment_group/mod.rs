//! A `CodeDeploy` application and its deployment group for one ECS service. Its deployments are the
//! service's business. Everything in it changes in place, also while a deployment runs.
//!
//! Facts: ARN and name; ready as soon as the group exists.

mod observe;
mod plan;
mod resets;

pub(crate) use observe::arn as group_arn;

pub(crate) use resets::RESETS;

use serde_json::Value;

use super::{Reconciled, View};
use crate::aws::Observer;
use crate::document::{Change, Rules, Treat};
use crate::model::{Moment, Plan, Seen};

/// Deployment groups as a kind.
#[derive(Clone, Copy, Debug)]
pub struct DeploymentGroup;

/// What one pass reads.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The group's ARN, which no answer holds: made of region, account and names.
    pub arn: String,
    /// `ApplicationInfo`.
    pub application: Seen<Value>,
    /// `DeploymentGroupInfo`.
    pub group: Seen<Value>,
    /// Tags (`[{Key, Value}]`); not read when the group is not there.
    pub tags: Option<Seen<Value>>,
}

const UPDATE: &str = "UpdateDeploymentGroup";

/// aws-facts 2.1: `UpdateDeploymentGroup` takes everything except tags.
const RULES: Rules = Rules {
    members: &[
        ("/applicationName", Treat::Ignored),
        ("/deploymentGroupName", Treat::Ignored),
        ("/tags", Treat::Ignored),
        ("/ecsServices", Treat::Set),
        ("/ecsServices/*/clusterName", Treat::NameOrArn),
        ("/ecsServices/*/serviceName", Treat::NameOrArn),
        (
            "/loadBalancerInfo/targetGroupPairInfoList/*/targetGroups",
            Treat::Keyed(&["name"]),
        ),
        (
            "/loadBalancerInfo/targetGroupPairInfoList/*/prodTrafficRoute/listenerArns",
            Treat::Set,
        ),
        (
            "/loadBalancerInfo/targetGroupPairInfoList/*/testTrafficRoute/listenerArns",
            Treat::Set,
        ),
        (
            "/loadBalancerInfo/targetGroupInfoList",
            Treat::Keyed(&["name"]),
        ),
        ("/loadBalancerInfo/elbInfoList", Treat::Keyed(&["name"])),
        ("/alarmConfiguration/alarms", Treat::Keyed(&["name"])),
        ("/autoRollbackConfiguration/events", Treat::Set),
        ("/triggerConfigurations", Treat::Keyed(&["triggerName"])),
        ("/triggerConfigurations/*/triggerEvents", Treat::Set),
    ],
    scalars_by_text: false,
    changes: &[],
    other_changes: Change::By(UPDATE),
};

impl Reconciled for DeploymentGroup {
    type Observed = Observed;

    async fn observe(observer: &Observer, view: &View<'_>, fresh: Moment) -> Observed {
        observe::observe(observer, view, fresh).await
    }

    fn plan(view: &View<'_>, observed: &Observed) -> Plan {
        plan::plan(view, observed)
    }
}

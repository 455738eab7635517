//! An Application Auto Scaling policy of an ECS service: target tracking, steps or forecast.
//! Identified by its service and its name; made after the scalable target. Another name is another
//! policy, and the old one stays and keeps scaling: nothing is deleted here.
//!
//! AWS takes no tags on policies. A policy is ours if a manifest declares it: it lives and dies with
//! the scalable target, whose ownership tag stands for its policies too.
//!
//! Facts: ARN; ready as soon as it exists.

mod observe;
mod plan;

use serde_json::Value;

use super::{Reconciled, View};
use crate::aws::Observer;
use crate::document::{Change, Rules, Treat};
use crate::model::{Moment, Plan, Seen};

/// Scaling policies as a kind.
#[derive(Clone, Copy, Debug)]
pub struct ScalingPolicy;

/// What one pass reads.
#[derive(Clone, Debug)]
pub struct Observed {
    /// One of `ScalingPolicies`.
    pub policy: Seen<Value>,
    /// The scalable target; read only when the policy is not there.
    pub target: Option<Seen<Value>>,
}

const PUT: &str = "PutScalingPolicy";

const RULES: Rules = Rules {
    members: &[
        ("/ServiceNamespace", Treat::Ignored),
        ("/ResourceId", Treat::Ignored),
        ("/ScalableDimension", Treat::Ignored),
        ("/PolicyName", Treat::Ignored),
        (
            "/StepScalingPolicyConfiguration/StepAdjustments",
            Treat::Set,
        ),
        (
            "/TargetTrackingScalingPolicyConfiguration/CustomizedMetricSpecification/Dimensions",
            Treat::Keyed(&["Name"]),
        ),
        (
            "/TargetTrackingScalingPolicyConfiguration/CustomizedMetricSpecification/Metrics",
            Treat::Keyed(&["Id"]),
        ),
        (
            "/TargetTrackingScalingPolicyConfiguration/CustomizedMetricSpecification/Metrics/*/MetricStat/Metric/Dimensions",
            Treat::Keyed(&["Name"]),
        ),
        (
            "/PredictiveScalingPolicyConfiguration/MetricSpecifications/*/CustomizedScalingMetricSpecification/MetricDataQueries",
            Treat::Keyed(&["Id"]),
        ),
        (
            "/PredictiveScalingPolicyConfiguration/MetricSpecifications/*/CustomizedLoadMetricSpecification/MetricDataQueries",
            Treat::Keyed(&["Id"]),
        ),
        (
            "/PredictiveScalingPolicyConfiguration/MetricSpecifications/*/CustomizedCapacityMetricSpecification/MetricDataQueries",
            Treat::Keyed(&["Id"]),
        ),
    ],
    scalars_by_text: false,
    changes: &[],
    other_changes: Change::By(PUT),
};

impl Reconciled for ScalingPolicy {
    type Observed = Observed;

    async fn observe(observer: &Observer, view: &View<'_>, fresh: Moment) -> Observed {
        observe::observe(observer, view, fresh).await
    }

    fn plan(view: &View<'_>, observed: &Observed) -> Plan {
        plan::plan(view, observed)
    }
}

//! An Application Auto Scaling target of an ECS service: between which counts it is scaled. One a
//! service, identified by the service (`service/CLUSTER/SERVICE`); made after it.
//!
//! It is ours if a manifest declares it, whoever registered it; a new one carries the ownership tag.
//! Nothing is deregistered. Every registration, an update too, makes AWS bring the service's count
//! between the two (`RegisterScalableTarget`).
//!
//! What it is not: it suspends nothing for a deployment. That is the service's
//! ([`crate::kinds::service`]), and while its mark is on the service nothing is written here.
//!
//! Facts: ARN; ready as soon as it exists.

mod observe;
mod plan;

use serde_json::Value;

use super::{Reconciled, View};
use crate::aws::Observer;
use crate::document::{Change, Rules, Treat};
use crate::model::{Moment, Plan, Seen};

/// Scalable targets as a kind.
#[derive(Clone, Copy, Debug)]
pub struct ScalableTarget;

/// What one pass reads.
#[derive(Clone, Debug)]
pub struct Observed {
    /// One of `ScalableTargets`.
    pub target: Seen<Value>,
    /// Tags (`[{Key, Value}]`); not read when none are declared or the target is not there.
    pub tags: Option<Seen<Value>>,
    /// The ECS service; read only when something differs.
    pub service: Option<Seen<Value>>,
}

const REGISTER: &str = "RegisterScalableTarget";

/// ECS is scaled by a service-linked role, whatever role is given (`RoleARN`).
const RULES: Rules = Rules {
    members: &[
        ("/ServiceNamespace", Treat::Ignored),
        ("/ResourceId", Treat::Ignored),
        ("/ScalableDimension", Treat::Ignored),
        ("/RoleARN", Treat::Ignored),
        ("/Tags", Treat::Ignored),
    ],
    scalars_by_text: false,
    changes: &[],
    other_changes: Change::By(REGISTER),
};

impl Reconciled for ScalableTarget {
    type Observed = Observed;

    async fn observe(observer: &Observer, view: &View<'_>, fresh: Moment) -> Observed {
        observe::observe(observer, view, fresh).await
    }

    fn plan(view: &View<'_>, observed: &Observed) -> Plan {
        plan::plan(view, observed)
    }
}

/// `service/CLUSTER/SERVICE` of the spec of a scalable target or a policy.
pub(super) fn resource_id(spec: &Value) -> &str {
    spec.get("ResourceId")
        .and_then(Value::as_str)
        .unwrap_or_default()
}
